"""The report of an acceptance: JSON for machines, HTML with pictures for people, in a folder."""

from __future__ import annotations

import datetime
import html
import json
from pathlib import Path
from typing import Any

from opennmes import __version__, files
from opennmes.device.acceptance.accept import Acceptance, stepping
from opennmes.device.acceptance.bench import Found
from opennmes.measure.captures.witness import SAMPLING
from opennmes.measure.claims import Claim
from opennmes.visible import visible

JSON, HTML = "report.json", "report.html"
ASSUMED = (
    "A resistor was assumed at every output, and nobody connected. Pins were looked at, and no current: what an output "
    "stage makes of them is not shown. OpenNMES is a research instrument and no medical device, and this report "
    "is no statement of conformity."
)
_STYLE = """
body{font:15px/1.45 sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:.6em 0 1.6em}
td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left;vertical-align:top}
.passed{color:#006000}.failed{color:#b00000;font-weight:bold}.unclear{color:#806000;font-weight:bold}
img{max-width:100%;border:1px solid #ddd}
"""


def as_json(made: Acceptance) -> dict[str, Any]:
    """Everything that was found."""
    device, witness = made.device, made.witness
    clock = made.clock_ppm
    return {
        "verdict": made.verdict,
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host_tools": __version__,
        "quick": made.quick,
        "assumed": ASSUMED,
        "device": {
            "uid": device.get("uid"), "board": device.get("board"), "stage": device.get("stage"),
            "stepping": stepping(device), "firmware": device.get("firmware"),
            "version": device.get("version"), "micropython": device.get("micropython"),
            "limits_digest": device.get("limits_digest"), "board_digest": device.get("board_digest"),
            "stage_digest": device.get("stage_digest"),
        },
        "witness": {
            "uid": witness.get("uid"), "board": witness.get("board"), "stepping": stepping(witness),
            "firmware": witness.get("digest"), "micropython": witness.get("micropython"),
            "resolution_ns": SAMPLING.step_ps / 1000,
        },
        "clock_ppm": None if clock is None else clock[0],
        "clock_uncertain_ppm": None if clock is None else clock[1],
        "wires": made.walk.seen,
        "promises": [
            {"promise": row.promise.what, "bound": row.promise.bound, "page": row.promise.page,
             "verdict": row.verdict, "measured": row.measured}
            for row in made.rows
        ],
        "runs": [
            {"run": run.name, "title": run.title, "claims": [_claim(claim) for claim in run.claims]}
            for run in made.found
        ],
    }  # fmt: skip


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "claim": claim.name, "channel": claim.channel, "asked": claim.asked, "measured": claim.measured,
        "bound": claim.bound, "verdict": claim.verdict, "judged": claim.judged, "why": claim.why or None,
    }  # fmt: skip


def write(made: Acceptance, folder: Path, *, pictures: bool = True) -> dict[str, Any]:
    """Write report.json, report.html and its pictures into a folder, which is made. Returns what is in report.json.
    Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    data = as_json(made)
    shown = {}
    if pictures:
        for number, run in enumerate(made.found, start=1):
            name = f"run-{number:02d}.png"
            if _picture(run, folder / name):
                shown[run.name] = name
    files.put(folder / JSON, json.dumps(data, indent=2).encode() + b"\n")
    files.put(folder / HTML, page(data, shown).encode())
    return data


def _picture(run: Found, path: Path) -> bool:
    from opennmes.plots import draw  # matplotlib takes a second to load
    from opennmes.plots.verified import verified_figure
    from opennmes.plots.witnessed import witnessed_figure

    if run.report is not None and run.seen is not None and run.expected is not None:
        draw.save(verified_figure(run.report, run.seen, run.expected), path)
        return True
    if run.recording is not None and run.around_ps is not None:
        verdicts = ", ".join(sorted({claim.verdict for claim in run.claims}))
        figure = witnessed_figure(run.recording, list(run.recording.pins), run.around_ps, run.title, verdicts)
        draw.save(figure, path)
        return True
    return False


def page(data: dict[str, Any], pictures: dict[str, str]) -> str:
    """The HTML of what as_json made."""
    clock = data["clock_ppm"]
    about = [
        ("verdict", data["verdict"]), ("made", data["made"]), ("host tools", data["host_tools"]),
        ("sessions", "quick: as short as can be judged" if data["quick"] else "into each programme's second train"),
        ("clocks", "not known" if clock is None else f"the witness's is faster by {clock:+.2f} ppm, give or take "
         f"{data['clock_uncertain_ppm']:.2f}; the two crystals may differ by 100 ppm"),
        ("wires", f"{data['wires']} of the wires were walked over, and the one to the reset"),
    ]  # fmt: skip
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>OpenNMES: what a witness saw</title>",
        f"<style>{_STYLE}</style><h1>OpenNMES: what a witness saw</h1>",
        f"<p>{_text(data['assumed'])}</p>",
        _table(("", ""), about),
        "<h2>The board</h2>", _table(("", ""), list(data["device"].items())),
        "<h2>The witness</h2>", _table(("", ""), list(data["witness"].items())),
        "<h2>What is promised</h2>",
        _table(("promise", "bound", "page", "verdict", "shown by"),
               [(row["promise"], row["bound"], row["page"], row["verdict"], row["measured"])
                for row in data["promises"]]),
        "<h2>The runs</h2>",
    ]  # fmt: skip
    for run in data["runs"]:
        parts.append(f"<h3>{_text(run['run'])}</h3><p>{_text(run['title'])}</p>")
        parts.append(_table(
            ("claim", "channel", "asked", "measured", "bound", "verdict", "why"),
            [(claim["claim"], "" if claim["channel"] is None else claim["channel"], claim["asked"], claim["measured"],
              claim["bound"], claim["verdict"], claim["why"] or "") for claim in run["claims"]],
        ))  # fmt: skip
        if run["run"] in pictures:
            parts.append(f"<p><img src='{_text(pictures[run['run']])}' alt='{_text(run['title'])}'></p>")
    return "\n".join(parts) + "\n"


def _table(heads: tuple[str, ...], body: list[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{_text(each)}</th>" for each in heads) if any(heads) else ""
    lines = [f"<tr>{head}</tr>"] if head else []
    for row in body:
        cells = "".join(f"<td class='{_text(cell)}'>{_text(cell)}</td>" if cell in ("passed", "failed", "unclear")
                        else f"<td>{_text(cell)}</td>" for cell in row)  # fmt: skip
        lines.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _text(value: Any) -> str:
    return html.escape(visible(str(value)), quote=True)

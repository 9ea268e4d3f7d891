"""nmes verify: whether the pins did what a prescription asks, from a capture of a logic analyser; or all that is
promised of pins, with a second board as the witness."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from nmes.core import programme
from nmes.core.reason import refuse
from opennmes.boards import load_board, stage_of
from opennmes.cli.output import FAILED, NOT_MEDICAL, not_understood, out, print_json, print_table, reported, words
from opennmes.cli.ports import Port as OnePort
from opennmes.cli.ports import only_one
from opennmes.cli.witnessed import FOLDER, witnessed
from opennmes.measure import names
from opennmes.measure import verify as judging
from opennmes.measure.captures import Capture, CaptureError, Sampling, open_capture
from opennmes.measure.captures.base import hertz, likely_rate_hz
from opennmes.measure.claims import NOT_CAPTURED, PASSED, Claim
from opennmes.measure.expected import Expected
from opennmes.measure.seen import PS_PER_S, Seen, rate_in_words, read
from opennmes.pins import pins_of
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription import Prescription
from opennmes.prescription.timetable import timetable

_MOST_PPM = "100"  # two crystals of 50 ppm
_BOARD = "pico"
_PPM_MOST = 20_000
_STYLES = {"passed": "green", "failed": "bold red", "unclear": "yellow", NOT_CAPTURED: "dim"}
_SAID = "the command line"


@dataclass(frozen=True)
class _Source:
    """Where a capture came from, and how it was understood."""

    capture: str
    form: str
    sampling: Sampling
    roles: dict[str, str]
    guessed: dict[str, str]


# long: the verb's options, each with its help, are half of it
def verify(
    capture: Annotated[
        Path | None, typer.Argument(help="A capture: VCD, sigrok's .sr, or Saleae's digital CSV.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(help="The prescription that was run, a TOML file.", show_default=False)
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PIN=NAME",
            help="Which signal of the capture is which pin, as phase_a_0=D3; once for each that its name does not say. "
            "Pins: phase_a_0, phase_b_0, level_a_0, level_b_0 (and _1), enable, pump.",
            show_default=False,
        ),
    ] = None,
    sample_rate: Annotated[
        str, typer.Option(metavar="RATE", help="How fast it was sampled, as 24MHz, where the file does not say it.")
    ] = "",
    ppm: Annotated[str, typer.Option(metavar="N", help="What the two clocks may differ by.")] = _MOST_PPM,
    part: Annotated[
        bool, typer.Option("--part", help="The capture is meant to have a part of the session, not all of it.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A picture, the worst pulse enlarged: .png, .svg or .pdf. With --witness the folder "
            "of the report; acceptance without it.",
            show_default=False,
        ),
    ] = None,
    witness: Annotated[
        str | None,
        typer.Option(
            metavar="PORT",
            help="No capture: a second board at this port, the witness, sees the pins of the board at "
            "--port, and the list of acceptance runs is carried out. For resistors alone.",
            show_default=False,
        ),
    ] = None,
    port: OnePort = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --witness: sessions as short as they can be judged.")
    ] = False,
    board: Annotated[str, typer.Option(help="The board whose pins were captured.")] = _BOARD,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Judge a capture of real pins by a prescription: passed, failed, or unclear. Needs no board. Or have a
    second board watch: `nmes verify --witness PORT --port PORT`.

    Every phase, gap, period, count, overlap, A against B, order after rests; ramps, enable and pump where they are in
    the capture. Exit status: 0 passed, 1 failed or unclear, 2 usage error or invalid file. See docs/verify.md.

    Example: nmes verify capture.vcd my.toml --signal phase_a_0=D0 --signal phase_b_0=D1 --output capture.png
    """
    if witness is not None:
        if capture is not None:
            not_understood("--witness takes no capture and no prescription: it carries out a list of its own")
        if signal or sample_rate or part or ppm != _MOST_PPM or board != _BOARD:
            not_understood("--signal, --sample-rate, --ppm, --part and --board are for a capture: leave them out")
        device = only_one(port, "one board is judged at a time")
        witnessed(witness, device, output or FOLDER, quick=quick, json=json)
        return
    if capture is None or file is None:
        not_understood("verify needs a capture and the prescription that was run; or --witness PORT --port PORT")
    if port is not None or quick:
        not_understood("--port and --quick are for --witness: a capture is judged without a board")
    from opennmes.plots.draw import FORMATS  # matplotlib takes a second to load, but less than a capture

    if output is not None and output.suffix.lower() not in FORMATS:
        not_understood(f"--output is {output}; its name has to end in {', '.join(FORMATS)}")
    said = _said(signal or [])
    rate_hz = _rate_hz(sample_rate) if sample_rate else None
    most_ppm = _ppm(ppm)
    stop_on_signals()
    with reported(json, verdict=None, claims=None):
        facts, stage = load_board(board), stage_of(board)
        asked = programme.parse(Prescription.read(file).data)
        if asked.trigger:
            refuse("no_timetable", "trigger", "given", "a programme whose trains begin at their time", "nmes verify")
        expected = timetable(asked, stage)
        try:
            source, seen = _read(capture, said, rate_hz, facts, expected, most_ppm)
        except CaptureError as error:
            _not_a_capture(error, json)
        report = judging.verify(seen, expected, most_ppm=most_ppm, part=part)
        if output is not None:
            from opennmes.plots.verified import plot_verified

            plot_verified(report, seen, expected, output)
    if json:
        print_json(_as_json(report, seen, expected, output, source))
    else:
        _print(report, seen, expected, output, source)
    if report.verdict != PASSED:
        raise typer.Exit(FAILED)


def _read(
    capture: Path,
    said: dict[str, str],
    rate_hz: float | None,
    board: dict[str, Any],
    expected: Expected,
    most_ppm: float,
) -> tuple[_Source, Seen]:
    """What a capture has of the pulses that are expected, and how it was understood. Raises CaptureError."""
    opened = open_capture(capture)
    roles, guessed = names.named(opened.signals, said, _gpios(board))
    _need_phases(opened, expected, roles)
    sampling = _sampling(opened, rate_hz, roles)
    _need_fast_enough(capture, expected, sampling)
    source = _Source(str(capture), opened.form, sampling, roles, guessed)
    return source, read(opened, roles, sampling, expected, most_ppm)


def _said(texts: list[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for text in texts:
        role, equals, name = text.partition("=")
        if not equals or not name or role not in names.ROLES:
            not_understood(
                f"--signal is {text!r}; write PIN=NAME, as in --signal phase_a_0=D3, where PIN is one of "
                f"{', '.join(names.ROLES)}"
            )
        if role in said:
            not_understood(f"--signal gives {role} twice; each pin can be given once")
        said[role] = name
    return said


def _rate_hz(text: str) -> float:
    rate_hz = hertz(text)
    if not 1 <= rate_hz <= 1e12:
        not_understood(f"--sample-rate is {text!r}, which is no rate; write it as 24MHz, 500kHz or 12.5MHz")
    return rate_hz


def _ppm(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not 0 < float(text) <= _PPM_MOST:
        not_understood(f"--ppm is {text!r}; write a number above 0 and up to {_PPM_MOST}, as in 100")
    return float(text)


def _gpios(board: dict[str, Any]) -> dict[int, str]:
    """The role of each of a board's pins that has one."""
    found = {}
    for pin in pins_of(board):
        role = pin.function if pin.channel is None else f"{pin.function}_{pin.channel}"
        if role in names.ROLES:
            found[pin.gpio] = role
    return found


def _need_phases(opened: Capture, expected: Expected, roles: dict[str, str]) -> None:
    """Raises CaptureError when no phase at all is known: nothing could be judged."""
    needed = judging.needed_roles(expected)
    if not any(role in roles for role in needed):
        examples = " ".join(f"--signal {role}=NAME" for role in needed)
        raise CaptureError(
            f"{opened.path}: no signal's name says which pin it is; say it: {examples}. "
            f"It has: {', '.join(opened.signals) or 'none'}"
        )


def _sampling(opened: Capture, rate_hz: float | None, roles: dict[str, str]) -> Sampling:
    """How fast it was sampled. Raises CaptureError when nobody says it."""
    own = opened.sampling
    if rate_hz is not None:
        if own.rate_hz is not None and abs(rate_hz / own.rate_hz - 1) > 1e-6:
            raise CaptureError(
                f"{opened.path} was sampled at {rate_in_words(own.rate_hz)} by {own.source}, not at "
                f"{rate_in_words(rate_hz)}: leave --sample-rate out"
            )
        return Sampling(rate_hz, own.quantum_ps, _SAID)
    if own.rate_hz is None:
        likely = likely_rate_hz(opened, [roles[role] for role in roles if role.startswith("phase")])
        hint = f" Its edges would fit {rate_in_words(likely)}." if likely else ""
        raise CaptureError(
            f"{opened.path} does not say how fast it was sampled, and what can be judged depends on that; say it as it "
            f"was set at the capture: --sample-rate 24MHz.{hint}"
        )
    return own


def _need_fast_enough(path: Path, expected: Expected, sampling: Sampling) -> None:
    if 2 * sampling.step_ps > expected.shortest_us * 1_000_000:
        raise CaptureError(
            f"{path} was sampled at {rate_in_words(sampling.rate_hz)}, too rarely for phases of "
            f"{expected.shortest_us} us: capture again at 1 MHz or more"
        )


def _not_a_capture(error: CaptureError, json: bool) -> NoReturn:
    if json:
        print_json({"verdict": None, "claims": None, "error": str(error), "reasons": []})
    not_understood(str(error))


def _as_json(
    report: judging.Report,
    seen: Seen,
    expected: Expected,
    output: Path | None,
    source: _Source,
) -> dict[str, Any]:
    found = report.clocks
    return {
        "verdict": report.verdict,
        "claims": [
            {
                "claim": claim.name,
                "channel": claim.channel,
                "asked": claim.asked,
                "measured": claim.measured,
                "bound": claim.bound,
                "verdict": claim.verdict,
                "judged": claim.judged,
                "why": claim.why or None,
                "at_s": claim.at_s,
            }
            for claim in report.claims
        ],
        "prescription": expected.title,
        "capture": source.capture,
        "format": source.form,
        "seconds": (seen.end_ps - seen.begin_ps) / PS_PER_S,
        "sample_rate_hz": source.sampling.rate_hz,
        "sample_rate_source": source.sampling.source,
        "resolution_us": source.sampling.step_ps / 1_000_000,
        "clock_ppm": found.ppm,
        "clock_uncertain_ppm": found.uncertain_ppm,
        "clock_most_ppm": found.most_ppm,
        "signals": source.roles,
        "guessed": sorted(source.guessed),
        "picture": None if output is None else str(output),
    }


def _print(
    report: judging.Report,
    seen: Seen,
    expected: Expected,
    output: Path | None,
    source: _Source,
) -> None:
    out.print(
        words(f"{source.capture}: ", (report.verdict, _STYLES[report.verdict]), f" for {expected.title}"),
        soft_wrap=True,
    )
    lasts_s = (seen.end_ps - seen.begin_ps) / PS_PER_S
    out.print(
        words(
            f"{source.form}, {lasts_s:.6g} s, sampled at {rate_in_words(source.sampling.rate_hz)} by "
            f"{source.sampling.source}: a time is known to {source.sampling.step_ps / 1_000_000:.3g} us"
        ),
        soft_wrap=True,
    )
    pins = ", ".join(
        f"{role} {name}" + (" (guessed)" if role in source.guessed else "") for role, name in source.roles.items()
    )
    out.print(words(f"signals: {pins}"), soft_wrap=True)
    table = Table()
    for heading in ("", "claim", "asked", "measured", "bound", "verdict"):
        table.add_column(heading)
    turned = []
    for claim in report.claims:
        style = _STYLES[claim.verdict]
        where = "" if claim.channel is None else f"channel {claim.channel}"
        row = (where, claim.name, claim.asked, claim.measured, claim.bound)
        table.add_row(*map(words, row), words((claim.verdict, style)))
        heading = f"{where + ', ' if where else ''}{claim.name}: {claim.verdict}"
        lines = [f"{what} {text}" for what, text in zip(("asked", "measured", "bound"), row[2:], strict=True) if text]
        turned.append((heading, lines))
    print_table(table, turned)
    for claim in report.claims:
        if claim.why:
            out.print(words("  - ", (claim.verdict, _STYLES[claim.verdict]), f", {_why(claim)}"), soft_wrap=True)
    left = [claim.name for claim in report.claims if claim.verdict == NOT_CAPTURED]
    if left:
        out.print(words(f"Not captured, and so not judged: {'; '.join(dict.fromkeys(left))}"), soft_wrap=True)
    out.print(words(judging.statement(report.clocks.most_ppm)), soft_wrap=True)
    if output is not None:
        out.print(words(f"picture: {output}"), soft_wrap=True)
    out.print(NOT_MEDICAL, style="dim")


def _why(claim: Claim) -> str:
    where = "" if claim.channel is None else f"channel {claim.channel}, "
    at = "" if claim.at_s is None or claim.verdict == PASSED else f" (at {claim.at_s:.6f} s of the capture)"
    return f"{where}{claim.name}: {claim.why}{at}"

"""`nmes verify --witness`: the acceptance list on two real boards. It belongs to cli/verify.py."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from opennmes.cli.output import FAILED, NOT_MEDICAL, err, out, print_json, print_table, reported, words
from opennmes.device.choose import choose
from opennmes.device.discover import micropython_ports
from opennmes.measure.claims import PASSED
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port

FOLDER = Path("acceptance")
_STYLES = {"passed": "green", "failed": "bold red", "unclear": "yellow", "not shown": "dim"}


def witnessed(witness: str, port: str | None, folder: Path, *, quick: bool, json: bool) -> None:
    """Walk over the wires, carry out the list, and write the report into `folder`."""
    from opennmes.device.acceptance import report
    from opennmes.device.acceptance.accept import accept

    stop_on_signals()
    with reported(json, verdict=None, promises=None):
        chosen = choose(port)
        uid = uids().get(chosen.where, "")

        def device() -> Port:
            # After a reset the operating system may give the board another port.
            return open_port(next((port for port, other in uids().items() if uid and other == uid), chosen.where))

        _say(report.ASSUMED)
        begun_s = time.monotonic()
        at = open_port(there := choose(witness).where)
        try:
            if os.path.realpath(there) == os.path.realpath(chosen.where):
                raise PortError(
                    f"{there}: --witness and --port are the same board; name the one that is judged with --port, and "
                    "the witness with --witness (docs/verify.md). Nothing was put out"
                )
            made = accept(at, device, quick=quick, progress=_say)
            data = report.write(made, folder)
        finally:
            at.close()
        _say(f"{len(made.found)} runs in {time.monotonic() - begun_s:.0f} s")
    if json:
        print_json({**data, "report": str(folder / report.HTML)})
    else:
        _print(data, folder / report.HTML)
    if data["verdict"] != PASSED:
        raise typer.Exit(FAILED)


def uids() -> dict[str, str]:
    """The serial ports with MicroPython's USB ids, each with the unique id of its chip; none where nobody can look."""
    try:
        return micropython_ports()
    except PortError:
        return {}


def _say(text: str) -> None:
    err.print(words(text), soft_wrap=True)


def _print(data: dict[str, Any], path: Path) -> None:
    verdict = data["verdict"]
    board = f"{data['device']['board']} {data['device']['uid']}"
    out.print(
        words(f"{board}: ", (verdict, _STYLES[verdict]), f", seen by witness {data['witness']['uid']}"), soft_wrap=True
    )
    table = Table()
    for heading in ("promise", "bound", "verdict", "shown by"):
        table.add_column(heading)
    turned = []
    for row in data["promises"]:
        table.add_row(words(row["promise"]), words(row["bound"]), words((row["verdict"], _STYLES[row["verdict"]])),
                      words(row["measured"]))  # fmt: skip
        turned.append((f"{row['promise']}: {row['verdict']}", [f"bound {row['bound']}", row["measured"]]))
    print_table(table, turned)
    for run in data["runs"]:
        for claim in run["claims"]:
            if claim["verdict"] != PASSED:
                what = f"{run['run']}, {claim['claim']}: {claim['why'] or claim['measured']}"
                out.print(words("  - ", (claim["verdict"], _STYLES[claim["verdict"]]), f", {what}"), soft_wrap=True)
    out.print(words(f"report: {path}"), soft_wrap=True)
    out.print(NOT_MEDICAL, style="dim")

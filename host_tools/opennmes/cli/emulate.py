"""nmes emulate: an emulated board behind a serial port that other programs can open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.numbers import whole_number
from opennmes.cli.output import not_understood, reported
from opennmes.ports.errors import PortError
from opennmes.ports.open import LOAD_OHM


def emulate(
    link: Annotated[Path | None, typer.Option(help="Make this symbolic link to the port, and remove it again.")] = None,
    load_ohm: Annotated[str, typer.Option(metavar="OHM", help="The load on each channel.")] = str(LOAD_OHM),
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run.")] = None,
) -> None:
    """Run an emulated board with a serial port for other programs, mpremote for one. Ends with Ctrl-C."""
    from opennmes.bench.pico import BenchError
    from opennmes.bench.pty import serve
    from opennmes.ports.emulator import power_on

    ohm = whole_number("--load-ohm", load_ohm)
    if link is not None and link.exists() and not link.is_symlink():
        not_understood(f"{link} is there and is no symbolic link; remove it or choose another --link")
    with reported(False):
        pico, _stage = power_on(uf2, ohm)
        try:
            serve(pico, lambda path: print(path, flush=True), link=link)
        except BenchError as died:
            raise PortError(str(died)) from died

"""nmes emulate: an emulated board behind a serial port that other programs can open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.numbers import factor, whole_number
from opennmes.cli.output import not_understood, reported
from opennmes.cli.streams import Stream
from opennmes.ports.errors import PortError
from opennmes.ports.open import LOAD_OHM

_SLOWEST = 5


def emulate(
    link: Annotated[Path | None, typer.Option(help="Make this symbolic link to the port, and remove it again.")] = None,
    load_ohm: Annotated[str, typer.Option(metavar="OHM", help="The load on each channel.")] = str(LOAD_OHM),
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="No output stage: only the wires of the interlock.")] = False,
    cpu_factor: Annotated[
        str, typer.Option(metavar="N", help="How many times as long its CPU takes for everything, from 1 to 5.")
    ] = "1",
    bootsel: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the drive of a chip in BOOTSEL appears.")
    ] = None,
) -> None:
    """Run an emulated board with a serial port for other programs, mpremote for one. Ends with Ctrl-C.

    It is far slower than a board: have other nmes commands wait for it with NMES_PATIENCE=100 in their environment.

    Needs pseudo terminals, which Windows does not have; there --port emulator is the same board for nmes itself.

    Example (until Ctrl-C): nmes emulate --link my-board
    """
    from opennmes.emulator.pico import BenchError
    from opennmes.emulator.pty import NoTerminal, check, serve
    from opennmes.ports.emulator import power_on, power_on_bare

    ohm = whole_number("--load-ohm", load_ohm)
    slower = factor("--cpu-factor", cpu_factor, _SLOWEST)
    with reported(False):
        try:
            check(link)
            pico, _around = power_on_bare(uf2, slower) if bare else power_on(uf2, ohm, slower)
            serve(pico, _announce, link=link, bootsel=bootsel)
        except FileExistsError as occupied:
            not_understood(str(occupied))
        except (BenchError, NoTerminal) as died:
            raise PortError(str(died)) from died


def _announce(path: Path) -> None:
    """Say which port to open. Raises PortError when standard output does not take it: nobody would know."""
    print(path, flush=True)
    if isinstance(sys.stdout, Stream) and not sys.stdout.working:
        raise PortError(f"the port {path} could not be announced on standard output; the emulated board was ended")

"""nmes panel: the device as the person who is treated has it, in the terminal."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from opennmes.boards import load_board, load_stage
from opennmes.cli.numbers import whole_number
from opennmes.cli.output import FAILED, busy, error, not_understood, reported
from opennmes.cli.panel_words import COLUMNS, LINES, Sensor
from opennmes.device.client import Device
from opennmes.device.prescriptions import kept_already, push, text_of
from opennmes.ports.base import Port
from opennmes.ports.face import Face, VirtualFace
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import KEEPS, LOAD_OHM
from opennmes.ports.pace import Pace
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription


def panel(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Prescriptions that it is given first.", show_default=False)
    ] = None,
    emulate: Annotated[
        bool, typer.Option("--emulate", help="The real firmware on an emulated chip; far slower than a board.")
    ] = False,
    text: Annotated[
        bool, typer.Option("--text", help="In words, line by line: for a screen reader, any terminal, or a script.")
    ] = False,
    stage: Annotated[
        str,
        typer.Option(
            help="Another output stage than the usual one: reference-biofeedback, with a sensor and a hand switch that "
            "keys move.",
            show_default=False,
        ),
    ] = "",
    load_ohm: Annotated[str, typer.Option(metavar="OHM", help="The load on each channel.")] = str(LOAD_OHM),
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run, with --emulate.")] = None,
) -> None:
    """Show a device's display, lamps, buzzer and buttons in the terminal, and press its buttons with keys. The device
    is the virtual board in real time, or with --emulate the emulated one. Nobody can be connected to either.

    Needs a terminal of 130x40 characters at least, but for --text: there one types words, and what the display shows is
    said in words.

    Example (exit status 1, where there is no terminal): nmes panel my.toml

    Example: nmes panel my.toml --text

    Example: nmes panel my.toml --stage reference-biofeedback --text
    """
    ohm = whole_number("--load-ohm", load_ohm)
    if uf2 is not None and not emulate:
        not_understood("--uf2 is for --emulate; the virtual board runs the firmware of these tools")
    with reported(False):
        facts = load_stage(load_board("pico" if emulate else "virtual", stage or None)["stage"])
        if not facts["for_people"]:
            not_understood(f"--stage {stage}: pins only; nobody is treated with it, and it has no panel")
        if not text:
            _need_terminal()
        prescriptions = [Prescription.read(file) for file in files or []]
        for prescription in prescriptions:
            text_of(prescription)
            if "trigger" in prescription.data and "signal_most_mv" not in facts:
                not_understood(
                    f"{prescription.path} has contractions that their person starts, and stage {facts['name']} has no "
                    "input for that: add --stage reference-biofeedback"
                )
        with tempfile.TemporaryDirectory() as folder:
            if emulate:
                face = _emulated(uf2, ohm, prescriptions, stage)
            else:
                face = _virtual(ohm, prescriptions, Path(folder), stage)
            sensor = Sensor() if "signal_most_mv" in facts else None
            if text:
                _tell(face, sensor)
            else:
                _show(face, emulate, sensor)


def _need_terminal() -> None:
    alternative = "; with --text it needs none"
    try:
        streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
        there = all(stream is not None and stream.isatty() for stream in streams)
        size = os.get_terminal_size(sys.__stdout__.fileno()) if there and sys.__stdout__ else None
    except (OSError, ValueError):  # it is closed
        size = None
    if size is None:
        _refuse(f"the panel needs a terminal, for keys and picture{alternative}")
    elif size.columns < COLUMNS or size.lines < LINES:
        _refuse(
            f"the panel needs a terminal of {COLUMNS}x{LINES} characters, and this one has {size.columns}x{size.lines}"
            f": enlarge it, or make its letters smaller{alternative}"
        )


def _refuse(text: str) -> None:
    error(text)
    raise typer.Exit(FAILED)


def _virtual(ohm: int, prescriptions: Sequence[Prescription], folder: Path, stage: str) -> Face:
    """The virtual board, which keeps its things in the files that the environment names, or else in `folder`."""
    store = Path(os.environ.get(KEEPS) or folder / "virtual")
    if prescriptions:
        _give(VirtualPort(None, ohm, store, stage=stage), prescriptions)
    return VirtualFace(VirtualPort(None, ohm, store, panel=True, stage=stage))


def _emulated(uf2: Path | None, ohm: int, prescriptions: Sequence[Prescription], stage: str) -> Face:
    # Not above: it takes a second to load.
    from opennmes.ports.emulator import BOARD, EmulatedFace, EmulatedPort, power_on

    pico, _stage = power_on(uf2, ohm, stage=stage)
    face = EmulatedFace(pico, load_board(BOARD, stage or None))
    if prescriptions:
        with busy("giving the emulated board its prescriptions"):
            _give(EmulatedPort(pico), prescriptions)
        face.cut_power()
    return face


def _give(port: Port, prescriptions: Sequence[Prescription]) -> None:
    """Put them there as a clinic does, before the device is switched off and given to a person. Closes the port."""
    with Device(port) as device:
        device.connect()
        for prescription in prescriptions:
            if kept_already(device, prescription) is None:
                push(device, prescription)


def _tell(face: Face, sensor: Sensor | None) -> None:
    from opennmes.cli.panel_text import TextPanel, lines_of

    stop_on_signals()
    try:
        panel = TextPanel(face, lambda line: print(line, flush=True), sensor=sensor)
        panel.run(lines_of(sys.stdin or io.StringIO()))
    except KeyboardInterrupt:  # here: what was said so far is no result that would have to be printed to its end
        _refuse("interrupted")
    finally:
        face.close()


def _show(face: Face, emulated: bool, sensor: Sensor | None) -> None:
    from opennmes.cli.panel_app import PanelApp

    pace = Pace(face)
    app = PanelApp(pace, "the emulated board" if emulated else "the virtual board", sensor)
    try:
        app.run()
    finally:
        pace.end()
    if app.interrupted:
        raise KeyboardInterrupt
    if pace.failure is not None:
        raise pace.failure

"""The emulated board with its output stage: the real UF2 on an emulated RP2040."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from nmes.core import buttons
from opennmes import paths
from opennmes.boards import load_board, load_stage
from opennmes.emulator.biofeedback import Sensor
from opennmes.emulator.buttons import Buttons
from opennmes.emulator.oled import Oled
from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.wires import Wires
from opennmes.ports.errors import PortError
from opennmes.ports.face import SWITCH
from opennmes.ports.interrupts import held_back
from opennmes.ports.lamps import PINS, Lamps
from opennmes.screen import Screen

BOARD = "pico"
BARE = "bare"
SLICE_S = 0.02  # of simulated time; after each one Ctrl-C is heard


class EmulatedPort:
    """The port of an emulated board that is there; its clock is the board's own: waiting in read() makes the chip run.

    A reset takes the port away as it would a real one: what came before it can still be read, then every call raises
    PortError, and the way back is to open another EmulatedPort.
    """

    def __init__(self, pico: EmulatedPico, name: str = "emulator") -> None:
        """Open the port; boots the board when it has not enumerated yet. Raises PortError when it does not."""
        self.name = name
        self._pico = pico
        self._closed = False
        try:
            pico.boot()
        except BenchError as error:
            raise PortError(str(error)) from error
        self._resets = pico.resets

    def write(self, data: bytes) -> None:
        """Send all of `data`; the board takes it while read() runs. Raises PortError."""
        self._check()
        self._pico.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived, as soon as anything has; b"" after `timeout_s` simulated seconds. Raises PortError."""
        if self._pico.unread and not self._closed:
            return self._pico.read()
        self._check()
        try:
            # Rounded up: a caller that waits for what is left of a second must see time pass.
            self._pico.run_until(
                lambda: bool(self._pico.unread) or self._pico.resets != self._resets, max(1, math.ceil(timeout_s * 1e9))
            )
        except BenchError as error:
            raise PortError(str(error)) from error
        if not self._pico.unread:
            self._check()
        return self._pico.read()

    def now_s(self) -> float:
        """Simulated seconds since power on."""
        return self._pico.nanos / 1e9

    def close(self) -> None:
        """Give the port up; the board stays as it is."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise PortError(f"{self.name} is closed")
        if self._pico.resets != self._resets:
            raise PortError(f"{self.name}: the board was reset; open the port again")


class EmulatedPortWithStage(EmulatedPort):
    """The port of an emulated board that it powers on, and that board's output stage: `stage` has the trace of its pins
    and currents. A wait hears Ctrl-C."""

    def __init__(self, uf2: Path | None = None, load_ohm: int = 500) -> None:
        """Power a board on. `uf2`: see find_uf2. Raises PortError."""
        pico, self.stage = power_on(uf2, load_ohm)
        with held_back():
            super().__init__(pico)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, as soon as anything has; b"" after `timeout_s` simulated seconds. Raises PortError."""
        until_s = self.now_s() + timeout_s
        left_s = timeout_s
        while True:
            # Once at least: what is left of a wait can be too little to change a sum of seconds, and must pass too.
            with held_back():
                data = super().read(min(SLICE_S, left_s))
            left_s = until_s - self.now_s()
            if data or left_s <= 0:
                return data


class EmulatedFace:
    """Of an emulated board: `oled` is the display on its bus, with faults that can be switched on; `sensor` what is at
    its biofeedback input, None where its output stage has none."""

    def __init__(
        self, pico: EmulatedPico, board: Mapping[str, Any], *, kind: str = "", bounce_ms: float = 0, seed: int = 1
    ) -> None:
        """Wire display and buttons to `pico`, before it boots. `board` is the literal BOARD of a board with a panel;
        `kind`: another display than it says, a name of emulator.oled.KINDS; the others as Buttons has them."""
        pins, display = board["pins"], board["display"]
        self.pico = pico
        self.oled = Oled(pico, kind or display["controller"], display["sda"] // 2 % 2, display["address"])
        self._lamps = [pins[PINS[field.name]] for field in fields(Lamps)]
        self._buttons = Buttons(pico, [pins["panel"][name] for name in buttons.NAMES], bounce_ms=bounce_ms, seed=seed)
        stage = load_stage(board["stage"])
        self.sensor = Sensor(pico, board, stage) if "signal_most_mv" in stage else None

    def cut_power(self) -> None:
        """Cut the power of board and display for a moment: only what is in flash stays."""
        self.pico.hard_reset()
        self.oled.cut_power()

    def pixels(self) -> Screen:
        return self.oled.seen

    def lamps(self) -> Lamps:
        return Lamps(*[bool(self.pico.level(pin)) for pin in self._lamps])

    def press(self, mask: int) -> None:
        self._buttons.press(mask & buttons.ALL)
        if self.sensor:
            self.sensor.close_switch(bool(mask & SWITCH))

    def signal(self, mv: int | None) -> None:
        if self.sensor is None:
            raise PortError("the emulated board's output stage has no biofeedback input")
        self.sensor.mv = mv

    def wait(self, seconds: float) -> None:
        """Let so much time pass; Ctrl-C is heard between two slices of it."""
        end = self.pico.nanos + math.ceil(seconds * 1e9)
        while (left := end - self.pico.nanos) > 0:
            try:
                with held_back():
                    self.pico.run_for(min(left, round(SLICE_S * 1e9)))
            except BenchError as error:
                raise PortError(str(error)) from error

    def now_s(self) -> float:
        return self.pico.nanos / 1e9

    def close(self) -> None:
        """Nothing is left of it."""


def power_on(
    uf2: Path | None, load_ohm: int, cpu_factor: float = 1.0, stage: str = ""
) -> tuple[EmulatedPico, OutputStage]:
    """A board that has not booted yet, and its usual stage around its pins, or another. Raises PortError."""
    board = load_board(BOARD, stage or None)
    pico = _pico(find_uf2(uf2, stage), cpu_factor)
    return pico, OutputStage(pico, board, load_stage(board["stage"]), load_ohm)


def power_on_bare(uf2: Path | None, cpu_factor: float = 1.0) -> tuple[EmulatedPico, Wires]:
    """A board that has not booted yet, with nothing but the wires of the interlock. Raises PortError."""
    return (pico := _pico(find_uf2(uf2, BARE), cpu_factor)), Wires(pico, load_board(BOARD, BARE))


def _pico(uf2: Path, cpu_factor: float) -> EmulatedPico:
    try:
        return EmulatedPico(uf2, cpu_factor=cpu_factor)
    except BenchError as error:
        raise PortError(f"{error}; give a UF2 for board {BOARD} with --uf2, or run `make setup`") from error


def find_uf2(named: Path | None, stage: str = "") -> Path:
    """The UF2 to run: the one named, $NMES_UF2, or our own for this board, with its usual stage or another. Raises
    PortError."""
    from_environment = os.environ.get("NMES_UF2")
    uf2 = named or (Path(from_environment) if from_environment else paths.uf2(BOARD, stage))
    if not uf2.is_file():
        raise PortError(f"there is no UF2 at {uf2}; run `make setup`, or name another with --uf2 or $NMES_UF2")
    return uf2

"""What a person has before them, the same of the virtual and of the emulated board: display, lamps, buzzer, buttons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from nmes.core import buttons
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort
from opennmes.screen import Screen

if TYPE_CHECKING:  # only who has an emulated board imports the emulator: it takes a third of all the time of `nmes`
    from opennmes.emulator.pico import EmulatedPico

CLICK_S = 0.15
_LOOK_S = 0.02


@dataclass(frozen=True)
class Lamps:
    """What is on now."""

    output: bool = False
    ready: bool = False
    fault: bool = False
    buzzer: bool = False

    @classmethod
    def of_bits(cls, bits: int) -> Lamps:
        """As the virtual board says it."""
        return cls(*[bool(bits >> place & 1) for place in range(4)])


class Face(Protocol):
    """A device as its user has it. Nothing happens but in wait()."""

    def pixels(self) -> Screen:
        """What the display shows."""

    def lamps(self) -> Lamps:
        """Lamps and buzzer."""

    def press(self, mask: int) -> None:
        """Hold these buttons (bits of nmes.core.buttons) from now on, and no other."""

    def wait(self, seconds: float) -> None:
        """Let time pass for the device. Raises PortError when it has died."""

    def now_s(self) -> float:
        """Seconds of the device's time since power-on."""

    def close(self) -> None:
        """Cut the power."""


def click(face: Face, mask: int, seconds: float = CLICK_S) -> None:
    """Press, hold for some seconds, and let go for as long as a release needs to be seen."""
    face.press(mask)
    face.wait(seconds)
    face.press(0)
    face.wait(CLICK_S)


def wait_until(face: Face, holds: Callable[[], bool], seconds: float) -> bool:
    """Let time pass until `holds`, which is looked at every 20 ms. Returns whether it did within `seconds`."""
    end_s = face.now_s() + seconds
    while not holds():
        if face.now_s() >= end_s:
            return False
        face.wait(_LOOK_S)
    return True


class VirtualFace:
    """Of a virtual board with a panel. Its port stays usable: a host may be at it at the same time."""

    def __init__(self, port: VirtualPort) -> None:
        self.port = port

    def pixels(self) -> Screen:
        return self.port.screen

    def lamps(self) -> Lamps:
        return Lamps.of_bits(self.port.lamps)

    def press(self, mask: int) -> None:
        self.port.press(mask)

    def wait(self, seconds: float) -> None:
        self.port.let_pass(seconds)

    def now_s(self) -> float:
        return self.port.now_s()

    def close(self) -> None:
        self.port.close()


class EmulatedFace:
    """Of an emulated board: `oled` is the display on its bus, with faults that can be switched on."""

    def __init__(
        self, pico: EmulatedPico, board: Mapping[str, Any], *, kind: str = "", bounce_ms: float = 0, seed: int = 1
    ) -> None:
        """Wire display and buttons to `pico`, before it boots. `board` is the literal BOARD of a board with a panel;
        `kind`: another display than it says, a name of emulator.oled.KINDS; the others as Buttons has them."""
        from opennmes.emulator.buttons import Buttons
        from opennmes.emulator.oled import Oled
        from opennmes.emulator.pico import BenchError

        pins, display = board["pins"], board["display"]
        self._died = BenchError
        self.pico = pico
        self.oled = Oled(pico, kind or display["controller"], display["sda"] // 2 % 2, display["address"])
        self._lamps = [pins[name] for name in ("lamp", "ready", "fault", "buzzer")]
        self._buttons = Buttons(pico, [pins["panel"][name] for name in buttons.NAMES], bounce_ms=bounce_ms, seed=seed)

    def pixels(self) -> Screen:
        return self.oled.seen

    def lamps(self) -> Lamps:
        return Lamps(*[bool(self.pico.level(pin)) for pin in self._lamps])

    def press(self, mask: int) -> None:
        self._buttons.press(mask)

    def wait(self, seconds: float) -> None:
        try:
            self.pico.run_for(math.ceil(seconds * 1e9))
        except self._died as error:
            raise PortError(str(error)) from error

    def now_s(self) -> float:
        return self.pico.nanos / 1e9

    def close(self) -> None:
        """Nothing is left of it."""

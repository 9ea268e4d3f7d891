"""What a person has before them, the same of the virtual and of the emulated board: display, lamps, buzzer, buttons.
That of the emulated one is in ports/emulator.py, which takes a second to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from nmes.core import buttons
from opennmes.ports.lamps import Lamps
from opennmes.ports.virtual import VirtualPort
from opennmes.screen import Screen

CLICK_S = 0.15
SWITCH = buttons.ALL + 1  # of `press`: the hand switch, where the output stage has one
_LOOK_S = 0.02


class Face(Protocol):
    """A device as its user has it. Nothing happens but in wait()."""

    def pixels(self) -> Screen:
        """What the display shows."""

    def lamps(self) -> Lamps:
        """Lamps and buzzer."""

    def press(self, mask: int) -> None:
        """Hold these buttons (bits of nmes.core.buttons, and SWITCH) from now on, and no other."""

    def signal(self, mv: int | None) -> None:
        """Put so many millivolts at the biofeedback input from now on; None: nothing drives it. Only where the output
        stage has such an input."""

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
        return self.port.lamps

    def press(self, mask: int) -> None:
        self.port.press(mask & buttons.ALL)
        if self.port.has_input:
            self.port.set_switch(bool(mask & SWITCH))

    def signal(self, mv: int | None) -> None:
        self.port.set_signal(mv)

    def wait(self, seconds: float) -> None:
        self.port.let_pass(seconds)

    def now_s(self) -> float:
        return self.port.now_s()

    def close(self) -> None:
        self.port.close()

"""What both ways to show a panel share, and all of it that has to be known before either is loaded."""

from __future__ import annotations

from nmes.core import buttons
from opennmes.ports.face import CLICK_S, SWITCH
from opennmes.ports.lamps import Lamps

COLUMNS, LINES = 130, 40  # of a terminal: the picture in its frame, and what stands around it
HOLD_S = 1.5
# By the word for it: which button, and for how many seconds of the device's time.
PRESSES = {
    "start": (buttons.START, CLICK_S),
    "hold": (buttons.START, HOLD_S),
    "up": (buttons.UP, CLICK_S),
    "down": (buttons.DOWN, CLICK_S),
    "stop": (buttons.STOP, CLICK_S),
    "programme": (buttons.PROGRAMME, CLICK_S),
}

# Beside them, where the output stage has a biofeedback input.
GRIP = "switch"
WITH_INPUT = {**PRESSES, GRIP: (SWITCH, CLICK_S)}


class Sensor:
    """What a sensor at the biofeedback input says in the hands of a person: `mv`, None while it is off."""

    REST_MV, TIGHT_MV = 100, 900
    STEP_MV, MOST_MV = 100, 3_300

    def __init__(self) -> None:
        self.mv: int | None = self.REST_MV

    def step(self, up: int) -> None:
        """So many steps more."""
        self.mv = min(max(0, (self.mv or 0) + up * self.STEP_MV), self.MOST_MV)

    def tighten(self) -> None:
        """A contraction of the muscle, or its end."""
        self.mv = self.REST_MV if (self.mv or 0) >= self.TIGHT_MV else self.TIGHT_MV

    def turn(self) -> None:
        """Switch it off or on."""
        self.mv = None if self.mv is not None else self.REST_MV

    def in_words(self) -> str:
        return "sensor: off" if self.mv is None else f"signal: {self.mv} mV"


def pressed_in_words(mask: int) -> str:
    """The buttons that are pressed, and the hand switch."""
    held = [name for name in (buttons.names(mask & buttons.ALL), "hand switch" if mask & SWITCH else "") if name]
    return f"buttons pressed: {' and '.join(held) or 'none'}"


def lamps_in_words(lamps: Lamps) -> str:
    """One line, without colours."""
    shown = [(name, getattr(lamps, name)) for name in ("output", "ready", "fault")]
    parts = [f"{name} lamp: {'ON' if lit else 'off'}" for name, lit in shown]
    return "     ".join([*parts, f"buzzer: {'SOUNDS' if lamps.buzzer else 'silent'}"])

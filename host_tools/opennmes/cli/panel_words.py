"""What both ways to show a panel share, and all of it that has to be known before either is loaded."""

from __future__ import annotations

from nmes.core import buttons
from opennmes.ports.face import CLICK_S
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


def lamps_in_words(lamps: Lamps) -> str:
    """One line, without colours."""
    shown = [(name, getattr(lamps, name)) for name in ("output", "ready", "fault")]
    parts = [f"{name} lamp: {'ON' if lit else 'off'}" for name, lit in shown]
    return "     ".join([*parts, f"buzzer: {'SOUNDS' if lamps.buzzer else 'silent'}"])

"""The panel of a device in the terminal; loaded by `nmes panel` alone, because textual takes a third of a second."""

from __future__ import annotations

import asyncio
import contextlib

from textual.app import App, ComposeResult
from textual.events import Key, Resize
from textual.widgets import Static

from opennmes.cli.panel_words import (
    COLUMNS,
    GRIP,
    HOLD_S,
    LINES,
    PRESSES,
    WITH_INPUT,
    Sensor,
    lamps_in_words,
    pressed_in_words,
)
from opennmes.ports.face import CLICK_S
from opennmes.ports.interrupts import ending
from opennmes.ports.pace import Pace, Seen
from opennmes.screen import HEIGHT, WIDTH

SENSOR_KEYS = ("left", "right", "t", "o", "w")
KEYS = {"space": "start", "h": "hold", "up": "up", "down": "down", "s": "stop", "p": "programme"}
_BUTTONS = (
    f"space: start, pause, yes   h: hold start for {HOLD_S:g} s   up, down: more, less   s: stop, no   p: programme   "
    "q: cut its power\n"
)
LEGEND = _BUTTONS + (
    f"A key presses its button for {CLICK_S:g} s of the device's time. No terminal says when a key is let go: one that "
    "is held is a\npress, and one more that lasts when the terminal begins to repeat it."
)
LEGEND_WITH_SENSOR = _BUTTONS + (
    f"right, left: the sensor's signal {Sensor.STEP_MV} mV more, less   t: tighten, let go   o: sensor off, on   "
    "w: hand switch\n"
    f"A key presses its button or the switch for {CLICK_S:g} s of the device's time; one that is held is a press that "
    "lasts."
)
_LOOKS_A_SECOND = 20
_SLOW = 0.9  # of real time, and slower is said


def speed_in_words(speed: float | None) -> str:
    """How fast its time passes; None: nobody knows yet."""
    if speed is None:
        return "starting"
    if speed >= _SLOW:
        return "in real time"
    return f"{1 / speed:.{1 if speed > 0.1 else 0}f} times slower than real" if speed > 0 else "stands still"


class PanelApp(App[None]):
    """Shows what `pace` sees, and gives it the keys. `interrupted`: a signal has ended it."""

    CSS = """
    Screen { align: center top; overflow: hidden; }
    Static { width: auto; height: auto; }
    #pixels { border: solid; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, pace: Pace, name: str, sensor: Sensor | None = None) -> None:
        """`name`: of the board, for people; `sensor`: at its biofeedback input, where it has one."""
        super().__init__()
        self._pace = pace
        self._board = name
        self._sensor = sensor
        self.interrupted = False
        self._shown: Seen | None = None
        self._parts = {part: Static(markup=False, id=part) for part in ("head", "pixels", "lamps", "pressed", "keys")}

    def compose(self) -> ComposeResult:
        yield from self._parts.values()

    def on_mount(self) -> None:
        with contextlib.suppress(NotImplementedError):  # Windows
            for number in ending():
                asyncio.get_running_loop().add_signal_handler(number, self._interrupt)
        if self._sensor:
            self._pace.signal(self._sensor.mv)
        self._pace.begin()
        self._parts["keys"].update(LEGEND_WITH_SENSOR if self._sensor else LEGEND)
        self.set_interval(1 / _LOOKS_A_SECOND, self.look)

    def _interrupt(self) -> None:
        self.interrupted = True
        self.exit()

    def on_resize(self, event: Resize) -> None:
        self._shown = None
        self.look()

    def on_key(self, event: Key) -> None:
        if event.key in ("q", "ctrl+c"):
            event.stop()
            self.exit()
        elif event.key in KEYS:
            event.stop()
            self._pace.press(*PRESSES[KEYS[event.key]])
        elif self._sensor and event.key in SENSOR_KEYS:
            event.stop()
            self._on_sensor_key(self._sensor, event.key)

    def _on_sensor_key(self, sensor: Sensor, key: str) -> None:
        if key == "w":
            self._pace.press(*WITH_INPUT[GRIP])
            return
        if key == "t":
            sensor.tighten()
        elif key == "o":
            sensor.turn()
        else:
            sensor.step(1 if key == "right" else -1)
        self._pace.signal(sensor.mv)
        self._shown = None

    def look(self) -> None:
        """Show what is to be seen now."""
        if self._pace.failure is not None:
            self.exit()
            return
        seen = self._pace.seen
        # Also where nothing new is seen: then it stands still, and that is what is said.
        self._parts["head"].update(
            f"{self._board}, {seen.now_s:.1f} s since power-on, {speed_in_words(self._pace.speed)}"
        )
        if seen is self._shown:
            return
        self._shown = seen
        width, height = self.size
        if width < COLUMNS or height < LINES:
            self._parts["pixels"].update(f"{width}x{height}: too small, make it {COLUMNS}x{LINES}; q: quit")
            return
        scale = max(1, min((width - 2) // WIDTH, 2 * (height - LINES + HEIGHT // 2) // HEIGHT))
        self._parts["pixels"].update("\n".join(seen.pixels.half_blocks(scale)))
        self._parts["lamps"].update(lamps_in_words(seen.lamps))
        signal = f"     {self._sensor.in_words()}" if self._sensor else ""
        self._parts["pressed"].update(f"{pressed_in_words(seen.pressed)}{signal}")

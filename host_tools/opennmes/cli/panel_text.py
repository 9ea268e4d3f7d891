"""The panel of a device as lines of words, for a screen reader, a small terminal or a script."""

from __future__ import annotations

import contextlib
import math
import queue
import re
import threading
import time
from collections.abc import Callable
from typing import TextIO

from opennmes.cli.panel_words import HOLD_S, PRESSES, WITH_INPUT, Sensor, lamps_in_words
from opennmes.ports.face import CLICK_S, Face
from opennmes.ports.pace import RealTime
from opennmes.ports.reading import large, lines

HELP = (
    f"Type a word and Enter: {', '.join(PRESSES)} (hold is start for {HOLD_S:g} s); wait SECONDS; nothing, to hear it "
    "again; quit, which cuts the power. What the display shows is said when its words change, and the intensity when "
    "it does; other numbers are not."
)
OF_THE_SENSOR = ("tighten", "relax", "signal MILLIVOLTS", "signal off", "switch")
HELP_WITH_SENSOR = (
    f"The sensor's signal: {', '.join(OF_THE_SENSOR[:4])}; the hand switch: {OF_THE_SENSOR[4]}, which presses it."
)
_TICK_S = 0.05
_SETTLED_S = 0.4  # a picture comes page by page
_STARTED_S = 5.0  # since the power came: what has shown nothing by then shows nothing
_SIGNAL = re.compile(r"signal (off|[0-9]{1,4})")
_WAIT = re.compile(r"wait ([0-9]{1,5}(?:\.[0-9]{1,3})?)")


class TextPanel:
    """A face in words. `say` gets each line; `clock` and `sleep` are those of the wall; `sensor` is at its biofeedback
    input, where it has one."""

    def __init__(
        self,
        face: Face,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        sensor: Sensor | None = None,
    ) -> None:
        self._face = face
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._sensor = sensor
        self._presses = WITH_INPUT if sensor else PRESSES
        self._real_time = RealTime(face.now_s(), clock())
        self._seen: list[str] = []
        self._since_s = 0.0  # of the device's time: it has been the same
        self._intensity: list[str] = []
        self._said: list[str] = []
        self._intensity_said: list[str] = []

    def run(self, next_line: Callable[[], str | None]) -> None:
        """Carry out words until "quit". `next_line` gives the next one, None while there is none. Raises PortError."""
        self._say(HELP)
        if self._sensor:
            self._say(HELP_WITH_SENSOR)
            self._face.signal(self._sensor.mv)
        while (line := next_line()) != "quit":
            if line is None:
                self._pass(_TICK_S)
            else:
                self._carry_out(line)

    def _carry_out(self, line: str) -> None:
        wait = _WAIT.fullmatch(line)
        if wait:
            self._pass(float(wait[1]))
        elif self._sensor and self._moves(self._sensor, line):
            self._face.signal(self._sensor.mv)
            self._say(self._sensor.in_words())
        elif line in self._presses:
            mask, seconds = self._presses[line]
            # A button that is pressed while the device starts is one that is stuck.
            while not any(self._said) and self._face.now_s() < _STARTED_S:
                self._pass(_TICK_S)
            self._face.press(mask)
            self._pass(seconds)
            self._face.press(0)
            self._pass(_SETTLED_S + CLICK_S)
        elif line:
            more = OF_THE_SENSOR if self._sensor else ()
            self._say(f"{line!r} is none of the words: {', '.join((*PRESSES, *more))}, wait SECONDS, quit")
        else:
            self._tell()

    def _moves(self, sensor: Sensor, line: str) -> bool:
        """Whether a word is for the sensor; then it says something else now."""
        said = _SIGNAL.fullmatch(line)
        if line == "tighten":
            sensor.mv = sensor.TIGHT_MV
        elif line == "relax":
            sensor.mv = sensor.REST_MV
        elif said:
            sensor.mv = None if said[1] == "off" else min(int(said[1]), sensor.MOST_MV)
        return line in ("tighten", "relax") or said is not None

    def _pass(self, seconds: float) -> None:
        """Let time pass, in real time where the device is quick enough, and say what changes."""
        for _ in range(math.ceil(seconds / _TICK_S)):
            self._face.wait(_TICK_S)
            self._sleep(self._real_time.ahead_s(self._face.now_s(), self._clock()))
            self._look()

    def _look(self) -> None:
        now_s, pixels = self._face.now_s(), self._face.pixels()
        seen = lines(pixels)
        if seen != self._seen:
            self._seen, self._since_s, self._intensity = seen, now_s, large(pixels)
        elif now_s - self._since_s < _SETTLED_S:
            return
        elif _without_numbers(seen) != self._said:
            self._tell()
        elif self._intensity != self._intensity_said:
            self._intensity_said = self._intensity
            self._say(f"{' and '.join(self._intensity)} mA")

    def _tell(self) -> None:
        self._said, self._intensity_said = _without_numbers(self._seen), self._intensity
        for line in [*(row for row in self._seen if row), lamps_in_words(self._face.lamps()), ""]:
            self._say(line)


def _without_numbers(rows: list[str]) -> list[str]:
    return [re.sub("[0-9.:#]+", "", row) for row in rows]  # a bar is one too


def lines_of(stream: TextIO) -> Callable[[], str | None]:
    """What gives the next line of `stream`, None while there is none, and "quit" at its end."""
    come: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):  # closed, or nothing that can be read
            for line in stream:
                come.put(" ".join(line.split()).lower())
        come.put("quit")

    threading.Thread(target=read, daemon=True).start()

    def next_line() -> str | None:
        try:
            return come.get_nowait()
        except queue.Empty:
            return None

    return next_line

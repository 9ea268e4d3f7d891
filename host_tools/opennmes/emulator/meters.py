"""What the stage makes of the edges of a PWM pin and of the pump, which come by the hundred thousand a second.

meters.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opennmes.emulator.watcher import LONGEST_ROUND_NANOS, Wave

if TYPE_CHECKING:
    from opennmes.emulator.pico import EmulatedPico


class LevelMeter:
    """The duty of a PWM pin in counts, 0 to `levels`, after the filter.

    A new duty counts `settle_nanos` after the register write that made it, or up to one PWM period sooner: the write
    takes effect at the next wrap, which is all that can be seen of it. A pin without edges is at 0 or at `levels`.
    """

    def __init__(
        self, pico: EmulatedPico, pin: int, levels: int, settle_nanos: int, changed: Callable[[], None]
    ) -> None:
        self.level = 0  # what counts now
        self._clock = pico.mcu.clock
        self._levels = levels
        self._settle_nanos = settle_nanos
        self._changed = changed
        self._pin_level = pico.level(pin)
        self._edge_nanos = self._rise_nanos = self._fall_nanos = self._clock.nanos - settle_nanos
        self._period_nanos = 0.0
        self._high_nanos = 0.0
        self._target = self.level = levels if self._pin_level else 0
        self._settle_alarm = self._clock.create_alarm(self._settle)
        self._silence_alarm = self._clock.create_alarm(self._look_for_silence)
        self._listening = False
        self._late_nanos = 0.0  # how long ago the last edge may be of which it is told later
        pico.watch(pin, self._on_edge, self)

    def _on_edge(self, level: int) -> None:
        # 250 000 times a simulated second: the common case has to be short.
        now = self._clock.nanos
        self._edge_nanos = now
        self._pin_level = level
        if level:
            period_nanos = now - self._rise_nanos
            high_nanos = self._fall_nanos - self._rise_nanos
            if period_nanos != self._period_nanos or high_nanos != self._high_nanos:
                self._measure(period_nanos, high_nanos)
            self._rise_nanos = now
        else:
            self._fall_nanos = now
        if not self._listening:
            self._listening = True
            self._silence_alarm.schedule(self._settle_nanos / 2)

    def _measure(self, period_nanos: float, high_nanos: float) -> None:
        if period_nanos < self._settle_nanos:  # else this edge starts the PWM
            self._period_nanos = period_nanos
            self._high_nanos = high_nanos
            self._aim(round(self._levels * high_nanos / period_nanos), self._rise_nanos - period_nanos)

    def _aim(self, target: int, since_nanos: float) -> None:
        if target == self._target:
            return
        self._target = target
        self._settle_alarm.schedule(max(0.0, since_nanos + self._settle_nanos - self._clock.nanos))

    def _settle(self) -> None:
        if self.level != self._target:
            self.level = self._target
            self._changed()

    def may_be_late(self) -> bool:
        """See watcher.Late: a duty that has been measured stays."""
        return self._settle_nanos / 2 > LONGEST_ROUND_NANOS

    def is_late(self, round_nanos: float) -> None:
        """See watcher.Late."""
        self._late_nanos = round_nanos

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        """See watcher.Late."""
        for number in range(max(begin, end - 2), end):
            self._edge_nanos = wave.nanos(number)
            if wave.level(number):
                self._rise_nanos = self._edge_nanos
            else:
                self._fall_nanos = self._edge_nanos
        self._pin_level = wave.level(end - 1)

    def _look_for_silence(self) -> None:
        silent_nanos = self._late_nanos or self._clock.nanos - self._edge_nanos
        if silent_nanos >= self._settle_nanos / 2:
            self._listening = False
            self._period_nanos = 0.0
            self._aim(self._levels if self._pin_level else 0, self._edge_nanos)
        else:
            self._silence_alarm.schedule(self._settle_nanos / 2 - silent_nanos)


class Pump:
    """The charge pump that turns a square wave into permission: charged by steady edges, empty `hold_nanos` after."""

    EDGES = 8  # to charge it
    SLOWEST_NANOS = 50_000  # between two edges that still charge it

    def __init__(self, pico: EmulatedPico, pin: int, hold_nanos: int, changed: Callable[[], None]) -> None:
        self.charged = False
        self._clock = pico.mcu.clock
        self._hold_nanos = hold_nanos
        self._changed = changed
        self._edge_nanos = -float(hold_nanos)
        self._edges = 0
        self._alarm = self._clock.create_alarm(self._look)
        self._late_nanos = 0.0  # how long ago the last edge may be of which it is told later
        pico.watch(pin, self._on_edge, self)

    def _on_edge(self, _level: int) -> None:
        # 200 000 times a simulated second while it is on: the common case has to be short.
        now = self._clock.nanos
        since, self._edge_nanos = now - self._edge_nanos, now
        if self.charged:
            return
        self._edges = self._edges + 1 if since <= self.SLOWEST_NANOS else 1
        if self._edges >= self.EDGES:
            self.charged = True
            self._alarm.schedule(self._hold_nanos)
            self._changed()

    def may_be_late(self) -> bool:
        """See watcher.Late: edges in time change nothing but when the last one was."""
        return self.charged and self._hold_nanos > LONGEST_ROUND_NANOS

    def is_late(self, round_nanos: float) -> None:
        """See watcher.Late."""
        self._late_nanos = round_nanos

    def told_late(self, wave: Wave, _begin: int, end: int) -> None:
        """See watcher.Late."""
        self._edge_nanos = wave.nanos(end - 1)

    def _look(self) -> None:
        # A last edge, if there is one, comes after what is waited for here.
        silent_nanos = self._late_nanos or self._clock.nanos - self._edge_nanos
        if silent_nanos >= self._hold_nanos:
            self.charged = False
            self._edges = 0
            self._changed()
        else:
            self._alarm.schedule(self._hold_nanos - silent_nanos)

"""Listens to a pin of rp2040py: of a PWM's pin there are some 250 000 edges in a simulated second.

watcher.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rp2040py.gpio_pin import GPIOPin, GPIOPinState

HIGH = GPIOPinState.HIGH
LONGEST_ROUND_CYCLES = 12_500  # of a wave: 100 us


class Wave:
    """The edges of a pin that a state machine in a loop makes (loops.py), or a PWM slice that nobody touches (pwm.py).

    They are numbered from 0 on, and are not simulated. Who listens is told of those that have happened, each with its
    cycle, when somebody looks: by catch_up(). `round_fp` is at most LONGEST_ROUND_CYCLES.
    """

    def __init__(self, listeners: list[Any], edges: list[tuple[int, int]], start_fp: int, round_fp: int) -> None:
        """`edges`: how long after the beginning of each round (1/256 cycles), and the level from then on."""
        self._listeners = listeners
        self._offsets = [offset for offset, _ in edges]
        self._levels = [level for _, level in edges]
        self._edges = len(edges)
        self._start_fp = start_fp
        self._round_fp = round_fp
        self._told = 0
        for listener in listeners:
            listener.is_late(round_fp >> 8)

    def cycle(self, number: int) -> int:
        """The cycle in which an edge is."""
        fp = self._start_fp + number // self._edges * self._round_fp + self._offsets[number % self._edges]
        return fp + 255 >> 8

    def level(self, number: int) -> int:
        """The level of the pin from an edge on."""
        return self._levels[number % self._edges]

    def catch_up(self, now_fp: int, rounds: int) -> None:
        """Tell of the edges up to `now_fp` that were not told yet; there are no more than those of `rounds` rounds."""
        number = max(0, (now_fp - self._start_fp) // self._round_fp) * self._edges
        while self.cycle(number) << 8 <= now_fp:
            number += 1
        number = min(number, rounds * self._edges)
        begin, self._told = self._told, number
        if number > begin:
            for listener in self._listeners:
                listener.told_late(self, begin, number)

    def end(self, now_fp: int, rounds: int) -> None:
        """Tell of the last ones; from now on edges are told of as they come."""
        self.catch_up(now_fp, rounds)
        for listener in self._listeners:
            listener.is_late(0)


def may_wave(pin: GPIOPin) -> bool:
    """Whether all who listen to a pin may be told of its edges later."""
    for listener in pin._listeners:  # noqa: SIM110 - compiled, a loop is no function of its own
        if not (isinstance(listener, Watcher) and listener.may_be_late()):
            return False
    return True


class Late(Protocol):
    """Who need not hear of each edge at its instant."""

    def may_be_late(self) -> bool:
        """Whether edges change nothing, as long as they come as they have come, but what told_late() makes up for."""
        ...

    def is_late(self, cycles: int) -> None:
        """From now on it is told late, of an edge in each so many cycles; 0: no more."""
        ...

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        """The edges of `wave` from number `begin` to before `end` have happened."""
        ...


class Watcher:
    """A listener of rp2040py's pins that calls `changed(level)` where the level of pico.level(pin) changes.

    `late`, if given, may be told of a wave's edges later.
    """

    def __init__(self, level: int, changed: Callable[[int], None], late: Late | None = None) -> None:
        self._level = level
        self._changed = changed
        self._late = late

    def __call__(self, state: GPIOPinState, _before: GPIOPinState) -> None:
        level = 1 if state is HIGH else 0
        if level != self._level:
            self._level = level
            self._changed(level)

    def may_be_late(self) -> bool:
        """See Late."""
        return self._late is not None and self._late.may_be_late()

    def is_late(self, cycles: int) -> None:
        """See Late."""
        assert self._late is not None
        self._late.is_late(cycles)

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        """See Late."""
        self._level = wave.level(end - 1)
        assert self._late is not None
        self._late.told_late(wave, begin, end)

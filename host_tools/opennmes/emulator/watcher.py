"""Listens to a pin of rp2040py: of a PWM's pin there are some 250 000 edges in a simulated second.

watcher.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rp2040py.gpio_pin import GPIOPin, GPIOPinState

COMPILED = not __file__.endswith(".py")  # only in C it can be said what a pin was at last: no waves without
HIGH = GPIOPinState.HIGH
FUNCTION, OVERRIDES = 0x1F, 0x3300  # of a pin's CTRL: FUNCSEL; OUTOVER, OEOVER
LONGEST_ROUND_NANOS = 100_000.0  # of a wave


class Wave:
    """The edges of a pin that a state machine in a loop makes (loops.py), or a PWM slice that nobody touches (pwm.py).

    They are numbered from 0 on, and are not simulated. Who listens is told of those that have happened, each with its
    instant, when somebody looks: by catch_up().
    """

    def __init__(
        self,
        listeners: list[Any],
        edges: list[tuple[float, int]],
        start_nanos: float,
        round_nanos: float,
        grid_nanos: float,
    ) -> None:
        """`edges`: how long after the beginning of each round, and the level from then on; `round_nanos` is at most
        LONGEST_ROUND_NANOS. An edge waits for the next multiple of `grid_nanos`, if that is not 0."""
        self._listeners = listeners
        self._offsets = [offset for offset, _ in edges]
        self._levels = [level for _, level in edges]
        self._edges = len(edges)
        self._start_nanos = start_nanos
        self._round_nanos = round_nanos
        self._grid_nanos = grid_nanos
        self._told = 0
        for listener in listeners:
            listener.is_late(round_nanos)

    def nanos(self, number: int) -> float:
        """When an edge is, by the chip's clock."""
        offset: float = self._offsets[number % self._edges]
        nanos = self._start_nanos + number // self._edges * self._round_nanos + offset
        grid = self._grid_nanos
        return -(-nanos // grid) * grid if grid else nanos

    def level(self, number: int) -> int:
        """The level of the pin from an edge on."""
        level: int = self._levels[number % self._edges]
        return level

    def catch_up(self, now_nanos: float, rounds: int) -> None:
        """Tell of the edges up to `now_nanos` that were not told yet; there are no more than those of `rounds`."""
        number = max(0, int((now_nanos - self._start_nanos) // self._round_nanos)) * self._edges
        while self.nanos(number) <= now_nanos:
            number += 1
        while number and self.nanos(number - 1) > now_nanos:
            number -= 1
        number = min(number, rounds * self._edges)
        begin = self._told
        if number > begin:
            self._told = number
            for listener in self._listeners:
                listener.told_late(self, begin, number)

    def end(self, now_nanos: float, rounds: int) -> None:
        """Tell of the last ones; from now on edges are told of as they come."""
        self.catch_up(now_nanos, rounds)
        for listener in self._listeners:
            listener.is_late(0.0)


def may_wave(pin: GPIOPin) -> bool:
    """Whether a pin shows what its function drives, and all who listen to it may be told of its edges later."""
    if not COMPILED or pin.ctrl & OVERRIDES:
        return False
    for listener in pin._listeners:  # noqa: SIM110 - compiled, a loop is no function of its own
        if not (isinstance(listener, Watcher) and listener.may_be_late()):
            return False
    return True


class Late(Protocol):
    """Who need not hear of each edge at its instant."""

    def may_be_late(self) -> bool:
        """Whether edges change nothing, as long as they come as they came last, but what told_late() makes up for."""
        ...

    def is_late(self, round_nanos: float) -> None:
        """From now on it is told late, of at least an edge in each so many nanoseconds; 0: no more."""
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

    def is_late(self, round_nanos: float) -> None:
        """See Late."""
        assert self._late is not None
        self._late.is_late(round_nanos)

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        """See Late."""
        self._level = wave.level(end - 1)
        assert self._late is not None
        self._late.told_late(wave, begin, end)

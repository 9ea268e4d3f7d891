"""Listens to a pin of rp2040py: of a PWM's pin there are some 250 000 edges in a simulated second.

watcher.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from collections.abc import Callable

from rp2040py.gpio_pin import GPIOPinState

HIGH = GPIOPinState.HIGH


class Watcher:
    """A listener of rp2040py's pins that calls `changed(level)` where the level of pico.level(pin) changes."""

    def __init__(self, level: int, changed: Callable[[int], None]) -> None:
        self._level = level
        self._changed = changed

    def __call__(self, state: GPIOPinState, _before: GPIOPinState) -> None:
        level = 1 if state is HIGH else 0
        if level != self._level:
            self._level = level
            self._changed(level)

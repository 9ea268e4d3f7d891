"""Buttons of the emulated board: each joins a pin to ground, and bounces as contacts do."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from opennmes.emulator.pico import EmulatedPico

BOUNCE_EDGES = 6  # at most, of one press or release


class Buttons:
    """The buttons on `pins`, of which none is pressed yet. One that is not pressed leaves its pin to the pull-up that
    the firmware has to switch on."""

    def __init__(self, pico: EmulatedPico, pins: Sequence[int], *, bounce_ms: float = 0, seed: int = 1) -> None:
        """`bounce_ms`: how long contacts go on opening and closing after they were moved; `seed`: when they do."""
        self._contacts = [_Contact(pico, pin) for pin in pins]
        self._bounce_nanos = round(bounce_ms * 1e6)
        self._random = random.Random(seed)
        self.pressed = 0

    def press(self, mask: int) -> None:
        """Hold these from now on (bit 0: the first), and none of the others. Raises ValueError for one too many."""
        if mask < 0 or mask >> len(self._contacts):
            raise ValueError(f"buttons 0x{mask:x}: there are {len(self._contacts)}")
        for index, contact in enumerate(self._contacts):
            if (mask ^ self.pressed) >> index & 1:
                contact.move(bool(mask >> index & 1), self._bounces())
        self.pressed = mask

    def _bounces(self) -> list[int]:
        """When a contact that moves now changes once more, in ns; an even number of times."""
        if not self._bounce_nanos:
            return []
        count = 2 * self._random.randint(1, BOUNCE_EDGES // 2)
        return sorted(self._random.randrange(1, self._bounce_nanos) for _ in range(count))


class _Contact:
    """One button's contact; what is still to come of a bounce is given up when it is moved again."""

    def __init__(self, pico: EmulatedPico, pin: int) -> None:
        self._pico = pico
        self._pin = pin
        self._closed = False
        self._moved = 0
        self._edges: deque[int] = deque()
        self._alarm = pico.mcu.clock.create_alarm(self._change)
        pico.release(pin)

    def move(self, closed: bool, bounces: list[int]) -> None:
        self._alarm.cancel()
        self._moved = self._pico.nanos
        self._edges = deque(bounces)
        self._set(closed)
        self._wait()

    def _set(self, closed: bool) -> None:
        self._closed = closed
        if closed:
            self._pico.set_input(self._pin, 0)
        else:
            self._pico.release(self._pin)

    def _wait(self) -> None:
        if self._edges:
            self._alarm.schedule(max(0, self._moved + self._edges[0] - self._pico.nanos))

    def _change(self) -> None:
        self._edges.popleft()
        self._set(not self._closed)
        self._wait()

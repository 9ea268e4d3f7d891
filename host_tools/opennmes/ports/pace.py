"""A device's face in real time, or as near to it as it comes: a thread lets its time pass and presses its buttons."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from opennmes.ports.errors import PortError
from opennmes.ports.face import Face, Lamps
from opennmes.screen import Screen

SLICE_S = 0.02  # of the device's time, between two looks at keys and clocks
GIVEN_UP_S = 0.5  # that its time is behind the wall's: what lies further back is not made up for
_MEASURED_S = 2.0  # of wall time, for which `speed` is true
_END_S = 10.0


@dataclass(frozen=True)
class Seen:
    """What there was to see at `now_s` of the device's time. `speed`: its seconds for each second on the wall."""

    pixels: Screen
    lamps: Lamps
    pressed: int
    now_s: float
    speed: float


class Pace:
    """Lets a face's time pass, never faster than the wall's, from `begin` to `end`. `seen` is what was last seen, and
    `failure` why it has ended by itself."""

    def __init__(self, face: Face, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds on the wall."""
        self._face = face
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}  # by button: for how many slices more
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen = Seen(Screen(), Lamps(), 0, 0.0, 1.0)
        self.failure: PortError | None = None

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and cut the device's power."""
        self._over.set()
        self._thread.join(_END_S)
        self._face.close()

    def press(self, button: int, seconds: float) -> None:
        """Hold a button for some seconds of the device's time from now on; one that is held is held for as long."""
        with self._lock:
            self._held[button] = max(math.ceil(seconds / SLICE_S), self._held.get(button, 0))

    def let_go(self) -> None:
        """Of every button, now."""
        with self._lock:
            self._held = {}

    def _run(self) -> None:
        try:
            self._keep_pace()
        except PortError as failure:
            self.failure = failure

    def _keep_pace(self) -> None:
        face = self._face
        behind_s = face.now_s() - self._clock()  # of the wall's time to the device's
        measured = (self._clock(), face.now_s())
        speed, pressed = 1.0, 0
        while not self._over.is_set():
            mask = self._mask()
            if mask != pressed:
                face.press(mask)
                pressed = mask
            face.wait(SLICE_S)
            wall_s, now_s = self._clock(), face.now_s()
            if wall_s - measured[0] >= _MEASURED_S:
                speed = (now_s - measured[1]) / (wall_s - measured[0])
                measured = (wall_s, now_s)
            self.seen = Seen(face.pixels(), face.lamps(), pressed, now_s, speed)
            ahead_s = now_s - behind_s - wall_s
            if ahead_s > 0:
                self._over.wait(ahead_s)
            elif ahead_s < -GIVEN_UP_S:
                behind_s = now_s - wall_s

    def _mask(self) -> int:
        """The buttons that are held in the next slice."""
        with self._lock:
            mask = sum(self._held)
            self._held = {button: left - 1 for button, left in self._held.items() if left > 1}
        return mask

"""A device's face in real time, or as near to it as it comes: a thread lets its time pass and presses its buttons."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from opennmes.ports.face import Face
from opennmes.ports.lamps import Lamps
from opennmes.screen import Screen

SLICE_S = 0.02  # of the device's time, between two looks at keys and clocks
GIVEN_UP_S = 0.5  # that its time is behind the wall's: what lies further back is not made up for
MEASURED_S = 2.0  # of wall time, for which `speed` is true
_END_S = 10.0

Moment = tuple[float, float]  # seconds on the wall, and of the device


@dataclass(frozen=True)
class Seen:
    """What there was to see at `now_s` of the device's time."""

    pixels: Screen
    lamps: Lamps
    pressed: int
    now_s: float


class RealTime:
    """Keeps a device's time from running ahead of the wall's. What it has fallen behind it makes up for, up to
    GIVEN_UP_S: after a computer that slept for a minute nobody sees a minute of a session within a second."""

    def __init__(self, now_s: float, wall_s: float) -> None:
        """From this moment on: seconds of the device, and on the wall."""
        self._apart_s = now_s - wall_s

    def ahead_s(self, now_s: float, wall_s: float) -> float:
        """For how many seconds the device has to wait for the wall, never less than none."""
        ahead_s = now_s - wall_s - self._apart_s
        if ahead_s < -GIVEN_UP_S:
            self._apart_s = now_s - wall_s
        return max(0.0, ahead_s)


class Pace:
    """Lets a face's time pass in real time from `begin` to `end`. `seen` is what was last seen, and `failure` why it
    has ended by itself."""

    def __init__(self, face: Face, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds on the wall."""
        self._face = face
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}  # by button: for how many slices more
        self._signals: deque[int | None] = deque()  # at the biofeedback input, not put there yet
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._measured: tuple[Moment, Moment] | None = None  # between which `speed` is measured
        self.seen = Seen(Screen(), Lamps(), 0, 0.0)
        self.failure: Exception | None = None

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and cut the device's power. May be called before `begin`."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_END_S)
        self._face.close()

    def press(self, mask: int, seconds: float) -> None:
        """Hold buttons for some seconds of the device's time from now on; one that is held is held for as long."""
        with self._lock:
            self._held[mask] = max(math.ceil(seconds / SLICE_S), self._held.get(mask, 0))

    def signal(self, mv: int | None) -> None:
        """Put so many millivolts at the biofeedback input from now on; None: nothing drives it."""
        self._signals.append(mv)

    def let_go(self) -> None:
        """Of every button, now."""
        with self._lock:
            self._held = {}

    @property
    def speed(self) -> float | None:
        """The device's seconds for each second on the wall, over the last MEASURED_S to twice as much; it falls while
        the device stands still. None before anything was measured."""
        if self._measured is None:
            return None
        (since_s, from_s), (until_s, now_s) = self._measured
        wall_s = self._clock()
        # What a slice that has not ended comes to is not known; one that does not end is said to take its time.
        passed_s = (wall_s if wall_s - until_s > MEASURED_S else until_s) - since_s
        return (now_s - from_s) / passed_s if passed_s > 0 else None

    def _run(self) -> None:
        try:
            self._keep_pace()
        except Exception as failure:  # a bug too: whoever looks would take the last picture for one of now
            if not self._over.is_set():
                self.failure = failure

    def _keep_pace(self) -> None:
        face = self._face
        real_time = RealTime(face.now_s(), self._clock())
        begins: deque[Moment] = deque([(self._clock(), face.now_s())], maxlen=2)  # of what is measured, now and next
        pressed = 0
        while not self._over.is_set():
            mask = self._mask()
            if mask != pressed:
                face.press(mask)
                pressed = mask
            if self._signals:
                face.signal(self._signals.popleft())
            face.wait(SLICE_S)
            wall_s, now_s = self._clock(), face.now_s()
            self.seen = Seen(face.pixels(), face.lamps(), pressed, now_s)
            self._measured = (begins[0], (wall_s, now_s))
            if wall_s - begins[-1][0] >= MEASURED_S:
                begins.append((wall_s, now_s))
            self._over.wait(real_time.ahead_s(now_s, wall_s))

    def _mask(self) -> int:
        """The buttons that are held in the next slice."""
        with self._lock:
            mask = 0
            for held in self._held:
                mask |= held
            self._held = {held: left - 1 for held, left in self._held.items() if left > 1}
        return mask

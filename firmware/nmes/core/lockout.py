"""The pause after a session: one motor session, then half an hour of rest.

There is no clock, so time is the time that the device has had power: a device that is switched off waits.
"""

from nmes.core.phase import DUMMY
from nmes.core.reason import refuse

LOCKOUT_MS = 1_800_000  # 30 min after a motor session: a decision of OpenNMES, no standard (docs/safety.md)
LONG_MS = 300_000  # sessions that were ended early count together from here on
SAVE_EVERY_MS = 60_000


class Lockout:
    """`store` keeps `used_ms`, `locked_ms` and `open` (nmes/store.py)."""

    def __init__(self, store, now_ms):
        self._store = store
        locked_ms = store.get("locked_ms")
        self._until_ms = now_ms + locked_ms
        self._due_ms = self._next(now_ms) if locked_ms else None  # when what is left is kept next
        if store.get("open") or store.damaged:
            self._lock(now_ms)

    def _lock(self, now_ms):
        self._until_ms = now_ms + LOCKOUT_MS
        self._store.put("locked_ms", LOCKOUT_MS)
        self._store.put("used_ms", 0)
        self._store.put("open", 0)
        self._due_ms = self._next(now_ms)

    def _next(self, now_ms):
        return min(now_ms + SAVE_EVERY_MS, self._until_ms)

    def left_ms(self, now_ms):
        """How much of the pause is left, in milliseconds of powered time."""
        return max(0, self._until_ms - now_ms)

    def open(self, programme, now_ms):
        """A session is to begin. Raises Refused when it is too soon. The caller has the store written before anybody is
        armed: with the power cut nobody knows then whether pulses came, and it counts as if they had."""
        if programme.effect != "motor" or programme.kind == DUMMY:
            return
        left_s = -(-self.left_ms(now_ms) // 1_000)
        if left_s:
            bound = "in %d min %d s of powered time" % (left_s // 60, left_s % 60)
            refuse("locked_out", "session", "another motor session", bound, "OpenNMES session")
        self._store.put("open", 1)

    def is_open(self):
        """Whether a session has begun that counts and has not been closed."""
        return self._store.get("open")

    def cancel(self):
        """Nobody was armed after all: nothing counts. Does nothing when none was open."""
        if self.is_open():
            self._store.put("open", 0)

    def close(self, completed, delivered_ms, now_ms):
        """It has ended, after pulses for `delivered_ms`. Does nothing when none was open."""
        if not self.is_open():
            return
        used_ms = self._store.get("used_ms") + delivered_ms
        if completed or used_ms >= LONG_MS:
            self._lock(now_ms)
        else:
            self._store.put("used_ms", used_ms)
            self._store.put("open", 0)

    def tick(self, now_ms):
        """While nobody is armed: what is left is kept once a minute."""
        if self._due_ms is None or now_ms < self._due_ms:
            return
        left_ms = self.left_ms(now_ms)
        self._due_ms = self._next(now_ms) if left_ms else None
        self._store.put("locked_ms", left_ms)

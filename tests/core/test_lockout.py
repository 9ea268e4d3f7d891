"""core/lockout.py by itself: the pause after a session, to the millisecond, and what is kept of it."""

import unittest

from nmes.core.lockout import Lockout
from nmes.core.reason import Refused

PAUSE_MS = 30 * 60_000
LONG_MS = 5 * 60_000
MINUTE_MS = 60_000
AT_MS = 7_000


class Store:
    """What is kept, and each time that something was put."""

    def __init__(self, damaged=False, **kept):
        self.damaged = damaged
        self.kept = {"used_ms": 0, "locked_ms": 0, "open": 0}
        self.kept.update(kept)
        self.puts = []

    def get(self, key):
        return self.kept[key]

    def put(self, key, value):
        self.kept[key] = value
        self.puts.append((key, value))


class Programme:
    def __init__(self, effect="motor", kind="probe"):
        self.effect = effect
        self.kind = kind


def made(now_ms=AT_MS, **kept):
    store = Store(**kept)
    return Lockout(store, now_ms), store


def may(lockout, now_ms, **programme):
    try:
        lockout.open(Programme(**programme), now_ms)
    except Refused as refused:
        (found,) = refused.reasons
        return found["bound"]
    return True


class ThePause(unittest.TestCase):
    def test_after_a_whole_session_it_is_half_an_hour_and_what_was_used_is_forgotten(self):
        lockout, store = made(used_ms=5)
        self.assertEqual(may(lockout, AT_MS), True)
        self.assertEqual(store.kept, {"used_ms": 5, "locked_ms": 0, "open": 1})
        lockout.close(True, 1, AT_MS + 10)
        self.assertEqual(store.kept, {"used_ms": 0, "locked_ms": PAUSE_MS, "open": 0})
        self.assertEqual(lockout.left_ms(AT_MS + 10), PAUSE_MS)
        self.assertEqual(may(lockout, AT_MS + 10), "in 30 min 0 s of powered time")
        self.assertEqual(may(lockout, AT_MS + 10 + 60_001), "in 29 min 0 s of powered time")
        self.assertEqual(may(lockout, AT_MS + 10 + PAUSE_MS - 59_000), "in 0 min 59 s of powered time")
        self.assertEqual(may(lockout, AT_MS + 9 + PAUSE_MS), "in 0 min 1 s of powered time")
        self.assertEqual(may(lockout, AT_MS + 10 + PAUSE_MS), True)
        self.assertEqual(lockout.left_ms(AT_MS + 99 + PAUSE_MS), 0)

    def test_sessions_that_ended_early_count_together_from_five_minutes_on(self):
        lockout, store = made()
        for delivered_ms, used_ms in ((100_000, 100_000), (199_999, LONG_MS - 1)):
            lockout.open(Programme(), AT_MS)
            lockout.close(False, delivered_ms, AT_MS)
            self.assertEqual(store.kept, {"used_ms": used_ms, "locked_ms": 0, "open": 0})
        lockout.open(Programme(), AT_MS)
        lockout.close(False, 1, AT_MS)
        self.assertEqual(store.kept, {"used_ms": 0, "locked_ms": PAUSE_MS, "open": 0})

    def test_one_long_session_is_enough(self):
        for delivered_ms in (LONG_MS, LONG_MS + 1, 3 * LONG_MS):
            lockout, _ = made()
            lockout.open(Programme(), AT_MS)
            lockout.close(False, delivered_ms, AT_MS)
            self.assertEqual(lockout.left_ms(AT_MS), PAUSE_MS)

    def test_it_is_for_motor_sessions_on_people(self):
        for effect in ("motor", "sensory", "a", "z"):
            for kind in ("probe", "pads", "dummy", "a"):
                lockout, store = made(locked_ms=1_000)
                counts = effect == "motor" and kind != "dummy"
                self.assertEqual(may(lockout, AT_MS, effect=effect, kind=kind) is True, not counts, str((effect, kind)))
                self.assertEqual(store.kept["open"], 0)
                lockout, store = made()
                may(lockout, AT_MS, effect=effect, kind=kind)
                self.assertEqual(store.kept["open"], int(counts))

    def test_a_session_that_was_cancelled_or_never_opened_counts_not_at_all(self):
        lockout, store = made()
        lockout.cancel()
        lockout.close(True, LONG_MS, AT_MS)
        self.assertEqual(store.puts, [])
        lockout.open(Programme(), AT_MS)
        lockout.cancel()
        lockout.close(True, LONG_MS, AT_MS)
        self.assertEqual(store.puts, [("open", 1), ("open", 0)])


class AfterAPowerCut(unittest.TestCase):
    def test_what_was_left_is_left_still_and_counts_powered_time_only(self):
        lockout, store = made(locked_ms=90_000)
        self.assertEqual((lockout.left_ms(AT_MS), store.puts), (90_000, []))
        self.assertEqual(lockout.left_ms(AT_MS + 1), 89_999)

    def test_a_session_that_was_open_or_a_store_that_is_damaged_is_a_whole_pause(self):
        for kept in ({"open": 1}, {"damaged": True}):
            lockout, store = made(used_ms=9, **kept)
            self.assertEqual(lockout.left_ms(AT_MS), PAUSE_MS)
            self.assertEqual(store.kept, {"used_ms": 0, "locked_ms": PAUSE_MS, "open": 0})


class WhatIsKeptOfIt(unittest.TestCase):
    def test_what_is_left_once_a_minute_and_when_it_is_over(self):
        for locked in (False, True):  # found at the begin, or made by a session
            lockout, store = made(locked_ms=0 if locked else PAUSE_MS)
            begin_ms = AT_MS
            if locked:
                begin_ms = AT_MS + 30_000
                lockout.open(Programme(), begin_ms)
                lockout.close(True, 0, begin_ms)
            store.puts = []
            lockout.tick(begin_ms + MINUTE_MS - 1)
            self.assertEqual(store.puts, [])
            lockout.tick(begin_ms + MINUTE_MS)
            lockout.tick(begin_ms + 2 * MINUTE_MS - 1)
            self.assertEqual(store.puts, [("locked_ms", PAUSE_MS - MINUTE_MS)])
            lockout.tick(begin_ms + 2 * MINUTE_MS)
            self.assertEqual(store.puts[1:], [("locked_ms", PAUSE_MS - 2 * MINUTE_MS)])

    def test_a_turn_that_comes_late_keeps_it_too(self):
        lockout, store = made(locked_ms=PAUSE_MS)
        lockout.tick(AT_MS + MINUTE_MS + 7)
        self.assertEqual(store.puts, [("locked_ms", PAUSE_MS - MINUTE_MS - 7)])
        lockout, store = made(locked_ms=30_000)
        lockout.tick(AT_MS + 30_009)
        self.assertEqual(store.puts, [("locked_ms", 0)])

    def test_its_end_is_kept_at_once_and_once(self):
        lockout, store = made(locked_ms=30_000)
        lockout.tick(AT_MS + 29_999)
        self.assertEqual(store.puts, [])
        lockout.tick(AT_MS + 30_000)
        self.assertEqual(store.puts, [("locked_ms", 0)])
        for later_ms in (30_001, 90_000, 300_000):
            lockout.tick(AT_MS + later_ms)
        self.assertEqual(store.puts, [("locked_ms", 0)])


if __name__ == "__main__":
    unittest.main()

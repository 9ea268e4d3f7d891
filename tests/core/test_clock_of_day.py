"""core/clock.py: a time of day that only hosts know, and that goes back only when a person says so."""

import unittest

from bench_hal import Linked
from test_link import Other, in_state

from nmes.core import clock
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, PAUSED, RUNNING

NOON = 1_800_000_000


class TheClock(unittest.TestCase):
    def test_it_knows_nothing_before_a_host_has_said_it_and_goes_on_by_itself(self):
        made = clock.Clock()
        self.assertEqual(made.unix_s(5_000), None)
        self.assertEqual(made.set(NOON, 0, 5_000), None)
        self.assertEqual([made.unix_s(ms) for ms in (5_000, 5_999, 6_000, 65_000)], [NOON, NOON, NOON + 1, NOON + 60])

    def test_a_later_time_is_taken_and_an_earlier_one_only_when_it_is_said_to_go_back(self):
        made = clock.Clock()
        made.set(NOON, 0, 0)
        self.assertEqual(made.set(NOON + 90, 0, 0), NOON)
        self.assertEqual(made.set(NOON + 85, 0, 0), NOON + 90)  # two clocks of one room
        with self.assertRaises(Refused) as raised:
            made.set(NOON + 79, 0, 0)
        (reason,) = raised.exception.reasons
        self.assertEqual((reason["code"], reason["asked"], reason["bound"]), ("clock_back", NOON + 79, NOON + 85))
        self.assertEqual(made.unix_s(0), NOON + 85)
        self.assertEqual(made.set(NOON, 1, 0), NOON + 85)
        self.assertEqual(made.unix_s(0), NOON)


class OnTheLink(unittest.TestCase):
    def test_every_host_sets_it_and_is_told_what_it_was(self):
        bench = Linked()
        self.assertEqual(bench.said("clock", unix_s=NOON, back=0)["was_s"], None)
        bench.turn(1_000, 10)
        answer = Other(bench).said("clock", unix_s=NOON + 12, back=0)
        self.assertEqual((answer["was_s"], answer["unix_s"]), (NOON + 10, NOON + 12))
        self.assertEqual(bench.said("clock", unix_s=NOON - 60, back=0)["reasons"][0]["code"], "clock_back")
        self.assertEqual(bench.said("clock", unix_s=NOON - 60, back=1)["unix_s"], NOON - 60)

    def test_what_can_be_no_time_of_today_is_refused(self):
        bench = Linked()
        for unix_s in (0, 1, clock.UNIX_S[0] - 1, clock.UNIX_S[1] + 1, 2**40, -1, True, 1.5, "1800000000", None):
            self.assertEqual(bench.said("clock", unix_s=unix_s, back=0)["error"], "bad_argument")
        self.assertEqual(bench.said("clock", unix_s=NOON, back=0)["was_s"], None)

    def test_in_a_session_it_stands_aside_and_with_a_fault_it_does_not(self):
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            answer = in_state(state).said("clock", unix_s=NOON, back=0)
            self.assertEqual(answer.get("error"), None if state == FAULT else "wrong_state")


if __name__ == "__main__":
    unittest.main()

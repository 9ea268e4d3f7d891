"""core/clock.py at its bounds."""

import unittest

from nmes.core import clock

NOON = 1_800_000_000
DAY_S = 86_400


def first_of(year):
    """Seconds from 1970 to the first of January of a year up to 2100: every fourth is a leap year."""
    return DAY_S * (365 * (year - 1970) + (year - 1969) // 4)


class Bounds(unittest.TestCase):
    def test_a_time_of_today_is_in_2026_or_later_and_not_after_the_first_second_of_2100(self):
        self.assertEqual(clock.UNIX_S, (first_of(2026), first_of(2100)))

    def test_it_is_right_for_weeks_whenever_it_was_set(self):
        for set_ms in (0, 999, 1_000, 999_000, 3_600_000, 30 * DAY_S * 1_000):
            made = clock.Clock()
            made.set(NOON, 0, set_ms)
            for after_s in (0, 1, 999, DAY_S, 50 * DAY_S):
                self.assertEqual(made.unix_s(set_ms + 1_000 * after_s), NOON + after_s)

    def test_five_seconds_back_are_taken_and_six_are_what_a_person_has_to_say(self):
        made = clock.Clock()
        made.set(NOON, 0, 7_000)
        self.assertEqual(made.set(NOON - 5, 0, 7_000), NOON)
        try:
            made.set(NOON - 11, 0, 7_000)
        except Exception as refused:
            self.assertEqual([reason["code"] for reason in refused.reasons], ["clock_back"])
        else:
            self.fail("not refused")
        self.assertEqual(made.unix_s(7_000), NOON - 5)
        self.assertEqual(made.set(NOON - 11, 1, 7_000), NOON - 5)


if __name__ == "__main__":
    unittest.main()

"""core/trend.py: half as much again is a warning, twice as much the end."""

import unittest

import samples

from nmes.core.trend import FINE, FIRST, STOP, WARN, Trend


def after(first_ohm, ohm, readings=100):
    trend = Trend()
    for _ in range(FIRST):
        trend.see(first_ohm, 10_000)
    for _ in range(readings):
        found = trend.see(ohm, 10_000)
    return found


class ATrend(unittest.TestCase):
    def test_h11_its_bounds_are_half_as_much_again_and_twice_as_much(self):
        for first in (100, 500, 1_000, 5_000):
            self.assertEqual(after(first, first), FINE)
            self.assertEqual(after(first, first // 4), FINE)
            self.assertEqual(after(first, 149 * first // 100), FINE)
            self.assertEqual(after(first, 152 * first // 100 + 10), WARN)
            self.assertEqual(after(first, 198 * first // 100), WARN)
            self.assertEqual(after(first, 202 * first // 100 + 10), STOP)

    def test_its_findings_are_three(self):
        self.assertEqual(len({FINE, WARN, STOP}), 3)

    def test_at_its_bounds_it_warns_and_stops_and_just_below_it_does_not(self):
        self.assertEqual([after(800, ohm) for ohm in (1_199, 1_200, 1_599, 1_600)], [FINE, WARN, WARN, STOP])

    def test_what_it_was_at_first_is_the_mean_of_eight_readings_and_not_known_before(self):
        trend = Trend()
        for ohm in (100, 200, 300, 400, 500, 600, 700):
            self.assertEqual(trend.see(ohm, 10_000), FINE)
            self.assertEqual((trend.first_ohm, trend.ohm), (0, 0))
        self.assertEqual(trend.see(807, 10_000), FINE)
        self.assertEqual((trend.first_ohm, trend.ohm), (450, 450))  # 3607 / 8
        trend.see(451, 10_000)
        self.assertEqual(trend.ohm, 450)  # (3600 + 451 - 450) / 8: what the mean left over does not count

    def test_what_it_is_now_is_smoothed_over_eight_readings(self):
        trend = Trend()
        for _ in range(8):
            trend.see(800, 10_000)
        expected = 8.0 * 800
        for ohm in (1_600, 900, 803, 1, 5_000, 2_000, 2_000):
            trend.see(ohm, 10_000)
            expected += ohm - int(expected / 8)
            self.assertEqual((trend.ohm, trend.first_ohm), (int(expected / 8), 800))

    def test_the_weakest_current_and_the_smallest_load_that_count(self):
        for ohm, ua, counts in (
            (400, 1_999, False),
            (400, 2_000, True),
            (0, 2_000, False),
            (-1, 2_000, False),
            (1, 2_000, True),
        ):
            trend = Trend()
            for _ in range(8):
                trend.see(ohm, ua)
            self.assertEqual(trend.first_ohm, ohm if counts else 0)

    def test_one_reading_decides_nothing(self):
        self.assertEqual(after(500, 2_000, 1), FINE)
        self.assertEqual(after(500, 1_100, 3), FINE)
        self.assertEqual(after(500, 1_100, 24), STOP)

    def test_readings_too_coarse_do_not_count(self):
        trend = Trend()
        for _ in range(100):
            self.assertEqual(trend.see(400, 1_999), FINE)
            self.assertEqual(trend.see(0, 10_000), FINE)
        self.assertEqual(trend.first_ohm, 0)

    def test_a_new_session_begins_anew(self):
        trend = Trend()
        for ohm in (500, 2_000):
            for _ in range(50):
                self.assertEqual(trend.see(ohm, 10_000), FINE)
            self.assertEqual((trend.first_ohm, trend.ohm), (ohm, ohm))
            trend.see(9_000, 10_000)
            trend.clear()
            self.assertEqual((trend.first_ohm, trend.ohm), (0, 0))

    def test_nothing_is_allocated(self):
        trend = Trend()
        samples.heap_lock()
        try:
            for _ in range(50):
                trend.see(80_000, 100_000)
        finally:
            samples.heap_unlock()


if __name__ == "__main__":
    unittest.main()

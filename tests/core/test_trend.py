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
            trend.clear()

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

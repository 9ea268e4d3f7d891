"""What is queued ahead: all that can still come out when nobody feeds any more."""

import unittest

from bench_hal import BenchHal

DEAD_MS = 100  # the promise: a CPU that hangs is at rest within 2 periods or this, whichever is longer


def put(hal, channel, period_us):
    """A pulse without current; whether it was taken."""
    level, width_us, gap_us, level_most, count = 0, 300, 100, 0, 1
    return hal.channels[channel].put(level, level, width_us, gap_us, width_us, period_us, level_most, count)


class WhatMayBeQueued(unittest.TestCase):
    def test_h05_it_is_over_within_2_periods_or_100_ms(self):
        for period_us in (2_000, 6_667, 20_000, 33_333, 50_000, 70_000, 900_000):
            for channel in (0, 1):
                hal = BenchHal()
                hal.channels[channel].begin(0, True)
                count = 0
                hal.start(1 << channel)
                while hal.channels[channel].room() > 0 and count < 200:
                    self.assertTrue(put(hal, channel, period_us))
                    count += 1
                self.assertTrue(0 < count < 200)
                self.assertTrue(
                    count * period_us <= max(1_000 * DEAD_MS, 2 * period_us), "%d of %d us" % (count, period_us)
                )

    def test_it_lasts_longer_than_a_turn_of_the_loop_and_the_wait_after_it(self):
        hal = BenchHal()
        hal.channels[0].begin(0, True)
        count = 0
        while hal.channels[0].room() > 0 and count < 200:
            put(hal, 0, 6_667)
            count += 1
        self.assertTrue(count * 6_667 > 50_000, str(count))


if __name__ == "__main__":
    unittest.main()

"""core/pulse.py: the record of a pulse carries exactly what was asked, and a period is the nearest there is."""

import unittest
from array import array

import samples
from samples import MICROPYTHON, TAGS, decode, heap_lock, heap_unlock

from nmes.core import pulse

# The cycles the engine spends beside a field, from the cycle sums in nmes/hal/rp2/pulse_pio.py.
OVERHEAD_US = 272

USUAL = {
    "level_a": 300,
    "level_b": 300,
    "width_a_us": 250,
    "gap_us": 50,
    "width_b_us": 250,
    "whole_period_us": 20_000,
}


def record(**changes):
    """The fields of the record that pulse.encode makes of the usual pulse with `changes`."""
    asked = dict(USUAL)
    asked.update(changes)
    halves = array("H", [0xFFFF] * 8)
    pulse.encode(halves, 1, **asked)
    if halves[0] != 0xFFFF or halves[7] != 0xFFFF:
        raise AssertionError("encode wrote outside its record")
    return decode(halves, 1)


class EveryFieldIsWhatWasAsked(unittest.TestCase):
    def test_every_width_comes_back_exactly_and_both_phases_are_equal(self):
        for width_us in range(10, 1001):
            made = record(width_a_us=width_us, width_b_us=width_us)
            self.assertEqual((made["width_a"] + 2, made["width_b"] + 2), (width_us, width_us))
            self.assertEqual(made["rest"], 20_000 - 2 * width_us - 50 - OVERHEAD_US)

    def test_every_gap_comes_back_exactly_and_0_is_delivered_as_1(self):
        for gap_us in range(1001):
            made = record(gap_us=gap_us)
            self.assertEqual(made["gap"] + 1, gap_us or 1)
            self.assertEqual(pulse.gap_delivered_us(gap_us), gap_us or 1)
            self.assertEqual(made["rest"], 20_000 - 500 - (gap_us or 1) - OVERHEAD_US)

    def test_every_level_comes_back_exactly_in_each_phase(self):
        for level in range(4096):
            self.assertEqual(record(level_a=level, level_b=level)["level_a"], level)
            self.assertEqual(record(level_a=0, level_b=level)["level_b"], level)

    def test_the_whole_period_is_kept_up_to_2_seconds(self):
        for period_us in list(range(1_000, 70_000, 7)) + list(range(70_000, 2_000_001, 9_973)) + [2_000_000]:
            made = record(whole_period_us=period_us)
            parts = made["width_a"] + 2 + made["gap"] + 1 + made["width_b"] + 2
            self.assertEqual(parts + made["rest"] + OVERHEAD_US, period_us)

    def test_what_was_set_reads_every_level_and_width_back_and_each_from_its_own_bits(self):
        # Peer defect: an index read from an 8-bit register and then shifted by 8, always 0 (saawsm/swx pulse_gen.c).
        halves = array("H", [0xFFFF] * 12)
        seen = array("H", [0xFFFF] * (pulse.MEASURED + 2))

        def back(level_a, level_b, width_a_us, width_b_us):
            samples.encode(halves, 3, level_a, width_a_us, 1_000, level_b=level_b, width_b_us=width_b_us)
            pulse.what_was_set(halves, 3, seen, 2)
            return (
                seen[2 + pulse.SET_LEVEL_A],
                seen[2 + pulse.SET_LEVEL_B],
                seen[2 + pulse.SET_WIDTH_A],
                seen[2 + pulse.SET_WIDTH_B],
            )

        for level in range(4096):
            self.assertEqual(back(level, 4095 - level, 10, 1_000), (level, 4095 - level, 10, 1_000))
        for width_us in range(10, 1001):
            self.assertEqual(back(4095, 0, width_us, 1_010 - width_us), (4095, 0, width_us, 1_010 - width_us))

    def test_tags_and_spare_bits_are_the_same_in_every_record(self):
        for level in (0, 1, 4095):
            for width_us in (10, 500, 1000):
                made = record(level_a=level, level_b=level, width_a_us=width_us, width_b_us=width_us, gap_us=1000)
                self.assertEqual((made["tags"], made["spare"]), (TAGS, 0))

    def test_each_argument_changes_its_own_field_and_no_other(self):
        # Peer defect: a setter that wrote another parameter (open-ephys/plugin-GUI#115).
        before = record()
        for argument, value, fields in (
            ("level_a", 299, {"level_a"}),
            ("level_b", 301, {"level_b"}),
            ("width_a_us", 249, {"width_a", "rest"}),
            ("width_b_us", 251, {"width_b", "rest"}),
            ("gap_us", 51, {"gap", "rest"}),
            ("whole_period_us", 20_001, {"rest"}),
        ):
            after = record(**{argument: value})
            self.assertEqual({key for key in after if after[key] != before[key]}, fields, argument)

    def test_golden_record(self):
        halves = array("H", [0] * 6)
        samples.encode(halves, level=500, level_b=501, width_us=250, gap_us=50, width_b_us=251, period_us=20_000)
        words = [halves[i] | halves[i + 1] << 16 for i in (0, 2, 4)]
        rest = 20_000 - 250 - 50 - 251 - 272
        self.assertEqual(len(halves), pulse.RECORD_HALVES)
        self.assertEqual(
            words, [TAGS[0] | 500 << 1 | 501 << 17, TAGS[1] | rest << 1, TAGS[2] | 49 << 1 | 248 << 11 | 249 << 21]
        )


class WhatDoesNotFitIsRefused(unittest.TestCase):
    def refused(self, **changes):
        with self.subTest(changes):
            with self.assertRaises(ValueError):
                record(**changes)

    def test_one_beyond_each_bound_is_refused_and_the_bound_is_not(self):
        for argument, least, most in (
            ("level_a", 0, 4095),
            ("level_b", 0, 4095),
            ("width_a_us", 10, 1000),
            ("width_b_us", 10, 1000),
            ("gap_us", 0, 1000),
            ("whole_period_us", 250 + 50 + 250 + OVERHEAD_US, 1_000_000_000),
        ):
            record(**{argument: least})
            record(**{argument: most})
            self.refused(**{argument: least - 1})
            self.refused(**{argument: most + 1})

    def test_shortest_period_is_just_long_enough(self):
        for width_us, gap_us in ((10, 0), (10, 1), (250, 50), (1000, 1000)):
            shortest_us = pulse.shortest_period_us(width_us, gap_us, width_us)
            made = record(width_a_us=width_us, width_b_us=width_us, gap_us=gap_us, whole_period_us=shortest_us)
            self.assertEqual(made["rest"], 0)
            self.refused(width_a_us=width_us, width_b_us=width_us, gap_us=gap_us, whole_period_us=shortest_us - 1)

    def test_a_refused_pulse_leaves_the_record_as_it_was(self):
        halves = array("H", [7] * 6)
        with self.assertRaises(ValueError):
            samples.encode(halves, gap_us=1001)
        with self.assertRaises(ValueError):
            samples.encode(halves, level_b=4096)
        self.assertEqual(list(halves), [7] * 6)


class NothingIsAllocated(unittest.TestCase):
    def test_the_lock_works_here(self):
        def allocates():
            heap_lock()
            try:
                return [0] * 100
            finally:
                heap_unlock()

        if MICROPYTHON:
            with self.assertRaises(MemoryError):
                allocates()
        else:
            self.assertEqual(len(allocates()), 100)

    def test_encode_allocates_nothing(self):
        halves = array("H", [0] * 12)
        encode = pulse.encode
        level_most, longest_us, period_most_us = 4095, 1000, 2_000_000
        shortest_us, period_least_us = 10, 293
        heap_lock()
        try:
            encode(halves, 0, level_most, level_most, longest_us, longest_us, longest_us, period_most_us)
            encode(halves, 6, 0, 0, shortest_us, 0, shortest_us, period_least_us)
        finally:
            heap_unlock()
        self.assertEqual((decode(halves, 0)["rest"], decode(halves, 6)["rest"]), (2_000_000 - 3_000 - 272, 0))


class APeriodIsTheNearestThereIs(unittest.TestCase):
    def test_every_tenth_of_a_hertz_is_within_half_a_microsecond(self):
        mixed = 0
        for rate_mhz in range(1_000, 150_001, 100):
            period_us = pulse.period_us(rate_mhz)
            # |period - 10^9 / rate| <= 1/2, multiplied out
            self.assertTrue(2 * abs(period_us * rate_mhz - 1_000_000_000) <= rate_mhz, rate_mhz)
            mixed = (mixed * 31 + period_us) & 0x3FFFFFFF
        # The same number under both interpreters: the same periods.
        self.assertEqual(mixed, MIXED_PERIODS)

    def test_every_millihertz_of_some_decades_too(self):
        for start in (1_000, 9_990, 49_990, 149_000):
            for rate_mhz in range(start, start + 1_000):
                self.assertTrue(2 * abs(pulse.period_us(rate_mhz) * rate_mhz - 1_000_000_000) <= rate_mhz, rate_mhz)

    def test_known_rates(self):
        # Peer defect: 60 Hz from whole milliseconds became 62.5 Hz (Evlers APP/impulse.c).
        for rate_mhz, period_us in (
            (1_000, 1_000_000),
            (35_000, 28_571),
            (50_000, 20_000),
            (60_000, 16_667),
            (150_000, 6_667),
        ):
            self.assertEqual(pulse.period_us(rate_mhz), period_us)

    def test_a_tie_goes_up(self):
        # 10^9 / 64 000 = 15 625; 10^9 / 128 000 = 7 812.5
        self.assertEqual((pulse.period_us(64_000), pulse.period_us(128_000)), (15_625, 7_813))

    def test_a_faster_rate_never_has_a_longer_period(self):
        last_us = pulse.period_us(1_000)
        for rate_mhz in range(1_000, 150_001, 37):
            period_us = pulse.period_us(rate_mhz)
            self.assertTrue(period_us <= last_us)
            last_us = period_us


MIXED_PERIODS = 71_876_078

if __name__ == "__main__":
    unittest.main()

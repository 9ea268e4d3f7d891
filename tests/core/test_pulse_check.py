"""core/pulse_check.py: lets through what encode makes of acceptable pulses, and nothing else."""

import unittest
from array import array

from samples import TAGS, Die, decode, encode, heap_lock, heap_unlock

from nmes.core import limits, programme, pulse, pulse_check

LEAST_PERIOD_US = 6_667  # 150 Hz


def bad(level=300, width_us=250, gap_us=50, period_us=20_000, level_most=1_000, **other):
    """What the checker says of the record that encode makes; `level_b`, `width_b_us` differ when given."""
    halves = array("H", [0] * 6)
    encode(halves, 0, level, width_us, gap_us, period_us, other.get("level_b"), other.get("width_b_us"))
    return pulse_check.bad(halves, 0, level_most, other.get("dummy", False))


def bad_fields(level, width_us, gap_us, width_b_us, dummy=False, at=0, rest=40_000):
    """The same of fields that encode would refuse or that no DAC has, at any place of a longer array of zeros."""
    halves = array("H", [0] * (at + 6))
    shape = gap_us - 1 << 1 | width_us - 2 << 11 | width_b_us - 2 << 21
    for i, word in enumerate((1 | level << 1 | level << 17, 1 | rest << 1, shape)):
        halves[at + 2 * i] = word & 0xFFFF
        halves[at + 2 * i + 1] = word >> 16
    return pulse_check.bad(halves, at, 32_767, dummy)


class WhatIsAcceptableIsLetThrough(unittest.TestCase):
    def test_every_width_and_gap_of_the_envelope_at_its_largest_level(self):
        for width_us in range(50, 501):
            level = min(1_000, 250_000 // width_us)
            for gap_us in (0, 1, 50, 199, 200):
                self.assertEqual(bad(level, width_us, gap_us, LEAST_PERIOD_US), 0)

    def test_every_rate_of_the_envelope(self):
        for rate_mhz in range(1_000, 150_001, 100):
            self.assertEqual(bad(period_us=pulse.period_us(rate_mhz)), 0)

    def test_every_level_up_to_the_session_s(self):
        for level in range(1_001):
            self.assertEqual(bad(level, level_most=level), 0)

    def test_its_constants_are_those_of_the_envelope_and_the_charge_limit(self):
        # Written twice on purpose; here is where the two meet.
        fields = programme.PHASE_FIELDS
        self.assertEqual(pulse_check._WIDTH_MOST_US, fields["width_us"][1])
        self.assertEqual(pulse_check._GAP_MOST_US, fields["gap_us"][1])
        self.assertTrue(0 <= pulse.period_us(fields["rate_mhz"][1]) - pulse_check._PERIOD_LEAST_US <= 1)
        self.assertEqual(pulse_check._CHARGE_MOST * 100, limits.CHARGE_MAX_NC * 1_000)

    def test_it_shares_no_code_with_what_it_checks(self):
        for module in (pulse, limits, programme):
            self.assertFalse(module in pulse_check.__dict__.values())


class EachRuleRefuses(unittest.TestCase):
    def test_a_wrong_tag(self):
        for word in range(3):
            halves = array("H", [0] * 6)
            encode(halves)
            halves[2 * word] ^= 1
            self.assertEqual(pulse_check.bad(halves, 0, 1_000, False), 1)

    def test_levels_that_differ(self):
        self.assertEqual(bad(300, level_b=301), 2)
        self.assertEqual(bad(301, level_b=300), 2)
        self.assertEqual(bad(300, level_b=0), 2)

    def test_h01_a_level_above_the_session_s(self):
        self.assertEqual(bad(300, level_most=300), 0)
        self.assertEqual(bad(301, level_most=300), 3)
        self.assertEqual(bad(1, level_most=0), 3)

    def test_charges_that_differ(self):
        self.assertEqual(bad(300, level_b=100, width_us=100, width_b_us=300), 0)
        self.assertEqual(bad(301, level_b=100, width_us=100, width_b_us=300), 2)
        self.assertEqual(bad(300, level_b=101, width_us=100, width_b_us=300), 2)
        self.assertEqual(bad(300, level_b=300, width_us=100, width_b_us=200), 2)
        # Equal charge, but the other way about: a second phase that is the stronger one.
        self.assertEqual(bad(100, level_b=200, width_us=200, width_b_us=100), 4)

    def test_every_ratio_up_to_10(self):
        for ratio in range(1, 11):
            for width_us in (50, 83, 100, 300, 500):
                if ratio * width_us <= 1_000:
                    self.assertEqual(bad(10 * ratio, width_us, level_b=10, width_b_us=ratio * width_us), 0)
        self.assertEqual(bad(110, 50, level_b=10, width_b_us=550), 4)

    def test_a_resistor_may_get_what_the_engine_can_do_and_no_more(self):
        for level, width_us, gap_us, period_us, width_b_us in (
            (1_000, 1_000, 1_000, 4_000, 1_000),
            (1_000, 10, 0, 2_000, 10),
            (1_000, 100, 0, 2_400, 1_000),
        ):
            shape = {"level_b": level * width_us // width_b_us, "width_b_us": width_b_us}
            self.assertEqual(bad(level, width_us, gap_us, period_us, dummy=True, **shape), 0)
            self.assertTrue(bad(level, width_us, gap_us, period_us, **shape))
        self.assertEqual(bad(100, 10, 0, 1_999, dummy=True), 6)
        self.assertEqual(bad(101, level_most=100, dummy=True), 3)
        self.assertEqual(bad(100, level_b=101, dummy=True), 2)

    def test_widths_that_differ(self):
        self.assertEqual(bad(width_us=250, width_b_us=251), 4)
        self.assertEqual(bad(width_us=251, width_b_us=250), 4)

    def test_a_phase_or_a_gap_that_is_too_long(self):
        self.assertEqual(bad(100, width_us=500), 0)
        self.assertEqual(bad(100, width_us=501), 5)
        self.assertEqual(bad(gap_us=200), 0)
        self.assertEqual(bad(gap_us=201), 5)

    def test_a_period_that_is_too_short(self):
        for width_us in (50, 250, 500):
            for gap_us in (0, 200):
                self.assertEqual(bad(100, width_us, gap_us, LEAST_PERIOD_US), 0)
                self.assertEqual(bad(100, width_us, gap_us, 6_665), 6)

    def test_a_long_rest_is_not_taken_for_its_lower_half(self):
        for rest in (32_768, 65_536, 1_048_576, 32_768 + 6_000):
            self.assertEqual(bad(period_us=rest + 272 + 250 + 50 + 250), 0)

    def test_a_second_phase_or_a_gap_into_a_resistor_that_is_too_long(self):
        for width_us, width_b_us, wanted in ((100, 1_000, 0), (143, 1_001, 5), (1_000, 1_000, 0), (1_001, 1_001, 5)):
            self.assertEqual(bad_fields(0, width_us, 1, width_b_us, dummy=True), wanted, (width_us, width_b_us))
        self.assertEqual(bad_fields(100, 100, 1_000, 100, dummy=True), 0)
        self.assertEqual(bad_fields(100, 100, 1_001, 100, dummy=True), 5)

    def test_a_charge_of_a_level_beyond_every_DAC(self):
        # 25 uC to the count also where a hundredth of a percent is more than a level
        self.assertEqual(bad_fields(12_500, 20, 50, 20), 0)
        self.assertEqual(bad_fields(12_501, 20, 50, 20), 7)

    def test_a_charge_that_is_too_large(self):
        self.assertEqual(bad(500, width_us=500), 0)
        self.assertEqual(bad(501, width_us=500), 7)
        self.assertEqual(bad(1_000, width_us=250), 0)
        self.assertEqual(bad(1_000, width_us=251), 7)

    def test_a_long_rest_of_a_later_record(self):
        for at in (0, 6, 12):
            self.assertEqual(bad_fields(100, 100, 50, 100, at=at, rest=32_768), 0)

    def test_it_looks_at_the_record_it_is_told_to(self):
        halves = array("H", [0xFFFF] * 18)
        encode(halves, 6)
        self.assertEqual(pulse_check.bad(halves, 6, 1_000, False), 0)
        self.assertTrue(pulse_check.bad(halves, 0, 1_000, False))
        self.assertTrue(pulse_check.bad(halves, 12, 1_000, False))


class ADacThatIsCorrected(unittest.TestCase):
    def bad(self, code_a, code_b, width_us, width_b_us, offset, scale=pulse_check.SCALE):
        halves = array("H", [0] * 6)
        encode(halves, level=code_a, level_b=code_b, width_us=width_us, width_b_us=width_b_us)
        return pulse_check.bad(halves, 0, 1_000, False, offset, scale)

    def test_both_phases_are_counted_from_its_zero(self):
        self.assertEqual(self.bad(320, 120, 100, 300, offset=20), 0)
        self.assertEqual(self.bad(300, 100, 100, 300, offset=20), 2)
        self.assertEqual(self.bad(320, 120, 100, 300, offset=0), 2)
        self.assertEqual(self.bad(319, 120, 100, 300, offset=20), 2)

    def test_h01_its_charge_is_that_of_the_current_it_makes(self):
        self.assertEqual(self.bad(520, 520, 500, 500, offset=20), 0)
        self.assertEqual(self.bad(521, 521, 500, 500, offset=20), 7)
        # One that is 1 % too strong reaches the limit with 495 counts, one that is 1 % too weak with 505.
        self.assertEqual(self.bad(495, 495, 500, 500, offset=0, scale=990_000), 0)
        self.assertEqual(self.bad(496, 496, 500, 500, offset=0, scale=990_000), 7)
        self.assertEqual(self.bad(505, 505, 500, 500, offset=0, scale=1_010_000), 0)
        self.assertEqual(self.bad(507, 507, 500, 500, offset=0, scale=1_010_000), 7)


def reference(halves, level_most):
    """The rules once more, from the layout and the limits in words; True when the record may be delivered."""
    found = decode(halves)
    width_a, width_b, gap = found["width_a"] + 2, found["width_b"] + 2, found["gap"] + 1
    return (
        found["tags"] == TAGS
        and found["spare"] == 0
        and found["level_b"] * width_b == found["level_a"] * width_a
        and found["level_b"] <= found["level_a"] <= level_most
        and width_b in [width_a * ratio for ratio in range(1, 11)]
        and (found["level_a"] == 0 or found["level_a"] / found["level_b"] == width_b / width_a)
        and width_a <= 500
        and width_b <= 1_000
        and gap <= 200
        and found["rest"] + 272 + width_a + gap + width_b >= 6_666
        and found["level_a"] * 100 * width_a <= 25_000_000  # pC
    )


class AnIndependentReferenceAgrees(unittest.TestCase):
    def test_h01_on_single_and_double_bit_flips_of_acceptable_records(self):
        halves = array("H", [0] * 6)
        refused = 0
        for shape in ((300, 250, 50, 20_000), (500, 500, 200, 6_667), (1_000, 50, 0, 1_000_000), (0, 50, 1, 6_667)):
            level, width_us, gap_us, period_us = shape
            for first in range(96):
                for second in range(first, 96):
                    encode(halves, 0, level, width_us, gap_us, period_us)
                    for bit in {first, second}:
                        halves[bit // 16] ^= 1 << bit % 16
                    verdict = pulse_check.bad(halves, 0, 1_000, False)
                    self.assertEqual(verdict == 0, reference(halves, 1_000), (shape, first, second))
                    refused += verdict != 0
        self.assertTrue(refused > 10_000, refused)

    def test_on_any_words(self):
        die = Die(3)
        halves = array("H", [0] * 6)
        for _ in range(5_000):
            for i in range(6):
                halves[i] = die.roll(65_536)
            self.assertEqual(pulse_check.bad(halves, 0, 1_000, False) == 0, reference(halves, 1_000))

    def test_on_near_misses(self):
        die = Die(4)
        halves = array("H", [0] * 6)
        through = 0
        for _ in range(5_000):
            width_us, level = 10 + die.roll(600), die.roll(1_100)
            width_b_us = width_us if die.roll(5) else width_us + 1
            level_b, gap_us, period_us = level + (die.roll(5) == 0), die.roll(230), 6_600 + die.roll(300)
            encode(halves, 0, level, width_us, gap_us, period_us, level_b, width_b_us)
            verdict = pulse_check.bad(halves, 0, 1_000, False)
            self.assertEqual(verdict == 0, reference(halves, 1_000))
            through += verdict == 0
        self.assertTrue(300 < through < 4_000, through)


class NothingIsAllocated(unittest.TestCase):
    def test_neither_when_good_nor_when_bad(self):
        halves = array("H", [0] * 12)
        encode(halves, level=500, width_us=500, gap_us=200, period_us=2_000_000)
        encode(halves, 6, level=4095, width_us=1_000, gap_us=1_000, period_us=2_000_000)
        bad = pulse_check.bad
        heap_lock()
        try:
            good = bad(halves, 0, 1_000, False)
            wrong = bad(halves, 6, 1_000, False)
        finally:
            heap_unlock()
        self.assertEqual((good, wrong), (0, 3))


if __name__ == "__main__":
    unittest.main()

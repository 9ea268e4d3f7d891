"""selftest.py by itself: each check, at its bound and one beside it, in its order."""

import unittest
from array import array

import samples
from bench_hal import BOARD, Bench

from nmes.core import fault_words, faults, pulse, pulse_check
from nmes.core.checks import CHECKS
from nmes.selftest import _PULSES, SelfTest

SOUND = {
    "enabled": [False, False],  # the first time it is asked, and the last
    "temperature": 250,
    "free": 100_000,
    "supply": 5_000,
    "currents": [2_048, 2_048],
    "voltage": 2_048,
    "proven": "",
    "intact": True,
}
# What is asked, in this order, and the fault that each of them is when it fails.
ORDER = (
    faults.ENABLE_STUCK,
    faults.SENSE_FAILED,
    faults.MEMORY_LOW,
    faults.TEMPERATURE,
    faults.SUPPLY_LOW,
    faults.SENSE_FAILED,
    faults.MEMORY_DAMAGED,
    faults.GUARD_FAILED,
    faults.ENABLE_STUCK,
)


class Board:
    """A HAL and a session that say what `facts` says."""

    def __init__(self, **changes):
        self.facts = dict(SOUND)
        self.facts.update(changes)
        self._asked = 0
        self.calibrations = Bench().session.calibrations
        self.asked = []

    def now_ms(self):
        return 4_321

    def enabled(self):
        self._asked += 1
        return self.facts["enabled"][min(self._asked, 2) - 1]

    def temperature_dc(self):
        return self.facts["temperature"]

    def memory_free(self):
        return self.facts["free"]

    def supply_mv(self):
        return self.facts["supply"]

    def idle_current(self, channel):
        return self.facts["currents"][channel]

    def idle_voltage(self):
        return self.facts["voltage"]

    def try_guard(self):
        return self.facts["proven"]

    def intact(self):
        return self.facts["intact"]


def made(**changes):
    board = Board(**changes)
    return SelfTest(board, board, BOARD, samples.STAGE)


class EachCheck(unittest.TestCase):
    def fails(self, fault, place, found, expected, **changes):
        """It ends at check number `place` with this fault, and says what was found."""
        test = made(**changes)
        self.assertEqual(test.run(), fault, str(changes))
        answer = test.answer()
        self.assertEqual((answer["passed"], answer["at_ms"], len(answer["results"])), (False, 4_321, place))
        self.assertEqual([row[1] for row in answer["results"]], [True] * (place - 1) + [False])
        self.assertEqual([row[0] for row in answer["results"]], [faults.name(each) for each in ORDER[:place]])
        self.assertEqual(answer["results"][-1][2:], (found, expected))

    def passes(self, **changes):
        test = made(**changes)
        self.assertEqual(test.run(), 0, str(changes))
        self.assertEqual(test.answer()["passed"], True)

    def test_all_of_them_in_their_order_on_a_sound_board(self):
        test = made()
        self.assertEqual(test.answer(), {"at_ms": None, "passed": None, "results": []})
        self.assertEqual(test.run(), 0)
        answer = test.answer()
        self.assertEqual((answer["at_ms"], answer["passed"]), (4_321, True))
        self.assertEqual([row[0] for row in answer["results"]], [faults.name(each) for each in ORDER])
        self.assertEqual(
            [row[2:] for row in answer["results"]],
            [
                ("low", "low: nobody has permitted anything"),
                ("250", "-400 to 1250 0.1 degC, if the ADC works"),
                ("100000 bytes free", "at least 36000 bytes"),
                ("250", "-100 to 700 0.1 degC"),
                ("5000", "3000 to 5500 mV"),
                ("zero", "zero"),
                ("as it was accepted", "as it was accepted"),
                ("cut every time", "cut every time"),
                ("low", "low: nobody has permitted anything"),
            ],
        )
        test.run()
        self.assertEqual(len(test.answer()["results"]), 9, "each run begins anew")
        test.clear()
        self.assertEqual(test.answer(), {"at_ms": None, "passed": None, "results": []})

    def test_the_enable_before_and_after_the_guard_has_moved_it(self):
        low = "low: nobody has permitted anything"
        self.fails(faults.ENABLE_STUCK, 1, "high", low, enabled=[True, True])
        self.fails(faults.ENABLE_STUCK, 9, "high", low, enabled=[False, True])

    def test_an_adc_that_says_what_cannot_be(self):
        for temperature in (-401, 1_251):
            expected = "-400 to 1250 0.1 degC, if the ADC works"
            self.fails(faults.SENSE_FAILED, 2, str(temperature), expected, temperature=temperature)
        for temperature in (-400, 1_250):
            self.fails(faults.TEMPERATURE, 4, str(temperature), "-100 to 700 0.1 degC", temperature=temperature)

    def test_memory_that_is_short(self):
        self.fails(faults.MEMORY_LOW, 3, "35999 bytes free", "at least 36000 bytes", free=35_999)
        self.passes(free=36_000)

    def test_temperature_and_supply_at_their_bounds(self):
        for temperature in (-101, 701):
            self.fails(faults.TEMPERATURE, 4, str(temperature), "-100 to 700 0.1 degC", temperature=temperature)
        for supply in (2_999, 5_501):
            self.fails(faults.SUPPLY_LOW, 5, str(supply), "3000 to 5500 mV", supply=supply)
        for changes in (
            {"temperature": -100},
            {"temperature": 700},
            {"supply": 3_000},
            {"supply": 5_500},
            {"supply": None},
        ):
            self.passes(**changes)

    def test_zeros_of_either_channel_and_of_the_voltage(self):
        # 1 mA of tolerance are 18 counts.
        expected = "2048 counts, 18 more or less"
        for off in (19, -19):
            for channel in (0, 1):
                currents = [2_048, 2_048]
                currents[channel] += off
                found = "current of channel %d: %d counts" % (channel, 2_048 + off)
                self.fails(faults.SENSE_FAILED, 6, found, expected, currents=currents)
            found = "voltage of channel 0: %d counts" % (2_048 + off)
            self.fails(faults.SENSE_FAILED, 6, found, expected, voltage=2_048 + off)
        for off in (18, -18):
            self.passes(currents=[2_048 + off, 2_048 - off], voltage=2_048 + off)

    def test_a_programme_that_has_changed(self):
        self.fails(faults.MEMORY_DAMAGED, 7, "changed", "the programme as it was accepted", intact=False)

    def test_a_guard_that_does_not_cut(self):
        self.fails(faults.GUARD_FAILED, 8, "both_phases", "cut every time", proven="both_phases")


class WhatHostsNameIt(unittest.TestCase):
    def test_every_check_has_its_row_in_its_order(self):
        self.assertEqual(CHECKS, ORDER)
        self.assertEqual(len({words for words, _ in fault_words.CHECKS}), len(ORDER))
        self.assertEqual(len(made()._in_order), len(CHECKS))
        self.assertEqual(len(fault_words.CHECKS), len(CHECKS))

    def test_its_unit_is_that_of_the_numbers_in_the_answer(self):
        test = made()
        test.run()
        for (_, unit), (_, _, found, expected) in zip(fault_words.CHECKS, test.results):
            numbers_alone = found.lstrip("-").isdigit()
            self.assertEqual(numbers_alone, unit != "", found)
            self.assertTrue(not unit or unit in expected, expected)


class TheSecondChecker(unittest.TestCase):
    def told(self):
        """What the second checker was shown, and what it said."""
        told = []
        bad = pulse_check.bad

        def noted(halves, at, level_most, dummy):
            told.append((list(halves), at, level_most, dummy, bad(halves, at, level_most, dummy)))
            return told[-1][-1]

        pulse_check.bad = noted
        try:
            self.assertEqual(made().run(), 0)
        finally:
            pulse_check.bad = bad
        return told

    def test_it_is_shown_a_good_pulse_and_one_against_each_of_its_rules_as_of_a_patient(self):
        told = self.told()
        self.assertEqual([row[-1] for row in told], [0, 2, 3, 4, 5, 6, 7])
        self.assertEqual({row[3] for row in told}, {False})
        self.assertEqual({row[1] for row in told}, {0})

    def test_each_bad_one_is_just_beyond_its_rule(self):
        # A unit less, and it is good: so a rule that has moved by one is noticed.
        level_a, level_b, width_a, _, _, period, level_most, rule = range(8)
        for row in _PULSES[1:]:
            good = list(row)
            if row[rule] == 2:
                good[level_b] += 1
            elif row[rule] == 3:
                good[level_a] -= 1
                good[level_b] -= 1
            elif row[rule] == 4:
                good[width_a] += 1
            elif row[rule] == 5:
                good[width_a] -= 1
                good[4] -= 1
            elif row[rule] == 6:
                good[period] += 66
            elif row[rule] == 7:
                good[level_a] -= 1
                good[level_b] -= 1
            record = record_of(good)
            self.assertEqual(pulse_check.bad(record, 0, good[level_most], False), 0, str(row))

    def test_one_that_misses_any_of_them_is_found(self):
        bad = pulse_check.bad
        for rule in (0, 2, 3, 4, 5, 6, 7):
            pulse_check.bad = lambda *row, rule=rule: (1 if rule == 0 else 0) if bad(*row) == rule else bad(*row)
            try:
                test = made()
                self.assertEqual(test.run(), faults.MEMORY_DAMAGED)
            finally:
                pulse_check.bad = bad
            self.assertEqual(
                test.results[-1][2:], ("the second checker said rule %d" % (1 if rule == 0 else 0), "rule %d" % rule)
            )


def record_of(row):
    record = array("H", [0] * pulse.RECORD_HALVES)
    pulse.encode(record, 0, *row[:6])
    return record


class WhatRemains(unittest.TestCase):
    def test_of_each_fault_whose_cause_can_be_looked_at(self):
        zeros = {"currents": [2_100, 2_048]}
        for fault, changes, found in (
            (faults.ENABLE_STUCK, {"enabled": [True, True]}, "high"),
            (faults.SENSE_FAILED, {"temperature": -5_216}, "-5216"),
            (faults.SENSE_FAILED, zeros, "current of channel 0: 2100 counts"),
            (faults.TEMPERATURE, {"temperature": 701}, "701"),
            (faults.SUPPLY_LOW, {"supply": 2_999}, "2999"),
            (faults.GUARD_FAILED, {"proven": "lease_lost"}, "lease_lost"),
            (faults.MEMORY_LOW, {"free": 1}, "1 bytes free"),
            (faults.ELECTRODE_OPEN, zeros, "current of channel 0: 2100 counts"),
            (faults.ELECTRODE_SHORT, zeros, "current of channel 0: 2100 counts"),
            (faults.NET_CHARGE, zeros, "current of channel 0: 2100 counts"),
            (faults.CURRENT_MISMATCH, zeros, "current of channel 0: 2100 counts"),
            (faults.IDLE_CURRENT, zeros, "current of channel 0: 2100 counts"),
        ):
            self.assertEqual(made(**changes).remains(fault)[0], found)
            self.assertEqual(made().remains(fault), None)

    def test_of_any_other_nothing(self):
        self.assertEqual(made(proven="x", free=0).remains(faults.WATCHDOG_RESET), None)


if __name__ == "__main__":
    unittest.main()

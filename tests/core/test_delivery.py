"""core/delivery.py: which measured pulses are a fault, how many in a row, and what the report of a session says."""

import unittest
from array import array

import samples

from nmes.core import delivery, faults, pulse
from nmes.core.calibration import Calibration
from nmes.core.delivery import Delivery

ZERO = 2048
UA = 55
MV = 45
LEVEL_UA = 100


def seen(level, a_ua=None, b_ua=None, a_mv=None, b_mv=None, width_us=250, ohm=500, rest=0):
    """One measured pulse; without more it is what was set, into `ohm`. Currents and voltages in whole counts."""
    set_ua = level * LEVEL_UA
    a_ua = set_ua if a_ua is None else a_ua
    b_ua = set_ua if b_ua is None else b_ua
    a_mv = a_ua * ohm // 1000 if a_mv is None else a_mv
    b_mv = b_ua * ohm // 1000 if b_mv is None else b_mv
    return samples.measured(
        level,
        width_us,
        current=round(a_ua / UA),
        voltage=round(a_mv / MV),
        rest=rest,
        current_b=round(b_ua / UA),
        voltage_b=round(b_mv / MV),
    )


def verdicts(*pulses, every_ms=20):
    made = Delivery(samples.STAGE)
    return [made.judge(one, 1_000 + every_ms * i) for i, one in enumerate(pulses)]


class AGoodPulse(unittest.TestCase):
    def test_every_level_into_usual_loads_is_good(self):
        for ohm in (100, 500, 790):
            made = Delivery(samples.STAGE)
            for level in range(1001 if ohm < 790 else 950):
                self.assertEqual(made.judge(seen(level, ohm=ohm), 20 * level), 0, str((ohm, level)))
            made.update()
            self.assertTrue(abs(made.impedance_ohm - ohm) <= 1, str(made.impedance_ohm))

    def test_it_says_what_was_measured(self):
        made = Delivery(samples.STAGE)
        made.judge(seen(110), 0)
        made.update()
        self.assertEqual((made.measured, made.measured_ua, made.impedance_ohm, made.net_nc), (1, 11_000, 499, 0))

    def test_of_a_pulse_set_to_zero_nothing_is_said_of_the_load(self):
        made = Delivery(samples.STAGE)
        made.judge(seen(0, a_ua=5_000, b_ua=5_000, a_mv=2_500, b_mv=2_500), 0)
        made.update()
        self.assertEqual((made.measured_ua > 4_900, made.impedance_ohm), (True, 0))

    def test_nothing_is_allocated(self):
        made = Delivery(samples.STAGE)
        pulses = [seen(200), seen(1000), seen(0), seen(200, a_ua=0), seen(999, a_ua=-112_000, b_ua=112_000)]
        samples.heap_lock()
        try:
            for now_ms in range(0, 9_000, 13):
                for one in pulses:
                    made.judge(one, now_ms)
                    made.judge(one, now_ms)
                    made.judge(one, now_ms)
            made.judge(pulses[0], 500_000_000)
        finally:
            samples.heap_unlock()


class WhetherTheLastOneWasBad(unittest.TestCase):
    """Then the next one is judged as soon as it has been measured."""

    def test_in_any_way_and_no_more_after_a_good_one(self):
        for bad in (
            seen(200, a_ua=15_000),
            seen(200, b_ua=15_000),
            seen(200, a_ua=30_000),
            seen(200, ohm=0),
            seen(200, rest=4),
            seen(0, rest=-4),
        ):
            made = Delivery(samples.STAGE)
            self.assertEqual((made.suspects, made.judge(seen(200), 0), made.suspects), (0, 0, 0))
            self.assertEqual((made.judge(bad, 20), made.suspects > 0), (0, True))
            self.assertEqual((made.judge(seen(200), 40), made.suspects), (0, 0))
            made.judge(bad, 60)
            made.clear()
            self.assertEqual(made.suspects, 0)

    def test_it_is_the_last_of_those_that_are_judged_together(self):
        good, bad = seen(200), seen(200, a_ua=15_000)
        for pulses, suspects in (((bad, good), False), ((good, bad), True)):
            made = Delivery(samples.STAGE)
            both = array("H", [number for one in pulses for number in one])
            self.assertEqual((made.judge(both, 0, 2), made.suspects > 0), (0, suspects))


class CurrentBetweenPulses(unittest.TestCase):
    # 200 uA are allowed: 3 counts are 165 uA, 4 are 220.
    def test_h06_it_is_a_fault_after_two_pulses_either_way(self):
        for rest in (4, -4, 1000, -2048):
            bad = seen(200, rest=rest)
            self.assertEqual(verdicts(bad, seen(200), bad, seen(200)), [0] * 4)
            self.assertEqual(verdicts(seen(200), bad, bad), [0, 0, faults.IDLE_CURRENT], str(rest))

    def test_h06_also_when_nothing_was_set(self):
        self.assertEqual(verdicts(*[seen(0, rest=4)] * 2), [0, faults.IDLE_CURRENT])

    def test_noise_is_none_and_the_account_keeps_the_largest(self):
        made = Delivery(samples.STAGE)
        for rest in (1, -3, 2, 0):
            self.assertEqual(made.judge(seen(200, rest=rest), 0), 0)
        self.assertEqual(
            (made.counts()["current_rest"], made.account()["rest_most_ua"]), (samples.STAGE["sense_zero"], 3 * UA)
        )


class ThreeInARow(unittest.TestCase):
    def check(self, bad, fault, good=None):
        good = good or seen(200)
        self.assertEqual(verdicts(bad, bad, good, bad, bad, good), [0] * 6)
        self.assertEqual(verdicts(good, bad, bad, bad), [0, 0, 0, fault])

    def test_open_in_either_phase(self):
        # 80 % of 22 mA is 17.6 mA: 320 counts are just enough, 319 are not.
        self.assertEqual(verdicts(*[seen(220, a_ua=320 * UA, b_ua=320 * UA)] * 4), [0] * 4)
        self.check(seen(220, a_ua=319 * UA, b_ua=320 * UA), faults.ELECTRODE_OPEN)
        self.check(seen(220, a_ua=320 * UA, b_ua=319 * UA), faults.ELECTRODE_OPEN)

    def test_an_open_one_by_its_voltage_from_1_mA_on(self):
        # 95 % of 80 V are 76 V: 1689 counts are more, 1688 are less.
        self.assertEqual(verdicts(*[seen(10, 0, 0, 1688 * MV, 1688 * MV)] * 4), [0] * 4)
        self.check(seen(10, 0, 0, 1689 * MV, 0), faults.ELECTRODE_OPEN)
        self.check(seen(10, 0, 0, 0, 1689 * MV), faults.ELECTRODE_OPEN)
        self.assertEqual(verdicts(*[seen(9, 0, 0, 1689 * MV, 1689 * MV)] * 4), [0] * 4)

    def test_below_5_mA_the_sense_may_be_1_mA_off_as_well(self):
        # 80 % of 4.9 mA less 1 mA are 2.92: 54 counts are just enough, 53 are not. Of 1.2 mA nothing is left.
        self.assertEqual(verdicts(*[seen(49, 54 * UA, 54 * UA)] * 4), [0] * 4)
        self.check(seen(49, 54 * UA, 53 * UA), faults.ELECTRODE_OPEN)
        self.assertEqual(verdicts(*[seen(12, 0, 0, 0, 0)] * 4), [0] * 4)
        self.check(seen(13, 0, 0, 0, 0), faults.ELECTRODE_OPEN)
        self.check(seen(50, 0, 0, 0, 0), faults.ELECTRODE_OPEN)

    def test_short_above_10_mA_only(self):
        # 1 V lies between 22 and 23 counts.
        self.assertEqual(verdicts(*[seen(100, a_mv=0, b_mv=0)] * 4), [0] * 4)
        self.assertEqual(verdicts(*[seen(101, a_mv=23 * MV, b_mv=23 * MV)] * 4), [0] * 4)
        self.check(seen(101, a_mv=22 * MV, b_mv=23 * MV), faults.ELECTRODE_SHORT)
        self.check(seen(101, a_mv=23 * MV, b_mv=22 * MV), faults.ELECTRODE_SHORT)

    def test_a_load_below_50_ohm_is_short_at_any_current_above_10_mA(self):
        self.check(seen(1000, ohm=48), faults.ELECTRODE_SHORT)
        self.assertEqual(verdicts(*[seen(1000, ohm=51)] * 4), [0] * 4)

    def test_more_than_was_set(self):
        # 120 % of 11 mA and 1 mA are 14.2 mA: 258 counts are 14.19.
        self.assertEqual(verdicts(*[seen(110, 258 * UA, 258 * UA)] * 4), [0] * 4)
        self.check(seen(110, 259 * UA, 259 * UA), faults.CURRENT_MISMATCH)

    def test_current_where_none_was_set(self):
        self.assertEqual(verdicts(*[seen(0, 18 * UA, 18 * UA)] * 4), [0] * 4)
        self.check(seen(0, 19 * UA, 19 * UA), faults.CURRENT_MISMATCH, seen(0))

    def test_the_wrong_way_round(self):
        self.assertEqual(verdicts(*[seen(9, -18 * UA, -18 * UA)] * 4), [0] * 4)
        self.check(seen(9, -19 * UA, -19 * UA), faults.CURRENT_MISMATCH)

    def test_a_sense_that_is_stuck_anywhere_is_found(self):
        for counts in (0, 1, 1000, 2000, ZERO, 2100, 3000, 4095):
            stuck = seen(100)
            stuck[pulse.CURRENT_A] = stuck[pulse.CURRENT_B] = counts
            self.assertTrue(verdicts(stuck, stuck, stuck)[2] != 0, str(counts))
            stuck = seen(0)
            stuck[pulse.CURRENT_A] = stuck[pulse.CURRENT_B] = counts
            found = verdicts(stuck, stuck, stuck)[2]
            self.assertEqual(found != 0, abs(counts - ZERO) * UA > 1_000, str(counts))

    def test_pulses_that_were_not_measured(self):
        made = Delivery(samples.STAGE)
        self.assertEqual([made.lacking(n) for n in (-1, 0, 1, 2, 3)], [0, 0, 0, 0, faults.CURRENT_MISMATCH])


class TwoChannelsAtOnce(unittest.TestCase):
    """One voltage sense for both: while both are in phase it says so, and is judged for neither."""

    BOTH = 4_095

    def made(self):
        made = Delivery(samples.STAGE)
        made.clear(shared=True)
        return made

    def both(self, level, a_ua=None, b_ua=None):
        one = seen(level, a_ua, b_ua)
        one[pulse.VOLTAGE_A] = one[pulse.VOLTAGE_B] = self.BOTH
        return one

    def test_the_currents_are_judged_as_ever(self):
        made = self.made()
        self.assertEqual([made.judge(self.both(200), 20 * i) for i in range(9)], [0] * 9)
        for bad, fault in (
            (self.both(200, 15_000, 20_000), faults.ELECTRODE_OPEN),
            (self.both(200, 20_000, 15_000), faults.ELECTRODE_OPEN),
            (self.both(200, 30_000, 30_000), faults.CURRENT_MISMATCH),
        ):
            made = self.made()
            self.assertEqual([made.judge(bad, 20 * i) for i in range(3)], [0, 0, fault])

    def test_the_load_is_what_was_seen_when_it_was_alone(self):
        made = self.made()
        made.judge(self.both(200), 0)
        made.update()
        self.assertEqual(made.impedance_ohm, 0)
        made.judge(seen(200, ohm=700), 20)
        made.update()
        alone = made.impedance_ohm
        made.judge(self.both(200), 40)
        made.update()
        self.assertTrue(690 <= alone == made.impedance_ohm <= 710, str(made.account()))

    def test_one_phase_alone_is_judged_by_its_voltage(self):
        for at in (pulse.VOLTAGE_A, pulse.VOLTAGE_B):
            made = self.made()
            one = self.both(200)
            one[at] = ZERO
            self.assertEqual([made.judge(one, 20 * i) for i in range(3)], [0, 0, faults.ELECTRODE_SHORT])

    def test_in_a_session_of_one_channel_it_is_an_open_electrode(self):
        self.assertEqual(verdicts(*[self.both(200)] * 3), [0, 0, faults.ELECTRODE_OPEN])


class NetCharge(unittest.TestCase):
    def net(self, *pulses):
        """[(now_ms, a_ua less b_ua, width)] into a Delivery; what it said to each, and it."""
        made = Delivery(samples.STAGE)
        said = [
            made.judge(seen(100, 10_010 + less_ua, 10_010, width_us=width_us), at_ms)
            for at_ms, less_ua, width_us in pulses
        ]
        return said, made

    def test_10_000_nC_within_a_second_are_allowed_and_one_more_is_not(self):
        # 1100 uA for 250 us are 275 nC; 36 of them 9900 nC; 550 uA for 200 us 110 nC, for 182 us 100.1 nC
        pulses = [(1_000 + 20 * i, 1_100, 250) for i in range(36)]
        said, made = self.net(*pulses, (1_720, 500 // UA * UA, 202))
        self.assertEqual((made.net_nc, said[-1]), (9_999, 0))
        said, made = self.net(*pulses, (1_720, 500 // UA * UA, 205))
        self.assertEqual((made.net_nc, said[-1]), (10_001, faults.NET_CHARGE))
        self.assertEqual(said[:-1], [0] * 36)

    def test_it_counts_either_way(self):
        said, made = self.net(*[(1_000 + 20 * i, -1_100, 250) for i in range(37)])
        self.assertEqual((said[-2], said[-1]), (0, faults.NET_CHARGE))
        self.assertTrue(made.net_nc < -10_000)

    def test_what_is_older_than_a_second_is_forgotten(self):
        said, made = self.net((1_000, 11_000, 500), (1_999, 0, 250))
        self.assertEqual(made.net_nc, 5_500)
        said, made = self.net((1_000, 11_000, 500), (2_025, 0, 250))
        self.assertEqual(made.net_nc, 0)
        said, made = self.net((1_000, 11_000, 500), (500_000_000, 1_100, 250))
        self.assertEqual(made.net_nc, 275)

    def test_no_longer_than_1025_ms_and_no_shorter_than_a_second(self):
        for begin_ms in range(1_000, 1_050):
            for later_ms, kept in ((1_000, True), (1_025, False)):
                _, made = self.net((begin_ms, 11_000, 500), (begin_ms + later_ms, 0, 250))
                self.assertEqual(made.net_nc, 5_500 if kept else 0, str((begin_ms, later_ms)))

    def test_h03_an_adc_that_is_1_percent_off_trips_within_a_second_at_50_hz_and_25_mA(self):
        made = Delivery(samples.STAGE)
        one = seen(250)
        one[pulse.CURRENT_A] += 41  # 1 % of the ADC's range of 4096
        one[pulse.CURRENT_B] += 41
        said = [made.judge(one, 1_000 + 20 * i) for i in range(50)]
        # 41 counts are 2.255 mA in each phase, of 250 us: 1127.5 nC a pulse, and the ninth is beyond 10 000.
        self.assertEqual(said[:9], [0] * 8 + [faults.NET_CHARGE])

    def test_phases_that_differ_by_1_percent_of_25_mA_are_below_the_limit_and_seen(self):
        # 0.25 mA for 250 us, 50 times a second, are 3.1 uA.
        made = Delivery(samples.STAGE)
        for i in range(100):
            self.assertEqual(made.judge(seen(250, 25_300, 25_025), 1_000 + 20 * i), 0)
        self.assertTrue(3_000 <= made.net_nc <= 3_600, str(made.net_nc))


class TheAccount(unittest.TestCase):
    def test_an_empty_one(self):
        made = Delivery(samples.STAGE)
        self.assertEqual(made.account(), dict.fromkeys(delivery.ACCOUNT_FIELDS, 0))
        self.assertEqual(sorted(made.account()), sorted(delivery.ACCOUNT_FIELDS))

    def test_of_a_few_pulses(self):
        made = Delivery(samples.STAGE)
        for at_ms, one in (
            (0, seen(0)),
            (20, seen(110, ohm=500)),
            (40, seen(220, 22_000, 21_945, ohm=1000)),
            (60, seen(110, ohm=250)),
        ):
            made.judge(one, at_ms)
            made.update()
        made.miss(2)
        self.assertEqual(
            made.account(),
            {
                "measured": 4,
                "missed": 2,
                "charge_a_nc": 11_000,
                "charge_b_nc": 10_986,
                "current_mean_ua": 14_657,
                "current_least_ua": 11_000,
                "current_most_ua": 22_000,
                "impedance_first_ohm": 499,
                "impedance_last_ohm": 249,
                "impedance_least_ohm": 249,
                "impedance_most_ohm": 1_000,
                "rest_most_ua": 0,
            },
        )

    def test_a_new_session_begins_with_an_empty_one(self):
        made = Delivery(samples.STAGE)
        for i in range(2):
            made.judge(seen(200, 0, 0), i)
        made.miss(1)
        made.clear()
        self.assertEqual(made.account(), Delivery(samples.STAGE).account())
        self.assertEqual((made.net_nc, made.judge(seen(200, 0, 0), 3)), (0, 0))


class TheCalibration(unittest.TestCase):
    def made(self, **changes):
        row = dict(samples.UNCALIBRATED)
        row.update(changes)
        return Calibration(samples.stage(calibration=(row, row)), 1)

    def test_without_any_a_code_is_a_level(self):
        made = self.made()
        for level in range(1001):
            self.assertEqual((made.code(level), made.set_ua(level)), (level, level * LEVEL_UA))
        self.assertEqual([made.current_ua(n) for n in (0, 2047, 2048, 2049, 4095)], [-112_640, -55, 0, 55, 112_585])
        self.assertEqual([made.voltage_mv(n) for n in (0, 2048, 4095)], [-92_160, 0, 92_115])

    def test_gains_and_offsets(self):
        made = self.made(dac_gain_ppm=20_000, dac_offset=-3, current_gain_ppm=-10_000, current_offset=2)
        self.assertEqual([made.code(n) for n in (0, 1, 500, 999, 1000)], [0, 0, 507, 1000, 1000])
        self.assertEqual([made.current_ua(n) for n in (2050, 2150, 1950)], [0, 5_445, -5_445])
        made = self.made(voltage_gain_ppm=50_000, voltage_offset=-1)
        self.assertEqual([made.voltage_mv(n) for n in (2047, 2147)], [0, 4_725])

    def test_what_was_set_comes_back_to_a_level(self):
        for gain in (-50_000, -333, 0, 7, 50_000):
            for offset in (-5, 0, 5):
                made = self.made(dac_gain_ppm=gain, dac_offset=offset)
                for level in range(10, 940):
                    back = made.set_ua(made.code(level))
                    self.assertTrue(abs(back - level * LEVEL_UA) <= LEVEL_UA, str((gain, offset, level, back)))

    def test_zero_stays_zero(self):
        self.assertEqual(self.made(dac_offset=9).code(0), 0)
        self.assertEqual(self.made(dac_offset=9).set_ua(0), 0)

    def test_a_gain_that_no_stage_has_is_refused(self):
        for key in ("dac_gain_ppm", "current_gain_ppm", "voltage_gain_ppm"):
            for ppm in (50_001, -50_001):
                with self.assertRaises(ValueError):
                    self.made(**{key: ppm})

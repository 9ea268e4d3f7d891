"""A stage that needs correction: equal charge whatever the gain and offset, never more than was asked, and judged by
what the corrected sense says."""

import unittest
from array import array

import samples
from bench_hal import Bench

from nmes.core import calibration, command_words, delivery, pulse, pulse_check
from nmes.core.calibration import GAIN_MOST_PPM, ROW, Calibration, check
from nmes.core.session import RUNNING, Session

LEVEL_UA = 100
GAINS = (-GAIN_MOST_PPM, -20_033, -333, 0, 7, 12_345, GAIN_MOST_PPM)
OFFSETS = (-7, -1, 0, 1, 7)
BOUNDS = "the calibration's bounds"
OF_ONE = BOUNDS + ", channel 1"


def row(**changes):
    made = dict(samples.UNCALIBRATED)
    made.update(changes)
    return made


def calibrated(**changes):
    return Calibration(samples.stage(calibration=(row(**changes),)), 0)


def each():
    for gain in GAINS:
        for offset in OFFSETS:
            yield calibrated(dac_gain_ppm=gain, dac_offset=offset), gain, offset


def both(**changes):
    return {"0": row(), "1": row(**changes)}


def reasons(rows, stage=samples.STAGE):
    return [(r["code"], r["parameter"], r["asked"], r["bound"], r["source"]) for r in check(rows, stage)]


class Bounds(unittest.TestCase):
    def test_they_are_five_percent_a_percent_and_two_percent(self):
        bounds = ROW
        self.assertEqual(set(bounds), set(samples.UNCALIBRATED))
        for key in bounds:
            most = 50_000 if key.endswith("_ppm") else 10 if key == "dac_offset" else 40
            self.assertEqual(bounds[key], (-most, most))
            self.assertTrue(len(command_words.ROW[key]) > 10)

    def test_each_bound_is_exact_and_named_with_its_channel(self):
        for key in ROW:
            least, most = ROW[key]
            for value in (least, most):
                self.assertEqual(reasons(both(**{key: value})), [])
                calibrated(**{key: value})
            for value, bound, code in ((least - 1, least, "below_range"), (most + 1, most, "above_range")):
                self.assertEqual(reasons(both(**{key: value})), [(code, key, value, bound, OF_ONE)])
                with self.assertRaises(ValueError) as raised:
                    calibrated(**{key: value})
                self.assertIn(key, str(raised.exception))
            for value in (1.0, True, None, "1", [], {}):
                (found,) = check(both(**{key: value}), samples.STAGE)
                self.assertEqual((found["code"], found["source"]), ("not_an_integer", OF_ONE))

    def test_every_row_is_whole_and_every_channel_has_one(self):
        some = row()
        del some["dac_offset"]
        self.assertEqual(reasons({"0": row(), "1": some}), [("missing", "dac_offset", None, "-10 to 10", OF_ONE)])
        self.assertEqual(reasons(both(more=1)), [("unknown", "more", 1, "no such key", OF_ONE)])
        self.assertEqual(reasons({"0": row()}), [("missing", "rows", None, "channel 1", BOUNDS)])
        self.assertEqual(reasons({"0": row(), "1": 3}), [("not_a_table", "rows", 3, "channel 1", BOUNDS)])
        self.assertEqual(reasons(dict(both(), x={})), [("unknown", "rows", "x", "channels 0, 1", BOUNDS)])
        self.assertEqual(len(check({}, samples.STAGE)), 2)
        self.assertEqual(check({"0": row()}, samples.stage(channels=1)), [])

    def test_a_stage_that_measures_nothing_has_nothing_to_be_calibrated_by(self):
        (found,) = check(both(), samples.stage(measures=False))
        self.assertEqual((found["code"], found["parameter"], found["asked"]), ("not_measured", "rows", "test"))
        self.assertEqual((found["bound"], found["source"]), ("an output stage that measures", "output stage test"))
        self.assertEqual(check({}, samples.stage(measures=False)), [found])

    def test_every_gain_that_is_allowed_stays_within_30_bits(self):
        for gain in (-GAIN_MOST_PPM, GAIN_MOST_PPM):
            made = calibrated(dac_gain_ppm=gain, current_gain_ppm=gain, voltage_gain_ppm=gain)
            self.assertTrue(1_000 * made.dac_scale + 500_000 < 2**30)
            self.assertTrue(4_096 * max(made.current_na, made.voltage_uv) < 2**30)

    def test_a_stage_s_own_rows_are_copies(self):
        rows = calibration.nominal(samples.STAGE)
        self.assertEqual(rows, {"0": row(), "1": row()})
        rows["0"]["dac_offset"] = 3
        self.assertEqual(samples.UNCALIBRATED["dac_offset"], 0)

    def test_another_row_takes_the_place_of_the_stage_s(self):
        made = Calibration(samples.stage(calibration=(row(dac_offset=1),)), 0, row(dac_offset=2))
        self.assertEqual(made.dac_offset, 2)


class WhatIsCorrected(unittest.TestCase):
    def test_a_session_s_deliveries_are_judged_by_the_same_rows_as_its_codes(self):
        session = Session(samples.STAGE)
        session.calibrate({"0": row(dac_offset=3), "1": row(current_offset=-4)})
        self.assertEqual([c.dac_offset for c in session.calibrations], [3, 0])
        self.assertEqual([c.current_zero for c in session.calibrations], [2048, 2044])
        for made, judged in zip(session.calibrations, session.deliveries):
            self.assertTrue(judged.calibration is made)

    def test_a_programme_that_is_loaded_is_forgotten(self):
        session = Session(samples.STAGE)
        session.load(samples.programme())
        session.calibrate(both())
        self.assertEqual((session.programme, session.programme_crc, session.limit_ua), (None, 0, 0))

    def test_not_while_anybody_is_armed(self):
        bench = Bench()
        bench.run()
        for state in ("ARMED", "RUNNING", "PAUSED"):
            bench.session.state = state
            self.assertEqual(samples.codes(bench.session.calibrate, both(dac_offset=1)), ["wrong_state"])
            self.assertEqual(bench.session.calibrations[1].dac_offset, 0)

    def test_h01_a_correction_that_has_changed_in_memory_is_found_as_a_programme_s_is(self):
        for key in ("dac_scale", "dac_offset", "current_na", "current_zero", "voltage_uv", "voltage_zero"):
            for channel in (0, 1):
                session = Session(samples.STAGE)
                session.load(samples.programme())
                self.assertTrue(session.unchanged() and session.intact())
                corrected = session.calibrations[channel]
                setattr(corrected, key, getattr(corrected, key) ^ 1)
                self.assertFalse(session.unchanged() or session.intact(), key)


class EqualCharge(unittest.TestCase):
    def test_a_code_is_the_nearest_there_is_and_of_two_the_higher(self):
        for gain in (-GAIN_MOST_PPM, -20_033, -333, 0, 7, 500, 12_345):
            for level in range(1, 900):
                millionths = level * (1_000_000 + gain)
                nearest = millionths // 1_000_000 + (millionths % 1_000_000 >= 500_000)
                self.assertEqual(calibrated(dac_gain_ppm=gain).code(level), nearest)
        self.assertEqual(calibrated(dac_gain_ppm=500).code(1_000), 1_000)
        self.assertEqual(calibrated(dac_gain_ppm=-500).code(1_000), 1_000)

    def test_what_a_code_was_meant_to_deliver_is_said_in_whole_levels_and_never_too_high(self):
        for gain in (-GAIN_MOST_PPM, -20_000, -100, 0, 100, 12_300, GAIN_MOST_PPM):
            for offset in (-3, 0, 3):
                made = calibrated(dac_gain_ppm=gain, dac_offset=offset)
                for code in range(4, 1_001):
                    levels = (code - offset) * 1_000_000 // (1_000_000 + gain)
                    self.assertEqual(made.set_ua(code), levels * LEVEL_UA)

    def test_a_gain_alone_keeps_the_codes_in_the_ratio_of_the_phases(self):
        for gain in GAINS:
            made = calibrated(dac_gain_ppm=gain)
            for ratio in range(1, 11):
                for level in range(0, 1001, ratio):
                    code = made.code(level, ratio)
                    self.assertEqual(made.times(code, ratio), ratio * code)

    def test_an_offset_counts_once_in_each_phase(self):
        for made, gain, offset in each():
            for ratio in range(1, 11):
                for level in range(ratio, 1001, ratio):
                    code_b = made.code(level, ratio)
                    code_a = made.times(code_b, ratio)
                    what = str((gain, offset, ratio, level, code_a, code_b))
                    if code_b:
                        self.assertEqual(code_a - offset, ratio * (code_b - offset), what)
                    else:
                        self.assertEqual(code_a, 0, what)

    def test_phase_a_is_never_more_than_what_its_level_alone_would_get_and_hardly_less(self):
        for made, gain, offset in each():
            for ratio in range(1, 11):
                for level in range(0, 1001, ratio):
                    code_b = made.code(level, ratio)
                    code_a = made.times(code_b, ratio)
                    what = str((gain, offset, ratio, level, code_a))
                    self.assertTrue(0 <= code_b <= code_a <= made.code(level) <= 1_000, what)
                    self.assertTrue(made.set_ua(code_a) <= level * LEVEL_UA, what)
                    # Below the offset and beyond the DAC's end there is nothing to deliver it with.
                    if 100 <= level <= 940:
                        self.assertTrue(made.set_ua(code_a) > (level - 1.1 * ratio - 1) * LEVEL_UA, what)


class TheSecondChecker(unittest.TestCase):
    def bad(self, made, code_a, code_b, width_us, ratio, code_most):
        halves = array("H", [0] * pulse.RECORD_HALVES)
        samples.encode(halves, level=code_a, level_b=code_b, width_us=width_us, width_b_us=width_us * ratio)
        return pulse_check.bad(halves, 0, code_most, False, made.dac_offset, made.dac_scale)

    def test_it_lets_every_level_up_to_the_session_s_through(self):
        for made, gain, offset in each():
            for ratio in range(1, 11):
                most = 1_000 - 1_000 % ratio
                for level in range(0, most + 1, ratio):
                    code_b = made.code(level, ratio)
                    found = self.bad(made, made.times(code_b, ratio), code_b, 50, ratio, made.code(most))
                    self.assertEqual(found, 0, str((gain, offset, ratio, level)))

    def test_it_lets_the_largest_charge_through_and_no_level_more(self):
        for made, gain, offset in each():
            found = [self.bad(made, made.code(n), made.code(n), 500, 1, 1_000) for n in (500, 501, 502)]
            self.assertEqual((found[0], found[2]), (0, 7), str((gain, offset)))

    def test_it_refuses_codes_whose_charges_differ_by_one(self):
        for made, _, offset in each():
            for ratio in (1, 2, 5, 10):
                code_b = made.code(400, ratio)
                code_a = made.times(code_b, ratio)
                self.assertEqual(self.bad(made, code_a, code_b, 50, ratio, 1_000), 0)
                for wrong in ((code_a + 1, code_b), (code_a, code_b + 1), (code_a - 1, code_b), (code_a, code_b - 1)):
                    self.assertEqual(self.bad(made, wrong[0], wrong[1], 50, ratio, 1_000), 2)
                if offset and ratio > 1:
                    self.assertEqual(self.bad(made, ratio * code_b, code_b, 50, ratio, 1_000), 2)

    def test_it_refuses_a_second_phase_that_is_the_stronger_one(self):
        made = calibrated(dac_offset=7)
        for code_a, code_b in ((3, 5), (0, 7)):
            self.assertEqual(self.bad(made, code_a, code_b, width_us=50, ratio=2, code_most=1_000), 2)


class AWholeSession(unittest.TestCase):
    def play(self, ratio, **changes):
        """A session up to its limit; what the engine was given from then on."""
        stage = samples.stage(calibration=(row(**changes), row()))
        shape = samples.phase(width_us=60, ratio=ratio, ramp_up_ms=500, work_ms=30_000, rest_ms=30_000)
        data = samples.programme([shape], kind="pads", area_mm2=20_000, max_current_ua=20_000)
        bench = Bench(stage=stage)
        puts = []
        put = bench.hal.put

        def noted(channel, *shape):
            puts.append(shape)
            return put(channel, *shape)

        bench.hal.put = noted
        bench.supervisor._judge = lambda now_ms: True  # the virtual stage is one that needs no correction
        bench.run(data)
        session = bench.session
        resolution_ua = LEVEL_UA * ratio
        most_ua = session.limit_ua - session.limit_ua % resolution_ua
        while samples.first(session).intensity_ua < most_ua:
            bench.turn(50, count=5)
            step_ua = 1_000 - 1_000 % resolution_ua
            bench.supervisor.set_intensity(min(most_ua, samples.first(session).intensity_ua + step_ua), 0)
            bench.turn()
            self.assertEqual((session.state, session.fault_text), (RUNNING, ""))
        bench.turn(50, count=4)
        return puts, most_ua

    def test_equal_charge_and_never_more_than_was_set_up_to_the_limit(self):
        for ratio in (1, 2, 4, 10):
            for gain in (-GAIN_MOST_PPM, 0, 12_345, GAIN_MOST_PPM):
                for offset in (-3, 0, 3):
                    puts, most_ua = self.play(ratio, dac_gain_ppm=gain, dac_offset=offset)
                    what = str((ratio, gain, offset))
                    made = calibrated(dac_gain_ppm=gain, dac_offset=offset)
                    self.assertTrue(len(puts) > 20, what)
                    for code_a, code_b, width_a_us, _, width_b_us, _, _, _ in puts:
                        charge_a, charge_b = (code_a - offset) * width_a_us, (code_b - offset) * width_b_us
                        if code_a or code_b:
                            self.assertEqual(charge_a, charge_b, what)
                        self.assertTrue(made.set_ua(code_a) <= most_ua, what)
                    last_ua = made.set_ua(puts[-1][0])
                    self.assertTrue(most_ua - (1.1 * ratio + 1) * LEVEL_UA < last_ua, str((what, last_ua, most_ua)))


class TheSense(unittest.TestCase):
    """`delivery` judges what the corrected sense says, of the phases as they were meant."""

    def stage(self, **changes):
        return samples.stage(calibration=(row(**changes), row()))

    def seen(self, made, ua, gain, offset, ratio, mv=5_000, sense=None):
        """What a stage that needs this correction makes of a phase A of `ua`."""
        code_b = made.code(ua // LEVEL_UA, ratio)
        true = made.set_ua(made.times(code_b, ratio))
        count_ua, count_mv = 55 * (1 + gain / 1e6), 45
        return true, [
            made.times(code_b, ratio),
            60,
            code_b,
            60 * ratio,
            2048 + offset + round(true / count_ua),
            2048 + round(mv / count_mv),
            2048 + offset - round(true / ratio / count_ua),
            2048 - round(mv / ratio / count_mv),
            2048 + offset,
        ]

    def judged(self, stage, gain, offset, ratio, ua, count=40):
        """(the last verdict, the true current, Delivery) after some pulses at 50 Hz."""
        made = delivery.Delivery(stage)
        for i in range(count):
            true, one = self.seen(made.calibration, ua, gain, offset, ratio)
            verdict = made.judge(array("H", one), 20 * i)
            if verdict:
                break
        return verdict, true, made

    def test_measured_is_what_flows_and_set_is_what_was_meant(self):
        for gain in (-GAIN_MOST_PPM, 0, GAIN_MOST_PPM):
            for offset in (-9, 0, 9):
                for dac_gain, dac_offset in ((0, 0), (-20_000, 4), (30_000, -4)):
                    stage = self.stage(
                        current_gain_ppm=gain, current_offset=offset, dac_gain_ppm=dac_gain, dac_offset=dac_offset
                    )
                    for ratio in (1, 4):
                        verdict, true, made = self.judged(stage, gain, offset, ratio, 20_000)
                        what = str((gain, offset, dac_gain, ratio))
                        self.assertEqual(verdict, 0, what)
                        self.assertTrue(abs(made.set_ua - 20_000) <= (ratio + 1) * LEVEL_UA, what)
                        mean = (true + true // ratio) // 2
                        self.assertTrue(abs(made.measured_ua - mean) <= 60, str((what, made.measured_ua, mean)))
                        # A count in one of the phases, 60 us long or `ratio` times that, 50 times a second.
                        self.assertTrue(abs(made.net_nc) <= 55 * 60 * (1 + ratio) // 2 * 51 // 1_000, what)

    def test_the_same_stage_without_its_correction_would_be_stopped(self):
        # 30 counts of 55 uA through 60 us and 240 us, 50 times a second: 24.7 uC.
        corrected = self.judged(self.stage(current_offset=30), 0, 30, 4, 20_000, 60)
        plain = self.judged(self.stage(), 0, 30, 4, 20_000, 60)
        self.assertEqual((corrected[0], plain[0] != 0), (0, True))

    def test_a_stage_that_delivers_more_than_its_calibration_says_is_found(self):
        stage = self.stage(current_gain_ppm=GAIN_MOST_PPM)
        made = delivery.Delivery(stage)
        for i in range(3):
            _, one = self.seen(made.calibration, 20_000, GAIN_MOST_PPM, 0, 1)
            one[pulse.CURRENT_A] = 2048 + round(1.3 * 20_000 / (55 * 1.05))
            verdict = made.judge(array("H", one), 20 * i)
        self.assertTrue(verdict != 0)

    def test_each_channel_has_its_own_row(self):
        stage = samples.stage(calibration=(row(dac_offset=1), row(dac_offset=2, current_offset=3)))
        session = Session(stage)
        self.assertEqual([c.dac_offset for c in session.calibrations], [1, 2])
        self.assertEqual([c.current_zero for c in session.calibrations], [2048, 2051])


class NothingIsAllocated(unittest.TestCase):
    def test_by_any_code(self):
        made = calibrated(dac_gain_ppm=GAIN_MOST_PPM, dac_offset=-3)
        halves = array("H", [0] * pulse.RECORD_HALVES)
        samples.encode(halves, level=1_000, width_us=50)
        samples.heap_lock()
        try:
            for level in (0, 10, 500, 1_000):
                made.times(made.code(level, 10), 10)
                made.set_ua(made.code(level))
            found = pulse_check.bad(halves, 0, 1_000, False, made.dac_offset, made.dac_scale)
        finally:
            samples.heap_unlock()
        self.assertEqual(found, 0)


if __name__ == "__main__":
    unittest.main()

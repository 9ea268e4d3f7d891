"""The link's calibration: said, set whole, undone; nothing of it while anybody is armed, and nobody is armed with one
that cannot be used."""

import unittest

import samples
from bench_hal import RESISTOR, RIGHT, BenchHal, Linked
from test_calibrated import NOMINAL, newer
from test_link import begin, in_state
from test_link_prescriptions import code

from nmes.core import delivery, faults, programme
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.hal.common import LAYOUT

ROWS = {
    "0": {
        "dac_gain_ppm": 30_000,
        "dac_offset": -3,
        "current_gain_ppm": -20_000,
        "current_offset": 4,
        "voltage_gain_ppm": 10_000,
        "voltage_offset": -2,
    },
    "1": dict(samples.UNCALIBRATED, dac_offset=2),
}


def flash_of(bench):
    sectors = bench.hal.flash.sectors
    held = {number: bytes(sectors[number]) for number in LAYOUT["calibration"] if number in sectors}
    return {number: held[number] for number in held if held[number].strip(b"\xff")}


def powered(bench, cls=Linked):
    """The same board with power back."""
    return cls(bench.hal.slots, "", bench.stage, bench.hal.flash.sectors)


def in_force(bench):
    return [(c.dac_scale, c.dac_offset, c.current_zero, c.voltage_zero) for c in bench.session.calibrations]


class Setting(unittest.TestCase):
    def test_a_new_device_says_that_it_was_never_calibrated(self):
        answer = Linked().said("calibration")
        self.assertEqual((answer["condition"], answer["digest"], answer["unix_s"]), ("none", None, None))
        self.assertEqual((answer["rows"], answer["stage"]), (NOMINAL, "test"))
        answer = Linked().said("identify")
        self.assertEqual((answer["calibration"], answer["calibration_digest"]), ("none", None))

    def test_what_is_set_is_in_force_said_and_still_there_with_power_back(self):
        bench = Linked()
        bench.said("clock", unix_s=1_800_000_000, back=0)
        answer = bench.said("calibrate", rows=ROWS)
        self.assertEqual((answer["condition"], answer["rows"], answer["unix_s"]), ("whole", ROWS, 1_800_000_000))
        for one in (bench, powered(bench)):
            said = one.said("calibration")
            del said["seq"]
            self.assertEqual(said, {key: answer[key] for key in said})
            self.assertEqual(in_force(one), [(1_030_000, -3, 2052, 2046), (1_000_000, 2, 2048, 2048)])
            identity = one.said("identify")
            self.assertEqual((identity["calibration"], identity["calibration_digest"]), ("whole", answer["digest"]))

    def test_it_is_for_this_board_whatever_micropython_runs_on_it(self):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        real = BenchHal.identity
        try:
            for uid, release, condition in (
                ("virtual", "9.9.9", "whole"),
                ("another", bench.hal.identity()[1], "other_board"),
            ):
                BenchHal.identity = lambda hal, said=(uid, release): said
                self.assertEqual(powered(bench).said("calibration")["condition"], condition)
        finally:
            BenchHal.identity = real

    def test_nonsense_is_refused_by_name_and_nothing_is_written(self):
        bench = Linked()
        bench.load(RESISTOR)
        for wrong, why in (
            ({}, "missing"),
            ({"0": ROWS["0"]}, "missing"),
            (dict(ROWS, x={}), "unknown"),
            (dict(ROWS, **{"1": dict(ROWS["1"], dac_gain_ppm=50_001)}), "above_range"),
            (dict(ROWS, **{"0": dict(ROWS["0"], dac_offset="3")}), "not_an_integer"),
        ):
            self.assertEqual(code(bench.said("calibrate", rows=wrong)), why)
        self.assertEqual((flash_of(bench), bench.said("calibration")["rows"]), ({}, NOMINAL))
        self.assertEqual(bench.session.programme_crc, programme.crc(RESISTOR))
        self.assertEqual(bench.said("calibrate", rows=[])["error"], "bad_argument")

    def test_a_programme_is_forgotten_when_the_rows_are_others(self):
        bench = Linked()
        for rows, loaded in ((ROWS, 0), (ROWS, programme.crc(RESISTOR))):
            bench.load(RESISTOR)
            bench.said("calibrate", rows=rows)
            self.assertEqual(bench.session.programme_crc, loaded)
        bench.said("uncalibrate")
        self.assertEqual((bench.session.programme_crc, bench.said("uncalibrate")["ok"]), (0, True))

    def test_undone_the_stage_s_own_are_in_force_and_stay_with_power_back(self):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        answer = bench.said("uncalibrate")
        self.assertEqual((answer["condition"], answer["rows"], answer["digest"]), ("none", NOMINAL, None))
        for one in (bench, powered(bench)):
            self.assertEqual(one.said("calibration")["condition"], "none")
            self.assertEqual(in_force(one), 2 * [(1_000_000, 0, 2048, 2048)])

    def test_a_factory_reset_keeps_it(self):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        bench.said("set", settings={"buzzer_volume": 3})
        token = bench.said("reset", token=0)["token"]
        while bench.said("reset", token=token)["left"]:
            pass
        self.assertEqual(powered(bench).said("calibration")["rows"], ROWS)

    def test_flash_that_does_not_take_it_is_refused_by_name_and_the_rows_before_stay_in_force(self):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        bench.load(RESISTOR)
        bench.hal.flash.writeblocks = lambda number, data, at: None
        other = dict(ROWS, **{"1": samples.UNCALIBRATED})
        self.assertEqual(code(bench.said("calibrate", rows=other)), "worn")
        self.assertEqual((bench.said("calibration")["rows"], bench.session.state), (ROWS, IDLE))
        self.assertEqual(in_force(bench)[1], (1_000_000, 2, 2048, 2048))
        self.assertEqual(bench.session.programme_crc, programme.crc(RESISTOR))


class WhenAllowed(unittest.TestCase):
    def test_rows_are_set_in_idle_alone_and_undone_with_a_fault_too(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            before = flash_of(bench)
            refused = samples.codes(bench.supervisor.calibrate, ROWS, bench.owner)
            self.assertEqual(refused, [] if state == IDLE else ["wrong_state"], state)
            self.assertEqual(flash_of(bench) == before, state != IDLE)
            undone = bench.said("uncalibrate")
            self.assertEqual(undone.get("error"), None if state in (IDLE, FAULT) else "wrong_state", state)
            refused = samples.codes(bench.supervisor.uncalibrate)
            self.assertEqual(refused, [] if state in (IDLE, FAULT) else ["wrong_state"], state)
            self.assertEqual(bench.said("calibration")["ok"], state in (IDLE, FAULT))
            self.assertEqual(bench.session.state, state)

    def test_the_watchdog_lets_a_write_take_its_time_and_the_enable_is_low(self):
        for act in ("calibrate", "uncalibrate"):
            bench = Linked()
            del bench.hal.pauses[:]
            bench.said(act, **({"rows": ROWS} if act == "calibrate" else {}))
            self.assertEqual(bench.hal.pauses, [(True, IDLE), (False, IDLE)])

    def test_a_zero_that_is_wrong_is_a_fault_that_undoing_takes_away(self):
        bench = Linked()
        bench.said("calibrate", rows=dict(ROWS, **{"0": dict(ROWS["0"], current_offset=40)}))
        bench.load(RESISTOR)
        self.assertEqual(code(bench.said("arm", programme_crc=programme.crc(RESISTOR))), "self_test")
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.SENSE_FAILED))
        self.assertEqual(code(bench.said("clear", fault=faults.SENSE_FAILED)), "cause_there")
        self.assertEqual(bench.said("uncalibrate")["condition"], "none")
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.SENSE_FAILED))
        self.assertTrue(bench.said("clear", fault=faults.SENSE_FAILED)["ok"])

    def test_undone_with_a_fault_the_session_that_failed_counts_for_the_pause_after_it(self):
        bench = Linked()
        bench.said("calibrate", rows=dict(NOMINAL, **{"1": dict(samples.UNCALIBRATED, dac_offset=2)}))
        bench.run(samples.programme([samples.phase(ramp_up_ms=500)]))
        bench.turn(count=300)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        self.assertTrue(bench.said("uncalibrate")["ok"])
        bench.turn(count=2)
        self.assertTrue(bench.store.get("used_ms") >= 3_000, str(bench.store.get("used_ms")))
        self.assertEqual(bench.store.get("open"), 0)


class NobodyIsArmed(unittest.TestCase):
    def spoilt(self, how):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        sector = bench.hal.flash.sector(LAYOUT["calibration"][0])
        if how == "damaged":
            sector[10] ^= 1
        elif how == "newer":
            newer(sector)
        return powered(bench, Moved if how == "other_board" else Linked)

    def test_with_a_calibration_that_cannot_be_used_until_it_is_undone(self):
        for how in ("damaged", "newer", "other_board"):
            bench = self.spoilt(how)
            self.assertEqual(bench.said("calibration")["condition"], how)
            self.assertEqual(bench.said("calibration")["rows"], NOMINAL)
            self.assertEqual(bench.said("identify")["calibration"], how)
            bench.load(RESISTOR)
            answer = bench.said("arm", programme_crc=programme.crc(RESISTOR))
            (reason,) = answer["reasons"]
            self.assertEqual((reason["code"], reason["asked"]), ("calibration", how))
            self.assertEqual((bench.session.state, bench.hal.enabled()), (IDLE, False))
            self.assertTrue(bench.said("stop")["ok"])
            if how == "newer":
                self.assertEqual(code(bench.said("uncalibrate")), "newer")
                continue
            bench.said("uncalibrate")
            bench.said("acknowledge", **dict(zip(("checklist", "items"), RIGHT)))
            self.assertTrue(bench.said("arm", programme_crc=programme.crc(RESISTOR))["ok"], how)

    def test_rows_in_force_do_not_keep_anybody_from_being_armed(self):
        bench = Linked()
        bench.said("calibrate", rows=dict(ROWS, **{"0": dict(ROWS["0"], current_offset=0, voltage_offset=0)}))
        bench.load(RESISTOR)
        self.assertTrue(bench.said("arm", programme_crc=programme.crc(RESISTOR))["ok"])


class Moved(Linked):
    """The same flash on a board with another unique id."""

    def __init__(self, *arguments):
        was = BenchHal.identity
        BenchHal.identity = lambda self: ("another", "1.25.0")
        try:
            super().__init__(*arguments)
        finally:
            BenchHal.identity = was


class Zeros(unittest.TestCase):
    def test_what_is_sensed_with_nothing_driven_is_summed_up_and_not_corrected(self):
        bench = Linked()
        bench.said("calibrate", rows=ROWS)
        bench.hal.currents = [2051, 2044]
        bench.hal.idle_voltage = lambda: 2046
        answer = bench.said("zeros")
        self.assertEqual((answer["samples"], answer["current"]), (16, [16 * 2051, 16 * 2044]))
        self.assertEqual(answer["voltage"], 16 * 2046)

    def test_every_sample_is_one_of_its_own(self):
        bench = Linked()
        counts = list(range(100))
        bench.hal.idle_current = lambda channel: counts.pop()
        self.assertEqual(bench.said("zeros")["current"], [sum(range(84, 100)), sum(range(68, 84))])

    def test_not_while_anybody_is_armed(self):
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            self.assertEqual(bench.said("zeros")["error"], "wrong_state")
            self.assertEqual(samples.codes(bench.supervisor.zeros), ["wrong_state"])
        self.assertTrue(in_state(FAULT).said("zeros")["ok"])


class Counts(unittest.TestCase):
    def test_the_last_pulse_is_said_uncorrected(self):
        bench = Linked()
        self.assertEqual(bench.said("counts", channel=0)["error"], "wrong_state")
        bench.said("calibrate", rows=dict(ROWS, **{"0": dict(ROWS["0"], current_offset=0, voltage_offset=0)}))
        bench.arm(RESISTOR)
        bench.supervisor.start()
        answer = bench.said("counts", channel=0)
        self.assertEqual((answer["measured"], answer["code_a"], answer["current_rest"]), (0, None, None))
        bench.session.lanes[0].intensity_ua = 10_000
        (run,) = bench.supervisor._runs
        run.judge = lambda now_ms, counting, judge=run.judge: judge(now_ms, counting) and 0
        bench.turn(10, 50)
        answer = bench.said("counts", channel=0)
        self.assertTrue(answer["measured"] >= 10)
        # 100 levels are code 103 less 3; the virtual stage is one that needs no correction.
        self.assertEqual((answer["code_a"], answer["code_b"]), (100, 100))
        self.assertEqual((answer["width_a_us"], answer["width_b_us"]), (250, 250))
        current, voltage = round(10_000 / 55), round(5_000 / 45)
        self.assertEqual((answer["current_a"], answer["current_b"]), (2048 + current, 2048 - current))
        self.assertEqual((answer["voltage_a"], answer["voltage_b"]), (2048 + voltage, 2048 - voltage))
        self.assertEqual((answer["current_rest"], answer["channel"]), (2048, 0))
        self.assertEqual(set(delivery.COUNTS_FIELDS) | {"channel", "seq", "ok"}, set(answer))

    def test_a_channel_that_is_not_used_has_none(self):
        bench = begin(Linked())
        self.assertEqual(code(bench.said("counts", channel=1)), "channel_not_used")

    def test_a_stage_that_measures_nothing_has_none(self):
        rows = {"dac_gain_ppm": 0, "dac_offset": 0}
        bench = Linked(None, "", samples.stage(measures=False, for_people=False, calibration=(rows, rows)))
        begin(bench)
        (reason,) = bench.said("counts", channel=0)["reasons"]
        self.assertEqual((reason["code"], reason["asked"]), ("not_measured", "test"))
        bench.said("stop")
        self.assertEqual(code(bench.said("zeros")), "not_measured")
        self.assertEqual(code(bench.said("calibrate", rows=ROWS)), "not_measured")
        self.assertEqual(bench.said("calibration")["rows"], {"0": rows, "1": rows})


if __name__ == "__main__":
    unittest.main()

"""An output stage that measures nothing and is for nobody: what a bare board accepts, and what it says of itself."""

import unittest

import samples
from bench_hal import RESISTOR, Bench, Linked

from nmes.core import faults
from nmes.core.delivery import ACCOUNT_FIELDS
from nmes.core.session import FAULT, IDLE, RUNNING

BARE = {
    "name": "bare",
    "measures": False,
    "for_people": False,
    "channels": 2,
    "full_scale_ua": 100_000,
    "levels": 1000,
    "level_settle_us": 256,
    "compliance_mv": 50_000,
    "imbalance_ppm": 0,
    "calibration": ({"dac_gain_ppm": 0, "dac_offset": 0}, {"dac_gain_ppm": 0, "dac_offset": 0}),
}


def bare():
    bench = Bench(None, "", BARE)
    bench.hal.currents = [0, 4_095]  # inputs that nothing is joined to
    bench.hal.idle_voltage = lambda: 1_000
    bench.hal.sense = bench.hal.senses = None  # nobody asks
    return bench


def running():
    bench = bare()
    bench.session.load(RESISTOR)
    bench.supervisor.arm(bench.session.programme_crc)
    bench.supervisor.start()
    return bench


class WhatIsAccepted(unittest.TestCase):
    def test_a_dummy_and_no_electrode(self):
        bench = bare()
        for kind in ("probe", "pads"):
            self.assertIn("dummy_only", samples.codes(bench.session.load, samples.programme(kind=kind)))
        bench.session.load(RESISTOR)

    def test_the_reference_takes_both(self):
        Bench().session.load(samples.programme())
        Bench().session.load(RESISTOR)

    def test_no_checklist_of_a_patient_and_on_every_other_stage_one(self):
        bench = bare()
        bench.session.load(RESISTOR)
        bench.supervisor.arm(bench.session.programme_crc)
        bench = Bench(None, "", samples.stage(measures=True))
        bench.session.load(RESISTOR)
        self.assertEqual(samples.codes(bench.supervisor.arm, bench.session.programme_crc), ["not_acknowledged"])

    def test_no_pause_of_half_an_hour_after_it(self):
        data = dict(RESISTOR, effect="motor")
        bench = bare()
        for _ in range(3):
            bench.session.load(data)
            bench.supervisor.arm(bench.session.programme_crc)
            bench.supervisor.start()
            bench.turn(10, 600)
            bench.supervisor.stop()


class WhatRuns(unittest.TestCase):
    def test_pulses_are_counted_and_nothing_is_measured(self):
        bench = running()
        bench.session.lanes[0].intensity_ua = 5_000
        bench.turn(10, 500)
        self.assertEqual((bench.session.state, bench.session.fault), (RUNNING, 0))
        status = bench.supervisor.status()
        self.assertTrue(status["delivered"] > 100)
        for row in status["channels"]:
            self.assertEqual((row["measured_ua"], row["impedance_ohm"], row["net_charge_nc"]), (None, None, None))
        bench.supervisor.stop()
        status = bench.supervisor.status()
        self.assertEqual(status["delivered"], status["queued"] - status["cancelled"])
        self.assertEqual((bench.session.state, bench.session.fault), (IDLE, 0))
        account = bench.session.deliveries[0].account()
        self.assertEqual(sorted(account), sorted(ACCOUNT_FIELDS))
        self.assertEqual(set(account.values()), {None})

    def test_what_needs_no_sense_is_found_as_on_any_stage(self):
        def opened(bench):
            bench.hal.trip = faults.EMERGENCY_STOP

        def late(bench):
            bench.turn(90)

        def slow(bench):
            bench.hal.starved = lambda channel: True
            bench.session._since_ms -= 300

        for breaks, fault in ((opened, faults.EMERGENCY_STOP), (late, faults.LOOP_LATE), (slow, faults.CLOCK_WRONG)):
            bench = running()
            bench.turn(10, 30)
            breaks(bench)
            bench.turn(10, 30)
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault))

    def test_the_lease_is_renewed_in_each_turn_that_finds_nothing(self):
        bench = running()
        renewed = bench.hal.renewed
        bench.turn(10, 100)  # some of which look at the clock too
        self.assertEqual(bench.hal.renewed, renewed + 100)

    def test_the_self_test_says_that_nothing_was_measured(self):
        bench = running()
        rows = [row for row in bench.supervisor.self_test.results if row[2] == "not measured"]
        self.assertEqual([row[:2] for row in rows], [("sense_failed", True)])

    def test_temperature_supply_and_guard_are_tested_all_the_same(self):
        def hot(bench):
            bench.hal.temperature = 800

        def low(bench):
            bench.hal.supply = 2_000

        def unproven(bench):
            bench.hal.proven = "x"

        for breaks in (hot, low, unproven):
            bench = bare()
            bench.session.load(RESISTOR)
            breaks(bench)
            self.assertEqual(samples.codes(bench.supervisor.arm, bench.session.programme_crc), ["self_test"])


class WhatItCallsItself(unittest.TestCase):
    def test_bare_and_the_account_claims_nothing(self):
        bench = Linked(None, "", BARE)
        self.assertEqual(bench.said("identify")["stage"], "bare")
        loaded = bench.said("load", programme=RESISTOR)
        self.assertTrue(bench.said("arm", programme_crc=loaded["programme_crc"])["ok"])
        self.assertTrue(bench.said("start")["ok"])
        account = bench.said("stop")["account"]
        self.assertEqual((account["channels"][0]["measured"], account["channels"][0]["charge_a_nc"]), (None, None))


if __name__ == "__main__":
    unittest.main()

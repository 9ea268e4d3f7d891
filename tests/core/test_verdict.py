"""core/verdict.py beside the judge before it, which looked at one pulse a call and knew a quick way: the same verdict
of the same pulse, and the same account."""

import os
import unittest
from array import array

import judge_before
import samples
from test_delivery_twin import STAGES, Bounds, stage_of

from nmes.core import pulse, verdict
from nmes.core.delivery import ACCOUNT_FIELDS, Delivery

PULSES = int(os.getenv("FUZZ") or 100_000)  # `make fuzz` has a million on both interpreters


class Alike(unittest.TestCase):
    def judge_both(self, die, stage, shared, pulses_most):
        """A session of up to so many pulses, in batches. Returns how many there were until a fault."""
        draw = Bounds(die, stage, shared)
        new, old = Delivery(stage), judge_before.Delivery(stage)
        new.clear(shared)
        old.clear(shared)
        now_ms, judged = die.roll(3_000), 0
        while judged < pulses_most:
            if not die.roll(6):
                draw.another()
            now_ms += die.one_of((2, 7, 10, 10, 10, 25, 333, 1_000))
            batch = []
            for _ in range(die.one_of((1, 1, 2, 5, 64))):
                batch += [draw.pulse()] * (1 + die.roll(3)) if die.roll(2) else [draw.good()]
            batch = batch[:64]
            expected = judged_before = 0
            for one in batch:
                expected = old.judge(list(one), now_ms)
                judged_before += 1
                if expected:
                    break
            whole = array("H", [number for one in batch for number in one])
            self.assertEqual(new.judge(whole, now_ms, len(batch)), expected, str(batch))
            self.assertEqual(new.judged, judged_before)
            judged += judged_before
            if not die.roll(4):
                new.update()
                old.update()
            for name in ("measured", "set_ua", "measured_ua", "net_nc", "impedance_ohm"):
                self.assertEqual(getattr(new, name), getattr(old, name), name)
            if expected:
                break
        self.assertEqual(new.account(), old.account())
        self.assertEqual(new.charge_pc(), old.charge_pc())
        return judged

    def test_verdict_pulse_and_account_are_those_of_the_judge_before(self):
        die, left, sessions, faults = samples.Die(11), PULSES, 0, 0
        while left > 0:
            stage = stage_of(*STAGES[sessions % len(STAGES)])
            judged = self.judge_both(die, stage, not die.roll(3), 500)
            faults += judged < 500
            sessions += 1
            left -= judged
        self.assertTrue(faults > sessions // 4, str((sessions, faults)))


class TheNumbers(unittest.TestCase):
    def test_they_are_those_of_a_pulse(self):
        for name in (
            "SET_LEVEL_A",
            "SET_WIDTH_A",
            "SET_LEVEL_B",
            "SET_WIDTH_B",
            "CURRENT_A",
            "VOLTAGE_A",
            "CURRENT_B",
            "VOLTAGE_B",
            "CURRENT_REST",
        ):
            number = getattr(pulse, name)
            if samples.MICROPYTHON:  # constants with an underscore are nowhere but in the code
                continue
            self.assertEqual(getattr(verdict, "_" + name), number)
        self.assertEqual(pulse.MEASURED, 9)

    def test_every_field_has_a_place_of_its_own(self):
        if not samples.MICROPYTHON:  # there a constant with an underscore is nowhere but in the code
            fields = [getattr(verdict, name, None) or getattr(verdict, "_" + name, 0) for name in FIELDS]
            self.assertEqual(sorted(fields), list(range(len(FIELDS))))
        self.assertEqual(verdict.FIELDS, verdict.LAST + pulse.MEASURED)
        self.assertEqual(verdict.LAST, len(FIELDS) - 1)
        self.assertEqual(len(Delivery(samples.STAGE).account()), len(ACCOUNT_FIELDS))


FIELDS = (
    "ZERO CURRENT_NA VOLTAGE_ZERO VOLTAGE_UV TOLERANCE_UA COMPLIANCE_MV IDLE_MOST WINDOW_MOST BOTH CODE_A CODE_B "
    "SET_A_UA SET_B_UA IDLE OPENED SHORTED WRONG SLOT BASE WINDOW_LOW WINDOW_HIGH MEASURED CHARGE_A NET CURRENTS "
    "DRIVEN LEAST MOST REST_MOST BAD NEXT LAST"
).split()


if __name__ == "__main__":
    unittest.main()

"""supervisor.py on the virtual HAL: what is checked every turn, what is kept of a fault, and what clears it."""

import unittest

import samples
from bench_hal import Bench

from nmes.core import faults
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING


def codes(action, *arguments):
    try:
        action(*arguments)
    except Refused as refused:
        return [r["code"] for r in refused.reasons]
    return []


class TheWatchdog(unittest.TestCase):
    def test_it_is_fed_once_a_turn_in_every_state(self):
        bench = Bench()
        for act in (lambda: None, bench.arm, bench.supervisor.start, bench.supervisor.pause):
            act()
            fed = bench.hal.fed
            bench.turn()
            self.assertEqual(bench.hal.fed, fed + 1, bench.session.state)
        bench.supervisor.fail(1, "x")
        bench.turn()
        self.assertEqual(bench.hal.fed, 5)

    def test_it_is_not_fed_in_a_turn_that_finds_something(self):
        bench = Bench()
        bench.run()
        bench.turn()
        bench.hal.trip = faults.BOTH_PHASES
        bench.turn()
        self.assertEqual((bench.hal.fed, bench.session.fault, bench.hal.permitted), (1, faults.BOTH_PHASES, False))

    def test_a_run_that_did_not_end_in_order_comes_up_in_fault_and_not_in_idle(self):
        bench = Bench(death="watchdog timer")
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.WATCHDOG_RESET))
        self.assertEqual(bench.session.fault_text, "watchdog timer")
        with self.assertRaises(Refused):
            bench.arm()
        bench.turn(count=2)
        # And it stays so when the power is cut next.
        self.assertEqual(bench.again().session.fault, faults.WATCHDOG_RESET)


class AFaultIsKept(unittest.TestCase):
    def test_the_first_one_with_what_was_measured_over_reset_and_power_cut(self):
        bench = Bench()
        bench.run(ua=2_000)
        bench.turn(count=100)
        bench.supervisor.fail(faults.PULSE_CHECK, "first")
        bench.supervisor.fail(faults.NET_CHARGE, "second")
        bench.turn(count=2)
        record = bench.supervisor.record()
        self.assertEqual(sorted(record), sorted(faults.RECORD_FIELDS))
        self.assertEqual((record["fault"], record["fault_text"]), (faults.PULSE_CHECK, "first"))
        self.assertEqual((record["state"], record["phase"], record["part"]), (RUNNING, "work", "work"))
        self.assertEqual((record["intensity_ua"], record["at_ms"], record["elapsed_ms"]), ([2_000], 1_000, 1_000))
        self.assertTrue(record["queued"] >= record["delivered"], "what was queued is lost, not cancelled")
        self.assertTrue(record["delivered"] >= 34 and 450 <= record["impedance_ohm"] <= 550, str(record))
        self.assertTrue(1_800 <= record["measured_ua"] <= 2_200, str(record))
        for death in ("", "watchdog timer"):
            again = bench.again(death)
            self.assertEqual((again.session.state, again.session.fault), (FAULT, faults.PULSE_CHECK))
            self.assertEqual((again.session.fault_text, again.session.fault_ms), ("first", 1_000))
            self.assertEqual(again.supervisor.record(), record)

    def test_without_a_fault_the_record_is_empty(self):
        self.assertEqual(set(Bench().supervisor.record().values()), {None})

    def test_cleared_is_kept_before_it_is_answered(self):
        bench = Bench()
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=2)
        bench.supervisor.clear(faults.PULSE_CHECK)
        self.assertEqual(bench.again().session.state, IDLE)

    def test_nothing_is_written_while_somebody_is_armed(self):
        bench = Bench()
        bench.arm()
        bench.turn(count=10)
        bench.supervisor.start()
        bench.turn(count=10)
        bench.supervisor.pause()
        bench.turn(count=10)
        bench.supervisor.start()
        bench.turn(count=10)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=10)
        self.assertTrue(bench.hal.kept)
        self.assertFalse(set(bench.hal.kept) & {ARMED, RUNNING, PAUSED}, str(bench.hal.kept))

    def test_what_is_due_is_written_before_arming(self):
        bench = Bench()
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.supervisor.clear(faults.PULSE_CHECK)
        bench.store.put("fault", None)
        bench.arm()
        self.assertEqual(bench.session.state, ARMED)
        self.assertEqual(bench.hal.slots[0], bench.hal.slots[1])

    def test_a_damaged_store_comes_up_in_fault(self):
        bench = Bench([b"junk", b""])
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))
        bench.turn(count=2)
        self.assertEqual(bench.again().session.fault, faults.STORE_CORRUPT)
        bench.supervisor.clear(faults.STORE_CORRUPT)
        self.assertEqual(bench.again().session.state, IDLE)

    def test_a_flash_that_cannot_be_written_is_a_fault_that_cannot_be_cleared(self):
        bench = Bench()
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.hal.flash_error = OSError(5)
        bench.turn(count=5)
        self.assertEqual(bench.session.fault, faults.PULSE_CHECK)
        bench.supervisor.clear(faults.PULSE_CHECK)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))


class Clearing(unittest.TestCase):
    def test_needs_its_number_and_its_cause_gone(self):
        for number in (faults.EMERGENCY_STOP, faults.OVER_CURRENT):
            bench = Bench()
            bench.run()
            bench.hal.safe = False
            bench.hal.trip = number
            bench.turn()
            self.assertEqual(codes(bench.supervisor.clear, faults.PULSE_CHECK), ["other_fault"])
            self.assertEqual(codes(bench.supervisor.clear, number), ["not_safe"])
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, number))
            bench.hal.safe = True
            bench.turn(count=500)
            self.assertEqual(bench.session.state, FAULT, "nothing but a person clears it")
            bench.supervisor.clear(number)
            self.assertEqual((bench.session.state, bench.session.intensity_ua), (IDLE, 0))

    def test_without_a_fault_it_is_refused(self):
        self.assertEqual(codes(Bench().supervisor.clear, 1), ["wrong_state"])


class ATurn(unittest.TestCase):
    def test_nothing_is_allocated_while_nothing_happens(self):
        bench = Bench()
        bench.arm()
        bench.turn(count=3)
        now_ms = bench.hal.now_ms()
        bench.hal.now_ms = lambda: now_ms
        samples.heap_lock()
        try:
            bench.supervisor.step()
            bench.supervisor.step()
        finally:
            samples.heap_unlock()


if __name__ == "__main__":
    unittest.main()

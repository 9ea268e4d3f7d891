"""supervisor.py when more than one thing happens at once, or the way into a fault is itself broken."""

import unittest

import samples
from bench_hal import Bench
from samples import codes

from nmes.core import faults
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING

SHORT = samples.programme([samples.phase(duration_ms=20_000)])
LONG = samples.programme([samples.phase(duration_ms=1_200_000)])
BOTH = ({"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0})
TWO = samples.programme([samples.phase(rate_mhz=50_000, work_ms=0, rest_ms=0)], channels=BOTH, effect="sensory")


def failing(error):
    def fails(*_):
        raise error

    return fails


class TheWayIntoAFault(unittest.TestCase):
    """Each of its steps raises, once or always."""

    def steps(self, bench):
        return (
            (bench.hal, "now_ms"),
            (bench.hal, "begun"),
            (bench.session, "part"),
            (bench.session, "status"),
            (bench.store, "put"),
            (bench.supervisor, "_count"),
            (bench.supervisor, "_count_missed"),
            (bench.supervisor, "_record_now"),
            (bench.supervisor, "status"),
        )

    def test_h02_it_is_at_rest_and_in_fault_whatever_raises_on_the_way_and_a_record_is_kept(self):
        for index in range(len(self.steps(Bench()))):
            for error in (MemoryError("memory allocation failed"), OSError(5), ValueError("x")):
                bench = Bench()
                bench.run(ua=2_000)
                bench.turn(count=20)
                owner, name = self.steps(bench)[index]
                whole = getattr(owner, name)
                setattr(owner, name, failing(error))
                bench.supervisor.fail(faults.PULSE_CHECK, "x")
                setattr(owner, name, whole)
                self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK), name)
                self.assertEqual(
                    (bench.hal.enabled(), bench.hal.channels[0].queued(), samples.first(bench.session).intensity_ua),
                    (False, 0, 0),
                )
                bench.turn(count=2)
                self.assertFalse(bench.store.due)
                again = bench.again()
                self.assertEqual((again.session.state, again.session.fault), (FAULT, faults.PULSE_CHECK), name)
                self.assertEqual(sorted(again.supervisor.record()), sorted(faults.RECORD_FIELDS))

    def test_h02_a_fault_of_which_only_the_number_could_be_kept_can_be_read_cleared_and_followed_by_another(self):
        bench = Bench()
        bench.arm()
        bench.supervisor._record_now = failing(MemoryError())
        for number in (faults.PULSE_CHECK, faults.NET_CHARGE):
            bench.supervisor.fail(number, "text")
            bench.turn(count=2)
            record = bench.supervisor.record()
            self.assertEqual((record["fault"], record["fault_text"], record["state"]), (number, "text", None))
            bench.supervisor.clear(number)
            self.assertEqual(bench.again().session.state, IDLE)

    def test_h02_a_text_for_which_there_is_no_memory(self):
        class Speechless(Exception):
            def __repr__(self):
                raise MemoryError

        for begin in (lambda bench: None, Bench.arm, Bench.run):
            bench = Bench()
            begin(bench)
            bench.supervisor.fail(faults.INTERNAL_ERROR, Speechless())
            self.assertEqual((bench.session.state, bench.session.fault_text), (FAULT, ""))
            self.assertFalse(bench.hal.enabled())
            bench.turn(count=2)
            self.assertEqual(bench.again().session.fault, faults.INTERNAL_ERROR)

    def test_h02_a_rest_that_raises_is_a_fault_all_the_same_and_told_to_whoever_asked_for_it(self):
        for error in (MemoryError(), KeyboardInterrupt()):
            bench = Bench()
            bench.run()
            bench.turn(count=5)
            all_off = bench.hal.all_off

            def goes_off_and_raises(all_off=all_off, error=error):
                all_off()
                raise error

            bench.hal.all_off = goes_off_and_raises
            try:
                bench.supervisor.fail(faults.PULSE_CHECK, "x")
                raised = None
            except BaseException as found:
                raised = found
            bench.hal.all_off = all_off
            self.assertTrue(raised is error)
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK))
            bench.turn(count=2)
            self.assertEqual(bench.again().supervisor.record()["fault_text"], "x")

    def test_lamp_and_host_come_before_flash_and_the_record_is_kept_in_the_next_turn(self):
        bench = Bench()
        bench.run()
        bench.turn(count=5)
        bench.hal.trip = faults.OVER_CURRENT
        del bench.hal.kept[:]
        bench.turn()
        self.assertEqual((bench.session.state, bench.hal.kept), (FAULT, []))
        bench.turn()
        self.assertEqual(bench.again().session.fault, faults.OVER_CURRENT)


class TheEnableInFault(unittest.TestCase):
    def failed(self):
        bench = Bench()
        bench.run(ua=2_000)
        bench.turn(count=5)
        bench.supervisor.fail(faults.PHASE_TOO_LONG, "seen by the guard")
        bench.turn(count=2)
        return bench

    def test_h02_one_that_reads_high_is_put_to_rest_every_turn_and_said_beside_the_first_cause(self):
        bench = self.failed()
        times = []
        all_off = bench.hal.all_off
        bench.hal.all_off = lambda: times.append(1) or all_off()
        bench.turn(count=5)
        self.assertEqual(times, [])
        bench.hal.stuck_high = True
        bench.turn(count=5)
        self.assertEqual(len(times), 5)
        text = "the enable reads high; seen by the guard"
        self.assertEqual((bench.session.fault, bench.supervisor.status()["fault_text"]), (faults.PHASE_TOO_LONG, text))
        bench.turn(count=5)
        # Kept, once, and still said when it is low again: a person has to know.
        self.assertFalse(bench.store.due)
        bench.hal.stuck_high = False
        bench.turn(count=2)
        again = bench.again()
        self.assertEqual((again.session.fault, again.session.fault_text), (faults.PHASE_TOO_LONG, text))
        again.hal.stuck_high = True
        again.turn(count=5)
        self.assertEqual(again.supervisor.record()["fault_text"], text)

    def test_h02_one_that_only_came_up_by_mistake_is_low_again(self):
        bench = self.failed()
        bench.hal._permitted = True
        bench.turn()
        self.assertFalse(bench.hal.enabled())
        self.assertTrue(bench.session.fault_text.startswith("the enable reads high"))

    def test_a_long_text_is_cut_and_that_the_enable_is_high_is_not(self):
        bench = Bench()
        bench.supervisor.fail(faults.PULSE_CHECK, "x" * 500)
        bench.hal.stuck_high = True
        bench.turn(count=3)
        self.assertEqual(bench.session.fault_text, "the enable reads high; " + 77 * "x")

    def test_h23_no_fault_is_cleared_while_it_reads_high(self):
        bench = self.failed()
        bench.hal.stuck_high = True
        self.assertEqual(codes(bench.supervisor.clear, faults.PHASE_TOO_LONG), ["cause_there"])
        self.assertEqual(bench.session.state, FAULT)
        bench.hal.stuck_high = False
        bench.supervisor.clear(faults.PHASE_TOO_LONG)
        self.assertEqual(bench.session.state, IDLE)


class AfterAFaultOfOneLane(unittest.TestCase):
    def put_after(self, bench, act):
        """(channels that something was queued for from here on, in order)."""
        asked = []
        put = bench.hal.put
        bench.hal.put = lambda channel, *rest: asked.append(channel) or put(channel, *rest)
        act()
        return asked

    def test_h20_nothing_is_queued_for_the_other_when_a_pulse_is_refused(self):
        bench = Bench()
        bench.run(TWO)
        bench.turn(count=5)
        refuse = lambda channel, *_: False  # noqa: E731
        bench.hal.put = refuse
        self.assertEqual(self.put_after(bench, lambda: bench.turn(count=4)), [0])
        self.assertEqual((bench.session.fault, bench.hal.channels[1].queued()), (faults.PULSE_CHECK, 0))

    def test_h20_nor_when_it_is_refused_at_the_start(self):
        bench = Bench()
        bench.arm(TWO)
        bench.hal.put = lambda channel, *_: False
        gone = []
        bench.hal.start = gone.append
        self.assertEqual(self.put_after(bench, lambda: bench.supervisor.start()), [0])
        self.assertEqual((bench.session.state, bench.session.fault, gone), (FAULT, faults.PULSE_CHECK, []))
        self.assertEqual((bench.hal.enabled(), bench.hal.channels[1].queued()), (False, 0))

    def test_h20_nor_when_its_clock_is_wrong(self):
        bench = Bench()
        bench.run(TWO)
        bench.turn(count=5)
        # The first engine is empty 40 ms before it may be, and both would have to be filled.
        bench.hal.pass_ms(60)
        bench.hal.starved = lambda channel: channel == 0
        bench.session.lag_ms = lambda now_ms, lane: -40
        self.assertEqual(self.put_after(bench, lambda: bench.supervisor.fill(bench.hal.now_ms())), [])
        self.assertEqual((bench.session.fault, bench.hal.channels[1].queued()), (faults.CLOCK_WRONG, 0))


class AnArmingThatIsRefused(unittest.TestCase):
    def used(self, data=LONG, turns=3_200):
        """A board on which a motor session of 160 s came before."""
        bench = Bench()
        bench.run(data)
        bench.turn(50, turns)
        bench.supervisor.stop()
        bench.turn()
        bench.load(LONG)
        return bench

    def refused(self, bench, begin_used_ms=160_000):
        try:
            bench.supervisor.arm(bench.session.programme_crc)
        except Exception:  # noqa: BLE001
            pass
        self.assertTrue(bench.session.state != ARMED)
        bench.turn(count=3)
        kept = [bench.store.get(key) for key in ("used_ms", "locked_ms", "open")]
        self.assertEqual(kept, [begin_used_ms, 0, 0])

    def test_h12_counts_nothing_whatever_refused_it(self):
        def line_opens(bench):
            def proof():
                bench.hal.safe = False
                return ""

            bench.hal.try_guard = proof

        for breaks in (
            lambda bench: setattr(bench.hal, "proven", "lease_lost"),
            lambda bench: setattr(bench.hal, "temperature", 800),
            lambda bench: setattr(bench.hal, "stuck_high", True),
            lambda bench: setattr(bench.hal, "safe", False),
            lambda bench: setattr(bench.hal, "flash_error", OSError(5)),
            lambda bench: setattr(bench.hal, "try_guard", failing(MemoryError())),
            lambda bench: setattr(bench.hal, "forget_openings", failing(MemoryError())),
            lambda bench: setattr(bench.session, "arm", failing(MemoryError())),
            lambda bench: setattr(bench.session, "limit_ua", 0),
            line_opens,
        ):
            bench = self.used()
            breaks(bench)
            self.refused(bench)

    def test_h12_not_even_after_one_that_was_completed_without_locking(self):
        bench = Bench()
        bench.run(samples.programme([samples.phase(duration_ms=20_000)], effect="sensory"))
        bench.turn(count=2_100)
        self.assertEqual(bench.session.ended, "completed")
        bench.load(SHORT)
        bench.hal.proven = "lease_lost"
        self.refused(bench, 0)

    def test_h12_armed_and_never_started_or_started_and_without_a_pulse_counts_nothing(self):
        late = samples.programme(
            [samples.phase(duration_ms=1_200_000)], channels=({"channel": 0, "delay_us": 30_000_000},)
        )
        for begin in (Bench.arm, lambda bench, data: bench.run(data)):
            bench = self.used()
            begin(bench, late)
            bench.turn(count=500)
            bench.supervisor.stop()
            bench.turn(count=3)
            self.assertEqual((bench.store.get("used_ms"), bench.store.get("open")), (160_000, 0))

    def test_h12_a_power_cut_while_armed_locks_because_nobody_knows_whether_it_was_started(self):
        bench = Bench()
        bench.arm(SHORT)
        bench.turn(count=20)
        self.assertTrue(bench.again().supervisor._lockout.left_ms(0) > 0)

    def test_h12_what_came_before_counts_when_another_is_armed_in_the_same_turn(self):
        bench = Bench()
        for _ in range(2):
            bench.run(LONG)
            bench.turn(50, 3_200)
            bench.supervisor.stop()
        bench.load(LONG)
        self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc), ["locked_out"])

    def test_h16_a_store_that_fails_refuses_it_before_anything_moves(self):
        bench = Bench()
        bench.load(SHORT)
        moved = []
        bench.hal.try_guard = lambda: moved.append(1) or ""
        bench.hal.flash_error = OSError(5)
        self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc), ["not_kept"])
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))
        self.assertEqual((moved, bench.supervisor.self_test.results), ([], []))


class InOneTurn(unittest.TestCase):
    def test_a_fault_and_the_end_of_the_programme(self):
        bench = Bench()
        bench.run(SHORT)
        bench.turn(count=1_999)
        self.assertEqual(bench.session.state, RUNNING)
        bench.hal.trip = faults.BOTH_PHASES
        bench.turn()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BOTH_PHASES))
        self.assertEqual((bench.session.ended, bench.hal.enabled()), ("fault both_phases", False))
        self.assertEqual(bench.supervisor.record()["state"], RUNNING)

    def test_a_fault_and_a_command_that_ends_or_pauses(self):
        for act in ("stop", "pause"):
            for fault in (faults.BOTH_PHASES, faults.EMERGENCY_STOP, faults.LEASE_LOST):
                bench = Bench()
                bench.run(ua=2_000)
                bench.turn(count=20)
                bench.hal.trip = fault  # after the turn's checks
                getattr(bench.supervisor, act)()
                self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault), act)
                bench.turn(count=2)
                self.assertEqual((bench.hal.enabled(), bench.again().session.fault), (False, fault))

    def test_a_fault_and_the_end_of_the_programme_that_only_the_end_sees(self):
        bench = Bench()
        bench.run(SHORT)
        bench.turn(count=1_999)
        over = bench.session.over

        def trips(now_ms):
            bench.hal.trip = faults.PHASE_TOO_LONG
            return over(now_ms)

        bench.session.over = trips
        bench.turn()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PHASE_TOO_LONG))

    def test_an_enable_that_fell_by_itself_before_a_stop(self):
        bench = Bench()
        bench.run()
        bench.turn(count=20)
        bench.hal._permitted = False
        bench.supervisor.stop()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.ENABLE_STUCK))

    def test_two_faults_and_the_first_one_stays(self):
        bench = Bench()
        bench.run(ua=2_000)
        bench.turn(count=20)
        bench.hal.trip = faults.BOTH_PHASES
        bench.hal.safe = False
        bench.turn(200)
        bench.turn(count=2)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BOTH_PHASES))
        self.assertEqual(bench.supervisor.record()["fault"], faults.BOTH_PHASES)

    def test_the_emergency_stop_in_the_turn_of_arming(self):
        bench = Bench()
        bench.load()

        def opens_in_the_self_test():
            bench.hal.safe = False
            return ""

        bench.hal.try_guard = opens_in_the_self_test
        self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc), ["not_safe"])
        self.assertEqual(bench.session.state, IDLE)
        bench = Bench()
        bench.arm()
        bench.hal.safe = False
        bench.hal.safe = True
        with self.assertRaises(Refused):
            bench.supervisor.start()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.EMERGENCY_STOP))
        self.assertFalse(bench.hal.enabled())

    def test_the_emergency_stop_and_a_pause(self):
        bench = Bench()
        bench.run()
        bench.turn(count=20)
        bench.supervisor.pause()
        bench.hal.safe = False
        bench.hal.safe = True
        self.assertEqual(bench.session.state, PAUSED)
        bench.turn()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.EMERGENCY_STOP))


if __name__ == "__main__":
    unittest.main()

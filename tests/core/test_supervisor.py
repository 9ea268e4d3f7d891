"""supervisor.py on the virtual HAL: what is checked every turn, what is kept of a fault, and what clears it."""

import unittest

import samples
from bench_hal import Bench
from samples import codes

from nmes.core import faults, pulse_check
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING


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
        self.assertEqual((bench.hal.fed, bench.session.fault, bench.hal.enabled()), (1, faults.BOTH_PHASES, False))

    def test_it_is_paused_only_while_nobody_is_armed_and_the_enable_is_low_and_goes_on_whatever_happens(self):
        bench = Bench()
        bench.supervisor.load(samples.programme())
        codes(bench.supervisor.load, {"title": 1})
        bench.turn(count=10)
        self.assertEqual(bench.hal.pauses, [(True, IDLE), (False, IDLE)] * 2)
        bench.arm()
        del bench.hal.pauses[:]
        for act in (lambda: None, bench.supervisor.start, bench.supervisor.pause):
            act()
            bench.turn(count=10)
            codes(bench.supervisor.load, samples.programme())
        self.assertEqual(bench.hal.pauses, [])
        bench.supervisor.stop()
        bench.hal.stuck_high = True
        codes(bench.supervisor.load, samples.programme())
        self.assertEqual(bench.hal.pauses, [])

    def test_h02_a_run_that_did_not_end_in_order_comes_up_in_fault_and_not_in_idle(self):
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

    def test_one_of_a_clock_that_went_back_below_zero_or_far_ahead(self):
        for ms, at_ms in ((-5_000, 0), (2**31 + 1, 2**31 - 1)):
            bench = Bench()
            bench.hal.pass_ms(ms)
            bench.supervisor.fail(faults.CLOCK_WRONG, "x")
            bench.turn(count=2)
            self.assertFalse(bench.store.due)
            again = bench.again()
            self.assertEqual((again.session.fault, again.store.damaged), (faults.CLOCK_WRONG, False))
            self.assertEqual(again.supervisor.record()["at_ms"], at_ms)

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

    def test_h16_a_damaged_store_comes_up_in_fault(self):
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


class TheSelfTest(unittest.TestCase):
    def fails(self, fault, found, **broken):
        bench = Bench()
        for name in broken:
            setattr(bench.hal, name, broken[name])
        with self.assertRaises(Refused) as refused:
            bench.arm()
        (reason,) = refused.exception.reasons
        self.assertEqual((reason["code"], reason["parameter"]), ("self_test", faults.name(fault)))
        self.assertTrue(found in reason["asked"], reason["asked"])
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault))
        test = bench.supervisor.self_test.answer()
        self.assertEqual((test["passed"], test["results"][-1][:2]), (False, (faults.name(fault), False)))
        self.assertFalse(bench.hal.enabled() and not broken.get("stuck_high"))

    def test_it_passes_on_a_sound_board_and_says_what_it_found(self):
        bench = Bench()
        self.assertEqual(bench.supervisor.self_test.answer(), {"at_ms": None, "passed": None, "results": []})
        bench.arm()
        test = bench.supervisor.self_test.answer()
        self.assertEqual((bench.session.state, test["passed"], test["at_ms"]), (ARMED, True, 0))
        self.assertEqual([row[1] for row in test["results"]], [True] * 9)

    def test_it_is_made_on_request_too_with_nobody_armed(self):
        bench = Bench()
        opened = []
        bench.hal.forget_openings = lambda: opened.append("forgotten")
        bench.supervisor.run_self_test()
        test = bench.supervisor.self_test.answer()
        self.assertEqual((bench.session.state, test["passed"], len(test["results"])), (IDLE, True, 9))
        self.assertEqual((opened, bench.hal.enabled()), (["forgotten"], False))

    def test_what_fails_on_request_is_a_fault_as_it_is_at_arming(self):
        bench = Bench()
        bench.hal.proven = "both_phases"
        bench.supervisor.run_self_test()
        test = bench.supervisor.self_test.answer()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.GUARD_FAILED))
        self.assertEqual((test["passed"], test["results"][-1][2]), (False, "both_phases"))
        self.assertTrue("self-test: both_phases; expected cut every time" in bench.session.fault_text)

    def test_on_request_an_open_interlock_is_refused_and_no_fault(self):
        bench = Bench()
        bench.hal.is_safe = lambda: False
        bench.hal.try_guard = lambda: self.fail("nothing was to be moved")
        with self.assertRaises(Refused) as refused:
            bench.supervisor.run_self_test()
        self.assertEqual(refused.exception.reasons[0]["code"], "not_safe")
        self.assertEqual((bench.session.state, bench.supervisor.self_test.results), (IDLE, []))

    def test_it_is_made_at_each_arming(self):
        bench = Bench()
        bench.arm()
        bench.supervisor.stop()
        bench.hal.proven = "both_phases"
        with self.assertRaises(Refused):
            bench.arm()
        self.assertEqual(bench.session.fault, faults.GUARD_FAILED)

    def test_an_enable_that_is_stuck(self):
        self.fails(faults.ENABLE_STUCK, "high", stuck_high=True)

    def test_a_guard_that_does_not_cut(self):
        self.fails(faults.GUARD_FAILED, "lease_lost", proven="lease_lost, channel 0: enable 1, cause 0")

    def test_a_current_where_none_can_flow_on_either_channel(self):
        # 1 mA of tolerance are 18 counts.
        self.fails(faults.SENSE_FAILED, "current of channel 0: 2067", currents=[2067, 2048])
        self.fails(faults.SENSE_FAILED, "current of channel 1: 2029", currents=[2048, 2029])
        bench = Bench()
        bench.hal.currents = [2066, 2030]
        bench.arm()

    def test_an_adc_that_is_stuck(self):
        # Half of its range, where the sense has its zero, would be -521 degrees.
        self.fails(faults.SENSE_FAILED, "-5216", temperature=-5_216)

    def test_a_chip_too_warm_or_too_cold(self):
        self.fails(faults.TEMPERATURE, "701", temperature=701)
        self.fails(faults.TEMPERATURE, "-101", temperature=-101)

    def test_h18_a_supply_too_low_or_too_high(self):
        self.fails(faults.SUPPLY_LOW, "2999", supply=2_999)
        self.fails(faults.SUPPLY_LOW, "5501", supply=5_501)
        bench = Bench()
        bench.hal.supply = None  # where nothing measures it
        bench.arm()

    def test_h01_memory_that_has_changed(self):
        def change(what):
            bench = Bench()
            bench.load()
            what(bench.session)
            with self.assertRaises(Refused):
                bench.supervisor.arm(bench.session.programme_crc)
            self.assertEqual(bench.session.fault, faults.MEMORY_DAMAGED)

        phase = lambda session: session.programme.channels[0].phases[0]  # noqa: E731
        change(lambda session: setattr(phase(session), "width_us", phase(session).width_us ^ 0x40))
        change(lambda session: setattr(phase(session), "ratio", 2))
        change(lambda session: setattr(session, "limit_ua", session.limit_ua + 65_536))
        change(lambda session: setattr(session, "level_most", session.level_most ^ 1))
        change(lambda session: session._data["phases"][0].update({"rate_mhz": 50_000}))
        change(lambda session: session._data.update({"title": "another"}))
        change(lambda session: session._data["electrode"].update({"area_mm2": 401}))

    def test_h01_whatever_number_of_a_programme_its_channels_and_phases_has_changed(self):
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0, "phases": [samples.phase(name="own")]}]
        data = samples.programme([samples.phase(), samples.phase(name="after")], channels=rows)
        bench = Bench()
        bench.load(data)
        session = bench.session
        parts = [session.programme] + session.programme.channels + session.programme.phases
        seen = 0
        for part in parts:
            for name in list(part.__dict__):
                value = getattr(part, name)
                if isinstance(value, (list, dict)) or value is None:
                    continue
                setattr(part, name, value + "x" if isinstance(value, str) else value + 1)
                self.assertFalse(session.unchanged(), name)
                setattr(part, name, value)
                self.assertTrue(session.intact(), name)
                seen += 1
        self.assertTrue(seen > 100)
        for name in ("limit_ua", "level_most", "programme_crc"):
            setattr(session, name, getattr(session, name) ^ 2)
            self.assertFalse(session.unchanged(), name)
            setattr(session, name, getattr(session, name) ^ 2)
        for channel in session.programme.channels:
            channel.phases.append(channel.phases[0])
            self.assertFalse(session.unchanged())
            channel.phases.pop()
        self.assertTrue(session.intact())

    def test_h01_memory_that_has_changed_since_it_was_armed_or_in_a_pause(self):
        for paused in (False, True):
            bench = Bench()
            bench.arm()
            if paused:
                bench.supervisor.start()
                bench.turn(count=20)
                bench.supervisor.pause()
                bench.supervisor.start()
                bench.turn(count=20)
                bench.supervisor.adjust(30_000, 250, 0)
                bench.turn(count=20)
                bench.supervisor.pause()
                bench.supervisor.start()  # a person's adjustment is no such change
                bench.turn(count=20)
                bench.supervisor.pause()
            bench.session.limit_ua += 65_536
            begun = bench.hal.channels[0].begun()
            self.assertEqual(codes(bench.supervisor.start), ["memory_damaged"])
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.MEMORY_DAMAGED))
            self.assertEqual((bench.hal.enabled(), bench.hal.channels[0].begun()), (False, begun))

    def test_a_second_checker_that_lets_everything_through(self):
        bench = Bench()
        bench.load()
        bad = pulse_check.bad
        pulse_check.bad = lambda *_: 0
        try:
            with self.assertRaises(Refused):
                bench.supervisor.arm(bench.session.programme_crc)
        finally:
            pulse_check.bad = bad
        self.assertEqual(bench.session.fault, faults.MEMORY_DAMAGED)

    def test_what_is_missing_is_said_before_anything_is_tested(self):
        bench = Bench()
        bench.hal.stuck_high = True
        self.assertEqual(codes(bench.supervisor.arm, 1), ["no_programme", "not_acknowledged"])
        self.assertEqual(bench.session.state, IDLE)
        bench.hal.safe = False
        self.assertEqual(codes(bench.supervisor.arm, 1), ["not_safe"])


class EveryTurn(unittest.TestCase):
    def running(self, data=None, ua=0):
        bench = Bench()
        bench.run(data, ua)
        bench.turn(count=20)
        self.assertEqual(bench.session.state, RUNNING)
        return bench

    def check(self, bench, fault):
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault))
        self.assertFalse(bench.hal.enabled() and not bench.hal.stuck_high)
        self.assertEqual(samples.first(bench.session).intensity_ua, 0)

    def test_a_turn_that_is_late(self):
        bench = self.running()
        bench.turn(80)
        self.assertEqual(bench.session.state, RUNNING)
        bench.turn(81)
        self.check(bench, faults.LOOP_LATE)
        # With nobody connected a turn may take its time: to accept a programme for one.
        bench = Bench()
        bench.turn(500)
        bench.arm()
        bench.turn(500)
        self.assertEqual(bench.session.state, ARMED)

    def test_the_lease_is_renewed_in_each_turn_that_finds_nothing(self):
        bench = self.running()
        renewed = bench.hal.renewed
        bench.turn(count=5)
        self.assertEqual(bench.hal.renewed, renewed + 5)
        bench.turn(81)
        self.assertEqual(bench.hal.renewed, renewed + 5)

    def test_h12_a_clock_that_runs_backwards_in_any_state(self):
        for begin in (lambda bench: None, Bench.arm, Bench.run):
            bench = Bench()
            bench.turn(count=5)
            begin(bench)
            bench.turn(count=5)
            bench.turn(-1)
            self.check(bench, faults.CLOCK_WRONG)

    def test_an_enable_that_is_not_what_was_asked(self):
        bench = self.running()
        bench.hal._permitted = False
        bench.turn()
        self.check(bench, faults.ENABLE_STUCK)
        for begin in (lambda bench: None, Bench.arm):
            bench = Bench()
            begin(bench)
            bench.turn()
            bench.hal.stuck_high = True
            bench.turn()
            self.check(bench, faults.ENABLE_STUCK)

    def test_an_enable_that_the_guard_has_just_taken_away_is_the_guard_s_fault(self):
        bench = self.running()
        bench.hal._permitted = False
        asked = []

        def tripped():
            asked.append(1)
            return faults.OVER_CURRENT if len(asked) > 1 else 0

        bench.hal.tripped = tripped
        bench.turn()
        self.check(bench, faults.OVER_CURRENT)

    def off_clock(self, percent, rate_mhz=35_000, turns=6_500):
        """Turns until an engine whose clock is `percent` of what it should be is found."""
        phase = samples.phase(rate_mhz=rate_mhz, work_ms=0, rest_ms=0, duration_ms=70_000)
        bench = Bench()
        bench.arm(samples.programme([phase], effect="sensory"))
        channel = bench.hal.channels[0]
        put = channel.put
        channel.put = lambda *pulse: put(*(pulse[:5] + (pulse[5] * 100 // percent,) + pulse[6:]))
        bench.supervisor.start()
        for turn in range(turns):
            bench.turn()
            if bench.session.state != RUNNING:
                self.check(bench, faults.CLOCK_WRONG)
                return turn
        return None

    def test_h12_pulses_that_do_not_agree_with_the_clock(self):
        for rate_mhz in (2_000, 35_000, 120_000):
            self.assertEqual(self.off_clock(100, rate_mhz), None)
            for percent in (50, 90, 98, 102, 110):
                found = self.off_clock(percent, rate_mhz)
                self.assertTrue(found is not None, str((rate_mhz, percent)))
                # 2 % of 10 s are 200 ms: no more than what is queued, a period and the 30 ms.
                slack_ms = 2 * max(66, 1_000_000 // rate_mhz) + 30 + 260
                self.assertTrue(10 * found <= 100 * slack_ms // abs(100 - percent) + 600, str((found, percent)))

    def test_a_refill_that_was_late_is_an_underrun_and_no_fault(self):
        bench = self.running(samples.programme([samples.phase(rate_mhz=100_000)]))
        for _ in range(40):
            bench.turn(78)
            bench.turn(count=10)
        self.assertEqual(bench.session.state, RUNNING)
        self.assertTrue(samples.underruns(bench.session) > 0)

    def test_pause_and_going_on_agree_with_the_clock(self):
        bench = self.running()
        for _ in range(5):
            bench.supervisor.pause()
            bench.turn(count=37)
            bench.supervisor.start()
            bench.turn(count=400)
            self.assertEqual((bench.session.state, bench.session.fault_text), (RUNNING, ""))

    def test_more_measured_than_begun(self):
        bench = self.running(ua=10_000)
        begun = bench.hal.begun
        bench.hal.begun = lambda channel: begun(channel) - 10
        bench.turn(count=8)
        self.check(bench, faults.PULSE_COUNT)

    def test_h11_a_load_that_grows_is_warned_of_and_then_a_fault(self):
        bench = self.running(samples.programme([samples.phase(work_ms=0, rest_ms=0)], effect="sensory"), ua=10_000)
        bench.turn(count=300)
        load = bench.hal.channels[0]._load
        load._ohm = 700
        bench.turn(count=1_000)
        self.assertEqual((bench.supervisor.warned, bench.session.state), (False, RUNNING))
        load._ohm = 760
        bench.turn(count=1_000)
        self.assertEqual((bench.supervisor.warned, bench.session.state), (True, RUNNING))
        load._ohm = 1_010
        bench.turn(count=1_000)
        self.check(bench, faults.IMPEDANCE_RISE)

    def test_temperature_and_supply_while_somebody_is_armed(self):
        for name, value, fault in (("temperature", 800, faults.TEMPERATURE), ("supply", 2_900, faults.SUPPLY_LOW)):
            for begin in (lambda bench: None, lambda bench: (bench.supervisor.start(), bench.supervisor.pause())):
                bench = Bench()
                bench.arm()
                begin(bench)
                setattr(bench.hal, name, value)
                bench.turn(count=101)
                self.check(bench, fault)
        bench = self.running()
        bench.hal.temperature = 800
        bench.turn(count=200)
        self.assertEqual(bench.session.state, RUNNING, "the sampler has the ADC")

    def test_memory_while_it_is_not_running(self):
        bench = Bench()
        bench.hal.memory_free = lambda: 35_999
        bench.turn(count=1_001)
        self.check(bench, faults.MEMORY_LOW)


class TheLockout(unittest.TestCase):
    SHORT = samples.programme([samples.phase(duration_ms=20_000)])

    def locked(self, bench):
        bench.load()
        return codes(bench.supervisor.arm, bench.session.programme_crc) == ["locked_out"]

    def completed(self):
        bench = Bench()
        bench.run(self.SHORT)
        bench.turn(count=2_100)
        self.assertEqual(bench.session.ended, "completed")
        return bench

    def test_h12_a_completed_motor_session_locks_for_half_an_hour_and_says_how_long(self):
        bench = self.completed()
        self.assertTrue(self.locked(bench))
        bench.turn(1_000, 60)
        with self.assertRaises(Refused) as refused:
            bench.supervisor.arm(bench.session.programme_crc)
        bound = refused.exception.reasons[0]["bound"]
        self.assertTrue("in 28 min 59 s" in bound, bound)
        bench.turn(1_000, 1_738)
        self.assertTrue(self.locked(bench))
        bench.turn(1_000, 3)
        bench.arm()
        self.assertEqual(bench.session.state, ARMED)

    def test_it_goes_on_where_it_was_when_the_power_comes_back(self):
        bench = self.completed()
        bench.turn(1_000, 600)
        again = bench.again()
        left_ms = again.supervisor._lockout.left_ms(0)
        self.assertTrue(1_200_000 - 2_000 <= left_ms <= 1_200_000 + 60_000, str(left_ms))
        again.turn(1_000, 1_261)
        again.arm()

    def test_sensory_programmes_and_dummies_are_not_locked_and_lock_nothing(self):
        bench = self.completed()
        for changes in ({"effect": "sensory"}, {"kind": "dummy"}):
            bench.run(samples.programme([samples.phase(duration_ms=20_000)], **changes))
            bench.turn(count=2_100)
            self.assertEqual(bench.session.ended, "completed")
        bench = Bench()
        bench.run(samples.programme([samples.phase(duration_ms=20_000)], effect="sensory"))
        bench.turn(count=2_100)
        self.assertFalse(self.locked(bench))

    def test_short_ones_count_together(self):
        bench = Bench()
        long = samples.programme([samples.phase(duration_ms=1_200_000)])
        for _ in range(2):
            self.assertFalse(self.locked(bench))
            bench.supervisor.stop()
            bench.run(long)
            bench.turn(50, 2_900)
            bench.supervisor.stop()
            bench.turn()
        self.assertFalse(self.locked(bench))
        bench.supervisor.stop()
        bench.run(long)
        bench.turn(50, 220)
        bench.supervisor.stop()
        bench.turn()
        self.assertTrue(self.locked(bench))

    def test_h12_a_power_cut_in_a_session_locks_because_nobody_knows_how_long_it_was(self):
        bench = Bench()
        bench.run(self.SHORT)
        bench.turn(count=20)
        self.assertTrue(self.locked(bench.again()))

    def test_a_fault_in_a_short_session_does_not_lock(self):
        bench = Bench()
        bench.run(self.SHORT)
        bench.turn(count=20)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=3)
        bench.supervisor.clear(faults.PULSE_CHECK)
        self.assertFalse(self.locked(bench))

    def test_a_damaged_store_locks(self):
        bench = Bench([b"junk", b"junk"])
        bench.supervisor.clear(faults.STORE_CORRUPT)
        self.assertTrue(self.locked(bench))


class Clearing(unittest.TestCase):
    def test_h23_needs_its_number_and_its_cause_gone(self):
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
            self.assertEqual((bench.session.state, samples.first(bench.session).intensity_ua), (IDLE, 0))

    def test_h23_needs_no_current_on_either_channel_after_a_fault_of_the_current(self):
        for number in (faults.ELECTRODE_OPEN, faults.NET_CHARGE, faults.CURRENT_MISMATCH, faults.SENSE_FAILED):
            bench = Bench()
            bench.supervisor.fail(number, "x")
            bench.hal.currents[1] = 2_200
            self.assertEqual(codes(bench.supervisor.clear, number), ["cause_there"])
            bench.hal.currents[1] = 2_048
            bench.supervisor.clear(number)

    def test_h23_needs_temperature_supply_enable_and_guard_as_they_have_to_be(self):
        for number, name, bad, good in (
            (faults.TEMPERATURE, "temperature", 800, 300),
            (faults.SUPPLY_LOW, "supply", 2_500, 4_000),
            (faults.ENABLE_STUCK, "stuck_high", True, False),
            (faults.GUARD_FAILED, "proven", "lease_lost", ""),
        ):
            bench = Bench()
            bench.supervisor.fail(number, "x")
            setattr(bench.hal, name, bad)
            self.assertEqual(codes(bench.supervisor.clear, number), ["cause_there"])
            self.assertEqual(bench.session.fault, number)
            setattr(bench.hal, name, good)
            bench.supervisor.clear(number)
            self.assertEqual(bench.session.state, IDLE)

    def test_damaged_memory_takes_the_programme_with_it(self):
        bench = Bench()
        bench.load()
        bench.supervisor.fail(faults.MEMORY_DAMAGED, "x")
        bench.supervisor.clear(faults.MEMORY_DAMAGED)
        self.assertIn("no_programme", codes(bench.supervisor.arm, 0))

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
            bench.supervisor.step(bench.hal.now_ms())
            bench.supervisor.step(bench.hal.now_ms())
        finally:
            samples.heap_unlock()


if __name__ == "__main__":
    unittest.main()

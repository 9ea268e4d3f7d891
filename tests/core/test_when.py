"""supervisor.py to the millisecond and to the count: how often it looks, and what is just not a fault yet."""

import unittest

import samples
from bench_hal import RESISTOR, Bench, voltages_grow

from nmes.core import faults, pulse
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.core.trend import STOP

# Long, with no rest and no ramp.
TRAIN = samples.phase(rate_mhz=50_000, work_ms=0, rest_ms=0, duration_ms=70_000)


def train(rate_mhz=50_000):
    return samples.programme([dict(TRAIN, rate_mhz=rate_mhz)], effect="sensory")


def running(rate_mhz=50_000):
    bench = Bench()
    bench.run(train(rate_mhz))
    return bench


def missed(ends):
    """(what the report says was missed, what began and was not measured) when `ends(supervisor)` ends a session in
    which measuring has stopped after some pulses."""
    bench = running()
    bench.turn(10, 20)
    bench.hal.take = lambda channel, into: 0
    bench.turn(10, 5)
    measured = bench.session.delivery.measured
    ends(bench.supervisor)
    delivered = bench.supervisor.status()["delivered"]
    assert 0 < measured < delivered
    return bench.session.delivery.account()["missed"], delivered - measured


def in_state(state):
    """A bench in any state but FAULT; with pulses, some that have been measured."""
    bench = Bench()
    if state != IDLE:
        bench.arm(train())
    if state in (RUNNING, PAUSED):
        bench.supervisor.start()
        bench.turn(10, 20)
    if state == PAUSED:
        bench.supervisor.pause()
    assert bench.session.state == state
    return bench


def asked(bench, name, ms, of=None):
    """In which of the next `ms` turns of 1 ms something of the HAL, or of `of`, was asked for."""
    turns = []
    now = [0]
    of = of or bench.hal
    own = getattr(of, name)

    def noted(*arguments):
        if not turns or turns[-1] != now[0]:
            turns.append(now[0])
        return own(*arguments)

    setattr(of, name, noted)
    for turn in range(ms):
        now[0] = turn + 1
        bench.turn(1)
    setattr(of, name, own)
    return turns


class HowOften(unittest.TestCase):
    def test_counts_are_compared_in_every_fourth_turn(self):
        self.assertEqual(asked(running(), "begun", 16), [4, 8, 12, 16])

    def test_clock_and_adc_are_looked_at_every_250_ms_from_the_start_on(self):
        bench = Bench()
        bench.arm(train())
        bench.turn(1, 100)
        bench.supervisor.start()
        self.assertEqual(asked(bench, "senses", 760), [250, 500, 750])
        bench.supervisor.pause()
        bench.turn(1, 100)
        bench.supervisor.start()
        self.assertEqual(asked(bench, "senses", 260), [250])

    def test_a_look_comes_in_the_first_turn_after_it_is_due(self):
        bench = running()
        looks = []
        bench.hal.senses = lambda: looks.append(bench.hal.now_ms()) or True
        bench.turn(30, 25)
        self.assertEqual(looks, [270, 540])
        for ms, name, says in ((10_007, "memory_free", 100_000), (1_003, "supply_mv", 5_000)):
            bench = Bench()
            bench.arm(train())
            found = []
            setattr(bench.hal, name, lambda found=found, says=says: found.append(says) or says)
            bench.turn(ms)
            self.assertEqual((found, bench.session.state), ([says], ARMED))

    def test_temperature_and_supply_every_second_while_armed_or_paused_and_never_else(self):
        for name in ("temperature_dc", "supply_mv"):
            bench = Bench()
            self.assertEqual(asked(bench, name, 1_500), [])
            bench.arm(train())
            bench.turn(1)  # it has been looked at long ago
            self.assertEqual(asked(bench, name, 2_100), [1_000, 2_000])
            bench.supervisor.start()
            self.assertEqual(asked(bench, name, 1_500), [])
            bench.supervisor.pause()
            self.assertEqual(asked(bench, name, 1_100)[1:], [1_001])

    def test_memory_every_ten_seconds_at_rest_and_not_while_pulses_come(self):
        bench = Bench()
        bench.turn(9_999)
        self.assertEqual(asked(bench, "memory_free", 2), [1])
        bench.turn(9_998)
        self.assertEqual(asked(bench, "memory_free", 2), [1])
        bench = running()
        self.assertEqual(bench.session.state, RUNNING)
        bench.supervisor._memory_ms -= 20_000
        self.assertEqual(asked(bench, "memory_free", 5), [])

    def test_a_queue_is_looked_at_every_20_ms_and_sooner_where_it_would_hold_less_than_40_ms(self):
        for rate_mhz in (20_000, 35_000, 50_000, 100_000):
            bench = running(rate_mhz)
            feed, lane = bench.session.lanes[0].feed, bench.session.lanes[0]
            fed = [bench.hal.now_ms()]
            (run,) = bench.supervisor._runs
            run.fill = lambda now_ms, fill=run.fill, fed=fed: fed.append(now_ms) or fill(now_ms)
            for _ in range(300):
                if fed[-1] == bench.hal.now_ms():
                    clock_ms = bench.session.elapsed_ms(bench.hal.now_ms()) - lane.delay_ms
                    spare_ms = feed.next_ms() - clock_ms - 40
                    next_ms = bench.hal.now_ms() + min(20, spare_ms)
                bench.turn(1)
                self.assertEqual(fed[-1] == bench.hal.now_ms(), bench.hal.now_ms() >= next_ms, str(rate_mhz))
            self.assertTrue(len(fed) > 10)


class JustNotAFault(unittest.TestCase):
    def check(self, bench, fault, text=""):
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault), bench.session.fault_text)
        self.assertIn(text, bench.session.fault_text)
        self.assertFalse(bench.hal.enabled())

    def test_pulses_30_ms_behind_the_clock(self):
        for lag_ms, found in ((30, False), (31, True)):
            bench = running()
            bench.session.lag_ms = lambda now_ms, lane, lag_ms=lag_ms: lag_ms
            bench.turn(10, 25)
            if found:
                self.check(bench, faults.CLOCK_WRONG, "pulses of channel 0 are 31 ms late")
            self.assertEqual(bench.session.state == RUNNING, not found)

    def test_an_engine_that_rests_30_ms_early_or_80_ms_late(self):
        for lag_ms, text in ((-31, "31 ms early"), (-30, None), (1, None), (80, None), (81, "81 ms late")):
            bench = running()
            bench.turn(10, 4)
            bench.session.lag_ms = lambda now_ms, lane, lag_ms=lag_ms: lag_ms
            bench.hal.starved = lambda channel: True
            bench.supervisor._runs[0].mid_train = True
            lane = bench.session.lanes[0]
            self.assertEqual(
                bench.supervisor._keeps_time(bench.supervisor._runs[0], bench.hal.now_ms()), text is None, str(lag_ms)
            )
            if text:
                self.check(bench, faults.CLOCK_WRONG, text)
                self.assertEqual(lane.underruns, 0)
            else:
                self.assertEqual((lane.underruns, lane.slip_ms), (1, max(0, lag_ms)))
                # Once a refill.
                self.assertTrue(bench.supervisor._keeps_time(bench.supervisor._runs[0], bench.hal.now_ms()))
                self.assertEqual((lane.underruns, lane.slip_ms), (1, max(0, lag_ms)))

    def test_an_engine_that_rests_between_trains_until_the_next_pulse_is_due(self):
        for mid_train, lag_ms, underruns in ((False, 0, 0), (False, -5, 0), (False, 1, 1), (True, 0, 1), (True, -5, 1)):
            bench = running()
            bench.turn(10, 4)
            bench.session.lag_ms = lambda now_ms, lane, lag_ms=lag_ms: lag_ms
            bench.hal.starved = lambda channel: True
            bench.supervisor._runs[0].mid_train = mid_train
            self.assertTrue(bench.supervisor._keeps_time(bench.supervisor._runs[0], bench.hal.now_ms()))
            self.assertEqual(bench.session.lanes[0].underruns, underruns, str((mid_train, lag_ms)))

    def test_8_more_measured_than_have_ended(self):
        for more in (8, 9):
            bench = running()
            bench.turn(10, 20)
            bench.hal.take = lambda channel, into: 0
            supervisor = bench.supervisor
            supervisor._turn = 0
            supervisor._runs[0].judged = bench.hal.channels[0].begun() - 1 + more
            self.assertEqual(supervisor._judge(bench.hal.now_ms()), more == 8)
            if more == 9:
                self.check(bench, faults.PULSE_COUNT, "channel 0")

    def test_a_clock_that_stands_still_is_none_and_one_that_goes_back_a_millisecond_is(self):
        for begin in (lambda bench: None, Bench.arm, Bench.run):
            bench = Bench()
            begin(bench)
            bench.turn()
            state = bench.session.state
            bench.turn(0)
            self.assertEqual(bench.session.state, state)
            bench.turn(-1)
            self.check(bench, faults.CLOCK_WRONG, "back by 1 ms")


class ArmingThatFails(unittest.TestCase):
    def test_the_session_that_was_not_armed_costs_no_pause_afterwards_whatever_it_failed_for(self):
        def flash(bench):
            bench.hal.flash_error = OSError(5)

        def opened(bench):
            def proof():
                bench.hal.safe = False
                return ""

            bench.hal.try_guard = proof

        def stuck(bench):
            bench.hal.proven = "both_phases"

        def broken(bench):
            bench.session.arm = lambda *_: 1 // 0

        for breaks, fault in ((flash, faults.STORE_CORRUPT), (opened, 0), (stuck, faults.GUARD_FAILED), (broken, 0)):
            bench = Bench()
            bench.load(samples.programme())
            breaks(bench)
            with self.assertRaises((Refused, ZeroDivisionError)):
                bench.supervisor.arm(bench.session.programme_crc)
            self.assertEqual(bench.session.fault, fault)
            self.assertEqual((bench.session.state == FAULT, bench.hal.enabled()), (fault != 0, False))
            self.assertEqual(bench.store.get("open"), 0)
            self.assertEqual(bench.supervisor._lockout.left_ms(0), 0)

    def test_nothing_is_moved_once_the_store_has_failed(self):
        bench = Bench()
        bench.load(samples.programme())
        bench.hal.flash_error = OSError(5)
        moved = []
        bench.hal.try_guard = lambda: moved.append(1) or ""
        self.assertEqual(samples.codes(bench.supervisor.arm, bench.session.programme_crc), ["not_kept"])
        self.assertEqual((moved, bench.session.state), ([], FAULT))

    def test_one_that_was_started_and_gave_no_pulse_counts_for_nothing(self):
        bench = Bench()
        bench.arm(samples.programme())
        bench.hal.start = lambda mask: None
        bench.supervisor.start()
        bench.turn(10, 3)
        bench.supervisor.stop()
        self.assertEqual((bench.session.state, bench.supervisor.status()["delivered"]), (IDLE, 0))
        self.assertEqual((bench.store.get("open"), bench.store.get("used_ms")), (0, 0))

    def test_one_that_was_armed_is_open_until_it_has_ended(self):
        bench = Bench()
        bench.arm(samples.programme())
        self.assertEqual((bench.session.state, bench.store.get("open")), (ARMED, 1))
        bench.supervisor.stop()
        self.assertEqual((bench.session.state, bench.store.get("open"), bench.store.get("used_ms")), (IDLE, 0, 0))


BOTH = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}]


class AStart(unittest.TestCase):
    def armed(self):
        bench = Bench()
        bench.arm(samples.programme([TRAIN], effect="sensory", channels=BOTH))
        return bench

    def test_each_engine_has_a_pulse_before_any_of_them_goes_and_a_full_queue_before_the_host_is_answered(self):
        bench = self.armed()
        queued = []
        start = bench.hal.start
        bench.hal.start = lambda mask: (
            queued.append((bench.hal.channels[0].queued(), bench.hal.channels[1].queued())) or start(mask)
        )
        bench.supervisor.start()
        self.assertEqual(queued, [(1, 1)])
        self.assertEqual(
            [bench.hal.channels[i].queued() + bench.hal.channels[i].begun() for i in (0, 1)], [4, 4]
        )  # of 20 ms, in 66 ms

    def test_the_clock_of_the_pulses_begins_when_they_do_however_long_the_way_there_was(self):
        bench = self.armed()
        elapsed = []

        def slow(name, ms):
            own = getattr(bench.hal, name)

            def slowly(*arguments):
                bench.hal.now_us += 1_000 * ms
                return own(*arguments)

            setattr(bench.hal, name, slowly)

        put = bench.hal.put
        bench.hal.put = lambda *row: elapsed.append(bench.session.elapsed_ms(bench.hal.now_ms())) or put(*row)
        slow("permit", 7)
        slow("start", 9)
        bench.supervisor.start()
        self.assertEqual(elapsed[:2], [0, 0])
        self.assertEqual(bench.session.elapsed_ms(bench.hal.now_ms()), 0)
        # And that time was none of a turn.
        bench.turn(80)
        self.assertEqual(bench.session.state, RUNNING)

    def test_an_engine_that_takes_no_pulse_is_a_fault_and_neither_it_nor_the_other_goes(self):
        for bad in (0, 1):
            bench = self.armed()
            done = []
            put = bench.hal.put
            bench.hal.put = lambda at, *row, bad=bad, done=done, put=put: (
                (done.append(at) or at != bad) and put(at, *row)
            )
            bench.hal.start = lambda mask, done=done: done.append("start")
            bench.supervisor.start()
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK))
            self.assertEqual(done, [0] * bad + [bad])
            self.assertFalse(bench.hal.enabled())


class TheWayIntoAFault(unittest.TestCase):
    def test_the_whole_record_is_made_at_once_in_whatever_state_it_came(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            self.assertEqual((bench.store.due, bench.supervisor.record()["state"]), (True, state))

    def test_h02_it_is_fault_in_whatever_state_a_clock_breaks_on_the_way(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            now_ms = bench.hal.now_ms

            def breaks():
                raise OSError(5)

            bench.hal.now_ms = breaks
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            bench.hal.now_ms = now_ms
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK), state)
            self.assertEqual((bench.session.fault_text, bench.hal.enabled()), ("", False))

    def test_an_enable_that_reads_high_is_kept_beside_any_other_fault_and_once(self):
        for number in (faults.PHASE_TOO_LONG, faults.ENABLE_STUCK, faults.GUARD_FAILED):
            bench = Bench()
            bench.supervisor.fail(number, "x")
            bench.turn(10, 3)
            kept = len(bench.hal.kept)
            bench.hal.stuck_high = True
            bench.turn(10, 5)
            text = "x" if number == faults.ENABLE_STUCK else "the enable reads high; x"
            self.assertEqual((bench.session.fault, bench.session.fault_text), (number, text))
            self.assertEqual(bench.again().session.fault_text, text)
            self.assertEqual(len(bench.hal.kept) - kept, 0 if number == faults.ENABLE_STUCK else 2)

    def test_a_second_fault_changes_nothing_of_what_is_kept(self):
        bench = running()
        bench.turn(10, 20)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(10, 3)
        kept = list(bench.hal.kept)
        bench.supervisor.fail(faults.NET_CHARGE, "y")
        self.assertFalse(bench.store.due)
        bench.turn(10, 3)
        self.assertEqual(bench.hal.kept, kept)

    def test_pulses_that_were_not_measured_by_then_are_missed(self):
        self.assertEqual(*missed(lambda supervisor: supervisor.fail(faults.BOTH_PHASES, "x")))


class TheStatus(unittest.TestCase):
    def test_it_counts_what_has_begun_since_the_last_turn_too(self):
        bench = running()
        bench.turn(10, 20)
        before = bench.supervisor.status()["delivered"]
        bench.hal.pass_ms(40)
        self.assertEqual(bench.supervisor.status()["delivered"], before + 2)
        self.assertEqual(bench.hal.channels[0].begun(), before + 2)


class WhatIsQueued(unittest.TestCase):
    def fed(self, room, ms=60):
        """How many pulses are put when so many have room."""
        bench = running()
        bench.turn(10, 20)
        given = []
        put = bench.hal.put
        bench.hal.put = lambda *row: given.append(row) or put(*row)
        bench.hal.room = lambda channel: room
        bench.hal.now_us += 1_000 * ms  # the engine is told nothing of it, and stays as it was
        bench.supervisor._runs[0].fill_ms = 0
        bench.supervisor._fill(bench.supervisor._runs[0], bench.hal.now_ms())
        self.assertEqual(bench.session.state, RUNNING)
        return sum([row[-1] for row in given])

    def test_h05_never_more_than_has_room(self):
        self.assertEqual([self.fed(room) for room in (-1, 0, 1, 2)], [0, 0, 1, 2])

    def test_never_more_than_is_due(self):
        self.assertEqual(self.fed(100), 3)

    def test_nothing_after_a_pulse_that_the_second_checker_refused(self):
        bench = running()
        bench.turn(10, 20)
        lane = bench.session.lanes[0]
        queued = lane.queued
        given = []
        bench.hal.put = lambda *row: given.append(row)
        bench.hal.room = lambda channel: 3
        bench.supervisor._runs[0].fill_ms = 0
        bench.supervisor._fill(bench.supervisor._runs[0], bench.hal.now_ms() + 60)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK))
        self.assertEqual((len(given), lane.queued), (1, queued))

    def test_each_pulse_has_the_levels_of_its_own_phase_s_ratio(self):
        phases = [dict(TRAIN, name="%d" % n, ratio=(1, 3, 1, 2)[n], duration_ms=10_000) for n in range(4)]
        for phase in phases:  # no ramps: the level is the same before and after each change
            phase.update({"ramp_up_ms": 0, "ramp_down_ms": 0})
        bench = Bench()
        bench.run(samples.programme(phases, effect="sensory", kind="dummy"), 6_000)
        put = bench.hal.put
        given = set()

        def puts(channel, level_a, level_b, width_a_us, *more):
            if level_a:
                given.add((level_a // level_b, more[1] // width_a_us))
            return put(channel, level_a, level_b, width_a_us, *more)

        bench.hal.put = puts
        bench.turn(30, 1_400)
        self.assertEqual((bench.session.ended, bench.session.fault), ("completed", 0))
        self.assertEqual(given, {(1, 1), (2, 2), (3, 3)})

    def test_pulses_are_judged_in_every_second_turn_and_in_every_one_after_a_bad_pulse(self):
        bench = Bench()
        bench.run(RESISTOR, 20_000)
        bench.turn(10, 40)
        judged = []
        (run,) = bench.supervisor._runs
        judge = run.judge
        run.judge = lambda now_ms, counting: judged.append(now_ms) or judge(now_ms, counting)
        bench.turn(10, 10)
        self.assertEqual(len(judged), 5)
        bench.hal.channels[0]._load._ohm = 1_000_000
        for _ in range(10):
            if not run.delivery.suspects:
                bench.turn(10)
        self.assertTrue(run.delivery.suspects)
        del judged[:]
        bench.turn(10, 3)
        self.assertEqual((len(judged), bench.session.state), (3, RUNNING))
        bench.turn(10, 4)  # three pulses of 35 Hz
        self.assertEqual(bench.session.fault, faults.ELECTRODE_OPEN)

    def test_an_engine_that_rests_when_it_should_not_gets_no_pulse_more(self):
        for lag_ms in (-31, 81):
            bench = running()
            bench.turn(10, 20)
            given = []
            bench.hal.put = lambda *row, given=given: given.append(row) or True
            bench.session.lag_ms = lambda now_ms, lane, lag_ms=lag_ms: lag_ms
            bench.hal.starved = lambda channel: True
            bench.supervisor._runs[0].mid_train = True
            bench.hal.now_us += 60_000  # three are due
            bench.supervisor._fill(bench.supervisor._runs[0], bench.hal.now_ms())
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.CLOCK_WRONG))
            self.assertEqual(given, [])


def judge(bench):
    bench.session.delivery.judge = lambda pulses, now_ms, count: faults.NET_CHARGE
    bench.supervisor._turn = 1  # pulses are judged in the next one


def lag(bench):
    bench.session.lag_ms = lambda now_ms, lane: 31


def still(bench):
    bench.hal.senses = lambda: False


def trend(bench):
    bench.supervisor._trends[0].see = lambda ohm, measured_ua: STOP


def starved(bench):
    bench.session.lag_ms = lambda now_ms, lane: -31
    bench.hal.starved = lambda channel: True
    bench.supervisor._runs[0].mid_train = True


def memory(bench):
    bench.hal.memory_free = lambda: 1
    bench.supervisor._memory_ms -= 10_000


def put(name, value):
    return lambda bench: setattr(bench.hal, name, value)


def hot(bench):
    bench.hal.temperature = 800
    bench.supervisor._look_ms -= 1_000


def low(bench):
    bench.hal.supply = 2_000
    bench.supervisor._look_ms -= 1_000


def line_open(bench):
    bench.hal.opened_by = faults.OVER_CURRENT
    bench.hal.safe = False


# What breaks, the fault that it is, in which states it is looked for, and how long the turn is that finds it.
WAITING = (ARMED, PAUSED)
FOUND_IN_A_TURN = (
    (lambda bench: None, faults.CLOCK_WRONG, (IDLE, ARMED, RUNNING, PAUSED), -1),
    (put("stuck_high", True), faults.ENABLE_STUCK, (IDLE, ARMED, PAUSED), 10),
    (put("opened_by", faults.OVER_CURRENT), faults.OVER_CURRENT, WAITING, 10),
    (memory, faults.MEMORY_LOW, (IDLE, ARMED, PAUSED), 10),
    (hot, faults.TEMPERATURE, WAITING, 10),
    (low, faults.SUPPLY_LOW, WAITING, 10),
    (put("trip", faults.BOTH_PHASES), faults.BOTH_PHASES, (RUNNING,), 10),
    (put("_permitted", False), faults.ENABLE_STUCK, (RUNNING,), 10),
    (put("safe", False), faults.EMERGENCY_STOP, (RUNNING,), 10),
    (line_open, faults.OVER_CURRENT, (RUNNING,), 10),
    (lambda bench: None, faults.LOOP_LATE, (RUNNING,), 81),
    (judge, faults.NET_CHARGE, (RUNNING,), 20),
    (lag, faults.CLOCK_WRONG, (RUNNING,), 10),
    (starved, faults.CLOCK_WRONG, (RUNNING,), 10),
    (still, faults.SENSE_FAILED, (RUNNING,), 10),
    (trend, faults.IMPEDANCE_RISE, (RUNNING,), 10),
)


class ATurnThatFindsSomething(unittest.TestCase):
    def test_feeds_neither_watchdog_nor_lease_nor_queue(self):
        for breaks, fault, states, ms in FOUND_IN_A_TURN:
            for state in states:
                bench = in_state(state)
                bench.turn(10, 4)
                breaks(bench)
                given = []
                bench.hal.put = lambda *row, given=given: given.append(row) or True
                fed, renewed = bench.hal.fed, bench.hal.renewed
                bench.turn(ms)
                what = "%s %s" % (faults.name(fault), state)
                self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault), what)
                self.assertEqual((bench.hal.fed, bench.hal.renewed, given), (fed, renewed, []), what)
                self.assertFalse(bench.hal._permitted)

    def test_an_enable_that_is_low_is_told_from_one_that_the_guard_took_away(self):
        for name, value, text in (
            ("trip", faults.PHASE_TOO_LONG, "seen by the guard"),
            ("trip", faults.LEASE_LOST, "seen by the guard"),
            ("_permitted", False, "low, and the guard did not do it"),
            ("safe", False, "not seen by the guard"),
        ):
            bench = running()
            bench.turn(10, 5)
            setattr(bench.hal, name, value)
            bench.turn(10)
            self.assertEqual((bench.session.state, bench.session.fault_text), (FAULT, text))

    def test_a_stop_of_all_else_does_not_hide_the_first_cause(self):
        bench = running()
        bench.turn(10, 24)
        bench.hal.trip = faults.BOTH_PHASES
        bench.turn(200)
        self.assertEqual(bench.session.fault, faults.BOTH_PHASES)


class AStop(unittest.TestCase):
    def test_permission_that_was_lost_since_the_last_turn_is_the_fault_of_a_stop_or_a_pause_too(self):
        for ends in ("stop", "pause"):
            bench = running()
            bench.turn(10, 20)
            bench.hal.trip = faults.OVER_CURRENT
            getattr(bench.supervisor, ends)()
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.OVER_CURRENT))
            self.assertEqual((bench.session.fault_text, bench.hal.enabled()), ("seen by the guard", False))

    def test_the_last_pulses_are_judged_too(self):
        for ends in ("stop", "pause"):
            bench = running()
            bench.turn(10, 20)
            bench.hal.pass_ms(25)
            bench.session.delivery.judge = lambda pulses, now_ms, count: faults.NET_CHARGE
            getattr(bench.supervisor, ends)()
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.NET_CHARGE))

    def test_of_several_at_once_those_after_the_bad_one_are_missed(self):
        bench = running(100_000)
        bench.turn(10, 20)
        before = bench.session.delivery.measured
        take = bench.hal.take

        def leaking(channel, into):
            """Every pulse but the first with current after it: the third is the last straw."""
            count = take(channel, into)
            for at in range(1, count):
                into[at * pulse.MEASURED + pulse.CURRENT_REST] = 0
            return count

        bench.hal.take = leaking
        bench.supervisor._turn = 1  # pulses are judged in the next one
        bench.turn(50)
        self.assertEqual(bench.session.fault, faults.IDLE_CURRENT)
        self.assertEqual(bench.session.delivery.measured, before + 3)
        delivered = bench.supervisor.status()["delivered"]
        self.assertTrue(delivered > before + 3)
        self.assertEqual(bench.session.delivery.account()["missed"], delivered - before - 3)

    def test_what_is_told_of_a_bad_pulse_was_measured_just_now(self):
        bench = Bench()
        bench.run(samples.programme([dict(TRAIN, ramp_up_ms=0)], effect="sensory", kind="dummy"), 5_000)
        bench.turn(10, 10)  # the first look at the load comes later
        judge = bench.session.delivery.judge
        bench.session.delivery.judge = lambda pulses, now_ms, count: judge(pulses, now_ms, count) or faults.NET_CHARGE
        bench.turn(10, 4)
        delivery = bench.session.delivery
        self.assertTrue(4_800 <= delivery.measured_ua <= 5_200, str(delivery.measured_ua))
        self.assertTrue(450 <= delivery.impedance_ohm <= 550, str(delivery.impedance_ohm))
        texts = (delivery.set_ua, delivery.measured_ua, delivery.impedance_ohm, delivery.net_nc)
        text = "channel 0: set %d uA, measured %d uA, last load %d ohm, net %d nC" % texts
        self.assertEqual((bench.session.fault, bench.session.fault_text), (faults.NET_CHARGE, text))

    def test_those_that_were_not_measured_are_missed(self):
        self.assertEqual(*missed(lambda supervisor: supervisor.stop()))

    def test_a_count_that_does_not_agree_is_told_with_both_numbers(self):
        bench = running()
        bench.turn(10, 20)
        begun = bench.hal.begun
        bench.hal.begun = lambda channel: begun(channel) - 1
        lane = bench.session.lanes[0]
        bench.supervisor.stop()
        self.assertTrue(lane.cancelled > 0)
        self.assertEqual(lane.queued - lane.cancelled, begun(0))
        text = "channel 0: asked %d, began %d" % (begun(0), begun(0) - 1)
        self.assertEqual((bench.session.fault, bench.session.fault_text), (faults.PULSE_COUNT, text))


class TheEnd(unittest.TestCase):
    def test_every_pulse_of_the_programme_comes_however_late_its_last_turn_is(self):
        data = samples.programme([dict(TRAIN, rate_mhz=100_000, duration_ms=20_000)], effect="sensory")
        for before_ms in (76, 70, 60, 40, 5):
            bench = Bench()
            bench.run(data)
            while bench.session.elapsed_ms(bench.hal.now_ms()) < 20_000 - before_ms:
                bench.turn(min(40, 20_000 - before_ms - bench.session.elapsed_ms(bench.hal.now_ms())))
            bench.turn(79, 4)
            self.assertEqual((bench.session.state, bench.session.ended), (IDLE, "completed"))
            status = bench.supervisor.status()
            self.assertEqual((status["delivered"], status["cancelled"]), (bench.session.programme.pulses, 0))


class Settling(unittest.TestCase):
    """Before the program is left."""

    def failing(self, times):
        """A bench with something to write, on a flash that fails so often."""
        bench = Bench()
        write_slot = bench.hal.write_slot
        left = [times]

        def writes(slot, data):
            if left[0]:
                left[0] -= 1
                raise OSError(5)
            write_slot(slot, data)

        bench.hal.write_slot = writes
        bench.store.put("locked_ms", 1_000)
        return bench

    def test_what_failed_once_is_a_fault_that_is_kept_at_once(self):
        bench = self.failing(1)
        self.assertTrue(bench.supervisor.settle())
        self.assertEqual((bench.session.fault, bench.supervisor.lost), (faults.STORE_CORRUPT, False))
        self.assertEqual(bench.again().session.fault, faults.STORE_CORRUPT)

    def test_what_fails_again_is_lost_and_may_be_left_all_the_same(self):
        bench = self.failing(9)
        self.assertTrue(bench.supervisor.settle())
        self.assertEqual((bench.session.fault, bench.supervisor.lost), (faults.STORE_CORRUPT, True))

    def test_so_is_what_cannot_even_be_put_together(self):
        bench = Bench()

        def ticks(now_ms):
            raise MemoryError("no memory")

        bench.supervisor._lockout.tick = ticks
        self.assertTrue(bench.supervisor.settle())
        self.assertEqual((bench.session.fault, bench.supervisor.lost), (faults.STORE_CORRUPT, True))
        self.assertIn("no memory", bench.session.fault_text)

    def test_nobody_leaves_a_session(self):
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            self.assertFalse(bench.supervisor.settle())
            self.assertEqual(bench.session.state, state)


class WhatAHostIsTold(unittest.TestCase):
    """comes out before flash is written: that lets nothing else run for up to 400 ms."""

    def failed(self, unread):
        bench = running()
        bench.hal.unsent = lambda: unread[0]
        bench.supervisor.fail(faults.LOOP_LATE, "x")
        return bench

    def test_a_fault_is_written_as_soon_as_the_host_has_read_of_it(self):
        unread = [1]
        bench = self.failed(unread)
        bench.turn(1, 5)
        self.assertTrue(bench.store.due)
        unread[0] = 0
        bench.turn(1)
        self.assertFalse(bench.store.due)
        self.assertEqual(bench.again().session.fault, faults.LOOP_LATE)

    def test_and_after_ten_turns_whoever_reads(self):
        bench = self.failed([8_192])
        for number in (faults.LOOP_LATE, faults.CLOCK_WRONG):  # each time anew
            bench.turn(1, 10)
            self.assertTrue(bench.store.due)
            bench.turn(1)
            self.assertFalse(bench.store.due)
            bench.supervisor.clear(number)
            bench.supervisor.fail(faults.CLOCK_WRONG, "x")

    def test_nobody_who_leaves_or_arms_waits_for_it(self):
        bench = self.failed([8_192])
        self.assertTrue(bench.supervisor.settle())
        self.assertFalse(bench.store.due)
        bench.supervisor.clear(faults.LOOP_LATE)
        bench.store.put("locked_ms", 0)
        bench.arm(train())
        self.assertFalse(bench.store.due)


class Clearing(unittest.TestCase):
    def test_a_refusal_says_what_was_found_and_what_is_expected(self):
        bench = Bench()
        bench.supervisor.fail(faults.TEMPERATURE, "x")
        bench.hal.temperature = 800
        with self.assertRaises(Refused) as refused:
            bench.supervisor.clear(faults.TEMPERATURE)
        (reason,) = refused.exception.reasons
        self.assertEqual((reason["parameter"], reason["asked"]), (faults.name(faults.TEMPERATURE), "800"))
        self.assertEqual(reason["bound"], "-100 to 700 0.1 degC")

    def test_a_session_that_no_turn_has_seen_the_end_of_counts_all_the_same(self):
        bench = Bench()
        bench.run(samples.programme())
        bench.turn(10, 100)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.supervisor.clear(faults.PULSE_CHECK)
        self.assertEqual(bench.store.get("open"), 0)
        self.assertTrue(bench.store.get("used_ms") >= 1_000)
        self.assertEqual(bench.again().store.get("used_ms"), bench.store.get("used_ms"))

    def test_no_fault_but_that_of_memory_takes_the_programme_away(self):
        for number in faults.NAMES:
            bench = Bench()
            bench.load()
            bench.supervisor.fail(number, "x")
            bench.supervisor.clear(number)
            self.assertEqual((bench.session.state, bench.session.fault), (IDLE, 0))
            self.assertEqual(bench.session.programme is None, number == faults.MEMORY_DAMAGED, faults.name(number))


class ANewSession(unittest.TestCase):
    def test_a_board_that_was_just_switched_on_has_neither_warned_nor_lost_anything(self):
        supervisor = Bench().supervisor
        self.assertEqual((supervisor.warned, supervisor.lost), (False, False))

    def test_the_second_checker_is_told_whether_anybody_is_connected_and_the_lamp_is_lit(self):
        for kind, dummy in (("dummy", True), ("pads", False), ("probe", False)):
            told = []
            bench = Bench()
            begin = bench.hal.begin
            bench.hal.begin = lambda *row, told=told, begin=begin: told.append(row) or begin(*row)
            bench.hal.lamp = lambda on, told=told: told.append(on)
            bench.run(samples.programme([TRAIN], effect="sensory", kind=kind, area_mm2=2_500))
            self.assertEqual([row if row == 1 else row[2] for row in told], [dummy, 1], kind)

    def test_every_pulse_that_was_delivered_is_measured_or_missed_over_pauses_too(self):
        bench = running()
        for _ in range(3):
            bench.turn(10, 33)
            bench.supervisor.pause()
            bench.turn(10, 5)
            bench.supervisor.start()
        bench.turn(10, 33)
        bench.supervisor.stop()
        account = bench.session.delivery.account()
        delivered = bench.supervisor.status()["delivered"]
        self.assertTrue(delivered > 60)
        self.assertEqual((account["measured"], account["missed"]), (delivered, 0))

    def test_each_start_begins_with_fresh_counts_whatever_was_before_the_pause(self):
        bench = running()
        bench.turn(10, 33)
        bench.supervisor.pause()
        supervisor = bench.supervisor
        run = supervisor._runs[0]
        found = []
        permit = bench.hal.permit

        def permitted(longest_us):
            found.append((run.judged, run.mid_train, run._rested_at < 0))
            permit(longest_us)

        bench.hal.permit = permitted
        run.mid_train, run._rested_at = True, 5
        supervisor.start()
        self.assertEqual(found, [(0, False, True)])

    def test_nothing_of_the_load_of_the_one_before_is_held_against_it(self):
        bench = Bench()
        ohm = [100]
        take = bench.hal.take

        def sensed(channel, into):
            count = take(channel, into)
            voltages_grow(into, count, ohm[0])
            return count

        bench.hal.take = sensed
        bench.run(train(), 5_000)
        bench.turn(10, 400)
        ohm[0] = 160
        bench.turn(10, 800)
        self.assertEqual((bench.session.state, bench.supervisor.warned), (RUNNING, True))
        bench.supervisor.stop()
        ohm[0] = 240
        bench.arm(train())
        self.assertFalse(bench.supervisor.warned)
        bench.supervisor.start()
        bench.session.lanes[0].intensity_ua = 5_000
        bench.turn(10, 800)
        self.assertEqual((bench.session.state, bench.supervisor.warned), (RUNNING, False))


if __name__ == "__main__":
    unittest.main()

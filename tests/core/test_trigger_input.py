"""Trains that begin at the trigger input: core/biofeedback.py, nmes/triggered.py and the virtual HAL."""

import unittest

from biofeedback_bench import Listening, table, waiting
from samples import Die, codes, phase, underruns

from nmes.core import faults
from nmes.core.session import COMPLETED, FAULT, HOST_LOST, IDLE, PAUSED, RUNNING

PULSES = 70  # of a train of biofeedback_bench.waiting
TO_PHASE_A_US = 2 + 271  # of the virtual HAL


class Laboratory(Listening):
    """A bench with something at the trigger input. `rises` are the us at which it rose."""

    def __init__(self, trigger=None, **changes):
        super().__init__()
        self.hal._signal_mv = -1  # nobody needs a sensor
        asked = dict({"source": "edge", "threshold_mv": None}, **(trigger or {}))
        self.asked = waiting(table(**asked), **changes)
        self.rises = []

    def level(self, high, after_us=0):
        """The input has this level `after_us` from now; the turn goes on after it."""
        self.hal.now_us += after_us
        if high and not self.hal.trigger_high():
            self.rises.append(self.hal.now_us)
        self.hal._set_trigger(high)

    def edge(self, after_us=3_456, high_ms=5):
        """A pulse of a generator, in the middle of a turn."""
        self.level(True, after_us)
        self.hal.now_us += 1_000 * high_ms
        self.level(False)
        self.turn()

    @property
    def firsts(self):
        """When the phase A of each train began, in us."""
        found, before = [], -1_000_000
        for begin_us, _, _, _ in self.phases:
            if begin_us - before > 100_000:
                found.append(begin_us)
            before = begin_us
        return found

    @property
    def phases(self):
        return self.hal.channels[0]._phases

    @property
    def given(self):
        return self.supervisor.status()["delivered"]

    @property
    def held(self):
        return self.hal.channels[0].queued() if self.supervisor._ready else 0

    def wait(self):
        """It runs, and waits for the edge."""
        self.run(self.asked, 10_000)
        self.turn(count=10)


class Edge(unittest.TestCase):
    def test_the_first_pulses_lie_ready_and_none_of_them_comes_before_an_edge(self):
        bench = Laboratory()
        bench.wait()
        self.assertTrue(bench.held > 1)
        bench.turn(count=500)
        self.assertEqual((bench.session.state, bench.part, bench.given), (RUNNING, "wait", 0))
        self.assertEqual((underruns(bench.session), bench.session.lanes[0].feed.works(bench.held)), (0, 0))

    def test_every_edge_is_as_long_before_its_first_phase_a_whenever_in_a_turn_it_comes(self):
        bench = Laboratory()
        bench.wait()
        for after_us in (0, 1, 999, 5_000, 9_999):
            bench.edge(after_us)
            bench.turn(count=20)
            self.assertEqual(bench.firsts[-1] - bench.rises[-1], TO_PHASE_A_US)
            bench.turn(count=500)
        self.assertEqual((len(bench.begins), bench.given, underruns(bench.session)), (5, 5 * PULSES, 0))

    def test_a_train_is_whole_and_its_pulses_come_at_their_times(self):
        bench = Laboratory()
        bench.wait()
        bench.edge()
        self.assertEqual(bench.part, "work")
        bench.turn(count=260)
        begins = [row[0] for row in bench.phases]
        self.assertEqual({b - a for a, b in zip(begins, begins[1:])}, {28_571})
        self.assertEqual((bench.given, bench.session.cancelled, bench.part), (PULSES, 0, "rest"))
        self.assertEqual(bench.session.lanes[0].feed.works(), 1)

    def test_h28_a_line_that_is_high_when_the_wait_begins_has_to_be_low_first(self):
        bench = Laboratory()
        bench.run(bench.asked, 10_000)
        bench.level(True)
        bench.turn(count=300)
        self.assertEqual((bench.given, bench.held), (0, 0))
        bench.level(False)
        bench.turn(count=5)
        bench.edge()
        bench.turn(count=10)
        self.assertEqual(len(bench.begins), 1)

    def test_the_input_has_to_be_low_for_three_turns(self):
        for turns, begun in ((1, 0), (5, 1)):
            bench = Laboratory()
            bench.run(bench.asked, 10_000)
            bench.level(True)
            bench.turn(count=20)
            bench.level(False)
            bench.turn(count=turns)
            bench.level(True)
            bench.turn(count=20)
            self.assertEqual(len(bench.begins), begun)

    def test_h28_an_edge_in_the_rest_starts_nothing_and_is_not_kept(self):
        bench = Laboratory()
        bench.wait()
        bench.edge()
        for _ in range(400):  # the train, and half of its rest
            bench.edge(1_000, 1)
        begun = len(bench.begins)
        bench.turn(count=500)
        self.assertEqual((begun, len(bench.begins), bench.given), (1, 1, PULSES))

    def test_h28_a_chattering_generator_gets_no_more_than_time_alone_would_give(self):
        bench = Laboratory(duration_ms=60_000)
        bench.run(bench.asked, 10_000)
        die = Die(7)
        while bench.session.state == RUNNING:
            bench.level(True, die.roll(3_000))
            bench.level(False, 1 + die.roll(3_000))
            bench.turn()
            if die.roll(8) == 0:
                bench.turn(count=8)  # quiet for long enough to count
        apart = [b - a for a, b in zip(bench.begins, bench.begins[1:])]
        self.assertTrue(len(bench.begins) > 5, bench.begins)
        self.assertTrue(min(apart) >= 5_000, apart)
        self.assertEqual(bench.session.ended, COMPLETED)
        self.assertEqual(bench.session.queued - bench.session.cancelled, PULSES * len(bench.begins))

    def test_none_begins_that_would_not_end_within_the_session(self):
        for at_ms, begun in ((7_880, 1), (7_910, 0)):
            bench = Laboratory(duration_ms=10_000)
            bench.run(bench.asked, 10_000)
            bench.turn(count=at_ms // 10)
            bench.edge()
            bench.turn(count=300)
            self.assertEqual((bench.session.ended, len(bench.begins)), (COMPLETED, begun))
            self.assertEqual(bench.session.queued - bench.session.cancelled, PULSES * begun)

    def test_so_many_contractions_are_a_session(self):
        bench = Laboratory({"contractions": 2})
        bench.wait()
        for _ in range(3):
            bench.edge()
            bench.turn(count=520)
        self.assertEqual((bench.session.ended, len(bench.begins)), (COMPLETED, 2))
        self.assertEqual(bench.session.queued - bench.session.cancelled, 2 * PULSES)

    def test_a_train_that_is_ready_as_a_whole_is_one_train(self):
        row = phase(pulses=2, work_ms=2_000, rest_ms=3_000, ramp_up_ms=0, ramp_down_ms=0, rate_mhz=35_000)
        bench = Laboratory(phases=[row], effect="sensory", kind="dummy")
        bench.wait()
        self.assertEqual(bench.held, 2)
        for count in (1, 2):
            bench.edge()
            self.assertEqual((len(bench.begins), bench.session.fault), (count, 0))
            bench.turn(count=530)
            self.assertEqual((bench.given, bench.part), (2 * count, "wait"))
        bench.supervisor.stop()
        self.assertEqual((bench.given, bench.session.queued - bench.session.cancelled), (4, 4))

    def test_the_fastest_train_runs_short_of_no_pulse(self):
        row = phase(rate_mhz=150_000, width_us=100, work_ms=2_000, rest_ms=3_000, ramp_up_ms=500, ramp_down_ms=500)
        bench = Laboratory(phases=[row])
        bench.wait()
        for _ in range(2):
            bench.edge(9_000)
            bench.turn(count=520)
        self.assertEqual((underruns(bench.session), bench.given, bench.session.state), (0, 600, RUNNING))

    def test_a_slow_train_is_ready_with_one_pulse(self):
        row = phase(rate_mhz=2_000, work_ms=2_000, rest_ms=3_000, ramp_up_ms=0, ramp_down_ms=0)
        bench = Laboratory(phases=[row], effect="sensory", kind="dummy")
        bench.wait()
        self.assertEqual(bench.held, 1)
        bench.edge()
        bench.turn(count=300)
        self.assertEqual((bench.given, bench.session.fault), (4, 0))


class Ends(unittest.TestCase):
    def setUp(self):
        self.bench = Laboratory()
        self.bench.wait()

    def test_h28_nothing_that_lay_ready_comes_out_after_a_stop(self):
        bench = self.bench
        held = bench.held
        bench.supervisor.stop()
        bench.edge()
        bench.turn(count=100)
        self.assertEqual((bench.session.state, bench.phases, bench.session.cancelled), (IDLE, [], held))

    def test_h28_an_edge_in_the_turn_of_the_stop_is_one_pulse_at_most(self):
        bench = self.bench
        bench.level(True, 1_000)
        bench.hal.now_us += 300
        bench.hal.channels[0].advance(bench.hal.now_us)
        bench.supervisor.stop()
        bench.turn(count=100)
        self.assertEqual((bench.session.state, bench.session.fault, bench.given), (IDLE, 0, 1))
        self.assertEqual(bench.trigger.begun, 1)

    def test_a_pause_puts_back_what_lay_ready_and_the_line_has_to_be_low_anew(self):
        bench = self.bench
        bench.supervisor.pause()
        bench.level(True)
        bench.turn(count=50)
        bench.supervisor.start()
        bench.turn(count=50)
        self.assertEqual((bench.session.state, bench.given, bench.part), (RUNNING, 0, "wait"))
        bench.level(False)
        bench.turn(count=10)
        bench.edge()
        bench.turn(count=260)
        self.assertEqual((len(bench.begins), bench.given), (1, PULSES))

    def test_a_pause_in_a_train_of_an_edge_gives_its_rest_afterwards(self):
        bench = self.bench
        bench.edge()
        bench.turn(count=50)
        bench.supervisor.pause()
        self.assertEqual((bench.session.state, bench.part), (PAUSED, "work"))
        bench.supervisor.start()
        bench.turn(count=200)
        self.assertEqual((bench.given, bench.session.fault), (PULSES, 0))

    def test_h28_down_holds_for_what_lies_ready_too(self):
        row = phase(work_ms=2_000, rest_ms=3_000, ramp_up_ms=0, ramp_down_ms=0)
        bench = Laboratory(phases=[row], effect="sensory", kind="dummy")
        bench.wait()
        held = bench.held
        for current_ua in (9_000, 10_000, 9_500, 0):
            bench.supervisor.set_intensity(current_ua, 0)
            self.assertEqual({each[1] for each in bench.hal.channels[0]._waiting}, {current_ua // 100})
            self.assertEqual(bench.held, held)
            bench.turn(count=30)
        self.assertEqual((bench.given, len(bench.begins)), (0, 0))

    def test_a_refused_intensity_leaves_the_train_ready(self):
        bench = self.bench
        held = bench.held
        self.assertEqual(codes(bench.supervisor.set_intensity, 12_000, 0), ["step_too_large"])
        self.assertEqual(bench.held, held)

    def test_rate_and_width_that_are_set_anew_hold_for_what_lies_ready(self):
        bench = self.bench
        bench.supervisor.adjust(20_000, 250, 0)
        self.assertEqual({row[3] for row in bench.hal.channels[0]._waiting}, {250})
        bench.edge()
        bench.turn(count=260)
        self.assertEqual(bench.given, 40)

    def test_h29_after_a_fault_nothing_that_is_asked_reaches_the_engine(self):
        bench = self.bench
        asked = []
        bench.supervisor.fail(faults.INTERNAL_ERROR, "while pulses lay ready")
        bench.hal.let_go = lambda: asked.append("let_go") or 0
        bench.hal.hold = lambda: asked.append("hold")
        self.assertEqual(codes(lambda: bench.supervisor.set_intensity(0, 0)), ["wrong_state"])
        self.assertEqual((asked, bench.session.state, bench.phases), ([], FAULT, []))

    def test_h29_an_emergency_stop_while_it_lies_ready_is_a_fault_and_nothing_comes(self):
        bench = self.bench
        bench.hal.trip = faults.EMERGENCY_STOP
        bench.turn()
        bench.edge()
        bench.turn(count=50)
        self.assertEqual((bench.session.state, bench.session.fault, bench.phases), (FAULT, faults.EMERGENCY_STOP, []))

    def test_no_host_no_train(self):
        bench = self.bench
        for turn in range(320):
            bench.hal.pass_ms(10)
            bench.hal._set_trigger(turn > 230)
            bench.supervisor.step(bench.hal.now_ms())
        self.assertEqual((bench.session.state, bench.session.ended), (IDLE, HOST_LOST))
        self.assertEqual((bench.trigger.begun, bench.phases), (0, []))


class Timeout(unittest.TestCase):
    def test_without_an_edge_it_rests_and_waits_again(self):
        bench = Laboratory()
        bench.wait()
        bench.turn(count=800)
        self.assertEqual((bench.part, bench.trigger.skipped, bench.held), ("rest", 1, 0))
        bench.edge()  # in the rest
        bench.turn(count=310)
        self.assertEqual((bench.part, bench.given), ("wait", 0))
        bench.edge()
        bench.turn(count=260)
        self.assertEqual((bench.given, bench.session.fault), (PULSES, 0))

    def test_or_it_begins_where_the_prescription_says_so(self):
        bench = Laboratory({"on_timeout": "begin"})
        bench.wait()
        bench.turn(count=800 + 260)
        self.assertEqual((len(bench.begins), bench.given, bench.session.fault), (1, PULSES, 0))


class Bad(unittest.TestCase):
    def test_a_line_that_is_high_arms_nothing(self):
        bench = Laboratory()
        bench.level(True)
        bench.load(bench.asked)
        self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc, 0), ["trigger_high"])
        self.assertEqual(bench.session.state, IDLE)

    def test_h29_one_that_stays_high_is_a_fault(self):
        bench = Laboratory()
        bench.wait()
        bench.level(True)
        bench.turn(count=1_500)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BIOFEEDBACK_INPUT))
        self.assertEqual((bench.session.fault_text, len(bench.begins)), ("the trigger input stays high", 1))
        self.assertFalse(bench.hal.enabled())

    def test_h29_a_cable_that_is_pulled_while_it_waits_starts_nothing(self):
        bench = Laboratory()
        bench.wait()
        bench.level(False)  # what the pin's pull-down makes of it
        bench.turn(count=700)
        self.assertEqual((bench.session.state, bench.given), (RUNNING, 0))

    def test_h28_an_input_that_rises_while_pulses_are_made_ready_starts_nothing(self):
        bench = Laboratory()
        bench.run(bench.asked, 10_000)
        hold = bench.hal.hold

        def held_and_risen():
            held = hold()
            bench.level(True)
            return held

        bench.hal.hold = held_and_risen
        bench.turn(count=20)
        self.assertEqual((bench.given, bench.held, bench.session.fault), (0, 0, 0))
        bench.hal.hold = hold
        bench.level(False)
        bench.turn(count=10)
        bench.edge()
        bench.turn(count=10)
        self.assertEqual((len(bench.begins), bench.session.fault), (1, 0))

    def test_h28_an_engine_that_cannot_be_held_is_given_nothing(self):
        bench = Laboratory()
        bench.run(bench.asked, 10_000)
        bench.hal.hold = lambda: False
        bench.turn(count=200)
        bench.edge()
        bench.turn(count=100)
        self.assertEqual((bench.given, bench.session.queued, bench.session.state), (0, 0, RUNNING))


class Random(unittest.TestCase):
    def test_h28_whatever_comes_trains_are_whole_and_never_closer_than_accepted(self):
        trains = 0
        for seed in range(8):
            die = Die(100 + seed)
            bench = Laboratory(
                {"timeout_ms": die.one_of((1_000, 3_000)), "on_timeout": die.one_of(("begin", "skip"))},
                duration_ms=40_000,
            )
            bench.run(bench.asked, 10_000)
            while bench.session.state in (RUNNING, PAUSED):
                roll = die.roll(60)
                if bench.session.state == PAUSED:
                    bench.supervisor.start()
                elif roll == 0:
                    bench.supervisor.pause()
                elif roll == 1:
                    bench.supervisor.set_intensity(0, 0)
                elif roll < 30:
                    bench.level(die.roll(2) == 1, die.roll(9_000))
                bench.turn()
            apart = [b - a for a, b in zip(bench.begins, bench.begins[1:])]
            self.assertTrue(min(apart + [5_000]) >= 5_000, (seed, bench.begins))
            given = bench.session.queued - bench.session.cancelled
            self.assertEqual((seed, given, bench.session.fault), (seed, PULSES * len(bench.begins), 0))
            trains += len(bench.begins)
        self.assertTrue(trains > 16, trains)


if __name__ == "__main__":
    unittest.main()

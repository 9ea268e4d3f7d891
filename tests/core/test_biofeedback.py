"""core/biofeedback.py and nmes/triggered.py: contractions that their person starts, on the virtual HAL."""

import unittest

import samples
from biofeedback_bench import QUIET, TIGHT, Listening, table, waiting
from samples import MICROPYTHON, Die, codes, heap_lock, heap_unlock, phase, programme

from nmes.core import biofeedback, faults, frame
from nmes.core.phase import Phase
from nmes.core.session import COMPLETED, FAULT, HOST_LOST, IDLE, PAUSED, RUNNING
from nmes.core.trigger import STATUS_FIELDS


class Signal(unittest.TestCase):
    def setUp(self):
        self.bench = Listening()

    def test_nothing_begins_by_itself(self):
        bench = self.bench
        bench.run(waiting(), 10_000)
        bench.turn(count=700)
        self.assertEqual((bench.session.state, bench.part, bench.session.queued), (RUNNING, "wait", 0))

    def test_a_contraction_begins_when_the_signal_passes_its_threshold_and_is_a_whole_train(self):
        bench = self.bench
        bench.run(waiting(), 10_000)
        bench.turn(count=50)
        bench.tighten()
        self.assertEqual((bench.part, bench.begins), ("work", [530]))
        bench.turn(count=170)
        self.assertEqual(bench.part, "work")
        bench.turn(count=30)
        self.assertEqual((bench.part, bench.session.queued, samples.underruns(bench.session)), ("rest", 70, 0))
        bench.turn(count=300)
        self.assertEqual((bench.part, bench.session.queued), ("wait", 70))
        bench.tighten()
        bench.turn(count=300)
        self.assertEqual((len(bench.begins), bench.session.queued, bench.session.state), (2, 140, RUNNING))
        self.assertEqual(bench.session.lanes[0].feed.works(), 2)

    def test_each_pulse_is_judged_and_every_one_that_was_asked_for_has_begun(self):
        bench = self.bench
        bench.run(waiting(), 10_000)
        for _ in range(3):
            bench.turn(count=10)
            bench.tighten()
            bench.turn(count=520)
        bench.supervisor.stop()
        self.assertEqual((bench.session.state, bench.session.queued, bench.session.cancelled), (IDLE, 210, 0))
        self.assertEqual((bench.session.delivery.judged > 0, bench.supervisor.status()["delivered"]), (True, 210))

    def test_the_threshold_is_met_by_what_is_as_high_and_not_by_what_is_lower(self):
        for mv, begun in ((299, 0), (300, 1), (3_199, 1), (3_200, 0)):
            bench = Listening()
            bench.run(waiting(), 10_000)
            bench.turn(count=20)
            bench.signal(mv, 200)
            self.assertEqual((mv, len(bench.begins)), (mv, begun))

    def test_a_spike_of_two_turns_is_no_contraction(self):
        bench = self.bench
        bench.run(waiting(), 10_000)
        for _ in range(50):
            bench.signal(TIGHT, 20)
            bench.signal(QUIET, 30)
        self.assertEqual(bench.begins, [])

    def test_who_is_tight_from_the_begin_has_to_let_go_first(self):
        bench = self.bench
        bench.hal._signal_mv = TIGHT
        bench.run(waiting(), 10_000)
        bench.turn(count=300)
        self.assertEqual(bench.begins, [])
        bench.signal(251, 100)  # not below the hysteresis
        bench.signal(TIGHT, 100)
        self.assertEqual(bench.begins, [])
        bench.signal(249, 100)
        bench.signal(TIGHT, 100)
        self.assertEqual(len(bench.begins), 1)

    def test_a_signal_at_the_threshold_is_one_contraction_and_not_many(self):
        bench = self.bench
        bench.run(waiting(duration_ms=30_000), 10_000)
        bench.turn(count=10)
        for _ in range(600):  # it trembles within the hysteresis
            bench.signal(320, 20)
            bench.signal(280, 20)
        self.assertTrue(len(bench.begins) <= 1, bench.begins)

    def test_h28_the_fastest_person_gets_no_more_than_time_alone_would_give(self):
        bench = self.bench
        bench.run(waiting(duration_ms=60_000), 10_000)
        while bench.session.state == RUNNING:
            bench.signal(TIGHT, 30)
            bench.signal(QUIET, 30)
        apart = [b - a for a, b in zip(bench.begins, bench.begins[1:])]
        self.assertTrue(min(apart) >= 5_000, apart)
        self.assertTrue(max(apart) <= 5_150, apart)
        self.assertTrue(bench.begins[-1] + 2_000 <= 60_000)
        self.assertEqual((bench.session.ended, len(bench.begins)), (COMPLETED, 12))

    def in_a_train_without_a_rest(self):
        """The bench, in its first contraction: 2 s long, and for 1 s after it the signal is the muscle's answer."""
        bench = self.bench
        row = phase(rate_mhz=10_000, work_ms=2_000, rest_ms=0, ramp_up_ms=500, ramp_down_ms=500, duration_ms=60_000)
        bench.run(waiting(table(refractory_ms=1_000), [row]), 10_000)
        bench.turn(count=10)
        bench.tighten()
        return bench

    def test_after_a_contraction_its_own_answer_is_not_looked_at(self):
        # A programme without a rest, and a muscle whose answer goes on after the train: low and high once more.
        bench = self.in_a_train_without_a_rest()
        bench.turn(count=180)  # the train is over 2 s after its begin
        for _ in range(15):
            bench.signal(QUIET, 30)
            bench.signal(TIGHT, 30)
        self.assertEqual(len(bench.begins), 1)
        bench.signal(QUIET, 200)
        bench.signal(TIGHT, 100)
        self.assertEqual(len(bench.begins), 2)
        self.assertTrue(bench.begins[1] - bench.begins[0] >= 3_000, bench.begins)

    def test_h28_a_pause_within_a_contraction_ends_no_refractory_time(self):
        # Found by the campaign: after it the answer to the pulses began the next contraction.
        bench = self.in_a_train_without_a_rest()
        bench.turn(count=50)
        bench.supervisor.pause()
        bench.turn(count=50)
        bench.supervisor.start()
        for _ in range(35):
            bench.signal(QUIET, 30)
            bench.signal(TIGHT, 30)
        self.assertEqual(len(bench.begins), 1)
        bench.signal(QUIET, 500)
        bench.signal(TIGHT, 100)
        self.assertEqual(len(bench.begins), 2)
        self.assertTrue(bench.begins[1] - bench.begins[0] >= 3_000, bench.begins)

    def test_the_fastest_train_runs_short_of_no_pulse_at_its_begin(self):
        # The engine knows no period before its first pulse, and takes that one alone.
        row = phase(rate_mhz=150_000, width_us=100, work_ms=2_000, rest_ms=3_000, ramp_up_ms=500, ramp_down_ms=500)
        bench = self.bench
        bench.run(waiting(phases=[row]), 1_000)
        for _ in range(2):
            bench.turn(count=10)
            bench.tighten()
            bench.turn(count=520)
        self.assertEqual(
            (samples.underruns(bench.session), bench.session.queued, bench.session.state), (0, 600, RUNNING)
        )
        begins = [row[0] for row in bench.hal.channels[0]._phases]
        self.assertEqual({b - a for a, b in zip(begins, begins[1:])}, {6_667})

    def test_so_many_contractions_are_a_session(self):
        bench = self.bench
        bench.run(waiting(table(contractions=2)), 10_000)
        for _ in range(3):
            bench.turn(count=10)
            bench.tighten()
            bench.turn(count=520)
        self.assertEqual((bench.session.state, bench.session.ended, len(bench.begins)), (IDLE, COMPLETED, 2))
        self.assertEqual(bench.session.queued, 140)

    def test_none_begins_that_would_not_end_within_the_session(self):
        bench = self.bench
        bench.run(waiting(duration_ms=10_000), 10_000)
        bench.turn(count=798)
        bench.tighten(50)
        self.assertEqual((bench.begins, bench.session.ended), ([], COMPLETED))

    def test_the_last_one_that_fits_is_whole(self):
        bench = self.bench
        bench.run(waiting(duration_ms=10_000), 10_000)
        bench.turn(count=797)
        bench.tighten(30)
        self.assertEqual(bench.begins, [8_000])
        bench.turn(count=250)
        self.assertEqual((bench.session.ended, bench.session.queued), (COMPLETED, 70))


class Timeout(unittest.TestCase):
    def test_who_does_nothing_gets_a_rest_and_another_chance(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        bench.turn(count=801)
        self.assertEqual((bench.part, bench.trigger.skipped, bench.begins), ("rest", 1, []))
        bench.tighten()  # in the rest it does not count
        bench.turn(count=299)
        self.assertEqual((bench.part, bench.begins), ("wait", []))
        bench.turn(count=10)
        bench.tighten()
        self.assertEqual((bench.part, len(bench.begins), bench.trigger.skipped), ("work", 1, 1))

    def test_or_a_contraction_where_the_prescription_says_so(self):
        bench = Listening()
        bench.run(waiting(table(on_timeout="begin")), 10_000)
        bench.turn(count=799)
        self.assertEqual(bench.begins, [])
        bench.turn(count=20)
        self.assertEqual((bench.part, len(bench.begins)), ("work", 1))
        bench.turn(count=500 + 800)
        self.assertEqual(len(bench.begins), 2)
        self.assertTrue(bench.begins[1] - bench.begins[0] >= 13_000, bench.begins)


class Switch(unittest.TestCase):
    def setUp(self):
        self.bench = Listening()
        self.bench.hal._signal_mv = -1  # nobody needs a sensor
        self.asked = waiting(table(source="switch", threshold_mv=None))

    def press(self, ms=200):
        self.bench.hal._closed = True
        self.bench.turn(count=ms // 10)
        self.bench.hal._closed = False

    def test_a_press_starts_a_contraction_and_a_bounce_does_not(self):
        bench = self.bench
        bench.run(self.asked, 10_000)
        bench.turn(count=10)
        self.press(20)
        bench.turn(count=10)
        self.assertEqual(bench.begins, [])
        self.press(50)
        self.assertEqual(len(bench.begins), 1)

    def test_held_down_it_is_one_press(self):
        bench = self.bench
        bench.run(self.asked, 10_000)
        bench.turn(count=10)
        self.press(8_000)
        self.assertEqual((len(bench.begins), bench.session.state), (1, RUNNING))

    def test_a_switch_that_is_closed_arms_nothing(self):
        self.bench.hal._closed = True
        self.bench.load(self.asked)
        self.assertEqual(codes(self.bench.supervisor.arm, self.bench.session.programme_crc, 0), ["switch_closed"])
        self.assertEqual(self.bench.session.state, IDLE)

    def test_h29_one_that_never_opens_again_is_a_fault(self):
        bench = self.bench
        bench.run(self.asked, 10_000)
        bench.turn(count=10)
        bench.hal._closed = True
        bench.turn(count=1_500)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BIOFEEDBACK_INPUT))
        self.assertEqual((bench.session.fault_text, len(bench.begins)), ("the hand switch stays closed", 1))
        self.assertFalse(bench.hal.enabled())


class Bad(unittest.TestCase):
    """Off rather than on."""

    def test_a_session_needs_a_sensor_that_is_there(self):
        for mv, code in ((-1, "signal_floats"), (3_200, "signal_saturated")):
            bench = Listening()
            bench.hal._signal_mv = mv
            bench.load(waiting())
            self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc, 0), [code])
            self.assertEqual(bench.session.state, IDLE)

    def test_h29_a_sensor_that_comes_off_while_it_is_waited_for_is_a_fault(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        bench.turn(count=100)
        bench.hal._signal_mv = -1
        bench.turn(count=101)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BIOFEEDBACK_INPUT))
        self.assertEqual(bench.session.fault_text, "the biofeedback input floats")
        self.assertFalse(bench.hal.enabled())

    def test_h29_it_is_looked_at_once_more_before_a_contraction(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        bench.turn(count=10)
        bench.hal._signal_mv = TIGHT
        bench.hal.signal_floats = lambda: True  # an input that nothing drives, and that reads high all the same
        bench.turn(count=3)
        self.assertEqual((bench.session.state, bench.session.queued), (FAULT, 0))
        self.assertEqual(bench.session.fault, faults.BIOFEEDBACK_INPUT)

    def test_h29_one_that_is_saturated_is_a_fault_in_the_rest_too(self):
        for before in (10, 300):  # while it waits, and in the rest after a contraction
            bench = Listening()
            bench.run(waiting(), 10_000)
            bench.turn(count=10)
            if before > 10:
                bench.tighten()
            bench.turn(count=before)
            bench.hal._signal_mv = 3_300
            bench.turn(count=99)
            self.assertEqual(bench.session.state, RUNNING)
            bench.turn(count=5)
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.BIOFEEDBACK_INPUT))
            self.assertEqual(bench.session.fault_text, "the biofeedback input is saturated")

    def test_h28_pulses_cannot_start_the_next_contraction(self):
        bench = Listening()
        bench.hal._artefact_mv = 2_000  # while a pulse is on its way, and for 5 ms after it
        bench.run(waiting(), 10_000)
        bench.turn(count=10)
        bench.tighten()
        seen = []
        step = bench.trigger.step

        def noted(clock_ms, mv, closed):
            seen.append(mv)
            return step(clock_ms, mv, closed)

        bench.trigger.step = noted
        bench.turn(count=1_000)
        self.assertEqual((len(bench.begins), bench.session.state), (1, RUNNING))
        self.assertTrue(len(seen) > 500)
        self.assertEqual(max(seen), QUIET, "the artefact is never looked at")

    def test_a_floating_input_that_nobody_asks_for_keeps_nobody_from_anything(self):
        bench = Listening()
        bench.hal._signal_mv = -1
        data = waiting()
        del data["trigger"]
        bench.run(data, 10_000)
        bench.turn(count=700)
        self.assertEqual((bench.session.state, bench.session.lanes[0].feed.works()), (RUNNING, 2))


class Learning(unittest.TestCase):
    def setUp(self):
        self.bench = Listening()
        self.bench.run(waiting(table(threshold_mv=0)), 10_000)

    def tries(self, *levels, rest=QUIET):
        for mv in levels:
            self.bench.signal(rest, 3_000)
            self.bench.signal(mv, 3_000)
        self.bench.signal(rest, 100)

    def test_three_tries_make_a_threshold_and_nothing_is_put_out_meanwhile(self):
        bench = self.bench
        self.assertEqual(bench.part, "relax")
        self.tries(500, 900, 700)
        self.assertEqual((bench.trigger.threshold_mv, bench.session.queued), (QUIET + (500 - QUIET) // 2, 0))
        self.assertEqual(bench.part, "rest")
        bench.turn(count=300)
        self.assertEqual(bench.part, "wait")
        bench.signal(400, 100)
        self.assertEqual((bench.part, len(bench.begins)), ("work", 1))

    def test_what_a_person_is_to_do_is_said(self):
        bench = self.bench
        bench.turn(count=299)
        self.assertEqual((bench.part, bench.trigger.tries), ("relax", 0))
        bench.turn(count=5)
        self.assertEqual(bench.part, "try")
        bench.turn(count=300)
        self.assertEqual((bench.part, bench.trigger.tries), ("relax", 1))

    def test_tries_that_are_like_the_rest_end_the_session(self):
        self.tries(239, 900, 900)
        self.assertEqual((self.bench.session.state, self.bench.session.ended), (IDLE, "signal too weak"))
        self.assertFalse(self.bench.hal.enabled())

    def test_just_enough_is_enough(self):
        self.tries(240, 900, 900)
        self.assertEqual((self.bench.session.state, self.bench.trigger.threshold_mv), (RUNNING, 140))

    def test_a_spike_is_no_try(self):
        bench = self.bench
        for _ in range(3):
            bench.signal(QUIET, 3_000)
            bench.signal(2_000, 20)
            bench.signal(QUIET, 2_980)
        bench.turn(count=5)
        self.assertEqual(bench.session.ended, "signal too weak")

    def test_after_a_pause_it_begins_anew_and_what_was_learned_stays(self):
        bench = self.bench
        self.tries(500)
        bench.supervisor.pause()
        bench.supervisor.start()
        self.tries(900, 900, 900)
        self.assertEqual(bench.trigger.threshold_mv, QUIET + (900 - QUIET) // 2)
        bench.supervisor.pause()
        bench.supervisor.start()
        bench.turn(count=10)
        self.assertEqual((bench.part, bench.trigger.threshold_mv), ("wait", QUIET + (900 - QUIET) // 2))

    def test_h29_a_sensor_that_comes_off_meanwhile_is_a_fault(self):
        self.bench.turn(count=10)
        self.bench.hal._signal_mv = -1
        self.bench.turn(count=101)
        self.assertEqual(self.bench.session.fault, faults.BIOFEEDBACK_INPUT)


class Interrupted(unittest.TestCase):
    def setUp(self):
        self.bench = Listening()
        self.bench.run(waiting(), 10_000)
        self.bench.turn(count=10)

    def test_a_pause_in_a_contraction_gives_its_rest_at_zero_and_then_the_whole_rest(self):
        bench = self.bench
        bench.tighten(500)
        bench.supervisor.pause()
        self.assertEqual((bench.session.state, bench.part), (PAUSED, "work"))
        bench.turn(count=1_000)
        bench.supervisor.start()
        self.assertEqual(samples.first(bench.session).intensity_ua, 0)
        bench.turn(count=150)
        self.assertEqual(bench.session.queued - bench.session.cancelled, 70)
        begun_ms = bench.begins[0]
        for _ in range(60):
            bench.signal(TIGHT, 50)
            bench.signal(QUIET, 50)
        self.assertEqual(len(bench.begins), 2)
        self.assertTrue(bench.begins[1] - begun_ms >= 5_000, bench.begins)

    def test_a_pause_while_it_waits_has_the_signal_let_go_first(self):
        bench = self.bench
        bench.supervisor.pause()
        bench.hal._signal_mv = TIGHT
        bench.turn(count=10)
        bench.supervisor.start()
        bench.turn(count=50)
        self.assertEqual((bench.begins, bench.part), ([], "wait"))
        bench.signal(QUIET, 50)
        bench.tighten()
        self.assertEqual(len(bench.begins), 1)

    def test_a_pause_just_before_the_last_pulses_gives_them_afterwards(self):
        bench = self.bench
        bench.tighten(100)
        bench.turn(count=186)  # all are queued, some have not begun
        self.assertEqual((bench.session.queued, bench.session.lanes[0].feed.waits()), (70, True))
        bench.supervisor.pause()
        self.assertTrue(bench.session.cancelled > 0)
        self.assertFalse(bench.session.lanes[0].feed.waits())
        bench.supervisor.start()
        bench.turn(count=60)
        self.assertEqual((bench.session.queued - bench.session.cancelled, bench.session.state), (70, RUNNING))
        bench.turn(count=300)
        self.assertEqual((bench.part, len(bench.begins)), ("wait", 1))

    def test_no_host_no_contraction(self):
        bench = self.bench
        for turn in range(310):
            bench.hal._signal_mv = TIGHT if turn > 220 else QUIET  # when it is missed already
            bench.hal.pass_ms(10)
            bench.supervisor.step(bench.hal.now_ms())
        self.assertEqual((bench.session.state, bench.session.ended), (IDLE, HOST_LOST))
        self.assertEqual((bench.trigger.begun, bench.session.queued), (0, 0))

    def test_rate_and_width_may_be_set_between_two_contractions_and_the_next_is_whole(self):
        bench = self.bench
        bench.tighten()
        bench.turn(count=250)
        bench.supervisor.adjust(20_000, 250, 0)
        bench.turn(count=300)
        before = bench.session.queued
        bench.tighten()
        bench.turn(count=400)
        self.assertEqual((bench.session.queued - before, bench.session.state), (40, RUNNING))


class Allocation(unittest.TestCase):
    def test_a_turn_that_looks_allocates_nothing(self):
        made = biofeedback.Trigger(table(), a_phase(), 100_000, 3_200)
        learning = biofeedback.Trigger(table(threshold_mv=0), a_phase(), 100_000, 3_200)
        heap_lock()
        try:
            for ms in range(0, 20_000, 10):
                made.step(ms, 40 if ms % 300 < 200 else 600, False)
                learning.step(ms, 40 if ms % 300 < 200 else 600, False)
        finally:
            heap_unlock()


class Random(unittest.TestCase):
    """Whatever a person, a sensor and pauses do: never more than was accepted."""

    def test_h28_trains_are_whole_and_never_closer_than_accepted(self):
        for seed in range(4 if MICROPYTHON else 12):
            die = Die(1 + seed)
            bench = Listening()
            trigger = table(
                threshold_mv=die.one_of((0, 300, 1_000)),
                timeout_ms=die.one_of((1_000, 3_000)),
                refractory_ms=die.one_of((100, 4_000)),
                on_timeout=die.one_of(("begin", "skip")),
                contractions=die.one_of((0, 0, 3)),
            )
            bench.run(waiting(trigger, duration_ms=40_000), 10_000)
            while bench.session.state in (RUNNING, PAUSED):
                roll = die.roll(40)
                if bench.session.state == PAUSED:
                    bench.supervisor.start()
                elif roll == 0:
                    bench.supervisor.pause()
                elif roll < 20:
                    bench.signal(die.roll(1_500), 10 * die.roll(60))
                else:
                    bench.signal(QUIET, 10 * die.roll(60))
                bench.turn()
            apart = [b - a for a, b in zip(bench.begins, bench.begins[1:])]
            self.assertTrue(min(apart + [5_000]) >= 5_000, (seed, bench.begins))
            self.assertTrue(max(bench.begins + [0]) + 2_000 <= 40_000, (seed, bench.begins))
            given = bench.session.queued - bench.session.cancelled
            self.assertEqual((seed, given, bench.session.fault), (seed, 70 * len(bench.begins), 0))
            if trigger["contractions"]:
                self.assertTrue(len(bench.begins) <= 3)


def a_phase():
    return Phase("work", phase(work_ms=2_000, rest_ms=3_000, ramp_up_ms=500, ramp_down_ms=500))


if __name__ == "__main__":
    unittest.main()


class WhatAHostIsTold(unittest.TestCase):
    """The status has the signal, and only where it is waited for."""

    def test_the_signal_while_it_is_waited_for_and_nothing_while_a_train_runs(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        self.assertEqual(told(bench)["signal_mv"], QUIET)
        bench.turn(count=20)
        bench.signal(210, 30)
        self.assertEqual(sorted(told(bench)), sorted(STATUS_FIELDS))
        self.assertEqual(
            told(bench),
            {
                "source": "signal",
                "signal_mv": 210,
                "threshold_mv": 300,
                "full_mv": 600,
                "contractions": 0,
                "skipped": 0,
                "tries": 0,
            },
        )
        bench.tighten()
        self.assertEqual((bench.part, told(bench)["signal_mv"], told(bench)["contractions"]), ("work", None, 1))
        bench.turn(count=300)
        bench.signal(77, 10)
        self.assertEqual((bench.part, told(bench)["signal_mv"]), ("rest", 77))

    def test_what_was_seen_before_a_pause_is_not_told_in_it_or_after(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        bench.turn(count=20)
        bench.supervisor.pause()
        self.assertEqual(told(bench)["signal_mv"], None)
        bench.hal._signal_mv = 55
        bench.supervisor.start()
        self.assertEqual(told(bench)["signal_mv"], 55)

    def test_a_threshold_that_is_learned_is_told_when_it_is_known_and_stays_after_the_session(self):
        bench = Listening()
        bench.run(waiting(table(threshold_mv=None)), 10_000)
        bench.turn(count=100)
        self.assertEqual((told(bench)["threshold_mv"], told(bench)["full_mv"], told(bench)["tries"]), (None, 3_200, 0))
        while bench.trigger.learns:
            bench.signal(TIGHT if bench.part == "try" else QUIET, 100)
        self.assertEqual((told(bench)["threshold_mv"], told(bench)["full_mv"], told(bench)["tries"]), (320, 640, 3))
        bench.supervisor.stop()
        self.assertEqual((told(bench)["threshold_mv"], told(bench)["signal_mv"]), (320, None))
        bench.supervisor.load(programme())
        self.assertFalse("trigger" in bench.supervisor.status())

    def test_a_hand_switch_has_no_signal(self):
        bench = Listening()
        bench.run(waiting(table(source="switch", threshold_mv=None)), 10_000)
        bench.turn(count=900)
        seen = told(bench)
        self.assertEqual((seen["source"], seen["signal_mv"], seen["threshold_mv"]), ("switch", None, None))
        self.assertEqual((seen["contractions"], seen["skipped"]), (0, 1))

    def test_a_session_that_time_starts_has_nothing_of_it(self):
        bench = Listening()
        bench.run(programme(), 1_000)
        bench.turn(count=10)
        self.assertEqual((bench.session.state, "trigger" in bench.supervisor.status()), (RUNNING, False))

    def test_its_line_fits_into_the_memory_that_a_status_has(self):
        bench = Listening()
        bench.run(waiting(), 10_000)
        bench.turn(count=20)
        line = frame.encode(dict(bench.supervisor.status(), event="status"))
        self.assertTrue(len(line) < frame.STATUS_BYTES - 200, len(line))


def told(bench):
    return bench.supervisor.status()["trigger"]

"""core/train.py: every pulse once, in its train, under the envelope, whatever was cancelled in between."""

import unittest

import samples
from samples import Die, heap_lock, heap_unlock

from nmes.core import programme, train
from nmes.hal.common import LOOKAHEAD_US


def feed(phases=None, **changes):
    whole = programme.parse(samples.programme(phases, **changes))
    return train.Feed(whole), whole


def all_pulses(made, until_ms, full=1_000):
    """Take every pulse as soon as it is due, a millisecond at a time: [(elapsed, phase name, begin, k, level)]."""
    taken = []
    for elapsed_ms in range(until_ms):
        while samples.due(made, elapsed_ms):
            taken.append((elapsed_ms, made.phase.name, made.begin_ms, made.k, samples.level(made, full)))
            made.take()
    return taken


TWO = [
    samples.phase(name="a", rate_mhz=10_000, work_ms=2_000, rest_ms=1_000, duration_ms=9_500),
    samples.phase(name="b", rate_mhz=35_000, work_ms=3_000, rest_ms=2_000, duration_ms=11_000),
]


def alike_one_by_one(made, full, elapsed_ms, most):
    """How many pulses are due and like the next one, asked for one by one. The feed stays as it was."""
    count, first = 0, None
    while count < most and samples.due(made, elapsed_ms):
        if count and made.k == made.phase.pulses - 1:
            break  # a train's last one comes alone: its interval is the rest
        one = (made.width_us, made.interval_us, samples.level(made, full))
        if first is None:
            first = one
        elif one != first:
            break
        made.take()
        count += 1
        if made.k == 0:
            break
    made.put_back(count)
    return count


class HowManyAreAlike(unittest.TestCase):
    def test_as_many_as_one_by_one_in_ramps_and_between_them_at_each_millisecond(self):
        most_seen = 0
        for rate_mhz in (10_000, 35_000, 150_000, 499_000):
            shape = samples.phase(
                rate_mhz=rate_mhz, work_ms=700, rest_ms=700, ramp_up_ms=250, ramp_down_ms=150, duration_ms=4_200
            )
            for full in (0, 37, 1_000):
                for most, step_ms in ((1, 7), (2, 7), (5, 7), (40, 7), (40, 45)):
                    made, whole = feed([shape], effect="sensory", kind="dummy")
                    for elapsed_ms in range(0, whole.duration_ms, step_ms):
                        expected = alike_one_by_one(made, full, elapsed_ms, most)
                        count = made.alike(full, elapsed_ms, most)
                        self.assertEqual(count, expected, str((rate_mhz, full, most, elapsed_ms, made.k)))
                        most_seen = max(most_seen, count)
                        if count:
                            made.take(count)
        self.assertTrue(most_seen > 20)

    def test_never_more_than_one_by_one_in_bursts_sweeps_and_alternations(self):
        for changes in (
            {"burst_pulses": 3, "burst_rate_mhz": 20_000},
            {"burst_pulses": 9, "burst_rate_mhz": 9_000},
            {"change": "sweep", "change_ms": 300, "rate_to_mhz": 140_000, "width_to_us": 300},
            {"change": "alternate", "change_ms": 333, "rate_to_mhz": 140_000, "width_to_us": 300},
        ):
            shape = samples.phase(
                rate_mhz=100_000, work_ms=0, rest_ms=0, ramp_up_ms=0, ramp_down_ms=0, duration_ms=2_000
            )
            made, whole = feed([dict(shape, **changes)], effect="sensory", kind="dummy")
            for elapsed_ms in range(0, whole.duration_ms, 23):
                while samples.due(made, elapsed_ms):
                    expected = alike_one_by_one(made, 1_000, elapsed_ms, 40)
                    count = made.alike(1_000, elapsed_ms, 40)
                    self.assertTrue(0 < count <= expected, str((changes, elapsed_ms, count, expected)))
                    made.take(count)

    def test_none_beyond_a_change_that_comes_again(self):
        made, _ = feed([samples.phase(rate_mhz=100_000, work_ms=0, rest_ms=0)], effect="sensory", kind="dummy")
        made.take(10)
        faster = programme.Phase("on", samples.phase(rate_mhz=140_000, work_ms=0, rest_ms=0))
        self.assertEqual(made.change(faster), 10)
        made.put_back(3)
        self.assertEqual((made.interval_us, made.alike(0, 10_000, 40)), (10_000, 3))
        made.take(3)
        self.assertEqual((made.interval_us, made.alike(0, 10_000, 40)), (7_143, 40))

    def test_none_beyond_the_time_that_is_queued_ahead_to_the_microsecond(self):
        # 35 Hz: one every 28571 us. The third is at 57 ms and 142 us, the fourth at 85 ms and 713 us.
        shape = samples.phase(rate_mhz=35_000, work_ms=0, rest_ms=0, ramp_up_ms=0, ramp_down_ms=0)
        made, _ = feed([shape], effect="sensory", kind="dummy")
        for elapsed_ms, count in ((0, 3), (18, 3), (19, 4), (47, 4), (48, 5)):
            self.assertEqual(made.alike(1_000, elapsed_ms, 40), count, str(elapsed_ms))


class TheEnvelope(unittest.TestCase):
    def test_it_begins_at_nothing_rises_to_all_and_falls_again(self):
        phase = programme.Phase("p", samples.phase(work_ms=5_000, ramp_up_ms=1_000, ramp_down_ms=2_000))
        for t_ms, wanted in (
            (0, 0),
            (1, 1),
            (500, 500),
            (999, 999),
            (1_000, 1_000),
            (3_000, 1_000),
            (3_001, 999),
            (4_999, 0),
        ):
            self.assertEqual(train.envelope(phase, t_ms, 1_000), wanted, t_ms)
        self.assertEqual(train.envelope(phase, 4_998, 1_000), 1)

    def test_it_is_monotone_on_each_side_and_never_above_what_was_set(self):
        # Peer defect: ramps above 65 ms wrapped (saawsm/swx pulse_gen.c).
        for up_ms, down_ms in ((500, 500), (5_000, 5_000), (500, 5_000), (1_234, 777)):
            phase = programme.Phase("p", samples.phase(work_ms=30_000, ramp_up_ms=up_ms, ramp_down_ms=down_ms))
            for full in (0, 1, 7, 250, 1_000):
                before = 0
                for t_ms in range(15_000):
                    level = train.envelope(phase, t_ms, full)
                    self.assertTrue(before <= level <= full)
                    before = level
                self.assertEqual(before, full)
                for t_ms in range(15_000, 30_000):
                    level = train.envelope(phase, t_ms, full)
                    self.assertTrue(0 <= level <= before)
                    before = level

    def test_after_the_train_there_is_nothing(self):
        phase = programme.Phase("p", samples.phase(work_ms=5_000, ramp_up_ms=1_000, ramp_down_ms=500))
        for t_ms in (5_000, 5_001, 5_500, 60_000):
            self.assertEqual(train.envelope(phase, t_ms, 1_000), 0, t_ms)

    def test_a_resistor_s_train_without_ramps_is_all_of_it_from_its_begin_to_its_end(self):
        phase = programme.Phase("p", samples.phase(work_ms=5_000, ramp_up_ms=0, ramp_down_ms=0))
        for t_ms in (0, 1, 4_999, 5_000):
            self.assertEqual(train.envelope(phase, t_ms, 1_000), 1_000, t_ms)

    def test_ramps_that_fill_the_whole_train_meet_without_a_jump(self):
        phase = programme.Phase("p", samples.phase(work_ms=2_000, ramp_up_ms=1_000, ramp_down_ms=1_000))
        levels = [train.envelope(phase, t_ms, 1_000) for t_ms in range(2_000)]
        self.assertEqual(max(levels), 1_000)
        self.assertTrue(max([abs(a - b) for a, b in zip(levels, levels[1:])]) <= 1)


class EveryPulseOnce(unittest.TestCase):
    def test_as_many_as_the_programme_says(self):
        for phases in (None, TWO, [TWO[1], TWO[0], TWO[1]], [samples.phase(work_ms=0, rest_ms=0, duration_ms=7_000)]):
            made, whole = feed(phases)
            self.assertEqual(len(all_pulses(made, whole.duration_ms)), whole.pulses)
            self.assertEqual(made.part(whole.duration_ms), "done")

    def test_trains_begin_on_the_session_s_clock_and_never_drift(self):
        made, whole = feed(TWO)
        begins = []
        for elapsed_ms, name, begin_ms, k, _ in all_pulses(made, whole.duration_ms):
            if k == 0:
                self.assertEqual(elapsed_ms, max(0, begin_ms - train.AHEAD_MS))
                begins.append((name, begin_ms))
        self.assertEqual(begins, [("a", 0), ("a", 3_000), ("a", 6_000), ("b", 9_500), ("b", 14_500)])

    def test_a_pulse_is_never_due_before_its_train(self):
        made, whole = feed(TWO)
        for elapsed_ms, _, begin_ms, _, _ in all_pulses(made, whole.duration_ms):
            self.assertTrue(elapsed_ms >= begin_ms - train.AHEAD_MS)

    def test_it_is_due_as_long_before_its_time_as_an_engine_may_hold_it(self):
        self.assertEqual(1_000 * train.AHEAD_MS, LOOKAHEAD_US)
        made, _ = feed([samples.phase(rate_mhz=1_000)])
        made.take()
        self.assertEqual(
            [samples.due(made, ms) for ms in (0, 933, 934, 1_000, 5_000)], [False, False, True, True, True]
        )

    def test_its_time_in_milliseconds_is_its_time_in_microseconds_rounded_down(self):
        made, whole = feed(TWO)
        for _ in range(whole.pulses):
            self.assertEqual(made.next_ms(), made.next_us() // 1_000)
            made.take()
        self.assertEqual(made.next_us(), None)

    def test_every_turn_of_a_sweep_is_as_the_first(self):
        sweep = {"change": "sweep", "rate_to_mhz": 50_000, "width_to_us": 100, "change_ms": 1_000}
        made, whole = feed([samples.phase(rate_mhz=24_000, width_us=300, work_ms=10_000, duration_ms=15_000, **sweep)])
        (phase,) = whole.phases
        self.assertTrue(phase.pulses > 4 * phase.pattern_pulses)
        for k in range(phase.pulses - 1):
            n = k % phase.pattern_pulses
            t_us = phase.offset_us(n)
            wanted = (phase.start_us(k), phase.width_at(n, t_us), phase.interval_at(n, t_us))
            self.assertEqual((made.next_us(), made.width_us, made.interval_us), wanted, k)
            made.take()

    def test_the_last_pulse_of_all_has_the_interval_of_its_rate(self):
        made, whole = feed(TWO)
        for _ in range(whole.pulses - 1):
            made.take()
        self.assertEqual(made.interval_us, 28_571)

    def test_when_the_last_pulse_has_begun_is_kept(self):
        made, _ = feed(TWO)
        for _ in range(2):
            while made.phase is not None:
                last_ms = made.next_ms()
                made.take()
            self.assertEqual((made.last_ms, last_ms), (14_500 + 104 * 28_571 // 1_000,) * 2)
            made.put_back(30)

    def test_a_train_is_over_when_its_time_is_whether_its_pulses_were_taken_or_not(self):
        made, _ = feed(TWO)
        for elapsed_ms, part in ((0, "work"), (1_999, "work"), (2_000, "rest"), (2_001, "rest"), (9_000, "rest")):
            self.assertEqual(made.part(elapsed_ms), part, elapsed_ms)

    def test_the_levels_of_a_train_are_its_envelope(self):
        made, whole = feed(TWO)
        for _, name, _, k, level in all_pulses(made, whole.duration_ms):
            phase = whole.phases[0 if name == "a" else 1]
            self.assertEqual(level, train.envelope(phase, k * phase.period_us // 1000, 1_000))
            self.assertTrue(0 <= level <= 1_000)
            self.assertTrue(k > 0 or level == 0)

    def test_when_nobody_looks_for_long_what_is_left_is_still_in_order(self):
        made, whole = feed(TWO)
        seen = []
        while samples.due(made, whole.duration_ms):
            seen.append((made.begin_ms, made.k))
            made.take()
        self.assertEqual(seen, sorted(seen))
        self.assertEqual(len(seen), whole.pulses)

    def test_where_the_session_is(self):
        made, whole = feed(TWO)
        parts = {}
        for elapsed_ms in range(0, whole.duration_ms, 50):
            while samples.due(made, elapsed_ms) and made.k * made.phase.period_us // 1000 + made.begin_ms <= elapsed_ms:
                made.take()
            parts[elapsed_ms] = made.part(elapsed_ms)
        for elapsed_ms, wanted in (
            (0, "work"),
            (1_800, "work"),
            (2_000, "rest"),
            (2_500, "rest"),
            (3_000, "work"),
            (8_900, "rest"),
            (9_500, "work"),
        ):
            self.assertEqual(parts[elapsed_ms], wanted, elapsed_ms)
        self.assertEqual(parts[whole.duration_ms - 50], "done")

    def test_in_train_between_the_first_pulse_and_the_last(self):
        # Over the rests too: the engine counts them, and has nothing to wait for.
        made, whole = feed(TWO)
        self.assertFalse(samples.in_train(made))
        for k in range(1, whole.pulses + 1):
            made.take()
            self.assertEqual(samples.in_train(made), k < whole.pulses)


class Counted(train.Feed):
    """A feed that counts what it looks for and works out."""

    finds = prepares = 0

    def _find(self):
        self.finds += 1
        super()._find()

    def _prepare(self):
        self.prepares += 1
        super()._prepare()


class WhatAPulseCosts(unittest.TestCase):
    def test_one_as_the_one_before_is_neither_looked_for_nor_worked_out(self):
        made = Counted(programme.parse(samples.programme(TWO)))
        for _ in range(18):
            made.take()
        self.assertEqual((made.finds, made.prepares), (1, 1))
        made.take()  # the train's last has another interval
        self.assertEqual((made.finds, made.prepares), (1, 2))
        made.take()
        self.assertEqual((made.finds, made.prepares), (2, 3))

    def test_a_change_is_looked_for_where_it_comes(self):
        made = Counted(programme.parse(samples.programme(TWO)))
        for _ in range(10):
            made.take()
        phase = programme.Phase("a", dict(made.phase.fields, width_us=200), made.phase.followed)
        made.change(phase)
        made.put_back(10)
        made.finds = made.prepares = 0
        for _ in range(9):
            made.take()
        self.assertEqual((made.finds, made.prepares, made.width_us), (0, 0, 250))
        made.take()
        self.assertEqual((made.finds, made.prepares, made.width_us), (1, 1, 200))


class WhatIsPutBackComesAgain(unittest.TestCase):
    def test_within_a_train(self):
        made, _ = feed(TWO)
        for _ in range(10):
            samples.due(made, 0)
            made.take()
        made.put_back(3)
        self.assertEqual((made.begin_ms, made.k), (0, 7))
        made.put_back(0)
        self.assertEqual(made.k, 7)

    def test_after_the_train_s_last_pulse_was_taken_and_the_feed_has_moved_on(self):
        # The engine still holds the last pulses of the first train when the feed is at the second already.
        made, whole = feed(TWO)
        for _ in range(20):
            self.assertTrue(samples.due(made, 1_999))
            made.take()
        self.assertFalse(samples.due(made, 1_999))
        self.assertEqual((made.begin_ms, made.k), (3_000, 0))
        made.put_back(3)
        self.assertEqual((made.begin_ms, made.k), (0, 17))
        self.assertTrue(samples.due(made, 1_999))
        self.assertEqual(samples.level(made, 1_000), train.envelope(whole.phases[0], 1_700, 1_000))

    def test_over_the_border_of_two_phases(self):
        made, _ = feed(TWO)
        for _ in range(60):
            self.assertTrue(samples.due(made, 9_000))
            made.take()
        self.assertFalse(samples.due(made, 9_400))
        self.assertEqual((made.phase.name, made.begin_ms), ("b", 9_500))
        made.put_back(2)
        self.assertEqual((made.phase.name, made.begin_ms, made.k), ("a", 6_000, 18))

    def test_after_the_programme_s_last_pulse(self):
        made, whole = feed(TWO)
        while samples.due(made, whole.duration_ms):
            made.take()
        self.assertEqual(made.part(whole.duration_ms), "done")
        made.put_back(1)
        self.assertEqual((made.phase.name, made.begin_ms, made.k), ("b", 14_500, 104))
        made.take()
        self.assertFalse(samples.due(made, whole.duration_ms))

    def test_all_of_them(self):
        made, whole = feed(TWO)
        while samples.due(made, whole.duration_ms):
            made.take()
        made.put_back(whole.pulses)
        self.assertEqual((made.phase.name, made.begin_ms, made.k), ("a", 0, 0))
        self.assertEqual(len(all_pulses(made, whole.duration_ms)), whole.pulses)

    def test_more_than_were_taken_is_an_error(self):
        made, _ = feed(TWO)
        made.take()
        with self.assertRaises(ValueError):
            made.put_back(2)

    def test_taken_minus_put_back_is_the_programme_at_any_pattern_of_pauses(self):
        for seed in range(20):
            die = Die(seed)
            made, whole = feed(TWO)
            elapsed_ms, net = 0, 0
            while elapsed_ms < 3 * whole.duration_ms:
                for _ in range(1 + die.roll(12)):
                    if samples.due(made, elapsed_ms):
                        self.assertTrue(0 <= samples.level(made, 1_000) <= 1_000)
                        made.take()
                        net += 1
                if die.roll(3) == 0:
                    count = min(net, die.roll(12))
                    made.put_back(count)
                    net -= count
                elapsed_ms += die.roll(400)
            while samples.due(made, elapsed_ms):
                made.take()
                net += 1
            self.assertEqual(net, whole.pulses)


class NothingIsAllocated(unittest.TestCase):
    def test_while_pulses_are_taken(self):
        made, _ = feed(TWO)
        heap_lock()
        try:
            for elapsed_ms in range(0, 4_000, 10):
                if samples.due(made, elapsed_ms):
                    samples.level(made, 1_000)
                    made.take()
                samples.in_train(made)
        finally:
            heap_unlock()
        self.assertEqual((made.begin_ms, made.k), (3_000, 11))


if __name__ == "__main__":
    unittest.main()

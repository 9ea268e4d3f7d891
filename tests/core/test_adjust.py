"""Rate and width of a running phase: changed between two pulses, in time and exactly; refused without a trace."""

import unittest

import samples
from samples import codes, heap_lock, heap_unlock

from nmes.core import checklist, programme, session, train
from nmes.core.reason import Refused

T0 = 10_000
# 20 pulses of 100 ms a train; the wide phase after it is what guard and sampler allow for.
FIRST = {"name": "a", "rate_mhz": 10_000, "width_us": 200, "work_ms": 2_000, "rest_ms": 1_000, "duration_ms": 9_000}
WIDE = {"name": "b", "rate_mhz": 10_000, "width_us": 300, "work_ms": 2_000, "rest_ms": 1_000, "duration_ms": 3_000}
NARROW = {"name": "c", "rate_mhz": 10_000, "width_us": 100, "work_ms": 2_000, "rest_ms": 1_000, "duration_ms": 3_000}


def data(first=None, **changes):
    fields = dict(FIRST)
    fields.update(first or {})
    phases = [samples.phase(**fields), samples.phase(**WIDE), samples.phase(**NARROW)]
    return samples.programme(phases, **changes)


def feed(first=None):
    whole = programme.parse(data(first))
    return train.Feed(whole), whole.phases[0]


def other(phase, **changes):
    fields = dict(phase.fields)
    fields.update(changes)
    return programme.Phase(phase.name, fields, phase.followed)


def take(made, count):
    """[(begin, width, interval)] of the next pulses."""
    taken = []
    for _ in range(count):
        taken.append((made.next_us(), made.width_us, made.interval_us))
        made.take()
    return taken


class TheNextPulse(unittest.TestCase):
    def test_comes_when_it_would_have_and_is_the_first_of_the_new_ones(self):
        made, phase = feed()
        self.assertEqual(take(made, 4)[-1], (300_000, 200, 100_000))
        self.assertEqual(made.change(other(phase, rate_mhz=20_000, width_us=300)), 4)
        self.assertEqual(take(made, 2), [(400_000, 300, 50_000), (450_000, 300, 50_000)])

    def test_the_train_ends_at_its_time_and_the_next_begins_at_its_own(self):
        # 1600 ms are left, room for 23 pulses of 70 ms; the last one's interval goes on over the rest.
        made, phase = feed()
        take(made, 4)
        made.change(other(phase, rate_mhz=14_286))
        period_us = made.interval_us
        taken = take(made, 23)
        self.assertEqual(taken[-1], (400_000 + 22 * period_us, 200, 3_000_000 - 400_000 - 22 * period_us))
        self.assertEqual((made.begin_ms, made.k), (3_000, 0))
        # The phase keeps it; the one after it knows nothing of it.
        self.assertEqual(take(made, 29)[-1][0], 3_000_000 + 28 * period_us)
        self.assertEqual(made.begin_ms, 6_000)
        take(made, 29)
        self.assertEqual((made.begin_ms, made.phase.name, made.interval_us), (9_000, "b", 100_000))

    def test_no_pulse_more_than_the_rate_asks_for(self):
        # 35 Hz are 28571 us: in 1600 ms begin 57 of them by the microsecond, but 56 are asked for.
        made, phase = feed()
        take(made, 4)
        made.change(other(phase, rate_mhz=35_000))
        while made.begin_ms == 0:
            made.take()
        self.assertEqual(made.number, 4 + 56)

    def test_another_width_alone_leaves_every_pulse_where_it_was(self):
        for rate_mhz in (10_000, 35_000, 60_000, 149_999):
            plain, _ = feed({"rate_mhz": rate_mhz})
            made, phase = feed({"rate_mhz": rate_mhz})
            before = take(plain, 90)
            for i in range(90):
                if i % 7 == 3 and made.phase.name == "a":
                    made.change(other(phase, width_us=100 + i))
                ((begin_us, width_us, interval_us),) = take(made, 1)
                self.assertEqual((begin_us, interval_us), (before[i][0], before[i][2]))

    def test_a_change_that_is_changed_back_at_once_changes_nothing(self):
        plain, _ = feed()
        made, phase = feed()
        made.change(other(phase, rate_mhz=50_000))
        made.change(other(phase, rate_mhz=10_000))
        self.assertEqual(take(made, 60), take(plain, 60))

    def test_the_ramps_stay_on_the_same_clock(self):
        made, phase = feed()
        take(made, 4)
        made.change(other(phase, rate_mhz=100_000))
        while made.begin_ms == 0:
            t_ms = made.next_us() // 1000
            self.assertEqual(samples.level(made, 1_000), train.envelope(phase, t_ms, 1_000))
            made.take()

    def test_as_many_as_begin_before_the_train_s_end_and_as_the_rate_asks_for(self):
        whole = programme.parse(
            samples.programme([samples.phase(rate_mhz=1_000, work_ms=30_000, rest_ms=0, duration_ms=30_000)])
        )
        made = train.Feed(whole)
        for rate_mhz, lefts in (
            (6_000, ()),  # periods that are rounded up
            (7_000, (30_000_000,)),  # down
            (10_000, ()),  # and not at all
            (35_000, ()),
            (149_989, (4_113_635,)),  # 617 pulses and 15 thousand millionths of one
        ):
            phase = other(whole.phases[0], rate_mhz=rate_mhz)
            period_us = phase.period_us
            edges = [n * period_us + more_us for n in range(9) for more_us in (-1, 0, 1, 2)]
            for left_us in list(lefts) + [edge for edge in edges if edge > 0]:
                count = 0
                while count * period_us < left_us and count * 1_000_000_000 < left_us * rate_mhz:
                    count += 1
                self.assertEqual(made._fit(phase, 30_000_000 - left_us), count, (rate_mhz, left_us))

    def test_without_room_for_an_interval_the_next_train_is_the_first(self):
        made, phase = feed({"rate_mhz": 10_000, "rest_ms": 0, "duration_ms": 6_000})
        take(made, 19)
        self.assertEqual(made.change(other(phase, rate_mhz=1_000, width_us=100)), 20)
        self.assertEqual(
            take(made, 3), [(1_900_000, 200, 100_000), (2_000_000, 100, 1_000_000), (3_000_000, 100, 1_000_000)]
        )

    def test_the_train_that_goes_on_has_its_earlier_changes(self):
        made, phase = feed({"rest_ms": 0, "duration_ms": 6_000})
        take(made, 17)
        made.change(other(phase, rate_mhz=20_000))
        taken = take(made, 2)
        made.put_back(4)
        self.assertEqual(made.change(other(phase, rate_mhz=1_000)), 23)
        self.assertEqual(take(made, 4)[-2:], taken)
        self.assertEqual(take(made, 5)[-1], (2_000_000, 200, 1_000_000))

    def test_the_next_phase_begins_at_its_time_whatever_the_one_before_was_changed_to(self):
        # 7 pulses of 300 ms would go 100 ms beyond the first phase, and 5 of 400 ms from 0.3 s on.
        first = samples.phase(**dict(FIRST, rate_mhz=3_333, work_ms=2_000, rest_ms=0, duration_ms=2_000))
        second = samples.phase(**dict(FIRST, rest_ms=0, duration_ms=4_000))
        whole = programme.parse(samples.programme([first, second]))
        made = train.Feed(whole)
        self.assertEqual(take(made, 7)[-2:], [(1_500_150, 200, 499_850), (2_000_000, 200, 100_000)])
        made.put_back(6)
        made.change(other(whole.phases[0], rate_mhz=2_500))
        self.assertEqual(take(made, 4)[-1], (300_030 + 3 * 400_000, 200, 499_970))
        self.assertEqual(made.next_us(), 2_000_000)

    def test_all_trains_of_a_phase_stay_alike(self):
        # In the first there would be room for one more before the second begins.
        first = {"rate_mhz": 3_000, "work_ms": 2_000, "rest_ms": 1_000, "duration_ms": 5_000}
        made, phase = feed(first)
        made.change(other(phase, rate_mhz=1_400))
        self.assertEqual([row[0] // 1000 for row in take(made, 5)], [0, 714, 3_000, 3_714, 5_000])

    def test_no_interval_reaches_a_microsecond_into_the_next_train(self):
        # Three of 666 667 us would: in a phase that no other follows, and in its second train.
        whole = programme.parse(samples.programme([samples.phase(**dict(FIRST, rest_ms=0, duration_ms=6_000))]))
        made = train.Feed(whole)
        take(made, 20)
        made.change(other(whole.phases[0], rate_mhz=1_500))
        self.assertEqual([begin_us for begin_us, _, _ in take(made, 3)], [2_000_000, 2_666_667, 4_000_000])

    def test_where_no_train_follows_there_is_none(self):
        made, phase = feed({"rest_ms": 0, "duration_ms": 2_000})
        take(made, 19)
        self.assertEqual(made.change(other(phase, rate_mhz=1_000, width_us=100)), -1)
        self.assertEqual(take(made, 2), [(1_900_000, 200, 100_000), (2_000_000, 300, 100_000)])
        while made.phase is not None:
            made.take()
        self.assertEqual(made.change(phase), -1)

    def test_nothing_is_allocated_on_the_way_over_a_change(self):
        made, phase = feed()
        take(made, 4)
        made.change(other(phase, rate_mhz=50_000, width_us=300))
        made.put_back(2)
        heap_lock()
        try:
            for _ in range(150):
                samples.due(made, 0)
                samples.level(made, 1_000)
                made.take()
        finally:
            heap_unlock()
        self.assertEqual(made.number, 152)


class WhatIsPutBack(unittest.TestCase):
    def test_comes_again_as_it_was(self):
        made, phase = feed()
        taken = take(made, 4)
        made.change(other(phase, rate_mhz=50_000, width_us=300))
        taken += take(made, 10)
        made.change(other(phase, rate_mhz=5_000, width_us=100))
        taken += take(made, 12)
        for count in (1, 9, 14, 22, 24, 26):
            made.put_back(count)
            self.assertEqual(made.number, 26 - count)
            self.assertEqual(take(made, count), taken[-count:])

    def test_another_width_after_another_rate_leaves_as_many_pulses(self):
        made, phase = feed()
        take(made, 5)
        made.change(other(phase, rate_mhz=20_000))
        take(made, 2)
        made.change(other(phase, rate_mhz=20_000, width_us=150))
        while made.begin_ms == 0:
            made.take()
        self.assertEqual(made.number, 5 + 30)  # of half a second and of one and a half

    def test_a_change_between_two_milliseconds_comes_again_where_it_was(self):
        made, phase = feed({"rate_mhz": 7_000})
        taken = take(made, 3)
        made.change(other(phase, rate_mhz=11_000, width_us=150))
        taken += take(made, 5)
        self.assertEqual([begin_us for begin_us, _, _ in taken[1:5]], [142_857, 285_714, 428_571, 519_480])
        for count in (2, 4, 5, 6):
            made.put_back(count)
            self.assertEqual(take(made, count), taken[-count:])

    def test_a_change_that_came_with_the_next_train_comes_again_with_it(self):
        made, phase = feed({"rest_ms": 0, "duration_ms": 4_000})
        taken = take(made, 19)
        self.assertEqual(made.change(other(phase, rate_mhz=1_000)), 20)
        taken += take(made, 3)
        self.assertEqual([begin_us for begin_us, _, _ in taken[-3:]], [1_900_000, 2_000_000, 3_000_000])
        for count in (1, 2, 3):
            made.put_back(count)
            self.assertEqual(take(made, count), taken[-count:])

    def test_each_train_and_phase_has_its_own_changes(self):
        made, phase = feed()
        taken = take(made, 3)
        for count, width_us in ((22, 150), (40, 250), (10, 220)):
            made.change(other(made.phase, width_us=width_us))
            taken += take(made, count)
        self.assertEqual(
            [width_us for _, width_us, _ in taken], [200] * 3 + [150] * 22 + [250] * 35 + [300] * 5 + [220] * 10
        )
        for count in (7, 12, 30, 55):
            made.put_back(count)
            self.assertEqual(take(made, count), taken[-count:])

    def test_a_change_in_between_is_the_newest(self):
        made, phase = feed()
        take(made, 10)
        made.change(other(phase, rate_mhz=50_000))
        take(made, 5)
        made.put_back(7)
        self.assertEqual(made.change(other(phase, width_us=100)), 8)
        while made.begin_ms == 0:
            self.assertEqual((made.width_us, made.phase.rate_mhz), (100, 10_000))
            made.take()
        self.assertEqual(made.number, 20)

    def test_a_train_back(self):
        made, phase = feed()
        take(made, 18)
        made.change(other(phase, rate_mhz=20_000))
        taken = take(made, 6)
        self.assertEqual((made.begin_ms, made.k), (3_000, 2))
        made.put_back(6)
        self.assertEqual((made.begin_ms, made.k), (0, 18))
        self.assertEqual(take(made, 6), taken)

    def test_a_change_of_the_next_phase_is_forgotten_when_this_one_changes_again(self):
        made, phase = feed({"duration_ms": 3_000})
        take(made, 20)
        second = made.phase
        self.assertEqual(made.change(other(second, width_us=150)), 20)
        self.assertEqual([p.width_us for p in made.planned()], [200, 150, 100])
        made.put_back(1)
        changed = other(phase, width_us=250)
        self.assertEqual([p.width_us for p in made.planned(changed)], [250, 300, 100])
        made.change(changed)
        self.assertEqual([p.width_us for p in made.planned()], [250, 300, 100])
        self.assertEqual([width_us for _, width_us, _ in take(made, 2)], [250, 300])

    def test_what_is_planned_has_the_changes_of_earlier_phases(self):
        made, phase = feed({"duration_ms": 3_000})
        made.change(other(phase, width_us=150))
        take(made, 20)
        self.assertEqual([p.width_us for p in made.planned()], [150, 300, 100])
        self.assertEqual([p.width_us for p in made.planned(other(made.phase, width_us=250))], [150, 250, 100])

    def test_thousands_of_changes_are_not_kept_and_an_engine_s_worth_is(self):
        made, phase = feed({"rate_mhz": 100_000, "work_ms": 30_000, "rest_ms": 30_000, "duration_ms": 60_000})
        taken = []
        for i in range(1_000):
            made.change(other(phase, width_us=100 + i % 200))
            taken += take(made, 1)
        self.assertEqual(len(made._changes), 65)  # what the oldest pulse has, and one for each after it and the next
        for i in range(100):
            made.change(other(phase, width_us=100 + i))
        self.assertEqual(len(made._changes), 65)
        made.put_back(64)
        self.assertEqual(take(made, 64), taken[-64:])
        with self.assertRaises(ValueError):
            made.put_back(90)
        self.assertEqual(made.number, 1_000)

    def test_of_two_that_are_long_past_one_is_kept(self):
        made, phase = feed({"rate_mhz": 100_000})
        made.change(other(phase, width_us=150))
        take(made, 1)
        made.change(other(phase, width_us=160))
        take(made, 100)
        made.change(other(phase, width_us=170))
        self.assertEqual([change.number for change in made._changes], [1, 101])
        with self.assertRaises(ValueError):
            made.put_back(101)


def running(given=None, pulses=5):
    made = session.Session(samples.STAGE)
    made.load(given or data())
    made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
    made.arm(made.programme_crc, T0)
    made.start(T0)
    for _ in range(pulses):
        samples.took(made)
    return made


def everything(made):
    """All that a refusal has to leave as it is."""
    return (
        made.status(T0 + 500, [0] * len(made.lanes)),
        [(dict(lane.feed.__dict__), lane.raised_ms) for lane in made.lanes],
    )


class ASession(unittest.TestCase):
    def test_it_is_done_and_said(self):
        made = running()
        crc, title = made.programme_crc, made.programme.title
        self.assertEqual(made.adjust(50_000, 250, T0), 5)
        (row,) = made.status(T0, [5])["channels"]
        self.assertEqual((row["rate_mhz"], row["width_us"]), (50_000, 250))
        # What was accepted stays what was accepted.
        self.assertEqual((made.programme_crc, made.programme.title), (crc, title))
        self.assertEqual((made.programme.phases[0].rate_mhz, made.programme.phases[0].width_us), (10_000, 200))
        # The next session is the programme's.
        made.stop("stopped", T0)
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        made.arm(crc, T0)
        made.start(T0)
        (row,) = made.status(T0, [0])["channels"]
        self.assertEqual((row["rate_mhz"], row["width_us"]), (10_000, 200))

    def test_what_is_refused_leaves_no_trace(self):
        # The bad input: outside the ranges, what does not fit, NaN, negative, boolean, too large.
        junk = (True, False, None, 1.0, float("nan"), float("inf"), "50000", [], {}, -1, 0, -(10**30), 10**30, 2**62)
        made = running()
        before = everything(made)
        for value in junk:
            self.assertTrue(codes(made.adjust, value, 200, T0), value)
            self.assertTrue(codes(made.adjust, 10_000, value, T0), value)
            self.assertTrue(codes(made.adjust, value, value, T0), value)
        for rate_mhz, width_us, code in (
            (999, 200, "below_range"),
            (150_001, 200, "above_range"),
            (10_000, 301, "wider_than_guarded"),
            (10_000, 99, "narrower_than_sampled"),
            (150_000, 300, "rms_current_density"),
        ):
            self.assertIn(code, codes(made.adjust, rate_mhz, width_us, T0))
        for index in (-1, 1, 2):
            self.assertEqual(codes(made.adjust, 20_000, 200, T0, index), ["channel_not_used"])
        self.assertEqual(everything(made), before)

    def test_what_does_not_fit_is_refused(self):
        # Into a resistor: two phases of a millisecond, as long a gap and as long a rest are 4 ms.
        shape = {"gap_us": 1_000, "width_us": 1_000, "rate_mhz": 100_000}
        made = running(data(shape, kind="dummy"))
        self.assertEqual(codes(made.adjust, 250_000, 1_000, T0), [])
        self.assertEqual(codes(made.adjust, 251_000, 1_000, T0), ["pulse_does_not_fit"])
        # Trains without a rest between them: 7 pulses of 300 ms are longer than 2 s.
        made = running(data({"rest_ms": 0, "duration_ms": 8_000}, effect="sensory"))
        self.assertEqual(codes(made.adjust, 3_333, 200, T0), ["trains_overlap"])

    def test_what_only_a_motor_programme_with_rests_may_have(self):
        continuous = {"work_ms": 0, "rest_ms": 0}
        self.assertEqual(codes(running(data(continuous)).adjust, 12_001, 200, T0), ["continuous_motor"])
        self.assertEqual(codes(running(data(continuous)).adjust, 12_000, 200, T0), [])

    def test_the_limit_of_the_session_has_to_hold(self):
        made = running(data(max_current_ua=50_000))
        before = everything(made)
        with self.assertRaises(Refused) as caught:
            made.adjust(60_000, 300, T0)
        reasons = {r["code"]: r for r in caught.exception.reasons}
        reason = reasons["rms_current_density"]
        self.assertTrue(reason["asked"] > reason["bound"])
        self.assertEqual(reason["phase"], "a")
        self.assertEqual(everything(made), before)
        # As at load: what a programme of its own may have, an adjusted one may.
        for rate_mhz in range(10_000, 60_000, 1_000):
            fresh = session.Session(samples.STAGE)
            at_load = codes(fresh.load, data({"rate_mhz": rate_mhz, "width_us": 300}, max_current_ua=50_000))
            self.assertEqual(codes(running(data(max_current_ua=50_000)).adjust, rate_mhz, 300, T0), at_load)

    def test_only_plain_trains(self):
        for pattern in (
            {"burst_pulses": 3, "burst_rate_mhz": 2_000},
            {"change": "sweep", "change_ms": 1_000, "width_to_us": 150},
            {"change": "alternate", "change_ms": 1_000, "rate_to_mhz": 15_000},
        ):
            made = running(data(pattern))
            before = everything(made)
            self.assertEqual(codes(made.adjust, 20_000, 200, T0), ["not_plain"])
            self.assertEqual(everything(made), before)

    def test_trains_of_an_exact_number_keep_their_rate(self):
        made = running(data({"pulses": 15, "ramp_up_ms": 500, "ramp_down_ms": 500}))
        self.assertEqual(codes(made.adjust, 11_000, 200, T0), ["exact_number"])
        self.assertEqual(codes(made.adjust, 10_000, 150, T0), [])
        while samples.first(made).feed.begin_ms == 0:
            samples.took(made)
        self.assertEqual(made.queued, 15)

    def test_the_second_phase_counts_for_the_guard(self):
        made = running(data({"ratio": 3, "width_us": 100}))
        self.assertEqual(codes(made.adjust, 10_000, 100, T0), [])
        self.assertEqual(codes(made.adjust, 10_000, 101, T0), ["wider_than_guarded"])

    def test_both_channels_together(self):
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}]
        fields = dict(FIRST)
        fields["width_us"] = 250
        strong = {"kind": "pads", "area_mm2": 20_000, "max_current_ua": 100_000}
        made = running(samples.programme([samples.phase(**fields)], channels=rows, **strong))
        self.assertEqual(made.adjust(150_000, 250, T0, 1), 0)
        status = made.status(T0, [0, 0])
        self.assertEqual([(r["rate_mhz"], r["width_us"]) for r in status["channels"]], [(10_000, 250), (150_000, 250)])
        # 10 mA on average together, and 100 mA of twice 250 us at 150 Hz are 7.5: 50 Hz are left for the other.
        before = everything(made)
        self.assertEqual(codes(made.adjust, 50_001, 250, T0, 0), ["average_sum", "net_dc_sum"])
        self.assertEqual(everything(made), before)
        self.assertEqual(codes(made.adjust, 50_000, 250, T0, 0), [])
        made.adjust(10_000, 250, T0, 1)
        self.assertEqual(codes(made.adjust, 150_000, 250, T0, 0), [])

    def test_in_other_states_nothing(self):
        made = running()
        made.stop("stopped", T0)
        self.assertEqual(codes(made.adjust, 20_000, 200, T0), ["wrong_state"])
        made = running()
        made.pause(T0)
        self.assertEqual(codes(made.adjust, 20_000, 200, T0), [])
        made = running()
        made.fail(1, "x", T0)
        self.assertEqual(codes(made.adjust, 20_000, 200, T0), ["wrong_state"])

    def test_after_the_last_pulse_and_while_it_fades_nothing(self):
        made = running()
        samples.tick(made, T0 + session.HOST_LOST_MS)
        self.assertEqual(codes(made.adjust, 20_000, 200, T0 + 2_100), ["ending"])
        made = running()
        while samples.first(made).feed.phase is not None:
            samples.took(made)
        self.assertEqual(codes(made.adjust, 20_000, 200, T0), ["nothing_left"])
        made = running(data({"rest_ms": 0, "duration_ms": 2_000}), 19)
        before = everything(made)
        self.assertEqual(codes(made.adjust, 1_000, 200, T0), ["nothing_left"])
        self.assertEqual(everything(made), before)


class WiderIsStronger(unittest.TestCase):
    """The charge of a phase rises as slowly as with the intensity."""

    def test_by_as_much_as_one_step_of_the_intensity(self):
        made = running()
        made.lanes[0].intensity_ua = 10_000
        with self.assertRaises(Refused) as caught:
            made.adjust(10_000, 221, T0 + 9_000)
        (reason,) = caught.exception.reasons
        self.assertEqual((reason["code"], reason["parameter"], reason["bound"]), ("step_too_large", "width_us", 220))
        self.assertEqual(codes(made.adjust, 10_000, 220, T0 + 9_000), [])

    def test_h13_one_step_every_250_milliseconds_of_whatever_kind(self):
        made = running()
        made.set_intensity(1_000, T0 + 1_000)
        self.assertEqual(codes(made.adjust, 10_000, 201, T0 + 1_249), ["step_too_soon"])
        self.assertEqual(codes(made.adjust, 10_000, 201, T0 + 1_250), [])
        self.assertEqual(codes(made.set_intensity, 1_100, T0 + 1_499), ["step_too_soon"])
        self.assertEqual(codes(made.adjust, 10_000, 202, T0 + 1_499), ["step_too_soon"])
        self.assertEqual(codes(made.adjust, 10_000, 202, T0 + 1_500), [])

    def test_narrower_and_at_zero_at_once(self):
        made = running()
        self.assertEqual(codes(made.adjust, 10_000, 300, T0), [])
        self.assertEqual(codes(made.adjust, 10_000, 100, T0), [])
        made.lanes[0].intensity_ua = 20_000
        made.lanes[0].raised_ms = T0
        self.assertEqual(codes(made.adjust, 10_000, 100, T0), [])
        self.assertEqual(codes(made.adjust, 9_000, 100, T0), [])


class FasterIsStronger(unittest.TestCase):
    def test_h13_the_rate_is_doubled_at_most_in_a_step_while_current_flows(self):
        for ua in (100, 1_000, 20_000):
            made = running()
            made.lanes[0].intensity_ua = ua
            with self.assertRaises(Refused) as refused:
                made.adjust(20_001, 200, T0 + 1_000)
            (only,) = refused.exception.reasons
            found = (only["code"], only["parameter"], only["asked"], only["bound"], only["phase"])
            self.assertEqual(found, ("step_too_large", "rate_mhz", 20_001, 20_000, "a"))
            self.assertEqual((samples.first(made).feed.phase.rate_mhz, made.lanes[0].raised_ms), (10_000, None))
            self.assertEqual(codes(made.adjust, 20_000, 200, T0 + 1_000), [])
            for asked, width_us in ((("rate_mhz", 40_000), 199), (("rate_mhz", 40_000), 200), (("width_us", 201), 201)):
                with self.assertRaises(Refused) as refused:
                    made.adjust(40_000, width_us, T0 + 1_249)
                (only,) = refused.exception.reasons
                self.assertEqual((only["code"], only["parameter"], only["asked"]), ("step_too_soon",) + asked)
            self.assertEqual(codes(made.set_intensity, ua + 100, T0 + 1_249), ["step_too_soon"])
            self.assertEqual(codes(made.adjust, 40_000, 200, T0 + 1_250), [])

    def test_at_zero_and_slower_at_once(self):
        made = running()
        self.assertEqual(codes(made.adjust, 100_000, 200, T0), [])
        made.lanes[0].intensity_ua = 20_000
        made.lanes[0].raised_ms = T0
        self.assertEqual(codes(made.adjust, 5_000, 200, T0), [])


if __name__ == "__main__":
    unittest.main()

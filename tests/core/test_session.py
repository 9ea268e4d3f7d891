"""core/session.py: every way in, through and out; output only in RUNNING, and from zero."""

import json
import unittest

import samples
from samples import codes, heap_lock, heap_unlock

from nmes.core import checklist, faults, session
from nmes.core.programme import crc
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING, Session
from nmes.core.train import envelope

T0 = 123_456


def acknowledge(made):
    made.acknowledge(checklist.VERSION, len(checklist.ITEMS))


def loaded(data=None, stage=samples.STAGE):
    made = Session(stage)
    made.load(data or samples.programme())
    return made


def armed(data=None, now_ms=T0):
    made = loaded(data)
    acknowledge(made)
    made.arm(made.programme_crc, now_ms)
    return made


def running(data=None, now_ms=T0, ua=0):
    """A session that has just been started; with `ua` its intensity was raised to it in the two seconds before."""
    made = armed(data, now_ms)
    made.start(now_ms)
    if ua:
        made.lanes[0].intensity_ua = ua
    return made


def paused(data=None, now_ms=T0):
    made = running(data, now_ms)
    made.pause(now_ms)
    return made


def failed(data=None, now_ms=T0):
    made = running(data, now_ms)
    made.fail(faults.PULSE_CHECK, "first", now_ms)
    return made


def idle(data=None, now_ms=T0):
    return loaded(data)


IN_EACH_STATE = ((IDLE, idle), (ARMED, armed), (RUNNING, running), (PAUSED, paused), (FAULT, failed))


class EveryTransition(unittest.TestCase):
    def allowed_in(self, states, act):
        """`act` is carried out in `states`, and refused elsewhere with nothing changed. Returns the states after it."""
        after = []
        for state, make in IN_EACH_STATE:
            made = make()
            self.assertEqual(made.state, state)
            before = made.status(T0, [0])
            if state in states:
                act(made)
                after.append(made.state)
            else:
                with self.assertRaises(Refused):
                    act(made)
                self.assertEqual(made.status(T0, [0]), before, state)
        return after

    def test_load_in_idle(self):
        self.assertEqual(self.allowed_in((IDLE,), lambda made: made.load(samples.programme())), [IDLE])

    def test_acknowledge_in_idle(self):
        self.assertEqual(self.allowed_in((IDLE,), acknowledge), [IDLE])

    def test_arm_in_idle(self):
        def arm(made):
            if made.state == IDLE:
                acknowledge(made)
            made.arm(made.programme_crc, T0)

        self.assertEqual(self.allowed_in((IDLE,), arm), [ARMED])

    def test_start_when_armed_or_paused(self):
        self.assertEqual(self.allowed_in((ARMED, PAUSED), lambda made: made.start(T0)), [RUNNING, RUNNING])

    def test_intensity_while_running(self):
        self.assertEqual(self.allowed_in((RUNNING,), lambda made: made.set_intensity(500, T0)), [RUNNING])

    def test_adjust_while_running_or_paused(self):
        after = self.allowed_in((RUNNING, PAUSED), lambda made: made.adjust(20_000, 250, T0))
        self.assertEqual(after, [RUNNING, PAUSED])

    def test_pause_while_running(self):
        self.assertEqual(self.allowed_in((RUNNING,), lambda made: made.pause(T0)), [PAUSED])

    def test_stop_anywhere_and_a_fault_stays_a_fault(self):
        states = (IDLE, ARMED, RUNNING, PAUSED, FAULT)
        self.assertEqual(self.allowed_in(states, lambda made: made.stop("x", T0)), [IDLE, IDLE, IDLE, IDLE, FAULT])

    def test_fail_anywhere(self):
        states = (IDLE, ARMED, RUNNING, PAUSED, FAULT)
        self.assertEqual(self.allowed_in(states, lambda made: made.fail(1, "x", T0)), [FAULT] * 5)

    def test_clear_in_a_fault(self):
        self.assertEqual(self.allowed_in((FAULT,), lambda made: made.clear(made.fault)), [IDLE])

    def test_status_has_its_fields_and_json_holds_them_in_every_state(self):
        for _, make in IN_EACH_STATE:
            status = make().status(T0, [3])
            self.assertEqual(sorted(status), sorted(session.STATUS_FIELDS))
            self.assertEqual(json.loads(json.dumps(status)), status)
        self.assertEqual(sorted(Session(samples.STAGE).status(0, [0])), sorted(session.STATUS_FIELDS))


class ANewSession(unittest.TestCase):
    def test_it_is_idle_at_zero_and_has_nothing(self):
        made = Session(samples.STAGE)
        status = made.status(0, [0])
        self.assertEqual(status.pop("channels"), [])
        texts = ("fault_text", "ended", "phase", "part", "limit_source")
        for field in status:
            self.assertEqual(status[field], IDLE if field == "state" else "" if field in texts else 0, field)
        self.assertEqual((made.fault_ms, made.level_most, made.programme, samples.first(made).feed), (0, 0, None, None))

    def test_its_status_says_what_was_loaded_and_how_far_it_is(self):
        made = running(ua=10_000)
        for _ in range(100):
            samples.took(made)
        made.prepare(T0 + 3_000, 3_000, made.lanes[0], 1)
        made.lanes[0].underruns = 3
        status = made.status(T0 + 3_000, [97])
        for field, wanted in (
            ("state", RUNNING),
            ("programme_crc", made.programme_crc),
            ("acknowledged", checklist.VERSION),
            ("elapsed_ms", 3_000),
            ("duration_ms", 60_000),
            ("phase", "work"),
            ("part", "work"),
            ("limit_ua", 30_000),
            ("limit_source", "the prescription"),
            ("queued", 100),
            ("delivered", 97),
            ("cancelled", 0),
            ("underruns", 3),
        ):
            self.assertEqual(status[field], wanted, field)
        (row,) = status["channels"]
        self.assertEqual((row["channel"], row["intensity_ua"], row["output_ua"]), (0, 10_000, 10_000))


class Loading(unittest.TestCase):
    def test_a_refused_programme_leaves_the_one_before(self):
        made = loaded()
        acknowledge(made)
        before = made.status(T0, [0])
        for bad in ({}, None, samples.programme(max_current_ua=100_000), samples.programme(title="\ud800")):
            self.assertTrue(codes(made.load, bad))
            self.assertEqual(made.status(T0, [0]), before)
        self.assertEqual(made.programme.title, "stress")

    def test_a_new_programme_needs_a_new_acknowledgement(self):
        made = loaded()
        acknowledge(made)
        made.load(samples.programme(title="other"))
        self.assertEqual(codes(made.arm, made.programme_crc, T0), ["not_acknowledged"])

    def test_the_limit_is_the_prescription_s_own_and_says_so(self):
        made = loaded(samples.programme(max_current_ua=12_300))
        self.assertEqual((made.limit_ua, made.limit_source, made.level_most), (12_300, "the prescription", 123))

    def test_the_level_s_limit_never_exceeds_the_current_s(self):
        for current_ua in range(1, 3_000, 7):
            made = loaded(samples.programme(max_current_ua=current_ua))
            self.assertTrue(made.level_most * 100 <= current_ua < (made.level_most + 1) * 100)

    def test_its_number_is_the_canonical_one(self):
        data = samples.programme()
        self.assertEqual(loaded(data).programme_crc, crc(data))


class Arming(unittest.TestCase):
    def test_all_that_is_missing_is_told(self):
        made = Session(samples.STAGE)
        self.assertEqual(codes(made.arm, 1, T0), ["no_programme", "not_acknowledged"])
        made.load(samples.programme())
        self.assertEqual(codes(made.arm, made.programme_crc ^ 1, T0), ["other_programme", "not_acknowledged"])
        acknowledge(made)
        self.assertEqual(codes(made.arm, made.programme_crc ^ 1, T0), ["other_programme"])
        self.assertEqual(codes(made.arm, made.programme_crc, T0), [])
        self.assertEqual(codes(made.arm, made.programme_crc, T0), ["not_idle"])

    def test_another_checklist_is_refused(self):
        made = loaded()
        version, items = checklist.VERSION, len(checklist.ITEMS)
        for wrong in ((version + 1, items), (version - 1, items), (version, items - 1), (version, items + 1), (0, 0)):
            self.assertEqual(codes(made.acknowledge, *wrong), ["other_checklist"])
            self.assertEqual(made.acknowledged, 0)

    def test_every_session_needs_its_own_acknowledgement(self):
        for end in (
            lambda made: made.stop("stopped", T0),
            lambda made: (made.start(T0), made.stop("stopped", T0)),
            lambda made: (made.start(T0), made.pause(T0), made.stop("stopped", T0)),
            lambda made: (made.start(T0), samples.tick(made, T0 + 60_000), samples.tick(made, T0 + 61_000)),
            lambda made: samples.tick(made, T0 + 2_000),
            lambda made: (made.fail(1, "x", T0), made.clear(1)),
        ):
            made = armed()
            end(made)
            self.assertEqual((made.state, made.acknowledged), (IDLE, 0))
            self.assertEqual(codes(made.arm, made.programme_crc, T0), ["not_acknowledged"])

    def test_it_starts_from_zero_every_time(self):
        made = running(ua=5_000)
        for _ in range(20):
            samples.took(made)
        samples.next_level(made, T0 + 500)
        made.lanes[0].underruns = 2
        made.stop("stopped", T0 + 1_234)
        made.was_cancelled(3, made.lanes[0])
        # What was is kept until the next session,
        self.assertEqual(
            (made.elapsed_ms(T0 + 9_000), made.queued, made.cancelled, made.ended), (1_234, 20, 3, "stopped")
        )
        acknowledge(made)
        made.arm(made.programme_crc, T0 + 9_000)
        # which has nothing of it.
        self.assertEqual(
            (samples.first(made).intensity_ua, samples.first(made).output_ua, made.elapsed_ms(T0 + 9_000)), (0, 0, 0)
        )
        self.assertEqual((made.queued, made.cancelled, samples.underruns(made), made.ended), (0, 0, 0, ""))
        self.assertEqual((samples.first(made).feed.begin_ms, samples.first(made).feed.k), (0, 0))
        made.start(T0 + 9_001)
        self.assertEqual((samples.first(made).intensity_ua, made.elapsed_ms(T0 + 9_001)), (0, 0))

    def test_arming_and_starting_count_as_hearing_the_host(self):
        made = armed()
        self.assertFalse(samples.tick(made, T0 + 1_999))
        made.start(T0 + 1_999)
        self.assertFalse(samples.tick(made, T0 + 3_998))
        self.assertEqual(
            envelope(samples.first(made).feed.phase, samples.first(made).feed.t_ms, 100),
            samples.next_level(made, T0 + 3_998),
        )


class Intensity(unittest.TestCase):
    def test_up_by_at_most_1_milliampere(self):
        made = running()
        self.assertEqual(codes(made.set_intensity, 1_100, T0), ["step_too_large"])
        self.assertEqual(codes(made.set_intensity, 1_000, T0), [])
        with self.assertRaises(Refused) as caught:
            made.set_intensity(2_100, T0 + 10_000)
        (reason,) = caught.exception.reasons
        self.assertEqual((reason["code"], reason["asked"], reason["bound"]), ("step_too_large", 2_100, 2_000))
        self.assertEqual(codes(made.set_intensity, 2_000, T0 + 10_000), [])

    def test_up_again_after_exactly_250_milliseconds(self):
        made = running()
        made.set_intensity(1_000, T0)
        for after_ms in (0, 1, 249):
            with self.assertRaises(Refused) as caught:
                made.set_intensity(1_100, T0 + after_ms)
            (reason,) = caught.exception.reasons
            self.assertEqual(
                (reason["code"], reason["bound"]),
                ("step_too_soon", "wait %d ms before the next step" % (250 - after_ms)),
            )
            self.assertEqual(samples.first(made).intensity_ua, 1_000)
        self.assertEqual(codes(made.set_intensity, 2_000, T0 + 250), [])

    def test_a_refused_step_does_not_put_off_the_next(self):
        made = running()
        made.set_intensity(1_000, T0)
        codes(made.set_intensity, 2_000, T0 + 249)
        codes(made.set_intensity, 9_000, T0 + 249)
        self.assertEqual(codes(made.set_intensity, 2_000, T0 + 250), [])

    def test_h13_never_faster_than_4_milliamperes_a_second_whatever_is_asked(self):
        # Hazard H13: a key that repeats, a burst of lines.
        made = running(samples.programme(max_current_ua=50_000))
        for ms in range(3_001):
            for more_ua in (1_000, 100, 50_000, 1_000):
                codes(made.set_intensity, samples.first(made).intensity_ua + more_ua, T0 + ms)
            self.assertTrue(samples.first(made).intensity_ua <= 1_000 * (1 + ms // 250))
        self.assertEqual(samples.first(made).intensity_ua, 13_000)

    def test_down_at_once_by_any_amount(self):
        made = running(ua=20_000)
        self.assertEqual(codes(made.set_intensity, 100, T0), [])
        self.assertEqual(codes(made.set_intensity, 0, T0), [])

    def test_down_and_up_again_still_waits_for_250_milliseconds(self):
        made = running()
        made.set_intensity(1_000, T0)
        made.set_intensity(0, T0 + 1)
        self.assertEqual(codes(made.set_intensity, 100, T0 + 249), ["step_too_soon"])
        self.assertEqual(codes(made.set_intensity, 100, T0 + 250), [])

    def test_the_same_again_is_no_step(self):
        made = running()
        made.set_intensity(1_000, T0)
        self.assertEqual(codes(made.set_intensity, 1_000, T0 + 1), [])
        self.assertEqual(codes(made.set_intensity, 1_100, T0 + 250), [])

    def test_the_limit_is_reached_and_not_passed(self):
        made = running(samples.programme(max_current_ua=2_000), ua=1_000)
        self.assertEqual(codes(made.set_intensity, 2_000, T0), [])
        self.assertEqual(codes(made.set_intensity, 2_100, T0 + 250), ["above_limit"])
        self.assertEqual(samples.first(made).intensity_ua, 2_000)

    def test_what_the_stage_cannot_deliver_exactly_is_refused_with_its_neighbours(self):
        # Peer defect: widths rounded in silence (sanworks/PulsePal#2).
        made = running()
        for current_ua in (1, 50, 99, 101, 250):
            with self.assertRaises(Refused) as caught:
                made.set_intensity(current_ua, T0)
            (reason,) = caught.exception.reasons
            low_ua = current_ua // 100 * 100
            self.assertEqual(
                (reason["code"], reason["bound"]), ("not_representable", "%d or %d" % (low_ua, low_ua + 100))
            )
        self.assertEqual(samples.first(made).intensity_ua, 0)

    def test_less_than_nothing_is_refused(self):
        made = running(ua=1_000)
        for current_ua in (-100, -1, -100_000):
            self.assertEqual(codes(made.set_intensity, current_ua, T0), ["below_range"])
        self.assertEqual(samples.first(made).intensity_ua, 1_000)

    def test_it_changes_nothing_but_itself(self):
        made = running()
        before = made.status(T0, [0])
        made.set_intensity(700, T0)
        after = made.status(T0, [0])
        self.assertEqual([key for key in session.STATUS_FIELDS if after[key] != before[key]], ["channels"])
        (was,), (now,) = before["channels"], after["channels"]
        self.assertEqual([key for key in session.CHANNEL_FIELDS if now[key] != was[key]], ["intensity_ua"])


class Leaving(unittest.TestCase):
    def test_every_way_out_of_running_sets_intensity_and_output_to_zero(self):
        for leave in (
            lambda made: made.pause(T0 + 9),
            lambda made: made.stop("stopped", T0 + 9),
            lambda made: made.fail(1, "x", T0 + 9),
            lambda made: (made.heard(T0 + 60_000), samples.tick(made, T0 + 60_000)),
            lambda made: (samples.tick(made, T0 + 2_000), samples.tick(made, T0 + 3_000)),
        ):
            made = running(ua=9_000)
            made.lanes[0].output_ua = 9_000
            leave(made)
            self.assertTrue(made.state != RUNNING)
            self.assertEqual((samples.first(made).intensity_ua, samples.first(made).output_ua), (0, 0))
            self.assertFalse(samples.wants_pulse(made, T0 + 10))

    def test_the_reason_for_the_end_is_kept(self):
        made = running()
        made.stop("stopped", T0)
        self.assertEqual(made.status(T0, [0])["ended"], "stopped")
        made = running()
        made.heard(T0 + 60_000)
        self.assertFalse(samples.tick(made, T0 + 59_999))
        self.assertTrue(samples.tick(made, T0 + 60_000))
        self.assertEqual((made.state, made.ended), (IDLE, "completed"))

    def test_stop_in_idle_is_harmless(self):
        made = loaded()
        acknowledge(made)
        made.stop("stopped", T0)
        self.assertEqual((made.state, made.ended, made.acknowledged), (IDLE, "", checklist.VERSION))


class Pausing(unittest.TestCase):
    def test_the_programme_s_clock_stands_still_and_goes_on(self):
        made = running()
        made.pause(T0 + 1_234)
        self.assertEqual(made.elapsed_ms(T0 + 1_500), 1_234)
        made.start(T0 + 1_900)
        self.assertEqual(made.elapsed_ms(T0 + 1_900), 1_234)
        self.assertEqual(made.elapsed_ms(T0 + 2_000), 1_334)
        made.pause(T0 + 2_000)
        made.start(T0 + 2_100)
        self.assertEqual(made.elapsed_ms(T0 + 2_100), 1_334)

    def test_it_goes_on_at_zero_in_the_same_place(self):
        made = running(ua=5_000)
        for _ in range(10):
            self.assertTrue(samples.wants_pulse(made, T0 + 300))
            samples.took(made)
        made.pause(T0 + 300)
        made.was_cancelled(2, made.lanes[0])
        place = samples.first(made).feed.phase.name, samples.first(made).feed.begin_ms, samples.first(made).feed.k
        made.start(T0 + 900)
        self.assertEqual(
            (samples.first(made).feed.phase.name, samples.first(made).feed.begin_ms, samples.first(made).feed.k), place
        )
        self.assertEqual(
            (samples.first(made).feed.k, samples.first(made).intensity_ua, samples.next_level(made, T0 + 900)),
            (8, 0, 0),
        )
        self.assertEqual((made.queued, made.cancelled), (10, 2))

    def test_a_pause_when_the_train_s_last_pulses_are_still_in_the_engine(self):
        made = running()
        for _ in range(175):
            self.assertTrue(samples.wants_pulse(made, T0 + 4_950))
            samples.took(made)
        self.assertFalse(samples.wants_pulse(made, T0 + 4_950))
        made.pause(T0 + 4_950)
        made.was_cancelled(2, made.lanes[0])
        made.start(T0 + 5_000)
        made.set_intensity(1_000, T0 + 5_000)
        for k in (173, 174):
            self.assertTrue(samples.wants_pulse(made, T0 + 5_000))
            self.assertEqual(samples.first(made).feed.k, k)
            self.assertTrue(0 <= samples.next_level(made, T0 + 5_000) <= 10)
            samples.took(made)
        self.assertFalse(samples.wants_pulse(made, T0 + 5_000))

    def test_it_lasts_as_long_as_the_host_is_there(self):
        made = paused()
        for ms in range(0, 600_000, 1_999):
            made.heard(T0 + ms)
            self.assertFalse(samples.tick(made, T0 + ms))
        self.assertEqual(made.state, PAUSED)


class TheHostIsLost(unittest.TestCase):
    def test_h14_after_exactly_2_seconds_armed_or_paused(self):
        for make in (armed, paused):
            made = make()
            made.heard(T0)
            self.assertFalse(samples.tick(made, T0 + 1_999))
            self.assertTrue(samples.tick(made, T0 + 2_000))
            self.assertEqual((made.state, made.ended), (IDLE, "host lost"))

    def test_h14_running_it_fades_for_a_second_and_stops(self):
        made = running(ua=10_000)
        samples.first(made).feed.seek(100)  # on the plateau
        self.assertFalse(samples.tick(made, T0 + 1_999))
        self.assertEqual(samples.next_level(made, T0 + 1_999), 100)
        self.assertFalse(samples.tick(made, T0 + 2_000))
        levels = [samples.next_level(made, T0 + 2_000 + ms) for ms in range(1_000)]
        self.assertEqual((levels[0], levels[500], levels[999]), (100, 50, 0))
        self.assertEqual(levels, sorted(levels, reverse=True))
        self.assertFalse(samples.tick(made, T0 + 2_999))
        self.assertTrue(samples.tick(made, T0 + 3_000))
        self.assertEqual((made.state, made.ended, samples.first(made).intensity_ua), (IDLE, "host lost", 0))

    def test_every_line_heard_in_time_puts_it_off(self):
        made = running()
        for ms in range(0, 59_000, 1_999):
            made.heard(T0 + ms)
            self.assertFalse(samples.tick(made, T0 + ms))
            self.assertFalse(samples.tick(made, T0 + ms + 1_998))
        self.assertEqual(made.state, RUNNING)

    def test_a_host_that_comes_back_during_the_fade_does_not_undo_it(self):
        made = running(ua=10_000)
        samples.tick(made, T0 + 2_000)
        made.heard(T0 + 2_100)
        self.assertEqual(codes(made.set_intensity, 10_500, T0 + 2_100), ["ending"])
        self.assertEqual(codes(made.set_intensity, 5_000, T0 + 2_100), [])
        self.assertTrue(samples.tick(made, T0 + 3_000))
        self.assertEqual(made.state, IDLE)

    def test_paused_during_the_fade_it_can_be_started_again_from_zero(self):
        made = running(ua=10_000)
        samples.tick(made, T0 + 2_000)
        made.heard(T0 + 2_500)
        made.pause(T0 + 2_500)
        made.start(T0 + 4_000)
        self.assertFalse(samples.tick(made, T0 + 4_000))
        self.assertEqual((made.state, samples.first(made).intensity_ua), (RUNNING, 0))
        self.assertEqual(codes(made.set_intensity, 1_000, T0 + 4_000), [])
        self.assertTrue(samples.next_level(made, T0 + 4_000) >= 0)

    def test_however_late_it_is_asked_for_a_level_there_is_no_negative_one(self):
        made = running(ua=100_000)
        samples.first(made).feed.seek(100)
        samples.tick(made, T0 + 2_000)
        self.assertEqual(samples.next_level(made, T0 + 2_999), 1)
        for ms in (3_000, 3_001, 10_000):
            self.assertEqual(samples.next_level(made, T0 + ms), 0)

    def test_it_is_lost_in_idle_and_fault_without_any_effect(self):
        for make in (idle, failed):
            made = make()
            state = made.state
            self.assertFalse(samples.tick(made, T0 + 1_000_000))
            self.assertEqual(made.state, state)


class Faults(unittest.TestCase):
    def test_the_first_one_stays(self):
        made = running(ua=1_000)
        made.fail(faults.PULSE_COUNT, "first", T0 + 5)
        made.fail(faults.INTERNAL_ERROR, "second", T0 + 6)
        made.fail(faults.PULSE_CHECK, "third", T0 + 7)
        self.assertEqual((made.fault, made.fault_text, made.fault_ms), (faults.PULSE_COUNT, "first", T0 + 5))
        self.assertEqual(made.ended, "fault pulse_count")

    def test_what_had_been_done_is_kept(self):
        made = running()
        samples.took(made)
        made.fail(faults.PULSE_COUNT, "x", T0 + 1_234)
        self.assertEqual((made.elapsed_ms(T0 + 9_000), made.queued), (1_234, 1))

    def test_only_its_own_number_clears_it(self):
        made = failed()
        for number in (0, 1, 3, 4, 99, -1, None):
            self.assertEqual(codes(made.clear, number), ["other_fault"])
            self.assertEqual(made.state, FAULT)
        self.assertEqual(codes(made.clear, faults.PULSE_CHECK), [])
        self.assertEqual((made.state, made.fault, made.fault_text), (IDLE, 0, ""))

    def test_h23_nothing_else_leaves_it(self):
        made = failed()
        for leave in (
            lambda: made.stop("x", T0),
            lambda: samples.tick(made, T0 + 10**9),
            lambda: made.heard(T0),
            lambda: made.start(T0),
            lambda: made.pause(T0),
            lambda: made.arm(made.programme_crc, T0),
            lambda: made.load(samples.programme()),
            lambda: acknowledge(made),
            lambda: made.set_intensity(0, T0),
        ):
            codes(leave)
            self.assertEqual((made.state, made.fault), (FAULT, faults.PULSE_CHECK))

    def test_even_an_unknown_fault_latches(self):
        made = running(ua=1_000)
        made.fail(77, "?", T0)
        self.assertEqual(
            (made.state, made.fault, samples.first(made).intensity_ua, made.ended), (FAULT, 77, 0, "fault number_77")
        )

    def test_its_text_is_short_and_printable_whatever_it_was(self):
        made = running()
        made.fail(1, "a\n\x1b[2J\ud800" + "x" * 5_000, T0)
        self.assertEqual((made.fault_text[:8], len(made.fault_text)), ("a??[2J?x", 100))


class AWholeSession(unittest.TestCase):
    """The supervisor's loop with an engine that has pulses queued: asked, delivered and cancelled agree."""

    def run_through(self, data, pauses=(), step_ms=5, ahead_ms=60, begin_ms=T0):
        """Returns (session, pulses begun, levels taken)."""
        made = running(data, begin_ms)
        made.lanes[0].intensity_ua = made.limit_ua // 100 * 100
        queue, begun, levels = [], 0, []
        free_us = 0
        now_ms = begin_ms
        while made.state == RUNNING and now_ms < begin_ms + 3_600_000:
            now_us = 1_000 * (now_ms - begin_ms)
            while queue and queue[0] <= now_us:
                queue.pop(0)
                begun += 1
            made.heard(now_ms)
            if samples.tick(made, now_ms):
                break
            if pauses and made.elapsed_ms(now_ms) >= pauses[0]:
                pauses = pauses[1:]
                made.pause(now_ms)
                made.was_cancelled(len(queue), made.lanes[0])
                queue = []
                made.start(now_ms + 700)
                now_ms += 700
                free_us = 1_000 * (now_ms - begin_ms) + made.waits_us()[0]
                made.lanes[0].intensity_ua = made.limit_ua // 100 * 100
                continue
            period_us = 1_000_000
            while len(queue) < max(1, 1_000 * ahead_ms // period_us) and samples.wants_pulse(made, now_ms):
                levels.append(samples.next_level(made, now_ms))
                self.assertTrue(0 <= levels[-1] <= samples.first(made).intensity_ua // 100 <= made.level_most)
                period_us = samples.first(made).feed.interval_us
                samples.took(made)
                free_us = max(free_us, now_us)
                queue.append(free_us)
                free_us += period_us
            now_ms += step_ms
        made.was_cancelled(len(queue), made.lanes[0])
        return made, begun, levels

    def test_as_many_pulses_as_the_programme_says(self):
        for data in (
            samples.programme(),
            samples.programme([samples.phase(rate_mhz=48_000, work_ms=2_000, rest_ms=1_000, duration_ms=9_000)]),
            samples.programme([samples.phase(rate_mhz=10_000, work_ms=0, rest_ms=0, duration_ms=20_000)]),
            samples.programme(
                [samples.phase(name="a", duration_ms=30_000), samples.phase(name="b", duration_ms=25_000)]
            ),
        ):
            made, begun, _ = self.run_through(data)
            self.assertEqual(made.ended, "completed")
            self.assertEqual((begun, made.queued, made.cancelled), (made.programme.pulses, made.programme.pulses, 0))

    def test_pauses_lose_none_and_repeat_none(self):
        for pauses in ([1], [2_500], [4_950], [4_990, 5_010], [17_777], [100, 4_000, 4_980, 15_000, 19_999, 34_999]):
            made, begun, _ = self.run_through(samples.programme(), pauses)
            self.assertEqual(made.ended, "completed")
            self.assertEqual(begun, made.programme.pulses, pauses)
            self.assertEqual(made.queued, begun + made.cancelled)

    def test_each_train_rises_and_falls(self):
        _, _, levels = self.run_through(samples.programme())
        for train in range(4):
            of_train = levels[175 * train : 175 * (train + 1)]
            top = of_train.index(max(of_train))
            self.assertEqual(of_train[:top], sorted(of_train[:top]))
            self.assertEqual(of_train[top:], sorted(of_train[top:], reverse=True))
            self.assertEqual((of_train[0], max(of_train)), (0, 300))

    def test_h12_at_any_time_of_the_clock(self):
        # Peer defect: time compared across a wrapped counter (saawsm/swx pulse_gen.c).
        wanted = self.run_through(samples.programme())[1:]
        for begin_ms in (0, 1, 2**30 - 10_000, 2**31 - 10_000, 2**32 - 10_000, 2**53):
            self.assertEqual(self.run_through(samples.programme(), begin_ms=begin_ms)[1:], wanted)


class NothingIsAllocated(unittest.TestCase):
    def test_in_a_turn_of_the_loop_with_pulses_and_in_the_fade(self):
        made = running(ua=10_000)
        over, prepare = made.over, made.prepare
        lane = made.lanes[0]
        take = lane.feed.take
        most = 0
        heap_lock()
        try:
            for ms in range(0, 2_900, 7):
                over(T0 + ms)
                count = prepare(T0 + ms, ms, lane, 3)
                if count:
                    if lane.level > most:
                        most = lane.level
                    take(count)
        finally:
            heap_unlock()
        self.assertEqual((made.state, most), (RUNNING, 100))


if __name__ == "__main__":
    unittest.main()

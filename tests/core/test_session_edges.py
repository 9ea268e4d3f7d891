"""core/session.py: late turns, delayed channels, and what is left behind or must not be."""

import binascii
import unittest

import samples
from samples import measured

from nmes.core import checklist, faults, session
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING, Session

T0 = 123_456
DELAY_US = 2_500_000
SHORT = samples.phase(rate_mhz=10_000, work_ms=0, rest_ms=0, ramp_up_ms=500, ramp_down_ms=500, duration_ms=1_000)
# Widths may be adjusted within what the programme has somewhere.
WIDTHS = [samples.phase(), samples.phase(width_us=100), samples.phase(width_us=400)]


def loaded(data=None):
    made = Session(samples.STAGE)
    made.load(data or samples.programme())
    return made


def armed(data=None):
    made = loaded(data)
    made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
    made.arm(made.programme_crc, T0)
    return made


def running(data=None, ua=0):
    made = armed(data)
    made.start(T0)
    for lane in made.lanes:
        lane.intensity_ua = ua
    return made


def delayed(first_us=0, second_us=DELAY_US, phases=None):
    rows = [{"channel": 0, "delay_us": first_us}, {"channel": 1, "delay_us": second_us}]
    return samples.programme(phases, channels=rows)


def reason(action, *arguments):
    """The only reason of a refusal."""
    try:
        action(*arguments)
    except Refused as refused:
        (found,) = refused.reasons
        return found["code"], found["parameter"], found["asked"], found["bound"]
    return None


class Memory(unittest.TestCase):
    def test_load_hands_on_what_it_accepted(self):
        made = Session(samples.STAGE)
        accepted = made.load(samples.programme())
        self.assertTrue(accepted is made.programme and accepted is not None)

    def test_without_a_programme_nothing_can_have_changed_but_half_a_programme_is_none(self):
        made = Session(samples.STAGE)
        self.assertTrue(made.intact())
        made.load(samples.programme())
        for lost in ("programme", "_data"):
            kept = getattr(made, lost)
            setattr(made, lost, None)
            with self.assertRaises(AttributeError):
                made.intact()
            setattr(made, lost, kept)
        self.assertTrue(made.intact())
        made.forget()
        self.assertTrue(made.intact())

    def test_it_is_intact_after_loading_and_whatever_it_does(self):
        made = running(delayed(), ua=5_000)
        self.assertTrue(made.intact())
        samples.took(made)
        made.pause(T0 + 100)
        self.assertTrue(made.intact())

    def test_every_other_programme_in_its_place_is_noticed(self):
        # Some have a larger number than what was accepted, some a smaller one.
        larger = 0
        for i in range(20):
            data = samples.programme()
            made = loaded(data)
            data["title"] = "other %d" % i
            self.assertFalse(made.intact())
            larger += session.programme.crc(data) > made.programme_crc
        self.assertTrue(0 < larger < 20, larger)

    def test_what_was_made_of_the_programme_is_watched_too(self):
        for field in ("index", "ratio", "delay_us"):
            made = loaded(delayed())
            channel = made.programme.channels[1]
            setattr(channel, field, getattr(channel, field) + 1)
            self.assertFalse(made.intact(), field)
        made = loaded()
        made.programme.channels[0].phases[0].width_us += 1
        self.assertFalse(made.intact())
        for field in ("limit_ua", "level_most"):
            made = loaded()
            setattr(made, field, getattr(made, field) + 1)
            self.assertFalse(made.intact(), field)

    def test_another_key_in_its_place_is_noticed(self):
        data = samples.programme()
        made = loaded(data)
        rows = list(data.items())
        data.clear()
        for key, value in rows:
            data["label" if key == "title" else key] = value
        self.assertFalse(made.intact())

    def test_every_bit_of_what_is_compared_counts(self):
        for number in range(8):
            whole = binascii.crc32(repr(number).encode(), 7) & 0xFFFFFFFF
            self.assertEqual(session._crc(number, 7), whole)

    def test_what_is_forgotten_is_gone(self):
        made = running(ua=1_000)
        samples.took(made)
        made.stop("stopped", T0 + 100)
        made.forget()
        self.assertEqual((made.programme, made.programme_crc, made.limit_ua, made.level_most), (None, 0, 0, 0))
        self.assertEqual((made.limit_source, made.lanes, samples.first(made).feed, made.queued), ("", [], None, 0))
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        self.assertEqual(reason(made.may_arm, 0), ("no_programme", "programme_crc", 0, "a loaded programme"))

    def test_nothing_is_forgotten_in_a_session_or_a_fault(self):
        made = armed()
        for state, act in (
            (ARMED, lambda: None),
            (RUNNING, lambda: made.start(T0)),
            (PAUSED, lambda: made.pause(T0)),
            (FAULT, lambda: made.fail(1, "x", T0)),
        ):
            act()
            self.assertEqual(reason(made.forget), ("wrong_state", "state", state, IDLE))
            self.assertTrue(made.programme is not None and made.intact())

    def test_a_new_session_has_a_new_account_of_what_was_measured(self):
        made = loaded()
        made.delivery.judge(measured(200, current=400, voltage=252, current_b=348, voltage_b=248), T0)
        made.delivery.update()
        self.assertTrue(made.delivery.measured_ua and made.delivery.impedance_ohm and made.delivery.net_nc)
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        made.arm(made.programme_crc, T0)
        status = made.status(T0, [0])
        (row,) = status["channels"]
        self.assertEqual([row[field] for field in ("measured_ua", "impedance_ohm", "net_charge_nc")], [0, 0, 0])

    def test_the_status_has_the_load_of_the_last_pulse(self):
        made = loaded()
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        made.arm(made.programme_crc, T0)
        made.delivery.judge(measured(200, current=400, voltage=252), T0)
        (row,) = made.status(T0, [0])["channels"]
        self.assertEqual((row["measured_ua"], row["impedance_ohm"], row["net_charge_nc"]), (22_000, 515, 0))

    def test_a_new_session_belongs_to_nobody(self):
        made = Session(samples.STAGE)
        self.assertTrue(made.owner is None and made.acknowledged_by is None)
        made.heard(T0)
        self.assertEqual((made.state, samples.tick(made, T0 + 60_000)), (IDLE, False))

    def test_no_host_has_the_number_of_the_device_itself(self):
        self.assertEqual(session.LOCAL, 0)  # hosts have 1 and up

    def test_only_who_has_acknowledged_arms(self):
        bound = "acknowledged by the host that arms; another host did"
        for by, other in ((2, 1), (2, 3), (2, session.LOCAL), (session.LOCAL, 1)):
            made = loaded()
            made.acknowledge(checklist.VERSION, len(checklist.ITEMS), by)
            self.assertEqual(
                reason(made.may_arm, made.programme_crc, other),
                ("not_acknowledged", "checklist", checklist.VERSION, bound),
            )
            self.assertEqual(reason(made.arm, made.programme_crc, T0, other)[0], "not_acknowledged")
            self.assertEqual((made.state, made.owner), (IDLE, None))
            made.arm(made.programme_crc, T0, by)
            self.assertEqual((made.state, made.owner), (ARMED, by))

    def test_only_the_very_number_arms(self):
        made = loaded()
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        crc = made.programme_crc
        for wrong in (crc - 1, crc + 1, 0, 0xFFFFFFFF):
            self.assertEqual(reason(made.may_arm, wrong), ("other_programme", "programme_crc", wrong, crc))
        self.assertEqual(reason(made.may_arm, crc), None)

    def test_what_is_missing_is_told_with_what_there_is(self):
        made = loaded()
        self.assertEqual(
            reason(made.may_arm, made.programme_crc), ("not_acknowledged", "checklist", 0, checklist.VERSION)
        )

    def test_zero_is_set_again_whatever_was_there(self):
        # Nothing outside RUNNING may raise it; if memory says otherwise, it does not last.
        for change, after in (
            (lambda made: made.start(T0), RUNNING),
            (lambda made: made.stop("x", T0), IDLE),
            (lambda made: made.fail(1, "x", T0), FAULT),
        ):
            made = running(delayed())
            made.pause(T0)
            for lane in made.lanes:
                lane.intensity_ua = lane.output_ua = 5_000
            change(made)
            self.assertEqual(made.state, after)
            self.assertEqual([(lane.intensity_ua, lane.output_ua) for lane in made.lanes], [(0, 0), (0, 0)])


class Raising(unittest.TestCase):
    def test_after_a_pause_the_first_step_needs_no_waiting(self):
        made = running()
        made.set_intensity(1_000, T0)
        made.pause(T0 + 10)
        made.start(T0 + 20)
        made.set_intensity(1_000, T0 + 20)
        self.assertEqual(samples.first(made).intensity_ua, 1_000)

    def test_what_is_refused_says_what_would_be_accepted(self):
        made = running(ua=1_000)
        self.assertEqual(reason(made.set_intensity, -100, T0), ("below_range", "current_ua", -100, 0))
        samples.tick(made, T0 + 2_000)
        self.assertEqual(reason(made.set_intensity, 1_100, T0 + 2_000), ("ending", "current_ua", 1_100, 0))

    def test_starting_counts_as_hearing_the_host(self):
        made = armed()
        made.start(T0 + 1_999)
        samples.tick(made, T0 + 3_998)
        made.set_intensity(1_000, T0 + 3_998)  # no fade
        samples.tick(made, T0 + 3_999)
        self.assertEqual(reason(made.set_intensity, 1_100, T0 + 4_500)[0], "ending")

    def test_a_wider_pulse_of_no_current_is_no_step(self):
        made = running(samples.programme(WIDTHS))
        made.adjust(35_000, 300, T0)
        made.set_intensity(1_000, T0)
        self.assertEqual(samples.first(made).intensity_ua, 1_000)

    def test_a_narrower_pulse_needs_no_waiting_and_puts_nothing_off(self):
        made = running(samples.programme(WIDTHS))
        made.set_intensity(1_000, T0)
        made.adjust(35_000, 200, T0 + 1)
        made.adjust(35_000, 150, T0 + 2)
        made.set_intensity(2_000, T0 + 250)
        self.assertEqual(samples.first(made).intensity_ua, 2_000)

    def test_a_fade_that_was_paused_does_not_forbid_to_adjust(self):
        made = running()
        samples.tick(made, T0 + 2_000)
        self.assertEqual(reason(made.adjust, 20_000, 250, T0 + 2_000)[0], "ending")
        made.heard(T0 + 2_500)
        made.pause(T0 + 2_500)
        self.assertEqual(reason(made.adjust, 20_000, 250, T0 + 2_500), None)


class LateTurns(unittest.TestCase):
    """A turn that comes too late sees that its time has passed."""

    def test_a_host_that_was_lost_long_ago(self):
        for late_ms in (2_000, 2_001, 60_000):
            made = armed()
            self.assertEqual(samples.tick(made, T0 + late_ms), True)
            self.assertEqual((made.state, made.ended), (IDLE, "host lost"))

    def test_a_fade_that_begins_late_and_ends_late(self):
        for lost_ms, faded_ms in ((2_000, 3_000), (2_001, 3_001), (2_345, 3_999)):
            made = running(ua=1_000)
            self.assertEqual(samples.tick(made, T0 + lost_ms), False)
            self.assertEqual(samples.tick(made, T0 + lost_ms + 999), False)
            self.assertEqual(samples.tick(made, T0 + faded_ms), True)
            self.assertEqual((made.state, made.ended), (IDLE, "host lost"))

    def test_where_nothing_runs_no_host_is_lost_however_long_it_takes(self):
        for end in (lambda made: made.stop("stopped", T0), lambda made: made.fail(1, "x", T0)):
            made = running()
            end(made)
            state, ended = made.state, made.ended
            for late_ms in (2_000, 3_000, 60_000, 120_000):
                self.assertEqual(samples.tick(made, T0 + late_ms), False)
            self.assertEqual((made.state, made.ended), (state, ended))

    def test_an_end_that_has_passed(self):
        for late_ms in (60_000, 60_001, 61_000):
            made = running()
            made.heard(T0 + late_ms)
            self.assertEqual(samples.tick(made, T0 + late_ms), True)
            self.assertEqual((made.state, made.ended), (IDLE, "completed"))


class Faults(unittest.TestCase):
    def test_it_says_what_was_going_on_when_it_came(self):
        for state, act, elapsed_ms in (
            (IDLE, lambda made: made.stop("x", T0), 0),
            (ARMED, lambda made: None, 0),
            (RUNNING, lambda made: made.start(T0), 1_000),
            (PAUSED, lambda made: (made.start(T0), made.pause(T0 + 300)), 300),
        ):
            made = armed(delayed())
            act(made)
            for number, lane in enumerate(made.lanes):
                lane.intensity_ua = 5_000 + number
            made.fail(1, "x", T0 + 1_000)
            self.assertEqual((made.state, made.failed_in), (FAULT, state))
            self.assertEqual((made.fault_ms, made.elapsed_ms(T0 + 5_000)), (T0 + 1_000, elapsed_ms), state)
            self.assertEqual([lane.failed_ua for lane in made.lanes], [5_000, 5_001])

    def test_neither_after_it_nor_after_a_stop_has_the_session_an_owner(self):
        for end in (lambda made: made.stop("x", T0), lambda made: made.fail(1, "x", T0)):
            made = running()
            self.assertEqual(made.owner, session.LOCAL)
            end(made)
            self.assertTrue(made.owner is None)

    def test_without_memory_for_its_texts_it_is_a_fault_all_the_same(self):
        def without_memory(number):
            raise MemoryError

        made = running(ua=1_000)
        named = faults.name
        faults.name = without_memory
        try:
            with self.assertRaises(MemoryError):
                made.fail(1, "x", T0)
        finally:
            faults.name = named
        self.assertEqual((made.state, made.fault, made.ended, made.fault_text), (FAULT, 1, "fault", ""))
        self.assertEqual((samples.first(made).intensity_ua, made.owner, made.acknowledged), (0, None, 0))

    def test_what_is_wrong_too_is_said_once_and_first(self):
        made = running()
        made.fail(1, "first", T0)
        self.assertEqual((made.fails_too("second"), made.fault_text), (True, "second; first"))
        self.assertEqual((made.fails_too("second"), made.fault_text), (False, "second; first"))
        self.assertEqual(made.fails_too("t" * 95), True)
        self.assertEqual(made.fault_text, "t" * 95 + "; sec")


class Clocks(unittest.TestCase):
    def test_the_programme_s_clock_begins_with_the_engine(self):
        made = running()
        made.began(T0 + 7)
        self.assertEqual(made.elapsed_ms(T0 + 7), 0)
        made.pause(T0 + 107)
        self.assertEqual(made.elapsed_ms(T0 + 500), 100)

    def test_a_delayed_channel_s_clock_is_behind(self):
        made = running(delayed())
        self.assertEqual([lane.delay_ms for lane in made.lanes], [0, 2_500])
        self.assertEqual([made.lag_ms(T0 + 3_000, lane) for lane in made.lanes], [3_000, 500])
        self.assertTrue(samples.wants_pulse(made, T0, made.lanes[0]))
        self.assertFalse(samples.wants_pulse(made, T0 + 2_400, made.lanes[1]))
        self.assertTrue(samples.wants_pulse(made, T0 + 2_500, made.lanes[1]))

    def test_the_first_channel_s_place_is_by_its_own_clock(self):
        made = running(samples.programme(channels=[{"channel": 1, "delay_us": DELAY_US}]))
        for ms, part in ((0, "rest"), (2_499, "rest"), (2_500, "work"), (7_499, "work"), (7_500, "rest")):
            self.assertEqual(made.part(T0 + ms), ("work", part), ms)

    def test_only_what_runs_comes_to_its_end(self):
        self.assertEqual(samples.ends(Session(samples.STAGE), T0), False)
        self.assertEqual(samples.ends(loaded(), T0), False)
        made = running(samples.programme([SHORT]))
        self.assertEqual((samples.ends(made, T0 + 999), samples.ends(made, T0 + 1_000)), (False, True))
        made.pause(T0 + 5_000)
        self.assertEqual(samples.ends(made, T0 + 6_000), False)

    def test_a_late_engine_is_given_a_second_to_end_and_no_more(self):
        for late_ms, slip_ms, end_ms in ((0, 0, 0), (1, 0, 1), (0, 1, 1), (400, 300, 700), (999, 0, 999)):
            for more_ms in (0, 700):
                made = running(samples.programme([SHORT]))
                (lane,) = made.lanes
                made.late_ms, lane.slip_ms = late_ms + more_ms, slip_ms
                over_ms = min(1_000, end_ms + more_ms)
                self.assertFalse(samples.ends(made, T0 + 1_000 + over_ms - 1))
                self.assertTrue(samples.ends(made, T0 + 1_000 + over_ms))

    def test_an_engine_that_has_all_its_pulses_ends_4_ms_after_the_last_has_begun(self):
        # What is rounded down: the pulse's time, the delay, the lateness and the time when the engine began.
        made = running(delayed(0, 700_000, [SHORT]))
        for lane in made.lanes:
            while lane.feed.phase is not None:
                samples.took(made, lane)
        made.late_ms = 5
        made.lanes[1].slip_ms = 106
        end_ms = 900 + 700 + 5 + 106 + 4
        self.assertEqual(made.lanes[1].feed.last_ms, 900)
        self.assertFalse(samples.ends(made, T0 + end_ms - 1))
        self.assertTrue(samples.ends(made, T0 + end_ms))

    def test_how_late_a_pulse_is_leaves_out_how_late_its_engine_is(self):
        made = running(delayed(0, 10_000))
        made.late_ms = 20
        made.lanes[0].slip_ms, made.lanes[1].slip_ms = 3, 4
        self.assertEqual([made.lag_ms(T0 + 100, lane) for lane in made.lanes], [100 - 20 - 3, 100 - 10 - 20 - 4])

    def test_after_a_pause_no_engine_is_late(self):
        made = running()
        made.lanes[0].slip_ms = 30
        made.pause(T0 + 10)
        made.start(T0 + 20)
        self.assertEqual((made.lanes[0].slip_ms, made.lag_ms(T0 + 20, made.lanes[0])), (0, 10))

    def test_how_long_the_engines_wait_at_a_first_start(self):
        made = running(delayed(1_000, DELAY_US))
        self.assertEqual(made.waits_us(), [1_000, DELAY_US])
        self.assertEqual(made.late_ms, 0)

    def test_how_long_the_engines_wait_after_a_pause(self):
        # 35 Hz: pulses begin every 28 571 us. The clock was stopped at 2 000 ms: channel 0 has taken all before it and
        # the next comes 28 ms after; channel 1 is not due before 2 500 ms.
        made = running(delayed())
        for _ in range(71):
            samples.took(made)
        made.pause(T0 + 2_000)
        made.start(T0 + 9_000)
        next_us = 71 * 28_571
        self.assertEqual(made.waits_us(), [next_us - 2_000_000, 500_000])
        self.assertEqual((made.late_ms, made.lag_ms(T0 + 9_000, made.lanes[1])), (0, -500))

    def test_pulses_that_were_cancelled_make_all_channels_late_alike(self):
        made = running(delayed())
        for _ in range(71):
            samples.took(made)
        made.pause(T0 + 2_000)
        made.was_cancelled(6, made.lanes[0])
        made.start(T0 + 9_000)
        made.began(T0 + 9_000)
        early_us = 2_000_000 - 65 * 28_571  # the first that was cancelled should have begun so long ago
        self.assertEqual(made.waits_us(), [0, 500_000 + early_us])
        self.assertEqual(made.late_ms, early_us // 1_000)
        self.assertEqual(made.lag_ms(T0 + 9_000, made.lanes[0]), 2_000 - made.late_ms - 65 * 28_571 // 1_000)
        self.assertEqual(made.lag_ms(T0 + 9_000, made.lanes[1]), 2_000 - 2_500 - made.late_ms)

    def test_a_channel_that_has_nothing_left_waits_for_nobody_and_is_never_late(self):
        made = running(delayed(0, 0, [SHORT]))
        lane = made.lanes[1]
        while lane.feed.phase is not None:
            samples.took(made, lane)
        made.pause(T0 + 10)
        made.start(T0 + 10)
        self.assertEqual(made.waits_us(), [0, 10_000])
        self.assertEqual((made.late_ms, made.lag_ms(T0 + 900, lane)), (10, 0))


class WhatIsShown(unittest.TestCase):
    def test_after_the_end_there_is_no_place_and_no_pulse(self):
        made = running(ua=1_000)
        for act, place in (
            (lambda: None, ("work", "work", 35_000, 250)),
            (lambda: made.pause(T0 + 100), ("work", "work", 35_000, 250)),
            (lambda: made.stop("stopped", T0 + 200), ("", "", 0, 0)),
        ):
            act()
            status = made.status(T0 + 100, [0])
            (channel,) = status["channels"]
            self.assertEqual((status["phase"], status["part"], channel["rate_mhz"], channel["width_us"]), place)
        status = armed().status(T0, [0])
        self.assertEqual((status["phase"], status["channels"][0]["rate_mhz"]), ("", 0))

    def test_a_channel_that_is_done_has_no_pulse(self):
        made = running(samples.programme([SHORT]))
        while samples.first(made).feed.phase is not None:
            samples.took(made)
        (channel,) = made.status(T0 + 950, [10])["channels"]
        self.assertEqual((channel["rate_mhz"], channel["width_us"]), (0, 0))

    def test_on_a_ramp_too_phase_b_has_a_level(self):
        made = running(samples.programme([samples.phase(ratio=3)]), ua=30_000)
        seen = set()
        for _ in range(175):
            lane = made.lanes[0]
            made.prepare(T0, lane.feed.next_ms(), lane, 1)
            level = lane.level
            self.assertEqual(level % 3, 0)
            self.assertEqual(samples.first(made).output_ua, level * 100)
            seen.add(level)
            samples.took(made)
        self.assertTrue(len(seen) > 20 and max(seen) == 300)


if __name__ == "__main__":
    unittest.main()

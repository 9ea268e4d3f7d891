"""core/dose.py: how often and when a prescription may be run, with a clock, without one, and with a wrong one."""

import unittest

from nmes.core import record
from nmes.core.dose import DAY_S, HOUR_S, Kept, Now, check, day_of
from nmes.core.lockout import LONG_MS
from nmes.core.session import COMPLETED

T = 1_800_000_000  # 2027-01-15
KEPT = Kept(2, bytes(range(32)), 0xAA)
MIN_S = 60


def session(at_s, power_on=1, unix_s=0, ended=COMPLETED, took_s=1_200, pulses=9, prescription=2, digest=8, crc=0xBB):
    """One that was begun `at_s` after power on; `ended` None: not in order."""
    begin = {
        "power_on": power_on,
        "at_s": at_s,
        "unix_s": unix_s,
        "duration_s": 1_200,
        "prescription": prescription,
        "prescription_digest": bytes([digest] * 8),
        "programme_crc": crc,
    }
    if ended is None:
        return record.BEGUN, begin, None
    end = {
        "took_s": took_s,
        "ended": ended,
        "ended_unix_s": unix_s and unix_s + took_s,
        "elapsed_ms": 1_000 * took_s,
        "channels": [{"pulses": pulses}, {"pulses": 0}],
    }
    return record.ENDED, begin, end


DAMAGED = record.DAMAGED, None, None


def codes(schedule, sessions=(), unix_s=None, at_s=10 * HOUR_S, power_on=1, confirmed=False):
    """The codes of the refusal; the newest session stands first."""
    return [row["code"] for row in check(schedule, KEPT, sessions, Now(unix_s, at_s, power_on), confirmed)]


def bound(schedule, sessions, **now):
    (reason,) = check(schedule, KEPT, sessions, Now(**now), False)
    return reason["bound"]


class HoursBetween(unittest.TestCase):
    RULE = {"hours_between": 24}

    def test_without_a_session_before_it_needs_no_clock(self):
        self.assertEqual(codes(self.RULE, (), None, 0, 0), [])

    def test_h12_in_one_time_of_power_the_device_s_own_time_says_it_to_the_second(self):
        ended_s = 100 + 1_200
        for at_s, wanted in ((ended_s + 24 * HOUR_S - 1, ["too_soon_again"]), (ended_s + 24 * HOUR_S, [])):
            self.assertEqual(codes(self.RULE, [session(100)], None, at_s), wanted)
            # Whatever a host says of the time of day, and whatever a person confirms.
            for unix_s in (T, T - 10**8, T + 10**9):
                self.assertEqual(codes(self.RULE, [session(100, unix_s=T)], unix_s, at_s), wanted)
            self.assertEqual(codes(self.RULE, [session(100)], None, at_s, confirmed=True), wanted)

    def test_h12_over_a_power_cut_two_times_of_day_say_it(self):
        ended_s = T + 1_200
        for unix_s, wanted in ((ended_s + 24 * HOUR_S - 1, ["too_soon_again"]), (ended_s + 24 * HOUR_S, [])):
            self.assertEqual(codes(self.RULE, [session(100, unix_s=T)], unix_s, 60, 2), wanted)

    def test_h12_over_a_power_cut_without_a_clock_only_powered_time_counts(self):
        for before in (session(100, unix_s=T), session(100), session(100, ended=None), DAMAGED):
            for at_s, wanted in ((0, 1), (24 * HOUR_S - 1, 1), (24 * HOUR_S, 0)):
                self.assertEqual(codes(self.RULE, [before], None, at_s, 0), ["clock_unknown"] * wanted)
                # A person at the device knows whether a day has passed.
                self.assertEqual(codes(self.RULE, [before], None, at_s, 0, confirmed=True), [])

    def test_h12_a_clock_does_not_help_for_a_session_whose_time_nobody_knew(self):
        self.assertEqual(codes(self.RULE, [session(100)], T, 60, 0), ["clock_unknown"])
        self.assertEqual(codes(self.RULE, [session(100)], T, 24 * HOUR_S, 0), [])

    def test_h12_a_clock_that_was_set_back_makes_no_session_older(self):
        # The session was at T by another clock; now it is before that.
        for back_s in (1, DAY_S, 10**8):
            self.assertEqual(codes(self.RULE, [session(100, unix_s=T)], T - back_s, 60, 2), ["clock_unknown"])

    def test_h12_a_clock_of_2099_that_was_put_right_keeps_nobody_out_for_ever(self):
        then_s = 4_090_000_000
        self.assertEqual(codes(self.RULE, [session(100, unix_s=then_s)], T, 60, 2), ["clock_unknown"])
        self.assertEqual(codes(self.RULE, [session(100, unix_s=then_s)], T, 24 * HOUR_S, 2), [])
        later = [session(100, 2, T), session(100, 1, then_s)]
        self.assertEqual(codes(self.RULE, later, T + 1_200 + 24 * HOUR_S, 60, 3), [])

    def test_the_refusal_says_when(self):
        said = bound(self.RULE, [session(100)], unix_s=None, at_s=1_300 + 23 * HOUR_S - 5 * MIN_S, power_on=1)
        self.assertEqual(said, "in 1 h 5 min")
        said = bound(self.RULE, [session(100)], unix_s=None, at_s=HOUR_S, power_on=0)
        self.assertEqual(said, "a host that says what time it is, or 23 h 0 min more of powered time")

    def test_h12_one_that_was_not_ended_in_order_counts_for_its_whole_time(self):
        for at_s, wanted in ((100 + 1_200 + 24 * HOUR_S - 1, 1), (100 + 1_200 + 24 * HOUR_S, 0)):
            found = codes(self.RULE, [session(100, ended=None)], None, at_s)
            self.assertEqual(found, ["too_soon_again"] * wanted)


class Counted(unittest.TestCase):
    def days(self, *ago, **more):
        """Sessions that ended so many days ago, by the clock."""
        return [session(100, unix_s=T - round(days * DAY_S) - 1_200, **more) for days in ago]

    def test_h12_a_week_is_the_last_seven_days(self):
        rule = {"sessions_per_week": 3}
        self.assertEqual(codes(rule, self.days(1, 3), T, 60, 2), [])
        self.assertEqual(codes(rule, self.days(1, 3, 6.9), T, 60, 2), ["too_many"])
        self.assertEqual(codes(rule, self.days(1, 3, 7), T, 60, 2), [])
        self.assertEqual(bound(rule, self.days(1, 3, 6), unix_s=T, at_s=60, power_on=2), "in 24 h 0 min")

    def test_h12_a_day_is_the_last_24_hours(self):
        rule = {"sessions_per_day": 2}
        self.assertEqual(codes(rule, self.days(0.1, 0.9), T, 60, 2), ["too_many"])
        self.assertEqual(codes(rule, self.days(0.1, 1), T, 60, 2), [])

    def test_h12_all_there_are_need_no_clock(self):
        rule = {"sessions_most": 3}
        sessions = [session(100), session(50), session(0)]
        for confirmed in (False, True):
            self.assertEqual(codes(rule, sessions, None, 60, 0, confirmed), ["all_done"])
        self.assertEqual(codes(rule, sessions[1:], None, 60, 0), [])

    def test_h12_without_a_clock_all_that_may_be_of_this_week_are(self):
        rule = {"sessions_per_week": 2}
        sessions = self.days(300, 400)
        self.assertEqual(codes(rule, sessions, None, 60, 0), ["clock_unknown"])
        self.assertEqual(codes(rule, sessions, T, 60, 0), [])
        self.assertEqual(codes(rule, sessions, None, 60, 0, confirmed=True), [])
        self.assertEqual(codes(rule, sessions, None, 7 * DAY_S, 0), [])
        # With enough that are certainly of this week nobody's word helps.
        sessions = [session(4_000), session(100)]
        self.assertEqual(codes(rule, sessions, None, 9_000, 1, True), ["too_many"])

    def test_a_session_is_no_younger_than_the_one_after_it(self):
        # The first of them is of unknown time, the second was surely more than a week ago.
        sessions = [session(100, 2, T - 8 * DAY_S), session(100, 1)]
        self.assertEqual(codes({"sessions_per_week": 1}, sessions, T, 60, 3), [])

    def test_sessions_of_other_prescriptions_do_not_count_whatever_was_with_this_one_does(self):
        rule = {"sessions_most": 1}
        self.assertEqual(codes(rule, [session(100, prescription=3)]), [])
        self.assertEqual(codes(rule, [session(100, prescription=0)]), [])
        self.assertEqual(codes(rule, [session(100, prescription=2)]), ["all_done"])
        self.assertEqual(codes(rule, [session(100, prescription=0, crc=0xAA)]), ["all_done"])
        moved = session(100, prescription=3)
        moved[1]["prescription_digest"] = bytes(range(8))
        self.assertEqual(codes(rule, [moved]), ["all_done"])

    def test_h12_short_ones_count_together_and_without_a_pulse_none_does(self):
        rule = {"sessions_most": 1}
        half_s = LONG_MS // 2_000
        short = session(100, ended="stopped", took_s=half_s)
        none = session(100, ended="stopped", pulses=0)
        for sessions, wanted in (
            ([short], 0),
            ([short, short], 1),
            ([short, none, short], 1),
            ([none] * 5, 0),
            ([session(100, pulses=0)], 0),
            ([session(100, ended="stopped", took_s=LONG_MS // 1_000)], 1),
            ([session(100, ended="host lost", took_s=LONG_MS // 1_000 - 1)], 0),
            ([session(100, ended=None)], 1),
            ([DAMAGED], 1),
        ):
            self.assertEqual(codes(rule, sessions), ["all_done"] * wanted, str(sessions))

    def test_short_ones_that_count_together_are_as_old_as_the_last_of_them(self):
        half_s = LONG_MS // 2_000
        sessions = [
            session(30_000, ended="stopped", took_s=half_s),
            session(20_000),
            session(100, ended="stopped", took_s=half_s),
        ]
        at_s = 30_000 + half_s + HOUR_S
        self.assertEqual(codes({"hours_between": 1}, sessions, None, at_s - 1), ["too_soon_again"])
        self.assertEqual(codes({"hours_between": 1}, sessions, None, at_s), [])

    def test_h12_a_damaged_record_is_as_young_as_it_may_be(self):
        self.assertEqual(codes({"hours_between": 1}, [DAMAGED], None, 10**6, 1), ["clock_unknown"])
        self.assertEqual(codes({"hours_between": 1}, [DAMAGED], None, HOUR_S, 0), [])


class Days(unittest.TestCase):
    def test_h12_days_are_compared_and_both_bounds_belong_to_them(self):
        rule = {"not_before": "2027-01-15", "not_after": "2027-01-16"}
        midnight_s = T // DAY_S * DAY_S
        for unix_s, wanted in (
            (midnight_s - 1, ["before_its_days"]),
            (midnight_s, []),
            (midnight_s + 2 * DAY_S - 1, []),
            (midnight_s + 2 * DAY_S, ["after_its_days"]),
            (4_102_444_800, ["after_its_days"]),  # a clock of 2099 and later
        ):
            self.assertEqual(codes(rule, (), unix_s), wanted)

    def test_h12_without_a_clock_they_are_refused_whatever_anybody_confirms(self):
        for rule in ({"not_before": "2026-01-01"}, {"not_after": "2099-12-31"}):
            for confirmed in (False, True):
                self.assertEqual(codes(rule, (), None, confirmed=confirmed), ["clock_unknown"])

    def test_every_day_of_400_years_is_the_one_after_the_day_before(self):
        lengths = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}
        year, month, day = 1970, 1, 1
        for number in range(146_097):
            if number % 7 == 0 or month == 2:
                self.assertEqual(day_of(number * DAY_S), "%04d-%02d-%02d" % (year, month, day))
            leap = month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0)
            day += 1
            if day > lengths.get(month, 31) + bool(leap):
                day = 1
                month += 1
                if month > 12:
                    year += 1
                    month = 1
        self.assertEqual(day_of(DAY_S - 1), "1970-01-01")


class Rules(unittest.TestCase):
    def test_h12_a_rule_that_is_not_understood_is_refused(self):
        for schedule, code in (
            ({"sessions_a_month": 3}, "unknown"),
            ({"hours_between": "24"}, "not_an_integer"),
            ({"hours_between": 0}, "not_an_integer"),
            ({"hours_between": 169}, "not_an_integer"),
            ({"sessions_per_week": True}, "not_an_integer"),
            ({"sessions_most": 501}, "not_an_integer"),
            ({"not_before": 20270101}, "not_a_text"),
            ({"not_after": "1.1.2027"}, "not_a_text"),
            ({"not_after": "2027-01-1x"}, "not_a_text"),
            ([3], "not_a_table"),
        ):
            self.assertEqual(codes(schedule, (), T), [code], str(schedule))

    def test_all_that_is_broken_is_said_at_once(self):
        rules = {"hours_between": 24, "sessions_per_week": 1, "sessions_most": 1, "not_after": "2026-12-31"}
        found = codes(rules, [session(100)], T, 100 + 1_200 + HOUR_S)
        self.assertEqual(found, ["after_its_days", "all_done", "too_many", "too_soon_again"])

    def test_h12_what_has_to_be_waited_for_longest_is_said_first_and_what_nobody_knows_last(self):
        rules = {"hours_between": 1, "sessions_per_day": 1, "sessions_per_week": 2}
        now = Now(None, 100 + 1_200 + 600, 2)
        known, unknown = session(100, power_on=2), session(100)
        found = check(rules, KEPT, [known], now)
        self.assertEqual([row["bound"] for row in found], ["in 23 h 50 min", "in 0 h 50 min"])
        found = check(rules, KEPT, [known, unknown], now)
        self.assertEqual([row["code"] for row in found], ["too_many", "too_soon_again", "clock_unknown"])

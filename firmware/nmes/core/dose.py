"""How often, and when, a prescription that the device keeps may be run: its `schedule`, judged by the records of what
was done (core/record.py) and by the clock.

The device has no clock over a power cut. So of each session before, the age is known exactly (in the same time of
power, or by two times of day that a host has said), or only its least: what has passed since the power came, and no
less than of the session after it. A rule that the least age meets is met; one that an exact age breaks is broken; of
any other it is not known, and then

    hours_between, sessions_per_day, sessions_per_week   refused as `clock_unknown`, unless a person at the device
                                                         confirms that the time has passed (`confirmed`)
    not_before, not_after                                refused as `clock_unknown`, whoever confirms what
    sessions_most                                        is counted and needs no clock

A host that connects says what time it is. A record whose time lies ahead of the clock is one of unknown time: a clock
that was set back makes no session older. Days are those of UTC.

Sessions count under the prescription's number, its SHA-256 or its programme; one whose record is damaged, or was not
ended in order, counts too, for its whole time. One that ended early counts as it does for the pause after a session:
short ones together, LONG_MS for one (core/lockout.py); without a pulse not at all.
"""

from nmes.core import record
from nmes.core.lockout import LONG_MS
from nmes.core.reason import Reasons, is_int, reason
from nmes.core.session import COMPLETED

HOUR_S = 3_600
DAY_S = 86_400
# {key of the schedule: (least, most)}
COUNTS = {
    "sessions_per_day": (1, 6),
    "sessions_per_week": (1, 21),
    "hours_between": (1, 168),
    "sessions_most": (1, 500),
}
DATES = ("not_before", "not_after")
_WINDOWS = (("sessions_per_day", DAY_S), ("sessions_per_week", 7 * DAY_S))
_SOURCE = "the prescription"


class Now:
    """What is known of the present: `unix_s`, None without a clock; `at_s` since power on; `power_on` as the records
    of this time of power have it, 0 where there are none."""

    def __init__(self, unix_s, at_s, power_on):
        self.unix_s = unix_s
        self.at_s = at_s
        self.power_on = power_on


class Kept:
    """A prescription that the device keeps: its number, the first bytes of its SHA-256, and its programme's CRC-32."""

    def __init__(self, number, digest, programme_crc):
        self.number = number
        self.digest = digest[: record.PRESCRIPTION_BYTES]
        self.programme_crc = programme_crc

    def is_of(self, begin):
        """Whether a session was one of it; `begin` is record.BEGIN."""
        return (
            begin["prescription"] == self.number
            or begin["prescription"] != 0
            and begin["prescription_digest"] == self.digest
            or begin["programme_crc"] == self.programme_crc
        )


def check(schedule, kept, sessions, now, confirmed=False):
    """The reasons why a session of `kept` may not begin `now`; empty when it may. `sessions`: what there was, from the
    newest on, as nmes.records.Records.back gives it."""
    reasons = Reasons()
    if not _are_whole(reasons, schedule):
        return reasons
    _check_dates(reasons, schedule, now)
    if [key for key in COUNTS if key in schedule]:
        longest_s = _WINDOWS[-1][1] if "sessions_most" not in schedule else None
        _check_counts(reasons, schedule, _ages(kept, sessions, now, longest_s), confirmed)
    return reasons


def _are_whole(reasons, schedule):
    """A rule that this firmware does not know cannot be held, and so nothing is run."""
    if not isinstance(schedule, dict):
        reasons.append(reason("not_a_table", "schedule", schedule, "rules", _SOURCE))
        return False
    for key in sorted(schedule):
        value = schedule[key]
        if key in COUNTS:
            least, most = COUNTS[key]
            if not is_int(value) or not least <= value <= most:
                reasons.append(reason("not_an_integer", "schedule." + key, value, "%d to %d" % (least, most), _SOURCE))
        elif key not in DATES:
            reasons.append(reason("unknown", "schedule." + key, value, "no rule that this firmware knows", _SOURCE))
        elif not _is_day(value):
            reasons.append(reason("not_a_text", "schedule." + key, value, "a day as 2026-12-31", _SOURCE))
    return not reasons


def _check_dates(reasons, schedule, now):
    for key in DATES:
        if key not in schedule:
            continue
        day = schedule[key]
        if now.unix_s is None:
            reasons.append(_unknown(key, day))
            continue
        today = day_of(now.unix_s)
        if key == "not_before" and today < day:
            reasons.append(reason("before_its_days", "schedule." + key, today, day, _SOURCE))
        if key == "not_after" and today > day:
            reasons.append(reason("after_its_days", "schedule." + key, today, day, _SOURCE))


def _ages(kept, sessions, now, longest_s):
    """[(least age in seconds, whether it is exact)] of each session that counts, from the newest on; of none that is
    surely older than `longest_s`, if it is not None."""
    found, early_ms, newest = [], 0, None
    least_s = 0
    for _, begin, end in sessions:
        age_s, exact = _age(begin, end, now)
        least_s = max(least_s, age_s)
        if longest_s is not None and least_s >= longest_s:
            break  # so is every one before
        if begin is not None and not kept.is_of(begin):
            continue
        if end is not None and end["ended"] != COMPLETED:
            if not early_ms:
                newest = least_s, exact  # of several that count together the last one says when
            early_ms += end["elapsed_ms"] if _pulses(end) else 0
            if early_ms >= LONG_MS:
                early_ms = 0
                found.append(newest)
        elif end is None or _pulses(end):
            found.append((least_s, exact))
    return sorted(found)


def _pulses(end):
    return sum([row["pulses"] for row in end["channels"]])


def _age(begin, end, now):
    """(How long ago a session ended at the least, in seconds; whether it is exactly so long ago)."""
    if begin is None:
        return now.at_s if not now.power_on else 0, False
    took_s = begin["duration_s"] if end is None else end["took_s"]
    if now.power_on and begin["power_on"] == now.power_on:
        return max(0, now.at_s - begin["at_s"] - took_s), True
    ended_s = begin["unix_s"] and begin["unix_s"] + took_s
    if end is not None and end["ended_unix_s"]:
        ended_s = end["ended_unix_s"]
    if ended_s and now.unix_s is not None and now.unix_s >= ended_s:
        return now.unix_s - ended_s, True
    return now.at_s, False


def _check_counts(reasons, schedule, ages, confirmed):
    """What has to be waited for longest is said before the rest of it, and what is not known last: whoever shows one
    reason shows the first."""
    most = schedule.get("sessions_most")
    if most and len(ages) >= most:
        reasons.append(reason("all_done", "schedule.sessions_most", len(ages), most, _SOURCE))
    waits: list = []  # (whether it is known, how long it is still, key, rule)
    hours = schedule.get("hours_between")
    if hours and ages:
        _need(waits, "hours_between", hours, ages[0], hours * HOUR_S)
    for key, window_s in _WINDOWS:
        most = schedule.get(key)
        if most and len(ages) >= most:
            _need(waits, key, most, ages[most - 1], window_s)
    for exact, left_s, key, rule in sorted(waits, reverse=True):
        if exact:
            code = "too_soon_again" if key == "hours_between" else "too_many"
            reasons.append(reason(code, "schedule." + key, "another session", "in " + _in_words(left_s), _SOURCE))
        elif not confirmed:
            reasons.append(_unknown(key, rule, left_s))


def _need(waits, key, rule, age, wanted_s):
    """So long ago it has to be."""
    age_s, exact = age
    if age_s < wanted_s:
        waits.append((exact, wanted_s - age_s, key, rule))


def _unknown(key, rule, left_s=0):
    after = ", or %s more of powered time" % _in_words(left_s) if left_s else ""
    return reason("clock_unknown", "schedule." + key, rule, "a host that says what time it is" + after, _SOURCE)


def _in_words(seconds):
    minutes = -(-seconds // 60)
    return "%d h %d min" % (minutes // 60, minutes % 60)


def _is_day(text):
    if not isinstance(text, str) or len(text) != 10 or text[4] != "-" or text[7] != "-":
        return False
    return not [at for at in (0, 1, 2, 3, 5, 6, 8, 9) if text[at] not in "0123456789"]


def day_of(unix_s):
    """The day of a time in seconds since 1970, UTC, as 2026-12-31."""
    # Years from March on have their leap day last; 400 of them have 146097 days, and 1970-01-01 is day 719468 of them.
    days = unix_s // DAY_S + 719_468
    era, of_era = days // 146_097, days % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return "%04d-%02d-%02d" % (year + 400 * era + (1 if month <= 2 else 0), month, day)

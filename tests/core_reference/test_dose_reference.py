"""core/dose.py against the time that really passes: power cuts of any length, hosts that say the time or do not, and
sessions in between. What is allowed is allowed by the true time; what is refused for certain is forbidden by it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import dose, record
from nmes.core.session import COMPLETED

BEGIN_S = 1_800_000_000
HOUR_S, DAY_S = 3_600, 86_400
KEPT = dose.Kept(1, bytes(32), 7)
TIMES = st.one_of(st.integers(0, 2 * DAY_S), st.integers(0, 60), st.sampled_from([HOUR_S, DAY_S, 7 * DAY_S]))
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), TIMES),
        st.tuples(st.just("off"), TIMES),
        st.tuples(st.just("clock"), st.just(0)),
        st.tuples(st.just("session"), st.integers(1, 1_800)),
        st.tuples(st.just("cut"), st.integers(1, 1_200)),  # a session that a power cut ends
    ),
    max_size=25,
)


@dataclass
class World:
    """A device, and the time that it cannot see. `ends` are the true ends of its sessions, the oldest first."""

    now_s: int = BEGIN_S
    on_since_s: int = BEGIN_S
    knows: bool = False
    power_on: int = 0  # as the records have it
    used: bool = False  # a session has begun in this time of power
    ends: list[int] = field(default_factory=list)
    records: list[tuple[str, Any, Any]] = field(default_factory=list)
    blind: bool = False  # a session began or ended without a clock

    @property
    def now(self) -> dose.Now:
        at_s = self.now_s - self.on_since_s
        return dose.Now(self.now_s if self.knows else None, at_s, self.power_on if self.used else 0)

    def happens(self, what: str, seconds: int) -> None:
        if what == "clock":
            self.knows = True
        elif what == "wait":
            self.now_s += seconds
        elif what == "off":
            self.now_s += seconds
            self.on_since_s, self.knows, self.used = self.now_s, False, False
        else:
            self._session(seconds, what == "cut")

    def _session(self, took_s: int, cut: bool) -> None:
        if not self.used:
            self.used = True
            self.power_on += 1
        self.blind |= not self.knows
        begin = {
            "power_on": self.power_on, "at_s": self.now_s - self.on_since_s, "unix_s": self.now_s if self.knows else 0,
            "duration_s": 1_200, "prescription": 1, "prescription_digest": bytes(8), "programme_crc": 7,
        }  # fmt: skip
        self.now_s += took_s
        self.ends.append(self.now_s)
        if cut:
            self.records.append((record.BEGUN, begin, None))
            self.happens("off", 0)
            return
        end = {
            "took_s": took_s, "ended": COMPLETED, "ended_unix_s": self.now_s if self.knows else 0,
            "elapsed_ms": 1_000 * took_s, "channels": [{"pulses": 9}],
        }  # fmt: skip
        self.records.append((record.ENDED, begin, end))

    def ages(self) -> list[int]:
        """True ones, the newest first."""
        return [self.now_s - end_s for end_s in reversed(self.ends)]


def breaks(schedule: dict[str, int], ages: list[int]) -> set[str]:
    """What the true time says of each rule: the codes of what is broken."""
    found = set()
    if ages and ages[0] < HOUR_S * schedule["hours_between"]:
        found.add("too_soon_again")
    for key, window_s in (("sessions_per_day", DAY_S), ("sessions_per_week", 7 * DAY_S)):
        if sum(age < window_s for age in ages) >= schedule[key]:
            found.add("too_many")
    return found


@settings(max_examples=1_500, deadline=None)
@given(EVENTS, st.integers(1, 48), st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_h12_what_the_true_time_forbids_is_never_allowed_and_what_is_certain_is_true(
    events: list[tuple[str, int]], hours: int, per_day: int, per_week: int, confirmed: bool
) -> None:
    world = World()
    for event in events:
        world.happens(*event)
    schedule = {"hours_between": hours, "sessions_per_day": per_day, "sessions_per_week": per_week}
    truth = breaks(schedule, world.ages())
    cuts = any(end is None for _, _, end in world.records)
    said = {row["code"] for row in dose.check(schedule, KEPT, reversed(world.records), world.now, confirmed)}
    if not confirmed:
        assert said or not truth
    if not cuts:  # one that was cut counts for its whole time, which it may not have had
        assert said - {"clock_unknown"} <= truth
        if world.knows and not world.blind:
            assert said == truth, "with a clock all is known"


@given(st.dates(datetime.date(1970, 1, 1), datetime.date(2199, 12, 31)), st.integers(0, DAY_S - 1))
def test_a_day_is_the_calendar_s(day: datetime.date, second: int) -> None:
    seconds = (day - datetime.date(1970, 1, 1)).days * DAY_S + second
    assert dose.day_of(seconds) == day.isoformat()

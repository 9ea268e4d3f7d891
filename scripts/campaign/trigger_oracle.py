"""Whether contractions that wait for a person had a cause: from pins, currents, time, and what the campaign itself put
at the input and did with the switch.

It has bounds of its own (docs/biofeedback.md says what is promised) and imports nothing of the firmware. What pulses
and the muscle's answer to them couple into the input is nobody's wish, and so is the hum of an input that floats.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from campaign import oracle

MS = 1_000
FLOATS = -1
SATURATED_MV = 3_200
TURN_US = 17 * MS  # the longest turn of the loop, and what the host's lines add
LAST_LOOK_US = 6 * MS  # from the turn that decides to the first pulse: filling the queue, and the stage settles
FIRST_LOOK_US = 3 * TURN_US  # three turns decide
AT_EDGE_US = oracle.SETTLE_US + 5  # from an edge at the trigger input to phase A: the chip does that, and no turn
CLOCK_US = 3 * MS  # two clocks of whole milliseconds
LEARNED_US = 3 * (3_000 + 3_000) * MS + 3_000 * MS  # three tries, each after letting go, and once more letting go
FLOATS_US, SATURATED_US, STUCK_US = 1_000 * MS, 1_000 * MS, 10_000 * MS
FOUND_US = oracle.TURN_US + 3 * TURN_US  # and so much later the output is off
BETWEEN_US = 120 * MS  # beyond a period: another train, and no pulse that came late

Span = tuple[float, float]
Train = list[oracle.Pulse]


class Seen(oracle.Seen):
    """A case of the trigger: `signal` and `closed` are what the campaign put there."""

    def __init__(
        self, plan: dict[str, Any], notes: list[oracle.Note], pulses: list[list[float]], end_us: float
    ) -> None:
        super().__init__(plan, notes, pulses, end_us)
        self.trigger = plan["programme"]["trigger"]
        self.phase = plan["programme"]["phases"][0]
        self.by_signal = self.trigger["source"] == "signal"
        self.by_edge = self.trigger["source"] == "edge"
        self.rows = plan["signal"] if self.by_signal else [[0, 0], *plan["edges" if self.by_edge else "switch"]]
        self._times = [row[0] for row in self.rows]

    def there(self, begin: float, end: float) -> Iterator[tuple[float, float, int]]:
        """(from, to, what) of what was there within."""
        at = max(0, bisect_right(self._times, begin) - 1)
        while at < len(self.rows) and self.rows[at][0] < end:
            until = self.rows[at + 1][0] if at + 1 < len(self.rows) else self.end_us
            yield max(begin, self.rows[at][0]), min(end, until), self.rows[at][1]
            at += 1

    @cached_property
    def threshold_mv(self) -> int:
        """Of a signal, the least that it can be: one that is learned is two hystereses above some rest at least."""
        given = int(self.trigger.get("threshold_mv", 0))
        least = min(max(0, mv) for _, mv in self.plan["signal"])
        return given or least + 2 * int(self.trigger["hysteresis_mv"])

    def high(self, value: int) -> bool:
        """What says that a contraction is wanted."""
        return self.threshold_mv <= value < SATURATED_MV if self.by_signal else value == 1

    def low(self, value: int) -> bool:
        """What says that it is not. Of a threshold that was learned nobody knows here how high it is."""
        if not self.by_signal:
            return value == 0
        learned = not self.trigger.get("threshold_mv")
        return FLOATS < value < SATURATED_MV if learned else FLOATS < value < self.threshold_mv

    def bad(self, value: int) -> bool:
        """What can be no wish, if it lasts."""
        return value == FLOATS or value >= SATURATED_MV if self.by_signal else value == 1

    def is_blind(self, begin: float, end: float) -> bool:
        """Whether the CPU stood still within: what it saw then is older."""
        return any(n[0] < end and begin < n[0] + n[3]["us"] for n in self.of("injected") if n[2] == "cpu_stop")

    @cached_property
    def ahead_us(self) -> float:
        return float(sum(n[3]["us"] for n in self.of("injected") if n[2] == "clock_ahead"))

    @cached_property
    def armed(self) -> list[float]:
        """When sessions began. One whose answer was lost may have begun as well."""
        refused = {note[2] for note in self.of("answered") if not note[4]}
        return [note[0] for note in self.of("sent") if note[3] == "arm" and note[2] not in refused]

    @cached_property
    def trains(self) -> list[Train]:
        """Pulses that are close together. What a pause has cut goes on after it, and is one."""
        apart_us = oracle.period_of(self.phase["rate_mhz"]) + BETWEEN_US
        found: list[Train] = []
        for pulse in self.pulses:
            before = found[-1] if found else []
            if not before or (pulse.start_us - before[-1].start_us > apart_us and not self._goes_on(before, pulse)):
                found.append([])
            found[-1].append(pulse)
        return found

    @cached_property
    def most_pulses(self) -> int:
        """Of a train."""
        return -(-int(self.phase["work_ms"]) * int(self.phase["rate_mhz"]) // 1_000_000)

    def _goes_on(self, before: Train, pulse: oracle.Pulse) -> bool:
        """Whether a pulse is the next of a train that a pause has cut."""
        cut_us, us = before[-1].start_us, pulse.start_us
        started = any(cut_us < note[0] and us - BETWEEN_US < note[0] <= us for note in self.starts)
        return started and _same_session(self, cut_us, us) and len(before) < self.most_pulses

    @cached_property
    def rises(self) -> list[float]:
        """When the switch closed, or the trigger input rose."""
        return [us for (_, before), (us, level) in itertools.pairwise(self.rows) if level and not before]

    def since(self, times: list[float], us: float) -> float:
        """The last of these times before."""
        at = bisect_right(times, us) - 1
        return float(times[at]) if at >= 0 else 0.0


def judge(seen: Seen) -> oracle.Verdict:
    verdict = oracle.judge(seen)
    if seen.plan["broken_input"]:
        verdict.injected.append("input_" + seen.plan["broken_input"])
        verdict.impossible = []  # a fault, or an end, is what it may come to
    verdict.unsafe += uncaused(seen)
    return verdict


def uncaused(seen: Seen) -> list[str]:
    """What is unsafe about the trains and what began them."""
    return [text for rule in (_caused, _apart, _whole, _bad_input) for text in list(dict.fromkeys(rule(seen)))[:5]]


def _same_session(seen: Seen, before: float, us: float) -> bool:
    return seen.since(seen.armed, before) == seen.since(seen.armed, us)


def _listens_us(seen: Seen, at: int) -> float:
    """From when on the input may count for a train, at the earliest."""
    begin = seen.trains[at][0].start_us
    since = seen.since([note[0] for note in seen.starts], begin)
    if not at or not _same_session(seen, seen.trains[at - 1][0].start_us, begin):
        return since
    before = seen.trains[at - 1]
    cycle_us = (seen.phase["work_ms"] + seen.phase["rest_ms"]) * MS
    after = before[-1].end_us + seen.trigger["refractory_ms"] * MS
    return float(max(since, before[0].start_us + cycle_us, after) - CLOCK_US - seen.ahead_us)


def _has_trained(seen: Seen, at: int) -> bool:
    """Whether the session had a train before: what it learns from was over then, and is not asked for again."""
    return at > 0 and _same_session(seen, seen.trains[at - 1][0].start_us, seen.trains[at][0].start_us)


# ---- unsafe ----


def _caused(seen: Seen) -> Iterator[str]:
    """Each train was wanted, at its begin and not before it could be; or the time had come."""
    learns = seen.by_signal and not seen.trigger.get("threshold_mv")
    for at, train in enumerate(seen.trains):
        us = train[0].start_us
        listens = _listens_us(seen, at)
        where = f"a train at {us / MS:.1f} ms"
        since = seen.since([note[0] for note in seen.starts], us)
        if learns and not _has_trained(seen, at) and us < since + LEARNED_US - CLOCK_US - seen.ahead_us:
            yield f"{where}, and the three tries are not over"
        timeout_us = seen.trigger["timeout_ms"] * MS
        if seen.trigger["on_timeout"] == "begin" and us >= listens + timeout_us - CLOCK_US - seen.ahead_us:
            continue
        if seen.by_edge:
            rise = seen.since(seen.rises, us)
            if us - rise > AT_EDGE_US:
                yield f"{where}, and no edge began it"
            elif rise < listens:
                yield f"{where}, at an edge before {listens / MS:.1f} ms"
            continue
        blind = seen.is_blind(us - 2 * FIRST_LOOK_US, us)
        first_us = us - (10 * FIRST_LOOK_US if blind else FIRST_LOOK_US)
        last = any(seen.high(value) for _, _, value in seen.there(us - LAST_LOOK_US, us))
        first = any(seen.high(value) for _, _, value in seen.there(first_us, us - TURN_US))
        if not (last or blind) or not first:
            yield f"{where}, and nobody wanted it"
        elif not any(seen.low(value) for _, _, value in seen.there(listens, us)):
            yield f"{where}, and what wanted it had never let go since {listens / MS:.1f} ms"


def _apart(seen: Seen) -> Iterator[str]:
    """Never nearer than time alone would have them, and no more of them."""
    cycle_us = (seen.phase["work_ms"] + seen.phase["rest_ms"]) * MS
    refractory_us = seen.trigger["refractory_ms"] * MS
    count, begun = 0, None
    for train in seen.trains:
        us = train[0].start_us
        if begun is None or not _same_session(seen, begun[0].start_us, us):
            count = 0
        elif us - begun[0].start_us < cycle_us - CLOCK_US - seen.ahead_us:
            yield f"a train at {us / MS:.1f} ms, {(us - begun[0].start_us) / MS:.1f} ms after the one before"
        elif us - begun[-1].end_us < refractory_us - CLOCK_US - seen.ahead_us:
            yield f"a train at {us / MS:.1f} ms, {(us - begun[-1].end_us) / MS:.1f} ms after the last pulse"
        count, begun = count + 1, train
        most = seen.trigger.get("contractions", 0)
        if most and count > most:
            yield f"{count} trains by {us / MS:.1f} ms, {most} were asked for"


def _whole(seen: Seen) -> Iterator[str]:
    """No train has more pulses than a work."""
    for train in seen.trains:
        if len(train) > seen.most_pulses:
            yield f"a train at {train[0].start_us / MS:.1f} ms has {len(train)} pulses, a work {seen.most_pulses}"


def _bad_input(seen: Seen) -> Iterator[str]:
    """While a contraction is waited for and the input can be nobody's wish, the output goes off."""
    for begin, end, kind in _bad_spans(seen):
        bound = {"floats": FLOATS_US, "saturated": SATURATED_US, "closed": STUCK_US}[kind] + FOUND_US
        if kind == "floats":
            bound += seen.phase["rest_ms"] * MS  # after a miss nobody listens for so long
        for since, until in _waited(seen):
            shows = max(begin, since)
            if min(end, until) > shows + bound and not seen.is_blind(shows, shows + bound):
                yield f"{kind} from {shows / MS:.1f} ms on, enable high at {(shows + bound) / MS:.1f} ms"


def _bad_spans(seen: Seen) -> Iterator[tuple[float, float, str]]:
    """When the input was bad without a break, and how."""
    kinds = [
        ("floats" if value == FLOATS else "saturated" if seen.by_signal else "closed") if seen.bad(value) else ""
        for _, value in seen.rows
    ]
    rows = [(row[0], kind) for row, kind in zip(seen.rows, kinds, strict=True)]
    for kind, group in itertools.groupby(enumerate(rows), key=lambda row: row[1][1]):
        places = [place for place, _ in group]
        end = rows[places[-1] + 1][0] if places[-1] + 1 < len(rows) else seen.end_us
        if kind:
            yield rows[places[0]][0], end, kind


def _waited(seen: Seen) -> Iterator[Span]:
    """When the enable was high and no train ran: from when on the input has to be looked at, until when."""
    cycle_us = (seen.phase["work_ms"] + seen.phase["rest_ms"]) * MS
    refractory_us = seen.trigger["refractory_ms"] * MS
    high = itertools.pairwise([*seen.enable, (seen.end_us, 0)])
    for since, until in [(us, until) for (us, level), (until, _) in high if level]:
        # After a pause what was left of a rest comes first.
        paused = any(
            _same_session(seen, train[0].start_us, since) for train in seen.trains if train[0].start_us < since
        )
        listens = since + (cycle_us + refractory_us if paused else 0)
        for train in seen.trains:
            if train[0].start_us < until and train[-1].end_us > since:
                yield listens, max(since, train[0].start_us)
                moved_us = max(0.0, train[-1].end_us - train[0].start_us - seen.phase["work_ms"] * MS)
                listens = max(train[0].start_us + cycle_us + moved_us, train[-1].end_us + refractory_us)
        yield listens, until

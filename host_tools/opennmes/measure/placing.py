"""Where the pulses of a capture stand in a prescription: the place that explains most."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator

from opennmes.measure.expected import Expected, ExpectedChannel, ExpectedPulse
from opennmes.measure.matching import PAUSE_LEAST_PS, Matching, Quiet, Tolerance, match, places
from opennmes.measure.seen import PS_PER_US, Seen, SeenChannel, SeenPulse, Span


class Placed:
    """One channel of the prescription, as it was found in the capture."""

    def __init__(self, asked: ExpectedChannel, seen: SeenChannel, matching: Matching, seen_whole: Seen) -> None:
        self.index = asked.index
        self.asked = asked.pulses
        self.channel = asked
        self.seen = seen
        self.matching = matching
        self.whole_capture = seen_whole
        self.pauses = {number for number, ps in matching.off.items() if ps >= PAUSE_LEAST_PS}

    def pair(self, number: int) -> tuple[SeenPulse, ExpectedPulse]:
        i, k = self.matching.pairs[number]
        return self.seen.pulses[i], self.asked[k]

    def pairs(self) -> Iterator[tuple[SeenPulse, ExpectedPulse]]:
        return ((self.seen.pulses[i], self.asked[k]) for i, k in self.matching.pairs)

    def cut_asked(self) -> ExpectedPulse | None:
        """What the pulse is that the capture begins in; None: there is none."""
        if self.seen.cut is None or not self.matching.pairs:
            return None
        k = self.matching.pairs[0][1]
        return self.asked[k - 1] if k else None

    def lacks_before(self, bounds: Tolerance) -> int:
        """How many pulses were due in the capture before its first one."""
        first, at = self.pair(0)
        k = self.matching.pairs[0][1]
        begin_ps = self.whole_capture.begin_ps
        lacking = 0
        for pulse in reversed(self.asked[: k - (self.seen.cut is not None and k > 0)]):
            due_ps = first.start_ps - (at.at_us - pulse.at_us) * PS_PER_US * bounds.high - bounds.step_ps
            if due_ps <= begin_ps:
                break
            lacking += 1
        return lacking

    def lacks_after(self, bounds: Tolerance) -> int:
        """How many were due after its last one."""
        last, at = self.pair(-1)
        lacking = 0
        for pulse in self.asked[self.matching.pairs[-1][1] + 1 :]:
            due_ps = last.start_ps + (pulse.at_us - at.at_us) * PS_PER_US * bounds.high + bounds.step_ps
            if due_ps >= self.whole_capture.end_ps:
                break
            lacking += 1
        return lacking

    def due_after_ps(self, bounds: Tolerance) -> float:
        """When the first of those was due."""
        last, at = self.pair(-1)
        pulse = self.asked[self.matching.pairs[-1][1] + 1]
        return last.start_ps + (pulse.at_us - at.at_us) * PS_PER_US * bounds.high

    def due_before_ps(self, bounds: Tolerance) -> float:
        """When the last one before the first was due."""
        first, at = self.pair(0)
        pulse = self.asked[self.matching.pairs[0][1] - 1]
        return first.start_ps - (at.at_us - pulse.at_us) * PS_PER_US * bounds.high

    @property
    def from_the_first_to_the_last(self) -> bool:
        """Whether the whole session is in the capture, and nothing of it cut."""
        pairs = self.matching.pairs
        last = self.seen.pulses[pairs[-1][0]]
        ended = last.a is None or last.a[1] is not None
        ended = ended and (last.b[1] is not None if last.b else not self.seen.has_b)
        return pairs[0][1] == 0 and pairs[-1][1] == len(self.asked) - 1 and ended and self.seen.cut is None

    def misfits(self, bounds: Tolerance) -> int:
        """How many pulses have another shape than was asked."""
        return sum(
            not _fits(pulse, asked, bounds, self.whole_capture.end_ps, self.seen) for pulse, asked in self.pairs()
        )

    def cost(self, bounds: Tolerance) -> tuple[int, int, int]:
        """How badly it fits: what is wrong, what is unclear, and how much is lacking at the ends."""
        matching = self.matching
        wrong = len(matching.extra) + len(matching.missing) + len(matching.off) - len(self.pauses)
        before, after = self.lacks_before(bounds), self.lacks_after(bounds)
        unclear = len(self.pauses) + bool(before) + bool(after) + (self.seen.cut is not None and not self.cut_asked())
        wrong += self.misfits(bounds) + bool(self.cut_is_wrong(bounds))
        return wrong, unclear, before + after

    def cut_is_wrong(self, bounds: Tolerance) -> str:
        """What is wrong with the pulse that the capture begins in, in words; "" for nothing that could be seen."""
        cut, asked = self.seen.cut, self.cut_asked()
        if cut is None or asked is None:
            return ""
        first, at = self.pair(0)
        begin_b_us = asked.width_a_us + asked.gap_us
        edges = []
        if cut.a and cut.a[1] is not None:
            edges.append((cut.a[1], asked.width_a_us))
        if cut.b and cut.b[0] > self.whole_capture.begin_ps:
            edges.append((cut.b[0], begin_b_us))
        if cut.b and cut.b[1] is not None:
            edges.append((cut.b[1], begin_b_us + asked.width_b_us))
        for ps, after_us in edges:
            if not bounds.fits(first.start_ps - ps, at.at_us - asked.at_us - after_us):
                return "the pulse that the capture begins in does not end as it was asked"
        if cut.a and not cut.b and self.seen.has_b:
            return "the pulse that the capture begins in has no phase B"
        return ""


def span_ps(span: Span | None) -> int | None:
    """How long a phase was; None where that is not known."""
    return None if span is None or span[1] is None else span[1] - span[0]


def _fits(pulse: SeenPulse, asked: ExpectedPulse, bounds: Tolerance, end_ps: int, channel: SeenChannel) -> bool:
    a, b = span_ps(pulse.a), span_ps(pulse.b)
    if a is not None and not bounds.fits(a, asked.width_a_us):
        return False
    if b is not None and not bounds.fits(b, asked.width_b_us):
        return False
    if pulse.a and pulse.b and pulse.a[1] is not None and not bounds.fits(pulse.b[0] - pulse.a[1], asked.gap_us):
        return False
    if pulse.a is None and channel.has_a:
        return False
    return pulse.b is not None or not channel.has_b or ends_within(pulse, asked, bounds, end_ps)


def ends_within(pulse: SeenPulse, asked: ExpectedPulse, bounds: Tolerance, end_ps: int) -> bool:
    """Whether the capture ends before what is lacking of a pulse has to be there."""
    until_b_us = asked.width_a_us + asked.gap_us
    return end_ps - pulse.start_ps <= until_b_us * PS_PER_US * bounds.high + bounds.step_ps


def place(seen: Seen, expected: Expected, bounds: Tolerance) -> list[Placed]:
    """The channels of the prescription that have pulses in the capture, where they fit the prescription best."""
    used = [
        (asked, seen.channels[asked.index])
        for asked in expected.channels
        if asked.index in seen.channels and seen.channels[asked.index].has_a
    ]
    silent = [asked for asked, channel in used if not channel.pulses]
    used = [(asked, channel) for asked, channel in used if channel.pulses]
    if not used:
        return []

    def made(anchor: int, at: tuple[int, int]) -> list[Placed]:
        asked_of, seen_of = used[anchor]
        now_ps, now_us = seen_of.pulses[at[0]].start_ps, asked_of.pulses[at[1]].at_us
        found = []
        for number, (asked, channel) in enumerate(used):
            where = at if number == anchor else _near(channel, asked, now_ps, now_us)
            found.append(Placed(asked, channel, match(channel.pulses, asked.pulses, where, bounds), seen))
        return found

    def cost(these: list[Placed]) -> tuple[int, ...]:
        wrong, unclear, lacking = map(sum, zip(*(each.cost(bounds) for each in these), strict=True))
        wrong += sum(due_of_silent(asked, these[0], bounds) for asked in silent)
        wrong += sum(not _apart(these[0], each, bounds) for each in these[1:])
        return wrong, unclear, lacking

    best = made(0, (0, 0))
    least = cost(best)
    tried = {(0, 0, 0)}
    for anchor, (asked, channel) in enumerate(used):
        for i, k in itertools.chain([(0, 0)], places(channel.pulses, asked.pulses, _quiet(channel, seen), bounds)):
            if not any(least):
                return best
            if (anchor, i, k) not in tried:
                tried.add((anchor, i, k))
                these = made(anchor, (i, k))
                if (now := cost(these)) < least:
                    best, least = these, now
    return best


def _quiet(channel: SeenChannel, seen: Seen) -> Quiet:
    before_ps = 0 if channel.cut else channel.pulses[0].start_ps - seen.begin_ps
    return Quiet(before_ps, seen.end_ps - channel.pulses[-1].start_ps)


def due_of_silent(asked: ExpectedChannel, other: Placed, bounds: Tolerance) -> int:
    """How many pulses of a channel that has none were due in the capture, by the place of another one."""
    first, at = other.pair(0)
    begin_ps, end_ps = other.whole_capture.begin_ps, other.whole_capture.end_ps
    due = 0
    for pulse in asked.pulses:
        since_ps = (pulse.at_us - at.at_us) * PS_PER_US
        soonest, latest = sorted((since_ps * bounds.low, since_ps * bounds.high))
        if first.start_ps + soonest - bounds.step_ps > begin_ps and first.start_ps + latest + bounds.step_ps < end_ps:
            due += 1
    return due


def _apart(first: Placed, second: Placed, bounds: Tolerance) -> bool:
    """Whether the first pulses of two channels are as far apart as they should be."""
    (one, asked_one), (other, asked_other) = first.pair(0), second.pair(0)
    ps, us = other.start_ps - one.start_ps, asked_other.at_us - asked_one.at_us
    return bounds.fits(ps, us) if us >= 0 else bounds.fits(-ps, -us)


def _near(channel: SeenChannel, asked: ExpectedChannel, now_ps: int, now_us: int) -> tuple[int, int]:
    """A pair of another channel, near an instant that is known on both clocks."""
    pulses = channel.pulses
    i = bisect_left(pulses, now_ps, key=lambda pulse: pulse.start_ps)
    i = min(i, len(pulses) - 1)
    want_us = now_us + (pulses[i].start_ps - now_ps) / PS_PER_US
    k = bisect_left(asked.pulses, want_us, key=lambda pulse: pulse.at_us)
    near = [each for each in (k - 1, k) if 0 <= each < len(asked.pulses)]
    return i, min(near, key=lambda each: abs(asked.pulses[each].at_us - want_us))

"""Finds where the pulses of a capture stand in a prescription: the place that explains most of them."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator

from opennmes.measure.expected import Expected, ExpectedChannel, ExpectedPulse
from opennmes.measure.matching import PAUSE_LEAST_PS, Matching, Quiet, Tolerance, match, places
from opennmes.measure.seen import PS_PER_US, Seen, SeenChannel, SeenPulse, Span

# Channels are stopped, and permission falls, one after the other: what is no more than this apart may be one stop.
STOPPED_TOGETHER_PS = 50_000 * PS_PER_US

# Pulses that are looked at in all places together, so that an hour of wrong ones does not take one.
_LOOKED_AT_MOST, _TRIED_LEAST = 2_000_000, 12


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
        """The pulse that was seen, and the one that it is, of the pair of that number."""
        i, k = self.matching.pairs[number]
        return self.seen.pulses[i], self.asked[k]

    def pairs(self) -> Iterator[tuple[SeenPulse, ExpectedPulse]]:
        """All of them, in their order."""
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

    def ends_too_soon(self, others: list[Placed], bounds: Tolerance) -> str:
        """Why what was due after the last pulse has to be there, in words; "" where a stop explains that it is not."""
        if not self.lacks_after(bounds):
            return ""
        last, at = self.pair(-1)
        pulse = self.asked[self.matching.pairs[-1][1] + 1]
        due_ps = last.start_ps + (pulse.at_us - at.at_us) * PS_PER_US * bounds.high + STOPPED_TOGETHER_PS
        if any(other.goes_on(last.start_ps, due_ps) for other in others):
            return "while another channel went on"
        if not self.pauses and self._stays_enabled(last.start_ps, due_ps):
            return "while the enable was high"
        return ""

    def begins_too_late(self, others: list[Placed], bounds: Tolerance) -> str:
        """The same of what was due before the first pulse."""
        if not self.lacks_before(bounds):
            return ""
        first, at = self.pair(0)
        pulse = self.asked[self.matching.pairs[0][1] - 1]
        due_ps = first.start_ps - (at.at_us - pulse.at_us) * PS_PER_US * bounds.high - STOPPED_TOGETHER_PS
        going_on = any(other.goes_on(due_ps, first.start_ps) for other in others)
        return "while another channel had begun" if going_on else ""

    def goes_on(self, from_ps: float, to_ps: float) -> bool:
        """Whether it has pulses before one time and after another, and no pause: nobody has stopped or paused it."""
        return self.pair(0)[0].start_ps <= from_ps and self.pair(-1)[0].start_ps > to_ps and not self.pauses

    def _stays_enabled(self, from_ps: int, to_ps: float) -> bool:
        """Whether the enable is captured, and high from one time to another: a stop takes it away."""
        changes = self.whole_capture.enable
        if changes is None or to_ps > self.whole_capture.end_ps:
            return False
        before = [value for ps, value in changes if ps <= from_ps]
        return bool(before and before[-1]) and not any(not value for ps, value in changes if from_ps < ps <= to_ps)

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
        unclear = (
            len(self.pauses)
            + self.paused_after_cut(bounds)
            + bool(before)
            + bool(after)
            + (self.seen.cut is not None and not self.cut_asked())
        )
        wrong += self.misfits(bounds) + bool(self.cut_is_wrong(bounds))
        return wrong, unclear, before + after

    def cut_is_wrong(self, bounds: Tolerance) -> str:
        """What is wrong with the pulse that the capture begins in, in words; "" for nothing that could be seen."""
        if self.cut_asked() is None or self.paused_after_cut(bounds):
            return ""
        if not all(bounds.fits(ps, us) for ps, us in self._since_cut()):
            return "the pulse that the capture begins in does not end as it was asked"
        cut = self.seen.cut
        if cut and cut.a and not cut.b and self.seen.has_b:
            return "the pulse that the capture begins in has no phase B"
        return ""

    def paused_after_cut(self, bounds: Tolerance) -> bool:
        """Whether so much more time than asked is between the pulse that the capture begins in and the next one that a
        pause must lie between them."""
        return any(ps - us * PS_PER_US >= PAUSE_LEAST_PS and not bounds.fits(ps, us) for ps, us in self._since_cut())

    def _since_cut(self) -> list[tuple[int, int]]:
        """From each edge that is there of the pulse that the capture begins in to the next pulse: (ps, us asked)."""
        cut, asked = self.seen.cut, self.cut_asked()
        if cut is None or asked is None:
            return []
        first, at = self.pair(0)
        begin_b_us = asked.width_a_us + asked.gap_us
        edges = []
        if cut.a and cut.a[1] is not None:
            edges.append((cut.a[1], asked.width_a_us))
        if cut.b and cut.b[0] > self.whole_capture.begin_ps:
            edges.append((cut.b[0], begin_b_us))
        if cut.b and cut.b[1] is not None:
            edges.append((cut.b[1], begin_b_us + asked.width_b_us))
        return [(first.start_ps - ps, at.at_us - asked.at_us - after_us) for ps, after_us in edges]


def span_ps(span: Span | None) -> int | None:
    """How long a phase was; None where that is not known."""
    return None if span is None or span[1] is None else span[1] - span[0]


def known_ps(span: Span | None, asked_us: int, bounds: Tolerance, end_ps: int) -> int | None:
    """The same, but a phase that goes on when the capture ends is known to be too long as soon as it is."""
    if span is None or span[1] is not None:
        return span_ps(span)
    until_end_ps = end_ps - span[0]
    return until_end_ps if until_end_ps > asked_us * PS_PER_US * bounds.high + bounds.step_ps else None


def _fits(pulse: SeenPulse, asked: ExpectedPulse, bounds: Tolerance, end_ps: int, channel: SeenChannel) -> bool:
    a = known_ps(pulse.a, asked.width_a_us, bounds, end_ps)
    b = known_ps(pulse.b, asked.width_b_us, bounds, end_ps)
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
        wrong += sum(bool(due_of_silent(asked, these[0], bounds)) for asked in silent)
        if paused_between(these, bounds):
            unclear += 1
        else:
            wrong += sum(not _apart(these[0], each, bounds) for each in these[1:])
        for each in these:
            others = [other for other in these if other is not each]
            wrong += bool(each.ends_too_soon(others, bounds)) + bool(each.begins_too_late(others, bounds))
        return wrong, unclear, lacking

    best = made(0, (0, 0))
    least = cost(best)
    from_the_first = [Placed(a, c, match(c.pulses, a.pulses, (0, 0), bounds), seen) for a, c in used]
    if len(used) > 1 and (now := cost(from_the_first)) < least:
        best, least = from_the_first, now
    tried = {(0, 0, 0)}
    most = max(_TRIED_LEAST, _LOOKED_AT_MOST // sum(len(channel.pulses) for _, channel in used))
    for anchor, (asked, channel) in enumerate(used):
        for i, k in itertools.chain([(0, 0)], places(channel.pulses, asked.pulses, _quiet(channel, seen), bounds)):
            if not any(least) or len(tried) >= most:
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
    """How many pulses of a channel that has none were due while another one had some."""
    if other.pauses:
        return 0
    first, at = other.pair(0)
    begin_ps, end_ps = first.start_ps, other.pair(-1)[0].start_ps - STOPPED_TOGETHER_PS
    due = 0
    for pulse in asked.pulses:
        since_ps = (pulse.at_us - at.at_us) * PS_PER_US
        soonest, latest = sorted((since_ps * bounds.low, since_ps * bounds.high))
        if first.start_ps + soonest - bounds.step_ps > begin_ps and first.start_ps + latest + bounds.step_ps < end_ps:
            due += 1
    return due


def _apart(first: Placed, second: Placed, bounds: Tolerance) -> bool:
    """Whether the first pulses of two channels are as far apart as they should be, or the last: a pause may have come
    between the first."""
    return any(apart_fits(*first.pair(number), *second.pair(number), bounds) for number in (0, -1))


def paused_between(placed: list[Placed], bounds: Tolerance) -> bool:
    """Whether two channels are so much further apart than they should be that a pause must lie between them."""
    return any(
        not _apart(placed[0], other, bounds)
        and all(_more_apart_ps(*placed[0].pair(n), *other.pair(n)) >= PAUSE_LEAST_PS for n in (0, -1))
        for other in placed[1:]
    )


def _more_apart_ps(one: SeenPulse, asked_one: ExpectedPulse, other: SeenPulse, asked_other: ExpectedPulse) -> int:
    ps, us = other.start_ps - one.start_ps, asked_other.at_us - asked_one.at_us
    return (ps if us >= 0 else -ps) - abs(us) * PS_PER_US


def apart_fits(
    one: SeenPulse, asked_one: ExpectedPulse, other: SeenPulse, asked_other: ExpectedPulse, bounds: Tolerance
) -> bool:
    """Whether two pulses are as far apart as they should be, whichever comes first."""
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

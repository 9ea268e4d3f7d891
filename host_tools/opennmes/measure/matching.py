"""Which pulse of a capture is which of the prescription: by the times between them, on two clocks."""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from opennmes.measure.expected import ExpectedPulse
from opennmes.measure.seen import PS_PER_US, SeenPulse

# A crystal that gets warm drifts by about so much within a session.
WANDER_PPM = 5.0
# Nobody pauses a session and goes on sooner; what comes late by less is late.
PAUSE_LEAST_PS = 100_000 * PS_PER_US
_FAR_TOO_DIFFERENT = 5  # times what the clocks may differ by, and still told as that
_LOOK_AHEAD = 8  # pulses too many in a row, to be found as such
# So many pulses of the capture are looked for in the prescription, and so many places of each are tried.
_CHUNKS = ((256, 3), (64, 3), (16, 3), (4, 3), (1, 8))
_PLACES_MOST = 24
_COMPARED_MOST = 200_000_000  # letters, so that an hour of equal pulses does not take one


@dataclass(frozen=True)
class Tolerance:
    """How long a time of the prescription may last in a capture: between `low` and `high` times as long by the
    capture's clock, and `step_ps` more or less, as each edge is seen up to a sample late."""

    step_ps: float
    low: float
    high: float

    def fits(self, ps: int, us: int, steps: int = 1) -> bool:
        """Whether a time is as asked; `steps`: of how many times with an error of their own it is made."""
        more_ps = steps * self.step_ps
        return us * PS_PER_US * self.low - more_ps <= ps <= us * PS_PER_US * self.high + more_ps

    def off_ps(self, ps: int, us: int) -> float:
        """What a time differs by from what was asked."""
        return ps - us * PS_PER_US * (self.low + self.high) / 2

    def bound_ps(self, us: int, steps: int = 1) -> float:
        """What it may differ by."""
        return steps * self.step_ps + us * PS_PER_US * (self.high - self.low) / 2


def within_ppm(step_ps: float, most_ppm: float) -> Tolerance:
    """The tolerance while nothing is known of the clocks but that they differ by at most so much."""
    return Tolerance(step_ps, 1 - most_ppm / 1e6, 1 + most_ppm / 1e6)


@dataclass(frozen=True)
class Clocks:
    """How the capture's clock goes by the device's: by `ppm` faster, give or take `uncertain_ppm`. Both are None when
    the capture is too short to tell."""

    ppm: float | None
    uncertain_ppm: float | None
    most_ppm: float

    @property
    def too_different(self) -> bool:
        """Whether they surely differ by more than they may."""
        return self.ppm is not None and abs(self.ppm) - (self.uncertain_ppm or 0) > self.most_ppm

    def tolerance(self, step_ps: float) -> Tolerance:
        """What times have to keep, now that the clocks are known."""
        if self.ppm is None or self.uncertain_ppm is None:
            return within_ppm(step_ps, self.most_ppm)
        about_ppm = self.uncertain_ppm + WANDER_PPM
        low_ppm, high_ppm = self.ppm - about_ppm, self.ppm + about_ppm
        if not self.too_different:
            low_ppm, high_ppm = max(-self.most_ppm, low_ppm), min(self.most_ppm, high_ppm)
        return Tolerance(step_ps, 1 + low_ppm / 1e6, 1 + high_ppm / 1e6)


@dataclass
class Matching:
    """Pulses seen and asked, by their numbers: `pairs` of both in order; `extra` seen and not asked, `missing` asked
    and not seen, between the first and the last pair; `off`: pairs whose distance to the pair before is none that was
    asked, and by how much it is more."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    off: dict[int, int] = field(default_factory=dict)  # by the number of the pair


def match(
    seen: Sequence[SeenPulse], asked: Sequence[ExpectedPulse], at: tuple[int, int], bounds: Tolerance
) -> Matching:
    """Walk through both from the pair `at` to either end."""
    starts = [pulse.start_ps for pulse in seen]
    times = [pulse.at_us for pulse in asked]
    i, k = at
    forward = _walk(starts[i:], times[k:], bounds)
    if i == 0:
        back = Matching(pairs=[(0, 0)])
    else:
        back = _walk([-ps for ps in starts[i::-1]], [-us for us in times[k::-1]], bounds)
    made = Matching(
        pairs=[(i - m, k - n) for m, n in reversed(back.pairs[1:])] + [(i + m, k + n) for m, n in forward.pairs],
        extra=sorted([i - m for m in back.extra] + [i + m for m in forward.extra]),
        missing=sorted([k - n for n in back.missing] + [k + n for n in forward.missing]),
    )
    behind = len(back.pairs) - 1
    made.off = {behind + number: ps for number, ps in forward.off.items()}
    made.off.update({behind - number + 1: ps for number, ps in back.off.items()})
    return made


def _walk(starts: list[int], times: list[int], bounds: Tolerance) -> Matching:
    """Walk from the first of both, which are a pair."""
    made = Matching(pairs=[(0, 0)])
    i, k = 0, 0  # the last pair
    at = 1  # the next pulse seen
    count = len(starts)
    while at < count:
        if k + 1 >= len(times):
            made.extra += range(at, count)
            break
        now_ps, want_us = starts[at] - starts[i], times[k + 1] - times[k]
        if bounds.fits(now_ps, want_us):
            i, k = at, k + 1
        elif skip := _too_many(starts, i, at, want_us, bounds):
            made.extra += range(at, at + skip)
            at += skip
            i, k = at, k + 1
        elif (other := _later(times, k, now_ps, bounds)) is not None and not (
            now_ps - want_us * PS_PER_US >= PAUSE_LEAST_PS
            and _fit(starts, times, at, k + 1, bounds) >= _fit(starts, times, at, other, bounds)
        ):
            made.missing += range(k + 1, other)
            i, k = at, other
        elif now_ps < want_us * PS_PER_US and not _goes_on(starts, times, at, k, bounds):
            made.extra.append(at)
            at += 1
            continue
        else:
            made.off[len(made.pairs)] = round(now_ps - want_us * PS_PER_US)
            i, k = at, k + 1
        made.pairs.append((i, k))
        at += 1
    return made


def _too_many(starts: list[int], i: int, at: int, want_us: int, bounds: Tolerance) -> int:
    """How many pulses come before the one that was asked; 0: it does not come."""
    for skip in range(1, min(_LOOK_AHEAD, len(starts) - at - 1) + 1):
        now_ps = starts[at + skip] - starts[i]
        if bounds.fits(now_ps, want_us):
            return skip
        if now_ps > want_us * PS_PER_US:
            break
    return 0


def _later(times: list[int], k: int, now_ps: int, bounds: Tolerance) -> int | None:
    """The later pulse of the prescription that this one may be; None: it is none."""
    about_us = times[k] + now_ps / PS_PER_US
    place = bisect_left(times, about_us, k + 2)
    for other in (place - 1, place):
        if k + 2 <= other < len(times) and bounds.fits(now_ps, times[other] - times[k]):
            return other
    return None


def _fit(starts: list[int], times: list[int], at: int, k: int, bounds: Tolerance) -> int:
    """How many pulses come as asked from this one on, if it is that one."""
    count = 0
    for first, second in zip(range(at, len(starts) - 1), range(k, len(times) - 1), strict=False):
        if not bounds.fits(starts[first + 1] - starts[first], times[second + 1] - times[second]):
            break
        count += 1
    return count


def _goes_on(starts: list[int], times: list[int], at: int, k: int, bounds: Tolerance) -> bool:
    """Whether after this pulse the next one comes as after the one that was asked: then it is that one, at another
    time."""
    if at + 1 >= len(starts) or k + 2 >= len(times):
        return False
    return bounds.fits(starts[at + 1] - starts[at], times[k + 2] - times[k + 1])


@dataclass(frozen=True)
class Quiet:
    """How long nothing came before the first pulse of a capture and after the begin of its last, in picoseconds."""

    before_ps: int
    after_ps: int

    def fits(self, asked: Sequence[ExpectedPulse], first: int, last: int, bounds: Tolerance) -> bool:
        """Whether none of the prescription's pulses was due in it, if the capture has those from `first` to `last`."""
        for pulse, quiet_ps in ((first - 1, self.before_ps), (last, self.after_ps)):
            if 0 <= pulse < len(asked) - 1:
                us = asked[pulse + 1].at_us - asked[pulse].at_us
                if us * PS_PER_US * bounds.high + bounds.step_ps < quiet_ps:
                    return False
        return True


def places(
    seen: Sequence[SeenPulse], asked: Sequence[ExpectedPulse], quiet: Quiet, bounds: Tolerance
) -> Iterator[tuple[int, int]]:
    """Pairs (pulse of the capture, pulse of the prescription) that may belong together, by the pattern of pulses around
    them: first where all of the capture fits."""
    letters = _Letters(asked, bounds)
    text, pattern = letters.of_asked(), letters.of_seen(seen)
    length = len(pattern)
    likely = [k for k in range(len(asked) - length) if quiet.fits(asked, k, k + length, bounds)]
    if not length:
        shapes: dict[tuple[int, int, int], list[int]] = {}
        for k in [*likely, *range(len(asked))]:
            shapes.setdefault(asked[k][1:4], []).append(k)
        yield from [(0, k) for found in shapes.values() for k in found[:_PLACES_MOST]]
        return
    yield from [(0, k) for k in _among(text, pattern, likely)]
    yield from [(0, k) for k in _occurrences(text, pattern, _PLACES_MOST)]
    for part, most in _CHUNKS:
        if part >= length:
            continue
        for quarter in range(4):
            i = (length - part) * quarter // 3
            yield from [(i, k) for k in _occurrences(text, pattern[i : i + part], most)]


def _among(text: array[int], pattern: array[int], likely: list[int]) -> list[int]:
    """Those of some places at which `pattern` stands in `text`: the first ones."""
    if not _occurrences(text, pattern, 1):
        return []
    found: list[int] = []
    left = _COMPARED_MOST
    for k in likely:
        left -= len(pattern)
        if text[k : k + len(pattern)] == pattern:
            found.append(k)
        if left < 0 or len(found) >= _PLACES_MOST:
            break
    return found


def _occurrences(text: array[int], pattern: array[int], most: int) -> list[int]:
    """Where `pattern` stands in `text`: the first ones."""
    where, what, size = text.tobytes(), pattern.tobytes(), text.itemsize
    found: list[int] = []
    at = where.find(what)
    while at >= 0 and len(found) < most:
        if at % size:
            at = where.find(what, at + 1)
            continue
        found.append(at // size)
        at = where.find(what, at + size)
    return found


class _Letters:
    """Pulses as letters: the same for what cannot be told apart by width of phase A and time to the next pulse."""

    def __init__(self, asked: Sequence[ExpectedPulse], bounds: Tolerance) -> None:
        self._asked = asked
        self._intervals = _Groups({b.at_us - a.at_us for a, b in itertools.pairwise(asked)}, bounds)
        self._widths = _Groups({pulse.width_a_us for pulse in asked}, bounds)

    def of_asked(self) -> array[int]:
        return array(
            "q",
            [
                self._letter((b.at_us - a.at_us) * PS_PER_US, a.width_a_us * PS_PER_US)
                for a, b in itertools.pairwise(self._asked)
            ],
        )

    def of_seen(self, seen: Sequence[SeenPulse]) -> array[int]:
        return array(
            "q",
            [
                self._letter(b.start_ps - a.start_ps, a.a[1] - a.a[0] if a.a and a.a[1] is not None else -1)
                for a, b in itertools.pairwise(seen)
            ],
        )

    def _letter(self, interval_ps: int, width_ps: int) -> int:
        interval, width = self._intervals.of(interval_ps), self._widths.of(width_ps)
        return -1 if interval < 0 or width < 0 else interval << 20 | width


class _Groups:
    """Times in groups: two whose captures could be the same are in one."""

    def __init__(self, times_us: set[int], bounds: Tolerance) -> None:
        self._low: list[float] = []
        self._high: list[float] = []
        for us in sorted(times_us):
            low, high = us * PS_PER_US * bounds.low - bounds.step_ps, us * PS_PER_US * bounds.high + bounds.step_ps
            if self._high and low <= self._high[-1]:
                self._high[-1] = high
            else:
                self._low.append(low)
                self._high.append(high)

    def of(self, ps: int) -> int:
        place = bisect_left(self._high, ps)
        return place if place < len(self._low) and self._low[place] <= ps else -1


Matched = Sequence[tuple[Sequence[SeenPulse], Sequence[ExpectedPulse], Matching]]


def clocks(matched: Matched, step_ps: float, most_ppm: float) -> Clocks:
    """How the clocks differ, from all distances of pulses that are as asked; where most are not, from all that would be
    with clocks that differ by more than they may."""
    best, share = _compared(matched, within_ppm(step_ps, most_ppm))
    if share < 0.5:
        best, _ = _compared(matched, within_ppm(step_ps, _FAR_TOO_DIFFERENT * most_ppm))
    if best is None or best[1] > most_ppm:
        return Clocks(None, None, most_ppm)
    return Clocks(*best, most_ppm)


def _compared(matched: Matched, bounds: Tolerance) -> tuple[tuple[float, float] | None, float]:
    """((by how many ppm the capture's clock is faster, what that may be off), the part of the distances that fit), by
    the channel that tells it best."""
    best: tuple[float, float] | None = None
    fitting = total = 0
    for seen, asked, matching in matched:
        seen_ps = asked_us = runs = 0
        unbroken = False
        for (i, k), (j, n) in itertools.pairwise(matching.pairs):
            ps, us = seen[j].start_ps - seen[i].start_ps, asked[n].at_us - asked[k].at_us
            total += 1
            if not bounds.fits(ps, us):
                unbroken = False
                continue
            fitting += 1
            runs += not unbroken
            unbroken = True
            seen_ps += ps
            asked_us += us
        if asked_us:
            uncertain_ppm = runs * bounds.step_ps / asked_us
            if best is None or uncertain_ppm < best[1]:
                best = (seen_ps / asked_us - PS_PER_US, uncertain_ppm)
    return best, fitting / total if total else 1.0

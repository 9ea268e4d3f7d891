"""Pulse figures from a trace, worked out here alone: nothing of the firmware is imported."""

from __future__ import annotations

import itertools
import statistics
from bisect import bisect_right
from dataclasses import dataclass

from opennmes.measure.trace import Trace

# A phase B that starts later than this after phase A belongs to no pulse. A trace that ends sooner than this after a
# phase A ends in the middle of a pulse.
LONGEST_GAP_NANOS = 1_000_000
FC_PER_NC = 1_000_000  # microampere times nanosecond is a femtocoulomb


@dataclass(frozen=True)
class Pulse:
    """One pulse: phase A, gap, phase B. What is missing, a phase or with it the gap, is 0 throughout."""

    start_nanos: int
    width_a_ns: int
    gap_ns: int
    width_b_ns: int
    current_a_ua: int  # in the middle of the phase
    current_b_ua: int
    charge_a_nc: float  # signed, over the phase as it was, not current times width
    charge_b_nc: float


def pulses(trace: Trace, channel: int) -> list[Pulse]:
    """The complete pulses of one channel, from its phase pins; one that the trace ends in is left out.

    Two phases A in a row are two pulses without phase B, and so on: what is wrong stays visible.
    """
    highs = [(start, "a", end) for start, end in _highs(trace, f"ch{channel}_a")]
    highs += [(start, "b", end) for start, end in _highs(trace, f"ch{channel}_b")]
    highs.sort()
    current = _Steps(trace, f"ch{channel}_current_ua")
    found: list[Pulse] = []
    index = 0
    while index < len(highs):
        start, phase, end = highs[index]
        index += 1
        follower = highs[index] if index < len(highs) else None
        if end is None:
            continue  # still high when the trace ends
        if phase == "a" and follower and follower[1] == "b" and follower[0] - end <= LONGEST_GAP_NANOS:
            index += 1
            if follower[2] is not None:
                found.append(_pulse(current, (start, end), (follower[0], follower[2])))
        elif phase == "b":
            found.append(_pulse(current, None, (start, end)))
        elif follower is not None or trace.end_nanos - end > LONGEST_GAP_NANOS:
            found.append(_pulse(current, (start, end), None))
    return found


def summary(trace: Trace, channel: int) -> dict[str, float | int | None]:
    """The figures of one channel. Means and extremes of nothing are None, counts and sums 0.

    pulses, width_us (mean of phase A), gap_us (mean), period_us and jitter_ns_sd (mean and standard deviation within
    trains: pauses of more than 1.5 median periods are left out), ab_difference_ns (largest |A - B|), net_charge_nc
    (of the whole current trace), charge_a_nc and charge_b_nc (mean a pulse), current_ma (largest in mid-phase),
    overlaps (how often both phase pins were high at once).
    """
    found = pulses(trace, channel)
    periods = [later.start_nanos - sooner.start_nanos for sooner, later in itertools.pairwise(found)]
    if periods:
        longest = 1.5 * statistics.median(periods)
        periods = [period for period in periods if period <= longest]
    end = trace.end_nanos
    return {
        "pulses": len(found),
        "width_us": _mean([pulse.width_a_ns / 1000 for pulse in found]),
        "gap_us": _mean([pulse.gap_ns / 1000 for pulse in found]),
        "period_us": _mean([period / 1000 for period in periods]),
        "jitter_ns_sd": statistics.pstdev(periods) if len(periods) > 1 else None,
        "ab_difference_ns": max((abs(pulse.width_a_ns - pulse.width_b_ns) for pulse in found), default=None),
        "net_charge_nc": _Steps(trace, f"ch{channel}_current_ua").charge_nc(0, end),
        "charge_a_nc": _mean([pulse.charge_a_nc for pulse in found]),
        "charge_b_nc": _mean([pulse.charge_b_nc for pulse in found]),
        "current_ma": max((max(abs(p.current_a_ua), abs(p.current_b_ua)) / 1000 for p in found), default=None),
        "overlaps": overlaps(trace, channel),
    }


def overlaps(trace: Trace, channel: int) -> int:
    """How often both phase pins were high at once, for however short a time."""
    edges = [(nanos, "a", value) for nanos, value in trace.changes(f"ch{channel}_a")]
    edges += [(nanos, "b", value) for nanos, value in trace.changes(f"ch{channel}_b")]
    edges.sort()
    high = {"a": 0, "b": 0}
    count = 0
    # What changes at the same instant changes together: B up in the cycle in which A goes down is no overlap.
    for _, together in itertools.groupby(edges, key=lambda edge: edge[0]):
        before = high["a"] and high["b"]
        high.update({phase: value for _, phase, value in together})
        count += bool(high["a"] and high["b"] and not before)
    return count


def _highs(trace: Trace, signal: str) -> list[tuple[int, int | None]]:
    """When a signal was high, as (start, end); the end is None when it still is."""
    found: list[tuple[int, int | None]] = []
    for nanos, value in trace.changes(signal):
        if value:
            found.append((nanos, None))
        elif found:
            found[-1] = found[-1][0], nanos
    return found


class _Steps:
    """A signal as a step function of time, 0 before its first change."""

    def __init__(self, trace: Trace, signal: str) -> None:
        changes = trace.changes(signal)
        self._starts = [nanos for nanos, _ in changes]
        self._values = [value for _, value in changes]
        self._integrals = [0]  # up to each start
        for (start, value), (end, _) in itertools.pairwise(changes):
            self._integrals.append(self._integrals[-1] + value * (end - start))

    def at(self, nanos: int) -> int:
        index = bisect_right(self._starts, nanos)
        return self._values[index - 1] if index else 0

    def charge_nc(self, start: int, end: int) -> float:
        return (self._integral(end) - self._integral(start)) / FC_PER_NC

    def _integral(self, nanos: int) -> int:
        index = bisect_right(self._starts, nanos) - 1
        if index < 0:
            return 0
        return self._integrals[index] + self._values[index] * (nanos - self._starts[index])


def _pulse(current: _Steps, a: tuple[int, int] | None, b: tuple[int, int] | None) -> Pulse:
    present = a or b
    assert present is not None
    return Pulse(
        start_nanos=present[0],
        width_a_ns=a[1] - a[0] if a else 0,
        gap_ns=b[0] - a[1] if a and b else 0,
        width_b_ns=b[1] - b[0] if b else 0,
        current_a_ua=current.at(sum(a) // 2) if a else 0,
        current_b_ua=current.at(sum(b) // 2) if b else 0,
        charge_a_nc=current.charge_nc(*a) if a else 0.0,
        charge_b_nc=current.charge_nc(*b) if b else 0.0,
    )


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None

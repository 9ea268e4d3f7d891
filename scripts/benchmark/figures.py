"""Worst cases from the pins' edges."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

from benchmark.catalogue import Asked
from opennmes.measure import pulses as measure
from opennmes.measure.trace import Trace

Figures = dict[str, Any]


def edges(trace: Trace, asked: Asked) -> Figures:
    """How far the pulses of channel 0 were from what was asked, at worst, while `enable` was high.

    The pulses asked are counted from the first phase A on, one a period. A pulse of which one phase is missing has an
    error of a whole width; one that is missing altogether shows in `pulses_seen` and in the period.
    """
    allowed = trace.changes("enable")
    # The firmware raises it in its self-test too: what counts is the time that the first phase lies in.
    in_phase = (nanos for nanos, value in trace.changes("ch0_a") if value and trace.value_at("enable", nanos))
    first_a = next(in_phase, trace.end_nanos)
    begin = max((nanos for nanos, value in allowed if value and nanos <= first_a), default=None)
    found: list[measure.Pulse] = []
    count = 0
    if begin is not None:
        end = next((nanos for nanos, value in allowed if nanos > begin and not value), trace.end_nanos)
        first = next((nanos for nanos, value in trace.changes("ch0_a") if value and nanos >= begin), end)
        count = (end - first) // asked.period_ns
        half = asked.period_ns // 2
        found = [
            pulse
            for pulse in measure.pulses(trace, 0)
            if first <= pulse.start_nanos < first + count * asked.period_ns - half
        ]
    periods = [later.start_nanos - sooner.start_nanos for sooner, later in itertools.pairwise(found)]
    whole = [pulse for pulse in found if pulse.width_a_ns and pulse.width_b_ns]
    return {
        "width_error_ns_max": _most(abs(w - asked.width_ns) for p in found for w in (p.width_a_ns, p.width_b_ns)),
        "ab_difference_ns_max": _most(abs(pulse.width_a_ns - pulse.width_b_ns) for pulse in found),
        "gap_error_ns_max": _most(abs(pulse.gap_ns - asked.gap_ns) for pulse in whole),
        "period_error_ns_max": _most(abs(period - asked.period_ns) for period in periods),
        "period_ns_sd": round(statistics.pstdev(periods), 3) if len(periods) > 1 else None,
        "pulses_asked": count,
        "pulses_seen": len(found),
    }


def worse(one: Figures, other: Figures) -> Figures:
    """Two runs of the same as one: the worst of both, and their pulses together."""
    both: Figures = {}
    for name in one:
        if name.startswith("pulses_"):
            both[name] = one[name] + other[name]
        else:
            both[name] = _most(value for value in (one[name], other[name]) if value is not None)
    return both


def _most(values: Any) -> Any:
    return max(values, default=None)

"""Pictures of what a board delivered: the measured current of the emulated one, whole sessions of the virtual one."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opennmes.measure.pulses import Pulse, pulses
from opennmes.measure.trace import Trace
from opennmes.plots import draw

INCHES = 9.0  # for the titles of axes


def plot_waveform(trace: Trace, path: Path, *, title: str, subtitle: str = "", channel: int = 0) -> None:
    """Draw the measured load current: all pulses of a channel, and the largest of them enlarged.

    Raises ValueError when there is no pulse, and what draw.save raises.
    """
    draw.save(waveform_figure(trace, title=title, subtitle=subtitle, channel=channel), path)


@draw.plain
def waveform_figure(trace: Trace, *, title: str, subtitle: str = "", channel: int = 0) -> Figure:
    """The picture of plot_waveform."""
    found = pulses(trace, channel)
    if not found:
        raise ValueError(f"no pulse on channel {channel}: there is nothing to draw")
    current = trace.changes(f"ch{channel}_current_ua")
    first_ns, last_ns = found[0].start_nanos, found[-1].start_nanos
    period_ns = (last_ns - first_ns) / max(1, len(found) - 1) or 1e6
    figure = draw.new_figure(title, subtitle or f"current measured in the load, channel {channel}", 10, 8)
    upper, lower = figure.subplots(2, 1, height_ratios=(1, 1.3))
    begin_ns, end_ns = first_ns - period_ns / 2, last_ns + period_ns
    steps = [(begin_ns, 0.0)] + [(ns, ua / 1000) for ns, ua in current if begin_ns <= ns <= end_ns] + [(end_ns, 0.0)]
    most_ma = max(abs(value) for _, value in steps) or 1.0
    draw.clean(upper, f"The train: {len(found)} pulses", "time since the first pulse (s)", "current (mA)", INCHES)
    draw.train(upper, [((ns - first_ns) / 1e9, value) for ns, value in steps])
    upper.set_xlim((begin_ns - first_ns) / 1e9, (end_ns - first_ns) / 1e9)
    upper.set_ylim(-1.25 * most_ma, 1.25 * most_ma)
    shown = max(found, key=lambda each: abs(each.current_a_ua))
    upper.annotate(
        "this one, enlarged below", ((shown.start_nanos - first_ns) / 1e9, 1.02 * most_ma), (0, 8),
        textcoords="offset points", ha="right", fontsize=9, color=draw.VERMILION,
        arrowprops={"arrowstyle": "->", "color": draw.VERMILION},
    )  # fmt: skip
    _enlarged(lower, shown, current)
    return figure


def _enlarged(axes: Axes, shown: Pulse, current: Sequence[tuple[int, int]]) -> None:
    end_ns = shown.start_nanos + shown.width_a_ns + shown.gap_ns + shown.width_b_ns
    steps = [
        ((ns - shown.start_nanos) / 1000, ua / 1000)
        for ns, ua in current
        if shown.start_nanos - 50_000 <= ns <= end_ns + 50_000
    ]
    draw.clean(axes, "One pulse, enlarged", "time in the pulse (µs)", "current (mA)", INCHES)
    draw.pulse(
        axes, steps, shown.width_a_ns / 1000, shown.gap_ns / 1000, shown.width_b_ns / 1000, shown.current_a_ua / 1000
    )
    net_nc = shown.charge_a_nc + shown.charge_b_nc
    text = f"charge: {shown.charge_a_nc:g} nC in A, {shown.charge_b_nc:g} nC in B, {net_nc:g} nC net".replace("-", "−")
    axes.text(0.98, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=9)


def intensity_steps(events: Iterable[dict[str, Any]]) -> list[tuple[float, float]]:
    """The intensity of the first channel over the session, as (s, mA), from a device's status events."""
    return [
        (event["elapsed_ms"] / 1000, event["channels"][0]["intensity_ua"] / 1000)
        for event in events
        if event.get("event") == "status" and event["channels"]
    ]


def plot_session(
    delivered: Sequence[tuple[float, float]], intensity: draw.Steps, path: Path, *, title: str, subtitle: str = ""
) -> None:
    """Draw a session: the peak current of each pulse over the whole of it, and one work and rest cycle enlarged.

    `delivered`: (s, mA) of each pulse, in order; `intensity`: (s, mA) as it was set, counted from the session's start.
    Time zero is the first pulse. Raises ValueError when there is no pulse, and what draw.save raises.
    """
    draw.save(session_figure(delivered, intensity, title=title, subtitle=subtitle), path)


@draw.plain
def session_figure(
    delivered: Sequence[tuple[float, float]], intensity: draw.Steps, *, title: str, subtitle: str = ""
) -> Figure:
    """The picture of plot_session."""
    if not delivered:
        raise ValueError("no pulse was delivered: there is nothing to draw")
    begin_s = delivered[0][0]
    pulses_s = [(time - begin_s, value) for time, value in delivered]
    trains = _trains(pulses_s)
    most_ma = max([value for _, value in pulses_s] + [value for _, value in intensity]) or 1.0
    figure = draw.new_figure(title, subtitle or f"{len(delivered)} pulses on the virtual board", 11, 8)
    upper, lower = figure.subplots(2, 1)

    draw.clean(upper, "The session", "time in the session (min)", "peak current (mA)", INCHES)
    draw.bars(upper, [[(time / 60, value) for time, value in train] for train in trains])
    upper.step(
        [time / 60 for time, _ in intensity], [value for _, value in intensity], where="post",
        color=draw.VERMILION, linewidth=1.8, label="intensity as set",
    )  # fmt: skip
    upper.set_xlim(0, pulses_s[-1][0] / 60 or 1.0)
    upper.set_ylim(0, 1.35 * most_ma)
    upper.legend(loc="upper right", ncols=2, frameon=False)

    chosen = max(range(len(trains)), key=lambda index: max(value for _, value in trains[index]))
    left_s = trains[chosen][0][0]
    right_s = trains[chosen + 1][0][0] if chosen + 1 < len(trains) else trains[chosen][-1][0]
    right_s = min(right_s, left_s + 60)
    near = [(time - left_s, value) for time, value in pulses_s if left_s <= time <= right_s]
    draw.clean(
        lower, f"One work and rest cycle, from minute {left_s / 60:.2f}: each line is a pulse", "time in the cycle (s)",
        "peak current (mA)", INCHES,
    )  # fmt: skip
    lower.vlines([time for time, _ in near], 0, [value for _, value in near], color=draw.BLUE, linewidth=0.8)
    work_s = trains[chosen][-1][0] - left_s
    for begin_s, end_s, text in ((0, work_s, "work"), (work_s, right_s - left_s, "rest")):
        if end_s - begin_s > 0.1 * (right_s - left_s):
            lower.text((begin_s + end_s) / 2, 1.1 * most_ma, text, ha="center", va="bottom")
    lower.set_xlim(0, right_s - left_s or 1.0)
    lower.set_ylim(0, 1.35 * most_ma)
    return figure


def _trains(pulses_s: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Pulses in groups; a pause of more than three usual periods starts a new one."""
    periods = [later[0] - sooner[0] for sooner, later in itertools.pairwise(pulses_s)]
    longest = 3 * statistics.median(periods) if periods else 0.0
    groups = [[pulses_s[0]]]
    for period, pulse in zip(periods, pulses_s[1:], strict=True):
        if period > longest:
            groups.append([])
        groups[-1].append(pulse)
    return groups

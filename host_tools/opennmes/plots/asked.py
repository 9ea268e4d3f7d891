"""What a prescription asks: one pulse and a train of each phase, and the session, at the most current it allows."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmes.core import pulse as core_pulse
from nmes.core.phase import Phase
from nmes.core.programme import Channel, Programme
from nmes.core.train import envelope
from opennmes.plots import draw

EFFECTS = {"motor": "meant to make muscles contract", "sensory": "meant to be felt, without contraction"}
CONTINUOUS_SHOWN_S = 2  # of a continuous train, after its ramp
BESIDE_INCHES = 0.9  # of a picture's width that its title cannot have: the labels of its axis
LEAST_INCHES = 1.0  # for a phase's words over the session
LINE_SHARE = 0.14  # of the current, for each further line of them


def plot_prescription(asked: Programme, path: Path) -> None:
    """Draw `asked` into `path`. Raises OSError and ValueError."""
    draw.save(prescription_figure(asked), path)


@draw.plain
def prescription_figure(asked: Programme) -> Figure:
    """The picture of plot_prescription."""
    current_ma = asked.max_current_ua / 1000
    columns = len(asked.phases)
    width = max(10.0, 5.0 * columns)
    inches = width / columns - BESIDE_INCHES
    folds = sum(
        max(draw.words(title(phase), inches, draw.AXES_TITLE_POINTS).count("\n") for phase in asked.phases)
        for title in (_pulse_title, _train_title)
    )
    figure = draw.new_figure(
        asked.title,
        f"what the prescription asks, drawn at its maximum of {current_ma:g} mA; intensity is set by hand, from zero\n"
        f"{asked.kind}, {asked.area_mm2 / 100:g} cm²; {EFFECTS[asked.effect]}",
        width,
        7.0 + 3.5 * len(asked.channels) + folds * draw.AXES_TITLE_LINE_INCHES,
    )
    grid = figure.add_gridspec(2 + len(asked.channels), columns, height_ratios=(1.15, *[1] * (1 + len(asked.channels))))
    for column, phase in enumerate(asked.phases):
        _pulse(figure.add_subplot(grid[0, column]), phase, current_ma, inches)
        _train(figure.add_subplot(grid[1, column]), phase, current_ma, inches)
    for row, channel in enumerate(asked.channels, 2):
        _session(figure.add_subplot(grid[row, :]), asked, channel, current_ma, width - BESIDE_INCHES)
    return figure


def _pulse_title(phase: Phase) -> str:
    # Names come last: one that runs from right to left would move figures that follow it.
    return f"One pulse, enlarged: “{phase.name}”"


def _train_title(phase: Phase) -> str:
    what = "One train" if phase.work_ms else "Beginning of the continuous train"
    return f"{what}, {_rate(phase)}: “{phase.name}”"


def _pulse(axes: Axes, phase: Phase, current_ma: float, inches: float) -> None:
    draw.clean(axes, _pulse_title(phase), "time in the pulse (µs)", "current (mA)", inches)
    gap_us = core_pulse.gap_delivered_us(phase.gap_us)
    corners = _corners(0, phase, phase.width_us, current_ma, 1)
    draw.pulse(axes, corners, phase.width_us, gap_us, phase.width_us * phase.ratio, current_ma)
    charge = f"{current_ma * phase.width_us / 1000:g} µC in each phase"
    if phase.widest_us != phase.width_us:
        charge = f"the first; {current_ma * phase.widest_us / 1000:g} µC in each phase of the widest"
    axes.text(0.98, 0.97, charge, transform=axes.transAxes, ha="right", va="top", fontsize=9)


def _corners(begin: float, phase: Phase, width_us: int, current_ma: float, per_us: float) -> list[tuple[float, float]]:
    before_b = width_us + core_pulse.gap_delivered_us(phase.gap_us)
    return [
        (begin, current_ma),
        (begin + width_us * per_us, 0.0),
        (begin + before_b * per_us, -current_ma / phase.ratio),
        (begin + (before_b + width_us * phase.ratio) * per_us, 0.0),
    ]


def _rate(phase: Phase) -> str:
    """Rate and pattern in words."""
    rate = f"{phase.rate_mhz / 1000:g}"
    if phase.burst_pulses:
        return f"{phase.burst_pulses} pulses at {rate} Hz, {phase.burst_rate_mhz / 1000:g} times a second"
    if phase.rate_to_mhz:
        how = "and" if phase.change == "alternate" else "to"
        return f"{rate} {how} {phase.rate_to_mhz / 1000:g} Hz, {phase.change_ms / 1000:g} s each"
    return f"{rate} Hz"


def _train(axes: Axes, phase: Phase, current_ma: float, inches: float) -> None:
    shown_ms = phase.train_ms
    if not phase.work_ms:
        at_least_ms = max(1000 * CONTINUOUS_SHOWN_S, 2 * phase.change_ms)
        shown_ms = min(phase.train_ms, phase.ramp_up_ms + at_least_ms)
    steps = [(0.0, 0.0)]
    for k in range(phase.pulses):
        t_us, offset_us, n = phase.start_us(k), phase.offset_us(k % phase.pattern_pulses), k % phase.pattern_pulses
        if t_us >= shown_ms * 1000:
            break
        current_ua = envelope(phase, t_us // 1000, round(current_ma * 1000))
        steps += _corners(t_us / 1e6, phase, phase.width_at(n, offset_us), current_ua / 1000, 1e-6)
    steps.append((shown_ms / 1000, 0.0))
    draw.clean(axes, _train_title(phase), "time in the train (s)", "current (mA)", inches)
    draw.train(axes, steps)
    axes.set_xlim(0, shown_ms / 1000)
    axes.set_ylim(-1.45 * current_ma, 1.45 * current_ma)
    _ramp(axes, 0, phase.ramp_up_ms / 1000, 1.12 * current_ma, f"ramp up {phase.ramp_up_ms / 1000:g} s")
    if phase.work_ms:
        end_s = phase.span_ms / 1000
        _ramp(
            axes, end_s - phase.ramp_down_ms / 1000, end_s, 1.12 * current_ma, f"down {phase.ramp_down_ms / 1000:g} s"
        )


def _ramp(axes: Axes, left: float, right: float, height: float, text: str) -> None:
    axes.annotate("", (left, height), (right, height), arrowprops={"arrowstyle": "<->", "color": draw.GREY})
    axes.text((left + right) / 2, height * 1.05, text, ha="center", va="bottom", fontsize=9)


def _session(axes: Axes, asked: Programme, channel: Channel, current_ma: float, inches: float) -> None:
    title = "The session" if len(asked.channels) == 1 else f"The session, channel {channel.index}"
    if channel.delay_us:
        title += f", {channel.delay_us / 1e6:g} s later"
    draw.clean(axes, title, "time in the session (min)", "peak current (mA)", inches)
    outlines = []
    most_lines = 2
    begin_ms = channel.delay_us / 1000
    for phase in channel.phases:
        for index in range(phase.trains):
            at_ms = begin_ms + index * phase.cycle_ms
            corners = [
                (at_ms, 0.0),
                (at_ms + phase.ramp_up_ms, current_ma),
                (at_ms + phase.span_ms - phase.ramp_down_ms, current_ma),
                (at_ms + phase.span_ms, 0.0),
            ]
            outlines.append([(time / 60_000, value) for time, value in corners])
        end_ms = begin_ms + phase.duration_ms
        room = inches * phase.duration_ms / asked.duration_ms - 0.1
        text = draw.words(_times(phase), max(LEAST_INCHES, room), 10) + "\n" + _short_name(phase, room)
        most_lines = max(most_lines, text.count("\n") + 1)
        axes.text((begin_ms + end_ms) / 120_000, 1.1 * current_ma, text, ha="center", va="bottom", fontsize=10)
        axes.axvline(end_ms / 60_000, color=draw.GREY, linewidth=0.8, linestyle="--")
        begin_ms = end_ms
    draw.bars(axes, outlines)
    axes.set_xlim(0, asked.duration_ms / 60_000)
    axes.set_ylim(0, current_ma * (1.2 + LINE_SHARE * most_lines))


def _short_name(phase: Phase, inches: float) -> str:
    """As much of a phase's name as has room in one line over the session; its whole name is over its pulse."""
    first, _, rest = draw.words(f"“{phase.name}”", max(LEAST_INCHES, inches - 0.2), 10).partition("\n")
    return f"{first}…" if rest else first


def _times(phase: Phase) -> str:
    minutes = f"{phase.duration_ms / 60_000:g} min"
    if not phase.work_ms:
        return f"continuous, {minutes}"
    return f"{phase.trains} × ({phase.work_ms / 1000:g} s work, {phase.rest_ms / 1000:g} s rest), {minutes}"

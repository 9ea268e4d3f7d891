"""What a capture was judged by: how far each phase and gap is off, and the worst pulse enlarged."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opennmes.measure.case import Worst
from opennmes.measure.claims import FAILED, us_in_words
from opennmes.measure.expected import Expected, ExpectedPulse
from opennmes.measure.seen import PS_PER_S, PS_PER_US, Seen, SeenPulse, Span
from opennmes.measure.verify import Report
from opennmes.plots import draw

INCHES = 9.0
_COLOURS = {"phase A": draw.BLUE, "gap": draw.ORANGE, "phase B": draw.VERMILION}
_A_LOW, _B_LOW, _HIGH = 1.6, 0.0, 1.0


def plot_verified(report: Report, seen: Seen, expected: Expected, path: Path) -> None:
    """Draw the judged times of all pulses, and the worst pulse. Raises what draw.save raises."""
    draw.save(verified_figure(report, seen, expected), path)


@draw.plain
def verified_figure(report: Report, seen: Seen, expected: Expected) -> Figure:
    """The picture of plot_verified."""
    wrong = [claim.name for claim in report.claims if claim.verdict == FAILED]
    subtitle = f"{report.verdict}: " + (", ".join(dict.fromkeys(wrong)) if wrong else "nothing wrong was seen")
    figure = draw.new_figure(expected.title, subtitle, 10, 8)
    upper, lower = figure.subplots(2, 1)
    _deviations(upper, report, seen)
    _enlarged(lower, report.worst, seen)
    return figure


def _span_us(span: Span | None) -> float | None:
    return None if span is None or span[1] is None else (span[1] - span[0]) / PS_PER_US


def _deviations(axes: Axes, report: Report, seen: Seen) -> None:
    draw.clean(axes, "All pulses: measured less asked", "time in the capture (s)", "difference (µs)", INCHES)
    for channel, pairs in report.pairs.items():
        for name, colour in _COLOURS.items():
            points = [point for pulse, asked in pairs if (point := _point(name, pulse, asked, seen)) is not None]
            if points:
                label = f"{name}, channel {channel}" if len(report.pairs) > 1 else name
                axes.plot(
                    [time for time, _ in points], [off for _, off in points], ".", color=colour, markersize=3,
                    label=label, alpha=0.5 if channel else 1.0, rasterized=True,
                )  # fmt: skip
    bound_us = report.bounds.step_ps / PS_PER_US
    axes.axhspan(-bound_us, bound_us, color="#dddddd", alpha=0.5, zorder=0, label="the capture's resolution")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
    axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=8)


def _point(name: str, pulse: SeenPulse, asked: ExpectedPulse, seen: Seen) -> tuple[float, float] | None:
    if name == "gap":
        if pulse.a is None or pulse.b is None or pulse.a[1] is None:
            return None
        off = (pulse.b[0] - pulse.a[1]) / PS_PER_US - asked.gap_us
    else:
        measured = _span_us(pulse.a if name == "phase A" else pulse.b)
        if measured is None:
            return None
        off = measured - (asked.width_a_us if name == "phase A" else asked.width_b_us)
    return (pulse.start_ps - seen.begin_ps) / PS_PER_S, off


def _enlarged(axes: Axes, worst: Worst | None, seen: Seen) -> None:
    if worst is None:
        draw.clean(axes, "No pulse was seen", "", "", INCHES)
        return
    pulse, asked = worst.seen, worst.asked
    at_s = (pulse.start_ps - seen.begin_ps) / PS_PER_S
    title = f"The worst pulse, by {worst.what}: channel {worst.channel}, at {at_s:.6f} s"
    draw.clean(axes, title, "time in the pulse (µs)", "", INCHES)
    spans = [(pulse.a, _A_LOW, "A", draw.BLUE), (pulse.b, _B_LOW, "B", draw.VERMILION)]
    ends = [span[1] or seen.end_ps for span, *_ in spans if span is not None]
    length_us = (max(ends) - pulse.start_ps) / PS_PER_US
    if asked is not None:
        length_us = max(length_us, asked.width_a_us + asked.gap_us + asked.width_b_us)
    margin_us = max(0.2 * length_us, 0.001)
    for span, low, name, colour in spans:
        times, values = [-margin_us], [low]
        if span is not None:
            begin_us, end_us = ((ps - pulse.start_ps) / PS_PER_US for ps in (span[0], span[1] or seen.end_ps))
            times += [begin_us, end_us]
            values += [low + _HIGH, low]
            measured = f"{end_us - begin_us:.3f}".rstrip("0").rstrip(".") + " µs"
            axes.text((begin_us + end_us) / 2, low + _HIGH / 2, measured, ha="center", va="center", fontsize=10)
        axes.step([*times, length_us + margin_us], [*values, low], where="post", color=colour, linewidth=2)
        axes.text(-margin_us, low + 0.08, f"phase {name}", fontsize=9, color=colour)
    if asked is not None:
        _asked(axes, asked)
    if pulse.a and pulse.b and pulse.a[1] is not None:
        gap = f"gap {us_in_words(pulse.b[0] - pulse.a[1]).replace('us', 'µs')}"
        text = f"{gap}, asked {asked.gap_us} µs" if asked is not None else gap
        axes.text(0.98, 0.96, text, transform=axes.transAxes, ha="right", va="top", fontsize=9)
    axes.set_xlim(-margin_us, length_us + margin_us)
    axes.set_ylim(-0.3, _A_LOW + _HIGH + 0.5)
    axes.set_yticks([])


def _asked(axes: Axes, asked: ExpectedPulse) -> None:
    """The same pulse as it was asked, dashed."""
    begin_b_us = asked.width_a_us + asked.gap_us
    for low, begin, width in ((_A_LOW, 0, asked.width_a_us), (_B_LOW, begin_b_us, asked.width_b_us)):
        axes.plot(
            [begin, begin, begin + width, begin + width], [low, low + 1.08, low + 1.08, low],
            linestyle="--", color=draw.GREY, linewidth=1,
        )  # fmt: skip
        axes.text(begin + width / 2, low + 1.12, f"asked {width} µs", ha="center", fontsize=8, color=draw.GREY)

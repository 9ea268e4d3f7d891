"""The parts that all pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Okabe and Ito's colours: told apart with any colour vision.
BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
GREY = "#666666"
FOOTER = "OpenNMES: a research instrument, not a medical device"
HEADER_INCHES = 0.62
LINE_INCHES = 0.17
FOOTER_INCHES = 0.25
FORMATS = (".png", ".svg", ".pdf")

Steps = Sequence[tuple[float, float]]  # (time, value from then on)


def new_figure(title: str, subtitle: str, width: float, height: float) -> Figure:
    """A page with a title; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    top = HEADER_INCHES + LINE_INCHES * subtitle.count("\n")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, FOOTER_INCHES / height, 1, 1 - (top + FOOTER_INCHES) / height))
    at: dict[str, Any] = {"x": 0.5, "ha": "center", "parse_math": False}
    figure.text(y=1 - 0.08 / height, s=title, va="top", fontsize=14, fontweight="bold", **at)
    figure.text(y=1 - 0.36 / height, s=subtitle, va="top", fontsize=10, color=GREY, **at)
    figure.text(y=0.07 / height, s=FOOTER, va="bottom", fontsize=8, color=GREY, **at)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the file name's ending says in which of FORMATS. Raises OSError and ValueError."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: a picture's name has to end in {', '.join(FORMATS)}")
    figure.savefig(path, dpi=150)


def clean(axes: Axes, title: str, x: str, y: str) -> None:
    """Title and labels, and nothing that does not help."""
    axes.set_title(title, fontsize=11, loc="left", parse_math=False)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def pulse(axes: Axes, steps: Steps, width_a: float, gap: float, width_b: float, current: float) -> None:
    """One pulse enlarged: `steps` in us from its beginning and mA, with its measures written at it."""
    end = width_a + gap + width_b
    margin = 0.25 * end
    high = current or 1.0  # a pulse without current still has its measures
    times = [-margin, *(time for time, _ in steps), end + margin]
    values = [0.0, *(value for _, value in steps), steps[-1][1] if steps else 0.0]
    axes.step(times, values, where="post", color=BLUE, linewidth=2)
    axes.fill_between(times, values, step="post", color=BLUE, alpha=0.15)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_ylim(-1.7 * high, 1.7 * high)
    axes.set_xlim(-margin, end + margin)
    _measure(axes, 0, width_a, 1.22 * high, f"phase A\n{width_a:g} µs")
    _measure(axes, width_a + gap, end, -1.22 * high, f"phase B\n{width_b:g} µs")
    if gap:
        axes.annotate(
            f"gap {gap:g} µs", (width_a + gap / 2, 0), (width_a / 2, -0.6 * high),
            ha="center", va="center", fontsize=9, arrowprops={"arrowstyle": "->", "color": GREY},
        )  # fmt: skip
    axes.text(width_a / 2, high / 2, f"{current:g} mA", ha="center", va="center", fontsize=10)
    second = -min(values)
    height = -second / 2 if second > 0.4 * high or not second else -second - 0.15 * high
    axes.text(end - width_b / 2, height or -high / 2, f"−{second:g} mA", ha="center", va="center", fontsize=10)


def _measure(axes: Axes, left: float, right: float, height: float, text: str) -> None:
    axes.annotate("", (left, height), (right, height), arrowprops={"arrowstyle": "<->", "color": GREY})
    above = height > 0
    axes.annotate(
        text, ((left + right) / 2, height), (0, 5 if above else -5), textcoords="offset points",
        ha="center", va="bottom" if above else "top", fontsize=9,
    )  # fmt: skip


def train(axes: Axes, steps: Steps, color: str = BLUE) -> None:
    """Pulses as they follow each other: `steps` in s and mA, one line up and one down for each pulse."""
    axes.step([time for time, _ in steps], [value for _, value in steps], where="post", color=color, linewidth=0.7)
    axes.axhline(0, color=GREY, linewidth=0.8)


def bars(axes: Axes, outlines: Sequence[Steps], color: str = BLUE) -> None:
    """Trains as areas: each outline is a list of corners (time, mA)."""
    for index, outline in enumerate(outlines):
        times, values = [time for time, _ in outline], [value for _, value in outline]
        axes.fill_between(times, values, color=color, alpha=0.5, linewidth=0.5, label=None if index else "delivered")

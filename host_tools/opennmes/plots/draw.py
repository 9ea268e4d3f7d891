"""The parts that all pictures are made of."""

from __future__ import annotations

import bisect
import functools
import io
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine

from opennmes import files
from opennmes.visible import visible

# Okabe and Ito's colours: told apart with any colour vision.
BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
GREY = "#666666"
FOOTER = "OpenNMES: a research instrument, not a medical device"
HEADER_INCHES = 0.62
LINE_INCHES = 0.17
TITLE_POINTS, TITLE_LINE_INCHES = 14, 0.24
SUBTITLE_POINTS = 10
AXES_TITLE_POINTS, AXES_TITLE_LINE_INCHES = 11, 0.19
FOOTER_INCHES = 0.25
FORMATS = (".png", ".svg", ".pdf")

FONT = "DejaVu Sans"  # matplotlib brings it along
# Text is text: no formulas, no TeX, no font of this machine, whatever a matplotlibrc says.
_PLAIN: Any = {
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": [FONT],
    "axes.formatter.use_mathtext": False,
}
_POINTS_PER_INCH = 72

Steps = Sequence[tuple[float, float]]  # (time, value from then on)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def plain(make: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have a function make its figure of plain text."""

    @functools.wraps(make)
    def made(*arguments: _P.args, **options: _P.kwargs) -> _R:
        with matplotlib.rc_context(_PLAIN):
            return make(*arguments, **options)

    return made


def words(text: str, inches: float, size: float, *, bold: bool = False) -> str:
    """`text` as a picture can show it, in lines of at most `inches` at `size` points. Hidden characters are shown by
    their numbers, and so are those that the font lacks, in groups: <U+9AA8 76C6>."""
    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))
    font.set_size(size, _POINTS_PER_INCH)
    known = font.get_charmap()

    def width(line: str) -> float:
        font.set_text(line)
        return float(font.get_width_height()[0]) / 64 / _POINTS_PER_INCH

    lines: list[str] = []
    for whole in text.split("\n"):
        groups = itertools.groupby(visible(whole), lambda character: ord(character) in known)
        shown = ["".join(group) if has else _numbers(group) for has, group in groups]
        lines += _folded("".join(shown), inches, width)
    return "\n".join(lines)


def _numbers(characters: Iterable[str]) -> str:
    return f"<U+{' '.join(f'{ord(character):04X}' for character in characters)}>"


def _folded(text: str, inches: float, width: Callable[[str], float]) -> Iterator[str]:
    """Lines no wider than `inches`, broken at blanks where there are some."""
    while width(text) > inches and len(text) > 1:
        # The first of them in any case, and as many as fit.
        most = 1 + bisect.bisect_right(range(1, len(text)), inches, key=lambda n: width(text[: n + 1]))
        blank = text.rfind(" ", 1, most + 1)
        end = blank if blank > 0 else most
        yield text[:end]
        text = text[end:].removeprefix(" ")
    yield text


def new_figure(title: str, subtitle: str, width: float, height: float) -> Figure:
    """A page with a title; sizes in inches, and as much more height as a long title needs."""
    title = words(title, 0.96 * width, TITLE_POINTS, bold=True)
    subtitle = words(subtitle, 0.96 * width, SUBTITLE_POINTS)
    more = TITLE_LINE_INCHES * title.count("\n")
    height += more
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    top = HEADER_INCHES + more + LINE_INCHES * subtitle.count("\n")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, FOOTER_INCHES / height, 1, 1 - (top + FOOTER_INCHES) / height))
    at: dict[str, Any] = {"x": 0.5, "ha": "center"}
    figure.text(y=1 - 0.08 / height, s=title, va="top", fontsize=TITLE_POINTS, fontweight="bold", **at)
    figure.text(y=1 - (0.36 + more) / height, s=subtitle, va="top", fontsize=SUBTITLE_POINTS, color=GREY, **at)
    figure.text(y=0.07 / height, s=FOOTER, va="bottom", fontsize=8, color=GREY, **at)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the file name's ending says in which of FORMATS. Raises OSError and ValueError.

    Whatever goes wrong on the way, the picture that was there before is there still.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: a picture's name has to end in {', '.join(FORMATS)}")
    drawn = io.BytesIO()
    with matplotlib.rc_context(_PLAIN):
        figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=150)
    files.put(path, drawn.getvalue())


def clean(axes: Axes, title: str, x: str, y: str, inches: float = math.inf) -> None:
    """Title and labels, and nothing that does not help. The title folds at `inches`."""
    axes.set_title(words(title, inches, AXES_TITLE_POINTS), fontsize=AXES_TITLE_POINTS, loc="left")
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

"""What a witness has recorded around a moment: its pins, one above the other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from opennmes.measure.captures.witness import Recording
from opennmes.measure.seen import PS_PER_MS
from opennmes.plots import draw

BEFORE_MS, AFTER_MS = 20, 40
INCHES, ROW_INCHES = 9.0, 0.45


@draw.plain
def witnessed_figure(recording: Recording, roles: Sequence[str], around_ps: int, title: str, subtitle: str) -> Figure:
    """Every pin of `roles` from 20 ms before a moment to 40 ms after it; the pump as the time in which it waves."""
    begin_ps, end_ps = around_ps - BEFORE_MS * PS_PER_MS, around_ps + AFTER_MS * PS_PER_MS
    figure = draw.new_figure(title, subtitle, INCHES, 1.4 + ROW_INCHES * len(roles))
    axes = figure.subplots()
    draw.clean(axes, "The pins", "time around that moment (ms)", "", INCHES)
    for row, role in enumerate(reversed(roles)):
        steps = [((ps - around_ps) / PS_PER_MS, row + 0.7 * level) for ps, level in _levels(recording, role)
                 if begin_ps <= ps <= end_ps]  # fmt: skip
        first = _level(recording, role, begin_ps)
        last = steps[-1][1] if steps else row + 0.7 * first
        steps = [(-BEFORE_MS, row + 0.7 * first), *steps, (AFTER_MS, last)]
        axes.step([x for x, _ in steps], [y for _, y in steps], where="post", color=draw.BLUE, linewidth=0.9)
    axes.set_yticks([row + 0.35 for row in range(len(roles))], list(reversed(roles)))
    axes.axvline(0, color=draw.VERMILION, linewidth=0.8)
    axes.set_xlim(-BEFORE_MS, AFTER_MS)
    axes.set_ylim(-0.3, len(roles))
    return figure


def _levels(recording: Recording, role: str) -> list[tuple[int, int]]:
    if recording.pins.get(role) == recording.pump:
        return [change for wave in recording.waves for change in ((wave.begin_ps, 1), (wave.end_ps, 0))]
    return recording.edges(role)


def _level(recording: Recording, role: str, ps: int) -> int:
    if recording.pins.get(role) == recording.pump:
        return int(any(wave.begin_ps <= ps < wave.end_ps for wave in recording.waves))
    return recording.level(role, ps)

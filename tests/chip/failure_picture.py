"""What the pins of a board did before its test failed, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opennmes.measure.trace import Trace
from opennmes.plots import draw

INCHES, SIGNAL_INCHES = 10.0, 0.9


def save(trace: Trace, begin_ns: int, title: str, subtitle: str, picture: Path) -> None:
    """Draw every signal of a trace from an instant on, one above the other, into a file."""
    draw.save(_figure(trace, begin_ns, title, subtitle), picture)


@draw.plain
def _figure(trace: Trace, begin_ns: int, title: str, subtitle: str) -> Any:
    signals = trace.signals()
    page = draw.new_figure(title, subtitle, INCHES, 1 + SIGNAL_INCHES * len(signals))
    rows = page.subplots(len(signals), 1, sharex=True, squeeze=False)[:, 0]
    for axes, signal in zip(rows, signals, strict=True):
        changes = [change for change in trace.changes(signal) if change[0] > begin_ns]
        values = [(begin_ns, trace.value_at(signal, begin_ns)), *changes]
        values.append((trace.end_nanos, values[-1][1]))
        scale = 1_000 if signal.endswith("_ua") else 1
        draw.clean(axes, f"{signal.removesuffix('_ua')} (mA)" if scale > 1 else signal, "", "")
        draw.train(axes, [(nanos / 1e9, value / scale) for nanos, value in values])
        if scale == 1:
            axes.set_ylim(-0.1, 1.3)
    rows[-1].set_xlim(begin_ns / 1e9, trace.end_nanos / 1e9)
    rows[-1].set_xlabel("time since power-on (s)")
    return page

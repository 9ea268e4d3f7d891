"""The two wirings of docs/first-waveform.md and that of docs/verify.md, pins as boards/pico/board.py and
firmware/witness/wires.py have them: `.venv/bin/python scripts/wiring.py` draws them into docs/pictures/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

from opennmes.boards import load_board, wires  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
PICO_RIGHT, RAIL, GROUND = 3.0, 9.4, 0.3
WIRE: dict[str, Any] = {"color": "black", "linewidth": 1.5, "solid_capstyle": "round"}


def canvas(rows: float) -> Axes:
    """A sheet with the Pico on the left, `rows` high."""
    figure = plt.figure(figsize=(9, 0.62 * rows + 0.6))
    axes: Axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    axes.set_xlim(0, 12)
    axes.set_ylim(0, rows)
    axes.axis("off")
    axes.add_patch(Rectangle((0.4, 0.2), PICO_RIGHT - 0.4, rows - 0.4, facecolor="#e6f2e6", edgecolor="black"))
    axes.text(0.6, rows - 0.75, "Raspberry Pi Pico", fontsize=10, fontweight="bold")
    return axes


def pin(axes: Axes, y: float, text: str) -> None:
    axes.plot(PICO_RIGHT, y, "s", color="black", markersize=6)
    axes.text(PICO_RIGHT - 0.15, y, text, ha="right", va="center", fontsize=9)


def wire(axes: Axes, *points: tuple[float, float]) -> None:
    axes.plot([x for x, _ in points], [y for _, y in points], **WIRE)


def resistor(axes: Axes, x: float, y: float, text: str, *, upright: bool = False) -> None:
    """Centred at x, y; its ends are 0.5 away."""
    wide, high = (0.3, 1.0) if upright else (1.0, 0.3)
    axes.add_patch(Rectangle((x - wide / 2, y - high / 2), wide, high, facecolor="white", edgecolor="black", zorder=3))
    axes.text(x + (0.25 if upright else 0), y + (0 if upright else 0.35), text, fontsize=8, va="center",
              ha="left" if upright else "center")  # fmt: skip


def joint(axes: Axes, x: float, y: float) -> None:
    axes.plot(x, y, "o", color="black", markersize=4)


def probe(axes: Axes, y: float, text: str) -> None:
    wire(axes, (PICO_RIGHT, y), (5.2, y))
    axes.plot(5.2, y, ">", color="#1f5fa8", markersize=9)
    axes.text(5.5, y, text, va="center", fontsize=9, color="#1f5fa8")


def probes(axes: Axes, pins: dict[str, Any], y: float) -> None:
    first = pins["channels"][0]
    pin(axes, y, f"GP{first['phase_a']}  phase A")
    probe(axes, y, "scope, logic analyser, or LED with 1 kΩ to GND")
    pin(axes, y - 0.8, f"GP{first['phase_b']}  phase B")
    probe(axes, y - 0.8, "the same")
    pin(axes, y - 1.6, "GND")
    probe(axes, y - 1.6, "its ground")


def bare(pins: dict[str, Any]) -> None:
    axes = canvas(5.6)
    pin(axes, 4.3, "3V3 OUT")
    pin(axes, 3.6, f"GP{pins['stop_loop']}  stop_loop")
    pin(axes, 2.9, f"GP{pins['interlock']}  interlock")
    wire(axes, (PICO_RIGHT, 4.3), (4.4, 4.3), (4.4, 2.9), (PICO_RIGHT, 2.9))
    wire(axes, (PICO_RIGHT, 3.6), (4.4, 3.6))
    joint(axes, 4.4, 3.6)
    axes.text(4.7, 3.6, "two wires: nothing starts without them,\npull one off and everything stops", va="center")
    probes(axes, pins, 2.1)
    axes.figure.savefig(PICTURES / "bare.png", dpi=110)  # type: ignore[union-attr]


def bench(pins: dict[str, Any]) -> None:
    axes = canvas(11.4)
    pin(axes, 10.1, "3V3 OUT")
    wire(axes, (PICO_RIGHT, 10.1), (RAIL, 10.1), (RAIL, 4.4))
    axes.text(RAIL + 0.15, 10.1, "3V3", fontsize=9, va="center")
    pin(axes, 9.2, f"GP{pins['stop_loop']}  stop_loop")
    pin(axes, 8.0, f"GP{pins['interlock']}  interlock")
    # The emergency stop: closed until its button presses the bar away from the two contacts.
    wire(axes, (RAIL, 9.2), (8.2, 9.2))
    joint(axes, RAIL, 9.2)
    joint(axes, 8.2, 9.2)
    joint(axes, 7.2, 9.2)
    wire(axes, (7.1, 9.12), (8.3, 9.12))
    wire(axes, (7.7, 9.12), (7.7, 9.42))
    axes.text(7.7, 9.66, "emergency stop\n(opens when pressed)", fontsize=8, ha="center", va="center")
    wire(axes, (7.2, 9.2), (PICO_RIGHT, 9.2))
    joint(axes, 5.4, 9.2)
    wire(axes, (5.4, 9.2), (5.4, 9.1))
    resistor(axes, 5.4, 8.6, "10 kΩ", upright=True)
    wire(axes, (5.4, 8.1), (5.4, 8.0), (PICO_RIGHT, 8.0))
    senses = [*pins["sense_current"], pins["sense_voltage"]]
    for row, number in enumerate(senses):
        y = 6.6 - 1.1 * row
        pin(axes, y, f"GP{number}  sense, 1.65 V")
        joint(axes, 6.4, y)
        wire(axes, (PICO_RIGHT, y), (6.9, y))
        resistor(axes, 7.4, y, "10 kΩ 0.1 %")
        wire(axes, (7.9, y), (RAIL, y))
        joint(axes, RAIL, y)
        wire(axes, (6.4, y), (6.4, y - 0.35), (6.9, y - 0.35))
        resistor(axes, 7.4, y - 0.35, "")
        wire(axes, (7.9, y - 0.35), (10.6, y - 0.35))
        joint(axes, 10.6, y - 0.35)
    wire(axes, (10.6, 6.25), (10.6, 3.5))
    axes.text(10.6, 3.2, "GND", ha="center", fontsize=9)
    axes.text(9.5, 7.1, "each sense: two resistors\nof 10 kΩ, 0.1 %", fontsize=8)
    probes(axes, pins, 2.4)
    axes.figure.savefig(PICTURES / "bench-wiring.png", dpi=110)  # type: ignore[union-attr]


WITNESS_LEFT = 9.0
GROUNDS = 2  # one at either end of the row of wires


def witness(gpios: dict[str, int]) -> None:
    """Two boards, a wire from each pin to the pin of the same number, and the resistors of the two lines."""
    straight = {role: gpio for role, gpio in gpios.items() if role != "run"}
    rows = len(straight) + 1 + GROUNDS
    top = 0.62 * (rows + 1) + 1.9  # and a row for 3V3
    axes = canvas(top)
    axes.add_patch(
        Rectangle((WITNESS_LEFT, 0.2), 11.6 - WITNESS_LEFT, top - 0.4, facecolor="#e6ecf5", edgecolor="black")
    )
    axes.texts[0].set_text("the board")
    axes.text(WITNESS_LEFT + 0.2, top - 0.75, "the witness", fontsize=10, fontweight="bold")
    supply = top - 1.5
    y = supply - 0.62
    heights: dict[str, float] = {}
    ends = [("GND", "GND", "ground")]
    ends += [
        (f"GP{gpio}  {role}", f"GP{gpio}", role) for role, gpio in sorted(straight.items(), key=lambda row: row[1])
    ]
    ends += [("RUN", f"GP{gpios['run']}", "run"), ("GND", "GND", "ground")]
    for here, there, role in ends:
        pin(axes, y, here)
        axes.plot(WITNESS_LEFT, y, "s", color="black", markersize=6)
        axes.text(WITNESS_LEFT + 0.15, y, there, va="center", fontsize=9)
        wire(axes, (PICO_RIGHT, y), (WITNESS_LEFT, y))
        heights[role] = y
        y -= 0.62
    stop, safe = heights["stop_loop"], heights["interlock"]
    joint(axes, 7.6, stop)
    joint(axes, 5.0, stop)
    joint(axes, 5.0, safe)
    wire(axes, (5.0, stop), (5.0, safe))
    axes.add_patch(Rectangle((4.87, safe - 0.5), 0.26, 0.38, facecolor="white", edgecolor="black", zorder=3))
    axes.text(5.25, (stop + safe) / 2, "10 kΩ", fontsize=8, va="center")
    pin(axes, supply, "3V3 OUT")
    wire(axes, (PICO_RIGHT, supply), (7.6, supply), (7.6, stop))
    axes.add_patch(Rectangle((7.47, stop + 0.12), 0.26, 0.38, facecolor="white", edgecolor="black", zorder=3))
    axes.text(7.85, stop + 0.31, "1 kΩ", fontsize=8, va="center")
    axes.figure.savefig(PICTURES / "witness-wiring.png", dpi=110)  # type: ignore[union-attr]


if __name__ == "__main__":
    facts = load_board("pico")["pins"]
    witness(wires(load_board("pico"))[0])
    bare(facts)
    bench(facts)

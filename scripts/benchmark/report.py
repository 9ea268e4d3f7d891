"""The table and the picture of what `make bench` has measured. `python -m benchmark.report` puts them into docs/."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marks
from benchmark import awake
from benchmark.catalogue import LOADS, METHODS, OURS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "benchmark.md"
PICTURE = ROOT / "docs" / "pictures" / "bench.png"
AWAKE_PICTURE = ROOT / "docs" / "pictures" / "bench-awake.png"
MARKS = ("<!-- bench: begin -->", "<!-- bench: end -->")
CYCLE_NS = 8  # nothing smaller can be seen; what divides by 0 divides by this instead

Data = dict[str, Any]

TITLES = {method.name: method.title for method in METHODS}
COLUMNS = (
    "Method", "Load", "Width error", "A − B", "Gap error", "Period error", "Period SD", "Pulses seen / asked",
    "Emergency stop", "Program dead: off after", "CPU taken", "Bytes a pulse",
)  # fmt: skip
# What is divided in the second table and drawn: the key, its name, and what one unit of it is in ns.
COMPARED = (
    ("width_error_ns_max", "Width error", 1),
    ("ab_difference_ns_max", "A − B", 1),
    ("gap_error_ns_max", "Gap error", 1),
    ("period_error_ns_max", "Period error", 1),
    ("estop_us_max", "Emergency stop", 1_000),
)
WAYS = ("polled", "soft", "hard", "guard")


def duration(ns: float | None) -> str:
    """A time for people: three digits, and 0 only when it is 0."""
    if ns is None:
        return "-"
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 100 * size else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns" if ns else "0"


def markdown(data: Data) -> str:
    """All tables, with the conditions under which they were measured."""
    return (
        "\n".join([*_all(data), "", *_ways(data), "", *_ratios(data), "", *_sessions(data), "", *_conditions(data)])
        + "\n"
    )


def _row(cells: Iterator[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _named(name: str) -> str:
    return f"**{TITLES[name]}**" if name == OURS else TITLES[name]


def _all(data: Data) -> list[str]:
    lines = [_row(COLUMNS), _row(("---",) * len(COLUMNS))]
    watched_ms = data["conditions"]["watched_after_death_ms"]
    for name, loads in data["methods"].items():
        for load in LOADS:
            found = loads[load]
            off_ms = found["off_after_death_ms"]
            lines.append(
                _row((
                    _named(name),
                    load,
                    duration(found["width_error_ns_max"]),
                    duration(found["ab_difference_ns_max"]),
                    duration(found["gap_error_ns_max"]),
                    duration(found["period_error_ns_max"]),
                    duration(found["period_ns_sd"]),
                    f"{found['pulses_seen']} / {found['pulses_asked']}",
                    f"{duration(1_000 * found['estop_us_max'])} ({found['estop_way']})",
                    "never" if off_ms >= watched_ms else f"{off_ms:.0f} ms",
                    f"{found['cpu_percent']:g} %",
                    f"{found['bytes_per_pulse']:g}",
                ))
            )  # fmt: skip
    return lines


def _ways(data: Data) -> list[str]:
    lines = ["Emergency stop, worst of both loads, by how the program hears of it:", ""]
    lines += [_row(("Method", "polled in the main loop", "soft Pin.irq", "hard Pin.irq", "guard")), _row(("---",) * 5)]
    for name, loads in data["methods"].items():
        cells = [_named(name)]
        for way in WAYS:
            took = [loads[load]["estop_us_max_of_each_way"].get(way) for load in LOADS]
            cells.append(duration(None if None in took else 1_000 * max(took)))
        lines.append(_row(tuple(cells)))
    return lines


def worst_ns(data: Data, name: str, key: str, unit_ns: int) -> float:
    """The worst of both loads, in ns."""
    found = [data["methods"][name][load][key] for load in LOADS]
    return float(max(unit_ns * value for value in found if value is not None))


def ratio(data: Data, name: str, key: str, unit_ns: int) -> float:
    """How many times ours, worst against worst; less than a cycle counts as one."""
    theirs, ours = (max(CYCLE_NS, worst_ns(data, each, key, unit_ns)) for each in (name, OURS))
    return theirs / ours


def _ratios(data: Data) -> list[str]:
    lines = [f"Times ours, worst of both loads (0 is counted as one cycle, {CYCLE_NS} ns):", ""]
    lines += [_row(("Method", *(title for _, title, _ in COMPARED))), _row(("---",) * (1 + len(COMPARED)))]
    for name in data["methods"]:
        if name != OURS:
            cells = (f"{ratio(data, name, key, unit_ns):,.0f}" for key, _, unit_ns in COMPARED)
            lines.append(_row((TITLES[name], *cells)))
    return lines


def _sessions(data: Data) -> list[str]:
    lines = ["The whole firmware in the usual sessions, on the chip as it is and on ones with a slower CPU:", ""]
    columns = ("Session", "CPU awake", f"Fails first at (of {', '.join(f'{f:g}' for f in awake.FACTORS)})", "How")
    lines += [_row(columns), _row(("---",) * len(columns))]
    for name, usual in {**awake.USUAL, **awake.FASTEST}.items():
        share, factor = data["awake_percent"].get(name), data["cpu_factor"][name]
        lines.append(
            _row((
                usual.title,
                "-" if share is None else f"{share:.1f} %",
                "none" if factor is None else f"{factor:g}",
                data["cpu_factor_failed"][name].replace("|", "/") or "-",
            ))
        )  # fmt: skip
    return lines


def _conditions(data: Data) -> list[str]:
    conditions = data["conditions"]
    pulse = conditions["pulse"]
    shape = "/".join(f"{pulse[key] / 1000:g}" for key in ("width_ns", "gap_ns", "width_ns"))
    both = data["both_channels"]
    return [
        f"The generator alone, both channels at {both['rate_hz']} Hz, "
        f"takes {both['cpu_percent']:g} % of the CPU (idle).",
        "",
        f"Pulse {shape} µs at {1e9 / pulse['period_ns']:g} Hz. {conditions['emulator']}; "
        f"MicroPython {conditions['micropython']}; "
        f"{conditions['pulses_seen']} pulses in {conditions['simulated_s']:g} simulated seconds.",
        "",
        "What the emulator cannot tell:",
        "",
        *(f"- {each}" for each in conditions["cannot_tell"]),
    ]


def summary(data: Data) -> list[str]:
    """A few lines for the end of a run."""
    worst = {title: worst_ns(data, OURS, key, unit_ns) for key, title, unit_ns in COMPARED}
    lines = ["OpenNMES, worst case: " + ", ".join(f"{title.lower()} {duration(ns)}" for title, ns in worst.items())]
    hard = min(
        max(loads[load]["estop_us_max_of_each_way"]["hard"] for load in LOADS)
        for loads in data["methods"].values()
        if "hard" in loads["idle"]["estop_us_max_of_each_way"]
    )
    ours = worst_ns(data, OURS, "estop_us_max", 1_000)
    lines.append(f"the quickest hard interrupt in Python stops in {hard:g} µs, {1_000 * hard / ours:.0f} times as long")
    return lines


def draw(data: Data, path: Path) -> None:
    """The worst cases of every method side by side."""
    from matplotlib.lines import Line2D

    from opennmes.plots.draw import BLUE, GREY, VERMILION, clean, new_figure, save

    names = list(reversed(data["methods"]))
    pulse = data["conditions"]["pulse"]
    shape = "/".join(f"{pulse[key] / 1000:g}" for key in ("width_ns", "gap_ns", "width_ns"))
    figure = new_figure(
        "How far from the pulse that was asked for, at worst",
        f"{shape} µs at {1e9 / pulse['period_ns']:g} Hz on the emulated RP2040. "
        "Further left is better; each line is ten times the one before.\n"
        "Idle: the main program counts. Loaded: it draws a picture, prints over USB and collects garbage. "
        f"Shaded, 0: not even one cycle ({CYCLE_NS} ns).\n"
        "Stop: the hardware guard for OpenNMES; for the others a hard pin interrupt in Python, the quickest they have.",
        15,
        5.6,
    )  # fmt: skip
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    titles = (
        "Width of a phase:\nworst error", "Phase A against B:\nworst difference", "Gap between them:\nworst error",
        "Period:\nworst error", "Emergency stop:\nslowest, input to enable low",
    )  # fmt: skip
    zero = CYCLE_NS / 4
    for axes, (key, _, unit_ns), title in zip(panels, COMPARED, titles, strict=True):
        clean(axes, title, "", "")
        axes.set_xscale("log")
        axes.set_xlim(zero / 2, 1e8)
        axes.axvspan(zero / 2, CYCLE_NS / 2, color="#eef3f8", zorder=0)
        axes.minorticks_off()
        axes.set_xticks([zero, *(10**n for n in range(1, 9))], ["0", "", "100 ns", "", "10 µs", "", "1 ms", "", ""])
        axes.tick_params(axis="x", labelsize=9)
        for row, name in enumerate(names):
            values = [unit_ns * (data["methods"][name][load][key] or 0) for load in LOADS]
            shown = [max(zero, value) for value in values]
            color = BLUE if name == OURS else VERMILION
            axes.plot(shown, [row, row], color=color, linewidth=1.2, alpha=0.6)
            axes.plot(shown[0], row, "o", color=color, markerfacecolor="white", markersize=8, zorder=3)
            axes.plot(shown[1], row, "o", color=color, markersize=5, zorder=4)
            beside = max(shown) < 1e6
            axes.annotate(
                duration(max(values)), (max(shown), row), (8, 0) if beside else (0, 6), textcoords="offset points",
                va="center" if beside else "bottom", ha="left" if beside else "center", fontsize=8, color=GREY,
            )  # fmt: skip
        axes.set_ylim(-0.6, len(names) - 0.4)
    panels[0].set_yticks(range(len(names)), [TITLES[name] for name in names])
    for label, name in zip(panels[0].get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == OURS else "normal")
    handles = [
        Line2D([], [], marker="o", linestyle="", color=GREY, markerfacecolor="white", markersize=8, label="idle"),
        Line2D([], [], marker="o", linestyle="", color=GREY, markersize=5, label="loaded"),
    ]
    panels[-1].legend(handles=handles, loc="upper left", bbox_to_anchor=(0.02, 0.99), fontsize=9)
    save(figure, path)


def draw_sessions(data: Data, path: Path) -> None:
    """The share of the time that the CPU is awake, and how slow it may be, session by session."""
    from opennmes.plots.draw import BLUE, GREY, VERMILION, clean, new_figure, save

    every = dict(reversed({**awake.USUAL, **awake.FASTEST}.items()))
    figure = new_figure(
        "How much of the CPU the firmware takes, and how slow it may be",
        "The whole firmware on the emulated RP2040 at 125 MHz, with its host at the USB link.\n"
        "On the right each instruction takes so many times as long. "
        "A cross: the first factor at which the session failed. A dot: it failed at none.",
        11,
        4.6,
    )
    shares, factors = figure.subplots(1, 2, sharey=True)
    clean(shares, "CPU awake, % of the time", "", "")
    clean(factors, "Slower CPU: first factor that fails", "", "")
    shares.set_xlim(0, 100)
    factors.set_xlim(0.9, awake.FACTORS[-1] + 0.2)
    factors.set_xticks([1, *awake.FACTORS], [f"{factor:g}" for factor in (1, *awake.FACTORS)])
    for row, name in enumerate(every):
        share, factor = data["awake_percent"].get(name), data["cpu_factor"][name]
        if share is not None:
            shares.barh(row, share, height=0.5, color=BLUE)
        said = "not measured" if share is None else f"{share:.1f} %"
        shares.annotate(
            said, (share or 0, row), (5, 0), textcoords="offset points", va="center", fontsize=9, color=GREY
        )
        end = factor or awake.FACTORS[-1]
        color = VERMILION if factor else BLUE
        factors.plot([1, end], [row, row], color=color, linewidth=1.2, alpha=0.6)
        factors.plot(end, row, "X" if factor else "o", color=color, markersize=8)
    shares.set_ylim(-0.6, len(every) - 0.4)
    shares.set_yticks(range(len(every)), [usual.title for usual in every.values()])
    save(figure, path)


def write(data: Data, folder: Path) -> None:
    """bench.md, bench.png and bench-awake.png."""
    (folder / "bench.md").write_text(markdown(data))
    draw(data, folder / "bench.png")
    draw_sessions(data, folder / "bench-awake.png")


def main() -> int:
    build = ROOT / "build"
    data: Data = json.loads((build / "bench.json").read_text())
    write(data, build)
    DOCUMENT.write_text(marks.put(DOCUMENT.read_text(), MARKS, markdown(data)))
    shutil.copyfile(build / "bench.png", PICTURE)
    shutil.copyfile(build / "bench-awake.png", AWAKE_PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: measures every method idle and loaded on the emulated chip; writes build/bench.json, .md and .png.

The emulated chip is slow: a simulated second takes half a minute. Each method is a process of its own, two at a time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark import awake, chip, report, session
from benchmark.catalogue import BASELINE, BOTH, BOTH_PERIOD_NS, LOADS, METHODS, NOTHING, OURS, Asked
from benchmark.figures import Figures, worse
from opennmes.emulator.pico import BenchError
from opennmes.ports.emulator import find_uf2

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build"
SESSION = "session"
AWAKE, SLOWER = "awake", "slower"  # before the name of one of awake.USUAL, or awake.FASTEST
EDGES = (
    "width_error_ns_max", "ab_difference_ns_max", "gap_error_ns_max", "period_error_ns_max", "period_ns_sd",
    "pulses_asked", "pulses_seen",
)  # fmt: skip
CANNOT_TELL = (
    "Flash cache misses and their waits: Python that runs from flash is slower and less regular on silicon.",
    "Cycles of entering and leaving an exception: interrupts answer a fraction of a microsecond later on silicon.",
    "The second core, and what its bus accesses would delay.",
    "Anything analogue: edges, drivers, the output stage, supply and crystal. The clock is an ideal one of 125 MHz.",
    "What a width between two cycles would be: the emulator's PIO moves on the grid of 8 ns.",
)

Key = tuple[str, str]  # method, load
console = Console(highlight=False)


def measure_all(uf2: Path, asked: Asked, jobs: int) -> dict[Key, Figures]:
    """Runs everything, `jobs` at a time. Raises what a run raises."""
    begin = time.monotonic()
    found: dict[Key, Figures] = {}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        waiting: dict[Future[Figures], Key] = {pool.submit(session.run, uf2, asked): (OURS, SESSION)}
        for name, usual in {**awake.USUAL, **awake.FASTEST}.items():
            waiting[pool.submit(awake.slower, uf2, usual)] = SLOWER, name
        for name, usual in awake.USUAL.items():
            waiting[pool.submit(awake.run, uf2, usual)] = AWAKE, name
        both = Asked(period_ns=BOTH_PERIOD_NS)
        waiting[pool.submit(chip.run, uf2, BOTH, "idle", both)] = BOTH.name, "idle"
        for method in (NOTHING, *METHODS):
            for load in LOADS:
                waiting[pool.submit(chip.run, uf2, method, load, asked)] = method.name, load
        try:
            for done in as_completed(waiting):
                key = waiting[done]
                found[key] = done.result()
                now_s = time.monotonic() - begin
                simulated_s, wall_s = found[key]["simulated_s"], found[key]["wall_s"]
                console.print(
                    f"[green]done[/] {len(found):2}/{len(waiting)}  {' '.join(key):24} "
                    f"{simulated_s:.2f} s simulated in {wall_s:.0f} s, {now_s:.0f} s so far",
                    soft_wrap=True,
                )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def figures_of(run: Figures, baseline: Figures, idle: Figures, idle_baseline: Figures, asked: Asked) -> Figures:
    """One entry of bench.json, from a run and the same main program without pulses."""
    stops_us = {way: round(max(took) / 1_000, 3) for way, took in run["stops_ns"].items()}
    quickest = min(stops_us, key=lambda way: stops_us[way])
    bytes_a_pulse = (idle["bytes"] - idle_baseline["bytes"]) * asked.period_ns / (idle["bytes_over_us"] * 1_000)
    return {
        **{name: run[name] for name in EDGES},
        "estop_us_max": stops_us[quickest],
        "estop_way": quickest,
        "estop_us_max_of_each_way": stops_us,
        "estop_trials": len(run["stops_ns"][quickest]),
        "off_after_death_ms": round(run["off_ns"] / 1e6, 3),
        "cpu_percent": cpu_percent(run, baseline),
        "bytes_per_pulse": round(max(0.0, bytes_a_pulse), 1),
        "simulated_s": round(run["simulated_s"], 3),
    }


def cpu_percent(run: Figures, baseline: Figures) -> float:
    """What the pulses took of the CPU: the same work of the main program took this much longer."""
    return max(0.0, round(100 * (1 - float(baseline["rounds_us"]) / float(run["rounds_us"])), 1))


def assemble(found: dict[Key, Figures], asked: Asked, uf2: Path, wall_s: float) -> dict[str, Any]:
    """The contents of bench.json."""
    methods: dict[str, dict[str, Figures]] = {}
    for method in METHODS:
        methods[method.name] = {
            load: figures_of(
                found[method.name, load],
                found[BASELINE, load],
                found[method.name, "idle"],
                found[BASELINE, "idle"],
                asked,
            )
            for load in LOADS
        }
    both = found[BOTH.name, "idle"]
    return {
        "methods": with_session(methods, found[OURS, SESSION]),
        "both_channels": {
            "rate_hz": round(1e9 / BOTH_PERIOD_NS),
            "cpu_percent": cpu_percent(both, found[BASELINE, "idle"]),
            **{name: both[name] for name in EDGES},
        },
        **sessions(found),
        "conditions": conditions(found, asked, uf2, wall_s),
    }


def sessions(found: dict[Key, Figures]) -> dict[str, dict[str, Any]]:
    """How long the CPU was awake in each of the usual sessions, and how slow it may be.

    Raises BenchError when one of them fails on the CPU as it is: its share would be that of something else.
    """
    for name in awake.USUAL:
        if failed := found[AWAKE, name]["failed"]:
            raise BenchError(f"the session {name} failed: {failed}")
    every = {**awake.USUAL, **awake.FASTEST}
    return {
        "awake_percent": {name: found[AWAKE, name]["awake_percent"] for name in awake.USUAL},
        "cpu_factor": {name: found[SLOWER, name]["cpu_factor"] for name in every},
        "cpu_factor_failed": {name: found[SLOWER, name]["failed"] for name in every},
    }


def with_session(methods: dict[str, dict[str, Figures]], run: Figures) -> dict[str, dict[str, Figures]]:
    """The session of the firmware counts as ours, idle: the worse of the two runs."""
    idle = methods[OURS]["idle"]
    idle.update(worse({name: idle[name] for name in EDGES}, {name: run[name] for name in EDGES}))
    stop_us = round(max(run["stops_ns"]["guard"]) / 1_000, 3)
    idle["estop_us_max"] = idle["estop_us_max_of_each_way"]["guard"] = max(idle["estop_us_max"], stop_us)
    idle["estop_trials"] += len(run["stops_ns"]["guard"])
    idle["session_pulses_seen"] = run["pulses_seen"]
    return methods


def conditions(found: dict[Key, Figures], asked: Asked, uf2: Path, wall_s: float) -> dict[str, Any]:
    return {
        "pulse": {"width_ns": asked.width_ns, "gap_ns": asked.gap_ns, "period_ns": asked.period_ns},
        "emulator": f"rp2040py {version('rp2040py')}, exact driver (opennmes.emulator.exact), 125 MHz",
        "micropython": str(found[BASELINE, "idle"]["micropython"]),
        "uf2": uf2.resolve().parent.name,
        "simulated_s": round(sum(run["simulated_s"] for run in found.values()), 2),
        "pulses_seen": sum(run.get("pulses_seen", 0) for run in found.values()),
        "wall_s": round(wall_s, 1),
        "emergency_stop": {"instants_of_a_period_us": list(chip.STOP_AT_US), "longest_wait_ms": 60},
        "watched_after_death_ms": chip.DEATH_NANOS // 1_000_000,
        "cannot_tell": list(CANNOT_TELL),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    options = parser.parse_args()
    asked = Asked()
    begin = time.monotonic()
    uf2 = find_uf2(None)
    console.print(f"{len(METHODS)} methods, idle and loaded, and the usual sessions, on the emulated chip: 5 minutes")
    data = assemble(measure_all(uf2, asked, options.jobs), asked, uf2, time.monotonic() - begin)
    OUT.mkdir(exist_ok=True)
    (OUT / "bench.json").write_text(json.dumps(data, indent=2) + "\n")
    report.write(data, OUT)
    for line in report.summary(data):
        console.print(line, soft_wrap=True)
    console.print(f"all in {time.monotonic() - begin:.0f} s; look at build/bench.md and build/bench.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())

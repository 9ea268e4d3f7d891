"""`make demo` as a whole, and its summary against a reading of pins.vcd that shares nothing with it."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "build" / "demo"


def edges(vcd: str, signal: str) -> list[tuple[int, int]]:
    """The (ns, level) of a one-bit signal, read line by line out of VCD text."""
    code = re.search(rf"\$var wire 1 (\S+) {signal} \$end", vcd)
    assert code, f"{signal} is not in pins.vcd"
    assert re.search(r"\$timescale\s+1\s*ns", vcd)
    found, nanos = [], 0
    for line in vcd.splitlines():
        if line.startswith("#"):
            nanos = int(line[1:])
        elif line in ("0" + code[1], "1" + code[1]) and (not found or found[-1][1] != int(line[0])):
            found.append((nanos, int(line[0])))
    return found


def highs(vcd: str, signal: str) -> list[tuple[int, int]]:
    return [(rise, fall) for (rise, level), (fall, _) in pairwise(edges(vcd, signal)) if level]


def shown_in_readme() -> list[str]:
    """The lines of the demo's output that README shows."""
    (text,) = re.findall(r"^```text\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if line.strip() != "…"]
    assert len(lines) > 10
    return lines


def test_the_demo_says_what_is_in_pins_vcd(uf2: Path) -> None:
    demo = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        capture_output=True, text=True, env={**os.environ, "NMES_UF2": str(uf2)},
    )  # fmt: skip
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert [line for line in shown_in_readme() if line not in demo.stdout.splitlines()] == []
    summary = json.loads((DEMO / "summary.json").read_text())
    vcd = (DEMO / "pins.vcd").read_text()
    a, b = highs(vcd, "ch0_a"), highs(vcd, "ch0_b")
    periods = [later - sooner for (sooner, _), (later, _) in pairwise(a)]
    channel = summary["channels"]["ch0"]
    delivered = channel["delivered"]
    assert delivered["pulses"] == len(a) == len(b) >= 30
    assert delivered["width_us"] * 1000 == statistics.fmean(fall - rise for rise, fall in a)
    assert delivered["gap_us"] * 1000 == statistics.fmean(
        rise - fall for (_, fall), (rise, _) in zip(a, b, strict=True)
    )
    assert delivered["period_us"] * 1000 == statistics.fmean(periods)
    assert channel["jitter_ns_sd"] == statistics.pstdev(periods) == 0
    widths = [(a_fall - a_rise, b_fall - b_rise) for (a_rise, a_fall), (b_rise, b_fall) in zip(a, b, strict=True)]
    assert channel["ab_difference_ns"] == max(abs(one - other) for one, other in widths) == 0
    asked = channel["asked"]
    assert {key: asked[key] for key in ("pulses", "width_us", "gap_us", "period_us")} == {
        key: delivered[key] for key in ("pulses", "width_us", "gap_us", "period_us")
    }
    assert channel["net_charge_nc"] == 0 and channel["current_ma"] == asked["current_ma"]
    # While the enable was low nothing moved, nor in the self-test, which makes the guard take it away again and again.
    *tested, (on, off) = highs(vcd, "enable")
    assert on <= a[0][0] and b[-1][1] <= off
    assert len(tested) == 8 and all(fall - rise < 3_000_000 for rise, fall in tested)
    for side in ("host", "device"):
        assert "rms_current_density" in {reason["code"] for reason in summary["refused"][side]}
    assert summary["session"]["asked"]["pulses"] == summary["session"]["delivered"]["pulses"]
    for picture in ("waveform.png", "session.png"):
        assert (DEMO / picture).stat().st_size > 20_000

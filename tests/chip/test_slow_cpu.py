"""A chip whose CPU takes 1.7 times as long for everything, from power-on: it misses nothing. At 2.5 times nothing
unsafe comes of it, and what fails says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sessions import DENSE, PHASE, Bench, delivered, intervals_us
from starting import begin

from nmes.core import faults
from nmes.core.session import FAULT, IDLE, RUNNING
from opennmes.measure import pulses as measure

SLOW, TOO_SLOW = 1.7, 2.5
BOTH = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 3_100}]


@pytest.fixture(scope="module")
def slow(powered: Callable[..., Bench]) -> Bench:
    return powered(cpu_factor=SLOW)


@pytest.fixture(scope="module")
def too_slow(powered: Callable[..., Bench]) -> Bench:
    return powered(cpu_factor=TOO_SLOW)


def exact(found: dict[int, list[Any]], width_us: int, interval_us: int) -> None:
    for pulses in found.values():
        assert {(p.width_a_ns, p.width_b_ns) for p in pulses} == {(1000 * width_us, 1000 * width_us)}
        assert set(intervals_us(pulses)) <= {interval_us}


@pytest.mark.parametrize(
    ("rate_mhz", "width_us", "seconds", "channels"),
    [
        (500, 100, 2.3, None),
        (500, 100, 2.3, BOTH),
        (35_000, 1_000, 0.5, BOTH),
        (100_000, 250, 1.0, BOTH),
        (150_000, 14, 1.0, BOTH),
        (500_000, 100, 0.6, None),
    ],
)
def test_every_rate_at_the_ends_of_the_ranges(
    slow: Bench, rate_mhz: int, width_us: int, seconds: float, channels: list[dict[str, Any]] | None
) -> None:
    found = delivered(slow, channels, seconds, 500, rate_mhz=rate_mhz, width_us=width_us)
    exact(found, width_us, 10**9 // rate_mhz if 10**9 % rate_mhz == 0 else round(10**9 / rate_mhz))


def test_a_host_that_asks_all_the_time(slow: Bench) -> None:
    exact(delivered(slow, BOTH, 0.8, 500, True, rate_mhz=150_000), 100, 6_667)


def test_a_host_that_asks_all_the_time_at_500_hz(slow: Bench) -> None:
    exact(delivered(slow, None, 0.5, 500, True, rate_mhz=500_000), 100, 2_000)


def test_trains_with_ramps(slow: Bench) -> None:
    phase = {"rate_mhz": 150_000, "ramp_up_ms": 150, "ramp_down_ms": 150, "work_ms": 400, "rest_ms": 200}
    found = delivered(slow, BOTH, 1.3, 1_000, **phase)
    currents = {p.current_a_ua for p in found[0]}
    assert len(currents) == 11, "every step of 0.1 mA up to 1 mA, and zero"


def test_a_sweep_on_both_channels(slow: Bench) -> None:
    sweep = {"change": "sweep", "change_ms": 200, "rate_to_mhz": 150_000, "width_to_us": 300}
    found = delivered(slow, BOTH, 0.8, 500, rate_mhz=40_000, **sweep)
    assert len({p.width_a_ns for p in found[1]}) > 20


def test_bursts_on_both_channels(slow: Bench) -> None:
    found = delivered(slow, BOTH, 0.6, 500, rate_mhz=150_000, burst_pulses=5, burst_rate_mhz=20_000)
    assert set(intervals_us(found[1])) == {6_667, 50_000 - 4 * 6_667}


def test_pause_adjust_and_stop_are_carried_out_at_once(slow: Bench) -> None:
    device = slow.device
    begin(device, {**DENSE, "electrode": {"kind": "dummy", "area_mm2": 1_000}, "channels": BOTH})
    device.wait(0.2)
    device.adjust(100_000, 200, 1)
    device.wait(0.2)
    device.pause()
    paused_ns = slow.pico.nanos
    device.wait(0.2)
    assert slow.moved(paused_ns) == []
    device.start()
    device.wait(0.2)
    asked_ns = slow.pico.nanos
    device.stop()
    device.wait(0.2)
    status = device.status()
    assert (status["state"], status["fault"], status["underruns"]) == (IDLE, 0, 0), status["fault_text"]
    trace = slow.stage.finish()
    for channel in (0, 1):
        found = measure.pulses(trace, channel)
        assert status["channels"][channel]["delivered"] == len(found)
        # What a stop may take (docs/safety.md): what is queued, a turn and the pulse that runs.
        assert found[-1].start_nanos < asked_ns + 150e6
    assert set(intervals_us(measure.pulses(trace, 1))) >= {6_667, 10_000}


def test_a_session_of_a_slow_chip_ends_by_itself_in_order(slow: Bench) -> None:
    data = {
        "title": "short",
        "effect": "sensory",
        "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000,
        "phases": [PHASE | {"rate_mhz": 100_000, "duration_ms": 1_000}],
        "channels": BOTH,
    }
    begin(slow.device, data)
    slow.device.wait(1.2)
    status = slow.device.status()
    assert (status["state"], status["ended"], status["fault"], status["underruns"]) == (IDLE, "completed", 0, 0)
    assert [row["delivered"] for row in status["channels"]] == [100, 100]


@pytest.mark.parametrize(
    ("rate_mhz", "channels", "asking"), [(150_000, BOTH, False), (500_000, None, False), (100_000, BOTH, True)]
)
def test_on_a_chip_that_is_too_slow_nothing_unsafe_comes_and_what_fails_says_so(
    too_slow: Bench, rate_mhz: int, channels: list[dict[str, Any]] | None, asking: bool
) -> None:
    device = too_slow.device
    data = {
        "title": "fast",
        "effect": "sensory",
        "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000,
        "phases": [PHASE | {"rate_mhz": rate_mhz}],
    }
    if channels:
        data["channels"] = channels
    begin(device, data)
    until_s = too_slow.port.now_s() + 0.8
    while too_slow.port.now_s() < until_s:
        if asking:
            device.status()
        else:
            device.wait(0.1)
    status = device.status()
    if status["state"] == FAULT:
        assert status["fault_text"] and faults.name(status["fault"]) in ("loop_late", "clock_wrong", "lease_lost")
        assert not too_slow.stage.finish().value_at("enable", too_slow.pico.nanos)
    else:
        assert status["state"] == RUNNING
    ended_ns = too_slow.pico.nanos
    device.stop()
    device.wait(0.3)
    assert too_slow.moved(ended_ns + 150_000_000) == []
    trace = too_slow.stage.finish()
    for channel in range(2 if channels else 1):
        found = measure.pulses(trace, channel)
        assert {(p.width_a_ns, p.width_b_ns) for p in found} == {(100_000, 100_000)}
        assert measure.overlaps(trace, channel) == 0
        assert min(intervals_us(found)) >= 10**9 // rate_mhz, "late maybe, never too close"

"""Trains on the emulated Pico, as it is flashed: two channels, unequal phases, changes from pulse to pulse."""

from __future__ import annotations

import pytest
from sessions import PHASE, Bench, delivered, intervals_us
from starting import begin

from opennmes.device.client import DeviceRefused
from opennmes.measure import pulses as measure


@pytest.mark.parametrize("delay_us", [0, 1, 2_500, 30_000])
def test_two_channels_keep_their_distance_to_the_cycle(bench: Bench, delay_us: int) -> None:
    rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": delay_us}]
    found = delivered(bench, rows)
    distances = {b.start_nanos - a.start_nanos for a, b in zip(found[0], found[1], strict=False)}
    assert distances == {delay_us * 1000}
    assert len(found[0]) > 8 and len(found[1]) > 8


def test_the_distance_outlasts_the_rests_and_trains_begin_to_the_cycle(bench: Bench) -> None:
    rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 35_000}]
    found = delivered(bench, rows, seconds=0.3, work_ms=30, rest_ms=40)
    for pulses in found.values():
        assert intervals_us(pulses)[:8] == [10_000, 10_000, 50_000] * 2 + [10_000, 10_000]
    assert {b.start_nanos - a.start_nanos for a, b in zip(found[0], found[1], strict=False)} == {35_000_000}


@pytest.mark.parametrize(("ratio", "width_us"), [(2, 250), (10, 100), (3, 10)])
def test_unequal_phases_have_equal_charge(bench: Bench, ratio: int, width_us: int) -> None:
    ua = 1_000 // (100 * ratio) * 100 * ratio
    found = delivered(bench, seconds=0.2, ua=ua, ratio=ratio, width_us=width_us)[0]
    assert {(p.width_a_ns, p.width_b_ns) for p in found} == {(1000 * width_us, 1000 * ratio * width_us)}
    last = found[-1]
    assert (last.current_a_ua, last.current_b_ua) == (ua, -ua // ratio)


def test_a_sweep_from_pulse_to_pulse(bench: Bench) -> None:
    sweep = {"change": "sweep", "change_ms": 100, "rate_to_mhz": 200_000, "width_to_us": 300}
    found = delivered(bench, seconds=0.25, **sweep)[0]
    begin_us = 0
    for pulse, interval_us in zip(found, intervals_us(found), strict=False):
        t_ms = begin_us // 1000
        if t_ms >= 200:
            break
        x = t_ms if t_ms <= 100 else 200 - t_ms
        rate_mhz = 100_000 + 100_000 * x // 100
        assert (pulse.width_a_ns, pulse.width_b_ns) == (1000 * (100 + 2 * x), 1000 * (100 + 2 * x))
        assert interval_us == (2 * 10**9 + rate_mhz) // (2 * rate_mhz)
        begin_us += int(interval_us)
    assert begin_us > 190_000


def test_bursts(bench: Bench) -> None:
    found = delivered(bench, seconds=0.25, burst_pulses=3, burst_rate_mhz=20_000)[0]
    assert intervals_us(found)[:6] == [10_000, 10_000, 30_000] * 2


@pytest.mark.parametrize(("rate_mhz", "period_us", "seconds"), [(500_000, 2_000, 0.15), (500, 2_000_000, 2.3)])
def test_the_fastest_and_the_slowest_rate(bench: Bench, rate_mhz: int, period_us: int, seconds: float) -> None:
    found = delivered(bench, seconds=seconds, rate_mhz=rate_mhz)[0]
    assert len(found) >= 2
    assert set(intervals_us(found)) == {period_us}


def test_both_channels_at_150_hz_are_fed_while_the_host_asks_for_status_all_the_time(bench: Bench) -> None:
    rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 1_000}]
    found = delivered(bench, rows, seconds=0.25, asking=True, rate_mhz=150_000)
    assert all(set(intervals_us(pulses)) == {6_667} and len(pulses) > 30 for pulses in found.values())


def test_a_pause_keeps_the_distance(bench: Bench) -> None:
    data = {
        "title": "bench", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000, "phases": [PHASE],
        "channels": [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 3_333}],
    }  # fmt: skip
    device = bench.device
    begin(device, data)
    device.wait(0.05)
    device.request("pause")
    device.start()
    device.wait(0.08)
    device.stop()
    trace = bench.stage.finish()
    first, second = measure.pulses(trace, 0), measure.pulses(trace, 1)
    assert len(first) > 8
    # The pause cut one of the channels off before the other, by no more than a pulse; then it goes on as it was.
    assert second[-1].start_nanos - first[-1].start_nanos in (3_333_000, 3_333_000 - 10_000_000)


def test_rate_and_width_change_between_two_pulses(bench: Bench) -> None:
    wide = PHASE | {"name": "wide", "width_us": 300}  # guard and sampler are made ready for all phases
    data = {
        "title": "bench", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000, "phases": [PHASE, wide],
    }  # fmt: skip
    device = bench.device
    begin(device, data)
    wanted = [(100_000, 100), (150_000, 250), (60_000, 100)]
    first = [0]
    for rate_mhz, width_us in wanted[1:]:
        device.wait(0.05)
        first.append(device.adjust(rate_mhz, width_us)["from_pulse"])
        with pytest.raises(DeviceRefused) as refused:  # and nothing of it is seen
            device.adjust(200_000, 301)
        assert [reason["code"] for reason in refused.value.reasons] == ["wider_than_guarded"]
    device.wait(0.1)
    device.stop()
    status = device.status()
    assert (status["fault"], status["underruns"]) == (0, 0), status["fault_text"]
    trace = bench.stage.finish()
    found = measure.pulses(trace, 0)
    assert status["delivered"] == status["queued"] - status["cancelled"] == len(found)
    assert measure.overlaps(trace, 0) == 0
    at = [max(i for i, begin in enumerate(first) if begin <= n) for n in range(len(found))]
    assert set(at) == {0, 1, 2} and min(map(at.count, at)) > 3
    # The last pulse of each is followed by its own interval.
    periods_us = [10_000, 6_667, 16_667]
    assert intervals_us(found) == [periods_us[i] for i in at[:-1]]
    assert [(p.width_a_ns, p.width_b_ns) for p in found] == [(1000 * wanted[i][1],) * 2 for i in at]


def test_a_slow_phase_whose_last_interval_does_not_fit_and_then_another(bench: Bench) -> None:
    # 1.5 Hz for a second: after a second pulse the interval would reach a third of a second into the next phase.
    slow, fast = ({**PHASE, "name": f"{mhz} mHz", "rate_mhz": mhz, "duration_ms": 1_000} for mhz in (1_500, 20_000))
    data = {"title": "two", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 1_000}}
    device = bench.device
    loaded = begin(device, {**data, "max_current_ua": 20_000, "phases": [slow, fast]})
    device.wait(2.1)
    status = device.status()
    assert (status["state"], status["ended"], status["underruns"]) == ("IDLE", "completed", 0), status["fault_text"]
    found = measure.pulses(bench.stage.finish(), 0)
    assert len(found) == status["delivered"] == loaded["pulses"] == 1 + 20
    assert intervals_us(found) == [1_000_000] + 19 * [50_000]

"""Traces and what is worked out from them, on traces made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from opennmes.measure.pulses import overlaps, pulses, summary
from opennmes.measure.trace import Trace, read_vcd


def quiet() -> Trace:
    """One channel at rest, enabled."""
    trace = Trace()
    for signal, value in (("enable", 1), ("ch0_a", 0), ("ch0_b", 0), ("ch0_current_ua", 0)):
        trace.add(0, signal, value)
    return trace


def phase(trace: Trace, name: str, start: int, end: int, current_ua: int) -> None:
    trace.add(start, f"ch0_{name}", 1)
    trace.add(start, "ch0_current_ua", current_ua)
    trace.add(end, f"ch0_{name}", 0)
    trace.add(end, "ch0_current_ua", 0)


def train(starts: list[int], width_b: int = 250_000) -> Trace:
    """Pulses of 250/50/250 us at 20 mA, and 2 ms after the last."""
    trace = quiet()
    for start in starts:
        phase(trace, "a", start, start + 250_000, 20_000)
        phase(trace, "b", start + 300_000, start + 300_000 + width_b, -20_000)
    trace.end_nanos += 2_000_000
    return trace


def test_a_balanced_train() -> None:
    figures = summary(train([n * 20_000_000 for n in range(1, 6)]), 0)
    assert figures == {
        "pulses": 5,
        "width_us": 250,
        "gap_us": 50,
        "period_us": 20_000,
        "jitter_ns_sd": 0,
        "ab_difference_ns": 0,
        "net_charge_nc": 0,
        "charge_a_nc": 5_000,
        "charge_b_nc": -5_000,
        "current_ma": 20,
        "overlaps": 0,
    }


def test_a_pulse_in_full() -> None:
    (pulse,) = pulses(train([1_000], width_b=240_008), 0)
    assert (pulse.start_nanos, pulse.width_a_ns, pulse.gap_ns, pulse.width_b_ns) == (1_000, 250_000, 50_000, 240_008)
    assert (pulse.current_a_ua, pulse.current_b_ua) == (20_000, -20_000)
    assert pulse.charge_a_nc + pulse.charge_b_nc == pytest.approx(199.84)


def test_imbalance_and_jitter_show() -> None:
    trace = train([0, 20_000_000, 40_000_016, 60_000_016], width_b=249_992)
    figures = summary(trace, 0)
    assert figures["ab_difference_ns"] == 8
    assert figures["net_charge_nc"] == pytest.approx(4 * 0.16)
    assert figures["jitter_ns_sd"] == pytest.approx(16 * 2**0.5 / 3)


def test_the_pause_between_trains_is_no_period() -> None:
    starts = [n * 10_000_000 for n in range(5)] + [2_000_000_000 + n * 10_000_000 for n in range(5)]
    figures = summary(train(starts), 0)
    assert (figures["pulses"], figures["period_us"], figures["jitter_ns_sd"]) == (10, 10_000, 0)


def test_nothing_at_all() -> None:
    for trace in (Trace(), quiet()):
        figures = summary(trace, 0)
        assert pulses(trace, 0) == []
        assert {name for name, value in figures.items() if value == 0} == {"pulses", "net_charge_nc", "overlaps"}
        assert {value for value in figures.values() if value != 0} == {None}


def test_one_pulse_has_no_period() -> None:
    figures = summary(train([5_000]), 0)
    assert (figures["pulses"], figures["period_us"], figures["jitter_ns_sd"]) == (1, None, None)


@pytest.mark.parametrize("cut", [100_000, 250_000, 270_000, 300_000, 400_000])
def test_a_pulse_that_the_trace_ends_in_does_not_count(cut: int) -> None:
    whole = train([0, 10_000_000])
    trace = Trace([row for row in whole.rows if row[0] <= 10_000_000 + cut], 10_000_000 + cut)
    assert summary(trace, 0)["pulses"] == 1


def test_a_missing_phase_stays_visible() -> None:
    trace = quiet()
    phase(trace, "a", 0, 250_000, 20_000)
    phase(trace, "a", 10_000_000, 10_250_000, 20_000)
    phase(trace, "b", 10_300_000, 10_550_000, -20_000)
    phase(trace, "b", 20_000_000, 20_250_000, -20_000)
    phase(trace, "a", 30_000_000, 30_250_000, 20_000)
    trace.end_nanos = 40_000_000
    found = [(pulse.width_a_ns > 0, pulse.width_b_ns > 0) for pulse in pulses(trace, 0)]
    assert found == [(True, False), (True, True), (False, True), (True, False)]
    assert summary(trace, 0)["ab_difference_ns"] == 250_000


def test_phases_without_enable_carry_no_charge() -> None:
    trace = Trace()
    trace.add(0, "enable", 0)
    for nanos, signal, value in ((10, "ch0_a", 1), (260, "ch0_a", 0), (300, "ch0_b", 1), (550, "ch0_b", 0)):
        trace.add(nanos, signal, value)
    figures = summary(trace, 0)
    assert (figures["pulses"], figures["current_ma"], figures["net_charge_nc"]) == (1, 0, 0)


def test_the_charge_is_that_of_the_current_not_of_the_pins() -> None:
    trace = quiet()
    trace.add(0, "ch0_a", 1)
    for nanos, current_ua in ((10_000, 5_000), (20_000, 10_000), (90_000, 3_000), (100_000, 0)):
        trace.add(nanos, "ch0_current_ua", current_ua)
    trace.add(100_000, "ch0_a", 0)
    trace.end_nanos = 5_000_000
    (pulse,) = pulses(trace, 0)
    assert pulse.current_a_ua == 10_000
    assert pulse.charge_a_nc == pytest.approx(50 + 700 + 30)
    assert summary(trace, 0)["net_charge_nc"] == pytest.approx(780)


def test_a_direct_current_counts_to_the_end_of_the_trace() -> None:
    trace = quiet()
    trace.add(1_000_000, "ch0_a", 1)
    trace.add(1_000_000, "ch0_current_ua", -10)
    trace.end_nanos = 1_001_000_000
    assert summary(trace, 0)["net_charge_nc"] == pytest.approx(-10_000)


def test_overlaps_are_counted_but_not_a_change_in_the_same_instant() -> None:
    trace = quiet()
    for nanos, signal, value in (
        (100, "ch0_a", 1), (200, "ch0_b", 1), (208, "ch0_a", 0), (300, "ch0_b", 0),
        (400, "ch0_a", 1), (500, "ch0_b", 1), (500, "ch0_a", 0), (600, "ch0_b", 0),
        (700, "ch0_b", 1), (800, "ch0_a", 1),
    ):  # fmt: skip
        trace.add(nanos, signal, value)
    assert overlaps(trace, 0) == 2
    assert overlaps(trace, 1) == 0


def test_a_trace_does_not_go_back_in_time() -> None:
    trace = quiet()
    trace.add(100, "ch0_a", 1)
    with pytest.raises(ValueError, match="ch0_a at 99 ns"):
        trace.add(99, "ch0_a", 0)


def test_values_between_changes() -> None:
    trace = train([1_000])
    assert [trace.value_at("ch0_a", nanos) for nanos in (0, 999, 1_000, 250_999, 251_000)] == [0, 0, 1, 1, 0]
    assert trace.value_at("ch0_current_ua", 400_000) == -20_000
    assert trace.value_at("ch7_a", 400_000) == 0


def test_a_vcd_file_says_the_same_as_the_trace(tmp_path: Path) -> None:
    trace = train([1_000, 20_000_008])
    trace.write_vcd(tmp_path / "train.vcd")
    back = read_vcd(tmp_path / "train.vcd")
    assert summary(back, 0) == summary(trace, 0)
    assert pulses(back, 0) == pulses(trace, 0)
    assert back.end_nanos == trace.end_nanos
    assert sorted(back.signals()) == sorted(trace.signals())
    for signal in trace.signals():
        assert back.changes(signal) == trace.changes(signal)
    text = (tmp_path / "train.vcd").read_text()
    assert "$timescale 1 ns $end" in text and "$scope module opennmes $end" in text
    assert "$var wire 1 " in text and "ch0_a $end" in text and text.endswith(f"#{trace.end_nanos}\n")


def test_a_vcd_file_of_nothing(tmp_path: Path) -> None:
    Trace().write_vcd(tmp_path / "empty.vcd")
    assert read_vcd(tmp_path / "empty.vcd").rows == []


def test_a_vcd_file_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "other.vcd").write_text(
        "$timescale 10 us $end $scope module top $end $var reg 1 ! ch0_a $end $var real 64 # ch0_current_ua $end "
        "$upscope $end $enddefinitions $end #0 x! r0 # #3 1! r1500.4 # #28 0! r0 #\n"
    )
    trace = read_vcd(tmp_path / "other.vcd")
    assert trace.changes("ch0_a") == [(0, 0), (30_000, 1), (280_000, 0)]
    assert trace.value_at("ch0_current_ua", 30_000) == 1500


def test_what_is_no_vcd_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.vcd").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"noise\.vcd is not a VCD file"):
        read_vcd(tmp_path / "noise.vcd")
    with pytest.raises(OSError):
        read_vcd(tmp_path / "none.vcd")

"""nmes verify: a wrong firmware is never passed, a right one never failed; what cannot be told is unclear."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from captures_for_tests import P, Sampled, pins_of, pulses_of, sampled
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from judged_captures import (
    PHASE,
    PLAIN,
    PPM,
    RATES_HZ,
    SESSIONS,
    TWO,
    WRONG_PULSES,
    WRONG_SAMPLES,
    claim,
    claims,
    judge,
    programme_of,
    right,
    surely_seen_us,
    wrong,
)

from nmes.core import programme
from nmes.core.reason import Refused
from opennmes.measure.claims import FAILED, NOT_CAPTURED, PASSED, UNCLEAR
from opennmes.measure.verify import Report

WRONG = [*WRONG_PULSES, *WRONG_SAMPLES]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "verify.md"
RATE_HZ = 24_000_000
RARELY = settings(suppress_health_check=list(HealthCheck))


# ---- the corpus ----


@functools.cache
def judged(session: str, rate_hz: int, ppm: int, name: str = "") -> Report:
    """What is said of one capture of the corpus."""
    data = SESSIONS[session]
    return judge(wrong(name, data, rate_hz, ppm) if name else right(data, rate_hz, ppm), data)


@pytest.mark.parametrize("ppm", PPM)
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("session", SESSIONS)
def test_a_right_session_passes(session: str, rate_hz: int, ppm: int) -> None:
    report = judged(session, rate_hz, ppm)
    assert report.verdict == PASSED, [each for each in report.claims if each.verdict in (FAILED, UNCLEAR)]
    assert {each.name for each in report.claims if each.verdict == NOT_CAPTURED} == {"ramps", "pump, half a wave"}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_session_is_never_passed(name: str, rate_hz: int) -> None:
    for session in SESSIONS:
        assert judged(session, rate_hz, PPM[1], name).verdict != PASSED


def test_the_confusion_table_of_the_corpus_is_the_one_in_the_documentation() -> None:
    table: Counter[tuple[str, str]] = Counter()
    for session, data in SESSIONS.items():
        for rate_hz in RATES_HZ:
            for ppm in PPM:
                table["right", judged(session, rate_hz, ppm).verdict] += 1
                cut = right(data, rate_hz, ppm, begin=100, end=722_150)
                table["right, begun and ended in a pulse", judge(cut, data, part=True).verdict] += 1
                without = right(data, rate_hz, ppm).without("D1")
                table["right, a signal missing", judge(without, data).verdict] += 1
            for name in WRONG:
                table["wrong", judged(session, rate_hz, PPM[1], name).verdict] += 1
    lines = [
        f"| {what} | {table[what, PASSED]} | {table[what, UNCLEAR]} | {table[what, FAILED]} |"
        for what in dict.fromkeys(what for what, _ in table)
    ]
    assert not table["wrong", PASSED]
    assert not sum(count for (what, verdict), count in table.items() if verdict == FAILED and what != "wrong")
    assert "\n".join(lines) in DOCUMENT.read_text(), "\n".join(lines)


# Each way of being wrong, and the claim that has to say it.
SAID_BY = {
    "a phase A too long": "phase A",
    "a phase A too short": "phase A",
    "a phase B too long": "phase B",
    "a phase B too short": "phase B",
    "a gap too long": "gap",
    "a pulse too late": "period",
    "a pulse missing": "count",
    "a pulse too many": "count",
    "a pulse too many at the end": "count",
    "every period too long": "period",
    "phases swapped": "order: A, then B",
    "B first after a rest": "order: A, then B",
    "no phase B": "order: A, then B",
    "no phase A": "order: A, then B",
    "a sample of B in a rest": "order: A, then B",
    "both phases at once": "overlaps of A and B",
    "a sample of B in A": "overlaps of A and B",
    "a sample of A in a rest": "order: A, then B",
}


@pytest.mark.parametrize("name", SAID_BY)
def test_what_is_wrong_is_said_by_its_own_claim(name: str) -> None:
    report = judge(wrong(name, PLAIN, RATE_HZ, 50), PLAIN)
    found = claim(report, SAID_BY[name])
    assert (found.verdict, bool(found.why)) == (FAILED, True)
    assert report.worst is not None


def test_a_wrong_phase_is_named_with_its_place_and_enlarged() -> None:
    report = judge(wrong("a phase A too long", PLAIN, RATE_HZ, 50), PLAIN)
    found = claim(report, "phase A")
    begin_s = (pulses_of(PLAIN)[15].begin + 20_000) / 1e6
    assert found.at_s == pytest.approx(begin_s, rel=1e-4)
    assert report.worst is not None and report.worst.asked is not None
    assert "1 of 30 wrong" in found.why and "asked 200 us" in found.why


def test_swapped_signals_are_told_by_name() -> None:
    report = judge(wrong("signals swapped", PLAIN, RATE_HZ, 50), PLAIN)
    assert "phase_a_0 and phase_b_0 look swapped" in claim(report, "order: A, then B").why


# ---- properties ----


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    """Programmes with few pulses of every kind."""
    rate_mhz = draw(st.integers(20_000, 150_000))
    fields = {
        **PHASE,
        "rate_mhz": rate_mhz,
        "width_us": draw(st.integers(10, 500)),
        "gap_us": draw(st.integers(0, 300)),
        "work_ms": draw(st.sampled_from([0, 100, 333])),
        "ratio": draw(st.integers(1, 3)),
    }
    fields["rest_ms"] = draw(st.integers(50, 300)) if fields["work_ms"] else 0
    kind = draw(st.sampled_from(["plain", "bursts", "sweep", "alternate", "pulses"]))
    if kind == "bursts":
        fields |= {"burst_pulses": draw(st.integers(2, 4)), "burst_rate_mhz": draw(st.integers(2_000, 20_000))}
    elif kind == "pulses":
        fields["pulses"] = draw(st.integers(1, 4))
    elif kind != "plain":
        fields |= {"change": kind, "change_ms": 100, "rate_to_mhz": draw(st.integers(20_000, 150_000))}
        fields["width_to_us"] = draw(st.integers(10, 500))
    phases = [fields]
    if draw(st.booleans()):
        phases.append({**PHASE, "name": "next", "rate_mhz": draw(st.integers(20_000, 90_000))})
    rows = None
    if draw(st.booleans()):
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": draw(st.integers(0, 50_000))}]
    data = programme_of(*phases, channels=rows)
    try:
        programme.parse(data)
    except Refused:
        assume(False)
    return data


@st.composite
def windows(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """The rate, the clock, and when the capture begins and ends: None is before and after everything."""
    over = pins_of(data).end
    begin = draw(st.none() | st.integers(-10_000, over - 50_000))
    end = draw(st.none() | st.integers((begin or 0) + 2_000, over))
    return {
        "rate_hz": draw(st.sampled_from(RATES_HZ)),
        "ppm": draw(st.integers(-50, 50)),
        "phase": Fraction(draw(st.integers(0, 99)), 100),
        "begin": begin,
        "end": end,
    }


def captured(data: dict[str, Any], pulses: list[P] | None, window: dict[str, Any]) -> Sampled:
    return sampled(pins_of(data, pulses), **window)


@RARELY
@given(st.data())
def test_a_right_firmware_is_never_failed_whatever_is_captured_of_it(drawn: st.DataObject) -> None:
    data = drawn.draw(sessions())
    window = drawn.draw(windows(data))
    made = captured(data, None, window)
    made = made.without(*drawn.draw(st.sampled_from([(), ("D1",), ("D4",), ("D2", "D3")])))
    part = drawn.draw(st.booleans())
    report = judge(made, data, part)
    assert report.verdict != FAILED, [each for each in report.claims if each.verdict == FAILED]
    needed = {"D0", "D1"} | ({"D2", "D3"} if len(data.get("channels", ())) > 1 else set())
    if window["begin"] is window["end"] is None and needed <= set(made.changes):
        assert report.verdict == PASSED, [each for each in report.claims if each.verdict == UNCLEAR]


def test_a_capture_that_ends_in_a_phase_is_of_a_pulse_whose_phase_is_as_long() -> None:
    # Of one pulse, and that not whole: 12 us of phase A. The first has 10 us, the third, which it is, has 13.
    sweep = {"change": "sweep", "change_ms": 100, "rate_to_mhz": 38_391, "width_to_us": 18}
    data = programme_of({**PHASE, "rate_mhz": 53_852, "width_us": 10, "gap_us": 0, "work_ms": 0, "rest_ms": 0, **sweep})
    window = {"rate_hz": 1_000_000, "ppm": 0, "phase": Fraction(0), "begin": 18_592, "end": 38_163}
    report = judge(captured(data, None, window), data)
    assert report.verdict != FAILED, [each for each in report.claims if each.verdict == FAILED]


@RARELY
@given(st.data(), st.sampled_from(WRONG))
def test_a_wrong_firmware_is_never_passed_where_all_of_it_is_captured(drawn: st.DataObject, name: str) -> None:
    data = SESSIONS[drawn.draw(st.sampled_from(list(SESSIONS)))]
    rate_hz, ppm = drawn.draw(st.sampled_from(RATES_HZ)), drawn.draw(st.integers(-50, 50))
    phase = Fraction(drawn.draw(st.integers(0, 99)), 100)
    report = judge(wrong(name, data, rate_hz, ppm, phase=phase), data, part=drawn.draw(st.booleans()))
    assert report.verdict != PASSED


@RARELY
@given(st.data(), st.sampled_from(list(WRONG_PULSES)))
def test_a_wrong_firmware_is_never_passed_by_a_capture_that_is_cut(drawn: st.DataObject, name: str) -> None:
    data = SESSIONS[drawn.draw(st.sampled_from(list(SESSIONS)))]
    window = drawn.draw(windows(data))
    assume(window["begin"] is not None or window["end"] is not None)
    pulses = WRONG_PULSES[name](pulses_of(data), surely_seen_us(window["rate_hz"]))
    assume(captured(data, pulses, window) != captured(data, None, window))
    assert judge(captured(data, pulses, window), data).verdict != PASSED


def paused(pins_begin: list[P], at_us: int, for_us: int) -> list[P]:
    return [replace(p, begin=p.begin + (for_us if p.begin > at_us else 0)) for p in pins_begin]


@RARELY
@given(st.data(), st.integers(0, 1_000_000), st.integers(110_000, 3_000_000), st.booleans())
def test_a_right_session_that_was_paused_is_unclear_and_never_failed(
    drawn: st.DataObject, at_us: int, for_us: int, whole_periods: bool
) -> None:
    data = drawn.draw(sessions())
    if whole_periods:  # as if those pulses were missing
        for_us = -(-for_us * data["phases"][0]["rate_mhz"] // 10**9) * round(10**9 / data["phases"][0]["rate_mhz"])
    pulses = pulses_of(data)
    pins = pins_of(data, paused(pulses, at_us, for_us))
    over = pins.highs["enable"][0][1]
    pins.highs["enable"] = [(-3_000, at_us + 2_000), (at_us + for_us - 5_000, over + for_us)]
    pins.end += for_us
    window = drawn.draw(windows(data))
    window["end"] = None if window["end"] is None else window["end"] + for_us
    report = judge(sampled(pins, **window), data, part=drawn.draw(st.booleans()))
    assert report.verdict != FAILED, [each for each in report.claims if each.verdict == FAILED]
    ends_us = max(p.begin + p.a + p.gap + p.b for p in pulses)
    if window["begin"] is window["end"] is None and 0 < at_us < ends_us - 1_000_000:
        assert report.verdict == UNCLEAR


@RARELY
@given(st.data(), st.integers(0, 2_000_000), st.integers(0, 10_000))
def test_a_right_session_that_was_stopped_is_never_failed(drawn: st.DataObject, at_us: int, later_us: int) -> None:
    data = drawn.draw(sessions())
    pins = pins_of(data, [p for p in pulses_of(data) if p.begin <= at_us + p.channel * later_us])
    pins.highs["enable"] = [(-3_000, min(at_us + later_us + 3_000, pins.highs["enable"][0][1]))]
    report = judge(sampled(pins, **drawn.draw(windows(data))), data, part=drawn.draw(st.booleans()))
    assert report.verdict != FAILED, [each for each in report.claims if each.verdict == FAILED]


@RARELY
@given(st.data(), st.integers(0, 29), st.sampled_from(["a", "gap", "b"]))
def test_one_pulse_that_is_wrong_by_more_than_the_tolerance_fails(drawn: st.DataObject, at: int, part: str) -> None:
    rate_hz = drawn.draw(st.sampled_from(RATES_HZ))
    more = surely_seen_us(rate_hz) * drawn.draw(st.sampled_from([1, -1]))
    pulses = pulses_of(PLAIN)
    pulses[at] = replace(pulses[at], **{part: getattr(pulses[at], part) + more})
    report = judge(sampled(pins_of(PLAIN, pulses), rate_hz, drawn.draw(st.integers(-50, 50))), PLAIN)
    assert report.verdict == FAILED


# ---- what is unclear ----


@pytest.mark.parametrize("begin", [100, 250, 400])  # in phase A, in the gap, in phase B
def test_a_capture_that_begins_in_a_pulse_is_no_whole_session(begin: int) -> None:
    made = right(PLAIN, RATE_HZ, 50, begin=begin)
    assert claims(judge(made, PLAIN), UNCLEAR) == ["count"]
    assert judge(made, PLAIN, part=True).verdict == PASSED


@pytest.mark.parametrize("end", [860_100, 860_250, 860_400])
def test_a_capture_that_ends_in_a_pulse_is_no_whole_session(end: int) -> None:
    made = right(PLAIN, RATE_HZ, 50, end=end)
    assert claims(judge(made, PLAIN), UNCLEAR) == ["count"]
    assert judge(made, PLAIN, part=True).verdict == PASSED


def test_the_pulse_that_a_capture_begins_in_is_judged_as_far_as_it_is_there() -> None:
    pulses = pulses_of(PLAIN)
    pulses[0] = replace(pulses[0], b=pulses[0].b + 5)
    report = judge(sampled(pins_of(PLAIN, pulses), RATE_HZ, begin=100), PLAIN, part=True)
    assert claims(report, FAILED) == ["order: A, then B"]


def test_the_pulse_that_a_capture_ends_in_is_judged_as_far_as_it_is_there() -> None:
    pulses = pulses_of(PLAIN)
    pulses[9] = replace(pulses[9], a=pulses[9].a + 5)
    report = judge(sampled(pins_of(PLAIN, pulses), RATE_HZ, end=180_203), PLAIN, part=True)
    assert claims(report, FAILED) == ["phase A"]


@pytest.mark.parametrize("signals", [("D0",), ("D1",), ("D0", "D1")])
def test_a_missing_phase_is_unclear_and_named(signals: tuple[str, ...]) -> None:
    report = judge(right(PLAIN, RATE_HZ, 50).without(*signals), PLAIN)
    assert report.verdict == UNCLEAR
    said = " ".join(each.why for each in report.claims if each.verdict == UNCLEAR)
    assert ("phase_a_0" if "D0" in signals else "phase_b_0") in said
    if signals == ("D1",):
        assert {"phase A", "period", "count"} <= set(claims(report, PASSED))
        assert {"gap", "phase B", "B less A", "overlaps of A and B"} <= set(claims(report, UNCLEAR))


def test_without_the_enable_everything_else_is_judged() -> None:
    report = judge(right(PLAIN, RATE_HZ, 50).without("D4"), PLAIN)
    assert report.verdict == PASSED
    assert claim(report, "enable around every pulse", None).verdict == NOT_CAPTURED


def test_a_pause_is_unclear_and_what_comes_after_it_is_judged() -> None:
    pulses = [replace(p, begin=p.begin + (400_123 if p.begin > 100_000 else 0)) for p in pulses_of(PLAIN)]
    pins = pins_of(PLAIN, pulses)
    pins.highs["enable"] = [(-3_000, 101_000), (500_000, 1_410_000)]
    pins.end += 400_123
    report = judge(sampled(pins, RATE_HZ, 50), PLAIN)
    assert set(claims(report, UNCLEAR)) == {"count", "enable around every pulse"} and not claims(report, FAILED)
    pulses[20] = replace(pulses[20], a=pulses[20].a + 3)
    assert claims(judge(sampled(pins_of(PLAIN, pulses), RATE_HZ), PLAIN), FAILED)[:1] == ["phase A"]


def test_a_stop_is_unclear_but_not_while_the_enable_is_high() -> None:
    pins = pins_of(PLAIN, pulses_of(PLAIN)[:15])
    assert claims(judge(sampled(pins, RATE_HZ), PLAIN), FAILED) == ["count"]
    pins.highs["enable"] = [(-3_000, 450_000)]
    report = judge(sampled(pins, RATE_HZ), PLAIN)
    assert claims(report, UNCLEAR) == ["count"] and not claims(report, FAILED)


def test_another_session_after_the_first_is_unclear() -> None:
    again = [replace(p, begin=p.begin + 3_000_000) for p in pulses_of(PLAIN)]
    pins = pins_of(PLAIN, pulses_of(PLAIN) + again)
    pins.highs["enable"].append((2_990_000, 4_009_000))
    pins.end += 3_000_000
    report = judge(sampled(pins, RATE_HZ), PLAIN)
    assert claims(report, UNCLEAR) == ["count"] and not claims(report, FAILED)
    soon = [*pulses_of(PLAIN), replace(pulses_of(PLAIN)[-1], begin=1_050_000)]
    assert claims(judge(sampled(pins_of(PLAIN, soon), RATE_HZ), PLAIN), FAILED)[0] == "count"


def test_of_two_channels_one_that_ends_sooner_has_failed() -> None:
    pulses = [p for p in pulses_of(TWO) if p.channel == 0 or p.begin < 400_000]
    report = judge(sampled(pins_of(TWO, pulses), RATE_HZ).without("D4"), TWO)
    assert claim(report, "count", 1).verdict == FAILED


def test_a_channel_without_a_pulse_has_failed_when_some_were_due() -> None:
    pulses = [p for p in pulses_of(TWO) if p.channel == 0]
    report = judge(sampled(pins_of(TWO, pulses), RATE_HZ), TWO)
    assert claim(report, "count", 1).verdict == FAILED


def test_a_capture_without_a_pulse_is_unclear() -> None:
    assert claims(judge(sampled(pins_of(PLAIN, []), RATE_HZ), PLAIN), UNCLEAR)[0] == "count"


def test_the_distance_of_two_channels_is_judged_to_the_sample() -> None:
    pulses = [replace(p, begin=p.begin + Fraction(p.channel, 10)) for p in pulses_of(TWO)]
    report = judge(sampled(pins_of(TWO, pulses), 100_000_000, 50), TWO)
    assert claims(report, FAILED) == ["distance of the channels"]


def test_the_distance_is_judged_whichever_channel_comes_first() -> None:
    rows = [{"channel": 0, "delay_us": 7_000}, {"channel": 1, "delay_us": 0}]
    data = programme_of(channels=rows)
    assert judge(right(data, RATE_HZ, 50), data).verdict == PASSED
    pulses = [replace(p, begin=p.begin + p.channel) for p in pulses_of(data)]
    assert claims(judge(sampled(pins_of(data, pulses), RATE_HZ, 50), data), FAILED) == ["distance of the channels"]


# ---- clocks ----


def test_the_difference_of_the_clocks_is_measured_and_said() -> None:
    report = judge(right(PLAIN, RATE_HZ, 50), PLAIN)
    assert report.clocks.ppm == pytest.approx(50, abs=0.2)
    assert claim(report, "clocks", None).measured.startswith("+5")


def test_clocks_that_differ_by_more_than_crystals_do_have_failed() -> None:
    report = judge(right(PLAIN, RATE_HZ, 180), PLAIN)
    assert claims(report, FAILED) == ["clocks"]


def test_a_wrong_period_is_no_difference_of_the_clocks_where_trains_begin_in_time() -> None:
    # 25 ppm in each train, less than the clocks may differ; that trains begin in time tells them apart.
    long = programme_of({**PHASE, "work_ms": 800, "rest_ms": 200, "duration_ms": 4_000})
    pulses = [replace(p, begin=p.begin + Fraction(p.begin % 1_000_000, 40_000)) for p in pulses_of(long)]
    report = judge(sampled(pins_of(long, pulses), RATE_HZ), long)
    assert "time in the train" in claims(report, FAILED)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_tolerance_of_a_phase_is_a_sample_and_what_the_clocks_differ(rate_hz: int) -> None:
    report = judge(right(PLAIN, rate_hz, 50), PLAIN)
    (bound_us,) = {float(claim(report, name).bound[2:-3]) for name in ("phase A", "phase B")}
    assert 1e6 / rate_hz <= bound_us <= 1e6 / rate_hz + 200 * 100e-6 + 0.0011


# ---- pump ----


def pumped(data: dict[str, Any], rate_hz: int, **more: Any) -> Sampled:
    return sampled(pins_of(data, pump=True), rate_hz, 50, **more)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_steady_pump_passes(rate_hz: int) -> None:
    report = judge(pumped(PLAIN, rate_hz), PLAIN)
    assert claim(report, "pump, half a wave", None).verdict == PASSED and report.verdict == PASSED


@pytest.mark.parametrize("missing", [1, 5, 40_000])
def test_a_pump_that_stands_has_failed(missing: int) -> None:
    pins = pins_of(PLAIN, pump=True)
    del pins.highs["pump"][20_000 : 20_000 + missing]
    report = judge(sampled(pins, RATE_HZ, 50), PLAIN)
    assert claims(report, FAILED) == ["pump, half a wave"]


def test_a_pump_of_another_frequency_has_failed() -> None:
    pins = pins_of(PLAIN)
    pins.highs["pump"] = [(at, at + 6) for at in range(-3_000, 1_009_000, 12)]
    assert claims(judge(sampled(pins, RATE_HZ, 50), PLAIN), FAILED) == ["pump, half a wave"]


def test_what_the_self_test_does_to_enable_and_pump_before_a_session_is_no_fault() -> None:
    pins = pins_of(PLAIN, pump=True)
    pins.begin = -200_000
    for at in range(-150_000, -70_000, 10_000):
        pins.highs["enable"].append((at, at + 1_500))
        pins.highs["pump"] += [(at + us, at + us + 5) for us in range(0, 1_200, 10)]
    pins.highs["enable"].sort()
    pins.highs["pump"].sort()
    assert judge(sampled(pins, RATE_HZ, 50), PLAIN).verdict == PASSED

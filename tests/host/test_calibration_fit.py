"""device/calibration.py: a row that is found from readings is the one that the stage needs, and nonsense is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import calibration as declared
from nmes.core import programme as programmes
from nmes.core.reason import Refused
from opennmes.boards import load_stage, stage_of
from opennmes.device import calibration
from opennmes.device.calibration import Counts, Reading, amplitudes_ua, fit

STAGE = load_stage("reference")
OHM = 500
GRAIN_UA = 100
SAMPLES = 8

GAINS = st.integers(-declared.GAIN_MOST_PPM, declared.GAIN_MOST_PPM)


def row(**changes: int) -> dict[str, int]:
    return {**dict.fromkeys(declared.ROW, 0), **changes}


def counts(code: int, needs: dict[str, int], ohm: int = OHM, noise: Callable[[], int] = lambda: 0) -> Counts:
    """What a stage that needs this row senses, as an ADC has it, in the docstring's words and with no code of ours."""
    ua = 1e-6 * GRAIN_UA * 1e6 * (code - needs["dac_offset"]) / (1 + needs["dac_gain_ppm"] / 1e6)
    current = ua / (55 * (1 + needs["current_gain_ppm"] / 1e6))
    voltage = ua * ohm / 1000 / (45 * (1 + needs["voltage_gain_ppm"] / 1e6))
    zero, zero_of_voltage = 2048 + needs["current_offset"], 2048 + needs["voltage_offset"]

    def read(value: float) -> int:
        return sum(round(value) + noise() for _ in range(SAMPLES))

    return Counts(
        code=code,
        samples=SAMPLES,
        current_a=read(zero + current),
        voltage_a=read(zero_of_voltage + voltage),
        current_b=read(zero - current),
        voltage_b=read(zero_of_voltage - voltage),
        current_rest=read(zero),
        zero_samples=16,
        zero_sum=16 * zero,
    )


def voltage_uv(code: int, needs: dict[str, int], ohm: int = OHM) -> int:
    levels = Fraction(code - needs["dac_offset"]) * 1_000_000 / (1_000_000 + needs["dac_gain_ppm"])
    return round(levels * GRAIN_UA * ohm)


def readings(
    needs: dict[str, int], ohm: int = OHM, digits: int = 4, noise: Callable[[], int] = lambda: 0
) -> list[Reading]:
    """With the nominal row in force: a level is its code. The person reads so many digits."""
    made = []
    for asked_ua in amplitudes_ua(STAGE, ohm)[0]:
        code = asked_ua // GRAIN_UA
        shown = float(f"{voltage_uv(code, needs, ohm):.{digits}g}")
        made.append(Reading(asked_ua, counts(code, needs, ohm, noise), round(shown)))
    return made


def codes(refused: Refused) -> set[str]:
    return {reason["code"] for reason in refused.reasons}


@settings(max_examples=300)
@given(
    gains=st.tuples(GAINS, GAINS, GAINS),
    offsets=st.tuples(st.integers(-9, 9), st.integers(-39, 39), st.integers(-39, 39)),
    ohm=st.sampled_from((200, 499, 500, 1_000, 2_000)),
)
def test_the_row_that_the_stage_needs_is_found(
    gains: tuple[int, int, int], offsets: tuple[int, int, int], ohm: int
) -> None:
    keys = list(declared.ROW)
    needs = dict(zip(keys, [value for pair in zip(gains, offsets, strict=True) for value in pair], strict=True))
    try:
        found = fit(readings(needs, ohm), STAGE, ohm, 0)
    except Refused as refused:
        # At a bound the last count may go beyond it.
        assert codes(refused) <= {"above_range", "below_range"}
        assert max(map(abs, gains)) > declared.GAIN_MOST_PPM - 12_000
        return
    for key in keys:
        if key.endswith("_ppm"):
            # An ADC's half count at the strongest amplitudes, four digits of the scope, and half a level of an offset.
            assert abs(found[key] - needs[key]) <= 9_000, key
        else:
            assert abs(found[key] - needs[key]) <= 1, key
    # What counts: with it the current is what was asked, to 1 % and a level.
    corrected = declared.Calibration({**STAGE, "calibration": (found,)}, 0)
    for asked_ua in (*amplitudes_ua(STAGE, ohm)[0], amplitudes_ua(STAGE, ohm)[1]):
        true_ua = Fraction(voltage_uv(corrected.code(asked_ua // GRAIN_UA), needs, ohm), ohm)
        assert abs(true_ua - asked_ua) <= Fraction(asked_ua, 100) + GRAIN_UA


@settings(max_examples=100)
@given(seed=st.integers(0, 10**9))
def test_noise_of_some_counts_and_three_digits_still_give_one_percent(seed: int) -> None:
    dice = random.Random(seed)
    needs = row(dac_gain_ppm=30_000, dac_offset=-3, current_gain_ppm=-20_000, current_offset=4, voltage_gain_ppm=9_000)
    found = fit(readings(needs, digits=3, noise=lambda: dice.randint(-2, 2)), STAGE, OHM, 0)
    assert abs(found["dac_gain_ppm"] - 30_000) <= 10_000 and abs(found["dac_offset"] + 3) <= 1
    assert abs(found["current_gain_ppm"] + 20_000) <= 10_000 and abs(found["current_offset"] - 4) <= 1
    assert abs(found["voltage_gain_ppm"] - 9_000) <= 10_000 and abs(found["voltage_offset"]) <= 1


def test_a_stage_that_needs_nothing_gets_a_row_of_next_to_nothing() -> None:
    found = fit(readings(row()), STAGE, OHM, 0)
    assert {key: value for key, value in found.items() if not key.endswith("_ppm")} == dict.fromkeys(
        ("dac_offset", "current_offset", "voltage_offset"), 0
    )
    assert (
        found["dac_gain_ppm"] == 0 and abs(found["current_gain_ppm"]) < 2_000 and abs(found["voltage_gain_ppm"]) < 2_000
    )


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("dac_gain_ppm", 70_000, "above_range"),
        ("dac_gain_ppm", -70_000, "below_range"),
        ("dac_offset", 14, "above_range"),
        ("dac_offset", -14, "below_range"),
        ("current_gain_ppm", 70_000, "above_range"),
        ("current_gain_ppm", -70_000, "below_range"),
        ("current_offset", 45, "above_range"),
        ("current_offset", -45, "below_range"),
        ("voltage_gain_ppm", 70_000, "above_range"),
        ("voltage_gain_ppm", -70_000, "below_range"),
        ("voltage_offset", 45, "above_range"),
        ("voltage_offset", -45, "below_range"),
    ],
)
def test_a_stage_that_needs_more_than_the_bounds_is_refused_by_name(key: str, value: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        fit(readings(row(**{key: value})), STAGE, OHM, 1)
    (reason,) = refused.value.reasons
    assert (reason["code"], reason["parameter"], abs(reason["bound"])) == (code, key, declared.ROW[key][1])
    assert abs(reason["asked"] - value) <= abs(value) // 10 + 1
    assert reason["source"] == "nmes calibrate, channel 1"


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("wrong", (0.93, 1.08))
def test_one_reading_off_the_line_is_refused_with_its_numbers(which: int, wrong: float) -> None:
    made = readings(row())
    made[which] = replace(made[which], voltage_uv=round(made[which].voltage_uv * wrong))
    with pytest.raises(Refused) as refused:
        fit(made, STAGE, OHM, 0)
    assert "not_linear" in codes(refused.value)
    texts = " ".join(str(reason["asked"]) for reason in refused.value.reasons)
    assert f"{made[which].voltage_uv / 1e6:.4g} V" in texts and f"{made[which].asked_ua / 1000:g} mA" in texts


@pytest.mark.parametrize("field", ("current_a", "voltage_a", "code"))
def test_a_sense_or_a_dac_that_bends_is_refused(field: str) -> None:
    made = readings(row())
    bent = getattr(made[3].counts, field)
    shift = 20 if field == "code" else SAMPLES * (60 if field == "voltage_a" else 30)
    made[3] = replace(made[3], counts=replace(made[3].counts, **{field: bent - shift}))
    with pytest.raises(Refused) as refused:
        fit(made, STAGE, OHM, 0)
    assert codes(refused.value) == {"not_linear"}


def test_a_sense_that_stands_still_is_no_calibration() -> None:
    made = [replace(reading, counts=replace(reading.counts, code=500)) for reading in readings(row())]
    with pytest.raises(Refused):
        fit(made, STAGE, OHM, 0)


# ---- what the device senses before anybody is asked ----


@pytest.mark.parametrize(
    ("ohm", "fits"), [(500, True), (620, True), (630, False), (400, False), (430, True), (1_000, False)]
)
def test_a_resistor_other_than_said_is_refused_before_anything_is_typed(ohm: int, fits: bool) -> None:
    seen = counts(50, row(), 500)
    if fits:
        calibration.check_counts(seen, STAGE, ohm, 0)
        return
    with pytest.raises(Refused) as refused:
        calibration.check_counts(seen, STAGE, ohm, 0)
    (reason,) = refused.value.reasons
    assert (reason["code"], reason["bound"]) == ("other_resistor", f"{ohm} ohm, 20 % more or less")
    assert abs(int(reason["asked"].split()[0]) - 500) <= 10


def test_a_channel_without_a_current_is_refused() -> None:
    for code in (0, 50):
        seen = counts(code, row())
        if code:
            seen = replace(seen, current_a=seen.current_b, current_b=seen.current_a)
        with pytest.raises(Refused) as refused:
            calibration.check_counts(seen, STAGE, OHM, 0)
        assert codes(refused.value) == {"nothing_flows"}


def test_phases_that_differ_are_refused_and_never_made_equal_by_a_zero() -> None:
    seen = counts(400, row())
    for counts_off, right in ((8, True), (9, False), (-8, True), (-9, False)):
        shifted = replace(seen, current_b=seen.current_b + SAMPLES * counts_off)
        if right:
            calibration.check_counts(shifted, STAGE, OHM, 0)
            continue
        with pytest.raises(Refused) as refused:
            calibration.check_counts(shifted, STAGE, OHM, 0)
        assert codes(refused.value) == {"not_symmetric"}
    made = readings(row())
    made = [replace(each, counts=replace(each.counts, current_b=each.counts.current_b + 40)) for each in made]
    assert fit(made, STAGE, OHM, 0)["current_offset"] == 0


@pytest.mark.parametrize(
    ("typed_uv", "fits"),
    [(2_500_000, True), (2_950_000, True), (2_050_000, True), (3_050_000, False), (1_950_000, False), (0, False),
     (5_000_000, False), (2_500, False), (25_000_000, False), (250_000_000, False)],
)  # fmt: skip
def test_a_voltage_that_does_not_fit_what_is_sensed_is_refused_as_it_is_typed(typed_uv: int, fits: bool) -> None:
    seen = counts(50, row())
    if fits:
        calibration.check_voltage(typed_uv, seen, STAGE, 0)
        return
    with pytest.raises(Refused) as refused:
        calibration.check_voltage(typed_uv, seen, STAGE, 0)
    (reason,) = refused.value.reasons
    assert reason["code"] == "other_voltage" and "2.5" in reason["bound"]


# ---- what is asked for ----


def test_amplitudes_are_what_stage_and_resistor_allow() -> None:
    assert amplitudes_ua(STAGE, 500) == ([5_000, 10_000, 20_000, 40_000], 30_000)
    assert amplitudes_ua(STAGE, 640) == ([5_000, 10_000, 20_000, 40_000], 30_000)
    assert amplitudes_ua(STAGE, 2_000) == ([1_600, 3_200, 6_400, 12_800], 9_600)
    assert amplitudes_ua({**STAGE, "board_max_current_ua": 20_000}, 500) == ([1_000, 2_000, 4_000, 8_000], 6_000)
    for ohm in range(200, 2_001, 7):
        asked, control = amplitudes_ua(STAGE, ohm)
        assert all(each % GRAIN_UA == 0 for each in (*asked, control)) and control not in asked
        assert max(asked) * ohm <= 0.8 * STAGE["compliance_mv"] * 1_000 and len(set(asked)) == 4


@pytest.mark.parametrize("channel", (0, 1))
@pytest.mark.parametrize("board", ("virtual", "pico"))
def test_the_programme_is_one_for_a_resistor_and_accepted(channel: int, board: str) -> None:
    stage = stage_of(board)
    asked, control = amplitudes_ua(stage, 200)
    made: Any = calibration.programme(channel, max(*asked, control))
    accepted = programmes.accept(made, stage)
    assert accepted.kind == "dummy" and [each.index for each in accepted.channels] == [channel]


@pytest.mark.parametrize(
    ("ohm", "ppm", "wrong"), [(199, 0, 1), (2_001, 20_001, 2), (500, 20_001, 1), (200, 0, 0), (2_000, 20_000, 0)]
)
def test_a_resistor_out_of_range_is_refused(ohm: int, ppm: int, wrong: int) -> None:
    if not wrong:
        calibration.check_resistor(ohm, ppm)
        return
    with pytest.raises(Refused) as refused:
        calibration.check_resistor(ohm, ppm)
    assert len(refused.value.reasons) == wrong and codes(refused.value) == {"no_resistor"}


# ---- whether it is better ----


@pytest.mark.parametrize(("off", "right"), [(0, True), (2.1, True), (-2.1, True), (2.3, False), (-2.3, False)])
def test_a_current_that_is_off_by_more_than_two_percent_and_half_a_level_is_not_verified(
    off: float, right: bool
) -> None:
    seen = counts(300, row())
    before = Reading(30_000, seen, 15_600_000)
    after = Reading(30_000, seen, round(15_000_000 * (1 + off / 100)))
    if right:
        calibration.check_verified(before, after, STAGE, OHM, 0)
        return
    with pytest.raises(Refused) as refused:
        calibration.check_verified(before, after, STAGE, OHM, 0)
    (reason,) = refused.value.reasons
    assert (reason["code"], reason["bound"]) == ("not_verified", "+2.17 % more or less")
    assert f"{off:+.2f} %" in reason["asked"] and "before the calibration +4.00 %" in reason["asked"]


def test_a_reading_survives_being_kept() -> None:
    for reading in readings(row(dac_offset=2)):
        assert Reading.of(reading.as_json()) == reading

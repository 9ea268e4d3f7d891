"""What `nmes verify` says of ramps: by the duty of a level pin, or the current of an emulated board's trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from captures_for_tests import Sampled, pins_of, pulses_of, sampled, with_levels
from judged_captures import PHASE, claim, judge, programme_of

from opennmes.measure.claims import FAILED, NOT_CAPTURED, PASSED, UNCLEAR

RAMPED = programme_of(
    {**PHASE, "work_ms": 800, "rest_ms": 200, "ramp_up_ms": 300, "ramp_down_ms": 200, "duration_ms": 2_000}
)
RATE_HZ = 24_000_000
Intensity = Callable[[int], int]  # levels, by microseconds of the session


def level(t_us: int, intensity: int) -> int:
    """As prescribed: up in 300 ms, down in 200 ms, in whole milliseconds, rounded down."""
    t_ms = t_us % 1_000_000 // 1_000
    if t_ms < 300:
        return intensity * t_ms // 300
    if t_ms > 600:
        return intensity * (800 - t_ms) // 200
    return intensity


def captured(
    intensity: Intensity, rate_hz: int = RATE_HZ, made: Callable[[int, int], int] = level, offset: int = 0
) -> Sampled:
    pulses = pulses_of(RAMPED)
    levels = [made(int(pulse.begin), intensity(int(pulse.begin))) for pulse in pulses]
    levels = [each + offset if each else 0 for each in levels]
    return sampled(with_levels(pins_of(RAMPED), pulses, levels), rate_hz, 50)


def ramps(made: Sampled) -> Any:
    return claim(judge(made, RAMPED), "ramps")


@pytest.mark.parametrize("rate_hz", [4_000_000, 24_000_000, 100_000_000])
@pytest.mark.parametrize("intensity", [150, 200])
def test_ramps_at_one_intensity_pass(intensity: int, rate_hz: int) -> None:
    found = ramps(captured(lambda us: intensity, rate_hz))
    # A period of 8 us has 32 samples at 4 MHz: levels are known to a thirty-second of the whole.
    assert (found.verdict, found.measured) == (PASSED, "2 of 2 trains"), found


@pytest.mark.parametrize("offset", [-10, -3, 10])
def test_a_calibrated_stage_has_other_codes_and_passes(offset: int) -> None:
    assert ramps(captured(lambda us: 150, offset=offset)).verdict == PASSED


def test_another_intensity_in_the_next_train_passes() -> None:
    assert ramps(captured(lambda us: 150 if us < 900_000 else 120)).verdict == PASSED


def test_an_intensity_that_is_set_by_hand_is_unclear() -> None:
    found = ramps(captured(lambda us: min(10 * (us // 250_000), 150)))
    assert (found.verdict, "by hand" in found.why) == (UNCLEAR, True)


def test_no_intensity_at_all_is_unclear() -> None:
    assert ramps(captured(lambda us: 0)).verdict == UNCLEAR


def test_samples_that_are_too_rare_for_levels_are_unclear() -> None:
    assert ramps(captured(lambda us: 150, 1_000_000)).verdict == UNCLEAR


def test_without_a_level_pin_ramps_are_not_judged() -> None:
    assert ramps(captured(lambda us: 150).without("D6")).verdict == NOT_CAPTURED


WRONG = {
    "none": lambda t_us, full: full,
    "no ramp up": lambda t_us, full: full if t_us % 1_000_000 < 300_000 else level(t_us, full),
    "no ramp down": lambda t_us, full: full if t_us % 1_000_000 > 600_000 else level(t_us, full),
    "twice as fast": lambda t_us, full: min(full, 2 * level(t_us, full)),
    "half as fast": lambda t_us, full: level(t_us, full) // 2 if t_us % 1_000_000 < 300_000 else level(t_us, full),
    "a jump": lambda t_us, full: full // 3 if t_us % 1_000_000 < 150_000 else level(t_us, full),
    "too late by 40 ms": lambda t_us, full: level(max(0, t_us % 1_000_000 - 40_000), full),
    "too strong": lambda t_us, full: level(t_us, 300),
    "one pulse too strong": lambda t_us, full: full + 90 if t_us == 400_000 else level(t_us, full),
}


@pytest.mark.parametrize("rate_hz", [4_000_000, 24_000_000, 100_000_000])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_ramps_are_never_passed(name: str, rate_hz: int) -> None:
    found = ramps(captured(lambda us: 200, rate_hz, WRONG[name]))
    assert found.verdict != PASSED, found


@pytest.mark.parametrize("name", ["none", "no ramp up", "too strong", "one pulse too strong"])
def test_what_no_hand_could_have_done_has_failed(name: str) -> None:
    found = ramps(captured(lambda us: 200, RATE_HZ, WRONG[name]))
    assert (found.verdict, found.at_s is not None) == (FAILED, True), found

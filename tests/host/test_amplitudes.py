"""Claims about levels: what is as asked passes, each thing that is not fails, and what was not measured is unclear."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import pytest

from opennmes.measure import amplitudes
from opennmes.measure.captures import witness_frames as frames
from opennmes.measure.captures.witness import (
    CYCLE_PS,
    FIRST_LOOK_CYCLES,
    LOOK_CYCLES,
    LOOKS,
    WINDOW_PS,
    Plateau,
    Recording,
)
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim
from opennmes.measure.expected import ExpectedPulse
from opennmes.measure.seen import PS_PER_MS, PS_PER_US, SeenPulse

MACHINES = {"phase_a_0": 0, "phase_b_0": 1, "level_a_0": 4, "level_b_0": 5}
GPIOS = {"phase_a_0": 2, "phase_b_0": 3, "level_a_0": 4, "level_b_0": 5}
DUTIES = frozenset((4, 5))
PERIOD_MS, PULSES, RAMP_PULSES = 10, 40, 10
Pieces = list[tuple[float, int]]  # (from these milliseconds on, level)


def counts(pieces: Pieces, end_ms: float) -> Iterable[int]:
    """What each window counts."""
    pieces = sorted([(0.0, 0), *pieces])
    begins = [begin * PS_PER_MS for begin, _ in pieces]
    window = 0
    while (begin := FIRST_LOOK_CYCLES * CYCLE_PS + window * WINDOW_PS) + WINDOW_PS < end_ms * PS_PER_MS:
        ends = (begin, begin + LOOKS * LOOK_CYCLES * CYCLE_PS)
        low, high = (pieces[bisect_right(begins, ps) - 1][1] for ps in ends)
        yield (low + high) // 2
        window += 1


def recorded(a: Pieces, b: Pieces | None = None, end_ms: float = PULSES * PERIOD_MS) -> Recording:
    made = Recording(MACHINES, GPIOS, go_us=0, duties=DUTIES)
    for machine, pieces in ((4, a), (5, a if b is None else b)):
        words = [frames.plateau(1, count, count) for count in counts(pieces, end_ms)]
        for at in range(0, len(words), 400):
            part = words[at : at + 400]
            total = at + len(part)
            made.take(frames.Frame(frames.LEVELS, 0, frames.of_machine(frames.LEVELS, 0, 0, total, machine, part)))
    assert made.lost == []
    return made


def pairs(level: int) -> tuple[list[amplitudes.Pair], Pieces]:
    """Pulses of 200 us with a ramp up, a plateau and a ramp down, and the levels that are set 256 us before each."""
    made, pieces = [], [(0.0, 0)]
    for number in range(PULSES):
        part = min(number, RAMP_PULSES, PULSES - number) * 1_000_000 // RAMP_PULSES
        begin = (1 + number * PERIOD_MS) * PS_PER_MS
        ends = [begin + us * PS_PER_US for us in (0, 200, 250, 450)]
        asked = ExpectedPulse(number * PERIOD_MS * 1_000, 200, 50, 200, 0, part)
        made.append((SeenPulse((ends[0], ends[1]), (ends[2], ends[3])), asked))
        pieces.append((1 + number * PERIOD_MS - 0.256, level * part // 1_000_000))
    return made, pieces


def same(level: int) -> int:
    return level


def set_claims(recording: Recording, of: list[amplitudes.Pair], level: int) -> dict[str, Claim]:
    return {claim.name: claim for claim in amplitudes.as_set(recording, 0, of, level, same)}


def test_levels_as_they_were_set_pass_and_say_what_they_were() -> None:
    of, pieces = pairs(50)
    claims = set_claims(recorded(pieces), of, 50)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys(
        ("plateau", "ramp up", "ramp down"), PASSED
    )
    assert claims["plateau"].asked == "50" and claims["plateau"].judged == 2 * (PULSES - 2 * RAMP_PULSES + 1)
    assert claims["ramp up"].asked == "0 to 90 % of 50"
    found = amplitudes.within(recorded(pieces), 0, [pulse for pulse, _ in of])
    assert (found.verdict, found.judged) == (PASSED, 2 * PULSES)


@pytest.mark.parametrize("off", [-10, -3, 3, 10])
def test_a_plateau_that_is_another_fails(off: int) -> None:
    of, pieces = pairs(50)
    wrong = [(at, level + off if level == 50 else level) for at, level in pieces]
    claims = set_claims(recorded(wrong), of, 50)
    assert claims["plateau"].verdict == FAILED and claims["ramp up"].verdict == claims["ramp down"].verdict == PASSED
    assert "level_a_0 is " in claims["plateau"].why and claims["plateau"].why.endswith("50 was asked")


@pytest.mark.parametrize("name", ["ramp up", "ramp down"])
def test_a_ramp_that_is_half_as_long_fails(name: str) -> None:
    of, pieces = pairs(50)
    half = len(pieces) // 2
    steep = [(at, min(50, 2 * level) if (n < half) == (name == "ramp up") else level)
             for n, (at, level) in enumerate(pieces)]  # fmt: skip
    claims = set_claims(recorded(steep), of, 50)
    assert claims.pop(name).verdict == FAILED
    assert {claim.verdict for claim in claims.values()} == {PASSED}


def test_a_phase_b_of_another_level_fails() -> None:
    of, pieces = pairs(50)
    claims = set_claims(recorded(pieces, [(at, level and level - 5) for at, level in pieces]), of, 50)
    assert claims["plateau"].verdict == FAILED and "level_b_0 is 45" in claims["plateau"].why


@pytest.mark.parametrize("after_us", [100, 225, 350])
def test_an_amplitude_that_changes_within_a_pulse_fails(after_us: int) -> None:
    of, pieces = pairs(50)
    at = of[20][0].start_ps / PS_PER_MS + after_us / 1_000
    found = amplitudes.within(recorded(sorted([*pieces, (at, 60)])), 0, [pulse for pulse, _ in of])
    assert found.verdict == FAILED and "from 50 to 60" in found.why


def test_what_is_narrower_than_a_window_or_not_recorded_is_unclear() -> None:
    of, pieces = pairs(50)
    narrow = [(SeenPulse((p.start_ps, p.start_ps + 20 * PS_PER_US), None), at) for p, at in of]
    assert set_claims(recorded(pieces), narrow, 50)["plateau"].verdict == UNCLEAR
    assert set_claims(recorded(pieces), [], 50)["plateau"].verdict == UNCLEAR
    assert amplitudes.zero(recorded([(0, 0)], end_ms=5), 0, 20 * PS_PER_MS, "zero").verdict == UNCLEAR
    assert amplitudes.within(recorded(pieces, end_ms=5), 0, [pulse for pulse, _ in of[5:]]).verdict == UNCLEAR


def test_rest_is_zero_and_one_window_that_is_not_fails_by_name() -> None:
    ends = (1 * PS_PER_MS, 19 * PS_PER_MS)
    assert amplitudes.zero(recorded([(0, 0)], end_ms=20), *ends, "zero").verdict == PASSED
    glimpse = recorded([(0, 0)], [(0, 0), (10, 2), (10.05, 0)], end_ms=20)
    found = amplitudes.zero(glimpse, *ends, "zero")
    assert (found.verdict, found.measured, found.why) == (FAILED, "2", "level_b_0 was not low")
    assert amplitudes.zero(glimpse, *ends, "zero", ["level_a_0"]).verdict == PASSED
    assert amplitudes.zero(recorded([(0, 7), (0.5, 0)], end_ms=20), *ends, "zero").verdict == PASSED


def by_hand(*steps: tuple[int, int]) -> Claim:
    """Pulses each 10 ms, with the level from (ms, level) on."""
    pulses = [
        SeenPulse((ms * PS_PER_MS, None), None, max((s for s in steps if s[0] <= ms), default=(0, 0))[1], 2.0)
        for ms in range(0, 1_000, 10)
    ]
    return amplitudes.by_hand(0, pulses, 10, 0)


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (((0, 0), (100, 10), (350, 20), (600, 30)), PASSED),
        (((0, 0), (100, 10), (270, 20)), PASSED),  # the second was set 250 ms later, and came sooner out of the queue
        (((0, 0), (100, 20)), FAILED),
        (((0, 0), (100, 10), (200, 20)), FAILED),
        (((0, 50), (100, 0), (400, 10)), PASSED),
        (((0, 50), (100, 0), (200, 50)), FAILED),
    ],
)
def test_a_step_each_250_ms_and_no_more(steps: tuple[tuple[int, int], ...], verdict: str) -> None:
    assert by_hand(*steps).verdict == verdict


@pytest.mark.parametrize(("at_ms", "verdict"), [(190, PASSED), (220, FAILED)])
def test_a_level_is_reached_in_time(at_ms: int, verdict: str) -> None:
    pulses = [SeenPulse((ms * PS_PER_MS, None), None, 30 if ms < at_ms else 10, 2.0) for ms in range(0, 500, 10)]
    assert amplitudes.reaches(0, pulses, 100 * PS_PER_MS, 100 * PS_PER_MS, 10, "down").verdict == verdict


def test_windows_that_were_not_said_are_lost() -> None:
    for total, lost in ((3, False), (4, True)):
        made = Recording(MACHINES, GPIOS, go_us=0, duties=DUTIES)
        words = [frames.plateau(2, 1_000, 1_000), frames.plateau(1, 0, 1)]
        made.take(frames.Frame(frames.LEVELS, 0, frames.of_machine(frames.LEVELS, 0, 0, total, 4, words)))
        assert made.plateaus[4] == [Plateau(0, 2, 1_000, 1_000), Plateau(2, 1, 0, 1)]
        assert [each.partition(":")[0] for each in made.lost] == ["level_a_0"] * lost

"""Captures of right and of wrong sessions, and how they are judged: what the tests of `nmes verify` share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from captures_for_tests import PINS, P, Sampled, pins_of, pulses_of, sampled

from nmes.core import programme
from opennmes.boards import stage_of
from opennmes.measure.captures import Sampling
from opennmes.measure.captures.base import END, PS_PER_S
from opennmes.measure.claims import Claim
from opennmes.measure.seen import read
from opennmes.measure.verify import Report, verify
from opennmes.prescription.timetable import timetable

STAGE = stage_of("pico")
MOST_PPM = 100.0
RATES_HZ = (1_000_000, 4_000_000, 24_000_000, 100_000_000)
PPM = (-50, 50)

PHASE: dict[str, Any] = {
    "name": "on", "rate_mhz": 50_000, "width_us": 200, "gap_us": 100, "work_ms": 200, "rest_ms": 150, "ramp_up_ms": 0,
    "ramp_down_ms": 0, "duration_ms": 1_000,
}  # fmt: skip


def programme_of(*phases: dict[str, Any], channels: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A programme's data, into a resistor."""
    data = {
        "title": "captured",
        "effect": "sensory",
        "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000,
        "phases": list(phases or [PHASE]),
    }
    return {**data, "channels": channels} if channels else data


PLAIN = programme_of()
TWO = programme_of(channels=[{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 3_333}])
UNEQUAL = programme_of(
    {**PHASE, "ratio": 3, "gap_us": 0}, {**PHASE, "name": "next", "width_us": 150, "rate_mhz": 77_000}
)
BURSTS = programme_of({**PHASE, "rate_mhz": 150_000, "burst_pulses": 3, "burst_rate_mhz": 20_000})
SWEEP = programme_of({**PHASE, "change": "sweep", "change_ms": 100, "rate_to_mhz": 90_000, "width_to_us": 300})
SESSIONS = {"plain": PLAIN, "two channels": TWO, "unequal": UNEQUAL, "bursts": BURSTS, "sweep": SWEEP}


class InMemory:
    """A capture as no file has it: the samples themselves."""

    form = "samples"
    path = Path("samples")

    def __init__(self, made: Sampled) -> None:
        self._made = made
        self.signals: Sequence[str] = tuple(made.changes)
        self.sampling = Sampling(made.rate_hz, 1, "the test")

    def edges(self, wanted: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        made = self._made
        found = []
        for place, name in enumerate(wanted):
            value = int(name in made.high)
            yield 0, place, value
            for number, sample in enumerate(made.changes[name]):
                found.append((sample, place, (value + number + 1) % 2))
        for sample, place, value in sorted(found):
            yield sample * PS_PER_S // made.rate_hz, place, value
        yield (made.count - 1) * PS_PER_S // made.rate_hz, END, 0


def judge(made: Sampled, data: dict[str, Any], part: bool = False) -> Report:
    """What is said of samples."""
    capture = InMemory(made)
    expected = timetable(programme.parse(data), STAGE)
    roles = {PINS[name]: name for name in made.changes}
    seen = read(capture, roles, capture.sampling, expected, MOST_PPM)
    return verify(seen, expected, most_ppm=MOST_PPM, part=part)


def claims(report: Report, verdict: str) -> list[str]:
    return [claim.name for claim in report.claims if claim.verdict == verdict]


def claim(report: Report, name: str, channel: int | None = 0) -> Claim:
    return next(each for each in report.claims if each.name == name and each.channel == channel)


# ---- what a wrong firmware does: each makes of the pulses that were asked others ----

Wrong = Callable[[list[P], Fraction], list[P]]


def _one(pulses: list[P], **more: Fraction | int) -> list[P]:
    """The same, with one pulse in the middle changed by so much."""
    at = len(pulses) // 2
    pulse = pulses[at]
    changed = replace(pulse, **{key: getattr(pulse, key) + value for key, value in more.items()})
    return [*pulses[:at], changed, *pulses[at + 1 :]]


def _after(pulses: list[P], us: Fraction | int) -> list[P]:
    at = len(pulses) // 2
    return pulses[:at] + [replace(pulse, begin=pulse.begin + us) for pulse in pulses[at:]]


def _turned(pulses: list[P], at: int) -> list[P]:
    """A pulse whose phase B comes first."""
    pulse = pulses[at]
    b_first = P(pulse.channel, pulse.begin - pulse.b - pulse.gap, 0, 0, pulse.b)
    return [*pulses[:at], b_first, replace(pulse, begin=pulse.begin + pulse.b + pulse.gap, b=0), *pulses[at + 1 :]]


def _train_begins(pulses: list[P]) -> list[int]:
    """The places of pulses that come after a rest."""
    own = [number for number, pulse in enumerate(pulses) if pulse.channel == 0]
    return [b for a, b in itertools.pairwise(own) if pulses[b].begin - pulses[a].begin > 60_000]


def _more(pulses: list[P], *others: P) -> list[P]:
    return sorted([*pulses, *others], key=lambda pulse: pulse.begin)


def _rest_shorter(pulses: list[P], us: int) -> list[P]:
    first = _train_begins(pulses)[0]
    return pulses[:first] + [replace(pulse, begin=pulse.begin - us) for pulse in pulses[first:]]


def _without(pulses: list[P], phase: str) -> list[P]:
    pulse = pulses[len(pulses) // 2]
    return _one(pulses, **{phase: -getattr(pulse, phase)})


def _swapped_phases(pulses: list[P]) -> list[P]:
    found = []
    for p in pulses:
        found += [P(p.channel, p.begin, 0, 0, p.a), P(p.channel, p.begin + p.a + p.gap, p.b, 0, 0)]
    return found


# `more` is what surely shows: two samples, and what the clocks may make of the longest pulse.
WRONG_PULSES: dict[str, Wrong] = {
    "a phase A too long": lambda pulses, more: _one(pulses, a=more),
    "a phase A too short": lambda pulses, more: _one(pulses, a=-more, gap=more),
    "a phase B too long": lambda pulses, more: _one(pulses, b=more),
    "a phase B too short": lambda pulses, more: _one(pulses, b=-more),
    "a gap too long": lambda pulses, more: _one(pulses, gap=more),
    "all phases A too long": lambda pulses, more: [replace(p, a=p.a + more) for p in pulses],
    "a pulse too late": lambda pulses, more: _one(pulses, begin=more + 2),
    "all later from one on": lambda pulses, more: _after(pulses, more + 8),
    "a pulse missing": lambda pulses, more: pulses[: len(pulses) // 2] + pulses[len(pulses) // 2 + 1 :],
    "the first pulse missing": lambda pulses, more: pulses[1:],
    "the last pulse missing": lambda pulses, more: pulses[:-1],
    "a pulse too many": lambda pulses, more: _more(pulses, replace(pulses[4], begin=pulses[4].begin + 3_000)),
    "a pulse too many at the end": lambda pulses, more: _more(
        pulses, replace(pulses[-1], begin=pulses[-1].begin + 20_000)
    ),
    "a rest too short": lambda pulses, more: _rest_shorter(pulses, 20_000),
    "every period too long": lambda pulses, more: [replace(p, begin=p.begin * Fraction(1_001, 1_000)) for p in pulses],
    "phases swapped": lambda pulses, more: _swapped_phases(pulses),
    "B first after a rest": lambda pulses, more: _turned(pulses, _train_begins(pulses)[0]),
    "no phase B": lambda pulses, more: _without(pulses, "b"),
    "no phase A": lambda pulses, more: _without(pulses, "a"),
    "both phases at once": lambda pulses, more: _one(pulses, gap=-pulses[len(pulses) // 2].gap - more),
    "a phase where none is": lambda pulses, more: _more(pulses, P(0, pulses[5].begin + 5_000, more, 0, 0)),
}


def _glitch(made: Sampled, name: str, sample: int) -> Sampled:
    changes = dict(made.changes)
    changes[name] = sorted([*changes[name], sample, sample + 1])
    return replace(made, changes=changes)


def _in_a_rest(made: Sampled) -> int:
    return made.changes["D0"][1] + 3 * made.rate_hz // 1_000


def _in_a_phase(made: Sampled, name: str) -> int:
    first, last = made.changes[name][4], made.changes[name][5]
    return (first + last) // 2


def _swapped(made: Sampled, one: str, other: str) -> Sampled:
    changes = {**made.changes, one: made.changes[other], other: made.changes[one]}
    return replace(made, changes=changes)


def _enable_falls(made: Sampled, sample: int, samples: int) -> Sampled:
    changes = {**made.changes, "D4": sorted([*made.changes["D4"], sample, sample + samples])}
    return replace(made, changes=changes)


# What is done to the samples instead.
WRONG_SAMPLES: dict[str, Callable[[Sampled], Sampled]] = {
    "a sample of A in a rest": lambda made: _glitch(made, "D0", _in_a_rest(made)),
    "a sample of B in a rest": lambda made: _glitch(made, "D1", _in_a_rest(made)),
    "a sample missing in A": lambda made: _glitch(made, "D0", _in_a_phase(made, "D0")),
    "a sample missing in B": lambda made: _glitch(made, "D1", _in_a_phase(made, "D1")),
    "a sample of B in A": lambda made: _glitch(made, "D1", _in_a_phase(made, "D0")),
    "signals swapped": lambda made: _swapped(made, "D0", "D1"),
    "the enable falls in a phase": lambda made: _enable_falls(made, _in_a_phase(made, "D0"), made.rate_hz // 10_000),
    "the enable falls in a rest": lambda made: _enable_falls(made, _in_a_rest(made), made.rate_hz // 1_000),
    "the enable stays": lambda made: replace(made, changes={**made.changes, "D4": made.changes["D4"][:1]}),
    "a sample of the other channel": lambda made: _glitch(made, "D2", _in_a_rest(made)),
}


def surely_seen_us(rate_hz: int) -> Fraction:
    """A time that is wrong by so much is measured so, wherever the samples are."""
    return Fraction(2 * 1_000_000, rate_hz) + Fraction(12, 100)


def right(data: dict[str, Any], rate_hz: int, ppm: int, **more: Any) -> Sampled:
    return sampled(pins_of(data), rate_hz, ppm, **more)


def wrong(name: str, data: dict[str, Any], rate_hz: int, ppm: int, **more: Any) -> Sampled:
    """Samples of a session that is wrong in that way."""
    if name in WRONG_SAMPLES:
        return WRONG_SAMPLES[name](right(data, rate_hz, ppm, **more))
    pulses = WRONG_PULSES[name](pulses_of(data), surely_seen_us(rate_hz))
    return sampled(pins_of(data, pulses), rate_hz, ppm, **more)

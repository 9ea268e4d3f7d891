"""Captures as logic analysers save them, of pins that do what a prescription says, or something else.

The pins come from tests/core_reference/timeline.py, which shares nothing with the walk through a programme that
`nmes verify` judges by.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from timeline import Timeline

LEAD_US = 20_000  # of quiet before the first pulse
TAIL_US = 150_000  # and after the programme's end
MICROSECONDS = 1_000_000
# Signal of a capture: the pin that it is.
PINS = {
    "D0": "phase_a_0", "D1": "phase_b_0", "D2": "phase_a_1", "D3": "phase_b_1", "D4": "enable", "D5": "pump",
    "D6": "level_a_0",
}  # fmt: skip
PWM_US = 8  # 125 kHz


@dataclass(frozen=True)
class P:
    """A pulse on the pins, in microseconds of the device's clock."""

    channel: int
    begin: Fraction | int
    a: Fraction | int
    gap: Fraction | int
    b: Fraction | int


@dataclass
class Pins:
    """What all pins do: the high times of each, by its role, in microseconds of the device's clock."""

    highs: dict[str, list[tuple[Fraction | int, Fraction | int]]] = field(default_factory=dict)
    begin: Fraction | int = -LEAD_US
    end: Fraction | int = 0


def pulses_of(programme: dict[str, Any]) -> list[P]:
    """Every pulse that a programme's data ask for."""
    made = []
    for row in programme.get("channels", [{"channel": 0, "delay_us": 0}]):
        phases = row.get("phases", programme.get("phases"))
        timeline = Timeline(phases)
        for pulse in timeline.plan:
            fields = phases[timeline.trains[pulse.train].phase]
            made.append(
                P(
                    row["channel"],
                    row["delay_us"] + pulse.begin,
                    pulse.width,
                    max(1, fields["gap_us"]),
                    pulse.width * fields.get("ratio", 1),
                )
            )
    return sorted(made, key=lambda pulse: (pulse.begin, pulse.channel))


def duration_us(programme: dict[str, Any]) -> int:
    rows = programme.get("channels", [{"channel": 0, "delay_us": 0}])
    return max(
        row["delay_us"] + 1000 * sum(phase["duration_ms"] for phase in row.get("phases", programme.get("phases")))
        for row in rows
    )


def pins_of(programme: dict[str, Any], pulses: list[P] | None = None, pump: bool = False) -> Pins:
    """The pins of a session: of its pulses, or of others. Both channels' phases and the enable are always there."""
    pulses = pulses_of(programme) if pulses is None else pulses
    over = duration_us(programme)
    pins = Pins(end=over + TAIL_US)
    pins.highs = {role: [] for role in ("phase_a_0", "phase_b_0", "phase_a_1", "phase_b_1")}
    pins.highs["enable"] = [(-3_000, over + 9_000)]
    for pulse in pulses:
        if pulse.a:
            pins.highs[f"phase_a_{pulse.channel}"].append((pulse.begin, pulse.begin + pulse.a))
        if pulse.b:
            begin = pulse.begin + pulse.a + pulse.gap
            pins.highs[f"phase_b_{pulse.channel}"].append((begin, begin + pulse.b))
    if pump:
        pins.highs["pump"] = [(at, at + 5) for at in range(-3_000, over + 9_000, 10)]
    return pins


def with_levels(pins: Pins, pulses: list[P], levels: list[int]) -> Pins:
    """The same with the level of phase A of channel 0, one for each pulse, from 256 us before it on."""
    highs: list[tuple[Fraction | int, Fraction | int]] = []
    for pulse, level in zip(pulses, levels, strict=True):
        begin = pulse.begin - 256 + Fraction(1, 7)
        high = Fraction(PWM_US * level, 1_000)
        for period in range(int(256 + pulse.a + pulse.gap + pulse.b) // PWM_US + 2):
            at = begin + PWM_US * period
            if level and level < 1_000:
                highs.append((at, at + high))
            elif level:
                highs.append((at, at + PWM_US))
    merged: list[tuple[Fraction | int, Fraction | int]] = []
    for rise, fall in highs:
        if merged and merged[-1][1] >= rise:
            merged[-1] = merged[-1][0], fall
        else:
            merged.append((rise, fall))
    pins.highs["level_a_0"] = merged
    return pins


@dataclass(frozen=True)
class Sampled:
    """Pins as an analyser has them: of each signal the samples at which it changes; all begin low unless they are in
    `high`."""

    rate_hz: int
    count: int
    changes: dict[str, list[int]]
    high: frozenset[str]

    def value(self, signal: str, sample: int) -> int:
        before = sum(change <= sample for change in self.changes[signal])
        return (before + (signal in self.high)) % 2

    def without(self, *signals: str) -> Sampled:
        return replace(self, changes={key: value for key, value in self.changes.items() if key not in signals})


def sampled(
    pins: Pins,
    rate_hz: int,
    ppm: int = 0,
    phase: Fraction = Fraction(1, 3),
    begin: Fraction | int | None = None,
    end: Fraction | int | None = None,
) -> Sampled:
    """Pins as they are seen by samples at a rate by a clock that is so much faster than the device's; `phase`: the part
    of a sample by which the first one comes later; `begin` and `end` on the device's clock."""
    begin = pins.begin if begin is None else begin
    end = pins.end if end is None else end
    speed = (1 + Fraction(ppm, 1_000_000)) * Fraction(rate_hz, MICROSECONDS)

    earlier = begin * speed + phase
    per_us, part, early, of = speed.numerator, speed.denominator, earlier.numerator, earlier.denominator

    def sample(us: Fraction | int) -> int:
        """The first sample at which a change at that time is seen: (us - begin) * speed - phase, rounded up."""
        over = us.denominator * part
        return -((early * over - us.numerator * per_us * of) // (over * of))

    count = sample(end)
    changes: dict[str, list[int]] = {}
    high = set()
    for name, role in PINS.items():
        if role not in pins.highs:
            continue
        found: list[int] = []
        for rise, fall in pins.highs[role]:
            first, last = sample(rise), sample(fall)
            if first >= last or last <= 0 or first >= count:
                continue  # between two samples, or outside
            if first <= 0:
                high.add(name)
            elif found and found[-1] == first:
                found.pop()  # no low sample between two highs
            else:
                found.append(first)
            if last < count:
                found.append(last)
        changes[name] = found
    return Sampled(rate_hz, count, changes, frozenset(high))


def write_vcd(made: Sampled, path: Path, names: dict[str, str] | None = None, comment: bool = True) -> Path:
    """As PulseView does, in whole nanoseconds rounded down."""
    codes = {signal: chr(33 + number) for number, signal in enumerate(made.changes)}
    rate = f"{made.rate_hz // 1_000_000} MHz" if made.rate_hz >= 1_000_000 else f"{made.rate_hz // 1000} kHz"
    with open(path, "w") as file:
        if comment:
            file.write(f"$comment\n  Acquisition with {len(codes)}/8 channels at {rate}\n$end\n")
        file.write("$timescale 1 ns $end\n$scope module libsigrok $end\n")
        for signal, code in codes.items():
            file.write(f"$var wire 1 {code} {(names or {}).get(signal, signal)} $end\n")
        file.write("$upscope $end\n$enddefinitions $end\n")
        at: dict[int, list[str]] = {}
        for signal, code in codes.items():
            value = int(signal in made.high)
            at.setdefault(0, []).append(f"{value}{code}")
            for change in made.changes[signal]:
                value = 1 - value
                at.setdefault(change, []).append(f"{value}{code}")
        for sample in sorted(at):
            file.write(f"#{sample * 10**9 // made.rate_hz} {' '.join(at[sample])}\n")
        file.write(f"#{(made.count - 1) * 10**9 // made.rate_hz}\n")
    return path


def write_sr(made: Sampled, path: Path, unitsize: int = 1, chunk: int = 1 << 22, spread: bool = False) -> Path:
    """As PulseView saves a session. `spread`: every other signal in the last byte of a sample."""
    signals = list(made.changes)
    bits = {signal: number for number, signal in enumerate(signals)}
    if spread:
        bits = {s: n + (8 * (unitsize - 1) if n % 2 else 0) for n, s in enumerate(signals)}
    at: dict[int, int] = {}
    for signal in signals:
        for change in made.changes[signal]:
            at[change] = at.get(change, 0) ^ 1 << bits[signal]
    value = sum(1 << bits[signal] for signal in made.high)
    metadata = (
        "[global]\nsigrok version=0.5.2\n\n[device 1]\ncapturefile=logic-1\n"
        f"total probes={8 * unitsize}\nsamplerate={made.rate_hz // 1_000_000} MHz\ntotal analog=0\n"
        + "".join(f"probe{bit + 1}={signal}\n" for signal, bit in bits.items())
        + f"unitsize={unitsize}\n"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("version", "2")
        archive.writestr("metadata", metadata)
        number, left, before = 1, bytearray(), 0
        for change in [*sorted(at), made.count]:
            run = value.to_bytes(unitsize, "little")
            samples = change - before
            while samples:
                take = min(samples, chunk - len(left) // unitsize)
                left += run * take
                samples -= take
                if len(left) == chunk * unitsize:
                    archive.writestr(f"logic-1-{number}", bytes(left))
                    number, left = number + 1, bytearray()
            before = change
            value ^= at.get(change, 0)
        if left:
            archive.writestr(f"logic-1-{number}", bytes(left))
    return path


def write_saleae(made: Sampled, path: Path, old: bool = False) -> Path:
    """As Logic 2 exports, or the Logic before it."""
    signals = list(made.changes)
    at: dict[int, list[str]] = {0: []}
    for signal in signals:
        for change in made.changes[signal]:
            at.setdefault(change, []).append(signal)
    values = {signal: int(signal in made.high) for signal in signals}
    head, comma, digits = ("Time[s]", ", ", 15) if old else ("Time [s]", ",", 9)
    with open(path, "w") as file:
        file.write(comma.join([head, *signals]) + "\n")
        for sample in sorted(at):
            for signal in at[sample]:
                values[signal] = 1 - values[signal]
            whole, part = divmod(sample * 10**digits // made.rate_hz, 10**digits)
            file.write(comma.join([f"{whole}.{part:0{digits}}", *(str(values[s]) for s in signals)]) + "\n")
    return path

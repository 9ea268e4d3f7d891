"""Whether amplitudes keep to the ramps, as far as pins can tell.

The intensity is set by hand, so it is not known. A train in which one constant intensity explains every pulse has its
ramps right. One in which no hand could have done it is wrong: more than the prescription allows, or a rise that is
faster than ramp and hand together. All else is unclear.
"""

from __future__ import annotations

import itertools

from opennmes.measure.claims import FAILED, NOT_CAPTURED, PASSED, UNCLEAR, Claim, counted
from opennmes.measure.expected import Expected, ExpectedChannel, ExpectedPulse
from opennmes.measure.seen import PS_PER_S, SeenPulse

# A calibrated stage has codes that are up to so many levels, and by so much, other than nominal.
OFFSET_MOST = 10
_GAIN_MOST = 1.05
_STEP_UA, _STEP_US = 1_000, 250_000  # by hand: up by at most 1 mA each 250 ms
_AHEAD_US = 100_000  # pulses are queued at most so long before their time, with the intensity of then
_LEAST_LEVELS, _LEAST_STEPS = 10.0, 4.0  # an intensity below that says nothing of a ramp
_WHOLE = 1_000_000

Pair = tuple[SeenPulse, ExpectedPulse]


def claim(index: int, channel: ExpectedChannel, expected: Expected, pairs: list[Pair], begin_ps: int) -> Claim:
    """The claim of one channel's ramps."""
    name, asked = "ramps", "as prescribed"
    levels = [(pulse, at) for pulse, at in pairs if pulse.level is not None]
    if not levels:
        return Claim(name, index, asked, "", "", NOT_CAPTURED)
    step = max(pulse.level_step for pulse, _ in levels) + channel.grain
    bound = f"± {step:.3g} of {expected.levels} levels"
    if step > expected.levels / 20:
        why = "sampled too rarely to see levels: 4 MHz or more"
        return Claim(name, index, asked, "", bound, UNCLEAR, why=why)
    if wrong := _impossible(levels, expected, channel.grain):
        at_s = (wrong[0].start_ps - begin_ps) / PS_PER_S
        return Claim(name, index, asked, wrong[1], bound, FAILED, len(levels), wrong[2], at_s)
    trains = [list(group) for _, group in itertools.groupby(levels, key=lambda pair: pair[1].train)]
    if all(at.envelope_ppm == _WHOLE for _, at in levels):
        return Claim(name, index, asked, "there are none", bound, PASSED, len(levels))
    best = max((sum(_constant(train, channel.grain, offset) for train in trains) for offset in _offsets()), default=0)
    measured = f"{best} of {counted(len(trains), 'train')}"
    if best == len(trains):
        return Claim(name, index, asked, measured, bound, PASSED, len(levels))
    why = (
        f"in {counted(len(trains) - best, 'train')} the intensity was being set by hand, was too small, or the ramps "
        "are wrong: capture while it stays the same"
    )
    return Claim(name, index, asked, measured, bound, UNCLEAR, len(levels), why)


def _offsets() -> list[int]:
    return sorted(range(-OFFSET_MOST, OFFSET_MOST + 1), key=abs)


def _constant(train: list[Pair], grain: int, offset: int) -> bool:
    """Whether one intensity, strong enough to be seen, explains all levels of a train: they are rounded down."""
    least = max(_LEAST_LEVELS, _LEAST_STEPS * max(pulse.level_step for pulse, _ in train))
    if max(pulse.level or 0.0 for pulse, _ in train) < least:
        return False
    low, high = least, float("inf")
    for pulse, at in train:
        assert pulse.level is not None
        level = pulse.level - (offset if pulse.level > pulse.level_step else 0)
        if not at.envelope_ppm:
            if abs(level) > pulse.level_step:
                return False
            continue
        part = at.envelope_ppm / _WHOLE
        low = max(low, (level - pulse.level_step) / part)
        # `envelope_ppm` is itself rounded down.
        hidden = max(0, -offset) if pulse.level <= pulse.level_step else 0  # a code below zero is zero
        high = min(high, (level + pulse.level_step + grain + hidden) / part)
    return low <= high * (1 + 2e-6) and low < float("inf") and high < float("inf")


def _impossible(levels: list[Pair], expected: Expected, grain: int) -> tuple[SeenPulse, str, str] | None:
    """The first pulse that no hand explains, what it has, and why that cannot be."""
    per_ua = expected.levels / expected.full_scale_ua
    allowed = expected.most_ua * per_ua * _GAIN_MOST
    most = float("inf")  # that the intensity may be by now, in levels
    before_us: int | None = None
    steps = 0.0
    for pulse, at in levels:
        assert pulse.level is not None
        slack = pulse.level_step + OFFSET_MOST
        part = at.envelope_ppm / _WHOLE
        if pulse.level > part * allowed + slack:
            text = f"level {pulse.level:.0f}"
            return pulse, text, f"{text} where the prescription allows {part * allowed:.0f} at most"
        if before_us is not None:
            steps = ((at.at_us - before_us + _AHEAD_US) // _STEP_US + 1) * _STEP_UA * per_ua * _GAIN_MOST
        if part <= 0:
            continue
        at_least = (pulse.level - slack) / part
        if before_us is not None and at_least > most + steps:
            text = f"level {pulse.level:.0f}"
            return pulse, text, "it rises faster than the ramp, and 1 mA each 250 ms by hand"
        at_most = (pulse.level + slack + grain) / part
        # From the pulse that bounds it most the hand has had the time since.
        if before_us is None or at_most <= most + steps:
            most, before_us = at_most, at.at_us
    return None

"""What pins have to do, as plain figures: whoever knows a prescription makes it (prescription/timetable.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class ExpectedPulse(NamedTuple):
    """One pulse; times in microseconds, `at_us` on the session's clock."""

    at_us: int
    width_a_us: int
    gap_us: int
    width_b_us: int
    train: int  # of all the channel's trains
    envelope_ppm: int  # the part of the intensity that the ramps leave


@dataclass(frozen=True)
class ExpectedChannel:
    """The pulses of one channel, in order. `grain`: its amplitude goes in so many levels at a time."""

    index: int
    pulses: list[ExpectedPulse]
    grain: int


@dataclass(frozen=True)
class Expected:
    """A whole session, undisturbed: nobody pauses it, stops it or changes its rate."""

    title: str
    channels: list[ExpectedChannel]
    duration_us: int
    most_ua: int  # the largest intensity that the prescription allows
    full_scale_ua: int  # of the output stage, at `levels` of `levels`
    levels: int
    level_period_us: int  # of a level pin's PWM
    pump_half_us: int  # between two edges of the pump

    @property
    def shortest_us(self) -> int:
        """The shortest phase."""
        return min(min(p.width_a_us, p.width_b_us) for channel in self.channels for p in channel.pulses)

    @property
    def longest_us(self) -> int:
        """The longest pulse, from the begin of phase A to the end of phase B."""
        return max(p.width_a_us + p.gap_us + p.width_b_us for channel in self.channels for p in channel.pulses)

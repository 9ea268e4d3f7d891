"""When every pulse of a programme has to come: its schedule as figures that a capture can be judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nmes.core import pulse, train
from nmes.core.programme import Channel, Programme
from opennmes.measure.expected import Expected, ExpectedChannel, ExpectedPulse

# As docs/hardware.md has them: the pump is a square wave of 100 kHz, a level the duty of a PWM of 125 kHz.
PUMP_HALF_US = 5
LEVEL_PERIOD_US = 8
_WHOLE = 1_000_000  # ppm


def timetable(asked: Programme, stage: Mapping[str, Any]) -> Expected:
    """The session that a programme asks for, on an output stage (its facts), by the device's own walk through it."""
    return Expected(
        title=asked.title,
        channels=[ExpectedChannel(channel.index, _pulses(channel), channel.ratio) for channel in asked.channels],
        duration_us=asked.duration_ms * 1000,
        most_ua=min(asked.max_current_ua, stage["full_scale_ua"]),
        full_scale_ua=stage["full_scale_ua"],
        levels=stage["levels"],
        level_period_us=LEVEL_PERIOD_US,
        pump_half_us=PUMP_HALF_US,
    )


def _pulses(channel: Channel) -> list[ExpectedPulse]:
    feed = train.Feed(channel)
    made, number, begin_ms = [], -1, None
    while feed.phase is not None:
        if feed.begin_ms != begin_ms:
            number, begin_ms = number + 1, feed.begin_ms
        made.append(
            ExpectedPulse(
                at_us=channel.delay_us + feed.next_us(),
                width_a_us=feed.width_us,
                gap_us=pulse.gap_delivered_us(feed.phase.gap_us),
                width_b_us=feed.width_us * feed.phase.ratio,
                train=number,
                envelope_ppm=train.envelope(feed.phase, feed.next_ms() - feed.begin_ms, _WHOLE),
            )
        )
        feed.take()
    return made

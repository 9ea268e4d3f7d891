"""The biofeedback input and the hand switch, on a stage that has them: loaded for no other.

The input is the current sense of the channel that such a stage does not have. While phases are sampled it takes that
channel's turns in the round of conversions (sampler.py), so its latest result lies in memory; else it is converted when
it is asked for. The pad's pull-down holds it low while nothing drives it: 50 to 80 kOhm (datasheet 5.5.3.4), against at
most 10 kOhm that a sensor has.
"""

import time

from machine import Pin, mem16, mem32
from micropython import const

from nmes.hal.rp2 import registers as reg

_FULL_MV = const(3_300)
_COUNTS = const(4_096)
_SETTLE_US = const(1_000)  # twelve times what 80 kOhm and 1 nF of cable take
_FLOATS_MV = const(1_000)  # twice what the pull-up adds to a sensor of 10 kOhm


class Biofeedback:
    """`pin` is the input, in the place of `channel` of `converter`; `adc` converts it while that one stands still."""

    def __init__(self, pin, channel, switch, converter, adc):
        self._pin = pin
        self._mask = 1 << channel
        self._word_at = converter.word_at(channel)
        self._converter = converter
        self._counts = adc.counts
        self._switch = Pin(switch, Pin.IN, Pin.PULL_UP)
        self._pad = reg.PADS_BANK0_BASE + reg.PAD0 + reg.PAD * pin
        self._pull(reg.PAD_PULL_UP, reg.PAD_PULL_DOWN)

    def _pull(self, off, on):
        mem32[self._pad + reg.CLEAR] = off
        mem32[self._pad + reg.SET] = on

    def listen(self, on):
        """From the next `sense` on the input is sampled too, or not."""
        self._converter.beside = self._mask if on else 0

    def signal_mv(self):
        """What is at the input, in mV."""
        counts = mem16[self._word_at] if self._converter.mask & self._mask else self._counts(self._pin)
        return counts * _FULL_MV // _COUNTS

    def signal_floats(self):
        """Whether it follows the pad's pulls."""
        before_mv = self.signal_mv()
        self._pull(reg.PAD_PULL_DOWN, reg.PAD_PULL_UP)
        time.sleep_us(_SETTLE_US)
        after_mv = self.signal_mv()
        self._pull(reg.PAD_PULL_UP, reg.PAD_PULL_DOWN)
        return after_mv - before_mv >= _FLOATS_MV

    def switch_closed(self):
        """Whether the switch pulls its pin to ground."""
        return self._switch.value() == 0

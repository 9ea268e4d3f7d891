"""The RP2040 with a biofeedback input, a hand switch, a trigger input and a sync output, for a stage that has them:
loaded for no other.

The input is the current sense of the first channel that such a stage does not have. While phases are sampled it takes
that channel's turns in the round of conversions (sampler.py), so its latest result lies in memory; else it is converted
when it is asked for. The pad's pull-down holds it low while nothing drives it: 50 to 80 kOhm (datasheet 5.5.3.4),
against at most 10 kOhm that a sensor has.
"""

import time

import rp2
from machine import Pin, mem16, mem32
from micropython import const

from nmes.hal.rp2 import hal
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip
from nmes.hal.rp2.sync_pio import SYNC, sync
from nmes.hal.rp2.trigger_input import TriggerInput

_FULL_MV = const(3_300)
_COUNTS = const(4_096)
_SETTLE_US = const(1_000)  # twelve times what 80 kOhm and 1 nF of cable take
_FLOATS_MV = const(1_000)  # twice what the pull-up adds to a sensor of 10 kOhm


class Hal(hal.Hal):
    # What every turn calls is found at once, and not only in the class below.
    now_ms = hal.Hal.now_ms
    wait_ms = hal.Hal.wait_ms
    _send = hal.Hal._send

    def __init__(self, board, stage):
        hal.Hal.__init__(self, board, stage)
        channel = stage["channels"]
        self._signal_pin = self._pins["sense_current"][channel]
        self._signal_mask = 1 << channel
        self._signal_at = self._converter.word_at(channel)
        self._switch = Pin(self._pins["hand_switch"], Pin.IN, Pin.PULL_UP)
        self._trigger = TriggerInput(self.channels[0], self._pins["trigger_input"])
        self._sync_pin = Pin(self._pins["sync_output"])
        self._outputs.append(self._sync_pin)  # every `all_off` makes it low
        self._sync = rp2.StateMachine(SYNC, sync)
        self._pad = chip.PADS_BASE + reg.PADS_GPIO0 + reg.PADS_PIN * self._signal_pin
        self._pull(reg.PADS_PULL_UP, reg.PADS_PULL_DOWN)

    def _pull(self, off, on):
        mem32[self._pad + reg.CLEAR] = off
        mem32[self._pad + reg.SET] = on

    def permit(self, longest_us):
        super().permit(longest_us)
        phase_a = Pin(self._pins["channels"][0]["phase_a"])
        self._sync.init(sync, freq=reg.CPU_HZ, in_base=phase_a, out_base=self._sync_pin)
        self._sync.active(1)

    def all_off(self):
        hal.Hal.all_off(self)
        self._sync.active(0)

    def listen(self, on):
        self._converter.beside = self._signal_mask if on else 0

    def signal_mv(self):
        if self._converter.mask & self._signal_mask:
            counts = mem16[self._signal_at]
        else:
            counts = self._adc.counts(self._signal_pin)
        return counts * _FULL_MV // _COUNTS

    def signal_floats(self):
        before_mv = self.signal_mv()
        self._pull(reg.PADS_PULL_DOWN, reg.PADS_PULL_UP)
        time.sleep_us(_SETTLE_US)
        after_mv = self.signal_mv()
        self._pull(reg.PADS_PULL_UP, reg.PADS_PULL_DOWN)
        return after_mv - before_mv >= _FLOATS_MV

    def switch_closed(self):
        return self._switch.value() == 0

    def trigger_high(self):
        return self._trigger.is_high()

    def hold(self):
        return self._trigger.hold()

    def wait_for_edge(self):
        return self._trigger.wait_for_edge()

    def let_go(self):
        return self._trigger.let_go()

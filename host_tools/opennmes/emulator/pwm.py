"""PWM slices that run on as they are: an alarm knows when it is due again, and an edge that changes no pin is no work.

A slice that is enabled wraps and compares some 375 000 times in a simulated second, most of the time at a duty of 0.
"""

from __future__ import annotations

from collections.abc import Callable

from rp2040py.irq import IRQ
from rp2040py.peripherals.dma import DREQChannel
from rp2040py.peripherals.pwm import CSR_A_INV, CSR_B_INV, CSR_PH_CORRECT, PWMChannel
from rp2040py.rp2040 import RP2040
from rp2040py.utils.timer32 import Timer32PeriodicAlarm, TimerMode

FREE_TOP = 0xFFFFFFFF  # of a timer that has none
PENDING = 1 << IRQ.PWM_WRAP


def quicken_pwm(mcu: RP2040) -> None:
    """Let the slices of `mcu`, none of which runs, cost less from here on."""
    for channel in mcu.pwm.channels:
        callbacks = (_compared(channel, 0), _compared(channel, 1), _wrapped(channel))
        alarms = (channel.alarm_a, channel.alarm_b, channel.alarm_bottom)
        for alarm, callback in zip(alarms, callbacks, strict=True):
            alarm.__class__ = SteadyAlarm
            alarm.callback = callback
            alarm._clock_alarm = mcu.clock.create_alarm(alarm._handle_alarm)


class SteadyAlarm(Timer32PeriodicAlarm):
    """A periodic alarm that works out its period once, for as long as nobody changes its timer or its target."""

    _worked_out_for: tuple[float, ...] = ()
    _period_nanos = 0.0

    def _handle_alarm(self) -> None:
        self.callback()
        timer = self.timer
        if not (self._enabled and timer._enabled):
            return
        now = (timer._base_value, timer._base_nanos, timer._top_value, timer._prescaler_value, timer._timer_mode,
               timer._base_freq, self._target_value)  # fmt: skip
        if now == self._worked_out_for:
            self._clock_alarm.schedule(self._period_nanos)
            return
        self._schedule()
        if (
            timer._timer_mode == TimerMode.INCREMENT
            and self._target_value <= timer._top_value < FREE_TOP
            and timer.raw_counter == self._target_value
        ):
            self._worked_out_for = now
            self._period_nanos = timer.to_nanos(timer._top_value + 1)


def _compared(channel: PWMChannel, side: int) -> Callable[[], None]:
    """What output A or B does when the counter comes to its level: it falls, if it is not low."""
    set_it, inverted, pins = _side(channel, side)
    pwm = channel.pwm

    def falls() -> None:
        if pwm.gpio_value & pins or channel.csr & inverted:
            set_it(False)

    return falls


def _wrapped(channel: PWMChannel) -> Callable[[], None]:
    """What a slice does at the end of its period."""
    pwm, mcu, index = channel.pwm, channel.pwm.rp2040, channel.index
    raw, request = 1 << index, DREQChannel.DREQ_PWM_WRAP0 + index
    sides = [(*_side(channel, side), (channel.alarm_a, channel.alarm_b)[side]) for side in (0, 1)]

    def told() -> bool:
        """Whether interrupt and DMA have heard of a wrap already and need not hear of another."""
        return bool(
            pwm._int_raw & raw
            and not (pwm._int_enable or pwm._int_force)
            and not mcu.core.pending_interrupts & PENDING
            and mcu.dma.dreq.get(request)
        )

    def wraps() -> None:
        if not told():
            pwm.channel_interrupt(index)
        if channel.cc_updated or channel.top_updated:
            channel._update_double_buffered()
        if not channel.csr & CSR_PH_CORRECT:
            for set_it, inverted, pins, alarm in sides:
                if alarm._target_value > 0 or pwm.gpio_value & pins or channel.csr & inverted:
                    set_it(alarm._target_value > 0)

    return wraps


def _side(channel: PWMChannel, side: int) -> tuple[Callable[[bool], None], int, int]:
    """How output A (0) or B (1) of a slice is set, the bit that inverts it, and its pins."""
    if side == 0:
        return channel.set_a, CSR_A_INV, _pins(channel.pin_a1, channel.pin_a2)
    return channel.set_b, CSR_B_INV, _pins(channel.pin_b1, channel.pin_b2)


def _pins(first: int, second: int) -> int:
    return 1 << first | (1 << second if second >= 0 else 0)

"""PWM slices that run on as they are: an alarm knows when it is due again, and an edge that changes no pin is no work.

A slice that is enabled wraps and compares some 375 000 times in a simulated second. pwm.pxd has the types by which
`make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from typing import Any

from rp2040py.irq import IRQ
from rp2040py.peripherals.dma import DREQChannel
from rp2040py.peripherals.pwm import CSR_A_INV, CSR_B_INV, CSR_PH_CORRECT, INTR, RPPWM, PWMChannel
from rp2040py.rp2040 import RP2040
from rp2040py.utils.timer32 import Timer32PeriodicAlarm, TimerMode

FREE_TOP = 0xFFFFFFFF  # of a timer that has none
PENDING = 1 << IRQ.PWM_WRAP


def quicken_pwm(mcu: RP2040) -> None:
    """Let the slices of `mcu`, none of which runs, cost less from here on."""
    mcu.pwm.__class__ = QuickPwm
    wraps = []
    for channel in mcu.pwm.channels:
        sides = [_Side(channel, channel.alarm_a, CSR_A_INV, (channel.pin_a1, channel.pin_a2)),
                 _Side(channel, channel.alarm_b, CSR_B_INV, (channel.pin_b1, channel.pin_b2))]  # fmt: skip
        for side in sides:
            SteadyAlarm(side.alarm, side)
        wraps.append(_Wrap(channel, sides))
        SteadyAlarm(channel.alarm_bottom, wraps[-1])
    mcu.pwm._wraps = wraps  # type: ignore[attr-defined]


class QuickPwm(RPPWM):
    """The slices, which tell their wraps when somebody has written to what a wrap sets or interrupts by."""

    def write_uint32(self, offset: int, value: int) -> None:
        super().write_uint32(offset, value)
        if offset >= INTR:
            for wrap in self._wraps:  # type: ignore[attr-defined]
                wrap.forget()


class _Event:
    """What an alarm is for."""

    def happens(self) -> None:
        raise NotImplementedError

    def is_spare(self) -> bool:
        """Whether the slice's wrap does the same at the same instant, as long as nobody changes timer or target."""
        return False


class SteadyAlarm:
    """Takes a periodic alarm's place on the clock; works out its period once, for as long as nobody changes its timer
    or its target."""

    def __init__(self, alarm: Timer32PeriodicAlarm, event: _Event) -> None:
        self._alarm = alarm
        self._timer = alarm.timer
        self._event = event
        self._period_nanos = 0.0  # 0: to be worked out
        self._clock: Any = alarm.timer.clock
        self._clock_alarm = self._clock.create_alarm(self._due)
        alarm._clock_alarm = self._clock_alarm
        alarm._schedule = self._schedule  # type: ignore[method-assign]
        alarm._cancel = self._cancel  # type: ignore[method-assign]

    def _due(self) -> None:
        self._event.happens()
        # Whatever changes the timer or the target calls _schedule, and what stops them _cancel: with neither the alarm,
        # which the clock has just taken out, is not with the clock.
        if self._period_nanos:
            if not self._event.is_spare():
                self._clock.link_alarm(self._period_nanos, self._clock_alarm)
            return
        alarm, timer = self._alarm, self._timer
        if not (alarm._enabled and timer._enabled):
            return
        self._schedule()
        if (
            timer._timer_mode == TimerMode.INCREMENT
            and alarm._target_value <= timer._top_value < FREE_TOP
            and timer.raw_counter == alarm._target_value
        ):
            self._period_nanos = timer.to_nanos(timer._top_value + 1)

    def _schedule(self) -> None:
        self._period_nanos = 0.0
        Timer32PeriodicAlarm._schedule(self._alarm)

    def _cancel(self) -> None:
        self._period_nanos = 0.0
        self._clock_alarm.cancel()


class _Side(_Event):
    """Output A or B of a slice, whose counter comes to its level."""

    def __init__(self, channel: PWMChannel, alarm: Timer32PeriodicAlarm, inverts: int, pins: tuple[int, int]) -> None:
        self.alarm = alarm
        self._channel = channel
        self._pwm = channel.pwm
        self._inverts = inverts  # the bit of CSR
        self._pins = [(1 << pin, channel.pwm.rp2040.gpio[pin]) for pin in pins if pin >= 0]
        self._mask = sum([bit for bit, _ in self._pins])

    def happens(self) -> None:
        self.set(False)

    def is_spare(self) -> bool:
        return self.alarm._target_value == 0  # in a period that counts up, SteadyAlarm has no other

    def set(self, high: bool) -> None:
        """What the slice's own set_a and set_b do."""
        pwm = self._pwm
        if self._channel.csr & self._inverts:
            high = not high
        before = pwm.gpio_value
        if before & self._mask == (self._mask if high else 0):
            return
        for bit, pin in self._pins:
            pwm.gpio_value = pwm.gpio_value | bit if high else pwm.gpio_value & ~bit
            pin.check_for_updates()


class _Wrap(_Event):
    """The end of a slice's period."""

    def __init__(self, channel: PWMChannel, sides: list[_Side]) -> None:
        self._channel = channel
        self._pwm = channel.pwm
        self._mcu = channel.pwm.rp2040
        self._core = self._mcu.core
        self._raw = 1 << channel.index
        self._request = DREQChannel.DREQ_PWM_WRAP0 + channel.index
        self._a, self._b = sides
        self._is_heard = False

    def forget(self) -> None:
        """The next wrap looks again at who has heard of one."""
        self._is_heard = False

    def happens(self) -> None:
        channel = self._channel
        if not (self._is_heard and not self._core.pending_interrupts & PENDING):
            self._is_heard = self._is_told()
            if not self._is_heard:
                self._pwm.channel_interrupt(channel.index)
        if channel.cc_updated or channel.top_updated:
            channel._update_double_buffered()
        if not channel.csr & CSR_PH_CORRECT:
            self._a.set(self._a.alarm._target_value > 0)
            self._b.set(self._b.alarm._target_value > 0)

    def _is_told(self) -> bool:
        """Whether interrupt and DMA have heard of a wrap already and need not hear of another. A write to the registers
        of interrupts changes that, and an interrupt that is pending: rp2040py never takes a wrap's request back."""
        pwm = self._pwm
        return bool(
            pwm._int_raw & self._raw
            and not (pwm._int_enable or pwm._int_force)
            and not self._core.pending_interrupts & PENDING
            and self._mcu.dma.dreq.get(self._request)
        )

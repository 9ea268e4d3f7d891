"""PWM slices that run on as they are: an alarm knows when it is due again, and an edge that changes no pin is no work.

A slice that is enabled wraps and compares some 375 000 times in a simulated second. One that nobody has touched for
some periods is not simulated at all, where all who listen to its pins may be told of the edges later (watcher.py):
until CPU or DMA writes to PWM, to what its pins show, or to the interrupt that a wrap could end.

pwm.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from rp2040py.irq import IRQ
from rp2040py.peripherals.dma import DREQChannel
from rp2040py.peripherals.ppb import NVIC_ISPR, RPPPB
from rp2040py.peripherals.pwm import (
    CSR_A_INV,
    CSR_B_INV,
    CSR_PH_CORRECT,
    EN,
    INTR,
    RPPWM,
    PWMChannel,
)
from rp2040py.rp2040 import RP2040
from rp2040py.utils.timer32 import Timer32PeriodicAlarm, TimerMode

from opennmes.emulator.watcher import COMPILED, FUNCTION, LONGEST_ROUND_NANOS, Wave, may_wave

FREE_TOP = 0xFFFFFFFF  # of a timer that has none
PENDING = 1 << IRQ.PWM_WRAP
SLICE_BYTES = 0x14  # of registers
FUNCTION_PWM = 4  # of a pin's CTRL
FEWEST_WRAPS = 4  # after a change, before a slice is not simulated: who measures its duty has seen it by then
SOME_WRAPS = 64  # until a slice that may not be left is looked at again
FOR_EVER = 1 << 40  # rounds


def quicken_pwm(mcu: RP2040, wanted: Callable[[], bool]) -> QuickPwm:
    """Let the slices of `mcu`, none of which runs, cost less from here on; `wanted`: whether they need not be simulated
    while they run on as they are."""
    mcu.pwm.__class__ = QuickPwm
    mcu.ppb.__class__ = QuickPpb
    wraps = []
    for channel in mcu.pwm.channels:
        sides = [_Side(channel, channel.alarm_a, CSR_A_INV, (channel.pin_a1, channel.pin_a2)),
                 _Side(channel, channel.alarm_b, CSR_B_INV, (channel.pin_b1, channel.pin_b2))]  # fmt: skip
        wrap = _Wrap(channel, sides, wanted)
        wrap.alarms = [SteadyAlarm(side.alarm, side) for side in sides]
        for side, alarm in zip(sides, wrap.alarms, strict=True):
            side.steady = alarm
        wrap.alarms.append(SteadyAlarm(channel.alarm_bottom, wrap))
        wraps.append(wrap)
    quick: Any = mcu.pwm
    quick._wraps = wraps
    return cast("QuickPwm", quick)


class QuickPwm(RPPWM):
    """The slices, which tell their wraps when somebody has written to what a wrap sets or interrupts by."""

    def tell(self, now_nanos: float) -> None:
        """Tell of the edges up to now of pins that are not simulated."""
        for wrap in self._wraps:  # type: ignore[attr-defined]
            wrap.tell(now_nanos)

    def leave_waves(self, pin: int | None) -> None:
        """Tell of the edges of a pin, or of all, up to now, and simulate the next ones."""
        for wrap in self._wraps:  # type: ignore[attr-defined]
            if pin is None or wrap.has(pin):
                wrap.unpark()

    def write_uint32(self, offset: int, value: int) -> None:
        for wrap in self._wraps if offset >= EN else self._wraps[offset // SLICE_BYTES :][:1]:  # type: ignore[attr-defined]
            wrap.unpark()
        super().write_uint32(offset, value)
        if offset >= INTR:
            for wrap in self._wraps:  # type: ignore[attr-defined]
                wrap.forget()


class QuickPpb(RPPPB):
    """The NVIC, where software can make an interrupt pending that the next wrap ends."""

    def write_uint32(self, offset: int, value: int) -> None:
        if offset == NVIC_ISPR:
            self.rp2040.pwm.leave_waves(None)  # type: ignore[attr-defined]
        super().write_uint32(offset, value)


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
        self._clock: Any = channel.clock
        self.steady: Any = None  # its alarm
        self._low_nanos = 0.0  # from a wrap to its edge, while the slice is parked; 0: it has none
        self._shown: list[Any] = []  # the pins that show it

    def happens(self) -> None:
        self.set(False)

    def is_spare(self) -> bool:
        return self.alarm._target_value == 0  # in a period that counts up, SteadyAlarm has no other

    def may_park(self, now: float, period: float) -> bool:
        """Whether nobody needs its edges, at a wrap of its slice."""
        steady = self.steady
        self._low_nanos = 0.0
        if not 0 < self.alarm._target_value <= self.alarm.timer._top_value:
            return True
        self._low_nanos = at = steady._clock_alarm.nanos - now
        if steady._period_nanos != period or not 0 < at < period:
            return False  # it has not come by yet since somebody changed it
        self._shown = []
        for bit, pin in self._pins:
            if pin.ctrl & FUNCTION == FUNCTION_PWM:
                if not self._pwm.gpio_direction & bit or not may_wave(pin):
                    return False
                self._shown.append(pin)
        return True

    def park(self, now: float, period: float, waves: list[Wave]) -> None:
        """Its edges are those of waves from now on; there are none where it is never low, or never high."""
        at = self._low_nanos
        if not at:
            return
        self._clock.unlink_alarm(self.steady._clock_alarm)
        high = 0 if self._channel.csr & self._inverts else 1
        edges = [(at, 1 - high), (period, high)]
        for pin in self._shown:
            waves.append(Wave(list(pin._listeners), edges, now, period, 0.0))

    def resume(self, since: float, period: float) -> None:
        """Its edges are simulated again; the slice wrapped `since` nanoseconds ago."""
        at = self._low_nanos
        if not at:
            return
        high = (since < at) != bool(self._channel.csr & self._inverts)
        pwm = self._pwm
        pwm.gpio_value = pwm.gpio_value | self._mask if high else pwm.gpio_value & ~self._mask
        for pin in self._shown:
            pin._last_state = 1 if high else 0
        self._clock.link_alarm(at - since if since < at else at - since + period, self.steady._clock_alarm)

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

    def __init__(self, channel: PWMChannel, sides: list[_Side], wanted: Callable[[], bool]) -> None:
        self._clock: Any = channel.clock
        self._channel = channel
        self._pwm = channel.pwm
        self._mcu = channel.pwm.rp2040
        self._core = self._mcu.core
        self._raw = 1 << channel.index
        self._request = DREQChannel.DREQ_PWM_WRAP0 + channel.index
        self._a, self._b = sides
        self._is_heard = False
        self._wanted = wanted
        self.alarms: list[SteadyAlarm] = []  # of both sides, and its own
        self._unchanged = 0  # wraps
        self._parked = False
        self._waves: list[Wave] = []  # while it is parked
        self._begin_nanos = self._period_nanos = 0.0  # of the wrap at which it was parked

    def is_spare(self) -> bool:
        return self._parked

    def has(self, pin: int) -> bool:
        """Whether the slice may be on the pin."""
        return (self._a._mask | self._b._mask) >> pin & 1 != 0

    def tell(self, now_nanos: float) -> None:
        """Tell of the edges up to now that are not simulated."""
        for wave in self._waves:
            wave.catch_up(now_nanos, FOR_EVER)

    def unpark(self) -> None:
        """Simulate the slice again, from where it is now."""
        self._unchanged = 0
        if not self._parked:
            return
        self._parked = False
        now = self._clock.nanos
        for wave in self._waves:
            wave.end(now, FOR_EVER)
        since = (now - self._begin_nanos) % self._period_nanos  # the last wrap
        for side in (self._a, self._b):
            side.resume(since, self._period_nanos)
        alarm: SteadyAlarm = self.alarms[2]
        self._clock.link_alarm(self._period_nanos - since, alarm._clock_alarm)
        self._waves = []

    def _park(self) -> None:
        """Simulate the slice no more, which wraps now, if nobody needs it."""
        self._unchanged = FEWEST_WRAPS - SOME_WRAPS
        alarm: SteadyAlarm = self.alarms[2]
        now, period = self._clock.nanos, alarm._period_nanos
        if not (COMPILED and period and self._wanted()) or period % 1.0 or period > LONGEST_ROUND_NANOS:
            return
        for side in (self._a, self._b):
            if not side.may_park(now, period):
                return
        self._parked = True
        self._begin_nanos, self._period_nanos = now, period
        for side in (self._a, self._b):
            side.park(now, period, self._waves)

    def forget(self) -> None:
        """The next wrap looks again at who has heard of one."""
        self._is_heard = False

    def happens(self) -> None:
        channel = self._channel
        if not (self._is_heard and not self._core.pending_interrupts & PENDING):
            self._is_heard = self._is_told()
            if not self._is_heard:
                self._pwm.channel_interrupt(channel.index)
        self._unchanged += 1
        if channel.cc_updated or channel.top_updated:
            channel._update_double_buffered()
            self._unchanged = 0
        if not channel.csr & CSR_PH_CORRECT:
            self._a.set(self._a.alarm._target_value > 0)
            self._b.set(self._b.alarm._target_value > 0)
        if self._unchanged >= FEWEST_WRAPS and self._is_heard:
            self._park()

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

"""Permission to be on: taken away by PIO programs of the other block, without the CPU. See guard_pio.py.

The enable pin is static and falls within a microsecond; the pump is a square wave that stands still within a lease.
The stage needs both, so a pin stuck at either level is not enough.
"""

import rp2
from machine import Pin, mem32
from micropython import const

from nmes.core import faults
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.guard_pio import (
    HIGH_ROUND_CYCLES,
    LEASE_HZ,
    LEASE_ROUND_US,
    LEASE_TRIPPED_AT,
    SAFE_LINE_TRIPPED_AT,
    lease,
    safe_line,
    watch,
)

# Of its own, apart from core/pulse.py: no phase is ever longer, whatever is asked.
_PHASE_MOST_US = const(1000)
_LEASE_US = const(90_000)
_CYCLES_PER_US = const(125)
_SET_PINS_0 = const(0xE000)
_SET_PINS_1 = const(0xE001)
_MOV_ISR_OSR = const(0xA0C7)
_PULL_BLOCK = const(0x80A0)
_FLAG_OVER_LONG = const(1 << 4)
_FLAG_BOTH = const(1 << 5)
_FLAG_TOO_CLOSE = const(1 << 6)
_EDGE_LOW = const(4)

# Block 1: two for `watch`, one for each of the others.
_WATCH = const(4)
_SAFE_LINE = const(6)
_LEASE = const(7)


class Guard:
    """Watches the phase pins of all channels and the safe line of `pins` (a board's table)."""

    def __init__(self, pins):
        self._pins = pins
        self._enable = pins["enable"]
        self._safe = Pin(pins["safe_line"], Pin.IN, Pin.PULL_DOWN)
        self._stop_loop = Pin(pins["stop_loop"], Pin.IN, Pin.PULL_DOWN)
        self._watchers = [rp2.StateMachine(_WATCH + i, watch) for i in range(len(pins["channels"]))]
        self._safe_line = rp2.StateMachine(_SAFE_LINE, safe_line)
        self._lease = rp2.StateMachine(_LEASE, lease)
        self._on = False
        self._irq = reg.PIO1_BASE + reg.PIO_IRQ
        self._ctrl_clear = reg.PIO1_BASE + reg.PIO_CTRL + reg.CLEAR
        self._safe_pc = reg.PIO1_BASE + reg.PIO_SM0_ADDR + 2 * reg.PIO_SM
        self._lease_pc = reg.PIO1_BASE + reg.PIO_SM0_ADDR + 3 * reg.PIO_SM
        # Whether the loop was open for however short a time: the pin's own latch of falling edges (2.19.6.1, INTR).
        pin = pins["stop_loop"]
        self._latch = reg.IO_BANK0_BASE + reg.IO_INTR0 + 4 * (pin >> 3)
        self._latch_bit = _EDGE_LOW << 4 * (pin & 7)
        self._safe_at = 0
        self._lease_at = 0

    def is_safe(self):
        """True when emergency stop and comparator both allow it now."""
        return self._safe.value() == 1 and self._stop_loop.value() == 1

    def begin(self, longest_us):
        """Watch, and give permission. `longest_us`: the longest phase of the session, at most 1000.

        The caller has asked `is_safe`; a safe line that falls meanwhile takes permission away again at once.
        """
        self.halt()
        longest_us = min(longest_us, _PHASE_MOST_US)
        # The pin is looked at in the last round too, and a phase of just `longest_us` must be over by then.
        limit = -(-longest_us * _CYCLES_PER_US // HIGH_ROUND_CYCLES)
        enable = Pin(self._enable)
        mem32[self._irq] = _FLAG_OVER_LONG | _FLAG_BOTH | _FLAG_TOO_CLOSE
        mem32[self._latch] = self._latch_bit
        for machine, channel in zip(self._watchers, self._pins["channels"]):
            a, b = Pin(channel["phase_a"]), Pin(channel["phase_b"])
            machine.init(watch, freq=125_000_000, in_base=b, jmp_pin=a, set_base=enable)
            machine.put(limit)
            machine.exec(_PULL_BLOCK)
            machine.exec(_MOV_ISR_OSR)
        self._safe_line.init(safe_line, freq=125_000_000, in_base=self._safe, set_base=enable)
        self._safe_at = mem32[self._safe_pc] & 0x1F
        self._lease.init(lease, freq=LEASE_HZ, sideset_base=Pin(self._pins["pump"]), set_base=enable)
        self._lease_at = mem32[self._lease_pc] & 0x1F
        self.renew()
        for machine in self._watchers:
            machine.active(1)
        self._lease.active(1)
        # Set first, watched after: the other order would leave a line that has just fallen without effect.
        self._safe_line.exec(_SET_PINS_1)
        self._safe_line.active(1)
        self._on = True

    def renew(self):
        """The lease runs anew from now. Allocates nothing."""
        if self._lease.tx_fifo() == 0:
            self._lease.put(_LEASE_US // LEASE_ROUND_US)

    def tripped(self):
        """0, or the fault for which permission was taken away. Allocates nothing."""
        if not self._on:
            return 0
        flags = mem32[self._irq]
        if flags & _FLAG_OVER_LONG:
            return faults.PHASE_TOO_LONG
        if flags & _FLAG_BOTH:
            return faults.BOTH_PHASES
        if flags & _FLAG_TOO_CLOSE:
            return faults.PULSES_TOO_CLOSE
        if mem32[self._safe_pc] == self._safe_at + SAFE_LINE_TRIPPED_AT:
            return faults.EMERGENCY_STOP if mem32[self._latch] & self._latch_bit else faults.OVER_CURRENT
        if mem32[self._lease_pc] == self._lease_at + LEASE_TRIPPED_AT:
            return faults.LEASE_LOST
        return 0

    def halt(self):
        """No permission. The caller makes the pins plain outputs after; until then they are low."""
        self._on = False
        self._safe_line.active(0)
        self._safe_line.exec(_SET_PINS_0)
        self._lease.active(0)
        for machine in self._watchers:
            machine.active(0)

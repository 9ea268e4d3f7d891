"""The output stage's permission: PIO programs of the other block take it away, without the CPU. See guard_pio.py.

The enable pin is static and falls within a microsecond; the pump is a square wave that stands still within a lease.
The stage needs both, so a pin stuck at either level is not enough.
"""

import time
from array import array

import rp2
from machine import Pin, mem32

from nmes.core import faults
from nmes.core.compiler import const, micropython, ptr32
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip
from nmes.hal.rp2.guard_pio import (
    HIGH_ROUND_CYCLES,
    INTERLOCK_TRIPPED_AT,
    LEASE_HZ,
    LEASE_ROUND_US,
    LEASE_TRIPPED_AT,
    interlock,
    lease,
    watch,
)

# Of its own, apart from core/pulse.py: no phase is ever longer, whatever is asked.
_PHASE_MOST_US = const(1000)
_LEASE_US = const(90_000)
_LEASE_ROUNDS = _LEASE_US // LEASE_ROUND_US
_CYCLES_PER_US = reg.CPU_HZ // 1_000_000
_FLAG_OVER_LONG = const(1 << 4)
_FLAG_BOTH = const(1 << 5)
_FLAG_TOO_CLOSE = const(1 << 6)
# For the proof.
_SHORT_LIMIT_US = const(50)
_SHORT_LEASE_US = const(1_000)
_PROOF_US = const(300)
_LIMIT_US = const(500)  # some calls of Python long, and as long must both pins have been low first

# Block 1: two for `watch`, one for each of the others.
_WATCH = const(4)
_INTERLOCK = const(6)
_LEASE = const(7)

# Fields of `_at`: what `tripped` needs.
_ON = const(0)  # 1 from `begin` to `halt`
_IRQ = const(1)  # where registers are, and what the machines' program counters are when they have tripped
_SAFE_PC = const(2)
_SAFE_TRIPPED = const(3)
_LEASE_PC = const(4)
_LEASE_TRIPPED = const(5)
_LATCH = const(6)
_LATCH_BIT = const(7)
_LEVELS = const(8)
_HIGH = const(9)
_FIELDS = const(10)


class Guard:
    """Watches the phase pins of all channels and the interlock of `pins` (a board's table)."""

    def __init__(self, pins):
        self._pins = pins
        self._enable = pins["enable"]
        self._enable_pin = Pin(pins["enable"])
        self._safe = Pin(pins["interlock"], Pin.IN, Pin.PULL_DOWN)
        self._stop_loop = Pin(pins["stop_loop"], Pin.IN, Pin.PULL_DOWN)
        self._watchers = [rp2.StateMachine(_WATCH + i, watch) for i in range(len(pins["channels"]))]
        self._interlock = rp2.StateMachine(_INTERLOCK, interlock)
        self._lease = rp2.StateMachine(_LEASE, lease)
        self._irq = reg.PIO1_BASE + reg.PIO_IRQ
        self._safe_pc = reg.PIO1_BASE + reg.PIO_SM0_ADDR + 2 * reg.PIO_SM
        self._lease_pc = reg.PIO1_BASE + reg.PIO_SM0_ADDR + 3 * reg.PIO_SM
        # Whether loop and line were open for however short a time: the pins' own latches of falling edges (2.19.6.1,
        # INTR).
        self._latch, self._latch_bit = _latch_of(pins["stop_loop"])
        self._line_latch, self._line_latch_bit = _latch_of(pins["interlock"])
        at = self._at = array("I", [0] * _FIELDS)
        at[_IRQ] = self._irq
        at[_SAFE_PC] = self._safe_pc
        at[_LEASE_PC] = self._lease_pc
        at[_LATCH] = self._latch
        at[_LATCH_BIT] = self._latch_bit
        at[_LEVELS] = reg.SIO_GPIO_IN
        at[_HIGH] = 1 << pins["enable"] | 1 << pins["interlock"] | 1 << pins["stop_loop"]

    def is_safe(self):
        """True when emergency stop and comparator both allow it now."""
        return self._safe.value() == 1 and self._stop_loop.value() == 1

    def forget_openings(self):
        """From now on `opened` tells of any opening of the interlock."""
        mem32[self._latch] = self._latch_bit
        mem32[self._line_latch] = self._line_latch_bit

    def opened(self):
        """0, or the fault for which the interlock is open, or was since `forget_openings`, however shortly."""
        if mem32[self._latch] & self._latch_bit or not self._stop_loop.value():
            return faults.EMERGENCY_STOP
        if mem32[self._line_latch] & self._line_latch_bit or not self._safe.value():
            return faults.OVER_CURRENT
        return 0

    def enabled(self):
        """True when the enable pin is high, as it is read back. Allocates nothing."""
        return self._enable_pin.value() == 1

    def begin(self, longest_us, lease_us=_LEASE_US):
        """Watch, and give permission. `longest_us`: the longest phase of the session, at most 1000.

        The caller has asked `is_safe`. While the interlock is low permission is taken away again at once; whether it
        fell and rose again before, `opened` tells.
        """
        self.halt()
        longest_us = min(longest_us, _PHASE_MOST_US)
        # The pin is looked at in the last round too, and a phase of just `longest_us` must be over by then.
        limit = -(-longest_us * _CYCLES_PER_US // HIGH_ROUND_CYCLES)
        enable = Pin(self._enable)
        mem32[self._irq] = _FLAG_OVER_LONG | _FLAG_BOTH | _FLAG_TOO_CLOSE
        for machine, channel in zip(self._watchers, self._pins["channels"]):
            a, b = Pin(channel["phase_a"]), Pin(channel["phase_b"])
            machine.init(watch, freq=reg.CPU_HZ, in_base=b, jmp_pin=a, set_base=enable)
            machine.put(limit)
            machine.exec(reg.PULL_BLOCK)
            machine.exec(reg.MOV_ISR_OSR)
        self._interlock.init(interlock, freq=reg.CPU_HZ, in_base=self._safe, set_base=enable)
        self._at[_SAFE_TRIPPED] = (mem32[self._safe_pc] & reg.PIO_ADDR) + INTERLOCK_TRIPPED_AT
        self._lease.init(lease, freq=LEASE_HZ, sideset_base=Pin(self._pins["pump"]), set_base=enable)
        self._at[_LEASE_TRIPPED] = (mem32[self._lease_pc] & reg.PIO_ADDR) + LEASE_TRIPPED_AT
        self._lease.put(lease_us // LEASE_ROUND_US)
        for machine in self._watchers:
            machine.active(1)
        self._lease.active(1)
        # Set first, watched after: the other order would leave a line that has just fallen without effect.
        self._interlock.exec(reg.SET_PINS_1)
        self._interlock.active(1)
        self._at[_ON] = 1

    def renew(self):
        """Begin the lease anew. Allocates nothing."""
        if self._lease.tx_fifo() == 0:
            self._lease.put(_LEASE_ROUNDS)

    @micropython.viper
    def permitted(self) -> bool:
        """Whether enable, interlock and stop loop are high, as SIO reads them. Allocates nothing."""
        at = ptr32(self._at)
        levels, high = ptr32(at[_LEVELS]), at[_HIGH]
        return (levels[0] & high) == high

    @micropython.viper
    def tripped(self) -> int:
        """0, or the fault for which permission was taken away. Allocates nothing."""
        at = ptr32(self._at)
        if at[_ON] == 0:
            return 0
        irq, safe_pc, lease_pc = ptr32(at[_IRQ]), ptr32(at[_SAFE_PC]), ptr32(at[_LEASE_PC])
        flags = irq[0]
        if flags & _FLAG_OVER_LONG:
            return int(faults.PHASE_TOO_LONG)
        if flags & _FLAG_BOTH:
            return int(faults.BOTH_PHASES)
        if flags & _FLAG_TOO_CLOSE:
            return int(faults.PULSES_TOO_CLOSE)
        if safe_pc[0] == at[_SAFE_TRIPPED]:
            latch = ptr32(at[_LATCH])
            return int(faults.EMERGENCY_STOP) if latch[0] & at[_LATCH_BIT] else int(faults.OVER_CURRENT)
        if lease_pc[0] == at[_LEASE_TRIPPED]:
            return int(faults.LEASE_LOST)
        return 0

    def try_guard(self):
        """Self-test, at rest only. Returns the first cause that failed to take permission away, in words, or an empty
        text. Takes some 30 ms.

        Nothing is driven: the pins' input override (2.19.6.1, INOVER), which PIO reads through, shows the guard phases
        and an open line that are not there. So its programs, the enable pin and the way between are proven; the wires
        to the emergency stop are not.
        """
        self.forget_openings()
        forced = [self._pins["interlock"]]
        for channel in self._pins["channels"]:
            forced += [channel["phase_a"], channel["phase_b"]]
        every = range(len(self._pins["channels"]))
        for prove, indices in (
            (self._prove_lease, (0,)),
            (self._prove_interlock, (0,)),
            (self._prove_over_long, every),
            (self._prove_both, every),
            (self._prove_too_close, every),
        ):
            for index in indices:
                try:
                    wanted = prove(index)
                    time.sleep_us(_PROOF_US)
                    found, still_on = self.tripped(), self.enabled()
                finally:
                    for pin in forced:
                        self._show(pin, 0)
                    self.halt()
                if still_on or found != wanted:
                    cause = faults.name(wanted)
                    return "%s, channel %d: enable %d, cause %d" % (cause, index, still_on, found)
        return ""

    def _show(self, pin, override):
        """What the guard sees of a pin: IO_INPUT_HIGH, IO_INPUT_LOW, or 0 for what it is."""
        ctrl = chip.IO_BANK0_BASE + reg.IO_CTRL0 + reg.IO_PIN * pin
        mem32[ctrl + reg.CLEAR] = reg.IO_INPUT_HIGH
        if override:
            mem32[ctrl + reg.SET] = override

    def _prove_begin(self, longest_us, lease_us=_LEASE_US):
        self.begin(longest_us, lease_us)
        if not self.enabled():
            raise OSError("the enable pin does not go high")

    def _prove_lease(self, _):
        self._prove_begin(_PHASE_MOST_US, _SHORT_LEASE_US)
        time.sleep_us(_SHORT_LEASE_US)
        return faults.LEASE_LOST

    def _prove_interlock(self, _):
        self._prove_begin(_PHASE_MOST_US)
        self._show(self._pins["interlock"], reg.IO_INPUT_LOW)
        return faults.OVER_CURRENT  # the loop itself is closed

    def _prove_over_long(self, index):
        self._prove_begin(_SHORT_LIMIT_US)
        self._show(self._pins["channels"][index]["phase_a"], reg.IO_INPUT_HIGH)
        return faults.PHASE_TOO_LONG

    def _prove_both(self, index):
        self._prove_begin(_LIMIT_US)
        time.sleep_us(_LIMIT_US)
        self._show(self._pins["channels"][index]["phase_a"], reg.IO_INPUT_HIGH)
        self._show(self._pins["channels"][index]["phase_b"], reg.IO_INPUT_HIGH)
        return faults.BOTH_PHASES

    def _prove_too_close(self, index):
        self._prove_begin(_LIMIT_US)
        time.sleep_us(_LIMIT_US)
        a = self._pins["channels"][index]["phase_a"]
        self._show(a, reg.IO_INPUT_HIGH)
        self._show(a, 0)
        self._show(a, reg.IO_INPUT_HIGH)
        return faults.PULSES_TOO_CLOSE

    def halt(self):
        """Take permission away. The caller makes the pins plain outputs after; until then they are low."""
        self._at[_ON] = 0
        self._interlock.active(0)
        self._interlock.exec(reg.SET_PINS_0)
        self._lease.active(0)
        for machine in self._watchers:
            machine.active(0)


def _latch_of(pin):
    """Where a pin's latch of falling edges is: (address, bit); writing the bit clears it."""
    register, place = pin // reg.IO_INTR_PINS, pin % reg.IO_INTR_PINS
    return chip.IO_BANK0_BASE + chip.IO_INTR0 + 4 * register, reg.IO_EDGE_LOW << reg.IO_INTR_BITS * place

"""Current and voltage in the middle of every phase of one channel and in the rest after them, without the CPU.

    PIO at mid-phase --start DMA--> ADC converts the current --current DMA--> ring
                      then --next DMA--> ADC converts the voltage --voltage DMA--> ring, and back to the start DMA

Four DMA channels in a circle, each one transfer long and started by the one before. Every conversion names its input,
so nothing can slip: a pair is a pair, whatever was lost before it. One ADC and twelve DMA channels (two generators
take six) are why there is one sampler, for one channel at a time.

The ring holds 256 pairs, 85 pulses: 170 ms at 500 Hz. Who does not look for longer has lost its lease (guard.py,
90 ms).
"""

from array import array

import rp2
from machine import ADC, Pin, mem32
from micropython import const
from uctypes import addressof

from nmes.core import pulse
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.sampler_pio import (
    CONVERSION_CYCLES,
    CYCLE_CLOCKS,
    CYCLES_PER_US,
    OVERHEAD_CYCLES,
    SAMPLES,
    sample,
)

_SM = const(2)  # of block 0, whose first two are the generators
_PAIRS_MASK = const(255)
_RING_BYTES = const(1024)
_RING_SIZE = const(10)
_START = const(1 << 2 | 1)  # ADC enabled, one conversion
_INPUT_SHIFT = const(12)
_FIRST_ADC_PIN = const(26)
# One result, and the FIFO asks DMA to take it.
_FCS = const(1 << 24 | 1 << 3 | 1)
_MOV_Y_OSR = const(0xA047)
_PULL_BLOCK = const(0x80A0)


class Sampler:
    """Serves the channel with `phase_a` (phase B its neighbour); `current` and `voltage` are its sense pins."""

    def __init__(self, phase_a, current, voltage):
        self._phase_a = phase_a
        self._sm = rp2.StateMachine(_SM, sample)
        for pin in (current, voltage):
            ADC(Pin(pin))  # digital input and pulls off
        self._start_current = _START | current - _FIRST_ADC_PIN << _INPUT_SHIFT
        self._start_voltage = array("I", [_START | voltage - _FIRST_ADC_PIN << _INPUT_SHIFT])
        # Each ring starts at a multiple of its size, which the heap does not promise.
        self._raw = bytearray(3 * _RING_BYTES)
        self._currents_at = (addressof(self._raw) + _RING_BYTES - 1) & ~(_RING_BYTES - 1)
        self._voltages_at = self._currents_at + _RING_BYTES
        self._dmas = [rp2.DMA() for _ in range(4)]
        self._abort_bits = 0
        for dma in self._dmas:
            self._abort_bits |= 1 << reg.channel_of(dma)
        # Addresses above 2^30 are objects on the heap: made here once.
        self._abort = reg.DMA_BASE + reg.DMA_ABORT
        self._ctrls = [reg.DMA_BASE + reg.channel_of(dma) * reg.DMA_CHANNEL + reg.DMA_CTRL for dma in self._dmas]
        self._voltage_write = reg.DMA_BASE + reg.channel_of(self._dmas[3]) * reg.DMA_CHANNEL + reg.DMA_WRITE_ADDR
        self._rxf = reg.PIO0_BASE + reg.PIO_RXF0 + 4 * _SM
        self._taken = 0  # pulses, since begin

    def begin(self, width_us):
        """Nothing measured yet; from now on every phase, `width_us` / 2 after it begins."""
        self.halt()
        self._taken = 0
        phase_a, phase_b = Pin(self._phase_a), Pin(self._phase_a + 1)
        self._sm.init(sample, freq=125_000_000 // CYCLE_CLOCKS, in_base=phase_a, jmp_pin=phase_b)
        mem32[reg.ADC_BASE + reg.ADC_FCS] = _FCS
        fifo = reg.ADC_BASE + reg.ADC_FIFO
        while mem32[reg.ADC_BASE + reg.ADC_FCS] & reg.ADC_FCS_LEVEL:
            _ = mem32[fifo]
        cs = reg.ADC_BASE + reg.ADC_CS
        start, current, following, voltage = self._dmas
        self._link(start, self._rxf, cs, 4 + _SM, current)
        self._link(current, fifo, self._currents_at, reg.TREQ_ADC, following, True)
        self._link(following, addressof(self._start_voltage), cs, reg.TREQ_PERMANENT, voltage)
        self._link(voltage, fifo, self._voltages_at, reg.TREQ_ADC, start, True)
        start.active(1)
        self._sm.put(self._start_current)
        self._sm.exec(_PULL_BLOCK)
        self._sm.exec(_MOV_Y_OSR)
        self._sm.put(width_us * CYCLES_PER_US // 2 - CONVERSION_CYCLES - OVERHEAD_CYCLES)
        self._sm.exec(_PULL_BLOCK)
        self._sm.active(1)

    def _link(self, dma, read, write, treq, then, ring=False):
        """One word from `read` to `write` when `treq` asks for it, then the turn of `then`."""
        dma.config(
            read=read,
            write=write,
            count=1,
            ctrl=dma.pack_ctrl(
                size=2,
                inc_read=False,
                inc_write=ring,
                ring_sel=True,
                ring_size=_RING_SIZE if ring else 0,
                treq_sel=treq,
                chain_to=reg.channel_of(then),
                irq_quiet=True,
            ),
        )

    def measured(self):
        """Pulses measured whole and not taken yet. Allocates nothing."""
        pairs = (mem32[self._voltage_write] - self._voltages_at >> 2) - SAMPLES * self._taken
        return (pairs & _PAIRS_MASK) // SAMPLES

    def take(self, into):
        """The oldest pulse measured, into a `pulse.MEASURED` array. Allocates nothing."""
        pair = SAMPLES * self._taken
        at = (pair & _PAIRS_MASK) * 4
        into[pulse.CURRENT_A] = mem32[self._currents_at + at]
        into[pulse.VOLTAGE_A] = mem32[self._voltages_at + at]
        at = (pair + 1 & _PAIRS_MASK) * 4
        into[pulse.CURRENT_B] = mem32[self._currents_at + at]
        into[pulse.VOLTAGE_B] = mem32[self._voltages_at + at]
        at = (pair + 2 & _PAIRS_MASK) * 4
        into[pulse.CURRENT_REST] = mem32[self._currents_at + at]
        self._taken += 1

    def pulses_taken(self):
        """Pulses taken since begin."""
        return self._taken

    def halt(self):
        """No more conversions."""
        self._sm.active(0)
        mem32[self._abort] = self._abort_bits
        for ctrl in self._ctrls:
            while mem32[ctrl] & reg.DMA_BUSY:
                pass

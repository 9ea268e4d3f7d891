"""Current and voltage in the middle of every phase and in the rest after them, of every channel, without the CPU.

    Converter   table of ADC inputs --select DMA--> ADC --result DMA--> one word a channel, and back to the select DMA
    Sampler     PIO at mid-phase --ask DMA--> keep DMA: the channel's word --> ring

There is one ADC, and the channels pulse independently of each other. So the ADC free-runs round-robin: the current of
one channel, the voltage, then the same for the other channel if it is used. A word of each channel holds its latest
results, the current in the lower half; in the middle of a phase that word is copied. Each conversion names its input,
and the select DMA and the result DMA start each other: no result can end in another's place, and if one of them stood
still both would, which `runs` tells.

    # One conversion takes 2 us (96 cycles of 48 MHz, 4.9.2) and some 0.1 us until the next has begun. Its input was
    # sampled 2.1 us before the result is there, and the next of the same input comes a round later: 2 conversions with
    # one channel, 4 with two. What is kept was sampled 2.1 to 6.3 us before, or 2.1 to 10.5 us. It is kept 4 or 6 us
    # after the middle, so it is what was within 3 or 5 us of it; all of it lies within a phase of at least 10 or 14 us.

These and the generators (three each) take all twelve DMA channels. A ring holds 256 words, 85 pulses: 170 ms at
500 Hz. A firmware that takes none for longer has lost its lease (guard.py, 90 ms).
"""

from array import array

import rp2
from machine import ADC, Pin, mem32
from uctypes import addressof

from nmes.core import pulse
from nmes.core.compiler import const, micropython, ptr8, ptr16, ptr32
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip
from nmes.hal.rp2.dma import EVER, HALF, WORD, Dma
from nmes.hal.rp2.sampler_pio import CYCLE_CLOCKS, CYCLES_IN_12_US, OVERHEAD_CYCLES, sample

_FIRST_SM = const(2)  # of block 0, whose first two are the generators
_TABLE_BYTES = const(16)  # of two channels: current and voltage of each, a word each
_TABLE_SIZE = const(3)  # of one channel, as a power of two; the ring of the select DMA
_RESULTS_SIZE = const(2)  # the same, a half each; the ring of the result DMA
_LATE_ONE_US = const(4)
_LATE_TWO_US = const(6)
_RING_SIZE = const(10)  # as a power of two
RING_BYTES = const(1 << _RING_SIZE)
_RING_MASK = const(RING_BYTES // 4 - 1)
_LOOKS = const(12)
# The numbers of a pulse, as core/pulse.py has them: the compiler puts in only what stands in the same file.
# tests/architecture/test_constants.py holds them to those.
_CURRENT_A = const(4)
_VOLTAGE_A = const(5)
_CURRENT_B = const(6)
_VOLTAGE_B = const(7)
_CURRENT_REST = const(8)
_NUMBERS = const(9)
_WORDS = const(3)  # of the ring a pulse: sampler_pio.SAMPLES
_HALVES = const(6)  # of a record, as pulse.RECORD_HALVES says
_SLOTS_MASK = const(63)  # of the generator's places, which are a power of two


def _conversion_of(pin):
    """What CS is set to for a conversion of that pin."""
    return reg.ADC_CONVERT | pin - reg.ADC_FIRST_PIN << reg.ADC_INPUT_SHIFT


class Converter:
    """Has the ADC convert the senses round-robin: `currents` of channel 0 and 1, and the one `voltage`, all pins."""

    def __init__(self, currents, voltage):
        for pin in tuple(currents) + (voltage,):
            ADC(Pin(pin))  # digital input and pulls off
        self._currents = [_conversion_of(pin) for pin in currents]
        self._voltage = _conversion_of(voltage)
        self.mask = 0  # of the channels whose inputs are converted
        self.beside = 0  # of a channel whose input is, from the next `begin` on, although it has no pulses
        # Each ring starts at a multiple of its size, which the heap does not promise.
        self._raw = bytearray(3 * _TABLE_BYTES)
        self._table_at = (addressof(self._raw) + _TABLE_BYTES - 1) & ~(_TABLE_BYTES - 1)
        self._results_at = self._table_at + _TABLE_BYTES
        self._select = Dma()
        self._select_at = self._select.at(reg.DMA_READ_ADDR)
        self._result = Dma()

    def begin(self, mask):
        """Convert the senses of the channels of `mask` (bit 0: channel 0), and what is `beside`, from now on."""
        self.halt()
        mask |= self.beside
        self.mask = mask
        fifo, fcs = chip.ADC_BASE + reg.ADC_FIFO, chip.ADC_BASE + reg.ADC_FCS
        mem32[fcs] = reg.ADC_FCS_TO_DMA
        while not mem32[chip.ADC_BASE + reg.ADC_CS] & reg.ADC_READY:
            pass
        while mem32[fcs] & reg.ADC_FCS_LEVEL:
            _ = mem32[fifo]
        channels = [channel for channel in (0, 1) if mask & 1 << channel]
        for place, channel in enumerate(channels):
            mem32[self._table_at + 8 * place] = self._currents[channel]
            mem32[self._table_at + 8 * place + 4] = self._voltage
            mem32[self.word_at(channel)] = 0
        select, result = self._select, self._result
        cs = chip.ADC_BASE + reg.ADC_CS
        sizes = len(channels) - 1  # twice as many, twice the rings
        select.config(self._table_at, cs, 1, WORD, reg.TREQ_PERMANENT, result, read_ring=_TABLE_SIZE + sizes)
        first = self.word_at(channels[0])
        result.config(fifo, first, 1, HALF, chip.TREQ_ADC, select, write_ring=_RESULTS_SIZE + sizes)
        select.dma.active(1)

    def word_at(self, channel):
        """The address of a channel's latest results: current in the lower half, voltage in the upper."""
        return self._results_at + 4 * channel

    def runs(self):
        """True while conversions keep coming. Allocates nothing."""
        read_at = self._select_at
        first = mem32[read_at]
        for look in range(_LOOKS):  # each a little later than the one before: else it might be just a round later
            for _ in range(look):
                pass
            if mem32[read_at] != first:
                return True
        return False

    def halt(self):
        """No more conversions."""
        self.mask = 0
        self._select.halt()
        self._result.halt()


# Fields of `_at`: what `take` needs.
_TAKEN = const(0)  # pulses, since begin
_WRITE = const(1)  # where the register is that says where the ring is written next
_RING = const(2)  # where the ring begins
_RECORDS = const(3)  # what the generator plays, and of each of its places which record it holds
_RECORD_OF = const(4)
_MOST = const(5)
_FIELDS = const(6)


class Sampler:
    """Serves channel `index`, with `phase_a` (phase B its neighbour), out of `converter`; `generator` plays it. Its
    ring is at `ring_at`, a multiple of RING_BYTES."""

    def __init__(self, index, phase_a, converter, generator, ring_at):
        self._phase_a = phase_a
        self._sm = rp2.StateMachine(_FIRST_SM + index, sample)
        self._treq = reg.TREQ_PIO0_RX0 + _FIRST_SM + index
        self._rxf = reg.PIO0_BASE + reg.PIO_RXF0 + 4 * (_FIRST_SM + index)
        self._word_at = converter.word_at(index)
        self._ring_at = ring_at
        self._ask = Dma()
        self._keep = Dma()
        at = self._at = array("I", [0] * _FIELDS)
        at[_WRITE] = self._keep.at(reg.DMA_WRITE_ADDR)
        at[_RING] = self._ring_at
        at[_RECORDS] = generator.records_at
        at[_RECORD_OF] = addressof(generator.record_of)
        at[_MOST] = pulse.TAKE_MOST

    def begin(self, width_us, alone):
        """Sample every phase from now on, `width_us` / 2 after it begins. `alone`: no other channel is sampled."""
        self.halt()
        self._at[_TAKEN] = 0
        phase_a, phase_b = Pin(self._phase_a), Pin(self._phase_a + 1)
        self._sm.init(sample, freq=reg.CPU_HZ // CYCLE_CLOCKS, in_base=phase_a, jmp_pin=phase_b)
        ask, keep = self._ask, self._keep
        keep.config(self._word_at, self._ring_at, 1, WORD, reg.TREQ_PERMANENT, keep, write_ring=_RING_SIZE)
        ask.config(self._rxf, keep.at(reg.DMA_READ_ADDR_TRIG), EVER, WORD, self._treq, ask)
        ask.dma.active(1)
        self._sm.put(self._word_at)
        self._sm.exec(reg.PULL_BLOCK)
        self._sm.exec(reg.MOV_Y_OSR)
        late_us = _LATE_ONE_US if alone else _LATE_TWO_US
        self._sm.put((width_us + 2 * late_us) * CYCLES_IN_12_US // 24 - OVERHEAD_CYCLES)
        self._sm.exec(reg.PULL_BLOCK)
        self._sm.active(1)

    @micropython.viper
    def take(self, into: ptr16) -> int:
        """Move pulses that have been measured, the oldest first and at most TAKE_MOST, into `into`, MEASURED numbers
        each: what was sensed comes from the ring, what was set from the record that the pulse was played from.
        Returns how many. Allocates nothing."""
        at = ptr32(self._at)
        write = ptr32(at[_WRITE])
        ring = ptr32(at[_RING])
        records = ptr16(at[_RECORDS])
        record_of = ptr8(at[_RECORD_OF])
        number = at[_TAKEN]
        count = ((write[0] - at[_RING] >> 2) - _WORDS * number & _RING_MASK) // _WORDS
        if count > at[_MOST]:
            count = at[_MOST]
        to = 0
        word = _WORDS * number
        for _ in range(count):
            a = ring[word & _RING_MASK]
            b = ring[word + 1 & _RING_MASK]
            into[to + _CURRENT_A] = a & 0xFFFF
            into[to + _VOLTAGE_A] = a >> 16
            into[to + _CURRENT_B] = b & 0xFFFF
            into[to + _VOLTAGE_B] = b >> 16
            into[to + _CURRENT_REST] = ring[word + 2 & _RING_MASK] & 0xFFFF
            pulse.what_was_set(records, record_of[number & _SLOTS_MASK] * _HALVES, into, to)
            number += 1
            word += _WORDS
            to += _NUMBERS
        at[_TAKEN] = number
        return count

    def halt(self):
        """Sample nothing more."""
        self._sm.active(0)
        self._ask.halt()
        self._keep.halt()

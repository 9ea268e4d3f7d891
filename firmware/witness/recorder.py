"""State machines that count, DMA that keeps what they say in a ring each, and the reading of the rings.

All eight state machines and eight of the DMA channels are in use. A ring is read long before it is full; if it was
not, or a machine had to wait, the heartbeat says so, and goes on saying it.

    # Rings: 512 words for a pin, 0.25 s of 1000 pulses a second; 8192 for the pump, 41 ms of its 200 000 changes a
    # second. A turn of the main loop comes every 2 ms; the collector takes up to 10 ms. In a recording of levels there
    # is no pump: each of the four levels has a fourth of its ring, 49 ms of 41 600 windows a second.
"""

import time
from array import array

import micropython
import rp2
from machine import Pin, mem32
from micropython import const
from uctypes import addressof

from witness.edges_pio import LOOKS, MOV_X_ALL_ONES, PULL, duty, edges

TYPE_CHECKING = False
if TYPE_CHECKING:  # what the compiler of machine code calls a pointer

    class ptr32:
        def __init__(self, at): ...
        def __getitem__(self, place): ...
        def __setitem__(self, place, value): ...


_CPU_HZ = const(125_000_000)
_DMA = const(0x50000000)  # RP2040 datasheet 2.5.7
_DMA_STEP = const(0x40)
_DMA_COUNT = const(0x08)
_DMA_ABORT = const(0x444)
_DMA_CTRL = const(0x10)
_PIO0 = const(0x50200000)  # 3.7
_PIO1 = const(0x50300000)
_FDEBUG = const(0x08)
_RXF0 = const(0x20)
_TREQ_RX0 = (4, 12)  # of block 0 and 1 (2.5.3.1)
_TIMERAWL = const(0x40054028)  # 4.6.5, microseconds
_GPIO_IN = const(0xD0000004)  # 2.3.1.7
_EVER = const(0x3FFFFFFF)  # words; of the pump, 89 minutes
_RING_BITS = const(11)  # bytes, as a power of two
_PUMP_RING_BITS = const(15)
_LEVEL_RING_BITS = const(13)

# Fields of a reader.
_COUNT_AT = const(0)  # where the register is that says how many words are still to come
_RING_AT = const(1)
_MASK = const(2)
_TAKEN = const(3)  # words
_LOST = const(4)
# And of the pump's.
_LAST = const(5)  # its last word
_FIELDS = const(6)

_STRETCH_WORDS = const(6)
_STRETCHES_MOST = const(40)
WORDS_MOST = 500  # in a frame
# A half of the pump's wave that is longer ends a stretch: 20 us.
_LONG_ROUNDS = const(1_250)
# Windows of a level that are taken at once, 10 ms of them: fewer make more frames than USB has room for.
_WINDOWS_LEAST = const(400)
_PLATEAUS_MOST = const(500)
_COUNT_SHIFT = const(12)  # of a plateau's word, see witness_frames.py
_SPREAD_SHIFT = const(10)


class Recorder:
    """Records the pins of `wires` (a pin for each machine's number), `pump` being the number of the pump's; or those of
    `with_levels`, `levels` being the numbers of levels. `begin` says which; `wires` are those that are recorded."""

    def __init__(self, wires, pump, with_levels, levels, go):
        self._edges = wires
        self._pump = pump
        self._with_levels = with_levels
        self._level_numbers = levels
        self.wires = wires
        self.pump = pump
        self.duties = ()  # the numbers of levels, while they are recorded
        self._go = Pin(go, Pin.OUT, value=0)
        self._machines = {}
        self._dmas = {}
        self._readers = {}
        self._arena = bytearray((1 << _PUMP_RING_BITS) * 2 + (8 << _RING_BITS))
        begin = addressof(self._arena)
        at = begin + (1 << _RING_BITS) - 1 & ~((1 << _RING_BITS) - 1)
        pump_at = begin + (1 << _PUMP_RING_BITS) - 1 & ~((1 << _PUMP_RING_BITS) - 1)
        level_at = pump_at
        for number in set(wires) | set(with_levels):
            if number == pump:
                self._add(number, pump_at, _PUMP_RING_BITS)
            elif number in wires:
                if at + (1 << _RING_BITS) > pump_at and at < pump_at + (1 << _PUMP_RING_BITS):
                    at = pump_at + (1 << _PUMP_RING_BITS)
                self._add(number, at, _RING_BITS)
                at += 1 << _RING_BITS
            if number in levels:
                self._add(number, level_at, _LEVEL_RING_BITS, level=True)
                level_at += 1 << _LEVEL_RING_BITS
        self.overrun = 0  # a bit for each machine, until the next `begin`
        self.stalled = 0
        self.runs = False

    def _add(self, number, ring_at, bits, level=False):
        if number not in self._machines:
            self._machines[number] = rp2.StateMachine(number)  # type: ignore[call-arg]
            self._dmas[number] = rp2.DMA()
        reader = self._readers[(number, level)] = array("I", [0] * _FIELDS)
        channel = self._dmas[number].channel  # type: ignore[attr-defined]
        reader[_COUNT_AT] = _DMA + _DMA_STEP * channel + _DMA_COUNT
        reader[_RING_AT] = ring_at
        reader[_MASK] = (1 << bits - 2) - 1

    def _reader(self, number):
        return self._readers[(number, number in self.duties)]

    def begin(self, levels=False):
        """Record from now on; `levels`: phases and levels, and nothing else. Returns when that is, by the clock of
        `us`."""
        self.halt()
        self._go.value(0)
        self.overrun = self.stalled = 0
        self.wires = self._with_levels if levels else self._edges
        self.pump = -1 if levels else self._pump
        self.duties = self._level_numbers if levels else ()
        for number, gpio in self.wires.items():
            machine, dma, reader = self._machines[number], self._dmas[number], self._reader(number)
            block = number // 4
            if number in self.duties:
                machine.init(duty, freq=_CPU_HZ, jmp_pin=Pin(gpio))
                machine.put(LOOKS - 1)
                machine.exec(PULL)
            else:
                machine.init(edges, freq=_CPU_HZ, jmp_pin=Pin(gpio))
                machine.exec(MOV_X_ALL_ONES)
            for field in range(_TAKEN, _FIELDS):
                reader[field] = 0
            dma.config(
                read=(_PIO1 if block else _PIO0) + _RXF0 + 4 * (number % 4),
                write=reader[_RING_AT],
                count=_EVER,
                ctrl=dma.pack_ctrl(
                    size=2,
                    inc_read=False,
                    inc_write=True,
                    ring_sel=True,
                    ring_size=_bits(reader[_MASK]),
                    treq_sel=_TREQ_RX0[block] + number % 4,
                    irq_quiet=True,
                ),
                trigger=True,
            )
            machine.active(1)
        mem32[_PIO0 + _FDEBUG] = mem32[_PIO1 + _FDEBUG] = 0x0F0F0F0F
        time.sleep_us(50)  # until every machine waits
        begun = self.us()
        self._go.value(1)
        self.runs = True
        return begun

    def halt(self):
        """Record nothing more."""
        self.runs = False
        for number in self._machines:
            self._machines[number].active(0)
            channel = self._dmas[number].channel  # type: ignore[attr-defined]
            mem32[_DMA + _DMA_STEP * channel + _DMA_CTRL] = channel << 11
            mem32[_DMA + _DMA_ABORT] = 1 << channel

    def us(self):
        """The witness's clock, 32 bits of microseconds."""
        return mem32[_TIMERAWL]

    def levels(self):
        """All the pins, a bit each."""
        return mem32[_GPIO_IN]

    def look(self):
        """Note which machines had to wait (RXSTALL of FDEBUG)."""
        self.stalled |= mem32[_PIO0 + _FDEBUG] & 0xF | (mem32[_PIO1 + _FDEBUG] & 0xF) << 4

    def take(self, number, into):
        """Move what a machine has said into `into`, at most WORDS_MOST words; of the pump six for each stretch, of a
        level one for each plateau. Returns how many words were put there; `total` says how many changes, or windows,
        there have been."""
        reader = self._reader(number)
        if number == self.pump:
            count = _stretches(reader, into)  # type: ignore[arg-type]
        elif number in self.duties:
            count = _plateaus(reader, into)  # type: ignore[arg-type]
        else:
            count = _words(reader, into, WORDS_MOST)  # type: ignore[arg-type]
        if reader[_LOST]:
            self.overrun |= 1 << number
        return count

    def total(self, number):
        """How many changes of a pin, or windows of a level, were taken."""
        return self._reader(number)[_TAKEN]


def _bits(mask):
    """The size of a ring in bytes, as a power of two, by the mask of its words."""
    bits = 2
    while mask:
        mask >>= 1
        bits += 1
    return bits


@micropython.viper
def _words(reader_: ptr32, into: ptr32, most: int) -> int:
    count_at = ptr32(reader_[_COUNT_AT])
    ring = ptr32(reader_[_RING_AT])
    mask = int(reader_[_MASK])
    taken = int(reader_[_TAKEN])
    # The count goes down when a transfer begins, and its word is in memory some cycles later: before it is read here.
    count = int(_EVER) - int(count_at[0]) - taken
    if count > most:
        count = most
    for number in range(count):
        into[number] = ring[(taken + number) & mask]
    # What was written over while it was read would look like any other word.
    if int(_EVER) - int(count_at[0]) - taken > mask:
        reader_[_LOST] = 1
    reader_[_TAKEN] = taken + count
    return count


@micropython.viper
def _stretches(  # long: one walk over the ring, as machine code
    reader_: ptr32, into: ptr32
) -> int:
    count_at = ptr32(reader_[_COUNT_AT])
    ring = ptr32(reader_[_RING_AT])
    mask = int(reader_[_MASK])
    taken = int(reader_[_TAKEN])
    end = int(_EVER) - int(count_at[0])
    if end == taken:
        return 0
    made = 0
    last = int(reader_[_LAST])
    halves = 0
    least = 0x3FFFFFFF
    most = 0
    first = last
    begun = 1 if taken else 0  # the stretch that was going on goes on
    number = taken
    while number < end:
        word = int(ring[number & mask])
        rounds = last - word
        if begun and rounds >= 0 and rounds <= _LONG_ROUNDS:
            halves += 1
            if rounds < least:
                least = rounds
            if rounds > most:
                most = rounds
        else:
            if begun:
                if made < _STRETCHES_MOST:
                    at = made * int(_STRETCH_WORDS)
                    into[at] = first
                    into[at + 1] = last
                    into[at + 2] = number
                    into[at + 3] = halves
                    into[at + 4] = least
                    into[at + 5] = most
                    made += 1
                else:
                    reader_[_LOST] = 1
            begun = 1
            first = word
            halves = 0
            least = 0x3FFFFFFF
            most = 0
        last = word
        number += 1
    if made < _STRETCHES_MOST:
        at = made * int(_STRETCH_WORDS)
        into[at] = first
        into[at + 1] = last
        into[at + 2] = number
        into[at + 3] = halves
        into[at + 4] = least
        into[at + 5] = most
        made += 1
    else:
        reader_[_LOST] = 1
    if int(_EVER) - int(count_at[0]) - taken > mask:
        reader_[_LOST] = 1
    reader_[_LAST] = last
    reader_[_TAKEN] = end
    return made * int(_STRETCH_WORDS)


@micropython.viper
def _plateaus(reader_: ptr32, into: ptr32) -> int:
    """Windows, one after the other, that differ by one look at most: how many they are, and the fewest and the most
    looks that saw the pin high, in one word."""
    count_at = ptr32(reader_[_COUNT_AT])
    ring = ptr32(reader_[_RING_AT])
    mask = int(reader_[_MASK])
    taken = int(reader_[_TAKEN])
    end = int(_EVER) - int(count_at[0])
    if end - taken < int(_WINDOWS_LEAST):
        return 0
    at = 0
    number = taken
    while number < end and at < int(_PLATEAUS_MOST):
        least = -1 - int(ring[number & mask])
        most = least
        first = number
        number += 1
        while number < end:
            high = -1 - int(ring[number & mask])
            if high < least:
                if high + 1 < most:
                    break
                least = high
            elif high > most:
                if high > least + 1:
                    break
                most = high
            number += 1
        into[at] = number - first << int(_COUNT_SHIFT) | most - least << int(_SPREAD_SHIFT) | least
        at += 1
    if int(_EVER) - int(count_at[0]) - taken > mask:
        reader_[_LOST] = 1
    reader_[_TAKEN] = number
    return at

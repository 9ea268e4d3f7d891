"""The pulse engine of one channel: PIO makes the edges, DMA feeds it and sets the amplitude, Python only fills memory.

    records (RAM) --data DMA--> PIO --> phase_a, phase_b pins
    list of record addresses --list DMA--> data DMA              a 0 in the list ends it
    PIO's answer at each pulse's begin --level DMA--> PWM compare --> level_a, level_b pins

The list DMA hands the next address to the data DMA each time a record has been fed. Python appends by writing the
record, if it is another than before, then its address over the 0 that ended the list. When Python stops appending, the
0 stops the chain: what is queued is all that can still come out. Nothing here allocates after `__init__`, save `begin`.
"""

from array import array

import rp2
from machine import PWM, Pin, mem32
from uctypes import addressof

from nmes.core import pulse, pulse_check
from nmes.core.compiler import const, micropython, ptr8, ptr32
from nmes.hal.common import LOOKAHEAD_US
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip
from nmes.hal.rp2.dma import ABORT, EVER, WORD, Dma
from nmes.hal.rp2.pulse_pio import PHASE_A_AT, REST_AT, SETTLE_AT
from nmes.hal.rp2.pulse_pio import pulse as pulse_program

ENGINE_HZ = 1_000_000
_SLOTS = const(64)  # a power of two; 64 addresses are the 256 bytes of the list DMA's ring
_SLOTS_MASK = const(_SLOTS - 1)
_ENDS_MASK = const(0xFFFFFF)  # 64 times LOOKAHEAD_US and more
_LIST_BYTES = const(4 * _SLOTS)
_RING_SIZE = const(8)  # of the list, as a power of two
_WORDS = const(3)  # of a record
_RECORD_BYTES = const(4 * _WORDS)

# Fields of `_at`: what machine code needs, the addresses of registers among it.
_HEAD = const(0)  # records put since begin
_LIST_READ = const(1)
_DATA_READ = const(2)
_LEVELS_OF_FIFOS = const(3)
_FIFO_SHIFT = const(4)
_LIST = const(5)  # the list's begin
_RECORDS = const(6)
_RECORD_OF = const(7)
_ENDS = const(8)
_END_US = const(9)  # of all that was put, one period after the other; long ones count as LOOKAHEAD_US
_AHEAD_US = const(10)  # LOOKAHEAD_US
_LIST_CTRL = const(11)
_DATA_CTRL = const(12)
_BUSY = const(13)  # the bit of it
_TRIGGER = const(14)
_LIST_BIT = const(15)  # of the list DMA, to trigger it
_PC = const(16)
_PROGRAM = const(17)  # where the program was put: the machine waits there for a record
_ABORTED = const(18)  # 1 when the machine was stopped with a record taken, before phase A: that pulse never began
# The last record: which it is, and what it says. No level is _NONE.
_RECORD = const(19)
_LEVEL_A = const(20)
_LEVEL_B = const(21)
_WIDTH_A_US = const(22)
_GAP_US = const(23)
_WIDTH_B_US = const(24)
_PERIOD_US = const(25)
_LEVEL_MOST = const(26)
_FIFO_BITS = const(27)
_FIELDS = const(28)
_NONE = const(0x3FFFFFFF)


@micropython.viper
def _fed(numbers) -> int:
    """Words that the data DMA has fed since begin."""
    at = ptr32(numbers)
    head = at[_HEAD]
    if head == 0:
        return 0
    list_read, data_read = ptr32(at[_LIST_READ]), ptr32(at[_DATA_READ])
    next_slot = (list_read[0] - at[_LIST]) >> 2 & _SLOTS_MASK
    reading = data_read[0]
    if reading == 0:  # the list has ended: the 0 in the slot before was handed over like an address, after all else
        return _WORDS * (head - ((head - next_slot + 1) & _SLOTS_MASK))
    handed = head - ((head - next_slot) & _SLOTS_MASK)
    if handed == 0:
        return 0
    record_of = ptr8(at[_RECORD_OF])
    record_at = at[_RECORDS] + record_of[handed - 1 & _SLOTS_MASK] * _RECORD_BYTES
    return _WORDS * (handed - 1) + (reading - record_at >> 2)


@micropython.viper
def _waiting(numbers) -> int:
    """Words in the machine's queue (3.7, FLEVEL)."""
    at = ptr32(numbers)
    levels = ptr32(at[_LEVELS_OF_FIFOS])
    return levels[0] >> at[_FIFO_SHIFT] & at[_FIFO_BITS]


@micropython.viper
def _begun(numbers) -> int:
    """Records of which the machine has taken a word."""
    while True:  # the three readings belong together; DMA moves at most a few words in a pulse's first microseconds
        fed = int(_fed(numbers))
        waiting = int(_waiting(numbers))
        if fed == int(_fed(numbers)):
            return (fed - waiting + _WORDS - 1) // _WORDS


@micropython.viper
def _append(numbers, count: int):
    """Put the last record into `count` places of the list, and a 0 behind them. Each is noted to hold that record, and
    to end a period after the one before. The place whose 0 ended the list until now is written last: the DMA sees
    none of them or all."""
    at = ptr32(numbers)
    places = ptr32(at[_LIST])
    ends = ptr32(at[_ENDS])
    record_of = ptr8(at[_RECORD_OF])
    record = at[_RECORD]
    step_us = at[_PERIOD_US]
    if step_us > at[_AHEAD_US]:
        step_us = at[_AHEAD_US]
    head, end_us = at[_HEAD], at[_END_US]
    for place in range(head, head + count):
        end_us = end_us + step_us & _ENDS_MASK
        record_of[place & _SLOTS_MASK] = record
        ends[place & _SLOTS_MASK] = end_us
    at[_END_US] = end_us
    at[_HEAD] = head + count
    record_at = at[_RECORDS] + record * _RECORD_BYTES
    places[head + count & _SLOTS_MASK] = 0
    while count > 1:
        count -= 1
        places[head + count & _SLOTS_MASK] = record_at
    places[head & _SLOTS_MASK] = record_at
    # The chain ended at the first of these places if it has read the 0 that stood there: then the list DMA stands one
    # further.
    list_read, list_ctrl, data_ctrl = ptr32(at[_LIST_READ]), ptr32(at[_LIST_CTRL]), ptr32(at[_DATA_CTRL])
    is_busy = (list_ctrl[0] | data_ctrl[0]) & at[_BUSY]
    if head == 0 or (is_busy == 0 and list_read[0] == at[_LIST] + 4 * (head + 1 & _SLOTS_MASK)):
        trigger = ptr32(at[_TRIGGER])
        list_read[0] = at[_LIST] + 4 * (head & _SLOTS_MASK)
        trigger[0] = at[_LIST_BIT]


class Generator:
    """Channel `index` on `pins` (a row of the board's table) with `levels` PWM counts a period."""

    def __init__(self, index, pins, levels):
        self._pins = pins
        self._levels = levels
        self._sm = rp2.StateMachine(index, pulse_program, freq=ENGINE_HZ, sideset_base=Pin(pins["phase_a"]))
        self._active = False
        self._dummy = False
        self._dac_offset = 0
        self._dac_scale = pulse_check.SCALE
        self.records = array("H", bytes(_SLOTS * _RECORD_BYTES))
        self.records_at = addressof(self.records)
        self.record_of = bytearray(_SLOTS)  # of each place of the list
        # `begin` makes it a copy: all records as the second checker found them good. One that has been corrupted since
        # is found when it is used again.
        self._good = self.records
        # The ring must start at a multiple of its size, which the heap does not promise.
        self._raw = bytearray(2 * _LIST_BYTES)
        self._list_at = (addressof(self._raw) + _LIST_BYTES - 1) & ~(_LIST_BYTES - 1)
        self._data = Dma()
        self._list = Dma()
        self._level = Dma()
        self._pc = reg.PIO0_BASE + reg.PIO_SM0_ADDR + index * reg.PIO_SM
        self._txf = reg.PIO0_BASE + reg.PIO_TXF0 + 4 * index
        self._rxf = reg.PIO0_BASE + reg.PIO_RXF0 + 4 * index
        self._pwm = chip.PWM_BASE + (pins["level_a"] >> 1 & 7) * reg.PWM_SLICE
        self._treq_tx = reg.TREQ_PIO0_TX0 + index
        self._treq_rx = reg.TREQ_PIO0_RX0 + index
        self._ends = array("I", [0] * _SLOTS)
        at = self._at = array("I", [0] * _FIELDS)
        at[_LIST_READ] = self._list.at(reg.DMA_READ_ADDR)
        at[_DATA_READ] = self._data.at(reg.DMA_READ_ADDR)
        at[_LEVELS_OF_FIFOS] = reg.PIO0_BASE + reg.PIO_FLEVEL
        at[_FIFO_SHIFT] = reg.PIO_FLEVEL_SM * index
        at[_FIFO_BITS] = reg.PIO_FLEVEL_TX
        at[_LIST] = self._list_at
        at[_RECORDS] = self.records_at
        at[_RECORD_OF] = addressof(self.record_of)
        at[_ENDS] = addressof(self._ends)
        at[_AHEAD_US] = LOOKAHEAD_US
        at[_LIST_CTRL] = self._list.ctrl
        at[_DATA_CTRL] = self._data.ctrl
        at[_BUSY] = chip.DMA_BUSY
        at[_TRIGGER] = reg.DMA_BASE + chip.DMA_MULTI_TRIGGER
        at[_LIST_BIT] = 1 << self._list.channel
        at[_PC] = self._pc
        at[_LEVEL_A] = _NONE
        at[_PERIOD_US] = pulse.PERIOD_MAX_US

    def begin(self, delay_us, dummy, dac_offset=0, dac_scale=pulse_check.SCALE):
        """Queue empty, counts zero, level zero. When Hal.go starts the machine it rests for `delay_us`, then waits at
        rest for a first record. dummy: nobody is connected; the second checker is told so, and is told `dac_*`."""
        self.halt()
        self._dummy = dummy
        self._dac_offset = dac_offset
        self._dac_scale = dac_scale
        self._good = array("H", self.records)
        at = self._at
        at[_HEAD] = at[_END_US] = at[_ABORTED] = at[_RECORD] = 0
        at[_LEVEL_A] = _NONE
        at[_PERIOD_US] = pulse.PERIOD_MAX_US
        for place in range(self._list_at, self._list_at + _LIST_BYTES, 4):
            mem32[place] = 0
        self._begin_level()
        pins = self._pins
        self._sm.init(pulse_program, freq=ENGINE_HZ, sideset_base=Pin(pins["phase_a"]))
        # Where MicroPython has put the program: the machine stands at its first instruction.
        self._at[_PROGRAM] = mem32[self._pc] & reg.PIO_ADDR
        # The machine begins in the rest of a pulse that never was: delay_us + 2 cycles, the same 2 on every channel.
        self._sm.put(delay_us)
        self._sm.exec(reg.PULL_BLOCK)
        self._sm.exec(reg.MOV_ISR_OSR)
        self._sm.exec(reg.JMP | self._at[_PROGRAM] + REST_AT - 1)
        data, chain, level = self._data, self._list, self._level
        data.config(self.records_at, self._txf, _WORDS, WORD, self._treq_tx, chain, read_ring=0)
        next_at = data.at(reg.DMA_READ_ADDR_TRIG)
        chain.config(self._list_at, next_at, 1, WORD, reg.TREQ_PERMANENT, chain, read_ring=_RING_SIZE)
        level.config(self._rxf, self._pwm + reg.PWM_CC, EVER, WORD, self._treq_rx, level)
        level.dma.active(1)
        self._active = True

    def _begin_level(self):
        for pin in (self._pins["level_a"], self._pins["level_b"]):
            PWM(Pin(pin), freq=ENGINE_HZ // 8, duty_u16=0)
        # MicroPython chooses divider and top for a frequency; the levels need exactly these.
        mem32[self._pwm + reg.PWM_DIV] = reg.PWM_DIV_ONE
        mem32[self._pwm + reg.PWM_TOP] = self._levels - 1
        mem32[self._pwm + reg.PWM_CC] = 0

    @micropython.viper
    def put(
        self,
        level_a: int,
        level_b: int,
        width_a_us: int,
        gap_us: int,
        width_b_us: int,
        period_us: int,
        level_most: int,
        count: int,
    ) -> bool:
        """Queue `count` equal pulses. False, and nothing queued, when the second checker found them bad. The caller
        asked `room`."""
        at = ptr32(self._at)
        if (
            level_a != at[_LEVEL_A]
            or level_b != at[_LEVEL_B]
            or width_a_us != at[_WIDTH_A_US]
            or gap_us != at[_GAP_US]
            or width_b_us != at[_WIDTH_B_US]
            or period_us != at[_PERIOD_US]
            or level_most != at[_LEVEL_MOST]
        ):
            if not self._write(level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most):
                return False
        # The last record once more. The checker would say the same of it as long as it is the same, bit by bit.
        elif self.records != self._good:
            return False
        _append(self._at, count)
        return True

    def _write(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most):
        """Write another record. False when the second checker finds it bad."""
        at = self._at
        at[_LEVEL_A] = _NONE
        records, good = self.records, self._good
        record = at[_RECORD] + 1 & _SLOTS_MASK
        half = record * pulse.RECORD_HALVES
        pulse.encode(records, half, level_a, level_b, width_a_us, gap_us, width_b_us, period_us)
        if pulse_check.bad(records, half, level_most, self._dummy, self._dac_offset, self._dac_scale):
            return False
        for i in range(half, half + pulse.RECORD_HALVES):
            good[i] = records[i]
        at[_RECORD] = record
        at[_LEVEL_B] = level_b
        at[_WIDTH_A_US] = width_a_us
        at[_GAP_US] = gap_us
        at[_WIDTH_B_US] = width_b_us
        at[_PERIOD_US] = period_us
        at[_LEVEL_MOST] = level_most
        at[_LEVEL_A] = level_a
        return True

    @micropython.viper
    def begun(self) -> int:
        """Pulses begun since `begin`."""
        at = ptr32(self._at)
        return int(_begun(self._at)) - at[_ABORTED]

    @micropython.viper
    def queued(self) -> int:
        """Pulses queued and not begun."""
        at = ptr32(self._at)
        return at[_HEAD] - int(_begun(self._at)) + at[_ABORTED]

    @micropython.viper
    def starved(self) -> bool:
        """True when the machine waits for a record and none is on its way."""
        at = ptr32(self._at)
        pc = ptr32(at[_PC])
        if pc[0] != at[_PROGRAM]:
            return False
        return at[_HEAD] == int(_begun(self._at))

    @micropython.viper
    def room(self) -> int:
        """How many more like the last may be queued: bounded in time, whatever the periods of those before."""
        at = ptr32(self._at)
        # One reading is enough: caught in the middle of a transfer it is off by one pulse until the next iteration.
        begun = (int(_fed(self._at)) - int(_waiting(self._at)) + _WORDS - 1) // _WORDS
        queued = at[_HEAD] - begun
        before_us = 0
        if begun > 0:
            ends = ptr32(at[_ENDS])
            before_us = ends[begun - 1 & _SLOTS_MASK]
        most = (at[_AHEAD_US] - (at[_END_US] - before_us & _ENDS_MASK)) // at[_PERIOD_US]
        if most < 1 and queued < 1:
            return 1
        places = _SLOTS - 4 - queued
        return most if most < places else places

    def stop(self):
        """Nothing after the running pulse. Returns how many queued pulses are cancelled. Takes at most one pulse."""
        if not self._active:
            return 0
        self._stop_feed()
        # Only between pulses may the machine be stopped. Seen at rest, it could at most begin to settle before it is
        # disabled, and that takes 256 us with both pins low.
        low, high = self._at[_PROGRAM] + SETTLE_AT, self._at[_PROGRAM] + REST_AT
        while low <= mem32[self._pc] < high:
            pass
        self._sm.active(0)
        self._active = False
        # Stopped between a record's first word and its phases: that pulse never began.
        self._at[_ABORTED] = 1 if 0 < mem32[self._pc] - self._at[_PROGRAM] < REST_AT else 0
        return self.queued()

    def halt(self):
        """Stop at once, in mid-pulse if need be. The caller has dropped the enable and drives the pins low after."""
        self._sm.active(0)
        # A record was taken, and phase A did not come: that pulse never began.
        if self._active and 0 < mem32[self._pc] - self._at[_PROGRAM] <= PHASE_A_AT:
            self._at[_ABORTED] = 1
        self._active = False
        self._stop_feed()
        self._level.dma.active(0)

    def _stop_feed(self):
        # With the list empty an aborted transfer that still completes (erratum RP2040-E13) finds nothing to go on with.
        for place in range(self._list_at, self._list_at + _LIST_BYTES, 4):
            mem32[place] = 0
        # Disabled first, both of them: an abort of one would start the other (erratum RP2350-E5).
        mem32[self._data.ctrl_clear] = reg.DMA_ENABLE
        mem32[self._list.ctrl_clear] = reg.DMA_ENABLE
        mem32[ABORT] = 1 << self._list.channel | 1 << self._data.channel
        while (mem32[self._list.ctrl] | mem32[self._data.ctrl]) & chip.DMA_BUSY:
            pass

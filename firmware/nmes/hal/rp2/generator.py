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
from micropython import const
from uctypes import addressof

from nmes.core import pulse, pulse_check
from nmes.hal import LOOKAHEAD_US
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.pulse_pio import PHASE_A_AT, REST_AT, SETTLE_AT
from nmes.hal.rp2.pulse_pio import pulse as pulse_program

ENGINE_HZ = 1_000_000
_SLOTS = const(64)  # a power of two; 64 addresses are the 256 bytes of the list DMA's ring
_SLOTS_MASK = const(63)
_ENDS_MASK = const(0xFFFFFF)  # 64 times LOOKAHEAD_US and more
_LIST_BYTES = const(256)
_RING_SIZE = const(8)
_RECORD_BYTES = const(12)
_WORDS = const(3)
_PULL_BLOCK = const(0x80A0)
_MOV_ISR_OSR = const(0xA0C7)
_JMP = const(0x0000)


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
        self._records = array("H", bytes(_SLOTS * _RECORD_BYTES))
        self._records_at = addressof(self._records)
        self._record = 0  # the last one written
        self._record_of = bytearray(_SLOTS)  # of each place of the list
        self._good = self._records  # all of them as the second checker found them good, the last for this highest level
        self._level_most = -1
        # The ring must start at a multiple of its size, which the heap does not promise.
        self._raw = bytearray(2 * _LIST_BYTES)
        self._list_at = (addressof(self._raw) + _LIST_BYTES - 1) & ~(_LIST_BYTES - 1)
        self._data = rp2.DMA()
        self._list = rp2.DMA()
        self._level = rp2.DMA()
        self._data_channel = reg.channel_of(self._data)
        self._list_channel = reg.channel_of(self._list)
        data_base = reg.DMA_BASE + self._data_channel * reg.DMA_CHANNEL
        list_base = reg.DMA_BASE + self._list_channel * reg.DMA_CHANNEL
        # Addresses above 2^30 are objects on the heap: made here once.
        self._data_read = data_base + reg.DMA_READ_ADDR
        self._data_ctrl = data_base + reg.DMA_CTRL
        self._data_trigger = data_base + reg.DMA_READ_ADDR_TRIG
        self._list_read = list_base + reg.DMA_READ_ADDR
        self._list_ctrl = list_base + reg.DMA_CTRL
        self._trigger = reg.DMA_BASE + reg.DMA_MULTI_TRIGGER
        self._abort = reg.DMA_BASE + reg.DMA_ABORT
        self._list_bit = 1 << self._list_channel
        self._abort_bits = 1 << self._list_channel | 1 << self._data_channel
        self._pc = reg.PIO0_BASE + reg.PIO_SM0_ADDR + index * reg.PIO_SM
        self._txf = reg.PIO0_BASE + reg.PIO_TXF0 + 4 * index
        self._rxf = reg.PIO0_BASE + reg.PIO_RXF0 + 4 * index
        self._pwm = reg.PWM_BASE + (pins["level_a"] >> 1 & 7) * reg.PWM_SLICE
        self._treq_tx = index
        self._treq_rx = 4 + index
        self._head = 0  # records put since begin
        self._torn = 0  # 1 when the machine was stopped with a record that it had not begun to play
        self._period_us = pulse.PERIOD_MAX_US
        self._level_a = self._level_b = self._width_a_us = self._gap_us = self._width_b_us = -1  # of the last record
        self._end_us = 0  # of all that was put, one period after the other; long ones count as LOOKAHEAD_US
        self._ends = array("I", [0] * _SLOTS)
        self._program_at = 0

    def begin(self, delay_us, dummy, dac_offset=0, dac_scale=pulse_check.SCALE):
        """Queue empty, counts zero, level zero. When Hal.go lets the machine go it rests for `delay_us`, then waits at
        rest for a first record. dummy: nobody is connected, and the second checker is told so, as of `dac_*`."""
        self.halt()
        self._head = 0
        self._torn = 0
        self._dummy = dummy
        self._dac_offset = dac_offset
        self._dac_scale = dac_scale
        self._period_us = pulse.PERIOD_MAX_US
        self._level_a = -1
        self._record = 0
        self._good = array("H", self._records)
        self._end_us = 0
        for at in range(self._list_at, self._list_at + _LIST_BYTES, 4):
            mem32[at] = 0
        self._begin_level()
        pins = self._pins
        self._sm.init(pulse_program, freq=ENGINE_HZ, sideset_base=Pin(pins["phase_a"]))
        self._program_at = mem32[self._pc] & 0x1F  # where MicroPython put the program; the machine stands at its start
        # The machine begins in the rest of a pulse that never was: delay_us + 2 cycles, the same 2 on every channel.
        self._sm.put(delay_us)
        self._sm.exec(_PULL_BLOCK)
        self._sm.exec(_MOV_ISR_OSR)
        self._sm.exec(_JMP | self._program_at + REST_AT - 1)
        data, chain, level = self._data, self._list, self._level
        data.config(
            read=self._records_at,
            write=self._txf,
            count=_WORDS,
            ctrl=data.pack_ctrl(
                size=2,
                inc_read=True,
                inc_write=False,
                treq_sel=self._treq_tx,
                chain_to=self._list_channel,
                irq_quiet=True,
            ),
        )
        chain.config(
            read=self._list_at,
            write=self._data_trigger,
            count=1,
            ctrl=chain.pack_ctrl(
                size=2,
                inc_read=True,
                inc_write=False,
                ring_sel=False,
                ring_size=_RING_SIZE,
                treq_sel=reg.TREQ_PERMANENT,
                chain_to=self._list_channel,
                irq_quiet=True,
            ),
        )
        level.config(
            read=self._rxf,
            write=self._pwm + reg.PWM_CC,
            count=0x3FFFFFFF,
            ctrl=level.pack_ctrl(
                size=2,
                inc_read=False,
                inc_write=False,
                treq_sel=self._treq_rx,
                chain_to=reg.channel_of(level),
                irq_quiet=True,
            ),
            trigger=True,
        )
        self._active = True

    def _begin_level(self):
        for pin in (self._pins["level_a"], self._pins["level_b"]):
            PWM(Pin(pin), freq=ENGINE_HZ // 8, duty_u16=0)
        # MicroPython chooses divider and top for a frequency; the levels need exactly these.
        mem32[self._pwm + reg.PWM_DIV] = 1 << 4
        mem32[self._pwm + reg.PWM_TOP] = self._levels - 1
        mem32[self._pwm + reg.PWM_CC] = 0

    def put(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most):
        """Queue one pulse. False, and nothing queued, when the second checker found it bad. The caller asked `room`."""
        if (
            level_a == self._level_a
            and period_us == self._period_us
            and level_b == self._level_b
            and width_a_us == self._width_a_us
            and gap_us == self._gap_us
            and width_b_us == self._width_b_us
            and level_most == self._level_most
        ):
            # The record before once more. The checker would say the same of it as long as it is the same, bit by bit.
            record = self._record
            if self._records != self._good:
                return False
        else:
            self._level_a = -1
            records, good = self._records, self._good
            record = self._record + 1 & _SLOTS_MASK
            at = record * pulse.RECORD_HALVES
            pulse.encode(records, at, level_a, level_b, width_a_us, gap_us, width_b_us, period_us)
            if pulse_check.bad(records, at, level_most, self._dummy, self._dac_offset, self._dac_scale):
                return False
            for i in range(pulse.RECORD_HALVES):
                good[at + i] = records[at + i]
            self._record = record
            self._period_us = period_us
            self._level_b = level_b
            self._width_a_us = width_a_us
            self._gap_us = gap_us
            self._width_b_us = width_b_us
            self._level_most = level_most
            self._level_a = level_a
        slot = self._head & _SLOTS_MASK
        after = (slot + 1) & _SLOTS_MASK
        self._record_of[slot] = record
        mem32[self._list_at + 4 * after] = 0
        mem32[self._list_at + 4 * slot] = self._records_at + record * _RECORD_BYTES
        self._end_us = self._end_us + (period_us if period_us < LOOKAHEAD_US else LOOKAHEAD_US) & _ENDS_MASK
        self._ends[slot] = self._end_us
        self._head += 1
        # The chain ended at this slot if it has read the 0 that stood here: then the list DMA stands one further.
        if self._head == 1 or (
            not (mem32[self._list_ctrl] | mem32[self._data_ctrl]) & reg.DMA_BUSY
            and mem32[self._list_read] == self._list_at + 4 * after
        ):
            mem32[self._list_read] = self._list_at + 4 * slot
            mem32[self._trigger] = self._list_bit
        return True

    def _fed(self):
        """Words that the data DMA has fed since begin."""
        if not self._head:
            return 0
        next_slot = (mem32[self._list_read] - self._list_at) >> 2 & _SLOTS_MASK
        reading = mem32[self._data_read]
        if not reading:  # the list has ended: the 0 in the slot before was handed over like an address, after all else
            return _WORDS * (self._head - ((self._head - next_slot + 1) & _SLOTS_MASK))
        handed = self._head - ((self._head - next_slot) & _SLOTS_MASK)
        if not handed:
            return 0
        record_at = self._records_at + self._record_of[handed - 1 & _SLOTS_MASK] * _RECORD_BYTES
        return _WORDS * (handed - 1) + (reading - record_at >> 2)

    def begun(self):
        """Pulses begun since `begin`: records of which the machine has taken a word."""
        while True:  # the three readings belong together; DMA moves at most a few words in a pulse's first microseconds
            fed = self._fed()
            waiting = self._sm.tx_fifo()
            if fed == self._fed():
                return (fed - waiting + _WORDS - 1) // _WORDS - self._torn

    def queued(self):
        """Pulses queued and not begun."""
        return self._head - self.begun()

    def what_was_set(self, number, seen):
        """The set fields of `seen`, for pulse `number` since begin. All pulses go into the same `seen`: of one like the
        one before they are there already. A record is kept until 64 more have been put."""
        record_of = self._record_of
        record = record_of[number & _SLOTS_MASK]
        if not number or record != record_of[number - 1 & _SLOTS_MASK]:
            pulse.what_was_set(self._records, record * pulse.RECORD_HALVES, seen)

    def starved(self):
        """True when the machine waits for a record and none is on its way."""
        return mem32[self._pc] == self._program_at and not self.queued()

    def room(self):
        """How many more like the last may be queued: bounded in time, whatever the periods of those before."""
        # One reading is enough here: caught in the middle of a transfer it is off by one pulse until the next turn.
        begun = (self._fed() - self._sm.tx_fifo() + _WORDS - 1) // _WORDS
        queued = self._head - begun
        before_us = self._ends[begun - 1 & _SLOTS_MASK] if begun > 0 else 0
        most = (LOOKAHEAD_US - (self._end_us - before_us & _ENDS_MASK)) // self._period_us
        if most < 1 and queued < 1:
            return 1
        return most if most < _SLOTS - 4 - queued else _SLOTS - 4 - queued

    def stop(self):
        """Nothing after the running pulse. Returns how many queued pulses are cancelled. Takes at most one pulse."""
        if not self._active:
            return 0
        self._stop_feed()
        # Only between pulses may the machine be stopped. Seen at rest, it could at most begin to settle before it is
        # disabled, and that takes 256 us with both pins low.
        low, high = self._program_at + SETTLE_AT, self._program_at + REST_AT
        while low <= mem32[self._pc] < high:
            pass
        self._sm.active(0)
        self._active = False
        # Stopped between a record's first word and its phases: that pulse never began.
        self._torn = 1 if 0 < mem32[self._pc] - self._program_at < REST_AT else 0
        return self.queued()

    def halt(self):
        """Stop at once, in mid-pulse if need be. The caller has dropped the enable and drives the pins low after."""
        self._sm.active(0)
        # A record was taken, and phase A did not come: that pulse never began.
        if self._active and 0 < mem32[self._pc] - self._program_at <= PHASE_A_AT:
            self._torn = 1
        self._active = False
        self._stop_feed()
        self._level.active(0)

    def _stop_feed(self):
        # With the list empty an aborted transfer that still completes (erratum RP2040-E13) finds nothing to go on with.
        for at in range(self._list_at, self._list_at + _LIST_BYTES, 4):
            mem32[at] = 0
        mem32[self._abort] = self._abort_bits
        while (mem32[self._list_ctrl] | mem32[self._data_ctrl]) & reg.DMA_BUSY:
            pass

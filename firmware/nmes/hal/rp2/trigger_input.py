"""A train that the chip begins by itself, at the rising edge of a pin: the pulse engine is held until then.

The engine is started by an instruction that is written to it (3.7, SMx_INSTR): a `wait` for the pin, which stalls, and
which the machine keeps until the pin is high. It is held where its rest ends, with nothing left to count: from there it
goes on alike whether a machine goes on from where it was (so the datasheet) or behind it (so rp2040py by itself).

    # Cycles of the engine, 1 us each, from the edge to phase A (hal/rp2/pulse_pio.py)
    # the pin's synchroniser and the engine's own clock   0.016 + (0 to 1)
    # wait, and the last instruction of the rest          1 + 1
    # record and settle                                   12 + 1 + 32 * 8 + 1 = 270, of which 256 settle
    # phase A                                             272.016 to 273.016 us after the edge

It reaches into the generator that it starts: a part of it that only a stage with a trigger input loads.
"""

from array import array

from machine import Pin, mem32

from nmes.core.compiler import const, micropython, ptr32
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.pulse_pio import REST_AT

# Of the generator's numbers, as generator.py has them: a constant of another module is looked up by its name.
_HEAD = const(0)
_END_US = const(9)
_PROGRAM = const(17)
_SLOTS_MASK = const(63)

# Fields of `_at`: what machine code needs.
_CONTROL = const(0)  # where registers are
_PC = const(1)
_HELD_AT = const(2)  # where the program counter is while the engine is held
_FIELDS = const(3)


class TriggerInput:
    """Begins what `generator`, that of channel 0, has queued at a rising edge of `pin`. See hal/contract.py."""

    def __init__(self, generator, pin):
        self._generator = generator
        self._pin = Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._wait = reg.WAIT_1_GPIO_0 | pin
        self._restart = 1 << reg.PIO_RESTART  # of state machine 0, as all below
        # Addresses above 2^30 are objects on the heap: made once.
        self._ctrl_set = reg.PIO0_BASE + reg.PIO_CTRL + reg.SET
        self._shift_xor = reg.PIO0_BASE + reg.PIO_SM0_SHIFTCTRL + reg.XOR
        self._fjoin = reg.PIO_FJOIN_RX
        self._list_read = generator._list.at(reg.DMA_READ_ADDR)
        self._data_read = generator._data.at(reg.DMA_READ_ADDR)
        self._list_enable = generator._list.ctrl + reg.SET
        self._data_enable = generator._data.ctrl + reg.SET
        at = self._at = array("I", [0] * _FIELDS)
        at[_CONTROL] = reg.PIO0_BASE + reg.PIO_SM0_EXECCTRL
        at[_PC] = generator._pc

    def is_high(self):
        return self._pin.value() == 1

    def hold(self):
        # Tried once with nothing queued: a chip that did not keep the instruction would go on to nothing, and be found.
        sm = self._generator._sm
        self._stand(REST_AT)
        self._at[_HELD_AT] = self._generator._at[_PROGRAM] + REST_AT
        sm.exec(reg.SET_X_0)
        sm.exec(self._wait)
        sm.active(1)
        if self._waits():
            self._stand(REST_AT)
            return True
        self._stand(0)
        sm.active(1)
        return False

    def wait_for_edge(self):
        sm = self._generator._sm
        sm.exec(self._wait)
        if self._pin.value() or not self._waits():
            self._stand(REST_AT)
            return False
        sm.active(1)
        return True

    @micropython.viper
    def _waits(self) -> bool:
        """Whether the engine stands where it is held, and what was written to it stalls."""
        at = ptr32(self._at)
        control, pc = ptr32(at[_CONTROL]), ptr32(at[_PC])
        return pc[0] == at[_HELD_AT] and control[0] >> 31 & 1 == 1

    def let_go(self):
        generator = self._generator
        pc, held_at = generator._pc, self._at[_HELD_AT]
        if mem32[pc] != held_at:
            return -1
        generator._sm.active(0)
        if mem32[pc] != held_at:
            # Just now. Both pins stay low for 270 us from here on, and it stood still for a few of them.
            generator._sm.active(1)
            return -1
        generator._stop_feed()
        cancelled = generator.queued()
        self._take_back(cancelled)
        self._stand(0)
        generator._sm.active(1)
        return cancelled

    def _stand(self, place):
        """Stop the engine, and have it stand at a place of its program with nothing begun and both pins low."""
        sm = self._generator._sm
        sm.active(0)
        mem32[self._ctrl_set] = self._restart  # an instruction that was written, and stalls, is forgotten (3.7, CTRL)
        sm.exec(reg.JMP | self._generator._at[_PROGRAM] + place)

    def _take_back(self, count):
        """The last `count` pulses were never queued: as when the list had ended before them (generator.py, `_fed`)."""
        generator = self._generator
        at = generator._at
        mem32[self._shift_xor] = self._fjoin
        mem32[self._shift_xor] = self._fjoin
        head = at[_HEAD] - count
        at[_HEAD] = head
        at[_END_US] = generator._ends[head - 1 & _SLOTS_MASK] if head else 0
        mem32[self._list_read] = generator._list_at + 4 * (head + 1 & _SLOTS_MASK)
        mem32[self._data_read] = 0
        mem32[self._list_enable] = reg.DMA_ENABLE
        mem32[self._data_enable] = reg.DMA_ENABLE

"""The state machine program that finds the middle of each phase, and the rest after them, and has the sense kept there.

In base is phase A of the channel; phase B is its neighbour and the pin of `jmp`. osr holds the wait, y the word that
goes out each time: what to keep, see sampler.py.

    # Cycles of CYCLE_CLOCKS * 8 ns from the pin's edge to the `in` that puts the word into the FIFO; h: the wait in osr
    # the edge's own place in a cycle 0 to 1, wait 1, mov 1, loop h + 1; in phase B a jmp of 1 more
    # so h + 3 to h + 4 in phase A, h + 4 to h + 5 in phase B; the look at phase B comes one cycle later.
    # The third: wait 1, 31 more, so 15.4 us after phase B has ended; what is kept is from before that, see sampler.py.
    # From FIFO to memory, DMA takes some ten clocks more on silicon (0.1 us) and none on the emulator.

The cycle is long so that 32 of them outlast the output stage's fall and the oldest conversion that may be kept.
It waits for the phases in turn: one that does not come is not made up for, it is missing in the count.
It drives no pin and takes no word from anyone after its start, so whatever it does, the generator does not notice.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

CYCLE_CLOCKS = 60  # of the 125 MHz system clock: 0.48 us, 25 in 12 us
CYCLES_IN_12_US = 25
OVERHEAD_CYCLES = 4
SAMPLES = 3  # a pulse


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=32)
def sample():
    wrap_target()
    wait(1, pin, 0)
    label("phase")
    mov(x, osr)
    label("half")
    jmp(x_dec, "half")
    in_(y, 32)
    jmp(pin, "rest")  # in phase B, and it was its middle
    wait(1, pin, 1)
    jmp("phase")
    label("rest")
    wait(0, pin, 1)[31]
    in_(y, 32)
    wrap()

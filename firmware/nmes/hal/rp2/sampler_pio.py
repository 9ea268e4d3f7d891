"""The state machine program that finds the middle of each phase, and the rest after them, and asks for samples there.

In base is phase A of the channel; phase B is its neighbour and the pin of `jmp`. osr holds the wait, y the word that
starts a conversion.

    # Cycles of CYCLE_CLOCKS * 8 ns from the pin's edge to the `in` that puts the word into the FIFO; h: the wait in osr
    # the edge's own place in a cycle 0 to 1, wait 1, mov 1, loop h + 1; in phase B a jmp of 1 more
    # The word starts the conversion of the current, whose end starts that of the voltage; each takes 2 us, so the two
    # are centred on the middle of a phase of w us when h cycles are w / 2 us less 2 us and 3.5 (B: 4.5) cycles.
    # The third is for the current that flows when none should: wait 1, 31 more, so 6.4 us after phase B has ended.
    # From FIFO to ADC, DMA takes some ten clocks more on silicon (0.1 us) and none on the emulator.

The cycle is long so that 32 of them outlast the output stage's fall; it costs the middle of a phase 0.1 us either way.
It waits for the phases in turn: one that does not come is not made up for, it is missing in the count.
It drives no pin and takes no word from anyone after its start, so whatever it does, the generator does not notice.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

CYCLE_CLOCKS = 25  # of the 125 MHz system clock: 0.2 us
CYCLES_PER_US = 5
CONVERSION_CYCLES = 10
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

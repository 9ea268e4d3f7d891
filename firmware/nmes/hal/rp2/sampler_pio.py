"""The state machine program that finds the middle of each phase: it asks for a conversion there, phase A then phase B.

In base is phase A of the channel, phase B its neighbour. osr holds the wait, y the word that starts the conversion.

    # Cycles, at 125 MHz (8 ns), from the pin's edge to the `in` that puts the word into the FIFO; h: the wait in osr
    # input synchroniser 2, wait 1, mov 1, loop h + 1            = h + 5
    # The word starts the conversion of the current, whose end starts that of the voltage; each takes 2 us = 250 cycles,
    # so the two together are centred on the middle of a phase of w us when h = w * 125 / 2 - 250 - 5.
    # From FIFO to ADC, DMA takes some ten cycles more on silicon (0.1 us) and none on the emulator.

It waits for the phases in turn: one that does not come is not made up for, it is missing in the count.
It drives no pin and takes no word from anyone after its start, so whatever it does, the generator does not notice.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

CYCLES_PER_US = 125
CONVERSION_CYCLES = 250
OVERHEAD_CYCLES = 5


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=32)
def sample():
    wrap_target()
    wait(1, pin, 0)
    mov(x, osr)
    label("half_a")
    jmp(x_dec, "half_a")
    in_(y, 32)
    wait(1, pin, 1)
    mov(x, osr)
    label("half_b")
    jmp(x_dec, "half_b")
    in_(y, 32)
    wrap()

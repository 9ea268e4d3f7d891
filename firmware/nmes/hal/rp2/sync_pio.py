"""The state machine program of the sync output: phase A of channel 0 once more, on a pin for laboratories.

In base is phase A, out base the sync output, which is the only pin that this machine is given.

    # 2 cycles of the input synchroniser and 1 of its own: 24 ns behind phase A, at its rise and its fall, every time.

With the guard's programs (guard_pio.py) it takes 31 of the block's 32 instructions, and the machine that would watch a
second channel. It runs while the stage is permitted, and no other machine reads what it writes.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

SYNC = 5  # of block 1: beside the one machine that watches a channel


@asm_pio(out_init=PIO.OUT_LOW)
def sync():
    wrap_target()
    mov(pins, pins)
    wrap()

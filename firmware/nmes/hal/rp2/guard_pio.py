"""The guard: programs in the other PIO block that look at the real pins and take permission away without the CPU.

Every one of them ends in writing 0 to the enable pin for ever; none of them ever writes 1. All run at 125 MHz (8 ns a
cycle) save `lease`, and together they take 30 of the block's 32 instructions.

`watch`, one for each channel. jmp pin is phase A, in base is phase B, isr holds the limit in rounds of `high`.

    # Cycles: a round of `high`  1 + 1 + 1 + 16 + 16 = 35    (0.280 us), so a phase may last limit * 35 cycles
    #         a round of `low`   8 + 1 + 1 + 8 + 8 = 26       (0.208 us), one more while y counts
    # A phase that is still on when y has run out is cut within one round and 5 cycles. Both phases at once are cut when
    # they overlap for at least 37 cycles, a round of `high` and the 2 from its look at B to its look at A; a shorter
    # overlap may pass unseen. After a phase both pins must be low for `limit` rounds of `low` (27 cycles each, as y
    # counts) before phase A may come again. Phase B may come at any time: it belongs to a phase A if all is well, and
    # if not, that is for the measured charge to find.
    # Which rule was broken: interrupt flags 4, 5 and 6 for over-long, 5 and 6 for both at once, 6 for too close.

`interlock`: the line that emergency stop and over-current comparator must both let be high. 2 cycles of the input
synchroniser and 2 of its own.

`lease`, at 1 MHz: a round of 10 us makes one period of the pump's square wave and takes one from x; a word from the CPU
sets x anew. When x has run out the wave stands still, low, and the enable falls too.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

HIGH_ROUND_CYCLES = 35
LOW_ROUND_CYCLES = 26
LEASE_HZ = 1_000_000
LEASE_ROUND_US = 10

# Offsets in the programs of the instructions that a tripped machine stays at.
WATCH_TRIPPED_AT = 22
INTERLOCK_TRIPPED_AT = 1
LEASE_TRIPPED_AT = 3


@asm_pio(set_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_RIGHT)
def watch():
    label("over")
    mov(y, isr)  # a phase has ended
    wrap_target()
    label("low")
    mov(osr, pins)[7]
    out(x, 1)  # phase B
    jmp(pin, "a_rises")
    jmp(not_x, "quiet")[7]
    jmp("phase")
    label("quiet")
    jmp(not_y, "low")[7]
    jmp(y_dec, "low")
    label("a_rises")
    jmp(x_dec, "both")
    jmp(y_dec, "too_close")
    label("phase")
    mov(y, isr)
    label("high")
    mov(osr, pins)
    out(x, 1)
    jmp(pin, "a_on")
    jmp(not_x, "over")[15]
    jmp(y_dec, "high")[15]
    jmp("over_long")
    label("a_on")
    jmp(x_dec, "both")[15]
    jmp(y_dec, "high")[15]
    label("over_long")
    irq(4)
    label("both")
    irq(5)
    label("too_close")
    irq(6)
    label("tripped")
    set(pins, 0)[31]  # 22
    jmp("tripped")
    wrap()


@asm_pio(set_init=PIO.OUT_LOW)
def interlock():
    wait(0, pin, 0)
    wrap_target()
    set(pins, 0)[31]  # 1
    wrap()


@asm_pio(set_init=PIO.OUT_LOW, sideset_init=PIO.OUT_LOW)
def lease():
    label("round")
    pull(noblock).side(1)[2]  # without a word: x again
    mov(x, osr).side(1)[1]
    jmp(x_dec, "round").side(0)[4]
    wrap_target()
    set(pins, 0).side(0)[15]  # 3
    wrap()

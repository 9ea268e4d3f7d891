"""The state machine program that makes pulses: a whole record in, then the pins move, then rest.

    # Cycles, at 1 MHz: one is a microsecond. d, a, g, b: the record's rest, width_a, gap, width_b (core/pulse.py).
    # record and settle    12 + 1 + 32 * 8 + 1          both pins low; the level is with the DAC from cycle 5 on
    # phase A              1 + (a + 1)                  = width_a_us, so a = width_a_us - 2
    # gap                  g + 1                        = gap_us (at least 1), so g = gap_us - 1
    # phase B              1 + (b + 1)                  = width_b_us, so b = width_b_us - 2
    # rest                 1 + (d + 1)
    # period               272 + width_a_us + gap_us + width_b_us + d

Both phases run through the same loop shape from one word, so equal fields are equal widths. It can stall only where it
pulls or pushes, and there both pins are low: without a next record it rests, and so it does when nobody takes the
level away. A record whose tags are wrong (a word lost or doubled) parks it at `refuse`, low, until it is made again.
`side` sets both bridge legs in one instruction, so no two of them are ever on together.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

# Offsets in the program; hal/rp2/generator.py compares them with the state machine's program counter.
# From the first up to, not including, the last a pulse is on its way: disabling the machine there would cut it short.
SETTLE_AT = 12
PHASE_A_AT = 15
REST_AT = 21


@asm_pio(
    sideset_init=[PIO.OUT_LOW, PIO.OUT_LOW],
    in_shiftdir=PIO.SHIFT_LEFT,
    out_shiftdir=PIO.SHIFT_RIGHT,
)
def pulse():
    wrap_target()
    pull(block).side(0)  # 0: word 0, or rest here
    out(x, 1).side(0)
    jmp(not_x, "refuse").side(0)  # its tag is 1
    mov(isr, osr).side(0)
    push(block).side(0)  # level_a | level_b << 16, for the DMA that carries it to the PWM compare register
    pull(block).side(0)  # word 1
    out(x, 1).side(0)
    jmp(not_x, "refuse").side(0)  # its tag is 1
    mov(isr, osr).side(0)  # 8: rest, kept while the phases use x, y and osr
    pull(block).side(0)  # word 2
    out(x, 1).side(0)
    jmp(x_dec, "refuse").side(0)  # its tag is 0, unlike the others': one word lost or doubled ends here or before
    set(x, 31).side(0)  # 12: the DAC settles, 256 us
    label("settle")
    jmp(x_dec, "settle").side(0)[7]
    out(y, 10).side(0)  # 14: gap
    out(x, 10).side(1)  # 15: phase A begins
    label("phase_a")
    jmp(x_dec, "phase_a").side(1)
    label("gap")
    jmp(y_dec, "gap").side(0)
    out(x, 10).side(2)  # 18: phase B begins
    label("phase_b")
    jmp(x_dec, "phase_b").side(2)
    mov(x, isr).side(0)  # 20
    label("rest")
    jmp(x_dec, "rest").side(0)  # 21
    wrap()
    label("refuse")
    jmp("refuse").side(0)

"""The witness's programs. `edges`: one state machine a pin says when the pin has changed, and every one counts the
same time. `duty`: it says for how much of its time a pin was high, again and again.

Made apart from everything in firmware/nmes. The pin is that of `jmp`; nothing is driven. x counts down from 0xFFFFFFFF,
for ever, and each change of the pin puts x into the FIFO: first a rise, then a fall, and so on.

    # Cycles of 8 ns. A round of `low` and of `high` takes 2, and one from x. Instructions 1 and 6 look at the pin.
    # With k rounds between: from the look that saw a rise to the one that saw the fall      1 + 2 k
    #                        from there to the one that sees the next rise                   2 + 2 k
    # So a change is seen up to 2 cycles (16 ns) after it, and right after a rise up to 3 (24 ns), and then the
    # synchroniser's 2, which are the same for all. What is shorter than 3 cycles may not be seen at all.
    # x comes round after 2^32 rounds, 68.7 s; while the pin is low that takes a cycle more.

All machines of both blocks begin in the same cycle: they wait for a pin (GO) that the CPU raises once.
A level is the duty of a PWM of 1000 cycles (docs/hardware.md). `duty` looks at its pin 1000 times, and says in x how
often it was low: 0xFFFFFFFF less how often it was high.

    # Cycles of a window. x and y 2; each look 3, whatever it sees; the last one's way out 1; in 1: 2 + 3000 + 2 = 3004.
    # The first look comes 3 cycles after GO.
    # 3 and 1000 have no common divisor: over three periods of the PWM the looks fall on each of its cycles once. So a
    # level that stays the same is counted to a cycle, and an edge between two of them makes it one more or less.

Where the FIFO is full the machine waits and its time is wrong from then on: FDEBUG tells (RP2040 datasheet 3.7,
RXSTALL), and the recording says so.
"""

from rp2 import PIO, asm_pio

TYPE_CHECKING = False
if TYPE_CHECKING:  # the assembler's names exist only inside the decorator
    from rp2.asm_pio import *

GO = 25  # of the witness's own board: its lamp. No wire can be put there
ROUND_CYCLES = 2
RISE_TO_FALL_CYCLES = 1  # beside the rounds
FALL_TO_RISE_CYCLES = 2
WRAP_LOW_CYCLES = 1
MOV_X_ALL_ONES = 0xA02B  # mov(x, invert(null)), for StateMachine.exec
PULL = 0x80A0  # pull(block)
LOOKS = 1000  # of a window


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=32)
def edges():
    wait(1, gpio, 25)  # GO
    wrap_target()
    label("low")
    jmp(pin, "rises")  # 1
    jmp(x_dec, "low")
    jmp("low")  # x has come round
    label("rises")
    in_(x, 32)
    label("high")
    jmp(x_dec, "look")
    label("look")
    jmp(pin, "high")  # 6
    in_(x, 32)
    wrap()


@asm_pio(in_shiftdir=PIO.SHIFT_LEFT, autopush=True, push_thresh=32)
def duty():  # osr: LOOKS - 1
    wait(1, gpio, 25)  # GO
    wrap_target()
    mov(x, invert(null))
    mov(y, osr)
    label("look")
    jmp(pin, "high")
    jmp(y_dec, "look")[1]
    jmp("say")
    label("high")
    jmp(x_dec, "next")
    label("next")
    jmp(y_dec, "look")
    nop()
    label("say")
    in_(x, 32)
    wrap()

"""In the manner of an RMT driver: a state machine takes one word for each edge and asks for the next by interrupt.

The queue is filled before the first edge and holds one pulse. What the machine does when it runs dry is to keep the
pins as they are, in mid-phase too.
"""

from array import array

import rp2
from machine import Pin


@rp2.asm_pio(out_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW), out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def edges():  # cycles from edge to edge, at 1 MHz: 1 + 1 + (x + 1) + 1 + 1 = x + 5
    wrap_target()
    pull(block)
    out(pins, 2)
    irq(rel(0))
    out(x, 30)
    label("hold")
    jmp(x_dec, "hold")
    wrap()


words = array("I", (level | (us - 5) << 2 for level, us in ((1, 250), (0, 50), (2, 250), (0, 19_450))))
at = 0
machine = rp2.StateMachine(0, edges, freq=1_000_000, out_base=Pin(2))


def feed(_):
    global at
    machine.put(words[at])
    at = (at + 1) & 3


machine.irq(feed)


def start():
    for word in words:
        machine.put(word)
    machine.active(1)


def halt():
    machine.active(0)
    machine.exec(0xA003)  # mov(pins, null)

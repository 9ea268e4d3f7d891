"""Two words a pulse and its rest, from a finite DMA of eight pulses that a soft interrupt starts anew."""

from array import array

import rp2
from machine import Pin

PULSES = 8


@rp2.asm_pio(set_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW), out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def pulse_and_rest():  # cycles at 1 MHz: phases y + 2, gap x + 4, rest with the pulls x + 7
    wrap_target()
    pull(block)
    out(y, 16)
    mov(x, y)
    set(pins, 1)
    label("phase_a")
    jmp(x_dec, "phase_a")
    set(pins, 0)
    out(x, 16)
    label("gap")
    jmp(x_dec, "gap")
    mov(x, y)
    set(pins, 2)
    label("phase_b")
    jmp(x_dec, "phase_b")
    set(pins, 0)
    pull(block)
    out(x, 32)
    label("rest")
    jmp(x_dec, "rest")
    wrap()


words = array("I", (250 - 2 | (50 - 4) << 16, 20_000 - 550 - 7) * PULSES)
machine = rp2.StateMachine(0, pulse_and_rest, freq=1_000_000, set_base=Pin(2))
dma = rp2.DMA()


def again(_):
    dma.config(read=words, count=2 * PULSES, trigger=True)


def start():
    machine.active(1)
    dma.irq(again)
    to_machine = dma.pack_ctrl(size=2, inc_read=True, inc_write=False, treq_sel=0, irq_quiet=False)
    dma.config(read=words, write=machine, count=2 * PULSES, ctrl=to_machine, trigger=True)


def halt():
    machine.active(0)
    machine.exec(0xE000)  # set(pins, 0)
    dma.active(0)

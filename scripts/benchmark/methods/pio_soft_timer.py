"""A state machine makes a pulse from each word, a soft Timer puts the words: exact widths, Python's period."""

import rp2
from machine import Pin, Timer

WORD = (250 - 2) | (50 - 4) << 16


@rp2.asm_pio(set_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW), out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def one_pulse():  # cycles at 1 MHz: phases y + 2, gap x + 4
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
    wrap()


machine = rp2.StateMachine(0, one_pulse, freq=1_000_000, set_base=Pin(2))
timer = Timer()


def pulse(_):
    machine.put(WORD)


def start():
    machine.active(1)
    timer.init(period=20, mode=Timer.PERIODIC, callback=pulse)


def halt():
    timer.deinit()
    machine.active(0)
    machine.exec(0xE000)  # set(pins, 0)

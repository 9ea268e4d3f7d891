"""A hard interrupt at 50 Hz and waits on ticks_us: Python that runs at once, whatever else runs.

MicroPython 1.25 has no hard Timer (1.26 has), so the tick comes from a state machine that does nothing else.
"""

from time import ticks_diff, ticks_us

import rp2
from machine import Pin

phase_a = Pin(2, Pin.OUT, value=0)
phase_b = Pin(3, Pin.OUT, value=0)


@rp2.asm_pio()
def tick():  # cycles: 1 + 32 + 7 = 40, at 2 kHz 20 ms
    wrap_target()
    irq(rel(0))
    nop()[31]
    nop()[6]
    wrap()


def pulse(_):
    # All three ends from one beginning, so that the errors do not add up.
    phase_a(1)
    begin = ticks_us()
    while ticks_diff(ticks_us(), begin) < 250:
        pass
    phase_a(0)
    while ticks_diff(ticks_us(), begin) < 300:
        pass
    phase_b(1)
    while ticks_diff(ticks_us(), begin) < 550:
        pass
    phase_b(0)


ticker = rp2.StateMachine(0, tick, freq=2_000)
ticker.irq(pulse, hard=True)


def start():
    ticker.active(1)


def halt():
    ticker.active(0)
    phase_a(0)
    phase_b(0)

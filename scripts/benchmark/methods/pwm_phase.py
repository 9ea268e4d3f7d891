"""Two PWM slices whose counters are set apart through mem32 and let go together."""

from machine import PWM, Pin, mem32

PWM_BASE = 0x40050000
SLICE = 0x14
DIV = 0x04  # in sixteenths
COUNTER = 0x08
TOP = 0x10
ENABLED = 0xA0
SET = 0x2000  # the registers' aliases that set and clear bits
CLEAR = 0x3000

pin_a = Pin(2)  # slice 1
pin_b = Pin(6)  # slice 3


def start():
    PWM(pin_a, freq=50, duty_ns=250_000)
    PWM(pin_b, freq=50, duty_ns=250_000)
    both = 1 << 1 | 1 << 3
    slice_a, slice_b = PWM_BASE + 1 * SLICE, PWM_BASE + 3 * SLICE
    later = (300 * 125 * 16 + mem32[slice_b + DIV] // 2) // mem32[slice_b + DIV]  # counts in 300 us
    mem32[PWM_BASE + ENABLED + CLEAR] = both
    mem32[slice_a + COUNTER] = 0
    mem32[slice_b + COUNTER] = mem32[slice_b + TOP] + 1 - later
    mem32[PWM_BASE + ENABLED + SET] = both


def halt():
    pin_a.init(Pin.OUT, value=0)
    pin_b.init(Pin.OUT, value=0)

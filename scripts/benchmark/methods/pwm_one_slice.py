"""One PWM slice: phase A inverted at the end of the period, phase B at its beginning. There is no room for a gap."""

from machine import PWM, Pin

pin_a = Pin(2)
pin_b = Pin(3)


def start():
    PWM(pin_a, freq=50, duty_ns=20_000_000 - 250_000, invert=True)
    PWM(pin_b, freq=50, duty_ns=250_000)


def halt():
    # PWM.deinit would leave the pins at their level; a plain output takes them away from the slice.
    pin_a.init(Pin.OUT, value=0)
    pin_b.init(Pin.OUT, value=0)

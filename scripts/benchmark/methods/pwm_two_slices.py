"""Two PWM slices, the second started when phase B is due: the gap is what Python takes to get there."""

from time import sleep_us

from machine import PWM, Pin

pin_a = Pin(2)
pin_b = Pin(6)  # GP3 belongs to the slice of GP2


def start():
    PWM(pin_a, freq=50, duty_ns=250_000)
    sleep_us(300)
    PWM(pin_b, freq=50, duty_ns=250_000)


def halt():
    pin_a.init(Pin.OUT, value=0)
    pin_b.init(Pin.OUT, value=0)

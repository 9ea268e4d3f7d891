"""A Timer and sleep_us: what tutorials show. The soft callback waits for the bytecode under way."""

from time import sleep_us

from machine import Pin, Timer

phase_a = Pin(2, Pin.OUT, value=0)
phase_b = Pin(3, Pin.OUT, value=0)
timer = Timer()


def pulse(_):
    phase_a(1)
    sleep_us(250)
    phase_a(0)
    sleep_us(50)
    phase_b(1)
    sleep_us(250)
    phase_b(0)


def start():
    timer.init(period=20, mode=Timer.PERIODIC, callback=pulse)


def halt():
    timer.deinit()
    phase_a(0)
    phase_b(0)

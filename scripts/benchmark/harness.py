"""The other half of each program of methods/: the main program beside the pulses, three emergency stops, two loads.

scripts/benchmark/chip.py sends a method, then this, to MicroPython's prompt on the emulated chip, and at the end
`run(loaded, rounds)`. A method has `start` and `halt`; it may have `service`, called once a round, and `permit`.
"""

import gc
from time import ticks_diff, ticks_us

import framebuf
from machine import Pin

enable = Pin(10, Pin.OUT, value=0)
# Each emergency stop has an input of its own, so that one run serves to try all three.
stop_polled = Pin(16, Pin.IN)
stop_soft = Pin(17, Pin.IN)
stop_hard = Pin(18, Pin.IN)

picture = framebuf.FrameBuffer(bytearray(1024), 128, 64, framebuf.MONO_VLSB)
sent = bytearray(1024)


def nothing():
    pass


def allow():
    enable(1)


def stop(_=None):
    enable(0)
    halt()


def count():
    """5 ms that allocate nothing."""
    n = 0
    while n < 1_500:
        n += 1


def busy(i):
    """What a program with a display and a serial port does: some 20 ms of it."""
    picture.fill(0)
    picture.text("50 Hz", 0, 0)
    picture.text("250 us", 0, 12)
    picture.line(0, 63, 127, i & 63, 1)
    sent[:] = memoryview(picture)
    samples = [{"at": k, "text": str(k)} for k in range(40)]
    for k in range(3):
        print('{"state":"RUNNING","round":%d,"line":%d,"samples":%d}' % (i, k, len(samples)))
    gc.collect()
    print('{"free":%d}' % gc.mem_free())


def run(loaded, rounds):
    """The pulses and the main program; prints #us of the rounds, bytes allocated, us of those bytes."""
    service = globals().get("service", nothing)
    permit = globals().get("permit", allow)
    stop_soft.irq(stop, Pin.IRQ_FALLING)
    stop_hard.irq(stop, Pin.IRQ_FALLING, hard=True)
    gc.collect()
    if not loaded:
        gc.disable()
    start()
    permit()
    before = gc.mem_alloc()
    service()
    begin = ticks_us()
    for i in range(rounds):
        if loaded:
            busy(i)
        else:
            count()
        if not stop_polled():
            stop()
        service()
    end = ticks_us()
    service()
    after = gc.mem_alloc()
    service()
    late = ticks_us()
    stop()
    print("#%d,%d,%d" % (ticks_diff(end, begin), after - before, ticks_diff(late, begin)))

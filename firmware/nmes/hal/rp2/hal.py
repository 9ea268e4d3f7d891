"""The RP2040 behind the contract of nmes/hal/__init__.py."""

import select
import sys
import time

import machine
import micropython
from machine import Pin
from ubinascii import hexlify

from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.rest import rest


class Hal:
    def __init__(self, board, stage):
        self._pins = board["pins"]
        if machine.freq() != board["cpu_hz"]:
            machine.freq(board["cpu_hz"])
        self._enable = Pin(self._pins["enable"], Pin.OUT, value=0)
        self._lamp = Pin(self._pins["lamp"], Pin.OUT, value=0)
        self._channels = [Generator(i, p, stage["levels"]) for i, p in enumerate(self._pins["channels"])]
        rest(self._pins)
        self._ticks = time.ticks_ms()
        self._now_ms = 0
        self._byte = bytearray(1)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def now_ms(self):
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms

    def wait_ms(self, ms):
        time.sleep_ms(ms)

    def rest(self):
        self._enable.value(0)
        for channel in self._channels:
            channel.halt()
        rest(self._pins)
        self._lamp.value(0)

    def enable(self, on):
        self._enable.value(on)

    def begin(self, channel):
        self._channels[channel].begin()

    def room(self, channel):
        return self._channels[channel].room()

    def put(self, channel, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most):
        return self._channels[channel].put(level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most)

    def begun(self, channel):
        return self._channels[channel].begun()

    def queued(self, channel):
        return self._channels[channel].queued()

    def starved(self, channel):
        return self._channels[channel].starved()

    def stop(self, channel):
        return self._channels[channel].stop()

    def lamp(self, on):
        self._lamp.value(on)

    def identity(self):
        version = sys.implementation.version
        return hexlify(machine.unique_id()).decode(), "%d.%d.%d" % (version[0], version[1], version[2])

    # ---- the link: the USB serial port that is otherwise MicroPython's prompt ----

    def open_link(self):
        micropython.kbd_intr(-1)  # Ctrl-C is a byte like any other: it must not reach a running session

    def close_link(self):
        micropython.kbd_intr(3)

    def read(self):
        for _ in self._poll.ipoll(0):
            sys.stdin.buffer.readinto(self._byte)
            return self._byte[0]
        return -1

    def write(self, line):
        sys.stdout.buffer.write(line)

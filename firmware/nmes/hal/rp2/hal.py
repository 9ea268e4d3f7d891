"""The RP2040 and the RP2350 behind the contract of nmes/hal/contract.py."""

import errno
import gc
import os
import select
import sys
import time

import machine
import micropython
from machine import Pin, mem32
from micropython import const
from nmes_build import FIRMWARE
from ubinascii import hexlify
from uctypes import addressof

from nmes.hal.common import ENDS, OUT_BYTES
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.adc import Adc
from nmes.hal.rp2.chip import chip
from nmes.hal.rp2.flash import area, slots
from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.guard import Guard
from nmes.hal.rp2.rest import rest
from nmes.hal.rp2.sampler import RING_BYTES, Converter, Sampler
from nmes.hal.rp2.watchdog import Watchdog

_LAST_WORDS_MS = const(100)  # USB carries the last answer to its host in some milliseconds
_SEND_BYTES = const(128)  # an iteration of the main loop
_INHERITED = ("/nmes.0", "/nmes.1")


_GUARDED_INPUTS = ("interlock", "stop_loop")
_E9_MOST_OHM = const(8_200)  # the pull-down that holds an input down against erratum RP2350-E9


class _Nothing:
    """A lamp or buzzer that the board does not have."""

    def value(self, level):
        pass


class Hal:
    def __init__(self, board, stage):  # long: every part of the hardware, once, in their order
        self._board = board
        self._pins = board["pins"]
        if machine.freq() != board["cpu_hz"]:
            machine.freq(board["cpu_hz"])
        self._lamp, self._ready, self._fault, self._buzzer = [
            Pin(self._pins[name], Pin.OUT, value=0) if name in self._pins else _Nothing()
            for name in ("lamp", "ready", "fault", "buzzer")
        ]
        self._guard = Guard(self._pins)
        phases = [channel[phase] for channel in self._pins["channels"] for phase in ("phase_a", "phase_b")]
        self._phases_low = [chip.IO_BANK0_BASE + reg.IO_CTRL0 + reg.IO_PIN * pin + reg.SET for pin in phases]
        self.channels = [Generator(i, p, stage["levels"]) for i, p in enumerate(self._pins["channels"])]
        self._converter = Converter(self._pins["sense_current"], self._pins["sense_voltage"])
        self._machines_ctrl = reg.PIO0_BASE + reg.PIO_CTRL + reg.CLEAR
        self._machines = (1 << len(self.channels)) - 1
        # Rings start at a multiple of their size, which the heap does not promise.
        self._rings = bytearray((1 + len(self.channels)) * RING_BYTES)
        at = (addressof(self._rings) + RING_BYTES - 1) & ~(RING_BYTES - 1)
        self._samplers = [
            Sampler(i, pins["phase_a"], self._converter, self.channels[i], at + i * RING_BYTES)
            for i, pins in enumerate(self._pins["channels"])
        ]
        for channel, sampler in zip(self.channels, self._samplers):
            channel.take = sampler.take  # type: ignore[attr-defined]
        self._adc = Adc(self._pins.get("supply"))
        rest(self._pins)
        low = [self._pins["enable"], self._pins["pump"]] + phases
        low += [pin for channel in self._pins["channels"] for pin in channel.values() if pin not in phases]
        self._outputs = [Pin(pin) for pin in low]
        self._watchdog = Watchdog()
        # What is passed on as it is.
        self.is_safe = self._guard.is_safe
        self.forget_openings = self._guard.forget_openings
        self.opened = self._guard.opened
        self.renew = self._guard.renew
        self.tripped = self._guard.tripped
        self.enabled = self._guard.enabled
        self.permitted = self._guard.permitted
        self.senses = self._converter.runs
        self.feed_watchdog = self._watchdog.feed
        if "panel" in self._pins:  # a stock MicroPython has no room for one
            from nmes.hal.rp2.panel import Buttons, Display

            self._contacts = Buttons(self._pins["panel"])
            self._display = Display(board["display"])
            self.buttons = self._contacts.buttons
            self.open_display = self._display.open_display
            self.display_page = self._display.display_page
            self.display_answers = self._display.display_answers
        self._slots = slots(board["flash"])
        self._ticks = time.ticks_ms()
        self._now_ms = 0
        self._byte = bytearray(1)
        self._poll_in = select.poll()
        self._poll_in.register(sys.stdin, select.POLLIN)
        if hasattr(sys.stdin.buffer, "readinto_nowait"):
            self.read = sys.stdin.buffer.readinto_nowait  # type: ignore[method-assign]
        self._poll_out = select.poll()
        self._poll_out.register(sys.stdout, select.POLLOUT)
        # Methods that are taken from their object at each call would be allocated there.
        self._can_send = self._poll_out.ipoll
        self._write_out = sys.stdout.buffer.write
        self._block_bytes = board["usb_free_bytes"]
        self._out = bytearray(OUT_BYTES)
        self._out_view = memoryview(self._out)
        self._out_begin = 0
        self._out_end = 0

    def now_ms(self):
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms

    def wait_ms(self, ms):
        self._send(_SEND_BYTES)
        time.sleep_ms(ms)

    def all_off(self):
        # Nothing here allocates: it is for want of memory, too, that it is asked.
        self._guard.halt()
        # Every state machine stops in the same cycle, and where it stands says whether its pulse has begun.
        mem32[self._machines_ctrl] = self._machines
        # The enable is low; were it stuck, a phase would go on while all else is halted, and that takes a millisecond.
        for ctrl in self._phases_low:
            mem32[ctrl] = chip.IO_OUTPUT_LOW
        for channel in self.channels:
            channel.halt()
        self._converter.halt()
        for sampler in self._samplers:
            sampler.halt()
        for pin in self._outputs:
            pin.init(Pin.OUT, value=0)
        self._lamp.value(0)

    def permit(self, longest_us):
        self._guard.begin(longest_us)

    def unfit(self):
        stepping = mem32[reg.SYSINFO_BASE + reg.SYSINFO_CHIP_ID] >> reg.SYSINFO_REVISION_SHIFT
        if stepping >= chip.STEPPINGS_WITH_E9:
            return ""
        held = [name for name, ohm in self._board["pull_downs_ohm"] if ohm <= _E9_MOST_OHM]
        open_inputs = [name for name in _GUARDED_INPUTS if name not in held]
        text = "of stepping A%d, with no pull-down outside on %s"
        return text % (stepping, " and ".join(open_inputs)) if open_inputs else ""

    def try_guard(self):
        try:
            return self._guard.try_guard()
        except OSError as error:
            return str(error)
        finally:
            self.all_off()

    def idle_current(self, channel):
        return self._adc.counts(self._pins["sense_current"][channel])

    def idle_voltage(self):
        return self._adc.counts(self._pins["sense_voltage"])

    def temperature_dc(self):
        return self._adc.temperature_dc()

    def supply_mv(self):
        return self._adc.supply_mv()

    def memory_free(self):
        gc.collect()
        return gc.mem_free()

    def collect(self):
        gc.collect()

    def sense(self, mask, shortest_us):
        self._converter.begin(mask)
        for index, sampler in enumerate(self._samplers):
            if mask & 1 << index:
                sampler.begin(shortest_us, self._converter.mask == 1 << index)

    def start(self, mask):
        # Clock dividers too: each counts its 125 cycles from the same one.
        mem32[reg.PIO0_BASE + reg.PIO_CTRL + reg.SET] = mask | mask << reg.PIO_CLKDIV_RESTART

    def lamp(self, on):
        self._lamp.value(on)

    def signal(self, ready, fault, buzzer):
        self._ready.value(ready)
        self._fault.value(fault)
        self._buzzer.value(buzzer)

    def watch(self, on):
        if on:
            self._watchdog.start()
        else:
            self._watchdog.stop()

    def suspend_watchdog(self, on):
        if on:
            self._watchdog.pause()
        else:
            self._watchdog.go_on()

    def reset_cause(self):
        return self._watchdog.reset_cause

    def read_slot(self, slot):
        return self._slots.read_slot(slot)

    def write_slot(self, slot, data):
        self._slots.write_slot(slot, data)

    def area(self, name):
        return area(self._board["flash"], name)

    def inherited(self, slot):
        try:
            with open(_INHERITED[slot], "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno == errno.ENOENT:
                return b""
            raise

    def firmware(self):
        return FIRMWARE

    def identity(self):
        version = sys.implementation.version
        return hexlify(machine.unique_id()).decode(), "%d.%d.%d" % (version[0], version[1], version[2])

    # ---- the link: the USB serial port that is otherwise MicroPython's prompt ----

    def open_link(self):
        micropython.kbd_intr(-1)  # Ctrl-C is a byte like any other: it must not reach a running session

    def close_link(self):
        self._send(OUT_BYTES)
        micropython.kbd_intr(3)

    def bootloader(self):
        time.sleep_ms(_LAST_WORDS_MS)
        machine.bootloader()

    def read(self, into):
        # On a stock MicroPython, whose `readinto` waits until the whole buffer is full. Our image has a method for it
        # (boards/rp2/patches/read-without-waiting.patch).
        for count in range(len(into)):
            for _ in self._poll_in.ipoll(0):
                sys.stdin.buffer.readinto(self._byte)
                into[count] = byte = self._byte[0]
                if byte in ENDS:
                    return count + 1
                break
            else:
                return count
        return len(into)

    def room_out(self):
        return OUT_BYTES - self._out_end + self._out_begin

    def unsent(self):
        return self._out_end - self._out_begin

    def random(self):
        # The ring oscillator's random bit (datasheet 2.17) is not for secrets, and this is none.
        return int.from_bytes(os.urandom(4), "little")

    def write(self, line):
        if len(line) > self.room_out():
            return False
        if len(line) > OUT_BYTES - self._out_end:
            left = self._out_end - self._out_begin
            self._out_view[:left] = self._out_view[self._out_begin : self._out_end]
            self._out_begin, self._out_end = 0, left
        self._out[self._out_end : self._out_end + len(line)] = line
        self._out_end += len(line)
        return True

    def _send(self, most):
        """Send at most `most` bytes of what was written. Never waits, whatever the host does.

        MicroPython's own write waits up to 500 ms for a host that has the port open and does not read. So each block is
        polled for, and is no longer than what there is room for then: on a stock MicroPython a byte.
        """
        begin = self._out_begin
        left = self._out_end - begin
        if left > most:
            left = most
        poll, write = self._can_send, self._write_out
        block, out = self._block_bytes, self._out
        while left > 0:
            for _ in poll(0):
                if block > left:
                    block = left
                write(out, begin, block)
                begin += block
                left -= block
                break
            else:
                break
        self._out_begin = begin

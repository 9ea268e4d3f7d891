"""The witness: takes commands, records, and says what it has recorded. A command is a line that ends in its CRC-32:

    hello           who it is
    record          begin to record, anew
    record levels   the same of phases and levels alone
    halt            record nothing more
    sha256 AT COUNT the SHA-256 of so many bytes of the flash, from a place in it on
    bootloader      into BOOTSEL, to be flashed
    pull NAMES      hold these low from now on (wires.PULLS, with a comma between), and no other; `pull -` lets all go

Each is answered by a JSON frame. A line that is none of them is answered by none. What it pulls it pulls until it is
told otherwise, whatever becomes of its host: a line that is pulled takes output away.
"""

import binascii
import hashlib
import json
import os
import sys
import time

import machine
import micropython
from board import BOARD
from machine import Pin
from micropython import const
from ubinascii import hexlify
from uctypes import bytearray_at
from witness_build import WITNESS

from witness import frames, wires
from witness.recorder import Recorder

PROTOCOL = 2
_TURN_MS = const(2)
_HEARTBEAT_MS = const(20)
_LINE_MOST = const(100)
_ANSWERED_MS = const(50)  # until an answer has left over USB
_FLASH = const(0x10000000)  # XIP (RP2040 datasheet 2.6.3)
_CHIP_ID = const(0x40000000)  # SYSINFO (2.20.4): the revision in the upper four bits, then the part


class Witness:
    def __init__(self):
        self._out = frames.Out()
        gpios = self._gpios = wires.gpios(BOARD["pins"])
        machines = self._numbers = wires.machines(BOARD["pins"])
        pump = machines.get(wires.PUMP, -1)
        self._pulls = {role: Pin(gpios[role], Pin.IN) for role in wires.PULLS if role in gpios}
        for role in gpios:
            if role not in wires.PULLS:
                Pin(gpios[role], Pin.IN, Pin.PULL_DOWN)  # a wire that is not there reads low
        with_levels = self._level_numbers = wires.level_machines(BOARD["pins"])
        self._recorder = Recorder(
            {machines[role]: gpios[role] for role in machines},
            pump,
            {with_levels[role]: gpios[role] for role in with_levels},
            [with_levels[role] for role in wires.LEVELS if role in with_levels],
            wires.GO,
        )
        self._pulled = 0
        self._line = bytearray(_LINE_MOST)
        self._length = 0
        self._part = bytearray(64)
        self._due = 0

    def run(self):
        """For ever."""
        while True:
            self._listen()
            if self._recorder.runs:
                self._say()
            time.sleep_ms(_TURN_MS)

    # ---- what it has recorded ----

    def _say(self):
        recorder, out = self._recorder, self._out
        recorder.look()
        for number in recorder.wires:
            count = recorder.take(number, out.words)
            if count:
                kind = frames.EDGES
                if number == recorder.pump:
                    kind = frames.PUMP
                elif number in recorder.duties:
                    kind = frames.LEVELS
                out.of_machine(kind, recorder.us(), recorder.levels(), recorder.total(number), number, count)
        now = time.ticks_ms()
        if time.ticks_diff(now, self._due) >= 0:
            self._due = time.ticks_add(now, _HEARTBEAT_MS)
            out.heartbeat(recorder.us(), recorder.levels(), recorder.stalled, recorder.overrun, self._pulled)

    # ---- what it is told ----

    def _listen(self):
        part = self._part
        count = sys.stdin.buffer.readinto_nowait(part)  # type: ignore[union-attr]  # our patch
        for index in range(count):
            byte = part[index]
            if byte in b"\r\n":
                if self._length:
                    self._heard(bytes(self._line[: self._length]))
                self._length = 0
            elif self._length < _LINE_MOST:
                self._line[self._length] = byte
                self._length += 1

    def _heard(self, line):
        text, _, crc = line.rpartition(b" ")
        if crc != b"%08x" % (binascii.crc32(text) & 0xFFFFFFFF):
            return
        name, _, rest = text.decode().partition(" ")
        answer = {"answer": name}
        if name == "hello":
            answer.update(self._hello())
        elif name == "record":
            answer["us"] = self._recorder.begin(rest == "levels")
            self._due = time.ticks_ms()
        elif name == "halt":
            self._recorder.halt()
        elif name == "sha256":
            at, _, count = rest.partition(" ")
            if not (at.isdigit() and count.isdigit()):
                return
            answer["sha256"] = _sha256_of_flash(int(at), int(count))
        elif name == "bootloader":
            self._recorder.halt()
            self._pull([])
        elif name == "pull":
            self._pull([] if rest == "-" else rest.split(","))
        else:
            return
        answer["pulled"] = [role for bit, role in enumerate(wires.PULLS) if self._pulled >> bit & 1]
        self._out.say(json.dumps(answer))
        if name == "bootloader":
            time.sleep_ms(_ANSWERED_MS)
            machine.bootloader()

    def _pull(self, roles):
        pulled = 0
        for bit, role in enumerate(wires.PULLS):
            pin = self._pulls.get(role)
            if pin is None:
                continue
            if role in roles:
                pin.init(Pin.OUT, value=0)
                pulled |= 1 << bit
            else:
                pin.init(Pin.IN)
        self._pulled = pulled

    def _hello(self):
        return {
            "witness": PROTOCOL,
            "board": BOARD["name"],
            "digest": WITNESS,
            "uid": hexlify(machine.unique_id()).decode(),
            "revision": machine.mem32[_CHIP_ID] >> 28,
            "micropython": os.uname().release,
            "cpu_hz": machine.freq(),
            "machines": self._numbers,
            "level_machines": self._level_numbers,
            "gpios": self._gpios,
            "levels": self._recorder.levels(),
            "us": self._recorder.us(),
        }


def _sha256_of_flash(at, count):
    """Of `count` bytes from `at` on, in hexadecimal digits."""
    made = hashlib.sha256()
    while count > 0:
        part = min(count, 4096)
        made.update(bytearray_at(_FLASH + at, part))
        at, count = at + part, count - part
    return hexlify(made.digest()).decode()


def run():
    """Be the witness of the board whose pins the module `board` has."""
    micropython.kbd_intr(-1)  # whatever comes over USB is for us to judge
    machine.freq(125_000_000)
    Witness().run()

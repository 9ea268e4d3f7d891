"""A board with a stock MicroPython that is not there: the real interpreter (its Unix port) behind a pseudo terminal.

It speaks MicroPython's raw prompt as a board does, so that mpremote's own transport is on the other side, and has a
real littlefs in a file of the host. What it has of the chip are pins that only say what they were told, and a power
that can be cut in the middle of any write to the flash. What it cannot do is run our application: `nmes.app` only says
that it was reached, from which folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import toolchain

_BOARD = r"""
import ffi, json, os, sys, vfs
from micropython import kbd_intr

with open(sys.argv[1]) as file:
    given = json.load(file)
BLOCK, BLOCKS = 4096, given["blocks"]
flash = open(given["flash"], "r+b")
log = open(given["log"], "ab")
left = given["cut"]
quit = ffi.open(None).func("v", "_exit", "i")


def say(*row):
    log.write(json.dumps(row).encode() + b"\n")
    log.flush()


class Flash:
    def readblocks(self, n, into, at=0):
        flash.seek(n * BLOCK + at)
        flash.readinto(into)

    def writeblocks(self, n, data, at=0):
        global left
        left -= 1
        if not left:
            data = bytes(data)[: len(data) // 2]
        flash.seek(n * BLOCK + at)
        flash.write(data)
        flash.flush()
        if not left:
            quit(9)

    def ioctl(self, op, n):
        global left
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            left -= 1
            flash.seek(n * BLOCK)
            flash.write(b"\xff" * (BLOCK if left else BLOCK // 2))
            flash.flush()
            if not left:
                quit(9)
        return 0


device = Flash()
try:
    files = vfs.VfsLfs2(device, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(device, progsize=256)
    files = vfs.VfsLfs2(device, progsize=256)
vfs.umount("/")
vfs.mount(files, "/")
for path, text in given["files"]:
    for end in range(1, len(path)):
        if path[end] == "/":
            try:
                os.mkdir(path[:end])
            except OSError:
                pass
    with open(path, "w") as file:
        file.write(text)


class Pin:
    OUT = 1

    def __init__(self, number, mode=None, value=None):
        say("pin", number, mode, value)


class Module:
    def __init__(self, under=None, **names):
        self.under = under
        for name in names:
            setattr(self, name, names[name])

    def __getattr__(self, name):
        return getattr(self.under, name)


class Uname:
    release, machine = given["release"], given["machine"]


class Sys:
    path = sys.path

    class implementation:
        _mpy = given["mpy"]


def ran():
    say("ran", sys.path)
    if given["app"] == "deaf":
        while True:
            pass


def bootloader():
    say("bootsel")
    quit(0)


def start():
    # What a reset, hard or soft, does: boot.py, then main.py, out of the root.
    sys.path[:] = ["", ".frozen", "/lib"]
    for name in list(sys.modules):
        del sys.modules[name]
    machine = Module(Pin=Pin, bootloader=bootloader)
    sys.modules.update({"umachine": machine, "machine": machine, "uos": Module(os, uname=lambda: Uname)})
    if given["mpy"] != 6:
        sys.modules["sys"] = Sys
    sys.modules["nmes.app"] = Module(run=ran)
    sys.modules["nmes.hal.rp2.hal"] = Module()
    say("start")
    for name in ("boot.py", "main.py"):
        try:
            with open("/" + name) as file:
                text = file.read()
        except OSError:
            continue
        try:
            exec(text, {"__name__": "__main__"})
        except Exception as error:
            say("died", name, repr(error))


def out(data):
    sys.stdout.buffer.write(data)


def get():
    data = sys.stdin.buffer.read(1)
    if not data:
        quit(0)
    return data


def paste():
    # Raw paste: so many bytes, and as many again whenever they have been taken.
    out(b"R\x01\x00\x08")
    code = bytearray()
    while True:
        data = get()
        if data == b"\x04":
            out(b"\x04")
            return bytes(code)
        code += data
        if len(code) % 0x800 == 0:
            out(b"\x01")


def raw(names):
    out(b"raw REPL; CTRL-B to exit\r\n>")
    while True:
        code = b""
        while True:
            data = get()
            if data == b"\x01":
                out(b"raw REPL; CTRL-B to exit\r\n>")
                code = b""
            elif data == b"\x02":
                return
            elif data == b"\x03":
                code = b""
            elif data == b"\x05":
                get(), get()
                code = paste()
                break
            elif data == b"\x04":
                out(b"OK")
                break
            else:
                code += data
        error = b""
        try:
            exec(code, names)
        except Exception as failure:
            error = b"Traceback\r\n" + repr(failure).encode()
            say("error", repr(failure), code.decode())
        out(b"\x04" + error + b"\x04>")


kbd_intr(-1)
start()
out(b"MicroPython\r\n>>> ")
while True:
    data = get()
    if data == b"\x01":
        raw({})
        out(b"\r\n>>> ")
    elif data == b"\x04":
        start()
        out(b"MPY: soft reboot\r\n>>> ")
    elif data == b"\r":
        out(b"\r\n>>> ")
"""

PICO = "Raspberry Pi Pico with RP2040"


class StockBoard:
    """One board: its flash is kept while it is switched on and off."""

    def __init__(self, folder: Path, blocks: int = 352) -> None:
        self.blocks = blocks
        self._flash, self._log, self._program = folder / "flash", folder / "log", folder / "board.py"
        self._given = folder / "given.json"
        self._flash.write_bytes(b"\xff" * (blocks * 4096))
        self._program.write_text(_BOARD)
        self._log.touch()

    @contextlib.contextmanager
    def on(self, *, files: dict[str, str] | None = None, cut: int = 0, release: str = "1.25.0", machine: str = PICO,
           mpy: int = 6, app: str = "") -> Iterator[str]:  # fmt: skip
        """Switch it on; yields its serial port. `cut`: at so manieth write or erase of the flash the power goes."""
        given = {
            "flash": str(self._flash), "log": str(self._log), "blocks": self.blocks, "cut": cut, "release": release,
            "machine": machine, "mpy": mpy, "app": app, "files": list((files or {}).items()),
        }  # fmt: skip
        master, slave = pty.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)  # a port that has gone has none
        self._given.write_text(json.dumps(given))
        command = [str(toolchain.unix_micropython()), "-X", "heapsize=4m", str(self._program), str(self._given)]
        self.process = subprocess.Popen(command, stdin=master, stdout=master, stderr=subprocess.STDOUT)
        os.close(master)  # with the board the port goes
        try:
            yield name
        finally:
            os.close(slave)
            self.process.kill()
            self.process.wait()

    def said(self, what: str) -> list[list[Any]]:
        """What it did, of one kind: "pin" (number, mode, value), "start", "ran" (sys.path), "died", "error"."""
        rows = [json.loads(row) for row in self._log.read_text().splitlines()]
        return [row[1:] for row in rows if row[0] == what]

"""File systems for the emulated board, made outside it: the same littlefs, by MicroPython's Unix port."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import toolchain
from opennmes.boards import load_board

BLOCK = 4096
AT, LENGTH = load_board("pico")["flash"]["files"]

_MAKE = """
import json, sys, vfs

class Ram:
    def __init__(self):
        self.data = bytearray(b"\\xff" * LENGTH)
    def readblocks(self, n, into, at=0):
        into[:] = self.data[n * BLOCK + at : n * BLOCK + at + len(into)]
    def writeblocks(self, n, data, at=0):
        self.data[n * BLOCK + at : n * BLOCK + at + len(data)] = data
    def ioctl(self, op, n):
        if op == 4:
            return LENGTH // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self.data[n * BLOCK : (n + 1) * BLOCK] = b"\\xff" * BLOCK
        return 0

ram = Ram()
vfs.VfsLfs2.mkfs(ram, progsize=256)
files = vfs.VfsLfs2(ram, progsize=256)
made = set()
for name, text in json.loads(sys.stdin.readline()):
    parts = name.split("/")[1:]
    for depth in range(1, len(parts)):
        folder = "/" + "/".join(parts[:depth])
        if folder not in made:
            made.add(folder)
            files.mkdir(folder)
    with files.open(name, "wb") as file:
        file.write(bytes(text))
with open(sys.argv[1], "wb") as file:
    file.write(ram.data)
"""


def image(files: dict[str, bytes], folder: Path) -> bytes:
    """A flash image that holds nothing but a file system with these files, for EmulatedPico."""
    program, made = folder / "make.py", folder / "littlefs.bin"
    program.write_text(f"LENGTH, BLOCK = {LENGTH}, {BLOCK}\n{_MAKE}")
    rows = [[name, list(text)] for name, text in files.items()]
    command = [str(toolchain.unix_micropython()), "-X", "heapsize=32m", str(program), str(made)]
    subprocess.run(command, input=json.dumps(rows) + "\n", text=True, check=True)
    return b"\xff" * AT + made.read_bytes()

"""A littlefs with files in it, as MicroPython on the Pico makes one; for MicroPython's Unix port.

Standard input is JSON: {"bytes": size, "files": {path: content in base64}}. Standard output is the image.
"""

import binascii
import json
import os
import sys

try:
    import vfs
except ImportError:
    vfs = os

BLOCK = 4_096


class Flash:
    def __init__(self, size):
        self.data = bytearray(b"\xff" * size)

    def readblocks(self, n, buf, off=0):
        at = n * BLOCK + off
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, n, buf, off=0):
        at = n * BLOCK + off
        self.data[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self.data[arg * BLOCK : (arg + 1) * BLOCK] = b"\xff" * BLOCK
        return 0


def main():
    asked = json.loads(sys.stdin.read())
    flash = Flash(asked["bytes"])
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    files = vfs.VfsLfs2(flash, progsize=256)
    folders = []
    for path, content in asked["files"].items():
        parts = path.split("/")
        for i in range(1, len(parts)):
            folder = "/".join(parts[:i])
            if folder not in folders:
                files.mkdir(folder)
                folders.append(folder)
        with files.open(path, "wb") as file:
            file.write(binascii.a2b_base64(content))
    sys.stdout.buffer.write(flash.data)


main()

"""A chip in BOOTSEL, and UF2 files for it."""

from __future__ import annotations

import struct
from pathlib import Path

from opennmes.device.uf2 import PAYLOAD
from opennmes.emulator.bootsel import INFO, BootselDrive


def uf2(data: bytes, *, family: int = 0xE48BFF56, start: int = 0x10000000, count: int | None = None) -> bytes:
    """A UF2 file of `data`, whose length is a multiple of 256."""
    pieces = [data[at : at + PAYLOAD] for at in range(0, len(data), PAYLOAD)]
    blocks = []
    for number, piece in enumerate(pieces):
        head = (0x0A324655, 0x9E5D5157, 0x2000, start + number * PAYLOAD, PAYLOAD, number, count or len(pieces), family)
        blocks.append(struct.pack("<8I", *head) + piece.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks)


class Chip(BootselDrive):
    """A chip in BOOTSEL that takes what comes. Its time passes in `pause`, which is given to opennmes.device.drive.copy
    in the place of time.sleep."""

    def __init__(self, folder: Path, board: str = "RPI-RP2") -> None:
        super().__init__(folder, INFO.replace("RPI-RP2", board))
        self.flash: bytes | None = None
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds
        self.look()

    def look(self) -> None:
        """Flash what has come, if it is whole."""
        image = self.taken()
        if image is not None:
            self.flash = b"".join(data for _, data in image)

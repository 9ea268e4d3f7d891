"""UF2 files: whole or refused, before a byte of them goes to a board.

The chip's boot ROM says nothing about a file that it does not like: a file for another chip is ignored, a file with a
hole is written in part, and an address behind the end of the flash wraps to its start (RP2040 datasheet, 2.7.4). So
everything is checked here. The format: https://github.com/microsoft/uf2, 512 bytes a block.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from opennmes.boards import OURS

BLOCK = 512
PAYLOAD = 256  # the boot ROM takes no other
FLASH_START = 0x1000_0000
_HEAD = struct.Struct("<8I")
_MAGIC = (0x0A32_4655, 0x9E5D_5157)
_MAGIC_END = 0x0AB1_6F30
_NOT_MAIN_FLASH = 0x0000_0001
_FAMILY_PRESENT = 0x0000_2000

RP2040 = "rp2040"
RP2350 = "rp2350"
# pico-sdk 2.2.0, boot/uf2.h: the families of images for each chip, and what others are called in a message.
_FAMILIES = {
    0xE48B_FF56: ("RP2040", RP2040),
    0xE48B_FF59: ("RP2350 (Arm, secure)", RP2350),
    0xE48B_FF5A: ("RP2350 (RISC-V)", RP2350),
    0xE48B_FF5B: ("RP2350 (Arm, non-secure)", RP2350),
    0xE48B_FF57: ("an absolute address", None),
    0xE48B_FF58: ("data", None),
}
_FAMILY_OF = {RP2040: 0xE48B_FF56, RP2350: 0xE48B_FF59}
# Erratum RP2350-E10: such an image begins with a block of the absolute family that the boot ROM is to ignore. It lies
# at the end of the flash's addresses, and says behind its payload that it is to be ignored (boot/uf2.h).
_ABSOLUTE = 0xE48B_FF57
_IGNORED_AT = 0x10FF_FF00
_EXTENSION_PRESENT = 0x0000_8000
_IGNORE = 0x9957_E304
# The name of a module that is frozen into a witness's image alone (firmware/witness/manifest.py), as MicroPython keeps
# such names: a zero ends each.
_WITNESS = b"\0witness/app.py\0"


class Uf2Error(Exception):
    """The file is no UF2 that could be flashed whole; the message says why and what to do."""


@dataclass(frozen=True)
class Uf2:
    """A checked image: `data` goes to flash from `start` on; `raw` is the file, as it is copied to the drive."""

    path: Path
    chip: str
    start: int
    data: bytes
    raw: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of what has to be in flash, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def blocks(self) -> int:
        """How many blocks the file has."""
        return len(self.raw) // BLOCK


def packed(image: bytes, chip: str) -> bytes:
    """The UF2 of what goes to the flash of a chip (RP2040 or RP2350) from its start on."""
    family = _FAMILY_OF[chip]
    count = -(-len(image) // PAYLOAD)
    blocks = [
        _packed(
            _FAMILY_PRESENT, FLASH_START + at * PAYLOAD, at, count, family, image[at * PAYLOAD : (at + 1) * PAYLOAD]
        )
        for at in range(count)
    ]
    if chip == RP2350:
        ignored = b"\xef" * PAYLOAD + struct.pack("<I", _IGNORE)
        blocks.insert(0, _packed(_FAMILY_PRESENT | _EXTENSION_PRESENT, _IGNORED_AT, 0, 2, _ABSOLUTE, ignored))
    return b"".join(blocks)


def _packed(flags: int, address: int, number: int, count: int, family: int, data: bytes) -> bytes:
    head = _HEAD.pack(*_MAGIC, flags, address, PAYLOAD, number, count, family)
    return (head + data).ljust(BLOCK - 4, b"\0") + struct.pack("<I", _MAGIC_END)


def read_uf2(path: Path, flash_bytes: int) -> Uf2:
    """The image in the file `path`, for a board with `flash_bytes` of flash. Raises Uf2Error."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Uf2Error(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) < BLOCK or raw[:8] != struct.pack("<2I", *_MAGIC):
        raise Uf2Error(f"{path}: this is no UF2 file; name one that `make setup` has put in build, or leave it out")
    if len(raw) % BLOCK:
        raise Uf2Error(
            f"{path}: the file is cut short ({len(raw)} bytes, not a multiple of {BLOCK}); copy or build it again"
        )
    blocks = [_block(path, raw[at : at + BLOCK], at // BLOCK) for at in range(0, len(raw), BLOCK)]
    if len(blocks) > 1 and blocks[0].family == _ABSOLUTE != blocks[1].family:
        blocks = blocks[1:]
    return _image(path, blocks, raw, flash_bytes)


def board_in(image: Uf2) -> str:
    """What an image of ours calls the board that it was made for (boards.machine); "" for one of somebody else."""
    found = re.search(OURS.encode() + rb"[ -~]+ with RP[0-9]+", image.data)
    return found[0].decode() if found else ""


def is_witness(image: Uf2) -> bool:
    """Whether an image of ours is that of a witness (firmware/witness), whatever its file is called."""
    return bool(board_in(image)) and _WITNESS in image.data


@dataclass(frozen=True)
class _Block:
    address: int
    number: int
    count: int
    family: int
    payload: bytes


def _block(path: Path, data: bytes, at: int) -> _Block:
    *magic, flags, address, size, number, count, family = _HEAD.unpack_from(data)
    (end,) = struct.unpack_from("<I", data, BLOCK - 4)
    if tuple(magic) != _MAGIC or end != _MAGIC_END:
        raise Uf2Error(f"{path}: block {at} is damaged (its magic numbers are wrong); copy or build the file again")
    if flags & _NOT_MAIN_FLASH or not flags & _FAMILY_PRESENT or size != PAYLOAD:
        raise Uf2Error(f"{path}: block {at} is not {PAYLOAD} bytes of flash with a chip's family; build the file again")
    return _Block(address, number, count, family, data[_HEAD.size : _HEAD.size + size])


def _image(path: Path, blocks: list[_Block], raw: bytes, flash_bytes: int) -> Uf2:
    family, count, start = blocks[0].family, blocks[0].count, blocks[0].address
    name, chip = _FAMILIES.get(family, (f"family {family:#010x}", None))
    if chip is None:
        raise Uf2Error(f"{path}: the file is for {name}, not for an RP2040 or RP2350; choose the file of this board")
    if len(blocks) != count:
        raise Uf2Error(
            f"{path}: the file has {len(blocks)} of the {count} blocks that it announces; copy or build it again"
        )
    for at, block in enumerate(blocks):
        if (block.number, block.count, block.family) != (at, count, family):
            raise Uf2Error(f"{path}: block {at} belongs to another file or place; copy or build the file again")
        if block.address != start + at * PAYLOAD:
            raise Uf2Error(
                f"{path}: there is a hole before block {at} (address {block.address:#010x}, expected "
                f"{start + at * PAYLOAD:#010x}); build the file again"
            )
    if start != FLASH_START:
        raise Uf2Error(f"{path}: the image begins at {start:#010x}, expected {FLASH_START:#010x}, the start of flash")
    data = b"".join(block.payload for block in blocks)
    if len(data) > flash_bytes:
        raise Uf2Error(f"{path}: {len(data)} bytes do not fit into the board's {flash_bytes} bytes of flash")
    return Uf2(path, chip, start, data, raw)

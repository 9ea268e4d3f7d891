"""What the witness says over USB (firmware/witness/frames.py), as frames: told apart, checked, and made for tests.

    A5 57   kind   number   length   payload                       CRC-32
    2       1      2        2        length                        4        bytes, the least significant first

`number` counts all frames: one that is missing is seen. The CRC-32 is of kind, number, length and payload.

    "J"  JSON in a line: who it is, answers
    "E"  us, levels, total, machine, flags: then the words of a machine, as they came
    "P"  the same head, then six words for each stretch of the pump's wave: x at its first and at its last change, the
         number of the last one, how many came after the first, the fewest and the most rounds between two
    "L"  the same head, then a word for each plateau of a level, windows one after the other whose counts differ by one
         at most: how many they are (from bit 12 on), the most less the fewest looks of one that saw the pin high (bit
         10), and the fewest
    "H"  us, levels, stalled, overrun, pulls: at least every 20 ms

`us` is the witness's own clock, 32 bits of it; `levels` all its pins then; `total` the words that the machine has made,
of a level one for each window.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAGIC = b"\xa5\x57"
JSON, EDGES, PUMP, LEVELS, HEARTBEAT = b"J", b"E", b"P", b"L", b"H"
_HEAD = struct.Struct("<2ssHH")
_CRC = struct.Struct("<I")
OF_MACHINE = struct.Struct("<IIIBB2x")
OF_HEARTBEAT = struct.Struct("<IIIII")
STRETCH_WORDS = 6
PLATEAU_COUNT_SHIFT, PLATEAU_SPREAD_SHIFT, PLATEAU_LOOKS = 12, 10, 0x3FF
PAYLOAD_MOST = 4_096


@dataclass(frozen=True)
class Frame:
    """One frame whose CRC-32 fits."""

    kind: bytes
    number: int
    payload: bytes


def encode(kind: bytes, number: int, payload: bytes) -> bytes:
    """The bytes of a frame."""
    head = _HEAD.pack(MAGIC, kind, number & 0xFFFF, len(payload))
    return head + payload + _CRC.pack(binascii.crc32(head[2:] + payload))


def of_machine(kind: bytes, us: int, levels: int, total: int, machine: int, words: Sequence[int]) -> bytes:
    """The payload of "E", "P" and "L"."""
    head = OF_MACHINE.pack(us & 0xFFFFFFFF, levels, total & 0xFFFFFFFF, machine, 0)
    return head + struct.pack(f"<{len(words)}I", *words)


def plateau(count: int, least: int, most: int) -> int:
    """The word of a plateau."""
    return count << PLATEAU_COUNT_SHIFT | most - least << PLATEAU_SPREAD_SHIFT | least


class Frames:
    """Finds frames in a stream of bytes. `strange`: the last bytes that belong to none; `damaged`: how many frames
    were lost or damaged."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._next: int | None = None
        self.strange = b""
        self.damaged = 0

    def take(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        self._left += data
        while True:
            at = self._left.find(MAGIC)
            if at < 0:
                self._skip(len(self._left) - self._left.endswith(MAGIC[:1]))
                return
            self._skip(at)
            if len(self._left) < _HEAD.size:
                return
            _, kind, number, length = _HEAD.unpack_from(self._left)
            if length > PAYLOAD_MOST:
                self._skip(len(MAGIC))
                continue
            end = _HEAD.size + length + _CRC.size
            if len(self._left) < end:
                return
            whole = bytes(self._left[:end])
            if _CRC.unpack(whole[-_CRC.size :])[0] != binascii.crc32(whole[len(MAGIC) : -_CRC.size]):
                self._skip(len(MAGIC))
                continue
            del self._left[:end]
            if self._next is not None and number != self._next:
                self.damaged += number - self._next & 0xFFFF
            self._next = number + 1 & 0xFFFF
            yield Frame(kind, number, whole[_HEAD.size : -_CRC.size])

    def _skip(self, count: int) -> None:
        if count:
            self.strange = (self.strange + bytes(self._left[:count]))[-200:]
            del self._left[:count]

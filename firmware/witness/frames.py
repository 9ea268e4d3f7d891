"""The witness's side of host_tools/opennmes/measure/captures/witness_frames.py, which has the layout."""

import binascii
import struct
import sys
from array import array

from uctypes import addressof, bytearray_at

JSON = 0x4A
EDGES = 0x45
PUMP = 0x50
HEARTBEAT = 0x48
LEVELS = 0x4C
_HEAD = 7  # bytes: magic, kind, number, length
_OF_MACHINE = 16  # bytes, before the words
_WORDS = 500


class Out:
    """Makes frames and sends them. `words` is where the words of the next frame of a machine are put."""

    def __init__(self):
        self.words = array("I", [0] * _WORDS)
        self._words = memoryview(bytearray_at(addressof(self.words), 4 * _WORDS))
        self._line = bytearray(_HEAD + _OF_MACHINE + 4 * _WORDS + 4)
        self._view = memoryview(self._line)
        self._number = 0
        self._write = sys.stdout.buffer.write

    def of_machine(self, kind, us, levels, total, machine, count):
        """Send the first `count` of `words`."""
        struct.pack_into("<IIIBBH", self._line, _HEAD, us, levels, total, machine, 0, 0)
        at = _HEAD + _OF_MACHINE
        self._view[at : at + 4 * count] = self._words[: 4 * count]
        self._send(kind, _OF_MACHINE + 4 * count)

    def heartbeat(self, us, levels, stalled, overrun, pulls):
        """Send that it is there, how the pins are, and what was lost."""
        struct.pack_into("<IIIII", self._line, _HEAD, us, levels, stalled, overrun, pulls)
        self._send(HEARTBEAT, 20)

    def say(self, text):
        """Send a text."""
        data = text.encode()
        self._line[_HEAD : _HEAD + len(data)] = data
        self._send(JSON, len(data))

    def _send(self, kind, length):
        struct.pack_into("<HBHH", self._line, 0, 0x57A5, kind, self._number, length)
        self._number = self._number + 1 & 0xFFFF
        end = _HEAD + length
        struct.pack_into("<I", self._line, end, binascii.crc32(self._view[2:end]) & 0xFFFFFFFF)
        self._write(self._view[: end + 4])

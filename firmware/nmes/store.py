"""What is kept over resets and power cuts: one small dictionary, in two slots of the HAL.

    b"NMES", version, number of the save, length of the text: 12 bytes; the JSON text; its CRC-32 with all before it

Both slots hold the same: one is written, then the other, the older one first. Whatever byte a power cut or a bad cell
hits, the other slot is whole; after a cut it holds what was accepted before, or already the new. Nothing is written
but by `turn` and `flush`, and the supervisor calls them only while nobody is armed.
"""

import binascii
import json
import struct

from nmes.core import faults, lockout
from nmes.core.reason import is_int

VERSION = 1
TEXT_MAX = 1_500
_HEAD = "<4sHIH"
_HEAD_BYTES = 12
_MAGIC = b"NMES"
_SLOTS = 2
_LOCKOUT_MAX = {"used_ms": lockout.LONG_MS, "locked_ms": lockout.LOCKOUT_MS, "open": 1}

# What a device holds that has never kept anything.
FACTORY = {
    "fault": None,  # the record of the first fault that nobody has cleared: faults.RECORD_FIELDS
    # See core/lockout.py.
    "used_ms": 0,  # of motor sessions since the last pause
    "locked_ms": 0,  # of the pause that is still to come
    "open": 0,  # 1: a motor session was begun and has not ended; with the power cut it is not known how long it was
}


class Store:
    """`due`: there is something to write. `damaged`: there was something, none of it whole, and FACTORY is in use."""

    def __init__(self, hal):
        self._hal = hal
        self._written = [-1] * _SLOTS  # the number of the save in each slot; -1: none that is whole
        self.damaged = False
        self._read()

    def _read(self):
        content = None
        self._data = None  # of both slots, once they are written; None: to be made
        for slot in range(_SLOTS):
            data = self._hal.recall(slot)
            number, found = _decode(data)
            if data and found is None:
                self.damaged = True
            if found is not None:
                self._written[slot] = number
                if number == max(self._written):
                    content = found
                    self._data = data
        self.number = max(0, max(self._written))
        if content is not None:
            self.damaged = False
        self._content = content or dict(FACTORY)
        self.due = content is not None and min(self._written) != self.number

    def get(self, key):
        return self._content[key]

    def put(self, key, value):
        """From now on `key` is `value`; kept when `turn` or `flush` has written it."""
        self._content[key] = value
        self.number += 1
        self._data = None
        self.due = True

    def turn(self):
        """Write one slot, if there is anything to write. Raises OSError when it cannot be read back as it was written;
        then it is not tried again before the next `put`."""
        if not self.due:
            return
        slot = self._written.index(min(self._written))
        self.due = False
        self._data = self._data or _encode(self.number, self._content)
        self._written[slot] = -1
        self._hal.keep(slot, self._data)
        if self._hal.recall(slot) != self._data:
            raise OSError("slot %d does not read as it was written" % slot)
        self._written[slot] = self.number
        self.due = min(self._written) != self.number

    def flush(self):
        """Write all that there is to write. Raises OSError."""
        while self.due:
            self.turn()


def _encode(number, content):
    text = json.dumps(content).encode()
    if len(text) > TEXT_MAX:
        raise ValueError("%d bytes to keep" % len(text))
    data = struct.pack(_HEAD, _MAGIC, VERSION, number, len(text)) + text
    return data + struct.pack("<I", binascii.crc32(data) & 0xFFFFFFFF)


def _decode(data):
    """(number, content) of a slot, or (-1, None)."""
    if len(data) < _HEAD_BYTES + 4:
        return -1, None
    magic, version, number, length = struct.unpack(_HEAD, data[:_HEAD_BYTES])
    (crc,) = struct.unpack("<I", data[-4:])
    if magic != _MAGIC or version != VERSION or len(data) != _HEAD_BYTES + length + 4:
        return -1, None
    if crc != binascii.crc32(data[:-4]) & 0xFFFFFFFF:
        return -1, None
    try:
        content = json.loads(data[_HEAD_BYTES:-4])
    except ValueError:
        return -1, None
    return (number, content) if _valid(content) else (-1, None)


def _valid(content):
    """A right CRC says that it is what was written, not that it makes sense."""
    if not isinstance(content, dict) or sorted(content) != sorted(FACTORY):
        return False
    for key in _LOCKOUT_MAX:
        if not is_int(content[key]) or not 0 <= content[key] <= _LOCKOUT_MAX[key]:
            return False
    record = content["fault"]
    if record is None:
        return True
    return (
        isinstance(record, dict)
        and sorted(record) == sorted(faults.RECORD_FIELDS)
        and is_int(record["fault"])
        and record["fault"] in faults.FAULTS
        and isinstance(record["fault_text"], str)
        and is_int(record["at_ms"])
        and faults.AT_MS[0] <= record["at_ms"] <= faults.AT_MS[1]
    )

"""What is kept over resets and power cuts: one small dictionary, in two copies far apart in the flash.

    b"NMES", version, number of the save, length of the text: 12 bytes; the JSON text; its CRC-32 with all before it

Of the HAL's slots two hold the copies and two hold marks. Both copies hold the same: one is written and read back, then
the other, the one that is not whole or older first. So whatever place a power cut or a bad cell hits, the other copy is
whole. Both are written before anything counts as kept.

A mark says that something has been kept here once. It is written when both copies are there for the first time, so
copies that are lost afterwards, erased ones too, are damage and not a new device. It holds the lock too (core/lock.py):
of a device whose copies are lost the marks say whether it is locked, and where they are lost as well, it is.

Nothing is written but by `flush`, and the supervisor calls it only while nobody is armed. Of what is damaged, or was
written by a newer firmware, nothing is overwritten before `begin_anew`.
"""

import binascii
import json
import struct

from nmes.core import faults, lock, lockout, settings
from nmes.core.reason import is_int

VERSION = 4
# What the versions before did not have: a device had the factory's.
_WITHOUT: dict = {1: ("settings", "lock"), 2: ("lock",), 3: ()}
_SETTINGS_WITHOUT = ("language",)  # before version 4
TEXT_MAX = 2_000
_HEAD = "<4sHIH"
_HEAD_BYTES = 12
_CRC_BYTES = 4
_MAGIC = b"NMES"
_COPIES = (0, 1)  # slots of the HAL
_MARKS = (2, 3)
_ERASED = b"\xff"
_LOCKOUT_MAX = {"used_ms": lockout.LONG_MS, "locked_ms": lockout.LOCKOUT_MS, "open": 1}

# What a device holds that has never kept anything.
FACTORY = {
    "fault": None,  # the record of the first fault that nobody has cleared: faults.RECORD_FIELDS
    # See core/lockout.py.
    "used_ms": 0,  # of motor sessions since the last pause
    "locked_ms": 0,  # of the pause that is still to come
    "open": 0,  # 1: a motor session was begun and has not ended; with the power cut it is not known how long it was
    "settings": settings.factory(),  # see core/settings.py
    "lock": lock.factory(),  # see core/lock.py
}

# What is found in a slot.
_BLANK = 0
_WHOLE = 1
_NEWER = 2  # whole, of a version that this firmware does not know
_DAMAGED = 3
_OLDER = 4  # whole, of a version before: it is written anew at the next opportunity
_KNOWN = (_WHOLE, _OLDER)


class Store:
    """`due`: there is something to write. `damaged`: something was kept, nothing whole that this firmware knows was
    found, and FACTORY is in use; `newer`: because a newer firmware has written it."""

    def __init__(self, hal, inherited=None):
        """`inherited`: what firmware up to 0.1.0 kept, as the HAL's method of that name says it; None: nothing."""
        self._hal = hal
        self._inherited = inherited
        self.damaged = self.newer = False
        self._first = None  # what a device that has never kept anything keeps first, as bytes; None: it has
        self.number = 0
        self._content = dict(FACTORY)
        self.due = False
        found = [self._look(slot) for slot in _COPIES]
        marks = [self._look(slot) for slot in _MARKS]
        states = [row[0] for row in found]
        if _NEWER in states:
            self.damaged = self.newer = True
        elif _WHOLE in states or _OLDER in states:
            self._take(found)
            marked = all([self._marks_lock(row) for row in marks])
            self.due = not marked or found[0] != found[1] or _OLDER in states
        elif not self._is_new(states, [row[0] for row in marks]):
            self.damaged = True
        if self.damaged:
            self._find_lock(states, marks)

    def get(self, key):
        """What is kept under a key of FACTORY, or will be with the next `flush`."""
        return self._content[key]

    def put(self, key, value):
        """From now on `key` is `value`; kept when `flush` has written it."""
        self._content[key] = value
        self.number += 1
        self.due = not self.damaged

    def begin_anew(self):
        """A person wants what is damaged overwritten; `flush` does."""
        self.damaged = self.newer = False
        self.due = True

    def flush(self):
        """Write all that there is to write. Raises OSError when it cannot be read back as it was written; then it is
        not tried again before the next `put`. Raises ValueError, and nothing is written, when it is too much."""
        if not self.due:
            return
        self.due = False
        data = _encode(self.number, self._content)
        if self._first is not None:
            # Half of a very first write could be damage, were the power cut; of this one it is known what it is.
            self._keep_all(self._first)
            self._first = None
        self._keep_all(data)

    def _keep_all(self, data):
        numbers = [self._look(slot)[1] for slot in _COPIES]
        for slot in _COPIES if numbers[0] <= numbers[1] else reversed(_COPIES):
            self._keep(slot, data)
        for slot in _MARKS:
            mark = self._look(slot)
            if mark[0] != _NEWER and not self._marks_lock(mark):
                self._keep(slot, _encode(0, dict(FACTORY, lock=self._content["lock"])))

    def _marks_lock(self, mark):
        """Whether a mark is whole and holds the lock that counts."""
        return mark[0] in _KNOWN and mark[2]["lock"] == self._content["lock"]

    def _find_lock(self, copies, marks):
        """The copies are lost: the marks say what is known of the lock. Where nothing has ever been kept there is
        none."""
        states = [row[0] for row in marks]
        if copies + states == 4 * [_BLANK]:
            return
        known = [row[2]["lock"] for row in marks if row[0] in _KNOWN]
        self._content["lock"] = lock.most_careful([] if _NEWER in states else known)

    def _keep(self, slot, data):
        self._hal.write_slot(slot, data)
        if self._hal.read_slot(slot) != data.rstrip(_ERASED):
            raise OSError("slot %d does not read as it was written" % slot)

    def _take(self, found):
        """What counts is the newest that is whole."""
        for state, number, content in found:
            if state in _KNOWN and number >= self.number:
                self.number, self._content = number, content

    def _is_new(self, copies, marks):
        """True when nothing has ever been kept: all is blank, or the power was cut in the very first write."""
        if copies[1] != _BLANK or marks != [_BLANK, _BLANK] or not self._inherit():
            return False
        self._first = _encode(self.number, self._content)
        return copies[0] == _BLANK or _part_of(self._recall(_COPIES[0]), self._first)

    def _inherit(self):
        """Take what an older firmware kept; that it kept nothing is right too. False when it is damaged."""
        if self._inherited is None:
            return True
        try:
            found = [_decode(self._inherited(slot)) for slot in _COPIES]
        except OSError:
            return False
        self._take(found)
        states = [row[0] for row in found]
        self.due = _WHOLE in states or _OLDER in states
        return self.due or states == [_BLANK, _BLANK]

    def _look(self, slot):
        return _decode(self._recall(slot))

    def _recall(self, slot):
        """What a slot holds; None when it cannot be read, which is damage."""
        try:
            return self._hal.read_slot(slot)
        except OSError:
            return None


def _part_of(held, data):
    """Whether `held` is what programming `data` leaves when it is cut short: no bit is cleared that `data` does not
    clear. Programming it once more then makes `data` of it."""
    if held is None or len(held) > len(data):
        return False
    return all([held[at] & data[at] == data[at] for at in range(len(held))])


def _encode(number, content):
    text = json.dumps(content).encode()
    if len(text) > TEXT_MAX:
        raise ValueError("%d bytes to keep" % len(text))
    data = struct.pack(_HEAD, _MAGIC, VERSION, number, len(text)) + text
    return data + struct.pack("<I", binascii.crc32(data) & 0xFFFFFFFF)


def _decode(data):
    """(state, number, content) of what a slot holds; the number is -1 and the content None unless it is whole."""
    damaged = _DAMAGED, -1, None
    if data is None:
        return damaged
    if not data.rstrip(_ERASED):
        return _BLANK, -1, None
    if len(data) < _HEAD_BYTES:
        return damaged
    magic, version, number, length = struct.unpack(_HEAD, data[:_HEAD_BYTES])
    end = _HEAD_BYTES + length
    # A slot does not tell an erased byte behind the data from a last byte of the CRC that is 0xFF.
    data += _ERASED * min(_CRC_BYTES, max(0, end + _CRC_BYTES - len(data)))
    if magic != _MAGIC or len(data) != end + _CRC_BYTES:
        return damaged
    (crc,) = struct.unpack("<I", data[end:])
    if crc != binascii.crc32(data[:end]) & 0xFFFFFFFF:
        return damaged
    if version > VERSION:
        return _NEWER, -1, None
    try:
        content = json.loads(data[_HEAD_BYTES:end])
    except ValueError:
        return damaged
    if version in _WITHOUT and isinstance(content, dict):
        for key in _WITHOUT[version]:
            if key in content:
                return damaged
            content[key] = FACTORY[key]
        if version in (2, 3) and not _adds_settings(content):
            return damaged
        return (_OLDER, number, content) if _valid(content) else damaged
    return (_WHOLE, number, content) if version == VERSION and _valid(content) else damaged


def _adds_settings(content):
    """Whether settings of before version 4 have none of those that came with it; they are a new device's then."""
    kept = content.get("settings")
    if not isinstance(kept, dict):
        return False
    for name in _SETTINGS_WITHOUT:
        if name in kept:
            return False
        kept[name] = FACTORY["settings"][name]
    return True


def _valid(content):
    """A right CRC says that it is what was written, not that it makes sense."""
    if not isinstance(content, dict) or sorted(content) != sorted(FACTORY):
        return False
    for key in _LOCKOUT_MAX:
        if not is_int(content[key]) or not 0 <= content[key] <= _LOCKOUT_MAX[key]:
            return False
    if not settings.are_whole(content["settings"]) or not lock.is_whole(content["lock"]):
        return False
    record = content["fault"]
    if record is None:
        return True
    return (
        isinstance(record, dict)
        and sorted(record) == sorted(faults.RECORD_FIELDS)
        and is_int(record["fault"])
        and record["fault"] in faults.NAMES
        and isinstance(record["fault_text"], str)
        and is_int(record["at_ms"])
        and faults.AT_MS[0] <= record["at_ms"] <= faults.AT_MS[1]
    )

"""The record of a session: 256 bytes, a page of the flash, whatever version wrote the rest.

    0    b"NMR", version, the session's number, how it began (BEGIN), and the CRC-32 of the 60 bytes before it
    64   how it ended (END, then CHANNEL of each channel), and at 236 the CRC-32 of the 172 bytes before it
    240  the mark that it was not ended in order: eight bytes, erased before
    248  the mark that a host has taken it, and all before it: eight bytes, erased before

The first part is programmed before the session's first pulse, the second after its last. Without the second, or with
the mark, the session was not ended in order, and of the page only the first part counts. A mark is there when two of
its bytes are programmed, so no single damaged byte makes or undoes one. A page of nothing but zeros is one whose first
part could not be written: nobody was armed for it.

Each record carries the digest of the one before it, so that one that was removed or changed is seen. It has no key: it
shows what was lost or damaged, and stops nobody who writes all of them anew.
"""

import binascii
import hashlib
import struct

VERSION = 1
PAGE = 256
CHANNELS = 2
NUMBERS = (1, 0xFFFF_FFFE)
NOT_MEASURED = 0xFFFF_FFFF
OHM_MOST = 0xFFFF  # that much, or more
DIGEST_BYTES = 16
PRESCRIPTION_BYTES = 8  # of its SHA-256
ENDED_BYTES = 16

# Currents from one of these to the next are a level; the first is no current, and the last has no end.
LEVELS_UA = (0, 1, 5_000, 10_000, 20_000, 30_000, 50_000, 70_000)
LEVEL_MS = 100  # in which the time at each is counted

BLANK = "blank"
VOID = "void"
BEGUN = "not ended in order"
ENDED = "ended"
DAMAGED = "damaged"
NEWER = "newer"
SESSIONS = (BEGUN, ENDED)

PANEL = 0  # `started_by`; else the number that `identify` gave to the host
# Bits of `flags`.
MOTOR = 1
RESISTOR = 2  # nobody was connected
CONFIRMED = 4  # a person at the device has said that enough time has passed, see core/dose.py
MEASURES = 8  # the stage does; without it nothing that is measured is known

# (name, how struct has it). A time of day is 0 where it was not known.
BEGIN = (
    ("number", "I"),
    ("power_on", "H"),  # counted: sessions with the same were in one time of power
    ("at_s", "I"),  # since power on
    ("unix_s", "I"),
    ("started_by", "I"),
    ("checklist", "H"),
    ("prescription", "B"),  # its number on the device; 0: it was loaded by a host
    ("prescription_digest", "8s"),
    ("programme_crc", "I"),
    ("duration_s", "H"),
    ("limit_10ua", "H"),
    ("flags", "B"),
    ("before", "16s"),  # the digest of the record before
    (
        "checked_version",
        "H",
    ),  # of the checklist that was gone through when the prescription was put there; 0: not stated
)
BEFORE = 12  # its place in BEGIN
END = (
    ("elapsed_ms", "I"),  # of the programme: pauses do not count
    ("took_s", "I"),  # they do
    ("ended_unix_s", "I"),
    ("pauses", "H"),
    ("underruns", "H"),
    ("fault", "B"),
    ("ended", "16s"),  # why
)
CHANNEL = (
    ("pulses", "I"),  # that have begun
    ("driven", "I"),  # of those that were measured, with current
    ("missed", "I"),  # that were not measured
    ("charge_a_nc", "Q"),
    ("charge_b_nc", "Q"),
    ("current_mean_ua", "I"),  # of those with current
    ("current_most_ua", "I"),
    ("set_most_ua", "I"),  # the highest intensity
    ("works", "H"),  # contractions: trains that have begun
    ("impedance_first_ohm", "H"),
    ("impedance_last_ohm", "H"),
    ("impedance_least_ohm", "H"),
    ("impedance_most_ohm", "H"),
)

COUNTED = ("pulses", "works", "set_most_ua")  # of CHANNEL, what is known where nothing is measured
FEW = 32  # sessions that find room before one is overwritten that no host has taken: said from here on

_MAGIC = b"NMR"
_HEAD = "<3sB"
_BEGIN = "<" + "".join([code for _, code in BEGIN])
_END = "<" + "".join([code for _, code in END])
_CHANNEL = "<" + "".join([code for _, code in CHANNEL]) + "%dH" % len(LEVELS_UA)
_BEGIN_AT = 4
_BEGIN_END = 60
_OLDER = 0xFFFF  # what a record has as checked_version from before there was one
_BEGIN_CRC_AT = 60
_END_AT = 64
_CHANNEL_AT = 97
_CHANNEL_BYTES = 66
_END_CRC_AT = 236
CUT_AT = 240
TAKEN_AT = 248
_MARK_LEAST = 2  # bytes
_BLANK = b"\xff" * PAGE
NO_DIGEST = bytes(DIGEST_BYTES)  # before the first


def level_of(current_ua):
    """The place in LEVELS_UA of a current. Allocates nothing."""
    level = len(LEVELS_UA) - 1
    while level and current_ua < LEVELS_UA[level]:
        level -= 1
    return level


def put_begin(page, values):
    """Make `page`, a bytearray, the page of a session that begins: `values` are those of BEGIN, in order."""
    for at in range(PAGE):
        page[at] = 0xFF
    struct.pack_into(_HEAD, page, 0, _MAGIC, VERSION)
    struct.pack_into(_BEGIN, page, _BEGIN_AT, *values)
    _put_crc(page, 0, _BEGIN_CRC_AT)


def put_end(page, values, channels):
    """Add how it ended: `values` are those of END, `channels` a row for each channel, those of CHANNEL and then the
    time at each level, in LEVEL_MS."""
    for at in range(_END_AT, _END_CRC_AT):
        page[at] = 0
    struct.pack_into(_END, page, _END_AT, *values)
    for i in range(len(channels)):
        struct.pack_into(_CHANNEL, page, _CHANNEL_AT + i * _CHANNEL_BYTES, *channels[i])
    _put_crc(page, _END_AT, _END_CRC_AT)


def _put_crc(page, begin, at):
    struct.pack_into("<I", page, at, binascii.crc32(page[begin:at]) & 0xFFFFFFFF)


def _has_crc(page, begin, at):
    (crc,) = struct.unpack("<I", page[at : at + 4])
    return crc == binascii.crc32(page[begin:at]) & 0xFFFFFFFF


def _is_marked(page, at):
    return sum([byte != 0xFF for byte in page[at : at + 8]]) >= _MARK_LEAST


def number_of(page):
    """The number of the session that a page is of, whatever has become of its end, and whatever version wrote it; 0
    where it has none. The first 64 bytes are enough."""
    if bytes(page[:3]) != _MAGIC or not _has_crc(page, 0, _BEGIN_CRC_AT):
        return 0
    (number,) = struct.unpack("<I", page[_BEGIN_AT : _BEGIN_AT + 4])
    return number


def condition(page):
    """What a page holds: BLANK, VOID, BEGUN, ENDED, DAMAGED or NEWER."""
    if page == _BLANK:
        return BLANK
    if not any(page):
        return VOID
    if not number_of(page):
        return DAMAGED
    if page[3] != VERSION:
        return NEWER if page[3] > VERSION else DAMAGED
    if is_cut(page) or not _has_crc(page, _END_AT, _END_CRC_AT):
        return BEGUN
    return ENDED


def is_cut(page):
    """Whether it is marked that the session was not ended in order."""
    return _is_marked(page, CUT_AT)


def is_taken(page):
    """Whether a host has taken the record, and all before it."""
    return _is_marked(page, TAKEN_AT)


def digest(page):
    """What the next record carries of this one: of one that was not ended in order only the begin counts, because
    nobody knows what the rest of it will read as."""
    whole = condition(page) in (ENDED, NEWER)
    return hashlib.sha256(page[: CUT_AT if whole else _END_AT]).digest()[:DIGEST_BYTES]


def begin_of(page):
    """BEGIN of a page that has it, by name."""
    made = dict(zip([name for name, _ in BEGIN], struct.unpack(_BEGIN, page[_BEGIN_AT:_BEGIN_END])))
    if made["checked_version"] == _OLDER:
        made["checked_version"] = 0
    return made


def end_of(page):
    """END of a page that is ENDED, by name; `ended` is text. `channels` has CHANNEL of each, with `levels_ms`."""
    made = dict(zip([name for name, _ in END], struct.unpack(_END, page[_END_AT:_CHANNEL_AT])))
    made["ended"] = made["ended"].rstrip(b"\0").decode()
    made["channels"] = channels = []
    for i in range(CHANNELS):
        begin = _CHANNEL_AT + i * _CHANNEL_BYTES
        row = struct.unpack(_CHANNEL, page[begin : begin + _CHANNEL_BYTES])
        channel = dict(zip([name for name, _ in CHANNEL], row))
        channel["levels_ms"] = [LEVEL_MS * count for count in row[len(CHANNEL) :]]
        channels.append(channel)
    return made


def fits(value, code):
    """`value`, or the most that a field has room for."""
    return min(max(0, value), {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF, "Q": (1 << 64) - 1}[code])

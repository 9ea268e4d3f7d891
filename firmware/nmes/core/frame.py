"""A line of the link: one JSON object, a space, and the CRC-32 of the JSON text as eight hex digits.

    {"seq":7,"cmd":"status"} a41c7fac

Both ends use this module. A line is at most LINE_MAX bytes, its newline included. `encode` writes the same bytes on
MicroPython and CPython (no spaces, text as UTF-8), so that what fits into a line fits at both ends.
"""

import binascii
import json

LINE_MAX = 4096  # a programme of 16 phases without bursts and changes fits, whatever their names
# While a session is armed or runs, longer lines are not even read as JSON: an object of 320 keys takes the chip 74 ms,
# and pulses do not wait. What a session needs is a hundred bytes.
SESSION_LINE_MAX = 256
SEQ_MAX = 0x3FFFFFFF
HOST_MAX = 0x3FFFFFFF
_SEQ = b'"seq":'
_BESIDE_TEXT = 10  # a space, the CRC-32 and the newline

_COMPACT = (",", ":")
try:
    _json_text = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT).encode
except AttributeError:

    def _json_text(message):  # MicroPython's never escapes what is no ASCII
        return json.dumps(message, separators=_COMPACT)


class BadFrame(Exception):
    """A line that is not a frame; `code` is one of the link's error codes."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def _text(message):
    try:
        return _json_text(message).encode()
    except UnicodeError:
        return json.dumps(message).encode()  # half a character: no programme may have it, but a request may


def length(message):
    """How many bytes the line of `message` has, whether or not a line may be so long."""
    return len(_text(message)) + _BESIDE_TEXT


def encode(message):
    """The bytes of one line for `message`, a dictionary that JSON can hold. Raises BadFrame: `too_long`."""
    text = _text(message)
    if len(text) + _BESIDE_TEXT > LINE_MAX:
        raise BadFrame("too_long")
    return b"%s %08x\n" % (text, binascii.crc32(text) & 0xFFFFFFFF)


def whole(line):
    """The JSON text of one line (bytes, with or without its newline), unread; its CRC-32 fits.

    Raises BadFrame: `too_long`, `no_crc` (not ending in a space and eight lower-case hex digits), `bad_crc`.
    """
    if len(line) > LINE_MAX:
        raise BadFrame("too_long")
    line = line.strip()
    if len(line) < 10 or line[-9:-8] != b" ":
        raise BadFrame("no_crc")
    text, crc = line[:-9], line[-8:]
    for digit in crc:
        if digit not in b"0123456789abcdef":
            raise BadFrame("no_crc")
    if int(crc, 16) != binascii.crc32(text) & 0xFFFFFFFF:
        raise BadFrame("bad_crc")
    return text


def seq_of(text):
    """The sequence number in an unread text, or None unless it has exactly one. Within quotes it would be escaped."""
    if text.count(_SEQ) != 1:
        return None
    digits = text[text.find(_SEQ) + len(_SEQ) :][:20].lstrip()
    end = 0
    while digits[end : end + 1].isdigit():
        end += 1
    if not end or digits[end : end + 1] not in (b",", b"}") or int(digits[:end]) > SEQ_MAX:
        return None
    return int(digits[:end])


def decode(line):
    """The message of one line. Raises BadFrame as `whole` does, and `not_json`, `not_an_object`."""
    text = whole(line)
    try:
        message = json.loads(text)
    except (ValueError, TypeError, RuntimeError):
        # TypeError: MicroPython takes any key, but not a list; RuntimeError: nested too deep for the device's stack
        raise BadFrame("not_json") from None
    if not isinstance(message, dict):
        raise BadFrame("not_an_object")
    return message

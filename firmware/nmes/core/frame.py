"""A line of the link: one JSON object, a space, and the CRC-32 of the JSON text as eight hex digits.

    {"seq":7,"cmd":"status"} a41c7fac

Both ends use this module. A line is at most LINE_MAX bytes, its newline included. `encode` writes the same bytes on
MicroPython and CPython (no spaces, text as UTF-8), so that what fits into a line fits at both ends.
"""

import binascii
import io
import json

LINE_MAX = 4096  # a programme of 16 phases without bursts and changes fits, whatever their names
# While a session is armed or runs, longer lines are not even read as JSON: an object of 320 keys takes the chip 74 ms,
# and pulses do not wait. What a session needs is a hundred bytes.
SESSION_LINE_MAX = 256
SEQ_MAX = 0x3FFFFFFF
HOST_MAX = 0x3FFFFFFF
_SEQ = b'"seq":'
STATUS_BYTES = 1_280  # of the line that is said most, of two channels; a longer one takes more memory, and keeps it
_BESIDE_TEXT = 10  # a space, the CRC-32 and the newline

_COMPACT = (",", ":")


class BadFrame(Exception):
    """A line that is not a frame; `code` is one of the link's error codes."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


try:
    _json_text = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT).encode

    def _put_text(message, line):
        """Put the JSON text of a message at the begin of `line`, a bytearray. Returns its length."""
        try:
            text = _json_text(message).encode()
        except UnicodeError:
            text = json.dumps(message).encode()  # half a character: no programme may have it, but a request may
        line[: len(text)] = text
        return len(text)

except AttributeError:  # MicroPython's, which never escapes what is no ASCII
    _stream = io.BytesIO(STATUS_BYTES)

    def _put_text(message, line):
        # By the same memory each time: as a string and its bytes a status would leave 2 KB of garbage.
        _stream.seek(0)
        json.dump(message, _stream, separators=_COMPACT)  # type: ignore[call-overload]
        length = _stream.tell()
        if length > len(line):
            line.extend(bytes(length - len(line)))
        _stream.seek(0)
        _stream.readinto(line, length)
        return length


def put(message, line):
    """Put the line of `message`, a dictionary that JSON can hold, at the begin of `line`, a bytearray that grows if it
    is too short. Returns how many bytes it has. Raises BadFrame: `too_long`."""
    length = _put_text(message, line)
    end = length + _BESIDE_TEXT
    if end > LINE_MAX:
        raise BadFrame("too_long")
    tail = b" %08x\n" % (binascii.crc32(memoryview(line)[:length]) & 0xFFFFFFFF)
    if end > len(line):
        line.extend(bytes(end - len(line)))
    line[length:end] = tail
    return end


def encode(message):
    """The same as bytes."""
    line = bytearray()
    length = put(message, line)
    return bytes(memoryview(line)[:length])


def length(message):
    """How many bytes the line of `message` has, whether or not a line may be so long."""
    return _put_text(message, bytearray()) + _BESIDE_TEXT


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
    if crc == b"%08x" % (binascii.crc32(text) & 0xFFFFFFFF):
        return text
    for digit in crc:
        if digit not in b"0123456789abcdef":
            raise BadFrame("no_crc")
    raise BadFrame("bad_crc")


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

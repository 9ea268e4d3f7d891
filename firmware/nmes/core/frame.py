"""A line of the link: one JSON object, a space, and the CRC-32 of the JSON text as eight hex digits.

    {"seq":7,"cmd":"status"} a41c7fac

Both ends use this module. A line is at most LINE_MAX bytes, its newline included.
"""

import binascii
import json

LINE_MAX = 3072


class BadFrame(Exception):
    """A line that is not a frame; `code` is one of the link's error codes."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def encode(message):
    """The bytes of one line for `message`, a dictionary that JSON can hold."""
    text = json.dumps(message).encode()
    line = b"%s %08x\n" % (text, binascii.crc32(text) & 0xFFFFFFFF)
    if len(line) > LINE_MAX:
        raise BadFrame("too_long")
    return line


def decode(line):
    """The message of one line (bytes, with or without its newline).

    Raises BadFrame: `too_long`, `no_crc` (not ending in a space and eight lower-case hex digits), `bad_crc`,
    `not_json`, `not_an_object`.
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
    try:
        message = json.loads(text)
    except (ValueError, TypeError, RuntimeError):
        # TypeError: MicroPython takes any key, but not a list; RuntimeError: nested too deep for the device's stack
        raise BadFrame("not_json") from None
    if not isinstance(message, dict):
        raise BadFrame("not_an_object")
    return message

"""A prescription as a device keeps it: JSON text in UTF-8, with the keys that `load` takes, and one more, `about`, for
all else that its file says, which no pulse depends on. The SHA-256 of the text names it at both ends."""

import binascii
import hashlib
import json

from nmes.core.reason import refuse

NUMBERS = (1, 16)  # under which a device keeps them
BYTES_MAX = 3_840  # what a sector of flash has beside its first page
PIECE_BYTES = 768  # that fit a line of the link as base64; whole pages of the flash
PIECE_TEXT = 1_024
DIGEST_DIGITS = 64
ABOUT = "about"

SOURCE = "the device's prescriptions"
# The condition in which one is kept.
WHOLE = "whole"
DAMAGED = "damaged"
NEWER = "newer"  # a newer version wrote it


class Row:
    """A document that a device keeps, and in which sector. `checked`: who went through the checklist (core/stated.py);
    `schedule`: the rules of core/dose.py, once `programme` has read them."""

    schedule = None

    def __init__(self, sector, state, number, sequence=0, length=0, digest=b"", title="", checked=None):
        self.sector = sector
        self.state = state  # WHOLE, DAMAGED or NEWER
        self.number = number
        self.sequence = sequence
        self.length = length
        self.digest = digest
        self.title = title
        self.checked = checked

    def digits(self):
        """The digest as the link has it."""
        return binascii.hexlify(self.digest).decode()

    def checked_version(self):
        """The version of the checklist that was gone through, 0 where that was not stated."""
        return self.checked[0] if self.checked else 0

    def programme(self, text):
        """The programme of the document's text (bytes), as `load` takes it. Raises Refused when it is none."""
        data, about = parts_of(text)
        self.schedule = about.get("schedule")
        return data

    def listed(self, count):
        """What `list` answers of it; `count` are kept in all."""
        _, unix_s, by = self.checked or (0, 0, "")
        return {
            "number": self.number,
            "title": self.title,
            "digest": self.digits(),
            "bytes": self.length,
            "condition": self.state,
            "checked_version": self.checked_version(),
            "checked_unix_s": unix_s or None,
            "checked_by": by,
            "count": count,
            "free": NUMBERS[1] - count,
        }


def no_row():
    """What stands in the place of a row where there is none: its number is 0."""
    return Row(None, "", 0)


def digest(text):
    """The SHA-256 of a document's text (bytes) as hexadecimal digits."""
    return binascii.hexlify(hashlib.sha256(text).digest()).decode()


def programme_of(text):
    """What `load` takes of a document's text (bytes). Raises Refused when it is none; whether the programme is accepted
    is nmes.core.programme's to say."""
    return parts_of(text)[0]


def parts_of(text):
    """(the same, its `about`)."""
    try:
        made = json.loads(text)
    except (ValueError, TypeError, RuntimeError):  # as in frame.decode
        refuse("not_json", "prescription", "no JSON", "the text of a prescription", SOURCE)
    if not isinstance(made, dict):
        refuse("not_a_table", "prescription", made, "the keys of a programme", SOURCE)
    about = made.pop(ABOUT, {})
    if not isinstance(about, dict):
        refuse("not_a_table", ABOUT, "something else", "a table", SOURCE)
    return made, about


def piece(data):
    """Bytes of a document as the link carries them."""
    return binascii.b2a_base64(data).decode().strip()


def bytes_of(text):
    """The bytes of a piece. Raises Refused."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        data = b""
    # Both interpreters skip what is no base64: only what comes back the same is taken.
    if not data or piece(data) != text:
        refuse("not_base64", "data", text[:20], "base64 of 1 to %d bytes" % PIECE_BYTES, SOURCE)
    return data

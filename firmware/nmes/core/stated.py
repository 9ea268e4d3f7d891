"""Who went through the checklist with the person when a prescription was put onto the device, when, and which version
of it: what may be stated, and how the head of a prescription's sector has it. A stock MicroPython keeps no
prescriptions and loads none of this."""

import struct

from nmes.core import checklist
from nmes.core.clock import UNIX_S
from nmes.core.reason import printable, refuse
from nmes.core.settings import NAME_MAX

_LAYOUT = "<HIB"  # version, seconds since 1970 (0: not known), length of the name; the name follows
_BYTES = 7
_ERASED = b"\xff" * _BYTES


def stated(request):
    """(version, when, who) of a `put`; None where nothing is stated. Raises Refused for half a statement, for another
    list, and for a time that cannot be."""
    version, unix_s, by = request["checked_version"], request["checked_unix_s"], request["checked_by"]
    if not version and not unix_s and not by:
        return None
    if version != checklist.VERSION:
        refuse("other_checklist", "checklist", version, checklist.VERSION, "put")
    if not by or printable(by) != by:
        refuse("not_a_text", "checked_by", by, "1 to %d printable characters" % NAME_MAX, "put")
    if unix_s and unix_s < UNIX_S[0]:
        refuse("below_range", "checked_unix_s", unix_s, UNIX_S[0], "put")
    return version, unix_s, by


def write(page, at, end, made):
    """Put it into `page` from byte `at` on. Raises Refused where it does not end before `end`."""
    version, unix_s, by = made
    name = by.encode()
    room = end - at - _BYTES
    if len(name) > room:
        refuse("not_a_text", "checked_by", by, "at most %d bytes beside this title" % room, "put_end")
    struct.pack_into(_LAYOUT, page, at, version, unix_s, len(name))
    page[at + _BYTES : at + _BYTES + len(name)] = name


def read(page, at, end):
    """The same as `page` has it from byte `at` on; None where nothing was stated."""
    if at + _BYTES > end or page[at : at + _BYTES] == _ERASED:
        return None
    version, unix_s, length = struct.unpack(_LAYOUT, page[at : at + _BYTES])
    return version, unix_s, bytes(page[at + _BYTES : at + _BYTES + length]).decode()

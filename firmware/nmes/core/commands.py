"""The commands of the link, declared once: the device serves this table, the host compares its CRC, the docs print it.

A request is {"seq": n, "cmd": NAME, …arguments}. The answer is {"seq": n, "ok": true, …fields} or
{"seq": n, "ok": false, "error": CODE, "text": …, "reasons": […]}. What the device says unasked has "event" and no
"seq". Set-points are absolute.

Sequence numbers rise. The last line, when it comes again, is answered again but not carried out twice; any other
request whose number is not above the last one is refused (old_seq) and is no sign of a host. `identify` begins a new
count, with any number, so that a new host can. WHATEVER_SEQ only take output away, and are carried out whatever their
number.
"""

import binascii
from collections import namedtuple

from nmes.core import faults, identity, programme, session
from nmes.core.phase import DUMMY, bounds
from nmes.core.reason import check_int, reason

PROTOCOL = 1
SEQ_MAX = 0x3FFFFFFF
WHATEVER_SEQ = ("stop", "pause")

_IDLE = (session.IDLE,)
_ANY = (
    session.IDLE,
    session.ARMED,
    session.RUNNING,
    session.PAUSED,
    session.FAULT,
)
_ARMED_OR_MORE = (session.ARMED, session.RUNNING, session.PAUSED)

# states that allow it, {argument: (kind, least, most)}, fields of the answer, what it does
Command = namedtuple("Command", ("states", "arguments", "fields", "text"))

COMMANDS = {
    "identify": Command(
        _ANY,
        {},
        ("device", "version", "board", "stage", "protocol", "table", "checklist", "micropython", "uid")
        + identity.FIELDS,
        "Says what this is, the CRC-32 of this table, and the digests of firmware, board, stage and limits that run. "
        "Begins a new count of sequence numbers.",
    ),
    "describe": Command(
        _ANY,
        {"index": ("int", 0, 99)},
        ("name", "states", "arguments", "fields", "text", "count"),
        "Serves one row of this table.",
    ),
    "status": Command(_ANY, {}, session.STATUS_FIELDS, "Says everything that changes."),
    "load": Command(
        _IDLE,
        {"programme": ("object", None, None)},
        ("programme_crc", "duration_ms", "pulses", "largest_current_ua", "largest_source", "channels"),
        "Checks a programme and keeps it. Refused with every reason, and the one before stays.",
    ),
    "acknowledge": Command(
        _IDLE,
        {"checklist": ("int", 0, 9_999), "items": ("int", 0, 99)},
        ("acknowledged",),
        "Says that a person has read and confirmed every item of the checklist of this version, for one session.",
    ),
    "arm": Command(
        _IDLE,
        {"programme_crc": ("int", 0, 0xFFFFFFFF)},
        ("state",),
        "Gets ready at zero intensity. Needs a programme, the checklist and no fault.",
    ),
    "start": Command(
        (session.ARMED, session.PAUSED), {}, ("state",), "Starts the programme, or goes on after a pause, at zero."
    ),
    "intensity": Command(
        (session.RUNNING,),
        {"channel": ("int", 0, programme.CHANNELS_MAX - 1), "current_ua": ("int", 0, programme.CURRENT_UA[1])},
        ("channel", "current_ua", "limit_ua", "limit_source"),
        "Sets the peak current of a channel. Down at once; up by at most 1 mA every 250 ms.",
    ),
    "adjust": Command(
        (session.RUNNING, session.PAUSED),
        {
            "channel": ("int", 0, programme.CHANNELS_MAX - 1),
            "rate_mhz": ("int",) + bounds("rate_mhz", DUMMY)[:2],
            "width_us": ("int",) + bounds("width_us", DUMMY)[:2],
        },
        ("channel", "phase", "rate_mhz", "width_us", "from_pulse"),
        "Sets rate and phase width of a channel's running phase from the next pulse on that is not queued yet; "
        "from_pulse pulses of the channel come before it. Accepted like a programme, at the session's limit. With "
        "current on, wider by at most the charge of a step of the intensity, faster to at most twice the rate, "
        "every 250 ms.",
    ),
    "pause": Command(
        (session.RUNNING,), {}, ("state",), "Nothing after the running pulse; intensity is zero when it goes on."
    ),
    "stop": Command(
        _ANY, {}, ("state", "account"), "Ends the session: nothing after the running pulse. Always allowed."
    ),
    "keepalive": Command(_ARMED_OR_MORE, {}, ("state",), "Says that the host is there; any command does."),
    "clear": Command(
        (session.FAULT,),
        {"fault": ("int", 1, 99)},
        ("state",),
        "Clears the fault that the person has named. Refused while its cause is there.",
    ),
    "record": Command(
        _ANY, {}, faults.RECORD_FIELDS, "Says what is kept of the fault that nobody has cleared; null without one."
    ),
    "self_test": Command(
        _ANY,
        {},
        ("at_ms", "passed", "results"),
        "Says what the self-test of the last arming found, up to the first check that failed.",
    ),
    "maintenance": Command(
        _IDLE, {}, ("state",), "Leaves the application for the MicroPython prompt. Refused while armed."
    ),
}

ERRORS = {
    "too_long": "the line is longer than the device takes",
    "no_crc": "the line does not end in a CRC-32",
    "bad_crc": "the CRC-32 does not fit the text: the line was damaged",
    "not_json": "the text is not JSON",
    "not_an_object": "the JSON is not an object",
    "bad_seq": "no sequence number, or not a whole number in range",
    "old_seq": "the sequence number is not above the last one: an old line, or another host has begun since",
    "unknown_command": "there is no such command",
    "bad_argument": "an argument is missing, unknown or out of its range",
    "wrong_state": "the device's state does not allow this now",
    "refused": "a limit or a condition forbids it; the reasons say which",
    "internal": "the firmware met an error of its own",
}


def rows():
    """The table as JSON can hold it, in a fixed order."""
    table = []
    for name in sorted(COMMANDS):
        command = COMMANDS[name]
        table.append(
            {
                "name": name,
                "states": list(command.states),
                "arguments": {key: list(command.arguments[key]) for key in command.arguments},
                "fields": list(command.fields),
                "text": command.text,
            }
        )
    return table


def crc():
    """CRC-32 of the table: two ends with the same number speak the same language."""
    return binascii.crc32(programme.canonical([PROTOCOL, rows()]).encode()) & 0xFFFFFFFF


def check_arguments(name, request):
    """The reasons why the arguments of `request` are not those of command `name`; empty when they are."""
    declared = COMMANDS[name].arguments
    reasons = []
    for key, (kind, least, most) in declared.items():
        if key not in request:
            reasons.append(reason("missing", key, None, kind, name))
        elif kind == "int":
            check_int(reasons, key, request[key], least, most, name)
        elif not isinstance(request[key], dict):
            reasons.append(reason("not_a_table", key, request[key], kind, name))
    for key in request:
        if key not in ("seq", "cmd") and key not in declared:
            reasons.append(reason("unknown", str(key), request[key], "no such argument", name))
    return reasons

"""The commands of the link, declared once: the device serves this table, the host compares its CRC, and
docs/protocol.md is made of it.

A request is {"seq": n, "cmd": NAME, "host": n, …arguments}. The answer is {"seq": n, "ok": true, …fields} or
{"seq": n, "ok": false, "error": CODE, "text": …, "reasons": […]}. What the device says unasked has "event" and no
"seq". Set-points are absolute.

`identify` makes whoever asks a host, with a new number that only this answer says. Commands of a HOST must carry it
(unknown_host otherwise), those of ANYBODY may. The sequence numbers of a host rise. The last line of a host that would
change something, when it comes again, is answered again but not carried out twice; any other whose number is not above
the host's last one is refused (old_seq). What ANYBODY may ask only reads, or takes output away, and is done whatever
its number and whoever asks.

A session belongs to the host that armed it. While there is one, no other host changes anything (not_owner), and only
the owner's new and valid requests, with its number, say that the host is there: nothing that comes again, and nothing
of anybody else. One that was begun at the panel (core/access.py) is nobody's here: it is watched and stopped, and not
even paused. The device remembers few hosts; one that was forgotten identifies again.

A device may be locked (core/lock.py). FREE and NEVER say which commands of a HOST it then takes from everybody, and
which from nobody; all others it takes only with the arguments of SIGNATURE, and what ANYBODY may ask stays free. What
is signed are the command and its arguments. The signature of `put` is for its put_end, which uses up the counter.

core/command_words.py says what each version of the protocol brought.
"""

from collections import namedtuple

from nmes.core import (
    calibration,
    clock,
    delivery,
    document,
    faults,
    frame,
    identity,
    lock,
    programme,
    session,
)
from nmes.core.phase import DUMMY, bounds
from nmes.core.reason import Reasons, check_int, reason
from nmes.core.settings import NAME_MAX

PROTOCOL = 4
ANYBODY = "anybody"
HOST = "host"
ARGUMENT_REASONS_MOST = 8  # in a turn that pulses wait for, and each takes a millisecond
ENVELOPE = ("seq", "cmd", "host")  # what every request may have beside its arguments

_IDLE = (session.IDLE,)
_ANY = (
    session.IDLE,
    session.ARMED,
    session.RUNNING,
    session.PAUSED,
    session.FAULT,
)
_NOBODY_ARMED = (session.IDLE, session.FAULT)
_ARMED_OR_MORE = (session.ARMED, session.RUNNING, session.PAUSED)

_NUMBER = ("int",) + document.NUMBERS
# What `load` says of a programme.
_LOADED = ("programme_crc", "duration_ms", "pulses", "largest_current_ua", "largest_source", "channels")

# who may, states that allow it, {argument: (kind, least, most)}, fields of the answer; command_words.py has the rest
Command = namedtuple("Command", ("who", "states", "arguments", "fields"))

COMMANDS = {
    "identify": Command(
        ANYBODY,
        _ANY,
        {},
        ("device", "version", "board", "stage", "protocol", "table", "checklist", "micropython", "uid", "name", "host")
        + ("calibration", "calibration_digest")
        + identity.FIELDS
        + lock.FIELDS,
    ),
    "describe": Command(
        ANYBODY,
        _ANY,
        {"index": ("int", 0, 99)},
        ("name", "who", "states", "locked", "arguments", "fields", "count"),
    ),
    "status": Command(ANYBODY, _ANY, {}, session.STATUS_FIELDS),
    "load": Command(
        HOST,
        _IDLE,
        {"programme": ("object", None, None)},
        _LOADED,
    ),
    "acknowledge": Command(
        HOST,
        _IDLE,
        {"checklist": ("int", 0, 9_999), "items": ("int", 0, 99)},
        ("acknowledged",),
    ),
    "arm": Command(
        HOST,
        _IDLE,
        {"programme_crc": ("int", 0, 0xFFFFFFFF)},
        ("state",),
    ),
    "start": Command(
        HOST,
        (session.ARMED, session.PAUSED),
        {},
        ("state",),
    ),
    "intensity": Command(
        HOST,
        (session.RUNNING,),
        {"channel": ("int", 0, programme.CHANNELS_MAX - 1), "current_ua": ("int", 0, programme.CURRENT_UA[1])},
        ("channel", "current_ua", "limit_ua", "limit_source"),
    ),
    "adjust": Command(
        HOST,
        (session.RUNNING, session.PAUSED),
        {
            "channel": ("int", 0, programme.CHANNELS_MAX - 1),
            "rate_mhz": ("int",) + bounds("rate_mhz", DUMMY)[:2],
            "width_us": ("int",) + bounds("width_us", DUMMY)[:2],
        },
        ("channel", "phase", "rate_mhz", "width_us", "from_pulse"),
    ),
    "pause": Command(
        ANYBODY,
        (session.RUNNING, session.PAUSED),
        {},
        ("state",),
    ),
    "stop": Command(ANYBODY, _ANY, {}, ("state", "account")),
    "keepalive": Command(HOST, _ARMED_OR_MORE, {}, ("state",)),
    "clear": Command(
        HOST,
        (session.FAULT,),
        {"fault": ("int", 1, 99)},
        ("state",),
    ),
    "record": Command(
        ANYBODY,
        _ANY,
        {},
        faults.RECORD_FIELDS,
    ),
    "self_test": Command(
        ANYBODY,
        _ANY,
        {},
        ("at_ms", "passed", "results"),
    ),
    "run_self_test": Command(
        HOST,
        _IDLE,
        {},
        ("at_ms", "passed", "results"),
    ),
    "log": Command(
        ANYBODY,
        _NOBODY_ARMED,
        {"after_session": ("int", 0, 0xFFFF_FFFF)},
        ("session", "page", "newest", "taken", "sessions_left"),
    ),
    "log_clear": Command(
        HOST,
        _IDLE,
        {"session": ("int", 1, 0xFFFF_FFFF), "page_digest": ("text", 32, 32)},
        ("taken", "sessions_left"),
    ),
    "list": Command(
        ANYBODY,
        _NOBODY_ARMED,
        {"after": ("int", 0, document.NUMBERS[1])},
        (
            "number",
            "title",
            "digest",
            "bytes",
            "condition",
            "checked_version",
            "checked_unix_s",
            "checked_by",
            "count",
            "free",
        ),
    ),
    "get": Command(
        ANYBODY,
        _NOBODY_ARMED,
        {"number": _NUMBER, "at": ("int", 0, document.BYTES_MAX - 1)},
        ("number", "digest", "bytes", "at", "data"),
    ),
    "put": Command(
        HOST,
        _IDLE,
        {
            "number": ("int", 0, document.NUMBERS[1]),
            "bytes": ("int", 2, document.BYTES_MAX),
            "digest": ("text", document.DIGEST_DIGITS, document.DIGEST_DIGITS),
            "checked_version": ("int", 0, 0xFFFF),
            "checked_unix_s": ("int", 0, clock.UNIX_S[1]),
            "checked_by": ("text", 0, NAME_MAX),
        },
        ("number", "piece_bytes"),
    ),
    "put_piece": Command(
        HOST,
        _IDLE,
        {"at": ("int", 0, document.BYTES_MAX - 1), "data": ("text", 4, document.PIECE_TEXT)},
        ("arrived",),
    ),
    "put_end": Command(
        HOST,
        _IDLE,
        {},
        ("number", "title", "digest", "bytes"),
    ),
    "remove": Command(HOST, _IDLE, {"number": _NUMBER}, ("number",)),
    "select": Command(
        HOST,
        _IDLE,
        {"number": _NUMBER},
        ("number", "title", "digest") + _LOADED,
    ),
    "clock": Command(
        HOST,
        _NOBODY_ARMED,
        {"unix_s": ("int",) + clock.UNIX_S, "back": ("int", 0, 1)},
        ("unix_s", "was_s"),
    ),
    "settings": Command(ANYBODY, _NOBODY_ARMED, {}, ("settings",)),
    "set": Command(
        HOST,
        _IDLE,
        {"settings": ("object", None, None)},
        ("settings",),
    ),
    "locked": Command(
        ANYBODY,
        _ANY,
        {},
        lock.FIELDS,
    ),
    "lock": Command(
        HOST,
        _IDLE,
        {"key": ("text", lock.KEY_DIGITS, lock.KEY_DIGITS)},
        lock.FIELDS,
    ),
    "unlock": Command(HOST, _IDLE, {}, lock.FIELDS),
    "calibration": Command(
        ANYBODY,
        _NOBODY_ARMED,
        {},
        calibration.FIELDS,
    ),
    "calibrate": Command(
        HOST,
        _IDLE,
        {"rows": ("object", None, None)},
        calibration.FIELDS,
    ),
    "uncalibrate": Command(HOST, _NOBODY_ARMED, {}, calibration.FIELDS),
    "zeros": Command(
        ANYBODY,
        _NOBODY_ARMED,
        {},
        ("samples", "current", "voltage"),
    ),
    "counts": Command(
        ANYBODY,
        (session.RUNNING,),
        {"channel": ("int", 0, programme.CHANNELS_MAX - 1)},
        ("channel",) + delivery.COUNTS_FIELDS,
    ),
    "reset": Command(
        HOST,
        _IDLE,
        {"token": ("int", 0, frame.HOST_MAX)},
        ("token", "left"),
    ),
    "maintenance": Command(HOST, _IDLE, {}, ("state",)),
    "bootloader": Command(
        HOST,
        _NOBODY_ARMED,
        {},
        ("state",),
    ),
}

# What a HOST's command needs on a locked device. One that stands nowhere here has to be signed.
FREE = (  # runs what was signed, ends it, or changes nothing that is kept; put_piece and put_end go on with a `put`
    "acknowledge",
    "arm",
    "clear",
    "clock",
    "intensity",
    "keepalive",
    "put_end",
    "put_piece",
    "run_self_test",
    "select",
    "start",
)
NEVER = ("adjust",)  # makes other pulses than were signed, and nothing can be signed while pulses come
IS_FREE = "free"
IS_SIGNED = "signed"
IS_NEVER = "never"
# What a command that has to be signed may have beside its arguments: both, or none.
SIGNATURE = {
    "counter": ("int",) + lock.COUNTERS,
    "signature": ("text", lock.SIGNATURE_DIGITS, lock.SIGNATURE_DIGITS),
}

ERRORS = {
    "too_long": "the line is longer than the device takes",
    "no_crc": "the line does not end in a CRC-32",
    "bad_crc": "the CRC-32 does not fit the text: the line was damaged",
    "not_json": "the text is not JSON",
    "not_an_object": "the JSON is not an object",
    "bad_seq": "no sequence number, or not a whole number in range",
    "old_seq": "the sequence number is not above the host's last one: an old line, and nothing was done",
    "unknown_host": "no host number that the device knows: identify, and send the request with the number it says",
    "not_owner": "the session belongs to another host or to the panel, and only that may change it: watch it with "
    "status, end it with stop, or wait until it is over",
    "unknown_command": "there is no such command",
    "bad_argument": "an argument is missing, unknown or out of its range",
    "wrong_state": "the device's state does not allow this now",
    "refused": "a limit or a condition forbids it; the reasons say which",
    "no_memory": "the request or its answer needs more memory than the device has; nothing was done",
    "internal": "the firmware met an error of its own",
}


def when_locked(name):
    """What a command needs on a locked device."""
    if COMMANDS[name].who == ANYBODY or name in FREE:
        return IS_FREE
    return IS_NEVER if name in NEVER else IS_SIGNED


def row(name):
    """A row of the table as JSON can hold it."""
    command = COMMANDS[name]
    return {
        "name": name,
        "who": command.who,
        "states": list(command.states),
        "locked": when_locked(name),
        "arguments": {key: list(command.arguments[key]) for key in command.arguments},
        "fields": list(command.fields),
    }


def rows():
    """The table, in a fixed order."""
    return [row(name) for name in sorted(COMMANDS)]


def crc():
    """CRC-32 of the table: two ends with the same number speak the same language."""
    found = programme.crc(PROTOCOL)
    for name in sorted(COMMANDS):  # row by row: all of them at once take too much of a small heap
        found = programme.crc(row(name), found)
    return found


def check_arguments(name, request):
    """The reasons why the arguments of `request` are not those of command `name`; empty when they are."""
    declared = COMMANDS[name].arguments
    if ("counter" in request or "signature" in request) and when_locked(name) == IS_SIGNED:
        declared = dict(declared)
        declared.update(SIGNATURE)
    reasons = Reasons(ARGUMENT_REASONS_MOST)
    left = len(request)  # that nobody has looked at
    for key in ENVELOPE:
        left -= key in request
    for key, (kind, least, most) in declared.items():
        if key not in request:
            reasons.append(reason("missing", key, None, kind, name))
        elif kind == "int":
            check_int(reasons, key, request[key], least, most, name)
        elif kind == "text":
            _check_length(reasons, key, request[key], least, most, name)
        elif not isinstance(request[key], dict):
            reasons.append(reason("not_a_table", key, request[key], kind, name))
        left -= key in request
    for key in request:
        if key in ENVELOPE or key in declared:
            continue
        if reasons.full:
            reasons.more += left  # a line has hundreds, and pulses are waiting
            break
        reasons.append(reason("unknown", str(key), request[key], "no such argument", name))
        left -= 1
    return reasons


def _check_length(reasons, key, value, least, most, name):
    if not isinstance(value, str) or not least <= len(value) <= most:
        reasons.append(reason("not_a_text", key, value, "%d to %d characters" % (least, most), name))

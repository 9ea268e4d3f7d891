"""docs/protocol.md, made of core/commands.py, core/frame.py and what else both ends read there."""

from __future__ import annotations

from nmes.core import (
    command_words,
    commands,
    delivery,
    faults,
    frame,
    phase,
    programme,
    reason_words,
    session,
    settings,
    trigger,
)
from nmes.core.command_words import FIELDS
from opennmes.cli.settings import in_words as meaning

HEAD = """\
# The protocol

What host and device say to each other over USB, version {version}. The tables come from `firmware/nmes/core` by
`python scripts/documents.py`. `nmes` and `opennmes.Device` speak it; this page is for those who write another host.

## A line

One JSON object, one space, the CRC-32 of the JSON text as eight lower-case hexadecimal digits, a newline:

```
{request}
{answer}
```

- A line has at most {line_max} bytes, its newline included. While a session is armed, running or paused a request has
  at most {session_max}. Text is UTF-8.
- Numbers are integers; a name ends in the unit: {units}.
- `seq` is the host's own number, 0 to {seq_max}, and rises with each request.
- The device answers every request once, in order: `ok` true with the answer's fields, or `ok` false with `error`,
  `text` and `reasons`. A line without `seq` and with `event` is said unasked: `status` once a second while armed,
  running or paused and at each change of state; `warning` when a load has grown by half
  (`impedance_rise`), and after a session when a record is soon overwritten that no host has taken (`few_records`).

## Hosts and owners

- `identify` makes whoever asks a host and answers with a new number. Commands of a host carry it as `host`; those of
  anybody may. The device remembers few hosts: one that it has forgotten (`unknown_host`) identifies again.
- A host's last request that changes something, when the same line comes again, gets the same answer and is not carried
  out twice. Any other request whose `seq` is not above the host's last one is refused (`old_seq`).
- A session belongs to the host that armed it. Only the owner changes anything then (`not_owner`), and only the owner's
  new requests keep the session alive: after {lost_s} s without one it fades to zero and ends. Anybody may read, pause
  and stop.
- A locked device takes some commands only with two more arguments, `counter` and `signature`: see [lock.md](lock.md).

A session in its shortest form: `identify`, `load`, `acknowledge`, `arm`, `start`, `intensity` in steps of at most 1 mA,
`keepalive` at least each second, `stop`.

## Commands

*Since* is the version of the protocol that had the command first.

| command | since | who | states | on a locked device | arguments | answer | what it does |
|---|---|---|---|---|---|---|---|
"""


def protocol_md() -> str:
    """docs/protocol.md."""
    return "".join(
        (
            _head(),
            *map(_command, commands.rows()),
            _fields(),
            _programme(),
            _errors(),
            _reasons(),
            _settings(),
            _versions(),
        )
    )


def in_words(kind: str, least: object, most: object) -> str:
    """What an argument of the link may be."""
    if kind == "int":
        return f"{least} to {most}"
    return "a table" if kind == "object" else f"a text of {least} to {most} characters"


def since(name: str) -> int:
    """The version of the protocol that had a command first."""
    return 1 if name in command_words.FIRST else command_words.SINCE


def _head() -> str:
    units = {
        "_ms": "milliseconds", "_us": "microseconds", "_s": "seconds", "_ua": "microamperes", "_mhz": "millihertz",
        "_nc": "nanocoulombs", "_mv": "millivolts", "_ohm": "ohms", "_mm2": "square millimetres",
    }  # fmt: skip
    said = {
        "seq": 8,
        "ok": True,
        "channel": 0,
        "current_ua": 1000,
        "limit_ua": 20000,
        "limit_source": "the prescription",
    }
    return HEAD.format(
        version=commands.PROTOCOL,
        request=_line({"seq": 8, "cmd": "intensity", "host": 5, "channel": 0, "current_ua": 1000}),
        answer=_line(said),
        line_max=frame.LINE_MAX,
        session_max=frame.SESSION_LINE_MAX,
        seq_max=frame.SEQ_MAX,
        units=", ".join(f"`{end}` {unit}" for end, unit in units.items()),
        lost_s=session.HOST_LOST_MS // 1000,
    )


def _line(message: dict[str, object]) -> str:
    line: bytes = frame.encode(message)
    return line.decode().strip()


def _command(row: dict[str, object]) -> str:
    name = str(row["name"])
    made = commands.COMMANDS[name]
    arguments = "<br>".join(f"`{key}` {in_words(*bounds)}" for key, bounds in made.arguments.items())
    columns = (
        f"`{name}`",
        str(since(name)),
        made.who,
        "any" if len(made.states) == 5 else ", ".join(made.states),
        str(row["locked"]),
        arguments,
        ", ".join(f"`{field}`" for field in made.fields),
        command_words.WORDS[name],
    )
    return f"| {' | '.join(columns)} |\n"


def _names(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{field}`" for field in fields)


def _fields() -> str:
    parts = [
        "\n## Fields\n\n",
        f"`status`, and each event `status`: {_names(session.STATUS_FIELDS)}.\n\n",
        f"Each of its `channels`: {_names(session.CHANNEL_FIELDS)}.\n\n",
        "In a session whose contractions wait for their person, and after it until a programme is loaded, it has "
        f"`trigger` too: {_names(trigger.STATUS_FIELDS)}.\n\n",
        f"An account: {_names(delivery.ACCOUNT_FIELDS)}.\n\n",
        f"A record: {_names(faults.RECORD_FIELDS)}.\n\n",
        "| field or argument | what it means |\n|---|---|\n",
    ]
    parts += [f"| `{name}` | {words} |\n" for name, words in sorted(FIELDS.items())]
    return "".join(parts)


def _programme() -> str:
    parts = [
        "\n## A programme\n\nWhat `load` takes as `programme`; [prescriptions.md](prescriptions.md) says what each "
        "number is for.\n\n| key | what it can be |\n|---|---|\n",
        f"| `title` | a text of 1 to {programme.TITLE_MAX} characters |\n",
        f"| `effect` | {' or '.join(programme.EFFECTS)} |\n",
        f"| `electrode` | a table: `kind` ({' or '.join(programme.KINDS)}), `area_mm2` "
        f"({_bounds(programme.AREA_MM2)}), and, if wanted, `max_current_ua` ({_bounds(programme.CURRENT_UA)}) |\n",
        f"| `max_current_ua` | {_bounds(programme.CURRENT_UA)} |\n",
        f"| `person` | may be left out; a table: `max_current_ua` ({_bounds(programme.CURRENT_UA)}) |\n",
        f"| `phases` | a list of 1 to {programme.PHASES_MAX} phases |\n",
        f"| `channels` | may be left out for channel 0 alone; a list of 1 to {programme.CHANNELS_MAX} tables: "
        f"`channel` (0 to {programme.CHANNELS_MAX - 1}), `delay_us` (0 to {programme.DELAY_MAX_US}) and, if wanted, "
        "`phases` of its own |\n",
        "\nA phase:\n\n| key | for a person | for a resistor (`dummy`) | when it is not given |\n|---|---|---|---|\n",
        f"| `name` | a text of 1 to {programme.NAME_MAX} characters | the same | refused |\n",
    ]
    for field, (least, most, _, default) in phase.PHASE_FIELDS.items():
        dummy = phase.bounds(field, phase.DUMMY)[:2]
        other = "the same" if dummy == (least, most) else _bounds(dummy)
        parts.append(
            f"| `{field}` | {_bounds((least, most))} | {other} | {'refused' if default is None else default} |\n"
        )
    parts.append(f"| `change` | {' or '.join(phase.CHANGES)} | the same | {phase.CHANGES[0]} |\n")
    return "".join(parts)


def _bounds(bounds: tuple[int, int]) -> str:
    return f"{bounds[0]} to {bounds[1]}"


def _errors() -> str:
    rows = "".join(f"| `{code}` | {text} |\n" for code, text in commands.ERRORS.items())
    return f"\n## Errors\n\n| error | what it means |\n|---|---|\n{rows}"


def _reasons() -> str:
    parts = [
        "\n## Reasons\n\n"
        "Of a refusal (`refused`, `bad_argument`) `reasons` says all that is wrong, each a table: `code`, "
        "`parameter`, `asked`, `bound` (what would have been accepted), `source` (where the bound comes from) and "
        "`phase`. Of many reasons the line has the first, and `text` says how many there are. `nmes` makes a "
        "sentence of each: the parameter, the phrase, the source.\n\n| code | phrase |\n|---|---|\n"
    ]
    for code, phrase in sorted(reason_words.PHRASES.items()):
        parts.append(f"| `{code}` | {phrase.replace('{asked}', '*asked*').replace('{bound}', '*bound*')} |\n")
    parts.append(
        "\nUnits that the sentence has, by the end of the parameter's name:\n\n| ends in | unit |\n|---|---|\n"
    )
    for end, (unit, per_unit) in reason_words.UNITS.items():
        made = f"{unit}, {per_unit} make one" if per_unit > 1 and unit else unit or f"none, in {per_unit}ths"
        parts.append(f"| `{end}` | {made} |\n")
    return "".join(parts)


def _settings() -> str:
    parts = ["\n## Settings\n\n| setting | what it may be | of a new device | what it means |\n|---|---|---|---|\n"]
    for name, (kind, least, most, new) in settings.SETTINGS.items():
        parts.append(f"| `{name}` | {in_words(kind, least, most)} | {new} | {meaning(name)} |\n")
    return "".join(parts)


def _versions() -> str:
    rows = "".join(f"| {version} | {words} |\n" for version, words in command_words.VERSIONS.items())
    return (
        "\n## Versions\n\n`identify` says the version of the protocol and the CRC-32 of the table of commands, which "
        "`describe` serves row by row. A host compares both, and the digests of firmware, board, stage and limits, and "
        "changes nothing on a device that differs. The version rises when an old host would misread a line; a command "
        f"that is added changes the CRC-32 alone.\n\n| version | what it brought |\n|---|---|\n{rows}"
    )

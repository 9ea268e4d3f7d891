"""The JSON schema of prescription files, made of their keys' declarations, for editors that complete and check TOML.

A file names it in its first line (DIRECTIVE), which Taplo and Even Better TOML follow. It knows what a value can be by
itself and with the kind of electrode. It never refuses what `nmes check` accepts; what `nmes check` refuses with a code
of KNOWN it refuses too, save what is in BEYOND (tests/host/test_prescription_schema.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nmes.core import phase, programme
from opennmes import paths
from opennmes.prescription.keys import (
    PHASE,
    PHASE_KEYS,
    SITES,
    TABLES,
    Choice,
    Date,
    Key,
    Quantity,
    Table,
    Text,
    Texts,
    bounds_in_file,
    in_file,
    zero_too,
)

FILE = paths.PROGRAMMES / "prescription.schema.json"
DIRECTIVE = f"#:schema {FILE.name}\n"  # the first line of a file beside it

# The codes of problems and reasons that the schema finds too.
KNOWN = {
    *("missing", "unknown", "not_a_table", "not_a_list", "not_a_text", "not_ascii", "not_a_choice", "not_a_number"),
    *("not_a_date", "not_this_kind", "out_of_range", "below_range", "above_range"),
}
# What has such a code and yet depends on several values: (code, parameter, where the bound comes from), and why.
BEYOND = {
    ("below_range", "work_ms", "OpenNMES envelope"): "work_s may be 0, and for a person else not less than 1 s",
    ("below_range", "burst_pulses", phase.ENGINE): "bursts have at least 2 pulses, where there are bursts",
    ("below_range", "burst_rate_mhz", phase.ENGINE): "bursts have a rate of at least 0.5 Hz, where there are bursts",
    ("above_range", "duration_ms", phase.ENGINE): "the rest after an exact number of pulses has an end",
}
# What the schema leaves to `nmes check`, in words.
LEFT_OUT = (
    "whether the electrode, the output stage and a session can have this much current",
    "whether works, rests, ramps, pulses, bursts and changes of a phase fit each other, and the two channels",
    "whether the schedule's numbers and dates fit each other, and whether a list names something twice",
    "decimals finer than the device has: Taplo divides in floating point, where 1.001 is no multiple of 0.001",
    "characters that cannot be seen, other than controls",
    "a date without quotes where a text has to be: for a schema a date is a text",
    *BEYOND.values(),
)

_KINDS = {kind: tuple(site for site, (wanted, _) in SITES.items() if wanted == kind) for kind in programme.KINDS}
_CONTROLS, _NO_ASCII = "[\\u0000-\\u001f\\u007f-\\u009f]", "[^ -~]"


def schema() -> dict[str, Any]:
    """The schema, as JSON can hold it."""
    tables = {table.name: table for table in TABLES}
    properties = _properties(tables[""].keys)
    for name, table in tables.items():
        if name:
            properties[name] = _table(table)
    properties["channel"]["items"]["properties"]["phase"] = properties["phase"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "OpenNMES prescription",
        "description": f"Left to `nmes check`: {'; '.join(LEFT_OUT)}.",
        "type": "object",
        "properties": properties,
        "required": ["title", "electrode", "limits"],
        "additionalProperties": False,
        # Phases for all channels may be missing where each has its own.
        "anyOf": [
            {"required": ["phase"]},
            {"required": ["channel"], "properties": {"channel": {"items": {"required": ["phase"]}}}},
        ],
        "allOf": [_of_kind(kind) for kind in programme.KINDS],
    }


def text() -> str:
    """The schema's file."""
    return json.dumps(schema(), indent=2) + "\n"


def _table(table: Table) -> dict[str, Any]:
    required = [key for key, declared in table.keys.items() if _required(declared)]
    made: dict[str, Any] = {
        "type": "object",
        "properties": _properties(table.keys),
        "required": required,
        "additionalProperties": False,
    }
    if table.keys is PHASE_KEYS:
        changes = [change for change in phase.CHANGES if change != "none"]
        least_s = phase.CHANGE_LEAST_MS / 1000
        made["if"] = {"properties": {"change": {"enum": changes}}, "required": ["change"]}
        made["then"] = {"properties": {"change_s": {"minimum": least_s}}, "required": ["change_s"]}
    if table.what:
        made["description"] = table.what
    return {"type": "array", "minItems": 1, "maxItems": table.most, "items": made} if table.most else made


def _required(declared: Key) -> bool:
    return not declared.optional and getattr(declared, "default", None) is None


def _properties(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {key: {"description": _described(declared), **_value(declared)} for key, declared in keys.items()}


def _described(declared: Key) -> str:
    if not isinstance(declared, Quantity):
        return declared.what
    return f"{declared.what} [{declared.unit}]"


def _value(declared: Key) -> dict[str, Any]:
    match declared:
        case Quantity():
            return _number(declared, *programme.KINDS)
        case Text():
            unseen = _NO_ASCII if declared.ascii_only else _CONTROLS
            seen = {"pattern": "[^ ]", "not": {"pattern": unseen}}
            return {"type": "string", "minLength": 1, "maxLength": declared.most, **seen}
        case Choice():
            default = {} if declared.default is None else {"default": declared.default}
            return {"type": "string", "enum": list(declared.choices), **default}
        case Date():
            # maxLength: for some a "$" is also before a line's end.
            return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "maxLength": 10}
        case Texts():
            return {"type": "array", "minItems": 1, "maxItems": declared.most, "items": _value(declared.each)}


def _number(quantity: Quantity, *kinds: str) -> dict[str, Any]:
    """A number within the bounds that it has for any of `kinds`."""
    bounds = [bounds_in_file(quantity, kind) for kind in kinds]
    least, most = _json(min(least for least, _ in bounds)), _json(max(most for _, most in bounds))
    made: dict[str, Any] = {"type": "number"}
    if quantity.step == 1:
        made["multipleOf"] = 1  # 250.0 is 250: "integer" is read differently by validators
    if quantity.default is not None:
        made["default"] = _json(in_file(quantity, quantity.default))
    if zero_too(quantity):
        return {**made, "anyOf": [{"enum": [0]}, {"minimum": least, "maximum": most}]}
    return {**made, "minimum": least, "maximum": most}


def _json(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _of_kind(kind: str) -> dict[str, Any]:
    """What holds for one kind of electrode alone."""
    widest = {key: _number(quantity, *programme.KINDS) for key, quantity in PHASE.items()}
    own = {key: _number(quantity, kind) for key, quantity in PHASE.items()}
    phases = {"items": {"properties": {key: value for key, value in own.items() if value != widest[key]}}}
    return {
        "if": {
            "properties": {"electrode": {"properties": {"kind": {"enum": [kind]}}, "required": ["kind"]}},
            "required": ["electrode"],
        },
        "then": {
            "properties": {
                "site": {"enum": list(_KINDS[kind])},
                "phase": phases,
                "channel": {"items": {"properties": {"phase": phases}}},
            }
        },
    }

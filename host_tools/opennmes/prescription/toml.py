"""A prescription's document written out as a file that reads back to the same document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opennmes.prescription.keys import (
    BEGINNING,
    CHANNEL_KEYS,
    ELECTRODE_KEYS,
    LIMITS,
    PATIENT_KEYS,
    PERSON,
    PHASE_KEYS,
    SCHEDULE_KEYS,
    SOURCE_KEYS,
    TRIGGER_KEYS,
    Date,
    Key,
    Quantity,
    in_file,
    plain,
)


def toml_of(document: Mapping[str, Any]) -> str:
    """The text of the file. Of what is no document (see Prescription.document) an error or a text that is no such
    file: read it back before it is trusted."""
    about = document.get("about", {})
    parts = [_lines(BEGINNING, {**document, **about})]
    if "patient" in about:
        parts.append("[patient]\n" + _lines(PATIENT_KEYS, about["patient"]))
    if "schedule" in about:
        parts.append("[schedule]\n" + _lines(SCHEDULE_KEYS, about["schedule"]))
    parts.append("[electrode]\n" + _lines(ELECTRODE_KEYS, document["electrode"]))
    parts.append("[limits]\n" + _lines(LIMITS, {"max_current_ua": document["max_current_ua"]}))
    if "person" in document:
        parts.append("[person]\n" + _lines(PERSON, document["person"]))
    parts += ["[[phase]]\n" + _lines(PHASE_KEYS, phase) for phase in document.get("phases", ())]
    for channel in document.get("channels", ()):
        parts.append("[[channel]]\n" + _lines(CHANNEL_KEYS, channel))
        parts += ["[[channel.phase]]\n" + _lines(PHASE_KEYS, phase) for phase in channel.get("phases", ())]
    if "trigger" in document:
        parts.append("[trigger]\n" + _lines(TRIGGER_KEYS, document["trigger"]))
    parts += ["[[source]]\n" + _lines(SOURCE_KEYS, source) for source in about.get("sources", ())]
    return "\n".join(parts)


def _lines(keys: Mapping[str, Key], values: Mapping[str, Any]) -> str:
    lines = []
    for key, declared in keys.items():
        field = declared.field if isinstance(declared, Quantity) else key
        if field in values:
            lines.append(f"{key} = {_value(declared, values[field])}\n")
    return "".join(lines)


def _value(declared: Key, value: Any) -> str:
    if isinstance(declared, Quantity):
        return plain(in_file(declared, value))
    if isinstance(declared, Date):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_quoted(text) for text in value)}]"
    return _quoted(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # what may stand in a text is escaped alike in TOML and JSON

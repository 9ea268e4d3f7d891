"""What the verbs say of a latched fault: its name, what it means, what to do, and which command is next."""

from __future__ import annotations

import re
import shlex
from typing import Any

from nmes.core import commands, fault_words, faults

Fault = dict[str, Any]

_LEAST, _MOST = commands.COMMANDS["clear"].arguments["fault"][1:]


class FaultError(Exception):
    """A command cannot do its work because of the device's fault, or because it has none; `fault` is what `fault_of`
    says."""

    def __init__(self, text: str, fault: Fault | None) -> None:
        super().__init__(text)
        self.fault = fault


def fault_of(status: dict[str, Any], port: str) -> Fault | None:
    """The fault of a device's status, in the words of nmes.core.faults; None without one."""
    number = status["fault"]
    if not number:
        return None
    at = f"--port {shlex.quote(port)}"
    mends = f"nmes flash UF2 {at}" if number == faults.STORE_NEWER else f"nmes clear {at} {number}"
    happened, what_to_do, clinician = fault_words.WORDS.get(number, ("These tools do not know it.", "Report it.", ""))
    return {
        "number": number,
        "name": faults.name(number),
        "text": status.get("fault_text", ""),
        "happened": happened,
        "what_to_do": what_to_do,
        "clinician": clinician,
        "next": [f"nmes record {at}", mends],
    }


def in_short(fault: Fault) -> str:
    """Number and name."""
    return f"fault {fault['number']}, {fault['name']}"


def in_words(fault: Fault) -> list[str]:
    """What happened, what to do, and which command is next, a line each."""
    record, mends = fault["next"]
    if fault["number"] == faults.STORE_NEWER:
        then = f"{mends} puts the newer firmware back, from its UF2"
    else:
        then = f"when its cause is gone, {mends} clears it"
    noted = f" (the device noted: {fault['text']})" if fault["text"] else ""
    clinician = [f"For the clinician: {fault['clinician']}"] if fault["clinician"] else []
    return [
        f"What happened: {fault['happened']}{noted}",
        f"What to do: {fault['what_to_do']}",
        *clinician,
        f"Next: {record} shows what was kept of it; {then}",
    ]


def fault_number(named: str) -> int | None:
    """The number of a fault that a person names by its number or its name; None for what is neither."""
    for number, name in faults.NAMES.items():
        if named == name:
            return number
    return int(named) if re.fullmatch("[0-9]{1,2}", named) and _LEAST <= int(named) <= _MOST else None

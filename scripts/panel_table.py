"""The table of docs/panel.md, who may do what, out of nmes/core/access.py; documents.py writes it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware")]

import marks  # noqa: E402 the path first
from nmes.core import access  # noqa: E402

DOCUMENT = ROOT / "docs" / "panel.md"
MARKS = marks.of("access", "scripts/panel_table.py")

# What each act is, in more words than the device has room for.
WORDS = {
    access.WATCH: "read status, records and the like",
    access.STOP: "end the session; the running pulse ends, nothing comes after it",
    access.SET_UP: "settings, prescriptions, clock, calibration, lock, self-test, prompt",
    access.CHOOSE: "load a programme, answer the checklist",
    access.ARM: "get ready at zero: from here on there is an owner",
    access.START: "begin, or go on after a pause, from zero",
    access.KEEP: "say in time that the session is wanted",
    access.RAISE: "more current; at the panel only while the muscle works",
    access.LOWER: "less current",
    access.ADJUST: "another rate or width",
    access.PAUSE: "no pulses until it goes on",
    access.CLEAR: "clear a fault; at the panel only some, see below",
}


def _who(parties: tuple[str, ...]) -> str:
    return ", ".join(parties) if parties else "nobody"


def table() -> str:
    """A row an act: what it is, in which states, and who may while the session is nobody's, a host's, the panel's."""
    head = ["act", "what it is", "states", "nobody's session", "a host's session", "the panel's session"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for act, (states, parties) in access.ACTS.items():
        whose = [_who(parties[session]) for session in (access.NOBODYS, access.HOSTS, access.PANELS)]
        lines.append(f"| {act} | {WORDS[act]} | {', '.join(states)} | {' | '.join(whose)} |")
    return "\n".join(lines) + "\n"


def cleared() -> str:
    """The numbers of the faults that are cleared at the panel."""
    return ", ".join(str(number) for number in sorted(access.CLEARED_AT_PANEL))


def written(document: str) -> str:
    """`document` with the table between its marks as the code has it."""
    return marks.put(document, MARKS, table())

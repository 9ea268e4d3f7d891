"""Text of others (files, names, devices) as a person may be shown it: as it is, and nothing in it hidden."""

from __future__ import annotations

import unicodedata

# Letters and marks by category, and yet nothing to be seen.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def hidden(character: str) -> bool:
    """Whether a character moves, hides or turns text instead of showing itself: controls, directions, zero width, line
    ends, spaces that are no ordinary space, halves of surrogate pairs, and what has no meaning yet."""
    return not character.isprintable() or character in _BLANK


def code_point(character: str) -> str:
    """A character by its number: <U+202E>."""
    return f"<U+{ord(character):04X}>"


def visible(text: object) -> str:
    """`text` on one line, every hidden character by its number. Nothing else changes, backslashes neither."""
    return "".join(code_point(c) if hidden(c) else c for c in str(text))


def named(character: str) -> str:
    """A character's number and, where it has one, its name in Unicode: U+00A0 NO-BREAK SPACE."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()

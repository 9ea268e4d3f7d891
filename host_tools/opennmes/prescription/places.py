"""In which line of a TOML file a key stands. tomllib says what a file holds, and not where."""

from __future__ import annotations

import bisect
import contextlib
import re
import tomllib

_BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED_KEY = re.compile(r"""(["'])[A-Za-z0-9_-]+\1""")  # tomllib reads any other, which takes long
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")  # a date may have a space before its time


class Places:
    """The lines, from 1, of all keys and tables of a text that tomllib understands, and of another's beginning.

    Lines end as editors see it: with LF, CR LF or CR. A key's name is that of its table, a dot, and its own: limits.x.
    Tables of a list have their number: `phase 2.work_s`, `channel 1 phase 3.work_s`; `table` is the one that was open
    at the end, `end` the line where that was.
    """

    def __init__(self, text: str) -> None:
        self.table = ""
        self._text = lines_of(text)
        self._ends = [found.start() for found in re.finditer("\n", self._text)]
        self._at = 0
        self._lines: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        with contextlib.suppress(IndexError, ValueError, RecursionError):  # no TOML from there on
            self._document()
        self.end = self._here()

    def line(self, name: str) -> int | None:
        """The line of a key or a table; None where it is not there."""
        return self._lines.get(name)

    def nearest(self, name: str) -> int | None:
        """The line of a key or a table; where it is missing that of the table that lacks it."""
        while name:
            if name in self._lines:
                return self._lines[name]
            name = name[: max(name.rfind("."), name.rfind(" "), 0)]
        return None

    def _here(self) -> int:
        return bisect.bisect_left(self._ends, self._at) + 1

    def _skip(self) -> str:
        """Go on to what is neither blank nor comment. Returns its first character, "" at the end."""
        found = _BETWEEN.match(self._text, self._at)
        assert found is not None  # it matches nothing, too
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError
        self._at = found.end()
        return found[0]

    def _document(self) -> None:
        while start := self._skip():
            if start == "[":
                self._header()
            else:
                self._pair(self.table)

    def _header(self) -> None:
        line = self._here()
        brackets = self._take(re.compile(r"\[\[?"))
        *outer, last = self._key()
        self._skip()
        self._take(re.compile(r"\]" * len(brackets)))
        label = ""
        for part in outer:
            listed = listed_name(label, part)
            label = f"{listed} {self._counts[listed]}" if listed in self._counts else key_name(label, part)
            self._lines.setdefault(label, line)
        self._lines.setdefault(key_name(label, last), line)
        self.table = self._element(label, last, line) if brackets == "[[" else key_name(label, last)
        self._lines.setdefault(self.table, line)

    def _element(self, label: str, key: str, line: int) -> str:
        """The name of the next table of a list."""
        listed = listed_name(label, key)
        self._counts[listed] = self._counts.get(listed, 0) + 1
        self._lines.setdefault(listed, line)
        name = f"{listed} {self._counts[listed]}"
        self._lines.setdefault(name, line)
        return name

    def _key(self) -> list[str]:
        parts = []
        while True:
            if self._skip() in ('"', "'"):
                text = self._take(_STRING)
                parts.append(text[1:-1] if _QUOTED_KEY.fullmatch(text) else str(tomllib.loads(f"key = {text}")["key"]))
            else:
                parts.append(self._take(_BARE_KEY))
            if self._skip() != ".":
                return parts
            self._at += 1

    def _pair(self, label: str) -> None:
        line = self._here()
        *outer, last = self._key()
        for part in outer:
            label = key_name(label, part)
            self._lines.setdefault(label, line)
        self._lines.setdefault(key_name(label, last), line)
        self._take(re.compile("="))
        self._value(label, last)

    def _value(self, label: str, key: str) -> None:
        start = self._skip()
        if start in ('"', "'"):
            self._take(_STRING)
        elif start == "[":
            self._at += 1
            while self._skip() != "]":
                if self._text[self._at] == "{":
                    self._inline(self._element(label, key, self._here()))
                else:
                    self._value(label, key)
                if self._skip() == ",":
                    self._at += 1
            self._at += 1
        elif start == "{":
            self._inline(key_name(label, key))
        else:
            self._take(_BARE_VALUE)

    def _inline(self, label: str) -> None:
        self._at += 1
        while self._skip() != "}":
            self._pair(label)
            if self._skip() == ",":
                self._at += 1
        self._at += 1


def lines_of(text: str) -> str:
    """The text with every end of a line as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def key_name(label: str, key: str) -> str:
    """The name of a key of the table `label`; "" is the whole document."""
    return f"{label}.{key}" if label else key


def listed_name(label: str, key: str) -> str:
    """The name of a list of tables in the table `label`, without the number of one."""
    return f"{label} {key}" if label else key

"""Prescriptions: TOML files that people write, in Hz, us, s, min, mA and cm2, made into a document in integers.

A document is the programme that the device takes, and `about`: what people have to know beside it. This module decides
whether a file can be understood. Whether what it asks is allowed is nmes.core.programme's to say.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import functools
import hashlib
import json
import re
import stat
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from nmes.core import programme
from nmes.core.reason import printable
from opennmes.files import read
from opennmes.prescription.keys import (
    BEGINNING,
    CHANNEL_KEYS,
    ELECTRODE_KEYS,
    LIMITS,
    PATIENT_KEYS,
    PERSON,
    PHASE_KEYS,
    QUANTITIES,
    SCHEDULE_KEYS,
    SITES,
    SOURCE_KEYS,
    SOURCES_MAX,
    TABLES,
    TIMES,
    TRIGGER_KEYS,
    WEEK_H,
    Choice,
    Date,
    Key,
    Quantity,
    Text,
    Texts,
    in_file_unit,
    plain,
)
from opennmes.prescription.mistakes import DAY, about_number, diagnose, shortened
from opennmes.prescription.places import Places
from opennmes.prescription.toml import toml_of
from opennmes.visible import hidden, named, visible

FILE_MAX_BYTES = 65_536
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHOICES_SHOWN = 10  # of more only the one that was meant, where that is known
_ADJUSTED_MAX = 9  # numbers from 10^10 on are out of every range, and their digits could fill the memory


_UNITS = {key: quantity.unit for key, quantity in QUANTITIES.items()}
_UNITS |= {key: DAY for key, declared in SCHEDULE_KEYS.items() if isinstance(declared, Date)}
# Where a key belongs, for one that stands in another table.
_HOMES = {
    key: ("[[{}]]" if table.most else "[{}]").format(table.name) if table.name else "the beginning"
    for table in TABLES
    for key in table.keys
    if table.name != "person"  # a maximum belongs to [limits]
}
del _HOMES["name"]  # who writes one elsewhere means a person's, or the title
_CHANNEL_PHASE = (*CHANNEL_KEYS, "phase")

_WHY = {
    "area_cm2": "the current density cannot be limited without it; give the conductive area of the smaller electrode",
    "max_current_ma": "say how much current is the most",
}


@dataclass(frozen=True)
class Problem:
    """One thing in a file that could not be understood. `line` is None where it cannot be said."""

    code: str
    key: str
    text: str
    line: int | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [shortened(self.key)] if self.key else []
        return visible(f"{', '.join(where)}: {self.text}" if where else self.text)


class PrescriptionError(Exception):
    """A file that could not be understood as a prescription; `problems` has everything that was found."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, problems)))
        self.path = path
        self.problems = problems


@dataclass(frozen=True)
class Prescription:
    """A prescription that could be understood.

    `data` is the programme as nmes.core.programme takes it. `about` is all the rest, what is not given left out:

        {"site": …, "patient": {"notes": […]}, "schedule": {"sessions_per_week": …, "hours_between": …,
         "not_before": "2026-12-31", "not_after": …}, "sources": [{"citation": …, "gave": …, "keys": […]}]}
    """

    path: Path
    data: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.data["title"])

    def for_person(self, max_current_ua: int) -> Prescription:
        """The same prescription for somebody who wants no more than this; a lower maximum in it stays."""
        most_ua = min(max_current_ua, self.data.get("person", {}).get("max_current_ua", max_current_ua))
        return replace(self, data={**self.data, "person": {"max_current_ua": most_ua}})

    def document(self) -> dict[str, Any]:
        """Everything that the file means, as JSON can hold it: the programme, and `about` where there is something."""
        return {**self.data, **({"about": self.about} if self.about else {})}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], path: Path = Path("document")) -> Prescription:
        """The inverse of `document`, which may come from anywhere: it is one when the file that it makes reads back to
        it. Raises PrescriptionError, which calls it `path`."""
        try:
            made = cls.from_text(toml_of(document), path)
            wrong = "" if canonical(made.document()) == canonical(document) else "it has something else in it"
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            raise PrescriptionError(path, [Problem("no_document", "", f"is no document of a prescription ({wrong})")])
        return made

    def to_toml(self) -> str:
        """The text of a file that reads back to the same document."""
        return toml_of(self.document())

    def digest(self) -> str:
        """SHA-256 of the document's canonical text, in hex."""
        return hashlib.sha256(canonical(self.document())).hexdigest()

    @classmethod
    def read(cls, path: Path) -> Prescription:
        """Read a file. Raises PrescriptionError with all its problems."""
        return cls.from_text(_text(path), path)

    @classmethod
    def from_text(cls, text: str, path: Path) -> Prescription:
        """Read the text of a file. Raises PrescriptionError with all its problems."""
        try:
            document = tomllib.loads(text, parse_float=_number)
        except RecursionError:
            raise PrescriptionError(path, [Problem("not_toml", "", "nested too deep for a prescription")]) from None
        except ValueError as error:
            line, reason = diagnose(text, error, _UNITS)
            raise PrescriptionError(path, [Problem("not_toml", "", reason, line)]) from None
        if not document:
            reason = "has no line of a prescription in it; start from one of the library"
            raise PrescriptionError(path, [Problem("not_toml", "", reason)])
        reader = _Reader(text)
        reader.known(document)
        data, about = reader.programme(document), reader.about(document)
        if reader.problems:
            raise PrescriptionError(path, sorted(reader.problems, key=lambda problem: problem.line or 0))
        return cls(path, data, about)


def canonical(document: Mapping[str, Any]) -> bytes:
    """The text that names a document: JSON without blanks, keys sorted, UTF-8, nothing escaped that need not be."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def programme_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a document that the firmware's `load` takes."""
    return {key: value for key, value in document.items() if key != "about"}


def _text(path: Path) -> str:
    """The file's text. Raises PrescriptionError."""

    def unreadable(text: str, line: int | None = None) -> PrescriptionError:
        return PrescriptionError(path, [Problem("unreadable", "", text, line)])

    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise unreadable("is a folder; give the path of a prescription, a TOML file")
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise unreadable("is a device and no file; give the path of a prescription, a TOML file")
        content = read(path, FILE_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that can be none
        why = getattr(error, "strerror", None) or error
        raise unreadable(f"cannot be read ({why}); give the path of a prescription, a TOML file") from None
    if len(content) > FILE_MAX_BYTES:
        raise unreadable(f"is larger than {FILE_MAX_BYTES // 1024} KiB; that is no prescription")
    if not content.strip():
        raise unreadable("is empty; give the path of a prescription, a TOML file")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        raise unreadable('is text in UTF-16 or UTF-32 (some editors say "Unicode") or no text; save it as UTF-8')
    if b"\0" in content or content.startswith((b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\x1f\x8b")):
        raise unreadable("is no text; give the path of a prescription, a TOML file (plain text in UTF-8)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
        byte = content[error.start : error.start + 1]
        text = f"is not text in UTF-8: its byte {error.start} is 0x{byte.hex().upper()}"
        text += f', in older files "{byte.decode("cp1252")}"' if 0xA0 <= byte[0] != 0xED else ""
        raise unreadable(f"{text}; have the editor save the file as UTF-8", line) from None


def _in_its_unit(asked: str, meant: str) -> str:
    """The unit of the key that was meant, unless the one that was asked for ends in it too: to write another name above
    the same number would make 5 s of 5 min."""
    unit = "" if meant not in QUANTITIES else QUANTITIES[meant].unit
    return f" Its number is in {unit}" if unit and asked.lower().split("_")[-1] != meant.split("_")[-1] else ""


def _why_not(character: str) -> str:
    """Why a character cannot be in a title or a name, and what to write instead."""
    if not hidden(character):
        return "which the device cannot take; leave it out"
    if character in "\n\r\t" or unicodedata.category(character) in ("Zs", "Zl", "Zp"):
        return "which looks like a space or a new line; write an ordinary space"
    return "which cannot be seen; leave it out"


@dataclass(frozen=True)
class _NoNumber:
    """What TOML calls a number and no Decimal can hold."""

    text: str


def _number(text: str) -> Decimal | _NoNumber:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _NoNumber(text)


def _shown(value: object) -> str:
    """A value much as the file has it."""
    match value:
        case str():
            return f'"{shortened(value)}"'
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return "a list"
        case _NoNumber():
            return shortened(value.text)
        case Decimal() if not value.is_finite():
            return str(value).lower().replace("infinity", "inf")
    try:
        return shortened(str(value))
    except ValueError:  # Python does not print integers of more than 4300 digits
        return "a number of thousands of digits"


class _Reader:
    """Goes through a document and notes every problem instead of ending at the first."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._text = text

    @functools.cached_property
    def _places(self) -> Places:
        return Places(self._text)  # most files have no problem, and need none

    def known(self, document: dict[str, Any]) -> None:
        """Note the keys at the file's beginning that are none."""
        self._known("", document, (*BEGINNING, *(table.name for table in TABLES if table.name)))

    def programme(self, document: dict[str, Any]) -> dict[str, Any]:
        """What the device takes."""
        electrode = self._table("electrode", document, tuple(ELECTRODE_KEYS))
        limits = self._table("limits", document, tuple(LIMITS))
        made: dict[str, Any] = {
            **self._values("", document, {key: BEGINNING[key] for key in ("title", "effect")}),
            "electrode": self._values("electrode", electrode, ELECTRODE_KEYS),
            **self._values("limits", limits, LIMITS),
        }
        if "person" in document:
            person = self._table("person", document, tuple(PERSON))
            made["person"] = self._values("person", person, PERSON)
        if "channel" in document:
            made["channels"] = [
                self._channel(number, channel)
                for number, channel in enumerate(self._tables("channel", document, programme.CHANNELS_MAX), 1)
            ]
        if "trigger" in document:
            made["trigger"] = self._values(
                "trigger", self._table("trigger", document, tuple(TRIGGER_KEYS)), TRIGGER_KEYS
            )
        own = [row for row in made.get("channels", ()) if "phases" in row]
        if "phase" in document or not own or len(own) < len(made["channels"]):
            made["phases"] = self._phases("phase", document)
        return made

    def about(self, document: dict[str, Any]) -> dict[str, Any]:
        """What people have to know beside it."""
        made = self._values("", document, {"site": BEGINNING["site"]})
        self._check_site(made.get("site", ""), document.get("electrode"))
        if "patient" in document:
            patient = self._table("patient", document, tuple(PATIENT_KEYS))
            made["patient"] = self._values("patient", patient, PATIENT_KEYS)
        if "schedule" in document:
            schedule = self._table("schedule", document, tuple(SCHEDULE_KEYS))
            made["schedule"] = self._values("schedule", schedule, SCHEDULE_KEYS)
            self._check_bounds("schedule", made["schedule"], SCHEDULE_KEYS)
            self._check_schedule(made["schedule"])
        if "source" in document:
            made["sources"] = [
                self._source(f"source {number}", source)
                for number, source in enumerate(self._tables("source", document, SOURCES_MAX), 1)
            ]
        return {key: value for key, value in made.items() if value}

    def _source(self, label: str, source: dict[str, Any]) -> dict[str, Any]:
        self._known(label, source, tuple(SOURCE_KEYS))
        return self._values(label, source, SOURCE_KEYS)

    def _check_site(self, site: str, electrode: object) -> None:
        """A site goes with one kind of electrode."""
        kind = electrode.get("kind") if isinstance(electrode, dict) else None
        if site and kind in programme.KINDS and kind != SITES[site][0]:
            there = " or ".join(f'"{name}"' for name, (wanted, _) in SITES.items() if wanted == kind)
            text = f'is "{site}", which goes with kind = "{SITES[site][0]}"; with "{kind}" it has to be {there}'
            self._problem("not_this_kind", "site", text)

    def _check_bounds(self, label: str, made: dict[str, Any], keys: Mapping[str, Key]) -> None:
        """The bounds of what the device does not check."""
        told = {problem.key for problem in self.problems}
        for key, declared in keys.items():
            name = f"{label}.{key}"
            if isinstance(declared, Quantity) and declared.bounds and declared.field in made and name not in told:
                least, most = declared.bounds
                if not least <= made[declared.field] <= most:
                    wanted = f"{in_file_unit(declared, least)} to {in_file_unit(declared, most)}"
                    text = f"is {in_file_unit(declared, made[declared.field])}; it has to be {wanted}"
                    self._problem("out_of_range", name, text)

    def _check_schedule(self, made: dict[str, Any]) -> None:
        """What two of its keys say together."""
        sessions, hours = made.get("sessions_per_week", 0), made.get("hours_between", 0)
        if sessions * hours > WEEK_H:
            text = f"is {hours} h, and {sessions} sessions a week are {WEEK_H // sessions} h apart at most"
            self._problem("contradiction", "schedule.hours_between", text)
        begin, end = made.get("not_before", ""), made.get("not_after", "")
        if begin and end and end < begin:
            self._problem("contradiction", "schedule.not_after", f"is {end}, before not_before, which is {begin}")

    def _tables(self, key: str, document: dict[str, Any], most: int, label: str = "") -> list[dict[str, Any]]:
        """The tables [[key]], at least one; none after noting a problem."""
        tables = document.get(key)
        label = label or key
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            text = f"is missing; a prescription has at least one table [[{key}]]"
            if isinstance(tables, dict):
                text = f"is one table [{key}]; there may be several, so write [[{key}]]"
            elif tables is not None:
                text = f"is {_shown(tables)}; it has to be a table [[{key}]] or several"
            self._problem("missing", label, text)
            return []
        if len(tables) > most:
            self._problem("not_a_list", label, f"has {len(tables)} tables; at most {most} are possible")
            return []
        return tables

    def _phases(self, label: str, document: dict[str, Any]) -> list[dict[str, Any]]:
        tables = self._tables("phase", document, programme.PHASES_MAX, label)
        return [self._phase(f"{label} {number}", f"phase {number}", phase) for number, phase in enumerate(tables, 1)]

    def _channel(self, number: int, channel: dict[str, Any]) -> dict[str, Any]:
        label = f"channel {number}"
        self._known(label, channel, _CHANNEL_PHASE)
        made = self._values(label, channel, CHANNEL_KEYS)
        if "phase" in channel:
            made["phases"] = self._phases(f"{label} phase", channel)
        return made

    def _phase(self, label: str, name: str, phase: dict[str, Any]) -> dict[str, Any]:
        self._known(label, phase, tuple(PHASE_KEYS))
        return self._values(label, {"name": name, **phase}, PHASE_KEYS)

    def _problem(self, code: str, key: str, text: str) -> None:
        self.problems.append(Problem(code, key, text, self._places.nearest(key)))

    def _known(self, label: str, table: dict[str, Any], wanted: tuple[str, ...]) -> None:
        for key in table:
            if key not in wanted:
                # Letters of either case, dashes and blanks are no difference: "Frequency Hz".
                close = difflib.get_close_matches(key.lower().replace("-", "_").replace(" ", "_"), wanted, 1)
                if key in _HOMES:
                    hint = f"it belongs to {_HOMES[key]}"
                elif close:
                    hint = f'did you mean "{close[0]}"?{_in_its_unit(key, close[0])}'
                else:
                    hint = f"known here: {', '.join(wanted)}"
                self._problem("unknown", f"{label}.{key}" if label else key, f"is not known; {hint}")

    def _table(self, key: str, document: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any] | None:
        """The table [key], empty where there is none; None after noting a problem."""
        table = document.get(key, {})
        if not isinstance(table, dict):
            self._problem("not_a_table", key, f"is {_shown(table)}; it has to be a table [{key}]")
            return None
        self._known(key, table, wanted)
        return table

    def _string(self, key: str, value: object, declared: Text) -> str:
        most = declared.most
        if value is None:
            self._problem("missing", key, f"is missing; it has to be a text in quotes, 1 to {most} characters")
        elif isinstance(value, datetime.date | datetime.time):
            self._problem("not_quoted", key, f'is a date or a time; for a text put it in quotes: "{value}"')
        elif not isinstance(value, str):
            self._problem("not_a_text", key, f"is {_shown(value)}; it has to be a text in quotes")
        elif (at := next((n for n, c in enumerate(value) if hidden(c) or printable(c) != c), None)) is not None:
            text = f"is {_shown(value)}, whose character {at + 1} is {named(value[at])}, {_why_not(value[at])}"
            # Which characters can be seen depends on the version of Unicode, controls do not.
            code = "not_ascii" if declared.ascii_only else "not_visible"
            self._problem("not_a_text" if unicodedata.category(value[at]) == "Cc" else code, key, text)
        elif declared.ascii_only and not value.isascii():
            at = next(n for n, c in enumerate(value) if not c.isascii())
            text = f"is {_shown(value)}, whose character {at + 1} is {named(value[at])}; a display knows only the "
            text += "letters a to z, digits and signs of ASCII: write it with those"
            self._problem("not_ascii", key, text)
        elif not 1 <= len(value) <= most:
            text = f"is {_shown(value)}, {len(value)} characters; it has to be 1 to {most} on one line"
            self._problem("not_a_text", key, text)
        elif not value.strip():
            self._problem(
                "not_a_text", key, f"is {_shown(value)}, which nobody can see; write what it is called or says"
            )
        else:
            return value
        return ""

    def _choice(self, key: str, value: object, choices: tuple[str, ...]) -> str:
        wanted = " or ".join(f'"{choice}"' for choice in choices)
        if value is None:
            self._problem("missing", key, f"is missing; it has to be {wanted}")
        elif not isinstance(value, str) or value not in choices:
            plainer = {re.sub("[-_ ]+", " ", choice): choice for choice in choices}
            asked = re.sub("[-_ ]+", " ", value.lower()) if isinstance(value, str) else ""
            close = difflib.get_close_matches(asked, plainer, 1)
            meant = f'; did you mean "{plainer[close[0]]}"?' if close else ""
            if close and len(choices) > _CHOICES_SHOWN:
                wanted = "one that is known here"
            self._problem("not_a_choice", key, f"is {_shown(value)}; it has to be {wanted}{meant}")
        else:
            return value
        return ""

    def _values(self, label: str, table: dict[str, Any] | None, keys: Mapping[str, Key]) -> dict[str, Any]:
        """What the document has of a table; of None nothing, and nothing is missing."""
        made: dict[str, Any] = {}
        if table is None:
            return made
        for key, declared in keys.items():
            if declared.optional and key not in table:
                continue
            name, value = f"{label}.{key}" if label else key, table.get(key)
            match declared:
                case Quantity():
                    made[declared.field] = self._integer(name, value, declared)
                case Text():
                    made[key] = self._string(name, value, declared)
                case Choice():
                    made[key] = self._choice(name, declared.default if value is None else value, declared.choices)
                case Date():
                    made[key] = self._date(name, value)
                case Texts():
                    made[key] = self._texts(name, value, declared)
        return made

    def _date(self, key: str, value: object) -> str:
        """The date as 2026-12-31; "" after noting a problem."""
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        if isinstance(value, str) and _DATE.fullmatch(value):
            with contextlib.suppress(ValueError):
                return datetime.date.fromisoformat(value).isoformat()
        text = f"is {_shown(value)}; it has to be a day of the calendar as year-month-day: 2026-12-31"
        self._problem("not_a_date", key, text)
        return ""

    def _texts(self, key: str, value: object, declared: Texts) -> list[str]:
        """The texts of a list; none after noting a problem."""
        wanted = f'it has to be a list of 1 to {declared.most} texts: ["first", "second"]'
        if value is None:
            self._problem("missing", key, f"is missing; {wanted}")
        elif not isinstance(value, list) or not 1 <= len(value) <= declared.most:
            shown = f"has {len(value)} texts" if isinstance(value, list) else f"is {_shown(value)}"
            self._problem("not_a_list", key, f"{shown}; {wanted}")
        else:
            each = declared.each
            texts = [
                self._choice(key, text, each.choices) if isinstance(each, Choice) else self._string(key, text, each)
                for text in value
            ]
            if twice := next((text for text in texts if text and texts.count(text) > 1), None):
                self._problem("twice", key, f"has {_shown(twice)} more than once; once is enough")
            return texts
        return []

    def _integer(self, key: str, value: object, quantity: Quantity) -> int:
        """The programme's integer; 0 after noting a problem."""
        if value is None:
            if quantity.default is not None:
                return quantity.default
            why = _WHY.get(key.rpartition(".")[2], f"give a number of {quantity.unit}")
            self._problem("missing", key, f"is missing: {why}")
            return 0
        impossible = f"is {_shown(value)}; no such number of {quantity.unit} is possible"
        if isinstance(value, _NoNumber):
            self._problem("not_a_number", key, impossible)
            return 0
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            text = f"is {_shown(value)}; it has to be a number of {quantity.unit}"
            if isinstance(value, str):
                text += self._without_quotes(key.rpartition(".")[2], value.strip(), quantity)
            self._problem("not_a_number", key, text)
            return 0
        number = Decimal(value)
        if not number.is_finite() or (number and number.adjusted() > _ADJUSTED_MAX):
            self._problem("not_a_number", key, impossible)
            return 0
        if number and number.adjusted() < -_ADJUSTED_MAX:  # the remainder could underflow to an innocent 0
            steps, rest = Decimal(0), number
        else:
            steps, rest = number // quantity.step, number % quantity.step
        if rest:
            lower, upper = sorted((steps * quantity.step, (steps + (1 if number > 0 else -1)) * quantity.step))
            said = f"is {_shown(value)} {quantity.unit}"
            nearest = f"{plain(lower)} and {plain(upper)} {quantity.unit}"
            if quantity.field in TIMES:
                text = f"{said}; it has to be a whole number, and the nearest are {nearest}"
            else:
                text = f"{said}, which cannot be delivered exactly; the nearest that can are {nearest}"
            self._problem("not_representable", key, text)
            return 0
        return int(steps) * quantity.per_step

    def _without_quotes(self, key: str, value: str, quantity: Quantity) -> str:
        """How a number in quotes is written instead, as far as that is certain."""
        if reason := about_number(key, value, quantity.unit):
            return f" without quotes, and this {reason}"
        try:
            is_number = value.isascii() and Decimal(value).is_finite()
        except InvalidOperation:
            return ""
        return f" without quotes; write {key} = {value}" if is_number else ""

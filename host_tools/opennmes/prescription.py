"""Prescriptions: TOML files that people write, in Hz, us, s, min, mA and cm2, made into a programme in integers.

This module decides whether a file can be understood. Whether what it asks is allowed is nmes.core.programme's to say.
"""

from __future__ import annotations

import difflib
import stat
import tomllib
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from nmes.core import programme
from nmes.core.phase import CHANGES
from nmes.core.reason import printable
from opennmes.toml_mistakes import about_number, diagnose, shortened
from opennmes.toml_places import Places
from opennmes.visible import hidden, named, visible

FILE_MAX_BYTES = 65_536
_ADJUSTED_MAX = 9  # numbers from 10^10 on are out of every range, and their digits could fill the memory


@dataclass(frozen=True)
class Quantity:
    """A number of the file: `steps * step` in `unit` becomes the integer `steps * per_step` in the programme's `field`.

    `step` is the smallest difference that is exact on both sides. `default` is in the programme's unit; None: required.
    What is optional and not given is left out of the programme, where nmes.core.phase says what that means.
    """

    field: str
    unit: str
    step: Decimal
    per_step: int = 1
    default: int | None = None
    optional: bool = False


_CURRENT = Quantity("max_current_ua", "mA", Decimal("0.001"))
ELECTRODE = {
    "area_cm2": Quantity("area_mm2", "cm2", Decimal("0.01")),
    "max_current_ma": replace(_CURRENT, optional=True),
}
LIMITS = {"max_current_ma": _CURRENT}
PERSON = {"max_current_ma": _CURRENT}
PHASE = {
    "frequency_hz": Quantity("rate_mhz", "Hz", Decimal("0.001")),
    "pulse_width_us": Quantity("width_us", "us", Decimal(1)),
    "interphase_gap_us": Quantity("gap_us", "us", Decimal(1), default=50),
    "work_s": Quantity("work_ms", "s", Decimal("0.001"), default=0),
    "rest_s": Quantity("rest_ms", "s", Decimal("0.001"), default=0),
    "ramp_up_s": Quantity("ramp_up_ms", "s", Decimal("0.001"), default=1_000),
    "ramp_down_s": Quantity("ramp_down_ms", "s", Decimal("0.001"), default=1_000),
    # 1 ms has no finite decimal number of minutes; 3 ms has.
    "duration_min": Quantity("duration_ms", "min", Decimal("0.00005"), per_step=3),
    "second_phase_ratio": Quantity("ratio", "times", Decimal(1), optional=True),
    "pulses": Quantity("pulses", "pulses", Decimal(1), optional=True),
    "burst_pulses": Quantity("burst_pulses", "pulses", Decimal(1), optional=True),
    "burst_frequency_hz": Quantity("burst_rate_mhz", "Hz", Decimal("0.001"), optional=True),
    "frequency_to_hz": Quantity("rate_to_mhz", "Hz", Decimal("0.001"), optional=True),
    "pulse_width_to_us": Quantity("width_to_us", "us", Decimal(1), optional=True),
    "change_s": Quantity("change_ms", "s", Decimal("0.001"), optional=True),
}
CHANNEL = {
    "delay_s": Quantity("delay_us", "s", Decimal("0.000001"), default=0),
}
_NUMBER = {"channel": Quantity("channel", "(its number)", Decimal(1))}
QUANTITIES = ELECTRODE | LIMITS | PHASE | CHANNEL
_UNITS = {key: quantity.unit for key, quantity in QUANTITIES.items()}
# Where a key belongs, for one that stands in another table.
_HOMES = {"title": "the beginning", "effect": "the beginning", "kind": "[electrode]"}
_HOMES |= dict.fromkeys(ELECTRODE, "[electrode]") | dict.fromkeys(LIMITS, "[limits]")
_HOMES |= dict.fromkeys(("name", "change", *PHASE), "[[phase]]") | dict.fromkeys(("channel", *CHANNEL), "[[channel]]")

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
        where += [self.key] if self.key else []
        return visible(f"{', '.join(where)}: {self.text}" if where else self.text)


class PrescriptionError(Exception):
    """A file that could not be understood as a prescription; `problems` has everything that was found."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, problems)))
        self.path = path
        self.problems = problems


@dataclass(frozen=True)
class Prescription:
    """A prescription that could be understood: `data` is the programme as nmes.core.programme takes it."""

    path: Path
    data: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.data["title"])

    def for_person(self, max_current_ua: int) -> Prescription:
        """The same prescription for somebody who wants no more than this; a lower maximum in it stays."""
        most_ua = min(max_current_ua, self.data.get("person", {}).get("max_current_ua", max_current_ua))
        return replace(self, data={**self.data, "person": {"max_current_ua": most_ua}})

    @classmethod
    def read(cls, path: Path) -> Prescription:
        """Read a file. Raises PrescriptionError with all its problems."""
        text = _text(path)
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
        data = reader.programme(document)
        if reader.problems:
            raise PrescriptionError(path, sorted(reader.problems, key=lambda problem: problem.line or 0))
        return cls(path, data)


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
        with open(path, "rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
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


def plain(value: Decimal) -> str:
    """A decimal number without an exponent and without trailing zeros."""
    text = format(value + 0, "f")  # + 0 makes -0 plain 0
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_file_unit(quantity: Quantity, value: int) -> str:
    """A programme's integer as the file would have it, with its unit."""
    if value % quantity.per_step:
        return f"{float(value * quantity.step / quantity.per_step):g} {quantity.unit}"
    return f"{plain(value // quantity.per_step * quantity.step)} {quantity.unit}".strip()


class _Reader:
    """Goes through a document and notes every problem instead of ending at the first."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._places = Places(text)

    def programme(self, document: dict[str, Any]) -> dict[str, Any]:
        self._known("", document, ("title", "effect", "electrode", "limits", "person", "phase", "channel"))
        electrode = self._table("electrode", document, ("kind", *ELECTRODE))
        limits = self._table("limits", document, tuple(LIMITS))
        made: dict[str, Any] = {
            "title": self._string("title", document.get("title"), programme.TITLE_MAX),
            "effect": self._choice("effect", document.get("effect", "motor"), programme.EFFECTS),
            "electrode": {
                "kind": self._choice("electrode.kind", electrode.get("kind"), programme.KINDS),
                **self._quantities("electrode", electrode, ELECTRODE),
            },
            **self._quantities("limits", limits, LIMITS),
        }
        if "person" in document:
            person = self._table("person", document, tuple(PERSON))
            made["person"] = self._quantities("person", person, PERSON)
        if "channel" in document:
            made["channels"] = [
                self._channel(number, channel)
                for number, channel in enumerate(self._tables("channel", document, programme.CHANNELS_MAX), 1)
            ]
        own = [row for row in made.get("channels", ()) if "phases" in row]
        if "phase" in document or not own or len(own) < len(made["channels"]):
            made["phases"] = self._phases("phase", document)
        return made

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
        self._known(label, channel, (*_NUMBER, *CHANNEL, "phase"))
        made: dict[str, Any] = self._quantities(label, channel, _NUMBER | CHANNEL)
        if "phase" in channel:
            made["phases"] = self._phases(f"{label} phase", channel)
        return made

    def _phase(self, label: str, name: str, phase: dict[str, Any]) -> dict[str, Any]:
        self._known(label, phase, ("name", "change", *PHASE))
        made: dict[str, Any] = {"name": self._string(f"{label}.name", phase.get("name", name), programme.NAME_MAX)}
        made |= self._quantities(label, phase, PHASE)
        if "change" in phase:
            made["change"] = self._choice(f"{label}.change", phase["change"], CHANGES)
        return made

    def _problem(self, code: str, key: str, text: str) -> None:
        self.problems.append(Problem(code, key, text, self._places.nearest(key)))

    def _known(self, label: str, table: dict[str, Any], wanted: tuple[str, ...]) -> None:
        for key in table:
            if key not in wanted:
                # Letters of either case, dashes and blanks are no difference: "Frequency Hz".
                close = difflib.get_close_matches(key.lower().replace("-", "_").replace(" ", "_"), wanted, 1)
                if key in _HOMES:
                    hint = f"it belongs to {_HOMES[key]}"
                else:
                    hint = f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(wanted)}"
                self._problem("unknown", f"{label}.{key}" if label else key, f"is not known; {hint}")

    def _table(self, key: str, document: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
        table = document.get(key, {})
        if not isinstance(table, dict):
            self._problem("not_a_table", key, f"is {_shown(table)}; it has to be a table [{key}]")
            return {}
        self._known(key, table, wanted)
        return table

    def _string(self, key: str, value: object, most: int) -> str:
        if value is None:
            self._problem("missing", key, "is missing")
        elif not isinstance(value, str):
            self._problem("not_a_text", key, f"is {_shown(value)}; it has to be a text in quotes")
        elif (at := next((n for n, c in enumerate(value) if hidden(c) or printable(c) != c), None)) is not None:
            text = f"is {_shown(value)}, whose character {at + 1} is {named(value[at])}, {_why_not(value[at])}"
            self._problem("not_a_text", key, text)
        elif not 1 <= len(value) <= most:
            text = f"is {_shown(value)}, {len(value)} characters; it has to be 1 to {most} on one line"
            self._problem("not_a_text", key, text)
        else:
            return value
        return ""

    def _choice(self, key: str, value: object, choices: tuple[str, ...]) -> str:
        wanted = " or ".join(f'"{choice}"' for choice in choices)
        if value is None:
            self._problem("missing", key, f"is missing; it has to be {wanted}")
        elif not isinstance(value, str) or value not in choices:
            self._problem("not_a_choice", key, f"is {_shown(value)}; it has to be {wanted}")
        else:
            return value
        return ""

    def _quantities(self, label: str, table: dict[str, Any], quantities: dict[str, Quantity]) -> dict[str, int]:
        return {
            quantity.field: self._integer(f"{label}.{key}", table.get(key), quantity)
            for key, quantity in quantities.items()
            if key in table or not quantity.optional
        }

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
            text = f"is {_shown(value)} {quantity.unit}, which cannot be delivered exactly; "
            text += f"the nearest that can are {plain(lower)} and {plain(upper)} {quantity.unit}"
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

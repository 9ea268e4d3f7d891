"""Prescriptions: TOML files that people write, in Hz, us, s, min, mA and cm2, made into a programme in integers.

This module decides whether a file can be understood. Whether what it asks is allowed is nmes.core.programme's to say.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from nmes.core import programme
from nmes.core.phase import CHANGES

FILE_MAX_BYTES = 65_536
_ADJUSTED_MAX = 9  # numbers from 10^10 on are out of every range, and their digits could fill the memory
_SHOWN_MAX = 60


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
        return f"{', '.join(where)}: {self.text}" if where else self.text


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
        reader = _Reader(text)
        try:
            document = tomllib.loads(text, parse_float=_number)
        except RecursionError:
            raise PrescriptionError(path, [Problem("not_toml", "", "nested too deep for a prescription")]) from None
        except ValueError as error:
            raise PrescriptionError(path, [Problem("not_toml", "", _half_written(error))]) from None
        data = reader.programme(document)
        if reader.problems:
            raise PrescriptionError(path, sorted(reader.problems, key=lambda problem: problem.line or 0))
        return cls(path, data)


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        text = f"cannot be read ({error.strerror or error}); give the path of a prescription, a TOML file"
        raise PrescriptionError(path, [Problem("unreadable", "", text)]) from None
    if len(content) > FILE_MAX_BYTES:
        text = f"is larger than {FILE_MAX_BYTES // 1024} KiB; that is no prescription"
        raise PrescriptionError(path, [Problem("unreadable", "", text)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"is not text in UTF-8 (byte {error.start}); give the path of a prescription, a TOML file"
        raise PrescriptionError(path, [Problem("unreadable", "", text)]) from None


def _half_written(error: ValueError) -> str:
    found = re.fullmatch(r"(.*) \(at (.*)\)", str(error))
    where, what = (found[2], found[1]) if found else ("", str(error))
    return f"is not valid TOML{', ' + where if where else ''}: {what}; damaged or only half written?"


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:_SHOWN_MAX]} is no number that could be used") from None


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        text = str(value)
    else:
        try:
            text = repr(value)
        except ValueError:  # Python does not print integers of more than 4300 digits
            text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def plain(value: Decimal) -> str:
    """A decimal number without an exponent and without trailing zeros."""
    text = format(value + 0, "f")  # + 0 makes -0 plain 0
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_file_unit(quantity: Quantity, value: int) -> str:
    """A programme's integer as the file would have it, with its unit."""
    if value % quantity.per_step:
        return f"{float(value * quantity.step / quantity.per_step):g} {quantity.unit}"
    return f"{plain(value // quantity.per_step * quantity.step)} {quantity.unit}".strip()


def _key_lines(text: str) -> dict[str, int]:
    """Where the keys are, as far as a look at the lines' beginnings shows it."""
    found: dict[str, int] = {}
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line):
            table = header[2]
            if header[1] == "[[":
                outer, _, inner = table.rpartition(".")
                if outer:  # [[channel.phase]] belongs to the [[channel]] above it
                    inner = f"{outer} {counts.get(outer, 0)} {inner}"
                counts[inner] = counts.get(inner, 0) + 1
                table = f"{inner} {counts[inner]}"
            found.setdefault(table, number)
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            found.setdefault(f"{table}.{key[1]}" if table else key[1], number)
    return found


class _Reader:
    """Goes through a document and notes every problem instead of ending at the first."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._lines = _key_lines(text)

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
            self._problem("missing", label, f"is missing; a prescription has at least one table [[{key}]]")
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
        line = self._lines.get(key)
        if line is None and "." in key:
            line = self._lines.get(key.rpartition(".")[0])
        self.problems.append(Problem(code, key, text, line))

    def _known(self, label: str, table: dict[str, Any], wanted: tuple[str, ...]) -> None:
        for key in table:
            if key not in wanted:
                close = difflib.get_close_matches(key, wanted, 1)
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
        elif not 1 <= len(value) <= most or not value.isprintable():
            self._problem("not_a_text", key, f"is {_shown(value)}; it has to be 1 to {most} characters on one line")
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
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self._problem("not_a_number", key, f"is {_shown(value)}; it has to be a number of {quantity.unit}")
            return 0
        number = Decimal(value)
        if not number.is_finite() or (number and number.adjusted() > _ADJUSTED_MAX):
            self._problem("not_a_number", key, f"is {_shown(value)}; no such number of {quantity.unit} is possible")
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

"""Reasons of a refusal, in the words and units of the prescription file."""

from __future__ import annotations

import re
from typing import Any

from nmes.core import fault_words, reason_words
from opennmes.prescription.keys import QUANTITIES, in_file_unit

_KEYS = {quantity.field: (key, quantity) for key, quantity in QUANTITIES.items()}
_OF_THE_SELF_TEST = ("self_test", "cause_there")  # found and expected are texts of a check of the device
_ROW = re.compile(r"\b(channel|phase)s\[([0-9]+)\]")  # the device counts them from 0; people, and the file, from 1
_INTEGERS = re.compile(r"-?\d+(?: (?:to|or|and) -?\d+)*")  # a text of nothing but the parameter's own integers


def explain(reason: dict[str, Any]) -> str:
    """One line for a reason: where, what was asked, what would have been accepted, and who says so."""
    code, parameter = reason["code"], str(reason["parameter"])
    asked, bound = with_unit(parameter, reason["asked"]), with_unit(parameter, reason["bound"])
    if code in _OF_THE_SELF_TEST:
        asked, bound = found_and_expected(asked, bound)
    phrase = reason_words.PHRASES.get(code, reason_words.OTHERWISE).format(code=code, asked=asked, bound=bound)
    where = f'phase "{reason["phase"]}": ' if reason["phase"] else ""
    return f"{where}{named(parameter)} {phrase} ({reason['source']})"


def named(parameter: str) -> str:
    """A parameter as people know it: the file's own key where there is one."""
    parameter = _ROW.sub(lambda row: f"{row[1]} {int(row[2]) + 1}", parameter).replace(".phase ", " phase ")
    table, dot, field = parameter.rpartition(".")
    if field in _KEYS:
        return table + dot + _KEYS[field][0]
    return table + dot + reason_words.NAMES.get(field, field)


def with_unit(parameter: str, value: object) -> str:
    """A value of a parameter in the file's unit, or in the one that people use; "nothing" for None. Of a text that has
    nothing but the parameter's integers, as in "4000 or 4100", each."""
    if value is None:
        return "nothing"
    if parameter in reason_words.NUMBERED and isinstance(value, int):
        return f"{reason_words.NUMBERED[parameter]} {value}"
    if isinstance(value, int) and not isinstance(value, bool):
        return " ".join(part for part in _figure(parameter, value) if part)
    text = str(value)
    if not _INTEGERS.fullmatch(text):
        return text
    unit = _figure(parameter, 0)[1]
    figures = re.sub(r"-?\d+", lambda found: _figure(parameter, int(found[0]))[0], text)
    return f"{figures} {unit}".strip()


def found_and_expected(found: str, expected: str) -> tuple[str, str]:
    """What a check of the device's self-test found and expected, with the unit as people read it: the device counts
    tenths of a degree, and names the unit only beside what it expected."""
    for unit in {unit for _, unit in fault_words.CHECKS if unit}:
        bounds, there, rest = expected.partition(f" {unit}")
        if not there or not found:
            continue
        if unit != "0.1 degC":
            return f"{found} {unit}", expected
        return f"{_tenths(found)} degC", f"{_tenths(bounds)} degC{rest}"
    return found, expected


def _tenths(text: str) -> str:
    return re.sub("-?[0-9]+", lambda number: f"{int(number[0]) / 10:g}", text)


def _figure(parameter: str, value: int) -> tuple[str, str]:
    """Number and unit."""
    field = parameter.rpartition(".")[2]
    if field in _KEYS:
        number, _, unit = in_file_unit(_KEYS[field][1], value).partition(" ")
        return number, "" if unit.startswith("(") else unit
    for end, (unit, per_unit) in reason_words.UNITS.items():
        if field.endswith(end):
            return f"{value / per_unit:.6g}" if per_unit > 1 else str(value), unit
    return str(value), reason_words.COUNTED.get(field, "")

"""The JSON schema and `nmes check` agree about files, as far as a schema can know."""

from __future__ import annotations

import copy
import datetime
import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import programme
from opennmes import paths, prescription_schema
from opennmes.assessment import assess
from opennmes.boards import stage_of
from opennmes.prescription import Prescription, PrescriptionError
from opennmes.prescription_keys import (
    CHANNEL_KEYS,
    PHASE_KEYS,
    QUANTITIES,
    SITES,
    TABLES,
    Choice,
    Date,
    Key,
    Quantity,
    Text,
    bounds_of,
    zero_too,
)

STAGE = stage_of("pico")
LIBRARY = sorted(paths.PRESCRIPTIONS.glob("*.toml"))
# A validator that compares decimals as they are written, as JSON schema means it.
VALIDATOR = jsonschema.Draft7Validator(
    json.loads(prescription_schema.text(), parse_float=Decimal), format_checker=jsonschema.FormatChecker()
)


def schema_accepts(text: str) -> bool:
    """What an editor would say, which sees TOML's dates as texts and no number in inf and nan."""

    def seen(value: Any) -> Any:
        match value:
            case dict():
                return {key: seen(each) for key, each in value.items()}
            case list():
                return [seen(each) for each in value]
            case datetime.date() | datetime.time():
                return value.isoformat()
            case Decimal() if not value.is_finite():
                return None
        return value

    return bool(VALIDATOR.is_valid(seen(tomllib.loads(text, parse_float=Decimal))))


def check_says(text: str) -> list[tuple[str, str, str]]:
    """(code, key or parameter, source) of everything that `nmes check` has against a file."""
    try:
        made = Prescription.from_text(text, Path("made.toml"))
    except PrescriptionError as error:
        return [(problem.code, problem.key, "file") for problem in error.problems]
    return [(reason["code"], reason["parameter"], reason["source"]) for reason in assess(made.data, STAGE).reasons]


def a_schema_can_know(code: str, key: str, source: str) -> bool:
    if code == "not_representable":
        quantity = QUANTITIES.get(key.rpartition(".")[2])
        return quantity is None or quantity.step == 1
    return code in prescription_schema.KNOWN and (code, key, source) not in prescription_schema.BEYOND


def toml(value: Any) -> str:
    """A value as TOML has it on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float() | Decimal() if Decimal(value).is_nan() or Decimal(value).is_infinite():
            return str(value).lower().replace("infinity", "inf")
        case Decimal():
            return format(value, "f")
        case datetime.date() | datetime.time():
            return value.isoformat()
    return str(value)


def file_of(document: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items())


def bounds_in_file(quantity: Quantity, kind: str) -> tuple[Decimal, Decimal]:
    """The least and the most that a number can be, in steps of the file."""
    least, most = bounds_of(quantity, kind)
    return -(-least // quantity.per_step) * quantity.step, most // quantity.per_step * quantity.step


@st.composite
def values(draw: st.DrawFn, declared: Key, kind: str) -> Any:
    """A value that a key can have."""
    match declared:
        case Quantity():
            least, most = bounds_in_file(declared, kind)
            steps = st.integers(int(least / declared.step), int(most / declared.step))
            edges = [least, most, *([Decimal(0)] * zero_too(declared))]
            number = draw(st.one_of(steps.map(lambda number: number * declared.step), st.sampled_from(edges)))
            return int(number) if number == int(number) and draw(st.booleans()) else number
        case Text():
            letters = st.characters(min_codepoint=0x20, max_codepoint=0x7E if declared.ascii_only else 0x2FF)
            seen = letters.filter(lambda letter: not 0x7F <= ord(letter) < 0xA1 and letter != "\u00ad")
            return draw(st.text(seen, min_size=1, max_size=declared.most))
        case Choice():
            return draw(st.sampled_from(declared.choices))
        case Date():
            day = draw(st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 1, 1)))
            return day.isoformat() if draw(st.booleans()) else day
    return draw(st.lists(values(declared.each, kind), min_size=1, max_size=min(4, declared.most), unique=True))


@st.composite
def tables(draw: st.DrawFn, keys: Any, kind: str) -> dict[str, Any]:
    """A table with what has to be in it and some of what may be."""
    made = {}
    for key, declared in keys.items():
        needed = not declared.optional and getattr(declared, "default", None) is None
        if needed or draw(st.integers(0, 3)) == 0:
            made[key] = draw(values(declared, kind))
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A file of the right shape: one of the library, or any. Whether its values fit each other is open."""
    if draw(st.booleans()):
        file = draw(st.sampled_from(LIBRARY))
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    kind = draw(st.sampled_from(programme.KINDS))
    made: dict[str, Any] = {}
    for table in TABLES:
        if table.name == "":
            made |= draw(tables(table.keys, kind))
        elif table.name in ("electrode", "limits", "phase") or draw(st.integers(0, 2)) == 0:
            rows = [draw(tables(table.keys, kind)) for _ in range(draw(st.integers(1, min(2, table.most or 1))))]
            made[table.name] = rows if table.most else rows[0]
    made["electrode"]["kind"] = kind
    if "site" in made:
        made["site"] = draw(st.sampled_from([site for site in SITES if SITES[site][0] == kind]))
    own = [draw(st.booleans()) for _ in made.get("channel", ())]
    for channel, has_own in zip(made.get("channel", ()), own, strict=True):
        if has_own:
            channel["phase"] = [draw(tables(PHASE_KEYS, kind))]
    if own and all(own):
        del made["phase"]
    return made


ODD = st.one_of(
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.decimals(-1000, 1000, places=4),
    st.sampled_from([Decimal("nan"), Decimal("inf"), Decimal("1e-40"), Decimal(0), Decimal("250.0")]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    st.sampled_from(["2026-12-31", "2026-02-30", "2026-12-31\n", "2026-1-1", "pads", "dummy", "vagina", "a\n"]),
    st.dates(datetime.date(1000, 1, 1)),
    st.datetimes(datetime.datetime(2020, 1, 1)),
    st.times(),
    st.lists(st.integers(0, 3), max_size=2),
    st.sampled_from([{}, {"kind": "pads"}, [{}]]).map(copy.deepcopy),
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A file with up to two things done to it that people, editors and merges do."""
    made = copy.deepcopy(draw(documents()))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        places = list(_places(made))
        if places:
            _damage(draw, *draw(st.sampled_from(places)))
    return made


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    for step in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, step
        if isinstance(part[step], dict | list):
            yield from _places(part[step])


def _damage(draw: st.DrawFn, part: Any, step: Any) -> None:
    number = type(part[step]) in (int, Decimal) and Decimal(part[step]).is_finite()
    ways = ["edge", "edge", "other"] if number else ["replace", "remove", "rename", "again", "long"]
    how = draw(st.sampled_from(ways))
    if number and draw(st.integers(0, 4)) == 0:
        how = draw(st.sampled_from(["replace", "remove", "rename"]))
    if how == "remove":
        del part[step]
    elif how == "rename" and isinstance(part, dict):
        other = draw(st.sampled_from([f"{step}s", step.upper(), "title", "phase", "note", *CHANNEL_KEYS]))
        part[other] = part.pop(step)
    elif how == "again" and isinstance(part, list):
        part.extend([copy.deepcopy(part[step])] * draw(st.integers(1, 9)))
    elif how == "long" and isinstance(part[step], str):
        part[step] = draw(st.sampled_from(["", "x", "\n", "\u00e4", "\u200b"])) * draw(st.integers(1, 241))
    elif how == "edge" and step in QUANTITIES:
        quantity = QUANTITIES[step]
        least, most = bounds_in_file(quantity, draw(st.sampled_from(programme.KINDS)))
        part[step] = draw(st.sampled_from([least, most, least - quantity.step, most + quantity.step, -least]))
    elif how == "other" and number:
        part[step] = part[step] * draw(st.sampled_from([-1, 0, 10, 1000, Decimal("0.1"), Decimal("1.001")]))
    else:
        part[step] = draw(ODD)


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_the_schema_and_check_agree_on_what_a_schema_can_know(document: dict[str, Any]) -> None:
    text = file_of(document)
    against = check_says(text)
    if not schema_accepts(text):
        assert against, "the schema refuses what nmes check accepts"
    else:
        assert [one for one in against if a_schema_can_know(*one)] == []


def test_the_corpus_has_every_kind_of_verdict() -> None:
    seen: set[tuple[bool, bool]] = set()

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(damaged())
    def look(document: dict[str, Any]) -> None:
        text = file_of(document)
        seen.add((schema_accepts(text), not check_says(text)))

    look()
    assert seen == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.stem)
def test_every_file_of_the_library_names_the_schema_and_keeps_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith(prescription_schema.DIRECTIVE)
    assert (file.parent / prescription_schema.FILE.name).is_file()
    assert schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("frequency_hz = 35", "frequency_hz = 151"),
        ("pulse_width_us = 250", "pulse_width_us = 250.5"),
        ("pulse_width_us = 250", 'pulse_width_us = "250"'),
        ("duration_min = 15", "duration_min = 0.0166"),
        ("ramp_up_s = 1", "ramp_upp_s = 1"),
        ('kind = "probe"', 'kind = "needle"'),
        ("area_cm2 = 4.0", ""),
        ("[[phase]]", "[phase]"),
        ("[electrode]", 'site = "ankle"\n[electrode]'),
    ],
)
def test_an_editor_marks_what_people_get_wrong(example: str, old: str, new: str) -> None:
    assert schema_accepts(example)
    assert not schema_accepts(example.replace(old, new))


def test_a_resistor_may_have_more_than_a_person(example: str) -> None:
    fast = example.replace("frequency_hz = 35", "frequency_hz = 400")
    assert not schema_accepts(fast)
    assert schema_accepts(fast.replace('"probe"', '"dummy"'))


def test_the_schema_is_one_and_its_file_is_what_the_code_says() -> None:
    jsonschema.Draft7Validator.check_schema(prescription_schema.schema())
    said = "run `.venv/bin/python scripts/documents.py`"
    assert prescription_schema.FILE.read_text(encoding="utf-8") == prescription_schema.text(), said


def test_every_value_that_an_editor_completes_is_described() -> None:
    def keys(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        rows = part.get("items", part).get("properties", {}).items()
        return [*rows, *[row for _, each in rows for row in keys(each)]]

    found = keys(prescription_schema.schema())
    assert len(found) > 40
    lacking = [key for key, each in found if "description" not in each and "properties" not in each.get("items", each)]
    assert lacking == []

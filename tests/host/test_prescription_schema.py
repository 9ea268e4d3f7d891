"""The JSON schema and `nmes check` agree about files, as far as a schema can know."""

from __future__ import annotations

import datetime
import functools
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from prescription_files import LIBRARY, complete, damaged, every_change, file_of, with_trigger

from nmes.core import programme
from opennmes.boards import stage_of
from opennmes.prescription import Prescription, PrescriptionError, schema
from opennmes.prescription.assessment import assess
from opennmes.prescription.keys import QUANTITIES

STAGE = {**stage_of("pico"), "signal_most_mv": 3_200}  # every key there is can be accepted here


@functools.cache
def validator() -> Any:
    """A validator that compares decimals as they are written, as JSON schema means it."""
    import jsonschema  # takes two seconds, which whoever only collects tests is spared

    return jsonschema.Draft7Validator(
        json.loads(schema.text(), parse_float=Decimal), format_checker=jsonschema.FormatChecker()
    )


@functools.lru_cache(maxsize=1)  # a test asks the same of a text several times
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

    return bool(validator().is_valid(seen(tomllib.loads(text, parse_float=Decimal))))


@functools.lru_cache(maxsize=1)
@functools.lru_cache(maxsize=1)  # as above
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
    return code in schema.KNOWN and (code, key, source) not in schema.BEYOND


def disagreement(text: str) -> str:
    """What the two make of a file that only one of them refuses, where the schema could know; "" when they agree."""
    against = check_says(text)
    if not schema_accepts(text):
        return "" if against else "the schema refuses what nmes check accepts"
    known = [one for one in against if a_schema_can_know(*one)]
    return f"the schema accepts what nmes check refuses: {known}" if known else ""


@pytest.mark.parametrize("kind", programme.KINDS)
def test_the_two_agree_about_every_key_at_its_bounds_and_beyond(kind: str) -> None:
    for whole in (complete(kind), with_trigger(kind)):
        assert schema_accepts(file_of(whole)) and check_says(file_of(whole)) == []
    verdicts: dict[str, set[bool]] = {}
    for name, document in every_change(kind):
        text = file_of(document)
        assert disagreement(text) == "", f"{name}\n{text}"
        against = check_says(text)
        if not schema.BEYOND.keys() & set(against):  # with one thing changed nothing hides behind another
            known = [one for one in against if a_schema_can_know(*one)]
            assert schema_accepts(text) is not bool(known), f"{name}: {known}\n{text}"
        verdicts.setdefault(name, set()).add(schema_accepts(text))
    assert len(verdicts) > 60
    assert {name for name, seen in verdicts.items() if False not in seen} == set()


@settings(max_examples=400)
@given(damaged())
def test_the_schema_and_check_agree_on_what_a_schema_can_know(document: dict[str, Any]) -> None:
    assert disagreement(file_of(document)) == ""


def test_the_corpus_has_every_kind_of_verdict() -> None:
    seen: set[tuple[bool, bool]] = set()

    @settings(max_examples=100, database=None, derandomize=True)
    @given(damaged())
    def look(document: dict[str, Any]) -> None:
        text = file_of(document)
        seen.add((schema_accepts(text), not check_says(text)))

    look()
    assert seen == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.stem)
def test_every_file_of_the_library_names_the_schema_and_keeps_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith(schema.DIRECTIVE)
    assert (file.parent / schema.FILE.name).is_file()
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
    validator().check_schema(schema.schema())
    said = "run `.venv/bin/python scripts/documents.py`"
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), said


def test_every_value_that_an_editor_completes_is_described() -> None:
    def keys(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        rows = part.get("items", part).get("properties", {}).items()
        return [*rows, *[row for _, each in rows for row in keys(each)]]

    found = keys(schema.schema())
    assert len(found) > 40
    lacking = [key for key, each in found if "description" not in each and "properties" not in each.get("items", each)]
    assert lacking == []

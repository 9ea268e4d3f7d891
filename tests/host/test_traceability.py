"""Every hazard has controls, code that exists, and tests; or it is hardware's alone and says what that must do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import documents

ROOT = documents.ROOT
HAZARDS = documents.hazards()
TESTS = documents.tests_of_hazards()
KEYS = {"hazard", "harm", "controls", "code"}


def test_there_are_twenty_nine_and_no_test_is_of_another() -> None:
    assert sorted(HAZARDS) == list(range(1, 30))
    assert set(TESTS) <= set(HAZARDS)


@pytest.mark.parametrize("number", HAZARDS)
def test_a_hazard_is_whole(number: int) -> None:
    row = HAZARDS[number]
    assert KEYS <= set(row) <= KEYS | {"hardware", "hardware_only"}
    assert row["controls"] and all(row["controls"])
    # One that hardware alone controls says so and what it must do, and claims no test; every other has both.
    if row.get("hardware_only"):
        assert row["hardware"] and number not in TESTS and row["controls"][0].startswith("none")
    else:
        assert row["code"] and TESTS.get(number)


@pytest.mark.parametrize("place", sorted({place for row in HAZARDS.values() for place in row["code"]}))
def test_the_code_that_is_named_is_there(place: str) -> None:
    file, _, symbol = place.partition(":")
    body = ast.parse((ROOT / file).read_text()).body
    assert not symbol or symbol in documents.declared(body)


def test_traceability_md_is_up_to_date() -> None:
    made = documents.traceability_md()
    assert (ROOT / "docs" / "traceability.md").read_text() == made, "run `.venv/bin/python scripts/documents.py`"


def test_a_test_that_is_gone_would_be_missed(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    source = "class A:\n    def test_h07_x(self): pass\n    def test_y(self): pass\ndef test_h08_z(): pass\n"
    (tmp_path / "core" / "test_a.py").write_text(source)
    assert documents.tests_of_hazards(tmp_path) == {
        7: ["core/test_a.py::A::test_h07_x"],
        8: ["core/test_a.py::test_h08_z"],
    }

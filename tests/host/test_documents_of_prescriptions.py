"""A prescription as one document: everything of the file in it, and the way back to a file that means the same."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prescription_files import documents, file_of, places

from nmes.core import programme
from opennmes import paths
from opennmes.prescription import Prescription, PrescriptionError, Problem, canonical, programme_of
from opennmes.prescription.keys import NOTE_MAX

ABOUT = """
[patient]
notes = ["Lie down, knees bent.", "Empty the bladder first."]

[schedule]
sessions_per_week = 3
hours_between = 24
not_before = 2026-12-01
not_after = 2027-02-28

[[source]]
citation = "Somebody 2019"
gave = "50 Hz, \\"30\\" min"
keys = ["frequency_hz", "duration_min"]

[[source]]
citation = "Ours"
gave = "all else"
"""


@pytest.fixture
def whole(example: str) -> str:
    """The example with everything that a prescription can say beside it."""
    return 'site = "vagina"\n' + example + ABOUT


def read(text: str) -> Prescription:
    return Prescription.from_text(text, Path("prescription.toml"))


def only_problem(text: str) -> Problem:
    with pytest.raises(PrescriptionError) as caught:
        read(text)
    assert len(caught.value.problems) == 1, caught.value.problems
    return caught.value.problems[0]


def test_what_a_file_says_beside_the_programme_is_kept_apart_from_it(example: str, whole: str) -> None:
    made = read(whole)
    assert made.data == read(example).data
    assert made.about == {
        "site": "vagina",
        "patient": {"notes": ["Lie down, knees bent.", "Empty the bladder first."]},
        "schedule": {
            "sessions_per_week": 3,
            "hours_between": 24,
            "not_before": "2026-12-01",
            "not_after": "2027-02-28",
        },
        "sources": [
            {"citation": "Somebody 2019", "gave": '50 Hz, "30" min', "keys": ["frequency_hz", "duration_min"]},
            {"citation": "Ours", "gave": "all else"},
        ],
    }


def test_the_part_of_a_document_that_the_device_runs_is_the_programme(whole: str) -> None:
    made = read(whole)
    assert programme_of(made.document()) == made.data
    assert programme.parse(programme_of(made.document())).title == made.title


def test_a_document_survives_json_and_a_file(whole: str) -> None:
    made = read(whole)
    document = json.loads(json.dumps(made.document()))
    again = Prescription.from_document(document)
    assert again.document() == made.document()
    assert read(again.to_toml()).document() == made.document()
    assert again.digest() == made.digest()


@pytest.mark.parametrize("file", sorted(paths.PROGRAMMES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_prescription_of_the_library_survives_it(file: Path) -> None:
    made = Prescription.read(file)
    assert Prescription.from_document(json.loads(json.dumps(made.document()))).digest() == made.digest()


@settings(max_examples=150)
@given(documents())
def test_every_file_that_is_understood_survives_it(file: dict[str, Any]) -> None:
    try:
        made = read(file_of(file))
    except PrescriptionError:
        return
    document = json.loads(json.dumps(made.document()))
    assert Prescription.from_document(document).document() == made.document()
    assert canonical(document) == canonical(made.document())
    assert read(made.to_toml()).digest() == made.digest()


@settings(max_examples=100)
@given(documents(), st.data())
def test_a_document_with_one_thing_damaged_is_refused_or_is_another_one(
    file: dict[str, Any], data: st.DataObject
) -> None:
    try:
        document = json.loads(json.dumps(read(file_of(file)).document()))
    except PrescriptionError:
        return
    part, step = data.draw(st.sampled_from(list(places(document))))
    part[step] = data.draw(
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=4), st.builds(list), st.builds(dict))
    )
    try:
        made = Prescription.from_document(document)
    except PrescriptionError:
        return
    assert made.document() == document


def test_two_channels_with_phases_of_their_own_survive_it(example: str) -> None:
    text = example.replace("[[phase]]", "[[channel]]\nchannel = 0\n[[channel.phase]]")
    text += '[[channel]]\nchannel = 1\ndelay_s = 0.5\n[[channel.phase]]\nname = "\u00e4\\\\\\"b"\nfrequency_hz = 10\n'
    made = read(text + "pulse_width_us = 100\nduration_min = 0.00005\n")
    assert read(made.to_toml()).document() == made.document()


def test_the_digest_names_the_meaning_and_not_the_way_it_is_written(whole: str) -> None:
    digest = read(whole).digest()
    assert (
        digest == read(whole.replace("area_cm2 = 4.0 ", "area_cm2 = 4").replace("2027-02-28", '"2027-02-28"')).digest()
    )
    for old, new in (("= 24", "= 25"), ("bent.", "bent"), ("vagina", "perineum"), ("= 250", "= 251"), ("2019", "2018")):
        changed = whole.replace(old, new).replace('"probe"', '"pads"' if new == "perineum" else '"probe"')
        assert read(changed).digest() != digest, new


def test_the_text_of_the_digest_is_the_same_on_every_machine(example: str) -> None:
    text = canonical(read(example.replace("Stress", "Str\u00e9ss")).document())
    assert text.startswith(b'{"effect":"motor","electrode":{"area_mm2":400,"kind":"probe"},"max_current_ua":40000,')
    assert "Str\u00e9ss".encode() in text


BROKEN: list[Any] = [
    {},
    [],
    None,
    "text",
    {"about": {}},
    {"title": "x"},
]


@pytest.mark.parametrize("document", BROKEN, ids=str)
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(PrescriptionError):
        Prescription.from_document(document, Path("slot 3"))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("title",), 'a"\nb = 1\nc = "'),
        (("title",), "\ud800"),
        (("more",), 1),
        (("about", "more"), 1),
        (("about", "schedule", "hours_between"), 0),
        (("about", "schedule", "not_after"), "2026-13-01"),
        (("about", "patient"), {}),
        (("about", "site"), "chest"),
        (("electrode", "area_mm2"), 400.0),
        (("electrode", "area_mm2"), True),
        (("max_current_ua",), "40000"),
        (("phases",), []),
        (("phases",), {}),
        (("phases", 0, "duration_ms"), 1),
        (("phases", 0, "rate_mhz"), float("nan")),
        (("about", "sources", 0, "keys"), "frequency_hz"),
    ],
)
def test_a_document_with_anything_damaged_is_refused(whole: str, where: tuple[Any, ...], value: object) -> None:
    document = json.loads(json.dumps(read(whole).document()))
    part = document
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    with pytest.raises(PrescriptionError):
        Prescription.from_document(document)


# ---- what the new keys may be ----


@pytest.mark.parametrize(
    ("old", "new", "code", "key", "says"),
    [
        ('"vagina"', '"chest"', "not_a_choice", "site", '"lower back"'),
        ('"vagina"', '"ankle"', "not_this_kind", "site", 'goes with kind = "pads"; with "probe" it has to be "vagina"'),
        ('["Lie down, knees bent.", "Empty the bladder first."]', '"Lie down"', "not_a_list", "patient.notes", '["'),
        ('"Lie down, knees bent."', "1", "not_a_text", "patient.notes", "text in quotes"),
        ('"Lie down, knees bent."', '"Ger\u00e4t"', "not_ascii", "patient.notes", "character 4 is U+00E4"),
        ('"Lie down, knees bent."', f'"{"x" * 65}"', "not_a_text", "patient.notes", "1 to 64"),
        ('"Lie down, knees bent."', '"Empty the bladder first."', "twice", "patient.notes", "more than once"),
        ("notes", "note", "unknown", "patient.note", 'did you mean "notes"?'),
        ("= 24", "= 24.5", "not_representable", "schedule.hours_between", "and the nearest are 24 and 25 h"),
        ("week = 3", "week = 3.5", "not_representable", "schedule.sessions_per_week", "it has to be a whole number"),
        ("= 24", "= 0", "out_of_range", "schedule.hours_between", "is 0 h; it has to be 1 h to 168 h"),
        ("= 24", "= 60", "contradiction", "schedule.hours_between", "3 sessions a week are 56 h apart at most"),
        ("week = 3", "week = 22", "out_of_range", "schedule.sessions_per_week", "1 sessions to 21 sessions"),
        ("2027-02-28", "2026-11-30", "contradiction", "schedule.not_after", "before not_before, which is 2026-12-01"),
        ("2027-02-28", '"28.2.2027"', "not_a_date", "schedule.not_after", "year-month-day: 2026-12-31"),
        ("2027-02-28", '"2027-02-29"', "not_a_date", "schedule.not_after", "day of the calendar"),
        ("2027-02-28", "2027-02-28T10:00:00", "not_a_date", "schedule.not_after", "day of the calendar"),
        ("2027-02-28", "20270228", "not_a_date", "schedule.not_after", "day of the calendar"),
        ('citation = "Ours"', "citation = 2026-01-01", "not_quoted", "source 2.citation", '"2026-01-01"'),
        ('citation = "Ours"\n', "", "missing", "source 2.citation", "is missing"),
        ('"duration_min"]', '"duration_s"]', "not_a_choice", "source 1.keys", '"duration_min"'),
    ],
)
def test_each_new_key_says_what_is_wrong_and_what_to_write(
    whole: str, old: str, new: str, code: str, key: str, says: str
) -> None:
    assert old in whole
    text = whole.replace(old, new, 1)
    if new == '"Empty the bladder first."':
        text = whole.replace(old, new)
    found = [problem for problem in _problems(text) if problem.key == key]
    assert [problem.code for problem in found] == [code]
    assert says in found[0].text
    assert found[0].line


LIST = '["Lie down, knees bent.", "Empty the bladder first."]'
MISTAKES = [
    ("2026-12-01", "01.12.2026", "has 01.12.2026 for not_before", "year-month-day: 2026-12-31"),
    ("2026-12-01", "12/1/2026", "has 12/1/2026 for not_before", "year-month-day: 2026-12-31"),
    ("2026-12-01", "2026-12-1", "has 2026-12-1 for not_before", "year-month-day: 2026-12-31"),
    ("2026-12-01", "2026-02-30", "has 2026-02-30 for not_before", "a day of the calendar"),
    ("2026-12-01", "1 December 2026", "has 1 December 2026 for not_before", "year-month-day: 2026-12-31"),
    ("2026-12-01", "2026\u201312\u201301", "U+2013 EN DASH", "write -"),
    ("per_week = 3", "per_week = 3/week", "3/week, which is not one number", "the one that is meant"),
    ("between = 24", "between = 24 h", "a unit after its number", "write hours_between = 24"),
    (LIST, '["Lie down." "Empty."]', "a text without a comma before it", '["first", "second"]'),
    (LIST, '["Lie down."; "Empty."]', 'has ";" in a list', '["first", "second"]'),
    (LIST, "[lie down, empty]", "a text without quotes in its list", 'write notes = ["lie down", "empty"]'),
    (LIST, '["Lie down, knees', "a text that is not closed", "quotes at its end"),
    (LIST, '["Lie down."', "has [ without its ]", ""),
    (LIST, '["Lie down.",', "has [ without its ]", ""),
    (LIST, '"Lie down."', 'is "Lie down."; it has to be a list', '["first", "second"]'),
    ('["frequency_hz", "duration_min"]', '["frequency_hz" "duration_min"]', "without a comma before it", '"second"]'),
    ('["frequency_hz", "duration_min"]', '["frequency"]', 'is "frequency"', 'did you mean "frequency_hz"?'),
    ('"vagina"', '"Vagina"', 'is "Vagina"', 'did you mean "vagina"?'),
]


@pytest.mark.parametrize(("old", "new", "reason", "instead"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_what_people_write_by_mistake_is_told_in_its_line(
    whole: str, old: str, new: str, reason: str, instead: str
) -> None:
    assert whole.count(old) == 1
    (problem,) = _problems(whole.replace(old, new))
    assert reason in str(problem) and instead in str(problem)
    assert problem.line == whole[: whole.index(old)].count("\n") + 1
    assert "damaged" not in str(problem)
    assert len(str(problem)) < 300


def test_a_comma_that_lacks_between_two_lines_of_a_list_is_told(whole: str) -> None:
    text = whole.replace(LIST, '[\n    "Lie down."\n    "Empty."\n]')
    problem = only_problem(text)
    assert problem.line == text[: text.index('"Empty."')].count("\n") + 1
    assert "without a comma before it" in problem.text


def _problems(text: str) -> list[Problem]:
    with pytest.raises(PrescriptionError) as caught:
        read(text)
    return caught.value.problems


def test_a_table_that_may_be_several_is_told_so(whole: str) -> None:
    cut = whole[: whole.rindex("[[source]]")]
    assert "write [[source]]" in only_problem(cut.replace("[[source]]", "[source]")).text


def test_an_empty_table_says_nothing(example: str) -> None:
    assert read(example + "[schedule]\n").document() == read(example).document()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=NOTE_MAX))
def test_a_note_fits_a_small_display_with_a_line_to_spare(note: str) -> None:
    assert len(textwrap.wrap(note, 16)) <= 7

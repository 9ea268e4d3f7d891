"""The library of prescriptions, and `nmes programmes`: its figures, their sources, and a file of each to edit."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from opennmes import paths
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.prescription import Prescription, library, schema
from opennmes.prescription.assessment import assess
from opennmes.prescription.keys import SITES

# Taken from the sources by hand, apart from the files.
# Name: (id, kind, [(Hz, us, gap us, on s, off s, ramp up s, ramp down s, min)], a week, mA)
FACTS: dict[str, tuple[str, str, list[tuple[float, ...]], int, int]] = {
    "stress-incontinence-35hz": ("SUI-35", "probe", [(35, 250, 50, 5, 10, 1, 1, 15)], 3, 50),
    "stress-incontinence-50hz": ("SUI-50", "probe", [(50, 250, 50, 5, 10, 1, 1, 20)], 3, 50),
    "stress-incontinence-external": ("SUI-EXT", "pads", [(50, 300, 50, 5, 5, 1, 1, 30)], 5, 70),
    "urge-incontinence-10hz": ("URGE-10", "probe", [(10, 200, 50, 0, 0, 2, 1, 20)], 3, 40),
    "urge-incontinence-tibial": ("URGE-TTNS", "pads", [(20, 200, 0, 0, 0, 2, 1, 30)], 3, 30),
    "mixed-incontinence": (
        "MIX", "probe", [(10, 200, 50, 0, 0, 2, 1, 10), (50, 250, 50, 5, 10, 2, 1, 10)], 3, 40,
    ),
    "weak-pelvic-floor-first-weeks": ("PP-AWARE", "probe", [(35, 200, 50, 3, 9, 1.5, 1, 10)], 3, 30),
    "weak-pelvic-floor-endurance": ("PP-ENDUR", "probe", [(20, 250, 50, 8, 8, 1.5, 1, 15)], 3, 40),
    "abdominal-diastasis": ("ABD-REHAB", "pads", [(50, 300, 50, 6, 12, 2, 1, 20)], 3, 80),
    "c-section-tens": ("CS-TENS", "pads", [(100, 100, 0, 0, 0, 2, 1, 30)], 7, 40),
    "chronic-pelvic-pain-13-50hz": ("CPP-SENS", "probe", [(13, 200, 50, 0, 0, 2, 1, 12)], 6, 25),
    "low-back-pain": ("LBP-HI", "pads", [(100, 150, 0, 0, 0, 2, 1, 30)], 7, 50),
    "low-back-pain-low-rate": ("LBP-LO", "pads", [(4, 220, 0, 0, 0, 2, 1, 30)], 7, 50),
}  # fmt: skip
BENCH = {"bench-pins", "bench-resistor"}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status = main(["programmes", *arguments, "--json"])
    assert status == 0
    return json.loads(capsys.readouterr().out)


# ---- what is in it ----


def test_the_library_has_the_programmes_of_the_facts_and_those_for_a_bench() -> None:
    assert set(library.names()) == set(FACTS) | BENCH


@pytest.mark.parametrize("name", FACTS)
def test_a_programme_has_the_figures_of_the_facts(name: str) -> None:
    _, kind, rows, per_week, cap_ma = FACTS[name]
    made = library.find(name).prescription
    assert made.data["electrode"]["kind"] == kind
    assert made.data["max_current_ua"] == cap_ma * 1000
    assert made.about["schedule"]["sessions_per_week"] == per_week
    phases = [
        (
            phase["rate_mhz"] / 1000, phase["width_us"], phase["gap_us"], phase["work_ms"] / 1000,
            phase["rest_ms"] / 1000, phase["ramp_up_ms"] / 1000, phase["ramp_down_ms"] / 1000,
            phase["duration_ms"] / 60_000,
        )
        for phase in made.data["phases"]
    ]  # fmt: skip
    assert phases == rows


def test_what_the_table_of_facts_says_beside_its_columns() -> None:
    turns = library.find("chronic-pelvic-pain-13-50hz").prescription.data
    assert turns["effect"] == "sensory"
    assert [(p["rate_to_mhz"], p["change"], p["change_ms"]) for p in turns["phases"]] == [(50_000, "alternate", 6_000)]
    assert [row["channel"] for row in library.find("abdominal-diastasis").prescription.data["channels"]] == [0, 1]
    assert library.find("c-section-tens").prescription.data["effect"] == "sensory"
    assert library.find("urge-incontinence-tibial").prescription.about["site"] == "ankle"


@pytest.mark.parametrize(
    ("name", "largest_ma"),
    [("stress-incontinence-50hz", 37.9), ("mixed-incontinence", 37.9), ("stress-incontinence-35hz", 45.4)],
)
def test_with_the_smallest_usual_probe_the_electrode_says_how_much(name: str, largest_ma: float) -> None:
    data = library.find(name).prescription.data
    found = assess({**data, "electrode": {"kind": "probe", "area_mm2": 300}}, stage_of("pico"))
    assert found.max_current_ua is not None
    assert round(found.max_current_ua / 1000, 1) == pytest.approx(largest_ma, abs=0.051)
    if data["max_current_ua"] > largest_ma * 1000:
        assert not found.accepted


@pytest.mark.parametrize("name", library.names())
def test_every_programme_is_accepted_for_its_electrode_and_complete(name: str) -> None:
    found = library.find(name)
    made = found.prescription
    assert assess(made.data, stage_of("pico")).accepted
    assert assess(made.data, stage_of("virtual")).accepted
    assert found.purpose and {"site", "patient", "sources"} <= set(made.about)
    assert SITES[made.about["site"]][0] == made.data["electrode"]["kind"]
    if name not in BENCH:
        assert {"sessions_per_week", "hours_between"} <= set(made.about["schedule"])


@pytest.mark.parametrize("name", library.names())
def test_every_number_of_a_programme_has_a_source(name: str) -> None:
    file = tomllib.loads(library.find(name).text)
    tables = [file["electrode"], file["limits"], file.get("schedule", {}), *file["phase"]]
    numbers = {key for table in tables for key, value in table.items() if isinstance(value, int | float)}
    assert {key for source in file["source"] for key in source.get("keys", ())} == numbers


def test_what_is_for_a_bench_can_never_be_taken_for_a_person() -> None:
    for name in library.names():
        made = library.find(name).prescription
        assert (made.data["electrode"]["kind"] == "dummy") is (made.about["site"] == "bench") is (name in BENCH)
        assert name.startswith("bench-") is (name in BENCH)
        codes = {reason["code"] for reason in assess(made.data, stage_of("pico", "bare")).reasons}
        assert codes == (set() if name in BENCH else {"dummy_only"})


# ---- list and show ----


def test_the_list_has_every_programme_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programmes"]) == 0
    table = capsys.readouterr().out
    for name in library.names():
        assert name in table
    row = next(line for line in table.splitlines() if "mixed-incontinence" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[2:] == ["probe", "10, 50", "200, 250", "continuous, 5/10", "20", "3", "40"]
    assert "not a medical device" in table


def test_a_narrow_terminal_cuts_no_figure(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.cli.output.out.__class__.width", property(lambda console: 60), raising=False)
    assert main(["programmes"]) == 0
    text = capsys.readouterr().out
    assert "…" not in text
    assert "on/off s: continuous, 5/10" in text


def test_the_list_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in said(capsys)["programmes"]}
    assert list(rows) == library.names()
    assert rows["urge-incontinence-tibial"]["site"] == "ankle"
    assert rows["urge-incontinence-tibial"]["max_current_ma"] == 30
    assert rows["urge-incontinence-tibial"]["digest"] == library.find("urge-incontinence-tibial").prescription.digest()


def test_one_programme_is_shown_with_where_its_numbers_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programmes", "urge-incontinence-tibial"]) == 0
    text = capsys.readouterr().out
    for words in ("site: ankle", "3 a week, at least 20 h between two", "frequency 20 Hz", "PMC9074788: 20 Hz, 200 us"):
        assert words in text
    assert "[frequency_hz, pulse_width_us]" in text
    assert "--write FILE" in text


def test_one_programme_for_machines_is_the_whole_document(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "stress-incontinence-35hz")
    again = Prescription.from_document(shown["document"])
    assert again.digest() == shown["digest"]
    assert Prescription.from_text(shown["toml"], Path("shown")).digest() == shown["digest"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("stress", "stress-incontinence-35hz or stress-incontinence-50hz or stress-incontinence-external"),
        ("stress-incontinence-35", "stress-incontinence-35hz"),
        ("Low_Back_Pain", "low-back-pain"),
        ("mixd", "mixed-incontinence"),
        ("mixed-incontinence.toml", "mixed-incontinence"),
        ("zzz", ""),
        ("", ""),
        ("../programmes/low-back-pain", "low-back-pain"),
    ],
)
def test_an_unknown_name_suggests_near_ones(asked: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programmes", asked]) == 2
    error = capsys.readouterr().err
    assert "there is no programme" in error and "`nmes programmes` lists all" in error
    assert (f"did you mean {near}" in error) is bool(near)
    assert main(["programmes", asked, "--json"]) == 2
    assert "no programme" in json.loads(capsys.readouterr().out)["error"]


# ---- write ----


@pytest.mark.parametrize("name", library.names())
def test_a_written_file_is_the_programme_and_an_editor_finds_its_schema(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    assert main(["programmes", name, "--write", str(file)]) == 0
    assert f"nmes check {file}" in capsys.readouterr().out
    assert Prescription.read(file).digest() == library.find(name).prescription.digest()
    directive = file.read_text(encoding="utf-8").splitlines()[0]
    beside = tmp_path / directive.removeprefix("#:schema ")
    assert beside.read_text(encoding="utf-8") == schema.text()
    assert main(["check", str(file)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "prescription.schema.json"]


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("years of work")
    assert main(["programmes", "low-back-pain", "--write", str(file)]) == 1
    assert "--force replaces it" in capsys.readouterr().err
    assert file.read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    assert main(["programmes", "low-back-pain", "--write", str(file), "--force"]) == 0
    assert Prescription.read(file).title == "Low back pain, TENS 100 Hz"


def test_a_schema_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    beside = tmp_path / schema.FILE.name
    beside.write_text("another's")
    assert main(["programmes", "low-back-pain", "--write", str(tmp_path / "mine.toml")]) == 0
    assert beside.read_text() == "another's"


def test_a_folder_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programmes", "low-back-pain", "--write", str(tmp_path), "--force"]) == 1
    assert f"{tmp_path / 'low-back-pain'}.toml" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none" / "mine.toml"
    for more in ([], ["--force"]):
        assert main(["programmes", "low-back-pain", "--write", str(file), *more]) == 1
        assert f"nmes: {file}: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_leaves_nothing_and_takes_nothing(
    force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    if force:
        file.write_text("years of work")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["programmes", "low-back-pain", "--write", str(file), *(["--force"] if force else [])]) == 1
    assert f"nmes: {file}: No space left on device" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == (["years of work"] if force else [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--write", "x.toml"], "`nmes programmes` lists them"),
        (["low-back-pain", "--force"], "--force goes with --write"),
    ],
)
def test_half_a_command_says_what_is_missing(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["programmes", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_the_library_lies_where_the_package_is() -> None:
    assert paths.PROGRAMMES.is_dir() and schema.FILE.parent == paths.PROGRAMMES

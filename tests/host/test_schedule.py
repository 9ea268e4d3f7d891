"""The days on which a prescription may be run, by the host's date: `nmes run` refuses others before it opens a port."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from opennmes.cli import main
from opennmes.prescription.schedule import outside_dates

DAY = datetime.date(2026, 12, 1)
MORE = """
[patient]
notes = ["Knees bent."]
[[source]]
citation = "Somebody 2019"
gave = "50 Hz"
keys = ["frequency_hz"]
"""


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        ({}, None),
        ({"sessions_per_week": 3}, None),
        ({"not_before": "2026-12-01", "not_after": "2026-12-01"}, None),
        ({"not_before": "2026-12-02"}, "too_early"),
        ({"not_after": "2026-11-30"}, "too_late"),
        ({"not_before": "2027-01-01", "not_after": "2027-02-01"}, "too_early"),
        ({"not_before": "0999-12-31"}, None),
        ({"not_after": "9999-12-31"}, None),
    ],
)
def test_the_first_and_the_last_day_belong_to_the_range(schedule: dict[str, object], code: str | None) -> None:
    found = outside_dates({"schedule": schedule}, DAY)
    assert (found and found["code"]) == code
    assert outside_dates({}, DAY) is None


def dated(example_file: Path, line: str) -> Path:
    example_file.write_text(f"{example_file.read_text()}[schedule]\n{line}\n")
    return example_file


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not_before = 9999-01-01", "schedule.not_before is 9999-01-01, and today is 20"),
        ("not_after = 2020-01-01", "schedule.not_after is 2020-01-01, and today is 20"),
    ],
)
def test_run_refuses_on_another_day_and_opens_no_port(
    example_file: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    run = ["run", str(dated(example_file, line)), "--port", "/dev/no-such-port", "--acknowledge"]
    for more in ([], ["--device-check-only"]):
        assert main([*run, *more]) == 1
        error = capsys.readouterr().err
        assert says in error and "change its dates" in error
        assert "no such port" not in error


def test_run_goes_on_within_the_range(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = dated(example_file, "not_before = 2020-01-01\nnot_after = 9999-01-01")
    assert main(["run", str(file), "--port", "/dev/no-such-port", "--acknowledge"]) == 1
    assert "no such port" in capsys.readouterr().err


def test_check_accepts_and_says_that_it_is_not_for_today(
    example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = dated(example_file, "sessions_per_week = 3\nhours_between = 36\nnot_after = 2020-01-01")
    assert main(["check", str(file)]) == 0
    text = capsys.readouterr().out
    assert "today: nmes run refuses it: schedule.not_after is 2020-01-01" in text
    assert "schedule: 3 a week, at least 36 h between two, not after 2020-01-01" in text
    assert main(["check", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["accepted"] and said["refused_today"]["code"] == "too_late"
    assert said["about"]["schedule"]["hours_between"] == 36
    assert len(said["digest"]) == 64


def test_check_shows_site_notes_and_sources(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example_file.write_text(f'site = "vagina"\n{example_file.read_text()}{MORE}')
    assert main(["check", str(example_file)]) == 0
    text = capsys.readouterr().out
    assert "site: vagina" in text and "note for the person: Knees bent." in text
    assert "source: Somebody 2019: 50 Hz [frequency_hz]" in text


def test_run_refuses_what_the_device_keeps_on_another_day_too(
    example_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    virtual_board: None,
) -> None:  # fmt: skip
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "store"))
    assert main(["push", str(dated(example_file, "not_after = 2020-01-01")), "--port", "virtual"]) == 0
    capsys.readouterr()
    assert main(["run", "--prescription", "1", "--port", "virtual", "--acknowledge", "--json"]) == 1
    printed = capsys.readouterr()
    assert "schedule.not_after is 2020-01-01" in printed.err and "running" not in printed.err
    assert [reason["code"] for reason in json.loads(printed.out)["reasons"]] == ["too_late"]

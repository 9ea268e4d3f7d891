"""nmes check --specification: the usual output specification at three loads, computed once more here."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from nmes.core import limits, programme
from opennmes import paths
from opennmes.cli import main
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import figures


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = main(["check", *arguments, "--specification", "--json"])
    return status, json.loads(capsys.readouterr().out)


def by_name(rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert len({row["row"] for row in rows}) == len(rows)
    return {row["row"]: row.get("at_ohm", row["value"]) for row in rows}


def test_every_row_of_the_example(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = said([str(example_file)], capsys)
    made = answer["specification"]
    (phase,) = made["phases"]
    rows = by_name(phase["rows"])
    irms_ma = 40 * math.sqrt(2 * 250e-6 * 35)
    assert (status, made["current_ma"], made["electrode_area_cm2"], phase["phase"]) == (0, 40, 4, "work")
    assert rows["waveform"] == "pulsed symmetric biphasic"
    assert rows["shape"] == "rectangular, regulated current"
    # 40 mA into 500 ohm; from 2000 ohm on the stage's 80 V are the limit.
    assert rows["maximum output voltage"] == {"500": 20, "2000": 80, "10000": 80}
    assert rows["maximum output current"] == {"500": 40, "2000": 40, "10000": 8}
    assert rows["primary phase duration"] == 250
    assert rows["pulse duration, both phases and the gap"] == 550
    assert rows["frequency"] == 35
    assert rows["symmetrical phases"] == "yes"
    # 10 uC, and the stage may be 0.2 % off
    assert rows["net charge a pulse at 500 ohm, as declared for the stage"] == "0 within 0.02"
    assert rows["maximum phase charge at 500 ohm"] == 10
    assert rows["maximum current density at 500 ohm, r.m.s."] == pytest.approx(irms_ma / 4)
    assert rows["maximum average current at 500 ohm, absolute"] == pytest.approx(40 * 2 * 250e-6 * 35)
    assert rows["maximum power density at 500 ohm"] == pytest.approx((irms_ma / 1000) ** 2 * 500 / 4)
    assert rows["bursts"] == "none"
    assert (rows["ON time, with ramps"], rows["OFF time"], rows["ramps up and down"]) == (5, 10, "1 and 1")
    assert "Not a conformity statement" in made["statement"]
    unit = by_name(made["unit"])
    assert unit["average d.c. through electrodes when on but no pulses"] == "not measured"
    assert unit["timer range"].endswith("to 30, always on")
    for row in ("overload trip", "no-load trip", "shut-off"):
        assert unit[f"automatic {row}"].startswith("yes: ")


def test_each_figure_is_made_of_the_quantity_that_the_limits_judge(
    example_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = programme.parse(Prescription.read(example_file).data)
    before = figures(asked, asked.phases[0], 40_000)
    exact = limits.exact

    def four_times(*arguments: Any) -> dict[str, tuple[int, int]]:
        return {key: (4 * value, by) for key, (value, by) in exact(*arguments).items()}

    monkeypatch.setattr(limits, "exact", four_times)
    after = figures(asked, asked.phases[0], 40_000)
    squares = ("irms_ma", "current_density_rms_ma_cm2")
    for key, value in before.items():
        wanted = value + math.log10(4) if key == "shannon_k" else value * (2 if key in squares else 4)
        assert after[key] == pytest.approx(wanted), key


def test_bursts_sweeps_and_unequal_phases(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = example_file.read_text()
    example_file.write_text(usual + "burst_pulses = 5\nburst_frequency_hz = 2\nsecond_phase_ratio = 2\n")
    rows = by_name(said([str(example_file)], capsys)[1]["specification"]["phases"][0]["rows"])
    assert rows["waveform"] == "pulsed asymmetric, charge-balanced biphasic"
    assert rows["second phase"] == "2 times as long, 1/2 as strong"
    assert rows["pulse duration, both phases and the gap"] == 800
    assert (rows["pulses a burst"], rows["bursts a second"]) == (5, 2)
    assert rows["burst duration"] == pytest.approx(5 * 28.571)
    assert rows["duty of the bursts"] == pytest.approx(2 * 5 * 2.8571)
    example_file.write_text(usual + 'change = "sweep"\nchange_s = 2\nfrequency_to_hz = 10\npulse_width_to_us = 200\n')
    rows = by_name(said([str(example_file)], capsys)[1]["specification"]["phases"][0]["rows"])
    assert rows["frequency"] == "35 to 10, sweep of 2 s each way"
    assert rows["primary phase duration"] == "200 to 250"
    assert rows["pulse duration, both phases and the gap"] == "450 to 550"


def test_it_is_that_of_the_session_s_limit(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example_file.write_text(example_file.read_text() + "\n[person]\nmax_current_ma = 12\n")
    _, answer = said([str(example_file)], capsys)
    assert answer["specification"]["current_ma"] == 12


@pytest.mark.parametrize("file", sorted(paths.PROGRAMMES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_prescription_of_the_library_has_one_for_each_phase(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = said([str(file)], capsys)
    assert status == 0
    channels = [row["channel"] for row in Prescription.read(file).data.get("channels", [{"channel": 0}])]
    rows = [(row["channel"], row["phase"]) for row in answer["specification"]["phases"]]
    assert rows == [(channel, row["name"]) for channel in channels for row in answer["phases"]]


def test_for_people_it_is_printed_whole(
    example_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert main(["check", str(example_file), "--specification"]) == 0
    printed = capsys.readouterr()
    assert "20 @500, 80 @2000, 80 @10000" in printed.out
    assert "automatic no-load trip" in printed.out
    assert "Not a conformity statement" in printed.out
    assert printed.err == ""


def test_what_is_refused_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    root = paths.checkout()
    assert root is not None
    refused = str(root / "docs" / "examples" / "refused-small-probe.toml")
    status, answer = said([refused], capsys)
    assert (status, answer["accepted"], answer["specification"]) == (1, False, None)
    assert main(["check", refused, "--specification"]) == 1
    assert "no output specification: the prescription is refused" in capsys.readouterr().out

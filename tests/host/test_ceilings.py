"""What a file and a person may add as ceilings, and what no file can: hazards H1, H17 and H24 at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prescription_files import checked

from opennmes import paths
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess

STAGE = stage_of("pico")


def test_the_json_has_what_a_program_needs(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = checked(example_file, capsys)
    assert (status, said["accepted"], said["reasons"], said["max_current_ma"]) == (0, True, [], 60.474)
    assert set(said["figures"]) == {
        "irms_ma", "iavg_ma", "phase_charge_uc", "charge_density_uc_cm2", "shannon_k", "current_density_rms_ma_cm2",
        "power_density_mw_cm2", "energy_mj",
    }  # fmt: skip
    assert (said["session_limit_ma"], said["session_limit_source"]) == (40, "the prescription")
    assert (said["warnings"], said["sums"]) == ([], None)
    example_file.write_text(example_file.read_text().replace("max_current_ma = 40", "max_current_ma = 60.475"))
    status, said = checked(example_file, capsys)
    assert (status, said["accepted"], said["max_current_ma"]) == (1, False, 60.474)
    (reason,) = said["reasons"]
    assert set(reason) == {"code", "parameter", "asked", "bound", "source", "phase"}
    assert (reason["code"], reason["phase"]) == ("rms_current_density", "work")


@settings(max_examples=60, derandomize=True)
@given(
    st.sampled_from(sorted(paths.PROGRAMMES.glob("*.toml"))),
    st.integers(100, 20_000),
    st.one_of(st.none(), st.integers(1, 100_000)),
    st.one_of(st.none(), st.integers(1, 100_000)),
)
def test_h01_max_current_is_accepted_and_a_grain_more_is_not(
    file: Path, area_mm2: int, electrode_ua: int | None, person_ua: int | None
) -> None:
    data = Prescription.read(file).data
    electrode = {**data["electrode"], "area_mm2": area_mm2}
    if electrode_ua is not None:
        electrode["max_current_ua"] = electrode_ua
    data = {**data, "electrode": electrode}
    if person_ua is not None:
        data["person"] = {"max_current_ua": person_ua}
    largest_ua = assess(data, STAGE).max_current_ua
    assert largest_ua
    at = assess({**data, "max_current_ua": largest_ua}, STAGE)
    assert at.accepted and at.session_limit_ua == largest_ua
    more = assess({**data, "max_current_ua": largest_ua + 1}, STAGE)
    if more.accepted:  # then it is the person who does not want more
        assert (more.session_limit_ua, more.session_limit) == (largest_ua, "the person's own maximum")
        assert more.next_limit == "the person's own maximum" and largest_ua == person_ua
    else:
        assert at.next_limit in {reason["source"] for reason in more.reasons} | {"the person's own maximum"}


def test_h01_no_current_is_called_accepted_when_none_is(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example_file.write_text(example_file.read_text().replace("duration_min = 15", "duration_min = 40"))
    status, said = checked(example_file, capsys)
    assert (status, said["max_current_ma"], said["max_current_source"]) == (1, 0, "OpenNMES limit")
    assert (said["session_limit_ma"], said["session_limit_source"]) == (None, None)
    assert main(["check", str(example_file)]) == 1
    assert "No current at all is accepted" in capsys.readouterr().out


def test_the_electrode_s_own_maximum(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = example_file.read_text()
    example_file.write_text(usual.replace("[limits]", "max_current_ma = 30\n[limits]"))
    status, said = checked(example_file, capsys)
    assert (status, said["max_current_ma"], said["max_current_source"]) == (1, 30, "the electrode's own maximum")
    assert [reason["code"] for reason in said["reasons"]] == ["electrode_current"]
    assert main(["check", str(example_file)]) == 1
    assert "max_current_ma is 40 mA; the electrode may have at most 30 mA" in capsys.readouterr().out


def test_the_person_s_own_maximum(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = example_file.read_text()
    example_file.write_text(usual + "\n[person]\nmax_current_ma = 12.5\n")
    status, said = checked(example_file, capsys)
    assert (status, said["accepted"]) == (0, True)
    assert (said["max_current_ma"], said["max_current_source"]) == (12.5, "the person's own maximum")
    assert (said["session_limit_ma"], said["session_limit_source"]) == (12.5, "the person's own maximum")
    assert main(["check", str(example_file)]) == 0
    assert "A session may go up to 12.5 mA: the person's own maximum" in capsys.readouterr().out
    example_file.write_text(usual + "\n[person]\nmax_ma = 12.5\n")
    assert checked(example_file, capsys)[0] == 2


@pytest.mark.usefixtures("virtual_board")
def test_the_device_keeps_the_person_s_maximum(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = example_file.read_text()
    run = ["run", str(example_file), "--port", "virtual", "--acknowledge", "--seconds", "1", "--json"]
    assert main([*run, "--person-max", "3", "--intensity", "4"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [(r["code"], r["bound"], r["source"]) for r in said["reasons"]] == [
        ("above_limit", 3_000, "the person's own maximum")
    ]
    assert main([*run, "--person-max", "3"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["status"]["limit_ua"], said["status"]["limit_source"]) == (3_000, "the person's own maximum")
    # It only tightens.
    example_file.write_text(usual + "\n[person]\nmax_current_ma = 2\n")
    assert main([*run, "--person-max", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["limit_ua"] == 2_000
    for wrong in ("nan", "lots", "-1", "1e400", "inf"):
        assert main([*run, "--person-max", wrong]) == 2
        assert "--person-max" in capsys.readouterr().err


def test_pads_beyond_shannon_s_line_are_a_warning(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # 40 mA * 250 us on 1.41 cm2: k = 1.851; at 1 Hz nothing else is near.
    text = example_file.read_text().replace('"probe" ', '"pads"').replace("area_cm2 = 4.0", "area_cm2 = 1.41")
    example_file.write_text(text.replace("frequency_hz = 35", "frequency_hz = 1"))
    status, said = checked(example_file, capsys)
    assert (status, said["reasons"]) == (0, [])
    assert [(row["code"], row["phase"]) for row in said["warnings"]] == [("shannon", "work")]
    assert main(["check", str(example_file)]) == 0
    assert 'warning: phase "work": Shannon\'s k would be 1.86; the limit is 1.85' in capsys.readouterr().out


def test_h20_both_channels_together_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.toml"
    text = (paths.PROGRAMMES / "low-back-pain.toml").read_text()
    file.write_text(text + "\n[[channel]]\nchannel = 0\n\n[[channel]]\nchannel = 1\n")
    _, said = checked(file, capsys)
    assert said["sums"]["iavg_ma"] == pytest.approx(2 * said["figures"]["iavg_ma"], abs=0.001)
    assert said["sums"]["irms_ma"] == pytest.approx(2 * said["figures"]["irms_ma"], abs=0.002)
    hot = text.replace("max_current_ma = 50", "max_current_ma = 100").replace(
        "frequency_hz = 100", "frequency_hz = 150"
    )
    hot = hot.replace("area_cm2 = 25", "area_cm2 = 50")
    file.write_text(hot.replace("pulse_width_us = 150", "pulse_width_us = 250") + "\n[[channel]]\nchannel = 0\n")
    assert checked(file, capsys)[0] == 0
    file.write_text(file.read_text() + "\n[[channel]]\nchannel = 1\n")
    status, said = checked(file, capsys)
    assert status == 1
    assert {reason["code"] for reason in said["reasons"]} == {"rms_sum", "average_sum", "net_dc_sum"}
    assert main(["check", str(file)]) == 1
    assert "average current of both channels together would be 15 mA; the limit is 10 mA" in capsys.readouterr().out


WRONG_NUMBERS = ["nan", "inf", "-inf", "1e400", "-1e400", "true", "-0.0", "0", '"4"', "[4]", "{a = {b = 4}}", "9" * 400]


@pytest.mark.parametrize("value", WRONG_NUMBERS, ids=lambda value: value[:12])
@pytest.mark.parametrize("old", ["area_cm2 = 4.0", "max_current_ma = 40", "frequency_hz = 35", "pulse_width_us = 250"])
def test_h24_no_file_gets_a_wrong_number_accepted(
    example_file: Path, capsys: pytest.CaptureFixture[str], old: str, value: str
) -> None:
    key = old.partition(" ")[0]
    example_file.write_text(example_file.read_text().replace(old, f"{key} = {value}"))
    status, said = checked(example_file, capsys)
    assert status in (1, 2)
    assert (said["accepted"], said["max_current_ma"]) == (False, None)
    assert len(said["reasons"]) == 1 and len(json.dumps(said)) < 2_000
    main(["check", str(example_file)])
    printed = capsys.readouterr()
    assert key in printed.out + printed.err and "Traceback" not in printed.out + printed.err


@pytest.mark.parametrize("area", ["", "area_cm2 = 0", "area_cm2 = nan", "area_cm2 = 1e12", "area_cm2 = 200.01"])
def test_h17_no_file_is_accepted_without_a_real_area(
    example_file: Path, capsys: pytest.CaptureFixture[str], area: str
) -> None:
    example_file.write_text(example_file.read_text().replace("area_cm2 = 4.0 ", area))
    status, said = checked(example_file, capsys)
    assert status in (1, 2) and said["accepted"] is False
    (reason,) = said["reasons"]
    assert "area" in reason["parameter"]

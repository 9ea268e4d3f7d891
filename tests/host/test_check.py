"""nmes check: verdict, figures, JSON, exit status; and how every verb fails."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from prescription_files import checked

from nmes.core import programme
from opennmes import paths
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess, figures

# Worked out by hand, apart from the code.
# Case, kind, I mA, w us, f Hz, A cm2, the figures to 4 significant digits, the reasons.
GOLDEN: list[tuple[str, str, int, int, int, int, dict[str, float], set[str]]] = [
    (
        "probe SUI", "probe", 50, 250, 50, 4,
        {
            "irms_ma": 7.906, "current_density_rms_ma_cm2": 1.976, "iavg_ma": 1.25, "phase_charge_uc": 12.5,
            "charge_density_uc_cm2": 3.125, "shannon_k": 1.592, "power_density_mw_cm2": 7.812, "energy_mj": 0.625,
        },
        set(),
    ),
    (
        "probe OAB", "probe", 50, 250, 10, 4,
        {
            "irms_ma": 3.536, "current_density_rms_ma_cm2": 0.8839, "iavg_ma": 0.25, "phase_charge_uc": 12.5,
            "charge_density_uc_cm2": 3.125, "shannon_k": 1.592, "power_density_mw_cm2": 1.562, "energy_mj": 0.625,
        },
        set(),
    ),
    (
        "probe SUI, 3 cm2", "probe", 50, 250, 50, 3,
        {
            "irms_ma": 7.906, "current_density_rms_ma_cm2": 2.635, "iavg_ma": 1.25, "phase_charge_uc": 12.5,
            "charge_density_uc_cm2": 4.167, "shannon_k": 1.717, "power_density_mw_cm2": 10.42, "energy_mj": 0.625,
        },
        {"rms_current_density"},
    ),
    (
        "pads SUI", "pads", 60, 300, 50, 25,
        {
            "irms_ma": 10.39, "current_density_rms_ma_cm2": 0.4157, "iavg_ma": 1.8, "phase_charge_uc": 18,
            "charge_density_uc_cm2": 0.72, "shannon_k": 1.113, "power_density_mw_cm2": 2.16, "energy_mj": 1.08,
        },
        set(),
    ),
    (
        "abdominal", "pads", 80, 300, 80, 25,
        {
            "irms_ma": 17.53, "current_density_rms_ma_cm2": 0.7011, "iavg_ma": 3.84, "phase_charge_uc": 24,
            "charge_density_uc_cm2": 0.96, "shannon_k": 1.362, "power_density_mw_cm2": 6.144, "energy_mj": 1.92,
        },
        set(),
    ),
    (
        "abdominal hot", "pads", 100, 400, 80, 25,
        {
            "irms_ma": 25.3, "current_density_rms_ma_cm2": 1.012, "iavg_ma": 6.4, "phase_charge_uc": 40,
            "charge_density_uc_cm2": 1.6, "shannon_k": 1.806, "power_density_mw_cm2": 12.8, "energy_mj": 4,
        },
        {"rms_current_density", "phase_charge", "phase_charge_cap"},
    ),
]  # fmt: skip


def prescription(kind: str, current_ma: int, width_us: int, rate_hz: int, area_cm2: int) -> str:
    return f"""
        title = "Golden"
        electrode = {{kind = "{kind}", area_cm2 = {area_cm2}}}
        limits.max_current_ma = {current_ma}
        [[phase]]
        name = "work"
        frequency_hz = {rate_hz}
        pulse_width_us = {width_us}
        work_s = 5
        rest_s = 10
        duration_min = 15
    """


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case[0])
def test_h01_golden_vectors(case: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, kind, current_ma, width_us, rate_hz, area_cm2, expected, codes = case
    file = tmp_path / "golden.toml"
    file.write_text(prescription(kind, current_ma, width_us, rate_hz, area_cm2))
    status, said = checked(file, capsys)
    assert status == (1 if codes else 0)
    assert said["accepted"] is not bool(codes)
    assert {reason["code"] for reason in said["reasons"]} == codes
    assert set(said["figures"]) == set(expected)
    for name, value in expected.items():
        assert float(f"{said['figures'][name]:.4g}") == pytest.approx(value, rel=1e-9, abs=6e-4 * value), name


def test_golden_cap_for_the_small_probe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "small.toml"
    file.write_text(prescription("probe", 50, 250, 50, 3))
    _, said = checked(file, capsys)
    assert f"{said['max_current_ma']:.1f}" == "37.9"
    assert "2 mA/cm2" in said["max_current_source"]


def test_the_largest_current_is_accepted_and_the_next_is_not(example_file: Path) -> None:
    stage = stage_of("pico")
    data = Prescription.read(example_file).data
    largest_ua = assess(data, stage).max_current_ua
    assert largest_ua is not None
    assert assess({**data, "max_current_ua": largest_ua}, stage).accepted
    assert not assess({**data, "max_current_ua": largest_ua + 1}, stage).accepted


def test_figures_agree_with_the_formulas_in_floating_point(example_file: Path) -> None:
    asked = programme.parse(Prescription.read(example_file).data)
    values = figures(asked, asked.phases[0], 40_000)
    irms_a = 0.040 * math.sqrt(2 * 250e-6 * 35)
    assert values["irms_ma"] == pytest.approx(irms_a * 1000)
    assert values["power_density_mw_cm2"] == pytest.approx(irms_a**2 * 500 / 4 * 1000)
    assert values["shannon_k"] == pytest.approx(math.log10(10) + math.log10(10 / 4))


def test_the_worst_phase_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    _, said = checked(paths.PROGRAMMES / "mixed-incontinence.toml", capsys)
    assert [phase["name"] for phase in said["phases"]] == ["calm", "work"]
    for name, value in said["figures"].items():
        assert value == max(phase["figures"][name] for phase in said["phases"])


# ---- for people ----


def test_the_words_for_people(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(example_file)]) == 0
    said = capsys.readouterr()
    assert "accepted for board pico" in said.out
    assert "Largest current that electrode and output allow: 60.4 mA" in said.out
    assert "not a medical device" in said.out
    assert said.err == ""


def test_a_refusal_names_all_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    root = paths.checkout()
    assert root is not None
    assert main(["check", str(root / "docs" / "examples" / "refused-small-probe.toml")]) == 1
    said = capsys.readouterr().out
    assert "refused for board pico" in said
    assert 'phase "work": r.m.s. current density would be 4.744 mA/cm2; the limit is 2 mA/cm2' in said
    assert "Shannon's k" in said
    assert "37.9 mA" in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("frequency_hz = 35", "frequency_hz = 200", "frequency_hz is 200 Hz; it may be at most 150 Hz"),
        ("work_s = 5", "work_s = 0.5", "work_s is 0.5 s"),
        ("rest_s = 10", "rest_s = 2", "rest at least half as long as it works, here 2.5 s"),
        ("duration_min = 15", "duration_min = 40", "duration_min is 40 min for the whole session; at most 30 min"),
        ("ramp_up_s = 1", "ramp_up_s = 5", "work_s is 5 s, but its ramps alone take 6 s"),
        ("area_cm2 = 4.0", "area_cm2 = 0.5", "area_cm2 is 0.5 cm2; it has to be at least 1 cm2"),
    ],
)
def test_reasons_are_told_in_the_file_s_own_terms(
    example_file: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, says: str
) -> None:
    example_file.write_text(example_file.read_text().replace(old, new))
    assert main(["check", str(example_file)]) == 1
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("[[channel]]\nchannel = 2\n", "channel 1.channel is 2; it may be at most 1"),
        ("[[channel]]\nchannel = 0\n[[channel]]\nchannel = 0\n", "channel 2.channel is 0 more than once"),
    ],
)
def test_a_channel_is_called_as_where_the_file_cannot_be_read(
    rows: str, says: str, example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "channels.toml"
    path.write_text(example + rows)
    assert main(["check", str(path)]) == 1
    assert says in capsys.readouterr().out


# ---- what cannot be understood ----


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "/nonexistent.toml"],
        ["check", "/"],
        ["check", "--board", "none", "FILE"],
        ["plot", "FILE"],
        ["plot", "FILE", "-o", "picture.txt"],
        ["run", "FILE", "--port", "virtual", "--vcd", "x.vcd"],
        ["run", "FILE", "--port", "virtual", "--uf2", "x.uf2"],
        ["run", "FILE", "--port", "/dev/ttyACM0", "--load-ohm", "1000"],
        ["run", "FILE", "--load-ohm", "1000"],
        ["run", "FILE", "--port", "virtual", "--intensity", "lots"],
        ["run", "FILE", "--port", "virtual", "--intensity", "-1"],
        ["run", "FILE", "--port", "virtual", "--intensity", "nan"],
        ["run", "FILE", "--port", "virtual", "--intensity", "1.00001"],
        ["run", "FILE", "--port", "virtual", "--seconds", "x"],
        ["run", "/nonexistent.toml", "--port", "virtual"],
        ["emulate", "--link", "FILE"],
        ["nonsense"],
        [],
    ],
    ids=" ".join,
)
def test_exit_status_2(arguments: list[str], example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(example_file) if argument == "FILE" else argument for argument in arguments]) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    assert said.err or not arguments


def test_half_a_file_in_json(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example_file.write_text(example_file.read_text()[:100])
    status, said = checked(example_file, capsys)
    assert status == 2
    assert said["accepted"] is False
    assert [reason["parameter"] for reason in said["reasons"]]
    assert said["figures"] is None


def test_no_port_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--port", "/dev/no-such-port"]) == 1
    assert "there is no such port" in capsys.readouterr().err
    assert main(["status", "--port", "/dev/no-such-port", "--json"]) == 1
    assert "no such port" in json.loads(capsys.readouterr().out)["error"]


def test_no_uf2_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, example_file: Path
) -> None:
    assert main(["emulate", "--uf2", str(tmp_path / "none.uf2")]) == 1
    monkeypatch.setenv("NMES_UF2", str(tmp_path / "none.uf2"))
    assert main(["emulate"]) == 1
    assert main(["status", "--port", "emulator"]) == 1
    said = capsys.readouterr().err
    assert said.count("make setup") == 3


def test_a_uf2_that_is_none_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uf2 = tmp_path / "bad.uf2"
    uf2.write_bytes(b"not a uf2" * 100)
    assert main(["emulate", "--uf2", str(uf2)]) == 1
    assert "cannot load" in capsys.readouterr().err


def test_a_bug_is_called_one(
    example_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.delenv("NMES_DEBUG", raising=False)
    monkeypatch.setattr("opennmes.cli.check.assess", fail)
    assert main(["check", str(example_file)]) == 1
    assert "this is a bug in nmes: ZeroDivisionError: oops" in capsys.readouterr().err
    monkeypatch.setenv("NMES_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check", str(example_file)])


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    for verb in ("check", "plot", "run", "status", "emulate"):
        assert main([verb, "--help"]) == 0
    assert "not a medical device" in capsys.readouterr().out


def test_nothing_but_the_name_is_answered_with_the_help_as_it_is_laid_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert "U+000A" not in shown
    assert main(["--help"]) == 0
    assert shown == capsys.readouterr().out

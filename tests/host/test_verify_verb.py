"""nmes verify as a command: what it prints, its exit status, its picture, and what it does not understand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from captures_for_tests import PINS, Sampled, pins_of, sampled, write_saleae, write_sr, write_vcd
from judged_captures import wrong

from opennmes.cli import main
from opennmes.measure.trace import Trace
from opennmes.prescription import Prescription

RATE_HZ = 24_000_000
PRESCRIPTION = """\
title = "Into a resistor"
effect = "sensory"

[electrode]
kind = "dummy"
area_cm2 = 10

[limits]
max_current_ma = 20

[[phase]]
name = "on"
frequency_hz = 50
pulse_width_us = 200
interphase_gap_us = 100
work_s = 0.2
rest_s = 0.15
ramp_up_s = 0
ramp_down_s = 0
duration_min = 0.05
"""
SIGNALS = [part for name, role in PINS.items() for part in ("--signal", f"{role}={name}")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "resistor.toml"
    path.write_text(PRESCRIPTION)
    return path


@pytest.fixture
def data(file: Path) -> dict[str, Any]:
    return Prescription.read(file).data


def signals(made: Sampled) -> list[str]:
    return [part for name in made.changes for part in ("--signal", f"{PINS[name]}={name}")]


@pytest.fixture
def good(data: dict[str, Any]) -> Sampled:
    return sampled(pins_of(data), RATE_HZ, 50)


Write = Callable[[Sampled, Path], Path]
FORMS: dict[str, tuple[Write, list[str]]] = {
    "vcd": (write_vcd, []),
    "sr": (write_sr, []),
    "csv": (write_saleae, ["--sample-rate", "24MHz"]),
    "old csv": (lambda made, path: write_saleae(made, path, old=True), ["--sample-rate", "24 MHz"]),
    "vcd of another": (lambda made, path: write_vcd(made, path, comment=False), ["--sample-rate", "24M"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_right_capture_passes_in_every_format(
    form: str, good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, options = FORMS[form]
    path = write(good, tmp_path / "capture")
    assert main(["verify", str(path), str(file), *signals(good), *options, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["prescription"], said["sample_rate_hz"]) == ("passed", "Into a resistor", RATE_HZ)
    assert said["signals"]["phase_a_0"] == "D0" and said["guessed"] == []
    rows = {row["claim"]: row for row in said["claims"]}
    assert rows["phase A"]["asked"] == "200 us" and rows["count"]["measured"] == "90"
    assert said["clock_ppm"] == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_capture_fails_in_every_format(
    form: str, data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, options = FORMS[form]
    made = wrong("a phase B too short", data, RATE_HZ, 50)
    path = write(made, tmp_path / "capture")
    assert main(["verify", str(path), str(file), *signals(made), *options, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "failed"
    assert [row["claim"] for row in said["claims"] if row["verdict"] == "failed"] == ["phase B", "B less A"]


def test_the_words_for_people(good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_vcd(good, tmp_path / "capture.vcd", names={"D0": "GP2", "D1": "ch0_b"})
    assert main(["verify", str(path), str(file), "--signal", "enable=D4"]) == 0
    said = capsys.readouterr().out
    for text in (
        "capture.vcd: passed for Into a resistor", "sampled at 24 MHz by the comment in the file",
        "phase_a_0 GP2 (guessed), phase_b_0 ch0_b (guessed), enable D4", "± 100 ppm", "not captured",
        "Not captured, and so not judged: ramps; pump, half a wave", "within one sample", "at most 100 ppm",
    ):  # fmt: skip
        assert text in said, text


def test_what_is_wrong_is_said_with_its_place(
    data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = wrong("a phase A too long", data, RATE_HZ, 50)
    assert main(["verify", str(write_sr(made, tmp_path / "a.sr")), str(file), *signals(made)]) == 1
    said = capsys.readouterr().out
    assert "a.sr: failed for Into a resistor" in said
    assert "failed, channel 0, phase A: 1 of 90 wrong; the worst is 200.208 us, asked 200 us (at 1.520" in said


def test_what_is_unclear_is_no_success(
    good: Sampled, data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_vcd(good, tmp_path / "a.vcd")
    assert main(["verify", str(path), str(file), "--signal", "phase_a_0=D0"]) == 1
    assert "unclear, channel 0, gap: phase_b_0 is not in the capture" in capsys.readouterr().out
    cut = sampled(pins_of(data), RATE_HZ, 50, end=500_000)
    path = write_vcd(cut, tmp_path / "b.vcd")
    assert main(["verify", str(path), str(file), *signals(cut)]) == 1
    assert "--part judges what is there" in capsys.readouterr().out
    assert main(["verify", str(path), str(file), *signals(cut), "--part"]) == 0
    assert "a part of the session" in capsys.readouterr().out


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("name", [None, "a phase A too long", "both phases at once", "a pulse too many", "no phase B"])
def test_a_picture_is_drawn_of_right_and_wrong(
    name: str | None, ending: str, data: dict[str, Any], good: Sampled, file: Path, tmp_path: Path
) -> None:
    made = wrong(name, data, RATE_HZ, 50) if name else good
    picture = tmp_path / f"picture{ending}"
    path = write_vcd(made, tmp_path / "a.vcd")
    assert main(["verify", str(path), str(file), *signals(made), "-o", str(picture)]) == (1 if name else 0)
    assert picture.stat().st_size > 5_000
    if ending == ".svg":
        assert "The worst pulse" in picture.read_text() or "<path" in picture.read_text()


def test_a_picture_of_no_pulse_says_so(data: dict[str, Any], file: Path, tmp_path: Path) -> None:
    made = sampled(pins_of(data, []), RATE_HZ)
    path = write_vcd(made, tmp_path / "a.vcd")
    assert main(["verify", str(path), str(file), *signals(made), "-o", str(tmp_path / "a.png")]) == 1
    assert (tmp_path / "a.png").stat().st_size > 5_000


def test_our_own_emulated_boards_trace_needs_no_option(
    data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins, trace = pins_of(data), Trace()
    names = {"phase_a_0": "ch0_a", "phase_b_0": "ch0_b", "phase_a_1": "ch1_a", "phase_b_1": "ch1_b", "enable": "enable"}
    rows = [(20_000_000, name, 0) for name in names.values()]
    for role, name in names.items():
        for rise, fall in pins.highs[role]:
            rows += [(int(1000 * (rise + 50_000)), name, 1), (int(1000 * (fall + 50_000)), name, 0)]
    for row in sorted(rows):
        trace.add(*row)
    trace.end_nanos += 200_000_000
    trace.write_vcd(tmp_path / "trace.vcd")
    assert main(["verify", str(tmp_path / "trace.vcd"), str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sorted(said["guessed"]) == sorted(names) and said["resolution_us"] == 0.001


# ---- what is not understood ----


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """One message on standard error, status 2, and the same as JSON."""
    assert main(["verify", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("nmes: ") and said.err.count("\n") == 1
    assert main(["verify", *arguments, "--json"]) == 2
    as_json = json.loads(capsys.readouterr().out)
    assert as_json["error"]
    return said.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--signal", "D0"], "write PIN=NAME, as in --signal phase_a_0=D3"),
        (["--signal", "phase_a_0="], "write PIN=NAME"),
        (["--signal", "phase_c_0=D0"], "PIN is one of phase_a_0"),
        (["--signal", "phase_a_0=D0", "--signal", "phase_a_0=D1"], "phase_a_0 twice"),
        (["--signal", "phase_a_0=D77"], 'no signal "D77" for phase_a_0; it has: D0, D1, D2, D3, D4'),
        (["--signal", "phase_a_0=D0", "--signal", "phase_b_0=D0"], "each pin has one of its own"),
        ([], "which pin it is; say it: --signal phase_a_0=NAME --signal phase_b_0=NAME. It has: D0, D1"),
        (["--sample-rate", "fast"], "write it as 24MHz"),
        (["--sample-rate", "0"], "write it as 24MHz"),
        (["--signal", "phase_a_0=D0", "--sample-rate", "12MHz"], "was sampled at 24 MHz"),
        (["--ppm", "0"], "a number above 0"),
        (["--ppm", "many"], "a number above 0"),
        (["--output", "picture.bmp"], ".png, .svg, .pdf"),
        (["--board", "spoon"], 'no board "spoon"'),
    ],
)  # fmt: skip
def test_options_that_are_not_understood(
    options: list[str], said: str, good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_vcd(good, tmp_path / "a.vcd")
    assert said in refused([str(path), str(file), *options], capsys)


def test_a_rate_that_nobody_says_is_asked_for(
    good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_saleae(good, tmp_path / "a.csv")
    said = refused([str(path), str(file), *signals(good)], capsys)
    assert "--sample-rate 24MHz" in said and "would fit 24 MHz" in said


@pytest.mark.parametrize("rate", ["1MHz", "10MHz", "25MHz"])
def test_a_rate_that_is_not_the_captures_is_found(
    rate: str, good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_saleae(good, tmp_path / "a.csv")
    assert "lies between two samples" in refused([str(path), str(file), *signals(good), "--sample-rate", rate], capsys)


def test_a_capture_that_is_too_slow_for_its_phases_is_refused(
    data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sampled(pins_of(data), 8_000)
    path = write_vcd(made, tmp_path / "a.vcd")
    assert "too rarely for phases of 200 us" in refused([str(path), str(file), *signals(made)], capsys)


def test_files_that_are_none_are_refused(
    good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.sr").write_bytes(b"")
    assert "is empty" in refused([str(tmp_path / "empty.sr"), str(file)], capsys)
    whole = write_sr(good, tmp_path / "whole.sr").read_bytes()
    (tmp_path / "cut.sr").write_bytes(whole[: len(whole) // 2])
    assert "save the capture again" in refused([str(tmp_path / "cut.sr"), str(file)], capsys)
    assert "no capture of pins" in refused([str(file), str(file)], capsys)
    path = write_vcd(good, tmp_path / "a.vcd")
    assert main(["verify", str(path), str(path)]) == 2
    assert "the capture stands first" in capsys.readouterr().err
    assert "none.vcd cannot be read (No such file" in refused([str(tmp_path / "none.vcd"), str(file)], capsys)
    (tmp_path / "folder.vcd").mkdir()
    os.mkfifo(tmp_path / "pipe.vcd")  # of which the second reading would see nothing
    for name in ("folder.vcd", "pipe.vcd"):
        assert f"{name} is no file" in refused([str(tmp_path / name), str(file)], capsys)


def test_a_capture_of_something_else_is_not_passed(
    good: Sampled, data: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sampled(pins_of(data), RATE_HZ)
    changes = {name: list(range(7, 4_000_000, 20_011)) for name in other.changes}
    serial = Sampled(RATE_HZ, 4_000_100, changes, frozenset())
    path = write_vcd(serial, tmp_path / "serial.vcd")
    assert main(["verify", str(path), str(file), *signals(serial)]) == 1
    assert "failed" in capsys.readouterr().out


def test_names_with_hidden_characters_are_shown(
    good: Sampled, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_saleae(good, tmp_path / "a.csv")
    path.write_text(path.read_text().replace("D3", "\u202eD3", 1))
    assert "<U+202E>D3" in refused([str(path), str(file)], capsys)

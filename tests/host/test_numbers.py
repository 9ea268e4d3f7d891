"""Figures on the command line read one way, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opennmes.cli import main

pytestmark = pytest.mark.usefixtures("virtual_board")

TWO = "\n[[channel]]\nchannel = 0\n\n[[channel]]\nchannel = 1\ndelay_s = 0.01\n"

# What no number may look like, whatever it is for.
NO_NUMBER = [
    "2,5", "2;5", "2:5", "2/5", "2 5", "2.5.1", "1'000", "+5", "-5", "1e1", "1E1", "0x5", "1_0", "inf", "nan",
    "Infinity", " 5", "5 ", "5\n", "\t5", "\u00a05", "5\u200b", "", ".", ".5", "5.", "5mA",
    "\uff15", "\u0661\u0660", "\u096b", "5.\u0665", "\xb2", "\xbd",
]  # fmt: skip


@pytest.fixture
def two_channels(example_file: Path) -> Path:
    example_file.write_text(example_file.read_text() + TWO)
    return example_file


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a command line that is not understood, before anything is opened."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert (said.out, "OpenNMES" in said.err, "bug" in said.err) == ("", False, False)
    return said.err


@pytest.mark.parametrize("text", NO_NUMBER, ids=ascii)
@pytest.mark.parametrize("channel", ["", "0="])
def test_a_current_that_reads_two_ways_is_refused(
    channel: str, text: str, example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", str(example_file), "--port", "virtual", "--acknowledge", f"--intensity={channel}{text}"]
    said = refused(run, capsys)
    assert "--intensity 2.5" in said
    assert "--intensity 0=2.5 --intensity 1=5" in said


@pytest.mark.parametrize("option", ["--seconds", "--person-max", "--load-ohm"])
@pytest.mark.parametrize("text", NO_NUMBER, ids=ascii)
def test_every_other_number_is_as_strict(
    option: str, text: str, example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["run", str(example_file), "--port", "virtual", "--acknowledge", f"{option}={text}"], capsys)
    assert option in said
    assert "0 to 9" in said


@pytest.mark.parametrize("text", ["\uff11\uff10\uff10", "1_000", "500.0", "5e2"])
def test_the_load_of_an_emulated_board_too(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--load-ohm" in refused(["emulate", "--load-ohm", text], capsys)


@pytest.mark.parametrize("text", ["0", "0.99", "5.01", "1,7", "1.700", "1e0", "-1", "nan", ""])
def test_the_factor_of_a_slow_cpu_is_1_to_5(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["emulate", f"--cpu-factor={text}"], capsys)
    assert "--cpu-factor" in said and "1 to 5" in said


@pytest.mark.parametrize("text", ["0", "0.9", "1001", "1,5", "nan", "1e2", "-2", ""])
def test_patience_is_a_factor_of_1_to_1000(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--patience" in refused([f"--patience={text}", "devices"], capsys)
    if text:  # an empty variable says nothing
        monkeypatch.setenv("NMES_PATIENCE", text)
        assert "--patience" in refused(["devices"], capsys)


def test_thousands_are_no_fraction_of_a_second(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["run", str(example_file), "--port", "virtual", "--acknowledge", "--seconds", "1.500"], capsys)
    assert "at most 2 decimals" in said


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["0=2", "0=2"], "channel 0 twice"),
        (["0=2", "1=3", "0=4"], "channel 0 twice"),
        (["2", "5"], "2 times"),
        (["2", "1=5"], "not always with a channel"),
        (["1=5", "2"], "not always with a channel"),
        (["2=5"], "the channels are 0 to 1"),
        (["a=5"], "names no channel"),
        (["=5"], "names no channel"),
        (["0 =5"], "names no channel"),
        (["\u0660=5"], "names no channel"),
        (["00=5"], "names no channel"),
        (["0=1=5"], "names no channel"),
        (["0=2,1=5"], "names no channel"),
        (["0=1001"], "0 to"),
        (["0=1.0001"], "at most 3 decimals"),
    ],
)
def test_channels_are_named_once(
    texts: list[str], says: str, two_channels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--intensity={text}" for text in texts]
    assert says in refused(["run", str(two_channels), "--port", "virtual", "--acknowledge", *options], capsys)


def ran(file: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    status = main(["run", str(file), "--port", "virtual", "--acknowledge", "--seconds", "3", "--json", *options])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["2"], "not_one_each", "--intensity 0=MA --intensity 1=MA"),
        (["0"], "not_one_each", "--intensity 0=MA --intensity 1=MA"),
        (["0=2"], "not_one_each", "--intensity 1=MA too"),
        (["1=2"], "not_one_each", "--intensity 0=MA too"),
    ],
)
def test_each_channel_needs_its_current(
    options: list[str], code: str, says: str, two_channels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said, err = ran(two_channels, [f"--intensity={text}" for text in options], capsys)
    assert (status, said["done"], said["reasons"][0]["code"]) == (1, False, code)
    assert says in err
    assert "running" not in err


def test_a_channel_that_is_not_used_gets_none(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said, err = ran(example_file, ["--intensity", "1=2"], capsys)
    assert (status, said["reasons"][0]["code"]) == (1, "channel_not_used")
    assert "running" not in err


@pytest.mark.parametrize("options", [["0=2.5", "1=5"], ["1=5", "0=2.5"]])
def test_each_current_is_said_before_the_checklist(
    options: list[str], two_channels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said, err = ran(two_channels, [f"--intensity={text}" for text in options], capsys)
    assert (status, said["intensities_ma"]) == (0, [2.5, 5])
    assert err.index("channel 0: up to 2.5 mA\nchannel 1: up to 5 mA\n") < err.index("Checklist") < err.index("running")


@pytest.mark.parametrize(("options", "says"), [(["--intensity", "2.5"], "up to 2.5 mA"), ([], "no current")])
def test_one_channel_needs_no_name(
    options: list[str], says: str, example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = ran(example_file, options, capsys)
    assert status == 0
    assert f"channel 0: {says}\n" in err

"""docs/verify.md: its commands work as they stand, and its figures are those of the code."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from captures_for_tests import pins_of, sampled, write_saleae, write_sr, write_vcd
from judged_captures import RATES_HZ, WRONG_PULSES, WRONG_SAMPLES

from opennmes.boards import load_board
from opennmes.cli import main
from opennmes.cli.verify import _MOST_PPM
from opennmes.measure.matching import WANDER_PPM
from opennmes.measure.of_unit import ENABLE_FALLS_PS
from opennmes.pins import pins_of as board_pins
from opennmes.prescription import Prescription
from opennmes.prescription.timetable import LEVEL_PERIOD_US, PUMP_HALF_US

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "verify.md").read_text()
COMMANDS = [line for line in DOCUMENT.split("```sh\n")[1].split("```")[0].splitlines() if line]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory, example: str) -> Path:
    """A folder with a prescription and captures of it."""
    folder = tmp_path_factory.mktemp("captured")
    (folder / "my.toml").write_text(example.replace("duration_min = 15", "duration_min = 0.5"))
    pins = pins_of(Prescription.read(folder / "my.toml").data)
    made = sampled(pins, 24_000_000, 50)
    write_sr(made, folder / "capture.sr")
    write_vcd(made, folder / "capture.vcd")
    write_saleae(made, folder / "digital.csv")
    write_vcd(sampled(pins, 24_000_000, 50, begin=100, end=4_000_000), folder / "part.vcd")
    return folder


@pytest.fixture
def place(captured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it is the folder that nmes runs in."""
    shutil.copytree(captured, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.usefixtures("place")
def test_a_command_works_as_it_stands(line: str) -> None:
    assert main(shlex.split(line)[1:]) == 0


def test_there_are_commands_for_each_format() -> None:
    assert len(COMMANDS) == 4 and all(line.startswith("nmes verify ") for line in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        f"at most {_MOST_PPM} ppm",
        f"uncertainty + {WANDER_PPM:g} ppm",
        f"low at most {ENABLE_FALLS_PS / 1e9:g} ms after",
        f"a steady wave of {500 / PUMP_HALF_US:g} kHz",
        f"the {LEVEL_PERIOD_US} us of their PWM",
        f"wrong in {len(WRONG_PULSES) + len(WRONG_SAMPLES)} ways",
        f"at {', '.join(f'{rate // 10**6}' for rate in RATES_HZ[:-1])} and {RATES_HZ[-1] // 10**6} MHz",
    ],
)
def test_the_figures_are_those_of_the_code(words: str) -> None:
    assert words in re.sub(r"\s+", " ", DOCUMENT.replace("**", ""))


def test_the_pins_are_those_of_the_board() -> None:
    gpios = {(pin.function, pin.channel): pin.gpio for pin in board_pins(load_board("pico"))}
    text = re.sub(r"\s+", " ", DOCUMENT)
    assert f"channel 0 is GP{gpios['phase_a', 0]} and GP{gpios['phase_b', 0]}" in text
    for name, key in (("enable", ("enable", None)), ("pump", ("pump", None))):
        assert f"`{name}` (GP{gpios[key]})" in text
    assert f"a level pin (GP{gpios['level_a', 0]})" in text


def test_pump_and_levels_are_the_waves_that_the_hardware_document_has() -> None:
    hardware = (ROOT / "docs" / "hardware.md").read_text()
    assert f"a {500 / PUMP_HALF_US:g} kHz square wave" in hardware
    assert f"PWM, {1000 / LEVEL_PERIOD_US:g} kHz" in hardware

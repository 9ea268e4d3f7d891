"""A bare board: the image for no output stage, on the emulated chip with the interlock's two wires and nothing else."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from served import served
from starting import begin

from nmes.core import faults
from opennmes.boards import load_board
from opennmes.device.client import Device, DeviceRefused
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.wires import Wires
from opennmes.ports.emulator import EmulatedPort

ROOT = Path(__file__).resolve().parents[2]
PHASE = {
    "name": "on", "rate_mhz": 35_000, "width_us": 250, "gap_us": 50, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 0,
    "ramp_down_ms": 0, "duration_ms": 60_000,
}  # fmt: skip
PROGRAMME: dict[str, Any] = {
    "title": "pins", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 10_000},
    "max_current_ua": 20_000, "phases": [PHASE],
}  # fmt: skip


@pytest.fixture(scope="session")
def bare_uf2() -> Path:
    """The Pico's UF2 for no output stage."""
    command = [sys.executable, str(ROOT / "scripts/toolchain.py"), "uf2", "pico", "bare"]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, "the UF2 could not be built; see above"
    return Path(built.stdout.strip())


def test_two_wires_are_enough_for_a_waveform_that_is_exact(bare_uf2: Path) -> None:
    pico = EmulatedPico(bare_uf2)
    wires = Wires(pico, load_board("pico", "bare"))
    device = Device(EmulatedPort(pico))
    assert device.connect()["stage"] == "bare"
    for_a_person = dict(PHASE, ramp_up_ms=2_000, ramp_down_ms=2_000)
    with pytest.raises(DeviceRefused) as refused:
        device.load(dict(PROGRAMME, electrode={"kind": "pads", "area_mm2": 10_000}, phases=[for_a_person]))
    assert [each["code"] for each in refused.value.reasons] == ["dummy_only"]
    loaded = device.load(PROGRAMME)
    device.arm(loaded["programme_crc"])  # nobody has confirmed a patient's checklist
    device.start()
    device.set_intensity(1_000, 0)
    device.wait(0.3)
    status = device.status()
    assert (status["state"], status["fault"], status["channels"][0]["measured_ua"]) == ("RUNNING", 0, None), status[
        "fault_text"
    ]
    answer = device.stop()
    trace = wires.finish()
    rises, falls = {}, {}
    for name in ("ch0_a", "ch0_b"):
        changes = [(at, level) for at, level in trace.changes(name) if at]
        rises[name] = [at for at, level in changes if level]
        falls[name] = [at for at, level in changes if not level and at > rises[name][0]]
        assert {fall - rise for rise, fall in zip(rises[name], falls[name], strict=True)} == {250_000}
    assert {b - a for a, b in zip(rises["ch0_a"], rises["ch0_b"], strict=True)} == {300_000}
    assert {later - sooner for sooner, later in itertools.pairwise(rises["ch0_a"])} == {28_571_000}
    account = answer["account"]
    assert len(rises["ch0_a"]) == account["delivered"] >= 8
    assert account["channels"][0]["measured"] is None


def test_dividers_are_enough_for_the_reference_image_to_run_at_zero(uf2: Path) -> None:
    pico = EmulatedPico(uf2)
    wires = Wires(pico, load_board("pico"), dividers=True)
    device = Device(EmulatedPort(pico))
    device.connect()
    begin(device, PROGRAMME)
    device.wait(0.3)
    status = device.status()
    assert (status["state"], status["fault"]) == ("RUNNING", 0), status["fault_text"]
    delivered = status["delivered"]
    assert len([at for at, level in wires.finish().changes("ch0_a") if level]) >= delivered >= 8
    # And with a current that nothing here could sense it ends, as it must.
    for current_ua in (1_000, 2_000):
        device.set_intensity(current_ua, 0)
        device.wait(0.3)
    status = device.status()
    assert (status["state"], status["fault"]) == ("FAULT", faults.ELECTRODE_OPEN)


def first_waveform() -> list[list[str]]:
    """What README has somebody type who has nothing but a board and two wires; docs/first-waveform.md says the same."""
    found = []
    for page, heading in (("README.md", "A first waveform"), ("docs/first-waveform.md", "With nothing but a Pico")):
        section = (ROOT / page).read_text().partition(f"\n## {heading}")[2].partition("\n## ")[0]
        found.append([line.split()[1:] for line in section.splitlines() if line.startswith("nmes ")])
    assert found[0] == found[1]
    return found[0]


def test_what_readme_says_with_nothing_but_a_board_and_two_wires(bare_uf2: Path, tmp_path: Path) -> None:
    def nmes(*arguments: object) -> subprocess.CompletedProcess[str]:
        return processes.ran(*arguments, cwd=tmp_path)

    link, folder = tmp_path / "board", tmp_path / "RPI-RP2"
    with served(link, bare_uf2, "--bare", "--bootsel", str(folder)):
        flash, programmes, run = first_waveform()
        assert [verb for verb, *_ in (flash, programmes, run)] == ["flash", "programmes", "run"]
        flashed = nmes(*flash, "--port", link, "--mount", folder, "--yes")
        assert flashed.returncode == 0, flashed.stderr
        written = nmes(*programmes)
        assert written.returncode == 0, written.stderr
        ran = nmes(*run, "--port", link, "--json")
        assert ran.returncode == 0, ran.stderr
        assert "pins only" in ran.stderr and "Checklist" not in ran.stderr
        result = json.loads(ran.stdout)
        assert result["identity"]["stage"] == "bare"
        assert result["account"]["delivered"] >= 1  # its seconds are those of the wall, and few on the emulated chip
        status = nmes("status", "--port", link, "--json")
        assert json.loads(status.stdout)["identity"]["stage"] == "bare"

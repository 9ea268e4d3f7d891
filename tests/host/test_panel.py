"""The panel on the virtual board: a patient's session with no host at all, and what a host may that comes meanwhile."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from panel_for_tests import PanelPort, keep

from nmes.core import checklist, faults
from opennmes import paths
from opennmes.boards import stage_of
from opennmes.device.client import Device, DeviceRefused
from opennmes.measure.pulse_log import read_pulse_log
from opennmes.ports.lamps import Lamps
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess

pytestmark = pytest.mark.usefixtures("virtual_board")

OUTPUT, READY = Lamps(output=True), Lamps(ready=True)
STRESS = paths.PROGRAMMES / "stress-incontinence-50hz.toml"
TENS = paths.PROGRAMMES / "c-section-tens.toml"
RESISTOR = paths.PROGRAMMES / "bench-resistor.toml"
BOTH = paths.PROGRAMMES / "abdominal-diastasis.toml"
LIBRARY = [path for path in sorted(paths.PROGRAMMES.glob("*.toml")) if not path.name.startswith("bench-")]

Power = Callable[..., PanelPort]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def power_on(store: Path) -> Iterator[Power]:
    """Makes the board, with the power back: what it keeps is still there."""
    made = []

    def power(**arguments: Any) -> PanelPort:
        made.append(PanelPort(store=store, **arguments))
        return made[-1]

    yield power
    for port in made:
        port.close()


def pulses_of(file: Path) -> int:
    """How many pulses a prescription has."""
    programme = assess(Prescription.read(file).data, stage_of("virtual")).programme
    assert programme
    return int(programme.pulses)


def wait_for(port: PanelPort, row: int, begins: str, most_s: float = 60, every_s: float = 0.05) -> None:
    """Until a row begins so."""
    end_s = port.now_s() + most_s
    while not port.rows()[row].startswith(begins):
        assert port.now_s() < end_s, port.rows()
        port.pass_s(every_s)


def test_a_patient_s_whole_session_with_no_host_from_choosing_a_programme_to_its_end(
    store: Path, power_on: Power, tmp_path: Path
) -> None:
    keep(store, TENS, STRESS)
    log = tmp_path / "pulses.csv"
    port = power_on(pulse_log=log)
    port.pass_s(1)
    assert port.rows()[:2] == ["Choose programme", "1 of 2"] and port.lamps == READY
    port.press("programme")
    port.pass_s(0.2)
    assert port.rows()[1:4] == ["2 of 2", "Stress", "incontinence, 50"]
    port.press("start")
    assert port.rows()[:2] == ["Whole checklist", "not stated who"]
    port.pass_s(1)
    port.press("start")
    for number in range(1, len(checklist.STOP) + 1):
        assert port.rows()[0] == f"Question {number} of {len(checklist.STOP)}"
        port.pass_s(1)
        port.press("start")
    assert [port.rows()[at] for at in (0, 5, 6)] == ["Ready", "hold start:", "begins at 0 mA"]
    port.press("start", seconds=1.2)
    assert (port.large(), port.lamps) == (["0"], OUTPUT)
    # Up to 5 mA, in as many contractions as it takes.
    for level in range(1, 6):
        wait_for(port, 6, "Work")
        port.press("up")
        port.pass_s(0.3)
        if port.large() != [str(level)]:
            wait_for(port, 6, "Rest")
            wait_for(port, 6, "Work")
            port.press("up")
        assert port.large() == [str(level)]
    wait_for(port, 6, "Rest")
    port.press("up")
    assert port.large() == ["5"] and port.rows()[5:] == ["Up only while it", "works", "only_in_work"]
    port.press("down")
    assert port.large() == ["4"]
    port.press("start")
    port.pass_s(0.2)
    assert (port.rows()[0], port.large()) == ("Paused", ["0"])
    port.pass_s(30)
    port.press("start")
    port.pass_s(0.2)
    assert port.large() == ["0"]
    wait_for(port, 0, "Finished", 3_600, every_s=1)
    port.pass_s(0.2)
    assert port.rows()[5] == "most 5 mA" and port.lamps == READY
    port.pass_s(2)
    pulses = read_pulse_log(log)
    assert len(pulses) == pulses_of(STRESS)
    assert max(pulse.level_a for pulse in pulses) == 50  # of 1000 for 100 mA
    port.press("up")
    assert [port.rows()[at] for at in (0, 5)] == ["Choose programme", "last 5 mA"]
    # Its schedule holds, and says for how long.
    port.answer()
    port.press("start", seconds=1.2)
    assert [port.rows()[at] for at in (0, 5, 6)] == ["Not possible", "in 20 h 0 min", "too_soon_again"]


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.stem)
def test_every_programme_of_the_library_is_delivered_whole(
    file: Path, store: Path, power_on: Power, tmp_path: Path
) -> None:
    keep(store, file)
    log = tmp_path / "pulses.csv"
    port = power_on(pulse_log=log)
    port.pass_s(1)
    port.begin()
    port.press("up")
    assert (port.lamps, port.large()[0]) == (OUTPUT, "1")
    wait_for(port, 0, "Finished", 4_000, every_s=5)
    pulses = read_pulse_log(log)
    assert len(pulses) == pulses_of(file)
    assert {pulse.level_a for pulse in pulses if pulse.channel == 0} >= {0, 10}
    assert max(pulse.level_a for pulse in pulses) == 10


def test_a_session_of_20_minutes_is_given_to_the_microsecond(store: Path, power_on: Power, tmp_path: Path) -> None:
    """In full, all 120 000 turns of it; a computer takes two seconds for that."""
    keep(store, STRESS)
    log = tmp_path / "pulses.csv"
    port = power_on(pulse_log=log)
    port.pass_s(1)
    port.begin()
    begun_s = port.now_s()
    port.press("up")
    port.pass_s(begun_s + 1_195 - port.now_s())
    assert port.lamps == OUTPUT
    wait_for(port, 0, "Finished")
    assert port.now_s() - begun_s == pytest.approx(20 * 60, abs=0.5)
    pulses = read_pulse_log(log)
    assert len(pulses) == pulses_of(STRESS) == 20_000
    apart_us = Counter(later.start_us - sooner.start_us for sooner, later in itertools.pairwise(pulses))
    # 80 contractions: 5 s at 50 Hz, and 10 s of rest.
    assert apart_us == {20_000: 80 * 249, 10_020_000: 79}


def test_h26_stop_ends_it_in_the_turn_in_which_it_is_pressed(store: Path, power_on: Power, tmp_path: Path) -> None:
    keep(store, TENS)
    log = tmp_path / "pulses.csv"
    port = power_on(pulse_log=log)
    port.pass_s(1)
    port.begin()
    port.press("up")
    port.pass_s(1.003)
    port.hold("stop", "up")
    pressed_s = port.now_s()
    port.pass_s(0.011)  # one turn
    assert port.lamps == READY
    port.pass_s(1)
    assert read_pulse_log(log)[-1].start_us <= (pressed_s + 0.011) * 1e6


def test_h14_a_host_that_comes_meanwhile_watches_and_stops_and_nothing_else(store: Path, power_on: Power) -> None:
    keep(store, TENS)
    port = power_on()
    port.pass_s(1)
    port.begin()
    port.press("up")
    device = Device(port)
    device.introduce()
    assert device.status()["state"] == "RUNNING" and device.status()["channels"][0]["intensity_ua"] == 1_000
    for name, arguments in (
        ("pause", {}), ("start", {}), ("keepalive", {}), ("intensity", {"channel": 0, "current_ua": 0}),
        ("set", {"settings": {"language": 1}}), ("select", {"number": 1}),
    ):  # fmt: skip
        with pytest.raises(DeviceRefused) as refused:
            device.request(name, **arguments)
        assert refused.value.error == "not_owner"
    port.pass_s(5)  # without a word from anybody
    assert device.status()["state"] == "RUNNING"
    device.stop()
    port.pass_s(0.2)
    assert device.status()["ended"] == "stopped" and port.rows()[0] == "Stopped"


def test_h14_while_a_host_has_a_session_the_panel_only_stops(store: Path, power_on: Power) -> None:
    keep(store, TENS)
    port = power_on()
    port.pass_s(1)
    port.answer()
    with Device(port) as device:
        device.connect()
        accepted = device.select(1)
        device.acknowledge()
        device.arm(accepted["programme_crc"])
        device.start()
        device.raise_to(2_000)
        for name in ("start", "up", "down", "programme"):
            port.press(name, seconds=1.2)
            assert device.status()["channels"][0]["intensity_ua"] == 2_000
        assert port.rows()[0] == "A computer" and port.large() == ["2"]
        port.press("stop")
        assert device.status()["ended"] == "stopped"


def test_an_electrode_that_is_off_is_told_with_its_number_and_cleared_by_a_person(store: Path, power_on: Power) -> None:
    keep(store, TENS)
    port = power_on(load_ohm=1_000_000_000)
    port.pass_s(1)
    port.begin()
    for _ in range(2):
        port.press("up")
        port.pass_s(0.3)
    port.pass_s(0.3)
    assert port.rows()[0] == f"Fault {faults.ELECTRODE_OPEN}" and port.large() == ["Electrode?"]
    assert not port.lamps.output and any(lamps.fault for _, lamps in port.lit)
    port.press("start", seconds=1.2)
    assert port.rows()[0] == "Choose programme"


def test_h27_without_a_display_nothing_begins(store: Path, power_on: Power) -> None:
    keep(store, TENS)
    port = power_on(display=False)
    port.pass_s(1)
    for _ in range(12):
        port.press("start", seconds=1.2)
        port.pass_s(1)
    assert port.lit == [(0.0, READY)] and not any(map(any, port.pages))


def in_german(port: PanelPort) -> Device:
    """The device at the panel, once its display is in German."""
    device = Device(port)
    device.connect()
    device.request("set", settings={"language": 1})
    port.pass_s(1.2)
    return device


def test_h01_a_prescription_for_a_resistor_is_listed_and_not_begun(store: Path, power_on: Power) -> None:
    keep(store, RESISTOR)
    port = power_on()
    with in_german(port) as device:
        assert port.rows()[1:3] == ["1 von 1", "Bench, a"]
        port.press("start")
        port.pass_s(0.2)
        assert port.rows()[2:7] == ["Nicht am Körper.", "Praxis fragen", "", "", "for_resistor"]
        for _ in range(14):
            port.pass_s(1)
            port.press("start", seconds=1.2)
        assert device.status()["state"] == "IDLE"
    assert {lamps for _, lamps in port.lit} == {READY}


def test_what_is_shown_on_two_channels_in_german(store: Path, power_on: Power) -> None:
    keep(store, BOTH)
    port = power_on()
    with in_german(port):
        assert port.rows()[:2] == ["Programm wählen", "1 von 1"]
        port.begin()
        port.press("programme")
        port.press("up")
        assert port.large() == ["0", "1"]
        assert port.rows()[5] == " 1: mA  >2: mA" and port.rows()[6].startswith("Anspannen ")

"""nmes run and status, on the virtual board with the real firmware."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import preloaded
import processes
import pytest
from starting import begin

from nmes.core import session
from opennmes import paths
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.cli.run import channels_in_words
from opennmes.device.client import Device, DeviceRefused
from opennmes.measure.pulse_log import read_pulse_log
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

pytestmark = pytest.mark.usefixtures("virtual_board")

REFUSED = str(Path(__file__).parents[2] / "docs" / "examples" / "refused-small-probe.toml")


def ran(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = main(["run", *arguments, "--port", "virtual", "--json"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return status, json.loads(said.out)


def test_some_seconds_of_a_session(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = ran([str(example_file), "--intensity", "5", "--seconds", "20", "--acknowledge"], capsys)
    assert (status, said["done"], said["ended"]) == (0, True, "stopped")
    # 5 s of work, 10 s of rest, 5 s of work
    assert said["account"]["delivered"] == said["account"]["queued"] - said["account"]["cancelled"] == 2 * 5 * 35
    assert said["account"]["underruns"] == 0


def test_a_whole_session(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example_file.write_text(example_file.read_text().replace("duration_min = 15", "duration_min = 1"))
    status, said = ran([str(example_file), "--intensity", "40", "--acknowledge"], capsys)
    assert (status, said["ended"]) == (0, "completed")
    assert said["account"]["delivered"] == said["loaded"]["pulses"] == 4 * 5 * 35
    assert said["status"]["state"] == session.IDLE


def test_the_account_of_what_was_measured_is_what_the_programme_asked_for(example_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "pulses.csv"
    programme = Prescription.read(example_file).data
    stage = stage_of("virtual")
    with Device(VirtualPort(log, load_ohm=700)) as device:
        device.connect()
        begin(device, programme)
        device.raise_to(11_000)
        device.wait(20)
        status = device.status()
        account = device.stop()["account"]
    pulses = read_pulse_log(log)
    (made,) = account["channels"]
    assert (made["measured"], made["missed"]) == (len(pulses), 0) == (account["delivered"], 0)
    true_nc = sum(pulse.current_ma(stage) * pulse.width_a_us for pulse in pulses)
    assert abs(made["charge_a_nc"] - true_nc) <= len(pulses) * 0.0275 * 250
    assert made["charge_a_nc"] == made["charge_b_nc"]
    (row,) = status["channels"]
    assert (made["current_most_ua"], row["net_charge_nc"], status["state"]) == (11_000, 0, session.RUNNING)
    assert abs(row["impedance_ohm"] - 700) <= 40


def test_each_channel_has_its_account(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = example_file.read_text()
    example_file.write_text(text + "\n[[channel]]\nchannel = 0\n\n[[channel]]\nchannel = 1\ndelay_s = 0.01\n")
    arguments = [
        str(example_file),
        "--intensity",
        "0=3",
        "--intensity",
        "1=3",
        "--seconds",
        "8",
        "--acknowledge",
        "--port",
        "virtual",
    ]
    assert main(["run", *arguments]) == 0
    said = capsys.readouterr()
    for channel in (0, 1):
        assert f"measured by the device, channel {channel}: " in said.out
    assert said.out.count(" 0 missed, mean current ") == 2


def test_the_live_line_names_channels_when_there_are_two() -> None:
    row = {"channel": 0, "intensity_ua": 3_000, "output_ua": 2_900, "measured_ua": 2_860, "impedance_ohm": 500}
    text = "set 3 mA, now 2.9 mA, measured 2.86 mA into 500 ohm"
    assert channels_in_words({"channels": [row]}) == text
    other = row | {"channel": 1, "impedance_ohm": 0}
    unknown = text.replace("500 ohm", "an unknown load")
    assert channels_in_words({"channels": [row, other]}) == f"channel 0: {text}; channel 1: {unknown}"


@pytest.mark.parametrize(("load_ohm", "fault"), [(10_000_000, 11), (0, 12)])
def test_a_load_that_is_none_ends_the_session(
    example_file: Path, capsys: pytest.CaptureFixture[str], load_ohm: int, fault: int
) -> None:
    arguments = [str(example_file), "--intensity", "20", "--acknowledge", "--load-ohm", str(load_ohm)]
    status, said = ran(arguments, capsys)
    assert (status, said["done"], said["status"]["fault"]) == (1, False, fault)
    assert said["status"]["state"] == session.FAULT


def test_without_an_intensity_it_says_that_there_is_no_current(
    example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(example_file), "--port", "virtual", "--seconds", "1", "--acknowledge"]) == 0
    said = capsys.readouterr()
    assert "running at zero" in said.err
    assert "pulses delivered of" in said.out


def test_the_checklist_is_shown_and_has_to_be_confirmed(
    example_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    assert main(["run", str(example_file), "--port", "virtual", "--seconds", "1"]) == 1
    said = capsys.readouterr().err
    assert "No pacemaker" in said
    assert "--acknowledge" in said


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 1)])
def test_a_person_at_the_terminal_is_asked(
    answer: bool, status: int, example_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *arguments, **options: answer)
    assert main(["run", str(example_file), "--port", "virtual", "--seconds", "1"]) == status


def test_the_host_refuses_and_so_does_the_device(capsys: pytest.CaptureFixture[str]) -> None:
    status, by_host = ran([REFUSED, "--acknowledge"], capsys)
    assert (status, by_host["done"]) == (1, False)
    assert "host" in by_host["error"]
    status, by_device = ran([REFUSED, "--acknowledge", "--device-check-only"], capsys)
    assert (status, by_device["done"]) == (1, False)
    assert "the device refused load" in by_device["error"]
    assert by_host["reasons"] == by_device["reasons"]
    assert {reason["code"] for reason in by_host["reasons"]} == {"rms_current_density", "shannon"}


@pytest.mark.parametrize(("intensity", "says"), [("40.1", "at most 40 mA"), ("12.55", "12.5 and 12.6 mA")])
def test_an_intensity_that_cannot_be_is_refused_before_the_start(
    intensity: str, says: str, example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", str(example_file), "--port", "virtual", "--acknowledge", "--intensity", intensity]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "running" not in said


def test_status_says_who_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--port", "virtual", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["identity"]["board"] == "virtual"
    assert said["status"]["state"] == session.IDLE
    assert main(["status", "--port", "virtual"]) == 0
    assert "virtual" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_session_and_leaves_nothing_running(number: signal.Signals, example_file: Path) -> None:
    # As long as can be, so that it cannot be over before the signal comes.
    example_file.write_text(example_file.read_text().replace("duration_min = 15", "duration_min = 30"))
    process = preloaded.start(
        processes.command("run", example_file, "--port", "virtual", "--acknowledge", "--json"), text=True,
        env=processes.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("running"):
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted: the session was stopped" in err
    assert "Traceback" not in err
    said = json.loads(out)
    assert (said["interrupted"], said["ended"], said["status"]["state"]) == (True, "stopped", session.IDLE)
    assert not Path(f"/proc/{children[0]}").exists()


def test_every_prescription_of_the_library_is_accepted_by_the_device() -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        for file in sorted(paths.PROGRAMMES.glob("*.toml")):
            prescription = Prescription.read(file)
            assert device.load(prescription.data)["largest_current_ua"] == prescription.data["max_current_ua"]


def test_a_title_in_any_script_is_the_same_programme_on_both_sides(example_file: Path) -> None:
    text = example_file.read_text().replace("Stress incontinence", "Rééducation périnéale 骨盆底 'a' \\\\ x")
    example_file.write_text(text)
    with Device(VirtualPort()) as device:
        device.connect()
        device.load(Prescription.read(example_file).data)


def test_the_pulse_log_has_every_pulse_at_its_level(example_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "pulses.csv"
    with Device(VirtualPort(log)) as device:
        device.connect()
        begin(device, Prescription.read(example_file).data)
        device.raise_to(5_000)
        device.wait(18.5 - device.port.now_s())
        delivered = device.stop()["account"]["delivered"]
    pulses = read_pulse_log(log)
    assert len(pulses) == delivered
    assert {(pulse.width_a_us, pulse.gap_us, pulse.width_b_us) for pulse in pulses} == {(250, 50, 250)}
    assert all(pulse.level_a == pulse.level_b for pulse in pulses)
    assert max(pulse.current_ma(stage_of("virtual")) for pulse in pulses) == 5.0


def test_h14_a_device_that_no_host_keeps_alive_stops_by_itself(example_file: Path) -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        begin(device, Prescription.read(example_file).data)
        begin_s = device.port.now_s()
        while device.port.now_s() - begin_s < 4:
            device.port.read(1)
        device.state = ""
        assert device.status()["ended"] == "host lost"


def test_what_the_device_refuses_leaves_it_as_it_was(example_file: Path) -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        device.load(Prescription.read(example_file).data)
        with pytest.raises(DeviceRefused, match="the device refused arm") as caught:
            device.arm(1)
        assert {reason["code"] for reason in caught.value.reasons} == {"other_programme", "not_acknowledged"}
        assert device.status()["state"] == session.IDLE


def test_the_same_session_is_the_same_to_the_microsecond(example_file: Path, tmp_path: Path) -> None:
    logs = []
    for name in ("one.csv", "two.csv"):
        with Device(VirtualPort(tmp_path / name)) as device:
            device.connect()
            begin(device, Prescription.read(example_file).data)
            device.raise_to(3_000)
        logs.append((tmp_path / name).read_text())
    assert logs[0] == logs[1]
    assert logs[0]


@pytest.mark.parametrize("pulled_at", ["start", "keepalive", "stop"])
def test_h14_a_cable_that_is_pulled_in_a_session_is_said_with_what_to_do(
    pulled_at: str, example_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pulled(VirtualPort):
        gone = False

        def write(self, data: bytes) -> None:
            self.gone = self.gone or f'"cmd":"{pulled_at}"'.encode() in data
            if self.gone:
                raise PortError("virtual: the port is gone")
            super().write(data)

    monkeypatch.setattr("opennmes.cli.run.open_port", lambda *arguments, **options: Pulled())
    arguments = ["run", str(example_file), "--port", "virtual", "--acknowledge", "--seconds", "2", "--json"]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "the port is gone. A session may be running" in printed.err
    assert "take the electrodes off" in json.loads(printed.out)["error"]

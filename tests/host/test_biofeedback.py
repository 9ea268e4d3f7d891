"""A whole session whose contractions a person starts, on the virtual board: host, link, supervisor, pulses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmes.core import biofeedback, faults, screens
from opennmes.boards import load_board, stage_of
from opennmes.cli import main, view
from opennmes.device.client import Device, DeviceRefused
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess

ROOT = Path(__file__).resolve().parents[2]
STAGE = "reference-biofeedback"
ASKED = """
title = "Tighten, and it helps"
[electrode]
kind = "probe"
area_cm2 = 4
[limits]
max_current_ma = 20
[trigger]
source = "signal"
threshold_mv = 300
timeout_s = 20
contractions = 3
on_timeout = "skip"
[[phase]]
frequency_hz = 35
pulse_width_us = 200
work_s = 2
rest_s = 4
ramp_up_s = 0.5
ramp_down_s = 0.5
duration_min = 5
"""
DATA = Prescription.from_text(ASKED, Path("asked.toml")).data


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "pulses.csv"


@pytest.fixture
def port(log: Path) -> Iterator[VirtualPort]:
    made = VirtualPort(log, stage=STAGE, artefact_mv=2_000)
    made.set_signal(50)
    yield made
    made.close()


def armed(device: Device) -> None:
    loaded = device.load(DATA)
    device.acknowledge()
    device.arm(loaded["programme_crc"])


def pulses(log: Path) -> list[int]:
    """When each pulse began, in us."""
    return [int(line.split(",")[0]) for line in log.read_text().splitlines()]


def test_a_session_of_three_contractions(port: VirtualPort, log: Path) -> None:
    device = Device(port)
    assert device.connect()["stage"] == STAGE
    armed(device)
    device.start()

    def wait(seconds: float) -> None:
        end_s = port.now_s() + seconds
        while port.now_s() < end_s:
            if device.status()["state"] == "RUNNING":
                device.request("keepalive")
            port.let_pass(min(0.5, end_s - port.now_s()))

    wait(3)
    assert device.status()["part"] == "wait"
    begun_s = []
    for _ in range(3):
        port.set_signal(900)
        begun_s.append(port.now_s())
        wait(0.3)
        port.set_signal(50)
        assert device.status()["part"] == "work"
        wait(7)
    status = device.status()
    assert (status["state"], status["ended"], status["delivered"]) == ("IDLE", "completed", 210)
    found = pulses(log)
    trains = [found[at : at + 70] for at in range(0, 210, 70)]
    for train, at_s in zip(trains, begun_s, strict=True):
        assert {b - a for a, b in itertools.pairwise(train)} == {28_571}
        assert 0 < train[0] / 1e6 - at_s < 0.06, "three turns, and what is on its way to the board"


def test_who_watches_reads_the_signal_and_its_threshold(
    port: VirtualPort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(port)
    device.connect()
    armed(device)
    assert device.status()["trigger"]["signal_mv"] is None, "nobody looks before it runs"
    device.start()
    heard: list[int | None] = []
    device.on_event = lambda event: heard.append(event["trigger"]["signal_mv"])
    port.set_signal(210)
    device.wait(2.9)
    assert heard[2:] == [210] * len(heard[2:]) and len(heard) > 11, "four times a second while it is waited for"
    seen = view.trigger_in_words(device.status())
    assert seen == ["signal: 210 mV [#######...|..........], threshold 300 mV, contractions: 0 begun, 0 missed"]
    port.set_signal(900)
    device.wait(0.3)
    heard.clear()
    device.wait(1.5)
    assert set(heard) == {None} and len(heard) <= 2, "once a second while pulses come"
    seen = view.trigger_in_words(device.status())
    assert seen == ["signal: threshold 300 mV, contractions: 1 begun, 0 missed"]
    # Somebody else, who only looks.
    monkeypatch.setattr("opennmes.cli.status.open_port", lambda *_: port)
    monkeypatch.setattr(port, "close", lambda: None)
    for options, words in (([], "'contractions': 1"), (["--json"], '"contractions": 1')):
        assert main(["status", "--port", "virtual", *options]) == 0
        assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"source": "switch"}, "hand switch, "),
        ({"signal_mv": 0}, "signal: 0 mV [..........|..........], threshold 300 mV, "),
        ({"signal_mv": 3299}, "signal: 3299 mV [##########|##########], threshold 300 mV, "),
        (
            {"signal_mv": 1600, "threshold_mv": None, "full_mv": 3200, "tries": 1},
            "signal: 1600 mV [##########...........], no threshold yet (tries done: 1), ",
        ),
    ],
)
def test_what_is_seen_of_it_in_words(seen: dict[str, object], words: str) -> None:
    usual = {"source": "signal", "signal_mv": 5, "threshold_mv": 300, "full_mv": 600, "tries": 0}
    status = {"trigger": {**usual, "contractions": 2, "skipped": 1, **seen}}
    assert view.trigger_in_words(status) == [f"{words}contractions: 2 begun, 1 missed"]
    assert view.trigger_in_words({}) == []
    line = "    signal: 210 mV [#######...|..........], threshold 300 mV, contractions: 2 begun, 1 missed\n"
    assert line in (ROOT / "docs" / "biofeedback.md").read_text()


def test_nmes_run_shows_it(
    port: VirtualPort, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "asked.toml").write_text(ASKED)
    monkeypatch.setattr("opennmes.cli.run.open_port", lambda *_, **__: port)
    line = ["run", str(tmp_path / "asked.toml"), "--port", "virtual", "--acknowledge", "--seconds", "3", "--json"]
    assert main([*line, "--plain"]) == 0
    said = capsys.readouterr()
    assert "signal: 50 mV [#.........|..........], threshold 300 mV, contractions: 0 begun, 0 missed" in said.err
    trigger = json.loads(said.out)["status"]["trigger"]
    assert (trigger["threshold_mv"], trigger["contractions"], trigger["signal_mv"]) == (300, 0, None)


def test_h28_a_prescription_for_another_stage_is_refused_by_name() -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        with pytest.raises(DeviceRefused) as refused:
            device.load(DATA)
    assert [reason["code"] for reason in refused.value.reasons] == ["no_biofeedback"]


def test_h29_without_a_sensor_nothing_is_armed(port: VirtualPort) -> None:
    device = Device(port)
    device.connect()
    for mv, code in ((None, "signal_floats"), (3_300, "signal_saturated")):
        port.set_signal(mv)
        with pytest.raises(DeviceRefused) as refused:
            armed(device)
        assert [reason["code"] for reason in refused.value.reasons] == [code]
        assert device.status()["state"] == "IDLE"


def test_the_example_is_accepted_here_and_nowhere_else() -> None:
    data = Prescription.read(ROOT / "docs" / "examples" / "biofeedback.toml").data
    assert assess(data, stage_of("pico", STAGE)).accepted
    assert [reason["code"] for reason in assess(data, stage_of("pico")).reasons] == ["no_biofeedback"]


def test_the_command_line_knows_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    line = "nmes check docs/examples/biofeedback.toml --stage reference-biofeedback"
    assert line in (ROOT / "docs" / "biofeedback.md").read_text()
    _, verb, file, *options = line.split()
    file = str(ROOT / file)
    assert main([verb, file, *options]) == 0
    said = capsys.readouterr().out
    assert "accepted for board pico with stage reference-biofeedback" in said
    learned = "each work starts by the signal at a threshold that is learned; not at all when nothing has come for 20 s"
    assert learned in said
    assert main([verb, file]) == 1 and "needs an output stage with a biofeedback input" in capsys.readouterr().out
    assert main(["boards", "pico"]) == 0
    said = capsys.readouterr().out
    assert "or output stage reference-biofeedback: channels 1; for every prescription; contractions on time, or" in said


def test_the_example_for_laboratories_is_accepted_here_and_two_channels_refuse_it_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = str(ROOT / "docs" / "examples" / "trigger-input.toml")
    data = Prescription.read(Path(file)).data
    assert assess(data, stage_of("pico", STAGE)).accepted
    (reason,) = assess(data, stage_of("pico")).reasons
    assert (reason["code"], reason["parameter"]) == ("no_trigger_input", "trigger")
    assert main(["check", file, "--stage", STAGE]) == 0
    said = capsys.readouterr().out
    assert "each work starts at a rising edge of the trigger input; not at all when nothing has come for 60 s" in said
    assert main(["check", file]) == 1
    assert "two channels leave no pin for it" in capsys.readouterr().out


def test_each_edge_starts_a_train_to_the_microsecond(port: VirtualPort, log: Path) -> None:
    port.set_signal(None)  # nobody needs a sensor
    device = Device(port)
    device.connect()
    data = Prescription.read(ROOT / "docs" / "examples" / "trigger-input.toml").data
    port.set_trigger(True)
    loaded = device.load(data)
    device.acknowledge()
    with pytest.raises(DeviceRefused) as refused:
        device.arm(loaded["programme_crc"])
    assert [reason["code"] for reason in refused.value.reasons] == ["trigger_high"]
    port.set_trigger(False)
    device.arm(loaded["programme_crc"])
    device.start()
    rose_us = []
    for wait_s in (0.5, 0.5123, 0.03):
        for _ in range(5):
            device.wait(1)
            device.status()
        device.wait(wait_s)
        rose_us.append(round(port.now_s() * 1_000_000))
        port.set_trigger(True)
        device.wait(0.01)
        port.set_trigger(False)
        device.status()
    device.wait(1.2)
    status = device.status()
    assert (status["state"], status["fault"], status["delivered"]) == ("RUNNING", 0, 150)
    firsts = pulses(log)[::50]
    assert {first - rose for first, rose in zip(firsts, rose_us, strict=True)} == {273}


def test_a_capture_of_it_has_no_times_to_be_judged_against(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "capture.vcd").write_text("")
    file = str(ROOT / "docs" / "examples" / "biofeedback.toml")
    assert main(["verify", str(tmp_path / "capture.vcd"), file]) == 1
    assert "a programme whose trains begin at their time" in capsys.readouterr().err


def test_what_is_pushed_is_judged_for_the_stage_that_the_device_has(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = str(ROOT / "docs" / "examples" / "biofeedback.toml")
    for stage, status in ((STAGE, 0), ("", 1)):
        made = VirtualPort(store=tmp_path / f"store{stage}", stage=stage)
        monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, made=made, **__: made)
        assert main(["push", file, "--port", "virtual"]) == status
    assert "needs an output stage with a biofeedback input" in capsys.readouterr().err


def test_biofeedback_md_has_the_figures_of_the_code() -> None:
    page = (ROOT / "docs" / "biofeedback.md").read_text()
    pins = load_board("pico", STAGE)["pins"]
    assert f"channel\n1 (GP{pins['sense_current'][1]})" in page and f"joins GP{pins['hand_switch']} to ground" in page
    assert f"give 0 to {stage_of('pico', STAGE)['signal_most_mv'] / 1000:g} V" in page
    assert (screens.TRIES, screens.WAIT) == (biofeedback.TRIES, biofeedback.WAIT)
    assert (biofeedback.SAMPLES, biofeedback.TRIES, biofeedback.SATURATED_MS, biofeedback.STUCK_MS) == (
        3,
        3,
        1_000,
        10_000,
    )
    assert f"fault {faults.BIOFEEDBACK_INPUT} `{faults.name(faults.BIOFEEDBACK_INPUT)}`" in page


def test_a_board_without_the_input_says_so() -> None:
    port = VirtualPort()
    with pytest.raises(PortError, match="no biofeedback input"):
        port.set_signal(1)
    port.close()

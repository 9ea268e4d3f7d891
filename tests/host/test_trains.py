"""Channels, bursts, changes and unequal phases: in the file, in the check, in the picture and on the virtual board."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pictures
import pytest
from starting import begin
from test_plots import assert_readable

from nmes.core import programme
from opennmes.boards import load_stage
from opennmes.cli import main
from opennmes.device.client import Device, DeviceRefused
from opennmes.measure.pulse_log import read_pulse_log
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription, PrescriptionError
from opennmes.prescription.assessment import assess

HEAD = """\
title = "Two channels"
effect = "sensory"

[electrode]
kind = "pads"
area_cm2 = 25

[limits]
max_current_ma = 10
"""
PHASE = """
[[{table}]]
name = "work"
frequency_hz = 40
pulse_width_us = 100
work_s = 2
rest_s = 2
ramp_up_s = 0.5
ramp_down_s = 0.5
duration_min = 0.2
"""
CHANNELS = """
[[channel]]
channel = 0

[[channel]]
channel = 1
delay_s = {delay}
"""

pytestmark = pytest.mark.usefixtures("virtual_board")


def write(path: Path, *parts: str) -> Path:
    path = path / "file.toml"
    path.write_text("".join(parts))
    return path


def problems(path: Path) -> list[tuple[str, str, int | None]]:
    with pytest.raises(PrescriptionError) as caught:
        Prescription.read(path)
    return [(problem.code, problem.key, problem.line) for problem in caught.value.problems]


def test_every_new_key_becomes_its_own_field(tmp_path: Path) -> None:
    # Peer defect: a setter that wrote another parameter (open-ephys/plugin-GUI#115).
    for line, field, value in (
        ("second_phase_ratio = 2", "ratio", 2),
        ("pulses = 80", "pulses", 80),
        ("burst_pulses = 4", "burst_pulses", 4),
        ("burst_frequency_hz = 2.5", "burst_rate_mhz", 2_500),
        ("frequency_to_hz = 12.5", "rate_to_mhz", 12_500),
        ("pulse_width_to_us = 300", "width_to_us", 300),
        ("change_s = 6", "change_ms", 6_000),
        ('change = "sweep"', "change", "sweep"),
    ):
        usual = Prescription.read(write(tmp_path, HEAD, PHASE.format(table="phase"))).data["phases"][0]
        made = Prescription.read(write(tmp_path, HEAD, PHASE.format(table="phase"), line)).data["phases"][0]
        assert made == usual | {field: value}


def test_channels_and_their_own_phases(tmp_path: Path) -> None:
    own = PHASE.format(table="channel.phase")
    both = Prescription.read(write(tmp_path, HEAD, PHASE.format(table="phase"), CHANNELS.format(delay=0.0125))).data
    assert both["channels"] == [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 12_500}]
    alone = Prescription.read(write(tmp_path, HEAD, "\n[[channel]]\nchannel = 1\n", own)).data
    assert "phases" not in alone and alone["channels"][0]["phases"][0]["rate_mhz"] == 40_000
    assert programme.parse(alone).channels[0].index == 1


def test_what_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    phase = PHASE.format(table="phase")
    misspelt = write(tmp_path, HEAD, phase, "frequency_too_hz = 3\n")
    assert problems(misspelt) == [("unknown", "phase 1.frequency_too_hz", 20)]
    assert problems(write(tmp_path, HEAD, phase, 'change = "sometimes"\n')) == [("not_a_choice", "phase 1.change", 20)]
    assert problems(write(tmp_path, HEAD, phase, "\n[[channel]]\ndelay_s = 1\n")) == [
        ("missing", "channel 1.channel", 21)
    ]
    late = write(tmp_path, HEAD, phase, "\n[[channel]]\nchannel = 0\ndelay_s = 0.0000001\n")
    assert problems(late) == [("not_representable", "channel 1.delay_s", 23)]
    own = PHASE.format(table="channel.phase") + "pulse = 3\n"
    assert problems(write(tmp_path, HEAD, "\n[[channel]]\nchannel = 0\n", own)) == [
        ("unknown", "channel 1 phase 1.pulse", 23)
    ]


def test_check_says_what_both_channels_are_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, HEAD, PHASE.format(table="phase"), CHANNELS.format(delay=1))
    assert main(["check", str(file)]) == 0
    assert "channels 0, 1 (1 s later)" in capsys.readouterr().out
    assert main(["check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] is True


def test_unequal_phases_have_less_power(tmp_path: Path) -> None:
    stage = load_stage("reference")
    equal = assess(Prescription.read(write(tmp_path, HEAD, PHASE.format(table="phase"))).data, stage).worst()
    unequal = PHASE.format(table="phase") + "second_phase_ratio = 4\n"
    other = assess(Prescription.read(write(tmp_path, HEAD, unequal)).data, stage).worst()
    assert equal and other
    assert other["energy_mj"] == pytest.approx(equal["energy_mj"] * 5 / 8)
    assert other["iavg_ma"] == equal["iavg_ma"] and other["phase_charge_uc"] == equal["phase_charge_uc"]


@pytest.mark.parametrize(
    "more",
    [
        "second_phase_ratio = 10\n",
        "second_phase_ratio = 3\n",
        "burst_pulses = 4\nburst_frequency_hz = 2\n",
        'change = "sweep"\nchange_s = 0.5\nfrequency_to_hz = 100\npulse_width_to_us = 50\n',
        "pulses = 60\n",
    ],
)
def test_the_picture(tmp_path: Path, more: str) -> None:
    file = write(tmp_path, HEAD, PHASE.format(table="phase"), more, CHANNELS.format(delay=2))
    assert_readable(pictures.asked.prescription_figure(programme.parse(Prescription.read(file).data)))


def test_two_channels_on_the_virtual_board(tmp_path: Path) -> None:
    log = tmp_path / "pulses.csv"
    phase = PHASE.format(table="phase") + "second_phase_ratio = 5\n"
    data = Prescription.read(write(tmp_path, HEAD, phase, CHANNELS.format(delay="0.0125"))).data
    with Device(VirtualPort(log)) as device:
        device.connect()
        loaded = device.load(data)
        assert [row["resolution_ua"] for row in loaded["channels"]] == [500, 500]
        device.acknowledge()
        device.arm(loaded["programme_crc"])
        device.start()
        device.raise_to(3_000, 1)
        with pytest.raises(DeviceRefused) as refused:
            device.set_intensity(3_100, 1)
        assert refused.value.reasons[0]["bound"] == "3000 or 3500"
        device.raise_to(1_500)
        status = device.status()
        assert [row["intensity_ua"] for row in status["channels"]] == [1_500, 3_000]
        while device.state == "RUNNING":
            device.wait(1)
        status = device.status()
    assert (status["ended"], status["underruns"], status["cancelled"]) == ("completed", 0, 0)
    assert status["delivered"] == loaded["pulses"] == 480
    pulses = read_pulse_log(log)
    first, second = ([p for p in pulses if p.channel == channel] for channel in (0, 1))
    assert {b.start_us - a.start_us for a, b in zip(first, second, strict=True)} == {12_500}
    starts = [p.start_us for p in first]
    assert [b - a for a, b in itertools.pairwise(starts)] == ([25_000] * 79 + [2_025_000]) * 2 + [25_000] * 79
    assert all(p.level_a == 5 * p.level_b and p.width_b_us == 5 * p.width_a_us for p in pulses)
    assert max(p.level_a for p in second) == 30


def test_run_takes_an_intensity_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, HEAD, PHASE.format(table="phase"), CHANNELS.format(delay=0))
    run = ["run", str(file), "--port", "virtual", "--acknowledge", "--json", "--seconds", "3"]
    assert main([*run, "--intensity", "0=2", "--intensity", "1=1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["intensities_ma"] == [2, 1]
    assert main([*run, "--intensity", "2"]) == 1
    assert main([*run, "--intensity", "2,1"]) == 2


def test_a_channel_that_is_not_used_is_refused(tmp_path: Path) -> None:
    # Peer defect: an array indexed before the range was checked (PedroLopes/openEMSstim EMSSystem.cpp).
    with Device(VirtualPort()) as device:
        device.connect()
        begin(device, Prescription.read(write(tmp_path, HEAD, PHASE.format(table="phase"))).data)
        for channel in (-1, 1, 2):
            with pytest.raises(DeviceRefused):
                device.set_intensity(100, channel)
        assert device.status()["channels"][0]["intensity_ua"] == 0


def test_rate_and_width_are_adjusted_in_a_running_train(tmp_path: Path) -> None:
    log = tmp_path / "pulses.csv"
    phases = PHASE.format(table="phase"), PHASE.format(table="phase").replace("width_us = 100", "width_us = 150")
    data = Prescription.read(write(tmp_path, HEAD, *phases)).data
    refused = []
    with Device(VirtualPort(log)) as device:
        device.connect()
        loaded = begin(device, data)
        device.raise_to(2_000)
        answer = device.adjust(60_000, 120)
        from_pulse = answer.pop("from_pulse")
        assert answer == {"channel": 0, "phase": "work", "rate_mhz": 60_000, "width_us": 120}
        before = device.status()
        for rate, width in ((60_000, 151), (151_000, 120), (40_000, 99), (999, 120), (60_000, 150), (True, 120)):
            with pytest.raises(DeviceRefused) as caught:
                device.adjust(rate, width)
            refused.append(caught.value.reasons[0]["code"])
        with pytest.raises(DeviceRefused):
            device.adjust(40_000, 100, channel=1)
        after = device.status()
        assert after["channels"][0] | {"queued": 0, "delivered": 0, "output_ua": 0} == before["channels"][0] | {
            "queued": 0, "delivered": 0, "output_ua": 0
        }  # fmt: skip
        assert (after["channels"][0]["rate_mhz"], after["channels"][0]["width_us"]) == (60_000, 120)
        assert after["programme_crc"] == loaded["programme_crc"] == programme.crc(data)
        while device.state == "RUNNING":
            device.wait(1)
        status = device.status()
    assert refused == [
        "wider_than_guarded", "above_range", "narrower_than_sampled", "below_range", "step_too_soon", "not_an_integer",
    ]  # fmt: skip
    assert (status["ended"], status["underruns"], status["cancelled"]) == ("completed", 0, 0)
    pulses = read_pulse_log(log)
    assert status["delivered"] == len(pulses)
    starts = [p.start_us - pulses[0].start_us for p in pulses]
    first_phase = [p.width_a_us for p in pulses[: starts.index(12_000_000)]]
    assert first_phase == [100] * from_pulse + [120] * (len(first_phase) - from_pulse)
    # 2 s of work from 0, 4 and 8 s on, and the other phase from 12 s on, as if nothing had been changed.
    intervals = [b - a for a, b in itertools.pairwise(starts)]
    left_us = 2_000_000 - 25_000 * from_pulse
    count = -(-left_us * 60 // 1_000_000)
    first = [25_000] * from_pulse + [16_667] * (count - 1)
    rest = [4_000_000 - sum(first)]
    later = [*[16_667] * 119, 4_000_000 - 119 * 16_667]
    assert intervals[: len(first) + 1 + 240] == first + rest + later * 2
    assert intervals[len(first) + 241 :] == ([25_000] * 79 + [2_025_000]) * 2 + [25_000] * 79

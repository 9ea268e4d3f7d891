"""Contractions that a person starts, on the emulated chip: stage, sensor and hand switch around the real image."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sessions import Bench, rises
from starting import arm, begin
from test_panel_session import HOLD_S, SHORT, Alone

from benchmark.awake import Awake
from nmes.core import buttons, faults
from opennmes.boards import load_board, load_stage
from opennmes.device.client import Device, DeviceRefused
from opennmes.emulator.biofeedback import Sensor
from opennmes.emulator.pico import EmulatedPico
from opennmes.measure.pulses import pulses as measured
from opennmes.ports.face import click

ROOT = Path(__file__).resolve().parents[2]
STAGE = "reference-biofeedback"
QUIET, TIGHT = 100, 900
TRIGGER = {"source": "signal", "threshold_mv": 500, "refractory_ms": 100, "timeout_ms": 10_000, "on_timeout": "skip"}
PHASE = {
    "name": "on", "rate_mhz": 150_000, "width_us": 200, "gap_us": 50, "work_ms": 100, "rest_ms": 100, "ramp_up_ms": 0,
    "ramp_down_ms": 0, "duration_ms": 20_000,
}  # fmt: skip
PULSES = 15  # of a train
WAITING: dict[str, Any] = {
    "title": "waits", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 1_000},
    "max_current_ua": 20_000, "phases": [PHASE], "trigger": TRIGGER,
}  # fmt: skip


@pytest.fixture(scope="session")
def listening_uf2() -> Path:
    """The Pico's UF2 for the stage with a biofeedback input."""
    command = [sys.executable, str(ROOT / "scripts/toolchain.py"), "uf2", "pico", STAGE]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, "the UF2 could not be built; see above"
    return Path(built.stdout.strip())


class Listening(Bench):
    def __init__(self, uf2: Path) -> None:
        board, stage = load_board("pico", STAGE), load_stage(STAGE)
        super().__init__(uf2, board, stage)
        self.sensor = Sensor(self.pico, board, stage)
        self.sensor.mv = QUIET
        self.trigger_input = board["pins"]["trigger_input"]
        self.synced: list[tuple[int, int]] = []  # (ns, level) of the sync output
        self.pico.watch(board["pins"]["sync_output"], lambda level: self.synced.append((self.pico.nanos, level)))
        self.others: list[tuple[int, int]] = []  # of the pins that this stage leaves alone
        for pin in board["pins"]["held_low"]:
            self.pico.watch(pin, lambda level, pin=pin: self.others.append((pin, level)))  # type: ignore[misc]

    def edge(self, high_s: float = 0.002) -> int:
        """A pulse at the trigger input. Returns when it rose, in ns."""
        self.pico.set_input(self.trigger_input, 1)
        at = self.pico.nanos
        self.device.wait(high_s)
        self.pico.set_input(self.trigger_input, 0)
        return at

    def trains(self) -> list[list[int]]:
        """When each phase A of each train began, in ns."""
        made: list[list[int]] = []
        for at in rises(self.stage, "ch0_a"):
            if not made or at - made[-1][-1] > 50_000_000:
                made.append([])
            made[-1].append(at)
        return made


@pytest.fixture(scope="module")
def listening(listening_uf2: Path, share: Callable[[EmulatedPico], None]) -> Listening:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Device, "tells_time", False)
        made = Listening(listening_uf2)
    share(made.pico)
    return made


def test_h28_a_signal_starts_whole_trains_and_pulses_start_none(listening: Listening) -> None:
    sensor, device = listening.sensor, listening.device
    sensor.artefact_mv = 2_000
    begin(device, WAITING)
    device.wait(0.2)
    assert device.status()["part"] == "wait" and listening.trains() == []
    begun = []
    for _ in range(2):
        sensor.mv = TIGHT
        begun.append(listening.pico.nanos)
        device.wait(0.06)
        sensor.mv = QUIET
        device.wait(0.44)
    status = device.status()
    assert (status["state"], status["fault"], status["underruns"]) == ("RUNNING", 0, 0), status["fault_text"]
    trains = listening.trains()
    assert [len(train) for train in trains] == [PULSES, PULSES]
    for train, at in zip(trains, begun, strict=True):
        assert {b - a for a, b in itertools.pairwise(train)} == {6_667_000}
        assert 20_000_000 < train[0] - at < 50_000_000, "three turns of 10 ms, and the one that it came in"
    account = device.stop()["account"]
    assert account["delivered"] == 2 * PULSES
    assert (account["channels"][0]["measured"], account["channels"][0]["missed"]) == (2 * PULSES, 0)


def test_h29_a_sensor_that_comes_off_is_a_fault_and_the_enable_falls(listening: Listening) -> None:
    sensor, device = listening.sensor, listening.device
    begin(device, WAITING)
    device.wait(0.1)
    sensor.mv = None
    device.wait(1.1)
    status = device.status()
    assert (status["state"], status["fault"]) == ("FAULT", faults.BIOFEEDBACK_INPUT), status["fault_text"]
    assert status["fault_text"] == "the biofeedback input floats"
    assert listening.stage.finish().value_at("enable", listening.pico.nanos) == 0 and listening.trains() == []


def test_h29_nothing_is_armed_without_a_sensor(listening: Listening) -> None:
    for mv, code in ((None, "signal_floats"), (3_300, "signal_saturated")):
        listening.sensor.mv = mv
        with pytest.raises(DeviceRefused) as refused:
            arm(listening.device, WAITING)
        assert [reason["code"] for reason in refused.value.reasons] == [code]


def test_the_hand_switch_starts_a_train(listening: Listening) -> None:
    sensor, device = listening.sensor, listening.device
    sensor.mv = None  # nobody asks for it
    begin(device, {**WAITING, "trigger": {"source": "switch", "timeout_ms": 10_000, "on_timeout": "skip"}})
    device.wait(0.1)
    sensor.close_switch(True)
    device.wait(0.1)
    sensor.close_switch(False)
    device.wait(0.3)
    assert [len(train) for train in listening.trains()] == [PULSES]
    assert device.status()["fault"] == 0


def test_a_programme_on_time_alone_runs_here_as_everywhere(listening: Listening) -> None:
    listening.sensor.mv = None
    device = listening.device
    begin(device, {key: value for key, value in WAITING.items() if key != "trigger"})
    device.wait(0.5)
    trains = listening.trains()
    assert {b[0] - a[0] for a, b in itertools.pairwise(trains)} == {200_000_000}
    assert device.status()["fault"] == 0


AT_EDGE: dict[str, Any] = {**WAITING, "trigger": {**TRIGGER, "source": "edge"}}
del AT_EDGE["trigger"]["threshold_mv"]
NS_TO_PHASE_A = 272_016  # from the edge, and up to a microsecond more: hal/rp2/trigger_input.py
NS_TO_SYNC = 24


def test_the_chip_begins_a_train_at_the_edge_and_the_sync_output_marks_each_phase_a(listening: Listening) -> None:
    device = listening.device
    listening.sensor.mv = None  # nobody asks for it
    begin(device, AT_EDGE)
    device.wait(0.2)
    assert device.status()["part"] == "wait" and listening.trains() == []
    delays = []
    for number in range(4):
        device.wait(0.0371 + number * 0.0123457)
        at = listening.edge()
        device.wait(0.3)
        trains = listening.trains()
        assert [len(train) for train in trains] == [PULSES] * (number + 1)
        assert {b - a for a, b in itertools.pairwise(trains[-1])} == {6_667_000}
        delays.append(trains[-1][0] - at)
    assert all(0 <= delay - NS_TO_PHASE_A <= 1_000 for delay in delays), delays
    assert len(set(delays)) > 1, "edges come at any phase of the engine's clock"
    changes = listening.stage.finish().changes("ch0_a")
    assert listening.synced == [(nanos + NS_TO_SYNC, level) for nanos, level in changes if nanos > 0]
    assert listening.others == []
    status = device.status()
    assert (status["state"], status["fault"], status["underruns"]) == ("RUNNING", 0, 0), status["fault_text"]
    account = device.stop()["account"]
    assert account["delivered"] == 4 * PULSES
    assert (account["channels"][0]["measured"], account["channels"][0]["missed"]) == (4 * PULSES, 0)


def test_h28_what_lies_ready_is_cancelled_by_stop_pause_and_down_and_comes_at_the_new_level(
    listening: Listening,
) -> None:
    device = listening.device
    listening.sensor.mv = None
    begin(device, AT_EDGE)
    device.wait(0.1)
    device.set_intensity(1_000)
    device.wait(0.26)
    device.set_intensity(2_000)
    device.wait(0.02)
    device.set_intensity(500)
    listening.edge()
    device.wait(0.2)
    (train,) = listening.trains()
    assert len(train) == PULSES
    assert {pulse.current_a_ua for pulse in measured(listening.stage.finish(), 0)} == {500}
    device.wait(0.1)
    device.pause()
    listening.edge()
    device.wait(0.1)
    device.start()
    device.wait(0.1)
    device.stop()
    listening.edge()
    device.wait(0.1)
    assert listening.trains() == [train] and device.status()["fault"] == 0


def test_h28_after_a_stop_that_comes_with_an_edge_no_pulse_comes_and_the_counts_agree(listening: Listening) -> None:
    device = listening.device
    listening.sensor.mv = None
    for early_us in (0, 150, 280, 1_000):
        begin(device, AT_EDGE)
        device.wait(0.1)
        before = len(rises(listening.stage, "ch0_a"))
        listening.pico.set_input(listening.trigger_input, 1)
        device.wait(early_us / 1_000_000)
        account = device.stop()["account"]
        stopped = len(rises(listening.stage, "ch0_a"))
        device.wait(0.1)
        listening.pico.set_input(listening.trigger_input, 0)
        assert len(rises(listening.stage, "ch0_a")) == stopped
        # The request is on its way for some turns, in which pulses come as in any train.
        assert (device.status()["fault"], account["delivered"]) == (0, stopped - before) and stopped - before < PULSES
        device.wait(0.05)


def test_h29_an_emergency_stop_while_it_lies_ready_and_a_line_that_is_high(listening: Listening) -> None:
    device = listening.device
    listening.sensor.mv = None
    listening.pico.set_input(listening.trigger_input, 1)
    with pytest.raises(DeviceRefused) as refused:
        arm(device, AT_EDGE)
    assert [reason["code"] for reason in refused.value.reasons] == ["trigger_high"]
    listening.pico.set_input(listening.trigger_input, 0)
    begin(device, AT_EDGE)
    device.wait(0.1)
    listening.stage.stop_opened = True
    device.wait(0.03)
    listening.edge()
    device.wait(0.1)
    assert listening.fault() == ("FAULT", faults.EMERGENCY_STOP)
    assert listening.trains() == [] and listening.synced == []


ITS_OWN = (
    SHORT.replace("frequency_hz = 50", "frequency_hz = 64")
    + """
[trigger]
source = "signal"
threshold_mv = 500
timeout_s = 10
on_timeout = "skip"
"""
)


def test_a_patient_alone_sees_the_signal_and_what_it_starts_is_exact(listening_uf2: Path) -> None:
    board, stage = load_board("pico", STAGE), load_stage(STAGE)
    alone = Alone(listening_uf2, board, stage, ITS_OWN)
    sensor = alone.face.sensor
    assert sensor is not None
    alone.face.signal(QUIET)
    alone.prepare()
    click(alone.face, buttons.START, HOLD_S)
    alone.sees("Tighten", 3)
    alone.face.wait(0.3)  # the whole picture, which is sent anew at each press (display.py)
    awake = Awake(alone.pico)
    for mv, bar in ((100, "[#......|......]"), (400, "[######.|......]")):
        sensor.mv = mv
        alone.sees(bar, 1)
        alone.face.wait(0.3)
    assert awake.percent < 15, "of the CPU's time, the bar moving"
    sensor.mv = TIGHT
    alone.sees("Work", 1)
    sensor.mv = QUIET
    alone.up_to(1)
    alone.sees("Rest", 4)
    starts = [pulse.start_nanos for pulse in alone.pulses()]
    assert {b - a for a, b in itertools.pairwise(starts)} == {15_625_000} and len(starts) == 192
    alone.sees("Tighten", 4)

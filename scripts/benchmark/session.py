"""The firmware as it is flashed, in a session over its USB link: ours without a program of the benchmark."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmark.catalogue import Asked
from benchmark.chip import stop_nanos, watch
from benchmark.figures import Figures, edges
from nmes.core.session import RUNNING
from opennmes.boards import load_board
from opennmes.device.client import Device, DeviceRefused, LinkError
from opennmes.emulator.branch import branch
from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort, power_on
from opennmes.ports.errors import PortError

PULSES = 26
STOPS = 12
INTENSITY_UA = 500


def programme(asked: Asked) -> dict[str, Any]:
    """The pulse as a programme that goes on and on."""
    phase = {
        "name": "on",
        "rate_mhz": 1_000_000_000_000 // asked.period_ns,
        "width_us": asked.width_ns // 1_000,
        "gap_us": asked.gap_ns // 1_000,
        "work_ms": 0,
        "rest_ms": 0,
        "ramp_up_ms": 500,
        "ramp_down_ms": 500,
        "duration_ms": 60_000,
    }
    return {
        "title": "benchmark",
        "effect": "sensory",
        "electrode": {"kind": "pads", "area_mm2": 2_500},
        "max_current_ua": 20_000,
        "phases": [phase],
    }


def run(uf2: Path, asked: Asked) -> Figures:
    """The figures of a session, with a status asked for every 30 ms or so and the intensity raised.

    Raises BenchError, which unlike the others finds its way out of a process.
    """
    try:
        return _run(uf2, asked)
    except (DeviceRefused, LinkError, PortError) as error:
        raise BenchError(f"the session of the firmware: {error}") from None


def _run(uf2: Path, asked: Asked) -> Figures:
    begin_wall = time.monotonic()
    pins = load_board("pico")["pins"]
    pico, stage = power_on(uf2, 500)
    channel = pins["channels"][0]
    trace = watch(pico, channel["phase_a"], channel["phase_b"], pins["enable"])
    device = Device(EmulatedPort(pico))
    device.connect()
    loaded = device.load(programme(asked))
    device.acknowledge()
    device.arm(loaded["programme_crc"])
    device.start()
    device.raise_to(INTENSITY_UA)
    stops = [_stop(device, pico, stage, pins["enable"]) for _ in range(STOPS)]
    while (status := device.status())["delivered"] < PULSES:
        if status["state"] != RUNNING:
            raise BenchError(f"the session of the firmware ended by itself: {status}")
        device.wait(0.05)
    device.stop()
    trace.end_nanos = pico.nanos
    return {
        **edges(trace, asked),
        "stops_ns": {"guard": stops},
        "simulated_s": pico.nanos / 1e9,
        "wall_s": round(time.monotonic() - begin_wall, 1),
    }


def _stop(device: Device, pico: EmulatedPico, stage: OutputStage, enable: int) -> int:
    device.wait(0.0273)
    device.status()

    def pull() -> None:
        stage.stop_opened = True

    return branch(lambda: stop_nanos(pico, pull, enable))

"""How much of the time the CPU is awake in the usual sessions, and how slow it may be before one of them fails."""

from __future__ import annotations

import bisect
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.figures import Figures
from nmes.core import faults
from nmes.core.session import RUNNING
from opennmes.device.client import Device, DeviceRefused, LinkError
from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.ports.emulator import EmulatedPort, power_on
from opennmes.ports.errors import PortError

# The alarm that looks is one of the simulated clock: it takes none of the chip's time. Each of some 500 stretches a
# second that the CPU is awake is measured to one such interval, which is 0.01 points of the share at one standard
# deviation. No divisor of the firmware's own periods.
SAMPLE_NANOS = 9_730.0
WINDOW_S = 1.0
SETTLE_S = 0.3  # what connecting left to do, and to say, is done
INTENSITY_UA = 500
LOAD_OHM = 500
FACTORS = (1.2, 1.4, 1.7, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Usual:
    """A session as people have them: `channels` at `rate_hz` each, half a period apart."""

    title: str
    channels: int = 0  # none: nobody has armed the device
    rate_hz: int = 0
    ramp_ms: int = 500
    asked_every_s: float = 0.0  # for its status; 0: not at all
    within_ramp: bool = False  # what is measured
    electrode: str = "pads"


USUAL = {
    "idle": Usual("idle, connected"),
    "1x35": Usual("one channel at 35 Hz", 1, 35),
    "2x100": Usual("two channels at 100 Hz", 2, 100),
    "2x100_asked": Usual("the same, a status asked for every 30 ms", 2, 100, asked_every_s=0.03),
    "2x100_ramp": Usual("two channels at 100 Hz, in a ramp of 5 s", 2, 100, ramp_ms=5_000, within_ramp=True),
}
# Fewer pulses a turn leave less time for each of them: these are only tried on slower CPUs.
FASTEST = {
    "2x150": Usual("two channels at 150 Hz", 2, 150),
    "1x500": Usual("one channel at 500 Hz, into a resistor", 1, 500, electrode="dummy"),
}


def programme(usual: Usual) -> dict[str, Any]:
    """The session as a programme that goes on and on."""
    phase = {
        "name": "on",
        "rate_mhz": 1_000 * usual.rate_hz,
        "width_us": 250,
        "gap_us": 50,
        "work_ms": 0,
        "rest_ms": 0,
        "ramp_up_ms": usual.ramp_ms,
        "ramp_down_ms": 500,
        "duration_ms": 60_000,
    }
    apart_us = 500_000 // usual.rate_hz
    return {
        "title": "benchmark",
        "effect": "sensory",
        "electrode": {"kind": usual.electrode, "area_mm2": 2_500},
        "max_current_ua": 20_000,
        "phases": [phase],
        "channels": [{"channel": i, "delay_us": i * apart_us} for i in range(usual.channels)],
    }


class Awake:
    """How much of the time the CPU was not asleep (WFI), since this was made."""

    def __init__(self, pico: EmulatedPico) -> None:
        self._core = pico.mcu.core
        self._seen = self._awake = 0
        self._alarm = pico.mcu.clock.create_alarm(self._sample)
        self._alarm.schedule(SAMPLE_NANOS)

    def _sample(self) -> None:
        self._seen += 1
        self._awake += not self._core.waiting
        self._alarm.schedule(SAMPLE_NANOS)

    @property
    def percent(self) -> float:
        return round(100 * self._awake / self._seen, 2)


def run(uf2: Path, usual: Usual, cpu_factor: float = 1.0) -> Figures:
    """A session from power-on to its stop: `awake_percent` within it, and `failed`, "" when it went as it should.

    `cpu_factor`: see EmulatedPico. A session fails when it has a fault, runs short of pulses, is refused or gets no
    answer; there is no share then.
    """
    begin_wall = time.monotonic()
    try:
        pico, _ = power_on(uf2, LOAD_OHM, cpu_factor)
    except PortError as error:
        raise BenchError(str(error)) from None
    share, failed = None, ""
    try:
        share, failed = _session(pico, usual)
    except (DeviceRefused, LinkError, PortError) as error:
        failed = str(error)
    return {
        "awake_percent": None if failed else share,
        "failed": failed,
        "simulated_s": pico.nanos / 1e9,
        "wall_s": round(time.monotonic() - begin_wall, 1),
    }


def slower(uf2: Path, usual: Usual) -> Figures:
    """The first of FACTORS at which the session fails (`cpu_factor`, None where it does at none) and how (`failed`).

    That one and the one before are tried, not all the others: what goes well on a CPU is not tried on a quicker one.
    """
    runs: dict[float, Figures] = {}

    def fails(factor: float) -> bool:
        runs[factor] = run(uf2, usual, factor)
        return bool(runs[factor]["failed"])

    first = bisect.bisect_left(FACTORS, True, key=fails)
    factor = FACTORS[first] if first < len(FACTORS) else None
    return {
        "cpu_factor": factor,
        "failed": runs[factor]["failed"] if factor else "",
        "simulated_s": sum(each["simulated_s"] for each in runs.values()),
        "wall_s": sum(each["wall_s"] for each in runs.values()),
    }


def _session(pico: EmulatedPico, usual: Usual) -> tuple[float, str]:
    device = Device(EmulatedPort(pico))
    device.connect()
    if usual.channels:
        loaded = device.load(programme(usual))
        device.acknowledge()
        device.arm(loaded["programme_crc"])
        device.start()
        while device.state == RUNNING and sum(device.intensities.values()) < usual.channels * INTENSITY_UA:
            device.steps_towards(dict.fromkeys(range(usual.channels), INTENSITY_UA))
        if not usual.within_ramp:
            device.wait(usual.ramp_ms / 1_000)
    else:
        device.wait(SETTLE_S)
    awake = Awake(pico)
    _pass_time(device, usual)
    percent = awake.percent
    failed = went_wrong(device.status(), usual)
    if usual.channels and not failed:
        device.stop()
        failed = went_wrong(device.status(), Usual("stopped"))
    return percent, failed


def _pass_time(device: Device, usual: Usual) -> None:
    end_s = due_s = device.port.now_s() + WINDOW_S
    if usual.asked_every_s:
        due_s = device.port.now_s()
        while due_s < end_s:
            device.status()
            # A device that takes longer to answer is asked again at once, as by a host that wants to keep up.
            due_s = max(due_s + usual.asked_every_s, device.port.now_s())
            device.wait(due_s - device.port.now_s())
    else:
        device.wait(WINDOW_S)


def went_wrong(status: dict[str, Any], usual: Usual) -> str:
    """What is wrong with the status of a session, "" when nothing is."""
    if status["fault"]:
        return f"{faults.name(status['fault'])}: {status['fault_text']}"
    if status["underruns"]:
        return f"underruns: {status['underruns']}"
    if usual.channels and status["state"] != RUNNING:
        return f"ended by itself: {status['state']}"
    return ""

"""What tests of sessions on the emulated chip share."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from starting import begin

from opennmes.device.client import Device
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl
from opennmes.emulator.stage import OutputStage
from opennmes.measure import pulses as measure
from opennmes.ports.emulator import EmulatedPort

OUTPUTS = ("ch0_a", "ch0_b", "ch1_a", "ch1_b", "enable")

# A dense motor programme: many pulses in little simulated time, ramps as short as they may be.
DENSE: dict[str, Any] = {
    "title": "dense",
    "effect": "sensory",
    "electrode": {"kind": "pads", "area_mm2": 2_500},
    "max_current_ua": 20_000,
    "phases": [
        {"name": "on", "rate_mhz": 150_000, "width_us": 200, "gap_us": 0, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 500,
         "ramp_down_ms": 500, "duration_ms": 60_000},
    ],
}  # fmt: skip


# Of the firmware's image (boards/rp2/patches/rp2040/stack-of-12-kb.patch): the heap ends where the stack does.
STACK_TOP, STACK_BYTES = 0x20042000, 12 * 1024


def stack_used(pico: EmulatedPico) -> int:
    """How many bytes of the stack were in use since power-on, at most: emulated RAM is 0 until something is written."""
    words = range(STACK_TOP - STACK_BYTES, STACK_TOP, 4)
    return STACK_TOP - next((address for address in words if pico.mcu.read_uint32(address)), STACK_TOP)


def rises(stage: OutputStage, signal: str) -> list[int]:
    return [nanos for nanos, value in stage.finish().changes(signal) if value]


def hang(pico: EmulatedPico) -> None:
    """The CPU executes nothing but a branch to itself from here on, with interrupts off: as dead as it gets."""
    spin = 0x2003FF00  # at the end of RAM, in the stack's reserve
    pico.mcu.write_uint16(spin, 0xE7FE)
    pico.mcu.core.pm = True
    pico.mcu.core.pc = spin


class AtPrompt:
    """A board at MicroPython's prompt with the stage around it, on which `BEGIN` has been run."""

    BEGIN = ""

    def __init__(self, pico: EmulatedPico, stage: OutputStage) -> None:
        self.pico = pico
        self.stage = stage
        self.repl = Repl(pico)
        self.repl.run(self.BEGIN)

    def pulses(self, channel: int = 0, since_ns: int = 0) -> list[measure.Pulse]:
        """What the pins of a channel have shown, from an instant on."""
        return [pulse for pulse in measure.pulses(self.stage.finish(), channel) if pulse.start_nanos >= since_ns]

    def last(self, signal: str, value: int) -> int:
        """When a signal last became `value`, in ns."""
        return max(nanos for nanos, now in self.stage.finish().changes(signal) if now == value)


class Bench:
    """A board with the stage around it, and the host at its port."""

    def __init__(
        self,
        uf2: Path,
        board: dict[str, Any],
        stage: dict[str, Any],
        flash: bytes | None = None,
        cpu_factor: float = 1.0,
    ) -> None:
        self.pico = EmulatedPico(uf2, flash, cpu_factor=cpu_factor)
        self.stage = OutputStage(self.pico, board, stage)
        self.connect()

    def connect(self) -> None:
        self.port = EmulatedPort(self.pico)
        self.device = Device(self.port)
        self.device.connect()

    def moved(self, since_ns: int) -> list[str]:
        """Outputs that went high after `since_ns`."""
        return [signal for signal in OUTPUTS if any(nanos > since_ns for nanos in rises(self.stage, signal))]

    def fault(self) -> tuple[str, int]:
        status = self.device.status()
        return status["state"], status["fault"]


PHASE: dict[str, Any] = {
    "name": "on", "rate_mhz": 100_000, "width_us": 100, "gap_us": 50, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 0,
    "ramp_down_ms": 0, "duration_ms": 60_000,
}  # fmt: skip


def delivered(
    bench: Bench,
    channels: list[dict[str, Any]] | None = None,
    seconds: float = 0.15,
    ua: int = 0,
    asking: bool = False,
    **phase: Any,
) -> dict[int, list[Any]]:
    """Run a phase into a resistor for a while: the pulses of each channel, counted by the device too."""
    data: dict[str, Any] = {
        "title": "bench",
        "effect": "sensory",
        "electrode": {"kind": "dummy", "area_mm2": 1_000},
        "max_current_ua": 20_000,
        "phases": [PHASE | phase],
    }
    if channels:
        data["channels"] = channels
    device = bench.device
    loaded = begin(device, data)
    for row in loaded["channels"]:
        if ua:
            device.set_intensity(ua, row["channel"])
    until_s = bench.port.now_s() + seconds
    while asking and bench.port.now_s() < until_s:
        device.status()
    device.wait(until_s - bench.port.now_s())
    device.stop()
    status = device.status()
    assert (status["fault"], status["underruns"]) == (0, 0), status["fault_text"]
    trace = bench.stage.finish()
    found = {row["channel"]: measure.pulses(trace, row["channel"]) for row in loaded["channels"]}
    for row in status["channels"]:
        assert row["delivered"] == row["queued"] - row["cancelled"] == len(found[row["channel"]]) > 0
        assert measure.overlaps(trace, row["channel"]) == 0
    return found


def intervals_us(pulses: list[Any]) -> list[float]:
    starts = [pulse.start_nanos for pulse in pulses]
    return [(later - sooner) / 1000 for sooner, later in itertools.pairwise(starts)]

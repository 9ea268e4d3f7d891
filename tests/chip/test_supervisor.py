"""The supervisor as it is flashed: the watchdog, and what is kept of a fault, on the emulated Pico."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sessions import DENSE, OUTPUTS, begin, hang, rises

from nmes.core import faults
from nmes.hal import WATCHDOG_MS
from opennmes.bench.pico import EmulatedPico
from opennmes.bench.port import EmulatedPort
from opennmes.bench.stage import OutputStage
from opennmes.client import Device, DeviceRefused


class Bench:
    """A board with the stage around it, and the host at its port."""

    def __init__(self, uf2: Path, board: dict[str, Any], stage: dict[str, Any], flash: bytes | None = None) -> None:
        self.pico = EmulatedPico(uf2, flash)
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


@pytest.fixture
def make(uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any]) -> Callable[..., Bench]:
    return lambda flash=None: Bench(uf2, board, reference_stage, flash)


def test_a_loop_that_is_stuck_in_a_session_is_reset_within_a_second_and_comes_up_in_fault(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    begin(bench.device, DENSE)
    bench.device.wait(0.05)
    hang(bench.pico)
    hung_ns = bench.pico.nanos
    assert bench.pico.run_until(lambda: bench.pico.resets == 1, 1_000_000_000)
    assert bench.pico.nanos - hung_ns > 0.9 * WATCHDOG_MS * 1e6
    reset_ns = bench.pico.nanos
    bench.connect()
    assert bench.fault() == ("FAULT", faults.WATCHDOG_RESET)
    assert "watchdog" in bench.device.request("record")["fault_text"]
    assert bench.moved(reset_ns) == []
    for command, arguments in (("start", {}), ("arm", {"programme_crc": 0}), ("load", {"programme": DENSE})):
        with pytest.raises(DeviceRefused):
            bench.device.request(command, **arguments)
    # The next run ended in order, and yet nobody has cleared it: power off and on.
    bench.device.wait(0.3)
    again = make(bench.pico.flash_image())
    assert again.fault() == ("FAULT", faults.WATCHDOG_RESET)
    again.device.request("clear", fault=faults.WATCHDOG_RESET)
    assert again.fault() == ("IDLE", 0)
    assert make(again.pico.flash_image()).fault() == ("IDLE", 0)


def test_at_the_prompt_nothing_is_reset_and_the_application_comes_back_in_order(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.device.wait(2)
    assert bench.pico.resets == 0
    bench.device.request("maintenance")
    bench.pico.run_for(3_000_000_000)
    assert b">>> " in bench.pico.read() and bench.pico.resets == 0
    bench.pico.write(b"\x04")  # a soft reset: boot.py and main.py once more
    bench.pico.run_for(300_000_000)
    bench.pico.read()
    bench.connect()
    assert bench.fault() == ("IDLE", 0)


def test_a_power_cut_at_any_time_after_a_fault_comes_up_with_the_whole_record_or_without(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    begin(bench.device, DENSE)
    bench.device.wait(0.05)
    bench.stage.stop_opened = True
    images = []
    before = bench.pico.flash_image()
    for _ in range(400):
        bench.pico.run_for(500_000)
        if bench.pico.flash_image() != before:
            before = bench.pico.flash_image()
            images.append(before)
    bench.device.wait(0.1)
    record = bench.device.request("record")
    assert record["fault"] == faults.EMERGENCY_STOP and record["state"] == "RUNNING"
    assert len(images) > 3
    found = []
    for image in images:
        again = make(image)
        found.append(again.device.request("record"))
        assert again.fault() == (("FAULT", faults.EMERGENCY_STOP) if found[-1] == record else ("IDLE", 0))
    assert found[-1] == record
    kept = [one == record for one in found]
    assert kept == sorted(kept)
    print(len(images), "images,", kept.count(False), "without the record")

"""A calibration on the emulated chip, with a stage that is off around it: afterwards it delivers what is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmes.core.reason import Refused
from opennmes.boards import stage_of
from opennmes.device import calibrating
from opennmes.device.calibrating import Guide
from opennmes.device.client import Device
from opennmes.device.readings import Readings
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort

OHM = 2_000
NEEDS = [
    {
        "dac_gain_ppm": 40_000,
        "dac_offset": -3,
        "current_gain_ppm": -20_000,
        "current_offset": 4,
        "voltage_gain_ppm": 15_000,
        "voltage_offset": -2,
    },
    dict.fromkeys(("dac_gain_ppm", "dac_offset", "current_gain_ppm", "current_offset"), 0)
    | dict.fromkeys(("voltage_gain_ppm", "voltage_offset"), 0),
]


class Scope:
    """Shows the highest voltage of the last pulse across the resistor, as the emulated stage delivers it."""

    may_retry = False

    def __init__(self, stage: OutputStage) -> None:
        self._stage = stage
        self.said: list[str] = []

    def connect(self, channel: int, ohm: int) -> None:
        pass

    def voltage_uv(self, channel: int, asked_ua: int, number: int, count: int, wait: Callable[[float], None]) -> int:
        wait(0.03)
        return OHM * self.current_ua(channel)

    def current_ua(self, channel: int) -> int:
        return [ua for _, ua in self._stage.finish().changes(f"ch{channel}_current_ua") if ua > 0][-1]

    def say(self, text: str) -> None:
        self.said.append(text)

    def refused(self, refusal: Refused) -> None:
        raise refusal

    def busy(self, text: str) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext()


def powered(
    uf2: Path, board: dict[str, Any], stage: dict[str, Any], flash: bytes | None = None
) -> tuple[EmulatedPico, Device, Scope]:
    pico = EmulatedPico(uf2, flash)
    scope = Scope(OutputStage(pico, board, stage, OHM, NEEDS))
    device = Device(EmulatedPort(pico))
    device.connect()
    return pico, device, scope


def test_a_stage_that_is_off_is_put_right_and_stays_so_with_power_back(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simulated seconds are dear: a weaker board, so that fewer steps lead up.
    monkeypatch.setattr(calibrating, "SAMPLES", 3)
    monkeypatch.setattr(calibrating, "SETTLE_S", 0.05)
    pico, device, scope = powered(uf2, board, reference_stage)
    stage = {**stage_of("pico"), "board_max_current_ua": 16_000}
    result = Guide(device, stage, Readings(tmp_path / "readings", OHM, 1_000), scope).calibrate(0)
    print(result, scope.said, device.port.now_s(), "s")
    assert scope.said, "the zero was off by 4 counts"
    row = result["row"]
    for key, value in NEEDS[0].items():
        assert abs(row[key] - value) <= (10_000 if key.endswith("_ppm") else 1), (key, row)
    # Half a level is 1 % of the amplitude that it is tried on.
    assert abs(result["error_after_ppm"]) <= 15_000 < abs(result["error_before_ppm"])
    assert abs(scope.current_ua(0) - 4_800) <= 48 + 50
    there = device.request("calibration")
    assert (there["condition"], there["rows"]["0"]) == ("whole", row)

    _, again, _ = powered(uf2, board, reference_stage, pico.flash_image())
    assert again.request("calibration") == there
    assert again.identity["calibration"] == "whole"
    assert again.request("uncalibrate")["condition"] == "none"

"""The images of other RP2040 boards, on the emulated chip: each boots, says which it is, and runs a short session."""

from __future__ import annotations

from typing import Any

import pytest
from sessions import DENSE, OUTPUTS, Bench, rises
from starting import begin

import toolchain
from opennmes.boards import load_board, load_stage
from opennmes.device import identity
from opennmes.device.client import DeviceRefused


def bench_of(name: str) -> tuple[Bench, dict[str, Any]]:
    board = load_board(name)
    return Bench(toolchain.uf2(name), board, load_stage(board["stage"])), board


def session(bench: Bench, programme: dict[str, Any]) -> None:
    begin(bench.device, programme)
    bench.device.raise_to(1_000)
    bench.device.wait(0.2)
    status = bench.device.status()
    assert (status["state"], status["fault"]) == ("RUNNING", 0), status["fault_text"]
    assert status["delivered"] > 10 and status["channels"][0]["measured_ua"]
    bench.device.stop()
    status = bench.device.status()
    assert (status["state"], status["fault"]) == ("IDLE", 0)


def test_a_pico_w_keeps_its_radio_off_and_runs_a_session_with_a_lamp_of_its_own() -> None:
    bench, board = bench_of("pico_w")
    pins, pico = board["pins"], bench.pico
    said = bench.device.identity
    assert said["board"] == "pico_w" and identity.differences(said) == []

    def levels() -> list[int]:
        return [pico.level(pins[name]) for name in ("radio_power", "radio_select", "lamp")]

    assert levels() == [0, 1, 0]
    begin(bench.device, DENSE)
    assert levels() == [0, 1, 1]
    bench.device.stop()
    assert pico.level(pins["lamp"]) == 0
    found = {name: (passed, text) for name, passed, text, _ in bench.device.self_test()["results"]}
    assert found["supply_low"][0] and int(found["supply_low"][1]) > 3_000, "measured, on the pin that it shares"
    session(bench, DENSE)


def test_a_zero_says_what_it_does_not_measure_and_runs_for_resistors_alone() -> None:
    bench, _ = bench_of("rp2040_zero")
    said = bench.device.identity
    assert said["board"] == "rp2040_zero" and identity.differences(said) == []
    assert [signal for signal in OUTPUTS if rises(bench.stage, signal)] == []
    with pytest.raises(DeviceRefused) as refused:
        bench.device.load(DENSE)
    (reason,) = refused.value.reasons
    assert (reason["code"], reason["source"]) == ("dummy_only", "board rp2040_zero")
    session(bench, {**DENSE, "electrode": {"kind": "dummy", "area_mm2": 2_500}})
    found = {name: (passed, text) for name, passed, text, _ in bench.device.self_test()["results"]}
    assert found["supply_low"] == (True, "not measured")

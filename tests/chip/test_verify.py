"""nmes verify judges what the emulated chip delivers: as its trace has it, and as analysers would have sampled it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from captures_for_tests import PINS, Pins, sampled, write_sr, write_vcd
from starting import arm

from opennmes.cli import main
from opennmes.device.client import Device
from opennmes.measure.trace import Trace
from opennmes.ports.emulator import EmulatedPortWithStage
from opennmes.prescription import Prescription

PRESCRIPTION = """\
title = "From the chip"
effect = "sensory"

[electrode]
kind = "dummy"
area_cm2 = 10

[limits]
max_current_ma = 20

[[phase]]
name = "on"
frequency_hz = 100
pulse_width_us = 200
interphase_gap_us = 0
work_s = 0.4
rest_s = 0.2
ramp_up_s = 0.1
ramp_down_s = 0.1
duration_min = 0.02

[[channel]]
channel = 0
delay_s = 0.3

[[channel]]
channel = 1
delay_s = 0.603333
"""
SIGNALS = {"phase_a_0": "ch0_a", "phase_b_0": "ch0_b", "phase_a_1": "ch1_a", "phase_b_1": "ch1_b"}
NAMES = {**SIGNALS, **{role: role for role in ("enable", "pump", "level_a_0")}}


def pins_of(trace: Trace) -> Pins:
    """The pins of a trace, in microseconds since it began to be kept."""
    begin_ns = trace.rows[0][0]
    pins = Pins(begin=0, end=Fraction(trace.end_nanos - begin_ns, 1_000))
    for role, signal in NAMES.items():
        highs = []
        since = None
        for nanos, value in trace.changes(signal):
            us = Fraction(nanos - begin_ns, 1_000)
            if value:
                since = us
            elif since is not None:
                highs.append((since, us))
                since = None
        pins.highs[role] = highs
    return pins


def verdict(path: Path, file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, str]]:
    capsys.readouterr()
    status = main(["verify", str(path), str(file), "--json", *options])
    said = json.loads(capsys.readouterr().out)
    return status, {row["claim"]: row["verdict"] for row in said["claims"] if row["channel"] in (0, None)}


def test_what_the_chip_delivers_passes_as_its_trace_and_however_it_is_sampled(
    uf2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chip.toml"
    file.write_text(PRESCRIPTION)
    port = EmulatedPortWithStage(uf2)
    stage, pico = port.stage, port._pico
    try:
        device = Device(port)
        device.connect()
        arm(device, Prescription.read(file).data)
        # From here on pump and level too: before it is what the self-test does.
        stage.trace = Trace()
        for name in (*SIGNALS.values(), "ch0_current_ua", "ch1_current_ua"):
            stage._note(name, 0)
        for name, pin in (("pump", 11), ("level_a_0", 4), ("enable", 10)):
            stage._note(name, pico.level(pin))
            if name != "enable":
                pico.watch(pin, lambda level, name=name: stage._note(name, level))
        device.start()
        for channel in (0, 1):  # before the first pulse of each
            device.set_intensity(1_000, channel)
        device.wait(2.1)
        assert (device.status()["state"], device.status()["fault"]) == ("IDLE", 0)
        trace = stage.finish()
    finally:
        port.close()
    trace.write_vcd(tmp_path / "trace.vcd")
    status, claims = verdict(tmp_path / "trace.vcd", file, capsys)
    assert (status, set(claims.values())) == (0, {"passed"}), claims
    assert {"ramps", "pump, half a wave", "enable around every pulse", "distance of the channels"} <= set(claims)
    pins = pins_of(trace)
    options = [part for name, role in PINS.items() for part in ("--signal", f"{role}={name}")]
    for number, rate_hz in enumerate((1_000_000, 4_000_000, 24_000_000, 100_000_000)):
        made = sampled(pins, rate_hz, -50 if number % 2 else 50)
        path = (write_vcd if number % 2 else write_sr)(made, tmp_path / "sampled")
        status, claims = verdict(path, file, capsys, *options)
        # 1 mA is 10 levels of 1000, less than samples show of a duty.
        assert claims.pop("ramps") == ("unclear" if rate_hz < 100_000_000 else "passed")
        assert set(claims.values()) == {"passed"}, (rate_hz, claims)
    # And as if A and B were swapped.
    swapped = {"phase_a_0": "D1", "phase_b_0": "D0"}
    options = [o if (r := o.split("=")[0]) not in swapped else f"{r}={swapped[r]}" for o in options]
    status, claims = verdict(path, file, capsys, *options)
    assert (status, claims["order: A, then B"]) == (1, "failed")

"""The firmware as it is flashed, on the emulated Pico: what comes out of the pins, and what never does."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from sessions import DENSE, OUTPUTS, Bench, rises
from starting import arm, begin

from nmes.core import faults, frame
from opennmes import paths
from opennmes.device.client import DeviceRefused
from opennmes.emulator.repl import Repl
from opennmes.measure import pulses as measure
from opennmes.prescription import Prescription

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = paths.PROGRAMMES


def test_h02_no_output_moves_from_power_on_until_start(bench: Bench) -> None:
    device, stage = bench.device, bench.stage
    programme = Prescription.read(LIBRARY / "stress-incontinence-35hz.toml").data
    loaded = device.load(programme)
    device.acknowledge()
    device.wait(0.05)
    assert [signal for signal in OUTPUTS if rises(stage, signal)] == []
    # The self-test proves that the enable falls, and for that it has to rise. Nothing else moves, and it ends low.
    device.arm(loaded["programme_crc"])
    device.wait(0.05)
    assert [signal for signal in OUTPUTS if rises(stage, signal)] == ["enable"]
    assert stage.finish().value_at("enable", stage.trace.end_nanos) == 0


def test_a_prescription_comes_out_exactly_with_status_and_keepalive_traffic(bench: Bench) -> None:
    device, stage = bench.device, bench.stage
    begin(device, Prescription.read(LIBRARY / "stress-incontinence-35hz.toml").data)
    device.raise_to(1_000)
    while device.status()["delivered"] < 12:
        device.wait(0.02)
    account = device.stop()["account"]
    trace = stage.finish()
    found = measure.pulses(trace, 0)
    assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in found} == {(250_000, 50_000, 250_000)}
    starts = [p.start_nanos for p in found]
    assert {later - sooner for sooner, later in itertools.pairwise(starts)} == {28_571_000}
    assert len(found) == account["delivered"] == account["queued"] - account["cancelled"] >= 12
    assert account["underruns"] == 0
    assert measure.overlaps(trace, 0) == 0
    # The ramp: 1 mA over one second in steps of the stage's 0.1 mA, the same in both phases, at the time of each pulse.
    assert [p.current_a_ua for p in found] == [-p.current_b_ua for p in found]
    last_ms = (len(found) - 1) * 28_571 // 1000
    assert max(p.current_a_ua for p in found) == 10 * last_ms // 1000 * 100
    assert measure.summary(trace, 0)["net_charge_nc"] == 0


def test_nothing_comes_after_stop_and_the_enable_falls(dense: Bench) -> None:
    device, stage = dense.device, dense.stage
    device.wait(0.05)
    device.stop()
    stopped = stage.finish()
    count = len(measure.pulses(stopped, 0))
    device.wait(0.1)
    later = stage.finish()
    assert len(measure.pulses(later, 0)) == count
    assert later.value_at("enable", later.end_nanos) == 0
    # The running pulse was allowed to end: every phase A has its phase B, of the same width.
    assert {(p.width_a_ns, p.width_b_ns) for p in measure.pulses(later, 0)} == {(200_000, 200_000)}


def test_pause_and_going_on_keep_every_pulse_whole_and_counted(dense: Bench) -> None:
    device, stage = dense.device, dense.stage
    device.wait(0.04)
    device.request("pause")
    paused = len(measure.pulses(stage.finish(), 0))
    device.wait(0.05)
    assert len(measure.pulses(stage.finish(), 0)) == paused
    device.start()
    device.wait(0.04)
    account = device.stop()["account"]
    found = measure.pulses(stage.finish(), 0)
    assert len(found) == account["delivered"] == account["queued"] - account["cancelled"] > paused
    assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in found} == {(200_000, 1_000, 200_000)}


def test_a_dense_train_has_no_jitter_while_commands_keep_coming(dense: Bench) -> None:
    device, stage = dense.device, dense.stage
    for _ in range(8):
        device.status()
    account = device.stop()["account"]
    starts = [p.start_nanos for p in measure.pulses(stage.finish(), 0)]
    assert len(starts) > 10
    assert {later - sooner for sooner, later in itertools.pairwise(starts)} == {6_667_000}
    assert account["underruns"] == 0


def test_h22_ctrl_c_and_maintenance_do_not_reach_a_running_session(dense: Bench) -> None:
    device, port = dense.device, dense.port
    port.write(b"\x03\x03\x04")
    with pytest.raises(DeviceRefused) as refused:
        device.request("maintenance")
    assert refused.value.error == "wrong_state"
    assert device.status()["state"] == "RUNNING"
    device.stop()


def test_ctrl_c_gives_the_prompt_when_idle_with_every_output_at_rest(bench: Bench) -> None:
    stage, port = bench.stage, bench.port
    port.write(b"\x03")
    heard = b""
    while b">>> " not in heard:
        data = port.read(0.5)
        assert data, heard
        heard += data
    assert [signal for signal in OUTPUTS if stage.trace.value_at(signal, int(port.now_s() * 1e9))] == []


def test_the_chip_goes_into_bootsel_on_demand_with_every_output_at_rest_but_not_out_of_a_session(
    dense: Bench,
) -> None:
    bench = dense
    with pytest.raises(DeviceRefused) as refused:
        bench.device.request("bootloader")
    assert refused.value.error == "wrong_state"
    bench.device.stop()
    since_ns = bench.pico.nanos
    assert bench.device.request("bootloader")["state"] == "IDLE"
    assert bench.pico.run_until(lambda: bench.pico.in_bootsel, 1_000_000_000)
    bench.pico.run_for(100_000_000)
    assert bench.moved(since_ns) == []
    trace = bench.stage.finish()
    assert [signal for signal in OUTPUTS if trace.value_at(signal, bench.pico.nanos)] == []


def test_the_device_refuses_what_the_host_was_told_not_to_check(bench: Bench) -> None:
    device = bench.device
    with open(ROOT / "docs" / "examples" / "refused-small-probe.toml", "rb") as file:
        assert tomllib.load(file)["electrode"]["kind"] == "probe"
    before = device.status()
    with pytest.raises(DeviceRefused) as refused:
        device.load(Prescription.read(ROOT / "docs" / "examples" / "refused-small-probe.toml").data)
    assert "rms_current_density" in {reason["code"] for reason in refused.value.reasons}
    assert device.status() == before


def test_the_refill_allocates_nothing_and_does_not_care_about_garbage_collection(repl: Repl) -> None:
    printed = repl.run(
        """
import gc, micropython, board, time
from nmes.hal import make
from stages.reference import STAGE
hal = make(board.BOARD, STAGE)
g = hal.channels[0]
hal.channels[0].begin(0, True)
hal.start(1)
edges = []
def fill():
    while g.room() > 0:
        g.put(100, 100, 250, 50, 250, 8000, 200, 1)
micropython.heap_lock()
fill()
fill()
micropython.heap_unlock()
for _ in range(12):
    time.sleep_ms(8)
    gc.collect()
    micropython.heap_lock()
    fill()
    micropython.heap_unlock()
micropython.heap_lock()
cancelled = g.stop()
micropython.heap_unlock()
print(g.begun(), cancelled, g.begun() + cancelled == g._at[0])
"""
    )
    begun, _, whole = printed.split()
    assert int(begun) > 10 and whole == "True"


def test_h01_a_bit_that_flips_in_a_record_is_found_before_the_next_pulse(repl: Repl) -> None:
    # A record that is used again is not made again: it has to be the one that the second checker found good.
    printed = repl.run(
        """
import board
from nmes.hal import make
from stages.reference import STAGE
g = make(board.BOARD, STAGE).channels[0]
g.begin(0, True)
def put(level=100):
    return g.put(level, level, 250, 50, 250, 8000, 200, 1)
print(put(), put(), put(101), put(101))
for half in range(12):
    for bit in (0, 7, 15):
        g.begin(0, True)
        put(), put(101)
        g.records[6 + half] ^= 1 << bit
        print(put(101))
        g.records[6 + half] ^= 1 << bit
g.begin(0, True)
print(put(300), put(), put())
"""
    ).split()
    assert printed == ["True"] * 4 + ["False"] * 36 + ["False", "True", "True"]


def test_h19_an_opened_emergency_stop_latches_and_needs_a_person(dense: Bench) -> None:
    device, stage, port = dense.device, dense.stage, dense.port
    device.wait(0.03)
    opened_ns = round(port.now_s() * 1e9)
    stage.stop_opened = True
    device.wait(0.03)
    assert max(nanos for nanos, value in stage.finish().changes("enable") if not value) - opened_ns <= 1_000
    status = device.status()
    assert (status["state"], status["fault"], status["channels"][0]["intensity_ua"]) == (
        "FAULT",
        faults.EMERGENCY_STOP,
        0,
    )
    stage.stop_opened = False
    device.wait(0.02)
    for command in ("start", "arm"):
        with pytest.raises(DeviceRefused):
            device.request(command, **({"programme_crc": status["programme_crc"]} if command == "arm" else {}))
    device.request("clear", fault=faults.EMERGENCY_STOP)
    assert device.status()["state"] == "IDLE"
    assert not stage.powered


def test_h19_an_open_emergency_stop_refuses_to_arm(bench: Bench) -> None:
    device, stage = bench.device, bench.stage
    stage.stop_opened = True
    loaded = device.load(DENSE)
    device.acknowledge()
    with pytest.raises(DeviceRefused) as refused:
        device.arm(loaded["programme_crc"])
    assert refused.value.reasons[0]["code"] == "not_safe"


@pytest.mark.parametrize(
    ("attribute", "fault"), [("stop_opened", faults.EMERGENCY_STOP), ("over_current", faults.OVER_CURRENT)]
)
@pytest.mark.parametrize("paused", [False, True])
def test_h19_an_opening_of_a_fraction_of_a_microsecond_latches_while_nothing_runs(
    bench: Bench, attribute: str, fault: int, paused: bool
) -> None:
    device, stage = bench.device, bench.stage

    def blink() -> None:
        setattr(stage, attribute, True)
        bench.pico.run_for(200)
        setattr(stage, attribute, False)

    blink()
    device.wait(0.03)
    assert device.status()["state"] == "IDLE"
    arm(device, DENSE)
    if paused:
        device.start()
        device.request("pause")
    device.wait(0.03)
    state = device.status()["state"]
    assert state == ("PAUSED" if paused else "ARMED")
    blink()
    device.wait(0.03)
    status = device.status()
    assert (status["state"], status["fault"]) == ("FAULT", fault)
    assert device.request("record")["state"] == state
    device.request("clear", fault=fault)


def test_a_host_that_stops_reading_does_not_stop_the_train(dense: Bench) -> None:
    device, stage, port = dense.device, dense.stage, dense.port
    pico = dense.pico
    # The host goes on writing, so the session lives, but no longer asks for what the board has to say.
    usb = pico.mcu.usb_ctrl
    done = usb._indicate_buffer_ready
    usb._indicate_buffer_ready = lambda endpoint, out: done(endpoint, out) if out or not endpoint else None
    for seq in range(8):
        port.write(frame.encode({"seq": 900_000_000 + seq, "cmd": "status", "host": device._host}))
        pico.run_for(60_000_000)
    starts = [p.start_nanos for p in measure.pulses(stage.finish(), 0)]
    assert len(starts) > 60
    assert {later - sooner for sooner, later in itertools.pairwise(starts)} == {6_667_000}
    assert stage.powered

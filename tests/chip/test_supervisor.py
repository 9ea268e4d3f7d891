"""The supervisor as it is flashed: the watchdog, and what is kept of a fault, on the emulated Pico."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sessions import DENSE, OUTPUTS, Bench, hang, rises
from starting import arm, begin

from nmes.core import faults
from nmes.hal.common import WATCHDOG_MS
from opennmes.device.client import Device, DeviceRefused
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, show_main
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort


def test_h05_a_loop_that_is_stuck_in_a_session_is_reset_within_a_second_and_comes_up_in_fault(
    dense: Bench, make: Callable[..., Bench]
) -> None:
    bench = dense
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


@pytest.mark.parametrize("error", ["MemoryError", "SystemExit"])
def test_h02_what_leaves_the_loop_is_reset_and_comes_up_in_fault_and_not_at_the_prompt(
    bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any], error: str
) -> None:
    pico = bare_pico()
    stage = OutputStage(pico, board, reference_stage)
    repl = Repl(pico)
    repl.start(
        f"import nmes.app\nturns, error = [0], {error}\n"
        "def ends(self):\n"
        "    turns[0] += 1\n"
        "    if turns[0] == 5:\n        raise error\n"
        "nmes.app.Panel.step = ends\n"
        # A fault on the way into which memory runs out too.
        "def fails(self, number, text):\n    raise MemoryError\n"
        "import nmes.supervisors\nnmes.supervisors.Recording.fail = fails\n"
        "nmes.app.run()\n"
    )
    show_main(pico)
    begin_ns = pico.nanos
    assert pico.run_until(lambda: pico.resets == 1, 1_500_000_000)
    assert pico.nanos - begin_ns > 0.9 * WATCHDOG_MS * 1e6
    pico.run_for(300_000_000)
    pico.read()  # what the prompt said before
    device = Device(EmulatedPort(pico))
    device.connect()
    status = device.status()
    assert (status["state"], status["fault"]) == ("FAULT", faults.WATCHDOG_RESET)
    assert [signal for signal in OUTPUTS if rises(stage, signal)] == []


def test_everything_comes_to_rest_without_a_byte_of_memory(
    bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    pico = bare_pico()
    stage = OutputStage(pico, board, reference_stage)
    found = Repl(pico).run(
        "import board, micropython\nfrom nmes.hal import make\nfrom stages.reference import STAGE\n"
        "hal = make(board.BOARD, STAGE)\nhal.forget_openings()\nhal.channels[0].begin(0, True)\nhal.permit(500)\n"
        "hal.channels[0].put(100, 100, 250, 50, 250, 20_000, 100, 1)\nhal.start(1)\nhigh = hal.enabled()\n"
        "micropython.heap_lock()\ntry:\n    hal.all_off()\n    low = hal.enabled()\n"
        "finally:\n    micropython.heap_unlock()\nprint(high, low)"
    )
    assert found == "True False\n"
    trace = stage.finish()
    assert all(trace.value_at(signal, trace.end_nanos) == 0 for signal in OUTPUTS)


def test_at_the_prompt_nothing_is_reset_and_the_application_comes_back_in_order(bench: Bench) -> None:
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


def test_h16_a_power_cut_at_any_time_after_a_fault_comes_up_with_the_whole_record_or_without(
    dense: Bench, make: Callable[..., Bench]
) -> None:
    bench = dense
    bench.device.wait(0.05)
    bench.stage.stop_opened = True
    images = []
    before = bench.pico.flash_image()
    for _ in range(800):  # the host is told first
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


# ---- the self-test ----


def test_the_self_test_passes_at_rest_and_moves_no_phase(bench: Bench) -> None:
    arm(bench.device, DENSE)
    test = bench.device.request("self_test")
    assert test["passed"] and len(test["results"]) == 9
    # One proof each for lease and interlock, three for each channel; and not a phase or a current among them.
    assert len(rises(bench.stage, "enable")) == 8
    trace = bench.stage.finish()
    assert [signal for signal in OUTPUTS if signal != "enable" and rises(bench.stage, signal)] == []
    assert trace.changes("ch0_current_ua")[1:] == trace.changes("ch1_current_ua")[1:] == []
    assert trace.value_at("enable", trace.end_nanos) == trace.value_at("permit", trace.end_nanos) == 0


def test_an_enable_that_is_stuck_is_found_at_once_and_cannot_be_cleared(bench: Bench, board: dict[str, Any]) -> None:
    bench.pico.set_input(board["pins"]["enable"], 1)
    bench.device.wait(0.03)
    assert bench.fault() == ("FAULT", faults.ENABLE_STUCK)
    with pytest.raises(DeviceRefused) as refused:
        bench.device.request("clear", fault=faults.ENABLE_STUCK)
    assert refused.value.reasons[0]["code"] == "cause_there"


def adc_stuck(bench: Bench) -> None:
    for number in range(5):
        bench.pico.set_adc(number, 2048)


def sense_off(bench: Bench) -> None:
    bench.pico.set_adc(1, 2048 + 30)


def supply_low(bench: Bench) -> None:
    bench.pico.set_adc(3, 1200)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (adc_stuck, faults.SENSE_FAILED),
        (sense_off, faults.SENSE_FAILED),
        (supply_low, faults.SUPPLY_LOW),
    ],
)
def test_the_self_test_finds(bench: Bench, broken: Callable[[Bench], None], fault: int) -> None:
    broken(bench)
    with pytest.raises(DeviceRefused) as refused:
        arm(bench.device, DENSE)
    assert refused.value.reasons[0]["code"] == "self_test"
    assert bench.fault() == ("FAULT", fault)
    assert rises(bench.stage, "enable") == []
    with pytest.raises(DeviceRefused) as refused:
        bench.device.request("clear", fault=fault)
    assert refused.value.reasons[0]["code"] == "cause_there"


@pytest.mark.parametrize(("pin", "fault"), [("interlock", faults.OVER_CURRENT), ("stop_loop", faults.EMERGENCY_STOP)])
def test_h19_a_line_that_opens_with_a_dead_guard_is_seen_by_the_loop(
    bench: Bench, board: dict[str, Any], pin: str, fault: int
) -> None:
    begin(bench.device, DENSE)
    bench.device.wait(0.05)
    bench.pico.mcu.pio[1].machines[2].enabled = False  # of the guard, the one that looks at the line
    bench.device.wait(0.05)
    assert bench.fault() == ("RUNNING", 0)
    bench.pico.set_input(board["pins"][pin], 0)
    bench.device.wait(0.03)
    assert bench.fault() == ("FAULT", fault)
    assert bench.device.request("record")["fault_text"] == "not seen by the guard"


@pytest.mark.parametrize("program", ["watch", "interlock", "lease"])
def test_a_guard_that_does_not_run_is_found(
    bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any], program: str
) -> None:
    pico = bare_pico()
    OutputStage(pico, board, reference_stage)
    repl = Repl(pico)
    repl.run(
        "import board\nfrom nmes.hal import make\nfrom stages.reference import STAGE\nhal = make(board.BOARD, STAGE)\n"
        "class Dead:\n"
        "    def __init__(self, machine):\n        self._machine = machine\n"
        "    def active(self, on):\n        self._machine.active(0)\n"
        "    def __getattr__(self, name):\n        return getattr(self._machine, name)\n"
        "guard = hal._guard\n"
        + {
            "watch": "guard._watchers[1] = Dead(guard._watchers[1])",
            "interlock": "guard._interlock = Dead(guard._interlock)",
            "lease": "guard._lease = Dead(guard._lease)",
        }[program]
    )
    found = repl.run("print(hal.try_guard())")
    wanted = {"watch": "phase_too_long, channel 1", "interlock": "over_current", "lease": "lease_lost"}[program]
    assert found.startswith(wanted) and "enable 1" in found
    assert repl.run("print(hal.enabled())") == "False\n"

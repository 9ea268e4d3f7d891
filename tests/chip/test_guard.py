"""The guard takes permission away by itself: each cause is made to happen on the emulated chip."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sessions import AtPrompt

from nmes.core import faults
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage

LIMIT_US = 250
REACTION_NS = 1_000  # the promise of docs/hardware.md
LEASE_NS = 90_000_000

BEGIN = f"""
import board, time
from machine import Pin
from nmes.hal.rp2.guard import Guard
pins = board.BOARD["pins"]
a, b = [Pin(pins["channels"][0][phase], Pin.OUT, value=0) for phase in ("phase_a", "phase_b")]
a1, b1 = [Pin(pins["channels"][1][phase], Pin.OUT, value=0) for phase in ("phase_a", "phase_b")]
guard = Guard(pins)
assert guard.is_safe()
guard.begin({LIMIT_US})
time.sleep_us(2000)
assert guard.tripped() == 0
"""


class Guarding(AtPrompt):
    """The guard has been begun."""

    BEGIN = BEGIN

    def __init__(self, pico: EmulatedPico, stage: OutputStage) -> None:
        super().__init__(pico, stage)
        assert self.stage.powered

    def tripped(self) -> int:
        return int(self.repl.run("print(guard.tripped())"))


@pytest.fixture(scope="module")
def bench(benched: Callable[[Callable[..., Guarding]], Guarding]) -> Guarding:
    return benched(Guarding)


@pytest.mark.parametrize(("pin", "signal"), [("a", "ch0_a"), ("b", "ch0_b"), ("a1", "ch1_a"), ("b1", "ch1_b")])
def test_an_over_long_phase_is_cut_at_its_limit(bench: Guarding, pin: str, signal: str) -> None:
    bench.repl.run(f"{pin}.value(1)\ntime.sleep_us(1000)")
    on_ns = bench.last("enable", 0) - bench.last(signal, 1)
    assert LIMIT_US * 1000 <= on_ns <= LIMIT_US * 1000 + REACTION_NS
    assert bench.tripped() == faults.PHASE_TOO_LONG


def test_a_phase_within_its_limit_is_left_alone(bench: Guarding) -> None:
    bench.repl.run("a.value(1); time.sleep_us(200); a.value(0); b.value(1); time.sleep_us(200); b.value(0)")
    assert bench.stage.powered and bench.tripped() == 0


@pytest.mark.parametrize("order", ["a.value(1); b.value(1)", "b.value(1); a.value(1)"])
def test_h04_both_phases_at_once_are_cut(bench: Guarding, order: str) -> None:
    bench.repl.run(order + "\ntime.sleep_us(100)")
    both_ns = max(bench.last("ch0_a", 1), bench.last("ch0_b", 1))
    assert 0 < bench.last("enable", 0) - both_ns <= REACTION_NS
    assert bench.tripped() == faults.BOTH_PHASES


def test_one_phase_of_each_channel_at_once_is_allowed(bench: Guarding) -> None:
    bench.repl.run("a.value(1); b1.value(1); time.sleep_us(100); a.value(0); b1.value(0)")
    assert bench.stage.powered and bench.tripped() == 0


def test_a_pulse_too_soon_after_the_last_is_cut(bench: Guarding) -> None:
    bench.repl.run("a.value(1); time.sleep_us(50); a.value(0); time.sleep_us(100); a.value(1)\ntime.sleep_us(100)")
    assert 0 < bench.last("enable", 0) - bench.last("ch0_a", 1) <= REACTION_NS
    assert bench.tripped() == faults.PULSES_TOO_CLOSE


@pytest.mark.parametrize(
    ("attribute", "fault"), [("stop_opened", faults.EMERGENCY_STOP), ("over_current", faults.OVER_CURRENT)]
)
@pytest.mark.parametrize("wait_us", [0, 137, 1003])
def test_h19_an_input_cuts_however_short_it_is(bench: Guarding, attribute: str, fault: int, wait_us: int) -> None:
    bench.repl.start("while True: pass")
    bench.pico.run_for(100_000 + wait_us * 1000)
    opened_ns = bench.pico.nanos
    setattr(bench.stage, attribute, True)
    bench.pico.run_for(200)
    setattr(bench.stage, attribute, False)
    bench.pico.run_for(2_000_000)
    assert 0 < bench.last("enable", 0) - opened_ns <= REACTION_NS
    assert not bench.stage.powered
    bench.pico.write(b"\x03")
    assert bench.tripped() == fault


HANGS = {
    "a busy loop": "while True: pass",
    "with interrupts off": "import machine\nmachine.disable_irq()\nwhile True: pass",
    "asleep": "time.sleep(10)",
}


@pytest.mark.parametrize("hang", HANGS)
def test_h05_a_cpu_that_hangs_loses_its_lease(bench: Guarding, hang: str) -> None:
    bench.repl.run("guard.renew()")
    renewed_ns = bench.pico.nanos
    bench.repl.start(HANGS[hang])
    bench.pico.run_for(LEASE_NS + 3_000_000)
    assert not bench.stage.powered
    assert bench.last("enable", 0) - renewed_ns <= LEASE_NS + 1_000_000
    assert bench.stage.finish().value_at("permit", bench.pico.nanos) == 0


def test_renewing_keeps_permission(bench: Guarding) -> None:
    bench.repl.run("for _ in range(30):\n    time.sleep_ms(5)\n    guard.renew()\nprint(guard.tripped())")
    assert bench.stage.powered and bench.tripped() == 0


@pytest.mark.parametrize("death", ["soft_reset", "reset"])
@pytest.mark.parametrize("pin", ["a", "b"])
def test_h05_a_reset_in_mid_phase_ends_permission_within_a_millisecond(bench: Guarding, death: str, pin: str) -> None:
    # The longest phase there is, so that it is not its length that the guard cuts.
    bench.repl.run("import machine\nguard.begin(1000)\ntime.sleep_us(2000)")
    bench.repl.start(f"{pin}.value(1)\nmachine.{death}()")
    bench.pico.run_for(5_000_000)
    assert not bench.stage.powered
    assert 0 < bench.last("permit", 0) - bench.last(f"ch0_{pin}", 1) < 1_000_000
    assert all(bench.stage.current_ua(channel) == 0 for channel in (0, 1))


def test_nothing_but_begin_gives_permission_back(bench: Guarding) -> None:
    bench.stage.over_current = True
    bench.pico.run_for(10_000)
    bench.stage.over_current = False
    bench.repl.run("for _ in range(20):\n    time.sleep_us(1000)\n    guard.renew()")
    assert not bench.stage.powered
    bench.repl.run(f"guard.begin({LIMIT_US})\ntime.sleep_us(1000)")
    assert bench.stage.powered and bench.tripped() == 0


def test_begin_with_an_open_stop_gives_no_permission(bench: Guarding) -> None:
    bench.repl.run("guard.halt()")
    bench.stage.stop_opened = True
    before = len(bench.stage.finish().changes("permit"))
    bench.repl.run(f"guard.begin({LIMIT_US})\ntime.sleep_us(1000)")
    assert bench.tripped() in (faults.EMERGENCY_STOP, faults.OVER_CURRENT)
    assert not bench.stage.powered
    assert bench.stage.finish().value_at("enable", bench.pico.nanos) == 0
    assert len(bench.stage.finish().changes("permit")) >= before


def test_renew_and_tripped_allocate_nothing(bench: Guarding) -> None:
    bench.repl.run(
        "import micropython\nmicropython.heap_lock()\nfor _ in range(3):\n    guard.renew()\n    guard.tripped()\n"
        "micropython.heap_unlock()"
    )

"""hal/rp2/guard.py and the pins' own latches of falling edges: an opening is told however short it was, and once."""

from types import SimpleNamespace

import guarded
import pytest
import registers_model
import shipped
from guarded import BOARD, PINS

from nmes.core import faults

GUARD = shipped.module(shipped.PROGRAM_FILE.with_name("guard.py"))
INTR = range(0x400140F0, 0x40014100, 4)  # 2.19.6.1: four bits a pin, level low and high, edge low and high
EDGE_LOW, EDGE_HIGH = 4, 8
SIGNALS = [("stop_loop", faults.EMERGENCY_STOP), ("interlock", faults.OVER_CURRENT)]


@pytest.fixture
def chip(monkeypatch):
    registers = registers_model.Registers(latches=INTR)
    board: dict[int, registers_model.Pin] = {}
    monkeypatch.setattr(GUARD, "mem32", registers)
    monkeypatch.setattr(GUARD, "ptr32", registers_model.ptr32(registers))
    monkeypatch.setattr(GUARD, "Pin", type("Pin", (registers_model.Pin,), {"board": board}))
    monkeypatch.setattr(GUARD, "rp2", SimpleNamespace(StateMachine=lambda number, program: None))
    registers.guard = GUARD.Guard(BOARD["pins"])
    registers.pins = board
    for name in ("stop_loop", "interlock"):
        board[PINS[name]].level = 1
    return registers


def edge(chip, name, which=EDGE_LOW):
    at = INTR.start + 4 * (PINS[name] // 8)
    chip.values[at] = chip.values.get(at, 0) | which << 4 * (PINS[name] % 8)


def test_both_lines_are_inputs_that_are_low_when_nothing_drives_them(chip):
    for name, _ in SIGNALS:
        assert (chip.pins[PINS[name]].mode, chip.pins[PINS[name]].pull) == ("in", "pull down")


@pytest.mark.parametrize(("name", "fault"), SIGNALS)
def test_h19_a_line_that_fell_and_rose_again_is_told_until_it_is_forgotten(chip, name, fault):
    assert chip.guard.opened() == 0
    edge(chip, name)
    for _ in range(2):
        assert chip.guard.opened() == fault
    chip.guard.forget_openings()
    assert chip.guard.opened() == 0


@pytest.mark.parametrize(("name", "fault"), SIGNALS)
def test_h19_a_line_that_is_low_is_told_whatever_its_latch_says(chip, name, fault):
    chip.pins[PINS[name]].level = 0
    assert chip.guard.opened() == fault and not chip.guard.is_safe()
    chip.guard.forget_openings()
    assert chip.guard.opened() == fault
    chip.pins[PINS[name]].level = 1
    assert chip.guard.opened() == 0 and chip.guard.is_safe()


def test_a_rising_edge_and_edges_of_other_pins_are_no_openings(chip):
    for name, _ in SIGNALS:
        edge(chip, name, EDGE_HIGH)
    for number in range(30):
        if number not in (PINS["stop_loop"], PINS["interlock"]):
            at = INTR.start + 4 * (number // 8)
            chip.values[at] = chip.values.get(at, 0) | EDGE_LOW << 4 * (number % 8)
    before = dict(chip.values)
    assert chip.guard.opened() == 0
    chip.guard.forget_openings()
    assert chip.values == before, "what belongs to other pins stays"


# ---- on modelled state machines ----


def test_a_cause_of_the_session_before_is_none_of_the_next():
    board = guarded.Guarded(250)
    board.run(board.now + 600 * guarded.US)
    board.block.look_at([(-guarded.US, guarded.SAFE), (board.now, guarded.SAFE | guarded.A)])
    board.run(board.now + 400 * guarded.US)
    assert board.guard.tripped() == faults.PHASE_TOO_LONG
    board.block.look_at([(-guarded.US, guarded.SAFE)])
    board.guard.begin(250)
    board.run(board.now + 10 * guarded.US)
    assert board.guard.tripped() == 0 and board.enabled()


def test_halted_the_enable_is_low_and_nothing_runs():
    board = guarded.Guarded(250)
    board.run(board.now + 10 * guarded.US)
    assert board.enabled()
    board.guard.halt()
    assert not board.enabled() and not any(machine.on for machine in board.machines.values())


@pytest.mark.parametrize(
    ("cause", "enable"),
    [(faults.OVER_CURRENT, False), (faults.PHASE_TOO_LONG, False), (0, True), (faults.LEASE_LOST, True)],
)
def test_a_guard_that_cuts_for_the_wrong_cause_or_does_not_cut_is_not_proven(chip, monkeypatch, cause, enable):
    guard = chip.guard
    monkeypatch.setattr(GUARD, "time", SimpleNamespace(sleep_us=lambda us: None))
    for name, value in (("begin", None), ("halt", None), ("tripped", cause), ("enabled", enable)):
        monkeypatch.setattr(guard, name, lambda *_, value=value: value)
    monkeypatch.setattr(guard, "_prove_begin", lambda *_: None)
    assert guard.try_guard().startswith("lease_lost")

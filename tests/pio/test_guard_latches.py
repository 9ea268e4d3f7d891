"""hal/rp2/guard.py and the pins' own latches of falling edges: an opening is told however short it was, and once."""

from types import SimpleNamespace

import pytest
import registers_model
import shipped
from guarded import BOARD, PINS

from nmes.core import faults

GUARD = shipped.module(shipped.PROGRAM_FILE.with_name("guard.py"))
INTR = range(0x400140F0, 0x40014100, 4)  # 2.19.6.1: four bits a pin, level low and high, edge low and high
EDGE_LOW, EDGE_HIGH = 4, 8
SIGNALS = [("stop_loop", faults.EMERGENCY_STOP), ("safe_line", faults.OVER_CURRENT)]


@pytest.fixture
def chip(monkeypatch):
    registers = registers_model.Registers(latches=INTR)
    board: dict[int, registers_model.Pin] = {}
    monkeypatch.setattr(GUARD, "mem32", registers)
    monkeypatch.setattr(GUARD, "Pin", type("Pin", (registers_model.Pin,), {"board": board}))
    monkeypatch.setattr(GUARD, "rp2", SimpleNamespace(StateMachine=lambda number, program: None))
    registers.guard = GUARD.Guard(BOARD["pins"])
    registers.pins = board
    for name in ("stop_loop", "safe_line"):
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
        if number not in (PINS["stop_loop"], PINS["safe_line"]):
            at = INTR.start + 4 * (number // 8)
            chip.values[at] = chip.values.get(at, 0) | EDGE_LOW << 4 * (number % 8)
    before = dict(chip.values)
    assert chip.guard.opened() == 0
    chip.guard.forget_openings()
    assert chip.values == before, "what belongs to other pins stays"

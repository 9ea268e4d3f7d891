"""hal/rp2/rest.py: whatever drove them, every output of every channel becomes a plain low pin."""

import pytest
import registers_model
import shipped
from guarded import PINS

REST = shipped.module(shipped.PROGRAM_FILE.with_name("rest.py"))
OUTPUTS = {PINS["enable"], PINS["pump"]} | {pin for channel in PINS["channels"] for pin in channel.values()}


@pytest.fixture
def made(monkeypatch):
    """Every pin that was made, by its number."""
    board: dict[int, registers_model.Pin] = {}
    monkeypatch.setattr(REST, "Pin", type("Pin", (registers_model.Pin,), {"board": board}))
    return board


def test_h02_every_output_of_every_channel_and_both_enables_are_driven_low(made):
    REST.rest(PINS)
    assert made.keys() == OUTPUTS and len(OUTPUTS) == 10
    assert {(pin.mode, pin.level) for pin in made.values()} == {("out", 0)}


def test_the_sync_output_and_the_phases_of_a_channel_that_is_not_there_are_driven_low(made):
    REST.rest({**PINS, "channels": PINS["channels"][:1], "sync_output": 9, "trigger_input": 8, "held_low": (6, 7)})
    assert {6, 7, 9} <= made.keys() and 8 not in made, "an input is nobody's to drive"
    assert {(pin.mode, pin.level) for pin in made.values()} == {("out", 0)}


def test_a_radio_on_the_board_is_held_off_and_not_spoken_to(made):
    REST.rest({**PINS, "radio_power": 23, "radio_select": 25})
    assert made.keys() == OUTPUTS | {23, 25}
    assert [(made[pin].mode, made[pin].level) for pin in (23, 25)] == [("out", 0), ("out", 1)]


def test_the_enables_fall_before_a_level_or_a_phase_is_touched(made):
    REST.rest(PINS)
    assert set(list(made)[:2]) == {PINS["enable"], PINS["pump"]}

"""nmes boards: every pin of every board has its function and the reason, and what is said is what the board has."""

from __future__ import annotations

import json

import pytest

from opennmes.boards import board_names, load_board, stage_of
from opennmes.cli import main
from opennmes.pins import abilities, pins_of


def numbers(table: object) -> list[int]:
    """Every pin number in a board's table, however deep."""
    if isinstance(table, int):
        return [table]
    rows = table.values() if isinstance(table, dict) else table
    return [number for row in rows for number in numbers(row)]


@pytest.mark.parametrize("name", [*board_names(), "pico-stock"])
def test_every_pin_of_the_board_is_there_once_with_what_and_why(name):
    board = load_board(name)
    pins = pins_of(board)
    assert [pin.gpio for pin in pins] == sorted(
        numbers(board["pins"]) + [board["display"][name] for name in ("sda", "scl") if "display" in board]
    )
    assert all(pin.what and pin.why and "{" not in pin.why for pin in pins)


def test_the_reasons_hold_on_the_pico():
    pins = {(pin.function, pin.channel): pin for pin in pins_of(load_board("pico"))}
    for channel in (0, 1):
        a, b = (pins[name, channel] for name in ("phase_a", "phase_b"))
        assert b.gpio == a.gpio + 1
        low, high = (pins[name, channel] for name in ("level_a", "level_b"))
        assert (low.gpio // 2, low.gpio % 2, high.gpio % 2) == (high.gpio // 2, 0, 1)
        assert f"slice {low.gpio // 2 % 8}" in low.why and low.why.startswith("output A")
        assert pins["sense_current", channel].why.startswith(f"ADC {channel}")
    assert pins["sense_voltage", None].why.startswith("ADC 2")


def test_the_list_names_all_and_says_which_is_for_resistors_alone(capsys):
    assert main(["boards"]) == 0
    said = capsys.readouterr().out
    assert "pico: Raspberry Pi Pico, RP2040, 125 MHz, for every prescription" in said
    assert "pico-stock: Raspberry Pi Pico, stock MicroPython" in said and "resistors alone" in said
    assert "virtual: " in said


def test_what_drives_a_bare_board_is_for_nobody_either():
    said = dict(abilities(load_board("pico", "bare"), stage_of("pico", "bare")))
    assert said["output stage"].startswith("bare") and said["for"] == "resistors alone: nobody may be connected"
    assert dict(abilities(load_board("pico"), stage_of("pico")))["for"] == "every prescription"


def test_who_may_start_the_contractions_is_named():
    listens = "reference-biofeedback"
    said = dict(abilities(load_board("pico", listens), stage_of("pico", listens)))
    assert said["channels"] == "1" and said["contractions"].startswith(
        "on time, or started by their person: 0 to 3.2 V"
    )
    assert said["laboratory"] == "trigger input on GP8, sync output on GP9"
    of_two = dict(abilities(load_board("pico"), stage_of("pico")))
    assert of_two["contractions"] == "on time alone"
    assert of_two["laboratory"].startswith("no trigger input and no sync output: two channels leave no pin")


def test_a_board_shows_what_laboratories_get_with_each_stage(capsys):
    assert main(["boards", "pico"]) == 0
    said = capsys.readouterr().out
    assert "laboratory: no trigger input and no sync output: two channels leave no pin" in said
    assert "laboratory: trigger input on GP8, sync output on GP9" in said


def test_one_board_is_shown_with_its_pins(capsys):
    assert main(["boards", "pico"]) == 0
    said = capsys.readouterr().out
    assert "up to 100 mA, in steps of 0.1 mA" in said and "3 to 5.5 V, measured" in said
    (row,) = [line for line in said.splitlines() if line.startswith(" GP10 ")]
    assert "enable" in row and "output" in row and "the guard" in row
    assert main(["boards", "virtual"]) == 0
    assert "no pins" in capsys.readouterr().out


def test_for_machines(capsys):
    assert main(["boards", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["boards"]}
    assert set(rows) == {*board_names(), "pico-stock"}
    assert rows["pico"]["for_people"] and not rows["pico-stock"]["for_people"]
    assert rows["pico"]["flashed_by_uf2"] and not rows["virtual"]["flashed_by_uf2"]
    assert rows["pico"]["channels"] == 2 and len(rows["pico"]["pins"]) == 28
    assert rows["pico"]["lacks"] == [] and rows["pico"]["tried"].startswith("every test of the firmware")
    assert rows["rp2040_zero"]["lacks"] == ["supply sense", "lamp for output on", "buttons", "display"]
    assert not rows["rp2040_zero"]["for_people"] and not rows["pico2"]["for_people"] and rows["pico2"]["tried"] == ""


def test_a_board_under_a_stock_micropython_has_the_same_file(capsys):
    assert main(["boards", "--check", "pico-stock"]) == 0
    assert "nothing is wrong with its file" in capsys.readouterr().out
    assert main(["boards", "--check", "virtual-stock"]) == 2


def test_a_board_that_is_not_known_is_one_message(capsys):
    for name in ("pico3", "virtual-stock", "pico_w-stock", "rp2", "stages", "../pico", ""):
        status = main(["boards", name]) if name else 2
        assert status == 2
    said = capsys.readouterr().err
    _, _, known = said.partition("known boards: ")
    known, _, advice = known.partition("; ")
    assert known.split(", ") == sorted([*board_names(), "pico-stock"])
    assert advice.startswith("`nmes boards` lists them")

"""Numbers that stand in two files, because MicroPython's compiler puts in only those of the same file, are the same."""

import ast
import re
from pathlib import Path

import pytest

from nmes.core import pulse
from opennmes import board_check
from opennmes.boards import board_names, load_board
from opennmes.emulator import exact

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware" / "nmes"
RP2 = FIRMWARE / "hal" / "rp2"


def constants(file: Path) -> dict[str, int]:
    """What `NAME = const(...)` and `NAME = 3` of a file come to."""
    found: dict[str, int] = {}
    for node in ast.parse(file.read_text()).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        value = node.value
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "const":
            value = value.args[0]
        try:
            made = eval(ast.unparse(value), {"__builtins__": {}}, dict(found))
        except (NameError, TypeError):
            continue
        if isinstance(made, int):
            found[node.targets[0].id] = made
    return found


SAMPLER, GENERATOR = constants(RP2 / "sampler.py"), constants(RP2 / "generator.py")
OF_A_PULSE = ("CURRENT_A", "VOLTAGE_A", "CURRENT_B", "VOLTAGE_B", "CURRENT_REST")


@pytest.mark.parametrize("name", OF_A_PULSE)
def test_a_number_of_a_measured_pulse_is_core_pulses(name: str) -> None:
    assert SAMPLER[f"_{name}"] == getattr(pulse, name)


def test_a_measured_pulse_and_a_record_are_as_long_as_core_pulse_says() -> None:
    assert (SAMPLER["_NUMBERS"], SAMPLER["_HALVES"]) == (pulse.MEASURED, pulse.RECORD_HALVES)
    assert 2 * GENERATOR["_WORDS"] == pulse.RECORD_HALVES


def test_the_sampler_keeps_as_many_words_a_pulse_as_its_program_sends() -> None:
    assert SAMPLER["_WORDS"] == constants(RP2 / "sampler_pio.py")["SAMPLES"]


def test_the_sampler_knows_how_many_places_the_generator_has() -> None:
    assert SAMPLER["_SLOTS_MASK"] == GENERATOR["_SLOTS_MASK"] == GENERATOR["_SLOTS"] - 1


@pytest.mark.parametrize("name", ["_HEAD", "_END_US", "_PROGRAM", "_SLOTS_MASK"])
def test_the_trigger_input_knows_the_generators_numbers(name: str) -> None:
    assert constants(RP2 / "trigger_input.py")[name] == GENERATOR[name]


def test_a_ring_is_as_long_as_its_dma_channel_takes_it_to_be() -> None:
    """RING_SIZE of the channel's CTRL is a power of two."""
    assert GENERATOR["_LIST_BYTES"] == 1 << GENERATOR["_RING_SIZE"]
    assert SAMPLER["RING_BYTES"] == 1 << SAMPLER["_RING_SIZE"] == 4 * (SAMPLER["_RING_MASK"] + 1)


def test_the_clock_that_cycles_are_counted_in_is_the_same_everywhere() -> None:
    """Firmware, witness, checker of boards and emulator share no module, and no board has another clock."""
    witness = FIRMWARE.parent / "witness"
    (of_app,) = re.findall(r"machine\.freq\(([\d_]+)\)", (witness / "app.py").read_text())
    recorder = constants(witness / "recorder.py")["_CPU_HZ"]
    boards = {load_board(name)["cpu_hz"] for name in board_names()}
    assert {
        constants(RP2 / "registers.py")["CPU_HZ"],
        int(of_app),
        recorder,
        board_check.CPU_HZ,
        exact.CPU_HZ,
    } == boards

"""Numbers that stand in two files, because MicroPython's compiler puts in only those of the same file, are the same."""

import ast
import re
from pathlib import Path

import pytest

from nmes.core import pulse
from opennmes import board_check
from opennmes.boards import board_names, load_board
from opennmes.emulator import cycles, virtual_witness
from opennmes.measure.captures import witness, witness_frames

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware" / "nmes"
RP2 = FIRMWARE / "hal" / "rp2"
WITNESS = FIRMWARE.parent / "witness"


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
    (of_app,) = re.findall(r"machine\.freq\(([\d_]+)\)", (WITNESS / "app.py").read_text())
    recorder = constants(WITNESS / "recorder.py")["_CPU_HZ"]
    boards = {load_board(name)["cpu_hz"] for name in board_names()}
    assert {
        constants(RP2 / "registers.py")["CPU_HZ"],
        int(of_app),
        recorder,
        board_check.CPU_HZ,
        cycles.CPU_HZ,
    } == boards


EDGES, RECORDER = constants(WITNESS / "edges_pio.py"), constants(WITNESS / "recorder.py")
SAYS = constants(WITNESS / "frames.py")


@pytest.mark.parametrize(
    "name", ["ROUND_CYCLES", "RISE_TO_FALL_CYCLES", "FALL_TO_RISE_CYCLES", "WRAP_LOW_CYCLES", "LOOKS"]
)
def test_the_host_reads_what_the_witness_says_with_its_programs_numbers(name: str) -> None:
    assert getattr(witness, name) == EDGES[name]


@pytest.mark.parametrize("name", ["JSON", "EDGES", "PUMP", "HEARTBEAT", "LEVELS"])
def test_the_witness_calls_its_frames_what_the_host_does(name: str) -> None:
    assert getattr(witness_frames, name) == bytes([SAYS[name]])


def test_a_cycle_lasts_as_long_for_the_host_as_for_the_witness() -> None:
    assert witness.CYCLE_PS * RECORDER["_CPU_HZ"] == 10**12 and witness.CYCLE_PS == 1_000 * cycles.CYCLE_NANOS


def test_the_words_of_a_stretch_and_of_a_plateau_are_laid_out_as_the_host_reads_them() -> None:
    assert RECORDER["_STRETCH_WORDS"] == witness_frames.STRETCH_WORDS
    assert RECORDER["_COUNT_SHIFT"] == witness_frames.PLATEAU_COUNT_SHIFT
    assert RECORDER["_SPREAD_SHIFT"] == witness_frames.PLATEAU_SPREAD_SHIFT
    assert witness_frames.PLATEAU_LOOKS == (1 << RECORDER["_SPREAD_SHIFT"]) - 1 >= EDGES["LOOKS"]


def test_whatever_is_recorded_at_once_fits_into_a_frame_that_the_host_takes() -> None:
    assert RECORDER["WORDS_MOST"] <= SAYS["_WORDS"] and RECORDER["_PLATEAUS_MOST"] <= SAYS["_WORDS"]
    assert RECORDER["_STRETCHES_MOST"] * RECORDER["_STRETCH_WORDS"] <= SAYS["_WORDS"]
    assert SAYS["_OF_MACHINE"] == witness_frames.OF_MACHINE.size
    assert SAYS["_OF_MACHINE"] + 4 * SAYS["_WORDS"] <= witness_frames.PAYLOAD_MOST


@pytest.mark.parametrize("name", ["WORDS_MOST", "_LONG_ROUNDS", "_STRETCHES_MOST", "_PLATEAUS_MOST"])
def test_the_virtual_witness_records_as_the_real_one(name: str) -> None:
    assert getattr(virtual_witness, name.lstrip("_")) == RECORDER[name]


def test_the_virtual_witness_says_that_it_is_there_as_often_as_the_real_one() -> None:
    assert constants(WITNESS / "app.py")["_HEARTBEAT_MS"] * 1_000_000 == virtual_witness.HEARTBEAT_NANOS

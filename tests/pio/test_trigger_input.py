"""The trigger input and the sync output, cycle for cycle: hal/rp2/trigger_input.py and sync_pio.py."""

import functools

import pytest
import shipped
from model import Block, Machine

HAL = shipped.PROGRAM_FILE.parent
DIVIDER = 125  # of the chip's cycles one of the engine's: 1 us
INPUT, A, SYNC = 3, 1, 5  # pins; phase A and B are those of shipped.py
WAIT, HIGH = 1, 0x80


@functools.cache
def pulse_module():
    return shipped.module()


def first_phase_a(edge, goes_on_where_it_was, high_for=10**9):
    """When phase A begins, in the chip's cycles, of an engine that is held until an edge at that cycle. The written
    instruction is not the program's: a machine goes on from where it was, or, as rp2040py has it, behind it."""
    fed = shipped.FedProgram()
    machine = fed.machine
    machine.divider = DIVIDER
    machine.block.look_at([(edge, 1 << INPUT), (edge + high_for, 0)])
    machine.pc = pulse_module().REST_AT
    machine.x = 0
    fed.take_more(shipped.words(100, 250, 50, 20_000))
    while True:
        then = machine.execute(WAIT, HIGH | INPUT)
        machine.cycle += 1
        if not machine.stalled:
            break
    if not goes_on_where_it_was:
        machine.pc = then
    while not machine.block.log:
        fed.go()
    return machine.block.log[0][0]


@pytest.mark.parametrize("where_it_was", [True, False])
def test_phase_a_comes_the_same_time_after_every_edge_to_a_cycle_of_the_engine(where_it_was):
    delays = {first_phase_a(1_000 + phase, where_it_was) - (1_000 + phase) for phase in range(DIVIDER)}
    at_least = DIVIDER * (270 + (2 if where_it_was else 1))
    assert len(delays) == DIVIDER, "each phase of the engine's clock is another one"
    assert min(delays) == at_least + 2 and max(delays) == at_least + 2 + DIVIDER - 1


def test_the_documented_delay_is_that_of_the_datasheet():
    text = (HAL / "trigger_input.py").read_text()
    delays = [first_phase_a(1_000 + phase, True) - (1_000 + phase) for phase in range(DIVIDER)]
    assert f"{min(delays) / DIVIDER:.3f} to {(max(delays) + 1) / DIVIDER:.3f} us after the edge" in text


def test_an_edge_is_seen_only_while_the_engine_looks_and_once_every_microsecond():
    assert first_phase_a(1_000, True, high_for=DIVIDER) == first_phase_a(1_000, True)


def test_it_is_held_with_both_pins_low_and_nothing_left_to_count():
    program = shipped.program()
    at = pulse_module().REST_AT
    assert at == program.wrap_top and program.wrap_target == 0
    kind, argument, side, delay = program.decoded(at)
    assert (kind, argument, side, delay) == (0, 2 << 5 | at, 0, 0), "jmp(x_dec, itself), both pins low"


# ---- the sync output ----


@functools.cache
def sync():
    return shipped.assembled(shipped.module(HAL / "sync_pio.py").sync)


def test_the_sync_output_is_phase_a_three_cycles_later_at_every_edge_and_no_other_pin_moves():
    edges = [(200, 1), (300, 0), (301, 2), (400, 0), (777, 3), (778, 0), (1_000, 0xFFFFFFFF), (1_003, 0)]
    block = Block()
    block.look_at([(cycle + 1, levels << A) for cycle, levels in edges])  # a pin moves a cycle after its instruction
    machine = Machine(sync(), block, in_base=A, out_base=SYNC)
    machine.begin()
    while machine.cycle < 1_100:
        machine.step()
    expected, now = [], 0
    for cycle, levels in edges:
        if levels & 1 != now:
            now = levels & 1
            expected.append((cycle + 3, now << SYNC))
    assert block.log == expected


def test_its_machine_is_given_one_pin_and_its_program_is_one_instruction():
    assert (len(sync().opcodes), sync().out_count, sync().set_count, sync().side_count) == (1, 1, 0, 0)


def test_its_instruction_fits_into_block_1_beside_the_guard_and_block_0_is_full():
    guard = shipped.module(HAL / "guard_pio.py")
    programs = [shipped.assembled(made) for made in (guard.watch, guard.interlock, guard.lease)]
    assert sum(len(program.opcodes) for program in [*programs, sync()]) == 31
    sampler = shipped.assembled(shipped.module(HAL / "sampler_pio.py").sample)
    assert len(shipped.program().opcodes) + len(sampler.opcodes) == 32


def test_what_it_reaches_into_the_generator_for_is_there():
    mine, engine = shipped.module(HAL / "trigger_input.py"), shipped.module(HAL / "generator.py")
    for name in ("_HEAD", "_END_US", "_PROGRAM", "_SLOTS_MASK"):
        assert getattr(mine, name) == getattr(engine, name), name

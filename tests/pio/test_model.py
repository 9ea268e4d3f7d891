"""The model of tests/pio/model.py against pioemu, and its leaps against single cycles."""

import dataclasses
from collections import deque

import guarded
import pytest
import shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from model import SYNCHRONISER_CYCLES, Block, Machine, Program
from pioemu import ShiftRegister, State, emulate


def pioemu_levels(program: Program, words: list[int], cycles: int) -> list[int]:
    """The pins in each cycle, as pioemu sees them; its FIFO takes all words at once, and its answers are taken away."""
    pins: list[int] = []
    state = State(transmit_fifo=deque(words))
    running = emulate(
        list(program.opcodes),
        stop_when=lambda _, now: now.clock >= cycles,
        initial_state=state,
        shift_osr_right=program.shift_right,
        side_set_count=program.side_count,
        wrap_target=program.wrap_target,
        wrap_top=program.wrap_top,
    )
    for before, after in running:
        pins += [after.pin_values & 3] * (after.clock - before.clock)
        after.receive_fifo.clear()
    return pins[:cycles]


def our_levels(program: Program, words: list[int], cycles: int) -> list[int]:
    machine = Machine(program, tx=deque(words))
    pins = []
    for _ in range(cycles):
        machine.step()
        pins.append(machine.pins)
        machine.rx.clear()
    return pins


@pytest.mark.parametrize(
    "shapes",
    [
        [(10, 0, 293), (10, 1, 293)],
        [(11, 2, 400), (250, 50, 1_000), (37, 1, 500)],
        [(50, 200, 1_500), (500, 0, 1_500)],
    ],
)
def test_pioemu_sees_the_same_pins_in_every_cycle_of_the_shipped_program(shapes):
    words = shipped.records(*[shipped.words(5, *shape) for shape in shapes])
    cycles = sum(shape[2] for shape in shapes) + 50
    assert our_levels(shipped.program(), words, cycles) == pioemu_levels(shipped.program(), words, cycles)


@settings(max_examples=60, derandomize=True)
@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=6))
def test_pioemu_sees_the_same_pins_for_any_words(words):
    assert our_levels(shipped.program(), words, 700) == pioemu_levels(shipped.program(), words, 700)


def instructions(length: int):
    """Opcodes of what the model knows, jumping only within the program, with side-set and delay of any value."""
    low = st.one_of(
        st.builds(lambda c, to: c << 5 | to, st.sampled_from([0, 1, 2, 3, 4, 5]), st.integers(0, length - 1)),
        st.builds(lambda d, n: 3 << 13 | d << 5 | n, st.sampled_from([1, 2, 3, 6]), st.integers(0, 31)),
        st.builds(lambda pull, block: 4 << 13 | pull << 7 | block << 5, st.booleans(), st.booleans()),
        st.builds(lambda d, s: 5 << 13 | d << 5 | s, st.sampled_from([1, 2, 6, 7]), st.sampled_from([1, 2, 3, 6, 7])),
        st.builds(lambda d, n: 7 << 13 | d << 5 | n, st.sampled_from([1, 2]), st.integers(0, 31)),
    )
    return st.builds(
        lambda opcode, side, delay: opcode | side << 11 | delay << 8, low, st.integers(0, 3), st.integers(0, 7)
    )


@settings(max_examples=300, derandomize=True)
@given(
    st.lists(instructions(8), min_size=8, max_size=8), st.lists(st.integers(0, 0xFFFFFFFF), max_size=4), st.booleans()
)
def test_pioemu_sees_the_same_pins_for_any_program_of_these_instructions(opcodes, words, shift_right):
    program = Program(tuple(opcodes), wrap_target=0, wrap_top=7, side_count=2, shift_right=shift_right)
    assert our_levels(program, words, 150) == pioemu_levels(program, words, 150)


@settings(max_examples=60, derandomize=True)
@given(st.lists(st.tuples(st.integers(10, 300), st.integers(0, 300), st.integers(0, 500)), min_size=1, max_size=4))
def test_leaps_over_counting_loops_give_the_same_edges_levels_and_end(shapes):
    words = shipped.records(*[shipped.words(9, w, g, 273 + 2 * w + g + rest) for w, g, rest in shapes])
    leaping, stepping = shipped.FedProgram(words).run(), shipped.FedProgram(words).run(every_cycle=True)
    assert leaping.edges == stepping.edges
    assert leaping.levels == stepping.levels
    assert leaping.machine == stepping.machine


# ---- inputs ----

WATCH, INTERLOCK, LEASE = (shipped.assembled(getattr(guarded.PIO, name)) for name in ("watch", "interlock", "lease"))
SAMPLE = shipped.assembled(shipped.module(shipped.PROGRAM_FILE.with_name("sampler_pio.py")).sample)
DRIVEN = 4  # the lowest pin of those that are driven here; pioemu knows no base for those that are looked at


def looking(program: Program, changes, words=(), y: int = 0, isr: int = 0, osr: int = 0) -> Machine:
    """A machine with pin 0 first, pin 1 to jump by, and two pins of its own above them."""
    machine = Machine(program, tx=deque(words), y=y, isr=isr, osr=osr, jmp_pin=1, set_base=DRIVEN, side_base=DRIVEN + 1)
    machine.block.look_at(changes)
    return machine


def pioemu_states(machine: Machine, cycles: int) -> list[tuple[State, list[int]]]:
    """What pioemu makes of the same: its state as an instruction begins and the words that came out since the one
    before; until an instruction that it does not know."""
    seen = machine.block.seen

    def inputs(cycle: int) -> int:
        return seen(cycle)

    start = State(
        transmit_fifo=deque(machine.tx),
        y_register=machine.y,
        input_shift_register=ShiftRegister(machine.isr, 0),
        output_shift_register=ShiftRegister(machine.osr, 0),
        pin_directions=3 << DRIVEN,
    )
    running = emulate(
        list(machine.program.opcodes),
        stop_when=lambda opcode, now: now.clock >= cycles or opcode >> 13 == 6,
        initial_state=start,
        input_source=inputs,
        auto_push=machine.program.autopush,
        shift_osr_right=machine.program.shift_right,
        set_base=DRIVEN,
        set_count=machine.program.set_count,
        side_set_base=DRIVEN + 1,
        side_set_count=machine.program.side_count,
        jmp_pin=1,
        wrap_target=machine.program.wrap_target,
        wrap_top=machine.program.wrap_top,
    )
    states = [(start, [])]
    for _, after in running:
        states.append((after, list(after.receive_fifo)))
        after.receive_fifo.clear()
    return states


def input_changes(longest: int, most: int = 30):
    """Levels of pins 0 and 1, each for some cycles."""
    runs = st.lists(st.tuples(st.integers(0, 3), st.integers(1, longest)), max_size=most)
    return runs.map(lambda made: [(sum(n for _, n in made[:i]), levels) for i, (levels, _) in enumerate(made)])


def agree(machine: Machine, cycles: int) -> int:
    """Every instruction begins in the same cycle with the same registers and pins. How many there were."""
    states = pioemu_states(machine, cycles)
    for state, words in states:
        while machine.cycle < state.clock:
            machine.step()
        assert machine.delay == 0
        assert (machine.pc, machine.x, machine.y) == (state.program_counter, state.x_register, state.y_register)
        assert (machine.isr, machine.osr) == (state.input_shift_register.contents, state.output_shift_register.contents)
        assert (machine.pins, list(machine.rx)) == (state.pin_values & 3 << DRIVEN, words)
        machine.rx.clear()
    return len(states)


@settings(max_examples=150, derandomize=True)
@given(input_changes(300), st.integers(1, 30))
def test_pioemu_runs_watch_in_the_same_way_until_it_trips(changes, limit):
    assert agree(looking(WATCH, changes, isr=limit), 3_000) > 5


@settings(max_examples=60, derandomize=True)
@given(input_changes(60), st.integers(0, 40))
def test_pioemu_runs_the_sampler_in_the_same_way(changes, wait):
    agree(looking(SAMPLE, changes[:16], y=0xABCD1234, osr=wait), 900)


@settings(max_examples=60, derandomize=True)
@given(input_changes(40))
def test_pioemu_runs_interlock_in_the_same_way(changes):
    agree(looking(INTERLOCK, [(0, 1), *[(50 + cycle, levels) for cycle, levels in changes]]), 500)


@settings(max_examples=30, derandomize=True)
@given(st.lists(st.integers(0, 9), max_size=4))
def test_pioemu_runs_lease_in_the_same_way(words):
    agree(looking(LEASE, (), words), 400)


def test_an_input_is_seen_two_cycles_late_and_pins_are_counted_from_the_base_around_all_32():
    mov_x_pins = Program((0xA020,), 0, 0, 0, True)
    machine = Machine(mov_x_pins, in_base=30)
    machine.block.look_at([(10, 1 << 30), (20, 1 << 31 | 1)])
    seen = []
    for _ in range(30):
        machine.step()
        seen.append(machine.x)
    late = SYNCHRONISER_CYCLES
    assert seen == [0] * (10 + late) + [1] * 10 + [0b110] * (10 - late)


def test_machines_of_a_block_share_pins_and_flags_and_the_last_to_write_a_pin_has_it():
    block = Block()
    on, off = Program((0xE001,), 0, 0, 0, True, set_count=1), Program((0xE000, 0xC005), 0, 1, 0, True, set_count=1)
    first, second = Machine(on, block, set_base=3), Machine(off, block, set_base=3)
    first.step()
    assert block.pins == 1 << 3
    second.step()
    assert block.pins == 0 and block.flags == 0
    second.step()
    assert block.flags == 1 << 5
    assert block.log == [(0, 1 << 3), (0, 0)]


def test_a_slower_machine_looks_and_writes_in_its_own_cycles():
    machine = Machine(Program((0x20A0, 0xE001), 0, 1, 0, True, set_count=1), divider=125)
    machine.block.look_at([(1_000, 1)])
    for _ in range(20):
        machine.step()
    assert machine.block.log == [(1_250, 1)], "seen at 1125, the first cycle after 1002; written in the next"


@settings(max_examples=200, derandomize=True)
@given(input_changes(1_500, most=12), st.integers(1, 60))
def test_leaps_over_rounds_give_the_same_log_flags_and_end(changes, limit):
    leaping, stepping = looking(WATCH, changes, isr=limit), looking(WATCH, changes, isr=limit)
    leaping.run(12_000)
    while stepping.cycle < leaping.cycle:
        stepping.step()
    assert leaping == stepping


def test_what_is_not_modelled_is_refused():
    for opcode in (0x20C0, 0x4020, 0x4001, 0xC020, 0xC040, 0xC010, 0x00E0, 0x6000, 0xA032, 0xE000, 0xE080):
        with pytest.raises(NotImplementedError):
            Machine(Program((opcode,), 0, 0, 2, True)).step()
    with pytest.raises(NotImplementedError):
        Machine(dataclasses.replace(SAMPLE, opcodes=(0x4000,))).step()

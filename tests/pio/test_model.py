"""The model of tests/pio/model.py against pioemu, and its leaps against single cycles."""

from collections import deque

import pytest
import shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from model import Machine, Program
from pioemu import State, emulate


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


@settings(max_examples=60, deadline=None, derandomize=True)
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


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(instructions(8), min_size=8, max_size=8), st.lists(st.integers(0, 0xFFFFFFFF), max_size=4), st.booleans()
)
def test_pioemu_sees_the_same_pins_for_any_program_of_these_instructions(opcodes, words, shift_right):
    program = Program(tuple(opcodes), wrap_target=0, wrap_top=7, side_count=2, shift_right=shift_right)
    assert our_levels(program, words, 150) == pioemu_levels(program, words, 150)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(10, 300), st.integers(0, 300), st.integers(0, 500)), min_size=1, max_size=4))
def test_leaps_over_counting_loops_give_the_same_edges_levels_and_end(shapes):
    words = shipped.records(*[shipped.words(9, w, g, 273 + 2 * w + g + rest) for w, g, rest in shapes])
    leaping, stepping = shipped.Bench(words).run(), shipped.Bench(words).run(every_cycle=True)
    assert leaping.edges == stepping.edges
    assert leaping.levels == stepping.levels
    assert leaping.machine == stepping.machine


def test_what_is_not_modelled_is_refused():
    for opcode in (0x2080, 0x4020, 0xC000, 0x00C0, 0x00E0, 0x6000, 0xA02A, 0xE080):
        with pytest.raises(NotImplementedError):
            Machine(Program((opcode,), 0, 0, 2, True)).step()

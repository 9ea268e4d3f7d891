"""Generator and guard together: no pulse train that a programme may ask for is ever cut.

The guard looks at the generator's pins, and nothing goes the other way: so the generator plays first, the guard
watches what it did. 125 of the guard's cycles are one of the generator's.
"""

import functools
import random

import shipped
from guarded import US, WATCH, A, Guarded, cut_at
from hypothesis import given, settings
from hypothesis import strategies as st
from model import Block

from nmes.core import pulse

WIDTH_MOST, GAP_MOST = pulse.WIDTH_MAX_US, pulse.GAP_MAX_US
OFFSETS = range(35)  # of the generator's first edge against the guard's rounds; the longer of the two rounds is 35


@functools.cache
def guard(longest_us):
    made = Guarded(longest_us)
    machine = made.machines[WATCH].machine
    machine.run((longest_us + 10) * US)
    return made, machine.cycle + 100


@functools.cache
def played(shapes):
    """The pins of (width_a, gap, width_b, period) pulses: (microseconds, levels) of channel 0."""
    words = [word for a, gap, b, period in shapes for word in shipped.words(1, a, gap, period, b)]
    edges = shipped.FedProgram(words).run().edges
    return [(cycle - edges[0][0], levels * A) for cycle, levels in edges]


def watched(longest_us, shapes, offset) -> Block:
    made, zero = guard(longest_us)
    edges = played(tuple(shapes))
    machine = made.alone(WATCH, [(zero + offset + cycle * US, levels) for cycle, levels in edges])
    machine.run(zero + (edges[-1][0] + 3) * US)
    return machine.block


def check(longest_us, shapes, offset):
    block = watched(longest_us, shapes, offset)
    assert (cut_at(block), block.flags) == (None, 0), (longest_us, shapes, offset)


def tightest(width_us, gap_us, ratio=1):
    """Three equal pulses as close together as a programme of this longest phase may ask for."""
    longest_us = ratio * width_us
    period_us = pulse.shortest_period_us(width_us, gap_us, longest_us, longest_us)
    return longest_us, [(width_us, gap_us, longest_us, period_us)] * 3


def test_every_width_with_the_shortest_and_the_longest_gaps_is_left_alone():
    for width_us in range(pulse.WIDTH_MIN_US, WIDTH_MOST + 1):
        for gap_us in (0, 1, 2, 200, GAP_MOST):
            check(*tightest(width_us, gap_us), offset=(7 * width_us + 11 * gap_us) % len(OFFSETS))


def test_every_gap_with_the_shortest_and_the_longest_widths_is_left_alone():
    for gap_us in range(GAP_MOST + 1):
        for width_us in (10, 11, 999, WIDTH_MOST):
            check(*tightest(width_us, gap_us), offset=(5 * width_us + 3 * gap_us) % len(OFFSETS))


def test_the_corners_are_left_alone_at_every_alignment():
    for width_us in (10, 11, 50, 250, 271, 272, 273, 500, 999, WIDTH_MOST):
        for gap_us in (0, 1, 2, 3, 50, 999, GAP_MOST):
            for offset in OFFSETS:
                check(*tightest(width_us, gap_us), offset)


def test_unequal_phases_are_left_alone():
    for ratio in range(2, 11):
        for width_us in range(pulse.WIDTH_MIN_US, WIDTH_MOST // ratio + 1, 3):
            check(*tightest(width_us, 0, ratio), offset=width_us % len(OFFSETS))


widths = st.integers(pulse.WIDTH_MIN_US, WIDTH_MOST)
any_shape = st.tuples(widths, st.integers(0, GAP_MOST), widths, st.sampled_from([0, 0, 1, 7, 333, 20_000, 2_000_000]))


@settings(max_examples=300, derandomize=True)
@given(st.lists(any_shape, min_size=1, max_size=6), st.integers(0, WIDTH_MOST), st.sampled_from(OFFSETS))
def test_any_pulses_in_any_order_within_the_session_s_longest_are_left_alone(drawn, longer, offset):
    longest_us = min(WIDTH_MOST, max(max(a, b) for a, _, b, _ in drawn) + longer)
    shapes = [(a, gap, b, pulse.shortest_period_us(a, gap, b, longest_us) + rest) for a, gap, b, rest in drawn]
    check(longest_us, shapes, offset)


def test_a_long_train_is_left_alone():
    # Periods that are no multiple of the guard's rounds: every alignment comes.
    die = random.Random(1)
    shapes = []
    for _ in range(3_000):
        a, gap, b = die.randint(10, 500), die.randint(0, 300), die.randint(10, 500)
        shapes.append((a, gap, b, pulse.shortest_period_us(a, gap, b, 500) + die.choice((0, 0, 1, 2, 1000))))
    check(500, shapes, 0)


# ---- and what a programme may not ask for is cut ----


def test_a_phase_of_2_microseconds_more_than_the_session_s_longest_is_cut():
    for longest_us in range(10, WIDTH_MOST - 1, 41):
        for shape in ((longest_us + 2, 1, longest_us, 5_000), (longest_us, 1, longest_us + 2, 5_000)):
            for offset in OFFSETS[::4]:
                assert watched(longest_us, [shape], offset).flags == 0x70


def test_a_generator_that_knows_no_longest_phase_is_cut_when_pulses_come_too_close():
    # Phases of 500 us at the engine's own shortest period leave 272 us; the guard wants 386 after them.
    period_us = pulse.shortest_period_us(500, 0, 500)
    for offset in OFFSETS:
        assert watched(500, [(500, 0, 500, period_us)] * 2, offset).flags == 0x40

"""`watch`: what it cuts, when, and what it leaves alone, at every alignment of its rounds with the pins.

The limits are those that Guard.begin asks for. Long loops are leapt over; test_model.py proves that this changes
nothing.
"""

import functools
import itertools
import re

import pytest
from guarded import GUARD, PHASES, PIO, SAFE, US, WATCH, A, B, Guarded, cut_at

from nmes.core import faults, pulse

REACTION = US  # docs/hardware.md: at most a microsecond
LIMITS = range(pulse.WIDTH_MIN_US, GUARD._PHASE_MOST_US + 1)
SOME_LIMITS = sorted({*LIMITS[::97], 11, 12, 50, 250, 500, 999, 1000})
# A round of `low`, one cycle longer while it counts; and the cycles between its first look and the last of `high`.
LOW_COUNTING = PIO.LOW_ROUND_CYCLES + 1
SEEN_OVERLAP = PIO.HIGH_ROUND_CYCLES + 2


@functools.cache
def settled(longest_us):
    """A guard whose first channel's pins have been low for long, and a cycle from which on its rounds are the same."""
    made = Guarded(longest_us)
    machine = made.machines[WATCH].machine
    machine.run((longest_us + 10) * US)
    assert not made.block.flags and machine.y == 0
    return made, machine.cycle + 100


def watched(longest_us, changes, until):
    """(when it cut, interrupt flags) of a settled watcher; cycles count from a moment at rest."""
    made, zero = settled(longest_us)
    machine = made.alone(WATCH, [(zero + cycle, levels) for cycle, levels in changes])
    machine.run(zero + until)
    cut = cut_at(machine.block)
    return (None if cut is None else cut - zero), machine.block.flags


@pytest.mark.parametrize("pin", [A, B])
def test_an_over_long_phase_is_cut_within_a_microsecond_and_one_of_the_limit_never(pin):
    for longest_us in LIMITS:
        limit = longest_us * US
        for at in range(PIO.LOW_ROUND_CYCLES):
            cut, flags = watched(longest_us, [(at, pin)], at + limit + 2 * REACTION)
            assert cut is not None and limit < cut - at <= limit + REACTION, (longest_us, at, cut)
            assert flags == 0x70
            assert watched(longest_us, [(at, pin), (at + limit, 0)], at + limit + 2 * REACTION) == (None, 0)


def test_phase_b_right_after_phase_a_has_the_same_limit():
    for longest_us in SOME_LIMITS:
        limit = longest_us * US
        for at in range(PIO.HIGH_ROUND_CYCLES):
            for gap in (US, US + 13, 2 * US):
                begin = at + limit + gap
                phases = [(at, A), (at + limit, 0), (begin, B)]
                cut, flags = watched(longest_us, phases, begin + limit + 2 * REACTION)
                assert cut is not None and limit < cut - begin <= limit + REACTION, (longest_us, at, cut)
                assert flags == 0x70
                phases.append((begin + limit, 0))
                assert watched(longest_us, phases, begin + limit + 2 * REACTION) == (None, 0)


def test_no_session_s_longest_phase_raises_the_limit_above_a_millisecond():
    cut, _ = watched(5_000, [(0, A)], 2_000 * US)
    assert cut <= 1_000 * US + REACTION


def overlaps(cycles):
    """When both phases at once for so many cycles are cut, for every lead of one, every end and every alignment."""
    for first, second in ((A, B), (B, A)):
        for lead in (*range(2 * PIO.HIGH_ROUND_CYCLES), 1_000, 1_013, 5_000):
            for left in (0, first, second):
                for at in range(PIO.LOW_ROUND_CYCLES):
                    both, end = at + lead, at + lead + cycles
                    phases = [(at, first), (both, A | B), (end, left), (end + 10 * US, 0)]
                    cut, flags = watched(250, phases[lead == 0 :], end + 5 * US)
                    yield None if cut is None else cut - both, flags


def test_h04_both_phases_at_once_are_cut_when_they_overlap_for_a_round_and_2_cycles():
    for reaction, flags in overlaps(SEEN_OVERLAP):
        assert reaction is not None and 0 < reaction <= REACTION / 2
        assert flags == 0x60
    assert any(reaction is None for reaction, _ in overlaps(SEEN_OVERLAP - 1)), "a cycle less may be missed"
    assert f"at least {SEEN_OVERLAP} cycles" in PIO.__doc__


def too_close(longest_us, distance, at, pin):
    """What becomes of a phase A that begins `distance` after a phase of `pin`."""
    end = at + 10 * US
    again = end + distance
    phases = [(at, pin), (end, 0), (again, A), (again + 10 * US, 0)]
    cut, flags = watched(longest_us, phases, again + 12 * US)
    return None if cut is None else cut - again, flags


@pytest.mark.parametrize("longest_us", SOME_LIMITS)
@pytest.mark.parametrize("pin", [A, B])
def test_phase_a_too_soon_after_a_phase_is_cut_and_at_the_allowed_distance_never(longest_us, pin):
    limit = settled(longest_us)[0].machines[WATCH].machine.isr
    closest = limit * LOW_COUNTING
    for distance in {*range(SEEN_OVERLAP, closest, closest // 5), closest}:
        for at in range(PIO.HIGH_ROUND_CYCLES):
            reaction, flags = too_close(longest_us, distance, at, pin)
            assert reaction is not None and 0 < reaction <= REACTION / 2, (distance, at)
            assert flags == 0x40
    for distance in (closest + SEEN_OVERLAP, longest_us * US):
        for at in range(PIO.HIGH_ROUND_CYCLES):
            assert too_close(longest_us, distance, at, pin) == (None, 0), (distance, at)


def test_what_it_needs_between_pulses_is_less_than_what_a_programme_has_to_leave():
    for longest_us in LIMITS:
        limit = settled(longest_us)[0].machines[WATCH].machine.isr
        left_us = pulse.shortest_period_us(10, 0, longest_us, longest_us) - 10 - 1 - longest_us
        assert limit * LOW_COUNTING + SEEN_OVERLAP <= left_us * US


def test_the_rounds_are_as_long_as_the_docstring_says():
    text = PIO.__doc__
    assert re.search(rf"a round of `high` +1 \+ 1 \+ 1 \+ 16 \+ 16 = {PIO.HIGH_ROUND_CYCLES} ", text)
    assert re.search(rf"a round of `low` +8 \+ 1 \+ 1 \+ 8 \+ 8 = {PIO.LOW_ROUND_CYCLES} ", text)
    made, zero = settled(250)
    for levels, look_at, round_cycles in (
        (0, 1, PIO.LOW_ROUND_CYCLES),
        (A, 11, PIO.HIGH_ROUND_CYCLES),
        (B, 11, PIO.HIGH_ROUND_CYCLES),
    ):
        machine, begins = made.alone(WATCH, [(zero, levels)]), []
        for _ in range(300):
            machine.instruction()
            if machine.pc == look_at:
                begins.append(machine.cycle)
        assert {after - before for before, after in itertools.pairwise(begins[-20:])} == {round_cycles}


# ---- the whole block ----

CAUSES = {
    "over-long": (faults.PHASE_TOO_LONG, lambda a, b: [(0, a)]),
    "both": (faults.BOTH_PHASES, lambda a, b: [(0, a), (3 * US, a | b)]),
    "too close": (faults.PULSES_TOO_CLOSE, lambda a, b: [(0, a), (9 * US, 0), (12 * US, a)]),
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("channel", [0, 1])
def test_each_cause_on_each_channel_is_told_apart_and_is_for_ever(cause, channel):
    fault, made = CAUSES[cause]
    bench = Guarded(10)
    zero = 100 * US
    bench.block.look_at([(-US, SAFE), *[(zero + cycle, SAFE | levels) for cycle, levels in made(*PHASES[channel])]])
    bench.run(zero)
    assert bench.enabled() and bench.guard.tripped() == 0
    bench.run(zero + 30 * US)
    assert not bench.enabled() and bench.guard.tripped() == fault
    # Whatever writes a 1: it is gone again after one turn of the loop that the machine stays in.
    assert bench.stays_off(fault, cycles=33)


def test_one_phase_of_each_channel_at_once_is_allowed():
    bench = Guarded(10)
    (a0, b0), (_, b1) = PHASES
    pulses = [(100 * US, a0), (105 * US, a0 | b1), (110 * US, b1), (111 * US, b0 | b1), (115 * US, b0), (121 * US, 0)]
    bench.block.look_at([(-US, SAFE), *[(cycle, SAFE | levels) for cycle, levels in pulses]])
    bench.run(200 * US)
    assert bench.enabled() and bench.guard.tripped() == 0


def test_a_phase_that_is_on_when_permission_is_asked_for_ends_it():
    bench = Guarded()
    bench.block.look_at([(-US, SAFE | A)])
    bench.guard.begin(1_000)
    bench.run(US)
    assert not bench.enabled() and bench.guard.tripped() == faults.PULSES_TOO_CLOSE

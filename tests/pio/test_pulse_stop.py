"""The feed dries up, or the generator stops the machine, in every single cycle of a pulse: only whole pulses come out,
both pins are low at the end, and what was begun is counted right.
"""

import copy
import itertools

import pytest
import shipped

from nmes.core import pulse

SETTLE_AT, REST_AT = shipped.module().SETTLE_AT, shipped.module().REST_AT
RECORDS = 8
# (width_a, gap, width_b, period): the smallest there is, a rest of one cycle and unequal phases, a longer rest.
SHAPES = [
    (10, 0, 10, pulse.shortest_period_us(10, 0, 10)),
    (11, 2, 33, pulse.shortest_period_us(11, 2, 33) + 1),
    (40, 20, 40, 400),
]


def words(shape):
    width_a, gap, width_b, period = shape
    return shipped.words(100, width_a, gap, period, width_b) * RECORDS


def every_cycle(shape, ahead):
    """A copy of the bench in each cycle of the second and of the third pulse."""
    bench = shipped.FedProgram(words(shape), ahead=ahead)
    while bench.machine.cycle < shape[3]:
        bench.go(every_cycle=True)
    for cycle in range(2 * shape[3]):
        yield copy.deepcopy(bench), cycle
        bench.go(every_cycle=True)


def whole(bench, shape):
    """How many pulses came out. AssertionError when one was not whole."""
    seen = bench.pulses()
    assert bench.machine.pins == 0
    assert {(p.width_a, p.gap, p.width_b) for p in seen} <= {(shape[0], max(shape[1], 1), shape[2])}
    assert all(after.begin - before.begin >= shape[3] for before, after in itertools.pairwise(seen))
    return len(seen)


@pytest.mark.parametrize("ahead", range(1, shipped.FIFO_DEPTH + 1))
@pytest.mark.parametrize("shape", SHAPES)
def test_h05_the_feed_dries_up_in_any_cycle_and_comes_back(shape, ahead):
    missing = set()
    for bench, cycle in every_cycle(shape, ahead):
        rest = words(shape)[bench.fed :]
        missing.add(len(rest) % 3)
        bench.take_more(())
        bench.run()
        assert whole(bench, shape) == bench.fed // 3, cycle
        assert bench.machine.stalled and bench.machine.pc < SETTLE_AT
        bench.machine.cycle += 1_000_000
        bench.go(every_cycle=True)
        bench.take_more(rest)
        bench.run()
        assert whole(bench, shape) == RECORDS, cycle
    assert missing == {0, 1, 2}, "of the next record none, one or two words had come"


def stopped(bench, look_every, latency):
    """What Generator.stop does from this cycle on: (fed, waiting, aborted), as read when the machine stands."""
    bench.take_more(())
    while SETTLE_AT <= bench.machine.pc < REST_AT:
        for _ in range(look_every):
            bench.go(every_cycle=True)
    for _ in range(latency):
        bench.go(every_cycle=True)
    aborted = 0 < bench.machine.pc < REST_AT
    return bench.fed, len(bench.machine.tx), aborted


# From the look at the program counter to the disabling the CPU has 256 cycles, if the machine was seen just before it
# began to settle; and however seldom it looks, it sees the machine at rest in the end.
@pytest.mark.parametrize(("look_every", "latency"), [(1, 0), (1, 255), (13, 50), (290, 3)])
@pytest.mark.parametrize("ahead", [1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_h04_stopped_in_any_cycle_it_stands_low_and_every_pulse_that_began_was_whole(shape, ahead, look_every, latency):
    for bench, cycle in every_cycle(shape, ahead):
        before = len(bench.edges)
        fed, waiting, aborted = stopped(bench, look_every, latency)
        assert bench.machine.pins == 0, cycle
        count = whole(bench, shape)
        assert count - before // 4 <= 2
        # Generator.begun: records of which the machine has taken a word, but for one that it had not begun to play.
        assert count == (fed - waiting + 2) // 3 - aborted, cycle


def test_a_stop_that_did_not_wait_for_rest_would_be_seen():
    aborted = 0
    for bench, _ in every_cycle(SHAPES[2], 4):
        try:
            bench.pulses()
        except AssertionError:
            aborted += 1
    assert aborted == 2 * sum(SHAPES[2][:3])

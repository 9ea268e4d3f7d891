"""Rest: whatever is missing, late, lost, doubled or stopped, both pins are low, and only whole pulses come out."""

import itertools

import pytest
import shipped
from hypothesis import given, settings
from hypothesis import strategies as st

ONE = shipped.words(100, 20, 5, 400)
OTHER = shipped.words(900, 30, 1, 400)
WHOLE = shipped.Pulse(0, 20, 5, 20), shipped.Pulse(0, 30, 1, 30)


def is_whole(seen):
    return (seen.width_a, seen.gap, seen.width_b) in {(p.width_a, p.gap, p.width_b) for p in WHOLE}


def long_after(bench):
    """Hundreds of thousands of cycles later; every pin level on the way is in `edges`. Rounds that change nothing are
    leapt over, which test_model.py proves to be the same."""
    until = bench.machine.cycle + 300_000
    while bench.machine.cycle < until:
        bench.go()
        bench.machine.run(bench.machine.cycle + 1_000)
    return bench


@pytest.mark.parametrize("count", range(12))
def test_without_more_words_it_waits_at_a_pull_with_both_pins_low(count):
    bench = shipped.FedProgram((ONE * 4)[:count]).run()
    machine = bench.machine
    assert machine.stalled and machine.pins == 0
    assert machine.program.decoded(machine.pc)[:2] == (4, 0xA0), "pull block"
    assert machine.pc < shipped.module().SETTLE_AT
    assert len(bench.pulses()) == count // 3
    machine.cycle += 5_000_000
    bench.go(every_cycle=True)
    assert machine.stalled and machine.pins == 0


def test_a_word_that_comes_late_at_any_cycle_changes_when_a_pulse_comes_and_nothing_else():
    for late in range(0, 900, 7):
        for missing in range(6):
            bench = shipped.FedProgram((ONE + OTHER)[:missing])
            for _ in range(late):
                bench.go(every_cycle=True)
            bench.take_more(itertools.chain(bench.feed, (ONE + OTHER)[missing:]))
            seen = bench.run().pulses()
            assert [(p.width_a, p.gap, p.width_b) for p in seen] == [(20, 5, 20), (30, 1, 30)]
            assert seen[1].begin - seen[0].begin >= 400


def test_when_nobody_takes_levels_away_it_waits_low_before_a_pulse():
    bench = shipped.FedProgram(ONE * 10, take_levels=False).run()
    assert len(bench.pulses()) == shipped.FIFO_DEPTH, "four answers fit"
    assert bench.machine.stalled and bench.machine.pins == 0
    assert bench.machine.program.decoded(bench.machine.pc)[0] == 4
    bench.take_levels = True
    assert len(bench.run().pulses()) == 10


def test_disabled_at_any_cycle_outside_settle_to_rest_both_pins_are_low():
    # The machine stands: the pins stay as they are. Only where a pulse is on its way may one of them be high.
    bench = shipped.FedProgram(ONE + OTHER + ONE)
    on_its_way = range(shipped.module().SETTLE_AT, shipped.module().REST_AT)
    high_at = set()
    for _ in range(1_300):
        bench.go(every_cycle=True)
        if bench.machine.pins:
            high_at.add(bench.machine.pc)
        else:
            continue
        assert bench.machine.pc in on_its_way
    assert high_at == {16, 17, 19, 20}, "in every phase, and in the cycle after its last instruction"
    assert len(bench.pulses()) == 3


def test_a_machine_seen_at_rest_keeps_its_pins_low_for_at_least_256_cycles_more():
    # hal/rp2/generator.py reads the program counter and then disables the machine: it has this long to do so.
    bench = shipped.FedProgram(ONE * 20)
    on_its_way = range(shipped.module().SETTLE_AT, shipped.module().REST_AT)
    seen_at_rest = []
    for _ in range(8_000):
        if bench.machine.pc not in on_its_way:
            seen_at_rest.append(bench.machine.cycle)
        bench.go(every_cycle=True)
    rising = [cycle for cycle, pins in bench.edges if pins == shipped.A]
    for begin in rising:
        assert begin - max(c for c in seen_at_rest if c < begin) >= 256


def test_all_that_can_come_after_the_feed_ends_is_what_the_fifo_holds():
    # Records of three words in a FIFO of four: at most one whole pulse after the one that is running.
    for cut in range(1, 1_300, 3):
        bench = shipped.FedProgram(itertools.cycle(ONE))
        for _ in range(cut):
            bench.go(every_cycle=True)
        begun = len([1 for _, pins in bench.edges if pins == shipped.A])
        bench.take_more(())
        bench.run()
        assert len(bench.pulses()) - begun <= 2
        assert all(is_whole(p) for p in bench.pulses())


# ---- a record that is not one ----


def parked(bench):
    return bench.machine.pc == shipped.refuse_at() and bench.machine.pins == 0


@pytest.mark.parametrize("lost", range(3))
def test_a_lost_word_parks_it_low_for_ever_before_any_wrong_pulse(lost):
    bench = shipped.FedProgram(ONE + [w for i, w in enumerate(OTHER) if i != lost] + (ONE + OTHER) * 5).run()
    assert parked(bench) and len(bench.pulses()) == 1
    assert parked(long_after(bench)) and len(bench.pulses()) == 1


@pytest.mark.parametrize("doubled", range(3))
@pytest.mark.parametrize("period_us", [400, 6_667, 20_000, 100_000, 1_000_000])
def test_a_doubled_word_parks_it_low_for_ever_before_any_wrong_pulse(doubled, period_us):
    record = shipped.words(100, 20, 5, period_us)
    twice = [word for i, word in enumerate(record) for _ in range(1 + (i == doubled))]
    bench = shipped.FedProgram(record + twice + record * 5).run()
    assert parked(bench)
    assert [is_whole(p) for p in bench.pulses()] == [True] * (2 if doubled == 2 else 1)
    assert parked(long_after(bench))


@pytest.mark.parametrize("wrong", range(3))
def test_a_wrong_tag_parks_it_low_for_ever_before_any_wrong_pulse(wrong):
    record = [word ^ (i == wrong) for i, word in enumerate(OTHER)]
    bench = shipped.FedProgram(ONE + record + (ONE + OTHER) * 5).run()
    assert parked(bench) and len(bench.pulses()) == 1
    assert parked(long_after(bench)) and len(bench.pulses()) == 1


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=40))
def test_h04_junk_never_drives_both_pins_and_every_wait_is_at_rest(junk):
    bench = shipped.FedProgram(junk).run()
    assert bench.machine.pins == 0
    bench.pulses()  # every edge in order, never both pins


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=12))
def test_once_parked_nothing_that_follows_moves_a_pin(junk):
    bench = shipped.FedProgram(ONE + ONE[1:]).run()
    assert parked(bench) and len(bench.edges) == 4
    bench.take_more(junk + ONE * 4)
    for _ in range(1_000):
        bench.go(every_cycle=True)
    assert parked(bench) and len(bench.edges) == 4

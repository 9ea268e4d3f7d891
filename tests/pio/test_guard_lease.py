"""`interlock` and `lease`: permission falls with the line, and with the CPU that no longer renews."""

import itertools

import pytest
from guarded import (
    ENABLE,
    GUARD,
    INTERLOCK,
    INTERLOCK_MACHINE,
    LEASE,
    OUT_CYCLES,
    PIO,
    PUMP,
    SAFE,
    STOP_LOOP,
    US,
    Guarded,
    cut_at,
)
from model import SYNCHRONISER_CYCLES

from nmes.core import faults

REACTION = SYNCHRONISER_CYCLES + 2  # `wait` ends, `set` runs
LEASE_END = GUARD._LEASE_US * US
ROUND = PIO.LEASE_ROUND_US * US

# ---- the interlock ----


def test_h19_the_interlock_cuts_after_4_cycles_at_any_time_and_however_short_it_falls():
    made = Guarded(250)
    for at in range(100, 300):
        for cycles in (1, 2, 50):
            machine = made.alone(INTERLOCK_MACHINE, [(-US, SAFE), (at, STOP_LOOP), (at + cycles, SAFE)])
            machine.run(at + US)
            assert cut_at(machine.block) == at + REACTION <= at + US


@pytest.mark.parametrize(("low", "fault"), [(INTERLOCK, faults.OVER_CURRENT), (SAFE, faults.EMERGENCY_STOP)])
def test_it_is_for_ever_and_with_all_the_others_running(low, fault):
    bench = Guarded(250)
    at = 20 * US + 7
    bench.block.look_at([(-US, SAFE), (at, SAFE & ~low), (at + 1, SAFE)])
    bench.run(at + REACTION - OUT_CYCLES)
    assert bench.enabled()
    bench.run(at + REACTION)
    assert not bench.enabled()
    # The chip latches the edge of the stop loop's pin by itself.
    GUARD.mem32[bench.guard._latch] = bench.guard._latch_bit if low & STOP_LOOP else 0
    assert bench.guard.tripped() == fault
    assert bench.stays_off(fault, cycles=32)


def test_a_line_that_is_low_when_permission_is_asked_for_ends_it_at_once():
    bench = Guarded()
    bench.block.look_at([(-US, STOP_LOOP)])
    assert not bench.guard.is_safe()
    bench.guard.begin(250)
    bench.run(US)
    assert cut_at(bench.block) is not None and not bench.enabled()
    GUARD.mem32[bench.guard._latch] = 0
    assert bench.guard.tripped() == faults.OVER_CURRENT


# ---- the lease ----


def leased():
    """A guard of which only the lease goes on: its time is 125 times that of the others."""
    bench = Guarded(250)
    bench.run(10 * ROUND)
    for index, machine in bench.machines.items():
        if index != LEASE:
            machine.active(0)
    return bench


def pump_edges(bench, since=0):
    pump = [(cycle, bool(pins & PUMP)) for cycle, pins in bench.block.log if cycle >= since]
    return [cycle for (cycle, now), (_, before) in zip(pump[1:], pump, strict=False) if now != before]


def end_of(bench):
    """When permission was gone, from a bench that is left alone."""
    bench.run(bench.now + LEASE_END + 5 * ROUND)
    return max(cycle + OUT_CYCLES for cycle, pins in bench.block.log if not pins & ENABLE)


def test_h05_without_renewal_it_ends_a_round_after_90_ms_and_the_pump_stands_low():
    bench = leased()
    end = end_of(bench)
    assert end == LEASE_END + ROUND + OUT_CYCLES
    assert not bench.enabled() and not bench.block.pins & PUMP
    assert bench.guard.tripped() == faults.LEASE_LOST
    edges = pump_edges(bench)
    assert max(edges) == LEASE_END + ROUND // 2
    assert {b - a for a, b in itertools.pairwise(edges)} == {ROUND // 2}
    changes = len(bench.block.log)
    bench.run(bench.now + LEASE_END)
    assert len(bench.block.log) == changes, "for ever"


def test_a_renewal_at_any_time_of_a_round_lasts_90_ms_from_then_and_at_most_2_rounds_more():
    for at_us in (*range(5_000, 5_010), *range(GUARD._LEASE_US - 10, GUARD._LEASE_US)):
        bench = leased()
        bench.run(at_us * US)
        bench.guard.renew()
        end = end_of(bench)
        assert LEASE_END + ROUND <= end - at_us * US <= LEASE_END + 2 * ROUND, at_us


def test_renewals_at_every_microsecond_of_the_last_rounds_keep_it_or_come_too_late():
    # Too late is after the last pull, at which x is 0: from then on the end stands.
    last_pull_us = GUARD._LEASE_US
    for at_us in range(last_pull_us - 25, last_pull_us + 15):
        bench = leased()
        bench.run(at_us * US)
        bench.guard.renew()
        bench.run(LEASE_END + 10 * ROUND)
        assert bench.enabled() == (at_us <= last_pull_us), at_us
        if not bench.enabled():
            assert bench.guard.tripped() == faults.LEASE_LOST
            bench.guard.renew()
            bench.run(bench.now + 10 * ROUND)
            assert not bench.enabled(), "what comes later gives nothing back"


@pytest.mark.parametrize("every_us", [13, 4_999, 60_001, 89_990])
def test_as_long_as_it_is_renewed_permission_and_pump_go_on_without_a_flaw(every_us):
    bench = leased()
    bench.guard.renew()
    for _ in range(300_000 // every_us + 3 if every_us > 100 else 1_000):
        bench.run(bench.now + every_us * US)
        bench.guard.renew()
        assert bench.enabled() and bench.guard.tripped() == 0
    edges = pump_edges(bench)
    assert {b - a for a, b in itertools.pairwise(edges)} == {ROUND // 2}


def test_the_pump_s_hold_and_the_lease_are_within_what_a_dead_cpu_may_last():
    assert LEASE_END + 2 * ROUND + OUT_CYCLES <= 100_000 * US

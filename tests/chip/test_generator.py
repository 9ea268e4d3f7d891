"""The HAL of the RP2040 by itself, at the prompt: what is queued, counted, stopped and measured, of either channel.

One board for all: each test begins the engine anew, which must not depend on what was before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sessions import AtPrompt

from nmes.core import faults
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage

BEGIN = """
import board, time
from array import array
from nmes.core import pulse
from nmes.hal import make
from stages.reference import STAGE
hal = make(board.BOARD, STAGE)
def queue(channel, count, a=0, b=0, width_a=300, gap=100, width_b=300, period=2_000, most=1_000):
    for _ in range(count):
        assert hal.channels[channel].put(a, b, width_a, gap, width_b, period, most, 1)
"""
LONGEST_S = 1.0  # twice what the longest program takes; one that hangs costs half a minute of the computer's time
REST_MS = 100  # design: a CPU that hangs is at rest within 2 periods or this, whichever is longer


class Generating(AtPrompt):
    """A HAL has been made."""

    BEGIN = BEGIN
    ended = True

    def run(self, program: str) -> str:
        """What the program has printed. `ended` says afterwards whether it came to its end."""
        self.ended = False
        printed = self.repl.run(program, LONGEST_S)
        self.ended = True
        return printed

    def numbers(self, program: str) -> list[list[int]]:
        """What the program has printed, a list of numbers a line."""
        return [[int(word) for word in line.split()] for line in self.run(program).splitlines()]


@pytest.fixture(scope="module")
def one(bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any]) -> Generating:
    pico = bare_pico()
    return Generating(pico, OutputStage(pico, board, reference_stage))


@pytest.fixture
def bench(one: Generating) -> Iterator[Generating]:
    """The board, at rest again after the test; one that hangs is not asked to rest."""
    yield one
    if one.ended:
        one.run("hal.all_off()")


SHAPE = {(300_000, 100_000, 300_000)}


@pytest.mark.parametrize("channel", [0, 1])
def test_h04_stopped_at_any_time_every_pulse_that_began_is_whole_and_every_other_is_cancelled(
    bench: Generating, channel: int
) -> None:
    since_ns = bench.pico.nanos
    found = bench.numbers(f"""
for wait_us in range(0, 5_100, 170):
    hal.channels[{channel}].begin(1_000, True)
    queue({channel}, 3)
    hal.start(1 << {channel})
    time.sleep_us(wait_us)
    cancelled = hal.channels[{channel}].stop()
    time.sleep_us(2_500)
    print(hal.channels[{channel}].begun(), cancelled, hal.channels[{channel}].queued())
""")
    assert {begun + cancelled for begun, cancelled, _ in found} == {3}
    assert {begun for begun, _, _ in found} == {0, 1, 2, 3}, "stopped before, between and after them"
    assert all(cancelled == queued for _, cancelled, queued in found)
    pulses = bench.pulses(channel, since_ns)
    assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in pulses} == SHAPE
    assert len(pulses) == sum(begun for begun, _, _ in found)


def test_stopped_while_it_takes_a_record_that_pulse_never_began(bench: Generating) -> None:
    # The record is taken within 12 us: first look for when that is, then stop at every microsecond around it.
    since_ns = bench.pico.nanos
    found = bench.numbers("""
def stopped(wait_us):
    hal.channels[0].begin(2_000, True)
    queue(0, 1)
    hal.start(1)
    time.sleep_us(wait_us)
    cancelled = hal.channels[0].stop()
    time.sleep_us(1_500)
    return hal.channels[0].begun(), cancelled
low, high, whole = 0, 2_400, 0
while high - low > 8:
    middle = (low + high) // 2
    begun, _ = stopped(middle)
    whole += begun
    low, high = (low, middle) if begun else (middle, high)
print(whole, 1)
for wait_us in range(low - 16, high + 16, 2):
    print(*stopped(wait_us))
""")
    assert {cancelled + begun for begun, cancelled in found[1:]} == {1}
    assert {begun for begun, _ in found[1:]} == {0, 1}
    phases = [nanos for nanos, value in bench.stage.finish().changes("ch0_a") if value and nanos >= since_ns]
    assert len(phases) == sum(begun for begun, _ in found)


def test_halted_at_any_time_nothing_comes_after_it_and_none_is_counted_that_never_was(bench: Generating) -> None:
    since_ns = bench.pico.nanos
    found = bench.numbers("""
for wait_us in range(0, 2_100, 60):
    hal.channels[0].begin(0, True)
    queue(0, 3)
    hal.start(1)
    time.sleep_us(wait_us)
    hal.channels[0].halt()
    hal.all_off()
    time.sleep_us(6_000)
    print(hal.channels[0].begun())
""")
    phases = [nanos for nanos, value in bench.stage.finish().changes("ch0_a") if value and nanos >= since_ns]
    assert len(phases) == sum(begun for (begun,) in found) > 10


def test_levels_are_those_of_their_channel_and_phase_from_the_first_pulse_on_and_zero_before(bench: Generating) -> None:
    since_ns = bench.pico.nanos
    bench.run("""
hal.permit(1_000)
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
queue(0, 3, 300, 100, 200, 50, 600, 10_000)
queue(1, 3, 40, 40, 200, 50, 200, 10_000)
hal.start(3)
for _ in range(8):
    time.sleep_us(5_000)
    hal.renew()
assert hal.tripped() == 0
""")
    for channel, expected in ((0, (30_000, -10_000)), (1, (4_000, -4_000))):
        pulses = bench.pulses(channel, since_ns)
        assert [(p.current_a_ua, p.current_b_ua) for p in pulses] == [expected] * 3
    again_ns = bench.pico.nanos
    bench.run("""
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
    queue(channel, 1, period=20_000)
hal.start(3)
for _ in range(5):
    time.sleep_us(2_000)
    hal.renew()
assert hal.tripped() == 0
""")
    for channel in (0, 1):
        (pulse,) = bench.pulses(channel, again_ns)
        assert (pulse.current_a_ua, pulse.charge_a_nc, pulse.charge_b_nc) == (0, 0, 0)


def test_begin_takes_the_level_to_zero_before_a_record_says_another(bench: Generating, board: dict[str, Any]) -> None:
    bench.run("""
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
    queue(channel, 1, 500, 500)
hal.start(3)
time.sleep_us(3_000)
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
time.sleep_us(200)
""")
    for channel in board["pins"]["channels"]:
        for pin in ("level_a", "level_b"):
            seen = set()
            for _ in range(40):
                bench.pico.run_for(700)
                seen.add(bench.pico.level(channel[pin]))
            assert seen == {0}, f"{pin} of pin {channel[pin]} is not at zero"


def test_the_second_checker_is_told_what_it_has_to_know(bench: Generating) -> None:
    # Wide, and into a patient; then a code whose charge is too large by a DAC that is 1 % too strong, or not.
    found = bench.numbers(
        """
for channel in (0, 1):
    for dummy in (True, False):
        hal.channels[channel].begin(0, dummy)
        print(hal.channels[channel].put(10, 10, 600, 50, 600, 20_000, 100, 1))
    for offset, scale in ((0, 1_000_000), (0, 990_000), (20, 1_000_000)):
        hal.channels[channel].begin(0, False, offset, scale)
        print(hal.channels[channel].put(500 + offset, 500 + offset, 500, 50, 500, 20_000, 1_000, 1))
        print(hal.channels[channel].put(300 + offset, 100 + offset, 100, 50, 300, 20_000, 1_000, 1))
""".replace("print(", "print(0 + ")
    )
    assert found == [[1], [0], [1], [1], [0], [1], [1], [1]] * 2


def test_a_pulse_that_the_checker_refuses_is_told_and_not_counted(bench: Generating) -> None:
    since_ns = bench.pico.nanos
    found = bench.numbers("""
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
    queue(channel, 1)
    print(0 + hal.channels[channel].put(11, 11, 300, 100, 300, 2_000, 10, 1), hal.channels[channel].queued())
    queue(channel, 1)
    print(0 + hal.channels[channel].put(0, 0, 300, 100, 300, 1_999, 10, 1), hal.channels[channel].queued())
hal.start(3)
time.sleep_us(9_000)
print(hal.channels[0].begun(), hal.channels[1].begun())
""")
    assert found == [[0, 1], [0, 2]] * 2 + [[2, 2]]
    for channel in (0, 1):
        assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in bench.pulses(channel, since_ns)} == SHAPE


@pytest.mark.parametrize("period_us", [2_000, 6_667, 20_000, 50_000, 900_000])
def test_h05_what_may_be_queued_is_over_within_2_periods_or_100_ms(bench: Generating, period_us: int) -> None:
    found = bench.numbers(f"""
for channel in (0, 1):
    for before_us in (2_000, {period_us}, 900_000):
        hal.channels[channel].begin(0, True)
        queue(channel, 1, period=before_us)
        while hal.channels[channel].room() > 0 and hal.channels[channel].queued() < 80:
            queue(channel, 1, period={period_us})
        print(before_us, hal.channels[channel].queued())
""")
    assert len(found) == 6
    for before_us, queued in found:
        last_begins_us = before_us + (queued - 2) * period_us if queued > 1 else 0
        running_us = max(before_us, period_us)
        assert running_us + last_begins_us <= max(1_000 * REST_MS, 2 * running_us)
        assert queued > 1 or before_us + period_us > 60_000, "there was room for one more"


def test_room_is_given_back_as_pulses_begin_whatever_their_periods(bench: Generating) -> None:
    found = bench.numbers("""
hal.channels[0].begin(0, True)
queue(0, 6, period=10_000)
print(hal.channels[0].room(), hal.channels[0].queued())
hal.start(1)
for _ in range(6):
    time.sleep_us(10_000)
    queued = hal.channels[0].queued()
    print(hal.channels[0].room(), queued)
""")
    # 66 ms of them are 6; each that has begun makes room for one more.
    assert all(room == 6 - queued for room, queued in found) and found[0] == [0, 6] and found[-1][0] > 3


def test_starved_is_the_engine_that_has_played_all_it_was_given(bench: Generating) -> None:
    found = bench.numbers(
        """
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
    queue(channel, 2)
    hal.start(1 << channel)
    time.sleep_us(1_000)
    one = hal.channels[channel].starved()
    time.sleep_us(6_000)
    two = hal.channels[channel].starved()
    queue(channel, 1)
    time.sleep_us(6_000)
    print(one, two, hal.channels[channel].starved(), hal.channels[channel].begun())
""".replace("print(one, two, ", "print(0 + one, 0 + two, 0 + ")
    )
    assert found == [[0, 1, 1, 3]] * 2


def test_what_was_set_is_handed_on_with_what_was_measured(bench: Generating) -> None:
    found = bench.numbers(
        """
hal.permit(1_000)
seen = array("H", [0] * pulse.MEASURED * pulse.TAKE_MOST)
hal.sense(3, 200)
for channel, delay_us in ((0, 0), (1, 2_500)):
    hal.channels[channel].begin(delay_us, True)
queue(0, 2, 200, 200, 200, 50, 200, 5_000)
queue(0, 1, 300, 100, 200, 50, 600, 5_000)
queue(1, 3, 40, 40, 250, 50, 250, 5_000)
hal.start(3)
for _ in range(10):
    time.sleep_us(2_000)
    hal.renew()
for channel in (0, 1):
    count = hal.channels[channel].take(seen)
    print(count, 0 + hal.senses())
    for at in range(0, pulse.MEASURED * count, pulse.MEASURED):
        print(*seen[at : at + pulse.MEASURED])
hal.all_off()
print(0, 0 + hal.senses())
"""
    )
    zero, ua, mv = 2048, 55, 45  # boards/stages/reference.py
    for rows, expected in (
        (found[:4], [(200, 200, 200, 200)] * 2 + [(300, 200, 100, 600)]),
        (found[4:8], [(40, 250, 40, 250)] * 3),
    ):
        assert rows[0] == [3, 1]
        assert [tuple(row[:4]) for row in rows[1:]] == expected
        for code_a, _, code_b, _, current_a, voltage_a, current_b, voltage_b, rest in rows[1:]:
            for code, current, voltage in ((code_a, current_a, voltage_a), (-code_b, current_b, voltage_b)):
                assert abs((current - zero) * ua - code * 100) <= 2 * ua
                assert abs((voltage - zero) * mv - code * 100 * 500 // 1_000) <= 2 * mv
            assert rest == zero
    assert found[8] == [0, 0], "after rest nothing goes round any more"


def test_permission_is_for_the_longest_phase_of_the_session_and_no_longer(bench: Generating) -> None:
    found = bench.numbers("""
for longest_us in (200, 700):
    hal.permit(longest_us)
    hal.channels[1].begin(0, True)
    queue(1, 1, width_a=600, width_b=600, period=20_000)
    hal.start(2)
    time.sleep_us(3_000)
    print(hal.tripped(), 0 + hal.enabled())
    hal.all_off()
""")
    assert found == [[faults.PHASE_TOO_LONG, 0], [0, 1]]


def test_each_sense_is_read_on_its_own_input_while_nothing_is_sampled(bench: Generating) -> None:
    for number, counts in enumerate((1_000, 1_100, 1_200)):
        bench.pico.set_adc(number, counts)
    bench.run("hal.all_off()")
    assert bench.numbers("print(hal.idle_current(0), hal.idle_current(1), hal.idle_voltage())") == [
        [1_000, 1_100, 1_200]
    ]


def test_the_guard_proves_itself_leaves_all_at_rest_and_keeps_nothing_of_it(bench: Generating) -> None:
    found = bench.run("print(repr(hal.try_guard()), hal.enabled(), hal.tripped(), hal.opened())")
    bench.run("hal.forget_openings()")
    assert found.split()[:3] == ["''", "False", "0"]
    assert bench.numbers("print(hal.opened())\nhal.permit(500)\ntime.sleep_us(300)\nprint(hal.tripped())") == [[0], [0]]

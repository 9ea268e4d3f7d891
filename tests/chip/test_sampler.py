"""Current and voltage of every phase, sampled in its middle without the CPU: on the emulated chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sessions import AtPrompt

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage

BEGIN = """
import board, time, micropython, gc
from array import array
from machine import Pin
from nmes.core import pulse
from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.sampler import RING_BYTES, Converter, Sampler
from uctypes import addressof
from nmes.hal.rp2.guard import Guard
pins = board.BOARD["pins"]
gs = [Generator(i, p, 1000) for i, p in enumerate(pins["channels"])]
c = Converter(pins["sense_current"], pins["sense_voltage"])
rings = bytearray(3 * RING_BYTES)
rings_at = addressof(rings) + RING_BYTES - 1 & ~(RING_BYTES - 1)
ss = [Sampler(i, p["phase_a"], c, gs[i], rings_at + i * RING_BYTES) for i, p in enumerate(pins["channels"])]
g, s = gs[0], ss[0]
guard = Guard(pins)
seen = array("H", [0] * 9 * pulse.TAKE_MOST)
def begin(width, mask=1):
    c.begin(mask)
    for i in (0, 1):
        if mask & 1 << i:
            ss[i].begin(width, mask == 1 << i)
def go(mask=1, delay_us=0):
    for i in (0, 1):
        if mask & 1 << i:
            gs[i].begin(delay_us * i, True)
    for i in (0, 1):
        if mask & 1 << i:
            gs[i]._sm.active(1)
def show(i=0):
    for at in range(0, 9 * ss[i].take(seen), 9):
        print(*seen[at : at + 9])
def train(count, level, width, gap=50, period=7_000, i=0):
    for _ in range(count):
        assert gs[i].put(level, level, width, gap, width, period, 1000, 1)
"""
VALUES = 9  # of a line of `show`
CURRENT, VOLTAGE = 0, 2  # ADC inputs of channel 0 and of the voltage


class Sampling(AtPrompt):
    """Generators and samplers have been made."""

    BEGIN = BEGIN

    def __init__(self, pico: EmulatedPico, stage: OutputStage) -> None:
        super().__init__(pico, stage)
        self.conversions: list[int] = []

    def number_conversions(self) -> None:
        """From now on the ADC's results are the conversions' own numbers; when each began is in `conversions`."""
        adc = self.pico.mcu.adc
        convert = adc.on_adc_read
        self.pico.set_adc = lambda channel, counts: None  # type: ignore[method-assign]  # the stage says nothing

        def numbered(channel: int) -> None:
            self.conversions.append(self.pico.nanos)
            adc.channel_values[channel] = (len(self.conversions) - 1) % 4096
            convert(channel)

        adc.on_adc_read = numbered

    def began_at(self, number: int, near_nanos: int) -> int:
        """When the conversion of this number began: of all that have it, the one nearest to a time."""
        return min(self.conversions[number::4096], key=lambda at: abs(at - near_nanos))

    def shown(self, channel: int = 0) -> list[list[int]]:
        words = [int(word) for word in self.repl.run(f"show({channel})").split()]
        return [words[at : at + VALUES] for at in range(0, len(words), VALUES)]


@pytest.fixture(scope="module")
def bench(benched: Callable[[Callable[..., Sampling]], Sampling]) -> Sampling:
    return benched(Sampling)


@pytest.mark.parametrize("mask, width_us", [(1, 10), (1, 51), (1, 500), (2, 250), (3, 14), (3, 250)])
def test_what_is_kept_was_sampled_around_the_middle_of_its_phase_and_in_the_rest(
    bench: Sampling, mask: int, width_us: int
) -> None:
    # The second channel's pulses come 1.234 ms after the first's; an ADC samples at the begin of a conversion (4.9.2).
    bench.number_conversions()
    trains = "".join(f"train(3, 100, {width_us}, i={i})\n" for i in (0, 1) if mask & 1 << i)
    bench.repl.run(f"begin({width_us}, {mask})\ngo({mask}, 1_234)\n{trains}time.sleep_us(24_000)")
    most_off = 5_000 if mask == 3 else 3_000
    for channel in (0, 1):
        if not mask & 1 << channel:
            continue
        found, measured = bench.pulses(channel), bench.shown(channel)
        assert len(found) == len(measured) == 3
        for pulse, (*_, current_a, voltage_a, current_b, voltage_b, rest) in zip(found, measured, strict=True):
            begin_b = pulse.start_nanos + pulse.width_a_ns + pulse.gap_ns
            end_b = begin_b + pulse.width_b_ns
            for begin, numbers in ((pulse.start_nanos, (current_a, voltage_a)), (begin_b, (current_b, voltage_b))):
                for number in numbers:
                    at = bench.began_at(number, begin)
                    print(channel, at - begin, at - begin - width_us * 500)
                    assert begin + 1_900 <= at, "the stage settles within the first 2 us"
                    assert at + 400 <= begin + width_us * 1_000
                    assert abs(at - begin - width_us * 500) <= most_off
            assert 4_500 <= bench.began_at(rest, end_b) - end_b <= 16_000


@pytest.mark.parametrize("level", [0, 1, 9, 10, 111, 500, 1000])
@pytest.mark.parametrize("load_ohm", [0, 47, 500, 5_000])
def test_what_is_sensed_is_the_true_current_and_voltage_within_a_count(
    bench: Sampling, reference_stage: dict[str, Any], level: int, load_ohm: int
) -> None:
    bench.stage.load_ohm = load_ohm
    bench.repl.run(
        f"guard.begin(200)\nbegin(200)\ngo()\ntrain(2, {level}, 200)\n"
        "for _ in range(8):\n    time.sleep_us(2_000)\n    guard.renew()"
    )
    measured = bench.shown()
    assert len(measured) == len(bench.pulses()) == 2
    for pulse, (level_a, width_a, level_b, width_b, *sensed) in zip(bench.pulses(), measured, strict=True):
        assert (level_a, width_a, level_b, width_b) == (level, 200, level, 200)
        assert sensed[4] == 2048
        for current_ua, counts, counts_of_voltage in (
            (pulse.current_a_ua, *sensed[:2]),
            (pulse.current_b_ua, *sensed[2:4]),
        ):
            assert 2 * abs((counts - 2048) * reference_stage["sense_ua_per_count"] - current_ua) <= 55
            asked_mv = level * 100 * load_ohm // 1000 * (1 if current_ua > 0 else -1)
            voltage_mv = max(-80_000, min(80_000, asked_mv))
            assert abs((counts_of_voltage - 2048) * reference_stage["sense_mv_per_count"] - voltage_mv) <= 45


BUSY = {"busy": "x = [0] * 9", "collecting garbage": "gc.collect()", "asleep": "time.sleep_us(40_000)"}
FOR_40_MS = "end = time.ticks_add(time.ticks_us(), 40_000)\nwhile time.ticks_diff(end, time.ticks_us()) > 0: "


@pytest.mark.parametrize("cpu", BUSY)
def test_every_phase_is_sampled_exactly_once_whatever_the_cpu_does(bench: Sampling, cpu: str) -> None:
    bench.repl.run(f"begin(60, 3)\ngo(3, 30)\ntrain(5, 100, 60, 0)\ntrain(5, 100, 60, 0, i=1)\n{FOR_40_MS}{BUSY[cpu]}")
    assert len(bench.pulses()) == len(bench.pulses(1)) == 5
    assert bench.repl.run("print(*[s.take(seen) for s in ss])").split() == ["5", "5"]


def test_each_channel_has_its_own_current_and_the_voltage_when_it_is_alone(
    bench: Sampling, reference_stage: dict[str, Any]
) -> None:
    # Periods of 7000 and 7100 us from the same microsecond on: at first both at once, later one after the other.
    bench.stage.set_load(0, 500)
    bench.stage.set_load(1, 1_500)
    bench.repl.run(
        "guard.begin(200)\nbegin(200, 3)\ngo(3)\n"
        "for n in range(8):\n    train(1, 100, 200)\n    train(1, 200, 200, period=7_100, i=1)\n"
        "for _ in range(32):\n    time.sleep_us(2_000)\n    guard.renew()"
    )
    apart = 0
    for channel, ua, ohm in ((0, 10_000, 500), (1, 20_000, 1_500)):
        own, others, measured = bench.pulses(channel), bench.pulses(1 - channel), bench.shown(channel)
        assert len(own) == len(measured) == 8
        for pulse, (_, _, _, _, current_a, voltage_a, current_b, voltage_b, rest) in zip(own, measured, strict=True):
            assert rest == 2048
            assert abs((current_a - 2048) * reference_stage["sense_ua_per_count"] - ua) <= 55
            assert abs((2048 - current_b) * reference_stage["sense_ua_per_count"] - ua) <= 55
            nearest = min(abs(pulse.start_nanos - other.start_nanos) for other in others)
            if nearest == 0:
                assert voltage_a == voltage_b == 4095
            elif nearest > 460_000:
                apart += 1
                for counts in (voltage_a - 2048, 2048 - voltage_b):
                    assert abs(counts * reference_stage["sense_mv_per_count"] - ua * ohm // 1000) <= 45
    assert apart > 4


def test_a_circle_that_stands_still_is_found(bench: Sampling) -> None:
    printed = bench.repl.run(
        """
print(c.runs())
for mask in (1, 2, 3):
    begin(60, mask)
    print([c.runs() for _ in range(20)].count(True))
for dma in (c._select, c._result):
    begin(60, 3)
    dma.halt()
    print(c.runs())
begin(60, 3)
runs = None  # so that its place is there
micropython.heap_lock()
runs = c.runs()
micropython.heap_unlock()
print(runs)
"""
    ).split()
    assert printed == ["False", "20", "20", "20", "False", "False", "True"]


def test_the_ring_goes_round_and_begin_starts_anew(bench: Sampling) -> None:
    printed = bench.repl.run(
        """
begin(50)
go()
taken = 0
for n in range(130):
    g.put(n, n, 50, 0, 50, 6_700, 1000, 1)
    time.sleep_us(6_700)
    if n in (30, 60, 90, 110):
        taken += s.take(seen)
time.sleep_us(2_000)
count = s.take(seen)
print(taken, count)
print(taken + count, *seen[9 * count - 9 : 9 * count - 5])
g.stop()
begin(50)
print(s.take(seen))
go()
train(1, 7, 50)
time.sleep_us(2_000)
show()
"""
    ).splitlines()
    taken = int(printed[0].split()[0])
    assert taken in (110, 111) and int(printed[0].split()[1]) == 130 - taken
    assert printed[1].split() == ["130", "129", "50", "129", "50"]
    assert printed[2] == "0"
    assert printed[3].split()[:4] == ["7", "50", "7", "50"]


def test_taking_and_judging_allocate_nothing(bench: Sampling) -> None:
    printed = bench.repl.run(
        """
from nmes.core.delivery import Delivery
from stages.reference import STAGE
d = Delivery(STAGE)
begin(500)
go()
train(4, 500, 500)
time.sleep_us(40_000)
cause = 0
now_ms = 100_000_000
micropython.heap_lock()
cause = d.judge(seen, now_ms, s.take(seen))
micropython.heap_unlock()
begin = time.ticks_us()
for _ in range(20):
    d.judge(seen, now_ms)
print(d.measured, cause, time.ticks_diff(time.ticks_us(), begin) // 20)
"""
    ).split()
    # Permission was not given: no current flowed, and after three pulses that is an open electrode.
    assert printed[:2] == ["23", "11"], "the last of the four comes after the fault"
    print("judging one pulse takes", printed[2], "us")

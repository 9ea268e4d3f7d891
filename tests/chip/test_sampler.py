"""Current and voltage of every phase, sampled in its middle without the CPU: on the emulated chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opennmes.bench import measure
from opennmes.bench.pico import EmulatedPico
from opennmes.bench.repl import Repl
from opennmes.bench.stage import OutputStage

BEGIN = """
import board, time, micropython, gc
from array import array
from machine import Pin
from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.sampler import Sampler
from nmes.hal.rp2.guard import Guard
pins = board.BOARD["pins"]
g = Generator(0, pins["channels"][0], 1000)
s = Sampler(pins["channels"][0]["phase_a"], pins["sense_current"][0], pins["sense_voltage"])
guard = Guard(pins)
seen = array("i", [0] * 9)
def go():
    g.begin(0, True)
    g._sm.active(1)
def show():
    while s.measured():
        g.what_was_set(s.pulses_taken(), seen)
        s.take(seen)
        print(*seen)
def train(count, level, width, gap=50, period=3000):
    for _ in range(count):
        assert g.put(level, level, width, gap, width, 7000, 1000)
"""


class Bench:
    """A board at the prompt, generator and sampler made; when each conversion began is in `conversions`."""

    def __init__(self, pico: EmulatedPico, stage: OutputStage) -> None:
        self.pico = pico
        self.stage = stage
        self.repl = Repl(pico)
        self.conversions: list[tuple[int, int]] = []
        adc = pico.mcu.adc
        convert = adc.on_adc_read

        def noted(channel: int) -> None:
            self.conversions.append((pico.nanos, channel))
            convert(channel)

        adc.on_adc_read = noted
        self.repl.run(BEGIN)

    def pulses(self) -> list[measure.Pulse]:
        return measure.pulses(self.stage.finish(), 0)


@pytest.fixture
def bench(bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any]) -> Bench:
    pico = bare_pico()
    return Bench(pico, OutputStage(pico, board, reference_stage))


@pytest.mark.parametrize("width_us", [50, 51, 250, 500])
def test_the_two_conversions_are_centred_on_the_middle_of_each_phase(bench: Bench, width_us: int) -> None:
    bench.repl.run(f"s.begin({width_us})\ngo()\ntrain(4, 100, {width_us})\ntime.sleep_us(30_000)")
    found = bench.pulses()
    assert len(found) == 4
    middles = []
    for pulse in found:
        begin_b = pulse.start_nanos + pulse.width_a_ns + pulse.gap_ns
        middles += [pulse.start_nanos + pulse.width_a_ns // 2, begin_b + pulse.width_b_ns // 2]
    assert [channel for _, channel in bench.conversions] == [0, 2] * 12
    currents = [at for at, channel in bench.conversions if channel == 0]
    voltages = [at for at, channel in bench.conversions if channel == 2]
    in_phases = [n for n in range(12) if n % 3 < 2]
    off = [currents[n] - middle for n, middle in zip(in_phases, middles, strict=True)]
    off_voltage = [voltages[n] - middle for n, middle in zip(in_phases, middles, strict=True)]
    print(off, off_voltage)
    # A cycle of the program is 0.2 us, the wait is in whole ones, and phase B takes one more than phase A.
    assert all(-2_300 <= nanos <= -1_700 for nanos in off)
    assert all(-300 <= nanos <= 300 for nanos in off_voltage)
    ends = [p.start_nanos + p.width_a_ns + p.gap_ns + p.width_b_ns for p in found]
    after = [currents[3 * n + 2] - end for n, end in enumerate(ends)]
    assert all(6_300 <= nanos <= 6_900 for nanos in after)


@pytest.mark.parametrize("level", [0, 1, 9, 10, 111, 500, 1000])
@pytest.mark.parametrize("load_ohm", [0, 47, 500, 5_000])
def test_what_is_sensed_is_the_true_current_and_voltage_within_a_count(
    bench: Bench, reference_stage: dict[str, Any], level: int, load_ohm: int
) -> None:
    bench.stage.load_ohm = load_ohm
    bench.repl.run(
        f"guard.begin(200)\ns.begin(200)\ngo()\ntrain(2, {level}, 200)\n"
        "for _ in range(8):\n    time.sleep_us(2_000)\n    guard.renew()"
    )
    printed = bench.repl.run("show()").split()
    measured = [[int(word) for word in printed[at : at + 9]] for at in range(0, len(printed), 9)]
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
def test_every_phase_is_sampled_exactly_once_whatever_the_cpu_does(bench: Bench, cpu: str) -> None:
    bench.repl.run(f"s.begin(60)\ngo()\ntrain(5, 100, 60, 0)\n{FOR_40_MS}{BUSY[cpu]}")
    assert [channel for _, channel in bench.conversions] == [0, 2] * 15
    assert len(bench.pulses()) == 5
    assert bench.repl.run("print(s.measured())").split() == ["5"]


def test_the_sample_is_what_the_input_was_at_the_middle_and_not_before_or_after(bench: Bench) -> None:
    # The emulated ADC samples at the end of a conversion, which is the middle to 0.3 us: only then is the input 3000.
    pico, width_us = bench.pico, 200
    clock = pico.mcu.clock

    def at(nanos: int, counts: int) -> None:
        clock.create_alarm(lambda: pico.set_adc(0, counts)).schedule(nanos)

    def phase_begins(level: int) -> None:
        if level:
            middle = width_us * 500
            at(middle - 300, 3000)
            at(middle + 300, 1000)

    for pin in (2, 3):
        pico.watch(pin, phase_begins)
    bench.repl.run(f"s.begin({width_us})\ngo()\ntrain(3, 0, {width_us})\ntime.sleep_us(30_000)")
    printed = bench.repl.run("show()").split()
    assert [(int(printed[n + 4]), int(printed[n + 6])) for n in (0, 9, 18)] == [(3000, 3000)] * 3


def test_the_ring_goes_round_and_begin_starts_anew(bench: Bench) -> None:
    printed = bench.repl.run(
        """
s.begin(50)
go()
for n in range(130):
    g.put(n, n, 50, 0, 50, 6_700, 1000)
    time.sleep_us(6_700)
    if n in (40, 80):
        while s.measured():
            s.take(seen)
time.sleep_us(2_000)
print(s.pulses_taken(), s.measured())
while s.measured():
    g.what_was_set(s.pulses_taken(), seen)
    s.take(seen)
print(s.pulses_taken(), *seen[:4])
g.stop()
s.begin(50)
print(s.pulses_taken(), s.measured())
go()
train(1, 7, 50)
time.sleep_us(2_000)
print(s.measured())
show()
"""
    ).splitlines()
    taken = int(printed[0].split()[0])
    assert taken in (80, 81) and int(printed[0].split()[1]) == 130 - taken
    assert printed[1].split() == ["130", "129", "50", "129", "50"]
    assert printed[2:4] == ["0 0", "1"]
    assert printed[4].split()[:4] == ["7", "50", "7", "50"]


def test_taking_and_judging_allocate_nothing(bench: Bench) -> None:
    printed = bench.repl.run(
        """
from nmes.core.delivery import Delivery
from stages.reference import STAGE
d = Delivery(STAGE)
s.begin(500)
go()
train(4, 500, 500)
time.sleep_us(40_000)
cause = 0
now_ms = 100_000_000
micropython.heap_lock()
while s.measured():
    g.what_was_set(s.pulses_taken(), seen)
    s.take(seen)
    cause = d.judge(seen, now_ms)
micropython.heap_unlock()
begin = time.ticks_us()
for _ in range(20):
    d.judge(seen, now_ms)
print(d.measured, cause, time.ticks_diff(time.ticks_us(), begin) // 20)
"""
    ).split()
    # Permission was not given: no current flowed, and after three pulses that is an open electrode.
    assert printed[:2] == ["24", "11"]
    print("judging one pulse takes", printed[2], "us")

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
seen = array("i", [0] * 8)
def show():
    while s.measured() >= 2:
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
    bench.repl.run(f"s.begin({width_us})\ng.begin()\ntrain(4, 100, {width_us})\ntime.sleep_us(30_000)")
    found = bench.pulses()
    assert len(found) == 4
    middles = []
    for pulse in found:
        begin_b = pulse.start_nanos + pulse.width_a_ns + pulse.gap_ns
        middles += [pulse.start_nanos + pulse.width_a_ns // 2, begin_b + pulse.width_b_ns // 2]
    assert [channel for _, channel in bench.conversions] == [0, 2] * 8
    off = [at - middle for (at, _), middle in zip(bench.conversions[::2], middles, strict=True)]
    off_voltage = [at - middle for (at, _), middle in zip(bench.conversions[1::2], middles, strict=True)]
    print(off, off_voltage)
    assert all(-2_050 <= nanos <= -1_950 for nanos in off)
    assert all(-50 <= nanos <= 50 for nanos in off_voltage)

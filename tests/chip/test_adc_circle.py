"""An ADC that converts in a circle can be skipped through, and neither the firmware nor a test can tell."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from failures import branch

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl

CONVERSION_NANOS = 2000
ADC_CS, ADC_RESULT, ADC_FCS = 0x4004C000, 0x4004C004, 0x4004C008

# The circle, and what a session has beside it: PIO that asks for a copy of the four results every now and then, and DMA
# that makes it.
PROGRAM = """
import rp2, time
from machine import ADC, Pin, mem16, mem32
from uctypes import addressof
for pin in (26, 27, 28):
    ADC(Pin(pin))
raw = bytearray(8192)
words = (addressof(raw) + 15) & ~15
results = words + 16
marks = results + 8
copies = results + 24
for n, channel in enumerate((0, 1, 2, 2)):
    mem32[words + 4 * n] = 5 | channel << 12
CS, RESULT, FCS, FIFO = 0x4004C000, 0x4004C004, 0x4004C008, 0x4004C00C
mem32[FCS] = 1 << 24 | 1 << 3 | 1
ask, take, marked, copied, spare = [rp2.DMA() for _ in range(5)]
def at(dma, offset):
    return 0x50000000 + 0x40 * dma.channel + offset
ask.config(read=words, write=CS, count=1, ctrl=ask.pack_ctrl(
    size=2, inc_write=False, ring_sel=False, ring_size=4, chain_to=take.channel))
take.config(read=FIFO, write=results, count=1, ctrl=take.pack_ctrl(
    size=1, inc_read=False, ring_sel=True, ring_size=3, treq_sel=36, chain_to=ask.channel))
@rp2.asm_pio()
def marker():
    set(x, 30)
    label("wait")
    jmp(x_dec, "wait") [28]
    mov(isr, x)
    push(noblock)
machine = rp2.StateMachine(0, marker, freq=31_250_000)
marked.config(read=0x50200020, write=marks, count=1, ctrl=marked.pack_ctrl(
    size=2, inc_read=False, inc_write=False, treq_sel=4, chain_to=copied.channel))
copied.config(read=results, write=copies, count=2, ctrl=copied.pack_ctrl(
    size=2, ring_sel=False, ring_size=3, chain_to=marked.channel))
def pointers():
    return mem32[at(ask, 0)] - words, mem32[at(take, 4)] - results
def table():
    return [mem32[copies + 4 * n] for n in range((mem32[at(copied, 4)] - copies) // 4)]
def go():
    machine.active(1)
    marked.active(1)
    ask.active(1)
"""

WATCH = """
go()
log = []
for n in range(25):
    time.sleep_us(41 + 13 * n)
    for _ in range(n % 7):
        pass
    log.append((time.ticks_us(), pointers(), mem32[CS] >> 12 & 7, mem32[RESULT]))
machine.active(0)
print(log)
print(copies, mem32[at(copied, 4)])
"""

# With one channel in use the rings are half as long.
HALF = """
ask.ctrl = ask.pack_ctrl(default=ask.ctrl, ring_size=3)
take.ctrl = take.pack_ctrl(default=take.ctrl, ring_size=2)
"""

# After an abort the conversion under way still ends and its result lies in the FIFO: nothing of it may be left.
HALT = """
go()
log = []
bits = 1 << ask.channel | 1 << take.channel
for n in range(20):
    time.sleep_us(37 + 11 * n)
    for _ in range(n % 5):
        pass
    mem32[0x50000444] = bits
    halted = mem32[at(ask, 16)], mem32[at(take, 16)], pointers(), mem32[CS], mem32[FCS]
    while not mem32[CS] & 1 << 8:
        pass
    log.append((time.ticks_us(), halted, mem32[FCS], mem32[RESULT], [mem16[results + 2 * i] for i in range(4)]))
    while mem32[FCS] >> 16 & 15:
        mem32[FIFO]
    if n % 2:
        ask.active(1)
    else:
        mem32[0x50000430] = 1 << ask.channel
machine.active(0)
print(log)
print(copies, mem32[at(copied, 4)])
"""


def count_conversions(pico: EmulatedPico) -> list[float]:
    """A list that grows with every conversion that is simulated, by when it begins."""
    begun: list[float] = []
    adc: Any = pico.mcu.adc
    start = adc.start_adc_read

    def counted() -> None:
        begun.append(pico.mcu.clock.nanos)
        start()

    adc.start_adc_read = counted
    return begun


class Inputs:
    """Changes the ADC's inputs and looks at registers while the chip runs, at instants that `seed` picks.

    From the first conversion on, mostly just before, at or just after an instant at which conversions end; at
    such an instant it does not look, because what else happens then may come before or after.
    """

    def __init__(self, pico: EmulatedPico, seed: int, begun: list[float], registers: list[int]) -> None:
        self.pico = pico
        self.log: list[Any] = []
        self.times_at_an_end = 0
        self._random = random.Random(seed)
        self._begun = begun
        self._registers = registers
        self._clock = pico.mcu.clock
        self._alarm = self._clock.create_alarm(self._act)
        self._wait()

    def _wait(self) -> None:
        chosen = self._random
        gap = chosen.choice([chosen.randrange(4000), chosen.randrange(30_000), chosen.randrange(250_000)])
        if self._begun:
            rounded = gap + CONVERSION_NANOS - self._since_an_end(gap)
            gap = rounded + chosen.choice([-8, -1, 0, 1, 8, gap % CONVERSION_NANOS])
        self._alarm.schedule(gap)

    def _since_an_end(self, gap: int = 0) -> int:
        # All conversions since the circle was started last are in step, simulated or not.
        return round(self._clock.nanos + gap - self._begun[-1]) % CONVERSION_NANOS

    def _act(self) -> None:
        chosen, pico = self._random, self.pico
        at_an_end = bool(self._begun) and self._since_an_end() == 0
        self.times_at_an_end += at_an_end
        looks = chosen.random() < 0.3 and not at_an_end
        changes = chosen.random() < 0.8
        register = chosen.choice(self._registers)
        if looks:
            self.log.append((self._clock.nanos, register, pico.mcu.read_uint32(register)))
        if changes:
            how = chosen.randrange(3)
            for _ in range(chosen.randrange(1, 4)):
                channel, counts = chosen.randrange(3), chosen.choice([0, chosen.randrange(4096)])
                if how == 0:
                    pico.set_adc(channel, counts)
                elif how == 1:
                    pico.mcu.adc.channel_values[channel] = counts
                else:
                    values = list(pico.mcu.adc.channel_values)
                    values[channel] = counts
                    pico.mcu.adc.channel_values = values
        self._wait()


@pytest.fixture(scope="module")
def circle(bare_pico: Callable[..., EmulatedPico], share: Callable[[EmulatedPico], None]) -> Repl:
    """A board with everything set up and nothing running."""
    repl = Repl(bare_pico())
    repl.run(PROGRAM)
    share(repl.pico)
    return repl


def registers_of(repl: Repl) -> list[int]:
    channels = [int(word) for word in repl.run("print(ask.channel, take.channel)").split()]
    ask, take = (0x50000000 + 0x40 * channel for channel in channels)
    return [ask, ask + 16, take + 4, take + 8, take + 16, ADC_CS, ADC_RESULT, ADC_FCS, 0x50000400]


def ran(repl: Repl, skip: bool, seed: int, program: str, registers: list[int]) -> tuple[Any, int, int]:
    repl.pico.driver.skip_loops = skip
    begun = count_conversions(repl.pico)
    inputs = Inputs(repl.pico, seed, begun, registers)
    read = repl.pico.mcu.read_uint32
    output, places = repl.run(program).splitlines()
    repl.pico.run_for(50_000)
    first, last = (int(place) for place in places.split())
    copied = [read(place) for place in range(first, last, 4)]
    seen = output, copied, inputs.log, repl.pico.nanos, [read(register) for register in registers]
    return seen, len(begun), inputs.times_at_an_end


@pytest.mark.parametrize("program", [WATCH, HALT, HALF + WATCH], ids=["watch", "halt", "half"])
def test_skipping_the_circle_changes_nothing(circle: Repl, program: str) -> None:
    registers = registers_of(circle)
    for seed in range(4):
        stepped, conversions, ends = branch(lambda seed=seed: ran(circle, False, seed, program, registers))
        skipped, fewer, _ = branch(lambda seed=seed: ran(circle, True, seed, program, registers))
        assert skipped == stepped
        assert len(set(stepped[1])) > 20 and len(stepped[2]) > 5
        assert fewer < conversions / 2
        assert ends > 5


def test_only_what_concerns_the_circle_wakes_it(circle: Repl) -> None:
    begun = count_conversions(circle.pico)
    circle.run("go()\ntime.sleep_us(100)")
    assert 0 < len(begun) < 10
    begun.clear()
    circle.run("""
for _ in range(20):
    mem32[at(spare, 0)] = words
    mem32[at(copied, 4)], mem32[at(spare, 16)], mem32[0x50000400], mem16[results]
    mem32[0x50000444] = 1 << spare.channel
    mem32[0x50000430] = 1 << spare.channel
""")
    circle.pico.set_adc(0, circle.pico.mcu.adc.channel_values[0])
    circle.pico.run_for(100_000)
    assert begun == []
    for program in ("pointers()", "mem32[at(ask, 0)]", "mem32[at(take, 4)]", "mem32[RESULT]", "mem32[FCS] |= 1"):
        circle.run(program)
        circle.pico.run_for(100_000)
        assert 0 < len(begun) < 10, program
        begun.clear()


def test_another_channel_that_takes_results_is_served(circle: Repl) -> None:
    program = """
go()
time.sleep_us(333)
spare.config(read=FIFO, write=copies + 1024, count=50, ctrl=spare.pack_ctrl(size=1, inc_read=False, treq_sel=36))
spare.active(1)
time.sleep_us(555)
machine.active(0)
print(pointers(), spare.count, [mem16[copies + 1024 + 2 * n] for n in range(50)], table())
"""
    for channel in range(3):
        circle.pico.set_adc(channel, 100 + channel)

    def run(skip: bool) -> tuple[str, int]:
        circle.pico.driver.skip_loops = skip
        return circle.run(program), circle.pico.nanos

    assert branch(lambda: run(True)) == branch(lambda: run(False))


def test_who_replaces_on_adc_read_sees_every_conversion(circle: Repl) -> None:
    pico = circle.pico
    begun = count_conversions(pico)
    circle.run("go()")
    pico.run_for(100_000)
    origin = begun[0]
    seen: list[tuple[float, int]] = []
    adc = pico.mcu.adc
    convert = adc.on_adc_read

    def noted(channel: int) -> None:
        seen.append((pico.mcu.clock.nanos, channel))
        convert(channel)

    adc.on_adc_read = noted
    since = pico.nanos
    pico.run_for(100_000)
    assert len(seen) == 50
    assert {(nanos - origin) % CONVERSION_NANOS for nanos, _ in seen} == {0}
    assert seen[0][0] - since <= CONVERSION_NANOS
    order = [channel for _, channel in seen]
    first = round((seen[0][0] - origin) / CONVERSION_NANOS)
    assert order == [(0, 1, 2, 2)[(first + n) % 4] for n in range(50)]
    adc.on_adc_read = convert
    begun.clear()
    pico.run_for(100_000)
    assert len(begun) < 10


@pytest.mark.parametrize("block", ["adc", "dma"])
def test_adc_or_dma_can_be_reset_alone(circle: Repl, block: str) -> None:
    pico = circle.pico
    circle.run("go()")
    pico.run_for(100_000)
    begun = count_conversions(pico)
    getattr(pico.mcu, block).reset()
    pico.run_for(100_000)
    left = pico.mcu.read_uint32(ADC_CS) & 1 << 8, pico.mcu.read_uint32(ADC_FCS) >> 16 & 15
    # Without DMA the conversion under way still ends, and nobody takes its result.
    assert left == (1 << 8, 1 if block == "dma" else 0)
    assert begun == []


@pytest.mark.parametrize("how", [None, "import machine\nmachine.reset()"])
def test_a_reset_ends_the_circle(circle: Repl, how: str | None) -> None:
    pico = circle.pico
    circle.run("go()")
    pico.run_for(100_000)
    if how is None:
        pico.hard_reset()
    else:
        circle.start(how)
        assert pico.run_until(lambda: pico.resets == 1, 100_000_000)
    begun = count_conversions(pico)
    pico.set_adc(0, 1234)
    pico.run_for(100_000)
    assert begun == []
    again = Repl(pico)
    assert again.run("from machine import ADC, Pin\nprint(ADC(Pin(26)).read_u16() >> 4)") == "1234\n"


def test_the_board_of_the_tests_is_the_skipping_one(bare_pico: Callable[..., EmulatedPico]) -> None:
    assert bare_pico().driver.skip_loops

"""The emulated bench tells the truth: time, pins, PIO, PWM, USB and resets of the emulated Pico."""

from __future__ import annotations

import functools
import itertools
import os
import random
import signal
import subprocess
import sys
import termios
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pioemu  # type: ignore[import-untyped]
import pytest

from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.emulator.pty import serve
from opennmes.emulator.repl import Repl
from opennmes.emulator.stage import OutputStage
from opennmes.measure.pulses import pulses, summary
from opennmes.ports.emulator import EmulatedPort, EmulatedPortWithStage
from opennmes.ports.errors import PortError

PIN_A = 2
CYCLE_NANOS = 8

# High for 32 + 1 + 10 * 32 = 353 cycles, low for 32 + 1 + 20 * 32 = 673.
SQUARE = """
import gc, rp2, time
from machine import Pin, mem32
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def square():
    set(pins, 1) [31]
    set(x, 9)
    label("high")
    jmp(x_dec, "high") [31]
    set(pins, 0) [31]
    set(x, 19)
    label("low")
    jmp(x_dec, "low") [31]
machine_a = rp2.StateMachine(0, square, freq=%d, set_base=Pin(2))
machine_a.active(1)
"""
LOADS = {
    "sleeping": "time.sleep_ms(100)",
    "busy": "while True: pass",
    "gc and print": "while True:\n    gc.collect()\n    print([i * 3.5 for i in range(30)])",
}


def edges_of(pico: EmulatedPico, pin: int) -> list[tuple[int, int]]:
    """A list that grows by (nanos, level) with every edge of a pin."""
    edges: list[tuple[int, int]] = []
    pico.watch(pin, lambda level: edges.append((pico.nanos, level)))
    return edges


def test_a_pin_that_is_let_go_and_driven_low_has_no_edge(repl: Repl) -> None:
    edges = edges_of(repl.pico, PIN_A)
    repl.run("""
from machine import Pin
for low in ((Pin.IN, Pin.PULL_DOWN), (Pin.OUT, None), (Pin.IN, Pin.PULL_UP), (Pin.IN, None), (Pin.OUT, None)):
    Pin(2, *low, value=0)
Pin(2, Pin.OUT, value=1)
Pin(2, Pin.OUT, value=0)
""")
    assert [level for _, level in edges] == [1, 0]


def test_both_queues_of_a_machine_are_emptied_when_they_are_joined_or_parted_and_by_no_other_write(repl: Repl) -> None:
    said = repl.run("""
import rp2
from machine import mem32
@rp2.asm_pio()
def waits():
    pull()
machine = rp2.StateMachine(0, waits)
SHIFTCTRL, XOR, FJOIN_TX = 0x502000D0, 0x502010D0, 1 << 30
found = []
def write(address, value):
    machine.put(1)
    machine.put(2)
    mem32[address] = value
    found.append(machine.tx_fifo())
    while machine.tx_fifo():
        machine.exec("pull()")
write(SHIFTCTRL, mem32[SHIFTCTRL])
write(SHIFTCTRL, mem32[SHIFTCTRL] ^ FJOIN_TX)
write(XOR, FJOIN_TX)
write(XOR, 1 << 16)  # autopush
print(found)
""")
    assert said.strip() == "[2, 0, 0, 2]"


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize(("freq", "divider", "run_us"), [(125_000_000, 1, 12_000), (1_000_000, 125, 25_000)])
def test_pio_is_exact_whatever_the_cpu_does(repl: Repl, load: str, freq: int, divider: int, run_us: int) -> None:
    edges = edges_of(repl.pico, PIN_A)
    repl.start(SQUARE % freq + LOADS[load])
    assert repl.pico.run_until(lambda: bool(edges), 100_000_000)
    repl.pico.run_for(run_us * 1000)
    widths = [(end - start, level) for (start, level), (end, _) in itertools.pairwise(edges)]
    assert len(widths) >= 2 * run_us * 125 // (1026 * divider) - 2
    assert {width for width, level in widths if level} == {353 * divider * CYCLE_NANOS}
    assert {width for width, level in widths if not level} == {673 * divider * CYCLE_NANOS}


def test_pio_with_a_fractional_divider_keeps_to_whole_cycles_and_does_not_drift(repl: Repl) -> None:
    edges = edges_of(repl.pico, PIN_A)
    repl.start(SQUARE % 50_000_000 + LOADS["busy"])  # a divider of 2.5
    assert repl.pico.run_until(lambda: bool(edges), 100_000_000)
    repl.pico.run_for(1_000_000)
    rises = [nanos for nanos, level in edges if level]
    assert {nanos % CYCLE_NANOS for nanos in rises} == {0}
    assert rises[-1] - rises[0] == (len(rises) - 1) * 1026 * 5 // 2 * CYCLE_NANOS


def values_of(pico: EmulatedPico, pins: tuple[int, ...]) -> list[tuple[int, int]]:
    """A list that grows by (nanos, levels of all pins as bits) when any changes; one entry an instant."""
    values: list[tuple[int, int]] = []
    levels = dict.fromkeys(pins, 0)

    def changed(pin: int, level: int) -> None:
        levels[pin] = level
        value = sum(high << number for number, high in levels.items())
        if values and values[-1][0] == pico.nanos:
            values.pop()
        values.append((pico.nanos, value))

    for pin in pins:
        pico.watch(pin, functools.partial(changed, pin))
    return values


# Pull, out, mov, side-set, all kinds of jmp.
MIXED = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=(rp2.PIO.OUT_LOW,) * 2, sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def mixed():
    pull()              .side(0)
    out(x, 16)          .side(1) [2]
    out(y, 16)          .side(0)
    label("a")
    set(pins, 1)        .side(0) [3]
    jmp(x_dec, "a")     .side(1)
    mov(x, invert(y))   .side(0)
    set(pins, 2)        .side(0) [7]
    label("b")
    jmp(y_dec, "b")     .side(1) [5]
    jmp(x_not_y, "end") .side(0)
    set(pins, 3)        .side(0)
    label("end")
    set(pins, 0)        .side(0)
machine_a = rp2.StateMachine(0, mixed, freq=125_000_000, set_base=Pin(2), sideset_base=Pin(4))
for word in %r:
    machine_a.put(word)
print(list(mixed[0]))
print(mixed[2] >> 7 & 31, mixed[2] >> 12 & 31)
"""


def test_pio_gives_the_edges_that_pioemu_gives(repl: Repl) -> None:
    """Against an emulator that shares nothing with this one."""
    words = [0x00010003, 0x00070000, 0x00000011, 0x000A0009]
    printed = repl.run(MIXED % words).splitlines()
    opcodes = [int(opcode) for opcode in printed[0].strip("[]").split(",")]

    start_nanos = repl.pico.nanos
    edges = values_of(repl.pico, (2, 3, 4))
    repl.run("machine_a.active(1)")
    assert edges and edges[0][0] > start_nanos

    expected: list[tuple[int, int]] = []
    steps = pioemu.emulate(
        opcodes,
        stop_when=lambda opcode, state: state.clock > 2000,
        initial_state=pioemu.State(transmit_fifo=deque(words), pin_directions=0b11100),
        set_base=2,
        set_count=2,
        side_set_base=4,
        side_set_count=1,
        shift_osr_right=True,
    )
    for before, after in steps:
        if after.pin_values != before.pin_values:
            expected.append((before.clock, after.pin_values))
    origin_nanos = edges[0][0] - expected[0][0] * CYCLE_NANOS
    assert [((nanos - origin_nanos) // CYCLE_NANOS, value) for nanos, value in edges] == expected
    assert len(expected) > 20


def test_pio_fed_by_dma_does_not_notice_the_garbage_collector(repl: Repl) -> None:
    program = """
import array, gc, rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, autopull=True, pull_thresh=32, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def pulse():
    out(x, 16)
    out(y, 16)
    set(pins, 1)
    label("high")
    jmp(x_dec, "high")
    set(pins, 0)
    label("low")
    jmp(y_dec, "low")
machine_a = rp2.StateMachine(0, pulse, freq=1_000_000, set_base=Pin(2))
words = array.array("I", [(1900 << 16) | (90 + n) for n in range(12)])
dma = rp2.DMA()
dma.config(read=words, write=machine_a, count=len(words),
           ctrl=dma.pack_ctrl(inc_write=False, treq_sel=0), trigger=True)
machine_a.active(1)
while True:
    gc.collect()
    [str(i) for i in range(20)]
"""
    edges = edges_of(repl.pico, PIN_A)
    repl.start(program)
    assert repl.pico.run_until(lambda: len(edges) == 24, 100_000_000)
    repl.pico.run_for(3_000_000)
    rises = [nanos for nanos, level in edges if level]
    falls = [nanos for nanos, level in edges if not level]
    assert [fall - rise for rise, fall in zip(rises, falls, strict=True)] == [(92 + n) * 1000 for n in range(12)]
    assert [b - a for a, b in itertools.pairwise(rises)] == [(92 + n + 1904) * 1000 for n in range(11)]


GUARD = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def long_pulse():
    pull()
    set(pins, 1) [31]
    set(x, 31)
    label("high")
    jmp(x_dec, "high") [31]
    set(pins, 0)
@rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH)
def guard():
    wait(1, pin, 0)
    set(x, 19)
    label("count")
    jmp(pin, "still_high")
    jmp("rest")
    label("still_high")
    jmp(x_dec, "count") [9]
    set(pins, 0)
    label("rest")
    nop()
generator = rp2.StateMachine(0, long_pulse, freq=125_000_000, set_base=Pin(2))
watcher = rp2.StateMachine(4, guard, freq=125_000_000, set_base=Pin(10), in_base=Pin(2), jmp_pin=Pin(2))
generator.active(1); watcher.active(1)
generator.put(1)
"""


def test_a_guard_in_the_other_pio_block_sees_a_looped_back_pin_two_cycles_late(repl: Repl) -> None:
    repl.pico.loopback([PIN_A])
    phase, enable = edges_of(repl.pico, PIN_A), edges_of(repl.pico, 10)
    repl.run(GUARD)
    repl.pico.run_for(1_000_000)
    (rise, _), (fall, _) = phase
    assert fall - rise == (32 + 1 + 32 * 32) * CYCLE_NANOS
    drop = next(nanos for nanos, level in enable if not level and nanos > rise)
    # Two cycles of synchroniser, one for `wait`, one for `set x`, twenty rounds of 1 + 10, then the pin.
    assert drop - rise == (2 + 1 + 1 + 20 * 11) * CYCLE_NANOS


# All that a state machine can idle in: counting with and without delays and side-set, polling a pin with and without a
# timeout, reloading a counter, jumping to itself; two machines of one block on the same pins, one that is read and fed.
IDLERS = """
import rp2, time
from machine import Pin, mem32
from rp2 import PIO
@rp2.asm_pio(sideset_init=(PIO.OUT_LOW,) * 2)
def counts():
    set(x, 31)         .side(1)
    label("a")
    jmp(x_dec, "a")    .side(1) [5]
    set(y, 30)         .side(0)
    label("b")
    nop()              .side(0)
    jmp(y_dec, "b")    .side(0) [2]
    set(x, 29)         .side(2)
    set(y, 28)         .side(2)
    label("c")
    jmp(x_dec, "d")    .side(2)
    label("d")
    jmp(y_dec, "c")    .side(2)
@rp2.asm_pio(set_init=PIO.OUT_HIGH)
def polls():
    label("idle")
    set(x, 25)
    set(pins, 1)
    label("watch")
    jmp(pin, "high")
    jmp("idle")
    label("high")
    jmp(x_dec, "watch") [1]
    set(pins, 0)
    label("off")
    jmp(pin, "off")
@rp2.asm_pio(set_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_RIGHT)
def fed():
    pull()
    out(x, 32)
    set(pins, 1)
    label("a")
    jmp(x_dec, "a")
    set(pins, 0)
@rp2.asm_pio(set_init=PIO.OUT_LOW)
def disturbs():
    set(y, 31) [30]
    label("a")
    jmp(y_dec, "a") [31]
    set(pins, 1)
    set(pins, 0)
@rp2.asm_pio()
def tells():
    label("again")
    set(x, 30)
    label("a")
    jmp(x_dec, "a") [5]
    mov(isr, pins)
    push(noblock)
    jmp("again")
@rp2.asm_pio()
def stays():
    label("a")
    jmp("a") [3]
first = rp2.StateMachine(0, counts, freq=25_000_000, sideset_base=Pin(2))
second = rp2.StateMachine(1, fed, freq=10_000_000, set_base=Pin(6))
third = rp2.StateMachine(2, disturbs, freq=25_000_000, set_base=Pin(2))
fourth = rp2.StateMachine(3, stays, freq=25_000_000)
guard = rp2.StateMachine(4, polls, freq=12_500_000, set_base=Pin(10), jmp_pin=Pin(2))
alone = rp2.StateMachine(5, counts, freq=12_500_000, sideset_base=Pin(12))
told = rp2.StateMachine(6, tells, freq=12_500_000, in_base=Pin(2))
machines = first, second, third, fourth, guard, alone, told
"""
RUN_IDLERS = """
places = []
for machine in machines:
    machine.active(1)
for n in range(3):
    second.put(n * 300)
    places.append([mem32[0x502000D4 + 24 * i] for i in range(4)] + [mem32[0x503000D4 + 24 * i] for i in range(2)])
    first.exec("nop()")
    places.append([told.get() & 0x5FF for _ in range(9)])
for machine in machines:
    machine.active(0)
print(places)
"""


def test_skipping_loops_changes_nothing(bare_pico: Callable[..., EmulatedPico]) -> None:
    seen = []
    for skip in (False, True):
        repl = Repl(bare_pico())
        repl.pico.driver.skip_loops = skip
        repl.pico.loopback([PIN_A, 3])
        edges = [edges_of(repl.pico, pin) for pin in (2, 3, 6, 10, 12)]
        repl.run(IDLERS)
        output = repl.run(RUN_IDLERS)
        seen.append((output, edges, repl.pico.nanos))
        assert all(len(found) > 5 for found in edges)
    assert seen[0] == seen[1]


def test_an_input_from_outside_wakes_pio_and_is_read_by_python(repl: Repl) -> None:
    program = """
import rp2
from machine import Pin, ADC
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def copy():
    wait(1, pin, 0)
    set(pins, 1)
    wait(0, pin, 0)
    set(pins, 0)
copier = rp2.StateMachine(0, copy, freq=125_000_000, set_base=Pin(2), in_base=Pin(15))
copier.active(1)
"""
    pico = repl.pico
    pico.set_input(15, 0)
    pico.set_adc(0, 1234)
    repl.run(program)
    edges = edges_of(pico, PIN_A)
    at = pico.nanos
    pico.set_input(15, 1)
    assert repl.run("print(Pin(15).value(), ADC(26).read_u16() >> 4)") == "1 1234\n"
    pico.set_input(15, 0)
    pico.run_for(1000)
    assert [level for _, level in edges] == [1, 0]
    assert edges[0][0] - at <= 2 * CYCLE_NANOS


LOOKS = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, out_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def looks():
    label("again")
    %s
looker = rp2.StateMachine(
    0, looks, freq=125_000_000, set_base=Pin(2), out_base=Pin(2), in_base=Pin(15), jmp_pin=Pin(15)
)
looker.active(1)
"""
# Ways to look at an input and set GP2 then, and the cycles from the input to that edge: a look that is due in the very
# cycle of the input does not see it yet.
WAYS = {
    "jmp pin": ('jmp(pin, "seen"); jmp("again"); label("seen"); set(pins, 1); set(pins, 0)', {2, 3}),
    "mov osr": ('mov(osr, pins); out(x, 1); jmp(not_x, "again"); set(pins, 1); set(pins, 0)', {4, 5, 6}),
    "mov pins": ("mov(pins, pins); nop()", {1, 2}),
}


@pytest.mark.parametrize("skip", [False, True], ids=["stepped", "skipped"])
@pytest.mark.parametrize(("program", "cycles"), WAYS.values(), ids=WAYS)
def test_what_is_due_in_the_very_cycle_of_an_input_comes_before_it(
    bare_pico: Callable[..., EmulatedPico], program: str, cycles: set[int], skip: bool
) -> None:
    repl = Repl(bare_pico())
    pico, clock = repl.pico, repl.pico.mcu.clock
    pico.driver.skip_loops = skip
    pico.set_input(15, 0)
    repl.run(LOOKS % program)
    edges = edges_of(pico, PIN_A)
    waits = []
    for more in range(12):
        at = int(clock.nanos // CYCLE_NANOS + 1000 + more) * CYCLE_NANOS
        clock.create_alarm(lambda: pico.set_input(15, 1)).schedule(at - clock.nanos)
        pico.run_for(20_000)
        pico.set_input(15, 0)
        pico.run_for(20_000)
        waits.append((next(nanos for nanos, level in edges if nanos >= at and level) - at) / CYCLE_NANOS)
    assert set(waits) == cycles


POLLS = """
import rp2
from machine import Pin
@rp2.asm_pio(out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def polls():
    nop()
    wrap_target()
    mov(osr, pins)%s
poller = rp2.StateMachine(0, polls, freq=125_000_000, in_base=Pin(15))
poller.active(1)
"""


@pytest.mark.parametrize("outs", range(1, 10))
def test_a_round_of_any_length_is_skipped_though_it_can_be_from_its_first_instruction_alone(
    bare_pico: Callable[..., EmulatedPico], outs: int
) -> None:
    repl = Repl(bare_pico())
    pico = repl.pico
    repl.run(POLLS % ("\n    out(x, 1)" * outs))
    pico.run_for(20_000)
    ahead_fp = pico.mcu.pio[0].machines[0].next_due_fp - (int(pico.mcu.clock.nanos // CYCLE_NANOS) << 8)
    assert ahead_fp >> 8 > 1_000_000, "cycles until it is looked at again"


PULSES = """
import rp2, time
from machine import Pin, PWM, mem32
LEVELS = 0x40050000 + 0x14 * 2 + 0x0C
enable = Pin(10, Pin.OUT, value=1)
pump = PWM(Pin(11), freq=100_000, duty_u16=32768)
for number in (4, 5):
    pwm = PWM(Pin(number)); pwm.freq(125_000); pwm.duty_u16(0)
@rp2.asm_pio(set_init=(rp2.PIO.OUT_LOW,) * 2)
def biphasic():
    pull()
    set(pins, 1)
    set(x, 24)
    label("a")
    jmp(x_dec, "a") [9]
    set(pins, 0) [4]
    set(pins, 2)
    set(x, 24)
    label("b")
    jmp(x_dec, "b") [9]
    set(pins, 0)
generator = rp2.StateMachine(0, biphasic, freq=1_000_000, set_base=Pin(2))
generator.active(1)
def pulse(a, b, wait_us=256):
    mem32[LEVELS] = b << 16 | a
    time.sleep_us(wait_us)
    generator.put(1)
    time.sleep_us(1000)  # sleep_ms(1) ends at the next tick, which may be at once
"""


def test_the_stage_turns_levels_and_phases_into_current(
    repl: Repl, board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    stage = OutputStage(repl.pico, board, reference_stage, load_ohm=1000)
    repl.run(PULSES)
    repl.run("for a, b in ((250, 300), (1, 999), (0, 1000), (0, 0), (500, 500)): pulse(a, b)")
    found = pulses(stage.finish(), 0)
    assert [(p.current_a_ua, p.current_b_ua) for p in found] == [
        (25_000, -30_000), (100, -80_000), (0, -80_000), (0, 0), (50_000, -50_000)
    ]  # fmt: skip  # 99.9 and 100 mA through 1000 ohm are more than 80 V
    assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in found} == {(252_000, 5_000, 252_000)}
    assert found[0].charge_a_nc == 25_000 * 252 / 1000
    assert stage.shoot_throughs == []
    assert summary(stage.trace, 1)["pulses"] == 0

    stage.load_ohm = 2_000
    repl.run("pulse(500, 500)")
    assert pulses(stage.finish(), 0)[-1].current_a_ua == 40_000
    stage.load_ohm = 0
    repl.run("pulse(1000, 20)")
    assert pulses(stage.finish(), 0)[-1].current_a_ua == 100_000
    stage.load_ohm = 10**12
    repl.run("pulse(500, 500)")
    assert pulses(stage.finish(), 0)[-1].current_a_ua == 0


def test_the_stage_does_not_believe_a_level_before_it_has_settled(
    repl: Repl, board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    stage = OutputStage(repl.pico, board, reference_stage, load_ohm=500)
    repl.run(PULSES)
    repl.run("pulse(250, 250); pulse(400, 400, wait_us=20)")
    late = pulses(stage.finish(), 0)[1]
    assert (late.current_a_ua, late.current_b_ua) == (25_000, -40_000)
    before, after = (value for _, value in stage.trace.changes("ch0_current_ua") if value > 0), 40_000
    assert list(before) == [25_000, 25_000, after]  # it settled in the middle of the second phase A


def test_the_stage_needs_the_enable_and_notes_a_shoot_through(
    repl: Repl, board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    stage = OutputStage(repl.pico, board, reference_stage)
    repl.run(PULSES)
    repl.run("enable.value(0); pulse(250, 250)")
    repl.run("enable.value(1); pulse(250, 250); enable.value(0)")
    figures = summary(stage.finish(), 0)
    assert [pulse.current_a_ua for pulse in pulses(stage.trace, 0)] == [0, 25_000]
    assert figures["net_charge_nc"] == 0
    repl.run("enable.value(1); Pin(3, Pin.OUT, value=1); Pin(2, Pin.OUT, value=1); Pin(3, Pin.OUT, value=0)")
    assert [channel for _, channel in stage.shoot_throughs] == [0]
    assert stage.current_ua(0) == 25_000
    assert summary(stage.finish(), 0)["overlaps"] == 1


def test_pins_float_when_the_chip_resets(repl: Repl, board: dict[str, Any], reference_stage: dict[str, Any]) -> None:
    stage = OutputStage(repl.pico, board, reference_stage)
    repl.run(PULSES)
    repl.run("mem32[LEVELS] = 250; time.sleep_ms(1); Pin(2, Pin.OUT, value=1)")
    assert stage.current_ua(0) == 25_000
    repl.pico.hard_reset()
    assert stage.current_ua(0) == 0
    assert [stage.finish().changes(signal)[-1][1] for signal in ("enable", "ch0_a", "ch0_current_ua")] == [0, 0, 0]
    repl.pico.boot()
    assert repl.pico.level(2) == 0


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("machine.reset()", "WDT_RESET"),
        ("machine.WDT(timeout=50)\nwhile True: pass", "WDT_RESET"),
        (None, "PWRON_RESET"),
    ],
)
def test_a_reset_takes_the_port_away_and_brings_it_back(
    bare_pico: Callable[..., EmulatedPico], how: str | None, cause: str
) -> None:
    pico = bare_pico()
    port = EmulatedPort(pico)
    repl = Repl(pico)
    before = pico.nanos
    if how is None:
        pico.hard_reset()
    else:
        repl.start("import machine\n" + how)
    with pytest.raises(PortError, match="reset"):
        port.read(0.2)
    with pytest.raises(PortError, match="reset"):
        port.write(b"anyone there?")
    assert pico.resets == 1 and not pico.connected
    EmulatedPort(pico)
    assert pico.connected and pico.nanos > before
    assert Repl(pico).run(f"import machine; print(machine.reset_cause() == machine.{cause})") == "True\n"


def test_usb_carries_two_kilobytes_both_ways_unharmed(repl: Repl) -> None:
    program = """
import micropython, sys
micropython.kbd_intr(-1)
data = bytearray()
while len(data) < 2048:
    data += sys.stdin.buffer.read(32)
sys.stdout.buffer.write(data)
micropython.kbd_intr(3)
"""
    payload = random.Random(1).randbytes(2048)
    repl.start(program)
    repl.pico.run_for(1_000_000)
    repl.pico.write(payload)
    assert repl.pico.run_until(lambda: repl.pico.unread >= len(payload), 500_000_000)
    assert repl.pico.read(len(payload)) == payload
    assert repl.pico.unsent == 0


def test_a_port_waits_in_simulated_time_and_returns_as_soon_as_bytes_come(
    bare_pico: Callable[..., EmulatedPico],
) -> None:
    port = EmulatedPort(bare_pico())
    port.read(0.01)
    start_s = port.now_s()
    assert port.read(0.25) == b""
    assert port.now_s() - start_s == pytest.approx(0.25, abs=1e-6)
    port.write(b"\r")
    start_s = port.now_s()
    assert b">>>" in port.read(1) + port.read(1)
    assert port.now_s() - start_s < 0.1
    port.close()
    with pytest.raises(PortError, match="closed"):
        port.read(0.1)


def test_time_passes_however_little_is_waited_for(uf2: Path) -> None:
    port = EmulatedPortWithStage(uf2)
    port.read(3)
    start_s = port.now_s()
    # At 3 s the smallest step of a float is 4e-16 s; what was left of a wait was once less, and lasted forever.
    assert port.read(1e-17) == b""
    assert start_s < port.now_s() < start_s + 1e-6
    port.close()


def test_a_dead_board_is_a_port_error(bare_pico: Callable[..., EmulatedPico]) -> None:
    pico = bare_pico()
    port = EmulatedPort(pico)

    def dies(*_: object) -> None:
        raise ValueError("no such instruction")

    pico.mcu.gpio[PIN_A].add_listener(dies)
    port.write(b"\r\x03\x03\x01" + b"from machine import Pin\nPin(2, Pin.OUT, value=1)\x04")
    with pytest.raises(PortError, match="the emulated board died: ValueError: no such instruction"):
        while port.read(1.0):
            pass


def test_a_panic_is_reported_where_it_happened(repl: Repl) -> None:
    with pytest.raises(BenchError, match="died: breakpoint 7 at 0x20"):
        repl.run("@micropython.asm_thumb\ndef panic():\n    data(2, 0xBE07)\npanic()")


def test_an_empty_flash_does_not_enumerate(uf2: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot load"):
        EmulatedPico(tmp_path / "missing.uf2")
    (tmp_path / "empty.uf2").touch()
    with pytest.raises(BenchError):
        EmulatedPico(tmp_path / "empty.uf2").boot(timeout_s=0.01)


def test_flash_survives_in_an_image(bare_pico: Callable[..., EmulatedPico]) -> None:
    first = Repl(bare_pico())
    first.run("with open('kept.txt', 'w') as file: file.write('still here')")
    second = Repl(bare_pico(first.pico.flash_image()))
    assert second.run("print(open('kept.txt').read())") == "still here\n"


def test_the_same_calls_give_the_same_run(bare_pico: Callable[..., EmulatedPico]) -> None:
    runs = []
    for _ in range(2):
        repl = Repl(bare_pico())
        edges = edges_of(repl.pico, PIN_A)
        output = repl.run(SQUARE % 1_000_000 + "time.sleep_ms(5); print(time.ticks_cpu())")
        runs.append((repl.pico.nanos, output, edges))
    assert runs[0] == runs[1]


COUNT = """
import time
begun = time.ticks_us()
for _ in range(200): pass
print(time.ticks_diff(time.ticks_us(), begun))
"""


@pytest.mark.parametrize("factor", [1.7, 2.5])
def test_a_slower_cpu_takes_longer_for_python_and_for_nothing_else(
    bare_pico: Callable[..., EmulatedPico], factor: float
) -> None:
    quick, slow = Repl(bare_pico()), Repl(bare_pico(cpu_factor=factor))
    assert abs(int(slow.run(COUNT)) / int(quick.run(COUNT)) - factor) < 0.05 * factor
    edges = edges_of(slow.pico, PIN_A)
    slow.start(SQUARE % 125_000_000 + LOADS["busy"])
    assert slow.pico.run_until(lambda: bool(edges), 100_000_000)
    slow.pico.run_for(1_000_000)
    widths = [(end - start, level) for (start, level), (end, _) in itertools.pairwise(edges)]
    assert len(widths) > 200 and set(widths) == {(353 * CYCLE_NANOS, 1), (673 * CYCLE_NANOS, 0)}


def test_mpremote_works_on_the_pseudo_terminal(bare_pico: Callable[..., EmulatedPico], tmp_path: Path) -> None:
    link = tmp_path / "board"
    sent, back = tmp_path / "sent.bin", tmp_path / "back.bin"
    sent.write_bytes(random.Random(2).randbytes(300))
    pico = bare_pico()
    modes: list[int] = []

    def mpremote(*arguments: str) -> str:
        clients: list[subprocess.Popen[str]] = []

        def connect(path: Path) -> None:
            assert path == link
            device = os.open(path, os.O_RDWR | os.O_NOCTTY)
            modes.append(termios.tcgetattr(device)[3])
            os.close(device)
            command = [sys.executable, "-m", "mpremote", "connect", str(path), *arguments]
            clients.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))

        serve(pico, connect, link=link, until=lambda: bool(clients) and clients[0].poll() is not None)
        output, _ = clients[0].communicate()
        assert clients[0].returncode == 0, output
        return output

    assert mpremote("exec", "print(6*7)") == "42\n"
    mpremote("fs", "cp", str(sent), ":sent.bin", "+", "fs", "cp", ":sent.bin", str(back))
    assert "300 sent.bin" in mpremote("fs", "ls")
    assert back.read_bytes() == sent.read_bytes()
    assert not any(mode & (termios.ECHO | termios.ICANON) for mode in modes)
    assert not os.path.lexists(link)


def test_the_pseudo_terminal_goes_when_it_is_told_to_and_leaves_no_link(
    bare_pico: Callable[..., EmulatedPico], tmp_path: Path
) -> None:
    link = tmp_path / "board"
    before = signal.getsignal(signal.SIGTERM)
    serve(bare_pico(), lambda path: os.kill(os.getpid(), signal.SIGTERM), link=link)
    assert not os.path.lexists(link)
    assert signal.getsignal(signal.SIGTERM) is before
    link.touch()
    with pytest.raises(FileExistsError, match="no symbolic link"):
        serve(bare_pico(), lambda path: None, link=link)
    assert link.is_file()
    link.unlink()
    link.symlink_to("/dev/null")  # somebody's, or an earlier run that was killed has left it: who knows
    with pytest.raises(FileExistsError, match="a link to /dev/null"):
        serve(bare_pico(), lambda path: None, link=link)
    assert os.readlink(link) == "/dev/null"


@pytest.mark.parametrize("target", ["the same", "/dev/null"])
def test_a_link_that_somebody_else_has_put_there_meanwhile_stays(
    bare_pico: Callable[..., EmulatedPico], tmp_path: Path, target: str
) -> None:
    link = tmp_path / "board"
    theirs: list[str] = []

    def replace(path: Path) -> None:
        theirs.append(os.readlink(path) if target == "the same" else target)
        path.unlink()
        path.symlink_to(theirs[0])

    serve(bare_pico(), replace, link=link, until=lambda: bool(theirs))
    assert os.readlink(link) == theirs[0]


def test_the_pseudo_terminal_goes_and_comes_back_when_the_board_resets(bare_pico: Callable[..., EmulatedPico]) -> None:
    pico = bare_pico()
    clients: list[int] = []

    def connect(path: Path) -> None:
        clients.append(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        if len(clients) == 1:
            os.write(clients[0], b"\r\x03import machine; machine.reset()\r")

    serve(pico, connect, until=lambda: len(clients) == 2)
    assert pico.resets == 1
    os.read(clients[0], 1000)
    assert os.read(clients[0], 1000) == b""  # hung up
    for client in clients:
        os.close(client)

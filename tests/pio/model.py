"""PIO state machines, cycle for cycle, after chapter 3 of the RP2040 datasheet: what the shipped programs use of them.

Instructions: JMP, WAIT for a pin, IN of a whole word, OUT, PUSH, PULL, MOV between registers and from and to pins, IRQ
set, SET. Side-set is applied in an instruction's first cycle, stalled or not; a delay runs after the instruction and
not after a stall. A pin is seen 2 cycles late, through the synchroniser. What is not modelled raises. test_model.py
compares it with pioemu, and its leaps over counting loops with the same cycles taken one at a time.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

FIFO_DEPTH = 4
WORD = 0xFFFFFFFF
PINS, X, Y, NULL, PC, ISR, OSR = 0, 1, 2, 3, 5, 6, 7
SYNCHRONISER_CYCLES = 2
NEVER = 1 << 62


@dataclass(frozen=True)
class Program:
    opcodes: tuple[int, ...]
    wrap_target: int
    wrap_top: int
    side_count: int
    shift_right: bool
    set_count: int = 0
    out_count: int = 0
    autopush: bool = False  # of whole words

    @functools.cached_property
    def all_decoded(self) -> list[tuple[int, int, int, int]]:
        return [self.decoded(at) for at in range(len(self.opcodes))]

    def decoded(self, at: int) -> tuple[int, int, int, int]:
        """(kind 0..7, the eight argument bits, side-set value, delay) of the instruction at `at`."""
        opcode = self.opcodes[at]
        bits = opcode >> 8 & 31
        delay_bits = 5 - self.side_count
        return opcode >> 13, opcode & 255, bits >> delay_bits, bits & (1 << delay_bits) - 1

    def __deepcopy__(self, memo: dict[int, object]) -> Program:
        return self  # nothing of it changes


@dataclass
class Block:
    """What machines share: the pins that they drive, the pins that they look at, the interrupt flags. Cycles are the
    chip's. Which pins are wired together is for the tests to say."""

    pins: int = 0
    flags: int = 0
    log: list[tuple[int, int]] = field(default_factory=list)  # (cycle, pins from then on)
    inputs: list[int] = field(default_factory=lambda: [0])
    since: list[int] = field(default_factory=lambda: [-NEVER])

    def look_at(self, changes: Iterable[tuple[int, int]]) -> None:
        """The pins from outside: all low, then (cycle, levels from then on)."""
        changes = list(changes)
        self.inputs = [0] + [levels for _, levels in changes]
        self.since = [-NEVER] + [cycle for cycle, _ in changes]

    def seen(self, cycle: int) -> int:
        return self.inputs[bisect_right(self.since, cycle - SYNCHRONISER_CYCLES) - 1]

    def still_until(self, cycle: int) -> int:
        """The first cycle after this one that may see something else."""
        at = bisect_right(self.since, cycle - SYNCHRONISER_CYCLES)
        return self.since[at] + SYNCHRONISER_CYCLES if at < len(self.since) else NEVER

    def write(self, cycle: int, mask: int, levels: int) -> None:
        now = self.pins & ~mask | levels & mask
        if now != self.pins:
            self.pins = now
            self.log.append((cycle, now))


@dataclass
class Machine:
    program: Program
    block: Block = field(default_factory=Block)
    tx: deque[int] = field(default_factory=deque)
    rx: deque[int] = field(default_factory=deque)
    side_base: int = 0
    set_base: int = 0
    out_base: int = 0
    in_base: int = 0
    jmp_pin: int = 0
    divider: int = 1
    cycle: int = 0  # its own, `divider` of the chip's
    pc: int = 0
    x: int = 0
    y: int = 0
    isr: int = 0
    osr: int = 0
    delay: int = 0
    stalled: bool = False

    def __post_init__(self) -> None:
        self._side_mask = (1 << self.program.side_count) - 1 << self.side_base
        self._set_mask = (1 << self.program.set_count) - 1 << self.set_base
        self._out_mask = (1 << self.program.out_count) - 1 << self.out_base

    @property
    def pins(self) -> int:
        return self.block.pins

    def begin(self) -> None:
        """Its pins are made low, as the programs ask for."""
        self.block.write(self.chip_cycle, self._side_mask | self._set_mask | self._out_mask, 0)

    def _has(self, side: int) -> bool:
        return self.block.pins & self._side_mask == side << self.side_base

    @property
    def chip_cycle(self) -> int:
        return self.cycle * self.divider

    def put(self, word: int) -> None:
        assert len(self.tx) < FIFO_DEPTH, "the FIFO is full"
        self.tx.append(word)

    def step(self) -> None:
        """One clock cycle."""
        if self.delay:
            self.delay -= 1
            self.cycle += 1
            return
        kind, argument, side, delay = self.program.all_decoded[self.pc]
        if self.block.pins & self._side_mask != side << self.side_base:
            self.block.write(self.chip_cycle, self._side_mask, side << self.side_base)
        to = self.execute(kind, argument)
        if not self.stalled:
            self.pc = to
            self.delay = delay
        self.cycle += 1

    def instruction(self) -> None:
        """One instruction with its delay, or one cycle of its stall."""
        self.step()
        self.cycle += self.delay
        self.delay = 0

    def leap(self) -> None:
        """One step, or all turns but the last of an instruction that only counts down and jumps to itself."""
        kind, argument, side, delay = self.program.all_decoded[self.pc]
        condition = argument >> 5
        if kind == 0 and condition in (2, 4) and argument & 31 == self.pc and not self.delay and self._has(side):
            turns = self.x if condition == 2 else self.y
            if turns:
                self.cycle += turns * (1 + delay)
                if condition == 2:
                    self.x = 0
                else:
                    self.y = 0
                self.stalled = False
                return
        self.step()

    def run(self, until: int) -> None:
        """To cycle `until` or a little further, by instructions. While the inputs stand still, turns of a loop that
        change nothing, or only count y down, are leapt over: for a program that asks of y no more than whether it is 0.
        """
        turns: dict[int, tuple[tuple[int, ...], int, int]] = {}
        still_until = self.block.still_until(self.cycle)
        while self.cycle < until:
            if self.cycle >= still_until:
                turns.clear()
                still_until = self.block.still_until(self.cycle)
            at = self.pc
            self.instruction()
            if self.pc > at:
                continue
            state = (self.x, self.isr, self.osr, self.block.pins, self.block.flags)
            before, cycle, y = turns.get(self.pc, ((), 0, 0))
            turns[self.pc] = state, self.cycle, self.y
            if before == state and 0 <= y - self.y <= 1:
                count = (min(until, still_until) - self.cycle) // (self.cycle - cycle)
                if y != self.y:
                    count = min(count, self.y - 1)
                if count > 0:
                    self.cycle += count * (self.cycle - cycle)
                    self.y -= count * (y - self.y)
                    turns.clear()

    def execute(self, kind: int, argument: int) -> int:
        """An instruction, by the program or by the CPU. Where to go on; `stalled` when it has to wait."""
        upper, lower = argument >> 5, argument & 31
        self.stalled = False
        if kind == 0:
            if self._jumps(upper):
                return lower
        elif kind == 1:
            self.stalled = not self._waited(upper, lower)
        elif kind == 2:
            self.stalled = self._shift_in(upper, lower)
        elif kind == 3:
            self._write(upper, self._shift_out(lower or 32))
        elif kind == 4:
            self.stalled = self._pull(argument) if argument & 0x80 else self._push(argument)
        elif kind == 5:
            if argument & 0x10:
                raise NotImplementedError("MOV that reverses bits")
            self._write(upper, self._read(argument & 7) ^ (WORD if argument & 8 else 0))
        elif kind == 6:
            if upper or lower > 7:
                raise NotImplementedError("IRQ that clears, waits or counts from the machine's number")
            self.block.flags |= 1 << lower
        elif upper == PINS and self._set_mask:
            self.block.write(self.chip_cycle, self._set_mask, lower << self.set_base)
        else:
            self._write(upper, lower)
        return self.program.wrap_target if self.pc == self.program.wrap_top else self.pc + 1

    def _jumps(self, condition: int) -> bool:
        x, y = self.x, self.y
        if condition == 0:
            return True
        if condition == 1:
            return x == 0
        if condition == 2:
            self.x = x - 1 & WORD
            return x != 0
        if condition == 3:
            return y == 0
        if condition == 4:
            self.y = y - 1 & WORD
            return y != 0
        if condition == 5:
            return x != y
        if condition == 6:
            return bool(self.block.seen(self.chip_cycle) >> self.jmp_pin & 1)
        raise NotImplementedError("JMP !OSRE")

    def _waited(self, upper: int, pin: int) -> bool:
        if upper & 3 > 1:
            raise NotImplementedError("WAIT for a flag")
        levels = self._pins_seen() if upper & 3 else self.block.seen(self.chip_cycle)
        return levels >> pin & 1 == upper >> 2

    def _pins_seen(self) -> int:
        """All 32 pins, the one at `in_base` first."""
        levels = self.block.seen(self.chip_cycle)
        return (levels >> self.in_base | levels << 32 - self.in_base) & WORD

    def _shift_in(self, source: int, count: int) -> bool:
        if count or source == PINS or not self.program.autopush:
            raise NotImplementedError("IN of less than a word, of pins, or without autopush")
        if len(self.rx) == FIFO_DEPTH:
            return True
        self.rx.append(self._read(source))
        self.isr = 0
        return False

    def _shift_out(self, count: int) -> int:
        mask = (1 << count) - 1
        if self.program.shift_right:
            value = self.osr & mask
            self.osr >>= count
        else:
            value = self.osr >> 32 - count
            self.osr = self.osr << count & WORD
        return value

    def _pull(self, argument: int) -> bool:
        if argument & 0x40:
            raise NotImplementedError("PULL IFEMPTY")
        if self.tx:
            self.osr = self.tx.popleft()
        elif argument & 0x20:
            return True
        else:
            self.osr = self.x
        return False

    def _push(self, argument: int) -> bool:
        if argument & 0x40:
            raise NotImplementedError("PUSH IFFULL")
        if len(self.rx) < FIFO_DEPTH:
            self.rx.append(self.isr)
        elif argument & 0x20:
            return True
        self.isr = 0
        return False

    def _read(self, source: int) -> int:
        if source == PINS:
            return self._pins_seen()
        if source == NULL:
            return 0
        if source in (X, Y, ISR, OSR):
            return {X: self.x, Y: self.y, ISR: self.isr, OSR: self.osr}[source]
        raise NotImplementedError(f"MOV or IN from {source}")

    def _write(self, destination: int, value: int) -> None:
        if destination == X:
            self.x = value
        elif destination == Y:
            self.y = value
        elif destination == ISR:
            self.isr = value
        elif destination == OSR:
            self.osr = value
        elif destination == PINS and self._out_mask:
            self.block.write(self.chip_cycle, self._out_mask, value << self.out_base)
        elif destination != NULL:
            raise NotImplementedError(f"a write to {destination}")

"""One PIO state machine, cycle for cycle, after chapter 3 of the RP2040 datasheet: what the pulse program uses of it.

Instructions: JMP (not PIN), OUT, PUSH, PULL, MOV between registers, SET. Side-set is applied in an instruction's
first cycle, stalled or not; a delay runs after the instruction and not after a stall. What is not modelled raises.
Input pins, autopull, autopush and interrupts are not modelled: the program has none. test_model.py compares it with
pioemu, and its leaps over counting loops with the same cycles taken one at a time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FIFO_DEPTH = 4
WORD = 0xFFFFFFFF
PINS, X, Y, NULL, PC, ISR, OSR = 0, 1, 2, 3, 5, 6, 7


@dataclass(frozen=True)
class Program:
    opcodes: tuple[int, ...]
    wrap_target: int
    wrap_top: int
    side_count: int
    shift_right: bool

    def decoded(self, at: int) -> tuple[int, int, int, int]:
        """(kind 0..7, the eight argument bits, side-set value, delay) of the instruction at `at`."""
        opcode = self.opcodes[at]
        bits = opcode >> 8 & 31
        delay_bits = 5 - self.side_count
        return opcode >> 13, opcode & 255, bits >> delay_bits, bits & (1 << delay_bits) - 1


@dataclass
class Machine:
    program: Program
    tx: deque[int] = field(default_factory=deque)
    rx: deque[int] = field(default_factory=deque)
    cycle: int = 0
    pc: int = 0
    x: int = 0
    y: int = 0
    isr: int = 0
    osr: int = 0
    pins: int = 0
    delay: int = 0
    stalled: bool = False

    def __post_init__(self) -> None:
        self._decoded = [self.program.decoded(at) for at in range(len(self.program.opcodes))]

    def put(self, word: int) -> None:
        assert len(self.tx) < FIFO_DEPTH, "the FIFO is full"
        self.tx.append(word)

    def step(self) -> None:
        """One clock cycle."""
        self.cycle += 1
        if self.delay:
            self.delay -= 1
            return
        kind, argument, side, delay = self._decoded[self.pc]
        if self.program.side_count:
            self.pins = side
        after = self.program.wrap_target if self.pc == self.program.wrap_top else self.pc + 1
        self.stalled = False
        if kind == 0:
            if self._jumps(argument >> 5):
                after = argument & 31
        elif kind == 3:
            count = argument & 31 or 32
            self._write(argument >> 5, self._shift_out(count))
        elif kind == 4:
            self.stalled = self._pull(argument) if argument & 0x80 else self._push(argument)
        elif kind == 5:
            if argument & 0x18:
                raise NotImplementedError("MOV with an operation")
            self._write(argument >> 5, self._read(argument & 7))
        elif kind == 7:
            self._write(argument >> 5, argument & 31)
        else:
            raise NotImplementedError(f"instruction {self.program.opcodes[self.pc]:04x}")
        if not self.stalled:
            self.pc = after
            self.delay = delay

    def leap(self) -> None:
        """One step, or all turns but the last of an instruction that only counts down and jumps to itself."""
        kind, argument, side, delay = self._decoded[self.pc]
        condition = argument >> 5
        if not self.delay and kind == 0 and condition in (2, 4) and argument & 31 == self.pc and self.pins == side:
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

    def _jumps(self, condition: int) -> bool:
        x, y = self.x, self.y
        if condition == 2:
            self.x = x - 1 & WORD
            return x != 0
        if condition == 4:
            self.y = y - 1 & WORD
            return y != 0
        if condition in (6, 7):
            raise NotImplementedError("JMP PIN, JMP !OSRE")
        return (True, x == 0, False, y == 0, False, x != y)[condition]

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
        if source == NULL:
            return 0
        if source in (X, Y, ISR, OSR):
            return {X: self.x, Y: self.y, ISR: self.isr, OSR: self.osr}[source]
        raise NotImplementedError(f"MOV from {source}")

    def _write(self, destination: int, value: int) -> None:
        if destination == X:
            self.x = value
        elif destination == Y:
            self.y = value
        elif destination == ISR:
            self.isr = value
        elif destination == OSR:
            self.osr = value
        elif destination != NULL:
            raise NotImplementedError(f"a write to {destination}")

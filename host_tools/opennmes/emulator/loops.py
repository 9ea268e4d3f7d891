"""Skips the cycles of a PIO state machine while it only counts or polls.

A state machine spends nearly all its time in loops of a few instructions that change nothing but a counter: a phase
being timed, a guard watching its pin. Such a loop can be worked out ahead instead of being stepped through. What it
would have done so far is caught up with before anything looks at the state machine or changes what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from rp2040py.gpio_pin import GPIOPin
from rp2040py.peripherals.pio import RPPIO
from rp2040py.peripherals.state_machine import StateMachine

LONGEST_LOOP = 16  # instructions
FEWEST_ROUNDS = 4  # fewer are not worth the trouble
FOR_EVER_FP = 1 << 60  # a century, and less than what rp2040py takes for "never"
WORD = 0xFFFFFFFF

JMP, OUT, MOV, SET = 0, 3, 5, 7
OSR_FROM_PINS = 0xE0  # argument of mov(osr, pins)
RIGHT, RIGHT_NO_AUTOPULL = 1 << 19, 1 << 19 | 1 << 17  # of SHIFTCTRL: out shifts right, and does not pull by itself
NOP_ARGUMENT = 0x42  # of mov(y, y)


@dataclass(slots=True, eq=False)
class Loop:
    """`rounds` rounds of a loop that begins with the instruction due at `start_fp` (1/256 cycles)."""

    machine: StateMachine
    start_fp: int
    round_fp: int
    rounds: int
    x: int
    y: int
    x_step: int  # what a round takes off x
    y_step: int

    @property
    def end_fp(self) -> int:
        return self.start_fp + self.rounds * self.round_fp

    def catch_up(self, now_fp: int) -> None:
        """Bring the state machine to where it is after what was due at `now_fp`, or to the end of the loop."""
        machine = self.machine
        rounds = min(self.rounds, max(0, (now_fp - self.start_fp) // self.round_fp))
        machine.x = self.x - rounds * self.x_step
        machine.y = self.y - rounds * self.y_step
        machine.next_due_fp = self.start_fp + rounds * self.round_fp
        while machine.next_due_fp <= now_fp and machine.next_due_fp < self.end_fp:
            machine.step()


def find_loop(pio: RPPIO, machine: StateMachine, pins: list[GPIOPin]) -> Loop | None:
    """The loop that a running state machine is at the beginning of, if it can be skipped through.

    Skippable instructions are jumps, `set` of a scratch register, `nop`, writes to pins that keep them as they are and
    that no other running machine of the block writes, and `mov(osr, pins)` with `out` of some of its bits into a
    scratch register: inputs do not change while a loop is skipped.
    Each scratch register must come back as it was, or only be counted down.
    """
    start = pc = machine.pc
    registers = {"x": machine.x, "y": machine.y}
    counted = {"x": 0, "y": 0}  # what a round takes off
    assigned: set[str] = set()
    not_zero: set[str] = set()  # registers that a round found to be above zero
    compared = False
    osr: int | None = None
    elapsed = 0
    side_count = machine.sideset_count
    side_enable = machine.exec_ctrl >> 30 & 1
    delay_mask = (1 << (5 - side_count)) - 1
    for _ in range(LONGEST_LOOP):
        opcode = pio.instructions[pc]
        field = opcode >> 8 & 0x1F
        if side_count and (not side_enable or field & 0x10):
            width = side_count - side_enable
            value = field >> (5 - side_count) & ((1 << width) - 1)
            if machine.exec_ctrl >> 29 & 1 or not _keeps(pio, machine, value, machine.sideset_base, width):
                return None
        elapsed += 1 + (field & delay_mask)
        kind, argument = opcode >> 13, opcode & 0xFF
        taken = False
        if kind == JMP:
            condition = opcode >> 5 & 7
            if condition == 0:
                taken = True
            elif condition in (1, 3):
                name = "x" if condition == 1 else "y"
                taken = registers[name] == 0
                if not taken:
                    not_zero.add(name)
            elif condition in (2, 4):
                name = "x" if condition == 2 else "y"
                taken = registers[name] != 0
                registers[name] = registers[name] - 1 & WORD
                counted[name] += 1
            elif condition == 5:
                compared = True
                taken = registers["x"] != registers["y"]
            elif condition == 6:
                taken = pins[machine.jmp_pin].input_value
            else:
                taken = machine.output_shift_count < machine.pull_threshold
        elif kind == SET:
            destination, value = argument >> 5, argument & 0x1F
            if destination in (1, 2):
                name = "xy"[destination - 1]
                registers[name] = value
                assigned.add(name)
            elif destination or not _keeps(pio, machine, value, machine.set_base, machine.set_count):
                return None
        elif kind == MOV and argument == OSR_FROM_PINS:
            osr = machine.in_pins
        elif (
            kind == OUT
            and osr is not None
            and argument >> 5 in (1, 2)
            and machine.shift_ctrl & RIGHT_NO_AUTOPULL == RIGHT
        ):
            bits = argument & 0x1F or 32
            name = "xy"[(argument >> 5) - 1]
            registers[name] = osr & ((1 << bits) - 1)
            osr >>= bits
            assigned.add(name)
        elif kind != MOV or argument != NOP_ARGUMENT:
            return None
        if taken:
            pc = opcode & 0x1F
        elif pc == machine.wrap_top:
            pc = machine.wrap_bottom
        else:
            pc = pc + 1 & 0x1F
        if pc == start:
            break
    else:
        return None
    round_fp = elapsed * machine.div_fp
    rounds = FOR_EVER_FP // round_fp
    for name, begin in (("x", machine.x), ("y", machine.y)):
        if registers[name] == begin:
            counted[name] = 0
        elif name in assigned or compared:
            return None
        elif counted[name]:
            # With `not_zero` the round that would find 0 is another round.
            rounds = min(rounds, (begin - (name in not_zero)) // counted[name])
    if rounds < FEWEST_ROUNDS:
        return None
    return Loop(
        machine, machine.next_due_fp, round_fp, rounds, machine.x, machine.y, counted["x"], counted["y"]
    )  # fmt: skip


def _keeps(pio: RPPIO, machine: StateMachine, value: int, base: int, count: int) -> bool:
    """Whether writing `value` to `count` pins from `base` leaves them as they are, now and for as long as it loops."""
    mask = _mask(base, count)
    if (pio.pin_values ^ value << base) & mask:
        return False
    return not any(other.enabled and other is not machine and _written(other) & mask for other in pio.machines)


def _written(machine: StateMachine) -> int:
    return (
        _mask(machine.sideset_base, machine.sideset_count)
        | _mask(machine.set_base, machine.set_count)
        | _mask(machine.out_base, machine.out_count)
    )


def _mask(base: int, count: int) -> int:
    return (1 << count) - 1 << base

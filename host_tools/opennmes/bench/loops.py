"""Skipping what a PIO state machine does while it only counts or polls.

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

JMP, MOV, SET = 0, 5, 7
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

    Skippable instructions are jumps, `set` of a scratch register, `nop`, and writes to pins that keep them as they are
    and that no other running machine of the block writes. The loop must either come back with both scratch registers
    as they were, or only count them down.
    """
    start = pc = machine.pc
    x, y = machine.x, machine.y
    x_step = y_step = 0
    linear = True
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
            condition = argument >> 5
            if condition == 0:
                taken = True
            elif condition == 2:
                taken, linear = x != 0, linear and x != 0
                x = x - 1 & WORD
                x_step += 1
            elif condition == 4:
                taken, linear = y != 0, linear and y != 0
                y = y - 1 & WORD
                y_step += 1
            elif condition == 6:
                taken = pins[machine.jmp_pin].input_value
            elif condition == 7:
                taken = machine.output_shift_count < machine.pull_threshold
            else:
                linear = False
                taken = (x == 0, y == 0, x != y)[condition >> 1]
        elif kind == SET:
            linear = False
            destination, value = argument >> 5, argument & 0x1F
            if destination == 1:
                x = value
            elif destination == 2:
                y = value
            elif destination or not _keeps(pio, machine, value, machine.set_base, machine.set_count):
                return None
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
    if (x, y) == (machine.x, machine.y):
        x_step = y_step = 0
    elif not linear:
        return None
    round_fp = elapsed * machine.div_fp
    rounds = FOR_EVER_FP // round_fp
    if x_step:
        rounds = min(rounds, machine.x // x_step)
    if y_step:
        rounds = min(rounds, machine.y // y_step)
    if rounds < FEWEST_ROUNDS:
        return None
    return Loop(machine, machine.next_due_fp, round_fp, rounds, machine.x, machine.y, x_step, y_step)


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

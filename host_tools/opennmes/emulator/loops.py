"""Skips the cycles of a PIO state machine while it only counts or polls.

A state machine spends nearly all its time in loops of a few instructions that change nothing but a counter: a phase
being timed, a guard watching its pin. Such a loop can be worked out ahead instead of being stepped through. What it
would have done so far is caught up with before anything looks at the state machine or changes what it reads.

A loop may also make a wave of one pin, if all who listen to that pin may be told of its edges later (watcher.py): the
pump has 210 000 in a simulated second.

loops.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from typing import Any

from rp2040py.gpio_pin import GPIOPin
from rp2040py.peripherals.pio import RPPIO
from rp2040py.peripherals.state_machine import StateMachine

from opennmes.emulator.cycles import CYCLE_NANOS
from opennmes.emulator.watcher import FUNCTION, LONGEST_ROUND_NANOS, Wave, may_wave

LONGEST_LOOP = 16  # instructions
FEWEST_ROUNDS = 4  # fewer are not worth the trouble
FOR_EVER_FP = 1 << 60  # a century, and less than what rp2040py takes for "never"
WORD = 0xFFFFFFFF
NANOS_PER_FP = CYCLE_NANOS / 256

JMP, OUT, MOV, SET = 0, 3, 5, 7
WAIT, IN, PUSH_PULL, IRQ = 1, 2, 4, 6
OSR_FROM_PINS = 0xE0  # argument of mov(osr, pins)
PINS_FROM_PINS = 0x00  # of mov(pins, pins)
PULL_NO_BLOCK = 0x80  # of pull(noblock)
X_FROM_OSR = 0x27  # of mov(x, osr)
FUNCTION_PIO = 6  # of a pin's CTRL, the first block's
RIGHT, RIGHT_NO_AUTOPULL = 1 << 19, 1 << 19 | 1 << 17  # of SHIFTCTRL: out shifts right, and does not pull by itself
NOP_ARGUMENT = 0x42  # of mov(y, y)
FIRST_PIN, ALL_PINS = 1, WORD


class Loop:
    """`rounds` rounds of a loop that begins with the instruction due at `start_fp` (1/256 cycles); each takes `x_step`
    off x, `y_step` off y. `looks`: the pins that it reads, a bit for each."""

    def __init__(self, machine: StateMachine, round_fp: int, rounds: int, x_step: int, y_step: int, looks: int) -> None:
        self.machine = machine
        self.end_fp = machine.next_due_fp + rounds * round_fp
        self._start_fp = machine.next_due_fp
        self._round_fp = round_fp
        self._rounds = rounds
        self._x = machine.x
        self._y = machine.y
        self._x_step = x_step
        self._y_step = y_step
        self._looks = looks
        self.waves = False  # whether it makes edges of `pin`, which are then those of `_wave`
        self.pin = 0

    def ends_with(self, pin: int) -> bool:
        """Whether it cannot go on as it is while what is put on a pin from outside changes: it reads the pin, or makes
        edges, of which is told before."""
        return self.waves or bool(self._looks >> pin & 1)

    def makes(self, wave: Wave, pin: int) -> None:
        """It makes edges of a pin. It begins with the pull, which is thereby carried out whenever it is left."""
        self._wave, self.pin = wave, pin
        self.waves = True

    def tell(self, now_fp: int) -> None:
        """Tell who listens to its pin of the edges up to `now_fp`."""
        self._wave.catch_up(now_fp * NANOS_PER_FP, self._rounds)

    def catch_up(self, now_fp: int) -> None:
        """Bring the state machine to where it is after what was due at `now_fp`, or to the end of the loop."""
        machine = self.machine
        rounds = min(self._rounds, max(0, (now_fp - self._start_fp) // self._round_fp))
        machine.x = self._x - rounds * self._x_step
        machine.y = self._y - rounds * self._y_step
        machine.next_due_fp = self._start_fp + rounds * self._round_fp
        while machine.next_due_fp <= now_fp and machine.next_due_fp < self.end_fp:
            machine.step()
        if self.waves:
            self._wave.end(now_fp * NANOS_PER_FP, self._rounds)
            self._show()

    def _show(self) -> None:
        """The pin is where its edges have brought it, of which who listens has been told."""
        pio, bit = self.machine.pio, 1 << self.pin
        pio.old_pin_values = pio.old_pin_values & ~bit | pio.pin_values & bit
        shown: Any = self.machine.rp2040.gpio[self.pin]
        shown._last_state = pio.pin_values >> self.pin & 1


def find_loop(pio: RPPIO, machine: StateMachine, pins: list[GPIOPin]) -> Loop | None:
    """The loop that a running state machine is at the beginning of, if it can be skipped through.

    Skippable instructions are jumps, `set` of a scratch register, `nop`, writes to pins that keep them as they are and
    that no other running machine of the block writes, be it `mov(pins, pins)`, and `mov(osr, pins)` with `out` of some
    of its bits into a scratch register: inputs that it reads do not change while a loop is skipped.
    Each scratch register must come back as it was, or only be counted down. A loop that begins with `pull(noblock)`
    of an empty queue, which is x again, may have edges of its side-set pin.
    """
    start = pc = machine.pc
    opcode = pio.instructions[pc]
    kind = opcode >> 13
    waves = kind == PUSH_PULL and opcode & 0xFF == PULL_NO_BLOCK
    if (
        kind in (WAIT, IN, OUT, IRQ)
        or (kind == PUSH_PULL and not (waves and _may_wave(pio, machine, pins)))
        or (kind == MOV and opcode & 0xFF not in (OSR_FROM_PINS, PINS_FROM_PINS, NOP_ARGUMENT))
    ):
        return None  # before anything is made to work it out with: a machine in a loop of others is looked at often
    side_count = _side_count(machine)
    side_base = _side_base(machine)
    wrap_top = machine.exec_ctrl >> 12 & 0x1F
    a_round = _Round(machine, waves, pio.pin_values >> side_base & 1)
    side_enable = machine.exec_ctrl >> 30 & 1
    delay_mask = (1 << (5 - side_count)) - 1
    elapsed = 0
    for _ in range(LONGEST_LOOP):
        opcode = pio.instructions[pc]
        field = opcode >> 8 & 0x1F
        if side_count and (not side_enable or field & 0x10):
            width = side_count - side_enable
            value = field >> (5 - side_count) & ((1 << width) - 1)
            if waves:
                a_round.sets(value, elapsed * machine.div_fp)
            elif machine.exec_ctrl >> 29 & 1 or not _keeps(pio, machine, value, side_base, width):
                return None
        elapsed += 1 + (field & delay_mask)
        if opcode >> 13 == JMP:
            taken = a_round.jumps(machine, opcode >> 5 & 7, pins)
        elif a_round.does(pio, machine, opcode):
            taken = False
        else:
            return None
        if taken:
            pc = opcode & 0x1F
        elif pc == wrap_top:
            pc = machine.exec_ctrl >> 7 & 0x1F  # the bottom of the wrap
        else:
            pc = pc + 1 & 0x1F
        if pc == start:
            loop = a_round.repeated(machine, elapsed * machine.div_fp)
            return a_round.wave(machine, loop, elapsed * machine.div_fp, pins) if waves and loop is not None else loop
    return None


class _Round:
    """One round through a loop: what it does to the scratch registers, and what it looks at."""

    __slots__ = (
        "assigned", "compared", "counted", "edges", "level", "looks", "not_zero", "osr", "pulled", "registers", "waves",
    )  # fmt: skip

    def __init__(self, machine: StateMachine, waves: bool, level: int) -> None:
        self.waves = waves  # it may pull, and set its side-set pin, which is at `level`
        self.level = level
        self.edges: list[tuple[int, int]] = []
        self.pulled = 0  # what it pulled last
        self.registers = {"x": machine.x, "y": machine.y}
        self.counted = {"x": 0, "y": 0}  # what the round takes off
        self.assigned: set[str] = set()
        self.not_zero: set[str] = set()  # registers that the round found to be above zero
        self.compared = False
        self.osr: int | None = None
        self.looks = 0

    def jumps(self, machine: StateMachine, condition: int, pins: list[GPIOPin]) -> bool:
        """Whether a jump is taken; a counter that it counts down is counted down."""
        registers = self.registers
        if condition == 0:
            return True
        if condition in (1, 3):
            name = "x" if condition == 1 else "y"
            if registers[name]:
                self.not_zero.add(name)
            return registers[name] == 0
        if condition in (2, 4):
            name = "x" if condition == 2 else "y"
            before = registers[name]
            registers[name] = before - 1 & WORD
            self.counted[name] += 1
            return before != 0
        if condition == 5:
            self.compared = True
            return registers["x"] != registers["y"]
        if condition == 6:
            self.looks |= FIRST_PIN << (machine.exec_ctrl >> 24 & 0x1F)
            return bool(pins[machine.exec_ctrl >> 24 & 0x1F].input_value)
        return bool(machine.output_shift_count < machine.pull_threshold)

    def does(self, pio: RPPIO, machine: StateMachine, opcode: int) -> bool:
        """Carry out an instruction that is no jump. Returns whether it can be skipped."""
        kind, argument = opcode >> 13, opcode & 0xFF
        if self.waves:
            if kind == PUSH_PULL and argument == PULL_NO_BLOCK:
                self.pulled = self.registers["x"]
                return True
            return kind == MOV and argument == X_FROM_OSR and self.pulled == self.registers["x"]
        if kind == SET:
            destination, value = argument >> 5, argument & 0x1F
            if destination not in (1, 2):
                return not destination and _keeps(pio, machine, value, _set_base(machine), _set_count(machine))
            self._assign("xy"[destination - 1], value)
            return True
        if kind == MOV and argument == OSR_FROM_PINS:
            self.osr = machine.in_pins
            self.looks = ALL_PINS
            return True
        if kind == MOV and argument == PINS_FROM_PINS:
            count = _out_count(machine)
            self.looks = ALL_PINS
            return _keeps(pio, machine, machine.in_pins & _mask(0, count), _out_base(machine), count)
        if (
            kind == OUT
            and self.osr is not None
            and argument >> 5 in (1, 2)
            and machine.shift_ctrl & RIGHT_NO_AUTOPULL == RIGHT
        ):
            bits = argument & 0x1F or 32
            self._assign("xy"[(argument >> 5) - 1], self.osr & ((1 << bits) - 1))
            self.osr >>= bits
            return True
        return kind == MOV and argument == NOP_ARGUMENT

    def sets(self, level: int, offset_fp: int) -> None:
        """The side-set pin is at `level` from so long after the beginning on."""
        if level != self.level:
            self.level = level
            self.edges.append((offset_fp, level))

    def wave(self, machine: StateMachine, loop: Loop, round_fp: int, pins: list[GPIOPin]) -> Loop | None:
        """The loop, with its edges; None when its pin does not come back to where it was."""
        if len(self.edges) & 1 or not self.edges or round_fp * NANOS_PER_FP > LONGEST_ROUND_NANOS:
            return None
        pin = _side_base(machine)
        edges = [(offset_fp * NANOS_PER_FP, level) for offset_fp, level in self.edges]
        start_nanos, round_nanos = machine.next_due_fp * NANOS_PER_FP, round_fp * NANOS_PER_FP
        wave = Wave(list(pins[pin]._listeners), edges, start_nanos, round_nanos, CYCLE_NANOS)
        loop.makes(wave, pin)
        return loop

    def _assign(self, name: str, value: int) -> None:
        self.registers[name] = value
        self.assigned.add(name)

    def repeated(self, machine: StateMachine, round_fp: int) -> Loop | None:
        """The loop of such rounds, if it has enough of them."""
        counted = self.counted
        rounds = FOR_EVER_FP // round_fp
        for name, begin in (("x", machine.x), ("y", machine.y)):
            if self.registers[name] == begin:
                counted[name] = 0
            elif name in self.assigned or self.compared:
                return None
            elif counted[name]:
                # With `not_zero` the round that would find 0 is another round.
                rounds = min(rounds, (begin - (name in self.not_zero)) // counted[name])
        if rounds < FEWEST_ROUNDS:
            return None
        return Loop(machine, round_fp, rounds, counted["x"], counted["y"], self.looks)


def _may_wave(pio: RPPIO, machine: StateMachine, pins: list[GPIOPin]) -> bool:
    """Whether a machine pulls x again, and the pin that it writes beside may have edges that are told of later."""
    if _side_count(machine) != 1 or machine.exec_ctrl >> 29 or not machine.tx_fifo.empty:
        return False
    bit = 1 << _side_base(machine)
    for other in pio.machines:
        if other.enabled and other is not machine and _written(other) & bit:
            return False
    pin = pins[_side_base(machine)]
    shows = pin.ctrl & FUNCTION == FUNCTION_PIO + pio.index and bool(pio.pin_directions & bit)
    return shows and may_wave(pin)


def _keeps(pio: RPPIO, machine: StateMachine, value: int, base: int, count: int) -> bool:
    """Whether writing `value` to `count` pins from `base` leaves them as they are, now and for as long as it loops."""
    mask = _mask(base, count)
    if (pio.pin_values ^ value << base) & mask:
        return False
    for other in pio.machines:  # noqa: SIM110 - compiled, a loop is no function of its own
        if other.enabled and other is not machine and _written(other) & mask:
            return False
    return True


def _written(machine: StateMachine) -> int:
    return (
        _mask(_side_base(machine), _side_count(machine))
        | _mask(_set_base(machine), _set_count(machine))
        | _mask(_out_base(machine), _out_count(machine))
    )


# Fields of PINCTRL: rp2040py has a property for each, which costs more than all that is done with it here.


def _side_count(machine: StateMachine) -> int:
    return machine.pin_ctrl >> 29


def _set_count(machine: StateMachine) -> int:
    return machine.pin_ctrl >> 26 & 0x7


def _out_count(machine: StateMachine) -> int:
    return machine.pin_ctrl >> 20 & 0x3F


def _side_base(machine: StateMachine) -> int:
    return machine.pin_ctrl >> 10 & 0x1F


def _set_base(machine: StateMachine) -> int:
    return machine.pin_ctrl >> 5 & 0x1F


def _out_base(machine: StateMachine) -> int:
    return machine.pin_ctrl & 0x1F


def _mask(base: int, count: int) -> int:
    return (1 << count) - 1 << base

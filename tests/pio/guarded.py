"""hal/rp2/guard.py as it ships, on modelled state machines: its limits and its order of doing things are its own.

One at a time: guard.py reaches the one that was made last.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from copy import copy
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import registers_model
import shipped
from model import Block, Machine

FOLDER = shipped.PROGRAM_FILE.parent
GUARD = shipped.module(FOLDER / "guard.py")
PIO = shipped.module(FOLDER / "guard_pio.py")
_BOARD = ast.parse((shipped.ROOT / "boards" / "pico" / "board.py").read_text()).body[-1]
assert isinstance(_BOARD, ast.Assign)
BOARD: dict[str, Any] = ast.literal_eval(_BOARD.value)
PINS = BOARD["pins"]
US = BOARD["cpu_hz"] // 1_000_000  # cycles
ENABLE, PUMP, INTERLOCK, STOP_LOOP = (1 << PINS[name] for name in ("enable", "pump", "interlock", "stop_loop"))
PHASES = [(1 << channel["phase_a"], 1 << channel["phase_b"]) for channel in PINS["channels"]]
A, B = PHASES[0]
SAFE = INTERLOCK | STOP_LOOP
OUT_CYCLES = 1  # an instruction moves a pin for the cycle after its own
WATCH, INTERLOCK_MACHINE, LEASE = GUARD._WATCH, GUARD._INTERLOCK, GUARD._LEASE


class Guarded:
    """Block 1 with a Guard on it. The inputs are those of `self.block`; nothing runs but by `run`."""

    def __init__(self, longest_us: int | None = None) -> None:
        self.now = 0
        self.block = Block()
        self.block.look_at([(-US, SAFE)])
        self.machines: dict[int, _StateMachine] = {}
        GUARD.rp2 = SimpleNamespace(StateMachine=lambda index, made: _StateMachine(self, index, made))
        GUARD.Pin = type("Pin", (_Pin,), {"board": self})
        GUARD.mem32 = _Registers(self)
        GUARD.ptr32 = registers_model.ptr32(GUARD.mem32)
        self.guard = GUARD.Guard(PINS)
        if longest_us is not None:
            self.guard.begin(longest_us)

    def run(self, until: int) -> None:
        """All machines together to this cycle, those of one cycle in the order of their numbers."""
        running = [state.machine for _, state in sorted(self.machines.items()) if state.on]
        while running:
            machine = min(running, key=attrgetter("chip_cycle"))
            if machine.chip_cycle >= until:
                break
            machine.instruction()
        self.now = until

    def alone(self, index: int, changes: Iterable[tuple[int, int]] = ()) -> Machine:
        """A copy of one machine as it is now, with permission and these inputs."""
        machine = copy(self.machines[index].machine)
        machine.tx, machine.rx = machine.tx.copy(), machine.rx.copy()
        machine.block = Block(pins=ENABLE)
        machine.block.look_at(changes)
        return machine

    def enabled(self) -> bool:
        return bool(self.block.pins & ENABLE)

    def stays_off(self, fault: int, cycles: int) -> bool:
        """Whether a 1 that something writes to the enable is gone again after so many cycles, whenever it comes, and
        `fault` is told as before."""
        for wait in range(40):
            self.run(self.now + wait)
            self.block.write(self.now, ENABLE, ENABLE)
            self.run(self.now + cycles + OUT_CYCLES)
            if self.enabled() or self.guard.tripped() != fault:
                return False
        return True


def cut_at(block: Block) -> int | None:
    """The cycle from which on permission was gone."""
    return next((cycle + OUT_CYCLES for cycle, pins in block.log if not pins & ENABLE), None)


class _Pin:
    IN = PULL_DOWN = None

    board: Guarded

    def __init__(self, pin: int | _Pin, *_: None) -> None:
        self.number = pin.number if isinstance(pin, _Pin) else pin

    def value(self) -> int:
        block = self.board.block
        return (block.pins | block.seen(self.board.now)) >> self.number & 1


class _StateMachine:
    """What of rp2.StateMachine the guard uses."""

    def __init__(self, board: Guarded, index: int, made: Any) -> None:
        self._board = board
        self.init(made, BOARD["cpu_hz"])
        board.machines[index] = self

    def init(self, made: Any, freq: int, **pins: _Pin) -> None:
        base = {name: pins[name].number for name in pins}
        self.on = False
        self.machine = Machine(
            shipped.assembled(made),
            self._board.block,
            side_base=base.pop("sideset_base", 0),
            divider=BOARD["cpu_hz"] // freq,
            **base,
        )
        self.machine.cycle = -(-self._board.now // self.machine.divider)
        self.machine.begin()

    def put(self, word: int) -> None:
        self.machine.put(word)

    def exec(self, opcode: int) -> None:
        self.machine.execute(opcode >> 13, opcode & 255)

    def active(self, on: int) -> None:
        self.on = bool(on)

    def tx_fifo(self) -> int:
        return len(self.machine.tx)


class _Registers:
    """What of mem32 the guard uses: block 1's flags and program counters; the rest keeps what is written."""

    def __init__(self, board: Guarded) -> None:
        self._board = board
        self._written: dict[int, int] = {}
        reg = GUARD.reg
        self._irq = reg.PIO1_BASE + reg.PIO_IRQ
        self._counters = {reg.PIO1_BASE + reg.PIO_SM0_ADDR + n * reg.PIO_SM: 4 + n for n in range(4)}

    def __getitem__(self, at: int) -> int:
        if at == self._irq:
            return self._board.block.flags
        if at in self._counters:
            return self._board.machines[self._counters[at]].machine.pc
        return self._written.get(at, 0)

    def __setitem__(self, at: int, value: int) -> None:
        if at == self._irq:
            self._board.block.flags &= ~value
        elif at in self._counters:
            raise NotImplementedError("a program counter is not written")
        else:
            self._written[at] = value

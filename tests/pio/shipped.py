"""The programs that ship, assembled by MicroPython's own assembler, and a bench that feeds and watches the pulse's."""

from __future__ import annotations

import functools
import importlib.util
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from model import FIFO_DEPTH, Machine, Program

import toolchain
from nmes.core import pulse

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM_FILE = ROOT / "firmware" / "nmes" / "hal" / "rp2" / "pulse_pio.py"
A, B = 1, 2  # the pins as bits


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def module(file: Path = PROGRAM_FILE, mcu: str = "rp2040") -> ModuleType:
    """A module of hal/rp2 as it ships, on a board with that chip, assembled by ports/rp2/modules/rp2.py of the
    MicroPython that we build."""

    class PIO:  # the constants of ports/rp2/rp2_pio.c
        IN_LOW, IN_HIGH, OUT_LOW, OUT_HIGH = range(4)
        SHIFT_LEFT, SHIFT_RIGHT = range(2)
        JOIN_NONE, JOIN_TX, JOIN_RX = range(3)

    chip, language, board = ModuleType("_rp2"), ModuleType("micropython"), ModuleType("board")
    board.BOARD = {"name": "a board", "mcu": mcu}  # type: ignore[attr-defined]
    chip.PIO = PIO  # type: ignore[attr-defined]
    language.const = lambda value: value  # type: ignore[attr-defined]
    # Of these a test puts its own in the place of what it needs.
    others = {name: mock.MagicMock() for name in ("machine", "nmes_build", "uctypes", "ubinascii", "vfs")}
    with mock.patch.dict(sys.modules, {"_rp2": chip, "micropython": language, "board": board, **others}):
        _load("rp2", toolchain.sources() / "micropython" / "ports" / "rp2" / "modules" / "rp2.py")
        return _load(f"{file.stem}_{mcu}_shipped", file)


def assembled(made: Sequence[Any]) -> Program:
    """What the assembler made, with the settings that the decorator asked for."""
    opcodes, _, _, execctrl, shiftctrl, out_init, set_init, side_init = made
    assert execctrl >> 30 & 1 == 0, "every instruction sets the pins: side-set is not optional"
    assert execctrl >> 29 & 1 == 0, "side-set moves levels, not directions"
    assert shiftctrl >> 17 & 1 == 0, "no autopull"
    assert shiftctrl >> 20 & 31 == 0, "autopush of whole words"
    assert shiftctrl >> 30 == 0, "FIFOs are not joined"
    for init in (set_init, side_init, out_init):
        assert set(_pins_of(init)) <= {2}, "outputs, low from the start"
    return Program(
        opcodes=tuple(opcodes),
        wrap_target=execctrl >> 7 & 31,
        wrap_top=execctrl >> 12 & 31,
        side_count=len(_pins_of(side_init)),
        shift_right=bool(shiftctrl >> 19 & 1),
        set_count=len(_pins_of(set_init)),
        out_count=len(_pins_of(out_init)),
        autopush=bool(shiftctrl >> 16 & 1),
    )


def _pins_of(init: int | Sequence[int] | None) -> tuple[int, ...]:
    """What the assembler keeps as nothing, one number or several."""
    return () if init is None else (init,) if isinstance(init, int) else tuple(init)


@functools.cache
def program() -> Program:
    """The pulse program."""
    made = assembled(module().pulse)
    assert (made.side_count, made.set_count, made.autopush) == (2, 0, False)
    return made


def words(level: int, width_us: int, gap_us: int, period_us: int, width_b_us: int | None = None) -> list[int]:
    """The three words of a record, made by nmes.core.pulse."""
    halves = array("H", bytes(2 * pulse.RECORD_HALVES))
    pulse.encode(halves, 0, level, level, width_us, gap_us, width_us if width_b_us is None else width_b_us, period_us)
    return [halves[at] | halves[at + 1] << 16 for at in (0, 2, 4)]


@dataclass
class Pulse:
    """What was seen on the pins, in cycles."""

    begin: int
    width_a: int
    gap: int
    width_b: int


class FedProgram:
    """The program, a DMA that keeps `ahead` words in its FIFO from a list, and one that takes levels away."""

    def __init__(self, feed: Iterable[int] = (), take_levels: bool = True, ahead: int = FIFO_DEPTH) -> None:
        self.machine = Machine(program())
        self.feed: Iterator[int] = iter(feed)
        self.fed = 0
        self.ahead = ahead
        self.take_levels = take_levels
        self.levels: list[tuple[int, int]] = []  # (cycle, word)
        self.edges = self.machine.block.log
        self._fed_all = False

    def take_more(self, feed: Iterable[int]) -> None:
        """Another list for the DMA, instead of what was left of the last."""
        self.feed, self._fed_all = iter(feed), False

    def _serve(self) -> None:
        tx, rx = self.machine.tx, self.machine.rx
        while len(tx) < self.ahead and not self._fed_all:
            word = next(self.feed, None)
            if word is None:
                self._fed_all = True
            else:
                tx.append(word)
                self.fed += 1
        if self.take_levels:
            while rx:
                self.levels.append((self.machine.cycle, rx.popleft()))

    def go(self, every_cycle: bool = False) -> None:
        """One instruction or a counting loop at once; with `every_cycle` one cycle."""
        self._serve()
        if every_cycle:
            self.machine.step()
        else:
            self.machine.leap()

    def run(self, every_cycle: bool = False) -> FedProgram:
        """Until it waits for words or levels that do not come, or refuses."""
        while self.machine.pc != refuse_at() and not self._waits_for_ever():
            self.go(every_cycle)
        self._serve()
        return self

    def _waits_for_ever(self) -> bool:
        if not self.machine.stalled:
            return False
        self._serve()
        return not self.machine.tx or (len(self.machine.rx) == FIFO_DEPTH and not self.take_levels)

    def pulses(self) -> list[Pulse]:
        """The pulses on the pins. AssertionError when an edge is out of order: only A, low, B, low is a pulse."""
        assert len(self.edges) % 4 == 0, self.edges[-4:]
        assert all(pins in (0, A, B) for _, pins in self.edges), "both pins high"
        found = []
        for i in range(0, len(self.edges), 4):
            (t0, p0), (t1, p1), (t2, p2), (t3, p3) = self.edges[i : i + 4]
            assert (p0, p1, p2, p3) == (A, 0, B, 0)
            found.append(Pulse(t0, t1 - t0, t2 - t1, t3 - t2))
        return found


@functools.cache
def refuse_at() -> int:
    """The instruction that only jumps to itself."""
    (at,) = [i for i in range(len(program().opcodes)) if program().opcodes[i] == i]
    return at


def records(*made: Sequence[int]) -> list[int]:
    """The words of several records, one after the other."""
    return [word for record in made for word in record]

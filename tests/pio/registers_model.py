"""The RP2040's registers as memory, for what of hal/rp2 is no more than registers. Addresses here are the datasheet's
numbers once more, so that a wrong one in hal/rp2/registers.py is another place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ALIASES = 0x3000  # 2.1.2: as it is, xor, set, clear


class Registers:
    """mem32: what was written is read back, a register's aliases change bits of it, and a bit of a latch is cleared by
    writing 1 to it."""

    def __init__(self, latches: range = range(0)) -> None:
        self.values: dict[int, int] = {}
        self.latches = latches
        self.written: list[tuple[int, int]] = []
        self.reads: dict[int, Callable[[], int]] = {}
        self.on_write: Callable[[int, int], None] = lambda at, value: None

    def __getitem__(self, at: int) -> int:
        return self.reads[at]() if at in self.reads else self.values.get(at, 0)

    def __setitem__(self, at: int, value: int) -> None:
        self.written.append((at, value))
        alias, at = (at & ALIASES) >> 12, at & ~ALIASES
        before = self.values.get(at, 0)
        if at in self.latches:
            self.values[at] = before & ~value
        else:
            self.values[at] = (value, before ^ value, before | value, before & ~value)[alias]
        self.on_write(at, self.values[at])


class Word:
    """What machine code sees of a register by its address: the word at place 0 and those behind it."""

    def __init__(self, registers: Any, at: int) -> None:
        self._registers, self._at = registers, at

    def __getitem__(self, place: int) -> int:
        return self._registers[self._at + 4 * place]


def ptr32(registers: Any) -> Callable[[Any], Any]:
    """core/compiler.ptr32, with registers behind addresses."""
    return lambda numbers: Word(registers, numbers) if isinstance(numbers, int) else numbers


class Pin:
    """machine.Pin: what its number is, what it was made, and in `board` what every pin was made last."""

    IN, OUT, PULL_DOWN = "in", "out", "pull down"

    board: dict[int, Pin]

    def __init__(self, number: int | Pin, mode: str | None = None, pull: str | None = None, value: int = -1) -> None:
        self.number = number.number if isinstance(number, Pin) else number
        self.mode, self.pull, self.level = mode, pull, value
        if mode is not None:
            self.board[self.number] = self

    def value(self) -> int:
        return self.board[self.number].level

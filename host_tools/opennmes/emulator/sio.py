"""What nothing but the CPU can see of SIO: its spin locks, and the divider that MicroPython's hash tables use.

rp2040py asks for one register after the other, in Python. These are the ones that firmware uses most, some hundred
thousand times while it boots; emulator/thumb.py reads and writes them without leaving C. They read as they do in
rp2040py: tests/chip/test_quick.py compares them.

sio.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from rp2040py.rp2040 import RP2040
from rp2040py.sio import (
    CPUID,
    DIV_CSR,
    DIV_QUOTIENT,
    DIV_REMAINDER,
    DIV_SDIVIDEND,
    DIV_SDIVISOR,
    DIV_UDIVIDEND,
    DIV_UDIVISOR,
    RPSIO,
    SPINLOCK0,
    SPINLOCK31,
    SPINLOCK_ST,
)

WORD, SIGN = 0xFFFFFFFF, 1 << 31
DIRTY, READY = 0b10, 0b01  # of DIV_CSR
LOWEST_LOCK = 1  # typed in sio.pxd: of a bare literal C would shift 32 bits with a sign
DIVIDER_CYCLES = 8  # of a division (datasheet 2.3.1.5)
NOT_HERE = -1


class Registers:
    """The spin locks and the divider of one chip, after a reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As after a reset of the chip."""
        self._locks = self._csr = 0
        self._dividend, self._divisor, self._quotient, self._remainder = 0, 1, 0, 0

    def read(self, offset: int) -> int:
        """Read a register, with what that does to it: a free lock is taken. NOT_HERE for one that is none of these."""
        if SPINLOCK0 <= offset <= SPINLOCK31:
            bit = LOWEST_LOCK << (offset - SPINLOCK0 >> 2)
            if self._locks & bit:
                return 0
            self._locks |= bit
            return bit
        if offset == CPUID:  # rp2040py has only the first core
            return 0
        if offset == DIV_QUOTIENT:
            self._csr &= ~DIRTY
            return self._quotient
        if offset == DIV_REMAINDER:
            return self._remainder
        if offset == DIV_CSR:
            return self._csr
        if offset in (DIV_UDIVIDEND, DIV_SDIVIDEND):
            return self._dividend
        if offset in (DIV_UDIVISOR, DIV_SDIVISOR):
            return self._divisor
        if offset == SPINLOCK_ST:
            return self._locks
        return NOT_HERE

    def write(self, offset: int, value: int) -> int:
        """Write a register. Returns the cycles that the divider works; NOT_HERE for one that is none of these."""
        if SPINLOCK0 <= offset <= SPINLOCK31:
            self._locks &= ~(LOWEST_LOCK << (offset - SPINLOCK0 >> 2))
            return 0
        if offset in (DIV_UDIVIDEND, DIV_SDIVIDEND):
            self._dividend = value
        elif offset in (DIV_UDIVISOR, DIV_SDIVISOR):
            self._divisor = value
        elif offset in (DIV_QUOTIENT, DIV_REMAINDER):
            if offset == DIV_QUOTIENT:
                self._quotient = value
            else:
                self._remainder = value
            self._csr = DIRTY | READY
            return 0
        else:
            return NOT_HERE
        self._divide(offset in (DIV_SDIVIDEND, DIV_SDIVISOR))
        self._csr = DIRTY | READY
        return DIVIDER_CYCLES

    def _divide(self, signed: bool) -> None:
        dividend, divisor = self._dividend, self._divisor
        if divisor == 0:
            self._quotient, self._remainder = WORD if dividend else 1, dividend
        elif signed:
            # Towards zero; the remainder has the dividend's sign.
            of, by = (dividend ^ SIGN) - SIGN, (divisor ^ SIGN) - SIGN
            quotient, remainder = abs(of) // abs(by), abs(of) % abs(by)
            self._quotient = (quotient if (of < 0) == (by < 0) else -quotient) & WORD
            self._remainder = (-remainder if of < 0 else remainder) & WORD
        else:
            self._quotient, self._remainder = dividend // divisor, dividend % divisor


class QuickSio(RPSIO):
    """SIO with these registers of it, for whoever else reads and writes them."""

    registers: Registers

    def read_uint32(self, offset: int) -> int | float:
        value = self.registers.read(offset)
        return super().read_uint32(offset) if value == NOT_HERE else value

    def write_uint32(self, offset: int, value: int) -> None:
        cycles = self.registers.write(offset, value & WORD)
        if cycles == NOT_HERE:
            super().write_uint32(offset, value)
        else:
            self.rp2040.core.cycles += cycles

    def reset(self) -> None:
        self.registers.reset()
        super().reset()


def quick_registers(mcu: RP2040) -> Registers:
    """Let SIO of `mcu`, which is at rest, have these registers from here on. Returns them."""
    sio = mcu.sio
    if not isinstance(sio, QuickSio):
        sio.__class__ = QuickSio
        sio.registers = Registers()  # type: ignore[attr-defined]
    return sio.registers  # type: ignore[attr-defined,no-any-return]

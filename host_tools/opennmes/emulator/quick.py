"""The same chip in less wall time: what rp2040py's compiled code does in Python at every instruction, done quicker.

rp2040py's wheel is compiled for the limited API of CPython. There a method of the chip, called by compiled code, first
makes a bound method of itself, only to see whether somebody replaced it; and the registers of SIO are Python. Nothing
here changes what the chip does or when: tests/chip/test_quick.py runs it beside the chip as it comes, to the cycle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rp2040py.rp2040 import RP2040
from rp2040py.sio import CPUID, DIV_CSR, DIV_QUOTIENT, DIV_REMAINDER, DIV_UDIVIDEND, DIV_UDIVISOR, RPSIO

from opennmes.emulator.pwm import QuickPwm, quicken_pwm

ACCESSES = ("read_uint8", "read_uint16", "read_uint32", "write_uint8", "write_uint16", "write_uint32")
QUOTIENT_IS_DIRTY_AND_READY = 0b11  # of DIV_CSR: DIRTY and READY
DIRTY = 0b10


def new_chip() -> RP2040:
    """A chip; where rp2040py is compiled for this very Python (scripts/compiled.py) it needs no help."""
    limited = ".abi3." in (sys.modules[RP2040.__module__].__file__ or "")
    return Chip() if limited else RP2040()


class Chip(RP2040):
    """The chip with bound methods of its own, made once, where they are found first.

    Code compiled for the limited API finds them to be the chip's own methods, and goes on in C as before.
    """

    __slots__ = ACCESSES

    def __new__(cls) -> Chip:
        chip: Chip = super().__new__(cls)
        for name in ACCESSES:
            setattr(chip, name, getattr(RP2040, name).__get__(chip))
        return chip


def quicken(mcu: RP2040, wanted: Callable[[], bool]) -> QuickPwm:
    """Let the rest of `mcu`, which is at rest, run quicker from here on; `wanted`: whether what goes on as it is need
    not be simulated. Returns its PWM, with edges that are told of later."""
    mcu.sio.__class__ = QuickSio
    return quicken_pwm(mcu, wanted)


class QuickSio(RPSIO):
    """SIO that looks first for what is asked for most: the unsigned divider, which MicroPython's hash tables use.

    The quotient is worked out when it is read and not at each write of an operand.
    """

    _is_due = False  # quotient and remainder are still to be worked out

    def read_uint32(self, offset: int) -> int | float:
        if offset == DIV_QUOTIENT:
            if self._is_due:
                self._divide()
            self.div_csr &= ~DIRTY
            return self.div_quotient
        if offset == DIV_REMAINDER:
            if self._is_due:
                self._divide()
            return self.div_remainder
        if offset == DIV_CSR:
            return self.div_csr
        if offset == CPUID:
            return 0
        return super().read_uint32(offset)

    def write_uint32(self, offset: int, value: int) -> None:
        if offset == DIV_UDIVIDEND:
            self.div_dividend = value
        elif offset == DIV_UDIVISOR:
            self.div_divisor = value
        else:
            if self._is_due:
                self._divide()
            super().write_uint32(offset, value)
            return
        self._is_due = True
        self.div_csr = QUOTIENT_IS_DIRTY_AND_READY
        self.rp2040.core.cycles += 8

    def reset(self) -> None:
        self._is_due = False
        super().reset()

    def _divide(self) -> None:
        self._is_due = False
        csr, cycles = self.div_csr, self.rp2040.core.cycles
        self.update_hardware_divider(False)
        self.div_csr, self.rp2040.core.cycles = csr, cycles

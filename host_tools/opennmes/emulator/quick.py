"""The same chip in less wall time: what rp2040py's compiled code does in Python at every instruction, done quicker.

rp2040py's wheel is compiled for the limited API of CPython. There a method of the chip, called by compiled code, first
makes a bound method of itself, only to see whether somebody replaced it; and the registers of SIO (sio.py) and PWM
(pwm.py) are Python. Nothing here changes what the chip does or when: tests/chip/test_quick.py runs it beside the chip
as it comes, to the cycle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rp2040py.rp2040 import RP2040

from opennmes.emulator.pwm import QuickPwm, quicken_pwm
from opennmes.emulator.sio import quick_registers

ACCESSES = ("read_uint8", "read_uint16", "read_uint32", "write_uint8", "write_uint16", "write_uint32")


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
    quick_registers(mcu)
    return quicken_pwm(mcu, wanted)

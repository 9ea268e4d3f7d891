"""What makes the emulated chip quicker leaves it as it is, to the cycle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick_programs import PIO_AND_PYTHON, PWM
from rp2040py.rp2040 import RP2040
from rp2040py.sio import SPINLOCK_ST
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from opennmes.emulator import exact, quick
from opennmes.emulator import pico as emulated
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.pwm import SteadyAlarm
from opennmes.emulator.quick import Chip, new_chip
from opennmes.emulator.repl import Repl
from opennmes.emulator.sio import QuickSio, quick_registers

WORD = 0xFFFFFFFF
WORDS = st.one_of(st.sampled_from((0, 1, 2, 0x7FFFFFFF, 0x80000000, WORD)), st.integers(0, WORD))
DIVIDER = range(0x060, 0x07C, 4)
SIO_REGISTERS = st.one_of(st.sampled_from(DIVIDER), st.sampled_from(range(0, 0x180, 4)))


def usual(mcu: RP2040, wanted: Callable[[], bool]) -> SimpleNamespace:
    """Leaves a chip as rp2040py has it: all of its edges are simulated."""
    return SimpleNamespace(tell=lambda now_nanos: None, leave_waves=lambda pin: None)


@pytest.mark.parametrize("program", [PIO_AND_PYTHON, PWM], ids=["PIO and Python", "PWM"])
def test_a_quick_chip_does_the_same_in_the_same_cycle(
    bare_pico: Callable[..., EmulatedPico], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for chip, quicken, in_c in ((Chip, quick.quicken, False), (new_chip, quick.quicken, True), (RP2040, usual, False)):
        monkeypatch.setattr(emulated, "new_chip", chip)
        monkeypatch.setattr(exact, "quicken", quicken)
        monkeypatch.setattr(exact, "COMPILED", in_c)  # whether emulator/thumb.py does what it can of the CPU
        pico = bare_pico()
        clock, core = pico.mcu.clock, pico.mcu.core
        edges: list[tuple[float, int, int]] = []
        for pin in (2, 3, 4):
            pico.watch(pin, lambda level, pin=pin, edges=edges, clock=clock: edges.append((clock.nanos, pin, level)))
        output = Repl(pico).run(program)
        pico.run_for(1_000_000)
        seen.append((output, edges, clock.nanos, core.cycles, list(core.registers), bytes(pico.mcu.sram)))
        assert len(edges) > 100
        assert isinstance(pico.mcu.sio, QuickSio) == (quicken is quick.quicken)
    assert seen[0] == seen[1] == seen[2]


def test_the_chip_of_the_tests_is_the_quick_one(bare_pico: Callable[..., EmulatedPico]) -> None:
    mcu = bare_pico().mcu
    assert isinstance(mcu.sio, QuickSio)
    assert all(isinstance(channel.alarm_a._schedule.__self__, SteadyAlarm) for channel in mcu.pwm.channels)


def test_machine_code_does_what_the_same_files_do_as_python(uf2: Path) -> None:
    """`make setup` compiles some modules of the emulator and rp2040py's own; each way in a process of its own."""
    seen = []
    for compiled in ("1", "0"):
        shown = subprocess.run(
            [sys.executable, Path(__file__).with_name("quick_programs.py"), uf2],
            env={**os.environ, "NMES_COMPILED": compiled}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        modules, _, saw = shown.stdout.partition("\n")
        assert modules == ("compiled" if compiled == "1" else "python")
        seen.append(saw)
    assert seen[0] == seen[1]
    (currents,) = [line for line in seen[0].splitlines() if line.startswith("ch0_current_ua") and line.count("(") > 8]
    assert currents.count(", 0)") < currents.count("(")


@given(st.lists(st.tuples(SIO_REGISTERS, st.one_of(st.none(), WORDS)), max_size=40))
def test_sio_reads_as_it_would(accesses: list[tuple[int, int | None]]) -> None:
    """Each access is a register and what is written to it; None reads it. rp2040py keeps broken quotients and negative
    numbers, of which the bus makes words."""
    usual, quick = RP2040(), RP2040()
    usual.logger = quick.logger = ConsoleLogger(LogLevel.ERROR)
    quick_registers(quick)
    for register, word in accesses:
        for mcu in (usual, quick):
            if word is not None:
                mcu.sio.write_uint32(register, word)
        if word is None:
            assert quick.sio.read_uint32(register) == int(usual.sio.read_uint32(register)) & WORD
        assert quick.core.cycles == usual.core.cycles
    for begin_anew in (False, True):
        if begin_anew:
            for mcu in (usual, quick):
                mcu.sio.reset()
        for register in (*DIVIDER, SPINLOCK_ST):
            assert quick.sio.read_uint32(register) == int(usual.sio.read_uint32(register)) & WORD

"""What makes the emulated chip quicker leaves it as it is, to the cycle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from opennmes.emulator import exact
from opennmes.emulator import pico as emulated
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.pwm import SteadyAlarm
from opennmes.emulator.quick import Chip, QuickSio
from opennmes.emulator.repl import Repl

WORDS = st.one_of(st.sampled_from((0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)), st.integers(0, 0xFFFFFFFF))
DIVIDER = range(0x060, 0x07C, 4)
SIO_REGISTERS = st.one_of(st.sampled_from(DIVIDER), st.sampled_from(range(0, 0x180, 4)))

PIO_AND_PYTHON = """
import gc, rp2, time
from array import array
from machine import Pin, Timer
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink():
    set(pins, 1) [3]
    set(pins, 0) [7]
machine_a = rp2.StateMachine(0, blink, freq=1_000_000, set_base=Pin(2))
pin = Pin(3, Pin.OUT)
timer = Timer(freq=2_000, mode=Timer.PERIODIC, callback=lambda _: pin.toggle())
table = {}
for i in range(60):
    table["key %d" % i] = (i * 7919 // 13, i * 7919 % 13, -i * 7919 // 13, -i * 7919 % 13, i / 7, (i << 40) // 3)
machine_a.active(1)
words = array("I", range(64))
copy = array("I", bytes(256))
dma = rp2.DMA()
dma.config(read=words, write=copy, count=64, ctrl=dma.pack_ctrl(), trigger=True)
gc.collect()
time.sleep_ms(2)
machine_a.active(0)
timer.deinit()
print(sorted(table.items()), copy, gc.mem_free(), time.ticks_cpu())
"""
# 0x40050000: PWM; 20 bytes a slice: CSR, DIV, CTR, CC, TOP. After them EN, INTR, INTE, INTF, INTS.
PWM = """
import rp2, time
from array import array
from machine import PWM, Pin, mem32
SLICE_1, SLICE_2, INTR = 0x40050014, 0x40050028, 0x400500A4
a, b = PWM(Pin(2), freq=125_000, duty_u16=0), PWM(Pin(3), freq=125_000, duty_u16=20_000)
c = PWM(Pin(4), freq=3_300, duty_u16=30_000)  # a divider with a fraction
seen = []
def look():
    time.sleep_us(77)
    seen.append([mem32[base + at] for base in (SLICE_1, SLICE_2) for at in (0, 4, 8, 12, 16)] + [mem32[INTR]])
for duty in (0, 1, 30_000, 65_535, 0, 500):
    a.duty_u16(duty)
    look()
for control in (0b0101, 0b1001, 0b1101, 0b0011, 0b1111, 0b0001, 0b0000, 0b0001):  # inverted, phase-correct, off
    mem32[SLICE_1] = control
    look()
mem32[SLICE_1 + 12] = 40 << 16 | 7  # compare and top change in the middle of a period, and take effect at its end
mem32[SLICE_1 + 16] = 99
look()
mem32[SLICE_1 + 8] = 50  # the counter
look()
mem32[SLICE_1 + 4] = 3 << 4 | 5  # 3 5/16
look()
mem32[SLICE_1] = 0b11000001  # advance and retard by one
mem32[INTR] = 0xFF
look()
levels, dma = array("I", [n * 3 << 16 | n for n in range(40)]), rp2.DMA()  # a new compare value at each wrap
dma.config(read=levels, write=SLICE_1 + 12, count=40, trigger=True,
    ctrl=dma.pack_ctrl(inc_write=False, treq_sel=25))
while dma.active():
    look()
b.deinit()
c.freq(5_000)
look()
print(seen)
"""


@pytest.mark.parametrize("program", [PIO_AND_PYTHON, PWM], ids=["PIO and Python", "PWM"])
def test_a_quick_chip_does_the_same_in_the_same_cycle(
    bare_pico: Callable[..., EmulatedPico], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for chip, quicken in ((Chip, exact.quicken), (RP2040, lambda mcu: None)):
        monkeypatch.setattr(emulated, "Chip", chip)
        monkeypatch.setattr(exact, "quicken", quicken)
        pico = bare_pico()
        clock, core = pico.mcu.clock, pico.mcu.core
        edges: list[tuple[float, int, int]] = []
        for pin in (2, 3, 4):
            pico.watch(pin, lambda level, pin=pin, edges=edges, clock=clock: edges.append((clock.nanos, pin, level)))
        output = Repl(pico).run(program)
        pico.run_for(1_000_000)
        seen.append((output, edges, clock.nanos, core.cycles, list(core.registers), bytes(pico.mcu.sram)))
        assert len(edges) > 100
        assert isinstance(pico.mcu.sio, QuickSio) == (len(seen) == 1)
    assert seen[0] == seen[1]


def test_the_chip_of_the_tests_is_the_quick_one(bare_pico: Callable[..., EmulatedPico]) -> None:
    mcu = bare_pico().mcu
    assert isinstance(mcu.sio, QuickSio)
    assert isinstance(mcu, Chip)
    assert all(isinstance(channel.alarm_a, SteadyAlarm) for channel in mcu.pwm.channels)


@given(st.lists(st.tuples(SIO_REGISTERS, st.one_of(st.none(), WORDS)), max_size=40))
def test_sio_reads_as_it_would(accesses: list[tuple[int, int | None]]) -> None:
    """Each access is a register and what is written to it; None reads it."""
    usual, quick = RP2040(), RP2040()
    usual.logger = quick.logger = ConsoleLogger(LogLevel.ERROR)
    quick.sio.__class__ = QuickSio
    for register, word in accesses:
        for mcu in (usual, quick):
            if word is not None:
                mcu.sio.write_uint32(register, word)
        if word is None:
            assert quick.sio.read_uint32(register) == usual.sio.read_uint32(register)
        assert quick.core.cycles == usual.core.cycles
    for register in DIVIDER:
        assert quick.sio.read_uint32(register) == usual.sio.read_uint32(register)

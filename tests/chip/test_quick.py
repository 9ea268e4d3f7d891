"""What makes the emulated chip quicker leaves it as it is, to the cycle."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from rp2040py.rp2040 import RP2040
from rp2040py.sio import RPSIO
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.quick import ACCESSES, QuickSio
from opennmes.emulator.repl import Repl

WORDS = st.one_of(st.sampled_from((0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)), st.integers(0, 0xFFFFFFFF))
DIVIDER = range(0x060, 0x07C, 4)
SIO_REGISTERS = st.one_of(st.sampled_from(DIVIDER), st.sampled_from(range(0, 0x180, 4)))

# Hashing, division of every kind, interrupts, the collector, PIO and DMA.
PROGRAM = """
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


def as_it_comes(pico: EmulatedPico) -> None:
    for name in ACCESSES:
        del pico.mcu.__dict__[name]
    pico.mcu.sio.__class__ = RPSIO


def test_a_quick_chip_does_the_same_in_the_same_cycle(bare_pico: Callable[..., EmulatedPico]) -> None:
    seen = []
    for quick in (True, False):
        pico = bare_pico()
        if not quick:
            as_it_comes(pico)
        edges: list[tuple[float, int, int]] = []
        for pin in (2, 3):
            pico.watch(
                pin, lambda level, pico=pico, pin=pin, edges=edges: edges.append((pico.mcu.clock.nanos, pin, level))
            )
        output = Repl(pico).run(PROGRAM)
        core = pico.mcu.core
        seen.append((output, edges, pico.mcu.clock.nanos, core.cycles, list(core.registers), bytes(pico.mcu.sram)))
        assert len(edges) > 100
    assert seen[0] == seen[1]


def test_the_chip_of_the_tests_is_the_quick_one(bare_pico: Callable[..., EmulatedPico]) -> None:
    mcu = bare_pico().mcu
    assert isinstance(mcu.sio, QuickSio)
    assert set(ACCESSES) <= set(mcu.__dict__)


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

"""Programs that use what the emulator has made quick. Run as a script, with the UF2, it says what the chip does."""

from __future__ import annotations

import binascii
import runpy
import sys
from pathlib import Path

from opennmes.emulator import exact, loops, meters, pwm, watcher
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, hide_main
from opennmes.emulator.stage import OutputStage

BOARDS = Path(__file__).resolve().parents[2] / "boards"

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
PENDING = 0xE000E200  # ISPR of the NVIC: what software asks for is over at the next wrap, which asks for none
mem32[PENDING] = 1 << 4
seen.append(mem32[PENDING])
look()
seen.append(mem32[PENDING])
b.deinit()
c.freq(5_000)
look()
print(seen)
"""
# The stage around it: enable on 10, pump on 11, phase A of channel 0 on 2, its level on 4.
LEVELS = """
import time
from machine import PWM, Pin
phase, enable = Pin(2, Pin.OUT), Pin(10, Pin.OUT, value=1)
pump, level = PWM(Pin(11), freq=100_000, duty_u16=32_768), PWM(Pin(4), freq=125_000, duty_u16=0)
for duty in (0, 20_000, 65_535, 300, 0, 40_000):
    level.duty_u16(duty)
    time.sleep_us(1_300)
    phase(1)
    time.sleep_us(250)
    phase(0)
pump.deinit()
time.sleep_ms(2)
"""


def main(uf2: Path) -> None:
    modules = [module.__file__.endswith(".py") for module in (exact, loops, meters, pwm, watcher)]
    print("compiled" if not any(modules) else "python" if all(modules) else "mixed")
    board = runpy.run_path(str(BOARDS / "pico" / "board.py"))["BOARD"]
    reference = runpy.run_path(str(BOARDS / "stages" / "reference.py"))["STAGE"]
    for program in (PIO_AND_PYTHON, PWM, LEVELS):
        pico = EmulatedPico(uf2)
        hide_main(pico)
        stage = OutputStage(pico, board, reference)
        clock, core = pico.mcu.clock, pico.mcu.core
        for pin in (2, 3, 4):
            pico.watch(pin, lambda level, pin=pin, clock=clock: print(clock.nanos, pin, level))  # type: ignore[misc]
        print(Repl(pico).run(program))
        pico.run_for(1_000_000)
        print(clock.nanos, core.cycles, list(core.registers), binascii.crc32(bytes(pico.mcu.sram)))
        for signal in stage.trace.signals():
            print(signal, *stage.trace.changes(signal))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

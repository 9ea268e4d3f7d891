"""What of the registers is the RP2350's own; section numbers are those of its datasheet. Names: as in rp2040.py."""

from micropython import const

DMA_CHAIN_TO_SHIFT = const(13)  # 12.6.10
DMA_BUSY = const(1 << 26)
DMA_MULTI_TRIGGER = const(0x450)
DMA_ABORT = const(0x464)

TREQ_ADC = const(48)  # 12.6.4.1

PWM_BASE = const(0x400A8000)  # 12.5.3
ADC_BASE = const(0x400A0000)  # 12.4.9

IO_BANK0_BASE = const(0x40028000)  # 9.11.1
PADS_BASE = const(0x40038000)  # 9.11.3
IO_OUTPUT_LOW = const(2 << 12)  # OUTOVER: low, whatever drives the pin, until it is given a function anew
IO_INTR0 = const(0x230)

WATCHDOG_BASE = const(0x400D8000)  # 12.9.7
WATCHDOG_TICKS_PER_MS = const(1_000)  # 1 MHz

PSM_BASE = const(0x40018000)  # 7.4.4
PSM_ALL_BUT_OSCILLATORS = const(0x1FFFFF3)  # of WDSEL: the oscillators are bits 2 and 3

# Erratum RP2350-E9: a pin with its input on that has been high holds itself at some 2.1 V, against the chip's own
# pull-down. CHIP_ID says 0, 1 and 2 for A0, A1 and A2; mended in A3.
STEPPINGS_WITH_E9 = const(3)

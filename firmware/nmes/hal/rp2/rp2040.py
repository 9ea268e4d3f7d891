"""What of the registers is the RP2040's own; section numbers are those of its datasheet. Names: as in rp2350.py."""

from micropython import const

DMA_CHAIN_TO_SHIFT = const(11)  # 2.5.7
DMA_BUSY = const(1 << 24)
DMA_MULTI_TRIGGER = const(0x430)
DMA_ABORT = const(0x444)

TREQ_ADC = const(36)  # 2.5.3.1

PWM_BASE = const(0x40050000)  # 4.5.3
ADC_BASE = const(0x4004C000)  # 4.9.6

IO_BANK0_BASE = const(0x40014000)  # 2.19.6.1
PADS_BASE = const(0x4001C000)  # 2.19.6.3
IO_OUTPUT_LOW = const(2 << 8)  # OUTOVER: low, whatever drives the pin, until it is given a function anew
IO_INTR0 = const(0xF0)

WATCHDOG_BASE = const(0x40058000)  # 4.7.6
WATCHDOG_TICKS_PER_MS = const(2_000)  # 1 MHz, and the counter goes down by two a tick (erratum RP2040-E1)

PSM_BASE = const(0x40010000)  # 2.13.5
PSM_ALL_BUT_OSCILLATORS = const(0x1FFFC)  # of WDSEL

STEPPINGS_WITH_E9 = const(0)  # erratum RP2350-E9 is not this chip's

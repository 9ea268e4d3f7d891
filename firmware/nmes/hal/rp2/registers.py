"""RP2040 register addresses that MicroPython has no call for, and what else several modules know of the chip. Section
numbers are those of the RP2040 datasheet."""

from micropython import const

CPU_HZ = const(125_000_000)  # every board's cpu_hz: what the programs' cycles are counted in

SET = const(0x2000)  # offset of a register's atomic bit-set alias (2.1.2)
CLEAR = const(0x3000)  # offset of a register's atomic bit-clear alias (2.1.2)

DMA_BASE = const(0x50000000)  # 2.5.7
DMA_CHANNEL = const(0x40)
DMA_READ_ADDR = const(0x00)
DMA_WRITE_ADDR = const(0x04)
DMA_CTRL = const(0x10)  # AL1_CTRL: reading or writing it triggers nothing
DMA_READ_ADDR_TRIG = const(0x3C)  # AL3: writing an address starts the channel, writing 0 does not
DMA_MULTI_TRIGGER = const(0x430)
DMA_ABORT = const(0x444)
DMA_BUSY = const(1 << 24)
DMA_CHAIN_TO_SHIFT = const(11)

PIO0_BASE = const(0x50200000)  # 3.7
PIO1_BASE = const(0x50300000)
PIO_CTRL = const(0x00)
PIO_CLKDIV_RESTART = const(8)  # bit of state machine 0 in CTRL; bit 0 enables it
PIO_FLEVEL = const(0x0C)
PIO_TXF0 = const(0x10)
PIO_RXF0 = const(0x20)
PIO_IRQ = const(0x30)
PIO_SM0_ADDR = const(0xD4)
PIO_SM = const(0x18)
PULL_BLOCK = const(0x80A0)  # instructions for StateMachine.exec (3.4)
MOV_ISR_OSR = const(0xA0C7)

PWM_BASE = const(0x40050000)  # 4.5.3
PWM_SLICE = const(0x14)
PWM_DIV = const(0x04)
PWM_CC = const(0x0C)
PWM_TOP = const(0x10)

TREQ_PIO0_TX0 = const(0)  # 2.5.3.1
TREQ_PIO0_RX0 = const(4)
TREQ_PERMANENT = const(0x3F)
TREQ_ADC = const(36)

ADC_BASE = const(0x4004C000)  # 4.9.6
ADC_CS = const(0x00)
ADC_RESULT = const(0x04)
ADC_FCS = const(0x08)
ADC_FIFO = const(0x0C)
ADC_FCS_LEVEL = const(0xF << 16)
ADC_CONVERT = const(1 << 2 | 1)  # of CS: enabled, one conversion of the input below
ADC_INPUT_SHIFT = const(12)
ADC_READY = const(1 << 8)
ADC_FIRST_PIN = const(26)  # input 0

IO_BANK0_BASE = const(0x40014000)  # 2.19.6.1
IO_CTRL0 = const(0x04)
IO_PIN = const(0x08)
IO_OUTPUT_LOW = const(2 << 8)  # OUTOVER: low, whatever drives the pin, until it is given a function anew
IO_INPUT_LOW = const(2 << 16)  # INOVER: what peripherals and PIO see of the pin, whatever it is
IO_INPUT_HIGH = const(3 << 16)
IO_INTR0 = const(0xF0)

SIO_GPIO_IN = const(0xD0000004)  # 2.3.1.7: the level of every pin

WATCHDOG_BASE = const(0x40058000)  # 4.7.6
WATCHDOG_CTRL = const(0x00)
WATCHDOG_LOAD = const(0x04)
WATCHDOG_REASON = const(0x08)
WATCHDOG_SCRATCH0 = const(0x0C)
WATCHDOG_ENABLE = const(1 << 30)
WATCHDOG_PAUSES = const(7 << 24)  # while a debugger holds a core, or JTAG the bus

PSM_BASE = const(0x40010000)  # 2.13.5
PSM_WDSEL = const(0x08)
PSM_ALL_BUT_OSCILLATORS = const(0x1FFFC)

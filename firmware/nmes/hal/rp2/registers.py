"""Registers that MicroPython has no call for, and what else several modules know of the chip: what is the same on the
RP2040 and the RP2350. What differs is in rp2040.py and rp2350.py, and `chip` of chip.py is the board's. Section numbers
are those of the RP2040 datasheet. tests/architecture/test_registers.py has every number from the Pico SDK once more."""

from micropython import const

CPU_HZ = const(125_000_000)  # every board's cpu_hz: what the programs' cycles are counted in

XOR = const(0x1000)  # offset of a register's atomic XOR alias (2.1.2)
SET = const(0x2000)  # offset of a register's atomic bit-set alias (2.1.2)
CLEAR = const(0x3000)  # offset of a register's atomic bit-clear alias (2.1.2)

DMA_BASE = const(0x50000000)  # 2.5.7
DMA_CHANNEL = const(0x40)
DMA_READ_ADDR = const(0x00)
DMA_WRITE_ADDR = const(0x04)
DMA_ENABLE = const(1)  # of CTRL
DMA_CTRL = const(0x10)  # AL1_CTRL: reading or writing it triggers nothing
DMA_READ_ADDR_TRIG = const(0x3C)  # AL3: writing an address starts the channel, writing 0 does not

PIO0_BASE = const(0x50200000)  # 3.7
PIO1_BASE = const(0x50300000)
PIO_CTRL = const(0x00)
PIO_RESTART = const(4)  # bit of state machine 0 in CTRL; bit 0 enables it
PIO_CLKDIV_RESTART = const(8)
PIO_FLEVEL = const(0x0C)
PIO_FLEVEL_SM = const(8)  # bits a state machine in FLEVEL; of them, its TX FIFO's:
PIO_FLEVEL_TX = const(0xF)
PIO_TXF0 = const(0x10)
PIO_RXF0 = const(0x20)
PIO_IRQ = const(0x30)
PIO_SM0_EXECCTRL = const(0xCC)  # bit 31: an instruction that was written to the machine stalls
PIO_SM0_SHIFTCTRL = const(0xD0)
PIO_FJOIN_RX = const(1 << 31)  # of SHIFTCTRL: whenever it changes both FIFOs are emptied
PIO_SM0_ADDR = const(0xD4)
PIO_ADDR = const(0x1F)
PIO_SM = const(0x18)
JMP = const(0x0000)  # instructions for StateMachine.exec (3.4); to address 0
WAIT_1_GPIO_0 = const(0x2080)  # for a high pin 0
PULL_BLOCK = const(0x80A0)
MOV_ISR_OSR = const(0xA0C7)
MOV_Y_OSR = const(0xA047)
SET_X_0 = const(0xE020)
SET_PINS_0 = const(0xE000)
SET_PINS_1 = const(0xE001)

PWM_SLICE = const(0x14)
PWM_DIV = const(0x04)
PWM_DIV_ONE = const(1 << 4)  # of DIV: not divided
PWM_CC = const(0x0C)
PWM_TOP = const(0x10)

TREQ_PIO0_TX0 = const(0)  # 2.5.3.1
TREQ_PIO0_RX0 = const(4)
TREQ_PERMANENT = const(0x3F)

ADC_CS = const(0x00)
ADC_RESULT = const(0x04)
ADC_FCS = const(0x08)
ADC_FIFO = const(0x0C)
ADC_FCS_LEVEL = const(0xF << 16)
ADC_FCS_TO_DMA = const(1 << 24 | 1 << 3 | 1)  # a result asks DMA to take it
ADC_CONVERT = const(1 << 2 | 1)  # of CS: enabled, one conversion of the input below
ADC_TEMPERATURE_ON = const(1 << 1)
ADC_TEMPERATURE = const(4)  # its input
ADC_RESULT_BITS = const(0xFFF)
ADC_INPUT_SHIFT = const(12)
ADC_READY = const(1 << 8)
ADC_FIRST_PIN = const(26)  # input 0

IO_CTRL0 = const(0x04)
IO_PIN = const(0x08)
IO_INPUT_LOW = const(2 << 16)  # INOVER: what peripherals and PIO see of the pin, whatever it is
IO_INPUT_HIGH = const(3 << 16)
# INTR: 8 pins a register, 4 bits a pin, and of these the latch of a falling edge.
IO_INTR_PINS = const(8)
IO_INTR_BITS = const(4)
IO_EDGE_LOW = const(1 << 2)

PADS_GPIO0 = const(0x04)  # 2.19.6.3
PADS_PIN = const(0x04)
PADS_PULL_DOWN = const(1 << 2)
PADS_PULL_UP = const(1 << 3)

SIO_GPIO_IN = const(0xD0000004)  # 2.3.1.7: the level of every pin

WATCHDOG_CTRL = const(0x00)
WATCHDOG_LOAD = const(0x04)
WATCHDOG_REASON = const(0x08)
WATCHDOG_CAUSE = const(3)  # of REASON: its timer, or software
WATCHDOG_SCRATCH0 = const(0x0C)
WATCHDOG_ENABLE = const(1 << 30)
WATCHDOG_PAUSES = const(7 << 24)  # while a debugger holds a core, or JTAG the bus

PSM_WDSEL = const(0x08)

SYSINFO_BASE = const(0x40000000)  # 2.20
SYSINFO_CHIP_ID = const(0x00)
SYSINFO_REVISION_SHIFT = const(28)

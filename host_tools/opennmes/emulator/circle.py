"""Skips the conversions of an ADC that samples its inputs round-robin, while the inputs stay as they are.

The sampler of a session keeps the ADC converting, one conversion in 2 us, by two DMA channels that start each other:

    next of 4 CS words in RAM --"ask"--> ADC CS, a conversion, ADC FIFO --"take"--> next of 4 halfwords in RAM

With one channel in use they are 2 and 2. Once all halfwords are what the inputs convert to, a further round changes
nothing but where the two channels and the ADC are. From then on nothing is simulated. Everything is brought to where it
would be before

- an input changes (`channel_values`), or somebody else sets `on_adc_read`, which is never skipped;
- CPU or DMA reads or writes a register of the ADC or of the two channels, or aborts or triggers one of them;
- another channel is set to be paced by the ADC, or to chain to one of the two;
- the chip is reset.

Not looked for: writes to the CS words or the results while the circle runs. Tests see the
registers as the CPU does, through `mcu.read_uint32()`; the attributes of `mcu.adc` and `mcu.dma` may lag.

When an input changes at the very instant at which a conversion ends, the conversion has ended before, skipped or not.
Only another DMA channel that looks at the two channels or the ADC at that very instant may find them a step on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rp2040py.peripherals import adc as adc_registers
from rp2040py.peripherals import dma as dma_registers
from rp2040py.peripherals.adc import RPADC
from rp2040py.peripherals.dma import RPDMA, DREQChannel, RPDMAChannel
from rp2040py.rp2040 import RAM_START_ADDRESS, RP2040

ADC_BUS_KEY, DMA_BUS_KEY = 0x4004C, 0x50000  # where RP2040.peripherals keeps the two
ADC_BASE = 0x4004C000
RAM_BYTES = 264 * 1024
FOR_EVER = float("inf")
CONVERSIONS = 4  # in a round, or in two
CS_WORD, RESULT = 4, 2  # bytes
RINGS = ((4, 3), (3, 2))  # log2 of their bytes: of CS words and of results

START_ONE = adc_registers.CS_START_ONE | adc_registers.CS_EN
INPUT_MASK = adc_registers.CS_AINSEL_MASK << adc_registers.CS_AINSEL_SHIFT
# One result, and the FIFO asks DMA to take it.
FIFO_TO_DMA = 1 << adc_registers.FCS_THRESH_SHIFT | adc_registers.FCS_DREQ_EN | adc_registers.FCS_EN

CHAIN_TO = dma_registers.CHAIN_TO_MASK << dma_registers.CHAIN_TO_SHIFT
RING_SIZE = dma_registers.RING_SIZE_MASK << dma_registers.RING_SIZE_SHIFT
ASK = (
    dma_registers.EN
    | 2 << dma_registers.DATA_SIZE_SHIFT
    | dma_registers.INCR_READ
    | dma_registers.TREQ.PERMANENT << dma_registers.TREQ_SEL_SHIFT
    | dma_registers.IRQ_QUIET
)
TAKE = (
    dma_registers.EN
    | 1 << dma_registers.DATA_SIZE_SHIFT
    | dma_registers.INCR_WRITE
    | dma_registers.RING_SEL
    | DREQChannel.DREQ_ADC << dma_registers.TREQ_SEL_SHIFT
    | dma_registers.IRQ_QUIET
    | dma_registers.BUSY  # it waits for the result
)


class Circle:
    """Looks for the circle whenever a conversion has begun, and knows whether it is being skipped.

    `wanted` says whether to skip at all.
    """

    def __init__(self, mcu: RP2040, wanted: Callable[[], bool]) -> None:
        self._mcu = mcu
        self._clock = mcu.clock
        self._wanted = wanted
        self._end_nanos = FOR_EVER  # of the conversion under way; when skipping, of the one that was then
        self._skipping = False
        self._inputs: list[int] = []  # of the conversion under way and the three after it, when skipping began
        self._look_alarm = self._clock.create_alarm(self._look)
        self._adc = _Adc(mcu, self)
        self._dma = _Dma(mcu, self)
        self._ask = self._take = self._dma.channels[0]
        self._dma.dreq = mcu.dma.dreq
        mcu.adc = mcu.peripherals[ADC_BUS_KEY] = self._adc
        mcu.dma = mcu.peripherals[DMA_BUS_KEY] = self._dma

    def conversion_begun(self) -> None:
        self._end_nanos = self._clock.nanos + self._adc.conversion_nanos
        if self._adc.undisturbed and self._wanted():
            self._look_alarm.schedule(0)  # once the DMA transfer that began it is over

    def input_changes(self) -> None:
        if self._skipping:
            self.wake()
        elif self._clock.nanos >= self._end_nanos:
            self._adc.end_conversion()

    def wake(self) -> None:
        """Bring the two channels and the ADC to the present, and simulate them from here on."""
        if not self._skipping:
            return
        self._skipping = False
        nanos = self._adc.conversion_nanos
        ended = int((self._clock.nanos - self._end_nanos) // nanos) + 1
        self._end_nanos += ended * nanos
        _step_pointer(self._ask, dma_registers.CHN_READ_ADDR, ended * CS_WORD)
        _step_pointer(self._take, dma_registers.CHN_WRITE_ADDR, ended * RESULT)
        before = self._inputs[(ended - 1) % CONVERSIONS] if ended else None
        left_nanos = max(0.0, self._end_nanos - self._clock.nanos)
        self._adc.go_on(before, self._inputs[ended % CONVERSIONS], left_nanos)

    def is_about(self, channel: int) -> bool:
        return self._skipping and channel in (self._ask.index, self._take.index)

    def is_among(self, channels: int) -> bool:
        return self._skipping and bool(channels & (1 << self._ask.index | 1 << self._take.index))

    def channel_written(self, channel: RPDMAChannel) -> None:
        if self._skipping and self._meddles(channel):
            self.wake()

    def _look(self) -> None:
        if not self._skipping and self._adc.undisturbed and self._adc.can_be_skipped and self._goes_round():
            self._adc.sample_alarm.cancel()
            self._skipping = True

    def _goes_round(self) -> bool:
        """Whether the next round would leave RAM as it is; notes the two channels and the order of the inputs."""
        if not self._makes_circle(self._ask) and not any(map(self._makes_circle, self._dma.channels)):
            return False
        next_word = self._ask.read_uint32(dma_registers.CHN_READ_ADDR)
        next_result = self._take.read_uint32(dma_registers.CHN_WRITE_ADDR)
        if not _in_ram(next_word, CS_WORD) or not _in_ram(next_result, RESULT):
            return False
        ask_ring, take_ring = _ring_size(self._ask), _ring_size(self._take)
        inputs = []
        for number in range(CONVERSIONS):
            word = self._mcu.read_uint32(_stepped(next_word, (number - 1) * CS_WORD, ask_ring))
            channel = (word & INPUT_MASK) >> adc_registers.CS_AINSEL_SHIFT
            if word & ~INPUT_MASK != START_ONE or channel >= self._adc.num_channels:
                return False
            result = self._mcu.read_uint16(_stepped(next_result, number * RESULT, take_ring))
            if self._adc.channel_values[channel] & 0xFFF != result:
                return False
            inputs.append(channel)
        self._inputs = inputs
        return inputs[0] == self._adc.current_channel and not any(map(self._meddles, self._dma.channels))

    def _makes_circle(self, ask: RPDMAChannel) -> bool:
        if ask.read_uint32(dma_registers.CHN_WRITE_ADDR) != ADC_BASE + adc_registers.CS:
            return False
        chained = _chain_to(ask)
        if chained >= len(self._dma.channels):
            return False
        take = self._dma.channels[chained]
        self._ask, self._take = ask, take
        return (
            _kind(ask) == ASK
            and _kind(take) == TAKE
            and (_ring_size(ask), _ring_size(take)) in RINGS
            and _chain_to(take) == ask.index
            and take.read_uint32(dma_registers.CHN_READ_ADDR) == ADC_BASE + adc_registers.FIFO_REG
            and ask.read_uint32(dma_registers.CHN_DBG_TCR) == 1
            and take.read_uint32(dma_registers.CHN_DBG_TCR) == 1
            and take.read_uint32(dma_registers.CHN_TRANS_COUNT) == 1
        )

    def _meddles(self, channel: RPDMAChannel) -> bool:
        """Whether a third channel takes results, or may start one of the two."""
        if channel is self._ask or channel is self._take or not _control(channel) & dma_registers.EN:
            return False
        return channel.treq == DREQChannel.DREQ_ADC or _chain_to(channel) in (self._ask.index, self._take.index)


class _Inputs(list[int]):
    """The ADC's inputs, which say so before they change."""

    def __init__(self, values: list[int], circle: Circle) -> None:
        super().__init__(values)
        self._circle = circle

    def __setitem__(self, index: Any, value: Any) -> None:
        if self[index] != value:
            self._circle.input_changes()
        super().__setitem__(index, value)


class _Adc(RPADC):
    """The chip's ADC, which tells the circle of everything that may concern it."""

    def __init__(self, mcu: RP2040, circle: Circle) -> None:
        self._circle = circle
        super().__init__(mcu, "ADC")

    @property
    def channel_values(self) -> list[int]:
        return self._channel_values

    @channel_values.setter
    def channel_values(self, values: list[int]) -> None:
        self._circle.input_changes()
        self._channel_values = _Inputs(values, self._circle)

    @property
    def on_adc_read(self) -> Callable[[int], None]:
        return self._on_adc_read

    @on_adc_read.setter
    def on_adc_read(self, callback: Callable[[int], None]) -> None:
        self._circle.wake()
        self._on_adc_read = callback
        self.undisturbed = callback == self._default_on_adc_read

    @property
    def conversion_nanos(self) -> int:
        return self.sample_time * 1000

    @property
    def can_be_skipped(self) -> bool:
        """A single conversion is under way, its result goes to DMA alone, and there is no error to be cleared."""
        return (
            self.busy
            and self.cs & ~INPUT_MASK == START_ONE
            and self.fcs & adc_registers.FCS_WRITE_MASK == FIFO_TO_DMA
            and self.fifo.empty
            and not (self.int_enable or self.int_force)
        )

    def end_conversion(self) -> None:
        """End the conversion whose time is up, if it has not ended and nobody else decides when it does."""
        if self.busy and self.undisturbed:
            self.sample_alarm.cancel()
            self._on_sample_alarm()

    def go_on(self, before: int | None, channel: int, left_nanos: float) -> None:
        """Be converting `channel` for another `left_nanos`, and `before` the one before unless it is still the same."""
        if before is not None:
            self.result = self.channel_values[before]
        self.cs = self.cs & ~INPUT_MASK | channel << adc_registers.CS_AINSEL_SHIFT
        self.current_channel = channel
        self.sample_alarm.schedule(left_nanos)

    def start_adc_read(self) -> None:
        super().start_adc_read()
        self._circle.conversion_begun()

    def read_uint32(self, offset: int) -> int:
        self._circle.wake()
        return super().read_uint32(offset)

    def write_uint32(self, offset: int, value: int) -> None:
        self._circle.wake()
        super().write_uint32(offset, value)

    def reset(self) -> None:
        self._circle.wake()
        super().reset()


class _Dma(RPDMA):
    """The chip's DMA, which tells the circle of everything that may concern it."""

    def __init__(self, mcu: RP2040, circle: Circle) -> None:
        self._circle = circle
        super().__init__(mcu, "DMA")

    def read_uint32(self, offset: int) -> int:
        if self._circle.is_about((offset & 0x7FF) >> 6):
            self._circle.wake()
        return super().read_uint32(offset)

    def write_uint32(self, offset: int, value: int) -> None:
        channel = (offset & 0x7FF) >> 6
        commands = offset in (dma_registers.CHAN_ABORT, dma_registers.MULTI_CHAN_TRIGGER)
        if self._circle.is_among(value) if commands else self._circle.is_about(channel):
            self._circle.wake()
        super().write_uint32(offset, value)
        if channel < len(self.channels):
            self._circle.channel_written(self.channels[channel])

    def reset(self) -> None:
        self._circle.wake()
        super().reset()


def _control(channel: RPDMAChannel) -> int:
    return channel.read_uint32(dma_registers.CHN_AL1_CTRL)


def _kind(channel: RPDMAChannel) -> int:
    return _control(channel) & ~(CHAIN_TO | RING_SIZE | dma_registers.HIGH_PRIORITY)


def _ring_size(channel: RPDMAChannel) -> int:
    return (_control(channel) & RING_SIZE) >> dma_registers.RING_SIZE_SHIFT


def _chain_to(channel: RPDMAChannel) -> int:
    return (_control(channel) & CHAIN_TO) >> dma_registers.CHAIN_TO_SHIFT


def _stepped(address: int, step: int, ring_size: int) -> int:
    mask = (1 << ring_size) - 1
    return address & ~mask | address + step & mask


def _step_pointer(channel: RPDMAChannel, register: int, step: int) -> None:
    channel.write_uint32(register, _stepped(channel.read_uint32(register), step, _ring_size(channel)))


def _in_ram(address: int, size: int) -> bool:
    return RAM_START_ADDRESS <= address < RAM_START_ADDRESS + RAM_BYTES and address % size == 0

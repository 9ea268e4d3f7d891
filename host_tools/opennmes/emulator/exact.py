"""The exact driver: advances the emulated RP2040 by simulated time, PIO at one instruction per clock cycle.

rp2040py's own loop steps PIO at most once per CPU instruction and drops arrears while the CPU sleeps. Here every PIO
instruction is an alarm of the simulated clock instead, set for the cycle in which it is due. The clock runs alarms
at their own instant, also in the middle of a CPU instruction and while the CPU sleeps, so PIO is exact.

A state machine that waits, counts or polls costs next to nothing (loops.py), and neither does an ADC that converts the
same all the time (circle.py). exact.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rp2040py.execute_batch import execute_batch
from rp2040py.peripherals.peripheral import Peripheral
from rp2040py.peripherals.pio import RPPIO, WaitType
from rp2040py.peripherals.pio_registers import EXECCTRL_EXEC_STALLED
from rp2040py.peripherals.state_machine import StateMachine
from rp2040py.rp2040 import RP2040

from opennmes.emulator.circle import Circle
from opennmes.emulator.cycles import CYCLE_NANOS
from opennmes.emulator.loops import Loop, find_loop
from opennmes.emulator.quick import quicken
from opennmes.emulator.thumb import COMPILED, Thumb

if TYPE_CHECKING:
    from rp2040py.simulator import Simulator

FJOIN = 3 << 30  # of SMx_SHIFTCTRL
SHIFTCTRL = range(0xD0, 0xD0 + 4 * 0x18, 0x18)  # SMx_SHIFTCTRL of a PIO block (datasheet 3.7)
RXF = range(0x20, 0x30, 4)  # RXFx of a PIO block (datasheet 3.7)
INSTR = range(0xD8, 0xD8 + 4 * 0x18, 0x18)  # SMx_INSTR of a PIO block (datasheet 3.7)
SYNCHRONISER_CYCLES = 2  # between a pin and PIO (3.5.6.3); rp2040py has none
# Where RP2040.peripherals keeps what PIO does or sees: IO_BANK0, PADS_BANK0, PIO0, PIO1.
PIO_BUS_KEYS = (0x40014, 0x4001C, 0x50200, 0x50300)
NEVER = 1 << 62  # RPPIO.next_due_fp when no state machine has anything to do


class Driver:
    """Runs one emulated chip; takes the place of rp2040py's Simulator (which needs asyncio)."""

    def __init__(self, mcu: RP2040, cpu_factor: float = 1.0) -> None:
        """`cpu_factor`: how many times as long each CPU instruction takes. All else stays as it is."""
        self.rp2040 = mcu
        self.cpu_factor = cpu_factor
        self.clock = mcu.clock
        self.stopped = False  # whether run() is to end after this instruction
        self._clock: Any = mcu.clock
        self._thumb = Thumb(mcu) if COMPILED else None
        self._cycle_nanos = CYCLE_NANOS
        self._pios = list(mcu.pio)
        self._first, self._second = self._pios
        self.skip_loops = True  # False steps through everything, for the test that compares the two
        self._loops: list[Loop] = []
        self._loop_ends_fp = NEVER  # the first of them
        self._due_cycle = NEVER
        self._step_alarm = self.clock.create_alarm(self._step_due)
        self._is_set = False  # whether the clock has it
        self._stop_alarm = self.clock.create_alarm(self.stop)
        self._written: list[_Written] = []
        self._pwm = quicken(mcu, wanted=lambda: self.skip_loops)
        Circle(mcu, wanted=lambda: self.skip_loops)
        mcu.simulator = cast("Simulator", self)
        for key in PIO_BUS_KEYS:
            mcu.peripherals[key] = _OnBus(self, mcu.peripherals[key])

    def run(self, nanos: float) -> None:
        """Advance by `nanos` of simulated time, and then to the end of the CPU instruction under way.

        Returns earlier when a callback calls stop(). Whatever the emulator raises comes through.
        """
        if nanos <= 0:
            return
        core, thumb = self.rp2040.core, self._thumb
        clock: Any = self.clock
        instruction_nanos = CYCLE_NANOS * self.cpu_factor
        self.stopped = False
        self._stop_alarm.schedule(nanos)
        try:
            if thumb is None and self.cpu_factor == 1:
                while not self.stopped:
                    execute_batch(cast("Simulator", self), 1)  # the loop below, in rp2040py's C: half the time
            while not self.stopped:
                if core.waiting:
                    clock.tick(clock.nanos_to_next_alarm)
                    continue
                if thumb is not None:
                    # Only in C: as Python a clock has neither of the two.
                    clock._nanos_counter = thumb.run(clock._nanos_counter, clock._next_alarm.nanos, instruction_nanos)
                    if thumb.cycles:
                        clock.tick(thumb.cycles * instruction_nanos)
                        continue
                clock.tick(core.execute_instruction() * instruction_nanos)
        finally:
            self._stop_alarm.cancel()

    def stop(self) -> None:
        """End run() after the CPU instruction under way; for callbacks that the running chip makes."""
        self.stopped = True

    def sync(self) -> None:
        """Bring both PIO blocks to the present; before anything but time acts on them or looks at them."""
        self._do_what_is_due()
        self._leave_now(self._loops)

    def sync_input(self, pin: int) -> None:
        """The same before what is put on a pin from outside changes: loops that do not read it go on."""
        self._do_what_is_due()
        self._leave_now([loop for loop in self._loops if loop.ends_with(pin)])

    def sync_received(self) -> None:
        """The same before a word that a machine has received is taken: no loop depends on whether it is still there."""
        self._do_what_is_due()
        self._leave_now([])

    def _do_what_is_due(self) -> None:
        # What PIO has to do in this very cycle comes first; a loop may begin with it.
        if self._due_cycle * self._cycle_nanos <= self._clock.nanos:
            self._step()

    def _leave_now(self, loops: list[Loop]) -> None:
        nanos = self._clock.nanos
        if loops:
            self._leave_loops(loops, int(nanos // self._cycle_nanos) << 8)
        cycle_fp = -int(-nanos // self._cycle_nanos) << 8  # the next clock edge, if something runs off the grid
        self._first.cycle_fp = cycle_fp
        self._second.cycle_fp = cycle_fp

    def tell(self) -> None:
        """Tell of the edges up to now all who listen to pins whose edges may be told of later (watcher.py)."""
        now_fp = int(self.clock.nanos // self._cycle_nanos) << 8
        for loop in self._loops:
            if loop.waves:
                loop.tell(now_fp)
        self._pwm.tell(self.clock.nanos)

    def leave_waves(self, pin: int | None = None) -> None:
        """Tell of the edges of a pin, or of all, up to now, and have the next ones made one by one."""
        for loop in self._loops:
            if loop.waves and pin in (None, loop.pin):
                self.sync()
                self.arm()
                break
        self._pwm.leave_waves(pin)

    def after_reset(self) -> None:
        """Forget what the state machines were at, when the chip has been reset."""
        self._keep_loops([])
        self._written = []
        self.arm()

    def acted(self) -> None:
        """After CPU or DMA wrote to a peripheral that PIO has to do with."""
        # To execute_batch() both blocks stand still: it would step them at each instruction.
        self._first.stopped = True
        self._second.stopped = True
        # rp2040py shows pins that an instruction written to SMx_INSTR has changed only when the block steps again.
        self._first.check_changed_pins()
        self._second.check_changed_pins()
        # Nor does it look again at what a pin that is waited for reads as, when its input override is written.
        for pio in self._pios:
            for machine in pio.machines:
                if machine.enabled and machine.waiting and machine.wait_type == WaitType.PIN:
                    machine.check_wait()
        if self._written:
            self._go_on()
        self.arm()

    def stalls(self, pio: RPPIO, machine: StateMachine) -> None:
        """An instruction that was written to SMx_INSTR waits for a pin."""
        self._written.append(_Written(pio, machine))

    def _go_on(self) -> None:
        """Those that wait no more go on as the chip does; rp2040py counts the written instruction as the program's, and
        begins the machine's clock anew."""
        cycle_fp = -int(-self.clock.nanos // self._cycle_nanos) << 8
        self._written = [written for written in self._written if not written.has_gone_on(cycle_fp)]
        for pio in self._pios:
            pio.recompute_due()

    def arm(self) -> None:
        """Set the alarm to the next PIO instruction; after anything that may have changed when that is."""
        due_fp = min(self._first.next_due_fp, self._second.next_due_fp)
        if due_fp >= NEVER:
            self._due_cycle = NEVER
            if self._is_set:
                self._is_set = False
                self._clock.unlink_alarm(self._step_alarm)
            return
        due_cycle = (due_fp + 255) >> 8
        if due_cycle != self._due_cycle:
            self._due_cycle = due_cycle
            # What ClockAlarm.schedule does, a million times a simulated second.
            if self._is_set:
                self._clock.unlink_alarm(self._step_alarm)
            self._is_set = True
            self._clock.link_alarm(max(0.0, due_cycle * self._cycle_nanos - self._clock.nanos), self._step_alarm)

    def set_input(self, pin: int, level: int) -> None:
        """Drive a pad from outside the chip; PIO that waits for it goes on from the present cycle."""
        self.sync_input(pin)
        self.rp2040.gpio[pin].set_input_value(bool(level))
        if self._written:
            self._go_on()
        self.arm()

    def release(self, pin: int) -> None:
        """Let a pad go that was driven from outside."""
        self.sync_input(pin)
        self.rp2040.gpio[pin].release_input()
        if self._written:
            self._go_on()
        self.arm()

    def _step_due(self) -> None:
        self._is_set = False
        self._step()

    def _step(self) -> None:
        cycle_fp = self._due_cycle << 8
        first, second = self._first, self._second
        first.cycle_fp = cycle_fp
        second.cycle_fp = cycle_fp
        self._due_cycle = NEVER
        if self._loop_ends_fp <= cycle_fp:
            self._leave_loops([loop for loop in self._loops if loop.end_fp <= cycle_fp], cycle_fp)
        if first.next_due_fp <= cycle_fp:
            first.advance(0)
        if second.next_due_fp <= cycle_fp:
            second.advance(0)
        # At every step: one look in so many would meet a round of as many steps at the same place each time.
        if self.skip_loops:
            self._enter_loops()
        self.arm()

    def _enter_loops(self) -> None:
        for pio in self._pios:
            found = False
            for machine in pio.machines:
                if not machine.enabled or machine.waiting or self._skips(machine):
                    continue
                loop = find_loop(pio, machine, self.rp2040.gpio)
                if loop is not None:
                    machine.next_due_fp = loop.end_fp
                    self._loops = [*self._loops, loop]
                    self._loop_ends_fp = min(self._loop_ends_fp, loop.end_fp)
                    found = True
            if found:
                pio.recompute_due()

    def _skips(self, machine: StateMachine) -> bool:
        for loop in self._loops:  # noqa: SIM110 - compiled, a loop is no function of its own
            if loop.machine is machine:
                return True
        return False

    def _leave_loops(self, loops: list[Loop], cycle_fp: int) -> None:
        self._keep_loops([loop for loop in self._loops if loop not in loops])
        for loop in loops:
            loop.catch_up(cycle_fp)
        for pio in self._pios:
            pio.recompute_due()

    def _keep_loops(self, loops: list[Loop]) -> None:
        self._loops = loops
        self._loop_ends_fp = min((loop.end_fp for loop in loops), default=NEVER)


class _Written:
    """A `wait` for a pin that was written to SMx_INSTR and stalls. The machine goes on from where it was (datasheet,
    SMx_INSTR), a cycle of its own clock after the first one at whose begin it sees the pin."""

    def __init__(self, pio: RPPIO, machine: StateMachine) -> None:
        self._pio = pio
        self._machine = machine
        self._pc = machine.pc
        self._clock_fp = machine.next_due_fp % machine.div_fp

    def has_gone_on(self, cycle_fp: int) -> bool:
        """Whether it stalls no more: the pin has come, or the machine was restarted."""
        machine = self._machine
        if machine.waiting and machine.wait_type == WaitType.PIN:
            return False
        if not machine.exec_ctrl & EXECCTRL_EXEC_STALLED:
            seen_fp = cycle_fp + (SYNCHRONISER_CYCLES << 8)
            machine.pc = self._pc
            machine.next_due_fp = seen_fp + (self._clock_fp - seen_fp) % machine.div_fp + machine.div_fp
        return True


class _OnBus:
    """A peripheral as CPU and DMA see it, when any access to it may start, stop, feed or drain a state machine."""

    def __init__(self, driver: Driver, peripheral: Peripheral) -> None:
        self._driver = driver
        self._peripheral = peripheral

    def read_uint32(self, offset: int) -> int:
        if offset in RXF and isinstance(self._peripheral, RPPIO):
            self._driver.sync_received()
        else:
            self._driver.sync()
        value = self._peripheral.read_uint32(offset)
        self._driver.arm()
        return value

    def write_uint32(self, offset: int, value: int) -> None:
        self._before_write()
        joins = self._joins(offset)
        self._peripheral.write_uint32(offset, value)
        self._flush(joins)
        self._note_stall(offset)
        self._driver.acted()

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        self._before_write()
        joins = self._joins(offset)
        self._peripheral.write_uint32_atomic(offset, value, atomic_type)
        self._flush(joins)
        self._note_stall(offset)
        self._driver.acted()

    def _before_write(self) -> None:
        self._driver.sync()
        if not isinstance(self._peripheral, RPPIO):  # else what a pin shows may change: its function, its overrides
            self._driver.leave_waves()

    def _note_stall(self, offset: int) -> None:
        if offset in INSTR and isinstance(self._peripheral, RPPIO):
            machine = self._peripheral.machines[INSTR.index(offset)]
            if machine.waiting and machine.wait_type == WaitType.PIN:
                self._driver.stalls(self._peripheral, machine)

    def _joins(self, offset: int) -> list[int]:
        if offset not in SHIFTCTRL or not isinstance(self._peripheral, RPPIO):
            return []
        return [machine.shift_ctrl & FJOIN for machine in self._peripheral.machines]

    def _flush(self, joins: list[int]) -> None:
        """Both FIFOs of a machine are flushed when FJOIN changes (datasheet, SM0_SHIFTCTRL); rp2040py keeps them.

        That is how the SDK empties them, and so how MicroPython's StateMachine.init does.
        """
        pio = cast("RPPIO", self._peripheral)
        for index, before in enumerate(joins):
            machine = pio.machines[index]
            if machine.shift_ctrl & FJOIN != before:
                machine.tx_fifo.reset()
                self._driver.rp2040.dma.set_dreq(pio.dreq_tx[index])
                while not machine.rx_fifo.empty:
                    machine.read_fifo()

    def reset(self) -> None:
        self._peripheral.reset()

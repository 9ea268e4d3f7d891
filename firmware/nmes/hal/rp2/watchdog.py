"""The chip's watchdog, by its registers: machine.WDT cannot be switched off, and at the prompt nobody feeds it."""

from machine import mem32
from micropython import const

from nmes.hal.common import WATCHDOG_MS
from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip

_RUNNING = const(0x4E4D4553)
_BY = ("ended out of order", "watchdog timer", "reset by software", "watchdog timer")


class Watchdog:
    """The chip's watchdog. `reset_cause`: how the run before ended, in words; empty when in order or with the power."""

    def __init__(self):
        # Addresses above 2^30 are objects on the heap: made here once.
        self._load = chip.WATCHDOG_BASE + reg.WATCHDOG_LOAD
        self._ctrl_set = chip.WATCHDOG_BASE + reg.WATCHDOG_CTRL + reg.SET
        self._ctrl_clear = chip.WATCHDOG_BASE + reg.WATCHDOG_CTRL + reg.CLEAR
        # Of the scratch registers, which only power and the RUN pin clear, 4 to 7 belong to the boot ROM (2.8.1.1).
        self._mark = chip.WATCHDOG_BASE + reg.WATCHDOG_SCRATCH0
        self._full = WATCHDOG_MS * chip.WATCHDOG_TICKS_PER_MS
        reason = mem32[chip.WATCHDOG_BASE + reg.WATCHDOG_REASON] & reg.WATCHDOG_CAUSE
        self.reset_cause = _BY[reason] if mem32[self._mark] == _RUNNING else ""

    def start(self):
        """From now on `feed` has to come in time, or the whole chip but its oscillators is reset."""
        mem32[self._ctrl_clear] = reg.WATCHDOG_ENABLE
        mem32[chip.PSM_BASE + reg.PSM_WDSEL] = chip.PSM_ALL_BUT_OSCILLATORS
        mem32[self._ctrl_clear] = reg.WATCHDOG_PAUSES  # a debugger must not keep an output on
        mem32[self._mark] = _RUNNING
        self.feed()
        mem32[self._ctrl_set] = reg.WATCHDOG_ENABLE

    def pause(self):
        """It does not count until `go_on`."""
        mem32[self._ctrl_clear] = reg.WATCHDOG_ENABLE

    def go_on(self):
        """After `pause`; a watchdog that was never started stays off."""
        if mem32[self._mark] == _RUNNING:
            self.feed()
            mem32[self._ctrl_set] = reg.WATCHDOG_ENABLE

    def feed(self):
        """Let it count from WATCHDOG_MS again. Allocates nothing."""
        mem32[self._load] = self._full

    def stop(self):
        """It does not count any more, and the next run knows that this one ended in order."""
        mem32[self._ctrl_clear] = reg.WATCHDOG_ENABLE
        mem32[self._mark] = 0

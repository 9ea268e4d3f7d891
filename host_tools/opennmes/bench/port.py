"""The emulated board as a port: what the host tools would otherwise open a serial port for."""

from __future__ import annotations

import math

from opennmes.bench.pico import BenchError, EmulatedPico
from opennmes.ports.errors import PortError


class EmulatedPort:
    """A port whose clock is the board's own: waiting in read() is what makes the chip run.

    A reset takes the port away as it would a real one: what came before it can still be read, then every call raises
    PortError, and the way back is to open another EmulatedPort.
    """

    def __init__(self, pico: EmulatedPico, name: str = "emulator") -> None:
        """Open the port; boots the board when it has not enumerated yet. Raises PortError when it does not."""
        self.name = name
        self._pico = pico
        self._closed = False
        try:
            pico.boot()
        except BenchError as error:
            raise PortError(str(error)) from error
        self._resets = pico.resets

    def write(self, data: bytes) -> None:
        """Send all of `data`; the board takes it while read() runs. Raises PortError."""
        self._check()
        self._pico.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived, as soon as anything has; b"" after `timeout_s` simulated seconds. Raises PortError."""
        if self._pico.unread and not self._closed:
            return self._pico.read()
        self._check()
        try:
            # Rounded up: a caller that waits for what is left of a second must see time pass.
            self._pico.run_until(
                lambda: bool(self._pico.unread) or self._pico.resets != self._resets, max(1, math.ceil(timeout_s * 1e9))
            )
        except BenchError as error:
            raise PortError(str(error)) from error
        if not self._pico.unread:
            self._check()
        return self._pico.read()

    def now_s(self) -> float:
        """Simulated seconds since power on."""
        return self._pico.nanos / 1e9

    def close(self) -> None:
        """Give the port up; the board stays as it is."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise PortError(f"{self.name} is closed")
        if self._pico.resets != self._resets:
            raise PortError(f"{self.name}: the board was reset; open the port again")

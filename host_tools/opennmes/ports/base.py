"""The contract of a port."""

from __future__ import annotations

from typing import Protocol


class Port(Protocol):
    """A stream of bytes to a device, and the clock that goes with it.

    The clock belongs to the port: wall time on a serial port, the board's own time on an emulated or virtual board.
    Whoever waits calls read(), because that is what makes such a board run.
    """

    @property
    def name(self) -> str:
        """What a person calls this port."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises PortError."""

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, as soon as anything has; b"" after `timeout_s` on the port's clock. Raises PortError."""

    def now_s(self) -> float:
        """Seconds on the port's clock."""

    def close(self) -> None:
        """Give the port up and end what belongs to it. May be called twice."""

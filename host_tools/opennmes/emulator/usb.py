"""The computer at the emulated board's USB port: it enumerates the board, opens its serial port, and carries bytes."""

from __future__ import annotations

from collections.abc import Callable

from rp2040py.rp2040 import RP2040
from rp2040py.usb.cdc import USBCDC


class UsbHost:
    """`cdc` is rp2040py's part of it. `heard` is called when bytes have arrived from the board."""

    def __init__(self, mcu: RP2040, heard: Callable[[], None]) -> None:
        self.connected = False  # enumerated, port open (DTR set)
        self._usb = mcu.usb_ctrl
        self._heard = heard
        self._received = bytearray()
        self._outgoing = bytearray()
        self._endpoint_waiting: tuple[int, int] | None = None  # the OUT endpoint the firmware offers, and its size
        self.cdc = USBCDC(self._usb)
        self.cdc.on_device_connected = self._on_connected
        self.cdc.on_serial_data = self._on_serial_data
        self._cdc_endpoint_read = self._usb.on_endpoint_read
        self._usb.on_endpoint_read = self._on_endpoint_read
        self._cdc_reset = self._usb.on_reset
        self._usb.on_reset = self._on_reset

    def write(self, data: bytes) -> None:
        """Queue bytes for the board; they go out as fast as the firmware takes them, when the chip runs."""
        self._outgoing += data
        self._feed_endpoint()

    def read(self, limit: int | None = None) -> bytes:
        """What has arrived and was not read yet: all of it, or its first `limit` bytes."""
        data = bytes(self._received[:limit])
        del self._received[:limit]
        return data

    @property
    def unsent(self) -> int:
        """Bytes that the firmware has not taken yet."""
        return len(self._outgoing)

    @property
    def unread(self) -> int:
        """Bytes that read() would return."""
        return len(self._received)

    def _on_connected(self) -> None:
        self.connected = True

    def _on_serial_data(self, data: bytes | bytearray) -> None:
        self._received += data
        self._heard()

    def _on_endpoint_read(self, endpoint: int, size: int) -> None:
        # rp2040py's own host answers each offer with an empty packet when it has nothing, which keeps the firmware
        # busy all the time. A real host lets the endpoint wait, and so does this one.
        if endpoint == 0:
            assert self._cdc_endpoint_read is not None
            self._cdc_endpoint_read(endpoint, size)
        else:
            self._endpoint_waiting = endpoint, size
            self._feed_endpoint()

    def _feed_endpoint(self) -> None:
        if self._endpoint_waiting is not None and self._outgoing:
            endpoint, size = self._endpoint_waiting
            self._endpoint_waiting = None
            self._usb.endpoint_read_done(endpoint, bytes(self._outgoing[:size]))
            del self._outgoing[:size]

    def _on_reset(self) -> None:
        self.connected = False
        self._endpoint_waiting = None
        self._outgoing.clear()
        if self._cdc_reset is not None:
            self._cdc_reset()

"""A device on a serial port, or on a socket that carries one."""

from __future__ import annotations

import errno
import shlex
import time
from pathlib import Path

import serial
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from opennmes.files import no_device
from opennmes.ports.errors import PortError

BAUD = 115_200  # USB CDC ignores it
WRITE_TIMEOUT_S = 5.0
_CHUNK = 4096
RASPBERRY_PI_VID = 0x2E8A


def _failures() -> tuple[type[Exception], ...]:
    """What pyserial lets through when a port fails; termios is of POSIX alone."""
    try:
        import termios
    except ImportError:
        return OSError, ValueError
    return OSError, ValueError, termios.error


_FAILURES = _failures()
_READING: tuple[type[Exception], ...] = (*_FAILURES, TypeError)  # pyserial, when it was closed meanwhile


class SerialPort:
    """A port whose clock is the wall's."""

    def __init__(self, device: str) -> None:
        """Open `device` for us alone; of "socket://HOST:PORT" who serves it decides who else may. Raises PortError."""
        self.name = device
        self._is_socket = "://" in device
        try:
            if self._is_socket:
                self._serial = serial.serial_for_url(device, write_timeout=WRITE_TIMEOUT_S)
            else:
                self._serial = serial.Serial(device, BAUD, exclusive=True, write_timeout=WRITE_TIMEOUT_S)
                self._serial.reset_input_buffer()
        except _FAILURES as error:
            raise PortError(f"{device}: {_why_no_socket(error) if self._is_socket else _why(device, error)}") from None

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises PortError."""
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            raise PortError(f"{self.name}: the device has taken nothing for {WRITE_TIMEOUT_S:g} s; reset it") from None
        except _FAILURES as error:
            raise self._vanished(error) from None

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, as soon as anything has; b"" after `timeout_s`. Raises PortError."""
        try:
            self._serial.timeout = timeout_s
            first: bytes = self._serial.read(1)
            rest: bytes = self._rest() if first else b""
        except _READING as error:
            raise self._vanished(error) from None
        return first + rest

    def _rest(self) -> bytes:
        """What has arrived behind the first byte. A socket does not say how much that is."""
        if not self._is_socket:
            return bytes(self._serial.read(self._serial.in_waiting))
        self._serial.timeout = 0
        return bytes(self._serial.read(_CHUNK))

    def now_s(self) -> float:
        """Seconds of wall time."""
        return time.monotonic()

    def close(self) -> None:
        """Give the port up."""
        self._serial.close()

    def _vanished(self, error: Exception) -> PortError:
        return PortError(f"{self.name}: the port is gone ({error}); was the board unplugged or reset? Plug it in again")


def usb_ports(ids: tuple[int, int]) -> list[ListPortInfo]:
    """The serial ports whose USB vendor and product are `ids`."""
    return sorted((port for port in list_ports.comports() if (port.vid, port.pid) == ids), key=lambda port: port.device)


def serial_ports() -> str:
    """The serial ports of this machine as a person reads them, boards of ours first."""
    there = [port for port in list_ports.comports() if port.hwid != "n/a"]  # a PC's own, mostly wired to nothing
    found = sorted(there, key=lambda port: (port.vid != RASPBERRY_PI_VID, port.device))
    if not found:
        return "no serial port is here; plug the board in (a cable that only charges shows none)"
    described = [
        f"{port.device} ({'Pico, ' if port.vid == RASPBERRY_PI_VID else ''}{port.description})" for port in found
    ]
    return "serial ports here: " + ", ".join(described)


def _why(device: str, error: Exception) -> str:
    if what := no_device(Path(device)):
        return f"it is {what} and no serial port; {serial_ports()}"
    doctor = f"`nmes doctor --port {shlex.quote(device)}`"
    code = getattr(error, "errno", None)
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        others = "or use --port virtual or --port emulator"
        return f"there is no such port, nor a board with this UID or name; {serial_ports()}; {others}"
    if code == errno.EACCES:
        return f"you may not use this port; {doctor} says who may, and what gives it to you"
    if code in (errno.EBUSY, errno.EAGAIN):
        return (
            "the port is busy: close the program that has it open (a serial monitor, mpremote, Thonny, another nmes; "
            f"ModemManager, for some seconds after it was plugged in); {doctor} says which"
        )
    return f"this cannot be opened as a serial port ({error}); {serial_ports()}"


def _why_no_socket(error: Exception) -> str:
    return f"nobody could be reached there ({error}); is the program that serves this port running there?"

"""Serial ports, on pseudo terminals."""

from __future__ import annotations

import errno
import os
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from opennmes.ports.errors import PortError
from opennmes.ports.serial import SerialPort, serial_ports


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The master side of a pseudo terminal and the device that clients open."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    try:
        os.close(master)
    except OSError as error:
        assert error.errno == errno.EBADF  # a test has closed it


def test_bytes_go_both_ways(terminal: tuple[int, str]) -> None:
    master, device = terminal
    port = SerialPort(device)
    port.write(b"hello\n")
    assert os.read(master, 100) == b"hello\n"
    os.write(master, b"world\n")
    assert port.read(5) == b"world\n"
    port.close()
    port.close()


def test_a_read_ends_without_data(terminal: tuple[int, str]) -> None:
    port = SerialPort(terminal[1])
    before_s = port.now_s()
    assert port.read(0.05) == b""
    assert port.now_s() - before_s >= 0.05
    port.close()


def test_what_came_before_is_not_read(terminal: tuple[int, str]) -> None:
    master, device = terminal
    os.write(master, b"old\n")
    port = SerialPort(device)
    assert port.read(0.01) == b""
    port.close()


def test_a_port_that_is_not_there_lists_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        SimpleNamespace(device="/dev/ttyS0", hwid="n/a", vid=None, description="n/a"),
        SimpleNamespace(device="/dev/ttyUSB0", hwid="USB", vid=0x0403, description="FT232"),
        SimpleNamespace(device="/dev/ttyACM1", hwid="USB", vid=0x2E8A, description="Board in FS mode"),
    ]
    monkeypatch.setattr("opennmes.ports.serial.list_ports.comports", lambda: ports)
    with pytest.raises(PortError, match="there is no such port") as caught:
        SerialPort("/dev/no-such-port")
    assert "/dev/ttyACM1 (Pico, Board in FS mode), /dev/ttyUSB0 (FT232)" in str(caught.value)
    assert "ttyS0" not in str(caught.value)
    monkeypatch.setattr("opennmes.ports.serial.list_ports.comports", list)
    assert "plug the board in" in serial_ports()


def test_a_file_that_is_no_serial_port(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="cannot be opened as a serial port"):
        SerialPort("/dev/null")
    (tmp_path / "my.toml").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path, "a folder"), (tmp_path / "my.toml", "a file"), (tmp_path / "pipe", "a pipe")):
        with pytest.raises(PortError, match=f"it is {what} and no serial port"):
            SerialPort(str(path))


def test_a_busy_port(terminal: tuple[int, str]) -> None:
    first = SerialPort(terminal[1])
    with pytest.raises(PortError, match="the port is busy") as caught:
        SerialPort(terminal[1])
    assert f"`nmes doctor --port {terminal[1]}` says which" in str(caught.value)
    assert "ModemManager" in str(caught.value)
    first.close()
    SerialPort(terminal[1]).close()


def test_a_port_that_one_may_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise serial.SerialException(errno.EACCES, "permission denied")

    monkeypatch.setattr("opennmes.ports.serial.serial.Serial", refuse)
    with pytest.raises(PortError, match="you may not use") as caught:
        SerialPort("/dev/ttyACM0")
    # The group is the device's own, and doctor reads it: no guess here.
    assert "`nmes doctor --port /dev/ttyACM0`" in str(caught.value) and "dialout" not in str(caught.value)


def test_a_port_that_vanishes(terminal: tuple[int, str]) -> None:
    master, device = terminal
    port = SerialPort(device)
    os.close(master)
    with pytest.raises(PortError, match="the port is gone"):
        port.read(1)
    with pytest.raises(PortError, match="the port is gone"):
        port.write(b"x\n")
    port.close()


def test_a_device_that_takes_nothing(terminal: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.ports.serial.WRITE_TIMEOUT_S", 0.05)
    port = SerialPort(terminal[1])
    with pytest.raises(PortError, match="has taken nothing"):
        port.write(b"x" * 1_000_000)
    port.close()

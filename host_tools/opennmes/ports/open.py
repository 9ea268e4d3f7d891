"""Opens a port by its name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

VIRTUAL = "virtual"
EMULATOR = "emulator"
LOAD_OHM = 500
KEEPS = "NMES_VIRTUAL_STORE"  # the beginning of those files' names
SOCKET = "socket://"

_SOCKET = re.compile(SOCKET + r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_MOST_TCP = 65_535


def open_port(name: str, *, uf2: Path | None = None, load_ohm: int = LOAD_OHM, pulse_log: Path | None = None) -> Port:
    """Open "virtual", "emulator", the device of a serial port, or "socket://HOST:PORT". Raises PortError.

    `uf2` is for the emulator, `pulse_log` for the virtual board, `load_ohm` for both; others do not look at them. The
    virtual board is a new one each time, unless NMES_VIRTUAL_STORE names the files in which one keeps its things.
    """
    if name == VIRTUAL:
        from opennmes.ports.virtual import VirtualPort  # not above: most commands do without

        store = os.environ.get(KEEPS)
        return VirtualPort(pulse_log, load_ohm, Path(store) if store else None)
    if name == EMULATOR:
        # Not above: it takes a second to load, and most commands do without.
        from opennmes.ports.emulator import EmulatedPortWithStage

        return EmulatedPortWithStage(uf2, load_ohm)
    # pyserial knows other addresses, and one of them (spy://) writes into files.
    address = _SOCKET.fullmatch(name)
    if "://" in name and not (address and 0 < int(address[2]) <= _MOST_TCP):
        raise PortError(f"{name}: of addresses only {SOCKET}HOST:PORT can be opened, as in {SOCKET}192.168.0.7:3333")
    try:
        # Not above: pyserial takes what it needs of the operating system as soon as it is imported.
        from opennmes.ports.serial import SerialPort
    except ImportError as missing:
        others = f"--port {VIRTUAL} and --port {EMULATOR}"
        raise PortError(f"{name}: this Python cannot open serial ports ({missing}); {others} work here") from None
    return SerialPort(name)

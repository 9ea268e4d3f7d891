"""Opens a port by its name."""

from __future__ import annotations

from pathlib import Path

from opennmes.ports.base import Port
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort

VIRTUAL = "virtual"
EMULATOR = "emulator"
LOAD_OHM = 500


def open_port(name: str, *, uf2: Path | None = None, load_ohm: int = LOAD_OHM, pulse_log: Path | None = None) -> Port:
    """Open "virtual", "emulator" or the device of a serial port. Raises PortError.

    `uf2` is for the emulator, `pulse_log` for the virtual board, `load_ohm` for both; others do not look at them.
    """
    if name == VIRTUAL:
        return VirtualPort(pulse_log, load_ohm)
    if name == EMULATOR:
        # Not above: it takes a second to load, and most commands do without.
        from opennmes.ports.emulator import EmulatorPort

        return EmulatorPort(uf2, load_ohm)
    try:
        # Not above: pyserial takes what it needs of the operating system as soon as it is imported.
        from opennmes.ports.serial import SerialPort
    except ImportError as missing:
        others = f"--port {VIRTUAL} and --port {EMULATOR}"
        raise PortError(f"{name}: this Python cannot open serial ports ({missing}); {others} work here") from None
    return SerialPort(name)

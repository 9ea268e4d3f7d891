"""Every board on this machine: those that run OpenNMES, MicroPython alone, or nothing (a chip in BOOTSEL)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from opennmes.device import drive
from opennmes.device import identity as identities
from opennmes.device.client import AtPrompt, Device, LinkError
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

OURS = "opennmes"
MICROPYTHON = "micropython"
BOOTSEL = "bootsel"
SILENT = "silent"
WITNESS = "witness"
BUSY = "busy"
NOT_MOUNTED = "not mounted"  # in BOOTSEL, and its drive cannot be seen before somebody mounts it

MICROPYTHON_IDS = (0x2E8A, 0x0005)  # of every rp2 build of MicroPython, ours too
ASK_S = 2.0  # an answer takes some 20 ms; a stock program may never give one


@dataclass(frozen=True)
class Board:
    """One board as it was found. `where` is its serial port or the folder of its drive."""

    kind: str
    where: str
    chip: str = ""
    uid: str = ""
    text: str = ""  # what a person should know when it is not one of ours
    identity: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def micropython_ports() -> dict[str, str]:
    """The serial ports with MicroPython's USB ids, each with the unique id of its chip. Raises PortError."""
    try:
        # Not above: pyserial takes what it needs of the operating system as soon as it is imported.
        from opennmes.ports.serial import usb_ports
    except ImportError as missing:
        raise PortError(f"this Python cannot look for serial ports ({missing}); reinstall opennmes") from None
    return {port.device: (port.serial_number or "").lower() for port in usb_ports(MICROPYTHON_IDS)}


def boards() -> list[Board]:
    """Every board that can be seen, ports first. Asks each port of MicroPython's USB ids who it is, and no other.

    Raises PortError and DriveError where this machine cannot be looked at.
    """
    ports = [at_port(device, uid) for device, uid in micropython_ports().items()]
    drives = [Board(BOOTSEL, str(found.mount), chip=found.chip) for found in drive.mounted()]
    text = "a chip in BOOTSEL whose drive nobody has mounted; `nmes flash` has that done"
    return ports + drives + [Board(NOT_MOUNTED, str(disk), text=text) for disk in drive.not_mounted()]


def _witness(port: Port) -> dict[str, Any] | None:
    """What a witness says of itself; None: there is none."""
    from opennmes.device.witness import Witness  # few have one

    try:
        witness = Witness(port)
        return witness.identity if witness.is_there() else None
    except PortError:
        return None


def at_port(device: str, uid: str = "") -> Board:
    """Who is on the serial port `device`. Changes nothing there and disturbs no session."""
    from opennmes.ports.serial import SerialPort

    try:
        port = SerialPort(device)
    except PortError as error:
        return Board(BUSY, device, uid=uid, text=str(error))
    try:
        asked = Device(port)
        identity = asked.introduce(ASK_S)
        status = asked.request("status", patience_s=ASK_S)
        return Board(OURS, device, uid=identity.get("uid", uid), identity=identity, status=status)
    except AtPrompt:
        return Board(MICROPYTHON, device, uid=uid, text="MicroPython's prompt; `nmes flash` puts OpenNMES onto it")
    except (LinkError, PortError):
        said = _witness(port)
        if said is not None:
            text = "a witness, which judges another board (docs/verify.md)"
            if said.get("digest") != identities.witness():
                text += f"; its firmware is not the one of these host tools: `nmes flash --port {device}`"
            return Board(WITNESS, device, uid=uid, text=text, identity=said)
        text = "no answer: a program of its own runs on it, or it hangs; `nmes flash` puts OpenNMES onto it"
        return Board(SILENT, device, uid=uid, text=text)
    finally:
        port.close()

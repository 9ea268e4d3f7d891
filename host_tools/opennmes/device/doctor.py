"""What keeps this computer from working with a board, and the command that mends it. Changes nothing; disturbs no
session."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opennmes import __version__, boards, paths
from opennmes.device import discover, drive, identity
from opennmes.device.discover import Board
from opennmes.device.drive import DriveError
from opennmes.device.uf2 import Uf2Error, read_uf2
from opennmes.files import no_device
from opennmes.ports.errors import PortError
from opennmes.ports.open import EMULATOR, VIRTUAL

FINE, NOTE, WRONG = "fine", "note", "wrong"

OLDEST_PYTHON = (3, 11)
USB = Path("/sys/bus/usb/devices")  # Linux says here what is plugged in
PROC = Path("/proc")
# USB ids of Raspberry Pi's chips, by product: MicroPython, and BOOTSEL of either chip.
_VENDOR, _MICROPYTHON = (f"{number:04x}" for number in discover.MICROPYTHON_IDS)
_BOOTSEL = ("0003", "000f")
_MODEM_MANAGER = "ModemManager"
_ROOM = 1 << 24  # more than any flash: only whether the file is whole is asked


def _udev_rule(name: str, then: str) -> str:
    """The command that has udev do `then` with every board, in a file of its own: no rule replaces another."""
    return (
        f"echo 'ATTRS{{idVendor}}==\"{_VENDOR}\", {then}' | sudo tee /etc/udev/rules.d/70-opennmes-{name}.rules && "
        "sudo udevadm control --reload && sudo udevadm trigger"
    )


_IGNORE_RULE = _udev_rule("modem", 'ENV{ID_MM_DEVICE_IGNORE}="1"')
_DESK_RULE = _udev_rule("desk", 'SUBSYSTEM=="tty", TAG+="uaccess"')


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `mend` is the command that mends it, empty where there is nothing to mend."""

    topic: str
    level: str
    text: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def findings(port: str | None = None) -> list[Finding]:
    """Everything that was looked at, on this computer and on its serial ports (or on `port` alone)."""
    found = [*versions(), *images(), *toolchain()]
    try:
        ports = [port] if port else list(discover.micropython_ports())
        found += [] if port else on_usb()
        found += [finding for name in ports for finding in of_port(name)]
        found += modem_manager(ports)
        if port is None and not ports and not drive.mounted():
            found.append(_no_board())
    except (PortError, DriveError) as failure:
        found.append(Finding("ports", WRONG, str(failure), "pipx reinstall opennmes"))
    return found


# ---- what is installed ----


def versions() -> Iterator[Finding]:
    """Python, OpenNMES, and each package that it needs."""
    have = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Finding(
            "python", WRONG, f"Python {have}; {oldest} or later is needed", f"pipx install --python {oldest} opennmes"
        )
    else:
        yield Finding("python", FINE, f"Python {have}, OpenNMES {__version__}")
    for name, wanted in _requirements():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                "packages", WRONG, f"the package {name} is missing", f'python -m pip install "{name}{wanted}"'
            )
            continue
        if not _fits(version, wanted):
            text = f"{name} {version} is installed, {wanted} is needed"
            yield Finding("packages", WRONG, text, f'python -m pip install "{name}{wanted}"')
        else:
            yield Finding("packages", FINE, f"{name} {version}")


def _requirements() -> list[tuple[str, str]]:
    """The packages that ours needs, and which versions of them; none when ours is not installed as a package."""
    try:
        listed = importlib.metadata.requires("opennmes") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [_split(row) for row in listed if "extra ==" not in row]


def _split(requirement: str) -> tuple[str, str]:
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return name[0], requirement[name.end() :].partition(";")[0].strip()


def _fits(version: str, wanted: str) -> bool:
    """Whether a version is within bounds such as ">=1.28,<1.30"; what cannot be told counts as within."""
    have = _numbers(version)
    tests: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
        ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "==": lambda a, b: a[: len(b)] == b
    }  # fmt: skip
    for bound in filter(None, wanted.split(",")):
        match = re.fullmatch(r"\s*(>=|<|==)\s*([\d.]+)\s*", bound)
        if match and not tests[match[1]](have, _numbers(match[2])):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part)  # type: ignore[index]


def images() -> Iterator[Finding]:
    """The UF2s of each board: there, whole, and made of the sources that belong to these host tools."""
    for name, stage in boards.images():
        in_setup = name in boards.setup_names()
        level = WRONG if in_setup else NOTE  # of the others each is built when somebody wants it
        make = f"make {'setup' if in_setup else 'firmware'}" if paths.checkout() else "pipx reinstall opennmes"
        path, which = paths.uf2(name, stage), f", stage {stage}" if stage else ""
        if not in_setup and not path.exists():
            continue
        try:
            image = read_uf2(path, _ROOM)
        except Uf2Error as failure:
            yield Finding("firmware", level, f"the UF2 for {name}{which}: {failure}", make)
            continue
        if identity.firmware().encode() not in image.data:
            text = f"{path} was made of other sources than belong to these host tools; they would refuse the board"
            yield Finding("firmware", level, text, make)
        else:
            yield Finding("firmware", FINE, f"the UF2 for {name}{which} belongs to these host tools: {path}")


def toolchain() -> Iterator[Finding]:
    """What the virtual board, modules and, in a checkout, the build of the firmware need."""
    from opennmes.ports.virtual import micropython

    checkout = paths.checkout() is not None
    try:
        yield Finding("toolchain", FINE, f"MicroPython for --port virtual: {micropython()}")
    except PortError as missing:
        # A wheel brings none, and everything but the virtual board does without.
        level = WRONG if checkout or "MICROPYTHON" in os.environ else NOTE
        yield Finding("toolchain", level, str(missing), "make setup" if checkout else "apt install micropython")
    if checkout and shutil.which("arm-none-eabi-gcc") is None:
        yield Finding("toolchain", NOTE, "no compiler for the Pico: the firmware cannot be built here", "make setup")


# ---- what is plugged in ----


def on_usb() -> Iterator[Finding]:
    """Raspberry Pi's chips on the USB bus that show neither a serial port nor a drive; Linux alone says so."""
    products = [_read(device / "idProduct") for device in USB.glob("*") if _read(device / "idVendor") == _VENDOR]
    waiting = drive.not_mounted()
    if any(product in _BOOTSEL for product in products) and not drive.mounted():
        text = "a chip in BOOTSEL is plugged in, and its drive is not mounted"
        disk = waiting[0] if waiting else "/dev/disk/by-label/RPI-RP2"
        yield Finding("usb", WRONG, text, f"udisksctl mount --block-device {disk}")
    if products.count(_MICROPYTHON) > len(discover.micropython_ports()):
        text = "a board with MicroPython is plugged in, and has no serial port: the kernel's driver is missing"
        yield Finding("usb", WRONG, text, "sudo modprobe cdc_acm")


def _no_board() -> Finding:
    return Finding(
        "cable", NOTE,
        "no board is plugged in. If one is, and its lamp is lit: a cable that only charges shows no board, and neither "
        "does a port without data; take another cable, straight into the computer",
        "nmes devices",
    )  # fmt: skip


def of_port(name: str) -> Iterator[Finding]:
    """Whether a serial port can be used, who has it if not, and who is on it."""
    if name in (VIRTUAL, EMULATOR) or "://" in name:
        text = f"{name}: it is no serial port of this computer, and only those are looked at"
        yield Finding("port", WRONG, text, f"nmes status --port {name}")
        return
    if what := no_device(Path(name)):
        yield Finding("port", WRONG, f"{name}: it is {what} and no serial port", "nmes devices")
        return
    if os.name == "posix" and not Path(name).exists():
        yield Finding("port", WRONG, f"{name}: there is no such port", "nmes devices")
        return
    denied = permission(name)
    if denied:
        yield denied
        return
    board = discover.at_port(name)
    yield _of_board(board)


def permission(name: str) -> Finding | None:
    """What keeps the person from using a device, by the group that the device itself has; None when nothing does."""
    try:
        node = os.stat(name)
    except OSError:
        return None  # COM3: Windows gives everybody the port
    if _may_use(name):
        return None
    import grp
    import pwd

    group, me = grp.getgrgid(node.st_gid), pwd.getpwuid(os.getuid()).pw_name
    if node.st_mode & (stat.S_IRGRP | stat.S_IWGRP) != stat.S_IRGRP | stat.S_IWGRP:
        text = (
            f"{name}: nobody but {pwd.getpwuid(node.st_uid).pw_name} may use it; a rule gives it to those at the desk"
        )
        return Finding("permission", WRONG, text, _DESK_RULE)
    if me in group.gr_mem:
        text = f"{name}: it belongs to the group {group.gr_name}, which you are in since you last logged in"
        return Finding("permission", WRONG, text, f"newgrp {group.gr_name}, or log out and in again")
    text = f"{name}: it belongs to the group {group.gr_name}, which you ({me}) are not in"
    return Finding("permission", WRONG, text, f"sudo usermod -aG {group.gr_name} {me}, then log out and in again")


def _may_use(name: str) -> bool:
    return os.access(name, os.R_OK | os.W_OK)


def _of_board(board: Board) -> Finding:
    where = board.where
    if board.kind == discover.BUSY:
        who = holders(where)
        if any(name == _MODEM_MANAGER for _, name in who):
            text = f"{where}: ModemManager has it open and asks it whether it is a modem"
            return Finding("port", WRONG, text, _IGNORE_RULE)
        if who:
            by = ", ".join(f"{name} (process {number})" for number, name in who)
            return Finding("port", WRONG, f"{where}: it is in use by {by}", f"kill {who[0][0]}")
        return Finding("port", WRONG, board.text, "close the program that has it open")
    if board.kind == discover.SILENT:
        return Finding("board", WRONG, f"{where}: {board.text}", f"nmes flash --port {where}")
    if board.kind == discover.MICROPYTHON:
        return Finding("board", NOTE, f"{where}: {board.text}", f"nmes flash --port {where}")
    if different := identity.differences(board.identity):
        text = f"{where}: what runs on it does not belong to these host tools: {'; '.join(different)}"
        return Finding("board", WRONG, text, identity.mend(board.identity, where))
    if board.status.get("fault"):
        text = f"{where}: OpenNMES {board.identity['version']} is there, in {board.status['state']}"
        return Finding("board", NOTE, f"{text}, fault {board.status['fault']}", f"nmes record --port {where}")
    return Finding("board", FINE, f"{where}: OpenNMES {board.identity['version']} is there and belongs to these tools")


# ---- other programs ----


def modem_manager(ports: list[str]) -> Iterator[Finding]:
    """ModemManager opens each new serial port for some seconds and writes to it."""
    if ports and any(name == _MODEM_MANAGER for _, name in processes()):
        text = "ModemManager runs here: for some seconds it has each board that is plugged in, and writes to it"
        yield Finding("modem manager", NOTE, text, _IGNORE_RULE)


def processes() -> list[tuple[int, str]]:
    """Every process that can be seen: its number and its name."""
    import psutil

    return [(process.pid, process.info["name"] or "") for process in psutil.process_iter(["name"])]


def holders(device: str) -> list[tuple[int, str]]:
    """The processes that have a device open, as far as one may look: number and name. Linux alone says so."""
    real = os.path.realpath(device)
    names = dict(processes())
    found = set()
    for link in PROC.glob("[0-9]*/fd/*"):
        try:
            number = int(link.parent.parent.name)
            if os.readlink(link) == real and number != os.getpid():
                found.add(number)
        except OSError:  # ended, or somebody else's
            continue
    return [(number, names.get(number, "?")) for number in sorted(found)]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""

"""The drive that a chip in BOOTSEL shows: finding it, and copying an image to it.

The drive is not a real one (RP2040 datasheet, 2.7.4): it has INFO_UF2.TXT and INDEX.HTM, nothing that is written to it
can be read back, and when the last block of a whole image has come the chip resets, so the drive vanishes. A drive that
vanishes is therefore the success, and one that stays is the failure.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from opennmes.device.patience import stretched
from opennmes.device.uf2 import RP2040, RP2350, Uf2

INFO = "INFO_UF2.TXT"
TARGET = "OPENNMES.UF2"  # a name that every FAT takes; the boot ROM does not look at it
CHUNK = 64 * 512
VANISH_S = 20.0
POLL_S = 0.5
_CHIPS = {"RPI-RP2": RP2040, "RP2350": RP2350}  # by the Board-ID, which is the disk's label too
BY_LABEL = Path("/dev/disk/by-label")
_AGAIN = "unplug the board, hold BOOTSEL while plugging it in again, and run the same command: nothing is lost by that"
# What an operating system says when the drive has gone under a write: that is how a flashed chip leaves.
_GONE = {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EINVAL, errno.ESTALE, errno.EBADF}


class DriveError(Exception):
    """The image is not on the board; the message says what happened and what to do."""


@dataclass(frozen=True)
class Drive:
    """A chip in BOOTSEL: where its drive is mounted, and which chip it is."""

    mount: Path
    chip: str


def is_at(mount: Path) -> bool:
    """Whether there is the drive of some chip in BOOTSEL at `mount`."""
    try:
        return (mount / INFO).is_file()
    except OSError:
        return False


def at_mount(mount: Path) -> Drive:
    """The drive at `mount`. Raises DriveError when there is none of a chip that we know."""
    try:
        info = (mount / INFO).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise DriveError(
            f"{mount}: there is no drive of a chip in BOOTSEL ({INFO}: {error.strerror}); hold BOOTSEL while plugging "
            "the board in, and name the folder at which the drive appears"
        ) from None
    found = re.search(r"^Board-ID:\s*(\S+)", info, re.MULTILINE)
    chip = _CHIPS.get(found[1]) if found else None
    if chip is None:
        raise DriveError(
            f"{mount}: the drive is of a board that is not known here ({found[1] if found else 'it does not say which'}"
            f"); known are {', '.join(_CHIPS)}"
        )
    return Drive(mount, chip)


def mounted() -> list[Drive]:
    """Every drive of a chip in BOOTSEL that is mounted on this machine. Raises DriveError where that cannot be told."""
    try:
        import psutil
    except ImportError as missing:
        raise DriveError(f"this Python cannot say which disks are mounted ({missing}); reinstall opennmes") from None

    found = []
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        with contextlib.suppress(DriveError):  # somebody else's boot loader, or a drive that is just vanishing
            if is_at(mount):
                found.append(at_mount(mount))
    return found


def not_mounted() -> list[Path]:
    """The disks of chips in BOOTSEL as block devices, on Linux: a machine without a desktop mounts none by itself."""
    if mounted():
        return []  # of several chips nobody can tell which disk is whose
    return [disk for label in _CHIPS if (disk := BY_LABEL / label).exists()]


def mount_by_udisks() -> list[Drive]:
    """Have udisks mount what nobody has mounted, as a desktop would; no privileges are needed. The drives that are
    there then; none where there is no disk of a chip, no udisks, or it refuses."""
    udisks = shutil.which("udisksctl")
    found = []
    for disk in not_mounted() if udisks else []:
        asked = subprocess.run(
            [str(udisks), "mount", "--no-user-interaction", "--block-device", str(disk)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        # "Mounted /dev/sda1 at /media/me/RPI-RP2", with or without a full stop; and when somebody was first:
        # "... Device /dev/sda1 is already mounted at `/media/me/RPI-RP2'."
        said = re.search(r"\bat [`'\"]?(/.*?)['\"]?\.?$", asked.stdout, re.MULTILINE)
        with contextlib.suppress(DriveError):
            if said:
                found.append(at_mount(Path(said[1])))
    return found


def check_chip(image: Uf2, chip: str, where: str) -> None:
    """Raises DriveError when `image` is for another chip than the one of the board at `where`."""
    if image.chip != chip:
        raise DriveError(
            f"{image.path} is for an {image.chip.upper()}, the board at {where} is an {chip.upper()}; nothing was "
            "written: choose the UF2 of this board"
        )


def copy(
    image: Uf2,
    drive: Drive,
    progress: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Copy `image` to `drive` and wait until the chip has left. Raises DriveError.

    `progress` is called with the bytes written and those there are.
    """
    check_chip(image, drive.chip, str(drive.mount))
    total = len(image.raw)
    done = 0
    try:
        for done in _written(image.raw, drive.mount / TARGET):
            progress(done, total)
    except OSError as error:
        if error.errno not in _GONE or done + CHUNK < total:
            raise _not_written(drive, image, done, error) from None
        # The chip took the last block and was gone before the operating system had its answer.
        progress(total, total)
    if not _vanishes(drive, clock, pause):
        raise DriveError(
            f"{drive.mount}: the whole image was written and the drive is still there, so the chip did not take it; "
            f"{_AGAIN}"
        )


def _not_written(drive: Drive, image: Uf2, done: int, error: OSError) -> DriveError:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DriveError(
            f"{drive.mount}: the drive cannot be written ({error.strerror}); mount it for writing, or copy "
            f"{image.path} there by hand"
        )
    if error.errno in _GONE:
        return DriveError(
            f"{drive.mount}: the drive went away after {done} of {len(image.raw)} bytes; was the cable pulled? {_AGAIN}"
        )
    return DriveError(
        f"{drive.mount}: writing stopped after {done} of {len(image.raw)} bytes ({error.strerror}); {_AGAIN}"
    )


def _written(raw: bytes, target: Path) -> Iterator[int]:
    """Write `raw`, block by block and through every cache; yields how much is written. No metadata follows the data:
    copying permissions or times onto a drive that is gone is the classic false failure."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0))
    try:
        for at in range(0, len(raw), CHUNK):
            view = memoryview(raw)[at : at + CHUNK]
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
            yield min(at + CHUNK, len(raw))
    finally:
        try:
            os.close(handle)
        except OSError as error:
            if error.errno not in _GONE:
                raise


def _vanishes(drive: Drive, clock: Callable[[], float], pause: Callable[[float], None]) -> bool:
    until_s = clock() + stretched(VANISH_S)
    while clock() < until_s:
        if not is_at(drive.mount):
            return True
        pause(POLL_S)
    return False

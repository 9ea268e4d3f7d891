"""Which part of the raw flash is whose; `flash` is that table of the board's facts (boards/pico/board.py)."""

import rp2
import vfs

from nmes.hal.common import IN_STORE, LAYOUT, SECTOR, Area
from nmes.hal.rp2.slots import Slots

_PROGRAM = 256
_SECTORS = 4  # rp2.Flash's ioctl that says how many there are


def partition(flash, name):
    """A part of the flash as a block device. MicroPython reaches what is behind the firmware, and no more.

    Raises ValueError when it reaches something else than the board's facts say: a stock MicroPython has its file system
    where our store would then be written."""
    begin, length = flash[name]
    reached = rp2.Flash().ioctl(_SECTORS, 0) * SECTOR
    if reached != sum(flash["records"]) - flash["store"][0]:
        raise ValueError("MicroPython reaches %d bytes of flash, not those from the store on" % reached)
    return _from(flash, begin, length)


def _from(flash, begin, length):
    return rp2.Flash(start=begin - flash["store"][0], len=length)  # type: ignore[call-arg]  # unknown to the stubs


def slots(flash):
    """The slots of the store."""
    return Slots(partition(flash, "store"))


def area(flash, name):
    """The sectors that have that name; none where a longer file system is in the place of the records: files of people
    may lie there."""
    if name != "sessions":
        return Area(partition(flash, "store"), LAYOUT[name])
    if _longer_files(flash):
        return Area(None, ())
    return Area(partition(flash, "records"), [sector - IN_STORE for sector in LAYOUT[name]])


def _longer_files(flash):
    """The file system that MicroPython itself makes reaches to the end of the flash; None where there is none."""
    begin, end = flash["files"][0], sum(flash["records"])
    try:
        return vfs.VfsLfs2(_from(flash, begin, end - begin), progsize=_PROGRAM)
    except Exception:
        return None


def mount_files(flash):
    """Mount the file system at /. One that cannot be mounted is left as it is, whatever is wrong with it; a part of the
    flash in which not a single bit has ever been programmed gets an empty one. The longer one that MicroPython itself
    makes is mounted too."""
    device = partition(flash, "files")
    try:
        files = _longer_files(flash) or vfs.VfsLfs2(device, progsize=_PROGRAM)
    except Exception:
        if not _blank(device, flash["files"][1] // SECTOR):
            return
        vfs.VfsLfs2.mkfs(device, progsize=_PROGRAM)
        files = vfs.VfsLfs2(device, progsize=_PROGRAM)
    vfs.mount(files, "/")


def _blank(device, sectors):
    held, erased = bytearray(SECTOR), b"\xff" * SECTOR
    for sector in range(sectors):
        device.readblocks(sector, held)
        if held != erased:
            return False
    return True

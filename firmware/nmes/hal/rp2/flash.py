"""Which part of the flash is whose; `flash` is that table of the board's facts (boards/pico/board.py)."""

import rp2
import vfs

from nmes.hal.common import LAYOUT, SECTOR, Area
from nmes.hal.rp2.files import FileSlots
from nmes.hal.rp2.slots import Slots

_PROGRAM = 256
_SECTORS = 4  # rp2.Flash's ioctl that says how many there are


def partition(flash, name):
    """A part of the flash as a block device. MicroPython reaches what is behind the firmware, and no more.

    Raises ValueError when it reaches something else than the board's facts say: a stock MicroPython has its file system
    where our store would then be written."""
    begin, length = flash[name]
    files, files_length = flash["files"]
    reached = rp2.Flash().ioctl(_SECTORS, 0) * SECTOR
    if reached != files + files_length - flash["store"][0]:
        raise ValueError("MicroPython reaches %d bytes of flash, not those from the store on" % reached)
    return rp2.Flash(start=begin - flash["store"][0], len=length)  # type: ignore[call-arg]  # unknown to the stubs


def slots(flash):
    """The slots of the store: in raw flash, or in files where the board has no part for them (a stock MicroPython)."""
    return Slots(partition(flash, "store")) if "store" in flash else FileSlots()


def area(flash, name):
    """The sectors of the store that have that name; none where the board has no part for them."""
    if "store" not in flash:
        return Area(None, ())
    return Area(partition(flash, "store"), LAYOUT[name])


def mount_files(flash):
    """Mount the file system at /. One that cannot be mounted is left as it is, whatever is wrong with it; a part of the
    flash in which not a single bit has ever been programmed gets an empty one."""
    device = partition(flash, "files")
    try:
        files = vfs.VfsLfs2(device, progsize=_PROGRAM)
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

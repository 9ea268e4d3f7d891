"""Which part of the flash is whose; `flash` is that table of the board's facts (boards/pico/board.py)."""

import rp2
import vfs

_SECTOR = 4_096
_PROGRAM = 256


def partition(flash, name):
    """A part of the flash as a block device. MicroPython reaches what is behind the firmware, and no more."""
    begin, length = flash[name]
    return rp2.Flash(start=begin - flash["store"][0], len=length)  # type: ignore[call-arg]  # unknown to the stubs


def mount_files(flash):
    """Mount the file system at /. One that cannot be mounted is left as it is, whatever is wrong with it; a part of the
    flash in which not a single bit has ever been programmed gets an empty one."""
    device = partition(flash, "files")
    try:
        files = vfs.VfsLfs2(device, progsize=_PROGRAM)
    except Exception:
        if not _blank(device, flash["files"][1] // _SECTOR):
            return
        vfs.VfsLfs2.mkfs(device, progsize=_PROGRAM)
        files = vfs.VfsLfs2(device, progsize=_PROGRAM)
    vfs.mount(files, "/")


def _blank(device, sectors):
    held, erased = bytearray(_SECTOR), b"\xff" * _SECTOR
    for sector in range(sectors):
        device.readblocks(sector, held)
        if held != erased:
            return False
    return True

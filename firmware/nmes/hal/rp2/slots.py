"""The slots of the store in raw flash: each in a sector of its own, behind nothing but erase and program.

`partition` is what rp2.Flash is: readblocks(sector, into), writeblocks(sector, data, at) which programs without
erasing, and ioctl(6, sector) which erases. It checks nothing, so whoever writes reads back (nmes/store.py).
"""

from nmes.hal.common import LAYOUT, PAGE, SECTOR

# The sector of each slot: copy 0, copy 1, mark 0, mark 1 of nmes/store.py.
SECTORS = LAYOUT["slots"]

_ERASE = 6
_ERASED = b"\xff"


class Slots:
    """A sector of `partition` for each slot."""

    def __init__(self, partition):
        self._partition = partition

    def read_slot(self, slot):
        """What a slot holds, without the erased bytes behind it."""
        return bytes(self._read(SECTORS[slot])).rstrip(_ERASED)

    def write_slot(self, slot, data):
        """Make a slot hold `data`, and erased bytes behind it. Raises ValueError when it has no room for them."""
        if len(data) > SECTOR:
            raise ValueError("%d bytes for a slot of %d" % (len(data), SECTOR))
        sector = SECTORS[slot]
        if not _can_become(self._read(sector), data):
            self._partition.ioctl(_ERASE, sector)
        for at in range(0, len(data), PAGE):
            page = bytearray(_ERASED * PAGE)
            part = data[at : at + PAGE]
            page[: len(part)] = part
            self._partition.writeblocks(sector, page, at)

    def _read(self, sector):
        data = bytearray(SECTOR)
        self._partition.readblocks(sector, data)
        return data


def _can_become(held, data):
    """Whether programming alone, which only clears bits, makes `data` of what a sector holds."""
    for at in range(len(data)):
        if held[at] & data[at] != data[at]:
            return False
    return not bytes(held[len(data) :]).strip(_ERASED)

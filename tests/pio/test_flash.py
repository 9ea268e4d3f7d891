"""hal/rp2/flash.py and parts.py on a flash in memory: which part is whose; only what was never used is formatted."""

from types import SimpleNamespace

import pytest
import shipped
from guarded import BOARD

FLASH = shipped.module(shipped.PROGRAM_FILE.with_name("parts.py"))
OF_ANY_BOARD = shipped.module(shipped.PROGRAM_FILE.with_name("flash.py"))
SECTOR = 4_096
PARTS = BOARD["flash"]
STORE, FILES, RECORDS = PARTS["store"], PARTS["files"], PARTS["records"]


class Part:
    """rp2.Flash: `length` bytes from `start` on, counted from where the firmware's own part ends; all that it reaches
    unless told otherwise."""

    REACHES = RECORDS[0] + RECORDS[1] - STORE[0]

    def __init__(self, start=0, len=REACHES):  # rp2.Flash calls it so
        self.start, self.length = start, len
        self.held = {}  # of each sector that is not erased

    def readblocks(self, sector, into):
        assert 0 <= sector < self.length // SECTOR
        into[:] = self.held.get(sector, b"\xff" * SECTOR)

    def ioctl(self, operation, _):
        assert operation == 4
        return self.length // SECTOR


class Files:
    """vfs.VfsLfs2 and vfs.mount; `mounts` has whether each time that it is tried it can be mounted."""

    def __init__(self, mounts):
        self.mounts = list(mounts)
        self.formatted = []
        self.mounted = []
        self.VfsLfs2 = type("VfsLfs2", (), {"__new__": self._new, "mkfs": staticmethod(self._mkfs)})

    def _new(self, _, device, progsize):
        assert progsize == 256
        if not self.mounts.pop(0):
            raise OSError(19)
        return device

    def _mkfs(self, device, progsize):
        assert progsize == 256
        self.formatted.append(device)

    def mount(self, files, at):
        self.mounted.append((files, at))


@pytest.fixture
def part(monkeypatch):
    """The part of the files, the same whenever it is asked for."""
    made = {}

    def flash(start=0, len=Part.REACHES):
        return made.setdefault((start, len), Part(start, len))

    monkeypatch.setattr(FLASH, "rp2", SimpleNamespace(Flash=flash))
    return FLASH.partition(PARTS, "files")


def mounted(monkeypatch, *mounts, longer=False):
    """`longer`: whether there is one that reaches to the end of the flash, which is tried first."""
    files = Files((longer, *mounts))
    monkeypatch.setattr(FLASH, "vfs", files)
    FLASH.mount_files(PARTS)
    return files


def test_the_store_is_where_the_firmware_ends_and_the_files_behind_it(part):
    store = FLASH.partition(PARTS, "store")
    assert (store.start, store.length) == (0, STORE[1])
    assert (part.start, part.length) == (FILES[0] - STORE[0], FILES[1])
    assert store.start + store.length <= part.start
    records = FLASH.partition(PARTS, "records")
    assert (records.start, records.length) == (part.start + part.length, RECORDS[1])
    assert records.start + records.length == Part.REACHES


@pytest.mark.parametrize("reaches", [FILES[1], 848 * 1024, Part.REACHES + SECTOR])
def test_h16_where_micropython_reaches_something_else_no_part_is_given(monkeypatch, reaches):
    # A stock one reaches its file system alone, and there our store would be written.
    monkeypatch.setattr(FLASH, "rp2", SimpleNamespace(Flash=lambda: Part(0, reaches)))
    for name in ("store", "files", "records"):
        with pytest.raises(ValueError, match=f"reaches {reaches} bytes of flash"):
            FLASH.partition(PARTS, name)


def test_without_a_part_of_its_own_the_store_is_in_files(part):
    assert type(FLASH.slots(PARTS)).__name__ == "Slots"
    assert type(OF_ANY_BOARD.slots({"files": FILES})).__name__ == "FileSlots"
    assert OF_ANY_BOARD.area({"files": FILES}, "sessions").count == 0


def test_h16_the_records_are_at_the_end_unless_a_longer_file_system_lies_there(part, monkeypatch):
    for longer, count in ((False, RECORDS[1] // SECTOR), (True, 0)):
        monkeypatch.setattr(FLASH, "vfs", Files((longer,)))
        area = FLASH.area(PARTS, "sessions")
        assert area.count == count
    monkeypatch.setattr(FLASH, "vfs", Files((False,)))
    read = []
    records = FLASH.partition(PARTS, "records")
    records.readblocks = lambda sector, into, at: read.append((sector, at))
    area = FLASH.area(PARTS, "sessions")
    for sector in (0, area.count - 1):
        area.read(sector, 0, bytearray(1))
    assert read == [(0, 0), (RECORDS[1] // SECTOR - 1, 0)]


def test_a_longer_file_system_is_mounted_as_it_is(part, monkeypatch):
    files = mounted(monkeypatch, longer=True)
    ((device, at),) = files.mounted
    assert (files.formatted, at, device.start) == ([], "/", part.start)
    assert device.start + device.length == Part.REACHES


def test_one_that_can_be_mounted_is_and_nothing_is_formatted(part, monkeypatch):
    part.held[0] = b"files" + b"\xff" * (SECTOR - 5)
    files = mounted(monkeypatch, True)
    assert (files.formatted, files.mounted) == ([], [(part, "/")])


@pytest.mark.parametrize("sector", [0, 1, FILES[1] // SECTOR - 1])
@pytest.mark.parametrize("at", [0, SECTOR - 1])
def test_h16_one_that_cannot_be_mounted_is_left_alone_if_a_single_bit_of_it_was_ever_programmed(
    part, monkeypatch, sector, at
):
    held = bytearray(b"\xff" * SECTOR)
    held[at] = 0xFE
    part.held[sector] = bytes(held)
    files = mounted(monkeypatch, False, True)
    assert (files.formatted, files.mounted) == ([], [])


def test_one_that_was_never_used_is_formatted_and_mounted(part, monkeypatch):
    files = mounted(monkeypatch, False, True)
    assert (files.formatted, files.mounted) == ([part], [(part, "/")])

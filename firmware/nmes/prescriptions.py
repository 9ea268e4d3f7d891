"""The prescriptions that a device keeps in flash, each in a sector of its own: a new one is whole before the one that
it replaces goes.

The first page of a sector, whatever version wrote the rest:

    0    b"NMEP", version, number, sequence, length of the document, its SHA-256, length of the title, the title, and
         behind it who went through the checklist with the person (core/stated.py)
    228  CRC-32 of the 228 bytes before it
    232  the mark of what is kept: the number, eight times
    240  the mark of what was removed: sixteen bytes, erased before

The document's text fills the pages behind it. It is written first and read back, then the head, then the mark: only
with the mark it is kept. Of two with the same number, which a power cut leaves, the higher sequence counts. A removal
programs its own mark, of all with the number, the oldest first; a sector is erased when it is written the next time.

A mark is there when two of its bytes are programmed, so no single damaged byte keeps or removes anything. What is kept
and whose head or text is not what was written is damaged: it is listed, and keeps nothing else from its use. What a
newer version wrote is left alone.

Nothing is held in memory: what is asked is looked up in the flash, some 20 ms on the chip. Who calls sees to it that
nobody is armed. All raise Refused and change nothing that is kept, `worn` when the flash does not take what is written;
the next try takes another sector.
"""

import binascii
import struct

from nmes.core import document, stated
from nmes.core.document import DAMAGED, NEWER, WHOLE, Row
from nmes.core.reason import refuse

VERSION = 1

_MAGIC = b"NMEP"
_HEAD = "<4sHHIH32sB"
_TITLE_AT = 47
_CRC_AT = 228
_KEPT_AT = 232
_REMOVED_AT = 240
_PAGE = 256
_MARK_LEAST = 2  # bytes
_NUMBER_LEAST = 5  # of the eight, to be believed without a head
_ERASED = b"\xff"
_BLANK = _ERASED * _PAGE


class _Put:
    """One that arrives in pieces from the host `by`. `checked`: who went through the checklist (core/stated.py)."""

    def __init__(self, by, sector, number, length, digest, checked):
        self.by = by
        self.checked = checked
        self.sector = sector
        self.number = number
        self.length = length
        self.digest = digest
        self.arrived = 0


class Prescriptions:
    """`area`: the sectors, as nmes.hal.Area has them; for none see nmes/documents.py. `source`: what a refusal calls
    it."""

    def __init__(self, area, source):
        self._area = area
        self._source = source
        self._page = bytearray(_PAGE)  # what was read last
        self._made = bytearray(_PAGE)  # what is to be programmed
        self._worn = []  # sectors that did not take what was written, since power on
        self._put = None
        self.changes = 0  # since power on, of what is kept: whoever shows it looks again

    # ---- what there is ----

    def after(self, number):
        """The next one whose number is higher: what `list` answers. Its number is 0 when there is none."""
        kept = self._kept()
        higher = sorted([other for other in kept if other > number])
        row = kept[higher[0]] if higher else document.no_row()
        self._read_text(row)
        return row.listed(len(kept))

    def numbers(self):
        """Those that are in use, in order."""
        return sorted(self._kept())

    def whole(self, number):
        """(row, text) of what is kept under a number. Raises Refused."""
        row = self._kept().get(number)
        if row is None:
            refuse("not_there", "number", number, "a number that is in use", self._source)
        text = self._read_text(row)
        if row.state == NEWER:
            refuse("newer", "number", number, "version %d" % VERSION, self._source)
        if row.state == DAMAGED:
            refuse("damaged", "number", number, "one that reads as it was written", self._source)
        return row, text

    def is_whole(self):
        """False when a sector cannot be read, or its first page is neither erased nor one whose writing was cut, and
        does not read as it was written: whatever was kept there may be lost. An erase that is cut leaves that too."""
        for sector in range(self._area.count):
            try:
                self._area.read(sector, 0, self._page)
            except OSError:
                return False
            # The marks come last: a head whose writing was cut has none.
            if not _has_head(self._page) and self._page[_KEPT_AT:] != _BLANK[_KEPT_AT:]:
                return False
        return True

    # ---- putting one in ----

    def begin(self, number, length, digest, by, said=None):
        """Make room for a document; number 0: the lowest that is free. `said`: the request, which states who went
        through the checklist (core/stated.py). Returns its number."""
        checked = stated.stated(said) if said else None
        kept = self._kept(tidy=True)
        if not number:
            free = [n for n in range(document.NUMBERS[0], document.NUMBERS[1] + 1) if n not in kept]
            if not free:
                refuse("full", "number", 0, "a number in use, or one removed first", self._source)
            number = free[0]
        elif number in kept and kept[number].state == NEWER:
            refuse("newer", "number", number, "version %d" % VERSION, self._source)
        self._put = None
        sector = self._free_sector()
        if not self._erase(sector):
            self._is_worn(sector)
        self._put = _Put(by, sector, number, length, digest, checked)
        return number

    def piece(self, at, data, by):
        """Write the next bytes of the document; whole pages, but for its last. Returns how many have arrived."""
        put = self._begun(by)
        if at != put.arrived:
            refuse("out_of_order", "at", at, put.arrived, self._source)
        end = at + len(data)
        if end > put.length or (len(data) % _PAGE and end != put.length):
            bound = "whole pages of %d bytes, up to the %d bytes that were announced" % (_PAGE, put.length)
            refuse("wrong_length", "data", len(data), bound, self._source)
        for begin in range(0, len(data), _PAGE):
            part = data[begin : begin + _PAGE]
            self._made[:] = _BLANK
            self._made[: len(part)] = part
            if not self._program(put.sector, _PAGE + at + begin):
                self._put = None
                self._is_worn(put.sector)
        put.arrived = end
        return end

    def end(self, check, by):
        """Keep what has arrived. `check(text)` returns the title of a document, or raises Refused. Returns the row."""
        put = self._begun(by)
        if put.arrived != put.length:
            refuse("incomplete", "bytes", put.arrived, put.length, self._source)
        self._put = None
        kept = self._rows()
        sequence = 1 + max([0] + [older.sequence for older in kept])
        row = Row(put.sector, WHOLE, put.number, sequence, put.length, put.digest)
        text = self._read_text(row)
        if row.state != WHOLE:
            refuse("other_digest", "digest", document.digest(text)[:16], "that of what was sent", self._source)
        row.title, row.checked = check(text), put.checked
        self._write_head(row)
        for older in kept:
            if older.number == row.number and older.state != NEWER:
                self._remove(older)  # where it does not, the newer one counts all the same
        return row

    def _begun(self, by):
        if self._put is None or self._put.by != by:
            refuse("not_begun", "prescription", "a piece", "`put` first, by the same host", self._source)
        return self._put

    def _write_head(self, row):
        title = row.title.encode()
        made = self._made
        made[:] = _BLANK
        head = struct.pack(_HEAD, _MAGIC, VERSION, row.number, row.sequence, row.length, row.digest, len(title))
        made[: len(head)] = head
        made[len(head) : len(head) + len(title)] = title
        if row.checked:
            stated.write(made, len(head) + len(title), _CRC_AT, row.checked)
        made[_CRC_AT:_KEPT_AT] = struct.pack("<I", binascii.crc32(made[:_CRC_AT]) & 0xFFFFFFFF)
        if self._program(row.sector, 0):
            made[_KEPT_AT:_REMOVED_AT] = bytes([row.number] * (_REMOVED_AT - _KEPT_AT))
            self._program(row.sector, 0)
        found = self._look(row.sector)  # with two bytes of the mark it is kept, whatever of the rest
        if found is None or (found.state, found.sequence) != (WHOLE, row.sequence):
            self._is_worn(row.sector)

    # ---- taking one out ----

    def remove(self, number):
        """Forget what is kept under a number. Raises Refused when there is nothing, or it cannot be."""
        rows = [row for row in self._rows() if row.number == number]
        if not rows:
            refuse("not_there", "number", number, "a number that is in use", self._source)
        if [row for row in rows if row.state == NEWER]:
            refuse("newer", "number", number, "version %d" % VERSION, self._source)
        for row in sorted(rows, key=lambda row: row.sequence):  # the oldest first: none comes back
            if not self._remove(row):
                self._is_worn(row.sector)

    def erase_next(self):
        """Erase a sector that is not erased, whoever wrote it. Returns how many are still to be erased."""
        self._put = None
        used = [s for s in range(self._area.count) if s not in self._worn and not self._is_blank(s)]
        if not used:
            return 0
        row = self._look(used[0])
        if row is not None:
            self._remove(row)  # an erase that is cut short may leave anything: not what looks like damage
        self._erase(used[0])
        return len(used) - 1

    # ---- the flash ----

    def _rows(self):
        """Everything that is kept, two under the same number too, and text that nobody has looked at."""
        rows = [self._look(sector) for sector in range(self._area.count)]
        return [row for row in rows if row is not None]

    def _kept(self, tidy=False):
        """What counts of each number. `tidy`: what a power cut left besides is removed."""
        kept: dict = {}
        for row in sorted(self._rows(), key=lambda row: row.sequence):
            older = kept.get(row.number)
            kept[row.number] = row
            if older is None:
                continue
            if NEWER in (older.state, row.state):
                kept[row.number] = older if older.state == NEWER else row
            elif tidy:
                self._remove(older)
        return kept

    def _look(self, sector):
        """The row of what is kept in a sector, None when it is free."""
        page = self._page
        try:
            self._area.read(sector, 0, page)
        except OSError:
            self._leave(sector)  # whatever it holds: nothing is written over it
            return None
        whole = _has_head(page)
        if whole:
            _, version, number, sequence, length, digest, title = struct.unpack(_HEAD, page[:_TITLE_AT])
            if version > VERSION:
                return Row(sector, NEWER, number)
            whole = version == VERSION
        kept, removed = bytes(page[_KEPT_AT:_REMOVED_AT]), bytes(page[_REMOVED_AT:])
        if _programmed(kept) < _MARK_LEAST or _programmed(removed) >= _MARK_LEAST:
            return None
        if whole:
            text = bytes(page[_TITLE_AT : _TITLE_AT + title]).decode()
            checked = stated.read(page, _TITLE_AT + title, _CRC_AT)
            return Row(sector, WHOLE, number, sequence, length, digest, text, checked)
        number = _most_of(kept)
        return Row(sector, DAMAGED, number) if number else None

    def _read_text(self, row):
        """The document's text; the row's state is DAMAGED when it is not what was written."""
        if row.state != WHOLE:
            return b""
        text = bytearray(row.length)
        try:
            self._area.read(row.sector, _PAGE, text)
        except OSError:
            row.state = DAMAGED
            return b""
        if binascii.unhexlify(document.digest(text)) != row.digest:
            row.state = DAMAGED
        return text

    def _free_sector(self):
        """The one that was written longest ago, as far as that can be told: the next after the newest."""
        rows = self._rows()
        used = [row.sector for row in rows] + self._worn
        newest = max([(row.sequence, row.sector) for row in rows] or [(0, -1)])[1]
        order = [(newest + step) % self._area.count for step in range(1, self._area.count + 1)]
        free = [sector for sector in order if sector not in used]
        if not free:
            refuse(
                "worn_out", "flash", "%d sectors" % len(self._worn), "a sector that takes what is written", self._source
            )
        return free[0]

    def _is_blank(self, sector):
        try:
            for at in range(0, self._area.sector_bytes, _PAGE):
                self._area.read(sector, at, self._page)
                if self._page != _BLANK:
                    return False
        except OSError:
            return False
        return True

    def _erase(self, sector):
        """Whether the sector is erased then; it is left alone if it was."""
        if self._is_blank(sector):
            return True
        try:
            self._area.erase(sector)
        except OSError:
            pass
        if self._is_blank(sector):
            return True
        self._leave(sector)
        return False

    def _program(self, sector, at):
        """Program the page that was made; whether it reads back so."""
        if not at:
            self.changes += 1  # a head or a mark
        try:
            self._area.program(sector, at, self._made)
            self._area.read(sector, at, self._page)
        except OSError:
            return False
        return self._page == self._made

    def _remove(self, row):
        """Whether the sector is free then: by the mark, else by erasing it."""
        self._made[:] = _BLANK
        self._made[_REMOVED_AT:] = b"\x00" * (_PAGE - _REMOVED_AT)
        self._program(row.sector, 0)
        return self._look(row.sector) is None or self._erase(row.sector)

    def _leave(self, sector):
        """Nothing more is written there before the power goes."""
        if sector not in self._worn:
            self._worn.append(sector)

    def _is_worn(self, sector):
        self._leave(sector)
        refuse("worn", "flash", "sector %d" % sector, "what is written, read back", self._source)


def _has_head(page):
    """Whether a page has a head, of whatever version, as it was written."""
    (crc,) = struct.unpack("<I", page[_CRC_AT:_KEPT_AT])
    return page[:4] == _MAGIC and crc == binascii.crc32(page[:_CRC_AT]) & 0xFFFFFFFF


def _programmed(mark):
    return len(mark) - mark.count(_ERASED)


def _most_of(mark):
    """The number that most of the bytes of a mark have; 0 without one."""
    for number in range(document.NUMBERS[0], document.NUMBERS[1] + 1):
        if mark.count(bytes([number])) >= _NUMBER_LEAST:
            return number
    return 0

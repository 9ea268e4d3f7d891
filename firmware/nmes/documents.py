"""What keeps documents, prescriptions or a calibration, on a board: in flash, or nothing where there is none for it."""

from binascii import unhexlify

from nmes.core import document
from nmes.core.reason import refuse


def documents(area, source=document.SOURCE):
    """What keeps documents in the sectors of `area` (nmes.hal.Area). `source`: what a refusal calls it."""
    if not area.count:
        return Nothing(source)
    from nmes.prescriptions import Prescriptions  # a stock MicroPython has no sectors, and no memory for this

    return Prescriptions(area, source)


def keep(kept, number, text, check, by):
    """Keep a document whose text is there whole: `begin`, each `piece` and `end` of nmes.prescriptions.Prescriptions.
    Returns its row. Raises Refused."""
    kept.begin(number, len(text), unhexlify(document.digest(text)), by)
    for at in range(0, len(text), document.PIECE_BYTES):
        kept.piece(at, text[at : at + document.PIECE_BYTES], by)
    return kept.end(check, by)


def need_sectors(kept):
    """Raises Refused where `kept` is on a board that has no sectors for it."""
    if isinstance(kept, Nothing):
        kept.refuse_sectors()


class Nothing:
    """In the place of nmes.prescriptions.Prescriptions on a board without sectors: it keeps nothing, and says so. Each
    method answers as the one of that name there does of an empty flash, or refuses."""

    changes = 0

    def __init__(self, source):
        self._source = source

    def after(self, number):
        return document.no_row().listed(0)

    def numbers(self):
        return []

    def is_whole(self):
        return True

    def erase_next(self):
        return 0

    def whole(self, number):
        refuse("not_there", "number", number, "a number that is in use", self._source)

    remove = whole

    def refuse_sectors(self):
        """Raises Refused: there is nothing to keep it in."""
        refuse("no_store", "flash", "no sectors", "a board with a store of its own", self._source)

    def begin(self, number, length, digest, by, said=None):
        self.refuse_sectors()

    def piece(self, at, data, by):
        refuse("not_begun", "prescription", "a piece", "`put` first, by the same host", self._source)

    def end(self, check, by):
        self.piece(0, b"", by)

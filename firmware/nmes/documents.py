"""What keeps documents, prescriptions or a calibration, on a board: in flash, or nothing where there is none for it."""

from nmes.core import document
from nmes.core.reason import refuse


def documents(area, source=document.SOURCE):
    """What keeps documents in the sectors of `area` (nmes.hal.Area). `source`: what a refusal calls it."""
    if not area.count:
        return Nothing(source)
    from nmes.prescriptions import Prescriptions  # a stock MicroPython has no sectors, and no memory for this

    return Prescriptions(area, source)


class Nothing:
    """In the place of nmes.prescriptions.Prescriptions on a board without sectors: it keeps nothing, and says so."""

    changes = 0

    def __init__(self, source):
        self._source = source

    def after(self, number):
        return {
            "number": 0,
            "title": "",
            "digest": "",
            "bytes": 0,
            "condition": "",
            "checked_version": 0,
            "checked_unix_s": None,
            "checked_by": "",
            "count": 0,
            "free": document.NUMBERS[1],
        }

    def numbers(self):
        return []

    def is_whole(self):
        return True

    def erase_next(self):
        return 0

    def whole(self, number):
        refuse("not_there", "number", number, "a number that is in use", self._source)

    remove = whole

    def need_sectors(self):
        refuse("no_store", "flash", "no sectors", "a board with a store of its own", self._source)

    def begin(self, number, length, digest, by):
        self.need_sectors()

    def piece(self, at, data, by):
        refuse("not_begun", "prescription", "a piece", "`put` first, by the same host", self._source)

    def end(self, check, by, checked=None):
        self.piece(0, b"", by)

"""The calibration that a device keeps in flash: the rows of core/calibration.py, and what they are for.

It is a document under number 1 in two sectors, written as nmes/prescriptions.py does it: the new one is whole before
the old one goes, so a power cut at any byte leaves the one or the other. It says which stage it corrects (the digest of
its facts) and on which board it was made (its unique id, because ADC and DAC are the board's).

What cannot be used is not applied, and nobody is armed until it has been undone: whoever has measured a stage and found
that it needs a correction is not to get another current for the same number without a word. Nominal rows are used in
silence only by a device that has never been calibrated, or whose calibration a person has undone.
"""

import json

from nmes.core import calibration, digest
from nmes.core.document import DAMAGED, NEWER, WHOLE
from nmes.core.reason import Refused, is_int, refuse
from nmes.documents import documents, keep

NONE = "none"  # never calibrated, or undone
OTHER_STAGE = "other_stage"
OTHER_BOARD = "other_board"

_NUMBER = 1
_SOURCE = "the device's calibration"
_KEYS = ["facts", "rows", "uid", "unix_s"]
_MAY_ARM = (NONE, WHOLE)
# Why nobody is armed, of every other condition.
_BOUND = {
    DAMAGED: "one that reads as it was written",
    NEWER: "one that this firmware or an older one wrote",
    OTHER_STAGE: "one of this stage",
    OTHER_BOARD: "one that was made on this board",
}


class Calibrated:
    """`condition`: NONE, WHOLE, or why what is kept is not applied. `rows`: those in force, {number of the channel as a
    text: row}; the stage's own unless it is WHOLE."""

    def __init__(self, area, stage, uid):
        self._kept = documents(area, _SOURCE)
        self._stage = stage
        self._uid = uid
        self._facts = None
        if stage["measures"]:
            self._facts = digest.of_facts(calibration.facts(stage))
        self.look()

    def look(self):
        """See what is kept."""
        self.rows = calibration.nominal(self._stage)
        self.unix_s = None  # when it was made
        self.condition, content = self._read()
        if content:
            self.rows = content["rows"]
            self.unix_s = content["unix_s"]

    def _read(self):
        """(condition, what is kept)."""
        state = self._kept.after(0)["condition"]
        if state == NEWER:
            return NEWER, None
        if state != WHOLE:
            return DAMAGED if state or not self._kept.is_whole() else NONE, None
        try:
            content = json.loads(self._kept.whole(_NUMBER)[1])
        except (Refused, ValueError):
            return DAMAGED, None
        if not isinstance(content, dict) or sorted(content) != _KEYS:
            return DAMAGED, None
        if content["uid"] != self._uid:
            return OTHER_BOARD, None
        if content["facts"] != self._facts:
            return OTHER_STAGE, None
        right = isinstance(content["rows"], dict) and not calibration.check(content["rows"], self._stage)
        if not right or not (content["unix_s"] is None or is_int(content["unix_s"])):
            return DAMAGED, None
        return WHOLE, content

    def need_usable(self):
        """Raises Refused when something is kept that is not applied; but not of a stage that measures nothing, which
        nobody can calibrate and nobody may be connected to."""
        if self._stage["measures"] and self.condition not in _MAY_ARM:
            bound = _BOUND[self.condition] + "; undo it, or calibrate anew after that"
            refuse("calibration", "calibration", self.condition, bound, _SOURCE)

    def keep(self, rows, unix_s, by):
        """Keep these rows, which core/calibration.check allows, and apply what reads back. Raises Refused; then what
        was kept before still is."""
        content = {"facts": self._facts, "rows": rows, "uid": self._uid, "unix_s": unix_s}
        text = json.dumps(content).encode()
        try:
            keep(self._kept, _NUMBER, text, self._title, by)
        finally:
            self.look()

    def _title(self, text):
        return self._stage["name"]

    def forget(self):
        """Keep none any more. What is damaged is erased too; of a newer firmware nothing is. Raises Refused."""
        try:
            if self._kept.after(0)["number"]:
                self._kept.remove(_NUMBER)
            while self._kept.erase_next():
                pass
        finally:
            self.look()

    def digest(self):
        """Of the rows that were measured, None while the stage's own are in force."""
        return digest.of_facts(self.rows) if self.condition == WHOLE else None

    def answer(self):
        """What the link says of it, keyed by calibration.FIELDS."""
        return dict(
            zip(calibration.FIELDS, (self.condition, self._stage["name"], self.unix_s, self.digest(), self.rows))
        )

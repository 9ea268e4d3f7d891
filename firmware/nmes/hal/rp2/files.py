"""The slots of the store as files, where MicroPython gives no raw flash (a stock one): on no board for people.

MicroPython's own _boot.py formats a file system that it cannot mount, and all slots are gone without a word.
"""

import errno
import os

FOLDER = "/opennmes-kept"
LEAST = 1_024  # littlefs keeps a file of up to 512 bytes within its folder's block, and then two slots share one
MOST = 4_096

_ERASED = b"\xff"


class FileSlots:
    """A file for each slot, in FOLDER."""

    def read_slot(self, slot):
        """What a slot holds, without the erased bytes behind it. Raises OSError when it cannot be read."""
        try:
            with open(_path(slot), "rb") as file:
                return file.read().rstrip(_ERASED)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return b""
            raise

    def write_slot(self, slot, data):
        """Make a slot hold `data`: under another name, then renamed, so that it is the old or the new. Raises OSError,
        and ValueError when it is too much."""
        if len(data) > MOST:
            raise ValueError("%d bytes for a slot of %d" % (len(data), MOST))
        try:
            os.mkdir(FOLDER)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
        new = FOLDER + "/new"
        with open(new, "wb") as file:
            file.write(data)
            file.write(_ERASED * (LEAST - len(data)))
        os.rename(new, _path(slot))


def _path(slot):
    return "%s/%d" % (FOLDER, slot)

"""hal/rp2/slots.py on a flash that fails: whoever asks is told, and nothing is made up."""

import unittest

from nmes.hal.rp2.slots import SECTOR, SECTORS, Slots


class Failing:
    """A partition that raises at the operation `bad`; all of it is programmed, so nothing is kept without an erase."""

    def __init__(self, bad):
        self.bad = bad
        self.asked = []

    def _ask(self, name, sector):
        self.asked.append((name, sector))
        if name == self.bad:
            raise OSError(5)

    def readblocks(self, sector, into):
        self._ask("read", sector)
        into[:] = b"\x00" * SECTOR

    def writeblocks(self, sector, data, at):
        self._ask("program", sector)

    def ioctl(self, operation, sector):
        self._ask("erase", sector)


class ThePartitionFails(unittest.TestCase):
    def test_h16_what_cannot_be_read_is_an_error_and_never_an_erased_slot(self):
        for slot in range(len(SECTORS)):
            with self.assertRaises(OSError):
                Slots(Failing("read")).read_slot(slot)

    def test_what_cannot_be_written_is_an_error_and_nothing_more_is_tried(self):
        for slot in range(len(SECTORS)):
            done = ["read", "erase", "program"]
            for at in range(len(done)):
                partition = Failing(done[at])
                with self.assertRaises(OSError):
                    Slots(partition).write_slot(slot, b"data")
                self.assertEqual(partition.asked, [(name, SECTORS[slot]) for name in done[: at + 1]])


if __name__ == "__main__":
    unittest.main()

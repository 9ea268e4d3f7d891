"""hal/rp2/files.py: the slots of the store in files, on whatever file system the interpreter has."""

import os
import unittest

from nmes.hal.rp2 import files


def place():
    """A folder in the one that conftest.py makes, and takes away again."""
    return (os.getenv("NMES_TEST_FOLDER") or ".") + "/slots"


def emptied():
    """No slot is kept. Returns the slots."""
    files.FOLDER = place()
    try:
        names = os.listdir(place())
    except OSError:
        return files.FileSlots()
    for name in names:
        os.remove(place() + "/" + name)
    os.rmdir(place())
    return files.FileSlots()


class SlotsInFiles(unittest.TestCase):
    def setUp(self):
        self.slots = emptied()

    def tearDown(self):
        emptied()

    def test_what_was_never_kept_is_empty(self):
        self.assertEqual([self.slots.read_slot(slot) for slot in range(4)], [b""] * 4)

    def test_each_slot_holds_what_it_was_given_last(self):
        for data in (b"first", b"x" * 4_096, b"", b"\x00\xff\x00", b"y" * 1_024, b"z" * 1_025):
            for slot in range(4):
                self.slots.write_slot(slot, data[:4_095] + bytes([slot]))
            for slot in range(4):
                self.assertEqual(self.slots.read_slot(slot), data[:4_095] + bytes([slot]))
        self.assertEqual(sorted(os.listdir(place())), ["0", "1", "2", "3"])

    def test_erased_bytes_behind_the_data_are_not_told_from_it(self):
        self.slots.write_slot(0, b"data\xff\xff")
        self.assertEqual(self.slots.read_slot(0), b"data")

    def test_no_file_is_so_small_that_littlefs_would_keep_two_in_one_block(self):
        self.slots.write_slot(2, b"data")
        self.assertTrue(os.stat(place() + "/2")[6] >= 1_024)

    def test_too_much_changes_nothing(self):
        self.slots.write_slot(1, b"data")
        with self.assertRaises(ValueError):
            self.slots.write_slot(1, b"x" * 4_097)
        self.assertEqual(self.slots.read_slot(1), b"data")

    def test_h16_what_cannot_be_read_or_written_is_an_error_and_never_an_erased_slot(self):
        self.slots.write_slot(0, b"data")
        os.remove(place() + "/0")
        os.mkdir(place() + "/0")
        with self.assertRaises(OSError):
            self.slots.read_slot(0)
        with self.assertRaises(OSError):
            self.slots.write_slot(0, b"other")
        os.rmdir(place() + "/0")
        files.FOLDER = place() + "/none/deeper"
        with self.assertRaises(OSError):
            self.slots.write_slot(0, b"other")

    def test_h16_a_power_cut_before_the_rename_leaves_what_was_kept(self):
        self.slots.write_slot(3, b"old")
        with open(place() + "/new", "wb") as half:
            half.write(b"ne")
        self.assertEqual(files.FileSlots().read_slot(3), b"old")
        self.slots.write_slot(3, b"newer")
        self.assertEqual(self.slots.read_slot(3), b"newer")


if __name__ == "__main__":
    unittest.main()

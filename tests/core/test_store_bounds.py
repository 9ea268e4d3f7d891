"""store.py at its bounds: the numbers of saves, how much there is room for, and what still makes sense."""

import binascii
import json
import struct
import unittest

from bench_hal import BenchHal
from test_store import NotingHal, damaged, read, record, slots_with

from nmes.core import faults, lockout
from nmes.store import FACTORY, TEXT_MAX, VERSION, Store, _encode


def kept(key, value):
    """All slots after `key` alone was kept."""
    hal = BenchHal()
    store = Store(hal)
    store.put(key, value)
    store.flush()
    return hal.slots


class TheNumbers(unittest.TestCase):
    def test_a_new_device_begins_at_0_and_each_change_is_one_more(self):
        store = Store(BenchHal())
        numbers = [store.number]
        for value in (record(), None, record()):
            store.put("fault", value)
            numbers.append(store.number)
        self.assertEqual(numbers, [0, 1, 2, 3])
        store.flush()
        self.assertEqual(read(store._hal.slots).number, 3)


class HowMuch(unittest.TestCase):
    def text_of(self, length):
        """A fault's text with which what is kept is so many bytes."""
        content = dict(FACTORY, fault=record(fault_text=""))
        return "x" * (length - len(json.dumps(content).encode()))

    def test_2000_bytes_are_kept_and_one_more_is_an_error(self):
        self.assertEqual(TEXT_MAX, 2_000)
        whole = record(fault_text=self.text_of(2_000))
        self.assertEqual(damaged(slots_with(whole)), (False, whole))
        with self.assertRaises(ValueError):
            slots_with(record(fault_text=self.text_of(2_001)))


class WhatMakesSense(unittest.TestCase):
    def test_a_lock_out_up_to_its_longest_and_a_session_that_is_open_or_is_not(self):
        for key, most in (("used_ms", lockout.LONG_MS), ("locked_ms", lockout.LOCKOUT_MS), ("open", 1)):
            for value in (0, 1, most):
                store = read(kept(key, value))
                self.assertEqual((store.damaged, store.get(key)), (False, value))
            for value in (-1, most + 1):
                self.assertTrue(read(kept(key, value)).damaged, "%s %d" % (key, value))


class WithARightCrc(unittest.TestCase):
    def copy(self, text, magic=b"NMES"):
        """A copy that is whole as far as a CRC tells."""
        data = struct.pack("<4sHIH", magic, VERSION, 1, len(text)) + text
        return data + struct.pack("<I", binascii.crc32(data) & 0xFFFFFFFF)

    def refused(self, copy):
        marks = slots_with(record(7))[2:]
        return damaged([copy, copy] + marks) == (True, None)

    def test_this_is_how_a_copy_is_made(self):
        self.assertEqual(self.copy(json.dumps(FACTORY).encode()), _encode(1, FACTORY))

    def test_h16_another_magic_is_damage_whichever_comes_first(self):
        text = json.dumps(FACTORY).encode()
        for magic in (b"NMER", b"NMET", b"AMES", b"ZMES"):
            self.assertTrue(self.refused(self.copy(text, magic)), magic)

    def test_h16_a_text_that_is_no_json_is_damage(self):
        for text in (b"", b"{", b"null and more"):
            self.assertTrue(self.refused(self.copy(text)), text)

    def test_h16_a_fault_with_a_field_more_or_one_less_is_damage(self):
        fields = sorted(faults.RECORD_FIELDS)
        for name in ("a", "zz"):
            fault = record()
            fault[name] = 0
            self.assertTrue(self.refused(self.copy(json.dumps(dict(FACTORY, fault=fault)).encode())), name)
        for name in (fields[0], fields[-1]):
            fault = record()
            del fault[name]
            self.assertTrue(self.refused(self.copy(json.dumps(dict(FACTORY, fault=fault)).encode())), name)


class BeginningAnew(unittest.TestCase):
    def test_what_a_person_gave_up_is_written_over_although_nothing_else_has_changed(self):
        whole = slots_with(record(7))
        store = read([b"x", b"x", whole[2], whole[3]])
        self.assertEqual((store.damaged, store.due), (True, False))
        store.begin_anew()
        self.assertEqual((store.damaged, store.newer, store.due), (False, False, True))
        store.flush()
        self.assertEqual(store.due, False)
        self.assertEqual(damaged(store._hal.slots), (False, None))
        self.assertEqual(store._hal.slots[0], store._hal.slots[1])


class WhatEndsLikeErasedFlash(unittest.TestCase):
    def test_h16_is_kept_like_anything_else_and_is_no_damage(self):
        # One CRC in 256: a slot does not tell its last byte from the erased ones behind it.
        alike = [ms for ms in range(1_200) if _encode(1, dict(FACTORY, used_ms=ms))[-1] == 0xFF]
        self.assertTrue(alike)
        for used_ms in alike:
            slots = kept("used_ms", used_ms)
            self.assertEqual(slots[0][-1], 0xFF)
            store = read(slots)
            self.assertEqual((store.damaged, store.due, store.get("used_ms")), (False, False, used_ms))


class WhatDoesNotReadBack(unittest.TestCase):
    def test_is_told_with_its_slot(self):
        for slot in range(4):
            store = Store(NotingHal(None, slot, lambda data: data[:-1]))
            store.put("fault", record())
            with self.assertRaises(OSError) as raised:
                store.flush()
            self.assertIn("slot %d does not read as it was written" % slot, str(raised.exception))


class TheOrder(unittest.TestCase):
    def test_of_two_alike_the_first_is_written_first_and_marks_that_are_there_are_left_alone(self):
        hal = NotingHal(slots_with(record(7)))
        store = Store(hal)
        store.put("fault", None)
        store.flush()
        self.assertEqual(hal.wrote, [0, 1])

    def test_h16_the_only_whole_copy_is_written_last_also_the_very_first_one(self):
        _, _, *marks = slots_with(record(7))
        for number in (0, 1, 2):
            whole = _encode(number, FACTORY)
            for lost in (b"", b"x"):
                for slots, order in (([whole, lost], [1, 0]), ([lost, whole], [0, 1])):
                    hal = NotingHal(slots + marks)
                    store = Store(hal)
                    self.assertEqual((store.damaged, store.due), (False, True))
                    store.flush()
                    self.assertEqual(hal.wrote, order, "%d %s" % (number, lost))


if __name__ == "__main__":
    unittest.main()

"""store.py at its bounds: the numbers of saves, how much there is room for, and what still makes sense."""

import json
import unittest

from bench_hal import BenchHal
from test_store import NotingHal, damaged, read, record, slots_with

from nmes.core import lockout
from nmes.store import FACTORY, TEXT_MAX, Store, _encode


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


if __name__ == "__main__":
    unittest.main()

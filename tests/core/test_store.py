"""store.py: a power cut or a bad cell at any byte loses nothing that was accepted, and invents nothing."""

import unittest

from bench_hal import BenchHal, PowerCut

from nmes.core import faults
from nmes.store import FACTORY, Store


def record(number=faults.PULSE_CHECK, **changes):
    made = dict.fromkeys(faults.RECORD_FIELDS, 0)
    made.update({"fault": number, "fault_text": "level 3", "at_ms": 12_345, "intensity_ua": [1_000, 0]})
    made.update(changes)
    return made


def slots_with(*records):
    """Both slots after each of `records` was kept."""
    hal = BenchHal()
    store = Store(hal)
    for one in records:
        store.put("fault", one)
        store.flush()
    return hal.slots


def read(slots):
    return Store(BenchHal(list(slots)))


class Keeping(unittest.TestCase):
    def test_a_new_board_has_the_factory_s_values_and_writes_nothing(self):
        hal = BenchHal()
        store = Store(hal)
        store.flush()
        self.assertEqual(({key: store.get(key) for key in FACTORY}, store.damaged, hal.kept), (FACTORY, False, []))

    def test_what_was_kept_is_there_again_and_both_slots_hold_it(self):
        slots = slots_with(record(), None, record(7))
        self.assertEqual(slots[0], slots[1])
        store = read(slots)
        self.assertEqual((store.get("fault"), store.damaged), (record(7), False))

    def test_a_turn_writes_one_slot_and_the_next_the_other(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("fault", record())
        for written in (1, 2, 2):
            store.turn()
            self.assertEqual(len(hal.kept), written)

    def test_factory_values_are_not_changed_by_those_in_use(self):
        Store(BenchHal()).put("fault", record())
        self.assertEqual(FACTORY["fault"], None)


class OneSlotIsBad(unittest.TestCase):
    def check(self, slots):
        store = read(slots)
        self.assertEqual((store.get("fault"), store.damaged), (record(7), False))
        # It is mended at the next opportunity.
        store.flush()
        self.assertEqual(store._hal.slots[0], store._hal.slots[1])
        self.assertEqual(read(store._hal.slots).get("fault"), record(7))

    def test_h16_cut_at_any_byte(self):
        for slot in (0, 1):
            whole = slots_with(record(), record(7))
            for length in range(len(whole[slot])):
                slots = list(whole)
                slots[slot] = slots[slot][:length]
                self.check(slots)

    def test_h16_any_byte_changed(self):
        for slot in (0, 1):
            whole = slots_with(record(), record(7))
            for at in range(len(whole[slot])):
                for flip in (0x01, 0x80, 0xFF):
                    slots = list(whole)
                    changed = bytearray(slots[slot])
                    changed[at] ^= flip
                    slots[slot] = bytes(changed)
                    self.check(slots)

    def test_two_whole_ones_that_differ_the_newer_counts(self):
        old, new = slots_with(record())[0], slots_with(record(), record(7))[0]
        self.check([old, new])
        self.check([new, old])

    def test_something_behind_it(self):
        whole = slots_with(record(), record(7))
        self.check([whole[0] + b"\x00", whole[1]])


class BothSlotsAreBad(unittest.TestCase):
    def check(self, slots):
        store = read(slots)
        self.assertEqual(({key: store.get(key) for key in FACTORY}, store.damaged), (FACTORY, True))

    def test_h16_cut_or_changed_at_any_byte(self):
        whole = slots_with(record(7))[0]
        for at in range(len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 0x10
            self.check([bytes(changed), b"x" + whole[:at]])
            if at:
                self.check([whole[:at], b""])

    def test_h16_what_makes_no_sense_counts_as_bad_although_its_crc_is_right(self):
        for nonsense in (
            record(0),
            record(98),
            record(True),
            record("2"),
            record(fault_text=None),
            record(at_ms=-1),
            record(at_ms=2**31),
            record(at_ms=0.5),
            {"fault": 2},
            [2],
            2,
        ):
            self.check(slots_with(nonsense))
        for key, value in (("other", 1), ("used_ms", -1), ("locked_ms", 1_800_001), ("locked_ms", 1.5), ("open", True)):
            hal = BenchHal()
            store = Store(hal)
            store.put(key, value)
            store.flush()
            self.check(hal.slots)


class APowerCut(unittest.TestCase):
    def test_h16_at_every_byte_of_every_write_leaves_the_old_or_the_new(self):
        records = (record(), None, record(7), record(8, fault_text="longer " * 9))
        total = 0
        for one in records:
            total += 2 * len(slots_with(one)[0])
        seen = set()
        for cut in range(total):
            hal = BenchHal()
            hal.bytes_left = cut
            store = Store(hal)
            accepted = started = None
            try:
                for one in records:
                    started = one
                    store.put("fault", one)
                    store.flush()
                    accepted = one
            except PowerCut:
                pass
            after = read(hal.slots)
            # The very first write has nothing to fall back on: half of it is damage, and the device says so.
            first = accepted is None and not hal.slots[1]
            self.assertEqual(after.damaged, first and len(hal.slots[0]) > 0 and after.get("fault") is None)
            self.assertTrue(after.get("fault") in (accepted, started), str(cut))
            seen.add(str(after.get("fault")))
            # And the next write works, whatever was left.
            after.put("fault", record(9))
            after.flush()
            self.assertEqual(read(after._hal.slots).get("fault"), record(9))
        self.assertEqual(len(seen), len(records))

    def test_a_cut_while_the_bad_slot_is_mended_loses_nothing(self):
        whole = slots_with(record(), record(7))
        for cut in range(len(whole[0])):
            hal = BenchHal([whole[0][:-1], whole[1]])
            hal.bytes_left = cut
            with self.assertRaises(PowerCut):
                Store(hal).flush()
            self.assertEqual(read(hal.slots).get("fault"), record(7))


class ABadFlash(unittest.TestCase):
    def test_an_error_is_told_once_and_the_next_change_tries_again(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("fault", record())
        hal.flash_error = OSError(28)
        with self.assertRaises(OSError):
            store.turn()
        store.turn()
        hal.flash_error = None
        store.put("fault", record(7))
        store.flush()
        self.assertEqual(read(hal.slots).get("fault"), record(7))

    def test_what_does_not_read_back_is_an_error(self):
        hal = BenchHal()
        store = Store(hal)
        hal.recall = lambda slot: b""
        store.put("fault", record())
        with self.assertRaises(OSError):
            store.turn()

    def test_more_than_there_is_room_for_is_an_error_and_nothing_is_written(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("fault", record(fault_text="x" * 2_000))
        with self.assertRaises(ValueError):
            store.turn()
        self.assertEqual(hal.kept, [])


if __name__ == "__main__":
    unittest.main()

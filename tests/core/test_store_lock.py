"""store.py and the lock: a power cut at any byte leaves the old one or the new one, and no damage means unlocked."""

import unittest

import test_store
from bench_hal import Bench, BenchHal
from test_lock import KEY, OTHER, UID
from test_store import Flash, FlashHal, NotingHal, cuts, of_version, read, record

from nmes.core import faults
from nmes.core.lock import LOST, Lock
from nmes.core.session import FAULT, IDLE
from nmes.hal.rp2.slots import PAGE, SECTOR, SECTORS
from nmes.store import FACTORY, VERSION, Store

NOTHING = b""
LOST_ONE = {"key": LOST, "counter": 0}


def row(key, counter):
    return {"key": key, "counter": counter}


# What happens to a lock, and what is kept after each.
HISTORY = (
    (lambda one: one.close(KEY), row(KEY, 0)),
    (lambda one: one.use(9), row(KEY, 9)),
    (lambda one: one.close(OTHER), row(OTHER, 9)),
    (lambda one: one.open(), row("", 9)),
)


def slots_with(*locks):
    return test_store.slots_with(*locks, name="lock")


def kept_on(flash, steps=None):
    """[(operations of the flash done, the lock that is accepted by then)]."""
    store = Store(FlashHal(flash))
    accepted = [(0, FACTORY["lock"])]
    for act, after in HISTORY[:steps]:
        act(Lock(store, UID))
        store.flush()
        accepted.append((len(flash.done), after))
    return accepted


class Keeping(unittest.TestCase):
    def test_a_new_device_has_none(self):
        self.assertEqual(FACTORY["lock"], {"key": "", "counter": 0})
        self.assertEqual(Store(BenchHal()).get("lock"), FACTORY["lock"])

    def test_it_is_in_both_copies_and_in_both_marks_and_nothing_is_due(self):
        for one in (row(KEY, 5), row("", 5), row(LOST, 0)):
            slots = slots_with(one)
            self.assertEqual((slots[0], slots[2]), (slots[1], slots[3]))
            self.assertEqual((read(slots).get("lock"), read(slots).due), (one, False))

    def test_the_marks_are_written_when_the_lock_changes_and_else_left_alone(self):
        hal = NotingHal(slots_with(row(KEY, 5)))
        store = Store(hal)
        store.put("used_ms", 7)
        store.flush()
        self.assertEqual(hal.wrote, [0, 1])
        store.put("lock", row(KEY, 6))
        store.flush()
        self.assertEqual(hal.wrote, [0, 1, 0, 1, 2, 3])

    def test_what_can_be_no_lock_is_damage_although_its_crc_is_right(self):
        for wrong in (row("x", 0), row(KEY, -1), row(KEY, True), {"key": KEY}, None, row(KEY, 1_000_000_000)):
            self.assertTrue(read(slots_with(wrong)).damaged)

    def test_a_mark_of_another_lock_than_the_copies_is_written_again(self):
        old, new = slots_with(row(KEY, 5)), slots_with(row(KEY, 5), row(KEY, 6))
        for marks in ([old[2], new[3]], [new[2], old[3]], [old[2], old[3]]):
            store = read(new[:2] + marks)
            self.assertEqual((store.get("lock"), store.due), (row(KEY, 6), True))
            store.flush()
            self.assertEqual((store._hal.slots[2:], read(store._hal.slots).due), (new[2:], False))


class Damage(unittest.TestCase):
    def check(self, slots, wanted):
        """The lock that a device has with these slots, before and after a person has cleared the fault."""
        bench = Bench(list(slots))
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))
        self.assertEqual(bench.store.get("lock"), wanted)
        bench.supervisor.clear(faults.STORE_CORRUPT)
        again = bench.again()
        for one in (bench, again):
            self.assertEqual((one.session.state, one.store.get("lock")), (IDLE, wanted))
            self.assertEqual(one.supervisor.lock.locked, wanted["key"] != "")

    def test_h16_with_both_copies_lost_the_marks_have_key_and_counter(self):
        for one in (row(KEY, 5), row("", 5)):
            whole = slots_with(one)
            for copies in ([b"x", b"x"], [NOTHING, NOTHING], [whole[0][:-1], b"x"], [None, None]):
                if None not in copies:  # which nothing can be written to
                    self.check(copies + whole[2:], one)
                    self.check(copies + [whole[2], NOTHING], one)
                    self.check(copies + [b"x", whole[3]], one)
                self.assertEqual(read(copies + whole[2:]).get("lock"), one)

    def test_h16_with_the_marks_lost_too_it_is_locked_and_its_key_is_lost(self):
        whole = slots_with(row("", 0))
        for marks in ([b"x", b"x"], [NOTHING, NOTHING], [b"x", NOTHING], [NOTHING, whole[3][:-1]]):
            self.check([b"x", b"x"] + marks, LOST_ONE)
        self.check([NOTHING, NOTHING, b"x", NOTHING], LOST_ONE)
        self.check([NOTHING, b"x", NOTHING, NOTHING], LOST_ONE)

    def test_marks_that_differ_are_read_as_locked_with_the_highest_counter(self):
        first, second = slots_with(row(KEY, 5)), slots_with(row("", 7))
        for marks in ([first[2], second[2]], [second[2], first[2]]):
            self.check([b"x", b"x"] + marks, row(KEY, 7))

    def test_where_nothing_was_ever_kept_there_is_no_lock_even_if_files_of_an_old_firmware_are_damaged(self):
        self.assertEqual(read([NOTHING] * 4).get("lock"), FACTORY["lock"])
        hal = BenchHal()
        hal.files = [b"x", b"x"]
        store = Store(hal, hal.inherited)
        self.assertEqual((store.damaged, store.get("lock")), (True, FACTORY["lock"]))

    def test_the_marks_of_the_version_before_say_that_there_was_none(self):
        import test_store

        old = [test_store.without(slot, 2, "lock") for slot in slots_with(row("", 0))]
        self.check([b"x", b"x"] + old[2:], FACTORY["lock"])

    def test_a_newer_store_is_locked_as_marks_say_that_this_firmware_knows_and_else_for_good(self):
        for one in (row(KEY, 5), row("", 5)):
            whole = slots_with(one)
            newer = of_version(whole[0], VERSION + 1)
            for marks, wanted in (
                (whole[2:], one),
                ([whole[2], NOTHING], one),
                ([of_version(whole[2], VERSION + 1), whole[3]], LOST_ONE),
                ([whole[2], of_version(whole[3], VERSION + 1)], LOST_ONE),
                ([b"x", b"x"], LOST_ONE),
                ([NOTHING, NOTHING], LOST_ONE),
            ):
                store = read([newer, newer] + marks)
                self.assertEqual((store.newer, store.get("lock")), (True, wanted))

    def test_a_mark_of_a_newer_firmware_is_never_written_over(self):
        whole = slots_with(row(KEY, 5))
        newer = of_version(whole[2], VERSION + 1)
        hal = NotingHal(whole[:2] + [newer, whole[3]])
        store = Store(hal)
        store.put("lock", row(KEY, 6))
        store.flush()
        self.assertEqual((hal.slots[2], read(hal.slots).get("lock")), (newer, row(KEY, 6)))


class APowerCut(unittest.TestCase):
    """At each, what was accepted is there, or what was being written. With the copies lost besides, the marks never
    say that a device is open which was locked before and after."""

    def check(self, backwards):
        flash = Flash()
        accepted = kept_on(flash)
        locks = [one for _, one in accepted]
        seen, points = [], 0
        for count, image in cuts(flash.done, backwards):
            began = [i for i in range(len(accepted)) if accepted[i][0] <= count][-1]
            pair = locks[began : began + 2]
            store = Store(FlashHal(image.copy()))
            self.assertFalse(store.damaged, "%d operations" % count)
            self.assertTrue(store.get("lock") in pair, "%d operations: %s" % (count, store.get("lock")))
            if store.get("lock") not in seen:
                seen.append(store.get("lock"))
            points += 1
            if points % 16 == 0:
                self.check_without_copies(image.copy(), pair)
            if points % 64 == 0:
                # Whatever was left, the next write works, and the counter never goes back.
                counter = store.get("lock")["counter"]
                self.assertTrue(counter >= pair[0]["counter"])
                Lock(store, UID).use(counter + 1)
                store.flush()
                again = Store(store._hal)
                self.assertEqual((again.get("lock")["counter"], again.due), (counter + 1, False))
        self.assertEqual(seen, locks)
        self.assertTrue(points > 5_000)

    def check_without_copies(self, image, pair):
        if pair[0] == FACTORY["lock"]:
            return  # nothing that anybody was told is locked
        for copy in (0, 1):
            image.sector(SECTORS[copy])[:] = b"\xa5" * SECTOR
        found = Store(FlashHal(image)).get("lock")
        keys = [one["key"] for one in pair]
        self.assertTrue(found["key"] in keys + [LOST], str(found))
        # Of a command that was carried out the counter is used; one that was cut off was not carried out.
        self.assertTrue(found["key"] == LOST or found["counter"] >= pair[0]["counter"], str(found))

    def test_h16_at_every_byte_programmed_and_within_every_erase_leaves_the_old_lock_or_the_new_one(self):
        self.check(False)

    def test_h16_and_when_the_last_byte_of_a_page_is_the_first_that_is_programmed(self):
        self.check(True)


class OneDamagedPlace(unittest.TestCase):
    def test_h16_a_bit_a_page_a_sector_or_a_block_of_64_KiB_changes_no_lock(self):
        flash = Flash()
        kept_on(flash, 3)
        wanted = HISTORY[2][1]
        for number in SECTORS:
            sector = flash.sector(number)
            for at in list(range(0, 700, 3)) + list(range(700, SECTOR, 97)):
                sector[at] ^= 1 << at % 8
                store = Store(FlashHal(flash))
                self.assertEqual((store.damaged, store.get("lock")), (False, wanted))
                sector[at] ^= 1 << at % 8
        for value in (b"\xff", b"\x00", b"\xa5"):
            for number in SECTORS:
                whole = bytes(flash.sector(number))
                for at in range(0, SECTOR, PAGE):
                    flash.sector(number)[at : at + PAGE] = value * PAGE
                    self.assertEqual(Store(FlashHal(flash)).get("lock"), wanted)
                    flash.sector(number)[:] = whole
            for block in (0, 1):
                hurt = flash.copy()
                for number in range(16 * block, 16 * block + 16):
                    hurt.sector(number)[:] = value * SECTOR
                self.assertEqual(Store(FlashHal(hurt)).get("lock"), wanted)


class HowMuch(unittest.TestCase):
    def test_a_locked_device_has_room_for_the_longest_record_of_a_fault(self):
        slots = slots_with(row(KEY, 999_999_999))
        store = Store(BenchHal(slots))
        store.put("fault", record(fault_text="\u9aa8" * 60))
        store.flush()
        self.assertEqual(read(store._hal.slots).get("lock"), row(KEY, 999_999_999))


if __name__ == "__main__":
    unittest.main()

"""store.py: a power cut or a bad cell at any byte loses nothing that was accepted, and invents nothing."""

import binascii
import json
import unittest

from bench_hal import Bench, BenchHal

from nmes.core import faults, settings
from nmes.core.reason import Refused
from nmes.core.session import FAULT, IDLE
from nmes.hal.rp2.slots import PAGE, SECTOR, SECTORS, Slots
from nmes.store import FACTORY, VERSION, Store

NOTHING = b""


def record(number=faults.PULSE_CHECK, **changes):
    made = dict.fromkeys(faults.RECORD_FIELDS, 0)
    made.update({"fault": number, "fault_text": "level 3", "at_ms": 12_345, "intensity_ua": [1_000, 0]})
    made.update(changes)
    return made


def slots_with(*values, name="fault"):
    """All slots after each of `values` was kept under `name`, one after the other."""
    hal = BenchHal()
    store = Store(hal)
    for one in values:
        store.put(name, one)
        store.flush()
    return list(hal.slots)


def read(slots):
    return Store(BenchHal(list(slots)))


def damaged(slots):
    """What a device holds that has found these slots: whether it knows that something is lost, and its fault."""
    store = read(slots)
    return store.damaged, store.get("fault")


class Keeping(unittest.TestCase):
    def test_a_new_board_has_the_factory_s_values_and_writes_nothing(self):
        hal = BenchHal()
        store = Store(hal)
        store.flush()
        self.assertEqual(({key: store.get(key) for key in FACTORY}, store.damaged, hal.kept), (FACTORY, False, []))

    def test_what_was_kept_is_there_again_and_both_copies_hold_it(self):
        slots = slots_with(record(), None, record(7))
        self.assertEqual(slots[0], slots[1])
        store = read(slots)
        self.assertEqual((store.get("fault"), store.damaged, store.due), (record(7), False, False))

    def test_when_flush_has_returned_either_copy_alone_has_the_newest(self):
        slots = slots_with(record(), record(7))
        for lost in (0, 1):
            for left in (NOTHING, b"x", None):
                one = list(slots)
                one[lost] = left
                self.assertEqual(damaged(one), (False, record(7)))

    def test_factory_values_are_not_changed_by_those_in_use(self):
        Store(BenchHal()).put("fault", record())
        self.assertEqual(FACTORY["fault"], None)


class NotingHal(BenchHal):
    """`wrote`: the slots that were written, in order. The slot `lying` holds not what was written, but `holds(it)`."""

    def __init__(self, slots=None, lying=None, holds=None):
        super().__init__(slots)
        self.wrote = []
        self.lying, self.holds = lying, holds

    def write_slot(self, slot, data):
        self.wrote.append(slot)
        super().write_slot(slot, self.holds(data) if slot == self.lying else data)


class OneCopyIsBad(unittest.TestCase):
    def check(self, slots):
        store = read(slots)
        self.assertEqual((store.get("fault"), store.damaged, store.due), (record(7), False, True))
        # It is mended at the next opportunity.
        store.flush()
        self.assertEqual(store._hal.slots[0], store._hal.slots[1])
        self.assertEqual(damaged(store._hal.slots), (False, record(7)))

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
        old, new = slots_with(record()), slots_with(record(), record(7))
        self.check([old[0], new[1], new[2], new[3]])
        self.check([new[0], old[1], new[2], new[3]])

    def test_something_behind_it(self):
        whole = slots_with(record(), record(7))
        self.check([whole[0] + b"\x00", whole[1], whole[2], whole[3]])

    def test_the_bad_one_is_written_first_so_a_cut_meanwhile_never_takes_the_last_whole_one(self):
        for bad in (0, 1):
            whole = slots_with(record(), record(7))
            whole[bad] = b"x"
            hal = NotingHal(whole)
            Store(hal).flush()
            self.assertEqual(hal.wrote, [bad, 1 - bad])

    def test_one_that_went_bad_while_the_board_was_on_is_written_first_too(self):
        hal = NotingHal(slots_with(record(), record(7)))
        store = Store(hal)
        hal.slots[1] = b"x"
        store.put("fault", None)
        store.flush()
        self.assertEqual(hal.wrote, [1, 0])


UNKNOWN = {"key": "lost", "counter": 0}  # nobody knows any more whether it was locked


class BothCopiesAreBad(unittest.TestCase):
    def check(self, slots, lock=FACTORY["lock"]):
        store = read(slots)
        wanted = dict(FACTORY, lock=lock)
        self.assertEqual(({key: store.get(key) for key in FACTORY}, store.damaged), (wanted, True))

    def test_h16_cut_or_changed_at_any_byte(self):
        whole = slots_with(record(7))
        for at in range(len(whole[0])):
            changed = bytearray(whole[0])
            changed[at] ^= 0x10
            self.check([bytes(changed), b"x" + whole[0][:at], whole[2], whole[3]])
            if at:
                self.check([whole[0][:at], NOTHING, whole[2], whole[3]])

    def test_h16_erased_copies_are_no_new_device_while_either_mark_is_there_even_a_bad_one(self):
        mark = slots_with(record(7))[2]
        for marks in ([mark, mark], [mark, NOTHING], [NOTHING, mark]):
            self.check([NOTHING, NOTHING] + marks)
        for marks in ([b"x", NOTHING], [NOTHING, mark[:-1]]):
            self.check([NOTHING, NOTHING] + marks, UNKNOWN)

    def test_h16_one_is_bad_and_all_else_is_erased(self):
        whole = slots_with(record(7))[0]
        for at in range(1, len(whole)):
            self.check([whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :], NOTHING, NOTHING, NOTHING], UNKNOWN)
            self.check([NOTHING, whole[:at] + b"\x00", NOTHING, NOTHING], UNKNOWN)

    def test_h16_what_cannot_be_read_is_damage_and_not_what_was_never_kept(self):
        whole = slots_with(record(7))
        for slots in ([None] * 4, [None, NOTHING, NOTHING, NOTHING], [NOTHING, NOTHING, NOTHING, None]):
            self.check(slots, UNKNOWN)
        self.check([None, None, whole[2], whole[3]])
        self.assertEqual(damaged([None, whole[1], None, None]), (False, record(7)))

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

    def test_nothing_is_written_before_a_person_has_cleared_it_and_then_all_is(self):
        whole = slots_with(record(7))
        before = [whole[0][:-1] + b"\x00", NOTHING, whole[2], whole[3]]
        bench = Bench(list(before))
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))
        bench.turn(1_000, 70)
        self.assertEqual((bench.hal.slots, bench.hal.kept), (before, []))
        self.assertEqual(bench.again().session.fault, faults.STORE_CORRUPT)
        bench.supervisor.clear(faults.STORE_CORRUPT)
        self.assertEqual(bench.session.state, IDLE)
        again = bench.again()
        self.assertEqual((again.session.state, again.store.damaged), (IDLE, False))
        # What is not known counts as a session that has just ended.
        self.assertTrue(again.store.get("locked_ms") > 0)


def of_version(data, version):
    """The same record as another firmware would write it."""
    made = data[:4] + bytes([version, 0]) + data[6:-4]
    return made + (binascii.crc32(made) & 0xFFFFFFFF).to_bytes(4, "little")


class ANewerFirmwareWroteIt(unittest.TestCase):
    def test_it_is_a_fault_of_its_own_and_nothing_is_changed_whatever_a_person_does(self):
        whole = slots_with(record(7))
        newer = of_version(whole[0], VERSION + 1)
        for copies in ([newer, newer], [newer, whole[1]], [whole[0], newer], [newer, b"x"]):
            before = copies + [whole[2], whole[3]]
            bench = Bench(list(before))
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_NEWER))
            with self.assertRaises(Refused):
                bench.supervisor.clear(faults.STORE_NEWER)
            bench.turn(1_000, 70)
            self.assertEqual((bench.hal.slots, bench.session.fault), (before, faults.STORE_NEWER))

    def test_a_damaged_version_is_damage(self):
        whole = slots_with(record(7))
        torn = whole[0][:4] + bytes([VERSION + 1]) + whole[0][5:]
        self.assertEqual(damaged([torn, whole[1], whole[2], whole[3]]), (False, record(7)))
        store = read([torn, torn, whole[2], whole[3]])
        self.assertEqual((store.damaged, store.newer), (True, False))

    def test_an_older_version_that_nobody_knows_is_damage(self):
        whole = slots_with(record(7))
        old = of_version(whole[0], 0)
        store = read([old, old, whole[2], whole[3]])
        self.assertEqual((store.damaged, store.newer), (True, False))


def without(data, version, *keys):
    """The same save as the firmware of that version wrote it, which had neither these keys nor today's settings."""
    content = json.loads(data[12:-4])
    del content["settings"]["language"]
    for key in keys:
        del content[key]
    text = json.dumps(content).encode()
    made = data[:4] + bytes([version, 0]) + data[6:10] + bytes([len(text) & 0xFF, len(text) >> 8]) + text
    return made + (binascii.crc32(made) & 0xFFFFFFFF).to_bytes(4, "little")


class TheVersionsBefore(unittest.TestCase):
    """The first kept no settings and no lock, the second no lock, the third no language: what they kept stays, and
    those are the factory's."""

    HAD_NOT = ((1, ("settings", "lock")), (2, ("lock",)), (3, ()))

    def slots(self, version):
        return [without(slot, version, *dict(self.HAD_NOT)[version]) for slot in slots_with(record(7))]

    def test_it_is_taken_and_written_anew_at_the_first_opportunity_and_its_marks_stay(self):
        for version, _ in self.HAD_NOT:
            old = self.slots(version)
            store = read(old)
            self.assertEqual(
                (store.get("fault"), store.damaged, store.newer, store.due), (record(7), False, False, True)
            )
            self.assertEqual((store.get("settings"), store.get("lock")), (settings.factory(), FACTORY["lock"]))
            hal = NotingHal(list(old))
            Store(hal).flush()
            self.assertEqual((hal.wrote, hal.slots[2:]), ([0, 1], old[2:]))
            again = read(hal.slots)
            self.assertEqual((again.get("fault"), again.due), (record(7), False))

    def test_h16_a_power_cut_between_the_two_copies_leaves_one_of_each_and_it_goes_on(self):
        for version, _ in self.HAD_NOT:
            old = self.slots(version)
            hal = NotingHal(list(old))
            Store(hal).flush()
            for slots in (
                [hal.slots[0]] + old[1:],
                [old[0], hal.slots[1]] + old[2:],
                [b"x"] + old[1:],
                [old[0], b""] + old[2:],
            ):
                store = read(slots)
                self.assertEqual((store.get("fault"), store.damaged, store.due), (record(7), False, True))
                store.flush()
                self.assertEqual(store._hal.slots[0], store._hal.slots[1])
                self.assertEqual((damaged(store._hal.slots), read(store._hal.slots).due), ((False, record(7)), False))

    def test_one_with_what_came_later_or_with_other_damage_is_no_version_before(self):
        whole = slots_with(record(7))
        for version, had_not in self.HAD_NOT:
            wrong = [of_version(whole[0], version), without(whole[0], version, *FACTORY)]
            wrong += [without(whole[0], version, key) for key in had_not if len(had_not) > 1]
            for copy in wrong:
                self.assertTrue(read([copy, copy, whole[2], whole[3]]).damaged)
            old = self.slots(version)
            self.assertTrue(read([old[0][:-1], old[1][:30] + b"x" + old[1][31:], old[2], old[3]]).damaged)

    def test_no_other_version_is_taken_for_it(self):
        for right, _ in self.HAD_NOT:
            old = self.slots(right)
            for version in (0, 1, 2, 3, VERSION):
                wrong = of_version(old[0], version)
                store = read([wrong, wrong, old[2], old[3]])
                self.assertEqual((store.damaged, store.newer), (version != right, False))

    def test_a_list_of_any_version_is_damage(self):
        whole = slots_with(record(7))
        made = whole[0][:10] + b"\x02\x00[]"
        for version in (1, 2, 3, VERSION):
            listed = of_version(made + b"1234", version)
            self.assertTrue(read([listed, listed, whole[2], whole[3]]).damaged)

    def test_the_settings_of_the_second_and_third_stay(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("settings", dict(settings.factory(), buzzer_volume=3))
        store.flush()
        for version, keys in self.HAD_NOT[1:]:
            old = [without(slot, version, *keys) for slot in hal.slots]
            self.assertEqual(read(old).get("settings"), dict(settings.factory(), buzzer_volume=3))

    def test_settings_that_are_no_table_are_damage_in_every_version(self):
        for version, _ in self.HAD_NOT[1:]:
            content = json.loads(slots_with(record(7))[0][12:-4])
            content["settings"] = []
            text = json.dumps(content).encode()
            made = slots_with(record(7))[0][:10] + bytes([len(text) & 0xFF, len(text) >> 8]) + text + b"1234"
            copy = of_version(made, version)
            self.assertTrue(read([copy, copy, b"", b""]).damaged)

    def test_files_of_it_are_inherited(self):
        for version, _ in self.HAD_NOT:
            hal = BenchHal()
            hal.files = self.slots(version)[:2]
            store = Store(hal, hal.inherited)
            self.assertEqual((store.get("fault"), store.damaged, store.due), (record(7), False, True))


class Settings(unittest.TestCase):
    def test_h16_what_is_kept_and_can_be_no_setting_is_damage(self):
        for name, value in (("own_max_0_ua", 0), ("own_max_1_ua", 100_001), ("device_name", 33 * "x"), ("more", 1)):
            hal = BenchHal()
            store = Store(hal)
            changed = dict(settings.factory())
            changed[name] = value
            store.put("settings", changed)
            store.flush()
            self.assertTrue(read(hal.slots).damaged, name)


class Inheriting(unittest.TestCase):
    """What firmware up to 0.1.0 kept in two files."""

    def booted(self, *files, slots=None):
        hal = BenchHal(slots)
        hal.files = list(files)
        return Store(hal, hal.inherited)

    def test_a_fault_survives_the_update_and_is_kept_the_new_way_before_anything_else(self):
        old = slots_with(record(7))
        store = self.booted(old[0], old[1])
        self.assertEqual((store.get("fault"), store.damaged, store.due), (record(7), False, True))
        store.flush()
        self.assertEqual(damaged(store._hal.slots), (False, record(7)))

    def test_the_newer_file_counts_and_one_is_enough(self):
        old, new = slots_with(record())[0], slots_with(record(), record(7))[0]
        for files in ((old, new), (new, old), (new, b"x"), (NOTHING, new)):
            self.assertEqual(self.booted(*files).get("fault"), record(7))

    def test_files_that_are_damaged_or_cannot_be_read_are_damage(self):
        old = slots_with(record(7))[0]
        for files in ((old[:-1], NOTHING), (old[:-1], old[:-1]), (NOTHING, b"x"), (OSError(5), old), (old, OSError(5))):
            store = self.booted(*files)
            self.assertEqual((store.damaged, store.get("fault")), (True, None))

    def test_files_say_nothing_once_anything_has_been_kept_the_new_way(self):
        old = slots_with(record(7))
        self.assertEqual(self.booted(old[0], old[1], slots=slots_with(record(), None)).get("fault"), None)
        self.assertEqual(self.booted(old[0], old[1], slots=[NOTHING, NOTHING, old[2], NOTHING]).damaged, True)


class ABadFlash(unittest.TestCase):
    def test_an_error_is_told_once_and_the_next_change_tries_again(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("fault", record())
        hal.flash_error = OSError(28)
        with self.assertRaises(OSError):
            store.flush()
        store.flush()
        hal.flash_error = None
        store.put("fault", record(7))
        store.flush()
        self.assertEqual(damaged(hal.slots), (False, record(7)))

    def test_what_does_not_read_back_is_an_error(self):
        for read_back in (lambda data: NOTHING, lambda data: data[:-1], lambda data: data[:9] + b"\x07" + data[10:]):
            for lying in range(4):
                store = Store(NotingHal(None, lying, read_back))
                store.put("fault", record())
                with self.assertRaises(OSError):
                    store.flush()

    def test_more_than_there_is_room_for_is_an_error_and_nothing_is_written(self):
        hal = BenchHal()
        store = Store(hal)
        store.put("fault", record(fault_text="x" * 2_000))
        with self.assertRaises(ValueError) as raised:
            store.flush()
        self.assertEqual(hal.kept, [])
        length = len(json.dumps(store._content).encode())
        self.assertEqual(str(raised.exception), "%d bytes to keep" % length)


# ---- the same on the sectors of a flash, with the board's own driver of them ----


class Flash:
    """A partition as rp2.Flash has it. Programming clears bits, erasing sets those of a sector, and each is noted."""

    def __init__(self, sectors=None):
        self.sectors = sectors or {}
        self.done = []

    def sector(self, number):
        if number not in self.sectors:
            self.sectors[number] = bytearray(b"\xff" * SECTOR)
        return self.sectors[number]

    def readblocks(self, number, into):
        into[:] = self.sector(number)

    def writeblocks(self, number, data, at):
        assert len(data) == PAGE and at % PAGE == 0
        self.done.append(("program", number, at, bytes(data)))
        program(self.sector(number), at, data)

    def ioctl(self, operation, number):
        assert operation == 6
        self.done.append(("erase", number))
        self.sector(number)[:] = b"\xff" * SECTOR

    def copy(self):
        return Flash({number: bytearray(data) for number, data in self.sectors.items()})


def program(sector, at, data):
    for i in range(len(data)):
        if data[i] != 0xFF:
            sector[at + i] &= data[i]


class FlashHal(BenchHal):
    def __init__(self, flash):
        super().__init__()
        self.flash = flash
        self.read_slot = Slots(flash).read_slot
        self.write_slot = Slots(flash).write_slot


RECORDS = (record(), None, record(7), record(8, fault_text="longer " * 9))


def kept_on(flash, *records):
    """Keep them one after the other. Returns [(operations done, what is accepted by then)]."""
    store = Store(FlashHal(flash))
    accepted = [(0, None)]
    for one in records:
        store.put("fault", one)
        store.flush()
        accepted.append((len(flash.done), one))
    return accepted


def torn(sector):
    """What an erase that is cut short may leave: first all bits are cleared, then all are set."""
    half = SECTOR // 2
    old = bytes(sector)
    yield b"\x00" * half + old[half:]
    yield bytes([byte & 0xA5 for byte in old])
    yield b"\x00" * SECTOR
    yield b"\xff" * half + b"\x00" * half
    yield b"\xff" * 100 + old[100:]
    yield old[:100] + b"\xff" * (SECTOR - 100)


def cuts(done, backwards):
    """Every state of the flash in which a power cut could leave it: (operations that were done, flash). The bytes of a
    page are programmed at once, so any may be first: in order, or `backwards`."""
    flash = Flash()
    for count, operation in enumerate(done):
        sector = flash.sector(operation[1])
        if operation[0] == "erase":
            before = bytes(sector)
            for left in torn(sector):
                sector[:] = left
                yield count, flash
            sector[:] = before
            flash.ioctl(6, operation[1])
        else:
            _, _, at, data = operation
            order = [i for i in range(len(data)) if data[i] != 0xFF]
            for i in reversed(order) if backwards else order:
                before = sector[at + i]
                sector[at + i] &= data[i] | 0x55  # half of its bits
                yield count, flash
                sector[at + i] = before & data[i]
                yield count, flash


def after(image, done):
    """A copy of a flash to which these operations were done."""
    cut = image.copy()
    for operation in done:
        if operation[0] == "erase":
            cut.ioctl(6, operation[1])
        else:
            program(cut.sector(operation[1]), operation[2], operation[3])
    return cut


class APowerCut(unittest.TestCase):
    def check(self, backwards):
        flash = Flash()
        accepted = kept_on(flash, *RECORDS)
        seen = set()
        points = 0
        for count, image in cuts(flash.done, backwards):
            store = Store(FlashHal(image.copy()))
            began = [i for i in range(len(accepted)) if accepted[i][0] <= count][-1]
            whole = [accepted[began][1], accepted[min(began + 1, len(RECORDS))][1]]
            self.assertFalse(store.damaged, "%d operations" % count)
            self.assertTrue(store.get("fault") in whole, "%d operations" % count)
            seen.add(str(store.get("fault")))
            points += 1
            if points % 16 == 0:
                # And the next write works, whatever was left.
                store.put("fault", record(9))
                store.flush()
                self.assertEqual(Store(store._hal).get("fault"), record(9))
        self.assertEqual(len(seen), len(RECORDS))
        self.assertTrue(points > 5_000)

    def test_h16_at_every_byte_programmed_and_within_every_erase_leaves_the_old_or_the_new(self):
        self.check(False)

    def test_h16_and_when_the_last_byte_of_a_page_is_the_first_that_is_programmed(self):
        self.check(True)

    def test_h16_a_second_one_while_the_very_first_write_is_made_again_is_no_damage(self):
        flash = Flash()
        kept_on(flash, record())
        first = [image.copy() for count, image in cuts(flash.done[:1], False)]
        for image in first[:: len(first) // 9]:
            again = image.copy()
            kept_on(again, record())
            for done in range(len(again.done)):
                store = Store(FlashHal(after(image, again.done[:done])))
                self.assertEqual((store.damaged, store.get("fault") in (None, record())), (False, True))

    def test_h16_while_damage_is_written_over_leaves_the_damage_or_the_new(self):
        flash = Flash()
        kept_on(flash, record(7))
        for copy in (0, 1):
            flash.sector(SECTORS[copy])[20] ^= 0x10
        before = flash.copy()
        flash.done = []
        store = Store(FlashHal(flash))
        store.begin_anew()
        store.put("fault", None)
        store.flush()
        self.assertTrue(flash.done)
        for done in range(len(flash.done) + 1):
            self.assertEqual(Store(FlashHal(after(before, flash.done[:done]))).get("fault"), None)
        self.assertFalse(Store(FlashHal(flash)).damaged)


class OneDamagedPlace(unittest.TestCase):
    def check(self, flash, expected=RECORDS[-1]):
        store = Store(FlashHal(flash))
        self.assertEqual((store.damaged, store.get("fault")), (False, expected))

    def kept(self):
        flash = Flash()
        kept_on(flash, *RECORDS)
        return flash

    def test_h16_a_bit_anywhere(self):
        flash = self.kept()
        for number in SECTORS:
            sector = flash.sector(number)
            for at in list(range(700)) + list(range(700, SECTOR, 97)):
                sector[at] ^= 1 << at % 8
                self.check(flash)
                sector[at] ^= 1 << at % 8

    def test_h16_a_page_a_sector_or_a_block_of_64_KiB_erased_or_cleared(self):
        for value in (b"\xff", b"\x00", b"\xa5"):
            for number in SECTORS:
                flash = self.kept()
                for at in range(0, SECTOR, PAGE):
                    whole = bytes(flash.sector(number))
                    flash.sector(number)[at : at + PAGE] = value * PAGE
                    self.check(flash)
                    flash.sector(number)[:] = whole
                flash.sector(number)[:] = value * SECTOR
                self.check(flash)
            for block in (0, 1):
                flash = self.kept()
                for number in range(16 * block, 16 * block + 16):
                    flash.sector(number)[:] = value * SECTOR
                self.check(flash)

    def test_a_mark_that_is_lost_or_damaged_is_written_again(self):
        for number in SECTORS[2:]:
            for value in (b"\xff" * SECTOR, b"\x00"):
                flash = self.kept()
                before = bytes(flash.sector(number))
                flash.sector(number)[: len(value)] = value
                Store(FlashHal(flash)).flush()
                self.assertEqual(bytes(flash.sector(number)), before)

    def test_h16_two_places_are_never_taken_for_a_new_device(self):
        for value in (b"\xff", b"\x00"):
            flash = self.kept()
            for copy in (0, 1):
                flash.sector(SECTORS[copy])[:] = value * SECTOR
            self.assertTrue(Store(FlashHal(flash)).damaged)


class TheSlots(unittest.TestCase):
    def test_each_has_a_sector_and_no_two_of_a_kind_share_a_block_of_64_KiB(self):
        self.assertEqual(len(set(SECTORS)), 4)
        for one, other in ((0, 1), (2, 3)):
            self.assertTrue(SECTORS[one] // 16 != SECTORS[other] // 16)

    def test_only_what_has_to_be_is_erased(self):
        flash = Flash()
        slots = Slots(flash)
        slots.write_slot(0, b"abc")
        slots.write_slot(0, b"abc")
        self.assertEqual([row[0] for row in flash.done], ["program", "program"])
        for data in (b"abd", b"abc", b"ab", NOTHING, b"x" * 600, b"x" * 600 + b"y"):
            slots.write_slot(0, data)
            self.assertEqual(slots.read_slot(0), data)
        self.assertEqual([row[0] for row in flash.done].count("erase"), 4)
        with self.assertRaises(ValueError):
            slots.write_slot(0, b"x" * (SECTOR + 1))

    def test_a_last_byte_like_an_erased_one_is_not_missed(self):
        found = 0
        for number in range(600):
            flash = Flash()
            store = Store(FlashHal(flash))
            store.put("used_ms", number)
            store.flush()
            data = Slots(flash).read_slot(0)
            self.assertEqual(Store(FlashHal(flash)).get("used_ms"), number)
            found += len(data) < 12 + data[10] + 4
        self.assertTrue(found > 0)


if __name__ == "__main__":
    unittest.main()

"""core/record.py: what a page says, and that a damaged one says nothing else."""

import unittest

from nmes.core import record

BEGIN = [7, 3, 1_234, 1_800_000_000, 5, 3, 2, b"12345678", 0xFFFFFFFF, 1_200, 4_000, record.MOTOR | record.MEASURES]
BEGIN += [bytes(range(16)), 3]
END = (1_200_000, 1_300, 1_800_001_300, 2, 1, 0, (b"completed" + bytes(16))[:16])
CHANNEL = [42_000, 41_000, 7, 1 << 40, (1 << 40) - 1, 18_000, 20_000, 20_000, 120, 500, 510, 490, 520]
LEVELS = [10, 20, 30, 40, 50, 60, 70, 80]


def begun():
    page = bytearray(record.PAGE)
    record.put_begin(page, BEGIN)
    return page


def ended():
    page = begun()
    record.put_end(page, END, [CHANNEL + LEVELS, [0] * 21])
    return page


class APage(unittest.TestCase):
    def test_what_was_put_in_comes_out(self):
        page = ended()
        self.assertEqual((record.condition(page), record.number_of(page)), (record.ENDED, 7))
        self.assertEqual([record.begin_of(page)[name] for name, _ in record.BEGIN], BEGIN)
        end = record.end_of(page)
        self.assertEqual([end[name] for name, _ in record.END], list(END[:-1]) + ["completed"])
        first, second = end["channels"]
        self.assertEqual([first[name] for name, _ in record.CHANNEL], CHANNEL)
        self.assertEqual(first["levels_ms"], [100 * count for count in LEVELS])
        self.assertEqual(second["pulses"], 0)

    def test_one_from_before_the_checklist_s_version_was_kept_with_the_prescription_states_none(self):
        self.assertEqual(record.BEGIN[record.BEFORE][0], "before")
        page = bytearray(record.PAGE)
        record.put_begin(page, BEGIN[:-1] + [0xFFFF])  # as its bytes were
        self.assertEqual((record.number_of(page), record.begin_of(page)["checked_version"]), (7, 0))

    def test_the_end_changes_no_byte_of_the_begin_and_only_clears_bits(self):
        before, after = begun(), ended()
        self.assertEqual(before[:64], after[:64])
        self.assertEqual(bytes(before[64:]), b"\xff" * 192)
        self.assertEqual(bytes(after[240:]), b"\xff" * 16)

    def test_the_layout_has_room_for_its_fields(self):
        largest = [0xFFFFFFFF] * 3 + [(1 << 64) - 1] * 2 + [0xFFFFFFFF] * 3 + [0xFFFF] * (5 + len(record.LEVELS_UA))
        page = begun()
        most = [0xFFFFFFFF] * 3 + [0xFFFF] * 2 + [0xFF, 16 * b"x"]
        record.put_end(page, most, [largest, largest])
        end = record.end_of(page)
        self.assertEqual([end[name] for name, _ in record.END], most[:-1] + [16 * "x"])
        for channel in end["channels"]:
            self.assertEqual([channel[name] for name, _ in record.CHANNEL], largest[: len(record.CHANNEL)])
        self.assertEqual(record.condition(page), record.ENDED)

    def test_blank_and_void_and_half_are_what_they_are(self):
        self.assertEqual(record.condition(bytearray(b"\xff" * 256)), record.BLANK)
        self.assertEqual(record.condition(bytearray(256)), record.VOID)
        self.assertEqual(record.condition(begun()), record.BEGUN)
        page = bytearray(256)
        page[200] = 1
        self.assertEqual(record.condition(page), record.DAMAGED)

    def test_a_newer_version_is_not_read_and_still_has_its_number(self):
        page = begun()
        page[3] = record.VERSION + 1
        record._put_crc(page, 0, 60)
        self.assertEqual((record.condition(page), record.number_of(page)), (record.NEWER, 7))
        page[3] = 0
        record._put_crc(page, 0, 60)
        self.assertEqual(record.condition(page), record.DAMAGED)

    def test_any_bit_of_the_begin_that_changes_is_damage_and_any_of_the_end_undoes_the_end(self):
        for at in range(240):
            page = ended()
            page[at] ^= 1 << at % 8
            self.assertEqual(record.condition(page), record.DAMAGED if at < 64 else record.BEGUN, at)

    def test_a_mark_takes_two_bytes(self):
        for at, asked in ((record.CUT_AT, record.is_cut), (record.TAKEN_AT, record.is_taken)):
            for bytes_programmed in range(9):
                page = ended()
                for i in range(bytes_programmed):
                    page[at + i] = 0
                self.assertEqual(asked(page), bytes_programmed >= 2)
        self.assertFalse(record.is_cut(ended()) or record.is_taken(ended()))

    def test_one_that_was_cut_counts_by_its_begin_alone_and_being_taken_changes_no_digest(self):
        torn = ended()
        torn[100] ^= 4
        for page in (torn, begun()):
            self.assertEqual(record.digest(page), record.digest(begun()))
        self.assertEqual(len(record.digest(ended())), record.DIGEST_BYTES)
        self.assertFalse(record.digest(ended()) == record.digest(begun()))
        taken = ended()
        taken[record.TAKEN_AT :] = bytes(8)
        self.assertEqual(record.digest(taken), record.digest(ended()))
        cut = ended()
        cut[record.CUT_AT : record.CUT_AT + 8] = bytes(8)
        self.assertEqual((record.condition(cut), record.digest(cut)), (record.BEGUN, record.digest(begun())))


class Levels(unittest.TestCase):
    def test_each_current_is_at_one_level(self):
        wanted = ((0, 0), (1, 1), (4_999, 1), (5_000, 2), (9_999, 2), (10_000, 3), (49_999, 5), (69_999, 6))
        for current_ua, level in wanted + ((70_000, 7), (100_000, 7), (10**9, 7)):
            self.assertEqual(record.level_of(current_ua), level)

    def test_what_is_too_large_for_a_field_is_the_most_that_it_holds(self):
        self.assertEqual([record.fits(70_000, "H"), record.fits(-1, "I"), record.fits(7, "B")], [0xFFFF, 0, 7])
        self.assertEqual([record.fits(1 << 70, "Q"), record.fits(1 << 40, "I")], [(1 << 64) - 1, 0xFFFFFFFF])

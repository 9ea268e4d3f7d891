"""prescriptions.py at its bounds: what each refusal says, what a board without sectors answers, what is left in the
flash, and what has to be left alone there."""

import binascii
import unittest

from test_prescriptions import HOST, Flash, codes, holds, of_version, on, put, text_of, texts, titled

from nmes.core import document
from nmes.core.reason import Refused
from nmes.hal.common import PAGE
from nmes.prescriptions import DAMAGED, NEWER, WHOLE

GONE = b"\x00" * 16
THERE = b"\xff" * 16


def refusal(act, *arguments):
    """(code, parameter, asked, bound) of the one reason why it is refused."""
    try:
        act(*arguments)
    except Refused as refused:
        (reason,) = refused.reasons
        return tuple([reason[key] for key in ("code", "parameter", "asked", "bound")])
    raise AssertionError("not refused")


def begin(kept, text, number=0, by=HOST):
    return kept.begin(number, len(text), binascii.unhexlify(document.digest(text)), by)


def removed(flash, number):
    """The mark of what was removed, in a sector of the flash."""
    return bytes(flash.sector(number)[240:256])


def with_newer(flash, number=0):
    """The same flash, with what a newer firmware wrote in a sector that holds something."""
    of_version(flash, number, 2)
    return flash


def with_ab():
    flash = Flash()
    put(on(flash), text_of("a"))
    put(on(flash), text_of("b"))
    return flash


class Texts(Flash):
    """A flash whose first pages can be read, and nothing behind them in the sectors `unreadable`."""

    unreadable = ()

    def readblocks(self, number, into, at):
        if at and number in self.unreadable:
            raise OSError(5)
        super().readblocks(number, into, at)


class ABoardWithoutSectors(unittest.TestCase):
    def test_it_has_nothing_takes_nothing_and_says_so(self):
        kept = on(Flash(), ())
        said = kept.after(0)
        self.assertEqual((said["number"], said["count"], said["free"], said["bytes"]), (0, 0, 16, 0))
        for number in (0, 1):
            self.assertEqual(refusal(begin, kept, b"{}", number)[:3], ("no_store", "flash", "no sectors"))
        self.assertEqual(codes(kept.piece, 0, b"{}", HOST), ["not_begun"])
        self.assertEqual((codes(kept.whole, 1), codes(kept.remove, 1)), (["not_there"], ["not_there"]))
        self.assertEqual(kept.erase_next(), 0)


class WhatIsSaid(unittest.TestCase):
    def test_begin_says_the_number_that_the_end_keeps(self):
        kept = on(Flash(), tuple(range(6)))
        for asked, wanted in ((0, 1), (0, 2), (16, 16), (2, 2), (0, 3), (1, 1)):
            text = text_of("a")
            self.assertEqual(begin(kept, text, asked), wanted)
            kept.piece(0, text, HOST)
            row = kept.end(titled, HOST)
            self.assertEqual((row.number, row.state, row.title, row.length), (wanted, WHOLE, "title a", 300))
        self.assertEqual(sorted(holds(kept)), [1, 2, 3, 16])

    def test_after_each_the_next_higher_number_comes_and_how_many_are_there(self):
        flash = Flash()
        for letter, number in (("a", 2), ("b", 9), ("c", 16)):
            put(on(flash, range(4)), text_of(letter), number)
        kept = on(flash, range(4))
        found = [kept.after(number)["number"] for number in (0, 1, 2, 8, 9, 15, 16)]
        self.assertEqual(found, [2, 2, 9, 9, 16, 16, 0])
        said = kept.after(2)
        self.assertEqual((said["title"], said["bytes"], said["condition"]), ("title b", 300, WHOLE))
        self.assertEqual((said["count"], said["free"]), (3, 13))
        said = kept.after(16)
        self.assertEqual((said["bytes"], said["title"], said["digest"], said["condition"]), (0, "", "", ""))
        self.assertEqual((said["count"], said["free"]), (3, 13))

    def test_a_seventeenth_is_refused_and_what_was_asked_is_the_number_0(self):
        kept = on(Flash(), tuple(range(17)))
        for _ in range(16):
            put(kept, b"{}")
        self.assertEqual(refusal(begin, kept, b"{}")[:3], ("full", "number", 0))
        self.assertEqual(begin(kept, b"{}", 16), 16)

    def test_what_is_not_there_is_refused_with_the_number_that_was_asked(self):
        kept = on(Flash())
        put(kept, text_of("a"), 3)
        for act in (kept.whole, kept.remove):
            self.assertEqual(refusal(act, 4)[:3], ("not_there", "number", 4))
        self.assertEqual(holds(kept), texts(n3="a"))

    def test_a_newer_one_is_refused_with_the_version_that_this_firmware_reads(self):
        kept = on(with_newer(with_ab()))
        for act in (kept.whole, kept.remove, lambda number: begin(kept, b"{}", number)):
            self.assertEqual(refusal(act, 1), ("newer", "number", 1, "version 1"))
        self.assertEqual(bytes(kept.whole(2)[1]), text_of("b"))

    def test_of_a_damaged_one_its_number_is_said_when_it_is_asked_for(self):
        flash = with_ab()
        flash.sector(0)[PAGE + 7] ^= 4
        self.assertEqual(refusal(on(flash).whole, 1)[:3], ("damaged", "number", 1))
        said = on(flash).after(0)
        self.assertEqual((said["condition"], said["title"], said["bytes"]), (DAMAGED, "title a", 300))

    def test_a_damaged_text_is_asked_for_again_with_sixteen_digits_of_what_arrived(self):
        kept = on(Flash())
        kept.begin(0, 300, bytes(32), HOST)
        kept.piece(0, text_of("a"), HOST)
        asked = document.digest(text_of("a"))[:16]
        self.assertEqual(refusal(kept.end, titled, HOST)[:3], ("other_digest", "digest", asked))
        self.assertEqual(holds(kept), {})

    def test_worn_names_the_sector_and_worn_out_how_many_are(self):
        flash = Flash({number: bytearray(4_096) for number in range(5)})
        flash.worn = (3, 4)
        kept = on(flash, (3, 4))
        found = [refusal(begin, kept, b"{}")[:3] for _ in range(3)]
        self.assertEqual(found[:2], [("worn", "flash", "sector 0"), ("worn", "flash", "sector 1")])
        self.assertEqual(found[2], ("worn_out", "flash", "2 sectors"))


class Pieces(unittest.TestCase):
    def begun(self, length, by=HOST):
        kept = on(Flash())
        begin(kept, text_of("a", length), by=by)
        return kept, text_of("a", length)

    def test_each_begins_where_the_one_before_ended(self):
        kept, text = self.begun(1_024)
        for at in (1, 256, 1_024, -256):
            self.assertEqual(refusal(kept.piece, at, text[:256], HOST), ("out_of_order", "at", at, 0))
        self.assertEqual(kept.piece(0, text[:256], HOST), 256)
        for at in (0, 255, 257, 512):
            self.assertEqual(refusal(kept.piece, at, text[:256], HOST), ("out_of_order", "at", at, 256))
        self.assertEqual(kept.piece(256, text[256:], HOST), 1_024)
        self.assertEqual(kept.end(titled, HOST).number, 1)

    def test_only_the_last_is_no_whole_page_and_none_goes_beyond_the_end(self):
        kept, text = self.begun(600)
        for data in (text[:1], text[:255], text[:257], text[:599], text + b"a", text + bytes(168)):
            code, parameter, asked, bound = refusal(kept.piece, 0, data, HOST)
            self.assertEqual((code, parameter, asked), ("wrong_length", "data", len(data)))
            self.assertEqual(bound, "whole pages of 256 bytes, up to the 600 bytes that were announced")
        self.assertEqual(kept.piece(0, text[:512], HOST), 512)
        self.assertEqual(codes(kept.piece, 512, text[512:] + b"a", HOST), ["wrong_length"])
        self.assertEqual(codes(kept.piece, 512, text[512:599], HOST), ["wrong_length"])
        self.assertEqual(refusal(kept.end, titled, HOST), ("incomplete", "bytes", 512, 600))
        self.assertEqual(kept.piece(512, text[512:], HOST), 600)
        self.assertEqual(kept.end(titled, HOST).length, 600)

    def test_no_host_but_the_one_that_began_adds_to_it_or_ends_it(self):
        kept, text = self.begun(300)
        for by in (HOST - 1, HOST + 1):
            self.assertEqual(codes(kept.piece, 0, text, by), ["not_begun"])
        kept.piece(0, text, HOST)
        for by in (HOST - 1, HOST + 1):
            self.assertEqual(codes(kept.end, titled, by), ["not_begun"])
        kept.end(titled, HOST)
        self.assertEqual(holds(kept), texts(n1="a"))

    def test_what_is_behind_the_last_byte_of_a_short_page_stays_erased(self):
        flash = Flash()
        text = text_of("a", 256) + text_of("b", 4)
        put(on(flash), text)
        self.assertEqual(bytes(flash.sector(0)[PAGE : 3 * PAGE]), text + b"\xff" * 252)


class AfterAFailure(unittest.TestCase):
    def test_h16_a_piece_that_did_not_take_ends_the_put_and_no_page_is_programmed_twice(self):
        flash = Flash()
        kept = on(flash)
        begin(kept, text_of("a", 512))
        kept.piece(0, text_of("a", 256), HOST)
        flash.worn = (0,)
        self.assertEqual(refusal(kept.piece, 256, text_of("a", 256), HOST)[:3], ("worn", "flash", "sector 0"))
        flash.worn = ()
        flash.done = []
        self.assertEqual(codes(kept.piece, 256, text_of("a", 256), HOST), ["not_begun"])
        self.assertEqual(codes(kept.end, titled, HOST), ["not_begun"])
        self.assertEqual(flash.done, [])

    def test_h16_a_page_that_raises_is_worn_although_the_one_before_it_was_the_same(self):
        flash = Flash()
        kept = on(flash)
        begin(kept, text_of("a", 512))
        whole = flash.writeblocks

        def second_fails(number, data, at):
            if at == 2 * PAGE:
                raise OSError(5)
            whole(number, data, at)

        flash.writeblocks = second_fails
        self.assertEqual(codes(kept.piece, 0, text_of("a", 512), HOST), ["worn"])

    def test_h16_a_page_in_which_one_bit_too_many_was_cleared_is_worn(self):
        flash = Flash()
        kept = on(flash)
        begin(kept, text_of("a"))
        whole = flash.writeblocks

        def one_bit_more(number, data, at):
            whole(number, data, at)
            flash.sector(number)[at + 9] &= 0xFE

        flash.writeblocks = one_bit_more
        self.assertEqual(codes(kept.piece, 0, text_of("a"), HOST), ["worn"])

    def test_h16_a_head_that_its_mark_has_damaged_is_worn_and_the_one_before_counts(self):
        flash = Flash()
        kept = on(flash)
        put(kept, text_of("a"))
        whole = flash.writeblocks

        def mark_damages(number, data, at):
            whole(number, data, at)
            if at == 0 and data[232] != 0xFF:
                flash.sector(number)[0] = 0

        flash.writeblocks = mark_damages
        self.assertEqual(refusal(put, kept, text_of("b"), 1)[:3], ("worn", "flash", "sector 1"))
        flash.writeblocks = whole
        self.assertEqual(holds(on(flash)), texts(n1="a"))
        put(kept, text_of("c"), 1)
        self.assertEqual(holds(on(flash)), texts(n1="c"))

    def test_h16_a_begin_that_fails_ends_the_put_before_it_too(self):
        flash = Flash()
        kept = on(flash)
        begin(kept, text_of("a", 512))
        kept.piece(0, text_of("a", 256), HOST)
        flash.worn = (0,)
        self.assertEqual(codes(begin, kept, text_of("b")), ["worn"])
        flash.done = []
        self.assertEqual(codes(kept.piece, 256, text_of("a", 256), HOST), ["not_begun"])
        self.assertEqual(flash.done, [])
        self.assertEqual(put(kept, text_of("c")).sector, 1)

    def test_a_refusal_that_names_a_number_leaves_the_put_before_it(self):
        kept = on(with_newer(with_ab()), range(4))
        begin(kept, text_of("c"), 3)
        self.assertEqual(codes(begin, kept, text_of("d"), 1), ["newer"])
        kept.piece(0, text_of("c"), HOST)
        self.assertEqual(kept.end(titled, HOST).number, 3)

    def test_h16_a_reset_ends_a_put(self):
        kept = on(Flash())
        begin(kept, text_of("a"))
        kept.piece(0, text_of("a"), HOST)
        self.assertEqual(kept.erase_next(), 0)
        self.assertEqual(codes(kept.end, titled, HOST), ["not_begun"])
        self.assertEqual(holds(kept), {})

    def test_h16_one_that_was_refused_at_its_end_can_be_put_again(self):
        kept = on(Flash())
        for _ in range(2):
            kept.begin(0, 300, bytes(32), HOST)
            kept.piece(0, text_of("a"), HOST)
            self.assertEqual(codes(kept.end, titled, HOST), ["other_digest"])
        self.assertEqual(put(kept, text_of("a")).number, 1)


class WhatIsReplaced(unittest.TestCase):
    def test_h16_its_mark_is_set_and_it_does_not_come_back_when_the_new_one_is_damaged(self):
        flash = with_ab()
        put(on(flash), text_of("c"), 1)
        self.assertEqual([removed(flash, number) for number in range(3)], [GONE, THERE, THERE])
        flash.sector(2)[PAGE] ^= 1
        self.assertEqual(holds(on(flash)), {1: DAMAGED, 2: text_of("b").decode()})

    def test_h16_a_damaged_one_is_marked_too(self):
        flash = with_ab()
        flash.sector(0)[10] ^= 0x10
        put(on(flash), text_of("c"), 1)
        self.assertEqual([removed(flash, number) for number in range(3)], [GONE, THERE, THERE])

    def test_h16_a_newer_one_that_could_not_be_read_at_the_begin_is_left_alone_at_the_end(self):
        flash = with_newer(with_ab())
        before = bytes(flash.sector(0))
        kept = on(flash)
        flash.fails = (0,)
        begin(kept, text_of("c"), 1)
        flash.fails = ()
        kept.piece(0, text_of("c"), HOST)
        kept.end(titled, HOST)
        self.assertEqual(bytes(flash.sector(0)), before)
        self.assertEqual(holds(on(flash))[1], NEWER)

    def test_h16_what_a_power_cut_left_besides_is_removed_by_the_next_put_and_not_by_looking(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        old = bytearray(flash.sector(0))
        put(on(flash), text_of("b"), 1)
        flash.sectors[0] = old  # its mark was never programmed
        flash.done = []
        kept = on(flash)
        self.assertEqual((holds(kept), flash.done), (texts(n1="b"), []))
        begin(kept, text_of("c"), 2)
        self.assertEqual([removed(flash, number) for number in range(2)], [GONE, THERE])

    def test_h16_a_newer_one_counts_before_and_after_another_of_its_number_and_neither_goes(self):
        for newer in (0, 1):
            flash = Flash()
            put(on(flash), text_of("a"))
            old = bytearray(flash.sector(0))
            put(on(flash), text_of("b"), 1)
            flash.sectors[0] = old
            with_newer(flash, newer)
            kept = on(flash)
            self.assertEqual(holds(kept), {1: NEWER})
            self.assertEqual(codes(begin, kept, text_of("c"), 1), ["newer"])
            begin(kept, text_of("c"), 2)
            self.assertEqual([removed(flash, number) for number in range(2)], [THERE, THERE])
            self.assertEqual((codes(kept.remove, 1), codes(kept.whole, 1)), (["newer"], ["newer"]))

    def test_h16_a_newer_one_beside_one_without_a_head_counts_too(self):
        for damaged, newer in ((0, 1), (1, 0)):
            flash = with_ab()
            flash.sector(damaged)[232:240] = b"\x02" * 8
            flash.sector(damaged)[10] ^= 0x10
            flash.sector(newer)[6] = 2
            with_newer(flash, newer)
            self.assertEqual(holds(on(flash)), {2: NEWER})


class WhichSector(unittest.TestCase):
    def used(self, kept, number=1):
        return put(kept, text_of("a"), number).sector

    def test_the_next_after_the_newest_and_after_the_last_the_first(self):
        kept = on(Flash(), tuple(range(4)))
        self.assertEqual([self.used(kept) for _ in range(6)], [0, 1, 2, 3, 0, 1])

    def test_none_that_is_kept_and_after_power_on_it_goes_on_where_it_was(self):
        flash = Flash()
        kept = on(flash, tuple(range(4)))
        self.assertEqual([self.used(kept, number) for number in (1, 2, 2, 2, 2)], [0, 1, 2, 3, 1])
        self.assertEqual(self.used(on(flash, tuple(range(4))), 2), 2)

    def test_an_erased_one_is_not_erased_again_and_another_is_erased_once(self):
        flash = Flash()
        kept = on(flash, (0, 1))
        put(kept, text_of("a"), 1)
        put(kept, text_of("b"), 1)
        erased = [row[0] for row in flash.done if row[1] is None]
        self.assertEqual(erased, [])
        put(kept, text_of("c"), 1)
        self.assertEqual([row[0] for row in flash.done if row[1] is None], [0])
        self.assertEqual(holds(kept), texts(n1="c"))

    def test_one_byte_that_is_not_erased_anywhere_in_it_is_enough_to_erase_it(self):
        for at in (0, 255, 256, 4_095):
            flash = Flash()
            flash.sector(0)[at] = 0x7F
            kept = on(flash)
            self.assertEqual(begin(kept, text_of("a")), 1)
            self.assertEqual(flash.done, [(0, None, None)])
            self.assertEqual(bytes(flash.sector(0)), b"\xff" * 4_096)


class WhatCannotBeRead(unittest.TestCase):
    def test_h16_a_text_that_cannot_be_read_is_damaged_and_no_empty_one(self):
        flash = Texts()
        kept = on(flash)
        put(kept, text_of("a"))
        flash.unreadable = (0,)
        self.assertEqual(holds(kept), {1: DAMAGED})
        self.assertEqual(codes(kept.whole, 1), ["damaged"])

    def test_h16_at_the_end_of_a_put_neither_and_nothing_is_said_of_it(self):
        flash = Texts()
        kept = on(flash)
        begin(kept, text_of("a"))
        kept.piece(0, text_of("a"), HOST)
        flash.unreadable = (0,)
        asked = document.digest(b"")[:16]
        self.assertEqual(refusal(kept.end, titled, HOST)[:3], ("other_digest", "digest", asked))
        flash.unreadable = ()
        self.assertEqual(holds(kept), {})

    def test_h16_a_sector_that_can_be_read_in_part_is_not_taken_for_erased(self):
        flash = Texts()
        flash.unreadable = (0,)
        kept = on(flash)
        self.assertEqual(refusal(begin, kept, text_of("a"))[:3], ("worn", "flash", "sector 0"))
        self.assertEqual(put(kept, text_of("a")).sector, 1)
        self.assertEqual(on(flash).erase_next(), 1)

    def test_h16_one_that_cannot_be_read_at_all_is_not_taken_for_the_one_before_it(self):
        flash = with_ab()
        flash.fails = (1,)
        kept = on(flash)
        self.assertEqual(holds(kept), texts(n1="a"))
        self.assertEqual(put(kept, text_of("c")).sector, 2)


class AHead(unittest.TestCase):
    def changed(self, at, data, crc=None):
        """Both of two, after these bytes of the first one's head were written, with their CRC or this one."""
        flash = with_ab()
        page = flash.sector(0)
        page[at : at + len(data)] = data
        if crc is None:
            crc = (binascii.crc32(bytes(page[:228])) & 0xFFFFFFFF).to_bytes(4, "little")
        page[228:232] = crc
        return holds(on(flash))

    def test_of_another_kind_is_none_although_its_crc_is_right(self):
        for magic in (b"NMEO", b"NMEQ", b"nmep", b"\x00\x00\x00\x00"):
            self.assertEqual(self.changed(0, magic)[1], DAMAGED)
        self.assertEqual(self.changed(0, b"NMEP"), texts(n1="a", n2="b"))

    def test_with_another_crc_is_none(self):
        for crc in (bytes(4), b"\xff" * 4):
            self.assertEqual(self.changed(0, b"NMEP", crc)[1], DAMAGED)

    def test_of_version_0_is_none_and_of_any_above_1_is_newer(self):
        for version, wanted in ((b"\x00\x00", DAMAGED), (b"\x02\x00", NEWER), (b"\xff\xff", NEWER)):
            self.assertEqual(self.changed(4, version)[1], wanted)

    def test_that_is_none_leaves_the_number_of_the_mark_only_from_1_to_16(self):
        for number, wanted in ((0, 0), (1, 1), (16, 1), (17, 0), (254, 0)):
            flash = Flash()
            flash.sector(0)[:240] = bytes(232) + bytes([number]) * 8
            said = on(flash).after(0)
            self.assertEqual((said["count"], said["number"]), (wanted, wanted * number))

    def test_each_put_has_the_next_sequence_from_1_on(self):
        flash = Flash()
        kept = on(flash)
        for _ in range(3):
            put(kept, text_of("a"), 1)
        found = [flash.sector(number)[8:12] for number in range(3)]
        self.assertEqual(found, [bytearray([sequence, 0, 0, 0]) for sequence in (1, 2, 3)])


class Removing(unittest.TestCase):
    def test_only_the_number_that_is_asked_goes(self):
        for number, left in ((1, [2, 3]), (2, [1, 3]), (3, [1, 2])):
            flash = with_ab()
            put(on(flash), text_of("c"))
            on(flash).remove(number)
            self.assertEqual(sorted(holds(on(flash))), left)

    def test_a_mark_that_takes_is_enough_and_nothing_is_erased(self):
        flash = Flash()
        kept = on(flash)
        put(kept, text_of("a"))
        put(kept, text_of("b"))
        before = bytes(flash.sector(0))
        flash.done = []
        kept.remove(1)
        self.assertEqual([(row[0], row[1]) for row in flash.done], [(0, 0)])
        self.assertEqual(bytes(flash.sector(0)), before[:240] + GONE + before[256:])

    def test_a_damaged_one_can_be_removed(self):
        flash = with_ab()
        flash.sector(0)[10] ^= 0x10
        on(flash).remove(1)
        self.assertEqual(holds(on(flash)), texts(n2="b"))

    def test_what_cannot_be_removed_is_refused_with_its_sector_and_no_more_is_written_there(self):
        flash = with_ab()
        flash.worn = (1,)
        kept = on(flash)
        self.assertEqual(refusal(kept.remove, 2)[:3], ("worn", "flash", "sector 1"))
        self.assertEqual(holds(kept), texts(n1="a", n2="b"))


class Resetting(unittest.TestCase):
    def test_each_turn_erases_one_sector_that_is_not_erased_whatever_is_in_it(self):
        flash = with_newer(with_ab())
        flash.sector(3)[4_095] = 0
        kept = on(flash, tuple(range(6)))
        found = []
        while not found or found[-1]:
            found.append(kept.erase_next())
        erased = [row[0] for row in flash.done if row[1] is None]
        self.assertEqual((found, erased), ([2, 1, 0], [0, 1, 3]))
        self.assertEqual((kept.erase_next(), holds(kept)), (0, {}))

    def test_h16_what_is_kept_is_marked_as_removed_before_it_is_erased(self):
        flash = with_ab()
        flash.done = []
        on(flash).erase_next()
        self.assertEqual([(row[0], row[1]) for row in flash.done], [(0, 0), (0, None)])


if __name__ == "__main__":
    unittest.main()

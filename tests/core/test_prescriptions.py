"""nmes/prescriptions.py: a power cut or a bad cell at any byte loses nothing that was accepted, and invents nothing."""

import binascii
import unittest

from nmes.core import document
from nmes.core.reason import Refused
from nmes.documents import documents, keep
from nmes.hal import virtual
from nmes.hal.common import IN_STORE, LAYOUT, PAGE, SECTOR, Area
from nmes.prescriptions import DAMAGED, NEWER, WHOLE

HOST = 7


class Flash(virtual.Flash):
    """Notes what is done, and can be without power from an operation on, refuse a sector, or hold what was not
    written."""

    def __init__(self, sectors=None):
        super().__init__()
        self.sectors = sectors or {}
        self.done = []
        self.worn = ()
        self.fails = ()

    def readblocks(self, number, into, at):
        if number in self.fails:
            raise OSError(5)
        super().readblocks(number, into, at)

    def writeblocks(self, number, data, at):
        assert len(data) == PAGE and at % PAGE == 0
        self.done.append((number, at, bytes(data)))
        if number not in self.worn:
            super().writeblocks(number, data, at)

    def ioctl(self, operation, number):
        assert operation == 6
        self.done.append((number, None, None))
        if number not in self.worn:
            super().ioctl(operation, number)

    def copy(self):
        return Flash({number: bytearray(data) for number, data in self.sectors.items()})


def on(flash, sectors=(0, 1, 2)):
    return documents(Area(flash, sectors))


def text_of(name, length=300):
    return (name * length)[:length].encode()


def titled(text):
    return "title %s" % bytes(text[:1]).decode()


def put(kept, text, number=0, by=HOST):
    """The row that the device says it keeps."""
    return keep(kept, number, text, titled, by)


def holds(kept):
    """{number: its text, or why there is none}, as a host reads it."""
    found = {}
    number = 0
    while True:
        said = kept.after(number)
        number = said["number"]
        if not number:
            return found
        found[number] = said["condition"]
        if said["condition"] == WHOLE:
            row, text = kept.whole(number)
            assert row.title == titled(text) == said["title"] and said["bytes"] == len(text)
            assert said["digest"] == document.digest(text) == row.digits()
            found[number] = bytes(text).decode()


def codes(act, *arguments):
    try:
        act(*arguments)
    except Refused as refused:
        return [reason["code"] for reason in refused.reasons]
    return []


def texts(**kept):
    """What `holds` says of prescriptions by their number, n1="a" for the text of that letter."""
    return {int(key[1:]): text_of(letter).decode() for key, letter in kept.items()}


class Keeping(unittest.TestCase):
    def test_a_new_board_has_none_and_looking_writes_nothing(self):
        flash = Flash()
        kept = on(flash)
        self.assertEqual((holds(kept), flash.done), ({}, []))
        self.assertEqual((kept.after(0)["count"], kept.after(0)["free"]), (0, 16))

    def test_what_was_put_is_there_again_byte_for_byte_whatever_its_length(self):
        for length in (2, 255, 256, 257, 767, 768, 769, document.BYTES_MAX - 1, document.BYTES_MAX):
            flash = Flash()
            self.assertEqual(put(on(flash), text_of("a", length)).number, 1)
            self.assertEqual(holds(on(flash)), {1: text_of("a", length).decode()})

    def test_sixteen_find_room_each_can_be_replaced_and_a_seventeenth_is_refused(self):
        flash = Flash()
        kept = on(flash, LAYOUT["prescriptions"])
        for number in range(1, 17):
            self.assertEqual(put(kept, text_of(chr(96 + number))).number, number)
        self.assertEqual(codes(kept.begin, 0, 300, b"", HOST), ["full"])
        for _ in range(2):
            for number in range(1, 17):
                put(kept, text_of(chr(64 + number)), number)
        wanted = {number: text_of(chr(64 + number)).decode() for number in range(1, 17)}
        self.assertEqual(holds(on(flash, LAYOUT["prescriptions"])), wanted)
        kept.remove(5)
        self.assertEqual(put(kept, text_of("x")).number, 5)

    def test_the_lowest_free_number_is_taken_and_one_that_is_asked_for_is_that(self):
        kept = on(Flash())
        self.assertEqual([put(kept, text_of("a"), 2).number, put(kept, text_of("b")).number], [2, 1])
        self.assertEqual(holds(kept), texts(n1="b", n2="a"))

    def test_a_removed_one_is_gone_and_removing_it_again_is_refused(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        on(flash).remove(1)
        self.assertEqual(holds(on(flash)), {})
        self.assertEqual(codes(on(flash).remove, 1), ["not_there"])
        self.assertEqual(codes(on(flash).whole, 1), ["not_there"])

    def test_sectors_are_used_in_turn(self):
        flash = Flash()
        kept = on(flash, tuple(range(6)))
        for _ in range(60):
            put(kept, text_of("a"), 1)
        erased = [row[0] for row in flash.done if row[1] is None]
        counts = [erased.count(sector) for sector in range(6)]
        self.assertTrue(max(counts) - min(counts) <= 1, str(counts))


class OutOfOrder(unittest.TestCase):
    def begun(self, text=None):
        flash = Flash()
        kept = on(flash)
        put(kept, text_of("a"))
        text = text or text_of("b", 1_000)
        kept.begin(1, len(text), binascii.unhexlify(document.digest(text)), HOST)
        return flash, kept, text

    def test_pieces_come_in_order_from_one_host_and_in_whole_pages(self):
        flash, kept, text = self.begun()
        self.assertEqual(codes(kept.piece, 256, text[:256], HOST), ["out_of_order"])
        self.assertEqual(codes(kept.piece, 0, text[:256], HOST + 1), ["not_begun"])
        self.assertEqual(codes(kept.piece, 0, text[:255], HOST), ["wrong_length"])
        self.assertEqual(codes(kept.piece, 0, text + b"x", HOST), ["wrong_length"])
        self.assertEqual(kept.piece(0, text[:768], HOST), 768)
        self.assertEqual(codes(kept.piece, 0, text[:768], HOST), ["out_of_order"])
        self.assertEqual(codes(kept.end, titled, HOST), ["incomplete"])
        self.assertEqual(codes(kept.end, titled, HOST + 1), ["not_begun"])
        self.assertEqual(holds(kept), texts(n1="a"))
        self.assertEqual(kept.piece(768, text[768:], HOST), 1_000)
        kept.end(titled, HOST)
        self.assertEqual(holds(on(flash)), {1: text.decode()})
        self.assertEqual(codes(kept.end, titled, HOST), ["not_begun"])

    def test_what_does_not_have_the_digest_that_was_said_is_not_kept(self):
        flash, kept, text = self.begun()
        kept.piece(0, text[:768], HOST)
        kept.piece(768, b"x" * 232, HOST)
        self.assertEqual(codes(kept.end, titled, HOST), ["other_digest"])
        self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_what_is_refused_when_it_is_whole_is_not_kept(self):
        def refuses(text):
            raise Refused([{"code": "too_strong"}])

        flash, kept, text = self.begun(text_of("b"))
        kept.piece(0, text, HOST)
        self.assertEqual(codes(kept.end, refuses, HOST), ["too_strong"])
        self.assertEqual(holds(on(flash)), texts(n1="a"))
        self.assertEqual(codes(kept.end, titled, HOST), ["not_begun"])

    def test_another_begin_takes_the_place_of_the_one_before(self):
        flash, kept, text = self.begun()
        kept.piece(0, text[:768], HOST)
        put(kept, text_of("c"), 2, HOST + 1)
        self.assertEqual(codes(kept.piece, 768, text[768:], HOST), ["not_begun"])
        self.assertEqual(holds(on(flash)), texts(n1="a", n2="c"))

    def test_without_a_begin_nothing_is_written(self):
        flash = Flash()
        for act in (lambda: on(flash).piece(0, b"x", HOST), lambda: on(flash).end(titled, HOST)):
            self.assertEqual(codes(act), ["not_begun"])
        self.assertEqual(flash.done, [])


# ---- power cuts ----


def erasing(sector):
    """What an erase that is cut short may leave: first all bits are cleared, then all are set, none as quick as
    another."""
    old = bytes(sector)
    for share in (1, 2, 4, 100, 232, 240, 248, 256, 300, 2_048):
        yield b"\x00" * share + old[share:]
        yield b"\xff" * share + b"\x00" * (SECTOR - share)
        yield b"\x00" * (SECTOR - share) + b"\xff" * share
    for clear in (0xA5, 0x0F, 0x80):
        yield bytes([byte & clear for byte in old])
        yield bytes([clear] * SECTOR)
        yield bytes([clear | 5 * at & 0xFF for at in range(SECTOR)])


def cuts(before, done, backwards):
    """Every state of the flash in which a power cut could leave it: (operations that were done, flash). Any byte of a
    page may be the first: in order, or `backwards`; and half of its bits."""
    flash = before.copy()
    for count, (number, at, data) in enumerate(done):
        sector = flash.sector(number)
        if data is None:
            whole = bytes(sector)
            for left in erasing(sector):
                sector[:] = left
                yield count, flash
            sector[:] = whole
            flash.ioctl(6, number)
            continue
        order = [i for i in range(len(data)) if sector[at + i] & data[i] != sector[at + i]]
        for i in reversed(order) if backwards else order:
            was = sector[at + i]
            for half in (0x55, 0xAA):
                sector[at + i] = was & (data[i] | half)
                yield count, flash
            sector[at + i] = was & data[i]
            yield count, flash


def history(flash):
    """Put, replace and remove, with sectors that have to be erased. Returns [(operations done, what is accepted)]."""
    kept = on(flash)
    accepted = [(0, {})]

    def note():
        accepted.append((len(flash.done), holds(kept)))

    for text, number in (("a", 0), ("b", 0), ("c", 1)):
        put(kept, text_of(text), number)
        note()
    kept.remove(2)
    note()
    for text, number in (("d", 1), ("e", 2), ("f", 2)):
        put(kept, text_of(text), number)
        note()
    kept.remove(1)
    note()
    put(kept, text_of("g"), 1)
    note()
    return accepted


class APowerCut(unittest.TestCase):
    def check(self, backwards):
        flash = Flash()
        accepted = history(flash)
        self.assertTrue([row for row in flash.done if row[1] is None], "nothing was erased")
        points = 0
        for count, image in cuts(Flash(), flash.done, backwards):
            began = [i for i in range(len(accepted)) if accepted[i][0] <= count][-1]
            either = [accepted[began][1], accepted[min(began + 1, len(accepted) - 1)][1]]
            found = holds(on(image))
            self.assertTrue(found in either, "%d operations: %s" % (count, found))
            points += 1
            if points % 64 == 0:
                self.goes_on(image.copy(), found)
        self.assertTrue(points > 3_000, str(points))

    def goes_on(self, image, found):
        """The next replacement and the next removal work, and what was replaced does not come back."""
        put(on(image), text_of("z"), 1)
        wanted = dict(found)
        wanted[1] = text_of("z").decode()
        self.assertEqual(holds(on(image)), wanted)
        on(image).remove(1)
        del wanted[1]
        self.assertEqual(holds(on(image)), wanted)

    def test_h16_at_every_byte_programmed_and_within_every_erase_leaves_the_old_or_the_new(self):
        self.check(False)

    def test_h16_and_when_the_last_byte_of_a_page_is_the_first_that_is_programmed(self):
        self.check(True)

    def test_h16_at_every_byte_of_the_longest_that_fits(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        before = flash.copy()
        flash.done = []
        put(on(flash), text_of("b", document.BYTES_MAX), 1)
        old, new = texts(n1="a"), {1: text_of("b", document.BYTES_MAX).decode()}
        points = 0
        for _, image in cuts(before, flash.done, False):
            self.assertTrue(holds(on(image)) in (old, new))
            points += 1
        self.assertTrue(points > 3 * document.BYTES_MAX)

    def test_h16_after_one_between_the_new_and_the_old_a_removal_cut_anywhere_brings_no_old_one_back(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        old = bytearray(flash.sector(0))
        put(on(flash), text_of("b"), 1)
        flash.sectors[0] = old  # its mark of removal was never programmed
        self.assertEqual(holds(on(flash)), texts(n1="b"))
        before = flash.copy()
        flash.done = []
        on(flash).remove(1)
        for _, image in cuts(before, flash.done, False):
            self.assertTrue(holds(on(image)) in (texts(n1="b"), {}))
        self.assertEqual(holds(on(flash)), {})

    def test_h16_in_a_factory_reset_leaves_each_one_whole_or_gone(self):
        flash = Flash()
        for letter in "abc":
            put(on(flash), text_of(letter))
        before = flash.copy()
        flash.done = []
        kept = on(flash)
        self.assertEqual([kept.erase_next() for _ in range(4)], [2, 1, 0, 0])
        self.assertEqual(holds(kept), {})
        self.assertEqual(set(map(bytes, flash.sectors.values())), {b"\xff" * SECTOR})
        whole = texts(n1="a", n2="b", n3="c")
        for _, image in cuts(before, flash.done, False):
            for number, text in holds(on(image)).items():
                self.assertEqual(text, whole[number])


# ---- damage ----


class Damage(unittest.TestCase):
    def kept(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        put(on(flash), text_of("b"))
        return flash

    def test_h16_a_byte_anywhere_damages_only_what_it_is_in_and_never_makes_another_text(self):
        flash = self.kept()
        sector = flash.sector(0)
        for at in range(PAGE + 300):
            for flip in (0x01, 0x80, 0xFF):
                sector[at] ^= flip
                found = holds(on(flash))
                self.assertEqual(found.pop(2), text_of("b").decode())
                self.assertTrue(found in (texts(n1="a"), {1: DAMAGED}), "%d" % at)
                sector[at] ^= flip

    def test_h16_what_is_damaged_is_listed_refused_and_can_be_replaced_and_removed(self):
        for at in (10, PAGE + 10):
            for again in ("replaced", "removed"):
                flash = self.kept()
                flash.sector(0)[at] ^= 0x10
                kept = on(flash)
                self.assertEqual(holds(kept)[1], DAMAGED)
                self.assertEqual(codes(kept.whole, 1), ["damaged"])
                if again == "removed":
                    kept.remove(1)
                    self.assertEqual(holds(on(flash)), texts(n2="b"))
                else:
                    put(kept, text_of("c"), 1)
                    self.assertEqual(holds(on(flash)), texts(n1="c", n2="b"))

    def test_of_one_without_a_head_nothing_is_said_but_its_number(self):
        flash = self.kept()
        flash.sector(0)[10] ^= 0x10
        said = on(flash).after(0)
        self.assertEqual((said["number"], said["condition"], said["count"]), (1, DAMAGED, 2))
        self.assertEqual((said["title"], said["digest"], said["bytes"]), ("", "", 0))

    def test_h16_beside_a_whole_one_of_its_number_one_without_a_head_does_not_count(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        old = bytearray(flash.sector(0))
        put(on(flash), text_of("b"), 1)
        flash.sectors[0] = old  # the power went before it was marked as removed
        flash.sector(1)[10] ^= 0x10
        self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_h16_a_flash_full_of_anything_holds_nothing_and_takes_what_comes(self):
        for value in (0x00, 0x01, 0x10, 0x5A, 0xFE):
            flash = Flash({number: bytearray([value] * SECTOR) for number in range(3)})
            self.assertEqual(holds(on(flash)), {})
            put(on(flash), text_of("a"))
            self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_a_sector_that_cannot_be_read_is_not_written_and_the_others_go_on(self):
        flash = self.kept()
        flash.fails = (0,)
        flash.done = []
        kept = on(flash)
        self.assertEqual(holds(kept), texts(n2="b"))
        put(kept, text_of("c"), 2)
        self.assertEqual(holds(kept), texts(n2="c"))
        self.assertFalse(0 in [row[0] for row in flash.done])


class Worn(unittest.TestCase):
    def test_what_does_not_read_back_is_refused_by_name_and_the_next_try_takes_another_sector(self):
        for broken in ("text", "head", "mark"):
            flash = Flash()
            put(on(flash), text_of("a"))
            kept = on(flash)

            def writeblocks(number, data, at, flash=flash, broken=broken, whole=flash.writeblocks):
                is_mark = at == 0 and data[232] != 0xFF
                now = {"text": at > 0, "head": at == 0 and not is_mark, "mark": is_mark}[broken]
                if number == 1 and now:
                    data = bytes(data[:20]) + b"\xff" * (PAGE - 20)
                whole(number, data, at)

            flash.writeblocks = writeblocks
            self.assertEqual(codes(put, kept, text_of("b"), 1), ["worn"], broken)
            self.assertEqual(holds(on(flash)), texts(n1="a"))
            put(kept, text_of("b"), 1)
            self.assertEqual(holds(on(flash)), texts(n1="b"))

    def test_an_erase_that_does_not_take_is_the_same(self):
        flash = Flash({0: bytearray(b"\x00" * SECTOR)})
        flash.worn = (0,)
        kept = on(flash)
        self.assertEqual(codes(put, kept, text_of("a")), ["worn"])
        put(kept, text_of("a"))
        self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_when_no_sector_is_left_it_is_refused_and_what_is_kept_stays(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        for number in (1, 2):
            flash.sector(number)[7] = 0
        flash.worn = (1, 2)
        kept = on(flash)
        found = [codes(put, kept, text_of("b"), 1) for _ in range(3)]
        self.assertEqual(found, [["worn"], ["worn"], ["worn_out"]])
        self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_a_removal_that_does_not_take_is_refused_and_one_whose_mark_does_not_erases(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        flash.worn = (0,)
        self.assertEqual(codes(on(flash).remove, 1), ["worn"])
        self.assertEqual(holds(on(flash)), texts(n1="a"))
        flash.worn = ()
        flash.writeblocks = lambda number, data, at: None
        on(flash).remove(1)
        self.assertEqual(holds(on(flash)), {})

    def test_a_sector_that_cannot_be_read_is_left_alone_and_noted_once(self):
        flash = Flash()
        kept = on(flash)
        put(kept, text_of("a"), 1)
        flash.fails = (0,)
        for _ in range(5):
            self.assertEqual(holds(kept), {})
        self.assertEqual(kept._worn, [0])

    def test_a_flash_that_raises_is_worn(self):
        def fails(*arguments):
            raise OSError(5)

        for method in ("writeblocks", "ioctl"):
            flash = Flash()
            put(on(flash), text_of("a"))
            flash.sector(1)[9] = 0
            setattr(flash, method, fails)
            self.assertEqual(codes(put, on(flash), text_of("b"), 1), ["worn"])
            self.assertEqual(holds(on(flash)), texts(n1="a"))

    def test_a_reset_goes_past_a_sector_that_is_worn(self):
        flash = Flash()
        for letter in "abc":
            put(on(flash), text_of(letter))
        flash.worn = (1,)
        kept = on(flash)
        while kept.erase_next():
            pass
        self.assertEqual(sorted(holds(kept)), [2])


def of_version(flash, number, version):
    """What another version would have written there."""
    sector = flash.sector(number)
    sector[4:6] = version.to_bytes(2, "little")
    sector[228:232] = (binascii.crc32(bytes(sector[:228])) & 0xFFFFFFFF).to_bytes(4, "little")


class ANewerFirmwareWroteIt(unittest.TestCase):
    def test_it_is_listed_refused_and_left_alone_and_the_others_go_on(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        put(on(flash), text_of("b"))
        of_version(flash, 0, 2)
        before = bytes(flash.sector(0))
        kept = on(flash)
        self.assertEqual(holds(kept), {1: NEWER, 2: text_of("b").decode()})
        for act in (lambda: kept.whole(1), lambda: kept.remove(1), lambda: kept.begin(1, 300, b"", HOST)):
            self.assertEqual(codes(act), ["newer"])
        for letter in "cdef":
            put(kept, text_of(letter), 2)
        self.assertEqual(bytes(flash.sector(0)), before)
        self.assertEqual(holds(kept)[2], text_of("f").decode())

    def test_one_of_a_version_that_never_was_is_damaged(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        of_version(flash, 0, 0)
        self.assertEqual(holds(on(flash)), {1: DAMAGED})

    def test_whatever_its_marks_are(self):
        flash = Flash()
        put(on(flash), text_of("a"))
        flash.sector(0)[232:256] = b"\x00" * 24
        of_version(flash, 0, 3)
        self.assertEqual(holds(on(flash)), {1: NEWER})


class OnFlash(unittest.TestCase):
    """Golden: what is on boards out there is read by every later firmware, so no byte of it moves."""

    def test_the_first_page_has_every_field_at_its_place_and_the_text_is_behind_it(self):
        flash = Flash()
        kept = on(flash)
        put(kept, text_of("a"))
        put(kept, text_of("b"), 9)
        page = bytes(flash.sector(1)[:PAGE])
        title = b"title b"
        self.assertEqual(page[:4], b"NMEP")
        self.assertEqual(page[4:6], b"\x01\x00")  # version
        self.assertEqual(page[6:8], b"\x09\x00")  # number
        self.assertEqual(page[8:12], b"\x02\x00\x00\x00")  # sequence
        self.assertEqual(page[12:14], b"\x2c\x01")  # 300 bytes
        self.assertEqual(page[14:46], binascii.unhexlify(document.digest(text_of("b"))))
        self.assertEqual(page[46:54], bytes([len(title)]) + title)
        self.assertEqual(page[54:228], b"\xff" * 174)
        self.assertEqual(page[228:232], (binascii.crc32(page[:228]) & 0xFFFFFFFF).to_bytes(4, "little"))
        self.assertEqual(page[232:240], b"\x09" * 8)
        self.assertEqual(page[240:], b"\xff" * 16)
        self.assertEqual(bytes(flash.sector(1)[PAGE : PAGE + 301]), text_of("b") + b"\xff")
        kept.remove(9)
        self.assertEqual(bytes(flash.sector(1)[:PAGE]), page[:240] + b"\x00" * 16)

    def test_two_bytes_are_a_mark_and_one_is_none(self):
        for marked, removed, there in ((0, 0, False), (1, 0, False), (2, 0, True), (8, 1, True), (8, 2, False)):
            flash = Flash()
            put(on(flash), text_of("a"))
            page = flash.sector(0)
            page[232 + marked : 240] = b"\xff" * (8 - marked)
            page[255 - removed : 255] = b"\x00" * removed
            self.assertEqual(1 in holds(on(flash)), there, "%d %d" % (marked, removed))

    def test_without_a_head_five_bytes_of_the_mark_say_the_number_and_four_do_not(self):
        for right, wanted in ((5, {16: DAMAGED}), (4, {})):
            flash = Flash()
            put(on(flash), text_of("a"), 16)
            page = flash.sector(0)
            page[0] ^= 1
            page[232 : 240 - right] = b"\x00" * (8 - right)
            self.assertEqual(holds(on(flash)), wanted)

    def test_the_longest_title_fits(self):
        flash = Flash()
        text, title = text_of("a"), 60 * "\u9aa8"
        keep(on(flash), 0, text, lambda _: title, HOST)
        self.assertEqual(on(flash).after(0)["title"], title)
        self.assertEqual(on(flash).after(0)["condition"], WHOLE)


class TheLayout(unittest.TestCase):
    def test_no_sector_is_two_s_and_all_but_those_of_the_records_are_in_the_store(self):
        sectors = [sector for name in LAYOUT for sector in LAYOUT[name]]
        self.assertEqual((len(set(sectors)), min(sectors), max(sectors)), (len(sectors), 0, 79))
        in_store = [name for name in sorted(LAYOUT) if max(LAYOUT[name]) < IN_STORE]
        self.assertEqual(in_store, ["calibration", "prescriptions", "slots"])
        self.assertEqual(min(LAYOUT["sessions"]), IN_STORE)

    def test_there_is_room_for_sixteen_and_two_more(self):
        self.assertTrue(len(LAYOUT["prescriptions"]) >= document.NUMBERS[1] + 2)
        self.assertTrue(len(LAYOUT["calibration"]) >= 2)
        self.assertEqual(document.BYTES_MAX, SECTOR - PAGE)
        self.assertEqual(document.PIECE_BYTES % PAGE, 0)
        self.assertEqual(len(document.piece(bytes(document.PIECE_BYTES))), document.PIECE_TEXT)


if __name__ == "__main__":
    unittest.main()

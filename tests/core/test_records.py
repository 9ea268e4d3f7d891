"""nmes/records.py: every session is there, in order, whatever the power or the flash does; none is there twice."""

import unittest

from samples import codes
from test_prescriptions import Flash, cuts

from nmes.core import record
from nmes.core.document import WHOLE, Row
from nmes.core.phase import DUMMY
from nmes.core.session import COMPLETED, FAULT, IDLE
from nmes.hal.common import LAYOUT, PAGE, SECTOR, Area
from nmes.records import Records

SECTORS = 3
A_SECTOR = SECTOR // PAGE
PRESCRIPTION = Row(0, WHOLE, 4, digest=bytes(range(32)), checked=(3, 0, "Dr. A. Example"))


class Programme:
    effect = "motor"
    duration_ms = 1_200_000

    def __init__(self, kind="probe"):
        self.kind = kind


class Session:
    """What records ask of one."""

    measures = True
    acknowledged = 3
    programme_crc = 0x1234
    limit_ua = 40_000
    lanes = ()
    state = IDLE
    fault = 0

    def __init__(self, kind="probe", ended=COMPLETED, took_ms=1_000):
        self.programme = Programme(kind)
        self.ended = ended
        self.took_ms = took_ms

    def elapsed_ms(self, now_ms):
        return self.took_ms


def on(flash, sectors=SECTORS):
    return Records(Area(flash, range(sectors)))


def run(kept, session=None, at_ms=1_000):
    """A session from arming to its record."""
    session = session or Session()
    number = kept.begin(session, 1, None, None, at_ms)
    kept.end(session, (), None, at_ms + 1_000)
    kept.flush()
    return number


def each(kept):
    """(number, page) as a host reads them, the oldest first."""
    number = 0
    while True:
        number, page = kept.after(number)
        if not number:
            return
        yield number, bytes(page)


def pages(kept):
    return list(each(kept))


def held(kept):
    return list(each_held(kept))


def each_held(kept):
    """(number, what its page holds), the oldest first; the chain is whole."""
    before = None
    for number, page in each(kept):
        what = record.condition(page)
        if what in record.SESSIONS:
            begin = record.begin_of(page)
            assert begin["number"] == number
            assert before is None or begin["before"] == before, "the chain is broken before %d" % number
        before = record.digest(page)
        yield number, what


def ended(first, last):
    return [(number, record.ENDED) for number in range(first, last + 1)]


class TheRing(unittest.TestCase):
    def test_a_new_board_has_none_and_looking_writes_nothing(self):
        flash = Flash()
        kept = on(flash)
        self.assertEqual((held(kept), kept.newest, kept.due, flash.done), ([], 0, False, []))
        self.assertEqual(kept.left(), SECTORS * A_SECTOR)

    def test_a_session_is_there_from_its_begin_on_and_whole_after_its_end_with_power_back_too(self):
        flash = Flash()
        kept = on(flash)
        self.assertEqual(kept.begin(Session(), 1, PRESCRIPTION, 1_800_000_000, 5_500), 1)
        for one in (kept, on(flash)):
            self.assertEqual(held(one), [(1, record.BEGUN)])
        kept.end(Session(ended="stopped"), (), 1_800_000_009, 9_100)
        self.assertEqual(held(kept), [(1, record.BEGUN)])
        self.assertTrue(kept.due)
        kept.flush()
        for one in (kept, on(flash)):
            self.assertEqual((held(one), one.due), (ended(1, 1), False))
        _, begin, end = next(on(flash).back())
        self.assertEqual((begin["prescription"], begin["prescription_digest"]), (4, bytes(range(8))))
        self.assertEqual(begin["checked_version"], 3)
        self.assertEqual((begin["at_s"], begin["unix_s"], begin["started_by"]), (5, 1_800_000_000, 1))
        self.assertEqual((begin["duration_s"], begin["limit_10ua"], begin["checklist"]), (1_200, 4_000, 3))
        self.assertEqual(begin["flags"], record.MOTOR | record.MEASURES)
        self.assertEqual((end["ended"], end["took_s"], end["ended_unix_s"]), ("stopped", 4, 1_800_000_009))

    def test_the_end_is_made_once_and_without_a_begin_not_at_all(self):
        flash = Flash()
        kept = on(flash)
        kept.end(Session(), (), None, 0)
        kept.cancel(Session(), None, 0)
        self.assertEqual((kept.due, kept.is_open()), (False, False))
        kept.begin(Session(), 1, None, None, 0)
        self.assertTrue(kept.is_open())
        kept.end(Session(ended="stopped"), (), None, 0)
        kept.end(Session(ended="later"), (), None, 0)
        kept.flush()
        self.assertEqual(next(kept.back())[2]["ended"], "stopped")

    def test_one_that_was_not_armed_after_all_says_so_and_one_with_a_fault_which(self):
        flash = Flash()
        kept = on(flash)
        session = Session()
        session.state, session.fault = FAULT, 11
        kept.begin(session, 1, None, None, 0)
        kept.end(session, (), None, 0)
        kept.begin(session, 1, None, None, 0)
        kept.cancel(session, None, 0)
        kept.flush()
        said = [(end["ended"], end["fault"]) for _, _, end in on(flash).back()]
        self.assertEqual(said, [("not armed", 11), ("fault", 11)])

    def test_what_has_no_room_in_the_text_of_an_end_is_cut_and_plain(self):
        kept = on(Flash())
        kept.begin(Session(), 1, None, None, 0)
        kept.end(Session(ended="\u00e4 very long reason indeed"), (), None, 0)
        kept.flush()
        self.assertEqual(next(kept.back())[2]["ended"], "? very long reas")

    def test_600_sessions_and_on_wear_it_evenly_and_keep_the_last_500_at_the_least(self):
        flash = Flash()
        sectors = len(LAYOUT["sessions"])
        kept = on(flash, sectors)
        least, erased = [], []
        for number in range(1, 1_701):
            self.assertEqual(run(kept), number)
            erased += [sector for sector, at, _ in flash.done if at is None]
            flash.done = []
            if number % 100 == 0 or number in (600, 768, 769, 784, 785):
                again = on(flash, sectors)
                oldest = again.after(0)[0]
                least.append(number - oldest + 1)
                self.assertEqual((again.newest, again.due), (number, False))
        self.assertEqual(least[5], 600)
        self.assertTrue(min(least[6:]) >= 500, str(least))
        last = self.newest_of(on(flash, sectors))
        self.assertEqual(last, 1_700)
        times = [erased.count(sector) for sector in range(sectors)]
        self.assertEqual((min(times), max(times)), (1, 2))

    def newest_of(self, kept):
        """The last of them; one follows the other, and each was ended."""
        last = kept.after(0)[0] - 1
        for number, what in each_held(kept):
            self.assertEqual((number, what), (last + 1, record.ENDED))
            last = number
        return last

    def test_the_sector_that_comes_next_is_erased_after_a_session_and_never_by_an_arming(self):
        flash = Flash()
        kept = on(flash)
        erased = 0
        for number in range(200):
            flash.done = []
            kept.begin(Session(), 1, None, None, 0)
            self.assertEqual([row for row in flash.done if row[1] is None], [], number)
            kept.end(Session(), (), None, 0)
            kept.flush()
            erased += len([row for row in flash.done if row[1] is None])
        # Those that hold something from before: all but the first three.
        self.assertEqual(erased, 200 // A_SECTOR + 1 - SECTORS)

    def test_sessions_in_one_time_of_power_say_so(self):
        flash = Flash()
        for _ in range(2):
            kept = on(flash)
            self.assertEqual(kept.power_on, 0)
            run(kept)
            run(kept)
        self.assertEqual([begin["power_on"] for _, begin, _ in kept.back()], [2, 2, 1, 1])

    def test_what_is_left_is_counted_to_the_session_that_overwrites_one(self):
        flash = Flash()
        kept = on(flash)
        run(kept)
        for _ in range(4 * A_SECTOR):
            left, oldest = kept.left(), kept.after(0)[0]
            self.assertEqual(on(flash).left(), left)
            kept = on(flash.copy())
            for _ in range(left):
                self.assertEqual(kept.after(0)[0], oldest)
                run(kept)
            self.assertEqual(kept.after(0)[0], oldest + A_SECTOR)
            kept = on(flash)
            run(kept)


class Taking(unittest.TestCase):
    def taken(self, count=5):
        flash = Flash()
        kept = on(flash)
        for _ in range(count):
            run(kept)
        return flash, kept, record.digest(pages(kept)[-1][1])

    def test_what_a_host_has_is_not_given_again_and_what_comes_after_is(self):
        flash, kept, digest = self.taken()
        kept.take(5, digest)
        for one in (kept, on(flash)):
            self.assertEqual((pages(one), one.taken(), one.newest), ([], 5, 5))
        run(kept)
        for one in (kept, on(flash)):
            self.assertEqual(([number for number, _ in pages(one)], one.taken()), ([6], 5))
        self.assertEqual(record.begin_of(pages(kept)[0][1])["before"], digest)
        # They still count for the dose.
        self.assertEqual(len(list(on(flash).back())), 6)

    def test_only_one_that_is_named_by_number_and_digest_is_taken_with_all_before_it(self):
        flash, kept, digest = self.taken()
        for number in (4, 1):
            self.assertEqual(codes(kept.take, number, digest), ["other_record"])
        for number in (0, 6):
            self.assertEqual(codes(kept.take, number, digest), ["no_such_record"])
        self.assertEqual(codes(kept.take, 5, bytes(16)), ["other_record"])
        self.assertEqual(len(pages(on(flash))), 5)
        third = record.digest(pages(kept)[2][1])
        run(kept)
        kept.take(3, third)
        for one in (kept, on(flash)):
            self.assertEqual(([number for number, _ in pages(one)], one.taken()), ([4, 5, 6], 3))
        for number, its in ((2, digest), (3, third)):  # a host has it already
            self.assertEqual(codes(kept.take, number, its), ["no_such_record"])
        kept.take(5, digest)
        self.assertEqual([number for number, _ in pages(on(flash))], [6])
        self.assertEqual(codes(on(Flash()).take, 1, digest), ["no_such_record"])

    def test_one_that_was_overwritten_or_cannot_be_read_is_not_taken(self):
        flash, kept, _ = self.taken(4 * A_SECTOR)
        oldest, page = pages(kept)[0]
        self.assertTrue(oldest > 1)
        self.assertEqual(codes(kept.take, oldest - 1, record.digest(page)), ["no_such_record"])
        place = (kept.newest - 1) % (SECTORS * A_SECTOR)
        flash.sectors[place // A_SECTOR][place % A_SECTOR * PAGE + 10] = 0
        one = on(flash)
        digest = record.digest(pages(one)[-1][1])
        self.assertEqual(codes(one.take, kept.newest, digest), ["no_such_record"])

    def test_taking_makes_room_again(self):
        flash, kept, _ = self.taken(SECTORS * A_SECTOR - record.FEW // 2)
        few = kept.left()
        self.assertTrue(few < record.FEW)
        kept.take(kept.newest, record.digest(pages(kept)[-1][1]))
        self.assertTrue(kept.left() > record.FEW)
        self.assertEqual(on(flash).left(), kept.left())

    def test_a_flash_that_takes_no_mark_says_so(self):
        flash, kept, digest = self.taken()
        flash.worn = range(SECTORS)
        self.assertEqual(codes(kept.take, 5, digest), ["worn"])
        self.assertEqual(len(pages(kept)), 5)

    def test_h16_a_power_cut_at_any_byte_of_it_leaves_all_or_none(self):
        flash, kept, digest = self.taken()
        before = flash.copy()
        flash.done = []
        kept.take(5, digest)
        found = set()
        for backwards in (False, True):
            for _, image in cuts(before, flash.done, backwards):
                one = on(image)
                found.add(len(pages(one)))
                self.assertEqual((len(pages(one)), one.newest), (5 - one.taken(), 5))
                self.assertEqual([what for what, _, _ in one.back()], 5 * [record.ENDED])
        self.assertEqual(found, {0, 5})


class APowerCut(unittest.TestCase):
    """`history` ends with a session, its end and the erase that follows; the power is cut anywhere in it."""

    def history(self, sessions, cut_before=False):
        flash = Flash()
        kept = on(flash)
        for _ in range(sessions):
            run(kept)
        if cut_before:
            kept.begin(Session(), 1, None, None, 0)
            kept = on(flash)
        before = flash.copy()
        flash.done = []
        run(kept)
        return before, flash.done

    def check(self, sessions, backwards, cut_before=False):
        before, done = self.history(sessions, cut_before)
        newest = sessions + cut_before
        # The sector that is erased meanwhile has no records any more, whatever is left of it.
        kept_as = dict(held(on(before)))
        erased = [sector for sector, at, _ in done if at is None]
        stay = [number for number in kept_as if (number - 1) % (SECTORS * A_SECTOR) // A_SECTOR not in erased]
        wanted = [(number, kept_as[number]) for number in sorted(stay)]
        points, seen = 0, set()
        for _, image in cuts(before, done, backwards):
            kept = on(image)
            there = held(kept)
            self.assertEqual([row for row in there if row[0] in stay], wanted)
            last = [what for number, what in there if number == newest + 1]
            seen.add(last[0] if last else "none")
            points += 1
            if points % 16 == 0:
                self.goes_on(image.copy(), sessions, newest, last)
        # Torn, its first part is no session, and nobody was armed.
        self.assertTrue({record.BEGUN, record.ENDED} <= seen <= {record.BEGUN, record.ENDED, "none"}, str(seen))
        return points

    def goes_on(self, image, sessions, newest, last):
        """Every session before is as it was, the one that was cut is not ended in order or was never armed, and the
        next ones follow, each with a number of its own."""
        before = held(on(image))
        kept = on(image)
        first = run(kept)
        self.assertTrue(first > max([0] + [number for number, _ in before]))
        for _ in range(3):
            run(kept)
        after = held(on(image))
        self.assertEqual(after[-4:], ended(first, first + 3))
        oldest = after[0][0]
        wanted = [row for row in before if row[0] >= oldest]
        self.assertEqual([row for row in after if row[0] < first], wanted)
        # With every bit of what was cut as it may read on another day the chain stays whole.
        if last and last[0] == record.BEGUN:
            place = (newest) % (SECTORS * A_SECTOR)
            sector, at = place // A_SECTOR, place % A_SECTOR * PAGE
            for i in range(at + 64, at + 240):
                image.sector(sector)[i] ^= 0x5A
            self.assertEqual(held(on(image)), after)

    def test_h16_at_every_byte_of_a_session_leaves_it_whole_or_not_ended_in_order(self):
        self.assertTrue(self.check(3, False) > 400)

    def test_h16_and_when_the_last_byte_of_a_page_is_the_first_that_is_programmed(self):
        self.assertTrue(self.check(3, True) > 400)

    def test_h16_and_of_the_very_first_session(self):
        self.check(0, False)

    def test_h16_and_where_the_session_before_was_cut_too(self):
        self.check(2, False, cut_before=True)

    def test_h16_and_of_the_last_page_of_a_sector_and_within_the_erase_of_the_next(self):
        self.check(3 * SECTORS * A_SECTOR - 1, False)
        self.check(A_SECTOR - 1, True)

    def test_h16_and_of_the_first_page_of_a_sector(self):
        self.check(A_SECTOR, False)
        self.check(SECTORS * A_SECTOR, True)


class Damage(unittest.TestCase):
    def test_a_page_that_is_damaged_is_named_and_all_others_are_as_they_were(self):
        flash = Flash()
        for _ in range(40):
            run(on(flash))
        for place in (0, 5, 15, 16, 39):
            image = flash.copy()
            image.sector(place // A_SECTOR)[place % A_SECTOR * PAGE + 20] ^= 1
            kept = on(image)
            found = [(number, record.condition(page)) for number, page in pages(kept)]
            wanted = ended(1, 40)
            wanted[place] = (place + 1, record.DAMAGED)
            # Of the newest nobody knows any more that there is one, but its number is not used again.
            self.assertEqual(found, wanted[:39] if place == 39 else wanted)
            self.assertEqual(run(kept), 41)

    def test_whatever_the_newest_page_of_any_place_becomes_no_number_comes_twice(self):
        for sessions in (1, 2, A_SECTOR, A_SECTOR + 1, SECTORS * A_SECTOR, SECTORS * A_SECTOR + 1):
            flash = Flash()
            kept = on(flash)
            for _ in range(sessions):
                run(kept)
            place = (sessions - 1) % (SECTORS * A_SECTOR)
            for damage in (b"\0" * 256, b"\xa5" * 256, b"\xff" * 100 + b"\0" * 156):
                image = flash.copy()
                begin = place % A_SECTOR * PAGE
                image.sector(place // A_SECTOR)[begin : begin + PAGE] = damage
                self.assertTrue(run(on(image)) > sessions, (sessions, damage[:2]))

    def test_a_changed_or_removed_record_breaks_the_chain(self):
        flash = Flash()
        kept = on(flash)
        for _ in range(5):
            run(kept)
        at = 2 * PAGE
        changed = flash.copy()
        page = bytearray(changed.sector(0)[at : at + PAGE])
        page[70] ^= 1  # and its CRC-32 is made to fit
        record._put_crc(page, 64, 236)
        changed.sector(0)[at : at + PAGE] = page
        removed = flash.copy()
        removed.sector(0)[at : at + PAGE] = bytes(PAGE)
        for image in (changed, removed):
            with self.assertRaises(AssertionError):
                held(on(image))

    def test_a_worn_page_or_sector_is_passed_over(self):
        flash = Flash()
        kept = on(flash)
        for _ in range(A_SECTOR):
            run(kept)
        flash.worn = (1,)
        self.assertEqual(run(kept), 2 * A_SECTOR + 1)
        self.assertEqual(held(on(flash)), ended(1, A_SECTOR) + ended(2 * A_SECTOR + 1, 2 * A_SECTOR + 1))

    def test_a_sector_that_cannot_be_read_or_erased_costs_no_other(self):
        flash = Flash()
        kept = on(flash)
        for _ in range(SECTORS * A_SECTOR):
            run(kept)
        flash.fails = (1,)
        kept = on(flash)
        self.assertEqual(run(kept), SECTORS * A_SECTOR + 1)
        last = [(n, record.condition(page) if page else "") for n, page in pages(on(flash))][-1]
        self.assertEqual(last, (SECTORS * A_SECTOR + 1, record.ENDED))

    def test_h16_where_nothing_can_be_written_a_person_is_refused_and_a_resistor_is_not_recorded(self):
        flash = Flash()
        kept = on(flash)
        run(kept)
        flash.worn = range(SECTORS)
        self.assertEqual(codes(kept.begin, Session(), 1, None, None, 0), ["not_recorded"])
        self.assertFalse(kept.is_open())
        self.assertEqual(kept.begin(Session(DUMMY), 1, None, None, 0), 0)
        kept.end(Session(DUMMY), (), None, 0)
        kept.flush()
        self.assertEqual(held(on(flash)), ended(1, 1))

    def test_an_end_that_cannot_be_written_is_said_and_the_session_was_not_ended_in_order(self):
        flash = Flash()
        kept = on(flash)
        kept.begin(Session(), 1, None, None, 0)
        flash.worn = (0,)
        kept.end(Session(), (), None, 0)
        kept.flush()
        self.assertEqual((kept.lost, held(on(flash))), (True, [(1, record.BEGUN)]))

    def test_of_what_a_newer_firmware_wrote_the_number_counts_and_nothing_is_written_over_it(self):
        flash = Flash()
        kept = on(flash)
        for _ in range(3):
            run(kept)
        page = flash.sector(0)[2 * PAGE : 3 * PAGE]
        page[3] = record.VERSION + 1
        record._put_crc(page, 0, 60)
        flash.sector(0)[2 * PAGE : 3 * PAGE] = page
        kept = on(flash)
        self.assertEqual(run(kept), 4)
        self.assertEqual([what for _, what in held(on(flash))][2:], [record.NEWER, record.ENDED])
        self.assertEqual([what for what, _, _ in on(flash).back()][:2], [record.ENDED, record.NEWER])

    def test_garbage_all_over_is_erased_as_it_is_reached(self):
        flash = Flash()
        for sector in range(SECTORS):
            flash.sector(sector)[:] = bytes([(7 * at + sector) & 0xFF for at in range(SECTOR)])
        kept = on(flash)
        for number in range(1, 70):
            self.assertEqual(run(kept), number)
        self.assertEqual(held(on(flash))[-1], (69, record.ENDED))

"""nmes/calibrated.py: a power cut or a bad cell at any byte leaves the old rows or the new ones, and damage is never
taken for a device that needs no correction."""

import binascii
import json
import unittest

import samples
from test_prescriptions import Flash, codes, cuts

from nmes import documents
from nmes.calibrated import NONE, OTHER_BOARD, OTHER_STAGE, Calibrated
from nmes.core import calibration
from nmes.hal.common import LAYOUT, PAGE, SECTOR, Area
from nmes.prescriptions import DAMAGED, NEWER, WHOLE

HOST = 7
UID = "e66"
MADE_S = 1_800_000_000
NOMINAL = {"0": samples.UNCALIBRATED, "1": samples.UNCALIBRATED}
OTHER = {
    "name": "x",
    "channels": 1,
    "full_scale_ua": 50_000,
    "levels": 500,
    "sense_zero": 2_000,
    "sense_ua_per_count": 50,
    "sense_mv_per_count": 50,
    "calibration": (dict(samples.UNCALIBRATED, dac_offset=1), samples.UNCALIBRATED),
}


def on(flash, stage=samples.STAGE, uid=UID, sectors=(0, 1)):
    return Calibrated(Area(flash, sectors), stage, uid)


def rows(number):
    """Rows that can be told apart."""
    return {"0": dict(samples.UNCALIBRATED, dac_gain_ppm=number), "1": dict(samples.UNCALIBRATED, voltage_offset=-3)}


def keep(flash, number):
    kept = on(flash)
    kept.keep(rows(number), MADE_S + number, HOST)
    return kept


def found(flash):
    """(condition, which rows are in force, 0 for the stage's own)."""
    kept = on(flash)
    if kept.rows == NOMINAL:
        return kept.condition, 0
    number = kept.rows["0"]["dac_gain_ppm"]
    assert kept.rows == rows(number) and kept.unix_s == MADE_S + number
    return kept.condition, number


def undone(flash):
    on(flash).forget()
    return found(flash)


class Keeping(unittest.TestCase):
    def test_a_device_that_was_never_calibrated_uses_the_stage_s_own_rows_and_writes_nothing(self):
        flash = Flash()
        kept = on(flash)
        self.assertEqual((found(flash), flash.done), ((NONE, 0), []))
        self.assertEqual((kept.unix_s, kept.digest()), (None, None))
        kept.need_usable()
        own = samples.stage(calibration=(dict(samples.UNCALIBRATED, dac_offset=2), samples.UNCALIBRATED))
        self.assertEqual(on(flash, own).rows["0"]["dac_offset"], 2)

    def test_what_is_kept_is_in_force_at_once_and_with_power_back(self):
        flash = Flash()
        for number in (5, -7, 5):
            kept = keep(flash, number)
            for one in (kept, on(flash)):
                self.assertEqual((one.condition, one.rows, one.unix_s), (WHOLE, rows(number), MADE_S + number))
                self.assertEqual(len(one.digest()), 16)
                one.need_usable()
        self.assertFalse(keep(flash, 6).digest() == keep(flash, 5).digest())

    def test_the_answer_says_all_of_it(self):
        flash = Flash()
        kept = on(flash)
        self.assertEqual(
            kept.answer(),
            {"condition": NONE, "stage": "test", "unix_s": None, "digest": None, "rows": NOMINAL},
        )
        kept = keep(flash, 5)
        answer = {"condition": WHOLE, "stage": "test", "unix_s": MADE_S + 5, "digest": kept.digest(), "rows": rows(5)}
        self.assertEqual(kept.answer(), answer)
        self.assertEqual(set(answer), set(calibration.FIELDS))

    def test_a_device_that_was_not_told_the_time_keeps_rows_without_one(self):
        flash = Flash()
        on(flash).keep(rows(5), None, HOST)
        self.assertEqual((on(flash).condition, on(flash).unix_s), (WHOLE, None))

    def test_what_is_undone_is_gone_with_power_back_and_leaves_both_sectors_erased(self):
        flash = Flash()
        keep(flash, 5)
        kept = keep(flash, 6)
        kept.forget()
        self.assertEqual((kept.condition, kept.rows, kept.unix_s, kept.digest()), (NONE, NOMINAL, None, None))
        self.assertEqual(found(flash), (NONE, 0))
        self.assertEqual(set(map(bytes, flash.sectors.values())), {b"\xff" * SECTOR})

    def test_undoing_what_is_not_there_does_nothing(self):
        flash = Flash()
        on(flash).forget()
        self.assertEqual((found(flash), flash.done), ((NONE, 0), []))

    def test_it_has_two_sectors_of_its_own(self):
        self.assertEqual(len(LAYOUT["calibration"]), 2)


class ForAnother(unittest.TestCase):
    def test_rows_for_another_stage_or_from_another_board_are_not_applied_and_nobody_is_armed(self):
        flash = Flash()
        keep(flash, 5)
        for key in calibration.FACTS:
            kept = on(flash, samples.stage(**{key: OTHER[key]}))
            self.assertEqual((kept.condition, kept.unix_s, kept.digest()), (OTHER_STAGE, None, None), key)
            self.assertFalse(kept.rows == rows(5))
            self.assertEqual(codes(kept.need_usable), ["calibration"])
        kept = on(flash, uid="e67")
        self.assertEqual((kept.condition, kept.rows), (OTHER_BOARD, NOMINAL))
        self.assertEqual(codes(kept.need_usable), ["calibration"])
        self.assertEqual(found(flash), (WHOLE, 5))

    def test_a_stage_that_differs_in_what_no_row_corrects_is_the_same(self):
        flash = Flash()
        keep(flash, 5)
        self.assertEqual(on(flash, samples.stage(sense_tolerance_ua=900, imbalance_ppm=1)).condition, WHOLE)

    def test_they_can_be_replaced_and_undone(self):
        flash = Flash()
        keep(flash, 5)
        on(flash, uid="e67").keep(rows(6), None, HOST)
        self.assertEqual(on(flash, uid="e67").rows, rows(6))
        self.assertEqual(on(flash).condition, OTHER_BOARD)
        self.assertEqual(undone(flash), (NONE, 0))

    def test_a_stage_that_measures_nothing_has_its_own_rows_and_can_be_armed_whatever_is_kept(self):
        flash = Flash()
        keep(flash, 5)
        bare = samples.stage(measures=False, calibration=({"dac_gain_ppm": 0, "dac_offset": 0},))
        kept = on(flash, bare)
        kept.need_usable()
        self.assertEqual(kept.rows, {"0": {"dac_gain_ppm": 0, "dac_offset": 0}})
        self.assertEqual(found(flash), (WHOLE, 5))


class Damage(unittest.TestCase):
    def refused(self, flash, why):
        kept = on(flash)
        self.assertEqual((kept.condition, kept.rows), (why, NOMINAL))
        self.assertEqual(codes(kept.need_usable), ["calibration"])

    def test_a_byte_anywhere_changes_nothing_or_is_damage(self):
        flash = Flash()
        keep(flash, 5)
        length = len(bytes(flash.sector(0)).rstrip(b"\xff"))
        self.assertTrue(length > PAGE + 300)
        seen = set()
        for at in range(length + 3):
            for flip in (0x01, 0x80, 0xFF):
                flash.sector(0)[at] ^= flip
                seen.add(found(flash))
                flash.sector(0)[at] ^= flip
        self.assertEqual(seen, {(WHOLE, 5), (DAMAGED, 0)})

    def test_a_page_or_a_sector_of_anything_is_damage(self):
        for value in (0x00, 0x01, 0x10, 0x5A, 0xFE):
            for size in (PAGE, SECTOR):
                flash = Flash()
                keep(flash, 5)
                flash.sector(0)[:size] = bytes([value] * size)
                self.refused(flash, DAMAGED)
                self.assertEqual(undone(flash), (NONE, 0))

    def test_so_is_a_sector_that_cannot_be_read(self):
        for sector in (0, 1):
            flash = Flash()
            keep(flash, 5)
            flash.fails = (sector,)
            if sector:
                self.assertEqual(found(flash), (WHOLE, 5))  # what is whole is the newest
                continue
            self.refused(flash, DAMAGED)
        flash = Flash()
        flash.fails = (1,)
        self.refused(flash, DAMAGED)

    def test_damage_brings_no_older_rows_back(self):
        for at in (10, PAGE + 10):
            flash = Flash()
            keep(flash, 5)
            keep(flash, 6)
            flash.sector(1)[at] ^= 0x10
            self.refused(flash, DAMAGED)

    def test_what_is_damaged_can_be_replaced(self):
        for size in (1, PAGE):
            flash = Flash()
            keep(flash, 5)
            flash.sector(0)[:size] = b"\x00" * size
            keep(flash, 6)
            self.assertEqual(found(flash), (WHOLE, 6))

    def test_a_right_text_that_makes_no_sense_is_damage(self):
        flash = Flash()
        good = json.loads(documents.documents(Area(keep(flash, 5) and flash, (0, 1))).whole(1)[1])
        for key, wrong in (
            ("rows", None),
            ("rows", []),
            ("rows", {}),
            ("rows", {"0": rows(5)["0"]}),
            ("rows", dict(rows(5), x={})),
            ("rows", rows(calibration.GAIN_MOST_PPM + 1)),
            ("unix_s", "x"),
            ("unix_s", True),
            ("more", 1),
            ("zzz", 1),
            (None, None),
        ):
            content = dict(good)
            if key is None:
                del content["unix_s"]
            else:
                content[key] = wrong
            for text in (json.dumps(content), json.dumps([content]), "x"):
                flash = Flash()
                documents.keep(documents.documents(Area(flash, (0, 1))), 1, text.encode(), lambda _: "test", HOST)
                self.refused(flash, DAMAGED)

    def test_what_a_newer_firmware_wrote_is_left_alone_and_nobody_is_armed(self):
        flash = Flash()
        keep(flash, 5)
        newer(flash.sector(0))
        before = bytes(flash.sector(0))
        self.refused(flash, NEWER)
        self.assertEqual(codes(on(flash).forget), ["newer"])
        self.assertEqual(codes(on(flash).keep, rows(6), None, HOST), ["newer"])
        self.refused(flash, NEWER)
        self.assertEqual(bytes(flash.sector(0)), before)

    def test_each_reason_says_what_would_be_right_and_what_to_do(self):
        for condition, word in (
            (DAMAGED, "written"),
            (NEWER, "firmware"),
            (OTHER_STAGE, "stage"),
            (OTHER_BOARD, "board"),
        ):
            kept = on(Flash())
            kept.condition = condition
            try:
                kept.need_usable()
            except Exception as refused:
                (reason,) = refused.reasons
            self.assertEqual((reason["asked"], reason["source"]), (condition, "the device's calibration"))
            self.assertIn(word, reason["bound"])
            self.assertIn("undo", reason["bound"])


def newer(sector):
    """The head says that a later version wrote it."""
    sector[4:6] = b"\x02\x00"
    sector[228:232] = (binascii.crc32(bytes(sector[:228])) & 0xFFFFFFFF).to_bytes(4, "little")


class Worn(unittest.TestCase):
    def test_flash_that_takes_nothing_is_refused_by_name_and_the_rows_before_stay(self):
        flash = Flash()
        keep(flash, 5)
        flash.worn = (1,)
        kept = on(flash)
        self.assertEqual(codes(kept.keep, rows(6), None, HOST), ["worn"])
        self.assertEqual((kept.condition, kept.rows), (WHOLE, rows(5)))
        self.assertEqual(codes(kept.keep, rows(6), None, HOST), ["worn_out"])
        self.assertEqual(found(flash), (WHOLE, 5))

    def test_so_is_a_removal_that_does_not_work_and_it_stays_in_force(self):
        flash = Flash()
        keep(flash, 5)
        flash.worn = (0,)
        kept = on(flash)
        self.assertEqual(codes(kept.forget), ["worn"])
        self.assertEqual((kept.condition, kept.rows), (WHOLE, rows(5)))

    def test_a_board_without_a_store_cannot_keep_any(self):
        kept = on(Flash(), sectors=())
        self.assertEqual(kept.condition, NONE)
        kept.forget()
        try:
            kept.keep(rows(6), None, HOST)
        except Exception as refused:
            (reason,) = refused.reasons
        self.assertEqual((reason["code"], reason["source"]), ("no_store", "the device's calibration"))
        self.assertEqual((kept.condition, kept.rows), (NONE, NOMINAL))


class APowerCut(unittest.TestCase):
    def history(self):
        """[(operations done, what is accepted, whether an undoing comes next)], and the flash that was written."""
        flash = Flash()
        accepted = [(0, (NONE, 0), False)]
        for number in (1, 2, None, 3, 4):
            if number is None:
                accepted[-1] = accepted[-1][:2] + (True,)
                on(flash).forget()
            else:
                keep(flash, number)
            accepted.append((len(flash.done), found(flash), False))
        return flash, accepted

    def check(self, backwards):
        flash, accepted = self.history()
        self.assertEqual(
            [row[1] for row in accepted], [(NONE, 0), (WHOLE, 1), (WHOLE, 2), (NONE, 0), (WHOLE, 3), (WHOLE, 4)]
        )
        self.assertTrue([row for row in flash.done if row[1] is None], "nothing was erased")
        points = again = 0
        for count, image in cuts(Flash(), flash.done, backwards):
            began = [i for i in range(len(accepted)) if accepted[i][0] <= count][-1]
            either = [accepted[began][1], accepted[min(began + 1, len(accepted) - 1)][1]]
            state = found(image)
            if accepted[began][2] and state == (DAMAGED, 0):
                # In the middle of an erase after which nothing would be left: it has to be undone again.
                again += 1
                self.assertEqual(codes(on(image).need_usable), ["calibration"])
                self.assertEqual(undone(image.copy()), (NONE, 0))
            else:
                self.assertTrue(state in either, "%d operations: %s" % (count, state))
            points += 1
            if points % 64 == 0:
                copy = image.copy()
                keep(copy, 9)
                self.assertEqual(found(copy), (WHOLE, 9))
                self.assertEqual(undone(copy), (NONE, 0))
        self.assertTrue(points > 3_000 and again > 20, str((points, again)))

    def test_h16_at_every_byte_programmed_and_within_every_erase_leaves_the_old_or_the_new(self):
        self.check(False)

    def test_h16_and_when_the_last_byte_of_a_page_is_the_first_that_is_programmed(self):
        self.check(True)


if __name__ == "__main__":
    unittest.main()

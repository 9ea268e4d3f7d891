"""Hazards H17 and H24: an electrode's area that is none, and numbers that are none, are refused and change nothing."""

import json
import unittest

import samples

from nmes.core import checklist, limits, programme
from nmes.core.reason import Refused
from nmes.core.session import IDLE, Session

NAN, INF = float("nan"), float("inf")
NO_NUMBERS = (
    (None, "not_an_integer"),
    (True, "not_an_integer"),
    (False, "not_an_integer"),
    (NAN, "not_an_integer"),
    (INF, "not_an_integer"),
    (-INF, "not_an_integer"),
    (1e308 * 10, "not_an_integer"),
    (0.0, "not_an_integer"),
    (-0.0, "not_an_integer"),
    (400.0, "not_an_integer"),
    ("400", "not_an_integer"),
    ("", "not_an_integer"),
    ([400], "not_an_integer"),
    ({"a": {"b": [400]}}, "not_an_integer"),
    (0, "below_range"),
    (-1, "below_range"),
    (-(10**400), "below_range"),
    (10**400, "above_range"),
    (2**63, "above_range"),
)


def refusal(data):
    try:
        programme.accept(data, samples.STAGE)
    except Refused as refused:
        return refused.reasons
    return []


def running():
    made = Session(samples.STAGE)
    made.load(samples.programme())
    made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
    return made


class Area(unittest.TestCase):
    def test_h17_an_area_that_is_none_is_refused_with_one_clear_reason(self):
        for kind in programme.KINDS:
            for value, code in NO_NUMBERS:
                (reason,) = refusal(samples.programme(kind=kind, area_mm2=value))
                self.assertEqual((reason["code"], reason["parameter"]), (code, "electrode.area_mm2"))
                self.assertTrue(len(json.dumps(reason)) < 300)
            data = samples.programme(kind=kind)
            del data["electrode"]["area_mm2"]
            (reason,) = refusal(data)
            self.assertEqual((reason["code"], reason["parameter"]), ("missing", "electrode.area_mm2"))

    def test_h17_a_huge_area_is_refused_and_so_is_one_below_a_square_centimetre(self):
        for value, wanted in ((99, "below_range"), (100, None), (20_000, None), (20_001, "above_range")):
            found = refusal(samples.programme(area_mm2=value, max_current_ua=1_000))
            self.assertEqual([r["code"] for r in found], [wanted] if wanted else [])

    def test_h17_another_electrode_needs_a_new_acknowledgement_and_begins_at_zero(self):
        made = running()
        made.arm(made.programme_crc, 0)
        with self.assertRaises(Refused):
            made.load(samples.programme(area_mm2=500))  # not while armed
        made.start(0)
        made.set_intensity(1_000, 0)
        with self.assertRaises(Refused):
            made.load(samples.programme(area_mm2=500))  # nor while running
        made.stop("stopped", 1)
        made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
        made.load(samples.programme(area_mm2=500))
        self.assertEqual((made.state, samples.first(made).intensity_ua, made.acknowledged), (IDLE, 0, 0))
        with self.assertRaises(Refused) as refused:
            made.arm(made.programme_crc, 2)
        self.assertEqual([r["code"] for r in refused.exception.reasons], ["not_acknowledged"])

    def test_h17_a_smaller_electrode_allows_less_current(self):
        before = 0
        for area_mm2 in range(100, 2_000, 50):
            whole = programme.parse(samples.programme(area_mm2=area_mm2))
            largest_ua, _ = limits.largest_current_ua(whole, samples.STAGE)
            self.assertTrue(largest_ua >= before)
            before = largest_ua


class Numbers(unittest.TestCase):
    def everywhere(self, value):
        """A programme with `value` in each place where a current or an area belongs; (place, data)."""
        data = samples.programme(max_current_ua=value)
        yield "max_current_ua", data
        data = samples.programme()
        data["electrode"]["max_current_ua"] = value
        yield "electrode.max_current_ua", data
        yield "person.max_current_ua", samples.programme(person={"max_current_ua": value})

    def test_h24_what_is_no_current_is_refused_with_one_clear_reason(self):
        for value, code in NO_NUMBERS:
            for place, data in self.everywhere(value):
                (reason,) = refusal(data)
                self.assertEqual((reason["code"], reason["parameter"]), (code, place))
                self.assertTrue(len(json.dumps(reason)) < 300)

    def test_h24_what_is_no_number_is_refused_in_every_field_of_a_phase(self):
        for field in programme.PHASE_FIELDS:
            for value, code in NO_NUMBERS:
                if value == 0 and isinstance(value, int) and not isinstance(value, bool):
                    continue  # some fields may be 0
                (reason,) = refusal(samples.programme([samples.phase(**{field: value})]))
                self.assertEqual((reason["code"], reason["parameter"], reason["phase"]), (code, field, "work"))

    def test_h24_a_person_is_a_table_with_one_field(self):
        for person, code in (
            (None, "not_a_table"),
            (25_000, "not_a_table"),
            ([], "not_a_table"),
            ({}, "missing"),
            ({"max_current_ua": 1_000, "name": "A"}, "unknown"),
        ):
            self.assertEqual([r["code"] for r in refusal(samples.programme(person=person))], [code])

    def test_h24_a_refused_programme_changes_nothing(self):
        made = running()
        before = made.status(0, [0])
        for value, _ in NO_NUMBERS:
            for _, data in self.everywhere(value):
                with self.assertRaises(Refused):
                    made.load(data)
                self.assertEqual(made.status(0, [0]), before)
        self.assertEqual(made.acknowledged, checklist.VERSION)

    def test_h24_the_largest_numbers_that_are_allowed_do_not_overflow(self):
        phase = samples.phase(rate_mhz=150_000, width_us=500, work_ms=30_000, rest_ms=120_000, duration_ms=1_800_000)
        data = samples.programme([phase], kind="pads", area_mm2=20_000, max_current_ua=100_000)
        # 25 uC / 500 us
        self.assertEqual(limits.largest_current_ua(programme.parse(data), samples.STAGE)[0], 50_000)
        self.assertEqual(
            [r["code"] for r in refusal(data)], ["average_current", "phase_charge", "phase_charge_cap", "net_dc"]
        )


if __name__ == "__main__":
    unittest.main()

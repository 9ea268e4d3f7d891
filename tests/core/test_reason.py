"""core/reason.py: a refusal says what was asked, whatever it was, in a form that a line of the link can carry."""

import json
import unittest

from nmes.core.reason import Refused, check_int, is_int, printable, reason, refuse

LARGEST = 999_999_999_999


def shown(asked):
    return reason("code", "parameter", asked, 1, "source")["asked"]


class AReason(unittest.TestCase):
    def test_it_has_six_fields_and_each_keeps_what_it_is_given(self):
        made = reason("c", "p_us", 1, 2, "s", "f")
        self.assertEqual(made, {"code": "c", "parameter": "p_us", "asked": 1, "bound": 2, "source": "s", "phase": "f"})
        self.assertEqual(reason("c", "p", 1, 2, "s")["phase"], None)

    def test_what_was_asked_is_shown_as_it_is_when_it_is_short(self):
        for asked in (None, True, False, 0, -1, LARGEST, -LARGEST, 0.5, -1e11, "", "a", "ä" * 60):
            self.assertEqual(shown(asked), asked)
            self.assertEqual(type(shown(asked)), type(asked))

    def test_what_is_long_or_nested_is_named(self):
        for asked, wanted in (
            (LARGEST + 1, "a number beyond 999999999999"),
            (-LARGEST - 1, "a number beyond -999999999999"),
            ("x" * 61, "x" * 60),
            ([1, 2], "a list"),
            ((1, 2), "a list"),
            ({"a": 1}, "a table"),
            (float("inf"), "inf"),
            (float("-inf"), "-inf"),
            (float("nan"), "nan"),
        ):
            self.assertEqual(shown(asked), wanted)

    def test_json_holds_it_whatever_was_asked(self):
        for asked in (None, 10**400, -(10**400), 1e300, float("nan"), "\ud800" * 5_000, "\x00", [[]] * 9, {1: 2}):
            made = reason("c", "p" * 5_000, asked, 1, "s", "\ud800" * 5_000)
            text = json.dumps(made)
            self.assertTrue(len(text) < 700, len(text))
            self.assertEqual(json.loads(text), made)


class Printable(unittest.TestCase):
    def test_every_border(self):
        for first, last in ((0x20, 0x7E), (0xA0, 0xD7FF), (0xE000, 0xFFFF)):
            for code in (first, last):
                self.assertEqual(printable(chr(code)), chr(code))
            for code in (first - 1, last + 1):
                self.assertEqual(printable(chr(code)), "?")

    def test_the_rest_of_the_text_stays(self):
        self.assertEqual(printable("a\nb\x1b[1mä"), "a?b?[1mä")


class Integers(unittest.TestCase):
    def test_booleans_and_floats_are_none(self):
        for value in (0, 1, -5, 2**70):
            self.assertTrue(is_int(value))
        for value in (True, False, 1.0, None, "1", [], {}):
            self.assertFalse(is_int(value))

    def test_a_range_includes_both_ends(self):
        for value, code, bound in ((1, None, None), (9, None, None), (0, "below_range", 1), (10, "above_range", 9)):
            reasons = []
            self.assertEqual(check_int(reasons, "p", value, 1, 9, "s", "f"), code is None)
            wanted = [reason(code, "p", value, bound, "s", "f")] if code else []
            self.assertEqual(reasons, wanted)

    def test_what_is_none_is_told_the_whole_range(self):
        reasons = []
        self.assertFalse(check_int(reasons, "p", True, 1, 9, "s"))
        self.assertEqual(reasons, [reason("not_an_integer", "p", True, "1 to 9", "s")])


class ARefusal(unittest.TestCase):
    def test_it_carries_its_reasons_and_says_their_codes(self):
        with self.assertRaises(Refused) as caught:
            refuse("c", "p", 1, 2, "s")
        self.assertEqual(caught.exception.reasons, [reason("c", "p", 1, 2, "s")])
        self.assertEqual(str(Refused([reason("c", "p", 1, 2, "s"), reason("d", "p", 1, 2, "s")])), "c; d")


if __name__ == "__main__":
    unittest.main()

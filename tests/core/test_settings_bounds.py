"""core/settings.py at its bounds, each written out here once more: a setting that moves is a change that is seen."""

import unittest

from nmes.core import settings

INTEGERS = {  # least, most, of a new device
    "own_max_0_ua": (1, 100_000, 100_000),
    "own_max_1_ua": (1, 100_000, 100_000),
    "buzzer_volume": (1, 10, 10),
    "default_prescription": (0, 16, 0),
    "language": (0, 1, 0),
}


def codes(**changes):
    return [reason["code"] for reason in settings.check(changes)]


class Bounds(unittest.TestCase):
    def test_each_integer_has_these_and_no_others_and_a_new_device_this(self):
        for name, (least, most, new) in INTEGERS.items():
            for value, wanted in (
                (least - 1, ["below_range"]),
                (least, []),
                (most, []),
                (most + 1, ["above_range"]),
            ):
                self.assertEqual(codes(**{name: value}), wanted, "%s %d" % (name, value))
            self.assertEqual(settings.factory()[name], new)
        self.assertEqual(set(settings.SETTINGS), set(INTEGERS) | {"device_name"})

    def test_a_name_has_up_to_32_characters_and_a_new_device_none(self):
        self.assertEqual((codes(device_name=""), codes(device_name="x" * 32)), ([], []))
        (reason,) = settings.check({"device_name": "x" * 33})
        self.assertEqual((reason["code"], reason["bound"]), ("not_a_text", "0 to 32 printable characters"))
        self.assertEqual(settings.factory()["device_name"], "")

    def test_a_name_has_no_character_that_is_not_printable_wherever_it_is_in_the_code(self):
        for character in ("\x00", "\n", "\x1f", "\x7f", "\x80", "\x9f", "\U00010000"):
            self.assertEqual(codes(device_name="a" + character), ["not_a_text"], repr(character))
        for character in (" ", "~", "\xa0", "\u9aa8"):
            self.assertEqual(codes(device_name="a" + character), [], repr(character))

    def test_to_set_nothing_is_a_mistake(self):
        (reason,) = settings.check({})
        self.assertEqual((reason["code"], reason["parameter"]), ("missing", "settings"))


class WhatWasKept(unittest.TestCase):
    def test_each_at_its_bounds_is_whole_and_beyond_them_or_of_another_name_is_not(self):
        for name, (least, most, _) in INTEGERS.items():
            for value, whole in ((least, True), (most, True), (least - 1, False), (most + 1, False), (None, False)):
                kept = dict(settings.factory(), **{name: value})
                self.assertEqual(settings.are_whole(kept), whole, "%s %s" % (name, value))
        self.assertFalse(settings.are_whole(dict(settings.factory(), device_name="x" * 33)))
        for name in settings.SETTINGS:
            kept = settings.factory()
            kept["more"] = kept.pop(name)
            self.assertFalse(settings.are_whole(kept))


if __name__ == "__main__":
    unittest.main()

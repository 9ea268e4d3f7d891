"""core/document.py: what is taken of a document's text, and its pieces on the link."""

import json
import unittest

import samples

from nmes.core import document
from nmes.core.reason import Refused


def refusal(act, *arguments):
    """(code, parameter, asked) of the one reason why it is refused."""
    try:
        act(*arguments)
    except Refused as refused:
        (reason,) = refused.reasons
        return reason["code"], reason["parameter"], reason["asked"]
    raise AssertionError("not refused")


def text_of(**more):
    return json.dumps(dict(samples.programme(), **more)).encode()


class TheProgramme(unittest.TestCase):
    def test_it_is_all_of_the_text_but_what_it_is_about(self):
        wanted = json.loads(text_of())
        self.assertEqual(document.programme_of(text_of()), wanted)
        for about in ({}, {"site": "x"}, {"about": {}}):
            self.assertEqual(document.programme_of(text_of(about=about)), wanted)

    def test_what_it_is_about_is_a_table_or_not_there_although_the_programme_is_right(self):
        for about in ([], "x", 1, 0, None, False):
            found = refusal(document.programme_of, text_of(about=about))
            self.assertEqual(found, ("not_a_table", "about", "something else"))

    def test_what_is_no_table_or_no_json_is_named(self):
        for text, code in ((b"[]", "not_a_table"), (b"1", "not_a_table"), (b"{}x", "not_json"), (b"", "not_json")):
            self.assertEqual(refusal(document.programme_of, text)[:2], (code, "prescription"))


class Pieces(unittest.TestCase):
    def test_they_come_back_whatever_is_in_them(self):
        for data in (b"a", b"ab", b"abc", bytes(range(256)), b"\xff" * document.PIECE_BYTES):
            self.assertEqual(document.bytes_of(document.piece(data)), data)

    def test_of_what_is_none_the_first_twenty_characters_are_said(self):
        text = "!abcdefghijklmnopqrstuvwxyz"
        self.assertEqual(refusal(document.bytes_of, text), ("not_base64", "data", "!abcdefghijklmnopqrs"))
        self.assertEqual(refusal(document.bytes_of, ""), ("not_base64", "data", ""))


if __name__ == "__main__":
    unittest.main()

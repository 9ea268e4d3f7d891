"""core/frame.py: what is sent comes back, and no damaged line passes for another."""

import binascii
import unittest

from samples import Die

from nmes.core import commands, frame

MESSAGES = (
    {},
    {"seq": 7, "cmd": "status"},
    {"seq": 0x3FFFFFFF, "ok": True, "nothing": None, "no": False},
    {"text": 'Übung 5 s / 10 s " \\ \n \t ½ 骨盆底'},
    {"nested": {"a": [1, 2, {"b": []}], "c": {}}},
    {"large": 0xFFFFFFFF, "negative": -1, "fraction": 0.5},
)


def sealed(text):
    """A line with the right CRC around any text."""
    if isinstance(text, str):
        text = text.encode()
    return b"%s %08x\n" % (text, binascii.crc32(text) & 0xFFFFFFFF)


def decoded(line):
    """The message, or the code of BadFrame; nothing else may be raised."""
    try:
        return frame.decode(line)
    except frame.BadFrame as bad:
        if bad.code not in commands.ERRORS:
            raise AssertionError(bad.code) from None
        return bad.code


class WhatIsSentComesBack(unittest.TestCase):
    def test_round_trip(self):
        for message in MESSAGES:
            line = frame.encode(message)
            self.assertEqual(frame.decode(line), message)
            self.assertEqual(frame.decode(line.rstrip()), message)
            self.assertEqual(frame.decode(line.rstrip() + b"\r\n"), message)

    def test_a_line_is_one_line(self):
        for message in MESSAGES:
            line = frame.encode(message)
            self.assertEqual(line.count(b"\n"), 1)
            self.assertTrue(line.endswith(b"\n"))

    def test_golden_lines(self):
        # Peer defect: byte order (sanworks/PulsePal PR #1). CRC-32 as in zlib, big digit first.
        self.assertEqual(frame.encode({"seq": 7}), b'{"seq":7} f3d31beb\n')
        self.assertEqual(frame.decode(b'{"seq":7,"cmd":"status"} a41c7fac\n'), {"seq": 7, "cmd": "status"})
        self.assertEqual(binascii.crc32(b"123456789") & 0xFFFFFFFF, 0xCBF43926)

    def test_the_longest_line_is_taken_and_one_byte_more_is_not(self):
        room = frame.LINE_MAX - len(frame.encode({"t": ""}))
        longest = frame.encode({"t": "x" * room})
        self.assertEqual(len(longest), frame.LINE_MAX)
        self.assertEqual(decoded(longest), {"t": "x" * room})
        with self.assertRaises(frame.BadFrame) as caught:
            frame.encode({"t": "x" * (room + 1)})
        self.assertEqual(caught.exception.code, "too_long")
        self.assertEqual(decoded(longest[:-1] + b" \n"), "too_long")


class NoDamagedLinePasses(unittest.TestCase):
    def test_h15_every_single_bit_flip_is_detected(self):
        for message in MESSAGES[:4]:
            line = frame.encode(message)[:-1]
            for bit in range(8 * len(line)):
                damaged = bytearray(line)
                damaged[bit // 8] ^= 1 << bit % 8
                self.assertIn(decoded(bytes(damaged) + b"\n"), ("bad_crc", "no_crc"), bit)

    def test_a_flip_in_the_newline_changes_nothing_of_the_message(self):
        for message in MESSAGES[:4]:
            line = frame.encode(message)
            for bit in range(8):
                damaged = line[:-1] + bytes([10 ^ 1 << bit])
                self.assertTrue(decoded(damaged) in (message, "bad_crc", "no_crc"))

    def test_h15_every_truncation_is_detected(self):
        for message in MESSAGES:
            line = frame.encode(message)[:-1]
            for length in range(len(line)):
                self.assertIn(decoded(line[:length]), ("bad_crc", "no_crc"))
                if length:
                    self.assertIn(decoded(line[length:]), ("bad_crc", "no_crc"))

    def test_h15_every_doubled_lost_or_swapped_byte_is_detected(self):
        line = frame.encode(MESSAGES[1])[:-1]
        for i in range(len(line)):
            lost = line[:i] + line[i + 1 :]
            doubled = line[: i + 1] + line[i:]
            self.assertTrue(isinstance(decoded(lost), str))
            self.assertTrue(isinstance(decoded(doubled), str))
            if i and line[i] != line[i - 1]:
                swapped = line[: i - 1] + bytes([line[i], line[i - 1]]) + line[i + 1 :]
                self.assertTrue(isinstance(decoded(swapped), str))

    def test_upper_case_digits_are_no_crc(self):
        line = frame.encode(MESSAGES[1])[:-1]
        upper = line[:-8] + line[-8:].upper()
        self.assertTrue(upper != line)
        self.assertEqual(decoded(upper), "no_crc")

    def test_two_lines_in_one_are_none(self):
        self.assertEqual(decoded(frame.encode(MESSAGES[1])[:-1] + frame.encode(MESSAGES[2])), "bad_crc")


class JunkIsNamed(unittest.TestCase):
    def test_without_a_crc(self):
        for line in (
            b"",
            b"\n",
            b" \n",
            b"\x00",
            b"{}",
            b"{}\n",
            b"00000000",
            b" 0000000",
            b"{} 0000000g",
            b"{} 0x000000",
        ):
            self.assertEqual(decoded(line), "no_crc", line)

    def test_with_a_crc_that_does_not_fit(self):
        for line in (b"{} 00000000", b"0 00000001", b'{"seq":7} 00000000\n'):
            self.assertEqual(decoded(line), "bad_crc", line)

    def test_text_that_is_not_json(self):
        for text in ("status", "'", "{'a': 1}", '{"a": 1} {', "\x00", '{"a": -}', '{"a": tru}', "nul"):
            self.assertIn(decoded(sealed(text)), ("not_json", "not_an_object"), text)
        for text in (b"\xff", b'{"a": "\xff"}', b'{"\xc3": 1}', b"\xed\xa0\x80"):
            self.assertEqual(decoded(sealed(text)), "not_json", text)

    def test_json_that_is_no_object(self):
        for text in ("null", "1", "-1.5", '"x"', "[]", '[{"seq": 1}]', "true"):
            self.assertEqual(decoded(sealed(text)), "not_an_object", text)

    def test_sealed_text_that_only_one_interpreter_takes_for_json(self):
        # MicroPython takes any key that is not a table or list, and misses commas, colons and closing braces.
        for text in (
            "{[1]: 2}",
            "{{}: 2}",
            "{1: 2}",
            "{null: 2}",
            "{1.5: 2}",
            "{",
            '{"a":',
            '{"a" 1}',
            '{"a":1,}',
            "{,",
        ):
            found = decoded(sealed(text))
            self.assertTrue(found == "not_json" or isinstance(found, dict), text)

    def test_nested_as_deep_as_a_line_is_long(self):
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            room = frame.LINE_MAX - 40
            depth = room // (len(opened) + len(closed))
            for text in (opened * depth + "1" + closed * depth, opened * (room // len(opened))):
                found = decoded(sealed('{"x":' + text + "}"))
                self.assertTrue(found == "not_json" or isinstance(found, dict))

    def test_the_longest_numbers(self):
        for number in ("9" * 3_000, "-" + "9" * 3_000, "1" + "0" * 2_000 + ".5", "1e999", "-1e999", "1e-999"):
            found = decoded(sealed('{"x":' + number + "}"))
            self.assertTrue(found == "not_json" or isinstance(found, dict), number[:10])

    def test_thousands_of_random_texts_raise_nothing_but_bad_frame(self):
        die = Die(11)
        parts = (
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            '"',
            '"a"',
            "1",
            "-",
            ".",
            "e9",
            "null",
            "true",
            " ",
            "\\",
            "\\u12",
            "\x00",
            "é",
        )
        for _ in range(3_000):
            text = "".join([die.one_of(parts) for _ in range(die.roll(12))])
            decoded(sealed(text))
            decoded(text.encode())

    def test_thousands_of_random_bytes_raise_nothing_but_bad_frame(self):
        die = Die(12)
        for _ in range(3_000):
            line = bytes([die.roll(256) for _ in range(die.roll(40))])
            self.assertTrue(isinstance(decoded(line), str))
            decoded(sealed(line))


if __name__ == "__main__":
    unittest.main()

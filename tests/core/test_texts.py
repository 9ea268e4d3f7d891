"""core/texts.py and core/screens.py: everything in every language, and all of it fits the display."""

import unittest

import samples  # noqa: F401

from nmes.core import access, checklist, dose, faults, font, screens, settings, texts
from nmes.core.screens import Screens, ma, minutes
from nmes.core.texts import BLOCK_ROWS, COLUMNS, LANGUAGES, ROW_PAIR, wrapped

LONGEST = "Mixed incontinence, one and another, of a rather long title!"
MOST = "99/99"


def blocks():
    """(text, rows that it may take)."""
    found = [(text, BLOCK_ROWS) for texts_of in texts.QUESTIONS for text in texts_of]
    found += [(text % 168, BLOCK_ROWS) for texts_of in texts.TIMES.values() for text in texts_of]
    found += [(text, BLOCK_ROWS) for texts_of in texts.FAULTS.values() for text in texts_of + texts.OTHER_FAULT]
    return found + [(t, ROW_PAIR) for texts_of in texts.REFUSALS.values() for t in texts_of + texts.OTHER_REFUSAL]


class Texts(unittest.TestCase):
    def test_each_is_there_in_each_language_and_the_setting_says_which(self):
        for table in (texts.ROWS, texts.FAULTS, texts.REFUSALS, texts.TIMES):
            for key in table:
                self.assertEqual((key, len(table[key]), all(table[key])), (key, len(LANGUAGES), True))
        for row in texts.QUESTIONS + (texts.OTHER_FAULT, texts.OTHER_REFUSAL):
            self.assertEqual((len(row), all(row)), (len(LANGUAGES), True))
        self.assertEqual(settings.SETTINGS["language"][1:3], (0, len(LANGUAGES) - 1))

    def test_every_fault_and_every_question_of_the_checklist_has_its_text(self):
        self.assertEqual(sorted(texts.FAULTS), sorted(faults.NAMES))
        self.assertEqual(len(texts.QUESTIONS), len(checklist.STOP))
        self.assertEqual(sorted(texts.TIMES), sorted(set(dose.COUNTS) - {"sessions_most"}))
        self.assertEqual(checklist.VERSION, 3, "look whether the texts still say what the checklist says")

    def test_the_same_is_filled_into_every_language(self):
        for key in texts.ROWS:
            filled = [[part[0] for part in text.split("%")[1:]] for text in texts.ROWS[key]]
            self.assertEqual((key, filled[1:]), (key, filled[:-1]))

    def test_no_row_is_too_long(self):
        for key in texts.ROWS:
            number = "%d" % len(checklist.STOP) if key == "question" else "16"
            for text in texts.ROWS[key]:
                self.assertTrue(len(text.replace("%d", number).replace("%s", "")) <= COLUMNS, text)

    def test_every_block_keeps_all_of_its_words(self):
        for text, rows in blocks():
            made = wrapped(text, rows)
            self.assertEqual((len(made), " ".join(made).split()), (rows, text.split()))
            self.assertTrue(max([len(row) for row in made]) <= COLUMNS, text)

    def test_of_a_fault_of_an_electrode_all_but_the_first_word_has_two_rows_and_that_one_fits_large(self):
        numbers = []
        for number in texts.FAULTS:
            for language in range(len(LANGUAGES)):
                first, rest = texts.ROWS["electrode"][language], texts.FAULTS[number][language]
                if rest.startswith(first):
                    numbers.append(number)
                    self.assertTrue(screens.large_wide(first, screens.large_part(1)) >= 2)
                    made = wrapped(rest[len(first) :], ROW_PAIR)
                    self.assertEqual((first + " " + " ".join(made)).split(), rest.split())
        wanted = (faults.ELECTRODE_OPEN, faults.ELECTRODE_SHORT, faults.IMPEDANCE_RISE)
        self.assertEqual(sorted(numbers), sorted(wanted * len(LANGUAGES)))

    def test_what_to_do_without_a_programme_has_three_rows(self):
        for text in texts.NO_PROGRAMME:
            self.assertEqual(" ".join(wrapped(text, 3)).split(), text.split())

    def test_every_character_has_a_glyph_of_its_own(self):
        said = [text for table in (texts.ROWS, texts.FAULTS, texts.REFUSALS) for row in table.values() for text in row]
        for text in said + [text for row in texts.QUESTIONS for text in row]:
            for character in text:
                self.assertTrue(32 <= ord(character) < 127 or character in font.MORE, character)
        columns = [font.GLYPHS[at : at + font.WIDTH] for at in range(0, len(font.GLYPHS), font.WIDTH)]
        self.assertEqual((len(columns), len(set(columns))), (95 + len(font.MORE), 95 + len(font.MORE)))

    def test_the_fault_of_what_starts_contractions_names_the_trigger_input_as_the_screen_that_waits_for_it(self):
        for language in range(len(LANGUAGES)):
            name = texts.ROWS["edge"][language].split("?")[0]
            self.assertIn(name.lower(), texts.FAULTS[faults.BIOFEEDBACK_INPUT][language].lower())

    def test_what_a_person_may_clear_at_the_panel_is_not_said_to_be_out_of_use(self):
        for number in access.CLEARED_AT_PANEL:
            self.assertFalse("Do not use" in texts.FAULTS[number][0], number)


class Wrapping(unittest.TestCase):
    def test_words_go_as_far_as_they_fit(self):
        self.assertEqual(wrapped("", 2), ["", ""])
        self.assertEqual(wrapped("a b", 1), ["a b"])
        self.assertEqual(wrapped("1234567 12345678 x", 2), ["1234567 12345678", "x"])
        self.assertEqual(wrapped("1234567 123456789 x", 2), ["1234567", "123456789 x"])
        self.assertEqual(wrapped("a " * 60, 2), ["a a a a a a a a", "a a a a a a a..."])

    def test_what_is_cut_says_so_at_a_word_where_there_is_one(self):
        self.assertEqual(wrapped("Stress incontinence", 1), ["Stress..."])
        self.assertEqual(wrapped("Stress", 1), ["Stress"])
        self.assertEqual(wrapped("Abdomen of 16 ch", 1), ["Abdomen of 16 ch"])
        self.assertEqual(wrapped("Abdomen after 16 ch", 1), ["Abdomen after..."])
        self.assertEqual(wrapped("Abdomen afterw 16 ch", 1), ["Abdomen..."])
        self.assertEqual(wrapped("Beckenbodentraining", 1), ["Beckenbodentr..."])
        self.assertEqual(wrapped("Stress incontinence, 35 Hz", 2), ["Stress", "incontinence..."])

    def test_no_number_is_cut_neither_at_the_end_nor_between_two_rows(self):
        self.assertEqual(wrapped("Pelvic floor 35 Hz", 1), ["Pelvic floor..."])
        self.assertEqual(wrapped("Pelvic 35 and 40 Hz", 1), ["Pelvic 35 and..."])
        self.assertEqual(wrapped("Programme1234567890", 1), ["Programme..."])
        self.assertEqual(wrapped("Programme_of_12.5_Hz", 2), ["Programme_of_", "12.5_Hz"])
        self.assertEqual(wrapped("1234567890123 x y z w", 1), ["..."])
        self.assertEqual(wrapped("Stress 35 incontinence", 1), ["Stress..."])

    def test_a_word_that_is_longer_than_a_row_goes_on_in_the_next_one(self):
        self.assertEqual(wrapped("x" * 20 + " y z", 2), ["x" * 16, "xxxx y z"])
        self.assertEqual(wrapped("a " + "x" * 16, 2), ["a", "x" * 16])

    def test_no_screen_cuts_a_title_without_saying_so(self):
        levels = [(0, "12")]
        for title in ("Stress incontinence, 35 Hz", "Beckenbodentraining für zu Hause", LONGEST):
            for language in range(len(LANGUAGES)):
                made = Screens(language)
                for screen in (
                    made.choose(title, 1, 2, ""), made.choose(title, 1, 2, "12"), made.ready(title, ""),
                    made.ready(title, "12"), made.ended(title, True, 720_000, "12"),
                    made.working(title, levels, 0, "work", 1_000, 2_000, "", "12"),
                ):  # fmt: skip
                    shown = " ".join(screen.rows)
                    whole = title.replace(" ", "") in "".join(screen.rows).replace(" ", "")
                    self.assertTrue(whole or "..." in shown, (title, screen.rows))

    def test_the_whole_title_stands_on_the_last_screen(self):
        rows = Screens(0).ended("Stress incontinence, 35 Hz", True, 900_000, "12").rows
        self.assertEqual(rows[:4], ["Finished", "Stress", "incontinence, 35", "Hz"])
        self.assertEqual(rows[4:], ["15:00 done", "most 12 mA", "", "press a button"])


class TheScreens(unittest.TestCase):
    def every(self, screen):
        levels = [(0, "100"), (1, "99.9")]
        yield screen.choose(LONGEST, 16, 16, MOST)
        yield screen.choose(LONGEST, 16, 16, MOST, True)
        yield screen.choose("", 0, 0, "")
        yield screen.told("no_programme", "")
        yield screen.choose("", 0, 0, "", True)
        for at in range(len(texts.QUESTIONS)):
            yield screen.ask(at, len(texts.QUESTIONS))
        for key in texts.TIMES:
            yield screen.time(key, 168)
        yield screen.ready(LONGEST, MOST)
        for by in ("", "A", "Donaudampfschifffahrtskapitaenin"):
            for day in ("", "2026-11-27"):
                yield screen.checked(65_535, day, by)
        for code in tuple(texts.REFUSALS) + ("a_code_that_is_longer_than_a_row",):
            yield screen.told(code, "in 168 h 59 min")
            yield screen.working(LONGEST, levels, 1, "work", 30_000, 3_600_000, code, MOST)
        for part in ("work", "rest", ""):
            yield screen.working(LONGEST, levels, 0, part, 120_000, 3_600_000, "", MOST)
            yield screen.working("", levels[:1], 0, part, 120_000, 3_600_000, "", "100.5")
        yield screen.held(2, 3_600_000)
        yield screen.ended(LONGEST, True, 3_600_000, MOST)
        yield screen.ended(LONGEST, False, 0, "")
        yield screen.foreign(levels)
        for number in faults.NAMES:
            yield screen.faulty(number, True, "")
            yield screen.faulty(number, False, "cause_there")
        yield screen.faulty(98, False, "")

    def test_each_fits_whatever_it_shows(self):
        for language in range(len(LANGUAGES)):
            for screen in self.every(Screens(language)):
                self.assertEqual(len(screen.rows), screens.ROWS)
                self.assertTrue(max([len(row) for row in screen.rows]) <= COLUMNS, screen.rows)
                if screen.large:
                    at = screens.LARGE_FROM
                    self.assertEqual(screen.rows[at : at + screens.LARGE_ROWS], [""] * screens.LARGE_ROWS)

    def numbers(self, screen):
        """What stands on it between spaces and has a digit."""
        found = []
        for text in screen.rows + list(screen.large):
            for word in text.split():
                if [character for character in word if character in "0123456789"]:
                    found.append(word)
        return found

    def test_h26_every_number_is_shown_whole_or_not_at_all(self):
        for level in ("100", "99.9", "0.05", "99.95", "100.05", "12.345"):
            both = level + "/" + level
            levels = [(0, level), (1, level)]
            for language in range(len(LANGUAGES)):
                made = Screens(language)
                for last in (level, both):
                    for screen in (
                        made.choose("Stress", 16, 16, last),
                        made.ready("Stress", last),
                        made.ended("Stress", True, 3_600_000, last),
                        made.working("x", levels[:1], 0, "work", 30_000, 3_600_000, "", last),
                        made.working("x", levels, 0, "rest", 3_600_000, 3_600_000, "", last),
                        made.told("too_many", "in 168 h 59 min"),
                        made.told("too_many", "in 1680 h 59 min "),
                        made.held(2, 3_600_000),
                        made.foreign(levels),
                    ):
                        whole = (level, both, "16", "30", "3600", "60:00", "168", "59", "0", "1:", ">1:", "2:")
                        self.assertEqual([word for word in self.numbers(screen) if word not in whole], [])
                for screen in (made.choose("x", 1, 1, both), made.ready("x", both), made.ended("x", True, 0, both)):
                    self.assertTrue(both in self.numbers(screen), screen.rows)  # these have room for it

    def test_h26_what_is_drawn_large_has_room_for_all_of_it(self):
        for count, part in ((1, 128), (2, 64)):
            self.assertEqual(screens.large_part(count), part)
        for text, columns, wide in (
            ("100", 64, 3), ("12.5", 64, 2), ("99.95", 64, 2), ("100.05", 64, 1), ("1234567890", 64, 1),
            ("12345678901", 64, 0), ("12.5", 128, 3), ("1234567", 128, 3), ("12345678", 128, 2),
        ):  # fmt: skip
            self.assertEqual((text, screens.large_wide(text, columns)), (text, wide))

    def test_what_is_shown_while_it_works(self):
        english, german = Screens(0), Screens(1)
        shown = english.working("Stress", [(0, "12"), (1, "8.5")], 1, "work", 4_001, 61_000, "", "")
        self.assertEqual(shown.rows, ["Stress", "", "", "", "", " 1: mA  >2: mA  ", "Work 5 s", "1:01 left"])
        self.assertEqual(shown.large, ("12", "8.5"))
        shown = german.working("", [(0, "12")], 0, "rest", 4_000, 60_000, "", "15")
        self.assertEqual(shown.rows[0], "Elektrode?")
        self.assertEqual(shown.rows[5:], ["mA zuletzt 15", "Loslassen 4 s", "noch 1:00"])
        self.assertEqual(english.working("x", [(0, "1")], 0, "", 0, 59_001, "", "").rows[6:], ["Running", "1:00 left"])
        told = english.working("x", [(0, "1")], 0, "rest", 0, 0, "only_in_work", "").rows
        self.assertEqual(told[5:], ["Up only while it", "works", "only_in_work"])

    def test_a_fault_has_its_number_and_what_a_person_does(self):
        screen = Screens(0).faulty(11, True, "")
        self.assertEqual(
            screen.rows, ["Fault 11", "", "", "", "", "It is off, dry", "or not connected", "then hold start"]
        )
        self.assertEqual(screen.large, ("Electrode?",))
        self.assertEqual(Screens(0).faulty(28, True, "").rows[1:7], [
            "Button stuck.", "Let go of every", "button", "", "", "then hold start",
        ])  # fmt: skip
        self.assertEqual(Screens(1).faulty(2, False, "").rows[6], "Praxis fragen")

    def test_currents_and_times(self):
        self.assertEqual([ma(ua) for ua in (0, 900, 1_000, 12_300, 100_000)], ["0", "0.9", "1", "12.3", "100"])
        self.assertEqual([ma(ua) for ua in (1, 50, 12_345, 9_990)], ["0.001", "0.05", "12.345", "9.99"])
        self.assertEqual(
            [minutes(ms) for ms in (0, 1, 1_000, 59_001, 3_600_000)], ["0:00", "0:01", "0:01", "1:00", "60:00"]
        )


if __name__ == "__main__":
    unittest.main()

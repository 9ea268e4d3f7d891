"""Hazard H25: nobody is stimulated whose contraindications were not read and confirmed, for this session and list."""

import unittest

import samples
from samples import codes

from nmes.core import checklist
from nmes.core.session import ARMED, IDLE, RUNNING, Session

RIGHT = (checklist.VERSION, len(checklist.ITEMS))


def loaded():
    made = Session(samples.STAGE)
    made.load(samples.programme())
    return made


class TheContract(unittest.TestCase):
    def test_h25_arming_is_refused_without_an_acknowledgement(self):
        made = loaded()
        self.assertEqual(codes(made.arm, made.programme_crc, 0), ["not_acknowledged"])
        self.assertEqual(made.state, IDLE)
        self.assertEqual(codes(made.start, 0), ["wrong_state"])
        made.acknowledge(*RIGHT)
        self.assertEqual(codes(made.arm, made.programme_crc, 0), [])
        self.assertEqual(made.state, ARMED)

    def test_h25_only_the_whole_list_of_this_version_can_be_acknowledged(self):
        made = loaded()
        version, items = RIGHT
        for wrong in (
            (version + 1, items),
            (version - 1, items),
            (version, items - 1),
            (version, items + 1),
            (version, 0),
            (0, 0),
        ):
            self.assertEqual(codes(made.acknowledge, *wrong), ["other_checklist"])
            self.assertEqual(codes(made.arm, made.programme_crc, 0), ["not_acknowledged"])

    def test_h25_the_version_is_in_the_record_of_the_session(self):
        made = loaded()
        self.assertEqual(made.status(0, [0])["acknowledged"], 0)
        made.acknowledge(*RIGHT)
        made.arm(made.programme_crc, 0)
        made.start(0)
        self.assertEqual((made.state, made.status(0, [0])["acknowledged"]), (RUNNING, checklist.VERSION))

    def test_h25_every_session_asks_again_however_the_last_one_ended(self):
        for end in (
            lambda made: made.stop("stopped", 1),
            lambda made: (made.start(0), made.stop("stopped", 1)),
            lambda made: (made.start(0), made.pause(1), made.stop("stopped", 1)),
            lambda made: (made.start(0), samples.tick(made, 60_000), samples.tick(made, 61_000)),
            lambda made: samples.tick(made, 2_000),
            lambda made: (made.fail(1, "x", 1), made.clear(1)),
        ):
            made = loaded()
            made.acknowledge(*RIGHT)
            made.arm(made.programme_crc, 0)
            end(made)
            self.assertEqual((made.state, made.acknowledged), (IDLE, 0))
            self.assertEqual(codes(made.arm, made.programme_crc, 9), ["not_acknowledged"])

    def test_h25_a_new_programme_and_a_fault_ask_again(self):
        made = loaded()
        made.acknowledge(*RIGHT)
        made.load(samples.programme(title="other"))
        self.assertEqual(codes(made.arm, made.programme_crc, 0), ["not_acknowledged"])
        made.acknowledge(*RIGHT)
        made.fail(1, "x", 0)
        made.clear(1)
        self.assertEqual(codes(made.arm, made.programme_crc, 0), ["not_acknowledged"])

    def test_h25_nothing_is_acknowledged_beforehand(self):
        # Only in IDLE: not by a line that comes again while armed, running or in a fault.
        made = loaded()
        made.acknowledge(*RIGHT)
        made.arm(made.programme_crc, 0)
        self.assertEqual(codes(made.acknowledge, *RIGHT), ["wrong_state"])
        made.start(0)
        self.assertEqual(codes(made.acknowledge, *RIGHT), ["wrong_state"])
        made.fail(1, "x", 0)
        self.assertEqual(codes(made.acknowledge, *RIGHT), ["wrong_state"])
        self.assertEqual(made.acknowledged, 0)


class TheList(unittest.TestCase):
    def test_h25_it_has_what_the_hazard_names(self):
        text = " ".join(checklist.ITEMS).lower()
        for word in (
            "pacemaker",
            "implant",
            "pregnant",
            "conceive",
            "iud",
            "metal",
            "cancer",
            "epilepsy",
            "infection",
            "bleeding",
            "feeling",
            "bladder",
            "heart",
            "neck",
            "6 weeks",
            "12 weeks",
            "prolapse",
            "menstruation",
            "child",
            "insulin",
            "surgery",
            "driving",
            "bathing",
            "sleeping",
            "shortwave",
            "nerves",
            "isolator",
            "charging",
        ):
            self.assertIn(word, text)

    def test_h25_nobody_else_s_word_makes_pregnancy_a_matter_of_this_device(self):
        (item,) = [item for item in checklist.STOP if "regnan" in item]
        self.assertFalse("unless" in item)

    def test_a_path_to_the_mains_is_asked_for(self):
        self.assertTrue([item for item in checklist.STOP if "isolator" in item])


if __name__ == "__main__":
    unittest.main()

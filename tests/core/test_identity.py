"""identity.py and digest.py: two ends that hold the same facts say the same, on either interpreter, and only then."""

import unittest

from nmes.core import digest, identity, limits, phase

BOARD = {"name": "b", "pins": {"channels": ({"phase_a": 2}, {})}, "supply_mv": (3_000, 5_500), "µ": None}
STAGE = {"name": "s", "full_scale_ua": 100_000, "calibration": ({"gain": -3},)}


def said(board=BOARD, stage=STAGE, firmware="f"):
    return identity.digests(firmware, board, stage)


class Digests(unittest.TestCase):
    def test_they_are_the_same_on_every_interpreter(self):
        self.assertEqual(digest.of("abc"), "ba7816bf8f01cfea")  # FIPS 180-2, appendix B.1
        self.assertEqual(digest.of(b"abc"), digest.of("abc"))
        self.assertEqual(digest.of("µ"), digest.of(b"\xc2\xb5"))
        board, stage = said()["board_digest"], said()["stage_digest"]
        self.assertEqual((board, stage), ("c0ff0516295287fd", "2129fd0b1ea39435"))

    def test_sources_are_the_same_in_any_order_and_with_either_line_end(self):
        files = [("a.py", b"x = 1\n"), ("b/c.py", b"y = 2\n")]
        whole = digest.of_files(files)
        self.assertEqual(whole, digest.of_files([files[1], files[0]]))
        self.assertEqual(whole, digest.of_files([("a.py", b"x = 1\r\n"), files[1]]))
        for other in (
            files[:1],
            [("a.py", b"x = 1\n"), ("b/c.py", b"y = 3\n")],
            [("a.py", b"x = 1\n"), ("b/d.py", b"y = 2\n")],
            [("a.py", b"y = 2\n"), ("b/c.py", b"x = 1\n")],
            files + [("e.py", b"")],
        ):
            self.assertTrue(digest.of_files(other) != whole)

    def test_each_field_changes_with_its_own_facts_and_no_other(self):
        before = said()
        self.assertEqual(sorted(before), sorted(identity.FIELDS))
        for field, after in (
            ("firmware", said(firmware="g")),
            ("board_digest", said(board=dict(BOARD, supply_mv=(3_000, 5_501)))),
            ("stage_digest", said(stage=dict(STAGE, full_scale_ua=50_000))),
        ):
            self.assertEqual([key for key in identity.FIELDS if before[key] != after[key]], [field])

    def test_a_name_means_the_same_in_every_module_of_the_limits(self):
        for module in identity._OF_LIMITS:
            for name, value in identity.limits_in_use().items():
                self.assertEqual(getattr(module, name, value), value)

    def test_h01_every_limit_counts_as_it_is_in_memory(self):
        before = said()["limits_digest"]
        for module, name in (
            (limits, "CHARGE_MAX_NC"),
            (limits, "IRMS_MAX_UA"),
            (limits, "CURRENT_MAX_UA"),
            (phase, "RATE_MOST_MHZ"),
        ):
            value = getattr(module, name)
            setattr(module, name, value + 1)
            try:
                self.assertTrue(said()["limits_digest"] != before)
            finally:
                setattr(module, name, value)
        self.assertEqual(said()["limits_digest"], before)
        bounds = phase.PHASE_FIELDS["width_us"]
        phase.PHASE_FIELDS["width_us"] = (bounds[0], bounds[1] + 1) + tuple(bounds[2:])
        try:
            self.assertTrue(said()["limits_digest"] != before)
        finally:
            phase.PHASE_FIELDS["width_us"] = bounds


if __name__ == "__main__":
    unittest.main()

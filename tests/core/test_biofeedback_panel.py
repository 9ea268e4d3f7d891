"""nmes/patient.py and core/screens.py in a session whose contractions its person starts: what the display shows."""

import unittest

import samples  # noqa: F401
from biofeedback_bench import QUIET, STAGE, TIGHT, table, waiting
from panel_bench import Paneled

from nmes.core.screens import BAR_COLUMNS
from nmes.triggered import Triggered


class Paneled(Paneled):
    supervises = Triggered
    stage_of_it = STAGE

    def __init__(self, **changes):
        super().__init__(kept=(waiting(table(**changes)),))
        self.hal._signal_mv = QUIET
        self.begin()

    @property
    def bar(self):
        return self.patient._display._shown.bar

    def pixels(self):
        """The columns of the last row."""
        return self.screen.pages[7]

    def signal(self, mv, turns):
        self.hal._signal_mv = mv
        self.turns(turns)


class Bar(unittest.TestCase):
    def test_while_it_waits_the_signal_is_a_bar_with_the_threshold_in_its_middle(self):
        bench = Paneled()
        bench.turns(60)
        self.assertEqual(bench.rows[0][-4:], "left")
        self.assertEqual((bench.rows[5], bench.rows[6][:8], bench.rows[7]), ("mA", "Tighten ", ""))
        self.assertEqual(bench.bar, (QUIET * BAR_COLUMNS // 600, 63))
        for mv in (0, 150, 299):
            bench.signal(mv, 60)
            filled = mv * BAR_COLUMNS // 600
            self.assertEqual(bench.bar, (filled, 63))
            pixels = bench.pixels()
            self.assertEqual([pixels[0], pixels[127], pixels[64]], [0x7E, 0x7E, 0xFF])
            self.assertEqual(pixels.count(b"\x7e"), 2 + filled - (1 if filled > 63 else 0))

    def test_in_a_contraction_there_is_none_and_the_words_are_those_of_every_session(self):
        bench = Paneled()
        bench.turns(60)
        bench.signal(TIGHT, 5)
        bench.signal(QUIET, 30)
        self.assertEqual((bench.bar, bench.rows[6][:5], bench.rows[0]), (None, "Work ", "stress"))
        self.assertEqual(bench.rows[7][-4:], "left")
        bench.press("up")
        self.assertEqual(bench.level(), 1_000)
        bench.turns(200)
        self.assertEqual((bench.rows[6][:5], bench.bar), ("Rest ", (8, 63)))

    def test_the_countdown_never_shows_what_nobody_knows(self):
        bench = Paneled()
        seen = set()
        for _ in range(3):
            bench.signal(TIGHT, 5)
            for _ in range(80):
                bench.signal(QUIET, 10)
                seen.add(bench.rows[6])
        left = [int(row.split()[1]) for row in seen if row]
        self.assertTrue(left and max(left) <= 8, seen)

    def test_up_in_the_wait_is_refused_and_said_and_the_bar_comes_back(self):
        bench = Paneled()
        bench.turns(60)
        bench.press("up")
        self.assertEqual((bench.bar, bench.rows[7], bench.level()), (None, "only_in_work", 0))
        bench.turns(250)
        self.assertEqual(bench.bar[1], 63)

    def test_tries_are_counted_and_their_bar_has_no_mark(self):
        bench = Paneled(threshold_mv=0)
        bench.turns(30)
        self.assertEqual((bench.rows[0], bench.rows[6]), ("Try 1 of 3", "Let go 3 s"))
        bench.signal(1_600, 300)
        self.assertEqual((bench.rows[6][:8], bench.bar), ("Tighten ", (63, -1)))
        bench.signal(QUIET, 300)
        self.assertEqual(bench.rows[0], "Try 2 of 3")

    def test_with_a_switch_there_is_no_bar(self):
        bench = Paneled(source="switch", threshold_mv=None)
        bench.turns(60)
        self.assertEqual((bench.bar, bench.rows[6][:6]), (None, "Press "))

    def test_stop_ends_it_in_the_turn_and_a_sensor_that_floats_is_told_with_its_words(self):
        bench = Paneled()
        bench.turns(60)
        bench.press("stop", turns=1)
        self.assertEqual(bench.place, "ended")
        bench = Paneled()
        bench.turns(60)
        bench.signal(-1, 150)
        self.assertEqual((bench.place, bench.rows[0]), ("faulty", "Fault 31"))


if __name__ == "__main__":
    unittest.main()

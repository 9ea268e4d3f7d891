"""app.py: what the board's limits do to the stage, how long a turn waits, and what comes to rest at the end."""

import unittest

import bench_hal
import samples
from test_ends import SHORT, DoesNotEnd, Whole, app

from nmes.core.session import IDLE, RUNNING


class TheTurn(unittest.TestCase):
    def waits(self, *took_ms):
        """How long each turn waits that took so long before."""
        board = bench_hal.Bench()
        waits = []
        took = list(took_ms)

        class Part:
            def step(self, now_ms):
                board.hal.now_us += 1_000 * took.pop(0)

        board.hal.wait_ms = waits.append
        for _ in took_ms:
            app._turn(board.hal, board.supervisor, (Part().step,))
        self.assertEqual(board.session.state, IDLE)
        return waits

    def test_it_is_10_ms_long_and_waits_less_after_what_took_time_but_always_a_little(self):
        self.assertEqual(self.waits(0, 1, 4, 8, 9, 10, 11, 50), [10, 9, 6, 2, 1, 1, 1, 1])

    def test_a_clock_that_goes_back_is_no_long_wait(self):
        self.assertEqual(self.waits(-1, -5_000), [10, 10])


class TheBoard(unittest.TestCase):
    def test_a_programme_of_more_than_it_allows_is_refused(self):
        whole = app.BOARD
        for most_ua, refused in ((29_999, True), (30_000, False)):
            found = []

            def loads(board, found=found):
                found.append(samples.codes(board.session.load, SHORT))
                board.arrives(b"\x03")

            board = Whole({2: loads})
            app.BOARD = dict(whole, max_current_ua=most_ua)
            try:
                self.assertEqual(board.run(), None)
            finally:
                app.BOARD = whole
            self.assertEqual(found, [["board_current"]] if refused else [[]])

    def test_lamps_and_buzzer_are_off_and_all_is_at_rest_once_it_has_ended(self):
        board = Whole({5: lambda board: board.arrives(b"\x03")})
        opened = []
        board.open_link = lambda: opened.append(board.watched[:])
        self.assertEqual(board.run(), None)
        self.assertEqual(opened, [[]])
        self.assertEqual(board.signals[-1][1:], (0, 0, 0))
        self.assertEqual((board.enabled(), board.closed), (False, True))

    def test_whatever_ends_it_outputs_rest_before_anything_is_kept(self):
        seen = []

        def ends(board):
            seen.append((board.session.state, board.enabled()))
            settle = board.supervisor.settle
            board.supervisor.settle = lambda: seen.append((board.session.state, board.enabled())) or settle()
            raise DoesNotEnd

        board = Whole({3: Whole.session_starts, 9: ends})
        self.assertTrue(isinstance(board.run(), DoesNotEnd))
        self.assertEqual(seen, [(RUNNING, True), (RUNNING, False)])


if __name__ == "__main__":
    unittest.main()

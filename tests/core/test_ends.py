"""app.py on the virtual HAL: however a run ends, outputs are at rest, what is to be kept is kept, and only an end that
somebody asked for counts as one in order."""

import sys
import unittest

import bench_hal
import samples
from bench_hal import Bench

from nmes.core import faults, frame
from nmes.core.session import FAULT, IDLE, RUNNING, Session


class DoesNotEnd(BaseException):
    pass


class Module:
    def __init__(self, **names):
        for name in names:
            setattr(self, name, names[name])


sys.modules["board"] = Module(BOARD=dict(bench_hal.BOARD, stage="bench", hal="bench", max_current_ua=100_000))
sys.modules["stages"] = Module(bench=Module(STAGE=samples.STAGE))
sys.modules["stages.bench"] = sys.modules["stages"].bench

from nmes import app, recording  # noqa: E402

SHORT = samples.programme([samples.phase(duration_ms=20_000)])
CTRL_C = b"\x03"


class Whole(bench_hal.BenchHal):
    """The hardware under the whole application. `acts` has what happens at the end of a turn, by its number."""

    def __init__(self, acts, slots=None):
        super().__init__(slots)
        self.acts = acts
        self.turn = self.waits = 0
        self.watched = []
        self.rests = 0
        self.closed = False
        self.supervisor = None
        self.in_bootsel = None  # or: enabled, link closed, something to be kept, watched
        self.host = 0  # the number that the device has given to the host, once it has identified
        self.broken = {}  # what a part raises whenever it is asked

    def run(self):
        """Run the application until it ends. Returns what it raised, or None."""
        made = app.make, app.Session, app.make_supervisor, app.Panel
        app.make = lambda board, stage: self
        app.Session = self.made_session
        app.make_supervisor = self.made_supervisor
        app.Panel = lambda hal, supervisor: Module(step=lambda now_ms: self.asked("panel"))
        try:
            app.run()
        except BaseException as error:
            return error
        finally:
            app.make, app.Session, app.make_supervisor, app.Panel = made

    def made_session(self, stage):
        self.session = Session(stage)
        return self.session

    def made_supervisor(self, *arguments):
        self.supervisor = recording.Recording(*arguments)
        return self.supervisor

    def asked(self, part):
        if part in self.broken:
            raise self.broken[part]

    def arrives(self, data):
        self._input = self._input[self._at :] + data
        self._at = 0

    def session_starts(self, ua=2_000):
        self.session.load(SHORT)
        self.session.acknowledge(*bench_hal.RIGHT)
        self.supervisor.arm(self.session.programme_crc)
        self.supervisor.start()
        self.session.lanes[0].intensity_ua = ua

    def pauses(self):
        self.supervisor.pause()

    # ---- the contract ----

    def wait_ms(self, ms):
        self.waits += 1
        if self.waits > 300:
            raise DoesNotEnd
        self.asked("wait")
        self.pass_ms(ms)
        self.turn += 1
        self.supervisor.renew()
        if self.turn in self.acts:
            self.acts[self.turn](self)

    def read(self, into):
        self.asked("link")
        return super().read(into)

    def tripped(self):
        self.asked("supervisor")
        return super().tripped()

    def all_off(self):
        self.rests += 1
        super().all_off()

    def write(self, line):
        self.host = frame.decode(bytes(line)).get("host", self.host)
        return True

    def watch(self, on):
        self.watched.append(on)

    def close_link(self):
        self.closed = True

    def bootloader(self):
        self.in_bootsel = (self.enabled(), self.closed, self.supervisor._store.due, self.watched[-1])

    def again(self):
        """The board after that, as the mark of its watchdog has it."""
        return Bench(self.slots, "" if self.watched[-1:] == [False] else "ended out of order")


def command(seq, name, host):
    return frame.encode({"seq": seq, "cmd": name, "host": host})


def identifies(board):
    board.arrives(command(1, "identify", 0))


def ctrl_c(board):
    board.arrives(CTRL_C)


def maintenance(board):
    board.arrives(command(2, "maintenance", board.host))


class AnEndInOrder(unittest.TestCase):
    def ends(self, acts, state):
        board = Whole(acts)
        self.assertEqual(board.run(), None)
        self.assertEqual((board.watched, board.enabled(), board.closed), ([True, False], False, True))
        self.assertEqual(board.session.state, state)
        self.assertFalse(board.supervisor._store.due)
        return board

    def test_ctrl_c_in_the_turn_of_a_fault_leaves_its_record(self):
        def fault(board):
            board.trip = faults.BOTH_PHASES
            board.arrives(CTRL_C)

        board = self.ends({2: Whole.session_starts, 20: fault}, FAULT)
        self.assertEqual(board.slots[0], board.slots[1])
        again = board.again()
        self.assertEqual((again.session.state, again.session.fault), (FAULT, faults.BOTH_PHASES))
        record = again.supervisor.record()
        self.assertEqual((record["state"], record["intensity_ua"]), (RUNNING, [2_000]))

    def test_ctrl_c_in_the_turn_of_a_fault_that_no_turn_of_the_supervisor_has_seen(self):
        def fault(board):
            board.supervisor.fail(faults.PULSE_CHECK, "in a command")
            board.supervisor.step = lambda now_ms: None
            board.arrives(CTRL_C)

        board = self.ends({2: Whole.session_starts, 20: fault}, FAULT)
        self.assertEqual(board.again().session.fault, faults.PULSE_CHECK)

    def accounted_for(self, acts):
        acts[2] = Whole.session_starts
        again = self.ends(acts, IDLE).again()
        self.assertEqual((again.session.state, again.store.get("open")), (IDLE, 0))
        self.assertEqual(again.supervisor._lockout.left_ms(0), 0)
        self.assertTrue(0 < again.store.get("used_ms") < 5_000)

    def test_ctrl_c_or_maintenance_right_after_a_stop_leaves_the_session_accounted_for(self):
        for leaves in (ctrl_c, maintenance):

            def stops(board, leaves=leaves):
                board.supervisor.stop()
                board.supervisor.step = lambda now_ms: None
                leaves(board)

            self.accounted_for({20: identifies, 30: stops})

    def test_ctrl_c_in_the_turn_in_which_the_host_is_lost(self):
        def lost(board):
            board.session.heard(board.now_ms() - 60_000)
            board.arrives(CTRL_C)

        self.accounted_for({30: Whole.pauses, 40: lost})

    def test_a_store_that_fails_is_no_reason_not_to_stop_but_no_end_in_order(self):
        for error in (OSError(5), MemoryError()):

            def fault(board, error=error):
                board.flash_error = error
                board.trip = faults.BOTH_PHASES

            # At once, or when the turns after the fault have tried it too.
            for turn in (20, 30):
                acts = {2: Whole.session_starts, turn: lambda board: board.arrives(CTRL_C)}
                first = acts.get(20)

                def fails(board, fault=fault, first=first):
                    fault(board)
                    if first:
                        first(board)

                acts[20] = fails
                board = Whole(acts)
                self.assertEqual(board.run(), None)
                self.assertEqual((board.watched, board.enabled(), board.session.state), ([True], False, FAULT))
                self.assertEqual(board.pauses[-1], (True, FAULT), "nobody feeds the watchdog at the prompt")
                board.flash_error = None
                self.assertEqual(board.again().session.fault, faults.WATCHDOG_RESET)

    def test_a_store_that_failed_once_and_has_been_written_since_is_in_order(self):
        def fails(board):
            board.flash_error = OSError(5)
            board.supervisor.fail(faults.PULSE_CHECK, "x")

        def mends(board):
            board.flash_error = None
            board.supervisor.clear(faults.PULSE_CHECK)
            board.arrives(CTRL_C)

        self.assertEqual(self.ends({20: fails, 30: mends}, IDLE).again().session.state, IDLE)

    def test_nobody_leaves_a_session_by_ctrl_c_or_maintenance(self):
        def asks(board):
            ctrl_c(board)
            maintenance(board)

        def stops(board):
            self.assertEqual(board.session.state, RUNNING)
            board.supervisor.stop()
            board.arrives(CTRL_C)

        self.ends({2: Whole.session_starts, 10: identifies, 20: asks, 40: stops}, IDLE)


class IntoBootsel(unittest.TestCase):
    def bootloader(self, board):
        board.arrives(command(2, "bootloader", board.host))

    def test_comes_last_with_everything_at_rest_and_kept(self):
        board = Whole({10: identifies, 20: self.bootloader})
        self.assertEqual(board.run(), None)
        self.assertEqual(board.in_bootsel, (False, True, False, False))

    def test_a_fault_is_kept_before_it(self):
        def fault(board):
            board.trip = faults.BOTH_PHASES

        board = Whole({2: Whole.session_starts, 10: identifies, 20: fault, 25: self.bootloader})
        self.assertEqual(board.run(), None)
        self.assertEqual(board.in_bootsel, (False, True, False, False))
        self.assertEqual(board.again().session.fault, faults.BOTH_PHASES)

    def test_never_while_somebody_is_armed(self):
        def asks(board):
            self.bootloader(board)

        def stops(board):
            self.assertEqual(board.session.state, RUNNING)
            board.supervisor.stop()
            ctrl_c(board)

        board = Whole({2: Whole.session_starts, 10: identifies, 20: asks, 40: stops})
        self.assertEqual(board.run(), None)
        self.assertEqual(board.in_bootsel, None)

    def test_the_prompt_is_another_way_out(self):
        board = Whole({10: ctrl_c})
        self.assertEqual(board.run(), None)
        self.assertEqual(board.in_bootsel, None)


class AnotherEnd(unittest.TestCase):
    def escapes(self, part, error, in_session):
        def breaks(board):
            board.broken[part] = error

        acts = {20: breaks, 40: lambda board: board.arrives(CTRL_C)}
        if in_session:
            acts[2] = Whole.session_starts
        board = Whole(acts)
        self.assertTrue(board.run() is error, part)
        self.assertEqual((board.watched, board.enabled(), board.closed), ([True], False, True))
        self.assertEqual((board.channels[0].queued(), board.again().session.state), (0, FAULT))
        return board

    def test_h02_what_leaves_the_loop_otherwise_rests_and_comes_up_in_fault(self):
        for part in ("supervisor", "link", "panel", "wait"):
            for error in (SystemExit(), KeyboardInterrupt()):
                for in_session in (True, False):
                    if in_session or part != "supervisor":
                        board = self.escapes(part, error, in_session)
                        again = board.again()
                        self.assertEqual(again.session.fault, faults.WATCHDOG_RESET)
                        # How long the session was nobody knows.
                        self.assertEqual(again.supervisor._lockout.left_ms(0) > 0, in_session)

    def test_h02_what_the_way_into_a_fault_raises_leaves_it_too_and_the_fault_is_kept(self):
        for in_session in (True, False):
            error = OSError(5)

            def breaks(board, error=error):
                all_off = board.all_off

                def fails():
                    all_off()
                    if board.turn < 30:
                        board.turn = 30
                        raise error

                board.all_off = fails
                board.broken["panel"] = MemoryError("memory allocation failed")

            board = Whole({2: Whole.session_starts, 20: breaks} if in_session else {20: breaks})
            self.assertTrue(board.run() is error)
            self.assertEqual((board.watched, board.enabled(), board.session.state), ([True], False, FAULT))
            again = board.again()
            self.assertEqual((again.session.state, again.session.fault), (FAULT, faults.INTERNAL_ERROR))
            self.assertEqual(again.supervisor._lockout.left_ms(0), 0)

    def test_h02_an_error_of_any_part_is_a_fault_and_the_loop_goes_on(self):
        class Speechless(Exception):
            def __repr__(self):
                raise MemoryError

        for part in ("supervisor", "link", "panel", "wait"):
            for error in (MemoryError("memory allocation failed"), OSError(5), Speechless()):

                def breaks(board, part=part, error=error):
                    board.broken[part] = error
                    board.acts[board.turn + 1] = mends

                def mends(board):
                    board.broken.clear()

                def leaves(board):
                    self.assertEqual((board.session.state, board.session.fault), (FAULT, faults.INTERNAL_ERROR))
                    self.assertFalse(board.enabled())
                    board.arrives(CTRL_C)

                board = Whole({2: Whole.session_starts, 20: breaks, 40: leaves})
                if part == "wait":
                    board.now_ms = mended_by_time(board)
                self.assertEqual(board.run(), None)
                self.assertEqual(board.watched, [True, False])
                self.assertEqual(board.again().session.fault, faults.INTERNAL_ERROR)

    def test_a_board_that_cannot_even_be_wired_is_at_rest_and_its_mark_is_left_as_it_was(self):
        board = Whole({})

        def read_slot(slot):
            raise MemoryError

        board.read_slot = read_slot
        self.assertTrue(isinstance(board.run(), MemoryError))
        self.assertEqual((board.watched, board.rests > 0, board.enabled()), ([], True, False))


def mended_by_time(board):
    """now_ms() of a board whose wait, the only thing that lets time pass in these tests, is broken."""
    now_ms = board.now_ms

    def passes():
        if "wait" in board.broken and board.session.state == FAULT:
            board.broken.clear()
        return now_ms()

    return passes


if __name__ == "__main__":
    unittest.main()

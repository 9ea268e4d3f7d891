"""link.py to the byte and to the millisecond: how much a turn reads, what has to have room, and when what is said."""

import json
import unittest
from binascii import hexlify

import samples
from bench_hal import RESISTOR, RIGHT, Linked
from test_link import ARGUMENTS, begin, in_state

from nmes import link
from nmes.core import commands, document, faults, frame, lock, record
from nmes.core.delivery import ACCOUNT_FIELDS
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.hal.common import OUT_BYTES
from nmes.link import Link

CTRL_C = b"\x03"
KEY = 64 * "a"
KEPT = json.dumps(RESISTOR).encode()


def arrives(bench, data):
    bench.hal._input, bench.hal._at = data, 0


def quiet(state):
    """A bench in that state, some turns after all that it had to say."""
    bench = in_state(state)
    for _ in range(3):
        bench.link.step(bench.hal.now_ms())
    return bench


def taken(bench, data):
    """How many bytes of `data` one step of the link reads."""
    arrives(bench, data)
    bench.link.step(bench.hal.now_ms())
    return bench.hal._at


def events(bench, name):
    return [m for m in map(frame.decode, bench.answers) if m.get("event") == name]


class HowMuchATurnReads(unittest.TestCase):
    def test_256_bytes_at_rest_and_128_with_a_session(self):
        for state in (IDLE, FAULT):
            self.assertEqual(taken(in_state(state), b"x" * 300), 256)
        for state in (ARMED, RUNNING, PAUSED):
            self.assertEqual(taken(quiet(state), b"x" * 300), 128)

    def test_noise_of_any_kind_delays_a_stop_no_more_than_letters_do(self):
        for noise in (b"x", b"\x00", b"\t", b"\xff", CTRL_C):
            bench = quiet(RUNNING)
            self.assertEqual(taken(bench, 300 * noise), 128, str(noise))

    def test_one_line_and_nothing_of_the_next(self):
        bench = Linked()
        line = bench.line("status")
        self.assertEqual(taken(bench, line + line), len(line))

    def test_while_pulses_run_no_event_is_said_in_the_turn_of_an_answer_and_none_is_lost(self):
        bench = quiet(RUNNING)
        bench.hal.pass_ms(link.STATUS_EVERY_MS)
        arrives(bench, bench.line("status"))
        del bench.answers[:]
        bench.link.step(bench.hal.now_ms())
        self.assertEqual((len(bench.answers), len(events(bench, "status"))), (1, 0))
        bench.link.step(bench.hal.now_ms())
        self.assertEqual(len(events(bench, "status")), 1)

    def test_a_line_of_128_bytes_is_answered_at_once_and_a_longer_one_has_a_turn_of_its_own(self):
        for length in (127, 128, 129):
            bench = Linked()
            line = bench.line("status")
            del bench.answers[:]
            self.assertEqual(taken(bench, b" " * (length - len(line) + 1) + line), length + 1)
            self.assertEqual((len(bench.answers), bench.link.has_line), (1, False) if length <= 128 else (0, True))
            bench.link.step(bench.hal.now_ms())
            self.assertEqual((len(bench.answers), bench.link.has_line), (1, False))
            self.assertTrue(frame.decode(bench.answers[0])["ok"])

    def test_a_line_that_began_before_somebody_armed_at_the_device_is_refused_however_long_it_gets(self):
        for before in (frame.SESSION_LINE_MAX, frame.SESSION_LINE_MAX + 1, frame.LINE_MAX - 1):
            bench = Linked()
            bench.bytes(b"x" * before)
            bench.arm(RESISTOR)
            self.assertEqual(bench.errors(b"x" * frame.LINE_MAX, b"\n", bench.line("status")), ["wrong_state", None])
            self.assertEqual(bench.session.state, ARMED)

    def test_already_in_its_first_turn(self):
        bench = Linked()
        line = bench.line("status")
        bench.link = Link(bench.hal, bench.supervisor, {"name": "virtual"}, samples.STAGE)
        self.assertEqual(taken(bench, line), len(line))

    def test_nothing_behind_a_whole_line_before_it_has_been_answered(self):
        bench = Linked()
        line = b" " * 150 + bench.line("status")
        taken(bench, line + line)
        read = bench.hal._at
        bench.link.step(bench.hal.now_ms())
        self.assertEqual(bench.hal._at, read)

    def test_nothing_more_where_nothing_more_has_come(self):
        bench = Linked()
        asked = []
        bench.hal.read = lambda into: asked.append(1) or 0
        bench.link.step(bench.hal.now_ms())
        self.assertEqual(len(asked), 1)

    def test_any_other_byte_below_a_space_belongs_to_the_line_and_spoils_it(self):
        for byte in (0, 1, 2, 4, 9):
            bench = Linked()
            line = bench.line("status")
            del bench.answers[:]
            bench.bytes(line[:5] + bytes([byte]) + line[5:])
            self.assertFalse(bench.link.wants_prompt)
            (answer,) = map(frame.decode, bench.answers)
            self.assertEqual((answer["ok"], answer["seq"]), (False, None), str(byte))

    def test_ctrl_c_leaves_at_once_what_is_behind_it_alone_and_nothing_more_is_said(self):
        bench = Linked()
        del bench.answers[:]
        line = bench.line("status")
        self.assertEqual(taken(bench, CTRL_C + line), 1)
        self.assertEqual((bench.link.wants_prompt, bench.answers), (True, []))

    def test_ctrl_c_in_a_session_is_not_heard_and_no_part_of_a_line(self):
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            line = bench.line("status")
            del bench.answers[:]
            taken(bench, line[:5] + CTRL_C + line[5:])
            bench.bytes(b"")
            self.assertFalse(bench.link.wants_prompt)
            self.assertTrue([m for m in map(frame.decode, bench.answers) if m.get("ok")])


class TheLongestLine(unittest.TestCase):
    def said(self, bench, length):
        """The answer to a status padded to `length` bytes."""
        line = bench.line("status", host=bench.owner)
        line = line[:-1].rstrip()
        padded = b" " * (length - len(line)) + line + b"\n"
        del bench.answers[:]
        bench.bytes(padded)
        return [m for m in map(frame.decode, bench.answers) if "ok" in m]

    def test_at_rest_and_in_a_session(self):
        for state, most, error in (
            (IDLE, frame.LINE_MAX, "too_long"),
            (FAULT, frame.LINE_MAX, "too_long"),
            (ARMED, frame.SESSION_LINE_MAX, "wrong_state"),
            (RUNNING, frame.SESSION_LINE_MAX, "wrong_state"),
        ):
            for over in (-1, 0):
                (answer,) = self.said(in_state(state), most + over)
                self.assertTrue(answer["ok"], "%s %d" % (state, over))
            bench = in_state(state)
            (answer,) = self.said(bench, most + 1)
            self.assertEqual((answer["ok"], answer["error"]), (False, error), state)
            # And the next one is a line like any other.
            (answer,) = self.said(bench, 120)
            self.assertTrue(answer["ok"])

    def test_one_that_began_before_the_session_is_too_long_for_it(self):
        bench = Linked()
        bench.load(RESISTOR)
        bench.bytes(b" " * (frame.SESSION_LINE_MAX + 1))
        bench.supervisor.arm(bench.session.programme_crc, bench.owner)
        del bench.answers[:]
        bench.bytes(bench.line("status"))
        (answer,) = [m for m in map(frame.decode, bench.answers) if "ok" in m]
        self.assertEqual(answer["error"], "wrong_state")

    def test_an_empty_line_gets_no_answer(self):
        bench = Linked()
        del bench.answers[:]
        bench.bytes(b"\n\r\n  \n")
        self.assertEqual(bench.answers, [])


class Room(unittest.TestCase):
    def with_room(self, bench, room):
        left = [room]
        bench.hal.room_out = lambda: left[0]
        return left

    def test_a_line_is_taken_when_the_longest_answer_has_room_and_else_after_250_ms_without_more(self):
        for room, after_ms in ((frame.LINE_MAX, 0), (frame.LINE_MAX - 1, 250), (0, 250)):
            bench = Linked()
            self.with_room(bench, room)
            arrives(bench, bench.line("status"))
            began_ms = bench.hal.now_ms()
            for _ in range(500):
                bench.link.step(bench.hal.now_ms())
                if bench.hal._at:
                    break
                bench.hal.pass_ms(1)
            self.assertEqual(bench.hal.now_ms() - began_ms, after_ms)

    def test_a_byte_that_the_host_takes_begins_the_250_ms_anew_and_one_more_line_does_not(self):
        for room, after_ms in ((11, 350), (10, 250), (9, 250)):
            bench = Linked()
            left = self.with_room(bench, 10)
            arrives(bench, bench.line("status"))
            for ms in range(500):
                if ms == 100:
                    left[0] = room
                bench.link.step(bench.hal.now_ms())
                if bench.hal._at:
                    break
                bench.hal.pass_ms(1)
            self.assertEqual(ms, after_ms)

    def test_a_host_that_has_not_read_since_the_board_came_up(self):
        bench = Linked()
        bench.link = Link(bench.hal, bench.supervisor, {"name": "virtual"}, samples.STAGE)
        self.with_room(bench, 0)
        arrives(bench, bench.line("status"))
        bench.link.step(bench.hal.now_ms())
        bench.hal.pass_ms(249)
        bench.link.step(bench.hal.now_ms())
        self.assertEqual(bench.hal._at, 0)
        bench.hal.pass_ms(1)
        bench.link.step(bench.hal.now_ms())
        self.assertTrue(bench.hal._at > 0)

    def test_room_for_an_answer_in_between_begins_them_anew(self):
        bench = Linked()
        left = self.with_room(bench, 10)
        bench.link.step(bench.hal.now_ms())
        bench.hal.pass_ms(200)
        left[0] = frame.LINE_MAX
        bench.link.step(bench.hal.now_ms())
        left[0] = 10
        bench.hal.pass_ms(100)
        arrives(bench, bench.line("status"))
        bench.link.step(bench.hal.now_ms())
        self.assertEqual(bench.hal._at, 0)
        bench.hal.pass_ms(250)
        bench.link.step(bench.hal.now_ms())
        self.assertTrue(bench.hal._at > 0)

    def test_an_event_only_where_an_answer_has_room_behind_the_longest_event(self):
        for room, says in ((frame.LINE_MAX + 2_048, 1), (frame.LINE_MAX + 2_047, 0)):
            bench = Linked()
            bench.arm(RESISTOR)
            self.with_room(bench, room)
            del bench.answers[:]
            bench.link.step(bench.hal.now_ms())
            self.assertEqual(len(events(bench, "status")), says)


class WhatIsSaidUnasked(unittest.TestCase):
    def test_the_status_once_a_second_while_there_is_a_session_and_when_the_state_changes(self):
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            bench.link.step(bench.hal.now_ms())
            del bench.answers[:]
            said_ms = []
            for ms in range(1, 2_101):
                bench.hal.pass_ms(1)
                bench.supervisor.renew(bench.owner)
                bench.supervisor.step(bench.hal.now_ms())
                bench.link.step(bench.hal.now_ms())
                if bench.answers:
                    (event,) = events(bench, "status")
                    self.assertEqual(event["state"], state)
                    said_ms.append(ms)
                    del bench.answers[:]
            self.assertEqual([after - before for before, after in zip(said_ms, said_ms[1:])], [1_000])
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            bench.link.step(bench.hal.now_ms())
            self.assertEqual([m["state"] for m in events(bench, "status")], [FAULT])

    def test_nothing_at_rest_and_nothing_of_the_state_that_it_came_up_in(self):
        for death in ("", "watchdog timer"):
            bench = Linked(None, death)
            del bench.answers[:]
            bench.link = Link(bench.hal, bench.supervisor, {"name": "virtual"}, samples.STAGE)
            bench.alone(100, 50)
            self.assertEqual(bench.answers, [])

    def test_a_warning_once_and_before_the_status_and_again_after_a_new_one(self):
        bench = begin(Linked())
        bench.link.step(bench.hal.now_ms())
        for _ in range(2):
            del bench.answers[:]
            bench.supervisor.warned = True
            bench.link.step(bench.hal.now_ms())
            for _ in range(2):
                bench.hal.pass_ms(1_000)
                bench.link.step(bench.hal.now_ms())
            names = [frame.decode(line)["event"] for line in bench.answers]
            self.assertEqual(names, ["warning", "status", "status"])
            warning = frame.decode(bench.answers[0])
            self.assertEqual((warning["warning"], warning["channel"]), (faults.name(faults.IMPEDANCE_RISE), 0))
            bench.supervisor.warned = False
            bench.link.step(bench.hal.now_ms())

    def test_the_turn_of_a_warning_has_no_status_and_the_next_one_has(self):
        bench = quiet(RUNNING)
        bench.link._garbage = 0  # the collector's turn does not come in between
        del bench.answers[:]
        bench.supervisor.warned = True
        bench.hal.pass_ms(link.STATUS_EVERY_MS)
        for names in (["warning"], ["warning", "status"], ["warning", "status"]):
            bench.link.step(bench.hal.now_ms())
            self.assertEqual([frame.decode(line)["event"] for line in bench.answers], names)


class TheCollector(unittest.TestCase):
    """Searching for free memory takes the longer the more garbage there is."""

    def test_it_has_a_turn_of_its_own_after_18_kilobytes_however_they_were_said(self):
        ways = (
            lambda bench: arrives(bench, bench.line("keepalive")),
            lambda bench: arrives(bench, bench.line("status")),
            lambda bench: bench.hal.pass_ms(link.STATUS_EVERY_MS),
            lambda bench: setattr(bench.supervisor, "warned", True),
        )
        for way in ways:
            bench = quiet(RUNNING)
            collected = []
            bench.hal.collect = lambda bench=bench, collected=collected: collected.append(len(bench.answers))
            del bench.answers[:]
            bench.link._garbage = 17_999
            way(bench)
            bench.link.step(bench.hal.now_ms())
            self.assertEqual((collected, len(bench.answers)), ([], 1))
            answer = bench.line("keepalive")
            arrives(bench, answer)
            bench.link.step(bench.hal.now_ms())
            self.assertEqual(
                (collected, len(bench.answers), bench.hal._at), ([1], 1, 0)
            )  # and nothing else in that turn
            bench.link.step(bench.hal.now_ms())
            self.assertEqual((len(collected), len(bench.answers), bench.hal._at), (1, 2, len(answer)))

    def test_the_same_answer_again_counts_too(self):
        bench = quiet(RUNNING)
        answer = bench.line("keepalive")
        before = []
        for _ in range(3):
            before.append(bench.link._garbage)
            bench.bytes(answer)
        self.assertTrue(before[0] + 750 < before[1] < before[2] - 750, str(before))

    def test_a_line_counts_as_750_bytes_and_three_quarters_of_its_own(self):
        bench = quiet(RUNNING)
        del bench.answers[:]
        bench.link._garbage = 0
        bench.said("status")
        self.assertEqual(bench.link._garbage, 750 + 3 * len(bench.answers[0]) // 4)

    def test_h23_a_fault_is_told_though_the_answer_before_has_not_left(self):
        bench = quiet(RUNNING)
        del bench.answers[:]
        bench.hal.room_out = lambda: OUT_BYTES - 1_400  # a status of two channels
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.link.step(bench.hal.now_ms())
        self.assertEqual([m["state"] for m in events(bench, "status")], [FAULT])

    def test_h23_a_change_is_told_before_its_turn_comes_so_a_fault_is_never_written_unsaid(self):
        for garbage in (17_999, 18_000, 30_000):
            bench = quiet(RUNNING)
            collected = []
            bench.hal.collect = lambda bench=bench, collected=collected: collected.append(len(events(bench, "status")))
            del bench.answers[:]
            bench.link._garbage = garbage
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            bench.link.step(bench.hal.now_ms())
            self.assertEqual((collected, events(bench, "status")[0]["state"]), ([], FAULT))
            bench.link.step(bench.hal.now_ms())
            self.assertEqual(collected, [1])

    def test_it_is_run_before_the_first_pulse_and_again_only_18_kilobytes_later(self):
        for state in (ARMED, PAUSED):
            bench = in_state(state)
            collected = []
            bench.hal.collect = lambda bench=bench, collected=collected: collected.append(bench.session.state)
            bench.link._garbage = 17_999
            bench.said("start")
            self.assertEqual((collected, bench.session.state), ([state], RUNNING))
            while bench.link._garbage < 18_000:
                self.assertEqual(collected, [state])
                bench.said("status")
            bench.link.step(bench.hal.now_ms())
            self.assertEqual(collected, [state, RUNNING])

    def test_a_host_that_does_not_read_keeps_nobody_from_it(self):
        bench = quiet(RUNNING)
        collected = []
        bench.hal.collect = lambda: collected.append(True)
        bench.hal.room_out = lambda: frame.LINE_MAX + link.EVENT_MAX - 1
        bench.link._garbage = 18_000
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.link.step(bench.hal.now_ms())
        self.assertEqual((collected, bench.link._said_state), ([True], RUNNING))
        bench.hal.room_out = lambda: frame.LINE_MAX + link.EVENT_MAX
        bench.link._garbage = 18_000
        bench.link.step(bench.hal.now_ms())
        self.assertEqual((collected, bench.link._said_state), ([True], FAULT))

    def test_it_counts_from_the_first_line_on_and_from_none_again_each_time(self):
        bench = Linked()
        self.assertTrue(bench.link._garbage > 600)  # who it is
        for _ in range(2):
            bench.link._garbage = 18_000
            bench.link.step(bench.hal.now_ms())
            self.assertEqual(bench.link._garbage, 0)


class WhoAsks(unittest.TestCase):
    def test_for_what_the_state_does_not_allow_is_told_what_and_in_which_state(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            for name in sorted(commands.COMMANDS):
                line = bench.line(name, **ARGUMENTS.get(name, {}))
                if state in commands.COMMANDS[name].states or len(line) > frame.SESSION_LINE_MAX:
                    continue
                answer = bench.said(name, **ARGUMENTS.get(name, {}))
                said = "%s is not possible in state %s" % (name, state)
                self.assertEqual((answer["error"], answer["text"]), ("wrong_state", said))

    def test_the_number_of_a_request_within_its_bounds(self):
        for seq, error in ((-1, "bad_seq"), (0, None), (frame.SEQ_MAX, None), (frame.SEQ_MAX + 1, "bad_seq")):
            bench = Linked()
            self.assertEqual(bench.errors(frame.encode({"seq": seq, "cmd": "status"})), [error], str(seq))

    def test_a_line_is_known_again_by_the_whole_of_its_crc(self):
        bench = Linked()
        for end in (b"\n", b"\r\n", b" \n"):
            line = bench.line("keepalive").strip()
            bench.bytes(line + end)
            seal = bench.link._hosts.find(bench.owner)._seal
            self.assertEqual((len(seal), seal), (8, line.split(b" ")[-1]))


class WhatTheDeviceItselfSays(unittest.TestCase):
    def test_gets_no_answer_when_it_comes_back_and_a_command_does_whatever_else_is_in_it(self):
        for message, error in (
            ({"seq": 1, "ok": True}, None),
            ({"event": "status"}, None),
            ({"seq": 1}, "unknown_command"),
            ({"seq": 1, "cmd": "hello", "ok": True}, "unknown_command"),
        ):
            bench = Linked()
            self.assertEqual(bench.errors(frame.encode(message)), [error] if error else [])


class ARefusal(unittest.TestCase):
    def told(self, count, more=0, length=150):
        reasons = [{"code": "x", "text": "y" * length} for _ in range(count)]
        answer = {"seq": 1, "ok": False, "error": "refused", "text": "", "reasons": reasons, "more": more}
        answer["text"] = commands.ERRORS["refused"]
        line = bytearray()
        length = link._put(answer, line)
        return frame.decode(bytes(memoryview(line)[:length]))

    def test_with_all_of_its_reasons_where_they_fit(self):
        answer = self.told(3)
        self.assertEqual((len(answer["reasons"]), answer["text"]), (3, commands.ERRORS["refused"]))
        self.assertFalse("more" in answer)

    def test_with_those_that_fit_and_how_many_there_are(self):
        for count, more, told in ((3, 1, 3), (3, 5, 3), (40, 0, 20), (40, 9, 20), (90, 0, 22)):
            answer = self.told(count, more)
            text = "%s (first %d of %d reasons)" % (commands.ERRORS["refused"], told, count + more)
            self.assertEqual((len(answer["reasons"]), answer["text"]), (told, text))

    def test_what_is_too_long_without_a_reason_is_an_error_and_no_answer(self):
        for reasons in ([], None):
            answer = {"seq": 1, "ok": False, "error": "refused", "text": "y" * frame.LINE_MAX}
            if reasons is not None:
                answer["reasons"] = reasons
            with self.assertRaises(frame.BadFrame):
                link._put(answer, bytearray())


class EachCommand(unittest.TestCase):
    def test_describe_gives_each_row_of_the_table_and_beyond_it_the_last(self):
        bench = Linked()
        rows = commands.rows()
        for index in (0, 1, len(rows) - 1, len(rows), 99):
            answer = bench.said("describe", index=index)
            self.assertEqual((answer["name"], answer["count"]), (rows[min(index, len(rows) - 1)]["name"], len(rows)))

    def test_a_pause_of_what_is_paused_changes_nothing(self):
        bench = in_state(PAUSED)
        bench.supervisor.pause = lambda: 1 // 0
        self.assertEqual(bench.said("pause")["state"], PAUSED)

    def test_a_stop_accounts_for_the_session_and_for_each_of_its_channels(self):
        bench = begin(Linked())
        bench.turn(10, 20)
        account = bench.said("stop")["account"]
        counts = {"queued", "delivered", "cancelled", "underruns", "elapsed_ms"}
        self.assertEqual(set(account), counts | {"channels"})
        (channel,) = account["channels"]
        self.assertEqual(set(channel), set(ACCOUNT_FIELDS) | {"channel"})
        self.assertEqual((channel["channel"], channel["measured"]), (0, account["delivered"]))
        self.assertTrue(account["delivered"] > 5)

    def test_maintenance_is_the_way_to_the_prompt_at_rest(self):
        for state in commands.COMMANDS["maintenance"].states:
            bench = in_state(state)
            self.assertTrue(bench.said("maintenance")["ok"])
            self.assertTrue(bench.link.wants_prompt)

    def test_every_command_answers_the_fields_that_its_row_promises(self):
        bench = Linked()
        asked = (
            ("identify", {}),
            ("describe", {"index": 0}),
            ("status", {}),
            ("put", {"number": 0, "bytes": len(KEPT), "digest": document.digest(KEPT)}),
            ("put_piece", {"at": 0, "data": document.piece(KEPT)}),
            ("put_end", {}),
            ("list", {"after": 0}),
            ("get", {"number": 1, "at": 0}),
            ("select", {"number": 1}),
            ("remove", {"number": 1}),
            ("settings", {}),
            ("set", {"settings": {"buzzer_volume": 3}}),
            ("reset", {"token": 0}),
            ("clock", {"unix_s": 1_800_000_000, "back": 0}),
            ("calibration", {}),
            ("calibrate", {"rows": {"0": samples.UNCALIBRATED, "1": samples.UNCALIBRATED}}),
            ("uncalibrate", {}),
            ("zeros", {}),
            ("load", {"programme": RESISTOR}),
            ("acknowledge", dict(zip(("checklist", "items"), RIGHT))),
            ("arm", None),
            ("start", {}),
            ("intensity", {"channel": 0, "current_ua": 1_000}),
            ("adjust", {"channel": 0, "rate_mhz": 30_000, "width_us": 250}),
            ("counts", {"channel": 0}),
            ("keepalive", {}),
            ("pause", {}),
            ("stop", {}),
            ("self_test", {}),
            ("run_self_test", {}),
            ("record", {}),
            ("log", {"after_session": 0}),
            ("log_clear", None),
            ("locked", {}),
            ("lock", {"key": KEY}),
            ("unlock", None),
            ("maintenance", {}),
        )
        self.assertEqual(set(Linked().said("bootloader")), {"seq", "ok", "state"})
        seen = {"clear", "bootloader"}  # this one ends the application as maintenance does
        answer = {}
        for cmd, arguments in asked:
            if cmd == "arm":
                arguments = {"programme_crc": bench.session.programme_crc}
            elif cmd == "log":
                bench.turn(count=2)  # in which the record is completed
            elif cmd == "log_clear":
                page = document.bytes_of(answer["page"])
                arguments = {"session": answer["session"], "page_digest": hexlify(record.digest(page)).decode()}
            elif cmd == "unlock":
                arguments = {"counter": 1, "signature": lock.signature(KEY, "virtual", 1, "unlock", {})}
            answer = bench.said(cmd, **arguments)
            self.assertTrue(answer["ok"], cmd)
            fields = set(answer) - {"seq", "ok"}
            self.assertEqual(fields, set(commands.COMMANDS[cmd].fields), cmd)
            seen.add(cmd)
        self.assertEqual(seen, set(commands.COMMANDS))


class TheSelfTest(unittest.TestCase):
    def test_is_made_when_it_is_asked_for_and_what_it_found_is_the_answer(self):
        bench = Linked()
        bench.hal.pass_ms(1_000)
        answer = bench.said("run_self_test")
        self.assertEqual((answer["passed"], answer["at_ms"]), (True, bench.hal.now_ms()))
        bench.hal.proven = "a phase that does not end"
        answer = bench.said("run_self_test")
        self.assertEqual(
            (answer["passed"], bench.session.state, bench.session.fault), (False, FAULT, faults.GUARD_FAILED)
        )
        self.assertEqual(bench.said("self_test")["results"], answer["results"])


if __name__ == "__main__":
    unittest.main()

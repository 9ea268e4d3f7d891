"""nmes/link.py and core/hosts.py: whose session it is, what keeps it alive, and that every request gets its answer."""

import json
import unittest

import samples
from bench_hal import RESISTOR, UNLESS_SAID, Linked

from nmes.core import checklist, commands, faults, frame, programme
from nmes.core.commands import ARGUMENT_REASONS_MOST
from nmes.core.hosts import HOSTS_MOST, Hosts
from nmes.core.reason import REASONS_MOST
from nmes.core.session import ARMED, FADE_MS, FAULT, HOST_LOST_MS, IDLE, PAUSED, RUNNING
from nmes.hal.common import OUT_BYTES
from nmes.link import DEAF_MS, EVENT_MAX, Link

CHECKED = {"checklist": checklist.VERSION, "items": len(checklist.ITEMS)}
# Arguments that the device would carry out in the state that the command is for.
ARGUMENTS = {
    "load": {"programme": RESISTOR},
    "acknowledge": CHECKED,
    "arm": {"programme_crc": programme.crc(RESISTOR)},
    "intensity": {"channel": 0, "current_ua": 1_000},
    "adjust": {"channel": 0, "rate_mhz": 30_000, "width_us": 250},
    "clear": {"fault": faults.PULSE_CHECK},
    "list": {"after": 0},
    "log": {"after_session": 0},
    "log_clear": {"session": 1, "page_digest": 32 * "0"},
    "get": {"number": 1, "at": 0},
    "put": {
        "number": 0,
        "bytes": 400,
        "digest": 64 * "0",
        "checked_version": 0,
        "checked_unix_s": 0,
        "checked_by": "",
    },
    "put_piece": {"at": 0, "data": "eHh4"},
    "set": {"settings": {"buzzer_volume": 3}},
    "calibrate": {"rows": {"0": samples.UNCALIBRATED, "1": samples.UNCALIBRATED}},
    "counts": {"channel": 0},
    "reset": {"token": 0},
    "clock": {"unix_s": 1_800_000_000, "back": 0},
    "lock": {"key": 64 * "a"},
    "remove": {"number": 1},
    "select": {"number": 1},
}
FOR_HOSTS = sorted([name for name in commands.COMMANDS if commands.COMMANDS[name].who == commands.HOST])


class Blind:
    """In the place of json, for a line that must not be read."""

    def __init__(self, loads):
        self.loads = loads
        self.dumps, self.dump = json.dumps, json.dump


class Other:
    """A second host on the same device; its numbers are its own."""

    def __init__(self, bench, seq=0):
        self.bench = bench
        self.seq = seq
        self.number = None
        self.number = self.said("identify")["host"]

    def line(self, cmd, **arguments):
        self.seq += 1
        request = {"seq": self.seq, "cmd": cmd}
        if self.number is not None:
            request["host"] = self.number
        request.update(UNLESS_SAID.get(cmd, {}))
        request.update(arguments)
        return frame.encode(request)

    def said(self, cmd, **arguments):
        line = self.line(cmd, **arguments)
        del self.bench.answers[:]
        self.bench.bytes(line)
        return [answer for answer in map(frame.decode, self.bench.answers) if answer.get("seq") == self.seq][-1]

    def error(self, cmd, **arguments):
        return self.said(cmd, **arguments).get("error")


class Slow:
    """What a host has not read yet, as the chip keeps it; it reads `a_turn` bytes each time that `reads` is called."""

    def __init__(self, bench, a_turn):
        self.waiting = b""
        self.read = b""
        self.lost = []
        self.a_turn = a_turn
        bench.hal.write = self.write
        bench.hal.room_out = lambda: OUT_BYTES - len(self.waiting)

    def write(self, line):
        if len(line) > OUT_BYTES - len(self.waiting):
            self.lost.append(bytes(line))
            return False
        self.waiting += bytes(line)
        return True

    def reads(self):
        self.read += self.waiting[: self.a_turn]
        self.waiting = self.waiting[self.a_turn :]

    def messages(self):
        return [frame.decode(line) for line in self.read.split(b"\n") if line]


def answers(bench, *lines):
    """What the device says to each of these lines, beside events."""
    del bench.answers[:]
    for line in lines:
        bench.bytes(line)
    return said(bench)


def said(bench):
    return [answer for answer in map(frame.decode, bench.answers) if "ok" in answer]


def begin(bench, ua=2_000):
    """The bench's own host has armed and started."""
    bench.run(RESISTOR, ua)
    bench.turn(count=5)
    return bench


def in_state(state):
    bench = Linked()
    if state == IDLE:
        bench.load(RESISTOR)
    elif state == ARMED:
        bench.arm(RESISTOR)
    else:
        begin(bench)
        if state == PAUSED:
            bench.said("pause")
        elif state == FAULT:
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            bench.turn(count=2)
    return bench


class WhoseSession(unittest.TestCase):
    def ends(self, bench, after_ms):
        self.assertEqual((bench.session.state, bench.session.ended), (IDLE, "host lost"))
        self.assertEqual((samples.first(bench.session).intensity_ua, bench.hal.enabled()), (0, False))
        self.assertTrue(abs(after_ms - HOST_LOST_MS - FADE_MS) <= 20, str(after_ms))

    def alone_with(self, bench, every_ms, says):
        """Only `says` happens, so often, until the session is over; how long that took."""
        ms = 0
        while bench.session.state == RUNNING and ms < 10_000:
            if ms % every_ms == 0:
                says()
            bench.alone()
            ms += 10
        return ms

    def test_h14_a_program_that_only_watches_does_not_keep_a_dead_host_s_session_alive(self):
        for every_ms in (100, 500, 1_000, 1_990):
            bench = begin(Linked())
            seq = [0]

            def watches(bench=bench, seq=seq):
                seq[0] += 1_000
                watcher = Other(bench, seq[0])
                for cmd in ("status", "record", "self_test"):
                    self.assertTrue(watcher.said(cmd)["ok"])
                self.assertTrue(watcher.said("describe", index=0)["ok"])

            self.ends(bench, self.alone_with(bench, every_ms, watches))

    def test_h14_nothing_but_a_new_request_of_the_owner_keeps_it_alive(self):
        def lines(bench):
            return {
                "no line": b"",
                "junk": b"junk\n",
                "no seq": frame.encode({"event": "status"}),
                "an answer": frame.encode({"seq": 10**6, "ok": True, "host": bench.owner}),
                "a bad seq": frame.encode({"seq": -1, "cmd": "keepalive", "host": bench.owner}),
                "no host": frame.encode({"seq": 10**6, "cmd": "keepalive"}),
                "a number that nobody has": frame.encode({"seq": 10**6, "cmd": "keepalive", "host": 7}),
                "a status of nobody": frame.encode({"seq": 10**6, "cmd": "status"}),
                "no command": frame.encode({"seq": 10**6, "host": bench.owner}),
                "an unknown command": frame.encode({"seq": 10**6, "cmd": "hello", "host": bench.owner}),
                "an identify": frame.encode({"seq": 10**6, "cmd": "identify"}),
                "the last line": bench.last,
                "an old line": bench.old,
                "an old status of the owner": bench.old_status,
            }

        for name in lines(self.with_lines(Linked())):
            bench = begin(self.with_lines(Linked()))
            line = lines(bench)[name]
            self.ends(bench, self.alone_with(bench, 50, lambda bench=bench, line=line: bench.bytes(line)))

    def with_lines(self, bench):
        """Some lines that the device has answered already."""
        bench.old = bench.line("keepalive")
        bench.old_status = bench.line("status", host=bench.owner)
        bench.last = bench.line("keepalive")
        for line in (bench.old, bench.old_status, bench.last):
            bench.bytes(line)
        return bench

    def test_h14_a_port_that_echoes_keeps_nothing_alive(self):
        for newline in (b"\n", b"\r\n"):
            for host_too in (False, True):
                bench = Linked()
                sent = []
                if host_too:
                    take = bench.bytes

                    def bytes_and_echo(data, take=take, sent=sent):
                        sent.append(data)
                        take(data)

                    bench.bytes = bytes_and_echo
                bench.said("load", programme=RESISTOR)
                bench.said("acknowledge", **CHECKED)
                bench.said("arm", programme_crc=programme.crc(RESISTOR))
                bench.said("start")
                bench.said("intensity", channel=0, current_ua=1_000)
                if host_too:
                    bench.bytes = take
                del bench.answers[:]
                ms = 0
                while bench.session.state == RUNNING and ms < 10_000:
                    bench.alone()
                    ms += 10
                    back = b"".join(sent + bench.answers).replace(b"\n", newline)
                    del bench.answers[:]
                    bench.hal._input = bench.hal._input[bench.hal._at :] + back
                    bench.hal._at = 0
                self.ends(bench, ms)

    def test_the_owner_s_own_reading_keeps_it_alive_and_so_does_what_was_refused(self):
        for cmd, arguments in (
            ("status", {}),
            ("keepalive", {}),
            ("intensity", {"channel": 0, "current_ua": 40_000}),
            ("arm", {"programme_crc": 1}),
        ):
            bench = begin(Linked())
            for _ in range(4 * HOST_LOST_MS // 100):
                bench.bytes(bench.line(cmd, host=bench.owner, **arguments))
                bench.alone(10, 10)
            self.assertEqual((bench.session.state, bench.session._fading_ms), (RUNNING, None), cmd)

    def test_a_second_host_is_told_whose_session_it_is_and_changes_nothing(self):
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            other = Other(bench)
            before = bench.snapshot()
            for cmd in FOR_HOSTS:
                if cmd in ("load", "calibrate"):
                    continue  # too long to be read in a session, whoever sends it
                answer = other.said(cmd, **ARGUMENTS.get(cmd, {}))
                self.assertEqual(answer["error"], "not_owner", state + cmd)
                self.assertIn("stop", answer["text"])
            self.assertEqual(bench.snapshot(), before)
            for cmd in ("identify", "status", "record", "self_test"):
                self.assertTrue(other.said(cmd)["ok"])
            self.assertEqual(bench.session.state, state)

    def test_a_session_that_was_armed_on_the_device_itself_belongs_to_no_host(self):
        bench = Linked()
        host, bench.owner = bench.owner, 0
        begin(bench)
        self.assertEqual(bench.said("intensity", host=0, channel=0, current_ua=0)["error"], "unknown_host")
        bench.owner = host
        self.assertEqual(bench.said("intensity", channel=0, current_ua=0)["error"], "not_owner")

    def test_anybody_may_pause_and_stop_and_only_the_owner_may_go_on(self):
        for without in (True, False):
            bench = begin(Linked())
            other = Other(bench)
            if without:
                other.number = None
            self.assertEqual(other.said("pause")["state"], PAUSED)
            self.assertEqual(other.said("pause")["state"], PAUSED)
            self.assertTrue(other.error("start") in ("not_owner", "unknown_host"))
            self.assertEqual(bench.said("start")["state"], RUNNING)
            self.assertEqual(other.said("stop")["state"], IDLE)
            self.assertEqual((bench.session.owner, bench.hal.enabled()), (None, False))
            self.assertEqual(bench.said("start")["error"], "wrong_state")

    def test_when_it_is_over_another_may_have_one(self):
        def ended_by(how):
            bench = begin(Linked())
            if how == "stop":
                bench.said("stop")
            elif how == "lost":
                bench.alone(10, 400)
            else:
                bench.supervisor.fail(faults.PULSE_CHECK, "x")
                bench.turn(count=2)
                other = Other(bench)
                self.assertTrue(other.said("clear", fault=faults.PULSE_CHECK)["ok"])
            return bench

        for how in ("stop", "lost", "fault"):
            bench = ended_by(how)
            other = Other(bench, 77)
            for cmd in ("load", "acknowledge", "arm", "start"):
                self.assertTrue(other.said(cmd, **ARGUMENTS.get(cmd, {}))["ok"], how + cmd)
            self.assertEqual(bench.session.owner, other.number)
            self.assertEqual(bench.said("intensity", channel=0, current_ua=0)["error"], "not_owner")

    def test_nobody_runs_what_another_has_loaded_or_acknowledged(self):
        bench = Linked()
        other = Other(bench)
        bench.said("load", programme=RESISTOR)
        bench.said("acknowledge", **CHECKED)
        self.assertEqual(other.error("arm", **ARGUMENTS["arm"]), "refused")
        # Its person has read it too: then it is theirs.
        self.assertEqual(other.error("acknowledge", **CHECKED), None)
        (reason,) = bench.said("arm", **ARGUMENTS["arm"])["reasons"]
        self.assertEqual(reason["code"], "not_acknowledged")
        # The same programme from another host is a new one.
        bench.said("acknowledge", **CHECKED)
        self.assertEqual(other.error("load", programme=RESISTOR), None)
        self.assertEqual(bench.said("arm", **ARGUMENTS["arm"])["error"], "refused")
        self.assertEqual(bench.session.state, IDLE)


class Remembered(unittest.TestCase):
    def test_a_hundred_who_look_make_the_device_forget_neither_owner_nor_who_acknowledged(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            last = bench.line("intensity", channel=0, current_ua=2_000)
            bench.bytes(last)
            for seq in range(100):
                Other(bench, seq)
            cmd = {IDLE: "arm", ARMED: "start", RUNNING: "keepalive", PAUSED: "start"}[state]
            (answer,) = answers(bench, last)
            self.assertFalse(answer.get("error") in ("old_seq", "unknown_host"))
            self.assertTrue(bench.said(cmd, **ARGUMENTS.get(cmd, {}))["ok"], state)

    def test_who_was_forgotten_is_told_to_identify(self):
        bench = Linked()
        others = [Other(bench, seq) for seq in range(HOSTS_MOST)]
        answer = bench.said("load", programme=RESISTOR)
        self.assertEqual(answer["error"], "unknown_host")
        self.assertIn("identify", answer["text"])
        for other in others:
            self.assertEqual(other.error("load", programme=RESISTOR), None)

    def test_numbers_differ_whatever_the_source_says(self):
        for random in (0, 1, 0x2A5F_1234, frame.HOST_MAX, 0xFFFFFFFF):
            hosts = Hosts()
            numbers = [hosts.identify(random, 0, ()) for _ in range(500)]
            self.assertEqual(len(set(numbers)), 500)
            self.assertTrue(0 < min(numbers) and max(numbers) <= frame.HOST_MAX)

    def test_what_is_no_number_is_no_host(self):
        bench = begin(Linked())
        bench.link._hosts._known[0].number = 1  # what True and 1.0 are equal to
        bench.session.owner = 1
        before = bench.snapshot()
        for host in (None, True, 1.0, "1", [], [1], {}, -1, 0, 2**40):
            bench.seq += 1
            line = frame.encode({"seq": bench.seq, "cmd": "intensity", "channel": 0, "current_ua": 0, "host": host})
            self.assertEqual(bench.errors(line), ["unknown_host"])
        self.assertEqual(bench.snapshot(), before)

    def test_a_lost_answer_comes_again_and_nothing_is_done_twice_with_others_in_between(self):
        bench = Linked()
        bench.said("load", programme=RESISTOR)
        bench.said("acknowledge", **CHECKED)
        armed = []
        arm = bench.supervisor.arm
        bench.supervisor.arm = lambda *arguments: armed.append(arm(*arguments))
        line = bench.line("arm", **ARGUMENTS["arm"])
        first = answers(bench, line)
        for _ in range(HOSTS_MOST + 2):
            watcher = Other(bench)
            watcher.said("status")
            watcher.said("start")
        bench.said("status")
        bench.said("status", host=bench.owner)
        self.assertEqual((answers(bench, line), len(armed), bench.session.state), (first, 1, ARMED))
        self.assertEqual(first[0]["state"], ARMED)

    def test_no_line_of_a_session_is_carried_out_again_whatever_came_after(self):
        for state in (IDLE, ARMED, RUNNING, PAUSED, FAULT):
            bench = Linked()
            lines = []
            for cmd in ("load", "acknowledge", "arm", "start", "intensity", "adjust", "keepalive"):
                lines.append(bench.line(cmd, **ARGUMENTS.get(cmd, {})))
                bench.bytes(lines[-1])
                bench.alone(10, 30)
            lines.append(bench.line("clear", fault=faults.PULSE_CHECK))
            bench.supervisor.fail(faults.PULSE_CHECK, "x")
            bench.bytes(lines[-1])
            self.assertEqual(bench.session.state, IDLE)
            identify = frame.encode({"seq": 0, "cmd": "identify"})
            if state == FAULT:
                bench.supervisor.fail(faults.PULSE_CHECK, "x")
            elif state != IDLE:
                bench.arm(RESISTOR)
                if state != ARMED:
                    bench.said("start")
                if state == PAUSED:
                    bench.said("pause")
            bench.said("keepalive")
            before = bench.snapshot()
            for line in lines + [identify] + lines + 2 * [identify] + lines[::-1]:
                bench.bytes(line)
            self.assertEqual((bench.snapshot(), bench.session.state), (before, state))

    def test_an_old_identify_sets_nothing_back(self):
        bench = begin(Linked())
        old = bench.line("intensity", channel=0, current_ua=1_000)
        bench.bytes(old)
        bench.said("intensity", channel=0, current_ua=0)
        self.assertEqual(bench.errors(frame.encode({"seq": 1, "cmd": "identify"}), old), [None, "old_seq"])
        self.assertEqual(samples.first(bench.session).intensity_ua, 0)


class BadInput(unittest.TestCase):
    def refuses(self, bench, line):
        """The answer to `line`, which changes nothing."""
        before = bench.snapshot()
        (answer,) = answers(bench, line)
        self.assertEqual(bench.snapshot(), before)
        return answer

    def test_hundreds_of_unknown_arguments_are_a_short_refusal(self):
        for count in (ARGUMENT_REASONS_MOST, ARGUMENT_REASONS_MOST + 1, 100, 320):
            for cmd in ("status", "keepalive", "stop", "clear", "arm"):
                bench = in_state(FAULT if cmd == "clear" else IDLE)
                arguments = {"%x" % i: 0 for i in range(count)}
                answer = self.refuses(bench, bench.line(cmd, **dict(arguments, **ARGUMENTS.get(cmd, {}))))
                self.assertEqual(answer["error"], "bad_argument")
                told = len(answer["reasons"])
                self.assertEqual(told, ARGUMENT_REASONS_MOST)
                text = "(first %d of %d reasons)" % (told, count)
                self.assertEqual(text in answer["text"], told < count, answer["text"])

    def test_missing_wrong_and_unknown_arguments_are_counted_together(self):
        for unknown in (0, 1, 6, 7, 20):
            bench = begin(Linked())
            line = bench.line("adjust", channel=9, rate_mhz=None, **{"%x" % i: 0 for i in range(unknown)})
            self.assertTrue(len(line) <= frame.SESSION_LINE_MAX)
            answer = self.refuses(bench, line)
            told = len(answer["reasons"])
            self.assertEqual(told, min(3 + unknown, ARGUMENT_REASONS_MOST))
            if told < 3 + unknown:
                self.assertIn("(first %d of %d reasons)" % (told, 3 + unknown), answer["text"])

    def test_a_refusal_that_fits_says_nothing_of_more(self):
        bench = Linked()
        self.assertFalse("first" in self.refuses(bench, bench.line("status", extra=1))["text"])

    def test_a_programme_wrong_in_every_place_is_a_bounded_refusal(self):
        for wrong in (
            {"%x" % i: 0 for i in range(300)},
            samples.programme([dict.fromkeys([chr(97 + i) for i in range(26)], 0) for _ in range(8)]),
            samples.programme([{}] * 8, channels=[{"channel": i, "delay_us": 0, "phases": [{}] * 8} for i in (0, 1)]),
            samples.programme([{"name": "x", "rate_mhz": "\u00fc" * 60, "width_us": []}] * 8),
        ):
            bench = Linked()
            answer = self.refuses(bench, bench.line("load", programme=wrong))
            self.assertEqual((answer["error"], len(answer["reasons"]) <= REASONS_MOST), ("refused", True))
            self.assertIn("(first %d of " % len(answer["reasons"]), answer["text"])

    def test_memory_that_runs_out_over_a_line_is_a_refused_line_and_no_fault(self):
        def no_memory(*arguments):
            raise MemoryError("memory allocation failed")

        for module, name, cmd in (
            (frame, "decode", "keepalive"),
            (commands, "check_arguments", "keepalive"),
            (commands, "check_arguments", "intensity"),
            (commands, "row", "describe"),
            (programme, "accept", "load"),
        ):
            bench = in_state(IDLE if cmd == "load" else RUNNING)
            arguments = {"index": 0} if cmd == "describe" else ARGUMENTS.get(cmd, {})
            line = bench.line(cmd, **arguments)
            whole = getattr(module, name)
            before = bench.snapshot()
            try:
                setattr(module, name, no_memory)
                del bench.answers[:]
                bench.bytes(line)
            finally:
                setattr(module, name, whole)
            (answer,) = said(bench)
            self.assertEqual(answer["error"], "no_memory", cmd)
            self.assertEqual(bench.snapshot(), before)

    def test_memory_that_runs_out_over_something_half_done_is_a_fault(self):
        for cmd in ("intensity", "stop", "pause"):
            bench = begin(Linked())
            method = {"intensity": "set_intensity"}.get(cmd, cmd)

            def no_memory(*arguments):
                raise MemoryError

            setattr(bench.supervisor, method, no_memory)
            self.assertEqual(bench.said(cmd, **ARGUMENTS.get(cmd, {}))["error"], "internal")
            self.assertEqual((bench.session.fault, bench.hal.enabled()), (faults.INTERNAL_ERROR, False))

    def test_no_long_line_is_read_while_pulses_have_to_be_queued(self):
        def not_now(line):
            raise AssertionError("read")

        long = {"%x" % i: 0 for i in range(320)}
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            asked = (("load", {"programme": RESISTOR}), ("keepalive", long), ("status", long), ("stop", long))
            lines = [(bench.line(cmd, **arguments), bench.seq) for cmd, arguments in asked]
            junk = b"x" * (frame.SESSION_LINE_MAX + 1) + b"\n"
            damaged = lines[0][0].replace(b"work", b"wirk")
            loads = frame.json.loads
            before = bench.snapshot()
            del bench.answers[:]
            try:
                frame.json = Blind(not_now)
                for line, _ in lines:
                    bench.bytes(line)
            finally:
                frame.json = json
            self.assertEqual((bench.snapshot(), frame.json.loads), (before, loads))
            for answer, (_, seq) in zip(said(bench), lines):
                # MicroPython's own dictionaries are in no order: there it may stand too far behind.
                self.assertTrue(answer["seq"] == seq or (samples.MICROPYTHON and answer["seq"] is None))
                self.assertEqual(answer["error"], "wrong_state")
                self.assertIn("%d bytes" % frame.SESSION_LINE_MAX, answer["text"])
            self.assertEqual([self.refuses(bench, line)["error"] for line in (junk, damaged)], 2 * ["wrong_state"])
            self.assertTrue(bench.said("status")["ok"])

    def test_the_number_of_an_unread_line_is_only_told_where_there_is_no_doubt(self):
        for text, seq in (
            ('{"seq":7,"cmd":"load"}', 7),
            ('{"cmd":"load","seq":  7}', 7),
            ('{"seq":%d}' % frame.SEQ_MAX, frame.SEQ_MAX),
            ('{"seq":%d}' % (frame.SEQ_MAX + 1), None),
            ('{"seq":-7}', None),
            ('{"seq":7.0}', None),
            ('{"seq":"7"}', None),
            ('{"seq":null}', None),
            ('{"seq":', None),
            ('{"seq":7', None),
            ('{"seq":' + "7" * 300, None),
            ('{"seq":7,"x":{"seq":8}}', None),
            ('{"title":"\\"seq\\":7,"}', None),
            ("", None),
        ):
            self.assertEqual(frame.seq_of(text.encode()), seq, text)

    def test_every_command_of_a_session_fits_a_line_of_a_session(self):
        for name in commands.COMMANDS:
            command = commands.COMMANDS[name]
            if command.states == (IDLE,):
                continue
            request = {"seq": frame.SEQ_MAX, "cmd": name, "host": frame.HOST_MAX}
            request.update({key: most for key, (_, _, most) in command.arguments.items()})
            self.assertTrue(frame.length(request) <= frame.SESSION_LINE_MAX // 2, name)


class EveryRequest(unittest.TestCase):
    def test_every_command_of_the_table_has_its_method_and_every_method_its_command(self):
        methods = [name[len("_do_") :] for name in dir(Link) if name.startswith("_do_")]
        self.assertEqual(sorted(methods), sorted(commands.COMMANDS))

    def served(self, bench, host, data, turns=2_000):
        bench.hal._input, bench.hal._at = data, 0
        for _ in range(turns):
            bench.hal.pass_ms(10)
            bench.supervisor.renew(bench.owner)
            bench.supervisor.step(bench.hal.now_ms())
            bench.link.step(bench.hal.now_ms())
            host.reads()

    def test_gets_its_answer_in_order_however_many_come_at_once(self):
        for state in (IDLE, RUNNING):
            for a_turn in (40, 128, OUT_BYTES):
                bench = in_state(state)
                host = Slow(bench, a_turn)
                first = bench.seq + 1
                cmds = ("status", "status", "keepalive", "self_test", "identify", "record")
                data = b"".join([bench.line(cmds[i % len(cmds)]) for i in range(40)])
                self.served(bench, host, data)
                answered = [m["seq"] for m in host.messages() if "ok" in m]
                self.assertEqual(answered, list(range(first, first + 40)))
                self.assertEqual((host.lost, bench.session.state), ([], state))
                # What is said unasked is said all the same when there is room again.
                self.assertEqual(any("event" in m for m in host.messages()), state == RUNNING)

    def test_what_is_said_unasked_takes_no_answer_s_room(self):
        bench = begin(Linked())
        host = Slow(bench, 0)
        for _ in range(30):
            bench.turn(100, 1)
            bench.link.step(bench.hal.now_ms())
        self.assertTrue(OUT_BYTES >= frame.LINE_MAX + EVENT_MAX)
        self.assertTrue(OUT_BYTES - len(host.waiting) >= frame.LINE_MAX, "30 events, and the longest answer has room")
        bench.bytes(bench.line("status"))
        self.assertEqual(host.lost, [])

    def test_of_a_host_that_never_reads_is_carried_out_all_the_same(self):
        bench = begin(Linked())
        host = Slow(bench, 0)
        data = b"".join([bench.line("status") for _ in range(20)] + [bench.line("stop")])
        bench.hal._input, bench.hal._at = data, 0
        ms = 0
        while bench.session.state == RUNNING and ms < 1_900:
            bench.alone()
            ms += 10
        self.assertEqual((bench.session.state, bench.session.ended, bench.hal.enabled()), (IDLE, "stopped", False))
        self.assertTrue(ms <= DEAF_MS + 30 * 10 * 3, str(ms))
        self.assertTrue(host.lost)

    def test_no_event_is_longer_than_its_room(self):
        bench = Linked()
        phase = dict(RESISTOR["phases"][0], name="\u9aa8" * 20)
        channels = [{"channel": i, "delay_us": 0} for i in (0, 1)]
        bench.run(dict(RESISTOR, phases=[phase], channels=channels), 20_000)
        bench.turn(count=20)
        status = bench.supervisor.status()
        status.update({"event": "status", "fault_text": "\u9aa8" * 100, "ended": "fault " + "x" * 40})
        for key in status:
            if type(status[key]) is int:
                status[key] = -(2**31)
        self.assertTrue(len(frame.encode(status)) <= EVENT_MAX)


if __name__ == "__main__":
    unittest.main()

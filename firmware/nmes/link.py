"""The link: lines in, commands carried out, answers and events out. Asks the supervisor; never touches an output."""

import gc

from nmes import VERSION
from nmes.core import checklist, commands, frame, identity
from nmes.core.faults import INTERNAL_ERROR
from nmes.core.reason import Refused, is_int
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING

STATUS_EVERY_MS = 1_000
_BYTES_A_STEP = 256
_CTRL_C = 3
_NEWLINE = 10


class Link:
    """Serves the commands of core/commands.py over `hal`'s byte stream for `supervisor`."""

    def __init__(self, hal, supervisor, board, stage):
        self._hal = hal
        self._supervisor = supervisor
        self._board = board
        self._stage = stage
        self._table_crc = commands.crc()
        self._digests = identity.digests(hal.firmware(), board, stage)
        self._line = bytearray(frame.LINE_MAX)
        self._length = 0
        self._overlong = False
        self._last_line = b""
        self._last_answer = b""
        self._last_seq = -1
        self._said_warning = False
        self._said_state = None
        self._said_ms = 0
        self.wants_prompt = False

    def step(self):
        """Take what has arrived, at most a few hundred bytes a turn, and say what is due."""
        for _ in range(_BYTES_A_STEP):
            byte = self._hal.read()
            if byte < 0:
                break
            if byte == _CTRL_C:
                # Never part of a line. mpremote and people send it to get the prompt; a session does not hear it.
                if self._supervisor.session.state in (IDLE, FAULT):
                    self.wants_prompt = True
                    return
            elif byte == _NEWLINE:
                self._take_line()
                break  # one command a turn: pulses first
            elif self._length < frame.LINE_MAX:
                self._line[self._length] = byte
                self._length += 1
            else:
                self._overlong = True
        self._tell()

    def _take_line(self):
        line = bytes(memoryview(self._line)[: self._length])
        overlong = self._overlong
        self._length = 0
        self._overlong = False
        if not overlong and not line.strip():
            return
        if line == self._last_line:
            self._hal.write(self._last_answer)
            self._supervisor.renew()
            return
        request = {}
        try:
            if overlong:
                raise frame.BadFrame("too_long")
            request = frame.decode(line)
            answer = self._answer(request)
        except frame.BadFrame as error:
            self._hal.write(frame.encode(_error(request.get("seq"), error.code)))
            return
        except Refused as error:
            answer = _error(request["seq"], "refused", error.reasons)
        except Exception as error:
            text = repr(error)
            self._supervisor.fail(INTERNAL_ERROR, text)
            answer = _error(request.get("seq"), "internal")
            answer["text"] = text
        self._last_line = line
        self._last_answer = _encoded(answer)
        self._hal.write(self._last_answer)

    def _answer(self, request):
        seq = request.get("seq")
        if not is_int(seq) or not 0 <= seq <= commands.SEQ_MAX:
            return _error(None, "bad_seq")
        name = request.get("cmd")
        if seq > self._last_seq or name == "identify":
            self._last_seq = seq
            self._supervisor.renew()
        elif name not in commands.WHATEVER_SEQ:
            raise frame.BadFrame("old_seq")
        if not isinstance(name, str) or name not in commands.COMMANDS:
            return _error(seq, "unknown_command")
        reasons = commands.check_arguments(name, request)
        if reasons:
            return _error(seq, "bad_argument", reasons)
        session = self._supervisor.session
        if session.state not in commands.COMMANDS[name].states:
            answer = _error(seq, "wrong_state")
            answer["text"] = "%s is not possible in state %s" % (name, session.state)
            return answer
        answer = {"seq": seq, "ok": True}
        answer.update(getattr(self, "_do_" + name)(request) or {"state": session.state})
        return answer

    # ---- one method a command; the table in core/commands.py says what each means ----

    def _do_identify(self, request):
        uid, micropython = self._hal.identity()
        answer = {
            "device": "opennmes",
            "version": VERSION,
            "board": self._board["name"],
            "stage": self._stage["name"],
            "protocol": commands.PROTOCOL,
            "table": self._table_crc,
            "checklist": checklist.VERSION,
            "micropython": micropython,
            "uid": uid,
        }
        answer.update(self._digests)
        return answer

    def _do_describe(self, request):
        rows = commands.rows()
        row = rows[min(request["index"], len(rows) - 1)]
        row["count"] = len(rows)
        return row

    def _do_status(self, request):
        return self._supervisor.status()

    def _do_load(self, request):
        data = request["programme"]
        session = self._supervisor.session
        loaded = self._supervisor.load(data)
        return {
            "programme_crc": session.programme_crc,
            "duration_ms": loaded.duration_ms,
            "pulses": loaded.pulses,
            "largest_current_ua": session.limit_ua,
            "largest_source": session.limit_source,
            "channels": [
                {"channel": channel.index, "pulses": channel.pulses, "grain_ua": session.grain_ua(channel)}
                for channel in loaded.channels
            ],
        }

    def _do_acknowledge(self, request):
        session = self._supervisor.session
        session.acknowledge(request["checklist"], request["items"])
        return {"acknowledged": session.acknowledged}

    def _do_arm(self, request):
        gc.collect()
        self._supervisor.arm(request["programme_crc"])

    def _do_start(self, request):
        self._supervisor.start()

    def _do_intensity(self, request):
        self._supervisor.set_intensity(request["current_ua"], request["channel"])
        session = self._supervisor.session
        return {
            "channel": request["channel"],
            "current_ua": session.lane(request["channel"]).intensity_ua,
            "limit_ua": session.limit_ua,
            "limit_source": session.limit_source,
        }

    def _do_adjust(self, request):
        channel = request["channel"]
        from_pulse = self._supervisor.adjust(request["rate_mhz"], request["width_us"], channel)
        phase = self._supervisor.session.lane(channel).feed.phase
        return {
            "channel": channel,
            "phase": phase.name,
            "rate_mhz": request["rate_mhz"],
            "width_us": request["width_us"],
            "from_pulse": from_pulse,
        }

    def _do_pause(self, request):
        self._supervisor.pause()

    def _do_stop(self, request):
        self._supervisor.stop()
        status = self._supervisor.status()
        account = {key: status[key] for key in ("queued", "delivered", "cancelled", "underruns", "elapsed_ms")}
        session = self._supervisor.session
        account.update(session.delivery.account())
        account["channels"] = [
            dict(session.deliveries[lane.index].account(), channel=lane.index) for lane in session.lanes
        ]
        return {"state": status["state"], "account": account}

    def _do_keepalive(self, request):
        pass

    def _do_clear(self, request):
        self._supervisor.clear(request["fault"])

    def _do_self_test(self, request):
        return self._supervisor.self_test.answer()

    def _do_record(self, request):
        return self._supervisor.record()

    def _do_maintenance(self, request):
        self.wants_prompt = True

    # ---- what is said unasked ----

    def _tell(self):
        if self._supervisor.warned != self._said_warning:
            self._said_warning = self._supervisor.warned
            if self._said_warning:
                self._hal.write(frame.encode(dict(self._supervisor.warning(), event="warning")))
        session = self._supervisor.session
        now_ms = self._hal.now_ms()
        changed = session.state != self._said_state
        due = session.state in (ARMED, RUNNING, PAUSED) and now_ms - self._said_ms >= STATUS_EVERY_MS
        if not changed and not due:
            return
        first = self._said_state is None
        self._said_state = session.state
        self._said_ms = now_ms
        if first:
            return
        event = self._supervisor.status()
        event["event"] = "status"
        self._hal.write(frame.encode(event))


def _encoded(answer):
    """The line of an answer; of a refusal with more reasons than a line holds, as many as fit."""
    while True:
        try:
            return frame.encode(answer)
        except frame.BadFrame:
            reasons = answer["reasons"]
            answer["text"] = "%s (%d of more reasons)" % (answer["text"].split(" (")[0], len(reasons) // 2)
            answer["reasons"] = reasons[: len(reasons) // 2]


def _error(seq, code, reasons=()):
    return {"seq": seq, "ok": False, "error": code, "text": commands.ERRORS[code], "reasons": list(reasons)}

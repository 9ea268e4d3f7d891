"""The link: lines in, commands carried out, answers and events out. Asks the supervisor; never touches an output.

Every request gets its answer, in order: a line is only taken when there is room for its answer, and what is said
unasked leaves that room. A host that writes and does not read would so shut the door on its own `stop`: after DEAF_MS
without a byte taken its lines are carried out all the same, and their answers are lost.
"""

import gc
from binascii import unhexlify

from nmes import VERSION
from nmes.core import checklist, commands, document, frame, identity, programme
from nmes.core.compiler import const, micropython, ptr8
from nmes.core.faults import INTERNAL_ERROR
from nmes.core.hosts import Hosts
from nmes.core.reason import Refused, is_int, refuse
from nmes.core.session import ARMED, LOCAL, PAUSED, RUNNING

STATUS_EVERY_MS = 1_000
DEAF_MS = 250
EVENT_MAX = 2_048  # bytes of a line that is said unasked
# What is taken in a step, and up to a chunk more. With pulses to be queued it is what a request of a session takes, and
# of a line that is too long not so much that a queue could run dry: a stock MicroPython takes 10 ms for 256 bytes.
_CHUNK_BYTES = 64
_BYTES_A_STEP = 256
_BYTES_A_STEP_ARMED = 128
_SHORT = 128  # a longer line has a turn of its own
# Every allocation searches for its place through all the garbage (MicroPython 1.25, py/gc.c, gc_alloc): left alone,
# turns grew from 30 to 88 ms within some seconds. A status leaves some 1.6 KB, a keepalive 0.8 (half of what was
# measured where a word has 64 bits); their lines have 1.3 KB and 50 bytes.
_COLLECT_EVERY_BYTES = 18_000
_GARBAGE_A_LINE = 750
_CTRL_C = const(3)
_NEWLINE = const(10)
_ARMED_OR_MORE = (ARMED, RUNNING, PAUSED)
# Commands that leave everything as it was when memory runs out in the middle of them.
_CHANGE_NOTHING = (
    "identify",
    "describe",
    "status",
    "record",
    "log",
    "self_test",
    "load",
    "list",
    "get",
    "put",
    "put_piece",
    "select",
    "settings",
    "locked",
    "calibration",
    "zeros",
    "counts",
)


class Link:
    """Serves the commands of core/commands.py over `hal`'s byte stream for `supervisor`."""

    def __init__(self, hal, supervisor, board, stage):
        self._hal = hal
        self._supervisor = supervisor
        self._board = board
        self._stage = stage
        self._prescriptions = supervisor.prescriptions
        self._table_crc = commands.crc()
        self._hosts = Hosts()
        self._digests = identity.digests(hal.firmware(), board, stage)
        self.guests = None  # what hosts may ask for in a session of the panel (core/access.py), where there is one
        self._reset_by = None  # the host that asked for a factory reset, and the token that it has to say
        self._counter = None  # of the signed command that is carried out
        self._put_counter = None  # of the signed `put` whose pieces come
        self._chunk = bytearray(_CHUNK_BYTES)
        self._line = bytearray(frame.LINE_MAX)
        self._said = bytearray(frame.STATUS_BYTES)  # the line that is being said
        self._length = 0
        self._overlong = False
        self.has_line = False  # a whole one has arrived, and this turn is not for it any more
        self._answered = False  # a request, in this turn
        self._garbage = 0  # about so many bytes since the last collection
        self._room = 0  # for what is said, when there was last too little
        self._room_ms = None  # and since when it has not grown
        self._said_warning = False
        self._said_state = None
        self._said_ms = 0
        self.wants_prompt = False  # the application is to end
        self.wants_bootloader = False  # and the chip to go into BOOTSEL then

    def step(self, now_ms):
        """Take what has arrived, at most a few hundred bytes and one command a turn, and say what is due."""
        # A turn of its own: it takes 15 ms, a status line 30. A change is told first, above all a fault: the next turn
        # may write it to flash.
        if self._garbage >= _COLLECT_EVERY_BYTES and not (self._has_changed() and self._has_room()):
            self._collect()
            return
        running = self._supervisor.session.state == RUNNING
        self._answered = False
        if self._may_take(now_ms):
            self._take()
        # An answer and an event in one turn could be two status lines, some 60 ms: pulses first.
        if not self.wants_prompt and not (running and self._answered):
            self._tell(now_ms)

    def _collect(self):
        self._garbage = 0
        self._hal.collect()

    def _take(self):
        if self.has_line:
            self._take_line()
            return
        armed = self._supervisor.session.state in _ARMED_OR_MORE
        most = frame.SESSION_LINE_MAX if armed else frame.LINE_MAX
        left = _BYTES_A_STEP_ARMED if armed else _BYTES_A_STEP
        while left > 0:
            count = self._hal.read(self._chunk)
            if not count:
                return
            left -= count
            last = self._chunk[count - 1]
            if last != _NEWLINE and last != _CTRL_C:
                self._keep(count, most)
                continue
            self._keep(count - 1, most)
            if last == _CTRL_C:
                # Never part of a line. mpremote and people send it to get the prompt; a session does not hear it, nor
                # does a locked device: at the prompt its key could be read.
                if not self._supervisor.lock.locked and self._supervisor.settle():
                    self.wants_prompt = True
                    return
            else:
                if self._length <= _SHORT:
                    self._take_line()
                else:
                    self.has_line = True
                return  # one command a turn: pulses first

    def _keep(self, count, most):
        """The first `count` bytes of the chunk belong to the line, which may have `most` bytes."""
        if count > most - self._length:
            count = most - self._length
            self._overlong = True
        if count > 0:
            copy(self._chunk, count, self._line, self._length)
            self._length += count

    def _may_take(self, now_ms):
        """Whether the longest answer finds room, or nobody reads what is said."""
        room = self._hal.room_out()
        if room >= frame.LINE_MAX:
            self._room_ms = None
            return True
        if self._room_ms is None or room > self._room:
            self._room_ms = now_ms
        self._room = room
        return now_ms - self._room_ms >= DEAF_MS

    def _take_line(self):
        armed = self._supervisor.session.state in _ARMED_OR_MORE
        overlong = self._overlong
        if armed and (overlong or self._length > frame.SESSION_LINE_MAX):
            self._length = 0
            self._overlong = self.has_line = False
            self._say(self._too_long_now(bytes(memoryview(self._line)[: frame.SESSION_LINE_MAX])))
            return
        line = bytes(memoryview(self._line)[: self._length]).strip()
        self._length = 0
        self._overlong = self.has_line = False
        if not overlong and not line:
            return
        try:
            if overlong:
                raise frame.BadFrame("too_long")
            request = frame.decode(line)
        except frame.BadFrame as error:
            self._say(_error(None, error.code))
        except MemoryError:
            self._say(_error(None, "no_memory"))
        else:
            self._serve(request, line[-8:])

    def _too_long_now(self, text):
        """The answer to a line that would take too long while pulses have to be queued. `text` is how it begins, and
        nothing is known of it but that."""
        state = self._supervisor.session.state
        answer = _error(frame.seq_of(text), "wrong_state")
        answer["text"] = "in state %s no line of more than %d bytes is read" % (state, frame.SESSION_LINE_MAX)
        return answer

    def _serve(self, request, seal):
        """Answer `request`; `seal` is the CRC-32 that its line had."""
        name = request.get("cmd")
        if name is None and ("ok" in request or "event" in request):
            return  # what the device itself says: a port that echoes. Answers to that would go round for ever
        seq = request.get("seq")
        if not is_int(seq) or not 0 <= seq <= frame.SEQ_MAX:
            self._say(_error(None, "bad_seq"))
            return
        if not isinstance(name, str) or name not in commands.COMMANDS:
            self._say(_error(seq, "unknown_command"))
            return
        host = self._hosts.find(request.get("host"))
        is_new = host is not None and seq > host.seq
        changes = commands.COMMANDS[name].who == commands.HOST
        if changes and not is_new:
            again = host and host.answer_again(seal)
            if again:
                self._write(again)
            else:
                self._say(_error(seq, "old_seq" if host else "unknown_host"))
            return
        if is_new:
            host.seq = seq
        line = self._say(self._answer(name, request, host if is_new else None))
        if changes:
            host.answered(seal, bytes(line))

    def _answer(self, name, request, host):
        """`host` is who asks, when it says so and the request is new; else None."""
        seq, session = request["seq"], self._supervisor.session
        command = commands.COMMANDS[name]
        changes_nothing = True
        try:
            reasons = commands.check_arguments(name, request)
            if reasons:
                return _error(seq, "bad_argument", reasons, reasons.more)
            if host:
                self._supervisor.renew(host.number)
            if session.owner == LOCAL and self.guests is not None and name not in self.guests:
                return _error(seq, "not_owner")
            if command.who == commands.HOST and session.owner not in (None, host.number):
                return _error(seq, "not_owner")
            if session.state not in command.states:
                answer = _error(seq, "wrong_state")
                answer["text"] = "%s is not possible in state %s" % (name, session.state)
                return answer
            self._counter = self._signed_counter(name, request)
            changes_nothing = name in _CHANGE_NOTHING
            if self._counter and name != "put":  # put_end uses it up
                self._supervisor.use_counter(self._counter)
            found = getattr(self, "_do_" + name)(request)
            answer = found.copy() if found else {"state": session.state}
            answer["seq"] = seq
            answer["ok"] = True
            return answer
        except Refused as error:
            return _error(seq, "refused", error.reasons, error.more)
        except Exception as error:
            if isinstance(error, MemoryError) and changes_nothing:
                return _error(seq, "no_memory")
            text = repr(error)
            self._supervisor.fail(INTERNAL_ERROR, text)
            answer = _error(seq, "internal")
            answer["text"] = text
            return answer

    def _signed_counter(self, name, request):
        """The counter with which a command is signed; None where it need not be. Raises Refused when it has to be and
        is not, or cannot be."""
        lock = self._supervisor.lock
        if not lock.locked:
            return None
        needs = commands.when_locked(name)
        if needs == commands.IS_FREE:
            return None
        if needs == commands.IS_NEVER:
            refuse("only_unlocked", "command", name, "a device without a lock", "the device's lock")
        arguments = {key: request[key] for key in commands.COMMANDS[name].arguments}
        counter = request.get("counter")
        lock.check(name, arguments, counter, request.get("signature"), self._hal.now_ms())
        return counter

    def _say(self, answer):
        """Returns the line, which is good until the next one is said."""
        self._answered = True
        said = self._said
        length = _put(answer, said)
        line = memoryview(said)[:length]
        self._write(line)
        return line

    def _tell_event(self, event):
        said = self._said
        length = frame.put(event, said)
        self._write(memoryview(said)[:length])

    def _write(self, line):
        self._garbage += _GARBAGE_A_LINE + 3 * len(line) // 4
        self._hal.write(line)

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
            "name": self._supervisor.settings()["device_name"],
            "host": self._new_host(request["seq"]),
        }
        calibrated = self._supervisor.calibrated
        answer["calibration"] = calibrated.condition
        answer["calibration_digest"] = calibrated.digest()
        answer.update(self._digests)
        answer.update(self._do_locked(request))
        return answer

    def _new_host(self, seq):
        session = self._supervisor.session
        return self._hosts.identify(self._hal.random(), seq, (session.owner, session.acknowledged_by))

    def _do_describe(self, request):
        names = sorted(commands.COMMANDS)
        row = commands.row(names[min(request["index"], len(names) - 1)])
        row["count"] = len(names)
        return row

    def _do_status(self, request):
        return self._supervisor.status()

    def _do_load(self, request):
        return self._loaded(request["programme"])

    def _loaded(self, data, kept=None):
        session = self._supervisor.session
        loaded = self._supervisor.load(data, kept)
        return {
            "programme_crc": session.programme_crc,
            "duration_ms": loaded.duration_ms,
            "pulses": loaded.pulses,
            "largest_current_ua": session.limit_ua,
            "largest_source": session.limit_source,
            "channels": [
                {"channel": channel.index, "pulses": channel.pulses, "resolution_ua": session.resolution_ua(channel)}
                for channel in loaded.channels
            ],
        }

    def _do_acknowledge(self, request):
        session = self._supervisor.session
        session.acknowledge(request["checklist"], request["items"], request["host"])
        return {"acknowledged": session.acknowledged}

    def _do_arm(self, request):
        gc.collect()
        self._supervisor.arm(request["programme_crc"], request["host"])

    def _do_start(self, request):
        self._collect()  # now, and not in one of the first turns of the pulses: at 500 Hz their queue is still short
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
        if self._supervisor.session.state == RUNNING:
            self._supervisor.pause()

    def _do_stop(self, request):
        self._supervisor.stop()
        status = self._supervisor.status()
        account = {key: status[key] for key in ("queued", "delivered", "cancelled", "underruns", "elapsed_ms")}
        session = self._supervisor.session
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

    def _do_run_self_test(self, request):
        self._supervisor.run_self_test()
        return self._supervisor.self_test.answer()

    def _do_record(self, request):
        return self._supervisor.record()

    def _do_log(self, request):
        return self._supervisor.recorded(request)

    _do_log_clear = _do_log

    # ---- the prescriptions that are kept ----

    def _do_list(self, request):
        return self._prescriptions.after(request["after"])

    def _do_get(self, request):
        number, at = request["number"], request["at"]
        row, text = self._prescriptions.whole(number)
        if at >= row.length:
            refuse("above_range", "at", at, row.length - 1, "get")
        return {
            "number": number,
            "digest": row.digits(),
            "bytes": row.length,
            "at": at,
            "data": document.piece(text[at : at + document.PIECE_BYTES]),
        }

    def _do_put(self, request):
        try:
            digest = unhexlify(request["digest"])
        except ValueError:
            refuse("not_hexadecimal", "digest", request["digest"], "%d digits" % document.DIGEST_DIGITS, "put")
        number = self._supervisor.write(
            self._prescriptions.begin, request["number"], request["bytes"], digest, request["host"], request
        )
        self._put_counter = self._counter
        return {"number": number, "piece_bytes": document.PIECE_BYTES}

    def _do_put_piece(self, request):
        data = document.bytes_of(request["data"])
        return {"arrived": self._supervisor.write(self._prescriptions.piece, request["at"], data, request["host"])}

    def _do_put_end(self, request):
        gc.collect()
        row = self._supervisor.write(self._prescriptions.end, self._title_of, request["host"])
        gc.collect()
        return {"number": row.number, "title": row.title, "digest": row.digits(), "bytes": row.length}

    def _title_of(self, text):
        """The title of a prescription that `load` would accept; on a locked device its counter is used up by that.
        Raises Refused."""
        try:
            title = programme.accept(document.programme_of(text), self._stage).title
        except MemoryError:
            refuse("no_memory", "prescription", "%d bytes" % len(text), "less than the device has memory for", "device")
        if self._supervisor.lock.locked:
            self._supervisor.use_counter(self._put_counter)
        return title

    def _do_remove(self, request):
        self._supervisor.write(self._prescriptions.remove, request["number"])
        return {"number": request["number"]}

    def _do_select(self, request):
        gc.collect()
        row, text = self._prescriptions.whole(request["number"])
        answer = {"number": row.number, "title": row.title, "digest": row.digits()}
        answer.update(self._loaded(row.programme(text), row))
        return answer

    # ---- what else is kept ----

    def _do_clock(self, request):
        supervisor, now_ms = self._supervisor, self._hal.now_ms()
        was_s = supervisor.clock.set(request["unix_s"], request["back"], now_ms)
        return {"unix_s": supervisor.clock.unix_s(now_ms), "was_s": was_s}

    def _do_settings(self, request):
        return {"settings": self._supervisor.settings()}

    def _do_set(self, request):
        self._supervisor.set(request["settings"])
        return {"settings": self._supervisor.settings()}

    def _do_locked(self, request):
        return self._supervisor.lock.state(self._hal.now_ms())

    def _do_lock(self, request):
        self._put_counter = None  # what was signed with another key, and has not come whole
        self._supervisor.lock_with(request["key"])
        return self._do_locked(request)

    def _do_unlock(self, request):
        self._supervisor.unlock()
        return self._do_locked(request)

    def _do_calibration(self, request):
        return self._supervisor.calibrated.answer()

    def _do_calibrate(self, request):
        gc.collect()
        self._supervisor.calibrate(request["rows"], request["host"])
        return self._supervisor.calibrated.answer()

    def _do_uncalibrate(self, request):
        self._supervisor.uncalibrate()
        return self._supervisor.calibrated.answer()

    def _do_zeros(self, request):
        self._need_sense()
        samples, current, voltage = self._supervisor.zeros()
        return {"samples": samples, "current": current, "voltage": voltage}

    def _do_counts(self, request):
        channel = request["channel"]
        session = self._supervisor.session
        session.lane(channel)
        self._need_sense()
        return dict(session.deliveries[channel].counts(), channel=channel)

    def _need_sense(self):
        stage = self._stage
        if not stage["measures"]:
            source = "output stage " + stage["name"]
            refuse("not_measured", "stage", stage["name"], "an output stage that measures", source)

    def _do_reset(self, request):
        host, token = request["host"], request["token"]
        if not token:
            self._reset_by = host, 1 + self._hal.random() % frame.HOST_MAX
            return {"token": self._reset_by[1], "left": None}
        if self._reset_by != (host, token):
            refuse("other_token", "token", token, "the one that token 0 has just asked for", "reset")
        left = self._supervisor.reset()
        if not left:
            self._reset_by = None
        return {"token": token, "left": left}

    def _do_maintenance(self, request):
        self.wants_prompt = self._supervisor.settle()

    def _do_bootloader(self, request):
        self.wants_prompt = self.wants_bootloader = self._supervisor.settle()

    # ---- what is said unasked ----

    def _has_changed(self):
        return self._supervisor.session.state != self._said_state

    def _has_room(self):
        """Whether there is room for what is said unasked: answers go first, and this can wait."""
        return self._hal.room_out() >= frame.LINE_MAX + EVENT_MAX

    def _tell(self, now_ms):
        supervisor = self._supervisor
        state = supervisor.session.state
        warned = supervisor.warned != self._said_warning
        changed = state != self._said_state
        due = now_ms - self._said_ms >= STATUS_EVERY_MS
        if not (warned or changed or due and state in _ARMED_OR_MORE) or not self._has_room():
            return
        if warned:
            self._said_warning = supervisor.warned
            if self._said_warning:
                self._tell_event(dict(supervisor.warning(), event="warning"))
                return
            if not (changed or due):
                return
        first = self._said_state is None
        self._said_state = state
        self._said_ms = now_ms
        if first:
            return
        event = supervisor.status()
        event["event"] = "status"
        self._tell_event(event)


@micropython.viper
def copy(source: ptr8, count: int, target: ptr8, to: int):
    """Copy the first `count` bytes to place `to` of `target`. Allocates nothing."""
    for i in range(count):
        target[to + i] = source[i]


def _put(answer, line):
    """Put the line of an answer into `line` as frame.put does; of a refusal with more reasons than a line holds, as
    many as fit."""
    reasons = answer.get("reasons")
    total = len(reasons or ()) + answer.pop("more", 0)
    while True:
        if reasons is not None and len(reasons) < total:
            answer["text"] = "%s (first %d of %d reasons)" % (commands.ERRORS[answer["error"]], len(reasons), total)
        try:
            return frame.put(answer, line)
        except (frame.BadFrame, MemoryError):
            if not reasons:
                raise
            answer["reasons"] = reasons = reasons[: len(reasons) // 2]
            gc.collect()


def _error(seq, code, reasons=(), more=0):
    text = commands.ERRORS[code]
    return {"seq": seq, "ok": False, "error": code, "text": text, "reasons": list(reasons), "more": more}

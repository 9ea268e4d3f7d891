"""The supervisor of a board for people: it has every session recorded, and holds to the schedule of a prescription that
the device keeps. A board for resistors alone never loads this: a stock MicroPython has no memory for it."""

from binascii import unhexlify

from nmes.core import document, dose, faults, record
from nmes.core.phase import DUMMY
from nmes.core.reason import Refused, refuse
from nmes.core.session import ARMED, COMPLETED, FAULT, IDLE, LOCAL, RUNNING
from nmes.records import Records
from nmes.supervisor import TELL_TURNS, Supervisor

FEW_RECORDS = 2  # `warned`: soon a record is overwritten that no host has taken

_LOOK_BACK = 100  # sessions, for the last one of a prescription
_SOURCE = "the device's records"
_NO_SECTORS = "a board whose flash has room for records"


class Recording(Supervisor):
    """`records`: those of its sessions; None where the flash has no sectors for any, and then nobody is armed with
    anything but a resistor."""

    waiting = None  # see nmes/triggered.py

    # What every turn calls is found at once, and not only in the class below.
    fill = Supervisor.fill
    renew = Supervisor.renew
    _fill = Supervisor._fill
    _judge = Supervisor._judge
    _keep_due = Supervisor._keep_due
    _keeps_time = Supervisor._keeps_time
    _passes = Supervisor._passes
    _passes_at_rest = Supervisor._passes_at_rest
    _permission_lost = Supervisor._permission_lost
    _rest_turn = Supervisor._rest_turn

    def __init__(self, hal, session, store, board, stage):
        area = hal.area("sessions")
        self.records = Records(area) if area.count else None
        self._due = False  # there is something to be written
        self._open = False  # a session has a record that has no end yet
        if self.records and self.records.due:
            self._is_due()
        self._by = LOCAL
        self._confirmed = False
        self.buttons = None  # of a panel (core/buttons.py), which says so
        Supervisor.__init__(self, hal, session, store, board, stage)

    def _unix_s(self):
        return self.clock.unix_s(self._hal.now_ms())

    def _is_due(self):
        """From now on every turn at rest looks whether there is something to be recorded; until it is."""
        self._due = True
        self._rest_turn = self._recording_turn  # type: ignore[method-assign]  # an idle turn costs nothing more
        self._waited = 0

    # ---- before a session ----

    def arm(self, crc, by=LOCAL, confirmed=False):
        """As Supervisor.arm. `confirmed`: see core/dose.py. Raises Refused too when the prescription's schedule does
        not allow it now, and when a person's session cannot be recorded."""
        self._need_closed_interlock()
        self.calibrated.need_usable()
        self.session.may_arm(crc, by)  # and once more, with all else, by Supervisor.arm
        self._unhurried(self._need_dose, confirmed)
        self._by, self._confirmed = by, confirmed
        try:
            Supervisor.arm(self, crc, by)
        finally:
            if self._open and self.session.state != ARMED:
                self._end("not armed")

    def _need_dose(self, confirmed):
        row = self.kept
        if not row or not row.schedule:
            return
        records = self.records
        kept = dose.Kept(row.number, row.digest, self.session.programme_crc)
        now = dose.Now(self._unix_s(), self._hal.now_ms() // 1_000, records.power_on if records else 0)
        reasons = dose.check(row.schedule, kept, records.back(kept.is_of) if records else (), now, confirmed)
        if reasons:
            raise Refused(reasons)

    def _test_self(self):
        """The lock-out is kept, and nobody is armed yet: the session has a record from now on."""
        self._unhurried(self._begin_record)
        Supervisor._test_self(self)

    def _begin_record(self):
        session = self.session
        if self.records:
            now_ms = self._hal.now_ms()
            self._open = self.records.begin(session, self._by, self.kept, self._unix_s(), now_ms, self._confirmed) != 0
            self._is_due()
        elif session.programme.kind != DUMMY:
            refuse("not_recorded", "session", "no sectors", _NO_SECTORS, _SOURCE)

    # ---- while it goes on ----

    def start(self):
        """As Supervisor.start."""
        Supervisor.start(self)
        if self._open:
            self.records.resumed(self._hal.now_ms())

    def pause(self):
        """As Supervisor.pause."""
        if self._open and self.session.state == RUNNING:
            self.records.paused(self.session, self._hal.now_ms())
        Supervisor.pause(self)

    def set_intensity(self, current_ua, channel):
        """As Supervisor.set_intensity."""
        Supervisor.set_intensity(self, current_ua, channel)
        if self._open:
            self.records.was_set(channel, current_ua)

    def _passes_slowly(self, now_ms):
        if self._open:
            self.records.look(self.session, now_ms)
        return Supervisor._passes_slowly(self, now_ms)

    # ---- when it has ended ----

    def _end(self, why=None):
        """Make the rest of the record, once, however often this is asked; `why`: nobody was armed."""
        self._open = False
        session, unix_s, now_ms = self.session, self._unix_s(), self._hal.now_ms()
        if why:
            self.records.cancel(session, unix_s, now_ms)
        else:
            self.records.end(session, [run.delivered for run in self._runs], unix_s, now_ms)

    def _close_lockout(self, now_ms):
        if self._open and self.session.state in (IDLE, FAULT):
            self._end()
        Supervisor._close_lockout(self, now_ms)

    def _recording_turn(self, now_ms):
        """The store is written first: it says whether a pause has to come. As there, the host is told before a write
        stops everything, unless it takes too long to listen."""
        if self._open:
            self._end()
        Supervisor._rest_turn(self, now_ms)
        if self._due and not self._store.due:
            if self._hal.unsent() and self._waited < TELL_TURNS:
                self._waited += 1
            else:
                self._write_records()

    def _write_records(self):
        self._due = False
        del self._rest_turn
        if self.records and self._unhurried(self._flush):
            self.warned = FEW_RECORDS

    def _flush(self):
        self.records.flush()
        return self.records.are_few()

    def _complete(self):
        """Nobody is armed: the record of the last session is whole, and in flash, from now on."""
        if self._open:
            self._end()
        if self._due:
            self._write_records()

    def settle(self):
        """As Supervisor.settle."""
        if self._open and self.session.state in (IDLE, FAULT):
            self._end()
        settled = Supervisor.settle(self)
        if settled and self._due:
            self._write_records()
        return settled

    def warning(self):
        """As Supervisor.warning."""
        if self.warned == FEW_RECORDS:
            return {"warning": "few_records", "sessions_left": self.records.left()}
        return Supervisor.warning(self)

    # ---- what the panel and the link ask ----

    def clear(self, number):
        """As Supervisor.clear. A button that is pressed would be a fault again in the next turn."""
        session, buttons = self.session, self.buttons
        if buttons and buttons.cause and session.state == FAULT and number == session.fault:
            refuse("cause_there", faults.name(buttons.cause), buttons.text, "every button let go of", "panel")
        Supervisor.clear(self, number)

    def last_set_ua(self, digest):
        """The highest intensity of each channel that had pulses in the last session of the prescription with this
        SHA-256 that came to its end: one that was ended for pain is no target. Empty where none is among the last
        sessions. Nobody may be armed."""
        return self._unhurried(self._last_set_ua, digest[: record.PRESCRIPTION_BYTES]) if self.records else []

    def _last_set_ua(self, digest):
        left = _LOOK_BACK
        for _, _, end in self.records.back(lambda begin: begin["prescription_digest"] == digest):
            if end and end["ended"] == COMPLETED:
                return [row["set_most_ua"] for row in end["channels"] if row["pulses"]]
            left -= 1
            if not left:
                break
        return []

    def locked_out_ms(self):
        """How long it is until the next motor session may begin."""
        return self._lockout.left_ms(self._hal.now_ms())

    def has_few_records(self):
        """Whether soon a record is overwritten that no host has taken; at once after power on too, and until a host has
        taken them."""
        return self.records is not None and self._unhurried(self.records.are_few)  # the first look is at every page

    def recorded(self, request):
        """What the link answers to `log` and `log_clear`. Raises Refused."""
        records = self._need_records()
        if request["cmd"] == "log_clear":
            return self._clear_records(records, request["session"], request["page_digest"])
        number, page = records.after(request["after_session"])
        return {
            "session": number,
            "page": document.piece(page) if page else "",
            "newest": records.newest,
            "taken": records.taken(),
            "sessions_left": records.left(),
        }

    def _clear_records(self, records, number, digits):
        """A host has the records up to a session, the digest of whose record has these digits."""
        try:
            digest = unhexlify(digits)
        except ValueError:
            refuse("not_hexadecimal", "page_digest", digits, "32 digits", "log_clear")
        self.write(records.take, number, digest)
        return {"taken": records.taken(), "sessions_left": records.left()}

    def _need_records(self):
        """The records, all that is known of the last session in flash. Raises Refused where there are none."""
        if not self.records:
            refuse("no_records", "session", "no sectors", _NO_SECTORS, _SOURCE)
        self._complete()
        return self.records

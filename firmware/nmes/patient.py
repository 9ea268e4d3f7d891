"""The panel of the person who is treated: buttons in, screens out, and a session of its own without any host.

It asks the supervisor, as the link does, and never touches an output. Only a board with buttons loads it.
"""

from binascii import unhexlify

from nmes.core import access, buttons, checklist, faults, steps
from nmes.core.access import PANEL
from nmes.core.dialogue import (
    AGAIN,
    ASK,
    BEGIN,
    CHOOSE,
    CLEAR,
    END,
    ENDED,
    FAULTY,
    FOREIGN,
    HELD,
    LOWER,
    NEXT,
    OPEN,
    OTHER,
    PAUSE,
    RAISE,
    READY,
    RESUME,
    TIME,
    TOLD,
    WORKING,
    Dialogue,
)
from nmes.core.document import WHOLE
from nmes.core.dose import day_of
from nmes.core.phase import DUMMY
from nmes.core.reason import Refused, refuse
from nmes.core.screens import BAR_COLUMNS, Screens, ma
from nmes.core.session import COMPLETED, FAULT, IDLE, LOCAL, RUNNING
from nmes.core.texts import TIMES
from nmes.core.trend import WARN
from nmes.display import Display

LATE_MS = 250  # behind what was due in a session of the panel: one that nobody could stop for so long is over
LOOK_MS = 200  # at what changes by itself while a session is there
LOOK_AT_REST_MS = 1_000
_LAMPS_MS = 40  # a blink is as much longer at most
_STEADY = (IDLE, RUNNING)  # nothing blinks
TOLD_MS = 2_000  # a refusal beside what goes on
STOPPED = "stopped"
PAUSED_TOO_LONG = "paused too long"

# Garbage of a screen that is made anew, and how much there may be before it is collected: see link.py.
_A_SCREEN_BYTES = 1_000
_COLLECT_EVERY_BYTES = 18_000
_SOURCE = "OpenNMES panel"
_WITH_TIME = ("too_soon_again", "too_many")  # refusals whose bound says when
_PLACES = (CHOOSE, ASK, TIME, READY, TOLD, WORKING, HELD, ENDED, FOREIGN, FAULTY)


class Patient:
    """`lamps`: the panel of lamps and buzzer, whose turns come with these."""

    def __init__(self, hal, supervisor, lamps):
        self._hal = hal
        self._supervisor = supervisor
        self._session = supervisor.session
        self._lamps = lamps
        self._pressed = hal.buttons
        self._due_ms = 0  # nothing has to be looked at before
        self._buttons = supervisor.buttons = buttons.Buttons()
        self._dialogue = Dialogue(1 + len(checklist.STOP))  # the first: who went through the whole list
        self._display = Display(hal)
        self._screens = None
        self._language = None
        self._row = None  # of the programme that is shown
        self._place = 0  # among those that are kept
        self._changes = 0  # of the prescriptions, at the last look at them
        self._crc = None  # of the programme that is loaded, and the questions are asked for
        self._kept = None  # and what it is of: see Supervisor.load
        self._channel = 0  # that up and down are for
        self._most_ms = 0  # that this session lasts
        self._reached = []  # the largest current of each lane in this session
        self._last = None  # what was reached with the programme that is shown, the last time; None: not looked for
        self._code = ""  # of a refusal beside what goes on, until _code_ms
        self._code_ms = 0
        self._wait = ""  # when what is told can be
        self._rules = []  # of the schedule, of which nobody but the person knows whether they are met
        self._look_ms = 0
        self._state = None  # of the session, at the last look
        self._key = -1  # of what is shown
        self._garbage = 0
        self._begin()

    def step(self, now_ms):
        """One turn. Allocates nothing while nobody presses and nothing else is to be seen."""
        # Most turns end here, and all that is done in each of them is done a hundred times a second.
        if not self._pressed() and now_ms < self._due_ms and self._session.state is self._state:
            return
        session, keys, display = self._session, self._buttons, self._display
        ours = session.owner == LOCAL
        if ours and not self._is_alive(now_ms):
            return
        mask = self._pressed()
        if mask or not keys.quiet:
            events = keys.step(mask, now_ms)
            if session.owner is not None:
                events |= mask & buttons.STOP  # whatever came before: while there is a session it is never none
            if keys.cause and session.state != FAULT:
                self._supervisor.fail(keys.cause, keys.text)
            elif events or mask & buttons.START:
                now_ms = self._do(events, now_ms)
        looks = session.state is not self._state or now_ms >= self._look_ms
        if self._garbage >= _COLLECT_EVERY_BYTES and ours:
            self._garbage = 0
            self._hal.collect()
        elif looks:
            now_ms = self._do(0, now_ms)
        if looks or display.due:
            was_there = display.there
            display.step(session.owner is None, now_ms)
            if display.there and not was_there:
                self._look_ms = now_ms  # it is blank
        self._lamps.step(now_ms)
        self._due_ms = self._next_ms(now_ms)

    def _next_ms(self, now_ms):
        """When there is something to do, if nobody presses and the session stays as it is."""
        if not self._buttons.quiet or self._display.due:
            return now_ms
        if self._session.state in _STEADY:
            return self._look_ms
        return min(now_ms + _LAMPS_MS, self._look_ms)

    def _is_alive(self, now_ms):
        """The session is the panel's: as long as its turns come, it is kept alive."""
        late_ms = now_ms - self._due_ms
        if late_ms > LATE_MS:
            self._supervisor.fail(faults.LOOP_LATE, "the panel was %d ms late; limit %d ms" % (late_ms, LATE_MS))
            return False
        self._supervisor.renew(LOCAL)
        return True

    def _do(self, events, now_ms):
        """What presses mean, and what is to be seen then. Returns the time, later when what was done took some: a
        self-test does."""
        session = self._session
        self._look_ms = now_ms + (LOOK_AT_REST_MS if session.owner is None else LOOK_MS)
        self._state = session.state
        held_ms = self._buttons.held_ms(buttons.START, now_ms)
        dialogue = self._dialogue
        if dialogue.place in (ASK, TIME, READY) and not self._display.there:
            dialogue.tell("no_display", now_ms)  # nobody reads what is answered
        act = dialogue.step(events, held_ms, session.state, session.owner == LOCAL, now_ms)
        if act:
            self._code = ""
            try:
                self._act(act, now_ms)
            except Refused as refused:
                self._refuse(refused.reasons)
            if session.owner is None:
                self._display.answers()  # whoever presses looks at it
            now_ms = self._hal.now_ms()
            dialogue.follow(session.state, session.owner == LOCAL, now_ms)
        self._show(now_ms)
        return now_ms

    def _begin(self):
        """The first programme that is offered, or the one that was shown: a host may have changed them."""
        offered = self._supervisor.settings()["default_prescription"]
        self._changes = self._supervisor.prescriptions.changes
        self._find(self._row["number"] if self._row else offered)

    def _find(self, number):
        """The programme under that number, or the next one after it; the first behind the last."""
        prescriptions = self._supervisor.prescriptions
        self._row = prescriptions.after(max(0, number - 1))
        if not self._row["number"]:
            self._row = prescriptions.after(0)
        self._last = None
        self._place = len([other for other in prescriptions.numbers() if other <= self._row["number"]])
        self._key = -1

    def _translate(self):
        """A host may have set another language."""
        language = self._supervisor.settings()["language"]
        if language != self._language:
            self._language = language
            self._screens = Screens(language)
            self._key = -1

    # ---- what is done ----

    def _act(self, act, now_ms):
        supervisor, session = self._supervisor, self._session
        if act == END:
            self._need(access.STOP)
            held = self._dialogue.place == HELD and not self._buttons.pressed
            supervisor.stop(PAUSED_TOO_LONG if held else STOPPED)
        elif act == LOWER:
            self._need(access.LOWER)
            supervisor.set_intensity(steps.lower_ua(session, self._channel), self._channel)
        elif act == RAISE:
            self._raise(now_ms)
        elif act == PAUSE:
            self._need(access.PAUSE)
            supervisor.pause()
        elif act == RESUME:
            self._need(access.START)
            self._hal.collect()
            supervisor.start()
        elif act == OTHER:
            used = [lane.index for lane in session.lanes]
            self._channel = used[(used.index(self._channel) + 1) % len(used)]
        elif act == CLEAR:
            self._clear()
        else:
            self._prepare(act, now_ms)
        self._key = -1

    def _need(self, act):
        """Raises Refused when the table says that the panel may not do that now."""
        session = self._session
        if not access.may(PANEL, act, session.state, session.owner):
            refuse("wrong_state", "state", session.state, act, _SOURCE)

    def _need_display(self):
        """Questions have to be read, and what is raised has to be seen: not before the display died, but now."""
        if not self._display.answers():
            refuse("no_display", "display", "none that answers", "a display", _SOURCE)

    def _raise(self, now_ms):
        self._need(access.RAISE)
        self._need_display()
        session, channel = self._session, self._channel
        self._supervisor.set_intensity(steps.higher_ua(session, now_ms, channel), channel)
        for i in range(len(session.lanes)):
            self._reached[i] = max(self._reached[i], session.lanes[i].intensity_ua)

    def _clear(self):
        self._need(access.CLEAR)
        supervisor = self._supervisor
        number = self._session.fault
        if number not in access.CLEARED_AT_PANEL:
            refuse("clinic_only", faults.name(number), "the panel", "a host", _SOURCE)
        supervisor.clear(number)

    def _prepare(self, act, now_ms):
        if act == NEXT:
            self._find(self._row["number"] + 1)
        elif act == AGAIN:
            self._begin()
        elif act == OPEN:
            self._open()
            self._dialogue.ask(now_ms)
        elif act == BEGIN:
            self._arm()

    def _open(self):
        """Load what is shown, if it is still there as it is shown, and has the limits for people: whoever presses here
        may have electrodes on."""
        self._need(access.CHOOSE)
        self._need_display()
        if not self._row["number"]:
            refuse("no_programme", "programme_crc", 0, "one that a clinician has put onto the device", _SOURCE)
        row, text = self._whole()
        self._hal.collect()
        self._kept = row
        self._supervisor.load(row.programme(text), row)
        if self._session.programme.kind == DUMMY:
            self._session.forget()
            refuse("for_resistor", "electrode.kind", DUMMY, "a host", _SOURCE)
        self._crc = self._session.programme_crc

    def _whole(self):
        """(row, text) of the prescription that is shown. Raises Refused when it is not kept any more as it is shown."""
        shown = self._row
        row, text = self._supervisor.prescriptions.whole(shown["number"])
        if row.digits() != shown["digest"]:
            self._find(shown["number"])
            refuse("other_digest", "digest", row.digits()[:16], shown["digest"][:16], _SOURCE)
        return row, text

    def _need_asked_for(self):
        """Raises Refused unless the questions were asked for what would begin now: that very loading of it, with its
        schedule, and as it is still kept. A host may have loaded the same programme without a schedule, or put
        another schedule there."""
        supervisor, crc = self._supervisor, self._session.programme_crc
        if crc != self._crc or supervisor.kept is not self._kept:
            refuse("other_programme", "programme_crc", crc, self._crc, _SOURCE)
        self._whole()

    def _arm(self):
        """The session begins, at zero. Whoever has let go of the button, or pressed another, while the device tested
        itself does not want it to."""
        self._need(access.ARM)
        supervisor, session, hal = self._supervisor, self._session, self._hal
        self._need_asked_for()
        self._need_display()
        steps.acknowledge(session)
        hal.collect()
        supervisor.arm(self._crc, LOCAL, self._dialogue.confirmed)
        begun = False
        try:
            if hal.buttons() != buttons.START:
                refuse("let_go", "start", "open", "held until the session has begun", _SOURCE)
            self._reached = [0] * len(session.lanes)
            self._most_ms = session.programme.duration_ms
            self._channel = session.lanes[0].index
            self._need(access.START)
            supervisor.start()
            begun = session.state == RUNNING
        finally:
            if not begun:
                supervisor.stop("not begun")

    def _last_time(self):
        """What was reached with the programme that is shown in its last session that came to its end, "" where there is
        none: a target that is shown, and no more."""
        if self._last is None and self._session.owner is None and self._row["number"]:
            most_ua = self._supervisor.last_set_ua(unhexlify(self._row["digest"]))
            self._last = "/".join([ma(ua) for ua in most_ua]) if any(most_ua) else ""
        return self._last or ""

    def _refuse(self, reasons):
        """Say why not: beside what goes on, or instead of what was asked for; or ask, where only the time is not known
        and the person may know it."""
        now_ms = self._hal.now_ms()
        dialogue, code = self._dialogue, reasons[0]["code"]
        self._key = -1
        if dialogue.place in (WORKING, HELD, FAULTY):
            self._code = code
            self._code_ms = now_ms + TOLD_MS
            return
        self._rules = [(reason["parameter"].rpartition(".")[2], reason["asked"]) for reason in reasons]
        if not dialogue.confirmed and all(
            [reason["code"] == "clock_unknown" for reason in reasons] + [key in TIMES for key, _ in self._rules]
        ):
            dialogue.ask_times(len(reasons), now_ms)
            return
        self._wait = ""
        if code == "locked_out":
            self._wait = "in %d min" % -(-self._supervisor.locked_out_ms() // 60_000)
        elif code in _WITH_TIME:
            self._wait = reasons[0]["bound"]
        dialogue.tell(code, now_ms)

    # ---- what is seen ----

    def _show(self, now_ms):
        """Make the screen anew, if it is to be another one."""
        dialogue, session = self._dialogue, self._session
        place = dialogue.place
        if not self._display.there:
            self._key = -1
            return
        self._translate()
        if place == CHOOSE and self._supervisor.prescriptions.changes != self._changes and not self._buttons.pressed:
            self._begin()  # and never under a finger: the press is for what has been read
        if self._code and now_ms >= self._code_ms:
            self._code = ""
            self._key = -1
        key = dialogue.at
        if place in (WORKING, HELD, FOREIGN):
            key = session.elapsed_ms(now_ms) // 1000
            waiting = self._supervisor.waiting
            if place == WORKING and waiting:
                key = _mixed(key, waiting.seen(session.elapsed_ms(now_ms), BAR_COLUMNS))
            elif place == WORKING:
                key = _mixed(key, steps.countdown(session, now_ms, self._lane())[1] // 1000)
            for lane in session.lanes:
                key = _mixed(key, lane.intensity_ua)
        if place == FAULTY:
            key = session.fault
        warns = self._supervisor.has_few_records() if place == CHOOSE else self._supervisor.warned == WARN
        key = _mixed(key, 2 * _PLACES.index(place) + warns)
        if key == self._key:
            return
        self._key = key
        self._garbage += _A_SCREEN_BYTES
        self._display.show(self._screen(place, now_ms))

    def _lane(self):
        return self._session.lane(self._channel)

    def _screen(self, place, now_ms):
        screens, dialogue, session, row = self._screens, self._dialogue, self._session, self._row
        last = self._last_time()
        if place == ASK:
            if dialogue.at:
                return screens.ask(dialogue.at - 1, len(checklist.STOP))
            unix_s = row["checked_unix_s"]
            return screens.checked(row["checked_version"], day_of(unix_s) if unix_s else "", row["checked_by"])
        if place == READY:
            return screens.ready(row["title"], last)
        if place == ENDED:
            most = "/".join([ma(most_ua) for most_ua in self._reached])
            done_ms = min(session.lasted_ms, self._most_ms)
            return screens.ended(row["title"], session.ended == COMPLETED, done_ms, most)
        if place == FAULTY:
            clears = session.fault in access.CLEARED_AT_PANEL
            return screens.faulty(session.fault, clears, self._code)
        if place == CHOOSE:
            few, condition = self._supervisor.has_few_records(), row["condition"]
            condition = "" if condition == WHOLE else condition
            return screens.choose(row["title"], self._place, row["count"], last, few, condition)
        if place in (WORKING, HELD, FOREIGN):
            return self._screen_of_session(place, last, now_ms)
        if place == TIME:
            return screens.time(*self._rules[dialogue.at])
        return screens.told(dialogue.code, self._wait)

    def _screen_of_session(self, place, last, now_ms):
        screens, session = self._screens, self._session
        levels = [(lane.index, ma(lane.intensity_ua)) for lane in session.lanes]
        left_ms = max(0, session.programme.duration_ms - session.elapsed_ms(now_ms))
        if place == FOREIGN:
            return screens.foreign(levels)
        if place == HELD:
            return screens.held(len(levels), left_ms)
        waiting, warns = self._supervisor.waiting, self._supervisor.warned == WARN
        if waiting and not self._code:
            return screens.waiting(warns, levels, waiting, session.elapsed_ms(now_ms), left_ms, last)
        part, part_ms = ("", 0) if waiting else steps.countdown(session, now_ms, self._lane())
        title = "" if warns else self._row["title"]
        return screens.working(title, levels, self._channel, part, part_ms, left_ms, self._code, last)


def _mixed(key, more):
    """A number for what is shown, another one whenever a part of it changes by a little; small enough to cost no
    memory."""
    return (key << 5 ^ key >> 19 ^ more) & 0xFFFFFF

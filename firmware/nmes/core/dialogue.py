"""What the panel is in the middle of, and what a press means there. Pure: told the presses, the time and the session.

    CHOOSE -> ASK, each question of the checklist's STOP -> READY -> a session of the panel: WORKING <-> HELD -> ENDED
    READY -> TIME, whether enough has passed when the device does not know -> READY

A "no", a refusal (TOLD), another programme, or nobody who answers, and it begins at CHOOSE again, with every question.
FAULTY, and FOREIGN for a session of a host, come and go with the device's state.
"""

from nmes.core.buttons import DOWN, HOLD_MS, PROGRAMME, START, STOP, UP
from nmes.core.session import FAULT, IDLE, PAUSED

# Places.
CHOOSE = "choose"
ASK = "ask"
TIME = "time"
READY = "ready"
TOLD = "told"
WORKING = "working"
HELD = "held"
ENDED = "ended"
FOREIGN = "foreign"
FAULTY = "faulty"

# What is to be done.
NOTHING = ""
NEXT = "next programme"
OPEN = "load it"
AGAIN = "look at the programmes again"
BEGIN = "arm and start"
RAISE = "up"
LOWER = "down"
PAUSE = "pause"
RESUME = "go on from zero"
END = "stop"
OTHER = "the other channel"
CLEAR = "clear the fault"

READ_MS = 1_000  # what has not been there for so long has not been read, and no press answers it
ANSWER_MS = 120_000  # an answer that does not come, and it begins anew
PAUSE_MOST_MS = 600_000  # a pause that nobody ends

_SESSION = {WORKING: ((DOWN, LOWER), (START, PAUSE), (UP, RAISE), (PROGRAMME, OTHER)), HELD: ((START, RESUME),)}


class Dialogue:
    """`questions`: how many the checklist has. `place`: one of the above; `at`: which question, or which rule of the
    schedule, is asked, from 0; `code`: of the refusal that is told; `confirmed`: the person has said that enough time
    has passed."""

    def __init__(self, questions):
        self._questions = questions
        self._count = questions  # that are being asked
        self.confirmed = False  # the person has said that the time has passed
        self.place = CHOOSE
        self.at = 0  # the question
        self.code = ""  # of what is told
        self._since_ms = 0
        self._fresh = False  # START went down here

    def step(self, events, held_ms, state, ours, now_ms):
        """What is to be done for the presses `events` of this turn (core/buttons.py): one of the acts above. `held_ms`:
        how long START has been held; `state`: the session's; `ours`: it is the panel's."""
        self.follow(state, ours, now_ms)
        place = self.place
        if events & STOP and place in (WORKING, HELD, FOREIGN):
            return END
        if place in _SESSION:
            if events:
                for button, act in _SESSION[place]:
                    if events & button:
                        return act
            return END if place == HELD and now_ms - self._since_ms >= PAUSE_MOST_MS else NOTHING
        if events & START:
            self._fresh = True
        if place == FAULTY:
            return self._held(CLEAR, held_ms)
        if place == CHOOSE:
            return OPEN if events & START else NEXT if events & PROGRAMME else NOTHING
        if place in (ASK, TIME, READY):
            return self._prepares(events, held_ms, now_ms)
        if events and place != FOREIGN and now_ms - self._since_ms >= READ_MS:
            self._go(CHOOSE, now_ms)
            return AGAIN
        return NOTHING

    def ask(self, now_ms):
        """The programme is loaded: the questions come."""
        self.at = 0
        self._count = self._questions
        self.confirmed = False
        self._go(ASK, now_ms)

    def ask_times(self, count, now_ms):
        """So many rules of the schedule ask for a time that only the person knows: START has to be held once more
        then."""
        self.at = 0
        self._count = count
        self._go(TIME, now_ms)

    def tell(self, code, now_ms):
        """It cannot be, for a reason with that code."""
        self.code = code
        self._go(TOLD, now_ms)

    def _go(self, place, now_ms):
        self.place = place
        self._since_ms = now_ms
        self._fresh = False

    def follow(self, state, ours, now_ms):
        """The place goes where the session is, or was."""
        place = self.place
        if state == FAULT:
            place = FAULTY
        elif state != IDLE:
            place = FOREIGN if not ours else HELD if state == PAUSED else WORKING
        elif place in (WORKING, HELD):
            place = ENDED
        elif place in (FOREIGN, FAULTY):
            place = CHOOSE
        if place != self.place:
            self._go(place, now_ms)

    def _prepares(self, events, held_ms, now_ms):
        if events & (STOP | DOWN):
            if self.place != READY:
                self.tell("said_no" if self.place == ASK else "too_soon_again", now_ms)
                return NOTHING
            self._go(CHOOSE, now_ms)
            return AGAIN
        if events & PROGRAMME:
            self._go(CHOOSE, now_ms)
            return NEXT
        if now_ms - self._since_ms >= ANSWER_MS:
            self._go(CHOOSE, now_ms)
            return AGAIN
        if self.place == READY:
            return self._held(BEGIN, held_ms)
        if events & START and now_ms - self._since_ms >= READ_MS:
            self.at += 1
            over = self.at >= self._count
            self.confirmed = self.confirmed or over and self.place == TIME
            self._go(READY if over else self.place, now_ms)
        return NOTHING

    def _held(self, act, held_ms):
        """An act for which START is held: once, and only when it went down where the display says so."""
        if not self._fresh or held_ms < HOLD_MS:
            return NOTHING
        self._fresh = False
        return act

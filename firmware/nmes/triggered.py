"""The supervisor of a stage with a biofeedback input: contractions that their person starts. No other loads it."""

from nmes.core import biofeedback, faults
from nmes.core.reason import refuse
from nmes.core.session import COMPLETED, LOCAL, RUNNING
from nmes.core.trigger import SIGNAL
from nmes.recording import Recording

LOOK_MS = 1_000  # whether anything drives the input, while the signal counts
TOO_WEAK = "signal too weak"

_FLOATS = "the biofeedback input floats"
_SATURATED = "the biofeedback input is saturated"
_STUCK = "the hand switch stays closed"
_SOURCE = "the stage's biofeedback input"


class Triggered(Recording):
    """`waiting`: the trigger of the session (core/biofeedback.py) while no train runs, or only its last pulses; else
    None."""

    # What every turn calls is found at once, and not only in the classes below.
    _feed = Recording._feed
    _judge = Recording._judge
    _keep_due = Recording._keep_due
    _passes = Recording._passes
    _passes_at_rest = Recording._passes_at_rest
    _permission_lost = Recording._permission_lost
    _rest_turn = Recording._rest_turn
    renew = Recording.renew
    step = Recording.step

    def __init__(self, hal, session, store, board, stage):
        self._trigger = None
        self._most_mv = stage["signal_most_mv"]
        Recording.__init__(self, hal, session, store, board, stage)

    def arm(self, crc, by=LOCAL, confirmed=False):
        """As Recording.arm. Raises Refused too when what is to start the contractions cannot."""
        session = self.session
        session.may_arm(crc, by)
        asked = session.programme.trigger
        if asked:
            self._need_trigger(asked)
        self._trigger = self.waiting = None
        self._hal.listen(1 if asked else 0)
        Recording.arm(self, crc, by, confirmed)

    def _need_trigger(self, asked):
        hal = self._hal
        if asked["source"] != SIGNAL:
            if hal.switch_closed():
                refuse("switch_closed", "trigger", "closed", "open before a session", "the hand switch")
            return
        if hal.signal_floats():
            refuse("signal_floats", "trigger", "nothing drives it", "a sensor that is on and connected", _SOURCE)
        found_mv = hal.signal_mv()
        if found_mv >= self._most_mv:
            refuse("signal_saturated", "signal_mv", found_mv, self._most_mv - 1, _SOURCE)

    def _arm(self, crc, by):
        Recording._arm(self, crc, by)
        session = self.session
        programme = session.programme
        if programme.trigger:
            channel, lane = programme.channels[0], session.lanes[0]
            self._trigger = biofeedback.Trigger(
                programme.trigger, channel.phases[0], programme.duration_ms, self._most_mv
            )
            lane.feed = biofeedback.Feed(channel, self._trigger)

    def load(self, data, kept=None):
        """As Recording.load."""
        loaded = Recording.load(self, data, kept)
        self._trigger = self.waiting = None  # the counts of the session before
        return loaded

    def status(self):
        """As Recording.status; and what starts the contractions of a session, where that is not time."""
        status = Recording.status(self)
        if self._trigger and self.session.programme:
            looks = self.waiting is not None and self.session.state == RUNNING
            status["trigger"] = self._trigger.status(looks)
        return status

    def start(self):
        """As Recording.start."""
        if self._trigger:
            self._trigger.resume(self.session.elapsed_ms(self._hal.now_ms()))
            self._probe_ms = 0
        Recording.start(self)

    def feed(self, now_ms):
        """As Recording.feed, and then the input: every turn of a session that runs comes here, and no other."""
        Recording.feed(self, now_ms)
        if self._trigger:
            self._look(now_ms)

    def _look(self, now_ms):
        """What the person wants, while no train runs. Allocates nothing."""
        session, hal, trigger = self.session, self._hal, self._trigger
        self.waiting = None
        if session.state != RUNNING or session._fading_ms is not None:
            return  # a fault has just come, or nobody is there any more
        lane = session.lanes[0]
        if not lane.feed.waits():
            return
        self.waiting = trigger
        # A pulse on its way would be seen. Nothing but this can begin one from here on.
        if not hal.channels[lane.index].starved():
            return
        clock_ms = session.elapsed_ms(now_ms)
        found = trigger.step(clock_ms, hal.signal_mv(), hal.switch_closed())
        if trigger.by_signal and (found == biofeedback.CONTRACT or trigger.listens and now_ms >= self._probe_ms):
            self._probe_ms = now_ms + LOOK_MS
            if hal.signal_floats():
                self.fail(faults.BIOFEEDBACK_INPUT, _FLOATS)
                return
        if found:
            self._follow(found)

    def _follow(self, found):
        """What a turn of the trigger came to."""
        if found == biofeedback.CONTRACT:
            # The clock as it is now: the turn has taken some milliseconds already.
            now_ms = self._hal.now_ms()
            self.waiting = None
            self.session.lanes[0].feed.begin(self.session.elapsed_ms(now_ms))
            # Twice: an engine that has had no pulse yet knows no period, and takes one alone.
            for _ in range(2):
                if self._on:
                    self._feed(self._runs[0], now_ms)
        elif found == biofeedback.DONE:
            self.stop(COMPLETED)
        elif found == biofeedback.WEAK:
            self.stop(TOO_WEAK)
        else:
            self.fail(faults.BIOFEEDBACK_INPUT, _STUCK if found == biofeedback.STUCK else _SATURATED)

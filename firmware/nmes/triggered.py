"""The supervisor of a stage with a biofeedback input: contractions that their person starts. No other loads it."""

from nmes.core import biofeedback, faults
from nmes.core.reason import refuse
from nmes.core.session import COMPLETED, LOCAL, RUNNING
from nmes.core.trigger import EDGE, SIGNAL
from nmes.recording import Recording

LOOK_MS = 1_000  # whether anything drives the input, while the signal counts
TOO_WEAK = "signal too weak"

_FLOATS = "the biofeedback input floats"
_SATURATED = "the biofeedback input is saturated"
_STUCK = "the hand switch stays closed"
_STAYS_HIGH = "the trigger input stays high"
_SOURCE = "the stage's biofeedback input"


class Triggered(Recording):
    """`waiting`: the trigger of the session (core/biofeedback.py) while no train runs, or only its last pulses; else
    None.

    With the trigger input the first pulses of the train that waits are queued, and the chip holds its engine until the
    edge (hal/contract.py, `hold`). Whatever changes them cancels them first; they are queued anew in the same call."""

    # What every turn calls is found at once, and not only in the classes below.
    _fill = Recording._fill
    _judge = Recording._judge
    _keep_due = Recording._keep_due
    _keeps_time = Recording._keeps_time
    _passes = Recording._passes
    _passes_at_rest = Recording._passes_at_rest
    _permission_lost = Recording._permission_lost
    _rest_turn = Recording._rest_turn
    renew = Recording.renew

    def __init__(self, hal, session, store, board, stage):
        self._trigger = None
        self._ready = False  # the chip begins the train at an edge
        self._begun = 0  # pulses of the engine before that train
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
        self._ready = False
        self._hal.listen(1 if asked else 0)
        Recording.arm(self, crc, by, confirmed)

    def _need_trigger(self, asked):
        hal = self._hal
        if asked["source"] == EDGE:
            if hal.trigger_high():
                refuse("trigger_high", "trigger", "high", "low before a session", "the trigger input")
            return
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

    def fill(self, now_ms):
        """As Recording.fill, and then the input: every turn of a session that runs comes here, and no other."""
        Recording.fill(self, now_ms)
        if self._trigger:
            self._look(now_ms)

    def _look(self, now_ms):
        """What the person wants, while no train runs. Allocates nothing."""
        session, hal, trigger = self.session, self._hal, self._trigger
        self.waiting = None
        if session.state != RUNNING:
            return  # a fault has just come
        if session._fading_ms is not None:  # nobody is there any more
            if self._ready:
                self._let_go()
            return
        lane = session.lanes[0]
        if not lane.feed.waits():
            return
        self.waiting = trigger
        channel = hal.channels[lane.index]
        clock_ms = session.elapsed_ms(now_ms)
        if self._ready:
            if channel.begun() != self._begun:
                self._edge_came()
                return
            lane.feed.get_ready(clock_ms)
        # A pulse on its way would be seen. Nothing but this can begin one from here on, and the edge.
        elif not channel.starved():
            return
        found = trigger.step(clock_ms, hal.signal_mv(), hal.trigger_high() if trigger.by_edge else hal.switch_closed())
        if trigger.by_signal and (found == biofeedback.CONTRACT or trigger.listens and now_ms >= self._probe_ms):
            self._probe_ms = now_ms + LOOK_MS
            if hal.signal_floats():
                self.fail(faults.BIOFEEDBACK_INPUT, _FLOATS)
                return
        if found == biofeedback.READY:
            if not self._ready:
                self._get_ready()
            return
        if self._ready and trigger.place != biofeedback.WAIT and not self._let_go(found == biofeedback.CONTRACT):
            return  # the edge was quicker
        if found:
            self._follow(found)

    def _follow(self, found):
        """What a turn of the trigger came to."""
        if found == biofeedback.CONTRACT:
            # The clock as it is now: the turn has taken some milliseconds already.
            now_ms = self._hal.now_ms()
            self.waiting = None
            self.session.lanes[0].feed.begin(self.session.elapsed_ms(now_ms))
            self._fill_twice(now_ms)
        elif found == biofeedback.DONE:
            self.stop(COMPLETED)
        elif found == biofeedback.WEAK:
            self.stop(TOO_WEAK)
        else:
            stuck = _STAYS_HIGH if self._trigger.by_edge else _STUCK
            self.fail(faults.BIOFEEDBACK_INPUT, stuck if found == biofeedback.STUCK else _SATURATED)

    def _fill_twice(self, now_ms):
        """Twice: an engine that has had no pulse yet knows no period, and takes one alone."""
        for _ in range(2):
            if self._on:
                self._fill(self._runs[0], now_ms)

    # ---- the trigger input ----

    def _get_ready(self):
        """The chip begins the train at the next rising edge. An input that has risen meanwhile has to be low anew."""
        session, hal = self.session, self._hal
        lane = session.lanes[0]
        if not hal.hold():
            return
        now_ms = hal.now_ms()
        lane.feed.get_ready(session.elapsed_ms(now_ms))
        self._begun = hal.channels[lane.index].begun()
        self._fill_twice(now_ms)
        if not self._on:
            return
        self._ready = True
        if not hal.wait_for_edge():
            self._let_go()

    def _let_go(self, counted=False):
        """Nothing begins at an edge any more. Returns False when it has begun already; `counted`: as a contraction."""
        cancelled = self._hal.let_go()
        if cancelled < 0:
            self._edge_came(counted)
            return False
        self._put_back(cancelled)
        return True

    def _put_back(self, cancelled):
        run = self._runs[0]
        self._ready = run.mid_train = False
        self.session.was_cancelled(cancelled, run.lane)
        run.lane.feed.let_go()

    def _edge_came(self, counted=False):
        """The chip has begun the train, within the last turn: what comes after it counts from now."""
        now_ms = self._hal.now_ms()
        self.waiting = None
        self._begin_train(now_ms, counted)
        self._fill_twice(now_ms)

    def _begin_train(self, now_ms, counted=False):
        clock_ms = self.session.elapsed_ms(now_ms)
        self._ready = False
        if not counted:
            self._trigger.contract(clock_ms)
        self.session.lanes[0].feed.begin(clock_ms)

    def _off(self):
        """As Supervisor._off. What an edge had not begun by then is put back, and waits as before."""
        was_ready = self._ready
        self._ready = False
        Recording._off(self)
        if was_ready:
            lane = self.session.lanes[0]
            if self._hal.channels[lane.index].begun() != self._begun:
                self._begin_train(self._hal.now_ms())
            else:
                lane.feed.let_go()

    def set_intensity(self, current_ua, channel):
        """As Recording.set_intensity."""
        self._anew(Recording.set_intensity, current_ua, channel)

    def adjust(self, rate_mhz, width_us, channel):
        """As Supervisor.adjust."""
        return self._anew(Recording.adjust, rate_mhz, width_us, channel)

    def _anew(self, act, *arguments):
        """`act`, and pulses that lie ready are as it leaves them."""
        let_go = self._on and self._ready and self._let_go()  # after a fault nothing reaches the engine
        try:
            return act(self, *arguments)
        finally:
            if let_go and self._on:
                self._get_ready()

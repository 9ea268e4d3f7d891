"""Contractions that their person starts: when the next one may begin, and the trains that wait for it. Pure: told the
time of the session's clock, which stands still in a pause, and what the biofeedback input or the hand switch says.

A contraction begins at the earliest when the one before and its rest are over, so the fastest person gets what time
alone would give, and no more; one that would not end within the session is not begun. The input is looked at only while
no pulse is on its way, and what it says counts only after it has said nothing for a moment: `Trigger.step`.

At the trigger input the chip itself begins the train (`trigger.EDGE`): its pulses lie ready from READY on, and whoever
calls says by `contract` and `Feed.begin` that the edge has come, when it is seen that pulses have begun.
"""

from nmes.core import train, trigger

# What a turn comes to.
NOTHING = 0
CONTRACT = 1  # a train begins now
DONE = 2  # none can begin any more
SATURATED = 3  # the input says more than any signal
STUCK = 4  # the hand switch does not open
WEAK = 5  # the tries were too like the rest before them to learn from
READY = 6  # a train may begin at the next rising edge of the trigger input, and the pulses of it may lie ready

# Where it is.
WORK = "work"
REST = "rest"
WAIT = "wait"
RELAX = "relax"  # before a try
TRY = "try"
_PLACES = (WORK, REST, WAIT, RELAX, TRY)

SAMPLES = 3  # turns in a row that a signal has to be low, and then high: as a button's press
SATURATED_MS = 1_000
STUCK_MS = 10_000
TRIES = 3
RELAX_MS = 3_000
TRY_MS = 3_000
LAST_MS = 1_000  # of RELAX: what the signal is at rest
EDGE_LATE_MS = 100  # an edge is seen a turn later at most, and none comes so late that its train would be cut short

_NEVER_MS = 1 << 28  # three days: no session lasts so long


class Trigger:
    """When the contractions of one session begin. `place` is one of the above; `mv` the signal as it was last seen;
    `by_signal`: it counts, and not the hand switch; `by_edge`: the trigger input counts; `threshold_mv` is 0 while it
    is not known; `begun`, `skipped` and `tries` are counts. `most_mv`: what the input says at most, see boards/stages.
    """

    def __init__(self, table, phase, duration_ms, most_mv):
        self._source = table["source"]
        self.by_signal = self._source == trigger.SIGNAL
        self.by_edge = self._source == trigger.EDGE
        self._begins = table["on_timeout"] == trigger.BEGIN
        self._hysteresis_mv = trigger.field(table, "hysteresis_mv")
        self._refractory_ms = trigger.field(table, "refractory_ms")
        self._timeout_ms = table["timeout_ms"]
        self._most = trigger.field(table, "contractions")
        self._train_ms = phase.train_ms
        self._cycle_ms = phase.cycle_ms
        self._last_begin_ms = duration_ms - phase.train_ms - (EDGE_LATE_MS if self.by_edge else 0)
        self._most_mv = most_mv
        self.threshold_mv = trigger.field(table, "threshold_mv") if self.by_signal else 0
        self.learns = self.by_signal and not self.threshold_mv
        self.mv = 0
        self.begun = self.skipped = self.tries = 0
        self._ready_ms = 0  # no contraction before
        self.resume(0)

    def resume(self, clock_ms):
        """The session begins, or goes on after a pause: what was seen before does not count."""
        self.place = REST
        self._listen_ms = max(clock_ms, self._ready_ms)
        self._since_ms = clock_ms
        self._high_ms = -1  # since when the input is saturated, or the switch closed
        self._low = self._high = 0  # turns in a row, up to SAMPLES
        self._armed = False  # it has been low
        if self.learns:
            self.place = RELAX
            self.tries = 0
            self._floor_mv = self._peak_mv = 0
            self._least_mv = self._most_mv
            self._one_mv = self._two_mv = 0  # the last two samples

    @property
    def listens(self):
        """Whether what the input says counts now."""
        return self.place == WAIT or self.learns

    def left_ms(self, clock_ms):
        """How long it stays where it is, at most."""
        if self.place == REST:
            return max(0, self._listen_ms - clock_ms)
        most_ms = RELAX_MS
        if self.place == WAIT:
            most_ms = self._timeout_ms
        elif self.place == TRY:
            most_ms = TRY_MS
        elif self.place == WORK:
            most_ms = self._train_ms
        return max(0, most_ms - (clock_ms - self._since_ms))

    def bar(self, columns):
        """The signal as so many columns at most: how many are filled, and which one is the threshold, -1 while it is
        not known. The threshold is in the middle."""
        full_mv = self.full_mv()
        filled = min(columns, self.mv * columns // full_mv)
        return filled, self.threshold_mv * columns // full_mv if self.threshold_mv else -1

    def full_mv(self):
        """What fills the bar."""
        return min(2 * self.threshold_mv, self._most_mv) or self._most_mv

    def status(self, looks):
        """What a host is told, keyed by trigger.STATUS_FIELDS. `looks`: the signal is looked at now."""
        return {
            "source": self._source,
            "signal_mv": self.mv if looks and self.by_signal and self.place != WORK else None,
            "threshold_mv": self.threshold_mv or None,
            "full_mv": self.full_mv(),
            "contractions": self.begun,
            "skipped": self.skipped,
            "tries": self.tries,
        }

    def seen(self, clock_ms, columns):
        """A small number that is another one when what is to be seen is."""
        return self.bar(columns)[0] + 128 * (self.left_ms(clock_ms) // 1000) + 32_768 * _PLACES.index(self.place)

    def step(self, clock_ms, mv, closed):
        """A turn while no train runs and no pulse is on its way: the signal, and whether the hand switch is closed, or
        the trigger input high. Returns what it comes to. Allocates nothing."""
        self.mv = mv
        if clock_ms > self._last_begin_ms or self._most and self.begun >= self._most:
            return DONE
        bad = self._is_bad(clock_ms, mv >= self._most_mv if self.by_signal else closed)
        if bad:
            return bad
        if self.learns:
            return self._learn(clock_ms, mv)
        if clock_ms < self._listen_ms:
            self.place = REST
            return NOTHING
        if self.place != WAIT:
            self.place = WAIT
            self._since_ms = clock_ms
            self._low = self._high = 0
            self._armed = False
        if self.by_signal:
            low = mv < self.threshold_mv - self._hysteresis_mv
            high = self.threshold_mv <= mv < self._most_mv
        else:
            low = not closed
            high = closed
        self._low = self._low + 1 if low else 0
        self._high = self._high + 1 if high else 0
        if self._low >= SAMPLES:
            self._armed = True
        if self._armed and self._high >= SAMPLES and not self.by_edge:
            return self.contract(clock_ms)
        if clock_ms - self._since_ms < self._timeout_ms:
            return READY if self.by_edge and self._low >= SAMPLES else NOTHING
        if self._begins:
            return self.contract(clock_ms)
        self.skipped += 1
        self.place = REST
        self._listen_ms = clock_ms + self._cycle_ms - self._train_ms
        return NOTHING

    def contract(self, clock_ms):
        """A contraction begins now. Returns CONTRACT."""
        self.begun += 1
        self.place = WORK
        self._since_ms = clock_ms
        # Of the session's clock, so that a pause within it shortens neither.
        self._listen_ms = self._ready_ms = clock_ms + max(self._cycle_ms, self._train_ms + self._refractory_ms)
        return CONTRACT

    def _is_bad(self, clock_ms, high):
        """What can be no signal and no press, because it does not end."""
        if not high:
            self._high_ms = -1
        elif self._high_ms < 0:
            self._high_ms = clock_ms
        elif clock_ms - self._high_ms >= (SATURATED_MS if self.by_signal else STUCK_MS):
            return SATURATED if self.by_signal else STUCK
        return NOTHING

    def _learn(self, clock_ms, mv):
        """TRIES times let go, then tighten. The threshold is halfway from the highest rest to the weakest try, each the
        highest that was held for SAMPLES turns; WEAK when the hysteresis would not go four times between the two."""
        at_ms = clock_ms - self._since_ms
        held_mv = min(mv, self._one_mv)
        held_mv = min(held_mv, self._two_mv)
        self._two_mv = self._one_mv
        self._one_mv = mv
        if self.place == RELAX:
            if at_ms >= RELAX_MS - LAST_MS:
                self._floor_mv = max(self._floor_mv, held_mv)
            if at_ms >= RELAX_MS:
                self.place = TRY
                self._since_ms = clock_ms
                self._peak_mv = 0
            return NOTHING
        self._peak_mv = max(self._peak_mv, held_mv)
        if at_ms < TRY_MS:
            return NOTHING
        self._least_mv = min(self._least_mv, self._peak_mv)
        self.tries += 1
        self.place = RELAX
        self._since_ms = clock_ms
        if self.tries < TRIES:
            return NOTHING
        span_mv = self._least_mv - self._floor_mv
        if span_mv < 4 * self._hysteresis_mv:
            return WEAK
        self.threshold_mv = self._floor_mv + span_mv // 2
        self.learns = False
        self.place = REST
        self._listen_ms = clock_ms + RELAX_MS
        return NOTHING


class Feed(train.Feed):
    """The trains of a channel, each of which waits until `begin`. `trigger` says where it is between them. `ready`: the
    first pulses of the train that waits are queued, and the chip will begin them."""

    def __init__(self, channel, trigger):
        self.trigger = trigger
        self.ready = False
        self._all_ready = False  # the last pulse of that train is among them
        self._begun_ms = 0  # of the train before
        train.Feed.__init__(self, channel)
        self._hold()

    def _hold(self):
        """Of the next train nobody knows when it begins. Nothing of it is due, and nothing has to come in time."""
        self.begin_ms = _NEVER_MS
        self.taken = False

    def waits(self):
        """Whether the next train waits for its begin."""
        return self.ready or self.phase is not None and self.begin_ms == _NEVER_MS

    def begin(self, clock_ms):
        """The train that waits begins now."""
        self.get_ready(clock_ms)
        self.ready = self._all_ready = False

    def get_ready(self, clock_ms):
        """The train that waits would begin now: its first pulses are due."""
        self.ready = True
        if self._all_ready:
            self._begun_ms = clock_ms
        else:
            self.begin_ms = clock_ms

    def let_go(self):
        """The train that was ready waits as before. Its pulses have been put back."""
        self.ready = self._all_ready = False
        self._hold()

    def next_us(self):
        """As train.Feed.next_us; None while the next pulse waits for its train."""
        return None if self.waits() else train.Feed.next_us(self)

    def part(self, elapsed_ms):
        """Where the session is: "work", "rest", "wait", "relax", "try" or "done"."""
        if not self.waits():
            return train.Feed.part(self, elapsed_ms)
        if self.trigger.place == WORK and elapsed_ms >= self._begun_ms + self.phase.span_ms:
            return REST  # and a turn later the trigger knows it
        return self.trigger.place

    def _prepare(self):
        train.Feed._prepare(self)
        if self.k == self._pulses - 1:
            self.interval_us = self.phase.least_after(self.phase.interval_at(self._n, self._offset_us))

    def _next_train(self):
        self._begun_ms = self.begin_ms
        train.Feed._next_train(self)
        self._all_ready = self.ready
        if self.phase is not None:
            self._hold()

    def _previous_train(self):
        train.Feed._previous_train(self)
        self.begin_ms = self._begun_ms
        self.taken = True
        self._all_ready = False

"""Which pulse comes next: the trains of a programme on the session's clock, and the envelope over each train.

Every pulse carries the interval to the next one, also over the rest between two trains: the engine keeps the time from
the first pulse to the last, and the clock here only has to be a little ahead of it.
"""

# A pulse is due so long before its time. Less is queued: nmes.hal.LOOKAHEAD_US bounds that too.
AHEAD_MS = 66


def envelope(phase, t_ms, full):
    """`full` as it is at `t_ms` into a train of `phase`, rounded down: the ramps, nothing else. Allocates nothing."""
    if t_ms < phase.ramp_up_ms:
        return full * t_ms // phase.ramp_up_ms
    left_ms = max(0, phase.span_ms - t_ms)
    if left_ms < phase.ramp_down_ms:
        return full * left_ms // phase.ramp_down_ms
    return full


class Feed:
    """Walks through the trains of `phases` (of a programme, or of one of its channels).

    `k` of the current train's `phase.pulses` pulses have been taken. The next pulse has the width `width_us` and comes
    `interval_us` before the one after it; `phase` is None when there is none.
    """

    def __init__(self, channel):
        self._phases = channel.phases
        self._phase_index = 0
        self._phase_begin_ms = 0
        self._train_index = 0
        self._taken = False
        self.phase = self._phases[0]
        self.begin_ms = 0  # on the channel's clock
        self.width_us = 0
        self.interval_us = 0
        self._n = 0  # of the pulse in its turn, which began _turn_us before it
        self._turn_us = 0
        self.seek(0)

    def due(self, elapsed_ms):
        """True when the next pulse is to be queued: its time comes within AHEAD_MS."""
        return self.phase is not None and elapsed_ms + AHEAD_MS >= self.begin_ms + self._t_ms

    def in_train(self):
        """True between the first pulse and the last: more must come in time."""
        return self._taken and self.phase is not None

    def next_us(self):
        """When the next pulse begins, on the channel's clock; None when there is none."""
        return None if self.phase is None else (self.begin_ms + self._t_ms) * 1000 + self._t_us

    def next_ms(self):
        """The same in whole milliseconds; only if there is one. Allocates nothing."""
        return self.begin_ms + self._t_ms

    def part(self, elapsed_ms):
        """Where the session is: "work", "rest" or "done"."""
        if self.phase is None:
            return "done"
        return "work" if self.begin_ms <= elapsed_ms < self.begin_ms + self.phase.span_ms else "rest"

    def level(self, full):
        """`full` scaled by the envelope at the next pulse; rounded down."""
        return envelope(self.phase, self._t_ms, full)

    def take(self):
        """The next pulse has been queued."""
        self._taken = True
        self.k += 1
        if self.k >= self.phase.pulses:
            self._late_us = self._late_after_us
            self._next_train()
            self._begin_train()
            return
        self._t_us += self.interval_us
        self._t_ms += self._t_us // 1000
        self._t_us %= 1000
        self._n += 1
        self._turn_us += self.interval_us
        if self._n == self.phase.turn_pulses:
            self._n = 0
            self._turn_us = 0
        self._prepare()

    def put_back(self, count):
        """The last `count` pulses taken were cancelled before they began, maybe in a train that is already left.

        The engine is at rest then and begins anew: nothing is late any more.
        """
        self.k -= count
        while self.k < 0:
            self._previous_train()
            self.k += self.phase.pulses
        if self.phase is not None:
            self.seek(self.k)

    def seek(self, k):
        """Stand at pulse `k` of the current train."""
        self.k = k
        t_us = self.phase.start_us(k)
        self._t_ms = t_us // 1000
        self._t_us = t_us % 1000
        self._n = k % self.phase.turn_pulses
        self._turn_us = self.phase.offset_us(self._n)
        self._late_us = 0
        self._prepare()

    def _begin_train(self):
        self._t_ms = self._t_us = self._n = self._turn_us = 0
        if self.phase is not None:
            self._prepare()

    def _prepare(self):
        phase = self.phase
        self.width_us = phase.width_at(self._n, self._turn_us)
        interval_us = phase.interval_at(self._n, self._turn_us)
        self._late_after_us = 0
        if self.k == phase.pulses - 1:
            next_ms = self._next_begin_ms()
            if next_ms >= 0:
                # The last pulse of a phase keeps its own interval; what that is too long is made good in a later rest.
                rest_us = (next_ms - self.begin_ms - self._t_ms) * 1000 - self._t_us - self._late_us
                least_us = phase.least_after(interval_us)
                self._late_after_us = max(0, least_us - rest_us)
                interval_us = max(least_us, rest_us)
        self.interval_us = interval_us

    def _next_begin_ms(self):
        if self._train_index + 1 < self.phase.trains:
            return self.begin_ms + self.phase.cycle_ms
        if self._phase_index + 1 < len(self._phases):
            return self._phase_begin_ms + self.phase.duration_ms
        return -1

    def _next_train(self):
        self.k = 0
        self._train_index += 1
        if self._train_index >= self.phase.trains:
            self._train_index = 0
            self._phase_begin_ms += self.phase.duration_ms
            self._phase_index += 1
            if self._phase_index >= len(self._phases):
                self.phase = None
                return
            self.phase = self._phases[self._phase_index]
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

    def _previous_train(self):
        if self._train_index == 0:
            if self._phase_index == 0:
                raise ValueError("more pulses put back than taken")
            self._phase_index -= 1
            self.phase = self._phases[self._phase_index]
            self._phase_begin_ms -= self.phase.duration_ms
            self._train_index = self.phase.trains
        self._train_index -= 1
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

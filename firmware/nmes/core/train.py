"""Which pulse comes next: the trains of a programme on the session's clock, and the envelope over each train."""


def envelope(phase, t_ms, full):
    """`full` as it is at `t_ms` into a train of `phase`, rounded down: the ramps, nothing else. Allocates nothing."""
    if t_ms < phase.ramp_up_ms:
        return full * t_ms // phase.ramp_up_ms
    left_ms = phase.train_ms - t_ms
    if left_ms < phase.ramp_down_ms:
        return full * left_ms // phase.ramp_down_ms
    return full


class Feed:
    """Walks through a programme's trains. `k` of the current train's `phase.pulses` pulses have been taken."""

    def __init__(self, programme):
        self._programme = programme
        self._phase_index = 0
        self._phase_begin_ms = 0
        self._train_index = 0
        self.phase = programme.phases[0]
        self.begin_ms = 0  # on the session's clock
        self.k = 0

    def due(self, elapsed_ms):
        """True when the next pulse belongs to a train that has begun; moves on from trains that are complete."""
        while self.phase is not None and self.k >= self.phase.pulses:
            self._next_train()
        return self.phase is not None and elapsed_ms >= self.begin_ms

    def in_train(self):
        """True between a train's first pulse and its last: more must come in time."""
        return self.phase is not None and 0 < self.k < self.phase.pulses

    def part(self, elapsed_ms):
        """Where the session is: "work", "rest" or "done"."""
        if self.phase is None:
            return "done"
        return "work" if self.begin_ms <= elapsed_ms < self.begin_ms + self.phase.train_ms else "rest"

    def level(self, full):
        """`full` scaled by the envelope at the next pulse; rounded down."""
        period_us = self.phase.period_us
        # k * period_us // 1000, but never beyond 30 bits, which the device would have to allocate.
        t_ms = self.k * (period_us // 1000) + self.k * (period_us % 1000) // 1000
        return envelope(self.phase, t_ms, full)

    def take(self):
        """The next pulse has been queued."""
        self.k += 1

    def put_back(self, count):
        """The last `count` pulses taken were cancelled before they began, maybe in a train that is already left."""
        self.k -= count
        while self.k < 0:
            self._previous_train()
            self.k += self.phase.pulses

    def _next_train(self):
        self.k = 0
        self._train_index += 1
        if self._train_index >= self.phase.trains:
            self._train_index = 0
            self._phase_begin_ms += self.phase.duration_ms
            self._phase_index += 1
            if self._phase_index >= len(self._programme.phases):
                self.phase = None
                return
            self.phase = self._programme.phases[self._phase_index]
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

    def _previous_train(self):
        if self._train_index == 0:
            if self._phase_index == 0:
                raise ValueError("more pulses put back than taken")
            self._phase_index -= 1
            self.phase = self._programme.phases[self._phase_index]
            self._phase_begin_ms -= self.phase.duration_ms
            self._train_index = self.phase.trains
        self._train_index -= 1
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

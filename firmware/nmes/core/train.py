"""Which pulse comes next: the trains of a programme on the session's clock, and the envelope over each train.

Every pulse carries the interval to the next one, also over the rest between two trains: the engine keeps the time from
the first pulse to the last, and the clock here only has to be a little ahead of it. Every train begins at its time:
there is no pulse whose interval would reach into the next train (`Phase.followed`, and `trains_overlap` is refused).
"""

from collections import namedtuple

# A pulse is due so long before its time. Less is queued: LOOKAHEAD_US of nmes/hal/common.py bounds that too.
AHEAD_MS = 66
# No engine holds so many pulses: what was taken longer ago is never put back.
_KEPT = 64


def envelope(phase, t_ms, full):
    """`full` as it is at `t_ms` into a train of `phase`, rounded down: the ramps, nothing else. Allocates nothing."""
    if t_ms < phase.ramp_up_ms:
        return full * t_ms // phase.ramp_up_ms
    left_ms = max(0, phase.span_ms - t_ms)
    if left_ms < phase.ramp_down_ms:
        return full * left_ms // phase.ramp_down_ms
    return full


# A phase that was changed while it runs: where the change comes, and what holds from there on.
Change = namedtuple(
    "Change",
    (
        "phase_index",  # of the phase that was changed
        "train_index",  # of its train in which the change comes
        "k",  # of the first pulse in that train that is new
        "t_us",  # when that pulse begins, from the train's begin
        "phase",  # the phase as it is from there on, in the trains that follow too
        "pulses",  # how many that train has in all, old and new ones
        "number",  # how many pulses of the feed come before the first new one
    ),
)


class Feed:
    """Walks through the trains of `phases` (of a programme, or of one of its channels).

    `k` of the current train's pulses have been taken, `number` of all trains. The next pulse begins `t_ms` and some
    microseconds into the train that begins at `begin_ms`. It has the width `width_us` and comes `interval_us` before
    the one after it; `phase` is None when there is none. `phase_index` is its place.
    """

    _late_us = None  # was how late a train begins; none ever is, and tools that ask for it are told so

    def __init__(self, channel):
        self._phases = channel.phases
        self._changes: tuple = ()  # in order
        self._known_from = 0  # of pulses before this one it is forgotten what they were
        self.phase_index = 0
        self._phase_begin_ms = 0
        self._train_index = 0
        self.taken = False  # whether any pulse has been taken
        self.level = 0  # of the next pulse, when `alike` was last asked
        self.number = 0
        self.phase = self._phases[0]
        self.begin_ms = 0  # on the channel's clock
        self.last_ms = 0  # when the last pulse of the last train that is all taken begins
        self.width_us = 0
        self.interval_us = 0
        self._n = 0  # of the pulse in its pattern, which began _offset_us before it
        self._offset_us = 0
        self.seek(0)

    def next_us(self):
        """When the next pulse begins, on the channel's clock; None when there is none."""
        return None if self.phase is None else (self.begin_ms + self.t_ms) * 1000 + self._t_us

    def next_ms(self):
        """The same in whole milliseconds; only if there is one. Allocates nothing."""
        return self.begin_ms + self.t_ms

    def part(self, elapsed_ms):
        """Where the session is: "work", "rest" or "done"."""
        if self.phase is None:
            return "done"
        return "work" if self.begin_ms <= elapsed_ms < self.begin_ms + self.phase.span_ms else "rest"

    def alike(self, full, elapsed_ms, most):
        """Find the `level` of the next pulse: `full` scaled by the envelope, rounded down. Returns how many pulses from
        it on are due and like it, at most `most`: of one width, interval and level. 0 when none is due. Allocates
        nothing."""
        phase, k = self.phase, self.k
        t_ms, t_us = self.t_ms, self._t_us
        left_ms = elapsed_ms + AHEAD_MS - self.begin_ms - t_ms
        if phase is None or left_ms < 0:
            return 0
        # An interval is another one only at a train's end and where the phase was changed; in bursts, sweeps and
        # alternations it is often another.
        most = min(most, self._pulses - 1 - k, self._until_k - k)
        if most > 1 and phase.pattern_pulses == 1:
            most = min(most, 1 + (1000 * left_ms + 999 - t_us) // self.interval_us)
        else:
            most = 1
        last_ms = t_ms + (t_us + (most - 1) * self.interval_us) // 1000
        if t_ms >= phase.ramp_up_ms and phase.span_ms - last_ms >= phase.ramp_down_ms:  # between the ramps
            self.level = full
            return most
        self.level = level = envelope(phase, t_ms, full)
        count = 1
        while count < most and envelope(phase, t_ms + (t_us + count * self.interval_us) // 1000, full) == level:
            count += 1
        return count

    def take(self, count=1):
        """The next `count` pulses have been queued: more than 1 only if they are alike."""
        self.taken = True
        self.number += count
        self.k += count
        other = self.k >= self._until_k
        if other:
            if self.k >= self._pulses:
                self.last_ms = self.begin_ms + self.t_ms
                self._next_train()
                self._begin_train()
                return
            self._find()
        self._t_us += count * self.interval_us
        self.t_ms += self._t_us // 1000
        self._t_us %= 1000
        if self.phase.pattern_pulses == 1 and not other and self.k != self._pulses - 1:
            return  # it is as the one before, which is so for most and saves the CPU half of this
        self._n += 1
        self._offset_us += self.interval_us
        if self._n == self.phase.pattern_pulses:
            self._n = 0
            self._offset_us = 0
        self._prepare()

    def works(self, less=0):
        """How many trains have begun, but for the last `less` pulses taken: they are put back, and the feed is not used
        any more."""
        if 0 < less <= self.number - self._known_from:
            self.put_back(less)
        before = sum([phase.trains for phase in self._phases[: self.phase_index]])
        return before + self._train_index + (1 if self.phase is not None and self.k else 0)

    def put_back(self, count):
        """The last `count` pulses taken were cancelled before they began, maybe in a train that is already left.

        What was cancelled comes again as it was asked for, before a change with the old rate and width.
        """
        if self.number - count < self._known_from:
            raise ValueError("more pulses put back than taken")
        self.number -= count
        self.k -= count
        while self.k < 0:
            self._previous_train()
            self._find()
            self.k += self._pulses
        if self.phase is not None:
            self.seek(self.k)

    def change(self, phase):
        """From the next pulse on, the phase that it belongs to is `phase`: another rate or width, all else alike, both
        without bursts and changes of their own. Returns how many pulses of the feed come before it; -1, and nothing
        changed, when no pulse is left for it.

        The next pulse comes when it would have come, one old interval after the one before: it is the first with the
        new width, and the interval after it is the first new one. The train ends at its time and the next one begins
        at its time. As many pulses as begin until then still come, no more than the rate asks for in what is left, and
        none whose interval would reach beyond the next train's begin. Is there room for none, then this train goes on
        as it is and the phase's next train is the first. Changes from that pulse on, which only cancelled pulses can
        have, are forgotten.
        """
        if self.phase is None:
            return -1
        train_index, k, t_us, number = self._train_index, self.k, self.t_ms * 1000 + self._t_us, self.number
        pulses = self._pulses_here
        if phase.rate_mhz != self.phase.rate_mhz:
            pulses = k + self._fit(phase, t_us)
        if pulses == k:
            if train_index + 1 >= phase.trains:
                return -1
            number += self._pulses - k
            train_index, k, t_us, pulses = train_index + 1, 0, 0, phase.pulses
        change = Change(self.phase_index, train_index, k, t_us, phase, pulses, number)
        kept = [c for c in self._changes if c.number < number]
        while len(kept) > 1 and kept[1].number <= self.number - _KEPT:
            kept.pop(0)
            self._known_from = kept[0].number
        self._changes = tuple(kept) + (change,)
        self._find()
        self._prepare()
        return number

    def planned(self, phase=None):
        """The phases, each as it was last changed; with `phase` as if that change came now."""
        phases = list(self._phases)
        for change in self._changes:
            if phase is None or change.phase_index < self.phase_index:
                phases[change.phase_index] = change.phase
        if phase is not None:
            phases[self.phase_index] = phase
        return phases

    def seek(self, k):
        """Stand at pulse `k` of the current train."""
        self.k = k
        self._find()
        k -= self._from_k
        t_us = self._from_us + self.phase.start_us(k)
        self.t_ms = t_us // 1000
        self._t_us = t_us % 1000
        self._n = k % self.phase.pattern_pulses
        self._offset_us = self.phase.offset_us(self._n)
        self._prepare()

    def _begin_train(self):
        self.t_ms = self._t_us = self._n = self._offset_us = 0
        if self.phase is not None:
            self._find()
            self._prepare()

    def _find(self):
        """Find what pulse `k` of this train belongs to: `phase`, from `_from_k` until `_until_k`, of `_pulses` in all
        (`_pulses_here` if no further change came)."""
        phase = self._phases[self.phase_index]
        pulses = here = phase.pulses
        self._from_k = self._from_us = 0
        until_k = -1
        for i in range(len(self._changes)):
            change = self._changes[i]
            if change.phase_index != self.phase_index or change.train_index > self._train_index:
                continue
            if change.train_index < self._train_index:
                phase = change.phase
                pulses = here = phase.pulses
                continue
            pulses = change.pulses
            if change.k <= self.k:
                phase = change.phase
                here = pulses
                self._from_k = change.k
                self._from_us = change.t_us
            elif until_k < 0:
                until_k = change.k
        self.phase = phase
        self._pulses = pulses
        self._pulses_here = here
        self._until_k = pulses if until_k < 0 else until_k

    def _fit(self, phase, t_us):
        """How many pulses of `phase` there is room for from `t_us` to the train's end."""
        left_us = phase.train_ms * 1000 - t_us
        count = min((left_us - 1) // phase.period_us + 1, -(-left_us * phase.rate_mhz // 1_000_000_000))
        next_ms = self._next_begin_ms()
        if next_ms >= 0:
            room_us = (next_ms - self.begin_ms) * 1000
            if phase.followed:
                room_us = min(room_us, phase.room_us)  # all trains of a phase are alike
            count = max(0, min(count, (room_us - t_us) // phase.period_us))
        return count

    def _prepare(self):
        phase = self.phase
        self.width_us = phase.width_at(self._n, self._offset_us)
        self.interval_us = phase.interval_at(self._n, self._offset_us)
        if self.k == self._pulses - 1:
            next_ms = self._next_begin_ms()
            if next_ms >= 0:
                self.interval_us = (next_ms - self.begin_ms - self.t_ms) * 1000 - self._t_us

    def _next_begin_ms(self):
        if self._train_index + 1 < self.phase.trains:
            return self.begin_ms + self.phase.cycle_ms
        if self.phase_index + 1 < len(self._phases):
            return self._phase_begin_ms + self.phase.duration_ms
        return -1

    def _next_train(self):
        self.k = 0
        self._train_index += 1
        if self._train_index >= self.phase.trains:
            self._train_index = 0
            self._phase_begin_ms += self.phase.duration_ms
            self.phase_index += 1
            if self.phase_index >= len(self._phases):
                self.phase = None
                return
            self.phase = self._phases[self.phase_index]  # or what it was changed to: see _find
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

    def _previous_train(self):
        if self._train_index == 0:
            self.phase_index -= 1
            self.phase = self._phases[self.phase_index]
            self._phase_begin_ms -= self.phase.duration_ms
            self._train_index = self.phase.trains
        self._train_index -= 1
        self.begin_ms = self._phase_begin_ms + self._train_index * self.phase.cycle_ms

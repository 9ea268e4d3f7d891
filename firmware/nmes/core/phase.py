"""One phase of a programme: its fields, and the pattern of pulses that its trains repeat.

A train repeats one pattern: a burst, one there-and-back of an alternation or a sweep, or a single pulse. Pulse `n` of
a pattern, `t_us` after the pattern's begin, has a width and an interval to the next one. How many pulses a train has,
when each begins, and which second is the strongest, is found by walking through it pulse by pulse.
"""

from nmes.core import pulse

CHANGES = ("none", "sweep", "alternate")
DUMMY = "dummy"  # a resistor, nobody connected

_ENVELOPE = "OpenNMES envelope"
ENGINE = "pulse engine"
BURST_PULSES_MOST = 100

# field: (least, most, where the bounds come from, what it is when it is not given; None: it has to be given).
PHASE_FIELDS = {
    "rate_mhz": (1_000, 150_000, _ENVELOPE, None),
    "width_us": (50, 500, _ENVELOPE, None),
    "gap_us": (0, 200, _ENVELOPE, None),
    "work_ms": (0, 30_000, _ENVELOPE, None),
    "rest_ms": (0, 120_000, _ENVELOPE, None),
    "ramp_up_ms": (500, 5_000, _ENVELOPE, None),
    "ramp_down_ms": (500, 5_000, _ENVELOPE, None),
    "duration_ms": (1_000, 3_600_000, _ENVELOPE, None),
    "ratio": (1, 10, ENGINE, 1),  # phase B is so many times as long as phase A, and so many times weaker
    "pulses": (0, 100_000, ENGINE, 0),  # of a train; 0: as many as begin within it (see Phase)
    "burst_pulses": (0, BURST_PULSES_MOST, ENGINE, 0),  # 0: no bursts
    "burst_rate_mhz": (0, 50_000, _ENVELOPE, 0),
    "rate_to_mhz": (0, 150_000, _ENVELOPE, 0),  # 0: the rate does not change
    "width_to_us": (0, 500, _ENVELOPE, 0),
    "change_ms": (0, 10_000, ENGINE, 0),
}
RATE_MOST_MHZ = 500_000
# Filling the queue and judging what was measured takes the CPU up to 1.3 ms a pulse. Two channels may ask for this much
# together: at twice 200 Hz, with a host that asks for status all the time, a queue ran dry (tests/chip/test_trains.py).
RATES_TOGETHER_MOST_MHZ = 300_000
# What a resistor may get: what the engine can do. The rest is as for a person.
DUMMY_FIELDS = {
    "rate_mhz": (500, RATE_MOST_MHZ, ENGINE, None),
    "width_us": (10, 1_000, ENGINE, None),
    "gap_us": (0, 1_000, ENGINE, None),
    "ramp_up_ms": (0, 5_000, ENGINE, None),
    "ramp_down_ms": (0, 5_000, ENGINE, None),
    "burst_rate_mhz": (0, 250_000, ENGINE, 0),
    "rate_to_mhz": (0, RATE_MOST_MHZ, ENGINE, 0),
    "width_to_us": (0, 1_000, ENGINE, 0),
}
# Fields of which 0 says that there is no such thing; else they have the bounds of another.
OR_ZERO = {"rate_to_mhz": "rate_mhz", "width_to_us": "width_us"}
BURST_RATE_LEAST_MHZ = 500
CHANGE_LEAST_MS = 100
WINDOW_US = 1_000_000

_ANY = 0x3FFFFFFF


def bounds(field, kind):
    """(least, most, source, default) of a phase's field for a kind of electrode."""
    if kind == DUMMY and field in DUMMY_FIELDS:
        return DUMMY_FIELDS[field]
    return PHASE_FIELDS[field]


def _between(one, other, at, whole):
    """`one` at 0, `other` at `whole`, on the straight line between; rounded down; never beyond 30 bits."""
    step = other - one
    return one + step // whole * at + step % whole * at // whole


class Phase:
    """One phase of a programme; attributes are the fields of PHASE_FIELDS, `change` and `name`; `fields` as given.

    `followed`: another phase of the channel begins where this one ends. Then a pulse whose interval would reach into
    that phase is not given, in none of the trains: the next phase begins in time, and nothing comes sooner than at the
    rate of the phase that runs.
    """

    def __init__(self, name, fields, followed=False):
        def value(field):
            return fields.get(field, PHASE_FIELDS[field][3])

        self.name = name
        self.fields = fields
        self.followed = followed
        self.rate_mhz = value("rate_mhz")
        self.width_us = value("width_us")
        self.gap_us = value("gap_us")
        self.work_ms = value("work_ms")
        self.rest_ms = value("rest_ms")
        self.ramp_up_ms = value("ramp_up_ms")
        self.ramp_down_ms = value("ramp_down_ms")
        self.duration_ms = value("duration_ms")
        self.ratio = value("ratio")
        self.burst_pulses = value("burst_pulses")
        self.burst_rate_mhz = value("burst_rate_mhz")
        self.rate_to_mhz = value("rate_to_mhz")
        self.width_to_us = value("width_to_us")
        self.change_ms = value("change_ms")
        self.change = fields.get("change", "none")
        self._sweeps = self.change == "sweep"
        self._last_rate_mhz = self.rate_to_mhz or self.rate_mhz
        self._last_width_us = self.width_to_us or self.width_us
        self.period_us = pulse.period_us(self.rate_mhz)
        self._last_period_us = pulse.period_us(self._last_rate_mhz)
        self.fastest_mhz = max(self.rate_mhz, self._last_rate_mhz)
        self.shortest_period_us = min(self.period_us, self._last_period_us)
        self.widest_us = max(self.width_us, self._last_width_us)
        self.narrowest_us = min(self.width_us, self._last_width_us)
        # One train lasts `train_ms`; a new one starts every `cycle_ms`; `trains` of them fit.
        if self.work_ms:
            self.train_ms = self.work_ms
            self.cycle_ms = self.work_ms + self.rest_ms
        else:
            self.train_ms = self.cycle_ms = self.duration_ms
        self.trains = max(0, (self.duration_ms - self.train_ms) // self.cycle_ms + 1)
        self._duty = None
        self._find_pattern()
        self.room_us = (self.duration_ms - (self.trains - 1) * self.cycle_ms) * 1000  # of the last train
        begin = min(self._fit(), self._asked())
        busy_us = self._until_next_us(begin)
        self.pulses_in_time = begin - 1 if followed and busy_us > self.room_us else begin
        self.pulses = value("pulses") or max(1, self.pulses_in_time)  # 0 do not fit, which is refused
        # The envelope ends with the train: after its time, or after the interval of its last pulse.
        self.span_ms = -(-self.start_us(self.pulses) // 1000) if value("pulses") else self.train_ms
        self.busy_us = self._until_next_us(value("pulses")) if value("pulses") else busy_us

    def _find_pattern(self):
        """How many pulses a pattern has, and how long it is."""
        self._half = 0  # pulses of a pattern before the other half of an alternation
        self._burst_last_us = self.period_us  # the interval of a pattern's last pulse
        self.pattern_pulses = 1
        if self.burst_pulses:
            self.pattern_pulses = self.burst_pulses
            self._burst_last_us = (
                pulse.period_us(self.burst_rate_mhz) - (self.burst_pulses - 1) * self.period_us
                if self.burst_rate_mhz
                else self.period_us
            )
        elif self.change == "alternate":
            self._half = self._in(self.change_ms, self.rate_mhz, self.period_us)
            self.pattern_pulses = self._half + self._in(self.change_ms, self._last_rate_mhz, self._last_period_us)
        elif self._sweeps:
            self.pattern_pulses = max(1, self._walk(_ANY, 2000 * self.change_ms)[0])
        self.pattern_us = self._walk(self.pattern_pulses, _ANY)[1]

    @property
    def duty(self):
        """The mean of rate times width over the worst second of a train, or over the train when it is shorter; in
        mHz us, rounded up.

        Each pulse counts for its own interval, so a constant rate counts as itself. A rest between bursts is part of
        the train, one between trains is not: a window never reaches beyond the train. (Two trains of bursts that follow
        each other can have a twelfth more energy in the second around their joint; without bursts the ramps see to it
        that there is none. tests/core_reference/test_worst_second.py looks at whole sessions.)
        """
        if self._duty is None:
            self._duty = self._worst_second()
        return self._duty

    def _worst_second(self):
        if self.change == "none" and not self.burst_pulses:
            return self.rate_mhz * self.width_us
        window_us = min(WINDOW_US, self.busy_us)
        end_us = min(self.busy_us, window_us + self.pattern_us)  # after a pattern it would all come again
        entering, leaving = self._shares(), self._shares()
        in_us = out_us = in_share = out_share = within = most = t_us = 0
        while t_us < end_us:
            if not in_us:
                in_us, in_share = next(entering)
            if t_us < window_us:
                step_us = min(in_us, window_us - t_us)
            else:
                if not out_us:
                    out_us, out_share = next(leaving)
                step_us = min(in_us, out_us)
                out_us -= step_us
                within -= step_us * out_share
            in_us -= step_us
            within += step_us * in_share
            t_us += step_us
            most = max(most, within)
        return -(-most // window_us)

    def _shares(self):
        """(time, rate times width) of a train, one after the other: each pulse for its own interval, and the rest of a
        burst, which has none."""
        n = t_us = 0
        while True:
            rate_mhz = self.rate_mhz
            if self._sweeps:
                rate_mhz = _between(rate_mhz, self._last_rate_mhz, self._turned(t_us), self.change_ms)
            elif self._half and n >= self._half:
                rate_mhz = self._last_rate_mhz
            interval_us = self.interval_at(n, t_us)
            own_us = self.least_after(interval_us)
            yield own_us, rate_mhz * self.width_at(n, t_us)
            if interval_us > own_us:
                yield interval_us - own_us, 0
            t_us += interval_us
            n += 1
            if n == self.pattern_pulses:
                n = t_us = 0

    def _in(self, ms, rate_mhz, period_us):
        """Pulses of a constant rate within `ms`: those that begin within it, and no more than the rate asks for: where
        the period is rounded down one more would fit."""
        return min((ms * 1000 - 1) // period_us + 1, (ms * rate_mhz + 999_999) // 1_000_000)

    def _fit(self):
        """How many pulses begin within a train, one interval after the other."""
        whole, rest_us = self.train_ms * 1000 // self.pattern_us, self.train_ms * 1000 % self.pattern_us
        return whole * self.pattern_pulses + self._walk(self.pattern_pulses, rest_us)[0]

    def _asked(self):
        """How many pulses the rates ask for; where periods are rounded down more would fit."""
        if self.burst_pulses:
            return -(-self.train_ms * self.burst_rate_mhz // 1_000_000) * self.burst_pulses
        if self.change == "none":
            return self._in(self.train_ms, self.rate_mhz, self.period_us)
        if self._sweeps or not self.change_ms:
            return _ANY
        whole, rest_ms = self.train_ms // (2 * self.change_ms), self.train_ms % (2 * self.change_ms)
        asked = whole * self.pattern_pulses
        if rest_ms:
            asked += self._in(min(rest_ms, self.change_ms), self.rate_mhz, self.period_us)
        if rest_ms > self.change_ms:
            asked += self._in(rest_ms - self.change_ms, self._last_rate_mhz, self._last_period_us)
        return asked

    def _until_next_us(self, count):
        """How soon another train may follow `count` pulses, from the train's begin."""
        n = (count - 1) % self.pattern_pulses
        return self.start_us(count - 1) + self.least_after(self.interval_at(n, self.offset_us(n)))

    def _walk(self, most, until_us):
        """Through one pattern to its pulse `most`, or the first that begins at `until_us` or later: (number, begin)."""
        n = t_us = 0
        while n < most and t_us < until_us:
            t_us += self.interval_at(n, t_us)
            n += 1
        return n, t_us

    def start_us(self, k):
        """When pulse `k` of a train begins, from the train's begin."""
        return k // self.pattern_pulses * self.pattern_us + self.offset_us(k % self.pattern_pulses)

    def offset_us(self, n):
        """When pulse `n` of a pattern begins, from the pattern's begin."""
        return self._walk(n, _ANY)[1]

    # ---- for every pulse: nothing here allocates ----

    def least_after(self, interval_us):
        """How soon another train may follow a last pulse whose own interval is this: no rest belongs to a burst."""
        return self.period_us if self.burst_pulses else interval_us

    def _turned(self, t_us):
        """How far a sweep is from its begin: up to change_ms and back again."""
        t_ms = t_us // 1000
        return t_ms if t_ms <= self.change_ms else max(0, 2 * self.change_ms - t_ms)

    def width_at(self, n, t_us):
        """Phase A's width of pulse `n` of a pattern, `t_us` after the pattern's begin."""
        if self._sweeps:
            return _between(self.width_us, self._last_width_us, self._turned(t_us), self.change_ms)
        return self.width_us if n < self._half or not self._half else self._last_width_us

    def interval_at(self, n, t_us):
        """From the begin of pulse `n` of a pattern to that of the next."""
        if self._sweeps:
            return pulse.period_us(_between(self.rate_mhz, self._last_rate_mhz, self._turned(t_us), self.change_ms))
        if self._half:
            return self.period_us if n < self._half else self._last_period_us
        return self._burst_last_us if n == self.pattern_pulses - 1 else self.period_us

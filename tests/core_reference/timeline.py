"""When every pulse of a channel has to begin, a second time: from the fields as they were given, in fractions.

Shares nothing with nmes/core/phase.py and train.py: it makes a list of all pulses, and after a change another one.
"""

from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import NamedTuple


class Pulse(NamedTuple):
    train: int  # of all the channel's trains
    begin: int  # us on the channel's clock
    width: int
    own: int  # how long until another may begin
    rate: int
    version: int  # of the list that it first stood in


class Train(NamedTuple):
    phase: int
    begin: int
    end: int


@cache
def period(rate):
    return (Fraction(10**9, rate) + Fraction(1, 2)).__floor__()


def straight(one, other, x, whole):
    return (one + Fraction(other - one) * x / whole).__floor__()


def endless(fields):
    """(begin, width, own interval, rate) of the pulses of a train that never ends."""
    rate, width = fields["rate_mhz"], fields["width_us"]
    to_rate, to_width = fields.get("rate_to_mhz") or rate, fields.get("width_to_us") or width
    change, ms, burst = fields.get("change", "none"), fields.get("change_ms", 0), fields.get("burst_pulses", 0)
    at = 0
    while True:
        if burst:
            yield from ((at + n * period(rate), width, period(rate), rate) for n in range(burst))
            at += period(fields["burst_rate_mhz"])
        elif change == "alternate":
            for one, wide in ((rate, width), (to_rate, to_width)):
                for _ in range(asked(ms * 1000, one)):
                    yield at, wide, period(one), one
                    at += period(one)
        elif change == "sweep":
            turn = at
            while at - turn < 2 * ms * 1000:
                x = min((at - turn) // 1000, 2 * ms - (at - turn) // 1000)
                now = straight(rate, to_rate, x, ms)
                yield at, straight(width, to_width, x, ms), period(now), now
                at += period(now)
        else:
            yield at, width, period(rate), rate
            at += period(rate)


def asked(us, rate):
    """Pulses of a constant rate that begin within `us`, and no more than the rate has in that time."""
    return min(-(-us // period(rate)), -(-us * rate // 10**9))


def most(fields, us):
    """How many pulses the rates have within a train of `us`."""
    rate, to_rate = fields["rate_mhz"], fields.get("rate_to_mhz") or fields["rate_mhz"]
    change, half = fields.get("change", "none"), fields.get("change_ms", 0) * 1000
    if fields.get("burst_pulses"):
        return -(-us * fields["burst_rate_mhz"] // 10**9) * fields["burst_pulses"]
    if change == "none":
        return asked(us, rate)
    if change == "sweep":
        return None
    parts = [min(half, us - at) for at in range(0, us, half)]
    return sum(asked(part, (rate, to_rate)[i % 2]) for i, part in enumerate(parts))


def plain(fields):
    return fields.get("change", "none") == "none" and not fields.get("burst_pulses")


class Timeline:
    """The pulses of one channel as they are now planned, in `plan`; `phases` are its rows of the programme."""

    def __init__(self, phases):
        self.phases = phases
        self.trains = []
        self.rooms = []  # of each phase: from the begin of its last train to the next phase; None: there is none
        at = 0
        for i, fields in enumerate(phases):
            work = fields["work_ms"] or fields["duration_ms"]
            cycle = work + fields["rest_ms"]
            begins = range(at, at + fields["duration_ms"] - work + 1, cycle)
            self.trains += [Train(i, begin * 1000, (begin + work) * 1000) for begin in begins]
            at += fields["duration_ms"]
            self.rooms.append((at - begins[-1]) * 1000 if i + 1 < len(phases) else None)
        self.duration = at * 1000
        self.versions = [[]]
        self.versions[0] += [pulse for n in range(len(self.trains)) for pulse in self._train(n)]
        self.plan = self.versions[0]

    def fits(self):
        """Whether every exact number of pulses that is asked for has room."""
        for i, fields in enumerate(self.phases):
            (n, *_) = [n for n, train in enumerate(self.trains) if train.phase == i]
            if len(self._train(n)) < max(1, fields.get("pulses", 0)):
                return False
        return True

    def _train(self, number, **changed):
        """The pulses of a whole train."""
        i, begin, end = self.trains[number]
        fields = {**self.phases[i], **changed}
        version = len(self.versions) - 1
        made = []
        limit, room = most(fields, end - begin), self.rooms[i]
        for at, width, own, rate in endless(fields):
            if at >= end - begin or len(made) == limit:
                break
            if room is not None and at + own > room:
                break
            made.append(Pulse(number, begin + at, width, own, rate, version))
        return made[: fields.get("pulses") or None]

    def _rest(self, number, at, rate, width):
        """The pulses of what is left of a train of a plain phase, from `at` on with another rate."""
        i, begin, end = self.trains[number]
        room = self.trains[number + 1].begin - at if number + 1 < len(self.trains) else None
        if self.rooms[i] is not None:
            room = min(room, begin + self.rooms[i] - at)
        version = len(self.versions) - 1
        made = []
        for n in range(asked(end - at, rate)):
            if room is not None and (n + 1) * period(rate) > room:
                break
            made.append(Pulse(number, at + n * period(rate), width, period(rate), rate, version))
        return made

    def change(self, at, rate, width):
        """Another rate and width from pulse `at` on, which is not queued, and in what follows of its phase. Returns the
        first changed one; None: there is none."""
        old = self.plan[at]
        i = self.trains[old.train].phase
        later = [n for n in range(old.train + 1, len(self.trains)) if self.trains[n].phase == i]
        of_old = self.versions[old.version]
        self.versions.append([])
        version = len(self.versions) - 1
        if rate == old.rate:  # as many as it would have been
            same = [pulse for pulse in of_old if pulse.train == old.train and pulse.begin >= old.begin]
            now = [pulse._replace(width=width, version=version) for pulse in same]
        else:
            now = self._rest(old.train, old.begin, rate, width)
        if not now and not later:
            self.versions.pop()
            return None
        before = self.plan[:at] if now else [pulse for pulse in self.plan if pulse.train <= old.train]
        made = before + now
        for n in later:
            made += self._train(n, rate_mhz=rate, width_us=width)
        made += [pulse for pulse in self.versions[0] if self.trains[pulse.train].phase > i]
        self.plan = self.versions[-1] = made
        return len(before)

    def closest(self):
        """The shortest of all distances, in parts of the interval that the earlier pulse has for itself."""
        return min((Fraction(b.begin - a.begin, a.own) for a, b in pairwise(self.plan)), default=Fraction(1))

"""The worst second of a train a second time: from the fields as they were given, in fractions, over every window.

Shares nothing with nmes/core/phase.py: it knows what a prescription says of bursts, sweeps and alternation, and goes
through the whole train pulse by pulse.
"""

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate
from math import floor

SECOND_US = 1_000_000


def period_us(rate_mhz):
    return floor(Fraction(10**9, rate_mhz) + Fraction(1, 2))


def between(one, other, x, whole):
    return floor(one + Fraction(other - one) * x / whole)


def pulses(fields, train_us):
    """(begin, own interval, rate times width) of every pulse of a train of this length, without end."""
    rate, width = fields["rate_mhz"], fields["width_us"]
    to_rate, to_width = fields.get("rate_to_mhz") or rate, fields.get("width_to_us") or width
    change, change_us = fields.get("change", "none"), fields.get("change_ms", 0) * 1000
    t_us = 0
    while t_us < train_us:
        begin_us = t_us  # of a turn
        if fields.get("burst_pulses"):
            for n in range(fields["burst_pulses"]):
                yield begin_us + n * period_us(rate), period_us(rate), rate * width
            t_us = begin_us + period_us(fields["burst_rate_mhz"])
        elif change == "sweep":
            while t_us - begin_us < 2 * change_us:
                at_ms = (t_us - begin_us) // 1000
                x_ms = min(at_ms, 2 * change_us // 1000 - at_ms)
                r, w = (between(a, b, x_ms, change_us // 1000) for a, b in ((rate, to_rate), (width, to_width)))
                yield t_us, period_us(r), r * w
                t_us += period_us(r)
        elif change == "alternate":
            for r, w in ((rate, width), (to_rate, to_width)):
                half_us = t_us
                # As many as the rate has in this time, and no more than begin within it.
                for n in range(min(-(-change_us // period_us(r)), -(-change_us * r // 10**9))):
                    yield half_us + n * period_us(r), period_us(r), r * w
                    t_us = half_us + (n + 1) * period_us(r)
        else:
            yield t_us, period_us(rate), rate * width
            t_us += period_us(rate)


def train_of(fields):
    """The pulses that begin within one train, as many as the rates have in its time."""
    train_us = 1000 * (fields["work_ms"] or fields["duration_ms"])
    made = [pulse for pulse in pulses(fields, train_us) if pulse[0] < train_us]
    most = len(made)
    change_us = fields.get("change_ms", 0) * 1000
    if fields.get("burst_pulses"):
        most = -(-train_us * fields["burst_rate_mhz"] // 10**9) * fields["burst_pulses"]
    elif fields.get("change", "none") == "none":
        most = -(-train_us * fields["rate_mhz"] // 10**9)
    elif fields["change"] == "alternate":
        rates = fields["rate_mhz"], fields.get("rate_to_mhz") or fields["rate_mhz"]
        most, left_us, turn = 0, train_us, 0
        while left_us > 0:
            part_us, rate = min(left_us, change_us), rates[turn % 2]
            most += min(-(-part_us // period_us(rate)), -(-part_us * rate // 10**9))
            left_us -= part_us
            turn += 1
    return made[: min(most, fields.get("pulses") or most)]


class Blocks:
    """(begin, length, height) one after the other; how much of them lies before a time."""

    def __init__(self, rows):
        self.rows = rows
        self.begins = [begin for begin, _, _ in rows]
        self.end = max(begin + length for begin, length, _ in rows)
        self._before = [0, *accumulate(length * height for _, length, height in rows)]

    def until(self, t):
        k = bisect_right(self.begins, t)
        if not k:
            return 0
        begin, length, height = self.rows[k - 1]
        return self._before[k - 1] + min(length, t - begin) * height

    def most(self, window):
        """The most of them that any window of this length holds: one of its edges is an edge of a block."""
        edges = {e for begin, length, _ in self.rows for e in (begin, begin + length)}
        begins = {b for e in edges for b in (e, e - window) if 0 <= b <= max(0, self.end - window)} | {0}
        return max(self.until(b + window) - self.until(b) for b in begins)


def worst_second(fields):
    """The mean of rate times width (mHz us) in the worst second of one train; over the train when it is shorter."""
    blocks = Blocks(train_of(fields))
    window_us = min(SECOND_US, blocks.end)
    return Fraction(blocks.most(window_us), window_us)

"""The trend of the load: a pad that lifts or dries out delivers the same current through less and less skin.

It is given a reading a few times a second. The load at first is the mean of the first readings that are fine enough;
the load now is smoothed over some two seconds. Integers; nothing here allocates.
"""

from nmes.core.compiler import const

LEAST_UA = const(2_000)  # below it the sense is too coarse: 1 count in 36
FIRST = const(8)  # readings
SMOOTH = const(8)
WARN_PERCENT = const(150)
STOP_PERCENT = const(200)

FINE = const(0)
WARN = const(1)
STOP = const(2)


class Trend:
    """The trend of one channel's load: `first_ohm` and `ohm`, the load at first and now; 0: not known yet."""

    def __init__(self):
        self.clear()

    def clear(self):
        """A new session."""
        self.first_ohm = 0  # 0: not known yet
        self.ohm = 0
        self._sum = 0
        self._count = 0

    def see(self, ohm, measured_ua):
        """One reading. Returns FINE, WARN from half as much again, STOP from twice as much."""
        if measured_ua < LEAST_UA or ohm <= 0:
            return FINE
        if self._count < FIRST:
            self._sum += ohm
            self._count += 1
            if self._count == FIRST:
                self.first_ohm = self.ohm = self._sum // FIRST
                self._sum = self.ohm * SMOOTH
            return FINE
        self._sum += ohm - self._sum // SMOOTH
        self.ohm = self._sum // SMOOTH
        percent = 100 * self.ohm
        if percent >= STOP_PERCENT * self.first_ohm:
            return STOP
        return WARN if percent >= WARN_PERCENT * self.first_ohm else FINE

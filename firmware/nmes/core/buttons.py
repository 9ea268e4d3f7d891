"""The buttons of a panel: what each is called, and when a contact that bounces is a press. Pure: told the time.

A HAL says which contacts are closed, once a turn of 10 ms. What takes current away acts in the turn in which it is
first seen; everything else needs the same one button, and no other, for SAMPLES turns in a row. Two at once are so
never more than the safe one of them. A contact that is broken in a way that could pass for a press is a fault.
"""

from nmes.core.faults import BUTTON_CHATTER, BUTTON_SHORT, BUTTON_STUCK

# In the order of their bits, and of a board's pins.
NAMES = ("start", "up", "down", "stop", "programme")
START = 1
UP = 2
DOWN = 4
STOP = 8
PROGRAMME = 16
ALL = 31

SAMPLES = 3  # turns that a press or a release has to last
HOLD_MS = 1_000  # of START: what begins a session
REPEAT_AFTER_MS = 500  # DOWN, and nothing else, comes again while it is held
REPEAT_MS = 250
STUCK_MS = 10_000
STUCK_START_MS = 30_000  # it is held on purpose
CHATTER_MS = 1_000
CHATTER_EDGES = 20  # of a button in that time: nobody presses ten times a second
SHORT_EDGES = 6  # in a row that two buttons make in the same turn: three presses
QUIET_MS = 1_000  # without a press and an edge, and the cause of a fault is gone

_SAFE = DOWN | STOP


def names(mask):
    """The names of the buttons of a mask, for people."""
    return " and ".join([NAMES[i] for i in range(len(NAMES)) if mask & 1 << i])


class Buttons:
    """`pressed`: what is closed now, as it was last seen. `cause`: 0, or the fault that the contacts are, with `text`;
    it goes by itself, the fault that was made of it does not. `quiet`: nothing is pressed and nothing is due: a turn
    that sees no button either need not ask."""

    def __init__(self):
        self.pressed = 0
        self.quiet = False
        self.cause = 0
        self.text = ""
        self._stable = 0  # what was last seen for SAMPLES turns in a row
        self._count = 0  # of turns that saw the same
        self._begun = False  # what was pressed when the power came has been seen
        self._acted = 0  # of _SAFE: a press that has acted, and has not been let go of
        self._since_ms = [0] * len(NAMES)  # pressed
        self._edges = [0] * len(NAMES)
        self._window_ms = 0
        self._edge_ms = 0
        self._pair = self._together = 0  # two that change in the same turn, and how often in a row
        self._repeat_ms = 0

    def step(self, mask, now_ms):
        """Take what is seen in this turn. Returns the presses that count in it, as bits. Allocates nothing unless
        something is wrong."""
        if mask != self.pressed:
            self._changes(mask, now_ms)
        elif self._count < SAMPLES:
            self._count += 1
        events = mask & _SAFE & ~self._acted
        if events:
            self._acted |= events
            self._repeat_ms = now_ms + REPEAT_AFTER_MS
        elif mask & DOWN and now_ms >= self._repeat_ms:
            self._repeat_ms = now_ms + REPEAT_MS
            events = DOWN
        if self._count >= SAMPLES:
            self._acted &= mask
            if mask != self._stable:
                events |= self._settles(mask)
            self._begun = True
        if mask:
            self._look_for_stuck(mask, now_ms)
        elif now_ms - self._edge_ms >= QUIET_MS:
            self.cause = 0
        self.quiet = not mask and not self._stable and not self.cause and self._begun and self._count >= SAMPLES
        return events

    def held_ms(self, button, now_ms):
        """For how long a button has been pressed, alone; 0 while it is not, or not yet for long enough to count."""
        if self.pressed != button or self._stable != button:
            return 0
        return now_ms - self._since_ms[NAMES.index(names(button))]

    def _settles(self, mask):
        """A press needs its button alone, and open before."""
        new = mask & ~self._stable
        self._stable = mask
        if not self._begun:
            self._fail(BUTTON_STUCK, mask, "pressed when the power came")
            return 0
        return new if new == mask and mask & (mask - 1) == 0 and not mask & _SAFE else 0

    def _changes(self, mask, now_ms):
        changed = mask ^ self.pressed
        self.pressed = mask
        self._count = 1
        self._edge_ms = now_ms
        if not 0 <= now_ms - self._window_ms < CHATTER_MS:
            self._window_ms = now_ms
            for i in range(len(NAMES)):
                self._edges[i] = 0
        for i in range(len(NAMES)):
            if not changed & 1 << i:
                continue
            if mask & 1 << i:
                self._since_ms[i] = now_ms
            self._edges[i] += 1
            if self._edges[i] >= CHATTER_EDGES:
                self._fail(BUTTON_CHATTER, 1 << i, "opens and closes all the time")
        if changed == self._pair:
            self._together += 1
            if self._together >= SHORT_EDGES:
                self._fail(BUTTON_SHORT, changed, "always close and open together")
        elif changed & (changed - 1):
            self._pair = changed
            self._together = 1
        elif changed & self._pair:
            self._pair = self._together = 0

    def _look_for_stuck(self, mask, now_ms):
        for i in range(len(NAMES)):
            if mask & 1 << i and now_ms - self._since_ms[i] >= (STUCK_START_MS if 1 << i == START else STUCK_MS):
                self._fail(BUTTON_STUCK, 1 << i, "pressed for too long")

    def _fail(self, cause, mask, what):
        if not self.cause:
            self.cause = cause
            self.text = "%s: %s" % (names(mask), what)

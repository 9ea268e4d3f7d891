"""Who may do what, in which state, and whose session it is: one table, which the panel asks, the link goes by in a
session of the panel, and docs/panel.md is made of.

A session is the panel's or one host's, from arming to its end; while there is one, nobody else arms. Whoever it is not
may watch it and stop it. In the panel's session that is all a host may: it cannot even pause it, for the person with
the buttons would not know why.
"""

from nmes.core import commands, faults
from nmes.core.session import ARMED, FAULT, IDLE, LOCAL, PAUSED, RUNNING

# Who asks.
PANEL = "the panel"
OWNER = "the host that armed"
HOST = "any other host"
# Whose session it is.
NOBODYS = "nobody's"
HOSTS = "a host's"
PANELS = "the panel's"

_ANY = (IDLE, ARMED, RUNNING, PAUSED, FAULT)
_AT_REST = (IDLE, FAULT)
_ARMED_OR_MORE = (ARMED, RUNNING, PAUSED)
_ALL = {NOBODYS: (PANEL, HOST), HOSTS: (PANEL, OWNER, HOST), PANELS: (PANEL, HOST)}
_OF_ITS_OWNER = {NOBODYS: (), HOSTS: (OWNER,), PANELS: (PANEL,)}

WATCH = "watch"
STOP = "stop"
SET_UP = "set up"
CHOOSE = "choose"
ARM = "arm"
START = "start"
KEEP = "keep alive"
RAISE = "raise"
LOWER = "lower"
ADJUST = "adjust"
PAUSE = "pause"
CLEAR = "clear"

# act: (states in which it can be, whose session it is: who may)
ACTS = {
    WATCH: (_ANY, _ALL),
    STOP: (_ANY, _ALL),
    SET_UP: (_AT_REST, {NOBODYS: (HOST,), HOSTS: (), PANELS: ()}),
    CHOOSE: ((IDLE,), {NOBODYS: (PANEL, HOST), HOSTS: (), PANELS: ()}),
    ARM: ((IDLE,), {NOBODYS: (PANEL, HOST), HOSTS: (), PANELS: ()}),
    START: ((ARMED, PAUSED), _OF_ITS_OWNER),
    KEEP: (_ARMED_OR_MORE, _OF_ITS_OWNER),
    RAISE: ((RUNNING,), _OF_ITS_OWNER),
    LOWER: ((RUNNING,), _OF_ITS_OWNER),
    ADJUST: ((RUNNING, PAUSED), {NOBODYS: (), HOSTS: (OWNER,), PANELS: ()}),
    PAUSE: ((RUNNING, PAUSED), {NOBODYS: (), HOSTS: (OWNER, HOST), PANELS: (PANEL,)}),
    CLEAR: ((FAULT,), {NOBODYS: (PANEL, HOST), HOSTS: (), PANELS: ()}),
}

# What each command of the link is; one that stands nowhere here only reads.
OF_COMMAND = {
    "stop": STOP,
    "pause": PAUSE,
    "load": CHOOSE,
    "select": CHOOSE,
    "acknowledge": CHOOSE,
    "arm": ARM,
    "start": START,
    "keepalive": KEEP,
    "intensity": RAISE,
    "adjust": ADJUST,
    "clear": CLEAR,
}
OF_COMMAND.update({name: SET_UP for name in commands.COMMANDS if commands.COMMANDS[name].who == commands.HOST
                   and name not in OF_COMMAND})  # fmt: skip

# The faults that a person may clear at the panel: those of which core/fault_words.py tells them to, but for what the
# device has forgotten with them: the person's own maximum among it.
CLEARED_AT_PANEL = (
    faults.WATCHDOG_RESET,
    faults.EMERGENCY_STOP,
    faults.LEASE_LOST,
    faults.ELECTRODE_OPEN,
    faults.ELECTRODE_SHORT,
    faults.TEMPERATURE,
    faults.SUPPLY_LOW,
    faults.LOOP_LATE,
    faults.MEMORY_LOW,
    faults.IMPEDANCE_RISE,
    faults.BUTTON_STUCK,
    faults.BUTTON_CHATTER,
    faults.BIOFEEDBACK_INPUT,
)


def whose(owner):
    """Whose session it is, by its owner (core/session.py)."""
    return NOBODYS if owner is None else PANELS if owner == LOCAL else HOSTS


def may(who, act, state, owner):
    """Whether `who` may do that in a state, in the session of `owner`."""
    states, parties = ACTS[act]
    return state in states and who in parties[whose(owner)]


# The commands that a host may give while the session is the panel's.
GUESTS = tuple([
    name for name in commands.COMMANDS if HOST in ACTS[OF_COMMAND.get(name, WATCH)][1][PANELS]
])  # fmt: skip

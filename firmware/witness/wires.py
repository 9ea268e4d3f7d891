"""The wires between the board that is judged and the witness: from each pin to the pin of the same number, so that a
picture of one is a picture of both, and no table of wires has to be read. Plain Python, which the host reads too.
"""

# Each has a state machine of its own, those of a channel in one block. Of a board that has fewer, those that it has.
EDGES = ("phase_a_0", "phase_b_0", "phase_a_1", "phase_b_1", "enable", "pump", "interlock", "stop_loop")
PUMP = "pump"  # 200 000 changes a second: what they come to is said, and not each of them
# In a recording of levels these take the places of the last four: the duty of their PWM is measured.
LEVELS = ("level_a_0", "level_b_0", "level_a_1", "level_b_1")
# Looked at every 20 ms.
LAMPS = ("ready", "fault", "buzzer")
# The witness can pull these low, and never drives one high. Pulled low each of them takes output away.
PULLS = ("interlock", "stop_loop", "run")
RUN = "run"  # the reset of the board that is judged
RUN_GPIO = 22  # of the witness: no board's table uses it
GO = 25  # of the witness: see edges_pio.py


def gpios(pins):
    """The pin of each wire that a board has (its table of pins), by its role; the ground is beside these."""
    found = {}
    for index, channel in enumerate(pins["channels"]):
        for name in ("phase_a", "phase_b", "level_a", "level_b"):
            found["%s_%d" % (name, index)] = channel[name]
    for name in EDGES[4:] + LAMPS:
        if name in pins:
            found[name] = pins[name]
    found[RUN] = RUN_GPIO
    return found


def machines(pins):
    """The number of the state machine of each role that is recorded by its changes."""
    return _numbered(pins, EDGES)


def level_machines(pins):
    """The same of a recording of levels: phases by their changes, levels by their duty."""
    return _numbered(pins, EDGES[:4] + LEVELS)


def _numbered(pins, roles):
    there = gpios(pins)
    return {role: number for number, role in enumerate(roles) if role in there}

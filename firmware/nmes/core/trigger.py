"""What starts the contractions of a programme, where time alone does not: the fields of its table `trigger`.

    {"source": "signal", "threshold_mv": 0, "hysteresis_mv": 50, "refractory_ms": 500, "timeout_ms": 20000,
     "on_timeout": "skip", "contractions": 0}

What is left out has its default. Loaded only where a programme has the table; core/biofeedback.py carries it out.
"""

from nmes.core.reason import check_int, reason

SIGNAL, SWITCH, EDGE = "signal", "switch", "edge"
SOURCES = (SIGNAL, SWITCH, EDGE)
BEGIN, SKIP = "begin", "skip"
ON_TIMEOUT = (BEGIN, SKIP)

# field: (least, most, what it is when it is not given; None: it has to be given).
FIELDS = {
    "threshold_mv": (0, 3_000, 0),  # at the biofeedback input; 0: learned in three tries
    "hysteresis_mv": (10, 1_000, 50),  # so far below the threshold the signal has to fall before it counts again
    "refractory_ms": (100, 10_000, 500),  # after a contraction the signal is the muscle's answer, and not looked at
    "timeout_ms": (1_000, 120_000, None),
    "contractions": (0, 500, 0),  # 0: as many as fit into the session
}
# What a status says under "trigger" in a session that waits for its person.
STATUS_FIELDS = ("source", "signal_mv", "threshold_mv", "full_mv", "contractions", "skipped", "tries")
_OF_THE_SIGNAL = ("threshold_mv", "hysteresis_mv")
_WANTED = ("source", "on_timeout", "timeout_ms")

_ENVELOPE = "OpenNMES envelope"
_WAITS = "a programme that waits for its person"
_SAMPLER = "sampler: the biofeedback input too"
_ONE_CHANNEL = "a stage of one channel with a biofeedback input: two channels leave no pin for it"


def field(table, name):
    """A number of the table, or what it is when it is not given."""
    return table.get(name, FIELDS[name][2])


def check(reasons, table):
    """Append what is wrong with the table by itself."""
    if not isinstance(table, dict):
        reasons.append(reason("not_a_table", "trigger", table, "a table of " + ", ".join(_WANTED), _ENVELOPE))
        return
    for name in _WANTED:
        if name not in table:
            reasons.append(reason("missing", "trigger." + name, None, "a value", _ENVELOPE))
    for name in table:
        if name not in _WANTED and name not in FIELDS:
            reasons.append(reason("unknown", "trigger." + str(name), table[name], "no such field", _ENVELOPE))
    for name, choices in (("source", SOURCES), ("on_timeout", ON_TIMEOUT)):
        if name in table and table[name] not in choices:
            reasons.append(reason("not_a_choice", "trigger." + name, table[name], " or ".join(choices), _ENVELOPE))
    whole = True
    for name in FIELDS:
        if name in table:
            least, most, _ = FIELDS[name]
            whole &= check_int(reasons, "trigger." + name, table[name], least, most, _ENVELOPE)
    if table.get("source") in (SWITCH, EDGE):
        for name in _OF_THE_SIGNAL:
            if name in table:
                reasons.append(reason("of_signal_only", "trigger." + name, table[name], SIGNAL, _ENVELOPE))
    elif whole and 0 < field(table, "threshold_mv") <= field(table, "hysteresis_mv"):
        most_mv = table["threshold_mv"] - 1
        asked_mv = field(table, "hysteresis_mv")
        reasons.append(reason("hysteresis_too_wide", "trigger.hysteresis_mv", asked_mv, most_mv, _ENVELOPE))


def check_whole(reasons, made, sampled_least_us):
    """Append what of a programme that is otherwise right does not go with waiting: the time of every train is the
    person's, so there are trains and rests of one kind, of one channel. The input is sampled as a second channel is:
    `sampled_least_us` is the shortest phase for that."""
    phases = made.channels[0].phases
    if len(made.channels) > 1 or made.channels[0].delay_us:
        found = "%d of them" % len(made.channels) if len(made.channels) > 1 else "one with a delay"
        reasons.append(reason("one_channel_waits", "channels", found, "one without a delay", _WAITS))
    if len(phases) > 1:
        reasons.append(reason("one_phase_waits", "phases", "%d of them" % len(phases), "one", _WAITS))
    for phase in phases:
        if not phase.work_ms:
            reasons.append(reason("waits_without_work", "work_ms", phase.work_ms, 1_000, _WAITS, phase.name))
    if made.shortest_us < sampled_least_us:
        reasons.append(reason("narrower_than_sampled", "width_us", made.shortest_us, sampled_least_us, _SAMPLER))


def check_stage(reasons, stage, table):
    """Append a reason when a stage has nothing that such a programme could wait for."""
    if "signal_most_mv" in stage:
        return
    source = "output stage " + stage["name"]
    if table["source"] == EDGE:
        reasons.append(reason("no_trigger_input", "trigger", EDGE, _ONE_CHANNEL, source))
    else:
        bound = "an output stage with a biofeedback input"
        reasons.append(reason("no_biofeedback", "trigger", "given", bound, source))

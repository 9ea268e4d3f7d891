"""core/biofeedback.py against a description of its own, which looks at the whole course of a signal at once."""

from __future__ import annotations

import bisect
import itertools
from typing import Any

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from nmes.core.biofeedback import CONTRACT, DONE, STUCK, STUCK_MS, Trigger
from nmes.core.phase import Phase

TURN_MS, MOST_MV = 10, 3_200
TRAIN_MS, CYCLE_MS, SESSION_MS = 1_000, 2_500, 20_000
THRESHOLD_MV, HYSTERESIS_MV = 500, 100
PHASE = Phase(
    "work",
    {"rate_mhz": 20_000, "width_us": 200, "gap_us": 50, "work_ms": TRAIN_MS, "rest_ms": CYCLE_MS - TRAIN_MS,
     "ramp_up_ms": 500, "ramp_down_ms": 500, "duration_ms": SESSION_MS},
)  # fmt: skip
# Where it matters whether it is a step more or less.
LEVELS = (0, 399, 400, 401, 499, 500, 501, 3_199)
COURSES = st.lists(st.tuples(st.sampled_from(LEVELS), st.one_of(st.integers(1, 6), st.integers(1, 150))), max_size=60)
TABLES = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["signal", "switch"]),
        "refractory_ms": st.sampled_from([100, 1_495, 4_000]),
        "timeout_ms": st.sampled_from([1_000, 1_005, 3_000]),
        "on_timeout": st.sampled_from(["begin", "skip"]),
        "contractions": st.sampled_from([0, 1, 3]),
    }
)


class Stuck(Exception):
    """The switch was held for ten seconds."""


def unrolled(course: list[tuple[int, int]]) -> list[int]:
    """The signal of each turn, to the end of the session."""
    turns = [mv for mv, count in course for _ in range(count)]
    return (turns + [0] * (SESSION_MS // TURN_MS))[: SESSION_MS // TURN_MS]


def found(table: dict[str, Any], signal: list[int]) -> list[int]:
    """When contractions begin, of a trigger that is asked in every turn in which no train runs. Raises Stuck."""
    of_signal = {"threshold_mv": THRESHOLD_MV, "hysteresis_mv": HYSTERESIS_MV} if table["source"] == "signal" else {}
    made = Trigger({**table, **of_signal}, PHASE, SESSION_MS, MOST_MV)
    begins: list[int] = []
    for turn, mv in enumerate(signal):
        clock_ms = TURN_MS * turn
        if begins and clock_ms < begins[-1] + TRAIN_MS:
            continue
        if mv >= THRESHOLD_MV and table["source"] == "switch":
            mv = MOST_MV  # a switch has no levels, and its programme no signal that could be saturated
        came = made.step(clock_ms, mv, mv >= THRESHOLD_MV)
        if came == STUCK:
            raise Stuck
        assert came in (0, CONTRACT, DONE)
        if came == DONE:
            break
        if came == CONTRACT:
            begins.append(clock_ms)
    assert made.begun == len(begins)
    return begins


def expected(table: dict[str, Any], signal: list[int]) -> list[int]:
    """The same, found by looking for three low turns and, later, three high ones in each stretch of listening."""
    low_below = THRESHOLD_MV - HYSTERESIS_MV if table["source"] == "signal" else THRESHOLD_MV
    threes = range(2, len(signal))
    lows = [at for at in threes if max(signal[at - 2 : at + 1]) < low_below]
    highs = [at for at in threes if min(signal[at - 2 : at + 1]) >= THRESHOLD_MV]
    begins: list[int] = []
    listen_ms = 0
    while not table["contractions"] or len(begins) < table["contractions"]:
        first = -(-listen_ms // TURN_MS)
        low = lows[at] if (at := bisect.bisect_left(lows, first + 2)) < len(lows) else len(signal)
        high = highs[at] if (at := bisect.bisect_left(highs, max(first + 2, low + 1))) < len(highs) else len(signal)
        late = first + -(-table["timeout_ms"] // TURN_MS)
        turn = min(high, late)
        if TURN_MS * turn + TRAIN_MS > SESSION_MS:
            break
        if high <= late or table["on_timeout"] == "begin":
            begins.append(TURN_MS * turn)
            listen_ms = TURN_MS * turn + max(CYCLE_MS, TRAIN_MS + table["refractory_ms"])
        else:
            listen_ms = TURN_MS * turn + CYCLE_MS - TRAIN_MS
    return begins


@settings(max_examples=400, deadline=None)
@given(TABLES, COURSES)
def test_h28_contractions_begin_where_the_description_says_and_nowhere_else(
    table: dict[str, Any], course: list[tuple[int, int]]
) -> None:
    signal = unrolled(course)
    try:
        begins = found(table, signal)
    except Stuck:
        runs = [len(list(turns)) for high, turns in itertools.groupby(signal, lambda mv: mv >= THRESHOLD_MV) if high]
        assert table["source"] == "switch" and TURN_MS * max(runs) >= STUCK_MS
        reject()
    assert begins == expected(table, signal)
    assert all(later - sooner >= CYCLE_MS for sooner, later in itertools.pairwise(begins))
    assert all(at + TRAIN_MS <= SESSION_MS for at in begins)


def test_the_description_knows_each_way() -> None:
    """A course that has all of them: a time-out, a press, one that is too early, and an end."""
    signal = unrolled([(0, 150), (600, 10), (0, 300), (600, 20), (450, 30), (600, 20), (0, 10), (600, 10)])
    table = {"source": "signal", "refractory_ms": 100, "timeout_ms": 1_000, "on_timeout": "skip", "contractions": 0}
    assert found(table, signal) == expected(table, signal) != []
    assert found({**table, "on_timeout": "begin"}, signal) == expected({**table, "on_timeout": "begin"}, signal)

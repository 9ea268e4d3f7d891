"""Random sessions against a timeline of their own, see explorer.py; and that it would notice.

Some 20 s. For as many as you like, and for one again with what was done in it:

    EXPLORE=20000 SEED=1000000 .venv/bin/pytest -s tests/core_reference/test_explorer.py -k timeline
    EXPLORE=1 SEED=4711 .venv/bin/pytest -s tests/core_reference/test_explorer.py -k timeline
"""

import os
from collections import Counter

import explorer
import pytest

from nmes.core import programme as core_programme
from nmes.core import pulse, session, train
from nmes.hal import virtual

SESSIONS = int(os.environ.get("EXPLORE", "2000"))
FIRST = int(os.environ.get("SEED", "0"))


def quiet(*words):
    pass


def wrong(sessions, first, seen, say=quiet):
    """What was wrong in these sessions: [(seed, what)]; what was met in the others is counted in `seen`."""
    found = []
    for seed in range(first, first + sessions):
        try:
            seen.update(explorer.Session(seed, say).run())
        except Exception as error:  # whatever it is, the seed has to be told
            found.append((seed, f"{type(error).__name__}: {error}"))
    return found


def test_random_sessions_go_as_their_own_timeline_says():
    seen = Counter()
    found = wrong(SESSIONS, FIRST, seen, print if SESSIONS == 1 else quiet)
    print(f"\n{SESSIONS} sessions from seed {FIRST}: {dict(seen.most_common())}")
    assert not found, f"{len(found)} of {SESSIONS} are wrong, the first: {found[:10]}"
    if "EXPLORE" in os.environ:
        return
    # It went everywhere.
    assert seen["sessions"] > SESSIONS // 2 and seen["two channels"] > SESSIONS // 10 and seen["stopped"] > 50
    assert seen["pauses"] > SESSIONS and seen["pauses with nothing queued"] > SESSIONS // 2
    assert seen["adjustments"] > SESSIONS // 3 and seen["underruns"] > 100 and seen["pulses_do_not_fit"] > 100


def a_phase_knows_of_no_other(monkeypatch):
    monkeypatch.setattr(
        core_programme, "_in_order", lambda rows: [core_programme.Phase(row["name"], row) for row in rows]
    )


def one_too_few_is_put_back(monkeypatch):
    put_back = train.Feed.put_back
    monkeypatch.setattr(train.Feed, "put_back", lambda self, count: put_back(self, count - 1))


def engines_wait_for_nothing_after_a_pause(monkeypatch):
    waits_us = session.Session.waits_us
    monkeypatch.setattr(session.Session, "waits_us", lambda self: [0 for _ in waits_us(self)])


def a_slip_is_forgotten(monkeypatch):
    monkeypatch.setattr(session.Session, "_end_ms", lambda self: self.programme.duration_ms)


def an_adjustment_moves_its_first_pulse(monkeypatch):
    change = train.Feed.change

    def moved(self, phase):
        number = change(self, phase)
        self._t_us += 1
        return number

    monkeypatch.setattr(train.Feed, "change", moved)


def the_rest_of_a_train_is_a_microsecond_short(monkeypatch):
    prepare = train.Feed._prepare

    def short(self):
        prepare(self)
        self.interval_us -= self.k == self._pulses - 1

    monkeypatch.setattr(train.Feed, "_prepare", short)


def the_engine_s_clock_is_fast(monkeypatch):
    put = virtual.Channel.put

    def fast(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count):
        period_us = max(pulse.shortest_period_us(width_a_us, gap_us, width_b_us), 97 * period_us // 100)
        return put(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count)

    monkeypatch.setattr(virtual.Channel, "put", fast)


def the_engine_loses_a_pulse(monkeypatch):
    put = virtual.Channel.put

    def losing(self, *record):
        done = put(self, *record)
        if self._begun == 5 and self._waiting:
            self._waiting.pop()
        return done

    monkeypatch.setattr(virtual.Channel, "put", losing)


@pytest.mark.parametrize(
    "fault",
    [
        a_phase_knows_of_no_other,
        one_too_few_is_put_back,
        engines_wait_for_nothing_after_a_pause,
        a_slip_is_forgotten,
        an_adjustment_moves_its_first_pulse,
        the_rest_of_a_train_is_a_microsecond_short,
        the_engine_s_clock_is_fast,
        the_engine_loses_a_pulse,
    ],
)
def test_a_fault_is_noticed(monkeypatch, fault):
    fault(monkeypatch)
    assert wrong(150, 0, Counter())

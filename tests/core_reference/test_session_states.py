"""Every sequence of events from a small alphabet, followed until no new state appears: no way around the rules."""

from __future__ import annotations

import copy
from collections import deque

import samples

from nmes.core import checklist
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING, STEP_EVERY_MS, STEP_MAX_UA, Session

DATA = samples.programme(
    [samples.phase(rate_mhz=10_000, work_ms=1_000, rest_ms=500, ramp_up_ms=500, ramp_down_ms=500, duration_ms=1_000)],
    max_current_ua=2_000,
)
OTHER = samples.programme(DATA["phases"], max_current_ua=1_000)
RIGHT = checklist.VERSION, len(checklist.ITEMS)


class World:
    """A session, the time, and what an observer remembers who does not look inside it."""

    def __init__(self) -> None:
        self.session = Session(samples.STAGE)
        self.now_ms = 10_000
        self.confirmed = False  # a person has confirmed the checklist since the last session, fault or programme
        self.raised_ms: int | None = None
        self.in_engine = 0

    def copy(self) -> World:
        other = copy.copy(self)
        other.session = copy.copy(self.session)
        other.session.lanes = [copy.copy(lane) for lane in self.session.lanes]
        for lane in other.session.lanes:
            lane.feed = copy.copy(lane.feed)
        if other.session.lanes:
            other.session._first = other.session.lanes[0]
        return other

    def key(self) -> tuple:
        """What decides everything that can follow: times as ages, capped where they no longer matter."""
        s, now_ms = self.session, self.now_ms
        feed = s.feed
        active = s.state in (ARMED, RUNNING, PAUSED)
        return (
            s.state,
            s.fault,
            s.acknowledged,
            s.programme_crc,
            s.limit_ua,
            s.intensity_ua,
            s.output_ua,
            None
            if s._first.raised_ms is None or s.state != RUNNING
            else min(now_ms - s._first.raised_ms, STEP_EVERY_MS),
            min(now_ms - s._heard_ms, 2_000) if active else None,
            None if s._fading_ms is None or not active else now_ms - s._fading_ms,
            s.elapsed_ms(now_ms) if active else None,
            (feed.begin_ms, feed.k, feed.phase is None) if active else None,
            self.confirmed,
            None if self.raised_ms is None or s.state != RUNNING else min(now_ms - self.raised_ms, STEP_EVERY_MS),
            self.in_engine if active else 0,
        )


def wait(ms):
    def act(world):
        world.now_ms += ms
        world.session.tick(world.now_ms)

    return act


def pulse(world):
    if world.session.wants_pulse(world.now_ms):
        assert world.session.state == RUNNING
        level = world.session.next_level(world.now_ms)
        assert 0 <= level * 100 <= world.session.intensity_ua <= world.session.limit_ua
        world.session.took()
        world.in_engine = min(world.in_engine + 1, 2)


def cancelled(world):
    if world.session.feed and world.in_engine and world.session.state != RUNNING:
        world.session.was_cancelled(world.in_engine)
    world.in_engine = 0


EVENTS = {
    "load": lambda w: w.session.load(DATA),
    "load another": lambda w: w.session.load(OTHER),
    "load junk": lambda w: w.session.load({"title": 1}),
    "confirm": lambda w: w.session.acknowledge(*RIGHT),
    "confirm another list": lambda w: w.session.acknowledge(RIGHT[0] + 1, RIGHT[1]),
    "arm": lambda w: w.session.arm(w.session.programme_crc, w.now_ms),
    "arm another": lambda w: w.session.arm(12_345, w.now_ms),
    "start": lambda w: w.session.start(w.now_ms),
    "up": lambda w: w.session.set_intensity(w.session.intensity_ua + STEP_MAX_UA, w.now_ms),
    "far up": lambda w: w.session.set_intensity(w.session.intensity_ua + STEP_MAX_UA + 100, w.now_ms),
    "off": lambda w: w.session.set_intensity(0, w.now_ms),
    "below zero": lambda w: w.session.set_intensity(-100, w.now_ms),
    "pause": lambda w: w.session.pause(w.now_ms),
    "stop": lambda w: w.session.stop("stopped", w.now_ms),
    "fail 1": lambda w: w.session.fail(1, "one", w.now_ms),
    "fail 2": lambda w: w.session.fail(2, "two", w.now_ms),
    "clear 0": lambda w: w.session.clear(0),
    "clear 1": lambda w: w.session.clear(1),
    "clear 2": lambda w: w.session.clear(2),
    "heard": lambda w: w.session.heard(w.now_ms),
    "a pulse": pulse,
    "queue cancelled": cancelled,
    "250 ms": wait(250),
    "2 s": wait(2_000),
}
LEGAL = {
    (IDLE, "arm", ARMED),
    (ARMED, "start", RUNNING),
    (PAUSED, "start", RUNNING),
    (RUNNING, "pause", PAUSED),
    (FAULT, "clear 1", IDLE),
    (FAULT, "clear 2", IDLE),
    *((state, event, IDLE) for state in (ARMED, RUNNING, PAUSED) for event in ("stop", "250 ms", "2 s")),
    *((state, event, FAULT) for state in (IDLE, ARMED, RUNNING, PAUSED) for event in ("fail 1", "fail 2")),
}


def check(before: World, event: str, after: World, refused: bool) -> None:
    """What holds for every single step, from the outside."""
    old, new = before.session, after.session
    if refused:
        assert before.key() == after.key(), "refused, and yet something changed"
    if new.state != old.state:
        assert (old.state, event, new.state) in LEGAL
    assert new.wants_output() == (new.state == RUNNING)
    assert new.state == RUNNING or not new.wants_pulse(after.now_ms)
    assert new.state == RUNNING or (new.intensity_ua, new.output_ua) == (0, 0)
    assert 0 <= new.intensity_ua <= new.limit_ua

    if new.state == RUNNING != old.state:
        assert new.intensity_ua == 0, "from zero, always"
        after.raised_ms = None
    if new.state == ARMED != old.state:
        assert before.confirmed and old.programme is not None and not old.fault and new.intensity_ua == 0
    if new.intensity_ua > old.intensity_ua:
        assert old.state == new.state == RUNNING and event == "up"
        assert new.intensity_ua - old.intensity_ua <= STEP_MAX_UA
        assert before.raised_ms is None or after.now_ms - before.raised_ms >= STEP_EVERY_MS
        after.raised_ms = after.now_ms
    if old.state == FAULT:
        assert new.state == FAULT or event == f"clear {old.fault}"
        assert new.state != FAULT or new.fault == old.fault, "the first one stays"

    ended = new.state != old.state and new.state in (IDLE, FAULT)
    if event == "confirm" and not refused:
        after.confirmed = True
    if ended or new.state == FAULT or (event.startswith("load") and not refused):
        after.confirmed = False


def explore() -> tuple[set[tuple], set[tuple[str, str, str]]]:
    first = World()
    seen, todo, steps = {first.key()}, deque([first]), set()
    while todo:
        before = todo.popleft()
        for event, act in EVENTS.items():
            after = before.copy()
            refused = False
            try:
                act(after)
            except Refused:
                refused = True
            check(before, event, after, refused)
            steps.add((before.session.state, event, after.session.state))
            key = after.key()
            if key not in seen:
                seen.add(key)
                todo.append(after)
    return seen, steps


def test_h02_no_sequence_of_events_breaks_a_rule():
    seen, steps = explore()
    # It went everywhere: every legal change of state happened, and thousands of situations were seen.
    changes = {step for step in steps if step[0] != step[2]}
    assert changes == LEGAL
    assert {step[0] for step in steps} == {IDLE, ARMED, RUNNING, PAUSED, FAULT}
    assert len(seen) > 3_000

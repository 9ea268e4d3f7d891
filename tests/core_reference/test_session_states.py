"""Every sequence of events, followed until no new situation appears: no way around the rules.

The real Session under the real Supervisor with its store, on the virtual HAL; breadth first from a new board. Two
situations are the same when `World.key` says so: times are ages, capped where they no longer matter. Left out of it is
what decides no rule here: where exactly the next pulse lies, what was measured, how many seconds of short sessions have
come together, and which second of the minute it is that the self-checks look in.
"""

from __future__ import annotations

import functools
import pickle
import sys
from collections import Counter, deque
from pathlib import Path

import samples

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "core"))
import bench_hal

from nmes.core import checklist, faults, programme
from nmes.core.lockout import LOCKOUT_MS
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FAULT, HOST_LOST_MS, IDLE, PAUSED, RUNNING, STEP_EVERY_MS, STEP_MAX_UA

TURN_MS = 50
ACTIVE = (ARMED, RUNNING, PAUSED)
SLOW, WIDE = (10_000, 250), (10_000, 300)
# Long enough for a host to be lost in it, and short enough to be completed; and another that needs no pause after it.
DATA = samples.programme(
    [samples.phase(rate_mhz=10_000, work_ms=0, rest_ms=0, ramp_up_ms=500, ramp_down_ms=500, duration_ms=3_250)],
    max_current_ua=2_000,
)
OTHER = samples.programme(
    [samples.phase(rate_mhz=10_000, work_ms=0, rest_ms=0, ramp_up_ms=500, ramp_down_ms=500, duration_ms=1_000)],
    max_current_ua=1_000,
    effect="sensory",
)
RIGHT = checklist.VERSION, len(checklist.ITEMS)


class WatchedHal(bench_hal.BenchHal):
    """Sees what reaches the hardware, whatever the session says of itself."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.now_us = 1_000_000  # so that the clock can run backwards
        self.started_at_zero = False
        self.raised = False  # by a person, since then

    def permit(self, longest_us):
        assert self.session.state == RUNNING and self.safe
        assert [lane.intensity_ua for lane in self.session.lanes] == [0], "from zero, always"
        self.started_at_zero = True
        self.raised = False
        super().permit(longest_us)

    def put(self, channel, level_a, level_b, *times):
        assert self.session.state == RUNNING and self._permitted and self.started_at_zero
        assert 0 <= 100 * level_a <= samples.first(self.session).intensity_ua <= self.session.limit_ua
        assert self.raised or level_a == level_b == 0
        return super().put(channel, level_a, level_b, *times)

    def pass_ms(self, ms):
        before = [channel.begun() for channel in self.channels]
        super().pass_ms(ms)
        if [channel.begun() for channel in self.channels] != before:
            assert self._permitted and self.session.state == RUNNING, "a pulse without permission"

    def all_off(self):
        super().all_off()
        self.started_at_zero = False

    def write_slot(self, slot, data):
        assert self.session is None or self.session.state in (IDLE, FAULT), "flash is written while somebody is armed"
        super().write_slot(slot, data)


class World(bench_hal.Bench):
    """A board, and what an observer remembers who does not look inside it."""

    def __init__(self, slots=None, death=""):
        plain, bench_hal.BenchHal = bench_hal.BenchHal, WatchedHal
        try:
            super().__init__(slots, death)
        finally:
            bench_hal.BenchHal = plain
        self.confirmed = False  # a person has confirmed the checklist since the last session, fault or programme
        self.raised_ms = None

    def after_power(self, death=""):
        """The board with power back; the world around it is as it was."""
        world = World(self.hal.slots, death)
        world.hal.safe, world.hal.supply = self.hal.safe, self.hal.supply
        return world

    def pass_ms(self, ms):
        for _ in range(ms // TURN_MS):
            self.hal.pass_ms(TURN_MS)
            self.supervisor.step(self.hal.now_ms())
            self.look()

    def look(self):
        """What holds after every turn."""
        session, hal = self.session, self.hal
        if session.state != RUNNING:
            assert not hal._permitted and not hal.channels[0].queued(), session.state
            assert (samples.first(session).intensity_ua, samples.first(session).output_ua) == (0, 0)
        assert 0 <= samples.first(session).intensity_ua <= session.limit_ua

    def key(self):
        s, store, now_ms = self.session, self.store, self.hal.now_ms()
        kept = store.get("fault")
        key = (
            s.state,
            s.fault,
            s.acknowledged,
            s.programme_crc,
            self.confirmed,
            self.hal.safe,
            self.hal.supply,
            store.due,
            store.get("open"),
            self.supervisor._lockout.left_ms(now_ms) > 0,
            kept and kept["fault"],
        )
        if s.state not in ACTIVE:
            return key
        phase = samples.first(s).feed.phase
        key = (
            *key[:9],
            min(now_ms - s._heard_ms, HOST_LOST_MS),
            s.elapsed_ms(now_ms),
            phase and (phase.rate_mhz, phase.width_us),
        )
        if s.state != RUNNING:
            return key
        ages = [ms if ms is None else min(now_ms - ms, STEP_EVERY_MS) for ms in (s._first.raised_ms, self.raised_ms)]
        fading = None if s._fading_ms is None else now_ms - s._fading_ms
        return (*key, fading, samples.first(s).intensity_ua, samples.first(s).output_ua > 0, self.hal.raised, *ages)


def asks(act):
    """Something that a host asks, and is heard by that unless it is refused."""

    def event(world):
        act(world)
        world.supervisor.renew()
        return world

    return event


def up(world, by_ua):
    world.supervisor.set_intensity(samples.first(world.session).intensity_ua + by_ua, 0)
    world.hal.raised = True


def passes(ms):
    def event(world):
        world.pass_ms(ms)
        return world

    return event


def happens(name, value, ms, then=None):
    """Something of the hardware is `value` from now on, or for `ms` and then as `then` says."""

    def event(world):
        setattr(world.hal, name, value)
        world.pass_ms(ms)
        if then is not None:
            setattr(world.hal, name, then)
        return world

    return event


def stop_opens(world):
    world.hal.safe = False
    world.hal.trip = faults.EMERGENCY_STOP if world.hal.enabled() else 0
    world.pass_ms(STEP_EVERY_MS)
    world.hal.trip = 0
    return world


def stop_blinks(world):
    """Open for less than a turn, while the guard does not watch."""
    if not world.hal.enabled() and world.hal.safe:
        world.hal.safe = False
        world.hal.safe = True
    world.pass_ms(STEP_EVERY_MS)
    return world


def electrode_off(world):
    load = world.hal.channels[0]._load
    load._ohm = 10_000_000
    world.pass_ms(500)
    load._ohm = 500
    return world


def clock_back(world):
    world.hal.pass_ms(-1)
    world.supervisor.step(world.hal.now_ms())
    return world


def stuck(world):
    """The program does nothing for half an hour; where nobody is armed that is only time."""
    world.hal.pass_ms(LOCKOUT_MS)
    world.supervisor.step(world.hal.now_ms())
    world.look()
    return passes(2 * TURN_MS)(world)


EVENTS = {
    "load": asks(lambda w: w.supervisor.load(DATA)),
    "load another": asks(lambda w: w.supervisor.load(OTHER)),
    "load junk": asks(lambda w: w.supervisor.load({"title": 1})),
    "confirm": asks(lambda w: w.session.acknowledge(*RIGHT)),
    "confirm another list": asks(lambda w: w.session.acknowledge(RIGHT[0] + 1, RIGHT[1])),
    "arm": asks(lambda w: w.supervisor.arm(w.session.programme_crc)),
    "arm another": asks(lambda w: w.supervisor.arm(12_345)),
    "start": asks(lambda w: w.supervisor.start()),
    "up": asks(lambda w: up(w, STEP_MAX_UA)),
    "far up": asks(lambda w: up(w, STEP_MAX_UA + 100)),
    "off": asks(lambda w: w.supervisor.set_intensity(0, 0)),
    "below zero": asks(lambda w: w.supervisor.set_intensity(-100, 0)),
    "wider": asks(lambda w: w.supervisor.adjust(*WIDE, 0)),
    "narrower": asks(lambda w: w.supervisor.adjust(*SLOW, 0)),
    "far wider": asks(lambda w: w.supervisor.adjust(10_000, 500, 0)),
    "pause": asks(lambda w: w.supervisor.pause()),
    "stop": asks(lambda w: w.supervisor.stop()),
    "clear it": asks(lambda w: w.supervisor.clear(w.session.fault)),
    "clear another": asks(lambda w: w.supervisor.clear(w.session.fault + 1)),
    "keepalive": asks(lambda w: None),
    "250 ms": passes(250),
    "2 s": passes(2_000),
    "stuck": stuck,
    "fail": lambda w: w.supervisor.fail(faults.PULSE_CHECK, "one") or w,
    "fail otherwise": lambda w: w.supervisor.fail(faults.NET_CHARGE, "two") or w,
    "guard trips": happens("trip", faults.BOTH_PHASES, STEP_EVERY_MS, 0),
    "enable stuck": happens("stuck_high", True, STEP_EVERY_MS, False),
    "stop opens": stop_opens,
    "stop blinks": stop_blinks,
    "stop closes": happens("safe", True, STEP_EVERY_MS),
    "electrode off": electrode_off,
    "supply falls": happens("supply", 2_900, 1_000),
    "supply is back": happens("supply", 5_000, STEP_EVERY_MS),
    "clock back": clock_back,
    "power cut": lambda w: w.after_power(),
    "watchdog": lambda w: w.after_power("watchdog timer"),
}
# In these time passes while the program turns.
TIME = {
    "250 ms",
    "stop opens",
    "stop blinks",
    "stop closes",
    "supply is back",
    "guard trips",
    "enable stuck",
    "2 s",
    "electrode off",
    "supply falls",
}
OPENINGS = {"stop opens", "stop blinks"}
LEGAL = {
    (IDLE, "arm", ARMED),
    (ARMED, "start", RUNNING),
    (PAUSED, "start", RUNNING),
    (RUNNING, "pause", PAUSED),
    (FAULT, "clear it", IDLE),
    (IDLE, "arm", FAULT),  # the self-test finds something
    *((state, event, FAULT) for state in (IDLE, *ACTIVE) for event in ("fail", "fail otherwise", "clock back")),
    *((state, "enable stuck", FAULT) for state in (IDLE, ARMED, PAUSED)),
    *((RUNNING, event, FAULT) for event in ("guard trips", "stop opens", "stuck", "electrode off")),
    # The supply is not looked at while pulses run: what fell then is found in the pause.
    (ARMED, "supply falls", FAULT),
    *((ARMED, event, FAULT) for event in OPENINGS),
    *((PAUSED, event, FAULT) for event in TIME - {"supply is back"}),
    # The host is lost, or the programme is over.
    *((ARMED, event, IDLE) for event in (TIME | {"stuck", "stop"}) - {"supply falls", "enable stuck"} - OPENINGS),
    *((PAUSED, event, IDLE) for event in (TIME | {"stuck", "stop"}) - {"enable stuck"} - OPENINGS),
    *((RUNNING, event, IDLE) for event in (TIME | {"stop"}) - {"stop opens", "guard trips"}),
    # A reset forgets everything but faults, and of those only what has been written: that takes two turns.
    *((state, "power cut", IDLE) for state in (*ACTIVE, FAULT)),
    *((state, "watchdog", FAULT) for state in (IDLE, *ACTIVE)),
}
MOTOR_CRC = programme.crc(DATA)


def check(before: tuple, old: World, event: str, new: World, refused: bool) -> None:
    """What holds for every single step, from the outside. `old` is what it was, as far as it is asked here."""
    new.look()
    if refused and new.session.state != FAULT:
        assert before == new.key(), "refused, and yet something changed"
    session = new.session
    if session.state != old.state:
        assert (old.state, event, session.state) in LEGAL, (old.state, event, session.state, session.fault_text)
    if session.state == RUNNING != old.state:
        assert samples.first(session).intensity_ua == 0 and new.hal.safe, "from zero, always"
        new.raised_ms = None
    if session.state == ARMED != old.state:
        assert old.confirmed and old.programme and not old.fault and samples.first(session).intensity_ua == 0
        assert new.hal.safe and new.hal.supply == 5_000 and not old.locked
    if samples.first(session).intensity_ua > old.intensity_ua:
        assert old.state == session.state == RUNNING and event == "up"
        assert samples.first(session).intensity_ua - old.intensity_ua <= STEP_MAX_UA
        assert old.raised_ms is None or new.hal.now_ms() - old.raised_ms >= STEP_EVERY_MS
        new.raised_ms = new.hal.now_ms()
    if old.state == FAULT:
        if event in ("power cut", "watchdog"):
            # What was written is there again, and a watchdog's reset comes up in FAULT whatever was written.
            assert session.state == FAULT or (event == "power cut" and old.due)
            assert old.due or session.fault == old.fault
        else:
            assert session.state == FAULT or event == "clear it", "nothing but a person"
            assert session.state != FAULT or session.fault == old.fault, "the first one stays"
    if session.state == FAULT:
        assert session.fault and not session.acknowledged
    if event == "confirm" and not refused:
        new.confirmed = True
    ended = session.state != old.state and session.state in (IDLE, FAULT)
    if ended or session.state == FAULT or (event in ("load", "load another") and not refused):
        new.confirmed = False


class Old:
    """Of a world before an event, what is asked afterwards."""

    def __init__(self, world: World) -> None:
        session = world.session
        self.state, self.fault, self.intensity_ua = session.state, session.fault, samples.first(session).intensity_ua
        self.programme, self.confirmed, self.raised_ms = session.programme, world.confirmed, world.raised_ms
        self.due = world.store.due
        self.locked = world.supervisor._lockout.left_ms(world.hal.now_ms()) and session.programme_crc == MOTOR_CRC


@functools.cache
def explored() -> tuple[Counter[str], int, frozenset[tuple[str, str, str]], frozenset[int]]:
    """(situations by state, steps, kinds of steps, faults that were met)."""
    first = World()
    key = first.key()
    seen, todo, steps, taken, met = {key}, deque([(key, pickle.dumps(first))]), set(), 0, set()
    while todo:
        key, kept = todo.popleft()
        world = None
        for event, act in EVENTS.items():
            world = world or pickle.loads(kept)
            old = Old(world)
            refused = False
            try:
                world = act(world)
            except Refused:
                refused = True
            check(key, old, event, world, refused)
            taken += 1
            steps.add((old.state, event, world.session.state))
            met.add(world.session.fault)
            after = world.key()
            if after not in seen:
                seen.add(after)
                todo.append((after, pickle.dumps(world)))
            if not refused or after != key:
                world = None  # otherwise it is as it was, and serves for the next event
    return Counter(key[0] for key in seen), taken, frozenset(steps), frozenset(met)


def test_h02_no_sequence_of_events_breaks_a_rule():
    situations, taken, steps, met = explored()
    print(f"{situations.total()} situations {dict(situations)}, {taken} steps, faults {sorted(met)}")
    # It went everywhere: each state in many ways, and every change of state that is legal happened.
    assert set(situations) == {IDLE, ARMED, RUNNING, PAUSED, FAULT}
    assert situations.total() > 1_500 and situations[RUNNING] > 900 and taken == situations.total() * len(EVENTS)
    assert {step for step in steps if step[0] != step[2]} == LEGAL
    assert len(met - {0}) >= 10

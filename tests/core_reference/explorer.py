"""Random sessions on the virtual board, each held against a timeline of its own (timeline.py).

A session has one or two channels with delays and phases of every pattern; a person pauses and goes on, adjusts rate
and width, and the loop has its hiccups. Whatever is done in whatever order: what was accepted ends as completed; every
pulse of the timeline is given, once, with its width; while no turn is late each begins at its microsecond, and late
turns make pulses late and never early, nor closer together.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import samples
from bench_hal import Bench
from timeline import Timeline, plain

from nmes.core.reason import Refused
from nmes.core.session import IDLE, PAUSED, RUNNING
from nmes.hal.virtual import _SETTLED_US

LATE_TURN_MS = 20  # a turn of no more than this makes nothing late, wherever trains and bursts begin
FAULT_TURN_MS = 80
SLOW = (1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 7_000)
FAST = (10_000, 12_000, 15_000, 20_000, 35_000, 50_000, 60_000, 80_000, 100_000, 149_999, 150_000)


def rate_of(die):
    return die.choice((die.choice(SLOW), die.choice(SLOW), die.choice(FAST), die.randint(1_000, 150_000)))


def pattern_of(die, rate):
    kind = die.choice(("none",) * 5 + ("number", "burst", "sweep", "alternate"))
    if kind == "number":
        return {"pulses": die.randint(1, 40)}
    if kind == "burst":
        burst = die.randint(2, 8)
        burst_rate = min(rate // burst, die.choice((1_000, 2_000, 5_000)))
        return {"burst_pulses": burst, "burst_rate_mhz": max(500, burst_rate)}
    if kind == "none":
        return {}
    to = {"rate_to_mhz": die.choice((0, rate_of(die))), "width_to_us": die.randint(60, 400)}
    return {"change": kind, **to, "change_ms": die.randint(100, 1_500)}


def phase_of(die, i):
    rate = rate_of(die)
    work = die.choice((0, 0, die.randint(1_000, 2_500), 1_000, 1_500, 2_000))
    # Mostly enough for the last pulse of a train, and at times not.
    enough = 1_000_000 // rate + 1
    rest = die.choice((0, 20, enough, enough, 1_000, die.randint(0, 1_500))) if work else 0
    trains = die.randint(1, 3)
    duration = work + (trains - 1) * (work + rest) + die.choice((0, 1, 17, 500, die.randint(0, 1_500)))
    if not work:
        duration = die.choice((1_000, 1_500, 2_000, 1_001, die.randint(1_000, 4_000)))
    ramp = min(500, (work or duration) // 2)
    fields = {"rate_mhz": rate, "width_us": die.choice((100, 250, die.randint(60, 400))), "gap_us": 50}
    times = {"work_ms": work, "rest_ms": rest, "ramp_up_ms": ramp, "ramp_down_ms": ramp, "duration_ms": duration}
    return samples.phase(name=f"phase {i}", **fields, **times, **pattern_of(die, rate))


def programme_of(die):
    phases = [phase_of(die, i) for i in range(die.choice((1, 2, 2, 3, 3, 4)))]
    kind = die.choice(("dummy", "pads"))
    if kind == "dummy" and not die.randrange(3):
        for fields in phases:
            fields["ramp_up_ms"] = fields["ramp_down_ms"] = 0
    data = samples.programme(phases, effect="sensory", kind=kind, area_mm2=2_500, max_current_ua=5_000)
    if die.randrange(2):
        delays = (0, 0, 1, 2_500, die.randint(0, 20_000), die.randint(0, 2_000_000))
        rows = [{"channel": c, "delay_us": die.choice(delays)} for c in die.choice(((0, 1), (1, 0), (1,)))]
        if die.randrange(2):
            rows[-1]["phases"] = [phase_of(die, i) for i in range(die.randint(1, 3))]
            if len(rows) == 1:
                del data["phases"]
        data["channels"] = rows
    return data


class Log:
    """What begins, of all channels: [(begin in us, width)] each."""

    def __init__(self, channels):
        self.begun = {channel: [] for channel in channels}

    def write(self, line):
        start_us, width_us, *_, channel = (int(word) for word in line.split(","))
        self.begun[channel].append((start_us - _SETTLED_US, width_us))


class Session:
    """One session, from its seed. `say` is told what is done."""

    def __init__(self, seed, say=lambda *words: None):
        self.die = random.Random(seed)
        self.say = say
        self.data = programme_of(self.die)
        self.rows = self.data.get("channels") or [{"channel": 0, "delay_us": 0}]
        self.lines = {row["channel"]: Timeline(row.get("phases") or self.data["phases"]) for row in self.rows}
        self.seen = Counter()
        self.late = self.die.randrange(4) == 0  # there are late turns
        self.turns_ms = self.die.choice(
            ((10,), (1, 2, 3), (5, 20), (7, 13, 19), (LATE_TURN_MS,), range(1, LATE_TURN_MS + 1))
        )

    def run(self):
        """What was met, counted; "refused" when the programme is not accepted. Raises AssertionError."""
        bench = self.bench = Bench()
        try:
            bench.arm(self.data)
        except Refused as refused:
            codes = {reason["code"] for reason in refused.reasons}
            assert bench.session.state == IDLE, bench.session.fault_text
            if codes == {"pulses_do_not_fit"}:
                assert not all(line.fits() for line in self.lines.values()), "every pulse has room"
            self.seen.update(["refused", *codes])
            return self.seen
        assert all(line.fits() for line in self.lines.values()), "a number of pulses that has no room was accepted"
        made = bench.session.programme
        assert made.pulses == sum(len(line.plan) for line in self.lines.values()), "another number of pulses"
        self.log = Log(self.lines)
        for channel in bench.hal.channels:
            channel._log = self.log
        self.starts = []  # (us, the programme's clock in ms, how many pulses of each channel had begun by then)
        self.slips = 0
        self.start()
        self.say(self.data)
        todo = self.plan_of_events(made.duration_ms)
        while bench.session.state == RUNNING:
            self.turn()
            while todo and bench.session.state == RUNNING and self.elapsed_ms() >= todo[0][0]:
                _, what = todo.pop(0)
                self.say(self.elapsed_ms(), what)
                getattr(self, what)()
        self.judge()
        return self.seen

    def elapsed_ms(self):
        return self.bench.session.elapsed_ms(self.bench.hal.now_ms())

    def start(self):
        hal, session = self.bench.hal, self.bench.session
        begun = {channel: len(pulses) for channel, pulses in self.log.begun.items()}
        self.starts.append((hal.now_ms() * 1000, session.elapsed_ms(hal.now_ms()), begun))
        self.bench.supervisor.start()

    def turn(self):
        ms = self.die.choice(self.turns_ms)
        if self.late and self.die.randrange(60) == 0 and self.slips < 8:
            ms = self.die.randint(LATE_TURN_MS + 1, FAULT_TURN_MS)
            self.slips += 1
        self.bench.turn(ms)

    def plan_of_events(self, duration_ms):
        """[(time of the programme's clock, what)], many of them around what changes then."""
        edges = [0, duration_ms]
        for row in self.rows:
            line, delay = self.lines[row["channel"]], row["delay_us"] // 1000
            edges += [delay + at // 1000 for train in line.trains for at in (train.begin, train.end)]
            edges += [delay + self.die.choice(line.plan).begin // 1000 for _ in range(5)]
        events = []
        for _ in range(self.die.choice((0, 1, 2, 4, 8, 16))):
            at = self.die.choice((self.die.randint(0, duration_ms), self.die.choice(edges) + self.die.randint(-90, 70)))
            events.append((at, self.die.choice(("pause", "pause", "twice", "adjust", "adjust", "intensity"))))
        if self.die.randrange(12) == 0:
            events.append((self.die.randint(0, duration_ms), "stop"))
        return sorted(events)

    # ---- what a person does ----

    def pause(self):
        """A while, or none, and maybe an adjustment in it."""
        queued = [self.bench.hal.channels[channel].queued() for channel in self.lines]
        self.bench.supervisor.pause()
        assert self.bench.session.state == PAUSED, self.bench.session.fault_text
        self.seen["pauses"] += 1
        self.seen["pauses with nothing queued"] += not any(queued)
        for _ in range(self.die.choice((0, 0, 1, 3, 20))):
            self.bench.turn(self.die.choice((1, 10, 50, 333)))
        if self.die.randrange(3) == 0:
            self.adjust()
        self.start()

    def stop(self):
        self.bench.supervisor.stop()
        self.seen["stopped"] += 1

    def twice(self):
        """Two pauses in a row."""
        self.pause()
        for _ in range(self.die.choice((0, 0, 1, 2))):
            self.turn()
        if self.bench.session.state == RUNNING:
            self.pause()

    def intensity(self):
        channel = self.die.choice(list(self.lines))
        with suppress(Refused):
            self.bench.supervisor.set_intensity(self.die.choice((0, 1_000, 2_000)), channel)

    def adjust(self):
        channel = self.die.choice(list(self.lines))
        line, lane = self.lines[channel], self.bench.session.lane(channel)
        at = lane.queued - lane.cancelled
        if at == len(line.plan):
            return
        old = line.plan[at]
        fields = line.phases[line.trains[old.train].phase]
        rate = self.die.choice((old.rate, rate_of(self.die), max(1_000, old.rate // 2)))
        width = self.die.choice((old.width, self.die.randint(60, 400)))
        try:
            number = self.bench.supervisor.adjust(rate, width, channel)
        except Refused as refused:
            codes = {reason["code"] for reason in refused.reasons}
            if codes == {"nothing_left"}:
                assert line.change(at, rate, width) is None, "there was a pulse left"
            self.seen["adjustments refused"] += 1
            return
        assert plain(fields) and (rate == old.rate or not fields.get("pulses"))
        assert number == line.change(at, rate, width), "another pulse is the first with the new rate"
        self.say("  from pulse", number, "of channel", channel, rate, "mHz", width, "us")
        self.seen["adjustments"] += 1

    # ---- what came of it ----

    def judge(self):
        bench, session = self.bench, self.bench.session
        told = f"{session.state}, {session.ended}: {session.fault_text}"
        ended = "stopped" if self.seen["stopped"] else "completed"
        assert (session.state, session.ended, session.fault) == (IDLE, ended, 0), told
        assert self.slips or not samples.underruns(session), "an underrun without a late turn"
        for row, lane in zip(self.rows, session.lanes, strict=True):
            line, begun = self.lines[row["channel"]], self.log.begun[row["channel"]]
            assert line.closest() >= 1, "closer than at the rate of the phase that runs"
            counts = (lane.queued - lane.cancelled, len(begun))
            wanted = len(begun) if self.seen["stopped"] else len(line.plan)
            assert counts == (wanted, wanted), f"queued and begun {counts} of {wanted}"
            assert [width for _, width in begun] == [pulse.width for pulse in line.plan[:wanted]]
            self.judge_times(row, line.plan, [at for at, _ in begun])
            self.seen["pulses"] += len(begun)
        self.seen.update(sessions=1, slips=self.slips, underruns=samples.underruns(session))
        self.seen["two channels"] += len(self.rows) > 1
        assert not bench.hal.channels[0].queued()

    def judge_times(self, row, plan, begun):
        """Each pulse at its time after the start that it came from."""
        ends = [start[2][row["channel"]] for start in self.starts[1:]] + [len(begun)]
        for (start_us, clock_ms, counts), end in zip(self.starts, ends, strict=True):
            first = counts[row["channel"]]
            late = [
                begun[n] - (start_us + plan[n].begin + row["delay_us"] - 1000 * clock_ms) for n in range(first, end)
            ]
            if not self.slips:
                wrong = [(first + n, us) for n, us in enumerate(late) if us]
                assert not wrong, f"(pulse, us late): {wrong[:5]}"
            assert all(us >= 0 for us in late), "early"
            assert all(a <= b for a, b in pairwise(late)), "closer together than asked"
            assert not late or late[-1] <= 1000 * FAULT_TURN_MS * self.slips, "later than the late turns explain"

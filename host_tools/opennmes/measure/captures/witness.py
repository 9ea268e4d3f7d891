"""What a second board, the witness, has recorded of a board's pins, as a capture that `verify` judges.

Each pin's machine (firmware/witness/edges_pio.py) says by a count of rounds when its pin has changed. Here the counts
become times since GO, in picoseconds of the witness's clock. What was lost is never filled in: a recording in which
anything is missing says so, and nothing of it is passed.
"""

from __future__ import annotations

import bisect
import heapq
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opennmes.measure.captures import witness_frames as frames
from opennmes.measure.captures.base import END, PS_PER_S, CaptureError, Edge, Sampling

CYCLE_PS = 8_000
_ALL = 1 << 32
FIRST_EDGE_LOOK_CYCLES = 1  # the first look at the pins comes a cycle after GO
# As firmware/witness/edges_pio.py has them (tests/architecture/test_constants.py).
ROUND_CYCLES, RISE_TO_FALL_CYCLES, FALL_TO_RISE_CYCLES, WRAP_LOW_CYCLES = 2, 1, 2, 1
_WRAP_PS = _ALL * ROUND_CYCLES * CYCLE_PS
# A window of a level (edges_pio.py): so many looks, each so many cycles after the one before; when the first window
# begins, and what there is from one to the next.
LOOKS, LOOK_CYCLES = 1_000, 3
FIRST_LOOK_CYCLES, WINDOW_CYCLES = 3, LOOKS * LOOK_CYCLES + 4
WINDOW_PS = WINDOW_CYCLES * CYCLE_PS
# A change is seen up to a round late, and right after a rise a cycle more.
SAMPLING = Sampling(PS_PER_S / (ROUND_CYCLES * CYCLE_PS), CYCLE_PS, "the witness's state machines")


class Machine:
    """The changes of one pin: `edges` are (picoseconds since GO, level from then on)."""

    def __init__(self, x: int = _ALL - 1) -> None:
        """`x`: what the machine counts down from."""
        self.edges: list[tuple[int, int]] = []
        self._rounds = _ALL - 1 - x  # with what x had been counted down before
        self._begun = self._rounds
        self._more = 0  # cycles beside the rounds

    def take(self, words: Sequence[int], now_ps: int) -> None:
        """Take in what the machine has said; all of it was before `now_ps` and later than 68 s before."""
        for number, word in enumerate(words):
            before = self._rounds
            self._rounds += (_ALL - 1 - self._rounds - word) % _ALL
            level = 1 - len(self.edges) % 2
            if number == 0:  # how often x has come round since the last change
                ahead_ps = now_ps - self._ps(level, before)
                self._rounds += max(0, int(ahead_ps // _WRAP_PS)) * _ALL
            ps = self._ps(level, before)
            self._more = self._more_with(level, before)
            self.edges.append((ps, level))

    def _more_with(self, level: int, before: int) -> int:
        first = FIRST_EDGE_LOOK_CYCLES if not self.edges else FALL_TO_RISE_CYCLES if level else RISE_TO_FALL_CYCLES
        wraps = self._rounds // _ALL - before // _ALL if level else 0
        return self._more + first + wraps * WRAP_LOW_CYCLES

    def _ps(self, level: int, before: int) -> int:
        return ((self._rounds - self._begun) * ROUND_CYCLES + self._more_with(level, before)) * CYCLE_PS

    @property
    def level(self) -> int:
        """The level after the last change."""
        return len(self.edges) % 2


@dataclass
class Wave:
    """A time in which the pump's halves came one after the other, and its shortest and longest half."""

    begin_ps: int
    end_ps: int
    halves: int
    least_ps: int
    most_ps: int
    last: tuple[int, int] = (0, 0)  # x and number of the change at its end


@dataclass
class Plateau:
    """Windows of a level, one after the other, that differ by one look at most: the first one's number, how many they
    are, and the fewest and the most looks of one that saw the pin high."""

    first: int
    count: int
    least: int
    most: int

    @property
    def end(self) -> int:
        """The number of the window after the last."""
        return self.first + self.count


@dataclass
class Recording:
    """All that a witness has said since it began to record. `pins`: the machine of each role; `lost`: what is missing,
    in words; `levels`: (picoseconds, all the pins) at each heartbeat; `waves`: of the pump; `plateaus`: of each level
    pin, where levels are recorded (`duties`: their machines)."""

    pins: Mapping[str, int]
    gpios: Mapping[str, int]
    go_us: int
    pump: int | None = None
    duties: frozenset[int] = frozenset()
    plateaus: dict[int, list[Plateau]] = field(default_factory=dict)
    machines: dict[int, Machine] = field(default_factory=dict)
    waves: list[Wave] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    now_ps: int = 0
    _totals: dict[int, int] = field(default_factory=dict)
    _pump_changes: int = 0
    _us: int = 0

    def __post_init__(self) -> None:
        self._us = self.go_us
        others = self.duties | {self.pump}
        self.machines = {machine: Machine() for machine in self.pins.values() if machine not in others}
        self.plateaus = {machine: [] for machine in self.pins.values() if machine in self.duties}

    def take(self, frame: frames.Frame) -> None:
        """Take in a frame."""
        if frame.kind == frames.HEARTBEAT:
            us, levels, stalled, overrun, _ = frames.OF_HEARTBEAT.unpack(frame.payload)
            self._moved(us)
            self.levels.append((self.now_ps, levels))
            for role, machine in self.pins.items():
                if stalled >> machine & 1:
                    self._lose(f"{role}: the witness could not keep up (its state machine had to wait)")
                if overrun >> machine & 1:
                    self._lose(f"{role}: the witness could not keep up (what it had noted was written over)")
        elif frame.kind in (frames.EDGES, frames.PUMP, frames.LEVELS):
            us, _, total, machine, _ = frames.OF_MACHINE.unpack_from(frame.payload)
            body = frame.payload[frames.OF_MACHINE.size :]
            words = struct.unpack(f"<{len(body) // 4}I", body)
            self._moved(us)
            if frame.kind == frames.PUMP:
                self._pump(words, total)
            elif frame.kind == frames.LEVELS:
                self._level(machine, words, total)
            elif machine in self.machines:
                self._totals[machine] = self._totals.get(machine, 0) + len(words) & 0xFFFFFFFF
                if self._totals[machine] != total:
                    role = next(role for role, number in self.pins.items() if number == machine)
                    self._lose(f"{role}: changes were made that the witness has not said")
                self.machines[machine].take(words, self.now_ps)

    def ps_of(self, us: int) -> int:
        """The time of a moment of the witness's clock, as the answer to a command has it: both are whole microseconds,
        so that it may have been one later."""
        ahead_us = (us - self._us + (1 << 31)) % _ALL - (1 << 31)
        return (self._us + ahead_us - self.go_us - 1) * 1_000_000

    def missing(self, count: int) -> None:
        """Frames were lost on the way."""
        self._lose(f"{count} frames were lost or damaged between the witness and this computer")

    def _lose(self, what: str) -> None:
        if what not in self.lost:
            self.lost.append(what)

    def _moved(self, us: int) -> None:
        self._us += (us - self._us) & 0xFFFFFFFF
        self.now_ps = (self._us - self.go_us + 1) * 1_000_000

    def _pump(self, words: Sequence[int], total: int) -> None:
        last_number = self._pump_changes
        for at in range(0, len(words), frames.STRETCH_WORDS):
            first, last, last_number, halves, least, most = words[at : at + frames.STRETCH_WORDS]
            goes_on = bool(self.waves) and self.waves[-1].last == (first, last_number - halves)
            if last_number - halves != self._pump_changes + (not goes_on):
                self._lose("pump: changes were made that the witness has not said")
            self._pump_changes = last_number
            # A half is 1 or 2 cycles longer than its rounds.
            least_ps = (least * ROUND_CYCLES + RISE_TO_FALL_CYCLES) * CYCLE_PS if halves else 0
            most_ps = (most * ROUND_CYCLES + FALL_TO_RISE_CYCLES) * CYCLE_PS if halves else 0
            end_ps = self._pump_ps(last, last_number)
            if goes_on:
                wave = self.waves[-1]
                if halves:
                    wave.least_ps = min(least_ps, wave.least_ps) if wave.halves else least_ps
                    wave.most_ps = max(most_ps, wave.most_ps)
                wave.end_ps, wave.halves, wave.last = end_ps, wave.halves + halves, (last, last_number)
            else:
                begin_ps = self._pump_ps(first, last_number - halves)
                self.waves.append(Wave(begin_ps, end_ps, halves, least_ps, most_ps, (last, last_number)))
        if last_number & 0xFFFFFFFF != total:
            self._lose("pump: changes were made that the witness has not said")

    def _pump_ps(self, x: int, number: int) -> int:
        """When the change of this number was, that the witness says with x."""
        more = (number - 1) // 2 * (RISE_TO_FALL_CYCLES + FALL_TO_RISE_CYCLES) + (number - 1) % 2 * RISE_TO_FALL_CYCLES
        ps = ((_ALL - 1 - x) * ROUND_CYCLES + more + FIRST_EDGE_LOOK_CYCLES) * CYCLE_PS
        return int(ps + max(0, (self.now_ps - ps) // _WRAP_PS) * _WRAP_PS)

    def _level(self, machine: int, words: Sequence[int], total: int) -> None:
        known = self.plateaus.get(machine)
        if known is None:
            return
        for word in words:
            least, count = word & frames.PLATEAU_LOOKS, word >> frames.PLATEAU_COUNT_SHIFT
            most = least + (word >> frames.PLATEAU_SPREAD_SHIFT & 3)
            last = known[-1] if known else Plateau(0, 0, least, most)
            together = min(last.least, least), max(last.most, most)
            if known and together[1] - together[0] <= 1:
                known[-1] = Plateau(last.first, last.count + count, *together)
            else:
                known.append(Plateau(last.end, count, least, most))
        if (known[-1].end if known else 0) & 0xFFFFFFFF != total:
            role = next(role for role, number in self.pins.items() if number == machine)
            self._lose(f"{role}: there are windows of it that the witness has not said")

    # ---- what was recorded ----

    def edges(self, role: str) -> list[tuple[int, int]]:
        """The changes of a pin. Raises KeyError for one that is not recorded."""
        return self.machines[self.pins[role]].edges

    def level(self, role: str, ps: int) -> int:
        """The level of a pin at an instant: low before its first change."""
        edges = self.edges(role)
        at = bisect.bisect_right(edges, ps, key=lambda edge: edge[0])
        return edges[at - 1][1] if at else 0

    def looks(self, role: str, begin_ps: int, end_ps: int, *, touching: bool = False) -> tuple[int, int] | None:
        """(the fewest, the most) looks that saw a level pin high, of 1000 each, in the windows that lie wholly in a
        time; `touching`: in all that have a part in it. None: it has no window. Raises KeyError for a pin whose level
        is not recorded."""
        lasts_ps = (WINDOW_CYCLES - 4) * CYCLE_PS
        early_ps = begin_ps - FIRST_LOOK_CYCLES * CYCLE_PS - (lasts_ps if touching else 0)
        late_ps = end_ps - FIRST_LOOK_CYCLES * CYCLE_PS - (0 if touching else lasts_ps)
        first, last = max(0, -(-early_ps // WINDOW_PS)), late_ps // WINDOW_PS
        known = self.plateaus[self.pins[role]]
        if last < first or not known or known[-1].end <= last:
            return None
        at = bisect.bisect_right(known, first, key=lambda plateau: plateau.first) - 1
        to = bisect.bisect_right(known, last, key=lambda plateau: plateau.first)
        return min(each.least for each in known[at:to]), max(each.most for each in known[at:to])

    def first(self, role: str, level: int, since_ps: int, until_ps: int | None = None) -> int | None:
        """When a pin first became `level` in a time; None: it did not."""
        edges = self.edges(role)
        for ps, now in edges[bisect.bisect_left(edges, since_ps, key=lambda edge: edge[0]) :]:
            if until_ps is not None and ps > until_ps:
                return None
            if now == level:
                return ps
        return None

    def last(self, role: str, level: int, since_ps: int, until_ps: int | None = None) -> int | None:
        """When a pin last became `level` in a time; None: it did not."""
        found = None
        for ps, now in self.edges(role):
            if ps >= since_ps and now == level and (until_ps is None or ps <= until_ps):
                found = ps
        return found

    def between(self, begin_ps: int, end_ps: int) -> WitnessCapture:
        """The part from an instant to another, as a capture."""
        return WitnessCapture(self, begin_ps, end_ps)


class WitnessCapture:
    """A part of a recording: every pin whose changes are recorded."""

    form = "a witness's recording"

    def __init__(self, recording: Recording, begin_ps: int, end_ps: int) -> None:
        self.path = Path("witness")
        self.signals: Sequence[str] = [
            role for role, machine in recording.pins.items() if machine in recording.machines
        ]
        self.sampling = SAMPLING
        self._recording = recording
        self._span_ps = begin_ps, end_ps

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """See Capture."""
        begin_ps, end_ps = self._span_ps
        lists = []
        for place, role in enumerate(wanted):
            if role not in self.signals:
                raise CaptureError(f"the witness records no {role}; it records {', '.join(self.signals)}")
            yield begin_ps, place, self._recording.level(role, begin_ps)
            changes = self._recording.edges(role)
            first = bisect.bisect_right(changes, begin_ps, key=lambda edge: edge[0])
            lists.append([(ps, place, level) for ps, level in changes[first:] if ps <= end_ps])
        yield from heapq.merge(*lists)
        yield end_ps, END, 0

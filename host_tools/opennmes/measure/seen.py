"""What a capture shows: phases, pulses, levels, enable and pump, in one walk over its edges."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from opennmes.measure import names
from opennmes.measure.captures import Capture, CaptureError, Sampling
from opennmes.measure.captures.base import END, PS_PER_S, seconds
from opennmes.measure.expected import Expected

PS_PER_US = 1_000_000
PS_PER_MS = 1_000 * PS_PER_US
# A phase B that begins later than this after phase A belongs to no pulse; the longest gap is 1 ms.
LONGEST_GAP_PS = 1_100 * PS_PER_US
# The stage's level is set 256 us before a phase (boards/stages); so long before it the level is looked at already.
_LEVEL_SINCE_PS = 200 * PS_PER_US
_LEVEL_EDGES = 1_024  # more than a level pin has within a phase and that
_MOST_STRETCHES = 100_000

Span = tuple[int, int | None]  # from, to; None: still so when the capture ends


@dataclass(frozen=True)
class SeenPulse:
    """One pulse, in picoseconds; a phase that is not there is None. Levels are the stage's, None where none are
    captured; `level_step` is what they may be off."""

    a: Span | None
    b: Span | None
    level: float | None = None
    level_step: float = 0.0

    @property
    def start_ps(self) -> int:
        """When its first phase begins."""
        first = self.a or self.b
        assert first is not None
        return first[0]


@dataclass
class SeenChannel:
    """The pulses of one channel. `cut`: one that had begun before the capture did, which is none of `pulses`;
    `overlaps`: when both phases were high at once, and for how long."""

    index: int
    has_a: bool
    has_b: bool
    pulses: list[SeenPulse] = field(default_factory=list)
    cut: SeenPulse | None = None
    overlaps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether both phases are captured."""
        return self.has_a and self.has_b


@dataclass
class Stretch:
    """A time in which the pump was a steady wave, and its shortest and longest half."""

    begin_ps: int
    end_ps: int
    least_ps: int = 0
    most_ps: int = 0


@dataclass
class Seen:
    """All of a capture that matters, in picoseconds on its own clock."""

    sampling: Sampling
    begin_ps: int
    end_ps: int
    channels: dict[int, SeenChannel]
    enable: list[tuple[int, int]] | None  # each change, the first one at the begin; None: not captured
    pump: list[Stretch] | None


def read(capture: Capture, roles: Mapping[str, str], sampling: Sampling, expected: Expected, most_ppm: float) -> Seen:
    """Walk once over a capture. `roles`: the signal of each role; `sampling`: with a rate. Raises CaptureError and
    OSError.

    What is kept in memory are pulses; of pump and levels, which have hundreds of thousands of edges a second, what they
    come to.
    """
    wanted = list(roles)
    pump = _Pump(expected.pump_half_us * PS_PER_US, most_ppm, sampling.step_ps) if names.PUMP in roles else None
    enable: list[tuple[int, int]] | None = [] if names.ENABLE in roles else None
    handlers: list[Callable[[int, int], None]] = [lambda ps, value: None] * len(wanted)
    readers = {}
    grid = _Grid(capture, sampling)
    for channel in names.CHANNELS:
        reader = _Channel(channel, roles, sampling, expected, grid)
        if reader.handlers:
            readers[channel] = reader
        for role, handler in reader.handlers.items():
            handlers[wanted.index(role)] = handler
    if pump is not None:
        handlers[wanted.index(names.PUMP)] = pump.edge
    if enable is not None:
        handlers[wanted.index(names.ENABLE)] = lambda ps, value: enable.append((ps, value))
    begin_ps = end_ps = None
    for ps, place, value in capture.edges([roles[role] for role in wanted]):
        if begin_ps is None:
            begin_ps = ps
        if place == END:
            end_ps = ps
        else:
            handlers[place](ps, value)
    if begin_ps is None or end_ps is None or end_ps <= begin_ps:
        raise CaptureError(f"{capture.path} has nothing in it but one instant: capture for longer, and save again")
    channels = {index: reader.seen(begin_ps, end_ps, expected) for index, reader in readers.items()}
    return Seen(sampling, begin_ps, end_ps, channels, enable, pump.stretches if pump else None)


class _Grid:
    """Whether edges lie where the samples are: if not, the rate that was said is not the capture's."""

    def __init__(self, capture: Capture, sampling: Sampling) -> None:
        self._capture = capture
        self._sampling = sampling
        self._judges = 4 * sampling.quantum_ps < sampling.period_ps
        self._first_ps: int | None = None

    def look(self, ps: int) -> None:
        if not self._judges:
            return
        if self._first_ps is None:
            self._first_ps = ps
        period_ps = self._sampling.period_ps
        since_ps = ps - self._first_ps
        off_ps = since_ps - round(since_ps / period_ps) * period_ps
        if abs(off_ps) > 2 * self._sampling.quantum_ps:
            raise CaptureError(
                f"{self._capture.path}: the edge at {seconds(ps)} lies between two samples of "
                f"{rate_in_words(self._sampling.rate_hz)}, which {self._sampling.source} says; give the rate at which "
                "it was captured: --sample-rate 24MHz"
            )


class _Channel:
    def __init__(
        self, index: int, roles: Mapping[str, str], sampling: Sampling, expected: Expected, grid: _Grid
    ) -> None:
        self._index = index
        self._grid = grid
        self.highs: dict[str, list[list[int | None]]] = {names.PHASE_A: [], names.PHASE_B: []}
        self._on = {names.PHASE_A: False, names.PHASE_B: False}
        self._initial = {names.PHASE_A: True, names.PHASE_B: True}
        self.has = {phase: f"{phase}_{index}" in roles for phase in self._on}
        self._both_since: int | None = None
        self._overlaps: list[tuple[int, int]] = []
        self._levels: list[tuple[float, float] | None] = []  # of each phase A that has ended
        self.begun_before: set[str] = set()
        self._meter: _Pwm | _Current | None = None
        handlers: dict[str, Callable[[int, int], None]] = {}
        if self.has[names.PHASE_A]:
            handlers[f"{names.PHASE_A}_{index}"] = lambda ps, value: self._edge(names.PHASE_A, ps, value)
        if self.has[names.PHASE_B]:
            handlers[f"{names.PHASE_B}_{index}"] = lambda ps, value: self._edge(names.PHASE_B, ps, value)
        level, current = f"{names.LEVEL_A}_{index}", f"{names.CURRENT}_{index}"
        if level in roles:
            self._meter = _Pwm(expected.levels, expected.level_period_us, sampling.step_ps)
            handlers[level] = self._meter.edge
        elif current in roles:
            self._meter = _Current(expected.full_scale_ua / expected.levels)
            handlers[current] = self._meter.edge
        self.handlers = handlers

    def _edge(self, phase: str, ps: int, value: int) -> None:
        initial, self._initial[phase] = self._initial[phase], False
        if initial and value:
            self.begun_before.add(phase)
        if bool(value) == self._on[phase]:
            return
        if not initial:
            self._grid.look(ps)
        self._on[phase] = bool(value)
        other = self._on[names.PHASE_B if phase == names.PHASE_A else names.PHASE_A]
        if value:
            self.highs[phase].append([ps, None])
            if other:
                self._both_since = ps
            return
        high = self.highs[phase][-1]
        high[1] = ps
        if self._both_since is not None:
            # What changes at the same instant changes together: B up where A goes down is no overlap.
            if ps > self._both_since:
                self._overlaps.append((self._both_since, ps - self._both_since))
            self._both_since = None
        if phase == names.PHASE_A:
            assert high[0] is not None
            self._levels.append(self._meter.level(high[0], ps) if self._meter else None)

    def seen(self, begin_ps: int, end_ps: int, expected: Expected) -> SeenChannel:
        if self._both_since is not None and end_ps > self._both_since:
            self._overlaps.append((self._both_since, end_ps - self._both_since))
        made = SeenChannel(self._index, self.has[names.PHASE_A], self.has[names.PHASE_B], overlaps=self._overlaps)
        made.pulses = self._paired()
        if made.pulses and self._had_begun(made.pulses[0], begin_ps, expected):
            made.cut = made.pulses.pop(0)
        return made

    def _had_begun(self, first: SeenPulse, begin_ps: int, expected: Expected) -> bool:
        if first.start_ps == begin_ps and self.begun_before:
            return True
        # Its phase A may have been over when the capture began.
        gap_us = max((p.gap_us for c in expected.channels if c.index == self._index for p in c.pulses), default=0)
        return self.has[names.PHASE_A] and first.a is None and first.start_ps - begin_ps <= 1.01 * gap_us * PS_PER_US

    def _paired(self) -> list[SeenPulse]:
        """Pulses of phase A and what follows it; a phase that has no other is a pulse of its own."""
        phases = [(span[0], phase, number) for phase in self.highs for number, span in enumerate(self.highs[phase])]
        phases.sort()
        found: list[SeenPulse] = []
        at = 0
        while at < len(phases):
            _, phase, number = phases[at]
            span = self._span(phase, number)
            at += 1
            if phase == names.PHASE_B:
                found.append(SeenPulse(None, span))
                continue
            b = None
            if at < len(phases) and phases[at][1] == names.PHASE_B:
                b = self._span(names.PHASE_B, phases[at][2])
                if span[1] is not None and b[0] - span[1] > LONGEST_GAP_PS:
                    b = None
                else:
                    at += 1
            level = self._levels[number] if number < len(self._levels) else None
            found.append(SeenPulse(span, b, *(level or (None, 0.0))))
        return found

    def _span(self, phase: str, number: int) -> Span:
        start, end = self.highs[phase][number]
        assert start is not None
        return start, end


class _Pwm:
    """The level that a pin says by its duty."""

    def __init__(self, levels: int, period_us: int, step_ps: float) -> None:
        self._levels = levels
        self._period_ps = period_us * PS_PER_US
        self._step_ps = step_ps
        self._edges: deque[tuple[int, int]] = deque(maxlen=_LEVEL_EDGES)

    def edge(self, ps: int, value: int) -> None:
        self._edges.append((ps, int(bool(value))))

    def level(self, start_ps: int, end_ps: int) -> tuple[float, float] | None:
        """(level, what it may be off) during a phase that ends now: how long the pin is high in whole periods. None:
        what it was is not known."""
        periods = (end_ps - start_ps + _LEVEL_SINCE_PS) // self._period_ps
        since_ps = end_ps - periods * self._period_ps
        if not self._edges or self._edges[0][0] > since_ps:
            return None
        high_ps, later_ps = 0, end_ps
        for ps, value in reversed(self._edges):
            if value:
                high_ps += later_ps - max(ps, since_ps)
            later_ps = ps
            if ps <= since_ps:
                break
        whole_ps = periods * self._period_ps
        return self._levels * high_ps / whole_ps, self._levels * self._step_ps * (periods + 1) / whole_ps


class _Current:
    """The current in the load, which our emulated board's traces have."""

    def __init__(self, step_ua: float) -> None:
        self._step_ua = step_ua
        self._changes: deque[tuple[int, int]] = deque(maxlen=_LEVEL_EDGES)

    def edge(self, ps: int, value: int) -> None:
        self._changes.append((ps, value))

    def level(self, start_ps: int, end_ps: int) -> tuple[float, float] | None:
        middle_ps = (start_ps + end_ps) // 2
        before = [value for ps, value in self._changes if ps <= middle_ps]
        return (before[-1] / self._step_ua, 0.5) if before else None


class _Pump:
    """The pump's edges, as stretches in which they come as they should."""

    def __init__(self, half_ps: int, most_ppm: float, step_ps: float) -> None:
        self._low_ps = half_ps * (1 - most_ppm / 1e6) - step_ps
        self._high_ps = half_ps * (1 + most_ppm / 1e6) + step_ps
        self._value: int | None = None
        self.stretches: list[Stretch] = []

    def edge(self, ps: int, value: int) -> None:
        value = int(bool(value))
        if self._value is None or value == self._value:
            self._value = value  # the capture's begin is no edge
            return
        self._value = value
        if self.stretches:
            last = self.stretches[-1]
            half_ps = ps - last.end_ps
            if self._low_ps <= half_ps <= self._high_ps:
                last.end_ps = ps
                last.least_ps = min(last.least_ps or half_ps, half_ps)
                last.most_ps = max(last.most_ps, half_ps)
                return
            if len(self.stretches) >= _MOST_STRETCHES:
                self.stretches.pop()  # noise: nothing is steady in it
        self.stretches.append(Stretch(ps, ps))


def rate_in_words(rate_hz: float | None) -> str:
    """A sample rate for people."""
    if rate_hz is None:
        return "an unknown rate"
    for unit, factor in (("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3)):
        if rate_hz >= factor:
            return f"{rate_hz / factor:.6g} {unit}"
    return f"{rate_hz:.6g} Hz"


__all__ = ["PS_PER_S", "PS_PER_US", "Seen", "SeenChannel", "SeenPulse", "Stretch", "rate_in_words", "read"]

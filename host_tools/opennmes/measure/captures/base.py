"""What every format of a capture gives: names, how fast it was sampled, and edges one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PS_PER_S = 1_000_000_000_000
# No session is longer than an hour or two: what lies further apart has another unit than its file says.
LONGEST_S = 100_000
END = -1  # in the place of a signal's number: the capture ends here

# (time in picoseconds, place of the signal in what was asked for or END, value from then on).
Edge = tuple[int, int, int]


class CaptureError(ValueError):
    """A file is no capture that could be judged; the message says why, and what to do next."""


@dataclass(frozen=True)
class Sampling:
    """How finely a capture knows its times. `rate_hz`: samples a second, None where the file does not say it;
    `quantum_ps`: what the file rounds its times to; `source`: who says the rate."""

    rate_hz: float | None
    quantum_ps: int
    source: str

    @property
    def period_ps(self) -> float:
        """Between two samples. Raises ValueError when nobody has said it."""
        if self.rate_hz is None:
            raise ValueError("the rate is not known")
        return PS_PER_S / self.rate_hz

    @property
    def step_ps(self) -> float:
        """What the time between two edges may be off: a sample, and where times are rounded that too."""
        rounded = self.quantum_ps > 1 and self.quantum_ps < self.period_ps
        return self.period_ps + (self.quantum_ps if rounded else 0)


class Capture(Protocol):
    """A capture that was opened: `signals` are their names in it."""

    path: Path
    form: str
    signals: Sequence[str]
    sampling: Sampling

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """The values of the wanted signals at the capture's begin, each change after that in order of time, and the
        end. Nothing is kept in memory. Raises CaptureError where the file is damaged."""


class Clock:
    """Looks after the times of a file: none goes back, and none is out of this world."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first_ps: int | None = None
        self.now_ps = 0

    def moved(self, ps: int, unit: str, number: int) -> int:
        """The next time, which the file has in its line or sample (`unit`) `number`. Raises CaptureError."""
        if self._first_ps is None:
            self._first_ps = self.now_ps = ps
        if ps < self.now_ps:
            raise CaptureError(
                f"{self._path}, {unit} {number}: the time goes back from {seconds(self.now_ps)} to {seconds(ps)}; the "
                "file is damaged or was put together of several: save the capture again"
            )
        if ps - self._first_ps > LONGEST_S * PS_PER_S:
            raise CaptureError(
                f"{self._path}, {unit} {number}: the time {seconds(ps)} is more than {LONGEST_S} s after the first; "
                "the unit of its times is wrong, or the file is damaged: save the capture again"
            )
        self.now_ps = ps
        return ps


_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([kMG]?)(?:Hz)?")
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


def hertz(text: str) -> float:
    """A sample rate as people and files write it: 24MHz, 12.5 MHz, 24000000; 0 when it is none."""
    found = _RATE.fullmatch(text.strip())
    return float(found[1]) * _FACTORS[found[2]] if found else 0.0


def seconds(ps: int) -> str:
    """A time for people."""
    return f"{ps / PS_PER_S:.9g} s"


def in_a_line(error: Exception) -> str:
    """What another library says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def no_signal(path: Path, name: str, signals: Sequence[str]) -> CaptureError:
    """That a capture has no signal of that name."""
    return CaptureError(f'{path} has no signal "{name}"; it has: {", ".join(signals) or "none"}')


def two_alike(path: Path, name: str) -> CaptureError:
    """That a name says nothing."""
    return CaptureError(f'{path}: two of its signals are called "{name}"; name them apart and save it again')


# Rates that analysers have.
_RATES_HZ = [
    rate * factor
    for factor in (10**6, 10**7, 10**8)
    for rate in (1.0, 1.2, 1.25, 1.6, 2.0, 2.4, 2.5, 3.125, 3.2, 4.0, 4.8, 5.0, 6.25, 8.0)
]
_EDGES = 2_000
_ROUNDINGS = 2


def likely_rate_hz(capture: Capture, wanted: Sequence[str]) -> float | None:
    """The slowest usual sample rate that every edge would fit, to be named to a person; None: there is none. Nothing is
    decided by it: what happens at whole microseconds fits many rates."""
    edges: list[int] = []
    for ps, _, _ in capture.edges(wanted):
        edges.append(ps)
        if len(edges) >= _EDGES:
            break
    edges = edges[len(wanted) : -1]  # without the begin and the end, which are no edges
    allowed_ps = _ROUNDINGS * capture.sampling.quantum_ps
    for rate_hz in sorted(_RATES_HZ):
        period_ps = PS_PER_S / rate_hz
        if (
            edges
            and period_ps > 4 * allowed_ps
            and all(abs((ps - edges[0]) - round((ps - edges[0]) / period_ps) * period_ps) <= allowed_ps for ps in edges)
        ):
            return rate_hz
    return None

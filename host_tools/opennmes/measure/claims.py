"""The claims that are judged of a capture, the verdict on each, and the verdict on all."""

from __future__ import annotations

from dataclasses import dataclass, field

from opennmes.measure.matching import Tolerance
from opennmes.measure.seen import PS_PER_US

PASSED, FAILED, UNCLEAR, NOT_CAPTURED = "passed", "failed", "unclear", "not captured"


@dataclass(frozen=True)
class Claim:
    """One row: what was asked, what was measured, what it may be off, and what follows from that. `channel` is None for
    what is of the whole unit; `at_s`: where the worst is, from the capture's begin."""

    name: str
    channel: int | None
    asked: str
    measured: str
    bound: str
    verdict: str
    judged: int = 0
    why: str = ""
    at_s: float | None = None


@dataclass
class Durations:
    """Times of one kind, as they are measured one by one."""

    bounds: Tolerance
    steps: int = 1
    judged: int = 0
    wrong: int = 0
    asked_us: set[int] = field(default_factory=set)
    least_ps: int | None = None
    most_ps: int | None = None
    least_off_ps: float = 0.0
    most_off_ps: float = 0.0
    worst: tuple[float, int, int, int] | None = None  # (part of the bound, number of the pulse, ps, asked us)

    def add(self, ps: int, us: int, number: int) -> None:
        """One time, of a pulse's number."""
        self.judged += 1
        self.asked_us.add(us)
        self.least_ps = ps if self.least_ps is None else min(self.least_ps, ps)
        self.most_ps = ps if self.most_ps is None else max(self.most_ps, ps)
        off_ps = self.bounds.off_ps(ps, us)
        self.least_off_ps, self.most_off_ps = min(self.least_off_ps, off_ps), max(self.most_off_ps, off_ps)
        part = abs(off_ps) / self.bounds.bound_ps(us, self.steps)
        if not self.bounds.fits(ps, us, self.steps):
            self.wrong += 1
            part = max(part, 1.0 + 1e-9)
        if self.worst is None or part > self.worst[0]:
            self.worst = part, number, ps, us

    @property
    def bound(self) -> str:
        """What the longest of them may be off."""
        if not self.asked_us:
            return ""
        return f"± {us_in_words(self.bounds.bound_ps(max(self.asked_us), self.steps))}"

    @property
    def measured(self) -> str:
        """From the least to the most; of what is asked differently from pulse to pulse, what it is off."""
        if self.least_ps is None or self.most_ps is None:
            return "none"
        if len(self.asked_us) > 1:
            return f"{range_in_words(self.least_off_ps, self.most_off_ps)} off"
        return range_in_words(self.least_ps, self.most_ps)

    @property
    def asked(self) -> str:
        """The same of what was asked."""
        if not self.asked_us:
            return ""
        return range_in_words(min(self.asked_us) * PS_PER_US, max(self.asked_us) * PS_PER_US)

    def why(self) -> str:
        """What is wrong; "" for nothing."""
        if not self.wrong or self.worst is None:
            return ""
        _, _, ps, us = self.worst
        return f"{self.wrong} of {self.judged} wrong; the worst is {us_in_words(ps)}, asked {us} us"


def us_in_words(ps: float) -> str:
    """Picoseconds in microseconds, to the nanosecond."""
    text = f"{ps / PS_PER_US:.3f}".rstrip("0").rstrip(".")
    return f"{'0' if text == '-0' else text} us"


def range_in_words(least_ps: float, most_ps: float) -> str:
    """The same of two, where they differ."""
    low, high = us_in_words(least_ps), us_in_words(most_ps)
    return low if low == high else f"{low.removesuffix(' us')} to {high}"


def counted(number: int, what: str) -> str:
    """A number of things: 1 pulse, 2 pulses."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

"""A capture beside a prescription, as everything that judges it needs them."""

from __future__ import annotations

from dataclasses import dataclass

from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim, Durations
from opennmes.measure.expected import Expected, ExpectedPulse
from opennmes.measure.matching import Clocks, Tolerance
from opennmes.measure.placing import Placed, paused_between
from opennmes.measure.seen import PS_PER_S, Seen, SeenPulse


@dataclass(frozen=True)
class Worst:
    """The pulse to look at: the one that is most wrong, or nearest to it."""

    channel: int
    seen: SeenPulse
    asked: ExpectedPulse | None
    what: str


class Case:
    """`placed`: the channels that have pulses, by number; `part`: the capture is meant to have a part of the session;
    `worst`: of all that was judged so far."""

    def __init__(
        self, seen: Seen, expected: Expected, placed: list[Placed], clocks: Clocks, bounds: Tolerance, part: bool
    ) -> None:
        self.seen = seen
        self.expected = expected
        self.placed = {each.index: each for each in placed}
        self.clocks = clocks
        self.bounds = bounds
        self.part = part
        self.paused = paused_between(placed, bounds) or any(
            each.pauses or each.paused_after_cut(bounds) for each in placed
        )
        self.worst: Worst | None = None
        self._part_of_bound = -1.0

    def look_at(self, part_of_bound: float, worst: Worst) -> None:
        """Keep the pulse if none before was as bad."""
        if part_of_bound > self._part_of_bound:
            self._part_of_bound, self.worst = part_of_bound, worst

    def at_s(self, ps: int) -> float:
        """A time from the capture's begin."""
        return (ps - self.seen.begin_ps) / PS_PER_S

    def durations(
        self, each: Placed, name: str, durations: Durations, why_not: str = "", of_all: bool = False
    ) -> Claim:
        """The claim that times are as asked; `why_not`: why they could not be judged; `of_all`: it is no channel's."""
        at_s = None
        if durations.worst is not None:
            part_of_bound, number, _, _ = durations.worst
            pulse, asked = each.pair(number)
            at_s = self.at_s(pulse.start_ps)
            self.look_at(part_of_bound, Worst(each.index, pulse, asked, name))
        why = durations.why() or why_not or ("" if durations.judged else "none of it is in the capture")
        verdict = FAILED if durations.wrong else UNCLEAR if why else PASSED
        return Claim(
            name,
            None if of_all else each.index,
            durations.asked,
            durations.measured,
            durations.bound,
            verdict,
            durations.judged,
            why,
            at_s,
        )

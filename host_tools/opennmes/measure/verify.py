"""Judges a capture of pins by what a prescription asks.

What no right firmware can have done is failed. What a right one did for certain, and as far as the capture can tell no
wrong one, is passed. All else is unclear: a pause, a stop, a capture that begins late or ends early.

A time between two edges may be off by one sample (each edge is seen up to a sample late), by what the file rounds its
times to, and by what the two clocks differ; see docs/verify.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from opennmes.measure import names
from opennmes.measure.case import Case, Worst
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim
from opennmes.measure.expected import Expected, ExpectedPulse
from opennmes.measure.matching import WANDER_PPM, Clocks, Tolerance, clocks, within_ppm
from opennmes.measure.of_channel import of_channel, of_unused
from opennmes.measure.of_unit import of_unit
from opennmes.measure.placing import place
from opennmes.measure.seen import Seen, SeenPulse


@dataclass(frozen=True)
class Report:
    """All claims, and what follows of them together. `pairs`: each pulse that was found, beside what was asked."""

    claims: list[Claim]
    clocks: Clocks
    bounds: Tolerance
    worst: Worst | None
    pairs: dict[int, list[tuple[SeenPulse, ExpectedPulse]]]

    @property
    def verdict(self) -> str:
        """Failed when any claim is, unclear when any claim is, else passed."""
        verdicts = {claim.verdict for claim in self.claims}
        return next((each for each in (FAILED, UNCLEAR) if each in verdicts), PASSED)


def verify(seen: Seen, expected: Expected, *, most_ppm: float, part: bool = False) -> Report:
    """Judge all that a capture shows. `most_ppm`: what the two clocks may differ by; `part`: the capture is meant to
    have a part of the session only."""
    step_ps = seen.sampling.step_ps
    placed = place(seen, expected, within_ppm(step_ps, most_ppm))
    found = clocks([(each.seen.pulses, each.asked, each.matching) for each in placed], step_ps, most_ppm)
    bounds = found.tolerance(step_ps)
    report = _judged(Case(seen, expected, placed, found, bounds, part))
    if report.verdict != FAILED or found.too_different:
        return report
    # Now that the clocks are known there may be a place where it fits.
    again = _judged(Case(seen, expected, place(seen, expected, bounds), found, bounds, part))
    return report if again.verdict == FAILED else again


def _judged(case: Case) -> Report:
    channels = case.expected.channels
    claims = [claim for asked in channels for claim in of_channel(case, asked)]
    used = {asked.index for asked in channels}
    claims += [of_unused(case, index, channel) for index, channel in case.seen.channels.items() if index not in used]
    claims += of_unit(case)
    pairs = {index: list(each.pairs()) for index, each in case.placed.items()}
    return Report(claims, case.clocks, case.bounds, case.worst, pairs)


def needed_roles(expected: Expected) -> list[str]:
    """The roles without which not everything can be judged."""
    return [f"{name}_{c.index}" for c in expected.channels for name in (names.PHASE_A, names.PHASE_B)]


def statement(most_ppm: float) -> str:
    """How the tolerance of a time follows, in one sentence."""
    return (
        "A time of the prescription is right when it is measured within one sample, what the file rounds its times to, "
        f"and what the clocks differ: at most {most_ppm:g} ppm, and once that is measured by how well it is known "
        f"and {WANDER_PPM:g} ppm more."
    )

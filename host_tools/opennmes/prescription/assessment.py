"""What a prescription would deliver, and whether it may: the device's own check, and its figures for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nmes.core import limits, programme
from nmes.core.phase import Phase
from nmes.core.reason import Refused, reason


@dataclass(frozen=True)
class Assessment:
    """The outcome of a check against a board's output stage.

    `programme` and `max_current_ua` are None when the programme has no shape that could be judged. `max_current_ua` is
    the largest peak current that electrode, output, stage, board and person allow, whatever the prescription asks: 0
    when the programme would be refused with any. `next_limit` is what forbids more. A session may go up to
    `session_limit_ua`, the prescription's own maximum or less, because of `session_limit`.
    """

    reasons: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    programme: programme.Programme | None = None
    max_current_ua: int | None = None
    next_limit: str = ""
    session_limit_ua: int | None = None
    session_limit: str = ""

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    def phases(self) -> list[tuple[str, dict[str, float]]]:
        """The figures of each phase at the prescription's own maximum."""
        if self.programme is None:
            return []
        asked_ua = self.programme.max_current_ua
        return [(phase.name, figures(self.programme, phase, asked_ua)) for phase in self.programme.phases]

    def worst(self) -> dict[str, float] | None:
        """Of each figure the largest over all phases; None where there are none."""
        phases = [values for _, values in self.phases()]
        return {key: max(values[key] for values in phases) for key in phases[0]} if phases else None

    def sums(self, stage: dict[str, Any]) -> dict[str, float] | None:
        """What both channels have together, at the prescription's own maximum; None for one channel."""
        if self.programme is None or len(self.programme.channels) < 2:
            return None
        values = limits.sums(self.programme, self.programme.max_current_ua, stage)
        return {
            "irms_ma": values["irms_ua"] / 1000,
            "iavg_ma": values["iavg_ua"] / 1000,
            "power_density_mw_cm2": values["power_density_uw_per_cm2"] / 1000,
            "net_dc_ua": values["net_dc_na"] / 1000,
        }


def assess(data: dict[str, Any], stage: dict[str, Any]) -> Assessment:
    """Check a programme's data for an output stage, as the device does."""
    try:
        parsed = programme.parse(data)
    except Refused as refused:
        return Assessment(_with_more(refused.reasons, refused.more), [])
    reasons = limits.check(parsed, stage, parsed.max_current_ua)
    reasons = _with_more(reasons, reasons.more)
    warnings = limits.warnings(parsed, parsed.max_current_ua)
    if hopeless := limits.whatever_current(parsed, stage):
        return Assessment(reasons, warnings, parsed, 0, hopeless[0]["source"])
    largest_ua, source = limits.largest_current_ua(parsed, stage)
    if parsed.person_max_ua is not None and parsed.person_max_ua < largest_ua:
        largest_ua, source = parsed.person_max_ua, limits.PERSON
    if reasons:
        return Assessment(reasons, warnings, parsed, largest_ua, source)
    return Assessment(reasons, warnings, parsed, largest_ua, source, *limits.session_limit(parsed, stage))


def _with_more(reasons: list[dict[str, Any]], more: int) -> list[dict[str, Any]]:
    """`reasons`, and one that says that there are `more`."""
    last = [reason("more", "reasons", f"{more} more", "shown when these are gone", "OpenNMES envelope")] if more else []
    return [*reasons, *last]


def figures(asked: programme.Programme, phase: Phase, current_ua: int) -> dict[str, float]:
    """The output figures of one phase at a peak current, for the whole electrode and 500 ohm.

    Where rate and width change they are those of the strongest instant.
    Exact up to the last step, which makes floating point of them. Nothing is decided by these.
    """
    whole = limits.exact(phase, current_ua, asked.area_mm2, 2 * asked.area_mm2)
    exact = {key: Fraction(*value) for key, value in whole.items()}
    return {
        "irms_ma": math.sqrt(exact["irms_ua"] / 1000**2),
        "iavg_ma": float(exact["iavg_ua"] / 1000),
        "phase_charge_uc": float(exact["phase_charge_nc"] / 1000),
        "charge_density_uc_cm2": float(exact["charge_density_nc_per_cm2"] / 1000),
        "shannon_k": math.log10(exact["shannon_k_x100"] / 10**6),
        "current_density_rms_ma_cm2": math.sqrt(exact["density_rms_ua_per_cm2"] / 1000**2),
        "power_density_mw_cm2": float(exact["power_density_uw_per_cm2"] / 1000),
        "energy_mj": float(exact["energy_uj"] / 1000),
    }

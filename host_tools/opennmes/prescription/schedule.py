"""When a prescription may be run: the days that its file gives."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from nmes.core.reason import Refused, reason


def outside_dates(about: Mapping[str, Any], today: datetime.date) -> dict[str, Any] | None:
    """The reason why a prescription may not be run on this day, by its `about`; None where it may."""
    schedule = about.get("schedule", {})
    day = today.isoformat()  # as text, too, a later day is the greater
    if day < schedule.get("not_before", day):
        return _reason("too_early", "not_before", day, schedule)
    if day > schedule.get("not_after", day):
        return _reason("too_late", "not_after", day, schedule)
    return None


def refuse_outside_dates(about: Mapping[str, Any], today: datetime.date) -> None:
    """Raises Refused on a day on which the prescription may not be run."""
    if found := outside_dates(about, today):
        raise Refused([found])


def _reason(code: str, key: str, day: str, schedule: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = reason(code, f"schedule.{key}", day, schedule[key], "the prescription")
    return made

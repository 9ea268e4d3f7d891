"""What a prescription says beside its programme, in lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about_in_words(about: Mapping[str, Any]) -> list[str]:
    """Where, how often, when and what the person is told; nothing of what is not given, and no sources."""
    lines = [f"site: {about['site']}"] if "site" in about else []
    if times := schedule_in_words(about.get("schedule", {})):
        lines.append(f"schedule: {times}")
    return lines + [f"note for the person: {note}" for note in about.get("patient", {}).get("notes", ())]


def schedule_in_words(schedule: Mapping[str, Any]) -> str:
    """How often and on which days; "" where nothing is given."""
    parts = []
    if "sessions_per_week" in schedule:
        parts.append(f"{schedule['sessions_per_week']} a week")
    if "sessions_per_day" in schedule:
        parts.append(f"{schedule['sessions_per_day']} a day")
    if "sessions_most" in schedule:
        parts.append(f"{schedule['sessions_most']} in all")
    if "hours_between" in schedule:
        parts.append(f"at least {schedule['hours_between']} h between two")
    if "not_before" in schedule:
        parts.append(f"not before {schedule['not_before']}")
    if "not_after" in schedule:
        parts.append(f"not after {schedule['not_after']}")
    return ", ".join(parts)


def sources_in_words(about: Mapping[str, Any]) -> list[str]:
    """One line for each source: who, what it gave, and which numbers of this file follow it."""
    lines = []
    for source in about.get("sources", ()):
        keys = f" [{', '.join(source['keys'])}]" if "keys" in source else ""
        lines.append(f"{source['citation']}: {source['gave']}{keys}")
    return lines

"""The virtual board's pulse log: what it would have delivered, pulse by pulse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LoggedPulse:
    """A pulse that began; times since power on in virtual microseconds, levels in those of the output stage."""

    start_us: int
    width_a_us: int
    gap_us: int
    width_b_us: int
    level_a: int
    level_b: int
    channel: int = 0

    def current_ma(self, stage: dict[str, Any]) -> float:
        """The current of phase A that `stage` makes of its level."""
        return float(self.level_a * stage["full_scale_ua"] / stage["levels"] / 1000)


def read_pulse_log(path: Path) -> list[LoggedPulse]:
    """Read a log. Raises OSError when it cannot be read and ValueError when a line is no pulse."""
    pulses = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split(",")
        if len(fields) != 7:
            raise ValueError(f"{path}, line {number}: {line[:60]!r} is no pulse; expected seven whole numbers")
        pulses.append(LoggedPulse(*map(int, fields)))
    return pulses

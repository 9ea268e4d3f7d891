"""The lamps and the buzzer of a device."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Lamps:
    """What is on now; in the order of the virtual board's bits, from the lowest on (firmware/nmes/hal/virtual.py)."""

    output: bool = False
    ready: bool = False
    fault: bool = False
    buzzer: bool = False

    @classmethod
    def of_bits(cls, bits: int) -> Lamps:
        """As the virtual board says it. Raises ValueError for a bit that is none of them."""
        names = [field.name for field in fields(cls)]
        if bits < 0 or bits >> len(names):
            raise ValueError(f"lamps {bits:#x}: there are {len(names)}")
        return cls(*[bool(bits >> place & 1) for place in range(len(names))])


# By the lamp: the name of its pin in the file of a board.
PINS = {"output": "lamp", "ready": "ready", "fault": "fault", "buzzer": "buzzer"}
assert list(PINS) == [field.name for field in fields(Lamps)]

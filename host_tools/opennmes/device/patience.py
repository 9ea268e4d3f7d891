"""How long a device is waited for. One that `nmes emulate` serves is slower than a board: minutes of ours may be one of
its seconds, and more where the machine is busy."""

from __future__ import annotations

_times = 1.0


def wait_longer(times: float) -> None:
    """From now on every wait for a device is `times` as long."""
    global _times
    _times = times


def stretched(wait_s: float) -> float:
    """`wait_s` as long as a device is to be waited for, in seconds."""
    return wait_s * _times

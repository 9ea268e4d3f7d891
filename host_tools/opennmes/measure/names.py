"""Which signal of a capture is which pin: as somebody says, or guessed from its name, and never from what it does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from opennmes.measure.captures import CaptureError

PHASE_A, PHASE_B, LEVEL_A, LEVEL_B, CURRENT = "phase_a", "phase_b", "level_a", "level_b", "current"
ENABLE, PUMP = "enable", "pump"
CHANNELS = (0, 1)
_OF_A_CHANNEL = (PHASE_A, PHASE_B, LEVEL_A, LEVEL_B, CURRENT)
ROLES = (*(f"{name}_{channel}" for channel in CHANNELS for name in _OF_A_CHANNEL), ENABLE, PUMP)

# What else a signal of that role may be called; `_` stands for whatever separates words.
_ALSO = (
    (re.compile(r"(?:ch|channel_?)?([01])_(?:phase_?)?([ab])"), r"phase_\2_\1"),
    (re.compile(r"(?:phase_?)?([ab])_?([01])"), r"phase_\1_\2"),
    (re.compile(r"(?:ch|channel_?)([01])_level_?([ab])"), r"level_\2_\1"),
    (re.compile(r"level_?([ab])_?([01])"), r"level_\1_\2"),
    (re.compile(r"(?:ch|channel_?)([01])_current(?:_ua)?"), r"current_\1"),
)
_GPIO = re.compile(r"gp(?:io)?_?([0-9]{1,2})")


def named(
    signals: Sequence[str], said: Mapping[str, str], gpios: Mapping[int, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """(the signal of each role, those of them that were guessed). `said`: signals by role, as somebody has given them;
    `gpios`: the roles of a board's pins, for signals that are called after a pin, as GP2. Raises CaptureError for a
    signal that is not there, and where two names could mean the same pin."""
    for wanted, signal in said.items():
        if signal not in signals:
            raise CaptureError(
                f'the capture has no signal "{signal}" for {wanted}; it has: {", ".join(signals) or "none"}'
            )
    doubled = [signal for signal in set(said.values()) if list(said.values()).count(signal) > 1]
    if doubled:
        roles = sorted(each for each, signal in said.items() if signal == doubled[0])
        raise CaptureError(f'the signal "{doubled[0]}" is given for {" and ".join(roles)}; each pin has one of its own')
    guessed: dict[str, str] = {}
    for signal in signals:
        role = _meant(signal, gpios)
        if role is None or role in said or signal in said.values():
            continue
        if role in guessed:
            raise CaptureError(
                f'"{guessed[role]}" and "{signal}" could both be {role}; say which one is: --signal {role}=NAME'
            )
        guessed[role] = signal
    return {**guessed, **said}, guessed


def _meant(signal: str, gpios: Mapping[int, str]) -> str | None:
    name = re.sub(r"[^a-z0-9]+", "_", signal.lower()).strip("_")
    if name in ROLES:
        return name
    if found := _GPIO.fullmatch(name):
        return gpios.get(int(found[1]))
    for pattern, role in _ALSO:
        if pattern.fullmatch(name):
            return pattern.sub(role, name)
    return None

"""Numbers of the command line: digits 0 to 9 and a decimal point, and nothing that could be read in two ways.

Each function takes the option's name and its text, and ends the program with status 2 when that is no such number.
"""

from __future__ import annotations

import re
from decimal import Decimal

from nmes.core import programme
from opennmes.cli.output import not_understood

_HOW = "write digits 0 to 9 and, where there is a fraction, a decimal point"
_HOW_INTENSITY = (
    "write MA where the prescription uses one channel, as in --intensity 2.5, or CHANNEL=MA once for each channel, "
    "as in --intensity 0=2.5 --intensity 1=5; a fraction has a decimal point"
)
_DECIMALS_S = 2  # with three, 1.500 could be meant as fifteen hundred; of a current so much is never possible


def whole_number(option: str, text: str) -> int:
    """A whole number, 0 or more."""
    if not re.fullmatch("[0-9]{1,9}", text):
        not_understood(f"{option} is {text!r}, which is no whole number; write digits 0 to 9 only, at most nine")
    return int(text)


def seconds(option: str, text: str) -> float:
    """Seconds, 0 or more."""
    if not re.fullmatch(rf"[0-9]{{1,6}}(\.[0-9]{{1,{_DECIMALS_S}}})?", text):
        not_understood(f"{option} is {text!r}, which is no time in s; {_HOW}, with at most {_DECIMALS_S} decimals")
    return float(text)


def factor(option: str, text: str, most: int) -> float:
    """A factor from 1 to `most`."""
    if not re.fullmatch(rf"[0-9]{{1,6}}(\.[0-9]{{1,{_DECIMALS_S}}})?", text) or not 1 <= float(text) <= most:
        not_understood(f"{option} is {text!r}, which is no factor from 1 to {most}; {_HOW}, as in 1.7")
    return float(text)


def current_ua(option: str, text: str, how: str = f"{_HOW}, as in 2.5") -> int:
    """A current, given in mA, in uA."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        not_understood(f"{option} is {text!r}, which is no current in mA; {how}")
    current = Decimal(text) * 1000
    if current > programme.CURRENT_UA[1] or current % 1:
        most_ma = programme.CURRENT_UA[1] // 1000
        not_understood(f"{option} is {text} mA; it has to be 0 to {most_ma} mA with at most 3 decimals")
    return int(current)


def intensities_ua(option: str, texts: list[str]) -> dict[int | None, int]:
    """The current of each channel that is named, in uA; None for the channel when the only one is not named."""
    currents_ua: dict[int | None, int] = {}
    for text in texts:
        channel, equals, current = text.rpartition("=")
        if equals and not re.fullmatch("[0-9]", channel):
            not_understood(f"{option} is {text!r}, which names no channel; {_HOW_INTENSITY}")
        if equals and int(channel) >= programme.CHANNELS_MAX:
            not_understood(f"{option} is {text!r}, but the channels are 0 to {programme.CHANNELS_MAX - 1}")
        number = int(channel) if equals else None
        if number in currents_ua and number is not None:
            not_understood(f"{option} gives channel {number} twice; {_HOW_INTENSITY}")
        if currents_ua and None in (number, *currents_ua):
            not_understood(f"{option} is given {len(texts)} times, not always with a channel; {_HOW_INTENSITY}")
        currents_ua[number] = current_ua(option, current, _HOW_INTENSITY)
    return currents_ua

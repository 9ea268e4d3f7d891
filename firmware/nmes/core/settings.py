"""The settings of a device: what each may be, and what a new one has. They are kept all together."""

from nmes.core import document, limits
from nmes.core.reason import Reasons, check_int, is_int, printable, reason

NAME_MAX = 32
# name: (kind, least, most, of a new device); command_words.py says what it means
SETTINGS = {
    "device_name": ("text", 0, NAME_MAX, ""),
    "own_max_0_ua": ("int", 1, limits.CURRENT_MAX_UA, limits.CURRENT_MAX_UA),
    "own_max_1_ua": ("int", 1, limits.CURRENT_MAX_UA, limits.CURRENT_MAX_UA),
    "buzzer_volume": ("int", 1, 10, 10),
    "default_prescription": ("int", 0, document.NUMBERS[1], 0),
    "language": ("int", 0, 1, 0),  # of the panel, in the order of core/texts.py
}
OWN_MAX = ("own_max_0_ua", "own_max_1_ua")  # of each channel

_SOURCE = "the device's settings"


def factory():
    """What a new device has."""
    return {name: SETTINGS[name][3] for name in SETTINGS}


def check(changes):
    """The reasons why `changes`, a table of settings, cannot be set; one at least has to be in it."""
    reasons = Reasons()
    if not changes:
        reasons.append(reason("missing", "settings", None, "one setting at least", _SOURCE))
    for name in changes:
        if name not in SETTINGS:
            reasons.append(reason("unknown", name, changes[name], "no such setting", _SOURCE))
        elif not _can_be(name, changes[name]):
            kind, least, most, _ = SETTINGS[name]
            if kind == "int":
                check_int(reasons, name, changes[name], least, most, _SOURCE)
            else:
                bound = "%d to %d printable characters" % (least, most)
                reasons.append(reason("not_a_text", name, changes[name], bound, _SOURCE))
    return reasons


def _can_be(name, value):
    kind, least, most, _ = SETTINGS[name]
    if kind == "int":
        return is_int(value) and least <= value <= most
    return isinstance(value, str) and least <= len(value) <= most and printable(value) == value


def are_whole(kept):
    """Whether `kept` is every setting, and each can be so."""
    if not isinstance(kept, dict) or len(kept) != len(SETTINGS):
        return False
    for name in SETTINGS:
        if name not in kept or not _can_be(name, kept[name]):
            return False
    return True


def own_most_ua(kept):
    """The person's own maximum on each channel."""
    return [kept[name] for name in OWN_MAX]

"""The settings of a device: what each may be, and what a new one has. They are kept all together."""

from nmes.core import document, limits
from nmes.core.reason import Reasons, check_int, printable, reason

NAME_MAX = 32
# name: (kind, least, most, of a new device, what it means)
SETTINGS = {
    "device_name": ("text", 0, NAME_MAX, "", "what the device is called, for --port too"),
    "own_max_0_ua": (
        "int",
        1,
        limits.CURRENT_MAX_UA,
        limits.CURRENT_MAX_UA,
        "the person's own maximum on channel 0; it only tightens",
    ),
    "own_max_1_ua": (
        "int",
        1,
        limits.CURRENT_MAX_UA,
        limits.CURRENT_MAX_UA,
        "the person's own maximum on channel 1; it only tightens",
    ),
    "buzzer_volume": ("int", 1, 10, 10, "how loud the buzzer is; never silent"),
    "default_prescription": ("int", 0, document.NUMBERS[1], 0, "the prescription without a host; 0: none"),
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
            continue
        kind, least, most, _, _ = SETTINGS[name]
        value = changes[name]
        if kind == "int":
            check_int(reasons, name, value, least, most, _SOURCE)
        elif not isinstance(value, str) or not least <= len(value) <= most or printable(value) != value:
            bound = "%d to %d printable characters" % (least, most)
            reasons.append(reason("not_a_text", name, value, bound, _SOURCE))
    return reasons


def are_whole(kept):
    """Whether `kept` is every setting, and each can be so."""
    return isinstance(kept, dict) and sorted(kept) == sorted(SETTINGS) and not check(kept)


def own_most_ua(kept):
    """The person's own maximum on each channel."""
    return [kept[name] for name in OWN_MAX]

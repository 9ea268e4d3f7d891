"""The time of day, which a device knows only from its hosts, and only as long as it has power."""

from nmes.core.reason import refuse

# 2026 to 2100: a computer that has lost its own clock says 1970.
UNIX_S = (1_767_225_600, 4_102_444_800)
BACK_MOST_S = 5  # two clocks of one room, and what a line takes


class Clock:
    """What the device knows of the time of day; nothing after power on."""

    def __init__(self):
        self._zero_s = None  # when the device's own milliseconds were 0

    def unix_s(self, now_ms):
        """Seconds since 1970, None while no host has said them."""
        return None if self._zero_s is None else self._zero_s + now_ms // 1_000

    def set(self, unix_s, back, now_ms):
        """It is `unix_s` now. Returns what the device had taken it for, or None. Raises Refused for a time before that,
        unless a person has said that it goes `back`."""
        was_s = self.unix_s(now_ms)
        if was_s is not None and unix_s < was_s - BACK_MOST_S and not back:
            refuse("clock_back", "unix_s", unix_s, was_s, "the device's clock, as a host has set it")
        self._zero_s = unix_s - now_ms // 1_000
        return was_s

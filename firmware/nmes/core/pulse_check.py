"""The second checker: looks at the raw record of every pulse just before it is queued.

Written apart from pulse.py and limits.py and from constants of its own, so that one mistake does not pass both. It
knows the record's layout and the hardest limits only: nothing above them is right for any programme.
"""

_WIDTH_MOST_US = 500
_GAP_MOST_US = 200
_PERIOD_LEAST_US = 6_666  # 150 Hz
_CHARGE_MOST = 250_000  # level (100 uA) times us: 25 uC


def bad(halves, at, level_most):
    """0 when the record at `at` of the 16-bit words `halves` is within the hardest limits, else which rule it breaks.

    level_most: the highest level that the session's limit allows. Allocates nothing.
    """
    if not halves[at] & 1 or not halves[at + 2] & 1 or halves[at + 4] & 1:  # tags 1, 1, 0
        return 1
    level_a = halves[at] >> 1
    level_b = halves[at + 1] >> 1
    if level_a != level_b or halves[at + 1] & 1:
        return 2
    if level_a > level_most:
        return 3
    gap = (halves[at + 4] >> 1 & 0x3FF) + 1
    width_a = (halves[at + 4] >> 11 | (halves[at + 5] & 0x1F) << 5) + 2
    width_b = (halves[at + 5] >> 5 & 0x3FF) + 2
    if width_a != width_b or halves[at + 5] >> 15:
        return 4
    if width_a > _WIDTH_MOST_US or gap > _GAP_MOST_US:
        return 5
    rest = halves[at + 2] >> 1 | halves[at + 3] << 15
    if rest + width_a + gap + width_b < _PERIOD_LEAST_US - 272:
        return 6
    if level_a * width_a > _CHARGE_MOST:
        return 7
    return 0

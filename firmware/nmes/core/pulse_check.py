"""The second checker: looks at the raw record of every pulse just before it is queued.

Written apart from pulse.py and limits.py and from constants of its own, so that one mistake does not pass both. It
knows the record's layout and the hardest limits only: nothing above them is right for any programme.
"""

_WIDTH_MOST_US = 500
_GAP_MOST_US = 200
_PERIOD_LEAST_US = 6_666  # 150 Hz
_CHARGE_MOST = 250_000  # level (100 uA) times us: 25 uC
_RATIO_MOST = 10
_SECOND_WIDTH_MOST_US = 1_000
# Into a resistor, with nobody connected.
_DUMMY_WIDTH_MOST_US = 1_000
_DUMMY_GAP_MOST_US = 1_000
_DUMMY_PERIOD_LEAST_US = 2_000  # 500 Hz
# Of a DAC that needs no correction.
SCALE = 1_000_000


def bad(halves, at, level_most, dummy, offset=0, scale=SCALE):
    """0 when the record at `at` of the 16-bit words `halves` is within the hardest limits, else which rule it breaks.

    The record holds the DAC's codes: a code above `offset` by scale / 10^6 delivers a level. level_most: the highest
    code that the session's limit allows; dummy: nobody is connected. Allocates nothing.
    """
    if not halves[at] & 1 or not halves[at + 2] & 1 or halves[at + 4] & 1:  # tags 1, 1, 0
        return 1
    width_a = (halves[at + 4] >> 11 | (halves[at + 5] & 0x1F) << 5) + 2
    width_b = (halves[at + 5] >> 5 & 0x3FF) + 2
    ratio = width_b // width_a
    if width_b % width_a or ratio > _RATIO_MOST or halves[at + 5] >> 15:
        return 4
    level_a = halves[at] >> 1
    level_b = halves[at + 1] >> 1
    if halves[at + 1] & 1 or level_b > level_a:  # the same charge, B never stronger
        return 2
    if level_a - offset != ratio * (level_b - offset) and level_a:
        return 2
    if level_a > level_most:
        return 3
    gap = (halves[at + 4] >> 1 & 0x3FF) + 1
    if width_a > (_DUMMY_WIDTH_MOST_US if dummy else _WIDTH_MOST_US) or width_b > _SECOND_WIDTH_MOST_US:
        return 5
    if gap > (_DUMMY_GAP_MOST_US if dummy else _GAP_MOST_US):
        return 5
    rest = halves[at + 2] >> 1 | halves[at + 3] << 15
    if rest + width_a + gap + width_b < (_DUMMY_PERIOD_LEAST_US if dummy else _PERIOD_LEAST_US) - 272:
        return 6
    if not dummy and (level_a - offset) * 10_000 // (scale // 100) * width_a > _CHARGE_MOST:
        return 7
    return 0

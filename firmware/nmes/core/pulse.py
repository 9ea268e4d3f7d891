"""One biphasic pulse: its shape in microseconds and the record that the pulse engine takes.

A pulse is phase A, the interphase gap, phase B and rest, all in whole microseconds, which are the engine's cycles
(its state machine runs at 1 MHz). A record is three 32-bit words, kept as six 16-bit halves because a whole word can
exceed 30 bits and would then be allocated on the device's heap:

    word 0: 1 | level_a << 1 | level_b << 17     bit 0 is a tag, 1, 1 and 0: with any one word lost or doubled the
    word 1: 1 | rest << 1                        cycles      engine sees a wrong one before it moves a pin
    word 2: 0 | gap << 1 | width_a << 11 | width_b << 21

`OVERHEAD_US` and the `_LESS` constants are the cycle sums of the state machine program in nmes/hal/rp2/pulse_pio.py;
tests/pio measures both over the whole range.
"""

from nmes.core.compiler import const, micropython, ptr16

WIDTH_MIN_US = const(10)
WIDTH_MAX_US = const(1000)
GAP_MAX_US = const(1000)
# Between the two bridge legs there is always one cycle with both off, so a gap of 0 is delivered as this.
DEAD_TIME_US = const(1)
LEVEL_MAX = const(4095)
PERIOD_MAX_US = const(1_000_000_000)  # the last pulse of a train rests until the next train

RECORD_HALVES = const(6)

# One measured pulse, as the HAL hands it on: integers in an array of 16 bits each. What was set comes out of the record
# itself, what was sensed is the ADC's counts in the middle of each phase and, of the current, in the rest after them.
SET_LEVEL_A = const(0)
SET_WIDTH_A = const(1)
SET_LEVEL_B = const(2)
SET_WIDTH_B = const(3)
CURRENT_A = const(4)
VOLTAGE_A = const(5)
CURRENT_B = const(6)
VOLTAGE_B = const(7)
CURRENT_REST = const(8)
MEASURED = const(9)
TAKE_MOST = const(32)  # so many of them are handed on at once

# What the program spends outside phases and gap, with a rest field of 0.
OVERHEAD_US = const(272)
# A field of 0 still costs these cycles.
_WIDTH_LESS = const(2)
_GAP_LESS = const(1)


def period_us(rate_mhz):
    """The period of a rate: whole microseconds, the nearest there is (a tie goes up). `rate_mhz` is in millihertz.

    The engine repeats exactly this period, so nothing drifts against it; against the asked rate it is off by at most
    half a microsecond a pulse, below what a crystal of 30 ppm does from 60 Hz down.
    """
    period = 1_000_000_000 // rate_mhz  # nothing beyond 30 bits: sweeps ask for every pulse
    return period + 1 if 2 * (1_000_000_000 % rate_mhz) >= rate_mhz else period


def gap_delivered_us(gap_us):
    """The time between the phases that really passes for an asked gap."""
    return gap_us if gap_us > DEAD_TIME_US else DEAD_TIME_US


def shortest_period_us(width_a_us, gap_us, width_b_us, longest_us=0):
    """The shortest period in which this pulse fits: after it the engine needs its overhead, and the guard that both
    pins rest as long as the session's longest phase, `longest_us`, lasts."""
    return width_a_us + gap_delivered_us(gap_us) + width_b_us + max(OVERHEAD_US, longest_us)


def encode(halves, at, level_a, level_b, width_a_us, gap_us, width_b_us, whole_period_us):
    """Write the record of one pulse into `halves` (an array of 16-bit words) at index `at`. Allocates nothing.

    The caller has checked the ranges; what does not fit here is a bug and raises ValueError.
    """
    gap = gap_delivered_us(gap_us)
    rest = whole_period_us - width_a_us - gap - width_b_us - OVERHEAD_US
    if rest < 0 or whole_period_us > PERIOD_MAX_US:
        raise ValueError("period")
    if not (WIDTH_MIN_US <= width_a_us <= WIDTH_MAX_US and WIDTH_MIN_US <= width_b_us <= WIDTH_MAX_US):
        raise ValueError("width")
    if not (0 <= gap_us <= GAP_MAX_US and 0 <= level_a <= LEVEL_MAX and 0 <= level_b <= LEVEL_MAX):
        raise ValueError("gap or level")
    a = width_a_us - _WIDTH_LESS
    b = width_b_us - _WIDTH_LESS
    g = gap - _GAP_LESS
    halves[at] = 1 | level_a << 1
    halves[at + 1] = level_b << 1
    halves[at + 2] = 1 | (rest << 1) & 0xFFFF
    halves[at + 3] = rest >> 15
    halves[at + 4] = (g << 1 | a << 11) & 0xFFFF
    halves[at + 5] = a >> 5 | b << 5


@micropython.viper
def what_was_set(halves: ptr16, at: int, seen: ptr16, to: int):
    """Put the set fields of a measured pulse, from the record at `at` of `halves`, into `seen` from `to` on. Allocates
    nothing."""
    seen[to + SET_LEVEL_A] = halves[at] >> 1
    seen[to + SET_LEVEL_B] = halves[at + 1] >> 1
    seen[to + SET_WIDTH_A] = (halves[at + 4] >> 11 | (halves[at + 5] & 0x1F) << 5) + _WIDTH_LESS
    seen[to + SET_WIDTH_B] = (halves[at + 5] >> 5) + _WIDTH_LESS

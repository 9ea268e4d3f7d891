"""What lamps and buzzer show without a host: where the session is, and a fault's number.

A number is blinked: a long one for each ten, a short one for each one, then a pause, over and over. Fault 12: long,
short, short. The buzzer sounds along for the first minute.
"""

from nmes.core.session import ARMED, FAULT, IDLE, PAUSED

LONG_MS = 700
SHORT_MS = 200
GAP_MS = 300  # after each
PAUSE_MS = 1_500
BUZZER_MS = 60_000
WAIT_MS = 500  # on, and off as long, while armed or paused

READY_BIT = 1
FAULT_BIT = 2
BUZZER_BIT = 4


def blink(number, ms):
    """True when a lamp that blinks `number` (1 to 99) is on, `ms` after it began."""
    tens, ones = number // 10, number % 10
    long_ms = tens * (LONG_MS + GAP_MS)
    at_ms = ms % (long_ms + ones * (SHORT_MS + GAP_MS) + PAUSE_MS)
    if at_ms < long_ms:
        return at_ms % (LONG_MS + GAP_MS) < LONG_MS
    at_ms -= long_ms
    return at_ms < ones * (SHORT_MS + GAP_MS) and at_ms % (SHORT_MS + GAP_MS) < SHORT_MS


def shown(state, fault, ms):
    """READY_BIT, FAULT_BIT and BUZZER_BIT, `ms` after the state began. The lamp of the output is the HAL's own."""
    if state == FAULT:
        if not blink(fault, ms):
            return 0
        return FAULT_BIT | BUZZER_BIT if ms < BUZZER_MS else FAULT_BIT
    if state == IDLE:
        return READY_BIT
    if state == ARMED or state == PAUSED:
        return READY_BIT if ms % (2 * WAIT_MS) < WAIT_MS else 0
    return 0

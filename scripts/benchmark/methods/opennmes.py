"""Ours: the engine and the guard that are in the firmware, fed from the main loop as nmes.supervisor does it."""

import board
from stages.reference import STAGE

from nmes.hal import make

LEVEL = 100
CHANNELS = (0,)
PERIOD_US = 20_000
FILL_EVERY_MS = 20
hal = make(board.BOARD, STAGE)
fill_ms = 0


def mask():
    return sum([1 << channel for channel in CHANNELS])


def start():
    hal.sense(mask(), 250)
    for channel in CHANNELS:
        hal.channels[channel].begin(0, False)


def permit():
    hal.permit(250)  # before the first pulse, as the supervisor does it: a guard that begins within one trips
    fill()
    fill()
    hal.start(mask())


def fill():
    """As many as there is room for; of the first nobody knows yet how long it is."""
    for channel in CHANNELS:
        for _ in range(hal.channels[channel].room()):
            hal.channels[channel].put(LEVEL, LEVEL, 250, 50, 250, PERIOD_US, LEVEL, 1)


def service():
    """What the firmware's loop does in each turn."""
    global fill_ms
    hal.renew()
    now_ms = hal.now_ms()
    if now_ms >= fill_ms:
        fill_ms = now_ms + FILL_EVERY_MS
        fill()


def halt():
    hal.all_off()

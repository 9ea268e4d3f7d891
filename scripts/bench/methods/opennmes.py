"""Ours: the engine and the guard that are in the firmware, fed from the main loop as nmes.supervisor does it."""

import board
from stages.reference import STAGE

from nmes.hal import make

LEVEL = 100
hal = make(board.BOARD, STAGE)


def start():
    hal.sense(1, 250)
    hal.begin(0, 0, False)


def permit():
    hal.permit(250)  # before the first pulse, as the supervisor does it: a guard that begins within one trips
    hal.go(1)


def service():
    """What the firmware's loop does in each turn."""
    hal.renew()
    for _ in range(hal.room(0)):
        hal.put(0, LEVEL, LEVEL, 250, 50, 250, 20_000, LEVEL)


def halt():
    hal.rest()

"""Ours on both channels, for what that takes of the CPU: 100 Hz each."""

import board
from stages.reference import STAGE

from nmes.hal import make

LEVEL = 100
CHANNELS = (0, 1)
hal = make(board.BOARD, STAGE)


def start():
    hal.sense(3, 250)
    for channel in CHANNELS:
        hal.begin(channel, 0, False)


def permit():
    hal.permit(250)
    hal.go(3)


def service():
    hal.renew()
    for channel in CHANNELS:
        for _ in range(hal.room(channel)):
            hal.put(channel, LEVEL, LEVEL, 250, 50, 250, 10_000, LEVEL)


def halt():
    hal.rest()

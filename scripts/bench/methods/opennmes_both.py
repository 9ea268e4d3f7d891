"""Ours on both channels, for what that takes of the CPU: 100 Hz each."""

import board
from stages.reference import STAGE

from nmes.hal import make

LEVEL = 100
CHANNELS = (0, 1)
FEED_EVERY_MS = 20
hal = make(board.BOARD, STAGE)
feed_ms = 0


def start():
    hal.sense(3, 250)
    for channel in CHANNELS:
        hal.begin(channel, 0, False)


def permit():
    hal.permit(250)
    fill()
    fill()
    hal.go(3)


def fill():
    for channel in CHANNELS:
        for _ in range(hal.room(channel)):
            hal.put(channel, LEVEL, LEVEL, 250, 50, 250, 10_000, LEVEL)


def service():
    global feed_ms
    hal.renew()
    now_ms = hal.now_ms()
    if now_ms >= feed_ms:
        feed_ms = now_ms + FEED_EVERY_MS
        fill()


def halt():
    hal.rest()

"""Ours: the engine and the guard that are in the firmware, fed from the main loop as nmes.supervisor does it."""

import board

from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.guard import Guard
from nmes.hal.rp2.rest import rest

LEVEL = 100
pins = board.BOARD["pins"]
generator = Generator(0, pins["channels"][0], 1000)
guard = Guard(pins)


def start():
    generator.begin()


def permit():
    guard.begin(250)  # before the first pulse, as the supervisor does it: a guard that begins within one trips


def service():
    """What the firmware's loop does in each turn."""
    guard.renew()
    while generator.room() > 0:
        generator.put(LEVEL, LEVEL, 250, 50, 250, 20_000, LEVEL)


def halt():
    guard.halt()
    generator.halt()
    rest(pins)

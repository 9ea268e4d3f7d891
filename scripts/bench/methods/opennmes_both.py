"""Ours on both channels, for what that takes of the CPU: 100 Hz each."""

import board

from nmes.hal.rp2.generator import Generator
from nmes.hal.rp2.guard import Guard
from nmes.hal.rp2.rest import rest

LEVEL = 100
pins = board.BOARD["pins"]
generators = [Generator(i, channel, 1000) for i, channel in enumerate(pins["channels"])]
guard = Guard(pins)


def fill(generator):
    while generator.room() > 0:
        generator.put(LEVEL, LEVEL, 250, 50, 250, 10_000, LEVEL)


def start():
    for generator in generators:
        generator.begin()


def permit():
    guard.begin(250)


def service():
    guard.renew()
    for generator in generators:
        fill(generator)


def halt():
    guard.halt()
    for generator in generators:
        generator.halt()
    rest(pins)

"""Every output to rest: the first thing that runs after any reset, hard or soft."""

from machine import Pin


def rest(pins):
    """Drive every output pin of `pins` (a board's pin table) low.

    MicroPython's soft reset stops PIO and PWM but leaves the pins at their last level; making a pin a plain output
    again takes it away from whatever drove it. A radio that is on the board gets no power, and is not spoken to: then
    the pin that it shares with the supply's sense is an input like any other.
    """
    Pin(pins["enable"], Pin.OUT, value=0)
    Pin(pins["pump"], Pin.OUT, value=0)
    for channel in pins["channels"]:
        for pin in channel.values():
            Pin(pin, Pin.OUT, value=0)
    for pin in pins.get("held_low", ()):
        Pin(pin, Pin.OUT, value=0)
    if "sync_output" in pins:
        Pin(pins["sync_output"], Pin.OUT, value=0)
    if "radio_power" in pins:
        Pin(pins["radio_power"], Pin.OUT, value=0)
        Pin(pins["radio_select"], Pin.OUT, value=1)

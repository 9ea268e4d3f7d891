"""Waveshare RP2040-Zero: what is otherwise than on the Pico. Facts only.

GP0 to GP15 and GP26 to GP29 are on its edges, GP17 to GP25 are pads on its back. It does not measure its supply, and
its LED is a WS2812 on GP16, which takes a stream of data and cannot show a level: no lamp. So it is for resistors
alone.
"""

BOARD = {
    "like": "pico",
    "name": "rp2040_zero",
    "title": "Waveshare RP2040-Zero",
    "other_stages": ("bare",),
    "dummy_only": 1,  # nothing looks at its supply, and nothing shows that output is on
    "pins": {"buzzer": 29, "lamp": None, "supply": None, "panel": None, "hand_switch": None},
    "display": None,
}

"""Raspberry Pi Pico W (RP2040, a radio that is kept off): what is otherwise than on the Pico. Facts only.

The lamp, and two pins that hold the radio off (docs/boards.md says what that costs). GP22 is no hand switch then.
"""

BOARD = {
    "like": "pico",
    "name": "pico_w",
    "title": "Raspberry Pi Pico W",
    "other_stages": ("bare",),
    "pins": {
        "lamp": 22,  # an LED of your own: the one on the board is a pin of the radio chip
        "radio_power": 23,  # low: the radio is off
        "radio_select": 25,  # high: the radio is not spoken to, and GP29 is a third of VSYS and not the radio's clock
        "hand_switch": None,
    },
}

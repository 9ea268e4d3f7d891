"""Raspberry Pi Pico 2 W (RP2350, a radio that is kept off): what is otherwise than on the Pico 2. Facts only; the pins
are those of the Pico W."""

BOARD = {
    "like": "pico2",
    "name": "pico2_w",
    "title": "Raspberry Pi Pico 2 W",
    "pins": {"lamp": 22, "radio_power": 23, "radio_select": 25},
}

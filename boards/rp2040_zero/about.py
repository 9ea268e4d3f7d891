"""Waveshare RP2040-Zero: what a person who chooses a board, the build and the checker need. Never on the device."""

ABOUT = {
    # Not waveshare_rp2040_zero, which differs by a flash that is clocked half as fast: the timing of this firmware is
    # known for the Pico's clock alone, and MicroPython's own image for the Pico is what people run on this board.
    "sdk_board": "pico",
    "flash_bytes": 2 * 1024 * 1024,
    "broken_out": "0-15, 17-29",
    "on_board": {16: "WS2812, an LED that takes a stream of data"},
    "machine": "",  # a stock MicroPython on it is the Pico's, and says that it is one
    "stock": False,
    "run": "boot and a session, on an emulated RP2040",
    "notes": (
        "GP0 to GP15 and GP26 to GP29 are on the edges, GP17 to GP25 are pads on the back.",
        "It does not measure its supply and has no lamp that shows a level: for resistors alone. No buttons, no "
        "display.",
    ),
}

"""Raspberry Pi Pico 2 W: what a person who chooses a board, the build and the checker need. Never on the device."""

ABOUT = {
    "sdk_board": "pico2",  # not pico2_w: MicroPython for that one takes PIO, DMA and pins for the radio at each start
    "flash_bytes": 4 * 1024 * 1024,
    "broken_out": "0-22, 26-28",
    "on_board": {
        23: "power of the radio",
        24: "data of the radio",
        25: "select of the radio",
        29: "a third of VSYS, or the clock of the radio",
    },
    "machine": "Raspberry Pi Pico 2 W with RP2350",
    "stock": False,
    "run": "",
    "notes": ("As the Pico 2, and the radio is kept off as on the Pico W, at the same cost.",),
}

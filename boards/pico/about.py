"""Raspberry Pi Pico: what a person who chooses a board, the build and the checker need. Never on the device."""

ABOUT = {
    "sdk_board": "pico",
    "flash_bytes": 2 * 1024 * 1024,
    "broken_out": "0-22, 26-28",
    "on_board": {
        23: "mode of the board's regulator",
        24: "senses USB power",
        25: "LED",
        29: "a third of VSYS",
    },
    # What a stock MicroPython says it runs on (os.uname().machine): it can be told from others, and flashed.
    "machine": "Raspberry Pi Pico with RP2040",
    # On it the firmware runs as modules too (`nmes flash --modules`).
    "stock": True,
    "in_setup": True,  # `make setup` builds its images, which the tests need; `make firmware` builds all
    "run": "every test of the firmware, on an emulated RP2040",
    "notes": ("The board that everything here was developed and tested for.",),
}

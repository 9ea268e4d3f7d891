"""Raspberry Pi Pico 2: what a person who chooses a board, the build and the checker need. Never on the device."""

ABOUT = {
    "sdk_board": "pico2",
    "flash_bytes": 4 * 1024 * 1024,
    "broken_out": "0-22, 26-28",
    "on_board": {
        23: "mode of the board's regulator",
        24: "senses USB power",
        25: "LED",
        29: "a third of VSYS",
    },
    "machine": "Raspberry Pi Pico2 with RP2350",
    "stock": False,  # its modules would have to be compiled for another core, and nobody has tried
    "run": "",
    "notes": (
        "The chip is run at 125 MHz and not at 150, so that every count of cycles is that of the Pico.",
        "Stepping A2 of the chip (the first that was sold) holds an input high that has been high (erratum RP2350-E9): "
        "it refuses to arm. Buy stepping A4.",
    ),
}

"""Raspberry Pi Pico W: what a person who chooses a board, the build and the checker need. Never on the device."""

ABOUT = {
    "sdk_board": "pico",  # not pico_w: MicroPython for that one takes PIO, DMA and pins for the radio at each start
    "flash_bytes": 2 * 1024 * 1024,
    "broken_out": "0-22, 26-28",
    "on_board": {
        23: "power of the radio",
        24: "data of the radio",
        25: "select of the radio",
        29: "a third of VSYS, or the clock of the radio",
    },
    "machine": "Raspberry Pi Pico W with RP2040",
    "stock": False,  # it starts the radio before any of our code runs
    "run": "boot and a session, on an emulated RP2040 without a radio",
    "notes": (
        "The radio is kept off: no Wi-Fi, no Bluetooth. In return PIO, DMA and all pins are the firmware's.",
        "The LED on the board hangs on the radio and stays dark: the yellow lamp is an LED of your own on GP22.",
        "That VSYS can be read on GP29 while GP25 is high and the radio has no power follows from the schematic and "
        "from reports; it was not measured. What others read there with the radio on, 0.03 V, refuses to arm.",
    ),
}

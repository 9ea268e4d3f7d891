"""Raspberry Pi Pico 2 W (RP2350, a radio that is kept off): which pin does what. Facts only; the pins are those of the
Pico W (docs/boards.md says what keeping the radio off costs).

Phase pins of a channel are neighbours (one PIO side-set drives both) and its two level pins are the A and B outputs of
one PWM slice (one 32-bit write sets both amplitudes). Every output has an external pull-down: at reset all pins float.
"""

BOARD = {
    "name": "pico2_w",
    "title": "Raspberry Pi Pico 2 W",
    "mcu": "rp2350",
    "hal": "rp2",
    "stage": "reference",
    "other_stages": ("bare",),  # each has an image of its own
    "cpu_hz": 125_000_000,
    "max_current_ua": 100_000,  # whatever its stage could do
    "supply_mv": (3_000, 5_500),  # VSYS: what the reference stage and the Pico's regulator need and bear
    "dummy_only": 1,  # it has never run, neither on a chip nor on an emulator
    "temperature_dc": (-100, 700),  # tenths of a degree, of the chip; its sensor is some 5 K off
    # Where each part begins, and its length in bytes. The file system begins where MicroPython has it on every Pico 2.
    "flash": {
        "firmware": (0x00000, 0xE0000),
        "store": (0xE0000, 0x20000),
        "files": (0x100000, 0x2D0000),
        "records": (0x3D0000, 0x30000),
    },
    # What may be written to USB without waiting, when a poll says that anything may: two packets
    # (patches/poll-for-two-packets.patch).
    "usb_free_bytes": 128,
    # Resistors to ground outside the chip, on the output stage: at reset all pins float. Inputs have the chip's own, on
    # which stepping A2 cannot rely (erratum RP2350-E9): it arms only where safe_line and stop_loop stand here too, with
    # 8 200 ohm or less each, and are so in copper (docs/boards.md).
    "pull_downs_ohm": (
        ("phase_a", 10_000),
        ("phase_b", 10_000),
        ("level_a", 10_000),
        ("level_b", 10_000),
        ("enable", 10_000),
        ("pump", 10_000),
    ),
    "pins": {
        "channels": (
            {"phase_a": 2, "phase_b": 3, "level_a": 4, "level_b": 5},
            {"phase_a": 6, "phase_b": 7, "level_a": 8, "level_b": 9},
        ),
        "sense_current": (26, 27),  # of channel 0 and 1
        "sense_voltage": 28,  # of the channel in phase
        "enable": 10,
        "pump": 11,
        "safe_line": 12,
        "stop_loop": 13,
        "lamp": 22,  # an LED of your own: the one on the board is a pin of the radio chip
        "ready": 14,
        "fault": 15,
        "buzzer": 16,
        # A third of VSYS, on the board, while radio_select is high: else it is the clock of the radio.
        "supply": 29,
        "radio_power": 23,  # low: the radio is off
        "radio_select": 25,  # high: the radio is not spoken to
        # Buttons to ground, by the pull-ups in the chip: side by side on the edge, beyond the lamps, and far from the
        # pins that reach the stage. In the order of core/buttons.py.
        "panel": {"start": 17, "up": 18, "down": 19, "stop": 20, "programme": 21},
    },
    # GP0 and GP1 are the one pair of I2C 0 that nothing else needs. A 128x64 OLED: "ssd1306", whose columns begin at 0,
    # or "sh1106", which has 132 of them: the glass begins at 2.
    "display": {"sda": 0, "scl": 1, "address": 0x3C, "controller": "ssd1306", "offset": 0},
}

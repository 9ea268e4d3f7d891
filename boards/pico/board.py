"""Raspberry Pi Pico (RP2040): which pin does what. Facts only; the wiring is drawn in docs/hardware.md.

Phase pins of a channel are neighbours (one PIO side-set drives both) and its two level pins are the A and B outputs of
one PWM slice (one 32-bit write sets both amplitudes). Every output has an external pull-down: at reset all pins float.
"""

BOARD = {
    "name": "pico",
    "title": "Raspberry Pi Pico",
    "mcu": "rp2040",
    "hal": "rp2",
    "stage": "reference",
    "other_stages": ("bare", "reference-biofeedback"),  # each has an image of its own
    "cpu_hz": 125_000_000,
    "max_current_ua": 100_000,  # whatever its stage could do
    "supply_mv": (3_000, 5_500),  # VSYS: what the reference stage and the Pico's regulator need and bear
    "temperature_dc": (-100, 700),  # tenths of a degree, of the chip; its sensor is some 5 K off
    # Where each part begins, and its length in bytes. The firmware must end before the store (scripts/toolchain.py sees
    # to it); the file system begins where MicroPython has it on every Pico, and ends before the records of sessions.
    "flash": {
        "firmware": (0x00000, 0x80000),
        "store": (0x80000, 0x20000),
        "files": (0xA0000, 0x130000),
        "records": (0x1D0000, 0x30000),
    },
    # What may be written to USB without waiting, when a poll says that anything may: two packets
    # (patches/poll-for-two-packets.patch).
    "usb_free_bytes": 128,
    # Resistors to ground outside the chip, on the output stage: at reset all pins float. Inputs have the chip's own.
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
        "interlock": 12,
        "stop_loop": 13,
        "lamp": 25,
        "ready": 14,
        "fault": 15,
        "buzzer": 16,
        "supply": 29,  # a third of VSYS, on the board
        # Buttons to ground, by the pull-ups in the chip: side by side on the edge, beyond the lamps, and far from the
        # pins that reach the stage. In the order of core/buttons.py.
        "panel": {"start": 17, "up": 18, "down": 19, "stop": 20, "programme": 21},
        # A switch to ground in the hand of whoever starts each contraction, for a stage with a biofeedback input: the
        # last pin of the edge that nothing else needs, beside the buttons and read like them.
        "hand_switch": 22,
    },
    # What the image for an output stage has otherwise; it has the first channels, as many as the stage has.
    "of_stage": {
        # Laboratories get the level pins of the channel that this stage does not have. Not its phase pins: they stay
        # low, so that a stage of two channels that is wired to this image switches nothing of its second one.
        "reference-biofeedback": {"pins": {"held_low": (6, 7), "trigger_input": 8, "sync_output": 9}},
    },
    # GP0 and GP1 are the one pair of I2C 0 that nothing else needs. A 128x64 OLED: "ssd1306", whose columns begin at 0,
    # or "sh1106", which has 132 of them: the glass begins at 2.
    "display": {"sda": 0, "scl": 1, "address": 0x3C, "controller": "ssd1306", "offset": 0},
}

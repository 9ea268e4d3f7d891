"""Waveshare RP2040-Zero: which pin does what. Facts only; the numbers are the Pico's, as far as the board has them.

GP0 to GP15 and GP26 to GP29 are on its edges, GP17 to GP25 are pads on its back. It does not measure its supply, and
its LED is a WS2812 on GP16, which takes a stream of data and cannot show a level: no lamp. So it is for resistors
alone.

Phase pins of a channel are neighbours (one PIO side-set drives both) and its two level pins are the A and B outputs of
one PWM slice (one 32-bit write sets both amplitudes). Every output has an external pull-down: at reset all pins float.
"""

BOARD = {
    "name": "rp2040_zero",
    "title": "Waveshare RP2040-Zero",
    "mcu": "rp2040",
    "hal": "rp2",
    "stage": "reference",
    "other_stages": ("bare",),  # each has an image of its own
    "cpu_hz": 125_000_000,
    "max_current_ua": 100_000,  # whatever its stage could do
    "supply_mv": (3_000, 5_500),  # 5V: what the reference stage needs and bears; not measured
    "dummy_only": 1,  # nothing looks at its supply, and nothing shows that output is on
    "temperature_dc": (-100, 700),  # tenths of a degree, of the chip; its sensor is some 5 K off
    # Where each part begins, and its length in bytes. The firmware must end before the store (scripts/toolchain.py sees
    # to it); the file system begins where MicroPython for the Pico has it, and ends before the records of sessions.
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
        "safe_line": 12,
        "stop_loop": 13,
        "ready": 14,
        "fault": 15,
        "buzzer": 29,
    },
}

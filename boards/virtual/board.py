"""The virtual board: the firmware under MicroPython's Unix port, in virtual time. A board like any other."""

BOARD = {
    "name": "virtual",
    "title": "Virtual board",
    "mcu": "unix",
    "hal": "virtual",
    "stage": "reference",
    "other_stages": ("reference-biofeedback",),
    "cpu_hz": 125_000_000,
    "max_current_ua": 100_000,  # whatever its stage could do
    "supply_mv": (3_000, 5_500),
    "temperature_dc": (-100, 700),
    "pins": {"channels": ({}, {}), "panel": {}},
}

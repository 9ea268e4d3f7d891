"""Raspberry Pi Pico 2 (RP2350): what is otherwise than on the Pico. Facts only.

Inputs have the chip's own pull-downs, on which stepping A2 cannot rely (erratum RP2350-E9): it arms only where
`interlock` and `stop_loop` stand among `pull_downs_ohm` too, with 8 200 ohm or less each, and are so in copper
(docs/boards.md).
"""

BOARD = {
    "like": "pico",
    "name": "pico2",
    "title": "Raspberry Pi Pico 2",
    "mcu": "rp2350",
    "other_stages": ("bare",),
    "dummy_only": 1,  # it has never run, neither on a chip nor on an emulator
    # The file system begins where MicroPython has it on every Pico 2.
    "flash": {
        "firmware": (0x00000, 0xE0000),
        "store": (0xE0000, 0x20000),
        "files": (0x100000, 0x2D0000),
        "records": (0x3D0000, 0x30000),
    },
    "pins": {"hand_switch": None},  # for the stage with a biofeedback input, which nobody has tried on it
}

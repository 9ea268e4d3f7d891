"""Registers of the chip that the board has: `chip` is rp2040.py or rp2350.py. Only that one is loaded."""

from board import BOARD

if BOARD["mcu"] == "rp2040":
    from nmes.hal.rp2 import rp2040 as chip
elif BOARD["mcu"] == "rp2350":
    from nmes.hal.rp2 import rp2350 as chip  # type: ignore[no-redef]  # noqa: F401
else:
    raise ValueError("board %s has the chip %s; known: rp2040, rp2350" % (BOARD["name"], BOARD["mcu"]))

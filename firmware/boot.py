# First of all, after any reset: every output to rest. MicroPython's own soft reset leaves pins at their last level.
from board import BOARD

if BOARD["hal"] == "rp2":
    from nmes.hal.rp2.rest import rest

    rest(BOARD["pins"])

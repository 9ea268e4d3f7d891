# MicroPython runs this one before a /boot.py of the file system, which is never run. Outputs to rest once more: nothing
# between _boot.py and here has moved them, and this costs nothing.
from board import BOARD

if BOARD["hal"] == "rp2":
    from nmes.hal.rp2.rest import rest

    rest(BOARD["pins"])

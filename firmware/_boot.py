# What MicroPython runs before anything else, after each reset, hard or soft; frozen in place of the port's own. Nothing
# is mounted yet, so the imports up to the last line find frozen modules only, whatever the file system holds.
from board import BOARD

from nmes.hal.rp2.rest import rest

rest(BOARD["pins"])

import sys  # noqa: E402

# Only what was frozen runs. MicroPython looks for modules in '', '.frozen' and '/lib', in this order, and even json and
# os come from there first. A person who wants files at the prompt puts them back: sys.path.append('/lib').
sys.path[:] = [".frozen"]

from nmes.hal.rp2.parts import mount_files  # noqa: E402

mount_files(BOARD["flash"])

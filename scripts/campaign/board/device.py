"""The campaign's board, under MicroPython's Unix port: the whole firmware, a HAL that breaks things, and a host.

Each line of standard input is a case (campaign/plan.py makes them), each line of standard output what was seen of it.
An argument names a file that is executed first: a firmware that was broken on purpose, to see that it is found. It has
the names that stand here.

Nothing of this is part of the firmware, and `identify` says so.
"""

import json
import sys

import board

board.BOARD = dict(board.BOARD, name="virtual, faults injected")

from faulty_hal import FaultyHal  # noqa: E402, F401
from world import World  # noqa: E402

from nmes import app  # noqa: E402, F401
from nmes.core import checklist, faults  # noqa: E402, F401
from nmes.hal import virtual  # noqa: E402, F401


def main():
    if len(sys.argv) > 1:
        with open(sys.argv[1]) as file:
            exec(file.read(), globals())
    for line in sys.stdin:
        print(json.dumps(World(json.loads(line)).run()))


if __name__ == "__main__":
    main()

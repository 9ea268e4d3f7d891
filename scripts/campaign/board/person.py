"""The panel of the board: contacts that are closed when the plan says so, and a display that may fail."""

import json

from nmes.documents import documents, keep
from nmes.hal import virtual
from nmes.hal.common import LAYOUT, Area

PAGE_US = 1_000  # what a page takes
ASKED_US = 1_000  # whether the display is there
HANGS_US = 6_000  # and one that nobody takes (hal/contract.py)
PROGRAM_US = 3_000
ERASE_US = 30_000
CLINIC = 1  # the host that put the prescriptions there, long before


class Sectors(virtual.Flash):
    """The flash behind the slots: it takes its time, and the power may go in the middle of it."""

    def __init__(self, world):
        super().__init__()
        self._world = world

    def writeblocks(self, number, data, at):
        half = len(data) // 2
        super().writeblocks(number, data[:half], at)
        self._passes(PROGRAM_US)
        super().writeblocks(number, data[half:], at + half)

    def ioctl(self, operation, number):
        held = self.sector(number)
        held[: len(held) // 2] = b"\xff" * (len(held) // 2)
        self._passes(ERASE_US)
        super().ioctl(operation, number)

    def _passes(self, us):
        if self._world.hal:
            self._world.hal.pass_us(us)


class Person:
    """What the panel's buttons and display are in this case; `sectors` are those of the flash."""

    def __init__(self, world):
        self._world = world
        self._contacts = world.plan["contacts"]
        self._at = 0
        self.display = "there"  # or "fails", "hangs"
        self.memory = None  # bytes that are free, where there is a fault of it
        self.sectors = Sectors(world)
        kept = documents(Area(self.sectors, LAYOUT["prescriptions"]))
        for programme in world.plan["kept"]:
            title = programme["title"]
            keep(kept, 0, json.dumps(programme).encode(), lambda _, title=title: title, CLINIC)

    def buttons(self):
        """The contacts that are closed now."""
        while self._at < len(self._contacts) and self._contacts[self._at][0] <= self._world.now_us:
            self._at += 1
        return self._contacts[self._at - 1][1] if self._at else 0

    def open_display(self):
        return self._takes(8 * PAGE_US)

    def display_page(self, page, pixels):
        return self._takes(PAGE_US)

    def display_answers(self):
        return self._takes(ASKED_US)

    def _takes(self, us):
        self._world.hal.pass_us(HANGS_US if self.display == "hangs" else us)
        return self.display == "there"

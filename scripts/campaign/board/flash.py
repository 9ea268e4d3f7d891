"""The flash of the board: slots that a write may miss, leave half done, or find damaged after a power cut."""

from nmes.hal.common import SLOTS

COPIES = (0, 1)  # the slots that hold what is kept
FLASH_US = 30_000  # a write
PROGRAM_US = 3_000  # of pages that are blank, without an erase


class Flash:
    """What is kept without power. A fault makes the next writes fail, or cuts one."""

    def __init__(self, world):
        self._world = world
        self._slots = [b""] * SLOTS
        self._whole = [False] * SLOTS  # written to its end, and as it was written
        self._writes = 0
        self._cut_at_write = None
        self.errors = 0  # so many writes are still to fail
        self.damage = ()  # what happens to it while there is no power

    def cut_at(self, write, per_mille):
        """The power goes in the write that comes after `write` others, when so much of it is done."""
        self._cut_at_write = (self._writes + write, per_mille)

    def read_slot(self, slot):
        return self._slots[slot].rstrip(b"\xff")  # erased bytes and these are one

    def write_slot(self, hal, slot, data):
        """What `hal` writes. Raises OSError, or Gone when the power goes meanwhile."""
        note = self._world.note
        if self.errors:
            self.errors -= 1
            note("write_failed")
            raise OSError(5)
        self._writes += 1
        self._whole[slot] = False
        before = self._slots[slot]
        if self._cut_at_write and self._writes >= self._cut_at_write[0]:
            part = self._cut_at_write[1]
            self._cut_at_write = None
            note("injected", "power_cut_in_write")
            note("cut")
            self._slots[slot] = (data + before[len(data) :])[: len(data) * part // 1_000]
            raise hal.gone("power")
        self._slots[slot] = data[: len(data) // 2]  # a cut that comes while it is being written
        hal.pass_us(FLASH_US if before else PROGRAM_US)
        self._slots[slot] = data
        self._whole[slot] = True

    def lose_power(self):
        """The damage is done. Noted when no copy is left that was whole and is as it was."""
        were = list(self._slots)
        had = True in [self._whole[slot] for slot in COPIES]
        for damage in self.damage:
            self._damage_slot(damage["slot"] % SLOTS, damage)
        self._whole = [self._whole[slot] and self._slots[slot] == were[slot] for slot in range(SLOTS)]
        if self.damage and had and True not in [self._whole[slot] for slot in COPIES]:
            self._world.note("corrupted")
        self.damage = ()

    def _damage_slot(self, slot, damage):
        data = bytearray(self._slots[slot])
        at = int(damage["place"] * len(data))
        if data and not damage["bytes"]:
            data[at] ^= 1 << damage["bit"]
        for i in range(at, min(len(data), at + damage["bytes"])):
            data[i] = damage["value"]
        self._slots[slot] = bytes(data)

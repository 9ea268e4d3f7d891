"""What every HAL and those above it go by: bounds, and whose each sector of the flash is."""

# What may be queued ahead of the running pulse, so that a dead CPU is at rest soon: at most this much time, and at
# least one pulse whatever the period. With the running pulse: 2 periods or 100 ms, whichever is longer.
LOOKAHEAD_US = 66_000

# Bytes behind which `read` gives nothing: the end of a line, and Ctrl-C, behind which comes what is for the prompt. Our
# image's MicroPython has them too (boards/rp2/patches/read-without-waiting.patch).
ENDS = (10, 3)

# So much of what a host has not read yet is kept: the longest line (core/frame.py), and as much again for what is said
# unasked.
OUT_BYTES = 8_192

# Slots to keep something in. One damaged place of the flash never reaches 0 and 1 both, nor 2 and 3.
SLOTS = 4

# The store's flash: 32 sectors of 4 KiB, the least that can be erased, of 16 pages, the least that can be programmed;
# and behind them those of the part that holds the records of sessions. Whose each is, once. The slots' are in their
# order, and in both of the blocks of 64 KiB, which are the most that one command of the flash erases. 24 to 31 are
# spare.
SECTOR = 4_096
PAGE = 256
LAYOUT = {
    "slots": (0, 16, 1, 17),
    "prescriptions": (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21),
    "calibration": (22, 23),
    "sessions": range(32, 80),
}
IN_STORE = 32  # sectors

# A program that is stuck for so long is reset. One iteration of the main loop takes tens of milliseconds.
WATCHDOG_MS = 900


_ERASE = 6  # the ioctl of MicroPython's block devices


class Area:
    """Some sectors of the flash, from 0 on, behind nothing but read, erase and program.

    `flash` is what rp2.Flash is: readblocks(sector, into, at), writeblocks(sector, data, at) which programs without
    erasing, and ioctl(6, sector) which erases. Nothing else runs while it erases (up to 400 ms) or programs (3 ms). It
    raises OSError, but not for everything that can go wrong: whoever writes reads back.
    """

    page_bytes = PAGE
    sector_bytes = SECTOR

    def __init__(self, flash, sectors):
        self._flash = flash
        self._sectors = sectors
        self.count = len(sectors)

    def read(self, sector, at, into):
        """Fill `into` with what the sector holds from byte `at` on."""
        self._flash.readblocks(self._sectors[sector], into, at)

    def program(self, sector, at, page):
        """Clear the bits of a page, `at` its first byte, that are 0 in `page`; no bit is set."""
        self._flash.writeblocks(self._sectors[sector], page, at)

    def erase(self, sector):
        """Set every bit of the sector."""
        self._flash.ioctl(_ERASE, self._sectors[sector])

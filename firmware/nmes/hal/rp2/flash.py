"""What is kept over power cuts, where: in the parts of the flash that the board has for it (`flash` is that table of
boards/pico/board.py), or in files on a stock MicroPython. Only what a board needs is loaded."""

from nmes.hal.common import Area


def slots(flash):
    """The slots of the store: in raw flash, or in files where the board has no part for them."""
    if "store" in flash:
        from nmes.hal.rp2 import parts

        return parts.slots(flash)
    from nmes.hal.rp2.files import FileSlots

    return FileSlots()


def area(flash, name):
    """The sectors that have that name; none where the board has no part for them."""
    if "store" in flash:
        from nmes.hal.rp2 import parts

        return parts.area(flash, name)
    return Area(None, ())

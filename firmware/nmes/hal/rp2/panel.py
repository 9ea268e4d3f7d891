"""The buttons, and a 128x64 OLED on I2C. Loaded only on a board that has a panel."""

from array import array

from machine import I2C, Pin
from micropython import const

from nmes.core.buttons import NAMES
from nmes.core.compiler import micropython, ptr8, ptr32
from nmes.hal.rp2 import registers as reg

_PAGES = const(8)
_COLUMNS = const(128)
_BLOCK = const(16)  # columns that are sent at once: 0.4 ms
_BUS_HZ = const(400_000)
_TIMEOUT_US = const(3_000)  # seven times what a block takes; the usual 50 ms are most of the lease

# SSD1306 datasheet, 10 and its charge pump's application note; SH1106 datasheet, commands 1 to 23. Off, clock, rows,
# offset, first row; how the memory is addressed and where the voltage comes from; glass turned to its usual side; pins,
# contrast, precharge, level; what the memory holds, not inverted.
_BEGIN = b"\xae\xd5\x80\xa8\x3f\xd3\x00\x40"
_OF_CONTROLLER = {"ssd1306": b"\x20\x02\x8d\x14", "sh1106": b"\xad\x8b"}
_END = b"\xa1\xc8\xda\x12\x81\xcf\xd9\xf1\xdb\x40\xa4\xa6"
_ON = b"\x00\xaf"
# What one that lost its power needs to be on again, and one that did not is none the worse for. The SH1106's converter
# is on by itself then, and must not be told so while the glass is (datasheet, command 11).
_AGAIN = {"ssd1306": b"\x8d\x14", "sh1106": b""}
_COMMANDS = b"\x00"  # control byte: what follows is commands
_DATA = const(0x40)  # what follows is data


class Buttons:
    """Contacts to ground by their names in core/buttons.py; `pins` has the number of each."""

    def __init__(self, pins):
        self._pins = [Pin(pins[name], Pin.IN, Pin.PULL_UP) for name in NAMES]
        self._bits = [1 << pins[name] for name in NAMES]
        self._at = array("I", [reg.SIO_GPIO_IN, sum(self._bits)])

    @micropython.viper
    def buttons(self) -> int:
        # Machine code, because it is asked in every turn.
        at = ptr32(self._at)
        levels = ptr32(at[0])
        closed = ~levels[0] & at[1]
        if closed == 0:
            return 0
        return int(self._named(closed))

    def _named(self, closed):
        found, button = 0, 1
        for bit in self._bits:
            if closed & bit:
                found |= button
            button <<= 1
        return found


class Display:
    """An SSD1306 or SH1106 by what both have, page addressing (datasheets, 10.1.13 and command 1): a page and a column
    are set, and the column goes on by itself. Of a page only blocks that have changed are sent."""

    def __init__(self, facts):
        self._facts = facts
        self._bus = None  # while there is a display
        self._shown = bytearray(_PAGES * _COLUMNS)
        self._place = bytearray(4)
        self._again = _COMMANDS + _AGAIN[facts["controller"]] + _END + b"\xaf"
        self._lost = 0  # pages that it may have lost
        self._block = bytearray(1 + _BLOCK)
        self._block[0] = _DATA

    def open_display(self):
        """Every page is cleared, whatever the memory held, before it is switched on."""
        facts = self._facts
        self._bus = None
        try:
            sda, scl = facts["sda"], facts["scl"]
            bus = I2C(sda // 2 % 2, sda=Pin(sda), scl=Pin(scl), freq=_BUS_HZ, timeout=_TIMEOUT_US)  # type: ignore[call-overload]
            if not self._takes(bus, _COMMANDS + _BEGIN + _OF_CONTROLLER[facts["controller"]] + _END):
                return False
            for at in range(len(self._shown)):
                self._shown[at] = 0
            for page in range(_PAGES):
                for column in range(0, _COLUMNS, _BLOCK):
                    if not self._sends(bus, self._shown, 0, page, column):
                        return False
            if not self._takes(bus, _ON):
                return False
        except OSError:
            return False
        self._bus = bus
        self._lost = 0
        return True

    def display_page(self, page, pixels):
        bus = self._bus
        if bus is None:
            return False
        lost = self._lost & 1 << page
        self._lost ^= lost
        try:
            for column in range(0, _COLUMNS, _BLOCK):
                if lost or _differs(pixels, column, self._shown, page * _COLUMNS + column, _BLOCK):
                    _copy(pixels, column, self._shown, page * _COLUMNS + column, _BLOCK)
                    if not self._sends(bus, pixels, column, page, column):
                        self._bus = None
                        return False
        except OSError:
            self._bus = None
            return False
        return True

    def display_answers(self):
        bus = self._bus
        try:
            if bus is not None and self._takes(bus, self._again):
                self._lost = (1 << _PAGES) - 1
                return True
        except OSError:
            pass
        self._bus = None
        return False

    def _sends(self, bus, pixels, at, page, column):
        """Whether the display takes a block of `pixels` from place `at` on."""
        place = self._place
        column += self._facts["offset"]
        place[1] = 0xB0 | page
        place[2] = column & 0x0F
        place[3] = 0x10 | column >> 4
        _copy(pixels, at, self._block, 1, _BLOCK)
        return self._takes(bus, place) and self._takes(bus, self._block)

    def _takes(self, bus, data):
        """Whether every byte is acknowledged. Raises OSError when the address is not, or the bus stands still."""
        return bus.writeto(self._facts["address"], data) == len(data)


@micropython.viper
def _copy(source: ptr8, at: int, target: ptr8, to: int, count: int):
    for i in range(count):
        target[to + i] = source[at + i]


@micropython.viper
def _differs(one: ptr8, at: int, other: ptr8, to: int, count: int) -> bool:
    for i in range(count):
        if one[at + i] != other[to + i]:
            return True
    return False

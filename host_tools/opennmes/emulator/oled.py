"""A display of 128 by 64 pixels on the emulated chip's I2C: decodes the bytes that really come, as an SSD1306 or an
SH1106 does (their datasheets: Solomon Systech, rev. 1.1, chapters 8.1.5, 9 and 10; Sino Wealth, V2.0).

What the controller does not know, and what it is told in a way that leads to a wrong picture, is in `complaints`,
counted by its words. Its memory holds noise at power-on, as that of a real one does.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rp2040py.peripherals.i2c import I2CMode

from opennmes.emulator.cycles import CYCLE_NANOS
from opennmes.screen import HEIGHT, PAGES, WIDTH, Screen

if TYPE_CHECKING:
    from opennmes.emulator.pico import EmulatedPico

ADDRESS = 0x3C
_CO, _DATA, _CONTROL_ZEROS = 0x80, 0x40, 0x3F  # of a control byte
_HORIZONTAL, _VERTICAL, _PAGE = range(3)
_WAYS = ("horizontal", "vertical", "page")
_OFF_STATUS = 0x40  # of the byte that a read gives
_BITS_A_BYTE = 9  # the acknowledge among them
_PINS_OF_64_ROWS = 0x12
_PUMP_ON, _DCDC_ON = 0x14, 0x8B
_IC_STATUS, _IC_FS_SPKLEN, _MST_ACTIVITY = 0x70, 0xA0, 1 << 5  # of the chip's I2C


@dataclass(frozen=True)
class Kind:
    """What sets one controller apart: columns of its memory, the first that is on the glass, and how many arguments
    each command of more than a byte has."""

    name: str
    columns: int
    offset: int
    arguments: dict[int, int]
    addressing: bool  # horizontal and vertical addressing too


_BOTH = {0x81: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
_OF_ONE_BYTE = {0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xE3, *range(0x40, 0x80), *range(0xB0, 0xB8)}
_OF_ONE_BYTE |= {*range(0x20), *range(0xC0, 0xD0)}
_SSD1306_ALONE = {0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x2E: 0, 0x2F: 0, 0xA3: 2, 0x8D: 1}
_SH1106_ALONE = {0x30: 0, 0x31: 0, 0x32: 0, 0x33: 0, 0xAD: 1, 0xE0: 0, 0xEE: 0}
_ONE = dict.fromkeys(_OF_ONE_BYTE, 0)
KINDS = {
    "ssd1306": Kind("SSD1306", 128, 0, {**_ONE, **_BOTH, **_SSD1306_ALONE}, True),
    "sh1106": Kind("SH1106", 132, 2, {**_ONE, **_BOTH, **_SH1106_ALONE}, False),
}


class Controller:
    """The controller by itself: the bytes of a transmission in, a picture out."""

    def __init__(self, kind: str = "ssd1306", seed: int = 1) -> None:
        """`kind`: a name of KINDS. `seed`: of the noise in its memory."""
        self.kind = KINDS[kind]
        self.complaints: Counter[str] = Counter()
        self.commands = 0  # that were carried out
        self.data_bytes = 0
        self.is_on = False
        self.contrast = 0x7F
        self.is_inverse = False
        noise = random.Random(seed)
        self._memory = [bytearray(noise.randbytes(self.kind.columns)) for _ in range(PAGES)]
        self._pumped = not self.kind.addressing  # the SH1106's converter is on from the start
        self._all_lit = False
        self._turned_columns = False
        self._turned_rows = False
        self._start_line = 0
        self._shift = 0
        self._rows = HEIGHT
        self._way = _PAGE
        self._column, self._page = 0, 0
        self._behind = False  # the last column of page addressing has been written
        self._columns, self._pages = (0, self.kind.columns - 1), (0, PAGES - 1)
        self._command: list[int] = []  # and its arguments so far
        self._control: int | None = None

    def begin(self) -> None:
        """A transmission begins: a control byte comes next."""
        self._control = None

    def take(self, value: int) -> None:
        """One byte behind the address."""
        if self._control is None:
            if value & _CONTROL_ZEROS:
                self._complain(f"control byte 0x{value:02x}: its lower six bits have to be 0")
            self._control = value
            return
        if self._control & _DATA:
            self._data(value)
        else:
            self._word(value)
        if self._control & _CO:
            self._control = None

    def status(self) -> int:
        """What a read gives."""
        return 0 if self.is_on else _OFF_STATUS

    def screen(self) -> Screen:
        """What a person sees on a module mounted as they are sold: upright with 0xA1 and 0xC8."""
        if not (self.is_on and self._pumped):
            return Screen()
        # Rows of the glass from the top down; the memory's columns were turned when they were written.
        offset = self.kind.offset
        rows = []
        for y in range(HEIGHT):
            com = y if self._turned_rows else HEIGHT - 1 - y
            row = (com + self._start_line + self._shift) % HEIGHT
            page, bit = self._memory[row // 8], row % 8
            shown = com < self._rows
            line = (page[offset + x] >> bit & 1 for x in range(WIDTH))
            rows.append("".join("#" if shown and (self._all_lit or one != self.is_inverse) else "." for one in line))
        return Screen.of_rows(rows)

    def _complain(self, words: str) -> None:
        self.complaints[words] += 1

    # ---- data ----

    def _data(self, value: int) -> None:
        self._give_up_command()
        self.data_bytes += 1
        if self._behind or self._column >= self.kind.columns:
            self._behind = True
            self._complain("data behind the last column")
            if not self.kind.addressing:  # an SH1106 stays there, an SSD1306 begins again
                return
            self._column %= self.kind.columns
        last = self.kind.columns - 1
        # 0xA1 leads column 0 to the last segment, which a module has at its left.
        self._memory[self._page][self._column if self._turned_columns else last - self._column] = value
        self._go_on()

    def _go_on(self) -> None:
        if self._way == _PAGE:
            self._column = (self._column + 1) % self.kind.columns
            self._behind |= self._column == 0
            return
        first, second = (self._step_column, self._step_page) if self._way == _HORIZONTAL else (
            self._step_page, self._step_column
        )  # fmt: skip
        if first():
            second()

    def _step_column(self) -> bool:
        begin, end = self._columns
        over = self._column == end
        self._column = begin if over else (self._column + 1) % self.kind.columns
        return over

    def _step_page(self) -> bool:
        begin, end = self._pages
        over = self._page == end
        self._page = begin if over else (self._page + 1) % PAGES
        return over

    # ---- commands ----

    def _give_up_command(self) -> None:
        if self._command:
            self._complain(f"command 0x{self._command[0]:02x} without all of its arguments")
            self._command = []

    def _word(self, value: int) -> None:
        if not self._command and value not in self.kind.arguments:
            self._complain(f"unknown command 0x{value:02x}")
            return
        self._command.append(value)
        name, *arguments = self._command
        if len(arguments) == self.kind.arguments[name]:
            self._command = []
            self.commands += 1
            self._carry_out(name, arguments)

    def _carry_out(self, name: int, arguments: list[int]) -> None:
        if arguments:
            self._carry_out_long(name, arguments)
        elif name < 0x10:
            self._point(name, self._column & 0xF0 | name)
        elif name < 0x20:
            self._point(name, self._column & 0x0F | (name & 0x0F) << 4)
        elif 0x40 <= name < 0x80:
            self._start_line = name & 0x3F
        elif 0xB0 <= name < 0xB8:
            self._only_by_page(name)
            self._page = name & 0x07
        elif name in (0xA0, 0xA1):
            self._turned_columns = name == 0xA1
        elif name in (0xA4, 0xA5):
            self._all_lit = name == 0xA5
        elif name in (0xA6, 0xA7):
            self.is_inverse = name == 0xA7
        elif name in (0xAE, 0xAF):
            self.is_on = name == 0xAF
            if self.is_on and not self._pumped:
                self._complain("switched on without its charge pump (0x8d 0x14): it stays dark")
        elif 0xC0 <= name < 0xD0:
            self._turned_rows = name >= 0xC8
        elif name == 0x2F:
            self._complain("scrolling (0x2f) is not emulated")
        elif name == 0xE0:
            self._complain("read-modify-write (0xe0) is not emulated")

    def _carry_out_long(self, name: int, arguments: list[int]) -> None:
        first = arguments[0]
        match name:
            case 0x81:
                self.contrast = first
            case 0xA8:
                self._rows = (first & 0x3F) + 1
                if self._rows < HEIGHT:
                    self._complain(f"multiplex ratio 0x{first:02x}: only {self._rows} rows are driven")
            case 0xD3:
                self._shift = first & 0x3F
            case 0xDA if first != _PINS_OF_64_ROWS:
                self._complain(f"COM pins 0x{first:02x}: a glass of 64 rows needs 0x{_PINS_OF_64_ROWS:02x}")
            case 0x8D:
                self._pumped = first == _PUMP_ON
            case 0xAD:
                self._pumped = first == _DCDC_ON
            case 0x20 if first <= _PAGE:
                self._way, self._behind = first, False
            case 0x20:
                self._complain(f"addressing mode 0x{first:02x}")
            case 0x21 | 0x22:
                self._window(name, *arguments)

    def _window(self, name: int, begin: int, end: int) -> None:
        columns = name == 0x21
        if self._way == _PAGE or begin > end or end >= (self.kind.columns if columns else PAGES):
            self._complain(f"window 0x{name:02x} of {begin} to {end} with {_WAYS[self._way]} addressing")
            return
        if columns:
            self._columns, self._column = (begin, end), begin
        else:
            self._pages, self._page = (begin, end), begin

    def _point(self, name: int, column: int) -> None:
        self._only_by_page(name)
        self._behind = False
        self._column = column  # looked at when something is written: its other half may still be to come

    def _only_by_page(self, name: int) -> None:
        if self._way != _PAGE:
            self._complain(f"command 0x{name:02x} with {_WAYS[self._way]} addressing")


class Oled:
    """A module with a controller, on I2C0 of an emulated chip: each byte takes the time of its nine clocks.

    `answers` and `holds` can be changed at any time. Without `answers` nobody acknowledges. With `holds` the clock line
    is held low, so that nothing that was begun ends until it is let go.
    """

    def __init__(self, pico: EmulatedPico, kind: str = "ssd1306", bus: int = 0, address: int = ADDRESS) -> None:
        """Wire it to `pico`, in place of whatever was on that bus. `kind`: a name of KINDS."""
        self._kind = kind
        self.controller = Controller(kind)
        self.answers = True
        self.transmissions: deque[tuple[int, int]] = deque(maxlen=4096)  # when each one began and ended, in ns
        self._holds = False
        self._address = address
        self._pico = pico
        self._i2c = pico.mcu.i2c[bus]
        self._selected = False
        self._began = 0
        self._next: Callable[[], None] | None = None  # what the clock line, or time, still keeps from being over
        self._alarm = pico.mcu.clock.create_alarm(self._over)
        self._i2c.on_start = self._on_start
        self._i2c.on_connect = self._on_connect
        self._i2c.on_write_byte = self._on_write
        self._i2c.on_read_byte = self._on_read
        self._i2c.on_stop = self._on_stop

    def cut_power(self) -> None:
        """Cut its power for a moment: it is dark, and its memory holds noise. A reset of the chip alone leaves what it
        shows."""
        self.controller = Controller(self._kind)

    @property
    def holds(self) -> bool:
        """Whether the clock line is held low."""
        return self._holds

    @holds.setter
    def holds(self, on: bool) -> None:
        self._holds = on
        if not on and self._next is not None:
            self._alarm.schedule(self._byte_nanos())

    @property
    def seen(self) -> Screen:
        """What a person sees."""
        return self.controller.screen()

    def _byte_nanos(self) -> int:
        """RP2040 datasheet, 4.3.14: the block adds SPKLEN + 7 cycles to the high time and 1 to the low one."""
        cycles = self._i2c.scl_high_period + self._i2c.read_uint32(_IC_FS_SPKLEN) + 7 + self._i2c.scl_low_period + 1
        return _BITS_A_BYTE * cycles * CYCLE_NANOS

    def _after_a_byte(self, then: Callable[[], None]) -> None:
        self._next = then
        if not self._holds:
            self._alarm.schedule(self._byte_nanos())

    def _over(self) -> None:
        if self._holds:  # since the byte began
            return
        then, self._next = self._next, None
        # A block that was reset meanwhile knows nothing of what it had begun.
        if then is not None and self._i2c.read_uint32(_IC_STATUS) & _MST_ACTIVITY:
            then()

    def _on_start(self, _repeated: bool) -> None:
        self._began = self._pico.nanos
        if self._holds:
            self._next = self._i2c.complete_start
        else:
            self._i2c.complete_start()

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        def over() -> None:
            self._selected = self.answers and address == self._address
            if self._selected and mode == I2CMode.WRITE:
                self.controller.begin()
            self._i2c.complete_connect(self._selected)

        self._after_a_byte(over)

    def _on_write(self, value: int) -> None:
        def over() -> None:
            heard = self._selected and self.answers
            if heard:
                self.controller.take(value)
            self._i2c.complete_write(heard)

        self._after_a_byte(over)

    def _on_read(self, _more: bool) -> None:
        status = self.controller.status() if self._selected and self.answers else 0xFF
        self._after_a_byte(lambda: self._i2c.complete_read(status))

    def _on_stop(self) -> None:
        self._selected = False
        self.transmissions.append((self._began, self._pico.nanos))
        self._i2c.complete_stop()

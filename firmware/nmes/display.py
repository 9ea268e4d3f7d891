"""Draws what core/screens.py says, and hands the HAL a page a turn: what has not changed is not sent."""

from nmes.core import font
from nmes.core.compiler import micropython, ptr8
from nmes.core.screens import LARGE_FROM, LARGE_ROWS, PIXELS, ROWS, Screen, large_part, large_wide
from nmes.core.texts import COLUMNS

LOOK_AGAIN_MS = 5_000  # for a display that is not there, at rest
# A display that lost its power for a moment answers as before, and is dark: it is told all of it again every now and
# then. Less than 30 ms each time, a page a turn.
TELL_AGAIN_MS = 10_000
TELL_AGAIN_AT_REST_MS = 60_000  # and at each press
_CELL = PIXELS // COLUMNS
_FIRST, _IN_ASCII = 32, 95  # the first character of ASCII that has a glyph, and how many have


class Display:
    """`there`: something is seen of what is shown."""

    def __init__(self, hal):
        self._hal = hal
        self.there = False
        self._looked_ms = None
        self._told_ms = 0
        self._pages = [bytearray(PIXELS) for _ in range(ROWS)]
        self._shown = Screen([""] * ROWS)
        self._dirty = 0  # pages that have not been sent
        self.due = False  # there is something to send

    def show(self, screen):
        """From now on this is to be seen, a page a turn."""
        shown = self._shown
        large = screen.large != shown.large
        for row in range(ROWS):
            within = LARGE_FROM <= row < LARGE_FROM + LARGE_ROWS
            if within and screen.large:
                if large:
                    self._draw_large(screen.large, row)
            elif screen.rows[row] != shown.rows[row] or within and large:
                self._draw(screen.rows[row], row)
        if screen.bar != shown.bar:
            self._draw(screen.rows[ROWS - 1], ROWS - 1)
            if screen.bar:
                filled, mark = screen.bar
                _bar(self._pages[ROWS - 1], PIXELS, filled, mark)
        self._shown = screen
        self.due = self.there and self._dirty != 0

    def step(self, at_rest, now_ms):
        """Send a page, or look for the display again, or tell it again that it is on. `at_rest`: every output is, and
        it may take some time."""
        if not self.there:
            looked_ms = self._looked_ms
            if not at_rest or looked_ms is not None and 0 <= now_ms - looked_ms < LOOK_AGAIN_MS:
                return
            self._looked_ms = self._told_ms = now_ms
            self.there = self.due = self._hal.open_display()
            self._dirty = (1 << ROWS) - 1
            return
        dirty = self._dirty
        if not dirty:
            if now_ms - self._told_ms >= (TELL_AGAIN_AT_REST_MS if at_rest else TELL_AGAIN_MS):
                self.answers()
            return
        page = 0
        while not dirty & 1 << page:
            page += 1
        self._dirty = dirty = dirty & ~(1 << page)
        self.there = self._hal.display_page(page, self._pages[page])
        self.due = self.there and dirty != 0

    def answers(self):
        """Whether it is there at this moment: one that has died since its last page is found so, and one that lost its
        power meanwhile gets all that it showed."""
        self.due = self.there = self.there and self._hal.display_answers()
        self._dirty = (1 << ROWS) - 1
        self._told_ms = self._hal.now_ms()
        return self.there

    def _draw(self, text, row):
        pixels = self._pages[row]
        _clear(pixels, PIXELS)
        at = 1
        for character in text:
            _copy(font.GLYPHS, font.WIDTH * _place(character), pixels, at, font.WIDTH)
            at += _CELL
        self._dirty |= 1 << row

    def _draw_large(self, large, row):
        pixels = self._pages[row]
        _clear(pixels, PIXELS)
        part = large_part(len(large))
        for i in range(len(large)):
            wide = large_wide(large[i], part)
            at = i * part
            for character in large[i] if wide else "":
                _stretch(font.GLYPHS, font.WIDTH * _place(character), font.WIDTH, row - LARGE_FROM, wide, pixels, at)
                at += wide * (font.WIDTH + 1)
        self._dirty |= 1 << row


def _place(character):
    """Of a character's glyph; that of the question mark where there is none."""
    code = ord(character) - _FIRST
    if 0 <= code < _IN_ASCII:
        return code
    more = font.MORE.find(character)
    return _IN_ASCII + more if more >= 0 else ord("?") - _FIRST


@micropython.viper
def _clear(pixels: ptr8, count: int):
    for i in range(count):
        pixels[i] = 0


@micropython.viper
def _copy(source: ptr8, at: int, target: ptr8, to: int, count: int):
    for i in range(count):
        target[to + i] = source[at + i]


@micropython.viper
def _bar(pixels: ptr8, columns: int, filled: int, mark: int):
    """A frame of so many columns, so many of those within filled, and one marked over the whole height; -1: none."""
    for i in range(columns):
        within = i - 1
        pixels[i] = 0x7E if within < filled or i == columns - 1 else 0x42
        if within == mark and mark >= 0:
            pixels[i] = 0xFF


@micropython.viper
def _stretch(glyphs: ptr8, at: int, columns: int, part: int, wide: int, pixels: ptr8, to: int):
    """Two rows of pixels of a glyph, each four times as high, and its columns `wide` times as wide."""
    for column in range(columns):
        bits = glyphs[at + column] >> (2 * part)
        byte = (0x0F if bits & 1 else 0) | (0xF0 if bits & 2 else 0)
        for i in range(wide):
            pixels[to + column * wide + i] = byte

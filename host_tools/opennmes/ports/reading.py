"""What a display shows, as text: its pixels compared with the glyphs that the firmware draws."""

from __future__ import annotations

from nmes.core import font, screens, texts
from opennmes.screen import WIDTH, Screen

UNKNOWN = "\ufffd"
_CELL = WIDTH // texts.COLUMNS
_FIRST = 32  # of ASCII
_ASCII = range(_FIRST, 127)
_CHARACTERS = {
    font.GLYPHS[at * font.WIDTH : (at + 1) * font.WIDTH]: character
    for at, character in enumerate([*map(chr, _ASCII), *font.MORE])
}
_LARGE = range(screens.LARGE_FROM, screens.LARGE_FROM + screens.LARGE_ROWS)
_HALVES = (0, WIDTH // 2)  # where large texts begin
_WIDTHS = (3, 2)  # of a column of theirs
_FILLED, _EMPTY, _MARK = 0x7E, 0x42, 0xFF  # columns of a bar
_BAR_CELL = screens.BAR_COLUMNS // (texts.COLUMNS - 2)


def lines(screen: Screen) -> list[str]:
    """The text of each row, without the empty ones at the end; large digits are one line, of two texts with a gap.
    A bar is a row of its own, [####...|......], with | for its mark. What is no glyph is the character for that,
    U+FFFD."""
    rows = [_bar(page) or _row(page) for page in screen.pages]
    if any(UNKNOWN in rows[row] for row in _LARGE):
        large = [text for half in _HALVES if (text := _large(screen, half))]
        rows[_LARGE.start : _LARGE.stop] = ["   ".join(large)]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _bar(page: bytes) -> str:
    """The bar of a page, to a fourteenth of its length; "" where there is none."""
    if page[0] != _FILLED or page[-1] != _FILLED or not set(page) <= {_FILLED, _EMPTY, _MARK}:
        return ""
    cells = [page[at : at + _BAR_CELL] for at in range(1, WIDTH - 1, _BAR_CELL)]
    signs = ("|" if _MARK in cell else "#" if cell.count(_FILLED) > _BAR_CELL // 2 else "." for cell in cells)
    return f"[{''.join(signs)}]"


def _row(page: bytes) -> str:
    return "".join(_of_cell(page[at : at + _CELL]) for at in range(0, WIDTH, _CELL)).rstrip()


def _of_cell(cell: bytes) -> str:
    """A cell's character: a glyph with an empty column before it and two behind."""
    glyph = cell[1 : 1 + font.WIDTH]
    return _CHARACTERS.get(glyph, UNKNOWN) if sum(glyph) == sum(cell) else UNKNOWN


def _large(screen: Screen, half: int) -> str:
    """The large text that begins at a column."""
    found = []
    for wide in _WIDTHS:
        begins = range(half, half + WIDTH // 2 - wide * font.WIDTH + 1, wide * (font.WIDTH + 1))
        found.append("".join(_CHARACTERS.get(_shrunk(screen, at, wide), UNKNOWN) for at in begins).rstrip())
    return min(found, key=lambda text: text.count(UNKNOWN))


def _shrunk(screen: Screen, at: int, wide: int) -> bytes:
    """The columns of the glyph that was made four times as high and `wide` times as wide."""
    top, high = 8 * screens.LARGE_FROM, screens.LARGE_ROWS
    return bytes(
        sum(screen.lit(at + column * wide, top + bit * high) << bit for bit in range(8)) for column in range(font.WIDTH)
    )

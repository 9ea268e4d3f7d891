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
_PARTS = [screens.large_part(count) for count in (1, 2)]  # columns that large texts may have
_LARGE = range(screens.LARGE_FROM, screens.LARGE_FROM + screens.LARGE_ROWS)
_FILLED, _EMPTY, _MARK = 0x7E, 0x42, 0xFF  # columns of a bar
# Of a column of a page with large text, the first of each four pixels: bits 0 and 4, as bits 0 and 1.
_FIRSTS = bytes(column & 1 | column >> 3 & 2 for column in range(256))
_BAR_CELL = screens.BAR_COLUMNS // (texts.COLUMNS - 2)


def lines(screen: Screen) -> list[str]:
    """The text of each row, without the empty ones at the end; large text is one line, of two texts with a gap.
    What is no glyph is the character for that, U+FFFD."""
    found = rows(screen)
    if texts := large(screen):
        found[_LARGE.start : _LARGE.stop] = ["   ".join(texts)]
    while found and not found[-1]:
        found.pop()
    return found


def rows(screen: Screen) -> list[str]:
    """The text of each of the eight rows; of those with large text it is not known, U+FFFD. A bar is a row of its own,
    [####...|......], with | for its mark."""
    return [_bar(page) or _row(page) for page in screen.pages]


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


def large(screen: Screen) -> list[str]:
    """The large texts, one or two: as whichever of the two has fewer characters that are none. None where these rows
    are texts of their own."""
    if not any(UNKNOWN in _row(screen.pages[row]) for row in _LARGE):
        return []
    shrunk = _shrunk(screen)
    found = [[_large(shrunk[place * part : (place + 1) * part]) for place in range(WIDTH // part)] for part in _PARTS]
    best = min(found, key=lambda texts: "".join(texts).count(UNKNOWN))
    return [text for text in best if text]


def _large(shrunk: bytes) -> str:
    """The large text in these columns."""
    found = []
    for wide in screens.LARGE_WIDES:
        glyph = wide * font.WIDTH
        begins = range(0, len(shrunk) - glyph + 1, glyph + wide)
        found.append("".join(_CHARACTERS.get(shrunk[at : at + glyph : wide], UNKNOWN) for at in begins).rstrip())
    return min(found, key=lambda text: text.count(UNKNOWN))


def _shrunk(screen: Screen) -> bytes:
    """The rows of large text, which is four times as high as other text, as one page with that as high as other."""
    firsts = [screen.pages[row].translate(_FIRSTS) for row in _LARGE]
    return bytes(sum(two << 2 * at for at, two in enumerate(twos)) for twos in zip(*firsts, strict=True))

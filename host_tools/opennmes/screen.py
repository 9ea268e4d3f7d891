"""A picture of 128 by 64 pixels, as a small display shows it: as text, and for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH, HEIGHT = 128, 64
PAGES = HEIGHT // 8
DARK, LIT = ".", "#"
_HALVES = " ▀▄█"  # by the upper pixel and, twice as much, the lower one


@dataclass(frozen=True)
class Screen:
    """What is lit: 8 pages of 8 rows each, from the top down. A page has a byte for each column; its lowest bit is the
    upper row."""

    pages: tuple[bytes, ...] = (bytes(WIDTH),) * PAGES

    @classmethod
    def of_rows(cls, rows: Iterable[str]) -> Screen:
        """The screen that `text` shows as these rows. Raises ValueError for what is no such picture."""
        found = list(rows)
        if len(found) != HEIGHT or any(len(row) != WIDTH or set(row) - {DARK, LIT} for row in found):
            raise ValueError(f"a screen is {HEIGHT} rows of {WIDTH} characters, each {DARK!r} or {LIT!r}")
        return cls(
            tuple(
                bytes(sum((found[8 * page + bit][x] == LIT) << bit for bit in range(8)) for x in range(WIDTH))
                for page in range(PAGES)
            )
        )

    def lit(self, x: int, y: int) -> bool:
        """Whether the pixel in column `x` from the left and row `y` from the top is lit."""
        return bool(self.pages[y // 8][x] >> y % 8 & 1)

    def with_page(self, number: int, columns: bytes) -> Screen:
        """The same with another page. Raises ValueError for what is no page."""
        if not 0 <= number < PAGES or len(columns) != WIDTH:
            raise ValueError(f"page {number} of {len(columns)} bytes: a screen has pages 0 to {PAGES - 1} of {WIDTH}")
        return Screen((*self.pages[:number], bytes(columns), *self.pages[number + 1 :]))

    def text(self) -> str:
        """64 lines of 128 characters, `#` for what is lit and `.` for what is not."""
        return "\n".join("".join(LIT if self.lit(x, y) else DARK for x in range(WIDTH)) for y in range(HEIGHT))

    def half_blocks(self, scale: int = 1) -> list[str]:
        """32 * `scale` lines for a terminal, where a character is two pixels on top of each other."""
        rows = [[self.lit(x // scale, y // scale) for x in range(WIDTH * scale)] for y in range(HEIGHT * scale)]
        return [
            "".join(_HALVES[upper + 2 * lower] for upper, lower in zip(*pair, strict=True))
            for pair in zip(rows[::2], rows[1::2], strict=True)
        ]

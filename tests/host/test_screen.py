"""The picture of a small display: its text, and its half blocks for a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import screens
from opennmes.screen import HEIGHT, PAGES, WIDTH, Screen

PAGE = st.binary(min_size=WIDTH, max_size=WIDTH)
SCREENS = st.tuples(*[PAGE] * PAGES).map(Screen)
FIRMWARE = Path(__file__).parents[2] / "firmware" / "nmes"


def test_firmware_driver_and_emulated_display_agree_how_large_it_is() -> None:
    """Each stands in a room that may not read the others."""
    driver = (FIRMWARE / "hal" / "rp2" / "panel.py").read_text()
    pages, columns = (re.findall(rf"^{name} = const\((\d+)\)$", driver, re.M) for name in ("_PAGES", "_COLUMNS"))
    assert (screens.PIXELS, screens.ROWS) == (WIDTH, PAGES) == (*map(int, columns), *map(int, pages))


def test_the_lowest_bit_of_a_page_is_its_upper_row() -> None:
    screen = Screen().with_page(3, bytes([0b1000_0001, *bytes(126), 0b10]))
    lit = {(x, y) for x in range(WIDTH) for y in range(HEIGHT) if screen.lit(x, y)}
    assert lit == {(0, 24), (0, 31), (127, 25)}
    lines = screen.text().splitlines()
    assert [(len(lines), len(lines[0])), lines[24][:3], lines[25][-3:]] == [(64, 128), "#..", "..#"]
    blocks = screen.half_blocks()
    assert [(len(blocks), len(blocks[0])), blocks[12][0], blocks[12][-1], blocks[15][0]] == [(32, 128), "▀", "▄", "▄"]


@settings(max_examples=25)
@given(SCREENS)
def test_what_text_shows_is_read_back(screen: Screen) -> None:
    assert Screen.of_rows(screen.text().splitlines()) == screen


@settings(max_examples=10)
@given(SCREENS, st.integers(1, 3))
def test_half_blocks_show_each_pixel(screen: Screen, scale: int) -> None:
    lines = screen.half_blocks(scale)
    assert {len(line) for line in lines} == {WIDTH * scale} and len(lines) == HEIGHT * scale // 2
    for y in range(0, HEIGHT * scale, 7):
        for x in range(0, WIDTH * scale, 5):
            seen = lines[y // 2][x] in ("▄█" if y % 2 else "▀█")
            assert seen == screen.lit(x // scale, y // scale)


@pytest.mark.parametrize("rows", [[], ["#" * 128] * 63, ["#" * 127] * 64, ["#" * 127 + "x"] * 64])
def test_what_is_no_picture_is_refused(rows: list[str]) -> None:
    with pytest.raises(ValueError, match="64 rows of 128"):
        Screen.of_rows(rows)


@pytest.mark.parametrize(("number", "length"), [(-1, 128), (8, 128), (0, 127), (0, 129)])
def test_what_is_no_page_is_refused(number: int, length: int) -> None:
    with pytest.raises(ValueError, match="pages 0 to 7 of 128"):
        Screen().with_page(number, bytes(length))

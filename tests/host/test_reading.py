"""What a display shows, read back as text: whatever the firmware draws of a text is read as that text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import font, screens, texts
from nmes.display import Display
from opennmes.ports.reading import UNKNOWN, lines
from opennmes.screen import Screen

CHARACTERS = "".join(map(chr, range(32, 127))) + font.MORE
TEXT = st.text(CHARACTERS, max_size=texts.COLUMNS)
LARGE = st.sampled_from(["0", "7", "12", "100", "0.5", "12.5", "99.9", "99.95", "100.05", "12.345", "0.05"])


class Glass:
    """The part of a HAL that a display needs."""

    def __init__(self) -> None:
        self.screen = Screen()

    def open_display(self) -> bool:
        return True

    def display_page(self, page: int, pixels: bytes) -> bool:
        self.screen = self.screen.with_page(page, pixels)
        return True


def drawn(*shown: screens.Screen) -> Screen:
    """What is on the glass when the firmware has shown these one after the other."""
    glass = Glass()
    display = Display(glass)
    now_ms = 0
    for each in shown:
        display.show(each)
        for _ in range(screens.ROWS + 1):
            display.step(True, now_ms)
            now_ms += 10
    return glass.screen


def expected(rows: list[str]) -> list[str]:
    found = [row.rstrip() for row in rows]
    while found and not found[-1]:
        found.pop()
    return found


@settings(max_examples=50)
@given(st.lists(TEXT, min_size=8, max_size=8))
def test_every_text_is_read_as_it_was_written(rows: list[str]) -> None:
    assert lines(drawn(screens.Screen(rows))) == expected(rows)


@settings(max_examples=50)
@given(st.lists(TEXT, min_size=4, max_size=4), st.lists(LARGE, min_size=1, max_size=2), st.booleans())
def test_large_digits_are_read_too_whatever_was_there_before(rows: list[str], large: list[str], before: bool) -> None:
    top, *below = rows
    last = screens.Screen([top, "", "", "", "", *below], large)
    first = [screens.Screen(["never mind"] * 8)] if before else []
    assert lines(drawn(*first, last)) == expected([top, "   ".join(large), *below])


@pytest.mark.parametrize("large", ["Electrode?", "Elektrode?", "12.5", "123456789012345"])
def test_one_large_text_has_the_whole_width(large: str) -> None:
    assert lines(drawn(screens.Screen(["Fault 11", *[""] * 7], [large]))) == ["Fault 11", large]


def test_a_large_text_that_has_no_room_is_not_shown_at_all() -> None:
    assert lines(
        drawn(
            screens.Screen(
                ["Paused", *[""] * 7],
                [
                    "1234567890123456789012",
                ],
            )
        )
    ) == ["Paused"]
    assert lines(drawn(screens.Screen(["Paused", *[""] * 7], ["12345678901", "7"]))) == ["Paused", "7"]


def test_what_is_no_glyph_is_said_to_be_none() -> None:
    screen = drawn(screens.Screen(["Ready?", *[""] * 7]))
    assert lines(screen) == ["Ready?"]
    page = bytearray(screen.pages[0])
    page[0] = 1
    assert lines(screen.with_page(0, bytes(page))) == [f"{UNKNOWN}eady?"]


@pytest.mark.parametrize("character", CHARACTERS[1:])
def test_no_two_glyphs_are_the_same(character: str) -> None:
    assert lines(drawn(screens.Screen([character, *[""] * 7]))) == [character]


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        ((0, -1), "[..............]"),
        ((126, -1), "[##############]"),
        ((13, 63), "[#......|......]"),
        ((14, 63), "[##.....|......]"),
        ((126, 0), "[|#############]"),
    ],
)
def test_a_bar_is_read_and_goes_when_the_row_has_a_text_again(bar: tuple[int, int], said: str) -> None:
    empty = [""] * screens.ROWS
    shown = screens.Screen(empty, (), bar)
    assert lines(drawn(shown)) == [*empty[:-1], said]
    assert lines(drawn(shown, screens.Screen([*empty[:-1], "text"]))) == [*empty[:-1], "text"]
    assert lines(drawn(shown, screens.Screen(empty))) == []
    assert lines(drawn(screens.Screen([*empty[:-1], "text"]), shown)) == [*empty[:-1], said]

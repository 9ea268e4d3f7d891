"""The firmware's writer of the display, on the emulated chip: its bytes, decoded, are the pixels on each controller."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest

from nmes.core import buttons
from opennmes.emulator.oled import KINDS
from opennmes.emulator.repl import Repl
from opennmes.ports.emulator import EmulatedFace
from opennmes.ports.lamps import Lamps
from opennmes.screen import PAGES, WIDTH, Screen

BEGIN = """
import time
from board import BOARD
from nmes.hal.rp2.panel import Buttons, Display
facts = dict(BOARD["display"])
facts.update(CHANGED)
display = Display(facts)
def timed(action, *arguments):
    since = time.ticks_us()
    result = action(*arguments)
    return result, time.ticks_us() - since
"""
PAGE_MOST_US = 6_000
ASK_MOST_US = 1_000
OPEN_MOST_US = 60_000  # both as hal/contract.py has them


def begun(repl: Repl, board: dict[str, Any], kind: str = "ssd1306") -> EmulatedFace:
    face = EmulatedFace(repl.pico, board, kind=kind)
    changed = {"controller": kind, "offset": KINDS[kind].offset}
    repl.run(BEGIN.replace("CHANGED", repr(changed)))
    return face


def answer(repl: Repl, expression: str) -> Any:
    """What an expression comes to on the board."""
    return ast.literal_eval(repl.run(f"print({expression})"))


@pytest.mark.parametrize("kind", list(KINDS))
def test_pages_of_the_firmware_arrive_as_pixels(repl: Repl, board: dict[str, Any], kind: str) -> None:
    face = begun(repl, board, kind)
    shown, took_us = answer(repl, "timed(display.open_display)")
    assert shown and took_us < OPEN_MOST_US
    assert face.pixels() == Screen() and face.oled.controller.is_on, "blank, whatever its memory held"
    screen = Screen()
    for number in (3, 0, 7, 3, *range(PAGES)):
        page = random.Random(took_us + number).randbytes(WIDTH)
        shown, took_us = answer(repl, f"timed(display.display_page, {number}, bytearray({page!r}))")
        assert shown and took_us < PAGE_MOST_US
        screen = screen.with_page(number, page)
        assert face.pixels() == screen
    assert not face.oled.controller.complaints


def test_what_has_not_changed_is_not_sent_again(repl: Repl, board: dict[str, Any]) -> None:
    face = begun(repl, board)
    assert answer(repl, "display.open_display()")
    before = face.oled.controller.data_bytes
    page = bytes(WIDTH - 1) + b"\x01"
    assert answer(repl, f"display.display_page(5, bytearray({page!r}))")
    assert face.oled.controller.data_bytes == before + 16
    assert answer(repl, f"display.display_page(5, bytearray({page!r}))")
    assert face.oled.controller.data_bytes == before + 16
    assert face.pixels() == Screen().with_page(5, page)


@pytest.mark.parametrize("fault", ["answers", "holds"])
def test_a_display_that_fails_is_dropped_at_once_and_found_again(repl: Repl, board: dict[str, Any], fault: str) -> None:
    face = begun(repl, board)
    assert answer(repl, "display.open_display()")
    setattr(face.oled, fault, fault == "holds")
    shown, took_us = answer(repl, "timed(display.display_page, 0, bytearray(b'\\xff' * 128))")
    assert not shown and took_us < PAGE_MOST_US
    for _ in range(3):
        shown, took_us = answer(repl, "timed(display.display_page, 0, bytearray(b'\\xff' * 128))")
        assert not shown and took_us < 200, "one that was dropped costs nothing"
    assert not answer(repl, "display.open_display()")
    setattr(face.oled, fault, fault == "answers")
    assert answer(repl, "display.open_display()")
    assert answer(repl, "display.display_page(0, bytearray(b'\\xff' * 128))")
    assert face.pixels() == Screen().with_page(0, b"\xff" * WIDTH)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("fault", ["answers", "holds"])
def test_whether_it_answers_is_asked_of_the_bus_and_changes_nothing_that_is_seen(
    repl: Repl, board: dict[str, Any], kind: str, fault: str
) -> None:
    face = begun(repl, board, kind)
    assert answer(repl, "display.display_answers()") is False, "not opened yet"
    assert answer(repl, "display.open_display()")
    assert answer(repl, "display.display_page(2, bytearray(b'\x5a' * 128))")
    seen = face.pixels()
    answers, took_us = answer(repl, "timed(display.display_answers)")
    assert answers and took_us < ASK_MOST_US
    assert face.pixels() == seen and not face.oled.controller.complaints
    setattr(face.oled, fault, fault == "holds")
    answers, took_us = answer(repl, "timed(display.display_answers)")
    assert not answers and took_us < PAGE_MOST_US
    setattr(face.oled, fault, fault == "answers")
    assert answer(repl, "display.display_answers()") is False, "it may have been off, and blank"
    assert answer(repl, "display.open_display()") and answer(repl, "display.display_answers()")


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_that_lost_its_power_and_answers_as_before_shows_all_of_it_again(
    repl: Repl, board: dict[str, Any], kind: str
) -> None:
    face = begun(repl, board, kind)
    assert answer(repl, "display.open_display()")
    repl.run("page = bytearray(b'\\x5a' * 128)\nfor number in range(8): display.display_page(number, page)")
    seen = face.pixels()
    face.oled.cut_power()
    assert answer(repl, "[display.display_page(number, page) for number in range(8)]") == [True] * 8
    assert face.pixels() == Screen(), "it takes the pages, and is dark"
    answers, took_us = answer(repl, "timed(display.display_answers)")
    assert answers and took_us < ASK_MOST_US
    repl.run("for number in range(8): display.display_page(number, page)")
    assert face.pixels() == seen and not face.oled.controller.complaints
    before = face.oled.controller.data_bytes
    repl.run("for number in range(8): display.display_page(number, page)")
    assert face.oled.controller.data_bytes == before, "once"


def test_a_display_that_is_not_there_is_said_within_its_time(repl: Repl, board: dict[str, Any]) -> None:
    face = begun(repl, board)
    face.oled.answers = False
    shown, took_us = answer(repl, "timed(display.open_display)")
    assert not shown and took_us < OPEN_MOST_US


PIXELS = bytes([0x81] + [0] * 63 + [0xFF] + [0] * 63)


def test_an_sh1106_that_the_board_calls_an_ssd1306_is_two_columns_off_and_can_be_read(
    repl: Repl, board: dict[str, Any]
) -> None:
    begun(repl, board)
    face = EmulatedFace(repl.pico, board, kind="sh1106")
    assert answer(repl, "display.open_display()")
    assert set(face.oled.controller.complaints) == {"unknown command 0x20", "unknown command 0x8d"}
    assert answer(repl, f"display.display_page(4, bytearray({PIXELS!r}))")
    assert face.pixels().pages[4][62] == 0xFF and face.pixels().pages[3] != PIXELS, "the glass begins at column 2"


def test_an_ssd1306_that_the_board_calls_an_sh1106_answers_and_stays_dark(repl: Repl, board: dict[str, Any]) -> None:
    # Nothing on the bus tells it apart; docs/panel.md says that somebody has to look.
    begun(repl, board, "sh1106")
    face = EmulatedFace(repl.pico, board, kind="ssd1306")
    assert answer(repl, "display.open_display()") and answer(repl, "display.display_answers()")
    assert answer(repl, f"display.display_page(4, bytearray({PIXELS!r}))")
    assert face.pixels() == Screen() and face.oled.controller.complaints["unknown command 0xad"] == 1


def test_buttons_are_read_by_their_names(repl: Repl, board: dict[str, Any]) -> None:
    face = begun(repl, board)
    repl.run("buttons = Buttons(BOARD['pins']['panel'])")
    for mask in (0, buttons.START, buttons.UP | buttons.DOWN, buttons.STOP, buttons.PROGRAMME, buttons.ALL, 0):
        face.press(mask)
        assert answer(repl, "buttons.buttons()") == mask


def test_lamps_are_what_the_pins_say(repl: Repl, board: dict[str, Any]) -> None:
    face = begun(repl, board)
    assert face.lamps() == Lamps()
    repl.run("from machine import Pin\nfor name in ('ready', 'buzzer'): Pin(BOARD['pins'][name], Pin.OUT, value=1)")
    assert face.lamps() == Lamps(ready=True, buzzer=True)

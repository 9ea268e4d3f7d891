"""The emulated display's controllers, against bytes made by hand from their datasheets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opennmes.emulator.oled import KINDS, Controller
from opennmes.screen import PAGES, WIDTH, Screen

COMMANDS, DATA, ONE_COMMAND, ONE_DATA = 0x00, 0x40, 0x80, 0xC0
UPRIGHT = [0xA1, 0xC8]
ON = {"ssd1306": [*UPRIGHT, 0x8D, 0x14, 0xAF], "sh1106": [*UPRIGHT, 0xAF]}
COLUMNS = st.binary(min_size=WIDTH, max_size=WIDTH)
BOTH = pytest.mark.parametrize("kind", list(KINDS))


def send(controller: Controller, *data: int | Iterable[int]) -> None:
    """One transmission."""
    controller.begin()
    for part in data:
        for value in (part,) if isinstance(part, int) else part:
            controller.take(value)


def lit_controller(kind: str) -> Controller:
    """One that has been switched on, with an empty memory."""
    controller = Controller(kind)
    send(controller, COMMANDS, ON[kind])
    for page in range(PAGES):
        write_page(controller, page, bytes(WIDTH))
    return controller


def write_page(controller: Controller, page: int, columns: bytes) -> None:
    offset = controller.kind.offset
    send(controller, COMMANDS, 0xB0 | page, 0x00 | offset, 0x10)
    send(controller, DATA, columns)


@BOTH
@settings(max_examples=25)
@given(page=st.integers(0, 7), columns=COLUMNS)
def test_a_page_that_is_written_is_seen_and_no_other(kind: str, page: int, columns: bytes) -> None:
    controller = lit_controller(kind)
    write_page(controller, page, columns)
    assert controller.screen() == Screen().with_page(page, columns)
    assert not controller.complaints


@BOTH
@settings(max_examples=25)
@given(columns=COLUMNS, cuts=st.sets(st.integers(1, WIDTH - 1), max_size=6), singly=st.booleans())
def test_a_page_may_come_in_pieces(kind: str, columns: bytes, cuts: set[int], singly: bool) -> None:
    controller = lit_controller(kind)
    send(controller, ONE_COMMAND, 0xB2, ONE_COMMAND, 0x10, ONE_COMMAND, controller.kind.offset)
    ends = [0, *sorted(cuts), WIDTH]
    for begin, end in itertools.pairwise(ends):
        if singly:
            send(controller, [byte for value in columns[begin:end] for byte in (ONE_DATA, value)])
        else:
            send(controller, DATA, columns[begin:end])
    assert controller.screen() == Screen().with_page(2, columns)
    assert not controller.complaints


def test_command_and_data_may_share_a_transmission() -> None:
    controller = lit_controller("ssd1306")
    send(controller, ONE_COMMAND, 0xB7, ONE_COMMAND, 0x00, ONE_COMMAND, 0x10, DATA, [0xFF] * WIDTH)
    assert controller.screen() == Screen().with_page(7, b"\xff" * WIDTH)


@BOTH
def test_arguments_may_come_in_a_transmission_of_their_own(kind: str) -> None:
    controller = lit_controller(kind)
    send(controller, ONE_COMMAND, 0x81)
    send(controller, ONE_COMMAND, 0x22)
    assert (controller.contrast, controller.complaints) == (0x22, {})


@BOTH
def test_the_column_is_in_two_halves(kind: str) -> None:
    controller = lit_controller(kind)
    column = 0x5A + controller.kind.offset
    send(controller, COMMANDS, 0xB0, column & 0x0F, 0x10 | column >> 4)
    send(controller, DATA, 1)
    assert controller.screen().lit(0x5A, 0)


def test_an_sh1106_that_is_written_like_an_ssd1306_is_two_columns_off() -> None:
    controller = lit_controller("sh1106")
    send(controller, COMMANDS, 0xB0, 0x00, 0x10)
    send(controller, DATA, range(1, WIDTH + 1))
    assert controller.screen().pages[0] == bytes([*range(3, WIDTH + 1), 0, 0])


def test_horizontal_addressing_goes_on_to_the_next_page_and_then_to_the_first() -> None:
    controller = lit_controller("ssd1306")
    send(controller, COMMANDS, 0x20, 0x00, 0x21, 0, 127, 0x22, 0, 7)
    picture = [bytes([page + 1] * WIDTH) for page in range(PAGES)]
    send(controller, DATA, *picture)
    assert controller.screen().pages == tuple(picture)
    send(controller, DATA, 0xFF)
    assert controller.screen().lit(0, 7) and not controller.complaints


def test_horizontal_addressing_stays_in_its_window() -> None:
    controller = lit_controller("ssd1306")
    send(controller, COMMANDS, 0x20, 0x00, 0x21, 10, 11, 0x22, 3, 4)
    send(controller, DATA, 1, 2, 3, 4, 5)
    pages = controller.screen().pages
    assert (pages[3][9:13], pages[4][9:13]) == (bytes([0, 5, 2, 0]), bytes([0, 3, 4, 0]))


def test_vertical_addressing_goes_down_first() -> None:
    controller = lit_controller("ssd1306")
    send(controller, COMMANDS, 0x20, 0x01, 0x21, 126, 127, 0x22, 6, 7)
    send(controller, DATA, 1, 2, 3, 4)
    pages = controller.screen().pages
    assert (pages[6][126:], pages[7][126:]) == (bytes([1, 3]), bytes([2, 4]))


@pytest.mark.parametrize(
    ("kind", "unknown"),
    [("ssd1306", 0xAD), ("ssd1306", 0x30), ("ssd1306", 0xFF), ("sh1106", 0x8D), ("sh1106", 0x20), ("sh1106", 0x2F)],
)
def test_an_unknown_command_is_named_and_counted(kind: str, unknown: int) -> None:
    controller = lit_controller(kind)
    before = controller.commands
    send(controller, COMMANDS, unknown, unknown)
    assert controller.complaints == {f"unknown command 0x{unknown:02x}": 2}
    assert controller.commands == before


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([COMMANDS, 0x81, DATA], ""),
        ([0x41], "control byte 0x41"),
        ([COMMANDS, 0x20, 0x03], "addressing mode 0x03"),
        ([COMMANDS, 0x21, 0, 127], "window 0x21 of 0 to 127 with page addressing"),
        ([COMMANDS, 0x20, 0x00, 0x22, 5, 2], "window 0x22 of 5 to 2 with horizontal addressing"),
        ([COMMANDS, 0x20, 0x00, 0x21, 0, 128], "window 0x21 of 0 to 128"),
        ([COMMANDS, 0x20, 0x00, 0xB3], "command 0xb3 with horizontal addressing"),
        ([COMMANDS, 0x20, 0x01, 0x03], "command 0x03 with vertical addressing"),
        ([COMMANDS, 0xA8, 0x1F], "only 32 rows are driven"),
        ([COMMANDS, 0xDA, 0x02], "COM pins 0x02"),
        ([COMMANDS, 0x8D, 0x10, 0xAF], "it stays dark"),
        ([COMMANDS, 0x2F], "scrolling"),
    ],
)
def test_what_leads_to_a_wrong_picture_is_named(sent: list[int], words: str) -> None:
    controller = lit_controller("ssd1306")
    send(controller, sent)
    assert ([words in each for each in controller.complaints] == [True]) if words else not controller.complaints


@BOTH
def test_data_in_the_place_of_an_argument_is_named(kind: str) -> None:
    controller = lit_controller(kind)
    send(controller, COMMANDS, 0x00, 0x10, 0x81)
    send(controller, DATA, 0)
    assert list(controller.complaints) == ["command 0x81 without all of its arguments"]


@pytest.mark.parametrize(("kind", "first"), [("ssd1306", 9), ("sh1106", 1)])
def test_data_behind_the_last_column_is_named(kind: str, first: int) -> None:
    controller = lit_controller(kind)
    write_page(controller, 0, b"\x01" * WIDTH)
    assert not controller.complaints
    send(controller, DATA, [9] * 3)
    assert controller.complaints == {"data behind the last column": 3 if kind == "ssd1306" else 1}
    assert controller.screen().pages[0][0] == first


def test_a_column_that_is_not_there_is_named() -> None:
    controller = lit_controller("sh1106")
    send(controller, COMMANDS, 0x04, 0x18)
    assert not controller.complaints
    send(controller, DATA, 1)
    assert controller.complaints == {"data behind the last column": 1}
    assert controller.screen() == Screen()


@BOTH
def test_what_is_switched_off_or_was_never_switched_on_is_dark(kind: str) -> None:
    controller = Controller(kind)
    assert (controller.screen(), controller.status()) == (Screen(), 0x40)
    send(controller, COMMANDS, ON[kind])
    assert controller.status() == 0
    assert sum(page.count(0) for page in controller.screen().pages) < 64, "noise, until something is written"
    send(controller, COMMANDS, 0xAE)
    assert (controller.screen(), controller.status()) == (Screen(), 0x40)


def test_a_charge_pump_or_a_converter_that_is_off_leaves_it_dark() -> None:
    for kind, off, on in (("ssd1306", [0x8D, 0x10], [0x8D, 0x14]), ("sh1106", [0xAD, 0x8A], [0xAD, 0x8B])):
        controller = lit_controller(kind)
        write_page(controller, 0, b"\xff" * WIDTH)
        send(controller, COMMANDS, off)
        assert controller.screen() == Screen()
        send(controller, COMMANDS, on)
        assert controller.screen() != Screen()


@BOTH
def test_inverse_and_all_lit(kind: str) -> None:
    controller = lit_controller(kind)
    write_page(controller, 1, b"\x0f" * WIDTH)
    send(controller, COMMANDS, 0xA7)
    assert controller.is_inverse
    assert controller.screen().pages[:3] == (b"\xff" * WIDTH, b"\xf0" * WIDTH, b"\xff" * WIDTH)
    send(controller, COMMANDS, 0xA6)
    assert controller.screen().pages[:2] == (bytes(WIDTH), b"\x0f" * WIDTH)
    send(controller, COMMANDS, 0xA5)
    assert set(controller.screen().pages) == {b"\xff" * WIDTH}


@BOTH
def test_without_being_turned_it_stands_on_its_head(kind: str) -> None:
    controller = Controller(kind)
    send(controller, COMMANDS, [each for each in ON[kind] if each not in UPRIGHT], 0xA0, 0xC0)
    for page in range(PAGES):
        write_page(controller, page, bytes(WIDTH))
    write_page(controller, 0, bytes([1, *bytes(WIDTH - 1)]))
    assert controller.screen().lit(127, 63)


def test_start_line_shift_and_rows() -> None:
    controller = lit_controller("ssd1306")
    write_page(controller, 1, b"\x01" * WIDTH)
    send(controller, COMMANDS, 0x40 | 5)
    assert controller.screen().lit(0, 3)
    send(controller, COMMANDS, 0x40, 0xD3, 8)
    assert controller.screen().lit(0, 0)
    send(controller, COMMANDS, 0xD3, 0, 0xA5, 0xA8, 31)
    assert [controller.screen().lit(0, y) for y in (0, 31, 32, 63)] == [True, True, False, False]

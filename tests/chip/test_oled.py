"""A display and buttons on the emulated chip, through MicroPython's own machine.I2C and Pin."""

from __future__ import annotations

import ast
import random

import pytest

from opennmes.emulator.buttons import BOUNCE_EDGES, Buttons
from opennmes.emulator.oled import KINDS, Oled
from opennmes.emulator.repl import Repl
from opennmes.screen import PAGES, WIDTH, Screen

BUTTONS = (17, 18, 19, 20, 21)
BEGIN = """
import machine, time
i2c = machine.I2C(0, sda=machine.Pin(0), scl=machine.Pin(1), freq=400000, timeout=5000)
def sent(data):
    since = time.ticks_us()
    try:
        i2c.writeto(0x3c, data)
        error = 0
    except OSError as failed:
        error = failed.errno
    return error, time.ticks_us() - since
def page(number, column, columns):
    commands = sent(bytes((0x00, 0xb0 | number, column & 15, 0x10 | column >> 4)))
    return commands[0], sent(b"\\x40" + columns)
"""
ON = {"ssd1306": "00a1c88d14af", "sh1106": "00a1c8af"}
EIO, ETIMEDOUT = 5, 110


def answer(repl: Repl, expression: str) -> object:
    """What an expression comes to on the board."""
    return ast.literal_eval(repl.run(f"print({expression})"))


@pytest.mark.parametrize("kind", list(KINDS))
def test_pages_arrive_through_machine_i2c_as_pixels_and_take_the_time_of_their_bits(repl: Repl, kind: str) -> None:
    oled = Oled(repl.pico, kind)
    repl.run(BEGIN)
    assert answer(repl, f"sent(bytes.fromhex('{ON[kind]}'))[0]") == 0
    pages = [random.Random(number).randbytes(WIDTH) for number in range(PAGES)]
    for number, columns in enumerate(pages):
        error, (failed, took_us) = answer(repl, f"page({number}, {oled.controller.kind.offset}, {columns!r})")  # type: ignore[misc]
        assert (error, failed) == (0, 0)
        # 130 bytes of 9 bits at 400 kHz are 2.9 ms; the block makes each bit some cycles longer.
        assert 2_925 <= took_us <= 3_300
    assert oled.seen == Screen(tuple(pages))
    assert not oled.controller.complaints
    begin, end = oled.transmissions[-1]
    assert 2_925_000 <= end - begin <= 3_200_000
    assert answer(repl, "i2c.readfrom(0x3c, 1)") == b"\x00"


@pytest.mark.parametrize("address", [0x3C, 0x3D])
def test_without_an_answer_it_is_an_error_at_once(repl: Repl, address: int) -> None:
    oled = Oled(repl.pico, address=0x3C)
    oled.answers = address != 0x3C
    repl.run(BEGIN.replace("0x3c", hex(address)))
    error, took_us = answer(repl, "sent(b'\\x00\\xae')")  # type: ignore[misc]
    assert error == EIO and took_us < 200
    assert oled.controller.commands == 0
    oled.answers = True
    repl.run(BEGIN)
    assert answer(repl, "sent(b'\\x00\\xae')[0]") == 0
    assert oled.controller.commands == 1


def test_without_a_display_on_the_bus_it_is_an_error_at_once(repl: Repl) -> None:
    repl.run(BEGIN)
    error, took_us = answer(repl, "sent(b'\\x00\\xae')")  # type: ignore[misc]
    assert error == EIO and took_us < 200


def test_a_bus_that_hangs_is_given_up_each_time_and_works_again_once_it_is_let_go(repl: Repl) -> None:
    oled = Oled(repl.pico)
    repl.run(BEGIN)
    assert answer(repl, f"sent(bytes.fromhex('{ON['ssd1306']}'))[0]") == 0
    oled.holds = True
    for _ in range(3):
        error, took_us = answer(repl, "sent(b'\\x40' * 129)")  # type: ignore[misc]
        assert error == ETIMEDOUT and 5_000 <= took_us < 5_500
    oled.holds = False
    for number in range(PAGES):
        assert answer(repl, f"page({number}, 0, bytes([{number + 1}] * 128))[0]") == 0
    assert oled.seen.pages == tuple(bytes([number + 1] * WIDTH) for number in range(PAGES))


def test_a_bus_that_hangs_in_the_middle_of_a_page_is_given_up_too(repl: Repl) -> None:
    oled = Oled(repl.pico)
    repl.run(BEGIN)
    assert answer(repl, f"sent(bytes.fromhex('{ON['ssd1306']}'))[0]") == 0
    before = oled.controller.data_bytes
    repl.start("time.sleep_ms(5)\nprint(page(0, 0, bytes([9] * 128)))")
    assert repl.pico.run_until(lambda: oled.controller.data_bytes >= before + 50, 100_000_000)
    oled.holds = True
    error, (failed, took_us) = ast.literal_eval(repl.finish())
    assert (error, failed) == (0, ETIMEDOUT) and took_us < 7_000
    oled.holds = False
    assert answer(repl, "page(0, 0, bytes(range(128)))[1][0]") == 0
    assert oled.seen.pages[0] == bytes(range(WIDTH))


def test_a_reset_of_the_chip_leaves_the_picture_and_the_bus_works_afterwards(repl: Repl) -> None:
    oled = Oled(repl.pico)
    repl.run(BEGIN)
    assert answer(repl, f"sent(bytes.fromhex('{ON['ssd1306']}'))[0]") == 0
    assert answer(repl, "page(3, 0, bytes(range(128)))[0]") == 0
    oled.holds = True
    repl.start("sent(b'\\x40' * 129)")
    repl.pico.run_for(2_000_000)
    repl.pico.hard_reset()
    oled.holds = False
    repl.pico.boot()
    assert oled.seen.pages[3] == bytes(range(WIDTH))
    repl.run(BEGIN)
    assert answer(repl, "page(4, 0, bytes(range(128)))[1][0]") == 0
    assert oled.seen.pages[4] == bytes(range(WIDTH))


PINS = f"""
import machine, time
pins = [machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in {BUTTONS}]
"""
WATCH = """
def watch():
    seen, last = [], 1
    since = time.ticks_us()
    while time.ticks_us() - since < 20000:
        now = pins[1]()
        if now != last:
            last = now
            seen.append(time.ticks_us() - since)
    print(seen)
"""


@pytest.mark.parametrize("mask", [0, 1, 0b10010, 0b11111])
def test_a_button_that_is_pressed_reads_low_and_the_others_what_the_pull_up_says(repl: Repl, mask: int) -> None:
    buttons = Buttons(repl.pico, BUTTONS)
    repl.run(PINS)
    buttons.press(mask)
    assert answer(repl, "[pin() for pin in pins]") == [0 if mask >> index & 1 else 1 for index in range(5)]
    buttons.press(0)
    assert answer(repl, "[pin() for pin in pins]") == [1] * 5


def test_a_button_that_nobody_pulls_up_reads_as_pressed(repl: Repl) -> None:
    Buttons(repl.pico, BUTTONS)
    repl.run("import machine\npin = machine.Pin(18, machine.Pin.IN, None)")
    assert answer(repl, "pin()") == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_contact_bounces_for_some_milliseconds_and_ends_pressed(repl: Repl, seed: int) -> None:
    buttons = Buttons(repl.pico, BUTTONS, bounce_ms=5, seed=seed)
    repl.run(PINS + WATCH)
    repl.start("watch()")
    repl.pico.run_for(5_000_000)
    buttons.press(0b10)
    edges = ast.literal_eval(repl.finish())
    # The last of an odd number of edges leaves it pressed.
    assert len(edges) % 2 == 1 and 1 < len(edges) <= 1 + BOUNCE_EDGES
    assert edges[-1] - edges[0] <= 5_000
    assert answer(repl, "pins[1]()") == 0


@pytest.mark.parametrize("mask", [-1, 1 << 5])
def test_a_button_that_is_not_there_cannot_be_pressed(repl: Repl, mask: int) -> None:
    with pytest.raises(ValueError, match="there are 5"):
        Buttons(repl.pico, BUTTONS).press(mask)

"""nmes panel without a terminal: what is on the screen, and which key presses what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from nmes.core import buttons
from opennmes.cli.panel_words import COLUMNS, HOLD_S, LINES, Sensor, lamps_in_words
from opennmes.ports.errors import PortError
from opennmes.ports.face import CLICK_S, SWITCH
from opennmes.ports.lamps import Lamps
from opennmes.ports.pace import Pace, Seen
from opennmes.screen import Screen

if TYPE_CHECKING:  # imported where it is used, for the reason that pictures.py gives
    from textual.pilot import Pilot

    from opennmes.cli.panel_app import PanelApp

PICTURE = Screen().with_page(0, b"\x03" * 128).with_page(7, b"\x80" * 128)


class Still(Pace):
    """A pace that does not move: what is seen is what a test says."""

    def __init__(self) -> None:
        self.presses: list[tuple[int, float]] = []
        self.signals: list[int | None] = []
        self.seen = Seen(PICTURE, Lamps(ready=True), 0, 1.25)
        self.failure = None
        self.fast: float | None = 1.0
        self.begun = False

    def begin(self) -> None:
        self.begun = True

    @property
    def speed(self) -> float | None:
        return self.fast

    def press(self, mask: int, seconds: float) -> None:
        self.presses.append((mask, seconds))

    def signal(self, mv: int | None) -> None:
        self.signals.append(mv)


def shown(app: PanelApp, part: str) -> str:
    from textual.widgets import Static

    return str(app.query_one(f"#{part}", Static).content)


def at(
    size: tuple[int, int],
    body: Callable[[PanelApp, Still, Pilot[None]], Awaitable[None]],
    name: str = "the board",
    sensor: Sensor | None = None,
) -> tuple[PanelApp, Still]:
    """Run `body` with the panel on a terminal of that size."""
    from opennmes.cli.panel_app import PanelApp

    pace = Still()
    app = PanelApp(pace, name, sensor)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await body(app, pace, pilot)

    asyncio.run(run())
    return app, pace


def test_all_of_it_is_there_and_fits_the_smallest_terminal() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        app.look()
        await pilot.pause()
        assert pace.begun
        assert shown(app, "head") == "the board, 1.2 s since power-on, in real time"
        assert shown(app, "pixels").splitlines() == PICTURE.half_blocks()
        assert shown(app, "lamps") == lamps_in_words(Lamps(ready=True))
        assert shown(app, "pressed") == "buttons pressed: none"
        inside = app.screen.region
        for part in ("head", "pixels", "lamps", "pressed", "keys"):
            region = app.query_one(f"#{part}").region
            assert region.height > 0 and inside.contains_region(region), part
        assert app.query_one("#pixels").region.size == (COLUMNS, 34)

    at((COLUMNS, LINES), body)


def test_a_terminal_of_twice_the_size_gets_larger_pixels() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        app.look()
        assert shown(app, "pixels").splitlines() == PICTURE.half_blocks(2)

    at((260, 72), body)


@pytest.mark.parametrize("size", [(COLUMNS - 1, LINES), (COLUMNS, LINES - 1)])
def test_one_that_became_too_small_is_told(size: tuple[int, int]) -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        app.look()
        assert shown(app, "pixels") == f"{size[0]}x{size[1]}: too small, make it 130x40; q: quit"

    at(size, body)


@pytest.mark.parametrize(
    ("key", "press"),
    [
        ("space", (buttons.START, CLICK_S)),
        ("h", (buttons.START, HOLD_S)),
        ("up", (buttons.UP, CLICK_S)),
        ("down", (buttons.DOWN, CLICK_S)),
        ("s", (buttons.STOP, CLICK_S)),
        ("p", (buttons.PROGRAMME, CLICK_S)),
        ("x", None),
        ("enter", None),
    ],
)
def test_a_key_presses_its_button_and_no_other_does(key: str, press: tuple[int, float] | None) -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        await pilot.press(key)

    assert at((COLUMNS, LINES), body)[1].presses == ([press] if press else [])


def test_keys_move_the_sensor_and_press_the_hand_switch_where_there_is_an_input() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        assert pace.signals == [100], "it is there from the begin"
        await pilot.press("right", "right", "left", "t", "right", "t", "o", "o", "o", "right", "left", "left", "w")
        pace.seen = Seen(PICTURE, Lamps(), SWITCH | buttons.UP, 2.0)
        app.look()
        assert shown(app, "pressed") == "buttons pressed: up and hand switch     signal: 0 mV"
        await pilot.press("o", "o")
        app.look()
        assert shown(app, "pressed").endswith("     signal: 100 mV")
        await pilot.press("o")
        app.look()
        assert shown(app, "pressed").endswith("     sensor: off")
        inside = app.screen.region
        for part in ("head", "pixels", "lamps", "pressed", "keys"):
            region = app.query_one(f"#{part}").region
            assert region.height > 0 and inside.contains_region(region), part

    _, pace = at((COLUMNS, LINES), body, sensor=Sensor())
    signals = [100, 200, 300, 200, 900, 1000, 100, None, 100, None, 100, 0, 0, None, 100, None]
    assert pace.signals == signals and pace.presses == [(SWITCH, CLICK_S)]


def test_without_an_input_those_keys_do_nothing() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        await pilot.press("right", "t", "o", "w")
        app.look()
        assert "signal" not in shown(app, "pressed") and "signal" not in shown(app, "keys")

    _, pace = at((COLUMNS, LINES), body)
    assert (pace.signals, pace.presses) == ([], [])


def test_the_hold_is_long_enough_to_begin_a_session_and_a_click_to_be_seen_and_never_one() -> None:
    assert 1000 * HOLD_S > buttons.HOLD_MS + 100
    assert 10 * buttons.SAMPLES < 1000 * CLICK_S < buttons.REPEAT_AFTER_MS


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_it_ends_when_asked_to(key: str) -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running

    at((COLUMNS, LINES), body)


def test_it_ends_when_the_board_has_died() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        pace.failure = PortError("gone")
        app.look()
        await pilot.pause()
        assert not app.is_running

    at((COLUMNS, LINES), body)


def test_every_lamp_is_words_and_what_is_pressed_too() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        pace.seen = Seen(Screen(), Lamps(True, True, True, True), buttons.START | buttons.STOP, 3.0)
        pace.fast = 0.04
        app.look()
        assert shown(app, "pressed") == "buttons pressed: start and stop"
        assert shown(app, "head").endswith("3.0 s since power-on, 25 times slower than real")
        for words in ("output lamp: ON", "ready lamp: ON", "fault lamp: ON", "buzzer: SOUNDS"):
            assert words in shown(app, "lamps")

    at((COLUMNS, LINES), body)
    assert lamps_in_words(Lamps()).count("off") == 3 and "silent" in lamps_in_words(Lamps())


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        (None, "starting"), (20.0, "in real time"), (0.9, "in real time"), (0.8, "1.2 times slower than real"),
        (1 / 123, "123 times slower than real"), (0.0, "stands still"),
    ],
)  # fmt: skip
def test_how_fast_its_time_passes_is_said(speed: float | None, words: str) -> None:
    from opennmes.cli.panel_app import speed_in_words

    assert speed_in_words(speed) == words


def test_that_its_time_stands_still_is_said_while_nothing_new_is_seen() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        app.look()
        assert shown(app, "head").endswith("in real time")
        pace.fast = 0.01
        app.look()
        assert shown(app, "head").endswith("100 times slower than real")

    at((COLUMNS, LINES), body)


def test_a_bug_in_what_lets_time_pass_ends_it_and_is_no_still_picture() -> None:
    async def body(app: PanelApp, pace: Still, pilot: Pilot[None]) -> None:
        pace.failure = ZeroDivisionError("a bug")
        app.look()
        await pilot.pause()
        assert not app.is_running

    at((COLUMNS, LINES), body)

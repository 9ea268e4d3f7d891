"""nmes panel --text: words in, words out."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable
from pathlib import Path

import processes
import pytest
import terminals
from test_reading import drawn

from nmes.core import buttons
from nmes.core.screens import Screen as Rows
from opennmes.cli.panel_text import TextPanel, lines_of
from opennmes.cli.panel_words import HOLD_S, PRESSES
from opennmes.ports.face import CLICK_S
from opennmes.ports.lamps import Lamps
from opennmes.screen import Screen


def screen(*rows: str) -> Screen:
    return drawn(Rows([*rows, *[""] * (8 - len(rows))]))


def at_intensity(*large: str, left: int = 9) -> Screen:
    return drawn(Rows(["Stress", *[""] * 4, "mA", "Work 3 s", f"{left} s left"], large))


class Scripted:
    """A face whose display is what `shows` says at that time; notes when it was pressed."""

    def __init__(self, shows: Callable[[float], Screen]) -> None:
        self._shows = shows
        self._ticks = 0
        self.presses: list[tuple[float, int]] = []

    def pixels(self) -> Screen:
        return self._shows(self.now_s())

    def lamps(self) -> Lamps:
        return Lamps(ready=True)

    def press(self, mask: int) -> None:
        self.presses.append((self.now_s(), mask))

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self._ticks += round(seconds * 1000)

    def now_s(self) -> float:
        return self._ticks / 1000

    def close(self) -> None: ...


def said(face: Scripted, *typed: str | None) -> list[str]:
    """What is said when these lines are typed, without what is said first and the lamps."""
    heard: list[str] = []
    come = iter([*typed, "quit"])
    TextPanel(face, heard.append, face.now_s, lambda seconds: None).run(lambda: next(come))
    return [line for line in heard[1:] if line and "lamp:" not in line]


def test_what_is_shown_is_said_once_it_has_settled_and_again_when_its_words_change() -> None:
    first, half, second = screen("Ready", "hold start:"), screen("Ready", "Work"), screen("Work", "3 s")
    face = Scripted(lambda now_s: first if now_s < 2 else half if now_s < 2.1 else second)
    assert said(face, "wait 5") == ["Ready", "hold start:", "Work", "3 s"]


def test_no_button_is_pressed_before_the_device_has_shown_something() -> None:
    # One that is pressed when the power comes is a button that is stuck.
    face = Scripted(lambda now_s: Screen() if now_s < 1 else screen("Ready"))
    assert said(face, "start")[0] == "Ready"
    assert face.presses[0][0] >= 1.4


def test_a_device_that_shows_nothing_is_pressed_all_the_same() -> None:
    face = Scripted(lambda now_s: Screen())
    said(face, "stop")
    assert face.presses[0][0] == pytest.approx(5, abs=0.1)


def test_numbers_that_change_are_not_said_until_somebody_asks() -> None:
    face = Scripted(lambda now_s: screen("Work", f"{9 - int(now_s)} s left"))
    assert said(face, "wait 2.5", "", "wait 2") == ["Work", "9 s left", "Work", "7 s left"]


def test_an_intensity_that_changes_is_said_by_itself_and_the_time_that_is_left_is_not() -> None:
    # A person who raises it and cannot see the display has to hear what it is.
    face = Scripted(lambda now_s: at_intensity("2" if now_s > 2 else "0", left=9 - int(now_s)))
    assert said(face, "wait 5") == ["Stress", "0", "mA", "Work 3 s", "9 s left", "2 mA"]
    face = Scripted(lambda now_s: at_intensity("8", "3" if now_s > 2 else "2.5"))
    assert said(face, "wait 5")[-1] == "8 and 3 mA"


@pytest.mark.parametrize("word", list(PRESSES))
def test_a_word_presses_its_button_for_its_time(word: str) -> None:
    face = Scripted(lambda now_s: screen("Ready"))
    said(face, word)
    (pressed_s, mask), (released_s, nothing) = face.presses
    assert (mask, nothing) == (PRESSES[word][0], 0)
    assert released_s - pressed_s == pytest.approx(PRESSES[word][1], abs=0.05)


def test_the_hold_is_long_enough_to_begin_a_session_and_no_other_press_is() -> None:
    assert PRESSES["hold"] == (buttons.START, HOLD_S) and 1000 * HOLD_S > buttons.HOLD_MS + 100
    assert {seconds for word, (_, seconds) in PRESSES.items() if word != "hold"} == {CLICK_S}
    assert 10 * buttons.SAMPLES < 1000 * CLICK_S < buttons.REPEAT_AFTER_MS


@pytest.mark.parametrize("typed", ["upp", "wait", "wait -1", "wait x", "wait 1e9", "down up"])
def test_what_is_no_word_presses_nothing_and_says_which_there_are(typed: str) -> None:
    face = Scripted(lambda now_s: Screen())
    (line,) = said(face, typed)
    assert (
        line.startswith(f"{typed!r} is none of the words: start, hold, up, down, stop, programme") and not face.presses
    )


def test_time_goes_on_while_nobody_types() -> None:
    face = Scripted(lambda now_s: Screen())
    said(face, *[None] * 40)
    assert face.now_s() == pytest.approx(2.0)


def test_it_waits_for_the_clock_on_the_wall() -> None:
    face = Scripted(lambda now_s: Screen())
    waited: list[float] = []
    come = iter(["wait 3", "quit"])
    TextPanel(face, lambda line: None, lambda: sum(waited), waited.append).run(lambda: next(come))
    assert sum(waited) == pytest.approx(3.0)


def test_after_a_long_stop_of_the_computer_the_session_does_not_race_to_catch_up() -> None:
    face = Scripted(lambda now_s: Screen())
    waited: list[float] = []

    def clock() -> float:
        return sum(waited) + (60.0 if face.now_s() > 2 else 0.0)

    come = iter(["wait 4", "quit"])
    TextPanel(face, lambda line: None, clock, waited.append).run(lambda: next(come))
    assert sum(waited) == pytest.approx(4.0, abs=0.1)


class Unreadable(io.StringIO):
    def __next__(self) -> str:
        raise OSError("pytest: reading from stdin while output is captured!")


@pytest.mark.parametrize("stream", [io.StringIO("  UP \n"), io.StringIO(" up"), Unreadable()])
def test_the_end_of_the_input_is_quit(stream: io.StringIO) -> None:
    expected = ["quit"] if isinstance(stream, Unreadable) else ["up", "quit"]
    next_line = lines_of(stream)
    heard: list[str] = []
    while len(heard) < len(expected):
        if (line := next_line()) is not None:
            heard.append(line)
    assert heard == expected


def test_a_person_who_hears_it_chooses_a_programme(virtual_board: None, example_file: Path) -> None:
    with terminals.at_terminal("panel", example_file, "--text", shows_output=True, columns=80, new=True) as person:
        person.sees("Choose programme")
        person.sees("Whole checklist", start=person.press("start\n"))
        place, _ = person.sees("Question 1 of 9", start=person.press("wait 1.5\nstart\n"))
        person.sees("stop: not true", start=place)
        person.sees("Do not start", start=person.press("stop\n"))
        person.press("quit\n")
        assert person.ends() == 0


def test_ctrl_c_ends_it_and_says_nothing_twice(virtual_board: None) -> None:
    with terminals.at_terminal("panel", "--text", shows_output=True, columns=80) as person:
        person.sees("No programme")
        person.process.send_signal(signal.SIGINT)
        assert person.ends() == 1
        person.sees("nmes: interrupted")
        assert person.text.count("No programme") == 1


def test_a_script_needs_no_terminal(virtual_board: None) -> None:
    done = processes.ran("panel", "--text", shell="<<END\nwait 1\nEND\n", new=True)
    assert done.returncode == 0, done.stderr
    assert (
        "No programme\nA clinician has\nto put one onto\nthe device\noutput lamp: off     ready lamp: ON" in done.stdout
    )

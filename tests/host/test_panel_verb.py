"""nmes panel at a terminal of its own, and where there is none."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
import terminals


@contextlib.contextmanager
def at_panel(*arguments: Any, columns: int = 130, lines: int = 40, new: bool = False) -> Iterator[terminals.Person]:
    """nmes panel at a terminal that has its output too."""
    with terminals.at_terminal(
        "panel", *arguments, columns=columns, lines=lines, shows_output=True, new=new, LINES=str(lines)
    ) as person:
        yield person


def test_the_panel_is_there_takes_keys_and_leaves_the_terminal_as_it_was(virtual_board: None) -> None:
    with at_panel(new=True) as person:
        before = person.settings()
        person.sees("ready lamp: ON")
        assert person.settings() != before, "keys are read one by one"
        person.sees("buttons pressed: down", start=person.press(terminals.DOWN))
        person.press("q")
        assert person.ends() == 0
        assert person.settings() == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(virtual_board: None, how: signal.Signals) -> None:
    with at_panel() as person:
        before = person.settings()
        person.sees("ready lamp: ON")
        person.process.send_signal(how)
        assert person.ends() == 1
        person.sees("nmes: interrupted")
        assert person.settings() == before


def test_ctrl_c_ends_it(virtual_board: None) -> None:
    with at_panel() as person:
        person.sees("ready lamp: ON")
        person.press("\x03")
        assert person.ends() == 0


@pytest.mark.parametrize(("columns", "lines"), [(129, 40), (130, 39), (80, 25)])
def test_a_terminal_that_is_too_small_is_one_clear_message(columns: int, lines: int) -> None:
    with at_panel(columns=columns, lines=lines) as person:
        assert person.ends() == 1
        person.sees("it needs none")
        text = " ".join(person.text.split())
        assert f"of 130x40 characters, and this one has {columns}x{lines}" in text
        assert "with --text it needs none" in text and text.count("nmes: ") == 1
        processes.no_surprise(text)


def test_without_a_terminal_it_says_so_and_what_needs_none() -> None:
    done = processes.ran("panel")
    assert (done.returncode, done.stdout, done.stderr.count("nmes: ")) == (1, "", 1)
    assert "needs a terminal" in done.stderr and "with --text it needs none" in done.stderr


def test_a_file_that_is_no_prescription_is_said_before_anything_is_shown(virtual_board: None, tmp_path: Path) -> None:
    (tmp_path / "no.toml").write_text("title =")
    with at_panel(tmp_path / "no.toml") as person:
        assert person.ends() == 2
        person.sees("no.toml")
        assert "ready lamp" not in person.text


def test_a_board_that_keeps_a_prescription_already_is_not_given_it_again(
    virtual_board: None, example_file: Path, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    for _ in range(2):
        assert processes.ran("panel", example_file, "--text", NMES_VIRTUAL_STORE=store).returncode == 0
    listed = json.loads(processes.ran("pull", "--list", "--json", "--port", "virtual", NMES_VIRTUAL_STORE=store).stdout)
    assert [kept["number"] for kept in listed["prescriptions"]] == [1]


def test_an_image_is_for_the_emulated_board_alone(tmp_path: Path) -> None:
    done = processes.ran("panel", "--text", "--uf2", tmp_path / "mine.uf2")
    assert (done.returncode, done.stdout) == (2, "") and "--uf2 is for --emulate" in done.stderr

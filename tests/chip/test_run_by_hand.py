"""A person at a terminal and the real firmware on the emulated board: found without a port, tested, run by keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from processes import seen_on_usb
from served import served
from terminals import DOWN, UP, at_terminal

PRESCRIPTION = """\
title = "By hand"

[electrode]
kind = "probe"
area_cm2 = 4.0

[limits]
max_current_ma = 40

[[phase]]
name = "work"
frequency_hz = 10
pulse_width_us = 250
interphase_gap_us = 50
duration_min = 15
"""


@pytest.fixture
def board(uf2: Path, tmp_path: Path) -> Iterator[Path]:
    """The port of an emulated board."""
    link = tmp_path / "board"
    with served(link, uf2):
        yield link


def test_the_only_board_is_found_tested_and_run_by_keys(board: Path, tmp_path: Path) -> None:
    def nmes(*arguments: str) -> dict[str, Any]:
        done = processes.ran(*arguments, "--json", cwd=tmp_path, before=seen_on_usb(board))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    uid = nmes("status")["identity"]["uid"]
    assert len(uid) >= 8
    assert nmes("status", "--port", uid[:-2].upper())["identity"]["uid"] == uid
    tested = nmes("selftest", "--port", uid)
    assert (tested["passed"], tested["fault"]) == (True, None)
    assert {step["passed"] for step in tested["steps"]} == {True}

    file = tmp_path / "by-hand.toml"
    file.write_text(PRESCRIPTION)
    with at_terminal("run", file, "--acknowledge", "--json", before=seen_on_usb(board), new=True) as person:
        person.raises_to("channel 0: set 1 mA")
        person.raises_to("channel 0: set 2 mA")
        place = person.press(DOWN)
        person.sees("channel 0: set 1 mA", start=place)
        place = person.press("p")
        person.sees("PAUSED", start=place)
        place = person.press(UP)
        person.sees("refused", start=place)
        place = person.press("r")
        place, _ = person.sees("RUNNING", start=place)
        person.sees("channel 0: set 0 mA", start=place)
        person.press("s")
        status, said = person.result()
    assert (status, said["ended"], said["fault"]) == (0, "stopped", None)
    assert 0 < said["account"]["channels"][0]["current_most_ua"] <= 2_100

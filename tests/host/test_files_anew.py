"""nmes flash --make-files-anew, up to the board's prompt; tests/chip/test_files_anew.py has the board."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from opennmes.boards import load_board
from opennmes.cli import main
from opennmes.device import discover, flashing
from opennmes.device.discover import BOOTSEL, MICROPYTHON, OURS, Board

FLASH = load_board("pico")["flash"]
REACHED = FLASH["store"][0]
OURS_HAS = (FLASH["files"][0] - REACHED, FLASH["files"][1])
STOCK_HAS = (FLASH["files"][0] - REACHED, sum(FLASH["records"]) - FLASH["files"][0])


class Prompt:
    """The prompt of a board with a file system of that length, or None that can be mounted."""

    has: tuple[int, int] | None = None
    takes = True
    done: ClassVar[list[str]] = []

    def __init__(self, where: str) -> None:
        self.done.append(f"open {where}")

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *_: object) -> None:
        self.done.append("close")

    def begin_files(self) -> None:
        pass

    begin_flash = begin_files

    def top_level(self) -> list[str]:
        return ["\x1b[31mmine"] if Prompt.has else []

    def has_file_system(self, *place: int) -> bool:
        return Prompt.has == place

    def make_file_system(self, *place: int) -> None:
        self.done.append("make")
        Prompt.has = place if Prompt.takes else None


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    identity = {"version": "0.1.0", "board": "pico", "stage": "reference", "uid": "e6616407e3", "host": 5}
    board = Board(OURS, "A", uid="e6616407e3", identity=identity, status={"state": "IDLE", "fault": 0})
    monkeypatch.setattr(discover, "boards", lambda: [board])
    monkeypatch.setattr(flashing, "Prompt", Prompt)
    Prompt.has, Prompt.takes, Prompt.done = None, True, []
    return board


def anew(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], str]:
    status = main(["flash", "--make-files-anew", "--json", *options])
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert "boards" in answer, answer
    (row,) = answer["boards"] or [{}]
    return status, row, said.err


@pytest.mark.parametrize("has", [STOCK_HAS, None])
def test_a_longer_one_or_one_that_cannot_be_mounted_is_made_anew(
    board: Board, capsys: pytest.CaptureFixture[str], has: tuple[int, int] | None
) -> None:
    Prompt.has = has
    status, row, err = anew(capsys, "--yes")
    assert (status, row["made"], row["verified"], Prompt.done) == (0, True, True, ["open A", "make", "close"])
    assert Prompt.has == OURS_HAS and "settings and records stay" in err
    assert ("mine" in err and "\x1b[31m" not in err) if has else "nothing that can be read" in err


def test_one_that_leaves_room_is_left_as_it_is_and_nobody_is_asked(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    Prompt.has = OURS_HAS
    status, row, _ = anew(capsys)
    assert (status, row["made"], row["verified"], Prompt.done) == (0, False, True, ["open A", "close"])


def test_where_nobody_agrees_nothing_is_changed(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    Prompt.has = STOCK_HAS
    status, row, _ = anew(capsys)
    assert status == 1 and "--yes" in row["error"] and "make" not in Prompt.done


def test_one_that_does_not_read_back_is_a_failure(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    Prompt.takes = False
    status, row, _ = anew(capsys, "--yes")
    assert status == 1 and not row["verified"] and "does not read back" in row["error"]


@pytest.mark.parametrize(
    ("kind", "identity"), [(OURS, {"board": "pico-stock"}), (MICROPYTHON, {}), (BOOTSEL, {})], ids=str
)
def test_a_board_without_our_image_is_left_as_it_is(
    board: Board,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    identity: dict[str, str],
) -> None:
    monkeypatch.setattr(discover, "boards", lambda: [Board(kind, "A", identity=identity)])
    status, row, _ = anew(capsys, "--yes")
    assert status == 1 and "our own image" in row["error"] and Prompt.done == []


def test_a_locked_board_is_left_as_it_is(
    board: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = Board(OURS, "A", identity={"board": "pico", "locked_by": "12ab"})
    monkeypatch.setattr(discover, "boards", lambda: [locked])
    status, _, err = anew(capsys, "--yes")
    assert status == 1 and "nmes unlock" in err and Prompt.done == []


def test_it_writes_no_firmware(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["image.uf2"], ["--modules"], ["--verify"], ["--stage", "bare"], ["--mount", "/tmp"]):
        assert main(["flash", "--make-files-anew", *more]) == 2, more
    assert Prompt.done == []

"""The tables of docs/boards.md, out of boards/*/board.py and about.py; documents.py writes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

import marks  # noqa: E402 the path first
from opennmes.boards import about, board_names, has_image, load_board, stage_of  # noqa: E402
from opennmes.pins import lacks, pins_of  # noqa: E402

DOCUMENT = ROOT / "docs" / "boards.md"
SILICON = "nothing"  # what of a board has been seen on silicon; a report changes it


def names() -> list[str]:
    """The boards that can be bought."""
    return [name for name in board_names() if has_image(name)]


def _table(rows: list[list[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _for(board: dict[str, Any]) -> str:
    stage = stage_of(board["name"])
    return "every prescription" if stage["for_people"] and not board.get("dummy_only") else "**resistors alone**"


def choice() -> str:
    """A row a board: what decides which one to buy."""
    rows = [["board", "name here", "chip", "for", "lacks", "tried on an emulator", "tried on silicon"]]
    for name in names():
        board = load_board(name)
        rows.append([
            board["title"], f"`{name}`", f"{board['mcu'].upper()}, {about(name)['flash_bytes'] // 1024 // 1024} MiB",
            _for(board), ", ".join(lacks(board)) or "nothing", about(name)["run"] or "**nothing**", SILICON,
        ])  # fmt: skip
    return _table(rows)


def notes() -> str:
    """What is known of each board, in sentences."""
    parts = []
    for name in names():
        parts.append(f"**{load_board(name)['title']}** (`{name}`)\n\n")
        parts += [f"- {note}\n" for note in about(name)["notes"]]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def pins() -> str:
    """A row a function: its pin on each board."""
    boards = {name: load_board(name) for name in names()}
    where: dict[str, dict[str, str]] = {}
    for name, board in boards.items():
        for pin in sorted(pins_of(board), key=lambda pin: (pin.channel or 0, pin.gpio)):
            function = pin.function if pin.channel is None else f"{pin.function} of channel {pin.channel}"
            where.setdefault(function, {})[name] = f"GP{pin.gpio}"
    rows = [["function", *(f"`{name}`" for name in boards)]]
    rows += [[f"`{function}`", *(at.get(name, "none") for name in boards)] for function, at in where.items()]
    return _table(rows)


TABLES = {"boards": choice, "notes": notes, "pins": pins}


def written(page: str) -> str:
    """The page with its tables as they are now."""
    for name, make in TABLES.items():
        page = marks.put(page, marks.of(name, "scripts/boards_page.py"), f"\n{make()}\n")
    return page

"""Boards and output stages, as boards/ describes them: facts as dictionaries."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from nmes.core import limits
from opennmes import paths

# A board whose MicroPython is not ours, the firmware's modules on its file system, is called after the board itself.
STOCK = "-stock"
OURS = "OpenNMES on "  # what the name of a board begins with in our image


class UnknownBoard(Exception):
    """There is no such board or stage; the message lists those there are."""


def board_names() -> list[str]:
    """The names of all boards."""
    return sorted(path.parent.name for path in paths.boards().glob("*/board.py"))


def stage_names() -> list[str]:
    """The names of all output stages."""
    files = (paths.boards() / "stages").glob("*.py")
    return sorted(path.stem.replace("_", "-") for path in files if path.stem != "__init__")


def load_board(name: str, stage: str | None = None) -> dict[str, Any]:
    """The facts about a board, see boards/pico/board.py, as its image for an output stage (its usual one, or one of its
    others) has them; NAME-stock: the same with a stock MicroPython on it. Raises UnknownBoard.
    """
    if name.endswith(STOCK) and name.removesuffix(STOCK) in stock_names():
        return _stock(load_board(name.removesuffix(STOCK), stage))
    if name not in board_names():
        known = ", ".join(sorted([*board_names(), *(each + STOCK for each in stock_names())]))
        raise UnknownBoard(f'there is no board "{name}"; known boards: {known}; `nmes boards` lists them')
    board = _facts(name, ())
    stages = (board["stage"], *board["other_stages"])
    if stage is not None and stage not in stages:
        raise UnknownBoard(f'board "{name}" drives no output stage "{stage}"; it drives: {", ".join(stages)}')
    board["stage"] = stage or board["stage"]
    board = _changed(board, board.pop("of_stage", {}).get(board["stage"], {}))
    if stage is not None:
        channels = board["pins"]["channels"][: load_stage(stage)["channels"]]
        board["pins"] = {**board["pins"], "channels": channels}
    return board


def _facts(name: str, of: tuple[str, ...]) -> dict[str, Any]:
    """What boards/NAME/board.py says, with all of the board that it is `like`. `of`: the boards that are like this
    one."""
    own: dict[str, Any] = runpy.run_path(str(paths.boards() / name / "board.py"))["BOARD"]
    like = own.pop("like", "")
    if not like:
        return own
    if like not in board_names() or like in (*of, name):
        raise UnknownBoard(f'board "{name}" is said to be like "{like}" (board.py), which is no other board')
    return _changed(_facts(like, (*of, name)), own)


def _changed(facts: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    """`facts` with what is otherwise; what is None there is left out."""
    made = {**facts}
    for key, value in otherwise.items():
        made[key] = _changed(made[key], value) if isinstance(value, dict) and isinstance(made.get(key), dict) else value
    return {key: value for key, value in made.items() if value is not None}


def as_module(board: dict[str, Any]) -> str:
    """The text of the module `board`, by which the device knows its board."""
    return f"BOARD = {board!r}\n"


def about(name: str) -> dict[str, Any]:
    """What people, the build and the checker have to know of a board and the board itself has not, see
    boards/pico/about.py; nothing where it has no file for it, as the virtual board, or is not known."""
    path = paths.boards() / name / "about.py"
    made: dict[str, Any] = runpy.run_path(str(path))["ABOUT"] if name in board_names() and path.is_file() else {}
    return made


def has_image(name: str) -> bool:
    """Whether there is a UF2 for a board: it can be flashed."""
    return "sdk_board" in about(name)


def stock_names() -> list[str]:
    """The boards that the firmware runs on as modules too, under a stock MicroPython."""
    return [name for name in board_names() if about(name).get("stock")]


def setup_names() -> list[str]:
    """The boards whose images `make setup` builds; `make firmware` builds all."""
    return [name for name in board_names() if about(name).get("in_setup")]


def machine(name: str) -> str:
    """What our image calls a board that has one (os.uname().machine); it stands in the image as it is."""
    board = load_board(name)
    return f"{OURS}{board['title']} with {board['mcu'].upper()}"


def by_machine(said: str) -> str:
    """The board that says it is `said`, under our image or a stock MicroPython; "" when it is none of ours."""
    for name in board_names() if said else ():
        if has_image(name) and said in (machine(name), about(name)["machine"]):
            return name
    return ""


def images() -> list[tuple[str, str]]:
    """Every image that is made: its board, and the output stage that it is for, "" for the board's usual one."""
    return [
        (name, stage) for name in board_names() if has_image(name) for stage in ("", *load_board(name)["other_stages"])
    ]


def with_a_witness() -> list[str]:
    """The boards that a second board can judge as the witness: so far a Pico judges a Pico (firmware/witness)."""
    return ["pico"]


def wires(board: dict[str, Any]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """(the pin of each wire between a board and its witness by its role, the number of its state machine, the same in a
    recording of levels), as firmware/witness/wires.py has them."""
    told = runpy.run_path(str(paths.witness() / "wires.py"))
    pins = board["pins"]
    return told["gpios"](pins), told["machines"](pins), told["level_machines"](pins)


def _stock(board: dict[str, Any]) -> dict[str, Any]:
    """A board as a stock MicroPython has it. That one gives no raw flash, formats a file system that it cannot mount (a
    lock-out and a fault are forgotten with it) and has not been measured: nobody may be connected. Its poll of USB
    promises room for a byte and no more. Its memory has no room for a panel. Its file system reaches to the end of the
    flash."""
    pins = {name: pin for name, pin in board["pins"].items() if name not in ("panel", "hand_switch")}
    begin, end = board["flash"]["files"][0], sum(board["flash"]["records"])
    return {
        **{name: fact for name, fact in board.items() if name != "display"},
        "pins": pins,
        "name": board["name"] + STOCK,
        "other_stages": (),
        "title": board["title"] + ", stock MicroPython",
        "flash": {"files": (begin, end - begin)},
        "dummy_only": 1,
        "stock": 1,
        "pull_downs_ohm": (),  # nothing of the chip that has one asks for them, and they would lie in memory
        "usb_free_bytes": 1,
    }


def stage_file(name: str) -> Path:
    """Where the facts about an output stage stand: a module, whose name has no dash."""
    return paths.boards() / "stages" / f"{name.replace('-', '_')}.py"


def load_stage(name: str) -> dict[str, Any]:
    """The facts about an output stage, see boards/stages/reference.py. Raises UnknownBoard."""
    if name not in stage_names():
        raise UnknownBoard(f'there is no output stage "{name}"; known stages: {", ".join(stage_names())}')
    stage: dict[str, Any] = runpy.run_path(str(stage_file(name)))["STAGE"]
    return stage


def stage_of(board_name: str, stage_name: str | None = None) -> dict[str, Any]:
    """The facts about the output stage that a board drives (its usual one, or another), with the board's own ceiling.

    Raises UnknownBoard.
    """
    board = load_board(board_name, stage_name)
    with_board: dict[str, Any] = limits.with_board(load_stage(board["stage"]), board)
    return with_board

"""nmes boards: what a board's pins are, what it can do, and whether its file is right."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from opennmes.board_check import problems
from opennmes.boards import (
    STOCK,
    UnknownBoard,
    about,
    board_names,
    has_image,
    load_board,
    load_stage,
    stage_of,
    stock_names,
)  # fmt: skip
from opennmes.cli.output import FAILED, error, out, print_json, print_table, reported, words
from opennmes.pins import Pin, abilities, lacks, pins_of


def boards(
    name: Annotated[str | None, typer.Argument(help="One board; without it, all.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Look for what is wrong with the boards' files.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List the boards that OpenNMES knows with what each can do and lacks, or show one: each pin with its function and
    the reason for it.

    With --check each board's file is judged: pins that clash or cannot do what they are for, an output without a
    pull-down, an input of the guard that is missing, parts of the flash that overlap. Exit status 1 when one is wrong.

    Example: nmes boards pico

    Example: nmes boards --check
    """
    if check:
        _check([name] if name else board_names(), json)
        return
    with reported(json, boards=[]):
        stock = [board + STOCK for board in stock_names()]
        found = [load_board(each) for each in ([name] if name else board_names() + stock)]
    if json:
        print_json({"boards": [_as_json(board) for board in found]})
    elif name:
        _show(found[0])
    else:
        for board in found:
            row = dict(abilities(board, stage_of(board["name"])))
            text = f"{board['name']}: {board['title']}, {row['chip']}, for {row['for']}; lacks {row['lacks']}"
            out.print(words(f"{text}; {_tried(board)}"), soft_wrap=True)
        out.print("`nmes boards NAME` shows the pins of one")


def _check(names: list[str], json: bool) -> None:
    with reported(json, boards=[]):
        found = {name: _problems(name) for name in names}
    if json:
        print_json({"boards": [{"name": name, "problems": rows} for name, rows in found.items()]})
    else:
        for name, rows in found.items():
            for row in rows:
                error(f"boards/{name}: {row}")
            if not rows:
                out.print(words(f"{name}: nothing is wrong with its file"), soft_wrap=True)
    if any(found.values()):
        raise typer.Exit(FAILED)


def _problems(name: str) -> list[str]:
    """What is wrong with a board's file. Raises UnknownBoard where there is none, or no stage as it names."""
    try:
        load_board(name)
        name = name.removesuffix(STOCK)  # it has no file of its own
        found = problems(load_board(name), about(name), load_stage(load_board(name)["stage"]))
        for stage in load_board(name)["other_stages"]:
            of_it = problems(load_board(name, stage), about(name), load_stage(stage))
            found += [f"with the stage {stage}: {row}" for row in of_it if row not in found]
        return found
    except UnknownBoard:
        raise
    except Exception as broken:  # a person's Python, of which anything may come
        return [f"the file cannot be read ({type(broken).__name__}: {broken})"]


def _tried(board: dict[str, Any]) -> str:
    run = about(board["name"].removesuffix(STOCK)).get("run", "every test of the firmware")
    return f"tried: {run}" if run else "not tried on anything"


def _as_json(board: dict[str, Any]) -> dict[str, Any]:
    facts = {key: board[key] for key in ("name", "title", "mcu", "stage", "cpu_hz", "max_current_ua", "supply_mv")}
    return {
        **facts,
        "temperature_dc": board["temperature_dc"],
        "channels": len(board["pins"]["channels"]),
        "for_people": not board.get("dummy_only"),
        "flashed_by_uf2": has_image(board["name"]),
        "lacks": lacks(board),
        "tried": about(board["name"].removesuffix(STOCK)).get("run", ""),
        "notes": list(about(board["name"]).get("notes", ())),
        "pins": [pin.as_json() for pin in pins_of(board)],
    }


def _show(board: dict[str, Any]) -> None:
    out.print(words(f"{board['name']}: {board['title']}"), soft_wrap=True)
    for title, text in abilities(board, stage_of(board["name"])):
        out.print(words(f"  {title}: {text}"), soft_wrap=True)
    for name in board["other_stages"]:
        can = dict(abilities(load_board(board["name"], name), stage_of(board["name"], name)))
        of_it = f"channels {can['channels']}; for {can['for']}; contractions {can['contractions']}"
        of_it += f"; laboratory: {can['laboratory']}"
        out.print(words(f"  or output stage {name}: {of_it}"), soft_wrap=True)
    out.print(words(f"  {_tried(board)}; nothing of it has run on silicon"), soft_wrap=True)
    for note in about(board["name"]).get("notes", ()):
        out.print(words(f"  {note}"), soft_wrap=True)
    pins = pins_of(board)
    if not pins:
        out.print("It has no pins.")
        return
    table = Table(box=None)
    for heading in ("pin", "function", "channel", "direction", "what it is", "why this one"):
        table.add_column(heading)
    rows = [(pin, _cells(pin)) for pin in pins]
    for _, cells in rows:
        table.add_row(*cells)
    print_table(table, [(f"GP{pin.gpio} {pin.function}", list(cells[2:])) for pin, cells in rows])


def _cells(pin: Pin) -> tuple[str, ...]:
    channel = "" if pin.channel is None else str(pin.channel)
    return f"GP{pin.gpio}", pin.function, channel, pin.direction, pin.what, pin.why

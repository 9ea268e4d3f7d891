"""nmes boards: what a board's pins are, and what it can do."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from opennmes.boards import STOCK, board_names, has_image, load_board, stage_of
from opennmes.cli.output import out, print_json, print_table, reported, words
from opennmes.pins import Pin, abilities, pins_of


def boards(
    name: Annotated[str | None, typer.Argument(help="One board; without it, all.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List the boards that OpenNMES knows, or show one: each pin with its function and the reason for it.

    Example: nmes boards pico
    """
    with reported(json, boards=[]):
        stock = [board + STOCK for board in board_names() if has_image(board)]
        found = [load_board(each) for each in ([name] if name else board_names() + stock)]
    if json:
        print_json({"boards": [_as_json(board) for board in found]})
    elif name:
        _show(found[0])
    else:
        for board in found:
            row = dict(abilities(board, stage_of(board["name"])))
            out.print(words(f"{board['name']}: {board['title']}, {row['chip']}, for {row['for']}"), soft_wrap=True)
        out.print("`nmes boards NAME` shows the pins of one")


def _as_json(board: dict[str, Any]) -> dict[str, Any]:
    facts = {key: board[key] for key in ("name", "title", "mcu", "stage", "cpu_hz", "max_current_ua", "supply_mv")}
    return {
        **facts,
        "temperature_dc": board["temperature_dc"],
        "channels": len(board["pins"]["channels"]),
        "for_people": not board.get("dummy_only"),
        "flashed_by_uf2": has_image(board["name"]),
        "pins": [pin.as_json() for pin in pins_of(board)],
    }


def _show(board: dict[str, Any]) -> None:
    out.print(words(f"{board['name']}: {board['title']}"), soft_wrap=True)
    for title, text in abilities(board, stage_of(board["name"])):
        out.print(words(f"  {title}: {text}"), soft_wrap=True)
    for name in board["other_stages"]:
        can = dict(abilities(load_board(board["name"], name), stage_of(board["name"], name)))
        of_it = f"channels {can['channels']}; for {can['for']}; contractions {can['contractions']}"
        out.print(words(f"  or output stage {name}: {of_it}"), soft_wrap=True)
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

"""nmes devices: every board on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from nmes.core import faults
from opennmes.cli.output import busy, out, print_json, reported, words
from opennmes.device import discover
from opennmes.device.discover import Board
from opennmes.device.drive import DriveError


def devices(json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False) -> None:
    """List every board on this machine: ours, stock MicroPython, and chips in BOOTSEL. Disturbs no session.

    Example: nmes devices
    """
    with reported(json, devices=[]):
        try:
            with busy("looking for boards"):
                found = discover.boards()
        except DriveError as failure:
            raise OSError(str(failure)) from failure
    if json:
        print_json({"devices": [board.as_json() for board in found]})
        return
    for board in found:
        out.print(words(in_words(board)), soft_wrap=True)
    if not found:
        out.print("no board found: plug one in; where one is plugged in, `nmes doctor` looks for the reason")


def in_words(board: Board) -> str:
    """One line about a board."""
    uid = f", UID {board.uid}" if board.uid else ""
    if board.kind == discover.OURS:
        identity, status = board.identity, board.status
        fault = f", fault {status['fault']} ({faults.name(status['fault'])})" if status["fault"] else ""
        name = f' "{identity["name"]}"' if identity.get("name") else ""
        locked = f", locked with key {identity['locked_by']}" if identity.get("locked_by") else ""
        return (
            f"{board.where}: OpenNMES{name} {identity['version']} on {identity['board']}, stage {identity['stage']}"
            f"{uid}, {status['state']}{fault}{locked}"
        )
    if board.kind == discover.BOOTSEL:
        return f"{board.where}: an {board.chip.upper()} in BOOTSEL; `nmes flash` puts OpenNMES onto it"
    return f"{board.where}{uid}: {board.text}"

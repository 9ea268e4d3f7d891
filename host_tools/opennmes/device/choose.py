"""Which board is meant: the only one that is here, or one named by its port, its unique id or its device name.

A wrong choice sets a current for the wrong person. So nothing is guessed: what could mean two boards is refused with a
list of what is here, and a board that was not named by its port has to say, once it is connected, that it is the one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opennmes.device import discover
from opennmes.device.client import LinkError
from opennmes.device.discover import BOOTSEL, BUSY, MICROPYTHON, OURS, SILENT, Board
from opennmes.ports.errors import PortError
from opennmes.ports.open import EMULATOR, VIRTUAL

NAME_KEY = "name"  # of the answer to `identify`, where the device has been given one

_MAY_BE_OURS = (OURS, BUSY, SILENT)  # another program may be speaking with it, or it hangs
_ON_A_PORT = (*_MAY_BE_OURS, MICROPYTHON)
_WINDOWS_PORT = re.compile(r"(\\\\\.\\)?COM[0-9]{1,3}", re.IGNORECASE)
_UID = re.compile("[0-9a-f]+", re.IGNORECASE)
_WAYS = "its port, its UID or an unambiguous beginning of it, or its device name"


@dataclass(frozen=True)
class Chosen:
    """A board. `where` is what `open_port` takes; `uid` is who has to be there, "" when a person named the port."""

    where: str
    uid: str = ""

    def confirm(self, identity: dict[str, Any]) -> None:
        """Raises LinkError when who answered `identify` there is not who was chosen: boards change places."""
        said = str(identity.get("uid", ""))
        if self.uid and said.lower() != self.uid.lower():
            raise LinkError(
                f"{self.where}: the board that was chosen has UID {self.uid}, and UID {said or 'unknown'} answers "
                "there now; nothing was changed. `nmes devices` shows where the boards are"
            )


def choose(named: str | None) -> Chosen:
    """The board that `named` says; None for the only one that is here. Raises PortError with a list otherwise."""
    if named is None:
        return _the_only_one(discover.boards())
    if named in (VIRTUAL, EMULATOR) or "://" in named or _WINDOWS_PORT.fullmatch(named) or _has_folder(named):
        return Chosen(named)
    if not named.strip():
        raise PortError(f"--port is empty; write {_WAYS}")
    there = discover.boards()
    found = [board for board in there if board.kind in _ON_A_PORT and _is_called(board, named)]
    if Path(named).exists():
        if found:
            raise PortError(
                f"{named!r} is a file here and a board too ({in_words(found[0])}); write ./{named} for the file, or "
                "the board's port"
            )
        return Chosen(named)
    if len(found) > 1:
        what = f"{len(found)} boards here could be meant by {named!r}"
        raise PortError(f"{what}; write {_WAYS}. {listed(found)}")
    return _chosen(found[0]) if found else Chosen(named)  # and who opens that says which ports there are


def choose_all() -> list[Chosen]:
    """Every board that is ours or may be: one that is busy or silent is not left out without a word. Raises PortError
    when there is none."""
    found = [_chosen(board) for board in _of_ours(discover.boards())]
    if not found:
        raise PortError(f"no board that runs OpenNMES is here. {listed(discover.boards())}")
    return found


def listed(boards: list[Board]) -> str:
    """The boards as one sentence."""
    if not boards:
        return (
            "No board is here at all: plug one in (a cable that only charges shows none), or name it with --port; "
            "where one is plugged in, `nmes doctor` looks for the reason; "
            f"--port {VIRTUAL} and --port {EMULATOR} need none"
        )
    return "Here are: " + "; ".join(in_words(board) for board in boards)


def in_words(board: Board) -> str:
    """A board in a few words, with what to write for it."""
    name = f' "{board.identity[NAME_KEY]}"' if board.identity.get(NAME_KEY) else ""
    what = {
        OURS: f"OpenNMES{name}",
        BUSY: "cannot be opened, another program may have it",
        SILENT: "does not answer",
        MICROPYTHON: "MicroPython alone",
        BOOTSEL: "a chip in BOOTSEL",
    }.get(board.kind, board.kind)
    return f"--port {board.where} ({what}{f', UID {board.uid}' if board.uid else ''})"


def _the_only_one(there: list[Board]) -> Chosen:
    found = _of_ours(there)
    if not found:
        raise PortError(f"no board that runs OpenNMES is here. {listed(there)}")
    if len(found) > 1:
        raise PortError(
            f"{len(found)} boards are here that run OpenNMES or may do so; say which with --port: {_WAYS}. "
            f"{listed(found)}"
        )
    return _chosen(found[0])


def _of_ours(there: list[Board]) -> list[Board]:
    return [board for board in there if board.kind in _MAY_BE_OURS]


def _chosen(board: Board) -> Chosen:
    return Chosen(board.where, board.uid if board.kind == OURS else "")


def _has_folder(named: str) -> bool:
    return os.sep in named or bool(os.altsep and os.altsep in named)


def _is_called(board: Board, named: str) -> bool:
    """By its name, whole and as it is written, or by the beginning of its unique id."""
    if str(board.identity.get(NAME_KEY, "")) == named:
        return True
    return bool(_UID.fullmatch(named)) and board.uid.lower().startswith(named.lower())

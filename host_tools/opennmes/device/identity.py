"""What a device must say that it runs, to be spoken with: the same firmware, board, stage and limits as here."""

from __future__ import annotations

import shlex
from functools import cache
from typing import Any

from nmes.core import digest, identity
from opennmes import paths
from opennmes.boards import STOCK, UnknownBoard, load_board, stage_of
from opennmes.ports.open import EMULATOR, VIRTUAL

# What differs, in words, by the field of `identify` that says so.
_WORDS = {
    "firmware": "the firmware",
    "board_digest": "what it takes for facts about its board",
    "stage_digest": "what it takes for facts about its output stage",
    "limits_digest": "its limits",
}
assert tuple(_WORDS) == identity.FIELDS
BUILD = "make setup"  # the command that builds the firmware of a checkout


@cache
def firmware() -> str:
    """The digest of the firmware that belongs to these host tools."""
    folder = paths.firmware()
    names = paths.firmware_sources(folder)
    return str(digest.of_files((name.as_posix(), (folder / name).read_bytes()) for name in names))


@cache
def witness() -> str:
    """The digest of the witness's firmware that belongs to these host tools."""
    folder = paths.witness()
    return str(digest.of_files((path.name, path.read_bytes()) for path in folder.glob("*.py")))


def expected(board: str, stage: str) -> dict[str, str]:
    """The digests of a device of ours, by the names of its board and stage. Raises UnknownBoard."""
    digests: dict[str, str] = identity.digests(firmware(), load_board(board, stage), stage_of(board, stage))
    return digests


def differences(said: dict[str, Any]) -> list[str]:
    """What a device that has answered `identify` runs otherwise than these host tools have it; empty when nothing."""
    try:
        ours = expected(str(said.get("board")), str(said.get("stage")))
    except UnknownBoard as unknown:
        return [str(unknown)]
    return [
        f"{_WORDS[field]} (digest {said.get(field, 'not said')}, here {ours[field]})"
        for field in identity.FIELDS
        if said.get(field) != ours[field]
    ]


def mend(said: dict[str, Any], where: str) -> str:
    """The command that has the device on the port `where`, which has answered `identify`, run what belongs to these
    host tools."""
    if where in (VIRTUAL, EMULATOR):
        return BUILD
    modules = "--modules " if str(said.get("board")).endswith(STOCK) else ""
    return f"nmes flash {modules}--port {shlex.quote(where)}"

"""Where things are: in a checkout of OpenNMES, or in the installed package."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

_PACKAGE = Path(__file__).resolve().parent
_ABOVE = _PACKAGE.parent.parent
_DATA = _PACKAGE / "data"  # in a wheel: scripts/wheel.py puts it there

PROGRAMMES = _PACKAGE / "prescription" / "programmes"


def checkout() -> Path | None:
    """The checkout that this package runs from; None when it was installed as a wheel."""
    return _ABOVE if (_ABOVE / "firmware" / "main.py").is_file() else None


def boards() -> Path:
    """The folder of boards and output stages."""
    root = checkout()
    return root / "boards" if root else _DATA / "boards"


def firmware() -> Path:
    """The folder of the firmware's Python: main.py and the package nmes."""
    root = checkout()
    return root / "firmware" if root else _DATA / "firmware"


def firmware_sources(folder: Path) -> list[PurePath]:
    """What the digest of the firmware is of, in its folder or in one of copies; the witness has a digest of its own."""
    found: list[PurePath] = []
    for place, _, names in os.walk(folder):
        inside = PurePath(place).relative_to(folder)
        if "witness" not in inside.parts:
            found += [inside / name for name in names if name.endswith(".py")]
    return sorted(found)


def uf2(board: str, stage: str = "") -> Path:
    """The UF2 of a board for its usual output stage, or for another; whether it has been built or not."""
    root = checkout()
    return (root / "build" if root else _DATA) / f"opennmes-{'-'.join(filter(None, (board, stage)))}.uf2"


def witness() -> Path:
    """The folder of the witness's firmware."""
    return firmware() / "witness"


def witness_uf2(board: str) -> Path:
    """The UF2 of the witness that judges a board; whether it has been built or not."""
    return uf2(board).with_name(f"opennmes-witness-{board}.uf2")

"""Where things are: in a checkout of OpenNMES, or in the installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ABOVE = _PACKAGE.parent.parent

PRESCRIPTIONS = _PACKAGE / "prescriptions"


def checkout() -> Path | None:
    """The checkout that this package runs from; None when it was installed as a wheel."""
    return _ABOVE if (_ABOVE / "firmware" / "main.py").is_file() else None


def firmware() -> Path:
    """The folder of the firmware's sources."""
    root = checkout()
    return root / "firmware" if root else _PACKAGE / "data" / "firmware"


def boards() -> Path:
    """The folder of boards and output stages."""
    root = checkout()
    return root / "boards" if root else _PACKAGE / "data" / "boards"

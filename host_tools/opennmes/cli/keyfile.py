"""The option --key of the verbs that change what a device keeps, and what they do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.kept import warning
from opennmes.device import locking
from opennmes.device.client import Device
from opennmes.device.locking import Key

KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="The clinic's key, for a device that is locked.", show_default=False),
]


def key_of(path: Path) -> Key:
    """The key in a file, with a warning where others can read it. Raises LockingError."""
    key = locking.read_key(path)
    if locking.others_can_read(path):
        warning(f"others on this computer can read {path}: `chmod 600` keeps it to you")
    return key


def open_for_change(device: Device, where: str, path: Path | None) -> None:
    """Have what is to be changed signed with the key in a file, where the device is locked. Raises LockingError."""
    locking.may_change(device, where, None if path is None else key_of(path))

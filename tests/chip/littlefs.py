"""File systems for the emulated board, made outside it as the campaign makes them."""

from __future__ import annotations

from campaign import chip
from opennmes.boards import load_board

BLOCK = 4096
AT, LENGTH = load_board("pico")["flash"]["files"]


def image(files: dict[str, bytes]) -> bytes:
    """A flash image that holds nothing but a file system with these files, for EmulatedPico."""
    return b"\xff" * AT + chip.littlefs(LENGTH, {path.removeprefix("/"): content for path, content in files.items()})

"""File systems for the emulated board, made outside it as the campaign makes them."""

from __future__ import annotations

from campaign import chip
from opennmes.boards import load_board

BLOCK = 4096
AT, LENGTH = load_board("pico")["flash"]["files"]
_, OF_STOCK = load_board("pico-stock")["flash"]["files"]  # the length of the one that MicroPython itself makes


def image(files: dict[str, bytes], length: int = LENGTH) -> bytes:
    """A flash image that holds nothing but a file system with these files, for EmulatedPico."""
    return b"\xff" * AT + chip.littlefs(length, {path.removeprefix("/"): content for path, content in files.items()})

"""The drive of an emulated chip in BOOTSEL: a folder with the rules of the RP2040's (datasheet, 2.7.4)."""

from __future__ import annotations

import struct
from pathlib import Path

INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
BLOCK, HEAD, PAYLOAD = 512, 32, 256
RP2040 = 0xE48B_FF56
_MAGIC = struct.pack("<2I", 0x0A32_4655, 0x9E5D_5157)


class BootselDrive:
    """Shows what the ROM shows, takes whole blocks of its own family out of whatever file lies in it, ignores all else,
    and vanishes with the last block of an image."""

    def __init__(self, folder: Path, info: str = INFO, family: int = RP2040) -> None:
        """Show the drive. Raises OSError when the folder cannot be made."""
        self.folder = folder
        self._family = family
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "INFO_UF2.TXT").write_text(info)
        (folder / "INDEX.HTM").write_text("<html></html>")

    def taken(self) -> list[tuple[int, bytes]] | None:
        """The image, as (address, bytes), once it is whole; the drive is gone then. Before that None."""
        for file in sorted(self.folder.glob("*.[uU][fF]2")):
            image = self._image(file.read_bytes())
            if image is not None:
                self.leave()
                return image
        return None

    def leave(self) -> None:
        """The drive is gone, as with a pulled cable; the folder that it was mounted at stays."""
        for file in self.folder.iterdir():
            file.unlink()

    def _image(self, raw: bytes) -> list[tuple[int, bytes]] | None:
        blocks: dict[int, tuple[int, bytes]] = {}
        announced = 0
        for at in range(0, len(raw) - BLOCK + 1, BLOCK):
            *_, address, _size, number, count, family = struct.unpack_from("<8I", raw, at)
            if raw[at : at + len(_MAGIC)] == _MAGIC and family == self._family:
                blocks[number] = address, raw[at + HEAD : at + HEAD + PAYLOAD]
                announced = count
        return [blocks[number] for number in sorted(blocks)] if announced and len(blocks) == announced else None

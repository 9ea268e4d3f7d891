"""The way of a witness into BOOTSEL, and what is in its flash. It gives no prompt, so it is asked itself
(firmware/witness/app.py)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.uf2 import FLASH_START, Uf2
from opennmes.device.witness import Witness

READ_S = 20.0  # for the SHA-256 of a flash: half a second by measurement on the emulated chip


def into_bootsel(device: str) -> None:
    """Send a witness into BOOTSEL. Raises WitnessError and PortError."""
    with _witness(device) as witness:
        witness.ask("bootloader")


def digest(device: str, image: Uf2, progress: Callable[[str, int, int], None]) -> str:
    """SHA-256 of what is in a witness's flash where `image` belongs. Raises WitnessError and PortError."""
    progress("reading back", 0, len(image.data))
    with _witness(device) as witness:
        said = witness.ask(f"sha256 {image.start - FLASH_START} {len(image.data)}", READ_S)
    progress("reading back", len(image.data), len(image.data))
    return str(said.get("sha256", ""))


@contextlib.contextmanager
def _witness(device: str) -> Iterator[Witness]:
    from opennmes.ports.serial import SerialPort

    port = SerialPort(device)
    try:
        witness = Witness(port)
        if not witness.is_there():
            raise WitnessError(
                f"{device}: no witness answers; unplug it, hold BOOTSEL while plugging it in, then run "
                "`nmes flash --witness --mount FOLDER` with the folder of its drive"
            )
        yield witness
    finally:
        port.close()


__all__ = ["digest", "into_bootsel"]

"""A virtual board with its panel: presses, and what display and lamps show, beside the link that every port has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nmes.core import buttons
from opennmes.device import prescriptions
from opennmes.device.client import Device
from opennmes.ports import reading
from opennmes.ports.lamps import Lamps
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

PRESS_S, LET_GO_S = 0.08, 0.12


class PanelPort(VirtualPort):
    """`lit` is every state of the lamps so far."""

    def __init__(self, *, display: bool = True, **arguments: Any) -> None:
        self.lit: list[tuple[float, Lamps]] = []
        super().__init__(panel=True, display=display, **arguments)

    @property
    def pages(self) -> tuple[bytes, ...]:
        return self.screen.pages

    def _shows(self, line: bytes) -> None:
        super()._shows(line)
        if line.startswith(b"@lamps "):
            self.lit.append((self.now_s(), self.lamps))

    def hold(self, *names: str) -> None:
        """These buttons, and no other, are pressed from now on."""
        super().press(sum(1 << buttons.NAMES.index(name) for name in names))

    def pass_s(self, seconds: float) -> bytes:
        """Let time pass. Returns what the link has said meanwhile."""
        said, end_s = b"", self.now_s() + seconds
        while end_s - self.now_s() > 1e-9:
            said += self.read(end_s - self.now_s())
        return said

    def press(self, *names: str, seconds: float = PRESS_S) -> None:
        """Press and let go."""
        self.hold(*names)
        self.pass_s(seconds)
        self.hold()
        self.pass_s(LET_GO_S)

    def answer(self) -> None:
        """From a programme that is shown to where START has to be held."""
        self.press("start")
        while self.rows()[7] in ("stop: not true", "stop: not now", "Stopp: nein") and self.rows()[0] not in (
            "Ready",
            "Bereit",
        ):
            self.pass_s(1)
            self.press("start")

    def begin(self) -> None:
        """A session of the panel."""
        self.answer()
        self.press("start", seconds=1.2)

    def rows(self) -> list[str]:
        """What the display shows, row by row."""
        return reading.rows(self.screen)

    def large(self) -> list[str]:
        """The large texts, from the left and from the middle."""
        return reading.large(self.screen)


def keep(store: Path, *files: Path) -> None:
    """Put prescriptions into the board that keeps its things there, as `nmes push` does."""
    with Device(VirtualPort(store=store)) as device:
        device.connect()
        for file in files:
            prescriptions.push(device, Prescription.read(file))

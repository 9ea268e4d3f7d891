"""The firmware with its panel, spoken to as hal/virtual.py says: presses, time, and what display and lamps show. Its
link is a port like any other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from nmes.core import buttons, font
from nmes.core.texts import COLUMNS
from opennmes import paths
from opennmes.device import prescriptions
from opennmes.device.client import Device
from opennmes.ports.virtual import VirtualPort, micropython
from opennmes.prescription import Prescription

OUTPUT, READY, FAULT, BUZZER = 1, 2, 4, 8  # of the lamps
PRESS_S, LET_GO_S = 0.08, 0.12
PANEL_OF = {True: "1", False: "0"}  # whether there is a display, as NMES_PANEL has it

_CELL = 128 // COLUMNS
_CHARACTERS = {
    font.GLYPHS[at * font.WIDTH : (at + 1) * font.WIDTH]: character
    for at, character in enumerate([*map(chr, range(32, 127)), *font.MORE])
}


class PanelPort:
    """`lamps` and `pages` as they are now; `lit` is every state of the lamps so far, with its time at the latest."""

    name = "panel"

    def __init__(self, store: Path, *, display: bool = True, **environment: str) -> None:
        """`store`: what the board keeps; `environment`: more of what hal/virtual.py reads."""
        self.lamps = 0
        self.lit: list[tuple[float, int]] = []
        self.pages = [bytes(128)] * 8
        path = [paths.firmware(), paths.boards(), paths.boards() / "virtual"]
        environment |= {"MICROPYPATH": os.pathsep.join(map(str, path)), "NMES_STORE": str(store)}
        environment["NMES_PANEL"] = PANEL_OF[display]
        self._process = subprocess.Popen(
            [micropython(), "-X", "heapsize=4m", str(paths.firmware() / "main.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment},
        )  # fmt: skip
        self._said = b""
        self._now_us = 0

    def write(self, data: bytes) -> None:
        """As a port does."""
        self._tell(data)

    def read(self, timeout_s: float) -> bytes:
        """As a port does: what the link says, as soon as it does."""
        end_us = self._now_us + max(1, round(timeout_s * 1e6))
        while not self._said and self._now_us < end_us:
            self._run(end_us - self._now_us)
        said, self._said = self._said, b""
        return said

    def now_s(self) -> float:
        """Virtual seconds since power on."""
        return self._now_us / 1e6

    def close(self) -> None:
        """The power goes."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _tell(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)

    def _run(self, microseconds: int) -> None:
        assert self._process.stdin and self._process.stdout
        self._tell(b"@run %d\n" % microseconds)
        self._process.stdin.flush()
        while True:
            line = self._process.stdout.readline()
            if line.startswith(b"@at "):
                self._now_us = int(line[4:])
                return
            if line.startswith(b"@page "):
                _, page, pixels = line.split()
                self.pages[int(page)] = bytes.fromhex(pixels.decode())
            elif line.startswith(b"@lamps "):
                self.lamps = int(line[7:])
                self.lit.append((self.now_s(), self.lamps))
            else:
                assert line, "the board has ended"
                self._said += line

    def hold(self, *names: str) -> None:
        """These buttons, and no other, are pressed from now on."""
        self._tell(b"@buttons %d\n" % sum(1 << buttons.NAMES.index(name) for name in names))

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        end_us = self._now_us + round(seconds * 1e6)
        while self._now_us < end_us:
            self._run(end_us - self._now_us)

    def press(self, *names: str, seconds: float = PRESS_S) -> None:
        """Press and let go."""
        self.hold(*names)
        self.pass_s(seconds)
        self.hold()
        self.pass_s(LET_GO_S)

    def answer(self) -> None:
        """From a programme that is shown to where START has to be held."""
        self.press("start")
        while self.rows()[7] in ("stop: not true", "Stopp: nein") and self.rows()[0] not in ("Ready", "Bereit"):
            self.pass_s(1)
            self.press("start")

    def begin(self) -> None:
        """A session of the panel."""
        self.answer()
        self.press("start", seconds=1.2)

    def rows(self) -> list[str]:
        """What the display shows, as the text that it can be read as; large digits are "~"."""
        return [self._row(pixels) for pixels in self.pages]

    def _row(self, pixels: bytes) -> str:
        cells = [pixels[at + 1 : at + 1 + font.WIDTH] for at in range(0, 128, _CELL)]
        return "".join(_CHARACTERS.get(cell, "~") for cell in cells).rstrip()

    def large(self) -> list[str]:
        """The large texts, from the left and from the middle."""
        found = []
        for half in (0, 64):
            text = ""
            for wide in (3, 2):
                text = "".join(
                    self._large_glyph(half + at, wide) for at in range(0, 64 - wide * font.WIDTH, wide * 6)
                ).strip()
                if "~" not in text:
                    break
            found.append(text)
        return [text for text in found if text]

    def _large_glyph(self, at: int, wide: int) -> str:
        columns = []
        for column in range(font.WIDTH):
            bits = 0
            for part in range(4):
                byte = self.pages[1 + part][at + column * wide]
                bits |= (bool(byte & 0x0F) | bool(byte & 0xF0) << 1) << 2 * part
            columns.append(bits)
        return _CHARACTERS.get(bytes(columns), "~")


def keep(store: Path, *files: Path) -> None:
    """Put prescriptions into the board that keeps its things there, as `nmes push` does."""
    with Device(VirtualPort(store=store)) as device:
        device.connect()
        for file in files:
            prescriptions.push(device, Prescription.read(file))

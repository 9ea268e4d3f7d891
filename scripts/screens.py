"""The screens of the panel, as the firmware draws them on the virtual board: `.venv/bin/python scripts/screens.py` puts
them into docs/pictures/ and their section into docs/panel.md; tests/host/test_screens.py compares."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

import marks  # noqa: E402 the path first
from nmes.core import buttons, checklist  # noqa: E402 the path first
from opennmes.device.client import Device  # noqa: E402
from opennmes.device.prescriptions import NOT_STATED, Stated, push  # noqa: E402
from opennmes.ports.face import VirtualFace, click, wait_until  # noqa: E402
from opennmes.ports.reading import lines  # noqa: E402
from opennmes.ports.virtual import VirtualPort  # noqa: E402
from opennmes.prescription import Prescription, library  # noqa: E402
from opennmes.screen import DARK, HEIGHT, LIT, WIDTH, Screen  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
DOCUMENT = ROOT / "docs" / "panel.md"
SCALE = 3  # points of a picture for each pixel of the display, in both directions
MARGIN = 4  # dark pixels around it
DARK_RGB, LIT_RGB = (8, 12, 20), (214, 236, 255)
MARKS = marks.of("screens", "scripts/screens.py")
HEAD = """\
## Pictures of the screens

Each as the firmware draws it on the virtual board; the words under it are read from its pixels.
"""
ONE, TWO = "stress-incontinence-35hz", "abdominal-diastasis"  # one channel, and two
WAITS = ROOT / "docs" / "examples" / "biofeedback.toml"
QUIET_MV, WEAK_MV, TIGHT_MV = 60, 420, 900
PUSHED_S = 1_790_000_000
READ_S = 1.2  # a question has to be there for a second
SETTLED_S = 0.5
WORK = ("Work ", "Anspannen ")
LATER = tuple(f"{word}3 s" for word in WORK)
OPEN_OHM = 10_000_000
MOST_S = 60.0  # what is waited for comes within that


@dataclass(frozen=True)
class Shot:
    """A screen: the name of its file behind `panel-`, and what is to be seen."""

    name: str
    caption: str
    screen: Screen


Shoot = Callable[[str, str], None]  # takes the name and the caption of what is to be seen now


class Person:
    """Somebody at a virtual board that a clinic has given these programmes."""

    def __init__(
        self, store: Path, programmes: Sequence[str] = (), *, language: int = 0, load_ohm: int = 500, stage: str = ""
    ) -> None:
        with Device(VirtualPort(store=store, stage=stage)) as device:
            device.tells_time = False
            device.connect()
            if not language:
                device.set_clock(PUSHED_S)
            for name in programmes:
                stated = NOT_STATED if language else Stated(checklist.VERSION, PUSHED_S, "Dr. A. Example")
                push(device, library.find(name).prescription, stated=stated)
            if stage:
                push(device, Prescription.read(WAITS))
            if language:
                device.request("set", settings={"language": language})
        self.port = VirtualPort(load_ohm=load_ohm, store=store, panel=True, stage=stage)
        self.face = VirtualFace(self.port)
        self.wait(2)

    def shoots(self, found: list[Shot]) -> Shoot:
        """Takes a name and a caption, and adds what is to be seen then to `found`."""
        return lambda name, caption: found.append(Shot(name, caption, self.face.pixels()))

    def wait(self, seconds: float) -> None:
        self.face.wait(seconds)

    def press(self, button: int) -> None:
        """Read what is there, then press."""
        self.wait(READ_S)
        click(self.face, button)
        self.wait(SETTLED_S)

    def hold(self, button: int, *until: str) -> None:
        """Hold a button until one of these words is on the display."""
        self.face.press(button)
        self.shows(*until)
        self.face.press(0)

    def shows(self, *words: str) -> None:
        """Wait until one of these words is on the display. Raises ValueError when none comes."""
        if not wait_until(self.face, lambda: any(word in self.text() for word in words), MOST_S):
            raise ValueError(f"none of {words} came; the display shows:\n{self.text()}")
        self.wait(SETTLED_S)

    def text(self) -> str:
        return "\n".join(lines(self.face.pixels()))

    def answer(self) -> None:
        """Choose what is shown, and say of each question that it is so."""
        self.press(buttons.START)
        self.press(buttons.START)  # who went through the whole list
        for _ in checklist.STOP:
            self.press(buttons.START)

    def begin(self) -> None:
        """All of that, and hold start until the session runs."""
        self.answer()
        self.hold(buttons.START, *WORK)

    def rise(self, to_ma: int, place: int = 0) -> None:
        """Up, while the muscle works, until the large number at that place says so much."""
        while True:
            self.shows(*WORK)
            if lines(self.face.pixels())[1].split()[place] == str(to_ma):
                break
            click(self.face, buttons.UP)
        self.shows(*LATER)


def nothing_there(person: Person, shoot: Shoot) -> None:
    shoot("none", "Nothing has been put onto the device.")
    person.press(buttons.START)
    shoot("no-programme", "Start was pressed all the same.")


def whole_session(person: Person, shoot: Shoot) -> None:
    shoot("choose", "After power-on: the first programme. The button programme shows the next one.")
    person.press(buttons.START)
    shoot("checked", "Who went through the whole checklist with the person when the programme was put there.")
    person.press(buttons.START)
    shoot("question", "The first of the stop-questions of the checklist.")
    person.press(buttons.STOP)
    shoot("said-no", "One of them was not so.")
    person.press(buttons.STOP)
    person.answer()
    shoot("ready", "All of them were so.")
    person.begin()
    person.rise(12)
    person.shows("Rest")
    shoot("rest", "Between two contractions.")
    person.press(buttons.UP)
    shoot("only-in-work", "Up was pressed in the rest: nothing has changed.")
    person.shows("Work 4 s")
    shoot("work", "A contraction.")
    person.press(buttons.START)
    shoot("paused", "Start was pressed: a pause, at zero.")
    person.press(buttons.START)
    person.wait(15 * 60)
    person.shows("Finished")
    shoot("finished", "The programme has come to its end.")
    person.press(buttons.DOWN)
    person.answer()
    person.hold(buttons.START, "Not possible")
    shoot("locked-out", "A session so soon after the last one.")


def two_channels(person: Person, shoot: Shoot) -> None:
    person.begin()
    person.rise(8)
    person.press(buttons.PROGRAMME)
    person.rise(3, place=1)
    shoot("two-channels", "Two channels; up and down are for the one with the mark.")
    person.press(buttons.STOP)
    shoot("stopped", "Stop was pressed.")


def electrode_off(person: Person, shoot: Shoot) -> None:
    person.begin()
    person.shows("Work")
    click(person.face, buttons.UP)
    person.shows("Fault 11")
    shoot("fault", "An electrode has come off.")


def german_electrode(person: Person, shoot: Shoot) -> None:
    person.begin()
    click(person.face, buttons.UP)
    person.shows("Fehler 11")
    shoot("german-electrode", "In German: an electrode has come off.")


def button_stuck(person: Person, shoot: Shoot) -> None:
    person.hold(buttons.UP, "Fault 28")
    shoot("button-stuck", "The button up was held for ten seconds.")


def computer(person: Person, shoot: Shoot) -> None:
    device = Device(person.port)
    device.tells_time = False
    device.connect()
    loaded = device.load(library.find(ONE).prescription.data)
    device.acknowledge()
    device.arm(loaded["programme_crc"])
    device.start()
    device.set_intensity(1_000)
    person.shows("A computer")
    shoot("computer", "A session of a computer. Stop ends it.")


def biofeedback(person: Person, shoot: Shoot) -> None:
    def signal(mv: int, seconds: float = SETTLED_S) -> None:
        person.port.set_signal(mv)
        person.wait(seconds)

    signal(QUIET_MV)
    person.answer()
    person.face.press(buttons.START)
    person.shows("Let go")
    person.face.press(0)
    shoot("biofeedback-let-go", "With a biofeedback input: a threshold is learned, first from the muscle at rest.")
    for turn in range(3):
        person.shows("Tighten")
        signal(TIGHT_MV)
        if not turn:
            shoot("biofeedback-try", "The first of three tries; the bar is the signal.")
        person.shows("Let go", "Rest")
        signal(QUIET_MV)
    person.shows("Tighten")
    shoot("biofeedback-wait", "The threshold is the mark in the middle: the contraction comes when the bar reaches it.")
    signal(WEAK_MV)
    shoot("biofeedback-nearly", "Nearly.")
    signal(TIGHT_MV, 0.2)
    signal(QUIET_MV)
    person.shows(*WORK)
    click(person.face, buttons.UP)
    person.wait(SETTLED_S)
    shoot("biofeedback-work", "It has begun.")
    person.shows("Rest")
    person.shows("Tighten")
    person.port.set_signal(None)
    person.shows("Fault 31")
    shoot("biofeedback-off", "The sensor has come off.")


def in_german(person: Person, shoot: Shoot) -> None:
    shoot("german-choose", "In German: the first programme.")
    person.press(buttons.START)
    shoot("german-checked", "Who went through the whole checklist with the person: nobody has said so.")
    person.press(buttons.START)
    shoot("german-question", "A stop-question.")
    person.press(buttons.PROGRAMME)
    person.press(buttons.PROGRAMME)
    person.begin()
    person.rise(12)
    shoot("german-work", "A contraction.")
    person.hold(buttons.UP, "Fehler")
    shoot("german-fault", "The button up was held for ten seconds.")


# Each with what its board has been given.
STORIES: list[tuple[Callable[[Person, Shoot], None], dict[str, Any]]] = [
    (nothing_there, {}),
    (whole_session, {"programmes": (ONE, TWO)}),
    (two_channels, {"programmes": (TWO,)}),
    (electrode_off, {"programmes": (ONE,), "load_ohm": OPEN_OHM}),
    (button_stuck, {"programmes": (ONE,)}),
    (computer, {"programmes": (ONE,)}),
    (biofeedback, {"stage": "reference-biofeedback"}),
    (in_german, {"programmes": (ONE, TWO), "language": 1}),
    (german_electrode, {"programmes": (ONE,), "load_ohm": OPEN_OHM, "language": 1}),
]


def shots() -> list[Shot]:
    """Every screen, in the order in which the document shows them."""
    found: list[Shot] = []
    for tell, given in STORIES:
        with tempfile.TemporaryDirectory() as folder:
            person = Person(Path(folder) / "board", **given)
            try:
                tell(person, person.shoots(found))
            finally:
                person.face.close()
    return found


def section(found: list[Shot]) -> str:
    """The document's section."""
    parts = [HEAD]
    for shot in found:
        words = " / ".join(row for row in lines(shot.screen) if row)
        parts.append(f"\n**{shot.caption}**\n\n![{words}](pictures/{file_of(shot).name})\n")
    return "".join(parts)


def file_of(shot: Shot) -> Path:
    """Where its picture is."""
    return PICTURES / f"panel-{shot.name}.png"


def written(document: str, found: list[Shot]) -> str:
    """The document with its section as it is now."""
    return marks.put(document, MARKS, section(found))


def draw(screen: Screen, path: Path) -> None:
    """Put a picture of a screen into a file."""
    import numpy as np  # here, as tests of other things import this file too (tests/host/pictures.py)
    from matplotlib.image import imsave

    bits = [[screen.lit(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]
    lit = np.kron(np.pad(np.array(bits, dtype=int), MARGIN), np.ones((SCALE, SCALE), dtype=int))
    imsave(path, np.array([DARK_RGB, LIT_RGB], dtype=np.uint8)[lit], metadata={"Software": "scripts/screens.py"})


def pictured(path: Path) -> Screen | None:
    """The screen that a picture shows; None where it shows none."""
    import numpy as np
    from matplotlib.image import imread

    points = imread(path)[..., 0] > 0.5
    pixels = points[::SCALE, ::SCALE]
    inside = pixels[MARGIN:-MARGIN, MARGIN:-MARGIN]
    whole = np.array_equal(np.kron(np.pad(inside, MARGIN), np.ones((SCALE, SCALE), dtype=bool)), points)
    if not whole or inside.shape != (HEIGHT, WIDTH):
        return None
    return Screen.of_rows("".join(LIT if lit else DARK for lit in row) for row in inside)


def main() -> None:
    found = shots()
    for old in set(PICTURES.glob("panel-*.png")) - set(map(file_of, found)):
        old.unlink()
    for shot in found:
        path = file_of(shot)
        if not path.exists() or pictured(path) != shot.screen:
            draw(shot.screen, path)
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()

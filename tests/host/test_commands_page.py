"""docs/commands.md is what the verbs say, every verb has an example, and every example works as it stands."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bootsel
import captures_for_tests
import preloaded
import pytest
from processes import command, environment, until
from stock_board import StockBoard

import commands_page
from opennmes.cli import main
from opennmes.device import doctor, flashing, locking, prescriptions
from opennmes.device.client import Device
from opennmes.device.doctor import FINE, Finding
from opennmes.ports.open import open_port
from opennmes.prescription import Prescription

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "commands.md"
VERBS = commands_page.verbs()
EXAMPLES = [example for verb, made in VERBS.items() for example in commands_page.examples(verb, made)]
PORT = "/dev/ttyACM0"  # in an example: a board with a stock MicroPython


def test_the_page_is_what_the_verbs_say() -> None:
    assert PAGE.read_text() == commands_page.commands_md(), "run `.venv/bin/python scripts/documents.py`"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_and_every_option_its_words(verb: str) -> None:
    examples = commands_page.examples(verb, VERBS[verb])
    assert examples, f"a line `Example: nmes {verb} ...` is missing in the docstring of {verb}; see commands_page.py"
    assert all(shlex.split(example.line)[:2] == ["nmes", verb] for example in examples)
    for parameter in VERBS[verb].params:
        assert parameter.name == "help" or parameter.help, f"{verb}: {parameter.name}"


@pytest.fixture
def example_text(example_file: Path) -> str:
    """A prescription that is accepted."""
    return example_file.read_text()


def furnish(place: Path, example_text: str) -> None:
    """Put my.toml there, a capture of it, mine.key, and what a virtual board keeps with my.toml in it."""
    (place / "my.toml").write_text(example_text)
    asked = Prescription.read(place / "my.toml").data
    captures_for_tests.write_vcd(
        captures_for_tests.sampled(captures_for_tests.pins_of(asked), 24_000_000), place / "capture.vcd"
    )
    locking.make_key(place / "mine.key")
    with Device(open_port("virtual")) as device:
        device.connect()
        prescriptions.push(device, Prescription.read(place / "my.toml"))


@pytest.fixture(scope="module")
def first_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first test put into `place`, which is copied for the others."""
    return tmp_path_factory.mktemp("first") / "place"


@pytest.fixture
def place(
    tmp_path: Path, first_place: Path, monkeypatch: pytest.MonkeyPatch, virtual_board: None, example_text: str
) -> Iterator[Path]:
    """A folder with what the examples name: my.toml, a capture of it, mine.key, and RPI-RP2, the drive of a chip in
    BOOTSEL that comes back as a board with what it was given in its flash."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "virtual"))
    if not first_place.is_dir():
        furnish(tmp_path, example_text)
        shutil.copytree(tmp_path, first_place)
    shutil.copytree(first_place, tmp_path, dirs_exist_ok=True)
    chip, over = bootsel.Chip(tmp_path / "RPI-RP2"), threading.Event()

    def serve() -> None:
        while not over.wait(0.05) and chip.flash is None:
            chip.look()

    server = threading.Thread(target=serve)
    server.start()
    monkeypatch.setattr(flashing, "_port_again", lambda board, others: PORT)
    monkeypatch.setattr(flashing, "digest", lambda device, image, progress: image.sha256 if chip.flash else "")
    # What the computer lacks on which the tests run is no matter of the example.
    monkeypatch.setattr(doctor, "findings", lambda port: [Finding("python", FINE, "Python")])
    yield tmp_path
    over.set()
    server.join()


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.status is not None], ids=lambda each: each.line)
def test_an_example_works_as_it_stands_and_what_is_no_terminal_gets_no_colours(
    example: commands_page.Example, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = shlex.split(example.line)[1:]
    with contextlib.ExitStack() as boards:
        if PORT in arguments:
            port = boards.enter_context(StockBoard(place).on())
            arguments = [port if argument == PORT else argument for argument in arguments]
        assert main(arguments) == example.status
    assert "\x1b" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.status is None], ids=lambda each: each.line)
def test_an_example_that_runs_until_ctrl_c_does(example: commands_page.Example, place: Path) -> None:
    process = preloaded.start(
        command(*shlex.split(example.line)[1:]), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    until(process.stdout, "\n")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert (process.returncode, said) == (0, b"")
    assert not os.path.islink("my-board")


def test_an_example_that_is_not_there_is_noticed() -> None:
    def without() -> None:
        """Do something."""

    def more() -> None:
        """Do something.

        Example (exit status 1, for that): nmes more --port virtual

        Example (until Ctrl-C): nmes more
        """

    class Made:
        def __init__(self, callback: object) -> None:
            self.callback = callback

    assert commands_page.examples("without", Made(without)) == []
    first, second = commands_page.examples("more", Made(more))
    assert (first.line, first.status, second.status) == ("nmes more --port virtual", 1, None)


def named_in(path: Path) -> list[str]:
    """The command lines that a document shows on lines of their own, or a text names between backquotes."""
    text = path.read_text()
    if path.suffix == ".py":  # strings of several pieces, with what is filled in
        text = re.sub(r'"\s*\n\s*f?"', "", text)
        text = re.sub(r"\{[^{}]*\}", " X ", text)
    shown = re.findall(r"^(?:    )?(nmes [a-z].*)$", text, re.MULTILINE) if path.suffix == ".md" else []
    return [*shown, *(" ".join(line.split()) for line in re.findall(r"`(nmes [a-z][^`]*)`", text))]


DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
SOURCES = [*(ROOT / "host_tools").rglob("*.py"), *(ROOT / "firmware").rglob("*.py")]
NAMED = sorted({(path, line) for path in [*DOCUMENTS, *SOURCES] for line in named_in(path)})


@pytest.mark.parametrize(("path", "line"), NAMED, ids=lambda each: each.name if isinstance(each, Path) else each)
def test_a_command_that_a_document_or_a_message_names_is_one(path: Path, line: str) -> None:
    verb, *arguments = shlex.split(re.split(r" #| \|", line)[0])[1:]
    made: Any = VERBS[verb]
    context = type(made.make_context(verb, [], resilient_parsing=True))(made, info_name=verb)
    # One word more: what a document names without its value has one all the same.
    made.make_parser(context).parse_args(args=[*arguments, "X"])


@pytest.mark.parametrize(
    ("page", "first"),
    [
        ("kept.md", "nmes push my.toml"),
        ("first-waveform.md", "nmes programmes bench-resistor"),
        ("records.md", "nmes log"),
    ],
)
def test_what_a_page_has_somebody_type_works_from_the_first_line_to_the_last(
    page: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, virtual_board: None, example_text: str
) -> None:
    lines = [line.strip().partition(" #")[0] for line in (ROOT / "docs" / page).read_text().splitlines()]
    begin = next(index for index, line in enumerate(lines) if line.startswith(first))
    shown = list(itertools.takewhile(lambda line: line.startswith("nmes "), lines[begin:]))
    assert len(shown) > 1
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "virtual"))
    (tmp_path / "my.toml").write_text(example_text)
    for line in shown:
        verb, *arguments = shlex.split(line)[1:]
        board = [] if verb == "programmes" else ["--port", "virtual"]
        agreed = {"run": ["--acknowledge"], "reset": ["--yes"]}.get(verb, [])
        assert main([verb, *arguments, *board, *agreed]) == 0, line

"""Every command that README, CONTRIBUTING and docs show in a block is run by a test, or stands here with the reason why
none does; so are README's prescription and its Python."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from opennmes import paths
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.device.client import Device
from opennmes.ports.open import open_port
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text()
LANGUAGES = {"sh", "text", "toml", "python", ""}
COMMAND = re.compile(r"(?:[A-Z]+=\S+ )*(?:nmes|make|git|python3?|pipx?|mpremote|\.venv/bin/\w+) ")

# Tests that read a page and run what its blocks show.
HERE = "tests/host/test_command_blocks.py::test_a_line_of_a_page_works_on_the_virtual_board"
LOCK = "tests/host/test_command_blocks.py::test_lock_md_works_from_the_first_line_to_the_last"
EXAMPLE = "tests/host/test_commands_page.py::test_an_example_works_as_it_stands_and_what_is_no_terminal_gets_no_colours"
IN_ORDER = "tests/host/test_commands_page.py::test_what_a_page_has_somebody_type_works_from_the_first_line_to_the_last"
WITNESS = "tests/chip/test_acceptance.py::test_the_command_of_verify_md_judges_a_bare_board"
VERIFY = "tests/host/test_verify_document.py::test_a_command_works_as_it_stands"
BARE = "tests/chip/test_bare.py::test_what_readme_says_with_nothing_but_a_board_and_two_wires"
DEMO = "tests/chip/test_demo.py::test_the_demo_says_what_is_in_pins_vcd"
WHEEL = "tests/host/test_wheel.py::test_every_verb_is_there_and_a_board_is_pushed_to_and_tested"

PAGES_RUN_BY = {
    "docs/commands.md": EXAMPLE,
    "docs/kept.md": IN_ORDER,
    "docs/lock.md": LOCK,
    "docs/records.md": IN_ORDER,
    "docs/run.md": HERE,
}
# Of the other pages each line: the test that runs it, or the reason why none does.
LINES = {
    "README.md": {
        "make demo": DEMO,
        "make dist": WHEEL,
        "nmes check my.toml": HERE,
        "nmes run my.toml --port virtual --intensity 5 --seconds 2 --acknowledge": HERE,
        "nmes flash --board pico --stage bare": BARE,
        "nmes programmes bench-pins --write bench-pins.toml": BARE,
        "nmes run bench-pins.toml --seconds 10": BARE,
    },
    "docs/biofeedback.md": {
        "nmes flash --stage reference-biofeedback": "as with any other stage: test_what_readme_says_… flashes bare",
        "nmes check docs/examples/biofeedback.toml --stage reference-biofeedback": "tests/host/test_biofeedback.py::"
        "test_the_command_line_knows_the_stage",
        "nmes panel docs/examples/biofeedback.toml --stage reference-biofeedback": "tests/host/"
        "test_panel_biofeedback.py::test_the_line_of_the_page_opens_it",
    },
    "docs/verify.md": {
        "nmes verify --witness /dev/ttyACM1 --port /dev/ttyACM0 --output acceptance": WITNESS,
    },
    "docs/boards.md": {
        "make firmware": "builds for minutes; tests/chip/test_other_boards.py builds two of the images the same way",
    },
    "docs/calibration.md": {
        "nmes calibrate --ohm 499 --tolerance 0.1": "needs a person with a resistor and a scope: test_calibrate.py "
        "gives the readings",
        "nmes calibrate": "needs a person with a resistor and a scope: test_calibrate.py goes on where it stopped",
        "nmes calibrate --show": HERE,
        "nmes calibrate --undo": HERE,
    },
    "docs/campaign.md": {
        "make campaign": "takes minutes on all cores: test_campaign.py runs parts of it",
        "make campaign SEED=632": "takes minutes: test_campaign.py runs cases by their seed",
        "make campaign OPTIONS='--cases 20000 --chip 40 --first 100000'": "takes hours on all cores",
        "make campaign PARALLEL='--sshlogin :,one,two'": "needs two other machines: test_two_machines.py makes some up",
        "make machines": "takes minutes: test_two_machines.py runs it with 14 cases",
    },
    "docs/first-waveform.md": {
        "nmes flash --board pico --stage bare": BARE,
        "nmes programmes bench-pins --write bench-pins.toml": BARE,
        "nmes run bench-pins.toml --seconds 10": BARE,
        "nmes flash --board pico": "needs a real board: tests/chip/test_flash_verb.py flashes the emulated one",
        "nmes programmes bench-resistor --write bench-resistor.toml": IN_ORDER,
        "nmes run bench-resistor.toml --seconds 10": IN_ORDER,
    },
}


def blocks(page: Path) -> list[tuple[str, list[str]]]:
    """The fenced blocks of a page: language and lines."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [(language, text.splitlines()) for language, text in found]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands_of(page: Path) -> list[str]:
    """The commands of a page's blocks, without what is said beside them."""
    lines = [line for language, text in blocks(page) if language == "sh" for line in text]
    return [shown for line in lines if (shown := line.partition(" #")[0].strip())]


SHOWN = [(name_of(page), line) for page in PAGES for line in commands_of(page)]
MAKE = sorted({line for _, line in SHOWN if line.startswith("make ")})


def run_by(page: str, line: str) -> str | None:
    """The test that runs a line of a page, or the reason why none does."""
    if page == "docs/verify.md" and "--witness" not in line:
        return VERIFY
    return PAGES_RUN_BY.get(page) or LINES.get(page, {}).get(line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_stand_in_blocks_that_say_so(page: Path) -> None:
    assert {language for language, _ in blocks(page)} <= LANGUAGES
    other = [line for language, text in blocks(page) if language != "sh" for line in text]
    indented = re.findall(r"^ {4}(\S.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
    assert [line for line in (*other, *indented) if COMMAND.match(line)] == []


def test_every_command_of_a_block_is_run_by_a_test_or_has_a_reason() -> None:
    assert len(SHOWN) > 40
    assert [shown for shown in SHOWN if run_by(*shown) is None] == []
    assert [(page, line) for page, lines in LINES.items() for line in lines if (page, line) not in SHOWN] == []


@pytest.mark.parametrize(("page", "test"), sorted({(page, run_by(page, line) or "") for page, line in SHOWN}))
def test_a_test_that_is_named_here_is_there_and_reads_the_page(page: str, test: str) -> None:
    file, _, name = test.partition("::")
    if not name:
        return  # a reason
    text = (ROOT / file).read_text()
    assert f"def {name}(" in text
    assert Path(page).name in text or test in (HERE, DEMO, WHEEL)  # these two run what `make` does


@pytest.mark.parametrize("line", MAKE)
def test_make_knows_what_a_page_has_it_make(line: str) -> None:
    said = subprocess.run([*shlex.split(line), "--dry-run"], capture_output=True, text=True, cwd=ROOT)
    assert said.returncode == 0, said.stderr


def test_make_alone_says_what_there_is_and_where_to_begin() -> None:
    # As at a prompt: within `make test` it would say in which folder it is.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(["make"], capture_output=True, text=True, cwd=ROOT, check=True, env=environment).stdout
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [target for target in targets if not re.search(rf"^{target} +\S", said, re.MULTILINE)] == []
    assert "make demo" in said.splitlines()[0] and max(map(len, said.splitlines())) <= 120


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, virtual_board: None) -> Path:
    """A folder with README's prescription as my.toml, and a virtual board that keeps what it is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "virtual"))
    (tmp_path / "my.toml").write_text(prescription_of_readme())
    return tmp_path


def prescription_of_readme() -> str:
    (text,) = ["\n".join(lines) for language, lines in blocks(PAGES[0]) if language == "toml"]
    return text + "\n"


def on_the_virtual_board(line: str) -> int:
    """The exit status of a page's line; of a session its first two seconds."""
    verb, *arguments = shlex.split(line)[1:]
    if verb not in ("check", "sign") and "--port" not in arguments:
        arguments += ["--port", "virtual"]
    if verb == "run" and "--seconds" not in arguments:
        arguments += ["--acknowledge", "--seconds", "2"]
    return main([verb, *arguments])


@pytest.mark.parametrize("line", sorted({line for page, line in SHOWN if run_by(page, line) == HERE}))
def test_a_line_of_a_page_works_on_the_virtual_board(line: str, place: Path) -> None:
    assert on_the_virtual_board(line) == 0


def test_lock_md_works_from_the_first_line_to_the_last(place: Path) -> None:
    lines = commands_of(ROOT / "docs" / "lock.md")
    assert [shlex.split(line)[1] for line in lines] == ["lock", "status", "push", "sign", "push", "unlock"]
    for line in lines[:3]:
        assert on_the_virtual_board(line) == 0, line
    # Another prescription, signed for this very device: "elsewhere" is here.
    other = prescription_of_readme().replace("Stress incontinence", "Other")
    (place / "my.toml").write_text(other)
    with Device(open_port("virtual")) as device:
        identity = device.connect()
    uid, counter = re.findall(r"--device (\w+) --counter (\d+)", lines[3])[0]
    signed = lines[3].replace(uid, identity["uid"]).replace(f"counter {counter}", f"counter {identity['counter']}")
    for line in (signed, *lines[4:]):
        assert on_the_virtual_board(line) == 0, line
    with Device(open_port("virtual")) as device:
        assert device.connect()["locked_by"] == ""
        titles = [device.request("list", after=after)["title"] for after in (0, 1)]
    assert "Other, 50 Hz" in titles


def test_the_prescription_of_readme_is_accepted() -> None:
    made = Prescription.from_text(prescription_of_readme(), paths.PROGRAMMES / "readme.toml")
    assert assess(made.data, stage_of("pico")).reasons == []


def test_the_python_of_readme_runs(place: Path) -> None:
    (text,) = ["\n".join(lines) for language, lines in blocks(PAGES[0]) if language == "python"]
    assert len([line for line in text.splitlines() if line.startswith("    ")]) == 7
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=place)
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(r"[1-9]\d* pulses\n", ran.stdout)

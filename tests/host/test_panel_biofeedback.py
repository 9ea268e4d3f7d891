"""nmes panel on the stage with a biofeedback input: somebody without any hardware tries the example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import processes
import pytest

from nmes.core import checklist
from opennmes.cli import main, panel
from opennmes.cli.panel_text import TextPanel
from opennmes.cli.panel_words import Sensor
from opennmes.ports.face import Face
from opennmes.prescription import Prescription

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "biofeedback.toml"
STAGE = "reference-biofeedback"
LINE = f"nmes panel docs/examples/biofeedback.toml --stage {STAGE}"
BEGIN = ["wait 1", *["start", "wait 1"] * (2 + len(checklist.STOP)), "hold", "wait 3"]
LEARN = ["tighten", "wait 3", "relax", "wait 3"] * 3


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., list[str]]:
    """Types lines at the panel of a board that has the example, in its own time. Returns what is said."""

    def type_at(prescription: Prescription, *lines: str) -> list[str]:
        face: Face = panel._virtual(500, [prescription], tmp_path, STAGE)
        said: list[str] = []
        come = iter([*lines, "quit"])
        try:
            TextPanel(face, said.append, face.now_s, lambda seconds: None, Sensor()).run(lambda: next(come))
        finally:
            face.close()
        return said

    return type_at


def test_the_example_from_its_first_question_to_a_contraction(typed: Callable[..., list[str]]) -> None:
    said = typed(
        Prescription.read(EXAMPLE), *BEGIN, *LEARN, "wait 3", "signal 250", "wait 1", "", "tighten", "wait 0.3",
        "relax", "up", "up", "wait 2", "stop",
    )  # fmt: skip
    for words in ("Try 1 of 3", "Try 2 of 3", "Try 3 of 3", "Tighten 20 s", "[###....|......]", "Tighten, and..."):
        assert words in said, said
    assert said.count("Work 4 s") == 1, "one contraction was asked for"
    assert said.index("[###....|......]") < said.index("Work 4 s")
    assert "2 mA" in said and said[-2] != "Fault 31" and "Stopped" in said


def test_a_bar_that_moves_is_not_said_until_somebody_asks(typed: Callable[..., list[str]]) -> None:
    text = EXAMPLE.read_text().replace("threshold_mv = 0 ", "threshold_mv = 500 ")
    moved = [word for mv in range(100, 500, 20) for word in (f"signal {mv}", "wait 0.5")]
    said = typed(Prescription.from_text(text, EXAMPLE), *BEGIN, *moved)
    bars = [line for line in said if line.startswith("[")]
    assert len(bars) == 1, bars


def test_the_hand_switch_starts_a_contraction(typed: Callable[..., list[str]]) -> None:
    text = EXAMPLE.read_text().replace('"signal"', '"switch"').replace("threshold_mv = 0 ", "# ")
    said = typed(Prescription.from_text(text, EXAMPLE), *BEGIN, "wait 1", "switch", "wait 1")
    assert said.count("Work 4 s") == 1


def test_a_sensor_that_is_off_is_named(typed: Callable[..., list[str]]) -> None:
    said = typed(Prescription.read(EXAMPLE), *BEGIN, "signal off", "wait 4")
    assert "sensor: off" in said and "Fault 31" in said


def test_what_is_no_word_says_which_there_are_for_the_sensor_too(typed: Callable[..., list[str]]) -> None:
    said = typed(Prescription.read(EXAMPLE), "signal", "signal 3.2", "signal 9999", "squeeze")
    assert [line for line in said if "is none of the words" in line] == [
        f"{word!r} is none of the words: start, hold, up, down, stop, programme, tighten, relax, signal MILLIVOLTS, "
        "signal off, switch, wait SECONDS, quit"
        for word in ("signal", "signal 3.2", "squeeze")
    ]
    assert "signal: 3300 mV" in said


def test_the_line_of_the_page_opens_it(virtual_board: None) -> None:
    assert LINE in (ROOT / "docs" / "biofeedback.md").read_text()
    done = processes.ran("panel", EXAMPLE, "--stage", STAGE, "--text")
    assert done.returncode == 0 and "The sensor's signal: tighten" in done.stdout, done.stderr


def test_without_that_stage_it_says_which_option_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["panel", str(EXAMPLE), "--text"]) == 2
    assert f"add --stage {STAGE}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--stage", "bare"], 2, "it drives: reference, reference-biofeedback"),
        (["--stage", "bare", "--emulate"], 2, "pins only"),
        (["--stage", "none"], 2, 'drives no output stage "none"'),
    ],
)
def test_a_stage_without_a_panel_is_refused(
    options: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["panel", "--text", *options]) == status
    assert words in capsys.readouterr().err

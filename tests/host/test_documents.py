"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import boards_page
import documents
import limits_table
import panel_table
import prescription_tables
import protocol_page
from nmes import display, patient
from nmes.core import buttons, command_words, commands, delivery, dialogue, faults, frame, limits, session, trigger
from nmes.hal.common import LOOKAHEAD_US
from opennmes.boards import about, load_board, load_stage, stage_of
from opennmes.prescription import Prescription, keys
from opennmes.prescription.assessment import assess

ROOT = Path(__file__).resolve().parents[2]
PAGES = [f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))]
SAFETY = (ROOT / "docs" / "safety.md").read_text()


@pytest.mark.parametrize(
    "words",
    [
        f"up by at most {session.STEP_MAX_UA // 1000} mA every {session.STEP_EVERY_MS} ms",
        f"at most {LOOKAHEAD_US // 1000} ms",
        f"after {session.HOST_LOST_MS // 1000} s it fades to zero within {session.FADE_MS // 1000} s",
    ],
)
def test_safety_md_has_the_times_of_the_code(words: str) -> None:
    assert words in re.sub(r"\s+", " ", SAFETY)


def test_safety_md_has_the_limits_of_the_code() -> None:
    assert limits_table.written(SAFETY) == SAFETY, "run `.venv/bin/python scripts/documents.py`"


def test_boards_md_has_the_boards_as_they_are() -> None:
    page = (ROOT / "docs" / "boards.md").read_text()
    assert boards_page.written(page) == page, "run `.venv/bin/python scripts/documents.py`"
    # Nothing has met silicon, and what was tried is said of each board.
    assert boards_page.SILICON == "nothing" and "No board has been seen on silicon" in page
    for name in boards_page.names():
        board = load_board(name)
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {board['title']} | `{name}` |")]
        assert ("resistors alone" in row) == bool(board.get("dummy_only"))
        assert ("**nothing**" in row) == (not about(name)["run"])


def test_panel_md_has_the_table_and_the_figures_of_the_code() -> None:
    page = (ROOT / "docs" / "panel.md").read_text()
    assert panel_table.written(page) == page, "run `.venv/bin/python scripts/documents.py`"
    text = re.sub(r"\s+", " ", page)
    for words in (
        f"own maximum may be lost: {panel_table.cleared()}.",
        f"or for {buttons.STUCK_MS // 1000} s; start for {buttons.STUCK_START_MS // 1000} s",
        f"opens and closes {buttons.CHATTER_EDGES} times within a second",
        f"comes more than {patient.LATE_MS} ms later than it is due",
        f"looks for it every {'five' if display.LOOK_AGAIN_MS == 5_000 else '?'} seconds",
        f"A **pause** of more than {'ten' if dialogue.PAUSE_MOST_MS == 600_000 else '?'} minutes ends the session",
        f"not followed up within {'two' if dialogue.ANSWER_MS == 120_000 else '?'} minutes",
    ):
        assert words in text, words
    for number in (faults.BUTTON_STUCK, faults.BUTTON_CHATTER, faults.BUTTON_SHORT, faults.LOOP_LATE):
        assert f"| {number} `{faults.name(number)}` |" in page
    assert (buttons.CHATTER_MS, buttons.SHORT_EDGES, buttons.SAMPLES, buttons.HOLD_MS) == (1_000, 6, 3, 1_000)


def test_hardware_md_has_the_imbalance_of_the_stage() -> None:
    hardware = (ROOT / "docs" / "hardware.md").read_text()
    assert f"differ by at most {load_stage('reference')['imbalance_ppm'] / 10_000:g} %" in hardware


def test_prescriptions_md_has_the_keys_and_the_library_of_the_code() -> None:
    document = prescription_tables.DOCUMENT.read_text(encoding="utf-8")
    assert prescription_tables.written(document) == document, "run `.venv/bin/python scripts/documents.py`"


def test_the_example_of_prescriptions_md_is_accepted_and_says_everything() -> None:
    text = prescription_tables.DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    made = Prescription.from_text(text, prescription_tables.DOCUMENT)
    assert assess(made.data, stage_of("pico")).accepted
    assert set(made.about) == {"site", "patient", "schedule", "sources"}


def made_of_examples(*left_out: str, without: str = "trigger") -> str:
    """A file of the examples of all keys but those, and of all tables but one: a trigger goes with no second channel,
    and nothing else than channel 0 at once."""
    parts = []
    for table in keys.TABLES:
        if table.name == without:
            continue
        name = f"[[{table.name}]]" if table.most else f"[{table.name}]" if table.name else ""
        lines = [f"{key} = {value}" for key, value in prescription_tables.EXAMPLES[table.name].items()]
        parts += [name, *[line for line in lines if line.split()[0] not in left_out]]
    return "\n".join(parts) + "\n"


CHANGES = ("frequency_to_hz", "pulse_width_to_us", "change_s", "change")


@pytest.mark.parametrize("left_out", [("burst_pulses", "burst_frequency_hz", "pulses"), (*CHANGES, "pulses"), CHANGES])
def test_the_examples_of_the_keys_are_accepted_together(left_out: tuple[str, ...]) -> None:
    made = Prescription.from_text(made_of_examples(*left_out), prescription_tables.DOCUMENT)
    assert assess(made.data, stage_of("pico")).reasons == []


def test_the_examples_of_a_trigger_are_accepted_too_on_a_stage_that_can() -> None:
    text = made_of_examples(*CHANGES, "burst_pulses", "burst_frequency_hz", "pulses", without="channel")
    made = Prescription.from_text(text, prescription_tables.DOCUMENT)
    assert set(made.data["trigger"]) == {*trigger.FIELDS, "source", "on_timeout"}
    assert assess(made.data, stage_of("pico", "reference-biofeedback")).reasons == []
    assert [made["code"] for made in assess(made.data, stage_of("pico")).reasons] == ["no_biofeedback"]


def test_every_key_has_what_it_is_its_range_and_an_example() -> None:
    declared = {table.name: set(table.keys) for table in keys.TABLES}
    assert {name: set(examples) for name, examples in prescription_tables.EXAMPLES.items()} == declared
    assert all(key.what for table in keys.TABLES for key in table.keys.values())


def test_no_limit_of_the_code_is_missing_in_the_table() -> None:
    declared = {name for name in vars(limits) if "_MAX_" in name and not name.startswith("_")}
    source = (ROOT / "scripts" / "limits_table.py").read_text()
    assert declared and {name for name in declared if f"limits.{name}" not in source} == set()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *PAGES])
def test_links_between_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_faults_md_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "faults.md").read_text() == documents.faults_md(), "run python scripts/documents.py"


def test_protocol_md_is_what_the_code_says() -> None:
    document = (ROOT / "docs" / "protocol.md").read_text()
    assert document == protocol_page.protocol_md(), "run python scripts/documents.py"


def test_protocol_md_says_what_every_argument_and_every_field_is() -> None:
    named = {
        *session.CHANNEL_FIELDS,
        *delivery.ACCOUNT_FIELDS,
        *faults.RECORD_FIELDS,
        "trigger",
        *trigger.STATUS_FIELDS,
    }
    for made in commands.COMMANDS.values():
        named |= {*made.arguments, *made.fields}
    assert named == set(command_words.FIELDS)


def test_every_command_is_since_a_version_of_the_protocol() -> None:
    assert set(command_words.FIRST) <= set(commands.COMMANDS)
    assert list(command_words.VERSIONS) == list(range(1, commands.PROTOCOL + 1))


def test_the_lines_of_protocol_md_are_whole() -> None:
    request, answer = protocol_page.protocol_md().split("```\n")[1].splitlines()
    assert commands.check_arguments("intensity", frame.decode(request.encode())) == []
    assert set(frame.decode(answer.encode())) == {"seq", "ok", *commands.COMMANDS["intensity"].fields}

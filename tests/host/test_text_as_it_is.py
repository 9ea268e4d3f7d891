"""What nmes shows: every figure whole at any width, and text of others as it is, with nothing in it hidden."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import preloaded
import pytest
from processes import command, environment, ran
from rich.table import Table
from terminals import all_shown, at_terminal, new_terminal

import commands_page
from opennmes.cli import main
from opennmes.cli.output import print_table, words
from opennmes.visible import hidden, visible

NAMES = [
    "warm up slowly",
    "first block",
    "2nd block of work",
    "third",
    "long pause",
    "骨盆底 4",
    "[red] \\",
    "cool down",
]

EIGHT = 'title = "Eight phases"\nelectrode = {kind = "KIND", area_cm2 = 9.0}\nlimits.max_current_ma = 12.3\n' + "".join(
    f"[[phase]]\nname = '{name}'\nfrequency_hz = {35 + n}\npulse_width_us = {200 + 3 * n}\nwork_s = 5\nrest_s = 10\n"
    "duration_min = 3\n"
    for n, name in enumerate(NAMES)
)
DANGEROUS = [
    *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u00a0", "\u00ad", "\u200b", "\u200e", "\u200f", "\u202a",
    "\u202e", "\u2028", "\u2029", "\u2066", "\u2069", "\ufeff", "\u061c", "\ud800", "\udc80", "\U000e0041", "\u3164",
    "\u115f", "\u2800", "\ue000", "\uffff",
]  # fmt: skip


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def plain(text: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, *arguments: str) -> str:
    """What nmes shows on a terminal of so many columns, without its colours."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(list(arguments)) == 0
    monkeypatch.undo()
    return plain(terminal.getvalue())


def numbers(value: Any) -> Iterator[str]:
    """Every number in JSON as it is shown."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield f"{value:.4g}"


@pytest.fixture
def eight(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "eight.toml"
    path.write_text(EIGHT.replace("KIND", request.param), encoding="utf-8")
    return path


def in_json(file: Path, *options: str) -> Any:
    return json.loads(ran("check", file, "--json", *options).stdout)


@pytest.mark.parametrize("verb", ["", *commands_page.verbs()])
def test_no_name_and_no_word_of_the_help_is_cut_at_any_width(monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    made = commands_page.verbs()
    names = {option for each in made[verb].params for option in each.opts if option[0] == "-"} if verb else {*made}
    summaries = [] if verb else [commands_page.summary(each) for each in made.values()]
    for columns in (20, 40, 60, 80, 120, 200):
        text = on_a_terminal(monkeypatch, columns, *([verb] if verb else []), "--help")
        assert names <= set(re.findall(r"[\w-]+", text)), (columns, text)
        assert "…" not in text, (columns, text)
        for summary in summaries:
            assert summary in " ".join(text.split()), (columns, text)


@pytest.mark.parametrize("verb", ["check", "push", "run", "diff", "sign"])
def test_with_no_color_an_error_on_a_terminal_has_no_colour(verb: str) -> None:
    colours = []
    for more in ({}, {"NO_COLOR": "1"}):
        key = ("--key", "no.key", "--device", "e6", "--counter", "1") if verb == "sign" else ()
        with at_terminal(verb, "no-such.toml", *key, **more) as person:
            person.ends()
            assert "nmes:" in person.sees("nmes: ")[1]
            colours.append(re.findall(r"\x1b\[[0-9;]*3[0-9]m", person.raw))
    assert colours[0] and not colours[1]


@pytest.mark.parametrize("eight", ["probe", "pads"], indirect=True)
def test_no_figure_is_cut_at_any_width(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = in_json(eight, "--specification")
    shown = {
        *numbers(said["phases"]),
        *numbers(said["specification"]["phases"]),
        *numbers(said["specification"]["unit"]),
    }
    shown -= {*numbers([phase["channel"] for phase in said["specification"]["phases"]])}
    assert len(shown) > 100
    for columns in (*range(20, 50), *range(50, 201, 10), 79, 81, 230):
        text = on_a_terminal(monkeypatch, columns, "check", str(eight), "--specification")
        found = set(re.findall(r"(?<![\w.])-?\d[\w.+-]*", text))
        found |= {number.rstrip(".,") for number in found}
        assert shown <= found, (columns, sorted(shown - found))
        assert "…" not in text and "..." not in text
        for name in NAMES:
            assert " ".join(name.split()) in " ".join(re.sub("[│┃]", " ", text).split()), (columns, name)


@pytest.mark.parametrize("eight", ["probe"], indirect=True)
def test_a_table_that_has_room_is_one_and_another_is_turned(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "r.m.s. current, limit 50 mA\n  warm up slowly: 1.455 mA\n" in on_a_terminal(
        monkeypatch, 60, "check", str(eight)
    )
    wide = on_a_terminal(monkeypatch, 240, "check", str(eight))
    assert re.search(r"│ r\.m\.s\. current +│ +50 │ +1\.455 │", wide)
    assert max(map(len, wide.splitlines())) <= 240


@pytest.mark.parametrize("columns", [None, "20", "40", "80"])
@pytest.mark.parametrize("eight", ["probe"], indirect=True)
def test_a_pipe_has_no_width(eight: Path, columns: str | None) -> None:
    wide = {key: value for key, value in environment().items() if key != "COLUMNS"} | {"PYTHONUTF8": "1"}
    wide |= {} if columns is None else {"COLUMNS": columns}
    said = subprocess.run(command("check", eight), env=wide, capture_output=True, encoding="utf-8").stdout
    row = next(line for line in said.splitlines() if "r.m.s. current " in line)
    figures = [f"{phase['figures']['irms_ma']:.4g}" for phase in in_json(eight)["phases"]]
    assert re.findall(r"[\d.]+\d", row) == ["50", *figures]


@pytest.mark.parametrize("columns", [20, 40, 80])
@pytest.mark.parametrize("eight", ["probe"], indirect=True)
def test_no_figure_is_cut_on_a_real_terminal(eight: Path, columns: int) -> None:
    master, slave = new_terminal(24, columns)
    wide = {key: value for key, value in environment().items() if key not in ("COLUMNS", "LINES")}
    process = preloaded.start(command("check", eight), env=wide, stdout=slave)
    os.close(slave)
    said = all_shown(master)
    assert process.wait() == 0
    text = plain(said.decode())
    for phase in in_json(eight)["phases"]:
        for value in phase["figures"].values():
            assert re.search(rf"(?<![\d.]){re.escape(f'{value:.4g}')}(?![\d.])", text), (phase["name"], value)


def test_any_table_is_turned_without_losing_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["{'channel': 0, 'measured_ua': 123456789}", "[bold]x[/]", "\\", "0.123456789"]
    for columns in range(20, 201, 7):
        terminal = Terminal()
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("sys.stdout", terminal)
        table = Table(show_header=False, title=words("board [red] at \x1b]0;x\x07"))
        for cell in cells:
            table.add_row("key", words(cell))
        print_table(table, [(f"key: {cell}", []) for cell in cells])
        text = " ".join(plain(terminal.getvalue()).split())
        assert all(" ".join(cell.split()) in text for cell in cells), columns
        assert "<U+001B>]0;x<U+0007>" in text.replace(" ", "")


# ---- as it is ----


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("on:off :100: x :a:", ":smile:"),
        ("title [red] \\", "work\\"),
        ("[/] [bold]x[/bold] [link=x]", "[/red]"),
        ("\\[red] \\\\ \\", "\\\\"),
        ("costs $5 or $6", "$x$"),
        ("%s {0} {x} %(a)s", "{}"),
        ("骨盆底 سلس שלום", "हिन्दी"),
        ("https://example.org/a?b=c", "1e3 0x1F None"),
    ],
)
def test_a_title_and_a_name_are_shown_as_they_are(
    title: str,
    name: str,
    example: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "example.toml"
    text = example.replace('"Stress incontinence, 35 Hz"', f"'{title}'").replace('"work"', f"'{name}'")
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file), "--specification"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{title}: accepted")
    assert f" {name} ┃" in said and f"phase {name}, at" in said
    assert on_a_terminal(monkeypatch, 200, "check", str(file)).startswith(f"{title}: accepted")
    file.write_text(text.replace("frequency_hz = 35", "frequency_hz = 200"), encoding="utf-8")
    assert main(["check", str(file)]) == 1
    assert f'phase "{name}": frequency_hz is 200 Hz' in capsys.readouterr().out


@pytest.mark.parametrize("character", DANGEROUS, ids=lambda character: f"U+{ord(character):04X}")
def test_a_hidden_character_is_made_visible(character: str) -> None:
    assert hidden(character)
    assert visible(f"a{character}b\\") == f"a<U+{ord(character):04X}>b\\"
    assert words(f"a{character}b [red]:100:").plain == f"a<U+{ord(character):04X}>b [red]:100:"


def test_what_can_be_seen_stays() -> None:
    text = "Rééducation périnéale 骨盆底 سلس שלום e\u0301 µΩ ✓ 😀 “x” \\ [red] :100: $5 _a ^b"
    assert visible(text) == text


@pytest.mark.parametrize("character", [c for c in DANGEROUS if c != "\0" and not "\ud800" <= c <= "\udfff"])
def test_nothing_hidden_reaches_the_screen_from_a_key_a_value_or_a_file_s_name(
    character: str, example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    escaped = f"\\u{ord(character):04X}" if ord(character) < 0x1_0000 else f"\\U{ord(character):08X}"
    file = tmp_path / f"x{character.replace('/', '')}.toml"
    file.write_text(
        f'"[red]{escaped}[2Jkey" = 1\n' + example.replace("Stress", escaped).replace('"work"', f'"{escaped}"')
    )
    number = f"<U+{ord(character):04X}>"
    for arguments in (
        ["check", str(file)],
        ["plot", str(file), "-o", "x.png"],
        ["run", str(file), "--port", "virtual"],
    ):
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert f"x{number}.toml cannot be understood" in said.err
        assert f"[red]{number}[2Jkey: is not known" in said.err and f'is "{number}"' in said.err
        assert character == "\n" or character not in said.out + said.err
    assert main(["check", str(file), "--json"]) == 2
    out = capsys.readouterr().out
    assert character == "\n" or character not in out
    assert json.loads(out)["reasons"][0]["parameter"] == f"[red]{character}[2Jkey"


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "--port", "\x1b]0;owned\x07\u202e"],
        ["check", "\x1b[2J\u202e.toml"],
        ["check", "x.toml", "\x1b[2J\u202e"],
        ["check", "--\x1b[2J\u202e"],
        ["\x1b[2J\u202e"],
        ["run", "x.toml", "--port", "virtual", "--intensity", "\x1b[2J\u202e"],
        ["check", "x.toml", "--board", "\x1b[2J\u202e"],
        ["plot", "x.toml", "-o", "\x1b[2J\u202e.gif"],
        ["emulate", "--link", "/none/\x1b[2J\u202e"],
    ],
)
def test_nothing_hidden_reaches_the_screen_from_the_command_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) in (1, 2)
    said = capsys.readouterr()
    assert not set("\x1b\x07\u202e") & set(said.out + said.err)
    assert re.search(r"U\+202E|\\u202e", said.err) and "bug" not in said.err


def test_json_is_ascii_and_says_the_same(example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "example.toml"
    file.write_text(example.replace("Stress", "骨盆底 \\\\ é"), encoding="utf-8")
    assert main(["check", str(file), "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)["title"] == "骨盆底 \\ é incontinence, 35 Hz"


def test_no_verb_uses_markup() -> None:
    folder = Path(__file__).resolve().parents[2] / "host_tools" / "opennmes"
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "rich.markup" not in text, f"{path}: consoles know no markup; use output.words"
        assert not re.search(
            r"\[/?(?:bold|dim|red|green|yellow|/)[ \]a-z]*\]",
            text.replace("[/]", "[bold]") if "cli" in path.parts else "",
        ), path

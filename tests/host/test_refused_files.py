"""Files that people write and that are no prescription yet: the line, the reason that is the reason, and what to write.

Each is the example with one mistake that people make: those of other languages, other formats and word processors.
"""

from __future__ import annotations

import json
import os
import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennmes import files, paths
from opennmes.cli import main
from opennmes.prescription import Prescription, PrescriptionError, Problem
from opennmes.prescription.places import Places


def problems(tmp_path: Path, text: str | bytes) -> list[Problem]:
    path = tmp_path / "prescription.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PrescriptionError) as caught:
        Prescription.read(path)
    return caught.value.problems


def with_value(example: str, key: str, value: str) -> tuple[str, int]:
    """The example with another value of a key, and the line of that key."""
    text, count = re.subn(rf"(?m)^{key} = [^#\n]*", lambda _: f"{key} = {value}", example)
    assert count == 1
    return text, next(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(f"{key} "))


VALUES = [
    ("title", '"Stress incontinence, 35\u00a0Hz"', "character 24 is U+00A0 NO-BREAK SPACE", "write an ordinary space"),
    ("title", '"   "', 'is "   ", which nobody can see', "write what it is called"),
    ("title", '"a\u202eb"', "U+202E RIGHT-TO-LEFT OVERRIDE", "leave it out"),
    ("title", '"a\u200bb"', "U+200B ZERO WIDTH SPACE", "leave it out"),
    ("title", '"a\u3164b"', "U+3164 HANGUL FILLER", "leave it out"),
    ("title", '"a\\nb"', "character 2 is U+000A", "an ordinary space"),
    ("title", '"a\tb"', "character 2 is U+0009", "an ordinary space"),
    ("title", '"go \U0001f600"', "U+1F600 GRINNING FACE", "the device cannot take"),
    ("title", f'"{"x" * 61}"', "61 characters", "1 to 60"),
    ("title", '"C:\\work\\x"', "backslash", "write \\\\"),
    ("title", '"the "best" one"', 'after the closed text "the "', 'written \\"'),
    ("title", '"half', "a text that is not closed", 'write " at its end'),
    ("title", "'half", "a text that is not closed", "write ' at its end"),
    ("title", '"it\u2019s half', "a text that is not closed", 'write " at its end'),
    ("title", '"""half', "never ends", '"""'),
    ("title", "Stress", "a text without quotes", 'write title = "Stress"'),
    ("kind", "“probe”", "“ (U+201C LEFT DOUBLE QUOTATION MARK)", 'straight quotes, "'),
    ("kind", '"probe”', "” (U+201D RIGHT DOUBLE QUOTATION MARK)", 'straight quotes, "'),
    ("kind", "„probe“", "„ (U+201E DOUBLE LOW-9 QUOTATION MARK)", 'straight quotes, "'),
    ("kind", "\u2018probe\u2019", "\u2018 (U+2018 LEFT SINGLE QUOTATION MARK)", 'straight quotes, "'),
    ("kind", "«probe»", "« (U+00AB", 'straight quotes, "'),
    ("kind", "`probe`", "` (U+0060", 'straight quotes, "'),
    ("kind", "probe", "a text without quotes", 'write kind = "probe"'),
    ("kind", '"probe",', "ends with ','", 'kind = "probe"'),
    ("kind", '"Probe"', 'is "Probe"', '"probe" or "pads"'),
    ("kind", '"probe\u200b"', 'is "probe<U+200B>"', '"probe" or "pads"'),
    ("area_cm2", "4,0 ", "a decimal comma", "write area_cm2 = 4.0"),
    ("area_cm2", "4,25", "a decimal comma", "write area_cm2 = 4.25"),
    ("area_cm2", "4,0 cm2 ", "a unit after its number", "write area_cm2 = 4.0"),
    ("area_cm2", "4 cm²", "a unit after its number", "write area_cm2 = 4"),
    ("area_cm2", '"4,0"', "a decimal comma", "write area_cm2 = 4.0"),
    ("max_current_ma", "1,000", "a comma in its number", "1.000 or 1000, whichever is meant"),
    ("max_current_ma", "1,000.5", "a number in groups", "its digits together"),
    ("max_current_ma", "1 000", "1 000", "the digits of one number without anything between"),
    ("max_current_ma", "1'000", "1'000", "without anything between"),
    ("max_current_ma", "1__000", "1__000", "without anything between"),
    ("pulse_width_us", "250us", "a unit after its number", "write pulse_width_us = 250"),
    ("pulse_width_us", "250 µs", "a unit after its number", "write pulse_width_us = 250"),
    ("pulse_width_us", "250 μs", "a unit after its number", "write pulse_width_us = 250"),
    ("pulse_width_us", "0.25 ms", "ms after its number", "is in us: write the number of us alone"),
    ("pulse_width_us", '"250 us"', "a unit after its number", "write pulse_width_us = 250"),
    ("pulse_width_us", '"250"', 'is "250"', "without quotes; write pulse_width_us = 250"),
    ("pulse_width_us", "２５０", "the digit ２ (U+FF12 FULLWIDTH DIGIT TWO)", "pulse_width_us = 250"),
    ("pulse_width_us", "٢٥٠", "the digit ٢ (U+0662 ARABIC-INDIC DIGIT TWO)", "pulse_width_us = 250"),
    ("pulse_width_us", "−250", "− (U+2212 MINUS SIGN)", "write -"),
    ("pulse_width_us", "–250", "– (U+2013 EN DASH)", "write -"),
    ("pulse_width_us", "250\u00a0", "U+00A0 NO-BREAK SPACE", "write an ordinary space"),
    ("pulse_width_us", "\u200b250", "U+200B ZERO WIDTH SPACE", "leave it out"),
    ("pulse_width_us", "250\x07", "the control character U+0007", "leave it out"),
    ("pulse_width_us", "0250", "zeros before it", "write pulse_width_us = 250"),
    ("pulse_width_us", "", "has no value", '"pulse_width_us ="'),
    ("pulse_width_us", "true", "is true", "a number of us"),
    ("pulse_width_us", "True", "has True", "a number of us"),
    ("pulse_width_us", "yes", "has yes", "a number of us"),
    ("pulse_width_us", "nan", "is nan", "no such number of us"),
    ("pulse_width_us", "-inf", "is -inf", "no such number of us"),
    ("pulse_width_us", "NaN", "has NaN", "a number of us"),
    ("pulse_width_us", "1e99999999999999999999", "is 1e99999999999999999999", "no such number of us"),
    ("pulse_width_us", "1" + "0" * 5000, "a number of thousands of digits", ""),
    ("pulse_width_us", "[250", "[ without its ]", ""),
    ("pulse_width_us", "[250]", "is a list", "a number of us"),
    ("pulse_width_us", "{a = 1}", "is a table", "a number of us"),
    ("pulse_width_us", "200-250", "200-250, which is not one number", "the one that is meant"),
    ("pulse_width_us", "~250", "~250, which is not one number", "the one that is meant"),
    ("pulse_width_us", "250;", "ends with ';'", "pulse_width_us = 250"),
    ("pulse_width_us", "250 // wide", "a comment", 'begins with "#"'),
    ("pulse_width_us", "250, work_s = 5", "more than one key", "a line of its own"),
    ("pulse_width_us", "12:00:00", "is 12:00:00", "a number of us"),
    ("work_s", "5s", "a unit after its number", "write work_s = 5"),
    ("work_s", "5 sec", "a unit after its number", "write work_s = 5"),
    ("work_s", ".5", "begins with its point", "write work_s = 0.5"),
    ("work_s", "5.", "ends with its point", "write work_s = 5.0"),
    ("frequency_hz", "35 Hz", "a unit after its number", "write frequency_hz = 35"),
    ("frequency_hz", "35hz", "a unit after its number", "write frequency_hz = 35"),
    ("duration_min", "15 s", "s after its number", "is in min: write the number of min alone"),
]


@pytest.mark.parametrize(("key", "value", "reason", "instead"), VALUES, ids=[f"{v[0]} = {v[1][:20]}" for v in VALUES])
def test_a_value_is_refused_for_its_reason(
    tmp_path: Path, example: str, key: str, value: str, reason: str, instead: str
) -> None:
    text, line = with_value(example, key, value)
    (problem,) = problems(tmp_path, text)
    assert problem.line == line
    assert reason in str(problem) and instead in str(problem)
    assert "damaged" not in str(problem)
    assert len(str(problem)) < 300


@pytest.mark.parametrize("value", ["250", "+250", "2.5e2", "250.0", "0xFA", "2_50", "250 # 1 = 2, “x”", "\t250\t"])
def test_what_toml_knows_as_a_number_is_one(tmp_path: Path, example: str, value: str) -> None:
    path = tmp_path / "prescription.toml"
    path.write_text(with_value(example, "pulse_width_us", value)[0])
    assert Prescription.read(path).data["phases"][0]["width_us"] == 250


LINES = [
    ("frequency_hz = 35", "frequency_hz: 35", '":" where TOML has "="', "write frequency_hz = 35"),
    ("frequency_hz = 35", '"frequency_hz": 35,', '":" where TOML has "="', "write frequency_hz = 35"),
    ("frequency_hz = 35", "frequency_hz 35", 'no "="', "write frequency_hz = 35"),
    ("frequency_hz = 35", "frequency_hz", 'without "=" and a value', "key = value"),
    ("frequency_hz = 35", "frequency_hz == 35", 'more than one "="', "write frequency_hz = 35"),
    ("frequency_hz = 35", "frequency_hz := 35", 'more than one "="', "write frequency_hz = 35"),
    ("frequency_hz = 35", "frequency hz = 35", "a key is one word", "frequency_hz"),
    ("frequency_hz = 35", "frequency_hz\u00a0= 35", "U+00A0 NO-BREAK SPACE", "an ordinary space"),
    ("frequency_hz = 35", "frequency_hz ＝ 35", "＝ (U+FF1D FULLWIDTH EQUALS SIGN)", "write ="),
    ("pulse_width_us = 250", "pulse_width_µs = 250", "a key is one word", "pulse_width_us"),
    ("frequency_hz = 35", "frequency_hz = 35\nfrequency_hz = 36", "the key frequency_hz a second time", "in line 12"),
    ("[[phase]]", "[[phase]", "has [[phase]", "nothing else: [[phase]]"),
    ("[[phase]]", "[[phase 1]]", "has [[phase 1]]", "nothing else: [[phase]]"),
    ("[electrode]", "[electrode", "has [electrode", "nothing else: [electrode]"),
    ("[electrode]", "[electrode]:", "has [electrode]:", "nothing else: [electrode]"),
    ("[electrode]", "electrode:", '":" after electrode', "[electrode]"),
    ("[electrode]", "// the electrode\n[electrode]", "a comment", 'begins with "#"'),
    ("[electrode]", "# bell \x07\n[electrode]", "control character U+0007", "leave it out"),
    ("[[phase]]", "[electrode]\n[[phase]]", "the table [electrode] a second time", "in line 3"),
]


@pytest.mark.parametrize(("old", "new", "reason", "instead"), LINES, ids=[row[1][:24] for row in LINES])
def test_a_line_is_refused_for_its_reason(
    tmp_path: Path, example: str, old: str, new: str, reason: str, instead: str
) -> None:
    text = example.replace(old, new, 1)
    (problem,) = problems(tmp_path, text)
    at = text[: text.index(new)].count("\n") + 1
    assert problem.line == at + (1 if "second time" in reason and "key" in reason else 0)
    assert reason in str(problem) and instead in str(problem)
    assert "damaged" not in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("frequency_hz", "frequency", "phase 1.frequency", 'did you mean "frequency_hz"?'),
        ("frequency_hz", "Frequency_Hz", "phase 1.Frequency_Hz", 'did you mean "frequency_hz"?'),
        ("frequency_hz", '"frequency hz"', "phase 1.frequency hz", 'did you mean "frequency_hz"?'),
        ("pulse_width_us", "width_us", "phase 1.width_us", 'did you mean "pulse_width_us"?'),
        ("[[phase]]\n", "", "limits.frequency_hz", "it belongs to [[phase]]"),
        ("work_s", "work_min", "phase 1.work_min", 'did you mean "work_s"? Its number is in s'),
        ("pulse_width_us", "pulse_width_ms", "phase 1.pulse_width_ms", '"pulse_width_us"? Its number is in us'),
        ("max_current_ma", "max_current_ua", "limits.max_current_ua", '"max_current_ma"? Its number is in mA'),
        ("duration_min", "duration_h", "phase 1.duration_h", '"duration_min"? Its number is in min'),
        ("[[phase]]", '[patient]\nname = "Maria"\n[[phase]]', "patient.name", "is not known; known here: notes"),
        ("title", "name", "name", "is not known; known here: title"),
        ("[limits]\n", "", "electrode.max_current_ma", ""),
        ("[[phase]]", "[phase]", "phase", "write [[phase]]"),
        ("[[phase]]", "phase = 3", "limits.phase", "is not known"),
    ],
)
def test_a_key_in_the_wrong_place_or_of_another_name(
    tmp_path: Path, example: str, old: str, new: str, key: str, says: str
) -> None:
    found = {problem.key: problem for problem in problems(tmp_path, example.replace(old, new, 1))}
    if says:
        assert says in found[key].text
        assert found[key].line
    else:
        assert key not in found  # an electrode may have a maximum of its own; what is missing is that of the limits
        assert "limits.max_current_ma" in found


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", None, "is empty"),
        (b" \r\n\t\n", None, "is empty"),
        (b"\xef\xbb\xbf", None, "no line of a prescription"),
        (b"# nothing but a comment\n", None, "no line of a prescription"),
        (b'{"title": "x"}', None, "JSON"),
        (b'[{"title": "x"}]', None, "JSON"),
        (b"---\ntitle: x\n", None, "YAML"),
        (b"title: x\nelectrode:\n  kind: probe\n", 1, '":" where TOML has "="'),
        (b"<?xml version='1.0'?>", None, "XML"),
        (b"{\\rtf1 title}", None, "RTF"),
        (b"$comment OpenNMES bench $end\n$timescale 1 ns $end\n", None, "nmes verify CAPTURE FILE"),
        (b"PK\x03\x04 a zip, such as .docx", None, "no text"),
        (b"title = 'x'\0", None, "no text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None, "no text"),
        (b"title = 'x'\rkind = 'y'\r", 1, "carriage return alone"),
        ("\ufeff\ufefftitle = 'x'".encode(), 1, "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("title = 'x'\n".encode("utf-16"), None, "UTF-16"),
        ("title = 'x'\n".encode("utf-16-le"), None, "UTF-16"),
        ("title = 'x'\n".encode("utf-16-be"), None, "UTF-16"),
        ("title = 'x'\n".encode("utf-32"), None, "UTF-16 or UTF-32"),
        ("# x\r\ntitle = 'Rééducation'\n".encode("latin-1"), 2, 'its byte 15 is 0xE9, in older files "é"'),
        (b"\ntitle = '\xed\xa0\x80'", 2, "not text in UTF-8"),
        (b"a = " + b"[" * 30_000, None, "nested too deep"),
        (b"a = [" + b"{a = [" * 9_000, None, "nested too deep"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes, line: int | None, says: str) -> None:
    (problem,) = problems(tmp_path, content)
    assert problem.line == line
    assert says in str(problem) and "damaged" not in str(problem)


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, says in (
        (tmp_path, "is a folder"),
        (Path("/dev/zero"), "is a device and no file"),
        (Path("/dev/tty"), "is a device and no file"),
        (tmp_path / "none.toml", "cannot be read (No such file or directory)"),
    ):
        assert main(["check", str(path)]) == 2
        assert says in capsys.readouterr().err


def test_a_pipe_is_read_and_one_that_nobody_writes_to_is_said(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    monkeypatch.setattr(files, "PIPE_WAIT_S", 0.01)
    assert main(["check", str(pipe)]) == 2
    assert "pipe, and nobody writes" in capsys.readouterr().err
    for early, late, status, says in ((example.encode(), b"", 0, ""), (b"", b"title", 2, "title without")):
        writer = [os.open(pipe, os.O_RDWR)]  # here before us, as in `nmes check <(cat my.toml)`
        os.write(writer[0], early)

        def goes_on(
            descriptor: int,
            blocking: bool,
            really: Any = os.set_blocking,
            writer: list[int] = writer,
            late: bytes = late,
        ) -> None:
            """Once he is waited for, the writer comes to his end."""
            while writer:
                os.write(writer[0], late)
                os.close(writer.pop())
            really(descriptor, blocking)

        with monkeypatch.context() as patched:
            patched.setattr(os, "set_blocking", goes_on)
            assert main(["check", str(pipe)]) == status
        assert says in capsys.readouterr().err


def test_a_table_of_the_wrong_kind_is_one_problem(tmp_path: Path, example: str) -> None:
    for wrong in ("[[electrode]]", "[[limits]]"):
        (problem,) = problems(tmp_path, example.replace(wrong[1:-1], wrong, 1))
        assert f"has to be a table {wrong[1:-1]}" in str(problem)


def test_a_file_of_another_kind_fills_no_screen(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(example + f"{'long' * 500} = 1\n" + "".join(f"k{number} = 1\n" for number in range(500)))
    assert main(["check", str(path), "--json"]) == 2
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert len(lines) == 27 and lines[-1] == "  - and 476 more"
    assert max(map(len, lines)) < 500
    assert len(json.loads(printed.out)["reasons"]) == 501


# ---- lines as editors count them ----


def test_only_line_feeds_and_carriage_returns_end_a_line(tmp_path: Path, example: str) -> None:
    for odd in "\u2028\u2029\u0085":
        text = f"# pasted{odd}comment{odd}x\n" + example.replace("= 4.0 ", "= 4.001 ")
        (problem,) = problems(tmp_path, text)
        assert (problem.key, problem.line) == ("electrode.area_cm2", 6)
        (problem,) = problems(tmp_path, text.replace("= 4.001 ", "= 4,0 "))
        assert problem.line == 6
    crlf = example.replace("= 4.0 ", "= 4.001 ").replace("\n", "\r\n")
    assert problems(tmp_path, crlf)[0].line == 5
    assert problems(tmp_path, "\ufeff" + crlf)[0].line == 5
    assert problems(tmp_path, crlf.replace("4.001", "4,0"))[0].line == 5


def test_a_form_feed_or_vertical_tab_in_a_comment_is_named(tmp_path: Path, example: str) -> None:
    for odd in "\x0b\x0c\x1c\x1d\x1e":
        (problem,) = problems(tmp_path, f"# a{odd}b\n" + example)
        assert (problem.line, f"U+{ord(odd):04X}" in problem.text) == (1, True)


ODD_PLACES = '''\
title = """\\
[electrode]
area_cm2 = 1.111
"""
note.work_s = 1.00001 # [[phase]]
effect = "motor" # frequency_hz = 1
electrode = {kind = "probe", area_cm2 = 4.001} # area_cm2 = 3
limits."max_current_ma" = 40.00001

[[phase]] # the first
name = """one \\
[[phase]] \\
frequency_hz = 7.00001"""
frequency_hz = 35
pulse_width_us = 250
duration_min = 1

[[ phase ]]
'name' = \'\'\'frequency_hz = 9\'\'\'
frequency_hz = 35.00001
pulse_width_us = 250.5
duration_min = 1

[[channel]]
channel = 0.5
[[channel.phase]]
frequency_hz = 35
[[channel.phase]]
frequency_hz = 36.00001 # x = "
[[channel]]
channel = 1
phase = [
  {frequency_hz = 35, pulse_width_us = 250, duration_min = 1},
  # {frequency_hz = 1}
  {frequency_hz = 36,
   },
  {frequency_hz = 36.00001, duration_min = 1},
]
'''.replace("{frequency_hz = 36,\n   },", "{frequency_hz = 36, pulse_width_us = 1, duration_min = 1},\n")


def test_the_line_is_that_of_the_key_and_no_other(tmp_path: Path) -> None:
    lines = ODD_PLACES.split("\n")

    def line(begin: str) -> int:
        (found,) = [number for number, text in enumerate(lines, 1) if text.lstrip().startswith(begin)]
        return found

    found = {problem.key: problem.line for problem in problems(tmp_path, ODD_PLACES)}
    expected = {
        "title": 1,
        "note": line("note.work_s"),
        "electrode.area_cm2": line("electrode ="),
        "limits.max_current_ma": line("limits."),
        "phase 1.name": line("[[phase]] # the first") + 1,
        "phase 2.frequency_hz": line("frequency_hz = 35.00001"),
        "phase 2.pulse_width_us": line("pulse_width_us = 250.5"),
        "channel 1.channel": line("channel = 0.5"),
        "channel 1 phase 2.frequency_hz": line("frequency_hz = 36.00001"),
        "channel 1 phase 2.pulse_width_us": line("frequency_hz = 36.00001") - 1,  # missing: where its table begins
        "channel 2 phase 3.frequency_hz": line("{frequency_hz = 36.00001"),
        "channel 2 phase 3.pulse_width_us": line("{frequency_hz = 36.00001"),
    }
    assert {key: found.get(key) for key in expected} == expected


def keys_of(table: dict[str, object], label: str = "") -> list[str]:
    """The names of all keys of a document."""
    names = []
    for key, value in table.items():
        name = f"{label}.{key}" if label else key
        names.append(name)
        listed = f"{label} {key}" if label else key
        if isinstance(value, dict):
            names += keys_of(value, name)
        elif isinstance(value, list):
            for number, each in enumerate(value, 1):
                if isinstance(each, dict):
                    names += [f"{listed} {number}", *keys_of(each, f"{listed} {number}")]
    return names


@pytest.mark.parametrize(
    "text",
    [
        ODD_PLACES,
        'a."b.c".d = 1\n"\\u001b" = 2\n'
        '\'x\' = """a""""\ny = \'\'\'b\'\'\'\'\nz = [1, [2, "]"]]\nw = [{q = "}"}, {r = 1}]\n',
        "a = 1979-05-27 07:32:00 # c\nb = 07:32:00\nc = [ # x\n 1, # ]\n 2 ]\nd = {}\ne = []\nf = inf\n",
        "[a.b]\nc = 1\n[a]\nd = {e.f = 1}\n[[g.h]]\ni = 1\n[g.h.j]\nk = 1\n[[g.h]]\n[g.h.j]\nk = 2\n",
    ],
)
def test_every_key_has_its_line(text: str) -> None:
    places = Places(text)
    names = keys_of(tomllib.loads(text))
    assert len(names) > 5
    lines = text.split("\n")
    for name in names:
        line = places.line(name)
        assert line, name
        last = re.split(r"[. ]", name)[-1]
        assert last.isdigit() or last in lines[line - 1] or "\\u001b" in lines[line - 1], name


# ---- nothing gets past ----

WHOLE = (paths.PROGRAMMES / "stress-incontinence-35hz.toml").read_text(encoding="utf-8")


@given(
    st.integers(0, 400),
    st.text(st.sampled_from(string.printable + "“”\u00a0\u202e\u2028\x1b٢＝µ"), max_size=4),
    st.integers(0, 3),
)
def test_any_slip_of_a_typist_is_understood_or_told_off(
    tmp_path_factory: pytest.TempPathFactory, at: int, typed: str, deleted: int
) -> None:
    path = tmp_path_factory.mktemp("slip") / "slip.toml"
    text = WHOLE[:at] + typed + WHOLE[at + deleted :]
    path.write_text(text, encoding="utf-8", newline="")
    try:
        Prescription.read(path)
    except PrescriptionError as error:
        assert error.problems
        for problem in error.problems:
            assert str(problem).isprintable()
            assert problem.line is None or 1 <= problem.line <= text.count("\n") + text.count("\r") + 1

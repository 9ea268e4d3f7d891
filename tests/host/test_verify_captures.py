"""What captures are made of: VCD, sigrok sessions, Saleae's CSV; and files that are none, or only half."""

from __future__ import annotations

import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
from captures_for_tests import Sampled, pins_of, sampled, write_saleae, write_sr, write_vcd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judged_captures import PHASE, RATES_HZ, TWO, InMemory, programme_of, right

from opennmes.measure.captures import CaptureError, open_capture
from opennmes.measure.captures.base import END
from opennmes.measure.captures.sr import _QUIET, SrCapture
from opennmes.measure.captures.vcd import VcdCapture
from opennmes.measure.names import named
from opennmes.measure.trace import Trace

RATE_HZ = 24_000_000
RARELY = settings(suppress_health_check=list(HealthCheck))


def edges(path: Path, *wanted: str) -> list[tuple[int, int, int]]:
    capture = open_capture(path)
    return list(capture.edges(wanted or capture.signals))


@pytest.fixture
def made() -> Sampled:
    return right(TWO, RATE_HZ, 50, end=300_000)


@pytest.mark.parametrize("form", ["vcd", "sr", "sr of two bytes", "csv", "old csv"])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_format_gives_the_samples_that_it_was_made_of(form: str, rate_hz: int, tmp_path: Path) -> None:
    made = right(TWO, rate_hz, 50, end=120_000 if rate_hz > RATE_HZ else 300_000)
    path, quantum_ps = tmp_path / "capture", 1
    if form == "vcd":
        write_vcd(made, path)
        quantum_ps = 1_000
    elif form == "csv":
        write_saleae(made, path)
        quantum_ps = 1_000
    elif form == "old csv":
        write_saleae(made, path, old=True)
    else:
        write_sr(made, path, unitsize=2 if "two" in form else 1, chunk=1_000_003, spread="two" in form)
    names = list(made.changes)
    wanted = list(InMemory(made).edges(names))
    found = edges(path, *names)
    if "csv" in form:  # it ends with its last row
        wanted, found = wanted[:-1], found[:-1]

    def by_signal(these: list[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
        return {n: [(ps, value) for ps, place, value in these if place == n] for n in range(-1, len(names))}

    for place, those in by_signal(wanted).items():
        for (ps, value), (found_ps, found_value) in zip(those, by_signal(found)[place], strict=True):
            assert value == found_value
            assert abs(ps - found_ps) <= quantum_ps
    assert [ps for ps, _, _ in found] == sorted(ps for ps, _, _ in found)


def test_the_rate_is_what_the_file_says(made: Sampled, tmp_path: Path) -> None:
    assert open_capture(write_vcd(made, tmp_path / "a")).sampling.rate_hz == RATE_HZ
    assert open_capture(write_sr(made, tmp_path / "b")).sampling.rate_hz == RATE_HZ
    assert open_capture(write_saleae(made, tmp_path / "c")).sampling.rate_hz is None
    assert open_capture(write_vcd(made, tmp_path / "d", comment=False)).sampling.rate_hz is None


def test_our_own_traces_have_every_edge_to_the_nanosecond(tmp_path: Path) -> None:
    trace = Trace()
    for nanos, signal, value in (
        (0, "ch0_a", 0),
        (0, "ch0_current_ua", 0),
        (8, "ch0_a", 1),
        (8, "ch0_current_ua", -500),
    ):
        trace.add(nanos, signal, value)
    trace.end_nanos = 400
    trace.write_vcd(tmp_path / "trace.vcd")
    capture = open_capture(tmp_path / "trace.vcd")
    assert (capture.sampling.rate_hz, capture.sampling.step_ps) == (1e9, 1000)
    found = list(capture.edges(["ch0_a", "ch0_current_ua"]))
    assert found == [(0, 0, 0), (0, 1, 0), (8_000, 0, 1), (8_000, 1, -500), (400_000, END, 0)]


def test_a_trigger_makes_times_negative(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Time [s],D0\n-0.000001,0\n0.000000,1\n0.000002,0\n")
    assert edges(path) == [(-1_000_000, 0, 0), (0, 0, 1), (2_000_000, 0, 0), (2_000_000, END, 0)]


def test_rows_in_which_nothing_changes_are_no_edges(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Time[s], D0\n0.0, 0\n0.001, 0\n0.002, 1\n0.003, 1\n")
    assert edges(path) == [(0, 0, 0), (2_000_000_000, 0, 1), (3_000_000_000, END, 0)]


def test_what_is_unknown_before_a_signals_first_value_is_before_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.vcd"
    text = "$timescale 1 us $end $var wire 1 ! D0 $end $var wire 1 # D1 $end $enddefinitions $end\n"
    path.write_text(f"{text}#0 x! z#\n#5 1!\n#7 0#\n#9 1# #12\n")
    assert edges(path) == [(7_000_000, 0, 1), (7_000_000, 1, 0), (9_000_000, 1, 1), (12_000_000, END, 0)]


@RARELY
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(1, 700)), min_size=1, max_size=60),
    st.integers(1, 3),
    st.integers(1, 997),
    st.lists(st.integers(0, 23), min_size=1, max_size=5, unique=True),
)
def test_runs_of_samples_are_found_wherever_pieces_end(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, int]], unit: int, chunk: int, bits: list[int]
) -> None:
    bits = [bit for bit in bits if bit < 8 * unit] or [0]
    samples = [value * 0x010301 & (1 << 8 * unit) - 1 for value, count in runs for _ in range(count)]
    path = tmp_path_factory.mktemp("sr") / "a.sr"
    with zipfile.ZipFile(path, "w") as archive:
        probes = "".join(f"probe{bit + 1}=D{bit}\n" for bit in bits)
        archive.writestr("metadata", f"[device 1]\ncapturefile=logic-1\nsamplerate=1 MHz\n{probes}unitsize={unit}\n")
        data = b"".join(sample.to_bytes(unit, "little") for sample in samples)
        for number, at in enumerate(range(0, len(data), chunk), 1):  # pieces need not end with a sample
            archive.writestr(f"logic-1-{number}", data[at : at + chunk])
    wanted = []
    for at, sample in enumerate(samples):
        for place, bit in enumerate(bits):
            if not at or sample >> bit & 1 != samples[at - 1] >> bit & 1:
                wanted.append((at * 1_000_000, place, sample >> bit & 1))
    found = list(SrCapture(path).edges([f"D{bit}" for bit in bits]))
    assert sorted(found[:-1]) == sorted(wanted)
    assert found[-1] == ((len(samples) - 1) * 1_000_000, END, 0)


@pytest.mark.parametrize("count", [1, _QUIET - 1, _QUIET, _QUIET + 1, 3 * _QUIET])
def test_a_level_of_a_session_lasts_as_many_samples_as_it_has(count: int, tmp_path: Path) -> None:
    path = write_sr(Sampled(1_000_000, 3 * count, {"D0": [count, 2 * count]}, frozenset()), tmp_path / "a.sr")
    changes = [(0, 0, 0), (count, 0, 1), (2 * count, 0, 0), (3 * count - 1, END, 0)]
    assert edges(path) == [(1_000_000 * sample, place, level) for sample, place, level in changes]


def test_minutes_of_samples_fit_into_memory(tmp_path: Path) -> None:
    long = programme_of({**PHASE, "work_ms": 0, "rest_ms": 0, "duration_ms": 8_000})
    path = write_sr(sampled(pins_of(long), RATE_HZ), tmp_path / "long.sr")  # 200 MB of samples
    tracemalloc.start()
    try:
        count = sum(1 for _ in SrCapture(path).edges(["D0", "D1"]))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 2 + 4 * 400 + 1
    assert most < 20_000_000


# ---- names ----


@pytest.mark.parametrize(
    ("signal", "role"),
    [
        ("phase_a_0", "phase_a_0"), ("ch0_a", "phase_a_0"), ("CH1 phase B", "phase_b_1"), ("A0", "phase_a_0"),
        ("phase-b1", "phase_b_1"), ("ch0 level_a", "level_a_0"), ("ch1_current_ua", "current_1"), ("GP2", "phase_a_0"),
        ("gpio 3", "phase_b_0"), ("Enable", "enable"), ("PUMP", "pump"),
    ],
)  # fmt: skip
def test_a_signal_that_is_called_after_its_pin_is_guessed(signal: str, role: str) -> None:
    assert named([signal, "D9"], {}, {2: "phase_a_0", 3: "phase_b_0"}) == ({role: signal}, {role: signal})


@pytest.mark.parametrize("signal", ["D0", "Channel 0", "A", "0", "GP22", "a2", "clk", "permit"])
def test_a_signal_that_is_not_is_not_guessed(signal: str) -> None:
    assert named([signal], {}, {2: "phase_a_0"}) == ({}, {})


def test_what_is_said_counts_more_than_a_name() -> None:
    roles, guessed = named(["ch0_a", "D5"], {"phase_a_0": "D5"}, {})
    assert (roles, guessed) == ({"phase_a_0": "D5"}, {})
    roles, guessed = named(["ch0_a", "ch0_b"], {"phase_b_0": "ch0_a"}, {})
    assert (roles, guessed) == ({"phase_b_0": "ch0_a"}, {})


def test_names_that_could_be_the_same_pin_are_refused() -> None:
    with pytest.raises(CaptureError, match="phase_a_0; say which one is"):
        named(["A0", "ch0_a"], {}, {})
    with pytest.raises(CaptureError, match='no signal "D7" for pump; it has: D0'):
        named(["D0"], {"pump": "D7"}, {})
    with pytest.raises(CaptureError, match="enable and pump; each pin has one of its own"):
        named(["D0"], {"pump": "D0", "enable": "D0"}, {})


# ---- files that are none ----

VCD = "$timescale 1 ns $end\n$var wire 1 ! D0 $end\n$enddefinitions $end\n"
METADATA = "[device 1]\ncapturefile=logic-1\nsamplerate=24 MHz\nprobe1=D0\nunitsize=1\n"
BAD = {
    "empty": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no capture of pins"),
    "text": (b"hello, world\n", "no capture of pins"),
    "sigrok csv": (b"; CSV generated by libsigrok\nlogic\n0\n", "no capture of pins"),
    "vcd that ends in its header": (b"$timescale 1 ns", "VCD file"),
    "vcd without signals": (b"$timescale 1 ns $end $enddefinitions $end\n#0\n", "no signal"),
    "vcd without timescale": (b"$var wire 1 ! D0 $end $enddefinitions $end\n#0 0!\n", "no timescale"),
    "vcd without values": (f"{VCD}#0\n#10\n".encode(), "has no value"),
    "vcd that goes back": (f"{VCD}#0 0!\n#50 1!\n#5 0!\n".encode(), "the time goes back"),
    "vcd with a huge time": (f"{VCD}#0 0!\n#{10**30} 1!\n".encode(), "after the first"),
    "vcd with x in it": (f"{VCD}#0 0!\n#50 x!\n".encode(), "neither 0 nor 1"),
    "vcd of junk": (f"{VCD}#0 0!\n#50 hello!\n".encode(), "a value of no signal"),
    "vcd of other junk": (f"{VCD}#0 0!\n#50 ,,,\n".encode(), "not a VCD file"),
    "vcd in femtoseconds": (VCD.replace("1 ns", "1 fs").encode(), "finer than any capture"),
    "vcd of two alike": (VCD.replace("$endd", "$var wire 1 # D0 $end\n$endd").encode(), "two of its signals"),
    "csv of another": (b"Timestamp,D0\n0,0\n", "expected `Time"),
    "csv with dates": (b"Time [s],D0\n2026-01-01T00:00:00.000,0\n", "is no time in s"),
    "csv without rows": (b"Time [s],D0\n", "has no samples"),
    "csv cut off": (b"Time [s],D0,D1\n0.0,0,0\n0.1,1\n", "2 fields, expected 3"),
    "csv of analogue": (b"Time [s],D0\n0.0,0.113\n", "neither 0 nor 1"),
    "csv with nan": (b"Time [s],D0\n0.0,0\nnan,1\n", "is no time in s"),
    "csv with an endless time": (b"Time [s],D0\n0.0,0\n1e999999,1\n", "is no time in s"),
    "csv with a huge time": (b"Time [s],D0\n0.0,0\n1000000000,1\n", "after the first"),
    "csv that goes back": (b"Time [s],D0\n0.0,0\n0.2,1\n0.1,0\n", "the time goes back"),
    "csv of two alike": (b"Time [s],D0,D0\n0.0,0,0\n", 'two of its signals are called "D0"'),
    "csv of bytes": (b"Time [s],D0\n\xff\xfe,0\n", "is no time in s"),
}  # fmt: skip


def refused(path: Path) -> str:
    with pytest.raises(CaptureError) as caught:
        capture = open_capture(path)
        list(capture.edges(capture.signals))
    text = str(caught.value)
    assert path.name in text and "\n" not in text
    return text


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_capture_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    content, said = BAD[name]
    path.write_bytes(content)
    assert said in refused(path)


def session(path: Path, metadata: str = METADATA, **chunks: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", metadata)
        for name, content in (chunks or {"1": bytes(100)}).items():
            archive.writestr(f"logic-1-{name}", content)
    return path


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (METADATA.replace("samplerate=24 MHz\n", ""), "no samplerate"),
        (METADATA.replace("24 MHz", "fast"), "no samplerate"),
        (METADATA.replace("24 MHz", "0 Hz"), "no samplerate"),
        (METADATA.replace("unitsize=1", "unitsize=0"), "no unitsize"),
        (METADATA.replace("unitsize=1", "unitsize=99"), "no unitsize"),
        ("hello", "no whole sigrok session"),
        (METADATA.replace("[device 1]", "[global]"), "no whole sigrok session"),
        (METADATA + "probe2=D0\n", 'two of its signals are called "D0"'),
        ("x" * (2 << 20), "no whole sigrok session"),
    ],
)
def test_a_session_with_wrong_metadata_is_refused(metadata: str, said: str, tmp_path: Path) -> None:
    assert said in refused(session(tmp_path / "a.sr", metadata))


def test_a_session_without_a_piece_is_refused(tmp_path: Path) -> None:
    assert "of logic-1-1, logic-1-2" in refused(session(tmp_path / "a.sr", **{"1": bytes(9), "3": bytes(9)}))
    assert "it has none" in refused(session(tmp_path / "b.sr", METADATA.replace("logic-1", "logic-2")))
    assert "not whole" in refused(
        session(tmp_path / "c.sr", METADATA.replace("unitsize=1", "unitsize=2"), **{"1": bytes(9)})
    )
    assert "has no samples" in refused(session(tmp_path / "d.sr", **{"1": b""}))


def test_a_zip_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.sal", "w") as archive:
        archive.writestr("meta.json", "{}")
    assert "Export Data" in refused(tmp_path / "a.sal")


@pytest.mark.parametrize("part", [Fraction(1, 100), Fraction(1, 3), Fraction(9, 10), Fraction(999, 1000)])
def test_a_session_that_is_cut_off_is_refused(part: Fraction, made: Sampled, tmp_path: Path) -> None:
    whole = write_sr(made, tmp_path / "whole.sr").read_bytes()
    path = tmp_path / "cut.sr"
    path.write_bytes(whole[: int(len(whole) * part)])
    assert "no whole sigrok session" in refused(path)


def test_a_session_with_a_damaged_piece_is_refused(made: Sampled, tmp_path: Path) -> None:
    whole = bytearray(write_sr(made, tmp_path / "whole.sr").read_bytes())
    at = whole.index(b"logic-1-1") + 40
    whole[at : at + 8] = b"\x00\xff" * 4
    path = tmp_path / "damaged.sr"
    path.write_bytes(whole)
    assert "no whole sigrok session" in refused(path)


@RARELY
@given(st.binary(max_size=300), st.sampled_from([b"", VCD.encode(), b"Time [s],D0\n", b"PK\x03\x04"]))
def test_any_bytes_are_a_capture_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begin: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "capture"
    path.write_bytes(begin + content)
    try:
        capture = open_capture(path)
        list(capture.edges(capture.signals))
    except CaptureError as refused_because:
        assert "\n" not in str(refused_because).replace(repr("\n"), "")


def test_the_signals_of_a_capture_are_named_when_one_is_not_there(made: Sampled, tmp_path: Path) -> None:
    for path in (write_vcd(made, tmp_path / "a"), write_sr(made, tmp_path / "b"), write_saleae(made, tmp_path / "c")):
        with pytest.raises(CaptureError, match='has no signal "D77"; it has: D0, D1, D2'):
            list(open_capture(path).edges(["D77"]))


def test_a_vcd_file_with_a_value_among_its_declarations_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.vcd"
    path.write_text("$timescale 1 ns $end\n$var wire 1 ! a $end\n#3\n0!\n$enddefinitions $end\n1!\n")
    with pytest.raises(CaptureError, match=r"line 3: a value or a time before [$]enddefinitions"):
        VcdCapture(path)


USUAL = st.sampled_from(["0!", '1"', "x!", "Z#", "#0", "#7", "#12", "b0101 #", "bxx1 #", "B1 #", "$dumpvars", "$end"])
ODD = st.sampled_from(
    ["0 !", "#3.0", "#-1", "#", "b #", "b0101", "#", "r1.5 #", "s! #", "0?", "2!", "$comment 0! $end", "$dumpoff",
     "\x0b0!", "0\xa0", "b2 #", "#" + "9" * 40, "0!0!", "$enddefinitions $end", "\0", "!"]
)  # fmt: skip
LINES = st.lists(st.lists(st.one_of(USUAL, USUAL, USUAL, ODD), max_size=4), max_size=8)
ENDS_OF_DECLARATIONS = ("$enddefinitions $end", "$enddefinitions\n$end", "$enddefinitions $end 1! #3", "")


@RARELY
@given(LINES, st.sampled_from(ENDS_OF_DECLARATIONS), st.sampled_from(["\n", " \r\n", "\t"]), st.booleans())
def test_a_vcd_file_is_read_as_pyvcd_reads_it(
    tmp_path: Path, lines: list[list[str]], ends: str, between: str, whole: bool
) -> None:
    """Usual lines are read without it; whatever else stands in the file has to come out, or be refused, the same."""
    path = tmp_path / "capture.vcd"
    head = '$timescale 1 ns $end $var wire 1 ! a $end\n$var wire 1 " b $end $var integer 4 # c $end\n'
    text = between.join(" ".join(words) for words in [["0!", '1"', "b0 #"], *lines]) + ("\n" if whole else "")
    path.write_bytes((head + ends + "\n" + text).encode("latin-1"))
    seen: list[object] = []
    for by_pyvcd in (False, True):
        found: list[object] = []
        try:
            capture = VcdCapture(path)
            if by_pyvcd:
                capture._defined_in_line = 0
            for edge in capture.edges(capture.signals):
                found.append(edge)
        except CaptureError as error:
            found.append(str(error))
        seen.append(found)
    assert seen[0] == seen[1]


def test_of_a_usual_file_pyvcd_reads_the_declarations_alone(
    made: Sampled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_vcd(made, tmp_path / "capture.vcd")
    capture, wanted = VcdCapture(path), edges(path)
    monkeypatch.setattr(VcdCapture, "_tokens", None)
    assert list(capture.edges(capture.signals)) == wanted and len(wanted) > 10

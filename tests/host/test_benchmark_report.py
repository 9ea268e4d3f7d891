"""The report of `make bench`, on figures made by hand; nothing is measured here."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import marks
from benchmark import awake, figures, report, run
from benchmark.catalogue import LOADS, METHODS, OURS, Asked
from nmes.core import faults
from nmes.core import session as session_core
from opennmes.device.client import Device
from opennmes.emulator.pico import BenchError
from opennmes.measure.trace import Trace
from opennmes.ports.open import open_port

ASKED = Asked()
MS = 1_000_000


def entry(**changed: Any) -> dict[str, Any]:
    exact = {
        "width_error_ns_max": 0, "ab_difference_ns_max": 0, "gap_error_ns_max": 0, "period_error_ns_max": 0,
        "period_ns_sd": 0.0, "pulses_asked": 25, "pulses_seen": 25, "estop_us_max": 14.0, "estop_way": "hard",
        "estop_us_max_of_each_way": {"polled": 5_000.0, "soft": 700.0, "hard": 14.0}, "off_after_death_ms": 250.0,
        "cpu_percent": 1.5, "bytes_per_pulse": 0.0,
    }  # fmt: skip
    return exact | changed


@pytest.fixture
def data() -> dict[str, Any]:
    methods = {method.name: {load: entry() for load in LOADS} for method in METHODS}
    methods["soft_timer"]["loaded"] = entry(
        width_error_ns_max=250_000, period_error_ns_max=9_750_000, pulses_seen=23, period_ns_sd=None
    )
    ours = {"estop_us_max": 0.024, "estop_way": "guard", "estop_us_max_of_each_way": {"guard": 0.024}}
    methods[OURS] = {load: entry(**ours, off_after_death_ms=39.05) for load in LOADS}
    return {
        "methods": methods,
        "both_channels": {"rate_hz": 100, "cpu_percent": 9.0},
        "awake_percent": dict.fromkeys(awake.USUAL, 12.3),
        "cpu_factor": {**dict.fromkeys([*awake.USUAL, *awake.FASTEST]), "1x500": 1.7},
        "cpu_factor_failed": {**dict.fromkeys([*awake.USUAL, *awake.FASTEST], ""), "1x500": "underruns: 3 | 4"},
        "conditions": {
            "pulse": {"width_ns": 250_000, "gap_ns": 50_000, "period_ns": 20_000_000}, "emulator": "none",
            "micropython": "0.0.0", "simulated_s": 1.0, "pulses_seen": 448, "watched_after_death_ms": 250,
            "cannot_tell": ["Nothing was emulated."],
        },
    }  # fmt: skip


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first line begins with these."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(heading))
    table = lines[start:]
    end = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[:end]]


def test_durations_are_0_only_when_they_are() -> None:
    assert [report.duration(ns) for ns in (None, 0, 0.9, 24, 13_984, 566_248, 9_750_000)] == [
        "-", "0", "0.9 ns", "24 ns", "14 µs", "566 µs", "9.75 ms",
    ]  # fmt: skip


def test_the_table_has_each_method_under_each_load(data: dict[str, Any]) -> None:
    table = rows(report.markdown(data), "| Method | Load")
    assert table[0] == list(report.COLUMNS)
    assert [row[1] for row in table[2:]] == list(LOADS) * len(METHODS)
    soft = table[3]
    assert soft[2:] == ["250 µs", "0", "0", "9.75 ms", "-", "23 / 25", "14 µs (hard)", "never", "1.5 %", "0"]
    assert table[-1][0] == "**OpenNMES**" and table[-1][8:10] == ["24 ns (guard)", "39 ms"]


def test_ratios_take_the_worst_of_both_loads_and_no_0_divides(data: dict[str, Any]) -> None:
    assert report.ratio(data, "soft_timer", "width_error_ns_max", 1) == 250_000 / 8
    assert report.ratio(data, "soft_timer", "estop_us_max", 1_000) == pytest.approx(14_000 / 24)
    assert report.ratio(data, "pio_dma", "width_error_ns_max", 1) == 1
    worse = copy.deepcopy(data)
    worse["methods"][OURS]["idle"]["width_error_ns_max"] = 500_000
    assert report.ratio(worse, "soft_timer", "width_error_ns_max", 1) == 0.5


def test_the_picture_is_drawn_even_with_figures_missing(data: dict[str, Any], tmp_path: Path) -> None:
    data["methods"]["rmt_like"]["loaded"]["period_error_ns_max"] = None
    report.write(data, tmp_path)
    assert (tmp_path / "bench.png").stat().st_size > 10_000
    assert (tmp_path / "bench-awake.png").stat().st_size > 10_000
    assert (tmp_path / "bench.md").read_text() == report.markdown(data)


def test_the_sessions_have_the_share_that_the_cpu_is_awake_and_the_first_factor_that_fails(
    data: dict[str, Any],
) -> None:
    table = rows(report.markdown(data), "| Session | CPU awake")
    assert table[2] == ["idle, connected", "12.3 %", "none", "-"]
    assert table[-1] == ["one channel at 500 Hz, into a resistor", "-", "1.7", "underruns: 3 / 4"]
    assert len(table) == 2 + len(awake.USUAL) + len(awake.FASTEST)


def test_tables_go_between_the_marks_and_nowhere_else() -> None:
    begin, end = report.MARKS
    document = f"before\n{begin}\nold\n{end}\nafter\n"
    assert marks.put(document, report.MARKS, "new\n") == f"before\n{begin}\nnew\n{end}\nafter\n"
    turned, twice, endless = f"{end}\n{begin}\n", document + document, f"{begin}\nold\nafter\n"
    for wrong in ("no marks", turned, twice, endless):
        with pytest.raises(ValueError, match="have to stand in the document once, in this order"):
            marks.put(wrong, report.MARKS, "new\n")


def test_the_document_has_the_tables_of_all_methods() -> None:
    text = report.DOCUMENT.read_text()
    table = rows(text, "| Method | Load")
    assert table[0] == list(report.COLUMNS)
    named = [f"**{method.title}**" if method.name == OURS else method.title for method in METHODS]
    assert [(row[0], row[1]) for row in table[2:]] == [(name, load) for name in named for load in LOADS]
    assert f"]({report.PICTURE.relative_to(report.DOCUMENT.parent)})" in text and report.PICTURE.is_file()


def test_every_method_has_a_program_that_says_what_it_is() -> None:
    for method in METHODS:
        assert method.program.startswith('"""')
        assert "def start():" in method.program and "def halt():" in method.program


# ---- figures from edges ----


def trace(*highs: tuple[str, int, int], until: int) -> Trace:
    """`highs`: signal, start and end in ns."""
    changes = sorted(
        [(start, signal, 1) for signal, start, _ in highs] + [(end, signal, 0) for signal, _, end in highs]
    )
    made = Trace()
    for nanos, signal, value in changes:
        made.add(nanos, signal, value)
    made.end_nanos = until
    return made


def pulse(start: int, width_a: int = 250_000, gap: int = 50_000, width_b: int = 250_000) -> list[tuple[str, int, int]]:
    b = start + width_a + gap
    return [("ch0_a", start, start + width_a), ("ch0_b", b, b + width_b)]


def test_exact_pulses_have_no_error_and_all_are_counted() -> None:
    highs = [high for number in range(4) for high in pulse(5 * MS + 20 * MS * number)]
    found = figures.edges(trace(("enable", 0, 86 * MS), *highs, until=90 * MS), ASKED)
    assert found == {
        "width_error_ns_max": 0, "ab_difference_ns_max": 0, "gap_error_ns_max": 0, "period_error_ns_max": 0,
        "period_ns_sd": 0.0, "pulses_asked": 4, "pulses_seen": 4,
    }  # fmt: skip


def test_a_late_pulse_a_short_phase_and_a_wrong_gap_are_worst_cases() -> None:
    highs = [*pulse(5 * MS), *pulse(26 * MS, width_b=240_000), *pulse(45 * MS, gap=53_000), *pulse(65 * MS)]
    found = figures.edges(trace(("enable", 0, 86 * MS), *highs, until=90 * MS), ASKED)
    assert found["width_error_ns_max"] == found["ab_difference_ns_max"] == 10_000
    assert (found["gap_error_ns_max"], found["period_error_ns_max"]) == (3_000, MS)


def test_a_missing_phase_is_a_whole_width_and_a_missing_pulse_is_a_whole_period() -> None:
    highs = [*pulse(5 * MS), pulse(25 * MS)[0], *pulse(65 * MS)]
    found = figures.edges(trace(("enable", 0, 86 * MS), *highs, until=90 * MS), ASKED)
    assert found["width_error_ns_max"] == found["ab_difference_ns_max"] == 250_000
    assert (found["pulses_asked"], found["pulses_seen"], found["period_error_ns_max"]) == (4, 3, 20 * MS)


def test_what_comes_before_permission_does_not_count() -> None:
    highs = [*pulse(1 * MS, width_a=900_000), *pulse(25 * MS), *pulse(45 * MS)]
    found = figures.edges(trace(*highs, ("enable", 10 * MS, 66 * MS), until=70 * MS), ASKED)
    assert (found["pulses_asked"], found["pulses_seen"], found["width_error_ns_max"]) == (2, 2, 0)


def test_no_pulses_give_no_figures_rather_than_good_ones() -> None:
    found = figures.edges(trace(("enable", 0, 50 * MS), until=60 * MS), ASKED)
    assert found["pulses_seen"] == 0
    assert {found[name] for name in run.EDGES if not name.startswith("pulses_")} == {None}


def test_of_two_runs_the_worse_counts() -> None:
    one = {"period_error_ns_max": 8, "period_ns_sd": None, "pulses_asked": 10, "pulses_seen": 10}
    other = {"period_error_ns_max": 0, "period_ns_sd": 2.0, "pulses_asked": 5, "pulses_seen": 4}
    both = {"period_error_ns_max": 8, "period_ns_sd": 2.0, "pulses_asked": 15, "pulses_seen": 14}
    assert figures.worse(one, other) == both


def test_what_pulses_take_of_the_cpu_is_what_the_same_work_takes_longer() -> None:
    assert run.cpu_percent({"rounds_us": 500_000}, {"rounds_us": 450_000}) == 10.0
    assert run.cpu_percent({"rounds_us": 449_000}, {"rounds_us": 450_000}) == 0.0


# ---- sessions: how long the CPU is awake, and how slow it may be ----


def session(failed: str = "", share: float = 10.0) -> dict[str, Any]:
    return {"awake_percent": None if failed else share, "failed": failed, "simulated_s": 3.0, "wall_s": 9.0}


@pytest.mark.parametrize("first", [*awake.FACTORS, None])
def test_the_first_factor_that_fails_is_found_whichever_it_is(
    first: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def run_at(uf2: Path, usual: awake.Usual, factor: float) -> dict[str, Any]:
        tried.append(factor)
        return session("underruns: 1" if first and factor >= first else "")

    monkeypatch.setattr(awake, "run", run_at)
    found = awake.slower(Path("uf2"), awake.USUAL["2x100"])
    assert (found["cpu_factor"], found["failed"]) == (first, "underruns: 1" if first else "")
    # What is claimed was tried: that it fails there, and that it does not at the one before.
    at = awake.FACTORS.index(first) if first else len(awake.FACTORS)
    assert set(awake.FACTORS[max(0, at - 1) : at + 1]) <= set(tried)


def test_a_session_that_fails_on_the_chip_as_it_is_gives_no_figures() -> None:
    found = {(run.AWAKE, name): session() for name in awake.USUAL}
    found |= {(run.SLOWER, name): session() | {"cpu_factor": None} for name in [*awake.USUAL, *awake.FASTEST]}
    figures_of = run.sessions(found)
    assert figures_of["awake_percent"] == dict.fromkeys(awake.USUAL, 10.0)
    assert set(figures_of["cpu_factor"].values()) == {None}
    found[run.AWAKE, "1x35"] = session("lease_lost: 90 ms")
    with pytest.raises(BenchError, match="the session 1x35 failed: lease_lost"):
        run.sessions(found)


WELL = {"fault": 0, "fault_text": "", "underruns": 0, "state": session_core.RUNNING}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({}, ""),
        ({"underruns": 2}, "underruns: 2"),
        (
            {"fault": faults.LOOP_LATE, "fault_text": "main loop took 90 ms; limit 80 ms"},
            "loop_late: main loop took 90 ms; limit 80 ms",
        ),
        ({"state": session_core.IDLE}, "ended by itself: IDLE"),
    ],
)
def test_a_session_with_a_fault_or_short_of_pulses_or_over_has_failed(status: dict[str, Any], says: str) -> None:
    assert awake.went_wrong(WELL | status, awake.USUAL["2x100"]) == says


@pytest.mark.parametrize("name", ["1x35", "2x100", "2x100_asked", "2x100_ramp", "2x150", "1x500"])
def test_the_usual_sessions_are_such_as_a_device_accepts(name: str, virtual_board: None) -> None:
    usual = {**awake.USUAL, **awake.FASTEST}[name]
    with Device(open_port("virtual")) as device:
        device.connect()
        assert len(device.load(awake.programme(usual))["channels"]) == usual.channels


def test_the_share_is_that_of_the_instants_at_which_the_cpu_does_not_wait() -> None:
    class Clock:
        def create_alarm(self, callback: Any) -> Any:
            self.ring = callback
            return SimpleNamespace(schedule=lambda nanos: None)

    mcu = SimpleNamespace(core=SimpleNamespace(waiting=False), clock=Clock())
    measure: Any = awake.Awake(SimpleNamespace(mcu=mcu))  # type: ignore[arg-type]
    for mcu.core.waiting in (True, True, False, True):
        mcu.clock.ring()
    assert measure.percent == 25.0

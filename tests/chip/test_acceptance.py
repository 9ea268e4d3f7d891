"""The acceptance list on two boards that are wired to each other: it passes on the firmware as it is, wrong wires are
named before anything is armed, and broken boards fail."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from two_boards import BOARD, FAST_PPM, GPIOS, MACHINES, TwoBoards, right_wires

import two_picos
from opennmes import paths
from opennmes.cli import main
from opennmes.device.acceptance import report, runs
from opennmes.device.acceptance.accept import accept
from opennmes.device.acceptance.bench import Bench, Found
from opennmes.device.acceptance.promises import NOT_SHOWN
from opennmes.device.acceptance.walk import walk
from opennmes.device.acceptance.wrong import WiresWrong, WitnessError
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.device.witness import Witness
from opennmes.emulator.lines import RUN
from opennmes.emulator.pico import EmulatedPico
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim
from opennmes.ports.emulator import EmulatedPort

PINS = BOARD["pins"]
A, B = PINS["channels"][0]["phase_a"], PINS["channels"][0]["phase_b"]
ENABLE, INTERLOCK, STOP_LOOP, READY = PINS["enable"], PINS["interlock"], PINS["stop_loop"], PINS["ready"]


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "tells_time", False)


@pytest.fixture(scope="module")
def two(uf2: Path, share: Callable[[EmulatedPico], None]) -> TwoBoards:
    """Two boards, the first one powered on."""
    boards = TwoBoards(uf2)
    share(boards.pico)
    return boards


@pytest.fixture(scope="module")
def bench(uf2: Path, share: Callable[[EmulatedPico], None]) -> Bench:
    """Two boards, connected; `bench.two` are they."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Device, "tells_time", False)
        boards = TwoBoards(uf2)
        connected = boards.connected()
    connected.two = boards  # type: ignore[attr-defined]
    share(boards.pico)
    return connected


@pytest.fixture(scope="module")
def at_prompt(uf2: Path, share: Callable[[EmulatedPico], None]) -> Bench:
    """The same in MAINTENANCE, where the walk begins."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Device, "tells_time", False)
        boards = TwoBoards(uf2)
        connected = boards.connected()
        connected.device.request("maintenance")
    connected.two = boards  # type: ignore[attr-defined]
    share(boards.pico)
    return connected


def claims_of(run: Callable[[Bench], list[Any]], bench: Bench) -> dict[str, Claim]:
    return {claim.name: claim for found in run(bench) for claim in found.claims}


# ---- as it is ----


def test_the_whole_list_passes_and_the_report_says_by_what(two: TwoBoards, tmp_path: Path) -> None:
    said: list[str] = []
    made = accept(two.port, two.open, quick=True, progress=said.append)
    wrong = [(run.name, claim) for run in made.found for claim in run.claims if claim.verdict != PASSED]
    assert wrong == []
    assert made.verdict == PASSED
    assert {row.verdict for row in made.rows} == {PASSED, NOT_SHOWN}
    assert made.clock_ppm is not None
    ppm, uncertain_ppm = made.clock_ppm
    assert abs(ppm - FAST_PPM) <= uncertain_ppm < 0.1
    assert len(said) == 1 + len(runs.LIST)
    names = [run.name for run in made.found]
    for beginning in ("boot", "programme ", "range", "two channels", "usb traffic", "pause and stop", "interlock",
                      "stop_loop", "host gone", "reset in mid-phase", "soft reset", "flashing"):  # fmt: skip
        assert any(name.startswith(beginning) for name in names), beginning
    assert two.lines.shorts == [] and two.stage.shoot_throughs == []
    # The guard is quicker than the bound by far, and the figure is there.
    (reaction,) = [claim for run in made.found for claim in run.claims if claim.name.startswith("interlock to enable")]
    assert float(reaction.measured.split()[0]) < 0.2
    # Pictures of two runs stand for all: each takes a second.
    made.found = [run for run in made.found if run.name in ("two channels", "interlock")]
    data = report.write(made, tmp_path / "report")
    assert json.loads((tmp_path / "report" / report.JSON).read_text()) == data
    page = (tmp_path / "report" / report.HTML).read_text()
    for words in ("run-01.png", "run-02.png", data["device"]["uid"], data["device"]["firmware"], "B2",
                  "A resistor was assumed", "not shown"):  # fmt: skip
        assert words in page, words
    assert (tmp_path / "report" / "run-01.png").stat().st_size > 10_000
    assert data["device"]["stepping"] == "RP2040 B1" and data["witness"]["stepping"] == "RP2040 B2"


def test_what_the_list_did_not_reach_is_unclear_and_not_passed(two: TwoBoards) -> None:
    made = accept(two.port, two.open, quick=True, list_of_runs=(runs.boot,))
    assert {claim.verdict for run in made.found for claim in run.claims} == {PASSED}
    assert made.verdict == UNCLEAR


def narrowest(bench: Bench) -> list[Found]:
    """The narrowest phases at the highest rate."""
    data = runs.plain("narrow", width_us=10, rate_mhz=500_000, gap_us=0)
    return [runs.session_of(bench, "range: narrowest", "narrow", data)]


# The whole list so is `make witness`: these are the runs that take no more than some seconds.
@pytest.mark.usefixtures("uf2", "witness_uf2")
def test_two_emulated_picos_each_with_its_own_firmware_wired_to_each_other() -> None:
    pair = two_picos.paired()
    did: list[tuple[int, int, int]] = []
    pair.lines.watch(lambda gpio, level: did.append((gpio, pair.judged.nanos, level)))
    chosen = (runs.boot, narrowest, runs.two_channels, runs.emergency_stop, runs.reset_in_phase, runs.interlock)
    made = accept(
        EmulatedPort(pair.witness), lambda: EmulatedPort(pair.judged), quick=True, list_of_runs=chosen
    )  # fmt: skip
    assert [(run.name, claim) for run in made.found for claim in run.claims if claim.verdict != PASSED] == []
    assert len(made.found) == len(chosen) and made.walk.seen == len(GPIOS) - 1 and pair.lines.shorts == []
    assert made.device["revision"] == made.witness["revision"] == 1
    # What the witness's firmware has said is what the pins did, to a look of its state machines.
    recording = made.found[-1].recording
    assert recording is not None and recording.lost == []
    offs = []
    for role in MACHINES:
        if role != "pump":
            edges = [edge for edge in recording.edges(role) if edge[0] > 1_000_000_000]  # not how it was at the begin
            pins = [(nanos, level) for gpio, nanos, level in did if gpio == GPIOS[role]][-len(edges) :] if edges else []
            assert [level for _, level in pins] == [level for _, level in edges], role
            offs += [ps // 1000 - nanos for (ps, _), (nanos, _) in zip(edges, pins, strict=True)]
    assert len(offs) > 100 and max(offs) - min(offs) <= 24


# ---- the wires ----


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({A: B, B: A}, ["GP2 (phase_a_0)", "goes to GP3 (phase_b_0)", "GP3 (phase_b_0)", "goes to GP2 (phase_a_0)"]),
        ({ENABLE: None}, ["GP10 (enable): the wire is not there"]),
        ({READY: INTERLOCK}, ["GP14 (ready)", "goes to GP12 (interlock)"]),
        ({ENABLE: A}, ["GP10 (enable)", "goes to GP2 (phase_a_0)"]),
        ({INTERLOCK: STOP_LOOP, STOP_LOOP: INTERLOCK}, ["GP12 (interlock): pulled", "GP13 (stop_loop): pulled"]),
        ({INTERLOCK: None}, ["GP12 (interlock): high at the board and low at the witness"]),
        (dict.fromkeys(right_wires()), ["is the ground wire there"]),
    ],
    ids=["phases swapped", "enable open", "ready at the interlock", "two at one", "lines swapped", "interlock open",
         "no wire"],
)  # fmt: skip
def test_each_wrong_wire_is_named(at_prompt: Bench, change: dict[int, int | None], words: list[str]) -> None:
    two = at_prompt.two  # type: ignore[attr-defined]
    two.lines.rewire({gpio: to for gpio, to in {**right_wires(), **change}.items() if to is not None})
    found = walk(at_prompt.port, at_prompt.witness)
    text = "\n".join(found.wrong)
    assert [each for each in words if each not in text] == [], text
    assert len(found.wrong) <= max(2, len(words))
    assert two.lines.shorts == [], "nothing is pulled that could be an output"


def test_right_wires_are_right(at_prompt: Bench) -> None:
    found = walk(at_prompt.port, at_prompt.witness)
    assert (found.wrong, found.seen) == ([], len(GPIOS) - 1)


def test_with_a_wrong_wire_nothing_is_armed_and_the_board_is_left_as_it_was(two: TwoBoards) -> None:
    two.lines.rewire({**right_wires(), A: B, B: A})
    with pytest.raises(WiresWrong) as wrong:
        accept(two.port, two.open, quick=True)
    assert len(wrong.value.wrong) == 2
    trace = two.stage.finish()
    assert not any(value for _, value in trace.changes("permit")), "the stage was never permitted to put anything out"
    with Device(two.open()) as device:
        while device.port.read(0.02):
            pass
        assert device.connect()["board"] == "pico" and device.status()["state"] == "IDLE"


def test_a_reset_that_is_not_wired_is_named(two: TwoBoards) -> None:
    two.lines.rewire({gpio: to for gpio, to in right_wires().items() if gpio != RUN})
    with pytest.raises(WiresWrong) as wrong:
        accept(two.port, two.open, quick=True)
    assert "to RUN of the board: the wire is not there" in wrong.value.wrong[0]


def test_two_boards_that_are_swapped_are_told_apart_at_once(bench: Bench) -> None:
    with pytest.raises(WitnessError, match="are --witness and --port swapped"):
        Witness(bench.port.port).hello()


def test_a_witness_of_other_sources_is_refused(two: TwoBoards) -> None:
    two.port._hello["digest"] = "0000"
    with pytest.raises(WitnessError, match="another firmware"):
        accept(two.port, two.open)


def test_a_board_that_has_a_fault_is_refused_before_the_walk(bench: Bench) -> None:
    two = bench.two  # type: ignore[attr-defined]
    loaded = bench.device.load(runs.plain("fault"))
    bench.device.acknowledge()
    bench.device.arm(loaded["programme_crc"])
    two.stage.over_current = True
    bench.let_pass(0.1)
    two.stage.over_current = False
    with pytest.raises(Exception, match="state FAULT, fault over_current"):
        accept(two.port, two.open)


# ---- broken boards: the run that has to see it, and the claim ----


def test_a_guard_that_does_not_look_at_the_line_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    two = bench.two  # type: ignore[attr-defined]
    begin = Bench.begin

    def begun(self: Bench, data: dict[str, Any]) -> int:
        since_ps = begin(self, data)
        two.pico.mcu.pio[1].machines[2].enabled = False
        return since_ps

    monkeypatch.setattr(Bench, "begin", begun)
    claims = claims_of(runs.interlock, bench)
    assert claims["interlock to enable off, without the CPU"].verdict == FAILED
    assert claims["fault after interlock"].verdict == PASSED  # the main loop sees it, a turn later


def test_phases_of_another_width_fail(bench: Bench) -> None:
    two = bench.two  # type: ignore[attr-defined]
    bench.record()
    data = runs.plain("wide", width_us=200, rate_mhz=100_000)
    begin_ps = bench.begin(data)
    pio = two.pico.mcu.pio[0]
    loops = [at for at in range(32) if pio.instructions[at] & 0xF8FF == 0x0840 | at]  # phase A: jmp x--, itself
    assert len(loops) == 1
    pio.instructions[loops[0]] |= 0x100
    bench.device.wait(0.05)
    found = runs.Found("wide", "wide")
    bench.judged(data, begin_ps, bench.now_ps(), found)
    assert next(claim for claim in found.claims if claim.name == "phase A").verdict == FAILED


def test_phases_that_are_swapped_fail(bench: Bench) -> None:
    two = bench.two  # type: ignore[attr-defined]
    two.lines.rewire({**right_wires(), A: B, B: A})
    (found,) = (runs.session_of(bench, "swapped", "swapped", runs.plain("swapped", rate_mhz=100_000)),)
    assert FAILED in {claim.verdict for claim in found.claims}


def test_an_enable_that_stays_high_fails_everywhere(bench: Bench) -> None:
    two = bench.two  # type: ignore[attr-defined]
    two.lines.stick(ENABLE, 1)
    claims = claims_of(runs.pause_and_stop, bench)
    assert claims["enable after stop"].verdict == FAILED
    assert claims["pulses after stop"].verdict == PASSED
    assert claims_of(runs.boot, bench)["outputs while it boots"].verdict == FAILED


def test_a_stop_that_does_not_stop_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "stop", lambda self: {})
    claims = claims_of(runs.pause_and_stop, bench)
    assert claims["pulses after stop"].verdict == FAILED and claims["enable after stop"].verdict == FAILED


def test_what_the_witness_has_lost_makes_everything_unclear(bench: Bench) -> None:
    two = bench.two  # type: ignore[attr-defined]
    bench.record()
    data = runs.plain("lost", rate_mhz=100_000)
    begin_ps = bench.begin(data)
    two.port.drop_frames = 1
    bench.device.wait(0.05)
    found = runs.Found("lost", "lost")
    bench.judged(data, begin_ps, bench.now_ps(), found)
    assert {claim.verdict for claim in bench.kept(found).claims} == {UNCLEAR}


# ---- a board by itself, as docs/verify.md has people begin ----


def test_the_command_of_verify_md_judges_a_bare_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("nmes verify --witness")]
    two = TwoBoards(paths.uf2("pico", "bare"), stage=None)
    ports = {"/dev/ttyACM0": two.open, "/dev/ttyACM1": lambda: two.port}
    monkeypatch.setattr("opennmes.cli.witnessed.choose", Chosen)
    monkeypatch.setattr("opennmes.cli.witnessed.open_port", lambda name: ports[name]())
    monkeypatch.setattr(runs, "LIST", (runs.traffic, runs.interlock))
    monkeypatch.setattr(runs, "seconds_of", lambda data, quick: 0.05)
    monkeypatch.chdir(tmp_path)
    # The rest of the list is missing, so that its promises are unclear.
    assert main(shlex.split(line)[1:]) == 1
    said = capsys.readouterr()
    assert "A resistor was assumed" in said.err and "2 of 2" in said.err
    assert "unclear, seen by witness" in said.out and "acceptance/report.html" in said.out
    data = json.loads((tmp_path / "acceptance" / "report.json").read_text())
    assert {claim["verdict"] for run in data["runs"] for claim in run["claims"]} == {PASSED}
    assert data["device"]["stage"] == "bare" and (tmp_path / "acceptance" / "run-02.png").exists()

"""What the host makes of a witness's frames, what it says of what is missing, and what it claims of pins: broken pins
fail, and nothing that was lost is passed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from opennmes.boards import board_names, has_image, load_board, wires
from opennmes.cli import main
from opennmes.device import discover
from opennmes.device.acceptance import promises, report, runs
from opennmes.device.acceptance.accept import Acceptance, stepping
from opennmes.device.acceptance.bench import Found
from opennmes.device.acceptance.promises import NOT_SHOWN, PROMISES
from opennmes.device.acceptance.walk import Walk
from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.choose import choose_all
from opennmes.device.witness import Witness
from opennmes.emulator.virtual_witness import _Pin
from opennmes.measure import witnessed
from opennmes.measure.captures import witness_frames as frames
from opennmes.measure.captures.witness import CYCLE_PS, Recording
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim
from opennmes.ports.errors import PortError

MACHINES = {"phase_a_0": 0, "phase_b_0": 1, "enable": 4, "pump": 5, "interlock": 6, "stop_loop": 7}
GPIOS = {"phase_a_0": 2, "phase_b_0": 3, "enable": 10, "pump": 11, "interlock": 12, "stop_loop": 13}
US = 1_000_000  # picoseconds
MS = 1_000 * US


def recorded(highs: dict[str, Iterable[tuple[float, float]]], end_us: float = 100_000) -> Recording:
    """A recording of pins that are high from and to these microseconds, through words and frames."""
    made = Recording(MACHINES, GPIOS, go_us=0xFFFF_FF00, pump=MACHINES["pump"])
    us = int(0xFFFF_FF00 + end_us) & 0xFFFF_FFFF
    for role, spans in highs.items():
        pin = _Pin()
        for begin_us, finish_us in spans:
            pin.change(begin_us * 125, 1)
            pin.change(finish_us * 125, 0)
        words = pin.take(end_us * 125)
        payload = frames.of_machine(frames.EDGES, us, 0, len(words), MACHINES[role], words)
        made.take(frames.Frame(frames.EDGES, 0, payload))
    made.take(frames.Frame(frames.HEARTBEAT, 1, frames.OF_HEARTBEAT.pack(us, 0, 0, 0, 0)))
    return made


# ---- frames ----


def test_frames_are_found_between_other_bytes_and_in_any_pieces() -> None:
    sent = [frames.encode(frames.HEARTBEAT, n, bytes(20)) for n in range(65_530, 65_545)]
    data = b"MicroPython\r\n" + b"".join(sent)
    for size in (1, 7, 10_000):
        found = frames.Frames()
        heard = [f for at in range(0, len(data), size) for f in found.take(data[at : at + size])]
        assert [frame.number for frame in heard] == [n & 0xFFFF for n in range(65_530, 65_545)]
        assert found.damaged == 0 and b"MicroPython" in found.strange


def test_a_frame_that_is_damaged_or_missing_is_counted_whatever_bit_it_is() -> None:
    sent = [frames.encode(frames.EDGES, n, bytes(range(30))) for n in range(4)]
    die = random.Random(1)
    for _ in range(200):
        bad = bytearray(sent[1])
        place = die.randrange(len(bad))
        bad[place] ^= 1 << die.randrange(8)
        found = frames.Frames()
        heard = list(found.take(sent[0] + bytes(bad) + sent[2] + sent[3] + bytes(5_000)))
        assert all(frame.payload == bytes(range(30)) for frame in heard)
        assert next(frame.number for frame in heard) == 0 and 1 not in [frame.number for frame in heard]
        assert found.damaged >= 1 or len(heard) < 2, "a length that grew may have eaten the rest"


# ---- recordings ----


def test_times_are_those_of_the_pins_over_the_wrap_of_the_clock() -> None:
    made = recorded({"phase_a_0": [(100, 350), (20_100, 20_350)], "phase_b_0": [(400.008, 650)]})
    for role, times in (("phase_a_0", (100, 350, 20_100, 20_350)), ("phase_b_0", (400.008, 650))):
        for (ps, _), us in zip(made.edges(role), times, strict=True):
            assert 0 <= ps - us * US <= 2 * CYCLE_PS
    assert made.lost == [] and abs(made.now_ps - 100_001 * US) <= US
    assert made.level("phase_a_0", 200 * US) == 1 and made.level("phase_a_0", 360 * US) == 0


@pytest.mark.parametrize("minutes", [0.5, 2, 61])
def test_a_pin_that_stood_still_for_minutes_is_told_in_time(minutes: float) -> None:
    made = Recording(MACHINES, GPIOS, go_us=5)
    pin, total = _Pin(), 0
    for at_us, level in ((100, 1), (300, 0), (minutes * 60e6, 1), (minutes * 60e6 + 77, 0)):
        pin.change(at_us * 125, level)
        words = pin.take(at_us * 125 + 10)
        total += len(words)
        payload = frames.of_machine(frames.EDGES, int(at_us) + 6, 0, total, 4, words)
        made.take(frames.Frame(frames.EDGES, 0, payload))
    times = [ps for ps, _ in made.edges("enable")]
    assert [round(ps / US) for ps in times[:2]] == [100, 300]
    # The virtual pin counts no cycle when x comes round, the real one does (tests/pio/test_witness_program.py).
    assert abs(times[2] / US - minutes * 60e6) < 1 and abs(times[3] - times[2] - 77 * US) <= 2 * CYCLE_PS


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (frames.of_machine(frames.EDGES, 10, 0, 3, 0, [1, 2]), "phase_a_0: changes were made"),
        (frames.of_machine(frames.PUMP, 10, 0, 9, 5, [100, 90, 7, 3, 2, 4]), "pump: changes were made"),
    ],
)
def test_what_does_not_add_up_is_lost(frame: bytes, words: str) -> None:
    made = Recording(MACHINES, GPIOS, go_us=0, pump=5)
    made.take(frames.Frame(frames.EDGES if "phase" in words else frames.PUMP, 0, frame))
    assert any(words in each for each in made.lost)


@pytest.mark.parametrize(("stalled", "overrun"), [(1 << 4, 0), (0, 1 << 4)])
def test_a_witness_that_could_not_keep_up_is_heard_each_time_and_told_once(stalled: int, overrun: int) -> None:
    made = Recording(MACHINES, GPIOS, go_us=0)
    for _ in range(3):
        made.take(frames.Frame(frames.HEARTBEAT, 0, frames.OF_HEARTBEAT.pack(10, 0, stalled, overrun, 0)))
    assert len(made.lost) == 1 and made.lost[0].startswith("enable: the witness could not keep up")


# ---- claims of pins that are right, and of broken ones ----

PULSES_A = [(1_000 + 5_000 * n, 1_500 + 5_000 * n) for n in range(4)]
PULSES_B = [(begin + 550, end + 550) for begin, end in PULSES_A]
STOPPED = 16_200  # us, in the last phase A


def claim(what: str, **highs: list[tuple[float, float]]) -> Claim:
    pins: dict[str, Any] = {
        "phase_a_0": PULSES_A, "phase_b_0": PULSES_B, "enable": [(500, 18_000)], "interlock": [(1, 90_000)], **highs
    }  # fmt: skip
    made = recorded(pins)
    since, end = STOPPED * US, 80_000 * US
    if what == "no more":
        return witnessed.no_more_pulses(made, since, end, what)
    if what == "whole":
        return witnessed.whole(made, 0, end, what)
    if what == "falls":
        return witnessed.falls(made, "enable", since, 2_000 * US, end, what)
    return witnessed.stays_low(made, ["phase_a_0", "phase_b_0"], 17_500 * US, end, what)


@pytest.mark.parametrize("what", ["no more", "whole", "falls", "still"])
def test_right_pins_pass(what: str) -> None:
    assert claim(what).verdict == PASSED


@pytest.mark.parametrize(
    ("what", "highs"),
    [
        ("no more", {"phase_a_0": [*PULSES_A, (21_000, 21_500)]}),
        ("no more", {"phase_b_0": [*PULSES_B, (21_000, 21_500)]}),
        ("no more", {"phase_a_0": [*PULSES_A, (16_600, 16_600.05)]}),
        ("whole", {"phase_b_0": PULSES_B[:-1]}),
        ("falls", {"enable": [(500, 18_300)]}),
        ("falls", {"enable": [(500, 18_200.2)]}),
        ("falls", {"enable": [(500, 200_000)]}),
        ("falls", {"enable": [(500, 17_000), (30_000, 30_000.1)]}),
        ("still", {"phase_a_0": [*PULSES_A, (79_000, 79_000.1)]}),
        ("still", {"phase_b_0": [(17_000, 18_000)]}),
    ],
)
def test_broken_pins_fail(what: str, highs: dict[str, Any]) -> None:
    found = claim(what, **highs)
    assert found.verdict == FAILED and found.why


def test_no_pulse_at_all_is_no_whole_pulse() -> None:
    assert claim("whole", phase_a_0=[], phase_b_0=[]).verdict == UNCLEAR


# ---- promises and report ----


def found(name: str, *claims: Claim) -> Found:
    return Found(name, name, list(claims))


def row(what: str, *all_found: Found) -> promises.Row:
    return next(row for row in promises.rows(all_found) if row.promise.what.startswith(what))


def test_every_bound_of_the_design_is_a_row_and_what_pins_do_not_show_says_why() -> None:
    rows = promises.rows([])
    assert len(rows) == len(PROMISES) > 15
    for each in rows:
        assert each.verdict == (UNCLEAR if each.promise.claims else NOT_SHOWN)
        assert bool(each.promise.why) != bool(each.promise.claims)
        assert (Path(__file__).parents[2] / each.promise.page).is_file()


def test_one_claim_that_failed_or_is_unclear_decides() -> None:
    good = Claim("period", 0, "", "", "", PASSED)
    for verdict in (FAILED, UNCLEAR):
        bad = Claim("period", 0, "", "", "", verdict)
        assert row("period", found("programme x", good, bad), found("two channels", good)).verdict == verdict
    names = ("programme x", "range: y", "two channels", "usb traffic")
    assert row("period", *(found(name, good) for name in names)).verdict == PASSED
    for missing in names:
        lacking = row("period", *(found(name, good) for name in names if name != missing))
        assert lacking.verdict == UNCLEAR and "nothing of" in lacking.measured
    assert row("period", found("host gone", good)).verdict == UNCLEAR, "of another run"


def test_the_report_shows_text_of_others_as_text() -> None:
    said = {"uid": "<script>", "board": "pico", "stage": "bare", "firmware": "f", "revision": 2}
    made = Acceptance(said, {"uid": "w\u202e", "digest": "d", "revision": 99}, True, Walk([], 11, 2),
                      [found("boot", Claim("a<b", None, "&", "\x1b[31m", "", FAILED, 0, "why"))])  # fmt: skip
    page = report.page(report.as_json(made), {})
    assert "<script>" not in page and "&lt;script&gt;" in page and "\x1b" not in page and "\u202e" not in page
    assert made.verdict == FAILED and "unknown" in page


@pytest.mark.parametrize(
    ("board", "revision", "said"),
    [
        ("pico", 2, "RP2040 B2"),
        ("pico_w", 1, "RP2040 B1"),
        ("pico2", 2, "RP2350 A2"),
        ("pico2_w", 3, "RP2350 unknown stepping, revision 3"),
        ("pico", -1, "RP2040 unknown stepping, revision -1"),
        ("?", 2, "unknown"),
    ],
)
def test_the_stepping_is_that_of_the_board_s_chip(board: str, revision: int, said: str) -> None:
    assert stepping({"board": board, "revision": revision}) == said


def test_a_pico_can_be_the_witness_of_the_boards_that_the_documentation_names() -> None:
    text = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
    able = [name for name in board_names() if has_image(name) and wires(load_board(name)) == wires(load_board("pico"))]
    assert able == ["pico", "pico2", "pico2_w", "pico_w"]
    assert "`pico`, `pico_w`, `pico2` and `pico2_w`" in text


def test_a_copy_for_a_resistor_has_the_same_pulses_and_no_person() -> None:
    phase = {"rate_mhz": 50_000, "width_us": 250, "work_ms": 5_000, "rest_ms": 10_000}
    data = {"effect": "motor", "electrode": {"kind": "probe", "area_mm2": 400}, "max_current_ua": 50_000,
            "phases": [phase]}  # fmt: skip
    made = runs.copy(data)
    assert made["phases"] == [phase] and made["electrode"]["kind"] == "dummy" and made["max_current_ua"] == 20_000
    assert runs.seconds_of(made, quick=False) == 16 and runs.seconds_of(made, quick=True) == 0.1


def lamps(*seen: str, blink: bool = False) -> Claim:
    made = recorded({})
    made.gpios = gpios = {"ready": 14, "fault": 15, "buzzer": 16}  # type: ignore[misc]
    made.levels = [(number * MS, sum(1 << gpios[role] for role in each.split())) for number, each in enumerate(seen)]
    return witnessed.lamps(made, 0, 100 * MS, ("fault", "buzzer") if blink else ("ready",), "lamps", blink=blink)


def test_lamps_show_the_state_and_no_other() -> None:
    assert lamps("", "ready", "ready").verdict == PASSED
    assert lamps("", "ready", "").verdict == lamps("", "ready fault").verdict == lamps("", "fault").verdict == FAILED
    assert lamps("", "fault buzzer", "", blink=True).verdict == PASSED
    for wrong in (("", ""), ("fault",), ("fault buzzer", "ready"), ("fault buzzer ready",)):
        assert lamps("", *wrong, blink=True).verdict == FAILED, wrong
    assert lamps().verdict == UNCLEAR


def test_what_is_claimed_to_be_measured_is_what_was_recorded() -> None:
    class Bench:
        recording = recorded({"phase_a_0": [(100, 350)]})

    claims = [runs._pulses(Bench(), begin * US, 1_000 * US, "pulses") for begin in (0, 500)]  # type: ignore[arg-type]
    assert [(claim.verdict, claim.measured) for claim in claims] == [(PASSED, "pulses"), (FAILED, "none")]


# ---- the command ----


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.vcd", "my.toml", "--witness", "x"], "takes no capture"),
        ([], "needs a capture"),
        (["a.vcd"], "needs a capture"),
        (["a.vcd", "my.toml", "--quick"], "for --witness"),
        (["a.vcd", "my.toml", "--port", "virtual"], "for --witness"),
        (["--witness", "x", "--port", "a", "--port", "b"], "one board"),
        (["--witness", "x", "--port", "a", "--signal", "enable=D0"], "are for a capture"),
        (["--witness", "x", "--port", "a", "--sample-rate", "24MHz"], "are for a capture"),
        (["--witness", "x", "--port", "a", "--ppm", "50"], "are for a capture"),
        (["--witness", "x", "--port", "a", "--part"], "are for a capture"),
        (["--witness", "x", "--port", "a", "--board", "pico2"], "are for a capture"),
    ],
)
def test_usage(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_port_that_is_not_there_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "no")
    assert main(["verify", "--witness", missing, "--port", missing, "--output", str(tmp_path / "report")]) == 1
    assert "there is no such port" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_one_board_named_twice_is_refused_by_whatever_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    port.touch()
    link.symlink_to(port)
    monkeypatch.setattr("opennmes.cli.witnessed.open_port", lambda name: Port(True))
    for other in (port, link):
        assert main(["verify", "--witness", str(other), "--port", str(port), "--output", str(tmp_path / "report")]) == 1
        assert "--witness and --port are the same board" in capsys.readouterr().err


# ---- among other boards ----


class Port:
    """A port at which a witness is, or a program that only echoes."""

    name = "/dev/ttyACM9"

    def __init__(self, is_witness: bool) -> None:
        self.heard = b""
        self.clock_s = 0.0
        self.is_witness = is_witness

    def write(self, data: bytes) -> None:
        self.heard += data

    def read(self, timeout_s: float) -> bytes:
        self.clock_s += timeout_s
        heard, self.heard = self.heard, b""
        if not self.is_witness:
            return heard
        return frames.encode(frames.JSON, 0, b'{"answer": "hello", "witness": 7}') if b"hello " in heard else b""

    def now_s(self) -> float:
        return self.clock_s

    def close(self) -> None: ...


@pytest.mark.parametrize("is_witness", [True, False])
def test_a_witness_is_listed_as_one_and_is_no_board_to_run_on(
    is_witness: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opennmes.ports.serial.SerialPort", lambda device: Port(is_witness))
    board = discover.at_port("/dev/ttyACM9", "e66")
    assert board.kind == (discover.WITNESS if is_witness else discover.SILENT)
    monkeypatch.setattr(discover, "boards", lambda: [board])
    if is_witness:
        with pytest.raises(PortError, match="no board that runs OpenNMES"):
            choose_all()
    else:
        assert [chosen.where for chosen in choose_all()] == ["/dev/ttyACM9"], "one that hangs may be ours"


def test_a_witness_of_another_version_says_so() -> None:
    with pytest.raises(WitnessError, match="speaks version 7"):
        Witness(Port(True)).hello()


def test_an_echo_and_silence_are_no_witness() -> None:
    with pytest.raises(WitnessError, match="what answers is no witness"):
        Witness(Port(False)).hello()
    silent = Port(False)
    silent.write = lambda data: None  # type: ignore[method-assign]
    with pytest.raises(WitnessError, match="no witness answers"):
        Witness(silent).hello()

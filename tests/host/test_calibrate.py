"""nmes calibrate, through the command line, on a virtual board whose stage is off and which keeps things over power
cuts. The scope is the board's own log of pulses: the codes that its DAC was given, and what a stage that is off makes
of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
import terminals
from processes import Said
from starting import begin

from nmes.core import calibration as declared
from nmes.core import frame
from nmes.core.reason import Refused
from opennmes.boards import stage_of
from opennmes.cli import calibrate, main
from opennmes.device import readings
from opennmes.device.calibration import programme
from opennmes.device.client import Device
from opennmes.device.locking import make_key
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort

pytestmark = pytest.mark.usefixtures("virtual_board")

KEYS = ("dac_gain_ppm", "dac_offset", "current_gain_ppm", "current_offset", "voltage_gain_ppm", "voltage_offset")
NEEDS = [(30_000, -3, -20_000, 4, 15_000, -2), (-42_000, 5, 31_000, -6, -25_000, 3)]
OHM = 2_000
ARGUMENTS = ("calibrate", "--ohm", str(OHM), "--tolerance", "0.1", "--acknowledge", "--answers")
SIX = (1_600, 3_200, 6_400, 12_800, 9_600, 9_600)  # what a channel is set to at that resistor


class Wired:
    """The board, the cable to it, and the scope."""

    def __init__(self, folder: Path, needs: list[tuple[int, ...]], ohm: int) -> None:
        self.needs = [dict(zip(KEYS, row, strict=True)) for row in needs]
        self.ohm = ohm
        self.log = folder / "pulses"
        self._store = folder / "store"
        self._port: VirtualPort | None = None
        self.cut: Callable[[dict[str, Any], bool], bool] = lambda request, sent: False
        self.sent: list[str] = []
        self.asked: list[tuple[int, int]] = []
        self.typed: Callable[[int, int], int] = lambda number, voltage_uv: voltage_uv

    @property
    def port(self) -> VirtualPort:
        if self._port is None:
            self._port = VirtualPort(pulse_log=self.log, load_ohm=self.ohm, store=self._store)
        return self._port

    def power_off(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = None

    def true_ua(self, channel: int) -> float:
        """Of the last pulse of a channel: what a stage that is off makes of its code."""
        rows = (line.split(",") for line in reversed(self.log.read_text().splitlines()))
        code = next(int(row[4]) for row in rows if int(row[6]) == channel)
        needs = self.needs[channel]
        return 100 * (code - needs["dac_offset"]) / (1 + needs["dac_gain_ppm"] / 1e6)

    def voltage_uv(self, channel: int, asked_ua: int, number: int, count: int, wait: Any) -> int:
        """What a person reads, with four digits."""
        wait(0.1)
        self.asked.append((channel, asked_ua))
        return self.typed(number, round(float(f"{self.true_ua(channel) * self.ohm:.4g}")))

    def there(self) -> dict[str, Any]:
        """What the device says is in force, by another host."""
        device = Device(self.port)
        device.connect()
        return device.request("calibration")

    def at_rest(self) -> None:
        """Half a minute later no pulse has come that was not there 3.5 s later."""
        device = Device(self.port)
        device.connect()
        device.wait(3.5)
        assert device.status()["state"] in ("IDLE", "FAULT")
        before = self.log.read_text()
        device.wait(10)
        device.status()
        assert self.log.read_text() == before


class Cable:
    """The board's port until it is pulled; the board goes on without it."""

    name = "cable"

    def __init__(self, bench: Wired) -> None:
        self._bench = bench
        self._pulled = False

    def write(self, data: bytes) -> None:
        self._whole()
        request = frame.decode(data) if data.strip() else {}
        self._bench.sent.append(request.get("cmd", ""))
        if self._bench.cut(request, False):
            self._pull()
        self._bench.port.write(data)
        if self._bench.cut(request, True):
            self._bench.port.read(0.02)  # it arrives and is carried out, and the answer is lost
            self._pull()

    def read(self, timeout_s: float) -> bytes:
        self._whole()
        return self._bench.port.read(timeout_s)

    def now_s(self) -> float:
        return self._bench.port.now_s()

    def close(self) -> None:
        pass

    def _whole(self) -> None:
        if self._pulled:
            raise PortError("cable: the device is gone")

    def _pull(self) -> None:
        self._pulled = True
        raise PortError("cable: the device is gone")


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Wired]]:
    made: list[Wired] = []

    def bench(needs: list[tuple[int, ...]] = NEEDS, ohm: int = OHM) -> Wired:
        monkeypatch.setenv("NMES_STAGE_NEEDS", ";".join(",".join(map(str, row)) for row in needs))
        made.append(Wired(tmp_path, needs, ohm))
        return made[-1]

    def scope(_: object, *arguments: Any) -> int:
        return made[-1].voltage_uv(*arguments)

    monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, **__: Cable(made[-1]))
    monkeypatch.setattr("opennmes.cli.calibrate._Scripted.voltage_uv", scope)
    monkeypatch.setattr("opennmes.cli.calibrate.path_of", lambda *parts: tmp_path / "state" / "-".join(parts))
    (tmp_path / "answers").write_text("# the scope says it\n")
    yield bench
    for each in made:
        each.power_off()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    def carry_out(*more: str) -> tuple[int, dict[str, Any], str]:
        if more and more[0] in ("--show", "--undo"):
            line = ["calibrate", *more]
        else:
            line = [*ARGUMENTS, str(tmp_path / "answers"), *more]
        return processes.here(capsys, *line, "--port", "/dev/tty of mine")

    return carry_out


def unchanged(bench: Wired) -> bool:
    """But for the zeros of the current sense, which the device has to have right before there can be a pulse."""
    rows = bench.there()["rows"]
    return all(
        rows[str(channel)]
        in (nothing := dict.fromkeys(KEYS, 0), {**nothing, "current_offset": needs["current_offset"]})
        for channel, needs in enumerate(bench.needs)
    )


def close(found: dict[str, int], needs: dict[str, int]) -> bool:
    return all(
        abs(found[key] - needs[key]) <= (8_000 if key.endswith("_ppm") else 1)
        for key in KEYS
    )  # fmt: skip


# ---- what it does ----


@pytest.mark.parametrize(("ohm", "amplitudes"), [(500, (5_000, 10_000, 20_000, 40_000, 30_000, 30_000)), (OHM, SIX)])
def test_a_stage_that_is_off_delivers_what_is_asked_afterwards_to_one_percent_or_half_a_level(
    make: Callable[..., Wired], said: Said, ohm: int, amplitudes: tuple[int, ...]
) -> None:
    bench = make(ohm=ohm)
    status, answer, err = said("--ohm", str(ohm))
    assert (status, answer["done"]) == (0, True), err
    assert bench.asked == [(channel, asked) for channel in (0, 1) for asked in amplitudes]
    for channel, result in enumerate(answer["channels"]):
        assert close(result["row"], bench.needs[channel])
        assert answer["calibration"]["rows"][str(channel)] == result["row"]
        # At 9.6 mA gain and offset of each take each other away.
        assert abs(result["error_before_ppm"]) > 15_000 or ohm == OHM
        assert abs(result["error_after_ppm"]) < 10_000
        assert f"channel {channel} is calibrated" in err and f"{result['error_after_ppm'] / 1e4:+.2f} %" in err
    assert answer["calibration"]["condition"] == "whole"
    assert re.search("reading 6 of 6|going on", err) is None  # the scope said it, not --answers
    # With power back: measured by the log of pulses at amplitudes that were in no row.
    bench.power_off()
    with Device(bench.port) as device:
        device.connect()
        assert device.request("calibration") == answer["calibration"]
        for channel in (0, 1):
            begin(device, programme(channel, 12_000))
            for asked_ua in (1_000, 4_300, 7_700, 11_900):
                device.raise_to(asked_ua, channel)
                device.wait(0.3)
                assert abs(bench.true_ua(channel) - asked_ua) <= asked_ua / 100 + 50
                measured = device.status()["channels"][0]
                assert abs(measured["measured_ua"] - bench.true_ua(channel)) <= asked_ua / 100 + 55
                assert abs(measured["impedance_ohm"] - ohm) <= ohm * (0.015 + 45 / asked_ua)
            device.stop()


def test_nothing_is_left_of_the_readings_when_it_is_done(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    make()
    assert said()[0] == 0
    assert not list((tmp_path / "state").iterdir())


def test_one_channel_alone_leaves_the_other_as_it_was(make: Callable[..., Wired], said: Said) -> None:
    bench = make()
    status, answer, _ = said("--channel", "1")
    assert (status, [row["channel"] for row in answer["channels"]]) == (0, [1])
    rows = answer["calibration"]["rows"]
    assert close(rows["1"], bench.needs[1]) and rows["0"] == dict.fromkeys(KEYS, 0)
    status, answer, _ = said("--channel", "0")
    assert answer["calibration"]["rows"]["1"] == rows["1"] and close(answer["calibration"]["rows"]["0"], bench.needs[0])


def test_a_second_calibration_starts_from_what_is_in_force_and_ends_where_the_first_did(
    make: Callable[..., Wired], said: Said
) -> None:
    make()
    _, first, _ = said("--channel", "0")
    _, second, _ = said("--channel", "0")
    assert abs(second["channels"][0]["error_before_ppm"]) < 10_000
    assert close(second["channels"][0]["row"], first["channels"][0]["row"])


def test_it_is_shown_and_undone_by_one_command(
    make: Callable[..., Wired], said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    make()
    status, answer, _ = said("--show")
    assert (status, answer["calibration"]["condition"]) == (0, "none")
    _, made, _ = said()
    assert said("--show")[1]["calibration"] == made["calibration"]
    assert main(["calibrate", "--show", "--port", "x"]) == 0
    printed = capsys.readouterr().out
    assert made["calibration"]["digest"] in printed and "channel 1" in printed
    status, answer, _ = said("--undo")
    assert (status, answer["undone"], answer["before"]) == (0, True, made["calibration"])
    assert answer["calibration"]["condition"] == "none"
    assert answer["calibration"]["rows"] == {str(channel): dict.fromkeys(KEYS, 0) for channel in (0, 1)}
    assert said("--undo")[0] == 0


def test_a_locked_device_is_calibrated_with_its_key_and_with_no_other(
    make: Callable[..., Wired], said: Said, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench, key, other = make(), str(tmp_path / "clinic.key"), str(tmp_path / "other.key")
    make_key(Path(other))
    assert main(["lock", "--key", key, "--port", "/dev/tty of mine"]) == 0
    capsys.readouterr()
    for arguments in (["--channel", "0"], ["--undo"]):
        for given in ([], ["--key", other]):
            status, answer, err = said(*arguments, *given)
            assert (status, answer["done"]) == (1, False) and "locked with key" in err
    assert (bench.asked, bench.there()["condition"]) == ([], "none")
    assert said("--channel", "0", "--key", key)[0] == 0
    assert bench.there()["condition"] == "whole"
    assert said("--undo", "--key", key)[0] == 0
    assert bench.there()["condition"] == "none"


def test_a_calibration_that_is_damaged_is_named_and_has_to_be_undone_first(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    bench = make()
    assert said("--channel", "0")[0] == 0
    bench.power_off()
    flash = tmp_path / "store.flash"
    data = bytearray(flash.read_bytes())
    for sector in (22, 23):
        data[sector * 4096 + 10] ^= 1
    flash.write_bytes(data)
    status, _, err = said()
    assert (status, bench.asked[6:]) == (1, []) and "damaged" in err and "nmes calibrate --undo" in err
    status, answer, err = said("--show")
    assert (status, answer["calibration"]["condition"]) == (0, "damaged") and "nmes calibrate --undo" in err
    assert said("--undo")[0] == 0
    assert said("--channel", "0")[0] == 0


# ---- nonsense ----


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda number, uv: uv * 10, "the device senses"),
        (lambda number, uv: uv // 1_000, "the device senses"),
        (lambda number, uv: 0, "the device senses"),
        (lambda number, uv: uv * 115 // 100 if number == 3 else uv, "on a line with the others"),
        (lambda number, uv: uv * 112 // 100, "it may be at most"),
        (lambda number, uv: uv * 88 // 100, "it has to be at least"),
    ],
)
def test_answers_that_make_no_sense_are_refused_and_nothing_is_changed(
    make: Callable[..., Wired], said: Said, wrong: Callable[[int, int], int], why: str
) -> None:
    bench = make()
    bench.typed = wrong
    status, answer, err = said()
    assert (status, answer["done"]) == (1, False) and why in err
    assert unchanged(bench)
    bench.at_rest()
    bench.typed = lambda number, voltage_uv: voltage_uv
    assert said()[0] == 0


def test_another_resistor_than_said_is_refused_before_anything_is_asked(make: Callable[..., Wired], said: Said) -> None:
    bench = make()
    status, answer, err = said("--ohm", "1000")
    assert (status, bench.asked) == (1, []) and "by what the device senses" in err
    assert answer["reasons"][0]["code"] == "other_resistor"
    assert unchanged(bench)
    bench.at_rest()


@pytest.mark.parametrize("ohm", [1_000_000_000, 0])
def test_no_resistor_at_all_ends_it_with_nothing_changed(make: Callable[..., Wired], said: Said, ohm: int) -> None:
    bench = make(ohm=ohm)
    assert (said()[0], bench.asked) == (1, [])
    assert unchanged(bench)
    bench.at_rest()


def test_a_stage_that_needs_more_than_can_be_corrected_is_refused_by_name(
    make: Callable[..., Wired], said: Said
) -> None:
    bench = make([(80_000, 0, 0, 0, 0, 0), NEEDS[1]])
    status, answer, err = said()
    assert status == 1 and {reason["parameter"] for reason in answer["reasons"]} == {"dac_gain_ppm"}
    assert "nmes calibrate, channel 0" in err and unchanged(bench)


def test_a_row_that_does_not_help_is_taken_back(make: Callable[..., Wired], said: Said) -> None:
    bench = make()
    assert said("--channel", "1")[0] == 0
    before = bench.there()
    for rows in (before, None):
        bench.typed = lambda number, uv: uv * 105 // 100 if number == 6 else uv
        status, answer, err = said("--channel", "0")
        assert status == 1 and answer["reasons"][0]["code"] == "not_verified" and "before the calibration" in err
        there = bench.there()
        assert there["rows"]["0"] == {**dict.fromkeys(KEYS, 0), "current_offset": NEEDS[0][3]}
        assert rows is None or there["rows"]["1"] == rows["rows"]["1"]
        said("--undo")
    bench.typed = lambda number, voltage_uv: voltage_uv
    assert said("--channel", "0")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--ohm", "100"), "200 to 2000 ohm"),
        (("--ohm", "47k"), "no whole number"),
        (("--tolerance", "5"), "0 to 20000 ppm"),
        (("--tolerance", "a lot"), "no percentage"),
        (("--channel", "2"), "channels 0 to 1"),
        (("--show", "--undo"), "both given"),
    ],
)
def test_what_is_no_resistor_and_no_channel_is_said(
    make: Callable[..., Wired], said: Said, arguments: tuple[str, ...], why: str
) -> None:
    bench = make()
    status, _, err = said(*arguments)
    assert status in (1, 2) and why in err and bench.asked == []


def test_answers_are_volts_and_each_of_them_is_needed(
    make: Callable[..., Wired], said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    (tmp_path / "answers").write_text("3.2\n2,5\n")
    status, _, err = said()
    assert status == 2 and "'2,5' is no voltage" in err
    monkeypatch.undo()
    assert bench.asked == []


def test_a_file_of_answers_that_is_too_long_is_refused_and_not_cut_within_a_voltage(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    bench = make()
    (tmp_path / "answers").write_text("# V\n" + "12.4950\n" * 8_192)  # cut after 65 536 bytes the last one were 12.4
    status, _, err = said()
    assert status == 2 and "answers is longer than 65536 bytes" in err
    assert bench.asked == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])  # of Notepad, and of PowerShell's `>`
def test_answers_of_a_file_are_enough_for_all_of_it(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("NMES_STAGE_NEEDS", ";".join(",".join(map(str, row)) for row in NEEDS))
    volts = []
    for row in NEEDS:
        for level in (50, 100, 200, 400, 300):
            volts.append((level - row[1]) / (1 + row[0] / 1e6) * 100 * 500 / 1e6)
        volts.append(15.0)  # what the third digit of a scope says of 30 mA, by then corrected
    (tmp_path / "answers").write_text("\n".join(f"{value:.4g}  # V" for value in volts[:-1]))
    line = ["calibrate", "--ohm", "500", "--tolerance", "1", "--acknowledge", "--port", "virtual", "--answers"]
    assert main([*line, str(tmp_path / "answers")]) == 1
    assert "one for channel 1 at 30 mA" in capsys.readouterr().err
    # All but the last is kept, and the last is enough.
    (tmp_path / "answers").write_text(f"{volts[-1]:.4g}\n")
    content = (tmp_path / "answers").read_text().encode(encoding)
    (tmp_path / "answers").write_bytes(content)
    assert main([*line, str(tmp_path / "answers"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    for channel, row in zip(answer["channels"], NEEDS, strict=True):
        assert close(channel["row"], dict(zip(KEYS, row, strict=True)))


# ---- resuming ----


def steps(sent: list[str]) -> list[tuple[str, int]]:
    """Each step of the whole once: a request, and which of its kind; of what comes many times, the first after
    another."""
    found, counts, last = [], dict[str, int](), ""
    for command in sent:
        counts[command] = counts.get(command, 0) + 1
        if command and command != last:
            found.append((command, counts[command]))
        last = command
    return found


def test_a_cable_pulled_at_each_step_leaves_it_at_rest_with_the_old_or_the_new_row_and_it_goes_on(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    bench = make()
    assert said("--channel", "0")[0] == 0
    whole = bench.there()
    wanted, old = whole["rows"]["0"], dict.fromkeys(KEYS, 0)
    zeroed = {**old, "current_offset": NEEDS[0][3]}
    every = steps(bench.sent)
    names = {command for command, _ in every}
    assert {"identify", "calibration", "load", "arm", "start", "intensity", "counts", "stop", "calibrate"} <= names
    assert len(every) > 25
    for command, which in every:
        for after in (False, True) if command in ("calibrate", "arm", "start", "stop") else (True,):
            said("--undo")
            bench.sent.clear()
            bench.asked.clear()

            def cut(request: dict[str, Any], sent: bool, at: tuple[str, int, bool] = (command, which, after)) -> bool:
                return (request.get("cmd"), bench.sent.count(at[0]), sent) == at

            bench.cut = cut
            what = (command, which, after)
            status, answer, err = said("--channel", "0")
            assert (status, answer.get("done")) == (1, False), what
            assert "the device is gone" in err, what
            bench.cut = lambda request, sent: False
            written = bench.sent.count("calibrate") - (command == "calibrate" and not after)
            bench.at_rest()
            assert bench.there()["rows"]["0"] == (old, zeroed, wanted)[written], what
            status, answer, err = said("--channel", "0")
            assert (status, answer.get("done")) == (0, True), (what, err)
            assert answer["calibration"]["rows"]["0"] == wanted, what
            # Nothing is asked twice but what was not answered.
            assert len(bench.asked) in (6, 7), (what, bench.asked)
    assert not list((tmp_path / "state").iterdir())


def test_an_interruption_while_a_person_reads_keeps_what_was_read(make: Callable[..., Wired], said: Said) -> None:
    bench = make()

    def interrupted(number: int, voltage_uv: int) -> int:
        if number == 4:
            raise KeyboardInterrupt
        return voltage_uv

    bench.typed = interrupted
    status, answer, err = said()
    assert (status, answer["error"]) == (1, "interrupted")
    bench.at_rest()
    assert unchanged(bench)
    bench.typed = lambda number, voltage_uv: voltage_uv
    bench.asked.clear()
    status, _, err = said("--channel", "0")
    assert status == 0 and "going on: 3 readings" in err
    assert bench.asked == [(0, asked) for asked in SIX[3:]]


def test_again_starts_over_and_another_resistor_is_not_mixed_with_the_one_before(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    bench = make()
    bench.typed = lambda number, voltage_uv: voltage_uv if number < 3 else 0
    assert said()[0] == 1
    bench.typed = lambda number, voltage_uv: voltage_uv
    bench.asked.clear()
    status, _, err = said("--ohm", "1999")
    assert (status, bench.asked) == (1, []) and "begun with 2000 ohm" in err and "--again" in err
    assert said("--channel", "0", "--again")[0] == 0
    assert bench.asked == [(0, asked) for asked in SIX]


def test_kept_readings_that_make_no_sense_are_not_guessed_at(
    make: Callable[..., Wired], said: Said, tmp_path: Path
) -> None:
    bench = make()
    bench.typed = lambda number, voltage_uv: voltage_uv if number < 3 else 0
    assert said()[0] == 1
    (kept,) = (tmp_path / "state").iterdir()
    whole = json.loads(kept.read_text())
    bench.typed = lambda number, voltage_uv: voltage_uv
    for text in (
        "",
        "{",
        "[]",
        "{}",
        json.dumps({**whole, "version": 99}),
        json.dumps({**whole, "channels": {"0": {}}}),
    ):
        kept.write_text(text)
        bench.asked.clear()
        status, _, err = said()
        assert (status, bench.asked) == (1, []) and "--again" in err, text
    assert said("--again")[0] == 0


def test_readings_of_another_device_or_stage_are_other_files() -> None:
    paths = {
        readings.path_of(uid, stage, facts) for uid in ("e6", "e7") for stage in ("a", "b") for facts in ("1", "2")
    }
    assert len(paths) == 8
    assert readings.path_of("../x/y", "a", "1").parent == readings.path_of("e6", "a", "1").parent


# ---- a person at a terminal ----


def test_a_person_is_asked_and_a_slip_is_asked_again(tmp_path: Path) -> None:
    environment = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "NMES_VIRTUAL_STORE": str(tmp_path / "store"),
        "NMES_STAGE_NEEDS": ";".join(",".join(map(str, row)) for row in NEEDS),
    }
    line = ("calibrate", "--port", "virtual", "--channel", "0", "--json")
    with terminals.at_terminal(*line, new=True, **environment) as person:
        person.sees("resistor in ohm")
        person.press("500\r")
        person.sees("in percent")
        person.press("0.1\r")
        place, _ = person.sees("is every one true?")
        person.press("y\r")
        place, _ = person.sees("Is nobody connected")
        person.press("y\r")
        for number, level in enumerate((50, 100, 200, 400, 300, None), 1):
            place, _ = person.sees(f"reading {number} of 6", start=place)
            place, _ = person.sees("in volts?", start=place)
            volts = 15.0 if level is None else (level - NEEDS[0][1]) / (1 + NEEDS[0][0] / 1e6) * 0.05
            if number == 2:
                person.press("5,1\r")
                place, _ = person.sees("is no voltage", start=place)
                person.press(f"{volts * 10:.4g}\r")
                place, _ = person.sees("that cannot be", start=place)
                place, _ = person.sees("in volts?", start=place)
                person.press("9\x7f")
            person.press(f"{volts:.4g}\r")
        person.sees("channel 0 is calibrated")
        status, answer = person.result()
        assert status == 0 and close(answer["channels"][0]["row"], dict(zip(KEYS, NEEDS[0], strict=True)))


def test_without_a_terminal_and_without_answers_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--port", "virtual", "--ohm", "500", "--tolerance", "1"]) == 2
    assert "--answers" in capsys.readouterr().err


def test_a_stage_that_measures_nothing_is_not_calibrated() -> None:
    class Bare:
        def __init__(self) -> None:
            self.identity = {"board": "pico", "stage": "bare"}

    with pytest.raises(Refused) as refused:
        calibrate._stage_of(Bare())  # type: ignore[arg-type]
    assert refused.value.reasons[0]["code"] == "not_measured" and not stage_of("pico", "bare")["measures"]
    assert set(declared.ROW) == set(KEYS)

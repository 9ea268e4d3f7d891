"""nmes log, through the command line, on a virtual board that keeps things over power cuts; and its records against the
pulse log and the arithmetic of whole sessions."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import Said
from starting import begin

from nmes.core import programme, record
from nmes.hal.common import LAYOUT, PAGE, SECTOR
from opennmes.boards import stage_of
from opennmes.cli import main
from opennmes.device import records
from opennmes.device.client import Device
from opennmes.measure.pulse_log import read_pulse_log
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import library

pytestmark = pytest.mark.usefixtures("virtual_board")

Power = Callable[..., VirtualPort]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def power_on(store: Path) -> Power:
    """Makes the board, with the power back: what it keeps is still there."""
    return lambda **more: VirtualPort(store=store, **more)


@pytest.fixture(autouse=True)
def board(power_on: Power, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, **__: power_on())


def resistor(name: str = "bench-resistor") -> dict[str, Any]:
    return dict(library.find(name).prescription.data)


def sessions(power_on: Power, count: int, seconds: float = 0.3) -> None:
    with Device(power_on()) as device:
        device.connect()
        device.set_clock(1_800_000_000)
        for _ in range(count):
            begin(device, resistor())
            device.raise_to(1_000)
            device.wait(seconds)
            device.stop()
            device.wait(0.3)


def place(number: int) -> int:
    """Where the flash of the virtual board has a record."""
    return LAYOUT["sessions"][0] * SECTOR + (number - 1) * PAGE


def change(store: Path, number: int, at: int, data: bytes) -> None:
    path = Path(f"{store}.flash")
    flash = bytearray(path.read_bytes())
    flash[place(number) + at : place(number) + at + len(data)] = data
    path.write_bytes(flash)


def page(store: Path, number: int) -> bytearray:
    return bytearray(Path(f"{store}.flash").read_bytes()[place(number) : place(number) + PAGE])


# ---- what it shows ----


def test_a_board_without_a_session_has_no_record(said: Said) -> None:
    status, answer, _ = said("log")
    assert (status, answer["records"], answer["whole"], answer["newest"]) == (0, [], True, 0)


def test_every_session_is_in_the_table_and_whole(
    said: Said, power_on: Power, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions(power_on, 3)
    status, answer, _ = said("log")
    assert (status, answer["whole"], [row["number"] for row in answer["records"]]) == (0, True, [1, 2, 3])
    for row in answer["records"]:
        assert (row["condition"], row["ended"], row["resistor"], row["started_by"] > 0) == (
            record.ENDED, "stopped", True, True,
        )  # fmt: skip
        assert 0 <= row["unix_s"] - 1_800_000_000 < 60 and row["channel_0_pulses"] > 10 and row["channel_1_pulses"] == 0
        # What was loaded by a host has no prescription on the device; a load that was not seen is not one of 0 ohm.
        assert (row["prescription"], row["prescription_digest"]) == (0, None)
        assert 490 <= row["channel_0_impedance_least_ohm"] <= 510 and row["channel_1_impedance_least_ohm"] is None
    assert main(["log", "--port", "/dev/mine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "contractions" in lines[0] and len(lines) == 4 and all("stopped" in line for line in lines[1:])


def test_a_session_that_the_power_ended_was_not_ended_in_order(said: Said, power_on: Power) -> None:
    port = power_on()
    device = Device(port)
    device.connect()
    begin(device, resistor())
    device.wait(0.5)
    port.close()
    status, answer, _ = said("log")
    ((row),) = answer["records"]
    assert (status, answer["whole"], row["condition"], row["ended"]) == (0, True, record.BEGUN, None)


# ---- what it finds ----


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_record_that_was_removed_is_seen_and_named(said: Said, power_on: Power, store: Path, number: int) -> None:
    sessions(power_on, 4)
    change(store, number, 0, bytes(PAGE))
    status, answer, err = said("log")
    assert (status, answer["whole"]) == (1, False) if number > 1 else (status, answer["whole"]) == (0, True)
    if number > 1:
        assert f"record {number} is missing" in err and f"record {number + 1} follows another one" in err


def test_a_record_that_was_changed_with_its_checksum_is_seen_and_named(
    said: Said, power_on: Power, store: Path
) -> None:
    sessions(power_on, 3)
    changed = page(store, 2)
    changed[64] ^= 1  # how far the programme came
    record._put_crc(changed, 64, 236)
    change(store, 2, 0, bytes(changed))
    status, answer, err = said("log")
    assert (status, answer["problems"]) == (1, ["record 2 was changed: record 3 was written after another one"])
    assert "record 2 was changed" in err


def test_a_damaged_record_is_named_and_the_others_are_shown(said: Said, power_on: Power, store: Path) -> None:
    sessions(power_on, 3)
    change(store, 2, 10, b"\x00\x01")
    status, answer, err = said("log")
    assert (status, [row["condition"] for row in answer["records"]]) == (1, ["ended", "damaged", "ended"])
    assert answer["problems"] == ["record 2 is damaged: what it said is lost"] and "record 2 is damaged" in err
    # The board goes on, and the next record is in the chain.
    sessions(power_on, 1)
    assert said("log")[1]["problems"] == ["record 2 is damaged: what it said is lost"]


# ---- files, and taking them off ----


def test_records_are_cleared_only_once_a_file_has_them(said: Said, power_on: Power, tmp_path: Path) -> None:
    sessions(power_on, 2)
    assert main(["log", "--clear", "--port", "/dev/mine"]) == 2
    path = tmp_path / "sessions.csv"
    status, answer, _ = said("log", "--csv", str(path), "--clear")
    assert (status, answer["cleared"], answer["taken"], len(answer["records"])) == (0, True, 2, 2)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["condition"], row["ended"]) for row in rows] == [
        ("1", "ended", "stopped"), ("2", "ended", "stopped"),
    ]  # fmt: skip
    assert said("log")[1]["records"] == []
    # The next one says which it follows, as the file has it.
    sessions(power_on, 1)
    (row,) = said("log")[1]["records"]
    assert (row["number"], row["before"]) == (3, rows[-1]["digest"])


def test_records_are_cleared_up_to_the_last_one_that_can_be_read() -> None:
    class Asked:
        def __init__(self) -> None:
            self.requests: list[tuple[str, int]] = []

        def request(self, name: str, session: int, page_digest: str) -> None:
            self.requests.append((name, session))
            assert len(page_digest) == 2 * record.DIGEST_BYTES

    begun = records.Kept(4, bytes(PAGE), record.ENDED, {}, {})
    damaged = records.Kept(5, bytes(PAGE), record.DAMAGED, None, None)
    for kept, asked in (([begun, damaged], [("log_clear", 4)]), ([damaged], []), ([], [])):
        device: Any = Asked()
        taken = records.clear(device, records.Log(kept, 5, 0, 100))
        assert (device.requests, taken) == (asked, begun if asked else None)


def test_a_file_that_does_not_read_back_clears_nothing(
    said: Said, power_on: Power, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions(power_on, 2)
    path = tmp_path / "sessions.csv"

    def damaged(where: Path, text: str, *, replace: bool) -> None:
        where.write_text(text.replace("stopped", "stOpped", 1))

    monkeypatch.setattr("opennmes.cli.log.write_text", damaged)
    status, _, err = said("log", "--csv", str(path), "--clear")
    assert status == 1 and "nothing was taken off the device" in err
    monkeypatch.undo()


def test_a_file_that_is_there_is_left_alone_and_a_folder_that_is_not_is_said(
    said: Said, power_on: Power, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions(power_on, 1)
    path = tmp_path / "mine.csv"
    path.write_text("mine")
    assert main(["log", "--csv", str(path), "--clear", "--port", "/dev/mine"]) == 2
    status, _, _ = said("log", "--csv", str(tmp_path / "none" / "here.csv"), "--clear")
    assert (status, path.read_text()) == (1, "mine")
    assert len(said("log")[1]["records"]) == 1
    assert main(["log", "--csv", str(path), "--force", "--port", "/dev/mine"]) == 0 and "ended" in path.read_text()
    assert f"1 record is in {path}, and was read back" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--key", "mine.key"], "give --clear too"),
        (["--key", "mine.key", "--csv", "a.csv"], "give --clear too"),
        (["--force"], "--force is for --csv FILE"),
        (["--clear"], "give --csv FILE too"),
        (["--clear", "--csv", "a.csv", "--port", "virtual"], "--clear takes records off one device"),
        (["--all"], "--all and --port are both given"),
    ],
)
def test_options_that_do_nothing_together_are_one_clear_message(
    options: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["log", *options, "--port", "/dev/mine"]) == 2
    printed = capsys.readouterr()
    assert why in printed.err and printed.err.count("nmes: ") == 1 and printed.out == ""
    assert not list(tmp_path.glob("*.csv"))


def test_a_file_of_no_record_has_all_columns(said: Said, power_on: Power, tmp_path: Path) -> None:
    assert said("log", "--csv", str(tmp_path / "none.csv"))[0] == 0
    sessions(power_on, 1)
    assert said("log", "--csv", str(tmp_path / "one.csv"))[0] == 0
    none, one = ((tmp_path / name).read_text().splitlines() for name in ("none.csv", "one.csv"))
    assert (len(none), len(one)) == (1, 2) and none[0] == one[0]


# ---- of several devices ----


@pytest.fixture
def several_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: None) -> Callable[[str], Power]:
    """A board for each port that is asked for; "gone" is none."""

    def power_on_at(port: str) -> Power:
        if port == "gone":
            raise PortError("gone: there is no such port")
        return lambda **more: VirtualPort(store=tmp_path / f"store-{port}", **more)

    monkeypatch.setattr("opennmes.cli.kept.open_port", lambda port: power_on_at(port)())
    return power_on_at


def test_of_several_devices_each_is_shown_and_one_that_fails_stops_no_other(
    several_boards: Callable[[str], Power], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sessions(several_boards("a"), 2)
    sessions(several_boards("b"), 1)
    named = ["--port", "a", "--port", "gone", "--port", "b"]
    assert main(["log", *named, "--json"]) == 1
    first, second, third = json.loads(capsys.readouterr().out)["devices"]
    assert [(each["port"], len(each["records"]), each["device_uid"]) for each in (first, third)] == [
        ("a", 2, "virtual"), ("b", 1, "virtual"),
    ]  # fmt: skip
    assert second["error"] == "gone: there is no such port" and "records" not in second
    path = tmp_path / "all.csv"
    assert main(["log", *named, "--csv", str(path)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("session 1: ") == 2 and printed.count("session 2: ") == 1 and "3 records are in" in printed
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["device_uid", "device_name", "number"]
    assert [row["number"] for row in rows] == ["1", "2", "1"]


def test_a_record_of_one_of_several_that_is_damaged_is_said_of_that_one(
    several_boards: Callable[[str], Power], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for port, count in (("a", 1), ("b", 2)):
        sessions(several_boards(port), count)
    change(tmp_path / "store-b", 1, 10, b"\x00\x01")
    assert main(["log", "--port", "a", "--port", "b", "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)["devices"]
    assert (first["whole"], second["whole"]) == (True, False)
    assert main(["log", "--port", "a", "--port", "b"]) == 1
    assert capsys.readouterr().out.count("record 1 is damaged") == 1


def test_where_no_device_could_be_read_no_file_is_made(
    several_boards: Callable[[str], Power], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "all.csv"
    assert main(["log", "--port", "gone", "--port", "gone", "--csv", str(path)]) == 1
    assert not path.exists() and "records are in" not in capsys.readouterr().out


# ---- whole sessions ----

# One channel and two, trains and their alternation, and one for a resistor.
WHOLE = ("stress-incontinence-35hz", "abdominal-diastasis", "chronic-pelvic-pain-13-50hz", "bench-resistor")


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_session_of_the_library_is_as_the_pulse_log_and_the_arithmetic_have_it(
    power_on: Power, tmp_path: Path, name: str
) -> None:
    made = library.find(name).prescription
    log = tmp_path / "pulses.csv"
    with Device(power_on(pulse_log=log)) as device:
        device.connect()
        loaded = begin(device, made.data)
        used = [row["channel"] for row in loaded["channels"]]
        for channel in used:
            device.raise_to(6_000, channel)
        device.wait(loaded["duration_ms"] / 1000 + 2)
        account = device.stop()["account"]
        (kept,) = records.log_of(device).kept
    begun, end = kept.begin, kept.end
    assert begun is not None and end is not None
    stage = stage_of("virtual")
    accepted = programme.accept(made.data, stage)
    pulses = read_pulse_log(log)
    assert (end["ended"], end["fault"], end["pauses"]) == ("completed", 0, 0)
    assert begun["duration_s"] == -(-loaded["duration_ms"] // 1000)
    full_ua, levels = stage["full_scale_ua"], stage["levels"]
    for channel in accepted.channels:
        said = end["channels"][channel.index]
        mine = [pulse for pulse in pulses if pulse.channel == channel.index]
        assert (
            said["pulses"]
            == len(mine)
            == next(r["pulses"] for r in loaded["channels"] if r["channel"] == channel.index)
        )
        assert said["driven"] == sum(pulse.level_a > 0 for pulse in mine)
        assert said["works"] == sum(phase.trains for phase in channel.phases)
        # Each phase is sensed in whole counts of the ADC.
        charge_nc = sum(pulse.level_a * full_ua // levels * pulse.width_a_us for pulse in mine) / 1_000
        assert said["charge_a_nc"] == pytest.approx(charge_nc, rel=0.01)
        assert said["set_most_ua"] == 6_000
        assert sum(said["levels_ms"]) == pytest.approx(end["elapsed_ms"], abs=900)
    by_channel = {row["channel"]: row for row in account["channels"]}
    for number in used:
        for key in ("charge_a_nc", "charge_b_nc", "missed", "current_mean_ua", "current_most_ua"):
            assert end["channels"][number][key] == by_channel[number][key]

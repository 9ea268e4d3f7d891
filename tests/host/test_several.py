"""A verb on several devices: one that fails does not stop the others, and the result says each."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from ports_for_tests import IDENTITY, RulePort, ok

from nmes.core import faults, session
from opennmes.cli import main
from opennmes.device import discover
from opennmes.device.discover import BUSY, OURS, Board
from opennmes.ports.errors import PortError
from opennmes.prescription import Prescription

ACCOUNT = dict.fromkeys(("queued", "delivered", "cancelled", "underruns", "elapsed_ms"), 0) | {"channels": []}
UIDS = {"A": "aa01", "B": "aa02", "C": "ac03"}


class Machine:
    """Boards by their port; one that is None cannot be opened."""

    def __init__(self) -> None:
        self.boards: dict[str, RulePort | None] = {}
        for name, uid in UIDS.items():
            self.boards[name] = self.made(name, uid)

    def made(self, name: str, uid: str) -> RulePort:
        port = RulePort()
        port.name = name
        port.rules["identify"] = lambda request: ok(request["seq"], **self.identity(uid))
        port.rules["status"] = lambda request: ok(request["seq"], state=session.IDLE, fault=0, channels=[])
        port.rules["stop"] = lambda request: ok(request["seq"], state=session.IDLE, account=ACCOUNT)
        port.rules["record"] = lambda request: ok(request["seq"], **dict.fromkeys(faults.RECORD_FIELDS))
        return port

    @staticmethod
    def identity(uid: str) -> dict[str, Any]:
        return IDENTITY | {"uid": uid}

    def open(self, name: str, **options: Any) -> RulePort:
        port = self.boards.get(name)
        if port is None:
            raise PortError(f"{name}: the port is busy")
        return port

    def discovered(self) -> list[Board]:
        return [
            Board(OURS if self.boards[name] else BUSY, name, uid=uid, text=f"{name}: the port is busy")
            for name, uid in UIDS.items()
        ]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(discover, "boards", made.discovered)
    for verb in ("status", "stop", "record", "clear", "selftest"):
        monkeypatch.setattr(f"opennmes.cli.{verb}.open_port", made.open)
    return made


def devices(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json.loads(capsys.readouterr().out)["devices"]


@pytest.mark.parametrize("verb", ["status", "stop", "record"])
def test_all_means_each_and_one_that_fails_stops_no_other(machine: Machine, verb: str, capsys: Any) -> None:
    assert main([verb, "--all", "--json"]) == 0
    assert [each["port"] for each in devices(capsys)] == ["A", "B", "C"]
    machine.boards["B"] = None
    assert main([verb, "--all", "--json"]) == 1
    first, second, third = devices(capsys)
    assert "error" not in first and "error" not in third
    assert second["error"] == "B: the port is busy"
    assert "stop" in machine.boards["C"].commands() or verb != "stop"


@pytest.mark.parametrize("verb", ["status", "stop", "record"])
def test_a_person_reads_each_of_them(machine: Machine, verb: str, capsys: Any) -> None:
    machine.boards["B"] = None
    assert main([verb, "--all"]) == 1
    said = capsys.readouterr().out
    for part in ("A", "B", "C", "failed: B: the port is busy"):
        assert part in said


def test_they_are_named_by_port_and_by_uid_and_a_name_that_means_none_or_two_fails_alone(
    machine: Machine, capsys: Any
) -> None:
    assert main(["stop", "--port", "aa01", "--port", "aa", "--port", "ac", "--port", "nobody", "--json"]) == 1
    first, two, third, none = devices(capsys)
    assert (first["done"], third["done"]) == (True, True)
    assert "2 boards here could be meant by 'aa'" in two["error"] and "nobody" in none["error"]
    assert machine.boards["A"].commands()[0] == machine.boards["C"].commands()[0] == "stop"
    assert machine.boards["B"].commands() == []


def test_a_board_that_is_named_twice_is_asked_once(machine: Machine, capsys: Any) -> None:
    assert main(["stop", "--port", "aa01", "--port", "AA01", "--json"]) == 0
    assert [each["port"] for each in devices(capsys)] == ["aa01"]


def test_one_that_does_not_answer_keeps_no_other_from_being_stopped(machine: Machine, capsys: Any) -> None:
    stopped = threading.Event()
    slow, quick = machine.boards["A"], machine.boards["C"]

    def wait(request: dict[str, Any]) -> bytes:
        assert stopped.wait(60), "the other one was to be stopped meanwhile"
        return ok(request["seq"], state=session.IDLE, account=ACCOUNT)

    def stop(request: dict[str, Any]) -> bytes:
        stopped.set()
        return ok(request["seq"], state=session.IDLE, account=ACCOUNT)

    slow.rules["stop"], quick.rules["stop"] = wait, stop
    assert main(["stop", "--all", "--json"]) == 0
    assert [each["done"] for each in devices(capsys)] == [True, True, True]


def test_a_fault_of_one_is_said_of_that_one(machine: Machine, capsys: Any) -> None:
    status = {"state": session.FAULT, "fault": faults.ELECTRODE_OPEN, "fault_text": "x", "channels": []}
    machine.boards["B"].rules["status"] = lambda request: ok(request["seq"], **status)
    assert main(["status", "--all", "--json"]) == 1
    first, second, _ = devices(capsys)
    assert (first["fault"], second["fault"]["name"]) == (None, "electrode_open")
    assert "nmes clear --port B 11" in second["fault"]["next"]
    assert main(["status", "--all"]) == 1
    assert "fault 11, electrode_open" in capsys.readouterr().out


def test_a_fault_is_cleared_where_it_is_the_one_that_was_named(machine: Machine, capsys: Any) -> None:
    for name, fault in (("A", faults.ELECTRODE_OPEN), ("B", faults.EMERGENCY_STOP)):
        status = {"state": session.FAULT, "fault": fault, "fault_text": "", "channels": []}
        machine.boards[name].rules["status"] = lambda request, status=status: ok(request["seq"], **status)
        machine.boards[name].rules["clear"] = lambda request: ok(request["seq"], state=session.IDLE)
    named = ["--port", "aa01", "--port", "aa02", "--port", "ac03"]
    assert main(["clear", "electrode_open", *named, "--json"]) == 1
    first, second, third = devices(capsys)
    assert (first["done"], first["cleared"]["name"]) == (True, "electrode_open")
    assert "not fault 11" in second["error"] and second["fault"]["name"] == "emergency_stop"
    assert "has no fault" in third["error"]
    assert "clear" not in machine.boards["B"].commands() + machine.boards["C"].commands()


def test_several_and_no_fault_named_is_not_understood(machine: Machine, capsys: Any) -> None:
    assert main(["clear", "--port", "aa01", "--port", "aa02"]) == 2
    assert "no fault is named" in capsys.readouterr().err
    assert main(["clear", "11", "--all"]) == 2  # who clears has looked at each


@pytest.mark.parametrize("verb", ["status", "stop", "record", "selftest"])
def test_all_and_port_together_are_not_understood(machine: Machine, verb: str, capsys: Any) -> None:
    assert main([verb, "--all", "--port", "aa01"]) == 2
    assert "--all and --port are both given" in capsys.readouterr().err


def test_all_of_none_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(discover, "boards", list)
    assert main(["stop", "--all", "--json"]) == 1
    said = capsys.readouterr()
    assert "no board that runs OpenNMES is here" in said.err and json.loads(said.out)["done"] is False


def test_prescriptions_are_put_into_each_and_one_that_fails_keeps_none_from_the_others(
    example_file: Path, tmp_path: Path, capsys: Any
) -> None:
    boards = ["virtual", str(tmp_path / "nobody"), "virtual"]
    ports = [word for board in boards for word in ("--port", board)]
    assert main(["push", str(example_file), str(example_file), *ports, "--json"]) == 1
    said = devices(capsys)
    assert [one["port"] for one in said] == boards and [one["done"] for one in said] == [True, False, True]
    digest = Prescription.read(example_file).digest()
    for one in (said[0], said[2]):
        assert [(row["kept"]["number"], row["kept"]["digest"], row["unchanged"]) for row in one["pushed"]] == [
            (1, digest, False)
        ]
    assert said[1]["pushed"] == [] and "nobody" in said[1]["error"]
    assert main(["push", str(example_file), *ports]) == 1
    assert capsys.readouterr().out.count("put there and read back") == 2


def test_of_several_each_refuses_for_itself_and_a_file_that_is_none_reaches_no_board(
    example_file: Path, tmp_path: Path, capsys: Any
) -> None:
    both = ["--port", "virtual", "--port", "virtual", "--json"]
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(example_file.read_text().replace("width_us = 250", "width_us = 5000"))
    assert main(["push", str(example_file), str(wrong), *both]) == 1
    said = devices(capsys)
    assert [(one["done"], one["pushed"]) for one in said] == [(False, [])] * 2
    assert all(one["reasons"] for one in said)
    assert main(["push", str(tmp_path / "none.toml"), *both]) == 2
    assert json.loads(capsys.readouterr().out)["pushed"] == []


def test_a_session_runs_on_one(machine: Machine, example_file: Path, capsys: Any) -> None:
    assert main(["run", str(example_file), "--port", "aa01", "--port", "aa02", "--acknowledge"]) == 2
    assert "a session runs on one device" in capsys.readouterr().err
    assert main(["run", str(example_file), "--all", "--acknowledge"]) == 2

"""A latched fault is named by whoever finds it, and the command line has a way out: record, clear, stop."""

from __future__ import annotations

import json
import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports_for_tests import RulePort, ok, refused
from processes import Said
from starting import begin

from nmes.core import fault_words, faults, session
from opennmes.cli import main
from opennmes.device.client import Device, DeviceRefused
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

pytestmark = pytest.mark.usefixtures("virtual_board")

VERBS = ("run", "status", "record", "clear", "stop")
OPEN = faults.ELECTRODE_OPEN
STATUS = {"state": session.FAULT, "fault": OPEN, "fault_text": "at 3 mA", "ended": "fault electrode_open"}


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board that keeps its faults from one command to the next, without an electrode."""

    def power_on(*arguments: object, **options: object) -> VirtualPort:
        return VirtualPort(load_ohm=10_000_000, store=tmp_path / "store")

    for verb in VERBS:
        monkeypatch.setattr(f"opennmes.cli.{verb}.open_port", power_on)


@pytest.mark.usefixtures("board")
def test_a_fault_is_named_by_all_and_cleared_by_its_name(
    said: Said, example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", str(example_file), "--acknowledge", "--intensity", "20"]
    happened, what_to_do, clinician = fault_words.WORDS[OPEN]

    def named(answer: dict[str, Any], text: str) -> None:
        assert (answer["fault"]["number"], answer["fault"]["name"]) == (OPEN, "electrode_open")
        for part in ("fault 11, electrode_open", happened, what_to_do, clinician):
            assert part in text
        for part in answer["fault"]["next"]:
            assert part in text
        assert "nmes record --port '/dev/tty of mine'" in text
        assert "nmes clear --port '/dev/tty of mine' 11" in text

    status, answer, err = said(*run)
    assert (status, answer["done"], answer["record"]["fault"]) == (1, False, OPEN)
    named(answer, err)
    status, answer, err = said(*run)
    assert (status, answer["done"]) == (1, False)
    named(answer, err)
    assert "running" not in err
    assert said("status")[:1] == (1,)
    assert main(["status", "--port", "/dev/tty of mine"]) == 1
    out = capsys.readouterr().out
    named(answer, out)
    status, answer, _ = said("record")
    assert (status, answer["record"]["fault"], answer["fault"]["number"]) == (0, OPEN, OPEN)
    assert answer["record"]["delivered"] > 0
    assert main(["record", "--port", "/dev/tty of mine"]) == 0
    out = capsys.readouterr().out
    named(answer, out)
    for field in faults.RECORD_FIELDS:
        assert f"{field}: " in out
    status, answer, err = said("stop")
    assert (status, answer["done"], answer["state"]) == (0, True, session.FAULT)
    named(answer, err)
    # Not by guessing, and not another.
    for wrong in (["12"], ["electrode_short"], ["99"], []):
        status, answer, err = said("clear", *wrong)
        assert (status, answer["done"], answer["cleared"]) == (1, False, None)
        named(answer, err)
    status, answer, _ = said("clear", "electrode_open")
    assert (status, answer["done"], answer["cleared"]["number"], answer["state"]) == (0, True, OPEN, session.IDLE)
    assert answer["record"]["fault"] == OPEN
    status, answer, _ = said("status")
    assert (status, answer["fault"]) == (0, None)
    status, answer, err = said("clear", "11")
    assert (status, answer["done"], answer["error"]) == (1, False, "the device has no fault; nothing was cleared")
    status, answer, _ = said("record")
    assert (status, answer["record"], answer["fault"]) == (0, None, None)
    assert main(["record", "--port", "x"]) == 0
    assert "no fault is kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    "fault", ["0", "100", "\uff11\uff11", "+11", "1_1", "11.0", "electrode", "ELECTRODE_OPEN", "", "11 "]
)
def test_what_is_no_fault_is_not_understood(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clear", "--port", "virtual", fault]) == 2
    assert "is no fault" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["clear", "record", "stop"])
def test_a_port_that_is_not_there_is_said(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    for port in ("/dev/no-such-port", "no-such-board", "COM77"):
        assert main([verb, "--port", port]) == 1
        assert f"nmes: {port}: there is no such port" in capsys.readouterr().err


# ---- a person at a terminal ----


def a_device(monkeypatch: pytest.MonkeyPatch) -> RulePort:
    """A device with a fault, for every verb."""
    port = RulePort()
    port.name = "/dev/ttyX"
    record = dict.fromkeys(faults.RECORD_FIELDS) | {"fault": OPEN}
    port.rules["status"] = lambda request: ok(request["seq"], **STATUS)
    port.rules["record"] = lambda request: ok(request["seq"], **record)
    port.rules["clear"] = lambda request: ok(request["seq"], state=session.IDLE)
    for verb in VERBS:
        monkeypatch.setattr(f"opennmes.cli.{verb}.open_port", lambda *arguments, **options: port)
    return port


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 1)])
def test_a_person_who_names_nothing_is_shown_the_fault_and_asked(
    answer: bool, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    port = a_device(monkeypatch)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text, **options: asked.append(text) or answer)
    assert main(["clear", "--port", "/dev/ttyX"]) == status
    said = capsys.readouterr()
    assert "fault 11, electrode_open" in asked[0]
    assert fault_words.WORDS[OPEN][0] in said.err
    assert ("clear" in port.commands()) is answer
    assert ("is cleared" in said.out) is answer
    assert port.closed


def test_a_cause_that_is_still_there_is_said(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    port = a_device(monkeypatch)
    reasons = [
        {"code": "cause_there", "parameter": "electrode_open", "asked": "open", "bound": "closed", "source": "x",
         "phase": None}
    ]  # fmt: skip
    port.rules["clear"] = lambda request: refused(request["seq"], "refused", reasons)
    status, answer, err = said("clear", "11")
    assert (status, answer["done"], answer["cleared"], answer["reasons"]) == (1, False, None, reasons)
    assert "electrode_open is still there: found open, expected closed" in err


def test_looking_ends_nobody_s_session(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    port = a_device(monkeypatch)
    running = STATUS | {"state": session.RUNNING, "fault": 0}
    port.rules["status"] = lambda request: ok(request["seq"], **running)
    for verb in ("status", "record", "clear"):
        said(verb)
    assert set(port.commands()) == {"identify", "status", "record"}


# ---- stop ----


def test_stop_is_the_first_thing_that_is_sent(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    # Whatever firmware it is, and before anything is asked that it could refuse.
    account = dict.fromkeys(("queued", "delivered", "cancelled", "underruns", "elapsed_ms"), 0) | {"channels": []}
    port = a_device(monkeypatch)
    port.rules["identify"] = lambda request: ok(request["seq"], device="opennmes", version="9.9.9", protocol=9)
    port.rules["stop"] = lambda request: ok(request["seq"], state=session.IDLE, account=account)
    status, answer, _ = said("stop")
    assert (status, answer["done"], answer["account"]) == (0, True, account)
    assert port.commands() == ["stop"]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[VirtualPort, str]]:
    """A virtual board, and a serial port onto the same board for somebody else."""
    board = VirtualPort()
    master, slave = os.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def carry() -> None:
        while True:
            data = os.read(master, 4096)
            if ended.is_set():
                return
            if data.strip():
                board.write(data)
            os.write(master, board.read(0.05))

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    yield board, os.ttyname(slave)
    ended.set()
    os.write(slave, b"\n")
    thread.join(10)
    board.close()
    os.close(master)
    os.close(slave)


def test_anybody_may_stop_and_gets_the_account(
    shared: tuple[VirtualPort, str], example_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board, path = shared
    theirs = Device(board)
    theirs.connect()
    begin(theirs, Prescription.read(example_file).data)
    theirs.raise_to(3_000)
    assert main(["stop", "--port", path, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["done"], answer["state"], answer["fault"]) == (True, session.IDLE, None)
    assert answer["account"]["delivered"] > 0
    assert main(["status", "--port", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["state"] == session.IDLE
    assert main(["stop", "--port", path]) == 0
    assert f"{answer['account']['delivered']} pulses delivered of" in capsys.readouterr().out


# ---- from Python ----


def test_the_device_s_own_words() -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        assert set(device.record()) == set(faults.RECORD_FIELDS)
        with pytest.raises(DeviceRefused, match="the device refused clear"):
            device.clear(OPEN)


def test_the_number_is_sent_as_the_person_gave_it() -> None:
    port = RulePort()
    sent: list[Any] = []

    def clear(request: dict[str, Any]) -> bytes:
        sent.append(request)
        return ok(request["seq"], state=session.IDLE)

    port.rules["clear"] = clear
    assert Device(port).clear(OPEN)["state"] == session.IDLE
    assert sent[0]["fault"] == OPEN

"""Which board a verb speaks with: the only one, or the one that --port names by its port, UID, name or address."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports_for_tests import IDENTITY, RulePort, ok

from nmes.core import commands, session
from opennmes.cli import main
from opennmes.device import choose as choosing
from opennmes.device import discover
from opennmes.device.choose import Chosen, choose, choose_all
from opennmes.device.client import LinkError
from opennmes.device.discover import BOOTSEL, BUSY, MICROPYTHON, OURS, SILENT, Board
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import VirtualPort

LEFT = Board(OURS, "/dev/ttyACM0", uid="e6616407e3112233", identity={"name": "left"})
RIGHT = Board(OURS, "/dev/ttyACM1", uid="e6616408aa445566", identity={"name": "right"})
BUSY_ONE = Board(BUSY, "/dev/ttyACM2", uid="E6616409bb", text="/dev/ttyACM2: the port is busy")
SILENT_ONE = Board(SILENT, "/dev/ttyACM3", uid="e661640a", text="no answer")
STOCK = Board(MICROPYTHON, "/dev/ttyACM4", uid="0badf00d")
DRIVE = Board(BOOTSEL, "/media/RPI-RP2", chip="rp2040")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(*boards: Board) -> None:
        monkeypatch.setattr(discover, "boards", lambda: list(boards))

    return put


def test_the_only_board_of_ours_needs_no_name(here: Any) -> None:
    here(LEFT, STOCK, DRIVE)
    assert choose(None) == Chosen(LEFT.where, LEFT.uid)


@pytest.mark.parametrize("other", [RIGHT, BUSY_ONE, SILENT_ONE], ids=lambda board: board.kind)
def test_with_two_that_may_be_ours_nothing_is_guessed(here: Any, other: Board) -> None:
    # One that another program has open may be the one that somebody is connected to: `nmes stop` is not to stop the
    # other and say that it was done.
    here(LEFT, other, STOCK)
    with pytest.raises(PortError, match="2 boards are here") as refused:
        choose(None)
    for board in (LEFT, other):
        assert f"--port {board.where}" in str(refused.value) and board.uid in str(refused.value)
    assert STOCK.where not in str(refused.value)
    assert '"left"' in str(refused.value)


def test_without_any_it_says_what_is_here_and_what_to_do(here: Any) -> None:
    here(STOCK, DRIVE)
    with pytest.raises(PortError, match="no board that runs OpenNMES") as refused:
        choose(None)
    assert STOCK.where in str(refused.value) and "in BOOTSEL" in str(refused.value)
    here()
    with pytest.raises(PortError, match="`nmes doctor` looks for the reason"):
        choose(None)
    with pytest.raises(PortError, match="no board that runs OpenNMES"):
        choose_all()


@pytest.mark.parametrize(
    "named", ["e6616407e3112233", "E6616407E3112233", "e6616407", "E6616407", "left"], ids=lambda name: name
)
def test_by_uid_by_its_beginning_and_by_name(here: Any, named: str) -> None:
    here(LEFT, RIGHT, BUSY_ONE, STOCK)
    assert choose(named) == Chosen(LEFT.where, LEFT.uid)


def test_a_board_that_another_program_has_is_found_by_its_uid_and_said_to_be_busy(here: Any) -> None:
    here(LEFT, BUSY_ONE)
    assert choose("e6616409").where == BUSY_ONE.where


@pytest.mark.parametrize("named", ["e", "e66164", "E66164"])
def test_a_beginning_that_two_have_is_refused_with_both(here: Any, named: str) -> None:
    here(LEFT, RIGHT, STOCK)
    with pytest.raises(PortError, match="2 boards here could be meant") as refused:
        choose(named)
    assert LEFT.where in str(refused.value) and RIGHT.where in str(refused.value)
    assert STOCK.where not in str(refused.value)


def test_a_name_that_two_have_and_a_name_that_is_another_s_uid_are_refused(here: Any) -> None:
    here(LEFT, Board(OURS, "/dev/ttyACM1", uid="ffff", identity={"name": "left"}))
    with pytest.raises(PortError, match="2 boards here could be meant"):
        choose("left")
    here(LEFT, Board(OURS, "/dev/ttyACM1", uid="ffff", identity={"name": "e6616407"}))
    with pytest.raises(PortError, match="2 boards here could be meant"):
        choose("e6616407")


@pytest.mark.parametrize("named", ["lef", "Left", "left ", "e6616407e31122334", "123", "66"])
def test_what_is_not_quite_the_name_of_one_chooses_none(here: Any, named: str) -> None:
    here(LEFT, RIGHT)
    assert choose(named) == Chosen(named)  # which is no port, and so opening it fails
    assert main(["status", "--port", named]) == 1


@pytest.mark.parametrize("named", ["", " "])
def test_an_empty_name_is_refused(here: Any, named: str) -> None:
    here(LEFT)
    with pytest.raises(PortError, match="is empty"):
        choose(named)


@pytest.mark.parametrize(
    "named",
    ["virtual", "emulator", "/dev/ttyACM7", "./board", "COM3", "com12", r"\\.\COM10", "socket://localhost:3333"],
)
def test_what_names_its_port_is_taken_as_it_is_and_nobody_is_asked(monkeypatch: Any, named: str) -> None:
    monkeypatch.setattr(discover, "boards", lambda: pytest.fail("no board was to be asked"))
    assert choose(named) == Chosen(named)


def test_a_link_beside_us_is_a_port_and_not_when_a_board_is_called_so_too(
    here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "left").symlink_to("/dev/null")
    here(RIGHT)
    assert choose("left") == Chosen("left")
    here(LEFT, RIGHT)
    with pytest.raises(PortError, match=r"write \./left for the file"):
        choose("left")


@pytest.mark.parametrize("address", ["socket://", "socket://host", "socket://host:x", "socket://h:1?logging=debug",
                                     "socket://localhost:99999", "socket://localhost:0",
                                     "spy:///dev/ttyACM0", "loop://", "rfc2217://h:1", "http://h:1"])  # fmt: skip
def test_other_addresses_are_refused_with_the_form_of_one(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--port", address]) == 1
    assert f"nmes: {address}: of addresses only socket://HOST:PORT can be opened" in capsys.readouterr().err


def test_an_address_where_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert main(["status", "--port", f"socket://127.0.0.1:{free}"]) == 1
    assert "nobody could be reached there" in capsys.readouterr().err


# ---- the verbs ----


@pytest.fixture
def board_here(here: Any, monkeypatch: pytest.MonkeyPatch) -> RulePort:
    """A board on /dev/ttyACM0 for every verb, with the identity of ports_for_tests."""
    port = RulePort()
    port.rules["status"] = lambda request: ok(request["seq"], state=session.IDLE, fault=0, channels=[])
    for verb in ("status", "stop", "record", "clear", "run"):
        monkeypatch.setattr(f"opennmes.cli.{verb}.open_port", lambda *arguments, **options: port)
    return port


def test_without_port_the_only_board_is_asked(here: Any, board_here: RulePort, capsys: Any) -> None:
    here(Board(OURS, "/dev/ttyACM0", uid=str(IDENTITY["uid"])))
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["state"] == session.IDLE


@pytest.mark.parametrize(
    "arguments", [["status"], ["record"], ["stop"], ["clear", "11"], ["run", "FILE", "--acknowledge"]], ids=" ".join
)
def test_a_board_that_has_changed_places_meanwhile_is_not_taken_for_the_one_that_was_named(
    here: Any, board_here: RulePort, arguments: list[str], capsys: Any, example_file: Path
) -> None:
    account = dict.fromkeys(("queued", "delivered", "cancelled", "underruns", "elapsed_ms"), 0) | {"channels": []}
    board_here.rules["stop"] = lambda request: ok(request["seq"], state=session.IDLE, account=account)
    here(LEFT)
    arguments = [str(example_file) if each == "FILE" else each for each in arguments]
    assert main([*arguments, "--port", "left"]) == 1
    said = capsys.readouterr().err
    assert f"the board that was chosen has UID {LEFT.uid}, and UID {IDENTITY['uid']} answers there now" in said
    assert not set(board_here.commands()) & {"load", "acknowledge", "arm", "start", "clear"}


def test_the_uid_is_compared_whatever_its_letters(here: Any) -> None:
    Chosen("x", "E66A").confirm({"uid": "e66a"})
    Chosen("x").confirm({"uid": "anybody"})
    with pytest.raises(LinkError, match="UID unknown answers"):
        Chosen("x", "e66a").confirm({})


def test_the_name_is_what_identify_says_under_one_key() -> None:
    assert choosing.NAME_KEY in commands.COMMANDS["identify"].fields


@pytest.mark.parametrize("verb", ["run FILE", "clear"])
def test_a_verb_for_one_board_refuses_two(verb: str, example_file: Path, capsys: Any) -> None:
    words = [str(example_file) if each == "FILE" else each for each in verb.split()]
    assert main([*words, "--port", "virtual", "--port", "virtual"]) == 2
    assert "Traceback" not in capsys.readouterr().err


# ---- a real board on the other end of a socket ----


@pytest.fixture
def served() -> Iterator[str]:
    """A virtual board that one client after the other reaches over TCP; its address."""
    board = VirtualPort()
    server = socket.create_server(("127.0.0.1", 0))
    begin_s = time.monotonic()

    def carry(client: socket.socket) -> None:
        """Until the client leaves; the board's time does not run ahead of the wall's, as that of a real one."""
        while True:
            ahead_s = board.now_s() - (time.monotonic() - begin_s)
            if select.select([client], [], [], max(0.0, ahead_s))[0]:
                data = client.recv(4096)
                if not data:
                    return
                if data.strip():
                    board.write(data)
            client.sendall(board.read(0.02))

    def serve() -> None:
        with contextlib.suppress(OSError):  # the server was shut down
            while True:
                with server.accept()[0] as client, contextlib.suppress(ConnectionError):
                    carry(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(10)
    board.close()


@pytest.mark.usefixtures("virtual_board")
def test_a_board_behind_a_socket_runs_a_session(served: str, example_file: Path, capsys: Any) -> None:
    assert main(["status", "--port", served, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identity"]["board"] == "virtual"
    arguments = ["run", str(example_file), "--port", served, "--intensity", "2", "--seconds", "1", "--acknowledge"]
    assert main([*arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ended"], said["fault"]) == ("stopped", None)
    assert said["account"]["delivered"] > 0


def test_a_socket_that_goes_away_is_one_clear_message(capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def leave() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=leave)
        thread.start()
        assert main(["status", "--port", f"socket://127.0.0.1:{server.getsockname()[1]}"]) == 1
        thread.join()
    said = capsys.readouterr().err
    assert "the port is gone" in said and "Traceback" not in said


def test_every_board_is_chosen_and_none_that_may_be_ours_is_left_out(here: Any) -> None:
    here(LEFT, BUSY_ONE, SILENT_ONE, STOCK, DRIVE)
    assert [chosen.where for chosen in choose_all()] == [LEFT.where, BUSY_ONE.where, SILENT_ONE.where]


def test_the_separator_of_folders_of_this_system_is_known() -> None:
    assert choose(os.path.join("no", "such")) == Chosen(os.path.join("no", "such"))

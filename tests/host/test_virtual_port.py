"""The virtual board's port, with little programs in MicroPython's place that keep to the protocol or break it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opennmes import paths
from opennmes.ports.errors import PortError
from opennmes.ports.lamps import Lamps
from opennmes.ports.virtual import UNREAD_MOST, VirtualPort
from opennmes.screen import Screen

ECHO = """
now = 0
lines = []
for line in sys.stdin:
    if line.startswith("@run "):
        if lines:
            now += 1000
            print("".join(lines), end="")
        else:
            now += int(line[5:])
        print("@at", now, flush=True)
        lines = []
    else:
        lines.append(line)
"""

Board = Callable[..., VirtualPort]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """Makes a port to a board that is the given Python program."""

    def make(program: str, **options: bool) -> VirtualPort:
        path = tmp_path / "micropython"
        path.write_text(f"#!{sys.executable}\nimport os, sys\n{program}")
        path.chmod(0o755)
        monkeypatch.setenv("MICROPYTHON", str(path))
        return VirtualPort(**options)  # type: ignore[arg-type]

    return make


def alive(port: VirtualPort) -> bool:
    return port._process.poll() is None


def test_time_passes_only_in_read(board: Board) -> None:
    port = board(ECHO)
    assert port.now_s() == 0
    assert port.read(2.5) == b""
    assert port.now_s() == 2.5
    port.write(b"hello\n")
    assert port.now_s() == 2.5
    assert port.read(10) == b"hello\n"
    assert port.now_s() == 2.501
    port.close()
    port.close()
    assert not alive(port)


def test_what_was_taken_before_the_listener_said_so_is_taken_once(board: Board) -> None:
    port = board(ECHO)
    port._something_arrived.set()  # the listener comes late, for bytes that went with those before
    port.write(b"one\n")
    assert port.read(1) == b"one\n"


def test_half_a_line_waits_for_its_end(board: Board) -> None:
    port = board(ECHO)
    port.write(b"hel")
    assert port.read(1) == b""
    port.write(b"lo\n")
    assert port.read(1) == b"hello\n"
    port.close()


def test_a_line_that_would_move_the_clock_is_not_sent(board: Board) -> None:
    port = board(ECHO)
    with pytest.raises(PortError, match="begins with @"):
        port.write(b"x\n@run 5\n")
    port.close()


def test_a_board_that_dies_at_once_is_quoted(board: Board) -> None:
    port = board("print('one', file=sys.stderr)\nsys.exit('MemoryError: no room')")
    with pytest.raises(PortError, match=r"ended by itself \(status 1\): one; MemoryError: no room"):
        port.read(1)
    with pytest.raises(PortError, match="closed"):
        port.read(1)


def test_a_board_that_dies_later(board: Board) -> None:
    port = board("print(input()[:0] + 'link', flush=True)")
    with pytest.raises(PortError, match="ended by itself"):
        port.read(1)
    assert not alive(port)


def test_a_board_that_closes_its_input(board: Board) -> None:
    port = board("os.close(0)\nprint('@at 0', flush=True)\nos.close(1)")
    with pytest.raises(PortError, match="ended by itself"):
        for _ in range(3):
            port.read(1)
    assert not alive(port)


def test_a_board_that_does_not_say_the_time(board: Board) -> None:
    port = board("input()\nprint('@at never', flush=True)\ninput()")
    with pytest.raises(PortError, match="does not say what time"):
        port.read(1)
    assert not alive(port)


def test_a_board_that_hangs_is_ended(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.ports.virtual.HUNG_S", 0.1)
    monkeypatch.setattr("opennmes.ports.virtual.EXIT_S", 0.1)
    port = board("import time\ntime.sleep(1000)")
    with pytest.raises(PortError, match="has hung"):
        port.read(1)
    assert not alive(port)


def test_an_interrupted_read_loses_nothing(board: Board) -> None:
    # The board answers with an interrupt to us, in the middle of its line.
    port = board(
        "import signal\n"
        "input()\n"
        "sys.stdout.write('hel')\nsys.stdout.flush()\n"
        f"os.kill({os.getpid()}, signal.SIGINT)\n"
        "print('lo')\nprint('@at 7000', flush=True)\n"
        "input()\nprint('@at 8000', flush=True)"
    )
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            port.read(1)
            pytest.fail("the interrupt came late")  # it is pending before the board's time is
    assert port.read(1) == b"hello\n"
    assert port.now_s() == 0.007
    assert port.read(1) == b""
    assert port.now_s() == 0.008
    port.close()


def test_the_environment(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMES_PULSE_LOG", "/must/not/be/used")
    program = "input()\nprint(os.environ['MICROPYPATH'], os.environ.get('NMES_PULSE_LOG'), sys.argv)\nprint('@at 1')"
    port = board(program)
    said = port.read(1).decode()
    port.close()
    root = paths.checkout()
    assert f"{root}/firmware:{root}/boards:{root}/boards/virtual None" in said
    assert f"'-X', 'heapsize=4m', '{root}/firmware/main.py'" in said
    port = VirtualPort(tmp_path / "log.csv")
    assert f"{tmp_path}/log.csv" in port.read(1).decode()
    port.close()


def test_no_micropython(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "none"))
    with pytest.raises(PortError, match="which is no program"):
        VirtualPort()
    monkeypatch.delenv("MICROPYTHON")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "main.py").touch()
    monkeypatch.setattr("opennmes.paths.checkout", lambda: tmp_path)
    with pytest.raises(PortError, match="make setup"):
        VirtualPort()
    monkeypatch.setattr("opennmes.paths.checkout", lambda: None)
    with pytest.raises(PortError, match="put a `micropython` on"):
        VirtualPort()


def test_a_micropython_that_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "micropython"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("MICROPYTHON", str(broken))
    with pytest.raises(PortError, match="cannot start"):
        VirtualPort()


def test_what_it_keeps_goes_into_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="there is no folder"):
        VirtualPort(store=tmp_path / "none" / "store")


PANEL = """
now = 0
for line in sys.stdin:
    if line.startswith("@run "):
        now += int(line[5:])
        print("@page 3 " + "81" * 128)
        print("@lamps 9")
        print("@at", now, flush=True)
    else:
        print("heard", line, end="")
"""


def test_what_the_board_shows_is_no_line_of_the_link_and_presses_come_before_the_time(board: Board) -> None:
    port = board(f"panel = os.environ['NMES_PANEL']\n{PANEL}", panel=True)
    port.press(0b101)
    port.write(b"hello\n")
    assert (port.screen, port.lamps) == (Screen(), Lamps())
    port.let_pass(0.5)
    assert port.now_s() == 0.5
    assert (port.screen, port.lamps) == (Screen().with_page(3, b"\x81" * 128), Lamps(output=True, buzzer=True))
    assert port.read(1) == b"heard @buttons 5\nheard hello\n"
    assert port.now_s() == 0.5
    port.close()


def test_time_that_passes_loses_nothing_that_is_said_meanwhile(board: Board) -> None:
    port = board(ECHO)
    for text in (b"one\n", b"two\n"):
        port.write(text)
        port.let_pass(0.25)
    assert port.now_s() == 0.5
    assert port.read(1) == b"one\ntwo\n"
    port.close()


TALKS = """
now = 0
for line in sys.stdin:
    now += int(line[5:])
    print("event", now // 1000000, "x" * 1000)
    print("@at", now, flush=True)
"""


def test_what_nobody_reads_takes_no_more_memory_than_a_serial_port_s_buffer_and_is_whole_lines(board: Board) -> None:
    port = board(TALKS)
    for _ in range(2 * UNREAD_MOST // 1000):
        port.let_pass(1)
        assert len(port._unread) <= UNREAD_MOST
    kept = port.read(1).splitlines()
    assert [line.split()[1] for line in kept] == [b"%d" % (i + 1) for i in range(len(kept))], "the first, in order"
    assert len(kept) * len(kept[0]) > UNREAD_MOST - 2 * len(kept[0]) and {len(line) for line in kept[:9]} == {1_008}
    assert port.read(1).split()[1] == b"132", "and after they are read, what comes next"
    port.close()


@pytest.mark.parametrize(
    "line", ["@page 8 " + "00" * 128, "@page 0 " + "00" * 127, "@page 0 xx", "@page 1", "@lamps x", "@lamps 16"]
)
def test_a_board_that_shows_what_is_no_picture_is_ended(board: Board, line: str) -> None:
    port = board(f"input()\nprint('{line}')\nprint('@at 0', flush=True)\ninput()", panel=True)
    with pytest.raises(PortError, match="what is no picture"):
        port.let_pass(1)
    assert not alive(port)


@pytest.mark.parametrize("mask", [32, -1])
def test_a_button_that_is_none_is_refused(board: Board, mask: int) -> None:
    port = board(PANEL, panel=True)
    with pytest.raises(ValueError, match="there are 5"):
        port.press(mask)
    port.close()


def test_without_a_panel_nobody_presses_and_nothing_is_shown(board: Board) -> None:
    port = board(f"assert 'NMES_PANEL' not in os.environ\n{PANEL}")
    with pytest.raises(PortError, match="without a panel"):
        port.press(1)
    assert port.read(1) == b"@page 3 " + b"81" * 128 + b"\n@lamps 9\n"
    port.close()


def test_what_a_board_keeps_is_one_board_s_at_a_time(tmp_path: Path) -> None:
    with contextlib.closing(VirtualPort(store=tmp_path / "store")), pytest.raises(PortError, match="end it first"):
        VirtualPort(store=tmp_path / "store")
    with (
        contextlib.closing(VirtualPort(store=tmp_path / "store")),
        contextlib.closing(VirtualPort(store=tmp_path / "b")),
    ):
        pass

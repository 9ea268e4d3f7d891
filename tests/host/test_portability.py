"""Nothing of one operating system is needed before it is used: what Windows would see, with its gaps made here."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import processes
import pytest

import commands_page

ROOT = Path(__file__).resolve().parents[2]
MISSING = ("termios", "fcntl", "tty", "pty", "resource", "pwd", "grp", "syslog", "crypt", "spwd", "posix_ipc")
BLOCKED = f"""
import os, select, signal, sys
for module in {MISSING}:
    sys.modules[module] = None
for owner, names in (
    (os, ("openpty", "ttyname", "set_blocking", "fork", "forkpty", "getuid", "geteuid", "setsid", "killpg", "mkfifo")),
    (select, ("poll", "epoll")),
    (signal, ("SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "setitimer", "pthread_sigmask", "sigwait")),
):
    for name in names:
        if hasattr(owner, name):
            delattr(owner, name)
def sockets_only(*arguments):
    raise OSError(10038, "an operation was attempted on something that is not a socket")
select.select = sockets_only
from opennmes.cli import main
"""


ONCE = "sys.exit(main(sys.argv[1:]))"
EACH = """
import json
for line in json.loads(sys.argv[1]):
    print(line, main(line), sep=": ", file=sys.stderr, flush=True)
"""


def nmes(*arguments: str, carried_out: str = ONCE, **more: str) -> subprocess.CompletedProcess[str]:
    """A run of nmes where all that Windows lacks is missing."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}
    environment["MICROPYTHON"] = processes.micropython()
    command = [sys.executable, "-c", BLOCKED + carried_out, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=300)


WORK = [
    ["--version"],
    ["--help"],
    ["emulate", "--help"],
    ["programmes"],
    ["programmes", "low-back-pain", "--write", "COPY", "--json"],
    ["check", "FILE"],
    ["check", "FILE", "--json", "--specification"],
    ["plot", "FILE", "-o", "PICTURE"],
    ["run", "FILE", "--port", "virtual", "--seconds", "1", "--acknowledge", "--json"],
    ["run", "FILE", "--port", "emulator", "--seconds", "0.01", "--acknowledge", "--json"],
    ["status", "--port", "virtual"],
    ["status", "--port", "virtual", "--port", "virtual", "--json"],
    ["selftest", "--port", "virtual", "--json"],
    ["boards", "pico", "--json"],
    ["completion", "zsh"],
    ["log", "--port", "virtual", "--json"],
    ["panel", "FILE", "--text"],
]
# One after the other, on a board that keeps things; and how each ends.
ON_ONE_BOARD = [
    (["push", "FILE", "--port", "virtual"], 0),
    (["pull", "1", "--output", "COPY", "--port", "virtual"], 0),
    (["diff", "COPY", "1", "--port", "virtual"], 0),
    (["select", "1", "--port", "virtual"], 0),
    (["lock", "--key", "KEY", "--port", "virtual"], 0),
    (["sign", "FILE", "--key", "KEY", "--device", "virtual", "--counter", "1"], 0),
    (["unlock", "--key", "KEY", "--port", "virtual"], 0),
    (["settings", "own_max_0_ma", "12", "--port", "virtual"], 0),
    (["calibrate", "--show", "--port", "virtual"], 0),
    (["remove", "1", "--yes", "--port", "virtual"], 0),
    (["reset", "--factory", "--yes", "--port", "virtual"], 0),
    (["record", "--port", "virtual"], 0),
    (["stop", "--port", "virtual"], 0),
    (["clear", "11", "--port", "virtual"], 1),  # it has no fault
    (["verify", "CAPTURE", "FILE", "--sample-rate", "24MHz"], 1),  # of a board that did nothing
]
# By tests of their own, below.
APART = {"emulate", "devices", "flash", "doctor"}


@pytest.mark.parametrize("arguments", WORK, ids=" ".join)
def test_a_verb_works_without_what_windows_lacks(arguments: list[str], example_file: Path, tmp_path: Path) -> None:
    places = {"FILE": str(example_file), "PICTURE": str(tmp_path / "picture.png"), "COPY": str(tmp_path / "copy.toml")}
    ran = nmes(*[places.get(argument, argument) for argument in arguments])
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    if "--json" in arguments:
        json.loads(ran.stdout)


def test_the_verbs_about_what_a_board_keeps_work_without_it_too(example_file: Path, tmp_path: Path) -> None:
    names = {"COPY": "copy.toml", "KEY": "mine.key", "CAPTURE": "capture.vcd"}
    places = {"FILE": str(example_file), **{name: str(tmp_path / file) for name, file in names.items()}}
    signs = {pin: chr(31 + pin) for pin in range(2, 8)}
    declared = "".join(f"$var wire 1 {sign} GP{pin} $end\n" for pin, sign in signs.items())
    low = "".join(f"0{sign}\n" for sign in signs.values())
    Path(places["CAPTURE"]).write_text(
        f"$timescale 1 ns $end\n{declared}$enddefinitions $end\n#0\n{low}#1000000\n{low}"
    )
    lines = [[places.get(word, word) for word in line] for line, _ in ON_ONE_BOARD]
    ran = nmes(json.dumps(lines), carried_out=EACH, NMES_VIRTUAL_STORE=str(tmp_path / "store"))
    assert ran.returncode == 0 and "Traceback" not in ran.stderr and "bug in nmes" not in ran.stderr, ran.stderr
    for line, (_, status) in zip(lines, ON_ONE_BOARD, strict=True):
        assert f"{line}: {status}\n" in ran.stderr, ran.stderr


def test_every_verb_is_tried_without_what_windows_lacks() -> None:
    tried = {line[0] for line in (*WORK, *(line for line, _ in ON_ONE_BOARD))}
    assert set(commands_page.verbs()) == {verb for verb in tried if not verb.startswith("-")} | APART


def test_a_panel_without_a_terminal_says_what_needs_none() -> None:
    ran = nmes("panel")
    assert ran.returncode == 1
    assert ran.stderr == "nmes: the panel needs a terminal, for keys and picture; with --text it needs none\n"


def test_emulate_says_that_it_cannot_work_there_and_what_does(tmp_path: Path) -> None:
    for arguments in ([], ["--link", str(tmp_path / "board")]):
        ran = nmes("emulate", *arguments)
        assert ran.returncode == 1
        assert "no pseudo terminals" in ran.stderr and "--port emulator" in ran.stderr
        assert ran.stderr.count("nmes: ") == 1 and "bug" not in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize("port", ["COM3", "com12", "/dev/ttyACM0"])
def test_a_serial_port_is_one_clear_message_there(port: str) -> None:
    # pyserial itself takes termios on POSIX; on Windows it does not, and opens COM3.
    ran = nmes("status", "--port", port)
    assert ran.returncode == 1
    assert f"nmes: {port}: " in ran.stderr
    assert "bug" not in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize("verb", [["devices", "--json"], ["flash", "--yes", "--json"]], ids=" ".join)
def test_what_cannot_be_looked_at_is_an_error_and_never_no_board(verb: list[str]) -> None:
    # As above: on Windows pyserial needs none of what is missing here.
    ran = nmes(*verb)
    assert ran.returncode == 1
    assert "this Python cannot look for serial ports" in ran.stderr and ran.stderr.count("nmes: ") == 1
    assert "serial ports" in json.loads(ran.stdout)["error"]


def test_doctor_says_that_ports_cannot_be_looked_at_and_all_else_that_it_found() -> None:
    ran = nmes("doctor", "--json")
    assert ran.returncode == 1, ran.stderr
    found = {row["topic"]: row for row in json.loads(ran.stdout)["findings"] if row["level"] == "wrong"}
    assert list(found) == ["ports"] and "this Python cannot look for serial ports" in found["ports"]["text"]
    assert "Traceback" not in ran.stderr


def test_com3_is_a_serial_port() -> None:
    code = "import sys; from opennmes.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "status", "--port", "COM3"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, "COM3: there is no such port" in ran.stderr) == (1, True)


@pytest.mark.parametrize("path", sorted((ROOT / "host_tools").rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_imports_what_one_operating_system_has_alone(path: Path) -> None:
    found = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):  # those wait for their call
            pending += ast.iter_child_nodes(node)
    assert not found & {*MISSING, "msvcrt", "winreg", "_winapi"}

"""nmes in a copy of a process does what it does in a new interpreter; each case here is carried out in both."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import preloaded
import processes
import pytest
import terminals

REFUSED = Path(__file__).parents[2] / "docs" / "examples" / "refused-small-probe.toml"
# All that code can see of where it was started. What is of no process but this one is left out: its number, and the
# session of whoever started it.
SEEN = """
import locale, os, re, signal, sys, threading
streams = [
    stream and (
        stream.name, stream.buffer.raw.name, stream.mode, stream.encoding, stream.errors, stream.newlines,
        stream.line_buffering, stream.write_through, stream.isatty(), stream.fileno(), type(stream.buffer),
        type(stream.buffer.raw), stream.buffer.raw.mode, stream.buffer.raw.closefd,
    )
    for stream in (sys.stdin, sys.stdout, sys.stderr)
]
assert [sys.__stdin__, sys.__stdout__, sys.__stderr__] == [sys.stdin, sys.stdout, sys.stderr]
there = [each for each in range(64) if os.path.lexists(f"/proc/self/fd/{each}")]
masks = [line for line in open("/proc/self/status") if line.startswith(("Sig", "Shd", "Cap", "Threads", "Umask"))]
masks = [line for line in masks if not line.startswith("SigQ")]  # counts what all processes of this person wait for
seen = {
    "streams": streams, "arguments": sys.argv, "modules": sys.path, "folder": os.getcwd(), "name": __name__,
    "environment": sorted(each for each in os.environ.items() if each[0] != "PWD"),  # which sh adds
    "flags": sys.flags, "warnings": sys.warnoptions,
    "locale": (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), sys.getfilesystemencoding()),
    "signals": [signal.getsignal(number) for number in sorted(signal.valid_signals())], "masks": masks,
    "session": (os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()),
    "descriptors": [(each, os.readlink(f"/proc/self/fd/{each}")) for each in there],
    "threads": threading.enumerate(), "hook": sys.excepthook is sys.__excepthook__, "deep": sys.getrecursionlimit(),
}
try:
    os.close(os.open("/dev/tty", os.O_RDWR))
    seen["terminal"] = os.get_terminal_size(0)
except OSError:
    seen["terminal"] = None
if len(sys.argv) > 1:
    with open(sys.argv[1], "w") as file:
        for key, value in seen.items():
            print(key, re.sub(" at 0x[0-9a-f]+|pipe:.[0-9]+.|[0-9]{10,}", "", repr(value)), file=file)
"""


def both(tmp_path: Path, start: Callable[[bool, Path], object]) -> list[list[str]]:
    """What code sees of a new process and of a preloaded one, which `start` starts with a file for it to write."""
    said = []
    for new in (True, False):
        file = tmp_path / "seen"
        start(new, file)
        said.append(file.read_text().splitlines())
        file.unlink()
    return said


@pytest.mark.parametrize("shell", ["", ">&-", "2>/dev/full", "<&- >&- 2>&-", "1</dev/null", "<&- 2>/dev/full"])
@pytest.mark.parametrize("session", [False, True])
def test_a_process_finds_itself_as_a_new_one_does(shell: str, session: bool, tmp_path: Path) -> None:
    place = tmp_path / "caf\udce9"
    place.mkdir()
    environment = processes.environment(NO_COLOR="1", COLUMNS="33", NMES_PATIENCE="7")
    del environment["TERM"]

    def start(new: bool, file: Path) -> None:
        with preloaded.start(
            [sys.executable, "-c", SEEN, file, b"\xff\x01", "骨"], env=environment, shell=shell, new=new, cwd=place,
            start_new_session=session, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.communicate(timeout=60) == (b"", b"")
            assert process.returncode == 0

    new, copy = both(tmp_path, start)
    assert new == copy
    seen = dict(line.split(" ", 1) for line in new)
    assert "('COLUMNS', '33')" in seen["environment"] and "'TERM'" not in seen["environment"]
    assert seen["folder"].endswith("caf\\udce9'")


def test_a_process_at_a_terminal_finds_itself_as_a_new_one_does(tmp_path: Path) -> None:
    def start(new: bool, file: Path) -> None:
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 34, 0, 0))
        with preloaded.start(
            [sys.executable, "-c", SEEN, file], env=processes.environment(), new=new, start_new_session=True,
            terminal=True, stdin=slave, stdout=slave, stderr=slave,
        ) as process:  # fmt: skip
            assert process.wait(60) == 0
        os.close(slave)
        os.close(master)

    new, copy = both(tmp_path, start)
    assert new == copy
    assert "terminal os.terminal_size(columns=34, lines=12)" in new


LINES = [
    ["check", "FILE"],
    ["check", "FILE", "--json", "--specification"],
    ["check", REFUSED],
    ["check", "/nonexistent.toml", "--json"],
    ["check", b"/nonexistent \xff.toml"],
    ["run", "FILE", "--port", "virtual", "--acknowledge", "--seconds", "1", "--intensity", "2"],
    ["run", "FILE", "--port", "virtual"],
    ["nonsense"],
    ["--help"],
    [],
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: b" ".join(map(os.fsencode, line)).decode(errors="replace"))
def test_a_command_line_has_the_same_result(line: list[Any], virtual_board: None, example_file: Path) -> None:
    line = [example_file if each == "FILE" else each for each in line]
    new, copy = (processes.ran(*line, new=new) for new in (True, False))
    assert (new.returncode, new.stdout, new.stderr) == (copy.returncode, copy.stdout, copy.stderr)


@pytest.mark.parametrize("shell", [">&-", ">/dev/full", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_redirected_one_has_the_same_result(shell: str, example_file: Path) -> None:
    new, copy = (processes.ran("check", example_file, shell=shell, new=new) for new in (True, False))
    assert (new.returncode, new.stdout, new.stderr) == (copy.returncode, copy.stdout, copy.stderr)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "30"}], ids=str)
@pytest.mark.parametrize("line", [["check", REFUSED], ["check", "no-such.toml"]], ids=lambda line: Path(line[1]).stem)
def test_a_terminal_shows_the_same(more: dict[str, str], line: list[Any]) -> None:
    shown = []
    for new in (True, False):
        master, slave = terminals.new_terminal(40, 100)
        environment = processes.environment(**more)
        how = {"stdin": slave, "stdout": slave, "stderr": slave}
        with preloaded.start(processes.command(*line), env=environment, new=new, **how) as process:
            os.close(slave)
            said = terminals.all_shown(master)
        shown.append((process.returncode, said))
    assert shown[0] == shown[1]
    assert shown[0][1]


ENDS = {
    "falls off": "print('x')",
    "status": "import sys; sys.exit(3)",
    "a large status": "import sys; sys.exit(259)",
    "a status below zero": "import sys; sys.exit(-1)",
    "no status": "import sys; sys.exit()",
    "a text": "import sys; sys.exit('why')",
    "an error": "raise ValueError('why')",
    "interrupted": "raise KeyboardInterrupt",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "SIGINT": "import os, signal; os.kill(os.getpid(), signal.SIGINT); signal.pause()",
    "at exit": "import atexit; atexit.register(print, 'last'); print('first')",
    "an error at exit": "import atexit; atexit.register(lambda: 1 / 0)",
    "what a module does at exit": "import logging.handlers as h, logging; kept = h.MemoryHandler(9)\n"
    "kept.setTarget(logging.StreamHandler()); logging.getLogger().addHandler(kept); logging.warning('kept')",
    "what was typed": "import sys; print(ascii(sys.stdin.read()), ascii(sys.stdin.read()))",
    "a thread": "import threading, sys; threading.Timer(0.01, print, ['later']).start(); print('first'); sys.exit(4)",
    "a full disk": "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); print('x')",
    "a full disk, a status": "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); print('x'); sys.exit(5)",
    "closed": "import sys; sys.stdout.close()",
    "nothing there": "import sys; sys.stdout = None; sys.exit(6)",
    "written by halves": "import sys; sys.stdout.write('x' * 100_000); sys.stderr.write('y')",
}


@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_it_ends_as_an_interpreter_does(code: str) -> None:
    ends = []
    for new in (True, False):
        how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with preloaded.start([sys.executable, "-c", code], env=processes.environment(), new=new, **how) as process:
            out, err = process.communicate(b"a\r\nb\rc\xff", timeout=60)
        # Where an error comes from is deeper in a copy.
        said = re.sub(r"(?m)^  File .*\n( {4}.*\n)*|0x[0-9a-f]+|encoding=\S+", "", err.decode())
        ends.append((process.returncode, out, said))
    assert ends[0] == ends[1]


def test_it_is_waited_for_asked_for_and_ended_as_any_process() -> None:
    before = os.listdir("/proc/self/fd")
    line = [sys.executable, "-c", "import sys; print('there', flush=True); print(sys.stdin.read())"]
    how: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    how["env"] = processes.environment()
    with preloaded.start(line, **how) as first, preloaded.start(line, **how) as second:
        for each in (first, second):
            assert each.stdout is not None and each.stdout.readline() == "there\n"
            assert each.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                each.wait(0.01)
        assert first.pid != second.pid
        first.send_signal(signal.SIGKILL)
        assert (first.wait(60), first.poll(), second.poll()) == (-signal.SIGKILL, -signal.SIGKILL, None)
        assert second.communicate("said", timeout=60) == ("said\n", None)
        assert second.returncode == 0
    assert os.listdir("/proc/self/fd") == before, "nothing is left open here"


def test_what_only_a_new_interpreter_reads_makes_one() -> None:
    for name in ("PYTHONUTF8", "PYTHONIOENCODING", "LC_ALL", "NMES_COMPILED", "HOME", "FORCE_COLOR", "MPLBACKEND"):
        assert preloaded.other(processes.environment(**{name: "0"})) == {name}
    for new, more in ((False, {"TERM": "dumb"}), (True, {"PYTHONUTF8": "0"})):
        assert (processes.ran("--version", shell=">/dev/null", **more).args[0] == "sh") == new


def test_what_a_copy_cannot_be_is_refused() -> None:
    for how in ({"shell": "<<END\nEND\n"}, {"pass_fds": [1]}, {"preexec_fn": print}):
        with pytest.raises(AssertionError, match="new interpreter"):
            preloaded.start(processes.command("--version"), env=processes.environment(), **how)
    with pytest.raises(AssertionError, match="code of this interpreter"):
        preloaded.start(["true"], env=processes.environment())


@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), 9)"])
def test_nothing_runs_on_when_the_tests_have_ended(end: str, tmp_path: Path) -> None:
    # Whatever runs on holds these pipes; it is under way when the other end of the named one is opened.
    there = tmp_path / "there"
    os.mkfifo(there)
    waits = f"import signal; print('waits', flush=True); open({str(there)!r}, 'w').close(); signal.pause()"
    code = f"""
import os, sys, preloaded, processes
process = preloaded.start([sys.executable, "-c", {waits!r}], env=processes.environment(), stdout=None)
processes.ran("--version")
open({str(there)!r}).close()
{end}
"""
    line = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(line, env=processes.environment(), capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("waits\n", "")

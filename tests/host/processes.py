"""nmes as a process of its own: what only a real standard output, terminal or signal shows; and in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opennmes.cli import main
from opennmes.cli.app import command as all_of_nmes
from opennmes.device.client import Device

# However the tests themselves were started: in the background of a script signals may be ignored.
_BEFORE = """\
import signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
"""
_CODE = (
    _BEFORE
    + """\
from opennmes.cli import main
sys.exit(main())
"""
)
# nmes in this process: its exit status, its JSON, and what it wrote to standard error.
Said = Callable[..., tuple[int, dict[str, Any], str]]
# What nobody should ever see.
_NEVER = ("Traceback", "bug in nmes", "Exception ignored", "Error in sys.")


def command(*arguments: str | os.PathLike[str] | bytes, before: str = "") -> list[Any]:
    """The command line of nmes; `before` is Python that is carried out first."""
    return [sys.executable, "-c", _CODE.format(before=before), *arguments]


def seen_on_usb(port: Path) -> str:
    """Python that makes nmes see a port, and no other, as one with MicroPython's USB ids."""
    return f"from opennmes.device import discover\ndiscover.micropython_ports = lambda: {{{str(port)!r}: ''}}\n"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ":".join(sys.path), "TERM": "xterm", **more}


def ran(*arguments: str | os.PathLike[str] | bytes, shell: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run nmes to its end, with the redirections of `shell` and `more` in its environment."""
    line = ["sh", "-c", f'exec "$@" {shell}', "sh", *command(*arguments)]
    done = subprocess.run(
        line, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
    out, err = done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="surrogateescape")
    no_surprise(out + err)
    return subprocess.CompletedProcess(line, done.returncode, out, err)


def forked(*arguments: object, cwd: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """As `ran`, in a copy of this process, which has nmes imported: for what needs a process of its own, and not a new
    one. Folder, signals and standard streams are its own; `before` is Python that is carried out first."""
    all_of_nmes([])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:
        copy = os.fork()
        if not copy:
            status = 70
            try:
                for number, stream in enumerate((nothing, out, err)):
                    os.dup2(stream.fileno(), number)
                os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # or a port that is closed here stays open there
                sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
                os.chdir(cwd)
                Device.tells_time = True  # as outside tests
                exec(_BEFORE.format(before=before), {})
                status = main([str(argument) for argument in arguments])
                sys.stdout.flush()
                sys.stderr.flush()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
        out.seek(0)
        err.seek(0)
        done = subprocess.CompletedProcess(arguments, status, out.read().decode(), err.read().decode())
    no_surprise(done.stdout + done.stderr)
    return done


def no_surprise(text: str) -> None:
    for never in _NEVER:
        assert never not in text, text


def here(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Carry out nmes in this process, with --json; see Said."""
    status = main([*arguments, "--json"])
    printed = capsys.readouterr()
    no_surprise(printed.err)
    return status, json.loads(printed.out) if printed.out else {}, printed.err


def json_in(text: str) -> dict[str, Any]:
    """The only JSON object among other lines."""
    said: dict[str, Any]
    said, end = json.JSONDecoder().raw_decode(text, text.index("{"))
    assert "{" not in text[end:]
    return said


def until(stream: Any, text: str) -> None:
    """Read `stream` up to where it says `text`."""
    seen = ""
    while text not in seen:
        piece = stream.read(1)
        assert piece, f"it ended without {text!r}: {seen}"
        seen += piece if isinstance(piece, str) else piece.decode()


class Pipe:
    """The writing end of a pipe whose reader does something first."""

    def __init__(self, reader: Callable[[int], object] = os.close) -> None:
        self._read, self.write = os.pipe()
        self._reader = reader

    def started(self) -> None:
        os.close(self.write)
        self._reader(self._read)


def whole_session(file: Path) -> None:
    """Make the session of a prescription as long as can be, so that it is not over too soon."""
    file.write_text(file.read_text().replace("duration_min = 15", "duration_min = 30"))

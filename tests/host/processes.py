"""nmes as a process of its own: what only a real standard output, terminal or signal shows; and in this one."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import preloaded
import pytest

import toolchain
from opennmes.cli import main

WAIT_S = 300.0  # for something that hangs, and fails so
# However the tests themselves were started: in the background of a script signals may be ignored.
_CODE = """\
import signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
from opennmes.cli import main
sys.exit(main())
"""
# nmes in this process: its exit status, its JSON, and what it wrote to standard error.
Said = Callable[..., tuple[int, dict[str, Any], str]]
# What nobody should ever see.
_NEVER = ("Traceback", "bug in nmes", "Exception ignored", "Error in sys.")


@functools.cache
def micropython() -> str:
    """MicroPython's Unix port: the one that the environment names, or that `make setup` has built."""
    return os.environ.get("MICROPYTHON") or str(toolchain.unix_micropython())


def command(*arguments: object, before: str = "") -> list[Any]:
    """The command line of nmes; `before` is Python that is carried out first."""
    said = [each if isinstance(each, bytes) else str(each) for each in arguments]
    return [sys.executable, "-c", _CODE.format(before=before), *said]


def seen_on_usb(port: Path) -> str:
    """Python that makes nmes see a port, and no other, as one with MicroPython's USB ids."""
    return f"from opennmes.device import discover\ndiscover.micropython_ports = lambda: {{{str(port)!r}: ''}}\n"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": preloaded.modules(), "TERM": "xterm", **more}


def ran(
    *arguments: object, shell: str = "", cwd: Path | None = None, before: str = "", new: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run nmes to its end, with the redirections of `shell` and `more` in its environment; `before` is Python that is
    carried out first. What only a `new` interpreter shows is one; see preloaded."""
    with preloaded.start(
        command(*arguments, before=before), env=environment(**more), shell=shell, new=new, cwd=cwd,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as nmes:  # fmt: skip
        try:
            out, err = (said.decode(errors="surrogateescape") for said in nmes.communicate(timeout=WAIT_S))
        except BaseException:
            nmes.kill()
            raise
    no_surprise(out + err)
    return subprocess.CompletedProcess(nmes.args, nmes.returncode, out, err)


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

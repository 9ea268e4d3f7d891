"""`nmes` as a process of its own, and an emulated board that it serves behind a link."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import preloaded
import processes
import pytest

from opennmes.device import patience

# How many times as long whoever talks to a served board waits for it: minutes of ours are a second of its own, and what
# is asked again meanwhile makes it slower still.
PATIENCE = 200
NMES = [sys.executable, "-c", "import sys; from opennmes.cli import main; sys.exit(main())"]


@contextlib.contextmanager
def served(link: Path, uf2: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`nmes emulate`, from when `link` can be opened; it is ended on the way out, however that is."""
    command = processes.command("emulate", "--link", link, "--uf2", uf2, *options)
    with (
        preloaded.start(command, env=processes.environment(), stdout=subprocess.PIPE, text=True) as process,
        pytest.MonkeyPatch.context() as patched,
    ):
        try:
            patched.setenv("NMES_PATIENCE", str(PATIENCE))  # for nmes as a process
            patched.setattr(patience, "_times", PATIENCE)  # and for its modules
            assert process.stdout is not None
            assert process.stdout.readline().strip() == str(link)
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def cable(board: Path, pulled_at: bytes) -> Iterator[Path]:
    """Another port for a served board, with a cable in between. It is pulled when the board has carried out the first
    request that has `pulled_at` in it and has begun to answer: whoever holds the port finds it gone."""
    (host, port), (stop, stopped) = os.openpty(), os.pipe()
    tty.setraw(port)
    there = os.open(board, os.O_RDWR | os.O_NOCTTY)

    def carry() -> None:
        sent, heard = b"", b""
        while b'"ok"' not in heard:
            ready, _, _ = select.select([host, there, stop], [], [])
            if stop in ready:
                break
            if host in ready:
                data = os.read(host, 4096)
                sent += data
                os.write(there, data)
            if there in ready:
                data = os.read(there, 4096)
                if pulled_at in sent:
                    heard += data
                else:
                    os.write(host, data)
        os.close(host)

    carrier = threading.Thread(target=carry)
    carrier.start()
    try:
        yield Path(os.ttyname(port))
    finally:
        os.write(stopped, b"x")
        carrier.join()
        for each in (port, there, stop, stopped):
            os.close(each)

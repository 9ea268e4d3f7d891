"""`nmes` as a process of its own, and an emulated board that it serves behind a link."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennmes.device import patience

# How many times as long whoever talks to a served board waits for it: minutes of ours are a second of its own, and what
# is asked again meanwhile makes it slower still.
PATIENCE = 200
NMES = [sys.executable, "-c", "import sys; from opennmes.cli import main; sys.exit(main())"]


@contextlib.contextmanager
def served(link: Path, uf2: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`nmes emulate`, from when `link` can be opened; it is ended on the way out, however that is."""
    command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2), *options]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
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

"""`nmes` as a process of its own, and an emulated board that it serves behind a link."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Python that makes nmes wait for so slow a device: minutes of ours are a second of an emulated board's, and what is
# asked again meanwhile makes it slower still.
PATIENT = (
    "from opennmes.device import client, discover\n"
    "discover.ASK_S = client.FIRST_RESEND_S = 300.0\n"
    "client.Device.introduce.__defaults__ = (300.0,)\n"
    "client.Device.request.__kwdefaults__['patience_s'] = 300.0\n"
)
NMES = [sys.executable, "-c", "import sys; from opennmes.cli import main; sys.exit(main())"]


@contextlib.contextmanager
def served(link: Path, uf2: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`nmes emulate`, from when `link` can be opened; it is ended on the way out, however that is."""
    command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == str(link)
            yield process
        finally:
            process.terminate()

"""What is in flash, read through the prompt of the running firmware, against the file that was flashed."""

from __future__ import annotations

import json
from pathlib import Path

import processes
from test_emulate import emulated  # noqa: F401 a fixture

from opennmes.device.prompt import Prompt
from opennmes.device.uf2 import read_uf2


def test_what_is_in_flash_is_what_the_file_says(emulated, uf2: Path) -> None:  # noqa: F811
    _, link = emulated
    image = read_uf2(uf2, 1 << 21)
    steps = []
    with Prompt(str(link.resolve())) as prompt:
        assert prompt.version()[0] == "1.25.0"
        found = prompt.sha256_of_flash(image.start, len(image.data), lambda *step: steps.append(step))
    assert found == image.sha256
    assert steps[-1] == (len(image.data), len(image.data))
    # Afterwards the board runs what it is to run.
    status = processes.ran("status", "--port", link, "--json")
    assert json.loads(status.stdout)["status"]["state"] == "IDLE", status.stderr

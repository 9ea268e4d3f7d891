"""Junk for the whole firmware under MicroPython: the lines of tests/core_reference/fuzz.py, from nobody it knows.

`make fuzz` sends a million and more; here it is a share of that. FUZZ=1000000 SEED=7 says how many, and which."""

from __future__ import annotations

import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fuzz
import pytest

from nmes.core import frame
from opennmes.device.client import Device
from opennmes.device.prescriptions import kept_on, push
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

SEED = int(os.environ.get("SEED", "1"))
LINES = int(os.environ.get("FUZZ", "5000"))
PARTS = max(4, LINES // 40_000)  # minutes each
AT_ONCE = 250  # lines that are sent together, as somebody does who does not wait for an answer
QUIET_S = 1.0  # longer than the device takes over the longest line


def answers(port: VirtualPort) -> list[dict[str, Any]]:
    """All that the board has to say."""
    said = b""
    while data := port.read(QUIET_S):
        said += data
    return [frame.decode(line) for line in said.splitlines()]


def kept(store: Path) -> dict[str, bytes]:
    """What is in the board's flash."""
    return {file.name: file.read_bytes() for file in store.parent.glob(f"{store.name}.*")}


def whole(device: Device) -> dict[str, Any]:
    """What must not change."""
    status = device.status()
    return {
        "status": {key: status[key] for key in ("state", "fault", "programme_crc", "acknowledged", "channels")},
        "kept": [vars(row) for row in kept_on(device)],
        **{command: device.request(command) for command in ("settings", "calibration", "locked", "record")},
    }  # fmt: skip


@pytest.mark.parametrize("part", range(PARTS))
def test_junk_from_nobody_crashes_nothing_changes_nothing_and_puts_nothing_out(
    part: int, tmp_path: Path, example_file: Path
) -> None:
    store, pulses = tmp_path / "store", tmp_path / "pulses.csv"
    port = VirtualPort(pulses, store=store)
    device = Device(port)
    device.connect()
    push(device, Prescription.read(example_file))
    device.request("set", settings={"device_name": "left room"})
    before, flash = whole(device), kept(store)
    dice = random.Random(f"{SEED} {part}")
    maker: Any = fuzz.Maker(dice, SimpleNamespace(seq=0, owner=None))  # type: ignore[arg-type]  # no bench: the board
    sent = answered = 0
    while sent < LINES // PARTS:
        # A line with @ could move the virtual clock, and the port refuses it.
        lines = [line for line in (maker.line(ours=False) for _ in range(AT_ONCE)) if b"@" not in line]
        port.write(b"".join(lines))
        said = answers(port)
        assert not [answer for answer in said if answer.get("error") == "internal"], (SEED, part, lines)
        sent, answered = sent + len(lines), answered + len(said)
        device.connect()  # a board knows its last hosts, and each that identifies takes the place of one
        assert whole(device) == before, (SEED, part, lines)
    print(f"{sent} lines, {answered} answers")
    assert answered > sent // 2
    assert kept(store) == flash
    assert pulses.read_text() == ""
    port.close()

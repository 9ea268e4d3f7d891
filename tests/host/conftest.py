"""Fixtures for the host tools. The virtual board needs MicroPython's Unix port: the one that `make setup` builds."""

from __future__ import annotations

from pathlib import Path

import processes
import pytest

EXAMPLE = """\
title = "Stress incontinence, 35 Hz"

[electrode]
kind = "probe"            # probe | pads
area_cm2 = 4.0            # conductive area of the smaller one; mandatory

[limits]
max_current_ma = 40

[[phase]]
name = "work"
frequency_hz = 35
pulse_width_us = 250
interphase_gap_us = 50
work_s = 5
rest_s = 10
ramp_up_s = 1
ramp_down_s = 1
duration_min = 15
"""


@pytest.fixture(scope="session")
def example() -> str:
    """The text of a prescription that is accepted."""
    return EXAMPLE


@pytest.fixture
def example_file(tmp_path: Path) -> Path:
    path = tmp_path / "example.toml"
    path.write_text(EXAMPLE)
    return path


@pytest.fixture
def virtual_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets "virtual" be opened."""
    monkeypatch.setenv("MICROPYTHON", processes.micropython())


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> processes.Said:
    """Carries out a verb on a port of that name, which a test opens something else for."""

    return lambda *arguments: processes.here(capsys, *arguments, "--port", "/dev/tty of mine")

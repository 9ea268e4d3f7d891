"""Set-ups that run at the same time: one waits for the other, and says so."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import toolchain


def test_who_waits_for_another_set_up_says_so_and_goes_on_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, waits, went_on = [], threading.Event(), threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waits.set()

    def second() -> None:
        with toolchain.locked("setup"):
            went_on.set()

    monkeypatch.setattr(toolchain, "cache", lambda: tmp_path)
    monkeypatch.setattr(toolchain, "say", say)
    thread = threading.Thread(target=second)
    with toolchain.locked("setup"):
        thread.start()
        assert waits.wait(60) and not went_on.is_set()
    thread.join(60)
    assert went_on.is_set() and said == ["  setup: waiting for another one on this computer to end"]
    with toolchain.locked("setup"):
        assert len(said) == 1

"""Branches, and boards that tests share: what is done to a copy is not done to what it was copied from."""

from __future__ import annotations

import faulthandler
import os
import signal

import pytest
from sessions import Bench

from opennmes.emulator.branch import branch
from opennmes.emulator.pico import BenchError
from opennmes.emulator.repl import Repl


@pytest.mark.parametrize("turn", ["once", "and once more"])
def test_a_shared_board_is_where_its_fixture_left_it_whatever_a_test_does_to_it(repl: Repl, turn: str) -> None:
    assert repl.run("print('mine' in globals())\nmine = 1") == "False\n", turn


@pytest.mark.parametrize("turn", ["once", "and once more"])
def test_the_host_of_a_shared_board_is_a_copy_too(bench: Bench, turn: str) -> None:
    number = bench.device.exchange.seq
    assert bench.device.status()["state"] == "IDLE", turn
    assert bench.device.exchange.seq > number and not hasattr(bench, "turn")
    bench.turn = turn  # type: ignore[attr-defined]


def test_a_branch_may_have_branches() -> None:
    assert branch(lambda: 1 + branch(lambda: 2 + branch(lambda: 3))) == 6


def test_what_goes_wrong_in_a_branch_is_told() -> None:
    def fails() -> None:
        assert branch(lambda: 1) == 2, "one is not two"

    with pytest.raises(BenchError, match="one is not two"):
        branch(fails)
    with pytest.raises(BenchError, match="without a word"):
        branch(lambda: os._exit(0))


def test_a_branch_that_hangs_is_aborted() -> None:
    def hangs() -> None:
        faulthandler.disable()  # it would say where, in the middle of what pytest says
        while True:
            signal.pause()

    with pytest.raises(BenchError, match="without a word"):
        branch(hangs, most_s=0.2)

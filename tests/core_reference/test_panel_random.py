"""An hour of random presses, many times over: nothing rises without a press of up, and stop stops."""

from __future__ import annotations

import random
from typing import Any

import pytest
from panel_bench import CYCLES, Paneled

from nmes.core import faults
from nmes.core.buttons import ALL, DOWN, PROGRAMME, START, STOP, UP
from nmes.core.session import FAULT, IDLE, LOCAL, PAUSED, RUNNING, STEP_EVERY_MS, STEP_MAX_UA

SEEDS = range(12)
TURNS = 20_000
SINGLE = (START, UP, DOWN, STOP, PROGRAMME)
TWO: dict[str, Any] = dict(CYCLES, title="two", channels=[{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}])


def presses(dice: random.Random) -> int:
    """What is pressed next: mostly one button, sometimes several, seldom stop."""
    if dice.random() < 0.05:
        return dice.randint(0, ALL)
    return dice.choices(SINGLE, (6, 8, 3, 0.3, 1))[0]


def masks(dice: random.Random, bench: Paneled) -> list[int]:
    """The turns of a press and of what follows it, with bounces."""
    mask = presses(dice)
    if dice.random() < 0.9:  # else nobody would ever come to a session
        if bench.place == "ready":
            return [START] * 120 + [0] * 10
        if bench.session.state == IDLE:
            return [START] * 8 + [0] * 110
    edge = [dice.choice((0, mask)) for _ in range(dice.randint(0, 2))]
    return edge + [mask] * dice.randint(1, 40) + edge + [0] * dice.randint(1, 110)


@pytest.mark.parametrize("seed", SEEDS)
def test_h26_random_presses_raise_nothing_without_a_press_of_up(seed: int) -> None:
    dice = random.Random(seed)
    bench = Paneled(kept=(CYCLES, TWO))
    seen = [0, 0, 0]
    raised, running, rises = [-STEP_EVERY_MS, -STEP_EVERY_MS], 0, 0
    turn = 0
    while turn < TURNS:
        for mask in masks(dice, bench):
            turn += 1
            before = [bench.level(lane) for lane in range(len(bench.session.lanes))]
            was, bench.mask = bench.session.state, mask
            seen = [*seen[1:], mask]
            bench.turns()
            session = bench.session
            if mask & STOP:
                assert session.state in (IDLE, FAULT) and not bench.hal.enabled()
            if was != RUNNING and session.state == RUNNING:
                assert session.owner == LOCAL and mask == START and [bench.level(i.index) for i in session.lanes]
                running += 1
                continue
            for lane, was_ua in enumerate(before):
                if bench.level(lane) > was_ua:
                    rises += 1
                    assert seen == [UP] * 3 and bench.level(lane) - was_ua <= STEP_MAX_UA
                    assert bench.hal.now_ms() - raised[lane] >= STEP_EVERY_MS
                    raised[lane] = bench.hal.now_ms()
            if session.state != RUNNING:
                assert not bench.hal.enabled() and not any(bench.level(lane) for lane in range(len(session.lanes)))
            if session.state == FAULT:
                assert session.fault in (faults.BUTTON_CHATTER, faults.BUTTON_SHORT)
                bench.said("clear", fault=session.fault)
                bench.supervisor._lockout._until_ms = 0
            if session.state == IDLE:
                bench.supervisor._lockout._until_ms = 0  # else it would be a test of the pause after a session
        if dice.random() < 0.01 and bench.session.state in (RUNNING, PAUSED):
            bench.supervisor.fail(faults.ELECTRODE_OPEN, "at random")
            assert not bench.hal.enabled()
            bench.said("clear", fault=faults.ELECTRODE_OPEN)
    assert running and rises

"""Junk on the link in every state: no crash, no fault, no output, and nothing changed that an answer does not say.

`make fuzz` sends a million lines and more; here it is a share of that. FUZZ=1000000 SEED=7 says how many, and which."""

import os
from pathlib import Path

import fuzz
import pytest

SEED = int(os.environ.get("SEED", "1"))
LINES = int(os.environ.get("FUZZ", "40000"))


@pytest.mark.parametrize(("state", "ours", "lines"), list(fuzz.shares(LINES)))
def test_h15_junk_in_any_state_changes_nothing_and_puts_nothing_out(state, ours, lines):
    carried_out = fuzz.blind(SEED, lines, state, ours=ours)
    print(f"{lines} lines, {carried_out} of them answered with ok")
    assert 0 < carried_out < lines


@pytest.mark.parametrize("state", fuzz.STATES)
def test_h15_junk_on_a_locked_device_changes_nothing_that_would_have_to_be_signed(state):
    lines = LINES // 10
    carried_out = fuzz.blind(SEED, lines, state, ours=True, locked=True)
    print(f"{lines} lines, {carried_out} of them answered with ok")
    assert 0 < carried_out < lines


@pytest.mark.parametrize(("state", "locked"), [*((state, False) for state in fuzz.STATES), (fuzz.IDLE, True)])
def test_h15_junk_that_is_guided_by_what_it_reaches_does_no_more(state, locked):
    reached, at_first = fuzz.guided(SEED, LINES // 40, state, locked=locked)
    print(f"{LINES // 40} lines reached {len(reached)} lines of code, {at_first} by the first twentieth")
    assert len(reached) > at_first > 100
    # At rest it is guided by what looks at signatures too, whether the device is locked or not.
    found = {Path(file).name for file, _ in reached}
    assert state != fuzz.IDLE or {"link.py", "lock.py"} <= found

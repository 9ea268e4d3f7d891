"""core/buttons.py against a description of its own: whatever the contacts do, nothing gives without a press, and what
takes away is never late."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nmes.core.buttons import ALL, DOWN, PROGRAMME, SAMPLES, SHORT_EDGES, START, STOP, UP, Buttons

GIVES = (START, UP, PROGRAMME)
OPEN = [0] * 5
# What contacts do: masks for some turns each, bounces and glitches among them.
SEQUENCES = st.lists(st.tuples(st.integers(0, ALL), st.integers(1, 12)), max_size=40)


def unrolled(sequence: list[tuple[int, int]]) -> list[int]:
    return OPEN + [mask for mask, turns in sequence for _ in range(turns)]


def events_of(masks: list[int]) -> list[int]:
    keys = Buttons()
    return [keys.step(mask, 10 * turn) for turn, mask in enumerate(masks)]


@settings(max_examples=500, deadline=None)
@given(SEQUENCES)
@example([(UP, 2), (UP | DOWN, 1), (UP, 9)])
@example([(UP | START, 9), (UP, 9)])
def test_h26_nothing_gives_but_its_button_alone_for_three_turns_and_once(sequence: list[tuple[int, int]]) -> None:
    masks = unrolled(sequence)
    for button in GIVES:
        last = 0
        for turn, event in enumerate(events_of(masks)):
            if not event & button:
                continue
            assert masks[turn - SAMPLES + 1 : turn + 1] == [button] * SAMPLES
            # Since the press before it was let go of, for as many turns.
            if last:
                between = masks[last + 1 : turn]
                windows = [between[at : at + SAMPLES] for at in range(len(between))]
                assert any(len(w) == SAMPLES and len(set(w)) == 1 and not w[0] & button for w in windows)
            last = turn


@settings(max_examples=500, deadline=None)
@given(SEQUENCES)
def test_h26_what_takes_away_acts_in_its_first_turn(sequence: list[tuple[int, int]]) -> None:
    masks = unrolled(sequence)
    found = events_of(masks)
    for button in (DOWN, STOP):
        for turn in range(SAMPLES, len(masks)):
            was_open = all(mask == masks[turn - 1] and not mask & button for mask in masks[turn - SAMPLES : turn])
            if masks[turn] & button and was_open:
                assert found[turn] & button


@settings(max_examples=300, deadline=None)
@given(SEQUENCES)
def test_two_at_once_give_nothing(sequence: list[tuple[int, int]]) -> None:
    masks = unrolled(sequence)
    for mask, event in zip(masks, events_of(masks), strict=True):
        assert not event & ~mask
        if mask & (mask - 1):
            assert not event & (START | UP | PROGRAMME)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([3 << at for at in range(4)]), st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=3)
)
def test_h26_neighbours_that_touch_are_found_within_three_presses(pair: int, presses: list[tuple[int, int]]) -> None:
    keys, turn = Buttons(), 0
    for mask in OPEN:
        keys.step(mask, 10 * turn)
        turn += 1
    for closed, opened in presses[: SHORT_EDGES // 2]:
        for mask in [pair] * closed + [0] * opened:
            assert not keys.step(mask, 10 * turn) & ~pair & (START | UP | PROGRAMME)
            turn += 1
    assert keys.cause


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 4), st.lists(st.integers(1, 4), min_size=60, max_size=60))
def test_h26_a_contact_that_bounces_for_ever_is_found(button: int, times: list[int]) -> None:
    keys, turn = Buttons(), 0
    for at, turns in enumerate([5, *times]):
        for _ in range(turns):
            keys.step((at % 2) << button, 10 * turn)
            turn += 1
    assert keys.cause

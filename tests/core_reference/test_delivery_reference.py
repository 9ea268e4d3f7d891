"""The account adds up, whatever was measured: against sums that Python's own integers make."""

from fractions import Fraction

import samples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_integers import Small, small

from nmes.core import pulse, verdict
from nmes.core.delivery import Delivery

counts = st.integers(0, 4095)
levels = st.integers(0, 1000)
widths = st.integers(10, 1000)
pulses = st.tuples(levels, widths, levels, widths, counts, counts, counts, counts, counts).map(list)


@settings(max_examples=200, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1_500), pulses), max_size=60))
def test_charges_are_conserved_and_the_window_is_a_second(steps):
    made = Delivery(samples.STAGE)
    now_ms, total_a, total_b, history = 0, 0, 0, []
    for wait_ms, seen in steps:
        now_ms += wait_ms
        made.judge(seen, now_ms)
        a_pc = (seen[pulse.CURRENT_A] - 2048) * 55 * seen[pulse.SET_WIDTH_A]
        b_pc = (2048 - seen[pulse.CURRENT_B]) * 55 * seen[pulse.SET_WIDTH_B]
        total_a, total_b = total_a + a_pc, total_b + b_pc
        history.append((now_ms, a_pc - b_pc))
        assert made.charge_pc() == (total_a, total_b)
        window = sum(pc for at, pc in history if at // 25 > now_ms // 25 - 41)
        assert abs(made.net_nc - Fraction(window, 1000)) < 2, "less than the rounding at both of its ends"
    assert made.measured == len(steps)
    account = made.account()
    assert (account["charge_a_nc"], account["charge_b_nc"]) == (total_a // 1000, total_b // 1000)


class Numbers(list):
    """An array of small integers."""

    def __setitem__(self, at, value):
        super().__setitem__(at, Small(value) if isinstance(at, int) else [Small(one) for one in value])


@settings(max_examples=100, derandomize=True)
@given(st.lists(pulses, min_size=1, max_size=20), st.integers(0, 500_000_000))
def test_judging_stays_within_30_bits(many, begin_ms):
    made = small(Delivery(samples.STAGE))
    made.calibration = small(made.calibration)
    made._slots = Numbers(Small(number) for number in made._slots)
    state = made._state = Numbers(Small(number) for number in made._state)
    # The longest session there is has had 25 uC a pulse at 150 Hz for an hour; a count for a microsecond is 55 pC.
    made._carries = Small(25_000_000 * 150 * 3_600 // 55 // verdict.CARRY)
    made._currents_carries = Small(2 * 2_048 * 150 * 3_600 // verdict.CARRY)
    made._net_before = Small(10_000_000 * 3_600 // 55)
    state[verdict.MEASURED] = state[verdict.DRIVEN] = 150 * 3_600
    # As large as they become before they are kept in two parts, and what a window adds to them.
    state[verdict.CHARGE_A] = state[verdict.CURRENTS] = verdict.MIDDLE + verdict.CARRY - 1
    seen = [Small(number) for one in many for number in one]
    for i in range(len(many)):
        made.judge(seen[i * pulse.MEASURED :][: pulse.MEASURED], Small(begin_ms + 7 * i))
    made.judge(seen, Small(begin_ms + 10_000_000), len(many))
    assert min(state) >= 0, "viper reads a number below zero from an array as a large one where words have 64 bits"


def test_three_is_three():
    assert verdict.IN_A_ROW == 3

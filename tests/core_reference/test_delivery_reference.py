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


@settings(max_examples=200, deadline=None, derandomize=True)
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


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(pulses, min_size=1, max_size=20), st.integers(0, 500_000_000))
def test_judging_stays_within_30_bits(many, begin_ms):
    made = small(Delivery(samples.STAGE))
    made.calibration = small(made.calibration)
    made._slots = [Small(n) for n in made._slots]
    made._box = [Small(n) for n in made._box]
    # The longest session there is has had 25 uC a pulse at 150 Hz for an hour; a count for a microsecond is 55 pC.
    made._carries = Small(25_000_000 * 150 * 3_600 // 55 >> 28)
    made._a = Small(1 << 28)
    made._net_before = Small(10_000_000 * 3_600 // 55)
    made._sum = Small(1 << 28)
    made._sum_high = Small(2 * 2_048 * 150 * 3_600 >> 10)
    for i, seen in enumerate(many):
        made.judge([Small(value) for value in seen], Small(begin_ms + 7 * i))
    made._move_window(Small(begin_ms // 10 + 1_000_000))


near = st.integers(-40, 40)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(levels, near, near, st.integers(0, 5_000)), min_size=1, max_size=30))
def test_a_good_pulse_is_found_good_the_quick_way_and_the_long_way(many):
    made = Delivery(samples.STAGE)
    for level, off_a, off_b, ohm in many:
        a, b = round(level * 100 / 55), round(level * 100 / 55)
        volts = round(level * 100 * ohm / 1_000 / 45)
        seen = [level, 250, level, 250, 2048 + a + off_a, 2048 + volts, 2048 - b - off_b, 2048 - volts, 2048]
        fault = made.judge([min(4095, max(0, value)) for value in seen], 0)
        a_ua, b_ua = made.calibration.current_ua(seen[4]), -made.calibration.current_ua(seen[6])
        a_mv, b_mv = made.calibration.voltage_mv(min(4095, seen[5])), -made.calibration.voltage_mv(max(0, seen[7]))
        bad = made._bad(made.set_ua, a_ua, a_mv, False) | made._bad(made.set_ua, b_ua, b_mv, False)
        assert made._bad_before == bad
        if fault:
            return


def test_three_is_three():
    assert verdict.IN_A_ROW == 3

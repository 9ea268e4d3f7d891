"""Whole sessions, with ramps, rests and the joints between trains: no second has more than the limits were told."""

from fractions import Fraction
from math import ceil

import samples
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from patterns import changes
from worst_second import SECOND_US, Blocks, worst_second

from nmes.core import programme, train
from nmes.core.reason import Refused

patterns = st.one_of(
    st.just({}),
    st.builds(lambda n: {"pulses": n}, st.integers(1, 100)),
    st.builds(
        lambda n, rate, pulses: {"burst_pulses": n, "burst_rate_mhz": rate, "pulses": pulses},
        st.integers(2, 40),
        st.integers(500, 10_000),
        st.one_of(st.just(0), st.integers(1, 60)),
    ),
    changes,
)
phases = st.builds(
    lambda pattern, rate, width, work, rest, trains, extra: samples.phase(
        rate_mhz=rate, width_us=width, work_ms=work, rest_ms=rest, ramp_up_ms=500, ramp_down_ms=500,
        duration_ms=work + (trains - 1) * (work + rest) + extra, **pattern,
    ),
    patterns,
    st.integers(1_000, 150_000),
    st.integers(50, 500),
    st.integers(1_000, 3_000),
    st.integers(0, 2_000),
    st.integers(1, 3),
    st.integers(0, 900),
)  # fmt: skip


def parsed(made):
    try:
        return programme.parse(samples.programme(made))
    except Refused:
        reject()


@settings(max_examples=400, derandomize=True)
@given(phases)
def test_h01_the_worst_second_of_a_train_is_the_reference_s(fields):
    (phase,) = parsed([fields]).phases
    assert phase.duty == ceil(worst_second(fields))


@settings(max_examples=300, derandomize=True)
@given(st.lists(phases, min_size=1, max_size=3))
def test_h01_no_second_of_a_session_has_more_than_its_trains(made):
    whole = parsed(made)
    feed = train.Feed(whole)
    rows, late_us = [], 0
    while feed.phase is not None:
        phase, fields = feed.phase, made[whole.phases.index(feed.phase)]
        begin_us = max(feed.next_us(), late_us)
        rate_mhz = nearest_rate(fields, feed)
        own_us = phase.least_after(phase.interval_at(feed._n, feed._offset_us))
        level = Fraction(train.envelope(phase, feed.t_ms, 1_000), 1_000)
        rows.append((begin_us, own_us, rate_mhz * feed.width_us * level**2))
        late_us = begin_us + own_us
        feed.take()
    worst = Fraction(Blocks(rows).most(SECOND_US), SECOND_US)
    # A burst of 0.25 s, the rest of its train in 0.5 s of ramp, and 0.25 s of the next burst, on the way up:
    # (0.25 / 0.5)^2 / 3 of it more.
    more = Fraction(1, 12) if any(phase.burst_pulses for phase in whole.phases) else 0
    assert worst <= max(phase.duty for phase in whole.phases) * (1 + more)


def nearest_rate(fields, feed):
    """The rate that a pulse was asked for with; its interval has it in whole microseconds only."""
    if fields.get("change") != "sweep":
        own_us = feed.phase.least_after(feed.phase.interval_at(feed._n, feed._offset_us))
        rates = {fields["rate_mhz"], fields.get("rate_to_mhz") or fields["rate_mhz"]}
        return min(rates, key=lambda rate: abs(Fraction(10**9, rate) - own_us))
    whole_ms, t_ms = fields["change_ms"], feed._offset_us // 1000
    x_ms = t_ms if t_ms <= whole_ms else max(0, 2 * whole_ms - t_ms)
    to = fields.get("rate_to_mhz") or fields["rate_mhz"]
    return fields["rate_mhz"] + Fraction(to - fields["rate_mhz"]) * x_ms // whole_ms

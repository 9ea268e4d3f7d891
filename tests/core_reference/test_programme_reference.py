"""core/programme.py: how many pulses and trains there are, against fractions and a count one by one."""

from fractions import Fraction
from math import ceil

import samples
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from nmes.core import programme, train
from nmes.core.reason import Refused

rates = st.integers(1_000, 150_000)
times = st.integers(1_000, 120_000)


@settings(max_examples=1_000, derandomize=True)
@given(rates, st.integers(1_000, 3_600_000))
def test_a_train_has_the_pulses_of_its_rate_that_begin_within_it(rate_mhz, train_ms):
    fields = samples.phase(rate_mhz=rate_mhz, work_ms=0, rest_ms=0, duration_ms=train_ms)
    phase = programme.Phase("p", fields)
    asked = ceil(Fraction(rate_mhz, 1_000) * Fraction(train_ms, 1_000))
    begin_within = ceil(Fraction(1_000 * train_ms, phase.period_us))
    assert phase.pulses == min(asked, begin_within)
    # Against the asked rate the period is off by half a microsecond at most: so is the count, a pulse in 13 000.
    assert asked - phase.pulses <= 1 + asked // 13_000


@settings(max_examples=500, derandomize=True)
@given(times, st.integers(0, 120_000), st.integers(1_000, 3_600_000))
def test_trains_are_those_that_end_within_the_phase(work_ms, rest_ms, duration_ms):
    phase = programme.Phase("p", samples.phase(work_ms=work_ms, rest_ms=rest_ms, duration_ms=duration_ms))
    begins = [n * (work_ms + rest_ms) for n in range(duration_ms // (work_ms + rest_ms) + 2)]
    assert phase.trains == len([begin for begin in begins if begin + work_ms <= duration_ms])


phases = st.builds(
    lambda rate_mhz, work_ms, rest_ms, extra_ms, trains: samples.phase(
        rate_mhz=rate_mhz,
        work_ms=work_ms,
        rest_ms=rest_ms,
        ramp_up_ms=500,
        ramp_down_ms=500,
        duration_ms=work_ms + (trains - 1) * (work_ms + rest_ms) + extra_ms,
    ),
    rates,
    st.integers(1_000, 3_000),
    st.integers(0, 3_000),
    st.integers(0, 900),
    st.integers(1, 3),
)


@settings(max_examples=200, derandomize=True)
@given(st.lists(phases, min_size=1, max_size=3))
def test_the_feed_gives_every_pulse_of_every_train_once_and_in_its_time(made):
    try:
        whole = programme.parse(samples.programme(made))
    except Refused as refused:
        assert {reason["code"] for reason in refused.reasons} == {"trains_overlap"}
        reject()
    feed = train.Feed(whole)
    seen = {}
    while samples.due(feed, whole.duration_ms):
        key = whole.phases.index(feed.phase), feed.begin_ms
        assert feed.k == seen.get(key, 0)
        at_ms = feed.next_us() // 1000 - train.AHEAD_MS
        assert not samples.due(feed, at_ms - 1) and samples.due(feed, at_ms)
        seen[key] = feed.k + 1
        feed.take()
    wanted, begin_ms = {}, 0
    for index, phase in enumerate(whole.phases):
        for n in range(phase.trains):
            wanted[index, begin_ms + n * phase.cycle_ms] = phase.pulses
        begin_ms += phase.duration_ms
    assert seen == wanted
    assert sum(seen.values()) == whole.pulses

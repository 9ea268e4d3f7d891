"""core/phase.py and core/train.py against a pulse-by-pulse reference."""

from fractions import Fraction

import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import programme, train
from nmes.core.reason import Refused

patterns = st.one_of(
    st.just({}),
    st.builds(lambda n: {"pulses": n}, st.integers(1, 200)),
    st.builds(
        lambda n, rate: {"burst_pulses": n, "burst_rate_mhz": rate}, st.integers(2, 10), st.integers(500, 20_000)
    ),
    st.builds(
        lambda change, rate, width, ms: {
            "change": change, "rate_to_mhz": rate, "width_to_us": width, "change_ms": ms,
        },
        st.sampled_from(["sweep", "alternate"]),
        st.one_of(st.just(0), st.integers(1_000, 150_000)),
        st.integers(50, 500),
        st.integers(100, 2_000),
    ),
)  # fmt: skip
phases = st.builds(
    lambda rate, work, rest, trains, extra, pattern: samples.phase(
        rate_mhz=rate, work_ms=work, rest_ms=rest, ramp_up_ms=500, ramp_down_ms=500,
        duration_ms=work + (trains - 1) * (work + rest) + extra, **pattern,
    ),
    st.integers(1_000, 150_000),
    st.integers(1_000, 3_000),
    st.integers(0, 3_000),
    st.integers(1, 3),
    st.integers(0, 900),
    patterns,
)  # fmt: skip


def rounded(fraction):
    return (fraction + Fraction(1, 2)).__floor__()


def straight(one, other, x, whole):
    return (one + Fraction(other - one) * x / whole).__floor__()


def reference(fields, k, turn):
    """(width, own interval) of the pulse that follows those whose begins in this turn are `turn`."""
    rate, width = fields["rate_mhz"], fields["width_us"]
    to_rate, to_width = fields.get("rate_to_mhz") or rate, fields.get("width_to_us") or width
    change, ms = fields.get("change", "none"), fields.get("change_ms", 0)
    if change == "sweep":
        t_ms = turn // 1000
        x = t_ms if t_ms <= ms else max(0, 2 * ms - t_ms)
        rate, width = straight(rate, to_rate, x, ms), straight(width, to_width, x, ms)
    return width, rounded(Fraction(10**9, rate))


@settings(max_examples=300, derandomize=True)
@given(st.lists(phases, min_size=1, max_size=3))
def test_counted_ahead_is_what_comes_and_every_interval_leads_to_the_next(made):
    try:
        whole = programme.parse(samples.programme(made))
    except Refused:
        return
    feed = train.Feed(whole)
    count, engine_us = 0, 0
    while feed.phase is not None:
        fields = made[whole.phases.index(feed.phase)]
        phase = feed.phase
        late_us = engine_us - feed.next_us()
        assert late_us == 0, "every pulse at its time, whatever phase was before it"
        assert feed.next_us() < 1000 * (feed.begin_ms + phase.train_ms)
        if fields.get("change") == "sweep":
            width_us, interval_us = reference(fields, feed.k, feed._offset_us)
            assert feed.width_us == width_us
            assert feed.k == phase.pulses - 1 or feed.interval_us == interval_us
        assert feed.interval_us >= phase.least_after(phase.interval_at(feed._n, feed._offset_us))
        assert fields["width_us"] <= feed.width_us <= phase.widest_us or fields["width_us"] > feed.width_us
        engine_us += feed.interval_us
        feed.take()
        count += 1
    assert count == whole.pulses
    for phase in whole.phases:
        assert phase.pulses == len([k for k in range(phase.pulses) if phase.start_us(k) < 1000 * phase.train_ms])

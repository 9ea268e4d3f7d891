"""train.Feed.change against a timeline of its own: changes at any pulse, pauses that cancel pulses before and after."""

import samples
from hypothesis import Phase, event, given, reject, settings
from hypothesis import strategies as st
from timeline import Timeline

from nmes.core import programme, train
from nmes.core.reason import Refused

RATES = st.one_of(
    st.integers(1_000, 6_000), st.integers(1_000, 150_000), st.sampled_from([2_000, 4_000, 10_000, 33_333, 35_000])
)


def fits(fields):
    try:
        programme.parse(samples.programme([samples.phase(**fields)]))
    except Refused:
        return False
    return True


phases = st.lists(
    st.builds(
        lambda rate, width, work, rest, trains, extra, pulses: {
            "rate_mhz": rate, "width_us": width, "work_ms": work, "rest_ms": rest, "ramp_up_ms": 500,
            "ramp_down_ms": 500, "duration_ms": work + (trains - 1) * (work + rest) + extra, "pulses": pulses,
        },
        RATES,
        st.integers(50, 500),
        st.one_of(st.integers(1_000, 2_000), st.sampled_from([1_000, 1_500, 2_000])),
        st.sampled_from([0, 1, 20, 100, 1_000]),
        st.integers(1, 3),
        st.integers(0, 900),
        st.sampled_from([0, 0, 0, 30]),
    ).filter(fits),
    min_size=1,
    max_size=3,
)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 10)),
        st.tuples(st.just("take"), st.integers(1, 200)),
        st.tuples(st.just("nearly"), st.integers(1, 3)),  # so many are left of the train
        st.tuples(st.just("back"), st.integers(1, 40)),
        st.tuples(st.just("change"), RATES, st.integers(50, 500)),
        st.tuples(st.just("width"), st.integers(50, 500)),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=600, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(phases, steps)
def test_every_pulse_begins_when_it_should_whatever_is_changed_and_cancelled(made, doings):
    data = samples.programme([samples.phase(**{"name": str(i), **fields}) for i, fields in enumerate(made)])
    try:
        whole = programme.parse(data)
    except Refused:  # the widest of one phase is too wide for another
        reject()
    feed, plan = train.Feed(whole), Timeline(data["phases"])
    at, highest = 0, 0

    def take():
        nonlocal at, highest
        pulse = plan.plan[at]
        assert (feed.next_us(), feed.width_us) == (pulse.begin, pulse.width)
        assert feed.begin_ms * 1000 == plan.trains[pulse.train].begin
        if at + 1 < len(plan.plan):
            assert feed.interval_us == plan.plan[at + 1].begin - pulse.begin
        feed.take()
        at += 1
        highest = max(highest, at)

    for doing in [*doings, ("take", len(plan.plan) * 200)]:
        if doing[0] == "take":
            for _ in range(doing[1]):
                if at == len(plan.plan):
                    break
                take()
            assert (feed.phase is None) == (at == len(plan.plan))
        elif doing[0] == "nearly":
            left = sum(pulse.train == plan.plan[at].train for pulse in plan.plan[at:]) if at < len(plan.plan) else 0
            for _ in range(left - doing[1]):
                take()
        elif doing[0] == "back":
            count = min(doing[1], at, 64 - (highest - at))
            feed.put_back(count)
            at -= count
        elif feed.phase is not None:
            i = plan.trains[plan.plan[at].train].phase
            rate = doing[1] if doing[0] == "change" else plan.plan[at].rate
            width = doing[-1]
            if made[i]["pulses"] and rate != plan.plan[at].rate:
                continue
            fields = dict(data["phases"][i], rate_mhz=rate, width_us=width)
            if not fits(fields):
                event("does not fit")
                continue
            before = list(plan.plan)
            number = feed.change(programme.Phase(fields["name"], fields, i + 1 < len(made)))
            wanted = plan.change(at, rate, width)
            assert number == (-1 if wanted is None else wanted)
            event("no room" if wanted is None else "in the next train" if wanted > at else "now")
            assert plan.plan[:at] == before[:at]
    assert feed.phase is None and feed.number == len(plan.plan)

"""train.Feed.change against a timeline of its own: changes at any pulse, pauses that cancel pulses before and after."""

from fractions import Fraction

import samples
from hypothesis import Phase, event, given, reject, settings
from hypothesis import strategies as st

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


def period(rate):
    return (Fraction(10**9, rate) + Fraction(1, 2)).__floor__()


class Timeline:
    """Every pulse of a programme as it is now planned: (train, begin, width, interval, rate, version of the plan)."""

    def __init__(self, made):
        self.made = made
        self.trains = []  # (phase, begin, end, begin of what follows or None)
        at_ms = 0
        for i, fields in enumerate(made):
            cycle = fields["work_ms"] + fields["rest_ms"]
            begins = range(at_ms, at_ms + fields["duration_ms"] - fields["work_ms"] + 1, cycle)
            self.trains += [(i, begin * 1000, (begin + fields["work_ms"]) * 1000) for begin in begins]
            at_ms += fields["duration_ms"]
        self.plan = []
        self.versions = [self.plan]
        for number, (i, begin, end) in enumerate(self.trains):
            fields = made[i]
            self.plan += self.pulses(number, begin, end, fields["rate_mhz"], fields["width_us"], fields["pulses"])

    def pulses(self, number, begin, end, rate, width, most=0, room=None):
        """From `begin` until `end`, no more than the rate asks for."""
        made, at = [], begin
        while at < end and len(made) < Fraction((end - begin) * rate, 10**9) and (not most or len(made) < most):
            if room is not None and at + period(rate) > room:
                break
            made.append((number, at, width, period(rate), rate, len(self.versions) - 1))
            at += period(rate)
        return made

    def change(self, at, rate, width, late):
        """Pulse `at` and what follows in its phase. Returns the first changed one; None: there is none."""
        number, begin, _, _, old_rate, version = self.plan[at]
        i, _, end = self.trains[number]
        following = self.trains[number + 1][1] if number + 1 < len(self.trains) else None
        same = [n for n in range(number + 1, len(self.trains)) if self.trains[n][0] == i]
        exact = self.made[i]["pulses"]
        self.versions.append([])
        if rate == old_rate:  # as many as it would have been
            here = [p for p in self.versions[version] if p[0] == number and p[1] >= begin]
            now = [(number, p[1], width, period(rate), rate, len(self.versions) - 1) for p in here]
        else:
            now = self.pulses(number, begin, end, rate, width, 0, None if following is None else following - late)
        if not now and not same:
            self.versions.pop()
            return None
        before = self.plan[:at] if now else [p for p in self.plan if p[0] <= number]
        made = before + now
        for n in same:
            _, begin, end = self.trains[n]
            made += self.pulses(n, begin, end, rate, width, exact)
        later = [p for p in self.versions[0] if self.trains[p[0]][0] > i]
        self.plan = self.versions[-1] = made + later
        return len(before)


@settings(max_examples=600, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(phases, steps)
def test_every_pulse_begins_when_it_should_whatever_is_changed_and_cancelled(made, doings):
    data = samples.programme([samples.phase(**{"name": str(i), **fields}) for i, fields in enumerate(made)])
    try:
        whole = programme.parse(data)
    except Refused:  # the widest of one phase is too wide for another
        reject()
    feed, plan = train.Feed(whole), Timeline(made)
    at, late, highest = 0, 0, 0

    def take():
        nonlocal at, late, highest
        number, begin, width, own, _, _ = plan.plan[at]
        assert feed.next_us() == begin
        assert feed.width_us == width
        assert feed.begin_ms * 1000 == plan.trains[number][1]
        if at + 1 < len(plan.plan):
            following = plan.plan[at + 1]
            wanted = own if following[0] == number and following[1] == begin + own else None
            if following[0] != number:
                wanted = max(own, following[1] - begin - late)
            if wanted is None:  # an interval that was queued before a change
                wanted = following[1] - begin
            assert feed.interval_us == wanted
            late = begin + late + feed.interval_us - following[1]
            assert late >= 0
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
            left = sum(pulse[0] == plan.plan[at][0] for pulse in plan.plan[at:]) if at < len(plan.plan) else 0
            for _ in range(left - doing[1]):
                take()
        elif doing[0] == "back":
            count = min(doing[1], at, 64 - (highest - at))
            feed.put_back(count)
            at, late = at - count, 0
        elif feed.phase is not None:
            i = plan.trains[plan.plan[at][0]][0]
            rate = doing[1] if doing[0] == "change" else plan.plan[at][4]
            width = doing[-1]
            if made[i]["pulses"] and rate != plan.plan[at][4]:
                continue
            fields = dict(data["phases"][i], rate_mhz=rate, width_us=width)
            if not fits(fields):
                event("does not fit")
                continue
            before = list(plan.plan)
            number = feed.change(programme.Phase(fields["name"], fields))
            wanted = plan.change(at, rate, width, late)
            assert number == (-1 if wanted is None else wanted)
            event("no room" if wanted is None else "in the next train" if wanted > at else "now")
            assert plan.plan[:at] == before[:at]
    assert feed.phase is None and feed.number == len(plan.plan)

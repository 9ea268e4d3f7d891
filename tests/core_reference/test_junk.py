"""Anything at all in place of a programme, or of any part of one: it is refused in words that JSON can carry."""

import copy
import json

import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from nmes.core import programme
from nmes.core.reason import Refused

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**400),
    st.floats(),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0, 1e300, "1e400", "NaN", "400", "\ud800", "\x00"]),
    st.text(max_size=80),
)
nested = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
)
FULL = samples.programme(
    [samples.phase(burst_pulses=3, burst_rate_mhz=2_000), samples.phase(change="sweep", rate_to_mhz=50_000)],
    person={"max_current_ua": 20_000},
    channels=[{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 5}],
)
FULL["electrode"]["max_current_ua"] = 30_000
FULL["phases"][1]["change_ms"] = 500


def places(data, path=()):
    """The path of everything in `data`."""
    rows = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in rows:
        yield (*path, key)
        yield from places(value, (*path, key))


def with_value(path, value):
    data = copy.deepcopy(FULL)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


def outcome(data):
    """The reasons, each checked to be short and to survive JSON; none when it was accepted."""
    try:
        programme.accept(data, samples.STAGE)
    except Refused as refused:
        assert refused.reasons
        for reason in refused.reasons:
            text = json.dumps(reason, allow_nan=False)
            assert json.loads(text) == reason
            assert len(text) < 1_500
        return refused.reasons
    return []


def test_the_programme_that_is_spoilt_is_accepted_before():
    assert outcome(FULL) == []


@settings(max_examples=500, derandomize=True)
@given(nested)
def test_h24_junk_is_no_programme(junk):
    assert outcome(junk)


@settings(max_examples=1_000, derandomize=True)
@given(st.sampled_from(sorted(places(FULL), key=str)), nested)
def test_h24_junk_in_any_place_is_refused_and_named_or_it_was_no_junk(path, junk):
    found = outcome(with_value(path, junk))
    if found:
        return
    last = path[-1]
    if last in ("title", "name"):
        assert isinstance(junk, str) and junk
    else:  # a number in range, the same as before or as allowed
        assert type(junk) is int and last not in ("electrode", "phases", "channels", "person")


@settings(max_examples=300, derandomize=True)
@given(nested)
def test_h17_no_junk_is_an_area(junk):
    found = outcome(with_value(("electrode", "area_mm2"), junk))
    if type(junk) is int and 100 <= junk <= 20_000:
        return
    (reason,) = found
    assert reason["parameter"] == "electrode.area_mm2"

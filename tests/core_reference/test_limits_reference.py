"""core/limits.py against the formulas of its docstring, written down a second time in exact fractions."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, isqrt, log10

import pytest
import samples
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from patterns import changes
from worst_second import worst_second

from nmes.core import limits, programme, pulse
from nmes.core.reason import Refused

STRONG = samples.stage(full_scale_ua=1_000_000, compliance_mv=1_000_000)


@dataclass(frozen=True)
class Exact:
    """The quantities in SI units, areas in cm2, as fractions; square roots stay squared."""

    current_ua: int
    width_us: int
    rate_mhz: int
    kind: str
    area_mm2: int
    ratio: int = 1
    imbalance_ppm: int = 2_000

    @property
    def i(self):
        return Fraction(self.current_ua, 10**6)

    @property
    def w(self):
        return Fraction(self.width_us, 10**6)

    @property
    def f(self):
        return Fraction(self.rate_mhz, 1000)

    @property
    def area(self):
        return Fraction(self.area_mm2, 100)

    @property
    def area_that_counts(self):
        return self.area / 2 if self.kind == "pads" else self.area

    @property
    def irms_squared(self):
        return (self.i**2 * self.w + (self.i / self.ratio) ** 2 * (self.w * self.ratio)) * self.f

    @property
    def density_squared(self):
        return self.irms_squared / self.area_that_counts**2

    @property
    def average(self):
        return (self.i * self.w + self.i / self.ratio * (self.w * self.ratio)) * self.f

    @property
    def charge(self):
        return self.i * self.w

    @property
    def power_density(self):
        return self.irms_squared * 500 / self.area_that_counts

    @property
    def net(self):
        return self.charge * self.f * Fraction(self.imbalance_ppm, 10**6)

    @property
    def energy(self):
        return 500 * (self.i**2 * self.w + (self.i / self.ratio) ** 2 * (self.w * self.ratio))

    @property
    def ten_to_k(self):
        """10 ** Shannon's k: charge in uC times charge density in uC/cm2."""
        return (self.charge * 10**6) ** 2 / self.area

    def broken(self):
        milli, micro = Fraction(1, 1000), Fraction(1, 10**6)
        rules = {
            "rms_current": self.irms_squared > (50 * milli) ** 2,
            "rms_current_density": self.density_squared > (2 * milli) ** 2,
            "average_current": self.average > 10 * milli,
            "phase_charge": self.charge > (20 + 28 * self.w * 1000) * micro,
            "phase_charge_cap": self.charge > 25 * micro,
            "power_density": self.power_density > Fraction(1, 4),
            "pulse_energy": self.energy > 300 * milli,
            # k > 1.85 = 37/20 without a logarithm
            "net_dc": self.net > 10 * micro,
            "shannon": self.kind == "probe" and self.ten_to_k**20 > 10**37,
        }
        return {code for code, holds in rules.items() if holds}


class Shape:
    """What limits reads of a programme and its phase."""

    def __init__(self, exact):
        self.kind, self.area_mm2 = exact.kind, exact.area_mm2
        self.widest_us, self.duty, self.ratio = exact.width_us, exact.width_us * exact.rate_mhz, exact.ratio
        self.channels = ()
        self.electrode_max_ua = None


def stage(exact):
    return samples.stage(imbalance_ppm=exact.imbalance_ppm)


def found(exact):
    shape = Shape(exact)
    return {code for code, *_ in limits._broken(shape, stage(exact), shape, exact.current_ua)}


def agree(exact):
    ours, reference = found(exact), exact.broken()
    if "shannon" in ours - reference:
        # Its constant has eight digits, rounded down: never late, early by less than one part in 10^8.
        assert exact.ten_to_k > Fraction(7_079_457_784, 10**8)
        ours.discard("shannon")
    assert ours == reference
    return ours


kinds = st.sampled_from(["probe", "pads"])
areas = st.one_of(st.integers(100, 20_000), st.integers(100, 1_000))
ratios = st.integers(1, 10)
imbalances = st.one_of(st.just(2_000), st.integers(1, 100_000))
in_envelope = st.builds(
    Exact, st.integers(0, 100_000), st.integers(50, 500), st.integers(1_000, 150_000), kinds, areas, ratios, imbalances
)
far_beyond = st.builds(
    Exact,
    st.integers(0, 2_000_000),
    st.integers(10, 1_000),
    st.integers(1, 1_000_000),
    kinds,
    areas,
    ratios,
    imbalances,
)


@settings(max_examples=1_500, derandomize=True)
@given(st.one_of(in_envelope, far_beyond))
def test_h01_accepted_and_refused_are_the_same(exact):
    agree(exact)


@settings(max_examples=300, derandomize=True)
@given(st.one_of(in_envelope, far_beyond))
def test_h01_the_largest_current_is_the_largest_for_the_reference_too(exact):
    shape = Shape(exact)
    shape.phases = [shape]
    strong = {**STRONG, "imbalance_ppm": exact.imbalance_ppm}
    largest_ua, source = limits.largest_current_ua(shape, strong)
    at = replace(exact, current_ua=largest_ua)
    beyond = replace(exact, current_ua=largest_ua + 1)
    assert agree(at) == set()
    assert found(beyond) or (largest_ua, source) == (100_000, "OpenNMES envelope")
    assert agree(beyond) or largest_ua == 100_000 or found(beyond) == {"shannon"}
    named = {f[3] for f in limits._broken(shape, strong, shape, largest_ua + 1)}
    assert source in named or largest_ua == 100_000


@settings(max_examples=500, derandomize=True)
@given(st.one_of(in_envelope, far_beyond), st.integers(0, 2_000_000))
def test_more_current_never_breaks_less(exact, more_ua):
    more = replace(exact, current_ua=exact.current_ua + more_ua)
    assert found(exact) <= found(more)


def test_shannon_s_constant_is_the_eight_digits_below():
    # 10 ** 1.85 lies between this constant and the next: k ** 20 = 10 ** 37.
    digits = limits._TEN_TO_SHANNON_K_X10E6
    assert Fraction(digits, 10**6) ** 20 < 10**37 < Fraction(digits + 1, 10**6) ** 20


@pytest.mark.parametrize("area_mm2", [100, 137, 300, 400, 555, 1_000])
def test_no_charge_passes_that_shannon_forbids(area_mm2):
    for width_us in (50, 173, 250, 499, 500):
        low, high = 0, 2_000_000
        while high - low > 1:
            middle = (low + high) // 2
            if "shannon" in Exact(middle, width_us, 1_000, "probe", area_mm2).broken():
                high = middle
            else:
                low = middle
        assert "shannon" in found(Exact(high, width_us, 1_000, "probe", area_mm2))
        assert "shannon" not in found(Exact(low - 1, width_us, 1_000, "probe", area_mm2))


@settings(max_examples=500, derandomize=True)
@given(st.one_of(in_envelope, far_beyond))
def test_figures_are_rounded_up_and_not_further(exact):
    shape = Shape(exact)
    shown = limits.figures(shape, shape, exact.current_ua, stage(exact))

    def root_up(squared):
        """The smallest integer that is at least the root of a fraction."""
        return isqrt(ceil(squared) - 1) + 1 if squared else 0

    assert shown["irms_ua"] == root_up(exact.irms_squared * 10**12)
    assert shown["density_rms_ua_per_cm2"] == root_up(exact.density_squared * 10**12)
    assert shown["iavg_ua"] == ceil(exact.average * 10**6)
    assert shown["phase_charge_nc"] == ceil(exact.charge * 10**9)
    assert shown["charge_density_nc_per_cm2"] == ceil(exact.charge * 10**9 / exact.area)
    assert shown["power_density_uw_per_cm2"] == ceil(exact.power_density * 10**6)
    assert shown["energy_uj"] == ceil(exact.energy * 10**6)
    assert shown["net_dc_na"] == ceil(exact.net * 10**9)
    if exact.current_ua:
        assert 0 <= shown["shannon_k_x100"] - 100 * log10(exact.ten_to_k) < 1 + 1e-9


# ---- whole programmes ----

phases = st.builds(
    lambda **fields: {"name": "p", **fields},
    rate_mhz=st.integers(1_000, 150_000),
    width_us=st.integers(50, 500),
    gap_us=st.integers(0, 200),
    work_ms=st.sampled_from([0, 1_000, 5_000, 30_000]),
    rest_ms=st.sampled_from([0, 2_500, 10_000]),
    ramp_up_ms=st.integers(500, 2_500),
    ramp_down_ms=st.integers(500, 2_500),
    duration_ms=st.sampled_from([30_000, 600_000, 1_800_000]),
    ratio=st.sampled_from([1, 1, 2]),
)
programmes = st.builds(
    lambda kind, area, effect, ua, made: samples.programme(
        made, kind=kind, area_mm2=area, effect=effect, max_current_ua=ua
    ),
    kinds,
    areas,
    st.sampled_from(["motor", "sensory"]),
    st.integers(1, 100_000),
    st.lists(phases, min_size=1, max_size=4),
)


def allowed(data):
    """Whether the envelope and the limits, in words of our own, allow a programme whose fields are in range."""
    motor = data["effect"] == "motor"
    if sum(p["duration_ms"] for p in data["phases"]) > (30 if motor else 60) * 60_000:
        return False
    for p in data["phases"]:
        train_ms = p["work_ms"] or p["duration_ms"]
        if p["ramp_up_ms"] + p["ramp_down_ms"] > train_ms or train_ms > p["duration_ms"]:
            return False
        if not p["work_ms"] and p["rest_ms"]:
            return False
        if p["work_ms"]:
            cycle_ms = p["work_ms"] + p["rest_ms"]
            period_us = pulse.period_us(p["rate_mhz"])
            asked = ceil(p["work_ms"] * Fraction(p["rate_mhz"], 10**6))
            count = min(asked, ceil(Fraction(p["work_ms"] * 1000, period_us)))
            if (p["duration_ms"] - p["work_ms"]) // cycle_ms >= 1 and count * period_us > cycle_ms * 1000:
                return False
        if motor and p["rate_mhz"] > 12_000 and (not p["work_ms"] or p["rest_ms"] < Fraction(p["work_ms"], 2)):
            return False
        electrode = data["electrode"]
        exact = Exact(
            data["max_current_ua"], p["width_us"], p["rate_mhz"], electrode["kind"], electrode["area_mm2"], p["ratio"]
        )
        if agree(exact):
            return False
    for p, after in pairwise(data["phases"]):
        if motor and p["work_ms"] and min(p["rate_mhz"], after["rate_mhz"]) > 12_000:
            cycle_ms = p["work_ms"] + p["rest_ms"]
            last_ms = (p["duration_ms"] - p["work_ms"]) // cycle_ms * cycle_ms + p["work_ms"]
            if p["duration_ms"] - last_ms < Fraction(p["work_ms"], 2):
                return False
    return True


@settings(max_examples=1_000, derandomize=True)
@given(programmes)
def test_h01_a_programme_is_accepted_when_the_reference_accepts_it(data):
    try:
        programme.accept(data, samples.STAGE)
        accepted = True
    except Refused as refused:
        accepted = False
        assert all(set(r) == {"code", "parameter", "asked", "bound", "source", "phase"} for r in refused.reasons)
    assert accepted == allowed(data)


@settings(max_examples=300, derandomize=True)
@given(programmes)
def test_the_tightest_of_all_phases_wins(data):
    whole = programme.Programme(data)
    largest_ua, _ = limits.largest_current_ua(whole, STRONG)
    alone = []
    for phase in data["phases"]:
        one = programme.Programme({**data, "phases": [phase]})
        alone.append(limits.largest_current_ua(one, STRONG)[0])
    assert largest_ua == min(alone)


# ---- bursts, sweeps, alternations, two channels ----

patterns = st.one_of(
    st.just({}),
    st.builds(
        lambda n, rate: {"burst_pulses": n, "burst_rate_mhz": rate}, st.integers(2, 10), st.integers(500, 20_000)
    ),
    changes,
)
patterned = st.builds(
    lambda pattern, **fields: samples.phase(work_ms=5_000, rest_ms=10_000, duration_ms=30_000, **fields, **pattern),
    patterns,
    rate_mhz=st.integers(1_000, 150_000),
    width_us=st.integers(50, 500),
    ratio=st.integers(1, 2),
)
pairs = st.builds(
    lambda kind, area, first, second: samples.programme(
        first,
        kind=kind,
        area_mm2=area,
        channels=[{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0, "phases": second}],
    ),
    kinds,
    areas,
    st.lists(patterned, min_size=1, max_size=2),
    st.lists(patterned, min_size=1, max_size=2),
)


def parsed(data):
    try:
        return programme.parse(data)
    except Refused:  # bursts that overlap, pulses that do not fit
        reject()


def exacts(data, fields, current_ua):
    """One phase, as if it had the rate that makes its worst second."""
    phase = programme.Phase("p", fields)
    mean = ceil(worst_second(fields))  # of rate times width, rounded up as Phase.duty is
    widest_us = max(fields["width_us"], fields.get("width_to_us", 0))
    rate_mhz = Fraction(mean, widest_us)
    assert phase.duty == mean
    electrode = data["electrode"]
    return Exact(current_ua, widest_us, rate_mhz, electrode["kind"], electrode["area_mm2"], fields["ratio"])


@settings(max_examples=300, derandomize=True)
@given(pairs, st.integers(1, 100_000))
def test_h20_two_channels_of_any_pattern_are_judged_exactly(data, current_ua):
    whole = parsed(data)
    channels = [
        [exacts(data, fields, current_ua) for fields in phases]
        for phases in (data["phases"], data["channels"][1]["phases"])
    ]
    milli, micro = Fraction(1, 1000), Fraction(1, 10**6)
    a, b = (max(exact.irms_squared for exact in phases) for phases in channels)
    left = (50 * milli) ** 2 - a - b
    wanted = {
        "rms_sum": left < 0 or 4 * a * b > left * left,
        "average_sum": sum(max(exact.average for exact in phases) for phases in channels) > 10 * milli,
        "power_sum": (a + b) * 500 / channels[0][0].area_that_counts > Fraction(1, 4),
        "net_dc_sum": sum(max(exact.net for exact in phases) for phases in channels) > 10 * micro,
    }
    ours = limits.check(whole, samples.STAGE, current_ua)
    assert {r["code"] for r in ours if r["code"].endswith("_sum")} == {code for code in wanted if wanted[code]}
    alone = set().union(*(exact.broken() for phases in channels for exact in phases))
    assert {r["code"] for r in ours if r["phase"]} - {"shannon", "no_rest_at_end"} == alone - {"shannon"}
    assert all(r["asked"] > r["bound"] for r in ours if r["code"] != "no_rest_at_end")


@settings(max_examples=200, derandomize=True)
@given(pairs, st.integers(1_000, 200_000), st.one_of(st.none(), st.integers(1, 100_000)))
def test_h01_the_largest_current_is_accepted_and_a_grain_more_is_not(data, full_scale_ua, electrode_ua):
    if electrode_ua is not None:
        data["electrode"]["max_current_ua"] = electrode_ua
    board = {"name": "b", "max_current_ua": 80_000}
    strong = limits.with_board(samples.stage(full_scale_ua=full_scale_ua), board)
    whole = parsed(data)
    if limits.whatever_current(whole, strong):
        reject()
    largest_ua, source = limits.largest_current_ua(whole, strong)
    assert source
    assert programme.accept({**data, "max_current_ua": largest_ua}, strong)
    with pytest.raises(Refused) as refused:
        programme.accept({**data, "max_current_ua": largest_ua + 1}, strong)
    assert source in {r["source"] for r in refused.value.reasons}


def test_every_tenth_of_a_hertz_has_the_nearest_period():
    for rate_mhz in range(1_000, 150_001, 100):
        exact_us = Fraction(10**9, rate_mhz)
        period_us = pulse.period_us(rate_mhz)
        assert abs(period_us - exact_us) <= Fraction(1, 2)
        assert period_us == (exact_us + Fraction(1, 2)).__floor__()

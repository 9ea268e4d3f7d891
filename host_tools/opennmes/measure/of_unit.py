"""Judges the whole unit of a capture: its channels together, clocks, enable and pump."""

from __future__ import annotations

from opennmes.measure.case import Case
from opennmes.measure.claims import (
    FAILED,
    NOT_CAPTURED,
    PASSED,
    UNCLEAR,
    Claim,
    Durations,
    counted,
    range_in_words,
    us_in_words,
)
from opennmes.measure.matching import PAUSE_LEAST_PS
from opennmes.measure.placing import Placed, apart_fits
from opennmes.measure.seen import PS_PER_S, PS_PER_US, SeenPulse

# From the programme's end the enable has fallen by then (docs/safety.md: two periods or 100 ms).
ENABLE_FALLS_PS = 100_000 * PS_PER_US


def of_unit(case: Case) -> list[Claim]:
    """All claims that are of no channel alone."""
    both = [case.placed[asked.index] for asked in case.expected.channels if asked.index in case.placed]
    distance = [_distance(case, *both)] if len(both) > 1 else []
    return [*distance, _clock(case), _enable(case), _pump(case)]


def _distance(case: Case, first: Placed, second: Placed) -> Claim:
    """Each pulse of the second channel against the one of the first that came before."""
    durations = Durations(case.bounds)
    others = list(first.pairs())
    at = 0
    for number, (pulse, asked) in enumerate(second.pairs()):
        while at + 1 < len(others) and others[at + 1][0].start_ps <= pulse.start_ps:
            at += 1
        # A pause may have come between, and then the next one is as near.
        near = others[at : at + 2] if case.paused else others[at : at + 1]
        fitting = [each for each in near if apart_fits(*each, pulse, asked, case.bounds)]
        other, asked_other = (fitting or near)[0]
        ps, us = pulse.start_ps - other.start_ps, asked.at_us - asked_other.at_us
        ps, us = (ps, us) if us >= 0 else (-ps, -us)
        if not case.paused or ps - us * PS_PER_US < PAUSE_LEAST_PS:
            durations.add(ps, us, number)
    return case.durations(second, "distance of the channels", durations, of_all=True)


def _clock(case: Case) -> Claim:
    found = case.clocks
    name, bound = "clocks", f"± {found.most_ppm:g} ppm"
    if found.ppm is None or found.uncertain_ppm is None:
        why = f"too short to tell: every time may differ by {found.most_ppm:g} ppm"
        return Claim(name, None, "the same", "not known", bound, PASSED, why=why)
    measured = f"{found.ppm:+.2f} ppm ± {found.uncertain_ppm:.2g}"
    if found.too_different:
        why = (
            "the clocks of capture and device differ by more than two crystals do; if one of them has none, say "
            "how much it may be: --ppm 1000"
        )
        return Claim(name, None, "the same", measured, bound, FAILED, why=why)
    why = f"a rate that is wrong by less than {found.most_ppm:g} ppm would look the same"
    return Claim(name, None, "the same", measured, bound, PASSED, why=why)


def _session(case: Case) -> tuple[int, int] | None:
    """From the begin of the first pulse that was asked to the end of the last."""
    if not case.placed:
        return None
    starts = [each.pair(0)[0].start_ps for each in case.placed.values()]
    return min(starts), max(_end_ps(case, each.pair(-1)[0]) for each in case.placed.values())


def _end_ps(case: Case, pulse: SeenPulse) -> int:
    last = pulse.b or pulse.a
    return last[1] if last and last[1] is not None else case.seen.end_ps


def _enable(case: Case) -> Claim:
    name, asked = "enable around every pulse", "high"
    changes, session = case.seen.enable, _session(case)
    if changes is None:
        return Claim(name, None, asked, "", "", NOT_CAPTURED)
    if session is None:
        return Claim(name, None, asked, "", "", UNCLEAR, why="there is no pulse to judge it by")
    begin_ps, end_ps = session
    step_ps = case.bounds.step_ps
    lows = _lows(changes, case.seen.end_ps)
    within = [low for low in lows if low[1] > begin_ps + step_ps and low[0] < end_ps - step_ps]
    bound = f"± {us_in_words(step_ps)}"
    if within and not case.paused:
        at_ps = max(within[0][0], begin_ps)
        why = f"low {counted(len(within), 'time')} between the first pulse and the last"
        return Claim(name, None, asked, "low", bound, FAILED, 0, why, case.at_s(at_ps))
    for each in case.placed.values():
        for pulse, _ in each.pairs():
            ended_ps = _end_ps(case, pulse)
            if any(low[1] > pulse.start_ps + step_ps and low[0] < ended_ps - step_ps for low in within):
                why = "low in a pulse"
                return Claim(name, None, asked, "low", bound, FAILED, 0, why, case.at_s(pulse.start_ps))
    if within:
        return Claim(name, None, asked, "low between pulses", bound, UNCLEAR, why="was the session paused then?")
    return _enable_falls(case, name, asked, bound, lows, end_ps)


def _enable_falls(case: Case, name: str, asked: str, bound: str, lows: list[tuple[int, int]], end_ps: int) -> Claim:
    """And low after the programme's end."""
    whole = all(each.from_the_first_to_the_last for each in case.placed.values())
    if not whole or len(case.placed) < len(case.expected.channels):
        return Claim(name, None, asked, "high", bound, PASSED, why="its end was not judged: see count")
    each = next(iter(case.placed.values()))
    last, at = each.pair(-1)
    left_us = max(0, case.expected.duration_us - at.at_us)
    by_ps = max(last.start_ps + left_us * PS_PER_US * case.bounds.high, end_ps) + ENABLE_FALLS_PS
    fell_ps = next((low[0] for low in lows if low[1] > end_ps), None)
    if fell_ps is not None and fell_ps <= by_ps:
        after = (max(fell_ps, end_ps) - end_ps) / PS_PER_S
        return Claim(name, None, asked, f"high, low {after:.3f} s after the last", bound, PASSED)
    if case.seen.end_ps < by_ps:
        why = "the capture ends before the enable had to fall: capture 100 ms more after the programme's end"
        verdict = PASSED if case.part else UNCLEAR
        return Claim(name, None, asked, "high until the capture's end", bound, verdict, why=why)
    why = "still high 100 ms after the programme's end"
    return Claim(name, None, asked, "high", bound, FAILED, 0, why, case.at_s(round(by_ps)))


def _pump(case: Case) -> Claim:
    half_ps = case.expected.pump_half_us * PS_PER_US
    name, asked = "pump, half a wave", us_in_words(half_ps)
    stretches, session = case.seen.pump, _session(case)
    if stretches is None:
        return Claim(name, None, asked, "", "", NOT_CAPTURED)
    step_ps = case.bounds.step_ps
    bound = f"± {us_in_words(step_ps)}"
    if 2 * step_ps >= half_ps:
        why = "sampled too rarely to see the wave: 1 MHz or more"
        return Claim(name, None, asked, "", bound, UNCLEAR, why=why)
    if session is None:
        return Claim(name, None, asked, "", bound, UNCLEAR, why="there is no pulse to judge it by")
    begin_ps, end_ps = session
    slack_ps = half_ps + 2 * step_ps
    for stretch in stretches:
        if stretch.begin_ps <= begin_ps + slack_ps and stretch.end_ps >= end_ps - slack_ps:
            return Claim(name, None, asked, range_in_words(stretch.least_ps, stretch.most_ps), bound, PASSED)
    broken = [s.end_ps for s in stretches if begin_ps - slack_ps <= s.end_ps < end_ps - slack_ps]
    at_s = case.at_s(broken[0] if broken else begin_ps)
    if case.paused:
        return Claim(name, None, asked, "", bound, UNCLEAR, why="was the session paused then?", at_s=at_s)
    why = "no steady wave from the first pulse to the last"
    return Claim(name, None, asked, "it stands, or is another", bound, FAILED, 0, why, at_s)


def _lows(changes: list[tuple[int, int]], end_ps: int) -> list[tuple[int, int]]:
    """When a signal was low, as (from, to)."""
    found, since = [], None
    for ps, value in changes:
        if not value and since is None:
            since = ps
        elif value and since is not None:
            found.append((since, ps))
            since = None
    if since is not None:
        found.append((since, end_ps + 1))
    return found

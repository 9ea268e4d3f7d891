"""Claims about the levels that a witness has measured: what they are at rest, in each pulse, on a ramp, on the plateau,
and how they rise by hand. Levels are counts of the stage's DAC, of 1000."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from opennmes.measure import names
from opennmes.measure.captures.witness import Recording
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim, us_in_words
from opennmes.measure.expected import ExpectedPulse
from opennmes.measure.seen import PS_PER_MS, PS_PER_S, SeenPulse

# A level that stays the same is counted to a look at each of its edges; what a pin rises sooner than it falls is less
# than another.
LOOK = 2
# A ramp's level is rounded down, and so is the part of the ramp that it is worked out by here.
RAMP = LOOK + 1
WHOLE_PPM = 1_000_000
# Raised by at most a step each 250 ms; pulses are queued up to 100 ms before their time, with the intensity of then.
HAND_PS = 150 * PS_PER_MS

Pair = tuple[SeenPulse, ExpectedPulse]
Codes = Callable[[int], int]  # the DAC's code of a level, by the board's calibration


@dataclass(frozen=True)
class Wrong:
    """The first that is wrong of some."""

    ps: int
    why: str


def with_levels(recording: Recording, channel: int, pulses: Iterable[SeenPulse]) -> list[SeenPulse]:
    """The pulses, each with the level in its phase A; None where that is shorter than a window."""
    made = []
    for pulse in pulses:
        found = _in_phase(recording, f"{names.LEVEL_A}_{channel}", pulse.a)
        made.append(replace(pulse, level=None if found is None else sum(found) / 2, level_step=float(LOOK)))
    return made


def _in_phase(recording: Recording, role: str, span: tuple[int, int | None] | None) -> tuple[int, int] | None:
    return None if span is None or span[1] is None else recording.looks(role, span[0], span[1])


def zero(recording: Recording, begin_ps: int, end_ps: int, name: str, roles: Sequence[str] = ()) -> Claim:
    """That the pins of levels (those of `roles`; of all without) are low all the time from an instant to another."""
    roles = roles or [role for role, machine in recording.pins.items() if machine in recording.duties]
    asked = f"0 for {us_in_words(end_ps - begin_ps)}"
    most, where = 0, ""
    for role in roles:
        looks = recording.looks(role, begin_ps, end_ps)
        if looks is None:
            return Claim(name, None, asked, "not known", "0", UNCLEAR, 0, f"nothing of {role} was recorded then")
        if looks[1] > most:
            most, where = looks[1], role
    why = f"{where} was not low" if most else ""
    return Claim(name, None, asked, str(most), "0", FAILED if most else PASSED, len(roles), why)


def within(recording: Recording, channel: int, pulses: Sequence[SeenPulse]) -> Claim:
    """That no amplitude changes from a pulse's begin to its end."""
    name, bound = "amplitude within a pulse", f"{LOOK} of 1000"
    most, wrong, judged = 0, None, 0
    for pulse in pulses:
        if pulse.a is None or pulse.b is None or pulse.b[1] is None:
            continue
        for role in (f"{names.LEVEL_A}_{channel}", f"{names.LEVEL_B}_{channel}"):
            looks = recording.looks(role, pulse.start_ps, pulse.b[1], touching=True)
            if looks is None:
                continue
            judged += 1
            most = max(most, looks[1] - looks[0])
            if looks[1] - looks[0] > LOOK and wrong is None:
                wrong = Wrong(pulse.start_ps, f"{role} goes from {looks[0]} to {looks[1]} within a pulse")
    return _claim(name, channel, "stays", f"{most} at most", bound, judged, wrong)


def as_set(recording: Recording, channel: int, pairs: Sequence[Pair], level: int, code: Codes) -> list[Claim]:
    """That each pulse has the level that the prescription gives it while the intensity is `level`: on the plateau, on
    the ramps (in which train, pulse by pulse), and phase B like A."""
    claims = []
    before: dict[int, int] = {}  # of each train, when its plateau begins
    for _, at in pairs:
        if at.envelope_ppm == WHOLE_PPM:
            before.setdefault(at.train, at.at_us)
    kinds: dict[str, list[Pair]] = {"plateau": [], "ramp up": [], "ramp down": []}
    for pair in pairs:
        at = pair[1]
        if at.envelope_ppm == WHOLE_PPM:
            kinds["plateau"].append(pair)
        elif at.train in before:
            kinds["ramp up" if at.at_us < before[at.train] else "ramp down"].append(pair)
    for name, of_kind in kinds.items():
        if of_kind or name == "plateau":
            claims.append(_as_set(recording, channel, name, of_kind, level, code))
    return claims


def _as_set(recording: Recording, channel: int, name: str, pairs: Sequence[Pair], level: int, code: Codes) -> Claim:
    bound = LOOK if name == "plateau" else RAMP
    worst, wrong, judged = 0.0, None, 0
    for pulse, at in pairs:
        asked = level * at.envelope_ppm // WHOLE_PPM
        for role, span in ((f"{names.LEVEL_A}_{channel}", pulse.a), (f"{names.LEVEL_B}_{channel}", pulse.b)):
            looks = _in_phase(recording, role, span)
            if looks is None:
                continue
            judged += 1
            off = max((each - code(asked) for each in looks), key=abs)
            worst = max(worst, off, key=abs)
            if abs(off) > bound and wrong is None:
                wrong = Wrong(pulse.start_ps, f"{role} is {code(asked) + off}, and {code(asked)} was asked")
    full = code(level)
    asked_words = str(full) if name == "plateau" else _ramp_in_words(pairs, full)
    return _claim(name, channel, asked_words, f"{worst:+.0f} off at most" if judged else "none",
                  f"± {bound} of 1000", judged, wrong)  # fmt: skip


def _ramp_in_words(pairs: Sequence[Pair], full: int) -> str:
    """What a ramp's pulses are asked to be."""
    parts = [at.envelope_ppm for _, at in pairs]
    return f"{min(parts) / 1e4:.3g} to {max(parts) / 1e4:.3g} % of {full}" if parts else f"of {full}"


def by_hand(channel: int, pulses: Sequence[SeenPulse], step: int, begin_ps: int) -> Claim:
    """That levels rise by a step at most in HAND_PS. `pulses` have their levels and none of them is on a ramp."""
    known = [(pulse.start_ps, pulse.level) for pulse in pulses if pulse.level is not None]
    most, wrong = 0.0, None
    first = 0
    for number, (ps, level) in enumerate(known):
        while known[first][0] < ps - HAND_PS:
            first += 1
        rise = level - min(before for _, before in known[first : number + 1])
        most = max(most, rise)
        if rise > step + LOOK and wrong is None:
            wrong = Wrong(ps, f"it rises by {rise:.0f} within {us_in_words(HAND_PS)}")
    asked = f"a step of {step} each 250 ms at most"
    return _claim(
        "rise by hand", channel, asked, f"{most:.0f} at once", f"+{LOOK} of 1000", len(known), wrong, begin_ps
    )


def reaches(channel: int, pulses: Sequence[SeenPulse], since_ps: int, most_ps: int, level: int, name: str) -> Claim:
    """That every pulse later than `most_ps` after an instant has this level."""
    asked, bound = str(level), f"<= {us_in_words(most_ps)}"
    others = [pulse for pulse in pulses if pulse.start_ps > since_ps and pulse.level is not None
              and abs(pulse.level - level) > LOOK]  # fmt: skip
    took_ps = max((pulse.start_ps - since_ps for pulse in others), default=0)
    judged = sum(pulse.start_ps > since_ps + most_ps for pulse in pulses)
    wrong = None
    if took_ps > most_ps:
        wrong = Wrong(others[-1].start_ps, f"a pulse has level {others[-1].level:.0f} {us_in_words(took_ps)} later")
    return _claim(name, channel, asked, us_in_words(took_ps), bound, judged, wrong)


def _claim(
    name: str, channel: int, asked: str, measured: str, bound: str, judged: int, wrong: Wrong | None, begin_ps: int = 0
) -> Claim:
    if wrong is not None:
        at_s = (wrong.ps - begin_ps) / PS_PER_S
        return Claim(name, channel, asked, measured, bound, FAILED, judged, wrong.why, at_s)
    if not judged:
        return Claim(name, channel, asked, measured, bound, UNCLEAR, 0, "no pulse was long enough to measure it in")
    return Claim(name, channel, asked, measured, bound, PASSED, judged)


__all__ = ["as_set", "by_hand", "reaches", "with_levels", "within", "zero"]

"""Claims that a witness's recording shows beside those of a prescription: what falls when, and what stays low."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opennmes.measure.captures.witness import CYCLE_PS, Recording
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim, us_in_words
from opennmes.measure.seen import PS_PER_US

# Two changes of two pins, each seen up to a round and a cycle late.
STEP_PS = 3 * CYCLE_PS
LAMPS = ("ready", "fault", "buzzer")


def phases_of(recording: Recording) -> list[str]:
    """The phase pins that are recorded."""
    return [role for role in recording.pins if role.startswith("phase_")]


def stays_low(recording: Recording, roles: Sequence[str], begin_ps: int, end_ps: int, name: str) -> Claim:
    """That pins are low from an instant to another; the pump: that no wave is in it."""
    highs = []
    for role in roles:
        if role == "pump":
            highs += [(wave.begin_ps, role) for wave in recording.waves
                      if wave.end_ps > begin_ps and wave.begin_ps < end_ps]  # fmt: skip
            continue
        if recording.level(role, begin_ps):
            highs.append((begin_ps, role))
        first = recording.first(role, 1, begin_ps + 1, end_ps)
        highs += [(first, role)] if first is not None else []
    asked = f"{', '.join(roles)}: low for {us_in_words(end_ps - begin_ps)}"
    if not highs:
        return Claim(name, None, asked, "low", "0", PASSED, len(roles))
    ps, role = min(highs)
    why = f"{role} was high {us_in_words(ps - begin_ps)} after the begin"
    return Claim(name, None, asked, "high", "0", FAILED, len(roles), why, ps / 1e12)


def falls(recording: Recording, role: str, since_ps: int, most_ps: int, until_ps: int, name: str) -> Claim:
    """That a pin is low at most so long after an instant, and stays low until another."""
    asked, bound = f"{role} low", f"<= {us_in_words(most_ps)}"
    if not recording.level(role, since_ps):
        fell_ps: int | None = since_ps
    else:
        fell_ps = recording.first(role, 0, since_ps, until_ps)
    if fell_ps is None:
        return Claim(name, None, asked, "high", bound, FAILED, 1, "it did not fall", since_ps / 1e12)
    took_ps = fell_ps - since_ps
    again = recording.first(role, 1, fell_ps + 1, until_ps)
    measured = us_in_words(took_ps)
    if took_ps > most_ps + STEP_PS:
        return Claim(name, None, asked, measured, bound, FAILED, 1, "later than that", fell_ps / 1e12)
    if again is not None:
        why = f"it rose again {us_in_words(again - fell_ps)} later"
        return Claim(name, None, asked, measured, bound, FAILED, 1, why, again / 1e12)
    return Claim(name, None, asked, measured, bound, PASSED, 1)


def no_more_pulses(recording: Recording, since_ps: int, until_ps: int, name: str) -> Claim:
    """That no phase begins from an instant to another."""
    rises = [(ps, role) for role in phases_of(recording) for ps, level in recording.edges(role)
             if level and since_ps < ps <= until_ps]  # fmt: skip
    # A pulse that runs goes on with its phase B.
    late = [(ps, role) for ps, role in rises if not _belongs(recording, ps, role, since_ps)]
    asked = f"none for {us_in_words(until_ps - since_ps)}"
    if not late:
        return Claim(name, None, asked, "0", "0", PASSED, 1)
    ps, role = min(late)
    why = f"{role} rose {us_in_words(ps - since_ps)} later"
    return Claim(name, None, asked, str(len(late)), "0", FAILED, 1, why, ps / 1e12)


def _belongs(recording: Recording, ps: int, role: str, since_ps: int) -> bool:
    """Whether this is the phase B of a pulse whose phase A had begun before an instant."""
    if not role.startswith("phase_b"):
        return False
    begun = recording.last(role.replace("_b_", "_a_"), 1, 0, ps)
    before = recording.last(role, 1, 0, ps - 1)
    return begun is not None and begun <= since_ps and (before is None or before < begun)


def whole(recording: Recording, begin_ps: int, end_ps: int, name: str) -> Claim:
    """That each phase A has its phase B: no pulse is cut."""
    cut, count = 0, 0
    for role in phases_of(recording):
        if not role.startswith("phase_a") or role.replace("_a_", "_b_") not in recording.pins:
            continue
        a = [ps for ps, level in recording.edges(role) if level and begin_ps < ps <= end_ps]
        b = [ps for ps, level in recording.edges(role.replace("_a_", "_b_")) if level and begin_ps < ps <= end_ps]
        count += len(a)
        cut += abs(len(a) - len(b))
    verdict = FAILED if cut else PASSED if count else UNCLEAR
    why = f"{cut} pulses lack a phase" if cut else "" if count else "there was no pulse"
    return Claim(name, None, "each A with its B", f"{count - cut} of {count}", "", verdict, count, why)


def wave_ends(recording: Recording, since_ps: int, most_ps: int, name: str) -> Claim:
    """That the pump stands still at most so long after an instant, and goes on no more."""
    last_ps = max((wave.end_ps for wave in recording.waves), default=0)
    took_ps = max(0, last_ps - since_ps)
    bound = f"<= {us_in_words(most_ps)}"
    if took_ps > most_ps + STEP_PS:
        why = "its wave goes on"
        return Claim(name, None, "pump stands still", us_in_words(took_ps), bound, FAILED, 1, why, last_ps / 1e12)
    return Claim(name, None, "pump stands still", us_in_words(took_ps), bound, PASSED, 1)


def lamps(
    recording: Recording, begin_ps: int, end_ps: int, on: Sequence[str], name: str, *, blink: bool = False
) -> Claim:
    """That of lamps and buzzer these, and no other, are on whenever they are looked at in a time; `blink`: or none, but
    not always none."""
    there = [role for role in LAMPS if role in recording.gpios]
    lit = ", ".join(role for role in there if role in on)
    asked = f"{lit}, blinking" if blink else lit
    looks = [levels for ps, levels in recording.levels if begin_ps < ps <= end_ps]
    if not looks:
        return Claim(name, None, asked, "", "", UNCLEAR, 0, "the witness did not look at them then")
    seen = {", ".join(role for role in there if levels >> recording.gpios[role] & 1) or "none" for levels in looks}
    right = lit in seen and seen <= ({lit, "none"} if blink else {lit})
    why = "" if right else "others were on, or none"
    return Claim(name, None, asked, "; ".join(sorted(seen)), "", PASSED if right else FAILED, len(looks), why)


def simply(name: str, asked: str, measured: str, right: bool, why: str = "") -> Claim:
    """A claim that is right or wrong."""
    return Claim(name, None, asked, measured, "", PASSED if right else FAILED, 1, "" if right else why)


def unclear(claim: Claim, why: str) -> Claim:
    """The same claim, of which nothing can be said."""
    return replace(claim, verdict=UNCLEAR, why=why)


__all__ = ["PS_PER_US", "STEP_PS", "falls", "lamps", "no_more_pulses", "phases_of", "simply", "stays_low", "unclear",
           "wave_ends", "whole"]  # fmt: skip

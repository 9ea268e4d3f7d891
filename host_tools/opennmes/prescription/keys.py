"""The keys of a prescription file, each declared once: what it is, its unit or choices, its bounds and its default.

The reader (opennmes.prescription.file), the JSON schema (opennmes.prescription.schema) and the tables of
docs/prescriptions.md (scripts/prescription_tables.py) all read them here. Bounds of what the device checks too are
those of nmes.core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from nmes.core import dose, phase, programme, trigger


@dataclass(frozen=True)
class Quantity:
    """A number of the file: `steps * step` in `unit` becomes the integer `steps * per_step` in the document's `field`.

    `step` is the smallest difference that is exact on both sides. `default` is in the document's unit; None: required.
    What is optional and not given is left out of the document. `bounds` are (least, most) in the document's unit; None:
    those of a phase's field, which depend on the kind of electrode (nmes.core.phase).
    """

    field: str
    unit: str
    step: Decimal
    per_step: int = 1
    default: int | None = None
    optional: bool = False
    bounds: tuple[int, int] | None = None
    what: str = ""


@dataclass(frozen=True)
class Text:
    """A text of one line, 1 to `most` characters that can be seen; `ascii_only`: of a space to ~."""

    most: int
    what: str
    optional: bool = False
    ascii_only: bool = False


@dataclass(frozen=True)
class Choice:
    """One of `choices`."""

    choices: tuple[str, ...]
    what: str
    optional: bool = False
    default: str | None = None


@dataclass(frozen=True)
class Date:
    """A day, with or without quotes: 2026-12-31."""

    what: str
    optional: bool = True


@dataclass(frozen=True)
class Texts:
    """A list of 1 to `most` texts or choices, no two alike."""

    each: Text | Choice
    most: int
    what: str
    optional: bool = False


Key = Quantity | Text | Choice | Date | Texts


@dataclass(frozen=True)
class Table:
    """A table [name] of the file; with `most` up to so many tables [[name]]. The name "" is the file's beginning."""

    name: str
    what: str
    keys: Mapping[str, Key]
    most: int = 0


# Where electrodes may be: with which kind, and in more words. Head, neck and chest are not among them, for whoever
# writes a file: current must not go across heart, brain or throat.
SITES = {
    "vagina": ("probe", "a probe in the vagina"),
    "perineum": ("pads", "pads at the perineum"),
    "buttocks and thighs": ("pads", "pads around the pelvis, over buttocks and thighs"),
    "abdomen": ("pads", "pads on the abdominal muscles"),
    "beside a scar": ("pads", "pads beside a healed scar, never on it"),
    "lower back": ("pads", "pads beside the spine"),
    "ankle": ("pads", "pads over the tibial nerve, behind and above the inner ankle"),
    "bench": (phase.DUMMY, "a resistor or bare pins on a bench, nobody connected"),
}

# A display of 128 x 64 dots has 8 lines of 16 characters in MicroPython's own font, which knows ASCII alone. 64
# characters, broken between words, never need more than 7 of them: two lines that follow each other hold at least 16.
NOTE_MAX, NOTES_MAX = 64, 4
CITATION_MAX, GAVE_MAX, SOURCES_MAX = 240, 160, 8
WEEK_H = 7 * 24

_MILLI = Decimal("0.001")
_CURRENT = Quantity("max_current_ua", "mA", _MILLI, bounds=programme.CURRENT_UA)
ELECTRODE = {
    "area_cm2": Quantity(
        "area_mm2", "cm2", Decimal("0.01"), bounds=programme.AREA_MM2,
        what="the conductive area of the smaller electrode",
    ),
    "max_current_ma": replace(_CURRENT, optional=True, what="the electrode's own maximum"),
}  # fmt: skip
LIMITS = {"max_current_ma": replace(_CURRENT, what="the largest peak current of this prescription")}
PERSON = {"max_current_ma": replace(_CURRENT, what="the person's own maximum; it only tightens")}
PHASE = {
    "frequency_hz": Quantity("rate_mhz", "Hz", _MILLI, what="pulses a second"),
    "pulse_width_us": Quantity("width_us", "us", Decimal(1), what="duration of the pulse's first phase"),
    "interphase_gap_us": Quantity(
        "gap_us", "us", Decimal(1), default=50, what="from the end of the pulse's first phase to the second"
    ),
    "work_s": Quantity(
        "work_ms", "s", _MILLI, default=0, what="on time with its ramps; 0: continuous, else at least 1 s for a person"
    ),
    "rest_s": Quantity("rest_ms", "s", _MILLI, default=0, what="off time between two works"),
    "ramp_up_s": Quantity("ramp_up_ms", "s", _MILLI, default=1_000, what="from zero to what is set"),
    "ramp_down_s": Quantity("ramp_down_ms", "s", _MILLI, default=1_000, what="back to zero"),
    # 1 ms has no finite decimal number of minutes; 3 ms has.
    "duration_min": Quantity("duration_ms", "min", Decimal("0.00005"), per_step=3, what="of this phase"),
    "second_phase_ratio": Quantity(
        "ratio", "times", Decimal(1), optional=True,
        what="the pulse's second phase is so many times as long and so many times weaker",
    ),
    "pulses": Quantity("pulses", "pulses", Decimal(1), optional=True, what="exactly so many a train; 0: by time"),
    "burst_pulses": Quantity("burst_pulses", "pulses", Decimal(1), optional=True, what="of a burst; 0: no bursts"),
    "burst_frequency_hz": Quantity("burst_rate_mhz", "Hz", _MILLI, optional=True, what="bursts a second"),
    "frequency_to_hz": Quantity("rate_to_mhz", "Hz", _MILLI, optional=True, what="the other rate of a change; 0: none"),
    "pulse_width_to_us": Quantity(
        "width_to_us", "us", Decimal(1), optional=True, what="the other width of a change; 0: none"
    ),
    "change_s": Quantity("change_ms", "s", _MILLI, optional=True, what="how long a change goes each way"),
}  # fmt: skip
CHANNEL = {
    "delay_s": Quantity(
        "delay_us", "s", Decimal("0.000001"), default=0, bounds=(0, programme.DELAY_MAX_US),
        what="from the session's begin to this channel's",
    ),
}  # fmt: skip
NUMBER = {
    "channel": Quantity(
        "channel", "(its number)", Decimal(1), bounds=(0, programme.CHANNELS_MAX - 1), what="which channel, from 0"
    )
}
TRIGGER = {
    "threshold_mv": Quantity(
        "threshold_mv", "mV", Decimal(1), optional=True, bounds=trigger.FIELDS["threshold_mv"][:2],
        what="the signal that starts a contraction, at the biofeedback input; 0: learned in three tries",
    ),
    "hysteresis_mv": Quantity(
        "hysteresis_mv", "mV", Decimal(1), optional=True, bounds=trigger.FIELDS["hysteresis_mv"][:2],
        what="so far below the threshold the signal has to fall before it counts again",
    ),
    "refractory_s": Quantity(
        "refractory_ms", "s", _MILLI, optional=True, bounds=trigger.FIELDS["refractory_ms"][:2],
        what="so long after a contraction the signal is not looked at",
    ),
    "timeout_s": Quantity(
        "timeout_ms", "s", _MILLI, bounds=trigger.FIELDS["timeout_ms"][:2], what="how long it is waited for"
    ),
    "contractions": Quantity(
        "contractions", "contractions", Decimal(1), optional=True, bounds=trigger.FIELDS["contractions"][:2],
        what="so many, and the session is over; 0: as many as fit",
    ),
}  # fmt: skip
TIMES = {
    "sessions_per_week": Quantity(
        "sessions_per_week", "sessions", Decimal(1), optional=True, bounds=dose.COUNTS["sessions_per_week"],
        what="how many sessions within 7 days",
    ),
    "sessions_per_day": Quantity(
        "sessions_per_day", "sessions", Decimal(1), optional=True, bounds=dose.COUNTS["sessions_per_day"],
        what="how many sessions within 24 hours",
    ),
    "sessions_most": Quantity(
        "sessions_most", "sessions", Decimal(1), optional=True, bounds=dose.COUNTS["sessions_most"],
        what="how many sessions in all",
    ),
    "hours_between": Quantity(
        "hours_between", "h", Decimal(1), optional=True, bounds=dose.COUNTS["hours_between"],
        what="at least so long from the end of a session to the next",
    ),
}  # fmt: skip
QUANTITIES = ELECTRODE | LIMITS | PHASE | CHANNEL | TRIGGER | TIMES

BEGINNING: dict[str, Key] = {
    "title": Text(programme.TITLE_MAX, "a name for people"),
    "effect": Choice(
        programme.EFFECTS, "motor: muscles contract; sensory: felt, without contraction", default=programme.EFFECTS[0]
    ),
    "site": Choice(tuple(SITES), "where the electrodes are", optional=True),
}
ELECTRODE_KEYS: dict[str, Key] = {
    "kind": Choice(programme.KINDS, "a probe, pads on the skin, or a dummy: a resistor, with nobody connected"),
    **ELECTRODE,
}
PHASE_KEYS: dict[str, Key] = {
    "name": Text(programme.NAME_MAX, 'shown while the phase runs; "phase 1" and so on when not given', optional=True),
    **PHASE,
    "change": Choice(phase.CHANGES, "how rate and width change within a train", optional=True),
}
CHANNEL_KEYS: dict[str, Key] = {**NUMBER, **CHANNEL}
TRIGGER_KEYS: dict[str, Key] = {
    "source": Choice(
        trigger.SOURCES, "the signal at the biofeedback input, the hand switch, or a rising edge at the trigger input"
    ),
    **TRIGGER,
    "on_timeout": Choice(trigger.ON_TIMEOUT, "when nothing has come: begin by itself, or skip it and rest"),
}
PATIENT_KEYS: dict[str, Key] = {
    "notes": Texts(
        Text(NOTE_MAX, "a note", ascii_only=True), NOTES_MAX, "for the person; short, a device's display can show them"
    )
}
SCHEDULE_KEYS: dict[str, Key] = {
    **TIMES,
    "not_before": Date("the first day on which it may be run"),
    "not_after": Date("the last day on which it may be run"),
}
# The keys with a number, of which a source can have given one.
NUMBERS = tuple(dict.fromkeys((*ELECTRODE, *PHASE, *CHANNEL, *TRIGGER, *TIMES)))
SOURCE_KEYS: dict[str, Key] = {
    "citation": Text(CITATION_MAX, "who says so, so that it can be found"),
    "gave": Text(GAVE_MAX, "what it gave, in its own figures"),
    "keys": Texts(Choice(NUMBERS, "a key"), len(NUMBERS), "the numbers of this file that follow it", optional=True),
}

# In the order of a file; [[channel]] may have tables [[channel.phase]] of its own.
TABLES = (
    Table("", "the beginning of the file", BEGINNING),
    Table("patient", "for the person; may be left out", PATIENT_KEYS),
    Table("schedule", "how often, and in which time; may be left out", SCHEDULE_KEYS),
    Table("electrode", "", ELECTRODE_KEYS),
    Table("limits", "", LIMITS),
    Table("person", "may be left out", PERSON),
    Table("phase", "one after the other", PHASE_KEYS, programme.PHASES_MAX),
    Table(
        "channel", "may be left out for channel 0 alone; [[channel.phase]]: its own phases instead of the common ones",
        CHANNEL_KEYS, programme.CHANNELS_MAX,
    ),
    Table(
        "trigger", "may be left out; what starts each work instead of time, on a stage that can: biofeedback.md",
        TRIGGER_KEYS,
    ),
    Table("source", "where the numbers come from; may be left out", SOURCE_KEYS, SOURCES_MAX),
)  # fmt: skip


def bounds_of(quantity: Quantity, kind: str | None) -> tuple[int, int]:
    """The least and the most of a number for a kind of electrode (None: not known), in the document's unit."""
    if quantity.bounds is not None:
        return quantity.bounds
    least, most, _, _ = phase.bounds(phase.OR_ZERO.get(quantity.field, quantity.field), kind)
    return least, most


def bounds_in_file(quantity: Quantity, kind: str | None) -> tuple[Decimal, Decimal]:
    """The same as the file has them: the least and the most that are exact there."""
    least, most = bounds_of(quantity, kind)
    return in_file(quantity, least + -least % quantity.per_step), in_file(quantity, most)


def zero_too(quantity: Quantity) -> bool:
    """Whether 0 is allowed beside what is within the bounds: there is no such thing then."""
    return quantity.field in phase.OR_ZERO


def plain(value: Decimal) -> str:
    """A decimal number without an exponent and without trailing zeros."""
    text = format(value + 0, "f")  # + 0 makes -0 plain 0
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_file(quantity: Quantity, value: int) -> Decimal:
    """A document's integer as the file has it, rounded down to what is exact there."""
    return value // quantity.per_step * quantity.step


def in_file_unit(quantity: Quantity, value: int) -> str:
    """A document's integer as the file would have it, with its unit."""
    if value % quantity.per_step:
        return f"{float(value * quantity.step / quantity.per_step):g} {quantity.unit}"
    return f"{plain(in_file(quantity, value))} {quantity.unit}".strip()

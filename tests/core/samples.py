"""What the tests of core share: programmes that are allowed, a stage, a decoder of records of its own, measured pulses,
and a repeatable die."""

from array import array

from nmes.core import pulse
from nmes.core.reason import Refused
from nmes.core.session import COMPLETED, RUNNING

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    def heap_unlock():
        pass


MICROPYTHON = __import__("sys").implementation.name == "micropython"

UNCALIBRATED = {
    "dac_gain_ppm": 0,
    "dac_offset": 0,
    "current_gain_ppm": 0,
    "current_offset": 0,
    "voltage_gain_ppm": 0,
    "voltage_offset": 0,
}

STAGE = {
    "name": "test",
    "measures": True,
    "for_people": True,
    "channels": 2,
    "full_scale_ua": 100_000,
    "levels": 1000,
    "level_settle_us": 256,
    "compliance_mv": 80_000,
    "imbalance_ppm": 2_000,
    "sense_zero": 2048,
    "sense_ua_per_count": 55,
    "sense_mv_per_count": 45,
    "sense_both": 4_090,
    "sense_tolerance_ua": 1_000,
    "idle_most_ua": 200,
    "calibration": (UNCALIBRATED, UNCALIBRATED),
}


def codes(action, *arguments):
    """The codes of the refusal, empty when it was carried out."""
    try:
        action(*arguments)
    except Refused as refused:
        return [r["code"] for r in refused.reasons]
    return []


def tick(session, now_ms):
    """Let time pass for a session as its supervisor does. Returns whether it stopped the session."""
    why = session.over(now_ms)
    if why:
        session.stop(why, now_ms)
    return bool(why)


def level(feed, full):
    """The level of a feed's next pulse, of `full` at the top of its envelope."""
    feed.alike(full, feed.next_ms(), 1)
    return feed.level


def first(session):
    """The lane of the first channel that a session uses; without a programme one that does nothing."""
    return session._first


def underruns(session):
    """How often an engine of a session had to wait for its next pulse."""
    return sum([lane.underruns for lane in session.lanes])


def next_level(session, now_ms):
    """The level of phase A that the next pulse of a session's first lane is set to."""
    lane = session.lanes[0]
    session.prepare(now_ms, lane.feed.next_ms(), lane, 1)
    return lane.level


def due(feed, elapsed_ms):
    """Whether the feed's next pulse is to be queued."""
    return feed.alike(0, elapsed_ms, 1) > 0


def in_train(feed):
    """True between the first pulse and the last: more must come in time."""
    return feed.taken and feed.phase is not None


def wants_pulse(session, now_ms, lane=None):
    """Whether a pulse of a lane, or of the first one, is to be queued now."""
    lane = lane or session.lanes[0]
    return session.state == RUNNING and due(lane.feed, session.elapsed_ms(now_ms) - lane.delay_ms)


def took(session, lane=None, count=1):
    """Pulses of a lane, or of the first one, have been queued."""
    lane = lane or session.lanes[0]
    lane.feed.take(count)
    lane.queued += count


def ends(session, now_ms):
    """Whether what runs has come to its end, for a host that is there."""
    session.heard(now_ms, session.owner)
    return session.over(now_ms) == COMPLETED


def stage(**changes):
    made = dict(STAGE)
    made.update(changes)
    return made


def phase(**changes):
    """One phase of the usual training against stress incontinence: 35 Hz, 5 s on, 10 s off."""
    made = {
        "name": "work",
        "rate_mhz": 35_000,
        "width_us": 250,
        "gap_us": 50,
        "work_ms": 5_000,
        "rest_ms": 10_000,
        "ramp_up_ms": 1_000,
        "ramp_down_ms": 1_000,
        "duration_ms": 60_000,
    }
    made.update(changes)
    return made


def programme(phases=None, **changes):
    """A programme that is accepted on STAGE; `kind` and `area_mm2` change its electrode."""
    made = {
        "title": "stress",
        "effect": "motor",
        "electrode": {"kind": changes.pop("kind", "probe"), "area_mm2": changes.pop("area_mm2", 400)},
        "max_current_ua": 30_000,
        "phases": [phase()] if phases is None else phases,
    }
    made.update(changes)
    return made


def encode(halves, at=0, level=300, width_us=250, gap_us=50, period_us=20_000, level_b=None, width_b_us=None):
    """Write a record; phase B is like phase A where nothing is said of it. Returns `halves`."""
    level_b = level if level_b is None else level_b
    width_b_us = width_us if width_b_us is None else width_b_us
    pulse.encode(halves, at, level, level_b, width_us, gap_us, width_b_us, period_us)
    return halves


def measured(
    level=0,
    width_us=250,
    current=0,
    voltage=0,
    rest=0,
    level_b=None,
    width_b_us=None,
    current_b=None,
    voltage_b=None,
):
    """A pulse as it was measured. Currents and voltages are counts from the sense's zero, in phase B the other way;
    phase B is like phase A where nothing is said of it."""
    zero = STAGE["sense_zero"]
    made = array("H", [0] * pulse.MEASURED)
    made[pulse.SET_LEVEL_A], made[pulse.SET_LEVEL_B] = level, level if level_b is None else level_b
    made[pulse.SET_WIDTH_A], made[pulse.SET_WIDTH_B] = width_us, width_us if width_b_us is None else width_b_us
    made[pulse.CURRENT_A], made[pulse.CURRENT_B] = zero + current, zero - (current if current_b is None else current_b)
    made[pulse.VOLTAGE_A], made[pulse.VOLTAGE_B] = zero + voltage, zero - (voltage if voltage_b is None else voltage_b)
    made[pulse.CURRENT_REST] = zero + rest
    return made


# The lowest bits of a record's three words.
TAGS = (1, 1, 0)


def decode(halves, at=0):
    """The fields of a record, from the layout in the docstring of nmes/core/pulse.py and by arithmetic of its own."""
    words = [halves[at + i] + 65536 * halves[at + i + 1] for i in (0, 2, 4)]
    return {
        "tags": tuple([word % 2 for word in words]),
        "level_a": words[0] // 2 % 32768,
        "spare": words[0] // 65536 % 2 + words[2] // 2**31,
        "level_b": words[0] // 2**17,
        "rest": words[1] // 2,
        "gap": words[2] // 2 % 1024,
        "width_a": words[2] // 2**11 % 1024,
        "width_b": words[2] // 2**21 % 1024,
    }


class Die:
    """Numbers that look random and are the same everywhere (a linear congruential generator)."""

    def __init__(self, seed=1):
        self._state = seed

    def roll(self, sides):
        """A number from 0 to sides - 1."""
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % sides

    def one_of(self, items):
        return items[self.roll(len(items))]

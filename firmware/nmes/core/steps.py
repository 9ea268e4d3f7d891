"""What the panel asks of a session beyond what a host does: steps of the intensity, and where its channels are. Apart
from session.py because a stock MicroPython has no panel, and no room for it."""

from nmes.core import checklist
from nmes.core.reason import refuse
from nmes.core.session import LOCAL, STEP_MAX_UA

_SOURCE = "OpenNMES panel"


def acknowledge(session):
    """The person at the panel has said of each item of checklist.STOP that it is so; the rest of the list was gone
    through with the professional who put the prescription onto the device. Raises Refused."""
    session.acknowledge(checklist.VERSION, len(checklist.ITEMS), LOCAL)


def step_ua(session, lane):
    """A step of a lane: the largest that can be delivered exactly and is no more than a session allows at once."""
    return STEP_MAX_UA - STEP_MAX_UA % session.resolution_ua(lane)


def higher_ua(session, now_ms, channel):
    """A channel's intensity, a step higher. Raises Refused unless it makes a muscle work now, when the person feels
    what the step does: on a train's ramp up or at its full level."""
    lane = session.lane(channel)
    asked_ua = lane.intensity_ua + step_ua(session, lane)
    feed, phase = lane.feed, lane.feed.phase
    at_ms = session.elapsed_ms(now_ms) - lane.delay_ms - feed.begin_ms
    if phase is None or not 0 <= at_ms < phase.span_ms - phase.ramp_down_ms:
        refuse("only_in_work", "current_ua", asked_ua, "while the muscle works", _SOURCE)
    return asked_ua


def lower_ua(session, channel):
    """A channel's intensity, a step lower."""
    lane = session.lane(channel)
    return max(0, lane.intensity_ua - step_ua(session, lane))


def countdown(session, now_ms, lane):
    """Where a lane is in its cycle: ("work" or "rest", ms until the train is over or the next one begins); ("", 0) in a
    train that lasts as long as its phase, and behind the last one."""
    feed, phase = lane.feed, lane.feed.phase
    if phase is None or not phase.work_ms:
        return "", 0
    left_ms = feed.begin_ms + lane.delay_ms - session.elapsed_ms(now_ms)
    return ("rest", left_ms) if left_ms > 0 else ("work", max(0, left_ms + phase.span_ms))

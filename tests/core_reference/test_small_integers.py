"""What runs for every pulse stays within 30 bits: beyond them the RP2040's MicroPython would allocate each number.

The Unix port has 62 bits and so its heap lock does not see this; integers that watch themselves do.
"""

import samples
from small_integers import Small, small

from nmes.core import checklist, programme, pulse, pulse_check, train
from nmes.core.session import Session


def sought(phase):
    """Only `seek` multiplies with these, and that is not for every pulse."""
    phase.pattern_us, phase.pattern_pulses = int(phase.pattern_us), int(phase.pattern_pulses)
    return phase


def test_the_watch_works():
    assert Small(2) ** 1 == 2
    for broken in (lambda: Small(2**29) * 2, lambda: 4 * Small(2**28), lambda: Small(1) << 30, lambda: 1 << Small(30)):
        try:
            broken()
        except AssertionError:
            continue
        raise RuntimeError("not noticed")


def test_a_record_is_made_and_checked_within_30_bits():
    for level, width_us, gap_us, period_us in (
        (1_000, 250, 200, 2_000_000),
        (500, 500, 0, 6_667),
        (0, 50, 50, 2_000_000),
    ):
        halves = [Small(0)] * 6
        shape = [Small(n) for n in (level, level, width_us, gap_us, width_us, period_us)]
        pulse.encode(halves, Small(0), *shape)
        assert all(isinstance(half, Small) and 0 <= half < 65_536 for half in halves)
        assert pulse_check.bad(halves, Small(0), Small(1_000), False) == 0


def hour():
    """The longest train there is, at a rate whose period is no whole number of milliseconds."""
    fields = samples.phase(rate_mhz=149_900, width_us=50, work_ms=0, rest_ms=0, duration_ms=3_600_000)
    return samples.programme([fields], effect="sensory", kind="pads", area_mm2=20_000, max_current_ua=100_000)


def test_the_levels_of_an_hour_of_pulses_are_found_within_30_bits():
    whole = programme.parse(hour())
    phase = sought(small(whole.phases[0]))
    feed = train.Feed(whole)
    for k in (*range(1_000), *range(1_000, phase.pulses, 997), *range(phase.pulses - 1_000, phase.pulses)):
        feed.seek(k)
        small(feed)
        level = samples.level(feed, Small(1_000))
        # and it is what the whole product would have given
        assert level == train.envelope(phase, int(k) * int(phase.period_us) // 1_000, 1_000)
        feed.take()


def test_a_turn_of_the_loop_stays_within_30_bits():
    made = Session(samples.STAGE)
    made.load(hour())  # the limits may take large numbers: nothing runs yet
    made._stage = small(samples.STAGE)
    made.acknowledge(checklist.VERSION, len(checklist.ITEMS))
    begin_ms = 500_000_000  # nearly six days after power on
    made.arm(made.programme_crc, Small(begin_ms))
    made.start(Small(begin_ms))
    sought(small(made.programme.phases[0]))
    made.lanes[0].intensity_ua = Small(100_000)
    for ms in (*range(0, 4_000, 13), *range(4_000, 3_598_000, 99_991), *range(3_598_000, 3_600_000, 13)):
        now_ms = Small(begin_ms + ms)
        made.heard(now_ms)
        samples.tick(made, now_ms)
        phase = samples.first(made).feed.phase
        samples.first(made).feed.seek(int(min(ms * 1_000 // phase.period_us, phase.pulses - 2)))
        small(samples.first(made).feed)
        assert samples.wants_pulse(made, now_ms)
        assert 0 <= samples.next_level(made, now_ms) <= 1_000
        samples.took(made)
    made._heard_ms -= 2_000
    samples.tick(made, Small(begin_ms + 3_599_000))
    assert samples.next_level(made, Small(begin_ms + 3_599_500)) <= 1_000

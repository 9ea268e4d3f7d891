"""What is accepted runs to its end, and pulses and clock agree after whatever was done: phases that follow each other,
pauses, refills that come too late. tests/core_reference/explorer.py tries thousands of others."""

import unittest

import samples
from bench_hal import Bench

from nmes.core import faults
from nmes.core.session import FAULT, IDLE, RUNNING


class Begun:
    """When the pulses of each channel began, in microseconds."""

    def __init__(self):
        self.us = [[], []]

    def write(self, line):
        words = line.split(",")
        self.us[int(words[6])].append(int(words[0]) - 271)


def programme(*phases, **changes):
    rows = []
    for i in range(len(phases)):
        row = {"name": "phase %d" % i, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 500, "ramp_down_ms": 500}
        row.update(phases[i])
        rows.append(samples.phase(**row))
    return samples.programme(rows, effect="sensory", kind="pads", area_mm2=2_500, **changes)


SLOW = {"rate_mhz": 1_000, "duration_ms": 5_500}
FAST = {"rate_mhz": 35_000, "duration_ms": 2_000}


class Case(unittest.TestCase):
    def begin(self, data, ua=2_000, at_us=0):
        bench = Bench()
        bench.hal.now_us = at_us
        begun = Begun()
        for channel in bench.hal.channels:
            channel._log = begun
        bench.run(data, ua)
        return bench, begun.us

    def until(self, bench, ms, turn_ms=10):
        """Until this time of the programme's clock."""
        while bench.session.state == RUNNING and bench.session.elapsed_ms(bench.hal.now_ms()) < ms:
            bench.turn(turn_ms)

    def to_its_end(self, bench):
        """What runs is completed, and every pulse of the programme was given once."""
        self.until(bench, 3_600_000)
        session = bench.session
        found = (session.state, session.ended, session.fault_text)
        self.assertEqual(found, (IDLE, "completed", ""))
        delivered = bench.supervisor.status()["delivered"]
        self.assertEqual(session.queued - session.cancelled, delivered)
        self.assertEqual(delivered, session.programme.pulses)

    def check_clock_wrong(self, bench):
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.CLOCK_WRONG))


class OnePhaseAfterAnother(Case):
    def test_a_slow_phase_that_ends_between_two_pulses_and_then_another(self):
        for rate_mhz, duration_ms, then_mhz in (
            (1_500, 5_000, 35_000),
            (1_000, 5_500, 35_000),
            (1_000, 5_500, 100_000),
            (1_000, 5_500, 2_000),
            (1_000, 5_999, 1_000),
            (3_000, 5_050, 35_000),
            (7_000, 5_020, 35_000),
            (10_000, 5_010, 35_000),
            (20_000, 5_010, 7_000),
        ):
            slow = {"rate_mhz": rate_mhz, "duration_ms": duration_ms}
            bench, begun = self.begin(programme(slow, dict(FAST, rate_mhz=then_mhz)))
            self.to_its_end(bench)
            self.assertEqual(samples.underruns(bench.session), 0)
            # The next phase begins in time, and nothing before it comes closer than its own interval.
            self.assertEqual(len([us for us in begun[0] if us == 1_000 * duration_ms]), 1)
            before_us = [1_000 * duration_ms - us for us in begun[0]]
            self.assertEqual([us for us in before_us if 0 < us < 1_000_000_000 // rate_mhz], [])

    def test_many_of_them_one_after_the_other(self):
        rows = [{"rate_mhz": 1_000 + 300 * i, "duration_ms": 1_700 + 111 * i} for i in range(8)]
        bench, _ = self.begin(programme(*rows))
        self.to_its_end(bench)

    def test_on_two_channels_the_distance_stays_what_was_asked(self):
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 2_500}]
        bench, begun = self.begin(programme(SLOW, FAST, channels=rows))
        self.to_its_end(bench)
        self.assertEqual([us + 2_500 for us in begun[0]], begun[1])

    def test_the_last_pulse_is_given_when_it_begins_within_the_last_millisecond(self):
        # 20.011 Hz: the 23rd begins at 1099.406 ms, and the engine 0.999 ms after the clock that has whole ones.
        bench, begun = self.begin(programme({"rate_mhz": 20_011, "duration_ms": 1_100}), at_us=999)
        self.until(bench, 1_090)
        bench.hal.now_us += 9_051
        bench.turn(0)
        self.assertEqual((bench.session.state, len(begun[0])), (RUNNING, 22))
        self.to_its_end(bench)
        self.assertEqual(begun[0][-1], 999 + 22 * 49_973)

    def test_people_s_fastest_rate_passes_the_second_checker_to_the_last_pulse(self):
        # 150 Hz is 6667 us: 225 of them are 75 us more than 1.5 s, and a shorter interval than that nobody may have.
        bench, begun = self.begin(programme({"rate_mhz": 150_000, "duration_ms": 1_500}, SLOW), 0)
        self.to_its_end(bench)
        self.assertTrue(min([b - a for a, b in zip(begun[0], begun[0][1:])]) >= 6_667)


class APause(Case):
    def test_with_nothing_queued(self):
        for at_ms in (700, 5_100, 5_400, 6_900):
            bench, begun = self.begin(programme(SLOW, dict(SLOW, rate_mhz=2_000, work_ms=3_000, rest_ms=3_000), FAST))
            self.until(bench, at_ms)
            self.assertEqual(bench.hal.channels[0].queued(), 0)
            bench.supervisor.pause()
            bench.turn(10, 20)
            bench.supervisor.start()
            self.to_its_end(bench)
            self.assertEqual([us for us in begun[0] if us > at_ms * 1000 + 200_000][0] % 100_000, 0)

    def test_two_in_a_row_wherever_one_phase_follows_another(self):
        for at_ms in range(5_420, 5_560, 10):
            bench, begun = self.begin(programme(SLOW, FAST))
            self.until(bench, at_ms)
            for rest in (0, 3):
                bench.supervisor.pause()
                bench.turn(10, rest)
                bench.supervisor.start()
            self.to_its_end(bench)
            paused_us = 0 if at_ms >= 5_500 else 30_000
            self.assertEqual(begun[0].count(5_500_000 + paused_us), 1)


class ALateRefill(Case):
    def late_by_31_ms(self, bench):
        """The queue is looked at 67 ms before a pulse, a millisecond too soon, and next 31 ms after it. Then pulses are
        just held against the clock."""
        bench.turn(13)
        bench.turn(20, 46)
        bench.turn(19)
        self.assertEqual((bench.hal.now_ms(), bench.session.lag_ms(952, bench.session.lanes[0])), (952, -48))
        bench.turn(79)

    def test_is_no_wrong_clock_whoever_sees_it_first(self):
        bench, begun = self.begin(programme(SLOW))
        self.late_by_31_ms(bench)
        self.assertEqual((bench.session.fault_text, samples.underruns(bench.session)), ("", 1))
        self.to_its_end(bench)
        self.assertEqual(begun[0], [0] + [1_000_000 * k + 31_000 for k in range(1, 6)])

    def test_is_known_in_the_first_train_after_a_start_too(self):
        slow = dict(SLOW, work_ms=1_000, rest_ms=1_000)
        bench, _ = self.begin(programme(slow))
        self.until(bench, 1_048)
        bench.supervisor.pause()
        bench.supervisor.start()
        bench.turn(3)
        bench.turn(20, 44)
        bench.turn(19)
        bench.turn(79)
        self.assertEqual((bench.session.fault_text, samples.underruns(bench.session)), ("", 1))
        self.to_its_end(bench)

    def test_makes_no_pulse_fewer(self):
        bench, begun = self.begin(programme(dict(FAST, rate_mhz=100_000)))
        for _ in range(10):
            bench.turn(10, 3)
            bench.turn(78)
        self.assertTrue(samples.underruns(bench.session) > 0)
        self.to_its_end(bench)
        late_ms = begun[0][-1] // 1000 - 1_990
        self.assertTrue(0 < late_ms <= 10 * 34, late_ms)
        self.assertTrue(2_000 < bench.session.elapsed_ms(0) <= 2_000 + late_ms + 11)

    def test_makes_no_pulse_fewer_when_it_is_the_last(self):
        # 20.019 Hz: the 23rd begins a millisecond before the end, and the turn that should queue it ends after that.
        bench, begun = self.begin(programme({"rate_mhz": 20_019, "duration_ms": 1_100}))
        self.until(bench, 1_030)
        bench.turn(79)
        self.to_its_end(bench)
        self.assertEqual(begun[0][-2:], [21 * 49_953, 1_109_000])

    def test_makes_no_pulse_fewer_after_a_pause_either(self):
        bench, begun = self.begin(programme(dict(FAST, rate_mhz=100_000)))
        bench.turn(10, 3)
        bench.turn(78)
        self.assertTrue(samples.underruns(bench.session) > 0)
        bench.supervisor.pause()
        bench.supervisor.start()
        self.assertTrue(bench.session.late_ms > 0)
        self.to_its_end(bench)

    def test_h12_makes_a_session_longer_by_a_second_at_most(self):
        bench, _ = self.begin(programme(dict(FAST, rate_mhz=100_000, duration_ms=20_000)))
        while bench.session.state == RUNNING:
            bench.turn(80)
        session = bench.session
        self.assertEqual((session.ended, session.fault_text), ("completed", ""))
        self.assertTrue(20_500 < session.elapsed_ms(0) <= 21_000 + 80)
        self.assertTrue(session.queued - session.cancelled < session.programme.pulses)

    def test_h12_a_refill_that_does_not_come_at_all_is_a_wrong_clock(self):
        for data in (programme(FAST), programme(dict(SLOW, rate_mhz=2_000))):
            bench, _ = self.begin(data)
            self.until(bench, 600)
            bench.hal.room = lambda channel: 0
            self.until(bench, 1_400)
            self.check_clock_wrong(bench)

    def test_h12_an_engine_that_rests_for_longer_than_a_turn_may_take_is_a_wrong_clock(self):
        for lag_ms in (80, 81):
            bench, _ = self.begin(programme(SLOW))
            self.until(bench, 900)
            room, bench.hal.room = bench.hal.room, lambda channel: 0
            self.until(bench, 990)
            bench.hal.room = room
            bench.session.began(bench.hal.now_ms() - 990 - lag_ms)
            bench.turn(10)
            if lag_ms == 81:
                self.check_clock_wrong(bench)
            else:
                self.assertEqual((bench.session.fault_text, samples.underruns(bench.session)), ("", 1))


if __name__ == "__main__":
    unittest.main()

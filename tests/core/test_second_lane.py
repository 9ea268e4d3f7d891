"""The supervisor on two channels: whatever it looks at on the first, it looks at on the second too."""

import unittest

import samples
from bench_hal import Bench, voltages_grow

from nmes.core import faults, verdict
from nmes.core.session import FAULT, IDLE, RUNNING

PHASE = samples.phase(work_ms=0, rest_ms=0, duration_ms=70_000)


def two(first=None, second=None):
    """A programme of both channels, the second with a phase of its own where given."""
    rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 3_000}]
    if second:
        rows[1]["phases"] = [second]
    return samples.programme([first or PHASE], effect="sensory", channels=rows)


def running(ua=0):
    bench = Bench()
    bench.run(two(), ua)
    bench.turn(count=100)
    return bench


class TheSecondLane(unittest.TestCase):
    def test_a_delayed_one_is_queued_no_sooner_than_66_ms_before_its_own_time(self):
        bench = Bench()
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 500_000}]
        phase = samples.phase(rate_mhz=50_000, work_ms=0, rest_ms=0, ramp_up_ms=0, ramp_down_ms=0)
        bench.run(samples.programme([phase], effect="sensory", kind="dummy", channels=rows))
        first, second = bench.session.lanes
        while not second.queued and bench.session.elapsed_ms(bench.hal.now_ms()) < 1_000:
            bench.turn(1)
        self.assertTrue(434 <= bench.session.elapsed_ms(bench.hal.now_ms()) <= 455)
        self.assertTrue(first.queued > 20)

    def check(self, bench, fault, channel=1):
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault), bench.session.fault_text)
        self.assertIn("channel %d" % channel, bench.session.fault_text)
        self.assertFalse(bench.hal.enabled())

    def test_all_is_well_without_a_flaw(self):
        bench = running()
        self.assertEqual(bench.session.state, RUNNING)
        bench.supervisor.stop()
        self.assertEqual((bench.session.state, bench.session.fault), (IDLE, 0))

    def test_after_a_bad_pulse_of_one_that_one_is_judged_in_every_turn(self):
        for bad in (0, 1):
            bench = running()
            judged = [0, 0]
            for channel, run in enumerate(bench.supervisor._runs):

                def noted(now_ms, counting, channel=channel, judged=judged):
                    judged[channel] += 1
                    return 0

                run.judge = noted
            bench.session.deliveries[bad]._state[verdict.BAD] = 1
            bench.turn(count=8)
            self.assertEqual((judged[bad], judged[1 - bad]), (8, 4))

    def test_an_engine_whose_clock_is_off_is_found_on_either(self):
        for channel in (0, 1):
            for percent in (90, 110):
                bench = Bench()
                bench.arm(two())
                engine = bench.hal.channels[channel]
                put = engine.put
                engine.put = lambda *row, put=put, percent=percent: put(
                    *(row[:5] + (row[5] * 100 // percent,) + row[6:])
                )
                bench.supervisor.start()
                for _ in range(300):
                    bench.turn()
                    if bench.session.state != RUNNING:
                        break
                self.check(bench, faults.CLOCK_WRONG, channel)

    def test_a_count_that_does_not_agree_is_found_on_either(self):
        for channel in (0, 1):
            for by in (-1, 1):
                bench = running()
                begun = bench.hal.begun
                bench.hal.begun = lambda at, by=by, begun=begun, channel=channel: begun(at) + by * (at == channel)
                bench.supervisor.stop()
                self.check(bench, faults.PULSE_COUNT, channel)

    def test_a_pulse_that_the_second_checker_refuses_ends_the_session_on_either(self):
        for channel in (0, 1):
            bench = running()
            put = bench.hal.put
            bench.hal.put = lambda at, *row, put=put, channel=channel: at != channel and put(at, *row)
            bench.turn(count=10)
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.PULSE_CHECK))
            self.assertFalse(bench.hal.enabled())

    def test_pulses_that_are_not_measured_are_found_on_either(self):
        for channel in (0, 1):
            bench = running()
            take = bench.hal.take
            bench.hal.take = lambda at, into, take=take, channel=channel: 0 if at == channel else take(at, into)
            bench.turn(count=60)
            self.check(bench, faults.CURRENT_MISMATCH, channel)

    def test_more_measured_than_begun_is_found_on_either(self):
        for channel in (0, 1):
            bench = running()
            take = bench.hal.take
            bench.hal.take = lambda at, into, take=take, channel=channel: take(at, into) or int(at == channel)
            bench.turn(count=60)
            self.check(bench, faults.PULSE_COUNT, channel)

    def test_h11_a_load_that_grows_is_warned_of_and_ends_the_session_on_either(self):
        for channel in (0, 1):
            for percent, warned in ((160, True), (250, False)):
                bench = Bench()
                bench.run(two(), 5_000)
                for lane in bench.session.lanes:
                    lane.intensity_ua = 5_000
                grown = [100]
                take = bench.hal.take

                def more(at, into, take=take, grown=grown, channel=channel):
                    count = take(at, into)
                    if at == channel:
                        voltages_grow(into, count, grown[0])
                    return count

                bench.hal.take = more
                bench.turn(count=400)
                self.assertEqual((bench.session.state, bench.supervisor.warned), (RUNNING, False))
                grown[0] = percent
                bench.turn(count=1_000)
                if warned:
                    self.assertEqual((bench.session.state, bench.supervisor.warned), (RUNNING, True))
                    self.assertEqual(bench.supervisor.warning()["channel"], channel)
                else:
                    self.check(bench, faults.IMPEDANCE_RISE, channel)


class WhatTheHardwareIsTold(unittest.TestCase):
    def told(self, data):
        """What the HAL was asked for when a session of `data` began."""
        bench = Bench()
        told = {}
        for name in ("permit", "sense", "start"):
            own = getattr(bench.hal, name)

            def noted(*arguments, own=own, name=name):
                told[name] = arguments
                return own(*arguments)

            setattr(bench.hal, name, noted)
        bench.run(data)
        return told

    def test_permission_is_for_the_longest_phase_of_any_channel_and_samples_for_the_shortest(self):
        first = dict(PHASE, width_us=200)
        for second, longest_us, shortest_us in (
            (None, 200, 200),
            (dict(PHASE, width_us=130), 200, 130),
            (dict(PHASE, width_us=90, ratio=3), 270, 90),
        ):
            told = self.told(two(first, second))
            self.assertEqual((told["permit"], told["sense"], told["start"]), ((longest_us,), (3, shortest_us), (3,)))

    def test_of_one_channel_only_its_own_bit(self):
        for channel in (0, 1):
            data = samples.programme([PHASE], effect="sensory", channels=[{"channel": channel, "delay_us": 0}])
            told = self.told(data)
            self.assertEqual((told["sense"][0], told["start"]), (1 << channel, (1 << channel,)))


if __name__ == "__main__":
    unittest.main()

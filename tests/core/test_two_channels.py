"""core/limits.py: two channels have a budget each and share that of one."""

import unittest

import samples
from bench_hal import Bench

from nmes.core import faults, limits, programme, pulse
from nmes.core.reason import Refused
from nmes.core.session import FAULT, RUNNING

STRONG = samples.stage(full_scale_ua=1_000_000, imbalance_ppm=1)


def both(first, second=None, **changes):
    """A programme of two channels, the second with phases of its own where given."""
    rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": changes.pop("delay_us", 0)}]
    if second:
        rows[1]["phases"] = second
    return programme.parse(samples.programme(first, channels=rows, **changes))


def codes(whole, current_ua, stage=STRONG):
    return {found[0] for found in limits._sums_broken(whole, stage, current_ua)}


class OneBudgetForBoth(unittest.TestCase):
    def edge(self, code, whole, current_ua, stage=STRONG):
        """`current_ua` in both is allowed by `code`, one more is not."""
        self.assertFalse(code in codes(whole, current_ua, stage))
        self.assertIn(code, codes(whole, current_ua + 1, stage))

    def test_h20_two_channels_share_one_rms_budget(self):
        # 2 * 50 us at 100 Hz: a tenth of the peak is the r.m.s. current. 25 mA each is on the limit exactly.
        fast = samples.phase(rate_mhz=100_000, width_us=50)
        self.edge("rms_sum", both([fast]), 250_000)
        # sqrt(2) + sqrt(1.2) times I sqrt(w f)
        self.edge("rms_sum", both([fast], [samples.phase(rate_mhz=100_000, width_us=50, ratio=5)]), 281_754)
        # Each alone could have twice as much.
        self.assertFalse(codes(programme.parse(samples.programme([fast])), 500_000))

    def test_h20_two_channels_share_one_average(self):
        # 10 mA / (2 * 250 us * (100 Hz + 150 Hz)) = 80 mA
        whole = both([samples.phase(rate_mhz=100_000)], [samples.phase(rate_mhz=150_000)])
        self.edge("average_sum", whole, 80_000)

    def test_h20_two_channels_share_one_power_density(self):
        # 250 mW/cm2 * 1 cm2 = 500 ohm * I^2 * 2 w (100 Hz + 150 Hz): I = 63 245.6 uA
        whole = both([samples.phase(rate_mhz=100_000)], [samples.phase(rate_mhz=150_000)], area_mm2=100)
        self.edge("power_sum", whole, 63_245)
        # Half a pad counts.
        pads = both([samples.phase(rate_mhz=100_000)], [samples.phase(rate_mhz=150_000)], kind="pads", area_mm2=200)
        self.edge("power_sum", pads, 63_245)

    def test_h20_two_channels_share_one_net_direct_current(self):
        # 10 uA / 0.01 / (250 us * (100 Hz + 150 Hz)) = 16 mA
        whole = both([samples.phase(rate_mhz=100_000)], [samples.phase(rate_mhz=150_000)])
        self.edge("net_dc_sum", whole, 16_000, samples.stage(imbalance_ppm=10_000))

    def test_h20_the_strongest_phase_of_each_counts_and_turns_do_not_help(self):
        weak, strong = samples.phase(rate_mhz=12_000), samples.phase(rate_mhz=150_000, rest_ms=10_000)
        one = both([weak, strong], [strong, weak])
        for delay_us in (0, 7_500_000):
            whole = both([strong], delay_us=delay_us)
            for current_ua in range(1, 200_000, 997):
                self.assertEqual(codes(one, current_ua), codes(whole, current_ua))

    def test_h20_each_channel_keeps_its_own_budget_too(self):
        # The second channel's phase alone is too dense: the reason names it, and the sums are far away.
        hot = samples.phase(name="hot", rate_mhz=50_000)
        whole = both([samples.phase(name="mild", rate_mhz=10_000)], [hot], area_mm2=300)
        (reason,) = limits.check(whole, samples.STAGE, 37_948)
        self.assertEqual((reason["code"], reason["phase"]), ("rms_current_density", "hot"))
        self.assertEqual(limits.largest_current_ua(whole, samples.STAGE)[0], 37_947)

    def test_h20_the_sum_bounds_the_largest_current_and_is_named(self):
        fast = samples.phase(rate_mhz=150_000, width_us=250)
        changes = {"kind": "pads", "area_mm2": 20_000, "effect": "sensory"}
        whole = both([fast], **changes)
        # 10 mA / (2 * 250 us * 300 Hz) = 66.67 mA; of one channel it would be the stage's 100 mA
        self.assertEqual(
            limits.largest_current_ua(whole, samples.STAGE),
            (66_666, "chosen from the FDA 1999 guidance and 2010 draft"),
        )
        (reason,) = limits.check(whole, samples.stage(imbalance_ppm=1), 66_667)
        self.assertEqual((reason["code"], reason["asked"], reason["bound"]), ("average_sum", 10_001, 10_000))
        self.assertEqual(reason["phase"], None)
        alone = programme.parse(samples.programme([fast], **changes))
        self.assertEqual(limits.largest_current_ua(alone, samples.STAGE)[0], 100_000)

    def test_h20_what_is_too_much_together_is_shown_as_too_much(self):
        uneven = samples.stage(full_scale_ua=1_000_000, imbalance_ppm=10_000)
        for first, second in ((100_000, 150_000), (33_333, 149_999), (1_001, 7_777)):
            whole = both([samples.phase(rate_mhz=first)], [samples.phase(rate_mhz=second, ratio=3, width_us=300)])
            too_much = set()
            for current_ua in range(1_000, 900_000, 4_321):
                shown = limits.sums(whole, current_ua, uneven)
                for _, parameter, bound, _ in limits._sums_broken(whole, uneven, current_ua):
                    self.assertTrue(shown[parameter] > bound, (parameter, current_ua))
                    too_much.add(parameter)
            self.assertTrue(too_much)

    def test_a_channel_that_the_stage_does_not_have(self):
        one = samples.stage(channels=1)
        for rows, broken in (([0], []), ([1], [1]), ([0, 1], [1])):
            rows = [{"channel": index, "delay_us": 0} for index in rows]
            whole = programme.parse(samples.programme(channels=rows))
            self.assertEqual(limits.check(whole, samples.STAGE, 1_000), [])
            found = limits.check(whole, one, 1_000)
            self.assertEqual(
                [(r["code"], r["asked"], r["bound"]) for r in found], [("no_such_channel", i, 0) for i in broken]
            )

    def test_one_channel_alone_shares_with_nobody(self):
        whole = programme.parse(samples.programme([samples.phase(rate_mhz=150_000)]))
        self.assertEqual(limits._sums_broken(whole, STRONG, 1_000_000), [])


class WhatIsMeasured(unittest.TestCase):
    def running(self, ua=(3_000, 6_000), ohm=(500, 1_000), **changes):
        bench = Bench()
        for channel, load in zip(bench.hal.channels, ohm):
            channel._load = type(channel._load)(samples.STAGE, load)
        shape = samples.phase(rate_mhz=50_000, ramp_up_ms=500, work_ms=0, rest_ms=0, **changes)
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 4_000}]
        bench.run(samples.programme([shape], channels=rows, kind="pads", area_mm2=20_000, effect="sensory"))
        for lane, current_ua in zip(bench.session.lanes, ua):
            lane.intensity_ua = current_ua
        bench.turn(count=300)
        self.assertEqual((bench.session.state, bench.session.fault_text), (RUNNING, ""))
        return bench

    def test_each_channel_has_its_own(self):
        bench = self.running()
        rows = bench.supervisor.status()["channels"]
        for row, ua, ohm in zip(rows, (3_000, 6_000), (500, 1_000)):
            self.assertTrue(abs(row["measured_ua"] - ua) <= 55, str(row))
            self.assertTrue(abs(row["impedance_ohm"] - ohm) < 20, str(row))
        bench.supervisor.stop()
        for run in bench.supervisor._runs:
            account = run.delivery.account()
            self.assertEqual((account["measured"], account["missed"]), (run.delivered, 0))

    def test_h08_h11_what_happens_on_the_second_one_is_said_of_it(self):
        bench = self.running()
        bench.hal.channels[1]._load._ohm = 10**9
        bench.turn(count=10)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.ELECTRODE_OPEN))
        self.assertTrue(bench.session.fault_text.startswith("channel 1: set 6000 uA, measured 0 uA"))
        bench = self.running()
        bench.hal.channels[1]._load._ohm = 1_600
        bench.turn(count=600)
        self.assertEqual((bench.supervisor.warned, bench.supervisor.warning()["channel"]), (True, 1))
        bench.hal.channels[1]._load._ohm = 2_400
        bench.turn(count=900)
        self.assertEqual(bench.session.fault, faults.IMPEDANCE_RISE)
        self.assertTrue(bench.session.fault_text.startswith("channel 1: "), bench.session.fault_text)

    def test_at_once_they_share_the_voltage_and_alone_they_do_not(self):
        shape = samples.phase(rate_mhz=50_000, ramp_up_ms=500, work_ms=0, rest_ms=0)
        changes = {"kind": "pads", "area_mm2": 20_000, "effect": "sensory"}
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}]
        bench = Bench()
        bench.run(samples.programme([shape], channels=rows, **changes), ua=5_000)
        bench.turn(count=100)
        self.assertEqual((bench.session.state, bench.session.fault_text), (RUNNING, ""))
        found = [(made.measured > 40, made.measured_ua // 100, made.impedance_ohm) for made in bench.session.deliveries]
        self.assertEqual(found, [(True, 50, 0)] * 2)
        # What both in phase look like is what one looks like at the end of its voltage.
        bench = Bench()
        bench.run(samples.programme([shape], **changes), ua=5_000)
        take = bench.hal.take

        def taken(channel, into):
            count = take(channel, into)
            for at in range(0, count * pulse.MEASURED, pulse.MEASURED):
                into[at + pulse.VOLTAGE_A] = into[at + pulse.VOLTAGE_B] = samples.STAGE["sense_both"]
            return count

        bench.hal.take = taken
        bench.turn(count=100)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.ELECTRODE_OPEN))

    def test_an_amplitude_is_worked_out_once(self):
        bench = self.running()
        worked_out = []
        bench.session.set_level = lambda lane, level, ratio: worked_out.append(level)
        bench.turn(count=50)
        self.assertEqual(worked_out, [])
        set_level = type(bench.session).set_level
        bench.session.set_level = lambda lane, level, ratio: [
            worked_out.append((lane.index, level)), set_level(bench.session, lane, level, ratio)
        ]  # fmt: skip
        bench.session.lanes[1].intensity_ua = 5_000
        bench.turn(count=50)
        self.assertEqual(worked_out, [(1, 50)])

    def test_an_adc_that_stands_still_is_found(self):
        bench = self.running()
        bench.hal.senses = lambda: False
        bench.turn(count=30)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.SENSE_FAILED))

    def test_two_need_phases_of_14_us(self):
        rows = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 4_000}]
        for width_us, refused in ((14, False), (13, True)):
            shape = samples.phase(rate_mhz=50_000, width_us=width_us)
            data = samples.programme([shape], kind="dummy", channels=rows)
            try:
                programme.parse(data)
                codes = []
            except Refused as error:
                codes = [reason["code"] for reason in error.reasons]
            self.assertEqual(codes, ["narrower_than_sampled"] if refused else [])
            programme.parse(samples.programme([shape], kind="dummy"))


if __name__ == "__main__":
    unittest.main()

"""core/limits.py: on a limit exactly is allowed, and the least there is beyond it is not, whatever the pulse's shape.

The numbers are beyond every envelope, because only there does a comparison of large integers meet its bound exactly.
"""

import unittest

import samples

from nmes.core import limits, programme


class Part:
    """A phase, and the programme and the channel of that one phase."""

    def __init__(self, duty, ratio=1, width_us=50, area_mm2=20_000, kind="pads"):
        self.duty = duty
        self.ratio = ratio
        self.widest_us = width_us
        self.area_mm2 = area_mm2
        self.kind = kind
        self.phases = [self]


class Pair:
    """A programme of two channels with a phase each."""

    def __init__(self, one, other, area_mm2=20_000, kind="pads"):
        self.channels = [one, other]
        self.area_mm2 = area_mm2
        self.kind = kind


def broken(part, current_ua, imbalance_ppm=0):
    return {found[0] for found in limits._broken(part, samples.stage(imbalance_ppm=imbalance_ppm), part, current_ua)}


def sums_broken(pair, current_ua, imbalance_ppm=0):
    return {found[0] for found in limits._sums_broken(pair, samples.stage(imbalance_ppm=imbalance_ppm), current_ua)}


class OnTheLimitExactly(unittest.TestCase):
    def test_a_weaker_second_phase_adds_its_part_and_no_more(self):
        # w f (1 + 1/r) is 1 % each time: the r.m.s. current is a tenth of the peak
        for ratio, width_us in ((1, 50), (3, 75), (4, 80), (9, 90)):
            for code, area_mm2, kind, current_ua in (
                ("rms_current", 20_000, "pads", 500_000),
                ("rms_current_density", 200, "pads", 20_000),
                ("rms_current_density", 100, "probe", 20_000),
                ("power_density", 2_000, "probe", 1_000_000),
                ("power_density", 4_000, "pads", 1_000_000),
            ):
                part = Part(width_us * 100_000, ratio, width_us, area_mm2, kind)
                self.assertFalse(code in broken(part, current_ua), (code, ratio))
                self.assertIn(code, broken(part, current_ua + 1), (code, ratio))

    def test_a_weaker_second_phase_takes_its_part_of_the_energy(self):
        # w (1 + 1/r) is 600 us each time: 1 A^2 * 500 ohm * 600 us = 300 mJ
        for ratio, width_us in ((1, 300), (3, 450), (4, 480), (9, 540)):
            part = Part(1, ratio, width_us)
            self.assertFalse("pulse_energy" in broken(part, 1_000_000), ratio)
            self.assertIn("pulse_energy", broken(part, 1_000_001), ratio)

    def test_the_least_more_of_a_duty_is_too_much(self):
        # I^2 * 2 d = 50 mA squared; I * 2 d = 10 mA; (2 mA/cm2 * 1 cm2)^2 = I^2 * 2 d: in mHz us, of small currents
        for code, current_ua, duty, area_mm2, kind in (
            ("rms_current", 50, 500_000_000_000_000, 20_000, "pads"),
            ("average_current", 1, 5_000_000_000_000, 20_000, "pads"),
            ("rms_current_density", 1, 2_000_000_000_000_000, 100, "probe"),
            ("rms_current_density", 1, 2_000_000_000_000_000, 200, "pads"),
        ):
            self.assertFalse(code in broken(Part(duty, 1, 50, area_mm2, kind), current_ua), code)
            self.assertIn(code, broken(Part(duty + 1, 1, 50, area_mm2, kind), current_ua), code)

    def test_shannon_s_line(self):
        # Q^2 / A = 70.794578 uC^2/cm2, with an area of as many cm2: Q = 70.794578 uC times 100
        area_mm2 = 70_794_578 * 100
        charge_pc = 70_794_578 * 1_000
        self.assertFalse("shannon" in broken(Part(1, 1, charge_pc, area_mm2, "probe"), 1))
        self.assertIn("shannon", broken(Part(1, 1, charge_pc + 1, area_mm2, "probe"), 1))

    def test_one_microampere_may_be_too_much(self):
        whole = programme.parse(samples.programme())
        wrong = samples.stage(imbalance_ppm=10**16)
        self.assertEqual(
            limits.largest_current_ua(whole, wrong), (0, "chosen from IEC 60601-1, patient auxiliary current")
        )

    def test_a_resistor_may_get_all_that_the_stage_has(self):
        hot = [samples.phase(rate_mhz=150_000, width_us=500)]
        whole = programme.parse(samples.programme(hot, kind="dummy", area_mm2=100))
        self.assertEqual(limits.largest_current_ua(whole, samples.STAGE), (100_000, "OpenNMES envelope"))

    def test_a_resistor_s_figures_are_for_all_of_its_area(self):
        shown = {}
        for kind in ("dummy", "probe", "pads"):
            whole = programme.parse(samples.programme(kind=kind, area_mm2=400))
            shown[kind] = limits.figures(whole, whole.phases[0], 20_000)
        self.assertEqual(shown["dummy"], shown["probe"])
        self.assertTrue(shown["pads"]["density_rms_ua_per_cm2"] > shown["probe"]["density_rms_ua_per_cm2"])


class WhatIsShownIsRoundedUpOnce(unittest.TestCase):
    def shown(self, part, current_ua, imbalance_ppm=0):
        return limits.figures(part, part, current_ua, samples.stage(imbalance_ppm=imbalance_ppm))

    def test_a_number_that_is_whole_stays_and_the_least_more_is_one_more(self):
        # 50 mA, 2 mA/cm2 and 250 mW/cm2, from small currents and vast duties in mHz us: I^2 d (1 + 1/r)
        for name, current_ua, duty, bound, area_mm2, kind in (
            ("irms_ua", 1, 2_500_000_000_000_000_000, 50_000, 20_000, "pads"),
            ("density_rms_ua_per_cm2", 1, 4_000_000_000_000_000, 2_000, 100, "probe"),
            ("density_rms_ua_per_cm2", 1, 4_000_000_000_000_000, 2_000, 200, "pads"),
            ("power_density_uw_per_cm2", 1, 500_000_000_000_000_000, 250_000, 100, "probe"),
            ("power_density_uw_per_cm2", 1, 500_000_000_000_000_000, 250_000, 200, "pads"),
        ):
            for ratio in (1, 4):
                exact = duty * ratio // (ratio + 1)
                part = Part(exact, ratio, 50, area_mm2, kind)
                self.assertEqual(self.shown(part, current_ua)[name], bound, (name, ratio))
                part = Part(exact + 1, ratio, 50, area_mm2, kind)
                self.assertEqual(self.shown(part, current_ua)[name], bound + 1, (name, ratio))

    def test_averages_and_direct_currents(self):
        # I * 2 d = 10 mA; I * d * 1 % = 10 uA
        for name, duty in (("iavg_ua", 5_000_000_000_000), ("net_dc_na", 1_000_000_000_000)):
            self.assertEqual(self.shown(Part(duty), 1, 10_000)[name], 10_000)
            self.assertEqual(self.shown(Part(duty + 1), 1, 10_000)[name], 10_001)

    def test_charges_and_energies(self):
        # w (1 + 1/r) is 600 us: 300 mJ of 1 A; 1 A * w of charge, on 1 cm2
        for ratio, width_us in ((1, 300), (3, 450), (4, 480), (9, 540)):
            for current_ua, more in ((1_000_000, 0), (1_000_001, 1)):
                shown = self.shown(Part(1, ratio, width_us, 100), current_ua)
                self.assertEqual(shown["energy_uj"], 300_000 + more)
                self.assertEqual(shown["phase_charge_nc"], 1_000 * width_us + more)
                self.assertEqual(shown["charge_density_nc_per_cm2"], 1_000 * width_us + more)

    def test_sums_of_two_channels(self):
        # each half of the bounds, as above
        for ratio in (1, 4):
            for name, duty, bound, area_mm2 in (
                ("irms_ua", 625_000_000_000_000_000 * ratio // (ratio + 1), 50_000, 20_000),
                ("iavg_ua", 2_500_000_000_000, 10_000, 20_000),
                ("power_density_uw_per_cm2", 250_000_000_000_000_000 * ratio // (ratio + 1), 250_000, 100),
                ("net_dc_na", 500_000_000_000, 10_000, 20_000),
            ):
                stage = samples.stage(imbalance_ppm=10_000)
                pair = Pair(Part(duty, ratio), Part(duty, ratio), area_mm2, "probe")
                self.assertEqual(limits.sums(pair, 1, stage)[name], bound, (name, ratio))
                pair = Pair(Part(duty, ratio), Part(duty + 1, ratio), area_mm2, "probe")
                self.assertEqual(limits.sums(pair, 1, stage)[name], bound + 1, (name, ratio))

    def test_shannon_s_k_of_round_numbers(self):
        # 100 * (2 log10(Q / uC) - log10(A / cm2))
        for current_ua, width_us, area_mm2, shown in (
            (100_000, 100, 100, 200),
            (100_000, 100, 1_000, 100),
            (100_000, 100, 250, 161),  # 160.2
            (10_000, 100, 100, 0),
            (1_000, 100, 100, -200),
            (20_000, 100, 100, 61),  # 60.2
            (0, 100, 100, 0),
        ):
            self.assertEqual(self.shown(Part(1, 1, width_us, area_mm2), current_ua)["shannon_k_x100"], shown)


class OnTheLimitTogether(unittest.TestCase):
    def test_two_r_m_s_currents_that_are_50_milliamperes_exactly(self):
        # 25 mA each: I^2 d (1 + 1/r) = 6.25e17, with I = 1 uA
        for ratio, duty in ((1, 312_500_000_000_000_000), (4, 500_000_000_000_000_000)):
            self.assertEqual(sums_broken(Pair(Part(duty, ratio), Part(duty, ratio)), 1) & {"rms_sum"}, set())
            self.assertIn("rms_sum", sums_broken(Pair(Part(duty + 1, ratio), Part(duty, ratio)), 1))
            self.assertIn("rms_sum", sums_broken(Pair(Part(duty, ratio), Part(duty + 1, ratio)), 1))

    def test_half_a_billionth_of_a_squared_microampere_beyond(self):
        # d * 3 / 2 = 6.25e17 + 1/2 for either: what is lost by rounding one channel would be enough to pass
        duty = 416_666_666_666_666_667
        for ratio, other in ((2, 2), (2, 4)):
            part, same = Part(duty, ratio), Part(500_000_000_000_000_000, other) if other == 4 else Part(duty, other)
            self.assertIn("rms_sum", sums_broken(Pair(part, same), 1), (ratio, other))

    def test_one_that_is_too_strong_alone_is_so_beside_a_weak_one(self):
        # 70.7 mA and next to nothing
        for pair in (Pair(Part(2_500_000_000_000_000_000), Part(1)), Pair(Part(1), Part(2_500_000_000_000_000_000))):
            self.assertIn("rms_sum", sums_broken(pair, 1))

    def test_the_sum_of_two_averages(self):
        # I * 2 d = 10 mA with I = 1 uA
        duty = 2_500_000_000_000
        self.assertFalse("average_sum" in sums_broken(Pair(Part(duty), Part(duty)), 1))
        self.assertIn("average_sum", sums_broken(Pair(Part(duty + 1), Part(duty)), 1))

    def test_the_sum_of_two_powers(self):
        # 1 cm2: I^2 * 500 ohm * d (1 + 1/r) = 125 mW each; half a pad of 2 cm2 counts
        for ratio, duty in ((1, 125_000_000_000_000_000), (4, 200_000_000_000_000_000)):
            for area_mm2, kind in ((100, "probe"), (200, "pads")):
                self.assertFalse(
                    "power_sum" in sums_broken(Pair(Part(duty, ratio), Part(duty, ratio), area_mm2, kind), 1)
                )
                self.assertIn(
                    "power_sum", sums_broken(Pair(Part(duty + 1, ratio), Part(duty, ratio), area_mm2, kind), 1)
                )

    def test_the_sum_of_two_direct_currents(self):
        # I * d * 1 % = 5 uA each with I = 1 uA
        duty = 500_000_000_000
        self.assertFalse("net_dc_sum" in sums_broken(Pair(Part(duty), Part(duty)), 1, 10_000))
        self.assertIn("net_dc_sum", sums_broken(Pair(Part(duty + 1), Part(duty)), 1, 10_000))


class WhatHasNoLimit(unittest.TestCase):
    def test_into_a_resistor_only_stage_and_envelope_count(self):
        hot = [samples.phase(rate_mhz=150_000, width_us=500, work_ms=0, rest_ms=0, duration_ms=3_600_000)]
        whole = programme.parse(samples.programme(hot, kind="dummy"))
        self.assertEqual(limits.check(whole, samples.STAGE, 100_000), [])
        self.assertEqual(limits.whatever_current(whole, samples.STAGE), [])
        found = [r["code"] for r in limits.check(whole, samples.STAGE, 100_100)]
        self.assertEqual(found, ["above_range", "stage_current"])

    def test_up_to_12_Hz_nobody_has_to_rest(self):
        for rate_mhz, codes in ((1_000, []), (11_999, []), (12_000, []), (12_001, ["continuous_motor"])):
            slow = [samples.phase(rate_mhz=rate_mhz, work_ms=0, rest_ms=0)]
            whole = programme.parse(samples.programme(slow))
            self.assertEqual([r["code"] for r in limits.whatever_current(whole, samples.STAGE)], codes, rate_mhz)

    def test_before_a_phase_of_up_to_12_Hz_neither(self):
        for rate_mhz, codes in ((1_000, []), (11_999, []), (12_000, []), (12_001, ["no_rest_at_end"])):
            phases = [samples.phase(duration_ms=5_000), samples.phase(name="slow", rate_mhz=rate_mhz)]
            whole = programme.parse(samples.programme(phases))
            self.assertEqual([r["code"] for r in limits.whatever_current(whole, samples.STAGE)], codes, rate_mhz)


if __name__ == "__main__":
    unittest.main()

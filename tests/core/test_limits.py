"""core/limits.py: every limit holds to the microampere, is named, and no other programme slips through."""

import unittest

import samples

from nmes.core import limits, programme
from nmes.core.reason import Refused

LOW = {"work_ms": 5_000, "rest_ms": 10_000}


def parsed(phases=None, **changes):
    return programme.parse(samples.programme(phases, **changes))


def reasons(current_ua, phases=None, stage=samples.STAGE, **changes):
    return limits.check(parsed(phases, **changes), stage, current_ua)


def codes(current_ua, phases=None, stage=samples.STAGE, **changes):
    return {r["code"] for r in reasons(current_ua, phases, stage, **changes)}


class Beyond:
    """A programme's phase beyond the envelope, for limits that the envelope keeps out of reach."""

    def __init__(self, kind, area_mm2, width_us, rate_mhz, ratio=1, imbalance_ppm=1):
        self.stage = samples.stage(imbalance_ppm=imbalance_ppm)
        self.kind = kind
        self.area_mm2 = area_mm2
        self.widest_us = width_us
        self.duty = width_us * rate_mhz
        self.ratio = ratio

    def codes(self, current_ua):
        return {found[0] for found in limits._broken(self, self.stage, self, current_ua)}

    def largest(self):
        low, high = 0, 10_000_000
        while high - low > 1:
            middle = (low + high) // 2
            if self.codes(middle):
                high = middle
            else:
                low = middle
        return low


# Figures of usual programmes, worked out apart from this code, to four digits.
GOLDEN = (
    {
        "name": "probe SUI",
        "current_ua": 50_000,
        "phase": {"width_us": 250, "rate_mhz": 50_000},
        "electrode": {"kind": "probe", "area_mm2": 400},
        "figures": {
            "irms_ua": 7_906,
            "density_rms_ua_per_cm2": 1_976,
            "iavg_ua": 1_250,
            "phase_charge_nc": 12_500,
            "charge_density_nc_per_cm2": 3_125,
            "shannon_k_x100": 160,
            "power_density_uw_per_cm2": 7_812,
            "energy_uj": 625,
        },
        "broken": set(),
    },
    {
        "name": "probe OAB",
        "current_ua": 50_000,
        "phase": {"width_us": 250, "rate_mhz": 10_000},
        "electrode": {"kind": "probe", "area_mm2": 400},
        "figures": {
            "irms_ua": 3_536,
            "density_rms_ua_per_cm2": 884,
            "iavg_ua": 250,
            "phase_charge_nc": 12_500,
            "charge_density_nc_per_cm2": 3_125,
            "shannon_k_x100": 160,
            "power_density_uw_per_cm2": 1_562,
            "energy_uj": 625,
        },
        "broken": set(),
    },
    {
        "name": "probe SUI, 3 cm2",
        "current_ua": 50_000,
        "phase": {"width_us": 250, "rate_mhz": 50_000},
        "electrode": {"kind": "probe", "area_mm2": 300},
        "figures": {
            "irms_ua": 7_906,
            "density_rms_ua_per_cm2": 2_635,
            "iavg_ua": 1_250,
            "phase_charge_nc": 12_500,
            "charge_density_nc_per_cm2": 4_167,
            "shannon_k_x100": 172,
            "power_density_uw_per_cm2": 10_417,
            "energy_uj": 625,
        },
        "broken": {"rms_current_density"},
    },
    {
        "name": "pads SUI",
        "current_ua": 60_000,
        "phase": {"width_us": 300, "rate_mhz": 50_000},
        "electrode": {"kind": "pads", "area_mm2": 2_500},
        "figures": {
            "irms_ua": 10_393,
            "density_rms_ua_per_cm2": 831,
            "iavg_ua": 1_800,
            "phase_charge_nc": 18_000,
            "charge_density_nc_per_cm2": 720,
            "shannon_k_x100": 112,
            "power_density_uw_per_cm2": 4_320,
            "energy_uj": 1_080,
        },
        "broken": set(),
    },
    {
        "name": "abdominal",
        "current_ua": 80_000,
        "phase": {"width_us": 300, "rate_mhz": 80_000},
        "electrode": {"kind": "pads", "area_mm2": 2_500},
        "figures": {
            "irms_ua": 17_528,
            "density_rms_ua_per_cm2": 1_402,
            "iavg_ua": 3_840,
            "phase_charge_nc": 24_000,
            "charge_density_nc_per_cm2": 960,
            "shannon_k_x100": 137,
            "power_density_uw_per_cm2": 12_288,
            "energy_uj": 1_920,
        },
        "broken": set(),
    },
    {
        "name": "abdominal hot",
        "current_ua": 100_000,
        "phase": {"width_us": 400, "rate_mhz": 80_000},
        "electrode": {"kind": "pads", "area_mm2": 2_500},
        "figures": {
            "irms_ua": 25_299,
            "density_rms_ua_per_cm2": 2_024,
            "iavg_ua": 6_400,
            "phase_charge_nc": 40_000,
            "charge_density_nc_per_cm2": 1_600,
            "shannon_k_x100": 181,
            "power_density_uw_per_cm2": 25_600,
            "energy_uj": 4_000,
        },
        "broken": {"phase_charge", "phase_charge_cap", "rms_current_density"},
    },
)


class GoldenVectors(unittest.TestCase):
    def test_h01_figures_and_verdicts(self):
        for row in GOLDEN:
            phase = samples.phase(**row["phase"])
            whole = parsed([phase], **row["electrode"])
            found = limits.figures(whole, whole.phases[0], row["current_ua"])
            # What is shown is rounded up.
            for key, wanted in row["figures"].items():
                self.assertTrue(0 <= found[key] - wanted <= 1, (row["name"], key, found[key]))
            self.assertEqual(codes(row["current_ua"], [phase], **row["electrode"]), row["broken"], row["name"])

    def test_the_currents_that_reach_2_milliamperes_per_square_centimetre(self):
        # A probe of 3 cm2: 37.9 mA at 50 Hz, 84.9 mA at 10 Hz; 4 cm2: 50.6 mA; 5 cm2: 63.2 mA, with 250 us.
        for area_mm2, rate_mhz, wanted_ua in (
            (300, 50_000, 37_947),
            (300, 10_000, 84_852),
            (400, 50_000, 50_596),
            (500, 50_000, 63_245),
        ):
            whole = parsed([samples.phase(rate_mhz=rate_mhz, width_us=250)], area_mm2=area_mm2)
            for current_ua, broken in ((wanted_ua, False), (wanted_ua + 1, True)):
                found = [f[0] for f in limits._broken(whole, samples.STAGE, whole.phases[0], current_ua)]
                self.assertEqual("rms_current_density" in found, broken)


class EachLimitHoldsToTheMicroampere(unittest.TestCase):
    def alone(self, code, current_ua, phases=None, stage=samples.STAGE, **changes):
        """`current_ua` breaks nothing, one more breaks `code` alone, and the largest current is the same."""
        with self.subTest(code):
            self.assertEqual(codes(current_ua, phases, stage, **changes), set())
            (reason,) = reasons(current_ua + 1, phases, stage, **changes)
            self.assertEqual(reason["code"], code)
            self.assertTrue(reason["asked"] > reason["bound"], reason)
            whole = parsed(phases, **changes)
            self.assertEqual(limits.largest_current_ua(whole, stage), (current_ua, reason["source"]))
            return reason

    def test_density_of_a_probe(self):
        # 2 mA/cm2 * 3 cm2 / sqrt(2 * 250 us * 50 Hz) = 37 947.33 uA
        reason = self.alone("rms_current_density", 37_947, [samples.phase(rate_mhz=50_000)], area_mm2=300)
        self.assertEqual(
            (reason["parameter"], reason["bound"], reason["phase"]), ("density_rms_ua_per_cm2", 2_000, "work")
        )

    def test_density_of_pads_counts_half_a_pad(self):
        # 2 mA/cm2 * 3 cm2 / sqrt(2 * 250 us * 50 Hz) again: 6 cm2 of pad count as 3
        reason = self.alone("rms_current_density", 37_947, [samples.phase(rate_mhz=50_000)], kind="pads", area_mm2=600)
        self.assertEqual(reason["source"], "2 mA/cm2 r.m.s. with half a pad lifted")

    def test_charge_of_a_short_phase(self):
        # 20 uC + 28 uC/ms * 0.05 ms = 21.4 uC; only beyond the envelope's 100 mA is this the tightest
        phase = Beyond("pads", 20_000, 50, 1_000)
        self.assertEqual(phase.largest(), 428_000)
        self.assertEqual(
            limits._broken(phase, phase.stage, phase, 428_001),
            [("phase_charge", "phase_charge_nc", 21_400, "chosen from the FDA 1999 guidance and 2010 draft")],
        )

    def test_charge_cap_of_a_long_phase(self):
        # 25 uC / 400 us = 62.5 mA
        reason = self.alone(
            "phase_charge_cap", 62_500, [samples.phase(width_us=400, rate_mhz=20_000)], kind="pads", area_mm2=2_500
        )
        self.assertEqual((reason["parameter"], reason["bound"], reason["asked"]), ("phase_charge_nc", 25_000, 25_001))

    def test_where_the_two_charge_limits_meet(self):
        for width_us, bound_nc in ((50, 21_400), (178, 24_984), (179, 25_000), (500, 25_000)):
            self.assertEqual(Beyond("pads", 20_000, width_us, 1_000).largest(), 1_000 * bound_nc // width_us)

    def test_shannon_of_a_small_probe(self):
        # Q^2 / A = 10^1.85 with A = 1 cm2: 8.413 95 uC, 16 827.9 uA of 500 us
        reason = self.alone("shannon", 16_827, [samples.phase(width_us=500, rate_mhz=1_000)], area_mm2=100)
        self.assertEqual((reason["parameter"], reason["bound"]), ("shannon_k_x100", 185))

    def test_shannon_is_a_warning_for_pads(self):
        phase = samples.phase(width_us=500, rate_mhz=1_000)
        self.assertEqual(codes(16_828, [phase], kind="pads", area_mm2=100), set())
        whole = parsed([phase], kind="pads", area_mm2=100)
        self.assertEqual(limits.warnings(whole, 16_827), [])
        (warning,) = limits.warnings(whole, 16_828)
        self.assertEqual((warning["code"], warning["asked"], warning["bound"]), ("shannon", 186, 185))
        for kind in ("probe", "dummy"):
            self.assertEqual(limits.warnings(parsed([phase], kind=kind, area_mm2=100), 16_828), [])

    def test_h03_net_direct_current_by_the_stage_s_imbalance(self):
        # 10 uA / 0.01 / (250 us * 100 Hz) = 40 mA
        uneven = samples.stage(imbalance_ppm=10_000)
        reason = self.alone("net_dc", 40_000, [samples.phase(rate_mhz=100_000)], uneven, kind="pads", area_mm2=20_000)
        self.assertEqual((reason["parameter"], reason["asked"], reason["bound"]), ("net_dc_na", 10_001, 10_000))
        self.assertEqual(reason["phase"], "work")

    def test_the_electrode_s_own_maximum(self):
        data = samples.programme(max_current_ua=20_000)
        data["electrode"]["max_current_ua"] = 20_000
        whole = programme.accept(data, samples.STAGE)
        self.assertEqual(limits.largest_current_ua(whole, samples.STAGE), (20_000, "the electrode's own maximum"))
        (reason,) = limits.check(whole, samples.STAGE, 20_001)
        self.assertEqual((reason["code"], reason["asked"], reason["bound"]), ("electrode_current", 20_001, 20_000))

    def test_the_board_s_ceiling(self):
        stage = limits.with_board(samples.STAGE, {"name": "small", "max_current_ua": 12_000})
        reason = self.alone("board_current", 12_000, stage=stage)
        self.assertEqual((reason["asked"], reason["bound"], reason["source"]), (12_001, 12_000, "board small"))
        self.assertEqual(samples.STAGE.get("board"), None)

    def test_a_board_for_resistors_alone_has_nobody_connected(self):
        stage = limits.with_board(samples.STAGE, {"name": "small", "max_current_ua": 100_000, "dummy_only": 1})
        self.assertEqual(stage["dummy_only"], 1)
        for electrode in ({"kind": "probe", "area_mm2": 400}, {"kind": "pads", "area_mm2": 2_500}):
            (reason,) = reasons(1_000, stage=stage, electrode=electrode)
            self.assertEqual((reason["code"], reason["parameter"]), ("dummy_only", "electrode.kind"))
            self.assertEqual((reason["asked"], reason["bound"]), (electrode["kind"], "dummy"))
            self.assertEqual(reason["source"], "board small")
        self.assertEqual(reasons(1_000, stage=stage, electrode={"kind": "dummy", "area_mm2": 400}), [])

    def test_another_board_is_for_people_too(self):
        for board in ({}, {"dummy_only": 0}):
            stage = limits.with_board(samples.STAGE, dict(board, name="small", max_current_ua=100_000))
            self.assertEqual(reasons(1_000, stage=stage), [])
            self.assertFalse("dummy_only" in stage)

    def test_the_envelope_s_own_100_milliamperes(self):
        strong = samples.stage(full_scale_ua=500_000)
        reason = self.alone(
            "above_range", 100_000, [samples.phase(rate_mhz=1_000, width_us=50)], strong, kind="pads", area_mm2=20_000
        )
        self.assertEqual(reason["source"], "OpenNMES envelope")

    def test_full_scale_of_the_stage(self):
        weak = samples.stage(full_scale_ua=20_000)
        reason = self.alone("stage_current", 20_000, stage=weak)
        self.assertEqual((reason["asked"], reason["bound"], reason["source"]), (20_001, 20_000, "output stage test"))

    def test_compliance_of_the_stage(self):
        weak = samples.stage(compliance_mv=10_000)
        reason = self.alone("stage_voltage", 20_000, stage=weak)
        # 20 001 uA through 500 ohm
        self.assertEqual((reason["parameter"], reason["asked"], reason["bound"]), ("voltage_mv", 10_001, 10_000))

    def test_open_circuit_voltage_of_the_stage(self):
        self.assertEqual(codes(1_000, stage=samples.stage(compliance_mv=80_000)), set())
        self.assertEqual(codes(1_000, stage=samples.stage(compliance_mv=80_001)), {"open_voltage"})

    def test_h12_time_of_a_session(self):
        for effect, most_ms in (("motor", 1_800_000), ("sensory", 3_600_000)):
            half = samples.phase(duration_ms=most_ms // 2)
            self.assertEqual(codes(1_000, [samples.phase(duration_ms=most_ms)], effect=effect), set())
            self.assertEqual(codes(1_000, [half, half], effect=effect), set())
            # The sum counts, not the phases.
            longer = samples.phase(duration_ms=most_ms // 2 + 1)
            (reason,) = reasons(1_000, [half, longer], effect=effect)
            self.assertEqual((reason["code"], reason["asked"], reason["bound"]), ("session_time", most_ms + 1, most_ms))

    def test_rest_of_a_motor_programme_above_12_hertz(self):
        for rate_mhz, work_ms, rest_ms, effect, wanted in (
            (12_001, 5_000, 2_500, "motor", set()),
            (12_001, 5_000, 2_499, "motor", {"rest_too_short"}),
            (12_001, 5_001, 2_500, "motor", {"rest_too_short"}),
            (12_001, 5_001, 2_501, "motor", set()),
            (12_001, 0, 0, "motor", {"continuous_motor"}),
            (12_000, 0, 0, "motor", set()),
            (12_000, 5_000, 0, "motor", set()),
            (100_000, 0, 0, "sensory", set()),
            (100_000, 5_000, 0, "sensory", set()),
        ):
            phase = samples.phase(rate_mhz=rate_mhz, work_ms=work_ms, rest_ms=rest_ms)
            self.assertEqual(codes(1_000, [phase], effect=effect), wanted, (rate_mhz, work_ms, rest_ms, effect))
        for work_ms, least_ms in ((5_000, 2_500), (5_001, 2_501)):
            (reason,) = reasons(1_000, [samples.phase(work_ms=work_ms, rest_ms=100)])
            self.assertEqual(reason["bound"], least_ms)

    def test_the_last_work_of_a_phase_rests_too_before_the_next(self):
        # Else work after work would make the rest of every phase optional.
        calm = samples.phase(name="calm", rate_mhz=12_000)
        for duration_ms, effect, after, wanted in (
            (5_000, "motor", None, {"no_rest_at_end"}),
            (22_499, "motor", None, {"no_rest_at_end"}),
            (22_500, "motor", None, set()),
            (20_000, "sensory", None, set()),
            (20_000, "motor", calm, set()),
        ):
            first, last = samples.phase(name="first", duration_ms=duration_ms), after or samples.phase(name="last")
            found = reasons(1_000, [first, last], effect=effect)
            self.assertEqual({r["code"] for r in found}, wanted, (duration_ms, effect))
            own = [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0, "phases": [first, last]}]
            data = samples.programme([calm], channels=own, effect=effect)
            found = limits.check(programme.parse(data), samples.STAGE, 1_000)
            self.assertEqual({r["code"] for r in found}, wanted, (duration_ms, effect))
            if found:
                self.assertEqual((found[0]["phase"], found[0]["bound"]), ("first", 2_500))
        self.assertEqual(codes(1_000, [samples.phase(duration_ms=20_000)]), set())
        odd = samples.phase(name="odd", duration_ms=5_001, work_ms=5_001)
        (reason,) = reasons(1_000, [odd, samples.phase(name="last")])
        self.assertEqual((reason["asked"], reason["bound"]), (0, 2_501))

    def test_only_the_phase_that_follows_counts_as_the_next(self):
        tight, calm = samples.phase(name="tight", duration_ms=5_000), samples.phase(name="calm", rate_mhz=12_000)
        self.assertEqual(codes(1_000, [tight, calm, tight]), set())
        self.assertEqual(codes(1_000, [calm, tight, tight]), {"no_rest_at_end"})
        self.assertEqual(codes(1_000, [calm, calm, tight]), set())


class LimitsThatTheEnvelopeKeepsOutOfReachHoldToo(unittest.TestCase):
    """With no programme of the envelope are these the tightest; the numbers are checked one step beyond it."""

    def exact(self, code, phase, current_ua):
        self.assertFalse(code in phase.codes(current_ua), code)
        self.assertIn(code, phase.codes(current_ua + 1))

    def test_rms_current(self):
        # 50 mA / sqrt(2 * 50 us * 200 Hz) = 353 553.39 uA
        phase = Beyond("pads", 20_000, 50, 200_000)
        self.exact("rms_current", phase, 353_553)
        self.assertEqual(phase.codes(353_554), {"rms_current"})

    def test_average_current(self):
        # 10 mA / (2 * 200 us * 400 Hz) = 62.5 mA
        phase = Beyond("pads", 20_000, 200, 400_000)
        self.exact("average_current", phase, 62_500)
        self.assertEqual(phase.codes(62_501), {"average_current"})

    def test_power_density(self):
        # Irms^2 * 500 ohm / A = 0.25 W/cm2: with A = 1 cm2 22.360 68 mA r.m.s., 2 * 500 us * 100 Hz: 70 710.7 uA
        self.exact("power_density", Beyond("probe", 100, 500, 100_000), 70_710)

    def test_pulse_energy(self):
        # I^2 * 500 ohm * 2 * 500 us = 300 mJ: 774 596.7 uA
        self.exact("pulse_energy", Beyond("pads", 20_000, 500, 1), 774_596)

    def test_h03_net_direct_current(self):
        # 10 uA / 0.0025 / (200 us * 400 Hz) = 50 mA
        self.exact("net_dc", Beyond("pads", 20_000, 200, 400_000, 1, 2_500), 50_000)

    def test_on_the_limit_exactly_is_allowed(self):
        # With 50 us at 100 Hz the r.m.s. current is a tenth of the peak: these currents are on their limits exactly.
        self.exact("rms_current_density", Beyond("probe", 100, 50, 100_000), 20_000)
        self.exact("rms_current_density", Beyond("pads", 200, 50, 100_000), 20_000)
        self.exact("rms_current", Beyond("pads", 20_000, 50, 100_000), 500_000)
        self.exact("power_density", Beyond("probe", 2_000, 50, 100_000), 1_000_000)
        self.exact("pulse_energy", Beyond("probe", 20_000, 300, 1_000), 1_000_000)

    def test_density_is_always_reached_before_power_density(self):
        # 2 mA/cm2 at 50 mA r.m.s. is 0.05 W/cm2, below 0.25.
        self.assertTrue(limits.DENSITY_RMS_MAX_UA_PER_CM2 * limits.IRMS_MAX_UA * limits.LOAD_OHM < 250_000 * 10**6)


class TheTightestWins(unittest.TestCase):
    def test_over_several_phases(self):
        mild = samples.phase(name="mild", rate_mhz=10_000, width_us=200)
        hot = samples.phase(name="hot", rate_mhz=50_000, width_us=250)
        for phases in ([mild, hot], [hot, mild], [hot], [mild, mild, hot]):
            self.assertEqual(limits.largest_current_ua(parsed(phases, area_mm2=300), samples.STAGE)[0], 37_947)
        (reason,) = reasons(37_948, [mild, hot], area_mm2=300)
        self.assertEqual(reason["phase"], "hot")

    def test_over_electrode_and_stage(self):
        for full_scale_ua, wanted_ua, source in (
            (37_946, 37_946, "output stage test"),
            (37_948, 37_947, "2 mA/cm2 r.m.s. for this electrode"),
        ):
            whole = parsed([samples.phase(rate_mhz=50_000)], area_mm2=300)
            found = limits.largest_current_ua(whole, samples.stage(full_scale_ua=full_scale_ua))
            self.assertEqual(found, (wanted_ua, source))

    def test_the_prescription_is_compared_with_the_largest(self):
        for current_ua, allowed in ((37_947, True), (37_948, False)):
            data = samples.programme([samples.phase(rate_mhz=50_000)], area_mm2=300, max_current_ua=current_ua)
            if allowed:
                programme.accept(data, samples.STAGE)
            else:
                with self.assertRaises(Refused):
                    programme.accept(data, samples.STAGE)

    def test_h01_each_ceiling_only_tightens_and_the_tightest_is_named(self):
        phases = [samples.phase(rate_mhz=50_000)]  # 37 947 uA for 3 cm2

        def limit(prescribed_ua, electrode_ua=None, person_ua=None, board_ua=100_000, **stage):
            data = samples.programme(phases, area_mm2=300, max_current_ua=prescribed_ua)
            if electrode_ua is not None:
                data["electrode"]["max_current_ua"] = electrode_ua
            if person_ua is not None:
                data["person"] = {"max_current_ua": person_ua}
            made = limits.with_board(samples.stage(**stage), {"name": "b", "max_current_ua": board_ua})
            return limits.session_limit(programme.parse(data), made)

        density = "2 mA/cm2 r.m.s. for this electrode"
        for asked, wanted in (
            ((30_000,), (30_000, "the prescription")),
            ((37_947,), (37_947, "the prescription")),
            ((40_000,), (37_947, density)),
            ((30_000, 40_000, 40_000), (30_000, "the prescription")),
            ((30_000, 29_000, 40_000), (29_000, "the electrode's own maximum")),
            ((30_000, 29_000, 28_000), (28_000, "the person's own maximum")),
            ((30_000, 29_000, 28_000, 27_000), (27_000, "board b")),
            ((40_000, 39_000, 38_000), (37_947, density)),
            ((30_000, None, 1), (1, "the person's own maximum")),
        ):
            self.assertEqual(limit(*asked), wanted, asked)
        self.assertEqual(limit(30_000, full_scale_ua=20_000), (20_000, "output stage test"))
        self.assertEqual(limit(30_000, compliance_mv=5_000), (10_000, "output stage test at 500 ohm"))

    def test_the_person_s_maximum_refuses_nothing_and_bounds_the_session(self):
        data = samples.programme(person={"max_current_ua": 1_000})
        whole = programme.accept(data, samples.STAGE)
        self.assertEqual(limits.session_limit(whole, samples.STAGE), (1_000, "the person's own maximum"))
        self.assertTrue(limits.largest_current_ua(whole, samples.STAGE)[0] > 30_000)

    def test_more_current_never_breaks_less(self):
        for area_mm2, kind in ((100, "probe"), (300, "probe"), (600, "pads"), (20_000, "pads")):
            phase = samples.phase(rate_mhz=80_000, width_us=400)
            before = set()
            for current_ua in range(0, 100_001, 499):
                found = codes(current_ua, [phase], kind=kind, area_mm2=area_mm2)
                self.assertTrue(before <= found)
                before = found

    def test_no_current_breaks_nothing(self):
        self.assertEqual(codes(0), set())
        whole = parsed()
        self.assertEqual(set(limits.figures(whole, whole.phases[0], 0).values()), {0})


class FiguresNeverLookSmaller(unittest.TestCase):
    def test_what_is_beyond_a_limit_is_shown_beyond_it(self):
        for area_mm2 in range(100, 2_000, 37):
            for kind in ("probe", "pads"):
                phase = samples.phase(rate_mhz=50_000, width_us=450)
                whole = parsed([phase], kind=kind, area_mm2=area_mm2)
                largest_ua, _ = limits.largest_current_ua(whole, samples.STAGE)
                reasons = limits.check(whole, samples.STAGE, largest_ua + 1)
                self.assertTrue(reasons)
                for reason in reasons:
                    self.assertTrue(reason["asked"] > reason["bound"], reason)

    def test_root_is_the_smallest_whose_square_is_enough(self):
        for value in list(range(3_000)) + [10**12 - 1, 10**12, 10**12 + 1, 2**60 - 1, 2**60, 2**60 + 1, 10**30]:
            root = limits._root_up(value)
            self.assertTrue(root * root >= value and (root == 0 or (root - 1) * (root - 1) < value), value)


if __name__ == "__main__":
    unittest.main()

"""core/delivery.py beside a twin that takes no short cuts: the same pulses, at every bound and one count beside it."""

import unittest
from array import array

import samples
from samples import measured

from nmes.core import faults, pulse, verdict
from nmes.core.delivery import Delivery

ZERO = 2048
BOTH = 4_095 - ZERO  # the voltage while both channels are in a phase: the sense at its end
# The bounds once more, as docs/safety.md has them.
IN_A_ROW, IDLE_IN_A_ROW = 3, 2
OPEN_PERCENT, OVER_PERCENT, COMPLIANCE_PERCENT = 80, 120, 95
COMPLIANCE_FROM_UA, NO_TOLERANCE_FROM_UA, SHORT_ABOVE_UA = 1_000, 5_000, 10_000
SHORT_MV, SHORT_OHM = 1_000, 50
NET_MOST_NC = 10_000
LOAD_FROM_UA = 900
# Stages whose counts fall on the bounds: (ua of a level, ua of a count, mv of a count).
STAGES = (
    (100, 55, 45),
    (100, 10, 45),
    (4_999, 4, 1),
    (5_000, 4, 1),
    (999, 1, 1),
    (1_000, 1, 45),
    (10_000, 10, 1),
    (10_001, 10, 1),
)
PULSES = 14


def stage_of(level_ua, ua, mv):
    return samples.stage(
        full_scale_ua=1_000 * level_ua,
        sense_ua_per_count=ua,
        sense_mv_per_count=mv,
        compliance_mv=min(80_000, 1_500 * mv),
    )


class Twin:
    """Every pulse judged in full, in units."""

    def __init__(self, stage, shared):
        self.stage = stage
        self.shared = shared
        self._in_a_row = [0, 0, 0]
        self._idle = 0
        self.bad = False  # the last pulse
        self.load = []
        self.charges = [0, 0]  # pC
        self._net = []  # (slot, pC)
        self.currents = []  # of driven pulses, counts of both phases
        self.total = self.driven = 0
        self.rest_most = 0

    def _ua(self, counts):
        return counts * self.stage["sense_ua_per_count"]

    def _phase(self, set_ua, counts, mv, unattributed):
        """(open, short, wrong)"""
        is_ua, tolerance_ua = self._ua(counts), self.stage["sense_tolerance_ua"]
        least_ua = (OPEN_PERCENT * set_ua + 99) // 100
        if set_ua < NO_TOLERANCE_FROM_UA:
            least_ua -= tolerance_ua
        opened = shorted = False
        if set_ua >= COMPLIANCE_FROM_UA:
            opened = is_ua < least_ua or (
                not unattributed and mv >= self.stage["compliance_mv"] * COMPLIANCE_PERCENT // 100
            )
        if set_ua > SHORT_ABOVE_UA and not opened and not unattributed:
            shorted = mv < SHORT_MV or 1_000 * mv < SHORT_OHM * is_ua
        wrong = 100 * (is_ua - tolerance_ua) > OVER_PERCENT * set_ua or is_ua < -tolerance_ua
        return opened, shorted, wrong

    def judge(self, seen, now_ms):
        code_a, width_a, code_b, width_b, current_a, voltage_a, current_b, voltage_b, rest = seen
        resolution_ua = self.stage["full_scale_ua"] // self.stage["levels"]
        mv, both = self.stage["sense_mv_per_count"], self.stage["sense_both"]
        a, b = current_a - ZERO, ZERO - current_b
        self.charges[0] += self._ua(a) * width_a
        self.charges[1] += self._ua(b) * width_b
        self._net.append((now_ms // 25, self._ua(a) * width_a - self._ua(b) * width_b))
        self.total += a + b
        if code_a:
            self.driven += 1
            self.currents += [a, b]
        rest = abs(rest - ZERO)
        self.rest_most = max(self.rest_most, rest)
        self._idle = self._idle + 1 if self._ua(rest) > self.stage["idle_most_ua"] else 0
        if self._idle >= IDLE_IN_A_ROW:
            return faults.IDLE_CURRENT
        found = [
            x or y
            for x, y in zip(
                self._phase(code_a * resolution_ua, a, (voltage_a - ZERO) * mv, self.shared and voltage_a >= both),
                self._phase(code_b * resolution_ua, b, (ZERO - voltage_b) * mv, self.shared and voltage_b >= both),
            )
        ]
        self.bad = any(found)
        self._in_a_row = [n + 1 if bad else 0 for n, bad in zip(self._in_a_row, found)]
        for n, fault in zip(self._in_a_row, (faults.ELECTRODE_OPEN, faults.ELECTRODE_SHORT, faults.CURRENT_MISMATCH)):
            if n >= IN_A_ROW:
                return fault
        return faults.NET_CHARGE if abs(self.net_pc(now_ms)) > 1_000 * NET_MOST_NC else 0

    def net_pc(self, now_ms):
        return sum([pc for slot, pc in self._net if slot > now_ms // 25 - 41])

    def look(self, seen):
        code_a, _, _, _, current_a, voltage_a, current_b, voltage_b, _ = seen
        unattributed = self.shared and max(voltage_a, voltage_b) >= self.stage["sense_both"]
        if code_a and not unattributed and self._ua(min(current_a - ZERO, ZERO - current_b)) >= LOAD_FROM_UA:
            uv = (voltage_a - voltage_b) * self.stage["sense_mv_per_count"] * 1_000
            self.load.append(uv // self._ua(current_a - current_b))

    def account(self, measured):
        load = self.load or [0]
        least, most = (min(self.currents), max(self.currents)) if self.driven else (0, 0)
        return {
            "measured": measured,
            "missed": 0,
            "charge_a_nc": self.charges[0] // 1_000,
            "charge_b_nc": self.charges[1] // 1_000,
            "current_mean_ua": self._ua(self.total) // (2 * self.driven) if self.driven else 0,
            "current_least_ua": self._ua(least),
            "current_most_ua": self._ua(most),
            "impedance_first_ohm": load[0],
            "impedance_last_ohm": load[-1],
            "impedance_least_ohm": min(load),
            "impedance_most_ohm": max(load),
            "rest_most_ua": self._ua(self.rest_most),
        }


class Bounds:
    """Draws pulses that are on a bound, or a count beside it."""

    def __init__(self, die, stage, shared):
        self._die = die
        self._stage = stage
        self._resolution_ua = stage["full_scale_ua"] // stage["levels"]
        self._ua, self._mv = stage["sense_ua_per_count"], stage["sense_mv_per_count"]
        self._shared = shared
        self.another()

    def another(self):
        """Another amplitude, and a pulse that is as it should be."""
        set_ua = self._die.one_of(
            (0, 100, 900, 1_000, 1_200, 1_300, 4_900, 5_000, 5_100, 9_900, 10_000, 10_100, 20_000, 60_000)
        )
        self._code = min(self._die.one_of((set_ua // self._resolution_ua, set_ua // self._resolution_ua, 1, 2)), 1_000)
        ratio = self._die.one_of((1, 1, 1, 2))
        self._codes = (self._code, self._code // ratio)
        self._widths = (100, 100 * ratio)
        self._counts = [self._in_range(code * self._resolution_ua // self._ua) for code in self._codes]
        self._volts = [self._in_range(code * self._resolution_ua // 2 // self._mv) for code in self._codes]
        self._rest = 0

    def _in_range(self, counts):
        return max(-2_047, min(2_047, counts))

    def good(self):
        """A pulse that is as it should be."""
        return self._made(self._counts, self._volts, self._rest)

    def _made(self, counts, volts, rest):
        (level, level_b), (width_us, width_b_us) = self._codes, self._widths
        return measured(level, width_us, counts[0], volts[0], rest, level_b, width_b_us, counts[1], volts[1])

    def pulse(self):
        counts, volts, rest = list(self._counts), list(self._volts), self._rest
        side = self._die.roll(2)
        set_ua, off, kind = self._codes[side] * self._resolution_ua, self._die.roll(5) - 2, self._die.roll(9)
        if kind < 2:
            edge_ua = self._die.one_of(
                (80 * set_ua // 100, 80 * set_ua // 100 - 1_000, 120 * set_ua // 100 + 1_000, -1_000, 0, 900)
            )
            counts[side] = self._in_range(edge_ua // self._ua + off)
            if self._die.roll(2):
                counts[1 - side] = counts[side]
        elif kind < 4:
            edge_mv = self._die.one_of(
                (self._stage["compliance_mv"] * 95 // 100, 1_000, 50 * counts[side] * self._ua // 1_000, 0, -1_000)
            )
            volts[side] = self._in_range(edge_mv // self._mv + off)
        elif kind == 4:
            rest = (self._stage["idle_most_ua"] // self._ua + off) * self._die.one_of((1, -1))
        elif kind == 5:
            counts[side] = self._in_range(counts[side] + off)
            self._counts = counts
        made = self._made(counts, volts, rest)
        if self._shared and kind == 6:
            at = self._die.one_of((pulse.VOLTAGE_A, pulse.VOLTAGE_B))
            made[at] = self._stage["sense_both"] - self._die.roll(2)
        if self._shared and kind == 7:
            made[pulse.VOLTAGE_A] = made[pulse.VOLTAGE_B] = self._stage["sense_both"] + self._die.roll(2)
        return made


class ADeliveryAndItsTwin(unittest.TestCase):
    def check(self, made, twin, die, number):
        draw = Bounds(die, twin.stage, twin.shared)
        now_ms, measured = die.roll(3_000), 0
        for _ in range(PULSES):
            if not die.roll(6):
                draw.another()
            now_ms += die.one_of((2, 7, 25, 333, 1_000))
            for seen in [draw.pulse()] * (1 + die.roll(3)):
                expected = twin.judge(seen, now_ms)
                found = made.judge(seen, now_ms)
                measured += 1
                self.assertEqual(found, expected, str((number, seen)))
                if found:
                    return
                if not die.roll(3):
                    twin.look(seen)
                    made.update()
                self.assertTrue(abs(1_000 * made.net_nc - twin.net_pc(now_ms)) < 2_000)
                self.assertEqual(made.measured_ua, (seen[4] - seen[6]) * twin.stage["sense_ua_per_count"] // 2)
                self.assertEqual(made.counts()["current_rest"], seen[8])
        twin.look(seen)
        self.assertEqual(made.account(), twin.account(measured), str(number))

    def test_they_say_the_same_of_every_pulse_and_of_the_session(self):
        die = samples.Die(5)
        for at in range(len(STAGES)):
            stage = stage_of(*STAGES[at])
            made = Delivery(stage)
            for number in range(120):
                shared = not die.roll(3)
                made.clear(shared)  # what was before must not matter
                self.check(made, Twin(stage, shared), die, (STAGES[at], number))


class ToTheUnit(unittest.TestCase):
    """Each bound, and one unit beside it."""

    def said(self, stage, codes, a_ua, b_ua, mv, rest_ua=0):
        """What is said to the third of three such pulses."""
        ua, per_mv = stage["sense_ua_per_count"], stage["sense_mv_per_count"]
        seen = measured(codes[0], 100, a_ua // ua, mv // per_mv, rest_ua // ua, level_b=codes[1], current_b=b_ua // ua)
        fresh = Delivery(stage)
        said = [fresh.judge(seen, 0) for _ in range(3)][2]
        # After others, good and bad, what is known of them must not matter.
        set_counts = codes[0] * (stage["full_scale_ua"] // stage["levels"]) // ua
        after = Delivery(stage)
        for counts in (set_counts, 0, set_counts, min(2_040, 2 * set_counts), set_counts, set_counts, set_counts):
            volts = 1_200 if per_mv == 1 else 400
            counts_b = counts * codes[1] // max(1, codes[0])
            good = measured(codes[0], 100, counts, volts, level_b=codes[1], current_b=counts_b)
            self.assertEqual(after.judge(good, 0), 0)
        self.assertEqual([after.judge(seen, 0) for _ in range(3)][2], said, str(seen))
        return said

    def test_below_5_mA_the_tolerance_counts_and_from_there_on_it_does_not(self):
        self.assertEqual(self.said(stage_of(4_999, 4, 1), (1, 1), 3_500, 3_500, 100), 0)
        self.assertEqual(self.said(stage_of(5_000, 4, 1), (1, 1), 3_500, 3_500, 100), faults.ELECTRODE_OPEN)

    def test_from_1_mA_on_an_electrode_may_be_open(self):
        self.assertEqual(self.said(stage_of(999, 1, 1), (1, 1), 0, 0, 1_600), 0)
        self.assertEqual(self.said(stage_of(1_000, 1, 1), (1, 1), 0, 0, 1_600), faults.ELECTRODE_OPEN)

    def test_above_10_mA_it_may_be_shorted_below_1_V_and_below_50_ohm(self):
        self.assertEqual(self.said(stage_of(10_000, 10, 1), (1, 1), 10_000, 10_000, 0), 0)
        self.assertEqual(self.said(stage_of(10_001, 10, 1), (1, 1), 10_000, 10_000, 0), faults.ELECTRODE_SHORT)
        self.assertEqual(self.said(stage_of(10_001, 10, 1), (1, 1), 10_000, 10_000, 999), faults.ELECTRODE_SHORT)
        self.assertEqual(self.said(stage_of(10_001, 10, 1), (1, 1), 10_000, 10_000, 1_000), 0)
        self.assertEqual(self.said(stage_of(100, 10, 1), (200, 200), 20_010, 20_010, 1_000), faults.ELECTRODE_SHORT)
        self.assertEqual(self.said(stage_of(100, 10, 1), (200, 200), 20_010, 20_010, 1_001), 0)

    def test_80_and_120_percent_where_a_count_is_a_thousandth(self):
        stage = stage_of(100, 10, 45)
        for codes, a_ua, b_ua, fault in (
            ((200, 200), 16_000, 16_000, 0),
            ((200, 200), 15_990, 15_990, faults.ELECTRODE_OPEN),
            ((200, 200), 16_000, 15_990, faults.ELECTRODE_OPEN),
            ((150, 150), 19_000, 19_000, 0),
            ((150, 150), 19_000, 19_010, faults.CURRENT_MISMATCH),
            ((150, 150), 19_010, 19_000, faults.CURRENT_MISMATCH),
            ((0, 0), -1_000, -1_000, 0),
            ((0, 0), -1_010, -1_000, faults.CURRENT_MISMATCH),
            ((0, 0), 1_000, -1_010, faults.CURRENT_MISMATCH),
            # With phases that differ each is judged by itself.
            ((200, 100), 16_000, 8_000, 0),
            ((200, 100), 15_990, 8_000, faults.ELECTRODE_OPEN),
            ((200, 100), 16_000, 7_990, faults.ELECTRODE_OPEN),
            ((150, 75), 19_000, 10_000, 0),
            ((150, 75), 19_010, 10_000, faults.CURRENT_MISMATCH),
            ((150, 75), 19_000, 10_010, faults.CURRENT_MISMATCH),
            ((9, 3), -1_000, -1_000, 0),
            ((9, 3), -1_000, -1_010, faults.CURRENT_MISMATCH),
        ):
            self.assertEqual(self.said(stage, codes, a_ua, b_ua, 20_000), fault, str((codes, a_ua, b_ua)))
        self.assertEqual(self.said(stage_of(100, 10, 1), (200, 100), 20_000, 10_000, 1_000), 0)
        self.assertEqual(self.said(stage_of(100, 10, 1), (200, 100), 20_010, 10_000, 1_000), faults.ELECTRODE_SHORT)

    def test_a_fault_stays_one_as_long_as_pulses_are_bad(self):
        for codes, counts, volts, fault in (
            ((100, 100), 0, 0, faults.ELECTRODE_OPEN),
            ((200, 200), 364, 0, faults.ELECTRODE_SHORT),
            ((0, 0), 50, 0, faults.CURRENT_MISMATCH),
        ):
            made = Delivery(samples.STAGE)
            seen = measured(codes[0], 100, counts, volts, level_b=codes[1])
            self.assertEqual([made.judge(seen, 0) for _ in range(5)], [0, 0, fault, fault, fault])
        self.assertEqual([Delivery(samples.STAGE).lacking(n) for n in (2, 3, 4)], [0] + [faults.CURRENT_MISMATCH] * 2)

    def test_after_voltages_that_were_nobodys_one_that_is_somebodys_is_judged(self):
        for at, counts, fault in (
            (pulse.VOLTAGE_A, ZERO + 1_700, faults.ELECTRODE_OPEN),
            (pulse.VOLTAGE_B, ZERO - 1_700, faults.ELECTRODE_OPEN),
            (pulse.VOLTAGE_A, ZERO, faults.ELECTRODE_SHORT),
            (pulse.VOLTAGE_B, ZERO, faults.ELECTRODE_SHORT),
        ):
            made = Delivery(samples.STAGE)
            made.clear(shared=True)
            unattributed = measured(200, current=364, voltage=BOTH, voltage_b=-BOTH)
            self.assertEqual([made.judge(unattributed, 0) for _ in range(5)], [0] * 5)
            attributed = array("H", unattributed)
            attributed[at] = counts
            self.assertEqual([made.judge(attributed, 0) for _ in range(3)], [0, 0, fault])

    def test_10_000_nC_are_allowed_and_one_more_pC_is_not(self):
        for sign in (1, -1):
            made = Delivery(stage_of(100, 1, 1))
            for net, width_us, fault in ((1_000, 1_000, 0),) * 10 + ((1, 1, faults.NET_CHARGE),):
                seen = measured(width_us=width_us, current=sign * net, current_b=0)
                self.assertEqual(made.judge(seen, 7), fault)

    def test_the_current_between_pulses(self):
        stage = dict(stage_of(100, 1, 1), idle_most_ua=2_000)
        self.assertEqual(self.said(stage, (0, 0), 0, 0, 0, 2_000), 0)
        self.assertEqual(self.said(stage, (0, 0), 0, 0, 0, 2_001), faults.IDLE_CURRENT)
        self.assertEqual(self.said(stage, (0, 0), 0, 0, 0, -2_001), faults.IDLE_CURRENT)
        made = Delivery(stage)
        made.judge(measured(width_us=100, rest=-2_000), 0)
        self.assertEqual(made.account()["rest_most_ua"], 2_000)

    def test_the_load_is_seen_from_900_uA_on(self):
        # A count of 0.999 uA: 900 of them are less.
        row = dict(samples.UNCALIBRATED, current_gain_ppm=-500)
        made = Delivery(dict(stage_of(1_000, 1, 1), calibration=(row, row)))
        for counts, ohm in ((900, 0), (901, 1_112)):
            made.judge(measured(1, 100, current=counts, voltage=1_001), 0)
            made.update()
            self.assertEqual(made.impedance_ohm, ohm)

    def test_another_share_of_phase_b_is_another_pulse(self):
        stage = samples.STAGE
        for before, after, b, fault in (
            (200, 100, 364, faults.CURRENT_MISMATCH),
            (100, 200, 182, faults.ELECTRODE_OPEN),
        ):
            made = Delivery(stage)
            one = measured(200, 100, 364, 200, level_b=before, width_b_us=100 * 200 // before, current_b=b)
            for i in range(9):
                self.assertEqual(made.judge(one, 5_000 * i), 0)
            other = array("H", one)
            other[pulse.SET_LEVEL_B], other[pulse.SET_WIDTH_B] = after, 100 * 200 // after
            self.assertEqual([made.judge(other, 50_000 + 5_000 * i) for i in range(3)], [0, 0, fault])

    def test_the_window_moves_from_the_first_millisecond_on(self):
        for begin_ms in range(130):
            made = Delivery(samples.STAGE)
            self.assertEqual(made.judge(measured(width_us=500, current=18, current_b=0), begin_ms), 0)
            self.assertEqual(made.net_nc, 495)
            made.judge(measured(width_us=500), begin_ms + 1_025)
            self.assertEqual(made.net_nc, 0, str(begin_ms))

    def test_before_the_first_pulse_there_is_nothing(self):
        made = Delivery(samples.stage(sense_ua_per_count=2_000))
        for _ in range(2):
            self.assertEqual((made.net_nc, made.set_ua, made.measured_ua, made.measured), (0,) * 4)
            made.judge(measured(30, 500, current=2, current_b=0), 30)
            self.assertEqual(made.set_ua, 3_000)
            made.clear()

    def test_a_channel_has_its_own_calibration_and_without_one_it_is_the_first(self):
        rows = [dict(samples.UNCALIBRATED, current_offset=offset) for offset in (3, 5)]
        stage = samples.stage(calibration=rows)
        zeros = [
            made.calibration.current_zero - ZERO for made in (Delivery(stage), Delivery(stage, 0), Delivery(stage, 1))
        ]
        self.assertEqual(zeros, [3, 3, 5])


class ALongSession(unittest.TestCase):
    def test_sums_stay_within_30_bits_and_nothing_is_lost(self):
        stage = stage_of(100, 1, 45)
        made = Delivery(stage)
        total_a = total_b = total = 0
        for number in range(3_000):
            a, b = 2_000 - number % 3, 2_000 - number % 2
            seen = measured(20, 500, current=a, voltage=22, current_b=b)
            self.assertEqual(made.judge(seen, 10 * number), 0)
            total_a, total_b, total = total_a + 500 * a, total_b + 500 * b, total + a + b
            if number % 50 == 0:
                self.assertEqual(made.charge_pc(), (total_a, total_b))
                for values in (made._state, made._slots):
                    self.assertTrue(0 <= min(values) and max(values) < 1 << 30, str(values))
        self.assertEqual(made.account()["current_mean_ua"], total // 6_000)

    def test_what_is_carried_is_not_missing_in_the_window(self):
        # A count for a microsecond is a nC here, so not even one may be lost.
        stage = stage_of(100, 1_000, 45)
        made, carried = Delivery(stage), Delivery(stage)
        carried._state[verdict.CHARGE_A] += 1 << 27
        for number in range(300):
            if number == 150:
                carried._state[verdict.CHARGE_A] += 1 << 27
            off = (1, 1, 0, -1)[number % 4]
            seen = measured(width_us=30, current=off, current_b=0)
            self.assertEqual((made.judge(seen, 10 * number), carried.judge(seen, 10 * number)), (0, 0))
            self.assertEqual(made.net_nc, carried.net_nc, str(number))
        self.assertEqual(carried._carries, 2)


if __name__ == "__main__":
    unittest.main()

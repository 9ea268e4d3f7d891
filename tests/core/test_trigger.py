"""core/trigger.py: what of a programme says who starts its contractions, and who may ask for it."""

import unittest

from biofeedback_bench import STAGE, table, waiting
from samples import codes, phase, programme, stage

from nmes.core import limits, trigger
from nmes.core.programme import accept, parse
from nmes.core.reason import Refused


def wrong(**changes):
    """(code, parameter, bound) of each reason why a trigger is refused."""
    try:
        parse(waiting(table(**changes)))
    except Refused as refused:
        return [(r["code"], r["parameter"], r["bound"]) for r in refused.reasons]
    return []


class Shape(unittest.TestCase):
    def test_what_is_whole_is_kept_as_it_is(self):
        for changes in ({}, {"threshold_mv": None}, {"threshold_mv": 0, "hysteresis_mv": 1_000}, {"contractions": 500}):
            asked = table(**changes)
            self.assertEqual(accept(waiting(asked), STAGE).trigger, asked)
        self.assertEqual(parse(programme()).trigger, None)

    def test_every_number_has_its_bounds(self):
        for name, (least, most, _) in trigger.FIELDS.items():
            changes = {"threshold_mv": 3_000} if name == "hysteresis_mv" else {}
            for value in (least, most):
                changes[name] = value
                given = dict(changes, hysteresis_mv=10) if name == "threshold_mv" else changes
                self.assertEqual((name, value, wrong(**given)), (name, value, []))
            self.assertEqual(wrong(**dict(changes, **{name: most + 1})), [("above_range", "trigger." + name, most)])
            code = ("below_range", "trigger." + name, least)
            self.assertEqual(wrong(**dict(changes, **{name: least - 1})), [code])
            for value in (True, "3", 3.0, [3]):
                self.assertEqual(wrong(**{name: value})[0][:2], ("not_an_integer", "trigger." + name))

    def test_choices_are_choices(self):
        for name in ("source", "on_timeout"):
            for value in ("emg", "", 1, None):
                code = "missing" if value is None else "not_a_choice"
                self.assertEqual(wrong(**{name: value})[0][:2], (code, "trigger." + name))
        self.assertEqual(wrong(timeout_ms=None), [("missing", "trigger.timeout_ms", "a value")])
        self.assertEqual(wrong(pressure=3), [("unknown", "trigger.pressure", "no such field")])

    def test_it_is_a_table(self):
        for made in ([], 3, "signal", True, None):
            self.assertEqual(codes(parse, dict(waiting(), trigger=made)), ["not_a_table"])
        self.assertEqual(codes(parse, dict(waiting(), trigger={})), ["missing"] * 3)

    def test_the_hysteresis_fits_below_a_threshold_that_is_given(self):
        self.assertEqual(wrong(threshold_mv=51), [])
        self.assertEqual(wrong(threshold_mv=50), [("hysteresis_too_wide", "trigger.hysteresis_mv", 49)])
        self.assertEqual(wrong(threshold_mv=300, hysteresis_mv=300)[0][0], "hysteresis_too_wide")

    def test_a_switch_and_a_trigger_input_have_no_threshold(self):
        for source in ("switch", "edge"):
            self.assertEqual(wrong(source=source, threshold_mv=None), [])
            self.assertEqual(wrong(source=source), [("of_signal_only", "trigger.threshold_mv", "signal")])
            self.assertEqual(
                wrong(source=source, threshold_mv=None, hysteresis_mv=20),
                [("of_signal_only", "trigger.hysteresis_mv", "signal")],
            )


class Whole(unittest.TestCase):
    def test_trains_are_of_one_kind_and_of_one_channel_that_begins_at_once(self):
        row = waiting()["phases"][0]
        self.assertEqual(codes(parse, waiting(phases=[row, dict(row, name="other")])), ["one_phase_waits"])
        for channels in (
            [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}],
            [{"channel": 0, "delay_us": 1}],
        ):
            self.assertEqual(codes(parse, waiting(channels=channels)), ["one_channel_waits"])

    def test_there_is_a_work(self):
        row = phase(work_ms=0, rest_ms=0, rate_mhz=10_000)
        self.assertEqual(codes(parse, waiting(phases=[row])), ["waits_without_work"])

    def test_the_input_takes_its_share_of_the_sampler(self):
        for width_us, found in ((13, ["narrower_than_sampled"]), (14, [])):
            row = phase(width_us=width_us)
            self.assertEqual(codes(parse, waiting(phases=[row], kind="dummy")), found)
            self.assertEqual(codes(parse, programme([row], kind="dummy")), [])


class Stage(unittest.TestCase):
    def test_h28_a_stage_without_the_input_refuses_by_name(self):
        for without in (stage(), stage(for_people=False, measures=False)):
            with_its_reasons = limits.whatever_current(parse(waiting()), without)
            found = [r for r in with_its_reasons if r["code"] == "no_biofeedback"]
            self.assertEqual([r["source"] for r in found], ["output stage test"])
            self.assertTrue("no_biofeedback" in codes(accept, waiting(), without))
        self.assertEqual(codes(accept, waiting(), STAGE), [])

    def test_h28_a_stage_of_two_channels_has_no_trigger_input_and_says_so(self):
        asked = waiting(table(source="edge", threshold_mv=None))
        (found,) = [r for r in limits.whatever_current(parse(asked), stage()) if r["parameter"] == "trigger"]
        self.assertEqual((found["code"], found["asked"]), ("no_trigger_input", "edge"))
        self.assertEqual(codes(accept, asked, STAGE), [])

    def test_a_stage_with_the_input_has_no_second_channel(self):
        data = programme(channels=[{"channel": 1, "delay_us": 0}])
        self.assertEqual(codes(accept, data, STAGE), ["no_such_channel"])


if __name__ == "__main__":
    unittest.main()

"""Fifteen defects that were found in other projects, each with the tests that would fail if we had it.

The tests stand in the rooms where they belong; this is the list, and it fails when one of them is gone.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent

DEFECTS = {
    "a width cut short by float arithmetic: 300 us asked, 250 delivered (sanworks/PulsePal#2)": (
        "core/test_pulse.py::EveryFieldIsWhatWasAsked::test_every_width_comes_back_exactly_and_both_phases_are_equal",
        "host/test_prescription.py::test_exact_values_are_read_exactly",
        "host/test_prescription.py::test_what_is_not_exact_is_refused_with_its_neighbours",
        "pio/test_pulse_timing.py::test_h03_every_width_with_many_gaps_is_exact_and_both_phases_are_equal",
    ),
    "49 pulses delivered for 48 asked (sanworks/PulsePal#2)": (
        "core/test_phase.py::EveryTrainGoesOnInTheEngineSTime::test_exactly_as_many_as_asked",
        "core/test_session.py::AWholeSession::test_as_many_pulses_as_the_programme_says",
        "pio/test_pulse_timing.py::test_as_many_pulses_as_records",
    ),
    "60 Hz from whole milliseconds: 62.5 Hz (Evlers APP/impulse.c)": (
        "core/test_pulse.py::APeriodIsTheNearestThereIs::test_every_tenth_of_a_hertz_is_within_half_a_microsecond",
        "core/test_pulse.py::APeriodIsTheNearestThereIs::test_known_rates",
        "pio/test_pulse_timing.py::test_every_tenth_of_a_hertz_has_its_exact_period",
    ),
    "half of a width on a grid of 10 us: phases of 20 and 30 us (Evlers APP/impulse.c)": (
        "core/test_calibration.py::AWholeSession::test_equal_charge_and_never_more_than_was_set_up_to_the_limit",
        "core/test_pulse_check.py::EachRuleRefuses::test_charges_that_differ",
        "core/test_pulse_check.py::EachRuleRefuses::test_widths_that_differ",
        "pio/test_pulse_timing.py::test_h03_every_width_with_many_gaps_is_exact_and_both_phases_are_equal",
    ),
    "a frequency below 2 became 0, then divided by (Evlers APP/impulse.c)": (
        "core/test_programme.py::EveryBoundIsExact"
        "::test_the_least_and_the_most_of_every_field_are_accepted_and_one_beyond_is_named",
        "core/test_programme.py::WhatIsNotAProgrammeIsRefused"
        "::test_0_hertz_is_refused_before_anything_is_divided_by_it",
    ),
    "ramps above 65 ms wrapped in 16 bits (saawsm/swx pulse_gen.c)": (
        "core/test_train.py::TheEnvelope::test_it_is_monotone_on_each_side_and_never_above_what_was_set",
        "core/test_session.py::AWholeSession::test_each_train_rises_and_falls",
    ),
    "the next period counted from now, and time compared across a wrapped counter (saawsm/swx pulse_gen.c)": (
        "core/test_phase.py::EveryTrainGoesOnInTheEngineSTime"
        "::test_each_interval_leads_to_the_next_pulse_over_trains_and_phases",
        "core/test_session.py::AWholeSession::test_h12_at_any_time_of_the_clock",
        "pio/test_clock.py::test_h12_milliseconds_go_on_when_the_ticks_come_round",
        "pio/test_pulse_timing.py::test_the_state_after_a_pulse_does_not_depend_on_how_many_went_before",
        "pio/test_pulse_timing.py::test_thousands_of_pulses_do_not_drift_by_a_cycle",
    ),
    "a field read from 8 bits and shifted by 8: always 0 (saawsm/swx pulse_gen.c)": (
        "core/test_commands.py::Arguments::test_the_bounds_are_exact",
        "core/test_pulse.py::EveryFieldIsWhatWasAsked"
        "::test_what_was_set_reads_every_level_and_width_back_and_each_from_its_own_bits",
        "core/test_pulse_check.py::AnIndependentReferenceAgrees"
        "::test_h01_on_single_and_double_bit_flips_of_acceptable_records",
    ),
    "an array indexed before the range was checked (PedroLopes/openEMSstim EMSSystem.cpp)": (
        "core/test_commands.py::Arguments::test_h20_channel_minus_1_and_2_and_more_are_refused",
        "host/test_trains.py::test_a_channel_that_is_not_used_is_refused",
    ),
    "a setter that wrote another parameter (open-ephys/plugin-GUI#115)": (
        "core/test_programme.py::AProgrammeIsKeptExactly::test_each_field_of_a_phase_decides_its_own_attribute",
        "core/test_pulse.py::EveryFieldIsWhatWasAsked::test_each_argument_changes_its_own_field_and_no_other",
        "host/test_trains.py::test_every_new_key_becomes_its_own_field",
    ),
    "bytes in the wrong order (sanworks/PulsePal PR #1)": (
        "core/test_frame.py::WhatIsSentComesBack::test_golden_lines",
        "core/test_programme.py::TheSameNumberNamesAProgrammeOnBothSides::test_golden_numbers",
        "core/test_pulse.py::EveryFieldIsWhatWasAsked::test_golden_record",
    ),
    "documents that say another limit than the code enforces (pyScienceMode)": (
        "architecture/test_arrows.py::test_host_tools_import_core_and_nothing_else_of_the_firmware",
        "host/test_documents.py::test_safety_md_has_the_limits_of_the_code",
        "host/test_documents.py::test_no_limit_of_the_code_is_missing_in_the_table",
        "host/test_hardware_document.py::test_it_has_the_numbers_of_the_code",
        "host/test_hardware_document.py::test_it_has_the_pins_of_the_board",
    ),
    "errors of calibration that can be compiled away (saawsm/swx output.c)": (
        "architecture/test_arrows.py::test_no_switch_of_the_build_or_the_environment_disables_a_limit",
        "core/test_delivery.py::TheCalibration::test_a_gain_that_no_stage_has_is_refused",
    ),
    "a loop that runs once more than asked: width + 1 us, and 1 us for 0 (saawsm/swx pulse_gen.pio)": (
        "pio/test_pulse_program.py::test_the_cycle_sums_of_the_docstring_are_right",
        "pio/test_pulse_timing.py::test_any_pulses_in_any_order_are_exact",
        "pio/test_pulse_timing.py::test_h03_every_width_with_many_gaps_is_exact_and_both_phases_are_equal",
    ),
    "widths clamped in silence, pulses dropped when a FIFO is full, amplitude in mid-pulse (saawsm/swx output.c)": (
        "core/test_counts.py::NoPulseIsLostInSilence::test_a_pulse_that_never_began_is_a_fault",
        "core/test_counts.py::NoPulseIsLostInSilence::test_a_refill_that_came_too_late_is_counted",
        "core/test_pulse.py::WhatDoesNotFitIsRefused::test_one_beyond_each_bound_is_refused_and_the_bound_is_not",
        "core/test_session.py::Intensity::test_what_the_stage_cannot_deliver_exactly_is_refused_with_its_neighbours",
        "pio/test_pulse_timing.py::test_the_level_leaves_more_than_256_cycles_before_phase_a_and_never_within_a_pulse",
    ),
}


def declared(body: list[ast.stmt]) -> set[str]:
    """The tests of a module or class, as pytest names them."""
    names = set()
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{name}" for name in declared(node.body)}
    return names


def test_there_are_fifteen():
    assert len(DEFECTS) == 15


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_test_that_is_named_exists(defect):
    for test in DEFECTS[defect]:
        file, _, name = test.partition("::")
        assert name in declared(ast.parse((TESTS / file).read_text()).body), test

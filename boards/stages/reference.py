"""The reference output stage: what it does with the pins, and the range it can deliver.

A voltage on `level` (PWM through a filter) sets a current source, `phase_a` and `phase_b` close the two diagonals of
an H-bridge, `enable` feeds the boost converter. See docs/hardware.md. Currents and voltages are peak values.
"""

STAGE = {
    "name": "reference",
    "measures": True,  # current and voltage of every phase
    "for_people": True,  # may be connected to a person, as far as the prescription goes
    "channels": 2,
    "full_scale_ua": 100_000,  # at level 1000 of 1000
    "levels": 1000,  # PWM counts a period; one level is one count, 100 uA
    "level_settle_us": 256,  # filter and current source, to 1 %; the pulse engine waits this long before a phase
    "pump_hold_us": 500,  # how long the charge pump gives permission after its last edge
    "compliance_mv": 80_000,  # open-circuit voltage of the boost converter
    "imbalance_ppm": 2_000,  # at most so much do the charges of phase A and phase B of a pulse differ
    # The sense, read by a 12-bit ADC: bipolar, positive in phase A. Full scale is 112.6 mA and 92 V either way.
    "sense_zero": 2048,  # counts without current or voltage
    "sense_ua_per_count": 55,
    "sense_mv_per_count": 45,
    "sense_both": 4_090,  # counts of the voltage from here on: both channels are in phase, it is neither's
    "sense_tolerance_ua": 1_000,  # what the current sense may be off before something is wrong
    "idle_most_ua": 200,  # what may be sensed between pulses; more is a switch that does not open
    # One row a channel: what a stage that has been measured needs; see nmes/core/calibration.py.
    "calibration": (
        {
            "dac_gain_ppm": 0,
            "dac_offset": 0,
            "current_gain_ppm": 0,
            "current_offset": 0,
            "voltage_gain_ppm": 0,
            "voltage_offset": 0,
        },
        {
            "dac_gain_ppm": 0,
            "dac_offset": 0,
            "current_gain_ppm": 0,
            "current_offset": 0,
            "voltage_gain_ppm": 0,
            "voltage_offset": 0,
        },
    ),
}

"""The reference output stage with its first channel alone, and a biofeedback input in the place of the other one.

The Pico has three ADC inputs. Two channels take them all; with one, the current input of the other is free for what a
person's muscle says: the envelope of an EMG amplifier or a pressure sensor, 0 to 3.3 V. See docs/biofeedback.md. All
else is as on boards/stages/reference.py.
"""

STAGE = {
    "name": "reference-biofeedback",
    "measures": True,  # current and voltage of every phase
    "for_people": True,  # may be connected to a person, as far as the prescription goes
    "channels": 1,
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
    "signal_most_mv": 3_200,  # a signal at the biofeedback input is below this; what is not is saturated
    # What a stage that has been measured needs; see nmes/core/calibration.py.
    "calibration": (
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

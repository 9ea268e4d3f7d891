"""No output stage: a board by itself, to look at its pins with a scope, a logic analyser or an LED.

The firmware makes its pulses on the phase pins and a level on the level pins, and nothing turns them into a current.
Nothing is measured. Only prescriptions for a dummy are accepted, so it can never be taken for a stage with somebody on
it. A current is only a number here: it sets the PWM of the level pins, as full_scale_ua and levels say.
"""

STAGE = {
    "name": "bare",
    "measures": False,
    "for_people": False,
    "channels": 2,
    "full_scale_ua": 100_000,  # would be level 1000 of 1000
    "levels": 1000,  # PWM counts a period
    "level_settle_us": 256,  # as on the reference stage, so that pulses come at the same times
    "pump_hold_us": 500,
    "compliance_mv": 50_000,  # full scale into 500 ohm: what limits a session here is the prescription alone
    "imbalance_ppm": 0,
    "calibration": (
        {"dac_gain_ppm": 0, "dac_offset": 0},
        {"dac_gain_ppm": 0, "dac_offset": 0},
    ),
}

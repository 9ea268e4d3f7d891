"""The faults: one flat list. A fault latches; the first one is kept, over a power cut too, until a person clears it."""

# docs/faults.md is made from this and fault_words.py
NAMES = {
    1: "internal_error",
    2: "pulse_check",
    3: "pulse_count",
    4: "watchdog_reset",
    5: "emergency_stop",
    6: "over_current",
    7: "phase_too_long",
    8: "both_phases",
    9: "pulses_too_close",
    10: "lease_lost",
    11: "electrode_open",
    12: "electrode_short",
    13: "net_charge",
    14: "current_mismatch",
    15: "idle_current",
    16: "store_corrupt",
    17: "enable_stuck",
    18: "guard_failed",
    19: "sense_failed",
    20: "memory_damaged",
    21: "temperature",
    22: "supply_low",
    23: "loop_late",
    24: "clock_wrong",
    25: "memory_low",
    26: "impedance_rise",
    27: "store_newer",
    28: "button_stuck",
    29: "button_chatter",
    30: "button_short",
    31: "biofeedback_input",
}

# What is kept of a fault until a person clears it: what the device was doing, and what was measured.
RECORD_FIELDS = (
    "fault",
    "fault_text",
    "at_ms",
    "state",
    "programme_crc",
    "elapsed_ms",
    "phase",
    "part",
    "intensity_ua",
    "measured_ua",
    "impedance_ohm",
    "net_charge_nc",
    "queued",
    "delivered",
    "cancelled",
    "underruns",
)
# A record's time has this range: a clock that ran backwards below zero, or 24 days of power, must not cost the record.
AT_MS = (0, 0x7FFFFFFF)

INTERNAL_ERROR = 1
PULSE_CHECK = 2
PULSE_COUNT = 3
WATCHDOG_RESET = 4
EMERGENCY_STOP = 5
OVER_CURRENT = 6
PHASE_TOO_LONG = 7
BOTH_PHASES = 8
PULSES_TOO_CLOSE = 9
LEASE_LOST = 10
ELECTRODE_OPEN = 11
ELECTRODE_SHORT = 12
NET_CHARGE = 13
CURRENT_MISMATCH = 14
IDLE_CURRENT = 15
STORE_CORRUPT = 16
ENABLE_STUCK = 17
GUARD_FAILED = 18
SENSE_FAILED = 19
MEMORY_DAMAGED = 20
TEMPERATURE = 21
SUPPLY_LOW = 22
LOOP_LATE = 23
CLOCK_WRONG = 24
MEMORY_LOW = 25
IMPEDANCE_RISE = 26
STORE_NEWER = 27
BUTTON_STUCK = 28
BUTTON_CHATTER = 29
BUTTON_SHORT = 30
BIOFEEDBACK_INPUT = 31


def name(number):
    """The fault's name; never fails, because it is asked on the way into FAULT."""
    return NAMES[number] if number in NAMES else "number_%s" % number

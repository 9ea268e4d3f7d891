"""The faults: one flat list. A fault latches; the first one is kept with its time until a person clears it."""

# number: (name, what happened, what the person does)
FAULTS = {
    1: (
        "internal_error",
        "The firmware met an error of its own and switched the output off.",
        "Take the electrodes off. Note the message and report it; switch off and on.",
    ),
    2: (
        "pulse_check",
        "The second checker found a pulse outside its limits before it was queued.",
        "Take the electrodes off. Do not use the device; report it.",
    ),
    3: (
        "pulse_count",
        "Pulses delivered and pulses asked do not agree.",
        "Take the electrodes off. Do not use the device; report it.",
    ),
    4: (
        "watchdog_reset",
        "The last run ended in a watchdog reset.",
        "Check the electrodes, then clear the fault and start again from zero.",
    ),
}

INTERNAL_ERROR = 1
PULSE_CHECK = 2
PULSE_COUNT = 3
WATCHDOG_RESET = 4


def name(number):
    """The fault's name; never fails, because it is asked on the way into FAULT."""
    return FAULTS[number][0] if number in FAULTS else "number_%s" % number

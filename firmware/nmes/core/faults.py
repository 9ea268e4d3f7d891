"""The faults: one flat list. A fault latches; the first one is kept, over a power cut too, until a person clears it."""

# number: (name, what happened, what the person does, what the clinician does); docs/faults.md is made from it
FAULTS = {
    1: (
        "internal_error",
        "The firmware met an error of its own and switched the output off.",
        "Take the electrodes off. Note the message and report it; switch off and on.",
        "Do not go on. Put the message and the firmware's version into the report.",
    ),
    2: (
        "pulse_check",
        "The second checker found a pulse outside its limits before it was queued.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Keep the prescription and the record: they show which pulse it was.",
    ),
    3: (
        "pulse_count",
        "Pulses delivered and pulses asked do not agree.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Compare the account with a measurement into a resistor.",
    ),
    4: (
        "watchdog_reset",
        "The last run ended in a watchdog reset.",
        "Check the electrodes, then clear the fault and start again from zero.",
        "Ask what the device was doing. A second time: no session before it is understood.",
    ),
    5: (
        "emergency_stop",
        "The emergency stop was opened; the output was off at once.",
        "Find out why. Close the emergency stop, clear the fault and start again from zero.",
        "Ask why it was opened. If nobody did: look at the emergency stop's loop and its plug.",
    ),
    6: (
        "over_current",
        "The output stage's over-current comparator switched the output off.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Have the stage measured into a resistor before anybody is connected again.",
    ),
    7: (
        "phase_too_long",
        "A phase was on for longer than the session allows; the guard cut it short.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Measure the pulses into a resistor.",
    ),
    8: (
        "both_phases",
        "Both phases of a channel were on at once; the guard switched the output off.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Have the bridge of the stage checked for damage.",
    ),
    9: (
        "pulses_too_close",
        "A pulse followed the one before too soon; the guard switched the output off.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Measure the pulses into a resistor.",
    ),
    10: (
        "lease_lost",
        "The firmware did not say in time that it was alive; the guard switched the output off.",
        "Clear the fault and start again from zero. If it comes back, report it.",
        "If it comes back, note what the host was doing then; no session before it is understood.",
    ),
    11: (
        "electrode_open",
        "Less current flowed than was set, or only at full voltage: an electrode is off, dry or not connected.",
        "Set the electrodes right, then clear the fault and start again from zero.",
        "Look at electrodes, gel and cable; the record has the last load. Above 5 kOhm renew the electrodes.",
    ),
    12: (
        "electrode_short",
        "There was hardly any voltage for the current: electrodes or wires touch each other.",
        "Separate the electrodes, look at the cable, then clear the fault and start again from zero.",
        "Look at cable and plugs; measure the electrodes apart from the device.",
    ),
    13: (
        "net_charge",
        "The two phases did not cancel: more than 10 uA of direct current over a second.",
        "Take the electrodes off and look at the skin. Do not use the device before the stage has been checked.",
        "Look at the skin for redness. Have the zero of both senses and the series capacitor checked.",
    ),
    14: (
        "current_mismatch",
        "The current that was measured is not the one that was set, or could not be measured.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Compare set and measured current in the record; have the stage measured into a resistor.",
    ),
    15: (
        "idle_current",
        "Current flowed between the pulses, when the output stage should have been off.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Do not go on with this stage: a switch that stays closed is direct current. Have it measured into a resistor.",
    ),
    16: (
        "store_corrupt",
        "What the device keeps without power could not be read or written; the factory's values are in use.",
        "Clear the fault; only then is it written anew. If it comes back, report it: the device forgets its faults.",
        "Look the last fault up in your own notes; the pause after a session begins anew. Set the settings again, the "
        "person's own maximum among them. A board that ran another firmware before may say so once.",
    ),
    17: (
        "enable_stuck",
        "The pin that lets the output stage run is not as the firmware set it.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Check the line from the chip to the stage for a short.",
    ),
    18: (
        "guard_failed",
        "In the self-test the guard did not take permission away.",
        "Do not use the device; report it.",
        "Do not go on with this device: its hardware protection is not proven.",
    ),
    19: (
        "sense_failed",
        "The measuring input is stuck, or shows a current while none can flow.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Have the sense of the stage calibrated and checked; without electrodes it must read zero.",
    ),
    20: (
        "memory_damaged",
        "What the device holds in memory is not what it accepted.",
        "Switch off and on, load the prescription again. If it comes back, do not use the device; report it.",
        "Load the prescription again and compare its checksum. A second time: no session with this device.",
    ),
    21: (
        "temperature",
        "The chip is too warm or too cold.",
        "Take the electrodes off. Let the device come to room temperature, then clear the fault.",
        "Keep the device away from heaters and sun; look for what warms it.",
    ),
    22: (
        "supply_low",
        "The supply's voltage is out of its range.",
        "Charge or change the battery, then clear the fault and start again from zero.",
        "Look at battery and cable; the device never charges while somebody is connected.",
    ),
    23: (
        "loop_late",
        "A turn of the firmware took longer than it may.",
        "Clear the fault and start again from zero. If it comes back, report it.",
        "If it comes back, note what the host was doing then; a shorter list of commands helps.",
    ),
    24: (
        "clock_wrong",
        "The clock ran backwards, or the pulses and the clock do not agree.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device: its times cannot be trusted.",
    ),
    25: (
        "memory_low",
        "The firmware has too little memory left.",
        "Switch off and on, then clear the fault. If it comes back, report it.",
        "Note which prescription was loaded, and report it.",
    ),
    26: (
        "impedance_rise",
        "The load has become twice what it was at first: a pad lifts or dries out, and the skin left carries it all.",
        "Look at the skin, set or replace the electrodes, then clear the fault and start again from zero.",
        "Look for redness under the edge of the pads. Use fresh pads of the same area before going on.",
    ),
    27: (
        "store_newer",
        "What the device keeps without power was written by a newer firmware, which this one does not understand.",
        "Have the newer firmware put back onto the device. Nothing of what it kept has been changed.",
        "Flash the newer firmware again; this fault cannot be cleared. The pause after a session begins anew.",
    ),
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


def name(number):
    """The fault's name; never fails, because it is asked on the way into FAULT."""
    return FAULTS[number][0] if number in FAULTS else "number_%s" % number

"""The faults in words, for people: the host and the documentation read them, the device never does.

They stand apart from faults.py because the modules of a stock MicroPython lie in memory; these would take 7 KB of it.
"""

# number: (what happened, what the person does, what the clinician does)
WORDS = {
    1: (
        "The firmware met an error of its own and switched the output off.",
        "Take the electrodes off. Note the message and report it; switch off and on.",
        "Do not go on. Put the message and the firmware's version into the report.",
    ),
    2: (
        "The second checker found a pulse outside its limits before it was queued.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Keep the prescription and the record: they show which pulse it was.",
    ),
    3: (
        "Pulses delivered and pulses asked do not agree.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Compare the account with a measurement into a resistor.",
    ),
    4: (
        "The last run ended in a watchdog reset.",
        "Check the electrodes, then clear the fault and start again from zero.",
        "Ask what the device was doing. A second time: no session before it is understood.",
    ),
    5: (
        "The emergency stop was opened; the output was off at once.",
        "Find out why. Close the emergency stop, clear the fault and start again from zero.",
        "Ask why it was opened. If nobody did: look at the emergency stop's loop and its plug.",
    ),
    6: (
        "The output stage's over-current comparator switched the output off.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Have the stage measured into a resistor before anybody is connected again.",
    ),
    7: (
        "A phase was on for longer than the session allows; the guard cut it short.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Measure the pulses into a resistor.",
    ),
    8: (
        "Both phases of a channel were on at once; the guard switched the output off.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Have the bridge of the stage checked for damage.",
    ),
    9: (
        "A pulse followed the one before too soon; the guard switched the output off.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Measure the pulses into a resistor.",
    ),
    10: (
        "The firmware did not say in time that it was alive; the guard switched the output off.",
        "Clear the fault and start again from zero. If it comes back, report it.",
        "If it comes back, note what the host was doing then; no session before it is understood.",
    ),
    11: (
        "Less current flowed than was set, or only at full voltage: an electrode is off, dry or not connected.",
        "Set the electrodes right, then clear the fault and start again from zero.",
        "Look at electrodes, gel and cable; the record has the last load. Above 5 kOhm renew the electrodes.",
    ),
    12: (
        "There was hardly any voltage for the current: electrodes or wires touch each other.",
        "Separate the electrodes, look at the cable, then clear the fault and start again from zero.",
        "Look at cable and plugs; measure the electrodes apart from the device.",
    ),
    13: (
        "The two phases did not cancel: more than 10 uA of direct current over a second.",
        "Take the electrodes off and look at the skin. Do not use the device before the stage has been checked.",
        "Look at the skin for redness. Have the zero of both senses and the series capacitor checked.",
    ),
    14: (
        "The current that was measured is not the one that was set, or could not be measured.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Compare set and measured current in the record; have the stage measured into a resistor.",
    ),
    15: (
        "Current flowed between the pulses, when the output stage should have been off.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Do not go on with this stage: a switch that stays closed is direct current. Have it measured into a resistor.",
    ),
    16: (
        "What the device keeps without power could not be read or written; the factory's values are in use.",
        "Clear the fault; only then is it written anew. If it comes back, report it: the device forgets its faults.",
        "Look the last fault up in your own notes; the pause after a session begins anew. Set the settings again, the "
        "person's own maximum among them. A board that ran another firmware before may say so once.",
    ),
    17: (
        "The pin that lets the output stage run is not as the firmware set it.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device. Check the line from the chip to the stage for a short.",
    ),
    18: (
        "In the self-test the guard did not take permission away.",
        "Do not use the device; report it.",
        "Do not go on with this device: its hardware protection is not proven.",
    ),
    19: (
        "The measuring input is stuck, or shows a current while none can flow.",
        "Take the electrodes off. Do not use the device before the stage has been checked.",
        "Have the sense of the stage calibrated and checked; without electrodes it must read zero.",
    ),
    20: (
        "What the device holds in memory is not what it accepted.",
        "Switch off and on, load the prescription again. If it comes back, do not use the device; report it.",
        "Load the prescription again and compare its checksum. A second time: no session with this device.",
    ),
    21: (
        "The chip is too warm or too cold.",
        "Take the electrodes off. Let the device come to room temperature, then clear the fault.",
        "Keep the device away from heaters and sun; look for what warms it.",
    ),
    22: (
        "The supply's voltage is out of its range.",
        "Charge or change the battery, then clear the fault and start again from zero.",
        "Look at battery and cable; the device never charges while somebody is connected.",
    ),
    23: (
        "The firmware's main loop ran late.",
        "Clear the fault and start again from zero. If it comes back, report it.",
        "If it comes back, note what the host was doing then; a shorter list of commands helps.",
    ),
    24: (
        "The clock ran backwards, or the pulses and the clock do not agree.",
        "Take the electrodes off. Do not use the device; report it.",
        "Do not go on with this device: its times cannot be trusted.",
    ),
    25: (
        "The firmware has too little memory left.",
        "Switch off and on, then clear the fault. If it comes back, report it.",
        "Note which prescription was loaded, and report it.",
    ),
    26: (
        "The load has become twice what it was at first: a pad lifts or dries out, and the skin left carries it all.",
        "Look at the skin, set or replace the electrodes, then clear the fault and start again from zero.",
        "Look for redness under the edge of the pads. Use fresh pads of the same area before going on.",
    ),
    27: (
        "What the device keeps without power was written by a newer firmware, which this one does not understand.",
        "Have the newer firmware put back onto the device. Nothing of what it kept has been changed.",
        "Flash the newer firmware again; this fault cannot be cleared. The pause after a session begins anew.",
    ),
    28: (
        "A button of the panel was pressed when the power came, or for much longer than anybody presses.",
        "Let go of every button for two seconds, then clear the fault. If it comes back, do not use the device.",
        "Look for a button that stays in, and for its wire. While a button is pressed the fault comes again at once.",
    ),
    29: (
        "A button of the panel opens and closes all the time, faster than anybody presses.",
        "Let go of every button for two seconds, then clear the fault. If it comes back, do not use the device.",
        "Look for moisture, a worn button or a loose wire. Have it replaced before the panel is used again.",
    ),
    30: (
        "Two buttons of the panel always close and open together: their contacts or wires touch.",
        "Do not use the device before it has been repaired.",
        "Look for moisture and for solder between two wires; try every button alone before the panel is used again.",
    ),
    31: (
        "What starts the contractions says what cannot be: nothing drives the biofeedback input, it has been saturated "
        "for a second, or the hand switch has stayed closed, or the trigger input high, for ten.",
        "Look whether the sensor is on, connected and in its place, let go of the hand switch, see that nothing holds "
        "the trigger input high, then clear the fault.",
        "Measure the input at rest and in a contraction: above 0 and below 3.2 V. See docs/biofeedback.md.",
    ),
}

# Of each check of the self-test, in the order of checks.py: what it looks at, and what a number in its answer counts,
# "" where it answers in words.
CHECKS = (
    ("the enable of the output stage", ""),
    ("the converter (ADC), by the temperature it says", "0.1 degC"),
    ("free memory", ""),
    ("the temperature of the chip", "0.1 degC"),
    ("the supply", "mV"),
    ("current and voltage while nothing is driven", ""),
    ("the accepted programme, and the second checker of pulses", ""),
    ("the guard, shown an expired lease, an open interlock, and phases that must not be", ""),
    ("the enable again, after the guard has moved it", ""),
)

"""Every reason code in words, and every parameter's unit, for people: the host and the documentation read them.

The device sends codes and integers and never imports this (see fault_words.py). A sentence is `NAME phrase (source)`:
NAME is the parameter's name for people, {asked} and {bound} are what the reason says, with the parameter's unit.
tests/host/test_reason_words.py finds a code without a phrase, and a figure without its unit.
"""

PHRASES = {
    # a number, a text or a table that cannot be so
    "missing": "is missing",
    "unknown": "is not known",
    "below_range": "is {asked}; it has to be at least {bound}",
    "above_range": "is {asked}; it may be at most {bound}",
    "above_limit": "is {asked}; at most {bound} is allowed",
    "not_an_integer": "is {asked}; it has to be a whole number within {bound}",
    "not_a_text": "is {asked}; it has to be a text of {bound}",
    "not_a_choice": "is {asked}; it has to be {bound}",
    "not_a_list": "has to be a list of {bound}",
    "not_a_table": "is {asked}; expected is a table ({bound})",
    "not_json": "is {asked}; it has to be {bound}",
    "not_base64": "is {asked}; it has to be {bound}",
    "not_hexadecimal": "is {asked}; it has to be {bound}, hexadecimal",
    "not_representable": "is {asked}, which cannot be delivered exactly; the nearest that can are {bound}",
    "twice": "is {asked} more than once; each channel can be given once",
    "unused": "is given, but every channel has phases of its own: leave it out, or leave out those of a channel",
    "more": "are not all here: there are {asked}, {bound}",
    # the phases of a programme do not fit each other
    "ramps_do_not_fit": "is {asked}, but its ramps alone take {bound}",
    "rest_without_work": "is {asked}, but a phase without work_s is continuous and has no rest",
    "work_does_not_fit": "is {asked}, but one train lasts {bound}",
    "pulse_does_not_fit": "is {asked}; with pulses this long at most {bound} is possible",
    "pulses_do_not_fit": (
        "is {asked}; at most {bound} fit into a train, where another phase follows with the interval after the last"
    ),
    "trains_overlap": "is {asked}; the last pulse of a train ends after it, so {bound} is the least",
    "without_change": 'is {asked}, but the phase does not say how: change = "sweep" or "alternate"',
    "burst_and_change": "is {asked}; a phase has bursts or a change, not both",
    "change_of_nothing": 'is "{asked}"; give frequency_to_hz or pulse_width_to_us too',
    "bursts_overlap": "is {asked}; with these pulses at most {bound} is possible",
    "second_phase_too_long": "is {asked}; with pulses this wide at most {bound} is possible (1000 us)",
    "ratios_differ": "of a channel's phases need a common multiple; theirs is {asked}, possible is {bound}",
    "rates_too_fast_together": "of both channels added is {asked}; at most {bound} is possible",
    "narrower_than_sampled": "is {asked}; a phase is sampled in its middle and has to be at least {bound}",
    # what starts the contractions
    "of_signal_only": 'is {asked}, but only a signal has one: source = "signal", or leave it out',
    "hysteresis_too_wide": "is {asked}; below this threshold at most {bound} is possible",
    "one_channel_waits": "are {asked}; a programme whose contractions their person starts has {bound}",
    "one_phase_waits": "are {asked}; a programme whose contractions their person starts has {bound}",
    "waits_without_work": "is {asked}; contractions that their person starts need a work, of {bound} or more",
    "no_biofeedback": "is {asked}; it needs {bound}",
    "no_trigger_input": "has the source {asked}; it needs {bound}",
    "no_timetable": "is {asked}; a capture can be judged against {bound}",
    "switch_closed": "is the hand switch, which is {asked}; it has to be {bound}",
    "trigger_high": "is the trigger input, which is {asked}; it has to be {bound}",
    "signal_floats": "is the signal, but {asked} at the biofeedback input; it needs {bound}",
    "signal_saturated": "at the biofeedback input is {asked}; at rest a sensor gives at most {bound}",
    # limits
    "rest_too_short": (
        "is {asked}; above 12 Hz a motor programme has to rest at least half as long as it works, here {bound}"
    ),
    "no_rest_at_end": (
        "is {asked} between the last work of this phase and the next phase; above 12 Hz a motor programme has to rest "
        "at least half as long as it works, here {bound}"
    ),
    "continuous_motor": "is {asked}; a motor programme without rest may have at most {bound}",
    "session_time": "is {asked} for the whole session; at most {bound} is allowed",
    "stage_current": "is {asked}; the output stage delivers at most {bound}",
    "stage_voltage": "would be {asked}; the output stage gives at most {bound}",
    "board_current": "is {asked}; the board allows at most {bound}",
    "electrode_current": "is {asked}; the electrode may have at most {bound}",
    "dummy_only": "is {asked}; here nobody may be connected, so it has to be {bound}",
    "no_such_channel": "is {asked}; the output stage has channels up to {bound}",
    "open_voltage": "of the output stage is {asked}; the limit is {bound}",
    "rms_current": "would be {asked}; the limit is {bound}",
    "rms_current_density": "would be {asked}; the limit is {bound}",
    "average_current": "would be {asked}; the limit is {bound}",
    "phase_charge": "would be {asked}; the limit at this pulse width is {bound}",
    "phase_charge_cap": "would be {asked}; the limit at any pulse width is {bound}",
    "power_density": "would be {asked}; the limit is {bound}",
    "pulse_energy": "would be {asked}; the limit is {bound}",
    "shannon": "would be {asked}; the limit is {bound}",
    "net_dc": "would be {asked}; the limit is {bound}",
    "rms_sum": "of both channels together would be {asked}; the limit is {bound}",
    "average_sum": "of both channels together would be {asked}; the limit is {bound}",
    "power_sum": "of both channels together would be {asked}; the limit is {bound}",
    "net_dc_sum": "of both channels together would be {asked}; the limit is {bound}",
    # what a session does not allow now
    "wrong_state": "of the device is {asked}; this is possible in {bound} only: see `nmes status`",
    "not_idle": "of the device is {asked}; arming is possible in {bound} only: see `nmes status`",
    "no_programme": "is {asked}, and the device has loaded none: send one with `load`, or `nmes select` a kept one",
    "other_programme": "is {asked}; the programme that the device has loaded has {bound}: load this one again",
    "other_checklist": (
        "that was confirmed is {asked}; the device has {bound}: use the host tools that belong to its firmware"
    ),
    "not_acknowledged": "has to be confirmed first: {bound}",
    "not_safe": (
        "is {asked}: close the emergency stop (GP13 of a Pico), then look at the over-current comparator (GP12); "
        "expected {bound}"
    ),
    "chip_unfit": (
        "is {asked}; such an input can read high though its line is open, so it needs {bound}: see docs/boards.md"
    ),
    "memory_damaged": "in memory is {asked}; expected {bound}: switch the device off and on, and load it again",
    "locked_out": "cannot begin yet: {asked} is possible {bound}",
    "self_test": "failed in the device's self-test: found {asked}, expected {bound}",
    "not_kept": "is there now, because what is kept could not be written ({asked}); it needs {bound}",
    "channel_not_used": "is {asked}; the prescription uses {bound}",
    "not_one_each": "has {asked}; it needs {bound}",
    "step_too_large": "is {asked}; in one step at most {bound} is possible",
    "no_display": "is {asked}; the panel begins and raises nothing without {bound}",
    "let_go": "was {asked}; it has to be {bound}",
    "for_resistor": "is {asked}, a resistor with nobody connected: only {bound} can begin it",
    "clinic_only": "cannot be cleared at {asked}; only {bound} can",
    "only_in_work": "is {asked}, but the panel raises it only {bound}",
    "step_too_soon": "is {asked}, too soon after the last step: {bound}",
    "ending": "is {asked}; the session is ending, because its host was lost: possible is {bound}",
    "not_plain": "is {asked}; rate and width can be changed only in {bound}",
    "exact_number": "is {asked}; trains of an exact number of pulses keep their {bound}",
    "wider_than_guarded": "is {asked}; the guard cuts phases of this session after {bound}",
    "nothing_left": "is {asked}, but there is no pulse left that could have it; needed is {bound}",
    "other_fault": "is {asked}; the device has the fault {bound}: clear that one, see `nmes record`",
    "cause_there": "is still there: found {asked}, expected {bound}",
    "clock_back": "is {asked}, before the device's own clock, which says {bound}; only `back` sets it back",
    # the prescriptions that a device keeps
    "too_large": "is too long for a line of the link: {asked}; at most {bound}",
    "too_large_to_keep": "is {asked}; a device keeps at most {bound}",
    "no_memory": "is {asked}; possible is {bound}",
    "not_there": "{asked} is not in use on the device; needed is {bound}: see `nmes pull --list`",
    "damaged": "{asked} is damaged on the device: remove it, and push its file again",
    "newer": "{asked} was written by a newer firmware and is left alone; flash that firmware, or use another number",
    "full": (
        "cannot be chosen, for none is free: remove a prescription first (`nmes remove N`), or name the number of one "
        "to replace"
    ),
    "worn": "did not take what was written: {asked}; expected {bound}",
    "worn_out": "is worn out: {asked} of it take nothing; needed is {bound}",
    "no_store": "of this board has {asked} for prescriptions; needed is {bound}",
    "other_digest": "is {asked}…, not {bound}: it was damaged on the way, push it again",
    "not_begun": "has {asked} and no beginning: expected is {bound}",
    "out_of_order": "is {asked}; the next piece begins at {bound}: push it again",
    "wrong_length": "has {asked}; this piece has to have {bound}: push it again",
    "incomplete": "that arrived are {asked}; announced were {bound}: push it again",
    "other_token": "is {asked}; needed is {bound}",
    # the records of sessions, and how often a prescription may be run
    "not_recorded": (
        "cannot be recorded, and so nobody is armed: there is {asked}, needed {bound}: where the file system of a "
        "stock MicroPython is in the way, `nmes flash --make-files-anew` makes room (docs/records.md)"
    ),
    "no_records": "of this board are not kept: there are {asked}; needed is {bound}",
    "no_such_record": "is {asked}; records that no host has taken are on the device of {bound}: read them again",
    "other_record": "is {asked}…; the record on the device has {bound}…: read it again",
    "clock_unknown": (
        "is {asked}, and the device does not know what time it is, since its power was off; needed is {bound}: "
        "`nmes status` says it"
    ),
    "too_soon_again": "does not allow {asked} yet; it may begin {bound}",
    "too_many": "does not allow {asked} yet; it may begin {bound}",
    "all_done": "is {bound}, and {asked} were done: ask whoever wrote the prescription",
    "before_its_days": "is {bound}, and it is {asked} by the device's clock (UTC): it may not be run yet",
    "after_its_days": "is {bound}, and it is {asked} by the device's clock (UTC): it may not be run any more",
    # the lock
    "unsigned": (
        "is missing: a locked device takes `{asked}` only {bound}. Give --key FILE where the verb has it, or push a "
        "file with the signature that `nmes sign` wrote beside it; `nmes run --prescription N` runs what it keeps"
    ),
    "wrong_signature": "is not {bound}: it was made for something else, or changed since; nothing was changed",
    "sign_later": "of `{asked}` is looked at again {bound}; nothing was changed",
    "counter_used": "is {asked}, which was used already: a signature is taken once; sign again with {bound} or above",
    "counter_ahead": "is {asked}; the device takes at most {bound} next: sign it again",
    "key_lost": "cannot be right: the key of this device is damaged, and it stays locked; see docs/lock.md",
    "only_unlocked": "`{asked}` is not taken: the device is locked and runs what was signed as it is; needed: {bound}",
    "not_locked": "is {asked}: the device is open already",
    "not_a_key": "has {asked} that are a key's; it needs {bound}",
    "not_signable": "of `{asked}` cannot be signed; needed are {bound}",
    # the calibration
    "not_measured": "is {asked}, which measures nothing; needed is {bound}",
    "calibration": (
        "that the device keeps is not applied ({asked}), and nobody is armed; needed is {bound}: nmes calibrate --undo"
    ),
    "no_resistor": "is {asked}; possible is {bound}",
    "nothing_flows": "is {asked} in the first phase; needed is {bound}: is the resistor on this channel?",
    "other_resistor": "is {asked} by what the device senses of voltage and current; it was said to be {bound}",
    "not_symmetric": "differs by {asked} between the two phases; expected {bound}: the stage is to be mended",
    "leaks": "says that {asked} flow between the pulses; expected {bound}: a switch does not open",
    "other_voltage": "is {asked}; the device senses {bound}",
    "not_linear": "is {asked}; expected is {bound}: read it again, and if it stays so the stage is to be mended",
    "not_verified": (
        "is off by {asked}; expected {bound}. The calibration before is in force again; the readings are forgotten"
    ),
    "no_answer": "is missing: {asked}; needed is {bound}",
    "not_connected": "is {asked}; needed is {bound}",
    # the days of a prescription
    "too_early": (
        "is {bound}, and today is {asked} by this computer's date: it may not be run yet; "
        "ask whoever wrote it, or change its dates"
    ),
    "too_late": (
        "is {bound}, and today is {asked} by this computer's date: it may not be run any more; "
        "ask whoever wrote it, or change its dates"
    ),
}
# Of a code that these tools do not know.
OTHERWISE = "is refused with the code {code}: asked was {asked}, expected is {bound}"

# What people call a parameter that no key of a prescription names.
NAMES = {
    "irms_ua": "r.m.s. current",
    "density_rms_ua_per_cm2": "r.m.s. current density",
    "iavg_ua": "average current",
    "phase_charge_nc": "charge of a phase",
    "power_density_uw_per_cm2": "power density",
    "energy_uj": "energy of a pulse",
    "shannon_k_x100": "Shannon's k",
    "voltage_mv": "voltage",
    "compliance_mv": "open-circuit voltage",
    "net_dc_na": "net direct current",
    "current_ua": "intensity",
    "step_ua": "--step",
    "programme_crc": "checksum of the programme",
    "unix_s": "time",
}

# The unit of a parameter by the end of its name: (for people, how many of the parameter's own make one).
UNITS = {
    "_uw_per_cm2": ("mW/cm2", 1_000),
    "_ua_per_cm2": ("mA/cm2", 1_000),
    "_ua": ("mA", 1_000),
    "_na": ("uA", 1_000),
    "_nc": ("uC", 1_000),
    "_mv": ("V", 1_000),
    "_uj": ("mJ", 1_000),
    "_mhz": ("Hz", 1_000),
    "_us": ("us", 1),
    "_ms": ("s", 1_000),
    "_s": ("s", 1),
    "_mm2": ("cm2", 100),
    "_ppm": ("ppm", 1),
    "_x100": ("", 100),
}
# Parameters that number something: the word before the number.
NUMBERED = {"checklist": "version"}
# Parameters that count something, and what; "" where the sentence says it already.
COUNTED = {
    "at": "bytes",
    "back": "",
    "after": "",
    "after_session": "",
    "buzzer_volume": "",
    "bytes": "bytes",
    "channel": "",
    "counter": "",
    "current_offset": "counts",
    "dac_offset": "levels",
    "data": "bytes",
    "default_prescription": "",
    "language": "",
    "fault": "",
    "index": "",
    "items": "items",
    "key": "digits",
    "number": "",
    "session": "",
    "programme_crc": "",
    "token": "",
    "voltage_offset": "counts",
}

"""What each command does, for people: the documentation reads it, the device never does (see fault_words.py)."""

WORDS = {
    "identify": "Says what this is, the CRC-32 of this table, digests of firmware, board, stage and limits that "
    "run, what is kept of a calibration, the number of a new host, and what `locked` says.",
    "describe": "Serves one row of this table.",
    "status": "Says everything that changes.",
    "load": "Checks a programme and keeps it. Refused with every reason, and the one before stays.",
    "acknowledge": "Says that a person has read and confirmed every item of the checklist of this version, for one "
    "session.",
    "arm": "Gets ready at zero intensity. Needs a programme, the checklist and no fault.",
    "start": "Starts the programme, or goes on after a pause, at zero.",
    "intensity": "Sets the peak current of a channel. Down at once; up by at most 1 mA every 250 ms.",
    "adjust": "Sets rate and pulse width of the programme's phase that a channel is in, from the next pulse on that is "
    "not queued yet; from_pulse pulses of the channel come before it. Checked like a new programme, at the session's "
    "limit; when it is refused nothing changes. With current on, wider by at most the charge of a step of the "
    "intensity, faster to at most twice the rate, every 250 ms.",
    "pause": "Nothing after the running pulse; intensity is zero when it goes on.",
    "stop": "Ends the session: nothing after the running pulse. Always allowed.",
    "keepalive": "Says that the owner is there; any new request of it does.",
    "clear": "Clears the fault that the person has named. Refused while its cause is there.",
    "record": "Says what is kept of the fault that nobody has cleared; null without one.",
    "self_test": "Says what the last self-test found, up to the first check that failed; every arming makes one.",
    "run_self_test": "Makes the self-test as before arming and says what it found. What fails is a fault. Refused "
    "while the interlock is open, and with a chip on which nobody may be armed (`chip_unfit`).",
    "log": "Gives the record of the next session after one that no host has taken from the device (core/record.py); "
    "session 0: there is none.",
    "log_clear": "Says that a host has the records of all sessions up to this one, which it names by its number and "
    "the digest of its record: `log` does not give them again. What came after it stays. They count for the "
    "prescription's schedule until others are in their place.",
    "list": "Says which prescription is kept under the next higher number; number 0: none. Condition: whole, "
    "damaged (it does not read as it was written) or newer (a newer firmware wrote it).",
    "get": "Gives back a prescription that is kept, from byte `at` on, as much as fits, in base64.",
    "put": "Makes room for a prescription of so many bytes and with this SHA-256, which comes in pieces; number 0: "
    "the lowest that is free. What is kept under the number stays until put_end. It says too who went through the "
    "whole checklist of this version with the person, and when; version 0, 0 s and no name: that is not stated.",
    "put_piece": "The next bytes of it, in base64: piece_bytes, or all that are left.",
    "put_end": "Keeps it, if all has arrived, its SHA-256 is right, and its programme is accepted as load does. "
    "Only what this has answered is kept.",
    "remove": "Forgets a prescription that is kept.",
    "select": "Loads the programme of a prescription that is kept, as load does.",
    "clock": "Says what time it is, in seconds since 1970; was_s is what the device had taken it for, null if "
    "nothing. A clock that goes back is refused, unless back is 1.",
    "settings": "Says every setting that is kept (core/settings.py).",
    "set": "Sets one setting or more, all or none, and says all that are kept then. A programme that is loaded is "
    "forgotten.",
    "locked": "Says by which key the device is locked, as the first digits of its SHA-256 (empty: by none; lost: by "
    "one that is damaged), the next counter, and how long after a wrong signature none is looked at.",
    "lock": "Locks the device with a clinic's key, 64 hexadecimal digits, or with another one than before. Nothing "
    "says the key again. A programme that is loaded is forgotten.",
    "unlock": "Takes the lock away; the counter goes on.",
    "calibration": "Says which rows correct the stage (core/calibration.py). Condition: none (the stage's own: "
    "never calibrated), whole (those that were measured, digest names them), or why what is kept is not applied and "
    "nobody is armed: damaged, newer, other_stage, other_board.",
    "calibrate": "Corrects the stage by these rows from now on, one for each channel by its number, and keeps them. "
    "A programme that is loaded is forgotten when they are others than those before.",
    "uncalibrate": "Forgets the rows that are kept: the stage's own are in force.",
    "zeros": "Says what the ADC has with nothing driven: sums of the counts of so many samples, of each channel's "
    "current sense and of the voltage sense.",
    "counts": "Says the channel's last pulse uncorrected: the DAC's codes, the ADC's counts in each phase and in "
    "the rest after them; null before the first.",
    "reset": "Back to the factory's settings and no prescription; faults, the pause after a session and the lock "
    "stay. Token 0 only asks for one; with that, the same host does one step after the other until none is left.",
    "maintenance": "Leaves the application for the MicroPython prompt. Refused while armed.",
    "bootloader": "Puts every output to rest, keeps what is to be kept, and restarts the chip into BOOTSEL, to be "
    "flashed.",
}

# What each version of the protocol (core/commands.py) brought. A command that is added keeps the version: an old host
# does not ask for it, and the CRC-32 of the table tells the two apart.
VERSIONS = {
    1: "The first.",
    2: "Hosts have numbers and sessions have owners: what changes something carries `host`. Lines have no spaces.",
    3: "What a channel does and delivered stands in `channels` alone, of the first channel too. `grain_ua` is "
    "`resolution_ua`.",
    4: "Sessions have fields of their own in `log` and `log_clear`, which clears up to any session that it names. "
    "`put` says who went through the checklist, and `list` has it.",
}
# The commands that version 1 had; all others came with SINCE or after it.
SINCE = 2
FIRST = (
    "acknowledge",
    "adjust",
    "arm",
    "clear",
    "describe",
    "identify",
    "intensity",
    "keepalive",
    "load",
    "maintenance",
    "pause",
    "record",
    "self_test",
    "start",
    "status",
    "stop",
)

# What a field of a request or of an answer means; its unit is the end of its name.
FIELDS = {
    "account": "what was delivered: counts as in `status`, and in `channels` the fields of an account of each",
    "acknowledged": "version of the checklist that a person has confirmed for the next session; 0: none",
    "after": "the number before the one that is asked for",
    "after_session": "number of the session before the one that is asked for",
    "arguments": "{name: [kind, least, most]}",
    "arrived": "bytes of the prescription that have arrived",
    "at": "the first byte",
    "at_ms": "when, since power on; null: never",
    "back": "1: the clock may go back",
    "board": "name of the board",
    "board_digest": "digest of the board's facts",
    "bytes": "length of the prescription",
    "calibration": "condition of what is kept of a calibration",
    "calibration_digest": "digest of the rows that are in force",
    "cancelled": "pulses that were queued and did not come",
    "channel": "number of the channel, from 0",
    "channels": "a list with a table for each channel that the programme uses; of `load`: `channel`, `pulses`, and "
    "`resolution_ua`, of which the intensity has to be a multiple",
    "charge_a_nc": "of all phases A",
    "charge_b_nc": "of all phases B",
    "checked_by": "who went through the checklist with the person when the prescription was put there; empty: not "
    "stated",
    "checked_unix_s": "when that was, seconds since 1970; null, in `put` 0: not known",
    "checked_version": "the version of that checklist; 0: not stated",
    "checklist": "version of the checklist",
    "code_a": "code of the DAC for phase A",
    "code_b": "code of the DAC for phase B",
    "condition": "whether what is kept can be used",
    "contractions": "contractions that have begun",
    "count": "rows that there are; of `list`, prescriptions that are kept",
    "counter": "the next counter of a signature; signing, the one that it was made with",
    "current": "a list with a sum of counts for each channel",
    "current_a": "counts of the current sense in phase A",
    "current_b": "counts of the current sense in phase B",
    "current_least_ua": "the least peak current of a pulse",
    "current_mean_ua": "mean of the peak currents",
    "current_most_ua": "the largest peak current of a pulse",
    "current_rest": "counts of the current sense after the pulse",
    "current_ua": "peak current of a channel",
    "data": "a piece of the prescription, in base64",
    "delivered": "pulses that have begun",
    "device": "always opennmes",
    "digest": "SHA-256, hexadecimal; of a calibration its digest",
    "duration_ms": "how long the programme takes without pauses",
    "elapsed_ms": "how far the programme is; pauses do not count",
    "ended": "why the last session ended; empty: none has",
    "fault": "number of the fault, 0: none; see faults.md",
    "fault_text": "what happened, in the firmware's words",
    "fields": "names of the answer's fields",
    "firmware": "digest of the firmware's sources",
    "free": "numbers that no prescription has",
    "from_pulse": "pulses of the channel, counted from the session's begin, that come as they were before",
    "full_mv": "the signal that fills the bar: twice the threshold, or all that the input says at most",
    "host": "number of the host; in `identify` the new one",
    "impedance_first_ohm": "the first load that was measured; 0: none",
    "impedance_last_ohm": "the last load that was measured",
    "impedance_least_ohm": "the least load that was measured",
    "impedance_most_ohm": "the largest load that was measured",
    "impedance_ohm": "load of the channel as measured last; 0: not yet",
    "index": "number of the row, from 0",
    "intensity_ua": "peak current that is set; in `record` a list, one for each channel that the programme used",
    "items": "number of items that were confirmed",
    "key": "the clinic's key, hexadecimal",
    "largest_current_ua": "the peak current that the session may have at most",
    "largest_source": "which limit says so",
    "left": "steps that are left; null: none was made",
    "limit_source": "which limit says so",
    "limit_ua": "the peak current that the session may have at most",
    "limits_digest": "digest of the limits in force",
    "locked": "what it needs on a locked device: free, signed or never",
    "locked_by": "the first digits of the SHA-256 of the clinic's key; empty: not locked",
    "measured": "pulses that were measured",
    "measured_ua": "peak current of the last pulse as measured, the mean of its phases; null: nothing measures",
    "micropython": "version of MicroPython",
    "missed": "pulses that were delivered and not measured",
    "name": "name of the command; in `identify` that of the device",
    "newest": "number of the last session; 0: none",
    "net_charge_nc": "of the last second, phase A less phase B",
    "number": "number under which a prescription is kept",
    "output_ua": "peak current of the last pulse that was queued: intensity, ramps and fade",
    "page": "the session's record, in base64; empty where it cannot be read",
    "page_digest": "the first 16 bytes of the SHA-256 of a record, hexadecimal",
    "part": "work, rest or done; wait, relax or try while a contraction waits for its person",
    "passed": "whether every check has passed; null: none was made",
    "phase": "name of the programme's phase that runs",
    "piece_bytes": "length of a piece",
    "programme": "the programme, see below",
    "programme_crc": "CRC-32 of the loaded programme's canonical text; 0: none",
    "protocol": "version of the protocol",
    "pulses": "pulses that the channel gets, where the programme counts them; else 0",
    "queued": "pulses that were given to the pulse engine",
    "rate_mhz": "pulses a second",
    "rest_most_ua": "the most that flowed after a pulse",
    "results": "a list of [fault, passed, found, expected]",
    "rows": "{number of the channel as a text: row}, see core/calibration.py",
    "samples": "how many samples were added up",
    "session": "number of a session, from 1; 0: none",
    "sessions_left": "sessions until a record is overwritten that no host has taken",
    "settings": "{setting: value}, see below",
    "signal_mv": "what the biofeedback input says; null while it is not looked at, or does not count",
    "skipped": "times that nothing came within the trigger's time",
    "source": "signal, switch or edge",
    "stage": "name of the output stage",
    "stage_digest": "digest of the stage's facts",
    "state": "IDLE, ARMED, RUNNING, PAUSED or FAULT; in `record` the state before the fault",
    "states": "states in which it is possible",
    "table": "CRC-32 of the table of commands",
    "taken": "the last session whose record a host has taken; 0: none",
    "threshold_mv": "what the signal has to reach; null while it is not known",
    "title": "the prescription's title",
    "token": "number that confirms a reset; 0 asks for one",
    "tries": "tries that the threshold is learned from which are over",
    "trigger": "what starts the contractions, in a session where that is not time",
    "uid": "unique id of the chip, hexadecimal",
    "underruns": "times that the pulse engine waited because nothing was queued",
    "unix_s": "seconds since 1970; null: not known",
    "version": "version of the firmware",
    "voltage": "sum of the counts of the voltage sense",
    "voltage_a": "counts of the voltage sense in phase A",
    "voltage_b": "counts of the voltage sense in phase B",
    "wait_ms": "how long no signature is looked at",
    "was_s": "the clock before, seconds since 1970; null: not known",
    "who": "who may send it: host or anybody",
    "width_a_us": "width of phase A",
    "width_b_us": "width of phase B",
    "width_us": "width of a pulse's first phase",
}

# What each setting means (core/settings.py).
SETTINGS = {
    "device_name": "what the device is called, for --port too",
    "own_max_0_ua": "the person's own maximum on channel 0; it only tightens",
    "own_max_1_ua": "the person's own maximum on channel 1; it only tightens",
    "buzzer_volume": "how loud the buzzer is; never silent",
    "default_prescription": "the prescription that the panel offers first; 0: the one with the lowest number",
    "language": "what the panel speaks; 0: English, 1: German",
}
# What each key of a calibration's row means (core/calibration.py).
ROW = {
    "dac_gain_ppm": "how much larger codes have to be than levels",
    "dac_offset": "the DAC's code that delivers nothing",
    "current_gain_ppm": "how much more current a count of the current sense is",
    "current_offset": "counts of the current sense without a current",
    "voltage_gain_ppm": "how much more voltage a count of the voltage sense is",
    "voltage_offset": "counts of the voltage sense without a voltage",
}

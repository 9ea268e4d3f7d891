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
    "while the interlock (the safe line) is open.",
    "list": "Says which prescription is kept under the next higher number; number 0: none. Condition: whole, "
    "damaged (it does not read as it was written) or newer (a newer firmware wrote it).",
    "get": "Gives back a prescription that is kept, from byte `at` on, as much as fits, in base64.",
    "put": "Makes room for a prescription of so many bytes and with this SHA-256, which comes in pieces; number 0: "
    "the lowest that is free. What is kept under the number stays until put_end.",
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

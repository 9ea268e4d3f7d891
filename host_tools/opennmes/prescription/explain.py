"""Reasons of a refusal, in the words and units of the prescription file."""

from __future__ import annotations

from typing import Any

from opennmes.prescription.keys import QUANTITIES, in_file_unit

_NAMES = {quantity.field: (key, quantity) for key, quantity in QUANTITIES.items()}

# What no key of the file says: parameter: (name, unit, how many of the parameter's unit make one)
_FIGURES = {
    "irms_ua": ("r.m.s. current", "mA", 1000),
    "density_rms_ua_per_cm2": ("r.m.s. current density", "mA/cm2", 1000),
    "iavg_ua": ("average current", "mA", 1000),
    "phase_charge_nc": ("charge of a phase", "uC", 1000),
    "power_density_uw_per_cm2": ("power density", "mW/cm2", 1000),
    "energy_uj": ("energy of a pulse", "mJ", 1000),
    "shannon_k_x100": ("Shannon's k", "", 100),
    "voltage_mv": ("voltage", "V", 1000),
    "compliance_mv": ("open-circuit voltage", "V", 1000),
    "net_dc_na": ("net direct current", "uA", 1000),
    "current_ua": ("intensity", "mA", 1000),
    "step_ua": ("--step", "mA", 1000),
}

_PHRASES = {
    "below_range": "is {asked}; it has to be at least {bound}",
    "above_range": "is {asked}; it may be at most {bound}",
    "ramps_do_not_fit": "is {asked}, but its ramps alone take {bound}",
    "rest_without_work": "is {asked}, but a phase without work_s is continuous and has no rest",
    "work_does_not_fit": "is {asked}, but one train lasts {bound}",
    "pulse_does_not_fit": "is {asked}; with pulses this long at most {bound} is possible",
    "rest_too_short": (
        "is {asked}; above 12 Hz a motor programme has to rest at least half as long as it works, here {bound}"
    ),
    "no_rest_at_end": (
        "is {asked} between the last work of this phase and the next phase; above 12 Hz a motor programme has to rest "
        "at least half as long as it works, here {bound}"
    ),
    "trains_overlap": "is {asked}; the last pulse of a train ends after it, so {bound} is the least",
    "continuous_motor": "is {asked}; a motor programme without rest may have at most {bound}",
    "session_time": "is {asked} for the whole session; at most {bound} is allowed",
    "stage_current": "is {asked}; the output stage delivers at most {bound}",
    "board_current": "is {asked}; the board allows at most {bound}",
    "dummy_only": "is {asked}; here nobody may be connected, so it has to be {bound}",
    "electrode_current": "is {asked}; the electrode may have at most {bound}",
    "above_limit": "is {asked}; at most {bound} is allowed",
    "step_too_large": "is {asked}; in one step at most {bound} is possible",
    "step_too_soon": "would be {asked}, too soon after the last step; possible is {bound}",
    "not_representable": "is {asked}, which cannot be delivered exactly; the nearest that can are {bound}",
    "not_acknowledged": "has to be confirmed first: {bound}",
    "without_change": 'is {asked}, but the phase does not say how: change = "sweep" or "alternate"',
    "burst_and_change": "is {asked}; a phase has bursts or a change, not both",
    "change_of_nothing": 'is "{asked}"; give frequency_to_hz or pulse_width_to_us too',
    "bursts_overlap": "is {asked}; with these pulses at most {bound} is possible",
    "pulses_do_not_fit": (
        "is {asked}; at most {bound} fit into a train, where another phase follows with the interval after the last"
    ),
    "second_phase_too_long": "is {asked}; with pulses this wide at most {bound} is possible (1000 us)",
    "ratios_differ": "of a channel's phases need a common multiple; theirs is {asked}, possible is {bound}",
    **dict.fromkeys(
        ("rms_sum", "average_sum", "power_sum", "net_dc_sum"),
        "of both channels together would be {asked}; the limit is {bound}",
    ),
    "no_such_channel": "is {asked}; the output stage has channels up to {bound}",
    "not_plain": "is {asked}; adjusted can only be {bound}",
    "exact_number": "would be {asked}; trains of an exact number of pulses keep their {bound}",
    "wider_than_guarded": "would be {asked}; the guard cuts phases of this session after {bound}",
    "narrower_than_sampled": "would be {asked}; phases of this session are sampled for at least {bound}",
    "nothing_left": "is {asked}, but there is no pulse left that could have it; needed is {bound}",
    "twice": "is {asked} more than once; each channel can be given once",
    "channel_not_used": "is {asked}; the prescription uses {bound}",
    "not_one_each": "has {asked}; it needs {bound}",
    "more": "are not all here: there are {asked}, {bound}",
    "too_large": "is too long for a line of the link: {asked}; at most {bound}",
    "locked_out": "would be {asked}; possible {bound}",
    "self_test": "has failed in the device's self-test: {asked}, expected {bound}",
    "not_kept": "is there now, because what is kept could not be written ({asked}); it needs {bound}",
    "cause_there": "is still there: {asked}, expected {bound}",
    "too_large_to_keep": "is {asked}; a device keeps at most {bound}",
    "not_there": "{asked} is not in use on the device; needed is {bound}",
    "damaged": "{asked} is damaged on the device: remove it, and push its file again",
    "newer": "{asked} was written by a newer firmware and is left alone; flash that firmware, or use another number",
    "full": "is none that is free: remove a prescription first, or name the number of one to replace",
    "worn": "did not take what was written: {asked}; expected {bound}",
    "worn_out": "is worn out: {asked} of it take nothing; needed is {bound}",
    "no_store": "of this board has {asked} for prescriptions; needed is {bound}",
    "other_digest": "is {asked}…, not {bound}: it was damaged on the way, push it again",
    "no_memory": "is {asked}; possible is {bound}",
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
    "too_early": (
        "is {bound}, and today is {asked} by this computer's date: it may not be run yet; "
        "ask whoever wrote it, or change its dates"
    ),
    "too_late": (
        "is {bound}, and today is {asked} by this computer's date: it may not be run any more; "
        "ask whoever wrote it, or change its dates"
    ),
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
    "not_a_key": "has {asked} digits that are a key's; it needs {bound}",
    "not_signable": "of `{asked}` cannot be signed; needed are {bound}",
    "unused": "is given, but every channel has phases of its own",
    "missing": "is missing",
    "unknown": "is not known",
}
_OTHERWISE = "would be {asked}; the limit is {bound}"


def explain(reason: dict[str, Any]) -> str:
    """One line for a reason: where, what was asked, what would have been accepted, and who says so."""
    parameter = str(reason["parameter"])
    name, asked = _in_words(parameter, reason["asked"])
    _, bound = _in_words(parameter, reason["bound"])
    phrase = _PHRASES.get(reason["code"], _OTHERWISE).format(asked=asked, bound=bound)
    where = f'phase "{reason["phase"]}": ' if reason["phase"] else ""
    return f"{where}{name} {phrase} ({reason['source']})"


def _in_words(parameter: str, value: object) -> tuple[str, str]:
    table, dot, field = parameter.rpartition(".")
    if field in _NAMES:
        key, quantity = _NAMES[field]
        return table + dot + key, in_file_unit(quantity, value) if isinstance(value, int) else str(value)
    if field in _FIGURES:
        name, unit, per_unit = _FIGURES[field]
        return name, f"{value / per_unit:.6g} {unit}".strip() if isinstance(value, int) else str(value)
    return parameter, str(value)

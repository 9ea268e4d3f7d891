"""Output limits: how much current a programme may use, for its electrode, its output stage and its board.

The waveform is a rectangular biphasic pulse of peak current I, width w of phase A and rate f into 500 ohm; phase B is r
times as long and I / r strong, so both have the same charge. The electrode has an active area A (the smaller of the
two). All comparisons are exact: both sides are integers, multiplied out so that nothing is divided. Where rate and
width change from pulse to pulse, or pulses come in bursts, w f is the mean over the worst second inside a train
(Phase.duty), and w alone the widest. Sources of the numbers are in docs/safety.md; no conformity with any standard is
claimed.

    r.m.s. current           Irms = I * sqrt(w f (1 + 1/r)), inside the train, never averaged over the rest after it
    r.m.s. current density   Irms / A      (pads: A / 2, because half a pad may have come off)
    average absolute current I * 2 w f
    phase charge             Q = I * w     (uA * us = pC)
    charge density           Q / A         (shown; judged by Shannon's k)
    power density            Irms^2 * 500 ohm / A      (pads: A / 2)
    energy of a pulse        I^2 * 500 ohm * w (1 + 1/r)
    Shannon's k              log10(Q) + log10(Q / A), in uC and cm^2; probes are refused, for pads it is a warning
    net direct current       I * w f * d, with the stage's declared imbalance d between the charges of both phases

Of two channels each has to keep all of this, and together they have to keep it too: the sums of their r.m.s. currents,
average currents, powers and net direct currents, each at the strongest of its phases, have the limits of one channel.
"""

import math

from nmes.core.phase import DUMMY
from nmes.core.reason import Reasons, reason

LOAD_OHM = 500

# Each limit once: the number, its unit in the name, and where it was chosen from.
IRMS_MAX_UA = 50_000
IAVG_MAX_UA = 10_000
DENSITY_RMS_MAX_UA_PER_CM2 = 2_000
POWER_DENSITY_MAX_UW_PER_CM2 = 250_000
ENERGY_MAX_UJ = 300_000
CHARGE_MAX_NC = 25_000
CHARGE_BASE_NC = 20_000  # the width-dependent limit is 20 uC + 28 uC per ms of phase width
CHARGE_PER_US_NC = 28
SHANNON_K_MAX_X100 = 185
_TEN_TO_SHANNON_K_X10E6 = 70_794_578  # 10 ** 1.85 = 70.7945784…, rounded down
NET_DC_MAX_NA = 10_000
OPEN_VOLTAGE_MAX_MV = 80_000
CURRENT_MAX_UA = 100_000
MOTOR_SESSION_MAX_MS = 30 * 60_000
SENSORY_SESSION_MAX_MS = 60 * 60_000
CONTINUOUS_MOTOR_RATE_MAX_MHZ = 12_000  # above it a motor programme must rest at least half as long as it works

_IEC = "chosen from IEC 60601-2-10 (500 ohm)"
_IEC_1 = "chosen from IEC 60601-1, patient auxiliary current"
_DENSITY = "2 mA/cm2 r.m.s. for this electrode"
_DENSITY_PADS = "2 mA/cm2 r.m.s. with half a pad lifted"
_FDA = "chosen from the FDA 1999 guidance and 2010 draft"
_SHANNON = "Shannon 1992, k below 1.85"
_OURS = "OpenNMES limit"
_ENVELOPE = "OpenNMES envelope"
_ELECTRODE = "the electrode's own maximum"
PERSON = "the person's own maximum"
OWN = "the person's own maximum on channel %d, kept on the device"
_PRESCRIPTION = "the prescription"


def with_board(stage, board):
    """The facts of a stage (boards/stages) with what the board that drives it allows: its ceiling, and whether it is
    for resistors alone."""
    made = dict(stage, board=board["name"], board_max_current_ua=board["max_current_ua"])
    if board.get("dummy_only"):
        made["dummy_only"] = 1
    return made


def _area_mm2_x2(programme):
    """Twice the area that counts: pads are judged as if half had come off."""
    return programme.area_mm2 * (1 if programme.kind == "pads" else 2)


# ---- the quantities, each an exact fraction: (numerator, denominator) ----


def _rms_square(phase, current_ua):
    """Irms^2 in uA^2."""
    return current_ua * current_ua * phase.duty * (phase.ratio + 1), 1_000_000_000 * phase.ratio


def _average(current_ua, duty):
    """In uA."""
    return current_ua * 2 * duty, 1_000_000_000


def _power_density(rms_square, area_mm2_x2):
    """In uW/cm^2: uA^2 * 1e-6 * 500 ohm / (area_mm2_x2 / 200)."""
    return 200 * rms_square[0] * LOAD_OHM, area_mm2_x2 * 1_000_000 * rms_square[1]


def _net_dc(current_ua, duty, imbalance_ppm):
    """In nA: uA * duty * 1e-9 * ppm * 1e-6 * 1e3."""
    return current_ua * duty * imbalance_ppm, 10**12


def exact(phase, current_ua, area_mm2, area_mm2_x2):
    """The quantities of the module's docstring for one phase, as fractions, but for the net direct current. Of an
    r.m.s. it is the square, and for Shannon's k it is 10^k times 10^6. `area_mm2_x2`: twice the area at work, for the
    densities of current and power."""
    rms_square = _rms_square(phase, current_ua)
    charge_pc = current_ua * phase.widest_us
    return {
        "irms_ua": rms_square,
        # the area is area_mm2_x2 / 200 cm^2
        "density_rms_ua_per_cm2": (40_000 * rms_square[0], area_mm2_x2 * area_mm2_x2 * rms_square[1]),
        "iavg_ua": _average(current_ua, phase.duty),
        "phase_charge_nc": (charge_pc, 1_000),
        "charge_density_nc_per_cm2": (charge_pc, 10 * area_mm2),
        "power_density_uw_per_cm2": _power_density(rms_square, area_mm2_x2),
        "energy_uj": (current_ua * current_ua * LOAD_OHM * phase.widest_us * (phase.ratio + 1), 10**12 * phase.ratio),
        # Q^2 / A in uC^2/cm^2: pC^2 * 1e-12 / (mm^2 / 100)
        "shannon_k_x100": (charge_pc * charge_pc, 10_000 * area_mm2),
    }


def _above(fraction, bound):
    return fraction[0] > bound * fraction[1]


def _broken(programme, stage, phase, current_ua):
    """The limits of the output itself that `current_ua` would break in `phase`: (code, parameter, bound, source)."""
    exactly = exact(phase, current_ua, programme.area_mm2, _area_mm2_x2(programme))
    found = []
    if _above(exactly["irms_ua"], IRMS_MAX_UA * IRMS_MAX_UA):
        found.append(("rms_current", "irms_ua", IRMS_MAX_UA, _IEC))
    if _above(exactly["density_rms_ua_per_cm2"], DENSITY_RMS_MAX_UA_PER_CM2 * DENSITY_RMS_MAX_UA_PER_CM2):
        source = _DENSITY_PADS if programme.kind == "pads" else _DENSITY
        found.append(("rms_current_density", "density_rms_ua_per_cm2", DENSITY_RMS_MAX_UA_PER_CM2, source))
    if _above(exactly["iavg_ua"], IAVG_MAX_UA):
        found.append(("average_current", "iavg_ua", IAVG_MAX_UA, _FDA))
    # The wider the pulse, the sooner: where a narrow one could break this limit, more than 28 mA, a wide one does.
    formula_nc = CHARGE_BASE_NC + CHARGE_PER_US_NC * phase.widest_us
    if _above(exactly["phase_charge_nc"], formula_nc):
        found.append(("phase_charge", "phase_charge_nc", formula_nc, _FDA))
    if _above(exactly["phase_charge_nc"], CHARGE_MAX_NC):
        found.append(("phase_charge_cap", "phase_charge_nc", CHARGE_MAX_NC, _OURS))
    if _above(exactly["power_density_uw_per_cm2"], POWER_DENSITY_MAX_UW_PER_CM2):
        found.append(("power_density", "power_density_uw_per_cm2", POWER_DENSITY_MAX_UW_PER_CM2, _FDA))
    if _above(exactly["energy_uj"], ENERGY_MAX_UJ):
        found.append(("pulse_energy", "energy_uj", ENERGY_MAX_UJ, _IEC))
    if programme.kind == "probe" and _above(exactly["shannon_k_x100"], _TEN_TO_SHANNON_K_X10E6):
        found.append(("shannon", "shannon_k_x100", SHANNON_K_MAX_X100, _SHANNON))
    if _above(_net_dc(current_ua, phase.duty, stage["imbalance_ppm"]), NET_DC_MAX_NA):
        found.append(("net_dc", "net_dc_na", NET_DC_MAX_NA, _IEC_1))
    return found


def _squares(programme, current_ua):
    """Of each channel the square of its largest r.m.s. current, in uA^2 times `by`; and `by`."""
    common = 1
    for channel in programme.channels:
        common *= channel.ratio
    return [
        max([_rms_square(phase, current_ua)[0] * common // phase.ratio for phase in channel.phases])
        for channel in programme.channels
    ], 1_000_000_000 * common


def _duties(programme):
    """The sum of every channel's largest duty."""
    return sum([max([phase.duty for phase in channel.phases]) for channel in programme.channels])


def _sums_broken(programme, stage, current_ua):
    """The limits that both channels together would break. Channels count as on at once even when they take turns."""
    if len(programme.channels) < 2:
        return []
    (one, other), by = _squares(programme, current_ua)
    duty = _duties(programme)
    found = []
    # sqrt(a) + sqrt(b) <= M, without roots: 2 sqrt(a b) <= M^2 - a - b
    left = IRMS_MAX_UA * IRMS_MAX_UA * by - one - other
    if left < 0 or 4 * one * other > left * left:
        found.append(("rms_sum", "irms_ua", IRMS_MAX_UA, _IEC))
    if _above(_average(current_ua, duty), IAVG_MAX_UA):
        found.append(("average_sum", "iavg_ua", IAVG_MAX_UA, _FDA))
    if _above(_power_density((one + other, by), _area_mm2_x2(programme)), POWER_DENSITY_MAX_UW_PER_CM2):
        found.append(("power_sum", "power_density_uw_per_cm2", POWER_DENSITY_MAX_UW_PER_CM2, _FDA))
    if _above(_net_dc(current_ua, duty, stage["imbalance_ppm"]), NET_DC_MAX_NA):
        found.append(("net_dc_sum", "net_dc_na", NET_DC_MAX_NA, _IEC_1))
    return found


def _output_broken(programme, stage, current_ua):
    """Every limit of the output that `current_ua` would break: (code, parameter, bound, source, phase or None)."""
    found = [(broken, None) for broken in _sums_broken(programme, stage, current_ua)]
    for phase in programme.phases:
        found += [(broken, phase) for broken in _broken(programme, stage, phase, current_ua)]
    return found


def ceilings(programme, stage):
    """What each part can bear by itself, whatever the output: (code, parameter, largest current, source), in uA."""
    name = "output stage " + stage["name"]
    found = [
        ("above_range", "max_current_ua", CURRENT_MAX_UA, _ENVELOPE),
        ("stage_current", "max_current_ua", stage["full_scale_ua"], name),
        ("stage_voltage", "voltage_mv", stage["compliance_mv"] * 1000 // LOAD_OHM, name + " at 500 ohm"),
    ]
    if "board" in stage:
        found.append(("board_current", "max_current_ua", stage["board_max_current_ua"], "board " + stage["board"]))
    if programme.electrode_max_ua is not None:
        found.append(("electrode_current", "max_current_ua", programme.electrode_max_ua, _ELECTRODE))
    return found


def _tightest(rows):
    """The first of the smallest: (current_ua, source)."""
    best = rows[0]
    for row in rows:
        if row[0] < best[0]:
            best = row
    return best


def largest_current_ua(programme, stage):
    """The largest peak current that electrode, output, stage and board allow, and which of them forbids more.

    What the prescription and the person allow is left out, so it can be compared with. Returns (current_ua, source).
    """
    high, source = _tightest([(most_ua, source) for _, _, most_ua, source in ceilings(programme, stage)])
    if programme.kind == DUMMY or not _output_broken(programme, stage, high):
        return high, source
    low = 0  # is allowed, high is not
    while high - low > 1:
        middle = (low + high) // 2
        if _output_broken(programme, stage, middle):
            high = middle
        else:
            low = middle
    return low, _output_broken(programme, stage, high)[0][0][3]


def session_limit(programme, stage, own_most_ua=()):
    """How far the intensity may be raised in a session, and who says so: the tightest of all. (current_ua, source).

    `own_most_ua` is the person's own maximum on each channel, as the device keeps it; of the channels that are used the
    least counts for all, as every other limit does."""
    rows = [(programme.max_current_ua, _PRESCRIPTION)]
    if programme.person_max_ua is not None:
        rows.append((programme.person_max_ua, PERSON))
    rows.append(largest_current_ua(programme, stage))
    for channel in programme.channels:
        if channel.index < len(own_most_ua):
            rows.append((own_most_ua[channel.index], OWN % channel.index))
    return _tightest(rows)


def check(programme, stage, current_ua):
    """Every limit that `programme` breaks with a peak current of `current_ua` on `stage`.

    Returns a list of reasons, empty when all is allowed. For limits of the output `parameter` is the quantity that
    would be too large (see `figures`), `asked` what it would be and `bound` its limit.
    """
    reasons = Reasons()
    for code, parameter, most_ua, source in ceilings(programme, stage):
        if current_ua > most_ua:
            asked, bound = current_ua, most_ua
            if parameter == "voltage_mv":
                asked, bound = _up((current_ua * LOAD_OHM, 1_000)), stage["compliance_mv"]
            reasons.append(reason(code, parameter, asked, bound, source))
    reasons.extend(whatever_current(programme, stage))
    if programme.kind == DUMMY:
        return reasons  # nobody is connected: the stage is what has to bear it
    for (code, parameter, bound, source), phase in _output_broken(programme, stage, current_ua):
        if phase:
            asked = figures(programme, phase, current_ua, stage)[parameter]
        else:
            asked = sums(programme, current_ua, stage)[parameter]
        reasons.append(reason(code, parameter, asked, bound, source, phase.name if phase else None))
    return reasons


def whatever_current(programme, stage):
    """The limits that the programme breaks with any current, however small. Returns a list of reasons."""
    reasons = []
    if stage["compliance_mv"] > OPEN_VOLTAGE_MAX_MV:
        reasons.append(reason("open_voltage", "compliance_mv", stage["compliance_mv"], OPEN_VOLTAGE_MAX_MV, _OURS))
    for channel in programme.channels:
        if channel.index >= stage["channels"]:
            source = "output stage " + stage["name"]
            reasons.append(reason("no_such_channel", "channel", channel.index, stage["channels"] - 1, source))
    if programme.trigger:
        from nmes.core import trigger  # see programme.parse

        trigger.check_stage(reasons, stage, programme.trigger)
    if programme.kind == DUMMY:
        return reasons
    if not stage["for_people"]:
        reasons.append(reason("dummy_only", "electrode.kind", programme.kind, DUMMY, "output stage " + stage["name"]))
    elif stage.get("dummy_only"):
        reasons.append(reason("dummy_only", "electrode.kind", programme.kind, DUMMY, "board " + stage["board"]))
    motor = programme.effect == "motor"
    longest_ms = MOTOR_SESSION_MAX_MS if motor else SENSORY_SESSION_MAX_MS
    if programme.duration_ms > longest_ms:
        reasons.append(reason("session_time", "duration_ms", programme.duration_ms, longest_ms, _OURS))
    if motor:
        for phase in programme.phases:
            _check_rest(reasons, phase)
        for channel in programme.channels:
            for i in range(len(channel.phases) - 1):
                _check_rest_between(reasons, channel.phases[i], channel.phases[i + 1])
    return reasons


def _check_rest(reasons, phase):
    if phase.fastest_mhz <= CONTINUOUS_MOTOR_RATE_MAX_MHZ:
        return
    if not phase.work_ms:
        most_mhz = CONTINUOUS_MOTOR_RATE_MAX_MHZ
        reasons.append(reason("continuous_motor", "rate_mhz", phase.fastest_mhz, most_mhz, _OURS, phase.name))
    elif 2 * phase.rest_ms < phase.work_ms:
        least_ms = (phase.work_ms + 1) // 2
        reasons.append(reason("rest_too_short", "rest_ms", phase.rest_ms, least_ms, _OURS, phase.name))


def _check_rest_between(reasons, phase, after):
    """The last work of a phase has its rest too, when the next phase goes on above 12 Hz."""
    if min(phase.fastest_mhz, after.fastest_mhz) <= CONTINUOUS_MOTOR_RATE_MAX_MHZ or not phase.work_ms:
        return
    left_ms = phase.duration_ms - (phase.trains - 1) * phase.cycle_ms - phase.work_ms
    if 2 * left_ms < phase.work_ms:
        least_ms = (phase.work_ms + 1) // 2
        reasons.append(reason("no_rest_at_end", "rest_ms", left_ms, least_ms, _OURS, phase.name))


def warnings(programme, current_ua):
    """What is allowed and yet worth a person's attention: rows like reasons, which refuse nothing."""
    rows = []
    if programme.kind == "pads":
        for phase in programme.phases:
            ten_to_k = exact(phase, current_ua, programme.area_mm2, _area_mm2_x2(programme))["shannon_k_x100"]
            if _above(ten_to_k, _TEN_TO_SHANNON_K_X10E6):
                asked = _shannon_x100(ten_to_k)
                rows.append(reason("shannon", "shannon_k_x100", asked, SHANNON_K_MAX_X100, _SHANNON, phase.name))
    return rows


def figures(programme, phase, current_ua, stage=None):
    """The quantities of the module's docstring for one phase, as integers, rounded up so that none looks smaller.

    Densities are for the whole electrode, save the r.m.s. density and the power density of pads: half of it. Only
    for showing to people: limits are judged exactly, by `check`. Without a stage there is no net direct current.
    """
    found = exact(phase, current_ua, programme.area_mm2, _area_mm2_x2(programme))
    shown = {parameter: _up(found[parameter]) for parameter in found}
    for parameter in ("irms_ua", "density_rms_ua_per_cm2"):
        shown[parameter] = _root_up(shown[parameter])
    shown["shannon_k_x100"] = _shannon_x100(found["shannon_k_x100"])
    if stage:
        shown["net_dc_na"] = _up(_net_dc(current_ua, phase.duty, stage["imbalance_ppm"]))
    return shown


def sums(programme, current_ua, stage):
    """What all channels have together, each at its strongest phase, as integers, rounded up."""
    squares, by = _squares(programme, current_ua)
    duty = _duties(programme)
    return {
        "irms_ua": sum([_root_up(_up((square, by))) for square in squares]),
        "iavg_ua": _up(_average(current_ua, duty)),
        "power_density_uw_per_cm2": _up(_power_density((sum(squares), by), _area_mm2_x2(programme))),
        "net_dc_na": _up(_net_dc(current_ua, duty, stage["imbalance_ppm"])),
    }


def _up(fraction):
    return -(-fraction[0] // fraction[1])


def _root_up(value):
    """The smallest integer whose square is at least `value`, by Newton's method from above."""
    if value < 2:
        return value
    root = value
    while True:
        better = (root + value // root) // 2
        if better >= root:
            return root if root * root >= value else root + 1
        root = better


def _shannon_x100(ten_to_k):
    """Shannon's k times 100, rounded up: floating point, because nothing is decided by it."""
    value, by = ten_to_k
    return math.ceil(100 * (math.log10(value / by) - 6)) if value else 0

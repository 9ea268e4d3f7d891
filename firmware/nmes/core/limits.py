"""Output limits: how much current a programme may use, for its electrode and its output stage.

The waveform is a rectangular biphasic pulse of peak current I, width w of phase A and rate f into 500 ohm; phase B is r
times as long and I / r strong, so both have the same charge. The electrode has an active area A (the smaller of the
two). All comparisons are exact: both sides are integers, multiplied out so that nothing is divided. Where rate and
width change from pulse to pulse, w f is the largest product that any pulse has, and w alone the widest. Sources of the
numbers are in docs/safety.md; no conformity with any standard is claimed.

    r.m.s. current           Irms = I * sqrt(w f (1 + 1/r)), inside the train or burst, never averaged over its rests
    r.m.s. current density   Irms / A      (pads: A / 2, because half a pad may have come off)
    average absolute current I * 2 w f
    phase charge             Q = I * w     (uA * us = pC)
    charge density           Q / A
    power density            Irms^2 * 500 ohm / A
    energy of a pulse        I^2 * 500 ohm * w (1 + 1/r)
    Shannon's k              log10(Q) + log10(Q / A), in uC and cm^2

Of two channels each has to keep all of this, and the sum of both r.m.s. currents that of one.
"""

import math

from nmes.core.phase import DUMMY
from nmes.core.reason import reason

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
SHANNON_K_PROBE_MAX_X100 = 185
_TEN_TO_SHANNON_K_X10E6 = 70_794_578  # 10 ** 1.85 = 70.7945784…, rounded down
OPEN_VOLTAGE_MAX_MV = 80_000
MOTOR_SESSION_MAX_MS = 30 * 60_000
SENSORY_SESSION_MAX_MS = 60 * 60_000
CONTINUOUS_MOTOR_RATE_MAX_MHZ = 12_000  # above it a motor programme must rest at least half as long as it works

_IEC = "chosen from IEC 60601-2-10 (500 ohm)"
_DENSITY = "2 mA/cm2 r.m.s. for this electrode"
_DENSITY_PADS = "2 mA/cm2 r.m.s. with half a pad lifted"
_FDA = "chosen from the FDA 1999 guidance and 2010 draft"
_SHANNON = "Shannon 1992, k below 1.85"
_OURS = "OpenNMES limit"
_PRESCRIPTION = "the prescription"


def _area_mm2_x2(programme):
    """Twice the area that counts: pads are judged as if half had come off."""
    return programme.area_mm2 * (1 if programme.kind == "pads" else 2)


def _broken(programme, phase, current_ua):
    """The limits of the output itself that `current_ua` would break in `phase`: (code, parameter, bound, source)."""
    rms2_r = current_ua * current_ua * phase.duty * (phase.ratio + 1)  # uA^2, times 10^9 and ratio
    r = phase.ratio
    width_us = phase.widest_us
    charge_pc = current_ua * width_us
    area_x2 = _area_mm2_x2(programme)
    found = []
    if rms2_r > IRMS_MAX_UA * IRMS_MAX_UA * 1_000_000_000 * r:
        found.append(("rms_current", "irms_ua", IRMS_MAX_UA, _IEC))
    # Irms <= J A, with A in cm^2 = area_x2 / 200
    if 40_000 * rms2_r > (DENSITY_RMS_MAX_UA_PER_CM2 * area_x2) ** 2 * 1_000_000_000 * r:
        source = _DENSITY_PADS if programme.kind == "pads" else _DENSITY
        found.append(("rms_current_density", "density_rms_ua_per_cm2", DENSITY_RMS_MAX_UA_PER_CM2, source))
    if current_ua * 2 * phase.duty > IAVG_MAX_UA * 1_000_000_000:
        found.append(("average_current", "iavg_ua", IAVG_MAX_UA, _FDA))
    # The wider the pulse, the sooner: where a narrow one could break this limit, more than 28 mA, a wide one does.
    formula_nc = CHARGE_BASE_NC + CHARGE_PER_US_NC * width_us
    if charge_pc > formula_nc * 1000:
        found.append(("phase_charge", "phase_charge_nc", formula_nc, _FDA))
    if charge_pc > CHARGE_MAX_NC * 1000:
        found.append(("phase_charge_cap", "phase_charge_nc", CHARGE_MAX_NC, _OURS))
    # uW/cm^2: rms2 * 1e-9 uA^2 * 1e-6 * 500 ohm / (area_x2 / 200)
    if 200 * rms2_r * LOAD_OHM > POWER_DENSITY_MAX_UW_PER_CM2 * area_x2 * 10**15 * r:
        found.append(("power_density", "power_density_uw_per_cm2", POWER_DENSITY_MAX_UW_PER_CM2, _FDA))
    if current_ua * current_ua * LOAD_OHM * width_us * (r + 1) > ENERGY_MAX_UJ * 10**12 * r:
        found.append(("pulse_energy", "energy_uj", ENERGY_MAX_UJ, _IEC))
    # Q^2 / A in uC^2/cm^2: pC^2 * 1e-12 / (mm^2 / 100), against 10^k
    if programme.kind == "probe" and charge_pc**2 > _TEN_TO_SHANNON_K_X10E6 * programme.area_mm2 * 10**4:
        found.append(("shannon", "shannon_k_x100", SHANNON_K_PROBE_MAX_X100, _SHANNON))
    return found


def _sum_too_large(programme, current_ua):
    """Whether the r.m.s. currents of two channels, each at the strongest of its phases, are together too large."""
    if len(programme.channels) < 2:
        return False
    common = programme.channels[0].ratio * programme.channels[1].ratio
    squares = [  # of each channel's r.m.s. current, times 10^9 and `common`
        max([current_ua * current_ua * p.duty * (p.ratio + 1) * common // p.ratio for p in channel.phases])
        for channel in programme.channels
    ]
    # sqrt(a) + sqrt(b) <= M, without roots: 2 sqrt(a b) <= M^2 - a - b
    left = IRMS_MAX_UA * IRMS_MAX_UA * 1_000_000_000 * common - squares[0] - squares[1]
    return left < 0 or 4 * squares[0] * squares[1] > left * left


def _stage_broken(stage, current_ua):
    found = []
    if current_ua > stage["full_scale_ua"]:
        found.append(("stage_current", "max_current_ua", stage["full_scale_ua"], "output stage " + stage["name"]))
    if current_ua * LOAD_OHM > stage["compliance_mv"] * 1000:
        found.append(
            ("stage_voltage", "voltage_mv", stage["compliance_mv"], "output stage %s at 500 ohm" % stage["name"])
        )
    return found


def largest_current_ua(programme, stage):
    """The largest peak current that no limit of electrode, output or stage forbids, and which limit is the next.

    The prescription's own maximum is left out, so it can be compared with. Returns (current_ua, source).
    """

    def breaks(current_ua):
        found = _stage_broken(stage, current_ua)
        if programme.kind != DUMMY:
            for phase in programme.phases:
                found = found + _broken(programme, phase, current_ua)
            if _sum_too_large(programme, current_ua):
                found.append(("rms_sum", "irms_ua", IRMS_MAX_UA, _IEC))
        return found

    low, high = 0, stage["full_scale_ua"] + 1  # low is allowed, high is not
    while high - low > 1:
        middle = (low + high) // 2
        if breaks(middle):
            high = middle
        else:
            low = middle
    return low, breaks(high)[0][3]


def check(programme, stage, current_ua):
    """Every limit that `programme` breaks with a peak current of `current_ua` on `stage`.

    Returns a list of reasons, empty when all is allowed. For limits of the output `parameter` is the quantity that
    would be too large (see `figures`), `asked` what it would be and `bound` its limit.
    """
    reasons = []
    for code, parameter, bound, source in _stage_broken(stage, current_ua):
        asked = _up(current_ua * LOAD_OHM, 1_000) if parameter == "voltage_mv" else current_ua
        reasons.append(reason(code, parameter, asked, bound, source))
    if stage["compliance_mv"] > OPEN_VOLTAGE_MAX_MV:
        reasons.append(reason("open_voltage", "compliance_mv", stage["compliance_mv"], OPEN_VOLTAGE_MAX_MV, _OURS))
    for channel in programme.channels:
        if channel.index >= stage["channels"]:
            source = "output stage " + stage["name"]
            reasons.append(reason("no_such_channel", "channel", channel.index, stage["channels"] - 1, source))
    if programme.kind == DUMMY:
        return reasons  # nobody is connected: the stage is what has to bear it
    if _sum_too_large(programme, current_ua):
        asked = sum(
            [
                max([figures(programme, p, current_ua)["irms_ua"] for p in channel.phases])
                for channel in programme.channels
            ]
        )
        reasons.append(reason("rms_sum", "irms_ua", asked, IRMS_MAX_UA, _IEC))
    motor = programme.effect == "motor"
    longest_ms = MOTOR_SESSION_MAX_MS if motor else SENSORY_SESSION_MAX_MS
    if programme.duration_ms > longest_ms:
        reasons.append(reason("session_time", "duration_ms", programme.duration_ms, longest_ms, _OURS))
    for phase in programme.phases:
        for code, parameter, bound, source in _broken(programme, phase, current_ua):
            reasons.append(
                reason(code, parameter, figures(programme, phase, current_ua)[parameter], bound, source, phase.name)
            )
        if (
            motor
            and phase.fastest_mhz > CONTINUOUS_MOTOR_RATE_MAX_MHZ
            and (not phase.work_ms or 2 * phase.rest_ms < phase.work_ms)
        ):
            if phase.work_ms:
                least_ms = (phase.work_ms + 1) // 2
                reasons.append(reason("rest_too_short", "rest_ms", phase.rest_ms, least_ms, _OURS, phase.name))
            else:
                most_mhz = CONTINUOUS_MOTOR_RATE_MAX_MHZ
                reasons.append(reason("continuous_motor", "rate_mhz", phase.fastest_mhz, most_mhz, _OURS, phase.name))
    return reasons


def figures(programme, phase, current_ua):
    """The quantities of the module's docstring for one phase, as integers, rounded up so that none looks smaller.

    Densities are for the whole electrode, save the r.m.s. density and the power density of pads: half of it. Only
    for showing to people: limits are judged exactly, by `check`.
    """
    r = phase.ratio
    rms2_r = current_ua * current_ua * phase.duty * (r + 1)
    charge_pc = current_ua * phase.widest_us
    area_x2 = _area_mm2_x2(programme)
    irms_ua = _root_up(_up(rms2_r, 1_000_000_000 * r))
    return {
        "irms_ua": irms_ua,
        "density_rms_ua_per_cm2": _root_up(_up(40_000 * rms2_r, 1_000_000_000 * area_x2 * area_x2 * r)),
        "iavg_ua": _up(current_ua * 2 * phase.duty, 1_000_000_000),
        "phase_charge_nc": _up(charge_pc, 1_000),
        "charge_density_nc_per_cm2": _up(charge_pc, 10 * programme.area_mm2),
        "power_density_uw_per_cm2": _up(200 * rms2_r * LOAD_OHM, area_x2 * 10**15 * r),
        "energy_uj": _up(current_ua * current_ua * LOAD_OHM * phase.widest_us * (r + 1), 10**12 * r),
        "shannon_k_x100": _shannon_x100(charge_pc, programme.area_mm2),
    }


def _up(value, by):
    return -(-value // by)


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


def _shannon_x100(charge_pc, area_mm2):
    """Shannon's k times 100, rounded up: floating point, because nothing is decided by it."""
    if not charge_pc:
        return 0
    charge_uc = charge_pc / 1_000_000
    return math.ceil(100 * (2 * math.log10(charge_uc) - math.log10(area_mm2 / 100)))

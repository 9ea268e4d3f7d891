"""What was really delivered: has every measured pulse judged (core/verdict.py), and keeps a session's delivery report.

Sums are kept in the ADC's counts and within 30 bits, longer ones in two parts; units are made when somebody asks.
"""

from array import array

from nmes.core import faults, pulse, verdict
from nmes.core.calibration import Calibration
from nmes.core.compiler import const
from nmes.core.verdict import NEXT, OTHER, SLOT_MS, judge  # looked up in every iteration

COMPLIANCE_PERCENT = const(95)  # of what the stage can drive: an electrode is open from here on

IMPEDANCE_LEAST_UA = const(900)  # what a set 1 mA may be sensed as

NET_MAX_NC = const(10_000)  # 10 uA for a second

_FC_PER_NC = const(1_000_000)  # a microsecond of a nanoampere is a femtocoulomb
_NEVER = const(1 << 16)  # no reading is so large

# Where the last pulse stands in the state.
_SET_LEVEL_A = verdict.LAST + pulse.SET_LEVEL_A
_CURRENT_A = verdict.LAST + pulse.CURRENT_A
_VOLTAGE_A = verdict.LAST + pulse.VOLTAGE_A
_CURRENT_B = verdict.LAST + pulse.CURRENT_B
_VOLTAGE_B = verdict.LAST + pulse.VOLTAGE_B

# The fault of each verdict.
_FAULTS = (
    0,
    faults.IDLE_CURRENT,
    faults.ELECTRODE_OPEN,
    faults.ELECTRODE_SHORT,
    faults.CURRENT_MISMATCH,
    faults.NET_CHARGE,
)

ACCOUNT_FIELDS = (
    "measured",
    "missed",
    "charge_a_nc",
    "charge_b_nc",
    "current_mean_ua",
    "current_least_ua",
    "current_most_ua",
    "impedance_first_ohm",
    "impedance_last_ohm",
    "impedance_least_ohm",
    "impedance_most_ohm",
    "rest_most_ua",
)
# The last pulse as it was set and sensed, in the DAC's codes and the ADC's counts; as many pulses were measured.
COUNTS_FIELDS = (
    "measured",
    "code_a",
    "width_a_us",
    "code_b",
    "width_b_us",
    "current_a",
    "voltage_a",
    "current_b",
    "voltage_b",
    "current_rest",
)


class Delivery:
    """The delivery report of channel `channel` of the output stage `stage` (a dictionary of boards/stages)."""

    def __init__(self, stage, channel=0, calibration=None):
        self.calibration = calibration or Calibration(stage, channel)
        calibration = self.calibration
        self._both = stage["sense_both"]
        self._slots = array("i", [0] * verdict.SLOTS)
        state = self._state = array("i", [0] * verdict.FIELDS)
        state[verdict.ZERO] = calibration.current_zero
        state[verdict.CURRENT_NA] = calibration.current_na
        state[verdict.VOLTAGE_ZERO] = calibration.voltage_zero
        state[verdict.VOLTAGE_UV] = calibration.voltage_uv
        state[verdict.TOLERANCE_UA] = stage["sense_tolerance_ua"]
        state[verdict.COMPLIANCE_MV] = stage["compliance_mv"] * COMPLIANCE_PERCENT // 100
        state[verdict.IDLE_MOST] = stage["idle_most_ua"] * 1_000 // calibration.current_na
        state[verdict.WINDOW_MOST] = NET_MAX_NC * _FC_PER_NC // calibration.current_na
        self.clear()

    def clear(self, shared=False):
        """A new session: an empty report. `shared`: both channels may pulse at once, and then the voltage cannot be
        attributed to either."""
        self._shared = shared
        self.missed = 0  # pulses that were delivered and not measured
        self.impedance_ohm = 0  # as of the last `update`; 0: not known yet
        self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = 0
        # How often verdict.CARRY was taken from the charge of phase A, and from the currents; what the net charge was
        # until it last began anew.
        self._carries = self._currents_carries = self._net_before = 0
        state = self._state
        for field in range(verdict.CODE_A, verdict.FIELDS):
            state[field] = 0
        state[verdict.BOTH] = self._both if shared else _NEVER
        state[verdict.CODE_A] = state[verdict.CODE_B] = verdict.NO_CODE
        for field in (verdict.CHARGE_A, verdict.NET, verdict.CURRENTS, verdict.BASE):
            state[field] = verdict.MIDDLE
        state[verdict.LEAST] = 2 * verdict.MIDDLE - 1

    def judge(self, pulses, now_ms, count=1):
        """`count` pulses, pulse.MEASURED numbers each, one after the other in the array `pulses`. Returns 0, or the
        fault that one of them completes; those after it are not judged. Allocates nothing."""
        state, slot = self._state, now_ms // SLOT_MS + 1
        state[NEXT] = 0
        found = judge(state, self._slots, pulses, count, slot)
        while found >= OTHER:
            if found == OTHER:
                self._set(pulses, state[NEXT] * pulse.MEASURED)
            else:
                self._carry()
            found = judge(state, self._slots, pulses, count, slot)
        return _FAULTS[found] if found else 0

    def _set(self, pulses, at):
        """The pulse at `at` has another amplitude than the one before."""
        state, calibration = self._state, self.calibration
        code_a, code_b = pulses[at + pulse.SET_LEVEL_A], pulses[at + pulse.SET_LEVEL_B]
        set_ua = calibration.set_ua(code_a)
        state[verdict.CODE_A] = code_a
        state[verdict.CODE_B] = code_b
        state[verdict.SET_A_UA] = set_ua
        state[verdict.SET_B_UA] = set_ua if code_b == code_a else calibration.set_ua(code_b)

    def lacking(self, count):
        """`count` pulses have ended and were not measured. Returns 0, or the fault that this is."""
        return faults.CURRENT_MISMATCH if count >= verdict.IN_A_ROW else 0

    def miss(self, count):
        """`count` pulses were delivered and will not be measured any more."""
        self.missed += count

    def _carry(self):
        """Keep sums within 30 bits: a window has less than verdict.CARRY of each."""
        state = self._state
        self._carries += _carried(state, verdict.CHARGE_A)
        self._currents_carries += _carried(state, verdict.CURRENTS)
        net = state[verdict.NET] - verdict.MIDDLE
        if not -verdict.CARRY < net < verdict.CARRY:
            for i in range(verdict.SLOTS):
                self._slots[i] -= net
            self._net_before += net
            state[verdict.NET] = verdict.MIDDLE

    # ---- in units; not for every pulse, these numbers are long ----

    @property
    def judged(self):
        """How many pulses `judge` has judged when it was last called."""
        return self._state[verdict.NEXT]

    @property
    def suspects(self):
        """Above zero when something was wrong with the last pulse."""
        return self._state[verdict.BAD]

    @property
    def measured(self):
        """So many pulses."""
        return self._state[verdict.MEASURED]

    @property
    def driven(self):
        """So many of them with current."""
        return self._state[verdict.DRIVEN]

    @property
    def set_ua(self):
        """Of the last pulse, phase A."""
        return self._state[verdict.SET_A_UA]

    @property
    def measured_ua(self):
        """Of the last pulse, the mean of its phases."""
        state = self._state
        return (state[_CURRENT_A] - state[_CURRENT_B]) * self.calibration.current_na // 2_000

    @property
    def net_nc(self):
        """In the window of a second, phase A less phase B."""
        return (self._state[verdict.NET] - self._state[verdict.BASE]) * self.calibration.current_na // _FC_PER_NC

    def update(self):
        """Update the load by the last pulse, if that is strong enough to tell. Called some times a second."""
        calibration, state = self.calibration, self._state
        if not state[_SET_LEVEL_A]:
            return
        current_a, current_b = state[_CURRENT_A], state[_CURRENT_B]
        voltage_a, voltage_b = state[_VOLTAGE_A], state[_VOLTAGE_B]
        counts = min(current_a - calibration.current_zero, calibration.current_zero - current_b)
        unattributed = self._shared and max(voltage_a, voltage_b) >= self._both
        if unattributed or counts * calibration.current_na < 1_000 * IMPEDANCE_LEAST_UA:
            return
        ohm = (voltage_a - voltage_b) * calibration.voltage_uv
        ohm //= (current_a - current_b) * calibration.current_na // 1_000
        self.impedance_ohm = ohm
        if not self.impedance_first_ohm:
            self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = ohm
        self.impedance_least_ohm = min(self.impedance_least_ohm, ohm)
        self.impedance_most_ohm = max(self.impedance_most_ohm, ohm)

    def counts(self):
        """The last pulse uncorrected, keyed by COUNTS_FIELDS; None of a pulse when there was none yet."""
        if not self.measured:
            return dict(dict.fromkeys(COUNTS_FIELDS), measured=0)
        state = self._state
        return dict(zip(COUNTS_FIELDS, [self.measured] + list(state[verdict.LAST : verdict.LAST + pulse.MEASURED])))

    def charge_pc(self):
        """(phase A, phase B) of the session."""
        na, state = self.calibration.current_na, self._state
        a = self._carries * verdict.CARRY + state[verdict.CHARGE_A] - verdict.MIDDLE
        net = self._net_before + state[verdict.NET] - verdict.MIDDLE
        return a * na // 1_000, (a - net) * na // 1_000

    def account(self):
        """The session's delivery report, keyed by ACCOUNT_FIELDS."""
        self.update()
        a_pc, b_pc = self.charge_pc()
        na, state = self.calibration.current_na, self._state
        driven = state[verdict.DRIVEN]
        currents = self._currents_carries * verdict.CARRY + state[verdict.CURRENTS] - verdict.MIDDLE
        values = (
            self.measured,
            self.missed,
            a_pc // 1_000,
            b_pc // 1_000,
            currents * na // (2_000 * driven) if driven else 0,
            (state[verdict.LEAST] - verdict.MIDDLE) * na // 1_000 if driven else 0,
            (state[verdict.MOST] - verdict.MIDDLE) * na // 1_000 if driven else 0,
            self.impedance_first_ohm,
            self.impedance_ohm,
            self.impedance_least_ohm,
            self.impedance_most_ohm,
            state[verdict.REST_MOST] * na // 1_000,
        )
        return dict(zip(ACCOUNT_FIELDS, values))


def _carried(state, field):
    """How often verdict.CARRY could be taken from a sum: 1, 0 or -1."""
    if state[field] >= verdict.MIDDLE + verdict.CARRY:
        state[field] -= verdict.CARRY
        return 1
    if state[field] <= verdict.MIDDLE - verdict.CARRY:
        state[field] += verdict.CARRY
        return -1
    return 0


class Unmeasured:
    """The delivery report of a channel on an output stage that measures nothing: nothing is known of it."""

    measured_ua = impedance_ohm = net_nc = None
    driven = 0

    def __init__(self, stage, channel, calibration):
        pass

    def clear(self, shared=False):
        """A new session."""

    def update(self):
        """Nothing was measured."""

    def account(self):
        """ACCOUNT_FIELDS, each None."""
        return dict.fromkeys(ACCOUNT_FIELDS)

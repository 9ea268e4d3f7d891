"""What was really delivered: judges each measured pulse, and keeps the account of a session.

Three bad pulses in a row, and the net charge of the last second, are faults. Everything here is for every pulse, so it
allocates nothing: whole numbers within 30 bits, longer sums in two parts.
"""

from array import array

from nmes.core import faults, pulse
from nmes.core.calibration import Calibration

try:
    from micropython import const
except ImportError:

    def const(value):  # type: ignore[misc]
        return value


IN_A_ROW = const(3)

# 20 % of 5 mA is 1 mA, what the stage's sense may be off; below, that is allowed for too.
OPEN_SET_UA = const(5_000)
OPEN_PERCENT = const(80)
COMPLIANCE_SET_UA = const(1_000)
COMPLIANCE_PERCENT = const(95)

SHORT_SET_UA = const(10_000)  # only above it
SHORT_MV = const(1_000)
SHORT_OHM = const(50)

OVER_PERCENT = const(120)

IMPEDANCE_LEAST_UA = const(900)  # what a set 1 mA may be sensed as

NET_MAX_NC = const(10_000)  # 10 uA for a second
WINDOW_MS = const(1_000)
# One more slot than the window has: it then covers 1000 to 1010 ms, never less than a second.
_SLOT_MS = const(10)
_SLOTS = const(101)

_FC_PER_NC = const(1_000_000)  # a microsecond of a nanoampere is a femtocoulomb
_COUNTS = const(4_096)  # more than any reading differs from zero
_CARRY = const(1 << 28)
_SUM_HIGH = const(1_024)
IDLE_IN_A_ROW = const(2)

_OPEN = const(1)
_SHORT = const(2)
_WRONG = const(4)

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


class Delivery:
    """The account of channel `channel` of the output stage `stage` (a dictionary of boards/stages).

    Pulses are judged and summed up in the ADC's counts, so that one costs little; units are made when somebody asks.
    """

    def __init__(self, stage, channel=0):
        self.calibration = Calibration(stage, channel)
        self._tolerance_ua = stage["sense_tolerance_ua"]
        self._compliance_mv = stage["compliance_mv"] * COMPLIANCE_PERCENT // 100
        self._both = stage["sense_both"]
        na = self.calibration.current_na
        self._idle_most = stage["idle_most_ua"] * 1_000 // na
        self._net_most = NET_MAX_NC * _FC_PER_NC // na
        self._slots = [0] * _SLOTS
        self._bounds = array("i", [0] * 9)
        self.clear()

    def clear(self, shared=False):
        """A new session: an empty account. `shared`: another channel's pulses may come at the same time, and then the
        voltage is nobody's."""
        self._shared = shared
        self.measured = 0  # pulses
        self.missed = 0
        self.impedance_ohm = 0  # as last looked at; 0: not seen yet
        self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = 0
        self._seen = None  # the last pulse
        self._idle = 0  # pulses in a row after which current flowed
        self._rest_most = 0  # counts, either way
        self._code_a = self._code_b = -1  # of the last pulse, and what follows from them
        self.set_ua = self._set_b_ua = 0
        self._least = _COUNTS
        self._most = -_COUNTS
        self._bad_before = self._open = self._short = self._wrong = 0  # bad pulses in a row
        self._carries = 0  # how often _CARRY was taken from both of the next two
        self._a = self._b = 0  # charge, in counts times us
        self._sum = self._sum_high = 0  # counts of both phases of the driven pulses; high in _SUM_HIGH
        self._driven = 0  # pulses set above zero
        self._net = 0  # in the window, phase A less phase B, counts times us
        self._slot = -1
        self._slot_at = 0
        for i in range(_SLOTS):
            self._slots[i] = 0

    def judge(self, seen, now_ms):
        """One pulse, `seen` a pulse.MEASURED array that is kept until the next. Returns 0, or the fault that it is the
        last straw for.

        Long and flat, because a call costs as much as what it would do: this is most of what measuring costs the CPU.
        """
        code_a, width_a, code_b, width_b, current_a, voltage_a, current_b, voltage_b, rest = seen
        if code_a != self._code_a or code_b != self._code_b:
            self._set(code_a, code_b)
        zero, zero_of_voltage, least_a, most_a, least_va, least_b, most_b, least_vb, most_v = self._bounds
        a = current_a - zero
        b = zero - current_b
        rest -= zero
        self._seen = seen
        self.measured += 1

        charge_a = a * width_a
        charge_b = b * width_b
        self._a += charge_a
        self._b += charge_b
        if code_a:
            self._driven += 1
            self._sum += a + b
            if a < self._least or b < self._least or a > self._most or b > self._most:
                self._least = min(self._least, a, b)
                self._most = max(self._most, a, b)
        if self._a > _CARRY:
            self._carry()

        if now_ms // _SLOT_MS != self._slot:
            self._move_window(now_ms // _SLOT_MS)
        charge_a -= charge_b
        self._net += charge_a
        self._slots[self._slot_at] += charge_a

        if rest > self._rest_most or -rest > self._rest_most:
            self._rest_most = rest if rest > 0 else -rest
        idle_most = self._idle_most
        if -idle_most <= rest <= idle_most:
            if self._idle:
                self._idle = 0
        else:
            self._idle += 1
            if self._idle >= IDLE_IN_A_ROW:
                return faults.IDLE_CURRENT

        # Within these bounds _bad finds nothing wrong, at a third of its cost.
        if (
            least_a <= a <= most_a
            and least_b <= b <= most_b
            and (
                least_va <= voltage_a - zero_of_voltage <= most_v
                and least_vb <= zero_of_voltage - voltage_b <= most_v
                or self._shared
                and voltage_a >= self._both
                and voltage_b >= self._both
            )
        ):
            if self._bad_before:
                self._bad_before = self._open = self._short = self._wrong = 0
        else:
            cause = self._look_closer(seen)
            if cause:
                return cause
        if not -self._net_most <= self._net <= self._net_most:
            return faults.NET_CHARGE
        return 0

    def _set(self, code_a, code_b):
        """What was set, and the counts within which a phase is surely right."""
        calibration, bounds = self.calibration, self._bounds
        na, uv = calibration.current_na, calibration.voltage_uv
        self._code_a = code_a
        self._code_b = code_b
        self.set_ua = calibration.set_ua(code_a)
        self._set_b_ua = self.set_ua if code_b == code_a else calibration.set_ua(code_b)
        bounds[0] = calibration.current_zero
        bounds[1] = calibration.voltage_zero
        set_ua = self.set_ua
        for at in (2, 5):
            least_ua = self._open_ua(set_ua) if set_ua >= COMPLIANCE_SET_UA else -self._tolerance_ua
            most_ua = self._tolerance_ua + OVER_PERCENT * set_ua // 100
            bounds[at] = -(-1_000 * least_ua // na)
            bounds[at + 1] = (1_000 * most_ua + 999) // na
            if set_ua > SHORT_SET_UA:
                bounds[at + 2] = -(-1_000 * max(SHORT_MV, -(-SHORT_OHM * most_ua // 1_000)) // uv)
            else:
                bounds[at + 2] = -_COUNTS
            set_ua = self._set_b_ua
        bounds[8] = (1_000 * self._compliance_mv - 1) // uv

    def _look_closer(self, seen):
        """Judge a pulse by its currents and voltages. Returns 0, or the fault that it is the last straw for."""
        calibration = self.calibration
        zero, na = calibration.current_zero, calibration.current_na
        zero_of_voltage, uv = calibration.voltage_zero, calibration.voltage_uv
        voltage_a, voltage_b = seen[pulse.VOLTAGE_A], seen[pulse.VOLTAGE_B]
        bad = self._bad(
            self.set_ua,
            (seen[pulse.CURRENT_A] - zero) * na // 1_000,
            (voltage_a - zero_of_voltage) * uv // 1_000,
            self._shared and voltage_a >= self._both,
        ) | self._bad(
            self._set_b_ua,
            (zero - seen[pulse.CURRENT_B]) * na // 1_000,
            (zero_of_voltage - voltage_b) * uv // 1_000,
            self._shared and voltage_b >= self._both,
        )
        self._bad_before = bad
        self._open = self._open + 1 if bad & _OPEN else 0
        self._short = self._short + 1 if bad & _SHORT else 0
        self._wrong = self._wrong + 1 if bad & _WRONG else 0
        if self._open >= IN_A_ROW:
            return faults.ELECTRODE_OPEN
        if self._short >= IN_A_ROW:
            return faults.ELECTRODE_SHORT
        if self._wrong >= IN_A_ROW:
            return faults.CURRENT_MISMATCH
        return 0

    def _open_ua(self, set_ua):
        """Less than this is an open electrode."""
        least_ua = -(-OPEN_PERCENT * set_ua // 100)
        return least_ua if set_ua >= OPEN_SET_UA else least_ua - self._tolerance_ua

    def lacking(self, count):
        """`count` pulses have ended and were not measured. Returns 0, or the fault that this is."""
        return faults.CURRENT_MISMATCH if count >= IN_A_ROW else 0

    def miss(self, count):
        """`count` pulses were delivered and will not be measured any more."""
        self.missed += count

    def _bad(self, set_ua, is_ua, is_mv, nobodys=False):
        """What is wrong with one phase, as bits. nobodys: the voltage is not to be judged."""
        bad = 0
        if set_ua >= COMPLIANCE_SET_UA and is_ua < self._open_ua(set_ua):
            bad = _OPEN
        elif nobodys:
            pass
        elif is_mv >= self._compliance_mv and set_ua >= COMPLIANCE_SET_UA:
            bad = _OPEN
        elif set_ua > SHORT_SET_UA and (is_mv < SHORT_MV or 1_000 * is_mv < SHORT_OHM * is_ua):
            bad = _SHORT
        over_ua = is_ua - self._tolerance_ua
        if 100 * over_ua > OVER_PERCENT * set_ua or is_ua < -self._tolerance_ua:
            bad |= _WRONG
        return bad

    def _carry(self):
        self._carries += 1
        self._a -= _CARRY
        self._b -= _CARRY
        self._sum_high += self._sum // _SUM_HIGH
        self._sum %= _SUM_HIGH

    def _move_window(self, slot):
        if self._slot < 0 or slot - self._slot > _SLOTS:
            self._slot = slot - _SLOTS  # all of it is older than the window
        while self._slot < slot:
            self._slot += 1
            at = self._slot % _SLOTS
            self._net -= self._slots[at]
            self._slots[at] = 0
        self._slot_at = self._slot % _SLOTS

    # ---- in units; not for every pulse, these numbers are long ----

    @property
    def measured_ua(self):
        """Of the last pulse, the mean of its phases."""
        if self._seen is None:
            return 0
        return (self._seen[pulse.CURRENT_A] - self._seen[pulse.CURRENT_B]) * self.calibration.current_na // 2_000

    @property
    def rest_ua(self):
        """After the last pulse, when nothing should flow."""
        return self.calibration.current_ua(self._seen[pulse.CURRENT_REST]) if self._seen else 0

    @property
    def net_nc(self):
        """In the window of a second, phase A less phase B."""
        return self._net * self.calibration.current_na // _FC_PER_NC

    def look(self):
        """See what the load is by the last pulse, if it is strong enough to tell. Some times a second."""
        seen, calibration = self._seen, self.calibration
        if seen is None or not self._code_a:
            return
        counts = min(seen[pulse.CURRENT_A] - calibration.current_zero, calibration.current_zero - seen[pulse.CURRENT_B])
        nobodys = self._shared and max(seen[pulse.VOLTAGE_A], seen[pulse.VOLTAGE_B]) >= self._both
        if nobodys or counts * calibration.current_na < 1_000 * IMPEDANCE_LEAST_UA:
            return
        ohm = (
            (seen[pulse.VOLTAGE_A] - seen[pulse.VOLTAGE_B])
            * calibration.voltage_uv
            // ((seen[pulse.CURRENT_A] - seen[pulse.CURRENT_B]) * calibration.current_na // 1_000)
        )
        self.impedance_ohm = ohm
        if not self.impedance_first_ohm:
            self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = ohm
        self.impedance_least_ohm = min(self.impedance_least_ohm, ohm)
        self.impedance_most_ohm = max(self.impedance_most_ohm, ohm)

    def charge_pc(self):
        """(phase A, phase B) of the session."""
        na, carried = self.calibration.current_na, self._carries * _CARRY
        return (carried + self._a) * na // 1_000, (carried + self._b) * na // 1_000

    def account(self):
        """The session's account, keyed by ACCOUNT_FIELDS."""
        self.look()
        a_pc, b_pc = self.charge_pc()
        na, driven = self.calibration.current_na, self._driven
        total = self._sum_high * _SUM_HIGH + self._sum
        values = (
            self.measured,
            self.missed,
            a_pc // 1_000,
            b_pc // 1_000,
            total * na // (2_000 * driven) if driven else 0,
            self._least * na // 1_000 if driven else 0,
            self._most * na // 1_000 if driven else 0,
            self.impedance_first_ohm,
            self.impedance_ohm,
            self.impedance_least_ohm,
            self.impedance_most_ohm,
            self._rest_most * na // 1_000,
        )
        return dict(zip(ACCOUNT_FIELDS, values))

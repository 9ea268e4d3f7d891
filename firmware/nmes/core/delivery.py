"""What was really delivered: judges each measured pulse, and keeps the account of a session.

Three bad pulses in a row, and the net charge of the last second, are faults. Everything here is for every pulse, so it
allocates nothing: whole numbers within 30 bits, longer sums in two parts.
"""

from nmes.core import faults
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

_PC_PER_UC = const(1_000_000)
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
    """The account of one channel of the output stage `stage` (a dictionary of boards/stages)."""

    def __init__(self, stage, channel=0):
        self.calibration = Calibration(stage, channel)
        self._tolerance_ua = stage["sense_tolerance_ua"]
        self._idle_most_ua = stage["idle_most_ua"]
        self._compliance_mv = stage["compliance_mv"] * COMPLIANCE_PERCENT // 100
        self._slots = [0] * _SLOTS
        self.clear()

    def clear(self):
        """A new session: an empty account."""
        self.measured = 0  # pulses
        self.missed = 0
        self.measured_ua = 0  # of the last pulse, the mean of its phases
        self.set_ua = 0
        self.impedance_ohm = 0  # as last seen; 0: not seen yet
        self.net_nc = 0  # in the window, phase A less phase B
        self.rest_ua = 0  # after the last pulse, when nothing should flow
        self.rest_most_ua = 0  # either way
        self._idle = 0  # pulses in a row after which something did
        self._code = -1  # the last of phase A, and what follows from it
        self._set_ua = self._least_ua = self._most_ua = 0
        self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = 0
        self.least_ua = self.most_ua = 0
        self._bad_before = self._open = self._short = self._wrong = 0  # bad pulses in a row
        self._a_uc = self._a_pc = self._b_uc = self._b_pc = 0
        self._sum_ma = self._sum_ua = 0
        self._driven = 0  # pulses set above zero
        self._net_pc = 0  # not yet a whole nC
        self._slot = -1
        for i in range(_SLOTS):
            self._slots[i] = 0

    def judge(self, seen, now_ms):
        """One pulse, `seen` a pulse.MEASURED array. Returns 0, or the fault that it is the last straw for.

        Long and flat, because a call costs as much as what it would do: this is most of what measuring costs the CPU.
        """
        code_a, width_a, code_b, width_b, current_a, voltage_a, current_b, voltage_b, rest = seen
        calibration = self.calibration
        zero = calibration.current_zero
        na = calibration.current_na
        zero_of_voltage = calibration.voltage_zero
        uv = calibration.voltage_uv
        a_ua = (current_a - zero) * na // 1_000
        b_ua = (zero - current_b) * na // 1_000
        a_mv = (voltage_a - zero_of_voltage) * uv // 1_000
        b_mv = (zero_of_voltage - voltage_b) * uv // 1_000
        if code_a != self._code:
            self._set(code_a)
        set_a = self._set_ua
        both_ua = a_ua + b_ua
        self.measured += 1
        self.measured_ua = both_ua // 2
        self.set_ua = set_a

        a_pc = a_ua * width_a
        b_pc = b_ua * width_b
        pc = self._a_pc + a_pc
        self._a_uc += pc // _PC_PER_UC
        self._a_pc = pc % _PC_PER_UC
        pc = self._b_pc + b_pc
        self._b_uc += pc // _PC_PER_UC
        self._b_pc = pc % _PC_PER_UC
        if set_a:
            ua = self._sum_ua + both_ua
            self._sum_ma += ua // 1_000
            self._sum_ua = ua % 1_000
            least = a_ua if a_ua < b_ua else b_ua
            most = both_ua - least
            if not self._driven or least < self.least_ua:
                self.least_ua = least
            if not self._driven or most > self.most_ua:
                self.most_ua = most
            self._driven += 1
            if least >= IMPEDANCE_LEAST_UA:
                ohm = 1_000 * (a_mv + b_mv) // both_ua
                if ohm != self.impedance_ohm:
                    self._impedance(ohm)

        slot = now_ms // _SLOT_MS
        if slot != self._slot:
            self._move_window(slot)
        pc = self._net_pc + a_pc - b_pc
        nc = pc // 1_000
        self._net_pc = pc % 1_000
        self._slots[slot % _SLOTS] += nc
        self.net_nc += nc

        rest_ua = (rest - zero) * na // 1_000
        if rest_ua != self.rest_ua:
            self.rest_ua = rest_ua
            if rest_ua < 0:
                rest_ua = -rest_ua
            if rest_ua > self.rest_most_ua:
                self.rest_most_ua = rest_ua
        if self.rest_ua > self._idle_most_ua or self.rest_ua < -self._idle_most_ua:
            self._idle += 1
            if self._idle >= IDLE_IN_A_ROW:
                return faults.IDLE_CURRENT
        else:
            self._idle = 0

        # Equal phases within these bounds are what _bad finds nothing wrong with, at a third of its cost.
        least, most, compliance_mv = self._least_ua, self._most_ua, self._compliance_mv
        if (
            code_b == code_a
            and least <= a_ua <= most
            and least <= b_ua <= most
            and a_mv < compliance_mv
            and b_mv < compliance_mv
            and (
                set_a <= SHORT_SET_UA
                or a_mv >= SHORT_MV
                and b_mv >= SHORT_MV
                and 1_000 * a_mv >= SHORT_OHM * a_ua
                and 1_000 * b_mv >= SHORT_OHM * b_ua
            )
        ):
            bad = 0
        else:
            set_b = set_a if code_b == code_a else calibration.set_ua(code_b)
            bad = self._bad(set_a, a_ua, a_mv) | self._bad(set_b, b_ua, b_mv)
        if bad or self._bad_before:
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
        if not -NET_MAX_NC <= self.net_nc <= NET_MAX_NC:
            return faults.NET_CHARGE
        return 0

    def _set(self, code):
        """The current of phase A that `code` stands for, and the bounds within which it is surely right."""
        set_ua = self.calibration.set_ua(code)
        self._code = code
        self._set_ua = set_ua
        self._least_ua = self._open_ua(set_ua) if set_ua >= COMPLIANCE_SET_UA else -self._tolerance_ua
        self._most_ua = self._tolerance_ua + OVER_PERCENT * set_ua // 100

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

    def _bad(self, set_ua, is_ua, is_mv):
        """What is wrong with one phase, as bits."""
        bad = 0
        if set_ua >= COMPLIANCE_SET_UA and is_ua < self._open_ua(set_ua):
            bad = _OPEN
        elif is_mv >= self._compliance_mv and set_ua >= COMPLIANCE_SET_UA:
            bad = _OPEN
        elif set_ua > SHORT_SET_UA and (is_mv < SHORT_MV or 1_000 * is_mv < SHORT_OHM * is_ua):
            bad = _SHORT
        over_ua = is_ua - self._tolerance_ua
        if 100 * over_ua > OVER_PERCENT * set_ua or is_ua < -self._tolerance_ua:
            bad |= _WRONG
        return bad

    def _impedance(self, ohm):
        if not self.impedance_first_ohm:
            self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = ohm
        self.impedance_ohm = ohm
        if ohm < self.impedance_least_ohm:
            self.impedance_least_ohm = ohm
        if ohm > self.impedance_most_ohm:
            self.impedance_most_ohm = ohm

    def _move_window(self, slot):
        if self._slot < 0 or slot - self._slot > _SLOTS:
            self._slot = slot - _SLOTS  # all of it is older than the window
        while self._slot < slot:
            self._slot += 1
            at = self._slot % _SLOTS
            self.net_nc -= self._slots[at]
            self._slots[at] = 0

    def charge_pc(self):
        """(phase A, phase B) of the session. Not for every pulse: these numbers are long."""
        return self._a_uc * _PC_PER_UC + self._a_pc, self._b_uc * _PC_PER_UC + self._b_pc

    def account(self):
        """The session's account, keyed by ACCOUNT_FIELDS. Not for every pulse."""
        a_pc, b_pc = self.charge_pc()
        values = (
            self.measured,
            self.missed,
            a_pc // 1_000,
            b_pc // 1_000,
            (self._sum_ma * 1_000 + self._sum_ua) // (2 * self._driven) if self._driven else 0,
            self.least_ua,
            self.most_ua,
            self.impedance_first_ohm,
            self.impedance_ohm,
            self.impedance_least_ohm,
            self.impedance_most_ohm,
            self.rest_most_ua,
        )
        return dict(zip(ACCOUNT_FIELDS, values))

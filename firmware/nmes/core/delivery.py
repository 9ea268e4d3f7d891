"""What was really delivered: judges each measured pulse, and keeps the account of a session.

Three bad pulses in a row, and the net charge of the last second, are faults. Everything here is for every pulse, so it
allocates nothing: whole numbers within 30 bits, longer sums in two parts.
"""

from nmes.core import faults, pulse
from nmes.core.calibration import Calibration

IN_A_ROW = 3

# Below these set currents the sense is too coarse to judge: 20 % of 5 mA is 1 mA, what the stage's sense may be off.
OPEN_SET_UA = 5_000
OPEN_PERCENT = 80
COMPLIANCE_SET_UA = 1_000
COMPLIANCE_PERCENT = 95

SHORT_SET_UA = 10_000  # only above it
SHORT_MV = 1_000
SHORT_OHM = 50

OVER_PERCENT = 120

IMPEDANCE_LEAST_UA = 1_000

NET_MAX_NC = 10_000  # 10 uA for a second
WINDOW_MS = 1_000
# One more slot than the window has: it then covers 1000 to 1010 ms, never less than a second.
_SLOT_MS = 10
_SLOTS = WINDOW_MS // _SLOT_MS + 1

_PC_PER_UC = 1_000_000

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
)


class Delivery:
    """The account of one channel of the output stage `stage` (a dictionary of boards/stages)."""

    def __init__(self, stage, channel=0):
        self.calibration = Calibration(stage, channel)
        self._tolerance_ua = stage["sense_tolerance_ua"]
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
        self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = 0
        self.least_ua = self.most_ua = 0
        self._open = self._short = self._wrong = 0  # bad pulses in a row
        self._a_uc = self._a_pc = self._b_uc = self._b_pc = 0
        self._sum_ma = self._sum_ua = 0
        self._driven = 0  # pulses set above zero
        self._net_pc = 0  # not yet a whole nC
        self._slot = -1
        for i in range(_SLOTS):
            self._slots[i] = 0

    def judge(self, seen, now_ms):
        """One pulse, `seen` a pulse.MEASURED array. Returns 0, or the fault that it is the last straw for."""
        calibration = self.calibration
        width_a, width_b = seen[pulse.SET_WIDTH_A], seen[pulse.SET_WIDTH_B]
        set_a, set_b = calibration.set_ua(seen[pulse.SET_LEVEL_A]), calibration.set_ua(seen[pulse.SET_LEVEL_B])
        a_ua = calibration.current_ua(seen[pulse.CURRENT_A])
        b_ua = -calibration.current_ua(seen[pulse.CURRENT_B])
        a_mv = calibration.voltage_mv(seen[pulse.VOLTAGE_A])
        b_mv = -calibration.voltage_mv(seen[pulse.VOLTAGE_B])
        self.measured += 1
        self.measured_ua = (a_ua + b_ua) // 2
        self.set_ua = set_a
        self._account(a_ua, b_ua, width_a, width_b, set_a > 0)
        if a_ua >= IMPEDANCE_LEAST_UA and b_ua >= IMPEDANCE_LEAST_UA:
            self._impedance(1_000 * (a_mv + b_mv) // (a_ua + b_ua))
        self._net(a_ua * width_a - b_ua * width_b, now_ms)

        if self._is_open(set_a, a_ua, a_mv) or self._is_open(set_b, b_ua, b_mv):
            self._open += 1
        else:
            self._open = 0
        if _is_short(set_a, a_ua, a_mv) or _is_short(set_b, b_ua, b_mv):
            self._short += 1
        else:
            self._short = 0
        if self._is_wrong(set_a, a_ua) or self._is_wrong(set_b, b_ua):
            self._wrong += 1
        else:
            self._wrong = 0

        if self._open >= IN_A_ROW:
            return faults.ELECTRODE_OPEN
        if self._short >= IN_A_ROW:
            return faults.ELECTRODE_SHORT
        if self._wrong >= IN_A_ROW:
            return faults.CURRENT_MISMATCH
        if not -NET_MAX_NC <= self.net_nc <= NET_MAX_NC:
            return faults.NET_CHARGE
        return 0

    def lacking(self, count):
        """`count` pulses have ended and were not measured. Returns 0, or the fault that this is."""
        return faults.CURRENT_MISMATCH if count >= IN_A_ROW else 0

    def miss(self, count):
        """`count` pulses were delivered and will not be measured any more."""
        self.missed += count

    def _is_open(self, set_ua, is_ua, is_mv):
        if set_ua >= COMPLIANCE_SET_UA and is_mv >= self._compliance_mv:
            return True
        return set_ua >= OPEN_SET_UA and 100 * is_ua < OPEN_PERCENT * set_ua

    def _is_wrong(self, set_ua, is_ua):
        return is_ua < -self._tolerance_ua or 100 * (is_ua - self._tolerance_ua) > OVER_PERCENT * set_ua

    def _impedance(self, ohm):
        if not self.impedance_first_ohm:
            self.impedance_first_ohm = self.impedance_least_ohm = self.impedance_most_ohm = ohm
        self.impedance_ohm = ohm
        if ohm < self.impedance_least_ohm:
            self.impedance_least_ohm = ohm
        if ohm > self.impedance_most_ohm:
            self.impedance_most_ohm = ohm

    def _account(self, a_ua, b_ua, width_a, width_b, driven):
        pc = self._a_pc + a_ua * width_a
        self._a_uc += pc // _PC_PER_UC
        self._a_pc = pc % _PC_PER_UC
        pc = self._b_pc + b_ua * width_b
        self._b_uc += pc // _PC_PER_UC
        self._b_pc = pc % _PC_PER_UC
        if not driven:
            return
        self._driven += 1
        ua = self._sum_ua + a_ua + b_ua
        self._sum_ma += ua // 1_000
        self._sum_ua = ua % 1_000
        least = min(a_ua, b_ua)  # not a tuple of both, which would be allocated
        most = max(a_ua, b_ua)
        if self._driven == 1 or least < self.least_ua:
            self.least_ua = least
        if self._driven == 1 or most > self.most_ua:
            self.most_ua = most

    def _net(self, pc, now_ms):
        self._move_window(now_ms)
        pc += self._net_pc
        nc = pc // 1_000
        self._net_pc = pc - 1_000 * nc
        self._slots[self._slot % _SLOTS] += nc
        self.net_nc += nc

    def _move_window(self, now_ms):
        slot = now_ms // _SLOT_MS
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
        )
        return dict(zip(ACCOUNT_FIELDS, values))


def _is_short(set_ua, is_ua, is_mv):
    if set_ua <= SHORT_SET_UA or 100 * is_ua < OPEN_PERCENT * set_ua:
        return False
    return is_mv < SHORT_MV or 1_000 * is_mv < SHORT_OHM * is_ua

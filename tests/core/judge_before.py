"""The judge of pulses as it was before core/verdict.py: one pulse a call, and those alike let through a quick way. Kept
as a reference for test_verdict.py."""

from nmes.core import faults, pulse
from nmes.core.calibration import Calibration
from nmes.core.compiler import const

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
# One more slot than the window has: it then covers 1000 to 1025 ms, never less than a second.
_SLOT_MS = const(25)
_SLOTS = const(WINDOW_MS // _SLOT_MS + 1)

_FC_PER_NC = const(1_000_000)  # a microsecond of a nanoampere is a femtocoulomb
_COUNTS = const(4_096)  # more than any reading differs from zero
_CARRY = const(1 << 28)
_SUM_HIGH = const(1_024)
_BOX = const(13)
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
    """The account of channel `channel` of the output stage `stage` (a dictionary of boards/stages).

    Pulses are judged and summed up in the ADC's counts, so that one costs little; units are made when somebody asks.
    """

    def __init__(self, stage, channel=0, calibration=None):
        self.calibration = calibration or Calibration(stage, channel)
        self._tolerance_ua = stage["sense_tolerance_ua"]
        self._compliance_mv = stage["compliance_mv"] * COMPLIANCE_PERCENT // 100
        self._both = stage["sense_both"]
        na = self.calibration.current_na
        self._idle_most = stage["idle_most_ua"] * 1_000 // na
        self._window_most = NET_MAX_NC * _FC_PER_NC // na
        self._slots = [0] * _SLOTS
        self._most_volts = (1_000 * self._compliance_mv - 1) // self.calibration.voltage_uv
        self._box = [0] * _BOX
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
        self._least = _COUNTS  # of the driven pulses, in counts
        self._most = -_COUNTS
        self._bad_before = self._open = self._short = self._wrong = 0  # bad pulses in a row
        self._carries = 0  # how often _CARRY was taken from the next
        self._a = 0  # charge of phase A, in counts times us
        self._net = self._net_before = 0  # phase A less phase B, the same; before: until the last carry
        self._sum = self._sum_high = 0  # counts of both phases; high in _SUM_HIGH
        self._driven = 0  # pulses set above zero, before those with the present code
        self._code_from = 0  # pulses measured before those
        self._base = self._window_low = self._window_high = 0  # of the net charge
        self._slot = -1  # none: the first pulse fills all of them
        self._box[0] = -1  # what is needed for the next pulse to be looked at closely
        self._box[12] = self.calibration.current_zero

    def judge(self, seen, now_ms):
        """One pulse, `seen` a list of pulse.MEASURED that is kept until the next. Returns 0, or the fault that it is
        the last straw for.

        Most pulses are as others before: set to the same, measured between what has been measured already and was
        found good (_box). Long and flat, because a call costs as much as what it would do.
        """
        code_a, width_a, code_b, width_b, current_a, voltage_a, current_b, voltage_b, rest = seen
        is_a, is_b, a0, a1, b0, b1, va0, va1, vb0, vb1, rest0, rest1, zero = self._box
        if now_ms // _SLOT_MS != self._slot:
            self._move_window(now_ms // _SLOT_MS)
        self._seen = seen
        self.measured += 1
        charge = (current_a - zero) * width_a
        self._a += charge
        net = self._net + charge + (current_b - zero) * width_b
        self._net = net
        self._sum += current_a - current_b
        if not (
            code_a == is_a
            and code_b == is_b
            and a0 <= current_a <= a1
            and b0 <= current_b <= b1
            and va0 <= voltage_a <= va1
            and vb0 <= voltage_b <= vb1
            and rest0 <= rest <= rest1
        ):
            cause = self._judge_closely(seen)
            if cause:
                return cause
        if not self._window_low <= net <= self._window_high:
            return faults.NET_CHARGE
        return 0

    def _judge_closely(self, seen):
        """A pulse as none before. Returns 0, or the fault that it is the last straw for."""
        code_a, _, code_b, _, current_a, voltage_a, current_b, voltage_b, rest = seen
        self._box[0] = -1
        as_before = code_a == self._code_a and code_b == self._code_b
        if not as_before:
            self._set(code_a, code_b)
        calibration = self.calibration
        zero = calibration.current_zero
        least = current_a - zero
        most = zero - current_b
        if least > most:
            least, most = most, least
        if code_a:
            if least < self._least:
                self._least = least
            if most > self._most:
                self._most = most
        rest -= zero
        if rest < 0:
            rest = -rest
        if rest > self._rest_most:
            self._rest_most = rest
        if rest > self._idle_most or self._idle:
            self._idle = self._idle + 1 if rest > self._idle_most else 0
            if self._idle >= IDLE_IN_A_ROW:
                return faults.IDLE_CURRENT

        unattributed = self._shared and voltage_a >= self._both and voltage_b >= self._both
        if code_a != code_b or not self._right(least, most, voltage_a, voltage_b, unattributed):
            cause = self._judge_phases(seen)
            if cause:
                return cause
        elif self._bad_before:
            self._bad_before = self._open = self._short = self._wrong = 0
        # In a ramp the next one is another anyway.
        if as_before and not self._bad_before and not self._idle:
            self._admit(unattributed)
        return 0

    def _right(self, least, most, voltage_a, voltage_b, unattributed):
        """True when _bad would surely find nothing wrong with either of two equal phases of these counts."""
        calibration, set_ua = self.calibration, self.set_ua
        na = calibration.current_na
        least_ua = least * na // 1_000
        most_ua = most * na // 1_000
        if 100 * least_ua < OPEN_PERCENT * set_ua and (set_ua >= COMPLIANCE_SET_UA or least_ua < -self._tolerance_ua):
            return False
        if 100 * (most_ua - self._tolerance_ua) > OVER_PERCENT * set_ua:
            return False
        if unattributed:
            return True
        low = voltage_a - calibration.voltage_zero
        high = calibration.voltage_zero - voltage_b
        if low > high:
            low, high = high, low
        if set_ua > SHORT_SET_UA:
            low_mv = low * calibration.voltage_uv // 1_000
            if low_mv < SHORT_MV or 1_000 * low_mv < SHORT_OHM * most_ua:
                return False
        return high <= self._most_volts

    def _set(self, code_a, code_b):
        """Another amplitude than before."""
        if self._code_a > 0:
            self._driven += self.measured - 1 - self._code_from
        self._code_from = self.measured - 1
        self._code_a = code_a
        self._code_b = code_b
        self.set_ua = self._set_b_ua = self.calibration.set_ua(code_a)
        if code_b != code_a:
            self._set_b_ua = self.calibration.set_ua(code_b)

    def _admit(self, unattributed):
        """Pulses like this one, and between the strongest and the weakest yet, need no closer look: those of them that
        _bad finds nothing wrong with."""
        box, calibration = self._box, self.calibration
        zero, zero_of_voltage = calibration.current_zero, calibration.voltage_zero
        box[0], box[1] = self._code_a, self._code_b
        for at in (2, 4):
            set_ua = self.set_ua if at == 2 else self._set_b_ua
            least_ua = self._open_ua(set_ua) if set_ua >= COMPLIANCE_SET_UA else -self._tolerance_ua
            most_ua = self._tolerance_ua + OVER_PERCENT * set_ua // 100
            least = -(-1_000 * least_ua // calibration.current_na)
            most = (1_000 * most_ua + 999) // calibration.current_na
            if self._code_a:
                least, most = max(least, self._least), min(most, self._most)
            low, high = -_COUNTS, self._most_volts
            if set_ua > SHORT_SET_UA:
                least_mv = max(SHORT_MV, -(-SHORT_OHM * most_ua // 1_000))
                low = -(-1_000 * least_mv // calibration.voltage_uv)
            if at == 2:
                box[2], box[3] = zero + least, zero + most
                box[6], box[7] = zero_of_voltage + low, zero_of_voltage + high
            else:  # phase B goes the other way
                box[4], box[5] = zero - most, zero - least
                box[8], box[9] = zero_of_voltage - high, zero_of_voltage - low
        if unattributed:
            box[6] = box[8] = self._both
            box[7] = box[9] = _COUNTS
        most = min(self._rest_most, self._idle_most)
        box[10], box[11] = zero - most, zero + most

    def _judge_phases(self, seen):
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

    def _bad(self, set_ua, is_ua, is_mv, unattributed):
        """What is wrong with one phase, as bits. unattributed: the voltage is not to be judged."""
        bad = 0
        if set_ua >= COMPLIANCE_SET_UA and is_ua < self._open_ua(set_ua):
            bad = _OPEN
        elif unattributed:
            pass
        elif is_mv >= self._compliance_mv and set_ua >= COMPLIANCE_SET_UA:
            bad = _OPEN
        elif set_ua > SHORT_SET_UA and (is_mv < SHORT_MV or 1_000 * is_mv < SHORT_OHM * is_ua):
            bad = _SHORT
        over_ua = is_ua - self._tolerance_ua
        if 100 * over_ua > OVER_PERCENT * set_ua or is_ua < -self._tolerance_ua:
            bad |= _WRONG
        return bad

    def _move_window(self, slot):
        """The window ends with `slot` now. Each slot keeps what the net charge was when it began."""
        slots, last, net = self._slots, self._slot, self._net
        if self._a > _CARRY:
            net = self._carry()
        if last < 0 or slot - last > _SLOTS:
            last = slot - _SLOTS  # all of it is older than the window
        while last < slot:
            last += 1
            slots[last % _SLOTS] = net
        self._slot = slot
        base = slots[(slot + 1) % _SLOTS]
        self._base = base
        self._window_low = base - self._window_most
        self._window_high = base + self._window_most

    def _carry(self):
        """Keep sums within 30 bits. Returns the net charge as it is counted from now on: 0."""
        self._carries += 1
        self._a -= _CARRY
        for i in range(_SLOTS):
            self._slots[i] -= self._net
        self._net_before += self._net
        self._net = 0
        self._sum_high += self._sum // _SUM_HIGH
        self._sum %= _SUM_HIGH
        return 0

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
        return (self._net - self._base) * self.calibration.current_na // _FC_PER_NC

    def update(self):
        """See what the load is by the last pulse, if it is strong enough to tell. Some times a second."""
        seen, calibration = self._seen, self.calibration
        if seen is None or not self._code_a:
            return
        counts = min(seen[pulse.CURRENT_A] - calibration.current_zero, calibration.current_zero - seen[pulse.CURRENT_B])
        unattributed = self._shared and max(seen[pulse.VOLTAGE_A], seen[pulse.VOLTAGE_B]) >= self._both
        if unattributed or counts * calibration.current_na < 1_000 * IMPEDANCE_LEAST_UA:
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

    def counts(self):
        """The last pulse uncorrected, keyed by COUNTS_FIELDS; None of a pulse when there was none yet."""
        if self._seen is None:
            return dict(dict.fromkeys(COUNTS_FIELDS), measured=self.measured)
        return dict(zip(COUNTS_FIELDS, [self.measured] + self._seen))

    def charge_pc(self):
        """(phase A, phase B) of the session."""
        na, a = self.calibration.current_na, self._carries * _CARRY + self._a
        return a * na // 1_000, (a - self._net_before - self._net) * na // 1_000

    def account(self):
        """The session's account, keyed by ACCOUNT_FIELDS."""
        self.update()
        a_pc, b_pc = self.charge_pc()
        na, driven = self.calibration.current_na, self._driven
        if self._code_a > 0:
            driven += self.measured - self._code_from
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

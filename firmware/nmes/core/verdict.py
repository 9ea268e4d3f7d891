"""The rules that every measured pulse has to meet, each in one place, and the sums of a session's delivery report.

All of it is numbers: `state` is an array of the fields below, `pulses` holds pulse.MEASURED numbers a pulse. So the
device runs it as machine code (MicroPython's viper), which takes a pulse some 30 us instead of 600 and cannot allocate.
Elsewhere the same text is plain Python. Numbers in `state` are never below zero: where a machine word has 64 bits,
viper reads them from the array without a sign. Sums begin at MIDDLE for that.
"""

from nmes.core.compiler import const, micropython, ptr16, ptr32

# ---- the rules ----

IN_A_ROW = const(3)  # so many pulses that are bad in the same way
_IDLE_IN_A_ROW = const(2)

# An electrode is open below so much of the set current; 20 % of 5 mA is 1 mA, what the stage's sense may be off: below,
# that is allowed for too. Or when the stage drives all the voltage it has.
OPEN_SET_UA = const(5_000)
OPEN_PERCENT = const(80)
COMPLIANCE_SET_UA = const(1_000)  # only from here on

SHORT_SET_UA = const(10_000)  # only above it
SHORT_MV = const(1_000)
SHORT_OHM = const(50)

OVER_PERCENT = const(120)

# ---- what is found ----

_GOOD = const(0)
_IDLE_CURRENT = const(1)  # current flows between pulses
_OPEN = const(2)
_SHORT = const(3)
_MISMATCH = const(4)  # more current than was set, or the wrong way round
_NET_CHARGE = const(5)
# No verdict: first the caller has something to do that takes numbers beyond these, then goes on.
OTHER = const(6)  # the next pulse has other codes than the one before: find what current both phases are set to
_LONG_SUM = const(7)  # a sum is CARRY or more: keep it in two parts

# ---- fields of `state` ----

# Of the output stage and its calibration.
ZERO = const(0)  # of the current sense, in counts
CURRENT_NA = const(1)  # a count
VOLTAGE_ZERO = const(2)
VOLTAGE_UV = const(3)
TOLERANCE_UA = const(4)
COMPLIANCE_MV = const(5)
IDLE_MOST = const(6)  # counts
WINDOW_MOST = const(7)  # of the net charge, in counts times us
# Of the session: from these counts on the voltage cannot be attributed to a channel. Above all counts: it always can.
BOTH = const(8)
# Of the pulse before: the DAC's codes, and the currents that they are meant to deliver.
CODE_A = const(9)
CODE_B = const(10)
SET_A_UA = const(11)
SET_B_UA = const(12)
# So many bad pulses in a row, of each kind.
_IDLE = const(13)
_OPENED = const(14)
_SHORTED = const(15)
_WRONG = const(16)
# The window of a second, in counts times us: the slot that it ends with, the net charge when it began, and the least
# and the most that the net charge may be.
_SLOT = const(17)  # 0: none yet
BASE = const(18)
_WINDOW_LOW = const(19)
_WINDOW_HIGH = const(20)
# The delivery report. Charges in counts times us, currents in counts.
MEASURED = const(21)  # pulses
CHARGE_A = const(22)
NET = const(23)  # phase A less phase B
CURRENTS = const(24)  # of both phases
DRIVEN = const(25)  # pulses set above zero, and of these
LEAST = const(26)  # MIDDLE and the least current of a phase
MOST = const(27)
REST_MOST = const(28)  # the most that flowed between pulses, either way
BAD = const(29)  # what was wrong with the last one: 0 if nothing
NEXT = const(30)  # the place in `pulses` of the one to be judged next
LAST = const(31)  # the last one, pulse.MEASURED numbers
FIELDS = const(40)

# The window of a second is one slot longer: it then covers 1000 to 1025 ms, never less than a second.
_WINDOW_MS = const(1_000)
SLOT_MS = const(25)
SLOTS = const(_WINDOW_MS // SLOT_MS + 1)

MIDDLE = const(1 << 29)  # as far from both ends of 30 bits
CARRY = const(1 << 27)  # more than a sum grows between two moves of the window
NO_CODE = const(0xFFFF)

# The numbers of a pulse, as core/pulse.py has them: the compiler puts in only what stands in the same file.
# tests/core/test_verdict.py holds them to those.
_SET_LEVEL_A = const(0)
_SET_WIDTH_A = const(1)
_SET_LEVEL_B = const(2)
_SET_WIDTH_B = const(3)
_CURRENT_A = const(4)
_VOLTAGE_A = const(5)
_CURRENT_B = const(6)
_VOLTAGE_B = const(7)
_CURRENT_REST = const(8)
_NUMBERS = const(9)

_OPEN_BIT = const(1)
_SHORT_BIT = const(2)
_WRONG_BIT = const(4)
_IDLE_BIT = const(8)


@micropython.viper
def _move_window(numbers, kept, slot: int):
    """The window ends with `slot` now. `kept` has, of each slot, what the net charge was when it began."""
    state, slots = ptr32(numbers), ptr32(kept)
    last = state[_SLOT]
    net = state[NET]
    if last == 0 or slot - last > SLOTS:
        last = slot - SLOTS  # all of it is older than the window
    while last < slot:
        last += 1
        slots[last % SLOTS] = net
    state[_SLOT] = slot
    base = slots[(slot + 1) % SLOTS]
    state[BASE] = base
    state[_WINDOW_LOW] = base - state[WINDOW_MOST]
    state[_WINDOW_HIGH] = base + state[WINDOW_MOST]


# long: what is done for each pulse, in machine code: every call from it takes time on the pulse path
@micropython.viper
def judge(numbers, kept, pulses: ptr16, count: int, slot: int) -> int:
    """Judge the pulses from place state[NEXT] on, before place `count`. `slot` of the window is now, from 1 on.
    Returns _GOOD; or what the last one judged, the one before state[NEXT], completes; or OTHER; or _LONG_SUM.
    `numbers` is the state, `kept` the SLOTS of its window. Allocates nothing."""
    state = ptr32(numbers)
    if slot != state[_SLOT]:
        for field in range(CHARGE_A, CURRENTS + 1):
            if state[field] <= MIDDLE - CARRY or state[field] >= MIDDLE + CARRY:
                return _LONG_SUM
        _move_window(numbers, kept, slot)
    while state[NEXT] < count:
        at = state[NEXT] * _NUMBERS
        code_a = pulses[at + _SET_LEVEL_A]
        code_b = pulses[at + _SET_LEVEL_B]
        if code_a != state[CODE_A] or code_b != state[CODE_B]:
            return OTHER
        state[NEXT] += 1
        for i in range(_NUMBERS):
            state[LAST + i] = pulses[at + i]
        a = pulses[at + _CURRENT_A] - state[ZERO]
        b = state[ZERO] - pulses[at + _CURRENT_B]  # phase B goes the other way
        charge = a * pulses[at + _SET_WIDTH_A]
        net = state[NET] + charge - b * pulses[at + _SET_WIDTH_B]
        state[MEASURED] += 1
        state[CHARGE_A] += charge
        state[NET] = net
        state[CURRENTS] += a + b
        least, most = a, b
        if a > b:
            least, most = b, a
        if code_a > 0:
            state[DRIVEN] += 1
            if MIDDLE + least < state[LEAST]:
                state[LEAST] = MIDDLE + least
            if MIDDLE + most > state[MOST]:
                state[MOST] = MIDDLE + most

        rest = pulses[at + _CURRENT_REST] - state[ZERO]
        if rest < 0:
            rest = 0 - rest
        if rest > state[REST_MOST]:
            state[REST_MOST] = rest
        state[BAD] = 0
        if rest > state[IDLE_MOST]:
            state[BAD] = _IDLE_BIT
            state[_IDLE] += 1
            if state[_IDLE] >= _IDLE_IN_A_ROW:
                return _IDLE_CURRENT
        else:
            state[_IDLE] = 0

        voltage_a = pulses[at + _VOLTAGE_A]
        voltage_b = pulses[at + _VOLTAGE_B]
        uv, zero = state[VOLTAGE_UV], state[VOLTAGE_ZERO]
        na = state[CURRENT_NA]
        unattributed = int(voltage_a >= state[BOTH])
        bad = int(_bad(numbers, state[SET_A_UA], a * na // 1_000, (voltage_a - zero) * uv // 1_000, unattributed))
        unattributed = int(voltage_b >= state[BOTH])
        bad |= int(_bad(numbers, state[SET_B_UA], b * na // 1_000, (zero - voltage_b) * uv // 1_000, unattributed))
        state[BAD] |= bad
        state[_OPENED] = state[_OPENED] + 1 if bad & _OPEN_BIT else 0
        state[_SHORTED] = state[_SHORTED] + 1 if bad & _SHORT_BIT else 0
        state[_WRONG] = state[_WRONG] + 1 if bad & _WRONG_BIT else 0
        if state[_OPENED] >= IN_A_ROW:
            return _OPEN
        if state[_SHORTED] >= IN_A_ROW:
            return _SHORT
        if state[_WRONG] >= IN_A_ROW:
            return _MISMATCH
        if net < state[_WINDOW_LOW] or net > state[_WINDOW_HIGH]:
            return _NET_CHARGE
    return _GOOD


@micropython.viper
def _bad(numbers, set_ua: int, is_ua: int, is_mv: int, unattributed: int) -> int:
    """What is wrong with one phase, as bits. `unattributed`: the voltage is not to be judged."""
    state = ptr32(numbers)
    bad = 0
    tolerance_ua = state[TOLERANCE_UA]
    least_ua = (OPEN_PERCENT * set_ua + 99) // 100
    if set_ua < OPEN_SET_UA:
        least_ua -= tolerance_ua
    if set_ua >= COMPLIANCE_SET_UA and is_ua < least_ua:
        bad = _OPEN_BIT
    elif unattributed:
        pass
    elif set_ua >= COMPLIANCE_SET_UA and is_mv >= state[COMPLIANCE_MV]:
        bad = _OPEN_BIT
    elif set_ua > SHORT_SET_UA and (is_mv < SHORT_MV or 1_000 * is_mv < SHORT_OHM * is_ua):
        bad = _SHORT_BIT
    if 100 * (is_ua - tolerance_ua) > OVER_PERCENT * set_ua or is_ua < 0 - tolerance_ua:
        bad |= _WRONG_BIT
    return bad

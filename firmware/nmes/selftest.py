"""The self-test before each arming: what must hold of hardware and memory before anybody is connected to it.

It asks the HAL, and moves nothing but the enables, which end low.
"""

from array import array

from nmes.core import faults, pulse, pulse_check
from nmes.core.checks import CHECKS

# Garbage is collected every 18 KB (link.py). As much again is for the largest thing that a session makes, a line of at
# most 4 KB with what it is made of, for what a fault leaves, and for holes.
FREE_LEAST = 36_000
# What the ADC can say of the chip's own temperature if it works at all.
_PLAUSIBLE_DC = (-400, 1_250)

# level_a, level_b, width_a, gap, width_b, period, highest level; and what the second checker has to say of it.
_PULSES = (
    (200, 200, 250, 50, 250, 20_000, 200, 0),
    (200, 199, 250, 50, 250, 20_000, 200, 2),
    (201, 201, 250, 50, 250, 20_000, 200, 3),
    (200, 200, 250, 50, 251, 20_000, 200, 4),
    (200, 200, 501, 50, 501, 20_000, 200, 5),
    (200, 200, 250, 50, 250, 6_600, 200, 6),
    (501, 501, 500, 50, 500, 20_000, 1_000, 7),
)


class SelfTest:
    """The checks of a board with a stage, each (passed, found, expected), the last two as texts; by the fault that a
    failed one is."""

    def __init__(self, hal, session, board, stage):
        self._hal = hal
        self._session = session
        self._board = board
        # What the current sense may be off; of the voltage sense, as many counts.
        self._measures = stage["measures"]
        self._zero_counts = self._measures and stage["sense_tolerance_ua"] // stage["sense_ua_per_count"]
        # In the order of CHECKS.
        self._in_order = (
            self._enable,
            self._adc,
            self._free,
            self._temperature,
            self._supply,
            self._zeros,
            self._memory,
            self._guard,
            self._enable,
        )
        # What tells that the cause of a fault is gone, where the device can tell.
        self._causes = {
            faults.ENABLE_STUCK: self._enable,
            faults.SENSE_FAILED: self._sense,
            faults.TEMPERATURE: self._temperature,
            faults.SUPPLY_LOW: self._supply,
            faults.GUARD_FAILED: self._guard,
            faults.MEMORY_LOW: self._free,
            faults.ELECTRODE_OPEN: self._zeros,
            faults.ELECTRODE_SHORT: self._zeros,
            faults.NET_CHARGE: self._zeros,
            faults.CURRENT_MISMATCH: self._zeros,
            faults.IDLE_CURRENT: self._zeros,
        }
        self.clear()

    def clear(self):
        """Nothing has been tested yet."""
        self.at_ms = None
        self.results = []

    def run(self):
        """Every check in turn, until one fails. Returns its fault, or 0."""
        self.at_ms = self._hal.now_ms()
        self.results = []
        for fault, check in zip(CHECKS, self._in_order):
            passed, found, expected = check()
            self.results.append((faults.name(fault), passed, found, expected))
            if not passed:
                return fault
        return 0

    def answer(self):
        """What the last one found."""
        passed = all([row[1] for row in self.results]) if self.results else None
        return {"at_ms": self.at_ms, "passed": passed, "results": self.results}

    def remains(self, fault):
        """What still speaks for the cause of a fault: (found, expected), or None."""
        check = self._causes.get(fault)
        passed, found, expected = check() if check else (True, "", "")
        return None if passed else (found, expected)

    def _enable(self):
        high = self._hal.enabled()
        return not high, "high" if high else "low", "low: nobody has permitted anything"

    def _adc(self):
        # A converter that is stuck says the same of everything, and of the chip's temperature what cannot be.
        return _within(self._hal.temperature_dc(), _PLAUSIBLE_DC, "0.1 degC, if the ADC works")

    def _temperature(self):
        return _within(self._hal.temperature_dc(), self._board["temperature_dc"], "0.1 degC")

    def _supply(self):
        supply_mv = self._hal.supply_mv()
        if supply_mv is None:
            return True, "not measured", "nothing: this board does not measure it"
        return _within(supply_mv, self._board["supply_mv"], "mV")

    def _zeros(self):
        if not self._measures:
            return True, "not measured", "nothing: there is no output stage"
        for channel in range(len(self._session.calibrations)):
            calibration = self._session.calibrations[channel]
            for name, counts, zero in (
                ("current", self._hal.idle_current(channel), calibration.current_zero),
                ("voltage", self._hal.idle_voltage(), calibration.voltage_zero),
            ):
                if not -self._zero_counts <= counts - zero <= self._zero_counts:
                    found = "%s of channel %d: %d counts" % (name, channel, counts)
                    return False, found, "%d counts, %d more or less" % (zero, self._zero_counts)
        return True, "zero", "zero"

    def _sense(self):
        passed, found, expected = self._adc()
        return self._zeros() if passed else (passed, found, expected)

    def _free(self):
        free = self._hal.memory_free()
        return free >= FREE_LEAST, "%d bytes free" % free, "at least %d bytes" % FREE_LEAST

    def _memory(self):
        if not self._session.intact():
            return False, "changed", "the programme as it was accepted"
        record = array("H", [0] * pulse.RECORD_HALVES)
        for level_a, level_b, width_a, gap, width_b, period, most, rule in _PULSES:
            pulse.encode(record, 0, level_a, level_b, width_a, gap, width_b, period)
            found = pulse_check.bad(record, 0, most, False)
            if found != rule:
                return False, "the second checker said rule %d" % found, "rule %d" % rule
        return True, "as it was accepted", "as it was accepted"

    def _guard(self):
        found = self._hal.try_guard()
        return not found, found or "cut every time", "cut every time"


def _within(value, bounds, unit):
    least, most = bounds
    return least <= value <= most, str(value), "%d to %d %s" % (least, most, unit)

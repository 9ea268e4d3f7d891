"""The checks of the self-test in their order, as firmware/nmes/selftest.py makes them and hosts name them."""

from nmes.core import faults

# The fault that a failed one is, what it looks at, and what a number in its answer counts: "" for words.
CHECKS = (
    (faults.ENABLE_STUCK, "the enable of the output stage", ""),
    (faults.SENSE_FAILED, "the converter (ADC), by the temperature it says", "0.1 degC"),
    (faults.MEMORY_LOW, "free memory", ""),
    (faults.TEMPERATURE, "the temperature of the chip", "0.1 degC"),
    (faults.SUPPLY_LOW, "the supply", "mV"),
    (faults.SENSE_FAILED, "current and voltage while nothing is driven", ""),
    (faults.MEMORY_DAMAGED, "the accepted programme, and the second checker of pulses", ""),
    (faults.GUARD_FAILED, "the guard, shown an expired lease, an open safe line, and phases that must not be", ""),
    (faults.ENABLE_STUCK, "the enable again, after the guard has moved it", ""),
)

"""The checks of the self-test in their order, as firmware/nmes/selftest.py makes them: the fault that a failed one is.

What each looks at, in words for people, is in fault_words.py.
"""

from nmes.core import faults

CHECKS = (
    faults.ENABLE_STUCK,
    faults.SENSE_FAILED,
    faults.MEMORY_LOW,
    faults.TEMPERATURE,
    faults.SUPPLY_LOW,
    faults.SENSE_FAILED,
    faults.MEMORY_DAMAGED,
    faults.GUARD_FAILED,
    faults.ENABLE_STUCK,
)

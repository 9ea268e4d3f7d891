"""The clock that CPU, PIO and PWM of the emulated chip run from."""

CPU_HZ = 125_000_000  # clk_sys
CYCLE_NANOS = 1_000_000_000 // CPU_HZ

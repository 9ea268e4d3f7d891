"""The RP2040 hardware: pulses by PIO and DMA, amplitude by PWM. See hal/__init__.py for the contract."""

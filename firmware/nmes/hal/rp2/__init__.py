"""The RP2040 hardware: pulses by PIO and DMA, amplitude by PWM. See hal/contract.py for the contract."""

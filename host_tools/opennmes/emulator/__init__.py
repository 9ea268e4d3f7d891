"""The emulator: the real UF2 on an emulated RP2040, with an output stage and a load around its pins."""

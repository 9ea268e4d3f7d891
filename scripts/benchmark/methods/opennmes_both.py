"""After opennmes.py: the same on both channels, 100 Hz each, for what that takes of the CPU."""

CHANNELS = (0, 1)
PERIOD_US = 10_000

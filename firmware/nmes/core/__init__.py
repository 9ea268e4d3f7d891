"""The pure part: no machine, no clock, no input or output. Runs on MicroPython and on CPython; the host imports it."""

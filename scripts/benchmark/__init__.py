"""`make bench`: our pulses beside those of the usual ways, on the emulated chip. Start at run.py."""

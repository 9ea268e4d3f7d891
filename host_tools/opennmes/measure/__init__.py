"""Pulses, from the traces of whatever has captured them: an emulated chip, a logic analyser, a second board."""

"""Mutation testing: `make mutants`. One place of the firmware is changed in a copy, and some test has to fail.

Cosmic Ray changes every place of the modules that decide (change, plan); tests/mutants_by_hand.toml has changes that a
person has made up, those of hal/rp2 among them (by_hand). What survives has to stand in tests/mutants.toml with a
reason (listed). Verdicts are kept (kept): a run goes on where the last one ended and judges only what is not known.
"""

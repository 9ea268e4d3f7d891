"""Run test modules under MicroPython: `micropython run.py MODULE…`, with MICROPYPATH naming this folder first."""

import sys
import unittest

sys.exit(unittest.run(sys.argv[1:]))

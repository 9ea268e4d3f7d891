"""What every test may import: the firmware, the host tools, the toolchain script, and the samples of tests/core."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / folder)
    for folder in ("firmware", "host_tools", "scripts", "tests/core", "tests/core_reference", "tests/pio", "tests/chip")
]

"""The emulator: the real UF2 on an emulated RP2040, with an output stage and a load around its pins.

`make setup` compiles some of its modules into build/compiled (scripts/compiled.py), each beside a copy of its source.
They are imported from there while all copies are what stands here, and NMES_COMPILED is not 0; else from here, with
the same results in ten times the time.
"""

import os
from pathlib import Path

_HERE = Path(__file__).parent
_COMPILED = _HERE.parents[2] / "build" / "compiled"


def _is_of_today() -> bool:
    sources = [(copy, _HERE / copy.name) for copy in _COMPILED.glob("*.py")]
    return bool(sources) and all(here.exists() and copy.read_bytes() == here.read_bytes() for copy, here in sources)


if os.environ.get("NMES_COMPILED") != "0" and _is_of_today():
    __path__.insert(0, str(_COMPILED))

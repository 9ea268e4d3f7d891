"""The numbers of the chip's registers, put into the firmware's sources in the place of their names.

MicroPython folds constants within a file alone. So without this every name of hal/rp2/registers.py and of the table of
the board's chip would lie in memory, and be looked up at each use: on a stock MicroPython 3 KB of the 36 that a session
needs.
"""

from __future__ import annotations

import ast
import re

ROOM = "nmes/hal/rp2/"
SAME = ROOM + "registers.py"
CHOICE = ROOM + "chip.py"
_OF_CHIPS = {"rp2040": ROOM + "rp2040.py", "rp2350": ROOM + "rp2350.py"}
_IMPORTS = re.compile(
    rb"^from nmes\.hal\.rp2 import registers as reg\n|^from nmes\.hal\.rp2\.chip import chip\n", re.MULTILINE
)
_NAME = re.compile(rb"\b(reg|chip)\.([A-Z][A-Z0-9_]*)\b")


def table(source: bytes) -> dict[str, int]:
    """The constants of a table of registers by their names."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            found[node.targets[0].id] = int(eval(ast.unparse(node.value.args[0]), {"__builtins__": {}}))
    return found


def put_in(sources: dict[str, bytes], mcu: str) -> dict[str, bytes]:
    """The same sources for a board with the chip `mcu`, without the tables; every name of them is its number.

    Raises KeyError for a name that no table has.
    """
    tables = {b"reg": table(sources[SAME]), b"chip": table(sources[_OF_CHIPS[mcu]])}
    left = {path: text for path, text in sources.items() if path not in (SAME, CHOICE, *_OF_CHIPS.values())}

    def number(name: re.Match[bytes]) -> bytes:
        return str(tables[name[1]][name[2].decode()]).encode()

    return {
        path: _NAME.sub(number, _IMPORTS.sub(b"", text)) if path.startswith(ROOM) else text
        for path, text in left.items()
    }

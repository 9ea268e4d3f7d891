"""What draws pictures, imported when a test first asks for it: `pictures.asked` is opennmes.plots.asked.

With matplotlib a process takes 60 MB more, and one that runs tests of emulated boards is copied for each of them.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    return importlib.import_module(f"opennmes.plots.{name}")

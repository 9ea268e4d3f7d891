"""tests/mutants.toml: the mutants that may live, and why."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mutants.change import Mutant

NAME = "tests/mutants.toml"


def listed(root: Path) -> dict[Mutant, str]:
    """The mutants of the list, and why each may live. Raises SystemExit when one is there twice."""
    path = root / NAME
    found: dict[Mutant, str] = {}
    for row in tomllib.loads(path.read_text())["lives"] if path.exists() else ():
        for now in row["now"]:
            mutant = Mutant(row["module"], row["function"], row["was"], now, row.get("which", 1))
            if mutant in found:
                raise SystemExit(f"{NAME} has twice: {mutant}")
            found[mutant] = row["why"]
    return found

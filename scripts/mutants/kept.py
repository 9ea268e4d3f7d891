"""What was found before, by a digest of all that a verdict depends on. A line is written as soon as it is known."""

from __future__ import annotations

import json
from pathlib import Path

from mutants.change import Mutant, digest, of_source


class Kept:
    """The verdicts of `folder`/verdicts; a half line, from a run that was killed, counts as none."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "verdicts"
        text = self._path.read_text() if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._path.write_text(whole)
        self._verdicts = dict(line.split(" ", 1) for line in whole.splitlines())

    def verdict(self, *keys: str) -> str:
        """What is known under the first of these keys that is known, or an empty text."""
        return next((self._verdicts[key] for key in keys if key in self._verdicts), "")

    def keep(self, key: str, verdict: str) -> None:
        self._verdicts[key] = verdict
        with self._path.open("a") as file:
            file.write(f"{key} {verdict}\n")


def mutants_of(folder: Path, module: str, source: str) -> list[Mutant]:
    """Every mutant of a module; made once for a source, because half a minute is long for the largest."""
    made_by = Path(__file__).with_name("change.py").read_text()
    path = folder / f"{module}-{digest(source, made_by)}.json"
    if path.exists():
        return [Mutant(*row) for row in json.loads(path.read_text())]
    found = of_source(module, source)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{module}-*.json"):
        old.unlink()
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps([list(vars(each).values()) for each in found]))
    scratch.rename(path)
    return found

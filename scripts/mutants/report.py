"""What a run says: how far it is, what survived, and the table of build/mutants.md."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY = 100  # mutants, where there is no terminal


@dataclass
class Tally:
    """The verdicts on one module."""

    total: int
    listed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return self.total - self.verdicts.total()

    def row(self, name: str) -> str:
        by_time = self.verdicts["timeout"]
        counts = (self.total, self.verdicts["killed"] + by_time, by_time, self.listed)
        open_ = self.verdicts["survived"] - self.listed
        notes = [f"{open_} survived, not listed"] * bool(open_) + [f"{self.left} not judged yet"] * bool(self.left)
        return f"| `{name}` | " + " | ".join(map(str, counts)) + f" | {', '.join(notes)} |\n"


def table(tallies: dict[str, Tally]) -> str:
    head = "| module | mutants | killed | of them by time | listed | open |\n|---|---|---|---|---|---|\n"
    return head + "".join(tally.row(name) for name, tally in tallies.items())


class Progression:
    """How far a run is: a bar on a terminal, a line now and then on a pipe."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._began_s = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Progression:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def judged(self, name: str, alone: bool) -> None:
        """One more, of module `name`. `alone`: it took so long that it gets a line of its own."""
        self._done += 1
        self._bar.update(self._task, advance=1, description=name)
        if not self._console.is_terminal and (alone or self._done % LINE_EVERY == 0 or self._done == self._total):
            took_s = time.monotonic() - self._began_s
            self._console.print(
                f"{self._done} of {self._total} judged, at {name}, {took_s:.0f} s", markup=False, highlight=False
            )

"""`make mutants`: judge every mutant that is not known yet, what a change touches first."""

from __future__ import annotations

import argparse
import fcntl
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mutants import by_hand, listed
from mutants.by_hand import ByHand
from mutants.change import Mutant, digest
from mutants.judge import KILLED, SURVIVED, Broken, Judge
from mutants.kept import Kept, mutants_of
from mutants.plan import BY_HAND, House, touched
from mutants.report import Progression, Tally, table

ROOT = Path(__file__).resolve().parents[2]
DONE, FOUND, BROKEN, NOT_ALL = range(4)  # exit status
LAST = 3  # the rank of those that may live: they meet every test there is, which takes the longest and tells the least


@dataclass(frozen=True)
class Check:
    """The module with `more` at its end: whether the run itself is sound."""

    module: str
    more: str
    wanted: str
    otherwise: str  # what is wrong then


@dataclass(frozen=True)
class Task:
    """One thing to judge. `keys`: what the verdict is kept under, of the nearest tests alone and of all."""

    group: str
    what: Mutant | ByHand | Check
    keys: tuple[str, ...]
    rank: tuple[int, int, int]


# ---- what there is to do, in its order ----


def tasks_of(house: House, module: str, changed: dict[str, set[int]]) -> Iterator[Task]:
    """Every mutant of a module, and before them the checks that the tests pass, and see the copy that is changed."""
    path = house.file_of(module)
    source = (house.root / path).read_text()
    nearest = list(house.modules[module])
    others = house.others(module)
    near = house.depends_on(module, nearest)
    # Kept apart where no other test reaches the module, too: who survives the nearest is asked again when one comes.
    all_ = house.depends_on(module, nearest + others) if others else digest(near)
    lines = changed.get(str(path), set())
    tests = {f"tests/core/{name}.py" for name in nearest}
    here = 1 if lines or tests & changed.keys() else 2
    place = list(house.modules).index(module)

    def keys(text: str) -> tuple[str, str]:
        return digest(text, near, sys.version), digest(text, all_, sys.version)

    found = mutants_of(house.kept_in, module, source)
    first = 0 if any(mutant.line in lines for mutant in found) else here
    for more, wanted, otherwise in (
        ("", SURVIVED, "the tests fail without any mutant; run .venv/bin/python -m pytest tests/core"),
        ("\nraise ImportError\n", KILLED, "the tests do not import the copy that is changed"),
    ):
        check = Check(module, more, wanted, f"{module}: {otherwise}")
        yield Task(module, check, keys(digest(source + more)), (first, place, -1))
    may_live = listed.listed(house.root)
    for mutant in found:
        rank = 0 if mutant.line in lines else LAST if mutant in may_live else here
        yield Task(module, mutant, keys(mutant.digest), (rank, place, mutant.line))


def tasks_by_hand(house: House, changed: dict[str, set[int]]) -> Iterator[Task]:
    """Every change that was made by hand, and before them the tests without a change."""
    last = len(house.modules)
    seen: dict[str, tuple[int, set[str]]] = {}  # of each file of tests the best rank, and the tests that are asked
    for row in by_hand.rows(house.root):
        lines = changed.get(row.file, set())
        line = row.line((house.root / row.file).read_text())
        rank = 1 if lines or {test.split("::")[0] for test in row.tests} & changed.keys() else 2
        if lines & set(range(line, line + row.was.count("\n") + 1)):
            rank = 0
        for test in row.tests:
            best, tests = seen.get(test.split("::")[0], (rank, set()))
            seen[test.split("::")[0]] = min(rank, best), tests | {test}
        yield Task(BY_HAND, row, (by_hand.key(house.root, row),), (rank, last + row.needs_image, line))
    for rank, tests in seen.values():
        row = by_hand.as_it_is(tests)
        yield Task(BY_HAND, row, (by_hand.key(house.root, row),), (rank, last + row.needs_image, -1))


def planned(house: House, names: list[str]) -> list[Task]:
    changed = touched(house.root)
    tasks = [task for name in names if name != BY_HAND for task in tasks_of(house, name, changed)]
    if BY_HAND in names:
        tasks += tasks_by_hand(house, changed)
    return sorted(tasks, key=lambda task: task.rank)


# ---- one process ----

_judge: Judge


def _begin(house: House, numbers: multiprocessing.queues.Queue[int]) -> None:
    global _judge
    _judge = Judge(house, house.kept_in / f"tree-{numbers.get()}")


def _judged(task: Task) -> tuple[str, str]:
    """The verdict, and the key to keep it under."""
    what = task.what
    if isinstance(what, ByHand):
        return _judge.by_hand(what), task.keys[0]
    if isinstance(what, Mutant):
        verdict, group = _judge.mutant(what)
    else:
        verdict, group = _judge.source(what.module, _judge.original(what.module) + what.more)
    return verdict, task.keys[group]


def judged(house: House, tasks: list[Task], processes: int, until_s: float) -> Iterator[tuple[Task, str, str]]:
    """(task, verdict, key) of each, as they come; none begins after `until_s` of the monotonic clock."""
    context = multiprocessing.get_context("fork")
    numbers = context.Queue()
    for number in range(processes):
        numbers.put(number)
    waiting = iter(tasks)
    with ProcessPoolExecutor(processes, context, _begin, (house, numbers)) as pool:
        running: dict[Future[tuple[str, str]], Task] = {}

        def one_more() -> None:
            task = next(waiting, None) if time.monotonic() < until_s else None
            if task:
                running[pool.submit(_judged, task)] = task

        for _ in range(processes):
            one_more()
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                yield task, *future.result()
                one_more()


# ---- the whole ----


class Run:
    """The verdicts of all tasks, and what they mean."""

    def __init__(self, house: House, tasks: list[Task], console: Console) -> None:
        self._house = house
        self._say: Callable[[str], None] = lambda text: console.print(
            text, markup=False, highlight=False, soft_wrap=True
        )
        self._known = listed.listed(house.root)
        self._lives: set[Mutant] = set()
        self.wrong = False
        self.open = 0
        self.tallies: dict[str, Tally] = {}
        for task in sorted(tasks, key=lambda task: task.rank[1]):
            if _counts(task):
                self.tallies.setdefault(task.group, Tally(0)).total += 1

    def take(self, task: Task, verdict: str) -> None:
        """One verdict more."""
        what = task.what
        if isinstance(what, Check) or (isinstance(what, ByHand) and not what.file):
            wanted, otherwise = (
                (what.wanted, what.otherwise)
                if isinstance(what, Check)
                else (SURVIVED, f"one of these fails without any mutant: {', '.join(what.tests)}")
            )
            if verdict != wanted:
                self.wrong = True
                self._say(otherwise)
            return
        tally = self.tallies[task.group]
        tally.verdicts[verdict] += 1
        if verdict != SURVIVED:
            return
        if isinstance(what, Mutant):
            self._lives.add(what)
            if what in self._known:
                tally.listed += 1
                return
        self.open += 1
        self._say(f"survived: {what}")

    def stale(self) -> list[Mutant]:
        """Of the list, those of modules that are wholly judged that do not live."""
        whole = {name for name, tally in self.tallies.items() if not tally.left}
        return [mutant for mutant in self._known if mutant.module in whole and mutant not in self._lives]

    def end(self) -> int:
        """Say and write how it ended. Returns the exit status."""
        text = table(self.tallies)
        self._say(text)
        report = self._house.kept_in.with_suffix(".md")
        report.write_text(text)
        stale = self.stale()
        for mutant in stale:
            self._say(f"in {listed.NAME}, but killed or no mutant any more: {mutant}")
        left = sum(tally.left for tally in self.tallies.values())
        self._say(f"{self.open} survived that are not in {listed.NAME}; {left} are not judged yet")
        if self.wrong:
            return BROKEN
        return FOUND if self.open or stale else NOT_ALL if left else DONE


def _counts(task: Task) -> bool:
    return isinstance(task.what, Mutant) or (isinstance(task.what, ByHand) and bool(task.what.file))


def run(house: House, names: list[str], processes: int, budget_s: float, console: Console) -> int:
    """Judge what is not known of these modules. Returns the exit status."""
    until_s = time.monotonic() + budget_s
    tasks = planned(house, names)
    kept = Kept(house.kept_in)
    whole = Run(house, tasks, console)
    left = []
    for task in tasks:
        verdict = kept.verdict(*task.keys)
        if verdict:
            whole.take(task, verdict)
        else:
            left.append(task)
    console.print(f"{len(tasks) - len(left)} of {len(tasks)} are known from before", highlight=False)
    with Progression(console, len(left)) as progress:
        for task, verdict, key in judged(house, left, processes, until_s):
            whole.take(task, verdict)
            if whole.wrong:
                break
            kept.keep(key, verdict)
            progress.judged(task.group, isinstance(task.what, ByHand))
    return whole.end()


def main(arguments: list[str] | None = None, house: House | None = None) -> int:
    house = house or House(ROOT)
    every = [*house.modules, BY_HAND]
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--module", action="append", choices=every, metavar="NAME", help=f"only this one; of {', '.join(every)}"
    )
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="begin nothing new after so long")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what runs comes to its end, and is kept
    house.kept_in.mkdir(parents=True, exist_ok=True)
    console = Console()
    with open(house.kept_in / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.print("another `make mutants` runs in this checkout; wait for it to end")
            return BROKEN
        try:
            budget_s = 60 * options.budget if options.budget is not None else float("inf")
            return run(house, options.module or every, max(1, options.processes), budget_s, console)
        except Broken as error:
            console.print(str(error), markup=False, highlight=False, soft_wrap=True)
            return BROKEN
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from here")
            return 130


if __name__ == "__main__":
    sys.exit(main())

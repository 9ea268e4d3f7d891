"""Mutation testing of what decides about limits, states, faults and single pulses: `make mutants`.

Cosmic Ray changes one place of a module, in a copy of the firmware; the tests of tests/core then have to fail. What
survives has to stand in tests/mutants.toml with a reason. The result goes into build/mutants.md.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import functools
import multiprocessing
import os
import re
import resource
import shlex
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import TestOutcome
from rich.console import Console
from rich.progress import Progress

from toolchain import ROOT

CORE = Path("nmes/core")
TESTS = ROOT / "tests/core"
LIST = ROOT / "tests/mutants.toml"
REPORT = ROOT / "build/mutants.md"
MEMORY_MOST = 2 << 30  # of a mutant that counts without end
TIMEOUT_S = 20  # of the nearest tests, which take less than a second
TIMEOUT_REST_S = 120  # of all the others, which take some seconds

# The module, and the tests that are asked first: they kill most, in a fraction of a second. Survivors meet all others.
MODULES = {
    "pulse_check": ("test_pulse_check",),
    "faults": ("test_session",),
    "limits": ("test_limits", "test_limits_exact", "test_two_channels"),
    "session": ("test_session", "test_session_edges", "test_adjust", "test_two_channels"),
}

# Of Cosmic Ray's operators those that are not one more of the same: an operator that is wrong twice is not wronger.
# Not `is` for `==`, which compares how an interpreter keeps its small numbers. Texts are never changed.
_BINARY = {
    "Add": ("Sub", "Mul"),
    "Sub": ("Add", "Mul"),
    "Mul": ("Add", "FloorDiv"),
    "FloorDiv": ("Mul", "Mod"),
    "Mod": ("FloorDiv", "Mul"),
    "Div": ("Mul", "FloorDiv"),
    "Pow": ("Mul", "Add"),
    "RShift": ("LShift",),
    "LShift": ("RShift",),
    "BitOr": ("BitAnd", "Sub"),
    "BitAnd": ("BitOr", "Add"),
}
_ORDERS = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_WANTED = {
    *(f"ReplaceBinaryOperator_{old}_{new}" for old, others in _BINARY.items() for new in others),
    *(f"ReplaceComparisonOperator_{old}_{new}" for old in _ORDERS for new in _ORDERS if old != new),
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Not",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
}


class RemoveStatement(Operator):  # type: ignore[misc]
    """`pass` for a statement of a function: a forgotten return, reset or call, which Cosmic Ray does not try."""

    def mutation_positions(self, node: parso.tree.NodeOrLeaf) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type != "simple_stmt" or parso.tree.search_ancestor(node, "funcdef") is None:
            return
        statement = node.children[0]  # type: ignore[attr-defined]
        if statement.type in ("string", "strings") or statement.get_code().strip() == "pass":
            return
        yield statement.start_pos, statement.end_pos

    def mutate(self, node: parso.tree.BaseNode, index: int) -> parso.tree.BaseNode:
        first = node.children[0].get_first_leaf()
        node.children[0] = parso.python.tree.Keyword("pass", first.start_pos, first.prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("def f():\n    return 1", "def f():\n    pass"),)


@functools.cache
def operators() -> list[Operator]:
    names = {name.removeprefix("core/"): name for name in operator_names()}
    if missing := _WANTED - names.keys():
        raise SystemExit(f"this Cosmic Ray does not know {sorted(missing)}; pyproject.toml says which one is expected")
    return [get_operator(names[name])() for name in sorted(_WANTED)] + [RemoveStatement()]


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@dataclass(frozen=True)
class Mutant:
    """What a change does, as a person reads it; `occurrence` of the operator finds it again."""

    module: str
    function: str
    was: str
    now: str
    line: int = field(default=0, compare=False)
    operator: int = field(default=0, compare=False)
    occurrence: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line} {self.function or '(module)'}\n  - {self.was}\n  + {self.now}"


def functions(source: str) -> dict[int, str]:
    """The function of each line, with its class in front."""
    found: dict[int, str] = {}

    def look(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                own = f"{name}.{child.name}" if name else child.name
                first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                found.update(dict.fromkeys(range(first, (child.end_lineno or child.lineno) + 1), own))
                look(child, own)

    look(ast.parse(source), "")
    return found


def original(module: str) -> str:
    return (ROOT / "firmware" / CORE / f"{module}.py").read_text()


def of_source(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module once, in the order of its lines."""
    nodes = list(ast_nodes(get_ast(source)))
    owner = functions(source)
    found: dict[str, Mutant] = {}
    for number, operator in enumerate(operators()):
        count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        for occurrence in range(count):
            changed = mutate_code(source, operator, occurrence)
            if changed is None or changed == source:
                continue
            old, new, line = difference(source, changed)
            made = Mutant(module, owner.get(line, ""), old, new, line, number, occurrence)
            found.setdefault(re.sub(r"[ \t]+", " ", changed), made)
    return sorted(found.values(), key=lambda each: each.line)


def difference(source: str, changed: str) -> tuple[str, str, int]:
    """The lines that differ, before and after, and the number of the first."""
    old, new = source.splitlines(), changed.splitlines()
    for tag, first, last, from_new, to_new in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            return one_line(" ".join(old[first:last])), one_line(" ".join(new[from_new:to_new])), first + 1
    raise ValueError("a mutant without a difference")


# ---- one process: its own copy of the firmware, and nothing else on the path of the tests ----

_copy: Path


def make_copy(folder: str) -> None:
    global _copy
    _copy = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(ROOT / "firmware/nmes", _copy / "nmes", ignore=shutil.ignore_patterns("__pycache__"))
    os.environ["PYTHONPATH"] = f"{_copy}{os.pathsep}{TESTS}"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MOST, MEMORY_MOST))


def asked(names: Iterable[str], timeout_s: float) -> tuple[bool, str]:
    """Whether these tests pass with the copy as it is, and what they said."""
    command = [sys.executable, "-B", "-m", "unittest", "-f", *names]
    outcome, said = run_tests(shlex.join(command), timeout_s)
    if outcome == TestOutcome.INCOMPETENT:
        raise RuntimeError(f"the tests could not be run: {said}")
    return outcome == TestOutcome.SURVIVED, said


def others(module: str) -> list[str]:
    return sorted(path.stem for path in TESTS.glob("test_*.py") if path.stem not in MODULES[module])


def verdict(module: str, source: str) -> str:
    """What the tests say with `source` in place of the module: "killed", "timeout" or "survived"."""
    path = _copy / CORE / f"{module}.py"
    path.write_text(source)
    try:
        for names, timeout_s in ((MODULES[module], TIMEOUT_S), (others(module), TIMEOUT_REST_S)):
            passed, said = asked(names, timeout_s)
            if not passed:
                return "timeout" if said == "timeout" else "killed"
    finally:
        path.write_text(original(module))
    return "survived"


def judge(mutant: Mutant) -> tuple[Mutant, str]:
    source = mutate_code(original(mutant.module), operators()[mutant.operator], mutant.occurrence)
    return mutant, verdict(mutant.module, source)


def sound(module: str) -> str:
    """What is wrong with the run itself: the copy must pass as it is, and fail when its module cannot be imported."""
    source = original(module)
    if verdict(module, source) != "survived":
        return f"{module}: the tests fail without any mutant; run .venv/bin/python -m pytest tests/core"
    if verdict(module, source + "\nraise ImportError\n") != "killed":
        return f"{module}: the tests do not import the copy that is changed"
    return ""


# ---- the list of what may live ----


def listed() -> dict[Mutant, str]:
    """The mutants of tests/mutants.toml, and why each may live."""
    found: dict[Mutant, str] = {}
    for row in tomllib.loads(LIST.read_text())["lives"]:
        for now in row["now"]:
            mutant = Mutant(row["module"], row["function"], row["was"], now)
            if mutant in found:
                raise SystemExit(f"{LIST.name} has twice: {mutant}")
            found[mutant] = row["why"]
    return found


def table(rows: list[tuple[str, int, int, int, int]]) -> str:
    head = "| module | mutants | killed | of them by time | listed |\n|---|---|---|---|---|\n"
    return head + "".join(f"| `{name}` | " + " | ".join(map(str, counts)) + " |\n" for name, *counts in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("modules", nargs="*", help=f"all of {', '.join(MODULES)} when none is named")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    modules = options.modules or list(MODULES)
    if unknown := [name for name in modules if name not in MODULES]:
        parser.error(f"no such module: {', '.join(unknown)}; there are {', '.join(MODULES)}")

    console = Console()
    known = listed()
    rows: list[tuple[str, int, int, int, int]] = []
    new: list[Mutant] = []
    stale: list[Mutant] = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(
        options.processes, make_copy, (folder,)
    ) as pool, Progress(console=console) as progress:  # fmt: skip
        for wrong in pool.imap_unordered(sound, modules):
            if wrong:
                console.print(wrong)
                return 2
        for module in modules:
            all_ = of_source(module, original(module))
            verdicts: dict[str, list[Mutant]] = {"killed": [], "timeout": [], "survived": []}
            for mutant, said in progress.track(
                pool.imap_unordered(judge, all_), total=len(all_), description=module
            ):  # fmt: skip
                verdicts[said].append(mutant)
                if said == "survived" and mutant not in known:
                    new.append(mutant)
                    console.print(f"survived: {mutant}", markup=False, highlight=False)
            lives = set(verdicts["survived"])
            stale += [each for each in known if each.module == module and each not in lives]
            late = len(verdicts["timeout"])
            allowed = sum(each in known for each in verdicts["survived"])
            rows.append((module, len(all_), len(verdicts["killed"]) + late, late, allowed))
            console.print(f"{module}: {len(all_)} mutants, {len(lives)} survived, {allowed} of them listed")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(table(rows))
    console.print(table(rows), markup=False)
    console.print(f"{time.monotonic() - began_s:.0f} s; {len(new)} survived that are not in {LIST.name}")
    for each in stale:
        console.print(f"in {LIST.name}, but killed or no mutant any more: {each}", markup=False, highlight=False)
    return 1 if new or stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""What is changed: Cosmic Ray's operators, one more, and every mutant of a module as a person reads it."""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator, operator_names

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
    """What a change does, as a person reads it, and the `which`th of its function that reads so; `occurrence` of the
    operator finds it again."""

    module: str
    function: str
    was: str
    now: str
    which: int = 1
    line: int = field(default=0, compare=False)
    operator: int = field(default=0, compare=False)
    occurrence: int = field(default=0, compare=False)
    digest: str = field(default="", compare=False)  # of the whole changed source

    def __str__(self) -> str:
        which = f" (which = {self.which})" if self.which > 1 else ""
        return f"{self.module}.py:{self.line} {self.function or '(module)'}{which}\n  - {self.was}\n  + {self.now}"


@functools.cache
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
            made = Mutant(module, owner.get(line, ""), old, new, 1, line, number, occurrence, digest(changed))
            found.setdefault(re.sub(r"[ \t]+", " ", changed), made)
    return numbered(sorted(found.values(), key=lambda each: each.line))


def numbered(mutants: list[Mutant]) -> list[Mutant]:
    """Those that read alike in one function, such as `pass` for each of its `return None`, told apart by `which`."""
    seen: Counter[Mutant] = Counter()
    told_apart = []
    for mutant in mutants:
        seen[mutant] += 1
        told_apart.append(replace(mutant, which=seen[mutant]))
    return told_apart


def difference(source: str, changed: str) -> tuple[str, str, int]:
    """The lines that differ, before and after, and the number of the first. Raises ValueError when none does."""
    old, new = source.splitlines(), changed.splitlines()
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    if old == new:
        raise ValueError("a mutant without a difference")
    alike = next((at for at in range(shorter - first) if old[-1 - at] != new[-1 - at]), shorter - first)
    return (
        one_line(" ".join(old[first : len(old) - alike])),
        one_line(" ".join(new[first : len(new) - alike])),
        first + 1,
    )


def changed_source(mutant: Mutant, source: str) -> str:
    """The module's source with the change in it. Raises ValueError when it is not the change that was planned."""
    changed: str | None = mutate_code(source, operators()[mutant.operator], mutant.occurrence)
    if changed is None or digest(changed) != mutant.digest:
        raise ValueError(f"not found again: {mutant}")
    return changed


def digest(*texts: str) -> str:
    """A short name of these texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]

"""tests/mutants.toml: whoever lets a mutant live says which one and why. `make mutants` says whether it does."""

from __future__ import annotations

import pytest

import mutants

LISTED = mutants.listed()


def test_every_module_is_one_of_the_core_s_with_tests_of_its_own() -> None:
    for module, names in mutants.MODULES.items():
        assert (mutants.ROOT / "firmware" / mutants.CORE / f"{module}.py").is_file()
        assert names and all((mutants.TESTS / f"{name}.py").is_file() for name in names)


@pytest.mark.parametrize("mutant", LISTED, ids=lambda mutant: f"{mutant.module}: {mutant.now}")
def test_a_mutant_that_may_live_is_one_of_a_line_of_the_code_and_has_a_reason(mutant: mutants.Mutant) -> None:
    assert mutant.module in mutants.MODULES
    source = (mutants.ROOT / "firmware" / mutants.CORE / f"{mutant.module}.py").read_text()
    owner = mutants.functions(source)
    lines = [
        mutants.one_line(text)
        for number, text in enumerate(source.splitlines(), 1)
        if owner.get(number, "") == mutant.function
    ]
    assert mutant.was in lines, "no such line in this function any more: take the entry out"
    assert mutant.now != mutant.was
    assert len(LISTED[mutant].split()) >= 5, "a reason is a sentence"


def test_every_operator_that_is_wanted_is_one_of_the_tool_s() -> None:
    names = {type(operator).__name__ for operator in mutants.operators()}
    assert "RemoveStatement" in names and len(names) == len(mutants.operators())


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("def f(a):\n    return a < 1\n", {"return a <= 1", "return a < 2", "return a < 0", "pass"}),
        ("def f(a):\n    '''x'''\n    a.b = 1\n", {"a.b = 2", "a.b = 0", "pass"}),
        ("A = 5\n", {"A = 6", "A = 4"}),
        ("def f(a, b):\n    return a * b\n", {"return a + b", "return a // b", "pass"}),
        ("def f(a, b):\n    return not (a and b)\n", {"return (a and b)", "return not (a or b)", "pass"}),
    ],
)
def test_the_mutants_of_a_line(source: str, made: set[str]) -> None:
    found = {mutant.now for mutant in mutants.of_source("x", source)}
    assert made <= found
    assert not any("'" in now for now in found), "texts stay as they are"

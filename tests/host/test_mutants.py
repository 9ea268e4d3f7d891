"""`make mutants`: the tool itself in a small house of its own, and the two lists that belong to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mutants import by_hand, change, listed, plan, run
from mutants.judge import SURVIVED
from mutants.kept import Kept

ROOT = run.ROOT
LISTED = listed.listed(ROOT)

# ---- the lists ----


def test_every_module_has_tests_of_its_own_that_reach_it() -> None:
    house = plan.House(ROOT)
    for module, names in house.modules.items():
        assert names
        for name in names:
            assert ROOT / house.file_of(module) in plan.reached(house, name), f"{name} does not import {module}"


@pytest.mark.parametrize("mutant", LISTED, ids=lambda mutant: f"{mutant.module}: {mutant.now}")
def test_a_mutant_that_may_live_is_one_of_a_line_of_the_code_and_has_a_reason(mutant: change.Mutant) -> None:
    house = plan.House(ROOT)
    assert mutant.module in house.modules
    source = (ROOT / house.file_of(mutant.module)).read_text()
    owner = change.functions(source)
    lines = [
        change.one_line(text)
        for number, text in enumerate(source.splitlines(), 1)
        if owner.get(number, "") == mutant.function
    ]
    assert mutant.was in lines, "no such line in this function any more: take the entry out"
    assert mutant.now != mutant.was
    assert len(LISTED[mutant].split()) >= 5, "a reason is a sentence"


def test_every_change_made_by_hand_fits_the_firmware_and_names_tests_that_there_are() -> None:
    rows = by_hand.rows(ROOT)
    assert len([row for row in rows if row.file.startswith("firmware/nmes/hal/rp2/")]) >= 30
    assert all(row.name.endswith(".") and len(row.name.split()) >= 4 for row in rows), "a name is a sentence"


# ---- what is changed ----


def test_every_operator_that_is_wanted_is_one_of_the_tool_s() -> None:
    names = {type(operator).__name__ for operator in change.operators()}
    assert "RemoveStatement" in names and len(names) == len(change.operators())


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
    found = {mutant.now for mutant in change.of_source("x", source)}
    assert made <= found
    assert not any("'" in now for now in found), "texts stay as they are"


def test_changes_of_a_function_that_read_alike_are_told_apart() -> None:
    source = "def f(a):\n    if a:\n        return 0\n    a.b()\n    return 0\n\n\ndef g(a):\n    return 0\n"
    alike = [mutant for mutant in change.of_source("x", source) if (mutant.was, mutant.now) == ("return 0", "pass")]
    assert [(mutant.function, mutant.which, mutant.line) for mutant in alike] == [("f", 1, 3), ("f", 2, 5), ("g", 1, 9)]
    assert len(set(alike)) == 3
    assert "(which = 2)" in str(alike[1]) and "which" not in str(alike[0])


def test_a_mutant_is_found_again_and_never_another() -> None:
    source = "def f(a):\n    return a + 1\n"
    for mutant in change.of_source("x", source):
        assert mutant.now in change.one_line(change.changed_source(mutant, source))
        with pytest.raises(ValueError, match="not found again"):
            change.changed_source(mutant, source + "\n\nB = 1\n")


# ---- a run ----

TINY = """\
def half(a):
    return a // 2


def most(a):
    if a > 10:
        return 10
    return a
"""
TESTS = """\
import unittest

from nmes.core.tiny import half, most


class Tiny(unittest.TestCase):
    def test_half(self):
        self.assertEqual(half(7), 3)

    def test_most(self):
        self.assertEqual((most(11), most(9)), (10, 9))
"""


class Small:
    """A checkout with one module, `tiny`, and its tests."""

    def __init__(self, root: Path) -> None:
        self.house = plan.House(root, {"tiny": ("test_tiny",)})
        self.module = root / "firmware/nmes/core/tiny.py"
        self.tests = root / "tests/core/test_tiny.py"
        for path, text in (
            (self.module, TINY),
            (self.tests, TESTS),
            (root / "firmware/nmes/__init__.py", ""),
            (root / "firmware/nmes/core/__init__.py", ""),
            (root / "tests/mutants.toml", "lives = []\n"),
            (root / ".gitignore", "build\n"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "x")

    def git(self, *command: str) -> None:
        subprocess.run(["git", "-C", str(self.house.root), *command], check=True)

    def run(self, *options: str) -> int:
        return run.main(["--processes", "1", *options], self.house)

    def by_hand(self, was: str, now: str = "return 0", test: str = "tests/core/test_tiny.py::Tiny::test_half") -> None:
        (self.house.root / "tests/mutants_by_hand.toml").write_text(
            f'[[mutant]]\nname = "x"\nfile = "firmware/nmes/core/tiny.py"\nwas = "{was}"\nnow = "{now}"\n'
            f'tests = ["{test}"]\n'
        )

    def report(self) -> str:
        return (self.house.root / "build/mutants.md").read_text()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_a_survivor_is_found_and_a_reason_lets_it_live(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    assert small.run() == run.FOUND
    said = capsys.readouterr().out
    assert "if a >= 10:" in said and "return a // 3" not in said, "10 is 10 either way; 7 // 3 is not 3"
    survived = said.count("survived: ")
    (small.house.root / "tests/mutants.toml").write_text(
        "".join(
            f'[[lives]]\nmodule = "tiny"\nfunction = "{mutant.function}"\nwas = "{mutant.was}"\n'
            f'now = ["{mutant.now}"]\nwhy = "It is the same."\n'
            for mutant in change.of_source("tiny", TINY)
            if mutant.now in said
        )
    )
    assert small.run() == run.DONE
    assert f"| `tiny` | {len(change.of_source('tiny', TINY))} |" in small.report()
    assert small.report().count(f"| 0 | {survived} |  |") == 1, small.report()
    assert small.module.read_text() == TINY, "the checkout itself is never changed"


def test_a_survivor_is_judged_again_when_the_first_test_comes_that_is_none_of_the_nearest(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    before, most = TESTS.split("    def test_most")
    small.tests.write_text(before)
    assert small.run() == run.FOUND
    assert "return 11" in capsys.readouterr().out
    more = TESTS.split("class")[0] + "class More(unittest.TestCase):\n    def test_most" + most
    small.tests.with_name("test_more.py").write_text(more)
    assert small.run() == run.FOUND
    said = capsys.readouterr().out
    assert "return 11" not in said and "if a >= 10:" in said


def test_one_that_is_listed_and_killed_is_told(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    (small.house.root / "tests/mutants.toml").write_text(
        '[[lives]]\nmodule = "tiny"\nfunction = "half"\nwas = "return a // 2"\nnow = ["return a * 2"]\nwhy = "x"\n'
    )
    assert small.run() == run.FOUND
    assert "killed or no mutant any more: tiny.py" in capsys.readouterr().out


def test_one_that_may_live_is_one_of_a_function_and_not_all_that_read_alike(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    small.module.write_text(TINY + "\n\ndef third(a):\n    if a:\n        return None\n    return None\n")
    row = '[[lives]]\nmodule = "tiny"\nfunction = "third"\nwas = "return None"\nnow = ["pass"]\nwhy = "x"\n'
    listed_in = small.house.root / "tests/mutants.toml"
    for which in (1, 2):
        listed_in.write_text(row + f"which = {which}\n")
        small.run()
        said = capsys.readouterr().out
        assert said.count("- return None") == 1, said
        assert ("third (which = 2)" in said) == (which == 1)


def test_those_that_may_live_are_judged_last(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    listed_first = '[[lives]]\nmodule = "tiny"\nfunction = "half"\nwas = "return a // 2"\nnow = ["return a * 2"]\n'
    (small.house.root / "tests/mutants.toml").write_text(listed_first + 'why = "x"\n')
    order = [task.what for task in judged_in(small, monkeypatch)]
    assert str(order[-1]).endswith("+ return a * 2")


def judged_in(small: Small, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...] = ()) -> list[run.Task]:
    """What a run judges, in its order."""
    order: list[run.Task] = []
    of_pool = run.judged

    def judged(house, tasks, processes, until_s):  # type: ignore[no-untyped-def]
        for task, verdict, key in of_pool(house, tasks, processes, until_s):
            order.append(task)
            yield task, verdict, key

    monkeypatch.setattr(run, "judged", judged)
    small.run(*options)
    monkeypatch.setattr(run, "judged", of_pool)
    return order


def test_a_run_that_was_interrupted_goes_on_and_one_that_has_ended_judges_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept.keep
    count = 0

    def interrupted(self: Kept, key: str, verdict: str) -> None:
        nonlocal count
        count += 1
        if count > 5:
            raise KeyboardInterrupt
        kept(self, key, verdict)

    monkeypatch.setattr(Kept, "keep", interrupted)
    assert small.run() == 130
    monkeypatch.setattr(Kept, "keep", kept)
    with (small.house.kept_in / "verdicts").open("a") as file:
        file.write("half a li")
    total = len(run.planned(small.house, ["tiny"]))
    assert len(judged_in(small, monkeypatch)) == total - 5
    whole = small.report()
    capsys.readouterr()
    assert judged_in(small, monkeypatch) == []
    assert f"{total} of {total} are known" in capsys.readouterr().out
    assert small.report() == whole


def test_what_a_change_touches_is_judged_anew_and_its_lines_first(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.run()
    small.module.write_text(TINY.replace("a > 10", "a >= 11"))
    order = [task.what for task in judged_in(small, monkeypatch)]
    mutants = [what for what in order if isinstance(what, change.Mutant)]
    touched = [mutant.line == 6 for mutant in mutants]
    assert any(touched) and not all(touched) and touched == sorted(touched, reverse=True)
    small.tests.write_text(TESTS + "\n\nX = 1\n")
    assert len(judged_in(small, monkeypatch)) == len(run.planned(small.house, ["tiny"])), (
        "another test, another verdict"
    )


def test_a_budget_that_is_used_up_is_told_and_is_no_success(
    small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small.run("--budget", "0") == run.NOT_ALL
    assert f"{len(change.of_source('tiny', TINY))} are not judged yet" in capsys.readouterr().out
    assert "not judged yet" in small.report()


def test_tests_that_fail_without_any_mutant_end_the_run(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    small.tests.write_text(TESTS.replace("(half(7), 3)", "(half(7), 4)"))
    assert small.run() == run.BROKEN
    assert "the tests fail without any mutant" in capsys.readouterr().out


def test_a_mutant_without_end_is_killed_by_the_processor_s_time(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mutants.judge.NEAREST_S", 1)
    endless = "def half(a):\n    while True:\n        a += 1\n        if a < 0:\n            return a\n"
    small.module.write_text("def most(a):\n    return min(a, 10)\n\n\n" + endless)
    small.tests.write_text(TESTS.replace("self.assertEqual(half(7), 3)", "self.assertEqual(half(-2), -1)"))
    small.run()
    assert "timeout" in (small.house.kept_in / "verdicts").read_text()
    assert " 0 | 0 |" not in small.report()


# ---- changes made by hand ----


def test_a_change_made_by_hand_is_noticed_by_its_test_or_told(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    small.by_hand("return a // 2")
    assert small.run("--module", plan.BY_HAND) == run.DONE
    assert "| `by_hand` | 1 | 1 | 0 | 0 |" in small.report()
    small.by_hand("return a // 2", "return a // 2 + 0")
    assert small.run("--module", plan.BY_HAND) == run.FOUND
    assert "survived: firmware/nmes/core/tiny.py: x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("return b // 2",), "occurs 0 times"),
        (("return a",), "occurs 2 times"),
        (("return a // 2", "return a // 2"), "`now` is `was`"),
        (("return a // 2", "return 0", "tests/core/test_tiny.py::Tiny::test_third"), "there is no test"),
        (("return a // 2", "return 0", "tests/core/test_other.py::test_half"), "there is no test"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(small: Small, row: tuple[str, ...], why: str) -> None:
    small.by_hand(*row)
    with pytest.raises(SystemExit, match=why):
        small.run("--module", plan.BY_HAND)


def test_a_test_that_fails_anyway_notices_nothing(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    small.by_hand("return a // 2")
    small.tests.write_text(TESTS.replace("(half(7), 3)", "(half(7), 4)"))
    assert small.run("--module", plan.BY_HAND) == run.BROKEN
    assert "one of these fails without any mutant" in capsys.readouterr().out


def test_a_change_that_pytest_cannot_run_is_no_kill(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    small.by_hand("return a // 2", "return a //")
    assert small.run("--module", plan.BY_HAND) == run.BROKEN
    assert "pytest ended with" in capsys.readouterr().out


def test_verdicts_are_told_apart_by_what_they_depend_on(small: Small) -> None:
    first = {task.keys for task in run.planned(small.house, ["tiny"])}
    assert len(first) == len(run.planned(small.house, ["tiny"]))
    assert SURVIVED not in "".join(key for keys in first for key in keys)

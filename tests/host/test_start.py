"""What a start of nmes does without, so that it is quick; in a new interpreter."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import processes
import pytest

from opennmes.cli import main
from opennmes.cli.app import VERBS

TOLD = """
import atexit, gc, json
def tell():
    verbs = [name.removeprefix("opennmes.cli.") for name in sys.modules if name.startswith("opennmes.cli.")]
    looked = sum(each["collections"] for each in gc.get_stats())
    said = {"verbs": verbs, "virtual": "opennmes.ports.virtual" in sys.modules, "looked": looked - before}
    print(json.dumps(said | {"frozen": gc.get_freeze_count(), "enabled": gc.isenabled()}), file=sys.stderr)
atexit.register(tell)
import opennmes.cli
before = sum(each["collections"] for each in gc.get_stats())
"""


def told(*line: str) -> Any:
    done = processes.ran(*line, before=TOLD, new=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr)


@pytest.mark.parametrize("verb", ["check", ""])
def test_a_start_imports_its_verb_and_looks_for_garbage_only_afterwards(verb: str, example_file: Path) -> None:
    said = told(verb, str(example_file)) if verb else told("--version")
    always = "completion"  # knows what a shell asks by
    assert {name for name in said["verbs"] if name in VERBS} == {always, verb} - {""}
    assert not said["virtual"]
    assert said["looked"] < 10, "it was more than forty times"
    assert said["frozen"] > 10_000 and said["enabled"]


def test_who_calls_it_keeps_what_is_garbage_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    frozen = gc.get_freeze_count()
    assert main(["--version"]) == 0
    assert gc.get_freeze_count() <= frozen and gc.isenabled()
    assert capsys.readouterr().out.startswith("nmes ")

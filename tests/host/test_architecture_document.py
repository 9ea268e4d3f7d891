"""docs/architecture.md, docs/recipes.md and docs/glossary.md name what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import documents

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
STEPS = re.findall(r"^\| \d+ \| `([^`]+)` \| `([^`]+)` \| .+ \|$", ARCHITECTURE, re.MULTILINE)
IN_TEXT = re.findall(r"`([\w/.]+\.py)` `([\w.]+)`", ARCHITECTURE)
PATHS = sorted(
    {
        path
        for page in ("architecture", "glossary", "recipes")
        for path in re.findall(r"`([\w.*/-]+/[\w.*/-]+)`", (ROOT / "docs" / f"{page}.md").read_text())
    }
)


def places(path: str) -> list[Path]:
    """The files that a page means by a path; NAME stands for any."""
    bases = (ROOT, ROOT / "firmware", ROOT / "firmware" / "nmes", ROOT / "host_tools")
    return [found for base in bases for found in base.glob(path.replace("NAME", "*"))]


@pytest.mark.parametrize(("path", "name"), [*STEPS, *IN_TEXT])
def test_a_function_that_the_page_names_is_there(path: str, name: str) -> None:
    (file,) = places(path)
    assert name in documents.declared(ast.parse(file.read_text()).body)


def test_three_ways_are_followed_and_each_is_numbered_without_a_gap() -> None:
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", ARCHITECTURE, re.MULTILINE)]
    assert len(numbers) == len(STEPS) and numbers.count(1) == 3
    assert all(number in (1, before + 1) for before, number in zip([0, *numbers], numbers, strict=False))


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_a_page_names_is_there(path: str) -> None:
    assert places(path)

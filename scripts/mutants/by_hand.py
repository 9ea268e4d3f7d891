"""tests/mutants_by_hand.toml: changes that a person has made up, of hal/rp2 above all, and tests that notice them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutants.change import digest

NAME = "tests/mutants_by_hand.toml"
CHIP = "tests/chip/"
_FOR_AN_IMAGE = ("firmware", "boards", "host_tools/opennmes", "scripts/toolchain.py", "tests/conftest.py")


@dataclass(frozen=True)
class ByHand:
    """`was` in `file` becomes `now`, and at least one of `tests` (pytest's node ids) has to fail. Without a change
    (`file` empty) all of them have to pass."""

    name: str
    file: str
    was: str
    now: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}\n  - {self.was}\n  + {self.now}"

    @property
    def needs_image(self) -> bool:
        return any(test.startswith(CHIP) for test in self.tests)

    def line(self, source: str) -> int:
        """Where the change begins."""
        return source[: source.index(self.was)].count("\n") + 1


def rows(root: Path) -> list[ByHand]:
    """The changes. Raises SystemExit when one does not fit the firmware or its tests are not there."""
    path = root / NAME
    parsed = tomllib.loads(path.read_text())["mutant"] if path.exists() else []
    found = [ByHand(row["name"], row["file"], row["was"], row["now"], tuple(row["tests"])) for row in parsed]
    wrong = [f"{NAME}: {row.name!r}: {what}" for row in found if (what := _wrong(root, row))]
    names = [row.name for row in found]
    wrong += [f"{NAME}: {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if wrong:
        raise SystemExit("\n".join(wrong))
    return found


def _wrong(root: Path, row: ByHand) -> str:
    """What is wrong with a row; an empty text when nothing is."""
    path = root / row.file
    if not path.is_file():
        return f"there is no file {row.file}"
    times = path.read_text().count(row.was)
    if times != 1:
        return f"`was` occurs {times} times in {row.file}, and not once: {row.was!r}"
    if row.was == row.now:
        return "`now` is `was`"
    if not row.tests:
        return "no test is named"
    for test in row.tests:
        file, *names = test.split("::")
        function = names[-1].split("[")[0] if names else ""
        if not (root / file).is_file() or f"def {function}(" not in (root / file).read_text():
            return f"there is no test {test}"
    return ""


def as_it_is(tests: Iterable[str]) -> ByHand:
    """No change: what tests that are to notice one have to pass first. Those of one file share what they boot."""
    return ByHand("unchanged", "", "", "", tuple(sorted(tests)))


def key(root: Path, row: ByHand) -> str:
    """A digest of the row and of all that its tests may read, before the change."""
    folders = {str(Path(test.split("::")[0]).parent) for test in row.tests}
    files = [
        file
        for name in sorted({*_FOR_AN_IMAGE, *folders})
        for file in ([root / name] if (root / name).is_file() else sorted((root / name).rglob("*")))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    contents = [f"{file.relative_to(root)}\n{digest(file.read_bytes().hex())}" for file in files]
    return digest(repr(row), *contents)

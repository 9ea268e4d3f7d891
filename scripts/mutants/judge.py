"""One process with a copy of the checkout of its own: the change goes in, tests run, the change goes out."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from mutants.by_hand import ByHand
from mutants.change import Mutant, changed_source
from mutants.plan import House

# Of a mutant that counts without end. The tests of core take 50 MB; the emulated chip needs more.
MEMORY_MOST = 1 << 29
BY_HAND_MEMORY_MOST = 2 << 30
# Limits of the processor's time, which a busy machine does not use up for a test; a wait without end is not one of
# computing, and gets the same in hours.
NEAREST_S = 10  # they take a second, those of the supervisor three
OTHERS_S = 120  # some seconds
BY_HAND_S = 1_200  # on the emulated chip some minutes
WAIT_S = 3_600

_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # no test ends itself in this way

# CPython as it is at a user's, without the stubs of MicroPython that are installed for mypy.
UNITTEST = "import sys, unittest; sys.modules['micropython'] = None; unittest.main(None)"

KILLED, TIMEOUT, SURVIVED = "killed", "timeout", "survived"


class Broken(Exception):
    """The run itself is wrong: nothing can be said of the mutant."""


class Judge:
    """`tree` is a copy of the checkout `house`, and nothing else is on the path of the tests."""

    def __init__(self, house: House, tree: Path) -> None:
        self._house = house
        self._tree = tree
        copy(house.root, tree)

    def original(self, module: str) -> str:
        """The module's source, unchanged."""
        return (self._tree / self._house.file_of(module)).read_text()

    def mutant(self, mutant: Mutant) -> tuple[str, int]:
        """The verdict, and which tests gave it: 0 for the nearest, 1 for all the others."""
        return self.source(mutant.module, changed_source(mutant, self.original(mutant.module)))

    def source(self, module: str, source: str) -> tuple[str, int]:
        """The same, with `source` in place of the module."""
        path = self._tree / self._house.file_of(module)
        original = self.original(module)
        groups = ((self._house.modules[module], NEAREST_S), (self._house.others(module), OTHERS_S))
        path.write_text(source)
        try:
            for group, (names, limit_s) in enumerate(groups):
                command = [sys.executable, "-B", "-c", UNITTEST, "-f", *names]
                verdict = self._asked(command, limit_s) if names else SURVIVED
                if verdict != SURVIVED:
                    return verdict, group
        finally:
            path.write_text(original)
        return SURVIVED, 1

    def by_hand(self, row: ByHand) -> str:
        """The verdict. Raises Broken when no image can be built, or pytest cannot run the tests."""
        path = self._tree / row.file
        original = path.read_text() if row.file else ""
        image = None
        if row.file:
            path.write_text(original.replace(row.was, row.now))
        try:
            if row.needs_image:
                image = self._image()
            command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *row.tests]
            return self._asked(command, BY_HAND_S, pytest=True)
        finally:
            if row.file:
                path.write_text(original)
                if image:
                    shutil.rmtree(image)

    def _image(self) -> Path | None:
        """Build the UF2 of the copy, where its tests look for it. Returns its folder when it was not there before."""
        command = [sys.executable, str(self._tree / "scripts/toolchain.py"), "uf2", "pico"]
        before = {path.name for path in _cache().glob("uf2-*")}
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode:
            raise Broken(f"no image could be built:\n{built.stderr}")
        folder = Path(built.stdout.strip()).parent
        return None if folder.name in before else folder

    def _asked(self, command: list[str], limit_s: int, pytest: bool = False) -> str:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 5))  # first SIGXCPU, then SIGKILL
            memory_most = BY_HAND_MEMORY_MOST if pytest else MEMORY_MOST
            resource.setrlimit(resource.RLIMIT_AS, (memory_most, memory_most))

        paths = (self._tree / "firmware", self._tree / "tests/core")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        try:
            run = subprocess.run(
                command, cwd=self._tree, env=environment, preexec_fn=limit, timeout=WAIT_S, stdin=subprocess.DEVNULL,
                start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return TIMEOUT
        if run.returncode == -signal.SIGXCPU:
            return TIMEOUT
        if -run.returncode in _FROM_OUTSIDE:
            raise Broken(f"{signal.Signals(-run.returncode).name} ended {' '.join(command)}")
        if pytest and run.returncode not in (0, 1):
            raise Broken(f"pytest ended with {run.returncode}:\n{run.stdout}")
        return KILLED if run.returncode else SURVIVED


def _cache() -> Path:
    import toolchain

    return toolchain.cache()


def copy(root: Path, tree: Path) -> None:
    """Make `tree` hold what git has of the checkout, or would have, as it is now.

    A file that differs is written anew with the time of now, and one that does not is left alone: MicroPython's build
    compares times.
    """
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    wanted = {name for name in listed.split("\0") if name and (root / name).is_file()}
    for path in sorted(_files(tree)):
        if str(path.relative_to(tree)) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        made, content = tree / name, (root / name).read_bytes()
        if not made.exists() or made.read_bytes() != content:
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(content)


def _files(tree: Path) -> Iterable[Path]:
    return (path for path in tree.rglob("*") if path.is_file())

"""Every test file of this folder runs twice: under CPython as pytest does it, and as one `[micropython]` item.

The binary is $MICROPYTHON, else the Unix port of scripts/toolchain.py. Without one the item fails: nothing is skipped.
"""

import ast
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

import toolchain
from opennmes.ports.precompiled import folder_for

HERE = Path(__file__).resolve().parent
SUPPORT = HERE / "support"


def micropython() -> str:
    return os.environ.get("MICROPYTHON") or str(toolchain.unix_micropython())


def tests_in(path: Path) -> int:
    """How many tests a file declares: as many as MicroPython must say it ran."""
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test") for c in classes for node in c.body)


class UnderMicroPython(pytest.Item):
    def runtest(self) -> None:
        binary = micropython()
        paths = [SUPPORT, HERE, folder_for(binary)]
        fuzz = os.environ.get("FUZZ", "")
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                # in a small heap it collects often, and seldom finds room at once: a sixth of the time
                [binary, "-X", "heapsize=16M", str(SUPPORT / "run.py"), self.path.stem],
                capture_output=True, text=True, timeout=3_600 if fuzz else 120,
                env={
                    "MICROPYPATH": ":".join(map(str, paths)),
                    "NMES_TEST_FOLDER": folder,
                    "FUZZ": fuzz,
                },
            )  # fmt: skip
        said = run.stdout + run.stderr
        last = re.search(r"(\d+) passed, 0 failed\n\Z", run.stdout)
        if run.returncode or not last or int(last[1]) != tests_in(self.path):
            raise AssertionError(f"exit status {run.returncode}, {tests_in(self.path)} tests declared\n{said}")

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}[micropython]"


@pytest.fixture(autouse=True, scope="session")
def folder_of_tests():
    """What a test keeps in files lies in NMES_TEST_FOLDER, under either interpreter."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as changed:
        changed.setenv("NMES_TEST_FOLDER", folder)
        yield


class MicroPythonFile(pytest.File):
    def collect(self):
        item = UnderMicroPython.from_parent(self, name="[micropython]")
        item.add_marker("micropython")
        yield item


def pytest_collect_file(file_path: Path, parent: pytest.Collector):
    if file_path.parent == HERE and file_path.name.startswith("test_") and file_path.suffix == ".py":
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None

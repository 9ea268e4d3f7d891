"""Which modules are changed, which tests are asked first, what a verdict depends on, and what git says has changed."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from mutants.change import digest

# The module, and the tests that are asked first, the quickest of them before the others: they kill most, in a fraction
# of a second. Survivors meet all others that reach the module.
MODULES = {
    "pulse_check": ("test_pulse_check",),
    "trend": ("test_trend",),
    "lock": ("test_lock", "test_link_lock", "test_store_lock"),
    "lockout": ("test_lockout",),
    "faults": ("test_commands", "test_session"),
    "limits": ("test_limits_exact", "test_two_channels", "test_limits"),
    "verdict": ("test_delivery", "test_delivery_twin", "test_verdict"),
    "delivery": ("test_delivery", "test_delivery_twin"),
    "train": ("test_phase", "test_adjust", "test_train"),
    "session": ("test_session_edges", "test_adjust", "test_two_channels", "test_session"),
    "commands": ("test_commands",),
    "store": ("test_store_bounds", "test_store"),
    "prescriptions": ("test_prescriptions_bounds", "test_prescriptions", "test_link_prescriptions"),
    "document": ("test_document", "test_link_prescriptions", "test_prescriptions"),
    "settings": ("test_settings_bounds", "test_settings"),
    "calibration": ("test_calibration", "test_link_calibration"),
    "calibrated": ("test_calibrated", "test_link_calibration"),
    "clock": ("test_clock_bounds", "test_clock_of_day"),
    "selftest": ("test_selftest",),
    "supervisor": (
        "test_supervisor",
        "test_second_lane",
        "test_ends",
        "test_counts",
        "test_when",
        "test_faults_together",
        "test_hazards",
    ),
    "channel_run": ("test_when", "test_second_lane", "test_supervisor", "test_clock", "test_hazards"),
    "hosts": ("test_hosts",),
    "link": ("test_link_bounds", "test_link", "test_errors", "test_hazards"),
    "app": ("test_ends", "test_app"),
}
BY_HAND = "by_hand"  # the name of the changes of tests/mutants_by_hand.toml, where a module is named


@dataclass(frozen=True)
class House:
    """A checkout, and what is changed in it."""

    root: Path
    modules: dict[str, tuple[str, ...]] = field(default_factory=lambda: MODULES)

    @property
    def tests(self) -> Path:
        return self.root / "tests/core"

    @property
    def kept_in(self) -> Path:
        """Everything that a run leaves behind."""
        return self.root / "build/mutants"

    def file_of(self, module: str) -> Path:
        """Where a module is, from the root. Raises SystemExit when there is none."""
        for folder in ("firmware/nmes/core", "firmware/nmes"):
            if (self.root / folder / f"{module}.py").is_file():
                return Path(folder, f"{module}.py")
        raise SystemExit(f"there is no module {module} in firmware/nmes")

    def others(self, module: str) -> list[str]:
        """The tests that are asked last: all that reach the module and are not asked first."""
        path = self.root / self.file_of(module)
        names = sorted(each.stem for each in self.tests.glob("test_*.py") if path in reached(self, each.stem))
        return [name for name in names if name not in self.modules[module]]

    def depends_on(self, module: str, names: list[str]) -> str:
        """A digest of all that these tests read, but of the module itself."""
        files = frozenset().union(*(reached(self, name) for name in names)) - {self.root / self.file_of(module)}
        return digest(*(f"{path.relative_to(self.root)}\n{path.read_text()}" for path in sorted(files)))


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Every module that a file may import: a name that is imported from a package may be one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@functools.cache
def _imported(root: Path, path: Path) -> frozenset[Path]:
    """The files of tests/core and of the firmware among them, with those of their packages."""
    found: set[Path] = set()
    for name in _imports(path):
        for folder in ("tests/core", "firmware"):
            at = root.joinpath(folder, *name.split("."))
            packages = [each / "__init__.py" for each in (at, *at.parents) if each.is_relative_to(root / folder)]
            found |= {file for file in (at.with_suffix(".py"), *packages) if file.is_file()}
    return frozenset(found)


@functools.cache
def _reached_from(root: Path, path: Path) -> frozenset[Path]:
    seen: set[Path] = set()
    waiting = {path}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        waiting |= _imported(root, path) - seen
    return frozenset(seen)


def reached(house: House, test: str) -> frozenset[Path]:
    """The test's own file, and every file of the firmware and of tests/core that it imports, however far away."""
    return _reached_from(house.root, house.tests / f"{test}.py")


# ---- what has changed ----

_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def touched(root: Path) -> dict[str, set[int]]:
    """The lines that differ from what main had when this branch left it, committed or not, by the file's name."""
    base = _git(root, "merge-base", "HEAD", "main").strip() or "HEAD"
    found: dict[str, set[int]] = {}
    lines: set[int] = set()
    for line in _git(root, "diff", "-U0", "--no-color", "--no-ext-diff", base).splitlines():
        if line.startswith("+++ b/"):
            lines = found.setdefault(line.removeprefix("+++ b/"), set())
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            lines |= set(range(first, first + (count or 2)))  # of lines taken out, what stands around them
    for name in _git(root, "ls-files", "--others", "--exclude-standard").splitlines():
        found[name] = set(range(1, (root / name).read_bytes().count(b"\n") + 2))
    return found


def _git(root: Path, *command: str) -> str:
    """What git says; nothing where it has nothing to say, or is not there."""
    try:
        asked = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True)
    except OSError:
        return ""
    return asked.stdout if asked.returncode == 0 else ""

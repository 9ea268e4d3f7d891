"""What the chip tests share: the UF2, built once, and boards that run it.

To boot a board, and to start a session on it, takes longer than most tests. So a board can be shared: a fixture of the
scope `session` or `module` boots it, takes it to where its tests begin, and hands it to `share`. The body of every test
with such a fixture then runs in a branch, a copy of the process: whatever it does to the board, the next test finds the
board where the fixture left it. What a test that failed leaves behind: failures.py.
"""

from __future__ import annotations

import functools
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from failures import branch, leave_behind, pytest_runtest_makereport, pytest_runtest_setup  # noqa: F401
from sessions import DENSE, Bench
from starting import begin

from opennmes.device.client import Device
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, hide_main
from opennmes.emulator.stage import OutputStage

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def uf2() -> Path:
    """The Pico's UF2 with our firmware frozen in; a build takes 40 s the first time and nothing after that."""
    toolchain = ROOT / "scripts" / "toolchain.py"
    built = subprocess.run([sys.executable, str(toolchain), "uf2", "pico"], stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, "the UF2 could not be built; see above"
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def witness_uf2() -> Path:
    """The UF2 of the witness that judges a Pico."""
    toolchain = ROOT / "scripts" / "toolchain.py"
    built = subprocess.run([sys.executable, str(toolchain), "witness", "pico"], stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, "the witness's UF2 could not be built; see above"
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def board() -> dict[str, Any]:
    """BOARD of the Pico."""
    described: dict[str, Any] = runpy.run_path(str(ROOT / "boards" / "pico" / "board.py"))["BOARD"]
    return described


@pytest.fixture(scope="session")
def reference_stage() -> dict[str, Any]:
    """STAGE of the reference output stage."""
    described: dict[str, Any] = runpy.run_path(str(ROOT / "boards" / "stages" / "reference.py"))["STAGE"]
    return described


_shared: list[tuple[EmulatedPico, int]] = []  # and where in time their fixtures left them


@pytest.fixture(scope="session")
def share() -> Callable[[EmulatedPico], None]:
    """Notes that a board is ready; from here on it moves in branches only. A test whose fixtures ask for this is run in
    a branch."""
    return lambda pico: _shared.append((pico, pico.nanos))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and "share" in item.fixturenames:
            item.obj = in_branch(item)


def in_branch(item: pytest.Function) -> Callable[..., None]:
    """The body of a test, run in a branch; what it fails with is told as any other failure is."""
    body = item.obj
    hangs_s = 0.9 * float(item.config.getini("faulthandler_timeout"))  # before this process says so of itself

    @functools.wraps(body)
    def run(**arguments: Any) -> None:
        def work() -> str:
            try:
                body(**arguments)
            except BaseException as error:
                leave_behind()
                return str(item.repr_failure(pytest.ExceptionInfo.from_exception(error)))
            return ""

        assert all(pico.nanos == nanos for pico, nanos in _shared), "a shared board was moved outside a branch"
        if failure := branch(work, hangs_s):
            pytest.fail(failure, pytrace=False)

    return run


@pytest.fixture(scope="session")
def bare_pico(uf2: Path) -> Callable[..., EmulatedPico]:
    """Makes boards that stop at MicroPython's prompt: everything is there, but our main.py does not start."""

    def make(flash: bytes | None = None, **options: Any) -> EmulatedPico:
        pico = EmulatedPico(uf2, flash, **options)
        hide_main(pico)
        return pico

    return make


@pytest.fixture(scope="session")
def repl(bare_pico: Callable[..., EmulatedPico], share: Callable[[EmulatedPico], None]) -> Repl:
    """A board at MicroPython's prompt, ready to run test programs."""
    booted = Repl(bare_pico())
    share(booted.pico)
    return booted


@pytest.fixture(scope="module")
def benched(
    bare_pico: Callable[..., EmulatedPico],
    board: dict[str, Any],
    reference_stage: dict[str, Any],
    share: Callable[[EmulatedPico], None],
) -> Callable[[Callable[[EmulatedPico, OutputStage], T]], T]:
    """Makes a file's own bench, once, of a board at the prompt and the stage around it; its tests share it."""

    def made(bench: Callable[[EmulatedPico, OutputStage], T]) -> T:
        pico = bare_pico()
        ready = bench(pico, OutputStage(pico, board, reference_stage))
        share(pico)
        return ready

    return made


@pytest.fixture(scope="session")
def powered(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any], share: Callable[[EmulatedPico], None]
) -> Callable[..., Bench]:
    """Makes boards with the stage around them and the host connected, from power-on; `ready` takes one to where its
    tests begin. They are shared from there on."""

    def made(ready: Callable[[Bench], Any] = lambda bench: None, cpu_factor: float = 1.0) -> Bench:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Device, "tells_time", False)  # as in every test
            bench = Bench(uf2, board, reference_stage, cpu_factor=cpu_factor)
        ready(bench)
        share(bench.pico)
        return bench

    return made


@pytest.fixture(scope="session")
def bench(powered: Callable[..., Bench]) -> Bench:
    """A board with the stage around it since power-on, and the host connected."""
    return powered()


@pytest.fixture(scope="session")
def dense(powered: Callable[..., Bench]) -> Bench:
    """One on which a session of DENSE has just begun."""
    return powered(lambda bench: begin(bench.device, DENSE))


@pytest.fixture
def make(
    uf2: Path,
    board: dict[str, Any],
    reference_stage: dict[str, Any],
    share: Callable[[EmulatedPico], None],
    request: pytest.FixtureRequest,
) -> Callable[..., Bench]:
    """Makes boards with the stage around them and the host at their port; `flash` as EmulatedPico has it.

    The first without a flash image is `bench`, which has booted already.
    """
    unused = [] if request.node.get_closest_marker("tells_time") else [request.getfixturevalue("bench")]

    def made(flash: bytes | None = None) -> Bench:
        return unused.pop() if flash is None and unused else Bench(uf2, board, reference_stage, flash)

    return made

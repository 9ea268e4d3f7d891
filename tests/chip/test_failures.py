"""What a failed chip test leaves behind, by tests in a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opennmes.measure.trace import read_vcd

PNG = b"\x89PNG\r\n\x1a\n"
# Boards that do not even boot: what matters is that they have pins, and that time passes for them.
BEGIN = """
import os
from types import SimpleNamespace
import pytest
from failures import branch
from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.emulator.stage import OutputStage

@pytest.fixture
def powered(uf2, board, reference_stage):
    def made():
        pico = EmulatedPico(uf2)
        return SimpleNamespace(pico=pico, stage=OutputStage(pico, board, reference_stage))
    return made

@pytest.fixture(scope="session")
def shared(uf2, board, reference_stage, share):
    pico = EmulatedPico(uf2)
    share(pico)
    return SimpleNamespace(pico=pico, stage=OutputStage(pico, board, reference_stage))

def opens(board, nanos):
    board.pico.run_for(nanos)
    board.stage._on_enable(1)
    board.pico.run_for(nanos)
"""

Run = Callable[[str], tuple[str, Path]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uf2: Path) -> Run:
    """Runs tests with the conftest of this folder. Gives what pytest printed, and where they leave things behind."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfaulthandler_timeout = 100\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # none of them has a part in it

    def ran(tests: str) -> tuple[str, Path]:
        (tmp_path / "test_small.py").write_text(BEGIN + tests)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "conftest", "test_small.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.stdout + done.stderr, tmp_path / "build" / "failures"

    return ran


def paths_in(printed: str) -> list[Path]:
    return [Path(found) for found in re.findall(r"^  (/.*): ", printed, re.MULTILINE)]


@pytest.mark.parametrize("where", ["powered()", "shared"])
def test_a_failed_test_leaves_a_vcd_and_a_picture_and_its_report_names_them(run: Run, where: str) -> None:
    fixture = where.removesuffix("()")
    printed, folder = run(f"""
def test_wrong({fixture}):
    board = {where}
    opens(board, 1_000_000)
    assert not "one is not two"
def test_right({fixture}):
    opens({where}, 1_000)
""")
    assert "one is not two" in printed and "1 failed, 1 passed" in printed
    vcd, picture = paths_in(printed)
    assert vcd.parent == picture.parent == folder / "test_small.test_wrong"
    trace = read_vcd(vcd)
    assert [value for _, value in trace.changes("enable")] == [0, 1]
    assert 2_000_000 <= trace.end_nanos < 2_010_000, "of the copy in which it failed, up to then"
    assert picture.read_bytes().startswith(PNG)
    assert f"the board stood at {trace.end_nanos / 1e9:.9f} s since power-on" in printed
    assert [each.name for each in folder.iterdir()] == ["test_small.test_wrong"], "what passes leaves nothing"


def test_the_copy_of_a_copy_in_which_it_failed_has_the_trace(run: Run) -> None:
    printed, folder = run("""
def test_wrong(shared):
    def work():
        opens(shared, 1_000_000)
        assert not "one is not two"
    branch(work)
def test_right(shared):
    def work():
        opens(shared, 1_000)
        assert False
    with pytest.raises(BenchError):
        branch(work)
""")
    assert "one is not two" in printed and "1 failed, 1 passed" in printed
    assert read_vcd(paths_in(printed)[0]).end_nanos >= 2_000_000
    assert [each.name for each in folder.iterdir()] == ["test_small.test_wrong"]


def test_each_board_of_a_failed_test_leaves_its_own_and_none_of_others(run: Run) -> None:
    printed, folder = run("""
def test_before(shared, powered):
    opens(shared, 1_000)
@pytest.mark.parametrize("text", ["no/file", "no:file"])
def test_wrong(powered, text):
    first, second, _ = powered(), powered(), powered()
    opens(first, 1_000_000)
    opens(second, 2_000_000)
    assert False
""")
    ends = [read_vcd(path).end_nanos // 1_000_000 for path in paths_in(printed) if path.suffix == ".vcd"]
    assert ends == [2, 4, 0] * 2, printed
    assert len(list(folder.iterdir())) == 2 and "with {'text': 'no:file'}" in printed


@pytest.mark.parametrize(
    "wrong", ["def test_wrong():", "def test_wrong(shared):\n    opens(shared, 1_000)\n    os._exit(1)"]
)
def test_where_nothing_was_recorded_or_its_copy_is_gone_the_failure_itself_is_told(run: Run, wrong: str) -> None:
    printed, folder = run(f"""
{wrong}
    assert not "one is not two"
""")
    if "os._exit" in wrong:
        assert "it ended without a word" in printed
    else:
        assert "one is not two" in printed and "no trace" in printed and not folder.exists()
    assert "1 failed" in printed


def test_a_trace_that_cannot_be_written_hides_no_failure(run: Run) -> None:
    printed, _ = run("""
def test_wrong(powered):
    board = powered()
    opens(board, 1_000)
    board.stage.trace.rows.append("damaged")
    assert not "one is not two"
""")
    assert "one is not two" in printed and "a trace could not be written: " in printed and "1 failed" in printed


def test_a_board_that_fails_in_a_fixture_leaves_its_own_too(run: Run) -> None:
    printed, _ = run("""
@pytest.fixture
def broken(powered):
    board = powered()
    opens(board, 1_000_000)
    raise RuntimeError("no session")
def test_wrong(broken):
    pass
""")
    assert "no session" in printed and read_vcd(paths_in(printed)[0]).end_nanos >= 2_000_000


def test_what_an_earlier_run_left_is_removed(run: Run) -> None:
    printed, folder = run("""
def test_it(powered):
    opens(powered(), 1_000)
    assert False
""")
    assert paths_in(printed)
    run("""
def test_it(powered):
    opens(powered(), 1_000)
""")
    assert list(folder.iterdir()) == []

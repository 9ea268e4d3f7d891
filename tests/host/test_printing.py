"""A result is not lost to its printing: full disks, closed and broken pipes, terminals that go, names and titles."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tty
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import preloaded
import processes
import pytest
from processes import json_in, ran

from nmes.core import session
from opennmes.cli import main
from opennmes.cli.streams import Stream, standard_streams
from opennmes.measure.trace import Trace
from opennmes.ports import interrupts
from opennmes.ports.emulator import EmulatedPortWithStage
from opennmes.ports.virtual import VirtualPort

pytestmark = pytest.mark.usefixtures("virtual_board")

REFUSED = Path(__file__).parents[2] / "docs" / "examples" / "refused-small-probe.toml"
SESSION = ("--port", "virtual", "--seconds", "1", "--intensity", "2", "--acknowledge")

# redirections: (where the account comes out, the exit status)
REDIRECTED = {
    ">&-": ("err", 3),
    ">/dev/full": ("err", 3),
    "2>&-": ("out", 0),
    "2>/dev/full": ("out", 0),
    "<&-": ("out", 0),
    "<&- >&-": ("err", 3),
    ">&- 2>&-": ("", 3),
    ">/dev/full 2>/dev/full": ("", 3),
    "<&- >&- 2>&-": ("", 3),
    "1</dev/null": ("err", 3),  # open, but not for writing
}
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}  # as the usual container images set it


@pytest.mark.parametrize("shell", REDIRECTED)
@pytest.mark.parametrize("as_json", [False, True])
def test_the_account_of_a_session_comes_out_somewhere(shell: str, as_json: bool, example_file: Path) -> None:
    where, status = REDIRECTED[shell]
    done = ran("run", example_file, *SESSION, *(["--json"] if as_json else []), shell=shell, new=True)
    assert done.returncode == status
    said = {"out": done.stdout, "err": done.stderr, "": ""}[where]
    if as_json and where:
        result = json_in(said)
        assert (result["done"], result["ended"]) == (True, "stopped")
        assert result["account"]["delivered"] > 0
    elif where:
        assert "pulses delivered of" in said
        assert "measured by the device" in said


@pytest.mark.parametrize("shell", REDIRECTED)
def test_a_container_that_wants_no_buffers_changes_nothing(shell: str, example_file: Path) -> None:
    usual, unbuffered = (ran("check", example_file, shell=shell, new=True, **more) for more in ({}, UNBUFFERED))
    assert usual.returncode == REDIRECTED[shell][1]
    assert vars(unbuffered) == vars(usual)


@pytest.mark.parametrize("shell", [">/dev/full 2>/dev/full", ">&- 2>&-"])
def test_without_any_output_the_status_says_whether_it_was_done(shell: str, example_file: Path) -> None:
    assert ran("run", example_file, *SESSION, shell=shell).returncode == 3
    assert (
        ran("run", example_file, *SESSION, "--load-ohm", "10000000", "--intensity", "20", shell=shell).returncode == 2
    )
    open_load = ["--port", "virtual", "--intensity", "20", "--acknowledge", "--load-ohm", "10000000"]
    assert ran("run", example_file, *open_load, shell=shell).returncode == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_who_leaves_loses_no_account(as_json: bool, example_file: Path) -> None:
    pipe = processes.Pipe()
    arguments = ["run", str(example_file), *SESSION, *(["--json"] if as_json else [])]
    with preloaded.start(
        processes.command(*arguments), env=processes.environment(), new=True, stdout=pipe.write, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        pipe.started()
        _, err = process.communicate(timeout=60)
    processes.no_surprise(err)
    assert process.returncode == 0
    assert json_in(err)["done"] if as_json else "pulses delivered of" in err


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("file", "status"), [(None, 0), (REFUSED, 1)])
@pytest.mark.parametrize("arguments", [["--json"], ["--specification"], []])
def test_a_reader_who_leaves_changes_no_verdict(
    both: bool, file: Path | None, status: int, arguments: list[str], example_file: Path
) -> None:
    pipe = processes.Pipe()
    with preloaded.start(
        processes.command("check", str(file or example_file), *arguments),
        env=processes.environment(), stdout=pipe.write, stderr=pipe.write if both else subprocess.PIPE,
    ) as process:  # fmt: skip
        pipe.started()
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err or b"") == (status, b"")


@pytest.mark.parametrize("count", [1, 80, 700])
def test_a_reader_who_leaves_at_any_byte(count: int, example_file: Path) -> None:
    def some(descriptor: int) -> None:
        left = count
        while left:
            left -= len(os.read(descriptor, left))
        os.close(descriptor)

    pipe = processes.Pipe(some)
    with preloaded.start(
        processes.command("check", str(example_file)),
        env=processes.environment(), stdout=pipe.write, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        pipe.started()
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["check", "FILE"], 3),
        (["check", "FILE", "--json"], 3),
        (["check", str(REFUSED), "--json"], 1),
        (["check", "/nonexistent.toml", "--json"], 2),
        (["plot", "FILE", "-o", "PICTURE"], 3),
        (["status", "--port", "virtual"], 3),
        (["status", "--port", "virtual", "--json"], 3),
        (["record", "--port", "virtual", "--json"], 3),
        (["stop", "--port", "virtual"], 3),
        (["clear", "--port", "virtual", "11", "--json"], 1),
        (["--version"], 3),
        (["--help"], 3),
        (["run", "--help"], 3),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
@pytest.mark.parametrize("shell", [">&-", ">/dev/full"])
def test_every_verb_says_it_elsewhere(
    arguments: list[str], status: int, shell: str, example_file: Path, tmp_path: Path
) -> None:
    names = {"FILE": str(example_file), "PICTURE": str(tmp_path / "picture.svg")}
    done = ran(*[names.get(argument, argument) for argument in arguments], shell=shell)
    assert done.returncode == status
    assert "what was to go there:" in done.stderr


def test_usage_that_nobody_can_read_is_still_usage() -> None:
    assert ran("nonsense", shell="2>/dev/full").returncode == 2
    assert ran("check", shell="2>&- >&-").returncode == 2


# ---- characters ----

LOCALES: list[dict[str, str]] = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "utf-8"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX"},
]
TITLE = "Rééducation 骨盆底"


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_a_title_that_the_locale_cannot_show(locale: dict[str, str], example_file: Path) -> None:
    example_file.write_text(example_file.read_text().replace("Stress incontinence", TITLE), encoding="utf-8")
    checked = ran("check", example_file, "--json", **locale)
    assert checked.returncode == 0
    encoding = locale.get("PYTHONIOENCODING", "utf-8")
    text = checked.stdout.encode(errors="surrogateescape").decode(encoding)
    assert json.loads(text)["title"] == f"{TITLE}, 35 Hz"
    assert ran("check", example_file, "--specification", **locale).returncode == 0
    result = ran("run", example_file, *SESSION, "--json", **locale)
    assert (result.returncode, json.loads(result.stdout.encode(errors="surrogateescape").decode(encoding))["done"]) == (
        0,
        True,
    )
    assert ran("run", example_file, *SESSION, **locale).returncode == 0


def test_what_cannot_be_shown_is_named_by_its_number(example_file: Path) -> None:
    example_file.write_text(example_file.read_text().replace("Stress incontinence", TITLE), encoding="utf-8")
    out = ran("check", example_file, PYTHONIOENCODING="ascii").stdout
    assert r"R\xe9\xe9ducation \u9aa8\u76c6\u5e95, 35 Hz: accepted" in out


@pytest.mark.parametrize("locale", [*LOCALES[:2], {}], ids=str)
def test_a_file_name_that_is_no_utf_8(locale: dict[str, str], example_file: Path) -> None:
    file = os.fsencode(example_file.parent) + b"/caf\xe9 \xff.toml"
    Path(os.fsdecode(file)).write_text(example_file.read_text())
    assert ran("check", file, "--json", **locale).returncode == 0
    assert ran("check", file, **locale).returncode == 0
    result = ran("run", file, *SESSION, "--json", **locale)
    assert (result.returncode, json.loads(result.stdout)["done"]) == (0, True)
    broken = os.fsencode(example_file.parent) + b"/\xff.toml"
    for content in (None, "title ="):
        if content:
            Path(os.fsdecode(broken)).write_text(content)
        refused = ran("check", broken, "--json", **locale)
        assert refused.returncode == 2
        assert json.loads(refused.stdout)["accepted"] is False
        assert "<U+DCFF>.toml" in refused.stderr
    picture = os.fsencode(example_file.parent) + b"/\xfe.png"
    assert ran("plot", file, "-o", picture, **locale).returncode == 0


# ---- traces ----


class Traced(EmulatedPortWithStage):
    """A virtual board that is taken for an emulated one, with the trace of its pins."""

    def __init__(self, trace: Any) -> None:
        self._board = VirtualPort()
        self.name = "emulator"
        self.stage: Any = SimpleNamespace(finish=lambda: trace)

    def write(self, data: bytes) -> None:
        self._board.write(data)

    def read(self, timeout_s: float) -> bytes:
        return self._board.read(timeout_s)

    def now_s(self) -> float:
        return self._board.now_s()

    def close(self) -> None:
        self._board.close()


class Broken(Trace):
    """A trace that somebody stops while it is being written."""

    def write_vcd(self, path: Path) -> None:
        raise KeyboardInterrupt


def traced(
    trace: Trace, vcd: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any], str]:
    monkeypatch.setattr("opennmes.cli.run.open_port", lambda *arguments, **options: Traced(trace))
    arguments = ["run", str(file), "--port", "emulator", "--seconds", "1", "--acknowledge", "--json"]
    status = main([*arguments, "--vcd", str(vcd)])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


@pytest.mark.parametrize(("trace", "why"), [(Trace, "No space left"), (Broken, "interrupted")])
def test_a_trace_that_cannot_be_written_loses_no_account(
    trace: type[Trace],
    why: str,
    example_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, result, err = traced(trace(), Path("/dev/full"), example_file, monkeypatch, capsys)
    assert (status, result["done"], result["vcd"]) == (3, True, None)
    assert result["account"]["delivered"] > 0
    assert result["measured"] is not None
    assert why in result["vcd_error"]
    assert why in err


def test_a_trace_that_can_be_written_is_named(
    example_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vcd = tmp_path / "pins.vcd"
    status, result, _ = traced(Trace(), vcd, example_file, monkeypatch, capsys)
    assert (status, result["done"], result["vcd"], result["vcd_error"]) == (0, True, str(vcd), None)


@pytest.mark.parametrize("name", ["none/pins.vcd", "."])
def test_a_trace_that_has_no_place_is_refused_before_the_session(
    name: str,
    example_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, result, err = traced(Trace(), tmp_path / name, example_file, monkeypatch, capsys)
    assert (status, result["done"]) == (1, False)
    assert f"nmes: {tmp_path / name}: " in err
    assert "running" not in err


# ---- terminals and signals ----


def test_when_the_terminal_goes_the_session_is_stopped_in_order(example_file: Path) -> None:
    processes.whole_session(example_file)
    master, slave = os.openpty()
    arguments = ["run", str(example_file), "--port", "virtual", "--acknowledge", "--json", "--intensity", "2"]
    with preloaded.start(
        processes.command(*arguments), env=processes.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=slave, start_new_session=True, text=True, new=True,
    ) as process:  # fmt: skip
        os.close(slave)
        with open(master, "rb", buffering=0) as terminal:
            processes.until(terminal, "s  work")  # the live line
        out, _ = process.communicate(timeout=60)
    result = json.loads(out)
    assert (process.returncode, result["done"], result["unseen"], result["ended"]) == (1, False, True, "stopped")
    assert result["status"]["state"] == session.IDLE


@pytest.mark.parametrize("line", ["virtual:", "Checklist"])
def test_when_the_reader_of_errors_goes_before_the_start_nothing_is_started(line: str, example_file: Path) -> None:
    # As in `nmes run 2>&1 | head -1`.
    fd = os.pipe()
    code = f"""
import io, os
class Leaving(io.TextIOWrapper):
    def write(self, text):
        if {line!r} in text:
            os.close({fd[0]})
        return super().write(text)
sys.stderr = Leaving(io.FileIO({fd[1]}, "w"), encoding="utf-8", write_through=True)
"""
    with subprocess.Popen(
        processes.command("run", example_file, *SESSION, "--json", before=code), env=processes.environment(),
        pass_fds=fd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    ) as done:  # fmt: skip
        os.close(fd[0])
        os.close(fd[1])
        said = json.loads(done.communicate(timeout=60)[0])
    # Who left before the first word did not want to hear any.
    assert (done.returncode, said["done"]) == ((0, True) if line == "virtual:" else (1, False))
    assert line == "virtual:" or "nothing was started" in said["error"]


def test_nohup_is_respected() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with interrupts.held_back():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
        interrupts.stop_on_signals()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_session_under_nohup_outlives_its_terminal(example_file: Path) -> None:
    processes.whole_session(example_file)
    ignoring = processes.command(
        "run", str(example_file), "--port", "virtual", "--acknowledge", "--json",
        before="signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    )  # fmt: skip
    with preloaded.start(
        ignoring, env=processes.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        processes.until(process.stderr, "running")
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=120)
    assert (process.returncode, json.loads(out)["ended"]) == (0, "completed")


@pytest.mark.parametrize(
    ("act", "error"),
    [("signal", "interrupted"), ("end of input", "interrupted"), ("n\n", "refused by the host's own check")],
)
def test_who_does_not_confirm_gets_json(act: str, error: str, example_file: Path) -> None:
    master, slave = os.openpty()
    with preloaded.start(
        processes.command("run", str(example_file), "--port", "virtual", "--json"), env=processes.environment(),
        stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(slave)
        processes.until(process.stderr, "[y/N]")
        if act == "signal":
            process.send_signal(signal.SIGINT)
        else:
            os.write(master, b"\x04" if act == "end of input" else act.encode())
        out, err = process.communicate(timeout=60)
    os.close(master)
    processes.no_surprise(err)
    said = json.loads(out)
    assert (process.returncode, said["done"], said["error"]) == (1, False, error)


def test_a_checklist_that_nobody_can_see_is_not_confirmed(example_file: Path) -> None:
    master, slave = os.openpty()
    line = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh", *processes.command("run", example_file, "--port", "virtual")]
    os.write(master, b"y\n")
    done = subprocess.run(
        [*line, "--json"], env=processes.environment(), stdin=slave, stdout=subprocess.PIPE, timeout=60
    )
    os.close(master)
    os.close(slave)
    said = json.loads(done.stdout)
    assert (done.returncode, said["done"], said["reasons"][0]["code"]) == (1, False, "not_acknowledged")


@pytest.mark.parametrize("verb", ["run", "status", "record", "clear", "stop"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_connecting(verb: str, number: signal.Signals, example_file: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    file = [str(example_file), "--acknowledge"] if verb == "run" else []
    with preloaded.start(
        processes.command(verb, *file, "--port", os.ttyname(slave), "--json"), env=processes.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, new=verb == "run",
    ) as process:  # fmt: skip
        with open(master, "rb", buffering=0, closefd=False) as device:
            processes.until(device, '"cmd"')
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    processes.no_surprise(err)
    said = json.loads(out)
    assert (process.returncode, said["error"], said.get("done")) == (
        1,
        "interrupted",
        False if verb in ("run", "clear", "stop") else None,
    )


@pytest.mark.parametrize("module", ["typer", "opennmes.cli.app", "opennmes.cli.run", "opennmes.device.client"])
def test_ctrl_c_while_it_starts(module: str, example_file: Path) -> None:
    hook = f"""
import os
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Hook())
"""
    line = processes.command("run", example_file, *SESSION, "--json", before=hook)
    done = subprocess.run(line, env=processes.environment(), capture_output=True, text=True, timeout=60)
    processes.no_surprise(done.stderr)
    said = json.loads(done.stdout)
    assert (done.returncode, said["done"], said["error"]) == (1, False, "interrupted")


class Interrupting(io.StringIO):
    def write(self, text: str) -> int:
        raise KeyboardInterrupt


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_while_the_account_is_printed(
    as_json: bool, example_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Interrupting())
    assert main(["run", str(example_file), *SESSION, *(["--json"] if as_json else [])]) == 3
    err = capsys.readouterr().err
    assert "standard output cannot be written (interrupted)" in err
    assert json_in(err)["done"] if as_json else "pulses delivered of" in err


# ---- the streams themselves ----


def test_closed_descriptors_are_not_given_to_a_port() -> None:
    code = (
        "import os, sys\nfrom opennmes.cli.streams import standard_streams\n"
        "with standard_streams():\n    sys.exit(os.open('/dev/zero', os.O_RDONLY))"
    )
    line = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(line, env=processes.environment(), timeout=60).returncode > 2


def test_what_fails_in_the_middle_is_whole_at_the_fallback() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            if self.getvalue():
                raise OSError(28, "No space left on device")
            return super().write(text)

    other = io.StringIO()
    stream = Stream(Full(), Stream(other))
    for text in ("one ", "two ", "three"):
        stream.write(text)
    assert not stream.working
    assert stream.failure == "No space left on device"
    assert other.getvalue().endswith("what was to go there:\none two three")


def test_the_streams_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with standard_streams() as out:
        assert sys.stdout is out
        print("said")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "said\n"


def test_what_was_interrupted_does_not_come_out_with_the_next_command(
    example_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr("sys.stdout", Interrupting())
        main(["run", str(example_file), *SESSION])
    capsys.readouterr()
    assert main(["check", str(example_file)]) == 0
    assert "pulses delivered" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "FILE", "99"],
        ["pull", "--list", "--force"],
        ["settings", "no-setting"],
        ["clear", "99x"],
        ["status", "--all"],
        ["push", "--no-such-option"],
        ["run"],
        ["flash", "--modules", "FILE"],
        ["no-such-verb"],
    ],
    ids=" ".join,
)
def test_a_program_gets_its_document_too_where_the_command_line_is_not_understood(
    arguments: list[str], example_file: Path
) -> None:
    places = [str(example_file) if argument == "FILE" else argument for argument in arguments]
    done = ran(*places, "--port", "virtual", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["done"], said["reasons"]) == (2, False, []) and said["error"]
    assert done.stderr.strip()

"""nmes as a process of its own, at a sixth of what a new interpreter costs: a copy of one that has imported it.

`start` starts `python -c CODE ARGUMENTS`: a copy of a process that waits for that carries out CODE. It has the folder,
the environment, the session and the standard streams that were asked for and no other descriptor, and it ends as an
interpreter does. What only a new interpreter shows is one: what it reads from its environment, how it imports, what is
said when all is taken apart at its end. tests/host/test_preloaded.py compares the two.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
from typing import IO, Any

# What is read from the environment when it is used. A start that has anything else otherwise than the process that is
# copied is a new interpreter.
READ_WHEN_USED = {
    "COLUMNS", "LINES", "NO_COLOR", "TERM",
    "MICROPYTHON", "NMES_PATIENCE", "NMES_STAGE_NEEDS", "NMES_VIRTUAL_STORE", "XDG_STATE_HOME",
    "_NMES_COMPLETE", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_FISH_ACTION", "COMP_WORDS", "COMP_CWORD",
    "PYTEST_CURRENT_TEST",
}  # fmt: skip
# Beside opennmes: what verbs import when they need it.
_IMPORTED = (
    "rich.console", "rich.live", "rich.padding", "rich.progress", "rich.status", "rich.table", "rich.text", "typer",
    "serial.tools.list_ports", "textual.app", "textual.containers", "textual.widgets", "tomllib",
)  # fmt: skip
_VERBS = "opennmes.cli"  # a copy imports them: their console takes its colours from the environment when it is imported
_PICTURES = "opennmes.plots"  # the first picture imports them, with a library that is as large as all the rest
_MOST = 1 << 20  # bytes of a request
_AT_FIRST = dict(os.environ)  # what no test has changed


@functools.cache
def modules() -> str:
    """PYTHONPATH of all starts: where this process found modules when it asked first."""
    return ":".join(sys.path)


def start(
    line: list[Any], *, env: dict[str, str], shell: str = "", terminal: bool = False, new: bool = False, **options: Any
) -> subprocess.Popen[Any]:
    """Start `python -c CODE ARGUMENTS` with the options of subprocess.Popen and the redirections of `shell`. With
    `terminal` standard input is the terminal that controls the session. It is a `new` interpreter where that is asked
    for, and where the environment has what only that reads."""
    if not new and not other(env):
        return _Copy(line, shell, terminal, env=env, **options)
    if shell:
        line = ["sh", "-c", f'exec "$@" {shell}', "sh", *line]
    return subprocess.Popen(line, env=env, preexec_fn=_controlled if terminal else None, **options)


def other(environment: dict[str, str]) -> set[str]:
    """What a start with this environment has to be a new interpreter for."""
    waiting, _ = _waiting()
    names = {name for name in {*environment, *waiting} if environment.get(name) != waiting.get(name)}
    return names - READ_WHEN_USED


def _controlled() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class _Copy(subprocess.Popen[Any]):
    """As subprocess.Popen, which has the pipes, their ends and all that is waited for."""

    def __init__(self, line: list[Any], shell: str, terminal: bool, **options: Any) -> None:
        assert line[:2] == [sys.executable, "-c"], "it is for code of this interpreter"
        self._special = {"terminal": terminal, "redirected": _redirected(shell)}
        self._ended: socket.socket | None = None
        super().__init__(line, **options)

    # subprocess.Popen makes the pipes and calls this with all of them.
    def _execute_child(  # type: ignore[override]
        self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any, env: Any,
        startupinfo: Any, creationflags: Any, shell: Any, p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int,
        errread: int, errwrite: int, restore_signals: Any, gid: Any, gids: Any, uid: Any, umask: Any,
        start_new_session: bool, *more: Any,
    ) -> None:  # fmt: skip
        assert not (preexec_fn or pass_fds), "these are for a new interpreter"
        _, control = _waiting()
        asked = {
            "code": args[2],
            "arguments": [os.fsdecode(argument) for argument in args[3:]],
            "folder": os.fsdecode(os.getcwd() if cwd is None else cwd),
            "environment": env,
            "session": start_new_session,
            **self._special,
        }
        self._ended, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        given = [number if each == -1 else each for number, each in enumerate((p2cread, c2pwrite, errwrite))]
        socket.send_fds(control, [json.dumps(asked).encode()], [theirs.fileno(), *given])
        theirs.close()
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
        self.pid = int(self._ended.recv(64))
        self._child_created = True

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        return self._status(0)

    def _wait(self, timeout: float | None) -> int | None:
        if self._status(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None and self._ended is not None:
            self._ended.settimeout(timeout)
            try:
                # Nothing is said where the process that was copied has gone: it has ended all others.
                self.returncode = int(self._ended.recv(64) or -signal.SIGTERM)
            except (TimeoutError, BlockingIOError):
                return None
            self._ended.close()
        return self.returncode


@functools.cache
def _waiting() -> tuple[dict[str, str], socket.socket]:
    """The environment of the process that is copied, and what it listens to. It ends with this one."""
    environment = {**_AT_FIRST, "PYTHONPATH": modules()}
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = f"import preloaded\npreloaded.serve({its.fileno()})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, pass_fds=[its.fileno()], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    its.close()

    def end() -> None:
        ours.shutdown(socket.SHUT_RDWR)
        process.wait()

    atexit.register(end)
    return environment, ours


def serve(descriptor: int) -> None:
    """Be the process that is copied, and in a copy the one that was asked for. It carries out its code as `python -c`
    does and ends as an interpreter does, but for one thing: where the exit status is known and the standard streams
    have taken all, memory is not given back piece by piece. That takes longer than all the rest."""
    status: int | None = None

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                return  # the interpreter's own end says so
        if status is not None:
            os._exit(status)

    atexit.register(end)  # before anything else that does: it comes last
    code = _copied(descriptor)
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else None
        raise


def _copied(descriptor: int) -> str:
    """Copy this process for each request that comes. Returns in copies alone: the code that one has to carry out."""
    control = socket.socket(fileno=descriptor)
    package = importlib.import_module("opennmes")
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, "opennmes.")]
    _import([*_IMPORTED, *(name for name in modules if not name.startswith((_VERBS, _PICTURES)))])
    running: dict[int, tuple[int, int]] = {}  # by what says that it has ended: its number, and who wants to know
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != descriptor:
                pid, asker = running.pop(ready)
                poll.unregister(ready)
                _answer(asker, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(ready)
                os.close(asker)
                continue
            request, descriptors, _, _ = socket.recv_fds(control, _MOST, 4)
            if not request:  # the tests have ended
                for pid, _ in running.values():
                    os.kill(pid, signal.SIGTERM)
                sys.exit()
            asked, (asker, *streams) = json.loads(request), descriptors
            if "plot" in asked["arguments"]:
                _import([name for name in modules if name.startswith(_PICTURES)])
            copy = os.fork()
            if not copy:
                control.detach()
                return _become(asked, streams)
            for each in streams:
                os.close(each)
            _answer(asker, copy)
            ended = os.pidfd_open(copy)
            poll.register(ended, select.POLLIN)
            running[ended] = copy, asker


def _import(names: list[str]) -> None:
    for name in names:
        importlib.import_module(name)
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(10)  # a timer that was cancelled: matplotlib has one when it looks for fonts the first time
    assert threading.active_count() == 1, "a process with threads cannot be copied"
    gc.collect()
    gc.freeze()  # nothing looks at all of this again in a copy


def _answer(descriptor: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(descriptor, str(number).encode())


def _become(asked: dict[str, Any], descriptors: list[int]) -> str:
    """Be the process that was asked for. Returns its code."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    for number, flags, file in asked["redirected"]:
        os.dup2(os.open(file, flags), number) if file else os.close(number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if asked["session"]:
        os.setsid()
    if asked["terminal"]:
        _controlled()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[:] = ["-c", *asked["arguments"]]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _standard(number, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    return asked["code"]


def _redirected(shell: str) -> list[tuple[int, int, str]]:
    """Of each redirection the descriptor, how its file is opened, and the file: empty where it is closed, and last, so
    that no file gets a number that is to be closed."""
    made = []
    for word in shell.split():
        found = re.fullmatch(r"([012]?)([<>])(?:&-|(/.+))", word)
        assert found, f"{word}: a start with that has to be a new interpreter"
        number, way, file = found.groups()
        made.append((int(number or way == ">"), os.O_WRONLY if way == ">" else os.O_RDONLY, file or ""))
    return sorted(made, key=lambda each: not each[2])


def _standard(number: int, like: IO[str]) -> io.TextIOWrapper | None:
    """A standard stream as the interpreter makes it (CPython's pylifecycle.c, create_stdio)."""
    try:
        os.fstat(number)
    except OSError:
        return None
    buffer = open(number, "wb" if number else "rb", closefd=False)  # noqa: SIM115
    stream = io.TextIOWrapper(
        buffer, like.encoding, like.errors, newline="\n", line_buffering=number == 2 or buffer.isatty()
    )
    stream.mode = "w" if number else "r"  # type: ignore[misc]
    buffer.raw.name = like.name  # type: ignore[attr-defined]
    return stream

"""MicroPython's prompt on a serial port, ours or a stock one: what is in flash, the way into BOOTSEL, and files.

This is the only module that knows mpremote's transport, whose interface is not promised to stay (pyproject.toml pins
it). A running session is never disturbed: our firmware gives the prompt only in IDLE and FAULT, and then MicroPython's
Ctrl-C is not heard.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from opennmes.device.patience import stretched

PATIENCE_S = 15.0
STEP_S = 60.0  # the file system may have to move much of itself, 0.4 s for each 4 KB that worn flash erases
PIECE = 32 * 1024  # of flash a step: 35 ms on the chip, and progress that moves
FILE_PIECE = 768  # of a file a step: 1024 characters of base64
_HALF = ".half"  # what a file is called until it is whole

# Never from the file system, whatever lies there: only what is frozen or, with a "u" before its name, built in.
_OWN_NAMES = """
import sys
sys.path[:] = [".frozen"]
import uos, uhashlib, ubinascii
"""
_FILES = """
def _walk(f):
    for n, k, *_ in uos.ilistdir(f):
        p = f + "/" + n
        if k == 0x4000:
            yield p, 1
            yield from _walk(p)
        else:
            yield p, 0
def _there(p):
    try:
        return uos.stat(p)[0]
    except OSError:
        return 0
def _names():
    try:
        return uos.listdir("/")
    except OSError:
        return []
def _hash(p):
    h = uhashlib.sha256()
    with open(p, "rb") as o:
        while (c := o.read(1024)):
            h.update(c)
    return h.digest()
"""


# Raw flash, which only our image reaches: rp2 and vfs are frozen or built in.
_FLASH = """
import rp2, vfs
def _part(start, length):
    return rp2.Flash(start=start, len=length)
def _has_files(start, length):
    try:
        return vfs.VfsLfs2(_part(start, length), progsize=256) is not None
    except Exception:
        return False
def _make_files(start, length):
    try:
        vfs.umount("/")
    except OSError:
        pass
    vfs.VfsLfs2.mkfs(_part(start, length), progsize=256)
    vfs.mount(_part(start, length), "/")
"""


class PromptError(Exception):
    """There is no MicroPython prompt on the port, or it failed; the message says what to do."""


def _transport(device: str) -> Any:
    """mpremote's transport on the serial port `device`, as patient as everything else here: it has waits of its own,
    10 s for the next byte among them."""
    from mpremote.transport_serial import SerialTransport

    class Patient(SerialTransport):  # type: ignore[misc]
        def read_until(
            self, least: int, ending: bytes, timeout: float = 10, data_consumer: Any = None,
            timeout_overall: float | None = None,
        ) -> Any:  # fmt: skip
            overall_s = None if timeout_overall is None else stretched(timeout_overall)
            return super().read_until(least, ending, stretched(timeout), data_consumer, overall_s)

    return Patient(device, timeout=stretched(PATIENCE_S))


class Prompt:
    """A raw prompt. Use it as a context manager: on the way out the board is reset and runs what it is to run.

    Modules are named with the u in front (uos for os), which always means the one that is built in: a file of that name
    may lie on the board."""

    def __init__(self, device: str) -> None:
        """Interrupt what runs on the serial port `device`. Raises PromptError."""
        self._device = device
        with self._failing("no MicroPython prompt came"):
            self._transport = _transport(device)
            try:
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=PATIENCE_S)
            except BaseException:
                self._transport.close()
                raise

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(PromptError), self._failing("it could not be reset"):
            if self._transport is not None:
                # From the friendly prompt: a soft reset from the raw one leaves main.py out.
                self._transport.exit_raw_repl()
                self._transport.serial.write(b"\x04")
        self._close()

    def version(self) -> tuple[str, str]:
        """MicroPython's version, such as 1.25.0, and its name of the board."""
        words = "__import__('uos').uname()"
        release, machine = self._evaluate(f"({words}.release, {words}.machine)")
        return str(release), str(machine)

    def runs_compiled(self) -> int:
        """The version of the .mpy files that it takes."""
        return int(self._evaluate("__import__('sys').implementation._mpy")) & 0xFF

    def begin_files(self) -> None:
        """From now on the methods below work."""
        with self._failing("its file system could not be looked at"):
            self._run(_OWN_NAMES + _FILES)

    def begin_flash(self) -> None:
        """From now on `has_file_system` and `make_file_system` work, on an image of ours."""
        with self._failing("its flash could not be looked at"):
            self._run(_FLASH)

    def rest(self, pins: list[int]) -> None:
        """Make these pins outputs at low level, whatever drove them."""
        with self._failing("its outputs could not be put to rest"):
            self._run(f"from umachine import Pin\nfor _p in {tuple(pins)}:\n Pin(_p, Pin.OUT, value=0)")

    def free_bytes(self) -> int:
        """How much room the file system has."""
        block, _, _, free, *_ = self._evaluate("tuple(uos.statvfs('/'))")
        return int(block) * int(free)

    def files(self, folder: str) -> dict[str, str | None]:
        """All that is in `folder` and below, by path: the SHA-256 of a file, None for a folder. Empty without it."""
        rows = self._evaluate(f"list(_walk({folder!r})) if _there({folder!r}) == 0x4000 else []")
        return {path: None if is_folder else self.sha256_of_file(path) for path, is_folder in rows}

    def sha256_of_file(self, path: str) -> str | None:
        """The SHA-256 of a file; None when there is none of that name."""
        found = self._evaluate(f"_hash({path!r}) if _there({path!r}) == 0x8000 else None")
        return None if found is None else bytes(found).hex()

    def starts_with(self, path: str, text: str) -> bool:
        """Whether a file is there that begins with `text`."""
        begins = f"open({path!r}, 'rb').read({len(text.encode())})"
        return bool(self._evaluate(f"_there({path!r}) == 0x8000 and {begins} == {text.encode()!r}"))

    def write_file(self, path: str, data: bytes) -> None:
        """Make `path` a file with `data`, and its folders where they are missing. It is written under another name,
        read back, and only then renamed, so that at every moment it is what it was, or whole."""
        half = path + _HALF
        with self._failing(f"{path} could not be written"):
            for end in range(1, len(path)):
                if path[end] == "/":
                    self._run(f"_there({path[:end]!r}) or uos.mkdir({path[:end]!r})")
            self._run(f"_o = open({half!r}, 'wb')")
            for at in range(0, len(data), FILE_PIECE):
                piece = base64.b64encode(data[at : at + FILE_PIECE]).decode()
                self._run(f"_ = _o.write(ubinascii.a2b_base64({piece!r}))")
            self._run("_o.close()")
        if self.sha256_of_file(half) != hashlib.sha256(data).hexdigest():
            raise PromptError(
                f"{self._device}: {path} reads back as something else than was written; nothing that it replaces was "
                "touched. Run the same command again; if that happens twice, the board's flash is bad"
            )
        self.rename(half, path)

    def rename(self, path: str, new: str) -> None:
        """Call a file `new` from now on, in the place of one of that name."""
        with self._failing(f"{path} could not be renamed"):
            self._run(f"uos.rename({path!r}, {new!r})")

    def remove(self, path: str, is_folder: bool = False) -> None:
        """Remove a file, or an empty folder."""
        with self._failing(f"{path} could not be removed"):
            self._run(f"uos.{'rmdir' if is_folder else 'remove'}({path!r})")

    def has_file_system(self, start: int, length: int) -> bool:
        """Whether a file system of just that length begins at byte `start` of the flash that MicroPython reaches."""
        return bool(self._evaluate(f"_has_files({start}, {length})"))

    def top_level(self) -> list[str]:
        """The names of what lies in the root folder; empty where nothing is mounted there."""
        return [str(name) for name in self._evaluate("_names()")]

    def make_file_system(self, start: int, length: int) -> None:
        """Make an empty file system of that length there, and mount it; what was in the old one is lost."""
        with self._failing("its file system could not be made anew"):
            self._run(f"_make_files({start}, {length})")

    def sha256_of_flash(self, start: int, size: int, progress: Callable[[int, int], None]) -> str:
        """SHA-256 of `size` bytes of flash from address `start` on, in hexadecimal digits.

        `progress` is called with the bytes looked at and those there are. Raises PromptError.
        """
        with self._failing("flash could not be read"):
            self._run("import uhashlib, uctypes, ubinascii; _h = uhashlib.sha256()")
            for at in range(0, size, PIECE):
                piece = min(PIECE, size - at)
                self._run(f"_h.update(uctypes.bytearray_at({start + at}, {piece}))")
                progress(at + piece, size)
        return str(self._evaluate("ubinascii.hexlify(_h.digest()).decode()"))

    def bootloader(self) -> None:
        """Send the chip into BOOTSEL; the port vanishes, and the drive comes. Raises PromptError when the board does
        not answer before that. Its last answer may be lost with the port: then whether the drive comes decides."""
        with self._failing("the chip could not be sent into BOOTSEL"):
            self._run("import umachine")
            with contextlib.suppress(OSError):
                self._transport.exec_raw_no_follow("umachine.bootloader()")
        self._close()

    def _run(self, code: str) -> bytes:
        """Run `code`; returns what it printed. mpremote's own exec gives up after ten seconds."""
        from mpremote.transport import TransportExecError

        printed, failure = self._transport.exec_raw(code, timeout=STEP_S)
        if failure:
            raise TransportExecError(printed, failure.decode(errors="replace"))
        return bytes(printed)

    def _evaluate(self, expression: str) -> Any:
        with self._failing("it could not be asked"):
            return ast.literal_eval(self._run(f"print(repr({expression}))").decode())

    def _close(self) -> None:
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.close()
            self._transport = None

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        from mpremote.transport import TransportError

        try:
            with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it did not expect
                yield
        except (TransportError, OSError, SyntaxError, ValueError, IndexError) as error:
            raise PromptError(
                f"{self._device}: {what} ({error}); close other programs that use the port, unplug the board, plug it "
                "in again and retry"
            ) from None

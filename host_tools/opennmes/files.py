"""Files of people's own: written whole or not at all, and read without waiting for what never comes."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import secrets
import select
import shutil
import stat
from pathlib import Path

PIPE_WAIT_S = 2.0  # for the first byte of a pipe: who writes into it may start after us


class AlreadyThere(Exception):
    """What was to be written is there already, and was left as it is."""


def no_device(path: Path) -> str:
    """What is there instead of a device, as "a folder"; "" for a device, and where nothing is."""
    return "a folder" if path.is_dir() else "a pipe" if path.is_fifo() else "a file" if path.is_file() else ""


def read(path: Path, most: int) -> bytes:
    """What is in a file, its first `most` bytes. A pipe, as `<(command)` is, is read to its end. Raises OSError with
    the name of the file; for a pipe into which nobody writes too, because who reads that waits for ever."""
    if not stat.S_ISFIFO(path.stat().st_mode):
        with open(path, "rb") as file:
            return file.read(most)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
        select.select([pipe], [], [], PIPE_WAIT_S)
        try:
            begin = os.read(pipe.fileno(), min(most, select.PIPE_BUF))
        except BlockingIOError:  # whoever has it open takes his time
            os.set_blocking(pipe.fileno(), True)
            begin = os.read(pipe.fileno(), min(most, select.PIPE_BUF))
        if not begin:
            raise OSError(errno.EPIPE, "it is a pipe, and nobody writes anything into it", str(path))
        os.set_blocking(pipe.fileno(), True)
        return begin + pipe.read(most - len(begin))


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8, or as programs of Windows write it: with a mark at its beginning (Notepad), or in
    UTF-16 with one (PowerShell's `>`). What is no such text becomes U+FFFD."""
    is_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_16 else "utf-8-sig", errors="replace")


def write_text(path: Path, text: str, *, replace: bool) -> None:
    """Write a text to the file `path`, whole or not at all; where that is a link, to the file that it leads to. Raises
    AlreadyThere without `replace`, and where something is there that is no file; OSError with the name of the file."""
    if path.exists() and not path.is_file():  # a device would be a file from then on
        raise AlreadyThere(f"{path} is there and is no file; it was left as it is: give the name of a file")
    if not replace:
        try:
            open(path, "xb").close()  # the name is ours from here on, whoever else writes
        except FileExistsError:
            raise AlreadyThere(f"{path} is there already and was left as it is; --force replaces it") from None
    try:
        put(path, text.encode())
    except BaseException:
        if not replace:
            path.unlink(missing_ok=True)
        raise


def put(path: Path, content: bytes) -> None:
    """Give a file its new content, all of it or none; a link stays one. Raises OSError with the name of the file."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a pipe or a device, of which there is none before
        target.write_bytes(content)
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    beside = target.with_name(f".{target.stem[:50]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)

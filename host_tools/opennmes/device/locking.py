"""A clinic's key: made, read, and used to sign what a locked device is to take (nmes.core.lock says what is signed).

With the key at hand and the device on the port, each command that has to be signed is, with the next counter. For a
device that is elsewhere a prescription is signed once, for one device and with one counter, into a file beside it.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from nmes.core import commands, document, lock
from opennmes import files
from opennmes.device.client import Device, Message
from opennmes.device.prescriptions import NOT_STATED, Stated, text_of
from opennmes.files import write_text
from opennmes.prescription import Prescription

SUFFIX = ".sig"
_SAYS = "OpenNMES signature 2"
_KEY_BYTES_MOST = 4_096  # of a file: whatever else a person may name is longer, or has no key in it
_DIFFERENT_LEAST = 12  # bytes; of 32 random ones 30 differ, and fewer than this never happens
_TEXT = """\
# The key of a clinic's OpenNMES devices, {id}. Whoever has it can change what a device does that is locked with it;
# without it nobody can, nor take the lock away. Keep a copy where no one else comes, and send it to nobody.
{digits}
"""


class LockingError(Exception):
    """A key, a signature or a device's lock is not what it has to be; the message says what to do. Nothing was
    changed."""


@dataclass(frozen=True)
class Key:
    """A key from the file `path`. What prints it says its name alone."""

    path: Path
    digits: str

    @property
    def id(self) -> str:
        """What the key is called: digits that say nothing about it."""
        return str(lock.key_id(self.digits))

    def __repr__(self) -> str:
        return f"Key({str(self.path)!r}, {self.id})"


def make_key(path: Path) -> Key:
    """Make a new key and write it to a file that only its owner can read. Raises LockingError when something is there
    already, OSError with the name of the file."""
    key = Key(path, secrets.token_hex(lock.KEY_DIGITS // 2))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise LockingError(f"{path} is there already and was left as it is; give the name of a new file") from None
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_TEXT.format(id=key.id, digits=key.digits))
            file.flush()
            os.fsync(file.fileno())
    except BaseException as failure:
        path.unlink(missing_ok=True)  # half a key is none
        if isinstance(failure, OSError):
            raise OSError(failure.errno, failure.strerror, str(path)) from None
        raise
    return key


def read_key(path: Path) -> Key:
    """The key in a file. Raises LockingError, which never says what is in the file."""
    try:
        text = files.read(path, _KEY_BYTES_MOST + 1)
    except FileNotFoundError:
        raise LockingError(
            f"there is no key file {path}; give the file that the device was locked with. `nmes lock --key {path}` "
            "makes one, for a device that is not locked yet"
        ) from None
    except OSError as failure:
        raise LockingError(f"the key file {path} cannot be read: {failure.strerror}") from None
    lines = [line.strip() for line in files.decoded(text).splitlines()]
    digits = [line for line in lines if line and not line.startswith("#")]
    if len(text) > _KEY_BYTES_MOST or len(digits) != 1 or not lock.is_key(digits[0]):
        raise LockingError(
            f"{path} is no key file: expected are lines with # and one of {lock.KEY_DIGITS} digits 0 to 9 and a to f, "
            "as `nmes lock --key NEW` writes it"
        )
    if len(set(bytes.fromhex(digits[0]))) < _DIFFERENT_LEAST:
        raise LockingError(
            f"what is in {path} is no key but a pattern that can be guessed; `nmes lock --key NEW` makes a random one"
        )
    return Key(path, digits[0])


def others_can_read(path: Path) -> bool:
    """Whether the operating system lets others read a file, as far as its mode says that."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)


# ---- with the key, at the device ----


def may_change(device: Device, where: str, key: Key | None) -> None:
    """Have every command signed with `key` from now on, where the device is locked. Raises LockingError when it is and
    this is not its key."""
    by = device.request("locked")["locked_by"]
    if not by:
        return
    if by == lock.LOST:
        raise LockingError(
            f"the device at {where} is locked and its key is lost, because that part of its flash is damaged: nobody "
            "can change anything on it over USB, only run what it keeps; docs/lock.md says what is left"
        )
    if key is None:
        raise LockingError(
            f"the device at {where} is locked with key {by}; nothing was changed. Give --key FILE, the clinic's key"
        )
    _need_this_key(where, by, key)
    device.sign = signer(device, key)


def _need_this_key(where: str, by: str, key: Key) -> None:
    if by != key.id:
        raise LockingError(
            f"the device at {where} is locked with key {by}, and {key.path} is key {key.id}; nothing was changed. Give "
            f"the file of key {by}"
        )


def signer(device: Device, key: Key) -> Callable[[str, Message], Message]:
    """What signs a command with its arguments for this device: gives the fields that have to stand beside them, none
    where the device needs none."""
    uid = str(device.identity["uid"])

    def sign(command: str, arguments: Message) -> Message:
        if command not in commands.COMMANDS or commands.when_locked(command) != commands.IS_SIGNED:
            return {}
        state = device.request("locked")
        if not state["locked_by"]:
            return {}
        counter = int(state["counter"])
        return {"counter": counter, "signature": lock.signature(key.digits, uid, counter, command, arguments)}

    return sign


def lock_device(device: Device, where: str, path: Path) -> tuple[Key, bool, bool]:
    """Lock a device with the key in the file `path`, which is made if it is not there. Returns the key, whether it was
    made, and whether the device was locked with it already. Raises LockingError, and what the device raises."""
    by = device.request("locked")["locked_by"]
    is_there = os.path.lexists(path)
    if by:
        key = read_key(path)
        if by != key.id:
            raise LockingError(
                f"the device at {where} is locked with key {by} already; nothing was changed. "
                f"`nmes unlock --key FILE --port {shlex.quote(where)}` with that key opens it"
            )
        return key, False, True
    key = read_key(path) if is_there else make_key(path)
    answer = device.request("lock", key=key.digits)
    _need_kept(device, where, answer, key.id)
    return key, not is_there, False


def unlock_device(device: Device, where: str, key: Key) -> bool:
    """Take the lock of a device away. Returns whether there was one. Raises LockingError, and what a device raises."""
    if not device.request("locked")["locked_by"]:
        return False
    may_change(device, where, key)
    _need_kept(device, where, device.request("unlock"), "")
    return True


def _need_kept(device: Device, where: str, answer: Message, by: str) -> None:
    said = device.request("locked")
    if (answer["locked_by"], said["locked_by"]) != (by, by):
        raise LockingError(
            f"the device at {where} says that its lock is {said['locked_by'] or 'open'!r} and not {by or 'open'!r}; do "
            "not rely on it, and report this"
        )


# ---- for a device that is elsewhere ----


@dataclass(frozen=True)
class Signature:
    """A signature for one prescription on one device, and for who went through the checklist."""

    device: str  # its UID
    counter: int
    number: int  # that it is to be kept under; 0: the lowest that is free
    bytes: int
    digest: str
    checked_version: int
    checked_unix_s: int
    checked_by: str
    title: str  # for people; not signed by itself, the digest is
    key: str  # its name
    signature: str

    def seal(self) -> Message:
        """The fields that stand beside the arguments of `put`."""
        return {"counter": self.counter, "signature": self.signature}

    @property
    def stated(self) -> Stated:
        """Who went through the checklist."""
        return Stated(self.checked_version, self.checked_unix_s, self.checked_by)

    def as_json(self) -> dict[str, Any]:
        """For machines, and as its file has it."""
        return {"format": _SAYS, **asdict(self)}


def sign(
    prescription: Prescription, key: Key, uid: str, counter: int, number: int, stated: Stated = NOT_STATED
) -> Signature:
    """Sign a prescription for the device `uid`, and who went through the checklist. Raises Refused when no device can
    keep it."""
    text = text_of(prescription)
    arguments = {"number": number, "bytes": len(text), "digest": document.digest(text), **asdict(stated)}
    made = lock.signature(key.digits, uid, counter, "put", arguments)
    return Signature(uid, counter, **arguments, title=str(prescription.title), key=key.id, signature=made)


def signature_path(file: Path) -> Path:
    """Where the signature of a prescription's file is."""
    return file.with_name(file.name + SUFFIX)


def read_signature(path: Path) -> Signature:
    """What a signature's file says. Raises LockingError."""
    try:
        made = json.loads(files.read(path, _KEY_BYTES_MOST + 1))
    except OSError as failure:
        raise LockingError(f"the signature {path} cannot be read: {failure.strerror}") from None
    except (ValueError, RecursionError):
        made = None
    wanted = {field.name: int if field.type == "int" else str for field in fields(Signature)}
    if (
        not isinstance(made, dict)
        or made.pop("format", None) != _SAYS
        or set(made) != set(wanted)
        or any(type(made[name]) is not kind for name, kind in wanted.items())
    ):
        raise LockingError(
            f"{path} is no signature, or a damaged one; have the prescription signed again (`nmes sign`)"
        )
    return Signature(**made)


def need_signature(path: Path, file: Path, device: Device, where: str) -> None:
    """Raises LockingError when a locked device is to take a file, and neither the key nor a signature is here."""
    if os.path.lexists(path):
        return
    state = device.request("locked")
    sign_it = f"nmes sign {shlex.quote(str(file))} --key FILE --device {device.identity['uid']}"
    raise LockingError(
        f"the device at {where} is locked with key {state['locked_by']}, and there is no {path}; nothing was changed. "
        f"Give --key FILE, the clinic's key; or have it signed where that is: `{sign_it} --counter {state['counter']}`"
    )


def check(signature: Signature, path: Path, prescription: Prescription, device: Device, where: str) -> None:
    """Raises LockingError, with what to do, unless the device at `where` will take this signature for this
    prescription, as far as can be told without the key."""
    state = device.request("locked")
    uid, next_counter = str(device.identity["uid"]), int(state["counter"])
    again = (
        f"have it signed again: `nmes sign {shlex.quote(str(path).removesuffix(SUFFIX))} --key FILE --device {uid} "
        f"--counter {next_counter}`"
    )
    text = text_of(prescription)
    if signature.device != uid:
        why = f"was signed for the device with UID {signature.device}, and this one has UID {uid}"
    elif (signature.bytes, signature.digest) != (len(text), document.digest(text)):
        why = "is not the prescription that was signed: one of the two has been changed since"
    elif signature.key != state["locked_by"]:
        why = f"was signed with key {signature.key}, and the device is locked with key {state['locked_by']}"
    elif signature.counter < next_counter:
        why = (
            f"was signed with counter {signature.counter}, and the device has used all below {next_counter}: a "
            "signature is taken once"
        )
    elif signature.counter >= next_counter + lock.AHEAD_MOST:
        most = next_counter + lock.AHEAD_MOST - 1
        why = f"was signed with counter {signature.counter}, and the device takes at most {most} next"
    else:
        return
    raise LockingError(f"{path}: the prescription {why}; nothing was changed at {where}: {again}")


def need_rising(signatures: list[tuple[Path, Signature]]) -> None:
    """Raises LockingError unless each is taken after those before it."""
    for (before, one), (path, other) in pairwise(signatures):
        if other.counter <= one.counter:
            raise LockingError(
                f"{path} has counter {other.counter}, and {before} before it {one.counter}: a device takes counters "
                "only as they rise, so nothing was pushed. Push the files in the order of their counters"
            )


def write_signature(path: Path, signature: Signature, *, replace: bool) -> None:
    """Write a signature to its file, whole or not at all. Raises AlreadyThere without `replace`, and OSError."""
    write_text(path, json.dumps(signature.as_json(), indent=2) + "\n", replace=replace)

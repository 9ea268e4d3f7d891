"""The records of sessions that a device keeps: read, and gone through for what is missing or was changed."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nmes.core import document, record
from opennmes.device.client import Device, LinkError

Progress = Callable[[int, int], None]  # the number that was read, the newest


@dataclass(frozen=True)
class Kept:
    """One record. `condition` is that of nmes.core.record; `begin` and `end` are what it says, by name, where it can be
    read; `page` is empty where the flash cannot."""

    number: int
    page: bytes
    condition: str
    begin: dict[str, Any] | None
    end: dict[str, Any] | None

    @property
    def digest(self) -> bytes:
        """What the next record carries of this one."""
        return bytes(record.digest(self.page)) if self.page else b""


@dataclass(frozen=True)
class Log:
    """All records that no host has taken, the oldest first, and what the device says of them: the number of the last
    session, of the last one that was taken, and how many find room before one here is overwritten."""

    kept: list[Kept]
    newest: int
    taken: int
    left: int

    @property
    def few_left(self) -> bool:
        """Whether it is time to take them."""
        return bool(self.kept) and self.left < record.FEW


def log_of(device: Device, progress: Progress | None = None) -> Log:
    """All that the device keeps. Raises DeviceRefused where it keeps none, LinkError and PortError."""
    kept: list[Kept] = []
    while True:
        said = device.log(kept[-1].number if kept else 0)
        if not said["session"]:
            return Log(kept, said["newest"], said["taken"], said["sessions_left"])
        if kept and said["session"] <= kept[-1].number:
            raise LinkError(f"{device.port.name}: the device gives its records in no order; report this")
        kept.append(_kept(said["session"], bytes(document.bytes_of(said["page"])) if said["page"] else b""))
        if progress is not None:
            progress(kept[-1].number, said["newest"])


def _kept(number: int, page: bytes) -> Kept:
    if len(page) != record.PAGE:
        return Kept(number, b"", record.DAMAGED, None, None)
    condition = record.condition(page)
    begin = record.begin_of(page) if condition in record.SESSIONS else None
    return Kept(number, page, condition, begin, record.end_of(page) if condition == record.ENDED else None)


def clear(device: Device, log: Log) -> Kept | None:
    """Have the device take the records of `log` off its list, up to the last one that can be read, which is named and
    returned: what came since stays. None, and nothing is asked, where none can be read. Raises DeviceRefused."""
    readable = [kept for kept in log.kept if kept.begin is not None]
    if not readable:
        return None
    last = readable[-1]
    device.request("log_clear", session=last.number, page_digest=binascii.hexlify(last.digest).decode())
    return last


def problems(log: Log) -> list[str]:
    """What is wrong with the records, a sentence each: those that are damaged, changed or missing."""
    found = []
    before: Kept | None = None
    for kept in log.kept:
        if kept.condition == record.DAMAGED:
            found.append(f"record {kept.number} is damaged: what it said is lost")
        elif kept.condition == record.NEWER:
            found.append(f"record {kept.number} was written by a newer firmware: these tools cannot read it")
        if kept.begin is not None:
            found += _chain(before, kept)
        before = kept
    last = log.kept[-1].number if log.kept else log.taken
    if last < log.newest:
        found.append(f"{_numbers(last + 1, log.newest)} missing, behind the last one that is there")
    return found


def _chain(before: Kept | None, kept: Kept) -> list[str]:
    """What is wrong between a record and the one before it on the list."""
    assert kept.begin is not None
    if before is None:
        # Those before were taken or overwritten, or there were none.
        first = kept.number == 1
        wrong = first and kept.begin["before"] != record.NO_DIGEST
        return ["record 1 follows another one, and there can be none"] if wrong else []
    if kept.begin["before"] == before.digest:
        return []  # numbers between the two were used up by pages that did not take what was written
    if kept.number > before.number + 1:
        between = _numbers(before.number + 1, kept.number - 1)
        return [f"{between} missing, or record {before.number} was changed: record {kept.number} follows another one"]
    if before.condition == record.DAMAGED:
        return []  # said already
    return [f"record {before.number} was changed: record {kept.number} was written after another one"]


def _numbers(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"

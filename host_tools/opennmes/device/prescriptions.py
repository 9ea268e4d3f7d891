"""The prescriptions that a device keeps: put there, listed, read back. Every text that is read is compared with its
SHA-256, and what was put is read back before it counts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from nmes.core import checklist, clock, document
from nmes.core.reason import refuse
from opennmes.device.client import Device, DeviceRefused, LinkError
from opennmes.prescription import Prescription, canonical

WHOLE = "whole"
_TRIES = 4  # with another sector of the device's flash each
_DEVICE = "the device's prescriptions"


@dataclass(frozen=True)
class Stated:
    """Who went through the whole checklist with the person, which version of it, and when (0: not known); all of it
    empty where that is not stated."""

    checked_version: int = 0
    checked_unix_s: int = 0
    checked_by: str = ""

    @staticmethod
    def now(by: str) -> Stated:
        """That somebody has, of the list as it is, by the clock of this computer; nothing where the name is empty."""
        now_s = int(time.time())
        at_s = now_s if clock.UNIX_S[0] <= now_s <= clock.UNIX_S[1] else 0
        return Stated(checklist.VERSION, at_s, by) if by else Stated()


NOT_STATED = Stated()
Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True)
class Kept:
    """One that a device keeps, as it lists it. `condition` is "whole", "damaged" or "newer". `checked_by`: who went
    through the checklist of `checked_version` with the person when it was put there, at `checked_unix_s` (None: not
    known); empty where that was not stated."""

    number: int
    title: str
    digest: str
    bytes: int
    condition: str
    checked_version: int = 0
    checked_unix_s: int | None = None
    checked_by: str = ""

    @property
    def stated(self) -> Stated:
        """The same as it was put there."""
        return Stated(self.checked_version, self.checked_unix_s or 0, self.checked_by)


def kept_on(device: Device) -> list[Kept]:
    """All that the device keeps, by their numbers."""
    found: list[Kept] = []
    number = 0
    while True:
        answer = device.request("list", after=number)
        if not answer["number"]:
            return found
        if answer["number"] <= number:
            raise LinkError(f"{device.port.name}: the device lists its prescriptions in no order; report this")
        number = int(answer["number"])
        found.append(Kept(**{field.name: answer[field.name] for field in fields(Kept)}))


def kept_already(device: Device, prescription: Prescription, number: int | None = None) -> Kept | None:
    """Where the device keeps just this, whole; with a number, only if it is there."""
    digest = prescription.digest()
    same = [
        kept
        for kept in kept_on(device)
        if (kept.digest, kept.condition) == (digest, WHOLE) and number in (None, kept.number)
    ]
    return same[0] if same else None


def text_of(prescription: Prescription) -> bytes:
    """The bytes that a device keeps of a prescription. Raises Refused when they are too many."""
    text: bytes = canonical(prescription.document())
    if len(text) > document.BYTES_MAX:
        asked = f"{len(text)} bytes"
        bound = f"{document.BYTES_MAX} bytes: fewer phases, shorter notes, or fewer sources"
        refuse("too_large_to_keep", "prescription", asked, bound, _DEVICE)
    return text


def push(
    device: Device,
    prescription: Prescription,
    number: int = 0,
    progress: Progress | None = None,
    seal: dict[str, Any] | None = None,
    stated: Stated = NOT_STATED,
) -> Kept:
    """Have the device keep a prescription under a number, 0 for the lowest that is free, and read it back. `seal`: what
    was signed for that elsewhere (device/locking.py); `stated`: who has gone through the whole checklist. Raises
    Refused, DeviceRefused, LinkError and PortError; then the device keeps what it kept before, unless the link was lost
    after all had arrived: only what it lists is certain then."""
    text = text_of(prescription)
    tries = _TRIES
    while True:
        tries -= 1
        try:
            answer = _put(device, text, number, progress, seal, stated)
            break
        except DeviceRefused as refused:
            if not tries or [reason["code"] for reason in refused.reasons] != ["worn"]:
                raise
    made = next((kept for kept in kept_on(device) if kept.number == answer["number"]), None)
    if made is None or made.stated != stated or read(device, made.number) != text:
        raise LinkError(
            f"{device.port.name}: what the device keeps as {answer['number']} is not what it was sent; remove it, and "
            "do not use this device before that is understood"
        )
    return made


def _put(
    device: Device,
    text: bytes,
    number: int,
    progress: Progress | None,
    seal: dict[str, Any] | None,
    stated: Stated,
) -> dict[str, Any]:
    asked = {"number": number, "bytes": len(text), "digest": hashlib.sha256(text).hexdigest(), **asdict(stated)}
    answer = device.request("put", **asked, **(seal or {}))
    step = int(answer["piece_bytes"])
    for at in range(0, len(text), step):
        device.request("put_piece", at=at, data=document.piece(text[at : at + step]))
        if progress is not None:
            progress(min(len(text), at + step), len(text))
    return device.request("put_end")


def read(device: Device, number: int) -> bytes:
    """The text that is kept under a number. Raises DeviceRefused when there is none, or it is damaged."""
    text = b""
    while True:
        answer = device.request("get", number=number, at=len(text))
        text += bytes(document.bytes_of(answer["data"]))
        if len(text) >= answer["bytes"]:
            break
    if len(text) != answer["bytes"] or hashlib.sha256(text).hexdigest() != answer["digest"]:
        raise LinkError(f"{device.port.name}: prescription {number} arrived damaged; try again")
    return text


def pull(device: Device, number: int) -> Prescription:
    """The prescription that is kept under a number. Raises DeviceRefused, PrescriptionError where these tools do not
    know what it says, LinkError."""
    text = read(device, number)
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError) as error:  # MicroPython's json takes what lacks its end or has a comma too much
        raise LinkError(
            f"{device.port.name}: prescription {number} is damaged, and was so when it was put there: its text is no "
            f"JSON ({error}); remove it, and push its file again"
        ) from None
    made = Prescription.from_document(kept, Path(f"prescription {number} on {device.port.name}"))
    if canonical(made.document()) != text:
        raise LinkError(
            f"{device.port.name}: prescription {number} was written by tools that put it otherwise; its digest would "
            "change: push the file that it came from again"
        )
    return made

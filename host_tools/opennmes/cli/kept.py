"""What the verbs about things that a device keeps have in common."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator
from typing import Any

from nmes.core import document, session
from opennmes.cli.fault import FaultError, fault_of, in_short
from opennmes.cli.numbers import whole_number
from opennmes.cli.output import err, not_understood, words
from opennmes.cli.ports import only_one
from opennmes.device.choose import Chosen, choose
from opennmes.device.client import Device, LinkError
from opennmes.device.prescriptions import WHOLE, Kept, kept_on
from opennmes.ports.open import open_port


@contextlib.contextmanager
def connected(ports: list[str] | None, *, to_write: bool) -> Iterator[tuple[Device, str]]:
    """(the device that is meant, connected; what to write for its port), in the state that reading or writing what it
    keeps needs. Raises FaultError, LinkError and PortError, which name the next command."""
    with connected_to(choose(only_one(ports, "what is kept belongs to one device")), to_write=to_write) as (device, at):
        yield device, at


@contextlib.contextmanager
def connected_to(chosen: Chosen, *, to_write: bool) -> Iterator[tuple[Device, str]]:
    """The same, once it is known which device is meant."""
    device = Device(open_port(chosen.where))
    try:
        chosen.confirm(device.connect())
        if device.clock_refused:
            warning(device.clock_refused)
        status = device.status()
        fault = fault_of(status, chosen.where)
        if fault and to_write:
            raise FaultError(f"the device has {in_short(fault)}; nothing was changed:", fault)
        if status["state"] not in (session.IDLE, session.FAULT):
            raise LinkError(
                f"a session is going on at {chosen.where} ({status['state']}); nothing was done. When it is over, or "
                f"nmes stop --port {shlex.quote(chosen.where)} has ended it, try again"
            )
        yield device, chosen.where
    finally:
        device.port.close()


def warning(text: str) -> None:
    """Print a warning to standard error."""
    err.print(words(("warning", "yellow"), f": {text}"), soft_wrap=True)


def number_of(option: str, text: str) -> int:
    """The number of a prescription on a device."""
    number = whole_number(option, text)
    least, most = document.NUMBERS
    if not least <= number <= most:
        not_understood(f"{option} is {number}; a device keeps its prescriptions under the numbers {least} to {most}")
    return number


def the_one(device: Device, port: str, number: int | None) -> Kept:
    """What the device keeps under `number`; without a number, when it is the only one. Raises LinkError, which says
    what there is."""
    there = kept_on(device)
    at = f"nmes push FILE --port {shlex.quote(port)}"
    if not there:
        raise LinkError(f"the device at {port} keeps no prescription; {at} puts one there")
    found = [kept for kept in there if number in (None, kept.number)]
    if not found:
        raise LinkError(f"the device at {port} keeps none as {number}; it keeps {in_words(there)}")
    if len(found) > 1:
        raise LinkError(f"the device at {port} keeps {len(found)}; name one of them: {in_words(there)}")
    return found[0]


def in_words(kept: list[Kept]) -> str:
    """Several in one line."""
    return "; ".join(map(in_a_line, kept))


def in_a_line(kept: Kept) -> str:
    """Number and title, and what is the matter with it."""
    if kept.condition == WHOLE:
        return f'{kept.number} "{kept.title}"'
    return f"{kept.number} ({kept.condition}" + (f', "{kept.title}")' if kept.title else ")")


def checked_in_words(kept: Kept) -> str:
    """Who went through the checklist with the person, when, and which version of it."""
    if not kept.checked_by:
        return "who went through the checklist with the person: not stated"
    when = "at a time that is not known"
    if kept.checked_unix_s:
        when = time.strftime("on %Y-%m-%d at %H:%M UTC", time.gmtime(kept.checked_unix_s))
    return f"checklist version {kept.checked_version} was gone through with the person by {kept.checked_by}, {when}"


def as_json(kept: Kept) -> dict[str, Any]:
    """One for machines: its fields as they are."""
    return dict(vars(kept))

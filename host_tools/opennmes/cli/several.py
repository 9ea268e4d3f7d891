"""Runs a verb on several devices at the same time: each succeeds or fails by itself, and the result lists each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from opennmes.cli.fault import FaultError
from opennmes.cli.output import (
    FAILED,
    FAILURES,
    busy,
    described,
    not_understood,
    only_once,
    out,
    print_json,
    print_table,
    words,
)
from opennmes.device.choose import Chosen, choose, choose_all
from opennmes.ports.errors import PortError
from opennmes.ports.open import EMULATOR, VIRTUAL

_LOOK_S = 0.2  # so often Ctrl-C is heard while others are waited for; Windows hears none in a wait without end


@dataclass(frozen=True)
class Result:
    """What a verb has to say of one device: for machines, for people, and whether it failed."""

    json: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    failed: bool = False


def asked_for(ports: list[str] | None, all_devices: bool) -> bool:
    """Whether several devices were asked for. Ends with status 2 when both ways were."""
    if ports and all_devices:
        not_understood("--all and --port are both given; --all means every board that is here, --port those it names")
    return all_devices or len(ports or ()) > 1


def carry_out(ports: list[str] | None, act: Callable[[Chosen], Result], *, as_json: bool) -> None:
    """Do `act` with each of the devices that `ports` names, or with all that are here, and print what came of it.
    Ends with status 1 when one of them failed. Raises PortError when there is none at all."""
    say(ask(ports, act), as_json=as_json)


def ask(ports: list[str] | None, act: Callable[[Chosen], Result]) -> list[tuple[str, Result]]:
    """What comes of `act` with each of the devices, by what was written for it. Raises as `carry_out`."""
    named = _named(ports) if ports else _all()
    with busy(f"{len(named)} boards at the same time"):
        results = _each([chosen for _, chosen in named], act)
    only_once()
    return list(zip([name for name, _ in named], results, strict=True))


def say(said: list[tuple[str, Result]], *, as_json: bool) -> None:
    """Print what came of each. Ends with status 1 when one failed."""
    if as_json:
        print_json({"devices": [{"port": name, **result.json} for name, result in said]})
    else:
        _print(said)
    if any(result.failed for _, result in said):
        raise typer.Exit(FAILED)


def one_or_several(
    ports: list[str] | None,
    all_devices: bool,
    act: Callable[[Chosen], Result],
    print_one: Callable[[Result, Chosen], None] | None = None,
    *,
    as_json: bool,
) -> None:
    """Do `act` with the device that is asked for, or with several, and print what came of it: of one its lines, or what
    `print_one` prints. Ends with status 1 when one failed. Raises what `act` and `choose` raise, of one device."""
    if asked_for(ports, all_devices):
        carry_out(ports, act, as_json=as_json)
        return
    chosen = choose(ports[0] if ports else None)
    result = act(chosen)
    if as_json:
        print_json(result.json)
    else:
        (print_one or _print_lines)(result, chosen)
    if result.failed:
        raise typer.Exit(FAILED)


def _print_lines(result: Result, _: Chosen) -> None:
    with out:
        for text in result.lines:
            out.print(words(text), soft_wrap=True)


def _all() -> list[tuple[str, Chosen | PortError]]:
    return [(chosen.where, chosen) for chosen in choose_all()]


def _named(ports: list[str]) -> list[tuple[str, Chosen | PortError]]:
    """What each name means, or why it means nothing; two names of one board are one."""
    found: list[tuple[str, Chosen | PortError]] = []
    seen: set[str] = set()
    for name in ports:
        try:
            chosen = choose(name)
        except PortError as error:
            found.append((name, error))
            continue
        if chosen.where not in seen or chosen.where in (VIRTUAL, EMULATOR):  # each of these is a board of its own
            found.append((name, chosen))
        seen.add(chosen.where)
    return found


def _each(devices: list[Chosen | PortError], act: Callable[[Chosen], Result]) -> list[Result]:
    """All at the same time: a device that does not answer is not to keep another waiting for its `stop`."""
    results: list[Result | BaseException] = [Result({})] * len(devices)

    def one(index: int, chosen: Chosen | PortError) -> None:
        try:
            if isinstance(chosen, PortError):
                raise chosen
            results[index] = act(chosen)
        except FAILURES as failure:
            results[index] = failed(failure)
        except BaseException as bug:
            results[index] = bug

    threads = [threading.Thread(target=one, args=row, daemon=True) for row in enumerate(devices)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_S)
    done = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


def failed(failure: Exception, lines: list[str] | None = None, **said: Any) -> Result:
    """The result where a verb failed; `lines` and `said` have what it did before."""
    _, text, details, reasons = described(failure)
    said |= {"error": text.rstrip(":"), "reasons": reasons}
    if isinstance(failure, FaultError):
        said["fault"] = failure.fault
    return Result(said, [*(lines or []), f"failed: {text}", *details], failed=True)


def _print(said: list[tuple[str, Result]]) -> None:
    table = Table("device", "result", show_lines=True)
    for name, result in said:
        table.add_row(words(name), Text("\n").join(words(line) for line in result.lines))
    print_table(table, [(f"{name}:", result.lines) for name, result in said])

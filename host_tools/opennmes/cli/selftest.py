"""nmes selftest: have a device test itself, and say each step."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import fault_words, session
from nmes.core.checks import CHECKS
from opennmes.cli import several
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import err, error, out, print_table, reported, words
from opennmes.cli.ports import All, Ports
from opennmes.cli.several import Result
from opennmes.device.choose import Chosen
from opennmes.device.client import Device, Message
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port
from opennmes.prescription.explain import found_and_expected

PASSED = "passed"
HAS_FAILED = "FAILED"
NOT_REACHED = "not reached"
NOT_MEASURED = "not measured"


def selftest(
    port: Ports = None,
    all_devices: All = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Have a device test itself as before arming, and say each step, what was found and what was expected.

    Nothing is delivered, but the enables of the output stage are moved: nobody may be connected. What fails is a fault.
    A device that has a fault, or runs a session, tests nothing: the last test is shown. Exit status 1 when a step
    failed, or none was made.

    Example: nmes selftest --port virtual
    """
    with reported(json, passed=None, steps=[], fault=None):
        stop_on_signals()
        several.one_or_several(port, all_devices, _tested, _print, as_json=json)


def _tested(chosen: Chosen) -> Result:
    device = Device(open_port(chosen.where))
    try:
        chosen.confirm(device.connect())
        before = device.status()
        made = before["state"] == session.IDLE
        answer = device.run_self_test() if made else device.self_test()
        fault = fault_of(device.status(), chosen.where)
    finally:
        device.port.close()
    steps = _steps(answer)
    passed = answer["passed"] if made else None
    said = {"state": before["state"], "made": made, "passed": passed, "at_ms": answer["at_ms"], "steps": steps,
            "fault": fault}  # fmt: skip
    lines = [_not_made(said)] if not made else []
    lines += [_in_words(step) for step in steps]
    lines += [f"the device has {in_short(fault)}", *in_words(fault)] if fault else []
    return Result(said, lines, failed=not passed)


def _steps(answer: Message) -> list[dict[str, Any]]:
    """Every step that there is, also those behind the first that failed; none where no test has been made."""
    results = answer["results"]
    steps = []
    checks = zip(CHECKS, fault_words.CHECKS, strict=True) if results else ()
    for index, (fault, (what, _)) in enumerate(checks):
        _, passed, found, expected = results[index] if index < len(results) else ("", None, "", "")
        if found in ("None", NOT_MEASURED):  # a board without that sense; what was not measured has not passed
            passed, found = None, NOT_MEASURED
        else:
            found, expected = found_and_expected(found, expected)
        steps.append(
            {"step": index + 1, "what": what, "fault": fault, "passed": passed, "found": found, "expected": expected}
        )
    return steps


def _verdict(step: dict[str, Any]) -> str:
    if step["passed"] is None:
        return NOT_MEASURED if step["found"] else NOT_REACHED
    return PASSED if step["passed"] else HAS_FAILED


def _in_words(step: dict[str, Any]) -> str:
    if step["passed"] is None:
        return f"{step['step']}. {step['what']}: {_verdict(step)}"
    return f"{step['step']}. {step['what']}: {_verdict(step)}, found {step['found']}, expected {step['expected']}"


def _not_made(said: dict[str, Any]) -> str:
    why = "clear its fault first" if said["state"] == session.FAULT else "end its session first (nmes stop)"
    before = (
        f"this is the test that it made {said['at_ms'] / 1000:g} s after its start"
        if said["steps"]
        else "and none has been made since it was switched on"
    )
    return f"no test was made: the device is {said['state']}, {why}; {before}"


def _print(result: Result, _: Chosen) -> None:
    said = result.json
    table = Table("", "step", "result", "found", "expected")
    for step in said["steps"]:
        verdict = _verdict(step)
        style = "bold red" if verdict == HAS_FAILED else ""
        row = (str(step["step"]), step["what"], verdict, step["found"], step["expected"])
        table.add_row(*[words((text, style)) for text in row])
    with out:
        if said["steps"]:
            print_table(table, [(_in_words(step), []) for step in said["steps"]])
        if said["passed"]:
            out.print("passed")
    if not said["made"]:
        error(_not_made(said))
    if fault := said["fault"]:
        error(f"the device has {in_short(fault)}:", in_words(fault))
    elif said["made"] and not said["passed"]:
        err.print("the self-test has failed")

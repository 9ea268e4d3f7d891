"""nmes selftest: the device's own test, each step with what was found and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ports_for_tests import RulePort, ok, refused
from starting import arm

from nmes.core import fault_words, faults, session
from nmes.core.checks import CHECKS
from nmes.core.reason import reason
from opennmes.cli import main
from opennmes.device.client import Device
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

SOUND = [
    ["enable_stuck", True, "low", "low: nobody has permitted anything"],
    ["sense_failed", True, "253", "-400 to 1250 0.1 degC, if the ADC works"],
    ["memory_low", True, "100000 bytes free", "at least 40000"],
    ["temperature", True, "253", "-100 to 700 0.1 degC"],
    ["supply_low", True, "4998", "3000 to 5500 mV"],
    ["sense_failed", False, "current of channel 1: 2100 counts", "2048, 18 more or less"],
]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> RulePort:
    """A device in IDLE whose sixth check fails, which is a fault then."""
    port = RulePort()
    fault = 0

    def status(request: dict[str, Any]) -> bytes:
        text = "self-test: x" if fault else ""
        return ok(request["seq"], state=port.state, fault=fault, fault_text=text, channels=[])

    def run(request: dict[str, Any]) -> bytes:
        nonlocal fault
        fault, port.state = faults.SENSE_FAILED, session.FAULT
        return ok(request["seq"], at_ms=1_500, passed=False, results=SOUND)

    port.rules.update({"status": status, "run_self_test": run})
    monkeypatch.setattr("opennmes.cli.selftest.open_port", lambda *arguments, **options: port)
    return port


def test_each_step_says_what_was_found_and_expected_in_its_unit(
    device: RulePort, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "--port", "/dev/ttyX", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["made"], said["passed"], said["at_ms"], len(said["steps"])) == (True, False, 1_500, len(CHECKS))
    assert said["fault"]["name"] == "sense_failed"
    rows = [(step["passed"], step["found"], step["expected"]) for step in said["steps"]]
    assert rows == [
        (True, "low", "low: nobody has permitted anything"),
        (True, "25.3 degC", "-40 to 125 degC, if the ADC works"),
        (True, "100000 bytes free", "at least 40000"),
        (True, "25.3 degC", "-10 to 70 degC"),
        (True, "4998 mV", "3000 to 5500 mV"),
        (False, "current of channel 1: 2100 counts", "2048, 18 more or less"),
        (None, "", ""),
        (None, "", ""),
        (None, "", ""),
    ]
    assert [step["step"] for step in said["steps"]] == list(range(1, 10))
    assert [step["fault"] for step in said["steps"]] == list(CHECKS)


def test_a_person_reads_the_same(device: RulePort, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--port", "/dev/ttyX"]) == 1
    said = capsys.readouterr()
    for part in ("25.3 degC", "-10 to 70 degC", "FAILED", "2048, 18 more or less", "not reached"):
        assert part in said.out
    assert said.out.count("not reached") == 3
    assert "fault 19, sense_failed" in said.err and fault_words.WORDS[faults.SENSE_FAILED][1] in said.err


@pytest.mark.parametrize("state", [session.FAULT, session.RUNNING, session.PAUSED, session.ARMED])
def test_a_device_that_cannot_be_tested_now_says_what_it_found_last_and_passes_nothing(
    device: RulePort, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    device.state = state
    for results in ([*SOUND[:5]], []):
        device.rules["self_test"] = lambda request, results=results: ok(
            request["seq"], at_ms=2_000 if results else None, passed=True if results else None, results=results
        )
        assert main(["selftest", "--port", "/dev/ttyX"]) == 1
        said = capsys.readouterr()
        assert f"no test was made: the device is {state}" in said.err
        assert ("2 s after its start" if results else "none has been made") in said.err
        assert "passed\n" not in said.out.splitlines(keepends=True)[-1:]
        assert main(["selftest", "--port", "/dev/ttyX", "--json"]) == 1
        answer = json.loads(capsys.readouterr().out)
        assert (answer["made"], answer["passed"], len(answer["steps"])) == (False, None, 9 if results else 0)
    assert "run_self_test" not in device.commands()


def test_an_open_interlock_is_said_and_nothing_is_tested(device: RulePort, capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [reason("not_safe", "interlock", "open", "emergency stop closed and no over-current", "hardware")]
    device.rules["run_self_test"] = lambda request: refused(request["seq"], "refused", reasons)
    assert main(["selftest", "--port", "/dev/ttyX", "--json"]) == 1
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["passed"], answer["steps"], answer["reasons"]) == (None, [], reasons)
    assert "emergency stop closed" in said.err


def test_what_was_not_measured_has_not_passed(device: RulePort, capsys: pytest.CaptureFixture[str]) -> None:
    results = [*SOUND[:4], ["supply_low", True, "None", "3000 to 5500 mV"], ["sense_failed", True, "not measured", "-"]]
    device.rules["run_self_test"] = lambda request: ok(request["seq"], at_ms=1, passed=True, results=results)
    assert main(["selftest", "--port", "/dev/ttyX", "--json"]) == 0
    step, zeros = json.loads(capsys.readouterr().out)["steps"][4:6]
    assert (zeros["passed"], zeros["found"]) == (None, "not measured")
    assert (step["passed"], step["found"], step["expected"]) == (None, "not measured", "3000 to 5500 mV")


@pytest.mark.usefixtures("virtual_board")
def test_the_real_firmware_passes_every_step_and_is_idle_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--port", "virtual", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["made"], said["passed"], said["fault"], len(said["steps"])) == (True, True, None, 9)
    assert main(["selftest", "--port", "virtual"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "passed"


@pytest.mark.usefixtures("virtual_board")
def test_the_real_firmware_arms_after_it_and_makes_its_test_again(example_file: Path) -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        first = device.run_self_test()["at_ms"]
        arm(device, Prescription.read(example_file).data)
        assert device.self_test()["at_ms"] > first
        device.start()


@pytest.mark.usefixtures("virtual_board")
def test_several_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--port", "virtual", "--port", "/dev/no-such-port", "--port", "virtual", "--json"]) == 1
    first, second, third = json.loads(capsys.readouterr().out)["devices"]
    assert (first["passed"], third["passed"]) == (True, True)
    assert second["port"] == "/dev/no-such-port" and "there is no such port" in second["error"]

"""What a device runs is compared with what belongs to the host tools, and a difference is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from ports_for_tests import IDENTITY, ScriptedPort, line, ok

from nmes.core import identity as fields
from opennmes import paths
from opennmes.device import identity
from opennmes.device.client import Device, LinkError
from opennmes.ports.virtual import VirtualPort

IDENTIFY = line(seq=1, cmd="identify")


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("firmware", "the firmware"),
        ("board_digest", "its board"),
        ("stage_digest", "its output stage"),
        ("limits_digest", "its limits"),
    ],
)
def test_h01_a_device_that_runs_something_else_is_refused_and_told_what_differs(field: str, says: str) -> None:
    port = ScriptedPort((b"\r\n", b""), (IDENTIFY, ok(1, **{**IDENTITY, field: "0123456789abcdef"})))
    with pytest.raises(LinkError) as caught:
        Device(port).connect()
    said = str(caught.value)
    assert f"{says} (digest 0123456789abcdef, here {IDENTITY[field]})" in said
    assert said.count("(digest") == 1
    assert f"`nmes flash --port {port.name}`" in said and "make setup" in said and ".uf2" not in said


@pytest.mark.parametrize(
    ("board", "where", "command"),
    [
        ("pico", "/dev/ttyACM0", "nmes flash --port /dev/ttyACM0"),
        ("pico-stock", "/dev/ttyACM0", "nmes flash --modules --port /dev/ttyACM0"),
        ("pico", "a board", "nmes flash --port 'a board'"),
        ("pico", "emulator", "make setup"),
        ("virtual", "virtual", "make setup"),
    ],
)
def test_the_command_that_mends_it_is_the_one_for_this_board(board: str, where: str, command: str) -> None:
    assert identity.mend({**IDENTITY, "board": board}, where) == command


def test_every_difference_is_named_and_a_device_that_says_nothing_is_refused() -> None:
    silent = {key: value for key, value in IDENTITY.items() if key not in fields.FIELDS}
    assert len(identity.differences(silent)) == len(fields.FIELDS)
    assert identity.differences(IDENTITY) == []


@pytest.mark.parametrize(
    ("named", "says"), [({"board": "other"}, 'no board "other"'), ({"stage": "x"}, "output stage")]
)
def test_a_board_or_stage_that_these_tools_do_not_know_is_refused(named: dict[str, str], says: str) -> None:
    (said,) = identity.differences({**IDENTITY, **named})
    assert says in said


def test_the_virtual_board_says_what_its_own_sources_are(virtual_board: None, tmp_path: Path) -> None:
    with Device(VirtualPort()) as device:
        said = device.connect()
    assert said["firmware"] == identity.firmware()
    # The folder it is computed from is the one that runs, not one that says so.
    assert paths.firmware().joinpath("nmes", "supervisor.py").is_file()

"""settings and reset, through the command line, on a virtual board that keeps things over power cuts; and the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from processes import Said

from nmes.core import settings as declared
from opennmes import paths
from opennmes.cli import main
from opennmes.cli.settings import NAMES, NOT_USED
from opennmes.device.client import Device, DeviceRefused
from opennmes.ports.virtual import VirtualPort

pytestmark = pytest.mark.usefixtures("virtual_board")

VERBS = ("kept", "run")


@pytest.fixture(autouse=True)
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in VERBS:
        monkeypatch.setattr(
            f"opennmes.cli.{verb}.open_port", lambda *_, **__: VirtualPort(store=tmp_path / "store", load_ohm=500)
        )


def test_a_new_device_has_the_factory_s_and_what_is_set_is_there_with_power_back(
    said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer, _ = said("settings")
    assert (status, answer["settings"]) == (0, declared.factory())
    for name, value, kept in (
        ("device_name", "left room", "left room"),
        ("own_max_0_ma", "12.5", 12_500),
        ("buzzer_volume", "3", 3),
        ("default_prescription", "2", 2),
    ):
        status, answer, _ = said("settings", name, value)
        assert (status, answer["set"], answer["settings"]) == (0, True, {NAMES[name]: kept})
    status, answer, _ = said("settings")
    assert answer["settings"] == dict(
        declared.factory(), device_name="left room", own_max_0_ua=12_500, buzzer_volume=3, default_prescription=2
    )
    assert said("settings", "own_max_0_ma")[1]["settings"] == {"own_max_0_ua": 12_500}
    assert main(["settings", "--port", "x"]) == 0
    printed = capsys.readouterr().out
    assert "12.5 mA" in printed and "100 mA" in printed and "left room" in printed


def test_what_the_firmware_does_not_act_on_yet_is_said_wherever_it_is_set_shown_or_described(
    said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    firmware = paths.checkout() / "firmware"
    acting = [file for file in firmware.rglob("*.py") if file.name != "settings.py" and "_words" not in file.name]
    sources = [file.read_text() for file in acting]
    acted_on = {name for name in declared.SETTINGS if any(f'"{name}"' in source for source in sources)}
    assert set(NOT_USED) == set(declared.SETTINGS) - acted_on - set(declared.OWN_MAX)
    for name, value in (("buzzer_volume", "3"),):
        status, _, err = said("settings", name, value)
        assert status == 0 and "warning" in err and NOT_USED[name] in err
    for name, value in (("device_name", "left room"), ("default_prescription", "2"), ("language", "1")):
        assert "warning" not in said("settings", name, value)[2]
    assert main(["settings", "--port", "x"]) == 0
    printed = capsys.readouterr().out
    documents = [(paths.checkout() / "docs" / name).read_text() for name in ("kept.md", "protocol.md")]
    for text in (printed, *documents):
        assert all(words in " ".join(text.split()) for words in NOT_USED.values())


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("volume", "1", "is no setting"),
        ("own_max_0_ua", "1", "is no setting"),
        ("own_max_0_ma", "0", "0.001 to 100 mA"),
        ("own_max_0_ma", "2,5", "no current in mA"),
        ("own_max_1_ma", "1000", "100 mA"),
        ("buzzer_volume", "0", "1 to 10"),
        ("buzzer_volume", "loud", "no whole number"),
        ("default_prescription", "17", "0 to 16"),
        ("device_name", "x" * 33, "0 to 32 printable characters"),
        ("device_name", "a\x1b[31m", "0 to 32 printable characters"),
    ],
)
def test_what_can_be_no_setting_is_not_understood_and_changes_nothing(
    said: Said, name: str, value: str, why: str
) -> None:
    status, _, err = said("settings", name, value)
    assert status == 2 and why in err and "\x1b" not in err
    assert said("settings")[1]["settings"] == declared.factory()


def test_h01_the_person_s_own_maximum_bounds_every_session_on_this_device(said: Said, example_file: Path) -> None:
    said("settings", "own_max_0_ma", "5")
    status, answer, err = said("run", str(example_file), "--acknowledge", "--intensity", "6", "--seconds", "1")
    assert status == 1 and "own maximum" in err and "5 mA" in err
    status, answer, _ = said("run", str(example_file), "--acknowledge", "--intensity", "5", "--seconds", "3")
    assert (status, answer["loaded"]["largest_current_ua"]) == (0, 5_000)
    said("push", str(example_file))
    status, answer, _ = said("run", "--prescription", "1", "--acknowledge", "--intensity", "5", "--seconds", "3")
    assert (status, answer["title"]) == (0, "Stress incontinence, 35 Hz") and answer["account"]["delivered"] > 0
    assert said("run", "--prescription", "2", "--acknowledge")[0] == 1
    assert said("run", "--acknowledge")[0] == said("run", str(example_file), "--prescription", "1")[0] == 2
    assert said("select", "1")[1]["loaded"]["largest_current_ua"] == 5_000


def test_a_factory_reset_is_asked_for_and_forgets_settings_and_prescriptions(said: Said, example_file: Path) -> None:
    said("settings", "device_name", "left room")
    said("push", str(example_file))
    assert said("reset")[0] == 2
    status, _, err = said("reset", "--factory")
    assert status == 1 and "--yes" in err and "left room" in err and "1 prescriptions" in err
    assert said("settings")[1]["settings"]["device_name"] == "left room"
    status, answer, _ = said("reset", "--factory", "--yes")
    assert (status, answer["done"], len(answer["forgotten"])) == (0, True, 1)
    assert said("settings")[1]["settings"] == declared.factory()
    assert said("pull", "--list")[1]["prescriptions"] == []


@pytest.mark.tells_time
def test_every_host_that_connects_sets_the_clock_and_one_that_is_behind_is_warned(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(VirtualPort()) as device:
        device.connect()
        assert device.clock_refused == ""
        answer = device.set_clock(int(time.time()))
        assert abs(answer["was_s"] - time.time()) < 60
        ahead = int(time.time()) + 86_400
        device.set_clock(ahead)
        device.connect()
        assert "one of the two is wrong" in device.clock_refused
        with pytest.raises(DeviceRefused) as refused:
            device.set_clock(ahead - 3_600)
        assert refused.value.reasons[0]["code"] == "clock_back"
        assert device.set_clock(ahead - 3_600, back=True)["unix_s"] == ahead - 3_600
    monkeypatch.setattr("opennmes.device.client.time.time", lambda: 12.0)
    status, _, err = said("settings")
    assert status == 0 and "warning" in err and "1970" in err

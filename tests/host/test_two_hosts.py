"""Several programs on one device: the whole firmware on the virtual board, with whole lines in and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starting import begin

from nmes.core import frame, session
from opennmes.device.client import Device, DeviceRefused
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

ROOT = Path(__file__).resolve().parents[2]
PRESCRIPTION = ROOT / "host_tools" / "opennmes" / "prescription" / "programmes" / "stress-incontinence-35hz.toml"
GONE_S = (session.HOST_LOST_MS + session.FADE_MS) / 1000


@pytest.fixture
def port(tmp_path: Path) -> Iterator[VirtualPort]:
    opened = VirtualPort(tmp_path / "pulses.csv", load_ohm=500)
    yield opened
    opened.close()


@pytest.fixture
def owner(port: VirtualPort) -> Device:
    device = Device(port)
    device.connect()
    begin(device, Prescription.read(PRESCRIPTION).data)
    device.raise_to(5_000)
    return device


def passes(port: VirtualPort, seconds: float) -> None:
    until_s = port.now_s() + seconds
    while port.now_s() < until_s:
        port.read(until_s - port.now_s())


@pytest.mark.parametrize("every_s", [0.1, 1.0, 1.9])
def test_h14_a_dead_host_s_session_fades_whoever_goes_on_watching(
    port: VirtualPort, owner: Device, every_s: float, tmp_path: Path
) -> None:
    died_s = port.now_s()
    while port.now_s() < died_s + 6:
        watcher = Device(port)
        watcher.connect()
        watcher.status()
        passes(port, every_s)
    status = watcher.status()
    assert (status["state"], status["ended"], status["channels"][0]["intensity_ua"]) == (session.IDLE, "host lost", 0)
    *_, last = (line.split(",") for line in (tmp_path / "pulses.csv").read_text().splitlines())
    assert int(last[0]) / 1e6 <= died_s + GONE_S


def test_who_looks_does_not_disturb_the_owner(port: VirtualPort, owner: Device) -> None:
    for _ in range(12):
        with Device(port) as watcher:
            watcher.connect()
            watcher.status()
            watcher.wait(0.3)
            watcher.port = _Kept()  # leaving closes the port, and this one is the owner's too
        owner.step_towards(owner.intensity_ua)
    assert owner.status()["state"] == session.RUNNING


class _Kept:
    """A port that only can be closed."""

    name = "kept"

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        raise AssertionError(f"a host that only looked said {data!r} when it left")

    def read(self, timeout_s: float) -> bytes:
        raise AssertionError

    def now_s(self) -> float:
        raise AssertionError


def test_another_host_is_told_that_it_is_not_the_owner_and_may_stop(port: VirtualPort, owner: Device) -> None:
    other = Device(port)
    other.connect()
    for ask in (
        lambda: other.set_intensity(0),
        lambda: other.arm(1),
        lambda: other.start(),
        lambda: other.adjust(30_000, 250),
    ):
        with pytest.raises(DeviceRefused) as refused:
            ask()
        assert refused.value.error == "not_owner"
    assert owner.status()["channels"][0]["intensity_ua"] == 5_000
    assert other.stop()["state"] == session.IDLE
    with pytest.raises(DeviceRefused):
        owner.start()


def test_requests_that_come_in_one_go_are_all_answered_in_order(port: VirtualPort, owner: Device) -> None:
    port.write(b"".join(frame.encode({"seq": 10 + i, "cmd": "status"}) for i in range(50)))
    heard = b""
    until_s = port.now_s() + 2
    while port.now_s() < until_s:
        heard += port.read(until_s - port.now_s())
    answers = [message["seq"] for message in map(frame.decode, heard.split(b"\n")[:-1]) if "ok" in message]
    assert answers == list(range(10, 60))


def test_f8_a_line_of_hundreds_of_arguments_is_refused_and_the_session_goes_on(
    port: VirtualPort, owner: Device
) -> None:
    many = {f"{i:x}": 0 for i in range(320)}
    with pytest.raises(DeviceRefused, match="no line of more than 256 bytes"):
        owner.request("keepalive", **many)
    assert owner.status()["state"] == session.RUNNING
    owner.stop()
    with pytest.raises(DeviceRefused, match=r"first 8 of 320 reasons"):
        owner.request("status", **many)


def test_a_load_in_a_session_is_refused_at_once(owner: Device) -> None:
    with pytest.raises(DeviceRefused) as refused:
        owner.load(Prescription.read(PRESCRIPTION).data)
    assert refused.value.error == "wrong_state"
    assert owner.status()["state"] == session.RUNNING

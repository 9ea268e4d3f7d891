"""The lock on the emulated chip: in its flash, over resets, and with somebody at the port who wants the prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sessions import Bench

from nmes.core import session
from opennmes import paths
from opennmes.device import locking, prescriptions
from opennmes.device.client import Device, DeviceRefused
from opennmes.emulator.pico import EmulatedPico
from opennmes.ports.emulator import EmulatedPort
from opennmes.prescription import Prescription

SHORT = paths.PROGRAMMES / "urge-incontinence-10hz.toml"
MS = 1_000_000
CTRL_C = b"\x03"


@pytest.fixture
def key(tmp_path: Path) -> locking.Key:
    return locking.make_key(tmp_path / "clinic.key")


def locked(bench: Bench, key: locking.Key) -> bytes:
    """The flash of a board that was locked with `key`."""
    locking.lock_device(bench.device, "x", key.path)
    return bench.pico.flash_image()


def test_what_is_signed_is_taken_once_and_the_counter_is_there_with_power_back(
    make: Callable[..., Bench], key: locking.Key
) -> None:
    bench = make()
    uid = str(bench.device.identity["uid"])
    image = locked(bench, key)
    again = make(image)
    assert again.device.identity["locked_by"] == key.id and again.fault() == (session.IDLE, 0)
    device, prescription = again.device, Prescription.read(SHORT)
    with pytest.raises(DeviceRefused) as refused:
        prescriptions.push(device, prescription)
    assert refused.value.reasons[0]["code"] == "unsigned"
    made = locking.sign(prescription, key, uid, 1, 0)
    begun_s = device.port.now_s()
    assert prescriptions.push(device, prescription, 0, None, made.seal()).number == 1
    print("a signed push in", device.port.now_s() - begun_s, "s")
    device.sign = locking.signer(device, key)
    begun_s = device.port.now_s()
    assert device.request("set", settings={"buzzer_volume": 3})["settings"]["buzzer_volume"] == 3
    print("a signed setting in", device.port.now_s() - begun_s, "s")
    assert again.fault() == (session.IDLE, 0)
    last = make(again.pico.flash_image())
    state = last.device.request("locked")
    assert (state["locked_by"], state["counter"]) == (key.id, 3)
    with pytest.raises(DeviceRefused) as refused:
        prescriptions.push(last.device, prescription, 2, None, made.seal())
    assert refused.value.reasons[0]["code"] in ("counter_used", "wrong_signature")
    assert [row.number for row in prescriptions.kept_on(last.device)] == [1]


def test_h22_ctrl_c_held_down_from_power_on_never_gives_the_prompt_of_a_locked_board(
    make: Callable[..., Bench], key: locking.Key, uf2: Path
) -> None:
    pico = EmulatedPico(uf2, locked(make(), key))
    heard = b""
    pico.write(CTRL_C * 8)
    pico.boot()
    for _ in range(250):
        pico.write(CTRL_C)
        pico.run_for(10 * MS)
        heard += pico.read()
    assert b">>>" not in heard and b"raw REPL" not in heard
    device = Device(EmulatedPort(pico))
    assert device.connect()["locked_by"] == key.id
    assert device.status()["state"] == session.IDLE and pico.resets == 0
    pico.write(b"\r" + CTRL_C + CTRL_C + b"\x01\r\n")  # as mpremote asks for it
    pico.run_for(50 * MS)
    assert b"raw REPL" not in pico.read() and device.status()["state"] == session.IDLE

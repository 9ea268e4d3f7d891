"""lock, unlock and sign, and what the other verbs say of a locked device, through the command line, on a virtual board
that keeps things over power cuts."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest
from ports_for_tests import IDENTITY, RulePort, ok
from processes import Said

from nmes.core import checklist
from nmes.core import lock as core
from nmes.core import settings as declared
from opennmes.cli import main
from opennmes.device import flashing, locking, prescriptions
from opennmes.device.client import Device, DeviceRefused
from opennmes.device.discover import BOOTSEL, OURS, Board
from opennmes.device.locking import LockingError
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

pytestmark = pytest.mark.usefixtures("virtual_board")

OTHER_UID = "e660583883724f32"
Power = Callable[[], VirtualPort]


@pytest.fixture
def power_on(tmp_path: Path) -> Power:
    return lambda: VirtualPort(store=tmp_path / "store", load_ohm=500)


@pytest.fixture(autouse=True)
def board(power_on: Power, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("kept", "run", "status", "selftest", "stop"):
        monkeypatch.setattr(f"opennmes.cli.{verb}.open_port", lambda *_, **__: power_on())


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def carry_out(*arguments: str) -> tuple[int, dict[str, Any], str]:
        port = [] if arguments[0] == "sign" else ["--port", "/dev/tty of mine"]
        return processes.here(capsys, *arguments, *port)

    return carry_out


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The name of a key file that is not there yet."""
    return str(tmp_path / "clinic.key")


@pytest.fixture
def locked(said: Said, key: str) -> str:
    """The board is locked with this key."""
    assert said("lock", "--key", key)[0] == 0
    return key


@pytest.fixture
def other_key(tmp_path: Path) -> str:
    return str(locking.make_key(tmp_path / "other.key").path)


def state(power_on: Power) -> dict[str, Any]:
    with Device(power_on()) as device:
        device.connect()
        return device.request("locked")


def everything(tmp_path: Path) -> dict[str, bytes]:
    """All that the board keeps."""
    return {path.name: path.read_bytes() for path in sorted(tmp_path.glob("store.*"))}


# ---- lock and unlock ----


def test_lock_makes_a_key_that_only_its_owner_can_read_and_never_prints_it(
    said: Said, key: str, power_on: Power, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer, err = said("lock", "--key", key)
    made = locking.read_key(Path(key))
    assert (status, answer["done"], answer["made"], answer["unchanged"]) == (0, True, True, False)
    assert (answer["locked"], answer["device"], answer["counter"], answer["file"]) == (made.id, "virtual", 1, key)
    assert made.digits not in json.dumps(answer) + err + repr(made)
    assert made.id in Path(key).read_text() and "Keep a copy" in Path(key).read_text()
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert state(power_on) == {"locked_by": made.id, "counter": 1, "wait_ms": 0}
    # Once more, in words: it is locked already, and that is no mistake.
    assert main(["lock", "--key", key, "--port", "x"]) == 0
    printed = capsys.readouterr()
    assert "locked with it already" in printed.out and made.digits not in printed.out + printed.err


def test_lock_takes_a_key_that_is_there_and_says_what_the_device_keeps(
    said: Said, example_file: Path, other_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(other_key).read_bytes()
    said("push", str(example_file))
    assert main(["lock", "--key", other_key, "--port", "x"]) == 0
    printed = capsys.readouterr().out
    assert "is locked now" in printed and "keeps the 1 prescriptions" in printed and "new key" not in printed
    assert Path(other_key).read_bytes() == before


def test_a_key_that_goes_through_a_network_is_warned_of(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", "--key", key, "--port", "socket://clinic:3333"]) == 0
    assert "through the network as it is" in capsys.readouterr().err


def test_two_devices_of_a_clinic_have_one_key(said: Said, locked: str, tmp_path: Path) -> None:
    for path in tmp_path.glob("store.*"):
        path.unlink()  # another board
    status, answer, _ = said("lock", "--key", locked)
    assert (status, answer["made"], answer["unchanged"]) == (0, False, False)


def test_a_locked_device_is_not_locked_with_another_key(
    said: Said, locked: str, other_key: str, tmp_path: Path
) -> None:
    before = everything(tmp_path)
    for name in (other_key, str(tmp_path / "new.key")):
        status, answer, err = said("lock", "--key", name)
        assert (status, answer["done"]) == (1, False)
        assert not (tmp_path / "new.key").exists()
    status, answer, err = said("lock", "--key", other_key)
    assert "locked with key" in err and "nmes unlock --key FILE --port '/dev/tty of mine'" in err
    assert everything(tmp_path) == before


def test_unlock_opens_with_the_key_and_with_no_other(
    said: Said, locked: str, other_key: str, tmp_path: Path, power_on: Power
) -> None:
    before = everything(tmp_path)
    status, answer, err = said("unlock", "--key", other_key)
    assert (status, answer["done"]) == (1, False)
    assert locking.read_key(Path(locked)).id in err and locking.read_key(Path(other_key)).id in err
    assert everything(tmp_path) == before
    status, answer, _ = said("unlock", "--key", locked)
    assert (status, answer["done"], answer["unchanged"]) == (0, True, False)
    assert state(power_on)["locked_by"] == ""
    status, answer, _ = said("unlock", "--key", locked)
    assert (status, answer["unchanged"]) == (0, True)
    assert said("settings", "buzzer_volume", "3")[0] == 0
    # The counter goes on when it is locked again.
    assert said("lock", "--key", locked)[1]["counter"] == 2


def test_status_devices_and_the_other_answers_say_by_which_key(said: Said, locked: str) -> None:
    identity = said("status")[1]["identity"]
    assert (identity["locked_by"], identity["counter"]) == (locking.read_key(Path(locked)).id, 1)
    from opennmes.cli.devices import in_words

    board = Board(OURS, "A", uid="00", identity={**IDENTITY, **identity}, status={"state": "IDLE", "fault": 0})
    assert f"locked with key {identity['locked_by']}" in in_words(board)
    assert "locked" not in in_words(Board(OURS, "A", identity=IDENTITY, status={"state": "IDLE", "fault": 0}))


# ---- key files ----


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only words\n",
        "0" * 63 + "\n",
        "A" * 64 + "\n",
        "deadbeef\n" * 8,
        'title = "a prescription"\n',
        "\x00" * 64,
        "\n".join(["0123456789abcdef" * 4] * 2),
        "0123456789abcdef" * 4 + "\n" + "#" * 5_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_file_that_is_no_key_is_one_message_and_says_nothing_of_what_is_in_it(
    said: Said, text: str, tmp_path: Path, example_file: Path
) -> None:
    file = tmp_path / "no.key"
    file.write_text(text)
    for verb in (["lock"], ["unlock"], ["sign", str(example_file), "--device", OTHER_UID, "--counter", "1"]):
        status, answer, err = said(*verb, "--key", str(file))
        assert (status, answer["done"]) == (1, False)
        assert "is no key file" in err and str(file) in err and err.count("nmes: ") == 1
        assert not text.strip() or text.strip()[:20] not in err
    assert not list(tmp_path.glob("*.sig"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_key_that_went_through_an_editor_of_windows_is_the_same(
    encoding: str, said: Said, locked: str, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.key"
    copied.write_bytes(Path(locked).read_text().replace("\n", "\r\n").encode(encoding))
    assert said("unlock", "--key", str(copied))[0] == 0


@pytest.mark.parametrize("digits", ["f" * 64, "0123456789abcdef" * 4, "00112233445566778899aa" * 2 + "0" * 20])
def test_a_pattern_that_can_be_guessed_is_no_key(said: Said, digits: str, tmp_path: Path) -> None:
    file = tmp_path / "weak.key"
    file.write_text(digits + "\n")
    status, _, err = said("lock", "--key", str(file))
    assert status == 1 and "can be guessed" in err and digits not in err


def test_a_key_that_is_not_there_or_cannot_be_read_is_one_message(said: Said, locked: str, tmp_path: Path) -> None:
    for verb in (["unlock"], ["settings", "buzzer_volume", "3"], ["remove", "1", "--yes"]):
        status, answer, err = said(*verb, "--key", str(tmp_path / "gone.key"))
        assert status == 1 and answer["done"] is False
        assert "gone.key" in err or "keeps no prescription" in err
    status, _, err = said("unlock", "--key", str(tmp_path))
    assert status == 1 and "cannot be read" in err
    status, _, err = said("lock", "--key", str(tmp_path / "nowhere" / "a.key"))
    assert status == 1 and "nowhere" in err


def test_a_key_that_others_can_read_is_warned_of(said: Said, locked: str) -> None:
    os.chmod(locked, 0o644)
    status, _, err = said("settings", "buzzer_volume", "3", "--key", locked)
    assert status == 0 and "others on this computer can read" in err and "chmod 600" in err
    os.chmod(locked, 0o600)
    assert "others" not in said("settings", "buzzer_volume", "4", "--key", locked)[2]


def test_half_a_key_is_never_left_when_the_disk_is_full(
    said: Said, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, power_on: Power
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        status, _, err = said("lock", "--key", key)
    assert status == 1 and "No space left" in err and not Path(key).exists()
    assert state(power_on)["locked_by"] == ""


def test_a_key_is_never_made_in_the_place_of_a_file(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(LockingError):
        locking.make_key(there)
    assert there.read_text() == "mine"


# ---- a locked device and the other verbs ----


def test_what_would_change_it_is_refused_without_the_key_and_with_another_and_nothing_is_changed(
    said: Said, example_file: Path, key: str, other_key: str, tmp_path: Path
) -> None:
    said("push", str(example_file))
    said("lock", "--key", key)
    before = everything(tmp_path)
    new = tmp_path / "new.toml"
    new.write_text(example_file.read_text().replace("Stress", "Other"))
    for verb in (
        ["push", str(new)],
        ["push", str(new), "--number", "1"],
        ["remove", "1", "--yes"],
        ["settings", "device_name", "x"],
        ["reset", "--factory", "--yes"],
    ):
        for more in ([], ["--key", other_key]):
            status, answer, err = said(*verb, *more)
            assert (status, answer["done"]) == (1, False), verb
            assert ("is locked with key" in err and "nothing was changed" in err and "--key" in err) or more, err
            assert err.count("nmes: ") == 1
            assert everything(tmp_path) == before, verb


def test_with_the_key_everything_goes_as_before(
    said: Said, example_file: Path, locked: str, power_on: Power, tmp_path: Path
) -> None:
    for file in (example_file, tmp_path / "second.toml"):
        file.write_text(example_file.read_text().replace("35 Hz", f"35 Hz, {file.name}"))
        status, answer, _ = said("push", str(file), "--key", locked)
        assert (status, answer["pushed"][0]["unchanged"]) == (0, False)
    assert said("push", str(file))[1]["pushed"][0]["unchanged"] is True, "what is there needs no key"
    status, answer, _ = said("settings", "device_name", "left", "--key", locked)
    assert (status, answer["settings"]) == (0, {"device_name": "left"})
    assert said("remove", "2", "--yes", "--key", locked)[0] == 0
    assert len(said("pull", "--list")[1]["prescriptions"]) == 1
    assert state(power_on)["counter"] == 5
    status, answer, _ = said("reset", "--factory", "--yes", "--key", locked)
    assert (status, answer["done"], len(answer["forgotten"])) == (0, True, 1)
    assert said("settings")[1]["settings"] == declared.factory()
    assert state(power_on)["locked_by"] == locking.read_key(Path(locked)).id


def test_a_key_for_a_device_that_is_open_does_no_harm(said: Said, other_key: str, example_file: Path) -> None:
    assert said("push", str(example_file), "--key", other_key)[0] == 0
    assert said("settings", "buzzer_volume", "3", "--key", other_key)[0] == 0


def test_anybody_runs_what_it_keeps_and_nothing_else(said: Said, example_file: Path, locked: str) -> None:
    said("push", str(example_file), "--key", locked)
    status, answer, err = said("run", "--prescription", "1", "--acknowledge", "--intensity", "5", "--seconds", "3")
    assert status == 0 and answer["account"]["delivered"] > 0, err
    assert said("select", "1")[0] == said("selftest")[0] == said("stop")[0] == said("pull", "1")[0] == 0
    more = ["--acknowledge", "--intensity", "2", "--seconds", "1"]
    status, answer, err = said("run", "--prescription", "1", "--person-max", "3", *more)
    assert (status, answer["reasons"][0]["code"]) == (1, "unsigned"), "what was signed says another maximum"
    status, answer, err = said("run", str(example_file), *more)
    assert (status, answer["reasons"][0]["code"]) == (1, "unsigned")
    assert "nmes run --prescription N" in err and "nmes sign" in err


def test_wrong_signatures_are_slowed_down_and_said_in_seconds(said: Said, locked: str, other_key: str) -> None:
    port = VirtualPort()
    with Device(port) as device:
        device.connect()
        good = locking.read_key(Path(locked))
        locking.lock_device(device, "x", Path(locked))
        device.sign = locking.signer(device, locking.read_key(Path(other_key)))
        for wait_ms in (1_000, 2_000, 4_000):
            with pytest.raises(DeviceRefused) as refused:
                device.request("set", settings={"buzzer_volume": 3})
            assert refused.value.reasons[0]["code"] == "wrong_signature"
            assert wait_ms - 500 < device.request("locked")["wait_ms"] <= wait_ms
            with pytest.raises(DeviceRefused) as refused:
                device.request("set", settings={"buzzer_volume": 3})
            assert refused.value.reasons[0]["code"] == "sign_later"
            device.wait(wait_ms / 1000)
        device.sign = locking.signer(device, good)
        assert device.request("set", settings={"buzzer_volume": 3})["settings"]["buzzer_volume"] == 3


def test_two_hosts_with_the_key_take_turns_and_each_command_is_carried_out_once(locked: str, power_on: Power) -> None:
    port = power_on()
    hosts = []
    for _ in range(2):
        device = Device(port)
        device.connect()
        locking.may_change(device, "x", locking.read_key(Path(locked)))
        hosts.append(device)
    for volume in range(1, 9):
        assert (
            hosts[volume % 2].request("set", settings={"buzzer_volume": volume})["settings"]["buzzer_volume"] == volume
        )
    assert hosts[0].request("locked")["counter"] == 9
    stranger = Device(port)
    stranger.connect()
    with pytest.raises(DeviceRefused):
        stranger.request("set", settings={"buzzer_volume": 10})
    assert stranger.request("settings")["settings"]["buzzer_volume"] == 8
    port.close()


def test_a_lock_whose_key_is_lost_is_one_message(said: Said, locked: str, tmp_path: Path, example_file: Path) -> None:
    for slot in range(4):
        (tmp_path / f"store.{slot}").write_bytes(b"damaged")
    assert main(["clear", "16", "--port", "x"]) in (0, 1)
    with Device(VirtualPort(store=tmp_path / "store")) as device:
        device.connect()
        if device.status()["fault"]:
            device.clear(16)
        assert device.request("locked")["locked_by"] == core.LOST
    for verb in (["unlock", "--key", locked], ["push", str(example_file)], ["settings", "buzzer_volume", "3"]):
        status, _, err = said(*verb)
        assert status == 1 and "its key is lost" in err and "docs/lock.md" in err


# ---- signed elsewhere ----


def sign(said: Said, file: Path, key: str, device: str = "virtual", counter: int = 1, *more: str) -> dict[str, Any]:
    status, answer, err = said("sign", str(file), "--key", key, "--device", device, "--counter", str(counter), *more)
    assert status == 0, err
    assert answer["written"] == f"{file}.sig"
    return answer["signature"]


def test_a_prescription_that_the_clinic_signed_is_pushed_without_the_key_once(
    said: Said, example_file: Path, locked: str, tmp_path: Path, power_on: Power
) -> None:
    made = sign(said, example_file, locked)
    assert made["digest"] == Prescription.read(example_file).digest() and made["device"] == "virtual"
    digits = locking.read_key(Path(locked)).digits
    assert digits not in Path(f"{example_file}.sig").read_text()
    os.rename(locked, tmp_path / "elsewhere.key")
    status, answer, _ = said("push", str(example_file))
    assert (status, answer["pushed"][0]["kept"]["number"], state(power_on)["counter"]) == (0, 1, 2)
    assert said("push", str(example_file))[1]["pushed"][0]["unchanged"] is True
    os.rename(tmp_path / "elsewhere.key", locked)
    said("remove", "1", "--yes", "--key", locked)
    status, _, err = said("push", str(example_file))
    assert status == 1 and "signed with counter 1" in err and "all below 3" in err and "--counter 3" in err


def test_h25_who_went_through_the_checklist_is_signed_too(
    said: Said, example_file: Path, locked: str, tmp_path: Path
) -> None:
    made = sign(said, example_file, locked, "virtual", 1, "--checked-by", "Dr. A. Example")
    assert (made["checked_by"], made["checked_version"]) == ("Dr. A. Example", checklist.VERSION)
    status, _, err = said("push", str(example_file), "--checked-by", "Somebody else")
    assert status == 1 and "it was signed that Dr. A. Example has gone through the checklist, and not Somebody" in err
    # Whoever writes another name into the file has no signature for it.
    sig = Path(f"{example_file}.sig")
    whole, before = sig.read_text(), everything(tmp_path)
    for name, value in (("checked_by", "Somebody else"), ("checked_by", ""), ("checked_unix_s", 1_795_000_000)):
        changed = {**json.loads(whole), name: value}
        if not changed["checked_by"]:
            changed.update(checked_version=0, checked_unix_s=0)
        sig.write_text(json.dumps(changed))
        status, answer, err = said("push", str(example_file))
        assert (status, answer["done"]) == (1, False) and "it was made for something else" in err, err
        assert everything(tmp_path) == before
    sig.write_text(whole)
    status, answer, _ = said("push", str(example_file))
    (row,) = answer["pushed"]
    assert (status, row["kept"]["checked_by"], row["kept"]["checked_unix_s"]) == (
        0,
        "Dr. A. Example",
        made["checked_unix_s"],
    )
    # Signed again by somebody else: it is the same prescription, and goes there once more.
    sign(said, example_file, locked, "virtual", 2, "--force", "--number", "1", "--checked-by", "Dr. B")
    (row,) = said("push", str(example_file))[1]["pushed"]
    assert (row["unchanged"], row["kept"]["checked_by"], row["kept"]["number"]) == (False, "Dr. B", 1)
    # And with the key at hand it is signed as it goes.
    (row,) = said("push", str(example_file), "--checked-by", "Dr. C", "--key", locked)[1]["pushed"]
    assert (row["unchanged"], row["kept"]["checked_by"]) == (False, "Dr. C")


def test_what_another_device_signed_for_was_changed_or_is_too_old_is_one_message_each_and_nothing_is_changed(
    said: Said, example_file: Path, locked: str, other_key: str, tmp_path: Path
) -> None:
    said("settings", "buzzer_volume", "3", "--key", locked)  # counter 1 is used
    before = everything(tmp_path)
    sig, text = Path(f"{example_file}.sig"), example_file.read_text()

    def refused(why: str) -> None:
        status, answer, err = said("push", str(example_file))
        assert (status, answer["done"], answer["pushed"]) == (1, False, [])
        assert why in err and "nothing was changed" in err and "nmes sign" in err and err.count("nmes: ") == 1, err
        assert everything(tmp_path) == before
        sig.unlink()

    sign(said, example_file, locked, OTHER_UID, 2)
    refused(f"signed for the device with UID {OTHER_UID}, and this one has UID virtual")
    sign(said, example_file, other_key, "virtual", 2)
    refused(f"was signed with key {locking.read_key(Path(other_key)).id}")
    sign(said, example_file, locked, "virtual", 1)
    refused("was signed with counter 1")
    sign(said, example_file, locked, "virtual", 1_002)
    refused("takes at most 1001 next")
    sign(said, example_file, locked, "virtual", 2)
    example_file.write_text(text.replace("frequency_hz = 35", "frequency_hz = 36"))
    refused("is not the prescription that was signed")
    example_file.write_text("# a remark changes nothing\n" + text)
    sign(said, example_file, locked, "virtual", 2)
    assert said("push", str(example_file))[0] == 0


def test_a_signature_that_somebody_has_edited_is_refused_by_the_device_itself(
    said: Said, example_file: Path, locked: str, tmp_path: Path
) -> None:
    before = everything(tmp_path)
    sign(said, example_file, locked, OTHER_UID, 1)
    sig = Path(f"{example_file}.sig")
    for change in ({"device": "virtual"}, {"device": "virtual", "counter": 5}, {"device": "virtual", "number": 3}):
        whole = json.loads(sig.read_text())
        sig.write_text(json.dumps({**whole, **change}))
        status, answer, err = said("push", str(example_file))
        assert (status, answer["reasons"][0]["code"]) == (1, "wrong_signature")
        assert "nothing was changed" in err and everything(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "{", "x" * 9_000, '{"format": "OpenNMES signature 1"}', "[" * 3_000,
        '{"format": "OpenNMES signature 2", "device": "virtual", "counter": 1, "number": 0, "bytes": 1, "digest": "", '
        '"title": "", "key": "", "signature": ""}',
        '{"format": "OpenNMES signature 1", "device": "virtual", "counter": true, "number": 0, "bytes": 1, '
        '"digest": "", "title": "", "key": "", "signature": ""}',
    ],
    ids=lambda text: repr(text[:30]),
)  # fmt: skip
def test_what_is_no_signature_is_one_message(
    said: Said, text: str, example_file: Path, locked: str, tmp_path: Path
) -> None:
    before = everything(tmp_path)
    Path(f"{example_file}.sig").write_text(text)
    status, answer, err = said("push", str(example_file))
    assert (status, answer["done"]) == (1, False) and "is no signature" in err and "nmes sign" in err
    assert everything(tmp_path) == before


def test_without_a_key_and_a_signature_push_says_how_to_get_one(said: Said, example_file: Path, locked: str) -> None:
    status, _, err = said("push", str(example_file))
    assert status == 1 and f"nmes sign {example_file} --key FILE --device virtual --counter 1" in err


def test_several_that_are_signed_are_pushed_in_the_order_of_their_counters_or_not_at_all(
    said: Said, example_file: Path, locked: str, tmp_path: Path
) -> None:
    second = tmp_path / "second.toml"
    second.write_text(example_file.read_text().replace("Stress", "Second"))
    sign(said, example_file, locked, "virtual", 2)
    sign(said, second, locked, "virtual", 1)
    status, answer, err = said("push", str(example_file), str(second))
    assert (status, answer["pushed"]) == (1, []) and "in the order of their counters" in err
    status, answer, _ = said("push", str(second), str(example_file))
    assert (status, [row["kept"]["number"] for row in answer["pushed"]]) == (0, [1, 2])


def test_a_signature_is_for_the_number_that_it_says(said: Said, example_file: Path, locked: str) -> None:
    sign(said, example_file, locked, "virtual", 1, "--number", "5")
    status, _, err = said("push", str(example_file), "--number", "3")
    assert status == 1 and "it was signed for number 5" in err
    status, answer, _ = said("push", str(example_file))
    assert (status, answer["pushed"][0]["kept"]["number"]) == (0, 5)


def test_sign_writes_over_nothing_unless_it_is_told_to_and_refuses_what_cannot_be(
    said: Said, example_file: Path, other_key: str, tmp_path: Path
) -> None:
    first = sign(said, example_file, other_key)
    asked = ["sign", str(example_file), "--key", other_key, "--device", "virtual", "--counter", "2"]
    status, _, err = said(*asked)
    assert status == 1 and "--force" in err and json.loads(Path(f"{example_file}.sig").read_text()) == first
    assert said(*asked, "--force")[0] == 0
    for wrong in (
        ["--device", "e6", "--counter", "1"],
        ["--device", "/dev/ttyACM0", "--counter", "1"],
        ["--device", "", "--counter", "1"],
        ["--device", "virtual", "--counter", "0"],
        ["--device", "virtual", "--counter", "-1"],
        ["--device", "virtual", "--counter", "1000000000"],
        ["--device", "virtual", "--counter", "1.0"],
        ["--device", "virtual", "--counter", "1", "--number", "17"],
    ):
        assert said("sign", str(example_file), "--key", other_key, "--force", *wrong)[0] == 2, wrong
    bad = tmp_path / "bad.toml"
    bad.write_text("title = 1")
    assert said("sign", str(bad), "--key", other_key, "--device", "virtual", "--counter", "1")[0] == 2
    assert not Path(f"{bad}.sig").exists()


def test_a_signature_on_an_open_device_is_not_needed_and_not_looked_at(
    said: Said, example_file: Path, other_key: str
) -> None:
    sign(said, example_file, other_key, OTHER_UID, 7)
    status, answer, _ = said("push", str(example_file))
    assert (status, answer["pushed"][0]["kept"]["number"]) == (0, 1)


# ---- flash ----


def test_a_locked_board_is_not_flashed_over_usb_alone_and_flash_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    identity = {**IDENTITY, "locked_by": "1a2b3c4d"}
    found = Board(OURS, "/dev/ttyACM0", uid="00", identity=identity, status={"state": "IDLE", "fault": 0})
    monkeypatch.setattr("opennmes.cli.flash.discover.at_port", lambda *_: found)
    for more in ([], ["--verify"], ["--modules"]):
        assert main(["flash", "--port", "COM7", "--yes", *more]) == 1
        err = capsys.readouterr().err
        assert "locked with key 1a2b3c4d" in err and "nothing was written" in err
        assert "nmes unlock --key FILE --port /dev/ttyACM0" in err


def test_after_bootsel_by_hand_flash_says_that_a_locked_board_could_not_be_read_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_prompt(*_: object) -> str:
        raise flashing.PromptError("no MicroPython prompt came")

    identity = {**IDENTITY, "locked_by": "1a2b3c4d", "firmware": "0123456789abcdef"}
    monkeypatch.setattr(flashing, "digest", no_prompt)
    monkeypatch.setattr(flashing, "_port_again", lambda *_: "/dev/ttyACM0")
    monkeypatch.setattr(flashing, "micropython_ports", dict)
    for name in ("mounted", "at_mount", "copy"):
        monkeypatch.setattr(flashing.drive, name, lambda *_: [])

    class Image:
        path = tmp_path / "image.uf2"

    for locked_by, wanted in (("1a2b3c4d", flashing.FlashError), ("", flashing.PromptError)):
        monkeypatch.setattr(
            flashing, "at_port", lambda *_, by=locked_by: Board(OURS, "x", identity={**identity, "locked_by": by})
        )
        with pytest.raises(wanted) as raised:
            flashing.flash(Board(BOOTSEL, str(tmp_path)), Image(), lambda *_: None)  # type: ignore[arg-type]
        if locked_by:
            assert "1a2b3c4d" in str(raised.value) and "0123456789abcdef" in str(raised.value)
            assert "nothing could be read back" in str(raised.value)


# ---- the client's own ----


def test_without_a_signer_and_for_what_needs_none_nothing_is_added_to_a_request() -> None:
    heard: list[dict[str, Any]] = []
    port = RulePort()
    for cmd in ("set", "select", "locked"):
        port.rules[cmd] = lambda request: (
            heard.append(request) or ok(request["seq"], locked_by="", counter=4, wait_ms=0)
        )
    device = Device(port)
    device.connect()
    device.request("set", settings={})
    device.sign = locking.signer(device, locking.Key(Path("x"), "0" * 64))
    device.request("select", number=1)
    device.request("set", settings={})
    assert [request["cmd"] for request in heard] == ["set", "select", "locked", "set"]
    assert not any("signature" in request for request in heard)


def test_a_program_pushes_with_a_signature_of_its_own(example_file: Path, tmp_path: Path) -> None:
    key = locking.make_key(tmp_path / "a.key")
    with Device(VirtualPort()) as device:
        device.connect()
        locking.lock_device(device, "x", key.path)
        prescription = Prescription.read(example_file)
        made = locking.sign(prescription, key, "virtual", 1, 0)
        assert prescriptions.push(device, prescription, 0, None, made.seal()).number == 1
        assert device.request("locked")["counter"] == 2

"""nmes flash, all of it, on a board that is not there: whatever goes wrong at whatever step is one message, and the
same command given again flashes it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bootsel
import pytest

import toolchain
from nmes.core import commands, frame
from opennmes import paths
from opennmes.boards import UnknownBoard
from opennmes.cli import flash as flash_verb
from opennmes.cli import main
from opennmes.device import discover, drive, flashing, uf2
from opennmes.device.client import AtPrompt, DeviceRefused, LinkError
from opennmes.device.discover import OURS, WITNESS, Board
from opennmes.device.prompt import PromptError
from opennmes.measure.captures import witness_frames as frames
from opennmes.ports import serial
from opennmes.ports.errors import PortError

DATA = bytes(range(256)) * 512
# The end of a witness's image: for which board it is, and the modules that are frozen into it.
OF_WITNESS = DATA + b"; OpenNMES on Raspberry Pi Pico with RP2040\0witness/app.py\0".ljust(256, b"\0")
IDENTITY = {"version": "0.1.0", "board": "pico", "stage": "reference", "uid": "e6616407e3", "host": 5}
RUNS, IN_BOOTSEL, GONE = "runs", "in BOOTSEL", "gone"
STEPS = ("into BOOTSEL", "drive", "writing", "back", "reading")


class Pulled(OSError):
    """The cable."""


class Computer:
    """A computer with one board. `fails` is the step at which something happens once, and `what` does it."""

    def __init__(self, folder: Path) -> None:
        self.mount, self.port = folder / "RPI-RP2", str(folder / "ttyACM0")
        self.flash = b"\xff" * len(DATA)
        self.now_s = 0.0
        self.fails: str | None = None
        self.what: Callable[[], None] = lambda: None
        self.held_s = 0.0  # so long another program has the port when the board has come back
        self.plug_in()

    def plug_in(self) -> None:
        self.state, self.chip = RUNS, None
        self._looked_s = self.now_s

    def bootsel(self) -> None:
        self.state, self.chip = IN_BOOTSEL, bootsel.Chip(self.mount)

    def unplug(self) -> None:
        if self.chip is not None:
            self.chip.leave()
        self.state, self.chip = GONE, None

    def step(self, name: str) -> None:
        if self.fails == name:
            self.fails = None
            self.what()

    # ---- what flashing asks the computer for ----

    def ports(self) -> dict[str, str]:
        if self.state == RUNS and self.flash == DATA and self.chip is not None:
            self.step("back")
        return {self.port: "ab"} if self.state == RUNS else {}

    def mounted(self) -> list[drive.Drive]:
        if self.state == IN_BOOTSEL:
            self.step("drive")
        return [drive.at_mount(self.mount)] if self.state == IN_BOOTSEL else []

    def by_command(self, board: Board) -> bool:
        self.step("into BOOTSEL")
        self.bootsel()
        return True

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.chip is not None and self.state == IN_BOOTSEL:
            self.chip.look()
            if self.chip.flash is not None:
                self.flash, self.state = self.chip.flash, RUNS
                self._looked_s = self.now_s

    def busy(self, device: str) -> str:
        self.held_s -= self.now_s - self._looked_s
        self._looked_s = self.now_s
        return f"{device}: the port is busy" if self.held_s > 0 else ""

    def digest(self, device: str, image: object, progress: Callable[..., None]) -> str:
        self.step("reading")
        assert self.held_s <= 0
        if self.state != RUNS:
            raise PromptError(f"{device}: flash could not be read (it is gone); plug it in again and retry")
        return hashlib.sha256(self.flash).hexdigest()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    made = Computer(tmp_path)
    clock = SimpleNamespace(monotonic=lambda: made.now_s, sleep=made.sleep)
    copy = drive.copy

    def copied(image, target, progress):
        def halfway(done: int, total: int) -> None:
            if done < total:
                made.step("writing")
                if made.state == GONE:
                    raise Pulled(5, "Input/output error")
            progress(done, total)

        copy(image, target, halfway, clock.monotonic, made.sleep)

    monkeypatch.setattr(flashing, "time", clock)
    monkeypatch.setattr(flashing, "micropython_ports", made.ports)
    monkeypatch.setattr(discover, "micropython_ports", made.ports)
    monkeypatch.setattr(drive, "mounted", made.mounted)
    monkeypatch.setattr(drive, "mount_by_udisks", list)
    monkeypatch.setattr(drive, "copy", copied)
    monkeypatch.setattr(flashing, "_by_command", made.by_command)
    monkeypatch.setattr(flashing, "digest", made.digest)
    monkeypatch.setattr(flashing, "_busy", made.busy)
    ours = {"identity": IDENTITY, "status": {"state": "IDLE", "fault": 0}}
    monkeypatch.setattr(discover, "at_port", lambda name, uid="": Board(OURS, name, **ours))
    return made


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "image.uf2"
    path.write_bytes(bootsel.uf2(DATA))
    return str(path)


CHIP = Board(discover.BOOTSEL, "RPI-RP2", chip="rp2040")


def test_where_several_boards_have_a_chip_a_person_names_the_board_or_the_image(monkeypatch, image):
    with pytest.raises(flashing.FlashError, match=r"several boards have this chip.* name yours: ") as caught:
        flashing.image_for(CHIP, None)
    assert {"pico", "pico_w", "rp2040_zero"} <= set(re.findall(r"--board (\w+)", str(caught.value)))
    assert "pico2" not in str(caught.value)
    assert flashing.image_for(CHIP, Path(image)).data == DATA
    assert flashing.board_name(CHIP, Path(image)) == "pico"
    assert flashing.board_name(CHIP, None, "pico_w") == "pico_w"


def for_board(folder: Path, called: str, chip: str = "rp2040") -> Path:
    """An image that says that it is for a board."""
    path = folder / "other.uf2"
    path.write_bytes(uf2.packed(DATA + b"; OpenNMES on " + called.encode() + b"\0", chip))
    return path


def test_what_another_board_is_flashed_with_is_refused_by_name_and_nothing_is_written(bench, tmp_path, capsys):
    path = for_board(tmp_path, "Raspberry Pi Pico W with RP2040")
    assert main(["flash", str(path), "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"{path} is for the board pico_w, the one at {bench.port} is a pico; nothing was written" in said
    assert said.count("nmes: ") == 1 and bench.state == RUNS and bench.flash != DATA
    path = for_board(tmp_path, "Raspberry Pi Pico 2 with RP2350", "rp2350")
    assert main(["flash", str(path), "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"{path} is for an RP2350, the board at {bench.port} is an RP2040; nothing was written" in said
    assert bench.state == RUNS


@pytest.mark.parametrize(
    ("called", "says"),
    [
        ("pico_w", "is for the board pico, the one at RPI-RP2 is a pico_w; nothing was written"),
        ("pico2", "a pico2 has no RP2040, which this board has; nothing was written"),
        ("pico3", 'there is no board "pico3"; known boards: .*pico'),
    ],
)
def test_a_board_that_a_person_names_wrongly_is_refused(tmp_path, called, says):
    path = for_board(tmp_path, "Raspberry Pi Pico with RP2040")
    with pytest.raises((flashing.FlashError, UnknownBoard), match=says):
        flashing.image_for(CHIP, path, "", called)
    assert flashing.image_for(CHIP, path, "", "pico").data.startswith(DATA)


def test_an_image_for_a_board_that_is_not_known_here_is_refused(tmp_path):
    path = for_board(tmp_path, "Somebody's Board with RP2040")
    for board, called in ((CHIP, "pico"), (Board(OURS, "A", identity=IDENTITY), "")):
        with pytest.raises(flashing.FlashError, match="is for the board Somebody's Board with RP2040, the one at"):
            flashing.image_for(board, path, "", called)


def test_a_stage_chooses_among_our_images_and_says_nothing_of_one_that_is_named(bench, image, capsys):
    assert main(["flash", image, "--stage", "bare", "--yes"]) == 2
    assert "leave one of them out" in capsys.readouterr().err and bench.state == RUNS and bench.flash != DATA


def test_what_a_board_says_of_itself_counts_more_than_what_a_person_calls_it():
    with pytest.raises(flashing.FlashError, match="says that it is a pico, not a pico_w; nothing was written"):
        flashing.image_for(Board(OURS, "A", identity=IDENTITY), None, "", "pico_w")


def test_a_board_of_ours_is_flashed(bench, image, capsys):
    assert main(["flash", image, "--yes"]) == 0
    assert bench.flash == DATA and "what is in flash is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("has", "asked", "file"),
    [
        ("reference", "", "opennmes-pico.uf2"),
        ("bare", "", "opennmes-pico-bare.uf2"),
        ("reference", "bare", "opennmes-pico-bare.uf2"),
        ("bare", "reference", "opennmes-pico.uf2"),
    ],
)
def test_a_board_gets_the_image_for_the_output_stage_that_it_has_unless_another_is_named(
    tmp_path, monkeypatch, has, asked, file
):
    for name in ("opennmes-pico.uf2", "opennmes-pico-bare.uf2"):
        (tmp_path / name).write_bytes(bootsel.uf2(DATA))
    real = paths.uf2
    monkeypatch.setattr(paths, "uf2", lambda *which: tmp_path / real(*which).name)
    board = Board(OURS, "A", identity={**IDENTITY, "stage": has})
    assert flashing.image_for(board, None, asked).path.name == file


def test_a_board_with_an_output_stage_that_is_not_known_here_gets_none_by_a_guess(image):
    board = Board(OURS, "A", identity={**IDENTITY, "stage": "strong"})
    with pytest.raises(UnknownBoard, match="drives: reference, bare"):
        flashing.image_for(board, None)
    assert flashing.image_for(board, Path(image)).data == DATA


@pytest.mark.parametrize(
    ("identity", "says"),
    [({"board": "virtual"}, "board virtual is one that no image is made for"), ({}, 'no board "None"')],
)
def test_a_board_that_has_no_image_is_refused_by_name(image, identity, says):
    with pytest.raises((flashing.FlashError, UnknownBoard), match=says):
        flashing.image_for(Board(OURS, "A", identity=identity), Path(image))


@pytest.mark.parametrize("step", STEPS)
def test_a_cable_pulled_at_any_step_is_one_message_and_the_board_can_be_flashed_again(bench, image, capsys, step):
    def pull() -> None:
        bench.unplug()
        if step == "into BOOTSEL":
            raise PortError(f"{bench.port}: the port is gone; was the board unplugged or reset? Plug it in again")

    bench.fails, bench.what = step, pull
    assert main(["flash", image, "--yes"]) == 1
    said = capsys.readouterr().err
    assert bench.fails is None and said.count("nmes: ") == 1, said
    assert "plug" in said or "BOOTSEL" in said or "--verify" in said
    assert "bug" not in said
    bench.plug_in()
    assert main(["flash", image, "--yes"]) == 0
    assert bench.flash == DATA


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_at_any_step_says_that_it_can_be_flashed_again_and_it_can(bench, image, capsys, step):
    def interrupted() -> None:
        raise KeyboardInterrupt

    bench.fails, bench.what = step, interrupted
    assert main(["flash", image, "--yes", "--json"]) == 1
    said = capsys.readouterr()
    assert "can be flashed again" in said.err and json.loads(said.out)["error"] == "interrupted"
    if bench.state == IN_BOOTSEL:
        bench.chip.leave()
    bench.plug_in()
    assert main(["flash", image, "--yes"]) == 0


@pytest.mark.parametrize(
    "refusal",
    [
        DeviceRefused("bootloader", "wrong_state", "the device's state does not allow this now", []),
        LinkError("A: no answer"),
        AtPrompt("A: at the prompt"),
        PortError("A: the port is busy"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_a_board_that_does_not_go_into_bootsel_is_one_message_and_is_left_alone(bench, image, capsys, refusal):
    def refuse() -> None:
        raise refusal

    bench.fails, bench.what = "into BOOTSEL", refuse
    assert main(["flash", image, "--yes", "--json"]) == 1
    said = capsys.readouterr()
    (row,) = json.loads(said.out)["boards"]
    assert not row["verified"] and row["error"]
    assert "bug" not in said.err and bench.state == RUNS and bench.flash != DATA


def test_a_port_that_modem_manager_has_for_some_seconds_is_waited_for(bench, image, capsys):
    bench.held_s = 15.0
    assert main(["flash", image, "--yes"]) == 0
    assert bench.flash == DATA and "what is in flash is" in capsys.readouterr().out


def test_a_port_that_another_program_keeps_is_one_message_that_says_what_was_written(bench, image, capsys):
    bench.held_s = 1e9
    assert main(["flash", image, "--yes"]) == 1
    said = capsys.readouterr().err
    assert "was written" in said and "the port is busy" in said and said.count("nmes: ") == 1, said
    assert f"`nmes flash --verify --port {bench.port}`" in said
    assert bench.flash == DATA


def test_a_board_that_comes_back_with_something_else_in_flash_is_a_failure(bench, image, capsys):
    def other() -> None:
        bench.flash = b"\x55" + bench.flash[1:]

    bench.fails, bench.what = "reading", other
    assert main(["flash", image, "--yes"]) == 1
    assert "is not what was written" in capsys.readouterr().err
    assert main(["flash", image, "--yes"]) == 0


def test_two_chips_that_go_into_bootsel_at_once_are_not_chosen_between(bench, image, capsys, monkeypatch, tmp_path):
    another = bootsel.Chip(tmp_path / "another")

    def both() -> list[drive.Drive]:
        return [drive.at_mount(bench.mount), drive.at_mount(another.folder)] if bench.state == IN_BOOTSEL else []

    monkeypatch.setattr(drive, "mounted", both)
    assert main(["flash", image, "--yes"]) == 1
    assert "several chips went into BOOTSEL at once; name the folder of one with --mount" in capsys.readouterr().err
    assert another.flash is None and bench.chip.flash is None


def test_a_drive_that_stays_is_a_failure_and_the_next_try_works(bench, image, capsys, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(bootsel.Chip, "look", lambda self: None)
        assert main(["flash", image, "--yes"]) == 1
    assert "still there" in capsys.readouterr().err
    bench.unplug()
    bench.plug_in()
    assert main(["flash", image, "--yes"]) == 0


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (bootsel.uf2(DATA, family=0xE48BFF59), "for an RP2350"),
        (bootsel.uf2(DATA)[:-512], "511 of the 512 blocks"),
        (bootsel.uf2(DATA)[:-100], "cut short"),
        (bootsel.uf2(DATA)[:1024] + bootsel.uf2(DATA)[1536:], "511 of the 512"),
        (bootsel.uf2(DATA, start=0x10000100), "begins at"),
        (b"", "no UF2"),
    ],
)
def test_a_file_that_could_not_be_flashed_whole_is_one_message_and_nothing_is_changed(
    bench, tmp_path, capsys, raw, says
):
    file = tmp_path / "other.uf2"
    file.write_bytes(raw)
    assert main(["flash", str(file), "--yes"]) == 1
    said = capsys.readouterr().err
    assert says in said and said.count("nmes: ") == 1
    assert bench.state == RUNS and bench.chip is None and bench.flash != DATA


class Answering:
    """A serial port with a device that refuses `bootloader`, for `error`."""

    name = "A"
    error = ""

    def __init__(self, name: str) -> None:
        self.said = b""

    def write(self, data: bytes) -> None:
        answers = {
            "identify": {"ok": True, **IDENTITY},
            "status": {"ok": True, "state": "RUNNING", "fault": 0},
            "bootloader": {"ok": False, "error": self.error, "text": commands.ERRORS[self.error], "reasons": []},
        }
        for line in data.split(b"\n"):
            if line.strip():
                request = frame.decode(line)
                self.said += frame.encode({"seq": request["seq"], **answers[request["cmd"]]})

    def read(self, timeout_s: float) -> bytes:
        said, self.said = self.said, b""
        return said

    def now_s(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


def test_an_armed_board_is_not_sent_into_bootsel(monkeypatch, image, capsys):
    """The real way into BOOTSEL, against a device that answers as ours does while somebody is armed."""
    monkeypatch.setattr(Answering, "error", "wrong_state")
    monkeypatch.setattr(serial, "SerialPort", Answering)
    monkeypatch.setattr(discover, "micropython_ports", lambda: {"A": "ab"})
    monkeypatch.setattr(flashing, "micropython_ports", lambda: {"A": "ab"})
    monkeypatch.setattr(drive, "mounted", list)
    assert main(["flash", image, "--yes"]) == 1
    said = capsys.readouterr().err
    assert commands.ERRORS["wrong_state"] in said and "bug" not in said


@pytest.mark.parametrize("error", ["unknown_command", "wrong_state"])
def test_firmware_of_ours_that_is_too_old_to_know_how_goes_by_the_prompt_and_none_that_refuses_does(monkeypatch, error):
    monkeypatch.setattr(Answering, "error", error)
    monkeypatch.setattr(serial, "SerialPort", Answering)
    by_prompt: list[str] = []
    monkeypatch.setattr(flashing, "Prompt", lambda port: SimpleNamespace(bootloader=lambda: by_prompt.append(port)))
    board = Board(OURS, "A", identity=IDENTITY)
    if error == "wrong_state":
        with pytest.raises(DeviceRefused):
            flashing.into_bootsel(board)
        assert by_prompt == [], "Ctrl-C would end what it refused to end"
    else:
        flashing.into_bootsel(board)
        assert by_prompt == ["A"]


@pytest.mark.parametrize("read_only", [False, True])
def test_of_two_chips_in_bootsel_each_gets_its_own_image_and_its_own_result(
    tmp_path, image, monkeypatch, capsys, read_only
):
    chips = [bootsel.Chip(tmp_path / name) for name in ("RPI-RP2", "RPI-RP21")]
    now = SimpleNamespace(s=0.0)

    def sleep(seconds: float) -> None:
        now.s += seconds
        for chip in chips:
            if chip.flash is None:
                chip.look()

    def flashed() -> list[int]:
        return [number for number, chip in enumerate(chips) if chip.flash is not None]

    clock, copy, opened = SimpleNamespace(monotonic=lambda: now.s, sleep=sleep), drive.copy, os.open

    def refuses(path, *arguments):
        if read_only and Path(path).parent == chips[0].folder:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, *arguments)

    monkeypatch.setattr(drive.os, "open", refuses)
    monkeypatch.setattr(flashing, "time", clock)
    monkeypatch.setattr(drive, "copy", lambda made, to, progress: copy(made, to, progress, clock.monotonic, sleep))
    monkeypatch.setattr(drive, "mounted", lambda: [drive.at_mount(chip.folder) for chip in chips if chip.flash is None])
    for module in (flashing, discover):
        monkeypatch.setattr(module, "micropython_ports", lambda: {f"P{number}": "" for number in flashed()})
    monkeypatch.setattr(flashing, "digest", lambda device, made, progress: made.sha256)
    monkeypatch.setattr(flashing, "_busy", lambda device: "")
    monkeypatch.setattr(discover, "at_port", lambda name, uid="": Board(OURS, name, identity=IDENTITY))
    assert main(["flash", image, "--yes"]) == 1
    assert "2 boards are here; name one" in capsys.readouterr().err and flashed() == []
    assert main(["flash", image, "--all", "--yes", "--json"]) == int(read_only)
    first, second = json.loads(capsys.readouterr().out)["boards"]
    assert (second["verified"], second["port"], chips[1].flash) == (True, "P1", DATA)
    if read_only:
        assert "cannot be written" in first["error"] and chips[0].flash is None
    else:
        assert (first["verified"], first["port"]) == (True, "P0")


# ---- a witness ----

SAYS = {"witness": 2, "board": "pico", "digest": "other"}


class WitnessPort:
    """The port of a witness with this in its flash; after `bootloader` it is gone."""

    def __init__(self, flash: bytes, gone: Callable[[], None] = lambda: None) -> None:
        self.name, self.flash, self.gone = "/dev/ttyACM9", flash, gone
        self.said, self.clock_s = b"", 0.0

    def write(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            name, *rest = line.decode().split()[:-1] or [""]
            answer: dict[str, Any] = {"answer": name}
            if name == "hello":
                answer.update(SAYS)
            elif name == "sha256":
                at, count = map(int, rest)
                answer["sha256"] = hashlib.sha256(self.flash[at : at + count]).hexdigest()
            elif name == "bootloader":
                self.gone()
            if name:
                self.said += frames.encode(frames.JSON, 0, json.dumps(answer).encode())

    def read(self, timeout_s: float) -> bytes:
        self.clock_s += timeout_s
        said, self.said = self.said, b""
        return said

    def now_s(self) -> float:
        return self.clock_s

    def close(self) -> None: ...


@pytest.fixture
def witness(bench: Computer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Computer:
    """The computer with a witness that has another image than ours, which is at `ours`."""
    ours = tmp_path / "opennmes-witness-pico.uf2"
    ours.write_bytes(bootsel.uf2(OF_WITNESS))
    monkeypatch.setattr(paths, "witness_uf2", lambda board: ours)
    monkeypatch.setattr(serial, "SerialPort", lambda name: WitnessPort(bench.flash, bench.bootsel))
    monkeypatch.setattr(discover, "at_port", lambda name, uid="": Board(WITNESS, name, identity=SAYS))
    monkeypatch.setattr(flashing, "digest", lambda *_: pytest.fail("a witness gives no prompt"))
    return bench


def test_a_witness_stays_one_and_what_is_in_its_flash_is_asked_of_itself(witness, capsys):
    assert main(["flash", "--verify", "--port", witness.port]) == 1
    assert f"`nmes flash --port {witness.port}` writes it" in capsys.readouterr().err
    assert main(["flash", "--port", witness.port, "--yes", "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    assert board["verified"] and board["image"].endswith("opennmes-witness-pico.uf2") and witness.flash == OF_WITNESS
    assert main(["flash", "--verify", "--witness", "--port", witness.port]) == 0
    witness.flash = OF_WITNESS[:-1] + b"?"
    assert main(["flash", "--verify", "--port", witness.port]) == 1, "one byte is another"


def test_a_chip_in_bootsel_becomes_a_witness(witness, monkeypatch, capsys):
    witness.bootsel()
    assert main(["flash", "--witness", "--mount", str(witness.mount), "--yes"]) == 0
    assert witness.flash == OF_WITNESS and "opennmes-witness-pico.uf2" in capsys.readouterr().out


def test_a_witness_s_image_is_known_by_what_is_in_it_whatever_its_file_is_called(witness, capsys, tmp_path):
    renamed = tmp_path / "image.uf2"
    renamed.write_bytes(bootsel.uf2(OF_WITNESS))
    assert main(["flash", str(renamed), "--port", witness.port, "--yes"]) == 0
    assert f"will have {renamed}, the image of a witness, " in capsys.readouterr().err
    assert witness.flash == OF_WITNESS
    assert main(["flash", str(renamed), "--verify", "--port", witness.port]) == 0


def test_firmware_whose_file_is_called_as_a_witness_s_is_read_back_as_firmware(bench, tmp_path, capsys):
    path = tmp_path / "opennmes-witness-pico.uf2"
    path.write_bytes(bootsel.uf2(DATA))
    assert main(["flash", str(path), "--port", bench.port, "--yes"]) == 0
    assert bench.flash == DATA and "image of a witness" not in capsys.readouterr().err


def test_a_witness_is_asked_itself_what_is_in_its_flash_whatever_it_is_compared_with(witness, image, capsys):
    assert main(["flash", image, "--verify", "--port", witness.port]) == 1
    assert "what is in flash is not" in capsys.readouterr().err


def test_a_board_that_is_no_witness_is_compared_with_a_witness_s_image_by_its_prompt(
    witness, bench, monkeypatch, capsys
):
    monkeypatch.setattr(discover, "at_port", lambda name, uid="": Board(OURS, name, identity=IDENTITY))
    monkeypatch.setattr(flash_verb, "digest", bench.digest)
    monkeypatch.setattr(serial, "SerialPort", lambda name: pytest.fail("it is no witness: it is not asked as one"))
    assert main(["flash", "--verify", "--witness", "--port", bench.port]) == 1
    assert "what is in flash is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (DATA, "is an image that OpenNMES has not made"),
        (
            DATA + b"; OpenNMES on Raspberry Pi Pico with RP2040\0nmes/app.py\0".ljust(256, b"\0"),
            "is firmware for a pico",
        ),
        (DATA + b"witness/app.py\0".ljust(256, b"\0"), "is an image that OpenNMES has not made"),
    ],
)
def test_a_file_in_the_place_of_the_witness_s_image_that_is_none_is_refused(witness, capsys, what, says):
    paths.witness_uf2("pico").write_bytes(bootsel.uf2(what))
    before = witness.flash
    assert main(["flash", "--witness", "--port", witness.port, "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"{paths.witness_uf2('pico')} {says}, expected the image of a witness; nothing was written" in said
    assert "`make setup` builds it" in said and (witness.state, witness.flash) == (RUNS, before)


def test_a_witness_s_image_in_the_place_of_the_firmware_is_refused(bench, monkeypatch, tmp_path, capsys):
    place = tmp_path / "opennmes-pico.uf2"
    place.write_bytes(bootsel.uf2(OF_WITNESS))
    monkeypatch.setattr(paths, "uf2", lambda *_: place)
    assert main(["flash", "--port", bench.port, "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"{place} is the image of a witness, expected firmware; nothing was written: `make setup` builds it" in said
    assert bench.state == RUNS


def test_the_images_that_are_built_say_which_of_them_is_a_witness_s():
    built = {toolchain.uf2("pico"): False, toolchain.witness_uf2("pico"): True}
    assert {path: uf2.is_witness(uf2.read_uf2(path, 1 << 21)) for path in built} == built


def test_a_board_that_no_witness_is_made_for_is_one_message(witness, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(paths, "witness_uf2", lambda board: tmp_path / "none.uf2")
    assert main(["flash", "--witness", "--port", witness.port, "--yes"]) == 1
    assert "there is no witness's image for a pico" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--modules"], ["--stage", "bare"], ["--make-files-anew"], ["some.uf2"]])
def test_the_witness_has_an_image_of_its_own(more, capsys):
    assert main(["flash", "--witness", "--port", "A", *more]) == 2
    assert "--witness is an image of its own" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["virtual", "emulator"])
def test_a_board_without_hardware_is_not_called_missing_and_named_as_a_way_out(port, capsys):
    assert main(["flash", "--port", port, "--yes"]) == 2
    assert f"--port {port} is no board that could be flashed" in capsys.readouterr().err

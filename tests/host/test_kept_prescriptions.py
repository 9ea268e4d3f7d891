"""push, pull, diff, remove and select, through the command line, on a virtual board that keeps things over power
cuts."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import processes
import pytest
import terminals
from processes import Said

from nmes.core import checklist, document, faults
from opennmes import paths
from opennmes.cli import main
from opennmes.cli.kept import checked_in_words
from opennmes.device import prescriptions
from opennmes.device.client import Device
from opennmes.ports.errors import PortError
from opennmes.ports.open import open_port
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

pytestmark = pytest.mark.usefixtures("virtual_board")

PROGRAMMES = paths.PROGRAMMES
ABOUT = """
[patient]
notes = ["Lie down, knees bent."]

[[source]]
citation = "Somebody 2019"
gave = "all of it"
"""

Power = Callable[[], VirtualPort]


@pytest.fixture
def power_on(tmp_path: Path) -> Power:
    """Makes the board, with the power back: what it keeps is still there."""
    return lambda: VirtualPort(store=tmp_path / "store")


@pytest.fixture(autouse=True)
def board(power_on: Power, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, **__: power_on())


@pytest.fixture
def full_file(tmp_path: Path, example: str) -> Path:
    """A prescription that says more than its programme."""
    path = tmp_path / "full.toml"
    path.write_text('site = "vagina"\n' + example.replace("Stress", "Full") + ABOUT)
    return path


def kept(power_on: Power) -> dict[int, tuple[str, str]]:
    """{number: (title, condition)}."""
    with Device(power_on()) as device:
        device.connect()
        return {row.number: (row.title, row.condition) for row in prescriptions.kept_on(device)}


def test_what_is_pushed_is_pulled_as_a_file_that_pushes_to_the_same_digest(
    said: Said, full_file: Path, example_file: Path, tmp_path: Path
) -> None:
    status, answer, _ = said("push", str(full_file), str(example_file))
    assert (status, answer["done"]) == (0, True)
    assert [row["kept"]["number"] for row in answer["pushed"]] == [1, 2]
    assert answer["pushed"][0]["kept"]["digest"] == Prescription.read(full_file).digest()
    back = tmp_path / "back.toml"
    status, answer, _ = said("pull", "1", "--output", str(back))
    assert (status, answer["written"], back.read_text()) == (0, str(back), answer["toml"])
    assert Prescription.read(back).about == Prescription.read(full_file).about != {}
    status, answer, _ = said("push", str(back))
    assert (status, answer["pushed"][0]["unchanged"], answer["pushed"][0]["kept"]["number"]) == (0, True, 1)


def test_who_went_through_the_checklist_is_kept_with_it_and_shown_and_never_made_up(
    said: Said, example_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, answer, _ = said("push", str(example_file))
    assert (status, answer["pushed"][0]["kept"]["checked_by"]) == (0, "")
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    assert "who went through the checklist with the person: not stated" in capsys.readouterr().out
    # The same prescription, and now somebody says so: it stays under its number.
    status, answer, _ = said("push", str(example_file), "--checked-by", " Dr. Müller ")
    (row,) = answer["pushed"]
    assert (status, row["unchanged"], row["kept"]["number"], row["kept"]["checked_by"]) == (0, False, 1, "Dr. Müller")
    assert row["kept"]["checked_version"] == checklist.VERSION
    status, answer, _ = said("push", str(example_file))
    assert answer["pushed"][0]["unchanged"] and answer["pushed"][0]["kept"]["checked_by"] == "Dr. Müller"
    (row,) = said("pull", "--list")[1]["prescriptions"]
    assert (row["number"], row["checked_by"]) == (1, "Dr. Müller")
    assert main(["push", str(example_file), "--checked-by", "x" * 33, "--port", "virtual"]) == 2
    capsys.readouterr()
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    said_by = "checklist version 3 was gone through with the person by Dr. Müller, "
    assert said_by + time.strftime("on %Y-%m-%d at", time.gmtime()) in capsys.readouterr().out
    # A computer that has lost its clock does not know when.
    monkeypatch.setattr(time, "time", lambda: 3_600.0)
    assert said("push", str(example_file), "--checked-by", "Dr. B")[0] == 0
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    assert "with the person by Dr. B, at a time that is not known" in capsys.readouterr().out
    timed = prescriptions.Kept(1, "a", "", 2, prescriptions.WHOLE, 3, 1_795_000_000, "Dr. Müller")
    assert checked_in_words(timed) == said_by + "on 2026-11-18 at 11:06 UTC"


def test_at_a_terminal_push_asks_who_went_through_the_checklist(
    virtual_board: None, example_file: Path, tmp_path: Path
) -> None:
    store = {"NMES_VIRTUAL_STORE": str(tmp_path / "asked")}
    for typed, words in (
        ("\n", "not stated"),
        ("Dr. Müller\n", "was gone through with the person by Dr. Müller"),
        ("x" * 33 + "\n", "--checked-by has at most 32 printable characters"),
    ):
        with terminals.at_terminal("push", example_file, "--port", "virtual", shows_output=True, **store) as person:
            person.sees("Who has gone through the whole checklist with the person?")
            person.press(typed)
            assert person.ends() == (2 if len(typed) > 32 else 0)
            person.sees(words)
    with terminals.at_terminal(
        "push", example_file, "--port", "virtual", "--checked-by", "", shows_output=True, new=True, **store
    ) as person:
        assert person.ends() == 0
        assert "Who has gone" not in person.text, "it was said"


def test_where_nobody_can_be_asked_push_says_so_and_asks_nothing(
    virtual_board: None, example_file: Path, tmp_path: Path
) -> None:
    store = {"NMES_VIRTUAL_STORE": str(tmp_path / "asked")}
    done = processes.ran("push", example_file, "--port", "virtual", **store)
    assert (done.returncode, done.stderr.count("nobody is stated")) == (0, 1)
    assert "there is no terminal to ask at: --checked-by NAME states who has" in " ".join(done.stderr.split())
    for said in ("", "Dr. Müller"):
        done = processes.ran("push", example_file, "--port", "virtual", "--checked-by", said, **store)
        assert (done.returncode, done.stderr) == (0, "")


def test_every_prescription_of_the_library_comes_back_as_it_went(said: Said, tmp_path: Path) -> None:
    files = sorted(PROGRAMMES.glob("*.toml"))[: document.NUMBERS[1]]
    assert len(files) >= 10
    status, answer, _ = said("push", *map(str, files))
    assert (status, len(answer["pushed"])) == (0, len(files))
    for number, file in enumerate(files, 1):
        back = tmp_path / "back.toml"
        assert said("pull", str(number), "--output", str(back), "--force")[0] == 0
        assert Prescription.read(back).digest() == Prescription.read(file).digest()


def test_pull_writes_the_file_to_standard_output(
    said: Said, example_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said("push", str(example_file))
    assert main(["pull", "--port", "x"]) == 0
    back = tmp_path / "back.toml"
    back.write_text(capsys.readouterr().out)
    assert Prescription.read(back).digest() == Prescription.read(example_file).digest()


def test_pull_writes_over_no_file_unless_it_is_told_to(said: Said, example_file: Path, tmp_path: Path) -> None:
    said("push", str(example_file))
    there = tmp_path / "there.toml"
    there.write_text("mine")
    status, _, err = said("pull", "1", "--output", str(there))
    assert (status, there.read_text()) == (2, "mine") and "--force" in err
    assert said("pull", "1", "--output", str(there), "--force")[0] == 0
    assert Prescription.read(there).title
    status, _, err = said("pull", "1", "--output", str(tmp_path / "nowhere" / "file.toml"))
    assert status == 1 and "nowhere" in err


def test_a_file_that_cannot_be_written_whole_is_as_it_was(
    said: Said, example_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said("push", str(example_file))
    there = tmp_path / "there.toml"
    there.write_text("mine")
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        status, answer, err = said("pull", "1", "--output", str(there), "--force")
        assert (status, answer["done"]) == (1, False) and f"{there}: No space left" in err
        assert said("pull", "1", "--output", str(tmp_path / "new.toml"))[0] == 1
    assert there.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.glob("*.toml")) == ["example.toml", "there.toml"]


@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_pull_writes_to_no_name_that_no_file_can_have(
    said: Said, example_file: Path, tmp_path: Path, force: list[str]
) -> None:
    said("push", str(example_file))
    os.mkfifo(tmp_path / "pipe")  # as root a device, /dev/full for one, would be a file from then on
    for name in ("a" * 300, "pipe", "."):
        status, answer, err = said("pull", "1", "--output", str(tmp_path / name), *force)
        assert status in (1, 2) and answer["done"] is False and str(tmp_path / name) in err
    assert (tmp_path / "pipe").is_fifo()


def test_pull_writes_through_a_link(said: Said, example_file: Path, tmp_path: Path) -> None:
    said("push", str(example_file))
    (tmp_path / "mine.toml").write_text("mine")
    (tmp_path / "link.toml").symlink_to(tmp_path / "mine.toml")
    assert said("pull", "1", "--output", str(tmp_path / "link.toml"))[0] == 2
    assert said("pull", "1", "--output", str(tmp_path / "link.toml"), "--force")[0] == 0
    assert (tmp_path / "link.toml").is_symlink() and Prescription.read(tmp_path / "mine.toml").title


def test_pull_without_a_number_is_for_the_only_one_and_lists_several(
    said: Said, example_file: Path, full_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer, err = said("pull")
    assert (status, answer["done"]) == (1, False) and "nmes push FILE --port '/dev/tty of mine'" in err
    said("push", str(example_file))
    status, answer, _ = said("pull")
    assert (status, answer["kept"]["number"]) == (0, 1)
    said("push", str(full_file))
    status, answer, err = said("pull")
    assert status == 1 and '1 "Stress incontinence, 35 Hz"; 2 "Full incontinence, 35 Hz"' in err
    status, answer, _ = said("pull", "--list")
    assert [row["number"] for row in answer["prescriptions"]] == [1, 2]
    assert main(["pull", "--list", "--port", "x"]) == 0
    assert '2 "Full incontinence, 35 Hz", SHA-256 ' in capsys.readouterr().out
    status, _, err = said("pull", "7")
    assert status == 1 and "keeps none as 7" in err


def test_what_check_refuses_is_not_pushed_nor_what_stands_beside_it(
    said: Said, example_file: Path, tmp_path: Path, power_on: Power, capsys: pytest.CaptureFixture[str]
) -> None:
    strong = tmp_path / "strong.toml"
    strong.write_text(example_file.read_text().replace("max_current_ma = 40", "max_current_ma = 90"))
    assert main(["check", str(strong), "--json"]) == 1
    capsys.readouterr()
    status, answer, err = said("push", str(example_file), str(strong))
    assert (status, answer["done"], answer["pushed"]) == (1, False, [])
    assert answer["reasons"] and "refused by the host's own check" in err
    strong.write_text("title = 1")
    assert said("push", str(example_file), str(strong))[0] == 2
    assert kept(power_on) == {}


def test_what_a_device_has_no_room_for_is_refused_by_name(said: Said, example: str, tmp_path: Path) -> None:
    source = '\n[[source]]\ncitation = "{0}"\ngave = "{0}"\n'
    long = tmp_path / "long.toml"
    long.write_text(example + "".join(source.format("\u9aa8" * 100) for _ in range(8)))
    assert Prescription.read(long).title
    status, answer, err = said("push", str(long))
    assert (status, answer["reasons"][0]["code"]) == (1, "too_large_to_keep")
    assert str(document.BYTES_MAX) in err


def test_sixteen_fit_a_seventeenth_is_refused_and_one_can_be_replaced(
    said: Said, example: str, tmp_path: Path, power_on: Power
) -> None:
    files = []
    for n in range(17):
        files.append(tmp_path / f"{n}.toml")
        files[-1].write_text(example.replace("Stress incontinence, 35 Hz", f"number {n}"))
    assert said("push", *map(str, files[:16]))[0] == 0
    status, answer, err = said("push", str(files[16]))
    assert (status, answer["reasons"][0]["code"]) == (1, "full")
    assert "remove a prescription first" in err
    status, answer, _ = said("push", str(files[16]), "--number", "3")
    assert (status, answer["pushed"][0]["kept"]["number"]) == (0, 3)
    assert kept(power_on) == {n + 1: (f"number {16 if n == 2 else n}", "whole") for n in range(16)}


@pytest.mark.parametrize("number", ["0", "17", "-1", "1.0", "x", "\uff11", ""])
@pytest.mark.parametrize("verb", ["push", "pull", "diff", "remove", "select"])
def test_what_is_no_number_is_not_understood(said: Said, example_file: Path, verb: str, number: str) -> None:
    file = [str(example_file)] if verb in ("push", "diff") else []
    numbered = ["--number", number] if verb == "push" else ["--", number]
    assert main([verb, "--port", "x", *file, *numbered]) == 2


def test_diff_compares_what_is_meant_and_not_how_it_is_written(
    said: Said, example_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said("push", str(example_file))
    other = tmp_path / "other.toml"
    other.write_text("# mine\n" + example_file.read_text().replace("frequency_hz = 35", "frequency_hz    =   35.0"))
    status, answer, _ = said("diff", str(other))
    assert (status, answer["same"], answer["diff"]) == (0, True, [])
    other.write_text(example_file.read_text().replace("frequency_hz = 35", "frequency_hz = 40"))
    status, answer, _ = said("diff", str(other), "1")
    assert (status, answer["same"]) == (1, False)
    changed = [line for line in answer["diff"] if line[0] in "+-"][2:]
    assert [line[0] for line in changed] == ["-", "+"] and "35" in changed[0] and "40" in changed[1]
    assert main(["diff", str(other), "--port", "x"]) == 1
    assert "+frequency_hz = 40" in capsys.readouterr().out
    other.write_text(other.read_text().replace("Stress", "Other"))
    assert said("diff", str(other))[0] == 1


def test_remove_asks_and_without_somebody_to_ask_needs_yes(said: Said, example_file: Path, power_on: Power) -> None:
    said("push", str(example_file))
    status, answer, err = said("remove", "1")
    assert (status, answer["done"], answer["removed"]) == (1, False, None)
    assert "--yes" in err and "nmes pull --port '/dev/tty of mine' 1" in err
    assert len(kept(power_on)) == 1
    status, answer, _ = said("remove", "1", "--yes")
    assert (status, answer["removed"]["title"]) == (0, "Stress incontinence, 35 Hz")
    assert kept(power_on) == {}
    status, _, err = said("remove", "1", "--yes")
    assert status == 1 and "keeps no prescription" in err


def test_select_loads_what_the_device_keeps(said: Said, example_file: Path) -> None:
    said("push", str(example_file))
    status, answer, _ = said("select", "1")
    assert (status, answer["selected"]["title"]) == (0, "Stress incontinence, 35 Hz")
    assert answer["loaded"]["largest_current_ua"] == 40_000 and answer["loaded"]["pulses"] > 0
    status, _, err = said("select", "2")
    assert status == 1 and "keeps none as 2" in err


def test_h16_a_damaged_one_is_named_and_can_be_pushed_again_or_removed(
    said: Said, example_file: Path, full_file: Path, tmp_path: Path
) -> None:
    said("push", str(example_file), str(full_file))
    flash = tmp_path / "store.flash"
    damaged = bytearray(flash.read_bytes())
    damaged[damaged.index(b'"title":"Stress') + 12] ^= 1
    flash.write_bytes(damaged)
    status, answer, _ = said("pull", "--list")
    assert [row["condition"] for row in answer["prescriptions"]] == ["damaged", "whole"]
    for verb in (["pull", "1"], ["select", "1"], ["diff", str(example_file), "1"]):
        status, answer, err = said(*verb)
        assert status == 1 and "damaged" in err and "push its file again" in err
    assert said("select", "2")[0] == 0
    status, answer, _ = said("push", str(example_file), "--number", "1")
    assert (status, answer["pushed"][0]["unchanged"]) == (0, False)
    assert said("select", "1")[0] == 0


@pytest.mark.parametrize(("old", "new"), [(b'Hz"}', b'Hz"'), (b',"phases"', b',,"phases"')], ids=str)
def test_what_another_program_put_there_and_is_no_json_is_one_message_and_can_be_pushed_again(
    said: Said, example_file: Path, power_on: Power, old: bytes, new: bytes
) -> None:
    # The device's own json takes both.
    text = prescriptions.text_of(Prescription.read(example_file)).replace(old, new)
    with Device(power_on()) as device:
        device.connect()
        assert prescriptions._put(device, text, 1, None, None, prescriptions.NOT_STATED)["number"] == 1
    status, answer, _ = said("pull", "--list")
    assert (status, [row["number"] for row in answer["prescriptions"]]) == (0, [1])
    for verb in (["pull", "1"], ["diff", str(example_file), "1"]):
        status, answer, err = said(*verb)
        assert (status, answer["done"]) == (1, False)
        assert "prescription 1 is damaged" in err and "push its file again" in err and err.count("nmes: ") == 1
    assert said("push", str(example_file), "--number", "1")[0] == 0
    assert said("pull", "1")[0] == 0


def test_a_device_with_a_fault_is_told_how_to_clear_and_nothing_is_changed(
    said: Said, example_file: Path, power_on: Power, tmp_path: Path
) -> None:
    for slot in range(2):
        (tmp_path / f"store.{slot}").write_bytes(b"damaged")
    for verb in (["push", str(example_file)], ["remove", "1", "--yes"], ["select", "1"]):
        status, answer, err = said(*verb)
        assert (status, answer["fault"]["number"]) == (1, faults.STORE_CORRUPT)
        assert "nothing was changed" in err and "nmes clear --port '/dev/tty of mine' 16" in err
    assert said("pull", "--list")[0] == 0


class Cable:
    """A port whose cable is pulled at the line number `at`, before the device has got it, or before its answer came."""

    def __init__(self, port: VirtualPort, at: int, answered: bool) -> None:
        self._port = port
        self._left = at
        self._answered = answered
        self.name = port.name
        self.now_s, self.close = port.now_s, port.close

    def write(self, data: bytes) -> None:
        self._left -= 1
        if self._left >= 0:
            self._port.write(data)
        elif self._answered and self._left == -1:
            self._port.write(data)
            self._port.read(1.0)
            raise PortError("the cable")
        else:
            raise PortError("the cable")

    def read(self, timeout_s: float) -> bytes:
        return self._port.read(timeout_s)


@pytest.mark.parametrize("answered", [False, True])
def test_h16_a_cable_pulled_at_any_line_of_a_push_leaves_the_old_one_or_the_new_one(
    said: Said,
    example_file: Path,
    full_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    power_on: Power,
    answered: bool,
) -> None:
    assert said("push", str(example_file), "--number", "1")[0] == 0
    before = (tmp_path / "store.flash").read_bytes()
    old, new = Prescription.read(example_file).digest(), Prescription.read(full_file).digest()
    seen = []
    for at in range(100):
        (tmp_path / "store.flash").write_bytes(before)

        def pulled(*_: object, at: int = at, **__: object) -> Cable:
            return Cable(VirtualPort(store=tmp_path / "store"), at, answered)

        monkeypatch.setattr("opennmes.cli.kept.open_port", pulled)
        status, answer, err = said("push", str(full_file), "--number", "1")
        monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, **__: power_on())
        _, there, _ = said("pull", "--list")
        (row,) = there["prescriptions"]
        assert (row["number"], row["condition"]) == (1, "whole")
        assert row["digest"] in (old, new)
        seen.append((status, row["digest"] == new))
        if status == 0:
            break
        assert answer["done"] is False and "the cable" in err
    assert seen[0] == (1, False) and seen[-1] == (0, True)
    assert len(seen) > 8 and (1, True) in seen, "while it was read back, the new one is there"
    # Once it is there it stays.
    assert [new for _, new in seen] == sorted(new for _, new in seen)


def test_a_virtual_board_keeps_its_things_where_it_is_told_to_and_is_new_otherwise(
    example_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("opennmes.cli.kept.open_port", open_port)
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "board"))
    assert main(["push", str(example_file), "--port", "virtual"]) == 0
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    monkeypatch.delenv("NMES_VIRTUAL_STORE")
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    there, _, new = capsys.readouterr().out.splitlines()[-3:]
    assert "Stress incontinence" in there and new == "the device keeps no prescription"


@pytest.mark.parametrize(("programme", "warned"), [("bench-resistor", True), ("low-back-pain", False)])
def test_who_puts_a_prescription_for_a_resistor_there_is_told_that_no_panel_begins_it(
    programme: str, warned: bool, said: Said
) -> None:
    status, answer, err = said("push", str(paths.PROGRAMMES / f"{programme}.toml"), "--checked-by", "")
    assert (status, answer["done"]) == (0, True)
    assert ("it is for a resistor" in err and "the buttons of a panel do not" in " ".join(err.split())) is warned


@pytest.mark.parametrize(
    ("title", "unseen"),
    [
        ("Stress, 50 \N{MICRO SIGN}s", "\N{MICRO SIGN}"),
        ("\u4e2d\u6587\u4e2d", "\u4e2d \u6587"),
        ("Gr\xf6\xdfe ~{}", None),
    ],
)
def test_what_a_panel_cannot_show_of_a_title_is_said_to_who_puts_it_there(
    title: str, unseen: str | None, tmp_path: Path, example: str, said: Said
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(example.replace("Stress incontinence, 35 Hz", title), encoding="utf-8")
    status, answer, err = said("push", str(path), "--checked-by", "")
    assert (status, answer["done"]) == (0, True)
    assert ("warning" in err) is (unseen is not None)
    if unseen:
        assert f"its title has {unseen}, and the display of a panel shows a question mark instead" in err

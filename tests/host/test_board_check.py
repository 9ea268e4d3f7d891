"""`nmes boards --check`: every board's file is right, and a file that is wrong is refused for its one reason."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmes.hal.common import IN_STORE, LAYOUT
from opennmes import board_check, boards, paths
from opennmes.board_check import broken_out, problems
from opennmes.boards import UnknownBoard, about, board_names, load_board, load_stage
from opennmes.cli import main
from opennmes.device import flashing
from opennmes.device.discover import BOOTSEL, Board

Facts = dict[str, Any]


def of(name: str, stage: str | None = None) -> tuple[Facts, Facts, Facts]:
    board = load_board(name, stage)
    return copy.deepcopy(board), dict(about(name)), load_stage(board["stage"])


@pytest.mark.parametrize("name", board_names())
def test_nothing_is_wrong_with_a_board(name: str) -> None:
    for stage in (None, *load_board(name)["other_stages"]):
        assert problems(*of(name, stage)) == []


LISTENS = "reference-biofeedback"


def test_a_stage_that_listens_needs_an_input_a_hand_switch_and_pins_for_laboratories() -> None:
    board, aside, stage = of("pico", LISTENS)
    assert problems(board, aside, stage) == []
    for name in ("hand_switch", "trigger_input", "sync_output"):
        without_it = {**board, "pins": {key: pin for key, pin in board["pins"].items() if key != name}}
        assert problems(without_it, aside, stage) == [f"the stage {LISTENS} needs a pin {name}"]
    board["pins"]["sense_current"] = (26,)
    assert problems(board, aside, stage) == ["there are 1 pins sense_current for 1 channels and the signal"]


def test_two_channels_leave_no_state_machine_for_a_sync_output() -> None:
    board, aside, stage = of("pico")
    del board["pins"]["hand_switch"]
    board["pins"]["sync_output"] = 22
    assert problems(board, aside, stage) == [
        "the guard of 2 channels (GP2 and GP3, GP6 and GP7) with pump GP11 and interlock GP12 and sync_output GP22 "
        "needs 5 state machines of PIO block 1, and it has 4"
    ]


def test_the_pins_of_laboratories_clash_with_a_channel_that_is_there() -> None:
    board, aside, stage = of("pico", LISTENS)
    board["pins"]["trigger_input"] = 4
    assert problems(board, aside, stage) == ["GP4 is level_a of channel 0 and trigger_input"]


def pins(**changed: Any) -> Callable[[Facts], None]:
    return lambda board: board["pins"].update(changed)


def channel(index: int, **changed: int) -> Callable[[Facts], None]:
    return lambda board: board["pins"]["channels"][index].update(changed)


def without(name: str) -> Callable[[Facts], None]:
    return lambda board: board["pins"].pop(name)


def facts(**changed: Any) -> Callable[[Facts], None]:
    return lambda board: board.update(changed)


def flash(**changed: tuple[int, int]) -> Callable[[Facts], None]:
    return lambda board: board["flash"].update(changed)


def display(**changed: Any) -> Callable[[Facts], None]:
    return lambda board: board["display"].update(changed)


def not_held(name: str) -> Callable[[Facts], None]:
    def change(board: Facts) -> None:
        board["pull_downs_ohm"] = tuple(row for row in board["pull_downs_ohm"] if row[0] != name)

    return change


# What is changed in the Pico's file, and all that is to be said of it.
BROKEN: list[tuple[Callable[[Facts], Any], list[str]]] = [
    (pins(buzzer=14), ["GP14 is ready and buzzer"]),
    (pins(enable=2), ["GP2 is phase_a of channel 0 and enable"]),
    (pins(panel={"start": 17, "up": 18, "down": 19, "stop": 20, "programme": 18}), ["GP18 is up and programme"]),
    (display(sda=20, scl=21), ["GP20 is stop and sda", "GP21 is programme and scl"]),
    (
        channel(0, phase_b=22),
        [
            "phase_a and phase_b of channel 0 are GP2 and GP22; phase_b has to be the next pin, GP3: one PIO side-set "
            "moves both"
        ],
    ),
    (
        channel(1, phase_a=7, phase_b=6),
        [
            "phase_a and phase_b of channel 1 are GP7 and GP6; phase_b has to be the next pin, GP8: one PIO side-set "
            "moves both"
        ],
    ),
    (
        channel(0, level_a=5, level_b=4),
        [
            "level_a and level_b of channel 0 are GP5 and GP4; they have to be outputs A and B of one PWM slice: an "
            "even pin and the next one"
        ],
    ),
    (
        channel(1, level_b=22),
        [
            "level_a and level_b of channel 1 are GP8 and GP22; they have to be outputs A and B of one PWM slice: an "
            "even pin and the next one"
        ],
    ),
    (
        lambda board: (pins(panel={**board["pins"]["panel"], "down": 4, "stop": 5})(board),
                       channel(0, level_a=8, level_b=9)(board), channel(1, level_a=24, level_b=25)(board),
                       pins(lamp=19)(board)),
        ["level_a of channel 1 is GP24, of PWM slice 4, which channel 0 has"],
    ),
    (
        pins(sense_current=(26, 22)),
        ["sense_current of channel 1 is GP22, which the ADC cannot read; it can read GP26 to GP29"],
    ),
    (pins(sense_voltage=22), ["sense_voltage is GP22, which the ADC cannot read; it can read GP26 to GP29"]),
    (pins(supply=22), ["supply is GP22, which the ADC cannot read; it can read GP26 to GP29"]),
    (
        display(scl=22),
        [
            "sda and scl of the display are GP0 and GP22; SDA has to be an even pin and SCL an odd one of the same "
            "I2C: pins 0, 4, 8 and so on begin a pair of I2C 0, and 2, 6, 10 one of I2C 1"
        ],
    ),
    (
        display(sda=1, scl=0),
        [
            "sda and scl of the display are GP1 and GP0; SDA has to be an even pin and SCL an odd one of the same "
            "I2C: pins 0, 4, 8 and so on begin a pair of I2C 0, and 2, 6, 10 one of I2C 1"
        ],
    ),
    (display(offset=2), ["the display is ssd1306 with the offset 2; known: ssd1306 with 0 or sh1106 with 2"]),
    (not_held("enable"), ["enable (GP10) has no pull-down: while the chip is in reset the pin floats"]),
    (not_held("pump"), ["pump (GP11) has no pull-down: while the chip is in reset the pin floats"]),
    (
        not_held("phase_b"),
        [
            "phase_b of channel 0 (GP3) has no pull-down: while the chip is in reset the pin floats",
            "phase_b of channel 1 (GP7) has no pull-down: while the chip is in reset the pin floats",
        ],
    ),
    (facts(pull_downs_ohm=tuple((name, 0) for name in board_check.GATES)),
     [f"the pull-down of {name} is 0 ohm; it has to be 1 to 100000 ohm" for name in board_check.GATES]),
    (
        without("interlock"),
        ["there is no pin interlock, which the guard reads: nothing would stop an output without the CPU"],
    ),
    (
        without("stop_loop"),
        ["there is no pin stop_loop, which the guard reads: nothing would stop an output without the CPU"],
    ),
    (without("enable"), ["there is no pin enable"]),
    (without("sense_voltage"), ["there is no pin sense_voltage"]),
    (pins(sense_current=(26,)), ["there are 1 pins sense_current for 2 channels"]),
    (
        without("supply"),
        [
            "the board does not measure its supply (no pin supply), so it is for resistors alone: it needs "
            '"dummy_only": 1'
        ],
    ),
    (
        without("lamp"),
        [
            "the board has no lamp that shows that output is on (no pin lamp), so it is for resistors alone: it needs "
            '"dummy_only": 1'
        ],
    ),
    (without("panel"), ["a panel needs buttons and a display's pins: there is one without the other"]),
    (pins(radio_power=23), ["radio_power and radio_select belong together: one of them is missing"]),
    (pins(buzzer=30), ["buzzer is GP30, and the chip has GP0 to GP29"]),
    (pins(led=22), ['pins has an unknown key "led"']),
    (pins(enable="10"), ["pins, enable is '10'; it has to be the number of a pin"]),
    (channel(0, phase_c=22), ['channel 0 has an unknown key "phase_c"']),
    (facts(colour="green"), ['board.py has an unknown key "colour"']),
    (facts(pull_downs_ohm=(("gate", 10_000),)), ['pull_downs_ohm has an unknown function "gate"']),
    (lambda board: board.pop("supply_mv"), ['board.py has no "supply_mv"']),
    (lambda board: board["flash"].pop("store"), ['flash has no "store"']),
    (facts(mcu="rp2060"), ["the chip rp2060 is not known; known: rp2040, rp2350"]),
    (
        facts(cpu_hz=150_000_000),
        ["the clock is 150000000 Hz; every cycle of the firmware is counted for 125000000 Hz"],
    ),
    (
        flash(firmware=(0, 0x81000)),
        ["the flash's parts firmware and store overlap: firmware ends at 0x81000, store begins before"],
    ),
    (flash(files=(0xA0000, 0x130800)), [
        "the flash's part files is not whole sectors of 4096 bytes: 0xa0000, 0x130800 long",
        "the flash's parts files and records overlap: files ends at 0x1d0800, records begins before",
    ]),
    (
        flash(records=(0x1D1000, 0x30000)),
        ["the flash's part records ends at 0x201000, behind the flash of 0x200000 bytes"],
    ),
    (flash(records=(0x1D0000, 0x2F000)), ["the flash's part records has 0x2f000 bytes; it has to have 48 sectors"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), BROKEN, ids=[said[0][:60] for _, said in BROKEN])
def test_a_broken_file_is_refused_for_its_one_reason(change: Callable[[Facts], Any], said: list[str]) -> None:
    board, aside, stage = of("pico")
    del board["pins"]["hand_switch"]  # so that GP22 is free
    change(board)
    assert problems(board, aside, stage) == said


def test_a_pin_that_the_board_does_not_bring_out_is_refused() -> None:
    board, aside, stage = of("rp2040_zero")
    board["pins"]["buzzer"] = 16
    assert problems(board, {**aside, "on_board": {}}, stage) == ["buzzer is GP16, which the board does not bring out"]
    assert broken_out({"broken_out": "0-2, 7"}) == [0, 1, 2, 7]


def test_one_channel_too_many_is_too_many_state_machines() -> None:
    board, aside, stage = of("rp2040_zero")
    row = {"phase_a": 17, "phase_b": 18, "level_a": 22, "level_b": 23}
    board["pins"]["channels"] = (*board["pins"]["channels"], row)
    board["pins"]["sense_current"] = (26, 27, 29)
    del board["pins"]["buzzer"]
    phases = "GP2 and GP3, GP6 and GP7, GP17 and GP18"
    three = {**stage, "channels": 3}
    assert problems(board, aside, three) == [
        f"3 channels ({phases}) need 6 state machines of PIO block 0, a pulse engine and a sampler each, and it has 4",
        f"the guard of 3 channels ({phases}) with pump GP11 and interlock GP12 needs 5 state machines of PIO block 1, "
        "and it has 4",
        f"3 channels ({phases}) need 17 channels of DMA; the chip has 12",
    ]
    assert problems(board, aside, stage)[0] == "there are 3 channels, and the stage reference has 2"


def test_a_board_that_nobody_has_tried_is_for_resistors_alone() -> None:
    board, aside, stage = of("pico2")
    assert board["dummy_only"] == 1 and not aside["run"]
    del board["dummy_only"]
    assert problems(board, aside, stage) == [
        'nobody has tried the board (about.py, run), so it is for resistors alone: it needs "dummy_only": 1'
    ]


def test_the_sectors_of_the_flash_are_those_of_the_firmware() -> None:
    records = max(map(max, LAYOUT.values())) + 1 - IN_STORE
    assert (board_check.SECTORS["store"], board_check.SECTORS["records"]) == (IN_STORE, records)


def written(folder: Path, name: str, board: Facts | str) -> None:
    (folder / name).mkdir(parents=True)
    text = board if isinstance(board, str) else f"BOARD = {board!r}\n"
    (folder / name / "board.py").write_text(text)
    (folder / name / "about.py").write_text(f"ABOUT = {about('pico')!r}\n")


def test_the_verb_names_each_file_and_fault_and_its_exit_status_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = load_board("pico"), load_board("pico")
    bad["pins"]["enable"] = 11
    good["other_stages"] = bad["other_stages"] = ()  # whose own pins are not among what is written here
    for name, board in (("good", good), ("bad", bad), ("cut", "BOARD = {")):
        written(tmp_path, name, board)
    stages = paths.boards() / "stages"
    (tmp_path / "stages").symlink_to(stages)
    monkeypatch.setattr(boards.paths, "boards", lambda: tmp_path)
    assert main(["boards", "--check"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "good: nothing is wrong with its file\n"
    bad_line, cut_line = printed.err.splitlines()
    assert bad_line == "nmes: boards/bad: GP11 is enable and pump"
    assert cut_line.startswith("nmes: boards/cut: the file cannot be read (SyntaxError: ")
    assert main(["boards", "--check", "good", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"boards": [{"name": "good", "problems": []}]}
    assert main(["boards", "--check", "none"]) == 2
    assert 'there is no board "none"' in capsys.readouterr().err


# ---- boards/README.md ----

README = (paths.boards() / "README.md").read_text()


def rows_of_the_readme() -> list[tuple[str, list[str], str]]:
    """File, keys and what was done to it for the RP2040-Zero, of each row of its table."""
    found = []
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) == 4 and cells[0] in ("board.py", "about.py"):
            found.append((cells[0], [key.strip("` ") for key in cells[1].split(",")], cells[3]))
    return found


def test_the_zero_is_the_pico_after_what_the_readme_says() -> None:
    made = {"board.py": copy.deepcopy(load_board("pico")), "about.py": dict(about("pico"))}
    wanted = {"board.py": load_board("rp2040_zero"), "about.py": about("rp2040_zero")}
    for file, keys, done in rows_of_the_readme():
        *within, key = keys
        table = made[file]
        for name in within:
            table = table[name]
        if keys == ["pins"]:
            # Any other function, whatever the Pico may have got since.
            made[file]["pins"] = {name: pin for name, pin in table["pins"].items() if name in wanted[file]["pins"]}
        elif done == "left out":
            del table[key]
        elif done == "its own":
            table[key] = wanted[file][key]
        elif done != "as it is":
            table[key] = ast.literal_eval(done.strip("`"))
    assert made == wanted
    assert len(rows_of_the_readme()) > 15


def test_a_board_that_is_like_another_has_what_is_otherwise_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"name": "a", "stage": "bare", "other_stages": (), "pins": {"lamp": 1, "buzzer": 2}, "display": {"sda": 0}}
    written(tmp_path, "a", first)
    written(tmp_path, "b", {"like": "a", "name": "b", "pins": {"lamp": None, "ready": 3}, "display": None})
    written(tmp_path, "c", {"like": "b", "name": "c", "pins": {"buzzer": 4}})
    monkeypatch.setattr(boards.paths, "boards", lambda: tmp_path)
    assert load_board("b") == {"name": "b", "stage": "bare", "other_stages": (), "pins": {"buzzer": 2, "ready": 3}}
    assert load_board("c") == {**load_board("b"), "name": "c", "pins": {"buzzer": 4, "ready": 3}}
    written(tmp_path, "d", {"like": "d"})
    written(tmp_path, "e", {"like": "none"})
    for name, like in (("d", "d"), ("e", "none")):  # itself, and one that is not there
        with pytest.raises(UnknownBoard, match=f'board "{name}" is said to be like "{like}"'):
            load_board(name)


def test_the_readme_names_every_key_of_both_files() -> None:
    named = {keys[-1] for _, keys, _ in rows_of_the_readme()}
    for name in ("pico", "rp2040_zero", "pico2"):
        assert set(about(name)) <= named
        the_same = {"hal", "stage", "cpu_hz", "max_current_ua", "supply_mv", "temperature_dc"}
        assert set(load_board(name)) - the_same - {"usb_free_bytes"} <= named


def test_a_board_that_is_added_by_the_readme_is_known_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = load_board("rp2040_zero")
    board["name"], board["title"] = "mine", "A board of mine"
    written(tmp_path, "mine", board)
    (tmp_path / "mine" / "about.py").write_text(f"ABOUT = {about('rp2040_zero')!r}\n")
    (tmp_path / "stages").symlink_to(paths.boards() / "stages")
    monkeypatch.setattr(boards.paths, "boards", lambda: tmp_path)
    assert main(["boards", "--check", "mine"]) == 0
    assert main(["boards", "mine"]) == 0
    assert "A board of mine" in capsys.readouterr().out
    assert boards.images() == [("mine", ""), ("mine", "bare")]
    assert boards.by_machine("OpenNMES on A board of mine with RP2040") == "mine"
    assert flashing.board_name(Board(BOOTSEL, "RPI-RP2", chip="rp2040")) == "mine"

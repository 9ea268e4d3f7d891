"""What a board changes in MicroPython: patches that apply or stop the build, and frames that need no heap."""

import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dist
import toolchain
from opennmes import boards
from opennmes.device import numbers as numbers_in_place

ROOT = Path(__file__).resolve().parent.parent.parent
CHIPS = sorted(toolchain.PLATFORMS)
PATCHED = [*((chip,) for chip in CHIPS), ("rp2040", "unix")]
BOARDS = sorted({board for board, _ in boards.images()})
EXCEPTION_WORDS = 3  # mp_exc_stack_t of py/bc.h
PATCH = """Greet.

--- a/py/greet.c
+++ b/py/greet.c
@@ -1,3 +1,3 @@
 one
-two
+2
 three
"""


@pytest.fixture
def patch(tmp_path):
    (tmp_path / "py").mkdir()
    (tmp_path / "py" / "greet.c").write_text("one\ntwo\nthree\n")
    written = tmp_path / "greet.patch"
    written.write_text(PATCH)
    return written


def test_a_patch_changes_the_sources(patch, tmp_path):
    toolchain.apply(patch, tmp_path)
    assert (tmp_path / "py" / "greet.c").read_text() == "one\n2\nthree\n"
    assert [path.name for path in (tmp_path / "py").iterdir()] == ["greet.c"]


@pytest.mark.parametrize(
    "there", ["one\nto\nthree\n", "one\n2\nthree\n", "1\ntwo\nthree\n"], ids=["otherwise", "done", "around"]
)
def test_a_patch_that_does_not_apply_stops_the_build_and_says_which(patch, tmp_path, there):
    (tmp_path / "py" / "greet.c").write_text(there)
    with pytest.raises(
        toolchain.BuildError, match=r"greet\.patch does not apply to MicroPython 1\.25\.0: write it anew"
    ):
        toolchain.apply(patch, tmp_path)
    assert (tmp_path / "py" / "greet.c").read_text() == there


@pytest.mark.parametrize("kinds", PATCHED, ids=" ".join)
def test_each_patch_says_what_it_is_for_and_where_it_comes_from(kinds):
    for kind in kinds:
        assert [each for each in toolchain.patches(*kinds) if each.parent.name == kind]
    for each in toolchain.patches(*kinds):
        reason, _, change = each.read_text().partition("\n--- a/")
        assert re.match(r"[A-Z].*\.\n\nUpstream: .*(:\d+ of 1\.25\.0)", reason, re.S), each
        assert len(re.findall(r"^[-+](?![-+])", change, re.M)) <= 20, f"{each} does more than one small thing"


def test_a_change_of_a_patch_or_of_its_place_in_the_row_makes_new_sources(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(toolchain, "ROOT", tmp_path)
    monkeypatch.setattr(toolchain, "sources", lambda: Path("sources-0"))
    monkeypatch.setattr(toolchain, "mpy_cross", lambda: None)
    monkeypatch.setattr(toolchain, "build_once", lambda folder, make: made.append(folder.name) or folder)
    folder = tmp_path / toolchain.DEFINITION / "patches"
    folder.mkdir(parents=True)
    for name, text in (("a", "1"), ("a", "2"), ("b", "1")):
        (folder / f"{name}.patch").write_text(text)
        toolchain.patched("rp2040")
        (folder / f"{name}.patch").unlink()
    toolchain.patched("rp2040")
    assert len(set(made)) == 4


@pytest.mark.parametrize("kinds", PATCHED, ids=" ".join)
def test_the_patches_are_in_the_sources_that_images_and_the_unix_port_are_made_of(kinds):
    before, after = (folder / "micropython" for folder in (toolchain.sources(), toolchain.patched(*kinds)))
    for each in toolchain.patches(*kinds):
        for name in re.findall(r"^\+\+\+ b/(\S+)", each.read_text(), re.M):
            assert (before / name).read_bytes() != (after / name).read_bytes(), name
    # And nobody else's are touched: those of the tests on stock MicroPython, for one.
    assert "VM_MAX_STATE_ON_STACK (sizeof(mp_uint_t) * 11)\n\n#define DECODE" in (before / "py/objfun.c").read_text()


def _hash(text):
    """As qstr_compute_hash of py/qstr.c has it, in two bytes."""
    value = 5381
    for byte in text.encode():
        value = value * 33 ^ byte
    return value & 0xFFFF or 1


def test_names_and_texts_of_one_hash_are_told_apart_on_the_unix_port():
    alike = {}
    for letters in itertools.product("abcdefgh", repeat=6):
        alike.setdefault(_hash("".join(letters)), []).append("".join(letters))
    names = [name for group in list(alike.values())[:60] for name in group[:4]]
    of_micropython = ("append", "bytearray", "KeyboardInterrupt", "__name__")
    names += [alike[_hash(name)][0] for name in of_micropython if _hash(name) in alike]
    endings = map("".join, itertools.product("abcdefgh", repeat=6))
    names += ["phase", next(f"phase{ending}" for ending in endings if _hash(f"phase{ending}") == _hash("phase"))]
    assert len(names) > 200
    code = f"""
names = {names!r}
class Kept: pass
for number, name in enumerate(names):
    assert not hasattr(Kept, name)
    setattr(Kept, name, number)
exec("\\n".join("Kept.%s += 1000" % name for name in names))
assert [getattr(Kept, name) for name in names] == list(range(1000, 1000 + len(names)))
kept = dict((name, name) for name in names)
assert all(kept["".join(name)] == name for name in names) and len(kept) == len(names)
for name in names:
    exec("def %s(): return [1].append, bytearray, KeyboardInterrupt, Kept.__name__\\n%s()" % (name, name))
print(len(names))
"""
    done = subprocess.run([toolchain.unix_micropython(), "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{len(names)}\n", "")


def test_the_bill_of_materials_has_every_patch_with_the_micropython_that_it_changes():
    listed = {name: dist.firmware_component(name, *rest) for name, *rest in dist.FIRMWARE}
    texts = [each["diff"]["text"]["content"] for each in listed["micropython"]["pedigree"]["patches"]]
    assert texts == sorted({each.read_text() for chip in CHIPS for each in toolchain.patches(chip)})
    assert ["pedigree" in component for component in listed.values()] == [True, False, False, False]


def _tool():
    """MicroPython's own reader of .mpy files."""
    micropython = toolchain.sources() / "micropython"
    spec = importlib.util.spec_from_file_location("mpy_tool", micropython / "tools" / "mpy-tool.py")
    tool = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(micropython / "py"))
    try:
        spec.loader.exec_module(tool)
    finally:
        sys.path.pop(0)
    tool.config.native_arch = 0
    tool.global_qstrs = tool.GlobalQStrList()
    return tool


def _frames(tool, code, name):
    """The words of state of a function and of all within it; machine code has them on the stack."""
    if isinstance(code, tool.RawCodeBytecode):
        n_state, n_exceptions = code.prelude_signature[:2]
        yield n_state + EXCEPTION_WORDS * n_exceptions, f"{name}: {code.simple_name.str}"
    for child in code.children:
        yield from _frames(tool, child, name)


def test_no_frame_of_the_firmware_comes_from_the_heap(tmp_path):
    config = (ROOT / toolchain.DEFINITION / "mpconfigboard.h").read_text()
    (most,) = re.findall(r"#define VM_MAX_STATE_ON_STACK +\(sizeof\(mp_uint_t\) \* (\d+)\)", config)
    tool, found = _tool(), []
    frozen = {*(ROOT / "firmware").rglob("*.py"), *(ROOT / "boards").rglob("*.py")} - set(ROOT.rglob("manifest.py"))
    frozen -= {*(ROOT / "boards").glob("*/about.py")}
    for path in sorted(frozen):
        compiled = tmp_path / "code.mpy"
        subprocess.run([str(toolchain.mpy_cross()), "-march=armv6m", "-o", str(compiled), str(path)], check=True)
        found += _frames(tool, tool.read_mpy(str(compiled)).raw_code, path.relative_to(ROOT).as_posix())
    assert len(found) > 500
    assert [frame for frame in found if frame[0] > int(most)] == []
    # What was allowed and nobody needs is stack that a deeper call may need.
    assert max(found)[0] >= int(most) - 16


def test_only_an_image_with_the_patch_writes_more_than_a_byte_at_a_time():
    for board in BOARDS:
        names = [patch.stem for patch in toolchain.patches(boards.load_board(board)["mcu"])]
        assert boards.load_board(board)["usb_free_bytes"] == (128 if "poll-for-two-packets" in names else 1)
    for board in boards.stock_names():
        assert boards.load_board(board + boards.STOCK)["usb_free_bytes"] == 1


def test_what_flash_micropython_reaches_and_the_name_that_it_shows_are_the_board_s():
    for board in BOARDS:
        flash, header = boards.load_board(board)["flash"], toolchain.board_header(board)
        (reached,) = re.findall(r"STORAGE_BYTES \((\d+)\)", header)
        assert int(reached) == sum(flash[name][1] for name in ("store", "files", "records"))
        assert f'"{boards.machine(board).rpartition(" with ")[0]}"' in header


# What `make firmware` builds takes minutes: here is what can be wrong with it before that.


@pytest.mark.parametrize("chip", CHIPS)
def test_what_touches_a_chip_compiles_with_the_numbers_of_that_chip(chip, tmp_path):
    made, others = tmp_path / "rp2", {"rp2040": "rp2350", "rp2350": "rp2040"}
    toolchain.write_hal(made, chip)
    room = ROOT / "firmware" / "nmes" / "hal" / "rp2"
    tables = {"registers.py", "chip.py", *(f"{each}.py" for each in CHIPS)}
    assert {path.name for path in made.glob("*.py")} == {path.name for path in room.glob("*.py")} - tables
    failed = {}
    for path in sorted(made.glob("*.py")):
        # -march as ports/rp2/CMakeLists.txt has it, for both chips.
        command = [str(toolchain.mpy_cross()), "-march=armv6m", "-o", "/dev/null", str(path)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            failed[path.name] = run.stderr
    assert failed == {}
    numbers = {name: numbers_in_place.table((room / f"{name}.py").read_bytes()) for name in (chip, others[chip])}
    text = "".join(path.read_text() for path in made.glob("*.py"))
    assert not re.search(r"\b(reg|chip)\.[A-Z]", text)
    for name in ("ADC_BASE", "PWM_BASE", "WATCHDOG_BASE"):
        ours, theirs = numbers[chip][name], numbers[others[chip]][name]
        assert ours != theirs and str(ours) in text and str(theirs) not in text, name


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_built_for_its_chip_by_a_definition_that_the_sdk_has(board):
    facts, about = boards.load_board(board), boards.about(board)
    sdk = toolchain.sources() / "pico-sdk" / "src"
    header = (sdk / "boards" / "include" / "boards" / f"{about['sdk_board']}.h").read_text()
    (platform,) = re.findall(r"pico_cmake_set PICO_PLATFORM\s*=\s*(\w+)", header)
    (flash,) = re.findall(r"#define PICO_FLASH_SIZE_BYTES (\(.*\))", header)
    assert platform == facts["mcu"] and (sdk / f"{toolchain.PLATFORMS[platform]}.cmake").is_file()
    # No image may reckon with more flash than the board has.
    assert sum(facts["flash"]["records"]) <= eval(flash, {"__builtins__": {}}) <= about["flash_bytes"]
    port = toolchain.sources() / "micropython" / "ports" / "rp2"
    assert (port / f"memmap_mp_{platform}.ld").is_file()
    for name in ("mpconfigboard.cmake", "mpconfigboard.h", "manifest.py"):
        assert (ROOT / toolchain.DEFINITION / name).is_file()

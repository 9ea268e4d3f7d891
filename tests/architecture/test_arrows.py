"""The never-arrows of the design: who may import whom, read from the source, so that no test double hides one."""

import ast
import functools
import graphlib
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FIRMWARE = ROOT / "firmware"
HOST = ROOT / "host_tools"
NMES = sorted((FIRMWARE / "nmes").rglob("*.py"))
CORE = sorted((FIRMWARE / "nmes" / "core").rglob("*.py"))
HAL = sorted((FIRMWARE / "nmes" / "hal").rglob("*.py"))
BETWEEN = [path for path in NMES if path not in CORE + HAL]
WITNESS = sorted((FIRMWARE / "witness").rglob("*.py"))
HOST_TOOLS = sorted(HOST.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
BOARDS = sorted((ROOT / "boards").rglob("*.py"))

# The rooms of the host tools, from the top floor down; a module that is in no room is on the ground.
FLOORS = ("cli", "device", "ports", "emulator", "plots", "prescription", "measure")
GROUND = len(FLOORS)

# What the rp2 port of MicroPython 1.25 has built in, and what a board's UF2 freezes beside nmes.
ON_THE_TARGET = {
    *("_thread", "array", "binascii", "collections", "errno", "gc", "hashlib", "io", "json"),
    *("machine", "math", "micropython", "os", "platform", "random", "re", "rp2", "select", "struct", "sys", "time"),
    *("ubinascii", "uctypes", "vfs", "board", "stages", "nmes", "nmes_build"),
}
BASES = (FIRMWARE, HOST, ROOT / "boards", ROOT / "scripts")
HARDWARE = {"machine", "rp2", "_rp2", "pimoroni", "uctypes", "rp2040py"}


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file names in an import, `from package import module` resolved to the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports hide where an arrow points"
            assert node.module
            found |= {
                f"{node.module}.{alias.name}" if is_module(node.module, alias.name) else node.module
                for alias in node.names
            }
    return frozenset(found)


def is_module(package: str, name: str) -> bool:
    folder = Path(*package.split("."), name)
    return any((base / folder).is_dir() or (base / f"{folder}.py").exists() for base in BASES)


def under(modules: Iterable[str], *packages: str) -> set[str]:
    """Those of `modules` that are one of `packages` or inside it."""
    return {m for m in modules if any(m == p or m.startswith(p + ".") for p in packages)}


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


def test_there_is_something_to_look_at():
    assert len(CORE) > 5 and len(HAL) > 2 and BETWEEN and len(HOST_TOOLS) > 5
    assert "nmes.core.pulse" in imports(FIRMWARE / "nmes" / "core" / "programme.py"), "from nmes.core import pulse"


@named(CORE)
def test_core_imports_core_and_a_few_modules_without_hardware_clock_or_files(path):
    ours = under(imports(path), "nmes")
    assert ours == under(ours, "nmes.core")
    pure = {"math", "io", "json", "binascii", "hashlib", "micropython", "collections", "array", "struct"}
    assert imports(path) - ours <= pure


@named(CORE)
def test_no_switch_of_the_build_or_the_environment_disables_a_limit(path):
    # Peer defect: calibration errors that can be compiled away (saawsm/swx output.c).
    body = ast.parse(path.read_text()).body
    assert not [node.lineno for node in body if isinstance(node, ast.If | ast.While | ast.For | ast.With)]
    names = {node.id for node in ast.walk(ast.Module(body, [])) if isinstance(node, ast.Name)}
    assert not names & {"DEBUG", "__debug__", "getenv", "environ", "globals"}


@named(HAL)
def test_hal_knows_no_session_and_of_core_only_pulses_names_of_faults_and_buttons_digests_and_the_compiler(path):
    ours = under(imports(path), "nmes")
    core = {f"nmes.core.{name}" for name in ("pulse", "pulse_check", "faults", "digest", "compiler", "buttons")}
    assert ours <= under(ours, "nmes.hal") | core


@named([path for path in NMES if path not in HAL])
def test_only_hal_touches_hardware(path):
    assert not under(imports(path), *HARDWARE)


def test_boot_reaches_hardware_through_hal_only():
    found = imports(FIRMWARE / "boot.py") | imports(FIRMWARE / "main.py")
    assert not under(found, *HARDWARE)
    assert under(found, "nmes") == {"nmes.hal.rp2.rest", "nmes.app"}


@named(BETWEEN)
def test_only_the_app_which_wires_everything_imports_hal(path):
    assert path.name == "app.py" or not under(imports(path), "nmes.hal")


@named([path for path in BETWEEN if path.name not in ("app.py", "recording.py")])
def test_nobody_but_the_app_imports_the_link_or_the_supervisor(path):
    # They are handed to each other; the link asks the supervisor it was given. recording.py is a supervisor.
    assert not under(imports(path), "nmes.app", "nmes.link", "nmes.panel", "nmes.supervisor")


@named([FIRMWARE / "nmes" / "link.py"])
def test_the_link_asks_the_supervisor_and_moves_nothing_itself(path):
    outputs = {"rest", "permit", "renew", "begin", "put", "room", "stop", "lamp", "begun", "queued"}
    asked = [
        f"{node.func.attr}, line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in outputs
        if ast.unparse(node.func.value) == "self._hal"
    ]
    assert asked == []


def test_only_the_supervisor_arms_starts_and_permits():
    callers = set()
    for path in NMES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                whole = ast.unparse(node.func)
                if node.func.attr in ("permit", "begin") and "hal" in whole:
                    callers.add(path.name)
                if node.func.attr in ("arm", "start") and "session" in whole:
                    callers.add(path.name)
    assert callers == {"supervisor.py"}


@named(HOST_TOOLS)
def test_host_tools_import_core_and_nothing_else_of_the_firmware(path):
    ours = under(imports(path), "nmes")
    assert ours <= under(ours, "nmes.core") | {"nmes"}
    assert not under(imports(path), "machine", "rp2", "micropython", "board", "stages")


def floor(module: str) -> int:
    """The floor of a module of the host tools, 0 at the top; the package itself, which says its version, is ground."""
    room = module.split(".")[1] if "." in module else ""
    return FLOORS.index(room) if room in FLOORS else GROUND


def module_of(path: Path) -> str:
    base = next(base for base in BASES if path.is_relative_to(base))
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


def test_every_room_of_the_host_is_there_and_no_other():
    assert {path.name for path in (HOST / "opennmes").iterdir() if (path / "__init__.py").exists()} == set(FLOORS)


@named([path for path in HOST_TOOLS if path != HOST / "opennmes" / "__init__.py"])
def test_the_host_looks_into_its_own_room_and_the_floors_below(path):
    here = floor(module_of(path))
    above = {module for module in under(imports(path), "opennmes") if floor(module) < here}
    assert not above, f"{module_of(path)} looks up"


@named([path for path in HOST_TOOLS if floor(module_of(path)) == FLOORS.index("measure")])
def test_what_measures_imports_nothing_of_what_is_measured(path):
    assert not under(imports(path), "nmes", "rp2040py")
    assert under(imports(path), "opennmes") == under(imports(path), "opennmes.measure")


@named([path for path in HOST_TOOLS if floor(module_of(path)) == FLOORS.index("emulator")])
def test_the_emulated_stage_knows_nothing_of_the_firmware(path):
    assert not under(imports(path), "nmes")


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, the first of them twice; empty when there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_a_circle_is_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"d"}}) == []
    assert sorted(set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}))) == ["a", "b", "c"]


def graph_of(paths: list[Path]) -> dict[str, set[str]]:
    """Who imports whom among these files, in functions too. A module is also the packages that it is in: to import it
    runs their `__init__`, save those that are being imported already because the importing module is in them."""
    modules = {module_of(path): imports(path) for path in paths}
    graph = {}
    for importer, named in modules.items():
        parts = [each.split(".") for each in named]
        reached = {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
        graph[importer] = {
            each for each in reached & set(modules) if each in named or not f"{importer}.".startswith(f"{each}.")
        }
    return graph


def test_to_import_a_module_is_to_import_its_package():
    graph = graph_of([*HOST_TOOLS, *SCRIPTS])
    assert "campaign.result" in graph["campaign.chip"]
    assert "opennmes.measure.captures" in graph["opennmes.cli.verify"]
    assert "opennmes.cli" not in graph["opennmes.cli.app"], "it is being imported"


def test_no_imports_go_in_a_circle_in_functions_neither():
    graph = graph_of([*NMES, *BOARDS, FIRMWARE / "boot.py", FIRMWARE / "main.py", *HOST_TOOLS, *SCRIPTS])
    assert circle(graph) == []


@named([*NMES, FIRMWARE / "boot.py", FIRMWARE / "main.py"])
def test_firmware_imports_only_what_the_target_has(path):
    # hal/virtual.py is for the Unix port, which has all of these too.
    assert {module.partition(".")[0] for module in imports(path)} <= ON_THE_TARGET


@named([path for path in WITNESS if path.name != "manifest.py"])
def test_the_witness_shares_nothing_with_what_it_judges_but_the_table_of_pins(path):
    assert WITNESS and not under(imports(path), "nmes", "opennmes", "stages")
    assert {m.partition(".")[0] for m in imports(path)} <= ON_THE_TARGET - {"nmes", "stages"} | {
        "witness", "witness_build",
    }  # fmt: skip


# A longer function has a comment with this, and a reason after it, on its `def` line or on the line above it.
LONG = "# long: "
LONGEST_LINES = 60


def long_functions(path: Path) -> list[str]:
    """The functions of a file that are longer than LONGEST_LINES and say no reason."""
    lines = path.read_text().splitlines()
    found = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= LONGEST_LINES:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            beside = (lines[node.lineno - 1], lines[first - 2] if first > 1 else "")
            if not any(line.partition(LONG)[2].strip() for line in beside):
                found.append(f"{node.name}, line {node.lineno}: {node.end_lineno - node.lineno + 1} lines")
    return found


@named([*NMES, *WITNESS, FIRMWARE / "boot.py", FIRMWARE / "main.py", *BOARDS, *HOST_TOOLS, *SCRIPTS])
def test_no_function_is_longer_than_60_lines_without_a_reason_beside_it(path):
    assert long_functions(path) == [], f"split it, or say why not: {LONG}REASON"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("def f():\n{58}    pass\n", 0),
        ("def f():\n{59}    pass\n", 1),
        ("class A:\n    async def f(self):\n{59}        pass\n", 1),
        ("# long: a table\ndef f():\n{59}    pass\n", 0),
        ("def f():  # long: a table\n{59}    pass\n", 0),
        ("# long: a table\n@cache\n@other\ndef f():\n{59}    pass\n", 0),
        ("# long:\ndef f():\n{59}    pass\n", 1),
        ("# long: a table\n\ndef f():\n{59}    pass\n", 1),
    ],
)
def test_a_long_function_is_seen_and_a_reason_is_heard(tmp_path, text, count):
    path = tmp_path / "module.py"
    for lines in (58, 59):
        text = text.replace(f"{{{lines}}}", "    # nothing\n" * lines)
    path.write_text(text)
    assert len(long_functions(path)) == count


@named(NMES)
def test_modules_are_named_in_imports_not_made_up_at_run_time(path):
    made_up = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("__import__", "exec", "eval", "execfile", "compile")
    ]
    # The app alone does so, for the stage that its board names.
    assert made_up == [] or (path.name == "app.py" and all("stages." in call for call in made_up))


@named(sorted((ROOT / "tests" / "core").glob("*.py")))
def test_the_tests_of_core_use_what_micropython_has(path):
    if path.name == "conftest.py":
        assert "pytest" in imports(path)
    else:
        here = {each.stem for each in path.parent.glob("*.py")} - {"conftest"}
        has = {"unittest", "json", "sys", "os", "array", "binascii", "micropython", "struct"}
        assert imports(path) - under(imports(path), "nmes") <= has | here

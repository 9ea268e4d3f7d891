"""The wheel in an empty environment, in a folder that is no checkout, with a home that is not there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import commands_page
import dist
import toolchain
from opennmes import paths
from opennmes.boards import images, with_a_witness
from opennmes.device import identity, modules
from opennmes.device.uf2 import read_uf2


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` makes, in a folder of this process: another one may be making it too."""
    into = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(toolchain.ROOT / "scripts" / "dist.py"), str(into)]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return into


def installed(
    delivered: Path, *arguments: str, cwd: Path, path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    """`nmes` of the wheel, with nothing of ours around it."""
    return subprocess.run(
        [str(delivered / dist.ENVIRONMENT / "bin" / "nmes"), *arguments], cwd=cwd, capture_output=True, text=True,
        env={"PATH": path, "HOME": str(cwd / "no-home"), "MPLCONFIGDIR": str(cwd)},
    )  # fmt: skip


def test_every_way_to_run_works_without_a_checkout(delivered, tmp_path, example):
    file = tmp_path / "mine.toml"
    file.write_text(example)
    assert installed(delivered, "check", str(file), cwd=tmp_path).returncode == 0
    assert installed(delivered, "plot", str(file), "--output", str(tmp_path / "mine.png"), cwd=tmp_path).returncode == 0
    run = ("run", str(file), "--acknowledge", "--json", "--port")
    emulated = installed(delivered, *run, "emulator", "--seconds", "0.1", cwd=tmp_path)
    assert emulated.returncode == 0, emulated.stderr
    assert json.loads(emulated.stdout)["account"]["delivered"] > 0
    own = paths.checkout()
    virtual = installed(delivered, *run, "virtual", "--seconds", "5", cwd=tmp_path, path=f"{own}/build:/usr/bin:/bin")
    assert virtual.returncode == 0, virtual.stderr
    assert json.loads(virtual.stdout)["account"]["delivered"] > 100


def test_every_verb_is_there_and_a_board_is_pushed_to_and_tested(delivered, tmp_path):
    for verb in commands_page.verbs():
        explained = installed(delivered, verb, "--help", cwd=tmp_path)
        assert (explained.returncode, explained.stderr) == (0, ""), verb
        assert f"Usage: nmes {verb}" in explained.stdout
    path = f"{paths.checkout()}/build:/usr/bin:/bin"
    written = installed(delivered, "programmes", "low-back-pain", "--write", "mine.toml", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    pushed = installed(delivered, "push", "mine.toml", "--port", "virtual", cwd=tmp_path, path=path)
    assert pushed.returncode == 0 and "read back" in pushed.stdout, pushed.stderr
    tested = installed(delivered, "selftest", "--port", "virtual", cwd=tmp_path, path=path)
    assert tested.returncode == 0, tested.stderr


def test_the_library_comes_with_it_and_makes_files_that_an_editor_completes(delivered, tmp_path):
    assert "low-back-pain" in installed(delivered, "programmes", cwd=tmp_path).stdout
    written = installed(delivered, "programmes", "low-back-pain", "--write", "mine.toml", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "prescription.schema.json").is_file()
    assert installed(delivered, "check", "mine.toml", cwd=tmp_path).returncode == 0


def test_without_micropython_the_virtual_board_says_what_to_do(delivered, tmp_path, example):
    (tmp_path / "mine.toml").write_text(example)
    refused = installed(delivered, "run", "mine.toml", "--acknowledge", "--port", "virtual", cwd=tmp_path)
    assert refused.returncode == 1
    assert "micropython" in refused.stderr and "--port emulator needs none" in refused.stderr


def test_what_a_board_is_flashed_with_and_what_is_said_of_this_computer_come_out_of_the_wheel(delivered, tmp_path):
    boards = installed(delivered, "boards", "--json", cwd=tmp_path)
    assert {"pico", "pico-stock"} <= {row["name"] for row in json.loads(boards.stdout)["boards"]}
    found = json.loads(installed(delivered, "doctor", "--json", cwd=tmp_path).stdout)["findings"]
    assert {row["topic"] for row in found if row["level"] == "wrong"} <= {"ports", "port", "board", "usb", "permission"}
    assert [row for row in found if row["topic"] == "firmware" and row["level"] == "fine"]
    made = subprocess.run(
        [str(delivered / dist.ENVIRONMENT / "bin" / "python"), "-c",
         "from opennmes.device import modules; print(modules.digest(modules.files('pico')))"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert made.stdout.strip() == modules.digest(modules.files("pico")), made.stderr


def carried() -> list[Path]:
    """The UF2s in build that were made of these sources: the Pico's, and what `make firmware` has made since."""
    made = [paths.uf2(*each) for each in images()]
    return [path for path in made if path.is_file() and identity.firmware().encode() in read_uf2(path, 1 << 24).data]


def test_both_archives_carry_the_image_that_was_built(delivered):
    (wheel,) = delivered.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("opennmes/data/opennmes-pico.uf2") == toolchain.uf2("pico").read_bytes()
        assert archive.read("opennmes/data/opennmes-pico-bare.uf2") == toolchain.uf2("pico", "bare").read_bytes()
        witness = archive.read("opennmes/data/opennmes-witness-pico.uf2")
        assert witness == toolchain.witness_uf2("pico").read_bytes()
        count = len([name for name in archive.namelist() if name.endswith(".uf2")])
        assert count == len(carried()) + len(with_a_witness()) and len(carried()) >= 2
    (source,) = delivered.glob("*.tar.gz")
    assert source.stat().st_size > 500_000


def test_the_bill_of_materials_is_valid_and_names_what_is_in_the_uf2_and_in_the_environment(delivered):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator  # takes two seconds to import

    (document,) = delivered.glob("*.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.read_text()) is None
    components = {each["name"]: each for each in json.loads(document.read_text())["components"]}
    for name in ("micropython", "pico-sdk", "tinyusb", "mbedtls", "rp2040py", "pyserial", "typer"):
        assert components[name]["version"] and components[name]["licenses"], name


def test_no_dependency_is_under_the_gpl(delivered):
    (document,) = delivered.glob("*.cdx.json")
    components = json.loads(document.read_text())["components"]
    assert components
    for component in components:
        licences = json.dumps(component.get("licenses", []))
        assert "GPL" not in licences.replace("LGPL", "") or " OR " in licences, component["name"]

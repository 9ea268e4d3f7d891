"""The firmware as modules on a stock MicroPython, on the emulated chip: it runs, for resistors alone, whatever else
lies on the file system; and the prompt of the real thing takes what `nmes flash --modules` does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import littlefs
import pytest
from served import served
from sessions import DENSE, OUTPUTS, Bench, rises
from starting import begin

import toolchain
from opennmes.device import discover, flashing, identity, modules
from opennmes.device.client import DeviceRefused
from opennmes.device.discover import MICROPYTHON, Board
from opennmes.device.prompt import Prompt

FOREIGN = b'print("FOREIGN", __name__)\nfrom machine import Pin\nPin(10, Pin.OUT, value=1)\nraise SystemExit\n'
NAMES = ("machine", "umachine", "os", "uos", "gc", "json", "rp2", "nmes", "nmes/app", "board", "stages", "uhashlib")


@pytest.fixture(scope="session")
def stock() -> Path:
    """The UF2 of MicroPython alone."""
    return toolchain.stock_uf2()


def test_h01_the_modules_run_for_resistors_alone_and_nothing_else_that_lies_there_does(
    stock: Path, board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    made = modules.files("pico")
    foreign = {f"{folder}/{name}.py": FOREIGN for folder in ("", "/lib", "/.frozen") for name in NAMES}
    bench = Bench(stock, board, reference_stage, littlefs.image({**foreign, **made}, littlefs.OF_STOCK))
    said = bench.device.identity
    assert said["board"] == "pico-stock" and identity.differences(said) == []
    assert b"FOREIGN" not in bench.device.exchange.strange
    assert [signal for signal in OUTPUTS if rises(bench.stage, signal)] == []
    with pytest.raises(DeviceRefused) as refused:
        bench.device.load(DENSE)
    assert [reason["code"] for reason in refused.value.reasons] == ["dummy_only"]
    dummy = {**DENSE, "electrode": {"kind": "dummy", "area_mm2": 2_500}}
    begin(bench.device, dummy)
    bench.device.raise_to(1_000)
    bench.device.wait(0.3)
    assert bench.device.status()["delivered"] > 10
    bench.device.stop()
    status = bench.device.status()
    assert (status["state"], status["fault"]) == ("IDLE", 0)
    # What is kept is in files, and the files of whoever had the board before are as they were.
    assert bench.pico.level(board["pins"]["enable"]) == 0


@pytest.fixture
def emulated(stock: Path, tmp_path: Path) -> Iterator[str]:
    link = tmp_path / "board"
    with served(link, stock):
        yield str(link.resolve())


def test_the_prompt_of_a_stock_board_takes_files_whole_and_reads_them_back(
    emulated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of the modules, and no nmes.app: nothing runs, and the prompt comes back at once.
    few = {name: data for name, data in modules.sources("pico").items() if name.startswith("nmes/core/l")}
    monkeypatch.setattr(modules, "sources", lambda name: few)
    board, steps = Board(MICROPYTHON, emulated), []
    agreed: list[Any] = []
    done = flashing.flash_modules(board, lambda *step: steps.append(step), lambda *plan: agreed.append(plan))
    assert done["verified"] and len(done["written"]) == len(few) + 2 and len(agreed) == 1
    assert flashing.flash_modules(board, lambda *step: None, None)["verified"]
    with Prompt(emulated) as prompt:
        assert prompt.version() == ("1.25.0", "Raspberry Pi Pico with RP2040")
        prompt.begin_files()
        assert sorted(prompt.files(modules.FOLDER)) == [
            modules.FOLDER + "/nmes", modules.FOLDER + "/nmes/core",
            *sorted(f"{modules.FOLDER}/{name.removesuffix('.py')}.mpy" for name in few),
        ]  # fmt: skip
    assert discover.at_port(emulated).kind == MICROPYTHON

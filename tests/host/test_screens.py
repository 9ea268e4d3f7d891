"""The pictures of the panel in docs are those that the firmware draws now, each once, and none is old."""

from __future__ import annotations

import random
from pathlib import Path

import processes
import pytest

import screens
from nmes.core import texts
from opennmes.ports.reading import UNKNOWN, lines
from opennmes.screen import PAGES, WIDTH, Screen

AGAIN = "run `.venv/bin/python scripts/screens.py`"


@pytest.fixture(scope="module")
def shots() -> list[screens.Shot]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MICROPYTHON", processes.micropython())
        return screens.shots()


def test_every_picture_is_what_the_firmware_draws_now_and_there_is_no_other(shots: list[screens.Shot]) -> None:
    files = {screens.file_of(shot): shot.screen for shot in shots}
    assert len(files) == len(shots), "a name is there twice"
    assert set(screens.PICTURES.glob("panel-*.png")) == set(files), AGAIN
    for path, screen in files.items():
        assert screens.pictured(path) == screen, f"{path.name}: {AGAIN}"


def test_panel_md_has_each_with_its_words(shots: list[screens.Shot]) -> None:
    document = screens.DOCUMENT.read_text(encoding="utf-8")
    assert screens.written(document, shots) == document, AGAIN


def test_all_that_is_shown_can_be_read_and_every_screen_is_another_one(shots: list[screens.Shot]) -> None:
    assert len({shot.screen for shot in shots}) == len(shots)
    for shot in shots:
        rows = lines(shot.screen)
        assert rows and not any(UNKNOWN in row for row in rows), shot.name
        assert all(len(row) <= texts.COLUMNS for row in rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_picture_shows_each_pixel_and_one_that_differs_is_seen(tmp_path: Path, seed: int) -> None:
    screen = Screen(tuple(random.Random(seed + page).randbytes(WIDTH) for page in range(PAGES)))
    path = tmp_path / "a.png"
    screens.draw(screen, path)
    assert screens.pictured(path) == screen != Screen()
    corner = screen.with_page(7, bytes([*screen.pages[7][:-1], screen.pages[7][-1] ^ 0x80]))
    assert screens.pictured(path) != corner


def test_what_is_no_picture_of_a_screen_is_none(tmp_path: Path) -> None:
    from matplotlib.image import imread, imsave  # as in screens.py

    image = imread(screens.file_of(screens.Shot("none", "", Screen())))
    for name, wrong in (("smaller", image[:-3]), ("margin", image.copy())):
        if name == "margin":
            wrong[0, 0] = 1
        imsave(tmp_path / f"{name}.png", wrong)
        assert screens.pictured(tmp_path / f"{name}.png") is None

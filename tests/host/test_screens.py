"""The pictures of the panel in docs are those that the firmware draws now, each once, and none is old."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

import screens
from nmes.core import texts
from opennmes.ports.reading import UNKNOWN, lines
from opennmes.screen import DARK, HEIGHT, LIT, WIDTH, Screen

AGAIN = "run `.venv/bin/python scripts/screens.py`"


@pytest.fixture(scope="module")
def shots() -> list[screens.Shot]:
    with pytest.MonkeyPatch.context() as patched:
        import toolchain

        patched.setenv("MICROPYTHON", str(toolchain.unix_micropython()))
        return screens.shots()


def pictured(path: Path) -> Screen:
    """What a PNG of a screen shows."""
    bright = imread(path)[:: screens.SCALE, :: screens.SCALE, 0] > 0.5
    margin = (bright.shape[0] - HEIGHT) // 2
    inside = bright[margin : margin + HEIGHT, margin : margin + WIDTH]
    assert bright.sum() == inside.sum(), "its margin is dark"
    return Screen.of_rows("".join(LIT if lit else DARK for lit in row) for row in inside)


def test_every_picture_is_what_the_firmware_draws_now_and_there_is_no_other(shots: list[screens.Shot]) -> None:
    files = {screens.file_of(shot): shot.screen for shot in shots}
    assert len(files) == len(shots), "a name is there twice"
    assert set(screens.PICTURES.glob("panel-*.png")) == set(files), AGAIN
    for path, screen in files.items():
        assert pictured(path) == screen, f"{path.name}: {AGAIN}"


def test_panel_md_has_each_with_its_words(shots: list[screens.Shot]) -> None:
    document = screens.DOCUMENT.read_text(encoding="utf-8")
    assert document.count(screens.BEGIN) == document.count(screens.END) == 1
    assert screens.written(document, shots) == document, AGAIN


def test_all_that_is_shown_can_be_read_and_every_screen_is_another_one(shots: list[screens.Shot]) -> None:
    assert len({shot.screen for shot in shots}) == len(shots)
    for shot in shots:
        rows = lines(shot.screen)
        assert rows and not any(UNKNOWN in row for row in rows), shot.name
        assert all(len(row) <= texts.COLUMNS for row in rows)


def test_a_pixel_that_differs_is_seen(tmp_path: Path) -> None:
    screen = Screen().with_page(7, bytes([*bytes(127), 0x80]))
    (tmp_path / "a.png").write_bytes(screen.png(screens.SCALE))
    assert pictured(tmp_path / "a.png") == screen != Screen()

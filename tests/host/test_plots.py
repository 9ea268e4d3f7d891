"""Pictures: made for every prescription and for what was delivered, labelled, and without words on words."""

from __future__ import annotations

import itertools
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pictures
import processes
import pytest

from nmes.core import programme
from opennmes import paths
from opennmes.cli import main
from opennmes.measure.pulse_log import LoggedPulse, read_pulse_log
from opennmes.measure.trace import Trace
from opennmes.prescription import Prescription

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LIBRARY = sorted(paths.PROGRAMMES.glob("*.toml"))


def assert_readable(figure: Figure) -> None:
    """Every axis says what it is and in which unit; no text covers another or leaves the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    page = figure.bbox
    for axes in figure.axes:
        assert "(" in axes.get_xlabel() and "(" in axes.get_ylabel(), axes.get_title("left")
        assert axes.get_title("left")
    words = [text for axes in figure.axes for text in [*axes.texts, axes._left_title]]  # type: ignore[attr-defined]
    words += [*figure.texts]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in words if text.get_text().strip()]
    for text, box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, text
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)


def pulse_train(current_ua: int = 5_000) -> Trace:
    trace = Trace()
    for line in ("ch0_a", "ch0_b", "ch0_current_ua"):
        trace.add(0, line, 0)
    for k in range(30):
        start = 10_000_000 + k * 28_571_000
        for at, line, value in (
            (0, "ch0_a", 1), (0, "ch0_current_ua", current_ua), (250_000, "ch0_a", 0), (250_000, "ch0_current_ua", 0),
            (300_000, "ch0_b", 1), (300_000, "ch0_current_ua", -current_ua), (550_000, "ch0_b", 0),
            (550_000, "ch0_current_ua", 0),
        ):  # fmt: skip
            trace.add(start + at, line, value)
    trace.end_nanos += 10_000_000
    return trace


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.stem)
def test_every_prescription_of_the_library(file: Path) -> None:
    assert_readable(pictures.asked.prescription_figure(programme.parse(Prescription.read(file).data)))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_nmes_plot_writes_a_picture(suffix: str, example_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / f"picture.{suffix}"
    assert main(["plot", str(example_file), "-o", str(picture)]) == 0
    assert picture.stat().st_size > 5_000


def test_nmes_plot_says_when_it_cannot_write(example_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(example_file), "-o", "/no/such/folder/x.png"]) == 1
    assert "/no/such/folder" in capsys.readouterr().err


@pytest.mark.parametrize("current_ua", [100, 5_000, 37_900])
def test_a_measured_train(current_ua: int) -> None:
    assert_readable(pictures.delivered.waveform_figure(pulse_train(current_ua), title="A train", subtitle="measured"))


def test_a_train_without_current() -> None:
    assert_readable(pictures.delivered.waveform_figure(pulse_train(0), title="A train"))


def test_a_session() -> None:
    delivered = [
        (15.0 * cycle + k * 0.028571, min(5.0, 5.0 * k * 0.028571, 5.0 * (5 - k * 0.028571)))
        for cycle in range(10)
        for k in range(175)
    ]
    assert_readable(pictures.delivered.session_figure(delivered, [(0, 0), (1.5, 5.0), (140, 5.0)], title="A session"))


def test_a_session_of_one_pulse() -> None:
    assert_readable(pictures.delivered.session_figure([(3.0, 1.0)], [], title="A session"))


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.delivered.waveform_figure(Trace(), title="x")
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.delivered.session_figure([], [], title="x")


def test_intensity_comes_from_status_events() -> None:
    events = [{"event": "hello"}, {"event": "status", "elapsed_ms": 1500, "channels": [{"intensity_ua": 2000}]}]
    assert pictures.delivered.intensity_steps(events) == [(1.5, 2.0)]


def test_a_pulse_log_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("271,250,50,250,30,30,1\n")
    assert read_pulse_log(path) == [LoggedPulse(271, 250, 50, 250, 30, 30, 1)]
    path.write_text("271,250,50\n")
    with pytest.raises(ValueError, match="line 1"):
        read_pulse_log(path)


# ---- text as it is ----

TEXTS = {
    "formula": r"costs $5 or $6",
    "formula that is none": r"$\frac{1$ _a^b \\ \$ { % #",
    "CJK": "骨盆底" * 20,
    "Arabic": "سلس البول 35",
    "Hebrew": "שלום 5 עולם",
    "wide": "W" * 60,
    "long": "a title of many words " * 2,
    "markup": "[red] <b>x</b> &amp; :100: -- -->",
}


def named(text: str, title: str, name: str) -> str:
    """The example with another title and another name of its phase, both in literal quotes."""
    text = text.replace('title = "Stress incontinence, 35 Hz"', f"title = '{title}'")
    return text.replace('name = "work"', f"name = '{name}'")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_is_drawn_as_it_is_and_stays_on_the_page(text: str, example: str, tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    phase = example[example.index("[[phase]]") :]
    short = phase.replace("duration_min = 15", "duration_min = 2")
    file.write_text(named(example + short, text, text[:20].strip()), encoding="utf-8")
    figure = pictures.asked.prescription_figure(programme.parse(Prescription.read(file).data))
    assert_readable(figure)
    title = figure.texts[0]
    assert not title.get_parse_math() and not title.get_usetex()
    if "骨" not in text:
        assert title.get_text().replace("\n", "").replace(" ", "") == text.strip().replace(" ", "")
        assert any(text[:10].strip() in axes.get_title("left").replace("\n", " ") for axes in figure.axes)
    else:
        assert title.get_text().replace("\n", " ").startswith("<U+9AA8 76C6 5E95 9AA8 ")
        assert not set(title.get_text()) & set(text)
    for axes in figure.axes:
        assert not any(words.get_parse_math() for words in axes.texts)


def test_a_matplotlibrc_that_asks_for_tex_or_another_font_changes_nothing(
    example: str, example_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\nfont.family: cursive\naxes.formatter.use_mathtext: True\n"
    )
    picture = tmp_path / "picture.svg"
    example_file.write_text(named(example, "costs $5 or $6", "$x$"))
    ran = processes.ran("plot", example_file, "-o", picture, MATPLOTLIBRC=str(tmp_path / "matplotlibrc"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "costs $5 or $6" in picture.read_text()  # matplotlib notes each text beside its outlines


def test_nmes_plot_says_nothing_of_glyphs(example: str, example_file: Path, tmp_path: Path) -> None:
    example_file.write_text(named(example, "骨盆底 \\$ हिन्दी", "שלום"), encoding="utf-8")
    ran = processes.ran("plot", example_file, "-o", tmp_path / "picture.png")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_figures_come_before_a_name_that_runs_from_right_to_left(example: str, tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text(named(example, "x", "שלום 5 עולם"), encoding="utf-8")
    figure = pictures.asked.prescription_figure(programme.parse(Prescription.read(file).data))
    words = [axes.get_title("left") for axes in figure.axes] + [text.get_text() for text in figure.axes[2].texts]
    lines = [line for text in words for line in text.split("\n") if "שלום" in line]
    assert len(lines) == 3
    assert all(line.endswith("“שלום 5 עולם”") for line in lines)


# ---- a failed plot leaves the picture before it ----


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Path]:
    """A picture that is there already; it has to be there afterwards, and nothing beside it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = folder / "picture.png"
    picture.write_bytes(b"the picture before")
    yield picture
    assert picture.read_bytes() == b"the picture before"
    assert list(folder.iterdir()) == [picture]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError, RuntimeError("no font"), OSError(28, "full")])
@pytest.mark.parametrize("where", ["matplotlib.figure.Figure.savefig", "os.fsync", "pathlib.Path.replace"])
def test_a_failure_while_drawing_or_writing(
    before: Path, example_file: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, where: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    monkeypatch.delenv("NMES_DEBUG", raising=False)
    monkeypatch.setattr(where, fail)
    assert main(["plot", str(example_file), "-o", str(before)]) != 0


def plot_after(first: str, file: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """`nmes plot` in a process of its own that runs these lines before."""
    return processes.ran("plot", file, "-o", out, before=first)


def test_a_full_disk(before: Path, example_file: Path) -> None:
    limited = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    ran = plot_after(limited, example_file, before)
    assert ran.returncode == 1
    assert f"{before}: File too large" in ran.stderr


@pytest.mark.parametrize("arguments", [["REFUSED"], ["missing.toml"], ["FILE", "-o", "OTHER"]], ids=" ".join)
def test_a_plot_that_cannot_begin(before: Path, example_file: Path, example: str, arguments: list[str]) -> None:
    refused = example_file.with_name("refused.toml")
    refused.write_text(example.replace("max_current_ma = 40", "max_current_ma = 4000"))
    places = {"REFUSED": refused, "FILE": example_file, "OTHER": before.with_suffix(".jpg")}
    assert main(["plot", "-o", str(before), *[str(places.get(word, word)) for word in arguments]]) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_is_drawn(before: Path, example_file: Path, number: signal.Signals) -> None:
    told = "import os\nfrom matplotlib.figure import Figure\nsavefig = Figure.savefig\n"
    told += f"Figure.savefig = lambda *a, **o: (savefig(*a, **o), os.kill(os.getpid(), {int(number)}))\n"
    ran = plot_after(told, example_file, before)
    assert ran.returncode == 1
    assert "interrupted" in ran.stderr


def test_a_new_picture_keeps_the_mode_and_goes_where_a_link_points(example_file: Path, tmp_path: Path) -> None:
    picture, link = tmp_path / "picture.png", tmp_path / "link.png"
    picture.write_bytes(b"old")
    picture.chmod(0o640)
    link.symlink_to(picture)
    assert main(["plot", str(example_file), "-o", str(link)]) == 0
    assert link.is_symlink()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_mode & 0o777 == 0o640


def test_a_full_device(example_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "full.png"
    link.symlink_to("/dev/full")
    assert main(["plot", str(example_file), "-o", str(link)]) == 1
    assert "No space left" in capsys.readouterr().err
    assert Path("/dev/full").is_char_device()

"""Pictures: made for every prescription and for what was delivered, labelled, and without words on words."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nmes.core import programme
from opennmes import paths
from opennmes.bench.trace import Trace
from opennmes.cli import main
from opennmes.plots.asked import prescription_figure
from opennmes.plots.delivered import intensity_steps, session_figure, waveform_figure
from opennmes.prescription import Prescription
from opennmes.pulse_log import LoggedPulse, read_pulse_log

LIBRARY = sorted(paths.PRESCRIPTIONS.glob("*.toml"))


def assert_readable(figure: Figure) -> None:
    """Every axis says what it is and in which unit; no text covers another or leaves the page."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
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
    for signal in ("ch0_a", "ch0_b", "ch0_current_ua"):
        trace.add(0, signal, 0)
    for k in range(30):
        start = 10_000_000 + k * 28_571_000
        for at, signal, value in (
            (0, "ch0_a", 1), (0, "ch0_current_ua", current_ua), (250_000, "ch0_a", 0), (250_000, "ch0_current_ua", 0),
            (300_000, "ch0_b", 1), (300_000, "ch0_current_ua", -current_ua), (550_000, "ch0_b", 0),
            (550_000, "ch0_current_ua", 0),
        ):  # fmt: skip
            trace.add(start + at, signal, value)
    trace.end_nanos += 10_000_000
    return trace


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: file.stem)
def test_every_prescription_of_the_library(file: Path) -> None:
    assert_readable(prescription_figure(programme.parse(Prescription.read(file).data)))


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
    assert_readable(waveform_figure(pulse_train(current_ua), title="A train", subtitle="measured"))


def test_a_train_without_current() -> None:
    assert_readable(waveform_figure(pulse_train(0), title="A train"))


def test_a_session() -> None:
    delivered = [
        (15.0 * cycle + k * 0.028571, min(5.0, 5.0 * k * 0.028571, 5.0 * (5 - k * 0.028571)))
        for cycle in range(10)
        for k in range(175)
    ]
    assert_readable(session_figure(delivered, [(0, 0), (1.5, 5.0), (140, 5.0)], title="A session"))


def test_a_session_of_one_pulse() -> None:
    assert_readable(session_figure([(3.0, 1.0)], [], title="A session"))


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        waveform_figure(Trace(), title="x")
    with pytest.raises(ValueError, match="nothing to draw"):
        session_figure([], [], title="x")


def test_intensity_comes_from_status_events() -> None:
    events = [{"event": "hello"}, {"event": "status", "elapsed_ms": 1500, "intensity_ua": 2000}]
    assert intensity_steps(events) == [(1.5, 2.0)]


def test_a_pulse_log_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("271,250,50,250,30,30,1\n")
    assert read_pulse_log(path) == [LoggedPulse(271, 250, 50, 250, 30, 30, 1)]
    path.write_text("271,250,50\n")
    with pytest.raises(ValueError, match="line 1"):
        read_pulse_log(path)

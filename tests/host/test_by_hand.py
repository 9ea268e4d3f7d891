"""nmes run at a terminal: the current begins at zero, each step up is a key, and what takes it away comes first."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from ports_for_tests import RulePort, ok, refused
from terminals import DOWN, UP, Person, at_terminal

from nmes.core import session
from nmes.core.reason import Refused, reason
from opennmes.cli.by_hand import Hand, check_step, keys_in_words
from opennmes.cli.keys import Gone
from opennmes.cli.view import Lines, Scene
from opennmes.device.client import Device

RUN = ("run", "FILE", "--port", "virtual", "--acknowledge", "--json")


# ---- which keys do what, with a device that takes everything ----


class Board(RulePort):
    """A running device that keeps what each channel is set to."""

    def __init__(self, channels: tuple[int, ...] = (0,)) -> None:
        super().__init__()
        self.set_ua = dict.fromkeys(channels, 0)
        self.state = session.RUNNING
        self.rules["status"] = self._status
        self.rules["intensity"] = self._intensity
        self.rules["pause"] = lambda request: self._goes(request, session.PAUSED)
        self.rules["start"] = lambda request: self._goes(request, session.RUNNING)

    def _status(self, request: dict[str, Any]) -> bytes:
        rows = [
            {"channel": channel, "intensity_ua": set_ua, "output_ua": 0, "measured_ua": 0, "impedance_ohm": 0}
            for channel, set_ua in self.set_ua.items()
        ]
        return ok(request["seq"], state=self.state, fault=0, elapsed_ms=0, duration_ms=900_000, channels=rows)

    def _intensity(self, request: dict[str, Any]) -> bytes:
        channel, current_ua = request["channel"], request["current_ua"]
        self.steps.append((channel, current_ua))
        self.set_ua[channel] = current_ua
        return ok(request["seq"], channel=channel, current_ua=current_ua, limit_ua=40_000, limit_source="x")

    def _goes(self, request: dict[str, Any], state: str) -> bytes:
        self.state = state
        self.set_ua = dict.fromkeys(self.set_ua, 0)
        return ok(request["seq"], state=state)


class Keys:
    """Keys that are pressed together, a list for each time they are asked for; then the terminal is gone."""

    def __init__(self, *pressed: list[str]) -> None:
        self._pressed = [[], *pressed]

    def read(self, timeout_s: float) -> list[str]:
        if not self._pressed:
            raise Gone
        return self._pressed.pop(0)


class Said:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.scenes: list[tuple[str, dict[int, int]]] = []

    def show(self, scene: Scene) -> None:
        self.scenes.append((scene.state, dict(scene.intensities_ua)))

    def say(self, text: str) -> None:
        self.texts.append(text)


def pressed(
    board: Board,
    *keys: list[str],
    wanted_ua: dict[int, int] | None = None,
    begin_ua: dict[int, int] | None = None,
    resolution_ua: int = 1_000,
) -> Said:
    """What is said when these keys are pressed, one list after the other."""
    said = Said()
    board.set_ua.update(begin_ua or {})
    steps_ua = dict.fromkeys(board.set_ua, resolution_ua)
    device = Device(board)
    device.identity, device.state, device._host, device._owns = {"x": 1}, session.RUNNING, 12, True
    hand = Hand(device, Keys(*keys), said, Scene("A title", 40_000, "the prescription"), steps_ua, wanted_ua or {})
    try:
        hand.carry_on(None, lambda: True)
    except Gone:
        said.texts.append("GONE")
    return said


@pytest.mark.parametrize("key", ["up", "UP", "+", "="])
def test_up_is_one_step(key: str) -> None:
    board = Board()
    pressed(board, [key])
    assert board.steps == [(0, 1_000)]


@pytest.mark.parametrize("key", ["down", "-", "_"])
def test_down_is_one_step_and_ends_at_zero(key: str) -> None:
    board = Board()
    pressed(board, [key], [key], begin_ua={0: 1_500})
    assert board.steps == [(0, 500), (0, 0)]
    board = Board()
    assert "channel 0 is at zero" in pressed(board, [key]).texts
    assert board.steps == []


def test_nothing_is_raised_by_itself() -> None:
    board = Board()
    pressed(board, *[[]] * 50)
    assert board.steps == [] and "intensity" not in board.commands()


def test_of_ups_that_have_waited_one_counts() -> None:
    board = Board()
    pressed(board, ["up"] * 30)
    assert board.steps == [(0, 1_000)]


def test_downs_that_have_waited_count_all_at_once_and_before_any_up() -> None:
    board = Board()
    pressed(board, ["up", "up", "down", "up", "down", "r", "up"], begin_ua={0: 5_000})
    assert board.steps == [(0, 3_000)]
    assert "start" not in board.commands()


@pytest.mark.parametrize("stop", ["s", "S", "q", " ", "escape", "\x04", "\x1a", "\x1c"])
def test_stop_goes_before_everything(stop: str) -> None:
    board = Board()
    said = pressed(board, ["up", "p", "down", stop, "up"], ["up"])
    assert board.commands() == ["status"]  # and whoever called it stops the session
    assert "GONE" not in said.texts


def test_a_stop_that_was_pressed_before_the_start_counts_and_an_up_does_not() -> None:
    board = Board()
    hand = Keys(["up"])
    hand._pressed.pop(0)
    device = Device(board)
    device.state, device._host, device._owns = session.RUNNING, 12, True
    with pytest.raises(Gone):
        Hand(device, hand, Said(), Scene("t", 1, "x"), {0: 1_000}).carry_on(None, lambda: True)
    assert board.steps == []
    hand = Keys(["s"], ["up"])
    hand._pressed.pop(0)
    Hand(device, hand, Said(), Scene("t", 1, "x"), {0: 1_000}).carry_on(None, lambda: True)
    assert board.steps == []


def test_pause_goes_before_down_and_up_and_it_goes_on_from_zero() -> None:
    board = Board()
    said = pressed(board, ["up", "down", "p"], ["r", "up"], begin_ua={0: 5_000})
    assert board.steps == []
    assert [command for command in board.commands() if command in ("pause", "start")] == ["pause", "start"]
    assert said.scenes[-1] == (session.RUNNING, {})
    assert "goes on, from zero" in said.texts


def test_channels_are_chosen_and_named() -> None:
    board = Board((0, 1))
    pressed(board, ["up"], ["\t"], ["up"], ["c"], ["1", "up"], ["7"])
    assert board.steps == [(0, 1_000), (1, 1_000), (1, 2_000)]
    board = Board((0, 1))
    pressed(board, ["down", "down", "1", "down"], begin_ua={0: 5_000, 1: 5_000})
    assert sorted(board.steps) == [(0, 3_000), (1, 4_000)]
    assert "the prescription does not use channel 7" in pressed(Board((0, 1)), ["7"]).texts


def test_with_one_channel_a_digit_is_no_key() -> None:
    board = Board()
    said = pressed(board, ["1", "x", "other"])
    assert board.steps == [] and board.commands() == ["status"]
    assert sum("is no key here" in text for text in said.texts) == 3


def test_a_refusal_is_said_and_changes_nothing() -> None:
    board = Board()
    reasons = [reason("above_limit", "current_ua", 6_000, 5_500, "the prescription")]
    board.rules["intensity"] = lambda request: refused(request["seq"], "refused", reasons)
    said = pressed(board, ["up"], begin_ua={0: 5_000})
    assert "refused: intensity is 6 mA; at most 5.5 mA is allowed (the prescription)" in said.texts
    assert said.scenes[-1] == (session.RUNNING, {0: 5_000})


@pytest.mark.parametrize("key", ["up", "down", "p"])
def test_a_key_ends_what_the_command_line_raises_by_itself(key: str) -> None:
    board = Board()
    pressed(board, *[[]] * 20, [key], *[[]] * 100, wanted_ua={0: 10_000})
    by_itself = [current for _, current in board.steps]
    assert by_itself[0] == 1_000 and max(by_itself) < 4_000
    board = Board()
    pressed(board, *[[]] * 200, wanted_ua={0: 10_000})
    assert board.set_ua == {0: 10_000}


def test_a_session_that_nobody_sees_ends() -> None:
    board = Board()
    device = Device(board)
    device.state, device._host = session.RUNNING, 12
    Hand(device, Keys(["up"]), Said(), Scene("t", 1, "x"), {0: 1_000}).carry_on(None, lambda: False)
    assert board.steps == []


# ---- steps ----


@pytest.mark.parametrize(("step_ua", "resolution_ua", "is_so"), [(None, 100, 1_000), (None, 300, 900), (500, 100, 500)])
def test_the_step_is_what_was_asked_or_the_largest_that_the_device_takes(
    step_ua: int | None, resolution_ua: int, is_so: int
) -> None:
    assert check_step(step_ua, resolution_ua, "reference") == is_so


@pytest.mark.parametrize(
    ("step_ua", "code"), [(1_001, "step_too_large"), (1_100, "step_too_large"), (0, "not_representable"),
                          (50, "not_representable"), (250, "not_representable")]
)  # fmt: skip
def test_a_step_that_cannot_be_is_refused(step_ua: int, code: str) -> None:
    with pytest.raises(Refused) as caught:
        check_step(step_ua, 100, "reference")
    assert caught.value.reasons[0]["code"] == code


def test_the_keys_are_said_with_their_step() -> None:
    assert "0.5 mA more" in keys_in_words({0: 500}) and "channel" not in keys_in_words({0: 500})
    assert "0.9 or 1 mA more" in keys_in_words({0: 1_000, 1: 900}) and "channel" in keys_in_words({0: 1_000, 1: 900})


# ---- plain lines ----


def test_plain_lines_say_what_changes_and_everything_each_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"channel": 0, "output_ua": 0, "measured_ua": 0, "impedance_ohm": 480, "rate_mhz": 35_000, "width_us": 250}
    scene = Scene("t", 40_000, "the prescription", keys="keys: many", state="RUNNING")
    lines = Lines()

    def said(at_s: int) -> str:
        scene.status = {"elapsed_ms": at_s * 1000, "duration_ms": 900_000, "channels": [row], "phase": "work"}
        lines.show(scene)
        return capsys.readouterr().err

    first = said(0)
    assert "keys: many" in first
    line = "channel 0: set 0 mA, limit 40 mA (the prescription), now 0 mA, measured 0 mA into 480 ohm, 35 Hz, 250 us"
    assert line in first and "900 s left" in first
    assert said(1) == said(9) == ""
    assert "890 s left" in said(10) and "keys" not in said(10)
    scene.intensities_ua = {0: 2_000}
    assert "set 2 mA" in said(11)
    scene.state = "PAUSED"
    assert "PAUSED" in said(11)
    scene.warning = "warning: look"
    assert said(12) == "warning: look\n" and said(13) == ""


# ---- a person at a real terminal, the real firmware on the virtual board ----

Runs = Callable[..., Any]


@pytest.fixture
def runs(virtual_board: None, example_file: Path) -> Runs:
    def begin(*more: str, **options: Any) -> Any:
        arguments = [str(example_file) if each == "FILE" else each for each in RUN]
        return at_terminal(*arguments, *more, **options)

    return begin


@pytest.fixture
def two_channels(example_file: Path) -> None:
    text = example_file.read_text()
    example_file.write_text(text + "\n[[channel]]\nchannel = 0\n\n[[channel]]\nchannel = 1\ndelay_s = 0.01\n")


VIEWS: list[dict[str, Any]] = [{}, {"more": ("--plain",)}, {"TERM": "dumb"}, {"NO_COLOR": "1"}]


@pytest.fixture(params=VIEWS, ids=["picture", "plain", "dumb", "no colour"])
def person(request: pytest.FixtureRequest, runs: Runs) -> Iterator[Person]:
    settings = dict(request.param)
    with runs(*settings.pop("more", ()), **settings, new=True) as who:
        yield who


def test_up_down_pause_resume_and_stop(person: Person) -> None:
    before = person.settings()
    person.sees("s, Space or Esc: stop")
    place, _ = person.sees("channel 0: set 0 mA, limit 40 mA (the prescription)")
    assert person.text.count("900 s left") > 0
    person.raises_to("channel 0: set 1 mA")
    person.raises_to("channel 0: set 2 mA", "+")
    place = person.press(DOWN)
    person.sees("channel 0: set 1 mA", start=place)
    place = person.press("p")
    person.sees("PAUSED", start=place)
    place = person.press(UP)
    person.sees("refused: intensity is not possible in state PAUSED", start=place)
    place = person.press("r")
    place, _ = person.sees("RUNNING", start=place)
    person.sees("channel 0: set 0 mA", start=place)
    person.raises_to("channel 0: set 1 mA")
    person.press("s")
    status, said = person.result()
    assert (status, said["done"], said["ended"], said["interrupted"], said["unseen"]) == (
        0, True, "stopped", False, False
    )  # fmt: skip
    assert 0 < said["account"]["channels"][0]["current_most_ua"] <= 2_000
    assert person.settings() == before != []


def test_the_pictures_differ_but_not_what_they_say(runs: Runs) -> None:
    with runs() as moving:
        moving.raises_to("set 1 mA")
        moving.press("s")
        moving.result()
    with runs("--plain") as plain:
        plain.raises_to("set 1 mA")
        plain.press("s")
        plain.result()
    with runs(NO_COLOR="1") as colourless:
        colourless.raises_to("set 1 mA")
        colourless.press("s")
        colourless.result()
    assert "\x1b[" in moving.raw and "\x1b[" not in plain.raw
    assert "\x1b[33m" not in colourless.raw and "\x1b[31m" not in colourless.raw
    for part in ("of 900 s", "s left", "limit 40 mA (the prescription)", "measured", "35 Hz, 250 us", "pulses"):
        assert part in moving.text and part in plain.text


def test_the_step_is_the_one_that_was_asked_for(runs: Runs) -> None:
    with runs("--step", "0.5", "--plain") as person:
        person.sees("0.5 mA more")
        person.raises_to("set 0.5 mA")
        person.press(" ")
        assert person.result()[1]["account"]["channels"][0]["current_most_ua"] <= 500


@pytest.mark.usefixtures("two_channels")
def test_both_channels_are_in_view_and_each_has_its_own_current(runs: Runs) -> None:
    with runs() as person:
        person.sees("channel 0 (keys): set 0 mA")
        person.sees("channel 1: set 0 mA")
        person.raises_to("channel 0 (keys): set 1 mA")
        place = person.press("1")
        person.sees("channel 1 (keys): set 0 mA", start=place)
        person.raises_to("channel 1 (keys): set 1 mA")
        person.sees("channel 0: set 1 mA", start=place)
        person.press("\x1b")
        status, said = person.result()
    assert (status, said["ended"]) == (0, "stopped")
    assert [row["channel"] for row in said["account"]["channels"]] == [0, 1]


@pytest.mark.parametrize("key", ["\x03", "\x04", "\x1a", "\x1c", "q", " ", "\x1b"], ids=repr)
def test_every_key_that_ends_other_programs_stops_the_session(runs: Runs, key: str) -> None:
    with runs() as person:
        person.raises_to("set 1 mA")
        person.press(key)
        status, said = person.result()
    interrupted = key == "\x03"
    assert (status, said["ended"], said["interrupted"]) == (int(interrupted), "stopped", interrupted)
    assert said["status"]["state"] == session.IDLE


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_session_and_gives_the_terminal_back(runs: Runs, number: signal.Signals) -> None:
    with runs(new=True) as person:
        before = person.settings()
        person.raises_to("set 1 mA")
        assert person.settings() != before
        person.process.send_signal(number)
        status, said = person.result()
        assert person.settings() == before
    assert (status, said["ended"], said["interrupted"]) == (1, "stopped", True)


def test_a_terminal_that_is_closed_stops_the_session(runs: Runs) -> None:
    with runs() as person:
        person.raises_to("set 1 mA")
        person.hangs_up()
        out, _ = person.process.communicate(timeout=120)
    said = json.loads(out)
    assert (person.process.returncode, said["ended"], said["status"]["state"]) == (1, "stopped", session.IDLE)
    assert said["interrupted"] or said["unseen"]


def test_keys_that_were_pressed_before_it_ran_raise_nothing(runs: Runs) -> None:
    with runs("--plain") as person:
        person.press("+++++")
        place, _ = person.sees("channel 0: set 0 mA")
        person.press("i")
        person.sees("channel 0: set 0 mA", start=place)
        person.press("s")
        assert person.result()[1]["account"]["channels"][0]["current_most_ua"] == 0
        assert "set 1 mA" not in person.text


def test_it_ends_by_itself_at_the_end_and_after_seconds(runs: Runs) -> None:
    with runs("--seconds", "1") as person:
        status, said = person.result()
    assert (status, said["ended"]) == (0, "stopped")
    assert 900 <= said["account"]["elapsed_ms"] <= 1_200


def test_what_the_command_line_raises_is_shown(runs: Runs) -> None:
    with runs("--intensity", "3", "--seconds", "30") as person:
        status, said = person.result()
    assert (status, said["ended"]) == (0, "stopped")
    assert 2_900 <= said["account"]["channels"][0]["current_most_ua"] <= 3_100
    assert "set 3 mA" in person.text


def test_without_a_terminal_a_step_is_not_understood(virtual_board: None, example_file: Path) -> None:
    done = processes.ran("run", example_file, "--port", "virtual", "--step", "0.5", "--acknowledge")
    assert done.returncode == 2 and "--step is for the keys of a terminal" in done.stderr


def test_plain_lines_without_a_keyboard_too(virtual_board: None, example_file: Path) -> None:
    done = processes.ran(
        "run", example_file, "--port", "virtual", "--plain", "--acknowledge", "--intensity", "2", "--seconds", "15"
    )
    assert done.returncode == 0
    assert "channel 0: set 2 mA, limit 40 mA (the prescription)" in done.stderr
    assert "arrow" not in done.stderr


def test_a_step_of_more_than_the_device_takes_is_refused_before_anything_moves(runs: Runs) -> None:
    for step, says in (("1.1", "at most 1 mA"), ("0.25", "0.2 and 0.3 mA")):
        with runs("--step", step) as person:
            status, said = person.result()
        assert (status, said["done"]) == (1, False)
        assert says in person.text and "running" not in person.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("devices",), "looking for boards"),
        (("doctor",), "looking at this computer"),
        (("plot", "FILE", "-o", "FILE.png"), "drawing"),
        (("push", "FILE", "--port", "virtual", "--checked-by", ""), "pushing Stress incontinence, 35 Hz: "),
        (("reset", "--factory", "--yes", "--port", "virtual"), "resetting"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_what_takes_its_time_says_so_on_a_terminal_and_nowhere_else(
    virtual_board: None, example_file: Path, arguments: tuple[str, ...], says: str
) -> None:
    line = [argument.replace("FILE", str(example_file)) for argument in arguments]
    with at_terminal(*line) as person:
        person.sees(says)
        person.ends()
    assert says not in processes.ran(*line).stderr

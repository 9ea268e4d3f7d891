"""A device's face in real time: presses last as long as they were asked for, in the device's time."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from nmes.core import buttons
from opennmes.ports.errors import PortError
from opennmes.ports.lamps import Lamps
from opennmes.ports.pace import GIVEN_UP_S, MEASURED_S, SLICE_S, Pace, RealTime
from opennmes.screen import Screen


class ShortLife:
    """A face that notes when it was pressed, and dies after some slices."""

    def __init__(self, slices: int, meanwhile: Callable[[int], None] = lambda slice_: None) -> None:
        self.slices = 0
        self.presses: list[tuple[int, int]] = []
        self.closed = False
        self._most = slices
        self._meanwhile = meanwhile
        self.signals: list[tuple[int, int | None]] = []

    def signal(self, mv: int | None) -> None:
        self.signals.append((self.slices, mv))

    def pixels(self) -> Screen:
        return Screen().with_page(0, bytes([self.slices % 256] * 128))

    def lamps(self) -> Lamps:
        return Lamps(ready=True)

    def press(self, mask: int) -> None:
        self.presses.append((self.slices, mask))

    def wait(self, seconds: float) -> None:
        assert seconds == SLICE_S
        self._meanwhile(self.slices)
        self.slices += 1
        if self.slices >= self._most:
            raise PortError("its life is over")

    def now_s(self) -> float:
        return self.slices * SLICE_S

    def close(self) -> None:
        self.closed = True


def lived(pace: Pace) -> Pace:
    pace.begin()
    pace._thread.join(60)
    assert not pace._thread.is_alive()
    return pace


def test_a_press_lasts_as_long_as_asked_for_and_ends_by_itself() -> None:
    face = ShortLife(40)
    pace = Pace(face, face.now_s)
    pace.press(buttons.START, 10 * SLICE_S)
    pace.press(buttons.DOWN, 0.5 * SLICE_S)
    lived(pace)
    assert face.presses == [(0, buttons.START | buttons.DOWN), (1, buttons.START), (10, 0)]


def test_a_key_that_is_repeated_is_one_press_that_lasts() -> None:
    paces = []

    def repeated(slice_: int) -> None:
        if slice_ < 20 and slice_ % 3 == 0:
            paces[0].press(buttons.UP, 5 * SLICE_S)

    face = ShortLife(40, repeated)
    paces.append(Pace(face, face.now_s))
    lived(paces[0])
    # Pressed in slice 0, 3 to 18; the last one lasts for five more.
    assert face.presses == [(1, buttons.UP), (24, 0)]


def test_letting_go_ends_all_presses() -> None:
    paces = []
    face = ShortLife(20, lambda slice_: paces[0].let_go() if slice_ == 5 else None)
    paces.append(Pace(face, face.now_s))
    paces[0].press(buttons.START, 100)
    lived(paces[0])
    assert face.presses == [(0, buttons.START), (6, 0)]


def test_a_signal_is_there_from_the_next_slice_on_and_none_is_left_out() -> None:
    paces = []

    def moved(slice_: int) -> None:
        if slice_ == 4:
            for mv in (200, None):
                paces[0].signal(mv)

    face = ShortLife(20, moved)
    paces.append(Pace(face, face.now_s))
    paces[0].signal(100)
    lived(paces[0])
    assert face.signals == [(0, 100), (5, 200), (6, None)]


def test_what_was_last_seen_is_there_and_why_it_ended() -> None:
    face = ShortLife(11)
    pace = lived(Pace(face, face.now_s))
    assert pace.seen.pixels.pages[0][0] == 10 and pace.seen.lamps == Lamps(ready=True)
    assert pace.seen.now_s == pytest.approx(10 * SLICE_S)
    assert str(pace.failure) == "its life is over"
    pace.end()
    assert face.closed


@pytest.mark.parametrize("factor", [1, 5, 25])
def test_how_much_slower_than_real_it_is_is_measured(factor: int) -> None:
    face = ShortLife(300)
    pace = lived(Pace(face, lambda: factor * face.now_s()))
    assert pace.speed == pytest.approx(1 / factor, rel=0.02)


def test_it_is_measured_from_the_first_slice_on_and_nobody_knows_before() -> None:
    face = ShortLife(2)
    pace = Pace(face, lambda: 30 * face.now_s())
    assert pace.speed is None
    lived(pace)
    assert pace.speed == pytest.approx(1 / 30)


def test_a_device_that_stands_still_gets_slower_while_it_does() -> None:
    late_s = [0.0]
    face = ShortLife(300)
    pace = lived(Pace(face, lambda: face.now_s() + late_s[0]))
    assert pace.speed == pytest.approx(1, rel=0.02)
    late_s[0] = 100 * MEASURED_S
    assert pace.speed is not None and pace.speed < 0.02


def test_when_it_becomes_slower_that_is_seen_within_twice_the_time_for_which_it_is_measured() -> None:
    face = ShortLife(600)
    pace = lived(Pace(face, lambda: face.now_s() if face.slices < 400 else 8 + 10 * (face.now_s() - 8)))
    assert pace.speed == pytest.approx(0.1, rel=0.02)


def test_it_never_runs_ahead_of_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    face = ShortLife(100)
    wall = itertools.count()
    waited: list[float] = []
    pace = Pace(face, lambda: next(wall) * 0.001 + sum(waited))
    monkeypatch.setattr(pace._over, "wait", waited.append)
    lived(pace)
    assert sum(waited) == pytest.approx(99 * SLICE_S, rel=0.2)


def test_after_a_long_stop_it_does_not_race_to_catch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    face = ShortLife(100)
    waited: list[float] = []

    def wall_s() -> float:
        return sum(waited) + (60.0 if face.slices > 50 else 0.0)

    pace = Pace(face, wall_s)
    monkeypatch.setattr(pace._over, "wait", waited.append)
    lived(pace)
    # The minute is not made up for: before and after it each slice is waited for.
    assert len(waited) >= 97 and sum(waited) == pytest.approx(98 * SLICE_S, abs=GIVEN_UP_S / 10)


def test_the_device_never_gets_further_ahead_than_it_fell_behind_and_no_more_than_that_is_made_up_for() -> None:
    real = RealTime(5.0, 100.0)
    assert real.ahead_s(5.02, 100.0) == pytest.approx(0.02)
    assert real.ahead_s(5.02, 100.4) == 0  # behind, and caught up without a wait
    assert real.ahead_s(5.40, 100.4) == 0
    assert real.ahead_s(5.42, 100.4) == pytest.approx(0.02)
    assert real.ahead_s(5.42, 160.0) == 0  # the computer slept: from here on
    assert real.ahead_s(5.44, 160.0) == pytest.approx(0.02)


def test_two_presses_with_a_button_in_both_are_no_other_button() -> None:
    face = ShortLife(10)
    pace = Pace(face, face.now_s)
    pace.press(buttons.START, 2 * SLICE_S)
    pace.press(buttons.START | buttons.UP, 4 * SLICE_S)
    lived(pace)
    assert face.presses == [(0, buttons.START | buttons.UP), (4, 0)]


def test_what_never_began_can_be_ended() -> None:
    face = ShortLife(1)
    Pace(face, face.now_s).end()
    assert face.closed


def test_a_bug_is_a_failure_too_and_no_picture_that_stands_still() -> None:
    def bug(slice_: int) -> None:
        if slice_ == 3:
            raise ZeroDivisionError("a bug")

    face = ShortLife(10, bug)
    assert isinstance(lived(Pace(face, face.now_s)).failure, ZeroDivisionError)


def test_what_comes_of_the_end_itself_is_no_failure() -> None:
    paces: list[Pace] = []

    def ended(slice_: int) -> None:
        if slice_ == 2:
            paces[0]._over.set()
            raise PortError("the virtual board is closed")

    face = ShortLife(10, ended)
    paces.append(Pace(face, face.now_s))
    assert lived(paces[0]).failure is None

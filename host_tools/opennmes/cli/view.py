"""What a person sees of a running session: a picture that stays in place, or the same content as plain lines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.live import Live
from rich.text import Text

from nmes.core.trigger import SWITCH
from opennmes.cli.output import err, words
from opennmes.device.client import Message

PLAIN_EVERY_MS = 10_000  # of the session: so often plain lines say everything, changed or not

_BAR_COLUMNS = 21  # an odd number: the threshold is in the middle
_CALM_MS = 1_000  # a message of something refused stays in the picture at least so long


@dataclass
class Scene:
    """All that is shown: the last status of the device, and what is known since."""

    title: str
    limit_ua: int
    limit_source: str
    keys: str = ""  # the keys and what they do
    status: Message = field(default_factory=dict)
    state: str = ""
    intensities_ua: dict[int, int] = field(default_factory=dict)
    warning: str = ""  # stays until the end
    selected: int | None = None  # the channel that the keys are for, where there are two

    def head(self) -> str:
        """State, place in the programme and time left."""
        status = self.status
        elapsed_s, duration_s = status.get("elapsed_ms", 0) / 1000, status.get("duration_ms", 0) / 1000
        left_s = max(0.0, duration_s - elapsed_s)
        place = f"{status.get('phase', '')} {status.get('part', '')}".strip()
        return (
            f"{self.state}  {place + '  ' if place else ''}{elapsed_s:.0f} of {duration_s:.0f} s, {left_s:.0f} s left  "
            f"{status.get('delivered', 0)} pulses"
        )

    def channels(self) -> list[str]:
        """A line for each channel; the one that the keys are for is named so. And one for what starts the contractions,
        where that is not time."""
        rows = [self._channel(row) for row in self.status.get("channels", ())]
        return [*rows, *trigger_in_words(self.status)]

    def _channel(self, row: Message) -> str:
        channel = row["channel"]
        set_ua = self.intensities_ua.get(channel, 0)
        mark = " (keys)" if channel == self.selected else ""
        rate = f", {row['rate_mhz'] / 1000:g} Hz, {row['width_us']} us" if row.get("rate_mhz") else ""
        return (
            f"channel {channel}{mark}: set {set_ua / 1000:g} mA, limit {self.limit_ua / 1000:g} mA "
            f"({self.limit_source}), now {row['output_ua'] / 1000:g} mA, {measured_in_words(row)}{rate}"
        )


def measured_in_words(row: Message) -> str:
    """What the device measures on a channel."""
    if row["measured_ua"] is None:
        return "nothing is measured"
    load = f"{row['impedance_ohm']} ohm" if row["impedance_ohm"] else "an unknown load"
    return f"measured {row['measured_ua'] / 1000:g} mA into {load}"


def trigger_in_words(status: Message) -> list[str]:
    """What a session that waits for its person hears, has learned and has counted; nothing of another session."""
    seen = status.get("trigger")
    if not seen:
        return []
    mv, threshold_mv = seen["signal_mv"], seen["threshold_mv"]
    counted = f"contractions: {seen['contractions']} begun, {seen['skipped']} missed"
    if seen["source"] == SWITCH:
        return [f"hand switch, {counted}"]
    threshold = f"threshold {threshold_mv} mV" if threshold_mv else f"no threshold yet (tries done: {seen['tries']})"
    bar = [] if mv is None else [f"{mv} mV {_bar(mv, seen['full_mv'], threshold_mv)}"]
    return [f"signal: {', '.join([*bar, threshold, counted])}"]


def _bar(mv: int, full_mv: int, threshold_mv: int | None) -> str:
    """A signal as a bar, as the display has it: what is filled, and the threshold as soon as it is known."""
    columns = ["#" if at < mv * _BAR_COLUMNS // full_mv else "." for at in range(_BAR_COLUMNS)]
    if threshold_mv:
        columns[threshold_mv * _BAR_COLUMNS // full_mv] = "|"
    return f"[{''.join(columns)}]"


class View(Protocol):
    """Shows a session."""

    def show(self, scene: Scene) -> None:
        """Show what is so now."""

    def say(self, text: str) -> None:
        """Say something that happened: a refusal, a key without a meaning; "" when all is well again."""


def may_move() -> bool:
    """Whether standard error is a terminal on which a picture can stay in place."""
    return err.is_terminal and not err.is_dumb_terminal and os.environ.get("TERM", "") != "dumb"


@contextlib.contextmanager
def shown(plain: bool) -> Iterator[View]:
    """The view for this terminal; `plain` for lines only, as a screen reader and a log take them."""
    if plain or not may_move():
        yield Lines()
        return
    # What is printed goes past it to the streams of nmes, which know when nobody can see it any more.
    with Live(
        console=err, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False,
        vertical_overflow="visible",
    ) as live:  # fmt: skip
        yield _Picture(live)


class _Picture:
    def __init__(self, live: Live) -> None:
        self._live = live
        self._lines: list[tuple[str, str]] = []
        self._said = ""
        self._said_at_ms: int | None = None

    def show(self, scene: Scene) -> None:
        now_ms = scene.status.get("elapsed_ms", 0)
        if self._said and self._said_at_ms is None:
            self._said_at_ms = now_ms
        if self._said_at_ms is not None and now_ms - self._said_at_ms > _CALM_MS:
            self._said, self._said_at_ms = "", None
        lines = [(scene.title, "bold"), (scene.head(), "bold"), *[(line, "") for line in scene.channels()]]
        if scene.warning:
            lines.append((scene.warning, "bold red"))
        lines += [(self._said, "yellow"), (scene.keys, "dim")]
        if lines != self._lines:
            self._lines = lines
            self._live.update(Text("\n").join(words(line) for line in lines), refresh=True)

    def say(self, text: str) -> None:
        self._said, self._said_at_ms = text, None


class Lines:
    """Lines, when something changes and every now and then."""

    def __init__(self) -> None:
        self._before: tuple[Any, ...] = ()
        self._at_ms = 0
        self._once: set[str] = set()

    def show(self, scene: Scene) -> None:
        """Print what has changed, and everything again after PLAIN_EVERY_MS."""
        for text in (scene.keys, scene.warning):
            if text not in self._once:
                self._once.add(text)
                self.say(text)
        status = scene.status
        now = (scene.state, status.get("phase"), scene.selected, dict(scene.intensities_ua))
        elapsed_ms = status.get("elapsed_ms", 0)
        if now == self._before and elapsed_ms - self._at_ms < PLAIN_EVERY_MS:
            return
        self._before, self._at_ms = now, elapsed_ms
        for line in (scene.head(), *scene.channels()):
            self.say(line)

    def say(self, text: str) -> None:
        """Print a line."""
        if text:
            err.print(words(text), soft_wrap=True)

"""A session in the hands of a person at a terminal: up, down, channel, pause, resume, stop.

The intensity begins at zero, and each step up is a key that was pressed. What takes current away comes first: of keys
that have waited together, stop goes before pause, pause before down, and down before up; of several ups one counts, so
that a key that is held does not go on when it is let go.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nmes.core import session
from nmes.core.reason import refuse
from opennmes.cli import keys
from opennmes.cli.keys import Keyboard
from opennmes.cli.view import Scene, View
from opennmes.device.client import ACTIVE, STEP_S, Device, DeviceRefused, Message
from opennmes.prescription.explain import explain

_UP = (keys.UP, "+", "=")  # = is + without Shift
_DOWN = (keys.DOWN, "-", "_")
_CHANNEL = ("\t", "c")
_PAUSE = ("p",)
_RESUME = ("r",)
# Ctrl-D, Ctrl-\ and Ctrl-Z end and suspend other programs: here nothing goes on without a person who looks at it.
_STOP = ("s", "q", " ", keys.ESCAPE, "\x04", "\x1a", "\x1c")
_SAY = ("i", "\r", "\n")

_SLICE_S = 0.02  # of the port's clock, between two looks at the keys
_FAST_SLICE_S = 0.25  # where its clock runs ahead of the wall's by more than a second: a virtual board, unwatched


def check_step(step_ua: int | None, resolution_ua: int, stage_name: str) -> int:
    """The step of a channel, in uA, whose intensity goes in multiples of `resolution_ua`: the one that was asked for,
    or the largest that the device takes. Raises Refused."""
    if step_ua is None:
        return int(session.STEP_MAX_UA // resolution_ua * resolution_ua)
    if step_ua > session.STEP_MAX_UA:
        refuse("step_too_large", "step_ua", step_ua, session.STEP_MAX_UA, "OpenNMES session")
    if step_ua < resolution_ua or step_ua % resolution_ua:
        lower_ua = max(resolution_ua, step_ua - step_ua % resolution_ua)
        bound = f"{lower_ua / 1000:g} and {(lower_ua + resolution_ua) / 1000:g} mA"
        refuse("not_representable", "step_ua", step_ua, bound, f"output stage {stage_name}")
    return step_ua


@dataclass
class Hand:
    """What the keys do with the session of `device`. `steps_ua` has the step of each channel; `wanted_ua`, in the same
    order, is how far up each goes by itself because the command line says so: until a key changes anything."""

    device: Device
    keyboard: Keyboard
    view: View
    scene: Scene
    steps_ua: dict[int, int]
    wanted_ua: dict[int, int] = field(default_factory=dict)

    def carry_on(self, seconds: float | None, seen: Callable[[], bool]) -> None:
        """Returns at the end of the session, when a key says stop, after `seconds`, and when what is said of it can be
        seen no more. Raises keys.Gone when the terminal is."""
        device, scene = self.device, self.scene
        self._channel = min(self.steps_ua)
        device.on_event = self._heard
        paced = not any(self.wanted_ua.values())  # a virtual board's time would be over before a key is pressed
        begin_s, began_s = device.port.now_s(), time.monotonic()
        self._raised_s = begin_s - STEP_S
        try:
            scene.status = device.status()
            if any(key.lower() in _STOP for key in self.keyboard.read(0)):  # what was pressed before it could be seen
                return
            self._show()
            while device.state in ACTIVE and seen():
                now_s = device.port.now_s()
                if seconds is not None and now_s - begin_s >= seconds:
                    return
                ahead_s = (now_s - begin_s) - (time.monotonic() - began_s)
                if self._act(self.keyboard.read(max(0.0, ahead_s) if paced else 0.0)):
                    return
                self._raise_as_wanted()
                slice_s = _FAST_SLICE_S if ahead_s > 1 and not paced else _SLICE_S
                device.wait(slice_s if seconds is None else min(slice_s, begin_s + seconds - now_s))
                self._show()
        finally:
            device.on_event = None

    # ---- keys ----

    def _act(self, pressed: list[str]) -> bool:
        """Do what the keys say. Returns whether they say stop."""
        pressed = [key.lower() for key in pressed]
        if any(key in _STOP for key in pressed):
            return True
        if any(key in _PAUSE for key in pressed):
            self._pause()
            return False
        if any(key in _DOWN for key in pressed):
            self._lower(pressed)
            return False
        raised = False
        for key in pressed:
            if key in _UP and not raised:
                self._step(+1)
                raised = True
            elif key in _RESUME:
                self._resume()
                raised = True  # from zero: what was pressed before it went on raises nothing
            elif self._is_channel(key):
                self._select(key)
            elif key in _SAY:
                for text in (self.scene.head(), *self.scene.channels()):
                    self.view.say(text)
            elif key not in _UP:
                self.view.say(f"{key!r} is no key here. {self.scene.keys}")
        return False

    def _lower(self, pressed: list[str]) -> None:
        """All the steps down that have waited, of each channel in one; nothing else but the choice of the channel."""
        downs = dict.fromkeys(self.steps_ua, 0)
        for key in pressed:
            if key in _DOWN:
                downs[self._channel] += 1
            elif self._is_channel(key):
                self._select(key)
        selected = self._channel
        for self._channel, count in downs.items():
            if count:
                self._step(-count)
        self._channel = selected
        self._show()

    def _is_channel(self, key: str) -> bool:
        return len(self.steps_ua) > 1 and (key in _CHANNEL or (key.isdecimal() and key.isascii()))

    def _select(self, key: str) -> None:
        channels = sorted(self.steps_ua)
        if key in _CHANNEL:
            self._channel = channels[(channels.index(self._channel) + 1) % len(channels)]
        elif int(key) in channels:
            self._channel = int(key)
        else:
            self.view.say(f"the prescription does not use channel {key}")
        self._show()

    def _step(self, steps: int) -> None:
        """Steps of the selected channel; down ends at zero."""
        self.wanted_ua = {}
        now_ua = self.device.intensities.get(self._channel, 0)
        target_ua = max(0, now_ua + steps * self.steps_ua[self._channel])
        if target_ua == now_ua:
            self.view.say(f"channel {self._channel} is at zero")
            return
        self._try(lambda: self.device.set_intensity(target_ua, self._channel))

    def _pause(self) -> None:
        self.wanted_ua = {}
        self._try(self.device.pause, "paused: nothing is delivered; r goes on, from zero")

    def _resume(self) -> None:
        self.wanted_ua = {}
        self._try(self.device.start, "goes on, from zero")

    def _try(self, act: Callable[[], Message], done: str = "") -> None:
        """Have the device do something. What it refuses is said, and changes nothing."""
        try:
            act()
        except DeviceRefused as refused:
            why = "; ".join(explain(reason) for reason in refused.reasons) or refused.text
            self.view.say(f"refused: {why}")
        else:
            self.view.say(done)
        self._show()

    # ---- what goes by itself ----

    def _raise_as_wanted(self) -> None:
        """The next step towards what the command line asks for, when the device allows one."""
        device = self.device
        if device.port.now_s() - self._raised_s < STEP_S or device.state != session.RUNNING:
            return
        for channel, current_ua in self.wanted_ua.items():
            if device.intensities.get(channel, 0) < current_ua:
                self._raised_s = device.port.now_s()
                device.step(current_ua, channel)

    def _heard(self, event: Message) -> None:
        if event["event"] == "status":
            self.scene.status = event
        elif event["event"] == "warning":
            self.scene.warning = warning_in_words(event)

    def _show(self) -> None:
        scene, device = self.scene, self.device
        scene.state = device.state
        scene.intensities_ua = dict(device.intensities)
        scene.selected = self._channel if len(self.steps_ua) > 1 else None
        self.view.show(scene)


def keys_in_words(steps_ua: dict[int, int]) -> str:
    """The keys and what they do."""
    steps = sorted({f"{step_ua / 1000:g}" for step_ua in steps_ua.values()})
    channel = "Tab or a digit: channel   " if len(steps_ua) > 1 else ""
    return (
        f"up arrow or +: {' or '.join(steps)} mA more   down arrow or -: less   {channel}p: pause   r: resume   "
        "s, Space or Esc: stop"
    )


def warning_in_words(event: Message) -> str:
    """What the device warns of."""
    if event["warning"] == "few_records":
        return (
            f"warning: after {event['sessions_left']} more sessions a record is overwritten that nobody has taken from "
            "the device: `nmes log --csv FILE --clear` does"
        )
    return (
        f"warning: the load of channel {event['channel']} has grown from {event['first_ohm']} to {event['ohm']} ohm; "
        "at twice as much the session ends. Look at the electrodes"
    )

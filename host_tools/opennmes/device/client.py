"""A device on the other end of a port: its commands, whose session it is, and keeping ours alive."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from nmes.core import checklist, commands, programme, session
from opennmes.device.exchange import AtPrompt as AtPrompt
from opennmes.device.exchange import Exchange
from opennmes.device.exchange import LinkError as LinkError
from opennmes.device.exchange import Message as Message
from opennmes.device.identity import BUILD, differences, mend
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

ACTIVE = (session.ARMED, session.RUNNING, session.PAUSED)
KEEPALIVE_S = 0.5  # the device waits session.HOST_LOST_MS
LOOK_S = 0.25  # so often the status is asked for while a contraction waits for its person: no pulse comes meanwhile
PATIENCE_S = 20.0
STOP_PATIENCE_S = 5.0
STEP_S = session.STEP_EVERY_MS / 1000 * 1.02  # the device's clock and ours may differ a little
_EVENTS_MAX = 10_000  # an hour has 3600


class DeviceRefused(Exception):
    """The device understood the request `command` and refused it; nothing changed.

    `error` is a code of nmes.core.commands.ERRORS, `reasons` a list of what nmes.core.reason makes. A traceback shows
    the reasons in words, as notes.
    """

    def __init__(self, command: str, error: str, text: str, reasons: list[Message]) -> None:
        super().__init__(f"the device refused {command}: {text}")
        self.command = command
        self.error = error
        self.text = text
        self.reasons = reasons
        if reasons:
            from opennmes.prescription.explain import explain  # not above: few commands are refused

            with contextlib.suppress(KeyError, TypeError):  # a device of another version may say something else
                for reason in reasons:
                    self.add_note(f"- {explain(reason)}")


class Device:
    """Speaks with the firmware through a port.

    As a context manager it ends its own session on the way out, however that is, and closes the port; the session of
    another host it leaves alone. Unasked messages go to `events` (the last ten thousand) and to `on_event`. Requests
    raise DeviceRefused, LinkError and PortError.
    """

    tells_time = True  # `connect` tells the device what time it is

    def __init__(self, port: Port, on_event: Callable[[Message], None] | None = None) -> None:
        self.port = port
        self.on_event = on_event
        self.events: deque[Message] = deque(maxlen=_EVENTS_MAX)
        self.identity: Message = {}
        self.state = ""  # as last heard
        self.intensities: dict[int, int] = {}  # of each channel, as last heard; one that is not in it is at zero
        self.resolutions: dict[int, int] = {}  # the step of each channel's intensity, as `load` said it
        self.clock_refused = ""  # why the device did not take our time of day
        # Gives what stands beside a command's arguments on a locked device (device/locking.py).
        self.sign: Callable[[str, Message], Message] | None = None
        self.exchange = Exchange(port, self._happened)
        self._host: int | None = None  # our number, once the device has given us one
        self._owns = False  # the session that is going on is ours, or may be
        self._waits = False  # a contraction for its person, as last heard

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._owns and self.state in ACTIVE:
                self.request("stop", patience_s=STOP_PATIENCE_S)
        except (PortError, LinkError, DeviceRefused):
            # The device stops by itself 2 s after the last line; what ended the session is already on its way up.
            if error is None:
                raise
        finally:
            self.port.close()

    def connect(self) -> Message:
        """Find out who is there, whether we speak the same language, and which number we have there. Returns the answer
        to `identify`."""
        identity = self.introduce()
        self._host = None  # not before we know that it speaks our language
        theirs = identity.get("protocol"), identity.get("table")
        ours = commands.PROTOCOL, commands.crc()
        if theirs != ours:
            raise self._other_firmware(
                identity,
                f"the firmware, version {identity.get('version')}, has another command table than these host tools "
                f"(protocol and table {theirs}, here {ours})",
            )
        if identity.get("checklist") != checklist.VERSION:
            raise self._other_firmware(
                identity,
                f"the firmware has version {identity.get('checklist')} of the checklist, these host tools have "
                f"{checklist.VERSION}",
            )
        if different := differences(identity):
            raise self._other_firmware(
                identity,
                "the device runs something else than belongs to these host tools: "
                f"{'; '.join(different)}. With other facts a current could be another than you set",
            )
        self.identity = identity
        self._host = int(identity["host"])
        if self.tells_time:
            self._tell_time()
        return identity

    def _tell_time(self) -> None:
        now_s = int(time.time())
        try:
            self.set_clock(now_s)
        except DeviceRefused as refused:  # in a session it is told another time
            if refused.error in ("refused", "bad_argument"):
                taken = next((row["bound"] for row in refused.reasons if row["code"] == "clock_back"), None)
                self.clock_refused = _why_not_this_time(now_s, taken)

    def set_clock(self, unix_s: int, *, back: bool = False) -> Message:
        """Tell the device what time it is; `back`: a person says so, although the device knows a later one."""
        return self.request("clock", unix_s=unix_s, back=int(back))

    def introduce(self, patience_s: float = PATIENCE_S) -> Message:
        """The first half of `connect`: find out who is there and take our number, whatever firmware it is. For what
        flashes or lists boards; sessions need `connect`."""
        # Ends half a line of whoever was here before, and at a MicroPython prompt makes it show itself.
        self.port.write(b"\r\n")
        identity = self.request("identify", patience_s=patience_s)
        host = identity.get("host")
        self._host = host if isinstance(host, int) else None
        return identity

    # ---- requests ----

    def request(self, cmd: str, *, patience_s: float = PATIENCE_S, **arguments: Any) -> Message:
        """Send a command and return the fields of its answer.

        A line that got lost or damaged is sent again, unchanged: the device does not carry it out twice. A device that
        does not know us (any more) gives us a number first.
        """
        if self._host is None and cmd in commands.COMMANDS and commands.COMMANDS[cmd].who == commands.HOST:
            self.connect()
        if self.sign is not None:
            arguments = {**arguments, **self.sign(cmd, arguments)}
        answer = self._ask(cmd, patience_s, arguments)
        if answer.get("error") == "unknown_host" and self._host is not None:
            self.connect()
            answer = self._ask(cmd, patience_s, arguments)
        return self._outcome(cmd, answer)

    def _ask(self, cmd: str, patience_s: float, arguments: Message) -> Message:
        host = {} if self._host is None or cmd == "identify" else {"host": self._host}
        return self.exchange.ask(cmd, patience_s, {**host, **arguments}, introduced=bool(self.identity))

    def status(self) -> Message:
        """Everything that changes, see nmes.core.session.STATUS_FIELDS; and `trigger` in a session that waits for its
        person, see nmes.core.trigger.STATUS_FIELDS."""
        return self.request("status")

    def load(self, data: Message) -> Message:
        """Have the device check a programme and keep it."""
        answer = self.request("load", programme=data)
        if answer["programme_crc"] != programme.crc(data):
            raise LinkError(
                f"{self.port.name}: the device has kept another programme than it was sent (its CRC-32 differs); "
                "nothing was started: do not use this device with this prescription, and report it"
            )
        self._loaded(answer)
        return answer

    def select(self, number: int) -> Message:
        """Have the device load a prescription that it keeps."""
        answer = self.request("select", number=number)
        self._loaded(answer)
        return answer

    def _loaded(self, answer: Message) -> None:
        self.resolutions = {row["channel"]: row["resolution_ua"] for row in answer.get("channels", ())}

    def acknowledge(self) -> Message:
        """Say that a person has confirmed every item of nmes.core.checklist. Only call it when one has."""
        return self.request("acknowledge", checklist=checklist.VERSION, items=len(checklist.ITEMS))

    def arm(self, programme_crc: int) -> Message:
        """Get ready at zero intensity for the programme that was loaded. The session is ours from then on."""
        state, owns = self.state, self._owns
        self.state, self._owns = session.ARMED, True
        try:
            answer = self.request("arm", programme_crc=programme_crc)
        except DeviceRefused:
            if self.state == session.ARMED:
                self.state = state
            self._owns = owns and self.state in ACTIVE
            raise
        except (LinkError, PortError):
            self.state, self._owns = session.ARMED, True  # it may be, even if its answer never came
            raise
        self._owns = True
        return answer

    def start(self) -> Message:
        """Start, or go on after a pause; at zero intensity."""
        self.intensities = {}
        return self.request("start")

    @property
    def intensity_ua(self) -> int:
        """The peak current of channel 0, as last heard."""
        return self.intensities.get(0, 0)

    def set_intensity(self, current_ua: int, channel: int = 0) -> Message:
        """Set the peak current of a channel in one step."""
        answer = self.request("intensity", channel=channel, current_ua=current_ua)
        self.intensities[channel] = int(answer["current_ua"])
        return answer

    def step_towards(self, current_ua: int, channel: int = 0) -> None:
        """Set the peak current to `current_ua`, or as far up as the device allows at once, and wait until the next step
        is possible."""
        self._step_or_wait(current_ua, channel)
        self.wait(STEP_S)

    def step(self, current_ua: int, channel: int = 0) -> None:
        """The same without the wait: the next step up is possible STEP_S later."""
        resolution_ua = self.resolutions.get(channel, 1)
        step_ua = session.STEP_MAX_UA // resolution_ua * resolution_ua
        was = self.state
        try:
            self.set_intensity(min(current_ua, self.intensities.get(channel, 0) + step_ua), channel)
        except DeviceRefused as refused:
            if was != session.RUNNING or refused.error != "wrong_state":
                raise
            self.status()  # the session has just ended, and the device had no time to say so; now `state` does

    def steps_towards(self, currents_ua: dict[int, int]) -> None:
        """The same for several channels at once; lower ones stay as they are."""
        for channel, current_ua in currents_ua.items():
            if self.intensities.get(channel, 0) < current_ua and self.state == session.RUNNING:
                self._step_or_wait(current_ua, channel)
        self.wait(STEP_S)

    def _step_or_wait(self, current_ua: int, channel: int) -> None:
        """A step; or none yet, where the device's clock is behind ours, as on a slow link: the next try comes later."""
        try:
            self.step(current_ua, channel)
        except DeviceRefused as refused:
            if [each["code"] for each in refused.reasons] != ["step_too_soon"]:
                raise

    def raise_to(self, current_ua: int, channel: int = 0) -> None:
        """Set the peak current in the steps that the device allows; down is one step.

        Returns early when the session ends meanwhile, as `state` then says.
        """
        while self.intensities.get(channel, 0) != current_ua and self.state == session.RUNNING:
            self.step_towards(current_ua, channel)

    def adjust(self, rate_mhz: int, width_us: int, channel: int = 0) -> Message:
        """Set rate and phase width of a channel's running phase, from its next pulse that is not queued yet: the answer
        says from which. With current on, wider only in small steps, as with the intensity, and faster to at most twice
        the rate, every session.STEP_EVERY_MS."""
        return self.request("adjust", channel=channel, rate_mhz=rate_mhz, width_us=width_us)

    def pause(self) -> Message:
        """Nothing after the running pulse; `start` goes on, from zero."""
        return self.request("pause")

    def stop(self) -> Message:
        """End the session. Always allowed."""
        return self.request("stop")

    def self_test(self) -> Message:
        """What the last self-test found: at_ms, passed, and `results`, each a row of the fault's name, whether the
        check passed, what was found and what was expected; up to the first that failed."""
        return self.request("self_test")

    def run_self_test(self) -> Message:
        """Have the device test itself as before arming, with nobody armed; the answer is that of `self_test`. What
        fails is a fault."""
        return self.request("run_self_test")

    def record(self) -> Message:
        """What is kept of the fault that nobody has cleared, see nmes.core.faults.RECORD_FIELDS; None without one."""
        return self.request("record")

    def log(self, after: int = 0) -> Message:
        """The record of the next session after one; opennmes.device.records reads and verifies all of them."""
        return self.request("log", after_session=after)

    def clear(self, number: int) -> Message:
        """Clear the fault that a person has named. Refused when it is another, or its cause is still there."""
        return self.request("clear", fault=number)

    def wait(self, seconds: float) -> None:
        """Let time pass on the port's clock, take events, and keep our session alive."""
        until_s = self.port.now_s() + seconds
        while (now_s := self.port.now_s()) < until_s:
            left_s = until_s - now_s
            every_s = LOOK_S if self._waits else KEEPALIVE_S
            due_s = self.exchange.asked_s + every_s  # compared as it is: a difference may round to no time at all
            if not self._owns or self.state not in ACTIVE:
                self.exchange.read(left_s)
            elif now_s < due_s:
                self.exchange.read(min(left_s, due_s - now_s))
            elif self._waits:
                self._look()
            else:
                self._keepalive()

    def _look(self) -> None:
        """What the person's signal is now. It keeps the session alive as well."""
        status = self.status()
        if self.on_event is not None:
            self.on_event({**status, "event": "status"})

    def _keepalive(self) -> None:
        try:
            self.request("keepalive")
        except DeviceRefused:
            self.status()  # the session has just ended; now `state` says so

    # ---- what the device says ----

    def _happened(self, event: Message) -> None:
        self._heard(event)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def _heard(self, message: Message) -> None:
        self.state = message.get("state", self.state)
        self._owns &= self.state in ACTIVE
        if message.get("state") != session.RUNNING:
            self.intensities = {}
        if "channels" in message:
            self._waits = message.get("trigger", {}).get("signal_mv") is not None
            self.intensities = {row["channel"]: row["intensity_ua"] for row in message["channels"]}

    def _outcome(self, cmd: str, answer: Message) -> Message:
        if not answer["ok"]:
            raise DeviceRefused(cmd, answer.get("error", ""), answer.get("text", ""), answer.get("reasons", []))
        if "state" in answer:
            self._heard(answer)
        return {key: value for key, value in answer.items() if key not in ("seq", "ok")}

    def _other_firmware(self, identity: Message, what: str) -> LinkError:
        command = mend(identity, self.port.name)
        first = "" if command == BUILD else f" (in a checkout after `{BUILD}`)"
        return LinkError(
            f"{self.port.name}: {what}. `{command}`{first} has it run the firmware that belongs to these tools; or use "
            "the tools that belong to the firmware"
        )


def _why_not_this_time(now_s: int, taken_s: int | None) -> str:
    ours = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    if taken_s is None:
        return f"this computer says that it is {ours}, which cannot be; the device did not take it: set its clock right"
    theirs = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(taken_s))
    return (
        f"this computer says that it is {ours}, and the device was told {theirs} before: one of the two is wrong, and "
        "the device keeps the later. Set this computer's right, or switch the device off and on"
    )

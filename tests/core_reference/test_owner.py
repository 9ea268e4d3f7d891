"""Two hosts, echoes, replays and noise in any order: current only flows for a host that armed and still asks anew."""

from typing import Any

import samples
from bench_hal import RESISTOR, Linked
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_link import CHECKED, Other

from nmes.core import commands, frame, programme
from nmes.core.session import FADE_MS, HOST_LOST_MS, RUNNING

TURN_MS = 10
CRC = programme.crc(RESISTOR)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "load": {"programme": RESISTOR},
    "acknowledge": CHECKED,
    "arm": {"programme_crc": CRC},
    "up": {"channel": 0},
    "down": {"channel": 0, "current_ua": 0},
    "clear": {"fault": 3},
    "junk": {"x": 1},
}
NAMES = {"up": "intensity", "down": "intensity", "junk": "keepalive"}
REPLAY, ECHO, NOISE, TIME = "replay", "echo", "noise", "time"

asked = st.tuples(
    st.integers(0, 1),
    st.sampled_from(
        ["identify", "load", "acknowledge", "arm", "start", "start", "up", "up", "up", "down", "keepalive", "status",
         "pause", "stop", "clear", "junk"]
    ),
)  # fmt: skip
steps = st.one_of(
    asked,
    asked,
    st.tuples(st.just(REPLAY), st.integers(0, 10**6)),
    st.tuples(st.just(ECHO), st.integers(1, 5)),
    st.tuples(st.just(NOISE), st.binary(max_size=30)),
    st.tuples(st.just(TIME), st.sampled_from([10, 100, 260, 260, 900, 1_900, 3_100])),
)
# How a session begins, so that most examples have one.
OPENING = [(0, "load"), (0, "acknowledge"), (0, "arm"), (0, "start"), (0, "up"), (TIME, 260), (0, "up"), (TIME, 260)]


class Watched:
    """The device, two hosts, and what is right by this file's own account of what they sent."""

    def __init__(self) -> None:
        self.bench = Linked()
        self.hosts = [Other(self.bench, seq) for seq in (0, 500)]
        self.lines: list[bytes] = []
        self.owner: int | None = None
        self.asked_anew_ms = -(10**9)
        self.flowed = False

    def ask(self, who: int, what: str) -> None:
        host, name = self.hosts[who], NAMES.get(what, what)
        arguments = dict(ARGUMENTS.get(what, {}))
        if what == "up":
            arguments["current_ua"] = samples.first(self.bench.session).intensity_ua + 1_000
        line = host.line(name, **arguments)
        theirs = self.bench.session.owner not in (None, host.number)
        self.lines.append(line)
        del self.bench.answers[:]
        self.bench.bytes(line)
        answers = [frame.decode(answer) for answer in self.bench.answers]
        (answer,) = [answer for answer in answers if answer.get("seq") == host.seq]
        if what == "arm" and answer["ok"]:
            self.owner = who
        if who == self.owner and what != "junk":  # each carries the number of its host, identify too
            self.asked_anew_ms = self.bench.hal.now_ms()
        if theirs and commands.COMMANDS[name].who == commands.HOST:
            # The device remembers few hosts: one that others have pushed out is not known any more.
            assert answer["error"] in ("not_owner", "bad_argument", "unknown_host") or what == "load", answer

    def happens(self, step: tuple[Any, Any]) -> None:
        kind, what = step
        if kind == TIME:
            for _ in range(what // TURN_MS):
                self.bench.alone(TURN_MS)
                self.look()
        elif kind == REPLAY and self.lines:
            line = self.lines[what % len(self.lines)]
            before = self.bench.snapshot()
            self.bench.bytes(line)
            if frame.decode(line)["cmd"] not in ("pause", "stop"):
                assert self.bench.snapshot() == before
        elif kind == ECHO:
            before = self.bench.snapshot()
            for line in list(self.bench.answers[-what:]):
                self.bench.bytes(line)
            assert self.bench.snapshot() == before
        elif kind == NOISE:
            before = self.bench.snapshot()
            self.bench.bytes(what.replace(b"\x03", b"") + b"\n")
            assert self.bench.snapshot() == before
        elif kind in (0, 1):
            self.ask(kind, what)
        self.look()

    def look(self) -> None:
        session, hal = self.bench.session, self.bench.hal
        flows = session.state == RUNNING and samples.first(session).output_ua > 0
        self.flowed |= flows
        assert not hal.enabled() or session.state == RUNNING
        if flows:
            silent_ms = hal.now_ms() - self.asked_anew_ms
            assert silent_ms <= HOST_LOST_MS + FADE_MS, silent_ms
            assert session.owner == self.hosts[self.owner or 0].number


@settings(max_examples=100)
@example([(0, "identify")] * 3 + [(1, "acknowledge")])  # the other host is forgotten
@given(st.lists(steps, max_size=40))
def test_h14_current_flows_only_for_the_owner_who_asks_anew(drawn: list[tuple[Any, Any]]) -> None:
    watched = Watched()
    for step in OPENING:
        watched.happens(step)
    assert watched.flowed
    for step in drawn:
        watched.happens(step)

"""Two emulated boards in one process, wired to each other: the one that is judged, and a witness that runs its own
firmware.

They go in turns, the first one always a little ahead: what its pins do reaches the witness at the very instant, as an
alarm of the witness's clock. What the witness pulls reaches the first board up to LEAD_NANOS and a turn later; while a
command of the host is on its way to the witness the turns are short, so that this is less than half a microsecond.
A pin of a level, with its 250 000 changes a second, reaches the witness as it is at the end of each turn while no state
machine looks at it; whether one does is asked every TURN_NANOS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from rp2040py.gpio_pin import GPIOPinState

from opennmes.emulator.lines import RUN, Lines
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.watcher import Wave

TURN_NANOS, LEAD_NANOS = 20_000, 1_000
SHORT_NANOS, SHORT_LEAD_NANOS = 200, 200  # while the witness may pull a line
LINGERS_NANOS = 3_000_000  # a command that has been taken is carried out within a turn of its main loop


class Turned:
    """A board of a Pair, as a port has it: to let it run is to let both run."""

    def __init__(self, pair: Pair, pico: EmulatedPico) -> None:
        self._pair = pair
        self._pico = pico

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pico, name)

    def boot(self, timeout_s: float = 5.0) -> None:
        """See EmulatedPico."""
        self.run_until(lambda: self._pico.connected, round(timeout_s * 1e9))

    def write(self, data: bytes) -> None:
        """See EmulatedPico."""
        self._pair.spoken_to(self._pico)
        self._pico.write(data)

    def run_for(self, nanos: int) -> None:
        """See EmulatedPico."""
        self._pair.run_for(nanos)

    def run_until(self, predicate: Callable[[], bool], timeout_nanos: int) -> bool:
        """See EmulatedPico."""
        return self._pair.run_until(predicate, timeout_nanos)


class Pair:
    """`wires` as Lines has them; `pulls`: the witness's pins that are open drains, as firmware/witness/wires.py says;
    `go`: its pin that begins a recording, which on silicon can be read back. Both boards have been powered on."""

    def __init__(
        self,
        judged: EmulatedPico,
        stage: OutputStage | None,
        board: Mapping[str, Any],
        witness: EmulatedPico,
        wires: Mapping[int, int],
        pulls: Sequence[int],
        go: int,
    ) -> None:
        self._judged = judged
        self._witness = witness
        self._offset = witness.mcu.clock.nanos - judged.mcu.clock.nanos
        self._short_until = 0.0
        self._arriving: deque[tuple[float, int, int]] = deque()
        self._alarm = witness.mcu.clock.create_alarm(self._arrive)
        self._pulls = pulls
        self._pulled: set[int] = set()
        witness.loopback([go])
        self.lines = Lines(judged, stage, board, wires)
        self.lines.watch(self._leave, self._leave_late)
        self.lines.follow_levels()
        self._waves = {wires[channel[name]] for channel in board["pins"]["channels"] for name in ("level_a", "level_b")
                       if channel[name] in wires}  # fmt: skip
        self._unseen = set(self._waves)  # of these: no machine looks at them
        self._latest: dict[int, int] = {}
        self._weak = {wires[gpio] for gpio in (RUN, board["pins"]["interlock"], board["pins"]["stop_loop"])
                      if gpio in wires}  # fmt: skip
        for gpio in set(wires.values()):
            witness.set_input(gpio, self.lines.levels() >> gpio & 1)
        for gpio in pulls:
            witness.mcu.gpio[gpio].add_listener(self._pulls_changed)
        self.judged = cast(EmulatedPico, Turned(self, judged))
        self.witness = cast(EmulatedPico, Turned(self, witness))

    def spoken_to(self, pico: EmulatedPico) -> None:
        """A command is on its way to a board."""
        if pico is self._witness:
            self._short_until = self._witness.mcu.clock.nanos + LINGERS_NANOS

    def run_for(self, nanos: int) -> None:
        """Let both boards run."""
        self.run_until(lambda: False, nanos)

    def run_until(self, predicate: Callable[[], bool], timeout_nanos: int) -> bool:
        """Let both run until `predicate` holds, which is looked at every TURN_NANOS. Returns whether it did in time."""
        clock = self._witness.mcu.clock
        end = clock.nanos + timeout_nanos
        while not predicate():
            now = clock.nanos
            if now >= end:
                return False
            to = min(now + TURN_NANOS, end)
            seen = {machine.jmp_pin for pio in self._witness.mcu.pio for machine in pio.machines if machine.enabled}
            self._unseen = self._waves - seen
            if now < self._short_until:
                while (now := clock.nanos) < to:
                    self._turn(min(now + SHORT_NANOS, to), SHORT_LEAD_NANOS)
            else:
                self._turn(to, LEAD_NANOS)
        return True

    def _turn(self, to: float, lead: int) -> None:
        """Let the first board run to `lead` nanoseconds after `to`, and then the witness to `to`."""
        judged, witness = self._judged, self._witness
        # A driver returns early when bytes have arrived: the first board may never be behind.
        while (ahead := to + lead - self._offset - judged.mcu.clock.nanos) > 0:
            judged.driver.run(ahead)
        judged.catch_up()
        for gpio, level in self._latest.items():
            witness.set_input(gpio, level)
        self._latest.clear()
        if to > witness.mcu.clock.nanos:
            witness.driver.run(to - witness.mcu.clock.nanos)

    # ---- from the board to the witness ----

    def _leave(self, gpio: int, level: int) -> None:
        if gpio in self._weak and gpio in self._pulled:
            level = 0
        if gpio in self._unseen:
            self._latest[gpio] = level
            return
        at = self._judged.mcu.clock.nanos + self._offset
        self._arriving.append((at, gpio, level))
        if len(self._arriving) == 1:
            self._expect()

    def _leave_late(self, gpio: int, wave: Wave, begin: int, end: int) -> None:
        """Edges of the turn that is over, which is still to come for the witness; see watcher.Late."""
        if gpio in self._unseen:
            self._latest[gpio] = wave.level(end - 1)
            return
        late = [(wave.nanos(number) + self._offset, gpio, wave.level(number)) for number in range(begin, end)]
        self._arriving = deque(sorted([*self._arriving, *late], key=itemgetter(0)))
        self._expect()

    def _expect(self) -> None:
        self._alarm.schedule(max(0.0, self._arriving[0][0] - self._witness.mcu.clock.nanos))

    def _arrive(self) -> None:
        _, gpio, level = self._arriving.popleft()
        if self._arriving:
            self._expect()
        self._witness.set_input(gpio, level)

    # ---- and back ----

    def _pulls_changed(self, _state: GPIOPinState, _before: GPIOPinState) -> None:
        pulled = {gpio for gpio in self._pulls if self._witness.mcu.gpio[gpio].value is GPIOPinState.LOW}
        if pulled != self._pulled:
            self._pulled = pulled
            self.lines.pull(pulled)

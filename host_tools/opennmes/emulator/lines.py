"""The wires between an emulated board and its witness: from each pin of the board to a pin of the witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.watcher import Wave

RUN = -1  # the board's reset, in the place of a pin


class Lines:
    """`wires`: the witness's pin that each pin of the board is joined to, RUN among them; several may go to one, and
    what is not there is open. `stage`: what is around the board's pins, with an emergency stop and a comparator: what
    the witness pulls is pulled there; None for a board by itself, whose two lines are held up by resistors."""

    def __init__(
        self, pico: EmulatedPico, stage: OutputStage | None, board: Mapping[str, Any], wires: Mapping[int, int]
    ) -> None:
        self.pico = pico
        self._stage = stage
        self._wires = dict(wires)
        self._pins = board["pins"]
        self._opened = self._over = False
        self._changed: list[Callable[[int, int], None]] = []
        self._late: list[Callable[[int, Wave, int, int], None]] = []
        self._pulled: set[int] = set()
        self.shorts: list[int] = []  # outputs of the board that were pulled low
        self._stuck: dict[int, int] = {}
        self._levels = dict.fromkeys(self._wires.values(), 0)
        self._driven = {gpio: 0 for gpio in self._wires if gpio != RUN}
        # Pins of levels change 250 000 times a second each: they are read when somebody asks, and followed when told.
        self._waves = {channel[name] for channel in self._pins["channels"] for name in ("level_a", "level_b")}
        self._followed: set[int] = set()
        for gpio in self._driven:
            if gpio not in (self._pins["interlock"], self._pins["stop_loop"]):
                self._driven[gpio] = pico.level(gpio)
                if gpio not in self._waves:
                    self._hear(gpio)
        self._alone = len(set(self._wires.values())) == len(self._wires)
        self._settle()

    def follow_levels(self) -> None:
        """From now on each change of a level's pin is told as well."""
        for gpio in self._waves & set(self._driven) - self._followed:
            self._followed.add(gpio)
            self._hear(gpio)

    def _hear(self, gpio: int) -> None:
        wire = _Wire(self, gpio)
        self.pico.watch(gpio, wire.changed, wire)

    def is_alone(self, gpio: int) -> bool:
        """Whether the wire to the witness's pin has the level of a pin of the board, whatever the others have."""
        return not self._stuck and self._alone and self._wires.get(gpio) not in self._pulled

    def may_be_late(self, gpio: int) -> bool:
        """Whether all who watch may be told later of edges of a pin of the board."""
        return self.is_alone(gpio) and len(self._late) == len(self._changed)

    def changed(self, gpio: int, level: int) -> None:
        """A pin of the board has changed."""
        self._driven[gpio] = level
        witness = self._wires.get(gpio)
        if not self.is_alone(gpio):
            self._settle()
        elif witness is not None and self._levels.get(witness) != level:  # the same, for a wire by itself
            self._levels[witness] = level
            for told in self._changed:
                told(witness, level)

    def told_late(self, gpio: int, wave: Wave, begin: int, end: int) -> None:
        """A pin of the board has changed; see watcher.Late."""
        self._driven[gpio] = wave.level(end - 1)
        witness = self._wires.get(gpio)
        if witness is not None:
            self._levels[witness] = self._driven[gpio]
            for told in self._late:
                told(witness, wave, begin, end)

    def watch(
        self, changed: Callable[[int, int], None], late: Callable[[int, Wave, int, int], None] | None = None
    ) -> None:
        """Call `changed(the witness's pin, level)` at each change, or, at catch_up(), `late(the witness's pin, wave,
        begin, end)` for some of them (see watcher.Late)."""
        self.pico.driver.leave_waves()  # nobody may be late for it
        self._changed.append(changed)
        if late is not None:
            self._late.append(late)

    def levels(self) -> int:
        """The witness's pins, a bit each."""
        self.pico.catch_up()
        waves = self._waves & set(self._driven) - self._followed
        if waves:
            self._driven.update({gpio: self.pico.level(gpio) for gpio in waves})
            self._settle()
        return sum(level << gpio for gpio, level in self._levels.items())

    def rewire(self, wires: Mapping[int, int]) -> None:
        """Put other wires between the same pins."""
        self.pico.driver.leave_waves()  # nobody may be late for it
        self._wires = dict(wires)
        self._alone = len(set(self._wires.values())) == len(self._wires)
        self._settle()

    def stick(self, gpio: int, level: int) -> None:
        """A pin of the board is at this level from now on, whatever the chip makes of it."""
        self.pico.driver.leave_waves()  # nobody may be late for it
        self._stuck[gpio] = level
        self._settle()

    def pull(self, gpios: Iterable[int]) -> None:
        """Have the witness hold these of its pins low, and no other."""
        self.pico.driver.leave_waves()  # nobody may be late for it
        before, self._pulled = self._pulled, set(gpios)
        pulled = [gpio for gpio, witness in self._wires.items() if witness in self._pulled]
        self._opened, self._over = self._pins["stop_loop"] in pulled, self._pins["interlock"] in pulled
        if self._stage is None:
            self.pico.set_input(self._pins["stop_loop"], int(not self._opened))
            self.pico.set_input(self._pins["interlock"], int(not (self._opened or self._over)))
        else:
            self._stage.stop_opened, self._stage.over_current = self._opened, self._over
        outputs = (RUN, self._pins["interlock"], self._pins["stop_loop"])
        self.shorts += [gpio for gpio in pulled if gpio not in outputs]
        if RUN in pulled:
            # The chip stands still until it is let go: nothing is driven, nothing runs.
            self.pico.hard_reset()
            self.pico.halt_cpu()
        elif RUN in self._wires and self._wires[RUN] in before:
            self.pico.hard_reset()
        self._settle()

    def _settle(self) -> None:
        self._driven[self._pins["stop_loop"]] = int(not self._opened)
        self._driven[self._pins["interlock"]] = int(not (self._opened or self._over))
        levels = dict.fromkeys(self._levels, 0)
        weak = (RUN, self._pins["interlock"], self._pins["stop_loop"])  # held up by resistors
        driven = {witness for gpio, witness in self._wires.items() if gpio not in weak}
        for gpio, witness in self._wires.items():
            if gpio in weak and witness in driven:
                continue
            level = 1 if gpio == RUN else self._stuck.get(gpio, self._driven[gpio])
            levels[witness] = levels.get(witness, 0) | level
        for witness in self._pulled & set(levels):
            levels[witness] = 0
        for witness, level in levels.items():
            if level != self._levels.get(witness, 0):
                self._levels[witness] = level
                for changed in self._changed:
                    changed(witness, level)


class _Wire:
    """From a pin of the board; see watcher.Late."""

    def __init__(self, lines: Lines, gpio: int) -> None:
        self._lines = lines
        self._gpio = gpio

    def changed(self, level: int) -> None:
        self._lines.changed(self._gpio, level)

    def is_late(self, round_nanos: float) -> None: ...

    def may_be_late(self) -> bool:
        return self._lines.may_be_late(self._gpio)

    def told_late(self, wave: Wave, begin: int, end: int) -> None:
        self._lines.told_late(self._gpio, wave, begin, end)

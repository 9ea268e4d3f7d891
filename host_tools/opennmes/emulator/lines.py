"""The wires between an emulated board and its witness: from each pin of the board to a pin of the witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage

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
        self._pulled: set[int] = set()
        self.shorts: list[int] = []  # outputs of the board that were pulled low
        self._stuck: dict[int, int] = {}
        self._levels = dict.fromkeys(self._wires.values(), 0)
        self._driven = {gpio: 0 for gpio in self._wires if gpio != RUN}
        for gpio in self._driven:
            if gpio not in (self._pins["safe_line"], self._pins["stop_loop"]):
                self._driven[gpio] = pico.level(gpio)
                pico.watch(gpio, self._hears(gpio))
        self._alone: dict[int, int] = {}  # pins of the board with a wire of their own, and where it ends
        self._settle()

    def _hears(self, gpio: int) -> Callable[[int], None]:
        def changed(level: int) -> None:
            # The pump has 200 000 edges in a simulated second: the common case has to be short.
            self._driven[gpio] = level
            witness = self._alone.get(gpio)
            if witness is None:
                self._settle()
            else:
                self._levels[witness] = level
                for tell in self._changed:
                    tell(witness, level)

        return changed

    def watch(self, changed: Callable[[int, int], None]) -> None:
        """Call `changed(the witness's pin, level)` at each change."""
        self._changed.append(changed)

    def levels(self) -> int:
        """The witness's pins, a bit each."""
        return sum(level << gpio for gpio, level in self._levels.items())

    def rewire(self, wires: Mapping[int, int]) -> None:
        """Put other wires between the same pins."""
        self._wires = dict(wires)
        self._settle()

    def stick(self, gpio: int, level: int) -> None:
        """A pin of the board is at this level from now on, whatever the chip makes of it."""
        self._stuck[gpio] = level
        self._settle()

    def pull(self, gpios: Iterable[int]) -> None:
        """Have the witness hold these of its pins low, and no other."""
        before, self._pulled = self._pulled, set(gpios)
        pulled = [gpio for gpio, witness in self._wires.items() if witness in self._pulled]
        self._opened, self._over = self._pins["stop_loop"] in pulled, self._pins["safe_line"] in pulled
        if self._stage is None:
            self.pico.set_input(self._pins["stop_loop"], int(not self._opened))
            self.pico.set_input(self._pins["safe_line"], int(not (self._opened or self._over)))
        else:
            self._stage.stop_opened, self._stage.over_current = self._opened, self._over
        outputs = (RUN, self._pins["safe_line"], self._pins["stop_loop"])
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
        self._driven[self._pins["safe_line"]] = int(not (self._opened or self._over))
        levels = dict.fromkeys(self._levels, 0)
        weak = (RUN, self._pins["safe_line"], self._pins["stop_loop"])  # held up by resistors
        driven = {witness for gpio, witness in self._wires.items() if gpio not in weak}
        for gpio, witness in self._wires.items():
            if gpio in weak and witness in driven:
                continue
            level = 1 if gpio == RUN else self._stuck.get(gpio, self._driven[gpio])
            levels[witness] = levels.get(witness, 0) | level
        for witness in self._pulled & set(levels):
            levels[witness] = 0
        ends = list(self._wires.values())
        self._alone = {
            gpio: witness
            for gpio, witness in self._wires.items()
            if ends.count(witness) == 1 and gpio not in weak and gpio not in self._stuck and witness not in self._pulled
        }
        for witness, level in levels.items():
            if level != self._levels.get(witness, 0):
                self._levels[witness] = level
                for changed in self._changed:
                    changed(witness, level)

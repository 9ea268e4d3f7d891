"""The wires between an emulated board and its witness: from each pin of the board to a pin of the witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage

RUN = -1  # the board's reset, in the place of a pin


class Lines:
    """`wires`: the witness's pin that each pin of the board is joined to, RUN among them; several may go to one, and
    what is not there is open. `stage` has the emergency stop and the over-current comparator in it, of which the
    witness is another: what it pulls is pulled there."""

    def __init__(
        self, pico: EmulatedPico, stage: OutputStage, board: Mapping[str, Any], wires: Mapping[int, int]
    ) -> None:
        self.pico = pico
        self._stage = stage
        self._wires = dict(wires)
        self._pins = board["pins"]
        self._changed: list[Callable[[int, int], None]] = []
        self._pulled: set[int] = set()
        self.shorts: list[int] = []  # outputs of the board that were pulled low
        self._levels = dict.fromkeys(self._wires.values(), 0)
        self._driven = {gpio: 0 for gpio in self._wires if gpio != RUN}
        for gpio in self._driven:
            if gpio not in (self._pins["safe_line"], self._pins["stop_loop"]):
                self._driven[gpio] = pico.level(gpio)
                pico.watch(gpio, self._hears(gpio))
        self._settle()

    def _hears(self, gpio: int) -> Callable[[int], None]:
        def changed(level: int) -> None:
            self._driven[gpio] = level
            self._settle()

        return changed

    def watch(self, changed: Callable[[int, int], None]) -> None:
        """Call `changed(the witness's pin, level)` at each change."""
        self._changed.append(changed)

    def levels(self) -> int:
        """The witness's pins, a bit each."""
        return sum(level << gpio for gpio, level in self._levels.items())

    def pull(self, gpios: Iterable[int]) -> None:
        """Have the witness hold these of its pins low, and no other."""
        before, self._pulled = self._pulled, set(gpios)
        pulled = [gpio for gpio, witness in self._wires.items() if witness in self._pulled]
        self._stage.stop_opened = self._pins["stop_loop"] in pulled
        self._stage.over_current = self._pins["safe_line"] in pulled
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
        stop = int(not self._stage.stop_opened)
        self._driven[self._pins["stop_loop"]] = stop
        self._driven[self._pins["safe_line"]] = int(stop and not self._stage.over_current)
        levels = dict.fromkeys(self._levels, 0)
        for gpio, witness in self._wires.items():
            levels[witness] |= 1 if gpio == RUN else self._driven[gpio]
        for witness in self._pulled & set(levels):
            levels[witness] = 0
        for witness, level in levels.items():
            if level != self._levels[witness]:
                self._levels[witness] = level
                for changed in self._changed:
                    changed(witness, level)

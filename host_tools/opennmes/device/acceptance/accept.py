"""From two ports to everything that the report says: who is there, the walk over the wires, then the list of runs.

Nothing is armed before the walk has found every wire right. What a run could not do is unclear, and never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nmes.core import faults, session
from opennmes.boards import UnknownBoard, load_board, stage_of, wires
from opennmes.device import identity
from opennmes.device.acceptance import runs
from opennmes.device.acceptance.bench import Bench, Found
from opennmes.device.acceptance.promises import Row, rows
from opennmes.device.acceptance.walk import Walk, reset, walk
from opennmes.device.acceptance.wrong import PromptLost, WiresWrong, WitnessError
from opennmes.device.client import DeviceRefused, LinkError
from opennmes.device.witness import Witness
from opennmes.measure import witnessed
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim, counted
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

Progress = Callable[[str], None]
# Faults that supply, stage, resistor, lines, buttons or power cuts may make: with any other a board has not done what
# it was asked.
FROM_OUTSIDE = frozenset((
    faults.EMERGENCY_STOP, faults.OVER_CURRENT, faults.ELECTRODE_OPEN, faults.ELECTRODE_SHORT, faults.NET_CHARGE,
    faults.CURRENT_MISMATCH, faults.IDLE_CURRENT, faults.ENABLE_STUCK, faults.SENSE_FAILED, faults.TEMPERATURE,
    faults.SUPPLY_LOW, faults.IMPEDANCE_RISE, faults.BUTTON_STUCK, faults.BUTTON_CHATTER, faults.BUTTON_SHORT,
    faults.BIOFEEDBACK_INPUT, faults.WATCHDOG_RESET, faults.STORE_CORRUPT, faults.STORE_NEWER,
))  # fmt: skip
# CHIP_ID's revision (RP2040 datasheet 2.20.4; RP2350: the Pico SDK's platform.c): what is printed on the chip.
STEPPINGS = {"rp2040": ("B0", "B1", "B2"), "rp2350": ("A0", "A1", "A2")}


@dataclass
class Acceptance:
    """What was found, by whom and of whom."""

    device: dict[str, Any]
    witness: dict[str, Any]
    quick: bool
    walk: Walk
    found: list[Found] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The promises."""
        return rows(self.found)

    @property
    def verdict(self) -> str:
        """Failed when any claim is, unclear when any claim is or a promise has none, else passed."""
        verdicts = {claim.verdict for run in self.found for claim in run.claims} | {row.verdict for row in self.rows}
        return next((each for each in (FAILED, UNCLEAR) if each in verdicts), PASSED)

    @property
    def clock_ppm(self) -> tuple[float, float] | None:
        """(by how many ppm the witness's clock is faster than the device's, what that may be off), by the run that
        knows it best; None: none does."""
        known = [
            (run.report.clocks.uncertain_ppm, run.report.clocks.ppm)
            for run in self.found
            if run.report is not None and run.report.clocks.ppm is not None
            and run.report.clocks.uncertain_ppm is not None
        ]  # fmt: skip
        return (min(known)[1], min(known)[0]) if known else None


def stepping(said: dict[str, Any]) -> str:
    """Chip and stepping of a board by what is known of it, `board` and `revision`: a witness says it, of a device it is
    read at the prompt."""
    try:
        mcu = str(load_board(str(said.get("board")))["mcu"])
    except UnknownBoard:
        return "unknown"
    revision, known = int(said.get("revision", -1)), STEPPINGS.get(mcu, ())
    name = known[revision] if 0 <= revision < len(known) else f"unknown stepping, revision {revision}"
    return f"{mcu.upper()} {name}"


def accept(
    witness_port: Port,
    open_device: Callable[[], Port],
    *,
    quick: bool = False,
    list_of_runs: Sequence[Callable[[Bench], list[Found]]] | None = None,
    progress: Progress = lambda text: None,
) -> Acceptance:
    """Judge the board that `open_device` opens by the witness at a port. Raises WitnessError, WiresWrong, LinkError,
    PortError, DeviceRefused and PromptLost before anything was armed; after that what goes wrong is in the report."""
    witness = Witness(witness_port)
    witness.hello()
    if witness.identity.get("digest") != identity.witness():
        raise WitnessError(
            f"{witness_port.name}: the witness runs another firmware than belongs to these host tools (digest "
            f"{witness.identity.get('digest')}, here {identity.witness()}); nothing was put out. `nmes flash --witness "
            f"--port {witness_port.name}` puts it there"
        )
    witness.pull()
    witness.record()
    bench = Bench(witness, open_device, {}, quick=quick)
    device = _device(bench)
    bench.stage = stage_of(device["board"], device["stage"])
    made = Acceptance(device, dict(witness.identity), quick, _walked(bench, device, progress))
    planned = runs.LIST if list_of_runs is None else list_of_runs
    for number, run in enumerate(planned, start=1):
        progress(f"{number} of {len(planned)}: {(run.__doc__ or run.__name__).strip().splitlines()[0]}")
        made.found += carried_out(bench, run)
    return made


def _device(bench: Bench) -> dict[str, Any]:
    """Who is to be judged. Raises LinkError and WitnessError."""
    try:
        said = bench.connect()
    except LinkError:
        if Witness(bench.port).is_there():
            raise WitnessError(
                f"{bench.port.name}: a witness is on this board too; put OpenNMES onto the one that is to be judged "
                "(`nmes flash`). Nothing was put out"
            ) from None
        raise
    there = bench.witness.identity
    if wires(load_board(said["board"], said["stage"])) != (
        there["gpios"], there["machines"], there["level_machines"]
    ):  # fmt: skip
        raise WitnessError(
            f"the witness is made for board {bench.witness.identity['board']}, whose pins are others than those of "
            f"{said['board']}; nothing was put out. `nmes boards {said['board']}` lists the pins"
        )
    if said.get("locked_by"):
        raise LinkError(
            f"{bench.port.name}: the board is locked with key {said['locked_by']}, and a locked board gives no prompt, "
            "which the walk over the wires needs; nothing was put out. `nmes unlock --key FILE` first"
        )
    status = bench.device.status()
    if status["state"] != session.IDLE:
        what = f", fault {faults.name(status['fault'])}" if status["fault"] else ""
        raise LinkError(
            f"{bench.port.name}: the board is in state {status['state']}{what}, and the list begins in idle; nothing "
            "was put out. `nmes status` says what to do"
        )
    return said


def _walked(bench: Bench, device: dict[str, Any], progress: Progress) -> Walk:
    """Walk over all wires. Raises WiresWrong and what the walk raises."""
    progress("walking over the wires")
    bench.device.request("maintenance")
    try:
        found = walk(bench.port, bench.witness)
    except BaseException:
        _leave_prompt(bench)
        raise
    if found.wrong:
        _leave_prompt(bench)
        raise WiresWrong(found.wrong)
    device["revision"] = found.revision
    wrong = reset(bench.port, bench.witness, bench.back)
    if wrong:
        _leave_prompt(bench)
        raise WiresWrong([wrong])
    return found


def _leave_prompt(bench: Bench) -> None:
    """The board runs its firmware again, by a soft reset: the wires cannot be relied upon."""
    try:
        bench.witness.pull()
        bench.port.write(b"\x02\x04")
        bench.let_pass(0.5)
        bench.port.close()
    except (PortError, WitnessError):
        return  # the power of the board has to be switched; what is wrong is on its way up


def carried_out(bench: Bench, run: Callable[[Bench], list[Found]]) -> list[Found]:
    """What a run finds. One that cannot be carried out is unclear; failed, where the board has ended it by a fault that
    nothing outside it can make."""
    try:
        return run(bench)
    except (PortError, LinkError, DeviceRefused, PromptLost, WitnessError) as error:
        notes = "; ".join(getattr(error, "__notes__", []))
        why = f"{error}{f' ({notes})' if notes else ''}"
        name = run.__name__.replace("_", " ")
        claim = Claim("it could be carried out", None, "yes", "no", "", UNCLEAR, 0, why)
        if isinstance(error, DeviceRefused):
            claim = _with_fault(bench, claim)
        _recover(bench)
        return [Found(name, (run.__doc__ or name).strip().splitlines()[0], [claim])]


def _with_fault(bench: Bench, claim: Claim) -> Claim:
    """The claim of a run that the board refused to go on with, by the fault that it has."""
    try:
        status = bench.device.status()
        bench.let_pass(0.03)
        recording = bench.recording
        pulses = sum(level for role in witnessed.phases_of(recording) if role.startswith("phase_a")
                     for _, level in recording.edges(role))  # fmt: skip
    except (PortError, LinkError, DeviceRefused, WitnessError):
        return claim
    number = status["fault"]
    if status["state"] != session.FAULT or not number:
        return claim
    measured = f"no: fault {faults.name(number)}, after {counted(pulses, 'pulse')} on the pins"
    verdict = UNCLEAR if number in FROM_OUTSIDE or recording.lost else FAILED
    return replace(claim, measured=measured, verdict=verdict, judged=1, why=str(status["fault_text"]) or claim.why)


def _recover(bench: Bench) -> None:
    """Have the board as it is after power-on, for the next run."""
    try:
        bench.reset()
        if bench.back():
            bench.clear()
    except (PortError, LinkError, DeviceRefused, WitnessError):
        return  # the next run says so


__all__ = ["Acceptance", "WiresWrong", "accept", "carried_out"]

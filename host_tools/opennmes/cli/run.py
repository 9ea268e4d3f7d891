"""nmes run: carry out a prescription on a device."""

from __future__ import annotations

import contextlib
import datetime
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core import checklist, session
from nmes.core.reason import Refused, refuse
from opennmes.boards import stage_of
from opennmes.cli import numbers
from opennmes.cli.by_hand import Hand, check_step, keys_in_words, warning_in_words
from opennmes.cli.fault import FaultError, fault_of, in_short, in_words
from opennmes.cli.kept import number_of, the_one
from opennmes.cli.keys import Gone, Keyboard, available, keyboard
from opennmes.cli.output import (
    FAILED,
    NOT_WRITTEN,
    busy,
    can_ask,
    err,
    error,
    not_understood,
    only_once,
    out,
    print_json,
    reported,
    words,
)
from opennmes.cli.ports import Port as OnePort
from opennmes.cli.ports import only_one
from opennmes.cli.stop import account_in_words
from opennmes.cli.streams import Stream
from opennmes.cli.view import Lines, Scene, measured_in_words, shown, trigger_in_words
from opennmes.device.choose import Chosen, choose
from opennmes.device.client import ACTIVE, Device, DeviceRefused, LinkError, Message
from opennmes.device.prescriptions import pull
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError
from opennmes.ports.interrupts import held_back, stop_on_signals
from opennmes.ports.open import EMULATOR, LOAD_OHM, VIRTUAL, open_port
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess
from opennmes.prescription.schedule import refuse_outside_dates


# long: the verb's options, each with its help, are two thirds of it
def run(
    file: Annotated[Path | None, typer.Argument(help="A prescription, a TOML file.", show_default=False)] = None,
    port: OnePort = None,
    prescription_number: Annotated[
        str | None,
        typer.Option(
            "--prescription", metavar="N", help="One that the device keeps, instead of a file.", show_default=False
        ),
    ] = None,
    intensity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MA|CHANNEL=MA",
            help="Raise to this peak current by itself, 2.5 for one; where the prescription uses two channels, once "
            "for each: 0=2.5. Without it the current is zero, and on a terminal keys raise it.",
            show_default=False,
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            metavar="MA", help="How much a key raises or lowers; 1 without it, and at most.", show_default=False
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines only, nothing that moves: for a screen reader or a log.")
    ] = False,
    person_max: Annotated[
        str | None, typer.Option(metavar="MA", help="The person's own maximum; it only tightens.", show_default=False)
    ] = None,
    seconds: Annotated[
        str | None, typer.Option(metavar="S", help="Stop after this time; else at the end.", show_default=False)
    ] = None,
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="A person has confirmed the checklist.")] = False,
    vcd: Annotated[Path | None, typer.Option(help="Write pins and currents to this file (emulator).")] = None,
    load_ohm: Annotated[
        str | None,
        typer.Option(
            metavar="OHM",
            help=f"The load on each channel (emulator, virtual); {LOAD_OHM} without it.",
            show_default=False,
        ),
    ] = None,
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run (emulator).")] = None,
    device_check_only: Annotated[
        bool, typer.Option("--device-check-only", help="Leave the check to the device, which refuses by itself.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Run a prescription on a device: check, load, checklist, arm, start, raise, stop.

    On a terminal keys raise and lower the current, choose the channel, pause, resume and stop. Ctrl-C stops too.

    Example: nmes run my.toml --port virtual --intensity 5 --seconds 2 --acknowledge
    """
    named = only_one(port, "a session runs on one device, in front of the person who raises its current")
    if vcd is not None and named != EMULATOR:
        not_understood(f"--vcd needs --port {EMULATOR}: only the emulated board has its pins traced")
    if uf2 is not None and named != EMULATOR:
        not_understood(f"--uf2 needs --port {EMULATOR}: other boards run the firmware that they have")
    if load_ohm is not None and named not in (VIRTUAL, EMULATOR):
        not_understood(f"--load-ohm needs --port {VIRTUAL} or {EMULATOR}: on a board the load is what is connected")
    intensities_ua = numbers.intensities_ua("--intensity", intensity or [])
    person_max_ua = None if person_max is None else numbers.current_ua("--person-max", person_max)
    until_s = None if seconds is None else numbers.seconds("--seconds", seconds)
    step_ua = _step_ua(step)
    if (file is None) == (prescription_number is None):
        not_understood("give a FILE, or --prescription N for one that the device keeps; nmes pull --list says which")
    number = None if prescription_number is None else number_of("--prescription", prescription_number)
    as_kept = number if person_max_ua is None else None
    how = _How(intensities_ua, step_ua, until_s, acknowledge, not device_check_only, plain, as_kept)
    ohm = LOAD_OHM if load_ohm is None else numbers.whole_number("--load-ohm", load_ohm)
    with reported(json, done=False):
        stop_on_signals()
        what = _What(None if file is None else _of_today(Prescription.read(file)), number, person_max_ua)
        if vcd is not None:
            open(vcd, "ab").close()  # better now than after the session
        chosen = choose(named)
        with _doing(f"opening {chosen.where}", plain):
            opened = open_port(chosen.where, uf2=uf2, load_ohm=ohm)
        result = _with_trace(opened, vcd, chosen, what, how)
        _print_result(result, json)
    if not result["done"]:
        raise typer.Exit(FAILED)
    if vcd is not None and result["vcd"] is None:
        raise typer.Exit(NOT_WRITTEN)


def _step_ua(step: str | None) -> int | None:
    """How much a key raises, where it is said."""
    if step is None:
        return None
    step_ua = numbers.current_ua("--step", step)
    if not _has_keys():
        not_understood("--step is for the keys of a terminal, and there is none here; --intensity raises by itself")
    return step_ua


@dataclass(frozen=True)
class _What:
    """What is to be run: a file, or what the device keeps under `number`; and the person's own maximum."""

    file: Prescription | None
    number: int | None
    person_max_ua: int | None

    def wanted(self, device: Device, where: str) -> Prescription:
        """The prescription, read from the device where it is there."""
        found = self.file or _of_today(pull(device, the_one(device, where, self.number).number))
        return found if self.person_max_ua is None else found.for_person(self.person_max_ua)


def _with_trace(opened: Port, vcd: Path | None, chosen: Chosen, what: _What, how: _How) -> dict[str, Any]:
    """Carry out what is wanted at an open port. Returns what there is to say of it; its trace is kept in any case."""
    result: dict[str, Any] = {}
    try:
        with Device(opened) as device:
            result = _carry_out(device, chosen, what, how)
    except (KeyboardInterrupt, PortError):  # while the port was being closed
        if not result:
            raise
    finally:
        measured = _keep_trace(opened, vcd)
    return {**result, **measured}


def _print_result(result: dict[str, Any], json: bool) -> None:
    _say("interrupted: the session was stopped" if result["interrupted"] else f"ended: {result['ended']}")
    if result["fault"]:
        error(f"the session was ended by {in_short(result['fault'])}:", in_words(result["fault"]))
    only_once()
    if json:
        print_json(result)
    else:
        _print_account(result)


@dataclass(frozen=True)
class _How:
    """How a session is to be run, as the command line says it."""

    intensities_ua: dict[int | None, int]
    step_ua: int | None
    seconds: float | None
    acknowledged: bool
    host_check: bool
    plain: bool
    number: int | None  # that the device keeps it under, where it is run as it is kept


def _doing(text: str, plain: bool) -> contextlib.AbstractContextManager[object]:
    """On a terminal, a spinner while something takes its time."""
    return contextlib.nullcontext() if plain else busy(text)


def _has_keys() -> bool:
    """Whether a person at a terminal sees what happens and can press keys."""
    return can_ask() and sys.stderr.isatty() and available()


@contextlib.contextmanager
def _live(device: Device, scene: Scene, plain: bool) -> Iterator[None]:
    """A line that follows the session, on a terminal; with `plain` lines; elsewhere nothing."""
    lines = Lines()
    with contextlib.nullcontext() if plain else busy("running") as line:

        def show(event: Message) -> None:
            if event["event"] == "warning":
                _say(warning_in_words(event))
            if event["event"] != "status":
                return
            if line is None:
                scene.status, scene.state, scene.intensities_ua = event, event["state"], dict(device.intensities)
                lines.show(scene)
                return
            line.update(
                words(
                    f"{event['state']}  {event['elapsed_ms'] / 1000:.0f} of {event['duration_ms'] / 1000:.0f} s  "
                    f"{event['phase']} {event['part']}  {channels_in_words(event)}  {event['delivered']} pulses"
                )
            )

        device.on_event = show
        try:
            yield
        finally:
            device.on_event = None


def _carry_out(device: Device, chosen: Chosen, what: _What, how: _How) -> dict[str, Any]:
    with _doing(f"asking who is at {device.port.name}", how.plain):
        identity = device.connect()
    chosen.confirm(identity)
    _say(f"{device.port.name}: OpenNMES {identity['version']} on {identity['board']}, stage {identity['stage']}")
    latched = fault_of(device.status(), chosen.where)
    if latched:
        text = f"the device has {in_short(latched)}, which nobody has cleared; nothing runs before it is:"
        raise FaultError(text, latched)
    stage = stage_of(identity["board"], identity["stage"])
    prescription = what.wanted(device, chosen.where)
    if how.host_check:
        assessment = assess(prescription.data, stage)
        if not assessment.accepted:
            raise Refused(assessment.reasons)
    loaded = _load(device, prescription, how.number)
    _say(f"loaded: {prescription.title}, {loaded['pulses']} pulses, at most {loaded['largest_current_ua'] / 1000:g} mA")
    wanted_ua = _by_channel(how.intensities_ua, loaded)
    steps_ua = {}
    for row in loaded["channels"]:
        _check_intensity(wanted_ua[row["channel"]], loaded, stage, row["resolution_ua"])
        steps_ua[row["channel"]] = check_step(how.step_ua, row["resolution_ua"], stage["name"])
    by_hand = _has_keys()
    for channel, current_ua in wanted_ua.items():
        _say(f"channel {channel}: {_up_to(current_ua, loaded, by_hand)}")
    if stage["for_people"]:
        confirm(how.acknowledged)
    else:
        _say(f"stage {stage['name']}: pins only; there is no current, nothing is measured, and nobody may be connected")
    if isinstance(sys.stderr, Stream) and sys.stderr.gone:
        raise OSError("standard error can no longer be written: nobody could see the session; nothing was started")
    if stage["for_people"]:
        device.acknowledge()
    scene = Scene(prescription.title, loaded["largest_current_ua"], loaded["largest_source"])
    interrupted = unseen = False
    with _said_if_lost():
        try:
            with keyboard() if by_hand else contextlib.nullcontext() as keys:
                device.arm(loaded["programme_crc"])
                device.start()
                unseen = _run(device, keys, scene, wanted_ua, steps_ua, how)
        except KeyboardInterrupt:
            interrupted = True
        account, status, record = _stopped(device)
    return {
        "done": not interrupted and not unseen and status["ended"] in ("completed", "stopped"),
        "interrupted": interrupted,
        "unseen": unseen,
        "title": prescription.title,
        "identity": identity,
        "loaded": loaded,
        "intensity_ma": next(iter(wanted_ua.values())) / 1000,
        "intensities_ma": [wanted_ua[channel] / 1000 for channel in wanted_ua],
        "ended": status["ended"],
        "account": account,
        "status": status,
        "fault": fault_of(status, chosen.where),
        "record": record,
    }


@contextlib.contextmanager
def _said_if_lost() -> Iterator[None]:
    """While a session may run: what it means that the port is gone. A device with a supply of its own goes on for as
    long as it waits for its host. Raises PortError."""
    try:
        yield
    except PortError as gone:
        stops_s = (session.HOST_LOST_MS + session.FADE_MS) // 1000
        raise PortError(
            f"{gone}. A session may be running: without its host the device stops by itself within {stops_s} s; take "
            "the electrodes off. `nmes log` shows its record, once the device is there again"
        ) from None


def _load(device: Device, prescription: Prescription, number: int | None) -> Message:
    """Have the device load what is to be run, from what it keeps where it can: a locked device takes nothing else.
    Raises LinkError when that is not what was read from it any more."""
    if number is None:
        return device.load(prescription.data)
    loaded = device.select(number)
    if loaded["digest"] != prescription.digest():
        raise LinkError(
            f"{device.port.name}: prescription {number} has just been replaced by somebody else; nothing was started"
        )
    return {key: loaded[key] for key in loaded if key not in ("number", "digest")}


def _up_to(current_ua: int, loaded: Message, by_hand: bool) -> str:
    if current_ua:
        return f"up to {current_ua / 1000:g} mA"
    return f"from zero, by hand up to {loaded['largest_current_ua'] / 1000:g} mA" if by_hand else "no current"


def _run(
    device: Device,
    keys: Keyboard | None,
    scene: Scene,
    wanted_ua: dict[int, int],
    steps_ua: dict[int, int],
    how: _How,
) -> bool:
    """What runs, until it ends or is to. Returns whether it can be seen no more."""
    stream = sys.stderr  # now: the line puts something before it

    def seen() -> bool:
        return not (isinstance(stream, Stream) and stream.gone)

    if keys is None:
        _say(
            "running"
            if any(wanted_ua.values())
            else "running at zero: without --intensity there are pulses, but no current"
        )
        with _live(device, scene, how.plain):
            _let_run(device, wanted_ua, how.seconds, seen)
        return not seen()
    scene.keys = keys_in_words(steps_ua)
    _say("running" if any(wanted_ua.values()) else "running at zero: keys raise the current")
    with shown(how.plain) as view:
        hand = Hand(device, keys, view, scene, steps_ua, {} if not any(wanted_ua.values()) else dict(wanted_ua))
        try:
            hand.carry_on(how.seconds, seen)
        except Gone:
            return True
    return not seen()


def _stopped(device: Device) -> tuple[Message, Message, Message | None]:
    """Stop the session. Returns account, status and the record of its fault; Ctrl-C waits, not to lose them."""
    record = None
    with contextlib.suppress(KeyboardInterrupt), held_back():
        account = device.stop()["account"]
        status = device.status()
        with contextlib.suppress(LinkError, PortError, DeviceRefused):
            record = device.record() if status["fault"] else None
    return account, status, record


def _by_channel(intensities_ua: dict[int | None, int], loaded: Message) -> dict[int, int]:
    """What is asked for each channel that the prescription uses. Raises Refused."""
    channels = [row["channel"] for row in loaded["channels"]]
    if not intensities_ua:
        return dict.fromkeys(channels, 0)
    used = "channel " + " and ".join(map(str, channels))
    if list(intensities_ua) == [None]:
        if len(channels) == 1:
            return {channels[0]: intensities_ua[None]}
        how = " ".join(f"--intensity {channel}=MA" for channel in channels)
        refuse("not_one_each", "intensity", "one current without a channel", f"{how}, one for each", "the prescription")
    for channel in intensities_ua:
        if channel not in channels:
            refuse("channel_not_used", "intensity", f"for channel {channel}", used, "the prescription")
    for channel in channels:
        if channel not in intensities_ua:
            bound = f"--intensity {channel}=MA too; 0 mA is none"
            refuse("not_one_each", "intensity", f"no current for channel {channel}", bound, "the prescription")
    return {channel: intensities_ua[channel] for channel in channels}


def _check_intensity(current_ua: int, loaded: Message, stage: dict[str, Any], resolution_ua: int) -> None:
    """What the device would refuse on the way up is better known before it starts. Raises Refused."""
    if current_ua > loaded["largest_current_ua"]:
        refuse("above_limit", "current_ua", current_ua, loaded["largest_current_ua"], loaded["largest_source"])
    if current_ua % resolution_ua:
        lower_ua = current_ua - current_ua % resolution_ua
        bound = f"{lower_ua / 1000:g} and {(lower_ua + resolution_ua) / 1000:g} mA"
        refuse("not_representable", "current_ua", current_ua, bound, f"output stage {stage['name']}")


def _let_run(device: Device, wanted_ua: dict[int, int], seconds: float | None, seen: Callable[[], bool]) -> None:
    """Returns at the end of the session, after `seconds`, and when what is said of it can be seen no more."""
    begin_s = device.port.now_s()
    while device.state in ACTIVE and seen():
        left_s = session.HOST_LOST_MS / 1000
        if seconds is not None:
            left_s = min(left_s, begin_s + seconds - device.port.now_s())
            if left_s <= 0:
                return
        if any(device.intensities.get(channel, 0) < wanted_ua[channel] for channel in wanted_ua):
            device.steps_towards(wanted_ua)
        else:
            device.wait(left_s)


def confirm(acknowledged: bool) -> None:
    """Have a person confirm the checklist, unless --acknowledge says that one has. Raises Refused."""
    _say(f"Checklist, version {checklist.VERSION}:")
    for item in checklist.ITEMS:
        _say(f"  - {item}")
    if acknowledged:
        _say("--acknowledge: a person has confirmed every item")
    elif not can_ask():
        refuse("not_acknowledged", "checklist", "no confirmation", "a person at the terminal, or --acknowledge", "nmes")
    elif not typer.confirm("Has every item been read, and is every one true?", err=True):
        refuse("not_acknowledged", "checklist", "not confirmed", "every item confirmed", "nmes")


def _keep_trace(port: Port, vcd: Path | None) -> dict[str, Any]:
    """What was measured at the pins of channel 0, where the board is an emulated one; its trace goes into `vcd`."""
    kept: dict[str, Any] = {"measured": None, "vcd": None, "vcd_error": None}
    try:
        from opennmes.measure.pulses import summary
        from opennmes.ports.emulator import EmulatedPortWithStage

        if not isinstance(port, EmulatedPortWithStage):
            return kept
        trace = port.stage.finish()
        kept["measured"] = summary(trace, 0)
        if vcd is not None:
            trace.write_vcd(vcd)
            kept["vcd"] = str(vcd)
    except (KeyboardInterrupt, OSError) as failure:
        if vcd is None:
            return kept  # the account of the device is worth more than what was measured beside it
        why = "interrupted" if isinstance(failure, KeyboardInterrupt) else failure.strerror or str(failure)
        kept["vcd_error"] = f"the trace could not be written, {vcd} is not whole: {why}"
        error(kept["vcd_error"])
    return kept


def _of_today(prescription: Prescription) -> Prescription:
    """The same. Raises Refused on a day on which it may not be run."""
    refuse_outside_dates(prescription.about, datetime.date.today())
    return prescription


def channels_in_words(event: Message) -> str:
    """What is set on each channel and what flows, and what starts the contractions where that is not time."""
    texts = [
        f"set {row['intensity_ua'] / 1000:g} mA, now {row['output_ua'] / 1000:g} mA, {measured_in_words(row)}"
        for row in event["channels"]
    ]
    if len(texts) > 1:
        texts = [f"channel {row['channel']}: {text}" for row, text in zip(event["channels"], texts, strict=True)]
    return "; ".join([*texts, *trigger_in_words(event)])


def _say(text: str) -> None:
    err.print(words(text), soft_wrap=True)


def _print_account(result: dict[str, Any]) -> None:
    measured = result["measured"]
    with out:
        for text in account_in_words(result["account"]):
            out.print(words(text), soft_wrap=True)
        if result["unseen"]:
            out.print("stopped, because the terminal or standard error had gone: nobody could be warned")
        _print_measured(measured)


def _print_measured(measured: dict[str, Any] | None) -> None:
    if measured and measured["pulses"]:
        jitter = "unknown" if measured["jitter_ns_sd"] is None else f"{measured['jitter_ns_sd']:g} ns"
        out.print(
            f"measured at the pins and in the load: {measured['pulses']} pulses, phase {measured['width_us']:g} us, "
            f"gap {measured['gap_us']:g} us, period {measured['period_us'] or 0:g} us, its jitter {jitter}, "
            f"phase A against B {measured['ab_difference_ns']:g} ns, net charge {measured['net_charge_nc']:g} nC, "
            f"largest current {measured['current_ma']:g} mA",
            soft_wrap=True,
        )

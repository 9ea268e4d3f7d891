"""nmes run: carry out a prescription on a device."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core import checklist, session
from nmes.core.reason import Refused, refuse
from opennmes.assessment import assess
from opennmes.boards import stage_of
from opennmes.cli import numbers
from opennmes.cli.fault import FaultError, fault_of, in_short, in_words
from opennmes.cli.output import (
    FAILED,
    NOT_WRITTEN,
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
from opennmes.cli.status import PORT_HELP
from opennmes.cli.stop import account_in_words
from opennmes.cli.streams import Stream
from opennmes.client import ACTIVE, Device, DeviceRefused, LinkError, Message
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError
from opennmes.ports.interrupts import held_back, stop_on_signals
from opennmes.ports.open import EMULATOR, LOAD_OHM, open_port
from opennmes.prescription import Prescription

SPINNER = "line"  # in ASCII: not every terminal can show another


def run(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    intensity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MA|CHANNEL=MA",
            help="The peak current, 2.5 for one; where the prescription uses two channels, once for each: 0=2.5.",
            show_default=False,
        ),
    ] = None,
    person_max: Annotated[
        str | None, typer.Option(metavar="MA", help="The person's own maximum; it only tightens.", show_default=False)
    ] = None,
    seconds: Annotated[
        str | None, typer.Option(metavar="S", help="Stop after this time; else at the end.", show_default=False)
    ] = None,
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="A person has confirmed the checklist.")] = False,
    vcd: Annotated[Path | None, typer.Option(help="Write pins and currents to this file (emulator).")] = None,
    load_ohm: Annotated[str, typer.Option(metavar="OHM", help="The load on each channel (emulator, virtual).")] = str(
        LOAD_OHM
    ),
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run (emulator).")] = None,
    device_check_only: Annotated[
        bool, typer.Option("--device-check-only", help="Leave the check to the device, which refuses by itself.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Run a prescription on a device: check, load, checklist, arm, start, raise, stop. Ctrl-C stops the session."""
    if vcd is not None and port != EMULATOR:
        not_understood(f"--vcd needs --port {EMULATOR}: only the emulated board has its pins traced")
    intensities_ua = numbers.intensities_ua("--intensity", intensity or [])
    person_max_ua = None if person_max is None else numbers.current_ua("--person-max", person_max)
    until_s = None if seconds is None else numbers.seconds("--seconds", seconds)
    ohm = numbers.whole_number("--load-ohm", load_ohm)
    result: dict[str, Any] = {}
    with reported(json, done=False):
        stop_on_signals()
        prescription = Prescription.read(file)
        if person_max_ua is not None:
            prescription = prescription.for_person(person_max_ua)
        if vcd is not None:
            open(vcd, "ab").close()  # better now than after the session
        with err.status(words(f"opening {port}"), spinner=SPINNER):
            opened = open_port(port, uf2=uf2, load_ohm=ohm)
        try:
            with Device(opened) as device:
                result = _carry_out(
                    device, port, prescription, intensities_ua, until_s, acknowledge, host_check=not device_check_only
                )
        except (KeyboardInterrupt, PortError):  # while the port was being closed
            if not result:
                raise
        finally:
            measured = _keep_trace(opened, vcd)
        result.update(measured)
        _say("interrupted: the session was stopped" if result["interrupted"] else f"ended: {result['ended']}")
        if result["fault"]:
            error(f"the session was ended by {in_short(result['fault'])}:", in_words(result["fault"]))
        only_once()
        if json:
            print_json(result)
        else:
            _print_account(result)
    if not result["done"]:
        raise typer.Exit(FAILED)
    if vcd is not None and result["vcd"] is None:
        raise typer.Exit(NOT_WRITTEN)


@contextlib.contextmanager
def _live(device: Device) -> Iterator[Callable[[], bool]]:
    """A line that follows the session, on a terminal; elsewhere nothing. The value says whether what is said can still
    be seen."""
    stream = sys.stderr  # now: the line puts something before it

    def seen() -> bool:
        return not (isinstance(stream, Stream) and stream.gone)

    with err.status("running", spinner=SPINNER) as line:

        def show(event: Message) -> None:
            if event["event"] == "warning":
                _say(
                    f"warning: the load of channel {event['channel']} has grown from {event['first_ohm']} to "
                    f"{event['ohm']} ohm; at twice as much the session ends. Look at the electrodes"
                )
            if event["event"] == "status":
                line.update(
                    words(
                        f"{event['state']}  {event['elapsed_ms'] / 1000:.0f} of {event['duration_ms'] / 1000:.0f} s  "
                        f"{event['phase']} {event['part']}  {channels_in_words(event)}  {event['delivered']} pulses"
                    )
                )

        device.on_event = show
        try:
            yield seen
        finally:
            device.on_event = None


def _carry_out(
    device: Device,
    port: str,
    prescription: Prescription,
    intensities_ua: dict[int | None, int],
    seconds: float | None,
    acknowledged: bool,
    *,
    host_check: bool,
) -> dict[str, Any]:
    with err.status(words(f"asking who is at {device.port.name}"), spinner=SPINNER):
        identity = device.connect()
    _say(f"{device.port.name}: OpenNMES {identity['version']} on {identity['board']}, stage {identity['stage']}")
    latched = fault_of(device.status(), port)
    if latched:
        text = f"the device has {in_short(latched)}, which nobody has cleared; nothing runs before it is:"
        raise FaultError(text, latched)
    stage = stage_of(identity["board"], identity["stage"])
    if host_check:
        assessment = assess(prescription.data, stage)
        if not assessment.accepted:
            raise Refused(assessment.reasons)
    loaded = device.load(prescription.data)
    _say(f"loaded: {prescription.title}, {loaded['pulses']} pulses, at most {loaded['largest_current_ua'] / 1000:g} mA")
    wanted_ua = _by_channel(intensities_ua, loaded)
    for row in loaded["channels"]:
        _check_intensity(wanted_ua[row["channel"]], loaded, stage, row["grain_ua"])
    for channel, current_ua in wanted_ua.items():
        _say(f"channel {channel}: {f'up to {current_ua / 1000:g} mA' if current_ua else 'no current'}")
    if stage["for_people"]:
        _confirm(acknowledged)
    else:
        _say(f"stage {stage['name']}: pins only; there is no current, nothing is measured, and nobody may be connected")
    if isinstance(sys.stderr, Stream) and sys.stderr.gone:
        raise OSError("standard error can no longer be written: nobody could see the session; nothing was started")
    if stage["for_people"]:
        device.acknowledge()
    interrupted = unseen = False
    try:
        device.arm(loaded["programme_crc"])
        device.start()
        _say(
            "running"
            if any(wanted_ua.values())
            else "running at zero: without --intensity there are pulses, but no current"
        )
        with _live(device) as seen:
            _let_run(device, wanted_ua, seconds, seen)
            unseen = not seen()
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
        "fault": fault_of(status, port),
        "record": record,
    }


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
            bound = f"--intensity {channel}=MA too, 0 for none"
            refuse("not_one_each", "intensity", f"no current for channel {channel}", bound, "the prescription")
    return {channel: intensities_ua[channel] for channel in channels}


def _check_intensity(current_ua: int, loaded: Message, stage: dict[str, Any], grain_ua: int) -> None:
    """What the device would refuse on the way up is better known before it starts. Raises Refused."""
    if current_ua > loaded["largest_current_ua"]:
        refuse("above_limit", "current_ua", current_ua, loaded["largest_current_ua"], loaded["largest_source"])
    if current_ua % grain_ua:
        lower_ua = current_ua - current_ua % grain_ua
        bound = f"{lower_ua / 1000:g} and {(lower_ua + grain_ua) / 1000:g} mA"
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


def _confirm(acknowledged: bool) -> None:
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
    """What the bench saw on channel 0, where there is a bench; also into the file `vcd`, and why not."""
    kept: dict[str, Any] = {"measured": None, "vcd": None, "vcd_error": None}
    try:
        from opennmes.bench.measure import summary
        from opennmes.ports.emulator import EmulatorPort

        if not isinstance(port, EmulatorPort):
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


def channels_in_words(event: Message) -> str:
    """What is set on each channel and what flows."""
    texts = [
        f"set {row['intensity_ua'] / 1000:g} mA, now {row['output_ua'] / 1000:g} mA, {_measured_in_words(row)}"
        for row in event["channels"]
    ]
    if len(texts) > 1:
        texts = [f"channel {row['channel']}: {text}" for row, text in zip(event["channels"], texts, strict=True)]
    return "; ".join(texts)


def _measured_in_words(row: Message) -> str:
    if row["measured_ua"] is None:
        return "nothing is measured"
    load = f"{row['impedance_ohm']} ohm" if row["impedance_ohm"] else "an unknown load"
    return f"measured {row['measured_ua'] / 1000:g} mA into {load}"


def _say(text: str) -> None:
    err.print(words(text), soft_wrap=True)


def _print_account(result: dict[str, Any]) -> None:
    measured = result["measured"]
    with out:
        for text in account_in_words(result["account"]):
            out.print(words(text), soft_wrap=True)
        if result["unseen"]:
            out.print("stopped, because standard error could no longer be written: nobody could be warned")
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

"""nmes run: carry out a prescription on a device."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core import checklist, programme, session
from nmes.core.reason import Refused, refuse
from opennmes.assessment import assess
from opennmes.boards import stage_of
from opennmes.cli.output import FAILED, err, not_understood, out, print_json, reported, stop_on_signals, words
from opennmes.cli.status import PORT_HELP
from opennmes.client import ACTIVE, Device, Message
from opennmes.ports.base import Port
from opennmes.ports.open import EMULATOR, LOAD_OHM, open_port
from opennmes.prescription import Prescription


def run(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    intensity: Annotated[str, typer.Option(metavar="MA[,MA]", help="The peak current; of two channels: 4,3.")] = "0",
    person_max: Annotated[
        str | None, typer.Option(metavar="MA", help="The person's own maximum; it only tightens.", show_default=False)
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after this time; else at the end.")] = None,
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="A person has confirmed the checklist.")] = False,
    vcd: Annotated[Path | None, typer.Option(help="Write pins and currents to this file (emulator).")] = None,
    load_ohm: Annotated[int, typer.Option(min=0, help="The load on each channel (emulator, virtual).")] = LOAD_OHM,
    uf2: Annotated[Path | None, typer.Option(help="The firmware to run (emulator).")] = None,
    device_check_only: Annotated[
        bool, typer.Option("--device-check-only", help="Leave the check to the device, which refuses by itself.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Run a prescription on a device: check, load, checklist, arm, start, raise, stop. Ctrl-C stops the session."""
    if vcd is not None and port != EMULATOR:
        not_understood(f"--vcd needs --port {EMULATOR}: only the emulated board has its pins traced")
    intensities_ua = [_microamperes("--intensity", text) for text in intensity.split(",")]
    person_max_ua = None if person_max is None else _microamperes("--person-max", person_max)
    stop_on_signals()
    with reported(json, done=False):
        prescription = Prescription.read(file)
        if person_max_ua is not None:
            prescription = prescription.for_person(person_max_ua)
        if vcd is not None:
            vcd.touch()  # better now than after the session
        with err.status(words(f"opening {port}")):
            opened = open_port(port, uf2=uf2, load_ohm=load_ohm)
        try:
            with Device(opened) as device:
                result = _carry_out(
                    device, prescription, intensities_ua, seconds, acknowledge, host_check=not device_check_only
                )
        finally:
            measured = _keep_trace(opened, vcd)
    result = {**result, "measured": measured, "vcd": None if vcd is None else str(vcd)}
    if json:
        print_json(result)
    else:
        _print_account(result)
    if not result["done"]:
        raise typer.Exit(FAILED)


def _microamperes(option: str, text: str) -> int:
    try:
        current_ua = Decimal(text) * 1000
    except InvalidOperation:
        not_understood(f"{option} is {text!r}; it has to be a number of mA")
    if not current_ua.is_finite() or not 0 <= current_ua <= programme.CURRENT_UA[1] or current_ua % 1:
        most_ma = programme.CURRENT_UA[1] // 1000
        not_understood(f"{option} is {text} mA; it has to be 0 to {most_ma} mA with at most 3 decimals")
    return int(current_ua)


@contextlib.contextmanager
def _live(device: Device) -> Iterator[None]:
    """A line that follows the session, on a terminal; elsewhere nothing."""
    with err.status("running") as line:

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
            yield
        finally:
            device.on_event = None


def _carry_out(
    device: Device,
    prescription: Prescription,
    intensities_ua: list[int],
    seconds: float | None,
    acknowledged: bool,
    *,
    host_check: bool,
) -> dict[str, Any]:
    with err.status(words(f"asking who is at {device.port.name}")):
        identity = device.connect()
    _say(f"{device.port.name}: OpenNMES {identity['version']} on {identity['board']}, stage {identity['stage']}")
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
    _confirm(acknowledged)
    device.acknowledge()
    interrupted = False
    try:
        device.arm(loaded["programme_crc"])
        device.start()
        _say(
            "running"
            if any(intensities_ua)
            else "running at zero: without --intensity there are pulses, but no current"
        )
        with _live(device):
            _let_run(device, wanted_ua, seconds)
    except KeyboardInterrupt:
        interrupted = True
    answer = device.stop()
    status = device.status()
    _say("interrupted: the session was stopped" if interrupted else f"ended: {status['ended']}")
    return {
        "done": not interrupted and status["ended"] in ("completed", "stopped"),
        "interrupted": interrupted,
        "title": prescription.title,
        "identity": identity,
        "loaded": loaded,
        "intensity_ma": intensities_ua[0] / 1000,
        "intensities_ma": [wanted_ua[channel] / 1000 for channel in wanted_ua],
        "ended": status["ended"],
        "account": answer["account"],
        "status": status,
    }


def _by_channel(intensities_ua: list[int], loaded: Message) -> dict[int, int]:
    """What is asked for each channel that the prescription uses. Raises Refused."""
    channels = [row["channel"] for row in loaded["channels"]]
    if intensities_ua == [0]:
        return dict.fromkeys(channels, 0)
    if len(intensities_ua) != len(channels):
        asked, bound = f"{len(intensities_ua)} value(s)", f"{len(channels)}, one for each channel"
        refuse("not_one_each", "intensity", asked, bound, "the prescription")
    return dict(zip(channels, intensities_ua, strict=True))


def _check_intensity(current_ua: int, loaded: Message, stage: dict[str, Any], grain_ua: int) -> None:
    """What the device would refuse on the way up is better known before it starts. Raises Refused."""
    if current_ua > loaded["largest_current_ua"]:
        refuse("above_limit", "current_ua", current_ua, loaded["largest_current_ua"], loaded["largest_source"])
    if current_ua % grain_ua:
        lower_ua = current_ua - current_ua % grain_ua
        bound = f"{lower_ua / 1000:g} and {(lower_ua + grain_ua) / 1000:g} mA"
        refuse("not_representable", "current_ua", current_ua, bound, f"output stage {stage['name']}")


def _let_run(device: Device, wanted_ua: dict[int, int], seconds: float | None) -> None:
    begin_s = device.port.now_s()
    while device.state in ACTIVE:
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
    elif not sys.stdin.isatty():
        refuse("not_acknowledged", "checklist", "no confirmation", "a person at the terminal, or --acknowledge", "nmes")
    elif not typer.confirm("Has every item been read, and is every one true?", err=True):
        refuse("not_acknowledged", "checklist", "not confirmed", "every item confirmed", "nmes")


def _keep_trace(port: Port, vcd: Path | None) -> dict[str, Any] | None:
    """What the bench saw on channel 0, where there is a bench; also into the file `vcd`."""
    from opennmes.bench.measure import summary
    from opennmes.ports.emulator import EmulatorPort

    if not isinstance(port, EmulatorPort):
        return None
    trace = port.stage.finish()
    if vcd is not None:
        trace.write_vcd(vcd)
    return summary(trace, 0)


def channels_in_words(event: Message) -> str:
    """What is set on each channel and what flows."""
    texts = [
        f"set {row['intensity_ua'] / 1000:g} mA, now {row['output_ua'] / 1000:g} mA, "
        f"measured {row['measured_ua'] / 1000:g} mA into "
        + (f"{row['impedance_ohm']} ohm" if row["impedance_ohm"] else "an unknown load")
        for row in event["channels"]
    ]
    if len(texts) > 1:
        texts = [f"channel {row['channel']}: {text}" for row, text in zip(event["channels"], texts, strict=True)]
    return "; ".join(texts)


def _say(text: str) -> None:
    err.print(words(text), soft_wrap=True)


def _print_account(result: dict[str, Any]) -> None:
    account, measured = result["account"], result["measured"]
    out.print(
        f"{account['delivered']} pulses delivered of {account['queued'] - account['cancelled']} asked "
        f"in {account['elapsed_ms'] / 1000:g} s; {account['underruns']} came late",
        soft_wrap=True,
    )
    for row in account["channels"]:
        net_nc = row["charge_a_nc"] - row["charge_b_nc"]
        of = f", channel {row['channel']}" if len(account["channels"]) > 1 else ""
        load = f"{row['impedance_least_ohm']} to {row['impedance_most_ohm']} ohm"
        out.print(
            f"measured by the device{of}: {row['measured']} pulses, {row['missed']} missed, mean current "
            f"{row['current_mean_ua'] / 1000:g} mA, net charge {net_nc} nC, "
            f"load {load if row['impedance_most_ohm'] else 'not seen'}",
            soft_wrap=True,
        )
    if measured and measured["pulses"]:
        jitter = "unknown" if measured["jitter_ns_sd"] is None else f"{measured['jitter_ns_sd']:g} ns"
        out.print(
            f"measured at the pins and in the load: {measured['pulses']} pulses, phase {measured['width_us']:g} us, "
            f"gap {measured['gap_us']:g} us, period {measured['period_us'] or 0:g} us, its jitter {jitter}, "
            f"phase A against B {measured['ab_difference_ns']:g} ns, net charge {measured['net_charge_nc']:g} nC, "
            f"largest current {measured['current_ma']:g} mA",
            soft_wrap=True,
        )
